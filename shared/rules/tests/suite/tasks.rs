//! Tasks in the CRM: when they are asked for, whose they are, and when they are done.

use crate::common::{Account, asked_for, at, days, playing, requests, steps, word};
use config::Config;
use model::{ActionKind, ActionRequest, AlertKind, Closing, EpisodeState, FactKey, Field, TaskChange, TaskPriority};

/// A message and, at once, a task for the CSM.
const RESCUE: &str = r#"
title = "Rescue"
why = "Because."
goal = "Out of red."
family = "risk"
recover = "band != 'red'"
recover_after = "24h"

[trigger.band_changed]
to = ["red"]

[[step]]
name = "alert"
slack_alert = { next_step = "Call them." }

[[step]]
name = "plan"
due = "2bd"
crm_task = { title = "Write the plan", text = "One page." }
"#;

fn rescue() -> Config {
    playing(&[("rescue", RESCUE)])
}

/// The same without the message.
fn quiet() -> Config {
    let message = "[[step]]\nname = \"alert\"\nslack_alert = { next_step = \"Call them.\" }\n";
    playing(&[("rescue", &RESCUE.replace(message, ""))])
}

/// An account that the CRM says `csm` looks after, turned red on Tuesday, 24 November.
fn red(config: &Config, csm: Option<&str>) -> (Account, ActionRequest) {
    let mut account = Account::healthy();
    if let Some(csm) = csm {
        account.state(0, Field::Csm, FactKey::Profile, word(csm));
    }
    account.decide_with(config);
    account.feels(1, "red");
    account.spoke(1, -100);
    account.decide_with(config);
    let [task] = tasks(&account)[..] else { panic!("{:?}", account.last.events) };
    let task = task.clone();
    (account, task)
}

fn tasks(account: &Account) -> Vec<&ActionRequest> {
    asked_for(&account.last, ActionKind::CrmTask)
}

/// What happens to a task, its name within the run, and whose it is.
fn told(request: &ActionRequest) -> (TaskChange, &str, Option<&str>, Option<&str>) {
    let task = request.task.as_ref().unwrap();
    (task.change, request.step.as_str(), request.to.email.as_deref(), task.owner_id.as_deref())
}

#[test]
fn a_step_asks_for_a_task_that_is_due_where_its_reader_works() {
    let (account, request) = red(&rescue(), Some("410001"));
    assert_eq!(told(&request), (TaskChange::Create, "plan", Some("ines.almeida@ourco.example"), Some("410001")));
    let task = request.task.as_ref().unwrap();
    // Two business days later at nine in Berlin.
    assert_eq!((task.due_at, task.priority), (Some(at("2026-11-26T08:00:00Z")), Some(TaskPriority::High)));
    assert_eq!(
        (request.alert.next_step.as_str(), request.alert.text.as_deref()),
        ("Write the plan", Some("One page."))
    );
    assert_eq!(request.to.reason, "Ines Almeida, the CRM's CSM property");
    assert_eq!((request.reply_to.as_ref(), request.not_before, request.alert.kind), (None, None, AlertKind::Step));
    let [message] = requests(&account.last).try_into().unwrap();
    assert_eq!(account.episodes[0].root_action.as_ref(), Some(&message.id), "a task starts no thread");
    assert!(message.task.is_none() && message.alert.kind == AlertKind::Opened);
}

#[test]
fn it_is_asked_for_once_and_done_when_the_episode_is_solved() {
    let (config, (mut account, task)) = (rescue(), red(&rescue(), Some("410001")));
    account.feels(2, "red");
    account.decide_with(&config);
    assert_eq!(tasks(&account), Vec::<&ActionRequest>::new());
    account.turns_green_with(3, &config);
    assert_eq!(tasks(&account), Vec::<&ActionRequest>::new(), "it may be red again tomorrow");
    account.tick(days(4));
    account.decide_with(&config);
    let [done] = tasks(&account)[..] else { panic!() };
    assert_eq!(
        (told(done).0, done.step.as_str(), done.reply_to.as_ref()),
        (TaskChange::Complete, "resolved~plan", Some(&task.id))
    );
    assert_eq!(done.alert.kind, AlertKind::Resolved);
    assert_eq!(steps(&account.last), ["resolved"], "the thread is told as well");
}

#[test]
fn a_playbook_of_tasks_alone_tells_no_thread() {
    let config = quiet();
    let (mut account, task) = red(&config, Some("410001"));
    assert_eq!((requests(&account.last).len(), &account.episodes[0].root_action), (0, &None));
    assert_eq!((task.alert.kind, task.alert.goal.as_deref()), (AlertKind::Opened, Some("Out of red.")));
    account.state(2, Field::Csm, FactKey::Profile, word("410002"));
    account.decide_with(&config);
    assert_eq!((requests(&account.last).len(), tasks(&account).len()), (0, 1));
    account.turns_green_with(3, &config);
    account.tick(days(4));
    account.decide_with(&config);
    assert_eq!((requests(&account.last).len(), tasks(&account).len()), (0, 1));
}

#[test]
fn what_ends_otherwise_leaves_the_task_to_its_owner() {
    let (config, (mut account, _)) = (rescue(), red(&rescue(), Some("410001")));
    account.state(2, Field::LifecycleStage, FactKey::Profile, word("lead"));
    account.decide_with(&config);
    let closed = account.episodes[0].state;
    assert!(matches!(closed, EpisodeState::Closed { why: Closing::Unwatched, .. }), "{closed:?}");
    assert_eq!(tasks(&account), Vec::<&ActionRequest>::new());
}

#[test]
fn another_owner_gets_the_tasks_with_the_thread() {
    let (config, (mut account, task)) = (rescue(), red(&rescue(), Some("410001")));
    account.state(2, Field::Csm, FactKey::Profile, word("tom.brandt@ourco.example"));
    account.decide_with(&config);
    let [handed] = tasks(&account)[..] else { panic!() };
    let (change, step, email, owner) = told(handed);
    assert_eq!((change, email, owner), (TaskChange::HandOver, Some("tom.brandt@ourco.example"), Some("410002")));
    assert!(step.starts_with("hand-off~tom.brandt@ourco.example~") && step.ends_with("~plan"), "{step}");
    assert_eq!(handed.reply_to.as_ref(), Some(&task.id));
    let [message] = requests(&account.last).try_into().unwrap();
    assert_eq!((message.alert.kind, message.alert.next_step.as_str()), (AlertKind::HandOff, "Write the plan"));
    account.decide_with(&config);
    assert!(tasks(&account).is_empty(), "once");
}

#[test]
fn whom_the_team_does_not_know_is_named_as_the_crm_does() {
    let whose = |csm| {
        let (_, request) = red(&rescue(), csm);
        let (_, _, email, owner) = told(&request);
        (email.map(str::to_owned), owner.map(str::to_owned), request.to.address.clone(), request.to.reason.clone())
    };
    let told = |email: Option<&str>, owner: Option<&str>, address: &str, reason: &str| {
        (email.map(str::to_owned), owner.map(str::to_owned), address.to_owned(), reason.to_owned())
    };
    let reason = "Who@Else.example, the CRM's CSM property, not in team.toml";
    assert_eq!(whose(Some("Who@Else.example")), told(Some("who@else.example"), None, "who@else.example", reason));
    let reason = "999, the CRM's CSM property, not in team.toml";
    assert_eq!(whose(Some("999")), told(None, Some("999"), "999", reason));
    let reason = "Somebody, the CRM's CSM property, not in team.toml";
    assert_eq!(whose(Some("Somebody")), told(None, None, "nobody", reason));
    assert_eq!(whose(None), told(None, None, "nobody", "the account has no owner"));
}

/// As [`rescue`], with tasks that are really made.
fn made() -> Config {
    made_by(RESCUE)
}

fn made_by(playbook: &str) -> Config {
    let mut files = crate::common::files();
    files.0.retain(|path, _| !path.starts_with("playbooks/"));
    files.0.insert("playbooks/rescue.toml".into(), playbook.to_owned());
    files.0.insert("modes.toml".into(), "[most.rescue]\nhubspot = \"live\"\n".to_owned());
    config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The tasks that a decision asks after, each object once.
fn asked_after(account: &Account) -> Vec<String> {
    let asked = account.last.events.iter().filter_map(|event| match &event.body {
        model::EventBody::FetchRequested(request) => Some(format!("{} {}", request.connection, request.object)),
        _ => None,
    });
    asked.collect()
}

#[test]
fn how_a_task_stands_is_asked_every_four_hours_while_its_episode_is_open() {
    let config = made();
    let (mut account, task) = red(&config, Some("410001"));
    assert_eq!(asked_after(&account), Vec::<String>::new(), "it was asked for just now");
    let mut asked = vec![];
    while let Some(due) = account.due().filter(|due| *due <= days(2)) {
        account.tick(due);
        account.decide_with(&config);
        asked.extend(asked_after(&account).into_iter().map(|object| (due, object)));
    }
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert!(asked.iter().all(|(_, object)| *object == format!("hubspot-app tasks/1/{}", task.id)), "{asked:?}");
    assert!(asked.windows(2).all(|two| two[1].0.since(two[0].0).as_hours() == 4), "{asked:?}");
    // Where tasks are only shown, there is nothing to ask after.
    let (quiet, _) = red(&rescue(), Some("410001"));
    assert_eq!(quiet.last.assessment.unwrap().tasks_read_at, None);
}

#[test]
fn a_task_that_was_closed_has_its_step_done_once() {
    let config = made();
    let (mut account, task) = red(&config, Some("410001"));
    let key = FactKey::Task(task.id.clone());
    account.state(2, Field::Status, key.clone(), word("not_started"));
    account.decide_with(&config);
    assert!(account.episodes[0].done.is_empty());
    account.state(3, Field::Status, key, word("completed"));
    account.decide_with(&config);
    assert_eq!(account.episodes[0].done.get("plan"), Some(&days(3)));
    let told: Vec<_> = account.last.timeline.iter().filter(|row| row.kind == "task_closed").collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].text.contains("`plan` of rescue") && told[0].delivery.is_some(), "{told:?}");
    assert_eq!(account.last.assessment.as_ref().unwrap().tasks_read_at, None, "nobody asks any more");
    // Neither handed over nor closed again.
    account.state(4, Field::Csm, FactKey::Profile, word("tom.brandt@ourco.example"));
    account.decide_with(&config);
    assert_eq!((tasks(&account).len(), requests(&account.last).len()), (0, 1));
    account.turns_green_with(5, &config);
    account.tick(days(6));
    account.decide_with(&config);
    assert_eq!((tasks(&account).len(), steps(&account.last)), (0, vec!["resolved"]));
}

#[test]
fn a_task_that_somebody_wanted_is_asked_after_and_closed_like_any_other() {
    let plan = RESCUE.find("\n[[step]]\nname = \"plan\"").unwrap();
    let config = made_by(&RESCUE[..plan]);
    let mut account = Account::healthy();
    account.decide_with(&config);
    account.feels(1, "red");
    account.spoke(1, -100);
    account.decide_with(&config);
    assert!(tasks(&account).is_empty());
    let episode = account.episodes[0].clone();
    let alert = FactKey::Answer(episode.key.action(episode.run, "alert"));
    account.state(2, Field::TaskWantedBy, alert, word("U0INES0001"));
    account.decide_with(&config);
    let [wanted] = tasks(&account)[..] else { panic!("{:?}", account.last.events) };
    let wanted = wanted.clone();
    account.tick(days(2).plus(jiff::SignedDuration::from_hours(4)));
    account.decide_with(&config);
    assert_eq!(asked_after(&account), [format!("hubspot-app tasks/1/{}", wanted.id)]);
    account.state(3, Field::Status, FactKey::Task(wanted.id), word("completed"));
    account.decide_with(&config);
    assert_eq!(account.episodes[0].done.get(&wanted.step), Some(&days(3)));
}
