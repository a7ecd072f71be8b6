//! What rows of the tables look like, and what they look like when a newer build writes them.
//!
//! While a version is deployed, its functions and those of the version before it work on the same rows. So a field is added
//! and never removed or retyped, and whoever reads a row passes over what it does not know.

use std::collections::{BTreeMap, BTreeSet};

use barometer::host::Host;
use bytes::Bytes;
use runtime::seam::{Call, Target};
use serde_json::{Map, Value, json};

/// Every attribute of every kind of row, as `table kind path`, with DynamoDB's names of the types it is seen with.
pub type Shape = BTreeMap<String, BTreeSet<String>>;

/// Maps whose keys are data: names of measures, ids of deliveries, addresses. Known by how their path ends.
const KEYED: [&str; 20] = [
    "answers",
    "assessment.runway",
    "because",
    "before.runway",
    "caps",
    "children",
    "claims",
    "done",
    "headers",
    "measures",
    "pending",
    "placed",
    "read",
    "registers",
    "registers.*",
    "sent",
    "threads",
    "told",
    "turns",
    "waits",
];

/// Enumerations: one field, named after the variant.
const TAGGED: [&str; 5] = ["placement", "state", "target", "user", "value"];

fn is_one_of(path: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.')))
}

fn below(path: &str, key: &str) -> String {
    format!("{path}.{}", if is_one_of(path, &KEYED) { "*" } else { key })
}

/// What [`as_newer`] adds.
const ADDED: &str = "added_next_year";

/// Adds the rows of `host` to `shape`.
pub fn of_host(host: &Host, shape: &mut Shape) {
    for table in &host.stack().tables {
        for item in host.engine().dump(&table.logical_id) {
            let kind = format!("{} {}", table.logical_id, kind(&item));
            for (name, value) in item.as_object().into_iter().flatten() {
                attribute(&kind, name, value, shape);
            }
        }
    }
}

/// What its keys begin with says what a row is.
fn kind(item: &Value) -> String {
    let head = |name: &str| {
        let key = item[name]["S"].as_str().unwrap_or_default();
        let head = key.split('#').next().unwrap_or_default();
        let is_word = !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_word { head.to_owned() } else { "*".to_owned() }
    };
    format!("{}/{}", head("pk"), head("sk"))
}

fn attribute(kind: &str, path: &str, value: &Value, shape: &mut Shape) {
    for (of, inner) in value.as_object().into_iter().flatten() {
        shape.entry(format!("{kind} {path}")).or_default().insert(of.clone());
        match (of.as_str(), inner) {
            ("M", Value::Object(fields)) => {
                fields.iter().for_each(|(key, value)| attribute(kind, &below(path, key), value, shape));
            }
            ("L", Value::Array(items)) => {
                items.iter().for_each(|item| attribute(kind, &format!("{path}[]"), item, shape));
            }
            _ => {}
        }
    }
}

/// What `new` no longer has of what `old` had.
pub fn lost(old: &Shape, new: &Shape) -> Vec<String> {
    let lost = |(path, types): (&String, &BTreeSet<String>)| match new.get(path) {
        None => Some(format!("`{path}` was removed")),
        Some(now) if !now.is_superset(types) => Some(format!("`{path}` was {types:?} and is now {now:?}")),
        Some(_) => None,
    };
    old.iter().filter_map(lost).collect()
}

/// A call as a newer build makes it: each row that it puts and each event that it sends has fields that ours does not know.
pub fn as_newer(mut call: Call) -> Call {
    if [Target::DynamoDb, Target::EventBridge].contains(&call.target)
        && let Ok(mut body) = serde_json::from_slice::<Value>(call.request.body())
    {
        written(&mut body);
        *call.request.body_mut() = Bytes::from(body.to_string());
    }
    call
}

/// Rows stand under `Item`, events under `Detail`.
fn written(part: &mut Value) {
    match part {
        Value::Object(fields) => {
            for (name, inner) in fields {
                match (name.as_str(), inner) {
                    ("Item", Value::Object(row)) => add_to("", row),
                    ("Detail", Value::String(text)) => event(text),
                    (_, inner) => written(inner),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(written),
        _ => {}
    }
}

fn add_to(path: &str, fields: &mut Map<String, Value>) {
    for (key, value) in fields.iter_mut() {
        let path = if path.is_empty() { key.clone() } else { below(path, key) };
        typed(&path, value);
    }
    if !is_one_of(path, &KEYED) && !is_one_of(path, &TAGGED) {
        fields.insert(ADDED.to_owned(), json!({ "S": "x" }));
    }
}

fn typed(path: &str, value: &mut Value) {
    for (of, inner) in value.as_object_mut().into_iter().flatten() {
        match (of.as_str(), inner) {
            ("M", Value::Object(inner)) => add_to(path, inner),
            ("L", Value::Array(items)) => items.iter_mut().for_each(|item| typed(&format!("{path}[]"), item)),
            ("S", Value::String(text)) if path == "event" => event(text),
            _ => {}
        }
    }
}

/// An event is JSON in a text.
fn event(text: &mut String) {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else { return };
    if let Some(Value::Object(data)) = fields.get_mut("data") {
        data.insert(ADDED.to_owned(), json!([1]));
    }
    fields.insert(ADDED.to_owned(), json!({ "x": [1] }));
    *text = Value::Object(fields).to_string();
}

/// A row without what [`as_newer`] added, and how much that was.
pub fn without_added(row: &str) -> (Value, usize) {
    let mut row: Value = serde_json::from_str(row).expect("a row is JSON");
    let mut count = 0;
    strip(&mut row, &mut count);
    (row, count)
}

fn strip(part: &mut Value, count: &mut usize) {
    match part {
        Value::Object(fields) => {
            *count += usize::from(fields.remove(ADDED).is_some());
            fields.values_mut().for_each(|value| strip(value, count));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, count)),
        Value::String(text) if text.contains(ADDED) => {
            if let Ok(mut inner @ Value::Object(_)) = serde_json::from_str(text) {
                strip(&mut inner, count);
                *text = inner.to_string();
            }
        }
        _ => {}
    }
}
