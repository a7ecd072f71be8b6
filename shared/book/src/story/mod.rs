//! What happens in the year, tool by tool, and is told in the diary.

mod billing;
mod crm;
mod support;
mod surveys;
mod usage;

use jiff::civil::Date;
use model::{Money, Value};

use crate::customer::Customer;
use crate::dice::Dice;
use crate::planted::Planted;
use crate::setup::Wired;
use crate::told::{DAYS, Diary, day_of};

/// Days of the book.
const LAST: i64 = DAYS as i64;
/// How long before the book its history reaches, in days: two windows of usage and a quarter of tickets.
const HISTORY: i64 = 90;

/// One customer's part of the book.
struct Story<'a> {
    seed: u64,
    customer: &'a Customer,
    planted: Option<&'a Planted>,
}

impl Story<'_> {
    fn dice(&self, of: &str) -> Dice {
        Dice::new(self.seed, of, self.customer.number)
    }

    /// The days on which it pays, and history before them.
    fn days(&self) -> std::ops::Range<i64> {
        let first = self.customer.first_day();
        let start = if first == 0 { -HISTORY } else { first };
        let end = self.planted.map_or(LAST, |planted| day_of(planted.leaves_on).min(LAST));
        start..end
    }
}

/// Writes the whole year, as far as tools tell of it that are wired.
pub(crate) fn write(seed: u64, wired: Wired, customers: &[Customer], planted: &[Planted], diary: &mut Diary) {
    crm::prospects(seed, customers, diary);
    for customer in customers {
        let planted = planted.iter().find(|planted| planted.customer == customer.number);
        let story = Story { seed, customer, planted };
        crm::tell(&story, diary);
        support::tell(&story, diary);
        surveys::tell(&story, diary);
        match wired {
            Wired::Everything => {
                usage::tell(&story, diary);
                billing::tell(&story, diary);
            }
            Wired::CrmAndTickets => {}
        }
    }
}

fn word(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn usd(major: i64) -> Value {
    "USD".parse().map_or(Value::Cleared, |currency| Value::Money(Money { minor: major * 100, currency }))
}

fn day(date: Date) -> Value {
    Value::Date(date)
}
