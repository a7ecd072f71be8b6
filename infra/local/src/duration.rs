//! Spans of time as people type them: `90s`, `15m`, `36h`, `30d`, or several in a row such as `1d12h`.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;

/// A span of time of at least a second, typed by a person. A day is 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub SignedDuration);

/// A text that is not a span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a span of time; expected numbers with s, m, h or d, such as 90s, 15m, 36h or 1d12h")]
pub struct BadSpan(String);

const UNITS: [(char, i64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl Span {
    /// In whole milliseconds; never negative.
    pub fn as_millis(self) -> i64 {
        i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX)
    }
}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let bad = || BadSpan(text.to_owned());
        let mut rest = text;
        let mut seconds: i64 = 0;
        while !rest.is_empty() {
            let unit_at = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
            let number: i64 = rest[..unit_at].parse().map_err(|_| bad())?;
            let unit = rest[unit_at..].chars().next().ok_or_else(bad)?;
            let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
            seconds = number.checked_mul(*size).and_then(|more| seconds.checked_add(more)).ok_or_else(bad)?;
            rest = &rest[unit_at + unit.len_utf8()..];
        }
        // A century is longer than anything that is simulated, and far from where sums of times overflow.
        if (1..=100 * 366 * 86_400).contains(&seconds) {
            Ok(Self(SignedDuration::from_secs(seconds)))
        } else {
            Err(bad())
        }
    }
}

/// In the largest units that fit, so that it can be typed again.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_secs();
        for (unit, size) in UNITS {
            if rest >= size {
                write!(f, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, seconds: i64, shown: &str) {
        let span: Span = text.parse().unwrap();
        assert_eq!((span.0.as_secs(), span.to_string().as_str()), (seconds, shown), "{text}");
    }

    #[test]
    fn spans_are_read_and_shown() {
        check("90s", 90, "1m30s");
        check("15m", 900, "15m");
        check("36h", 129_600, "1d12h");
        check("30d", 2_592_000, "30d");
        check("1d12h5m1s", 129_901, "1d12h5m1s");
    }

    #[test]
    fn what_is_not_a_span_is_refused_with_an_example() {
        for text in ["", "0s", "12", "h", "1w", "-3h", "1.5h", "1 h", "99999999999999999999s", "40000d", "1ß"] {
            let error = text.parse::<Span>().unwrap_err().to_string();
            assert!(error.contains("such as 90s"), "{text}: {error}");
        }
    }
}
