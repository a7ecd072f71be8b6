//! The renewal runway: what is said at 120, 90 and 60 days, exactly once each, whenever the account is looked at.
//!
//! What was said is remembered by episodes; how far every term was at the last look, by the assessment. So a step is a
//! transition: a term that was first seen behind its first checkpoint is not in a hurry because we now look at it.

mod matching;
mod plan;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::BTreeMap;

use config::{Calendar, Runway, moment};
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{Closing, Episode, Moment, RunwayMark, RunwayState};

pub(crate) use plan::{Plan, Step};

use crate::renewals::{Group, Renewals, Running, days_between};
use crate::when::When;

/// What a look at the renewals of an account needs.
pub(crate) struct Look<'l, 'a> {
    pub now: When,
    /// The reporting zone.
    pub zone: &'l TimeZone,
    pub runway: &'l Runway,
    /// The working days and the zone of the account's owner.
    pub calendar: &'l Calendar,
    pub renewals: &'l Renewals<'a>,
    /// The look before; `None` at first sight, which is no news.
    pub before: Option<Before<'l>>,
    /// The episodes of the playbook, the oldest first.
    pub episodes: &'l [&'a Episode],
    /// Several risks come together.
    pub compound_risk: bool,
    /// A term became known, or its day changed, since the look before, by a live source.
    pub is_news: &'l dyn Fn(&Running<'_>) -> bool,
    /// The playbook's guards let a new episode open.
    pub may_open: bool,
    /// An operator asks for it, whatever the day.
    pub is_asked_for: bool,
    /// An operator closed what runs.
    pub is_closed: &'l dyn Fn(&[&Episode]) -> bool,
}

/// The look before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before<'a> {
    pub as_of: Moment,
    pub marks: &'a BTreeMap<String, RunwayMark>,
    /// By the same playbooks.
    pub same_playbooks: bool,
    /// By the same health model.
    pub same_model: bool,
}

/// What comes of a look.
#[derive(Debug, Default)]
pub(crate) struct Outcome<'a> {
    /// Per runway that opens, goes on or ends, in the order of their days; those that stay as they are included.
    pub turns: Vec<Turn<'a>>,
    /// How far each term is.
    pub marks: BTreeMap<String, RunwayMark>,
    /// The next moment at which any of it changes by itself.
    pub next_due_at: Option<Moment>,
}

/// What becomes of one runway.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    /// What it is about; `None` once nothing of it is running.
    pub group: Option<Group<'a>>,
    /// The open episodes, the leader first; empty when one opens.
    pub episodes: Vec<&'a Episode>,
    /// What is remembered from now on. Of an episode that follows, only the day and the terms.
    pub state: RunwayState,
    /// The day it ended on before, when that moved.
    pub moved_from: Option<Date>,
    /// An operator asked for it.
    pub is_asked_for: bool,
    /// At most one message.
    pub say: Option<Say>,
    /// Something is to be said the next morning.
    pub waits: bool,
    /// It ends.
    pub closes: Option<Closing>,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Say {
    /// A step has come.
    Step {
        step: Step,
        /// The day of its own moment, where the owner is: names it for good.
        on: Date,
        /// The checkpoints before it that were never said.
        skipped: Vec<u16>,
        /// Several risks pulled it forward.
        is_pulled: bool,
    },
    /// It is still past due.
    StillPastDue {
        /// The day of the digest.
        on: Date,
    },
    /// The day moved, and that is all.
    Moved,
}

/// Decides what is said of the renewals of an account.
pub(crate) fn look<'a>(look: &Look<'_, 'a>) -> Outcome<'a> {
    let groups = look.renewals.groups(look.now.day, look.runway.min_term_days);
    let matched = look.match_up(&groups);
    let mut outcome = Outcome::default();
    // A request is for one renewal, the next that nothing runs for.
    let mut is_asked_for = look.is_asked_for;
    for (group, episodes) in groups.into_iter().zip(matched.of_group) {
        let plan = Plan::new(&group, look.runway, look.calendar);
        let standing = look.standing(&group, &plan);
        let is_decided = episodes.is_empty() && look.is_decided(&group, &matched.left);
        for term in group.terms() {
            outcome.marks.insert(term.id.clone(), look.mark(term, &plan, standing, is_decided));
        }
        let turn = if !episodes.is_empty() {
            Some(look.running(group, &plan, standing, episodes))
        } else if is_asked_for && !plan.is_over(look.now.at) {
            is_asked_for = false;
            Some(look.asked_for(group, &plan, standing))
        } else if is_decided || look.was_closed(&group) {
            None
        } else {
            look.opening(group, &plan, standing)
        };
        let runs = turn.as_ref().filter(|turn| turn.closes.is_none());
        let next = look.next_due_at(&plan, runs, standing).filter(|_| !is_decided);
        outcome.next_due_at = [outcome.next_due_at, next].into_iter().flatten().min();
        outcome.turns.extend(turn);
    }
    outcome.turns.extend(matched.left);
    outcome
}

/// How far a renewal is.
#[derive(Debug, Clone, Copy)]
struct Standing {
    /// The place of the last step whose moment has come.
    reached: Option<usize>,
    /// The place of the step that several risks at once pull it to, while they do.
    pulled_to: Option<usize>,
    /// They do since this look.
    is_newly_pulled: bool,
    /// When they will, because the end comes close.
    pulled_from: Option<Moment>,
}

impl Look<'_, '_> {
    fn standing(&self, group: &Group<'_>, plan: &Plan) -> Standing {
        let days_left = days_between(self.now.day, group.due_on());
        let within = self.runway.compound_within_days;
        let target = self.runway.compound_risk.and_then(|days| plan.place(&Step::Checkpoint(days).name()));
        let target = target.filter(|_| self.compound_risk);
        let pulled_to = target.filter(|_| (0..=within).contains(&days_left));
        let first_day = group.due_on().saturating_sub(within.days());
        let is_new = |before: Before<'_>| {
            let mut marks = group.terms().filter_map(|term| before.marks.get(&term.id));
            before.same_model && before.same_playbooks && !marks.any(|mark| mark.pulled)
        };
        Standing {
            reached: plan.reached(self.now.at),
            pulled_to,
            is_newly_pulled: pulled_to.is_some() && self.before.is_some_and(is_new),
            pulled_from: target.filter(|_| days_left > within).and_then(|_| Moment::start_of(first_day, self.zone)),
        }
    }

    fn mark(&self, term: &Running<'_>, plan: &Plan, standing: Standing, decided: bool) -> RunwayMark {
        RunwayMark {
            due_on: term.due_on,
            step: standing.reached.map(|place| plan.step(place).0.name()),
            next_at: plan.next_after(self.now.at),
            pulled: standing.pulled_to.is_some(),
            decided,
        }
    }

    /// The last time that a working day began, where the owner is.
    fn last_morning(&self) -> Option<Moment> {
        let today = self.now.at.date_in(&self.calendar.zone);
        let on = |day: Date| moment(self.calendar.on_or_before(day), self.runway.at, &self.calendar.zone);
        on(today).filter(|morning| *morning <= self.now.at).or_else(|| on(today.yesterday().ok()?))
    }

    /// The next time that one does.
    fn next_morning(&self) -> Option<Moment> {
        let today = self.now.at.date_in(&self.calendar.zone);
        let on = |day: Date| moment(self.calendar.on_or_after(day), self.runway.at, &self.calendar.zone);
        on(today).filter(|morning| *morning > self.now.at).or_else(|| on(today.tomorrow().ok()?))
    }

    /// When the runway must be looked at next.
    fn next_due_at(&self, plan: &Plan, runs: Option<&Turn<'_>>, standing: Standing) -> Option<Moment> {
        let is_past_due = |turn: &&Turn<'_>| plan.is_said_past_due(&turn.state.sent, self.calendar);
        let morning = runs.filter(|turn| is_past_due(turn) || turn.waits).and_then(|_| self.next_morning());
        let morning = morning.filter(|morning| !plan.is_over(*morning));
        let ends_at = runs.and(plan.ends_at);
        let next = match runs {
            Some(turn) => plan.next_open(self.now.at, &turn.state.sent, self.calendar),
            None => plan.next_after(self.now.at),
        };
        [next, morning, ends_at, standing.pulled_from].into_iter().flatten().min()
    }
}
