//! Slack: an alert as a `chat.postMessage` request, the call, and whom an email address names (`users.lookupByEmail`). Where
//! there is no token, the message goes to an incoming webhook, which has one channel and knows neither threads nor people.
//!
//! Followed: "chat.postMessage", "Formatting message text" and "Text object" on docs.slack.dev, and the limits that
//! Slack's own SDKs validate (slack_sdk 3.47, @slack/types 3.2.0), read 2026-11. What matters of them here:
//!
//! - `&`, `<` and `>` are the only characters that start markup with an effect (mentions, links); escaped, they are text.
//! - `verbatim` stops Slack from turning plain text into links and mentions by itself.
//! - A section's text holds 1 to 3000 characters, a context block 10 elements, a message 50 blocks.
//! - There is no idempotency key. A call without an answer may have been carried out, so [`PostError::Unsure`] is an
//!   answer of its own.

mod buttons;
mod call;
mod layout;
mod message;
mod notice;
mod notice_words;
mod refusal;
mod standing;
mod templates;
pub(crate) mod text;
pub(crate) mod words;

pub use call::{BadToken, Channel, Installed, Named, PostError, Posted, Slack, SlackToken, SlackWebhook};
pub use message::{MAX_VISIBLE, SlackMessage, render};
pub use notice::{NoticeTemplates, render_notice};
pub use standing::{Standing, bears_buttons, restated, who};
pub use templates::{RenderError, SlackTemplates};
pub(crate) use templates::{parse, write};

#[cfg(test)]
pub(crate) mod checks;
#[cfg(test)]
mod notice_tests;
#[cfg(test)]
mod tests;
