//! `health/*.toml`: what is measured of one kind of account.

use std::ops::Range;

use model::{Family, VersionName};
use serde::Deserialize;
use toml::Spanned;

use super::caps::{CapRule, CapTable, caps};
use super::measures::{After, AfterTable, Measure, MeasureTable, after, measure};
use crate::reading::{Reader, Table};
use crate::{Condition, Problem};

/// What is measured of one kind of account, and what it is worth.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The file's name without `.toml`, with the hash of all that its numbers come from.
    pub version: VersionName,
    /// What people call it.
    pub title: String,
    /// It is for accounts for which this holds; `None` is for all.
    pub when: Option<Condition>,
    /// Families of which an enabled connection must exist, or the profile is passed over.
    pub needs: Vec<Family>,
    /// The one number to look at first, where its preset names one.
    pub headline: Option<Headline>,
    /// Groups of measures, in the order of the file.
    pub dimensions: Vec<Dimension>,
    /// Measures, in the order of the file.
    pub measures: Vec<Measure>,
    /// Caps, in the order of the file.
    pub caps: Vec<CapRule>,
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
    /// Below this share of its wired weight it is unknown, in basis points.
    pub min_coverage: u16,
    /// What holds for its measures that say nothing themselves.
    pub after: Option<After>,
}

/// The number that a company of some maturity looks at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Headline {
    /// Net promoter score.
    Nps,
    /// Customer effort score.
    Ces,
    /// Recurring revenue lost with customers who left.
    DollarChurn,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    title: Spanned<String>,
    dimension: Vec<DimensionTable>,
    measure: Vec<MeasureTable>,
    #[serde(default)]
    cap: Vec<CapTable>,
    #[serde(default)]
    preset: Table<PresetTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct DimensionTable {
    name: Spanned<String>,
    label: Spanned<String>,
    weight: Spanned<i64>,
    #[serde(default)]
    min_coverage: Option<Spanned<i64>>,
    #[serde(default)]
    after: Option<AfterTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct PresetTable {
    headline: Headline,
    weights: Table<Spanned<i64>>,
}

/// Weights for the dimensions in their order, under a name. What it does not name keeps its own.
struct Preset {
    name: String,
    headline: Headline,
    weights: Vec<u32>,
}

/// One file of `health/`, checked, before it is known which preset is used.
pub(crate) struct ProfileFile {
    file: String,
    text: String,
    title: String,
    dimensions: Vec<Dimension>,
    measures: Vec<Measure>,
    /// Where each measure's value stands.
    places: Vec<Range<usize>>,
    caps: Vec<CapRule>,
    presets: Vec<Preset>,
}

impl ProfileFile {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let file: File = reader.parse()?;
        let title = reader.words(&file.title);
        let dimensions = dimensions(reader, &file.dimension);
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
        let caps = caps(reader, &file.cap);
        let presets = file.preset.iter().map(|(name, table)| preset(reader, name.get_ref(), table, &dimensions));
        let presets = presets.collect();
        Some(Self {
            file: reader.file.to_owned(),
            text: reader.text.to_owned(),
            title,
            dimensions,
            measures,
            places: file.measure.iter().map(|table| table.value.span()).collect(),
            caps: caps?,
            presets,
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A problem with the value of the measure at this place.
    pub(crate) fn about_value(&self, at: usize, message: String) -> Problem {
        Problem::at(&self.file, &self.text, self.places.get(at).cloned().unwrap_or(0..0), message)
    }

    /// The profile with the weights of a preset; without one, with those beside the dimensions.
    pub(super) fn profile(
        &self,
        reader: &mut Reader<'_>,
        preset: Option<&Spanned<String>>,
        version: VersionName,
        when: Option<Condition>,
        needs: Vec<Family>,
    ) -> Option<Profile> {
        let chosen = match preset {
            None => None,
            Some(name) => {
                let found = self.presets.iter().find(|preset| &preset.name == name.get_ref());
                if found.is_none() {
                    let what = format!("a preset of {}", self.file);
                    reader.unknown(name, &what, self.presets.iter().map(|preset| preset.name.as_str()));
                }
                Some(found?)
            }
        };
        let mut dimensions = self.dimensions.clone();
        let weights = chosen.iter().flat_map(|preset| &preset.weights);
        dimensions.iter_mut().zip(weights).for_each(|(dimension, weight)| dimension.weight = *weight);
        Some(Profile {
            version,
            title: self.title.clone(),
            when,
            needs,
            headline: chosen.map(|preset| preset.headline),
            dimensions,
            measures: self.measures.clone(),
            caps: self.caps.clone(),
        })
    }
}

fn dimensions(reader: &mut Reader<'_>, tables: &[DimensionTable]) -> Vec<Dimension> {
    let mut dimensions: Vec<Dimension> = Vec::new();
    for table in tables {
        let dimension = Dimension {
            name: reader.words(&table.name),
            label: reader.words(&table.label),
            weight: reader.weight(&table.weight),
            min_coverage: table.min_coverage.as_ref().map_or(0, |share| reader.points(share)),
            after: table.after.as_ref().map(|table| after(reader, table)),
        };
        if dimensions.iter().any(|other| other.name == dimension.name) {
            reader.wrong(table.name.span(), format!("there are two dimensions `{}`", dimension.name), None);
        }
        dimensions.push(dimension);
    }
    dimensions
}

fn preset(reader: &mut Reader<'_>, name: &str, table: &PresetTable, dimensions: &[Dimension]) -> Preset {
    let written = &table.weights;
    for dimension in written.keys().filter(|name| !dimensions.iter().any(|known| &known.name == name.get_ref())) {
        reader.unknown(dimension, "a dimension", dimensions.iter().map(|dimension| dimension.name.as_str()));
    }
    let weights = dimensions.iter().map(|dimension| {
        let weight = written.iter().find(|(name, _)| name.get_ref() == &dimension.name);
        weight.map_or(dimension.weight, |(_, weight)| reader.weight(weight))
    });
    let weights = weights.collect();
    Preset { name: name.to_owned(), headline: table.headline, weights }
}
