//! What the host and the commands say to each other: one type per question and answer, used by server and client.
//!
//! Every answer is JSON with the field names of these structs, which is also exactly what `--json` prints. Fields are
//! added, never removed or retyped. Instants are RFC 3339 in UTC to the millisecond, days are `YYYY-MM-DD`, money is
//! minor units with a currency, and an unknown value is `null`.

mod accounts;
mod backfill;
mod book;
mod control;
mod doctor;
mod import;
mod ledger;
mod links;
mod precision;
mod redrive;
mod replay;
mod rescore;
mod say;

pub use accounts::{
    AccountQuery, AccountRow, AlsoSaid, CapRow, ContractRow, EpisodePhase, EpisodeRow, EvidenceRow, Explanation,
    HistoryRow, PointRow,
};
pub use backfill::{BackfillPage, BackfillRequest};
pub use book::{BookReport, GapRow, Named, OwnerRow, OwnerState, OwnerlessRow, OwnersReport, WatchRow, WiredRow};
pub use control::{
    BandCounts, BookRow, ClockChange, ClockMode, ClockNow, ConnectionRow, GoliveReport, GoliveRequest, ModeRow,
    OpenedRow, Sending, SettleRequest, Settled, Status, Unowned,
};
pub use doctor::{CheckRow, CheckState, DoctorReport, DoctorRequest, SelfTest};
pub use import::{ImportColumn, ImportPage, ImportProblem, ImportReport, ImportRequest};
pub use ledger::{FETCH, JournalRow, NOTICE, OutboxRow, QuarantineQuery, QuarantineRow, TimelineRow};
pub use links::{
    Belongs, Candidate, ClaimRow, EraseReport, EraseRequest, LinkReport, LinkRequest, LinkTo, MemberRow,
    UnmatchedReason, UnmatchedRow,
};
pub use precision::{PrecisionReport, PrecisionRow};
pub use redrive::{
    FailedAgain, FailureRow, LetterRow, RedriveDone, RedriveLook, RedriveQuery, RedriveReport, RedriveRequest, Redriven,
};
pub use replay::{
    Difference, ReplayReport, ReplayRequest, ReplayWhich, ReplayedAccount, ReplayedAction, ReplayedEvent,
    ReplayedPlaybook,
};
pub use rescore::{RescorePage, RescoreQuery, RescoreReport, RescoreRequest, RescoreRow, RescoreStated, ScoredRow};
pub use say::{SayReport, SayRequest, Saying};

use serde::{Deserialize, Serialize};

/// Where each question is asked.
pub mod route {
    /// `GET` → `Vec<`[`AccountRow`](super::AccountRow)`>`, worst first.
    pub const ACCOUNTS: &str = "/api/accounts";
    /// `GET ?account=TEXT&at=T` → [`Explanation`](super::Explanation); see [`AccountQuery`](super::AccountQuery).
    pub const EXPLAIN: &str = "/api/explain";
    /// `GET` → `Vec<`[`OutboxRow`](super::OutboxRow)`>`, newest first.
    pub const OUTBOX: &str = "/api/outbox";
    /// `GET ?account=TEXT` → `Vec<`[`TimelineRow`](super::TimelineRow)`>`, oldest first.
    pub const TIMELINE: &str = "/api/timeline";
    /// `GET` → `Vec<`[`JournalRow`](super::JournalRow)`>` in the journal's total order.
    pub const JOURNAL: &str = "/api/journal";
    /// `GET ?all=true` → `Vec<`[`QuarantineRow`](super::QuarantineRow)`>`, oldest first; see
    /// [`QuarantineQuery`](super::QuarantineQuery).
    pub const QUARANTINE: &str = "/api/quarantine";
    /// `GET` → `Vec<`[`UnmatchedRow`](super::UnmatchedRow)`>`, oldest first.
    pub const UNMATCHED: &str = "/api/unmatched";
    /// `GET` → [`Status`](super::Status).
    pub const STATUS: &str = "/api/status";
    /// `GET` → [`ClockNow`](super::ClockNow); `POST` [`ClockChange`](super::ClockChange) → the same.
    pub const CLOCK: &str = "/api/clock";
    /// `POST` [`SettleRequest`](super::SettleRequest) → [`Settled`](super::Settled).
    pub const SETTLE: &str = "/api/settle";
    /// `POST` [`GoliveRequest`](super::GoliveRequest) → [`GoliveReport`](super::GoliveReport).
    pub const GOLIVE: &str = "/api/golive";
    /// `POST` `{}` → [`Sending`](super::Sending).
    pub const PAUSE: &str = "/api/pause";
    /// `POST` `{}` → [`Sending`](super::Sending).
    pub const RESUME: &str = "/api/resume";
    /// `POST` [`DoctorRequest`](super::DoctorRequest) → [`DoctorReport`](super::DoctorReport).
    pub const DOCTOR: &str = "/api/doctor";
    /// `POST` [`ReplayRequest`](super::ReplayRequest) → [`ReplayReport`](super::ReplayReport).
    pub const REPLAY: &str = "/api/replay";
    /// `POST` [`RedriveQuery`](super::RedriveQuery) → [`RedriveLook`](super::RedriveLook).
    pub const REDRIVE_LOOK: &str = "/api/redrive/look";
    /// `POST` [`RedriveRequest`](super::RedriveRequest) → [`RedriveDone`](super::RedriveDone).
    pub const REDRIVE: &str = "/api/redrive";
    /// `POST` [`RescoreQuery`](super::RescoreQuery) → [`RescorePage`](super::RescorePage).
    pub const RESCORE_LOOK: &str = "/api/rescore/look";
    /// `POST` [`RescoreRequest`](super::RescoreRequest) → [`RescoreStated`](super::RescoreStated).
    pub const RESCORE: &str = "/api/rescore";

    /// `POST` [`BackfillRequest`](super::BackfillRequest) → [`BackfillPage`](super::BackfillPage).
    pub const BACKFILL: &str = "/api/backfill";
    /// `GET` → [`BookReport`](super::BookReport).
    pub const BOOK: &str = "/api/book";
    /// `GET` → [`OwnersReport`](super::OwnersReport).
    pub const OWNERS: &str = "/api/owners";
    /// `GET` → [`PrecisionReport`](super::PrecisionReport).
    pub const PRECISION: &str = "/api/precision";
    /// `POST` [`SayRequest`](super::SayRequest) → [`SayReport`](super::SayReport).
    pub const SAY: &str = "/api/say";
    /// `POST` [`ImportRequest`](super::ImportRequest) → [`ImportPage`](super::ImportPage).
    pub const IMPORT: &str = "/api/import";
    /// `POST` [`LinkRequest`](super::LinkRequest) → [`LinkReport`](super::LinkReport).
    pub const LINK: &str = "/api/link";
    /// `POST` [`EraseRequest`](super::EraseRequest) → [`EraseReport`](super::EraseReport).
    pub const ERASE: &str = "/api/erase";

    /// The path of a connection's webhook.
    pub fn hook(family: model::Family, connection: &model::ConnectionName) -> String {
        format!("/hooks/{family}/{connection}")
    }
}

/// Every status of 400 and above carries this body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// What went wrong, one clause.
    pub message: String,
    /// What to do about it.
    #[serde(default)]
    pub help: Option<String>,
}
