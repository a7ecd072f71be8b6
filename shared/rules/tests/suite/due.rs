//! An account is due exactly when time changes something in it.

use std::sync::OnceLock;

use crate::common::small::{SENTIMENT, cap, model, three};
use crate::common::{Account, days, on, subscription, word};
use config::Config;
use jiff::SignedDuration;
use model::{Assessment, Band, FactKey, Field, Heard, MeasureState, Moment, SubjectId, Value};
use proptest::prelude::*;

/// Everything that can move with time: caps by the hour and by the day, held and stale values, changes that wait, cases.
fn everything() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(load)
}

fn load() -> Config {
    let case = "[[measure.case]]\nwhen = \"customer_age_days < 90\"\npoints.steps = [[0, 40], [90, 100]]";
    let measures = three("after = { evaluations = 2, every = \"week\" }", "missing.hold = 20", case);
    let caps = cap("urgent", "oldest_urgent_ticket_hours >= 4", "yellow")
        + &cap("burning", "oldest_urgent_ticket_hours - 30 > 0", "red")
        + &cap("soon", "days_to_renewal < 45", "yellow");
    let mut config = model(&(measures + &caps));
    for connection in &mut config.connections {
        connection.expected_every = (connection.name.as_str() == "hubspot").then_some(3);
    }
    config
}

/// An account as it is told on day 0.
#[derive(Debug, Clone)]
struct Told {
    sentiment: &'static str,
    felt_before: &'static str,
    silent: i64,
    contact_is_gone: bool,
    renews: Option<i64>,
    age: Option<i64>,
    urgent_since_minutes: Option<i64>,
    overridden: Option<i64>,
    heard: Option<i64>,
}

fn tolds() -> impl Strategy<Value = Told> {
    let word = || prop::sample::select(vec!["green", "yellow", "red"]);
    let maybe = |range: std::ops::Range<i64>| prop::option::weighted(0.4, range);
    let people = (word(), word(), 0..110_i64, prop::bool::weighted(0.3));
    let dates = (prop::option::weighted(0.8, -30..250_i64), maybe(0..120));
    let rest = (maybe(0..3_000), maybe(0..30), maybe(-3..3));
    (people, dates, rest).prop_map(|((sentiment, felt_before, silent, contact_is_gone), (renews, age), rest)| Told {
        sentiment,
        felt_before,
        silent,
        contact_is_gone,
        renews,
        age,
        urgent_since_minutes: rest.0,
        overridden: rest.1,
        heard: rest.2,
    })
}

impl Told {
    fn account(&self, config: &Config) -> Account {
        let mut account = Account::new();
        account.feels(-9, self.felt_before);
        account.spoke(-9, -self.silent);
        if let Some(renews) = self.renews {
            account.state(-9, Field::RenewsOn, subscription(), on(renews));
        }
        if let Some(age) = self.age {
            account.state(-9, Field::CustomerSince, FactKey::Profile, on(-age));
        }
        account.decide_with(config);
        account.feels(0, self.sentiment);
        if self.contact_is_gone {
            account.state(0, Field::LastTwoWayAt, FactKey::Touchpoint, Value::Cleared);
        }
        if let Some(minutes) = self.urgent_since_minutes {
            let ticket = SubjectId::vendor("zendesk", "ticket", "7");
            let opened = Value::Moment(days(0).plus(SignedDuration::from_mins(-minutes)));
            for (field, value) in [(Field::Priority, word("urgent")), (Field::OpenedAt, opened)] {
                account.tell(("zendesk", &ticket, 1), 0, FactKey::Ticket, field, value);
            }
        }
        if let Some(days) = self.overridden {
            for (field, value) in [(Field::OverrideBand, word("red")), (Field::OverrideUntil, on(days))] {
                account.state(0, field, FactKey::Override, value);
            }
        }
        if let Some(Value::Date(day)) = self.heard.map(on) {
            account.heard = [("hubspot".parse().unwrap(), Heard::from(day))].into();
        }
        account.decide_with(config);
        account
    }
}

/// What must not change between two due moments.
type Key = (Band, Band, [bool; 3], Vec<MeasureState>, Vec<String>);

fn key(account: &Account) -> Key {
    let now: &Assessment = account.last.assessment.as_ref().unwrap();
    let flags = [now.provisional, now.overridden.is_some(), now.is_apart];
    let states = now.contributions.iter().map(|row| row.state).collect();
    (now.band, now.machine_band, flags, states, now.caps.iter().map(|cap| cap.name.clone()).collect())
}

fn at(account: &Account, moment: Moment, config: &Config) -> Account {
    let mut then = account.clone();
    then.tick(moment);
    then.decide_with(config);
    then
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn nothing_changes_between_two_due_moments_and_at_each_something_does(
        told in tolds(),
        between in prop::collection::vec(0..1_000_i64, 4),
    ) {
        let config = everything();
        let mut account = told.account(config);
        for _ in 0..3 {
            let (from, Some(due)) = (account.last.assessment.as_ref().unwrap().as_of, account.due()) else { break };
            prop_assert!(due > from);
            let before = key(&account);
            let span = due.since(from).as_millis();
            let part = |of: i64| i64::try_from(span * i128::from(of) / 1_000).unwrap();
            let moments = between.iter().map(|of| from.plus(SignedDuration::from_millis(part(*of))));
            for moment in moments.chain([due.plus(-SignedDuration::from_millis(1))]) {
                let then = at(&account, moment, config);
                prop_assert_eq!(key(&then), before.clone(), "at {}, before {}", moment, due);
                let (events, episodes) = (&then.last.events, &then.last.episodes);
                prop_assert!(events.is_empty() && episodes.is_empty(), "at {moment}, before {due}: {events:?}");
            }
            account = at(&account, due, config);
            let is_horizon = span > i128::from(24 * 60 * 60 * 1_000 * 398_i64);
            let is_silent = before.3.contains(&MeasureState::Stale);
            // An episode that has recovered for a day ends.
            let is_told = !account.last.events.is_empty();
            let is_other = key(&account) != before || is_told;
            prop_assert!(is_horizon || is_silent || is_other, "nothing changed at {}", due);
        }
    }
}

#[test]
fn a_cap_by_the_hour_is_due_to_the_moment() {
    let config = everything();
    let mut account = Account::healthy();
    account.decide_with(config);
    let ticket = SubjectId::vendor("zendesk", "ticket", "7");
    let opened = days(1).plus(-SignedDuration::from_millis(12_345_678));
    account.tell(("zendesk", &ticket, 1), 1, FactKey::Ticket, Field::Priority, word("urgent"));
    account.tell(("zendesk", &ticket, 1), 1, FactKey::Ticket, Field::OpenedAt, Value::Moment(opened));
    account.decide_with(config);
    assert_eq!(account.due(), Some(opened.plus(SignedDuration::from_hours(4))));
    let capped = at(&account, account.due().unwrap(), config);
    assert_eq!(capped.band(), Band::Yellow);
    // The other cap calculates, and is found all the same.
    let burning = at(&capped, capped.due().unwrap(), config);
    let mut moments = vec![capped.due()];
    let mut last = burning;
    while last.band() != Band::Red {
        moments.push(last.due());
        last = at(&last, last.due().unwrap(), config);
    }
    assert_eq!(moments.last(), Some(&Some(opened.plus(SignedDuration::from_hours(31)))));
}

#[test]
fn an_account_in_which_nothing_moves_with_time_is_never_due() {
    let mut config = model(&three("", "", ""));
    config.model.min_coverage = 0;
    let mut account = Account::new();
    account.feels(0, "yellow");
    account.decide_with(&config);
    assert_eq!(account.due(), None);
    // Nor once it has been said that the machine and people are far apart.
    let mut config = model(&three("", "", "").replace(SENTIMENT, "points.words = { red = 100 }"));
    config.model.green.dimensions = 1;
    let mut account = Account::new();
    account.feels(0, "red");
    account.decide_with(&config);
    let told = at(&account, account.due().unwrap(), &config);
    assert!(told.last.assessment.as_ref().unwrap().is_apart);
    assert_eq!(told.due(), None);
}

#[test]
fn while_a_source_is_silent_an_account_is_looked_at_again() {
    let config = everything();
    let mut account = Account::with("yellow", 20, 300);
    let Value::Date(day) = on(0) else { panic!("a day") };
    account.heard = [("hubspot".parse().unwrap(), Heard::from(day))].into();
    account.decide_with(config);
    // 00:00 in Berlin after three days have passed.
    assert_eq!(account.due().unwrap().to_string(), "2026-11-26T23:00:00.000Z");
    let silent = at(&account, account.due().unwrap(), config);
    assert!(key(&silent).3.contains(&MeasureState::Stale));
    assert!(silent.due().unwrap() <= days(7));
}
