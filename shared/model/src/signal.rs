//! What connectors produce: dated statements by one source about one subject, and what could not be understood.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{FactKey, Field, Link, Moment, SubjectId, Value};

/// One value of one field, as one source stated it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// What was stated.
    pub field: Field,
    /// The value; [`Value::Cleared`] where the source emptied it.
    pub value: Value,
    /// When the source says it became true.
    pub occurred_at: Moment,
    /// The vendor's own order among statements of one instant, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Where in the vendor's body the value stands, such as `properties.csm_sentiment.value`.
    pub path: String,
    /// The vendor's bytes of the value, exactly (a JSON string keeps its quotes), cut at [`Statement::MAX_RAW`] bytes.
    pub raw: String,
}

impl Statement {
    /// Longest raw value kept, in bytes; what is longer is cut at a character.
    pub const MAX_RAW: usize = 256;

    /// `raw` no longer than [`Self::MAX_RAW`], cut at a character.
    pub fn cut_raw(raw: &str) -> String {
        let mut end = raw.len().min(Self::MAX_RAW);
        while !raw.is_char_boundary(end) {
            end -= 1;
        }
        raw[..end].to_owned()
    }
}

/// The kinds of signal that exist so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    /// The company's profile changed.
    AccountChanged,
    /// A person changed.
    ContactChanged,
    /// A ticket was opened, changed or closed.
    TicketChanged,
    /// A survey was answered, or an answer changed.
    SurveyAnswered,
    /// A subscription's terms changed.
    SubscriptionChanged,
    /// A deal changed; it becomes a renewal when a mapping says so.
    RenewalChanged,
    /// The CSM stated how the account feels.
    SentimentSet,
    /// A contact in both directions took place.
    TouchpointHeld,
    /// How much a product was used on some days.
    UsageReported,
    /// What is owed, or a payment that failed.
    PaymentChanged,
    /// An agreed step was planned, moved or reached.
    MilestoneChanged,
    /// A person set the band by hand.
    OverrideSet,
    /// An incident of ours troubles an account, or is over.
    IncidentStated,
    /// A task of ours in the CRM was changed.
    TaskChanged,
    /// An operator asked for a run of a playbook.
    PlayRequested,
    /// An operator closed what runs of a playbook.
    PlayClosed,
    /// Somebody answered an alert by one of its buttons.
    AlertAnswered,
    /// An operator asked to look at an account by a changed configuration.
    RescoreRequested,
}

/// One normalised set of statements by one source about one item of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// What kind of news this is.
    pub kind: SignalKind,
    /// What it is about.
    pub subject: SubjectId,
    /// Which item of the subject it changes.
    pub key: FactKey,
    /// What it says, field by field.
    pub statements: Vec<Statement>,
}

/// Why an item was not understood, for counting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineKind {
    /// The body, or an item of it, is not in the vendor's form.
    #[default]
    Unreadable,
    /// A mapped property holds something else than the field takes.
    UnfitValue,
    /// The connection or tool is not configured.
    NotConfigured,
    /// The mapping names something that the body's form does not have.
    Mapping,
}

impl fmt::Display for QuarantineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "unreadable",
            Self::UnfitValue => "unfit value",
            Self::NotConfigured => "not configured",
            Self::Mapping => "mapping",
        })
    }
}

/// An object that a body only names, to be fetched from the vendor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FetchWanted {
    /// The object as the connector names it, such as `company/123`.
    pub object: String,
    /// The vendor's version of it, such as the time of its change in milliseconds: each is fetched once.
    pub version: String,
    /// Where in the body it is named.
    pub path: String,
}

/// A part of a delivery that could not be understood, kept for a later replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedItem {
    /// Why, for counting.
    #[serde(default)]
    pub kind: QuarantineKind,
    /// Why, with what was expected.
    pub reason: String,
    /// Where in the body, such as `properties.renewal_date.value`; `$` for the whole body.
    pub path: String,
}

/// Something odd that did not stop the delivery from being used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What is odd and what was done about it. Never contains values, only paths and kinds.
    pub message: String,
    /// Where in the body.
    pub path: String,
}

/// All that one delivery says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Normalized {
    /// What was understood, in the order of the body.
    pub signals: Vec<Signal>,
    /// Where things belong, in the order of the body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// What must be fetched, because the body only names it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetches: Vec<FetchWanted>,
    /// What was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<QuarantinedItem>,
    /// What was odd.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

impl Normalized {
    /// A delivery of which nothing was understood.
    pub fn quarantine(kind: QuarantineKind, reason: impl Into<String>, path: impl Into<String>) -> Self {
        let item = QuarantinedItem { kind, reason: reason.into(), path: path.into() };
        Self { quarantined: vec![item], ..Self::default() }
    }
}
