//! Which episode is about which renewal: by its terms, else by its day, so that a contract that another source tells of, or
//! that joins others, keeps its one thread.

use std::collections::BTreeMap;

use model::{Closing, Episode, EpisodeState, Moment, RunwayState};

use super::{Look, Turn};
use crate::renewals::{Group, PAST_DUE_DAYS, SAME_TERM_DAYS, days_between};

/// Which open episodes are about which group.
pub(super) struct Matched<'a> {
    /// Per group, the oldest first.
    pub of_group: Vec<Vec<&'a Episode>>,
    /// What becomes of those whose terms are not running any more.
    pub left: Vec<Turn<'a>>,
}

impl<'a> Look<'_, 'a> {
    /// Finds for every open episode the group it is about.
    pub(super) fn match_up(&self, groups: &[Group<'a>]) -> Matched<'a> {
        let mut of_group: Vec<Vec<&'a Episode>> = vec![Vec::new(); groups.len()];
        let mut strays: Vec<(&'a Episode, &'a RunwayState)> = Vec::new();
        for (episode, state) in self.with_state().filter(|(episode, _)| episode.is_open()) {
            let distance = |group: &Group<'_>| days_between(state.due_on, group.due_on()).abs();
            let shared = (0..groups.len()).filter(|place| groups[*place].shares(&state.terms));
            let near = (0..groups.len()).filter(|place| distance(&groups[*place]) <= SAME_TERM_DAYS);
            let nearest =
                |places: &mut dyn Iterator<Item = usize>| places.min_by_key(|place| distance(&groups[*place]));
            let found = nearest(&mut { shared }).or_else(|| nearest(&mut { near }));
            match found {
                Some(place) => of_group[place].push(episode),
                None => strays.push((episode, state)),
            }
        }
        let mut left = Vec::new();
        for (episode, state) in strays {
            let why = self.renewals.fate(&state.terms, state.due_on);
            let is_free = |place: &usize| of_group[*place].is_empty() && self.is_unknown(&groups[*place]);
            // Somebody else's word has taken the place of the one that is gone: it goes on with that day.
            match (0..groups.len()).find(is_free) {
                Some(place) if matches!(why, Closing::Cleared | Closing::Exited) => of_group[place].push(episode),
                Some(_) | None => left.push(Turn {
                    group: None,
                    episodes: vec![episode],
                    state: state.clone(),
                    moved_from: None,
                    is_asked_for: false,
                    say: None,
                    waits: false,
                    closes: Some(why),
                }),
            }
        }
        Matched { of_group, left }
    }

    /// What was said of a group so far: by the `open` episodes, and by all that were ever about it.
    pub(super) fn said(&self, group: &Group<'_>, open: &[&Episode]) -> BTreeMap<String, Moment> {
        let mut said: BTreeMap<String, Moment> = BTreeMap::new();
        let is_near = |state: &RunwayState| days_between(state.due_on, group.due_on()).abs() <= SAME_TERM_DAYS;
        let is_about = |state: &&RunwayState| group.shares(&state.spoke_of) || is_near(state);
        let was_about = self.with_state().map(|(_, state)| state).filter(is_about);
        for state in open.iter().filter_map(|episode| episode.runway.as_ref()).chain(was_about) {
            for (step, at) in &state.sent {
                let last = said.entry(step.clone()).or_insert(*at);
                *last = (*last).max(*at);
            }
        }
        said
    }

    /// It came up beside a contract of about the same day that is decided already: another source's word on it. It stays so
    /// until its day changes.
    pub(super) fn is_decided(&self, group: &Group<'_>, left: &[Turn<'_>]) -> bool {
        let Some(before) = self.before else { return false };
        if !self.is_unknown(group) {
            let lead = group.lead();
            return before.marks.get(&lead.id).is_some_and(|mark| mark.decided && mark.due_on == lead.due_on);
        }
        let is_it = |state: &RunwayState| {
            let apart = days_between(state.due_on, group.due_on()).abs();
            !group.shares(&state.terms) && apart <= i64::from(PAST_DUE_DAYS)
        };
        let closed = self.with_state().filter_map(|(episode, state)| match episode.state {
            EpisodeState::Closed { why, .. } => Some((why, state)),
            EpisodeState::Open { .. } => None,
        });
        let closes = left.iter().filter_map(|turn| Some((turn.closes?, &turn.state)));
        closed.chain(closes).any(|(why, state)| matches!(why, Closing::Renewed | Closing::Lost) && is_it(state))
    }

    /// An operator closed what ran for it: nothing opens by itself before its next term.
    pub(super) fn was_closed(&self, group: &Group<'_>) -> bool {
        let is_about = |state: &RunwayState| {
            let apart = days_between(state.due_on, group.due_on());
            let is_same_term = group.shares(&state.spoke_of) && apart < self.runway.renewed_from_days;
            is_same_term || apart.abs() <= SAME_TERM_DAYS
        };
        let about = self.with_state().filter(|(_, state)| is_about(state));
        let last = about.max_by_key(|(episode, _)| episode.opened_at);
        last.is_some_and(|(episode, _)| matches!(episode.state, EpisodeState::Closed { why: Closing::ByHand, .. }))
    }

    /// None of its terms was there at the look before.
    pub(super) fn is_unknown(&self, group: &Group<'_>) -> bool {
        self.before.is_none_or(|before| group.terms().all(|term| !before.marks.contains_key(&term.id)))
    }

    fn with_state(&self) -> impl Iterator<Item = (&'a Episode, &'a RunwayState)> {
        self.episodes.iter().filter_map(|episode| Some((*episode, episode.runway.as_ref()?)))
    }
}
