//! The steps of one renewal and the moments at which they come.

use std::collections::BTreeMap;

use config::{Calendar, Runway, moment};
use jiff::ToSpan as _;
use jiff::civil::{Date, Time};
use model::Moment;

use crate::renewals::{Group, PAST_DUE_DAYS, days_between};

/// One step on the way through a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many days before the last day for giving notice.
    Checkpoint(u16),
    /// That day has passed without notice.
    LockedIn,
    /// The term has ended, and nobody decided.
    PastDue,
}

impl Step {
    /// Its name in stored items and ids.
    pub fn name(self) -> String {
        match self {
            Self::Checkpoint(days) => days.to_string(),
            Self::LockedIn => Runway::LOCKED_IN.to_owned(),
            Self::PastDue => Runway::PAST_DUE.to_owned(),
        }
    }
}

/// What comes when, for one renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// In the order of their moments.
    steps: Vec<(Step, Moment)>,
    /// From here on it is left alone.
    pub ends_at: Option<Moment>,
    /// A step that was said is said again only for a moment more than so many days later.
    repeat_after_days: i64,
}

impl Plan {
    /// `calendar` is the owner's. A checkpoint comes on its day or the working day before; what follows the deadline or the
    /// end of the term, on the next working day.
    pub fn new(group: &Group<'_>, runway: &Runway, calendar: &Calendar) -> Self {
        let (deadline, due_on) = (group.deadline(), group.due_on());
        let at = |day: Date| moment(day, runway.at, &calendar.zone);
        let after = |day: Date| at(calendar.on_or_after(day.saturating_add(1.day())));
        let before = |days: u16| at(calendar.on_or_before(deadline.saturating_sub(i32::from(days).days())));
        let mut steps: Vec<(Step, Moment)> = runway
            .checkpoints
            .iter()
            .filter_map(|checkpoint| Some((Step::Checkpoint(checkpoint.days), before(checkpoint.days)?)))
            .collect();
        steps.extend(after(deadline).filter(|_| group.goes_on()).map(|at| (Step::LockedIn, at)));
        steps.extend(after(due_on).filter(|_| !group.renews_by_itself()).map(|at| (Step::PastDue, at)));
        let last = due_on.saturating_add((PAST_DUE_DAYS + 1).days());
        let ends_at = moment(last, Time::midnight(), &calendar.zone);
        Self { steps, ends_at, repeat_after_days: runway.repeat_after_days }
    }

    /// The step in that place.
    pub fn step(&self, place: usize) -> (Step, Moment) {
        self.steps[place]
    }

    /// The place of the step of that name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.steps.iter().position(|(step, _)| step.name() == name)
    }

    /// The place of the last step whose moment has come; `None` before the first, and once it is left alone.
    pub fn reached(&self, at: Moment) -> Option<usize> {
        if self.is_over(at) { None } else { self.steps.iter().rposition(|(_, moment)| *moment <= at) }
    }

    /// It is left alone.
    pub fn is_over(&self, at: Moment) -> bool {
        self.ends_at.is_some_and(|ends_at| at >= ends_at)
    }

    /// The moment of the next step.
    pub fn next_after(&self, at: Moment) -> Option<Moment> {
        self.steps.iter().map(|(_, moment)| *moment).find(|moment| *moment > at)
    }

    /// The moment of the next step that what was said does not cover.
    pub fn next_open(&self, at: Moment, sent: &BTreeMap<String, Moment>, calendar: &Calendar) -> Option<Moment> {
        let is_open = |place: &usize| self.steps[*place].1 > at && !self.is_covered(*place, sent, calendar);
        (0..self.steps.len()).find(is_open).map(|place| self.steps[place].1)
    }

    /// What was said covers the step in that place.
    pub fn is_covered(&self, place: usize, sent: &BTreeMap<String, Moment>, calendar: &Calendar) -> bool {
        let (step, at) = self.steps[place];
        let day = |moment: Moment| moment.date_in(&calendar.zone);
        sent.get(&step.name()).is_some_and(|said| days_between(day(*said), day(at)) <= self.repeat_after_days)
    }

    /// The step in that place was said a short while ago, or stands for a moment that is still to come: it cannot be pulled
    /// forward.
    pub fn is_recent(&self, place: usize, sent: &BTreeMap<String, Moment>, now: Moment, calendar: &Calendar) -> bool {
        let day = |moment: Moment| moment.date_in(&calendar.zone);
        let said = sent.get(&self.steps[place].0.name());
        said.is_some_and(|said| days_between(day(*said), day(now)) <= self.repeat_after_days)
    }

    /// What was said covers that the term is past due.
    pub fn is_said_past_due(&self, sent: &BTreeMap<String, Moment>, calendar: &Calendar) -> bool {
        self.place(Runway::PAST_DUE).is_some_and(|place| self.is_covered(place, sent, calendar))
    }

    /// None of its steps is covered.
    pub fn is_new(&self, sent: &BTreeMap<String, Moment>, calendar: &Calendar) -> bool {
        (0..self.steps.len()).all(|place| !self.is_covered(place, sent, calendar))
    }
}
