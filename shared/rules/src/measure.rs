//! One measure: its value, its points, and what it gave or cost.

use std::collections::BTreeMap;

use config::{After, Config, Every, Measure, Missing, Points, Scalar, ScalarInfo, Scalars, Verdict};
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use model::{Contribution, Evaluation, MeasureState, Pending, Prior, Remembered};

use crate::known::{Known, Reading};
use crate::renewals::days_between;
use crate::score::Weighed;
use crate::when::When;

/// One measure of one account at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub weighed: Weighed,
    pub state: MeasureState,
    /// As a person reads it; of a held value, what it was.
    pub value: Option<String>,
    /// Which of its cases holds.
    pub case: Option<usize>,
    pub stale_since: Option<Date>,
    pub held_until: Option<Date>,
    pub pending: Option<Pending>,
    /// What the next assessment must know of it.
    pub remembered: Option<Remembered>,
}

/// What a measure reads at a moment, and what that is worth.
struct Worth {
    value: Option<Scalar>,
    points: Option<u16>,
    case: Option<usize>,
    stale_since: Option<Date>,
}

/// The longest time over which evaluations are made up for: as far as is looked ahead.
const MOST_MISSED_DAYS: i32 = 400;
/// What is assumed, as basis points, where nothing is known and the measure wants it so: the middle.
const NEUTRAL: u16 = 5_000;

/// The measure as of `when`, after what is remembered of it.
pub(crate) fn measured(
    known: &Known<'_>,
    config: &Config,
    measure: &Measure,
    remembered: Option<&Remembered>,
    when: When,
) -> Measured {
    let Worth { value, points, case, stale_since } = worth(known, config, measure, when);
    let said = value.as_ref().map(|value| spoken(measure.value, value));
    let is_kept = is_kept(measure);
    let missing = |state, points| Measured {
        weighed: weighed(measure, state, points),
        state,
        value: said.clone(),
        case,
        stale_since: None,
        held_until: None,
        pending: None,
        remembered: None,
    };
    let Some(now) = points else {
        if !config.is_wired(measure.value) {
            return missing(MeasureState::NotWired, None);
        }
        let gone = |before: &Remembered| Remembered {
            missing_since: Some(before.missing_since.unwrap_or(when.day)),
            ..before.clone()
        };
        let remembered = remembered.filter(|_| is_kept).map(gone);
        let measured = match (measure.missing, &remembered) {
            (Missing::Hold(days), Some(last)) => {
                let until = held_until(last.missing_since.unwrap_or(when.day), days);
                if when.day > until {
                    missing(MeasureState::Skipped, None)
                } else {
                    let held = missing(MeasureState::Held, Some(last.points));
                    Measured { value: last.value.clone(), held_until: Some(until), ..held }
                }
            }
            (Missing::Skip | Missing::Hold(_), _) => missing(MeasureState::Skipped, None),
            (Missing::Neutral, _) => missing(MeasureState::Neutral, Some(NEUTRAL)),
            (Missing::Worst, _) => missing(MeasureState::Worst, Some(0)),
        };
        return Measured { remembered, ..measured };
    };
    let (points, evaluations, pending) = match measure.after {
        None => (now, vec![], None),
        Some(after) => settled(after, remembered, (when.day, now), |day| {
            worth(known, config, measure, When::start_of(day, &config.model.zone)?).points
        }),
    };
    let state = if stale_since.is_some() { MeasureState::Stale } else { MeasureState::Counted };
    let remembered = Remembered { points, value: said.clone(), missing_since: None, evaluations };
    Measured {
        weighed: weighed(measure, state, Some(points)),
        state,
        value: said,
        case,
        stale_since,
        held_until: None,
        pending,
        remembered: is_kept.then_some(remembered),
    }
}

fn weighed(measure: &Measure, state: MeasureState, points: Option<u16>) -> Weighed {
    Weighed {
        group: measure.dimension,
        weight: measure.weight,
        points,
        wired: state != MeasureState::NotWired,
        covered: state.is_covered(),
        live: state == MeasureState::Counted,
    }
}

/// The last of so many days, the first one included.
fn held_until(from: Date, days: i64) -> Date {
    from.saturating_add(days.saturating_sub(1).days())
}

/// The points of a value at a moment, of a measure whose points depend on nothing else.
pub(crate) fn points_at(known: &Known<'_>, config: &Config, measure: &Measure, when: When) -> Option<u16> {
    let when = judged_at(config, measure, when);
    let (_, points) = points_for(known, measure, when);
    known.value(measure.value, when).and_then(|value| points.of(&value))
}

/// Its points depend on what was before.
pub(crate) fn is_kept(measure: &Measure) -> bool {
    measure.after.is_some() || matches!(measure.missing, Missing::Hold(_))
}

/// Time enters scores in whole days, also where a value grows by the hour.
fn judged_at(config: &Config, measure: &Measure, when: When) -> When {
    if measure.value.by_hours { When::start_of(when.day, &config.model.zone).unwrap_or(when) } else { when }
}

/// Which case holds, and the points of it.
fn points_for<'m>(known: &Known<'_>, measure: &'m Measure, when: When) -> (Option<usize>, &'m Points) {
    let holds = |case: &config::Case| case.when.holds(&values(known, case.when.names(), when)) == Verdict::Holds;
    let case = measure.cases.iter().position(holds);
    (case, case.and_then(|at| measure.cases.get(at)).map_or(&measure.points, |case| &case.points))
}

fn worth(known: &Known<'_>, config: &Config, measure: &Measure, when: When) -> Worth {
    let when = judged_at(config, measure, when);
    let (case, points) = points_for(known, measure, when);
    let Reading { value, stale_since } = known.read(measure.value, when);
    Worth { points: value.as_ref().and_then(|value| points.of(value)), value, case, stale_since }
}

/// The values of these names, those that are known.
pub(crate) fn values(known: &Known<'_>, names: &[&'static str], when: When) -> Scalars {
    names.iter().filter_map(|name| Some((*name, known.scalar(name, when)?))).collect()
}

/// The points that count, the newest evaluations, and a change that was not seen often enough.
///
/// A change counts as far as the newest evaluations agree on it: where all lie below what counted, the highest of them
/// counts, and where all lie above it, the lowest. Evaluations that nobody looked at are made up for.
fn settled(
    after: After,
    remembered: Option<&Remembered>,
    (today, now): (Date, u16),
    worth_on: impl Fn(Date) -> Option<u16>,
) -> (u16, Vec<Evaluation>, Option<Pending>) {
    let before = remembered.and_then(|before| Some((before, before.evaluations.last()?.on)));
    let Some((before, last_on)) = before else {
        return (now, vec![Evaluation { on: today, points: now }], None);
    };
    let most = usize::from(after.evaluations);
    let (mut points, mut evaluations) = (before.points, before.evaluations.clone());
    let from = last_on.max(today.saturating_sub(MOST_MISSED_DAYS.days()));
    let missed = (1..=days_between(from, today)).map(|ahead| from.saturating_add(ahead.days()));
    for day in missed.filter(|day| after.every == Every::Day || day.weekday() == Weekday::Monday) {
        let Some(seen) = worth_on(day) else { continue };
        evaluations.push(Evaluation { on: day, points: seen });
        evaluations.drain(..evaluations.len().saturating_sub(most));
        if evaluations.len() == most {
            let seen = || evaluations.iter().map(|evaluation| evaluation.points);
            points = points.clamp(seen().min().unwrap_or(points), seen().max().unwrap_or(points));
        }
    }
    let seen = evaluations.last().map_or(points, |evaluation| evaluation.points);
    let agrees = |evaluation: &&Evaluation| evaluation.points.cmp(&points) == seen.cmp(&points);
    let times = evaluations.iter().rev().take_while(agrees).count();
    let pending = (seen != points).then(|| Pending {
        points: seen,
        seen: u8::try_from(times).unwrap_or(after.evaluations),
        of: after.evaluations,
    });
    (points, evaluations, pending)
}

/// What the measure gave and missed, with the evidence for it.
pub(crate) fn contribution(
    (measure, dimension): (&Measure, &str),
    measured: &Measured,
    [gained, missed, weight]: [u16; 3],
    known: &Known<'_>,
    prior: Option<&Prior>,
    now: When,
) -> Contribution {
    let value = measured.value.clone();
    let points = measured.weighed.points;
    let before = prior.and_then(|prior| prior.measures.get(&measure.name));
    let case = measured.case.and_then(|at| measure.cases.get(at));
    Contribution {
        measure: measure.name.clone(),
        label: measure.label.clone(),
        dimension: dimension.to_owned(),
        state: measured.state,
        points,
        weight,
        case: case.map(|case| case.when.source().to_owned()),
        stale_since: measured.stale_since,
        held_until: measured.held_until,
        pending: measured.pending,
        gained,
        missed,
        change: before.map(|(before, _)| i32::from(gained) - i32::from(*before)),
        before: before
            .map(|(_, counted)| counted)
            .filter(|counted| counted.value != value || counted.points != points)
            .cloned(),
        evidence: known.told(measure.value, now).map(|told| told.evidence()),
        also_said: known.also_said(measure.value, now),
        value,
    }
}

/// Values as a person reads them, by what people call them.
pub(crate) fn spoken_all(scalars: &Scalars) -> BTreeMap<String, String> {
    let each = scalars.iter().filter_map(|(name, value)| Some((config::scalar(name)?, value)));
    each.map(|(info, value)| (info.label.to_owned(), spoken(info, value))).collect()
}

/// A value with its unit, as a person says it.
fn spoken(info: &ScalarInfo, value: &Scalar) -> String {
    let text = match value {
        Scalar::Int(n) => n.to_string(),
        Scalar::Text(text) => text.clone(),
        Scalar::Flag(true) => "yes".to_owned(),
        Scalar::Flag(false) => "no".to_owned(),
    };
    match (info.unit, value) {
        (Some("people"), Scalar::Int(1)) => "1 person".to_owned(),
        (Some(unit), Scalar::Int(1)) => format!("1 {}", unit.strip_suffix('s').unwrap_or(unit)),
        (Some(unit), _) => format!("{text} {unit}"),
        (None, _) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn one_of_a_thing_is_said_as_one() {
        let said = |name: &str, value: i64| spoken(config::scalar(name).unwrap(), &Scalar::Int(value));
        assert_eq!([said("open_urgent_tickets", 1), said("open_urgent_tickets", 2)], ["1 ticket", "2 tickets"]);
        assert_eq!([said("stakeholders_90d", 1), said("stakeholders_90d", 0)], ["1 person", "0 people"]);
    }

    const WEEKLY: After = After { evaluations: 2, every: Every::Week };

    /// Weeks pass, each with one evaluation; what counts at its end, and in how many evaluations a change was seen.
    #[track_caller]
    fn check(weeks: &[u16], expected: &[(u16, Option<u8>)]) {
        // A Wednesday.
        let first = date(2026, 11, 25);
        let mut held: Option<Remembered> = None;
        let told: Vec<_> = (0_i64..)
            .zip(weeks)
            .map(|(week, now)| {
                let today = first.saturating_add((7 * week).days());
                let (points, evaluations, pending) = settled(WEEKLY, held.as_ref(), (today, *now), |_| Some(*now));
                held = Some(Remembered { points, value: None, missing_since: None, evaluations });
                (points, pending.map(|pending| pending.seen))
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_change_counts_as_far_as_two_weekly_evaluations_agree_on_it() {
        check(&[9_000, 4_000, 5_000], &[(9_000, None), (9_000, Some(1)), (5_000, None)]);
        check(&[9_000, 4_000, 9_000], &[(9_000, None), (9_000, Some(1)), (9_000, None)]);
        check(&[4_000, 9_000, 7_000], &[(4_000, None), (4_000, Some(1)), (7_000, None)]);
        check(&[5_000, 4_000, 6_000, 4_000], &[(5_000, None), (5_000, Some(1)), (5_000, Some(1)), (5_000, Some(1))]);
        check(&[5_000, 4_000, 1_000], &[(5_000, None), (5_000, Some(1)), (4_000, Some(1))]);
    }

    #[test]
    fn looking_more_often_counts_nothing_twice() {
        let first = date(2026, 11, 25);
        let mut held: Option<Remembered> = None;
        let mut told = vec![];
        for day in 0..=12_i64 {
            for _ in 0..3 {
                let now = if day == 0 { 9_000 } else { 4_000 };
                let today = first.saturating_add(day.days());
                let (points, evaluations, _) = settled(WEEKLY, held.as_ref(), (today, now), |_| Some(now));
                held = Some(Remembered { points, value: None, missing_since: None, evaluations });
                told.push((day, points));
            }
        }
        // The second Monday.
        assert!(told.iter().all(|(day, points)| *points == if *day < 12 { 9_000 } else { 4_000 }), "{told:?}");
    }

    #[test]
    fn evaluations_that_nobody_looked_at_are_made_up_for() {
        let on = |day| Evaluation { on: date(2026, 11, day), points: 9_000 };
        let held = Remembered { points: 9_000, value: None, missing_since: None, evaluations: vec![on(2), on(9)] };
        let worth_on = |day: Date| Some(if day < date(2026, 11, 20) { 6_000 } else { 3_000 });
        let (points, evaluations, pending) = settled(WEEKLY, Some(&held), (date(2026, 11, 24), 3_000), worth_on);
        assert_eq!(points, 6_000);
        assert_eq!(evaluations.iter().map(|e| e.on.day()).collect::<Vec<_>>(), [16, 23]);
        assert_eq!(pending, Some(Pending { points: 3_000, seen: 1, of: 2 }));
    }
}
