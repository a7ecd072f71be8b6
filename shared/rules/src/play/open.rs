//! An episode begins.

use std::collections::{BTreeMap, BTreeSet};

use config::Playbook;
use model::{Counted, Episode, EpisodeKey, EpisodeState, Handled};

use super::start::Start;
use super::{Played, Plays, owner, say_started, step, unclaimed};
use crate::decide::Decision;

/// Opens it and asks for the steps that are due at once.
pub(crate) fn open(plays: &Plays<'_>, playbook: &Playbook, start: Start, played: &mut Played, decision: &mut Decision) {
    let now = plays.assessment;
    let Start { key, home, cause, why, changes, .. } = start;
    let key = EpisodeKey { home, playbook: playbook.name.clone(), key, cause };
    // The same cause again is the same row, and goes on in the same thread, where that is the same person's.
    let held = plays.input.episodes.iter().find(|e| e.key == key);
    let owner = owner::identity(plays);
    let same = held.filter(|e| e.owner == owner);
    let mut episode = Episode {
        run: held.map_or(1, |e| e.run + 1),
        state: EpisodeState::Open { recovering_since: None },
        opened_at: now.as_of,
        root_action: same.and_then(|e| e.root_action.clone()),
        alerted_at: None,
        why,
        band: now.band,
        score: now.score,
        reasons: changes,
        asked: BTreeSet::new(),
        asked_at: None,
        done: BTreeMap::new(),
        handed_over: same.and_then(|e| e.handed_over.clone()),
        owner,
        told: told(plays),
        told_caps: now.caps.iter().map(|cap| cap.name.clone()).collect(),
        updated_on: None,
        runway: None,
        handled: Handled::default(),
        key,
    };
    say_started(decision, plays, playbook, &episode);
    let next = step::ask(plays, playbook, &mut episode, decision);
    let unclaimed_at = unclaimed::ask(plays, playbook, &mut episode, decision);
    played.runs(plays, playbook, &episode, [next, unclaimed_at].into_iter().flatten().min());
    decision.episodes.push(episode);
}

/// Where every measure stands, which the first message tells or leaves as it is.
pub(super) fn told(plays: &Plays<'_>) -> BTreeMap<String, Counted> {
    let contributions = plays.assessment.contributions.iter().filter(|c| c.points.is_some());
    contributions.map(|c| (c.measure.clone(), Counted { value: c.value.clone(), points: c.points })).collect()
}
