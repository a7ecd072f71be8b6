//! What health decided about an account, in numbers that add up.

mod band;
mod contribution;
mod memory;
mod roll_up;
mod trend;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use band::{Band, Bands, OutOfRange, Score};
pub use contribution::{AlsoSaid, Cap, Contribution, Counted, DimensionScore, Evidence, MeasureState, Pending};
pub use memory::{Evaluation, Incident, Memory, Override, Remembered, Sentiment};
pub use roll_up::{
    Child, ChildStanding, ChildWeight, LeftOut, LeftOutBecause, RollUp, RollUpMode, RollUpRow, ToldParent,
};
pub use trend::{ScorePoint, Trend};

use crate::{ActionId, DeliveryId, EventId, Moment, Money, PlaybookName, RunwayMark, SubjectId, WrittenBack};

/// Which version of a configuration was used: its name and the first 12 hexadecimal digits of its content hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VersionName {
    /// The name people gave it.
    pub name: String,
    /// Changes whenever the content does.
    pub hash: String,
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.hash)
    }
}

/// The person responsible, and why this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Owner {
    /// What they are called; the CRM's own text where `team.toml` does not know them.
    pub name: String,
    /// Their email address, where known.
    pub email: Option<String>,
    /// How they were found, such as `csm property of the CRM`.
    pub reason: String,
}

/// How the renewal that listings show stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RenewalStatus {
    /// Not decided; past due when its day is over.
    Open,
    /// The customer leaves when the term ends.
    Lost,
}

impl fmt::Display for RenewalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Lost => "lost",
        })
    }
}

/// What listings show of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCard {
    /// Its name; the id where no source gave one.
    pub name: String,
    /// Annual recurring revenue, where known.
    pub arr: Option<Money>,
    /// The next day a term ends, where known.
    pub renews_on: Option<Date>,
    /// Days of notice before that, where known.
    pub notice_days: Option<i64>,
    /// The last day on which notice can be given, where known: that of a term that ends by itself is its last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_by: Option<Date>,
    /// Whose word `renews_on` is: the company or a deal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_of: Option<SubjectId>,
    /// How the renewal of that day stands; `None` without such a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_status: Option<RenewalStatus>,
    /// What is to be renewed that day, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_amount: Option<Money>,
    /// The CRM's lifecycle stage.
    pub lifecycle_stage: Option<String>,
    /// Who looks after it.
    pub owner: Option<Owner>,
    /// The company that it names as its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SubjectId>,
}

impl AccountCard {
    /// Whether a contract is known: what it pays, or when a term ends.
    pub fn has_contract(&self) -> bool {
        self.arr.is_some() || self.renews_on.is_some()
    }
}

/// The computed result for one account: a pure function of its facts, the assessment before and its open episodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The account.
    pub account: SubjectId,
    /// What listings show.
    pub card: AccountCard,
    /// What its children come to, where it is rolled up and one of them counts; else what its measures do, `None` when
    /// their coverage is too low.
    pub score: Option<Score>,
    /// What the score says.
    pub machine_band: Band,
    /// What playbooks and people act on: the band set by hand while there is one, else the machine's.
    pub band: Band,
    /// Since when the band is what it is.
    pub band_since: Moment,
    /// The score is that of a green account, and too little is known to call it green.
    #[serde(default, skip_serializing_if = "is_false")]
    pub provisional: bool,
    /// What the CSM says, beside what the machine says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
    /// The band set by hand, while it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
    /// An incident of ours that troubles it, while it lasts: what tickets alone would start is held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Incident>,
    /// The first day on which the machine said green and people red, or the other way round, without a break since then;
    /// people are who set the band by hand, else the CSM. `None` while they are no further apart than neighbours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart_since: Option<Date>,
    /// They have been apart for so long that somebody should ask why.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_apart: bool,
    /// Weight of live values ÷ wired weight, in basis points.
    pub confidence: u16,
    /// As `confidence`, with values that are held or stale.
    #[serde(default)]
    pub coverage: u16,
    /// One row per measure, in the order of the model.
    pub contributions: Vec<Contribution>,
    /// The caps that hold, in the order of the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<Cap>,
    /// The groups of measures, in the order of the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<DimensionScore>,
    /// The moment this holds for: the latest time of receipt of its facts, or its tick.
    pub as_of: Moment,
    /// The next moment at which it can change without news; `None` when it cannot.
    pub next_due_at: Option<Moment>,
    /// Which health model.
    pub model: VersionName,
    /// Why this one, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model_because: String,
    /// Content hash of the playbooks.
    pub playbooks: String,
    /// Earlier scores, newest last, at most [`Assessment::HISTORY`].
    pub history: Vec<ScorePoint>,
    /// The playbooks that have an open episode among the members. One that is here and has none at the next look left with
    /// the member at which it lives.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub running: BTreeSet<PlaybookName>,
    /// The message that starts the thread of each of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub threads: BTreeMap<PlaybookName, ActionId>,
    /// The playbooks whose starting condition holds: they start when it did not hold at the look before.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub held: BTreeSet<PlaybookName>,
    /// The scores from 0 to 10 of the recent survey answers that were looked at, by response: one that is not here is
    /// news. `None` in an assessment that knew nothing of answers yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<BTreeMap<SubjectId, i64>>,
    /// How far each term is on the way to its renewal, by term.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runway: BTreeMap<String, RunwayMark>,
    /// How it stands by its children; `None` without any, or where they are not rolled up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_up: Option<RollUp>,
    /// What its parent was told last; `None` while it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_parent: Option<ToldParent>,
    /// What its record in the CRM was asked to show last; `None` where nothing is written back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_back: Option<WrittenBack>,
    /// When it was asked last how its tasks in the CRM stand; `None` while there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks_read_at: Option<Moment>,
    /// What the next assessment must know of this one.
    #[serde(default)]
    pub memory: Memory,
    /// What held before this news; `None` for the first assessment. Computing the same news again (a record delivered
    /// twice, a fact that came a moment later) starts from here, and so gives the same numbers.
    pub before: Option<Prior>,
}

/// What an assessment is compared with: the one before its news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prior {
    /// The moment it held for.
    pub as_of: Moment,
    /// Its score.
    pub score: Option<Score>,
    /// What its score said.
    pub machine_band: Band,
    /// Its effective band.
    pub band: Band,
    /// Since when the band was what it was.
    pub band_since: Moment,
    /// How far each term was on the way to its renewal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runway: BTreeMap<String, RunwayMark>,
    /// Its measures by name: basis points gained, value and points.
    pub measures: BTreeMap<String, (u16, Counted)>,
    /// The caps that held, by name: basis points taken, negative.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub caps: BTreeMap<String, i32>,
    /// The children that counted: basis points gained, and their scores.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub children: BTreeMap<SubjectId, (u16, Score)>,
    /// Since when the machine and people were apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart_since: Option<Date>,
    /// What it handed on.
    #[serde(default)]
    pub memory: Memory,
}

impl From<&Assessment> for Prior {
    fn from(assessment: &Assessment) -> Self {
        let measure =
            |c: &Contribution| (c.measure.clone(), (c.gained, Counted { value: c.value.clone(), points: c.points }));
        Self {
            as_of: assessment.as_of,
            score: assessment.score,
            machine_band: assessment.machine_band,
            band: assessment.band,
            band_since: assessment.band_since,
            runway: assessment.runway.clone(),
            measures: assessment.contributions.iter().map(measure).collect(),
            caps: assessment.caps.iter().map(|cap| (cap.name.clone(), cap.points)).collect(),
            children: assessment.children().map(|row| (row.child.clone(), (row.gained, row.score))).collect(),
            apart_since: assessment.apart_since,
            memory: assessment.memory.clone(),
        }
    }
}

impl Assessment {
    /// The facts behind it: of measures, of the caps that hold, and of the band set by hand.
    pub fn stated(&self) -> impl Iterator<Item = &Evidence> {
        let measures = self.contributions.iter().filter_map(|row| row.evidence.as_ref());
        let caps = self.caps.iter().filter_map(|cap| cap.evidence.as_ref());
        measures.chain(caps).chain(self.overridden.iter().filter_map(|set| set.evidence.as_ref()))
    }

    /// The children that count for it.
    pub fn children(&self) -> impl Iterator<Item = &RollUpRow> {
        self.rolled_up.iter().flat_map(|rolled| &rolled.rows)
    }

    /// What its own facts alone come to, whatever its children do.
    pub fn own_score(&self) -> Option<Score> {
        self.rolled_up.as_ref().map_or(self.score, |rolled| rolled.own_score)
    }

    /// The caps that hold now and did not before, and take something.
    pub fn new_caps(&self) -> impl Iterator<Item = &Cap> {
        let held = |cap: &Cap| self.before.as_ref().is_some_and(|before| before.caps.contains_key(&cap.name));
        self.caps.iter().filter(move |cap| cap.points < 0 && !held(cap))
    }

    /// The fact by which time has lowered it: of a new cap, else of the measure that fell most.
    pub fn lowered_by_time(&self) -> Option<&Evidence> {
        let cap = self.new_caps().find_map(|cap| cap.evidence.as_ref());
        let fell = self.contributions.iter().filter(|row| row.change.is_some_and(|change| change < 0));
        cap.or_else(|| fell.min_by_key(|row| row.change)?.evidence.as_ref())
    }

    /// For how many days the machine and people have been apart on a day of the reporting zone; `None` while they are not.
    pub fn days_apart(&self, on: Date) -> Option<i64> {
        let since = self.apart_since?;
        since.until(on).ok().map(|span| i64::from(span.get_days()))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What the ASSESSMENT row holds. The row stays when the account is no longer assessed, because its version guards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessed {
    /// Raised by every recompute; 0 means there is no row.
    pub version: u64,
    /// `None` while the subject is not a watched account.
    pub assessment: Option<Assessment>,
}

/// A decision, an alert or an outcome, in the order people read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// The account.
    pub account: SubjectId,
    /// The moment it holds for.
    pub at: Moment,
    /// The event or action it tells of; makes the row idempotent.
    pub id: String,
    /// The kind, such as `band_changed` or `slack_alert`.
    pub kind: String,
    /// One sentence.
    pub text: String,
    /// The delivery behind it.
    pub delivery: Option<DeliveryId>,
    /// The event it belongs to, where there is one.
    pub event: Option<EventId>,
}
