//! Scores on records in HubSpot: the newest wins, our own echo changes nothing, and a record is written once for a reason.

use std::sync::Arc;

use barometer::api::{OutboxRow, ReplayRequest, ReplayWhich};
use config::Config;
use jiff::SignedDuration;
use model::Moment;
use runtime::seam::Target;
use serde_json::{Value, json};
use testkit::faults::{Fault, Faults, Made};
use tests::hubspot::HubSpot;
use tests::{Company, Setup, World, at, dump, kill};

fn second(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_secs(n))
}

fn days(n: i64) -> Moment {
    second(n * 24 * 3_600)
}

/// The configuration of the tests with scores on records, which may go as far as `mode`, and no playbook at all.
fn config(mode: &str) -> Arc<Config> {
    let mut files = tests::config_files();
    files.0.retain(|path, _| !path.starts_with("playbooks/"));
    files.0.insert("modes.toml".to_owned(), format!("[most.write-back]\nhubspot = \"{mode}\"\n"));
    Arc::new(config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}")))
}

fn setup(mode: &str) -> Setup {
    Setup { config: config(mode), ..Setup::new() }
}

/// A company that is seen, and scores let out, as far as they may go.
async fn live(setup: Setup) -> (World, Company) {
    let world = World::new(setup).await;
    let company = Company::healthy(7, second(0));
    world.deliver(&company.body(), second(0)).await;
    world.until(second(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    (world, company)
}

fn red(company: &mut Company, at: Moment) -> Value {
    company.feels("red", at).contacted(days(-120), at).body()
}

fn green(company: &mut Company, at: Moment) -> Value {
    company.feels("green", at).contacted(days(-1), at).body()
}

async fn rows(world: &World) -> Vec<OutboxRow> {
    let mut rows = world.host.outbox().await.unwrap();
    rows.retain(|row| row.kind == "crm_update");
    rows.sort_by_key(|row| row.requested_at);
    rows
}

/// How what was asked for last ended.
async fn last(world: &World) -> (String, String) {
    let row = rows(world).await.pop().unwrap();
    (row.status, row.reason.unwrap_or_default())
}

fn shown(world: &World, name: &str) -> String {
    world.hubspot.company("7").get(name).cloned().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_record_shows_the_score_from_golive_on_and_a_changed_band_at_once() {
    let world = World::new(setup("live")).await;
    let mut company = Company::healthy(7, second(0));
    world.deliver(&company.body(), second(0)).await;
    let observed = rows(&world).await;
    assert_eq!((observed.len(), observed[0].status.as_str()), (1, "observed"));
    let call = observed[0].request.as_ref().unwrap();
    assert_eq!(call[0]["path"], "/crm/v3/objects/companies/7");
    assert_eq!(call[0]["body"]["properties"]["barometer_band"], "green");
    assert_eq!(world.hubspot.asked(), Vec::<String>::new());

    world.until(second(1));
    let report = world.host.golive(&Default::default()).await.unwrap();
    assert_eq!((report.modes.len(), report.records), (1, 1), "{report:?}");
    world.rest().await;
    assert_eq!((shown(&world, "barometer_band").as_str(), world.hubspot.writes()), ("green", vec!["7 green".into()]));

    world.deliver(&red(&mut company, second(2)), second(2)).await;
    let now = world.host.explain("Company 7", None).await.unwrap();
    assert_eq!(shown(&world, "barometer_band"), "red");
    assert_eq!(shown(&world, "barometer_score"), now.score.unwrap().to_string());
    assert_eq!(shown(&world, "barometer_as_of"), second(2).to_string());
    assert!(shown(&world, "barometer_reasons").contains("CSM sentiment: red ("), "{:?}", world.hubspot.company("7"));
    assert_eq!(last(&world).await, ("sent".into(), String::new()));
    // Switched on twice, everything is as it was.
    let again = world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    assert_eq!((again.records, world.hubspot.writes().len()), (0, 2));

    let which = ReplayWhich::Received { since: Moment::EARLIEST, until: None };
    let report = world.host.replay(&ReplayRequest { which, act: false, without: vec![] }).await.unwrap();
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
    assert!(report.actions.iter().all(|action| action.recorded), "{:?}", report.actions);
    assert_eq!(world.hubspot.writes().len(), 2, "a replay calls nobody");
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_written_when_the_properties_are_there() {
    let (world, mut company) = live(setup("live")).await;
    world.hubspot.properties_are_made(false);
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    assert_eq!(last(&world).await.0, "failed");
    world.hubspot.properties_are_made(true);
    world.until(second(60));
    assert_eq!(world.host.golive(&Default::default()).await.unwrap().records, 1);
    world.rest().await;
    assert_eq!((last(&world).await.0.as_str(), shown(&world, "barometer_band").as_str()), ("sent", "red"));
}

/// HubSpot tells of every property that changes, whoever changed it.
#[tokio::test(start_paused = true)]
async fn our_own_echo_changes_nothing_but_the_journal() {
    let (world, mut company) = live(setup("live")).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    let before = dump::tables(&world);
    let (asked, journaled) = (world.hubspot.asked().len(), world.host.journal().await.unwrap().len());

    let ours = world.hubspot.company("7");
    for (name, value) in &ours {
        company.set(name, value, second(4));
    }
    let written = world.faults.made().len();
    world.deliver(&company.body(), second(4)).await;
    let events: Vec<_> = (0..).zip(&ours).map(|(n, (name, value))| echo(n, name, value)).collect();
    world.deliver_from("hubspot-app", &json!(events), second(5)).await;
    let calls = world.faults.made()[written..].to_vec();

    assert_eq!(world.host.journal().await.unwrap().len(), journaled + 2);
    assert_eq!(world.host.quarantine().await.unwrap().len(), 0);
    let after = dump::tables(&world);
    let odd: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert_eq!(odd.len(), 2, "{odd:#?}");
    assert_eq!(world.hubspot.asked().len(), asked);
    let writes = calls.iter().filter(|call| call.operation.starts_with("Put") || call.operation.starts_with("Trans"));
    assert!(writes.clone().all(|call| call.function.starts_with("Webhook")), "{:?}", writes.collect::<Vec<_>>());
}

fn echo(n: i64, name: &str, value: &str) -> Value {
    json!({ "eventId": 100 + n, "subscriptionId": 9, "portalId": 4_242, "appId": 1, "occurredAt": second(4).as_millis(),
        "subscriptionType": "company.propertyChange", "attemptNumber": 0, "objectId": 7, "changeSource": "INTEGRATION",
        "propertyName": name, "propertyValue": value })
}

#[tokio::test(start_paused = true)]
async fn five_hundred_changes_in_a_minute_are_two_writes() {
    let (world, mut company) = live(setup("live")).await;
    let before = world.hubspot.writes().len();
    for n in 0..500_i64 {
        let at = second(2).plus(SignedDuration::from_millis(n * 100));
        let body = if n % 2 == 0 { red(&mut company, at) } else { green(&mut company, at) };
        world.until(at);
        world.post(&body, at).await.unwrap();
        // Red and green by turns.
        if n % 21 == 0 {
            world.left().await;
        }
    }
    world.rest().await;
    world.pass_until(second(3_600)).await;
    let writes = world.hubspot.writes()[before..].to_vec();
    assert!((1..=2).contains(&writes.len()), "{writes:?}");
    let now = world.host.explain("Company 7", None).await.unwrap();
    assert_eq!(shown(&world, "barometer_band"), now.band.to_string());
}

/// The older one was refused for a while, and comes back when the newer one is written already.
#[tokio::test(start_paused = true)]
async fn an_older_state_never_overwrites_a_newer_one() {
    let (world, mut company) = live(setup("live")).await;
    world.hubspot.next_is(503, &Value::Null);
    world.until(second(2));
    world.post(&red(&mut company, second(2)), second(2)).await.unwrap();
    world.left().await;
    assert_eq!(rows(&world).await.last().unwrap().status, "sending");
    // The band has been red for a quarter of an hour, and is green again, before its turn comes once more.
    let later = second(2 + 15 * 60);
    let host_stands = world.host.clock().now();
    assert!(host_stands < later);
    world.post(&green(&mut company, later), later).await.unwrap();
    world.left().await;
    world.pass_until(second(7_200)).await;
    let all = rows(&world).await;
    let statuses: Vec<_> = all.iter().map(|row| row.status.as_str()).collect();
    assert_eq!(statuses, ["observed", "sent", "obsolete", "sent"], "{all:#?}");
    assert_eq!(world.hubspot.writes(), ["7 green", "7 green"]);
    assert!(all[2].reason.as_ref().unwrap().contains("a later state"), "{:?}", all[2].reason);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_what_is_missing_and_what_passes_is_tried_again() {
    let after = async |break_it: &dyn Fn(&HubSpot)| {
        let (world, mut company) = live(setup("live")).await;
        break_it(&world.hubspot);
        world.deliver(&red(&mut company, second(2)), second(2)).await;
        last(&world).await
    };
    let (is, reason) = after(&|hubspot| hubspot.next_is(403, &json!({ "category": "MISSING_SCOPES" }))).await;
    assert!(is == "failed" && reason.contains("the scope crm.objects.companies.write"), "{is}: {reason}");
    let (is, reason) = after(&|hubspot| hubspot.next_is(401, &Value::Null)).await;
    assert!(is == "failed" && reason.contains("store the access token"), "{is}: {reason}");
    let (is, reason) = after(&|hubspot| hubspot.properties_are_made(false)).await;
    assert!(is == "failed" && reason.contains("`barometer setup hubspot --yes` makes"), "{is}: {reason}");
    let (is, reason) = after(&|hubspot| hubspot.without_companies()).await;
    assert!(is == "obsolete" && reason.contains("no such company"), "{is}: {reason}");
    for code in [429, 423, 477, 500, 502, 503] {
        assert_eq!(
            after(&|hubspot| hubspot.next_is(code, &Value::Null)).await,
            ("sent".into(), String::new()),
            "{code}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_in_observe_without_a_token_or_while_paused() {
    let (world, mut company) = live(setup("observe")).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    let (is, reason) = last(&world).await;
    assert!(is == "observed" && reason.contains("observe mode"), "{is}: {reason}");
    assert_eq!(world.hubspot.asked(), Vec::<String>::new());

    let (world, mut company) = live(Setup { token: false, ..setup("live") }).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    let (is, reason) = last(&world).await;
    assert!(is == "observed" && reason.contains("no HubSpot token"), "{is}: {reason}");

    let (world, mut company) = live(setup("live")).await;
    world.host.pause(true).await.unwrap();
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    assert_eq!(last(&world).await.0, "held");
    assert_eq!(world.hubspot.writes(), ["7 green"]);
    world.until(second(3));
    world.host.pause(false).await.unwrap();
    world.rest().await;
    assert_eq!(world.hubspot.writes(), ["7 green", "7 red"], "a record that stays wrong helps nobody");
}

/// Goes live, turns red, recovers a day later, and is no customer any more; so far apart that what is tried again is done
/// before the next thing happens.
pub async fn journey(faults: Faults) -> World {
    let world = World::new(Setup { faults, ..setup("live") }).await;
    let mut company = Company::healthy(7, second(0));
    world.deliver(&company.body(), second(0)).await;
    world.until(second(3_600));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    world.deliver(&red(&mut company, second(7_200)), second(7_200)).await;
    world.pass_until(days(1)).await;
    world.deliver(&green(&mut company, days(1)), days(1)).await;
    company.set("lifecyclestage", "other", days(2));
    world.deliver(&company.body(), days(2)).await;
    world.pass_until(days(3)).await;
    world
}

/// What a run leaves behind; how many calls were made in ten seconds is of no interest.
fn left(world: &World) -> (Vec<String>, Vec<String>) {
    let mut tables = dump::tables(world);
    tables.retain(|line| !line.contains("RATE#"));
    let shown = world.hubspot.company("7").into_iter().map(|(name, value)| format!("{name} {value}"));
    (tables, shown.collect())
}

/// Breaks every call that the function makes in turn, each in a journey of its own.
async fn every_call_with(fault: Fault, leave_out: impl Fn(&Made) -> bool) {
    let clean = journey(Faults::default()).await;
    assert_eq!(clean.hubspot.writes(), ["7 green", "7 red", "7 green", "7 "]);
    let (made, clean) = (clean.faults.made(), left(&clean));
    let mut ours = kill::calls_of(&made, "CrmTask", 0..made.len());
    ours.retain(|number| !leave_out(&made[*number]));
    // What is only observed, the first write, and the second, which takes its turn over: the others are like it.
    ours.truncate(23);
    assert!(ours.len() >= 12, "{made:#?}");
    kill::at_each((&made, ours), fault, journey, |world, what| {
        let broken = left(world);
        kill::same_rows(&clean.0, &broken.0, what);
        assert_eq!(broken.1, clean.1, "{what}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_any_call_leaves_the_record_right() {
    every_call_with(Fault::CrashBefore, |_| false).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_leaves_the_record_right() {
    every_call_with(Fault::CrashAfter, |_| false).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_any_write_leaves_the_record_right() {
    every_call_with(Fault::LostAnswer, Made::is_read).await;
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_one_write_are_known_by_name() {
    let (world, mut company) = live(setup("live")).await;
    let before = world.faults.made().len();
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    let made = world.faults.made()[before..].to_vec();
    let ours = made.iter().filter(|call| call.function == "CrmTask");
    // The claim and the switches; the turn, and whether it is the latest; leave to call, `sending`, the call, the mark; the
    // turn given back.
    let expected = "PutItem, BatchGetItem, PutItem, PutItem, GetItem, UpdateItem, PutItem, update company, \
                    TransactWriteItems, PutItem";
    assert_eq!(ours.clone().map(|call| call.operation.as_str()).collect::<Vec<_>>().join(", "), expected);
    assert_eq!(ours.filter(|call| call.target == Target::HubSpot).count(), 1);
}
