//! An alert that nobody takes care of: the manager hears of it, once, where people are known to claim alerts.

use std::sync::Arc;

use config::Config;
use config::secrets::{ConnectionSecrets, SecretsFile};
use jiff::SignedDuration;
use model::AlertAnswer::{Claim, Dismiss, Snooze};
use model::{Episode, Moment};
use serde_json::Value;
use store::ActionStatus;
use testkit::faults::{Fault, Faults, Made};
use tests::{Company, SECRET, Setup, World, at, click, kill};

const INES: &str = "U0INES0001";
const PRIYA: &str = "U0PRIYA001";

/// A Monday morning, 10:00 in Berlin.
fn minute(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_mins(n))
}

/// The alert of [`overlooked`] has waited for eight hours of Ines's then: Tuesday, 08:30.
const PASSED: i64 = 22 * 60 + 30;

fn config(mode: &str) -> Arc<Config> {
    let mut files = tests::config_files();
    files.0.get_mut("connections.toml").unwrap().push_str("\n[connection.slack]\ntool = \"slack\"\n");
    let redirect = "[redirect]\nslack = \"#barometer-test\"\n";
    files.0.insert("modes.toml".to_owned(), format!("[most.risk-mitigation]\nslack = \"{mode}\"\n\n{redirect}"));
    Arc::new(config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}")))
}

fn setup(mode: &str) -> Setup {
    let secrets = || -> SecretsFile {
        let mut file = tests::secrets(true);
        let secret = ConnectionSecrets { secret: SECRET.to_owned(), previous: None, token: None };
        file.connections.insert("slack".parse().unwrap(), secret);
        file
    };
    let setup = Setup { config: config(mode), secrets: Some(Arc::new(move || Ok(secrets()))), ..Setup::new() };
    setup.slack.has("priya.nair@ourco.example", PRIYA);
    setup
}

/// Two companies are fine when everything goes live.
async fn two(setup: Setup) -> (World, [Company; 2]) {
    let world = World::new(setup).await;
    let companies = [7, 8].map(|id| Company::healthy(id, minute(0)));
    for company in &companies {
        world.deliver(&company.body(), minute(0)).await;
    }
    world.until(minute(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    (world, companies)
}

async fn turns_red(world: &World, company: &mut Company, at: Moment) -> Value {
    let long_ago = at.plus(SignedDuration::from_hours(-24 * 120));
    world.deliver(&company.feels("red", at).contacted(long_ago, at).body(), at).await;
    world.pass_until(at.plus(SignedDuration::from_mins(8))).await;
    world.slack.messages().last().unwrap().clone()
}

/// One company's alert is claimed, the other's not.
async fn overlooked(setup: Setup) -> (World, [Company; 2], Value) {
    let (world, mut companies) = two(setup).await;
    let first = turns_red(&world, &mut companies[0], minute(2)).await;
    world.clicks(&click::body(&first, Claim, None, INES, minute(20)), minute(20)).await;
    let second = turns_red(&world, &mut companies[1], minute(30)).await;
    assert_eq!(world.slack.messages().len(), 3, "two alerts and the word of who claimed one");
    (world, companies, second)
}

/// What came after the alerts and the claim.
fn after(world: &World) -> Vec<Value> {
    world.slack.messages().split_off(3)
}

async fn unclaimed(world: &World) -> Option<ActionStatus> {
    let store = world.host.store();
    let episodes = store.episodes().await.unwrap();
    let asked = episodes.iter().find(|episode| episode.asked.contains(Episode::UNCLAIMED))?;
    let id = asked.key.action(asked.run, Episode::UNCLAIMED);
    store.actions(std::slice::from_ref(&id)).await.unwrap().get(&id).map(|row| row.status)
}

#[tokio::test(start_paused = true)]
async fn the_manager_is_told_once_and_by_a_message_that_they_see() {
    let (world, _, _) = overlooked(setup("live")).await;
    world.pass_until(minute(PASSED - 1)).await;
    assert_eq!(after(&world), Vec::<Value>::new());
    world.pass_until(minute(PASSED + 5)).await;
    let [told] = &after(&world)[..] else { panic!("{:#?}", after(&world)) };
    assert_eq!(told["channel"], PRIYA, "Ines's thread is between her and the app");
    assert_eq!(told.get("thread_ts"), None);
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("*Company 8*") && text.contains("Ask Ines Almeida who takes care of it."), "{text}");
    assert!(told.to_string().contains("Nobody has answered this alert for 8 working hours."), "{told:#}");
    assert_eq!(click::block(told), None);
    world.pass_until(minute(5 * 24 * 60)).await;
    assert_eq!(after(&world).iter().filter(|told| told["channel"] == PRIYA).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_where_nobody_has_ever_claimed_an_alert() {
    let (world, mut companies) = two(setup("live")).await;
    turns_red(&world, &mut companies[0], minute(2)).await;
    // Only now, when eight hours have passed.
    world.pass_until(minute(PASSED)).await;
    let second = turns_red(&world, &mut companies[1], minute(PASSED)).await;
    let alerts = world.slack.messages().len();
    world.clicks(&click::body(&second, Claim, None, INES, minute(PASSED + 10)), minute(PASSED + 10)).await;
    world.deliver(&companies[0].set("name", "Company Seven", minute(PASSED + 20)).body(), minute(PASSED + 20)).await;
    world.pass_until(minute(3 * 24 * 60)).await;
    assert!(world.slack.messages()[alerts..].iter().all(|message| message["channel"] != PRIYA));
    assert_eq!(unclaimed(&world).await, None);
}

#[tokio::test(start_paused = true)]
async fn who_answers_in_time_is_reported_to_nobody() {
    for (answer, chosen) in [(Claim, None), (Snooze, Some("1")), (Dismiss, Some("known"))] {
        let (world, _, second) = overlooked(setup("live")).await;
        let late = minute(PASSED - 10);
        world.pass_until(late).await;
        world.clicks(&click::body(&second, answer, chosen, INES, late), late).await;
        world.pass_until(minute(3 * 24 * 60)).await;
        assert_eq!(unclaimed(&world).await, None, "{answer:?}");
    }
    let (world, mut companies, _) = overlooked(setup("live")).await;
    let now = minute(PASSED - 10);
    world.deliver(&companies[1].feels("green", now).contacted(now, now).body(), now).await;
    world.pass_until(minute(3 * 24 * 60)).await;
    assert_eq!(unclaimed(&world).await, None, "it recovers");
}

#[tokio::test(start_paused = true)]
async fn who_answers_before_it_goes_out_is_not_reported_either() {
    let (world, _, second) = overlooked(setup("live")).await;
    // The desk decides a minute later.
    world.pass_until(minute(PASSED)).await;
    assert_eq!(unclaimed(&world).await, Some(ActionStatus::Waiting));
    let now = minute(PASSED).plus(SignedDuration::from_secs(10));
    world.clicks(&click::body(&second, Claim, None, INES, now), now).await;
    world.pass_until(minute(2 * 24 * 60)).await;
    assert_eq!(unclaimed(&world).await, Some(ActionStatus::Obsolete));
    assert!(after(&world).iter().all(|told| told["channel"] != PRIYA));
}

#[tokio::test(start_paused = true)]
async fn what_is_redirected_stays_in_its_thread_and_what_was_only_observed_is_told_nobody() {
    let (world, _, _) = overlooked(setup("redirect")).await;
    world.pass_until(minute(PASSED + 5)).await;
    let [told] = &after(&world)[..] else { panic!("{:#?}", after(&world)) };
    assert_eq!((told["channel"].as_str(), told["thread_ts"].is_string()), (Some("C0TEST"), true));

    let (world, mut companies) = two(setup("observe")).await;
    let at = minute(2);
    let long_ago = at.plus(SignedDuration::from_hours(-24 * 120));
    world.deliver(&companies[0].feels("red", at).contacted(long_ago, at).body(), at).await;
    world.host.store().note_claimed(minute(0)).await.unwrap();
    world.pass_until(minute(2 * 24 * 60)).await;
    assert_eq!((world.slack.messages().len(), unclaimed(&world).await), (0, Some(ActionStatus::Observed)));
}

async fn journey(faults: Faults) -> World {
    let (world, _, _) = overlooked(Setup { faults, ..setup("live") }).await;
    world.pass_until(minute(PASSED + 30)).await;
    world
}

fn is_send(call: &Made) -> bool {
    call.target == runtime::seam::Target::Slack
}

/// Breaks every call that follows the second alert in turn, each in a journey of its own.
async fn every_call_with(fault: Fault, leave_out: impl Fn(&[Made], usize) -> bool) {
    let clean = journey(Faults::default()).await;
    let (made, told) = (clean.faults.made(), after(&clean));
    assert_eq!(told.len(), 1);
    let sends: Vec<_> = (0..made.len()).filter(|number| is_send(&made[*number])).collect();
    let from = sends[sends.len() - 3] + 2;
    let of = |function| kill::calls_of(&made, function, from..made.len());
    let mut ours = ["Health", "SlackAlert"].map(of).concat();
    ours.retain(|number| !leave_out(&made, *number));
    kill::at_each((&made, ours), fault, journey, |world, what| assert_eq!(after(world), told, "{what}")).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_any_call_on_the_way_to_the_manager_changes_nothing_in_the_end() {
    every_call_with(Fault::CrashBefore, |made, at| is_send(&made[at - 1])).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_on_the_way_to_the_manager_changes_nothing_in_the_end() {
    every_call_with(Fault::CrashAfter, |made, at| is_send(&made[at])).await;
}
