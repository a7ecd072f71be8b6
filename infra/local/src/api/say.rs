//! What an operator says of an account.

use jiff::civil::Date;
use model::{Band, DeliveryId, PlaybookName, SubjectId};
use serde::{Deserialize, Serialize};

/// Something that is said of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SayRequest {
    /// Its id, its name or the beginning of its name.
    pub account: String,
    /// Who says so.
    pub by: String,
    /// What.
    pub what: Saying,
}

/// What can be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Saying {
    /// A playbook is to start although nothing changed.
    PlayStart {
        /// Which.
        playbook: PlaybookName,
    },
    /// What runs of a playbook is over.
    PlayClose {
        /// Which.
        playbook: PlaybookName,
        /// Why.
        reason: Option<String>,
    },
    /// Something to be kept in the timeline.
    Note {
        /// What.
        text: String,
    },
    /// How it feels.
    Sentiment {
        /// Red, yellow or green.
        band: Band,
    },
    /// The band that counts instead of the score's.
    Override {
        /// Red, yellow or green.
        band: Band,
        /// The last day on which it does.
        until: Date,
        /// Why.
        reason: String,
    },
    /// The score's band counts again.
    OverrideClear,
    /// An incident of ours troubles it.
    Incident {
        /// The last day on which it does.
        until: Date,
        /// What it is.
        reason: String,
    },
    /// No incident of ours troubles it any more.
    IncidentClear,
}

/// What was said, and what holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SayReport {
    /// The account.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
    /// Who said so.
    pub by: String,
    /// What was said, in one sentence, as the timeline has it.
    pub said: String,
    /// The delivery that holds it.
    pub delivery: DeliveryId,
}
