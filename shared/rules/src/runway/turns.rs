//! What becomes of one renewal: it opens, goes on, or ends.

use std::collections::BTreeMap;

use config::Runway;
use model::{Closing, Episode, Moment, RunwayState};

use super::{Look, Plan, Say, Standing, Step, Turn};
use crate::renewals::{Group, PAST_DUE_DAYS, SAME_TERM_DAYS, days_between};
use jiff::civil::Date;

/// A renewal is agreed on no earlier than so many days before the end, half a year, and no later than [`PAST_DUE_DAYS`]
/// after it: a day that moves at any other time is put right, and no renewal.
const EARLIEST_DAYS: i64 = 180;
/// A projected day moves with every report: what is closer than so many days to what a thread was told is no move. A month,
/// as for a step that is said again.
const DRIFT_DAYS: i64 = 30;
/// In what was sent: when anything was said last.
const LAST: &str = "last";

impl<'a> Look<'_, 'a> {
    /// A renewal that no episode runs for opens one when a step comes, or was missed by a term that is news.
    pub(super) fn opening(&self, group: Group<'a>, plan: &Plan, standing: Standing) -> Option<Turn<'a>> {
        let before = self.before.filter(|_| self.may_open)?;
        let said = self.said(&group, &[]);
        let is_forward = standing.reached.is_some_and(|reached| {
            let known: Vec<_> = group.terms().filter_map(|term| Some((term, before.marks.get(&term.id)?))).collect();
            let last = known.iter().filter_map(|(_, mark)| plan.place(mark.step.as_deref()?)).max();
            let at = plan.step(reached).1;
            // Another set of checkpoints is no news; that one of them comes is.
            let has_come = known.iter().any(|(_, mark)| mark.next_at.is_some_and(|next| next <= self.now.at));
            let comes = before.same_playbooks || at > before.as_of || has_come;
            let is_stated = if known.is_empty() {
                group.terms().any(|term| (self.is_news)(term))
            } else {
                known.iter().all(|(term, mark)| mark.due_on == term.due_on || (self.is_news)(term))
            };
            is_stated && comes && last.is_none_or(|last| reached > last)
        });
        let comes = standing.reached.filter(|_| is_forward);
        let wanted = self.wanted(plan, comes, standing, &said)?;
        Some(self.open(group, plan, wanted, standing, said))
    }

    /// An operator asks: it opens at the step that counts now, before the first one at that.
    pub(super) fn asked_for(&self, group: Group<'a>, plan: &Plan, standing: Standing) -> Turn<'a> {
        let wanted = standing.reached.max(standing.pulled_to).unwrap_or(0);
        let said = self.said(&group, &[]);
        Turn { is_asked_for: true, ..self.open(group, plan, wanted, standing, said) }
    }

    fn open(
        &self,
        group: Group<'a>,
        plan: &Plan,
        wanted: usize,
        standing: Standing,
        mut sent: BTreeMap<String, Moment>,
    ) -> Turn<'a> {
        let say = self.say(plan, wanted, standing, &mut sent);
        sent.insert(LAST.to_owned(), self.now.at);
        let lead = group.lead();
        let (term, terms) = (lead.id.clone(), group.ids());
        let state = RunwayState { term, spoke_of: terms.clone(), terms, due_on: lead.due_on, sent };
        Turn {
            group: Some(group),
            episodes: vec![],
            state,
            moved_from: None,
            is_asked_for: false,
            say: Some(say),
            waits: false,
            closes: None,
        }
    }

    /// A renewal that episodes run for.
    pub(super) fn running(
        &self,
        group: Group<'a>,
        plan: &Plan,
        standing: Standing,
        episodes: Vec<&'a Episode>,
    ) -> Turn<'a> {
        let held = episodes.iter().find_map(|episode| episode.runway.clone());
        let mut state = held.unwrap_or_else(|| RunwayState {
            term: group.lead().id.clone(),
            terms: group.ids(),
            spoke_of: group.ids(),
            due_on: group.due_on(),
            sent: BTreeMap::new(),
        });
        state.sent = self.said(&group, &episodes);
        let own = group.term(&state.term);
        // Of terms that end together another can name them; that is no move.
        let is_moved = match own {
            Some(own) => own.due_on != state.due_on,
            None => days_between(state.due_on, group.due_on()).abs() > SAME_TERM_DAYS,
        };
        let own = own.unwrap_or(group.lead());
        let drifts = own.runs_out.is_some() && days_between(state.due_on, own.due_on).abs() <= DRIFT_DAYS;
        let moved_from = is_moved.then_some(state.due_on);
        (state.term, state.due_on, state.terms) = (own.id.clone(), own.due_on, group.ids());
        state.spoke_of.extend(group.ids());
        let mut turn = Turn {
            group: None,
            episodes,
            state,
            moved_from,
            is_asked_for: false,
            say: None,
            waits: false,
            closes: None,
        };
        if (self.is_closed)(&turn.episodes) {
            turn.closes = Some(Closing::ByHand);
        } else if let Some(from) = moved_from
            && self.is_next_term(from, turn.state.due_on)
        {
            turn.closes = Some(Closing::Renewed);
        } else if plan.is_over(self.now.at) {
            let is_past_due = plan.is_said_past_due(&turn.state.sent, self.calendar);
            turn.closes = Some(if is_past_due { Closing::Lapsed } else { Closing::Completed });
        } else if is_moved && standing.reached.is_none() && plan.is_new(&turn.state.sent, self.calendar) {
            turn.closes = Some(Closing::Moved);
        } else {
            let sent = &mut turn.state.sent;
            let wanted = self.wanted(plan, standing.reached, standing, sent);
            let waits = !self.is_free(sent) && !standing.is_newly_pulled;
            turn.say = match wanted {
                Some(_) | None if waits => None,
                Some(wanted) => Some(self.say(plan, wanted, standing, sent)),
                None if is_moved && !drifts => Some(Say::Moved),
                None => self.digest(plan, sent),
            };
            turn.waits = waits && (wanted.is_some() || (is_moved && !drifts));
            if turn.say.is_some() {
                sent.insert(LAST.to_owned(), self.now.at);
            } else if let Some(from) = moved_from {
                // It stays what its thread was told until that is told.
                turn.state.due_on = from;
            }
        }
        turn.group = Some(group);
        turn
    }

    /// The step to say where `comes` has come by itself: a later one where several risks pull it there, or where it would be
    /// if it had not been left alone so far.
    fn wanted(
        &self,
        plan: &Plan,
        comes: Option<usize>,
        standing: Standing,
        said: &BTreeMap<String, Moment>,
    ) -> Option<usize> {
        let is_open = |place: &usize| !plan.is_covered(*place, said, self.calendar);
        let comes = comes.filter(is_open);
        let is_free = |place: &usize| is_open(place) && !plan.is_recent(*place, said, self.now.at, self.calendar);
        let pulled = standing.pulled_to.filter(|_| standing.is_newly_pulled || comes.is_some());
        let pulled = pulled.map(|place| standing.reached.map_or(place, |reached| reached.max(place))).filter(is_free);
        comes.max(pulled)
    }

    /// The step that is said, with which it and those before it are done.
    fn say(&self, plan: &Plan, wanted: usize, standing: Standing, sent: &mut BTreeMap<String, Moment>) -> Say {
        let mut skipped = Vec::new();
        for place in 0..=wanted {
            let (step, at) = plan.step(place);
            if place != wanted && plan.is_covered(place, sent, self.calendar) {
                continue;
            }
            // What was said late counts from then on, and what was pulled forward is said.
            sent.insert(step.name(), at.max(self.now.at));
            match step {
                Step::Checkpoint(days) if place < wanted => skipped.push(days),
                Step::Checkpoint(_) | Step::LockedIn | Step::PastDue => {}
            }
        }
        let (step, at) = plan.step(wanted);
        let is_pulled = standing.reached.is_none_or(|reached| reached < wanted) && standing.pulled_to == Some(wanted);
        Say::Step { step, on: at.date_in(&self.calendar.zone), skipped, is_pulled }
    }

    /// A thread is told something at most once between two working mornings, however often the day moves.
    fn is_free(&self, sent: &BTreeMap<String, Moment>) -> bool {
        sent.get(LAST).is_none_or(|last| self.last_morning().is_some_and(|morning| morning > *last))
    }

    /// The digest of this day names what is past due.
    fn digest(&self, plan: &Plan, sent: &BTreeMap<String, Moment>) -> Option<Say> {
        let morning = self.last_morning().filter(|_| plan.is_said_past_due(sent, self.calendar))?;
        // On the day of the first word, that is enough.
        let is_first = sent.get(Runway::PAST_DUE).is_some_and(|first| *first >= morning);
        (!is_first).then(|| Say::StillPastDue { on: morning.date_in(&self.calendar.zone) })
    }

    /// A day that takes the place of `from` is the end of the next term.
    fn is_next_term(&self, from: Date, to: Date) -> bool {
        let since_due = days_between(from, self.now.day);
        days_between(from, to) >= self.runway.renewed_from_days
            && (-EARLIEST_DAYS..=i64::from(PAST_DUE_DAYS)).contains(&since_due)
    }
}
