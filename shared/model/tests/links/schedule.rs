//! A seeded schedule: which worker does its next step, which one ends without finishing, what arrives twice.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::draw::Draw;
use crate::health::Assessing;
use crate::normalize::{Broken, Delivery, Writing};
use crate::store::{Record, Store};

/// At most so many of each kind at once.
const WORKERS: usize = 3;

/// What a schedule does besides taking turns.
#[derive(Debug, Clone, Copy)]
pub struct Chaos {
    /// In a hundred steps, so many workers end instead; what they worked on is delivered again. Half of the writes they
    /// were about to do are done all the same, at some later moment.
    pub crashes: usize,
    /// Of a hundred things done, so many are delivered once more.
    pub repeats: usize,
    /// Health runs as well.
    pub health: bool,
}

/// What happened.
#[derive(Debug, Default)]
pub struct Outcome {
    pub store: Store,
    /// How often a worker ended before a step of this name.
    pub crashes: BTreeMap<&'static str, usize>,
    /// A late delivery was written while the first assessment of an account was under way.
    pub amid_first: bool,
    /// Hints were missing at some moment.
    pub hints_missing: bool,
}

/// A worker, and how often it gets its turn: some are slow, so that much happens between two of their steps.
struct Running<T> {
    worker: T,
    pace: usize,
}

impl<T> Running<T> {
    fn new(draw: &mut Draw, worker: T) -> Self {
        Self { worker, pace: draw.pick(&[1, 6, 30]) }
    }
}

/// Draws one of the running workers.
fn turn<T>(drawn: &mut usize, running: &[Running<T>]) -> Option<usize> {
    running.iter().position(|one| {
        let mine = *drawn < one.pace;
        *drawn = drawn.saturating_sub(one.pace);
        mine
    })
}

/// A write that nobody waits for any more.
enum InFlight {
    Of(Writing),
    OfHealth(Assessing),
}

/// A schedule that is under way.
struct Schedule<'a> {
    draw: &'a mut Draw,
    broken: Option<Broken>,
    chaos: Chaos,
    outcome: Outcome,
    arrived: Vec<Rc<Delivery>>,
    late: Vec<Rc<Delivery>>,
    records: Vec<Record>,
    writing: Vec<Running<Writing>>,
    assessing: Vec<Running<Assessing>>,
    /// Writes that were sent by workers that have ended, and are done when they are done.
    in_flight: Vec<InFlight>,
    /// Crashes and repetitions that are left: they end at some point, or the schedule would not.
    mishaps: usize,
}

/// Runs everything to the end, from what is in the store already. What is `late` is held back until the first assessment of an account is under way.
pub fn run(
    draw: &mut Draw,
    store: Store,
    deliveries: &[Delivery],
    late: &[Delivery],
    broken: Option<Broken>,
    chaos: Chaos,
) -> Outcome {
    let mut schedule = Schedule {
        draw,
        broken,
        chaos,
        outcome: Outcome { store, ..Outcome::default() },
        arrived: deliveries.iter().cloned().map(Rc::new).collect(),
        late: late.iter().cloned().map(Rc::new).collect(),
        records: Vec::new(),
        writing: Vec::new(),
        assessing: Vec::new(),
        in_flight: Vec::new(),
        mishaps: 12,
    };
    while schedule.goes_on() {}
    schedule.outcome
}

impl Schedule<'_> {
    /// Does one thing; false when all is done.
    fn goes_on(&mut self) -> bool {
        let news = std::mem::take(&mut self.outcome.store.stream);
        if self.chaos.health {
            self.records.extend(news);
        }
        self.let_in_the_late();
        let deliveries = if self.writing.len() < WORKERS { self.arrived.len() } else { 0 };
        let records = if self.assessing.len() < WORKERS { self.records.len() } else { 0 };
        if !self.in_flight.is_empty() && (self.draw.percent(4) || self.is_idle()) {
            let at = self.draw.below(self.in_flight.len());
            match self.in_flight.swap_remove(at) {
                InFlight::Of(mut worker) => worker.step(&mut self.outcome.store),
                InFlight::OfHealth(mut worker) => worker.step(&mut self.outcome.store),
            }
            return true;
        }
        let going = self.writing.iter().map(|one| one.pace).chain(self.assessing.iter().map(|one| one.pace));
        let choices = 6 * (deliveries + records) + going.sum::<usize>();
        if choices == 0 {
            return false;
        }
        let mut drawn = self.draw.below(choices);
        if drawn < 6 * deliveries {
            let worker = Writing::new(self.arrived.swap_remove(drawn / 6), self.broken);
            self.writing.push(Running::new(self.draw, worker));
            return true;
        }
        drawn -= 6 * deliveries;
        if drawn < 6 * records {
            let worker = Assessing::new(self.records.swap_remove(drawn / 6), self.broken);
            self.assessing.push(Running::new(self.draw, worker));
            return true;
        }
        drawn -= 6 * records;
        let crash = self.mishaps > 0 && self.draw.percent(self.chaos.crashes);
        let repeat = self.mishaps > 0 && self.draw.percent(self.chaos.repeats);
        if let Some(at) = turn(&mut drawn, &self.writing) {
            self.write(at, crash, repeat);
        } else if let Some(at) = turn(&mut drawn, &self.assessing) {
            self.assess(at, crash, repeat);
        }
        true
    }

    fn write(&mut self, at: usize, crash: bool, repeat: bool) {
        let worker = &mut self.writing[at].worker;
        if crash {
            *self.outcome.crashes.entry(worker.next()).or_default() += 1;
            let sent = if self.draw.percent(50) { worker.in_flight() } else { None };
            self.in_flight.extend(sent.map(InFlight::Of));
        } else {
            worker.step(&mut self.outcome.store);
            self.outcome.hints_missing |= !self.outcome.store.hints_are_complete();
        }
        if crash || worker.is_done() {
            let ended = self.writing.swap_remove(at).worker;
            if crash || repeat {
                self.mishaps -= 1;
                self.arrived.push(ended.delivery);
            }
        }
    }

    fn assess(&mut self, at: usize, crash: bool, repeat: bool) {
        let worker = &mut self.assessing[at].worker;
        if crash {
            *self.outcome.crashes.entry(worker.next()).or_default() += 1;
            let sent = if self.draw.percent(50) { worker.in_flight() } else { None };
            self.in_flight.extend(sent.map(InFlight::OfHealth));
        } else {
            worker.step(&mut self.outcome.store);
        }
        if crash || worker.is_done() {
            let ended = self.assessing.swap_remove(at).worker;
            if crash || repeat {
                self.mishaps -= 1;
                self.records.push(ended.record);
            }
        }
    }

    /// Nobody has anything to do.
    fn is_idle(&self) -> bool {
        self.arrived.is_empty() && self.records.is_empty() && self.writing.is_empty() && self.assessing.is_empty()
    }

    fn let_in_the_late(&mut self) {
        if self.late.is_empty() {
            return;
        }
        let amid = self.assessing.iter().any(|one| one.worker.is_amid_a_first_assessment());
        if amid && self.draw.percent(8) {
            // At one go, so that it falls between two steps of that assessment.
            for delivery in self.late.drain(..) {
                write(&mut self.outcome.store, &delivery, self.broken);
            }
            self.outcome.amid_first = true;
        } else if self.is_idle() {
            self.arrived.append(&mut self.late);
        }
    }
}

/// One delivery to its end.
pub fn write(store: &mut Store, delivery: &Rc<Delivery>, broken: Option<Broken>) {
    let mut worker = Writing::new(Rc::clone(delivery), broken);
    while !worker.is_done() {
        worker.step(store);
    }
}

/// Everything that the stream holds, one record after the other, each to its end.
pub fn assess(store: &mut Store, broken: Option<Broken>) {
    for record in std::mem::take(&mut store.stream) {
        let mut worker = Assessing::new(record, broken);
        while !worker.is_done() {
            worker.step(store);
        }
    }
}
