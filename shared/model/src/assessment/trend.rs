//! Where an account comes from: earlier scores, kept in bounds, and what they say when they are read.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Assessment, Band, Score};
use crate::Moment;

/// A score of the past: it held from this moment until the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScorePoint {
    /// The moment it held for.
    pub as_of: Moment,
    /// The score, where there was one.
    pub score: Option<Score>,
    /// The effective band.
    pub band: Band,
}

/// How the score moved until a moment. Changes are in basis points, negative when the account fell; `None` where there was
/// no score on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    /// Since 7 days before.
    pub over_7_days: Option<i32>,
    /// Since 30 days before.
    pub over_30_days: Option<i32>,
    /// Since 90 days before.
    pub over_90_days: Option<i32>,
    /// Basis points a week: the straight line through the last 28 days that fits best; `None` before a week of scores.
    pub per_week: Option<i32>,
    /// Whole days of 24 hours in the band.
    pub days_in_band: i64,
}

/// A day in milliseconds: in a trend, days are 24 hours long.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Of the points of so many days several of a day are kept: what came of today and yesterday is looked at closely.
const RECENT_DAYS: i64 = 2;
/// So many of those, the newest: with the others they stay within what a row of an account has room for.
const RECENT_POINTS: usize = 16;
/// So far back the last point of each day is kept: five weeks, more than a trend of 30 days needs.
const DAILY_DAYS: i64 = 35;
/// So far back the last point of each week is kept: a week more than a trend of 90 days needs. Beyond that one point is left, so
/// that the oldest day of a trend has a score.
const WEEKLY_DAYS: i64 = 98;
/// How far back the straight line reaches: four whole weeks, as for use.
const LINE_DAYS: i64 = 28;

/// Thins out what is old, and joins what is the same; never more than [`Assessment::HISTORY`] points are left.
///
/// Thinning twice is thinning once, and the newest point can be taken away and added again.
pub(super) fn thin(points: &mut Vec<ScorePoint>, now: Moment) {
    let day = |at: Moment| at.as_millis().div_euclid(DAY_MS);
    let today = day(now);
    // Of the points of one span the last is kept; of the recent ones, the newest of all as well.
    let span = |at: Moment| match today - day(at) {
        age if age <= DAILY_DAYS => (1, day(at)),
        age if age <= WEEKLY_DAYS => (2, day(at).div_euclid(7)),
        _ => (3, 0),
    };
    let spans: Vec<_> = points.iter().map(|point| span(point.as_of)).collect();
    let newest = points.len().saturating_sub(RECENT_POINTS);
    let mut at = 0..points.len();
    points.retain(|point| {
        let Some(at) = at.next() else { return true };
        let is_last = spans.get(at + 1).is_none_or(|next| *next != spans[at]);
        is_last || (at >= newest && today - day(point.as_of) < RECENT_DAYS)
    });
    points.dedup_by(|later, earlier| (later.score, later.band) == (earlier.score, earlier.band));
}

impl Assessment {
    /// The most earlier scores an assessment carries.
    pub const HISTORY: usize = 64;

    /// Adds what holds now to the scores before, of which those that do not lie before it are an earlier look at the same
    /// news.
    #[must_use]
    pub fn history_with(mut history: Vec<ScorePoint>, now: ScorePoint) -> Vec<ScorePoint> {
        let as_of = now.as_of;
        history.retain(|point| point.as_of < as_of);
        history.push(now);
        thin(&mut history, as_of);
        history
    }

    /// How the score moved until `at`, not before [`Assessment::as_of`].
    pub fn trend(&self, at: Moment) -> Trend {
        let now = self.score_at(at);
        let over = |days: i64| Some(difference(now?, self.score_at(days_before(at, days))?));
        Trend {
            over_7_days: over(7),
            over_30_days: over(30),
            over_90_days: over(90),
            per_week: self.per_week(at),
            days_in_band: at.since(self.band_since).as_millis().div_euclid(i128::from(DAY_MS)).try_into().unwrap_or(0),
        }
    }

    /// The score at a moment; `None` before the first, and while there was none.
    fn score_at(&self, at: Moment) -> Option<Score> {
        self.history.iter().rev().find(|point| point.as_of <= at)?.score
    }

    /// Least squares over the scores at this time of each of the last days.
    fn per_week(&self, at: Moment) -> Option<i32> {
        let daily = (0..=LINE_DAYS).filter_map(|ago| {
            Some((-i128::from(ago), i128::from(self.score_at(days_before(at, ago))?.basis_points())))
        });
        let samples: Vec<(i128, i128)> = daily.collect();
        if samples.len() < 8 {
            return None;
        }
        let n = i128::try_from(samples.len()).ok()?;
        let sum = |of: fn(&(i128, i128)) -> i128| samples.iter().map(of).sum::<i128>();
        let (x, y, xy, xx) = (sum(|s| s.0), sum(|s| s.1), sum(|s| s.0 * s.1), sum(|s| s.0 * s.0));
        let (rise, run) = (7 * (n * xy - x * y), n * xx - x * x);
        i32::try_from((2 * rise + run).div_euclid(2 * run)).ok()
    }
}

fn difference(now: Score, before: Score) -> i32 {
    i32::from(now.basis_points()) - i32::from(before.basis_points())
}

fn days_before(at: Moment, days: i64) -> Moment {
    at.plus(SignedDuration::from_hours(-24 * days))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> Moment {
        "2026-01-01T12:00:00Z".parse::<Moment>().unwrap().plus(SignedDuration::from_hours(24 * n))
    }

    fn point(as_of: Moment, score: u16) -> ScorePoint {
        ScorePoint { as_of, score: Score::new(score).ok(), band: Band::Yellow }
    }

    /// The history after a look at each of these.
    fn history(looks: impl IntoIterator<Item = (Moment, u16)>) -> Vec<ScorePoint> {
        looks.into_iter().fold(vec![], |history, (at, score)| Assessment::history_with(history, point(at, score)))
    }

    #[test]
    fn ninety_days_are_remembered_however_often_an_account_is_looked_at() {
        let hours = (0..200 * 24)
            .map(|hour| (day(0).plus(SignedDuration::from_hours(hour)), u16::try_from(hour % 9_000).unwrap()));
        let all = history(hours);
        assert!(all.len() <= Assessment::HISTORY, "{}", all.len());
        assert!(all[0].as_of <= day(110), "the oldest is of {}", all[0].as_of);
        assert!(all.len() > 50);
        assert!(all.windows(2).all(|pair| pair[0].as_of < pair[1].as_of));
    }

    #[test]
    fn a_look_at_the_same_moment_again_changes_nothing() {
        let mut looks: Vec<_> = (0..120).map(|n| (day(n), 5_000 + u16::try_from(n % 7).unwrap())).collect();
        // Back to what it was the evening before, within a day.
        looks.extend([(day(120), 5_100), (day(120).plus(SignedDuration::from_hours(1)), 5_000)]);
        for n in 1..=looks.len() {
            let once = history(looks[..n].iter().copied());
            let again = Assessment::history_with(once.clone(), point(looks[n - 1].0, looks[n - 1].1));
            assert_eq!(once, again, "after {n}");
        }
    }

    #[test]
    fn a_score_that_stays_is_one_point() {
        assert_eq!(history((0..50).map(|n| (day(n), 5_000))), [point(day(0), 5_000)]);
    }
}
