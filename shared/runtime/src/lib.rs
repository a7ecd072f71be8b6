//! The edges: the seam that every outbound call passes, Lambda's events and answers, logging, metrics, secrets, configuration
//! files, the clock.

pub mod aws;
pub mod batch;
pub mod clock;
pub mod env;
pub mod lambda;
pub mod logging;
pub mod metrics;
mod network;
mod parameters;
pub mod seam;
pub mod secrets;
pub mod signing;

pub use clock::{Clock, backoff};
