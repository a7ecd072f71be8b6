//! What is open when the configuration changed, or when history is loaded, goes on as things stand now: nothing ends, nothing
//! is said, nothing starts.

use config::Playbook;
use model::{Episode, EpisodeState, Moment};

use super::{Played, Plays, end, held_until, open, owner, step};
use crate::decide::Decision;
use crate::runway::{Say, Turn};

/// The leader knows how the account stands now, so that the next news is compared with that.
pub(super) fn take_over(
    plays: &Plays<'_>,
    playbook: &Playbook,
    open: &[&Episode],
    played: &mut Played,
    decision: &mut Decision,
) {
    let Some((first, _)) = open.split_first() else { return };
    let leader = known(plays, playbook, first);
    let recovering = match leader.state {
        EpisodeState::Open { recovering_since } => recovering_since,
        EpisodeState::Closed { .. } => None,
    };
    let next = match recovering {
        Some(since) => Some(since.plus(playbook.recover_after)),
        None => {
            let left = playbook.steps.iter().filter(|step| !leader.asked.contains(&step.name));
            let steps = left.map(|step| step::moment(plays, step, &leader));
            steps.chain(end::done_at(playbook, &leader)).min()
        }
    };
    played.runs(plays, playbook, &leader, not_before_tomorrow(plays, next));
    if leader != **first {
        decision.episodes.push(leader);
    }
}

/// The way through a renewal: what its turn would say, and its end, wait for the morning.
pub(super) fn go_on(
    plays: &Plays<'_>,
    playbook: &Playbook,
    turn: &Turn<'_>,
    played: &mut Played,
    decision: &mut Decision,
) {
    if turn.say.is_some() || turn.closes.is_some() || turn.waits {
        played.due(held_until(plays));
    }
    for first in turn.episodes.iter().take(1) {
        let leader = known(plays, playbook, first);
        played.runs(plays, playbook, &leader, None);
        if leader != **first {
            decision.episodes.push(leader);
        }
    }
    played.running.insert(playbook.name.clone());
}

/// A renewal whose step has come, such as in a pause that ends with this look: its terms stay where they were, so that the
/// look of the next morning tells it. What several risks pull forward is not told: by these rules it was so all along.
pub(super) fn wait(plays: &Plays<'_>, turn: &Turn<'_>, played: &mut Played) {
    let Some(Say::Step { is_pulled: false, .. }) = turn.say else { return };
    let before = plays.input.previous.map(|before| &before.runway);
    for term in &turn.state.terms {
        match before.and_then(|before| before.get(term)) {
            Some(mark) => played.runway.insert(term.clone(), mark.clone()),
            None => played.runway.remove(term),
        };
    }
    played.due(held_until(plays));
}

/// An episode that was told how the account stands by the configuration of now.
fn known(plays: &Plays<'_>, playbook: &Playbook, episode: &Episode) -> Episode {
    let mut episode = Episode { owner: owner::identity(plays), ..episode.clone() };
    if playbook.is_about_risk() && episode.root_action.is_some() {
        episode.told = open::told(plays);
        episode.told_caps = plays.assessment.caps.iter().map(|cap| cap.name.clone()).collect();
    }
    episode
}

/// What would have come already by the new configuration comes the next morning, with whatever else is to do then.
fn not_before_tomorrow(plays: &Plays<'_>, next: Option<Moment>) -> Option<Moment> {
    match next {
        Some(at) if at <= plays.now.at => held_until(plays),
        Some(_) | None => next,
    }
}
