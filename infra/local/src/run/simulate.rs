//! `barometer simulate`: sends sample deliveries over HTTP, signed as the vendor signs them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::secrets::SecretsFile;
use jiff::SignedDuration;
use model::{ConnectionName, Moment};
use serde::Serialize;

use super::Surroundings;
use crate::api::{ClockNow, ConnectionRow, Status, route};
use crate::cli::SimulateArgs;
use crate::client::{Client, install_tls};
use crate::failure::Failure;
use crate::samples::{self, BOOK, Phase, SampleDelivery, When};
use crate::secrets;

/// How long another installation may take to answer one delivery.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long the baseline of the book may take to settle before its changes are sent, in milliseconds.
const BASELINE_MS: u64 = 60_000;

/// Where deliveries go and what they are signed with.
#[derive(Debug)]
pub(crate) struct Target {
    http: reqwest::Client,
    /// Scheme and host, or the whole address of one webhook.
    base: reqwest::Url,
    connections: Vec<ConnectionRow>,
    secrets: SecretsFile,
    file: PathBuf,
}

/// What one delivery was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Answer {
    name: String,
    connection: String,
    bytes: usize,
    /// The HTTP status; `None` when there was no answer.
    pub(crate) status: Option<u16>,
    /// Why there was none.
    pub(crate) error: Option<String>,
}

impl Answer {
    /// The delivery is in the journal now, or was before.
    pub(crate) fn accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, &self.error) {
            (Some(status), _) => write!(f, "{status}"),
            (None, Some(error)) => write!(f, "nothing: {error}"),
            (None, None) => f.write_str("nothing"),
        }
    }
}

/// Carries the command out.
pub(super) async fn simulate(here: &Surroundings, args: &SimulateArgs) -> Result<(), miette::Report> {
    if args.list {
        return list(here);
    }
    if let Some(url) = &args.to {
        let file = here.global.secrets_file();
        let target = Target::elsewhere(url, &file)?;
        return send_all(here, args, &target, here.now, 0, None).await;
    }
    let session = Client::connect_or_start(&here.global, here.serve).await?;
    let sent = async {
        let client = &session.client;
        let status: Status = client.get(route::STATUS).await?;
        let ClockNow { now, .. } = client.get(route::CLOCK).await?;
        // What comes later is said later, also while the clock stands.
        let sequence = u32::try_from(status.deliveries).unwrap_or(u32::MAX);
        let target = Target::local(client, status.connections, &session.secrets)?;
        send_all(here, args, &target, now, sequence, Some(client)).await
    };
    let sent = sent.await;
    let closed = session.close().await;
    sent.and(closed)
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    about: &'a str,
    connection: &'a str,
    in_book: bool,
}

fn list(here: &Surroundings) -> Result<(), miette::Report> {
    let index = samples::index()?;
    let rows: Vec<Listed<'_>> = index
        .iter()
        .map(|sample| Listed {
            name: &sample.name,
            about: &sample.about,
            connection: sample.connection.as_str(),
            in_book: sample.phase.is_some(),
        })
        .collect();
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    here.answer(&rows, |rows| {
        let line = |row: &Listed<'_>| {
            format!("{:<width$}  {}{}\n", row.name, row.about, if row.in_book { " · in the book" } else { "" })
        };
        rows.iter().map(line).collect()
    })?;
    Ok(())
}

async fn send_all(
    here: &Surroundings,
    args: &SimulateArgs,
    target: &Target,
    now: Moment,
    sequence: u32,
    settling: Option<&Client>,
) -> Result<(), miette::Report> {
    let late = args.late.map_or(SignedDuration::ZERO, |late| late.0);
    let seed = args.seed.unwrap_or_else(|| here.now.as_millis().unsigned_abs());
    if args.shuffle || args.random.is_some() {
        eprintln!("seed {seed} (repeat with --seed {seed})");
    }
    let mut when = When { now, late, sequence };
    let mut deliveries = Vec::new();
    for name in &args.names {
        let mut samples = samples::by_name(name)?;
        if name == BOOK {
            let left_out = target.keep_what_it_takes(&mut samples, |sample| &sample.connection);
            for connection in left_out {
                eprintln!("left out: what comes from `{connection}`, which is not set up here");
            }
        }
        for sample in samples {
            deliveries.push(sample.at(&when)?);
            when.sequence = when.sequence.saturating_add(1);
        }
    }
    deliveries.extend(samples::random(seed, args.random.unwrap_or(0), &when)?);
    let times = usize::try_from(args.duplicate).unwrap_or(usize::MAX).saturating_add(1);
    let mut deliveries: Vec<&SampleDelivery> =
        deliveries.iter().flat_map(|delivery| std::iter::repeat_n(delivery, times)).collect();
    if args.shuffle {
        samples::shuffle(&mut deliveries, seed);
    }
    let mut answers = Vec::with_capacity(deliveries.len());
    let mut before = None;
    for delivery in deliveries {
        if let Some(client) = settling.filter(|_| !args.shuffle && opens_changes(before, delivery.phase)) {
            client.settle(BASELINE_MS).await?;
        }
        before = delivery.phase;
        let answer = post(target, delivery, now).await?;
        if !here.global.json {
            here.print(&format!("{answer}  {}  {} bytes to {}\n", answer.name, answer.bytes, answer.connection))?;
        }
        answers.push(answer);
    }
    if here.global.json {
        here.answer(&answers, |_| String::new())?;
    }
    let refused = answers.iter().filter(|answer| !answer.accepted()).count();
    if refused > 0 {
        return Err(Failure::NotAccepted { refused, sent: answers.len() }.into());
    }
    Ok(())
}

/// The baseline of the book ends here: its changes are news only once it is settled.
fn opens_changes(before: Option<Phase>, now: Option<Phase>) -> bool {
    before == Some(Phase::Baseline) && now == Some(Phase::Change)
}

impl Target {
    /// The host on this machine.
    pub(crate) fn local(client: &Client, connections: Vec<ConnectionRow>, file: &Path) -> Result<Self, miette::Report> {
        let (http, address) = client.host().ok_or(Failure::NotOnAws)?;
        let base = format!("http://{address}");
        let base = reqwest::Url::parse(&base).map_err(|_| Failure::BadUrl { url: base })?;
        Ok(Self { http: http.clone(), base, connections, secrets: secrets::load(file)?, file: file.to_owned() })
    }

    /// Another installation, or one webhook of it.
    fn elsewhere(url: &str, file: &Path) -> Result<Self, miette::Report> {
        let target = Self::at(url)?;
        Ok(Self { secrets: secrets::load(file)?, file: file.to_owned(), ..target })
    }

    /// A deployed stack by one of its addresses, signed with these secrets.
    pub(crate) fn deployed(
        url: &str,
        connections: Vec<ConnectionRow>,
        secrets: &SecretsFile,
    ) -> Result<Self, miette::Report> {
        let file = PathBuf::from("the stack's parameters");
        Ok(Self { connections, secrets: secrets.clone(), file, ..Self::at(url)? })
    }

    /// An address, of which nothing more is known.
    fn at(url: &str) -> Result<Self, miette::Report> {
        let bad = || Failure::BadUrl { url: url.to_owned() };
        let base = reqwest::Url::parse(url).map_err(|_| bad())?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(bad().into());
        }
        install_tls();
        // No tool follows a redirect with its body.
        let http = reqwest::Client::builder().timeout(ANSWER_WITHIN).redirect(reqwest::redirect::Policy::none());
        let http = http.build().map_err(Failure::NoClient)?;
        Ok(Self { http, base, connections: Vec::new(), secrets: SecretsFile::default(), file: PathBuf::new() })
    }

    /// The host on this machine by an address at which tools reach it.
    pub(crate) fn public(url: &str, connections: Vec<ConnectionRow>, file: &Path) -> Result<Self, miette::Report> {
        Ok(Self { connections, ..Self::elsewhere(url, file)? })
    }

    /// Drops what comes from connections that are not set up there; gives their names.
    pub(crate) fn keep_what_it_takes<T>(
        &self,
        samples: &mut Vec<T>,
        connection: impl Fn(&T) -> &ConnectionName,
    ) -> BTreeSet<ConnectionName> {
        let is_taken = |name: &ConnectionName| {
            let listed = || self.connections.iter().any(|row| row.name == *name && row.accepts);
            self.secrets.connections.contains_key(name) && (self.connections.is_empty() || listed())
        };
        let left_out: BTreeSet<_> = samples.iter().map(&connection).filter(|name| !is_taken(name)).cloned().collect();
        samples.retain(|sample| is_taken(connection(sample)));
        left_out
    }

    /// The address a delivery is posted to.
    fn address(&self, delivery: &SampleDelivery) -> reqwest::Url {
        let mut url = self.base.clone();
        if !url.path().contains("/hooks/") {
            let prefix = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{prefix}{}", route::hook(delivery.family, &delivery.connection)));
        }
        url
    }

    /// The address its signature covers: below the connection's public one, else the called one as `https`, which is what
    /// a vendor on the other side of a gateway sees.
    fn signed_address(&self, delivery: &SampleDelivery) -> String {
        let url = self.address(delivery);
        let row = self.connections.iter().find(|row| row.name == delivery.connection);
        if let Some(public) = row.and_then(|row| row.public_url.as_deref()) {
            return format!("{}{}", public.trim_end_matches('/'), url.path());
        }
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("https://{host}{port}{}{query}", url.path())
    }
}

/// Posts one delivery, signed now. Not being accepted is an answer.
pub(crate) async fn post(target: &Target, delivery: &SampleDelivery, now: Moment) -> Result<Answer, Failure> {
    let secret = target.secrets.connections.get(&delivery.connection).map(|it| it.secret.as_str());
    let secret = secret
        .ok_or_else(|| Failure::NoSecret { connection: delivery.connection.to_string(), file: target.file.clone() })?;
    let mut request = target.http.post(target.address(delivery));
    let covered = target.signed_address(delivery);
    for (name, value) in samples::signed_by(delivery.tool, &delivery.body, &covered, secret, now) {
        request = request.header(name, value);
    }
    let sent = request.body(delivery.body.clone()).send().await;
    let (status, error) = match sent {
        Ok(answer) => (Some(answer.status().as_u16()), None),
        Err(error) => (None, Some(error.without_url().to_string())),
    };
    Ok(Answer {
        name: delivery.name.clone(),
        connection: delivery.connection.to_string(),
        bytes: delivery.body.len(),
        status,
        error,
    })
}
