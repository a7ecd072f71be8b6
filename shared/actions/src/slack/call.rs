//! The call, and its answers sorted by what to do next.

use std::fmt;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use runtime::seam::{Call, CallError, Seam, Target};
use serde::Deserialize;

const METHOD: &str = "chat.postMessage";
const SLACK: &str = "https://slack.com/api";

/// A bot token with the scope `chat:write`. Prints as `SlackToken(redacted)`.
#[derive(Clone)]
pub struct SlackToken(HeaderValue);

/// A text that cannot be a token. It is not repeated, since it may be part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a Slack token; expected the bot token of the app, such as xoxb-…, without blanks")]
pub struct BadToken;

impl SlackToken {
    /// # Errors
    /// When `text` is empty or holds anything but visible ASCII characters.
    pub fn new(text: &str) -> Result<Self, BadToken> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadToken);
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| BadToken)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl fmt::Debug for SlackToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlackToken(redacted)")
    }
}

/// A message that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Slack's id of the message within its channel; replies name it.
    pub ts: String,
    /// The channel's id, also where a name was asked for.
    pub channel: String,
}

/// Why there is no message, by what to do next. Reasons hold no part of the message and no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// Nothing was posted: try again, after `after_s` seconds where Slack said so.
    #[error("{reason}; to be tried again")]
    Retry {
        /// Why.
        reason: String,
        /// Slack's `Retry-After`.
        after_s: Option<u64>,
    },
    /// Slack may have posted it: a second try can be a second message.
    #[error("{reason}; the message may have been posted")]
    Unsure {
        /// Why.
        reason: String,
    },
    /// It stays refused until somebody changes something.
    #[error("{reason}")]
    Refused {
        /// Why, and what to do about it.
        reason: String,
    },
}

/// Slack's Web API.
#[derive(Debug, Clone)]
pub struct Slack {
    seam: Seam,
    url: String,
    token: SlackToken,
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    error: Option<String>,
    ts: Option<String>,
    channel: Option<String>,
}

impl Slack {
    /// Slack behind `seam`; `base_url` replaces `https://slack.com/api`, for a Slack of one's own.
    pub fn new(seam: Seam, base_url: Option<String>, token: SlackToken) -> Self {
        let base = base_url.unwrap_or_else(|| SLACK.to_owned());
        Self { seam, url: format!("{}/{METHOD}", base.trim_end_matches('/')), token }
    }

    /// Posts `body`, as [`super::SlackMessage::body`] writes it. Makes one call and never a second.
    ///
    /// # Errors
    /// See [`PostError`].
    pub async fn post(&self, body: &serde_json::Value) -> Result<Posted, PostError> {
        let request = http::Request::post(&self.url)
            .header(AUTHORIZATION, self.token.0.clone())
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Bytes::from(body.to_string()))
            .map_err(|_| refused("the base URL of Slack is not a URL; expected one such as https://slack.com/api"))?;
        let call = Call { target: Target::Slack, operation: METHOD.to_owned(), request };
        let response = self.seam.call(call).await.map_err(|error| match error {
            CallError::NotCalled(_) | CallError::Unreachable(_) => retry(format!("Slack was not reached: {error}")),
            CallError::Timeout(_) | CallError::Connection(_) => PostError::Unsure { reason: error.to_string() },
        })?;
        judge(&response)
    }
}

fn retry(reason: impl Into<String>) -> PostError {
    PostError::Retry { reason: reason.into(), after_s: None }
}

fn refused(reason: impl Into<String>) -> PostError {
    PostError::Refused { reason: reason.into() }
}

fn judge(response: &http::Response<Bytes>) -> Result<Posted, PostError> {
    let status = response.status();
    // 503 says that nothing was done; any other failure of Slack's may have come after the message was posted.
    if status.is_server_error() && status != http::StatusCode::SERVICE_UNAVAILABLE {
        return Err(PostError::Unsure { reason: format!("Slack answered {status}") });
    }
    if status.as_u16() == 429 || status.is_server_error() {
        let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        return Err(PostError::Retry { reason: format!("Slack answered {status}"), after_s: after });
    }
    match serde_json::from_slice::<Answer>(response.body()) {
        Ok(Answer { ok: true, ts: Some(ts), channel: Some(channel), .. }) => Ok(Posted { ts, channel }),
        Ok(Answer { ok: true, .. }) => Err(PostError::Unsure { reason: "Slack answered ok without a ts".to_owned() }),
        Ok(Answer { ok: false, error, .. }) => Err(refusal(&plain(&error.unwrap_or_default()))),
        Err(_) if status.is_success() => {
            Err(PostError::Unsure { reason: format!("the answer {status} was not one of Slack's") })
        }
        Err(_) => {
            Err(refused(format!("answered {status}, which is not one of Slack's; check the base URL and proxies")))
        }
    }
}

/// A code as Slack writes them; what is between us and Slack can write anything.
fn plain(code: &str) -> String {
    let code: String = code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect();
    if code.is_empty() { "no reason".to_owned() } else { code }
}

/// What to do about `"ok": false`. Sources: the errors of `chat.postMessage` and the common errors of all methods.
fn refusal(code: &str) -> PostError {
    let advice = match code {
        // "Some aspect of the operation may have succeeded before the error was raised."
        "internal_error" | "fatal_error" | "request_timeout" => {
            return PostError::Unsure { reason: format!("Slack answered {code}") };
        }
        "ratelimited" | "rate_limited" | "message_limit_exceeded" | "service_unavailable" | "team_added_to_org" => {
            return retry(format!("Slack answered {code}"));
        }
        "not_in_channel" => "invite the app to the channel: /invite the app's name there",
        "channel_not_found" => {
            "check the channel's name or id, and invite the app to the channel if the channel is private"
        }
        "is_archived" => "unarchive the channel or name another one",
        "invalid_auth"
        | "not_authed"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "not_allowed_token_type" => "store a valid bot token (xoxb-…) of the installed app",
        "missing_scope" | "no_permission" => "give the app the scope chat:write and install it again",
        "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_thread_only_channel"
        | "restricted_action_non_threadable_channel"
        | "restricted_action_thread_locked"
        | "ekm_access_denied"
        | "access_denied"
        | "accesslimited"
        | "team_access_not_granted"
        | "org_login_required" => "ask a Slack administrator to let the app post in this channel",
        "msg_too_long" | "msg_blocks_too_long" | "no_text" | "invalid_blocks" | "invalid_blocks_format" => {
            "the template makes a message that Slack does not take; compare it with the one that was shipped"
        }
        "thread_not_found" | "cannot_reply_to_message" | "message_not_found" => {
            "the message that this one answers was deleted"
        }
        "user_not_found" | "messages_tab_disabled" | "cannot_dm_bot" => {
            "check the person's Slack id, and switch on the app's messages tab"
        }
        _ => "look the code up among the errors of chat.postMessage on docs.slack.dev",
    };
    refused(format!("Slack refused with {code}: {advice}"))
}

#[cfg(test)]
mod tests;
