//! How often the alerts of each playbook were of use, as their readers say.

use std::collections::BTreeMap;

use model::{Moment, PlaybookName};
use serde::{Deserialize, Serialize};

/// How often alerts were of use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrecisionReport {
    /// Since when it is known that people here claim alerts; `None` while nobody ever has, and nothing can be said.
    pub claimed_since: Option<Moment>,
    /// One row for each playbook that alerted anybody, the least useful first.
    pub playbooks: Vec<PrecisionRow>,
    /// From so many alerts on a playbook is judged.
    pub judged_from: u32,
    /// A playbook of which a smaller share is of use should be retired, in percent.
    pub retire_below: u32,
}

/// The alerts of one playbook that were sent and could be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrecisionRow {
    /// The playbook.
    pub playbook: PlaybookName,
    /// The alerts: one for each episode, whatever followed in its thread.
    pub fired: u32,
    /// Somebody claimed it, wanted a task, or closed its task in the CRM, and nobody dismissed it.
    pub useful: u32,
    /// Somebody dismissed it, by the reason that they chose: `known`, `no_risk`, `wrong_data`, `other`.
    pub dismissed: BTreeMap<String, u32>,
    /// It was snoozed and nothing else.
    pub snoozed: u32,
    /// Nobody said anything.
    pub unanswered: u32,
    /// Further alerts that nobody could answer: they had no buttons and made no task.
    pub unanswerable: u32,
    /// What share was of use, in percent, rounded down; `None` where nothing fired.
    pub useful_percent: Option<u32>,
    /// It has fired often enough to be judged, and too little of it was of use.
    pub retire: bool,
}
