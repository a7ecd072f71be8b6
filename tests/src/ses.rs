//! Amazon SES as a test sees it: as strict as it is about what it takes, with the mails that it accepted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use config::secrets::AwsKey;
use runtime::seam::{Call, CallError, Reply};
use serde_json::{Map, Value, json};

/// The region whose SES it is.
pub const REGION: &str = "eu-central-1";
/// The id of the key that it knows.
const KEY: &str = "AKIATESTOFNOACCOUNT1";

/// The key that it knows.
pub fn key() -> AwsKey {
    AwsKey {
        region: REGION.to_owned(),
        access_key_id: KEY.to_owned(),
        secret_access_key: "no-secret-of-any-account".to_owned(),
        session_token: None,
    }
}

/// What comes of the next call.
enum Next {
    /// This answer, and nothing else.
    Answer(http::Response<Bytes>),
    /// It is accepted, and the answer is lost.
    Lost,
}

#[derive(Default)]
struct Inner {
    mails: Vec<Value>,
    asked: usize,
    next: VecDeque<Next>,
}

/// SES in one region.
#[derive(Clone, Default)]
pub struct Ses(Arc<Mutex<Inner>>);

impl Ses {
    /// The bodies of the mails that were accepted, in order.
    pub fn mails(&self) -> Vec<Value> {
        self.inner().mails.clone()
    }

    /// How often it was called.
    pub fn asked(&self) -> usize {
        self.inner().asked
    }

    /// The next call is refused with this error, and nothing is done.
    pub fn next_is(&self, status: u16, kind: &str, message: &str) {
        let answer = refusal(status, kind, message);
        self.inner().next.push_back(Next::Answer(answer));
    }

    /// The next call is carried out, and its answer is lost.
    pub fn next_is_lost(&self) {
        self.inner().next.push_back(Next::Lost);
    }

    /// Answers as SES would.
    pub(crate) fn answer(&self, call: &Call) -> Reply {
        let mut inner = self.inner();
        inner.asked += 1;
        let next = inner.next.pop_front();
        if let Some(Next::Answer(answer)) = next {
            return Ok(answer);
        }
        let answer = inner.send(call);
        match next {
            Some(Next::Lost) => Err(CallError::Timeout("10 s".to_owned())),
            Some(Next::Answer(_)) | None => Ok(answer),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn send(&mut self, call: &Call) -> http::Response<Bytes> {
        let request = &call.request;
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let uri = format!("https://email.{REGION}.amazonaws.com/v2/email/outbound-emails");
        assert_eq!((request.method().as_str(), request.uri().to_string()), ("POST", uri));
        assert_eq!((call.operation.as_str(), header("content-type")), ("SendEmail", "application/json"));
        let date = header("x-amz-date").get(..8).unwrap_or_default().to_owned();
        let scope = format!("AWS4-HMAC-SHA256 Credential={KEY}/{date}/{REGION}/ses/aws4_request, SignedHeaders=");
        if !header("authorization").starts_with(&scope) {
            return refusal(403, "InvalidSignatureException", "The request signature we calculated does not match.");
        }
        let body: Value = serde_json::from_slice(request.body()).expect("a JSON body");
        if let Err(problem) = fits(&body) {
            return refusal(400, "BadRequestException", &problem);
        }
        self.mails.push(body);
        let id = json!({ "MessageId": format!("0107-mail-{:06}", self.mails.len()) });
        http::Response::new(Bytes::from(id.to_string()))
    }
}

fn refusal(status: u16, kind: &str, message: &str) -> http::Response<Bytes> {
    let answer = http::Response::builder().status(status).header("x-amzn-errortype", kind);
    answer.body(Bytes::from(json!({ "message": message }).to_string())).expect("an answer")
}

/// What `SendEmail` takes, as far as we use it.
fn fits(body: &Value) -> Result<(), String> {
    let known = |value: &Value, names: &[&str]| {
        let empty = Map::new();
        let fields = value.as_object().unwrap_or(&empty);
        match fields.keys().find(|name| !names.contains(&name.as_str())) {
            Some(unknown) => panic!("SES knows no `{unknown}`"),
            None if fields.is_empty() => Err("an object is missing".to_owned()),
            None => Ok(()),
        }
    };
    let addresses = |value: &Value| {
        let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let good = |text: &Value| text.as_str().is_some_and(|text| text.is_ascii() && text.contains('@'));
        if !list.is_empty() && list.iter().all(good) { Ok(()) } else { Err(format!("Illegal address: {value}")) }
    };
    let part = |value: &Value| {
        known(value, &["Data", "Charset"])?;
        let text = value["Data"].as_str().unwrap_or_default();
        if text.trim().is_empty() || value["Charset"] != "UTF-8" { Err("an empty part".to_owned()) } else { Ok(()) }
    };
    let word = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        let good = (1..=256).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if good { Ok(()) } else { Err(format!("{value} is no name")) }
    };
    known(
        body,
        &[
            "FromEmailAddress",
            "Destination",
            "ReplyToAddresses",
            "Content",
            "EmailTags",
            "ConfigurationSetName",
            "ListManagementOptions",
        ],
    )?;
    addresses(&json!([body["FromEmailAddress"]]))?;
    known(&body["Destination"], &["ToAddresses"])?;
    addresses(&body["Destination"]["ToAddresses"])?;
    if let Some(reply_to) = body.get("ReplyToAddresses") {
        addresses(reply_to)?;
    }
    let simple = &body["Content"]["Simple"];
    known(simple, &["Subject", "Body"])?;
    part(&simple["Subject"])?;
    if simple["Subject"]["Data"].as_str().is_some_and(|subject| subject.contains('\n')) {
        return Err("a subject of two lines".to_owned());
    }
    part(&simple["Body"]["Text"])?;
    part(&simple["Body"]["Html"])?;
    for tag in body["EmailTags"].as_array().map(Vec::as_slice).unwrap_or_default() {
        known(tag, &["Name", "Value"])?;
        word(&tag["Name"])?;
        word(&tag["Value"])?;
    }
    body.get("ConfigurationSetName").map(word).transpose()?;
    let has_link = body.to_string().contains("{{amazonSESUnsubscribeUrl}}");
    match body.get("ListManagementOptions") {
        Some(options) => {
            known(options, &["ContactListName", "TopicName"])?;
            word(&options["ContactListName"])
        }
        None if has_link => Err("a placeholder that nobody fills in".to_owned()),
        None => Ok(()),
    }
}
