//! What was given up, or what a stream forgot during an outage, is done again: everything ends as if nothing had been
//! wrong (P1, P5), and nothing has a second effect (P3).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use barometer::api::{FailedAgain, LetterRow, RedriveLook, RedriveQuery, RedriveRequest};
use barometer::bus::Refuses;
use barometer::state::NewMessage;
use jiff::SignedDuration;
use model::Moment;
use testkit::faults::{Fault, Faults};
use tests::{Company, How, Off, Setup, World, at, dump};

fn hours(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_hours(n))
}

/// When the outage of the journeys begins, in hours, and how long it lasts: longer than a stream remembers.
const BEGINS: i64 = 24 * 3;
const LASTS: i64 = 25;

/// Three companies, live: one that nothing happens to, one that turns red in the middle of the outage, and one that falls
/// only because time passes, also in the middle of it.
async fn three(setup: Setup) -> World {
    let world = World::new(setup).await;
    for id in [1, 2] {
        world.deliver(&Company::healthy(id, hours(0)).body(), hours(0)).await;
    }
    world.deliver(&third().body(), hours(0)).await;
    world.until(hours(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    world
}

/// The one whom nobody talks to: at the first midnight of the outage, in Berlin, that is so for 80 days, and it is not green
/// any more.
fn third() -> Company {
    let mut third = Company::healthy(3, hours(0));
    third.contacted(hours(BEGINS + 20 - 24 * 80), hours(0));
    third
}

fn red() -> Company {
    let mut red = Company::healthy(2, hours(0));
    red.feels("red", hours(BEGINS + 5)).contacted(hours(BEGINS - 24 * 120), hours(BEGINS + 5));
    red
}

/// What happens in the outage; `rests` lets the functions come to rest where they can.
async fn happens(world: &World, off: Option<&Off>) {
    world.pass_until(hours(BEGINS)).await;
    if let Some(off) = off {
        off.turn_off("Health", How::Forgotten);
    }
    for (hour, body) in [(5, Some(red().body())), (LASTS, None)] {
        match off {
            None => world.pass_until(hours(BEGINS + hour)).await,
            Some(_) => {
                for hour in 0..=hour {
                    world.until(hours(BEGINS + hour));
                    world.left().await;
                }
            }
        }
        let Some(body) = body else { continue };
        let answer = world.post(&body, hours(BEGINS + hour)).await.unwrap();
        assert_eq!(answer.status_code, 200);
        world.left().await;
    }
}

/// The same three without an outage.
async fn undisturbed() -> World {
    let world = three(Setup::new()).await;
    happens(&world, None).await;
    ended(&world).await;
    world
}

/// Lets what follows happen.
async fn ended(world: &World) {
    world.rest().await;
    world.pass_until(hours(BEGINS + 24 * 5)).await;
}

fn after_outage() -> Option<Moment> {
    Some(hours(BEGINS).plus(SignedDuration::from_mins(-5)))
}

/// What the command does, `some` at a time.
async fn redrive(world: &World, since: Option<Moment>, some: usize) -> Vec<FailedAgain> {
    let RedriveLook { letters, failures, deliveries, overdue } =
        world.host.redrive_look(&RedriveQuery { since }).await.unwrap();
    let mut requests: Vec<_> = failures.into_iter().map(|row| RedriveRequest::Failure { id: row.id }).collect();
    requests.extend(letters.into_iter().map(|row| RedriveRequest::Letters {
        queue: row.queue,
        most: row.letters,
        goes_on: false,
    }));
    requests.extend(deliveries.chunks(some).map(|ids| RedriveRequest::Deliveries(ids.to_vec())));
    requests.extend(overdue.chunks(some).map(|accounts| RedriveRequest::Overdue(accounts.to_vec())));
    let mut failed = Vec::new();
    for request in requests {
        failed.extend(world.host.redrive(&request).await.unwrap().failed);
    }
    failed
}

/// What was decided, and what was asked for because of it.
fn decided(world: &World) -> Vec<String> {
    let is_decision = |line: &String| {
        ["\"ASSESSMENT\"", "FACT#", "PLAY#", "EVENT#"].iter().any(|part| line.contains(part))
            && !line.contains("action.completed")
            && !line.contains("\"ACTION#")
    };
    dump::tables(world).into_iter().filter(is_decision).collect()
}

#[track_caller]
fn same(one: &World, other: &World) {
    let (one_decided, other_decided) = (decided(one), decided(other));
    let odd: Vec<_> = one_decided
        .iter()
        .filter(|line| !other_decided.contains(line))
        .chain(other_decided.iter().filter(|line| !one_decided.contains(line)))
        .collect();
    assert!(odd.is_empty(), "{odd:#?}");
    let texts =
        |world: &World| world.slack.messages().iter().map(|message| message["text"].clone()).collect::<Vec<_>>();
    assert_eq!(texts(one), texts(other));
}

#[tokio::test(start_paused = true)]
async fn a_day_that_a_stream_forgot_ends_as_if_nothing_had_been_wrong() {
    let off = Off::default();
    let world = three(Setup { off: off.clone(), ..Setup::new() }).await;
    happens(&world, Some(&off)).await;
    off.turn_on();
    world.left().await;
    assert!(world.slack.messages().is_empty(), "nobody knows yet");
    let look = world.host.redrive_look(&RedriveQuery { since: after_outage() }).await.unwrap();
    assert_eq!((look.deliveries.len(), look.overdue), (1, vec![third().account()]));
    assert_eq!(redrive(&world, after_outage(), 25).await, []);
    ended(&world).await;
    let expected = undisturbed().await;
    assert!(!expected.slack.messages().is_empty(), "the journey has an alert");
    same(&world, &expected);

    // A second time there is nothing to do, and doing it all the same changes nothing.
    let (before, messages) = (dump::tables(&world), world.slack.messages().len());
    assert_eq!(redrive(&world, Some(hours(0)), 25).await, []);
    world.rest().await;
    assert_eq!(before, dump::tables(&world));
    assert_eq!(messages, world.slack.messages().len());
}

#[tokio::test(start_paused = true)]
async fn a_redrive_that_is_killed_anywhere_is_run_again() {
    let expected = undisturbed().await;
    for crash in [Fault::CrashBefore, Fault::CrashAfter] {
        let off = Off::default();
        let world = three(Setup { off: off.clone(), ..Setup::new() }).await;
        happens(&world, Some(&off)).await;
        off.turn_on();
        // Of the calls of the functions that it hands something to, each run of it dies at a later one.
        let (mut world, mut deaths) = (world, 0);
        for number in (0..).step_by(2) {
            let faults = Faults::planned([(number, crash)]);
            world = world.again(Setup { off: off.clone(), start: hours(BEGINS + LASTS), faults, ..Setup::new() }).await;
            redrive(&world, after_outage(), 1).await;
            if world.faults.struck() == 0 {
                break;
            }
            deaths += 1;
        }
        assert!(deaths > 3, "{deaths}");
        ended(&world).await;
        same(&world, &expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_queue_did_not_take_from_its_rule_is_a_dead_letter_and_is_done_again() {
    let is_lost = Arc::new(AtomicBool::new(false));
    let lost = is_lost.clone();
    let refuses: Refuses = Arc::new(move |queue| queue == "SlackAlertQueue" && lost.load(Ordering::SeqCst));
    let world = three(Setup { refuses: Some(refuses), ..Setup::new() }).await;
    is_lost.store(true, Ordering::SeqCst);
    happens(&world, None).await;
    let left = world.left().await;
    assert!(left.dead_letters > 0);
    assert!(world.slack.messages().is_empty(), "nobody was told");
    let look = world.host.redrive_look(&RedriveQuery::default()).await.unwrap();
    let told: Vec<_> = look.letters.iter().map(|row| (row.queue.as_str(), row.to.as_deref())).collect();
    assert_eq!(told, [("SlackAlertDeadLetters", Some("SlackAlertQueue"))]);

    is_lost.store(false, Ordering::SeqCst);
    assert_eq!(redrive(&world, None, 1).await, []);
    ended(&world).await;
    assert_eq!(world.left().await.dead_letters, 0);
    let expected = undisturbed().await;
    assert!(!expected.slack.messages().is_empty(), "the journey has an alert");
    same(&world, &expected);
}

#[tokio::test(start_paused = true)]
async fn letters_of_a_schedule_go_back_nowhere_and_are_forgotten() {
    let world = World::new(Setup::new()).await;
    let letters = "ClockDeadLetters".to_owned();
    let letter = NewMessage { queue: letters.clone(), body: "{}".to_owned() };
    world.host.state().put_messages(&[letter.clone(), letter], hours(0)).unwrap();
    let look = world.host.redrive_look(&RedriveQuery::default()).await.unwrap();
    assert_eq!(look.letters, [LetterRow { queue: letters.clone(), to: None, letters: 2 }]);
    let done = world.host.redrive(&RedriveRequest::Letters { queue: letters, most: 1, goes_on: false }).await.unwrap();
    assert_eq!((done.done, done.failed), (2, vec![]));
    let look = world.host.redrive_look(&RedriveQuery::default()).await.unwrap();
    assert_eq!(look, RedriveLook::default());
    for queue in ["SlackAlertQueue", "Nothing"] {
        let asked = RedriveRequest::Letters { queue: queue.to_owned(), most: 1, goes_on: false };
        assert!(world.host.redrive(&asked).await.is_err(), "{queue} holds no dead letters");
    }
}

#[tokio::test(start_paused = true)]
async fn batches_and_messages_that_were_given_up_are_done_again() {
    let off = Off::default();
    let world = three(Setup { off: off.clone(), ..Setup::new() }).await;
    off.turn_off("Health", How::Broken);
    world.until(hours(BEGINS + 5));
    world.post(&red().body(), hours(BEGINS + 5)).await.unwrap();
    let left = world.left().await;
    assert!(left.set_aside > 0);
    // It is still broken: what fails once more stays.
    let failed = redrive(&world, None, 25).await;
    assert_eq!(failed.len(), left.set_aside, "{failed:?}");
    assert_eq!(world.left().await.set_aside, left.set_aside);

    off.turn_on();
    off.turn_off("SlackAlert", How::Broken);
    assert_eq!(redrive(&world, None, 25).await, []);
    world.rest().await;
    // The alert settles for two minutes before it is tried.
    world.pass_until(hours(BEGINS + 6)).await;
    let left = world.left().await;
    assert_eq!((left.set_aside, left.dead_letters > 0, world.slack.messages().len()), (0, true, 0));

    off.turn_on();
    assert_eq!(redrive(&world, None, 25).await, []);
    world.rest().await;
    world.pass_until(hours(BEGINS + 7)).await;
    assert_eq!(world.slack.messages().len(), 1);
    let look = world.host.redrive_look(&RedriveQuery::default()).await.unwrap();
    assert_eq!(look, RedriveLook::default());
}
