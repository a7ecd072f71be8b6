//! One measure: its value, its points, and what it gave or cost.

use config::{Config, HealthModel, Measure, Missing, Points, Scalar};
use jiff::civil::Date;
use model::{Contribution, MeasureState, Prior};

use crate::known::Known;
use crate::score::Weighed;

/// One measure of one account on one day.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub weighed: Weighed,
    pub state: MeasureState,
    pub value: Option<Scalar>,
}

/// The value and points of the measure at `at` on `day`.
pub(crate) fn measure_points(known: &Known<'_>, config: &Config, at: usize, day: Date) -> Measured {
    let measure = &config.model.measures[at];
    let value = known.scalar(measure.value.name, day);
    let points = value.as_ref().and_then(|value| points_of(&measure.points, value));
    let wired = points.is_some() || config.is_wired(measure.value);
    let (state, points) = match (points, wired, measure.missing) {
        (Some(points), _, _) => (MeasureState::Counted, Some(points)),
        (None, false, _) => (MeasureState::NotWired, None),
        (None, true, Missing::Skip) => (MeasureState::Skipped, None),
        (None, true, Missing::Neutral) => (MeasureState::Neutral, Some(5_000)),
        (None, true, Missing::Worst) => (MeasureState::Worst, Some(0)),
    };
    let usable = state == MeasureState::Counted;
    let weighed = Weighed { dimension: measure.dimension, weight: measure.weight, points, wired, usable };
    Measured { weighed, state, value }
}

/// `None` for a word the model does not know: nothing is guessed.
fn points_of(points: &Points, value: &Scalar) -> Option<u16> {
    match (points, value) {
        (Points::Words(words), Scalar::Text(word)) => words.get(word).copied(),
        (Points::Steps(steps), Scalar::Int(n)) => {
            let step = steps.iter().rev().find(|(from, _)| n >= from).or_else(|| steps.first());
            step.map(|(_, points)| *points)
        }
        (Points::Linear(knots), Scalar::Int(n)) => linear(knots, *n),
        (Points::Words(_), _) | (Points::Steps(_) | Points::Linear(_), _) => None,
    }
}

/// Straight lines between knots, flat outside, rounded half-up to a basis point.
fn linear(knots: &[(i64, u16)], n: i64) -> Option<u16> {
    let (first, last) = (knots.first()?, knots.last()?);
    if n <= first.0 {
        return Some(first.1);
    }
    if n >= last.0 {
        return Some(last.1);
    }
    let (low, high) = knots.windows(2).map(|w| (w[0], w[1])).find(|(low, high)| (low.0..=high.0).contains(&n))?;
    let (run, rise) = (i128::from(high.0) - i128::from(low.0), i128::from(high.1) - i128::from(low.1));
    let along = i128::from(n) - i128::from(low.0);
    let points = (2 * (i128::from(low.1) * run + rise * along) + run).div_euclid(2 * run);
    u16::try_from(points).ok()
}

/// What the measure at `at` gave and missed, with the evidence for it.
pub(crate) fn contribution(
    model: &HealthModel,
    measured: &Measured,
    (gained, missed): (u16, u16),
    at: usize,
    known: &Known<'_>,
    prior: Option<&Prior>,
    today: Date,
) -> Contribution {
    let measure = &model.measures[at];
    let value = measured.value.as_ref().map(|value| spoken(measure, value));
    let points = measured.weighed.points;
    let before = prior.and_then(|prior| prior.measures.get(&measure.name));
    Contribution {
        measure: measure.name.clone(),
        label: measure.label.clone(),
        dimension: model.dimensions.get(measure.dimension).map(|d| d.name.clone()).unwrap_or_default(),
        state: measured.state,
        points,
        gained,
        missed,
        change: before.map(|(before, _)| i32::from(gained) - i32::from(*before)),
        before: before
            .map(|(_, counted)| counted)
            .filter(|counted| counted.value != value || counted.points != points)
            .cloned(),
        evidence: known.told(measure.value, today).map(|told| told.evidence()),
        also_said: known.also_said(measure.value, today),
        value,
    }
}

/// A value with its unit, as a person says it.
fn spoken(measure: &Measure, value: &Scalar) -> String {
    let text = match value {
        Scalar::Int(n) => n.to_string(),
        Scalar::Text(text) => text.clone(),
        Scalar::Flag(true) => "yes".to_owned(),
        Scalar::Flag(false) => "no".to_owned(),
    };
    match (measure.value.unit, value) {
        (Some("days"), Scalar::Int(1)) => "1 day".to_owned(),
        (Some(unit), _) => format!("{text} {unit}"),
        (None, _) => text,
    }
}
