//! The words of the product as types: subjects, facts and how they merge, signals, assessments, episodes, events.
//!
//! Plain values only. Nothing here reads a clock, the environment, a file or the network, so every merge and every
//! identifier can be reproduced from its inputs (promises P2, P3 and P5 in `ARCHITECTURE.md`).

mod assessment;
mod delivery;
mod episode;
mod event;
mod fact;
mod graph;
mod ids;
mod link;
mod money;
mod signal;
mod time;
mod tool;
mod value;

pub use assessment::{
    AccountCard, AlsoSaid, Assessed, Assessment, Band, Bands, Contribution, Counted, Evidence, MeasureState,
    OutOfRange, Owner, Prior, RenewalStatus, Score, ScorePoint, TimelineEntry, VersionName,
};
pub use delivery::{Control, Delivery, Mode, OperatorStatement, Quarantined};
pub use episode::{Closing, Episode, EpisodeKey, EpisodeState};
pub use event::{
    ActionKind, ActionOutcome, ActionRequest, Alert, AlertChange, AlertKind, CauseChain, EVENT_SCHEMA, Event,
    EventBody, FetchRequest, Recipient,
};
pub use fact::{Authority, Ended, Fact, Placed, Register, Source, Stamp, View};
pub use graph::{MOST_ABOVE, Root, Walk, below, members, parents, touched, touched_again, walk};
pub use ids::{
    ActionId, BadId, ConnectionName, DeliveryId, EventId, Family, PlaybookName, SubjectId, is_free_mail, stable_hash,
};
pub use link::{Claim, ClaimKind, Gone, Link, LinkChange, LinkSays, ListRegister, Said, Slot, Target, Up};
pub use money::{BadMoney, Currency, Money, decimal_to_minor};
pub use signal::{
    FactKey, FetchWanted, Field, Normalized, QuarantineKind, QuarantinedItem, Signal, SignalKind, Statement, Warning,
};
pub use time::{BadMoment, Moment};
pub use tool::{Api, MappedObject, Mapping, Tool};
pub use value::{Value, ValueKind};
