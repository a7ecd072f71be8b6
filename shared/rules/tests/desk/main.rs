//! What people are interrupted with, what waits for the morning, and that nothing is lost or said twice on the way.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod book;
#[path = "../common/mod.rs"]
mod common;
mod digests;
mod given;
mod placing;
mod properties;
mod surges;
