//! An incident of ours: tickets are many for a reason that we know.

use crate::common::{Account, changed, days, on, shipped, steps, word};
use config::Config;
use model::{Band, FactKey, Field, SubjectId, Value};

fn ticket(account: &mut Account, id: &str, day: i64) {
    let ticket = SubjectId::vendor("zendesk", "ticket", id);
    account.tell(("zendesk", &ticket, 1), day.max(0), FactKey::Ticket, Field::OpenedAt, Value::Moment(days(day)));
    account.tell(("zendesk", &ticket, 1), day.max(0), FactKey::Ticket, Field::Status, word("open"));
}

fn is_ours(account: &mut Account, day: i64, until: i64) {
    account.state(day, Field::IncidentUntil, FactKey::Incident, on(until));
    account.state(day, Field::IncidentWhy, FactKey::Incident, word("nobody can log in"));
}

/// An account with a desk, on which three tickets come on day 3.
fn wave(config: &Config, incident: Option<(i64, i64)>) -> Account {
    let mut account = Account::healthy();
    ticket(&mut account, "old", -120);
    account.decide_with(config);
    if let Some((day, until)) = incident {
        is_ours(&mut account, day, until);
        account.decide_with(config);
    }
    for id in ["1", "2", "3"] {
        ticket(&mut account, id, 3);
    }
    account.decide_with(config);
    account
}

/// What the timeline says was held back by the last look.
fn held_back(account: &Account) -> Vec<&str> {
    let rows = account.last.timeline.iter().filter(|row| row.kind == "held_back");
    rows.map(|row| row.text.as_str()).collect()
}

#[test]
fn while_an_incident_of_ours_stands_tickets_start_no_risk_and_the_timeline_says_so() {
    for incident in [None, Some((1, 2))] {
        let account = wave(shipped(), incident);
        assert_eq!((account.episodes.len(), held_back(&account).len()), (1, 0), "{incident:?}");
    }
    let mut account = wave(shipped(), Some((1, 3)));
    assert_eq!(account.episodes, []);
    let why = "Playbook ticket-spike was not started: tickets are why, and an incident of ours stands until 2026-11-26: \
               nobody can log in";
    assert_eq!(held_back(&account), [why]);
    assert_eq!(account.run(shipped(), days(12)), [], "what was held back does not start later");
    // It is taken back.
    let mut account = wave(shipped(), None);
    account.state(4, Field::IncidentUntil, FactKey::Incident, Value::Cleared);
    account.decide();
    assert_eq!(account.last.assessment.clone().unwrap().incident, None);
}

/// Three open tickets are red.
fn flooded() -> Config {
    let cap = "\n[[cap]]\nname = \"flood\"\nlabel = \"A flood of tickets\"\nwhen = \"open_tickets >= 3\"\nat_most = \"red\"\n";
    changed("health/crm-and-tickets.toml", |text| format!("{text}{cap}"))
}

#[test]
fn an_account_that_tickets_alone_turn_red_is_held_back_and_one_that_worries_its_csm_is_not() {
    let config = flooded();
    let account = wave(&config, None);
    assert_eq!((account.band(), steps(&account.last).contains(&"alert")), (Band::Red, true));
    let mut account = wave(&config, Some((1, 9)));
    assert_eq!((account.band(), account.episodes.len(), held_back(&account).len()), (Band::Red, 0, 2));
    // The word of a person is another matter.
    let mut worried = Account::with("yellow", 60, 300);
    worried.decide_with(&config);
    is_ours(&mut worried, 1, 9);
    worried.feels(1, "red");
    worried.state(1, Field::RenewsOn, crate::common::subscription(), on(20));
    worried.decide_with(&config);
    assert_eq!(worried.band(), Band::Red);
    assert!(worried.episodes.iter().any(|episode| episode.key.playbook.as_str() == "risk-mitigation"));
    account.feels(4, "red");
    account.decide_with(&config);
    assert_eq!(account.episodes.len(), 0, "it was red before");
}
