//! How tasks of ours stand in HubSpot, read a hundred at a time: whoever closes one there has done its step.

use model::{
    ActionId, Delivery, FactKey, Field, Moment, Normalized, QuarantineKind, QuarantinedItem, Signal, SignalKind,
    Statement, SubjectId, Value,
};
use serde_json::json;
use serde_json::value::RawValue;

use crate::FetchCall;
use crate::hubspot::{Collector, odd};
use crate::hubspot_values as values;
use crate::json::{self, Found, Object};

/// The unique property of tasks that holds our action's id.
const ACTION_ID: &str = model::HUBSPOT_ACTION_ID;
const STATUS: &str = "hs_task_status";
const CHANGED: &str = "hs_lastmodifieddate";

/// `tasks/{company}/{action},{action}…`: the tasks of these actions, of the account with this company.
fn named(object: &str) -> Option<(SubjectId, Vec<&str>)> {
    let (company, actions) = object.strip_prefix("tasks/")?.split_once('/')?;
    let actions: Vec<&str> = actions.split(',').collect();
    let is_id = |id: &&str| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let account = SubjectId::vendor("hubspot", "company", company);
    let fits = account.hubspot_company().is_some() && actions.len() <= 100 && actions.iter().all(is_id);
    fits.then_some((account, actions))
}

/// The call that reads them.
pub(super) fn call(object: &str) -> Option<FetchCall> {
    let (_, actions) = named(object)?;
    let inputs: Vec<_> = actions.into_iter().map(|id| json!({ "id": id })).collect();
    let body = json!({ "idProperty": ACTION_ID, "properties": [ACTION_ID, STATUS, CHANGED], "inputs": inputs });
    let path = "/crm/v3/objects/tasks/batch/read?archived=false".to_owned();
    Some(FetchCall { path, body: Some(body.to_string()), is_repeated: true })
}

/// What the answer says; `None` where it answers something else. A task that is not there says nothing.
pub(super) fn normalize(delivery: &Delivery, object: &str) -> Option<Normalized> {
    let (account, asked) = named(object)?;
    let unreadable = |reason: String| Normalized::quarantine(QuarantineKind::Unreadable, reason, "$");
    let whole = match json::whole(&delivery.body) {
        Ok(whole) => whole,
        Err(reason) => return Some(unreadable(reason)),
    };
    if json::is_erased(whole) {
        return Some(Normalized::default());
    }
    let results = Object::read(whole).and_then(|top| json::list(top.get("results")?.ok_or(Found::Nothing)?));
    let results = match results {
        Ok(results) => results,
        Err(found) => return Some(unreadable(format!("results: expected a list of tasks, found {found}"))),
    };
    let mut collector = Collector::default();
    for (at, raw) in results.into_iter().enumerate() {
        match task(raw, at, &account, &asked, delivery.received_at) {
            Ok(signal) => collector.out.signals.extend(signal),
            Err(item) => collector.set_aside(item),
        }
    }
    Some(collector.out)
}

fn task(
    raw: &RawValue,
    at: usize,
    account: &SubjectId,
    asked: &[&str],
    received_at: Moment,
) -> Result<Option<Signal>, QuarantinedItem> {
    let place = |name: &str| format!("results[{at}].properties.{name}");
    let properties = Object::read(raw).and_then(|task| Object::read(task.get("properties")?.ok_or(Found::Nothing)?));
    let properties =
        properties.map_err(|found| odd("task", "an object with `properties`", found, &format!("results[{at}]")))?;
    let text = |name: &str| {
        let wrong = |found| odd(name, "text", found, &place(name));
        let Some(raw) = properties.get(name).map_err(wrong)? else { return Ok(None) };
        json::scalar(raw).map_err(wrong)
    };
    // Whatever else HubSpot tells is none of ours.
    let Some(id) = text(ACTION_ID)?.filter(|id| asked.contains(&id.as_str())) else { return Ok(None) };
    let Some(status) = text(STATUS)?.filter(|status| !status.trim().is_empty()) else { return Ok(None) };
    let changed_at = text(CHANGED)?.and_then(|text| values::moment(&text)).unwrap_or(received_at);
    let raw = properties.get(STATUS).ok().flatten().map_or("", RawValue::get);
    let statement = Statement {
        field: Field::Status,
        value: Value::Text(status.trim().to_lowercase()),
        occurred_at: changed_at,
        sequence: None,
        path: place(STATUS),
        raw: Statement::cut_raw(raw),
    };
    let key = FactKey::Task(ActionId::from_stored(id));
    Ok(Some(Signal { kind: SignalKind::TaskChanged, subject: account.clone(), key, statements: vec![statement] }))
}
