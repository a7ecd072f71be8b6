//! The messy book: a year of the company that everyone has, drawn from a seed, and a fast run of the rules over it.
//!
//! 300 companies in a CRM, 210 of them prospects; customers without a renewal date, an owner or a ticketing
//! organisation; two workspaces, shared and free-mail domains, test records, a parent with children; a dip in August, a
//! source that goes silent, a CSM who leaves; and twenty customers who leave as well, with signs and without. The same
//! seed gives the same bytes, on every machine. [`Wired`] says how much of it the company's tools tell.
//!
//! [`Book`] says what is told on which day; [`simulate`] runs the rules over it and reports whom they alarmed, when, and
//! whether that was any use.

mod customer;
mod dice;
mod planted;
mod setup;
mod simulate;
mod story;
mod told;

pub use customer::{COMPANIES, CSMS, Contract, Customer, Mail, NEWCOMERS, PROSPECTS, TESTS, Vigour};
pub use planted::{PLANTED, Planted, Sign};
pub use setup::{TOOLS, Wired, files};
pub use simulate::{Bands, Checkpoint, Churn, Due, Message, Placement, Report, Run, Simulation, has_changed, simulate};
pub use told::{DAYS, START, Says, Told};

/// A year of a company's customers, as its tools tell it.
#[derive(Debug)]
pub struct Book {
    customers: Vec<Customer>,
    planted: Vec<Planted>,
    days: Vec<Vec<Told>>,
}

impl Book {
    /// Draws the book of a company that connected all its tools. The same seed gives the same book.
    pub fn new(seed: u64) -> Self {
        Self::of(seed, Wired::Everything)
    }

    /// Draws the same year of the same company, as far as the tools tell of it that are wired.
    pub fn of(seed: u64, wired: Wired) -> Self {
        let mut customers = customer::draw(seed);
        let mut planted = planted::draw(seed, &mut customers);
        planted::overlook(&mut planted, wired);
        let mut diary = told::Diary::new();
        story::write(seed, wired, &customers, &planted, &mut diary);
        Self { customers, planted, days: diary.close() }
    }

    /// What is told on a day, in the order of receipt; nothing after day 363. Day 0 imports the history before it.
    pub fn day(&self, n: usize) -> &[Told] {
        self.days.get(n).map_or(&[], Vec::as_slice)
    }

    /// The customers of day 0, then those who buy later.
    pub fn customers(&self) -> &[Customer] {
        &self.customers
    }

    /// Those of them who leave, by the day of their notice.
    pub fn planted(&self) -> &[Planted] {
        &self.planted
    }
}
