//! Which sources are alive. While one is silent, what it tells is held as of the last day it was heard.

use std::collections::BTreeMap;

use config::Config;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{ConnectionName, Heard, Moment, View};

use crate::renewals::days_between;
use crate::when::When;

/// When a connection was heard that can be silent.
#[derive(Debug, Clone, Copy)]
struct Hears {
    /// The last day it was heard, to its end.
    last: When,
    /// The beginning of that day.
    midnight: Moment,
    /// The first day on which it is silent unless it is heard again.
    silent_from: Date,
}

/// A connection that tells facts of this account.
#[derive(Debug, Clone)]
struct Source<'a> {
    name: &'a ConnectionName,
    /// `None` for one that cannot be silent.
    hears: Option<Hears>,
    /// The days of its silences that are over, first and last each.
    gaps: Vec<(Date, Date)>,
}

/// Names a source of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SourceId(usize);

/// The connections that tell facts of one account, in the order of their names.
#[derive(Debug, Clone)]
pub(super) struct Sources<'a> {
    all: Vec<Source<'a>>,
    zone: &'a TimeZone,
}

impl<'a> Sources<'a> {
    pub fn new(view: View<'a>, heard: &BTreeMap<ConnectionName, Heard>, config: &'a Config) -> Self {
        let zone = &config.model.zone;
        let mut last: BTreeMap<&ConnectionName, Moment> = BTreeMap::new();
        for placed in view.facts() {
            for (connection, fields) in &placed.fact.registers {
                let received = fields.values().map(|register| register.received_at).max();
                let known = last.entry(connection).or_insert(Moment::EARLIEST);
                *known = received.map_or(*known, |received| received.max(*known));
            }
        }
        let source = |(name, received): (&'a ConnectionName, Moment)| {
            let every = config.connection(name).and_then(|connection| connection.expected_every);
            let heard = heard.get(name);
            let hears = every.and_then(|every| {
                // What it told about this account was heard, also where nobody wrote down when.
                let day = heard.and_then(Heard::last).unwrap_or_else(|| received.date_in(zone));
                let last = When { at: Moment::start_of(day.tomorrow().ok()?, zone)?, day };
                let silent_from = Heard::from(day).silent_from(every)?;
                Some(Hears { last, midnight: Moment::start_of(day, zone)?, silent_from })
            });
            let gaps = every.and_then(|every| Some(heard?.silences(every).collect()));
            Source { name, hears, gaps: gaps.unwrap_or_default() }
        };
        Self { all: last.into_iter().map(source).collect(), zone }
    }

    /// The source of that name; `None` for one that tells nothing of the account.
    pub fn id(&self, name: &ConnectionName) -> Option<SourceId> {
        self.all.binary_search_by(|source| source.name.cmp(name)).ok().map(SourceId)
    }

    /// The last day on which a source was heard that is silent at `when`.
    pub fn silent_since(&self, id: SourceId, when: When) -> Option<Date> {
        Some(self.silent(id, when)?.last.day)
    }

    /// The first days on which each source is silent unless it is heard again.
    pub fn silent_from(&self) -> impl Iterator<Item = Date> {
        self.all.iter().filter_map(|source| Some(source.hears?.silent_from))
    }

    /// The moment that counts for what a source tells: `when`, or the end of the last day it was heard.
    pub fn held(&self, id: SourceId, when: When) -> When {
        self.silent(id, when).map_or(when, |hears| hears.last)
    }

    /// The beginning of the day that counts for what each source tells.
    pub fn midnights(&self, when: When) -> impl Fn(SourceId) -> Moment {
        let today = Moment::start_of(when.day, self.zone).unwrap_or(when.at);
        move |id| self.silent(id, when).map_or(today, |hears| hears.midnight)
    }

    /// What a source does not tell about `day` says that there was nothing: it was heard later, and not only after a
    /// silence that began then. For a source that cannot be silent that is always so.
    pub fn is_told(&self, id: SourceId, day: Date) -> bool {
        let Some(source) = self.all.get(id.0) else { return false };
        // A report of a day can come the day after, which in a silence is its first.
        let is_lost = |(from, to): &(Date, Date)| day <= *to && days_between(*from, day) >= -1;
        source.hears.is_none_or(|hears| day < hears.last.day) && !source.gaps.iter().any(is_lost)
    }

    fn silent(&self, id: SourceId, when: When) -> Option<Hears> {
        self.all.get(id.0)?.hears.filter(|hears| when.day >= hears.silent_from)
    }
}

/// Less than so many days lie between `day` and `when`; what is later than `when` is as recent as can be.
pub(super) fn within(day: Date, when: When, days: i64) -> bool {
    days_between(day, when.day) < days
}

/// Whole days since `day`, not below 0.
pub(super) fn days_since(day: Date, when: When) -> i64 {
    // A moment later today, or a vendor's clock ahead of ours, is no negative silence.
    days_between(day, when.day).max(0)
}
