//! Named accounts under the profiles that ship: what people would say of them, and what the score says.

use crate::common::{self, Account, days, on, shipped, subscription, word};
use config::Config;
use jiff::SignedDuration;
use model::{Assessment, Band, DayOfMonth, FactKey, Family, Field, SubjectId, UsageKey, Value};

fn now(account: &Account) -> &Assessment {
    account.last.assessment.as_ref().unwrap()
}

fn points(account: &Account, measure: &str) -> Option<u16> {
    now(account).contributions.iter().find(|row| row.measure == measure).unwrap().points
}

fn ticket(account: &mut Account, id: &str, priority: &str, hours_ago: i64, solved_hours_ago: Option<i64>) {
    let ticket = SubjectId::vendor("zendesk", "ticket", id);
    let ago = |hours: i64| Value::Moment(days(0).plus(SignedDuration::from_hours(-hours)));
    let mut told = vec![(Field::Priority, word(priority)), (Field::OpenedAt, ago(hours_ago))];
    told.extend(solved_hours_ago.map(|hours| (Field::SolvedAt, ago(hours))));
    for (field, value) in told {
        account.tell(("zendesk", &ticket, 1), 0, FactKey::Ticket, field, value);
    }
}

/// The account has this score, shown, and band.
#[track_caller]
fn check(mut account: Account, expected: (u16, Band)) -> Account {
    account.decide();
    assert_eq!(now(&account).model.name, "crm-and-tickets");
    let score = now(&account).score.unwrap().shown();
    assert_eq!((score, account.band()), expected, "{:#?}", now(&account).contributions);
    account
}

#[test]
fn with_crm_and_tickets() {
    // All is well, and nobody asks for anything.
    check(Account::with("green", 3, 300), (100, Band::Green));
    // Half a bad feeling, weeks of silence, a date coming near: 50 × 0.4 + 13 × 0.35 + 60 × 0.25.
    check(Account::with("yellow", 80, 100), (40, Band::Red));
    // The CSM alone, who is unhappy.
    let mut account = Account::new();
    account.feels(0, "red");
    check(account, (0, Band::Red));
    // All is well but for an outage since this morning.
    let mut account = Account::with("green", 3, 300);
    ticket(&mut account, "1", "urgent", 5, None);
    check(account, (69, Band::Yellow));
    // All is well but for the bill.
    let mut account = Account::with("green", 3, 300);
    account.state(0, Field::OverdueSince, FactKey::Payment, on(-31));
    check(account, (39, Band::Red));
}

#[test]
fn who_used_to_ask_and_has_fallen_silent_is_drifting_and_who_is_new_is_not() {
    let mut account = Account::with("green", 3, 300);
    ticket(&mut account, "1", "normal", 24 * 120, Some(24 * 119));
    // 80 for support, which is 30 of 130.
    let mut account = check(account, (95, Band::Green));
    assert_eq!(points(&account, "ticket_rhythm"), Some(4_000), "a customer since nobody knows when counts as old");
    account.state(1, Field::CustomerSince, FactKey::Profile, on(-150));
    account.decide();
    assert_eq!(points(&account, "ticket_rhythm"), Some(10_000));
}

#[test]
fn an_account_that_never_asked_is_not_blamed_for_it() {
    let account = check(Account::with("green", 3, 300), (100, Band::Green));
    for measure in ["urgent_tickets", "ticket_load", "ticket_load_change", "ticket_rhythm"] {
        assert_eq!(points(&account, measure), None, "{measure}");
    }
}

/// What ships, with product usage connected.
fn with_usage() -> Config {
    let mut config = shipped().clone();
    config.connections.iter_mut().find(|connection| connection.name.as_str() == "typeform").unwrap().family =
        Family::Usage;
    config
}

/// On `day` it is told how much was used the day before.
fn uses(account: &mut Account, day: i64, users: i64, features: i64) {
    let Value::Date(yesterday) = on(day - 1) else { panic!("a day") };
    let metrics =
        [(UsageKey::ACTIVE_USERS, users), (UsageKey::KEY_FEATURES, features), (UsageKey::KEY_FEATURES_AVAILABLE, 10)];
    for (metric, value) in metrics {
        let key = FactKey::Usage(UsageKey::new("app", "all", metric, yesterday).unwrap());
        let field = Field::Day(DayOfMonth::of(yesterday));
        account.tell(("typeform", &common::company(), 0), day, key, field, Value::Int(value));
    }
}

#[test]
fn with_product_usage_two_mondays_of_less_use_count_and_one_does_not() {
    let config = with_usage();
    let mut account = Account::new();
    account.state(-400, Field::StartsOn, subscription(), on(-400));
    account.state(-400, Field::Seats, subscription(), Value::Int(60));
    account.tell(
        ("typeform", &common::company(), 0),
        -400,
        FactKey::Milestone(FactKey::FIRST_VALUE.into()),
        Field::ReachedOn,
        on(-370),
    );
    for day in -80..=0 {
        uses(&mut account, day, 50, 6);
    }
    account.decide_with(&config);
    assert_eq!(now(&account).model.name, "customer-health-index");
    assert_eq!((account.band(), now(&account).provisional), (Band::Green, false));
    assert_eq!(points(&account, "active_users"), Some(9_500), "as many as before");
    assert_eq!(
        (points(&account, "feature_depth"), points(&account, "time_to_first_value")),
        (Some(10_000), Some(10_000))
    );
    // Day 0 is a Monday; from now on a fifth of them is left.
    let mut last = points(&account, "active_users");
    let mut counted_on = vec![];
    for day in 1..=28_i64 {
        uses(&mut account, day, 10, 6);
        account.decide_with(&config);
        let points = points(&account, "active_users");
        if points != last {
            counted_on.push(day);
        }
        let row = now(&account).contributions.iter().find(|row| row.measure == "active_users").unwrap();
        if (7..14).contains(&day) {
            assert_eq!(row.pending.map(|pending| pending.seen), Some(1), "on day {day}");
        }
        last = points;
    }
    assert_eq!(counted_on, [14, 21, 28]);
    assert!(last < Some(1_000), "{last:?}");
    assert_ne!(account.band(), Band::Green);
    // A day later by the clock alone, nothing new is believed.
    account.tick(days(29).plus(SignedDuration::from_hours(1)));
    account.decide_with(&config);
    assert_eq!(points(&account, "active_users"), last);
}
