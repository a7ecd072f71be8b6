//! `[alerts]` of `team.toml`: how much a person is interrupted, and when many alerts are one.

use jiff::SignedDuration;
use jiff::civil::Time;
use model::{Band, Money};
use serde::Deserialize;
use toml::Spanned;

use crate::reading::Reader;

/// How much a person is interrupted, and when many alerts are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// The messages that may interrupt one person in one calendar week; what is beyond waits for the digest.
    pub per_week: u32,
    /// A red account with at least so much recurring revenue, in whole units of its own currency, is beyond the budget.
    pub exempt_above_arr: i64,
    /// The messages beyond the budget that stand alone in one day; further ones are replies to the last of them.
    pub exempt_merged_after: u32,
    /// The time of the digest on business days, in the reader's zone.
    pub digest_at: Time,
    /// From so many accounts on that turn within `surge_within`, one message tells of all.
    pub surge_accounts: u32,
    /// How close together a burst is.
    pub surge_within: SignedDuration,
    /// How long a first message waits, so that a burst is seen before it is told.
    pub settle: SignedDuration,
    /// How many of its own points, as basis points, a measure falls before the thread of a risk is told.
    pub worth_telling: u16,
    /// After so many working hours of its owner an alert that nobody answered is the manager's to know of; 0 for never.
    pub unclaimed_hours: u32,
}

/// What holds where `team.toml` says nothing.
impl Default for Alerts {
    fn default() -> Self {
        Self {
            per_week: 8,
            exempt_above_arr: 100_000,
            exempt_merged_after: 3,
            digest_at: Time::constant(9, 0, 0, 0),
            surge_accounts: 10,
            surge_within: SignedDuration::from_mins(15), // as `team.toml` ships, which says why
            settle: SignedDuration::from_mins(2),        // as above
            worth_telling: 1_000,
            unclaimed_hours: 8,
        }
    }
}

impl Alerts {
    /// No budget holds back news of such an account.
    pub fn is_exempt(&self, band: Band, arr: Option<Money>) -> bool {
        band == Band::Red && arr.is_some_and(|arr| arr.major() >= self.exempt_above_arr)
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct AlertsTable {
    #[serde(default)]
    per_week: Option<Spanned<i64>>,
    #[serde(default)]
    exempt_above_arr: Option<Spanned<i64>>,
    #[serde(default)]
    exempt_merged_after: Option<Spanned<i64>>,
    #[serde(default)]
    digest_at: Option<Spanned<String>>,
    #[serde(default)]
    surge_accounts: Option<Spanned<i64>>,
    #[serde(default)]
    surge_within: Option<Spanned<String>>,
    #[serde(default)]
    settle: Option<Spanned<String>>,
    #[serde(default)]
    worth_telling: Option<Spanned<i64>>,
    unclaimed_hours: Option<Spanned<i64>>,
}

/// The most messages a week or a day that make sense as a budget.
const MOST_MESSAGES: u32 = 100;
/// The most accounts that a burst can be made to need; no more of one burst are counted.
const MOST_ACCOUNTS: u32 = 200;
/// The most working hours that an alert can wait: two weeks of them.
const MOST_HOURS: u32 = 80;
/// The longest that a burst or a wait may be: more is a slip, and what is remembered of a burst must not grow.
const LONGEST_MINUTES: i64 = 120;

pub(crate) fn alerts(reader: &mut Reader<'_>, table: &AlertsTable) -> Alerts {
    let usual = Alerts::default();
    let arr = table.exempt_above_arr.as_ref();
    if let Some(arr) = arr.filter(|arr| *arr.get_ref() < 0) {
        reader.wrong(arr.span(), "revenue is not negative", "whole units, such as `100000`".to_owned());
    }
    let surge_within = length(reader, table.surge_within.as_ref(), usual.surge_within);
    let settle = length(reader, table.settle.as_ref(), usual.settle);
    if let Some(text) = table.settle.as_ref().filter(|_| settle > surge_within) {
        let help = "at most `surge_within`; what is older is no part of the burst".to_owned();
        reader.wrong(text.span(), "a first message waits longer than a burst lasts", help);
    }
    Alerts {
        per_week: count(reader, table.per_week.as_ref(), usual.per_week, 0, MOST_MESSAGES),
        exempt_above_arr: arr.map_or(usual.exempt_above_arr, |arr| *arr.get_ref()),
        exempt_merged_after: count(
            reader,
            table.exempt_merged_after.as_ref(),
            usual.exempt_merged_after,
            1,
            MOST_MESSAGES,
        ),
        digest_at: table.digest_at.as_ref().map_or(usual.digest_at, |text| time(reader, text)),
        surge_accounts: count(reader, table.surge_accounts.as_ref(), usual.surge_accounts, 2, MOST_ACCOUNTS),
        surge_within,
        settle,
        worth_telling: table.worth_telling.as_ref().map_or(usual.worth_telling, |points| reader.points(points)),
        unclaimed_hours: count(reader, table.unclaimed_hours.as_ref(), usual.unclaimed_hours, 0, MOST_HOURS),
    }
}

fn count(reader: &mut Reader<'_>, number: Option<&Spanned<i64>>, usual: u32, least: u32, most: u32) -> u32 {
    let Some(number) = number else { return usual };
    match u32::try_from(*number.get_ref()) {
        Ok(good) if (least..=most).contains(&good) => good,
        Ok(_) | Err(_) => {
            reader.wrong(number.span(), format!("{} is not between {least} and {most}", number.get_ref()), None);
            usual
        }
    }
}

fn time(reader: &mut Reader<'_>, text: &Spanned<String>) -> Time {
    let written = text.get_ref();
    let good = written.len() == 5 && written.as_bytes()[2] == b':';
    if let Some(time) = good.then(|| written.parse().ok()).flatten() {
        return time;
    }
    reader.wrong(text.span(), format!("`{written}` is not a time of day"), "such as `09:00`".to_owned());
    Time::midnight()
}

/// A length of time in whole minutes or hours: `15m`, `1h`.
fn length(reader: &mut Reader<'_>, text: Option<&Spanned<String>>, usual: SignedDuration) -> SignedDuration {
    let Some(text) = text else { return usual };
    let written = text.get_ref().as_str();
    let number = |digits: &str| digits.parse::<u16>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
    let minutes = match (written.strip_suffix('m'), written.strip_suffix('h')) {
        (Some(minutes), _) => number(minutes).map(i64::from),
        (_, Some(hours)) => number(hours).map(|hours| i64::from(hours) * 60),
        (None, None) => None,
    };
    if let Some(minutes @ 0..=LONGEST_MINUTES) = minutes {
        return SignedDuration::from_mins(minutes);
    }
    let help = "minutes or hours, such as `15m` or `1h`; at most two hours".to_owned();
    reader.wrong(text.span(), format!("`{written}` is not a short length of time"), help);
    usual
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_red_account_with_revenue_is_beyond_the_budget() {
        let alerts = Alerts::default();
        let eur = |major: i64| Some(Money { minor: major * 100, currency: "EUR".parse().unwrap() });
        assert!(alerts.is_exempt(Band::Red, eur(100_000)));
        assert!(!alerts.is_exempt(Band::Red, eur(99_999)));
        assert!(!alerts.is_exempt(Band::Yellow, eur(100_000)));
        assert!(!alerts.is_exempt(Band::Red, None));
    }

    #[track_caller]
    fn check(text: &str, minutes: Option<i64>) {
        let mut reader = Reader::new("f", "");
        let found = length(&mut reader, Some(&Spanned::new(0..0, text.into())), SignedDuration::from_mins(7));
        assert_eq!(reader.problems.is_empty(), minutes.is_some(), "{text}");
        assert_eq!(found, SignedDuration::from_mins(minutes.unwrap_or(7)), "{text}");
    }

    #[test]
    fn a_burst_lasts_minutes_or_hours() {
        check("15m", Some(15));
        check("2h", Some(120));
        check("0m", Some(0));
        for bad in ["", "m", "15", "15 m", "-1m", "+1m", "121m", "3h", "1d", "1.5h", "99999999h"] {
            check(bad, None);
        }
    }
}
