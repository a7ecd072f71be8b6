//! Tasks that lie in the CRM: how they stand there is asked for while their episode is open, and whoever closes one has
//! done its step.

use config::{Config, Playbook};
use jiff::SignedDuration;
use model::{ActionId, ActionKind, Episode, EventBody, FactKey, FetchRequest, Field, Mode, Moment, TimelineEntry};

use super::{Played, Plays, task, unclaimed};
use crate::decide::{Decision, push};
use crate::told::Told;

/// How often it is asked how the tasks of an account stand: six calls a day and account with an open task, of the 250 000
/// that the smallest plan allows, and a thread that knows within a morning or an afternoon.
const EVERY: SignedDuration = SignedDuration::from_hours(4);
/// The most tasks that one call reads: HubSpot takes 100 ids in a batch.
const AT_ONCE: usize = 100;
/// The tool whose connection reads them, as its `api` does other records.
const READS: &str = "hubspot-app";
/// How HubSpot calls a task that is done.
const DONE: &str = "completed";

/// The steps whose tasks were closed in the CRM are done.
pub(super) fn close_done(plays: &Plays<'_>, playbook: &Playbook, leader: &mut Episode, decision: &mut Decision) {
    let closed: Vec<_> = task::open(playbook, leader)
        .into_iter()
        .filter_map(|step| {
            let key = FactKey::Task(leader.key.action(leader.run, &step.name));
            let told = Told::of(*plays.view, &key, Field::Status)?;
            (told.text() == Some(DONE)).then_some((step.name, told))
        })
        .collect();
    for (step, told) in closed {
        let action = leader.key.action(leader.run, &step);
        decision.timeline.push(TimelineEntry {
            account: plays.input.account.clone(),
            at: plays.assessment.as_of,
            id: format!("task_closed~{action}"),
            kind: "task_closed".to_owned(),
            text: format!("The task of step `{step}` of {} was closed in HubSpot: the step is done", playbook.name),
            delivery: Some(told.register.stamp.delivery.clone()),
            event: None,
        });
        leader.done.insert(step, told.register.stamp.occurred_at);
        unclaimed::note(decision, told.register.stamp.occurred_at);
    }
}

/// The tasks of an episode that are asked after; none where no task can have been made.
pub(super) fn asked_after(config: &Config, playbook: &Playbook, episode: &Episode) -> Vec<ActionId> {
    let destination = ActionKind::CrmTask.destination();
    if config.modes.most(&playbook.name, destination) < Mode::Live || reader(config).is_none() {
        return vec![];
    }
    task::open(playbook, episode).iter().map(|step| episode.key.action(episode.run, &step.name)).collect()
}

fn reader(config: &Config) -> Option<&config::Connection> {
    config.connections.iter().find(|connection| connection.enabled && connection.tool == READS)
}

/// Asks how the tasks stand, where that was asked long enough ago; when it was asked last, and when the account is to be
/// looked at because of that.
pub(crate) fn ask(plays: &Plays<'_>, played: &Played, decision: &mut Decision) -> (Option<Moment>, Option<Moment>) {
    let (now, account) = (plays.assessment.as_of, plays.input.account);
    let reads = reader(plays.config).zip(account.hubspot_company()).filter(|_| !played.tasks.is_empty());
    let Some((reader, company)) = reads else { return (None, None) };
    // A task that was asked for just now is not closed yet.
    let last = plays.input.previous.and_then(|previous| previous.tasks_read_at).unwrap_or(now);
    let next = last.plus(EVERY);
    if next > now {
        return (Some(last), Some(next));
    }
    for some in played.tasks.chunks(AT_ONCE) {
        let ids: Vec<&str> = some.iter().map(ActionId::as_str).collect();
        let object = format!("tasks/{company}/{}", ids.join(","));
        let request = FetchRequest::new(&reader.name, &object, &now.to_string());
        let id = request.id.clone();
        push(decision, account, plays.news, id.as_str(), &now.to_string(), EventBody::FetchRequested(request));
    }
    (Some(now), Some(now.plus(EVERY)))
}
