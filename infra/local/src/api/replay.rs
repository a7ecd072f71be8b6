//! Running recorded deliveries again.

use model::{ActionId, Band, DeliveryId, EventId, Moment, PlaybookName, SubjectId};
use serde::{Deserialize, Serialize};

/// Which deliveries to run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayRequest {
    /// Which ones.
    pub which: ReplayWhich,
    /// Write and send what differs; without it nothing changes and nothing leaves.
    #[serde(default)]
    pub act: bool,
    /// Deliveries to leave out, as if they had never arrived.
    #[serde(default)]
    pub without: Vec<DeliveryId>,
}

/// A choice of deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayWhich {
    /// This one.
    Delivery(DeliveryId),
    /// All that speak of this account (an id or a name, as in [`AccountQuery::account`](super::AccountQuery::account)).
    Account(String),
    /// All of which something is in quarantine.
    Quarantined,
    /// All received in this span.
    Received {
        /// The first moment.
        since: Moment,
        /// The first moment after it; `None` means up to now.
        #[serde(default)]
        until: Option<Moment>,
    },
}

/// What running deliveries again gives, beside what was recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplayReport {
    /// How many deliveries were run.
    pub deliveries: u32,
    /// Accounts they ended in.
    pub accounts: Vec<ReplayedAccount>,
    /// Events they gave.
    pub events: Vec<ReplayedEvent>,
    /// Playbooks of which they opened episodes, by name.
    #[serde(default)]
    pub playbooks: Vec<ReplayedPlaybook>,
    /// Actions they asked for.
    pub actions: Vec<ReplayedAction>,
    /// What is not as recorded.
    pub differences: Vec<Difference>,
    /// Whether what differs was written and sent.
    pub acted: bool,
}

/// An account after a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayedAccount {
    /// The account.
    pub id: SubjectId,
    /// What people call it.
    pub name: String,
    /// 0 to 100.
    pub score: Option<u16>,
    /// The effective band.
    pub band: Band,
}

/// An event that a replay gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayedEvent {
    /// Its id, derived from its cause.
    pub id: EventId,
    /// Its type.
    pub kind: String,
    /// The account.
    pub account: SubjectId,
    /// When the news became true at its source.
    pub occurred_at: Moment,
    /// It was recorded with the same id.
    pub recorded: bool,
}

/// How often a playbook fired in a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayedPlaybook {
    /// The playbook.
    pub name: PlaybookName,
    /// How many episodes it opened.
    pub fired: u32,
    /// On how many accounts.
    pub accounts: u32,
    /// How many of them on the account with the most.
    pub most: u32,
}

/// An action that a replay asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayedAction {
    /// Its id, derived from its cause.
    pub id: ActionId,
    /// What it is.
    pub kind: String,
    /// The account.
    pub account: SubjectId,
    /// The playbook that asks.
    pub playbook: PlaybookName,
    /// The step of the playbook.
    pub step: String,
    /// It was recorded with the same id.
    pub recorded: bool,
}

/// Something that a replay gave otherwise than recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// What it is about, such as `assessment`, `event` or `fact`.
    pub what: String,
    /// Which one.
    pub id: String,
    /// As recorded; null when it was not.
    pub recorded: serde_json::Value,
    /// As replayed; null when it was not given.
    pub replayed: serde_json::Value,
}
