//! What one assessment hands on to the next: where bands and points depend on the path, and facts do not.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Evidence;
use crate::Band;

/// What the next assessment must know of this one besides its numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The band of the score alone, before anything that may keep it from being green: the borders lie where this band's
    /// hysteresis puts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_band: Option<Band>,
    /// The same of the score that the children come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_band: Option<Band>,
    /// The hash of the model that the measures below were computed with; another model starts anew.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// By name, the measures that hold values or wait for a change to be seen again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measures: BTreeMap<String, Remembered>,
}

/// What is remembered of a measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The points that count, 0 to 10 000.
    pub points: u16,
    /// The last value as a person reads it.
    pub value: Option<String>,
    /// The day it had no value for the first time; `None` while it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Date>,
    /// The newest evaluations, oldest first, of a measure whose changes must be seen more than once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluations: Vec<Evaluation>,
}

/// What a measure was worth on the day it was evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The day, at 00:00 of the reporting zone; the first evaluation of an account is at any time of the day.
    pub on: Date,
    /// Points, 0 to 10 000.
    pub points: u16,
}

/// What the CSM says, with its date, beside what the machine says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentiment {
    /// The CSM's word.
    pub word: String,
    /// The band of that name; `None` for any other word.
    pub band: Option<Band>,
    /// The day it was said, in the reporting zone.
    pub said_on: Date,
}

/// An incident of ours that troubles an account, as an operator said: what its tickets tell is our doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// The last day of it, in the reporting zone.
    pub until: Date,
    /// What it is.
    pub why: String,
    /// Who said so, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A band set by hand, which stands in for the machine's until it ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The band.
    pub band: Band,
    /// Who set it, where that was said.
    pub by: Option<String>,
    /// Why, where that was said.
    pub why: Option<String>,
    /// The last day it counts, in the reporting zone; `None` when no end was given.
    pub until: Option<Date>,
    /// The statement that set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}
