//! What tests of several crates share. A dev-dependency only; it depends on no crate that is tested with it, apart from
//! `model` and `runtime`.

pub mod faults;
pub mod golden;
