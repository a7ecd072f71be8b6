//! The calls, and their answers sorted by what to do next.

mod ask;

use std::fmt;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use model::is_member_id;
use runtime::seam::{Call, CallError, Seam, Target};
use serde::Deserialize;
use serde_json::Value;

pub use ask::{Channel, Installed};

use super::refusal::{plain, refusal, webhook_refusal};
use crate::form;

const POST: &str = "chat.postMessage";
const UPDATE: &str = "chat.update";
const LOOK_UP: &str = "users.lookupByEmail";
/// What a post to an incoming webhook is called in traces: it is no method of the Web API.
const WEBHOOK: &str = "incoming webhook";
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

/// The address of an incoming webhook, which is all it takes to post. Prints as `SlackWebhook(redacted)`.
#[derive(Clone)]
pub struct SlackWebhook(String);

impl SlackWebhook {
    /// The webhook at this address.
    pub fn new(url: &str) -> Self {
        Self(url.trim().to_owned())
    }
}

impl fmt::Debug for SlackWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlackWebhook(redacted)")
    }
}

/// A message that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Slack's id of the message within its channel; replies name it. `None` where a webhook took it.
    pub ts: Option<String>,
    /// The channel's id, also where a name was asked for. `None` where a webhook took it.
    pub channel: Option<String>,
}

/// Whom an address names in the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// The person's id.
    Member(String),
    /// Nobody.
    Unknown,
    /// Somebody who left.
    Deactivated,
}

/// Why there is no message, by what to do next. Reasons hold no part of the message and no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// Nothing was done: try again, after `after_s` seconds where Slack said so.
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
    /// There is no such channel or person, or none that takes messages: it stays refused at this address.
    #[error("{reason}")]
    NoSuchReader {
        /// Why, and what to do about it.
        reason: String,
    },
    /// It stays refused until somebody changes something.
    #[error("{reason}")]
    Refused {
        /// Why, and what to do about it.
        reason: String,
    },
}

/// The way to a workspace.
#[derive(Debug, Clone)]
enum Road {
    /// The Web API, as an app.
    Api { base: String, token: SlackToken },
    /// One channel, which was chosen when the webhook was made.
    Webhook(SlackWebhook),
}

/// Slack.
#[derive(Debug, Clone)]
pub struct Slack {
    seam: Seam,
    road: Road,
}

/// An answer of the Web API; what each method gives besides is optional.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    error: Option<String>,
    /// The scope that is missing.
    needed: Option<String>,
    ts: Option<String>,
    channel: Option<String>,
    /// A person where one was looked up; the bot's name where the app was.
    user: Option<Value>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    #[serde(default)]
    deleted: bool,
}

impl Slack {
    /// Slack behind `seam`, as the app with this token; `base_url` replaces `https://slack.com/api`, for a Slack of one's
    /// own.
    pub fn new(seam: Seam, base_url: Option<String>, token: SlackToken) -> Self {
        let base = base_url.unwrap_or_else(|| SLACK.to_owned());
        Self { seam, road: Road::Api { base: base.trim_end_matches('/').to_owned(), token } }
    }

    /// The channel of an incoming webhook, behind `seam`. It knows no threads, no other channel and no people.
    pub fn by_webhook(seam: Seam, webhook: SlackWebhook) -> Self {
        Self { seam, road: Road::Webhook(webhook) }
    }

    /// Whether it reaches one channel only, whatever a message is addressed to.
    pub fn has_one_channel(&self) -> bool {
        match self.road {
            Road::Webhook(_) => true,
            Road::Api { .. } => false,
        }
    }

    /// Posts `body`, as [`super::SlackMessage::body`] writes it. Makes one call and never a second.
    ///
    /// # Errors
    /// See [`PostError`].
    pub async fn post(&self, body: &Value) -> Result<Posted, PostError> {
        let (request, operation) = match &self.road {
            Road::Api { base, token } => (authorized(base, POST, token, JSON, body.to_string()), POST),
            Road::Webhook(SlackWebhook(url)) => {
                let builder = http::Request::post(url).header(CONTENT_TYPE, JSON);
                (builder.body(Bytes::from(for_webhook(body).to_string())), WEBHOOK)
            }
        };
        let response = self.call(operation, request).await.map_err(|error| match error {
            Failed::NotSent(reason) => retry(reason),
            Failed::NoAnswer(reason) => PostError::Unsure { reason },
            Failed::BadAddress => bad_address(),
        })?;
        match self.road {
            Road::Api { .. } => posted(&response),
            Road::Webhook(_) => taken(&response),
        }
    }

    /// Has a message that was posted say something else, as [`super::restated`] writes it. Nobody is notified, and the same
    /// text twice is the same message: a call without an answer is made again.
    ///
    /// # Errors
    /// See [`PostError`]; never [`PostError::Unsure`].
    pub async fn update(&self, body: &Value) -> Result<(), PostError> {
        // What a webhook posted it cannot change.
        let Road::Api { base, token } = &self.road else { return Ok(()) };
        let response = self.asked(UPDATE, authorized(base, UPDATE, token, JSON, body.to_string())).await?;
        match answered(&response) {
            Ok(_) => Ok(()),
            Err(PostError::Unsure { reason }) => Err(retry(reason)),
            Err(other) => Err(other),
        }
    }

    /// Whom an email address names. `None` where nobody can be asked: a webhook knows no people.
    ///
    /// # Errors
    /// See [`PostError`]; never [`PostError::Unsure`], for nothing is changed by asking.
    pub async fn look_up(&self, email: &str) -> Result<Option<Named>, PostError> {
        let Road::Api { base, token } = &self.road else { return Ok(None) };
        // In the body and not in the address, which ends up in logs on the way.
        let request = authorized(base, LOOK_UP, token, FORM, format!("email={}", form::value(email)));
        found(&self.asked(LOOK_UP, request).await?).map(Some)
    }

    /// A call that can be made again without harm, because it changes nothing or the same a second time.
    async fn asked(&self, operation: &str, request: http::Result<http::Request<Bytes>>) -> Result<Reply, PostError> {
        self.call(operation, request).await.map_err(|error| match error {
            Failed::NotSent(reason) | Failed::NoAnswer(reason) => retry(reason),
            Failed::BadAddress => bad_address(),
        })
    }

    async fn call(&self, operation: &str, request: http::Result<http::Request<Bytes>>) -> Result<Reply, Failed> {
        let request = request.map_err(|_| Failed::BadAddress)?;
        let call = Call { target: Target::Slack, operation: operation.to_owned(), request };
        self.seam.call(call).await.map_err(|error| match error {
            CallError::NotCalled(_) | CallError::Unreachable(_) => {
                Failed::NotSent(format!("Slack was not reached: {error}"))
            }
            CallError::Timeout(_) | CallError::Connection(_) => Failed::NoAnswer(error.to_string()),
        })
    }
}

const JSON: &str = "application/json; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";

type Reply = http::Response<Bytes>;

/// Why there is no answer.
enum Failed {
    /// Nothing left the process.
    NotSent(String),
    /// Slack may have acted.
    NoAnswer(String),
    /// What is configured is no address.
    BadAddress,
}

fn authorized(
    base: &str,
    method: &str,
    token: &SlackToken,
    kind: &'static str,
    body: String,
) -> http::Result<http::Request<Bytes>> {
    let builder = http::Request::post(format!("{base}/{method}"));
    builder.header(AUTHORIZATION, token.0.clone()).header(CONTENT_TYPE, kind).body(Bytes::from(body))
}

/// A webhook takes a message without its address: the channel is its own, and it knows no thread.
fn for_webhook(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        // Keeps the others in their order.
        fields.retain(|name, _| name != "channel" && name != "thread_ts");
    }
    // Nor does anybody hear of a button there.
    if let Some(blocks) = body.get_mut("blocks").and_then(Value::as_array_mut) {
        blocks.retain(|block| block["type"] != "actions");
    }
    body
}

pub(super) fn retry(reason: impl Into<String>) -> PostError {
    PostError::Retry { reason: reason.into(), after_s: None }
}

pub(super) fn refused(reason: impl Into<String>) -> PostError {
    PostError::Refused { reason: reason.into() }
}

fn bad_address() -> PostError {
    refused("the address of Slack is not a URL; expected one such as https://slack.com/api")
}

/// Slack asks for a rest.
fn rest(response: &Reply) -> Option<PostError> {
    let status = response.status();
    let is_rest = status.as_u16() == 429 || status == http::StatusCode::SERVICE_UNAVAILABLE;
    let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    is_rest.then(|| PostError::Retry { reason: format!("Slack answered {status}"), after_s: after })
}

fn posted(response: &Reply) -> Result<Posted, PostError> {
    match answered(response)? {
        Answer { ts: Some(ts), channel: Some(channel), .. } => Ok(Posted { ts: Some(ts), channel: Some(channel) }),
        _ => Err(PostError::Unsure { reason: "Slack answered ok without a ts".to_owned() }),
    }
}

/// An answer of the Web API that says ok.
fn answered(response: &Reply) -> Result<Answer, PostError> {
    let status = response.status();
    if let Some(rest) = rest(response) {
        return Err(rest);
    }
    // 503 says that nothing was done; any other failure of Slack's may have come after the message was posted.
    if status.is_server_error() {
        return Err(PostError::Unsure { reason: format!("Slack answered {status}") });
    }
    match serde_json::from_slice::<Answer>(response.body()) {
        Ok(answer) if answer.ok => Ok(answer),
        Ok(Answer { error, needed, .. }) => {
            Err(refusal(&plain(&error.unwrap_or_default()), needed.as_deref().map(plain).as_deref()))
        }
        Err(_) if status.is_success() => {
            Err(PostError::Unsure { reason: format!("the answer {status} was not one of Slack's") })
        }
        Err(_) => {
            Err(refused(format!("answered {status}, which is not one of Slack's; check the base URL and proxies")))
        }
    }
}

fn found(response: &Reply) -> Result<Named, PostError> {
    match answered(response) {
        Ok(Answer { user, .. }) => match user.and_then(|user| serde_json::from_value(user).ok()) {
            Some(User { deleted: true, .. }) => Ok(Named::Deactivated),
            Some(User { id, .. }) if is_member_id(&id) => Ok(Named::Member(id)),
            Some(_) | None => Err(refused("Slack answered ok without a person's id")),
        },
        Err(PostError::NoSuchReader { .. }) => Ok(Named::Unknown),
        Err(PostError::Unsure { reason }) => Err(retry(reason)),
        Err(other) => Err(other),
    }
}

/// What a webhook answers: the text `ok`, else a code.
fn taken(response: &Reply) -> Result<Posted, PostError> {
    let status = response.status();
    if let Some(rest) = rest(response) {
        return Err(rest);
    }
    if status.is_server_error() {
        return Err(PostError::Unsure { reason: format!("Slack answered {status}") });
    }
    let text = String::from_utf8_lossy(response.body());
    match text.trim() {
        "ok" if status.is_success() => Ok(Posted { ts: None, channel: None }),
        _ if status.is_success() => {
            Err(PostError::Unsure { reason: format!("the answer {status} was not one of Slack's") })
        }
        code => Err(webhook_refusal(&plain(code), status)),
    }
}

#[cfg(test)]
mod tests;
