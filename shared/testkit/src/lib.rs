//! What tests of several crates share. A dev-dependency only; it depends on no crate that is tested with it, apart from
//! `model` and `runtime`.

#[cfg(feature = "engine")]
pub mod engine;
pub mod faults;
pub mod golden;
pub mod http;
