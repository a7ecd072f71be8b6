use std::sync::Mutex;
use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::{Notify, oneshot};

use super::*;
use crate::state::NewMessage;

/// What a function does with a batch of names: sort keys, deliveries or message bodies.
type Behaviour = Box<dyn Fn(&[String], &Value) -> Result<Value, String> + Send + Sync>;

/// Which function was given what, in order.
type Calls = Arc<Mutex<Vec<(String, Vec<String>)>>>;

/// A stack on a folder, whose functions note what they are given. `behave` decides for one function; the others succeed.
struct Fixture {
    folder: tempfile::TempDir,
    calls: Calls,
    clock: HostClock,
    engine: Engine,
    state: State,
    pump: Arc<Pump>,
    puts: AtomicUsize,
}

fn fixture(
    function: &str,
    behave: impl Fn(&[String], &Value) -> Result<Value, String> + Send + Sync + 'static,
) -> Fixture {
    on_folder(tempfile::tempdir().unwrap(), function, Box::new(behave))
}

fn on_folder(folder: tempfile::TempDir, function: &str, behave: Behaviour) -> Fixture {
    let mut stack = Stack::built_in().unwrap();
    // The queues that ship are worked through by ones and twos, which shows nothing of batches.
    stack.functions.iter_mut().flat_map(|function| &mut function.queues).for_each(|queue| queue.batch_size = 10);
    let stack = Arc::new(stack);
    let engine = Engine::open(&folder.path().join("tables.db"), &stack).unwrap();
    let state = State::open(&folder.path().join("host.db")).unwrap();
    let clock = HostClock::open(state.clone(), Some("2026-11-21T09:00:00Z".parse().unwrap())).unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let behave: Arc<Behaviour> = Arc::new(behave);
    let mut handlers = BTreeMap::new();
    for name in stack.functions.iter().map(|function| function.logical_id.clone()) {
        let (calls, behave, special) = (Arc::clone(&calls), Arc::clone(&behave), name == function);
        let note = name.clone();
        let act = move |event: Value| {
            let (calls, behave, name) = (Arc::clone(&calls), Arc::clone(&behave), note.clone());
            async move {
                let names = names(&event);
                calls.lock().unwrap().push((name, names.clone()));
                if special { behave(&names, &event) } else { Ok(Value::Null) }
            }
        };
        handlers.insert(name, handler(act));
    }
    let pump = Arc::new(Pump::new(stack, engine.clone(), state.clone(), clock.clone(), handlers).unwrap());
    Fixture { folder, calls, clock, engine, state, pump, puts: AtomicUsize::new(0) }
}

/// What a batch is about: sort keys, deliveries, bodies, or the moment of a run.
fn names(event: &Value) -> Vec<String> {
    let name = |record: &Value| {
        let keys = &record["dynamodb"]["Keys"];
        let found = [&keys["sk"]["S"], &keys["delivery"]["S"], &record["body"]];
        found.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
    };
    match event["Records"].as_array() {
        Some(records) => records.iter().map(name).collect(),
        None => vec![event["scheduled_at"].as_str().unwrap_or_default().to_owned()],
    }
}

impl Fixture {
    fn passes(&self, by: SignedDuration) {
        self.clock.reach(self.clock.now().plus(by)).unwrap();
    }

    fn put(&self, sk: &str) {
        // Never the same item twice, for that would be no change.
        let number = self.puts.fetch_add(1, Ordering::SeqCst).to_string();
        let item = json!({"pk": {"S": "p"}, "sk": {"S": sk}, "number": {"N": number}});
        let body = json!({"TableName": "Accounts", "Item": item}).to_string();
        assert_eq!(self.engine.call("PutItem", body.as_bytes()).status(), 200);
    }

    fn facts(&self, count: usize) {
        (0..count).for_each(|number| self.put(&format!("FACT#{number:02}")));
    }

    fn send(&self, bodies: &[&str]) {
        let message = |body: &&str| NewMessage { queue: "SlackAlertQueue".into(), body: (*body).into() };
        self.state.put_messages(&bodies.iter().map(message).collect::<Vec<_>>(), self.clock.now()).unwrap();
    }

    fn calls_of(&self, function: &str) -> Vec<Vec<String>> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(name, _)| name == function).map(|(_, names)| names.clone()).collect()
    }

    async fn settle(&self) -> Settled {
        self.pump.settle().await.unwrap()
    }

    fn set_aside(&self) -> Vec<Vec<String>> {
        self.state.set_aside().unwrap().iter().map(|batch| names(&json!({"Records": batch.records}))).collect()
    }

    fn stored_records(&self) -> usize {
        self.engine.records("Accounts", None, 1_000).unwrap().records.len()
    }

    /// The same folder after a restart.
    fn restart(
        self,
        function: &str,
        behave: impl Fn(&[String], &Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        let Self { folder, .. } = self;
        on_folder(folder, function, Box::new(behave))
    }
}

fn done(_: &[String], _: &Value) -> Result<Value, String> {
    Ok(Value::Null)
}

/// Names the records with this key or body as failed.
fn failing(event: &Value, which: impl Fn(&str) -> bool) -> Result<Value, String> {
    let records = event["Records"].as_array().unwrap().iter().zip(names(event));
    let id = |record: &Value| {
        record["messageId"].as_str().or(record["dynamodb"]["SequenceNumber"].as_str()).unwrap().to_owned()
    };
    let failed: Vec<_> =
        records.filter(|(_, name)| which(name)).map(|(record, _)| json!({"itemIdentifier": id(record)})).collect();
    Ok(json!({"batchItemFailures": failed}))
}

// ---------------------------------------------------------------------------------------------------------- streams

#[tokio::test]
async fn each_function_gets_the_records_its_filter_takes_in_order_and_once() {
    let fixture = fixture("Health", done);
    for sk in ["FACT#1", "ASSESSMENT", "EVENT#1", "FACT#2", "FACT#1", "EVENT#1"] {
        fixture.put(sk);
    }
    let left = fixture.settle().await;
    assert_eq!(fixture.calls_of("Health"), [["FACT#1", "FACT#2", "FACT#1"]]);
    assert_eq!(fixture.calls_of("Publish"), [["EVENT#1"]], "a change of an outbox row is not published again");
    assert!(fixture.calls_of("Normalize").is_empty());
    assert_eq!(left, Settled::default());
    fixture.settle().await;
    assert_eq!(fixture.calls_of("Health").len(), 1);
}

#[tokio::test]
async fn a_batch_holds_at_most_what_the_template_says() {
    let fixture = fixture("Health", done);
    (0..130).for_each(|number| fixture.put(&format!("FACT#{number}")));
    fixture.settle().await;
    assert_eq!(fixture.calls_of("Health").iter().map(Vec::len).collect::<Vec<_>>(), [100, 30]);
}

#[tokio::test]
async fn a_partial_failure_is_tried_again_from_the_lowest_record_that_failed() {
    let failed_once = AtomicUsize::new(0);
    let fixture = fixture("Health", move |names, event| {
        let first = names.len() == 5 && failed_once.fetch_add(1, Ordering::SeqCst) == 0;
        failing(event, |name| first && (name == "FACT#03" || name == "FACT#02"))
    });
    fixture.facts(5);
    fixture.settle().await;
    let calls = fixture.calls_of("Health");
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!(calls[1], ["FACT#02", "FACT#03", "FACT#04"]);
}

#[tokio::test]
async fn a_poisoned_record_is_isolated_by_halving_tried_to_the_end_and_set_aside_alone() {
    for crashing in [true, false] {
        let fixture = fixture("Health", move |names, event| match names.contains(&"FACT#05".to_owned()) {
            true if crashing => Err("crashed".into()),
            _ => failing(event, |name| name == "FACT#05"),
        });
        fixture.facts(8);
        let left = fixture.settle().await;
        assert_eq!(fixture.set_aside(), [["FACT#05"]], "crashing: {crashing}");
        let calls = fixture.calls_of("Health");
        let alone = calls.iter().filter(|names| **names == ["FACT#05"]).count();
        assert_eq!(alone, 11, "once and ten retries");
        for number in [0, 1, 2, 3, 4, 6, 7] {
            let name = format!("FACT#{number:02}");
            let without_poison =
                calls.iter().any(|names| names.contains(&name) && !names.contains(&"FACT#05".to_owned()));
            assert!(without_poison || !crashing, "{name} was delivered, crashing: {crashing}");
        }
        assert_eq!((left.set_aside, left.records), (1, 0));
        let kept = fixture.state.set_aside().unwrap();
        assert_eq!((kept[0].function.as_str(), kept[0].table.as_str()), ("Health", "Accounts"));
        assert_eq!(kept[0].records[0]["dynamodb"]["NewImage"]["sk"]["S"], "FACT#05", "the whole record is kept");
    }
}

#[tokio::test]
async fn an_answer_that_names_nothing_known_fails_the_whole_batch() {
    let broken_once = AtomicUsize::new(0);
    let fixture = fixture("Health", move |_, _| match broken_once.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(json!({"batchItemFailures": [{"itemIdentifier": null}]})),
        _ => Ok(Value::Null),
    });
    fixture.facts(2);
    fixture.settle().await;
    assert_eq!(fixture.calls_of("Health"), [vec!["FACT#00", "FACT#01"], vec!["FACT#00"], vec!["FACT#01"]]);
}

#[tokio::test]
async fn a_panic_is_a_failure_like_any_other() {
    let panicked = AtomicUsize::new(0);
    let fixture = fixture("Health", move |_, _| {
        assert!(panicked.fetch_add(1, Ordering::SeqCst) > 0, "first call");
        Ok(Value::Null)
    });
    fixture.facts(1);
    let left = fixture.settle().await;
    assert_eq!(fixture.calls_of("Health").len(), 2);
    assert_eq!(left.set_aside, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_answers_is_given_up_after_the_functions_timeout() {
    let stack = Arc::new(Stack::built_in().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(&folder.path().join("tables.db"), &stack).unwrap();
    let state = State::open(&folder.path().join("host.db")).unwrap();
    let clock = HostClock::open(state.clone(), Some("2026-11-21T09:00:00Z".parse().unwrap())).unwrap();
    let hanging = |_: &str| handler(|_| std::future::pending());
    let handlers = stack.functions.iter().map(|function| (function.logical_id.clone(), hanging("")));
    let pump = Pump::new(stack.clone(), engine.clone(), state, clock, handlers.collect()).unwrap();
    engine.call("PutItem", br#"{"TableName": "Journal", "Item": {"delivery": {"S": "d"}}}"#);
    assert_eq!(pump.stream_step(&pump.streams[0]).await.unwrap(), Step::Failed);
}

#[tokio::test]
async fn what_was_delivered_is_not_delivered_again_after_a_restart_and_what_was_not_is() {
    let fixture = fixture("Health", |_, event| failing(event, |name| name == "FACT#02"));
    fixture.facts(4);
    let health = fixture.pump.streams.iter().position(|c| c.function.logical_id == "Health").unwrap();
    assert_eq!(fixture.pump.stream_step(&fixture.pump.streams[health]).await.unwrap(), Step::Delivered);
    assert_eq!(fixture.pump.in_flight().unwrap().records, 2);
    let fixture = fixture.restart("Health", done);
    assert_eq!(fixture.pump.in_flight().unwrap().records, 2);
    fixture.settle().await;
    assert_eq!(fixture.calls_of("Health"), [["FACT#02", "FACT#03"]]);
}

#[tokio::test]
async fn records_are_removed_once_every_function_is_past_them() {
    let fixture = fixture("Health", done);
    fixture.facts(5);
    let health = fixture.pump.streams.iter().find(|c| c.function.logical_id == "Health").unwrap();
    fixture.pump.stream_step(health).await.unwrap();
    fixture.pump.trim().unwrap();
    assert_eq!(fixture.stored_records(), 5, "Publish has not passed them");
    fixture.settle().await;
    assert_eq!(fixture.stored_records(), 1, "all but the newest");
    fixture.put("FACT#99");
    fixture.settle().await;
    assert_eq!(fixture.calls_of("Health").last().unwrap(), &["FACT#99"]);
}

// ----------------------------------------------------------------------------------------------------------- queues

#[tokio::test]
async fn a_failed_message_comes_back_when_its_time_is_over_and_becomes_a_dead_letter_in_the_end() {
    let fixture = fixture("SlackAlert", |_, event| failing(event, |name| name == "bad"));
    fixture.send(&["good", "bad", "fine"]);
    let left = fixture.settle().await;
    assert_eq!(fixture.calls_of("SlackAlert"), [["good", "bad", "fine"]]);
    assert_eq!((left.visible, left.hidden, left.dead_letters), (0, 1, 0));
    assert_eq!(left.next_visible_at, Some(fixture.clock.now().plus(SignedDuration::from_secs(240))));
    for _ in 0..4 {
        fixture.passes(SignedDuration::from_secs(240));
        fixture.settle().await;
    }
    assert_eq!(fixture.calls_of("SlackAlert").len(), 5, "the template's maxReceiveCount");
    fixture.passes(SignedDuration::from_secs(240));
    let left = fixture.settle().await;
    assert_eq!((left.hidden, left.dead_letters), (0, 1));
    assert_eq!(fixture.calls_of("SlackAlert").len(), 5);
    assert_eq!(fixture.state.messages("SlackAlertDeadLetters").unwrap()[0].body, "bad");
}

#[tokio::test]
async fn a_function_error_hides_the_whole_batch_and_later_messages_still_go_out() {
    let failed_once = AtomicUsize::new(0);
    let fixture = fixture("SlackAlert", move |_, _| match failed_once.fetch_add(1, Ordering::SeqCst) {
        0 => Err("crashed".into()),
        _ => Ok(Value::Null),
    });
    fixture.send(&["a", "b"]);
    assert_eq!(fixture.settle().await.hidden, 2);
    fixture.send(&["c"]);
    assert_eq!(fixture.settle().await.hidden, 2);
    fixture.passes(SignedDuration::from_secs(240));
    assert_eq!(fixture.settle().await.hidden, 0);
    assert_eq!(fixture.calls_of("SlackAlert"), [vec!["a", "b"], vec!["c"], vec!["a", "b"]]);
}

#[tokio::test]
async fn a_batch_of_messages_holds_at_most_what_its_mapping_says() {
    let fixture = fixture("SlackAlert", done);
    fixture.send(&["x"; 23]);
    fixture.settle().await;
    assert_eq!(fixture.calls_of("SlackAlert").iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 3]);
}

// -------------------------------------------------------------------------------------------------------- schedules

#[tokio::test]
async fn a_schedule_runs_when_it_is_due_and_makes_up_once_for_what_it_missed() {
    let fixture = fixture("Clock", done);
    fixture.settle().await;
    fixture.settle().await;
    assert_eq!(fixture.calls_of("Clock"), [["2026-11-21T09:00:00Z"]]);
    fixture.passes(SignedDuration::from_secs(59));
    fixture.settle().await;
    assert_eq!(fixture.calls_of("Clock").len(), 1);
    fixture.passes(SignedDuration::from_hours(48));
    let fixture = fixture.restart_at_same_clock();
    fixture.settle().await;
    assert_eq!(fixture.calls_of("Clock"), [["2026-11-23T09:00:59Z"]]);
}

#[tokio::test]
async fn a_due_schedule_runs_again_while_its_runs_lead_to_work() {
    let ticks = AtomicUsize::new(0);
    let engine = Arc::new(Mutex::new(None::<Engine>));
    let writer = Arc::clone(&engine);
    let fixture = fixture("Clock", move |_, _| {
        let tick = ticks.fetch_add(1, Ordering::SeqCst);
        if tick < 3 {
            let item = json!({"pk": {"S": "p"}, "sk": {"S": "FACT#TICK"}, "tick": {"N": tick.to_string()}});
            let body = json!({"TableName": "Accounts", "Item": item}).to_string();
            writer.lock().unwrap().as_ref().unwrap().call("PutItem", body.as_bytes());
        }
        Ok(Value::Null)
    });
    *engine.lock().unwrap() = Some(fixture.engine.clone());
    fixture.settle().await;
    assert_eq!(fixture.calls_of("Clock").len(), 4, "three with work and one that finds none");
    assert_eq!(fixture.calls_of("Health").len(), 3);
}

// ----------------------------------------------------------------------------------------------------- as a whole

#[tokio::test]
async fn a_function_of_the_template_without_code_is_refused() {
    let Fixture { engine, state, clock, .. } = fixture("Health", done);
    let stack = Arc::new(Stack::built_in().unwrap());
    let error = Pump::new(stack, engine, state, clock, BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("the template feeds `Normalize`"), "{error}");
}

#[tokio::test]
async fn while_it_runs_news_are_delivered_and_shutdown_waits_for_the_batch_in_hand() {
    let (started, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let fixture = fixture("Health", done);
    let (stack, started2, finish2) = (fixture.pump.stack.clone(), started.clone(), finish.clone());
    let slow = handler(move |_| {
        let (started, finish) = (started2.clone(), finish2.clone());
        async move {
            started.notify_one();
            finish.notified().await;
            Ok(Value::Null)
        }
    });
    let quick = handler(|_| async { Ok(Value::Null) });
    let pick = |name: &String| if name == "Health" { slow.clone() } else { quick.clone() };
    let handlers = stack.functions.iter().map(|f| (f.logical_id.clone(), pick(&f.logical_id))).collect();
    let parts = (fixture.engine.clone(), fixture.state.clone(), fixture.clock.clone());
    let pump = Arc::new(Pump::new(stack, parts.0, parts.1, parts.2, handlers).unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(Arc::clone(&pump).run(async { drop(stopped.await) }));
    fixture.put("FACT#1");
    started.notified().await;
    stop.send(()).unwrap();
    tokio::task::yield_now().await;
    assert!(!running.is_finished(), "the batch in hand is not dropped");
    finish.notify_one();
    running.await.unwrap().unwrap();
    assert_eq!(pump.in_flight().unwrap().records, 0);
}

#[tokio::test]
async fn settling_while_it_runs_delivers_everything_once() {
    let fixture = fixture("Health", done);
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(Arc::clone(&fixture.pump).run(async { drop(stopped.await) }));
    fixture.facts(20);
    fixture.send(&["a", "b"]);
    let left = fixture.settle().await;
    assert!(left.is_quiet(), "{left:?}");
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(fixture.calls_of("Health").concat().len(), 20);
    assert_eq!(fixture.calls_of("SlackAlert").concat().len(), 2);
}

impl Fixture {
    fn restart_at_same_clock(self) -> Self {
        let now = self.clock.now();
        let Self { folder, .. } = self;
        // The fixture freezes the clock at its start, which a clock that has moved on refuses.
        let state = State::open(&folder.path().join("host.db")).unwrap();
        state.set_clock(crate::clock::ClockMode::Wall { offset_ms: 0 }).unwrap();
        drop(state);
        let fixture = on_folder(folder, "Clock", Box::new(done));
        fixture.clock.set(now).unwrap();
        fixture
    }
}
