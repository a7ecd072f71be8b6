//! A changed configuration takes effect: an operator asks for a look, and nothing starts, ends or is said.

use crate::common::{Account, OPENED, alert_only, changed, company, days, kinds, shipped, steps, without_runway, word};
use config::Config;
use jiff::SignedDuration;
use model::{
    Band, ConnectionName, DeliveryId, EpisodeState, Fact, FactKey, Field, Moment, Placed, Register, Stamp, Value,
};
use rules::Decision;

/// The CSM's good word gives next to nothing, so that whoever nobody talks to is red.
fn stricter() -> Config {
    let mut config = changed("health/crm-and-tickets.toml", |text| text.replace("green = 100", "green = 1"));
    config.playbooks.retain(|playbook| playbook.name.as_str() != "renewal-runway");
    config
}

/// An operator asks at `at` for a look by today's configuration.
fn asks(account: &mut Account, at: Moment) {
    account.facts.retain(|placed| placed.fact.key != FactKey::Rescore);
    let mut fact = Fact::empty(company(), FactKey::Rescore);
    let delivery = DeliveryId::from_stored(format!("operator:{at}"));
    let stamp = Stamp { occurred_at: at, sequence: None, delivery, index: 0 };
    let (path, raw) = (String::from("rescore.accounts[0]"), company().to_string());
    let register = Register { value: Value::Moment(at), stamp, received_at: at, path, raw, clamped: false };
    fact.registers.entry(ConnectionName::from_stored("operator")).or_default().insert(Field::At, register);
    account.facts.push(Placed { steps: 0, gone: false, fact });
}

fn minutes(day: i64, minutes: i64) -> Moment {
    days(day).plus(SignedDuration::from_mins(minutes))
}

/// What a rescore may never do.
#[track_caller]
fn check_silent(decision: &Decision) {
    assert_eq!(kinds(decision), Vec::<&str>::new());
    let is_over = |state: EpisodeState| matches!(state, EpisodeState::Closed { .. });
    assert!(!decision.episodes.iter().any(|episode| is_over(episode.state)));
}

/// Green by the shipped model, and red by the stricter one: for two months nobody spoke.
fn quiet() -> Account {
    let mut account = Account::with("green", 60, 300);
    account.decide_with(&without_runway());
    account
}

#[test]
fn bands_move_and_nobody_is_told() {
    let mut account = quiet();
    let before = account.last.assessment.clone().unwrap();
    asks(&mut account, minutes(0, 1));
    let model = stricter();
    let decision = account.decide_with(&model).clone();
    check_silent(&decision);
    assert!(decision.episodes.is_empty());
    let now = decision.assessment.unwrap();
    assert_eq!((before.band, now.band, now.as_of), (Band::Green, Band::Red, minutes(0, 1)));
    assert_ne!(before.model, now.model);
    let [told] = &decision.timeline[..] else { panic!("one row: {:?}", decision.timeline) };
    assert_eq!((told.kind.as_str(), told.delivery.as_ref().unwrap().connection()), ("rescored", "operator"));
    assert!(told.text.contains("(red), before") && told.text.contains(&now.model.to_string()), "{}", told.text);
}

#[test]
fn asked_again_or_computed_again_it_gives_the_same_numbers_and_says_nothing_more() {
    let mut account = quiet();
    asks(&mut account, minutes(0, 1));
    let first = account.decide_with(&stricter()).assessment.clone();
    let again = account.decide_with(&stricter()).clone();
    assert_eq!((again.assessment, again.timeline.len()), (first.clone(), 0));
    asks(&mut account, minutes(0, 2));
    let later = account.decide_with(&stricter()).clone();
    check_silent(&later);
    assert_eq!((later.timeline.len(), later.episodes.len()), (0, 0));
    assert_eq!(later.assessment.unwrap().score, first.unwrap().score);
}

#[test]
fn what_it_made_of_an_account_is_no_news_afterwards() {
    let mut account = quiet();
    asks(&mut account, minutes(0, 1));
    account.decide_with(&stricter());
    account.state(1, Field::Tier, FactKey::Profile, word("gold"));
    assert_eq!(kinds(account.decide_with(&stricter())), Vec::<&str>::new());
    assert!(account.run(&stricter(), days(30)).is_empty());
    // Real news are.
    account.turns_green_with(31, &without_runway());
    account.feels(32, "red");
    account.spoke(32, -99);
    account.decide_with(&without_runway());
    assert_eq!(kinds(&account.last), OPENED);
}

#[test]
fn news_that_come_with_it_or_late_after_it_are_judged_as_news() {
    let bad = |account: &mut Account| {
        account.feels(1, "red");
        account.spoke(1, -99);
    };
    let config = alert_only();
    let watched = || {
        let mut account = Account::healthy();
        account.decide_with(&config);
        account
    };
    // Both are folded in before anybody looks.
    let mut account = watched();
    bad(&mut account);
    asks(&mut account, minutes(1, 1));
    assert_eq!(kinds(account.decide_with(&config)), OPENED);
    check_silent(account.decide_with(&config));
    // What was received before it is folded in after it.
    let mut account = watched();
    asks(&mut account, minutes(1, 1));
    check_silent(account.decide_with(&config));
    bad(&mut account);
    assert_eq!(kinds(account.decide_with(&config)), OPENED);
    assert_eq!(account.last.assessment.as_ref().unwrap().as_of, minutes(1, 1));
    check_silent(account.decide_with(&config));
}

#[test]
fn what_was_due_before_it_comes_as_it_would_have() {
    let config = without_runway();
    let mut account = Account::healthy();
    account.decide_with(&config);
    account.feels(1, "red");
    account.spoke(1, -99);
    account.decide_with(&config);
    let mut twin = account.clone();
    let asked = twin.run(&config, days(9));
    let (at, _) = asked.iter().find(|(_, step)| step == "plan").unwrap();
    // Up to a moment before that step, both go the same way.
    account.run(&config, at.plus(SignedDuration::from_millis(-1)));
    assert_eq!(account.due(), Some(*at));
    asks(&mut account, at.plus(SignedDuration::from_secs(20)));
    let decision = account.decide_with(&config).clone();
    assert_eq!((steps(&decision), account.last.assessment.as_ref().unwrap().as_of), (vec!["plan"], *at));
}

#[test]
fn what_is_open_goes_on_by_the_new_rules_from_the_next_morning() {
    let config = without_runway();
    let mut account = Account::healthy();
    account.decide_with(&config);
    account.feels(1, "red");
    account.spoke(1, -99);
    account.decide_with(&config);
    // The second step comes on the third working day, and by the changed playbook on the first.
    let mut sooner =
        changed("playbooks/risk-mitigation.toml", |text| text.replace("after = \"3bd\"", "after = \"1bd\""));
    sooner.playbooks.retain(|playbook| playbook.name.as_str() != "renewal-runway");
    account.run(&config, minutes(2, 60));
    asks(&mut account, minutes(2, 60));
    check_silent(account.decide_with(&sooner));
    assert_eq!(account.due().unwrap().to_string(), "2026-11-26T08:00:00.000Z", "09:00 in Berlin");
    let asked = account.run(&sooner, days(3));
    assert_eq!(asked.iter().map(|(_, step)| step.as_str()).collect::<Vec<_>>(), ["plan"]);
}

#[test]
fn a_recovery_condition_that_holds_by_the_new_rules_closes_nothing_at_once() {
    let config = without_runway();
    let mut account = Account::healthy();
    account.decide_with(&config);
    account.feels(1, "red");
    account.spoke(1, -99);
    account.decide_with(&config);
    let mut lenient = changed("playbooks/risk-mitigation.toml", |text| {
        text.replace("recover = \"band != 'red'\"", "recover = \"band != 'green'\"")
            .replace("recover_after = \"24h\"", "recover_after = \"1h\"")
    });
    lenient.playbooks.retain(|playbook| playbook.name.as_str() != "renewal-runway");
    asks(&mut account, minutes(1, 60 * 30));
    check_silent(account.decide_with(&lenient));
    assert!(account.episodes.iter().all(model::Episode::is_open));
}

#[test]
fn a_renewal_that_another_set_of_checkpoints_reaches_is_not_told() {
    let mut account = Account::with("green", 0, 150);
    account.decide();
    let earlier = changed("playbooks/renewal-runway.toml", |text| {
        let first = "[[trigger.renewal.checkpoint]]\n";
        text.replacen(first, &format!("{first}days = 170\nhealthy = \"Begin.\"\nat_risk = \"Begin.\"\n\n{first}"), 1)
    });
    asks(&mut account, minutes(0, 1));
    check_silent(account.decide_with(&earlier));
    assert!(account.episodes.is_empty());
    // The next one that comes is.
    let asked = account.run(&earlier, days(70));
    assert!(asked.iter().any(|(_, step)| step.starts_with("120")), "{asked:?}");
    assert!(!asked.iter().any(|(_, step)| step.starts_with("170")), "{asked:?}");
}

#[test]
fn a_step_that_came_during_a_pause_is_told_once_after_it_however_the_pause_ends() {
    let paused = changed("playbooks/renewal-runway.toml", |text| format!("paused = true\n{text}"));
    // The contract ends on day 150, so the first step comes on day 30, Wednesday 2026-12-23.
    for (is_rescored, is_news) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut account = Account::with("green", 0, 150);
        account.decide();
        assert_eq!(account.run(shipped(), days(25)), []);
        account.state(25, Field::Tier, FactKey::Profile, word("gold"));
        account.decide_with(&paused);
        assert_eq!(account.run(&paused, days(40)), [], "nothing is told in a pause");
        if is_rescored {
            asks(&mut account, minutes(40, 1));
            check_silent(account.decide_with(shipped()));
        }
        let mut told: Vec<String> = vec![];
        if is_news {
            account.state(41, Field::Segment, FactKey::Profile, word("retail"));
            told.extend(steps(account.decide_with(shipped())).into_iter().map(str::to_owned));
        }
        told.extend(account.run(shipped(), days(50)).into_iter().map(|(_, step)| step));
        assert_eq!(told, ["120~2026-12-23"], "rescored: {is_rescored}, news: {is_news}");
    }
}

#[test]
fn who_is_not_watched_any_more_stays_until_the_next_news() {
    let mut account = quiet();
    let held = account.last.assessment.clone();
    let ours = changed("connections.toml", |text| {
        let line = text.lines().find(|line| line.starts_with("exclude_domains")).unwrap();
        text.replace(line, r#"exclude_domains = ["acme.example"]"#)
    });
    account.state(0, Field::Domain, FactKey::Profile, word("acme.example"));
    account.decide();
    let held_then = account.last.assessment.clone();
    asks(&mut account, minutes(0, 1));
    let decision = account.decide_with(&ours).clone();
    check_silent(&decision);
    assert_eq!((decision.assessment, decision.timeline.len()), (held_then, 0));
    assert!(held.is_some());
    account.feels(1, "red");
    assert_eq!(kinds(account.decide_with(&ours)), ["account.unwatched"]);
}

#[test]
fn under_the_configuration_that_counts_already_it_changes_nothing_but_the_moment() {
    let mut account = Account::healthy();
    let before = account.decide().assessment.clone().unwrap();
    asks(&mut account, minutes(0, 1));
    let decision = account.decide_with(shipped()).clone();
    check_silent(&decision);
    let now = decision.assessment.unwrap();
    assert_eq!(
        (now.score, now.band, now.next_due_at, now.held),
        (before.score, before.band, before.next_due_at, before.held)
    );
    assert!(decision.timeline.is_empty() && decision.episodes.is_empty());
}
