//! In every field of every recorded body, one after the other, stands something that is nowhere else: it is journaled,
//! understood or quarantined, and appears in no line of the logs, no answer, and nowhere where functions failed.
//!
//! What logs do name, on purpose, is the delivery and the subject: their ids are how everything about one is found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use config::secrets::ConnectionSecrets;
use connectors::{ALL, FETCHED, FETCHED_STATUS};
use jiff::SignedDuration;
use model::{ConnectionName, Delivery, DeliveryId, Moment};
use runtime::lambda::HttpEvent;
use serde::Deserialize;
use serde_json::{Value, json};
use testkit::golden::{Fixture, fixtures};
use tests::{HOST, SECRET, Setup, World, at, signed};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::receive::logs::{Lines, subscriber};

/// The parts of a `request.toml` that are needed here.
#[derive(Deserialize)]
struct Request {
    fetched: Option<Fetched>,
}

/// What was asked of a vendor's API, and the status of its answer.
#[derive(Debug, Clone, Deserialize)]
struct Fetched {
    object: String,
    status: u16,
}

/// A recorded body of a connection.
struct Recorded {
    tool: &'static str,
    connection: ConnectionName,
    fetched: Option<Fetched>,
    body: Value,
}

/// The configuration that ships, with the connection that is commented out there.
fn setup() -> Setup {
    let mut files = tests::config_files();
    files.0.get_mut("connections.toml").unwrap().push_str("\n[connection.slack]\ntool = \"slack\"\n");
    let config = Arc::new(config::load(&files, &connectors::tools()).unwrap());
    let mut file = tests::secrets(true);
    let secret = ConnectionSecrets { secret: SECRET.to_owned(), previous: None, token: None };
    file.connections.insert("slack".parse().unwrap(), secret);
    Setup { config, secrets: Some(Arc::new(move || Ok(file.clone()))), ..Setup::new() }
}

/// Every body among the fixtures of all connectors that was taken and is JSON, or a form with JSON in it.
fn recorded(setup: &Setup) -> Vec<Recorded> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("shared").join("connectors/src");
    let mut all = Vec::new();
    for connector in ALL {
        let tool = connector.tool().name;
        let connection = setup.config.connections.iter().find(|known| known.tool == tool).unwrap();
        let taken = fixtures(&root.join(tool.replace('-', "_")).join("fixtures")).into_iter();
        for fixture in taken.filter(|fixture| fixture.refused().is_none()) {
            let Some(body) = body(&fixture) else { continue };
            let Request { fetched } = fixture.toml("request.toml");
            all.push(Recorded { tool, connection: connection.name.clone(), fetched, body });
        }
    }
    all
}

fn body(fixture: &Fixture) -> Option<Value> {
    if !fixture.dir.join("body.form").exists() {
        return serde_json::from_slice(&fixture.bytes("body.json")).ok();
    }
    let form = String::from_utf8(fixture.bytes("body.form")).ok()?;
    let mut parts = form.strip_prefix("payload=")?.split('%');
    let mut json = parts.next()?.as_bytes().to_vec();
    for part in parts {
        json.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        json.extend(part[2..].bytes());
    }
    serde_json::from_slice(&json).ok()
}

/// The places of all values of a body; `/0` stands for every item of a list.
fn places(of: &Value, place: String, all: &mut Vec<String>) {
    match of {
        Value::Object(parts) => {
            parts.iter().for_each(|(key, part)| places(part, format!("{place}/{}", key.replace('/', "~1")), all));
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                places(first, format!("{place}/0"), all);
            }
        }
        _ => all.push(place),
    }
}

/// What is put into the place of a value: text, which often does not fit, and what does, an address or a number.
fn canaries(was: &Value, n: usize) -> Vec<Value> {
    let text = format!("canary-{n}");
    let number = 8_817_000_000_u64 + n as u64;
    let fits = match was {
        Value::String(was) if was.contains('@') => Some(json!(format!("{text}@{text}.example"))),
        Value::String(was) if was.parse::<u64>().is_ok() => Some(json!(number.to_string())),
        Value::Number(_) => Some(json!(number)),
        _ => None,
    };
    [Some(json!(text)), fits].into_iter().flatten().collect()
}

/// What logs name: the ids of a delivery and of a record, which the vendor gives.
const NAMED: [(&str, &str); 3] = [("hubspot-app", "/id"), ("typeform", "/event_id"), ("zendesk", "/id")];

/// The same for places that are read alike: of all that HubSpot tells of a property, the value alone is the property's own.
fn alike(place: &str) -> String {
    let parts: Vec<_> = place.split('/').collect();
    match parts[..] {
        ["", "properties", _, _, _, ..] => format!("/properties/*/{}", parts[3..].join("/")),
        ["", "properties", _, part] if part != "value" => format!("/properties/*/{part}"),
        _ => place.to_owned(),
    }
}

fn is_canary(text: &str) -> bool {
    text.contains("canary-") || text.contains("8817000")
}

/// Who signs what is sent, as its tool does.
fn request(of: &Recorded, body: &Value, at: Moment) -> HttpEvent {
    let known = ALL.iter().find(|known| known.tool().name == of.tool).unwrap();
    let path = format!("/hooks/{}/{}", known.tool().family, of.connection);
    let body = body.to_string().into_bytes();
    let headers = barometer::samples::signed_by(of.tool, &body, &format!("https://{HOST}{path}"), SECRET, at);
    HttpEvent {
        raw_path: path,
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..signed(body, at)
    }
}

/// An answer of a vendor's API, as it stands in the journal.
fn answer(of: &Recorded, fetched: &Fetched, body: &Value, n: usize, at: Moment) -> Delivery {
    let known = ALL.iter().find(|known| known.tool().name == of.tool).unwrap();
    let headers = [(FETCHED, fetched.object.clone()), (FETCHED_STATUS, fetched.status.to_string())];
    Delivery {
        id: DeliveryId::of_history(&of.connection, &format!("{}~{n}", fetched.object)),
        connection: of.connection.clone(),
        family: known.tool().family,
        received_at: at,
        body_sha256: model::stable_hash(&[&body.to_string()]),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        body: body.to_string().into_bytes(),
        same_key_as: None,
    }
}

#[tokio::test(start_paused = true)]
async fn no_value_of_any_field_of_any_tool_is_logged_or_answered() {
    let lines = Lines::default();
    let writer = lines.clone();
    // While there is only one, a line of code that another thread comes to first is taken for one that nobody hears.
    let _second = subscriber(std::io::sink).set_default();
    let _guard = subscriber(move || writer.clone()).set_default();
    let setup = setup();
    let recorded = recorded(&setup);
    let start = at("2026-11-23T08:00:00Z");
    let world = World::new(setup).await;

    let (mut n, mut seen, mut fields) = (0_usize, BTreeSet::new(), BTreeMap::<&str, usize>::new());
    let mut told = BTreeMap::new();
    for recorded in &recorded {
        let mut all = Vec::new();
        places(&recorded.body, String::new(), &mut all);
        for place in all {
            if !seen.insert((recorded.tool, recorded.fetched.is_some(), alike(&place))) {
                continue;
            }
            *fields.entry(recorded.tool).or_default() += 1;
            for canary in canaries(recorded.body.pointer(&place).unwrap(), n) {
                n += 1;
                let now = start.plus(SignedDuration::from_secs(n as i64));
                world.until(now);
                let mut body = recorded.body.clone();
                *body.pointer_mut(&place).unwrap() = canary;
                match &recorded.fetched {
                    None => {
                        let answer = world.host.receive(request(recorded, &body, now)).await.unwrap();
                        assert_eq!(answer.status_code, 200, "{} {place}: {answer:?}", recorded.tool);
                        assert!(!is_canary(&format!("{answer:?}")), "{} {place}: {answer:?}", recorded.tool);
                    }
                    Some(fetched) => {
                        world.host.store().journal(&answer(recorded, fetched, &body, n, now)).await.unwrap();
                    }
                }
                world.host.settle().await.unwrap();
                let heard = lines.take();
                for line in heard.lines().filter(|line| is_canary(line)) {
                    told.entry((recorded.tool, place.as_str().to_owned())).or_insert_with(|| line.to_owned());
                }
            }
        }
    }
    let is_named = |tool: &str, place: &str| NAMED.contains(&(tool, place));
    let wrong = told.iter().filter(|((tool, place), _)| !is_named(tool, place));
    let wrong: Vec<_> = wrong.map(|((tool, place), line)| format!("{tool} {place}: {line}")).collect();
    assert!(wrong.is_empty(), "of {n} deliveries, fields {fields:?}:\n{}", wrong.join("\n"));
    assert_eq!(told.len(), NAMED.len(), "each of those is seen, so lines are heard: {:?}", told.keys());
    let left = world.left().await;
    assert_eq!((left.dead_letters, left.set_aside), (0, 0), "nothing of it makes a function fail");
    println!("{n} deliveries, fields {fields:?}");
}
