//! What connectors produce: dated statements by one source about one subject, and what could not be understood.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{BadId, Link, Moment, PlaybookName, SubjectId, Value, ValueKind};

/// Which item of a subject a statement belongs to; one stored item each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKey {
    /// The company: name, domains, stage, owners.
    Profile,
    /// A person at the company.
    Contact,
    /// A sales opportunity; its own subject, because it can change its owner.
    Deal,
    /// A request for help; its own subject.
    Ticket,
    /// An answer to a survey; its own subject.
    Response,
    /// What was bought, with a term; the id is `company` where the CRM keeps it on the company itself.
    Subscription(String),
    /// What the CSM says of the account.
    Sentiment,
    /// The last contact in both directions.
    Touchpoint,
    /// An operator asked for a run of this playbook.
    PlayRequest(PlaybookName),
    /// A request to recompute at a due moment, written by `clock`.
    Tick,
}

impl FactKey {
    /// Every fact's sort key starts with this; the stream filter of `health` names it.
    pub const PREFIX: &'static str = "FACT#";

    /// Kept in one item with the subject's claims: what is about an object that can change its owner is read and written
    /// together with where it belongs.
    pub fn is_kept_with_claims(&self) -> bool {
        matches!(self, Self::Contact | Self::Deal | Self::Ticket | Self::Response)
    }

    /// The sort key of the stored item.
    pub fn sort_key(&self) -> String {
        match self {
            Self::Profile => "FACT#PROFILE".into(),
            Self::Contact => "FACT#CONTACT".into(),
            Self::Deal => "FACT#DEAL".into(),
            Self::Ticket => "FACT#TICKET".into(),
            Self::Response => "FACT#RESPONSE".into(),
            Self::Subscription(id) => format!("FACT#SUBSCRIPTION#{id}"),
            Self::Sentiment => "FACT#SENTIMENT".into(),
            Self::Touchpoint => "FACT#TOUCHPOINT".into(),
            Self::PlayRequest(playbook) => format!("FACT#PLAY#{playbook}"),
            Self::Tick => "FACT#TICK".into(),
        }
    }
}

impl FromStr for FactKey {
    type Err = BadId;

    fn from_str(sort_key: &str) -> Result<Self, BadId> {
        Ok(match sort_key {
            "FACT#PROFILE" => Self::Profile,
            "FACT#CONTACT" => Self::Contact,
            "FACT#DEAL" => Self::Deal,
            "FACT#TICKET" => Self::Ticket,
            "FACT#RESPONSE" => Self::Response,
            "FACT#SENTIMENT" => Self::Sentiment,
            "FACT#TOUCHPOINT" => Self::Touchpoint,
            "FACT#TICK" => Self::Tick,
            other => {
                if let Some(id) = other.strip_prefix("FACT#SUBSCRIPTION#") {
                    Self::Subscription(id.to_owned())
                } else if let Some(playbook) = other.strip_prefix("FACT#PLAY#") {
                    Self::PlayRequest(playbook.parse()?)
                } else {
                    return Err(BadId { what: "the sort key of a fact", text: other.to_owned() });
                }
            }
        })
    }
}

impl Serialize for FactKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.sort_key())
    }
}

impl<'de> Deserialize<'de> for FactKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal: $kind:ident,)*) => {
        /// A named register of a fact. The name is what mappings, `explain` and stored items use.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[$doc])* $variant,)*
        }

        impl Field {
            /// Every field, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in mappings and stored items.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The kind of value the field holds.
            pub fn kind(self) -> ValueKind {
                match self { $(Self::$variant => ValueKind::$kind,)* }
            }
        }
    };
}

fields! {
    /// What people call it.
    Name = "name": Text,
    /// The company's main web domain, lower-case.
    Domain = "domain": Text,
    /// More domains of the company, comma-separated.
    OtherDomains = "other_domains": Text,
    /// The CRM's lifecycle stage, lower-case, such as `customer`.
    LifecycleStage = "lifecycle_stage": Text,
    /// Service tier, as the CRM names it.
    Tier = "tier": Text,
    /// Market segment, as the CRM names it.
    Segment = "segment": Text,
    /// The CSM: an email address or the CRM's owner id.
    Csm = "csm": Text,
    /// The owner of the CRM record, often sales: an email address or the CRM's owner id.
    RecordOwner = "record_owner": Text,
    /// The day the company became a customer.
    CustomerSince = "customer_since": Date,
    /// The record is a test.
    IsTest = "is_test": Flag,
    /// A contact's email address, lower-case.
    Email = "email": Text,
    /// A contact's part: sponsor, decision-maker, admin, user.
    Role = "role": Text,
    /// A deal's pipeline id.
    Pipeline = "pipeline": Text,
    /// A deal's stage id.
    Stage = "stage": Text,
    /// A deal's amount.
    Amount = "amount": Money,
    /// The day a deal closes or closed.
    ClosesOn = "closes_on": Date,
    /// The vendor's id of the company this belongs to.
    Company = "company": Text,
    /// Annual recurring revenue.
    Arr = "arr": Money,
    /// The day the term ends.
    RenewsOn = "renews_on": Date,
    /// Notice period in days before the renewal.
    NoticeDays = "notice_days": Int,
    /// The term renews by itself.
    AutoRenew = "auto_renew": Flag,
    /// A subscription's status, lower-case, such as `active`.
    Status = "status": Text,
    /// How urgent a ticket is, lower-case: `low`, `normal`, `high`, `urgent`, or the vendor's own word.
    Priority = "priority": Text,
    /// What a ticket is, lower-case: `problem`, `incident`, `question`, `task`, or the vendor's own word.
    TicketType = "ticket_type": Text,
    /// When a ticket was opened.
    OpenedAt = "opened_at": Moment,
    /// When a ticket was solved; cleared when it was opened again.
    SolvedAt = "solved_at": Moment,
    /// The survey that was answered: the vendor's id of the form.
    Survey = "survey": Text,
    /// When a survey was answered.
    RespondedAt = "responded_at": Moment,
    /// Likelihood to recommend, 0 to 10.
    Nps = "nps": Int,
    /// Satisfaction, on the scale of `csat_scale`.
    Csat = "csat": Int,
    /// The lowest and highest satisfaction that could be given, such as `1..5`.
    CsatScale = "csat_scale": Text,
    /// Effort, on the scale of `ces_scale`.
    Ces = "ces": Int,
    /// The lowest and highest effort that could be given, such as `1..7`.
    CesScale = "ces_scale": Text,
    /// What was written beside the scores.
    Comment = "comment": Text,
    /// Our own id of the account, as a form or a tool was told it.
    AccountId = "account_id": Text,
    /// The parent company, as the source names it. Shown, never a link.
    Parent = "parent": Text,
    /// The CSM's word: `green`, `yellow` or `red`.
    Sentiment = "sentiment": Text,
    /// When we last heard from them and they from us.
    LastTwoWayAt = "last_two_way_at": Moment,
    /// The moment a tick or request is for.
    At = "at": Moment,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Field {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::ALL
            .iter()
            .copied()
            .find(|field| field.as_str() == text)
            .ok_or_else(|| BadId { what: "the name of a field", text: text.to_owned() })
    }
}

impl Serialize for Field {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

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
    /// An operator asked for a run of a playbook.
    PlayRequested,
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
