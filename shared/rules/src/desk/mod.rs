//! Between "a message is asked for" and "it is sent" stands a person's desk: how many messages of their own they had
//! this week, and what waits for their digest. Pure state machines over one row each:
//!
//! - [`see`] and a [`model::Surge`] tell whether a first message is one of a burst;
//! - [`offer`] and a [`model::Desk`] decide where a message goes, the same wherever it is offered again;
//! - [`digest`] empties the desk once per business day;
//! - [`starting_books`] tell each owner on the first day what is true already.
//!
//! Whoever calls reads the row, asks, writes what comes back on the condition that the row is still the one read, and
//! only then acts. A message that gets [`model::Placement::NotBefore`] or [`Seen::Wait`] is offered again at that
//! moment; offering it earlier, later or twice changes nothing.

mod digest;
mod hours;
mod line;
mod mail;
mod notices;
mod place;
mod surge;

pub use digest::{Digested, digest, due_at};
pub use hours::DeskRules;
pub use line::line;
pub use mail::{MailRules, allow};
pub use notices::{BOOK_DAYS, in_starting_book, source_silent, starting_book, starting_books, team_channel};
pub use place::{Thread, is_out_of_sight, offer, withdraw};
pub use surge::{Seen, can_surge, see};
