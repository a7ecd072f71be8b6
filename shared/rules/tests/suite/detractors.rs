//! Whoever is unhappy and says so is followed up, once for each answer.

use std::sync::OnceLock;

use crate::common::{self, Account, changed, company, days, kinds, requests, shipped, steps, usd};
use config::Config;
use model::{Closing, EpisodeState, FactKey, Field, SubjectId, Urgency, Value};

const KIM: &str = "kim@acme.example";
const LEE: &str = "lee@acme.example";

/// A configuration without the playbooks that look at all answers together, and at the band.
fn of_answers(mut config: Config) -> Config {
    config.playbooks.retain(|playbook| !["nps-dip", "turned-yellow"].contains(&playbook.name.as_str()));
    config
}

/// What ships, of that.
fn alone() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| of_answers(shipped().clone()))
}

fn watched() -> Account {
    let mut account = Account::healthy();
    account.decide_with(alone());
    account
}

fn closed(account: &Account, at: usize) -> Option<Closing> {
    match account.episodes[at].state {
        EpisodeState::Closed { why, .. } => Some(why),
        EpisodeState::Open { .. } => None,
    }
}

#[test]
fn a_detractor_is_followed_up_whatever_the_band_of_the_account() {
    let mut account = watched();
    account.answers((1, 1), "r1", 3, KIM);
    let decision = account.decide_with(alone()).clone();
    assert_eq!(kinds(&decision), ["playbook.started", "action.requested"]);
    assert_eq!(account.band(), model::Band::Green);
    let request = requests(&decision)[0];
    assert_eq!((request.urgency, request.step.as_str()), (Urgency::Now, "alert"));
    // Eight business hours from ten o'clock.
    assert_eq!(request.alert.due.as_deref(), Some("Wed 25 Nov 2026, 10:00 (Europe/Berlin)"));
    assert_eq!(request.alert.template.as_deref(), Some("started"));
    let told = |measure: &str| request.alert.changes.iter().find(|c| c.measure == measure).unwrap().clone();
    assert_eq!((told("NPS answer").to.as_deref(), told("NPS answer").raw.as_deref()), (Some("3"), Some("3")));
    assert_eq!(told("By").to.as_deref(), Some(KIM));
    assert_eq!(account.episodes[0].why, "kim@acme.example answered 3 of 10");
    assert_eq!(account.episodes[0].key.key, "typeform:response:r1");
}

#[test]
fn only_answers_up_to_six_and_only_fresh_ones() {
    for (nps, answered, told, asked) in [(6, 1, 1, 1), (7, 1, 1, 0), (0, 1, 15, 1), (0, 1, 16, 0)] {
        let mut account = watched();
        account.answers((answered, told), "r1", nps, KIM);
        assert_eq!(steps(account.decide_with(alone())).len(), asked, "{nps}, told on day {told}");
    }
}

#[test]
fn what_was_answered_before_the_first_look_or_before_going_live_is_no_news() {
    let mut account = Account::healthy();
    account.answers((0, 0), "r1", 2, KIM);
    account.decide_with(alone());
    account.feels(1, "yellow");
    assert_eq!(steps(account.decide_with(alone())), Vec::<&str>::new());
    let late = of_answers(changed("connections.toml", |text| {
        text.replace("tool = \"typeform\"", "tool = \"typeform\"\nlive_from = 2026-12-01T00:00:00Z")
    }));
    let mut account = watched();
    account.answers((1, 1), "r1", 2, KIM);
    assert_eq!(steps(account.decide_with(&late)), Vec::<&str>::new());
    account.feels(9, "yellow");
    assert_eq!(steps(account.decide_with(&late)), Vec::<&str>::new());
}

#[test]
fn each_answer_has_one_episode_and_a_corrected_one_no_second() {
    let mut account = watched();
    account.answers((1, 1), "r1", 3, KIM);
    account.decide_with(alone());
    account.answers((2, 2), "r2", 5, LEE);
    assert_eq!(steps(account.decide_with(alone())), ["remind", "alert"]);
    account.answers((3, 3), "r1", 1, KIM);
    assert!(!steps(account.decide_with(alone())).contains(&"alert"));
    assert_eq!(account.episodes.len(), 2);
    // One that becomes a bad one is.
    account.answers((4, 4), "r3", 9, "sam@acme.example");
    assert!(!steps(account.decide_with(alone())).contains(&"alert"));
    account.answers((5, 5), "r3", 2, "sam@acme.example");
    assert!(steps(account.decide_with(alone())).contains(&"alert"));
}

#[test]
fn contact_after_the_answer_ends_it() {
    let mut account = watched();
    account.answers((1, 1), "r1", 3, KIM);
    account.decide_with(alone());
    account.spoke(2, 0);
    account.decide_with(alone());
    assert_eq!(closed(&account, 0), None, "that was before the answer");
    account.spoke(3, 2);
    let decision = account.decide_with(alone()).clone();
    assert_eq!((closed(&account, 0), steps(&decision)), (Some(Closing::Recovered), vec!["resolved"]));
    assert_eq!(requests(&decision)[0].alert.template.as_deref(), Some("done"));
    assert_eq!(account.run(alone(), days(30)), []);
}

#[test]
fn a_better_answer_of_the_same_person_ends_it_and_one_of_another_does_not() {
    let mut account = watched();
    account.answers((1, 1), "r1", 3, KIM);
    account.decide_with(alone());
    account.answers((2, 2), "r2", 10, LEE);
    account.answers((2, 2), "r3", 6, "KIM@acme.example");
    account.decide_with(alone());
    assert_eq!((closed(&account, 0), account.episodes.len()), (None, 2));
    account.answers((3, 3), "r4", 7, KIM);
    account.decide_with(alone());
    assert_eq!((closed(&account, 0), closed(&account, 1)), (Some(Closing::Recovered), Some(Closing::Recovered)));
}

#[test]
fn nobody_spoke_so_it_is_said_again_and_then_to_the_manager() {
    let mut account = watched();
    account.answers((1, 1), "r1", 3, KIM);
    account.decide_with(alone());
    let asked = account.run(alone(), days(10));
    let expected = [("2026-11-25T08:00:00Z", "remind"), ("2026-11-26T08:00:00Z", "escalate")];
    assert_eq!(asked, expected.map(|(at, step)| (common::at(at), step.to_owned())));
}

#[test]
fn an_answer_that_finds_its_account_late_is_followed_up_while_it_is_fresh() {
    for (linked, asked) in [(10, 1), (20, 0)] {
        let mut account = watched();
        account.answers((1, 1), "r1", 3, KIM);
        let response = SubjectId::vendor("typeform", "response", "r1");
        let waiting: Vec<_> = account.facts.extract_if(.., |placed| placed.fact.subject == response).collect();
        account.state(5, Field::Arr, common::subscription(), usd(1_000));
        account.decide_with(alone());
        account.facts.extend(waiting);
        account.link(linked, linked, &response);
        assert_eq!(steps(account.decide_with(alone())).len(), asked, "linked on day {linked}");
    }
}

#[test]
fn the_words_are_passed_on_and_a_score_without_a_person_is_followed_up_too() {
    let mut account = watched();
    let response = SubjectId::vendor("typeform", "response", "r1");
    for (field, value) in [(Field::Nps, Value::Int(2)), (Field::Comment, common::word("Slow."))] {
        account.tell(("typeform", &response, 1), 1, FactKey::Response, field, value);
    }
    let decision = account.decide_with(alone()).clone();
    let changes = &requests(&decision)[0].alert.changes;
    let told: Vec<_> = changes.iter().map(|c| (c.measure.as_str(), c.to.as_deref().unwrap())).collect();
    assert_eq!(told, [("NPS answer", "2"), ("Wrote", "Slow.")]);
    assert_eq!(account.episodes[0].why, "Somebody answered 2 of 10");
    assert_ne!(account.episodes[0].key.home, company());
}
