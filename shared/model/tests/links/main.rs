//! The links as a whole: what is claimed, in any order, by several workers at once that may end between any two store
//! calls, ends in what was said, and so do the accounts and their assessments.
//!
//! The workers are small executable models over maps, their steps the store calls of `normalize` and `health`; registers,
//! walks and views are the real ones. Every property counts what its cases contain, and a broken variant of the protocol
//! must fail it within as many cases.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
#![allow(missing_docs, reason = "tests")]

mod assessments;
mod cases;
mod draw;
mod duplicates;
mod health;
mod interleaving;
mod normalize;
mod order;
mod schedule;
mod settled;
mod store;
