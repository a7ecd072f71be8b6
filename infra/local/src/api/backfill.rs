//! The past of a connection, read page by page from its vendor's API.

use std::collections::BTreeMap;

use model::{ConnectionName, Moment};
use serde::{Deserialize, Serialize};
use store::BackfillCount;

/// Asks for one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillRequest {
    /// The vendor, such as `hubspot`, or the name of a connection.
    pub of: String,
    /// Keep only records that were changed since then.
    #[serde(default)]
    pub changed_since: Option<Moment>,
    /// The first page that a command asks for: what was begun and not finished goes on, what was finished begins anew.
    #[serde(default)]
    pub begin: bool,
    /// Begin anew whatever was begun.
    #[serde(default)]
    pub restart: bool,
}

/// What became of a page, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillPage {
    /// Whose past it is.
    pub connection: ConnectionName,
    /// Only records changed since then are kept.
    pub changed_since: Option<Moment>,
    /// An earlier command had begun it.
    pub resumed: bool,
    /// Of each kind, how many records were read since it was begun.
    pub read: BTreeMap<String, BackfillCount>,
    /// All is read.
    pub done: bool,
    /// Nothing was read now: ask again after so many milliseconds of real time.
    pub wait_ms: Option<u64>,
    /// Why.
    pub because: Option<String>,
    /// Records that could not be kept, and why.
    pub warnings: Vec<String>,
}
