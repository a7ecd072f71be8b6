//! What leaves the product: events to the bus, messages to people, mail, tasks in the CRM, questions to the APIs of tools. One
//! module per destination; every call passes the seam, so what would be sent can be counted, shown or refused without a second
//! implementation.
//!
//! An answer is sorted by what the caller does next (mark it, try again, ask a person), never by status code.

pub mod bus;
mod form;
pub mod hubspot;
pub mod ses;
pub mod slack;
pub mod vendor;
