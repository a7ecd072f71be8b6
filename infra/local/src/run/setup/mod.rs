//! `barometer setup`: looks at a tool, proposes what stands there means, and makes there what Barometer needs. HubSpot's part
//! is here, the others have a file each.

mod form;
mod ground;
mod organizations;
mod patch;
mod portal;
mod propose;
mod show;
mod slack;
mod typeform;
mod zendesk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use actions::hubspot::{HubSpot, our_properties};
use actions::vendor::ApiToken;
use clap::{Args, Subcommand};
use config::Config;
use miette::Diagnostic;
use model::{Delivery, DeliveryId, Field, Mapping, Moment, Value};
use runtime::seam::Seam;
use serde::Serialize;
use serde_json::json;

use super::Surroundings;
use crate::config_files;
use portal::Portal;
use propose::{Confidence, Proposal};

/// How many companies are shown with what their values would be taken for.
const SHOWN: usize = 5;
/// The files that are changed.
const CONNECTIONS: &str = "connections.toml";
const MODES: &str = "modes.toml";

/// `barometer setup`
#[derive(Debug, Subcommand)]
pub enum SetupCommand {
    /// HubSpot: which property means what, and the properties that Barometer writes
    #[command(after_help = "\
Looks at the properties of your companies and at what stands in them, proposes which one is the renewal date, the annual
revenue, the CSM, the tier and the mark of test records, and shows for five accounts what their values would be taken for.
Nothing is changed without --yes: then the mapping in connections.toml and `[most.write-back]` in modes.toml are written,
and, with a token under [destinations.hubspot] in the file of secrets, the properties made that tasks and scores need.
Proposals of low confidence are never written. The configuration must be a folder of yours (--config).

Examples:
  barometer setup hubspot --sample companies.csv                 from an export (Companies, Export, all properties)
  barometer setup hubspot --config my-config                     from HubSpot itself, read with the token
  barometer setup hubspot --config my-config --yes               as shown: write it, and make the properties")]
    Hubspot(SetupArgs),
    /// Slack: the app to make, what its token may, the channel, and who of the team is found there
    #[command(after_help = "\
Prints the manifest of the app with your address in it, and, with a token under [destinations.slack] in the file of secrets,
looks at what the app is allowed, whether it is in the team's channel, and whom it finds of the people in team.toml. With
--yes, [connection.slack] is written to connections.toml: from then on alerts have buttons. Nothing is changed in Slack.

Examples:
  barometer setup slack --config my-config
  barometer setup slack --config my-config --yes")]
    Slack(slack::SlackArgs),
    /// Typeform: which question is the NPS, which hidden field names the account, and the webhook
    #[command(after_help = "\
Looks at a form and its latest answers, proposes which question is which and which hidden field names the company, and shows
what up to five answers would be taken for. Nothing is changed without --yes: then the mapping is written to
connections.toml and the form's webhook made, with the connection's secret and address. The token (a personal access token
with forms:read, responses:read, webhooks:read and webhooks:write) stands under [connections.typeform] in the file of secrets.

Examples:
  barometer setup typeform                                       lists your forms
  barometer setup typeform --form Nq4Pulse --config my-config
  barometer setup typeform --form Nq4Pulse --config my-config --yes
  barometer setup typeform --sample form.json                    from saved answers of the API (the form, its responses)")]
    Typeform(typeform::TypeformArgs),
    /// Zendesk: what names the account, what organisation fields mean, and the webhook
    #[command(after_help = "\
Looks at your organisations, says whether their external ids name accounts of the CRM, proposes which field is the tier and
which the segment, and shows what up to five of them would be taken for. Nothing is changed without --yes: then the mapping
is written to connections.toml and the webhook made in Zendesk, for which its token must be an administrator's. Without
one, it prints the clicks and the JSON to paste. The token (email/token:...) stands under [connections.zendesk] in the file
of secrets, the address of your Zendesk as api_url in connections.toml.

Examples:
  barometer setup zendesk --sample organizations.json            from saved answers of the API
  barometer setup zendesk --config my-config
  barometer setup zendesk --config my-config --yes               subscribed to Zendesk's events
  barometer setup zendesk --config my-config --trigger --yes     sent by a trigger, with our template")]
    Zendesk(zendesk::ZendeskArgs),
}

/// `barometer setup hubspot`
#[derive(Debug, Args)]
pub struct SetupArgs {
    /// An export as CSV, or a saved answer of the API as JSON, instead of HubSpot itself
    #[arg(long, value_name = "FILE")]
    pub sample: Option<PathBuf>,
    /// Only this connection's mapping [default: that of every HubSpot connection]
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Change the files, and make the properties in HubSpot
    #[arg(long)]
    pub yes: bool,
}

/// Why it cannot be set up.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum SetupFailure {
    #[error("there is nothing to look at: no --sample and no token for HubSpot in {}", file.display())]
    #[diagnostic(help(
        "give an export with --sample FILE, or put token = \"pat-…\" under [destinations.hubspot] in the file of secrets"
    ))]
    NothingToLookAt { file: PathBuf },
    #[error("the sample {} cannot be read", path.display())]
    NoSample {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the sample {} is not understood: {what}", path.display())]
    OddSample { path: PathBuf, what: String },
    #[error("the built-in configuration cannot be changed")]
    #[diagnostic(help(
        "copy `infra/config` to a folder of yours and name it with --config DIR, here and for `barometer up`"
    ))]
    BuiltIn,
    #[error("no connection `{name}` of HubSpot is in connections.toml")]
    #[diagnostic(help("there is {known}"))]
    NoConnection { name: String, known: String },
    #[error("no connection of {tool} is in connections.toml{}", name.as_ref().map(|name| format!(" under the name `{name}`")).unwrap_or_default())]
    #[diagnostic(help("add [connection.{tool}] with tool = \"{tool}\", as the shipped connections.toml has it"))]
    NoneOf { tool: &'static str, name: Option<String> },
    #[error("there is nothing to look at: no --sample, and {why}")]
    #[diagnostic(help("{help}"))]
    NoWay { why: String, help: String },
    #[error("{vendor}: {reason}")]
    Vendor { vendor: &'static str, reason: String },
    #[error("{0}")]
    HubSpot(String),
    #[error("connections.toml cannot be changed: {0}")]
    Unpatchable(String),
    #[error("{} cannot be written", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// What was found, and what came of it.
#[derive(Debug, Serialize)]
struct Found {
    companies: usize,
    properties: Vec<FoundProperty>,
    proposals: Vec<Proposal>,
    accounts: Vec<Preview>,
    /// The lines that change, by file.
    changes: BTreeMap<String, String>,
    /// The files are written.
    written: bool,
    /// What became of each property of ours in HubSpot; empty without --yes.
    made: Vec<Made>,
    /// The events an app would subscribe to.
    subscribe: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FoundProperty {
    name: String,
    label: String,
    filled: usize,
}

/// One account as it would be read.
#[derive(Debug, Serialize)]
struct Preview {
    name: String,
    /// Field, what stands in the property, what it would be taken for or why for nothing.
    values: Vec<(String, String, String)>,
}

#[derive(Debug, Serialize)]
struct Made {
    object: String,
    property: String,
    outcome: String,
}

/// Carries the command out; needs no host.
pub(super) async fn setup(here: &Surroundings, command: &SetupCommand) -> Result<(), miette::Report> {
    match command {
        SetupCommand::Hubspot(args) => hubspot(here, args).await,
        SetupCommand::Slack(args) => slack::setup(here, args).await,
        SetupCommand::Typeform(args) => typeform::setup(here, args).await,
        SetupCommand::Zendesk(args) => zendesk::setup(here, args).await,
    }
}

async fn hubspot(here: &Surroundings, args: &SetupArgs) -> Result<(), miette::Report> {
    let folder = here.global.config.as_deref();
    let config = config_files::load(folder)?;
    let connections = connections(&config, args.connection.as_deref())?;
    let folder = match (folder, args.yes) {
        (None, true) => return Err(SetupFailure::BuiltIn.into()),
        (folder, _) => folder,
    };
    let hubspot = client(here)?;
    let portal = portal(here, args, hubspot.as_ref()).await?;
    let proposals = propose::proposals(&portal);
    let files = config_files::read(folder)?;
    let text = |name: &str| files.0.get(name).cloned().unwrap_or_default();
    let pairs: Vec<(&str, &str)> = proposals.iter().filter_map(sure).collect();
    let mut next = text(CONNECTIONS);
    for connection in &connections {
        next = patch::mapped(&next, connection, "company", &pairs).map_err(SetupFailure::Unpatchable)?;
    }
    let changed = [(CONNECTIONS, text(CONNECTIONS), next), (MODES, text(MODES), patch::writing_back(&text(MODES)))];
    let mut made = Vec::new();
    if let (true, Some(folder)) = (args.yes, folder) {
        for (name, before, now) in &changed {
            write(&folder.join(name), before, now)?;
        }
        // What was written is what is read from now on.
        config_files::load(Some(folder))?;
        made = make(hubspot.as_ref()).await;
    }
    let filled = |property: &portal::Property| FoundProperty {
        filled: portal.filled(&property.name),
        name: property.name.clone(),
        label: property.label.clone(),
    };
    let mut properties: Vec<_> = portal.properties.iter().map(filled).collect();
    properties.sort_by(|a, b| (b.filled, &a.name).cmp(&(a.filled, &b.name)));
    let found = Found {
        companies: portal.companies.len(),
        properties,
        accounts: previews(&portal, &proposals, &config, here.now),
        changes: changed
            .iter()
            .map(|(name, before, now)| ((*name).to_owned(), patch::difference(before, now)))
            .filter(|(_, lines)| !lines.is_empty())
            .collect(),
        written: args.yes,
        made,
        subscribe: subscribe(&config, &connections, &pairs),
        proposals,
    };
    here.answer(&found, |found| show::found(found, here.style))?;
    Ok(())
}

/// The names of HubSpot's connections, or the one that is meant.
fn connections(config: &Config, only: Option<&str>) -> Result<Vec<String>, SetupFailure> {
    let known = config.connections.iter().filter(|connection| connection.tool.starts_with("hubspot"));
    let known: Vec<String> = known.map(|connection| connection.name.to_string()).collect();
    match only {
        None => Ok(known),
        Some(name) if known.iter().any(|one| one == name) => Ok(vec![name.to_owned()]),
        Some(name) => Err(SetupFailure::NoConnection { name: name.to_owned(), known: known.join(", ") }),
    }
}

/// HubSpot with the token of the file of secrets; `None` without one.
fn client(here: &Surroundings) -> Result<Option<HubSpot>, miette::Report> {
    let path = here.global.secrets_file();
    if !path.exists() {
        return Ok(None);
    }
    let secrets = crate::secrets::load(&path)?;
    let hubspot = secrets.destinations.get("hubspot");
    let Some((token, base_url)) = hubspot.and_then(|held| Some((held.token.clone()?, held.base_url.clone()))) else {
        return Ok(None);
    };
    let token = ApiToken::new(&token).map_err(|problem| SetupFailure::HubSpot(problem.to_string()))?;
    let seam = Seam::network().map_err(crate::failure::Failure::NoCertificates)?;
    Ok(Some(HubSpot::new(seam, base_url, token)))
}

async fn portal(here: &Surroundings, args: &SetupArgs, hubspot: Option<&HubSpot>) -> Result<Portal, SetupFailure> {
    if let Some(path) = &args.sample {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| SetupFailure::NoSample { path: path.clone(), source })?;
        return Portal::read(&text).map_err(|what| SetupFailure::OddSample { path: path.clone(), what });
    }
    let Some(hubspot) = hubspot else { return Err(SetupFailure::NothingToLookAt { file: here.global.secrets_file() }) };
    let refused = |error: actions::hubspot::WriteError| SetupFailure::HubSpot(error.to_string());
    let described = hubspot.properties().await.map_err(refused)?;
    let names = described["results"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str());
    let names: Vec<&str> = names.collect();
    let companies = hubspot.sample(&names).await.map_err(refused)?;
    Portal::read(&json!([described, companies]).to_string()).map_err(SetupFailure::HubSpot)
}

/// What is written to the mapping without somebody looking.
fn sure(proposal: &Proposal) -> Option<(&str, &str)> {
    proposal.confidence.filter(|confidence| *confidence > Confidence::Low)?;
    Some((proposal.field, proposal.property.as_deref()?))
}

fn write(path: &Path, before: &str, now: &str) -> Result<(), SetupFailure> {
    if before == now {
        return Ok(());
    }
    // Whole or not at all: a file that is cut short would stop everything.
    let beside = path.with_extension("toml.new");
    let written = std::fs::write(&beside, now).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|source| SetupFailure::Unwritable { path: path.to_owned(), source })
}

/// Makes what is missing in HubSpot; one that is refused does not stop the others.
async fn make(hubspot: Option<&HubSpot>) -> Vec<Made> {
    let mut made = Vec::new();
    for property in our_properties() {
        let outcome = match hubspot {
            None => "not made: there is no token under [destinations.hubspot] in the file of secrets".to_owned(),
            Some(hubspot) => match hubspot.make(&property).await {
                Ok(true) => "made".to_owned(),
                Ok(false) => "was there".to_owned(),
                Err(error) => format!("not made: {error}"),
            },
        };
        made.push(Made { object: property.object.to_owned(), property: property.name.to_owned(), outcome });
    }
    made
}

/// What an app subscribes to, so that the mapping as proposed is told.
fn subscribe(config: &Config, connections: &[String], pairs: &[(&str, &str)]) -> Vec<String> {
    let mut names: std::collections::BTreeSet<&str> = pairs.iter().map(|(_, property)| *property).collect();
    for connection in
        config.connections.iter().filter(|known| connections.iter().any(|name| *name == known.name.as_str()))
    {
        let mapped = connection.mapping.objects.get("company").into_iter().flatten();
        let stays = mapped.filter(|(field, _)| pairs.iter().all(|(known, _)| *known != field.as_str()));
        names.extend(stays.map(|(_, property)| property.as_str()));
    }
    let events = ["creation", "deletion", "merge", "restore"].map(|what| format!("company.{what}"));
    events.into_iter().chain(names.into_iter().map(|name| format!("company.propertyChange {name}"))).collect()
}

/// The first accounts, as the connector reads them with the proposed mapping.
fn previews(portal: &Portal, proposals: &[Proposal], config: &Config, now: Moment) -> Vec<Preview> {
    let fields: Vec<(Field, &str)> = proposals
        .iter()
        .filter_map(|proposal| Some((proposal.field.parse().ok()?, proposal.property.as_deref()?)))
        .collect();
    let currency = config.connections.iter().find(|known| known.tool.starts_with("hubspot"));
    let Some(currency) = currency.map(|known| known.mapping.currency) else { return vec![] };
    let objects = fields.iter().map(|(field, property)| (*field, (*property).to_owned())).collect();
    let mapping = Mapping {
        objects: BTreeMap::from([("company".to_owned(), objects)]),
        currency,
        complete: Default::default(),
        account_ids: String::new(),
    };
    // Who has most of it shows most.
    let mut companies: Vec<_> = portal.companies.iter().collect();
    let told =
        |company: &BTreeMap<String, String>| fields.iter().filter(|(_, name)| company.contains_key(*name)).count();
    companies.sort_by_key(|company| std::cmp::Reverse(told(company)));
    companies.into_iter().take(SHOWN).map(|company| preview(company, &fields, &mapping, now)).collect()
}

fn preview(company: &BTreeMap<String, String>, fields: &[(Field, &str)], mapping: &Mapping, now: Moment) -> Preview {
    let property = |value: &String| json!({ "value": value, "timestamp": now.as_millis() });
    let properties: serde_json::Map<_, _> =
        company.iter().map(|(name, value)| (name.clone(), property(value))).collect();
    let body = json!({ "objectType": "COMPANY", "objectId": 1, "properties": properties });
    let read =
        connectors::by_name("hubspot-workflow").map(|tool| tool.normalize(&delivery(body.to_string(), now), mapping));
    let read = read.unwrap_or_default();
    let taken = |field: Field, name: &str| {
        let statements = read.signals.iter().flat_map(|signal| &signal.statements);
        let found =
            statements.rev().find(|statement| statement.field == field).map(|statement| match &statement.value {
                Value::Cleared => "nothing".to_owned(),
                value => value.to_string(),
            });
        let odd = read.quarantined.iter().find(|item| item.path.starts_with(&format!("properties.{name}")));
        let odd = odd.map(|item| format!("not understood: {}", item.reason));
        found.or(odd).unwrap_or_else(|| "nothing".to_owned())
    };
    let value = |(field, name): &(Field, &str)| {
        let raw = company.get(*name).cloned();
        let fact = taken(*field, name);
        (field.as_str().to_owned(), raw.unwrap_or_else(|| "(empty)".to_owned()), fact)
    };
    let name = company.get("name").or_else(|| company.get("hs_object_id")).cloned().unwrap_or_default();
    Preview { name, values: fields.iter().map(value).collect() }
}

/// A body as if it had come just now.
pub(super) fn delivery(body: impl Into<Vec<u8>>, now: Moment) -> Delivery {
    Delivery {
        id: DeliveryId::from_stored("sample:1"),
        connection: model::ConnectionName::from_stored("sample"),
        family: model::Family::Crm,
        received_at: now,
        body_sha256: String::new(),
        headers: BTreeMap::new(),
        body: body.into(),
        same_key_as: None,
    }
}
