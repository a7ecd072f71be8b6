//! What a webhook only names is fetched: once, no faster than the vendor likes, and never in a replay.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use barometer::api::{ReplayRequest, ReplayWhich};
use barometer::host::{ReadSecrets, Scratch};
use jiff::SignedDuration;
use model::{CauseChain, Delivery, Event, EventBody, EventId, FactKey, FetchRequest, Field, Moment, SubjectId, Value};
use runtime::seam::Target;
use serde_json::json;
use store::{ActionRow, ActionStatus};
use testkit::faults::{Fault, Faults, Made};
use tests::{Setup, Vendor, World, at, secrets, stack};

const START: &str = "2026-11-23T09:00:00Z";
const APP: &str = "hubspot-app";

fn second(n: i64) -> Moment {
    at(START).plus(SignedDuration::from_secs(n))
}

fn path(id: u64) -> String {
    format!("/crm/v3/objects/companies/{id}")
}

/// A company as HubSpot's API gives it.
fn company(id: u64) -> String {
    let set = |value: &str| json!([{ "value": value, "timestamp": START, "sourceType": "CRM_UI" }]);
    let name = format!("Company {id}");
    json!({
        "id": id.to_string(),
        "properties": { "name": name, "lifecyclestage": "customer" },
        "propertiesWithHistory": { "name": set(&name), "lifecyclestage": set("customer") },
        "createdAt": START, "updatedAt": START, "archived": false,
    })
    .to_string()
}

/// HubSpot saw these companies created at a moment.
fn created(ids: impl IntoIterator<Item = u64>, at: Moment, attempt: u8) -> serde_json::Value {
    let event = |id: u64| {
        json!({ "eventId": id, "subscriptionType": "company.creation", "objectId": id, "portalId": 4_242, "appId": 1,
            "occurredAt": at.as_millis(), "attemptNumber": attempt, "changeSource": "CRM_UI" })
    };
    ids.into_iter().map(event).collect()
}

/// Secrets with these tokens of the app, one after the other as the number says; 0 is none.
fn tokens(number: &Arc<AtomicU8>) -> ReadSecrets {
    let number = number.clone();
    Arc::new(move || {
        let mut file = secrets(true);
        let app = file.connections.get_mut(&APP.parse().unwrap()).unwrap();
        let now = number.load(Ordering::SeqCst);
        app.token = (now > 0).then(|| format!("pat-{now}"));
        Ok(file)
    })
}

/// A world with the token `pat-1`.
async fn world(vendor: &Vendor) -> World {
    with_faults(vendor, Faults::default()).await
}

async fn with_faults(vendor: &Vendor, faults: Faults) -> World {
    let secrets = Some(tokens(&Arc::new(AtomicU8::new(1))));
    World::new(Setup { secrets, vendor: vendor.clone(), start: at(START), faults, ..Setup::new() }).await
}

async fn row(world: &World, object: &str) -> ActionRow {
    let entries = world.host.store().fetches().await.unwrap();
    let [entry] = entries.iter().filter(|entry| entry.request.object == object).collect::<Vec<_>>()[..] else {
        panic!("{entries:?}")
    };
    entry.action.clone().unwrap()
}

async fn status(world: &World, object: &str) -> (ActionStatus, String) {
    let row = row(world, object).await;
    (row.status, row.reason.unwrap_or_default())
}

/// The name that is known of a company.
async fn name(host: &barometer::host::Host, id: u64) -> Option<String> {
    let subject = SubjectId::vendor("hubspot", "company", &id.to_string());
    let fact = host.store().fact(&subject, &FactKey::Profile).await.unwrap().value;
    fact.all_registers().find_map(|(_, field, register)| match &register.value {
        Value::Text(name) if field == Field::Name => Some(name.clone()),
        _ => None,
    })
}

async fn fetched(world: &World) -> Vec<Delivery> {
    let mut journal = world.host.store().whole_journal().await.unwrap();
    journal.retain(|delivery| delivery.id.as_str().contains("fetched~"));
    journal
}

/// A request as the outbox carries it.
fn event(request: FetchRequest) -> Event {
    let account = SubjectId::from_stored(format!("connection:{}", request.connection));
    Event {
        id: EventId::derive(&account, "object.fetch_requested", &request.object, &request.version),
        schema: model::EVENT_SCHEMA,
        account,
        occurred_at: at(START),
        as_of: at(START),
        cause: CauseChain::default(),
        body: EventBody::FetchRequested(request),
    }
}

async fn ask_for(world: &World, request: FetchRequest) {
    world.host.store().announce(&[event(request)]).await.unwrap();
    world.rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_created_company_is_fetched_once_though_its_event_comes_again_and_again() {
    let vendor = Vendor::default();
    vendor.has(&path(77), 200, &company(77));
    let world = world(&vendor).await;
    world.deliver_from(APP, &created([77], second(0), 0), second(1)).await;
    world.deliver_from(APP, &created([77], second(0), 1), second(5)).await;
    // The same event among others is another delivery.
    vendor.has(&path(78), 200, &company(78));
    world.deliver_from(APP, &created([78, 77], second(0), 0), second(9)).await;
    let asked = vendor.asked();
    assert_eq!(asked.iter().map(|asked| asked.path.clone()).collect::<Vec<_>>(), [path(77), path(78)]);
    assert_eq!((asked[0].host.as_str(), asked[0].authorization.as_str()), ("https://api.hubapi.com", "Bearer pat-1"));
    assert_eq!(name(&world.host, 77).await.as_deref(), Some("Company 77"));
    assert_eq!(status(&world, "company/77").await, (ActionStatus::Done, String::new()));
    let [first, _] = fetched(&world).await.try_into().unwrap();
    assert_eq!((first.connection.as_str(), first.body), (APP, company(77).into_bytes()));
    assert_eq!(first.headers["barometer-fetched"], "company/77");
    assert_eq!(first.headers["barometer-fetched-status"], "200");
    let accounts = world.host.accounts().await.unwrap();
    assert_eq!(accounts.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["Company 77", "Company 78"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_received_after_what_asked_for_it() {
    let vendor = Vendor::default();
    vendor.has(&path(77), 200, &company(77));
    let world = world(&vendor).await;
    // The clock of the host stands still meanwhile.
    world.deliver_from(APP, &created([77], second(0), 0), second(0)).await;
    let journal = world.host.store().whole_journal().await.unwrap();
    let [first, second] = journal.try_into().unwrap();
    assert!(second.id.as_str().contains("fetched~") && second.received_at > first.received_at);
}

/// The configuration that ships, with the address that every customer of Zendesk has to put there.
pub fn with_zendesk() -> Arc<config::Config> {
    let mut files = barometer::config_files::read(None).unwrap();
    let text = files.0.get_mut("connections.toml").unwrap();
    *text = text.replace("# api_url = \"https://ourco.zendesk.com\"", "api_url = \"https://ourco.zendesk.example\"");
    Arc::new(config::load(&files, &connectors::tools()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn more_than_the_vendor_takes_waits_for_the_next_ten_seconds() {
    let vendor = Vendor::default();
    let secrets: ReadSecrets = Arc::new(|| {
        let mut file = secrets(true);
        let token = "ann@ourco.example/token:abc".to_owned();
        file.connections.get_mut(&"zendesk".parse().unwrap()).unwrap().token = Some(token);
        Ok(file)
    });
    let (config, secrets) = (with_zendesk(), Some(secrets));
    let world = World::new(Setup { config, secrets, vendor: vendor.clone(), start: at(START), ..Setup::new() }).await;
    let zendesk = "zendesk".parse().unwrap();
    let requests = (1..=14).map(|id| FetchRequest::new(&zendesk, &format!("organization/{id}"), "1"));
    world.host.store().announce(&requests.map(event).collect::<Vec<_>>()).await.unwrap();
    for look in ["at once", "while no time passes"] {
        world.left().await;
        assert_eq!(vendor.asked().len(), 10, "{look}: as many as the connector says");
    }
    world.rest().await;
    assert_eq!(vendor.asked().len(), 14);
    let asked = &vendor.asked()[0];
    assert_eq!(asked.host, "https://ourco.zendesk.example");
    assert!(asked.authorization.starts_with("Basic "));
    for id in 1..=14 {
        assert_eq!(status(&world, &format!("organization/{id}")).await.0, ActionStatus::Done, "{id}");
    }
    assert_eq!(world.left().await.dead_letters, 0);
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_wants_to_be_left_alone_is_for_every_object() {
    let vendor = Vendor::default();
    vendor.rests(&path(1), 400);
    vendor.has(&path(2), 200, &company(2));
    let world = world(&vendor).await;
    let send = async |id, at| {
        world.until(at);
        let body = created([id], second(0), 0).to_string().into_bytes();
        world.host.receive(tests::signed_for(APP, body, at)).await.unwrap();
        world.left().await;
    };
    send(1, second(0)).await;
    send(2, second(100)).await;
    for n in [180, 280, 360, 390] {
        world.until(second(n));
        world.left().await;
        assert_eq!(vendor.asked().len(), 1, "at {n} s nobody calls");
    }
    vendor.has(&path(1), 200, &company(1));
    world.rest().await;
    assert_eq!(vendor.asked().len(), 3);
    assert!(world.host.clock().now() >= second(400));
    assert_eq!(name(&world.host, 1).await.as_deref(), Some("Company 1"));
    assert_eq!(name(&world.host, 2).await.as_deref(), Some("Company 2"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_there_is_gone() {
    for code in [404, 410] {
        let vendor = Vendor::default();
        vendor.has(&path(77), code, "nothing here");
        let world = world(&vendor).await;
        world.deliver_from(APP, &created([77], second(0), 0), second(1)).await;
        assert_eq!(status(&world, "company/77").await.0, ActionStatus::Done);
        let [answer] = fetched(&world).await.try_into().unwrap();
        assert_eq!(answer.headers["barometer-fetched-status"], code.to_string());
        let node = world.host.store().node(&SubjectId::vendor("hubspot", "company", "77")).await.unwrap();
        assert!(node.value.up.is_gone(), "{:?}", node.value.up);
    }
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_is_down_is_asked_again_until_it_answers() {
    let vendor = Vendor::default();
    vendor.has(&path(77), 503, "down");
    let world = world(&vendor).await;
    let body = created([77], second(0), 0).to_string().into_bytes();
    world.host.receive(tests::signed_for(APP, body, second(0))).await.unwrap();
    world.left().await;
    let (status_now, reason) = status(&world, "company/77").await;
    assert_eq!(status_now, ActionStatus::Claimed);
    assert!(reason.contains("503"), "{reason}");
    vendor.has(&path(77), 200, &company(77));
    world.rest().await;
    assert_eq!(vendor.asked().len(), 2);
    assert_eq!(status(&world, "company/77").await.0, ActionStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_told_and_another_one_is_tried() {
    let vendor = Vendor::default();
    vendor.has(&path(77), 401, "no");
    vendor.has(&path(78), 403, "no");
    let number = Arc::new(AtomicU8::new(1));
    let secrets = Some(tokens(&number));
    let world = World::new(Setup { secrets, vendor: vendor.clone(), start: at(START), ..Setup::new() }).await;
    world.deliver_from(APP, &created([77, 78], second(0), 0), second(1)).await;
    let (failed, reason) = status(&world, "company/77").await;
    assert_eq!(failed, ActionStatus::Failed);
    assert!(reason.contains("`company/77` of `hubspot-app`") && reason.contains("store a valid one"), "{reason}");
    let (failed, reason) = status(&world, "company/78").await;
    assert_eq!(failed, ActionStatus::Failed);
    assert!(reason.contains("scope"), "{reason}");
    world.pass_until(second(3_600)).await;
    assert_eq!(vendor.asked().len(), 2, "the same token is not tried again");
    [77, 78].iter().for_each(|id| vendor.has(&path(*id), 200, &company(*id)));
    number.store(2, Ordering::SeqCst);
    world.pass_until(second(3_700)).await;
    assert_eq!(vendor.asked().len(), 4);
    assert!(vendor.asked()[2..].iter().all(|asked| asked.authorization == "Bearer pat-2"));
    assert_eq!(name(&world.host, 77).await.as_deref(), Some("Company 77"));
    assert_eq!(name(&world.host, 78).await.as_deref(), Some("Company 78"));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_changed_a_moment_ago_is_used() {
    let vendor = Vendor::default();
    vendor.has(&path(1), 200, &company(1));
    vendor.has(&path(2), 401, "no");
    let number = Arc::new(AtomicU8::new(1));
    let secrets = Some(tokens(&number));
    let world = World::new(Setup { secrets, vendor: vendor.clone(), start: at(START), ..Setup::new() }).await;
    world.deliver_from(APP, &created([1], second(0), 0), second(1)).await;
    // The function remembers the first token for five minutes.
    number.store(2, Ordering::SeqCst);
    world.until(second(100));
    let body = created([2], second(0), 0).to_string().into_bytes();
    world.host.receive(tests::signed_for(APP, body, second(100))).await.unwrap();
    world.left().await;
    assert_eq!(status(&world, "company/2").await.0, ActionStatus::Claimed, "not failed for good");
    vendor.has(&path(2), 200, &company(2));
    world.rest().await;
    let tokens: Vec<_> = vendor.asked().into_iter().map(|asked| asked.authorization).collect();
    assert_eq!(tokens, ["Bearer pat-1", "Bearer pat-1", "Bearer pat-2"]);
    assert_eq!(name(&world.host, 2).await.as_deref(), Some("Company 2"));
}

#[tokio::test(start_paused = true)]
async fn without_a_token_nothing_is_called_and_with_one_what_waited_is_fetched() {
    let vendor = Vendor::default();
    vendor.has(&path(77), 200, &company(77));
    let number = Arc::new(AtomicU8::new(0));
    let secrets = Some(tokens(&number));
    let world = World::new(Setup { secrets, vendor: vendor.clone(), start: at(START), ..Setup::new() }).await;
    world.deliver_from(APP, &created([77], second(0), 0), second(1)).await;
    world.pass_until(second(3_600)).await;
    let held = row(&world, "company/77").await;
    assert_eq!((held.status, held.attempts, vendor.asked().len()), (ActionStatus::Held, 1, 0));
    let reason = held.reason.unwrap();
    for part in ["no token for `hubspot-app`", "[connections.hubspot-app]", "/barometer/fetch/hubspot-app/token"] {
        assert!(reason.contains(part), "{reason}");
    }
    assert_eq!(world.left().await.dead_letters, 0);
    number.store(1, Ordering::SeqCst);
    world.pass_until(second(4_000)).await;
    assert_eq!((status(&world, "company/77").await.0, vendor.asked().len()), (ActionStatus::Done, 1));
    assert_eq!(name(&world.host, 77).await.as_deref(), Some("Company 77"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_fetched_is_told_and_left() {
    let vendor = Vendor::default();
    let world = world(&vendor).await;
    for (connection, object, part) in [
        ("nobody", "company/1", "`nobody` is not configured"),
        ("typeform", "form/1", "`typeform` has nothing to fetch that is called `form/1`"),
        (APP, "invoice/1", "`hubspot-app` has nothing to fetch that is called `invoice/1`"),
    ] {
        ask_for(&world, FetchRequest::new(&connection.parse().unwrap(), object, "1")).await;
        let (failed, reason) = status(&world, object).await;
        assert_eq!(failed, ActionStatus::Failed, "{object}");
        assert!(reason.contains(part), "{reason}");
    }
    vendor.has(&path(9), 200, &"x".repeat(1_048_577));
    ask_for(&world, FetchRequest::new(&APP.parse().unwrap(), "company/9", "1")).await;
    let (failed, reason) = status(&world, "company/9").await;
    assert!(failed == ActionStatus::Failed && reason.contains("1048577 bytes"), "{reason}");
    assert_eq!((vendor.asked().len(), fetched(&world).await.len()), (1, 0));
    assert_eq!(world.left().await.dead_letters, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_in_the_journal_is_not_asked_for() {
    let vendor = Vendor::default();
    let world = world(&vendor).await;
    let request = FetchRequest::new(&APP.parse().unwrap(), "company/77", "1");
    let kept = Delivery {
        id: request.delivery(),
        connection: request.connection.clone(),
        family: model::Family::Crm,
        received_at: at(START),
        body_sha256: "0".repeat(64),
        headers: [("barometer-fetched", "company/77"), ("barometer-fetched-status", "200")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        body: company(77).into_bytes(),
        same_key_as: None,
    };
    world.host.store().journal(&kept).await.unwrap();
    ask_for(&world, request).await;
    assert_eq!((status(&world, "company/77").await.0, vendor.asked()), (ActionStatus::Done, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_replay_calls_nobody_and_ends_with_the_same_facts() {
    let vendor = Vendor::default();
    vendor.has(&path(77), 200, &company(77));
    let world = world(&vendor).await;
    world.deliver_from(APP, &created([77], second(0), 0), second(1)).await;
    world.pass_until(second(600)).await;
    let journal = world.host.store().whole_journal().await.unwrap();
    let scratch = Scratch::replay(stack(), tests::config(), &journal, second(600)).await.unwrap();
    assert_eq!(name(scratch.host(), 77).await, name(&world.host, 77).await);
    assert_eq!(scratch.host().accounts().await.unwrap(), world.host.accounts().await.unwrap());
    let [entry] = scratch.host().store().fetches().await.unwrap().try_into().unwrap();
    assert_eq!(entry.action.unwrap().status, ActionStatus::Held, "a replay has no token");
    let which = ReplayWhich::Received { since: Moment::EARLIEST, until: None };
    let report = world.host.replay(&ReplayRequest { which, act: false, without: vec![] }).await.unwrap();
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
    assert_eq!(vendor.asked().len(), 1);
}

/// One created company, fetched, with what breaks; and every call that was made.
async fn broken(plan: Vec<(usize, Fault)>) -> (usize, Vec<Made>) {
    let vendor = Vendor::default();
    vendor.has(&path(77), 200, &company(77));
    let faults = Faults::planned(plan.clone());
    let world = with_faults(&vendor, faults.clone()).await;
    world.deliver_from(APP, &created([77], second(0), 0), second(1)).await;
    world.pass_until(second(7_200)).await;
    assert_eq!(faults.struck(), plan.len(), "{plan:?}");
    assert_eq!(status(&world, "company/77").await.0, ActionStatus::Done, "{plan:?}");
    assert_eq!(name(&world.host, 77).await.as_deref(), Some("Company 77"), "{plan:?}");
    assert_eq!(fetched(&world).await.len(), 1, "{plan:?}");
    assert_eq!(world.left().await.dead_letters, 0, "{plan:?}");
    (vendor.asked().len(), faults.made())
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_call_costs_at_most_one_more_question() {
    let (asked, made) = broken(vec![]).await;
    assert_eq!(asked, 1);
    let calls: Vec<_> = made.iter().enumerate().filter(|(_, call)| call.function == "FetchObject").collect();
    let named: Vec<_> = calls.iter().map(|(_, call)| call.operation.as_str()).collect();
    assert_eq!(named, ["PutItem", "GetItem", "UpdateItem", "PutItem", "GET", "PutItem", "PutItem"]);
    let question = calls.iter().position(|(_, call)| call.target == Target::Vendor).unwrap();
    let journaled = question + 1;
    for (at, (number, call)) in calls.iter().enumerate() {
        let only_crash = call.target != Target::Vendor;
        let faults = [Fault::CrashBefore, Fault::CrashAfter, Fault::Throttle, Fault::LostAnswer];
        for fault in faults.into_iter().take(if only_crash { 2 } else { 4 }) {
            let (asked, _) = broken(vec![(*number, fault)]).await;
            // Whoever was heard, and whose answer was not kept, is asked again; nobody else is.
            let again = match fault {
                Fault::CrashBefore => at == journaled,
                Fault::CrashAfter | Fault::LostAnswer => at == question,
                Fault::Throttle | Fault::Conflict => false,
            };
            assert_eq!(asked, 1 + usize::from(again), "{fault:?} at {call}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_workers_with_the_same_request_ask_once() {
    let vendor = Vendor::default();
    vendor.has(&path(77), 200, &company(77));
    let world = world(&vendor).await;
    world.deliver_from(APP, &created([77], second(0), 0), second(1)).await;
    let store = world.host.store();
    let [entry] = store.fetches().await.unwrap().try_into().unwrap();
    let claims = Arc::new(Mutex::new(Vec::new()));
    for holder in ["a", "b"] {
        let claim = store.claim_fetch(&entry.request, holder, second(60), second(105)).await.unwrap();
        claims.lock().unwrap().push(claim);
    }
    let over = store::Claim::Over(ActionStatus::Done);
    assert_eq!(*claims.lock().unwrap(), [over.clone(), over]);
    let other = FetchRequest::new(&APP.parse().unwrap(), "company/77", "2");
    let first = store.claim_fetch(&other, "a", second(60), second(105)).await.unwrap();
    assert!(matches!(first, store::Claim::Ours(_)));
    let second_claim = store.claim_fetch(&other, "b", second(61), second(106)).await.unwrap();
    assert_eq!(second_claim, store::Claim::Busy { until: second(105) });
}
