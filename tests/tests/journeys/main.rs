//! What the product promises, seen from outside: webhook in, messages out, days passing, workers that end anywhere.
//!
//! One binary, because each one links all of the product; `cargo test -p tests --test journeys replay` runs one of them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

mod backfill;
mod book;
mod canaries;
mod clicks;
mod cost;
mod cost_by_tool;
mod desk;
mod destinations;
mod due;
mod erasure;
mod explain;
mod fetch;
mod in_sight;
mod items;
mod kill_points;
mod mail;
mod operation;
mod order;
mod plays;
mod precision;
mod receive;
mod redrive;
mod replay;
mod rescore;
mod roll_up;
mod schedules;
mod silence;
mod slack;
mod streams;
mod surprise;
mod tasks;
mod tasks_read;
mod unclaimed;
mod write_back;
