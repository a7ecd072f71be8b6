//! The words of the product as types: subjects, facts and how they merge, signals, assessments, episodes, events.
//!
//! Plain values only. Nothing here reads a clock, the environment, a file or the network, so every merge and every
//! identifier can be reproduced from its inputs (promises P2, P3 and P5 in `ARCHITECTURE.md`).

mod assessment;
mod delivery;
mod episode;
mod event;
mod fact;
mod ids;
mod money;
mod signal;
mod time;
mod tool;
mod value;

pub use assessment::{
    AccountCard, Assessed, Assessment, Band, Bands, Contribution, Counted, Evidence, MeasureState, OutOfRange, Owner,
    Prior, Score, ScorePoint, TimelineEntry, VersionName,
};
pub use delivery::{Control, Delivery, Mode, OperatorStatement, Quarantined};
pub use episode::{Closing, Episode, EpisodeKey, EpisodeState};
pub use event::{
    ActionKind, ActionOutcome, ActionRequest, Alert, AlertChange, AlertKind, CauseChain, EVENT_SCHEMA, Event,
    EventBody, Recipient,
};
pub use fact::{Authority, Fact, Register, Source, Stamp, View};
pub use ids::{ActionId, BadId, ConnectionName, DeliveryId, EventId, Family, PlaybookName, SubjectId, stable_hash};
pub use money::{BadMoney, Currency, Money, decimal_to_minor};
pub use signal::{FactKey, Field, Normalized, QuarantinedItem, Signal, SignalKind, Statement, Warning};
pub use time::{BadMoment, Moment};
pub use tool::{MappedObject, Mapping, Tool};
pub use value::{Value, ValueKind};
