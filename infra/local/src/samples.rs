//! Sample deliveries in the form the vendor sends them: what `simulate` posts, and the book that fills an empty journal.
//!
//! The samples are in `samples/samples.toml`, their bodies are templates beside it. Nothing here reads a clock: the
//! moment of the simulation is an argument, so the same moment gives the same bytes.

mod random;
mod render;
mod sign;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use model::{ConnectionName, Family, Moment};
use serde::Deserialize;

pub use random::{Dice, random, shuffle};
pub use sign::{signed, signed_by};

const INDEX: &str = include_str!("../samples/samples.toml");

/// Stands for the whole book where a sample is named.
pub const BOOK: &str = "book";

/// A variable of a sample's template.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(untagged)]
pub enum Var {
    /// A switch.
    Flag(bool),
    /// A number, mostly of days.
    Int(i64),
    /// A text.
    Text(String),
}

/// Which part of the book a sample is in. The baseline is settled before the first change, which is then news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// What is known at first.
    Baseline,
    /// What happens then.
    Change,
}

/// One entry of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What people type.
    pub name: String,
    /// What it is and what follows, in one line.
    pub about: String,
    /// The connection that would send it.
    pub connection: ConnectionName,
    /// The connection's family.
    pub family: Family,
    /// The tool that would send it, which is who signs it.
    pub tool: &'static str,
    /// Its part in the book; `None` when it is in none.
    pub phase: Option<Phase>,
    template: String,
    vars: BTreeMap<String, Var>,
    /// The variables that have changed since: in the sequence given, or just now.
    changed: BTreeMap<String, Option<u32>>,
}

/// When a simulation takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The moment that days count from.
    pub now: Moment,
    /// How much earlier the vendor says it happened.
    pub late: SignedDuration,
    /// Position among all deliveries, in milliseconds that are added to what has just changed: what is simulated later
    /// is news even when the clock stands.
    pub sequence: u32,
}

/// A request to send, unsigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleDelivery {
    /// The sample's name.
    pub name: String,
    /// The connection that would send it.
    pub connection: ConnectionName,
    /// The connection's family.
    pub family: Family,
    /// The tool that would send it, which is who signs it.
    pub tool: &'static str,
    /// Its part in the book.
    pub phase: Option<Phase>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// Why there is no sample.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SampleError {
    /// Nothing is called so.
    #[error("there is no sample `{name}`")]
    #[diagnostic(help("{nearest}`barometer simulate --list` shows them all"))]
    NoSuch {
        /// What was asked for.
        name: String,
        /// What it may have been meant to be.
        nearest: String,
    },
    /// The index is damaged.
    #[error("the index of samples is damaged: {0}")]
    Index(String),
    /// A template is damaged.
    #[error("the template of the sample `{name}` is damaged")]
    Template {
        /// The sample.
        name: String,
        /// Why.
        #[source]
        source: minijinja::Error,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IndexFile {
    sample: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    about: String,
    #[serde(default = "hubspot")]
    connection: String,
    template: Option<String>,
    extends: Option<String>,
    phase: Option<Phase>,
    #[serde(default)]
    vars: BTreeMap<String, Var>,
}

fn hubspot() -> String {
    "hubspot".to_owned()
}

/// The tool of a connection of the shipped configuration: mostly they are called alike.
fn tool_of(connection: &str) -> Option<model::Tool> {
    let name = if connection == "hubspot" { "hubspot-workflow" } else { connection };
    connectors::by_name(name).map(|connector| *connector.tool())
}

/// Every sample, in the order of the index.
///
/// # Errors
/// When the index is damaged.
pub fn index() -> Result<Vec<Sample>, SampleError> {
    let damaged = |what: &str, error: &dyn std::fmt::Display| SampleError::Index(format!("{what}: {error}"));
    let file: IndexFile = toml::from_str(INDEX).map_err(|error| damaged("samples.toml", &error))?;
    let mut samples: Vec<Sample> = Vec::new();
    for entry in file.sample {
        let base = match &entry.extends {
            Some(base) => Some(
                samples
                    .iter()
                    .find(|sample| &sample.name == base)
                    .ok_or_else(|| damaged(&entry.name, &"extends a sample that does not stand before it"))?,
            ),
            None => None,
        };
        let template = entry.template.or_else(|| base.map(|base| base.template.clone()));
        let changed = entry.vars.keys().filter(|_| base.is_some()).map(|name| (name.clone(), None)).collect();
        let mut vars = base.map(|base| base.vars.clone()).unwrap_or_default();
        vars.extend(entry.vars);
        let tool = tool_of(&entry.connection).ok_or_else(|| damaged(&entry.name, &"is of a tool that there is not"))?;
        samples.push(Sample {
            connection: entry.connection.parse().map_err(|error| damaged(&entry.name, &error))?,
            template: template.ok_or_else(|| damaged(&entry.name, &"has no template"))?,
            name: entry.name,
            about: entry.about,
            family: tool.family,
            tool: tool.name,
            phase: entry.phase,
            vars,
            changed,
        });
    }
    Ok(samples)
}

/// The book that fills an empty journal: the whole baseline first, then the changes.
///
/// # Errors
/// When the index or a template is damaged.
pub fn book(now: Moment) -> Result<Vec<SampleDelivery>, SampleError> {
    let mut samples: Vec<Sample> = index()?.into_iter().filter(|sample| sample.phase.is_some()).collect();
    samples.sort_by_key(|sample| sample.phase);
    let numbered = (0_u32..).zip(&samples);
    numbered.map(|(sequence, sample)| sample.at(&When { now, late: SignedDuration::ZERO, sequence })).collect()
}

/// The samples of that name: one, or the whole book.
///
/// # Errors
/// When there is none, with the nearest name.
pub fn by_name(name: &str) -> Result<Vec<Sample>, SampleError> {
    let mut samples = index()?;
    if name == BOOK {
        samples.retain(|sample| sample.phase.is_some());
        samples.sort_by_key(|sample| sample.phase);
        return Ok(samples);
    }
    if let Some(found) = samples.iter().find(|sample| sample.name == name) {
        return Ok(vec![found.clone()]);
    }
    // Words in common say more than letters in common: `nordwind-red` is meant to be `nordwind-sentiment-red`.
    let common = |sample: &&Sample| name.split('-').filter(|word| sample.name.split('-').any(|w| w == *word)).count();
    let nearest = samples.iter().max_by_key(common).filter(|sample| common(sample) > 0);
    let nearest = nearest.map(|sample| format!("did you mean `{}`? ", sample.name)).unwrap_or_default();
    Err(SampleError::NoSuch { name: name.to_owned(), nearest })
}

impl Sample {
    /// The sample as it would be sent then.
    ///
    /// # Errors
    /// When its template is damaged.
    pub fn at(&self, when: &When) -> Result<SampleDelivery, SampleError> {
        let body = render::body(&self.template, &self.vars, &self.changed, when)
            .map_err(|source| SampleError::Template { name: self.name.clone(), source })?;
        Ok(SampleDelivery {
            name: self.name.clone(),
            connection: self.connection.clone(),
            family: self.family,
            tool: self.tool,
            phase: self.phase,
            body: body.into_bytes(),
        })
    }
}

#[cfg(test)]
#[path = "samples/tests.rs"]
mod tests;
