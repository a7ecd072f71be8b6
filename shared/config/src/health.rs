//! `health.toml`: what is measured, what it is worth, and where the bands lie.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use model::{Bands, VersionName};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::reading::{Reader, Table};
use crate::scalar::RESULTS;
use crate::{SCALARS, ScalarInfo, ScalarKind, scalar};

/// How health is computed.
#[derive(Debug, Clone)]
pub struct HealthModel {
    /// Its name and content hash.
    pub version: VersionName,
    /// The zone whose calendar days count.
    pub zone: TimeZone,
    /// The borders between bands.
    pub bands: Bands,
    /// Below this share of usable weight the band is unknown, in basis points.
    pub min_coverage: u16,
    /// Groups of measures, in the order of the file.
    pub dimensions: Vec<Dimension>,
    /// Measures, in the order of the file.
    pub measures: Vec<Measure>,
}

/// A weighted group of measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Its name in the file.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Its weight among the dimensions, at least 1.
    pub weight: u32,
}

/// One value and what it is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Its name in the file.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Index of its dimension in [`HealthModel::dimensions`].
    pub dimension: usize,
    /// Its weight within the dimension, at least 1.
    pub weight: u32,
    /// What it reads.
    pub value: &'static ScalarInfo,
    /// What the value is worth.
    pub points: Points,
    /// What happens when an account has no value.
    pub missing: Missing,
}

/// What a value is worth, in basis points (0 to 10 000).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Points {
    /// From this value upwards these points, ascending; below the first value the first points.
    Steps(Vec<(i64, u16)>),
    /// Straight lines between these knots, ascending; flat outside.
    Linear(Vec<(i64, u16)>),
    /// Points per word; a word that is not listed is no value.
    Words(BTreeMap<String, u16>),
}

/// What happens when a wired measure has no value for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// It is left out.
    #[default]
    Skip,
    /// 50 points.
    Neutral,
    /// 0 points.
    Worst,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    name: Spanned<String>,
    zone: Spanned<String>,
    min_coverage: Spanned<i64>,
    bands: Spanned<BandsTable>,
    dimension: Vec<DimensionTable>,
    measure: Vec<MeasureTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct BandsTable {
    yellow_from: Spanned<i64>,
    green_from: Spanned<i64>,
    leave_red_at: Spanned<i64>,
    enter_green_at: Spanned<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct DimensionTable {
    name: Spanned<String>,
    label: Spanned<String>,
    weight: Spanned<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct MeasureTable {
    name: Spanned<String>,
    label: Spanned<String>,
    dimension: Spanned<String>,
    weight: Spanned<i64>,
    value: Spanned<String>,
    #[serde(default)]
    missing: Missing,
    points: Spanned<PointsTable>,
}

/// A value and its points. A list, because a tuple would ignore what stands behind them.
type Knot = Spanned<Vec<Spanned<i64>>>;

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", expecting = "one of the keys steps, linear, words")]
enum PointsTable {
    Steps(Vec<Knot>),
    Linear(Vec<Knot>),
    Words(Table<Spanned<i64>>),
}

/// The model, and where each measure's value stands, to warn of what no connection feeds.
pub(crate) fn read(reader: &mut Reader<'_>) -> Option<(HealthModel, Vec<std::ops::Range<usize>>)> {
    let file: File = reader.parse()?;
    let zone = reader.zone(&file.zone);
    let name = reader.words(&file.name);
    let min_coverage = reader.points(&file.min_coverage);
    let bands = bands(reader, &file.bands);
    let mut dimensions: Vec<Dimension> = Vec::new();
    for table in &file.dimension {
        let dimension = Dimension {
            name: reader.words(&table.name),
            label: reader.words(&table.label),
            weight: reader.weight(&table.weight),
        };
        if dimensions.iter().any(|other| other.name == dimension.name) {
            reader.wrong(table.name.span(), format!("there are two dimensions `{}`", dimension.name), None);
        }
        dimensions.push(dimension);
    }
    let mut measures: Vec<Measure> = Vec::new();
    for table in &file.measure {
        if measures.iter().any(|other| &other.name == table.name.get_ref()) {
            reader.wrong(table.name.span(), format!("there are two measures `{}`", table.name.get_ref()), None);
        }
        measures.extend(measure(reader, table, &dimensions));
    }
    let belongs = |name: &str| file.measure.iter().any(|measure| measure.dimension.get_ref() == name);
    // A measure with a misspelt dimension is told above, and its dimension only seems empty.
    let all_known = measures.len() == file.measure.len();
    for table in file.dimension.iter().filter(|table| all_known && !belongs(table.name.get_ref())) {
        let message = format!("no measure belongs to the dimension `{}`", table.name.get_ref());
        reader.wrong(table.name.span(), message, None);
    }
    let hash = hex_start(&Sha256::digest(reader.text.as_bytes()));
    let model =
        HealthModel { version: VersionName { name, hash }, zone: zone?, bands, min_coverage, dimensions, measures };
    Some((model, file.measure.iter().map(|table| table.value.span()).collect()))
}

/// The first 12 hexadecimal digits.
fn hex_start(hash: &[u8]) -> String {
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn bands(reader: &mut Reader<'_>, table: &Spanned<BandsTable>) -> Bands {
    let written = table.get_ref();
    let bands = Bands {
        yellow_from: reader.points(&written.yellow_from),
        green_from: reader.points(&written.green_from),
        leave_red_at: reader.points(&written.leave_red_at),
        enter_green_at: reader.points(&written.enter_green_at),
    };
    // Each border is at or above the one before it; a red account that recovers must still meet yellow before green.
    let order = [
        (0, bands.yellow_from, "yellow_from", "0", &written.yellow_from),
        (bands.yellow_from, bands.leave_red_at, "leave_red_at", "yellow_from", &written.leave_red_at),
        (bands.leave_red_at, bands.green_from, "green_from", "leave_red_at", &written.green_from),
        (bands.green_from, bands.enter_green_at, "enter_green_at", "green_from", &written.enter_green_at),
    ];
    for (lower, upper, name, below, place) in order {
        let strictly = matches!(name, "yellow_from" | "green_from");
        if upper < lower || (strictly && upper == lower) {
            let relation = if strictly { "above" } else { "at or above" };
            let help = "yellow_from ≤ leave_red_at < green_from ≤ enter_green_at".to_owned();
            reader.wrong(place.span(), format!("`{name}` must be {relation} {below}"), help);
        }
    }
    bands
}

fn measure(reader: &mut Reader<'_>, table: &MeasureTable, dimensions: &[Dimension]) -> Option<Measure> {
    let (name, label) = (reader.words(&table.name), reader.words(&table.label));
    let weight = reader.weight(&table.weight);
    let dimension = dimensions.iter().position(|dimension| &dimension.name == table.dimension.get_ref());
    if dimension.is_none() {
        reader.unknown(&table.dimension, "a dimension", dimensions.iter().map(|dimension| dimension.name.as_str()));
    }
    let inputs = || SCALARS.iter().filter(|info| !RESULTS.contains(&info.name) && info.kind != ScalarKind::Flag);
    let value = scalar(table.value.get_ref());
    let value = match value {
        None => {
            reader.unknown(&table.value, "a known name", inputs().map(|info| info.name));
            None
        }
        Some(info) if RESULTS.contains(&info.name) => {
            reader.wrong(table.value.span(), format!("`{}` is a result and cannot be measured", info.name), None);
            None
        }
        Some(info) if info.kind == ScalarKind::Flag => {
            let message = format!("`{}` is true or false; a measure reads a number or a word", info.name);
            reader.wrong(table.value.span(), message, None);
            None
        }
        Some(info) => Some(info),
    };
    let points = points(reader, &table.points, value);
    Some(Measure { name, label, dimension: dimension?, weight, value: value?, points: points?, missing: table.missing })
}

fn points(reader: &mut Reader<'_>, table: &Spanned<PointsTable>, value: Option<&ScalarInfo>) -> Option<Points> {
    let (points, kind, wanted) = match table.get_ref() {
        PointsTable::Steps(steps) => (Points::Steps(knots(reader, steps)), ScalarKind::Int, "words"),
        PointsTable::Linear(line) => (Points::Linear(knots(reader, line)), ScalarKind::Int, "words"),
        PointsTable::Words(words) => {
            let words = words.iter().map(|(word, points)| (word.get_ref().clone(), reader.points(points))).collect();
            (Points::Words(words), ScalarKind::Text, "steps or linear")
        }
    };
    let empty = match &points {
        Points::Steps(knots) | Points::Linear(knots) => knots.is_empty(),
        Points::Words(words) => words.is_empty(),
    };
    if empty {
        reader.wrong(table.span(), "no points are given", None);
    }
    match value {
        Some(info) if info.kind != kind => {
            let message = format!("`{}` is {}; its points are {wanted}", info.name, info.kind);
            reader.wrong(table.span(), message, None);
            None
        }
        Some(_) | None => Some(points),
    }
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
