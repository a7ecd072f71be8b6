//! What the bus carries: events whose ids come from their causes, and the content of an alert, frozen when decided.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    ActionId, Answered, Band, Closing, ConnectionName, CrmTask, CrmUpdate, DeliveryId, Email, EventId, Mode, Moment,
    Money, Notice, Owner, PlaybookName, Recipient, Score, SubjectId,
};

/// The version of the event schemas under `events/`. Fields are added, never removed or retyped.
pub const EVENT_SCHEMA: u32 = 1;

/// Where an event comes from: delivery → statement → assessment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CauseChain {
    /// The delivery whose statement was the news; `None` when time alone was.
    pub delivery: Option<DeliveryId>,
    /// Where in its body the statement stands.
    pub path: Option<String>,
    /// The stored due moment, when time alone was the news.
    pub due_at: Option<Moment>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Event {
    /// Derived from the cause: the same news gives the same id, whoever computes it and how often.
    pub id: EventId,
    /// Version of the schema, now [`EVENT_SCHEMA`].
    pub schema: u32,
    /// The account; for a delivery that was not understood, its connection as `connection:{name}`; for a message about
    /// many accounts its reader as `reader:{address}`.
    pub account: SubjectId,
    /// When the news became true at its source.
    pub occurred_at: Moment,
    /// The moment the decision holds for.
    pub as_of: Moment,
    /// Where it comes from.
    pub cause: CauseChain,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// The kinds of event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum EventBody {
    /// The account is assessed from now on.
    #[serde(rename = "account.watched")]
    Watched {
        /// What listings call it.
        name: String,
    },
    /// The account is no longer assessed.
    #[serde(rename = "account.unwatched")]
    Unwatched {
        /// What listings called it.
        name: String,
    },
    /// The effective band changed.
    #[serde(rename = "account.band_changed")]
    BandChanged {
        /// The band before.
        from: Band,
        /// The band now.
        to: Band,
        /// The score before.
        score_from: Option<Score>,
        /// The score now.
        score_to: Option<Score>,
    },
    /// A risk playbook opened an episode.
    #[serde(rename = "account.risk_opened")]
    RiskOpened {
        /// The playbook.
        playbook: PlaybookName,
        /// The episode's row at its home.
        episode: String,
        /// Where the episode lives.
        home: SubjectId,
        /// Why, in one sentence.
        why: String,
    },
    /// An episode of a risk playbook ended.
    #[serde(rename = "account.risk_resolved")]
    RiskResolved {
        /// The playbook.
        playbook: PlaybookName,
        /// The episode's row at its home.
        episode: String,
        /// Where the episode lives.
        home: SubjectId,
        /// Why it ended.
        why: Closing,
    },
    /// A playbook that is not about risk opened an episode.
    #[serde(rename = "playbook.started")]
    PlayStarted {
        /// The playbook.
        playbook: PlaybookName,
        /// The episode's row at its home.
        episode: String,
        /// Where the episode lives.
        home: SubjectId,
        /// Why, in one sentence.
        why: String,
    },
    /// An episode of a playbook that is not about risk ended.
    #[serde(rename = "playbook.ended")]
    PlayEnded {
        /// The playbook.
        playbook: PlaybookName,
        /// The episode's row at its home.
        episode: String,
        /// Where the episode lives.
        home: SubjectId,
        /// Why it ended.
        why: Closing,
    },
    /// A step on the way to a renewal has come.
    #[serde(rename = "renewal.checkpoint_reached")]
    CheckpointReached {
        /// The playbook.
        playbook: PlaybookName,
        /// The episode's row at its home.
        episode: String,
        /// Where the episode lives.
        home: SubjectId,
        /// Which: days before the deadline such as `90`, `locked_in` or `past_due`.
        step: String,
        /// The day the term ends.
        #[schemars(with = "String")]
        due_on: Date,
        /// The last day for giving notice; the day the term ends where there is none, or it is not known.
        #[schemars(with = "String")]
        deadline_on: Date,
        /// The account goes the way of those at risk.
        at_risk: bool,
    },
    /// Something should be done.
    #[serde(rename = "action.requested")]
    ActionRequested(Box<ActionRequest>),
    /// A message about many accounts should be sent.
    #[serde(rename = "notice.requested")]
    NoticeRequested(Box<Notice>),
    /// It was done, or would have been.
    #[serde(rename = "action.completed")]
    ActionCompleted(ActionOutcome),
    /// It will not be done.
    #[serde(rename = "action.failed")]
    ActionFailed(ActionOutcome),
    /// A delivery, or an item of one, was not understood.
    #[serde(rename = "delivery.quarantined")]
    DeliveryQuarantined {
        /// The delivery that holds the bytes.
        delivery: DeliveryId,
        /// Who sent it.
        connection: ConnectionName,
        /// Why.
        reason: String,
        /// Where in the body.
        path: String,
    },
    /// A connection that is expected to speak has not spoken for longer than that.
    #[serde(rename = "source.silent")]
    SourceSilent {
        /// Who is silent.
        connection: ConnectionName,
        /// The last day on which it was heard, in the reporting zone.
        #[schemars(with = "String")]
        last_heard_on: Date,
        /// Within how many days it was expected to speak again.
        expected_every: u16,
    },
    /// A body names an object without telling what is in it.
    #[serde(rename = "object.fetch_requested")]
    FetchRequested(FetchRequest),
}

/// An object to be fetched from a vendor and journaled as one more delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FetchRequest {
    /// Derived from connection, object and version: the same version is fetched once.
    pub id: ActionId,
    /// Whose object it is.
    pub connection: ConnectionName,
    /// The object as the connector names it, such as `company/123`.
    pub object: String,
    /// The vendor's version of it.
    pub version: String,
}

impl FetchRequest {
    /// The request for one version of an object.
    pub fn new(connection: &ConnectionName, object: &str, version: &str) -> Self {
        let id = ActionId::from_stored(crate::stable_hash(&["fetch", connection.as_str(), object, version]));
        Self { id, connection: connection.clone(), object: object.to_owned(), version: version.to_owned() }
    }

    /// The delivery that holds the answer.
    pub fn delivery(&self) -> DeliveryId {
        DeliveryId::new(&self.connection, &format!("fetched~{}", self.id))
    }
}

impl EventBody {
    /// The type, as it stands in the event and in the bus's `detail-type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Watched { .. } => "account.watched",
            Self::Unwatched { .. } => "account.unwatched",
            Self::BandChanged { .. } => "account.band_changed",
            Self::RiskOpened { .. } => "account.risk_opened",
            Self::RiskResolved { .. } => "account.risk_resolved",
            Self::PlayStarted { .. } => "playbook.started",
            Self::PlayEnded { .. } => "playbook.ended",
            Self::CheckpointReached { .. } => "renewal.checkpoint_reached",
            Self::ActionRequested(_) => "action.requested",
            Self::NoticeRequested(_) => "notice.requested",
            Self::ActionCompleted(_) => "action.completed",
            Self::ActionFailed(_) => "action.failed",
            Self::DeliveryQuarantined { .. } => "delivery.quarantined",
            Self::SourceSilent { .. } => "source.silent",
            Self::FetchRequested(_) => "object.fetch_requested",
        }
    }
}

/// The kinds of action, which are also the names of what carries them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// A message to our team in Slack.
    SlackAlert,
    /// A task for one of us in the CRM.
    CrmTask,
    /// An account's score, on its record in the CRM.
    CrmUpdate,
    /// A mail to somebody at the customer's, or to one of us.
    EmailNudge,
}

impl ActionKind {
    /// The name in events, rules and listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SlackAlert => "slack_alert",
            Self::CrmTask => "crm_task",
            Self::CrmUpdate => "crm_update",
            Self::EmailNudge => "email_nudge",
        }
    }

    /// The destination whose mode decides how far it goes.
    pub fn destination(self) -> &'static str {
        match self {
            Self::SlackAlert => "slack",
            Self::CrmTask | Self::CrmUpdate => "hubspot",
            Self::EmailNudge => "email",
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing to do, complete: whoever carries it out needs nothing but this and the switches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ActionRequest {
    /// Derived from the episode's home, row, run and step; of what is written back, from the one before and the news.
    pub id: ActionId,
    /// What to do.
    pub kind: ActionKind,
    /// The playbook that asks; `write-back` where none does.
    pub playbook: PlaybookName,
    /// Where the episode lives.
    pub home: SubjectId,
    /// The episode's row there; `PLAY#write-back`, which is none, where no playbook asks.
    pub episode: String,
    /// Which opening of the row.
    pub run: u32,
    /// The step of the playbook, such as `alert` or `resolved`.
    pub step: String,
    /// The action whose message starts the thread this one belongs to, or whose task it changes; `None` when this one
    /// starts it.
    pub reply_to: Option<ActionId>,
    /// The company above an account that has no contract of its own, in the first message of an episode: where that one's
    /// contract is, a thread of the same playbook may be under way, and the message belongs there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<SubjectId>,
    /// Who gets it.
    pub to: Recipient,
    /// Whether it may interrupt its reader.
    #[serde(default)]
    pub urgency: Urgency,
    /// What it weighs among others that wait.
    #[serde(default)]
    pub weigh: Weigh,
    /// No budget holds it back: an escalation, or a red account above the configured revenue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exempt: bool,
    /// Not before this moment, when the reader's quiet hours and days off are over; `None` when it may go at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Moment>,
    /// What it says.
    pub alert: Alert,
    /// What happens to a task in the CRM; `None` for every other kind of action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<CrmTask>,
    /// What is to stand on the account's record in the CRM; `None` for every other kind of action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<CrmUpdate>,
    /// What is to be written; `None` for every other kind of action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
}

/// Whether a message may interrupt its reader.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// It is sent by itself.
    #[default]
    Now,
    /// It waits for the daily digest.
    Digest,
}

/// What orders messages that wait: revenue by days left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Weigh {
    /// Annual recurring revenue, where known.
    pub arr: Option<Money>,
    /// Days to the notice deadline (the renewal where no notice period is known); negative once past.
    pub days_left: Option<i64>,
}

/// Which of an episode's messages this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The episode opened.
    Opened,
    /// A later step has come.
    Step,
    /// It got worse.
    Update,
    /// Somebody else looks after the account now.
    HandOff,
    /// Somebody answered by a button.
    Answered,
    /// It ended.
    Resolved,
}

impl AlertKind {
    /// All of them, in the order in which they can come.
    pub const ALL: &'static [Self] =
        &[Self::Opened, Self::Step, Self::Update, Self::HandOff, Self::Answered, Self::Resolved];

    /// The name in events, and of its template.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Step => "step",
            Self::Update => "update",
            Self::HandOff => "hand_off",
            Self::Answered => "answered",
            Self::Resolved => "resolved",
        }
    }
}

/// One measure that moved, with the evidence a reader can check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AlertChange {
    /// What people call the measure.
    pub measure: String,
    /// Its value before, as a person reads it.
    pub from: Option<String>,
    /// Its value now.
    pub to: Option<String>,
    /// By how many basis points it moved the score.
    pub change: i32,
    /// Where in the vendor's body the value stands.
    pub path: Option<String>,
    /// The vendor's bytes of the value.
    pub raw: Option<String>,
    /// The delivery that said so.
    pub delivery: Option<DeliveryId>,
}

/// What a message about an account says, as values; the destination renders it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Alert {
    /// Which message of the episode.
    pub kind: AlertKind,
    /// The account.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
    /// Annual recurring revenue, where known.
    pub arr: Option<Money>,
    /// The day the term ends, where known.
    #[schemars(with = "Option<String>")]
    pub renews_on: Option<Date>,
    /// Days from `as_of` to the notice deadline (the renewal where no notice period is known); negative once past.
    pub days_to_deadline: Option<i64>,
    /// What `days_to_deadline` counts to.
    pub deadline: Option<String>,
    /// The band before and now.
    pub band: (Band, Band),
    /// The score before and now.
    pub score: (Option<Score>, Option<Score>),
    /// What moved, largest first, at most three.
    pub changes: Vec<AlertChange>,
    /// The playbook's title.
    pub playbook: String,
    /// One next step.
    pub next_step: String,
    /// What else the step says; `None` when the next step says it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why this matters, as the playbook says it, for messages that are not about a fall in health.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What the playbook wants to have reached in the end, in its first message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    /// The border that was crossed, in words; `None` where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<String>,
    /// What is usual for this account, in words; `None` while too little is known of its past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// By when the next step should be done, in the reader's zone and words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// The template below `slack/` without `.j2`; `None` for the one of its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Who looked after the account before, in a hand-off; `None` where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_before: Option<String>,
    /// What somebody answered; `None` unless this message tells of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Answered>,
    /// Who looks after the account.
    pub owner: Option<Owner>,
    /// The moment it holds for.
    pub as_of: Moment,
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ActionOutcome {
    /// The action.
    pub action: ActionId,
    /// What it was.
    pub kind: ActionKind,
    /// The playbook that asked.
    pub playbook: PlaybookName,
    /// The mode it was carried out in.
    pub mode: Mode,
    /// How it ended, such as `sent`, `observed`, `failed`.
    pub status: String,
    /// Why, for a person.
    pub reason: Option<String>,
    /// The vendor's id of what was made, such as a Slack `ts` or the id of a task.
    pub vendor_ref: Option<String>,
}
