//! JSON Schema, as much of it as the events use: made from the types, cut down to one kind, compared and applied.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// The schema of the whole event, all kinds.
pub fn whole() -> Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = serde_json::to_value(generator.into_root_schema_for::<model::Event>()).unwrap();
    speak_json(&mut schema);
    schema
}

/// Descriptions come from Rust's doc comments; their readers know JSON.
fn speak_json(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "description" => {
                        *text = text
                            .replace("[`EVENT_SCHEMA`]", &model::EVENT_SCHEMA.to_string())
                            .replace("[`", "`")
                            .replace("`]", "`")
                            .replace("`None`", "`null`")
                            .replace('\n', " ");
                    }
                    other => speak_json(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(speak_json),
        _ => {}
    }
}

fn kind_of(branch: &Value) -> &str {
    branch["properties"]["type"]["const"].as_str().unwrap()
}

/// The kinds of event, in the order of the type.
pub fn kinds(whole: &Value) -> Vec<String> {
    whole["oneOf"].as_array().unwrap().iter().map(|branch| kind_of(branch).to_owned()).collect()
}

/// The schema of one kind, complete in itself.
pub fn of_kind(whole: &Value, kind: &str) -> Value {
    let branch = whole["oneOf"].as_array().unwrap().iter().find(|branch| kind_of(branch) == kind).unwrap();
    let joined = |key: &str| -> Value {
        match (&whole[key], &branch[key]) {
            (Value::Object(a), Value::Object(b)) => a.clone().into_iter().chain(b.clone()).collect(),
            (Value::Array(a), Value::Array(b)) => a.iter().chain(b).cloned().collect(),
            _ => unreachable!("an event and its kinds are objects"),
        }
    };
    let mut schema = json!({
        "$schema": whole["$schema"],
        "title": kind,
        "description": branch["description"],
        "type": "object",
        "properties": joined("properties"),
        "required": joined("required"),
    });
    let mut used = BTreeSet::new();
    references(&schema, whole, &mut used);
    let defs: Map<String, Value> = whole["$defs"].as_object().unwrap().clone();
    schema["$defs"] = defs.into_iter().filter(|(name, _)| used.contains(name)).collect();
    schema
}

fn references(part: &Value, whole: &Value, used: &mut BTreeSet<String>) {
    match part {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"))
                && used.insert(name.to_owned())
            {
                references(&whole["$defs"][name], whole, used);
            }
            map.values().for_each(|value| references(value, whole, used));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, whole, used)),
        _ => {}
    }
}

/// What a schema promises: every field by its path, with its types, and [`ALWAYS`] where it is never left out.
pub type Shape = BTreeMap<String, BTreeSet<String>>;

/// Beside a field's types: it is there in every event.
const ALWAYS: &str = "always";

/// The shape of `schema`.
pub fn shape(schema: &Value) -> Shape {
    let mut shape = Shape::new();
    walk(schema, schema, "", &mut shape);
    shape
}

fn walk(part: &Value, root: &Value, path: &str, shape: &mut Shape) {
    if let Some(name) = part["$ref"].as_str() {
        walk(definition(root, name), root, path, shape);
    }
    let types = match &part["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().map(|t| t.as_str().unwrap().to_owned()).collect(),
        _ => vec![],
    };
    if !types.is_empty() {
        shape.entry(path.to_owned()).or_default().extend(types);
    }
    for (name, field) in part["properties"].as_object().into_iter().flatten() {
        walk(field, root, &format!("{path}.{name}"), shape);
    }
    for name in part["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        shape.entry(format!("{path}.{name}")).or_default().insert(ALWAYS.to_owned());
    }
    for (at, item) in part["prefixItems"].as_array().into_iter().flatten().enumerate() {
        walk(item, root, &format!("{path}[{at}]"), shape);
    }
    if part["items"].is_object() {
        walk(&part["items"], root, &format!("{path}[]"), shape);
    }
    for choice in ["anyOf", "oneOf"] {
        part[choice].as_array().into_iter().flatten().for_each(|one| walk(one, root, path, shape));
    }
}

fn definition<'a>(root: &'a Value, reference: &str) -> &'a Value {
    let name = reference.strip_prefix("#/$defs/").unwrap();
    root["$defs"].get(name).unwrap_or_else(|| panic!("{reference} is not defined"))
}

/// What `new` no longer gives of what `old` promised.
pub fn broken_promises(old: &Value, new: &Value) -> Vec<String> {
    let of = |types: &BTreeSet<String>| types.iter().filter(|one| *one != ALWAYS).cloned().collect::<BTreeSet<_>>();
    let new = shape(new);
    let broken = |(path, types): (String, BTreeSet<String>)| match new.get(&path) {
        None => Some(format!("`{path}` was removed")),
        Some(now) if types.contains(ALWAYS) && !now.contains(ALWAYS) => Some(format!("`{path}` may be left out now")),
        Some(now) if of(now) != of(&types) => Some(format!("`{path}` was {:?} and is now {:?}", of(&types), of(now))),
        Some(_) => None,
    };
    shape(old).into_iter().filter_map(broken).collect()
}

/// Everything about `value` that `schema` does not allow.
///
/// # Panics
/// On a keyword it does not know, so that none is skipped in silence.
pub fn faults(value: &Value, schema: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    judge(value, schema, schema, "", &mut faults);
    faults
}

fn judge(value: &Value, part: &Value, root: &Value, path: &str, faults: &mut Vec<String>) {
    for (keyword, rule) in part.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => true,
            "$ref" => {
                judge(value, definition(root, rule.as_str().unwrap()), root, path, faults);
                true
            }
            "type" => match rule {
                Value::Array(types) => types.iter().any(|one| is_a(value, one)),
                one => is_a(value, one),
            },
            "const" => value == rule,
            "minimum" => value.as_f64() >= rule.as_f64(),
            "maximum" => value.as_f64() <= rule.as_f64(),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= rule.as_u64().unwrap()),
            "required" => rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(field) = value.get(name) {
                        judge(field, rule, root, &format!("{path}.{name}"), faults);
                    }
                }
                true
            }
            "prefixItems" => {
                for (at, (item, rule)) in
                    value.as_array().into_iter().flatten().zip(rule.as_array().unwrap()).enumerate()
                {
                    judge(item, rule, root, &format!("{path}[{at}]"), faults);
                }
                true
            }
            "items" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    judge(item, rule, root, &format!("{path}[{at}]"), faults);
                }
                true
            }
            "anyOf" | "oneOf" => {
                let fits = |one: &&Value| {
                    let mut inner = Vec::new();
                    judge(value, one, root, path, &mut inner);
                    inner.is_empty()
                };
                let count = rule.as_array().unwrap().iter().filter(fits).count();
                if keyword == "oneOf" { count == 1 } else { count > 0 }
            }
            // What is taken where the field is absent; a sample shows them all.
            "default" => true,
            other => panic!("the checker does not know `{other}` at `{path}`"),
        };
        if !holds {
            faults.push(format!("`{path}` breaks {keyword}: {rule}"));
        }
    }
}

fn is_a(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no such type: {other}"),
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let whole = whole();
    let schema = of_kind(&whole, "account.band_changed");
    let good = serde_json::to_value(super::samples::of_kind("account.band_changed")).unwrap();
    assert_eq!(faults(&good, &schema), Vec::<String>::new());
    let with = |pointer: &str, value: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        faults(&bad, &schema).len()
    };
    assert_eq!(with("/data/to", json!("blue")), 1);
    assert_eq!(with("/data/score_to", json!(10_001)), 1);
    assert_eq!(with("/data/score_to", Value::Null), 0);
    assert_eq!(with("/type", json!("account.watched")), 1);
    assert_eq!(with("/schema", json!("1")), 2);
    assert_eq!(with("/data", json!({})), 1);
}

#[test]
fn a_removed_retyped_or_optional_field_is_found_and_an_added_one_is_welcome() {
    let whole = whole();
    let schema = of_kind(&whole, "action.requested");
    let changed = |change: fn(&mut Value)| {
        let mut new = schema.clone();
        change(&mut new);
        broken_promises(&schema, &new)
    };
    assert_eq!(changed(|_| {}), Vec::<String>::new());
    assert_eq!(
        changed(|new| new["$defs"]["Alert"]["properties"]["added"] = json!({ "type": "string" })),
        Vec::<String>::new()
    );
    fn may_lack_minor(new: &mut Value) {
        new["$defs"]["Money"]["required"].as_array_mut().unwrap().retain(|name| name != "minor");
    }
    assert_eq!(
        changed(may_lack_minor),
        ["`.data.alert.arr.minor` may be left out now", "`.data.weigh.arr.minor` may be left out now"]
    );
    let removed = changed(|new| {
        may_lack_minor(new);
        new["$defs"]["Money"]["properties"].as_object_mut().unwrap().remove("minor");
    });
    assert_eq!(removed, ["`.data.alert.arr.minor` was removed", "`.data.weigh.arr.minor` was removed"]);
    let retyped = changed(|new| new["$defs"]["AlertChange"]["properties"]["change"]["type"] = json!("string"));
    assert_eq!(retyped, [r#"`.data.alert.changes[].change` was {"integer"} and is now {"string"}"#]);
    let nullable = changed(|new| new["$defs"]["Alert"]["properties"]["name"]["type"] = json!(["string", "null"]));
    assert_eq!(nullable.len(), 1);
}
