//! Instants and days. Names end in `_at` for instants ([`Moment`]) and `_on` for calendar days ([`jiff::civil::Date`]).

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in UTC, to the millisecond: the finest unit every vendor and every store agrees on.
///
/// Written as `2026-11-21T09:00:00.000Z`, always 24 characters, so that text order is time order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

/// A text that is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an instant; expected RFC 3339 such as 2026-11-21T09:00:00Z")]
pub struct BadMoment(pub String);

/// The first and last millisecond that the fixed-width form can write: years 0000 to 9999.
const FIRST_MS: i64 = -62_167_219_200_000;
const LAST_MS: i64 = 253_402_300_799_999;

impl Moment {
    /// The earliest moment of the fixed-width form; sorts before every real one.
    pub const EARLIEST: Self = Self(FIRST_MS);
    /// The latest moment of the fixed-width form; sorts after every real one.
    pub const LATEST: Self = Self(LAST_MS);

    /// Milliseconds since 1970-01-01T00:00:00Z; `None` outside the years 0000 to 9999.
    pub fn from_millis(ms: i64) -> Option<Self> {
        (FIRST_MS..=LAST_MS).contains(&ms).then_some(Self(ms))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// The moment `by` later (earlier when negative), held inside the years 0000 to 9999.
    #[must_use]
    pub fn plus(self, by: SignedDuration) -> Self {
        let ms = i64::try_from(by.as_millis()).unwrap_or(if by.is_negative() { i64::MIN } else { i64::MAX });
        Self(self.0.saturating_add(ms).clamp(FIRST_MS, LAST_MS))
    }

    /// How much later this is than `earlier`; negative when it is before.
    pub fn since(self, earlier: Self) -> SignedDuration {
        SignedDuration::from_millis(self.0 - earlier.0)
    }

    /// The calendar day of this instant in `zone`.
    pub fn date_in(self, zone: &TimeZone) -> Date {
        self.local(zone).date()
    }

    /// What clocks and calendars show at this instant in `zone`.
    pub fn local(self, zone: &TimeZone) -> DateTime {
        zone.to_datetime(self.timestamp())
    }

    /// 00:00 of `day` in `zone`; where a change of the clocks skips midnight, the first instant of the day.
    pub fn start_of(day: Date, zone: &TimeZone) -> Option<Self> {
        let zoned = zone.to_zoned(day.at(0, 0, 0, 0)).ok()?;
        Self::from_millis(zoned.timestamp().as_millisecond())
    }

    fn timestamp(self) -> Timestamp {
        // The range check of the constructors is narrower than jiff's own, so this cannot fail.
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.timestamp())
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Moment {
    type Err = BadMoment;

    fn from_str(text: &str) -> Result<Self, BadMoment> {
        let bad = || BadMoment(text.to_owned());
        let timestamp: Timestamp = text.parse().map_err(|_| bad())?;
        Self::from_millis(timestamp.as_millisecond()).ok_or_else(bad)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "An instant in UTC to the millisecond, always 24 characters."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, written: &str) {
        assert_eq!(text.parse::<Moment>().unwrap().to_string(), written);
    }

    #[test]
    fn a_moment_is_written_in_one_width() {
        check("2026-11-21T09:00:00Z", "2026-11-21T09:00:00.000Z");
        check("2026-11-21T10:00:00.5+01:00", "2026-11-21T09:00:00.500Z");
        check("2024-02-29T23:59:59.999999Z", "2024-02-29T23:59:59.999Z");
    }

    #[test]
    fn text_order_is_time_order() {
        let a = "2026-11-21T09:00:00Z".parse::<Moment>().unwrap();
        let b = a.plus(SignedDuration::from_millis(7));
        assert!(a < b && a.to_string() < b.to_string());
        assert_eq!(b.since(a), SignedDuration::from_millis(7));
    }

    #[test]
    fn moments_outside_the_calendar_are_refused() {
        assert_eq!(Moment::from_millis(i64::MAX), None);
        assert_eq!(Moment::from_millis(i64::MIN), None);
        assert!("yesterday".parse::<Moment>().is_err());
    }

    #[test]
    fn a_day_starts_at_its_first_instant_where_midnight_is_skipped() {
        // Clocks in Santiago jump from 00:00 to 01:00 on 2026-09-06.
        let zone = TimeZone::get("America/Santiago").unwrap();
        let day = jiff::civil::date(2026, 9, 6);
        let start = Moment::start_of(day, &zone).unwrap();
        assert_eq!(start.date_in(&zone), day);
        assert_eq!(start.to_string(), "2026-09-06T04:00:00.000Z");
    }
}
