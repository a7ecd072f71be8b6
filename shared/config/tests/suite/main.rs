//! What the files people write come to, and what they are told when a file is wrong.
//!
//! One binary, because each one is linked with all of the crate.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;
mod mail;
mod mistakes;
mod profiles;
mod secrets;
mod shipped;
mod write_back;
