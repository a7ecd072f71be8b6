//! Accounts and why their scores are what they are.

use std::collections::BTreeMap;

use jiff::civil::Date;
use model::{
    Assessment, Band, Cap, ConnectionName, Contribution, DeliveryId, Evidence, Incident, MeasureState, Moment, Money,
    Override, Owner, Pending, PlaybookName, RollUp, ScorePoint, Sentiment, SubjectId,
};
use serde::{Deserialize, Serialize};

use super::MemberRow;

/// Names an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountQuery {
    /// Its id, or its name or the beginning of its name, in any case, if only one account answers to it.
    pub account: String,
    /// The moment to explain; `None` means now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Moment>,
}

/// One assessed account in the listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// The account.
    pub id: SubjectId,
    /// What people call it.
    pub name: String,
    /// 0 to 100; `None` when too little is known.
    pub score: Option<u16>,
    /// The effective band.
    pub band: Band,
    /// Annual recurring revenue.
    pub arr: Option<Money>,
    /// The next day a term ends.
    pub renews_on: Option<Date>,
    /// Days from today, in the model's zone, to that day; negative once past.
    #[serde(default)]
    pub renews_in_days: Option<i64>,
    /// The name of who looks after it.
    pub owner: Option<String>,
    /// Their email address, where known.
    #[serde(default)]
    pub owner_email: Option<String>,
    /// `name@hash` of the health model.
    pub model: String,
    /// The moment the row holds for.
    pub as_of: Moment,
}

/// Why an account's score is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The account.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
    /// 0 to 100, rounded half-up; `None` when too little is known.
    pub score: Option<u16>,
    /// The score itself, 0 to 10 000; equals `gained_total` where there is a score and no child counts for it.
    pub score_basis_points: Option<u16>,
    /// What playbooks and people act on.
    pub band: Band,
    /// What the score says.
    pub machine_band: Band,
    /// Since when the band is what it is.
    pub band_since: Moment,
    /// The moment all of this holds for.
    pub as_of: Moment,
    /// The next moment at which it can change without news.
    pub next_due_at: Option<Moment>,
    /// `name@hash` of the health model.
    pub model: String,
    /// Why this one, in a sentence.
    #[serde(default)]
    pub model_because: String,
    /// What of the configuration has changed since: `model`, `playbooks`. `barometer rescore` brings the account up to date.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outdated: Vec<String>,
    /// The score is that of a green account, and too little is known to call it green.
    #[serde(default)]
    pub provisional: bool,
    /// What the CSM says, beside what the machine says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
    /// The band set by hand, while it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
    /// An incident of ours that troubles it, while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Incident>,
    /// How much of what is wired was usable, 0 to 100.
    pub confidence: u16,
    /// Annual recurring revenue.
    pub arr: Option<Money>,
    /// The next day a term ends.
    pub renews_on: Option<Date>,
    /// The last day for giving notice of it, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_by: Option<Date>,
    /// Who looks after it, and why this person.
    pub owner: Option<Owner>,
    /// One row per measure, in the order of the model.
    pub points: Vec<PointRow>,
    /// What caps took off, in the order of the model.
    #[serde(default)]
    pub caps: Vec<CapRow>,
    /// How it stands by its children. Its own facts then make up `roll_up.own_score`, and `points` and `caps` that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roll_up: Option<RollUp>,
    /// Whom it names as its parent and counts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_for: Option<SubjectId>,
    /// The contract that counts for it, where it has none of its own and a company above it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractRow>,
    /// The sum of `points[].gained` and `caps[].points` in basis points.
    pub gained_total: u32,
    /// The sum of `points[].missed` less `caps[].points` in basis points.
    pub missed_total: u32,
    /// Runs of playbooks, newest first.
    pub episodes: Vec<EpisodeRow>,
    /// Earlier scores, newest last.
    pub history: Vec<HistoryRow>,
    /// Values that other sources, or other members, state and that are not shown: a source with more authority speaks, or
    /// one nearer to the account.
    pub also_said: Vec<AlsoSaid>,
    /// Every subject whose facts count for the account, the account itself first.
    #[serde(default)]
    pub members: Vec<MemberRow>,
}

/// A contract that a company above the account has, the nearest that has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractRow {
    /// Who has it.
    pub holder: SubjectId,
    /// What people call them.
    pub name: String,
    /// Annual recurring revenue.
    pub arr: Option<Money>,
    /// The next day a term ends.
    pub renews_on: Option<Date>,
}

/// What one measure gave and cost. Over all rows `gained` sums exactly to the score and `missed` to the rest of 10 000.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointRow {
    /// The measure's name in the model.
    pub measure: String,
    /// What people call it.
    pub label: String,
    /// The dimension it belongs to.
    pub dimension: String,
    /// How it took part.
    pub state: MeasureState,
    /// The measured value as a person reads it.
    pub value: Option<String>,
    /// The measure's own points, 0 to 10 000; `None` when left out.
    pub points: Option<u16>,
    /// Basis points it gave to the score.
    pub gained: u16,
    /// Basis points it could have given and did not.
    pub missed: u16,
    /// Change of `gained` since the assessment before.
    pub change: Option<i32>,
    /// The condition whose points were taken, where the measure has points of its own for some accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// The last day its connection was heard, while it is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_since: Option<Date>,
    /// The last day a held value counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Date>,
    /// Other points than those that count, seen too few times so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// The fact it was computed from.
    pub evidence: Option<EvidenceRow>,
}

/// What a cap that holds took off the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapRow {
    /// Its name in the model.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// The best band it allows.
    pub at_most: Band,
    /// Basis points, negative; 0 where the score was no higher anyway.
    pub points: i32,
    /// The values its condition reads, as a person reads them, by what people call them.
    pub because: BTreeMap<String, String>,
    /// The fact behind the first of them.
    pub evidence: Option<EvidenceRow>,
}

/// Where a value stands in the bytes a vendor sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRow {
    /// The subject the fact was stated about.
    pub subject: SubjectId,
    /// The field it was mapped to.
    pub field: String,
    /// Where in the vendor's body the value stands.
    pub path: String,
    /// The vendor's bytes of the value.
    pub raw: String,
    /// The delivery that holds them.
    pub delivery: DeliveryId,
    /// When the vendor says it became true.
    pub occurred_at: Moment,
}

/// One run of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpisodeRow {
    /// Its row at its home, unique within the home.
    pub episode: String,
    /// The playbook.
    pub playbook: PlaybookName,
    /// `open`, `recovering` or `closed`.
    pub state: EpisodePhase,
    /// Why it opened, in one sentence.
    pub why: String,
    /// When it opened.
    pub opened_at: Moment,
    /// Since when it recovers, or when it closed.
    pub since: Option<Moment>,
    /// Why it closed.
    pub closed_because: Option<String>,
    /// Who said that they take care of it: by name where `team.toml` has one for their Slack id, else that id.
    #[serde(default)]
    pub claimed_by: Option<String>,
    /// When they said so.
    #[serde(default)]
    pub claimed_at: Option<Moment>,
    /// Nothing is asked for before then, because somebody snoozed it.
    #[serde(default)]
    pub snoozed_until: Option<Moment>,
}

/// Where a run of a playbook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpisodePhase {
    /// Running.
    Open,
    /// Running, and what it was opened for is over, though not for long enough yet.
    Recovering,
    /// Over.
    Closed,
}

/// An earlier score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// The moment it held for.
    pub as_of: Moment,
    /// 0 to 100.
    pub score: Option<u16>,
    /// The effective band.
    pub band: Band,
}

/// A value that is known and not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlsoSaid {
    /// The field.
    pub field: String,
    /// Who says so.
    pub connection: ConnectionName,
    /// What they say it about.
    pub subject: SubjectId,
    /// What they say, as a person reads it.
    pub value: String,
    /// The connection whose word is shown instead.
    pub shown: ConnectionName,
    /// When it became true by their word.
    pub occurred_at: Moment,
    /// The delivery that says so.
    pub delivery: DeliveryId,
    /// Where in its body.
    pub path: String,
    /// The vendor's bytes of it.
    pub raw: String,
}

impl From<&Assessment> for AccountRow {
    fn from(assessment: &Assessment) -> Self {
        let card = &assessment.card;
        Self {
            id: assessment.account.clone(),
            name: card.name.clone(),
            score: assessment.score.map(model::Score::shown),
            band: assessment.band,
            arr: card.arr,
            renews_on: card.renews_on,
            renews_in_days: None,
            owner: card.owner.as_ref().map(|owner| owner.name.clone()),
            owner_email: card.owner.as_ref().and_then(|owner| owner.email.clone()),
            model: assessment.model.to_string(),
            as_of: assessment.as_of,
        }
    }
}

impl AccountRow {
    /// The row with its days counted from `today`.
    #[must_use]
    pub fn counted_from(self, today: Date) -> Self {
        let days = |day: Date| today.until(day).ok().map(|span| i64::from(span.get_days()));
        Self { renews_in_days: self.renews_on.and_then(days), ..self }
    }
}

impl Explanation {
    /// Puts an assessment and what stands beside it into one answer.
    pub fn new(
        assessment: &Assessment,
        episodes: &[model::Episode],
        also_said: Vec<AlsoSaid>,
        members: Vec<MemberRow>,
    ) -> Self {
        let points: Vec<PointRow> = assessment.contributions.iter().map(PointRow::from).collect();
        let caps: Vec<CapRow> = assessment.caps.iter().map(CapRow::from).collect();
        let taken: u32 = caps.iter().map(|cap| cap.points.unsigned_abs()).sum();
        let gained: u32 = points.iter().map(|row| u32::from(row.gained)).sum();
        let missed: u32 = points.iter().map(|row| u32::from(row.missed)).sum();
        let mut episodes: Vec<EpisodeRow> = episodes.iter().map(EpisodeRow::from).collect();
        episodes.sort_by_key(|row| std::cmp::Reverse(row.opened_at));
        Self {
            account: assessment.account.clone(),
            name: assessment.card.name.clone(),
            score: assessment.score.map(model::Score::shown),
            score_basis_points: assessment.score.map(model::Score::basis_points),
            band: assessment.band,
            machine_band: assessment.machine_band,
            band_since: assessment.band_since,
            as_of: assessment.as_of,
            next_due_at: assessment.next_due_at,
            model: assessment.model.to_string(),
            model_because: assessment.model_because.clone(),
            outdated: vec![],
            provisional: assessment.provisional,
            sentiment: assessment.sentiment.clone(),
            overridden: assessment.overridden.clone(),
            incident: assessment.incident.clone(),
            confidence: (assessment.confidence + 50) / 100,
            arr: assessment.card.arr,
            renews_on: assessment.card.renews_on,
            notice_by: assessment.card.notice_by,
            owner: assessment.card.owner.clone(),
            gained_total: gained.saturating_sub(taken),
            missed_total: missed + taken,
            roll_up: assessment.rolled_up.clone(),
            counts_for: assessment.told_parent.as_ref().map(|told| told.parent.clone()),
            contract: None,
            caps,
            points,
            episodes,
            history: assessment.history.iter().map(HistoryRow::from).collect(),
            also_said,
            members,
        }
    }
}

impl From<&Contribution> for PointRow {
    fn from(row: &Contribution) -> Self {
        Self {
            measure: row.measure.clone(),
            label: row.label.clone(),
            dimension: row.dimension.clone(),
            state: row.state,
            value: row.value.clone(),
            points: row.points,
            gained: row.gained,
            missed: row.missed,
            change: row.change,
            case: row.case.clone(),
            stale_since: row.stale_since,
            held_until: row.held_until,
            pending: row.pending,
            evidence: row.evidence.as_ref().map(EvidenceRow::from),
        }
    }
}

impl From<&Cap> for CapRow {
    fn from(cap: &Cap) -> Self {
        Self {
            name: cap.name.clone(),
            label: cap.label.clone(),
            at_most: cap.at_most,
            points: cap.points,
            because: cap.because.clone(),
            evidence: cap.evidence.as_ref().map(EvidenceRow::from),
        }
    }
}

impl From<&Evidence> for EvidenceRow {
    fn from(evidence: &Evidence) -> Self {
        Self {
            subject: evidence.subject.clone(),
            field: evidence.field.clone(),
            path: evidence.path.clone(),
            raw: evidence.raw.clone(),
            delivery: evidence.stamp.delivery.clone(),
            occurred_at: evidence.stamp.occurred_at,
        }
    }
}

impl From<&model::Episode> for EpisodeRow {
    fn from(episode: &model::Episode) -> Self {
        let (state, since, closed_because) = match episode.state {
            model::EpisodeState::Open { recovering_since: None } => (EpisodePhase::Open, None, None),
            model::EpisodeState::Open { recovering_since } => (EpisodePhase::Recovering, recovering_since, None),
            model::EpisodeState::Closed { at, why } => (EpisodePhase::Closed, Some(at), Some(why.to_string())),
        };
        Self {
            episode: episode.key.row(),
            playbook: episode.key.playbook.clone(),
            state,
            why: episode.why.clone(),
            opened_at: episode.opened_at,
            since,
            closed_because,
            claimed_by: episode.handled.claimed.as_ref().map(|claimed| claimed.by.clone()),
            claimed_at: episode.handled.claimed.as_ref().map(|claimed| claimed.at),
            snoozed_until: episode.handled.snoozed_until,
        }
    }
}

impl From<&ScorePoint> for HistoryRow {
    fn from(point: &ScorePoint) -> Self {
        Self { as_of: point.as_of, score: point.score.map(model::Score::shown), band: point.band }
    }
}
