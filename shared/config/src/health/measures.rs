//! Measures: one value each, and what it is worth.

use serde::Deserialize;
use toml::Spanned;

use super::facts_only;
use super::points::{Points, PointsTable, points};
use super::profile::Dimension;
use crate::reading::Reader;
use crate::scalar::RESULTS;
use crate::{Condition, SCALARS, ScalarInfo, scalar};

/// One value and what it is worth.
#[derive(Debug, Clone)]
pub struct Measure {
    /// Its name in the file.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Index of its dimension in [`super::Profile::dimensions`].
    pub dimension: usize,
    /// Its weight within the dimension, at least 1.
    pub weight: u32,
    /// What it reads.
    pub value: &'static ScalarInfo,
    /// What the value is worth where no case holds.
    pub points: Points,
    /// What it is worth for some accounts; the first that holds counts.
    pub cases: Vec<Case>,
    /// What happens when an account has no value.
    pub missing: Missing,
    /// A change must be seen more than once; `None` when it counts at once.
    pub after: Option<After>,
}

/// Points of their own for some accounts.
#[derive(Debug, Clone)]
pub struct Case {
    /// Which accounts. What is not known counts as no.
    pub when: Condition,
    /// What the value is worth for them.
    pub points: Points,
}

/// What happens when a wired measure has no value for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// It is left out.
    #[default]
    Skip,
    /// 50 points.
    Neutral,
    /// 0 points.
    Worst,
    /// The last value that counted still does for so many days, the first one included; then it is left out.
    Hold(i64),
}

/// A change counts only as far as so many evaluations in a row agree on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// At least 2.
    pub evaluations: u8,
    /// How far they lie apart.
    pub every: Every,
}

/// How often a measure is evaluated: at 00:00 of the reporting zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// Each day.
    Day,
    /// Each Monday.
    Week,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct MeasureTable {
    pub(super) name: Spanned<String>,
    label: Spanned<String>,
    pub(super) dimension: Spanned<String>,
    weight: Spanned<i64>,
    pub(super) value: Spanned<String>,
    #[serde(default)]
    missing: MissingTable,
    #[serde(default)]
    after: Option<AfterTable>,
    points: Spanned<PointsTable>,
    #[serde(default)]
    case: Vec<CaseTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct CaseTable {
    when: Spanned<String>,
    points: Spanned<PointsTable>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum MissingTable {
    #[default]
    Skip,
    Neutral,
    Worst,
    Hold(Spanned<i64>),
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct AfterTable {
    evaluations: Spanned<i64>,
    every: Every,
}

pub(super) fn after(reader: &mut Reader<'_>, table: &AfterTable) -> After {
    let evaluations = reader.whole(&table.evaluations, 2, 8, "evaluations");
    After { evaluations: u8::try_from(evaluations).unwrap_or(2), every: table.every }
}

pub(super) fn measure(reader: &mut Reader<'_>, table: &MeasureTable, dimensions: &[Dimension]) -> Option<Measure> {
    let (name, label) = (reader.words(&table.name), reader.words(&table.label));
    let weight = reader.weight(&table.weight);
    let dimension = dimensions.iter().position(|dimension| &dimension.name == table.dimension.get_ref());
    if dimension.is_none() {
        reader.unknown(&table.dimension, "a dimension", dimensions.iter().map(|dimension| dimension.name.as_str()));
    }
    let value = value(reader, &table.value);
    let worth = points(reader, &table.points, value);
    let cases = table.case.iter().map(|case| {
        let when = facts_only(reader, &case.when);
        let points = points(reader, &case.points, value);
        Some(Case { when: when?, points: points? })
    });
    let cases: Option<Vec<Case>> = cases.collect::<Vec<_>>().into_iter().collect();
    let missing = match &table.missing {
        MissingTable::Skip => Missing::Skip,
        MissingTable::Neutral => Missing::Neutral,
        MissingTable::Worst => Missing::Worst,
        MissingTable::Hold(days) => Missing::Hold(reader.whole(days, 1, 365, "days")),
    };
    let own = table.after.as_ref().map(|table| after(reader, table));
    let dimension = dimension?;
    let after = own.or(dimensions[dimension].after);
    Some(Measure { name, label, dimension, weight, value: value?, points: worth?, cases: cases?, missing, after })
}

fn value(reader: &mut Reader<'_>, name: &Spanned<String>) -> Option<&'static ScalarInfo> {
    match scalar(name.get_ref()) {
        None => {
            let inputs = SCALARS.iter().map(|info| info.name).filter(|name| !RESULTS.contains(name));
            reader.unknown(name, "a known name", inputs);
            None
        }
        Some(info) if RESULTS.contains(&info.name) => {
            reader.wrong(name.span(), format!("`{}` is a result and cannot be measured", info.name), None);
            None
        }
        Some(info) => Some(info),
    }
}
