//! An episode ends: solved, pointless by now, or done.

use config::{Playbook, Role, Trigger, Verdict};
use model::{AlertKind, Closing, Episode, EpisodeState, FactKey, Field, Moment};

use super::request::{Message, Place, request};
use super::{Plays, answers, say_ended, task};
use crate::alert::{self, AlertText};
use crate::decide::Decision;
use crate::told::Told;

/// The message that ends an episode's thread.
pub(super) const RESOLVED: &str = "resolved";

/// How far an episode is from its end.
pub(super) enum End {
    /// It is over.
    Over(Closing),
    /// It ends then, if nothing else happens.
    At(Moment),
    /// What it was opened for still holds.
    NotYet,
}

/// Where the leader stands; it remembers since when it recovers.
pub(super) fn end(plays: &Plays<'_>, playbook: &Playbook, leader: &mut Episode) -> End {
    let now = plays.assessment;
    // Bands that moved because the model did prove nothing either way.
    let is_judged = plays.same_model();
    let scalars = match playbook.trigger {
        Trigger::Answered { .. } => answers::scalars(plays, leader),
        Trigger::BandChanged { .. }
        | Trigger::Becomes { .. }
        | Trigger::BecameCustomer { .. }
        | Trigger::Renewal(_) => plays.scalars.clone(),
    };
    let since = match leader.state {
        EpisodeState::Open { recovering_since } => recovering_since,
        EpisodeState::Closed { .. } => None,
    };
    let since = match &playbook.recover {
        Some(_) if !is_judged => since,
        Some(recover) if recover.holds(&scalars) == Verdict::Holds => since.or(Some(now.as_of)),
        Some(_) | None => None,
    };
    leader.state = EpisodeState::Open { recovering_since: since };
    let solved_at = since.map(|since| since.plus(playbook.recover_after));
    if is_judged && solved_at.is_some_and(|at| now.as_of >= at) {
        return End::Over(Closing::Recovered);
    }
    let is_pointless = || playbook.exit.as_ref().is_some_and(|exit| exit.holds(&scalars) == Verdict::Holds);
    if is_judged && is_pointless() {
        return End::Over(Closing::Exited);
    }
    if done_at(playbook, leader).is_some_and(|at| now.as_of >= at) {
        return End::Over(Closing::Completed);
    }
    solved_at.map_or(End::NotYet, End::At)
}

/// An operator closed it after it opened.
pub(super) fn is_closed_by_hand(plays: &Plays<'_>, playbook: &Playbook, open: &[&Episode]) -> bool {
    let told = Told::of(*plays.view, &FactKey::PlayClose(playbook.name.clone()), Field::At);
    told.is_some_and(|told| open.iter().all(|episode| told.register.received_at > episode.opened_at))
}

/// When a playbook that nothing solves is done: some time after all its steps, so that the last one's message finds it open.
pub(super) fn done_at(playbook: &Playbook, episode: &Episode) -> Option<Moment> {
    let all_asked = playbook.steps.iter().all(|step| episode.asked.contains(&step.name));
    let asked_at = episode.asked_at.filter(|_| playbook.recover.is_none() && all_asked)?;
    Some(asked_at.plus(playbook.recover_after))
}

/// Closes it; who was told that something is wrong is told when that is over.
pub(super) fn close(plays: &Plays<'_>, playbook: &Playbook, episode: &Episode, why: Closing, decision: &mut Decision) {
    let closed = Episode { state: EpisodeState::Closed { at: plays.assessment.as_of, why }, ..episode.clone() };
    say_ended(decision, (plays.input.account, plays.config), plays.news, &closed, why);
    if why == Closing::Recovered && episode.root_action.is_some() {
        let said = AlertText {
            kind: AlertKind::Resolved,
            band_before: episode.band,
            score_before: episode.score,
            changes: alert::ended(plays.assessment, &episode.reasons),
            next_step: String::new(),
            text: None,
            template: None,
            owner_before: None,
            answered: None,
            renewal: None,
        };
        let message = Message { step: RESOLVED, role: Role::Csm, urgency: None, place: Place::Thread, due: None, said };
        request(plays, playbook, &closed, message, decision);
    }
    if matches!(why, Closing::Recovered | Closing::Dismissed) {
        task::complete(plays, playbook, &closed, decision);
    }
    decision.episodes.push(closed);
}
