//! HubSpot: tasks for our own people on a company's record, what the record shows of its health, and the calls for both.
//!
//! Followed: "Upsert tasks", "Update a task", "Associations" and "Owners" of the CRM API and "Error handling" and "Usage
//! guidelines" on developers.hubspot.com, read 2026-11. What matters of them here:
//!
//! - There is no idempotency key, but an upsert by a property whose values are unique: ours is [`ACTION_ID`], and holds the
//!   action's id, so the same call again finds the task that is there. It is made once per HubSpot account; see
//!   `infra/README.md`.
//! - An upsert carries no associations; the company is put on the task by a second call, which can be repeated too.
//! - `hs_timestamp` is the day a task is due, and must be there. All values are strings.
//! - An answer of 207 means that something in the batch failed, and says what.
//! - A property that does not exist fails the whole write, so ours are made first: [`our_properties`].
//! - 423 (locked), 429, 477 (being moved) and what a server answers with 5xx pass by themselves.

mod call;
mod company;
mod portal;
mod task;

pub use call::{Changed, HubSpot, WriteError};
pub use company::{AS_OF, BAND, OurProperty, REASONS, SCORE, our_properties};
pub use task::{ACTION_ID, Planned, plan};

#[cfg(test)]
mod tests;
