//! How often people are interrupted: what is sent by itself, what waits for the morning, what is one of many.

use jiff::SignedDuration;
use model::Moment;
use serde_json::Value;
use tests::{Company, Setup, World, at};

/// `n` minutes after a Monday morning, 10:00 in Berlin.
fn minute(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_mins(n))
}

const LONG_AGO: SignedDuration = SignedDuration::from_hours(-24 * 120);

fn company(id: u64) -> Company {
    Company::healthy(id, minute(0))
}

fn red(id: u64, now: Moment) -> Company {
    let mut company = company(id);
    company.feels("red", now).contacted(minute(0).plus(LONG_AGO), now);
    company
}

/// Companies in good health, and everything live.
async fn live(companies: u64) -> World {
    let world = World::new(Setup::new()).await;
    for id in 1..=companies {
        world.post(&company(id).body(), minute(0).plus(SignedDuration::from_millis(id as i64))).await.unwrap();
    }
    world.rest().await;
    world.until(minute(1));
    let report = world.host.golive(&Default::default()).await.unwrap();
    assert_eq!(report.books, vec![], "nothing to tell of a book in good health");
    world
}

fn channel(message: &Value) -> &str {
    message["channel"].as_str().unwrap()
}

/// Everything a reader sees of a message.
fn words(message: &Value) -> String {
    format!("{}{}", message["text"], message["blocks"])
}

async fn statuses(world: &World, status: &str) -> usize {
    world.host.outbox().await.unwrap().iter().filter(|row| row.status == status).count()
}

#[tokio::test(start_paused = true)]
async fn sixty_accounts_from_one_incident_are_one_message_and_a_line_each_in_the_morning() {
    let world = live(60).await;
    for id in 1..=60_u64 {
        let now = minute(2).plus(SignedDuration::from_millis(900 * id as i64));
        world.until(now);
        world.post(&red(id, now).body(), now).await.unwrap();
        if id % 13 == 0 {
            world.rest().await;
        }
    }
    world.pass_until(minute(60)).await;
    let messages = world.slack.messages();
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert_eq!(channel(&messages[0]), "#customer-success");
    assert!(words(&messages[0]).contains("60 accounts"), "{:#}", messages[0]);
    assert_eq!(statuses(&world, "digested").await, 60);
    // Tuesday, some minutes after nine in Berlin.
    world.pass_until(minute(23 * 60 + 6)).await;
    let messages = world.slack.messages();
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert_eq!(channel(&messages[1]), "U0INES0001");
    assert!(words(&messages[1]).contains("Company "), "{:#}", messages[1]);
    world.pass_until(minute(3 * 24 * 60)).await;
    assert_eq!(world.slack.messages().len(), 2, "each is told once");
}

#[tokio::test(start_paused = true)]
async fn five_hundred_events_about_one_account_within_a_minute_are_one_message_and_one_recovery() {
    let world = live(1).await;
    for n in 0..500_i64 {
        let now = minute(2).plus(SignedDuration::from_millis(n * 110));
        let mut company = red(1, now);
        if n % 7 == 0 {
            company.feels("yellow", now);
        }
        company.set("numberofemployees", &n.to_string(), now);
        world.post(&company.body(), now).await.unwrap();
        if n % 100 == 99 {
            world.until(now);
            world.rest().await;
        }
    }
    world.pass_until(minute(60)).await;
    assert_eq!(world.slack.messages().len(), 1, "{:#?}", world.slack.messages());
    let mut well = company(1);
    well.feels("green", minute(61)).contacted(minute(60), minute(61));
    world.deliver(&well.body(), minute(61)).await;
    world.pass_until(minute(3 * 24 * 60)).await;
    let messages = world.slack.messages();
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert!(messages[1]["thread_ts"].is_string(), "in the same thread");
}

#[tokio::test(start_paused = true)]
async fn eight_messages_a_week_the_rest_in_the_morning_and_a_large_account_all_the_same() {
    let world = live(13).await;
    for id in 1..=13_u64 {
        let now = minute(20 * id as i64);
        let mut company = red(id, now);
        if id == 13 {
            company.set("annual_recurring_revenue", "150000", now);
        }
        world.pass_until(now).await;
        world.deliver(&company.body(), now).await;
    }
    world.pass_until(minute(20 * 14)).await;
    let messages = world.slack.messages();
    assert_eq!(messages.len(), 9, "eight, and the large one: {messages:#?}");
    assert!(messages.iter().all(|message| channel(message) == "U0INES0001" && message["thread_ts"].is_null()));
    assert!(words(&messages[8]).contains("Company 13"));
    assert_eq!(statuses(&world, "digested").await, 4);
    world.pass_until(minute(24 * 60)).await;
    let messages = world.slack.messages();
    assert_eq!(messages.len(), 10, "{messages:#?}");
    for id in 9..=12 {
        assert!(words(&messages[9]).contains(&format!("Company {id}")), "{:#}", messages[9]);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_at_night_and_what_is_over_in_the_morning_is_not_told_at_all() {
    let world = live(2).await;
    // Friday, 18:30 in Berlin.
    let evening = minute((4 * 24 + 8) * 60 + 30);
    world.pass_until(evening).await;
    world.deliver(&red(1, evening).body(), evening).await;
    world.deliver(&red(2, evening).body(), evening).await;
    let later = evening.plus(SignedDuration::from_mins(30));
    let mut well = company(2);
    well.feels("green", later).contacted(later, later);
    world.deliver(&well.body(), later).await;
    // Sunday night: the second has been well for a day, and its end is asked for while its beginning still waits.
    world.pass_until(minute(6 * 24 * 60 + 12 * 60)).await;
    assert_eq!(world.slack.messages().len(), 0, "{:#?}", world.slack.messages());
    let outbox = world.host.outbox().await.unwrap();
    assert!(outbox.len() == 3 && outbox.iter().all(|row| row.status == "waiting"), "{outbox:#?}");
    // Monday, 08:00 in Berlin, and the minutes after.
    world.pass_until(minute(7 * 24 * 60 - 1)).await;
    let messages = world.slack.messages();
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert!(words(&messages[0]).contains("Company 1"));
    assert_eq!(statuses(&world, "obsolete").await, 2, "neither its beginning nor its end");
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_sending_is_paused_is_held_and_uses_up_nothing() {
    let world = live(9).await;
    let turned = minute(2).plus(SignedDuration::from_secs(10));
    world.deliver(&red(1, turned).body(), turned).await;
    // It has settled, and stands on its reader's desk until the minute is over.
    world.pass_until(turned.plus(SignedDuration::from_secs(125))).await;
    assert_eq!(statuses(&world, "waiting").await, 1);
    world.host.pause(true).await.unwrap();
    world.pass_until(minute(10)).await;
    assert_eq!(statuses(&world, "held").await, 1);
    world.host.pause(false).await.unwrap();
    for id in 2..=9_u64 {
        let now = minute(20 * id as i64);
        world.pass_until(now).await;
        world.deliver(&red(id, now).body(), now).await;
    }
    world.pass_until(minute(220)).await;
    assert_eq!(world.slack.messages().len(), 8, "a whole week's budget: {:#?}", world.slack.messages());
}

#[tokio::test(start_paused = true)]
async fn accounts_that_turn_while_the_clock_did_not_run_are_told_when_it_runs_again() {
    let world = live(3).await;
    for id in 1..=3 {
        world.deliver(&red(id, minute(2)).body(), minute(2)).await;
    }
    // The minute's clock comes back after hours, and looks once.
    world.until(minute(240));
    world.rest().await;
    world.pass_until(minute(245)).await;
    assert_eq!(world.slack.messages().len(), 3, "{:#?}", world.slack.messages());
}
