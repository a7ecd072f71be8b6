//! What whoever runs it looks at on AWS: the lines about one delivery, found by its id, and what alarms are set on.

use std::sync::Arc;

use jiff::SignedDuration;
use model::Moment;
use serde_json::{Value, json};
use testkit::faults::{Fault, Faults, Made};
use tests::history::answer;
use tests::{Company, Setup, Slack, World, at, permissions, signed};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::receive::logs::{Lines, subscriber};

/// A Monday morning, 10:00 in Berlin.
fn second(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_secs(n))
}

fn days(n: i64) -> Moment {
    second(n * 86_400)
}

/// Every line as it is written on Lambda, until what is given besides is dropped.
pub(crate) fn listen() -> (Lines, impl Sized) {
    let lines = Lines::default();
    let writer = lines.clone();
    // While there is only one, a line of code that another thread comes to first is taken for one that nobody hears.
    let second = subscriber(std::io::sink).set_default();
    let first = runtime::logging::lines(LevelFilter::INFO, move || writer.clone()).set_default();
    (lines, (first, second))
}

pub(crate) fn parsed(lines: &Lines) -> Vec<Value> {
    lines.take().lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// What a metric adds up to over the lines, and that CloudWatch can read each of them; `by` is its dimension and value.
pub(crate) fn counted(lines: &[Value], metric: &str, by: Option<(&str, &str)>) -> u64 {
    let with = lines.iter().filter(|line| line.get(metric).is_some());
    let with = with.filter(|line| by.is_none_or(|(name, value)| line[name] == value));
    with.map(|line| {
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let has = |one: &Value| one["Metrics"].as_array().unwrap().iter().any(|known| known["Name"] == metric);
        let directive = directives.iter().find(|one| has(one)).unwrap_or_else(|| panic!("{metric} in {line}"));
        let dimensions: Vec<_> = by.iter().map(|(name, _)| *name).collect();
        assert_eq!((&directive["Namespace"], &directive["Dimensions"]), (&json!("Barometer"), &json!([dimensions])));
        assert!(line["_aws"]["Timestamp"].is_i64(), "{line}");
        line[metric].as_u64().unwrap()
    })
    .sum()
}

async fn live(setup: Setup, company: &Company) -> World {
    let world = World::new(setup).await;
    world.deliver(&company.body(), second(0)).await;
    world.until(second(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    world
}

fn risk(company: &mut Company) -> Value {
    company.feels("red", second(2)).contacted(second(-120 * 86_400), second(2)).body()
}

#[tokio::test(start_paused = true)]
async fn every_step_of_a_delivery_is_found_by_its_id() {
    let mut company = Company::healthy(1, second(0));
    let world = live(Setup::new(), &company).await;
    let (lines, _guards) = listen();
    world.deliver(&risk(&mut company), second(2)).await;
    world.pass_until(second(3_600)).await;

    let lines = parsed(&lines);
    let id = lines[0]["delivery.id"].as_str().unwrap().to_owned();
    // What the query of `infra/README.md` asks.
    let about = |line: &&Value| line.to_string().contains(&id);
    let about: Vec<_> = lines.iter().filter(about).collect();
    let sentences: Vec<_> = about.iter().map(|line| line["message"].as_str().unwrap()).collect();
    let mut steps = sentences.iter();
    for step in ["journaled", "normalised", "Health of", "(action.requested) published", "is sent"] {
        assert!(steps.any(|said| said.contains(step)), "{step}, in this order, in {sentences:#?}");
    }
    let sent = about.iter().rfind(|line| line["action.status"] == "sent").unwrap();
    for name in ["action.id", "event.id", "cause.delivery.id"] {
        assert!(sent[name].is_string(), "{name} in {sent}");
    }
    assert_eq!(sent["account.id"], company.account().as_str());
    let text = lines.iter().map(Value::to_string).collect::<String>();
    assert!(!text.contains('@') && !text.contains("Company 1"), "no person and no name: {text}");
}

/// What is logged while one body is worked on, with the calls that this makes, in a world that is broken as `faults` say.
async fn told_of((from, body): (&str, &Value), faults: Faults) -> (Vec<Value>, Vec<(usize, Made)>) {
    let world = live(Setup { faults: faults.clone(), ..Setup::new() }, &Company::healthy(1, second(0))).await;
    let before = faults.made().len();
    let (lines, _guards) = listen();
    world.deliver_from(from, body, second(2)).await;
    world.pass_until(second(3_600)).await;
    (parsed(&lines), faults.made().into_iter().enumerate().skip(before).collect())
}

/// What is said by its delivery's id when the first such call of a function is throttled, again and again.
async fn said_when_throttled(sent: (&str, &Value), function: &str, operation: &str) -> Vec<String> {
    const TRIES: usize = 6;
    let (_, made) = told_of(sent, Faults::default()).await;
    let found = made.iter().find(|(_, call)| call.function == function && call.operation == operation);
    let (first, _) = found.unwrap_or_else(|| panic!("{function} asks for no {operation}: {made:#?}"));
    let faults = Faults::planned((*first..first + TRIES).map(|call| (call, Fault::Throttle)));
    let (lines, _) = told_of(sent, faults.clone()).await;
    assert_eq!(faults.struck(), TRIES);
    let text = lines.iter().map(Value::to_string).collect::<String>();
    assert!(!text.contains('@'), "no address: {text}");
    let id = lines[0]["delivery.id"].as_str().unwrap();
    let about = lines.iter().filter(|line| line.to_string().contains(id));
    about.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_found_by_the_delivery_and_names_nobody() {
    let risk = risk(&mut Company::healthy(1, second(0)));
    let person = json!({ "vid": 7, "properties": { "email": { "value": "ann@gmail.com" } } });
    // Somebody of whom nothing is known but the address.
    let mut answered = answer("t1", 3, 1, second(2));
    answered["form_response"]["hidden"] = json!({ "email": "ann@gmail.com" });
    let (risk, person, answered) = (("hubspot", &risk), ("hubspot", &person), ("typeform", &answered));
    for (sent, function, operation, said) in [
        (risk, "Health", "Query", "Health of `hubspot:company:1` was not recomputed"),
        (person, "Health", "BatchGetItem", "Where a person belongs cannot be read"),
        (answered, "Health", "GetItem", "Health of a person was not recomputed"),
        (risk, "Publish", "PutEvents", "(account.band_changed) waits for the clock"),
        (risk, "Publish", "PutEvents", "(account.band_changed) published"),
    ] {
        let sentences = said_when_throttled(sent, function, operation).await;
        assert!(sentences.iter().any(|sentence| sentence.contains(said)), "{said}, in {sentences:#?}");
    }
}

/// What functions are allowed besides what they ask for in a journey.
const BESIDES: [&str; 2] = [
    // SES asks for both, the address and the set whose name is sent along.
    "EmailNudge ses:SendEmail arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/*",
    // What an erasure leaves where the operator's own command ends in the middle of it.
    "Normalize dynamodb:DeleteItem Accounts.Arn",
];

/// That each may do all that it asks for, every journey sees to.
#[tokio::test(start_paused = true)]
async fn no_function_may_do_what_no_journey_asks_for() {
    crate::items::worlds(Faults::default).await;
    crate::write_back::journey(Faults::default()).await;
    crate::mail::held_up().await;
    crate::erasure::journey().await;
    assert_eq!(permissions::unused(), BESIDES);
}

#[tokio::test(start_paused = true)]
async fn what_alarms_are_set_on_is_counted_where_it_happens() {
    let mut company = Company::healthy(1, second(0));
    let slack = Slack::default();
    let faults = Faults::default();
    let world = live(Setup { slack: slack.clone(), faults: faults.clone(), ..Setup::new() }, &company).await;
    let (lines, _guards) = listen();
    let crm = Some(("Family", "crm"));

    let mut forged = signed(company.body().to_string().into_bytes(), second(2));
    forged.headers.insert("x-hubspot-signature".to_owned(), "0".repeat(64));
    assert_eq!(world.host.receive(forged).await.unwrap().status_code, 401);
    let odd = json!({ "objectType": "COMPANY", "objectId": 7, "properties": { "renewal_date": { "value": "soon" } } });
    world.deliver(&odd, second(2)).await;
    let said = parsed(&lines);
    assert_eq!(counted(&said, "SignatureFailures", crm), 1);
    assert_eq!(counted(&said, "DeliveriesAccepted", crm), 1);
    assert_eq!(counted(&said, "Quarantined", None), 1);
    assert!(counted(&said, "DeliveriesUnanswered", crm) == 0 && !said.is_empty());

    slack.next_is(200, None, r#"{"ok":false,"error":"is_archived"}"#);
    world.deliver(&risk(&mut company), second(3)).await;
    world.pass_until(second(3_600)).await;
    let said = parsed(&lines);
    assert_eq!(counted(&said, "ActionsFailed", Some(("Kind", "slack_alert"))), 1);
    let minutes = said.iter().filter(|line| line.get("OldestUnpublishedSeconds").is_some()).count();
    assert!(minutes > 0, "each minute, also when nothing waits");
    assert_eq!((counted(&said, "OldestUnpublishedSeconds", None), counted(&said, "SourcesSilent", None)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_cannot_be_kept_is_counted() {
    let (lines, _guards) = listen();
    let faults = Faults::planned((0..40).map(|call| (call, Fault::Throttle)));
    let world = World::new(Setup { faults, ..Setup::new() }).await;
    let event = signed(Company::healthy(1, second(0)).body().to_string().into_bytes(), second(0));
    assert_eq!(world.host.receive(event).await.unwrap().status_code, 503);
    let said = parsed(&lines);
    assert_eq!(counted(&said, "DeliveriesUnanswered", Some(("Family", "crm"))), 1);
    assert!(said.iter().any(|line| line["delivery.id"].is_string() && line["level"] == "ERROR"), "{said:#?}");
}

#[tokio::test(start_paused = true)]
async fn as_many_reminders_come_to_their_place_as_are_due() {
    let mut files = tests::config_files();
    let shipped = barometer::config_files::read(None).unwrap();
    let runway = "playbooks/renewal-runway.toml";
    files.0.insert(runway.to_owned(), shipped.0[runway].clone());
    let config = Arc::new(config::load(&files, &connectors::tools()).unwrap());
    let mut company = Company::healthy(1, second(0));
    company.renews(days(130), second(0));
    let world = live(Setup { config, ..Setup::new() }, &company).await;
    let (lines, _guards) = listen();
    world.pass_until(days(100)).await;
    let said = parsed(&lines);
    let due = counted(&said, "RemindersDue", None);
    assert!((3..6).contains(&due), "120, 90 and 60 days before, and what follows: {due}");
    assert_eq!(counted(&said, "RemindersSent", None), due, "sent, or kept where the mode says so");
    let came: Vec<_> = said.iter().filter(|line| line.get("RemindersDue").is_some()).collect();
    assert!(came.iter().all(|line| line["RemindersSent"] == 0), "what is compared is there before anything is sent");
}
