//! What stands on the account's record in the CRM: asked for when what people see has changed, and not more often.

use std::collections::BTreeSet;

use crate::common::{Account, asked_for, changed, company, days, shipped, word};
use config::Config;
use jiff::SignedDuration;
use model::{
    ActionKind, ActionRequest, Band, ConnectionName, DeliveryId, Fact, FactKey, Field, Moment, Placed, Register, Stamp,
    SubjectId, Value,
};

/// The configuration that ships, with scores on records, and nothing that is asked for besides.
fn writing() -> Config {
    let mut config = changed("modes.toml", |text| format!("{text}\n[most.write-back]\nhubspot = \"live\"\n"));
    config.playbooks.clear();
    config
}

fn minutes(n: i64) -> Moment {
    days(1).plus(SignedDuration::from_mins(n))
}

fn updates(account: &Account) -> Vec<&ActionRequest> {
    asked_for(&account.last, ActionKind::CrmUpdate)
}

fn only(account: &Account) -> &ActionRequest {
    let [request] = updates(account)[..] else { panic!("{:?}", account.last.events) };
    request
}

/// What the CSM says at a moment of day 1; whoever nobody spoke to for long is red by it, or yellow.
fn feels(account: &mut Account, at: Moment, sentiment: &str, config: &Config) {
    account.tell_at(("hubspot", &company(), 0), at, FactKey::Sentiment, Field::Sentiment, word(sentiment));
    account.decide_with(config);
}

/// Somebody spoke to them so many days before day 1: what time does to a score, at once.
fn quiet_for(account: &mut Account, at: Moment, silent: i64, config: &Config) {
    let spoke = Value::Moment(days(1 - silent));
    account.tell_at(("hubspot", &company(), 0), at, FactKey::Touchpoint, Field::LastTwoWayAt, spoke);
    account.decide_with(config);
}

/// Healthy and written since day 0.
fn written(config: &Config) -> Account {
    let mut account = Account::healthy();
    account.decide_with(config);
    assert_eq!(only(&account).update.as_ref().unwrap().band, Some(Band::Green));
    account
}

#[test]
fn the_first_look_is_written_and_says_what_costs_points() {
    let config = writing();
    let mut account = Account::with("red", 60, 300);
    account.decide_with(&config);
    let request = only(&account).clone();
    let update = request.update.as_ref().unwrap();
    let now = account.last.assessment.as_ref().unwrap();
    assert_eq!((update.score, update.band, update.as_of), (now.score, Some(now.band), now.as_of));
    assert!(update.reasons.len() > 1 && update.reasons.len() <= 3, "{:?}", update.reasons);
    let expected = "CSM sentiment: red (";
    assert!(update.reasons.iter().any(|reason| reason.starts_with(expected)), "{:?}", update.reasons);
    assert_eq!((request.playbook.as_str(), request.to.address.as_str()), ("write-back", company().as_str()));
    assert!(account.last.timeline.iter().all(|row| !row.text.contains("crm_update")), "{:?}", account.last.timeline);
    // The same news once more, as when a record is delivered twice.
    account.decide_with(&config);
    assert_eq!(updates(&account), Vec::<&ActionRequest>::new());
}

#[test]
fn where_it_is_not_configured_nothing_is_asked_for() {
    let mut account = Account::healthy();
    account.decide();
    account.turns_red(1);
    assert_eq!(updates(&account), Vec::<&ActionRequest>::new());
    assert_eq!(account.last.assessment.unwrap().written_back, None);
    assert!(!shipped().modes.writes_back() && writing().modes.writes_back());
}

#[test]
fn a_changed_band_is_written_at_once_and_one_that_trembles_every_quarter_of_an_hour() {
    let config = writing();
    let mut account = written(&config);
    quiet_for(&mut account, minutes(0), 100, &config);
    let mut asked: BTreeSet<_> = updates(&account).into_iter().map(|request| request.id.clone()).collect();
    assert_eq!(asked.len(), 1, "they are green no more");
    // Five hundred words within a minute.
    for n in 0..500 {
        let word = if n % 2 == 0 { "red" } else { "green" };
        feels(&mut account, minutes(1).plus(SignedDuration::from_millis(n * 100)), word, &config);
        asked.extend(updates(&account).into_iter().map(|request| request.id.clone()));
    }
    assert_eq!(asked.len(), 1, "nothing more before a quarter of an hour is over");
    feels(&mut account, minutes(3), "red", &config);
    let shown = account.last.assessment.as_ref().unwrap().written_back.clone().unwrap();
    if shown.band == account.band() {
        feels(&mut account, minutes(4), "green", &config);
    }
    assert_ne!(shown.band, account.band());
    let due = account.due().unwrap();
    assert_eq!(due, shown.band_at.unwrap().plus(SignedDuration::from_mins(15)));
    account.tick(due);
    account.decide_with(&config);
    assert_eq!(only(&account).update.as_ref().unwrap().band, Some(account.band()));
}

#[test]
fn a_score_that_moves_within_its_band_is_written_once_a_day() {
    let config = writing();
    let mut account = written(&config);
    let shown = |account: &Account| account.last.assessment.as_ref().unwrap().score.unwrap().shown();
    let (first, day) = (shown(&account), SignedDuration::from_hours(24));
    // On day 1 a day has passed since, on day 0 it had not.
    account.tell_at(
        ("hubspot", &company(), 0),
        days(0).plus(SignedDuration::from_hours(1)),
        FactKey::Touchpoint,
        Field::LastTwoWayAt,
        Value::Moment(days(-20)),
    );
    account.decide_with(&config);
    assert_eq!((updates(&account).len(), account.band()), (0, Band::Green));
    assert_ne!(shown(&account), first);
    assert_eq!(account.due(), Some(days(0).plus(day)), "it waits for the day to be over");
    let mut back = account.clone();
    account.tick(days(1));
    account.decide_with(&config);
    assert_eq!(only(&account).update.as_ref().unwrap().score.map(model::Score::shown), Some(shown(&account)));
    assert_eq!(account.last.assessment.as_ref().unwrap().written_back.as_ref().unwrap().at, days(1));
    // What is as it was by then is not written at all.
    let spoke = Value::Moment(days(0));
    let at = days(0).plus(SignedDuration::from_hours(2));
    back.tell_at(("hubspot", &company(), 0), at, FactKey::Touchpoint, Field::LastTwoWayAt, spoke);
    back.decide_with(&config);
    assert_eq!((updates(&back).len(), shown(&back)), (0, first));
    assert_ne!(back.due(), Some(days(1)));
}

#[test]
fn an_account_that_is_watched_no_more_shows_nothing() {
    let config = writing();
    let mut account = written(&config);
    account.state(2, Field::LifecycleStage, FactKey::Profile, word("lead"));
    account.decide_with(&config);
    let update = only(&account).update.clone().unwrap();
    assert_eq!((update.score, update.band, update.as_of), (None, None, days(2)));
    account.state(3, Field::LifecycleStage, FactKey::Profile, word("customer"));
    account.decide_with(&config);
    assert_eq!(only(&account).update.as_ref().unwrap().band, Some(Band::Green));
}

#[test]
fn whoever_asks_to_look_at_every_account_has_every_record_written_once() {
    let config = writing();
    let mut account = written(&config);
    let at = minutes(0);
    let mut fact = Fact::empty(company(), FactKey::Rescore);
    let stamp = Stamp { occurred_at: at, sequence: None, delivery: DeliveryId::from_stored("operator:look"), index: 0 };
    let (path, raw) = (String::from("rescore.accounts[0]"), company().to_string());
    let register = Register { value: Value::Moment(at), stamp, received_at: at, path, raw, clamped: false };
    fact.registers.entry(ConnectionName::from_stored("operator")).or_default().insert(Field::At, register);
    account.facts.push(Placed { steps: 0, gone: false, fact });
    account.decide_with(&config);
    assert_eq!(only(&account).update.as_ref().unwrap().as_of, at);
    account.decide_with(&config);
    assert_eq!(updates(&account), Vec::<&ActionRequest>::new());
}

#[test]
fn an_account_that_is_no_company_of_hubspot_has_no_record_there() {
    let mut account = Account::healthy();
    let subject = SubjectId::vendor("salesforce", "account", "001");
    account.facts.iter_mut().for_each(|placed| placed.fact.subject = subject.clone());
    let input = rules::Input {
        account: &subject,
        facts: &account.facts,
        members: &account.members,
        linked: None,
        children: &[],
        heard: &account.heard,
        previous: None,
        episodes: &[],
        claimed_since: None,
    };
    let decision = rules::decide(input, &writing());
    assert!(decision.assessment.is_some());
    assert!(asked_for(&decision, ActionKind::CrmUpdate).is_empty());
}
