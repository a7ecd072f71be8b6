//! The clock, the switches and the host itself.

use std::net::SocketAddr;

use model::{ConnectionName, Family, Mode, Moment, PlaybookName, SubjectId};
use serde::{Deserialize, Serialize};

/// How the host's clock goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockMode {
    /// With the machine's, by a constant distance.
    Running,
    /// It stands until it is set or advanced.
    Frozen,
}

/// The host's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockNow {
    /// What it shows.
    pub now: Moment,
    /// How it goes.
    pub mode: ClockMode,
}

/// Moves the host's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockChange {
    /// To this moment, never back.
    Set(Moment),
    /// By this many milliseconds, more than 0.
    AdvanceMs(i64),
}

/// Asks the host to answer once nothing is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleRequest {
    /// Answer after this many milliseconds of real time even so.
    pub timeout_ms: u64,
}

/// What is still in flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Nothing is in flight; what waits for a later moment of the clock is not.
    pub quiet: bool,
    /// Stream records not yet handled.
    pub waiting_records: u64,
    /// Queue messages not yet handled, the invisible ones included.
    pub waiting_messages: u64,
    /// Messages that were given up and lie in a dead-letter queue.
    pub dead_letters: u64,
    /// When the next invisible message comes back.
    pub next_visible_at: Option<Moment>,
}

impl Settled {
    /// Of a stack that runs elsewhere: what is under way there cannot be seen.
    pub(crate) fn unknown() -> Self {
        Self { quiet: false, waiting_records: 0, waiting_messages: 0, dead_letters: 0, next_visible_at: None }
    }
}

/// Which messages may go out from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoliveRequest {
    /// Only this playbook; `None` means every one.
    #[serde(default)]
    pub playbook: Option<PlaybookName>,
    /// Only this destination, such as `slack`; `None` means every one.
    #[serde(default)]
    pub destination: Option<String>,
    /// Open episodes now for this many accounts of the starting book, in its order: of the playbook about risk where they are
    /// red, of the way to a renewal where they only renew soon.
    #[serde(default)]
    pub open_top: u32,
    /// Only say what would be.
    #[serde(default)]
    pub dry_run: bool,
    /// Go live although more than 5 % of the revenue is looked after by nobody whom `team.toml` knows.
    #[serde(default)]
    pub accept_unowned: bool,
}

/// More of the book than may go live is looked after by nobody whom `team.toml` knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unowned {
    /// How much of it.
    pub basis_points: u32,
    /// Of the revenue; of the accounts, where no revenue is known.
    pub of_revenue: bool,
    /// Owners who are not known, then accounts without one: the first ten.
    pub whose: Vec<String>,
    /// How many more there are.
    pub more: u32,
}

impl Unowned {
    /// How much of what, such as `27.27 % of the revenue`.
    pub fn share(&self) -> String {
        let of = if self.of_revenue { "of the revenue" } else { "of the accounts" };
        format!("{}.{:02} % {of}", self.basis_points / 100, self.basis_points % 100)
    }

    /// Whose it is, and how many more.
    pub fn names(&self) -> String {
        let more = if self.more > 0 { format!(" and {} more", self.more) } else { String::new() };
        format!("{}{more}", self.whose.join(", "))
    }
}

/// What `golive` changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoliveReport {
    /// One row per playbook and destination.
    pub modes: Vec<ModeRow>,
    /// Episodes that were opened.
    pub opened: Vec<OpenedRow>,
    /// Accounts in trouble whose episode stays unopened, because nothing new happened there.
    pub left_alone: u32,
    /// Who is told what is true of their accounts already, once.
    #[serde(default)]
    pub books: Vec<BookRow>,
    /// It only says what would be.
    #[serde(default)]
    pub dry_run: bool,
    /// Accounts whose score is written to their record in the CRM now.
    #[serde(default)]
    pub records: u32,
    /// So much is looked after by nobody that nothing goes live unless that is accepted.
    #[serde(default)]
    pub unowned: Option<Unowned>,
}

/// The starting book of one reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookRow {
    /// Who gets it, and why there.
    pub to: String,
    /// How many of their accounts are red.
    pub red: u32,
    /// How many of them renew within 120 days or are past due.
    pub renewing: u32,
    /// The message, exactly as it is sent.
    #[serde(default)]
    pub request: Option<serde_json::Value>,
}

/// How far a playbook reaches at a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeRow {
    /// The playbook.
    pub playbook: PlaybookName,
    /// The destination.
    pub destination: String,
    /// Before.
    pub from: Mode,
    /// Now.
    pub to: Mode,
    /// Why it is less than live.
    pub limited_by: Option<String>,
}

/// An episode that an operator opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedRow {
    /// The playbook.
    pub playbook: PlaybookName,
    /// The account.
    pub account: SubjectId,
    /// What people call it.
    pub name: String,
}

/// Whether anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// Since when nothing is; `None` while sending goes on.
    pub paused_at: Option<Moment>,
    /// Messages that a pause held back within the last day; they are listed and not sent later.
    pub held: u32,
}

/// The host at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its version.
    pub version: String,
    /// Its clock.
    pub clock: ClockNow,
    /// `name@hash` of the health model.
    pub model: String,
    /// Assessed accounts by band.
    pub bands: BandCounts,
    /// Deliveries in the journal, those of `barometer doctor` aside.
    pub deliveries: u64,
    /// Items in quarantine.
    pub quarantined: u64,
    /// Subjects without an account.
    pub unmatched: u64,
    /// People whom a tool told us to forget and whose bodies are still in the journal.
    #[serde(default)]
    pub erasures_pending: u64,
    /// Messages in the outbox by status.
    pub outbox: std::collections::BTreeMap<String, u64>,
    /// Since when nothing is sent; `None` while sending goes on.
    pub paused_at: Option<Moment>,
    /// Every playbook and destination, as now set.
    pub modes: Vec<ModeRow>,
    /// What can be received.
    pub connections: Vec<ConnectionRow>,
}

/// How many accounts have which colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BandCounts {
    /// Green ones.
    pub green: u64,
    /// Yellow ones.
    pub yellow: u64,
    /// Red ones.
    pub red: u64,
    /// Those of which too little is known.
    pub unknown: u64,
}

/// A configured connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// Its name.
    pub name: ConnectionName,
    /// Its tool, such as `hubspot-workflow`.
    pub tool: String,
    /// The tool's family.
    pub family: Family,
    /// It accepts webhooks: it is enabled and has a secret.
    pub accepts: bool,
    /// The URL its signatures cover, where it is not the one that was called.
    pub public_url: Option<String>,
}

impl ConnectionRow {
    /// A connection that has a secret, or has none.
    pub(crate) fn of(connection: &config::Connection, has_secret: bool) -> Self {
        Self {
            name: connection.name.clone(),
            tool: connection.tool.clone(),
            family: connection.family,
            accepts: connection.enabled && has_secret,
            public_url: connection.public_url.clone(),
        }
    }
}
