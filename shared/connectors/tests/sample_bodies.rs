//! Bodies that vendors really sent or printed, and what a person reads in them.
//!
//! The bodies are not part of this repository. With `SAMPLES` set to a folder that holds them (`payloads/<vendor>/…`),
//! each body of one of our vendors must have its claims in `tests/samples/<vendor>/<the same name>.toml`, written by hand:
//!
//! ```toml
//! tool = "typeform"                 # who reads it
//! received_at = "2026-11-20T08:30:00Z"
//!
//! [mapping]                         # with which mapping
//! currency = "EUR"
//!
//! [claims]                          # at least three, as in a fixture's claims.toml
//! signals.length = 1                # or: ignored = "why it says nothing"
//! ```

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use common::Recorded;
use common::mutation::each_value_feeds_its_own;
use connectors::{ALL, Connector, by_name};
use model::{Mapping, Moment, Normalized};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claimed {
    tool: String,
    received_at: Moment,
    mapping: Mapping,
    claims: toml::Table,
}

impl Claimed {
    fn connector(&self) -> &'static dyn Connector {
        by_name(&self.tool).unwrap_or_else(|| panic!("there is no tool `{}`", self.tool))
    }

    fn request(&self, body: Vec<u8>) -> Recorded {
        Recorded {
            method: "POST".into(),
            url: "https://hooks.example/".into(),
            received_at: self.received_at,
            secret: String::new(),
            headers: BTreeMap::new(),
            fetched: None,
            body,
        }
    }
}

/// The vendor of a tool, as the folders are named: `hubspot-app` is HubSpot's.
fn vendor(connector: &dyn Connector) -> &'static str {
    let name = connector.tool().name;
    name.split_once('-').map_or(name, |(vendor, _)| vendor)
}

fn vendors() -> BTreeSet<&'static str> {
    ALL.iter().map(|connector| vendor(*connector)).collect()
}

/// Every claims file by `vendor/name`.
fn all_claims() -> BTreeMap<String, Claimed> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let of_vendor = |vendor: PathBuf| files(&vendor, "toml");
    let files = children(&dir).into_iter().flat_map(of_vendor);
    files
        .map(|(name, path)| {
            let text = fs::read_to_string(&path).unwrap();
            (name, toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
        })
        .collect()
}

fn children(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("cannot list {}: {e}", dir.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The files of a vendor's folder by `vendor/name`; anything else than `extension` is out of place.
fn files(vendor: &Path, extension: &str) -> Vec<(String, PathBuf)> {
    let folder = vendor.file_name().unwrap().to_string_lossy().into_owned();
    let named = |path: PathBuf| {
        assert_eq!(
            path.extension().and_then(|e| e.to_str()),
            Some(extension),
            "{} does not belong here",
            path.display()
        );
        (format!("{folder}/{}", path.file_stem().unwrap().to_string_lossy()), path)
    };
    children(vendor).into_iter().map(named).collect()
}

/// The sample bodies of our vendors by `vendor/name`; `None` where no samples were asked for.
fn bodies() -> Option<BTreeMap<String, PathBuf>> {
    let folder = std::env::var_os("SAMPLES")?;
    assert!(!folder.is_empty(), "SAMPLES is set and empty; name the folder of the samples, or unset it");
    let payloads = PathBuf::from(folder).join("payloads");
    Some(vendors().into_iter().flat_map(|vendor| files(&payloads.join(vendor), "json")).collect())
}

fn outcome(out: &Normalized) -> Value {
    let mut outcome = json!({"signals": [], "links": [], "fetches": [], "quarantined": [], "warnings": []});
    let Value::Object(parts) = json!(out) else { unreachable!("a struct is an object") };
    for (name, part) in parts {
        outcome[name] = part;
    }
    outcome
}

#[test]
fn every_claims_file_is_for_a_vendor_and_a_tool_of_its_vendor() {
    let all = all_claims();
    for (name, claimed) in &all {
        let (folder, _) = name.split_once('/').unwrap();
        assert_eq!(vendor(claimed.connector()), folder, "{name}");
        assert!(!claimed.claims.is_empty(), "{name}");
    }
    let tools: BTreeSet<_> = all.values().map(|claimed| claimed.tool.as_str()).collect();
    assert_eq!(tools, ALL.iter().map(|connector| connector.tool().name).collect());
}

#[test]
fn every_sample_has_its_claims_and_every_claim_its_sample() {
    let Some(bodies) = bodies() else { return };
    let claims = all_claims();
    let without = |a: BTreeSet<_>, b: BTreeSet<_>| a.difference(&b).cloned().collect::<Vec<String>>();
    let (of_bodies, of_claims) = (|| bodies.keys().cloned().collect(), || claims.keys().cloned().collect());
    assert_eq!(without(of_bodies(), of_claims()), [""; 0], "samples without claims");
    assert_eq!(without(of_claims(), of_bodies()), [""; 0], "claims without a sample");
}

#[test]
fn every_sample_says_what_a_person_reads_in_it() {
    let Some(bodies) = bodies() else { return };
    let mut failures = Vec::new();
    for (name, claimed) in all_claims() {
        let request = claimed.request(fs::read(&bodies[&name]).unwrap());
        let out = request.normalize_with(claimed.connector(), &claimed.mapping);
        let silent = out.signals.is_empty() && out.links.is_empty() && out.fetches.is_empty();
        let ignored = claimed.claims.contains_key("ignored");
        let held = match (silent, ignored) {
            (true, false) => Err("it says nothing; `ignored` must give the reason".to_owned()),
            (false, true) => Err("it says something, so it is not `ignored`".to_owned()),
            _ => testkit::golden::hold(&claimed.claims, &outcome(&out)),
        };
        failures.extend(held.err().map(|message| format!("{name}: {message}\n{:#}", outcome(&out))));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn a_changed_value_of_a_sample_changes_what_is_said_of_it_and_nothing_else() {
    let Some(bodies) = bodies() else { return };
    let mut values = 0;
    for (name, claimed) in all_claims() {
        let request = claimed.request(fs::read(&bodies[&name]).unwrap());
        values += each_value_feeds_its_own(claimed.connector(), &name, &request, &claimed.mapping);
    }
    assert!(values > 10, "{values}");
}
