//! What conditions cost beside a named floor: hashing the body of one webhook (2.8 kB), which every delivery pays.
//!
//! `make bench` measures each alone, and then all of them in turn, round after round, and prints how many floors each takes.
//! That ratio is what to watch. A function of 128 MB has about 1.4 ms of processor time before it is made to wait, which is
//! about a thousand floors: loading the configuration, once per cold start, and the first decision share it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may fail loudly, and tells what it found")]

#[path = "../tests/suite/common/mod.rs"]
mod common;

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use common::{Account, conditions, files, shipped};
use config::{Condition, Files, SCALARS, Scalar, ScalarKind, Scalars};

fn main() {
    divan::main();
    // Without it, benches are tried once and measure nothing.
    if std::env::args().any(|argument| argument == "--bench") {
        print_ratios();
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    HashABody,
    AskTheLongest,
    AskAllThatShip,
    CompileTheLongest,
    CompileAllThatShip,
    LoadTheConfiguration,
    DecideAndLookAhead,
}

impl Subject {
    /// The floor first.
    const ALL: [Self; 7] = [
        Self::HashABody,
        Self::AskTheLongest,
        Self::AskAllThatShip,
        Self::CompileTheLongest,
        Self::CompileAllThatShip,
        Self::LoadTheConfiguration,
        Self::DecideAndLookAhead,
    ];
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HashABody => "floor: hash a body",
            Self::AskTheLongest => "ask the longest condition",
            Self::AskAllThatShip => "ask all conditions",
            Self::CompileTheLongest => "compile the longest condition",
            Self::CompileAllThatShip => "compile all conditions",
            Self::LoadTheConfiguration => "load the configuration",
            Self::DecideAndLookAhead => "decide an account, looking ahead",
        })
    }
}

/// What the subjects work on.
struct Scene {
    body: String,
    files: Files,
    all: Vec<&'static Condition>,
    longest: &'static Condition,
    known: Scalars,
    account: Account,
}

impl Scene {
    fn new() -> Self {
        let all = conditions(shipped());
        let value = |kind| match kind {
            ScalarKind::Int => Scalar::Int(50),
            ScalarKind::Text => Scalar::Text("green".to_owned()),
            ScalarKind::Flag => Scalar::Flag(true),
        };
        let mut account = Account::with("green", 5, 300);
        account.decide();
        account.feels(1, "yellow");
        Self {
            body: "x".repeat(2_800),
            files: files(),
            longest: all.iter().max_by_key(|condition| condition.source().len()).unwrap(),
            all,
            known: SCALARS.iter().map(|info| (info.name, value(info.kind))).collect(),
            account,
        }
    }

    fn run(&self, subject: Subject) {
        match subject {
            Subject::HashABody => drop(black_box(model::stable_hash(&[&self.body]))),
            Subject::AskTheLongest => drop(black_box(self.longest.holds(&self.known))),
            Subject::AskAllThatShip => {
                for condition in &self.all {
                    drop(black_box(condition.holds(&self.known)));
                }
            }
            Subject::CompileTheLongest => drop(black_box(Condition::compile(self.longest.source()))),
            Subject::CompileAllThatShip => {
                for condition in &self.all {
                    drop(black_box(Condition::compile(condition.source())));
                }
            }
            Subject::LoadTheConfiguration => drop(black_box(config::load(&self.files, &connectors::tools()))),
            Subject::DecideAndLookAhead => drop(black_box(self.account.clone().decide())),
        }
    }
}

#[divan::bench(args = Subject::ALL)]
fn cost(bencher: divan::Bencher<'_, '_>, subject: Subject) {
    let scene = Scene::new();
    bencher.bench_local(|| scene.run(subject));
}

/// How many rounds are run; in each all subjects take their turn, so that whatever else the machine does strikes all alike.
const ROUNDS: usize = 15;
/// How long one turn takes at least.
const TURN: Duration = Duration::from_millis(3);

/// The time of one call, over one turn.
fn turn(scene: &Scene, subject: Subject) -> f64 {
    let (start, mut calls) = (Instant::now(), 0_u32);
    while start.elapsed() < TURN {
        scene.run(subject);
        calls += 1;
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}

fn print_ratios() {
    let scene = Scene::new();
    let mut ratios = Subject::ALL.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        let turns = Subject::ALL.map(|subject| turn(&scene, subject));
        for (place, time) in turns.iter().enumerate() {
            ratios[place].push(time / turns[0]);
        }
    }
    println!("\n{} conditions ship. Floors each takes, median [least..most] of {ROUNDS} rounds:", scene.all.len());
    for (subject, ratios) in Subject::ALL.iter().zip(&mut ratios) {
        ratios.sort_by(f64::total_cmp);
        let (median, least, most) = (ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1]);
        println!("{:34} {median:9.1} [{least:.1}..{most:.1}]", subject.to_string());
    }
}
