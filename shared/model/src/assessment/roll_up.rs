//! How children count for the account they name as their parent: what each tells it, and what they come to together.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AlertChange, Band, Moment, Money, Score, Stamp, SubjectId};

/// What the children of an account come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollUpMode {
    /// The mean of their scores, each weighing what it pays a year.
    RevenueWeighted,
    /// The mean of their scores, each weighing the seats it bought.
    SeatWeighted,
    /// The lowest of their scores.
    WorstChild,
}

/// What a child weighs beside its siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildWeight {
    /// Annual recurring revenue.
    Revenue(Money),
    /// Seats bought.
    Seats(i64),
}

/// How an account stands, as its parent needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildStanding {
    /// What people call it.
    pub name: String,
    /// Its score, made of its own children's where it has any; `None` when too little is known.
    pub score: Option<Score>,
    /// Its band, with what was set by hand.
    pub band: Band,
    /// What it weighs, where the mode asks for a weight: its own, else that of its children together. `None` when it is
    /// not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<ChildWeight>,
    /// How many levels of children lie below it, whether they count or not; at most [`RollUp::MOST_LEVELS`].
    #[serde(default)]
    pub levels: u8,
}

/// What an account told its parent last: a row in the parent's partition, written together with the child's assessment. So
/// nobody has to look for children, and what changes of one is news to the parent like any other fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// The account that tells.
    pub account: SubjectId,
    /// `None` when it is no child any more, or no watched account.
    pub standing: Option<ChildStanding>,
    /// The news that changed it.
    pub stamp: Stamp,
    /// The moment for which it holds: the child's own `as_of`.
    pub received_at: Moment,
    /// The due moment that changed it, where nobody said anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
    /// It may start something: not so the first look at a child, another model, or history.
    pub is_news: bool,
    /// What moved the child most, with the place where that can be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<AlertChange>,
}

/// What is told, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldParent {
    /// The subject that was named as the parent, in whose partition the row lies; its account may be another one.
    pub parent: SubjectId,
    /// What it was told.
    pub child: Child,
}

/// How an account stands by its children. Over all rows `gained` sums exactly to the score and `share` to 10 000.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollUp {
    /// How they are put together.
    pub mode: RollUpMode,
    /// What they come to; `None` when none of them counts, and the account is judged by its own facts.
    pub score: Option<Score>,
    /// What the account's own facts alone come to.
    pub own_score: Option<Score>,
    /// The band of that.
    pub own_band: Band,
    /// The children that count, in the order of their ids.
    pub rows: Vec<RollUpRow>,
    /// The children that do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// How many there are beyond the first [`RollUp::MOST`] by their ids, which are not looked at.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub beyond: usize,
    /// What the children that count weigh together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<ChildWeight>,
    /// How many levels of children lie below the account.
    pub levels: u8,
}

impl RollUp {
    /// The most children that are looked at: rows of so many fit into one stored item with room to spare.
    pub const MOST: usize = 500;

    /// A child with so many levels of children below it does not count. Companies are not nested that deep, and in a ring,
    /// where each lies below all others, the number rises to this and stays.
    pub const MOST_LEVELS: u8 = 8;
}

/// What one child gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollUpRow {
    /// The child.
    pub child: SubjectId,
    /// What people call it.
    pub name: String,
    /// Its score.
    pub score: Score,
    /// Its band, with what was set by hand.
    pub band: Band,
    /// What it weighs; `None` where the mode asks for no weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<ChildWeight>,
    /// Its part of the whole weight in basis points.
    pub share: u16,
    /// Basis points it gave to the score.
    pub gained: u16,
    /// Change of `gained` since the assessment before; `None` when it did not count there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<i32>,
    /// Its score then, where it was another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Score>,
}

/// A child that does not count, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The child.
    pub child: SubjectId,
    /// What people call it.
    pub name: String,
    /// Why.
    pub because: LeftOutBecause,
}

/// Why a child does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutBecause {
    /// Too little is known of it.
    NoScore,
    /// What it weighs is not known, or nothing.
    NoWeight,
    /// It pays in another currency than most of its siblings.
    OtherCurrency,
    /// It is its own ancestor, or too many levels lie below it.
    Ring,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl fmt::Display for RollUpMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RevenueWeighted => "weighted by revenue",
            Self::SeatWeighted => "weighted by seats",
            Self::WorstChild => "the worst child's",
        })
    }
}

/// `EUR 12,000`, `40 seats`.
impl fmt::Display for ChildWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revenue(arr) => arr.fmt(f),
            Self::Seats(1) => f.write_str("1 seat"),
            Self::Seats(seats) => write!(f, "{seats} seats"),
        }
    }
}

impl fmt::Display for LeftOutBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoScore => "no score",
            Self::NoWeight => "nothing known that it weighs",
            Self::OtherCurrency => "another currency",
            Self::Ring => "it is its own ancestor, or nested too deep",
        })
    }
}
