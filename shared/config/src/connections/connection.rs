//! One table of `connections.toml`: a tool, its API and what its properties mean.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Api, ConnectionName, Currency, Family, Field, MappedObject, Mapping, Moment, OUR_PROPERTIES, Tool, ValueKind,
};
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::reading::{Reader, Table, is_web_address};

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
    /// The tool's API, where bodies only name what they are about.
    pub api: Option<Api>,
    /// Where that API is, without a slash at the end: what the file says, else the tool's own address. `None` for a tool
    /// without an API, and where every customer has an address of their own and the file names none.
    pub api_url: Option<String>,
    /// It opens accounts.
    pub creates_accounts: bool,
    /// What it says of earlier times is history and opens no episode.
    pub live_from: Option<Moment>,
    /// How many days may pass without a delivery before its silence says nothing about customers any more, at least 1;
    /// `None` for a connection whose silence cannot be told from theirs.
    pub expected_every: Option<u16>,
    /// Longest accepted body in bytes.
    pub max_body_bytes: usize,
    /// Which property feeds which field.
    pub mapping: Mapping,
    /// Which of its deals are renewals; `None` when none is.
    pub renewals: Option<RenewalPipeline>,
}

impl Connection {
    /// A property is mapped to the field, or to what a renewal deal tells it by.
    pub(crate) fn feeds(&self, field: Field) -> bool {
        let by_deal = match field {
            Field::RenewsOn => Some(Field::ClosesOn),
            Field::Arr => Some(Field::Amount),
            _ => None,
        };
        let by_deal = by_deal.filter(|_| self.renewals.is_some());
        self.mapping.objects.values().any(|fields| fields.contains_key(&field))
            || by_deal.is_some_and(|field| self.mapping.property("deal", field).is_some())
    }
}

/// Which deals are renewals, and how they end. Everything by the vendor's own ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalPipeline {
    /// A deal in one of these pipelines is a renewal.
    pub pipelines: Vec<String>,
    /// In one of these stages it was renewed.
    pub won: Vec<String>,
    /// In one of these the customer left.
    pub lost: Vec<String>,
}

/// Longest accepted body unless a connection says otherwise: many times what any of the vendors sends at once.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// API Gateway hands over at most 10 MB and a function URL 6 MB, base64 included; more could never arrive.
const MOST_BODY_BYTES: i64 = 4 * 1024 * 1024;

/// A connection that is heard less often than once a quarter is not watched for silence.
const MOST_DAYS_APART: u16 = 92;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ConnectionTable {
    tool: Spanned<String>,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    public_url: Option<Spanned<String>>,
    #[serde(default)]
    api_url: Option<Spanned<String>>,
    #[serde(default)]
    creates_accounts: Option<bool>,
    #[serde(default)]
    live_from: Option<Spanned<Datetime>>,
    #[serde(default)]
    expected_every: Option<Spanned<i64>>,
    #[serde(default)]
    max_body_bytes: Option<Spanned<i64>>,
    #[serde(default)]
    currency: Option<Spanned<String>>,
    #[serde(default)]
    accounts: Option<Spanned<String>>,
    #[serde(default)]
    complete: Vec<Spanned<String>>,
    #[serde(default)]
    map: Table<Table<Spanned<String>>>,
    #[serde(default)]
    renewals: Option<Spanned<RenewalsTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct RenewalsTable {
    pipelines: Spanned<Vec<Spanned<String>>>,
    won: Spanned<Vec<Spanned<String>>>,
    lost: Spanned<Vec<Spanned<String>>>,
}

/// Checks one table. What a bare id of another tool names is still empty where the table does not say.
pub(super) fn read(
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
    let public_url = table.public_url.map(|url| {
        let host = url.get_ref().split_once("://").map_or("", |(_, host)| host);
        if !is_web_address(url.get_ref()) || host.contains(['/', '?', '#']) {
            let help = "scheme and host without a path, such as https://hooks.ourco.example".to_owned();
            reader.wrong(url.span(), format!("`{}` is not the address of a host", url.get_ref()), help);
        }
        url.into_inner()
    });
    let live_from = table.live_from.and_then(|at| reader.text(&Spanned::new(at.span(), at.get_ref().to_string())));
    let expected_every = table.expected_every.and_then(|days| {
        let good = u16::try_from(*days.get_ref()).ok().filter(|good| (1..=MOST_DAYS_APART).contains(good));
        if good.is_none() {
            let help = "the longest that it is silent when all is well, a weekend included, such as 3".to_owned();
            reader.wrong(days.span(), format!("a whole number of days from 1 to {MOST_DAYS_APART}"), help);
        }
        good
    });
    let max_body_bytes = table.max_body_bytes.map_or(MAX_BODY_BYTES, |bytes| {
        if !(1..=MOST_BODY_BYTES).contains(bytes.get_ref()) {
            reader.wrong(bytes.span(), format!("a body is between 1 and {MOST_BODY_BYTES} bytes"), None);
        }
        usize::try_from(bytes.into_inner()).unwrap_or(MAX_BODY_BYTES)
    });
    let account_ids = table.accounts.map(|accounts| account_type(reader, accounts, tools)).unwrap_or_default();
    let Some(tool) = tools.iter().find(|tool| tool.name == table.tool.get_ref()) else {
        reader.unknown(&table.tool, "a tool", tools.iter().map(|tool| tool.name));
        return None;
    };
    let currency = currency(reader, name, table.currency, tool);
    let api_url = api_url(reader, table.api_url, tool);
    let complete = complete(reader, &table.complete, tool);
    let renewals = table.renewals.and_then(|table| renewals(reader, table, tool));
    let objects = mapping(reader, table.map, tool);
    Some(Connection {
        name: parsed?,
        tool: tool.name.to_owned(),
        family: tool.family,
        enabled: table.enabled.unwrap_or(true),
        public_url,
        api: tool.api,
        api_url,
        creates_accounts: table.creates_accounts.unwrap_or(tool.creates_accounts),
        live_from,
        expected_every,
        max_body_bytes,
        mapping: Mapping { objects, currency: currency?, complete, account_ids },
        renewals,
    })
}

fn account_type(reader: &mut Reader<'_>, accounts: Spanned<String>, tools: &[Tool]) -> String {
    let mut known: Vec<&str> = tools.iter().filter_map(|tool| tool.accounts).collect();
    known.sort_unstable();
    known.dedup();
    if !known.contains(&accounts.get_ref().as_str()) {
        reader.unknown(&accounts, "a type of account", known.into_iter());
    }
    accounts.into_inner()
}

/// A tool that feeds no amount needs no currency; what stands in the mapping then is never read.
fn currency(
    reader: &mut Reader<'_>,
    name: &Spanned<String>,
    written: Option<Spanned<String>>,
    tool: &Tool,
) -> Option<Currency> {
    if let Some(written) = written {
        return reader.text(&written);
    }
    if let Some(field) = fields_of(tool).find(|field| field.kind() == ValueKind::Money) {
        let message = format!("connection `{}` has no `currency`", name.get_ref());
        let help = format!("add one, such as `currency = \"EUR\"`: `{field}` can come without a currency of its own");
        reader.wrong(name.span(), message, help);
        return None;
    }
    "USD".parse().ok()
}

fn api_url(reader: &mut Reader<'_>, written: Option<Spanned<String>>, tool: &Tool) -> Option<String> {
    let own = tool.api.and_then(|api| api.url).map(str::to_owned);
    let Some(written) = written else { return own };
    if tool.api.is_none() {
        let message = format!("`{}` says everything itself: no API of it is called", tool.name);
        reader.wrong(written.span(), message, "leave `api_url` out".to_owned());
    } else if !is_web_address(written.get_ref()) || written.get_ref().contains(['?', '#']) {
        let help = "https, or http on this machine, such as https://ourco.zendesk.example".to_owned();
        reader.wrong(written.span(), format!("`{}` is not the address of an API", written.get_ref()), help);
    }
    Some(written.get_ref().trim_end_matches('/').to_owned())
}

fn complete(reader: &mut Reader<'_>, names: &[Spanned<String>], tool: &Tool) -> BTreeSet<Field> {
    let known: BTreeSet<Field> = fields_of(tool).collect();
    let found = names.iter().filter_map(|name| {
        let field = known.iter().copied().find(|field| field.as_str() == name.get_ref());
        if field.is_none() {
            let what = format!("a field of `{}`", tool.name);
            reader.unknown(name, &what, known.iter().map(|field| field.as_str()));
        }
        field
    });
    found.collect()
}

fn fields_of(tool: &Tool) -> impl Iterator<Item = Field> + use<> {
    tool.objects.iter().flat_map(|object| object.fields.iter().copied())
}

fn renewals(reader: &mut Reader<'_>, table: Spanned<RenewalsTable>, tool: &Tool) -> Option<RenewalPipeline> {
    if !tool.objects.iter().any(|object| object.name == "deal") {
        let message = format!("`{}` has no deals, so none of them can be a renewal", tool.name);
        reader.wrong(table.span(), message, "leave the table out".to_owned());
        return None;
    }
    let RenewalsTable { pipelines, won, lost } = table.into_inner();
    for stage in lost.get_ref() {
        if won.get_ref().iter().any(|other| other.get_ref() == stage.get_ref()) {
            reader.wrong(stage.span(), format!("stage `{}` is won as well as lost", stage.get_ref()), None);
        }
    }
    let mut ids = |list: Spanned<Vec<Spanned<String>>>, what: &str| {
        if list.get_ref().is_empty() {
            let help = "the vendor's own ids; in HubSpot: Settings, Objects, Deals, Pipelines, `</>`".to_owned();
            reader.wrong(list.span(), format!("`{what}` names nothing"), help);
        }
        list.into_inner().iter().map(|id| reader.words(id)).collect::<Vec<_>>()
    };
    Some(RenewalPipeline { pipelines: ids(pipelines, "pipelines"), won: ids(won, "won"), lost: ids(lost, "lost") })
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
        if property.get_ref().starts_with(OUR_PROPERTIES) {
            let help = "map the property that people or another tool fill in".to_owned();
            reader.wrong(property.span(), format!("`{}` is written by Barometer itself", property.get_ref()), help);
        }
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
