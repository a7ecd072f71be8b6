//! The steps of an episode: each is asked for once, when its moment has come.

use config::{Playbook, Step, StepAction};
use model::{AlertKind, Band, Episode, EpisodeState, Moment};

use super::request::{Message, Place, request};
use super::{Plays, end, mail, owner, task};
use crate::alert::AlertText;
use crate::decide::Decision;

/// Asks for what is due and was not asked for yet; the moment of the next step, or of the end after the last.
pub(super) fn ask(
    plays: &Plays<'_>,
    playbook: &Playbook,
    episode: &mut Episode,
    decision: &mut Decision,
) -> Option<Moment> {
    // What seems solved is not worked on; if it turns out not to be, the steps come then.
    if matches!(episode.state, EpisodeState::Open { recovering_since: Some(_) }) {
        return None;
    }
    let mut next = None;
    for step in playbook.steps.iter().filter(|step| !episode.asked.contains(&step.name)).collect::<Vec<_>>() {
        let at = moment(plays, step, episode);
        if at > plays.now.at {
            next = [next, Some(at)].into_iter().flatten().min();
            continue;
        }
        match &step.action {
            StepAction::SlackAlert { next_step, text, template } => {
                let says = Says { next_step, text: text.as_ref(), template: template.as_ref() };
                message(plays, playbook, step, says, episode, decision);
                episode.root_action.get_or_insert_with(|| episode.key.action(episode.run, &step.name));
                episode.alerted_at.get_or_insert(plays.now.at);
            }
            StepAction::CrmTask { title, text, priority } => {
                let says = task::Says { title, text: text.as_ref(), priority: *priority };
                task::create(plays, playbook, step, says, episode, decision);
            }
            StepAction::EmailNudge { to, template, text } => {
                let says = mail::Says { to: *to, template, text: text.as_ref() };
                mail::request(plays, playbook, step, says, episode, decision);
            }
        }
        episode.asked.insert(step.name.clone());
        episode.asked_at = Some(plays.now.at);
    }
    [next, end::done_at(playbook, episode)].into_iter().flatten().min()
}

/// When a step comes: at 09:00 where its reader works, never before the opening.
pub(super) fn moment(plays: &Plays<'_>, step: &Step, episode: &Episode) -> Moment {
    let Some(after) = step.after else { return episode.opened_at };
    let from = episode.opened_at.plus(episode.handled.postponed());
    let reached = owner::reach(plays, step.owner);
    after.after(from, &plays.config.team.calendar_of(reached.person)).max(episode.opened_at)
}

/// What a step has its message say.
struct Says<'a> {
    next_step: &'a str,
    text: Option<&'a String>,
    template: Option<&'a String>,
}

fn message(
    plays: &Plays<'_>,
    playbook: &Playbook,
    step: &Step,
    says: Says<'_>,
    episode: &Episode,
    decision: &mut Decision,
) {
    let is_first = !playbook.messages().any(|message| episode.asked.contains(&message.name));
    let before = plays.prior;
    let (band, score) = if is_first {
        (before.map_or(Band::Unknown, |b| b.band), before.and_then(|b| b.score))
    } else {
        (episode.band, episode.score)
    };
    let said = AlertText {
        kind: if is_first { AlertKind::Opened } else { AlertKind::Step },
        band_before: band,
        score_before: score,
        changes: episode.reasons.clone(),
        next_step: says.next_step.to_owned(),
        text: says.text.cloned(),
        template: says.template.cloned(),
        owner_before: None,
        answered: None,
        renewal: None,
    };
    let message = Message {
        step: &step.name,
        role: step.owner,
        urgency: step.urgency,
        place: Place::Thread,
        due: step.due,
        said,
    };
    request(plays, playbook, episode, message, decision);
}
