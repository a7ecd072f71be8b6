//! What each measure and each cap gave or cost, with the fact behind it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Band, ConnectionName, Moment, Score, Stamp, SubjectId};

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
    /// No value for this account any more; the last one that counted still does, for the days its measure allows.
    Held,
    /// Its connection is silent; what it said until then still counts, and lowers the confidence.
    Stale,
    /// No configured connection can feed it; it does not count towards coverage.
    NotWired,
}

impl MeasureState {
    /// Its points come from what a source said of this account, now or earlier, and so count towards coverage.
    pub fn is_covered(self) -> bool {
        match self {
            Self::Counted | Self::Held | Self::Stale => true,
            Self::Skipped | Self::Neutral | Self::Worst | Self::NotWired => false,
        }
    }
}

/// What one measure gave or cost. Over all measures and caps, `gained` + `points` sums exactly to the score, and `missed` −
/// `points` to 10 000 − score.
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
    /// Its share of the account's score in basis points, 10 000 over all measures; 0 when it took no part.
    #[serde(default)]
    pub weight: u16,
    /// The condition whose points were taken, where the measure has points of its own for some accounts and this is one.
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

/// A change of a measure's points that is not yet believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The points that were seen last, 0 to 10 000.
    pub points: u16,
    /// In how many evaluations in a row the change was seen,
    pub seen: u8,
    /// and in how many it must be seen.
    pub of: u8,
}

/// What a cap that holds took off the weighted score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
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
    pub evidence: Option<Evidence>,
}

/// How one group of measures stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionScore {
    /// Its name in the model.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// The mean of its measures; `None` when too little of it is known.
    pub score: Option<Score>,
    /// The share of its wired weight that has a value, in basis points.
    pub coverage: u16,
}
