//! On which days a connection was heard from, so that a day without usage can be told from a day without a source.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The days, in the reporting zone, on which a connection delivered anything. Kept as runs of days, so that years of a
/// daily source are one run; which days are in it does not depend on the order in which they were added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Heard {
    /// First and last day of each run, ascending; no two touch.
    runs: Vec<(Date, Date)>,
}

impl Heard {
    /// Adds a day; false when it is in it already.
    pub fn add(&mut self, day: Date) -> bool {
        if self.on(day) {
            return false;
        }
        let mut run = (day, day);
        // What ends the day before or begins the day after becomes one with it.
        self.runs.retain(|(first, last)| {
            let before = next(*last) == Some(run.0);
            let after = next(run.1) == Some(*first);
            run = (if before { *first } else { run.0 }, if after { *last } else { run.1 });
            !before && !after
        });
        let at = self.runs.partition_point(|(first, _)| *first < run.0);
        self.runs.insert(at, run);
        true
    }

    /// It was heard on this day.
    pub fn on(&self, day: Date) -> bool {
        self.last_by(day) == Some(day)
    }

    /// The last day up to `day` on which it was heard; `None` when it never was by then.
    pub fn last_by(&self, day: Date) -> Option<Date> {
        let run = self.runs.iter().rev().find(|(first, _)| *first <= day);
        run.map(|(_, last)| day.min(*last))
    }

    /// The first day on which it was heard.
    pub fn first(&self) -> Option<Date> {
        self.runs.first().map(|(first, _)| *first)
    }

    /// The last day on which it was heard; `None` while it never was.
    pub fn last(&self) -> Option<Date> {
        self.runs.last().map(|(_, last)| *last)
    }

    /// The silences that are over: first and last day between two on which it was heard, where it did not speak within
    /// `expected_every` days.
    pub fn silences(&self, expected_every: u16) -> impl Iterator<Item = (Date, Date)> {
        let between = self.runs.windows(2).filter_map(|two| Some((next(two[0].1)?, two[1].0.yesterday().ok()?)));
        between.filter(move |(_, last)| !self.is_alive(*last, expected_every))
    }

    /// The first day on which it is silent unless it is heard again; `None` while it never was heard.
    pub fn silent_from(&self, expected_every: u16) -> Option<Date> {
        Some(self.last()?.saturating_add((i64::from(expected_every) + 1).days()))
    }

    /// It spoke within the `expected_every` days up to `day`: a day without a report then is a day without use.
    pub fn is_alive(&self, day: Date, expected_every: u16) -> bool {
        let since = day.checked_sub(i32::from(expected_every).days()).unwrap_or(Date::MIN);
        self.last_by(day).is_some_and(|last| last >= since)
    }
}

/// Heard on one day and, as far as is known, on no other.
impl From<Date> for Heard {
    fn from(day: Date) -> Self {
        Self { runs: vec![(day, day)] }
    }
}

fn next(day: Date) -> Option<Date> {
    day.tomorrow().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn day(n: i64) -> Date {
        date(2026, 1, 1).checked_add(n.days()).unwrap()
    }

    proptest! {
        #[test]
        fn it_knows_the_days_that_were_added_whatever_their_order(days in prop::collection::vec(0..40_i64, 0..40)) {
            let mut heard = Heard::default();
            for n in &days {
                heard.add(day(*n));
            }
            let set: BTreeSet<i64> = days.iter().copied().collect();
            let mut sorted = Heard::default();
            for n in &set {
                prop_assert!(sorted.add(day(*n)));
            }
            prop_assert_eq!(&heard, &sorted);
            prop_assert!(heard.runs.windows(2).all(|two| next(two[0].1).unwrap() < two[1].0));
            for n in 0..42 {
                prop_assert_eq!(heard.on(day(n)), set.contains(&n));
                prop_assert_eq!(heard.last_by(day(n)), set.range(..=n).next_back().map(|n| day(*n)));
            }
        }
    }

    #[test]
    fn a_source_is_alive_while_it_spoke_within_its_days() {
        let mut heard = Heard::default();
        assert!(!heard.is_alive(day(0), 2) && heard.first().is_none());
        heard.add(day(3));
        let alive: Vec<_> = (0..8).map(|n| heard.is_alive(day(n), 2)).collect();
        assert_eq!(alive, [false, false, false, true, true, true, false, false]);
        assert_eq!((Heard::default().silent_from(2), heard.silent_from(2)), (None, Some(day(6))));
    }

    #[test]
    fn a_silence_is_longer_than_was_expected() {
        let mut heard = Heard::from(day(9));
        for n in [1, 2, 3, 7] {
            heard.add(day(n));
        }
        assert_eq!(heard.last(), Some(day(9)));
        assert_eq!(heard.silences(2).collect::<Vec<_>>(), [(day(4), day(6))]);
        assert_eq!(heard.silences(3).count(), 0);
    }
}
