use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{get, post};
use clap::Parser;
use connectors::{Secrets, SigningSecret, Unverified};
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::api::{AccountRow, BandCounts, ClockMode, ConnectionRow, OutboxRow, Settled, Status};
use crate::options::{Serving, UpOptions};

const NOW: &str = "2026-11-21T09:00:00Z";

/// What a host without a product behind it was sent, in order: bodies, and `settle` where it was asked to settle.
#[derive(Default)]
struct Seen {
    log: Mutex<Vec<String>>,
    secret: String,
}

impl Seen {
    fn note(&self, what: impl Into<String>) {
        self.log.lock().unwrap().push(what.into());
    }

    fn bodies(&self) -> usize {
        self.log.lock().unwrap().iter().filter(|entry| *entry != "settle").count()
    }
}

fn settled(quiet: bool) -> Settled {
    let waiting = u64::from(!quiet);
    Settled { quiet, waiting_records: waiting, waiting_messages: 0, dead_letters: 0, next_visible_at: None }
}

/// Takes a webhook as the gateway would: what its signature covers is `https`, the host that was called and the path.
async fn hook(State(seen): State<Arc<Seen>>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let named: BTreeMap<String, String> =
        headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let url = format!("https://{}{}", named["host"], uri.path());
    let secrets = Secrets { current: SigningSecret::new(&seen.secret).ok(), previous: None };
    let received_at = NOW.parse().unwrap();
    let request = Unverified { method: "POST", url: &url, headers: &named, body: &body, received_at };
    let connector = connectors::by_name("hubspot-workflow").unwrap();
    if connector.verify(&request, &secrets).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    seen.note(String::from_utf8(body.to_vec()).unwrap());
    StatusCode::OK
}

fn status(seen: &Seen, address: SocketAddr) -> Status {
    let hubspot = ConnectionRow {
        name: "hubspot".parse().unwrap(),
        tool: "hubspot-workflow".into(),
        family: model::Family::Crm,
        accepts: true,
        public_url: None,
    };
    Status {
        address,
        version: "0".into(),
        clock: clock_now(),
        model: "m@0".into(),
        bands: BandCounts::default(),
        deliveries: seen.bodies().try_into().unwrap(),
        quarantined: 0,
        unmatched: 0,
        erasures_pending: 0,
        outbox: BTreeMap::new(),
        paused_at: None,
        modes: Vec::new(),
        connections: vec![hubspot],
    }
}

fn clock_now() -> ClockNow {
    ClockNow { now: NOW.parse().unwrap(), mode: ClockMode::Frozen }
}

fn serve(options: UpOptions, ready: oneshot::Sender<SocketAddr>, stop: oneshot::Receiver<()>) -> Serving {
    Box::pin(async move {
        let hubspot = crate::secrets::Needs { connection: "hubspot".parse().unwrap(), without_token: None };
        let secrets = crate::secrets::load_or_create(&options.secrets, &[hubspot])?;
        let secret = secrets.connections.values().next().unwrap().secret.clone();
        let seen = Arc::new(Seen { secret, ..Seen::default() });
        let listener = tokio::net::TcpListener::bind(options.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let settle = |State(seen): State<Arc<Seen>>, Json(request): Json<crate::api::SettleRequest>| async move {
            seen.note("settle");
            Json(settled(request.timeout_ms > 1_000))
        };
        let app = axum::Router::new()
            .route("/hooks/crm/hubspot", post(hook))
            .route(route::STATUS, get(move |State(seen): State<Arc<Seen>>| async move { Json(status(&seen, address)) }))
            .route(route::CLOCK, get(|| async { Json(clock_now()) }))
            .route(route::ACCOUNTS, get(|| async { Json(Vec::<AccountRow>::new()) }))
            .route(route::OUTBOX, get(|| async { Json(Vec::<OutboxRow>::new()) }))
            .route(route::SETTLE, post(settle))
            .with_state(Arc::clone(&seen));
        let _ = ready.send(address);
        let stopped = async {
            let _ = stop.await;
        };
        axum::serve(listener, app).with_graceful_shutdown(stopped).await.unwrap();
        let log = seen.log.lock().unwrap();
        std::fs::write(options.data.join("seen.json"), serde_json::to_string(&*log).unwrap()).unwrap();
        Ok(())
    })
}

/// A command line in a folder, with what it answers.
struct Shell {
    folder: tempfile::TempDir,
    said: Arc<Mutex<String>>,
}

impl Shell {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), said: Arc::default() }
    }

    fn parse(&self, line: &str) -> (Surroundings, Command) {
        let data = self.folder.path().to_str().unwrap();
        let words = ["barometer", "--data", data].into_iter().chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).unwrap();
        let said = Arc::clone(&self.said);
        let out: Out = Arc::new(move |text| {
            said.lock().unwrap().push_str(text);
            Ok(())
        });
        let now = NOW.parse().unwrap();
        let here = Surroundings { global: cli.global, now, serve, style: Style::Plain, out };
        (here, cli.command.unwrap_or_default())
    }

    async fn run(&self, line: &str) -> Result<String, miette::Report> {
        let (here, command) = self.parse(line);
        let done = carry_out(&here, command).await;
        let said = std::mem::take(&mut *self.said.lock().unwrap());
        done.map(|()| said)
    }

    /// What the last host saw.
    fn seen(&self) -> Vec<String> {
        serde_json::from_str(&std::fs::read_to_string(self.folder.path().join("seen.json")).unwrap()).unwrap()
    }
}

/// The sentiment of a company's body.
fn sentiment(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["properties"]["csm_sentiment"]["value"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn samples_are_signed_posted_and_answered_one_by_one() {
    let shell = Shell::new();
    let said = shell.run("simulate nordwind-sentiment-red kestrel-sentiment-green --duplicate 1").await.unwrap();
    assert_eq!(said.lines().filter(|line| line.starts_with("200  ")).count(), 4, "{said}");
    let seen = shell.seen();
    let sentiments: Vec<String> = seen.iter().filter(|entry| *entry != "settle").map(|body| sentiment(body)).collect();
    assert_eq!(sentiments, ["red", "red", "green", "green"]);
    assert_eq!(seen[0], seen[1], "a duplicate is the same bytes");
    assert_eq!(seen.last().map(String::as_str), Some("settle"), "what it set off is finished before the host ends");
}

#[tokio::test]
async fn the_baseline_of_the_book_settles_before_its_changes() {
    let shell = Shell::new();
    shell.run("simulate book --json").await.unwrap();
    let seen = shell.seen();
    let at = seen.iter().position(|entry| entry == "settle").unwrap();
    assert!(seen[at + 1].contains("Nordwind") && sentiment(&seen[at + 1]) == "red", "{}", seen[at + 1]);
    assert!(seen[..at].iter().any(|body| body.contains("Nordwind") && sentiment(body) == "green"));
}

#[tokio::test]
async fn a_seed_repeats_an_order() {
    let order = async |line: &str| {
        let shell = Shell::new();
        shell.run(line).await.unwrap()
    };
    let first = order("simulate book --random 5 --shuffle --seed 7").await;
    assert_eq!(first, order("simulate book --random 5 --shuffle --seed 7").await);
    assert_ne!(first, order("simulate book --random 5 --shuffle --seed 8").await);
}

#[tokio::test]
async fn what_is_not_accepted_makes_the_command_fail() {
    let shell = Shell::new();
    shell.run("accounts").await.unwrap();
    let other = shell.folder.path().join("other.toml");
    std::fs::write(&other, "[connections.hubspot]\nsecret = \"not the one that is used there\"\n").unwrap();
    let host = Client::connect_or_start(&shell.parse("accounts").0.global, serve).await.unwrap();
    let to = format!("http://{}", host.client.host().unwrap().1);
    let line = format!("simulate nordwind-healthy --to {to} --secrets {}", other.display());
    let report = format!("{:?}", shell.run(&line).await.unwrap_err());
    assert!(report.contains("1 of 1 deliveries were not accepted") && report.contains("401"), "{report}");
    let right = shell.folder.path().join("secrets.toml");
    for to in [to.clone(), format!("{to}/hooks/crm/hubspot")] {
        let line = format!("simulate nordwind-healthy --to {to} --secrets {}", right.display());
        assert!(shell.run(&line).await.unwrap().starts_with("200  nordwind-healthy"), "{to}");
    }
    host.close().await.unwrap();
}

#[tokio::test]
async fn an_address_or_a_secret_that_is_missing_is_named() {
    let shell = Shell::new();
    let fails = async |line: &str| format!("{:?}", shell.run(line).await.unwrap_err());
    let report = fails("simulate nordwind-healthy --to nowhere").await;
    assert!(report.contains("`nowhere` is not an address"), "{report}");
    let report = fails("simulate nordwind-healthy --to http://127.0.0.1:1").await;
    assert!(report.contains("secrets.toml"), "{report}");
    let report = fails("simulate nordwind-blue").await;
    assert!(report.contains("did you mean `nordwind-"), "{report}");
}

#[tokio::test]
async fn settle_fails_while_something_is_in_flight() {
    let shell = Shell::new();
    assert!(shell.run("settle").await.unwrap().contains("Nothing is in flight"));
    let report = format!("{:?}", shell.run("settle --timeout 1s").await.unwrap_err());
    assert!(report.contains("still in flight after 1s: 1 stream record"), "{report}");
}

#[tokio::test]
async fn json_is_the_answer_as_it_came() {
    let shell = Shell::new();
    let said = shell.run("clock show --json").await.unwrap();
    assert_eq!(serde_json::from_str::<ClockNow>(&said).unwrap(), clock_now());
    assert_eq!(shell.run("accounts --json").await.unwrap().trim(), "[]");
    let samples: serde_json::Value = serde_json::from_str(&shell.run("simulate --list --json").await.unwrap()).unwrap();
    assert!(samples.as_array().unwrap().iter().any(|sample| sample["name"] == "nordwind-healthy"));
}

/// Runs `up` until it has said that it is ready, then asks it to stop.
async fn up(shell: &Shell, line: &str) -> (String, Result<(), miette::Report>) {
    let (ask, asked) = mpsc::channel(1);
    let (mut here, command) = shell.parse(line);
    let Command::Up(args) = command else { panic!("not up") };
    let inner = Arc::clone(&here.out);
    here.out = Arc::new(move |text| {
        let _ = ask.try_send(());
        inner(text)
    });
    let ended = up::up(&here, &args, Stop::on(asked)).await;
    (std::mem::take(&mut *shell.said.lock().unwrap()), ended)
}

#[tokio::test]
async fn up_says_one_line_when_it_is_ready_and_ends_in_good_order_when_asked() {
    let shell = Shell::new();
    let (said, ended) = up(&shell, "up --listen 127.0.0.1:0 --empty").await;
    ended.unwrap();
    assert!(said.starts_with("ready http://127.0.0.1:") && said.lines().count() == 1, "{said}");
    assert!(shell.seen().is_empty(), "an empty start posts nothing");
    assert!(shell.folder.path().join("secrets.toml").exists());
}

#[tokio::test]
async fn the_first_up_opens_the_book_one_delivery_after_the_other() {
    let shell = Shell::new();
    up(&shell, "up --listen 127.0.0.1:0").await.1.unwrap();
    let seen = shell.seen();
    let mut book = crate::samples::book(NOW.parse().unwrap()).unwrap();
    book.retain(|delivery| delivery.connection.as_str() == "hubspot");
    let posted = seen.iter().filter(|entry| *entry != "settle").count();
    assert_eq!(posted, book.len(), "what comes from connections that are not set up is left out");
    assert_eq!(seen.iter().filter(|entry| *entry == "settle").count(), posted, "each is judged by itself");
    assert_eq!(seen.last().map(String::as_str), Some("settle"));
}

#[tokio::test]
async fn a_second_up_on_a_folder_names_the_first() {
    let shell = Shell::new();
    let (here, _) = shell.parse("accounts");
    let host = Client::connect_or_start(&here.global, serve).await.unwrap();
    let (_, ended) = up(&shell, "up --listen 127.0.0.1:0 --empty").await;
    let report = format!("{:?}", ended.unwrap_err());
    assert!(report.contains(&host.client.host().unwrap().1.to_string()), "{report}");
    host.close().await.unwrap();
}

#[tokio::test]
async fn the_configuration_of_the_last_up_counts_for_hosts_that_commands_start() {
    let shell = Shell::new();
    let config = shell.folder.path().join("mine");
    up(&shell, &format!("up --listen 127.0.0.1:0 --empty --config {}", config.display())).await.1.unwrap();
    let lock = crate::lock::Lock::acquire(shell.folder.path()).unwrap();
    assert_eq!(lock.content().config.as_deref(), Some(config.as_path()));
}

#[tokio::test]
async fn what_a_host_could_not_start_with_is_not_remembered() {
    let shell = Shell::new();
    let secrets = shell.folder.path().join("broken.toml");
    std::fs::write(&secrets, "nonsense").unwrap();
    let line = format!("up --listen 127.0.0.1:0 --empty --secrets {}", secrets.display());
    assert!(up(&shell, &line).await.1.is_err());
    shell.run("accounts").await.unwrap();
}

#[tokio::test]
async fn check_passes_what_is_built_in_and_names_what_is_wrong() {
    let shell = Shell::new();
    let said = shell.run("check").await.unwrap();
    assert!(said.contains("the built-in configuration is right: 4 connections"), "{said}");
    let mine = shell.folder.path().join("mine");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &mine);
    assert!(shell.run(&format!("check --config {}", mine.display())).await.is_ok());
    let profile = mine.join("health/crm-and-tickets.toml");
    let health = std::fs::read_to_string(&profile).unwrap();
    std::fs::write(&profile, health.replace("green = 100", "green = 101")).unwrap();
    let report = format!("{:?}", shell.run(&format!("check --config {}", mine.display())).await.unwrap_err());
    assert!(report.contains("crm-and-tickets.toml:"), "{report}");
    std::fs::write(&profile, health.replace("red = 0", "red = 100")).unwrap();
    let report = format!("{:?}", shell.run(&format!("check --config {}", mine.display())).await.unwrap_err());
    assert!(report.contains("examples do not hold") && report.contains("risk-mitigation"), "{report}");
}

#[tokio::test]
async fn check_looks_at_the_secrets_where_there_are_any() {
    let shell = Shell::new();
    let file = shell.folder.path().join("s.toml");
    std::fs::write(&file, "[connections.hubspto]\nsecret = \"sixteen bytes or more of it\"\n").unwrap();
    let report = format!("{:?}", shell.run(&format!("check --secrets {}", file.display())).await.unwrap_err());
    assert!(report.contains("hubspot") && !report.contains("sixteen bytes"), "{report}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
