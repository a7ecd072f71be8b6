//! Where things belong: what has no account, what an operator says about it, and whom to forget.

use model::{ClaimKind, ConnectionName, DeliveryId, Moment, SubjectId};
use serde::{Deserialize, Serialize};

/// Something that belongs to no account, with all that would come along if it were linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmatchedRow {
    /// The subject to link: what is below it has the same fate.
    pub subject: SubjectId,
    /// What it is, such as `deal`, `contact`, `org` or `domain`.
    pub kind: String,
    /// What it is called, where somebody says so.
    #[serde(default)]
    pub name: Option<String>,
    /// Why it has no account.
    #[serde(default)]
    pub reason: UnmatchedReason,
    /// How many facts wait at it and below it.
    pub facts: u32,
    /// How many subjects those facts are about.
    #[serde(default)]
    pub subjects: u32,
    /// When the first of them was received; the same as `first_at`.
    pub since: Moment,
    /// When the first of them was received.
    #[serde(default = "earliest")]
    pub first_at: Moment,
    /// When the last of them was received.
    #[serde(default = "earliest")]
    pub last_at: Moment,
    /// Runs of playbooks that wait here until it has an account.
    #[serde(default)]
    pub held_episodes: u32,
    /// Accounts it could belong to, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// What would link it, in words and with a command.
    #[serde(default)]
    pub hint: String,
}

fn earliest() -> Moment {
    Moment::EARLIEST
}

/// Why a subject has no account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnmatchedReason {
    /// It stands alone, or ends at something that no CRM opened as an account.
    #[default]
    NoAccount,
    /// Several accounts or other ends lay claim to it.
    Ambiguous,
    /// Everything it belonged to was deleted.
    Unmatched,
}

/// An account that a subject could belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The account.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
    /// Why it could.
    pub why: String,
}

/// Says where a subject belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRequest {
    /// What: an id, an email address, a web domain, or the name of an account.
    pub subject: String,
    /// Where it belongs.
    pub to: LinkTo,
}

/// Where an operator says a subject belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkTo {
    /// To the account, or other subject, of this name or id.
    Account(String),
    /// To nothing else.
    Alone,
    /// Wherever the tools say: an earlier decision is taken back.
    Undo,
}

/// What a link changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReport {
    /// What was linked.
    pub subject: SubjectId,
    /// Where to; `None` with `--alone` and `--undo`.
    pub to: Option<SubjectId>,
    /// A decision of ours stands now; false after `--undo`.
    pub decided: bool,
    /// Where it belonged before.
    pub before: Belongs,
    /// Where it belongs now.
    pub now: Belongs,
    /// How many more subjects moved with it.
    pub moved: u32,
    /// The statement in the journal.
    pub delivery: DeliveryId,
    /// What is odd about it, such as a subject that nobody ever spoke of.
    pub warnings: Vec<String>,
}

/// Where a subject belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belongs {
    /// The account, or the end that is none; `None` where there is no one end.
    pub root: Option<SubjectId>,
    /// What people call it.
    pub name: Option<String>,
    /// It is an account.
    pub is_account: bool,
    /// Why there is no account; `None` where there is one.
    pub reason: Option<UnmatchedReason>,
}

/// A subject whose facts count for an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// The subject.
    pub subject: SubjectId,
    /// How many claims lie between it and the account; 0 for the account itself.
    pub steps: u32,
    /// Its source deleted it, or merged it into another.
    pub gone: bool,
    /// How many facts it has.
    pub facts: u32,
    /// The claims that count; none for the account itself.
    pub by: Vec<ClaimRow>,
}

/// One claim that a subject belongs to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRow {
    /// Where it belongs by this claim.
    pub target: SubjectId,
    /// How much it counts.
    pub kind: ClaimKind,
    /// What says so, such as `external_id` or `deal_to_company`.
    pub what: String,
    /// Who says so; `None` for an address, which belongs to its domain by itself.
    pub connection: Option<ConnectionName>,
    /// The delivery that said so.
    pub delivery: Option<DeliveryId>,
    /// When it became true by their word.
    pub occurred_at: Option<Moment>,
}

/// Asks to forget a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseRequest {
    /// An email address or a subject of theirs; `None` for everybody whom a tool told us to forget.
    pub person: Option<String>,
    /// Only say who and what it would be.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was forgotten, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseReport {
    /// Every subject of theirs.
    pub subjects: Vec<SubjectId>,
    /// Facts that were dropped.
    pub facts: u32,
    /// Bodies that were replaced as a whole.
    pub bodies: u32,
    /// Bodies of which a part was replaced: elements of a list, or the address where it stood in somebody else's record.
    pub parts: u32,
    /// Rows of timelines whose words were replaced.
    pub timeline_rows: u32,
    /// Rows of the quarantine whose words were replaced.
    pub quarantine_rows: u32,
    /// Rows of what was asked for, sent or waits to be told, and messages in queues, whose words were replaced.
    #[serde(default)]
    pub sent_rows: u32,
    /// Deliveries that were looked at.
    pub read: u32,
    /// Nothing was changed.
    pub dry_run: bool,
    /// The statement in the journal; `None` where nothing was stated.
    pub delivery: Option<DeliveryId>,
    /// What is worth a look, such as an address that somebody else has now.
    pub warnings: Vec<String>,
}
