//! What a run leaves behind, in a form in which two runs can be compared.

use barometer::host::Host;
use serde_json::Value;

use crate::World;

/// Names that count tries, tell what one write changed, and name workers: two runs that did the same in different tries
/// differ there and only there.
const BOOKKEEPING: [&str; 11] = [
    "rev",
    "version",
    "link_change",
    "attempts",
    "holder",
    "lease_until",
    "sends",
    "setbacks",
    "reason",
    "round",
    "not_before",
];

/// Desks and surges remember when they were asked, which is later where a try failed.
const WHEN_ASKED: [&str; 3] = ["at", "last_at", "not_before"];

/// Every item of both tables, one line each, without bookkeeping and without the moment at which an action ended.
pub fn tables(world: &World) -> Vec<String> {
    host(&world.host)
}

/// As [`tables`], of a host without a world around it.
pub fn host(host: &Host) -> Vec<String> {
    let mut lines = Vec::new();
    for table in &host.stack().tables {
        for item in host.engine().dump(&table.logical_id) {
            lines.push(comparable(item).to_string());
        }
    }
    lines.sort();
    lines
}

fn comparable(mut item: Value) -> Value {
    if let Some(fields) = item.as_object_mut() {
        // Keeps the others in their order.
        fields.retain(|name, _| !BOOKKEEPING.contains(&name.as_str()));
    }
    for row in ["desk", "surge"] {
        if let Some(row) = item.get_mut(row) {
            whenever(row);
        }
    }
    let text = |item: &Value, name: &str| item[name]["S"].as_str().map(str::to_owned);
    // How an action ended is told at the moment it ended.
    if ["slack_alert", "crm_task", "crm_update", "email_nudge"]
        .contains(&text(&item, "kind").as_deref().unwrap_or_default())
    {
        item["at"] = Value::Null;
        item["sk"] = Value::Null;
    }
    if let Some(mut event) = text(&item, "event").and_then(|event| serde_json::from_str::<Value>(&event).ok())
        && ["action.completed", "action.failed"].contains(&event["type"].as_str().unwrap_or_default())
    {
        event["as_of"] = Value::Null;
        event["occurred_at"] = Value::Null;
        item["event"] = event;
    }
    item
}

fn whenever(value: &mut Value) {
    if let Some(map) = value.as_object_mut() {
        map.retain(|name, _| !WHEN_ASKED.contains(&name.as_str()));
        map.values_mut().for_each(whenever);
    }
}
