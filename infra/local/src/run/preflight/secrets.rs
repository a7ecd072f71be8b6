//! What the functions find in SSM: what requests are checked with, what tools are read with, what messages are sent with.
//!
//! A parameter under a customer's own key looks well from here, where whoever deploys may use the key; the functions may not.

use std::sync::Arc;

use config::{Config, Connection};
use model::{Family, Moment};
use runtime::aws::AwsSettings;
use runtime::seam::Seam;
use runtime::secrets::{SecretMap, Secrets};

use super::{account, ok, to_mend};
use crate::api::{CheckRow, CheckState};
use crate::cli::PreflightArgs;

/// Bytes a secret has at least, as in the file of secrets.
const SHORTEST_SECRET: usize = 16;
/// Where messages go with a secret, and which of them does; mail goes by the function's own role.
pub(super) const DESTINATIONS: [(&str, &[&str]); 2] = [("slack", &["token", "webhook"]), ("hubspot", &["token"])];

/// What the requests of a family's connections are checked with.
pub(super) async fn of_family(
    seam: &Seam,
    aws: &AwsSettings,
    config: &Config,
    family: Family,
    args: &PreflightArgs,
    now: Moment,
) -> Vec<CheckRow> {
    let ours = |connection: &&Connection| connection.enabled && connection.family == family;
    let connections: Vec<&Connection> = config.connections.iter().filter(ours).collect();
    if connections.is_empty() {
        return vec![];
    }
    let path = format!("/{}/{family}", args.name);
    let held = match below(seam, aws, &path, now).await {
        Ok(held) => held,
        Err(unread) => return vec![unread],
    };
    let mut rows = Vec::new();
    for connection in connections {
        let about = format!("connection {}", connection.name);
        let secret = format!("{}/secret", connection.name);
        let put = put(aws, &format!("{path}/{secret}"));
        rows.push(match bytes(&held, &secret) {
            None => {
                let mend = format!("{put}, or `enabled = false` under [connection.{}]", connection.name);
                to_mend(&about, "secret", format!("there is no parameter {path}/{secret}"), &mend)
            }
            Some(bytes) if bytes < SHORTEST_SECRET => to_mend(
                &about,
                "secret",
                short(&path, &secret, bytes),
                &format!("{put} --overwrite, and the same at the tool"),
            ),
            Some(_) => ok(&about, "secret", format!("{path}/{secret} is there")),
        });
        let previous = format!("{}/previous", connection.name);
        if let Some(bytes) = bytes(&held, &previous).filter(|bytes| *bytes < SHORTEST_SECRET) {
            let mend = format!("once the tool signs with the other, {}", delete(aws, &format!("{path}/{previous}")));
            rows.push(to_mend(&about, "previous", short(&path, &previous, bytes), &mend));
        }
    }
    rows
}

/// What tools are read with that name objects without what is in them. Without it less is known, and all else works.
pub(super) async fn fetching(
    seam: &Seam,
    aws: &AwsSettings,
    config: &Config,
    args: &PreflightArgs,
    now: Moment,
) -> Vec<CheckRow> {
    let enabled = config.connections.iter().filter(|connection| connection.enabled);
    let fetch: Vec<(&Connection, &str)> =
        enabled.filter_map(|connection| Some((connection, connection.api?.without_token?))).collect();
    if fetch.is_empty() {
        return vec![];
    }
    let path = format!("/{}/fetch", args.name);
    let held = match below(seam, aws, &path, now).await {
        Ok(held) => held,
        Err(unread) => return vec![optional(unread)],
    };
    let row = |(connection, unknown): (&Connection, &str)| {
        let (about, token) = (format!("connection {}", connection.name), format!("{}/token", connection.name));
        match (held.contains_key(&token), &connection.api_url) {
            (false, _) => {
                let says = format!("there is no parameter {path}/{token}: {unknown}");
                optional(to_mend(&about, "token", says, &put(aws, &format!("{path}/{token}"))))
            }
            (true, None) => {
                let mend = format!("add `api_url = \"https://…\"` under [connection.{}]", connection.name);
                to_mend(&about, "token", format!("{path}/{token} is there, and no address to use it at"), &mend)
            }
            (true, Some(_)) => ok(&about, "token", format!("{path}/{token} is there")),
        }
    };
    fetch.into_iter().map(row).collect()
}

/// What messages to a destination are sent with; without it they wait. It is to be mended only where it still stands in the
/// place that earlier versions read.
pub(super) async fn sending(
    seam: &Seam,
    aws: &AwsSettings,
    destination: &str,
    names: &[&str],
    args: &PreflightArgs,
    now: Moment,
) -> Vec<CheckRow> {
    let about = format!("destination {destination}");
    let (old, new) = (format!("/{}/{destination}", args.name), format!("/{}/destinations/{destination}", args.name));
    let after = match below(seam, aws, &new, now).await {
        Ok(after) => after,
        Err(unread) => return vec![optional(unread)],
    };
    // Whoever may not read there deployed no earlier version.
    let before = below(seam, aws, &old, now).await.unwrap_or_default();
    let left = names.iter().filter(|name| before.contains_key(**name) && !after.contains_key(**name));
    let moved: Vec<CheckRow> = left
        .map(|name| {
            let (old, new) = (format!("{old}/{name}"), format!("{new}/{name}"));
            let says = format!("{old} is not read any more, and there is no parameter {new}");
            let mend = format!("{}; after the deployment, {}", put(aws, &new), delete(aws, &old));
            to_mend(&about, "secret", says, &mend)
        })
        .collect();
    if !moved.is_empty() {
        return moved;
    }
    vec![match names.iter().find(|name| after.contains_key(**name)) {
        Some(name) => ok(&about, "secret", format!("{new}/{name} is there")),
        None => {
            let says = format!("there is no parameter {new}/token: what is for it stays in the outbox");
            optional(to_mend(&about, "secret", says, &put(aws, &format!("{new}/token"))))
        }
    }]
}

/// The parameters below a path, or what is said where they cannot be read.
async fn below(seam: &Seam, aws: &AwsSettings, path: &str, now: Moment) -> Result<Arc<SecretMap>, CheckRow> {
    Secrets::in_ssm(seam, aws, path).get(now).await.map_err(|error| {
        let mend = format!("allow ssm:GetParametersByPath on parameter{path} to whoever deploys");
        to_mend(&format!("secrets {path}"), account::ANSWER, error.to_string(), &mend)
    })
}

/// A row that keeps nobody from deploying.
fn optional(row: CheckRow) -> CheckRow {
    CheckRow { state: CheckState::NotAsked, ..row }
}

fn bytes(held: &SecretMap, name: &str) -> Option<usize> {
    held.get(name).map(|secret| secret.reveal().len())
}

fn short(path: &str, name: &str, bytes: usize) -> String {
    format!("{path}/{name} has {bytes} bytes, which could be guessed; {SHORTEST_SECRET} are the least")
}

fn put(aws: &AwsSettings, parameter: &str) -> String {
    format!("aws ssm put-parameter --region {} --type SecureString --name {parameter} --value …", aws.region)
}

fn delete(aws: &AwsSettings, parameter: &str) -> String {
    format!("aws ssm delete-parameter --region {} --name {parameter}", aws.region)
}
