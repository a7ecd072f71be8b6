//! What a value is worth.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::reading::{Reader, Table};
use crate::{Scalar, ScalarInfo, ScalarKind};

/// What a value is worth, in basis points (0 to 10 000).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Points {
    /// From this value upwards these points, ascending; below the first value the first points.
    Steps(Vec<(i64, u16)>),
    /// Straight lines between these knots, ascending; flat outside.
    Linear(Vec<(i64, u16)>),
    /// Points per word; a word that is not listed is no value. For what is true or false the words are `yes` and `no`.
    Words(BTreeMap<String, u16>),
    /// Two-sided: all points inside, and straight lines down on both sides.
    Band {
        /// The lowest and the highest value with all points.
        full: (i64, i64),
        /// At or below the one and at or above the other, what is left.
        edge: (i64, i64),
        /// What is left.
        outside: u16,
    },
}

/// All points, as basis points: part of the scale.
const FULL: u16 = 10_000;

impl Points {
    /// The points of a value; `None` for one they are not for, such as a word that is not listed: nothing is guessed.
    pub fn of(&self, value: &Scalar) -> Option<u16> {
        match (self, value) {
            (Self::Words(words), Scalar::Text(word)) => words.get(word).copied(),
            (Self::Words(words), Scalar::Flag(flag)) => words.get(if *flag { "yes" } else { "no" }).copied(),
            (Self::Steps(steps), Scalar::Int(n)) => {
                let step = steps.iter().rev().find(|(from, _)| n >= from).or_else(|| steps.first());
                step.map(|(_, points)| *points)
            }
            (Self::Linear(knots), Scalar::Int(n)) => linear(knots, *n),
            (Self::Band { full, edge, outside }, Scalar::Int(n)) => {
                if (full.0..=full.1).contains(n) {
                    Some(FULL)
                } else if *n < full.0 {
                    linear(&[(edge.0, *outside), (full.0, FULL)], *n)
                } else {
                    linear(&[(full.1, FULL), (edge.1, *outside)], *n)
                }
            }
            (Self::Words(_), Scalar::Int(_))
            | (Self::Steps(_) | Self::Linear(_) | Self::Band { .. }, Scalar::Text(_) | Scalar::Flag(_)) => None,
        }
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

/// A value and its points. A list, because a tuple would ignore what stands behind them.
type Knot = Spanned<Vec<Spanned<i64>>>;

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", expecting = "one of the keys steps, linear, words, band")]
pub(super) enum PointsTable {
    Steps(Vec<Knot>),
    Linear(Vec<Knot>),
    Words(Table<Spanned<i64>>),
    Band(BandTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct BandTable {
    full: Knot,
    edge: Knot,
    outside: Spanned<i64>,
}

pub(super) fn points(
    reader: &mut Reader<'_>,
    table: &Spanned<PointsTable>,
    value: Option<&ScalarInfo>,
) -> Option<Points> {
    let points = match table.get_ref() {
        PointsTable::Steps(steps) => Some(Points::Steps(knots(reader, steps))),
        PointsTable::Linear(line) => Some(Points::Linear(knots(reader, line))),
        PointsTable::Words(words) => {
            let words = words.iter().map(|(word, points)| (word.get_ref().clone(), reader.points(points))).collect();
            Some(Points::Words(words))
        }
        PointsTable::Band(table) => band(reader, table),
    }?;
    let is_empty = match &points {
        Points::Steps(knots) | Points::Linear(knots) => knots.is_empty(),
        Points::Words(words) => words.is_empty(),
        Points::Band { .. } => false,
    };
    if is_empty {
        reader.wrong(table.span(), "no points are given", None);
    }
    let info = value?;
    let wanted = match (info.kind, &points) {
        (ScalarKind::Int, Points::Steps(_) | Points::Linear(_) | Points::Band { .. })
        | (ScalarKind::Text, Points::Words(_)) => None,
        (ScalarKind::Flag, Points::Words(words)) => {
            words.keys().any(|word| word != "yes" && word != "no").then_some("words: `yes` and `no`")
        }
        (ScalarKind::Int, Points::Words(_)) => Some("steps, linear or band"),
        (ScalarKind::Text, _) => Some("words"),
        (ScalarKind::Flag, _) => Some("words: `yes` and `no`"),
    };
    if let Some(wanted) = wanted {
        reader.wrong(table.span(), format!("`{}` is {}; its points are {wanted}", info.name, info.kind), None);
        return None;
    }
    Some(points)
}

fn band(reader: &mut Reader<'_>, table: &BandTable) -> Option<Points> {
    let pair = |reader: &mut Reader<'_>, knot: &Knot| match knot.get_ref().as_slice() {
        [low, high] if low.get_ref() <= high.get_ref() => Some((*low.get_ref(), *high.get_ref())),
        _ => {
            reader.wrong(knot.span(), "expected the lowest and the highest value, such as `[1, 6]`", None);
            None
        }
    };
    let (full, edge) = (pair(reader, &table.full), pair(reader, &table.edge));
    let outside = reader.points(&table.outside);
    let (full, edge) = (full?, edge?);
    if edge.0 >= full.0 || edge.1 <= full.1 {
        let help = format!("such as `[{}, {}]`", full.0.saturating_sub(1), full.1.saturating_add(1));
        reader.wrong(table.edge.span(), "`edge` must lie outside of `full` on both sides", help);
    }
    Some(Points::Band { full, edge, outside })
}

fn knots(reader: &mut Reader<'_>, knots: &[Knot]) -> Vec<(i64, u16)> {
    let mut read: Vec<(i64, u16)> = Vec::new();
    for knot in knots {
        let [value, points] = knot.get_ref().as_slice() else {
            reader.wrong(knot.span(), "expected a value and its points, such as `[45, 60]`", None);
            continue;
        };
        let value_now = *value.get_ref();
        match read.last() {
            Some((before, _)) if *before >= value_now => {
                let help = "write the values in ascending order, each once".to_owned();
                reader.wrong(value.span(), format!("{value_now} does not come after {before}"), help);
            }
            Some(_) | None => {}
        }
        read.push((value_now, reader.points(points)));
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_off_steps_lines_words_and_both_sides_of_a_band() {
        let int = |points: &Points, n| points.of(&Scalar::Int(n)).unwrap();
        let steps = Points::Steps(vec![(0, 3_000), (60, 6_000)]);
        assert_eq!([-5, 0, 59, 60, 900].map(|n| int(&steps, n)), [3_000, 3_000, 3_000, 6_000, 6_000]);
        let line = Points::Linear(vec![(14, 10_000), (45, 6_000), (90, 0)]);
        assert_eq!(
            [0, 14, 15, 45, 46, 90, i64::MAX].map(|n| int(&line, n)),
            [10_000, 10_000, 9_871, 6_000, 5_867, 0, 0]
        );
        let band = Points::Band { full: (1, 6), edge: (-1, 12), outside: 4_000 };
        let at = [i64::MIN, -1, 0, 1, 6, 9, 12, i64::MAX];
        assert_eq!(at.map(|n| int(&band, n)), [4_000, 4_000, 7_000, 10_000, 10_000, 7_000, 4_000, 4_000]);
        let words = Points::Words([("yes".to_owned(), 10_000), ("no".to_owned(), 2_000)].into());
        assert_eq!(words.of(&Scalar::Flag(false)), Some(2_000));
        assert_eq!(words.of(&Scalar::Text("maybe".into())), None);
        assert_eq!(words.of(&Scalar::Int(1)), None);
    }
}
