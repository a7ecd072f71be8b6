//! Times of the year in which less use says nothing.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// A span of days of every year, written `12-20..01-05`; both ends belong to it, and it may run over the new year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietPeriod {
    /// Month and day.
    first: (i8, i8),
    last: (i8, i8),
}

/// A text that does not name a span of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadQuietPeriod(pub String);

impl fmt::Display for BadQuietPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = "first and last day as month and day, such as `12-20..01-05`";
        write!(f, "`{}` is no quiet period; expected {expected}", self.0)
    }
}

impl std::error::Error for BadQuietPeriod {}

impl QuietPeriod {
    /// `day` lies in it.
    pub fn contains(self, day: Date) -> bool {
        let day = (day.month(), day.day());
        if self.first <= self.last {
            (self.first..=self.last).contains(&day)
        } else {
            day >= self.first || day <= self.last
        }
    }
}

impl FromStr for QuietPeriod {
    type Err = BadQuietPeriod;

    fn from_str(text: &str) -> Result<Self, BadQuietPeriod> {
        let day = |text: &str| {
            let (month, day) = text.split_once('-')?;
            let [month, day] = [month, day].map(|part| part.parse().ok().filter(|_| part.len() == 2));
            // In a leap year, so that 29 February is a day.
            Date::new(2028, month?, day?).ok().map(|date| (date.month(), date.day()))
        };
        let ends = text.trim().split_once("..");
        let ends = ends.and_then(|(first, last)| Some((day(first)?, day(last)?)));
        ends.map(|(first, last)| Self { first, last }).ok_or_else(|| BadQuietPeriod(text.to_owned()))
    }
}

impl fmt::Display for QuietPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((from_month, from), (to_month, to)) = (self.first, self.last);
        write!(f, "{from_month:02}-{from:02}..{to_month:02}-{to:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[track_caller]
    fn check(period: &str, day: Date, expected: bool) {
        let read: QuietPeriod = period.parse().unwrap();
        assert_eq!(read.to_string(), period);
        assert_eq!(read.contains(day), expected, "{period} {day}");
    }

    #[test]
    fn a_quiet_period_comes_every_year_and_may_run_over_its_end() {
        check("08-01..08-31", date(2026, 8, 1), true);
        check("08-01..08-31", date(2027, 8, 31), true);
        check("08-01..08-31", date(2026, 9, 1), false);
        check("12-20..01-05", date(2026, 12, 20), true);
        check("12-20..01-05", date(2027, 1, 5), true);
        check("12-20..01-05", date(2027, 1, 6), false);
        check("12-20..01-05", date(2026, 12, 19), false);
        check("02-29..02-29", date(2027, 2, 28), false);
    }

    #[test]
    fn what_is_no_span_of_days_is_refused() {
        for bad in ["", "12-20", "12-20..13-01", "02-30..03-01", "8-1..8-31", "12-20...01-05", "20-12..05-01"] {
            assert_eq!(bad.parse::<QuietPeriod>(), Err(BadQuietPeriod(bad.into())));
        }
    }
}
