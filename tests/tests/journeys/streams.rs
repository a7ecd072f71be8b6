//! A stream delivers at least once, and in order per item only: records that come twice, late and mixed up.

use jiff::SignedDuration;
use model::Moment;
use serde_json::{Value, json};
use tests::{Company, Setup, World, at, dump};

fn second(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_secs(n))
}

/// Two accounts, one of which turned red and was alerted about, live.
async fn alerted() -> World {
    let world = World::new(Setup::new()).await;
    for id in [1, 2] {
        world.deliver(&Company::healthy(id, second(0)).body(), second(0)).await;
    }
    world.until(second(1));
    world.host.golive(&Default::default()).await.unwrap();
    let mut company = Company::healthy(1, second(0));
    company.feels("red", second(2)).contacted(second(-86_400 * 120), second(2));
    world.deliver(&company.body(), second(2)).await;
    // It settles before it is told.
    world.pass_until(second(600)).await;
    assert_eq!(world.slack.messages().len(), 1);
    world
}

/// The items of a table whose `name` begins with `prefix`, as records of its stream.
fn records(world: &World, table: &str, name: &str, prefix: &str) -> Vec<Value> {
    let items = world.host.engine().dump(table).into_iter();
    let wanted = items.filter(|item| item[name]["S"].as_str().is_some_and(|text| text.starts_with(prefix)));
    let record = |(n, item): (usize, Value)| {
        let mut keys = item.clone();
        keys.as_object_mut().unwrap().retain(|name, _| ["pk", "sk", "delivery"].contains(&name.as_str()));
        let change = json!({ "Keys": keys, "NewImage": item, "SequenceNumber": format!("{n:021}") });
        json!({ "eventName": "INSERT", "dynamodb": change })
    };
    wanted.enumerate().map(record).collect()
}

/// Every record twice, the last first.
fn doubled_and_reversed(records: Vec<Value>) -> Value {
    let mut all: Vec<_> = records.iter().chain(&records).cloned().collect();
    all.reverse();
    assert!(all.len() >= 4);
    json!({ "Records": all })
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_come_again_in_any_order_change_no_fact() {
    let world = alerted().await;
    let before = dump::tables(&world);
    let normalize = normalize::Normalize::new(tests::config(), world.host.store().clone());
    let event = doubled_and_reversed(records(&world, "Journal", "delivery", "hubspot:"));
    let answer = normalize.handle(serde_json::from_value(event).unwrap()).await;
    assert!(answer.batch_item_failures.is_empty());
    world.rest().await;
    assert_eq!(before, dump::tables(&world));
}

#[tokio::test(start_paused = true)]
async fn facts_that_come_again_in_any_order_are_judged_the_same_and_told_once() {
    let world = alerted().await;
    let before = dump::tables(&world);
    let health = health::Health::new(tests::config(), world.host.store().clone());
    let event = doubled_and_reversed(records(&world, "Accounts", "sk", "FACT#"));
    let answer = health.handle(serde_json::from_value(event).unwrap()).await;
    assert!(answer.batch_item_failures.is_empty());
    world.rest().await;
    assert_eq!(before, dump::tables(&world));
    assert_eq!(world.slack.messages().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_put_on_the_bus_again_has_no_second_effect() {
    let world = alerted().await;
    let before = dump::tables(&world);
    // The bus may deliver twice by itself; what the queue gets is the same message under another id.
    let events = world.host.store().whole_outbox().await.unwrap();
    let asked = events.iter().find(|row| row.event.body.kind() == "action.requested").unwrap();
    let body = json!({ "source": "barometer", "detail-type": "action.requested", "detail": asked.event }).to_string();
    let queue = world.host.stack().queues.iter().find(|queue| queue.dead_letters.is_some()).unwrap();
    let message = barometer::state::NewMessage { queue: queue.logical_id.clone(), body };
    world.host.state().put_messages(&[message.clone(), message], world.host.clock().now()).unwrap();
    world.rest().await;
    assert_eq!(before, dump::tables(&world));
    assert_eq!(world.slack.messages().len(), 1);
}
