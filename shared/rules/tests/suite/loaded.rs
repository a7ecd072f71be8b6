//! What is loaded of the past is no news; what a person says is.

use crate::common::{Account, OPENED, alert_only, company, days, kinds, without_runway, word};
use jiff::SignedDuration;
use model::{
    Band, Closing, ConnectionName, DeliveryId, EpisodeState, Fact, FactKey, Field, Moment, Placed, Source, Statement,
    Value,
};

fn minutes(day: i64, minutes: i64) -> Moment {
    days(day).plus(SignedDuration::from_mins(minutes))
}

/// One delivery that tells several fields of the company, each with the day on which it became true.
fn tells(account: &mut Account, id: &DeliveryId, received_at: Moment, told: &[(Field, FactKey, Value, i64)]) {
    let connection = ConnectionName::from_stored(id.connection());
    for (field, key, value, day) in told {
        let is_it = |placed: &Placed| placed.fact.key == *key && placed.fact.subject == company();
        let held = account.facts.iter().position(is_it).unwrap_or_else(|| {
            let opens_account = *key == FactKey::Profile;
            let fact = Fact { opens_account, ..Fact::empty(company(), key.clone()) };
            account.facts.push(Placed { steps: 0, gone: false, fact });
            account.facts.len() - 1
        });
        let statement = Statement {
            field: *field,
            value: value.clone(),
            occurred_at: days(*day),
            sequence: None,
            path: "$".into(),
            raw: value.to_string(),
        };
        let source = Source { connection: &connection, delivery: id, received_at, index: 0 };
        account.facts[held].fact.apply(source, &[statement]);
    }
}

fn hubspot() -> ConnectionName {
    ConnectionName::from_stored("hubspot")
}

fn bad(day: i64) -> Vec<(Field, FactKey, Value, i64)> {
    vec![
        (Field::Sentiment, FactKey::Sentiment, word("red"), day),
        (Field::LastTwoWayAt, FactKey::Touchpoint, Value::Moment(days(day - 100)), day),
    ]
}

/// Loaded on day 0 as of day -10, in good health.
fn loaded() -> Account {
    let mut account = Account::new();
    account.facts.clear();
    let good = [
        (Field::Name, FactKey::Profile, word("Acme"), -10),
        (Field::LifecycleStage, FactKey::Profile, word("customer"), -10),
        (Field::Sentiment, FactKey::Sentiment, word("green"), -10),
        (Field::LastTwoWayAt, FactKey::Touchpoint, Value::Moment(days(-10)), -10),
    ];
    tells(&mut account, &DeliveryId::of_history(&hubspot(), "1"), days(0), &good);
    account.decide_with(&without_runway());
    assert_eq!(account.band(), Band::Green);
    account
}

#[test]
fn a_file_moves_bands_and_starts_ends_and_says_nothing() {
    let config = alert_only();
    let mut account = Account::healthy();
    account.decide_with(&config);
    tells(&mut account, &DeliveryId::of_history(&hubspot(), "1"), days(2), &bad(1));
    let decision = account.decide_with(&config).clone();
    assert_eq!(
        (account.band(), kinds(&decision), decision.episodes.len()),
        (Band::Red, vec!["account.band_changed"], 0)
    );
    assert_eq!(account.run(&config, days(20)), vec![]);

    // What is open is left to the morning, also where it would end now.
    let mut open = Account::healthy();
    open.decide_with(&config);
    open.feels(1, "red");
    open.spoke(1, -99);
    assert_eq!(kinds(open.decide_with(&config)), OPENED);
    open.turns_green_with(2, &config);
    let other = [(Field::Segment, FactKey::Profile, word("smb"), 2)];
    tells(&mut open, &DeliveryId::of_history(&hubspot(), "2"), days(5), &other);
    assert_eq!(kinds(open.decide_with(&config)), Vec::<&str>::new());
    assert!(open.episodes.iter().all(model::Episode::is_open));
    let ended = open.run(&config, days(8));
    assert!(ended.iter().any(|(_, kind)| kind == "resolved"), "{ended:?}");
}

#[test]
fn the_first_word_about_a_loaded_record_is_a_first_sight_and_the_next_is_news() {
    let mut account = loaded();
    let mut first = bad(1);
    // It also tells what was true before the day of the file, which no file told.
    first.push((Field::Tier, FactKey::Profile, word("gold"), -300));
    tells(&mut account, &DeliveryId::new(&hubspot(), "live-1"), days(1), &first);
    assert_eq!(kinds(account.decide_with(&without_runway())), ["account.band_changed"]);
    account.turns_green_with(2, &without_runway());
    tells(&mut account, &DeliveryId::new(&hubspot(), "live-2"), days(5), &bad(5));
    assert_eq!(kinds(account.decide_with(&without_runway())), OPENED);
}

#[test]
fn a_change_since_the_file_is_news_at_once() {
    let mut account = loaded();
    tells(&mut account, &DeliveryId::new(&hubspot(), "live-1"), days(1), &bad(1));
    assert_eq!(kinds(account.decide_with(&without_runway())), OPENED);
}

#[test]
fn a_live_word_beside_a_file_stays_the_news() {
    let config = without_runway();
    let mut account = Account::healthy();
    account.decide_with(&config);
    tells(&mut account, &DeliveryId::new(&hubspot(), "live-1"), days(1), &bad(1));
    let file = [(Field::Segment, FactKey::Profile, word("smb"), -10)];
    tells(&mut account, &DeliveryId::of_history(&hubspot(), "1"), minutes(1, 1), &file);
    assert_eq!(kinds(account.decide_with(&config)), OPENED);
    assert_eq!(account.last.assessment.as_ref().unwrap().as_of, minutes(1, 1));
    assert_eq!(kinds(account.decide_with(&config)), Vec::<&str>::new(), "once");
}

#[test]
fn what_is_closed_by_hand_is_over_and_what_opens_later_is_not() {
    let config = without_runway();
    let mut account = Account::healthy();
    account.decide_with(&config);
    let close = |account: &mut Account, day| {
        let key = FactKey::PlayClose("risk-mitigation".parse().unwrap());
        account.tell(("operator", &company(), 0), day, key, Field::At, Value::Moment(days(day)));
    };
    let red = |account: &mut Account, day| {
        account.feels(day, "red");
        account.spoke(day, day - 100);
    };
    red(&mut account, 1);
    assert_eq!(kinds(account.decide_with(&config)), OPENED);
    close(&mut account, 2);
    let decision = account.decide_with(&config).clone();
    assert_eq!(kinds(&decision), ["account.risk_resolved"]);
    assert!(matches!(decision.episodes[0].state, EpisodeState::Closed { why: Closing::ByHand, .. }));
    account.turns_green_with(3, &config);
    red(&mut account, 40);
    assert_eq!(kinds(account.decide_with(&config)), OPENED);
    account.state(41, Field::Tier, FactKey::Profile, word("gold"));
    account.decide_with(&config);
    assert_eq!(
        account.episodes.iter().filter(|episode| episode.is_open()).count(),
        1,
        "an old word closes nothing new"
    );
}
