//! The CRM: companies, people, contracts, the CSM's word and the last time both sides spoke.

use jiff::ToSpan as _;
use model::{ClaimKind, FactKey, Field, LinkSays, SubjectId, Value};

use super::{LAST, Story, day, usd, word};
use crate::customer::{COMPANIES, CONTACTS, CSMS, Contract, Customer, SHARED_DOMAIN, TESTS, company, name_of};
use crate::dice::Dice;
use crate::planted::Sign;
use crate::told::{Diary, at, date_of, day_of};

const CRM: &str = "hubspot";
/// The day on which the first CSM leaves: the Monday of week 20.
const CSM_LEAVES: i64 = 19 * 7;
/// The colleague who takes over.
const SUCCESSOR: usize = 2;

/// Everybody who is no customer: prospects, and records that somebody made to try things out.
pub(super) fn prospects(seed: u64, customers: &[Customer], diary: &mut Diary) {
    for n in customers.len()..COMPANIES {
        let mut dice = Dice::new(seed, "prospect", n);
        let (name, domain) = name_of(n);
        let stage = dice.one_of(&["lead", "opportunity", "marketingqualifiedlead"]);
        profile(diary, -1, &company(n), &[(Field::Name, word(name)), (Field::LifecycleStage, word(stage))]);
        profile(diary, -1, &company(n), &[(Field::Domain, word(domain))]);
        // Sales works on some of them; that is no business of ours.
        for _ in 0..dice.between(0, 4) {
            let stage = dice.one_of(&["lead", "opportunity"]);
            profile(diary, dice.between(1, LAST), &company(n), &[(Field::LifecycleStage, word(stage))]);
        }
    }
    for n in COMPANIES..COMPANIES + TESTS {
        let name = format!("Test {n} please ignore");
        let about =
            [(Field::Name, word(name)), (Field::LifecycleStage, word("customer")), (Field::IsTest, Value::Flag(true))];
        profile(diary, -1, &company(n), &about);
        sentiment(diary, 30, &company(n), "red");
    }
}

pub(super) fn tell(story: &Story<'_>, diary: &mut Diary) {
    let customer = story.customer;
    let first = story.days().start;
    if customer.first_day() > 0 {
        // Known as a prospect since before the book.
        let known = [(Field::Name, word(&customer.name)), (Field::LifecycleStage, word("opportunity"))];
        profile(diary, -1, &customer.account, &known);
    }
    let mut about = vec![
        (Field::Name, word(&customer.name)),
        (Field::Domain, word(&customer.domain)),
        (Field::LifecycleStage, word("customer")),
        (Field::Tier, word(customer.tier)),
        (Field::Segment, word(if customer.number.is_multiple_of(2) { "manufacturing" } else { "services" })),
        (Field::CustomerSince, day(customer.since)),
    ];
    about.extend(customer.csm.map(|csm| (Field::Csm, word(CSMS[csm]))));
    about.extend(customer.parent.as_ref().map(|parent| (Field::Parent, word(parent.as_str()))));
    profile(diary, first, &customer.account, &about);
    domains(story, diary, first);
    people(story, diary, first);
    contract(story, diary, first);
    hand_over(story, diary);
    mood(story, diary);
    contacts_both_ways(story, diary);
    if let Some(planted) = story.planted {
        let leaves = day_of(planted.leaves_on);
        profile(diary, leaves, &customer.account, &[(Field::LifecycleStage, word("churned"))]);
    }
}

fn profile(diary: &mut Diary, day: i64, company: &SubjectId, fields: &[(Field, Value)]) {
    diary.tell((day, 7 * 60), (CRM, company, FactKey::Profile), fields);
}

fn sentiment(diary: &mut Diary, day: i64, company: &SubjectId, says: &str) {
    diary.tell((day, 15 * 60), (CRM, company, FactKey::Sentiment), &[(Field::Sentiment, word(says))]);
}

fn domains(story: &Story<'_>, diary: &mut Diary, first: i64) {
    let customer = story.customer;
    let mut listed: std::collections::BTreeSet<_> = SubjectId::domain(&customer.domain).into_iter().collect();
    if customer.mail == crate::customer::Mail::Shared {
        listed.extend(SubjectId::domain(SHARED_DOMAIN));
    }
    let says = LinkSays::List { list: "domain".to_owned(), kind: ClaimKind::Domain, listed };
    diary.link((first, 7 * 60), CRM, &customer.account, says);
}

fn people(story: &Story<'_>, diary: &mut Diary, first: i64) {
    let customer = story.customer;
    for n in 0..CONTACTS {
        let contact = customer.contact(n);
        let role = ["sponsor", "decision-maker", "admin", "user"][n];
        let email = customer.email(n);
        let listed = SubjectId::email(&email).into_iter().collect();
        let about = [(Field::Email, word(email)), (Field::Role, word(role))];
        diary.tell((first, 7 * 60), (CRM, &contact, FactKey::Contact), &about);
        let target = Some(customer.account.clone());
        let belongs = LinkSays::Own { field: "company".to_owned(), kind: ClaimKind::Crm, target };
        diary.link((first, 7 * 60), CRM, &contact, belongs);
        let writes = LinkSays::List { list: "email".to_owned(), kind: ClaimKind::ExternalId, listed };
        diary.link((first, 7 * 60), CRM, &contact, writes);
    }
    if let Some(left) = story.planted.and_then(|planted| planted.shows(Sign::ChampionLeaves)) {
        let sponsor = customer.contact(0);
        diary.tell((left, 10 * 60), (CRM, &sponsor, FactKey::Contact), &[(Field::Role, Value::Cleared)]);
        diary.link((left, 10 * 60 + 1), CRM, &sponsor, LinkSays::Gone { gone: true });
    }
}

fn contract(story: &Story<'_>, diary: &mut Diary, first: i64) {
    let (customer, subscription) = (story.customer, FactKey::Subscription("company".into()));
    let account = &customer.account;
    let about_company = || (CRM, account, subscription.clone());
    let mut terms = vec![(Field::Arr, usd(customer.arr)), (Field::Seats, Value::Int(customer.seats))];
    terms.extend(customer.notice_days.map(|days| (Field::NoticeDays, Value::Int(days))));
    terms.extend(customer.auto_renew.map(|renews| (Field::AutoRenew, Value::Flag(renews))));
    if customer.contract == Contract::Company {
        terms.push((Field::RenewsOn, day(customer.renews_on)));
    }
    diary.tell((first, 7 * 60), about_company(), &terms);
    if customer.contract == Contract::Deal {
        open_deal(story, diary, first, customer.renews_on);
    }
    let due = day_of(customer.renews_on);
    let mut dice = story.dice("contract");
    if story.planted.is_some() {
        let given = day_of(customer.notice_on());
        if customer.contract == Contract::Deal {
            close_deal(story, diary, given, "closedlost");
        }
        let ended = [(Field::Status, word("ended"))];
        diary.tell((due, 8 * 60), about_company(), &ended);
        return;
    }
    // Signed a while before or after the day; a few move by some weeks first.
    let mut renews_on = customer.renews_on;
    let moves = dice.percent(10).then(|| dice.between(10, 40)).filter(|by| due - by > 20);
    if let Some(by) = moves.filter(|_| customer.contract == Contract::Company) {
        renews_on = renews_on.saturating_add(by.days());
        let moved = [(Field::RenewsOn, day(renews_on))];
        diary.tell((due - dice.between(40, 100), 11 * 60), about_company(), &moved);
    }
    let signed = day_of(renews_on) + dice.between(-45, 5);
    let next = renews_on.saturating_add(1.year());
    match customer.contract {
        Contract::Untold => {}
        Contract::Company => {
            diary.tell((signed, 11 * 60), about_company(), &[(Field::RenewsOn, day(next))]);
        }
        Contract::Deal => {
            close_deal(story, diary, signed, "closedwon");
            open_deal(story, diary, signed + 2, next);
        }
    }
}

fn open_deal(story: &Story<'_>, diary: &mut Diary, on: i64, closes_on: jiff::civil::Date) {
    let customer = story.customer;
    let deal = customer.deal(closes_on.year());
    let about = [
        (Field::Name, word(format!("{} renewal {}", customer.name, closes_on.year()))),
        (Field::Pipeline, word("renewals")),
        (Field::Stage, word("planned")),
        (Field::Amount, usd(customer.arr)),
        (Field::ClosesOn, day(closes_on)),
    ];
    diary.tell((on, 7 * 60 + 30), (CRM, &deal, FactKey::Deal), &about);
    let target = Some(customer.account.clone());
    let belongs = LinkSays::Own { field: "company".to_owned(), kind: ClaimKind::Crm, target };
    diary.link((on, 7 * 60 + 30), CRM, &deal, belongs);
}

fn close_deal(story: &Story<'_>, diary: &mut Diary, on: i64, stage: &str) {
    let deal = story.customer.deal(story.customer.renews_on.year());
    diary.tell((on, 16 * 60), (CRM, &deal, FactKey::Deal), &[(Field::Stage, word(stage))]);
}

/// The first CSM leaves: most of her accounts move within three days, a few are forgotten for a month.
fn hand_over(story: &Story<'_>, diary: &mut Diary) {
    let customer = story.customer;
    if customer.csm == Some(0) && story.days().contains(&CSM_LEAVES) {
        let mut dice = story.dice("hand-over");
        let after = if dice.percent(10) { 30 } else { dice.between(0, 2) };
        profile(diary, CSM_LEAVES + after, &customer.account, &[(Field::Csm, word(CSMS[SUCCESSOR]))]);
    }
}

/// What the CSM says: set at first, changed a few times a year, and worse when a customer is about to leave and it shows.
fn mood(story: &Story<'_>, diary: &mut Diary) {
    let customer = story.customer;
    if customer.csm.is_none() {
        return;
    }
    let mut dice = story.dice("mood");
    let days = story.days();
    let worries = story.planted.and_then(|planted| planted.signs.get(1)).map(|(_, from)| day_of(*from));
    let first = if customer.first_day() == 0 { -1 } else { days.start + dice.between(5, 20) };
    let greens = customer.vigour.pick([90, 60, 25]);
    sentiment(diary, first, &customer.account, if dice.percent(greens) { "green" } else { "yellow" });
    let mut next = first + dice.between(20, 90);
    while next < days.end {
        if worries.is_none_or(|from| next < from) {
            sentiment(diary, next, &customer.account, if dice.percent(greens) { "green" } else { "yellow" });
        }
        next += dice.between(40, 120);
    }
    // Most notice that something is wrong, a while after the second sign.
    if let Some(from) = worries.filter(|_| dice.percent(75)) {
        sentiment(diary, from + dice.between(3, 12), &customer.account, "yellow");
        if dice.percent(60) {
            sentiment(diary, from + dice.between(20, 35), &customer.account, "red");
        }
    }
}

/// Those with a CSM are spoken to every few weeks, the others now and then.
fn contacts_both_ways(story: &Story<'_>, diary: &mut Diary) {
    let customer = story.customer;
    let mut dice = story.dice("contact");
    let days = story.days();
    let silent_from = story.planted.and_then(|planted| planted.shows(Sign::Silence)).unwrap_or(i64::MAX);
    let (short, long) = if customer.csm.is_some() { (5, 32) } else { (15, 60) };
    let mut next = days.start.max(-30) + dice.between(0, short);
    while next < days.end.min(silent_from) {
        // Nobody meets on a weekend.
        let on = next - (next.rem_euclid(7) - 4).max(0);
        let spoke = at(on, 13 * 60 + dice.between(0, 120));
        let told = (on, 17 * 60 + dice.between(0, 30));
        let fact = (CRM, &customer.account, FactKey::Touchpoint);
        diary.tell_late(told, fact, spoke, &[(Field::LastTwoWayAt, Value::Moment(spoke))]);
        let in_august = date_of(next).month() == 8;
        next += dice.between(short, long) + if in_august { 10 } else { 0 };
    }
}
