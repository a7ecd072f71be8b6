//! `connections.toml`: which tools send to us, what their properties mean, and which accounts are watched.

mod connection;

use std::collections::BTreeMap;
use std::fmt;

pub use connection::{Connection, RenewalPipeline};
use model::{ConnectionName, Field, Tool};
use serde::Deserialize;
use toml::Spanned;

use crate::reading::{Reader, Table};
use crate::scalar::RESULTS;
use crate::{Condition, Config};

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

/// Where the terms of an account's renewal can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalSource {
    /// In the properties of the company.
    Company,
    /// In the deals of a renewal pipeline, see [`RenewalPipeline`].
    Deals,
}

impl RenewalSource {
    /// All of them, in the order in which they are believed where the file does not say.
    pub const ALL: &'static [Self] = &[Self::Company, Self::Deals];

    /// The name in `connections.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Deals => "deals",
        }
    }
}

impl fmt::Display for RenewalSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The connections, in the order of `connections.toml`: all that a function needs which neither judges nor sends.
#[derive(Debug, Clone)]
pub struct Connections(Vec<Connection>);

impl Connections {
    /// The connection of that name, enabled or not.
    pub fn named(&self, name: &ConnectionName) -> Option<&Connection> {
        self.0.iter().find(|connection| &connection.name == name)
    }
}

impl From<&Config> for Connections {
    fn from(config: &Config) -> Self {
        Self(config.connections.clone())
    }
}

/// What `connections.toml` says, once checked.
pub(crate) struct ConnectionsFile {
    pub(crate) connections: Vec<Connection>,
    pub(crate) watch: Option<Watch>,
    pub(crate) authority: BTreeMap<Field, Vec<ConnectionName>>,
    pub(crate) renewal_sources: Vec<RenewalSource>,
    /// The name that a condition of `watch` reads and where it stands, to warn of what no connection feeds.
    pub(crate) watched_names: Vec<(&'static str, std::ops::Range<usize>)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    #[serde(default)]
    connection: Table<connection::ConnectionTable>,
    watch: WatchTable,
    #[serde(default)]
    renewals: Option<RenewalsTable>,
    #[serde(default)]
    authority: Table<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct RenewalsTable {
    believe: Vec<Spanned<String>>,
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

/// The connections alone: what the file says about who is believed and watched is parsed, and not looked at. A condition is
/// not even compiled, so whoever needs no more than this carries no language of conditions with it.
pub(crate) fn alone(reader: &mut Reader<'_>, tools: &[Tool]) -> Option<Connections> {
    let file: File = reader.parse()?;
    Some(Connections(listed(reader, file.connection, tools)))
}

pub(crate) fn read(reader: &mut Reader<'_>, tools: &[Tool]) -> Option<ConnectionsFile> {
    let file: File = reader.parse()?;
    let connections = listed(reader, file.connection, tools);
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
    let renewal_sources = renewal_sources(reader, file.renewals.as_ref());
    let mut watched_names = Vec::new();
    let watch = watch(reader, &file.watch, &mut watched_names);
    Some(ConnectionsFile { connections, watch, authority, renewal_sources, watched_names })
}

/// In the order of the file: without `[authority]` that order decides who is believed.
fn listed(reader: &mut Reader<'_>, tables: Table<connection::ConnectionTable>, tools: &[Tool]) -> Vec<Connection> {
    let mut tables: Vec<_> = tables.into_iter().collect();
    tables.sort_by_key(|(name, _)| name.span().start);
    let mut connections: Vec<_> =
        tables.into_iter().filter_map(|(name, table)| connection::read(reader, &name, table, tools)).collect();
    name_accounts(&mut connections, tools);
    connections
}

/// A bare id of another tool is one of the first enabled tool that opens accounts, where a connection does not say.
fn name_accounts(connections: &mut [Connection], tools: &[Tool]) {
    let accounts_of = |connection: &&Connection| tools.iter().find(|tool| tool.name == connection.tool)?.accounts;
    let enabled = connections.iter().filter(|connection| connection.enabled);
    let first = enabled.filter_map(|connection| accounts_of(&connection)).next().unwrap_or_default();
    for connection in connections.iter_mut().filter(|connection| connection.mapping.account_ids.is_empty()) {
        first.clone_into(&mut connection.mapping.account_ids);
    }
}

/// What the file names, in that order, then the others.
fn renewal_sources(reader: &mut Reader<'_>, table: Option<&RenewalsTable>) -> Vec<RenewalSource> {
    let mut sources = Vec::new();
    for name in table.iter().flat_map(|table| &table.believe) {
        let known = RenewalSource::ALL.iter().copied().find(|source| source.as_str() == name.get_ref());
        match known {
            Some(source) if sources.contains(&source) => {
                reader.wrong(name.span(), format!("`{source}` stands here twice"), None);
            }
            Some(source) => sources.push(source),
            None => reader.unknown(name, "a source of renewals", RenewalSource::ALL.iter().map(|known| known.as_str())),
        }
    }
    let rest: Vec<_> = RenewalSource::ALL.iter().copied().filter(|source| !sources.contains(source)).collect();
    sources.extend(rest);
    sources
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
