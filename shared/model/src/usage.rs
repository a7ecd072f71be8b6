//! How a source's reports of use are kept: one item per metric and month, one register per day.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::BadId;

/// A day of a month, 1 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayOfMonth(u8);

impl DayOfMonth {
    /// The days of the longest month.
    pub const ALL: [Self; 31] = {
        let mut all = [Self(1); 31];
        let mut day = 1;
        while day < 31 {
            all[day as usize] = Self(day + 1);
            day += 1;
        }
        all
    };

    /// The day of the month of `date`.
    pub fn of(date: Date) -> Self {
        // A date's day is 1 to 31.
        Self(u8::try_from(date.day()).unwrap_or(1))
    }

    /// The number, from 1.
    pub fn get(self) -> u8 {
        self.0
    }

    /// The name of the register that holds the day's value.
    pub(crate) fn field_name(self) -> &'static str {
        const NAMES: [&str; 31] = [
            "day_01", "day_02", "day_03", "day_04", "day_05", "day_06", "day_07", "day_08", "day_09", "day_10",
            "day_11", "day_12", "day_13", "day_14", "day_15", "day_16", "day_17", "day_18", "day_19", "day_20",
            "day_21", "day_22", "day_23", "day_24", "day_25", "day_26", "day_27", "day_28", "day_29", "day_30",
            "day_31",
        ];
        NAMES[usize::from(self.0) - 1]
    }
}

/// A month of the calendar, written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of `date`.
    pub fn of(date: Date) -> Self {
        Self { year: date.year(), month: date.month() }
    }

    /// A day of this month; `None` for one that it does not have.
    pub fn day(self, day: DayOfMonth) -> Option<Date> {
        Date::new(self.year, self.month, i8::try_from(day.get()).ok()?).ok()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let month = format!("{text}-01").parse().map(Self::of).ok();
        // The calendar also reads other forms; one month has one name.
        month
            .filter(|month| month.to_string() == text)
            .ok_or_else(|| BadId { what: "a month, such as `2026-11`", text: text.to_owned() })
    }
}

/// Which metric of use, in which month. Products and groups are parts that add up: what a source counts for a whole
/// product stands under one group, such as `all`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageKey {
    product: String,
    group: String,
    metric: String,
    month: Month,
}

impl UsageKey {
    /// Distinct users of a day, or of the days up to it, as the source counts.
    pub const ACTIVE_USERS: &'static str = "active_users";
    /// Distinct high-value features used, of a day or of the days up to it.
    pub const KEY_FEATURES: &'static str = "key_features";
    /// Units that were paid in advance and used on a day.
    pub const PREPAID_UNITS: &'static str = "prepaid_units";
    /// High-value features that the account could use.
    pub const KEY_FEATURES_AVAILABLE: &'static str = "key_features_available";

    /// The item in which the value of a metric on `day` is kept, under [`crate::Field::Day`].
    ///
    /// # Errors
    /// When a name is empty or has a `#` or a control character in it.
    pub fn new(product: &str, group: &str, metric: &str, day: Date) -> Result<Self, BadId> {
        for name in [product, group, metric] {
            if name.is_empty() || name.contains(|c: char| c == '#' || c.is_control()) {
                let what = "the name of a product, group or metric: not empty and without `#`";
                return Err(BadId { what, text: name.to_owned() });
            }
        }
        let [product, group, metric] = [product, group, metric].map(str::to_owned);
        Ok(Self { product, group, metric, month: Month::of(day) })
    }

    /// The product, as its source names it.
    pub fn product(&self) -> &str {
        &self.product
    }

    /// The part of the product or of its users.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// What is counted.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// The month whose days it holds.
    pub fn month(&self) -> Month {
        self.month
    }
}

/// As in a sort key: `crm#all#active_users#2026-11`.
impl fmt::Display for UsageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}#{}#{}", self.product, self.group, self.metric, self.month)
    }
}

impl FromStr for UsageKey {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad =
            || BadId { what: "a metric of a month, such as `crm#all#active_users#2026-11`", text: text.to_owned() };
        let mut parts = text.split('#');
        let (Some(product), Some(group), Some(metric), Some(month), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad());
        };
        let first = month.parse::<Month>()?.day(DayOfMonth(1)).ok_or_else(bad)?;
        Self::new(product, group, metric, first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_day_is_kept_in_its_month() {
        let day = date(2028, 2, 29);
        let key = UsageKey::new("crm", "all", UsageKey::ACTIVE_USERS, day).unwrap();
        assert_eq!(key.to_string(), "crm#all#active_users#2028-02");
        assert_eq!(key.month().day(DayOfMonth::of(day)), Some(day));
        assert_eq!("2026-02".parse::<Month>().unwrap().day(DayOfMonth::of(day)), None);
    }

    #[test]
    fn a_name_that_would_break_the_key_is_refused() {
        for bad in ["", "a#b", "a\nb"] {
            assert!(UsageKey::new(bad, "all", "active_users", date(2026, 1, 1)).is_err(), "{bad:?}");
            assert!(UsageKey::new("crm", "all", bad, date(2026, 1, 1)).is_err(), "{bad:?}");
        }
        for bad in
            ["crm#all#active_users", "crm#all#active_users#2026-1", "#all#active_users#2026-01", "a#b#c#2026-01#d"]
        {
            assert!(bad.parse::<UsageKey>().is_err(), "{bad}");
        }
    }
}
