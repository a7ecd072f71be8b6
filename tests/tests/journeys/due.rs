//! Many accounts due at once: what one run of the clock does not manage the next ones do, and each is asked for once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use actions::bus::Bus;
use clock::{BUDGET, Minute};
use jiff::SignedDuration;
use model::{Moment, SubjectId};
use runtime::Clock;
use runtime::aws::AwsSettings;
use runtime::seam::{CallError, Seam};
use serde_json::{Value, json};
use store::Store;
use tests::gate::{Gate, another_way};
use tests::{Company, Setup, World, at};

use crate::operation::{counted, listen, parsed};

const NINE: &str = "2026-12-01T08:00:00.000Z";

fn company(n: usize) -> SubjectId {
    SubjectId::vendor("hubspot", "company", &n.to_string())
}

/// A world with so many assessed accounts that are due at nine, and nothing else: what else is known of them is no matter
/// of the clock's.
async fn due_at_nine(accounts: usize) -> World {
    let world = World::new(Setup::new()).await;
    let start = at("2026-11-23T09:00:00Z");
    world.deliver(&Company::healthy(0, start).body(), start).await;
    let all: Vec<_> = (1..=accounts).map(company).collect();
    assess(&world, &all, Some(NINE));
    world
}

/// Writes that accounts are due then, or not at all, as `health` would; twenty-five at a time, since there are many.
fn assess(world: &World, accounts: &[SubjectId], due: Option<&str>) {
    let call = |operation: &str, body: &Value| {
        let answer = world.host.engine().call(operation, body.to_string().as_bytes());
        let told: Value = serde_json::from_slice(answer.body()).unwrap();
        assert!(answer.status().is_success(), "{told}");
        told
    };
    let partition = |subject: &SubjectId| json!({ "S": format!("SUBJECT#{subject}") });
    let key = json!({ "pk": partition(&company(0)), "sk": { "S": "ASSESSMENT" } });
    let mut row = call("GetItem", &json!({ "TableName": "Accounts", "Key": key }))["Item"].take();
    row["assessment"]["M"]["contributions"] = json!({ "L": [] });
    let mut shards = (0..store::SHARDS).cycle();
    for some in accounts.chunks(25) {
        let puts = some.iter().map(|account| {
            let mut item = row.clone();
            item["pk"] = partition(account);
            item["assessment"]["M"]["account"] = json!({ "S": account });
            item["assessment"]["M"]["next_due_at"] = due.map_or(json!({ "NULL": true }), |due| json!({ "S": due }));
            item["next_due_at"] = json!({ "S": due.unwrap_or("9999-12-31T00:00:00.000Z") });
            item["due_shard"] = json!({ "S": format!("DUE#{}", shards.next().unwrap()) });
            json!({ "PutRequest": { "Item": item } })
        });
        let written = call("BatchWriteItem", &json!({ "RequestItems": { "Accounts": puts.collect::<Vec<_>>() } }));
        assert_eq!(written["UnprocessedItems"].as_object().map_or(0, serde_json::Map::len), 0);
    }
}

/// The clock function on a clock that starts at `from` and goes on by `step` with every look at it.
fn minute(store: Store, from: Moment, step: SignedDuration) -> Minute {
    let nobody = Seam::new(|call| {
        Box::pin(async move { Err(CallError::NotCalled(format!("{} has nothing to do here", call.target))) })
    });
    let looks = AtomicI64::new(0);
    let step = i64::try_from(step.as_millis()).unwrap();
    let clock = Clock::new(move || from.plus(SignedDuration::from_millis(looks.fetch_add(1, Ordering::SeqCst) * step)));
    Minute::new(tests::config(), store, Bus::connect(&nobody, &AwsSettings::local(), "barometer"), clock)
}

async fn run(minute: &Minute) -> (usize, usize) {
    let done = minute.handle().await.unwrap();
    let number = |name: &str| usize::try_from(done[name].as_u64().unwrap()).unwrap();
    (number("ticked"), number("left"))
}

/// An account that was asked to be recomputed, and as of when.
type Tick = (SubjectId, String);

/// A second way to the tables that notes which accounts were asked for: the recomputes that would follow.
fn noted(world: &World) -> (Store, Arc<Mutex<Vec<Tick>>>) {
    let asked = Arc::new(Mutex::new(vec![]));
    let (notes, engine) = (asked.clone(), world.host.engine().clone());
    let seam = Seam::new(move |call| {
        let answer = engine.call(&call.operation, call.request.body());
        let ticked = (call.operation == "PutItem" && answer.status().is_success()).then(|| ticked(call.request.body()));
        notes.lock().unwrap().extend(ticked.flatten());
        Box::pin(async move { Ok(answer) })
    });
    (another_way(&seam), asked)
}

fn ticked(request: &[u8]) -> Option<Tick> {
    let request: Value = serde_json::from_slice(request).unwrap();
    let text = |name: &str| request["Item"][name]["S"].as_str().unwrap_or_default();
    let account = SubjectId::from_stored(text("pk").trim_start_matches("SUBJECT#"));
    (text("sk") == "FACT#TICK").then(|| (account, text("tick_at").to_owned()))
}

/// Runs once a minute until nobody is left, with the recomputes in between; what each run asked for.
async fn runs(world: &World, step: SignedDuration) -> Vec<Vec<SubjectId>> {
    let (store, asked) = noted(world);
    let mut all = vec![];
    for nth in 0..100 {
        let now = at(NINE).plus(SignedDuration::from_mins(nth));
        let (some, left) = run(&minute(store.clone(), now, step)).await;
        let these = std::mem::take(&mut *asked.lock().unwrap());
        assert!(these.iter().all(|(_, as_of)| as_of == NINE));
        let these: Vec<_> = these.into_iter().map(|(account, _)| account).collect();
        assert_eq!(some, these.len());
        assess(world, &these, None);
        all.push(these);
        if left == 0 {
            return all;
        }
    }
    panic!("{} accounts were asked for, and still somebody is left", all.concat().len());
}

#[tokio::test]
async fn ten_thousand_accounts_due_at_nine_take_several_runs_and_each_is_asked_for_once() {
    const ACCOUNTS: usize = 10_000;
    let world = due_at_nine(ACCOUNTS).await;
    let step = SignedDuration::from_millis(6);
    let runs = runs(&world, step).await;
    let most = usize::try_from(BUDGET.as_millis() / step.as_millis()).unwrap();
    let each: Vec<_> = runs.iter().map(Vec::len).collect();
    assert!(each.len() >= 5 && each.iter().all(|some| *some <= most), "{each:?}");
    let asked = runs.concat();
    let different: BTreeSet<_> = asked.iter().collect();
    assert_eq!((asked.len(), different.len()), (ACCOUNTS, ACCOUNTS), "{each:?}");
    assert_eq!(run(&minute(world.host.store().clone(), at(NINE), SignedDuration::ZERO)).await, (0, 0));
}

#[tokio::test]
async fn exactly_those_are_asked_for_whose_moment_has_come_each_as_of_it() {
    let world = due_at_nine(0).await;
    // Hours and milliseconds around nine, on both sides and at it, and some that are never due.
    let after_nine = |n: usize| match n % 11 {
        0 => None,
        1 => Some(0),
        2 => Some(1),
        3 => Some(-1),
        _ => Some(i64::try_from(n * 7_919 % 14_400_000).unwrap() - 7_200_000),
    };
    let due = |n: usize| after_nine(n).map(|ms| at(NINE).plus(SignedDuration::from_millis(ms)).to_string());
    let mut expected = BTreeSet::new();
    for n in (1..=200).map(|n| n * 37) {
        let due = due(n);
        assess(&world, &[company(n)], due.as_deref());
        expected.extend(due.filter(|due| due.as_str() <= NINE).map(|due| (company(n), due)));
    }
    assert!((60..140).contains(&expected.len()), "{}", expected.len());
    let (store, asked) = noted(&world);
    let (some, left) = run(&minute(store, at(NINE), SignedDuration::ZERO)).await;
    let asked: BTreeSet<_> = asked.lock().unwrap().iter().cloned().collect();
    assert_eq!((some, left), (expected.len(), 0));
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn two_runs_over_the_same_accounts_ask_for_each_once() {
    let world = due_at_nine(40).await;
    // The first one stands still in the middle of its work until the second one has done all of it.
    let mid = "\"FACT#TICK\"";
    let (slow, gate) = Gate::before(&world, move |operation, body| operation == "PutItem" && body.contains(mid));
    let first = minute(slow, at(NINE), SignedDuration::ZERO);
    let first = tokio::spawn(async move { run(&first).await });
    gate.reached().await;
    let (store, asked) = noted(&world);
    let (second, _) = run(&minute(store, at(NINE), SignedDuration::ZERO)).await;
    gate.open();
    let (first, _) = first.await.unwrap();
    let different: BTreeSet<_> = asked.lock().unwrap().iter().cloned().collect();
    assert_eq!((first, second, different.len()), (0, 40, 40));
}

#[tokio::test]
async fn an_account_that_is_due_and_that_nobody_looks_at_is_told_of_each_minute() {
    let world = due_at_nine(3).await;
    let store = world.host.store().clone();
    let overdue = async |minutes: i64| {
        let (lines, _guards) = listen();
        run(&minute(store.clone(), at(NINE).plus(SignedDuration::from_mins(minutes)), SignedDuration::ZERO)).await;
        counted(&parsed(&lines), "OldestOverdueSeconds", None)
    };
    assert_eq!(overdue(1).await, 0, "asked for now");
    assert_eq!((overdue(2).await, overdue(60).await), (120, 3_600), "and nobody looked since");
    assess(&world, &[company(1), company(2)], None);
    assert_eq!(overdue(61).await, 3_660, "the third is left");
    assess(&world, &[company(3)], None);
    assert_eq!(overdue(62).await, 0);
}

/// Ten customers whom nobody talks to any more, one of them red, until ninety days later.
async fn fading(days: impl Iterator<Item = i64>) -> World {
    let world = World::new(Setup::new()).await;
    let start = at("2026-11-23T09:00:00Z");
    let day = |n: i64| start.plus(SignedDuration::from_hours(24 * n));
    for id in 1..=10 {
        let mut company = Company::healthy(id, start);
        company.contacted(day(-30 - i64::try_from(id).unwrap()), start);
        world.deliver(&company.body(), start).await;
    }
    for n in days {
        world.pass_until(day(n)).await;
    }
    world
}

#[tokio::test(start_paused = true)]
async fn days_that_were_missed_bring_what_they_would_have_brought() {
    let events = |world: World| async move {
        let rows = world.host.store().whole_outbox().await.unwrap();
        let ids: BTreeSet<_> = rows.iter().map(|row| (row.event.id.clone(), row.event.as_of)).collect();
        assert_eq!(ids.len(), rows.len());
        let bands = world.host.accounts().await.unwrap().into_iter().map(|row| (row.id, row.score, row.band));
        (ids, bands.collect::<Vec<_>>())
    };
    let daily = events(fading(1..=60).await).await;
    let missed = events(fading([5, 40, 60].into_iter()).await).await;
    assert!(daily.0.len() >= 20, "{}", daily.0.len());
    assert_eq!(daily, missed);
}
