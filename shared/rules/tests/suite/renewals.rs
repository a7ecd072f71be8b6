//! When a contract ends: from the company, from a renewal pipeline, and from both.

use crate::common::{self, Account, company, deal, on, shipped, subscription, usd, word};
use config::{Config, RenewalPipeline, RenewalSource};
use model::{Evidence, Field, RenewalStatus, SubjectId, Value};

/// HubSpot has a renewal pipeline `renewals`.
fn config(believe: [RenewalSource; 2]) -> Config {
    let mut config = shipped().clone();
    for connection in &mut config.connections {
        let ids = |id: &str| vec![id.to_owned()];
        let pipeline = RenewalPipeline { pipelines: ids("renewals"), won: ids("won"), lost: ids("lost") };
        connection.renewals = (connection.name.as_str() == "hubspot").then_some(pipeline);
    }
    config.renewal_sources = believe.to_vec();
    config
}

const COMPANY_FIRST: [RenewalSource; 2] = [RenewalSource::Company, RenewalSource::Deals];
const DEALS_FIRST: [RenewalSource; 2] = [RenewalSource::Deals, RenewalSource::Company];

/// A renewal deal in a stage, which closes so many days from day 0.
fn renewal(account: &mut Account, id: &str, stage: &str, closes: i64) {
    let told = [
        (Field::Pipeline, word("renewals")),
        (Field::Stage, word(stage)),
        (Field::ClosesOn, on(closes)),
        (Field::Amount, usd(50_000)),
    ];
    account.deal(0, id, &told);
}

/// The day that is shown (in days from day 0), of whom, and how it stands.
type Shown = Option<(i64, SubjectId, RenewalStatus)>;

fn shown(account: &mut Account, config: &Config) -> Shown {
    account.decide_with(config);
    let card = &account.last.assessment.as_ref().unwrap().card;
    let due = card.renews_on?;
    let Value::Date(today) = on(0) else { unreachable!() };
    let days = today.until(due).unwrap().get_days();
    Some((days.into(), card.renewal_of.clone().unwrap(), card.renewal_status.unwrap()))
}

/// `company` is the day that the company's property names; deals are (id, stage, day).
#[track_caller]
fn check(believe: [RenewalSource; 2], company: Option<i64>, deals: &[(&str, &str, i64)], expected: Shown) {
    let mut account = Account::new();
    account.feels(0, "green");
    if let Some(day) = company {
        account.state(0, Field::RenewsOn, subscription(), on(day));
    }
    for (id, stage, day) in deals {
        renewal(&mut account, id, stage, *day);
    }
    assert_eq!(shown(&mut account, &config(believe)), expected, "{company:?} {deals:?}");
}

fn of_deal(day: i64, id: &str, status: RenewalStatus) -> Shown {
    Some((day, deal(id), status))
}

fn of_company(day: i64, status: RenewalStatus) -> Shown {
    Some((day, company(), status))
}

use RenewalStatus::{Lost, Open};

#[test]
fn who_is_believed_is_shown_and_the_other_where_that_one_is_silent() {
    let deals = [("1", "talks", 90)];
    check(COMPANY_FIRST, Some(100), &deals, of_company(100, Open));
    check(DEALS_FIRST, Some(100), &deals, of_deal(90, "1", Open));
    check(COMPANY_FIRST, None, &deals, of_deal(90, "1", Open));
    check(DEALS_FIRST, Some(100), &[], of_company(100, Open));
    check(DEALS_FIRST, None, &[], None);
}

#[test]
fn of_several_open_deals_the_next_one_counts_and_one_past_due_for_sixty_days() {
    check(DEALS_FIRST, None, &[("1", "talks", 200), ("2", "talks", 120)], of_deal(120, "2", Open));
    check(DEALS_FIRST, None, &[("1", "talks", -60), ("2", "talks", 300)], of_deal(-60, "1", Open));
    check(DEALS_FIRST, None, &[("1", "talks", -61), ("2", "talks", 300)], of_deal(300, "2", Open));
    check(DEALS_FIRST, None, &[("1", "talks", -400), ("2", "talks", -90)], of_deal(-90, "2", Open));
    check(DEALS_FIRST, None, &[("1", "talks", -400), ("2", "won", -20)], None);
}

#[test]
fn a_won_deal_is_due_no_more_and_neither_is_the_same_term_at_the_company() {
    check(COMPANY_FIRST, None, &[("1", "won", 20)], None);
    check(COMPANY_FIRST, Some(25), &[("1", "won", 20)], None);
    check(COMPANY_FIRST, Some(385), &[("1", "won", 20)], of_company(385, Open));
    check(DEALS_FIRST, Some(385), &[("1", "won", 20)], of_company(385, Open));
    check(DEALS_FIRST, None, &[("1", "won", 20), ("2", "talks", 385)], of_deal(385, "2", Open));
}

#[test]
fn a_lost_deal_keeps_its_day_until_something_newer_is_on_the_table() {
    check(COMPANY_FIRST, None, &[("1", "lost", 20)], of_deal(20, "1", Lost));
    check(COMPANY_FIRST, Some(20), &[("1", "lost", 20)], of_company(20, Lost));
    check(COMPANY_FIRST, Some(385), &[("1", "lost", 20)], of_company(385, Open));
    check(DEALS_FIRST, None, &[("1", "lost", 20), ("2", "talks", 30)], of_deal(30, "2", Open));
    check(DEALS_FIRST, None, &[("1", "lost", 20), ("2", "won", 30)], None);
    check(DEALS_FIRST, None, &[("1", "won", 20), ("2", "lost", 385)], of_deal(385, "2", Lost));
}

#[test]
fn a_day_made_for_renewals_counts_before_the_day_the_deal_closes() {
    let mut account = Account::new();
    renewal(&mut account, "1", "talks", 70);
    account.deal(0, "1", &[(Field::RenewsOn, on(80))]);
    assert_eq!(shown(&mut account, &config(COMPANY_FIRST)), of_deal(80, "1", Open));
}

#[test]
fn deals_of_other_pipelines_and_deleted_ones_are_no_renewals() {
    let mut account = Account::new();
    account.feels(0, "green");
    renewal(&mut account, "1", "talks", 90);
    account.deal(0, "2", &[(Field::Pipeline, word("new-business")), (Field::ClosesOn, on(10))]);
    renewal(&mut account, "3", "talks", 20);
    account.delete(&deal("3"));
    assert_eq!(shown(&mut account, &config(DEALS_FIRST)), of_deal(90, "1", Open));
    let mut unset = config(DEALS_FIRST);
    unset.connections.iter_mut().for_each(|connection| connection.renewals = None);
    assert_eq!(shown(&mut account, &unset), None, "no pipeline is for renewals");
}

#[test]
fn the_points_for_time_name_the_statement_they_come_from_and_what_the_other_says() {
    let mut account = Account::with("green", 0, 100);
    renewal(&mut account, "1", "talks", 90);
    let runway = |account: &Account| {
        let all = &account.last.assessment.as_ref().unwrap().contributions;
        all.iter().find(|c| c.measure == "renewal_runway").unwrap().clone()
    };
    account.decide_with(&config(DEALS_FIRST));
    let points = runway(&account);
    let Evidence { subject, field, raw, .. } = points.evidence.unwrap();
    assert_eq!((subject, field.as_str(), raw.as_str()), (deal("1"), "closes_on", "2027-02-21"));
    assert_eq!(points.value.as_deref(), Some("90 days"));
    let also: Vec<_> = points.also_said.iter().map(|said| (&said.subject, said.value.as_str())).collect();
    assert_eq!(also, [(&company(), "2027-03-03")]);
    account.decide_with(&config(COMPANY_FIRST));
    let also: Vec<_> = runway(&account).also_said.iter().map(|said| said.field.clone()).collect();
    assert_eq!(also, ["closes_on"]);
}

#[test]
fn terms_that_a_deal_does_not_name_are_the_companys() {
    let mut account = Account::new();
    account.feels(0, "green");
    account.state(0, Field::NoticeDays, subscription(), Value::Int(30));
    renewal(&mut account, "1", "talks", 90);
    account.decide_with(&config(DEALS_FIRST));
    let card = account.last.assessment.clone().unwrap().card;
    assert_eq!((card.notice_days, card.renewal_amount.map(|money| money.major())), (Some(30), Some(50_000)));
}

#[test]
fn an_amount_is_recurring_revenue_only_where_no_connection_tells_any() {
    let arr = |account: &mut Account, config: &Config| {
        account.decide_with(config);
        account.last.assessment.as_ref().unwrap().card.arr.map(|money| money.major())
    };
    let mut account = Account::new();
    renewal(&mut account, "1", "talks", 90);
    let mapped = config(COMPANY_FIRST);
    let mut unmapped = mapped.clone();
    for connection in &mut unmapped.connections {
        connection.mapping.objects.values_mut().for_each(|fields| drop(fields.remove(&Field::Arr)));
    }
    assert_eq!((arr(&mut account, &mapped), arr(&mut account, &unmapped)), (None, Some(50_000)));
    account.deal(1, "1", &[(Field::Stage, word("won"))]);
    assert_eq!(arr(&mut account, &unmapped), Some(50_000), "what was won is what they pay");
    account.state(1, Field::Arr, subscription(), usd(40_000));
    assert_eq!(arr(&mut account, &mapped), Some(40_000));
}

#[test]
fn looking_ahead_sees_another_term_take_over() {
    let mut account = Account::new();
    account.feels(0, "green");
    account.spoke(0, -40);
    renewal(&mut account, "1", "talks", -60);
    renewal(&mut account, "2", "talks", 300);
    account.decide_with(&config(DEALS_FIRST));
    // Tomorrow the old deal is no longer waited for, and the account has time again.
    assert_eq!(account.due().unwrap().to_string(), "2026-11-23T23:00:00.000Z");
}

#[test]
fn when_time_alone_is_the_news_the_cause_is_the_deadline() {
    let mut account = Account::new();
    renewal(&mut account, "1", "talks", 61);
    account.feels(1, "yellow");
    account.spoke(1, -74);
    // A deal is one item: what it causes lives with what it belongs to.
    let org = SubjectId::vendor("zendesk", "org", "5");
    account.members.insert(deal("1"), rules::Member { home: org.clone(), linked: None });
    account.decide_with(&config(DEALS_FIRST));
    assert_eq!(account.band(), model::Band::Yellow);
    account.tick(account.due().unwrap());
    account.decide_with(&config(DEALS_FIRST));
    assert_eq!(common::kinds(&account.last), common::OPENED);
    let key = &account.episodes[0].key;
    assert_eq!((&key.home, key.cause.occurred_at), (&org, common::days(0)));
}

#[test]
fn the_last_day_for_notice_is_shown_where_it_is_known() {
    let notice_by = |told: &[(Field, Value)]| {
        let mut account = Account::new();
        account.state(0, Field::RenewsOn, subscription(), on(90));
        for (field, value) in told {
            account.state(0, *field, subscription(), value.clone());
        }
        account.decide_with(shipped());
        account.last.assessment.unwrap().card.notice_by.map(Value::Date)
    };
    let thirty = (Field::NoticeDays, Value::Int(30));
    assert_eq!(notice_by(&[]), None);
    assert_eq!(notice_by(std::slice::from_ref(&thirty)), Some(on(60)));
    // What ends by itself needs no notice.
    assert_eq!(notice_by(&[thirty, (Field::AutoRenew, Value::Flag(false))]), Some(on(90)));
}
