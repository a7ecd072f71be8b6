//! The functions as AWS runs them, beside one that does nothing: processor time to the first answer and for each one after
//! it, memory, size, calls to the store.
//!
//! `make bench` builds them, starts each as Lambda would, against a Runtime API and an AWS of its own (over TLS, as the
//! real one), in rounds that take turns, and prints ratios to the empty function of the same round: the numbers are this
//! machine's, the ratios are what to watch. `cargo bench -p tests --bench bootstraps -- --check` takes a minute,
//! most of it for the one that answers webhooks, and fails where a limit is exceeded; no limit is a time. Processor
//! time is little touched by what else runs, and less so its ratio within a round; of many rounds the middle one counts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench may fail loudly, and it prints"
)]

mod stubs;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::stubs::{Aws, RuntimeApi};

/// Rounds, an odd number of which counts; the first one warms up and does not.
const ROUNDS: usize = 8;
/// Of a check: more of the empty function and the webhook's, whose limits are near, fewer of the others.
const ROUNDS_OF_A_CHECK: usize = 12;
const ROUNDS_OF_OTHERS: usize = 4;
/// Later answers, over which the processor time of one is measured: of the three whose limits are near, and of the others.
const WARM: usize = 1_000;
const WARM_OF_OTHERS: usize = 100;
/// For so many of these there is one before them that does not count: what is called for the first time is read from the disk.
const WARM_TO_WARM_UP: usize = 5;

/// What a webhook's function may cost, as ratios to the empty one, and in calls for each webhook.
const MOST_FIRST: f64 = 3.0;
/// Of the first answer, what is done since its event is there; 3.1 to 3.3 on 2026-11-23.
const MOST_EVENT: f64 = 4.5;
/// What that is wanted to take, in ms: all that a function of 128 MB gets of a processor at a time. A longer one is told, and waits
/// for its next turn. Only the ratio is held.
const WANTED_EVENT_MS: f64 = 1.4;
/// Of a later answer, to that of the function that only keeps what it gets. What both do, the SDK's call, is most of it, and takes
/// now more and now less beside the empty one; the rest is ours, and must stay little. On 2026-11-23 it is 1.00 to 1.14.
const MOST_WARM_TO_KEEPS: f64 = 1.25;
/// And to that of the empty one: both call through our seam, which may not become slower unseen. On a machine that does
/// nothing else it is 3.4 to 4.3, 3.8 in the middle of nine checks, and half as much again beside other work. What is wanted is wanted
/// of the middle; where a check finds more, it says so.
const MOST_WARM: f64 = 6.5;
const WANTED_WARM: f64 = 4.0;
const MOST_MEMORY: f64 = 3.0;
const CALLS: f64 = 1.0;
/// The others work on what is kept already, where nobody waits for an answer; most read the whole configuration when they start.
/// On 2026-11-23 it is up to 6.9 and 3.6, of the clock, which calls the tables.
const MOST_FIRST_OF_OTHERS: f64 = 9.0;
const MOST_MEMORY_OF_OTHERS: f64 = 4.5;

/// The function that does nothing, and the one that only keeps what it gets: `functions/mail-event/examples`.
const EMPTY: &str = "empty";
const KEEPS: &str = "keeps";
/// The function that somebody waits for.
const WEBHOOK: &str = "webhook";
/// The nth event that a function gets.
type Event = fn(usize) -> Value;
/// The functions, after those that they are compared with; what each is asked, and the most kB it may weigh as a zip: a tenth more
/// than on 2026-11-23, and what `webhook` is to start quickly with.
const FUNCTIONS: [(&str, Event, u64); 12] = [
    (EMPTY, webhook, 500),
    (KEEPS, webhook, 2_000),
    (WEBHOOK, webhook, 2_500),
    ("normalize", batch, 3_900),
    ("health", batch, 4_350),
    ("publish", batch, 2_300),
    ("clock", minute, 3_950),
    ("slack-alert", batch, 4_450),
    ("crm-task", batch, 3_800),
    ("email-nudge", batch, 4_150),
    ("mail-event", batch, 2_200),
    ("fetch-object", batch, 2_800),
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

fn run(Built { binary, event, .. }: &Built, warm: usize, aws: &Arc<Aws>) -> Cost {
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
    let before = warm / WARM_TO_WARM_UP;
    let answer_all = |which: RangeInclusive<usize>| {
        for n in which {
            answer(n);
            api.wait_for_poll();
        }
    };
    answer_all(1..=before);
    let warmed_up_ms = running.cpu_ms();
    answer_all(before + 1..=before + warm);
    let warm_ms = (running.cpu_ms() - warmed_up_ms) / warm as f64;
    let calls = (aws.calls() - calls) as f64 / (1 + before + warm) as f64;
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

/// A function to measure.
struct Built {
    name: &'static str,
    binary: PathBuf,
    event: Event,
    most_zip_kb: u64,
}

impl Built {
    /// Its limits that are exceeded by what it costs, in words.
    fn exceeded(&self, [first, event, warm, to_keeps, memory, calls]: [f64; 6], zip_kb: u64) -> Vec<String> {
        let is_webhook = self.name == WEBHOOK;
        let most_first = if is_webhook { MOST_FIRST } else { MOST_FIRST_OF_OTHERS };
        let most_memory = if is_webhook { MOST_MEMORY } else { MOST_MEMORY_OF_OTHERS };
        let limits = [
            (
                first > most_first,
                format!("the first answer takes {first:.2} times the empty one; at most {most_first}"),
            ),
            (is_webhook && event > MOST_EVENT, format!("of it in the event {event:.2} times; at most {MOST_EVENT}")),
            (is_webhook && warm > MOST_WARM, format!("a later one {warm:.2} times; at most {MOST_WARM}")),
            (
                is_webhook && to_keeps > MOST_WARM_TO_KEEPS,
                format!("a later one {to_keeps:.2} times that of {KEEPS}; at most {MOST_WARM_TO_KEEPS}"),
            ),
            (memory > most_memory, format!("memory is {memory:.2} times; at most {most_memory}")),
            (is_webhook && calls != CALLS, format!("{calls} calls to the tables for a webhook; {CALLS} it should be")),
            (zip_kb > self.most_zip_kb, format!("{zip_kb} kB as a zip; at most {}", self.most_zip_kb)),
        ];
        limits.into_iter().filter(|(is_over, _)| *is_over).map(|(_, what)| format!("{}: {what}", self.name)).collect()
    }
}

/// The functions to measure: those that are built; for a check all of them, which must be.
fn built(is_check: bool) -> Vec<Built> {
    let (built, missing): (Vec<_>, Vec<_>) = FUNCTIONS
        .into_iter()
        .map(|(name, event, most_zip_kb)| {
            let folder = if [EMPTY, KEEPS].contains(&name) { target().join("examples") } else { target() };
            Built { name, binary: folder.join(name), event, most_zip_kb }
        })
        .partition(|function| function.binary.exists());
    let compared = built.iter().take(2).map(|function| function.name);
    if built.len() < 3 || !compared.eq([EMPTY, KEEPS]) || (is_check && !missing.is_empty()) {
        let names: Vec<_> = missing.iter().map(|function| function.name).collect();
        println!(
            "nothing to measure: {} has no {}; `make bootstraps` builds them",
            target().display(),
            names.join(", no ")
        );
        std::process::exit(i32::from(is_check));
    }
    built
}

fn main() {
    let is_check = std::env::args().any(|argument| argument == "--check");
    let built = built(is_check);
    let aws = Aws::start();
    let (most, of_others) = if is_check { (ROUNDS_OF_A_CHECK, ROUNDS_OF_OTHERS) } else { (ROUNDS, ROUNDS) };
    let is_often = |function: &Built| [EMPTY, KEEPS, WEBHOOK].contains(&function.name);
    let rounds: Vec<Vec<Option<Cost>>> = (0..most)
        .map(|round| {
            let measured = |one: &Built| match (is_often(one), round < of_others) {
                (true, _) => Some(run(one, WARM, &aws)),
                (false, true) => Some(run(one, WARM_OF_OTHERS, &aws)),
                (false, false) => None,
            };
            built.iter().map(measured).collect()
        })
        .collect();
    let beside = |other: usize, at: usize, value: &dyn Fn(&Cost, &Cost) -> f64| {
        let counted = rounds[1..].iter();
        median(counted.filter_map(|round| Some(value(round[at].as_ref()?, round[other].as_ref()?))).collect())
    };
    let of = |at: usize, value: &dyn Fn(&Cost, &Cost) -> f64| beside(0, at, value);
    let of_others = if is_check { format!(" ({} of all but the first three)", of_others - 1) } else { String::new() };
    println!("medians of {} rounds{of_others}; ratios are to the empty function in the same round\n", most - 1);
    println!(
        "function        first ms   ratio   of it in the event   warm ms   ratio   MiB   ratio     zip kB   calls/event"
    );
    let (mut over, mut told) = (Vec::new(), Vec::new());
    for (at, function) in built.iter().enumerate() {
        let (first, warm, memory) = (
            of(at, &|one, empty| one.first_ms / empty.first_ms),
            of(at, &|one, empty| one.warm_ms / empty.warm_ms),
            of(at, &|one, empty| one.memory_mib / empty.memory_mib),
        );
        let (zip_kb, calls) = (zip_bytes(&function.binary).div_ceil(1000), of(at, &|one, _| one.calls));
        println!(
            "{:<14} {:>9.2} {first:>7.2} {:>20.2} {:>9.3} {warm:>7.2} {:>5.1} {memory:>7.2} {zip_kb:>10} {calls:>13.2}",
            function.name,
            of(at, &|one, _| one.first_ms),
            of(at, &|one, _| one.event_ms),
            of(at, &|one, _| one.warm_ms),
            of(at, &|one, _| one.memory_mib),
        );
        let warm_to_keeps = beside(1, at, &|one, keeps| one.warm_ms / keeps.warm_ms);
        if function.name == WEBHOOK {
            told.push(format!("a later answer of {WEBHOOK} takes {warm_to_keeps:.2} times that of {KEEPS}"));
            let event_ms = of(at, &|one, _| one.event_ms);
            if event_ms > WANTED_EVENT_MS {
                told.push(format!("above what is wanted: {event_ms:.2} ms in the first event; {WANTED_EVENT_MS} is"));
            }
            if warm > WANTED_WARM {
                told.push(format!("above what is wanted: {warm:.2} times that of {EMPTY}; {WANTED_WARM} is"));
            }
        }
        let event = of(at, &|one, empty| one.event_ms / empty.event_ms);
        over.extend(function.exceeded([first, event, warm, warm_to_keeps, memory, calls], zip_kb));
    }
    for what in &told {
        println!("\n{what}");
    }
    for what in &over {
        println!("\nover its limit: {what}");
    }
    if is_check && !over.is_empty() {
        std::process::exit(1);
    }
}
