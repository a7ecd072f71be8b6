//! What came in, what happened and what goes out.

use model::{
    ActionId, ConnectionName, DeliveryId, EventId, Mode, Moment, PlaybookName, QuarantineKind, Quarantined, SubjectId,
    TimelineEntry,
};
use serde::{Deserialize, Serialize};

/// The kind of an [`OutboxRow`] that asks a vendor for an object.
pub const FETCH: &str = "fetch_object";

/// The kind of a row that is a message about many accounts.
pub const NOTICE: &str = "slack_notice";

/// A message that was asked for, as it would be sent, and where it stands; or an object that a vendor was asked for
/// ([`FETCH`]): then `account` and `to` are the connection, and `request` names the object. For a message about many
/// accounts ([`NOTICE`]) `account` is its reader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// The action.
    pub id: ActionId,
    /// What it is, such as `slack_alert`.
    pub kind: String,
    /// How far it goes, or went.
    pub mode: Mode,
    /// The account.
    pub account: SubjectId,
    /// What people call the account.
    pub account_name: String,
    /// The playbook that asks; `None` for an object to be fetched and for a message about many accounts.
    pub playbook: Option<PlaybookName>,
    /// The episode's row at its home.
    pub episode: String,
    /// The step of the playbook.
    pub step: String,
    /// Who gets it, and why there.
    pub to: String,
    /// Where it stands: `pending`, `waiting`, `held`, `observed`, `digested` or `merged` (told in another message),
    /// `redirected`, `sent`, `obsolete`, `uncertain` or `failed`.
    pub status: String,
    /// How often it was claimed.
    pub attempts: u32,
    /// Why it stands there, where there is more to say.
    pub reason: Option<String>,
    /// The request exactly as it would be, or was, sent; `None` until it is claimed for the first time.
    pub request: Option<serde_json::Value>,
    /// The vendor's id of what was made.
    pub vendor_ref: Option<String>,
    /// When the decision was made.
    pub requested_at: Moment,
}

/// A decision, an alert or an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineRow {
    /// The account.
    pub account: SubjectId,
    /// The moment it holds for.
    pub at: Moment,
    /// The event or action it tells of.
    pub id: String,
    /// The kind, such as `band_changed`.
    pub kind: String,
    /// One sentence.
    pub text: String,
    /// The delivery behind it.
    pub delivery: Option<DeliveryId>,
    /// The event it belongs to.
    pub event: Option<EventId>,
}

/// One accepted request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRow {
    /// The delivery.
    pub id: DeliveryId,
    /// Who sent it.
    pub connection: ConnectionName,
    /// When it was received.
    pub received_at: Moment,
    /// Size of the body as it was sent.
    pub bytes: u64,
    /// SHA-256 of the body, 64 hexadecimal digits.
    pub sha256: String,
    /// What became of it, such as `understood` or `quarantined`, or `self-test` for one of `barometer doctor`; `None` where that is not known.
    #[serde(default)]
    pub status: Option<String>,
    /// The delivery that used the same key for other bytes first.
    pub same_key_as: Option<DeliveryId>,
}

/// Which rows of the quarantine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineQuery {
    /// Also those that were understood since.
    #[serde(default)]
    pub all: bool,
}

/// A delivery, or an item of one, that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineRow {
    /// The delivery that holds the bytes.
    pub delivery: DeliveryId,
    /// Who sent it.
    pub connection: ConnectionName,
    /// When it was received.
    pub received_at: Moment,
    /// Why, for counting.
    #[serde(default)]
    pub kind: QuarantineKind,
    /// Why, with what was expected.
    pub reason: String,
    /// Where in the body.
    pub path: String,
    /// When a replay understood it; `None` while it is not.
    #[serde(default)]
    pub mended_at: Option<Moment>,
}

impl From<TimelineEntry> for TimelineRow {
    fn from(entry: TimelineEntry) -> Self {
        let TimelineEntry { account, at, id, kind, text, delivery, event } = entry;
        Self { account, at, id, kind, text, delivery, event }
    }
}

impl From<store::QuarantineRow> for QuarantineRow {
    fn from(item: store::QuarantineRow) -> Self {
        let store::QuarantineRow { quarantined, mended_at } = item;
        let Quarantined { delivery, connection, received_at, kind, reason, path } = quarantined;
        Self { delivery, connection, received_at, kind, reason, path, mended_at }
    }
}
