//! The file of secrets: one per connection and per destination. It never stands beside the other files.

use std::collections::BTreeMap;
use std::fmt;

use model::ConnectionName;
use serde::Deserialize;
use toml::Spanned;

use crate::modes::{DESTINATIONS, WITH_ADDRESSES};
use crate::reading::{Reader, Table, is_web_address, nearest};
use crate::{Config, Connection, Problem, Problems};

/// All secrets of an installation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretsFile {
    /// What inbound requests are checked with.
    pub connections: BTreeMap<ConnectionName, ConnectionSecrets>,
    /// What outbound calls are made with, by destination, such as `slack`.
    pub destinations: BTreeMap<String, DestinationSecrets>,
}

/// What requests of one connection are checked with, and what its API is read with.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionSecrets {
    /// The secret in use.
    pub secret: String,
    /// The one before; accepted as well while the vendor is being changed over.
    pub previous: Option<String>,
    /// What the tool's API is read with; without one, objects that a body only names stay unknown.
    pub token: Option<String>,
}

/// What calls to one destination are made with.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DestinationSecrets {
    /// The token; without one nothing is called.
    pub token: Option<String>,
    /// Of Slack: the address of an incoming webhook, for messages where there is no token. It is a secret: whoever has it
    /// may post.
    pub webhook: Option<String>,
    /// Another address than the vendor's own: https, or http on this machine.
    pub base_url: Option<String>,
    /// Of mail: what calls to Amazon SES are signed with; without it nothing is sent.
    pub aws: Option<AwsKey>,
}

/// A key of AWS, and where it is used.
#[derive(Clone, PartialEq, Eq)]
pub struct AwsKey {
    /// Such as `eu-central-1`.
    pub region: String,
    /// The id, such as `AKIA…`.
    pub access_key_id: String,
    /// The key itself.
    pub secret_access_key: String,
    /// Of a key for some hours: the token that belongs to it.
    pub session_token: Option<String>,
}

impl fmt::Debug for ConnectionSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionSecrets(redacted)")
    }
}

impl fmt::Debug for AwsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsKey(redacted)")
    }
}

impl fmt::Debug for DestinationSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DestinationSecrets(redacted)")
    }
}

/// Bytes a connection's secret has at least: fewer could be guessed.
const SHORTEST_SECRET: usize = 16;
/// The destination that has incoming webhooks.
const SLACK: &str = "slack";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    #[serde(default)]
    connections: Table<ConnectionTable>,
    #[serde(default)]
    destinations: Table<DestinationTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct ConnectionTable {
    secret: Spanned<String>,
    #[serde(default)]
    previous: Option<Spanned<String>>,
    #[serde(default)]
    token: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct DestinationTable {
    #[serde(default)]
    token: Option<Spanned<String>>,
    #[serde(default)]
    webhook: Option<Spanned<String>>,
    #[serde(default)]
    base_url: Option<Spanned<String>>,
    #[serde(default)]
    region: Option<Spanned<String>>,
    #[serde(default)]
    access_key_id: Option<Spanned<String>>,
    #[serde(default)]
    secret_access_key: Option<Spanned<String>>,
    #[serde(default)]
    session_token: Option<Spanned<String>>,
}

/// The four of a key of AWS, by name.
const AWS: [&str; 4] = ["region", "access_key_id", "secret_access_key", "session_token"];

impl DestinationTable {
    fn aws(&self) -> [Option<&Spanned<String>>; 4] {
        [&self.region, &self.access_key_id, &self.secret_access_key, &self.session_token].map(Option::as_ref)
    }

    /// Whole, or not at all.
    fn aws_key(&self) -> Option<AwsKey> {
        let text = |one: Option<&Spanned<String>>| one.map(|text| text.get_ref().clone());
        let [region, id, key, session_token] = self.aws().map(text);
        Some(AwsKey { region: region?, access_key_id: id?, secret_access_key: key?, session_token })
    }
}

/// Reads the file of secrets. Problems never show a value.
///
/// # Errors
/// When it cannot be parsed or holds a key that does not exist.
pub fn parse_secrets(file_name: &str, text: &str) -> Result<SecretsFile, Problems> {
    let mut reader = Reader::new(file_name, text);
    let file = reader.parse::<File>();
    let Some(file) = file else { return Err(Problems(reader.problems.into_iter().map(hide).collect())) };
    let plain = |text: Spanned<String>| text.into_inner();
    let connections = file.connections.into_iter().map(|(name, table)| {
        let secrets = ConnectionSecrets {
            secret: plain(table.secret),
            previous: table.previous.map(plain),
            token: table.token.map(plain),
        };
        (ConnectionName::from_stored(name.into_inner()), secrets)
    });
    let destinations = file.destinations.into_iter().map(|(name, table)| {
        let aws = table.aws_key();
        let DestinationTable { token, webhook, base_url, .. } = table;
        let (token, webhook, base_url) = (token.map(plain), webhook.map(plain), base_url.map(plain));
        let secrets = DestinationSecrets { token, webhook, base_url, aws };
        (name.into_inner(), secrets)
    });
    Ok(SecretsFile { connections: connections.collect(), destinations: destinations.collect() })
}

/// What is missing or wrong in the secrets for this configuration. `text` is what `secrets` was read from, to point
/// at; no problem shows a value.
pub fn check_secrets(config: &Config, secrets: &SecretsFile, file_name: &str, text: &str) -> Vec<Problem> {
    let mut reader = Reader::new(file_name, text);
    for connection in config.connections.iter().filter(|connection| connection.enabled) {
        if !secrets.connections.contains_key(&connection.name) {
            let help =
                format!("add `[connections.{}]` with `secret = \"…\"`, or disable the connection", connection.name);
            let message = format!("connection `{}` has no secret: everything sent to it is refused", connection.name);
            reader.wrong(0..0, message, help);
        }
    }
    if let Some(file) = reader.parse::<File>() {
        for (name, table) in &file.connections {
            if !config.connections.iter().any(|known| known.name.as_str() == name.get_ref()) {
                reader.unknown(name, "a connection", config.connections.iter().map(|known| known.name.as_str()));
            }
            inbound_secret(&mut reader, &table.secret);
            table.previous.iter().for_each(|previous| inbound_secret(&mut reader, previous));
            let known = config.connections.iter().find(|known| known.name.as_str() == name.get_ref());
            if let (Some(known), Some(token)) = (known, &table.token) {
                api_token(&mut reader, known, token);
            }
        }
        for (name, table) in &file.destinations {
            if !DESTINATIONS.contains(&name.get_ref().as_str()) {
                reader.unknown(name, "a destination", DESTINATIONS.into_iter());
            }
            table.token.iter().for_each(|token| {
                no_whitespace(&mut reader, token, "token");
            });
            if let Some(webhook) = &table.webhook {
                incoming_webhook(&mut reader, name.get_ref(), webhook);
            }
            aws_key(&mut reader, name, table);
            if let Some(url) = table.base_url.as_ref().filter(|url| !is_web_address(url.get_ref())) {
                reader.wrong(url.span(), "`base_url` must be https, or http on this machine", None);
            }
        }
    }
    let mut problems: Vec<_> = reader.problems.into_iter().map(hide).collect();
    problems.sort_by_key(|problem| problem.span.start);
    problems
}

/// One warning for each enabled connection that lets something unknown because it has no token for its tool's API.
pub fn missing_tokens(config: &Config, secrets: &SecretsFile, file_name: &str, text: &str) -> Vec<Problem> {
    let enabled = config.connections.iter().filter(|connection| connection.enabled);
    let missing = enabled.filter_map(|connection| {
        let unknown = connection.api?.without_token?;
        let secrets = secrets.connections.get(&connection.name)?;
        secrets.token.is_none().then_some((connection, unknown))
    });
    missing
        .map(|(connection, unknown)| {
            let table = format!("[connections.{}]", connection.name);
            let start = text.find(&table);
            let place = start.map_or(0..0, |start| start..start + table.len());
            let message = format!("connection `{}` has no token: {unknown}", connection.name);
            Problem::at(file_name, text, place, message).help(format!("add `token = \"…\"` under `{table}`"))
        })
        .map(hide)
        .collect()
}

fn api_token(reader: &mut Reader<'_>, connection: &Connection, token: &Spanned<String>) {
    no_whitespace(reader, token, "token");
    if connection.api.is_none() {
        let message = format!("`{}` says everything itself: no API of it is called", connection.tool);
        reader.wrong(token.span(), message, "leave `token` out".to_owned());
    } else if connection.api_url.is_none() {
        let message = format!("connection `{}` has a token but no address to use it at", connection.name);
        let help = format!("add `api_url = \"https://…\"` under `[connection.{}]`", connection.name);
        reader.wrong(token.span(), message, help);
    }
}

fn incoming_webhook(reader: &mut Reader<'_>, destination: &str, webhook: &Spanned<String>) {
    if destination != SLACK {
        let message = format!("`{destination}` has no incoming webhooks");
        reader.wrong(webhook.span(), message, "leave `webhook` out".to_owned());
    } else if no_whitespace(reader, webhook, "webhook") && !is_web_address(webhook.get_ref()) {
        let help = "copy it from the app's page Incoming Webhooks; it begins with https://hooks.slack.com/services/";
        reader.wrong(webhook.span(), "`webhook` is not the address of an incoming webhook", help.to_owned());
    }
}

/// Mail is signed with a key of AWS, and nothing else is.
fn aws_key(reader: &mut Reader<'_>, destination: &Spanned<String>, table: &DestinationTable) {
    let is_mail = destination.get_ref() == WITH_ADDRESSES;
    for (what, text) in AWS.iter().zip(table.aws()).filter_map(|(what, text)| Some((what, text?))) {
        no_whitespace(reader, text, what);
        if !is_mail {
            let message = format!("`{}` is not called with a key of AWS", destination.get_ref());
            reader.wrong(text.span(), message, format!("leave `{what}` out"));
        }
    }
    if !is_mail {
        return;
    }
    if let Some(token) = &table.token {
        let help = "leave it out; SES is called with `region`, `access_key_id` and `secret_access_key`".to_owned();
        reader.wrong(token.span(), "SES knows no token", help);
    }
    let missing: Vec<&str> =
        AWS[..3].iter().zip(table.aws()).filter(|(_, text)| text.is_none()).map(|(w, _)| *w).collect();
    if !missing.is_empty() {
        let message = format!("no mail can be sent without `{}`", missing.join("`, `"));
        let help = "an access key of a user who may do ses:SendEmail: IAM console, Users, Security credentials";
        reader.wrong(destination.span(), message, help.to_owned());
    }
}

fn inbound_secret(reader: &mut Reader<'_>, secret: &Spanned<String>) {
    if no_whitespace(reader, secret, "secret") && secret.get_ref().len() < SHORTEST_SECRET {
        let message = format!("the secret has {} bytes; at least {SHORTEST_SECRET} are needed", secret.get_ref().len());
        reader.wrong(secret.span(), message, "copy it from the tool's settings".to_owned());
    }
}

/// A pasted secret easily carries a blank or a line's end, and then no signature ever fits.
fn no_whitespace(reader: &mut Reader<'_>, value: &Spanned<String>, what: &str) -> bool {
    let good = !value.get_ref().contains(char::is_whitespace);
    if !good {
        reader.wrong(value.span(), format!("the {what} contains whitespace"), "paste it again".to_owned());
    }
    good
}

/// Of a line only the name of a table or the key is shown, where it is certain to be one; a line of a longer text may
/// hold `=` and `[` as well. A message loses what it quotes.
fn hide(problem: Problem) -> Problem {
    let line = problem.excerpt.trim_start();
    let key = problem.excerpt.split_once('=').map(|(key, _)| key);
    let keys = || ["secret", "previous", "token", "webhook", "base_url"].into_iter().chain(AWS);
    let is_key = |key: &str| nearest(key.trim(), keys()).is_some();
    let excerpt = match key {
        _ if line.starts_with("[connections.") || line.starts_with("[destinations.") => problem.excerpt,
        _ if line.is_empty() => problem.excerpt,
        Some(key) if is_key(key) => format!("{key}= (hidden)"),
        Some(_) | None => "(hidden)".to_owned(),
    };
    let message = match (problem.message.find('"'), problem.message.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}(hidden){}", &problem.message[..first], &problem.message[last + 1..])
        }
        _ => problem.message,
    };
    Problem { excerpt, message, ..problem }
}
