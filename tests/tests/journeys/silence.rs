//! A source that goes silent: what it told is held, its operators are told once, and when it speaks again it is believed.

use std::sync::Arc;

use actions::bus::Bus;
use barometer::api::{ReplayRequest, ReplayWhich};
use clock::Minute;
use config::Config;
use jiff::SignedDuration;
use model::{Band, EventBody, MeasureState, Moment};
use runtime::Clock;
use runtime::aws::AwsSettings;
use runtime::seam::{CallError, Seam};
use testkit::faults::Faults;
use tests::{Company, Setup, World, at, dump};

use crate::operation::{counted, listen, parsed};

fn days(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_hours(24 * n))
}

/// HubSpot is expected to speak every three days, and the only source of everything.
fn expecting() -> Arc<Config> {
    let mut files = tests::config_files();
    let text = files.0.get_mut("connections.toml").unwrap();
    let next = text.replacen("# expected_every = 3 ", "expected_every = 3 ", 1);
    assert_ne!(*text, next);
    *text = next;
    Arc::new(config::load(&files, &connectors::tools()).unwrap())
}

/// A company that is well on day 0, when it was spoken to yesterday.
async fn watched(config: Arc<Config>) -> World {
    watched_in(Setup { config, ..Setup::new() }).await
}

async fn watched_in(setup: Setup) -> World {
    let world = World::new(setup).await;
    world.deliver(&Company::healthy(1, days(0)).body(), days(0)).await;
    world
}

/// Nothing is sent any more, and after a day HubSpot is silent, in a world that is broken as `faults` say.
pub async fn journey(faults: Faults) -> World {
    let world = watched_in(Setup { config: expecting(), faults, ..Setup::new() }).await;
    world.host.pause(true).await.unwrap();
    world.deliver(&Company::healthy(1, days(1)).body(), days(1)).await;
    world.pass_until(days(6)).await;
    world
}

/// What was told of silent sources: who, the last day it was heard, and the moment that it was told for.
async fn told(world: &World) -> Vec<(String, String, String)> {
    let rows = world.host.store().whole_outbox().await.unwrap();
    let mut told: Vec<_> = rows
        .into_iter()
        .filter_map(|row| match row.event.body {
            EventBody::SourceSilent { connection, last_heard_on, expected_every: 3 } => {
                Some((connection.to_string(), last_heard_on.to_string(), row.event.as_of.to_string()))
            }
            _ => None,
        })
        .collect();
    told.sort();
    told
}

fn silence(last: &str, since: &str) -> (String, String, String) {
    ("hubspot".to_owned(), last.to_owned(), since.to_owned())
}

/// The state of the measure that grows worse with every silent day.
async fn contact(world: &World) -> (Band, MeasureState, Option<String>) {
    let it = world.host.explain("Company 1", None).await.unwrap();
    let row = it.points.iter().find(|row| row.measure == "two_way_contact").unwrap();
    (it.band, row.state, row.stale_since.map(|day| day.to_string()))
}

#[tokio::test(start_paused = true)]
async fn no_band_moves_while_the_source_is_silent_and_news_are_judged_when_it_speaks_again() {
    let world = watched(expecting()).await;
    world.pass_until(days(3)).await;
    assert_eq!(contact(&world).await, (Band::Green, MeasureState::Counted, None));
    // Silent since the beginning of 27 November, in Berlin.
    world.pass_until(days(80)).await;
    assert_eq!(contact(&world).await, (Band::Green, MeasureState::Stale, Some("2026-11-23".to_owned())));
    let at_once =
        barometer::show::explain(&world.host.explain("Company 1", None).await.unwrap(), barometer::show::Style::Plain);
    assert!(at_once.contains("its source is silent since 2026-11-23"), "{at_once}");
    // It speaks of somebody else: it is alive, and that nobody was talked to since is true then.
    world.deliver(&Company::healthy(2, days(80)).body(), days(80)).await;
    for day in 81..=86 {
        let mut other = Company::healthy(2, days(80));
        world.deliver(&other.contacted(days(day), days(day)).body(), days(day)).await;
    }
    let (band, state, since) = contact(&world).await;
    assert_eq!((state, since), (MeasureState::Counted, None));
    assert_ne!(band, Band::Green);
}

#[tokio::test(start_paused = true)]
async fn a_source_of_which_nothing_is_expected_is_never_silent() {
    let world = watched(tests::config()).await;
    world.pass_until(days(80)).await;
    let (band, state, _) = contact(&world).await;
    assert_eq!((state, told(&world).await.len()), (MeasureState::Counted, 0));
    assert_ne!(band, Band::Green, "whom nobody talked to");
    assert!(world.host.store().heard().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_silence_is_told_once_whatever_runs_how_often() {
    let world = watched(expecting()).await;
    world.pass_until(days(3)).await;
    assert_eq!(told(&world).await, []);
    world.pass_until(days(4)).await;
    let first = silence("2026-11-23", "2026-11-26T23:00:00.000Z");
    assert_eq!(told(&world).await, std::slice::from_ref(&first));
    for day in 5..12 {
        world.pass_until(days(day)).await;
    }
    assert_eq!(told(&world).await, std::slice::from_ref(&first), "once per silence");
    // It speaks, twice on one day and then daily, and is silent again.
    for (day, hour) in [(12, 0), (12, 3), (13, 0), (14, 0)] {
        let now = days(day).plus(SignedDuration::from_hours(hour));
        world.deliver(&Company::healthy(2, now).body(), now).await;
    }
    world.pass_until(days(17)).await;
    assert_eq!(told(&world).await, std::slice::from_ref(&first));
    world.pass_until(days(30)).await;
    let second = silence("2026-12-07", "2026-12-10T23:00:00.000Z");
    assert_eq!(told(&world).await, [first, second]);
    let state = |row: &store::OutboxRow| row.state;
    let rows = world.host.store().whole_outbox().await.unwrap();
    assert!(rows.iter().all(|row| state(row) == store::OutboxState::Published), "and published");
}

/// How many sources are silent, as the clock says it in a minute for whoever runs this.
async fn silent(world: &World, config: &Arc<Config>, at: Moment) -> u64 {
    let nobody = Seam::new(|_| Box::pin(async { Err(CallError::NotCalled("nothing is left over".to_owned())) }));
    let bus = Bus::connect(&nobody, &AwsSettings::local(), "barometer");
    let minute = Minute::new(config.clone(), world.host.store().clone(), bus, Clock::new(move || at));
    let (lines, _guards) = listen();
    minute.handle().await.unwrap();
    counted(&parsed(&lines), "SourcesSilent", None)
}

#[tokio::test(start_paused = true)]
async fn a_source_counts_as_silent_until_it_speaks_again() {
    let config = expecting();
    let world = watched(config.clone()).await;
    world.pass_until(days(3)).await;
    assert_eq!(silent(&world, &config, days(3)).await, 0);
    // Told or not, and long after that.
    assert_eq!(silent(&world, &config, days(4)).await, 1);
    world.pass_until(days(20)).await;
    assert_eq!(told(&world).await.len(), 1);
    assert_eq!(silent(&world, &config, days(20)).await, 1);
    world.deliver(&Company::healthy(2, days(20)).body(), days(20)).await;
    assert_eq!(silent(&world, &config, days(20)).await, 0);
}

#[tokio::test(start_paused = true)]
async fn the_team_hears_of_a_silence_once_and_only_after_messages_were_let_out() {
    for live in [false, true] {
        let world = watched(expecting()).await;
        world.until(days(1));
        if live {
            world.host.golive(&Default::default()).await.unwrap();
            world.rest().await;
        }
        let before = world.slack.messages().len();
        world.pass_until(days(20)).await;
        let messages = &world.slack.messages()[before..];
        let about =
            |message: &&serde_json::Value| message["text"].as_str().unwrap().contains("is silent since 2026-11-23");
        assert_eq!(messages.iter().filter(about).count(), usize::from(live), "{messages:#?}");
        assert!(messages.iter().filter(about).all(|message| message["channel"].as_str().unwrap().starts_with('#')));
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_speaks_before_anybody_looked_is_not_told() {
    let world = watched(expecting()).await;
    // Nothing ran for a week; the delivery comes first.
    world.until(days(7));
    world
        .host
        .receive(tests::signed(Company::healthy(2, days(7)).body().to_string().into_bytes(), days(7)))
        .await
        .unwrap();
    world.host.pump().settle().await.unwrap();
    world.rest().await;
    assert_eq!(told(&world).await, []);
    world.pass_until(days(20)).await;
    assert_eq!(told(&world).await, [silence("2026-11-30", "2026-12-03T23:00:00.000Z")]);
}

#[tokio::test(start_paused = true)]
async fn who_is_not_asked_to_speak_any_more_is_not_missed() {
    let world = watched(expecting()).await;
    let world = world.again(Setup { start: days(1), ..Setup::new() }).await;
    world.pass_until(days(20)).await;
    assert_eq!(told(&world).await, []);
    assert_eq!(world.host.store().earliest_due(days(20)).await.unwrap(), None, "nothing stays due");
}

#[tokio::test(start_paused = true)]
async fn a_replay_finds_the_same_silences() {
    let world = watched(expecting()).await;
    for day in [1, 2, 9, 10, 25] {
        world.pass_until(days(day)).await;
        world.deliver(&Company::healthy(2, days(day)).body(), days(day)).await;
    }
    world.pass_until(days(40)).await;
    assert_eq!(told(&world).await.len(), 3);
    let tables = dump::tables(&world);
    let which = ReplayWhich::Received { since: Moment::EARLIEST, until: None };
    let report = world.host.replay(&ReplayRequest { which, act: false, without: vec![] }).await.unwrap();
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
    let silent = report.events.iter().filter(|event| event.kind == "source.silent");
    assert_eq!(silent.filter(|event| event.recorded).count(), 3);
    assert_eq!(tables, dump::tables(&world));
}
