//! The store through the SDK, against an engine in memory.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;
mod heard;
mod keeping;
mod links;
mod readers;
