//! The bus: EventBridge's `PutEvents`, whose rules come from the template.
//!
//! Every message for every matching rule is on the disk before the answer, all of them in one transaction. Source:
//! PutEvents, Amazon EventBridge API reference, read 2026-11.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use model::Moment;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::{HostClock, in_seconds};
use crate::state::{NewMessage, State};
use crate::template::Stack;

/// The most entries in one call.
const MOST_ENTRIES: usize = 10;

/// All entries of a call together stay below this many bytes.
const SIZE_LIMIT: usize = 1_000_000;

/// The bus. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    stack: Arc<Stack>,
    state: State,
    clock: HostClock,
    events: Arc<AtomicU64>,
    refuses: Option<Refuses>,
}

/// Whether a queue, by its name in the template, takes nothing from rules: on AWS one whose policy or key is lost. No queue
/// here is like that unless a test has it so.
pub type Refuses = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bus")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(default)]
    source: String,
    #[serde(default)]
    detail_type: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    event_bus_name: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    /// Seconds since 1970, possibly with a fraction.
    #[serde(default)]
    time: Option<f64>,
}

/// Why an entry is not taken: EventBridge's code and a sentence.
struct Refused(&'static str, String);

impl Bus {
    /// The bus of this stack.
    pub fn new(stack: Arc<Stack>, state: State, clock: HostClock, refuses: Option<Refuses>) -> Self {
        Self { stack, state, clock, events: Arc::default(), refuses }
    }

    /// One EventBridge operation with the body and the answer of its JSON protocol; `PutEvents` is the one there is.
    ///
    /// Never fails as such: what goes wrong is an answer, and what is wrong with one entry is said inside a 200.
    pub fn call(&self, operation: &str, body: &[u8]) -> http::Response<Bytes> {
        if operation != "PutEvents" {
            return error(400, "UnknownOperationException", format!("`{operation}` is not served here"));
        }
        let request: Request = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(problem) => return error(400, "SerializationException", problem.to_string()),
        };
        let count = request.entries.len();
        if count == 0 || count > MOST_ENTRIES {
            return error(400, "ValidationException", format!("{count} entries; expected 1 to {MOST_ENTRIES}"));
        }
        if request.entries.iter().map(Entry::size).sum::<usize>() >= SIZE_LIMIT {
            return error(
                400,
                "ValidationException",
                "Total size of the entries in the request is over the limit.".into(),
            );
        }
        let now = self.clock.now();
        let events: Vec<_> = request.entries.iter().map(|entry| self.event(entry, now)).collect();
        let messages: Vec<_> = events.iter().flatten().flat_map(|event| self.messages(event)).collect();
        if let Err(problem) = self.state.put_messages(&messages, now) {
            return error(500, "InternalException", problem.to_string());
        }
        let answers: Vec<_> = events
            .iter()
            .map(|event| match event {
                Ok(event) => json!({"EventId": event["id"]}),
                Err(Refused(code, message)) => json!({"ErrorCode": code, "ErrorMessage": message}),
            })
            .collect();
        let failed = events.iter().filter(|event| event.is_err()).count();
        answer(200, &json!({"FailedEntryCount": failed, "Entries": answers}))
    }

    fn event(&self, entry: &Entry, now: Moment) -> Result<Value, Refused> {
        let missing = |name: &str| {
            Refused("InvalidArgument", format!("Parameter {name} is not valid. Reason: {name} is a required argument."))
        };
        let bus = entry.event_bus_name.as_deref().unwrap_or("default");
        if bus.rsplit('/').next() != Some(self.stack.bus.as_str()) {
            return Err(Refused("ResourceNotFoundException", format!("Event bus {bus} does not exist.")));
        }
        if entry.source.is_empty() {
            return Err(missing("Source"));
        }
        if entry.detail_type.is_empty() {
            return Err(missing("DetailType"));
        }
        if entry.detail.is_empty() {
            return Err(missing("Detail"));
        }
        let detail = serde_json::from_str::<Value>(&entry.detail).ok().filter(Value::is_object);
        let detail = detail.ok_or_else(|| Refused("MalformedDetail", "Detail is malformed.".into()))?;
        // Milliseconds of a double are exact for thousands of years.
        let time = entry.time.and_then(|seconds| Moment::from_millis((seconds * 1_000.0) as i64)).unwrap_or(now);
        let number = self.events.fetch_add(1, Ordering::Relaxed).to_string();
        Ok(json!({
            "version": "0",
            "id": model::stable_hash(&["bus", &now.to_string(), &number, &entry.detail]),
            "detail-type": entry.detail_type,
            "source": entry.source,
            "account": "000000000000",
            "time": in_seconds(time),
            "region": "local",
            "resources": entry.resources,
            "detail": detail,
        }))
    }

    /// What a queue does not take goes to the dead letters of its rule, as it is, and the bus has taken it all the same.
    fn messages(&self, event: &Value) -> Vec<NewMessage> {
        let rules = self.stack.rules.iter().filter(|rule| !rule.is_on_default_bus && rule.pattern.matches(event));
        let refuses = |queue: &str| self.refuses.as_ref().is_some_and(|refuses| refuses(queue));
        let queues = rules.filter_map(|rule| match refuses(&rule.target_queue) {
            false => Some(rule.target_queue.clone()),
            true => rule.dead_letters.clone(),
        });
        queues.map(|queue| NewMessage { queue, body: event.to_string() }).collect()
    }
}

impl Entry {
    /// As EventBridge counts: UTF-8 bytes of the texts, 14 for a time.
    fn size(&self) -> usize {
        let texts = self.source.len() + self.detail_type.len() + self.detail.len();
        texts + self.resources.iter().map(String::len).sum::<usize>() + self.time.map_or(0, |_| 14)
    }
}

fn error(status: u16, kind: &str, message: String) -> http::Response<Bytes> {
    answer(status, &json!({"__type": kind, "message": message}))
}

fn answer(status: u16, body: &Value) -> http::Response<Bytes> {
    let mut answer = http::Response::new(Bytes::from(body.to_string()));
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/x-amz-json-1.1"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixture {
        bus: Bus,
        state: State,
        _folder: tempfile::TempDir,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("host.db")).unwrap();
        let clock = HostClock::open(state.clone(), Some("2026-11-21T09:00:00Z".parse().unwrap())).unwrap();
        let bus = Bus::new(Arc::new(Stack::built_in().unwrap()), state.clone(), clock, None);
        Fixture { bus, state, _folder: folder }
    }

    fn entry(detail: &str) -> Value {
        json!({"Source": "barometer", "DetailType": "action.requested", "Detail": detail, "EventBusName": "barometer"})
    }

    const ALERT: &str = r#"{"id": "e1", "data": {"kind": "slack_alert", "to": "ß"}}"#;

    impl Fixture {
        fn put(&self, entries: Vec<Value>) -> (u16, Value) {
            let answer = self.bus.call("PutEvents", json!({"Entries": entries}).to_string().as_bytes());
            (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
        }

        fn queued(&self) -> Vec<runtime::lambda::BusEvent> {
            let messages = self.state.messages("SlackAlertQueue").unwrap();
            messages.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
        }
    }

    #[test]
    fn an_event_reaches_the_queue_of_every_rule_it_matches_whole() {
        let fixture = fixture();
        let other = entry(r#"{"data": {"kind": "email_nudge"}}"#);
        let (status, answer) = fixture.put(vec![entry(ALERT), other, entry(ALERT)]);
        assert_eq!((status, &answer["FailedEntryCount"]), (200, &json!(0)));
        assert_eq!(answer["Entries"].as_array().unwrap().len(), 3);
        let queued = fixture.queued();
        assert_eq!(queued.len(), 2);
        assert_eq!(queued[0].detail, serde_json::from_str::<Value>(ALERT).unwrap());
        assert_eq!((queued[0].source.as_str(), queued[0].detail_type.as_str()), ("barometer", "action.requested"));
        assert_eq!(answer["Entries"][0]["EventId"], queued[0].id);
        assert_ne!(queued[0].id, queued[1].id, "each copy has its own id");
        let body: Value = serde_json::from_str(&fixture.state.messages("SlackAlertQueue").unwrap()[0].body).unwrap();
        assert_eq!((&body["time"], &body["version"]), (&json!("2026-11-21T09:00:00Z"), &json!("0")));
    }

    #[test]
    fn what_is_wrong_with_one_entry_is_said_in_its_place_and_the_others_are_taken() {
        let fixture = fixture();
        let without = |name: &str| {
            let mut entry = entry(ALERT);
            entry.as_object_mut().unwrap().remove(name);
            entry
        };
        let entries = vec![
            entry("{not json"),
            entry("[1]"),
            without("Source"),
            without("DetailType"),
            without("Detail"),
            without("EventBusName"),
            entry(ALERT),
        ];
        let (status, answer) = fixture.put(entries);
        let codes: Vec<_> =
            answer["Entries"].as_array().unwrap().iter().map(|entry| entry["ErrorCode"].clone()).collect();
        assert_eq!((status, &answer["FailedEntryCount"]), (200, &json!(6)));
        let expected = ["MalformedDetail", "MalformedDetail", "InvalidArgument", "InvalidArgument", "InvalidArgument"];
        assert_eq!(codes[..5], expected);
        assert_eq!((&codes[5], &codes[6]), (&json!("ResourceNotFoundException"), &Value::Null));
        assert_eq!(fixture.queued().len(), 1);
    }

    #[test]
    fn a_call_that_is_too_long_or_too_large_is_refused_whole() {
        let fixture = fixture();
        let check = |entries: Vec<Value>| {
            let (status, answer) = fixture.put(entries);
            assert_eq!((status, &answer["__type"]), (400, &json!("ValidationException")), "{answer}");
        };
        check(vec![]);
        check(vec![entry(ALERT); 11]);
        let half = json!({"data": {"kind": "slack_alert", "text": "x".repeat(SIZE_LIMIT / 2)}}).to_string();
        check(vec![entry(&half), entry(&half)]);
        assert!(fixture.queued().is_empty());
        assert_eq!(fixture.put(vec![entry(ALERT); 10]).0, 200);
        assert_eq!(fixture.put(vec![entry(&half)]).0, 200);
        assert_eq!(fixture.bus.call("PutRule", b"{}").status(), 400);
        assert_eq!(fixture.bus.call("PutEvents", b"{").status(), 400);
    }
}
