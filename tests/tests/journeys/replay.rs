//! Replay is deterministic (P5), and time is an input (P6).

use std::sync::Arc;

use barometer::api::{ReplayRequest, ReplayWhich, RescoreRequest};
use barometer::host::Scratch;
use jiff::SignedDuration;
use model::Moment;
use serde_json::Value;
use tests::{Company, Setup, World, at, dump, stack};

const START: &str = "2026-11-23T09:00:00Z";

fn hours(n: i64) -> Moment {
    at(START).plus(SignedDuration::from_hours(n))
}

/// Ten companies over four months: words change, silence grows, one is deleted, one stops being a customer.
async fn months() -> World {
    let world = World::new(Setup::new()).await;
    let mut companies: Vec<_> = (1..=10).map(|id| Company::healthy(id, hours(0))).collect();
    for (n, company) in (0_i64..).zip(&companies) {
        world.deliver(&company.body(), hours(0).plus(SignedDuration::from_millis(n))).await;
    }
    world.until(hours(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    let words = ["red", "yellow", "green"];
    for round in 1..=12_i64 {
        let now = hours(round * 24 * 10);
        world.pass_until(now).await;
        let at = usize::try_from(round * 7 % 10).unwrap();
        let company = &mut companies[at];
        match round % 4 {
            0 => company.set("lifecyclestage", "other", now),
            1 => company.contacted(now, now),
            _ => company.feels(words[usize::try_from(round).unwrap() % 3], now),
        };
        let body = company.body();
        world.deliver(&body, now).await;
        if round == 6 {
            // Nothing changed; that somebody looked is on the record all the same.
            let accounts = companies.iter().map(Company::account).collect();
            world.host.rescore(&RescoreRequest { accounts }).await.unwrap();
            world.rest().await;
        }
    }
    world.pass_until(hours(24 * 150)).await;
    world
}

fn decided(lines: &[String]) -> Vec<&String> {
    let is_decision = |line: &&String| {
        ["\"ASSESSMENT\"", "FACT#", "PLAY#", "CONTROL", "QUARANTINE#"].iter().any(|part| line.contains(part))
            || line.contains("EVENT#") && !line.contains("action.completed")
    };
    // How sending ended is not replayed.
    let is_decision = |line: &&String| is_decision(line) && !line.contains("\"ACTION#");
    lines.iter().filter(is_decision).collect()
}

#[tokio::test(start_paused = true)]
async fn a_replay_decides_what_was_decided() {
    let world = months().await;
    let request = ReplayRequest {
        which: ReplayWhich::Received { since: Moment::EARLIEST, until: None },
        act: false,
        without: vec![],
    };
    let report = world.host.replay(&request).await.unwrap();
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
    assert!(report.actions.len() >= 3 && report.actions.iter().all(|action| action.recorded), "{:?}", report.actions);
    assert!(report.events.iter().all(|event| event.recorded));
}

#[tokio::test(start_paused = true)]
async fn the_size_of_batches_does_not_show_in_a_replay() {
    let world = months().await;
    let journal = world.host.store().whole_journal().await.unwrap();
    let until = world.host.clock().now();
    let mut dumps = Vec::new();
    for batch_size in [1, 100] {
        let mut stack = (*stack()).clone();
        for mapping in stack.functions.iter_mut().flat_map(|function| &mut function.streams) {
            mapping.batch_size = batch_size;
        }
        let scratch = Scratch::replay(Arc::new(stack), tests::config(), &journal, until).await.unwrap();
        dumps.push(dump::host(scratch.host()));
    }
    assert!(decided(&dumps[0]).len() > 60);
    let live = dump::tables(&world);
    for other in [&dumps[1], &live] {
        let (replayed, other) = (decided(&dumps[0]), decided(other));
        let odd: Vec<_> = replayed
            .iter()
            .filter(|l| !other.contains(l))
            .chain(other.iter().filter(|l| !replayed.contains(l)))
            .collect();
        assert!(odd.is_empty(), "{odd:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_changes_nothing_and_sends_nothing() {
    let world = months().await;
    let (tables, messages) = (dump::tables(&world), world.slack.messages().len());
    let account = ReplayWhich::Account("Company 3".into());
    world.host.replay(&ReplayRequest { which: account, act: false, without: vec![] }).await.unwrap();
    assert_eq!(tables, dump::tables(&world));
    assert_eq!(messages, world.slack.messages().len());
}

#[tokio::test(start_paused = true)]
async fn acting_on_what_is_known_already_changes_nothing_either() {
    let world = months().await;
    let (tables, messages) = (dump::tables(&world), world.slack.messages().len());
    let all = ReplayWhich::Received { since: Moment::EARLIEST, until: None };
    let report = world.host.replay(&ReplayRequest { which: all, act: true, without: vec![] }).await.unwrap();
    assert!(report.acted);
    world.rest().await;
    assert_eq!(tables, dump::tables(&world));
    assert_eq!(messages, world.slack.messages().len());
}

#[tokio::test(start_paused = true)]
async fn explain_at_a_past_moment_says_what_held_then() {
    let world = months().await;
    let then = world.host.explain("Company 1", Some(hours(24 * 5))).await.unwrap();
    assert_eq!((then.band, then.score), (model::Band::Green, Some(100)));
    assert!(then.as_of <= hours(24 * 5));
    assert!(world.host.explain("Company 1", Some(hours(-1))).await.is_err(), "nobody knew it then");
}

/// Every text in a value that is an instant.
fn instants(value: &Value, found: &mut Vec<Moment>) {
    match value {
        Value::String(text) => {
            if let Ok(inner @ Value::Object(_)) = serde_json::from_str(text) {
                instants(&inner, found);
            }
            found.extend(text.split(['#', '~', ' ']).filter_map(|part| part.parse::<Moment>().ok()));
        }
        Value::Array(all) => all.iter().for_each(|one| instants(one, found)),
        Value::Object(fields) => fields.values().for_each(|one| instants(one, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn no_wall_clock_shows_in_any_table() {
    let start = at("2031-03-01T00:00:00Z");
    let world = World::new(Setup { start, ..Setup::new() }).await;
    let mut company = Company::healthy(1, start);
    world.deliver(&company.body(), start).await;
    world.host.golive(&Default::default()).await.unwrap();
    let later = start.plus(SignedDuration::from_hours(1));
    company.feels("red", later).contacted(start.plus(SignedDuration::from_hours(-24 * 100)), later);
    world.deliver(&company.body(), later).await;
    world.pass_until(start.plus(SignedDuration::from_hours(24 * 60))).await;
    let mut found = Vec::new();
    for table in &world.host.stack().tables {
        for item in world.host.engine().dump(&table.logical_id) {
            instants(&item, &mut found);
        }
    }
    for row in world.host.outbox().await.unwrap() {
        instants(&serde_json::to_value(row).unwrap(), &mut found);
    }
    assert!(found.len() > 50);
    let odd: Vec<_> =
        found.iter().filter(|m| **m < at("2030-01-01T00:00:00Z") || **m >= at("2033-01-01T00:00:00Z")).collect();
    assert!(odd.is_empty(), "{odd:?}");
}
