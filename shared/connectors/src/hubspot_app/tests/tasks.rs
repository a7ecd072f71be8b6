//! How tasks of ours stand.

use model::{FactKey, Field, Normalized, SignalKind, Value};
use serde_json::json;

use super::{RECEIVED, answer, mapping};
use crate::Connector as _;
use crate::hubspot_app::HubspotApp;

const ONE: &str = "5d1c0f6f0f6b4a3e9a7c2b8d41e09c11";
const TWO: &str = "bb1c0f6f0f6b4a3e9a7c2b8d41e09c33";

fn object() -> String {
    format!("tasks/4711/{ONE},{TWO}")
}

#[test]
fn tasks_are_read_together_by_the_actions_that_made_them() {
    let call = HubspotApp.fetch(&object(), &mapping()).unwrap();
    assert_eq!(call.path, "/crm/v3/objects/tasks/batch/read?archived=false");
    let body: serde_json::Value = serde_json::from_str(&call.body.unwrap()).unwrap();
    let expected = json!({ "idProperty": "barometer_action_id", "inputs": [{ "id": ONE }, { "id": TWO }],
        "properties": ["barometer_action_id", "hs_task_status", "hs_lastmodifieddate"] });
    assert_eq!((body, call.is_repeated), (expected, true));
    let many = format!("tasks/4711/{}", [ONE; 101].join(","));
    for other in ["tasks/4711/", "tasks/x/5d1c0f6f0f6b4a3e9a7c2b8d41e09c11", "tasks/4711/12345", many.as_str()] {
        assert_eq!(HubspotApp.fetch(other, &mapping()), None, "{other}");
    }
}

fn told(results: &serde_json::Value) -> Normalized {
    answer(&object(), "200", &json!({ "status": "COMPLETE", "results": results }).to_string())
}

#[test]
fn each_says_how_it_stands_since_when_and_others_say_nothing() {
    let at = "2026-11-20T07:00:00Z";
    let task = |id: &str, status: &str| json!({ "id": "9", "properties": { "barometer_action_id": id, "hs_task_status": status, "hs_lastmodifieddate": at } });
    let out = told(&json!([task(ONE, "COMPLETED"), task(TWO, "NOT_STARTED"), task(&"0".repeat(32), "COMPLETED")]));
    let said: Vec<_> = out.signals.iter().map(|signal| (&signal.key, &signal.statements[0].value)).collect();
    let key = |id: &str| FactKey::Task(model::ActionId::from_stored(id));
    let word = |text: &str| Value::Text(text.to_owned());
    assert_eq!(said, [(&key(ONE), &word("completed")), (&key(TWO), &word("not_started"))]);
    let first = &out.signals[0];
    assert_eq!((first.kind, first.subject.as_str()), (SignalKind::TaskChanged, "hubspot:company:4711"));
    let statement = &first.statements[0];
    assert_eq!((statement.field, statement.occurred_at), (Field::Status, at.parse().unwrap()));
    assert_eq!(
        (statement.path.as_str(), statement.raw.as_str()),
        ("results[0].properties.hs_task_status", "\"COMPLETED\"")
    );
    assert!(out.quarantined.is_empty() && out.warnings.is_empty() && out.links.is_empty());
}

#[test]
fn what_is_odd_is_set_aside_alone() {
    let good = json!({ "properties": { "barometer_action_id": ONE, "hs_task_status": "COMPLETED" } });
    let out = told(&json!([7, { "properties": { "barometer_action_id": [] } }, good]));
    assert_eq!((out.signals.len(), out.quarantined.len()), (1, 2), "{out:?}");
    assert_eq!(out.signals[0].statements[0].occurred_at, RECEIVED.parse().unwrap(), "without a time of its own");
    assert_eq!(out.quarantined[1].path, "results[1].properties.barometer_action_id");
    for whole in ["", "[]", "{}", "{\"results\":7}"] {
        let out = answer(&object(), "200", whole);
        assert_eq!((out.signals.len(), out.quarantined.len()), (0, 1), "{whole}");
    }
    assert_eq!(answer(&object(), "200", "{\"erased\":true}"), Normalized::default());
}
