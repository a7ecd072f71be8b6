//! Episodes: one run of a playbook for one key, living at the home of its cause and never moving.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    ActionId, AlertChange, Band, Counted, Handled, Moment, PlaybookName, RunwayState, Score, Stamp, SubjectId,
};

/// Names an episode's row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EpisodeKey {
    /// The subject of the cause.
    pub home: SubjectId,
    /// The playbook.
    pub playbook: PlaybookName,
    /// What the run is about within the playbook, such as `account` or a renewal date.
    pub key: String,
    /// The newest stamp among the facts that contributed when it opened.
    pub cause: Stamp,
}

impl EpisodeKey {
    /// Every episode's sort key starts with this.
    pub const PREFIX: &'static str = "PLAY#";

    /// The sort key of the row.
    pub fn row(&self) -> String {
        format!("{}{}#{}#{}", Self::PREFIX, self.playbook, self.key, self.cause.as_key())
    }

    /// The id of the action that `step` of the `run`-th opening asks for.
    pub fn action(&self, run: u32, step: &str) -> ActionId {
        ActionId::derive(&self.home, &self.row(), run, step)
    }
}

/// Why an episode ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// What it was opened for is over.
    Recovered,
    /// The account is no longer watched.
    Unwatched,
    /// It is pointless by now, without being solved.
    Exited,
    /// All its steps have been asked for, and nothing else ends it.
    Completed,
    /// The contract was renewed.
    Renewed,
    /// The customer leaves: cancelled, churned, or the deal was lost.
    Lost,
    /// No source names the day any more.
    Cleared,
    /// The day moved so far away that everything starts anew.
    Moved,
    /// Long past due, and nobody decided.
    Lapsed,
    /// Somebody said so.
    ByHand,
    /// A person said that it is no cause for alarm.
    Dismissed,
}

impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recovered => "recovered",
            Self::Unwatched => "no longer watched",
            Self::Exited => "no longer needed",
            Self::Completed => "all steps done",
            Self::Renewed => "renewed",
            Self::Lost => "cancelled or lost",
            Self::Cleared => "the renewal date was cleared",
            Self::Moved => "the renewal moved far ahead",
            Self::Lapsed => "past due and never decided",
            Self::ByHand => "closed by hand",
            Self::Dismissed => "dismissed",
        })
    }
}

/// Open or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeState {
    /// Running. `recovering_since` is set while the recovery condition holds and has not yet held long enough.
    Open {
        /// Since when the recovery condition holds.
        recovering_since: Option<Moment>,
    },
    /// Over.
    Closed {
        /// When; the cooldown counts from here.
        at: Moment,
        /// Why.
        why: Closing,
    },
}

/// One run of a playbook, stored in one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// Names the row.
    pub key: EpisodeKey,
    /// How often this row has been opened, from 1.
    pub run: u32,
    /// Open or closed.
    pub state: EpisodeState,
    /// The moment the assessment that opened this run holds for.
    pub opened_at: Moment,
    /// The action whose message starts the thread.
    pub root_action: Option<ActionId>,
    /// When the first message of this run was asked for; `None` before that, and in rows of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerted_at: Option<Moment>,
    /// Why it was opened, in one sentence.
    pub why: String,
    /// The band it was opened with.
    pub band: Band,
    /// The score it was opened with.
    pub score: Option<Score>,
    /// What had moved, as the first message told it; the last message tells how each ended.
    pub reasons: Vec<AlertChange>,
    /// The steps of this run that have been asked for, by name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub asked: BTreeSet<String>,
    /// The moment at which the last of them was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Moment>,
    /// The steps of this run whose tasks somebody closed in the CRM, and when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub done: BTreeMap<String, Moment>,
    /// Who looks after the account as far as its thread knows: an email address in lower case, else the owner as the CRM
    /// names them. `None` where the CRM names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The message that told them so, where somebody else did before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over: Option<ActionId>,
    /// The worst that its thread was told of each measure, by the measure's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<String, Counted>,
    /// The caps that its thread was told of, or that held when it opened, by name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub told_caps: BTreeSet<String>,
    /// The day (in the zone of the team) on which its thread was last told that it got worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_on: Option<Date>,
    /// How far it is on the way to a renewal; `None` for every other playbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runway: Option<RunwayState>,
    /// What people answered to its alerts.
    #[serde(default, skip_serializing_if = "Handled::is_nothing")]
    pub handled: Handled,
}

impl Episode {
    /// The name, within a run, of the message that nobody took care of it.
    pub const UNCLAIMED: &'static str = "answered-by-nobody";
    /// The name, within a run, of the message that a snooze is over, as it begins.
    pub const SNOOZE_OVER: &'static str = "answered-snooze-over";

    /// Somebody has answered one of its alerts, or closed one of its tasks in the CRM.
    pub fn is_attended(&self) -> bool {
        !self.handled.is_nothing() || !self.done.is_empty()
    }

    /// Still running.
    pub fn is_open(&self) -> bool {
        matches!(self.state, EpisodeState::Open { .. })
    }
}
