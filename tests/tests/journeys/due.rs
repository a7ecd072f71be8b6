//! Many accounts due at once: what one run of the clock does not manage the next ones do, and each is asked for once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use actions::bus::Bus;
use clock::{BUDGET, Minute};
use jiff::SignedDuration;
use model::{Assessment, Fact, FactKey, Field, Moment, SubjectId, Value};
use runtime::Clock;
use runtime::aws::AwsSettings;
use runtime::seam::{CallError, Seam};
use store::{Commit, Store};
use tests::gate::Gate;
use tests::{Company, Setup, World, at};

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
    let store = world.host.store();
    let known = store.assessed(&company(0)).await.unwrap().assessment.unwrap();
    for n in 1..=accounts {
        let subject = company(n);
        let assessment = Assessment { account: subject.clone(), next_due_at: Some(at(NINE)), ..known.clone() };
        store.put_stub(&subject).await.unwrap();
        let (episodes, events, timeline) = (&[], &[], &[]);
        let commit = Commit {
            subject: &subject,
            version: 1,
            assessment: Some(&assessment),
            episodes,
            events,
            timeline,
            told: &[],
        };
        assert!(store.commit(commit).await.unwrap());
    }
    world
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

/// The accounts that were asked for at nine.
async fn asked(world: &World, accounts: usize) -> usize {
    let mut asked = 0;
    for n in 1..=accounts {
        let fact: Fact = world.host.store().fact(&company(n), &FactKey::Tick).await.unwrap().value;
        let at_nine = |field: Field, value: &Value| field == Field::At && *value == Value::Moment(at(NINE));
        asked += usize::from(fact.all_registers().any(|(_, field, register)| at_nine(field, &register.value)));
    }
    asked
}

/// What was ticked is not due any more once it was recomputed, which is what happens between two runs.
async fn recomputed(world: &World, accounts: usize) {
    for n in 1..=accounts {
        let (store, subject) = (world.host.store(), company(n));
        let held = store.assessed(&subject).await.unwrap();
        let is_ticked = store.fact(&subject, &FactKey::Tick).await.unwrap().rev > 0;
        let assessment = held.assessment.filter(|assessment| is_ticked && assessment.next_due_at.is_some());
        let Some(assessment) = assessment else { continue };
        let next = Assessment { next_due_at: None, ..assessment };
        let (episodes, events, timeline) = (&[], &[], &[]);
        let commit = Commit {
            subject: &subject,
            version: held.version,
            assessment: Some(&next),
            episodes,
            events,
            timeline,
            told: &[],
        };
        assert!(store.commit(commit).await.unwrap());
    }
}

/// Runs once a minute until nobody is left; how many each run asked for.
async fn runs(world: &World, accounts: usize, step: SignedDuration) -> Vec<usize> {
    let mut ticked = vec![];
    for nth in 0..100 {
        let now = at(NINE).plus(SignedDuration::from_mins(nth));
        let (some, left) = run(&minute(world.host.store().clone(), now, step)).await;
        ticked.push(some);
        if left == 0 {
            return ticked;
        }
        recomputed(world, accounts).await;
    }
    panic!("{ticked:?}, and still somebody is left");
}

#[tokio::test]
async fn three_hundred_accounts_due_at_nine_take_several_runs_and_each_is_asked_for_once() {
    let world = due_at_nine(300).await;
    let step = SignedDuration::from_millis(120);
    let ticked = runs(&world, 300, step).await;
    let most = usize::try_from(BUDGET.as_millis() / step.as_millis()).unwrap();
    assert!(ticked.len() >= 3 && ticked.iter().all(|some| *some <= most), "{ticked:?}");
    assert_eq!((ticked.iter().sum::<usize>(), asked(&world, 300).await), (300, 300), "{ticked:?}");
    assert_eq!(run(&minute(world.host.store().clone(), at(NINE), SignedDuration::ZERO)).await, (0, 0));
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
    let (second, _) = run(&minute(world.host.store().clone(), at(NINE), SignedDuration::ZERO)).await;
    gate.open();
    let (first, _) = first.await.unwrap();
    assert_eq!((first, second, asked(&world, 40).await), (0, 40, 40));
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
