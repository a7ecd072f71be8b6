//! Facts and configuration in, assessment, episodes and events out. Pure: no clock, no I/O, nothing random.
//!
//! [`decide`] is the whole of it, with [`leave`] for what is no account any more; `health` reads what they need, calls
//! one of them and writes what it returns. [`desk`] is the other end: where the messages go that it asks for.

mod alert;
mod assess;
mod decide;
pub mod desk;
mod due;
mod examples;
mod known;
mod measure;
mod news;
mod people;
mod play;
mod renewals;
mod roll_up;
mod runway;
mod score;
mod told;
mod watching;
mod when;
mod write_back;

pub use alert::when as in_words;
pub use decide::{Decision, Input, Member, decide, leave, stays};
pub use examples::{ExampleResult, run_examples};
pub use play::unclaimed::asks_for_claims;
pub use score::{Group, Scale, Scored, Weighed, score};
pub use watching::{Watched, Watching};
