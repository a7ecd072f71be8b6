//! Looking ahead: the next moment at which something changes although nobody says anything.

mod asked;

use std::collections::BTreeMap;

use config::{Condition, ScalarInfo};
use jiff::ToSpan as _;
use jiff::civil::Date;
use model::{Assessment, Band, MeasureState, Moment, Remembered};

use crate::assess::{Judge, Standing, profile_at};
use crate::measure::{is_kept, points_at};
use crate::play::worse::{Thread, is_worth_telling};
use crate::score::{Scale, Weighed, capped};
use crate::when::When;
use asked::Asked;

/// How many days ahead is looked: a year and a month, longer than any condition that ships counts. An account that can still change after that is looked at again then.
const HORIZON_DAYS: i32 = 400;

/// The first moment after `now` at which the band, a cap, the state of a measure or one of these conditions is not what it
/// is now, or one of these threads is told that it got worse.
///
/// Time enters scores in whole days, so days are walked, each at 00:00 of the reporting zone; what moves by the hour is
/// found to the moment. An account in which nothing moves with time is not walked.
pub(crate) fn next_change(
    judge: &Judge<'_>,
    assessment: &Assessment,
    now: When,
    watched_by: &[&Condition],
    threads: &[Thread],
) -> Option<Moment> {
    let zone = &judge.config.model.zone;
    let day_in = |days: i32| When::start_of(now.day.checked_add(days.days()).ok()?, zone);
    let horizon = day_in(HORIZON_DAYS)?.at;
    let mut walk = Walk::new(judge, assessment, now, (watched_by, threads));
    let mut moments = walk.hours(now, horizon);
    for day in days_to_look_at(judge, assessment) {
        let start = Moment::start_of(day, zone).filter(|start| *start > now.at);
        moments.extend(start.map(|start| (start.min(horizon), true)));
    }
    for morning in threads.iter().filter_map(|thread| thread.not_before).filter(|morning| *morning > now.at) {
        moments.entry(morning).or_insert(false);
    }
    let recheck = recheck_in(judge, assessment).and_then(day_in).map(|day| day.at);
    let last = if walk.moves_daily() { HORIZON_DAYS } else { 0 };
    let mut days = (1..=last).map_while(day_in).peekable();
    let found = loop {
        let special = moments.first_key_value().map(|(at, _)| *at);
        let Some(at) = [days.peek().map(|day| day.at), special].into_iter().flatten().min() else { break None };
        if at >= horizon {
            break Some(horizon);
        }
        let day = days.next_if(|day| day.at == at);
        let all = moments.remove(&at).unwrap_or(false);
        if walk.changes(day.unwrap_or_else(|| When::at(at, zone)), day.is_some(), all) {
            break Some(at);
        }
    };
    [found, recheck].into_iter().flatten().min()
}

/// The days at whose start something other than a value can end or begin.
fn days_to_look_at(judge: &Judge<'_>, assessment: &Assessment) -> Vec<Date> {
    let after = |day: Date, days: i64| day.checked_add(days.days()).ok();
    let mut days = Vec::new();
    days.extend(assessment.overridden.as_ref().and_then(|set| after(set.until?, 1)));
    days.extend(assessment.apart_since.and_then(|since| after(since, judge.config.model.apart_days)));
    days.extend(assessment.contributions.iter().filter_map(|row| after(row.held_until?, 1)));
    days.extend(judge.known.silent_from());
    days
}

/// In how many days an account is looked at again because a source is silent: when that is heard again, nobody says so of
/// each account.
fn recheck_in(judge: &Judge<'_>, assessment: &Assessment) -> Option<i32> {
    if assessment.contributions.iter().all(|row| row.state != MeasureState::Stale) {
        return None;
    }
    let expected = judge.config.connections.iter().filter_map(|connection| connection.expected_every).min()?;
    Some(i32::from(expected))
}

/// An account on its way through the days to come.
struct Walk<'a> {
    judge: &'a Judge<'a>,
    now: Standing,
    profile: usize,
    profile_moves: bool,
    remembered: BTreeMap<String, Remembered>,
    weighed: Vec<Weighed>,
    states: Vec<MeasureState>,
    scale: Scale,
    limits: Vec<u16>,
    /// The measures that move with time.
    daily: Vec<usize>,
    caps: Vec<Asked<'a>>,
    watched: Vec<Asked<'a>>,
    threads: &'a [Thread],
    /// The score that the standing was last taken of.
    score: Option<u16>,
    /// It may be green for as long as both sides have spoken lately.
    contact_counts: bool,
}

impl<'a> Walk<'a> {
    fn new(
        judge: &'a Judge<'a>,
        assessment: &Assessment,
        now: When,
        (watched_by, threads): (&[&'a Condition], &'a [Thread]),
    ) -> Self {
        let profile = judge.profile;
        let remembered = assessment.memory.measures.clone();
        let all = 0..profile.measures.len();
        let measured: Vec<_> = all.clone().map(|at| judge.measured(at, &remembered, now)).collect();
        let weighed: Vec<Weighed> = measured.iter().map(|m| m.weighed).collect();
        let scale = Scale::new(&judge.groups, &weighed);
        let caps: Vec<Asked<'_>> =
            profile.caps.iter().map(|cap| Asked::new(&cap.when, judge.known, assessment, now)).collect();
        let holding = profile.caps.iter().zip(&caps).filter(|(_, asked)| asked.holds());
        let limits: Vec<u16> = holding.map(|(cap, _)| judge.limit(cap.at_most)).collect();
        let score = scale.score(&weighed).map(|score| capped(score, &limits).0);
        let before = (assessment.memory.score_band, assessment.apart_since);
        let standing = judge.standing(score, &scale, before, now);
        let moves = |name: &&'static str| config::scalar(name).is_some_and(|info| info.clock_derived);
        let can_move = |info: &'static ScalarInfo| {
            info.clock_derived
                && (judge.known.scalar(info.name, now).is_some() || judge.known.told(info, now).is_some())
        };
        let is_daily = |at: &usize| {
            let measure = &profile.measures[*at];
            let has_value = measured[*at].state.is_covered();
            can_move(measure.value)
                || (has_value && measure.after.is_some())
                || (has_value && measure.cases.iter().any(|case| case.when.names().iter().any(&moves)))
        };
        let speaks = judge.known.scalar("days_since_two_way_contact", now).is_some();
        let is_quiet = judge.known.scalar("csm_sentiment", now).is_none();
        Self {
            judge,
            now: standing,
            profile: profile_at(judge.known, judge.config, now).0,
            profile_moves: judge
                .config
                .model
                .profiles
                .iter()
                .any(|profile| profile.when.as_ref().is_some_and(|when| when.names().iter().any(&moves))),
            remembered,
            states: measured.iter().map(|m| m.state).collect(),
            weighed,
            scale,
            limits,
            daily: all.filter(is_daily).collect(),
            caps,
            watched: watched_by.iter().map(|when| Asked::new(when, judge.known, assessment, now)).collect(),
            threads,
            score,
            contact_counts: standing.score_band == Band::Green && is_quiet && speaks,
        }
    }

    /// Some value moves from one day to the next.
    fn moves_daily(&self) -> bool {
        let asks = |asked: &Asked<'_>| asked.moves();
        !self.daily.is_empty()
            || self.profile_moves
            || self.contact_counts
            || self.caps.iter().any(asks)
            || self.watched.iter().any(asks)
    }

    /// The moments at which a value that moves by the hour makes a difference to a condition.
    fn hours(&self, now: When, horizon: Moment) -> BTreeMap<Moment, bool> {
        let asked = self.caps.iter().chain(&self.watched);
        let moments = asked.flat_map(|asked| asked.hours(&self.judge.config.model.zone, now));
        moments.filter(|at| *at < horizon).map(|at| (at, false)).collect()
    }

    /// Whether anything is another at this moment than it is now. Moments must come in their order: measures remember.
    fn changes(&mut self, when: When, is_new_day: bool, all: bool) -> bool {
        if (is_new_day || all) && self.measures_change(when, all) {
            return true;
        }
        if self.threads.iter().any(|thread| self.tells(thread, when)) {
            return true;
        }
        if self.caps.iter_mut().chain(&mut self.watched).any(|asked| asked.changes(when)) {
            return true;
        }
        if self.profile_moves && profile_at(self.judge.known, self.judge.config, when).0 != self.profile {
            return true;
        }
        let score = self.scale.score(&self.weighed).map(|score| capped(score, &self.limits).0);
        if score == self.score && !self.contact_counts && !all {
            return false;
        }
        self.score = score;
        let before = (Some(self.now.score_band), self.now.apart_since);
        let then = self.judge.standing(score, &self.scale, before, when);
        then != self.now
    }

    /// The thread is told at this moment that it got worse. That another cap comes is a change of its own.
    fn tells(&self, thread: &Thread, when: When) -> bool {
        let measures = self.judge.profile.measures.iter().zip(&self.weighed).zip(&self.states);
        let mut counted = measures.filter(|(_, state)| **state == MeasureState::Counted).map(|(of, _)| of);
        let has_fallen = |(measure, now): (&config::Measure, &Weighed)| {
            let told = thread.told.get(&measure.name).copied().zip(now.points);
            told.is_some_and(|(told, now)| is_worth_telling(told, now, self.judge.config))
        };
        thread.not_before.is_none_or(|morning| morning <= when.at) && (thread.waits || counted.any(has_fallen))
    }

    /// Measures as of another day: whether one is in another state. Between the days on which something other than a
    /// value can change, a state changes only by a value that comes or goes.
    fn measures_change(&mut self, when: When, all: bool) -> bool {
        let every: Vec<usize>;
        let some = if all {
            every = (0..self.weighed.len()).collect();
            &every
        } else {
            &self.daily
        };
        for at in some.iter().copied() {
            let measure = &self.judge.profile.measures[at];
            if !all && !is_kept(measure) {
                let points = points_at(self.judge.known, self.judge.config, measure, when);
                if points.is_some() != self.states[at].is_covered() {
                    return true;
                }
                if points.is_some() {
                    self.weighed[at].points = points;
                }
                continue;
            }
            let measured = self.judge.measured(at, &self.remembered, when);
            if measured.state != self.states[at] {
                return true;
            }
            self.weighed[at] = measured.weighed;
            if let Some(remembered) = measured.remembered {
                self.remembered.insert(measure.name.clone(), remembered);
            }
        }
        false
    }
}
