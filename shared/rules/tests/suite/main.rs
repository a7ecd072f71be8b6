//! What the rules decide, over accounts that are told of day by day.
//!
//! One binary, because each one is linked with all of the crate.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod accounts;
mod assess;
mod common;
mod decide;
mod desk;
mod detractors;
mod due;
mod effort;
mod episodes;
mod examples;
mod incidents;
mod loaded;
mod mail;
mod members;
mod prepaid;
mod renewals;
mod rescore;
mod roll_up;
mod runway;
mod steps;
mod storm;
mod tasks;
mod triggers;
mod unclaimed;
mod watching;
mod write_back;
