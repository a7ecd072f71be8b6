//! A condition that is asked again and again as time goes on.

use config::{Condition, Scalar, ScalarInfo, Scalars, Verdict};
use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{Assessment, Moment};

use crate::assess::results;
use crate::known::Known;
use crate::measure::values;
use crate::renewals::days_between;
use crate::when::When;

/// How many hours ahead a condition that calculates is asked, a month; after that it is asked once a day.
const HOURS: i64 = 31 * 24;

/// A condition with the values it reads, of which those that move with time are read anew.
pub(super) struct Asked<'a> {
    condition: &'a Condition,
    known: &'a Known<'a>,
    apart_since: Option<Date>,
    values: Scalars,
    moving: Vec<&'static ScalarInfo>,
    holds: bool,
}

impl<'a> Asked<'a> {
    /// As of now, of an account that stays as it is assessed.
    pub fn new(condition: &'a Condition, known: &'a Known<'a>, assessment: &Assessment, now: When) -> Self {
        let mut values = values(known, condition.names(), now);
        values.extend(results(assessment, assessment.before.as_ref(), now.day));
        values.retain(|name, _| condition.names().contains(name));
        // What nobody has said anything of becomes known with news, and what is no because nobody ever asked, does so too.
        let can_move = |info: &&'static ScalarInfo| {
            let is_silence = known.is_silence(info);
            info.clock_derived && !is_silence && (values.contains_key(info.name) || known.told(info, now).is_some())
        };
        let infos = condition.names().iter().filter_map(|name| config::scalar(name));
        let moving = infos.filter(can_move).collect();
        let holds = condition.holds(&values) == Verdict::Holds;
        Self { condition, known, apart_since: assessment.apart_since, values, moving, holds }
    }

    pub fn holds(&self) -> bool {
        self.holds
    }

    /// Time can change its answer.
    pub fn moves(&self) -> bool {
        !self.moving.is_empty()
    }

    /// Its answer at this moment is another than now.
    pub fn changes(&mut self, when: When) -> bool {
        let mut must_ask = false;
        for at in 0..self.moving.len() {
            let info = self.moving[at];
            let value = self.value(info, when);
            must_ask |= !self.is_same(self.values.get(info.name), value.as_ref());
            match value {
                Some(value) => drop(self.values.insert(info.name, value)),
                None => drop(self.values.remove(info.name)),
            }
        }
        must_ask && (self.condition.holds(&self.values) == Verdict::Holds) != self.holds
    }

    fn value(&self, info: &'static ScalarInfo, when: When) -> Option<Scalar> {
        match (info.name, self.apart_since) {
            ("days_bands_apart", Some(since)) => Some(Scalar::Int(days_between(since, when.day))),
            _ => self.known.value(info, when),
        }
    }

    /// The two make no difference to the condition.
    fn is_same(&self, a: Option<&Scalar>, b: Option<&Scalar>) -> bool {
        match (a, b, self.condition.thresholds()) {
            (Some(Scalar::Int(a)), Some(Scalar::Int(b)), Some(at)) => {
                let place = |n: &i64| (at.partition_point(|t| t < n), at.partition_point(|t| t <= n));
                place(a) == place(b)
            }
            (a, b, _) => a == b,
        }
    }

    /// The moments at which one of its values that move by the hour reaches a number that makes a difference.
    pub fn hours(&self, zone: &TimeZone, now: When) -> Vec<Moment> {
        self.moving.iter().filter(|info| info.by_hours).flat_map(|info| self.hours_of(info, zone, now)).collect()
    }

    fn hours_of(&self, info: &'static ScalarInfo, zone: &TimeZone, now: When) -> Vec<Moment> {
        let at = |moment: Moment| match self.value(info, When::at(moment, zone)) {
            Some(Scalar::Int(hours)) => Some(hours),
            Some(_) | None => None,
        };
        let later = |by: i64| now.at.plus(SignedDuration::from_millis(by));
        let Some(value) = at(now.at) else { return vec![] };
        // Within the next hour it grows by one: the first millisecond at which it has.
        let (mut low, mut high) = (0, 60 * 60 * 1_000);
        if at(later(high)).is_none_or(|then| then <= value) {
            return vec![];
        }
        while high - low > 1 {
            let middle = (low + high) / 2;
            if at(later(middle)).is_some_and(|then| then > value) { high = middle } else { low = middle }
        }
        let reaches = |hours: i64| later(high).plus(SignedDuration::from_hours(hours - value - 1));
        match self.condition.thresholds() {
            Some(thresholds) => {
                let numbers = thresholds.iter().flat_map(|number| [*number, number.saturating_add(1)]);
                numbers.filter(|number| *number > value).map(reaches).collect()
            }
            None => (1..=HOURS).map(|ahead| reaches(value + ahead)).collect(),
        }
    }
}
