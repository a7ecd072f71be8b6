//! `barometer setup zendesk`: what names the account, what the fields of organisations mean, and the webhook.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use actions::vendor::{Api, GetError};
use clap::Args;
use config::Connection;
use connectors::{FETCHED, FETCHED_STATUS, ZENDESK_EVENTS, ZENDESK_TRIGGER};
use model::{Delivery, Field, Mapping};
use serde::Serialize;
use serde_json::{Value, json};

use super::ground::{self, Change, Ground, Preview};
use super::organizations::{self, Found as Meaning, Organizations};
use super::{SetupFailure, delivery, patch};
use crate::host::doctor::checks::read;
use crate::host::doctor::hook;
use crate::run::Surroundings;
use crate::show::{Align, Style, Table};

const TOOL: &str = "zendesk";
/// What mappings call an organisation.
const OBJECT: &str = "organization";
/// How many organisations are shown with what they would be taken for.
const SHOWN: usize = 5;
/// What our webhook and our trigger are called there.
const NAME: &str = "Barometer";
const TRIGGER: &str = "Barometer: tell about a ticket";

/// `barometer setup zendesk`
#[derive(Debug, Args)]
pub struct ZendeskArgs {
    /// Saved answers of the API as JSON (organisations, their fields, or a list of both) instead of Zendesk itself
    #[arg(long, value_name = "FILE")]
    pub sample: Option<PathBuf>,
    /// This connection's mapping [default: the first of Zendesk]
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// A webhook that a trigger sends, with our template, instead of one that is subscribed to events
    #[arg(long)]
    pub trigger: bool,
    /// Write the mapping, and make the webhook in Zendesk
    #[arg(long)]
    pub yes: bool,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Found {
    organizations: usize,
    meanings: Vec<Meaning>,
    previews: Vec<Preview>,
    change: Change,
    /// What became of the webhook and the trigger, or what to do; by line.
    webhook: Vec<String>,
}

pub(super) async fn setup(here: &Surroundings, args: &ZendeskArgs) -> Result<(), miette::Report> {
    let ground = Ground::open(here, args.yes)?;
    let connection = ground.connection(TOOL, args.connection.as_deref())?;
    let api = ground.api(connection)?;
    let saved = match (&args.sample, &api) {
        (Some(path), _) => ground::sample(path)?,
        (None, Err((why, help))) => return Err(SetupFailure::NoWay { why: why.clone(), help: help.clone() }.into()),
        (None, Ok(api)) => told(api).await.map_err(refused)?,
    };
    let all = Organizations::of(&saved).ok_or_else(|| SetupFailure::OddSample {
        path: args.sample.clone().unwrap_or_default(),
        what: "expected organisations: an answer of `GET /api/v2/organizations.json`, best together with one of \
               `GET /api/v2/organization_fields.json`"
            .to_owned(),
    })?;
    let meanings = organizations::meanings(&all);
    let pairs: Vec<(&str, &str)> = meanings.iter().filter_map(Meaning::sure).collect();
    let next = patch::mapped(&ground.connections, connection.name.as_str(), OBJECT, &pairs);
    let next = if pairs.is_empty() { ground.connections.clone() } else { next.map_err(SetupFailure::Unpatchable)? };
    let change = ground.write(&next)?;
    let found = Found {
        organizations: all.records.len(),
        previews: previews(&all, connection, &pairs, here),
        webhook: webhook(connection, api.ok().as_ref(), args).await,
        meanings,
        change,
    };
    here.answer(&found, |found| text(found, here.style))?;
    Ok(())
}

/// The first organisations, and which fields they have.
async fn told(api: &Api) -> Result<Vec<Value>, GetError> {
    let fields = read(api, "/api/v2/organization_fields.json?page%5Bsize%5D=100").await?;
    Ok(vec![fields, read(api, "/api/v2/organizations.json?page%5Bsize%5D=100").await?])
}

fn refused(error: GetError) -> SetupFailure {
    SetupFailure::Vendor { vendor: "Zendesk", reason: error.to_string() }
}

/// The first organisations as the connector reads them with the proposed mapping; those that tell most.
fn previews(all: &Organizations, connection: &Connection, pairs: &[(&str, &str)], here: &Surroundings) -> Vec<Preview> {
    let fields = pairs.iter().filter_map(|(field, name)| Some((field.parse::<Field>().ok()?, (*name).to_owned())));
    let mapping =
        Mapping { objects: BTreeMap::from([(OBJECT.to_owned(), fields.collect())]), ..connection.mapping.clone() };
    let Some(connector) = connectors::by_name(TOOL) else { return vec![] };
    let mut records: Vec<&Value> = all.records.iter().collect();
    records.sort_by_key(|record| record["external_id"].as_str().is_none_or(str::is_empty));
    let read = |record: &&Value| {
        let headers = BTreeMap::from([
            (FETCHED.to_owned(), format!("{OBJECT}/{}", record["id"])),
            (FETCHED_STATUS.to_owned(), "200".to_owned()),
        ]);
        let body = json!({ OBJECT: record }).to_string();
        let read = connector.normalize(&Delivery { headers, ..delivery(body, here.now) }, &mapping);
        Preview::of(record["name"].as_str().unwrap_or("an organisation without a name"), &read)
    };
    records.iter().take(SHOWN).map(read).collect()
}

/// Makes the webhook, and for a trigger that one, or says what to click.
async fn webhook(connection: &Connection, api: Option<&Api>, args: &ZendeskArgs) -> Vec<String> {
    let name = &connection.name;
    let Some(address) = hook(connection) else {
        return vec![format!(
            "not made: nobody says at which address Zendesk reaches us; add public_url = \"https://…\" under \
             [connection.{name}] in connections.toml and run this again"
        )];
    };
    let secret = format!(
        "Admin Center → Apps and integrations → Webhooks → {NAME} → Reveal secret: store it as secret under \
         [connections.{name}] in the file of secrets, and restart"
    );
    let mut done = match (api, args.yes) {
        (None, _) => vec!["not made, for there is no token. By hand:".to_owned()],
        (Some(_), false) => vec!["with --yes made by the token, if it is an administrator's. By hand:".to_owned()],
        (Some(api), true) => match make(api, &address, args.trigger).await {
            Ok(mut made) => {
                made.push(secret);
                return made;
            }
            Err(error) => vec![format!("not made: {error}. By hand:")],
        },
    };
    done.extend(by_hand(&address, args.trigger));
    done.push(secret);
    done
}

async fn make(api: &Api, address: &str, by_trigger: bool) -> Result<Vec<String>, GetError> {
    let known = read(api, "/api/v2/webhooks?page%5Bsize%5D=100").await?;
    let ours = known["webhooks"].as_array().into_iter().flatten().find(|webhook| webhook["endpoint"] == address);
    let mut made = Vec::new();
    let id = match ours.and_then(|webhook| webhook["id"].as_str()) {
        Some(id) => {
            made.push(format!("the webhook that calls {address} was there; `barometer doctor` says how it stands"));
            id.to_owned()
        }
        None => {
            let told = api.post("/api/v2/webhooks", &webhook_body(address, by_trigger)).await?;
            made.push(format!("made: the webhook {NAME}, which calls {address}"));
            told["webhook"]["id"].as_str().unwrap_or_default().to_owned()
        }
    };
    if by_trigger {
        let known = read(api, "/api/v2/triggers.json?page%5Bsize%5D=100").await?;
        let is_there = known["triggers"].as_array().into_iter().flatten().any(|trigger| trigger["title"] == TRIGGER);
        if is_there {
            made.push(format!("the trigger \"{TRIGGER}\" was there"));
        } else {
            api.post("/api/v2/triggers.json", &trigger_body(&id)).await?;
            made.push(format!("made: the trigger \"{TRIGGER}\""));
        }
    }
    Ok(made)
}

fn webhook_body(address: &str, by_trigger: bool) -> Value {
    let subscriptions = if by_trigger { json!(["conditional_ticket_events"]) } else { json!(ZENDESK_EVENTS) };
    json!({ "webhook": {
        "name": NAME, "status": "active", "endpoint": address, "http_method": "POST", "request_format": "json",
        "subscriptions": subscriptions,
    } })
}

/// A ticket is told whenever something about it changed that is read.
fn trigger_body(webhook: &str) -> Value {
    let changed = ["status", "priority", "type", "organization_id", "requester_id"];
    let changed = changed.map(|field| json!({ "field": field, "operator": "changed" }));
    let created = json!({ "field": "update_type", "operator": "is", "value": "Create" });
    let any: Vec<Value> = std::iter::once(created).chain(changed).collect();
    json!({ "trigger": {
        "title": TRIGGER, "conditions": { "all": [], "any": any },
        "actions": [{ "field": "notification_webhook", "value": [webhook, ZENDESK_TRIGGER] }],
    } })
}

fn by_hand(address: &str, by_trigger: bool) -> Vec<String> {
    let webhooks = "Admin Center → Apps and integrations → Webhooks → Create webhook";
    let form = format!("Endpoint URL {address}, POST, JSON, authentication None");
    if by_trigger {
        return vec![
            format!("{webhooks} → Trigger or automation → {form}"),
            "Objects and rules → Business rules → Triggers → Create trigger; meet ANY: Ticket is created; Status changed; \
             Priority changed; Type changed; Organization changed; Requester changed"
                .to_owned(),
            format!("action: Notify by → Active webhook → the one above, with this JSON body:\n{}", ZENDESK_TRIGGER.trim()),
        ];
    }
    let mut by_object: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for event in ZENDESK_EVENTS.iter().filter_map(|event| event.strip_prefix("zen:event-type:")?.split_once('.')) {
        by_object.entry(event.0).or_default().insert(event.1);
    }
    let lines = by_object.into_iter().map(|(object, events)| {
        format!("  {object}: {}", events.into_iter().collect::<Vec<_>>().join(", ").replace('_', " "))
    });
    let first = format!("{webhooks} → Zendesk events, and choose");
    std::iter::once(first).chain(lines).chain([form]).collect()
}

fn text(found: &Found, style: Style) -> String {
    let all = found.organizations;
    let mut text = format!("{}\n", style.bold(&format!("What {all} organisations say")));
    let mut table =
        Table::new([("meaning", Align::Left), ("field", Align::Left), ("sure", Align::Left), ("why", Align::Left)]);
    for meaning in &found.meanings {
        let (name, sure) = (meaning.name.as_deref().unwrap_or("–"), meaning.sure.map_or("–", |sure| sure.as_str()));
        table.row([meaning.what.to_owned(), name.to_owned(), sure.to_owned(), meaning.why.clone()]);
    }
    text.push_str(&table.show(style));
    text.push_str("A ticket's priority is Zendesk's own (low, normal, high, urgent) and is read as it is.\n");
    text.extend(found.previews.iter().map(Preview::show));
    text.push_str(&found.change.show());
    text.push_str(&format!("\n{}\n", style.bold("The webhook")));
    text.extend(found.webhook.iter().map(|line| format!("{line}\n")));
    if !found.change.written {
        text.push_str("\nNothing was changed; --yes writes the mapping, and makes the webhook if the token may.\n");
    }
    text
}
