//! What is remembered of the way through a renewal.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::Moment;

/// What an episode that counts down to the end of a contract remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunwayState {
    /// The term that names it: of those that end together, the one that ends first.
    pub term: String,
    /// All terms that it is about.
    pub terms: BTreeSet<String>,
    /// Terms that it was about, when something was said.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub spoke_of: BTreeSet<String>,
    /// The day on which the term that names it ends, as its thread was last told.
    pub due_on: Date,
    /// The steps that were said, such as `90` or `past_due`, each with its own moment, or the moment it was said where
    /// that was later: a step is said again only for a moment well after that.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sent: BTreeMap<String, Moment>,
}

/// How far a term was when the account was last looked at, with or without an episode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunwayMark {
    /// The day on which it ends.
    pub due_on: Date,
    /// The last step whose moment had come, such as `90`; `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// When the next step was to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Moment>,
    /// Several risks at once had pulled it to a later step.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pulled: bool,
    /// Another source's word on a contract that is decided already: nothing is said of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decided: bool,
}
