//! Mail through Amazon SES: the words of a mail as text and as HTML, the request, and the one call (`SendEmail`).
//!
//! Followed: "SendEmail" (Amazon SES API v2 reference), the doc comments of aws-sdk-sesv2 1.145, and "Using subscription
//! management" (Amazon SES developer guide), read 2026-11; the names and texts of errors from general knowledge of 2026-11.
//! What matters of them here:
//!
//! - There is no idempotency key. A call without an answer may have been carried out, so [`MailError::Unsure`] is an answer of
//!   its own.
//! - With `ListManagementOptions` SES adds the headers of a one-click unsubscription, puts the link where its placeholder
//!   stands, and refuses whoever has left.
//! - Tags come back in the events of a configuration set; their values are letters, digits, `-` and `_`.
//! - In the sandbox, mail goes to verified addresses only. What stands before the @ is ASCII.

mod account;
mod call;
mod mail;
mod refusal;
mod templates;
mod words;

pub use account::MailAccount;
pub use call::{MailError, Ses};
pub use mail::{Going, MailMessage, render};
pub use templates::MailTemplates;

#[cfg(test)]
mod tests;
