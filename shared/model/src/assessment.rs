//! What health decided about an account, in numbers that add up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{ConnectionName, DeliveryId, EventId, Moment, Money, PlaybookName, Stamp, SubjectId};

/// Health in basis points: 0 (about to leave) to 10 000 (thriving). Higher is always healthier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
#[schemars(extend("maximum" = 10_000))]
pub struct Score(u16);

/// A score above 10 000 basis points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} basis points; a score is at most 10 000")]
pub struct OutOfRange(pub u16);

impl Score {
    /// The healthiest score.
    pub const MAX: u16 = 10_000;

    /// # Errors
    /// When `basis_points` is above 10 000.
    pub fn new(basis_points: u16) -> Result<Self, OutOfRange> {
        if basis_points <= Self::MAX { Ok(Self(basis_points)) } else { Err(OutOfRange(basis_points)) }
    }

    /// 0 to 10 000.
    pub fn basis_points(self) -> u16 {
        self.0
    }

    /// 0 to 100, rounded half-up: what people see.
    pub fn shown(self) -> u16 {
        (self.0 + 50) / 100
    }
}

impl TryFrom<u16> for Score {
    type Error = OutOfRange;
    fn try_from(basis_points: u16) -> Result<Self, OutOfRange> {
        Self::new(basis_points)
    }
}

impl From<Score> for u16 {
    fn from(score: Score) -> Self {
        score.0
    }
}

/// As people see it: 0 to 100.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shown())
    }
}

/// The colour of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// At or above the green edge.
    Green,
    /// Between the edges.
    Yellow,
    /// Below the red edge.
    Red,
    /// Too little is known.
    Unknown,
}

impl Band {
    /// The name in configuration and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The borders between bands, in basis points. Bands are half-open: `red < yellow_from ≤ yellow < green_from ≤ green`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bands {
    /// The lowest yellow score.
    pub yellow_from: u16,
    /// The lowest green score.
    pub green_from: u16,
    /// A red account turns yellow only from here.
    pub leave_red_at: u16,
    /// A yellow account turns green only from here.
    pub enter_green_at: u16,
}

impl Bands {
    /// The band of `score` for an account that was in `previous`: with hysteresis at both borders, so a score that
    /// trembles at a border changes the band once.
    pub fn of(&self, score: Score, previous: Option<Band>) -> Band {
        let points = score.basis_points();
        let yellow_from = if previous == Some(Band::Red) { self.leave_red_at } else { self.yellow_from };
        let green_from = match previous {
            Some(Band::Red | Band::Yellow) => self.enter_green_at,
            Some(Band::Green | Band::Unknown) | None => self.green_from,
        };
        if points >= green_from {
            Band::Green
        } else if points >= yellow_from {
            Band::Yellow
        } else {
            Band::Red
        }
    }
}

/// What the fact behind a contribution is and where it can be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The subject the fact was stated about.
    pub subject: SubjectId,
    /// The field's name.
    pub field: String,
    /// Where in the vendor's body the value stands.
    pub path: String,
    /// The vendor's bytes of the value.
    pub raw: String,
    /// Who said so and when.
    #[serde(flatten)]
    pub stamp: Stamp,
}

/// What another source, or another member of the account, says of the same; [`Evidence`] holds what counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlsoSaid {
    /// Who says so.
    pub connection: ConnectionName,
    /// The subject it was stated about.
    pub subject: SubjectId,
    /// The field's name.
    pub field: String,
    /// The value as a person reads it.
    pub value: String,
    /// Where in the vendor's body it stands.
    pub path: String,
    /// The vendor's bytes of it.
    pub raw: String,
    /// When the source says it became true.
    pub occurred_at: Moment,
}

impl AlsoSaid {
    /// The most that a contribution names.
    pub const MOST: usize = 8;
}

/// How a measure took part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeasureState {
    /// It had a value.
    Counted,
    /// No value for this account; the measure was left out.
    Skipped,
    /// No value for this account; 50 points were assumed.
    Neutral,
    /// No value for this account; 0 points were assumed.
    Worst,
    /// No configured connection can feed it; it does not count towards coverage.
    NotWired,
}

/// What one measure gave or cost. Over all measures `gained` sums exactly to the score, `missed` to 10 000 − score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// The measure's name in the model.
    pub measure: String,
    /// What people call it.
    pub label: String,
    /// The dimension it belongs to.
    pub dimension: String,
    /// How it took part.
    pub state: MeasureState,
    /// The measured value as a person reads it, such as `47 days`; `None` when there is none.
    pub value: Option<String>,
    /// The measure's own points, 0 to 10 000; `None` when left out.
    pub points: Option<u16>,
    /// Basis points it gave to the score.
    pub gained: u16,
    /// Basis points it could have given and did not.
    pub missed: u16,
    /// Change of `gained` since the assessment before; `None` without one.
    pub change: Option<i32>,
    /// `value` and `points` of the assessment before, where they differ from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Counted>,
    /// The fact it was computed from.
    pub evidence: Option<Evidence>,
    /// What others say instead, the next in authority first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_said: Vec<AlsoSaid>,
}

/// A measure's value and points at another time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The value as a person reads it.
    pub value: Option<String>,
    /// The points, 0 to 10 000.
    pub points: Option<u16>,
}

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
}

/// A score of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScorePoint {
    /// The moment it held for.
    pub as_of: Moment,
    /// The score, where there was one.
    pub score: Option<Score>,
    /// The effective band.
    pub band: Band,
}

/// The computed result for one account: a pure function of its facts, the assessment before and its open episodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The account.
    pub account: SubjectId,
    /// What listings show.
    pub card: AccountCard,
    /// `None` when coverage is too low.
    pub score: Option<Score>,
    /// What the score says.
    pub machine_band: Band,
    /// What playbooks and people act on.
    pub band: Band,
    /// Since when the band is what it is.
    pub band_since: Moment,
    /// Usable weight ÷ wired weight, in basis points.
    pub confidence: u16,
    /// One row per measure, in the order of the model.
    pub contributions: Vec<Contribution>,
    /// The moment this holds for: the latest time of receipt of its facts, or its tick.
    pub as_of: Moment,
    /// The next moment at which it can change without news; `None` when it cannot.
    pub next_due_at: Option<Moment>,
    /// Which health model.
    pub model: VersionName,
    /// Content hash of the playbooks.
    pub playbooks: String,
    /// Earlier scores, newest last, at most [`Assessment::HISTORY`].
    pub history: Vec<ScorePoint>,
    /// The playbooks that have an open episode among the members. One that is here and has none at the next look left with
    /// the member at which it lives.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub running: BTreeSet<PlaybookName>,
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
    /// Its measures by name: basis points gained, value and points.
    pub measures: BTreeMap<String, (u16, Counted)>,
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
            measures: assessment.contributions.iter().map(measure).collect(),
        }
    }
}

impl Assessment {
    /// How many earlier scores an assessment carries.
    pub const HISTORY: usize = 30;
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

#[cfg(test)]
mod tests {
    use super::*;

    const BANDS: Bands = Bands { yellow_from: 4_000, green_from: 7_000, leave_red_at: 4_500, enter_green_at: 7_400 };

    #[track_caller]
    fn check(basis_points: u16, previous: Option<Band>, expected: Band) {
        assert_eq!(BANDS.of(Score::new(basis_points).unwrap(), previous), expected, "{basis_points} from {previous:?}");
    }

    #[test]
    fn a_band_includes_its_lower_edge() {
        check(7_000, None, Band::Green);
        check(6_999, None, Band::Yellow);
        check(4_000, None, Band::Yellow);
        check(3_999, None, Band::Red);
    }

    #[test]
    fn a_band_is_left_upwards_only_past_its_border() {
        check(4_499, Some(Band::Red), Band::Red);
        check(4_500, Some(Band::Red), Band::Yellow);
        check(7_399, Some(Band::Yellow), Band::Yellow);
        check(7_400, Some(Band::Yellow), Band::Green);
        check(7_399, Some(Band::Red), Band::Yellow);
        check(7_000, Some(Band::Green), Band::Green);
        check(6_999, Some(Band::Green), Band::Yellow);
        check(3_999, Some(Band::Yellow), Band::Red);
    }

    #[test]
    fn a_score_is_shown_rounded_half_up() {
        let shown = |basis_points| Score::new(basis_points).unwrap().shown();
        assert_eq!((shown(6_949), shown(6_950), shown(10_000), shown(0)), (69, 70, 100, 0));
        assert_eq!(Score::new(10_001), Err(OutOfRange(10_001)));
    }
}
