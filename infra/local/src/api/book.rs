//! The book as a whole: who is in it and why, and who looks after it.

use model::{Money, SubjectId};
use serde::{Deserialize, Serialize};

use super::BandCounts;

/// What the book is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookReport {
    /// Companies that a CRM opened, prospects included.
    pub companies: u32,
    /// How many of them are watched.
    pub watched: u32,
    /// Why they are, or are not: the rules of `[watch]`, in the order of the file.
    pub rules: Vec<WatchRow>,
    /// The bands of those that are.
    pub bands: BandCounts,
    /// Recurring revenue of those that are, in each currency.
    pub arr: Vec<Money>,
    /// Without a renewal date, without revenue, without an owner.
    pub gaps: Vec<GapRow>,
    /// How many accounts have a value of each measure, in the order of the models.
    pub measures: Vec<WiredRow>,
}

/// A rule of `[watch]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRow {
    /// `watched`, `excluded`, `own_domain` or `not_watched`.
    pub outcome: String,
    /// The part of the condition, or the domain; empty where no rule holds.
    pub rule: String,
    /// How many companies it is true of. One of which several rules are true is counted with each.
    pub companies: u32,
    /// Five of them, those with the most revenue first.
    pub examples: Vec<Named>,
}

/// A company by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its id.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
}

/// Something that is not known of some watched accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapRow {
    /// `renews_on`, `arr` or `owner`.
    pub missing: String,
    /// How many accounts.
    pub accounts: u32,
    /// Their revenue, in each currency.
    pub arr: Vec<Money>,
    /// Five of them, those with the most revenue first.
    pub examples: Vec<Named>,
}

/// How well a measure is fed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WiredRow {
    /// Its name in the model.
    pub measure: String,
    /// What people call it.
    pub label: String,
    /// How many accounts are judged by it.
    pub accounts: u32,
    /// How many of them have a value of it.
    pub valued: u32,
    /// No enabled connection can feed it.
    pub not_wired: bool,
    /// What would feed it, where nothing does.
    pub hint: Option<String>,
}

/// Who looks after the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnersReport {
    /// Watched accounts.
    pub accounts: u32,
    /// Their revenue, in each currency.
    pub arr: Vec<Money>,
    /// One row for each owner as the CRM names them, problems first, then by revenue.
    pub owners: Vec<OwnerRow>,
    /// Accounts of nobody, by revenue.
    pub without: Vec<OwnerlessRow>,
    /// The share of the revenue that nobody known looks after, in basis points; of the accounts, where no revenue is known.
    pub unowned_basis_points: u32,
}

/// An owner as the CRM names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerRow {
    /// What the CRM says.
    pub said: String,
    /// The field that says it: `csm` or `record_owner`.
    pub field: String,
    /// Who that is.
    pub state: OwnerState,
    /// Who their accounts go to.
    pub goes_to: Option<String>,
    /// How many accounts.
    pub accounts: u32,
    /// How many of them are red.
    pub red: u32,
    /// Their revenue, in each currency.
    pub arr: Vec<Money>,
    /// What mends it.
    pub hint: Option<String>,
}

/// What `team.toml` knows of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerState {
    /// Nobody in it is called so.
    Unknown,
    /// They left.
    Left,
    /// All is well.
    Known,
}

/// An account of nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerlessRow {
    /// The account.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
    /// Annual recurring revenue.
    pub arr: Option<Money>,
    /// Who of the pool takes it; `None` without a pool.
    pub goes_to: Option<String>,
}
