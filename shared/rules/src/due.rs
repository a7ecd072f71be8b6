//! Looking ahead: the next day on which something changes although nobody says anything.

use config::{Condition, Config, Verdict};
use jiff::ToSpan as _;
use jiff::civil::Date;
use model::{Band, Bands, Moment, Score};

use crate::known::Known;
use crate::measure::measure_points;
use crate::score::{Weighed, score};

/// How far ahead is looked. An account that can still change after that is looked at again then.
const HORIZON_DAYS: i32 = 400;

/// The first 00:00 after `today` on which the band, or a condition that time moves, is not what it is now.
///
/// Time enters scores in whole days, so walking days is exact.
pub(crate) fn next_change(
    known: &Known<'_>,
    config: &Config,
    today: Date,
    band: Band,
    watched_by: &[&Condition],
) -> Option<Moment> {
    let model = &config.model;
    let moves = |c: &&&Condition| c.names().iter().any(|n| config::scalar(n).is_some_and(|info| info.clock_derived));
    let conditions: Vec<(&Condition, Verdict)> =
        watched_by.iter().filter(moves).map(|c| (*c, c.holds(&known.scalars(today)))).collect();
    let clocked: Vec<usize> = (0..model.measures.len())
        .filter(|at| {
            model.measures[*at].value.clock_derived && known.scalar(model.measures[*at].value.name, today).is_some()
        })
        .collect();
    if clocked.is_empty() && conditions.is_empty() {
        return None;
    }
    let dimensions: Vec<u32> = model.dimensions.iter().map(|d| d.weight).collect();
    let mut measures: Vec<Weighed> =
        (0..model.measures.len()).map(|at| measure_points(known, config, at, today).weighed).collect();
    for ahead in 1..=HORIZON_DAYS {
        let day = today.checked_add(ahead.days()).ok()?;
        for at in &clocked {
            measures[*at] = measure_points(known, config, *at, day).weighed;
        }
        let scored = score(&dimensions, &measures);
        let then = band_of(&model.bands, scored.score, scored.confidence, model.min_coverage, Some(band));
        let moved = then != band || conditions.iter().any(|(c, now)| c.holds(&known.scalars(day)) != *now);
        if moved || ahead == HORIZON_DAYS {
            return Moment::start_of(day, &model.zone);
        }
    }
    None
}

/// The band of a score; unknown while too little is known.
pub(crate) fn band_of(
    bands: &Bands,
    score: Option<u16>,
    confidence: u16,
    min_coverage: u16,
    previous: Option<Band>,
) -> Band {
    match score.and_then(|bp| Score::new(bp).ok()) {
        Some(score) if confidence >= min_coverage => bands.of(score, previous),
        _ => Band::Unknown,
    }
}
