//! Slack as a test sees it: as strict as it is about what it takes, with the people and messages that are there.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use runtime::seam::{Call, CallError, Reply, Target};
use serde_json::{Value, json};

/// The bot token that it knows.
pub const TOKEN: &str = "xoxb-test-token-of-no-workspace";
/// The incoming webhook that it knows.
pub const WEBHOOK: &str = "https://hooks.slack.example/services/T0/B0/a-secret-path";
/// The channel that the webhook posts to, and the id of every other place.
pub const CHANNEL: &str = "C0TEST";

/// What comes of the next call.
enum Next {
    /// This answer, and nothing else.
    Answer(http::Response<Bytes>),
    /// It is done, and the answer is lost.
    Lost,
}

#[derive(Default)]
struct Inner {
    messages: Vec<Value>,
    updates: Vec<Value>,
    /// Address → id, and whether they left.
    people: BTreeMap<String, (String, bool)>,
    /// The scope `users:read.email` was not given.
    without_email_scope: bool,
    asked: Vec<String>,
    next: VecDeque<Next>,
}

/// A workspace.
#[derive(Clone, Default)]
pub struct Slack(Arc<Mutex<Inner>>);

impl Slack {
    /// The bodies of the messages that were accepted, in order. Those of the webhook have no channel.
    pub fn messages(&self) -> Vec<Value> {
        self.inner().messages.clone()
    }

    /// The bodies by which messages were changed, in order.
    pub fn updates(&self) -> Vec<Value> {
        self.inner().updates.clone()
    }

    /// The message with this id as its readers see it now.
    pub fn shown(&self, ts: &str) -> Option<Value> {
        let inner = self.inner();
        let posted = || (0..inner.messages.len()).find(|at| ts_of(at + 1) == ts).map(|at| inner.messages[at].clone());
        inner.updates.iter().rev().find(|update| update["ts"] == ts).cloned().or_else(posted)
    }

    /// What was asked, in order: the method, and the address where somebody was looked up.
    pub fn asked(&self) -> Vec<String> {
        self.inner().asked.clone()
    }

    /// Somebody is a member from now on.
    pub fn has(&self, email: &str, id: &str) {
        self.inner().people.insert(email.to_owned(), (id.to_owned(), false));
    }

    /// Somebody leaves: messages to their id are refused from now on.
    pub fn lets_go(&self, email: &str) {
        if let Some((_, left)) = self.inner().people.get_mut(email) {
            *left = true;
        }
    }

    /// The app may not read addresses from now on.
    pub fn hides_addresses(&self) {
        self.inner().without_email_scope = true;
    }

    /// The next call is answered so, and nothing is done.
    pub fn next_is(&self, status: u16, retry_after: Option<u32>, body: &str) {
        let mut answer = http::Response::builder().status(status);
        if let Some(seconds) = retry_after {
            answer = answer.header("retry-after", seconds);
        }
        let answer = answer.body(Bytes::from(body.to_owned())).expect("an answer");
        self.inner().next.push_back(Next::Answer(answer));
    }

    /// The next call is carried out, and its answer is lost.
    pub fn next_is_lost(&self) {
        self.inner().next.push_back(Next::Lost);
    }

    /// Answers as Slack would.
    pub(crate) fn answer(&self, call: &Call) -> Reply {
        assert_eq!(call.target, Target::Slack, "nothing else leaves the process");
        let mut inner = self.inner();
        let next = inner.next.pop_front();
        if let Some(Next::Answer(answer)) = next {
            inner.asked.push(call.operation.clone());
            return Ok(answer);
        }
        let uri = call.request.uri().to_string();
        let answer = if uri == WEBHOOK { inner.hook(call) } else { inner.method(call, &uri) };
        match next {
            Some(Next::Lost) => Err(CallError::Timeout("10 s".to_owned())),
            Some(Next::Answer(_)) | None => Ok(http::Response::new(Bytes::from(answer))),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn method(&mut self, call: &Call, uri: &str) -> String {
        let header = |name: &str| {
            call.request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let method = uri.strip_prefix("https://slack.com/api/").unwrap_or_default();
        assert_eq!((call.request.method().as_str(), method), ("POST", call.operation.as_str()), "{uri}");
        if header("authorization") != format!("Bearer {TOKEN}") {
            return not_ok("invalid_auth").to_string();
        }
        match (method, header("content-type").as_str()) {
            ("chat.postMessage", "application/json; charset=utf-8") => {
                self.asked.push(method.to_owned());
                let body: Value = serde_json::from_slice(call.request.body()).expect("a JSON body");
                self.post(body).to_string()
            }
            ("chat.update", "application/json; charset=utf-8") => {
                self.asked.push(method.to_owned());
                let body: Value = serde_json::from_slice(call.request.body()).expect("a JSON body");
                self.update(body).to_string()
            }
            ("users.lookupByEmail", "application/x-www-form-urlencoded") => {
                let form = std::str::from_utf8(call.request.body()).expect("a form");
                let email = form.strip_prefix("email=").expect("an address").replace("%40", "@");
                self.asked.push(format!("{method} {email}"));
                self.look_up(&email).to_string()
            }
            (method, kind) => panic!("no such call: {method} as {kind}"),
        }
    }

    fn look_up(&self, email: &str) -> Value {
        if self.without_email_scope {
            return json!({ "ok": false, "error": "missing_scope", "needed": "users:read.email", "provided": "chat:write" });
        }
        match self.people.get(email) {
            Some((id, left)) => json!({ "ok": true, "user": { "id": id, "deleted": left, "name": "someone" } }),
            None => not_ok("users_not_found"),
        }
    }

    fn post(&mut self, body: Value) -> Value {
        let channel = body["channel"].as_str().unwrap_or_default();
        let has_left = self.people.values().any(|(id, left)| id == channel && *left);
        let is_place = channel.starts_with(['#', 'C', 'D', 'G', 'U', 'W']) && !channel.contains('@');
        if !is_place || has_left {
            return not_ok("channel_not_found");
        }
        if let Err(code) = fits(&body) {
            return not_ok(code);
        }
        let known = |ts: &str| (1..=self.messages.len()).any(|number| ts_of(number) == ts);
        if body["thread_ts"].as_str().is_some_and(|ts| !known(ts)) {
            return not_ok("thread_not_found");
        }
        self.messages.push(body);
        json!({ "ok": true, "channel": CHANNEL, "ts": ts_of(self.messages.len()) })
    }

    /// Only what we posted, by the id of its channel.
    fn update(&mut self, body: Value) -> Value {
        let ts = body["ts"].as_str().unwrap_or_default().to_owned();
        if body["channel"] != CHANNEL || !(1..=self.messages.len()).any(|number| ts_of(number) == ts) {
            return not_ok("message_not_found");
        }
        let mut as_posted = body.clone();
        as_posted.as_object_mut().expect("an object").remove("ts");
        if let Err(code) = fits(&as_posted) {
            return not_ok(code);
        }
        self.updates.push(body);
        json!({ "ok": true, "channel": CHANNEL, "ts": ts })
    }

    fn hook(&mut self, call: &Call) -> String {
        self.asked.push("webhook".to_owned());
        assert!(!call.request.headers().contains_key("authorization"), "a webhook is its own secret");
        let body: Value = serde_json::from_slice(call.request.body()).expect("a JSON body");
        let odd = ["channel", "thread_ts"].iter().any(|name| body.get(name).is_some());
        if odd || fits(&body).is_err() {
            return "invalid_payload".to_owned();
        }
        self.messages.push(body);
        "ok".to_owned()
    }
}

fn ts_of(number: usize) -> String {
    format!("1790000000.{number:06}")
}

fn not_ok(code: &str) -> Value {
    json!({ "ok": false, "error": code })
}

/// What `chat.postMessage` takes, as far as we use it.
fn fits(body: &Value) -> Result<(), &'static str> {
    const KEYS: [&str; 7] = ["channel", "text", "blocks", "unfurl_links", "unfurl_media", "metadata", "thread_ts"];
    let fields = body.as_object().ok_or("invalid_arguments")?;
    if let Some(unknown) = fields.keys().find(|key| !KEYS.contains(&key.as_str())) {
        panic!("Slack knows no argument `{unknown}`");
    }
    if !short(&body["text"], 40_000) {
        return Err("no_text");
    }
    let blocks = body["blocks"].as_array().filter(|blocks| (1..=50).contains(&blocks.len())).ok_or("invalid_blocks")?;
    if blocks.iter().all(block_fits) { Ok(()) } else { Err("invalid_blocks") }
}

fn short(text: &Value, most: usize) -> bool {
    text.as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()))
}

fn block_fits(block: &Value) -> bool {
    let elements = || block["elements"].as_array().map(Vec::as_slice).unwrap_or_default();
    match block["type"].as_str() {
        Some("section") => short(&block["text"]["text"], 3_000),
        Some("context") => (1..=10).contains(&elements().len()) && elements().iter().all(|e| short(&e["text"], 3_000)),
        Some("actions") => {
            let ids: std::collections::BTreeSet<_> = elements().iter().map(|e| e["action_id"].to_string()).collect();
            short(&block["block_id"], 255)
                && (1..=25).contains(&elements().len())
                && ids.len() == elements().len()
                && elements().iter().all(element_fits)
        }
        _ => false,
    }
}

fn element_fits(element: &Value) -> bool {
    let option = |option: &Value| short(&option["text"]["text"], 75) && short(&option["value"], 150);
    short(&element["action_id"], 255)
        && match element["type"].as_str() {
            Some("button") => short(&element["text"]["text"], 75),
            Some("static_select") => {
                let options = element["options"].as_array().map(Vec::as_slice).unwrap_or_default();
                short(&element["placeholder"]["text"], 150)
                    && (1..=100).contains(&options.len())
                    && options.iter().all(option)
            }
            _ => false,
        }
}
