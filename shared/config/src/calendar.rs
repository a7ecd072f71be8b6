//! Working days: which days people work on, and when an hour of the day comes where they are.

use std::collections::BTreeSet;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use model::Moment;

/// Which days are worked on: Monday to Friday, except holidays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// The team's zone, for whoever has none of their own.
    pub zone: TimeZone,
    /// Days on which nobody works.
    pub holidays: BTreeSet<Date>,
}

/// When people work who have no quiet hours.
const USUAL: (Time, Time) = (Time::constant(9, 0, 0, 0), Time::constant(17, 0, 0, 0));
/// How many business days working hours are looked for: nobody who works a minute a day waits longer.
const MOST_DAYS: usize = 5_000;

/// Hours in which nobody is disturbed, written `18:00-08:00`: from the first, up to and without the second, over
/// midnight where the second is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: Time,
    until: Time,
}

/// A text that does not name quiet hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadQuietHours(String);

impl std::fmt::Display for BadQuietHours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` are no quiet hours; expected two different times such as `18:00-08:00`", self.0)
    }
}

impl std::error::Error for BadQuietHours {}

impl FromStr for QuietHours {
    type Err = BadQuietHours;

    fn from_str(text: &str) -> Result<Self, BadQuietHours> {
        let bad = || BadQuietHours(text.to_owned());
        let time = |text: &str| {
            let good = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
            good.then(|| text.parse::<Time>().ok()).flatten()
        };
        let (from, until) = text.split_once('-').ok_or_else(bad)?;
        let (from, until) = time(from.trim()).zip(time(until.trim())).ok_or_else(bad)?;
        if from == until { Err(bad()) } else { Ok(Self { from, until }) }
    }
}

/// As it is written: `18:00-08:00`.
impl std::fmt::Display for QuietHours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (from, until) = (self.from, self.until);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from.hour(), from.minute(), until.hour(), until.minute())
    }
}

impl QuietHours {
    fn contains(self, time: Time) -> bool {
        if self.from < self.until {
            (self.from..self.until).contains(&time)
        } else {
            time >= self.from || time < self.until
        }
    }
}

impl Calendar {
    /// Neither a weekend nor a holiday.
    pub fn is_business_day(&self, day: Date) -> bool {
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !self.holidays.contains(&day)
    }

    /// The day itself, or the last business day before it.
    #[must_use]
    pub fn on_or_before(&self, day: Date) -> Date {
        self.step(day, -1)
    }

    /// The day itself, or the first business day after it.
    #[must_use]
    pub fn on_or_after(&self, day: Date) -> Date {
        self.step(day, 1)
    }

    /// The `n`-th business day after `day`; for 0 the day itself, or the first business day after it. From a Saturday,
    /// one business day leads to Monday.
    #[must_use]
    pub fn plus_business_days(&self, day: Date, n: u16) -> Date {
        if n == 0 {
            return self.on_or_after(day);
        }
        (0..n).fold(day, |day, _| day.tomorrow().map_or(day, |next| self.on_or_after(next)))
    }

    /// When nobody is disturbed any more, at `at` or after: outside quiet hours, on a business day where they are.
    /// Without quiet hours at any time.
    #[must_use]
    pub fn next_allowed(&self, at: Moment, zone: &TimeZone, quiet: Option<QuietHours>) -> Moment {
        let Some(quiet) = quiet else { return at };
        let mut next = at;
        loop {
            let here = next.local(zone);
            let (day, time) = (here.date(), here.time());
            let ends_today = quiet.from < quiet.until || time < quiet.until;
            let later = if !self.is_business_day(day) {
                day.tomorrow().map(|next| (self.on_or_after(next), Time::midnight()))
            } else if !quiet.contains(time) {
                return next;
            } else if ends_today {
                Ok((day, quiet.until))
            } else {
                day.tomorrow().map(|next| (next, quiet.until))
            };
            match later.ok().and_then(|(day, time)| moment(day, time, zone)) {
                Some(later) if later > next => next = later,
                // An hour that comes twice that day has ended once already; and at the calendar's end nothing is later.
                Some(_) | None => return next,
            }
        }
    }

    /// When `hours` working hours have passed since `at`: those of business days that are not quiet; without quiet hours the
    /// usual eight.
    #[must_use]
    pub fn plus_working_hours(&self, at: Moment, hours: u32, quiet: Option<QuietHours>) -> Moment {
        let mut left = SignedDuration::from_hours(i64::from(hours));
        let mut day = self.on_or_after(at.date_in(&self.zone));
        for _ in 0..MOST_DAYS {
            for (from, until) in self.worked_on(day, quiet) {
                let from = from.max(at);
                let worked = until.since(from);
                if worked >= left && left.is_positive() {
                    return from.plus(left);
                }
                left -= worked.max(SignedDuration::ZERO);
            }
            let Ok(next) = day.tomorrow() else { return Moment::LATEST };
            day = self.on_or_after(next);
        }
        Moment::LATEST
    }

    /// The stretches of a day in which people work, in order.
    fn worked_on(&self, day: Date, quiet: Option<QuietHours>) -> Vec<(Moment, Moment)> {
        let (midnight, next) =
            (Some((day, Time::midnight())), day.tomorrow().ok().map(|next| (next, Time::midnight())));
        let here = |time: Time| Some((day, time));
        let stretches = match quiet {
            None => vec![(here(USUAL.0), here(USUAL.1))],
            Some(quiet) if quiet.from < quiet.until => {
                vec![(midnight, here(quiet.from)), (here(quiet.until), next)]
            }
            Some(quiet) => vec![(here(quiet.until), here(quiet.from))],
        };
        let instant = |end: Option<(Date, Time)>| end.and_then(|(day, time)| moment(day, time, &self.zone));
        stretches.into_iter().filter_map(|(from, until)| instant(from).zip(instant(until))).collect()
    }

    fn step(&self, mut day: Date, by: i32) -> Date {
        while !self.is_business_day(day) {
            match day.checked_add(by.days()) {
                Ok(next) => day = next,
                Err(_) => return day,
            }
        }
        day
    }
}

/// When it is `time` on `day` in `zone`: the first instant at or after it. Where the clocks jump over that time, when they
/// jump; where it comes twice, the first. `None` outside the years 0000 to 9999.
pub fn moment(day: Date, time: Time, zone: &TimeZone) -> Option<Moment> {
    let here = day.to_datetime(time);
    let instant = match zone.to_ambiguous_timestamp(here).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(here).ok()?,
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(here).ok()?,
        AmbiguousOffset::Gap { before, .. } => {
            let behind = before.to_timestamp(here).ok()?;
            jump(zone, behind).unwrap_or(behind)
        }
    };
    Moment::from_millis(instant.as_millisecond())
}

/// The last change of the clocks at or before an instant.
fn jump(zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    let after = at.checked_add(1.nanosecond()).ok()?;
    Some(zone.preceding(after).next()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};
    use proptest::prelude::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    /// Christmas and New Year are holidays.
    fn calendar() -> Calendar {
        let holidays = [date(2026, 12, 25), date(2027, 1, 1)];
        Calendar { zone: zone("Europe/Berlin"), holidays: holidays.into() }
    }

    #[test]
    fn weekends_and_holidays_are_no_business_days() {
        let calendar = calendar();
        for (day, expected) in [(24, true), (25, false), (26, false), (27, false), (28, true)] {
            assert_eq!(calendar.is_business_day(date(2026, 12, day)), expected, "December {day}");
        }
        assert_eq!(calendar.on_or_before(date(2026, 12, 27)), date(2026, 12, 24));
        assert_eq!(calendar.on_or_before(date(2026, 12, 24)), date(2026, 12, 24));
        assert_eq!(calendar.on_or_after(date(2026, 12, 25)), date(2026, 12, 28));
    }

    #[test]
    fn business_days_are_counted_from_the_day_after() {
        let from = |day: Date, n| calendar().plus_business_days(day, n);
        assert_eq!(from(date(2026, 11, 27), 1), date(2026, 11, 30), "Friday to Monday");
        assert_eq!(from(date(2026, 11, 28), 1), date(2026, 11, 30), "Saturday to Monday");
        assert_eq!(from(date(2026, 11, 28), 0), date(2026, 11, 30), "the first on or after");
        assert_eq!(from(date(2026, 11, 27), 0), date(2026, 11, 27));
        assert_eq!(from(date(2026, 12, 23), 2), date(2026, 12, 28), "over a holiday and a weekend");
        assert_eq!(from(date(2026, 12, 23), 6), date(2027, 1, 4), "over both");
        assert_eq!(from(date(2028, 2, 28), 1), date(2028, 2, 29), "a leap day is a day");
    }

    #[track_caller]
    fn check(place: &str, day: Date, (hour, minute): (i8, i8), expected: &str) {
        let found = moment(day, time(hour, minute, 0, 0), &zone(place)).unwrap();
        assert_eq!(found.to_string(), format!("{expected}:00.000Z"), "{place} {day} {hour}:{minute:02}");
    }

    #[test]
    fn an_hour_comes_when_it_does_where_they_are() {
        check("Europe/Berlin", date(2026, 3, 27), (9, 0), "2026-03-27T08:00");
        check("Europe/Berlin", date(2026, 3, 30), (9, 0), "2026-03-30T07:00");
        check("Pacific/Auckland", date(2026, 11, 23), (9, 0), "2026-11-22T20:00");
        check("America/New_York", date(2026, 11, 23), (9, 0), "2026-11-23T14:00");
    }

    #[test]
    fn where_the_clocks_jump_over_a_time_it_comes_when_they_jump() {
        for minute in [0, 30, 59] {
            check("Europe/Berlin", date(2026, 3, 29), (2, minute), "2026-03-29T01:00");
        }
        check("Europe/Berlin", date(2026, 3, 29), (3, 0), "2026-03-29T01:00");
        check("America/Santiago", date(2026, 9, 6), (0, 30), "2026-09-06T04:00");
        // Samoa left out the whole of 30 December 2011.
        check("Pacific/Apia", date(2011, 12, 30), (9, 0), "2011-12-30T10:00");
    }

    #[test]
    fn of_a_time_that_comes_twice_the_first_counts() {
        check("Europe/Berlin", date(2026, 10, 25), (2, 30), "2026-10-25T00:30");
        check("America/New_York", date(2026, 11, 1), (1, 0), "2026-11-01T05:00");
    }

    #[track_caller]
    fn check_quiet(quiet: &str, at: &str, expected: &str) {
        let moment = |text: &str| format!("{text}:00Z").parse::<Moment>().unwrap();
        let quiet = Some(quiet.parse().unwrap());
        let found = calendar().next_allowed(moment(at), &zone("Europe/Berlin"), quiet);
        assert_eq!(found, moment(expected), "{at}");
    }

    #[test]
    fn nobody_is_disturbed_in_quiet_hours_or_on_days_off() {
        let night = "18:00-08:00";
        check_quiet(night, "2026-11-23T16:59", "2026-11-23T16:59");
        check_quiet(night, "2026-11-23T17:00", "2026-11-24T07:00");
        check_quiet(night, "2026-11-24T06:59", "2026-11-24T07:00");
        check_quiet(night, "2026-11-24T07:00", "2026-11-24T07:00");
        check_quiet(night, "2026-11-27T17:00", "2026-11-30T07:00");
        check_quiet(night, "2026-12-24T20:00", "2026-12-28T07:00");
        // The clocks go forward and back on a Sunday.
        check_quiet(night, "2026-03-27T20:00", "2026-03-30T06:00");
        check_quiet(night, "2026-10-23T20:00", "2026-10-26T07:00");
        check_quiet("12:00-13:00", "2026-11-23T11:30", "2026-11-23T12:00");
        check_quiet("12:00-13:00", "2026-11-22T11:30", "2026-11-22T23:00");
    }

    #[track_caller]
    fn check_worked(quiet: Option<&str>, at: &str, hours: u32, expected: &str) {
        let moment = |text: &str| format!("{text}:00Z").parse::<Moment>().unwrap();
        let quiet = quiet.map(|quiet| quiet.parse().unwrap());
        assert_eq!(calendar().plus_working_hours(moment(at), hours, quiet), moment(expected), "{at} {quiet:?}");
    }

    #[test]
    fn working_hours_are_those_of_business_days_that_are_not_quiet() {
        let night = Some("18:00-08:00");
        check_worked(night, "2026-11-23T09:00", 8, "2026-11-23T17:00");
        check_worked(night, "2026-11-23T10:00", 8, "2026-11-24T08:00");
        check_worked(night, "2026-11-23T20:00", 8, "2026-11-24T15:00");
        check_worked(night, "2026-11-27T12:00", 8, "2026-11-30T10:00");
        check_worked(night, "2026-12-24T12:00", 8, "2026-12-28T10:00");
        // The clocks go forward and back on a Sunday.
        check_worked(night, "2026-03-27T12:00", 8, "2026-03-30T09:00");
        check_worked(night, "2026-10-23T12:00", 8, "2026-10-26T11:00");
        check_worked(None, "2026-11-23T09:00", 8, "2026-11-24T09:00");
        check_worked(Some("12:00-13:00"), "2026-11-23T10:00", 8, "2026-11-23T19:00");
        check_worked(Some("08:00-07:00"), "2026-11-23T10:00", 2, "2026-11-25T07:00");
    }

    #[test]
    fn quiet_hours_are_two_times() {
        for bad in ["", "18:00", "18-08", "18:00-18:00", "25:00-08:00", "6pm-8am", "18:00-08:00-09:00"] {
            assert!(bad.parse::<QuietHours>().is_err(), "{bad}");
        }
        assert_eq!("18:00 - 08:00".parse::<QuietHours>(), "18:00-08:00".parse());
    }

    proptest! {
        #[test]
        fn the_next_moment_allowed_is_allowed_and_the_first(
            hours in 0..20_000_i64, from in 0..24_i8, length in 1..24_i8, place in 0..4_usize,
        ) {
            let place = zone(["Europe/Berlin", "America/New_York", "Pacific/Auckland", "UTC"][place]);
            let quiet = Some(QuietHours { from: time(from, 0, 0, 0), until: time((from + length) % 24, 0, 0, 0) });
            let start: Moment = "2025-12-01T00:00:00Z".parse().unwrap();
            let hour = |n: i64| start.plus(SignedDuration::from_hours(n));
            let (at, calendar) = (hour(hours), calendar());
            let found = calendar.next_allowed(at, &place, quiet);
            prop_assert!(found >= at);
            prop_assert_eq!(calendar.next_allowed(found, &place, quiet), found);
            for between in (hours..).map(hour).take_while(|between| *between < found) {
                prop_assert!(calendar.next_allowed(between, &place, quiet) > between);
            }
        }
    }
}
