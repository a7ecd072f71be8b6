//! Facts and configuration in, assessment, episodes and events out. Pure: no clock, no I/O, nothing random.
//!
//! [`decide`] is the whole of it, with [`leave`] for what is no account any more; `health` reads what they need, calls
//! one of them and writes what it returns.

mod alert;
mod decide;
mod due;
mod examples;
mod known;
mod measure;
mod news;
mod people;
mod play;
mod renewals;
mod score;
mod told;

pub use decide::{Decision, Input, Member, decide, leave};
pub use examples::{ExampleResult, run_examples};
pub use score::{Scored, Weighed, score};
