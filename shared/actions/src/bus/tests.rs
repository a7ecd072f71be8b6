use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use model::{CauseChain, EVENT_SCHEMA, EventBody, EventId, Moment, SubjectId};
use runtime::seam::{CallError, Reply};
use serde_json::{Value, json};

use super::*;

/// An event whose JSON is `size` bytes long.
fn event(name: &str, size: usize) -> Event {
    let account = SubjectId::vendor("hubspot", "company", "1");
    let mut event = Event {
        id: EventId::derive(&account, "account.watched", "account", name),
        schema: EVENT_SCHEMA,
        account,
        occurred_at: Moment::EARLIEST,
        as_of: Moment::EARLIEST,
        cause: CauseChain::default(),
        body: EventBody::Watched { name: name.to_owned() },
    };
    let now = serde_json::to_string(&event).unwrap().len();
    event.body = EventBody::Watched { name: format!("{name}{}", "x".repeat(size.saturating_sub(now))) };
    event
}

/// A bus that answers from a script, then accepts everything; and the names of the events in each call.
#[derive(Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<VecDeque<Reply>>>,
    calls: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Reply>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() }
    }

    fn bus(&self) -> Bus {
        let this = self.clone();
        let seam = Seam::new(move |call| {
            assert_eq!((call.target, call.operation.as_str()), (Target::EventBridge, "PutEvents"));
            let reply = this.answer(call.request.body());
            Box::pin(async move { reply })
        });
        Bus::connect(&seam, &AwsSettings::local(), "barometer")
    }

    fn answer(&self, body: &Bytes) -> Reply {
        let body: Value = serde_json::from_slice(body).unwrap();
        let entries = body["Entries"].as_array().unwrap();
        let names = entries.iter().map(|entry| {
            assert_eq!((&entry["Source"], &entry["EventBusName"]), (&json!("barometer"), &json!("barometer")));
            let detail: Event = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
            assert_eq!(entry["DetailType"], detail.body.kind());
            let EventBody::Watched { name } = detail.body else { panic!("not ours") };
            name.trim_end_matches('x').to_owned()
        });
        self.calls.lock().unwrap().push(names.collect());
        let accepted: Vec<Value> = entries.iter().map(|_| json!({ "EventId": "e" })).collect();
        self.answers.lock().unwrap().pop_front().unwrap_or_else(|| ok(json!(accepted)))
    }

    fn calls(&self) -> Vec<Vec<String>> {
        self.calls.lock().unwrap().clone()
    }
}

fn ok(entries: Value) -> Reply {
    let failed = entries.as_array().unwrap().iter().filter(|e| e["ErrorCode"].is_string()).count();
    Ok(http::Response::new(json!({ "FailedEntryCount": failed, "Entries": entries }).to_string().into()))
}

fn error(status: u16, code: &str) -> Reply {
    let body = json!({ "__type": code, "message": "no" }).to_string().into();
    Ok(http::Response::builder().status(status).body(body).unwrap())
}

fn failed(code: &str) -> Value {
    json!({ "ErrorCode": code, "ErrorMessage": "why" })
}

fn named(names: &[&str]) -> Vec<Event> {
    names.iter().map(|name| event(name, 0)).collect()
}

#[tokio::test(start_paused = true)]
async fn calls_hold_at_most_ten_events_and_keep_their_order() {
    for (events, sizes) in [(0, vec![]), (1, vec![1]), (10, vec![10]), (11, vec![10, 1]), (100, vec![10; 10])] {
        let scripted = Scripted::default();
        let all: Vec<Event> = (0..events).map(|n| event(&format!("n{n}."), 0)).collect();
        assert_eq!(scripted.bus().put(&all).await, vec![Put::Accepted; events]);
        let calls = scripted.calls();
        assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
        assert_eq!(calls.concat(), (0..events).map(|n| format!("n{n}.")).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_stays_below_a_megabyte() {
    let scripted = Scripted::default();
    let overhead = SOURCE.len() + "account.watched".len();
    // Four of the largest, and a fifth that fills the call to one byte below the limit, then to the limit.
    for (fifth, calls) in
        [(MAX_CALL - 4 * MAX_EVENT - 5 * overhead - 1, 1), (MAX_CALL - 4 * MAX_EVENT - 5 * overhead, 2)]
    {
        let mut events = vec![event("large", MAX_EVENT); 4];
        events.push(event("fifth", fifth));
        let before = scripted.calls().len();
        assert_eq!(scripted.bus().put(&events).await, vec![Put::Accepted; 5]);
        assert_eq!(scripted.calls().len() - before, calls);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_beyond_the_limit_is_refused_before_any_call_and_alone() {
    let scripted = Scripted::default();
    let events = [event("a", 0), event("big", MAX_EVENT + 1), event("edge", MAX_EVENT)];
    let results = scripted.bus().put(&events).await;
    let Put::Refused(reason) = &results[1] else { panic!("{results:?}") };
    assert_eq!(reason, "200001 bytes; an event is at most 200000");
    assert_eq!((&results[0], &results[2]), (&Put::Accepted, &Put::Accepted));
    assert_eq!(scripted.calls(), [["a", "edge"]]);
}

#[tokio::test(start_paused = true)]
async fn failures_inside_an_accepted_call_are_found_and_tried_alone() {
    let scripted = Scripted::new([
        ok(
            json!([failed("InternalFailure"), { "EventId": "1" }, failed("MalformedDetail"), failed("ThrottlingException")]),
        ),
        ok(json!([{ "EventId": "2" }])),
        ok(json!([failed("ThrottlingException")])),
    ]);
    let results = scripted.bus().put(&named(&["a", "b", "c", "d"])).await;
    let expected = [
        Put::Accepted,
        Put::Accepted,
        Put::Refused("MalformedDetail: why".into()),
        Put::Retry("ThrottlingException: why".into()),
    ];
    assert_eq!(results, expected);
    assert_eq!(scripted.calls(), [vec!["a", "b", "c", "d"], vec!["a"], vec!["d"]]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_result_is_tried_again() {
    let scripted = Scripted::new([ok(json!([{ "EventId": "1" }])), ok(json!([]))]);
    let results = scripted.bus().put(&named(&["a", "b"])).await;
    assert_eq!(results, [Put::Accepted, Put::Retry("no answer for this event".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_for_one_bad_entry_is_taken_apart() {
    let scripted = Scripted::new([
        error(400, "ValidationException"),
        error(400, "ValidationException"),
        ok(json!([{ "EventId": "1" }])),
    ]);
    let results = scripted.bus().put(&named(&["bad", "good"])).await;
    assert!(matches!(&results[0], Put::Refused(reason) if reason.contains("ValidationException")), "{results:?}");
    assert_eq!(results[1], Put::Accepted);
}

#[tokio::test(start_paused = true)]
async fn no_answer_means_try_again_later_after_three_attempts() {
    type Fail = fn() -> Reply;
    let fails: [(Fail, &str); 4] = [
        (|| Err(CallError::Timeout("3 s".into())), "no answer in time: 3 s"),
        (|| Err(CallError::Connection("reset".into())), "connection failed: reset"),
        (|| error(500, "InternalException"), "InternalException: no"),
        (|| error(400, "ThrottlingException"), "ThrottlingException: no"),
    ];
    for (fail, why) in fails {
        let scripted = Scripted::new([fail(), fail(), fail()]);
        let results = scripted.bus().put(&named(&["a", "b"])).await;
        assert!(results.iter().all(|put| matches!(put, Put::Retry(r) if r.ends_with(why))), "{results:?}");
        assert_eq!(scripted.calls().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_bus_or_permission_is_not_the_events_fault() {
    for code in ["ResourceNotFoundException", "AccessDeniedException"] {
        let scripted = Scripted::new([error(400, code)]);
        let results = scripted.bus().put(&named(&["a", "b"])).await;
        assert!(results.iter().all(|put| matches!(put, Put::Retry(r) if r.contains(code))), "{results:?}");
        assert_eq!(scripted.calls().len(), 1);
    }
}
