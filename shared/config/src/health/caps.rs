//! Caps: what keeps an account from a band, whatever else is said of it.

use model::Band;
use serde::Deserialize;
use toml::Spanned;

use super::facts_only;
use crate::Condition;
use crate::reading::Reader;

/// Where it holds, the score goes no higher than a band allows.
#[derive(Debug, Clone)]
pub struct CapRule {
    /// Its name in the file.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// When it holds. What is not known counts as no.
    pub when: Condition,
    /// Yellow or red.
    pub at_most: Band,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct CapTable {
    name: Spanned<String>,
    label: Spanned<String>,
    when: Spanned<String>,
    at_most: AtMost,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum AtMost {
    Yellow,
    Red,
}

pub(super) fn caps(reader: &mut Reader<'_>, tables: &[CapTable]) -> Option<Vec<CapRule>> {
    let mut names: Vec<&str> = Vec::new();
    let mut caps = Vec::new();
    for table in tables {
        let name = reader.words(&table.name);
        if names.contains(&table.name.get_ref().as_str()) {
            reader.wrong(table.name.span(), format!("there are two caps `{name}`"), None);
        }
        names.push(table.name.get_ref());
        let label = reader.words(&table.label);
        let at_most = match table.at_most {
            AtMost::Yellow => Band::Yellow,
            AtMost::Red => Band::Red,
        };
        let when = facts_only(reader, &table.when);
        caps.push(when.map(|when| CapRule { name, label, when, at_most }));
    }
    caps.into_iter().collect()
}
