//! Tasks in HubSpot: one for one reason, whatever ends in the middle, on the right company, and done when it is over.

use std::sync::Arc;

use barometer::api::OutboxRow;
use config::Config;
use jiff::SignedDuration;
use model::Moment;
use runtime::seam::Target;
use serde_json::{Value, json};
use testkit::faults::{Fault, Faults, Made};
use tests::hubspot::{HubSpot, Task};
use tests::{Company, Setup, World, at, dump, kill};

fn second(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_secs(n))
}

fn days(n: i64) -> Moment {
    second(n * 24 * 3_600)
}

/// The playbook of the tests with a task beside its message; `mode` is the most that it may reach in HubSpot.
fn config(mode: &str) -> Arc<Config> {
    config_with(mode, |playbook| playbook)
}

fn config_with(mode: &str, change: impl Fn(String) -> String) -> Arc<Config> {
    let mut files = tests::config_files();
    let playbook = files.0.get_mut("playbooks/risk-mitigation.toml").unwrap();
    let examples = "# What `barometer check` tries";
    let step = "[[step]]\nname = \"plan\"\ndue = \"2bd\"\ncrm_task = { title = \"Write the plan\" }\n\n";
    *playbook = change(playbook.replacen(examples, &format!("{step}{examples}"), 1));
    let modes = format!("[most.risk-mitigation]\nslack = \"live\"\nhubspot = \"{mode}\"\n");
    files.0.insert("modes.toml".to_owned(), modes);
    Arc::new(config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}")))
}

/// A company that is seen, and everything let out.
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

fn setup(config: Arc<Config>) -> Setup {
    Setup { config, ..Setup::new() }
}

/// What the outbox says of the tasks, in the order in which they were asked for.
async fn rows(world: &World) -> Vec<OutboxRow> {
    let mut rows = world.host.outbox().await.unwrap();
    rows.retain(|row| row.kind == "crm_task");
    rows.sort_by(|a, b| (a.requested_at, &a.step).cmp(&(b.requested_at, &b.step)));
    rows
}

async fn status(world: &World, step: &str) -> (String, String) {
    let rows = rows(world).await;
    let row = rows.iter().find(|row| row.step == step).unwrap_or_else(|| panic!("{step}: {rows:#?}"));
    (row.status.clone(), row.reason.clone().unwrap_or_default())
}

fn property<'a>(task: &'a Task, name: &str) -> &'a str {
    task.properties.get(name).map_or("", String::as_str)
}

/// Turns red, recovers and stays so, in a world that is broken as `faults` say.
async fn journey(faults: Faults) -> World {
    let (world, mut company) = live(Setup { faults, ..setup(config("live")) }).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world.deliver(&green(&mut company, second(5)), second(5)).await;
    world.pass_until(days(2)).await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_red_account_gets_a_task_that_is_done_when_it_has_recovered() {
    let (world, mut company) = live(setup(config("live"))).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    let [task] = <[Task; 1]>::try_from(world.hubspot.tasks()).unwrap();
    let expected = [
        ("hs_task_subject", "Company 7: Write the plan"),
        ("hs_timestamp", "2026-11-25T08:00:00.000Z"),
        ("hs_task_priority", "HIGH"),
        ("hs_task_status", "NOT_STARTED"),
        ("hubspot_owner_id", "410001"),
    ];
    for (name, value) in expected {
        assert_eq!(property(&task, name), value, "{name}");
    }
    assert_eq!(task.companies, ["7"]);
    assert!(property(&task, "hs_task_body").contains("CSM sentiment: green → red"), "{task:#?}");
    let [row] = <[OutboxRow; 1]>::try_from(rows(&world).await).unwrap();
    assert_eq!(
        (row.status.as_str(), row.vendor_ref.as_deref(), row.id.as_str()),
        ("sent", Some("9001"), property(&task, "barometer_action_id"))
    );
    assert_eq!(row.to, "ines.almeida@ourco.example (Ines Almeida, the CRM's CSM property)");
    assert_eq!(world.hubspot.asked().len(), 2, "the owner's id stands in team.toml: {:?}", world.hubspot.asked());

    world.deliver(&green(&mut company, second(5)), second(5)).await;
    assert_eq!(property(&world.hubspot.tasks()[0], "hs_task_status"), "NOT_STARTED", "it may be red again tomorrow");
    world.pass_until(days(2)).await;
    let [task] = <[Task; 1]>::try_from(world.hubspot.tasks()).unwrap();
    assert_eq!(property(&task, "hs_task_status"), "COMPLETED");
    assert_eq!(status(&world, "resolved~plan").await, ("sent".into(), String::new()));
    assert_eq!((world.hubspot.made(), world.slack.messages().len()), (1, 2));
    let timeline = world.host.timeline("hubspot:company:7").await.unwrap();
    assert!(timeline.iter().any(|row| row.text == "crm_task `plan` of risk-mitigation is sent"), "{timeline:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_only_observes_writes_nothing_and_shows_what_it_would_write() {
    let (world, mut company) = live(setup(config("observe"))).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world.deliver(&green(&mut company, second(5)), second(5)).await;
    world.pass_until(days(2)).await;
    assert_eq!(world.hubspot.asked(), Vec::<String>::new());
    assert_eq!(world.slack.messages().len(), 2, "messages go their own way");
    let rows = rows(&world).await;
    assert!(rows.len() == 2 && rows.iter().all(|row| row.status == "observed"), "{rows:#?}");
    let shown = rows[0].request.as_ref().unwrap();
    assert_eq!(shown[0]["path"], "/crm/v3/objects/tasks/batch/upsert");
    assert_eq!(shown[0]["body"]["inputs"][0]["properties"]["hubspot_owner_id"], "410001");
    assert_eq!(rows[1].request.as_ref().unwrap()[0]["body"]["properties"]["hs_task_status"], "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn without_a_token_or_while_paused_nothing_is_written() {
    let (world, mut company) = live(Setup { token: false, ..setup(config("live")) }).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    let (is, reason) = status(&world, "plan").await;
    assert!(is == "observed" && reason.contains("no HubSpot token"), "{is}: {reason}");

    let (world, mut company) = live(setup(config("live"))).await;
    world.host.pause(true).await.unwrap();
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    assert_eq!(status(&world, "plan").await.0, "held");
    world.host.pause(false).await.unwrap();
    world.deliver(&green(&mut company, second(5)), second(5)).await;
    world.pass_until(days(2)).await;
    let (is, reason) = status(&world, "resolved~plan").await;
    assert!(is == "obsolete" && reason == "the task was never made: it is held", "{is}: {reason}");
    assert_eq!(world.hubspot.asked(), Vec::<String>::new());
}

/// Whose task it becomes when the CRM names `csm`, and what is noted.
async fn owner_of(csm: &str) -> (String, String) {
    let (world, mut company) = live(setup(config("live"))).await;
    company.set("customer_success_manager", csm, second(1));
    world.deliver(&company.body(), second(1)).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    let [task] = <[Task; 1]>::try_from(world.hubspot.tasks()).unwrap();
    assert_eq!(task.companies, ["7"]);
    let (is, reason) = status(&world, "plan").await;
    assert_eq!(is, "sent");
    (property(&task, "hubspot_owner_id").to_owned(), reason)
}

#[tokio::test(start_paused = true)]
async fn an_owner_is_found_by_email_and_a_task_without_one_is_better_than_none() {
    assert_eq!(owner_of("sam.ortiz@ourco.example").await, ("410009".into(), String::new()));
    assert_eq!(owner_of("410009").await, ("410009".into(), String::new()));
    let (owner, reason) = owner_of("nobody@ourco.example").await;
    assert!(owner.is_empty() && reason.contains("no owner with the address nobody@ourco.example"), "{owner}: {reason}");
    let (owner, reason) = owner_of("777").await;
    assert!(
        owner.is_empty() && reason.starts_with("it is nobody's: HubSpot does not take the owner"),
        "{owner}: {reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn another_owner_gets_the_task() {
    let (world, mut company) = live(setup(config("live"))).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    company.set("customer_success_manager", "sam.ortiz@ourco.example", second(3));
    world.deliver(&company.body(), second(3)).await;
    let [task] = <[Task; 1]>::try_from(world.hubspot.tasks()).unwrap();
    assert_eq!((property(&task, "hubspot_owner_id"), property(&task, "hs_task_status")), ("410009", "NOT_STARTED"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_what_to_do_and_what_passes_is_tried_again() {
    let after = async |status_code: u16, body: Value| {
        let hubspot = HubSpot::default();
        let (world, mut company) = live(Setup { hubspot: hubspot.clone(), ..setup(config("live")) }).await;
        hubspot.next_is(status_code, &body);
        world.deliver(&red(&mut company, second(2)), second(2)).await;
        let (is, reason) = status(&world, "plan").await;
        (is, reason, hubspot.made())
    };
    let (is, reason, made) = after(403, json!({ "category": "MISSING_SCOPES" })).await;
    assert!(is == "failed" && reason.contains("the scope crm.objects.contacts.write") && made == 0, "{is}: {reason}");
    let (is, reason, made) = after(401, Value::Null).await;
    assert!(is == "failed" && reason.contains("store the access token") && made == 0, "{is}: {reason}");
    let (is, reason, _) = after(400, json!({ "message": "Property \"barometer_action_id\" does not exist" })).await;
    assert!(is == "failed" && reason.contains("make the property"), "{is}: {reason}");
    for (code, body) in
        [(429, json!({ "policyName": "DAILY" })), (423, Value::Null), (477, Value::Null), (502, json!("x"))]
    {
        assert_eq!(after(code, body).await, ("sent".into(), String::new(), 1), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_somebody_deleted_is_left_deleted() {
    let (world, mut company) = live(setup(config("live"))).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world.hubspot.delete_all();
    world.deliver(&green(&mut company, second(5)), second(5)).await;
    world.pass_until(days(2)).await;
    let (is, reason) = status(&world, "resolved~plan").await;
    assert!(is == "obsolete" && reason.contains("deleted"), "{is}: {reason}");
    assert!(world.hubspot.tasks().is_empty());
}

/// HubSpot may have made it before its answer was lost. It recovers before the next try, which then must not drop it.
#[tokio::test(start_paused = true)]
async fn what_may_be_there_already_is_recorded_and_closed_though_the_episode_is_over() {
    let config = config_with("live", |text| text.replacen("recover_after = \"24h\"", "recover_after = \"1h\"", 1));
    let (world, mut company) = live(setup(config)).await;
    for _ in 0..2 {
        world.hubspot.next_is(503, &Value::Null);
    }
    for (n, body) in [(2, red(&mut company, second(2))), (5, green(&mut company, second(5)))] {
        world.until(second(n));
        world.post(&body, second(n)).await.unwrap();
        world.left().await;
    }
    assert_eq!((world.hubspot.asked().len(), world.hubspot.made()), (1, 0));
    world.pass_until(second(3_700)).await;
    let episodes = world.host.store().episodes().await.unwrap();
    assert!(episodes.iter().all(|episode| !episode.is_open()));
    world.pass_until(days(1)).await;
    assert_eq!(
        (status(&world, "plan").await.0, status(&world, "resolved~plan").await.0),
        ("sent".into(), "sent".into())
    );
    let [task] = <[Task; 1]>::try_from(world.hubspot.tasks()).unwrap();
    assert_eq!(property(&task, "hs_task_status"), "COMPLETED");
}

/// What a run leaves behind; how many calls were made in ten seconds is of no interest.
fn left(world: &World) -> (Vec<String>, Vec<Task>, u64) {
    let mut tables = dump::tables(world);
    tables.retain(|line| !line.contains("RATE#"));
    (tables, world.hubspot.tasks(), world.hubspot.made())
}

/// Breaks every call that the function makes in turn, each in a journey of its own.
async fn every_call_with(fault: Fault, leave_out: impl Fn(&Made) -> bool) {
    let clean = journey(Faults::default()).await;
    let made = clean.faults.made();
    let clean = left(&clean);
    assert_eq!((clean.1.len(), clean.2), (1, 1));
    let mut ours = kill::calls_of(&made, "CrmTask", 0..made.len());
    ours.retain(|number| !leave_out(&made[*number]));
    kill::at_each((&made, ours), fault, journey, |world, what| {
        let broken = left(world);
        kill::same_rows(&clean.0, &broken.0, what);
        assert_eq!((&broken.1, broken.2), (&clean.1, clean.2), "{what}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_any_call_makes_one_task() {
    every_call_with(Fault::CrashBefore, |_| false).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_makes_one_task() {
    every_call_with(Fault::CrashAfter, |_| false).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_any_write_makes_one_task() {
    every_call_with(Fault::LostAnswer, Made::is_read).await;
}

#[tokio::test(start_paused = true)]
async fn throttling_at_any_write_makes_one_task() {
    every_call_with(Fault::Throttle, Made::is_read).await;
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_one_task_are_known_by_name() {
    let made = journey(Faults::default()).await.faults.made();
    let ours = made.iter().filter(|call| call.function == "CrmTask" && call.target == Target::HubSpot);
    assert_eq!(
        ours.map(|call| call.operation.as_str()).collect::<Vec<_>>(),
        ["upsert task", "associate task", "update task"]
    );
}
