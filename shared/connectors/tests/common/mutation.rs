//! A mapped value changed in the vendor's body changes what is said of it, and nothing else.

use std::collections::BTreeMap;

use connectors::Connector;
use model::{Field, LinkSays, Mapping, Moment, Normalized, ValueKind};
use serde_json::{Value, json};

use super::Recorded;
use super::bodies::{at, is_fed_by, said, tree, with_tree};

/// Changes every mapped value of a body in turn; how many there were.
///
/// # Panics
/// When what is said changes anywhere else, or not at all.
pub fn each_value_feeds_its_own(connector: &dyn Connector, name: &str, request: &Recorded, mapping: &Mapping) -> usize {
    let tree = tree(request);
    let out = with_tree(request, &tree).normalize_with(connector, mapping);
    let before = said(&out);
    let values = values(&out);
    for (path, field) in &values {
        let mut changed = tree.clone();
        let value = at(&mut changed, path).unwrap_or_else(|| panic!("{name}: nothing stands at {path}"));
        if value.is_null() && path.ends_with("associated-company") {
            // An object stood here, and nobody says what was in it.
            continue;
        }
        let other = other(path, *field, value).unwrap_or_else(|| panic!("{name}: no other value for {path}: {value}"));
        *value = other.clone();
        let out = with_tree(request, &changed).normalize_with(connector, mapping);
        let after = said(&out);

        let abouts = before.keys().chain(after.keys());
        let differing: Vec<_> = abouts.filter(|about| before.get(*about) != after.get(*about)).collect();
        assert!(!differing.is_empty(), "{name}: {path} as {other} says the same");
        for about in differing {
            for (place, says) in before.get(about).into_iter().chain(after.get(about)) {
                assert!(is_fed_by(about, place, path), "{name}: {path} as {other} changed {about} at {place}: {says}");
            }
        }
        let raws = out.signals.iter().flat_map(|signal| &signal.statements).filter(|s| s.path == *path);
        for statement in raws {
            assert_eq!(statement.raw, other.to_string(), "{name} {path}");
        }
        assert_eq!(
            out.quarantined,
            with_tree(request, &tree).normalize_with(connector, mapping).quarantined,
            "{name} {path}"
        );
    }
    values.len()
}

/// The places of mapped values: those of statements with bytes of their own, and of links that a value makes. What is
/// deleted, merged or erased is an event, not a value.
fn values(out: &Normalized) -> BTreeMap<String, Option<Field>> {
    let links = out.links.iter().filter(|link| match &link.says {
        LinkSays::Own { field, .. } => field != "merge",
        LinkSays::List { .. } => true,
        LinkSays::Association { .. } | LinkSays::Manual { .. } | LinkSays::Gone { .. } | LinkSays::Erased => false,
    });
    let mut values: BTreeMap<_, _> = links.map(|link| (link.path.clone(), None)).collect();
    let statements = out.signals.iter().flat_map(|signal| &signal.statements).filter(|s| !s.raw.is_empty());
    values.extend(statements.map(|s| (s.path.clone(), Some(s.field))));
    values
}

/// Another value of the same kind.
fn other(path: &str, field: Option<Field>, value: &Value) -> Option<Value> {
    match value {
        Value::Bool(flag) => Some(json!(!flag)),
        Value::Number(number) => match number.as_u64() {
            Some(number) => Some(json!(other_number(number))),
            None => number.as_f64().map(|number| json!(number + 1.0)),
        },
        Value::String(text) if text.trim().is_empty() => Some(json!(filled(path, field))),
        Value::String(text) => Some(json!(other_text(field, text))),
        Value::Null => Some(json!(filled(path, field))),
        Value::Array(items) => {
            Some(items.iter().map(|item| other(path, field, item).unwrap_or_else(|| item.clone())).collect())
        }
        Value::Object(_) => None,
    }
}

/// Something in the place of nothing.
fn filled(path: &str, field: Option<Field>) -> &'static str {
    match field.map(Field::kind) {
        _ if field == Some(Field::Sentiment) => "poor",
        Some(ValueKind::Int | ValueKind::Money) => "7",
        Some(ValueKind::Flag) => "true",
        Some(ValueKind::Date | ValueKind::Moment) => "2026-01-31T00:00:00Z",
        _ if path.ends_with("_id") => "7000001",
        _ if path.contains("mail") => "changed@acme.example",
        Some(ValueKind::Text) | None => "changed",
    }
}

fn other_number(number: u64) -> u64 {
    match number {
        0 | 1 => number + 1,
        // A day before.
        ms if ms > 1_000_000_000_000 => ms - 86_400_000,
        number => number - 1,
    }
}

fn other_text(field: Option<Field>, text: &str) -> String {
    if let Ok(number) = text.parse::<u64>() {
        return other_number(number).to_string();
    }
    if let Ok(at) = text.parse::<Moment>() {
        return at.plus(jiff::SignedDuration::from_hours(-24)).to_string();
    }
    if let Some(day) = text.parse::<jiff::civil::Date>().ok().and_then(|day| day.yesterday().ok()) {
        return day.to_string();
    }
    let is_amount = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match (field, text.to_lowercase().as_str()) {
        _ if is_amount && !text.is_empty() => format!("1{text}"),
        (_, "true") => "false".into(),
        (_, "false") => "true".into(),
        (Some(Field::Sentiment), "poor") => "good".into(),
        (Some(Field::Sentiment), _) => "poor".into(),
        // Both mean that it is over: no other field follows.
        (Some(Field::Status), "solved") => "CLOSED".into(),
        (Some(Field::Status), "closed") => "SOLVED".into(),
        (Some(Field::Domain | Field::OtherDomains), _) => "changed.example".into(),
        (_, text) if text.contains('@') => format!("changed.{text}"),
        (_, text) if text.contains(".example") => "changed.example".into(),
        (_, text) => format!("{text}changed"),
    }
}
