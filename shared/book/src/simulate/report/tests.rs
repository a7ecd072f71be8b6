//! What counts as an alarm in time, and what as told twice.

use super::*;

fn account() -> SubjectId {
    SubjectId::vendor("hubspot", "company", "1")
}

fn playbook() -> PlaybookName {
    PlaybookName::from_stored("risk-mitigation")
}

/// An episode's row; the delivery that is its cause holds a separator as well.
fn row(key: &str, cause: i64) -> String {
    format!("PLAY#risk-mitigation#{key}#{cause}~-~hubspot:{cause}#ff00~0")
}

fn run(key: &str, opened: i64, closed: Option<i64>) -> Run {
    Run {
        playbook: playbook(),
        account: account(),
        episode: row(key, opened),
        opened_at: at(opened, 0),
        closed_at: closed.map(|day| at(day, 0)),
    }
}

fn message(key: &str, cause: i64, kind: AlertKind, day: i64) -> Message {
    Message {
        at: at(day, 0),
        id: ActionId::from_stored(format!("{key} {kind:?} {day}")),
        account: account(),
        playbook: playbook(),
        episode: row(key, cause),
        kind,
        to: "ines".into(),
        exempt: false,
        placed: Placement::Immediate,
        read_at: Some(at(day, 0)),
    }
}

/// Signs show from day 100 on, and notice is given on day 200: the day of the first alarm.
#[track_caller]
fn check_alarm(runs: &[Run], messages: &[Message], expected: Option<i64>) {
    let report = Report { runs: runs.to_vec(), messages: messages.to_vec(), ..Report::default() };
    let day = |day: i64| at(day, 0).date_in(&TimeZone::UTC);
    let planted = Planted {
        customer: 0,
        account: account(),
        notice_on: day(200),
        leaves_on: day(230),
        signs: vec![],
        unseen: None,
    };
    assert_eq!(report.first_alarm(&planted, day(100), |name| *name == playbook()), expected.map(day));
}

#[test]
fn an_alarm_counts_from_the_first_sign_and_an_old_story_does_not() {
    use AlertKind::{Opened, Resolved, Step, Update};
    let told = |kind, day| message("account", 0, kind, day);
    check_alarm(&[run("account", 110, None)], &[told(Opened, 110)], Some(110));
    check_alarm(&[run("account", 70, None)], &[told(Opened, 70)], Some(100));
    check_alarm(&[run("account", 69, None)], &[told(Opened, 69)], None);
    check_alarm(&[run("account", 69, None)], &[told(Opened, 69), told(Update, 120)], Some(120));
    check_alarm(&[run("account", 69, None)], &[told(Step, 130), told(Step, 140)], Some(130));
    check_alarm(&[run("account", 69, Some(120))], &[told(Resolved, 120)], None);
    check_alarm(&[run("account", 80, Some(99))], &[told(Opened, 80)], None);
    check_alarm(&[run("account", 201, None)], &[told(Opened, 201)], None);
}

/// A run that opens on day 30, after these, with a cooldown of a week.
#[track_caller]
fn check_too_soon(runs: &[Run], expected: bool) {
    let mut runs = runs.to_vec();
    runs.push(run("account", 30, None));
    let report = Report { runs, ..Report::default() };
    let opened = message("account", 30, AlertKind::Opened, 30);
    assert_eq!(report.is_too_soon(&opened, SignedDuration::from_hours(24 * 7)), expected);
}

#[test]
fn a_run_about_the_same_is_told_twice_before_its_cooldown_is_over() {
    check_too_soon(&[], false);
    check_too_soon(&[run("account", 10, Some(24))], true);
    check_too_soon(&[run("account", 10, Some(23))], false);
    check_too_soon(&[run("account", 10, None)], true);
    check_too_soon(&[run("typeform:response:1", 29, None)], false);
}

#[test]
fn the_same_step_of_an_account_is_told_twice_within_thirty_days() {
    let step = |step: &str, due: i64, day: i64| Checkpoint {
        account: account(),
        due_on: at(due, 0).date_in(&TimeZone::UTC),
        step: step.into(),
        at: at(day, 0),
    };
    let twice = |checkpoints: &[Checkpoint]| {
        Report { checkpoints: checkpoints.to_vec(), ..Report::default() }.repeated_steps().len()
    };
    assert_eq!(twice(&[step("120", 120, 0), step("90", 120, 20)]), 0);
    assert_eq!(twice(&[step("120", 120, 0), step("120", 121, 29)]), 1, "the day moved");
    assert_eq!(twice(&[step("120", 120, 0), step("120", 150, 30)]), 0);
}
