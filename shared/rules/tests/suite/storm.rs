//! Much news at once, and the same news again: few messages, each once.

use std::collections::BTreeSet;

use crate::common::{self, Account, at, changed, company, days, kinds, requests, shipped, word};
use jiff::SignedDuration;
use model::{ActionRequest, AlertKind, Band, EventBody, EventId, FactKey, Field, Moment, SubjectId, Value};
use proptest::prelude::*;
use rules::Decision;

const HUBSPOT: &str = "hubspot";

fn feels(account: &mut Account, at: Moment, sentiment: &str) {
    account.tell_at((HUBSPOT, &company(), 0), at, FactKey::Sentiment, Field::Sentiment, word(sentiment));
}

fn spoke(account: &mut Account, at: Moment, when: Moment) {
    account.tell_at((HUBSPOT, &company(), 0), at, FactKey::Touchpoint, Field::LastTwoWayAt, Value::Moment(when));
}

/// The kinds of the messages that looks asked for, in order.
fn told(account: &mut Account, looks: impl IntoIterator<Item = (Moment, &'static str)>) -> Vec<AlertKind> {
    let mut all = vec![];
    for (at, sentiment) in looks {
        feels(account, at, sentiment);
        all.extend(of_risk(account.decide()).iter().map(|request| request.alert.kind));
    }
    all
}

/// An account that a bad word of the CSM makes red.
fn silent() -> Account {
    let mut account = Account::with("yellow", 60, 100);
    account.state(0, Field::Csm, FactKey::Profile, word("410001"));
    account.decide();
    assert_eq!(account.band(), Band::Yellow);
    account
}

/// What risk mitigation asks for.
fn of_risk(decision: &Decision) -> Vec<&ActionRequest> {
    requests(decision).into_iter().filter(|request| request.playbook.as_str() == "risk-mitigation").collect()
}

/// The steps that it asks for.
fn steps(decision: &Decision) -> Vec<&str> {
    of_risk(decision).into_iter().map(|request| request.step.as_str()).collect()
}

#[test]
fn twenty_crossings_in_a_day_are_one_alert() {
    let mut account = Account::with("green", 50, 300);
    account.decide();
    let word = |n: i64| if n % 2 == 0 { "red" } else { "green" };
    let looks = (0..40).map(|n| (days(1).plus(SignedDuration::from_mins(20 * n)), word(n)));
    spoke(&mut account, days(1), days(-60));
    assert_eq!(told(&mut account, looks), [AlertKind::Opened]);
    let resolved = account.run(shipped(), days(10));
    assert_eq!(resolved.len(), 1, "one recovery, a day after it has settled");
}

#[test]
fn five_hundred_statements_in_a_minute_are_one_message_at_most_one_update_and_one_recovery() {
    let mut account = Account::with("green", 10, 300);
    account.decide();
    // Every statement is a little worse: the words of the CSM, the silence, the days to the renewal.
    let (mut all, mut renewal) = (vec![], vec![]);
    for n in 0..500 {
        let now = days(1).plus(SignedDuration::from_millis(120 * n));
        match n % 3 {
            0 => feels(&mut account, now, if n < 100 { "yellow" } else { "red" }),
            1 => spoke(&mut account, now, days(-n / 4)),
            _ => account.tell_at(
                (HUBSPOT, &company(), 0),
                now,
                common::subscription(),
                Field::RenewsOn,
                common::on((300 - n).max(-1)),
            ),
        }
        all.extend(of_risk(account.decide()).iter().map(|request| request.alert.kind));
        let about_renewal = requests(&account.last).into_iter().filter(|r| r.playbook.as_str() == "renewal-runway");
        renewal.extend(about_renewal.map(|request| request.step.clone()));
    }
    assert_eq!(all, [AlertKind::Opened, AlertKind::Update]);
    assert_eq!(renewal, ["120~2026-11-24"], "the first step that came; what the day moved to is told in the morning");
    account.state(2, Field::RenewsOn, common::subscription(), common::on(300));
    let mut after = vec![];
    for n in 0..100 {
        let now = days(2).plus(SignedDuration::from_millis(600 * n));
        feels(&mut account, now, "green");
        spoke(&mut account, now, now);
        after.extend(of_risk(account.decide()).iter().map(|request| request.alert.kind));
    }
    after.extend(account.run(shipped(), days(3)).iter().map(|_| AlertKind::Resolved));
    assert_eq!(after, [AlertKind::Resolved]);
}

#[test]
fn what_gets_worse_is_told_once_a_day_in_its_thread() {
    let mut account = silent();
    feels(&mut account, days(1), "red");
    let opened = requests(account.decide())[0].id.clone();
    // The renewal comes near and passes: 30 points less each.
    let renews = |account: &mut Account, now, day| {
        account.tell_at((HUBSPOT, &company(), 0), now, common::subscription(), Field::RenewsOn, common::on(day));
        account.decide().clone()
    };
    let later = |minutes| days(1).plus(SignedDuration::from_mins(minutes));
    let decision = renews(&mut account, later(1), -2);
    let [update] = of_risk(&decision).try_into().unwrap();
    assert_eq!((update.alert.kind, update.reply_to.as_ref()), (AlertKind::Update, Some(&opened)));
    let change = &update.alert.changes[0];
    assert_eq!(
        (change.measure.as_str(), change.from.as_deref(), change.to.as_deref()),
        ("Time to renewal", Some("99 days"), Some("-3 days"))
    );
    // It rises and falls again: that is no worse than what was told.
    renews(&mut account, later(2), 80);
    assert_eq!(steps(&renews(&mut account, later(3), -2)), Vec::<&str>::new());
    // Something else falls on the same day: it waits for the next morning.
    spoke(&mut account, later(4), days(-98));
    assert_eq!(steps(account.decide()), Vec::<&str>::new());
    assert_eq!(account.due(), Some(at("2026-11-25T08:00:00Z")));
    let asked = account.run(shipped(), days(2)).into_iter().filter(|(_, step)| step.starts_with("update"));
    assert_eq!(asked.collect::<Vec<_>>(), [(at("2026-11-25T08:00:00Z"), "update~2026-11-25".to_owned())]);
}

#[test]
fn what_falls_slowly_is_told_when_it_has_fallen_far_enough_however_often_somebody_looks() {
    let mut account = silent();
    feels(&mut account, days(1), "red");
    account.decide();
    let mut watched = account.clone();
    // Silence costs four points in three days; from 61 days of it, ten points are lost after eight days, and again.
    let asked = account.run(shipped(), days(20));
    let updates: Vec<_> = asked.iter().filter(|(_, step)| step.starts_with("update")).collect();
    let expected = ["2026-12-01T23:00:00Z", "2026-12-09T23:00:00Z"].map(at);
    assert_eq!(updates.iter().map(|(at, _)| *at).collect::<Vec<_>>(), expected);
    let mut seen = vec![];
    for hour in 1..=19 * 24 {
        let now = days(1).plus(SignedDuration::from_hours(hour));
        seen.extend(watched.run(shipped(), now));
        watched.tick(now);
        assert_eq!(kinds(watched.decide()), Vec::<&str>::new(), "at {now}");
    }
    assert_eq!(seen, asked);
}

#[test]
fn a_cap_that_comes_while_it_is_open_is_told_once() {
    let mut account = silent();
    feels(&mut account, days(1), "red");
    account.decide();
    let overdue = |account: &mut Account, day, since| {
        account.state(day, Field::OverdueSince, FactKey::Payment, common::on(since));
        account.decide().clone()
    };
    let decision = overdue(&mut account, 1, -40);
    let [update] = of_risk(&decision).try_into().unwrap();
    assert_eq!((update.alert.kind, update.alert.changes.len()), (AlertKind::Update, 1));
    assert!(update.alert.changes[0].to.as_deref().unwrap().starts_with("at most red"), "{:?}", update.alert.changes);
    assert_eq!(steps(&overdue(&mut account, 2, 0)), Vec::<&str>::new(), "paid");
    assert_eq!(
        steps(&overdue(&mut account, 3, -50)),
        Vec::<&str>::new(),
        "and again: nothing is worse than what was told"
    );
}

#[test]
fn a_changed_model_tells_nobody_that_it_got_worse() {
    let mut account = silent();
    feels(&mut account, days(1), "red");
    account.decide();
    let model = changed("health/crm-and-tickets.toml", |text| text.replace("[0, 30], [60, 60]", "[0, 0], [60, 1]"));
    feels(&mut account, days(2), "red");
    assert_eq!(steps(account.decide_with(&model)), Vec::<&str>::new());
    feels(&mut account, days(3), "red");
    assert_eq!(steps(account.decide_with(&model)), Vec::<&str>::new());
}

/// One thing that happens: who says what, a number of hours after the last.
#[derive(Debug, Clone)]
enum Happens {
    Feels(&'static str),
    Spoke(i64),
    Answers(u8, i64),
    Owner(&'static str),
    Stage(&'static str),
    Since(i64),
    Nothing,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => prop_oneof![Just("green"), Just("yellow"), Just("red")].prop_map(Happens::Feels),
        3 => prop_oneof![Just(0_i64), Just(40), Just(100)].prop_map(Happens::Spoke),
        2 => (0..4_u8, 0..=10_i64).prop_map(|(who, nps)| Happens::Answers(who, nps)),
        1 => prop_oneof![Just("410001"), Just("410002"), Just("gone@ourco.example")].prop_map(Happens::Owner),
        1 => prop_oneof![4 => Just("customer"), 1 => Just("other")].prop_map(Happens::Stage),
        1 => (0..20_i64).prop_map(Happens::Since),
        2 => Just(Happens::Nothing),
    ]
}

fn say(account: &mut Account, now: Moment, what: &Happens) {
    let whole = |account: &mut Account, key, field, value| {
        account.tell_at((HUBSPOT, &company(), 0), now, key, field, value);
    };
    match what {
        Happens::Feels(sentiment) => feels(account, now, sentiment),
        Happens::Spoke(ago) => spoke(account, now, now.plus(SignedDuration::from_hours(-24 * ago))),
        Happens::Answers(who, nps) => {
            let response = SubjectId::vendor("typeform", "response", &format!("{who}~{now}"));
            let person = word(&format!("email:{who}@acme.example"));
            account.tell_at(("typeform", &response, 1), now, FactKey::Response, Field::Nps, Value::Int(*nps));
            account.tell_at(("typeform", &response, 1), now, FactKey::Response, Field::Person, person);
        }
        Happens::Owner(owner) => whole(account, FactKey::Profile, Field::Csm, word(owner)),
        Happens::Stage(stage) => whole(account, FactKey::Profile, Field::LifecycleStage, word(stage)),
        Happens::Since(ago) => {
            let day = now.plus(SignedDuration::from_hours(-24 * ago)).date_in(&jiff::tz::TimeZone::UTC);
            whole(account, FactKey::Profile, Field::CustomerSince, Value::Date(day));
        }
        Happens::Nothing => account.tick(now),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Each look is made twice, with what was committed the first time and with what was not: nothing is asked for by two
    /// names, and nothing twice by one. Told from the beginning again, it asks for the same.
    #[test]
    fn whatever_happens_and_however_often_it_is_looked_at_nothing_is_asked_for_twice(
        story in prop::collection::vec((1..90_i64, happens()), 1..16),
        half in any::<prop::sample::Index>(),
    ) {
        let said = tell(&story, 2)?;
        let names: BTreeSet<_> = said.iter().collect();
        prop_assert_eq!(names.len(), said.len(), "{:?}", said);
        let again = tell(&story[..half.index(story.len() + 1)], 1)?;
        prop_assert!(said.starts_with(&again));
    }
}

/// The ids of all that was said, each look made so many times.
fn tell(story: &[(i64, Happens)], looks: usize) -> Result<Vec<EventId>, TestCaseError> {
    let mut account = Account::healthy();
    account.decide();
    let (mut now, mut said) = (days(0), vec![]);
    for (hours, what) in story {
        now = now.plus(SignedDuration::from_hours(*hours));
        say(&mut account, now, what);
        // A worker that looked and did not get to commit.
        let lost = (looks > 1).then(|| account.clone().decide().clone());
        let decision = account.decide().clone();
        prop_assert!(lost.is_none_or(|lost| lost == decision));
        said.extend(decision.events.iter().map(|event| event.id.clone()));
        for _ in 1..looks {
            // The same once more: all of it is known.
            prop_assert_eq!(kinds(account.decide()), Vec::<&str>::new(), "{:?}", what);
        }
    }
    Ok(said)
}

#[test]
fn a_day_delivered_again_says_nothing_new() {
    let mut account = Account::healthy();
    account.decide();
    account.answers((1, 1), "r1", 2, "kim@acme.example");
    account.turns_red(1);
    let asked: Vec<_> =
        account.last.events.iter().filter(|e| matches!(e.body, EventBody::ActionRequested(_))).collect();
    assert_eq!(asked.len(), 2, "one for the account and one for the answer");
    // The same statements under other deliveries, received a day later.
    account.facts.iter_mut().for_each(|placed| {
        let again = placed.fact.clone();
        for (connection, field, register) in again.all_registers() {
            let statement = model::Statement {
                field,
                value: register.value.clone(),
                occurred_at: register.stamp.occurred_at,
                sequence: register.stamp.sequence,
                path: register.path.clone(),
                raw: register.raw.clone(),
            };
            let delivery = model::DeliveryId::new(connection, "again");
            let source = model::Source { connection, delivery: &delivery, received_at: days(2), index: 0 };
            assert!(!placed.fact.apply(source, &[statement]), "it is what was known");
        }
    });
    assert_eq!(kinds(account.decide()), Vec::<&str>::new());
}
