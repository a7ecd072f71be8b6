//! An alert that nobody took care of: whoever its owner reports to is told once.

use config::{Config, Playbook, Role, Trigger};
use model::{AlertKind, Episode, EpisodeState, Family, Moment, Urgency};

use super::request::{Message, Place, request};
use super::{Plays, look, owner};
use crate::alert::AlertText;
use crate::decide::Decision;

/// Whether a decision over these episodes needs to know since when people here claim alerts.
pub fn asks_for_claims<'a>(episodes: impl IntoIterator<Item = &'a Episode>, config: &Config) -> bool {
    let can_be_told = |episode: &Episode| {
        let playbook = config.playbook(&episode.key.playbook).filter(|playbook| !playbook.paused);
        playbook.is_some_and(|playbook| waits(episode) && since(config, playbook, episode).is_some())
    };
    config.team.alerts.unclaimed_hours > 0 && episodes.into_iter().any(can_be_told)
}

/// Somebody took care of an episode. That anybody here ever did is what tells an alert that was overlooked from one that
/// nobody was asked to answer.
pub(super) fn note(decision: &mut Decision, at: Moment) {
    decision.claimed_at = [decision.claimed_at, Some(at)].into_iter().flatten().min();
}

/// It was alerted about, nobody has answered, and nobody else was told of that.
fn waits(episode: &Episode) -> bool {
    let is_open = matches!(episode.state, EpisodeState::Open { recovering_since: None });
    is_open && episode.alerted_at.is_some() && !episode.is_attended() && !episode.asked.contains(Episode::UNCLAIMED)
}

/// Tells the manager when nobody took care of it for as many working hours as `team.toml` says; else, when that would be.
///
/// Only where somebody had claimed an alert by then: who starts to do so is not told of everything before.
pub(super) fn ask(
    plays: &Plays<'_>,
    playbook: &Playbook,
    episode: &mut Episode,
    decision: &mut Decision,
) -> Option<Moment> {
    let since = since(plays.config, playbook, episode).filter(|_| waits(episode))?;
    let team = &plays.config.team;
    let (csm, manager) = (owner::reach(plays, Role::Csm), owner::reach(plays, Role::Manager));
    let at = team.unclaimed_at(since, csm.person).filter(|_| csm.to.address != manager.to.address)?;
    if at > plays.now.at {
        return Some(at);
    }
    plays.input.claimed_since.filter(|known| *known <= at)?;
    // A renewal has months and steps of its own: this one is a line of the manager's digest.
    let urgency = match playbook.trigger {
        Trigger::Renewal(_) => Urgency::Digest,
        Trigger::BandChanged { .. }
        | Trigger::Becomes { .. }
        | Trigger::Answered { .. }
        | Trigger::BecameCustomer { .. } => Urgency::Now,
    };
    let hours = team.alerts.unclaimed_hours;
    let hours = if hours == 1 { "working hour".to_owned() } else { format!("{hours} working hours") };
    let next_step = match &plays.assessment.card.owner {
        Some(owner) => format!("Ask {} who takes care of it.", owner.name),
        None => "Say who takes care of it.".to_owned(),
    };
    let said = AlertText {
        kind: AlertKind::Step,
        band_before: episode.band,
        score_before: episode.score,
        changes: episode.reasons.clone(),
        next_step,
        text: Some(format!("Nobody has answered this alert for {hours}. {}", episode.why)),
        template: None,
        owner_before: None,
        answered: None,
        renewal: None,
    };
    let (role, urgency, place) = (Role::Manager, Some(urgency), Place::Thread);
    request(
        plays,
        playbook,
        episode,
        Message { step: Episode::UNCLAIMED, role, urgency, place, due: None, said },
        decision,
    );
    episode.asked.insert(Episode::UNCLAIMED.to_owned());
    None
}

/// Since when somebody could have said so: since the alert where it has buttons, else since the last of its steps that
/// makes a task which is read back.
fn since(config: &Config, playbook: &Playbook, episode: &Episode) -> Option<Moment> {
    let alerted_at = episode.alerted_at?;
    if config.has(Family::Slack) {
        return Some(alerted_at);
    }
    let has_task = !look::asked_after(config, playbook, episode).is_empty();
    has_task.then(|| episode.asked_at.unwrap_or(alerted_at).max(alerted_at))
}
