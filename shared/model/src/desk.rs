//! Desks: what a person (or a channel) was sent lately and what waits for them. One row each, so that "may this message
//! interrupt them" is decided in one place, whoever asks and how often. Beside them surges, one row per playbook: many
//! accounts that turn within minutes are one piece of news.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    ActionId, AlertKind, Band, ConnectionName, Mode, Moment, Money, PlaybookName, Recipient, SubjectId, stable_hash,
};

/// Where a message belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// It is sent by itself, a reply in its own thread.
    SendNow,
    /// Undecided: to be offered again at this moment.
    NotBefore(Moment),
    /// It is one line of the digest of this day, in the reader's zone, or of the next one that is sent.
    InDigest(Date),
    /// It is sent as a reply to that action's message.
    InThreadOf(ActionId),
    /// It is not sent: that action's message, or its line in the digest, says it.
    MergedInto(ActionId),
}

/// What a placed message uses up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Uses {
    /// Nothing: replies, lines of a digest, what was merged.
    Nothing,
    /// One of the immediate messages of the week.
    Budget,
    /// One of the exempt messages of the day that stand alone.
    Exempt,
    /// The day's update of the episode named so.
    Update(String),
    /// One of the hand-offs of the working day that are told by themselves.
    HandOff,
}

/// A message whose place is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedMessage {
    /// Where it went; never [`Placement::NotBefore`].
    pub placement: Placement,
    /// When that was decided.
    pub at: Moment,
    /// The account it is about.
    pub account: SubjectId,
    /// What it uses up.
    pub uses: Uses,
}

/// A message that waits for the moment at which its place is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingMessage {
    /// That moment.
    pub not_before: Moment,
    /// No budget holds it back.
    pub exempt: bool,
    /// What the digest says of it, should it end there.
    pub line: DeskLine,
}

/// A message that waits for the digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingLine {
    /// The first day whose digest may hold it.
    pub day: Date,
    /// What the digest says of it.
    pub line: DeskLine,
}

/// A message in one line. Texts are cut to size when it is made, so that a row of them stays within what a store takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeskLine {
    /// Which message of its episode.
    pub kind: AlertKind,
    /// Where the episode lives.
    pub home: SubjectId,
    /// The episode's row there.
    pub episode: String,
    /// Which opening of the row.
    pub run: u32,
    /// The account.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
    /// Annual recurring revenue, where known.
    pub arr: Option<Money>,
    /// The notice deadline, or what else `deadline` says; `None` where no date is known.
    #[schemars(with = "Option<String>")]
    pub deadline_on: Option<Date>,
    /// What `deadline_on` is.
    pub deadline: Option<String>,
    /// The band when it was asked for.
    pub band: Band,
    /// What happened, as a phrase.
    pub what: String,
    /// One next step; empty where there is none.
    pub next_step: String,
    /// The moment it holds for.
    pub as_of: Moment,
}

impl DeskLine {
    /// One run of an episode, for comparison.
    pub fn run_of_episode(&self) -> String {
        stable_hash(&["run", self.home.as_str(), &self.episode, &self.run.to_string()])
    }
}

/// What one person (or one channel) was sent lately and what waits for them. One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    /// Whose it is, as the newest message names them.
    pub to: Recipient,
    /// The mode its messages are sent in. In redirect everybody has another desk, for they get nothing.
    pub mode: Mode,
    /// What was placed lately.
    #[serde(default)]
    pub placed: BTreeMap<ActionId, PlacedMessage>,
    /// What is not decided yet.
    #[serde(default)]
    pub pending: BTreeMap<ActionId, PendingMessage>,
    /// What waits for the digest.
    #[serde(default)]
    pub waits: BTreeMap<ActionId, WaitingLine>,
    /// The day of the last digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digested_on: Option<Date>,
}

impl Desk {
    /// A desk on which nothing lies.
    pub fn new(to: Recipient, mode: Mode) -> Self {
        let (placed, pending, waits) = Default::default();
        Self { to, mode, placed, pending, waits, digested_on: None }
    }

    /// The partition of the row; its sort key is `DESK`.
    pub fn partition(mode: Mode, address: &str) -> String {
        format!("DESK#{mode}#{address}")
    }

    /// The place of this message is decided already, or will be at a moment that is known.
    pub fn knows(&self, action: &ActionId) -> bool {
        self.placed.contains_key(action) || self.pending.contains_key(action)
    }
}

/// An account's turn, as far as a message about many of them needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// When it was first heard of here.
    pub at: Moment,
    /// The account.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
    /// Annual recurring revenue, where known.
    pub arr: Option<Money>,
    /// The measures that moved it, largest first, at most two.
    pub measures: Vec<String>,
    /// Whose statement it was, where it was one.
    pub connection: Option<ConnectionName>,
}

/// A burst that people were told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldSurge {
    /// The message.
    pub id: ActionId,
    /// When the newest account of it turned.
    pub last_at: Moment,
}

/// What started one playbook within the last minutes. One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surge {
    /// The playbook.
    pub playbook: PlaybookName,
    /// The mode its messages are sent in.
    pub mode: Mode,
    /// Who turned, by the action that asks for a message.
    #[serde(default)]
    pub turns: BTreeMap<ActionId, Turn>,
    /// The burst that is on, or was lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<ToldSurge>,
}

impl Surge {
    /// Nothing has turned.
    pub fn new(playbook: PlaybookName, mode: Mode) -> Self {
        Self { playbook, mode, turns: BTreeMap::new(), told: None }
    }

    /// The partition of the row; its sort key is `SURGE`.
    pub fn partition(mode: Mode, playbook: &PlaybookName) -> String {
        format!("SURGE#{mode}#{playbook}")
    }
}
