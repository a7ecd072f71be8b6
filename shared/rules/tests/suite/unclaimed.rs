//! An alert that nobody took care of is told to whoever its owner reports to.

use crate::common::{Account, at, days, files, requests, shipped, steps, word};
use config::Config;
use model::{ActionRequest, AlertKind, Episode, FactKey, Field, Moment, Urgency, Value};
use rules::asks_for_claims;

/// Alerts have buttons, and the team is as `change` makes it.
fn team(change: impl FnOnce(&str) -> String) -> Config {
    let mut files = files();
    files.0.get_mut("connections.toml").unwrap().push_str("\n[connection.slack]\ntool = \"slack\"\n");
    let team = files.0.get_mut("team.toml").unwrap();
    *team = change(team);
    config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn with_buttons() -> Config {
    team(str::to_owned)
}

/// The team with lines for Ines.
fn ines(lines: &str) -> Config {
    team(|text| text.replacen("manager = ", &format!("{lines}\nmanager = "), 1))
}

/// An account of Ines that turned red on Tuesday, 24 November, at ten in Berlin; people claim alerts since the day before.
fn red(config: &Config) -> Account {
    let mut account = Account::healthy();
    account.state(0, Field::Csm, FactKey::Profile, word("ines.almeida@ourco.example"));
    account.claimed_since = Some(days(0));
    account.decide_with(config);
    account.feels(1, "red");
    account.spoke(1, -100);
    account.decide_with(config);
    assert_eq!(steps(&account.last), ["alert"]);
    account
}

/// When the manager is told up to two weeks later, if they are.
fn told_at(account: &mut Account, config: &Config) -> Option<Moment> {
    let asked = account.run(config, days(15));
    let mut told = asked.into_iter().filter(|(_, step)| step == Episode::UNCLAIMED).map(|(at, _)| at);
    let first = told.next();
    assert_eq!(told.next(), None, "once");
    first
}

#[track_caller]
fn check(config: &Config, expected: &str) {
    let found = told_at(&mut red(config), config);
    assert_eq!(found.map(|at| at.to_string()), Some(format!("2026-{expected}:00.000Z")));
}

#[test]
fn it_is_told_after_eight_working_hours_where_the_owner_works() {
    check(&with_buttons(), "11-24T17:00");
    check(&team(|text| text.replace("unclaimed_hours = 8", "unclaimed_hours = 12")), "11-25T11:00");
    // There it is four in the morning.
    check(&ines("zone = \"America/New_York\""), "11-24T21:00");
    check(&ines("quiet = \"13:00-10:00\""), "11-26T11:00");
    check(&team(|text| text.replace("quiet = \"18:00-08:00\"", "# disturbed at any time")), "11-25T09:00");
    let on_holiday = |text: &str| text.replace("holidays = [", "holidays = [\"2026-11-24\", \"2026-11-25\", ");
    check(&team(on_holiday), "11-26T15:00");
}

fn unclaimed(account: &Account) -> ActionRequest {
    let found = requests(&account.last).into_iter().find(|request| request.step == Episode::UNCLAIMED);
    found.unwrap().clone()
}

#[test]
fn the_manager_reads_what_it_is_and_whom_to_ask() {
    let config = with_buttons();
    let mut account = red(&config);
    assert_eq!(account.due(), Some(at("2026-11-24T17:00:00Z")), "it is a moment at which something is due");
    account.tick(at("2026-11-24T17:00:00Z"));
    account.decide_with(&config);
    let request = unclaimed(&account);
    assert_eq!(request.to.email.as_deref(), Some("priya.nair@ourco.example"));
    assert_eq!((request.alert.kind, request.urgency, request.exempt), (AlertKind::Step, Urgency::Now, true));
    assert_eq!(request.reply_to, account.episodes[0].root_action);
    assert_eq!(request.not_before, Some(at("2026-11-25T07:00:00Z")), "nobody is disturbed in the evening");
    assert_eq!(request.alert.next_step, "Ask Ines Almeida who takes care of it.");
    let text = request.alert.text.as_deref().unwrap();
    assert!(text.starts_with("Nobody has answered this alert for 8 working hours. Health went from"), "{text}");
    account.tick(days(3));
    account.decide_with(&config);
    assert_eq!(steps(&account.last), Vec::<&str>::new(), "once");
}

#[test]
fn who_names_no_manager_reports_to_that_of_the_team() {
    let without = |text: &str| text.replace("manager = \"priya.nair@ourco.example\"", "active = true");
    let reader = |config: &Config| {
        let mut account = red(config);
        account.tick(days(2));
        account.decide_with(config);
        unclaimed(&account).to
    };
    assert_eq!(reader(&team(without)).address, "#customer-success");
    let line = "slack_channel = \"#customer-success\"\nmanager = \"priya.nair@ourco.example\"";
    let config = team(|text| without(text).replace("slack_channel = \"#customer-success\"", line));
    let to = reader(&config);
    assert_eq!(to.email.as_deref(), Some("priya.nair@ourco.example"));
    assert_eq!(to.reason, "Priya Nair, to whom Ines Almeida reports");
}

#[test]
fn nobody_is_told_of_what_was_answered_or_is_over() {
    let config = with_buttons();
    let answers: [(Field, Value); 4] = [
        (Field::ClaimedBy, word("U0INES0001")),
        (Field::SnoozedUntil, Value::Moment(days(2))),
        (Field::Dismissed, word("known")),
        (Field::TaskWantedBy, word("U0INES0001")),
    ];
    for (field, value) in answers {
        let mut account = red(&config);
        let alert = requests(&account.last)[0].id.clone();
        account.state(1, field, FactKey::Answer(alert), value);
        account.decide_with(&config);
        assert_eq!(told_at(&mut account, &config), None, "{field:?}");
    }
    // What seems solved by then is over a day later.
    let mut account = red(&config);
    account.turns_green_with(1, &config);
    assert_eq!(told_at(&mut account, &config), None);
}

#[test]
fn a_task_that_was_closed_in_the_crm_is_an_answer() {
    let config = with_buttons();
    let mut account = red(&config);
    account.episodes[0].done.insert("plan".to_owned(), days(1));
    assert_eq!(told_at(&mut account, &config), None);
}

#[test]
fn nobody_is_told_while_nobody_ever_claimed_an_alert() {
    let config = with_buttons();
    for since in [None, Some(at("2026-11-24T17:00:00.001Z"))] {
        let mut account = red(&config);
        account.claimed_since = since;
        assert_eq!(told_at(&mut account, &config), None, "{since:?}");
    }
    let mut account = red(&config);
    account.claimed_since = Some(at("2026-11-24T17:00:00Z"));
    assert!(told_at(&mut account, &config).is_some());
}

#[test]
fn nobody_is_told_where_nobody_could_have_answered() {
    let mut account = red(shipped());
    assert_eq!(told_at(&mut account, shipped()), None, "no buttons, and no task that is read back");
    let never = team(|text| text.replace("unclaimed_hours = 8", "unclaimed_hours = 0"));
    assert_eq!(told_at(&mut red(&never), &never), None);
    // The channel gets the alert and would get this.
    let nobody = team(|text| text.replace("manager = ", "# was: ").replace("slack = \"U0", "# was: \"U0"));
    let mut account = Account::healthy();
    account.claimed_since = Some(days(0));
    account.decide_with(&nobody);
    account.turns_green_with(1, &nobody);
    account.feels(1, "red");
    account.spoke(1, -100);
    account.decide_with(&nobody);
    assert_eq!(told_at(&mut account, &nobody), None);
}

#[test]
fn a_paused_playbook_tells_nobody() {
    let config = with_buttons();
    let mut paused = config.clone();
    paused.playbooks.iter_mut().for_each(|playbook| playbook.paused = true);
    let mut account = red(&config);
    assert!(asks_for_claims(&account.episodes, &config) && !asks_for_claims(&account.episodes, &paused));
    assert_eq!(told_at(&mut account, &paused), None);
}

#[test]
fn that_somebody_claims_alerts_here_is_noted_once_it_is_seen() {
    let config = with_buttons();
    let mut account = red(&config);
    assert_eq!(account.last.claimed_at, None);
    let alert = requests(&account.last)[0].id.clone();
    account.state(1, Field::ClaimedBy, FactKey::Answer(alert), word("U0INES0001"));
    assert_eq!(account.decide_with(&config).claimed_at, Some(days(1)));
    assert_eq!(account.decide_with(&config).claimed_at, None);
    assert!(!asks_for_claims(&account.episodes, &config), "nothing more is asked for");
}

#[test]
fn a_renewal_that_nobody_took_is_a_line_of_the_managers_digest() {
    let config = with_buttons();
    let mut account = Account::healthy();
    account.state(0, Field::Csm, FactKey::Profile, word("ines.almeida@ourco.example"));
    account.claimed_since = Some(days(0));
    account.decide_with(&config);
    let mut told = vec![];
    while let Some(due) = account.due().filter(|due| *due <= days(220)) {
        account.tick(due);
        account.decide_with(&config);
        told.extend(requests(&account.last).into_iter().cloned());
    }
    let of_renewal = told.iter().filter(|request| request.playbook.as_str() == "renewal-runway");
    let unclaimed: Vec<_> = of_renewal.filter(|request| request.step == Episode::UNCLAIMED).collect();
    assert_eq!(unclaimed.len(), 1, "{:?}", told.iter().map(|request| &request.step).collect::<Vec<_>>());
    assert_eq!(unclaimed[0].urgency, Urgency::Digest);
}
