//! A HubSpot property's token as the value of a field. HubSpot writes every value as a string: `"1798675200000"` and
//! `"2026-12-31"` are days, `"true"` a flag, `"10000000.0000000005551115"` an amount.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{Currency, Field, Moment, Money, Value, ValueKind};
use serde_json::value::RawValue;

use crate::json::{self, Found};

/// Why a token is not a value of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) expected: &'static str,
    pub(crate) found: Found,
}

/// Longest notice period taken for one, in days: ten years. What is longer is another unit.
const MAX_NOTICE_DAYS: i64 = 3_650;

/// The most seats or prepaid units taken for a count. What is more is something else, such as an instant.
const MAX_COUNT: i64 = 1_000_000_000_000;

/// Epoch numbers nearer to 1970 than this many milliseconds (115 days) are seconds or `YYYYMMDD`, not milliseconds.
const MIN_EPOCH_MS: u64 = 10_000_000_000;

/// Reads `raw` as a value of `field`; null and empty text mean that the source emptied it.
pub(crate) fn read(field: Field, raw: &RawValue, currency: Currency) -> Result<Value, Unfit> {
    let expected = expected(field);
    let text = json::scalar(raw).map_err(|found| Unfit { expected, found })?.unwrap_or_default();
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(Value::Cleared);
    }
    let value = match field.kind() {
        ValueKind::Text if field == Field::Company => whole_number(raw).ok().map(Value::Text),
        ValueKind::Text => words(field, &text).map(Value::Text),
        ValueKind::Int if field == Field::NoticeDays => whole(trimmed, MAX_NOTICE_DAYS).map(Value::Int),
        ValueKind::Int => whole(trimmed, MAX_COUNT).map(Value::Int),
        ValueKind::Flag => flag(trimmed).map(Value::Flag),
        ValueKind::Money => Money::from_decimal(trimmed, currency).ok().map(Value::Money),
        ValueKind::Date => date(trimmed).map(Value::Date),
        ValueKind::Moment => moment(trimmed).map(Value::Moment),
    };
    value.ok_or_else(|| Unfit { expected, found: Found::kind(raw) })
}

fn expected(field: Field) -> &'static str {
    match field.kind() {
        ValueKind::Text if field == Field::Sentiment => {
            "one of green, good, great, healthy, happy, positive; yellow, amber, neutral, medium, ok, okay, watch, \
             at watch; red, bad, poor, at risk, unhealthy, unhappy, negative"
        }
        ValueKind::Text if field == Field::Company => "a company's id",
        ValueKind::Text => "text",
        ValueKind::Int if field == Field::NoticeDays => "a whole number of days from 0 to 3650",
        ValueKind::Int => "a whole number from 0 to 1000000000000",
        ValueKind::Flag => "true or false",
        ValueKind::Money => "an amount such as 12000.50",
        ValueKind::Date => "a date (epoch milliseconds, an ISO instant or YYYY-MM-DD)",
        ValueKind::Moment => "an instant (epoch milliseconds, an ISO instant or YYYY-MM-DD)",
    }
}

/// Text as it was written, except where case carries no meaning and would only keep equal things apart.
fn words(field: Field, text: &str) -> Option<String> {
    match field {
        Field::Sentiment => sentiment(text).map(str::to_owned),
        Field::Domain | Field::Email | Field::LifecycleStage | Field::Status | Field::Priority | Field::TicketType => {
            Some(text.trim().to_lowercase())
        }
        // HubSpot separates the domains with semicolons.
        Field::OtherDomains => {
            let domains = text.split([';', ',']).map(|domain| domain.trim().to_lowercase());
            Some(domains.filter(|domain| !domain.is_empty()).collect::<Vec<_>>().join(","))
        }
        _ => Some(text.to_owned()),
    }
}

/// The words people give the options of such a property, also as internal names (`at_risk`).
fn sentiment(text: &str) -> Option<&'static str> {
    match text.trim().to_lowercase().replace(['_', '-'], " ").as_str() {
        "green" | "good" | "great" | "healthy" | "happy" | "positive" => Some("green"),
        "yellow" | "amber" | "neutral" | "medium" | "ok" | "okay" | "watch" | "at watch" => Some("yellow"),
        "red" | "bad" | "poor" | "at risk" | "unhealthy" | "unhappy" | "negative" => Some("red"),
        _ => None,
    }
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" => Some(true),
        "false" | "no" => Some(false),
        _ => None,
    }
}

/// `30` and `30.00`, not `30.5`.
fn whole(text: &str, most: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let no_fraction = !fraction.is_empty() && fraction.bytes().all(|b| b == b'0');
    whole.parse().ok().filter(|number| no_fraction && (0..=most).contains(number))
}

/// The day of an instant is the one in UTC: HubSpot keeps days as midnight UTC. With an offset it is the day as written.
fn date(text: &str) -> Option<Date> {
    if is_whole_number(text) {
        return Some(epoch(text)?.date_in(&TimeZone::UTC));
    }
    let date = match text.parse::<Date>() {
        Ok(date) => date,
        // Only what ends in `Z` has no day of its own.
        Err(_) => moment(text)?.date_in(&TimeZone::UTC),
    };
    (date.year() >= 1).then_some(date)
}

/// An instant in every form HubSpot writes. A day alone stands for its first instant in UTC.
pub(crate) fn moment(text: &str) -> Option<Moment> {
    if is_whole_number(text) {
        return epoch(text);
    }
    let day = || Moment::start_of(text.parse().ok().filter(|_| text.len() == 10)?, &TimeZone::UTC);
    text.parse().ok().or_else(day).or_else(|| exported(text))
}

/// `2026-12-31 14:05`, as files that HubSpot exports have it; taken as UTC, because they name no zone.
fn exported(text: &str) -> Option<Moment> {
    let (day, time) = text.split_once(' ').filter(|(day, time)| day.len() == 10 && time.len() >= 5)?;
    let seconds = if time.len() == 5 { ":00" } else { "" };
    format!("{day}T{time}{seconds}Z").parse().ok()
}

/// An id, written as a number or as text. 64 bits, and never through a float: HubSpot's pass 2^32, others' 2^53.
///
/// # Errors
/// With what was found instead.
pub(crate) fn whole_number(raw: &RawValue) -> Result<String, Found> {
    let text = json::scalar(raw)?.unwrap_or_default();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse::<u64>().ok().filter(|_| digits);
    number.map(|number| number.to_string()).ok_or_else(|| Found::kind(raw))
}

fn is_whole_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn epoch(text: &str) -> Option<Moment> {
    let ms = text.parse::<i64>().ok().filter(|ms| ms.unsigned_abs() >= MIN_EPOCH_MS)?;
    Moment::from_millis(ms)
}
