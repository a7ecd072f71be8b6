//! The companies of the book: who they are, what they bought, and which of our tools know them.

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::civil::Date;
use model::SubjectId;

use crate::dice::Dice;
use crate::told::{date_of, day_of};

/// Companies in the CRM.
pub const COMPANIES: usize = 300;
/// Those of them that buy nothing on day 0.
pub const PROSPECTS: usize = 210;
/// Prospects that buy in the course of the book.
pub const NEWCOMERS: usize = 12;
/// Records that are no company, beside the companies.
pub const TESTS: usize = 4;
/// Customers on day 0.
const CUSTOMERS: usize = COMPANIES - PROSPECTS;
/// Children of the first customer, who holds their contract.
const CHILDREN: usize = 3;

/// The CSMs by email address: each of the first two has about forty accounts, the third takes over.
pub const CSMS: [&str; 3] = ["ines.almeida@ourco.example", "tom.brandt@ourco.example", "priya.nair@ourco.example"];

/// Where the CRM keeps the day a contract ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {
    /// Nowhere.
    Untold,
    /// In properties of the company.
    Company,
    /// In a deal of the renewal pipeline.
    Deal,
}

/// Which domain the people of a customer write from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    /// The company's own.
    Own,
    /// One that belongs to two companies of the book.
    Shared,
    /// A mail provider's.
    Free,
}

/// How well a customer does with what it bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vigour {
    /// Most seats are used, by people who like it.
    Thriving,
    /// It is used.
    Steady,
    /// Few use it, and nobody fights for it.
    Limping,
}

impl Vigour {
    /// One of three values, for a thriving, a steady and a limping customer.
    pub(crate) fn pick<T: Copy>(self, of: [T; 3]) -> T {
        match self {
            Self::Thriving => of[0],
            Self::Steady => of[1],
            Self::Limping => of[2],
        }
    }
}

/// A company that pays, on day 0 or from a later day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its place in [`crate::Book::customers`].
    pub number: usize,
    /// The company in the CRM.
    pub account: SubjectId,
    /// What it is called.
    pub name: String,
    /// Its web domain.
    pub domain: String,
    /// Which domain its people write from.
    pub mail: Mail,
    /// `enterprise`, `business` or `starter`.
    pub tier: &'static str,
    /// How well it does.
    pub vigour: Vigour,
    /// Annual recurring revenue in whole dollars.
    pub arr: i64,
    /// Seats bought.
    pub seats: i64,
    /// The day it became a customer.
    pub since: Date,
    /// The day its term ends, whether a tool tells it or not.
    pub renews_on: Date,
    /// Where the CRM tells that day.
    pub contract: Contract,
    /// Days of notice; `None` where the CRM does not tell.
    pub notice_days: Option<i64>,
    /// Whether the term renews by itself; `None` where the CRM does not tell.
    pub auto_renew: Option<bool>,
    /// Its CSM on day 0, in [`CSMS`]; `None` for those nobody looks after.
    pub csm: Option<usize>,
    /// The connection of the help desk that knows it.
    pub desk: Option<&'static str>,
    /// The product reports its usage.
    pub is_tracked: bool,
    /// Its people are asked how they like it.
    pub is_surveyed: bool,
    /// The billing system tells of its payments.
    pub is_billed: bool,
    /// The company it belongs to, which holds its contract.
    pub parent: Option<SubjectId>,
}

impl Customer {
    /// The day of the book on which it becomes a customer; 0 for those who were one before.
    pub(crate) fn first_day(&self) -> i64 {
        day_of(self.since).max(0)
    }

    /// The day by which it must give notice, whether a tool tells it or not.
    pub fn notice_on(&self) -> Date {
        let notice = self.notice_days.unwrap_or(30);
        self.renews_on.saturating_sub(notice.days())
    }

    /// The object that the CRM keeps its renewal in, where that is a deal.
    pub(crate) fn deal(&self, year: i16) -> SubjectId {
        SubjectId::vendor("hubspot", "deal", &format!("7{:03}{year}", self.number))
    }

    /// Its organisation in the help desk.
    pub(crate) fn organization(&self) -> SubjectId {
        SubjectId::vendor("zendesk", "org", &format!("5{:03}", self.number))
    }

    /// The `n`-th of its people in the CRM; the first is the sponsor.
    pub(crate) fn contact(&self, n: usize) -> SubjectId {
        SubjectId::vendor("hubspot", "contact", &format!("9{:03}{n}", self.number))
    }

    /// The `n`-th of its people as a user of the help desk.
    pub(crate) fn user(&self, n: usize) -> SubjectId {
        SubjectId::vendor("zendesk", "user", &format!("8{:03}{n}", self.number))
    }

    /// The address of the `n`-th of its people.
    pub(crate) fn email(&self, n: usize) -> String {
        let person = PEOPLE[(self.number * 7 + n * 3) % PEOPLE.len()];
        match self.mail {
            Mail::Own => format!("{person}@{}", self.domain),
            Mail::Shared => format!("{person}.{}@{SHARED_DOMAIN}", self.number),
            Mail::Free => format!("{person}.{}@gmail.com", self.number),
        }
    }
}

/// People known of each customer; the first is the sponsor.
pub(crate) const CONTACTS: usize = 4;
/// The domain that two companies have in common.
pub(crate) const SHARED_DOMAIN: &str = "twin-holding.example";

const PEOPLE: [&str; 12] =
    ["ada", "bela", "cleo", "dario", "edda", "fenn", "gita", "hugo", "iris", "jun", "kaya", "lior"];
const FIRST: [&str; 20] = [
    "Amber", "Birch", "Cobalt", "Dune", "Ember", "Fjord", "Granite", "Harbour", "Indigo", "Juniper", "Kestrel",
    "Larch", "Meadow", "North", "Opal", "Pine", "Quartz", "River", "Slate", "Tidal",
];
const SECOND: [&str; 16] = [
    "Works",
    "Foods",
    "Mobility",
    "Clinics",
    "Textiles",
    "Robotics",
    "Media",
    "Logistics",
    "Energy",
    "Games",
    "Legal",
    "Studios",
    "Metals",
    "Travel",
    "Schools",
    "Optics",
];

/// The `n`-th company's name and domain.
pub(crate) fn name_of(n: usize) -> (String, String) {
    let (first, second) = (FIRST[n % FIRST.len()], SECOND[(n / FIRST.len()) % SECOND.len()]);
    (format!("{first} {second}"), format!("{first}-{second}.example").to_lowercase())
}

/// The `n`-th company in the CRM.
pub(crate) fn company(n: usize) -> SubjectId {
    SubjectId::vendor("hubspot", "company", &format!("1{n:03}"))
}

/// Everybody who pays on day 0, then those who come later. Shares are exact, whom they fall on is drawn.
pub(crate) fn draw(seed: u64) -> Vec<Customer> {
    let mut dice = Dice::new(seed, "companies", 0);
    // Children have no date of their own; the parent, who holds their contract, has one.
    let free = CUSTOMERS - CHILDREN - 1;
    let others = dice.some_of((CUSTOMERS * 30).div_ceil(100) - CHILDREN, free);
    let undated: BTreeSet<usize> = (1..=CHILDREN).chain(others.into_iter().map(|n| n + CHILDREN + 1)).collect();
    // The messes, each spread by itself: some customers have several.
    let mut of_hundred = |share: usize| dice.some_of((CUSTOMERS * share).div_ceil(100), CUSTOMERS);
    let unowned = of_hundred(15);
    let deskless = of_hundred(40);
    let untracked = of_hundred(15);
    let unsurveyed = of_hundred(20);
    let unbilled = of_hundred(10);
    let ranks = dice.shuffled(CUSTOMERS);
    let mut customers: Vec<Customer> = (0..CUSTOMERS + NEWCOMERS)
        .map(|number| {
            let mut customer = one(seed, number);
            customer.contract = match () {
                () if undated.contains(&number) => Contract::Untold,
                () if number % 5 < 2 => Contract::Deal,
                () => Contract::Company,
            };
            customer.desk = match () {
                () if deskless.contains(&number) => None,
                () if number % 3 == 0 => Some("zendesk-emea"),
                () => Some("zendesk"),
            };
            customer.is_tracked = !untracked.contains(&number);
            customer.is_surveyed = !unsurveyed.contains(&number);
            customer.is_billed = !unbilled.contains(&number);
            // Of those who come later each is drawn by itself.
            if let Some(rank) = ranks.get(number) {
                customer.vigour = vigour(100 * rank / CUSTOMERS);
            }
            customer
        })
        .collect();
    assign(&mut customers, &unowned);
    let (parent, since) = (customers[0].account.clone(), customers[0].since);
    for child in &mut customers[1..=CHILDREN] {
        child.parent = Some(parent.clone());
        child.since = since;
    }
    customers
}

/// Owned customers take turns between the first two CSMs; newcomers go to the second.
fn assign(customers: &mut [Customer], unowned: &BTreeSet<usize>) {
    let mut turn = 0;
    for customer in customers {
        if unowned.contains(&customer.number) {
            continue;
        }
        let is_new = customer.number >= CUSTOMERS;
        customer.csm = Some(if is_new { 1 } else { turn % 2 });
        turn += 1;
    }
}

fn one(seed: u64, number: usize) -> Customer {
    let dice = &mut Dice::new(seed, "customer", number);
    let (name, domain) = name_of(number);
    let (tier, arr, seats) = match dice.between(0, 99) {
        0..15 => ("enterprise", dice.between(80, 400) * 1_000, dice.between(120, 600)),
        15..60 => ("business", dice.between(20, 80) * 1_000, dice.between(30, 120)),
        _ => ("starter", dice.between(3, 20) * 1_000, dice.between(8, 30)),
    };
    let since = if number < CUSTOMERS {
        date_of(-dice.between(120, 1_500))
    } else {
        // One a month, on a working day.
        let month = i64::try_from(number - CUSTOMERS).unwrap_or_default();
        date_of(month * 28 + 7 + dice.between(0, 4))
    };
    Customer {
        number,
        account: company(number),
        name,
        domain,
        mail: match number {
            10 | 11 => Mail::Shared,
            20..24 => Mail::Free,
            _ => Mail::Own,
        },
        tier,
        vigour: vigour(usize::try_from(dice.between(0, 99)).unwrap_or_default()),
        arr,
        seats,
        since,
        renews_on: next_anniversary(since, date_of(dice.between(20, 60)).max(since)),
        contract: Contract::Untold,
        notice_days: [None, Some(30), Some(60), Some(90)][usize::try_from(dice.between(0, 3)).unwrap_or_default()],
        auto_renew: [None, Some(true), Some(false)][usize::try_from(dice.between(0, 2)).unwrap_or_default()],
        csm: None,
        desk: None,
        is_tracked: false,
        is_surveyed: false,
        is_billed: false,
        parent: None,
    }
}

/// How a customer does of whom so many of a hundred do better.
fn vigour(better: usize) -> Vigour {
    match better {
        0..20 => Vigour::Thriving,
        20..60 => Vigour::Steady,
        _ => Vigour::Limping,
    }
}

/// The first anniversary of a day that is after another.
fn next_anniversary(of: Date, after: Date) -> Date {
    let mut next = of;
    while next <= after {
        next = next.saturating_add(1.year());
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_is_as_messy_as_it_says() {
        for seed in [1, 2, 3, 99] {
            let all = draw(seed);
            let customers: Vec<_> = all.iter().filter(|c| c.first_day() == 0).collect();
            let count = |is: &dyn Fn(&Customer) -> bool| customers.iter().filter(|c| is(c)).count();
            assert_eq!((customers.len(), all.len()), (90, 102));
            assert_eq!(count(&|c| c.contract == Contract::Untold), 27, "seed {seed}: without renewal date");
            assert_eq!(count(&|c| c.csm.is_none()), 14, "seed {seed}: without owner");
            assert_eq!(count(&|c| c.desk.is_none()), 36, "seed {seed}: without ticketing organisation");
            assert_eq!(count(&|c| c.parent.is_some()), CHILDREN);
            assert_eq!([0, 1].map(|csm| count(&|c| c.csm == Some(csm))), [38, 38]);
            for place in [Contract::Company, Contract::Deal] {
                assert!(count(&|c| c.contract == place) >= 15, "seed {seed}: {place:?}");
            }
            assert!(all.iter().all(|c| c.renews_on > c.since));
            let names: BTreeSet<_> = (0..COMPANIES).map(name_of).collect();
            assert_eq!(names.len(), COMPANIES);
        }
    }
}
