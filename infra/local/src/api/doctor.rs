//! `barometer doctor`: what was looked at, how it stands, and what mends it.

use model::{ConnectionName, DeliveryId, Moment};
use serde::{Deserialize, Serialize};

/// Asks for a look at everything that real webhooks and messages need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorRequest {
    /// No vendor is asked.
    #[serde(default)]
    pub offline: bool,
    /// The host was running before the command was given, and is not one that was started for it.
    pub was_running: bool,
    /// The signed deliveries that were posted to this host's own address, and through the public ones.
    #[serde(default)]
    pub self_tests: Vec<SelfTest>,
}

/// A signed delivery that was posted to the host, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTest {
    /// In whose name.
    pub connection: ConnectionName,
    /// The public address it went through; `None` for the host's own.
    #[serde(default)]
    pub through: Option<String>,
    /// What the journal should have it as.
    pub delivery: DeliveryId,
    /// The HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// Why there was none.
    #[serde(default)]
    pub error: Option<String>,
    /// Everything that was journaled has been read since.
    pub is_read: bool,
    /// Why nobody can tell whether it has been, and what to do about it.
    #[serde(default)]
    pub unseen: Option<String>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// Nobody looked, which is no finding.
    NotAsked,
    /// Something is to be mended.
    Mend,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRow {
    /// What it is about: `host`, `connection hubspot`, `destination slack`.
    pub about: String,
    /// What was looked at, in a word or two.
    pub check: String,
    /// How it ended.
    pub state: CheckState,
    /// What was found.
    pub says: String,
    /// The click or command that mends it, or that lets it be looked at.
    #[serde(default)]
    pub mend: Option<String>,
}

/// All checks, in the order in which they are best mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorReport {
    /// The host's clock.
    pub as_of: Moment,
    /// The checks.
    pub checks: Vec<CheckRow>,
    /// How many of them are to be mended.
    pub to_mend: u32,
}
