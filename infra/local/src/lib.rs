//! The whole product in one process, and the command line that drives it.

pub mod api;
mod aws;
pub mod bus;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config_files;
pub mod duration;
pub mod engine;
pub mod failure;
pub mod host;
pub mod lock;
pub mod options;
pub mod pattern;
pub mod pump;
pub mod run;
pub mod samples;
pub mod secrets;
pub mod show;
pub mod state;
pub mod template;
