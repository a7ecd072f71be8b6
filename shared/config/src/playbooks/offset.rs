//! How long after something: in days, or in hours and days that are worked.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan as _;
use jiff::civil::{Time, time};
use model::Moment;

use crate::Calendar;
use crate::calendar::moment;

/// A time after something, written `8bh`, `2bd` or `3d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    /// Hours that are worked: 09:00 to 17:00 on business days.
    BusinessHours(u16),
    /// Days that are worked, at 09:00.
    BusinessDays(u16),
    /// Days, at 09:00.
    Days(u16),
}

/// A text that is no offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadOffset(String);

impl fmt::Display for BadOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no time to count; expected `8bh` (business hours), `2bd` (business days) or `3d`", self.0)
    }
}

impl std::error::Error for BadOffset {}

impl FromStr for Offset {
    type Err = BadOffset;

    fn from_str(text: &str) -> Result<Self, BadOffset> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number = text[..digits].parse::<u16>().ok().filter(|number| *number <= MOST);
        match (number, &text[digits..]) {
            (Some(hours), "bh") => Ok(Self::BusinessHours(hours)),
            (Some(days), "bd") => Ok(Self::BusinessDays(days)),
            (Some(days), "d") => Ok(Self::Days(days)),
            _ => Err(BadOffset(text.to_owned())),
        }
    }
}

/// The longest, in days or hours: two years of days, more is a slip.
const MOST: u16 = 730;
/// When people begin: business hours are those in which most offices of any zone are open.
const FROM: Time = time(9, 0, 0, 0);
/// When they go, so that a business day has eight hours.
const UNTIL: Time = time(17, 0, 0, 0);

impl Offset {
    /// So long after `start`, as the calendar's people work. Days begin at 09:00 in their zone.
    pub fn after(self, start: Moment, calendar: &Calendar) -> Moment {
        let day = start.local(&calendar.zone).date();
        let on = match self {
            Self::BusinessHours(hours) => return worked(start, hours, calendar),
            Self::BusinessDays(days) => calendar.plus_business_days(day, days),
            Self::Days(days) => day.checked_add(i32::from(days).days()).unwrap_or(day),
        };
        moment(on, FROM, &calendar.zone).unwrap_or(start)
    }
}

/// So many worked hours after `start`; when the last of them ends with the day, at its end.
fn worked(start: Moment, hours: u16, calendar: &Calendar) -> Moment {
    let mut left = jiff::SignedDuration::from_hours(hours.into());
    let mut day = start.local(&calendar.zone).date();
    loop {
        let day_worked = calendar.is_business_day(day);
        let bounds = moment(day, FROM, &calendar.zone).zip(moment(day, UNTIL, &calendar.zone));
        if let Some((from, until)) = bounds.filter(|_| day_worked) {
            let begin = from.max(start);
            let rest = until.since(begin);
            if rest >= left {
                return begin.plus(left);
            }
            left -= rest.max(jiff::SignedDuration::ZERO);
        }
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => return start,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    /// `start` and `expected` are in UTC; Christmas is a holiday.
    #[track_caller]
    fn check(offset: &str, place: &str, start: &str, expected: &str) {
        let calendar = Calendar { zone: TimeZone::get(place).unwrap(), holidays: [date(2026, 12, 25)].into() };
        let at = |text: &str| format!("{text}:00Z").parse::<Moment>().unwrap();
        let found = offset.parse::<Offset>().unwrap().after(at(start), &calendar);
        assert_eq!(found, at(expected), "{offset} after {start} in {place}");
    }

    #[test]
    fn days_begin_at_nine_where_people_are() {
        check("3d", "Europe/Berlin", "2026-11-23T22:30", "2026-11-26T08:00");
        // Half past eleven in the evening is the next day already.
        check("3d", "Europe/Berlin", "2026-11-23T23:30", "2026-11-27T08:00");
        check("3d", "America/New_York", "2026-11-23T22:30", "2026-11-26T14:00");
        check("2bd", "Europe/Berlin", "2026-11-26T10:00", "2026-11-30T08:00");
        check("1bd", "Europe/Berlin", "2026-12-24T10:00", "2026-12-28T08:00");
        check("0d", "Europe/Berlin", "2026-11-23T22:30", "2026-11-23T08:00");
    }

    #[test]
    fn nine_is_nine_also_when_the_clocks_change() {
        check("3d", "Europe/Berlin", "2026-03-27T10:00", "2026-03-30T07:00");
        check("1bd", "Europe/Berlin", "2026-10-23T10:00", "2026-10-26T08:00");
        check("1bd", "America/New_York", "2026-03-06T20:00", "2026-03-09T13:00");
    }

    #[test]
    fn hours_that_nobody_works_do_not_count() {
        check("8bh", "Europe/Berlin", "2026-11-23T08:00", "2026-11-23T16:00");
        check("8bh", "Europe/Berlin", "2026-11-23T10:00", "2026-11-24T10:00");
        check("4bh", "Europe/Berlin", "2026-11-27T15:00", "2026-11-30T11:00");
        check("4bh", "Europe/Berlin", "2026-11-28T15:00", "2026-11-30T12:00");
        check("4bh", "Europe/Berlin", "2026-12-24T15:30", "2026-12-28T11:30");
        check("2bh", "Europe/Berlin", "2026-11-23T03:00", "2026-11-23T10:00");
        check("2bh", "Europe/Berlin", "2026-11-23T19:00", "2026-11-24T10:00");
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["", "d", "2", "2 bd", "-1d", "2bw", "731d", "99999999bd", "bd2"] {
            assert!(bad.parse::<Offset>().is_err(), "{bad}");
        }
    }
}
