//! `connections.toml`: which tools send to us, what their properties mean, and which accounts are watched.

use std::collections::BTreeMap;

use model::{ConnectionName, Family, Field, MappedObject, Mapping, Moment, Tool};
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::Condition;
use crate::reading::{Reader, Table, is_web_address};
use crate::scalar::RESULTS;

/// One configured tool.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its name in the file; part of its address and of every delivery's id.
    pub name: ConnectionName,
    /// Which tool, such as `hubspot-workflow`.
    pub tool: String,
    /// The tool's family.
    pub family: Family,
    /// A connection that is not enabled is answered like one that does not exist.
    pub enabled: bool,
    /// The address that the sender signs, where it is not the one the gateway sees; without a path.
    pub public_url: Option<String>,
    /// It opens accounts.
    pub creates_accounts: bool,
    /// What it says of earlier times is history and opens no episode.
    pub live_from: Option<Moment>,
    /// Longest accepted body in bytes.
    pub max_body_bytes: usize,
    /// Which property feeds which field.
    pub mapping: Mapping,
}

/// Which accounts are assessed.
#[derive(Debug, Clone)]
pub struct Watch {
    /// An account is watched while this holds,
    pub when: Condition,
    /// unless this holds
    pub exclude: Condition,
    /// or its domain is one of these (lower-case) or below one of them.
    pub exclude_domains: Vec<String>,
}

/// What `connections.toml` says, once checked.
pub(crate) struct Connections {
    pub(crate) connections: Vec<Connection>,
    pub(crate) watch: Option<Watch>,
    pub(crate) authority: BTreeMap<Field, Vec<ConnectionName>>,
    /// The name that a condition of `watch` reads and where it stands, to warn of what no connection feeds.
    pub(crate) watched_names: Vec<(&'static str, std::ops::Range<usize>)>,
}

/// Longest accepted body unless a connection says otherwise.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// API Gateway hands over at most 10 MB and a function URL 6 MB, base64 included; more could never arrive.
const MOST_BODY_BYTES: i64 = 4 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    #[serde(default)]
    connection: Table<ConnectionTable>,
    watch: WatchTable,
    #[serde(default)]
    authority: Table<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct ConnectionTable {
    tool: Spanned<String>,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    public_url: Option<Spanned<String>>,
    #[serde(default)]
    creates_accounts: Option<bool>,
    #[serde(default)]
    live_from: Option<Spanned<Datetime>>,
    #[serde(default)]
    max_body_bytes: Option<Spanned<i64>>,
    currency: Spanned<String>,
    #[serde(default)]
    map: Table<Table<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct WatchTable {
    when: Spanned<String>,
    #[serde(default)]
    exclude: Option<Spanned<String>>,
    #[serde(default)]
    exclude_domains: Vec<Spanned<String>>,
}

pub(crate) fn read(reader: &mut Reader<'_>, tools: &[Tool]) -> Option<Connections> {
    let file: File = reader.parse()?;
    // In the order of the file: without `[authority]` that order decides who is believed.
    let mut tables: Vec<_> = file.connection.into_iter().collect();
    tables.sort_by_key(|(name, _)| name.span().start);
    let connections: Vec<_> =
        tables.into_iter().filter_map(|(name, table)| connection(reader, &name, table, tools)).collect();
    let mut authority = BTreeMap::new();
    for (field, names) in file.authority {
        let ranked = names.iter().filter_map(|name| {
            let found = connections.iter().find(|known| known.name.as_str() == name.get_ref());
            if found.is_none() {
                reader.unknown(name, "a connection", connections.iter().map(|known| known.name.as_str()));
            }
            found.map(|known| known.name.clone())
        });
        let ranked = ranked.collect();
        match field.get_ref().parse::<Field>() {
            Ok(known) => drop(authority.insert(known, ranked)),
            Err(_) => reader.unknown(&field, "a field", Field::ALL.iter().map(|field| field.as_str())),
        }
    }
    let mut watched_names = Vec::new();
    let watch = watch(reader, &file.watch, &mut watched_names);
    Some(Connections { connections, watch, authority, watched_names })
}

fn connection(
    reader: &mut Reader<'_>,
    name: &Spanned<String>,
    table: ConnectionTable,
    tools: &[Tool],
) -> Option<Connection> {
    let parsed: Option<ConnectionName> = reader.text(name);
    if name.get_ref() == "operator" {
        let help = "choose another, such as the name of the tool".to_owned();
        reader.wrong(name.span(), "`operator` is the name of what operators state", help);
    }
    let currency = reader.text(&table.currency);
    let public_url = table.public_url.map(|url| {
        let host = url.get_ref().split_once("://").map_or("", |(_, host)| host);
        if !is_web_address(url.get_ref()) || host.contains(['/', '?', '#']) {
            let help = "scheme and host without a path, such as https://hooks.ourco.example".to_owned();
            reader.wrong(url.span(), format!("`{}` is not the address of a host", url.get_ref()), help);
        }
        url.into_inner()
    });
    let live_from = table.live_from.and_then(|at| reader.text(&Spanned::new(at.span(), at.get_ref().to_string())));
    let max_body_bytes = table.max_body_bytes.map_or(MAX_BODY_BYTES, |bytes| {
        if !(1..=MOST_BODY_BYTES).contains(bytes.get_ref()) {
            reader.wrong(bytes.span(), format!("a body is between 1 and {MOST_BODY_BYTES} bytes"), None);
        }
        usize::try_from(bytes.into_inner()).unwrap_or(MAX_BODY_BYTES)
    });
    let Some(tool) = tools.iter().find(|tool| tool.name == table.tool.get_ref()) else {
        reader.unknown(&table.tool, "a tool", tools.iter().map(|tool| tool.name));
        return None;
    };
    let objects = mapping(reader, table.map, tool);
    Some(Connection {
        name: parsed?,
        tool: tool.name.to_owned(),
        family: tool.family,
        enabled: table.enabled.unwrap_or(true),
        public_url,
        creates_accounts: table.creates_accounts.unwrap_or(tool.creates_accounts),
        live_from,
        max_body_bytes,
        mapping: Mapping { objects, currency: currency? },
    })
}

fn mapping(
    reader: &mut Reader<'_>,
    map: Table<Table<Spanned<String>>>,
    tool: &Tool,
) -> BTreeMap<String, BTreeMap<Field, String>> {
    let mut objects = BTreeMap::new();
    for (object, properties) in map {
        match tool.objects.iter().find(|known| known.name == object.get_ref()) {
            Some(known) => drop(objects.insert(object.into_inner(), fields(reader, properties, known))),
            None => {
                let what = format!("an object of `{}`", tool.name);
                reader.unknown(&object, &what, tool.objects.iter().map(|known| known.name));
            }
        }
    }
    objects
}

fn fields(
    reader: &mut Reader<'_>,
    properties: Table<Spanned<String>>,
    object: &MappedObject,
) -> BTreeMap<Field, String> {
    let mut fields = BTreeMap::new();
    for (field, property) in properties {
        let property = reader.words(&property);
        match object.fields.iter().find(|known| known.as_str() == field.get_ref()) {
            Some(known) => drop(fields.insert(*known, property)),
            None => {
                let what = format!("a field of `{}`", object.name);
                reader.unknown(&field, &what, object.fields.iter().map(|known| known.as_str()));
            }
        }
    }
    fields
}

fn watch(
    reader: &mut Reader<'_>,
    table: &WatchTable,
    names: &mut Vec<(&'static str, std::ops::Range<usize>)>,
) -> Option<Watch> {
    let mut facts_only = |reader: &mut Reader<'_>, text: &Spanned<String>| {
        let condition = reader.condition(text)?;
        for name in condition.names() {
            if RESULTS.contains(name) {
                let help = "it is the result for a watched account; use what the sources say".to_owned();
                reader.wrong(text.span(), format!("`{name}` cannot decide what is watched"), help);
            }
            names.push((name, text.span()));
        }
        Some(condition)
    };
    let when = facts_only(reader, &table.when);
    let exclude = match &table.exclude {
        Some(exclude) => facts_only(reader, exclude),
        None => Condition::checked("false").ok(),
    };
    let exclude_domains = table.exclude_domains.iter().map(|domain| {
        let plain = domain.get_ref().trim().to_lowercase();
        let good = plain.contains('.') && plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
        if !good {
            let help = "such as `ourco.example`, without `@` and `www.`".to_owned();
            reader.wrong(domain.span(), format!("`{}` is not a domain", domain.get_ref()), help);
        }
        plain
    });
    let exclude_domains = exclude_domains.collect();
    Some(Watch { when: when?, exclude: exclude?, exclude_domains })
}
