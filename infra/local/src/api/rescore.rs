//! Accounts under a changed configuration.

use model::{Band, DeliveryId, Money, SubjectId};
use serde::{Deserialize, Serialize};
use store::BookPlace;

/// Asks what the configuration of today makes of some of the accounts; nothing changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescoreQuery {
    /// [`RescorePage::next`] of the page before; `None` for the first.
    #[serde(default)]
    pub after: Option<BookPlace>,
    /// Only these, at most [`RescoreRequest::MOST`], instead of a page of the book.
    #[serde(default)]
    pub accounts: Vec<SubjectId>,
}

/// Some of the accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescorePage {
    /// Those that were looked at.
    pub rows: Vec<RescoreRow>,
    /// Where to go on; `None` once all were looked at.
    pub next: Option<BookPlace>,
    /// `name@hash` of the health model of today.
    pub model: String,
}

/// How an account is scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoredRow {
    /// 0 to 100; `None` when too little is known.
    pub score: Option<u16>,
    /// The effective band.
    pub band: Band,
    /// `name@hash` of the health model.
    pub model: String,
}

/// What the configuration of today makes of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescoreRow {
    /// The account.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
    /// Annual recurring revenue.
    pub arr: Option<Money>,
    /// As it was scored last.
    pub from: ScoredRow,
    /// As it is scored by the configuration of today; `None` where it is not watched any more.
    pub to: Option<ScoredRow>,
    /// A rescore changes more than the days that passed did: what the score is made of, the band, or only the versions that
    /// count.
    pub differs: bool,
    /// What moved it most, in words; `None` when nothing did.
    pub reason: Option<String>,
}

/// Rescores accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescoreRequest {
    /// Which, at most [`RescoreRequest::MOST`].
    pub accounts: Vec<SubjectId>,
}

impl RescoreRequest {
    /// The most accounts of one request, which is one delivery in the journal.
    pub const MOST: usize = 100;
}

/// That they are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescoreStated {
    /// The operator's statement in the journal.
    pub delivery: DeliveryId,
}

/// What a rescore did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescoreReport {
    /// `name@hash` of the health model of today.
    pub model: String,
    /// How many accounts were looked at.
    pub looked_at: u32,
    /// Those of which a rescore changes something, and those that are not watched any more; the largest change of band first.
    pub rows: Vec<RescoreRow>,
    /// Nothing was changed.
    pub dry_run: bool,
    /// How many accounts were rescored.
    pub rescored: u32,
    /// The operator's statements in the journal.
    pub deliveries: Vec<DeliveryId>,
    /// All of them were recomputed when the command ended.
    pub done: bool,
}
