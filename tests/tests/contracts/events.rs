//! Every kind of event has a schema, a sample and a line in the table.

use std::collections::BTreeSet;

use model::Event;
use serde_json::{Value, json};

use super::schema::{broken_promises, faults, kinds, of_kind, shape, whole};
use super::{check_file, events_dir, samples};

#[test]
fn every_kind_has_a_schema_that_keeps_its_promises() {
    let whole = whole();
    for kind in kinds(&whole) {
        let name = format!("{kind}.schema.json");
        let schema = of_kind(&whole, &kind);
        // Blessing comes second: what is checked in has been promised.
        if let Ok(text) = std::fs::read_to_string(events_dir().join(&name)) {
            let promised: Value = serde_json::from_str(&text).unwrap();
            let broken = broken_promises(&promised, &schema);
            assert!(broken.is_empty(), "events/{name}: {}", broken.join(", "));
        }
        check_file(&name, &schema);
    }
}

#[test]
fn every_kind_has_a_sample_that_is_valid_and_reads_back_the_same() {
    let whole = whole();
    let sampled: Vec<&str> = samples::all().iter().map(|event| event.body.kind()).collect();
    assert_eq!(sampled, kinds(&whole), "one sample for every kind, in the order of the type");
    let first = samples::all().into_iter().map(|event| (format!("{}.sample.json", event.body.kind()), event));
    let more = samples::more().into_iter().map(|(form, event)| (file_of(form, &event), event));
    for (file, event) in first.chain(more) {
        let kind = event.body.kind();
        let sample = serde_json::to_value(&event).unwrap();
        check_file(&file, &sample);
        assert_eq!(faults(&sample, &of_kind(&whole, kind)), Vec::<String>::new(), "{kind}");
        assert_eq!(serde_json::from_value::<Event>(sample).unwrap(), event);
    }
}

fn file_of(form: &str, event: &Event) -> String {
    format!("{}.{form}.sample.json", event.body.kind())
}

#[test]
fn the_samples_of_a_kind_show_every_field() {
    let whole = whole();
    for event in samples::all() {
        let more = samples::more().into_iter().map(|(_, event)| event);
        let forms = more.filter(|other| other.body.kind() == event.body.kind()).chain([event.clone()]);
        let samples: Vec<Value> = forms.map(|event| serde_json::to_value(&event).unwrap()).collect();
        let shown = |path: &str| samples.iter().any(|sample| shows(sample, path));
        let hidden: Vec<String> =
            shape(&of_kind(&whole, event.body.kind())).into_keys().filter(|path| !shown(path)).collect();
        assert_eq!(hidden, Vec::<String>::new(), "{}", event.body.kind());
    }
}

/// A path of a [`super::schema::Shape`], such as `.data.changes[].raw`, leads to something in `value`.
fn shows(value: &Value, path: &str) -> bool {
    let pointer = path.replace('.', "/").replace("[]", "/0").replace('[', "/").replace(']', "");
    value.pointer(&pointer).is_some()
}

/// What newer code sends, older code reads.
#[test]
fn a_field_nobody_knows_yet_is_ignored() {
    fn add(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.values_mut().for_each(add);
                map.insert("added_next_year".to_owned(), json!({ "x": [1] }));
            }
            Value::Array(items) => items.iter_mut().for_each(add),
            _ => {}
        }
    }
    for event in samples::all() {
        let mut newer = serde_json::to_value(&event).unwrap();
        add(&mut newer);
        assert_eq!(serde_json::from_value::<Event>(newer).unwrap(), event, "{}", event.body.kind());
    }
}

#[test]
fn every_file_belongs_to_a_kind_and_every_kind_stands_in_the_table() {
    let kinds = kinds(&whole());
    let table = std::fs::read_to_string(events_dir().join("README.md")).unwrap();
    for kind in &kinds {
        assert!(table.contains(&format!("| `{kind}` |")), "events/README.md has no row for {kind}");
    }
    let first = kinds.iter().flat_map(|kind| [format!("{kind}.schema.json"), format!("{kind}.sample.json")]);
    let more = samples::more().into_iter().map(|(form, event)| file_of(form, &event));
    let known: BTreeSet<String> = first.chain(more).collect();
    for entry in std::fs::read_dir(events_dir()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".json") {
            assert!(known.contains(&name), "events/{name} promises an event that nobody sends any more");
        }
    }
}
