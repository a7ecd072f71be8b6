//! How much the product is used, by whole days.
//!
//! A day without a report is a day without use: users who fall silent lower what is measured. A day on which the source
//! itself was silent, and a day of a quiet period, is no day at all: it is left out, and the days on both sides of it
//! are neighbours.

use std::collections::{BTreeMap, BTreeSet};

use config::{Config, Scalar};
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use model::{ConnectionName, DayOfMonth, FactKey, Field, Placed, Register, UsageKey, Value, View};

use super::sources::{SourceId, Sources};
use super::tickets::{change, rounded};
use crate::renewals::{RunOut, days_between};
use crate::told::Told;
use crate::when::When;

/// Days that are compared: four whole weeks, so that weekends weigh the same on both sides. Part of what the names of the
/// scalars say.
const WINDOW: usize = 28;
/// With reports from so many days ago the same season is the better comparison: a year, and the four weeks, with a week to
/// spare.
const LONG_HISTORY: i64 = 400;
/// How many days ago that season is: 52 weeks, so that the days of the week are the same.
const YEAR: i64 = 364;
/// What is reported of longer ago is not looked at. Covers the window of a year ago, with room for days left out.
const LOOK_BACK: i64 = 460;
/// How many days ahead of the last report are filled in: further than anything is looked ahead.
const LOOK_AHEAD: i64 = 430;

/// Days since 1970-01-01.
fn number(day: Date) -> i64 {
    days_between(date(1970, 1, 1), day)
}

/// What one source reports of one metric, over all products and groups.
#[derive(Debug, Clone)]
struct Series<'a> {
    source: SourceId,
    /// What was reported of each day, as [`number`].
    reported: BTreeMap<i64, i64>,
    /// What was reported of days before this one is not looked at.
    since: i64,
    /// The days that count, ascending, as [`number`].
    days: Vec<i64>,
    /// The values of those days.
    values: Vec<i64>,
    /// The sum of the values before each of the days, and last the sum of all.
    sums: Vec<i64>,
    /// The last report.
    told: Told<'a>,
    /// Changes of fewer users than these, on the mean, are chance.
    least_users: i64,
}

/// What is reported of an account's use, by metric. Of several sources of one metric the one that is believed counts.
#[derive(Debug, Clone)]
pub(super) struct Usage<'a>(BTreeMap<&'a str, Series<'a>>);

impl<'a> Usage<'a> {
    pub fn new(view: View<'a>, sources: &Sources<'a>, config: &'a Config) -> Self {
        let mut metrics: BTreeMap<&str, Vec<(&Placed, &UsageKey)>> = BTreeMap::new();
        for placed in view.facts().iter().filter(|placed| !placed.gone) {
            if let FactKey::Usage(key) = &placed.fact.key {
                metrics.entry(key.metric()).or_default().push((placed, key));
            }
        }
        let series = metrics.into_iter().filter_map(|(metric, items)| Some((metric, series(&items, sources, config)?)));
        Self(series.collect())
    }

    pub fn sources(&self) -> BTreeSet<SourceId> {
        self.0.values().map(|series| series.source).collect()
    }

    pub fn scalar(&self, name: &str, when: When, sources: &Sources<'a>, seats: Option<i64>) -> Option<Scalar> {
        let users = || self.0.get(UsageKey::ACTIVE_USERS);
        let value = match name {
            "active_users_28d" => users()?.most(when, sources)?,
            "active_users_change" => users()?.change(when, sources)?,
            "seat_utilisation" => {
                let seats = seats.filter(|seats| *seats > 0)?;
                rounded(i128::from(users()?.most(when, sources)?) * 100, i128::from(seats))?
            }
            "feature_depth" => {
                let used = self.0.get(UsageKey::KEY_FEATURES)?.most(when, sources)?;
                let available = self.0.get(UsageKey::KEY_FEATURES_AVAILABLE)?.last(when, sources);
                let available = available.filter(|available| *available > 0)?;
                rounded(i128::from(used.min(available)) * 100, i128::from(available))?
            }
            "usage_age_days" => {
                let ages = self.0.values().filter_map(|series| {
                    let now = number(sources.held(series.source, when).day);
                    series.reported.range(..=now).next_back().map(|(last, _)| now - last)
                });
                ages.min()?
            }
            _ => return None,
        };
        Some(Scalar::Int(value))
    }

    /// The last report that a scalar is read from.
    pub fn told(&self, name: &str) -> Option<Told<'a>> {
        let metric = match name {
            "feature_depth" => UsageKey::KEY_FEATURES,
            _ => UsageKey::ACTIVE_USERS,
        };
        let series = self.0.get(metric);
        let any = || self.0.values().max_by_key(|series| series.reported.last_key_value().map(|(day, _)| *day));
        series.or_else(|| any().filter(|_| name == "usage_age_days")).map(|series| series.told)
    }

    /// When so many units run out that were there at the beginning of a day.
    pub fn run_out(&self, units: i64, from: Date) -> Option<RunOut<'a>> {
        self.0.get(UsageKey::PREPAID_UNITS)?.run_out(units, from)
    }
}

impl<'a> Series<'a> {
    /// How many of the days that count are over at `when`. A report of the day before may come until that day's end:
    /// until then it counts only when it is there.
    fn end(&self, when: When, sources: &Sources<'_>) -> usize {
        let now = number(sources.held(self.source, when).day);
        let last = if self.reported.contains_key(&(now - 1)) { now - 1 } else { now - 2 };
        self.days.partition_point(|day| *day <= last)
    }

    fn sum(&self, from: usize, to: usize) -> i64 {
        self.sums[to].saturating_sub(self.sums[from])
    }

    /// When so many units run out that were there at the beginning of `from`, as of the last report: days pass and move
    /// nothing, reports do. `None` while fewer than four weeks of days count, or nothing was used in them.
    fn run_out(&self, units: i64, from: Date) -> Option<RunOut<'a>> {
        let (last, first) = (*self.reported.last_key_value()?.0, number(from));
        if first < self.since {
            return None;
        }
        let day = |number: i64| date(1970, 1, 1).checked_add(jiff::Span::new().try_days(number).ok()?).ok();
        let end = self.at(last + 1);
        let start = end.checked_sub(WINDOW)?;
        let (days, used) = (i128::try_from(WINDOW).ok()?, i128::from(self.sum(start, end)));
        let per_day = i64::try_from((used + days / 2) / days).ok()?;
        let found = |on, left| Some(RunOut { on: day(on)?, left, per_day, as_of: day(last)?, told: self.told });
        let mut left = units;
        for (day, used) in self.reported.range(first..) {
            left = left.saturating_sub(*used);
            if left <= 0 {
                return found(day + 1, 0);
            }
        }
        let lasts = i64::try_from((i128::from(left) * days + used - 1).checked_div(used)?).ok()?;
        found(first.max(last + 1).checked_add(lasts)?, left)
    }

    /// The most of a day, of the last days: of a source that counts the distinct users of four weeks, their number; of
    /// one that counts those of a day, the least that it can have been.
    fn most(&self, when: When, sources: &Sources<'_>) -> Option<i64> {
        let end = self.end(when, sources);
        self.values[end.saturating_sub(WINDOW)..end].iter().max().copied()
    }

    /// What was last reported.
    fn last(&self, when: When, sources: &Sources<'_>) -> Option<i64> {
        let now = number(sources.held(self.source, when).day);
        let (day, _) = self.reported.range(..=now).next_back()?;
        let at = self.days.binary_search(day).ok()?;
        Some(self.values[at])
    }

    /// By how many percent the mean of the last days is above that of the days it is compared with.
    fn change(&self, when: When, sources: &Sources<'_>) -> Option<i64> {
        let end = self.end(when, sources);
        let start = end.checked_sub(WINDOW)?;
        let now = self.sum(start, end);
        let before = match self.year_ago(start, end) {
            Some(sum) => sum,
            None => self.sum(start.checked_sub(WINDOW)?, start),
        };
        let days = i64::try_from(WINDOW).ok()?;
        (before >= self.least_users * days).then(|| change(i128::from(now), i128::from(before)))?
    }

    /// The sum of the same days a year ago, where all of them count.
    fn year_ago(&self, start: usize, end: usize) -> Option<i64> {
        let (first, last) = (*self.days.get(start)?, *self.days.get(end.checked_sub(1)?)?);
        if last - self.days.first()? < LONG_HISTORY {
            return None;
        }
        let (from, to) = (self.at(first - YEAR), self.at(last - YEAR + 1));
        (to - from == end - start && last - first == i64::try_from(end - start).ok()? - 1).then(|| self.sum(from, to))
    }

    /// How many of the days that count are before `day`.
    fn at(&self, day: i64) -> usize {
        self.days.partition_point(|other| *other < day)
    }
}

fn series<'a>(items: &[(&'a Placed, &'a UsageKey)], sources: &Sources<'a>, config: &'a Config) -> Option<Series<'a>> {
    let tellers: BTreeSet<&ConnectionName> =
        items.iter().flat_map(|(placed, _)| placed.fact.registers.keys()).collect();
    let rank = |name: &&&'a ConnectionName| model::Authority::rank(config, Field::Day(DayOfMonth::ALL[0]), name);
    let connection = *tellers.iter().min_by_key(rank)?;
    let source = sources.id(connection)?;
    let newest = items.iter().map(|(_, key)| key.month()).max()?;
    let oldest = newest.day(DayOfMonth::ALL[0])?.checked_sub(LOOK_BACK.days()).ok()?;

    let mut sums: BTreeMap<i64, i64> = BTreeMap::new();
    let mut last: Option<(i64, Told<'a>)> = None;
    for (placed, key) in items {
        let month = key.month();
        let Some(first) = month.day(DayOfMonth::ALL[0]).filter(|first| *first >= oldest) else { continue };
        let first = number(first);
        for (field, register) in placed.fact.registers.get(connection).into_iter().flatten() {
            let (Field::Day(day), Some(value)) = (field, reported(register)) else { continue };
            if month.day(*day).is_none() {
                continue;
            }
            let day = first + i64::from(day.get()) - 1;
            let sum = sums.entry(day).or_default();
            *sum = sum.saturating_add(value);
            if last.as_ref().is_none_or(|(latest, _)| day > *latest) {
                let told = Told { field: *field, connection, subject: &placed.fact.subject, register };
                last = Some((day, told));
            }
        }
    }
    let (last_day, told) = last?;
    let first_day = *sums.keys().next()?;

    let since = number(oldest);
    let (days, values, least_users) = (vec![], vec![], config.model.least.active_users);
    let mut series = Series { source, reported: sums.clone(), since, days, values, sums: vec![0], told, least_users };
    let mut day = date(1970, 1, 1).checked_add(first_day.days()).ok()?;
    let mut total = 0_i64;
    for number in first_day..=last_day + LOOK_AHEAD {
        let value = sums.get(&number).copied();
        let counts = value.is_some() || sources.is_told(source, day);
        if counts && !config.model.quiet_periods.iter().any(|period| period.contains(day)) {
            let value = value.unwrap_or(0);
            total = total.saturating_add(value);
            series.days.push(number);
            series.values.push(value);
            series.sums.push(total);
        }
        day = day.tomorrow().ok()?;
    }
    Some(series)
}

/// A report that was taken back is none.
fn reported(register: &Register) -> Option<i64> {
    match register.value {
        Value::Int(value) => Some(value.max(0)),
        _ => None,
    }
}
