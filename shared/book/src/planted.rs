//! The customers who leave, what could be seen of it beforehand, and when.

use jiff::ToSpan as _;
use jiff::civil::Date;
use model::SubjectId;

use crate::customer::{Customer, Vigour};
use crate::dice::Dice;
use crate::setup::Wired;
use crate::told::{date_of, day_of};

/// Customers who leave.
pub const PLANTED: usize = 20;
/// Those of them of whom no tool shows anything.
const UNSEEN: usize = 3;
/// The earliest day by which one of them gives notice; the others follow until the book ends.
const FIRST_NOTICE: i64 = 180;
/// Days between the notices of one and the next.
const BETWEEN_NOTICES: i64 = 9;

/// Something that is seen of a customer who is going to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Fewer and fewer people use the product.
    UsageFalls,
    /// The sponsor takes another job.
    ChampionLeaves,
    /// Urgent tickets stay open for long.
    TicketsEscalate,
    /// Their people answer that they would not recommend us.
    Detractor,
    /// Nobody there answers any more.
    Silence,
    /// Invoices stay unpaid.
    LatePayment,
}

impl Sign {
    /// A tool that is wired tells of it.
    fn shows_with(self, wired: Wired) -> bool {
        match self {
            Self::UsageFalls | Self::LatePayment => wired == Wired::Everything,
            Self::ChampionLeaves | Self::TicketsEscalate | Self::Detractor | Self::Silence => true,
        }
    }
}

/// A customer who leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// Its place in [`crate::Book::customers`].
    pub customer: usize,
    /// The company in the CRM.
    pub account: SubjectId,
    /// The day on which it gives notice, the last on which it can.
    pub notice_on: Date,
    /// The day on which its term ends.
    pub leaves_on: Date,
    /// What is seen of it, and from which day on, the earliest first.
    pub signs: Vec<(Sign, Date)>,
    /// Why no tool shows enough; `None` where one does.
    pub unseen: Option<&'static str>,
}

impl Planted {
    /// The day of the book from which on a sign is seen.
    pub(crate) fn shows(&self, sign: Sign) -> Option<i64> {
        self.signs.iter().find(|(one, _)| *one == sign).map(|(_, from)| day_of(*from))
    }
}

/// Why nothing is seen of those that leave without a sign.
const REASONS: [&str; UNSEEN] = [
    "it is bought by a company that uses a competitor; no tool of ours hears of it",
    "it closes the business line; usage and mood stay as they were until the last day",
    "its new purchasing department cancels every contract under review; no tool of ours hears of it",
];

/// Why nobody is warned of who leaves with several signs, of which one shows where people look: silence alone is how many
/// customers are, and so is a sponsor who takes another job.
const OVERLOOKED: &str = "all but one of its signs show in use and payments, which no tool tells of";

/// Marks those of whom too little is seen with the tools that are wired. What people feel who look after them stays as it is.
pub(crate) fn overlook(planted: &mut [Planted], wired: Wired) {
    for one in planted.iter_mut().filter(|one| one.unseen.is_none()) {
        let seen: Vec<Sign> = one.signs.iter().map(|(sign, _)| *sign).filter(|sign| sign.shows_with(wired)).collect();
        // An answer is followed up whatever else is known.
        if seen.len() < 2 && !seen.contains(&Sign::Detractor) {
            one.unseen = Some(OVERLOOKED);
        }
    }
}

/// Draws who leaves, and moves the end of their terms so that notice falls into the book.
pub(crate) fn draw(seed: u64, customers: &mut [Customer]) -> Vec<Planted> {
    let mut dice = Dice::new(seed, "churns", 0);
    let has_term = |c: &Customer| c.first_day() == 0 && c.parent.is_none() && c.number > 0;
    let order: Vec<usize> = dice.shuffled(customers.len()).into_iter().filter(|at| has_term(&customers[*at])).collect();
    // Those of whom something can be seen need three tools that know them.
    let (seen, blind): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|at| wired(&customers[*at]).len() >= 5);
    let mut leaving: Vec<(usize, Option<&'static str>)> =
        seen.into_iter().take(PLANTED - UNSEEN).map(|at| (at, None)).collect();
    leaving.extend(blind.into_iter().zip(REASONS.map(Some)));
    let mut planted = Vec::new();
    for (turn, (at, unseen)) in (0_i64..).zip(leaving) {
        let notice_on = date_of(FIRST_NOTICE + turn * BETWEEN_NOTICES + dice.between(-3, 3));
        let customer = &mut customers[at];
        let notice = customer.notice_days.unwrap_or(30);
        customer.renews_on = notice_on.saturating_add(notice.days());
        customer.since = customer.renews_on.saturating_sub(dice.between(2, 4).years());
        if unseen.is_none() {
            // Who is going to leave was not thriving before.
            customer.vigour = if dice.percent(50) { Vigour::Steady } else { Vigour::Limping };
        }
        let signs = if unseen.is_none() { signs(&mut dice, customer, notice_on) } else { vec![] };
        let (account, leaves_on) = (customer.account.clone(), customer.renews_on);
        planted.push(Planted { customer: at, account, notice_on, leaves_on, signs, unseen });
    }
    planted
}

/// The signs that some tool would show of this customer.
fn wired(customer: &Customer) -> Vec<Sign> {
    let mut signs = vec![Sign::ChampionLeaves, Sign::Silence];
    signs.extend(customer.is_tracked.then_some(Sign::UsageFalls));
    signs.extend(customer.desk.map(|_| Sign::TicketsEscalate));
    signs.extend(customer.is_surveyed.then_some(Sign::Detractor));
    signs.extend(customer.is_billed.then_some(Sign::LatePayment));
    signs
}

/// Three or four of them, the first half a year to four months before the notice, then one every two to four weeks.
fn signs(dice: &mut Dice, customer: &Customer, notice_on: Date) -> Vec<(Sign, Date)> {
    let known = wired(customer);
    let order = dice.shuffled(known.len());
    let count = usize::try_from(dice.between(3, 4)).unwrap_or(3);
    let mut day = day_of(notice_on) - dice.between(125, 170);
    let mut signs = Vec::new();
    for at in order.into_iter().take(count) {
        signs.push((known[at], date_of(day)));
        day += dice.between(7, 16);
    }
    signs
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn who_shows_in_one_tool_that_is_wired_is_overlooked_unless_they_say_so() {
        use Sign::{Detractor, LatePayment, Silence, TicketsEscalate, UsageFalls};
        let check = |signs: &[Sign], wired, expected: Option<&str>| {
            let (on, account) = (date_of(200), crate::customer::company(1));
            let signs: Vec<_> = signs.iter().map(|sign| (*sign, date_of(60))).collect();
            let mut one = [Planted { customer: 1, account, notice_on: on, leaves_on: on, signs, unseen: None }];
            overlook(&mut one, wired);
            assert_eq!(one[0].unseen, expected, "{:?}", one[0].signs);
        };
        check(&[UsageFalls, LatePayment, Silence], Wired::CrmAndTickets, Some(OVERLOOKED));
        check(&[UsageFalls, LatePayment, Silence], Wired::Everything, None);
        check(&[UsageFalls, LatePayment, Detractor], Wired::CrmAndTickets, None);
        check(&[UsageFalls, TicketsEscalate, Silence], Wired::CrmAndTickets, None);
    }

    #[test]
    fn twenty_leave_and_what_shows_starts_long_before() {
        for seed in [1, 2, 3, 99] {
            let mut customers = crate::customer::draw(seed);
            let planted = draw(seed, &mut customers);
            assert_eq!(planted.len(), PLANTED);
            assert_eq!(planted.iter().filter(|p| p.unseen.is_some()).count(), UNSEEN);
            assert_eq!(planted.iter().map(|p| &p.account).collect::<BTreeSet<_>>().len(), PLANTED);
            let all: BTreeSet<_> = planted.iter().flat_map(|p| &p.signs).map(|(sign, _)| *sign).collect();
            assert_eq!(all.len(), 6, "seed {seed}: {all:?}");
            for one in &planted {
                assert_eq!(one.signs.is_empty(), one.unseen.is_some());
                let customer = &customers[one.customer];
                assert_eq!(customer.notice_on(), one.notice_on);
                assert!((0..360).contains(&day_of(one.notice_on)), "{one:?}");
                for (_, from) in &one.signs {
                    assert!(day_of(*from) > 0 && day_of(one.notice_on) - day_of(*from) >= 77, "{one:?}");
                }
            }
        }
    }
}
