//! Facts and configuration in, assessment, episodes and events out. Pure: no clock, no I/O, nothing random.
//!
//! [`decide`] is the whole of it; `health` reads what it needs, calls it once and writes what it returns.

mod alert;
mod decide;
mod due;
mod examples;
mod known;
mod people;
mod play;
mod score;

pub use decide::{Decision, Input, decide};
pub use examples::{ExampleResult, run_examples};
pub use score::{Scored, Weighed, score};
