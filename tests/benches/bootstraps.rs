//! The functions as AWS runs them, beside one that does nothing: processor time to the first answer and for each one after
//! it, memory, size, calls to the store.
//!
//! `make bench` builds them, starts each as Lambda would, against a Runtime API and an AWS of its own (over TLS, as the
//! real one), in rounds that take turns, and prints ratios to the empty function of the same round: the numbers are this
//! machine's, the ratios are what to watch. `cargo bench -p tests --bench bootstraps -- --check` measures those that have
//! limits alone, in half a minute, and fails where one is over; no limit is a time. Processor time is little touched by
//! what else runs, and less so its ratio within a round; of many rounds the middle one counts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench may fail loudly, and it prints"
)]

mod stubs;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::stubs::{Aws, RuntimeApi};

/// Rounds, an odd number of which counts; the first one warms up and does not. A check takes more, of fewer functions.
const ROUNDS: usize = 8;
const ROUNDS_OF_A_CHECK: usize = 16;
/// Answers after the first, over which the processor time of one is measured.
const WARM: usize = 300;

/// What a webhook's function may cost, as ratios to the empty one, in bytes, and in calls for each webhook.
const MOST_FIRST: f64 = 3.0;
/// What is wanted of a later answer, on a machine that does nothing else. It is 3.7 to 4.0 there (on 2026-11-23, most of it the
/// SDK's), and half as much again beside other work, so that the limit only keeps it from growing.
const WANTED_WARM: f64 = 4.0;
const MOST_WARM: f64 = 6.5;
const MOST_MEMORY: f64 = 3.0;
const MOST_ZIP: u64 = 2_500_000;
const CALLS: f64 = 1.0;

/// The function that does nothing: `functions/mail-event/examples/empty.rs`.
const EMPTY: &str = "empty";
/// The function that the limits are for.
const LIMITED: &str = "webhook";
/// The nth event that a function gets.
type Event = fn(usize) -> Value;
/// The functions, and what each is asked.
const FUNCTIONS: [(&str, Event); 11] = [
    (EMPTY, webhook),
    (LIMITED, webhook),
    ("normalize", batch),
    ("health", batch),
    ("publish", batch),
    ("clock", minute),
    ("slack-alert", batch),
    ("crm-task", batch),
    ("email-nudge", batch),
    ("mail-event", batch),
    ("fetch-object", batch),
];

/// Properties of a company in a webhook: with them its body has 2.8 kB.
const PROPERTIES: usize = 35;

/// The nth of many different webhooks, signed: an event of 4 kB.
fn webhook(n: usize) -> Value {
    let properties: serde_json::Map<_, _> = (0..PROPERTIES)
        .map(|at| {
            let changed = 1_795_000_000_000 + at * 977 + n;
            (format!("property_{at}"), json!({ "value": format!("value {} of {n}", at * 7919), "timestamp": changed }))
        })
        .collect();
    let body = json!({ "objectType": "COMPANY", "objectId": n, "properties": properties }).to_string();
    let url = format!("https://{}/hooks/crm/hubspot", tests::HOST);
    let headers: serde_json::Map<_, _> = barometer::samples::signed(body.as_bytes(), &url, tests::SECRET)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    json!({
        "version": "2.0", "rawPath": "/hooks/crm/hubspot", "rawQueryString": "", "body": body, "isBase64Encoded": false,
        "headers": headers,
        "requestContext": {
            "domainName": tests::HOST, "timeEpoch": now_ms(),
            "http": { "method": "POST" },
        },
    })
}

/// A function compares what it read when it started, by the system's clock, with the moment of an event.
#[expect(clippy::disallowed_methods, reason = "the functions that are measured run by the same clock")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_millis()).unwrap()
}

/// A batch with nothing in it: what a function costs before it does anything.
fn batch(_: usize) -> Value {
    json!({ "Records": [] })
}

fn minute(_: usize) -> Value {
    json!({ "scheduled_at": "2026-11-23T09:00:00Z" })
}

/// What one start of a function cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Processor time until it asked for the second event, in ms.
    first_ms: f64,
    /// The part of it since it asked for the first one: what a small function is slowed down for.
    event_ms: f64,
    /// Processor time of one answer after that, in ms.
    warm_ms: f64,
    /// The most memory it held, in MiB.
    memory_mib: f64,
    /// Calls to DynamoDB for each event.
    calls: f64,
}

/// Ends the process with whoever holds it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(binary: &Path, api: &RuntimeApi, aws: &Aws) -> Self {
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/config");
        let child = Command::new(binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_ENDPOINT_URL", aws.url())
            .env("SSL_CERT_FILE", aws.certificate())
            .envs([("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "bench"), ("AWS_SECRET_ACCESS_KEY", "bench")])
            .envs([("AWS_LAMBDA_FUNCTION_NAME", "bench"), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")])
            .envs([("AWS_LAMBDA_FUNCTION_VERSION", "1"), ("FAMILY", "crm"), ("BAROMETER_CONFIG", config)])
            .envs([("BAROMETER_JOURNAL_TABLE", "journal"), ("BAROMETER_ACCOUNTS_TABLE", "accounts")])
            .env("BAROMETER_BUS", "barometer")
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("{}: {error}", binary.display())))
    }

    /// The processor time it has used, in ms, as the kernel's clock of the process tells it. What stands below `/proc` is in
    /// hundredths of a second, and the clock of another process cannot be read in safe Rust; Python reads it.
    fn cpu_ms(&self) -> f64 {
        let read = "import sys, time; print(time.clock_gettime(~int(sys.argv[1]) << 3 | 2))";
        let told =
            Command::new("python3").args(["-c", read, &self.0.id().to_string()]).output().expect("python3 is there");
        let seconds = String::from_utf8_lossy(&told.stdout).trim().parse::<f64>();
        seconds.unwrap_or_else(|_| panic!("no clock: {}", String::from_utf8_lossy(&told.stderr))) * 1e3
    }

    fn memory_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        // The most it ever held; where the system does not say, what it holds now.
        let line = ["VmHWM:", "VmRSS:"].iter().find_map(|name| status.lines().find_map(|line| line.strip_prefix(name)));
        line.unwrap().trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

fn run(binary: &Path, event: Event, aws: &Arc<Aws>) -> Cost {
    let api = RuntimeApi::start();
    let calls = aws.calls();
    let running = Running::start(binary, &api, aws);
    let answer = |n| {
        let told = api.answer(&event(n).to_string());
        assert!(!told.contains("errorMessage"), "{}: {told}", binary.display());
    };
    api.wait_for_poll();
    let start_ms = running.cpu_ms();
    answer(0);
    api.wait_for_poll();
    let first_ms = running.cpu_ms();
    for n in 1..=WARM {
        answer(n);
        api.wait_for_poll();
    }
    let warm_ms = (running.cpu_ms() - first_ms) / WARM as f64;
    let calls = (aws.calls() - calls) as f64 / (WARM + 1) as f64;
    Cost { first_ms, event_ms: first_ms - start_ms, warm_ms, memory_mib: running.memory_mib(), calls }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What the function weighs as it is uploaded, without its configuration.
fn zip_bytes(binary: &Path) -> u64 {
    let gzip = Command::new("gzip").args(["-9", "-c"]).arg(binary).output().expect("gzip is there");
    gzip.stdout.len() as u64
}

fn target() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target");
    std::env::var_os("CARGO_TARGET_DIR").map_or(default, PathBuf::from).join("lambda")
}

/// The functions to measure: those that are built; for a check those that have limits, which must be.
fn chosen(is_check: bool) -> Vec<(&'static str, PathBuf, Event)> {
    let all = FUNCTIONS.into_iter().map(|(name, event)| {
        let folder = if name == EMPTY { target().join("examples") } else { target() };
        (name, folder.join(name), event)
    });
    let chosen: Vec<_> = if is_check {
        all.filter(|(name, ..)| [EMPTY, LIMITED].contains(name)).collect()
    } else {
        all.filter(|(name, binary, _)| *name == EMPTY || binary.exists()).collect()
    };
    let missing: Vec<_> = chosen.iter().filter(|(_, binary, _)| !binary.exists()).map(|(name, ..)| *name).collect();
    if !missing.is_empty() || chosen.len() < 2 {
        println!(
            "nothing to measure: {} has no {}; build with\n  cargo build --profile lambda -p {LIMITED} --bin {LIMITED} --example {EMPTY}",
            target().display(),
            if missing.is_empty() { LIMITED.to_owned() } else { missing.join(" and no ") },
        );
        std::process::exit(i32::from(is_check));
    }
    chosen
}

fn main() {
    let is_check = std::env::args().any(|argument| argument == "--check");
    let built = chosen(is_check);
    let aws = Aws::start();
    let mut rounds: Vec<Vec<Cost>> = Vec::new();
    for _ in 0..if is_check { ROUNDS_OF_A_CHECK } else { ROUNDS } {
        rounds.push(built.iter().map(|(_, binary, event)| run(binary, *event, &aws)).collect());
    }
    let counted = &rounds[1..];
    let of = |at: usize, value: fn(&Cost) -> f64| median(counted.iter().map(|round| value(&round[at])).collect());
    let ratio = |at: usize, value: fn(&Cost) -> f64| {
        median(counted.iter().map(|round| value(&round[at]) / value(&round[0])).collect())
    };
    println!("medians of {} rounds; ratios are to the empty function in the same round\n", counted.len());
    println!(
        "function        first ms   ratio   of it in the event   warm ms   ratio   MiB   ratio     zip kB   calls/event"
    );
    let (mut over, mut above) = (Vec::new(), Vec::new());
    for (at, (name, binary, _)) in built.iter().enumerate() {
        let (first, warm, memory) = (ratio(at, |c| c.first_ms), ratio(at, |c| c.warm_ms), ratio(at, |c| c.memory_mib));
        let (zip, calls) = (zip_bytes(binary), of(at, |c| c.calls));
        println!(
            "{name:<14} {:>9.2} {first:>7.2} {:>20.2} {:>9.3} {warm:>7.2} {:>5.1} {memory:>7.2} {:>10} {calls:>13.2}",
            of(at, |c| c.first_ms),
            of(at, |c| c.event_ms),
            of(at, |c| c.warm_ms),
            of(at, |c| c.memory_mib),
            zip / 1000,
        );
        if *name == LIMITED {
            if warm > WANTED_WARM {
                above.push(format!(
                    "{name}: a later answer takes {warm:.2} times the empty one; {WANTED_WARM} is wanted"
                ));
            }
            let limits = [
                (
                    first > MOST_FIRST,
                    format!("the first answer takes {first:.2} times the empty one; at most {MOST_FIRST}"),
                ),
                (warm > MOST_WARM, format!("a later one {warm:.2} times; at most {MOST_WARM}")),
                (memory > MOST_MEMORY, format!("memory is {memory:.2} times; at most {MOST_MEMORY}")),
                (calls != CALLS, format!("{calls} calls to the tables for a webhook; {CALLS} it should be")),
            ];
            over.extend(limits.into_iter().filter(|(is_over, _)| *is_over).map(|(_, what)| format!("{name}: {what}")));
        }
        if zip > MOST_ZIP && *name == LIMITED {
            over.push(format!("{name}: {zip} bytes as a zip; at most {MOST_ZIP}"));
        }
    }
    for what in &above {
        println!("\nabove what is wanted: {what}");
    }
    for what in &over {
        println!("\nover its limit: {what}");
    }
    if is_check && !over.is_empty() {
        std::process::exit(1);
    }
}
