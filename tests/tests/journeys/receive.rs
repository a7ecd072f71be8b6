//! The door: fail closed (P8), lose nothing that was accepted (P1), and say nothing to those who cannot sign.
//!
//! Requests go through the real webhook function, as the gateway hands them over, on the embedded engine.

mod answers;
mod bodies;
mod durable;
pub(crate) mod logs;
mod odd_events;
mod secrets;
mod signatures;

use std::sync::Arc;

use base64::Engine as _;
use config::Config;
use model::{Delivery, Moment};
use runtime::lambda::{HttpAnswer, HttpEvent};
use tests::{HOST, SECRET, Setup, World, at};

/// Where the connection `hubspot` is reached.
const PATH: &str = "/hooks/crm/hubspot";
/// The connection that [`two_connections`] adds.
const OTHER: &str = "/hooks/crm/hubspot-emea";

fn now() -> Moment {
    at("2026-11-23T09:00:00Z")
}

/// A signed request to the connection `hubspot`.
fn request(body: &[u8]) -> HttpEvent {
    request_to(PATH, body, SECRET)
}

fn request_to(path: &str, body: &[u8], secret: &str) -> HttpEvent {
    let headers = barometer::samples::signed(body, &format!("https://{HOST}{path}"), secret);
    let event = HttpEvent {
        raw_path: path.to_owned(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..tests::signed(Vec::new(), now())
    };
    carrying(event, body)
}

/// The same request with other bytes, which its signature does not cover. What is not text comes as base64.
fn carrying(event: HttpEvent, body: &[u8]) -> HttpEvent {
    match String::from_utf8(body.to_vec()) {
        Ok(text) => HttpEvent { body: Some(text), is_base64_encoded: false, ..event },
        Err(_) => in_base64(event, body),
    }
}

fn in_base64(event: HttpEvent, body: &[u8]) -> HttpEvent {
    let body = base64::engine::general_purpose::STANDARD.encode(body);
    HttpEvent { body: Some(body), is_base64_encoded: true, ..event }
}

fn with_header(mut event: HttpEvent, name: &str, value: &str) -> HttpEvent {
    event.headers.insert(name.to_owned(), value.to_owned());
    event
}

/// A company with this id and nothing else.
fn company(id: u64) -> Vec<u8> {
    format!(r#"{{"objectType":"COMPANY","objectId":{id},"properties":{{"name":{{"value":"Company {id}"}}}}}}"#).into()
}

async fn world() -> World {
    World::new(Setup::new()).await
}

/// The function's answer; that there is one is part of every test.
async fn send(world: &World, event: HttpEvent) -> HttpAnswer {
    world.host.receive(event).await.expect("an answer")
}

async fn check(world: &World, event: HttpEvent, status: u16, what: &str) {
    assert_eq!(send(world, event).await.status_code, status, "{what}");
}

async fn journal(world: &World) -> Vec<Delivery> {
    world.host.store().whole_journal().await.unwrap()
}

/// What everyone hears who is not let in.
async fn refusal(world: &World) -> HttpAnswer {
    let answer = send(world, with_header(request(b"{}"), "x-hubspot-signature", &"0".repeat(64))).await;
    assert_eq!(answer.status_code, 401);
    answer
}

/// The shipped configuration with another `connections.toml`.
fn edited(edit: impl FnOnce(&mut String)) -> Arc<Config> {
    let mut files = barometer::config_files::read(None).unwrap();
    edit(files.0.get_mut("connections.toml").unwrap());
    Arc::new(config::load(&files, &connectors::tools()).unwrap())
}

/// Uncomments a setting of the connection `hubspot`, with this value.
fn with_setting(name: &str, value: &str) -> Arc<Config> {
    edited(|text| {
        let line = text.lines().find(|line| line.starts_with(&format!("# {name} = "))).unwrap().to_owned();
        *text = text.replacen(&line, &format!("{name} = {value}"), 1);
    })
}

fn two_connections() -> Arc<Config> {
    edited(|text| {
        text.push_str("\n[connection.hubspot-emea]\ntool = \"hubspot-workflow\"\ncurrency = \"EUR\"\n");
        text.push_str("[connection.hubspot-emea.map.company]\nname = \"name\"\n");
    })
}

/// For properties, which draw their cases outside of any runtime. Its time stands, so waiting costs nothing.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}
