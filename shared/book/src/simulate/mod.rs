//! A fast run of the whole book in memory: facts are gathered, accounts are decided when they have news or their due
//! moment has come, and what was decided is written down.

mod desk;
mod report;
mod world;

use std::collections::BTreeSet;

use config::Config;
use jiff::SignedDuration;
use model::{
    ActionKind, Assessment, ConnectionName, DeliveryId, EventBody, FactKey, Field, MeasureState, Moment, Register,
    Stamp, SubjectId, Value,
};
use rules::{Decision, Input};

pub use desk::Placement;
pub use report::{Bands, Checkpoint, Churn, Due, Message, Report, Run};

use crate::Book;
use crate::told::{DAYS, at};
use desk::{Desks, News};
use world::World;

/// Runs a book under a configuration for so many weeks, at most 52.
pub fn simulate(config: &Config, book: &Book, weeks: usize) -> Report {
    let mut simulation = Simulation::new(config);
    let days = (weeks * 7).min(DAYS);
    for day in 0..days {
        simulation.day(book, day);
    }
    simulation.report.judge(config, book, days);
    simulation.report
}

/// A run that can be stopped at any day.
#[derive(Debug)]
pub struct Simulation<'a> {
    config: &'a Config,
    world: World<'a>,
    desks: Desks<'a>,
    due: BTreeSet<(Moment, SubjectId)>,
    only: Option<BTreeSet<SubjectId>>,
    report: Report,
}

impl<'a> Simulation<'a> {
    /// Nothing is known yet.
    pub fn new(config: &'a Config) -> Self {
        let (world, desks) = (World::new(config), Desks::new(config));
        Self { config, world, desks, due: BTreeSet::new(), only: None, report: Report::default() }
    }

    /// What was seen so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Looks at these accounts only, and leaves all others alone.
    #[must_use]
    pub fn only(mut self, accounts: BTreeSet<SubjectId>) -> Self {
        self.only = Some(accounts);
        self
    }

    /// Runs one day of the book; days come in order, from 0.
    pub fn day(&mut self, book: &Book, day: usize) {
        for hour in 0..24 {
            self.hour(book, day, hour);
        }
        let accounts = self.world.accounts.values().filter_map(|account| account.previous.as_ref());
        self.report.end_of_day(accounts);
    }

    /// Runs one hour of a day, up to the last moment before the next.
    pub fn hour(&mut self, book: &Book, day: usize, hour: i64) {
        let day_number = i64::try_from(day).unwrap_or(i64::MAX);
        let (start, end) = (at(day_number, hour * 60), at(day_number, (hour + 1) * 60));
        let told = book.day(day);
        let from = told.partition_point(|told| told.received_at < start);
        let to = told.partition_point(|told| told.received_at < end);
        for group in told[from..to].chunk_by(|a, b| a.received_at == b.received_at) {
            let Some(first) = group.first() else { continue };
            self.until(first.received_at);
            let touched: BTreeSet<SubjectId> = group.iter().flat_map(|told| self.world.keep(told)).collect();
            for account in touched {
                self.decide(&account);
            }
        }
        self.until(end.plus(SignedDuration::from_millis(-1)));
    }

    /// Does everything whose moment has come, in order of time: ticks accounts, offers messages that wait, sends digests.
    pub fn until(&mut self, now: Moment) {
        loop {
            let account = self.due.first().map(|(due, _)| *due);
            let message = self.desks.next();
            // What an account has to say stands on the desks before they are looked at.
            match (account, message) {
                (Some(due), message) if due <= now && message.is_none_or(|at| due <= at) => self.tick_first(),
                (_, Some(at)) if at <= now => {
                    let news = self.desks.look(at, &self.world.accounts);
                    self.note(at, news);
                }
                _ => return,
            }
        }
    }

    /// Ticks the account that is due first.
    fn tick_first(&mut self) {
        let Some((due, account)) = self.due.pop_first() else { return };
        let last = self.world.accounts.get(&account).and_then(|account| account.last_tick);
        if last.is_some_and(|last| due <= last) {
            // The clock asks once per moment.
            self.report.due.repeated += 1;
            return;
        }
        self.tick(&account, due);
        self.report.due.moments += 1;
        let before = self.world.accounts.get(&account).and_then(|account| account.previous.clone());
        let decision = self.decide(&account);
        let has_changed = has_changed(before.as_ref(), &decision);
        let is_stale = |before: &Assessment| before.contributions.iter().any(|c| c.state == MeasureState::Stale);
        if has_changed {
            self.report.due.changed += 1;
        } else if before.as_ref().is_some_and(is_stale) {
            self.report.due.waiting += 1;
        } else {
            self.report.due.idle.push((due, account));
        }
    }

    fn note(&mut self, at: Moment, news: Vec<News>) {
        for one in news {
            self.report.hear(at, one);
        }
    }

    /// Asks for a look at an account at a moment, as the clock does.
    pub fn tick(&mut self, account: &SubjectId, at: Moment) {
        let register = Register {
            value: Value::Moment(at),
            stamp: Stamp {
                occurred_at: at,
                sequence: None,
                delivery: DeliveryId::from_stored(format!("clock:{at}")),
                index: 0,
            },
            received_at: at,
            path: "$".into(),
            raw: at.to_string(),
            clamped: false,
        };
        let fact = self.world.fact(account, account, &FactKey::Tick);
        fact.registers.entry(ConnectionName::from_stored("clock")).or_default().insert(Field::At, register);
        if let Some(account) = self.world.accounts.get_mut(account) {
            account.last_tick = Some(at);
        }
    }

    /// Looks at one account and keeps what was decided.
    pub fn decide(&mut self, account: &SubjectId) -> Decision {
        if self.only.as_ref().is_some_and(|only| !only.contains(account)) {
            return Decision::default();
        }
        let Some(held) = self.world.accounts.get_mut(account) else { return Decision::default() };
        let input = Input {
            account,
            facts: &held.facts,
            members: &held.members,
            linked: held.linked.as_ref(),
            children: &[],
            heard: &self.world.heard,
            previous: held.previous.as_ref(),
            episodes: &held.episodes,
            claimed_since: None,
        };
        let decision = rules::decide(input, self.config);
        for changed in &decision.episodes {
            held.episodes.retain(|episode| episode.key != changed.key);
            held.episodes.push(changed.clone());
        }
        if let Some(due) = held.previous.as_ref().and_then(|before| before.next_due_at) {
            self.due.remove(&(due, account.clone()));
        }
        if let Some(due) = decision.assessment.as_ref().and_then(|now| now.next_due_at) {
            self.due.insert((due, account.clone()));
        }
        self.report.add(held.previous.as_ref(), &decision);
        held.previous.clone_from(&decision.assessment);
        for event in &decision.events {
            // A task lies in a list, a score stands on a record; neither interrupts anybody.
            if let EventBody::ActionRequested(request) = &event.body
                && request.kind == ActionKind::SlackAlert
            {
                let news = self.desks.ask(request, event.as_of, &self.world.accounts);
                self.note(event.as_of, news);
            }
        }
        decision
    }

    /// The assessment of an account as it stands.
    pub fn assessment(&self, account: &SubjectId) -> Option<&Assessment> {
        self.world.accounts.get(account)?.previous.as_ref()
    }
}

/// Something came of a look at an account, other than that it was looked at and that its points moved within a band.
pub fn has_changed(before: Option<&Assessment>, decision: &Decision) -> bool {
    let standing = |of: &Assessment| {
        let states: Vec<_> = of.contributions.iter().map(|row| (row.measure.clone(), row.state)).collect();
        let caps: Vec<_> = of.caps.iter().map(|cap| cap.name.clone()).collect();
        let bands = (of.band, of.machine_band, of.provisional, of.is_apart, of.overridden.clone());
        (bands, states, caps, of.held.clone(), of.model.clone())
    };
    let is_kept = before.map(standing) == decision.assessment.as_ref().map(standing);
    !decision.events.is_empty() || !decision.episodes.is_empty() || !is_kept
}
