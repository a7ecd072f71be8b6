//! The edges: the seam that every outbound call passes, Lambda's events and answers, logging, secrets, configuration
//! files, the clock.

pub mod lambda;
pub mod seam;
