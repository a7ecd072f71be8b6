//! How tasks stand in HubSpot is read back: whoever closes one there has done its step.

use std::sync::Arc;

use barometer::api::{ReplayRequest, ReplayWhich};
use config::Config;
use jiff::SignedDuration;
use model::Moment;
use serde_json::json;
use testkit::faults::{Fault, Faults};
use tests::{Company, Setup, World, at, kill, secrets};

const READ: &str = "/crm/v3/objects/tasks/batch/read";

fn hours(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_hours(n))
}

/// The playbook of the tests with a task beside its message, which goes as far as `mode`.
fn config(mode: &str) -> Arc<Config> {
    let mut files = tests::config_files();
    let playbook = files.0.get_mut("playbooks/risk-mitigation.toml").unwrap();
    let examples = "# What `barometer check` tries";
    let step = "[[step]]\nname = \"plan\"\ndue = \"2bd\"\ncrm_task = { title = \"Write the plan\" }\n\n";
    *playbook = playbook.replacen(examples, &format!("{step}{examples}"), 1);
    let modes = format!("[most.risk-mitigation]\nslack = \"live\"\nhubspot = \"{mode}\"\n");
    files.0.insert("modes.toml".to_owned(), modes);
    Arc::new(config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}")))
}

/// A red account with a task, and a token to read tasks with, if there is one.
async fn with_task(mode: &str, token: bool) -> (World, Company) {
    broken(mode, token, Faults::default()).await
}

async fn broken(mode: &str, token: bool, faults: Faults) -> (World, Company) {
    let read = move || {
        let mut secrets = secrets(true);
        for (name, connection) in &mut secrets.connections {
            connection.token = (token && name.as_str() == "hubspot-app").then(|| "pat-eu1-reads".to_owned());
        }
        Ok(secrets)
    };
    let setup = Setup { config: config(mode), secrets: Some(Arc::new(read)), faults, ..Setup::new() };
    let world = World::new(setup).await;
    let mut company = Company::healthy(7, hours(0));
    world.deliver(&company.body(), hours(0)).await;
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    let body = company.feels("red", hours(1)).contacted(hours(-24 * 120), hours(1)).body();
    world.deliver(&body, hours(1)).await;
    (world, company)
}

/// HubSpot says from now on that the task stands so, since `at`.
fn stands(world: &World, status: &str, at: Moment) {
    let tasks = world.hubspot.tasks();
    let id = tasks[0].properties["barometer_action_id"].clone();
    let ours = json!({ "barometer_action_id": id, "hs_task_status": status, "hs_lastmodifieddate": at.to_string() });
    let other = json!({ "barometer_action_id": "0".repeat(32), "hs_task_status": "COMPLETED" });
    let results = [json!({ "id": "9001", "properties": ours }), json!({ "id": "9", "properties": other })];
    world.vendor.has(READ, 200, &json!({ "status": "COMPLETE", "results": results }).to_string());
}

fn reads(world: &World) -> usize {
    world.vendor.asked().iter().filter(|asked| asked.path == READ).count()
}

async fn closed(world: &World) -> Vec<String> {
    let timeline = world.host.timeline("hubspot:company:7").await.unwrap();
    timeline.into_iter().filter(|row| row.kind == "task_closed").map(|row| row.text).collect()
}

#[tokio::test(start_paused = true)]
async fn a_task_that_somebody_closes_has_its_step_done_and_is_asked_after_no_more() {
    let (world, mut company) = with_task("live", true).await;
    assert_eq!((world.hubspot.made(), reads(&world)), (1, 0));
    stands(&world, "NOT_STARTED", hours(1));
    world.pass_until(hours(24)).await;
    assert_eq!((reads(&world), closed(&world).await.len()), (5, 0), "every four hours");

    stands(&world, "COMPLETED", hours(25));
    world.pass_until(hours(30)).await;
    assert_eq!(
        closed(&world).await,
        ["The task of step `plan` of risk-mitigation was closed in HubSpot: the step is done"]
    );
    let episodes = world.host.store().episodes().await.unwrap();
    assert_eq!(episodes[0].done.get("plan"), Some(&hours(25)));
    assert!(episodes[0].is_open(), "the account is still red");
    let after = reads(&world);
    world.pass_until(hours(60)).await;
    assert_eq!(reads(&world), after);

    // What is done already is not closed once more, nor handed over.
    let written = world.hubspot.asked().len();
    world.deliver(&company.feels("green", hours(61)).contacted(hours(60), hours(61)).body(), hours(61)).await;
    world.pass_until(hours(100)).await;
    assert!(world.host.store().episodes().await.unwrap().iter().all(|episode| !episode.is_open()));
    assert_eq!(world.hubspot.asked().len(), written);

    let which = ReplayWhich::Received { since: Moment::EARLIEST, until: None };
    let report = world.host.replay(&ReplayRequest { which, act: false, without: vec![] }).await.unwrap();
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
    assert_eq!(reads(&world), after, "a replay calls nobody");
}

#[tokio::test(start_paused = true)]
async fn without_a_token_or_a_task_that_was_made_nobody_is_asked() {
    let (world, _) = with_task("live", false).await;
    world.pass_until(hours(48)).await;
    assert_eq!(reads(&world), 0);
    let left = world.host.store().fetches().await.unwrap();
    assert!(
        left.iter().all(|fetch| fetch.action.as_ref().is_some_and(|row| row.status.as_str() == "done")),
        "{left:?}"
    );

    let (world, _) = with_task("observe", true).await;
    world.pass_until(hours(48)).await;
    assert_eq!((reads(&world), world.host.store().fetches().await.unwrap().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_none_is_set_aside_and_asked_again_later() {
    let (world, _) = with_task("live", true).await;
    world.vendor.has(READ, 200, "{\"hello\":\"proxy\"}");
    world.pass_until(hours(6)).await;
    assert_eq!((reads(&world), world.host.quarantine().await.unwrap().len()), (1, 1));
    stands(&world, "COMPLETED", hours(2));
    world.pass_until(hours(10)).await;
    assert_eq!(reads(&world), 2);
    assert_eq!(closed(&world).await.len(), 1);
}

/// A task that was closed in HubSpot is read back.
pub async fn journey(faults: Faults) -> World {
    let (world, _) = broken("live", true, faults).await;
    stands(&world, "COMPLETED", hours(2));
    world.pass_until(hours(7)).await;
    world
}

/// What came of it, as far as it does not depend on when it was read in the end.
async fn outcome(world: &World) -> (Vec<String>, Vec<Option<Moment>>, u64, usize) {
    let episodes = world.host.store().episodes().await.unwrap();
    let done = episodes.iter().map(|episode| episode.done.get("plan").copied()).collect();
    (closed(world).await, done, world.hubspot.made(), world.host.quarantine().await.unwrap().len())
}

/// Breaks every call of the reading in turn, each in a journey of its own. The question itself changes nothing at the
/// vendor's, so it has no window: it is asked again.
async fn every_call_with(fault: Fault) {
    let clean = journey(Faults::default()).await;
    let (made, expected) = (clean.faults.made(), outcome(&clean).await);
    assert_eq!((expected.0.len(), &expected.1), (1, &vec![Some(hours(2))]));
    let ours = kill::calls_of(&made, "FetchObject", 0..made.len());
    assert!(ours.len() >= 3, "{made:#?}");
    for number in ours {
        if fault == Fault::Throttle && made[number].target != runtime::seam::Target::DynamoDb {
            continue;
        }
        let what = format!("{fault:?} at call {number} ({})", made[number]);
        let world = journey(Faults::planned([(number, fault)])).await;
        assert_eq!(world.faults.struck(), 1, "{what} took place");
        assert_eq!(outcome(&world).await, expected, "{what}");
        assert!(reads(&world) <= reads(&clean) + 1, "{what}: asked once more at most");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_any_call_of_a_reading_closes_the_step_once() {
    every_call_with(Fault::CrashBefore).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_of_a_reading_closes_the_step_once() {
    every_call_with(Fault::CrashAfter).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_any_call_of_a_reading_closes_the_step_once() {
    every_call_with(Fault::LostAnswer).await;
}
