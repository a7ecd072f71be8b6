//! Signs before red: waves of tickets, unhappy rounds of answers, and what is one line in the morning.

use crate::common::{Account, days, playing, requests, shipped, steps, word};
use config::Config;
use model::{Closing, EpisodeState, FactKey, Field, SubjectId, Urgency, Value};

/// A playbook of one message.
fn book(trigger: &str, step: &str, rest: &str) -> String {
    let message = "slack_alert = { next_step = \"Call.\" }";
    format!("title = \"T\"\nwhy = \"W\"\n{rest}\n[trigger.{trigger}\n[[step]]\nname = \"alert\"\n{step}\n{message}\n")
}

const RED: &str = "band_changed]\nto = [\"red\"]";
const YELLOW: &str = "band_changed]\nto = [\"yellow\"]";
const QUIET: &str = "becomes]\ncondition = \"days_since_two_way_contact > 30\"";
const UNTIL_HEARD: &str = "recover = \"days_since_two_way_contact < 30\"";
const RISK: &str = "family = \"risk\"";
const GIVES_WAY: &str = "exit = \"band == 'red' && previous_band != 'red'\"";

/// The playbooks that are at work on an account.
fn open(account: &Account) -> Vec<&str> {
    let open = account.episodes.iter().filter(|episode| episode.is_open());
    let mut open: Vec<_> = open.map(|episode| episode.key.playbook.as_str()).collect();
    open.sort_unstable();
    open
}

/// A lesser playbook that starts in silence, and one that starts at red.
fn of_one_family() -> Config {
    let lesser = book(QUIET, "", &format!("{RISK}\npriority = 10\n{GIVES_WAY}\n{UNTIL_HEARD}"));
    playing(&[
        ("lesser", &lesser),
        ("grave", &book(RED, "", &format!("{RISK}\npriority = 20\nrecover = \"band != 'red'\""))),
    ])
}

#[test]
fn what_is_graver_starts_beside_what_is_less_and_takes_over() {
    let config = of_one_family();
    let mut account = Account::with("green", 20, 300);
    account.decide_with(&config);
    account.run(&config, days(15));
    assert_eq!(open(&account), ["lesser"]);
    account.feels(16, "red");
    account.spoke(16, -99);
    assert_eq!(steps(account.decide_with(&config)), ["alert"]);
    assert_eq!(open(&account), ["grave"]);
    let ended = account.episodes.iter().find(|episode| episode.key.playbook.as_str() == "lesser").unwrap();
    assert!(matches!(ended.state, EpisodeState::Closed { why: Closing::Exited, .. }), "{:?}", ended.state);
}

#[test]
fn what_is_less_grave_does_not_start_beside_what_is_graver() {
    let config = of_one_family();
    let mut account = Account::with("green", 20, 300);
    account.decide_with(&config);
    // Red by word, contact and date; then nobody speaks for a month.
    account.feels(1, "red");
    account.state(1, Field::RenewsOn, crate::common::subscription(), crate::common::on(2));
    account.decide_with(&config);
    assert_eq!(open(&account), ["grave"]);
    account.run(&config, days(30));
    assert_eq!(open(&account), ["grave"]);
}

#[test]
fn a_line_for_the_morning_is_left_out_where_a_risk_is_worked_on() {
    let line = book(YELLOW, "urgency = \"digest\"", "exit = \"band != 'yellow'\"\nrecover_after = \"7d\"");
    let risk = book(QUIET, "", &format!("{RISK}\n{UNTIL_HEARD}"));
    for (playbooks, expected) in [(vec![("line", &line)], 1), (vec![("line", &line), ("risk", &risk)], 0)] {
        let playbooks: Vec<_> = playbooks.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let config = playing(&playbooks);
        let mut account = Account::with("green", 20, 300);
        account.decide_with(&config);
        account.run(&config, days(11));
        account.feels(12, "yellow");
        account.decide_with(&config);
        account.run(&config, days(25));
        let lines = account.episodes.iter().filter(|episode| episode.key.playbook.as_str() == "line").count();
        assert_eq!((lines, account.band()), (expected, model::Band::Yellow));
    }
}

/// Turns yellow on the day after the first look.
fn turned_yellow() -> Account {
    let mut account = Account::with("green", 5, 200);
    account.decide();
    account.feels(1, "yellow");
    account.state(1, Field::RenewsOn, crate::common::subscription(), crate::common::on(119));
    account.spoke(1, -39);
    account
}

#[test]
fn a_change_to_yellow_is_one_line_of_the_digest_and_nothing_else() {
    let mut account = turned_yellow();
    let decision = account.decide();
    let asked: Vec<_> = requests(decision).into_iter().filter(|r| r.playbook.as_str() == "turned-yellow").collect();
    let [line] = &asked[..] else { panic!("{asked:#?}") };
    assert_eq!((line.urgency, line.reply_to.as_ref()), (Urgency::Digest, None));
    let said = rules::desk::line(line, &shipped().team.zone);
    assert!(said.what.starts_with("Turned yellow: health ") && !said.next_step.is_empty(), "{said:?}");
    // It says so once, whatever comes, and nobody is told that it is over.
    account.turns_green(2);
    assert!(!open(&account).contains(&"turned-yellow"));
    let told = requests(&account.last);
    assert!(told.iter().all(|request| request.playbook.as_str() != "turned-yellow"), "{told:#?}");
}

#[test]
fn yellow_at_first_sight_under_another_model_or_on_the_way_up_is_no_line() {
    let has_line = |account: &Account| account.episodes.iter().any(|e| e.key.playbook.as_str() == "turned-yellow");
    let mut account = Account::with("yellow", 39, 119);
    account.decide();
    assert!(!has_line(&account) && account.band() == model::Band::Yellow);
    let other = crate::common::changed("health.toml", |text| text.replacen("apart_days = 14", "apart_days = 15", 1));
    let mut account = turned_yellow();
    account.decide_with(&other);
    assert!(!has_line(&account) && account.band() == model::Band::Yellow);
    let mut account = Account::with("red", 100, 300);
    account.decide();
    account.feels(1, "yellow");
    account.spoke(1, -29);
    account.decide();
    assert!(!has_line(&account) && account.band() == model::Band::Yellow);
}

fn ticket(account: &mut Account, id: &str, day: i64) {
    let ticket = SubjectId::vendor("zendesk", "ticket", id);
    account.tell(("zendesk", &ticket, 1), day.max(0), FactKey::Ticket, Field::OpenedAt, Value::Moment(days(day)));
    account.tell(("zendesk", &ticket, 1), day.max(0), FactKey::Ticket, Field::Status, word("open"));
}

#[test]
fn a_wave_of_tickets_opens_one_episode_that_ends_with_the_wave() {
    let mut account = Account::healthy();
    ticket(&mut account, "old", -120);
    account.decide();
    for (id, day) in [("1", 1), ("2", 2)] {
        ticket(&mut account, id, day);
        account.decide();
        assert_eq!(open(&account), Vec::<&str>::new());
    }
    ticket(&mut account, "3", 3);
    assert!(steps(account.decide()).contains(&"alert"));
    assert_eq!(open(&account), ["ticket-spike"]);
    for n in 4..12 {
        ticket(&mut account, &n.to_string(), 3);
        assert!(!steps(account.decide()).contains(&"alert"), "more of them are the same wave");
    }
    // Those that are answered wait for the customer.
    for id in ["old", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"] {
        let ticket = SubjectId::vendor("zendesk", "ticket", id);
        account.tell(("zendesk", &ticket, 1), 4, FactKey::Ticket, Field::Status, word("pending"));
    }
    account.decide();
    account.run(shipped(), days(14));
    let episode = account.episodes.iter().find(|episode| episode.key.playbook.as_str() == "ticket-spike").unwrap();
    assert!(matches!(episode.state, EpisodeState::Closed { why: Closing::Recovered, .. }), "{:?}", episode.state);
}

#[test]
fn a_round_of_unhappy_answers_is_a_dip_and_praise_that_expires_is_none() {
    let mut account = Account::with("green", 0, 700);
    account.answers((-170, 0), "a", 10, "a@acme.example");
    account.answers((-100, 0), "b", 3, "b@acme.example");
    account.answers((-100, 0), "c", 4, "c@acme.example");
    account.answers((-100, 0), "d", 9, "d@acme.example");
    account.decide();
    account.run(shipped(), days(20));
    let dips = |account: &Account| account.episodes.iter().filter(|e| e.key.playbook.as_str() == "nps-dip").count();
    assert_eq!(dips(&account), 0, "the balance sinks because the oldest praise is half a year old");
    account.answers((21, 21), "e", 2, "e@acme.example");
    account.decide();
    assert_eq!(dips(&account), 1);
    account.answers((22, 22), "f", 1, "f@acme.example");
    account.decide();
    assert_eq!(dips(&account), 1, "of one round");
}
