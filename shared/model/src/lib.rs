//! The words of the product as types: subjects, facts and how they merge, signals, assessments, episodes, events.
//!
//! Plain values only. Nothing here reads a clock, the environment, a file or the network, so every merge and every
//! identifier can be reproduced from its inputs (promises P2, P3 and P5 in `ARCHITECTURE.md`).

mod answer;
mod assessment;
mod delivery;
mod desk;
mod email;
mod episode;
mod event;
mod fact;
mod fact_key;
mod field;
mod graph;
mod heard;
mod ids;
mod link;
mod money;
mod notice;
mod recipient;
mod runway;
mod signal;
mod task;
mod time;
mod tool;
mod usage;
mod value;
mod write_back;

pub use answer::{AlertAnswer, Answered, Claimed, Dismissed, Handled};
pub use assessment::{
    AccountCard, AlsoSaid, Assessed, Assessment, Band, Bands, Cap, Child, ChildStanding, ChildWeight, Contribution,
    Counted, DimensionScore, Evaluation, Evidence, Incident, LeftOut, LeftOutBecause, MeasureState, Memory, OutOfRange,
    Override, Owner, Pending, Prior, Remembered, RenewalStatus, RollUp, RollUpMode, RollUpRow, Score, ScorePoint,
    Sentiment, TimelineEntry, ToldParent, Trend, VersionName,
};
pub use delivery::{Control, Delivery, Mode, OperatorStatement, Quarantined};
pub use desk::{Desk, DeskLine, PendingMessage, PlacedMessage, Placement, Surge, ToldSurge, Turn, Uses, WaitingLine};
pub use email::{Audience, Email, mail_ledger};
pub use episode::{Closing, Episode, EpisodeKey, EpisodeState};
pub use event::{
    ActionKind, ActionOutcome, ActionRequest, Alert, AlertChange, AlertKind, CauseChain, EVENT_SCHEMA, Event,
    EventBody, FetchRequest, Urgency, Weigh,
};
pub use fact::{Authority, Ended, Fact, Placed, Register, Source, Stamp, View};
pub use fact_key::FactKey;
pub use field::Field;
pub use graph::{MOST_ABOVE, Root, Walk, below, members, parents, touched, touched_again, walk};
pub use heard::Heard;
pub use ids::{
    ActionId, BadId, ConnectionName, DeliveryId, EventId, Family, PlaybookName, SubjectId, is_free_mail, stable_hash,
};
pub use link::{Claim, ClaimKind, Gone, Link, LinkChange, LinkSays, ListRegister, Said, Slot, Target, Up};
pub use money::{BadMoney, Currency, Money, decimal_to_minor};
pub use notice::{
    BookEntry, BookLine, Digest, DigestEntry, Notice, NoticeBody, Shared, SourceSilent, StartingBook, SurgeAccount,
    SurgeAlert,
};
pub use recipient::{Addressed, Recipient, is_member_id};
pub use runway::{RunwayMark, RunwayState};
pub use signal::{FetchWanted, Normalized, QuarantineKind, QuarantinedItem, Signal, SignalKind, Statement, Warning};
pub use task::{CrmTask, TaskChange, TaskPriority};
pub use time::{BadMoment, Moment};
pub use tool::{Api, MappedObject, Mapping, Tool};
pub use usage::{DayOfMonth, Month, UsageKey};
pub use value::{Value, ValueKind};
pub use write_back::{CrmUpdate, HUBSPOT_ACTION_ID, OUR_PROPERTIES, WrittenBack};
