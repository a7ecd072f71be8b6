//! Nobody is messaged by surprise (P9), with the company that everyone has: its whole CRM and help desk arrive within a
//! minute, in any order, and nobody hears of it but in one message.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barometer::api::NOTICE;
use book::{Book, Says, Wired};
use config::secrets::DestinationSecrets;
use jiff::SignedDuration;
use model::{FactKey, Field, Moment, SubjectId, Value};
use serde_json::{Value as Json, json};
use tests::{HOST, Setup, World, at, history, secrets};

/// The day of the book on which everything is connected: a Thursday in July, half a year after its start.
const DAY: usize = 178;

fn minute(n: i64) -> Moment {
    at("2026-07-02T08:00:00Z").plus(SignedDuration::from_mins(n))
}

/// What the tools hold of each object: its fields, each with the moment since which it is so.
type Objects = BTreeMap<SubjectId, BTreeMap<Field, (Value, Moment)>>;

/// Everything told until that day.
fn told(book: &Book) -> Objects {
    let mut objects = Objects::new();
    for told in (0..DAY).flat_map(|day| book.day(day)) {
        let Says::Fact { key, statements } = &told.says else { continue };
        let is_kept = match key {
            FactKey::Profile | FactKey::Sentiment | FactKey::Touchpoint | FactKey::Ticket => true,
            FactKey::Subscription(which) => which == "company",
            _ => false,
        };
        for said in statements.iter().filter(|_| is_kept) {
            let object = objects.entry(told.subject.clone()).or_default();
            object.insert(said.field, (said.value.clone(), said.occurred_at));
        }
    }
    objects
}

/// What HubSpot calls a field there.
fn property(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::Name => "name",
        Field::Domain => "domain",
        Field::LifecycleStage => "lifecyclestage",
        Field::Csm => "customer_success_manager",
        Field::Tier => "customer_tier",
        Field::Segment => "customer_segment",
        Field::CustomerSince => "customer_since",
        Field::Arr => "annual_recurring_revenue",
        Field::Seats => "licensed_seats",
        Field::RenewsOn => "renewal_date",
        Field::NoticeDays => "renewal_notice_days",
        Field::AutoRenew => "auto_renew",
        Field::Sentiment => "csm_sentiment",
        Field::LastTwoWayAt => "notes_last_contacted",
        Field::IsTest => "is_test_account",
        _ => return None,
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::Cleared => String::new(),
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Money(money) => money.major().to_string(),
        Value::Date(date) => date.to_string(),
        Value::Moment(moment) => moment.as_millis().to_string(),
    }
}

fn id_of(subject: &SubjectId) -> u64 {
    subject.as_str().rsplit(':').next().unwrap().parse().unwrap()
}

fn company(subject: &SubjectId, fields: &BTreeMap<Field, (Value, Moment)>) -> Json {
    let named = |(field, (value, since)): (&Field, &(Value, Moment))| {
        let value =
            json!({ "value": shown(value), "timestamp": since.as_millis(), "source": "CRM_UI", "versions": [] });
        Some((property(*field)?.to_owned(), value))
    };
    let properties: serde_json::Map<_, _> = fields.iter().filter_map(named).collect();
    json!({
        "portalId": 4_242, "objectType": "COMPANY", "objectTypeId": "0-2", "objectId": id_of(subject),
        "properties": properties, "version": 7, "isDeleted": false,
    })
}

/// The organisation of the customer with this number, in Zendesk.
fn organization(number: usize) -> u32 {
    u32::try_from(number).unwrap() + 1_000
}

fn ticket(subject: &SubjectId, number: usize, fields: &BTreeMap<Field, (Value, Moment)>, n: i64) -> Json {
    let text = |field: Field| shown(&fields[&field].0).to_uppercase();
    let moment = |field: Field| match &fields[&field].0 {
        Value::Moment(moment) => moment.to_string(),
        other => panic!("{other:?}"),
    };
    let organization = organization(number).to_string();
    let detail = json!({
        "id": id_of(subject).to_string(), "status": text(Field::Status), "priority": text(Field::Priority),
        "organization_id": organization, "requester_id": null, "created_at": moment(Field::OpenedAt),
        "updated_at": fields[&Field::Status].1.to_string(), "type": text(Field::TicketType),
    });
    json!({
        "type": "zen:event-type:ticket.status_changed", "account_id": 22_129_848, "id": format!("ticket-{n}"),
        "time": fields[&Field::Status].1.to_string(), "subject": format!("zen:ticket:{}", id_of(subject)),
        "zendesk_event_version": "2022-11-06", "detail": detail, "event": {},
    })
}

/// Every company, every organisation, every ticket of the last three months, as its tool sends it.
fn bodies(book: &Book) -> Vec<(&'static str, Json)> {
    let objects = told(book);
    let mut bodies = Vec::new();
    for (subject, fields) in &objects {
        if subject.as_str().starts_with("hubspot:company:") {
            bodies.push(("hubspot", company(subject, fields)));
        }
    }
    for customer in book.customers().iter().filter(|customer| customer.desk.is_some()) {
        let id = id_of(&customer.account).to_string();
        let n = i64::try_from(customer.number).unwrap();
        let body = history::organization(organization(customer.number), &id, n, minute(-60 * 24 * 90));
        bodies.push(("zendesk", body));
    }
    let recent = minute(-60 * 24 * 90);
    for (subject, fields) in &objects {
        let Some(number) = subject.as_str().strip_prefix("zendesk:ticket:6") else { continue };
        let number: usize = number[..3].parse().unwrap();
        if fields[&Field::Status].1 >= recent {
            bodies.push(("zendesk", ticket(subject, number, fields, i64::try_from(bodies.len()).unwrap())));
        }
    }
    bodies
}

/// The same numbers in another order, the same one each time.
fn shuffled<T>(mut all: Vec<T>, seed: u64) -> Vec<T> {
    let mut dice = seed;
    for at in (1..all.len()).rev() {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        all.swap(at, usize::try_from(dice >> 33).unwrap() % (at + 1));
    }
    all
}

/// The order in which all of it arrives: another one with each `BOOK_SEED`, any text, such as the commit that is tested.
fn order() -> u64 {
    let varied = std::env::var("BOOK_SEED").unwrap_or_default();
    u64::from_str_radix(&model::stable_hash(&["order", varied.trim()])[..16], 16).unwrap()
}

/// The configuration that ships, with the people of the book, and with tasks and records let out as far as can be.
fn config() -> Arc<config::Config> {
    let mut files = barometer::config_files::read(None).unwrap();
    let modes = files.0.get_mut("modes.toml").unwrap();
    *modes = modes.replacen("# hubspot = \"live\"", "hubspot = \"live\"", 1);
    files.0.insert("team.toml".to_owned(), book::files(files.clone(), Wired::Everything).0["team.toml"].clone());
    Arc::new(config::load(&files, &connectors::tools()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_whole_company_is_connected_within_a_minute_and_each_owner_hears_of_it_once() {
    let seed = 1;
    let book = Book::new(seed);
    let world = World::new(Setup { config: config(), start: minute(0), ..Setup::new() }).await;
    let order = order();
    println!("BOOK_SEED gives the order {order}");
    let bodies = shuffled(bodies(&book), order);
    let of = |connection: &str| bodies.iter().filter(|(from, _)| *from == connection).count();
    assert!(of("hubspot") >= 300 && of("zendesk") >= 100, "{} and {}", of("hubspot"), of("zendesk"));
    for (n, (connection, body)) in (0_i64..).zip(&bodies) {
        let now = minute(0).plus(SignedDuration::from_millis(n * 60_000 / bodies.len() as i64));
        world.until(now);
        let event = tests::signed_for(connection, body.to_string().into_bytes(), now);
        assert_eq!(world.host.receive(event).await.unwrap().status_code, 200, "{HOST}");
        if n % 17 == 0 {
            world.rest().await;
        }
    }
    world.pass_until(minute(5)).await;
    assert_eq!(world.host.quarantine().await.unwrap(), vec![]);
    let watched = world.host.accounts().await.unwrap();
    assert!(
        (60..=120).contains(&watched.len()),
        "customers are watched, prospects and tests are not: {}",
        watched.len()
    );
    assert_eq!(world.slack.messages(), Vec::<Json>::new());
    assert_eq!(world.hubspot.asked(), Vec::<String>::new());
    assert_eq!(world.ses.asked(), 0);
    let could = |known: &DestinationSecrets| known.token.is_some() || known.aws.is_some();
    assert!(secrets(true).destinations.values().all(could), "it could have called");

    let report = world.host.golive(&tests::whoever_it_is()).await.unwrap();
    let golive_at = world.host.clock().now();
    world.pass_until(minute(15)).await;
    let messages = world.slack.messages();
    let readers: BTreeSet<_> = messages.iter().map(|message| message["channel"].as_str().unwrap().to_owned()).collect();
    assert_eq!((messages.len(), readers.len()), (report.books.len(), report.books.len()), "one each: {messages:#?}");
    assert!(report.books.len() >= 3, "{:?}", report.books);
    assert!(messages.iter().all(|message| message["thread_ts"].is_null()));
    assert_eq!(world.hubspot.asked(), Vec::<String>::new(), "what was so before is no task");
    assert_eq!(world.ses.asked(), 0);

    // The days after: what is sent is about what has happened since, in as many messages as a person agreed to.
    world.pass_until(minute(60 * 24 * 4)).await;
    let episodes = world.host.store().episodes().await.unwrap();
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    for row in world.host.outbox().await.unwrap().iter().filter(|row| row.kind != NOTICE && row.status == "sent") {
        let episode = episodes.iter().find(|episode| episode.key.row() == row.episode).unwrap();
        assert!(episode.opened_at >= golive_at, "{row:#?} of {episode:#?}");
        *sent.entry(row.to.clone()).or_default() += 1;
    }
    assert!(sent.values().all(|count| *count <= 8), "{sent:?}");
}
