//! Billing: an invoice a quarter, paid in time but for now and then.

use model::{ClaimKind, FactKey, Field, LinkSays, SubjectId, Value};

use super::{Story, day as on};
use crate::planted::Sign;
use crate::told::{Diary, date_of};

const SOURCE: &str = "billing";
/// Days between invoices.
const QUARTER: i64 = 91;

pub(super) fn tell(story: &Story<'_>, diary: &mut Diary) {
    let customer = story.customer;
    if !customer.is_billed {
        return;
    }
    let mut dice = story.dice("billing");
    let payer = SubjectId::vendor("stripe", "customer", &format!("cus{:03}", customer.number));
    let days = story.days();
    let target = Some(customer.account.clone());
    let belongs = LinkSays::Own { field: "external_id".to_owned(), kind: ClaimKind::ExternalId, target };
    diary.link((days.start, 2 * 60), SOURCE, &payer, belongs);
    let fact = || (SOURCE, &payer, FactKey::Payment);
    let paid = [(Field::OverdueSince, Value::Cleared), (Field::PaymentFailures, Value::Int(0))];
    let owes = |day: i64, failures: i64| {
        [(Field::OverdueSince, on(date_of(day))), (Field::PaymentFailures, Value::Int(failures))]
    };
    diary.tell((days.start, 2 * 60), fact(), &paid);
    let late_from = story.planted.and_then(|planted| planted.shows(Sign::LatePayment)).unwrap_or(i64::MAX);
    let mut due = days.start + dice.between(0, QUARTER);
    while due < days.end.min(late_from) {
        if dice.percent(customer.vigour.pick([3, 8, 15])) {
            diary.tell((due, 2 * 60), fact(), &owes(due, 1));
            // A reminder helps.
            diary.tell(((due + dice.between(3, 18)).min(late_from - 1), 2 * 60), fact(), &paid);
        } else {
            diary.tell((due, 2 * 60), fact(), &paid);
        }
        due += QUARTER;
    }
    // They stop paying, and reminders do not help.
    for (failures, after) in (1..).zip([0, 14, 30, 60]) {
        let day = late_from.saturating_add(after);
        if day < days.end {
            diary.tell((day, 2 * 60), fact(), &owes(late_from, failures));
        }
    }
}
