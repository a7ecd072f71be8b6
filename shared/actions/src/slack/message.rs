//! The request: everything Slack is sent, byte for byte the same for the same alert.

use model::{ActionRequest, AlertAnswer, Notice};
use serde::Serialize;

use super::buttons::buttons;
use super::layout::{Block, Layout, MAX_BLOCKS, arrange};
use super::templates::{RenderError, SlackTemplates};
use super::words::{Limits, Words};

/// The most characters of a message that a reader sees. More is not read.
pub const MAX_VISIBLE: usize = 1_200;

/// A `chat.postMessage` request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlackMessage {
    channel: String,
    text: String,
    blocks: Vec<Block>,
    unfurl_links: bool,
    unfurl_media: bool,
    metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<String>,
}

/// What makes a message recognisable as ours when it is read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Metadata {
    event_type: &'static str,
    event_payload: Payload,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Payload {
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    episode: Option<String>,
}

impl SlackMessage {
    /// The message for `notice`, written as `layout`.
    pub(super) fn notice(notice: &Notice, layout: Layout) -> Self {
        let event_payload = Payload { action: notice.id.to_string(), account: None, episode: None };
        Self {
            channel: notice.to.address.clone(),
            text: layout.first_line,
            blocks: layout.blocks,
            unfurl_links: false,
            unfurl_media: false,
            metadata: Metadata { event_type: "barometer_notice", event_payload },
            thread_ts: None,
        }
    }

    /// The message with what its reader can answer, above the small print. Without, where Slack would not take it.
    #[must_use]
    pub fn with_buttons(mut self, request: &ActionRequest, offered: &[AlertAnswer]) -> Self {
        let below = self.blocks.iter().position(|block| matches!(block, Block::Context { .. }));
        if let Some(block) = buttons(request, offered).filter(|_| self.blocks.len() < MAX_BLOCKS) {
            self.blocks.insert(below.unwrap_or(self.blocks.len()), block);
        }
        self
    }

    /// The body of the request, keys always in the same order.
    pub fn body(&self) -> serde_json::Value {
        // Texts, lists and booleans only: there is nothing in it that JSON cannot hold.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The first line: what a notification shows.
    pub fn first_line(&self) -> &str {
        &self.text
    }
}

/// Writes the message for `request`, as a reply where `thread_ts` names the message that started the thread.
///
/// # Errors
/// When a template is at fault; no alert, however odd its values, makes the shipped templates fail.
pub fn render(
    templates: &SlackTemplates,
    request: &ActionRequest,
    thread_ts: Option<&str>,
) -> Result<SlackMessage, RenderError> {
    let Layout { first_line, blocks, .. } = shortest_needed(templates, request, thread_ts.is_none())?;
    Ok(SlackMessage {
        channel: request.to.address.clone(),
        text: first_line,
        blocks,
        unfurl_links: false,
        unfurl_media: false,
        metadata: Metadata {
            event_type: "barometer_alert",
            event_payload: Payload {
                action: request.id.to_string(),
                account: Some(request.alert.account.to_string()),
                episode: Some(request.episode.clone()),
            },
        },
        thread_ts: thread_ts.map(str::to_owned),
    })
}

/// Values are shortened before anything is left out.
fn shortest_needed(templates: &SlackTemplates, request: &ActionRequest, alone: bool) -> Result<Layout, RenderError> {
    let with = |limits| -> Result<Layout, RenderError> {
        let text = templates.write(&request.alert, &Words::of(request, alone, limits))?;
        Ok(arrange(&text, MAX_VISIBLE))
    };
    let [first, shorter @ ..] = Limits::STEPS;
    let mut layout = with(first)?;
    for limits in shorter {
        if !layout.was_cut {
            break;
        }
        layout = with(limits)?;
    }
    Ok(layout)
}
