//! Nothing accepted is lost (P1) and one reason has one effect (P3), with a process ending at every outbound call.
//!
//! A clean run of one journey records its calls; then the same journey runs once per call and fault, and must leave the
//! same tables and the same messages. The one window in which a message may go out twice has its own tests.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use model::Moment;
use runtime::seam::Target;
use serde_json::{Value, json};
use testkit::faults::{Fault, Faults, Made};
use tests::{Company, Setup, World, at, dump};

/// What a run leaves behind.
#[derive(Debug, PartialEq)]
pub struct Left {
    tables: Vec<String>,
    /// How often each message went out.
    messages: BTreeMap<String, usize>,
}

const START: &str = "2026-11-23T09:00:00Z";

/// The `n`-th thing that happens. All within a minute, so that the minute's clock runs before and after, not between.
fn second(n: i64) -> Moment {
    at(START).plus(SignedDuration::from_secs(n))
}

fn days(n: i64) -> Moment {
    at(START).plus(SignedDuration::from_hours(24 * n))
}

fn contact() -> Value {
    json!({ "vid": 501, "canonical-vid": 501, "portal-id": 4_242, "is-contact": true, "properties": {
        "email": { "value": "mara.lindqvist@company-7.example", "versions": [{ "value": "x", "timestamp": second(3).as_millis() }] } },
        "associated-company": { "company-id": 7 } })
}

/// A company is seen, turns red after going live, is talked about by others, recovers, and a day passes.
pub async fn journey(faults: Faults) -> (World, Left) {
    let world = World::new(Setup { faults, ..Setup::new() }).await;
    let mut company = Company::healthy(7, second(0));
    world.deliver(&company.body(), second(0)).await;
    world.until(second(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    world.deliver(&company.feels("red", second(2)).contacted(days(-120), second(2)).body(), second(2)).await;
    world.deliver(&contact(), second(3)).await;
    world.deliver(&json!({ "objectType": "INVOICE", "objectId": 9 }), second(4)).await;
    world.deliver(&company.feels("green", second(5)).contacted(days(-1), second(5)).body(), second(5)).await;
    world.pass_until(days(2)).await;
    let mut messages = BTreeMap::new();
    for message in world.slack.messages() {
        *messages.entry(message.to_string()).or_default() += 1;
    }
    let left = Left { tables: dump::tables(&world), messages };
    (world, left)
}

/// The journey as `faults` break it, and whether they all took place.
async fn broken(plan: Vec<(usize, Fault)>) -> (Left, usize) {
    let faults = Faults::planned(plan);
    let (_, left) = journey(faults.clone()).await;
    (left, faults.struck())
}

async fn clean() -> (Vec<Made>, Left) {
    let (world, left) = journey(Faults::default()).await;
    assert_eq!(left.messages.len(), 2, "the alert and, in its thread, the recovery: {:#?}", left.messages);
    (world.faults.made(), left)
}

#[track_caller]
fn same(clean: &Left, broken: &Left, what: &str) {
    let odd = |a: &Left, b: &Left| a.tables.iter().filter(|line| !b.tables.contains(line)).cloned().collect::<Vec<_>>();
    let (missing, extra) = (odd(clean, broken), odd(broken, clean));
    assert!(missing.is_empty() && extra.is_empty(), "{what}: missing: {missing:#?}, instead: {extra:#?}");
    assert_eq!(clean.messages, broken.messages, "{what}");
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_a_journey_are_known_by_name() {
    let (made, _) = clean().await;
    let mut trace: String = made.iter().map(|call| format!("{call}\n")).collect();
    // Journeys with kill points of their own.
    for (name, world) in [
        ("a mail", crate::mail::journey(Faults::default()).await),
        ("what SES tells", crate::mail::told(Faults::default()).await),
        ("a task is read back", crate::tasks_read::journey(Faults::default()).await),
    ] {
        trace.push_str(&format!("\n# {name}\n"));
        trace.extend(world.faults.made().iter().map(|call| format!("{call}\n")));
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journeys/kill_points.trace");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(golden, &trace).unwrap();
    }
    assert_eq!(trace, std::fs::read_to_string(golden).unwrap_or_default(), "BLESS=1 rewrites it; read the difference");
}

/// Breaks every call from the number `first` on in steps of `step`, each in a journey of its own. An end that a fault at
/// another call leaves as well is passed over.
async fn every_call_with(fault: Fault, (first, step): (usize, usize), leave_out: impl Fn(&[Made], usize) -> bool) {
    let (made, clean) = clean().await;
    let mut broken_runs = 0;
    for (number, call) in made.iter().enumerate().skip(first).step_by(step) {
        if !call.is_told_apart(fault) || leave_out(&made, number) {
            continue;
        }
        let (left, struck) = broken(vec![(number, fault)]).await;
        same(&clean, &left, &format!("{fault:?} at call {number} ({call})"));
        assert_eq!(struck, 1, "{fault:?} at call {number} took place");
        broken_runs += 1;
    }
    assert!(broken_runs > 0);
}

fn is_send(call: &Made) -> bool {
    call.target == Target::Slack
}

/// The transaction that records a message as sent directly follows the send.
fn is_mark(made: &[Made], number: usize) -> bool {
    number > 0 && is_send(&made[number - 1])
}

/// A test for every third call each, so that they run side by side.
macro_rules! at_any_call {
    ($name:ident, $fault:expr, $leave_out:expr) => {
        mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn at_the_first_of_three() {
                every_call_with($fault, (0, 3), $leave_out).await;
            }

            #[tokio::test(start_paused = true)]
            async fn at_the_second_of_three() {
                every_call_with($fault, (1, 3), $leave_out).await;
            }

            #[tokio::test(start_paused = true)]
            async fn at_the_third_of_three() {
                every_call_with($fault, (2, 3), $leave_out).await;
            }
        }
    };
}

at_any_call!(a_crash_before_any_invocation_changes_nothing_in_the_end, Fault::CrashBefore, |_, _| false);
// After the transaction before the send the action says `sending` and Slack knows nothing: it is sent after the lease, once.
at_any_call!(a_crash_after_any_write_changes_nothing_in_the_end, Fault::CrashAfter, |made, at| is_send(&made[at]));
at_any_call!(throttling_at_any_write_changes_nothing_in_the_end, Fault::Throttle, |made, at| made[at].is_read());
at_any_call!(a_lost_answer_to_any_write_changes_nothing_in_the_end, Fault::LostAnswer, |made, at| {
    is_send(&made[at]) || made[at].is_read()
});

#[tokio::test(start_paused = true)]
async fn a_conflict_with_another_transaction_changes_nothing_in_the_end() {
    every_call_with(Fault::Conflict, (0, 1), |made, at| made[at].operation != "TransactWriteItems").await;
}

/// A reproducible sequence of numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        // Knuth's constants; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_crash_during_recovery_changes_nothing_in_the_end() {
    crash_twice(20_261_121).await;
}

#[tokio::test(start_paused = true)]
async fn nor_does_it_after_other_dice() {
    crash_twice(20_261_122).await;
}

async fn crash_twice(seed: u64) {
    let (made, clean) = clean().await;
    let mut dice = Dice(seed);
    let mut both = 0;
    for _ in 0..25 {
        let first = dice.below(made.len());
        let second = first + 1 + dice.below(12);
        let fault = |dice: &mut Dice| if dice.below(2) == 0 { Fault::CrashBefore } else { Fault::CrashAfter };
        let plan = vec![(first, fault(&mut dice)), (second, fault(&mut dice))];
        // A crash after a send is the declared window, which the tests below are about.
        let faults = Faults::planned(plan.clone());
        let (world, left) = journey(faults.clone()).await;
        let calls = world.faults.made();
        let in_window = |(n, fault): &(usize, Fault)| match fault {
            Fault::CrashAfter => calls.get(*n).is_some_and(is_send),
            _ => *n < calls.len() && is_mark(&calls, *n),
        };
        if plan.iter().any(in_window) {
            continue;
        }
        // Two ends in a row around the send, neither of which shows whether Slack acted, are for a person to judge.
        if world.host.outbox().await.unwrap().iter().any(|row| row.status == "uncertain") {
            assert!(plan.iter().all(|(n, _)| calls[*n].function == "SlackAlert"), "{plan:?}");
            continue;
        }
        same(&clean, &left, &format!("{plan:?}"));
        both += usize::from(faults.struck() == 2);
    }
    assert!(both >= 15, "only {both} of 25 pairs took place");
}

/// The number of the `n`-th message sent in the clean run.
fn send(made: &[Made], n: usize) -> usize {
    made.iter().enumerate().filter(|(_, call)| is_send(call)).nth(n).unwrap().0
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_send_and_mark_is_the_one_window_for_a_duplicate() {
    let (made, clean) = clean().await;
    let first = send(&made, 0);
    for fault in [Fault::CrashAfter, Fault::LostAnswer] {
        let (left, struck) = broken(vec![(first, fault)]).await;
        assert_eq!(struck, 1);
        let alert = made_twice(&clean, &left);
        assert_eq!(alert, 1, "{fault:?}: the alert went out twice and nothing else did: {:#?}", left.messages);
    }
    // The same window seen from the other side: Slack acted, and the mark did not come through.
    let (left, _) = broken(vec![(first + 1, Fault::CrashBefore)]).await;
    assert_eq!(made_twice(&clean, &left), 1);
}

/// How many messages went out once more than in the clean run; all others must be as there.
fn made_twice(clean: &Left, broken: &Left) -> usize {
    let texts = |left: &Left| left.messages.keys().map(|m| without_thread(m)).collect::<Vec<_>>();
    assert_eq!(texts(clean), texts(broken));
    broken.messages.values().filter(|count| **count == 2).count()
}

/// The thread is named after the message that was recorded, which is the second one here.
fn without_thread(message: &str) -> String {
    let mut message: Value = serde_json::from_str(message).unwrap();
    message["thread_ts"] = Value::Null;
    message.to_string()
}

#[tokio::test(start_paused = true)]
async fn after_two_sends_without_an_answer_a_person_must_look() {
    let (made, _) = clean().await;
    let first = (send(&made, 0), Fault::CrashAfter);
    let (once, _) = journey(Faults::planned([first])).await;
    let second = (send(&once.faults.made(), 1), Fault::CrashAfter);
    let (world, _) = journey(Faults::planned([first, second])).await;
    let outbox = world.host.outbox().await.unwrap();
    let row = |step: &str| outbox.iter().find(|row| row.step == step).unwrap();
    assert_eq!(row("alert").status, "uncertain");
    assert!(row("alert").reason.as_ref().unwrap().contains("look in the channel"), "{:?}", row("alert").reason);
    assert_eq!(row("resolved").status, "obsolete", "no reply without its root");
    assert_eq!(world.slack.messages().len(), 2, "sent twice, never a third time");
}
