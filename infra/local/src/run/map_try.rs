//! `barometer map try`: what a saved webhook body would say, and what of it nobody reads.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use config::{Config, Connection};
use connectors::Connector;
use miette::Diagnostic;
use model::{LinkSays, Normalized, Target};
use serde::Serialize;
use serde_json::Value;

use super::Surroundings;
use super::setup::delivery;
use crate::config_files;
use crate::show::{Align, Style, Table, count, safe};

/// How many paths that nobody reads are listed.
const LISTED: usize = 60;
/// What stands around values and is none itself: where they come from, when they were set, and the envelope.
const AROUND: [&str; 19] = [
    "timestamp",
    "persistenceTimestamp",
    "versions",
    "source",
    "sourceId",
    "updatedByUserId",
    "sourceMetadata",
    "portalId",
    "objectType",
    "objectTypeId",
    "objectId",
    "isDeleted",
    "eventId",
    "subscriptionId",
    "appId",
    "occurredAt",
    "subscriptionType",
    "attemptNumber",
    "changeSource",
];

/// `barometer map`
#[derive(Debug, Subcommand)]
pub enum MapCommand {
    /// Show what a saved webhook body says by today's mapping, and what of it stays unused
    #[command(after_help = "\
FILE holds the body alone, as the tool sent it. Nothing is stored and nothing leaves. Without --connection the one is
taken whose tool understands most of it.

Examples:
  barometer map try company.json
  barometer map try event.json --connection hubspot-app --config my-config")]
    Try(TryArgs),
}

/// `barometer map try`
#[derive(Debug, Args)]
pub struct TryArgs {
    /// The body of a webhook
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// As if this connection had sent it
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}

#[derive(Debug, thiserror::Error, Diagnostic)]
enum TryFailure {
    #[error("{} cannot be read", path.display())]
    NoFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("there is no connection `{name}`")]
    #[diagnostic(help("there is {known}"))]
    NoConnection { name: String, known: String },
}

/// What a body says.
#[derive(Debug, Serialize)]
struct Tried {
    connection: String,
    tool: String,
    facts: Vec<TriedFact>,
    links: Vec<TriedLink>,
    /// Objects that it names, and that would be fetched.
    fetches: Vec<String>,
    /// What was not understood: where, and why.
    quarantined: Vec<(String, String)>,
    warnings: Vec<(String, String)>,
    /// Where values stand that nobody reads.
    unused: Vec<String>,
}

#[derive(Debug, Serialize)]
struct TriedFact {
    path: String,
    raw: String,
    subject: String,
    field: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct TriedLink {
    path: String,
    subject: String,
    says: String,
}

/// Carries the command out; needs no host.
pub(super) fn map(here: &Surroundings, command: &MapCommand) -> Result<(), miette::Report> {
    let MapCommand::Try(args) = command;
    let config = config_files::load(here.global.config.as_deref())?;
    let body = std::fs::read(&args.file);
    let body = body.map_err(|source| TryFailure::NoFile { path: args.file.clone(), source })?;
    let read = |known: (&Connection, &dyn Connector)| {
        let mapping = &known.0.mapping;
        (known.0.clone(), known.1.normalize(&delivery(body.clone(), here.now), mapping))
    };
    let all = chosen(&config, args.connection.as_deref())?.into_iter().map(read);
    let understood = |out: &Normalized| {
        let statements: usize = out.signals.iter().map(|signal| signal.statements.len()).sum();
        (std::cmp::Reverse(out.quarantined.len()), statements + out.links.len() + out.fetches.len())
    };
    // Of those that understand it equally well, the first in the file.
    let best = all.reduce(|best, next| if understood(&next.1) > understood(&best.1) { next } else { best });
    let Some((connection, out)) = best else { return Ok(()) };
    let tried = tried(&connection, out, &body);
    here.answer(&tried, |tried| shown(tried, here.style))?;
    Ok(())
}

fn chosen<'a>(
    config: &'a Config,
    only: Option<&str>,
) -> Result<Vec<(&'a Connection, &'static dyn Connector)>, TryFailure> {
    let all = config.connections.iter().filter(|known| only.is_none_or(|name| name == known.name.as_str()));
    let all: Vec<_> = all.filter_map(|known| Some((known, connectors::by_name(&known.tool)?))).collect();
    if let (true, Some(name)) = (all.is_empty(), only) {
        let known: Vec<_> = config.connections.iter().map(|known| known.name.as_str()).collect();
        return Err(TryFailure::NoConnection { name: name.to_owned(), known: known.join(", ") });
    }
    Ok(all)
}

fn tried(connection: &Connection, out: Normalized, body: &[u8]) -> Tried {
    let facts = out.signals.iter().flat_map(|signal| signal.statements.iter().map(move |said| (signal, said)));
    let facts: Vec<TriedFact> = facts
        .map(|(signal, said)| TriedFact {
            path: said.path.clone(),
            raw: said.raw.clone(),
            subject: signal.subject.to_string(),
            field: said.field.as_str().to_owned(),
            value: said.value.to_string(),
        })
        .collect();
    let link = |link: &model::Link| TriedLink {
        path: link.path.clone(),
        subject: link.subject.to_string(),
        says: says(&link.says),
    };
    let links: Vec<TriedLink> = out.links.iter().map(link).collect();
    let items = out.quarantined.iter().map(|item| (item.path.clone(), item.reason.clone()));
    let quarantined: Vec<_> = items.collect();
    let used = facts.iter().map(|fact| &fact.path).chain(links.iter().map(|link| &link.path));
    let used: Vec<&String> = used.chain(quarantined.iter().map(|(path, _)| path)).collect();
    let whole: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut values = BTreeMap::new();
    leaves(&whole, if whole.is_array() { "$" } else { "" }, &mut values);
    let is_used = |path: &String| used.iter().any(|one| *one == path || one.starts_with(&format!("{path}.")));
    Tried {
        connection: connection.name.to_string(),
        tool: connection.tool.clone(),
        fetches: out.fetches.iter().map(|wanted| wanted.object.clone()).collect(),
        warnings: out.warnings.iter().map(|warning| (warning.path.clone(), warning.message.clone())).collect(),
        unused: values.into_keys().filter(|path| !is_used(path)).collect(),
        facts,
        links,
        quarantined,
    }
}

pub(super) fn says(link: &LinkSays) -> String {
    let to = |target: &Option<model::SubjectId>| {
        target.as_ref().map_or_else(|| "belongs to nothing".to_owned(), |target| format!("belongs to {target}"))
    };
    match link {
        LinkSays::Own { target, .. } => to(target),
        LinkSays::Association { other, removed: false, .. } => format!("belongs to {other}"),
        LinkSays::Association { other, removed: true, .. } => format!("belongs to {other} no longer"),
        LinkSays::List { listed, .. } => {
            let all: Vec<&str> = listed.iter().map(|one| one.as_str()).collect();
            format!("has {}", if all.is_empty() { "none".to_owned() } else { all.join(", ") })
        }
        LinkSays::Manual { target: Some(Target::Subject(target)) } => format!("belongs to {target}"),
        LinkSays::Manual { target: Some(Target::Alone) } => "belongs to nothing".to_owned(),
        LinkSays::Manual { target: None } => "belongs where the tools say".to_owned(),
        LinkSays::Gone { gone: true } => "is deleted".to_owned(),
        LinkSays::Gone { gone: false } => "is there again".to_owned(),
        LinkSays::Erased => "is to be forgotten".to_owned(),
    }
}

/// Where single values stand, by the paths that statements name.
fn leaves(value: &Value, path: &str, all: &mut BTreeMap<String, ()>) {
    match value {
        Value::Object(fields) => {
            for (name, held) in fields.iter().filter(|(name, _)| !AROUND.contains(&name.as_str())) {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(held, &below, all);
            }
        }
        Value::Array(items) => {
            for (at, held) in items.iter().enumerate() {
                leaves(held, &format!("{path}[{at}]"), all);
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => drop(all.insert(path.to_owned(), ())),
    }
}

fn unread(values: usize) -> String {
    count(u64::try_from(values).unwrap_or(u64::MAX), "value that nobody reads", "values that nobody reads")
}

fn shown(tried: &Tried, style: Style) -> String {
    let mut text = format!("{}\n", style.bold(&format!("As `{}` ({}) would say it", tried.connection, tried.tool)));
    let mut table =
        Table::new([("where", Align::Left), ("value", Align::Left), ("fact", Align::Left), ("of", Align::Left)]);
    for fact in &tried.facts {
        let is = format!("{} = {}", fact.field, fact.value);
        table.row([fact.path.clone(), fact.raw.clone(), is, fact.subject.clone()]);
    }
    text.push_str(&table.show(style));
    for link in &tried.links {
        text.push_str(&format!("{}: {} {}\n", safe(&link.path), safe(&link.subject), safe(&link.says)));
    }
    for object in &tried.fetches {
        text.push_str(&format!("would be fetched: {}\n", safe(object)));
    }
    for (path, reason) in &tried.quarantined {
        text.push_str(&format!("not understood: {}: {}\n", safe(path), safe(reason)));
    }
    for (path, message) in &tried.warnings {
        text.push_str(&format!("note: {}: {}\n", safe(path), safe(message)));
    }
    text.push_str(&format!("\n{}\n", style.bold(&unread(tried.unused.len()))));
    for path in tried.unused.iter().take(LISTED) {
        text.push_str(&format!("{}\n", safe(path)));
    }
    if tried.unused.len() > LISTED {
        text.push_str(&format!("{} more; --json lists all\n", tried.unused.len() - LISTED));
    }
    text
}
