//! What people answer to alerts by their buttons. An answer is a fact at the home of the episode, under the id of the message
//! that bears the button; what it changes is taken up at the next look and told to the thread once.

use config::{Offset, Playbook, Role, Step, StepAction};
use model::{
    AlertAnswer, AlertKind, Answered, Claimed, Dismissed, Episode, FactKey, Field, Placed, Register, Urgency, Value,
    View,
};

use super::request::{Message, Place, request};
use super::{Plays, task, unclaimed};
use crate::alert::{self, AlertText};
use crate::decide::Decision;
use crate::told::Told;

/// The name of the step that a button asks for, in a playbook that makes no tasks by itself.
pub(super) const WANTED: &str = "answered-task";

/// What an episode does after its answers were taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    GoesOn,
    /// Somebody closed it.
    IsDismissed,
}

/// Takes up what was answered to the alerts of an episode since the look before.
pub(super) fn take_up(plays: &Plays<'_>, playbook: &Playbook, episode: &mut Episode, decision: &mut Decision) -> Then {
    take_care(plays, playbook, episode, decision);
    snooze(plays, playbook, episode, decision);
    let Some(told) = newest(plays, episode, Field::Dismissed) else { return Then::GoesOn };
    let by = text(newest(plays, episode, Field::DismissedBy));
    let dismissed = Dismissed { by: by.clone(), reason: told.value.to_string() };
    let words = dismissed.in_words().to_owned();
    episode.handled.dismissed = Some(dismissed);
    tell(plays, playbook, episode, (AlertAnswer::Dismiss, told), by, Some(words), decision);
    Then::IsDismissed
}

/// Somebody takes care of it, or wants a task: that closes nothing.
pub(super) fn take_care(plays: &Plays<'_>, playbook: &Playbook, episode: &mut Episode, decision: &mut Decision) {
    if let Some(told) = newest(plays, episode, Field::ClaimedBy)
        && let Some(by) = text(Some(told))
        && episode.handled.claimed.as_ref().is_none_or(|claimed| claimed.by != by)
    {
        episode.handled.claimed = Some(Claimed { by: by.clone(), at: told.stamp.occurred_at });
        unclaimed::note(decision, told.stamp.occurred_at);
        tell(plays, playbook, episode, (AlertAnswer::Claim, told), Some(by), None, decision);
    }
    if let Some(told) = newest(plays, episode, Field::TaskWantedBy)
        && episode.handled.task_wanted_at.is_none()
    {
        episode.handled.task_wanted_at = Some(told.stamp.occurred_at);
        let what = ask_for_task(plays, playbook, episode, decision);
        tell(plays, playbook, episode, (AlertAnswer::Task, told), text(Some(told)), Some(what), decision);
    }
}

/// It rests: nothing is asked for before it is over, and what would have come comes that much later.
fn snooze(plays: &Plays<'_>, playbook: &Playbook, episode: &mut Episode, decision: &mut Decision) {
    let Some(told) = newest(plays, episode, Field::SnoozedUntil) else { return };
    let Value::Moment(until) = told.value else { return };
    if until <= plays.now.at || episode.handled.snoozed_until == Some(until) {
        return;
    }
    let from = told.stamp.occurred_at.max(episode.opened_at);
    // What an earlier one postpones beyond this moment is postponed by this one instead.
    let before = episode.handled.sleeps_until(from).unwrap_or(from);
    let more = until.since(before).as_millis();
    let postponed = i128::from(episode.handled.postponed_ms).saturating_add(more).max(0);
    episode.handled.postponed_ms = i64::try_from(postponed).unwrap_or(i64::MAX);
    episode.handled.snoozed_until = Some(until);
    let by = text(newest(plays, episode, Field::SnoozedBy));
    episode.handled.snoozed_by.clone_from(&by);
    let words = alert::when(until, &super::team_calendar(plays).zone);
    tell(plays, playbook, episode, (AlertAnswer::Snooze, told), by, Some(words), decision);
}

/// The snooze is over and it still holds: the thread is asked again.
pub(super) fn wake(plays: &Plays<'_>, playbook: &Playbook, episode: &mut Episode, decision: &mut Decision) {
    let Some(until) = episode.handled.snoozed_until.filter(|until| *until <= plays.now.at) else { return };
    (episode.handled.snoozed_until, episode.handled.snoozed_by) = (None, None);
    let recovers = matches!(episode.state, model::EpisodeState::Open { recovering_since: Some(_) });
    if recovers || episode.root_action.is_none() {
        return;
    }
    let mut asked = playbook.steps.iter().rev().filter(|step| episode.asked.contains(&step.name));
    let next_step = asked.find_map(|step| step.action.proposes()).unwrap_or_default();
    let said = AlertText {
        kind: AlertKind::Step,
        text: Some(format!("The snooze is over, and it still holds. {}", episode.why)),
        next_step: next_step.to_owned(),
        ..said(episode)
    };
    let step = format!("{}~{until}", Episode::SNOOZE_OVER);
    let message =
        Message { step: &step, role: Role::Csm, urgency: Some(Urgency::Now), place: Place::Thread, due: None, said };
    request(plays, playbook, episode, message, decision);
}

/// Asks for the first task that the playbook makes and that was not asked for yet, under the id that it has anyway; for one
/// of its own where the playbook makes none. Gives what is told of it.
fn ask_for_task(plays: &Plays<'_>, playbook: &Playbook, episode: &mut Episode, decision: &mut Decision) -> String {
    let own = [wanted(playbook)];
    let mut steps = playbook.tasks().chain(own.iter().filter(|_| playbook.tasks().next().is_none()));
    let Some(step) = steps.find(|step| !episode.asked.contains(&step.name)) else {
        return "it was made before".to_owned();
    };
    let StepAction::CrmTask { title, text, priority } = &step.action else { return String::new() };
    let says = task::Says { title, text: text.as_ref(), priority: *priority };
    task::create(plays, playbook, step, says, episode, decision);
    episode.asked.insert(step.name.clone());
    title.clone()
}

/// The task that a button makes in a playbook that makes none.
pub(super) fn wanted(playbook: &Playbook) -> Step {
    let next_step = playbook.steps.iter().find_map(|step| match &step.action {
        StepAction::SlackAlert { next_step, .. } => Some(next_step.clone()),
        StepAction::CrmTask { .. } | StepAction::EmailNudge { .. } => None,
    });
    let title = next_step.unwrap_or_else(|| playbook.title.clone());
    Step {
        name: WANTED.to_owned(),
        after: None,
        owner: Role::Csm,
        urgency: None,
        due: Some(Offset::BusinessDays(DUE_IN)),
        action: StepAction::CrmTask { title, text: None, priority: None },
    }
}

/// The working days that a task has which nobody gave a day: as the first step of risk mitigation.
const DUE_IN: u16 = 2;

/// The newest of what was answered under any alert of this run.
fn newest<'a>(plays: &Plays<'a>, episode: &Episode, field: Field) -> Option<&'a Register> {
    let is_ours = |placed: &&Placed| match &placed.fact.key {
        FactKey::Answer(alert) => episode.asked.iter().any(|name| episode.key.action(episode.run, name) == *alert),
        _ => false,
    };
    let facts = plays.input.facts.iter().filter(|placed| placed.fact.subject == episode.key.home).filter(is_ours);
    let told = facts
        .filter_map(|placed| Told::of(View::new(std::slice::from_ref(placed), plays.config), &placed.fact.key, field));
    told.map(|told| told.register).max_by(|a, b| a.stamp.cmp(&b.stamp))
}

fn text(register: Option<&Register>) -> Option<String> {
    match &register?.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn tell(
    plays: &Plays<'_>,
    playbook: &Playbook,
    episode: &Episode,
    (answer, told): (AlertAnswer, &Register),
    by: Option<String>,
    what: Option<String>,
    decision: &mut Decision,
) {
    if episode.root_action.is_none() {
        return;
    }
    let person = plays.config.team.people.iter().find(|person| by.is_some() && person.slack == by);
    let name = person.map(|person| person.name.clone());
    let step = format!("answered-{}~{}", answer.as_str(), told.stamp.as_key());
    let said = AlertText { answered: Some(Answered { answer, by, name, what }), ..said(episode) };
    let message =
        Message { step: &step, role: Role::Csm, urgency: Some(Urgency::Now), place: Place::Thread, due: None, said };
    request(plays, playbook, episode, message, decision);
}

fn said(episode: &Episode) -> AlertText {
    AlertText {
        kind: AlertKind::Answered,
        band_before: episode.band,
        score_before: episode.score,
        changes: Vec::new(),
        next_step: String::new(),
        text: None,
        template: None,
        owner_before: None,
        renewal: None,
        answered: None,
    }
}
