use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Method;
use model::{ActionId, ActionRequest, SubjectId, TaskPriority};
use proptest::prelude::*;
use runtime::seam::{Call, CallError, Reply, Seam, Target};
use serde_json::{Map, Value, json};
use testkit::golden::{self, Fixture};

use super::*;
use crate::slack::checks::hostile;
use crate::vendor::ApiToken;

#[test]
fn calls_are_exactly_these() {
    golden::run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/hubspot/golden"), |fixture: &Fixture| {
        let request: ActionRequest = serde_json::from_slice(&fixture.bytes("request.json")).unwrap();
        match plan(&request) {
            Ok(planned) => planned.shown(),
            Err(reason) => json!({ "refused": reason }),
        }
    });
}

/// The request of a golden folder.
fn request(name: &str) -> ActionRequest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/hubspot/golden/{name}/request.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn properties(request: &ActionRequest) -> Map<String, Value> {
    match plan(request).unwrap() {
        Planned::Create { properties, .. } => properties,
        other => panic!("{other:?}"),
    }
}

fn action() -> ActionId {
    ActionId::from_stored("5d1c0f6f0f6b4a3e9a7c2b8d41e09c11")
}

/// A HubSpot that gives these answers, and what it was asked.
fn hubspot(replies: Vec<Reply>) -> (HubSpot, Arc<Mutex<Vec<Call>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (replies, kept) = (Arc::new(Mutex::new(replies.into_iter())), asked.clone());
    let seam = Seam::new(move |call| {
        kept.lock().unwrap().push(call);
        let reply = replies.lock().unwrap().next().expect("no more calls than answers");
        Box::pin(async move { reply })
    });
    (HubSpot::new(seam, Some("https://hubspot.example/".into()), ApiToken::new("pat-eu1-secret").unwrap()), asked)
}

fn answer(status: u16, body: impl Into<String>) -> Reply {
    Ok(http::Response::builder().status(status).body(Bytes::from(body.into())).unwrap())
}

fn slow(status: u16, after: u32, body: &str) -> Reply {
    let answer = http::Response::builder().status(status).header("retry-after", after);
    Ok(answer.body(Bytes::from(body.to_owned())).unwrap())
}

/// What an upsert makes of an answer.
async fn upserted(reply: Reply) -> Result<String, WriteError> {
    hubspot(vec![reply]).0.upsert(&properties(&request("create_full")), None).await
}

#[tokio::test]
async fn every_call_names_the_token_and_says_json_where_it_has_a_body() {
    let made = json!({ "status": "COMPLETE", "results": [{ "id": "77", "new": true, "properties": {} }] });
    let task = json!({ "id": "77", "properties": {} });
    let (hubspot, asked) = hubspot(vec![
        answer(200, json!({ "results": [{ "id": "410002", "email": "x" }] }).to_string()),
        answer(201, made.to_string()),
        answer(200, task.to_string()),
        answer(200, task.to_string()),
        answer(404, ""),
    ]);
    assert_eq!(hubspot.owner("tom+x@ourco.example").await, Ok(Some("410002".into())));
    let asked_for = properties(&request("create_full"));
    assert_eq!(hubspot.upsert(&asked_for, Some("410001")).await, Ok("77".into()));
    assert_eq!(hubspot.associate("77", "4711").await, Ok(()));
    assert_eq!(hubspot.complete(&action()).await, Ok(Changed::Done { id: "77".into() }));
    assert_eq!(hubspot.hand_over(&action(), None).await, Ok(Changed::Gone));
    let asked = asked.lock().unwrap();
    let lines: Vec<_> = asked.iter().map(|call| format!("{} {}", call.request.method(), call.request.uri())).collect();
    let change = "https://hubspot.example/crm/v3/objects/tasks/5d1c0f6f0f6b4a3e9a7c2b8d41e09c11";
    assert_eq!(
        lines,
        [
            "GET https://hubspot.example/crm/v3/owners?email=tom%2Bx%40ourco.example&limit=1&archived=false".to_owned(),
            "POST https://hubspot.example/crm/v3/objects/tasks/batch/upsert".to_owned(),
            "PUT https://hubspot.example/crm/v3/objects/tasks/77/associations/company/4711/192".to_owned(),
            format!("PATCH {change}?idProperty=barometer_action_id"),
            format!("PATCH {change}?idProperty=barometer_action_id"),
        ]
    );
    for call in asked.iter() {
        assert_eq!(call.target, Target::HubSpot);
        let headers = call.request.headers();
        assert_eq!(headers["authorization"], "Bearer pat-eu1-secret");
        assert!(headers["authorization"].is_sensitive());
        let has_body = matches!(*call.request.method(), Method::POST | Method::PATCH);
        assert_eq!(headers.get("content-type").is_some_and(|kind| kind == "application/json"), has_body);
        assert_eq!(call.request.body().is_empty(), !has_body);
    }
    let sent: Value = serde_json::from_slice(asked[1].request.body()).unwrap();
    assert_eq!(sent["inputs"][0]["properties"]["hubspot_owner_id"], "410001");
    let handed: Value = serde_json::from_slice(asked[4].request.body()).unwrap();
    assert_eq!(handed, json!({ "properties": { "hubspot_owner_id": "" } }));
}

#[tokio::test]
async fn what_passes_by_itself_is_tried_again_and_rests_as_long_as_hubspot_says() {
    let limit =
        |policy: &str| json!({ "status": "error", "errorType": "RATE_LIMIT", "policyName": policy }).to_string();
    let slow_down = |after_s| Err(WriteError::SlowDown { after_s });
    assert_eq!(upserted(slow(429, 7, &limit("TEN_SECONDLY_ROLLING"))).await, slow_down(Some(7)));
    assert_eq!(upserted(answer(429, limit("TEN_SECONDLY_ROLLING"))).await, slow_down(None));
    assert_eq!(upserted(answer(429, limit("DAILY"))).await, slow_down(Some(3_600)));
    assert_eq!(upserted(slow(477, 60, "")).await, slow_down(Some(60)));
    assert_eq!(upserted(answer(423, "")).await, slow_down(Some(2)));
    for status in [408, 425, 500, 502, 503, 504, 521, 526] {
        assert!(matches!(upserted(answer(status, "<html>")).await, Err(WriteError::Retry { .. })), "{status}");
    }
    for error in [CallError::Timeout("10 s".into()), CallError::Connection("reset".into())] {
        assert!(matches!(upserted(Err(error)).await, Err(WriteError::Retry { .. })));
    }
}

/// The reason of an answer that stays refused.
async fn refusal(status: u16, body: Value) -> String {
    match upserted(answer(status, body.to_string())).await {
        Err(WriteError::Refused { reason }) => reason,
        other => panic!("{status}: {other:?}"),
    }
}

#[tokio::test]
async fn a_refusal_names_the_scope_or_what_to_change() {
    assert_eq!(upserted(answer(401, "")).await, Err(WriteError::Unauthorized));
    let scopes = |names: &[&str]| {
        let context = json!({ "requiredGranularScopes": names });
        json!({ "status": "error", "category": "MISSING_SCOPES", "message": "This app hasn't been granted all required scopes.",
            "errors": [{ "message": "One or more of the following scopes are required.", "context": context }] })
    };
    let expected = "HubSpot refuses (403): give the private app the scope crm.objects.contacts.write";
    assert_eq!(refusal(403, scopes(&["crm.objects.contacts.write"])).await, expected);
    assert_eq!(refusal(403, scopes(&["tasks.write"])).await, format!("{expected} (HubSpot names tasks.write)"));
    assert_eq!(refusal(403, Value::Null).await, expected);
    let (owners, _) = hubspot(vec![answer(403, scopes(&["crm.objects.owners.read"]).to_string())]);
    let error = owners.owner("a@b.example").await.unwrap_err().to_string();
    assert_eq!(error, "HubSpot refuses (403): give the private app the scope crm.objects.owners.read");

    let message =
        "Property values were not valid: [{\"message\":\"Property \\\"barometer_action_id\\\" does not exist\"}]";
    let reason = refusal(400, json!({ "status": "error", "category": "VALIDATION_ERROR", "message": message })).await;
    assert!(reason.starts_with("HubSpot refuses (400): make the property barometer_action_id of tasks"), "{reason}");
    let reason = refusal(400, json!({ "message": format!("hs_timestamp {}", "x".repeat(5_000)) })).await;
    assert!(reason.starts_with("HubSpot refuses (400): hs_timestamp xxx") && reason.chars().count() < 400, "{reason}");
    assert!(refusal(302, Value::Null).await.contains("base_url"));
    assert!(refusal(200, json!({ "hello": "proxy" })).await.contains("base_url"));
    assert_eq!(refusal(422, Value::Null).await, "HubSpot refuses (422)");
}

/// What a write to a company makes of an answer.
async fn written(reply: Reply) -> Result<Changed, WriteError> {
    hubspot(vec![reply]).0.write("4711", &properties_of(&request("write_red"))).await
}

#[tokio::test]
async fn a_record_that_cannot_be_written_says_what_is_missing() {
    let company = json!({ "id": "4711", "properties": {}, "archived": false }).to_string();
    assert_eq!(written(answer(200, company)).await, Ok(Changed::Done { id: "4711".into() }));
    assert_eq!(written(answer(404, "")).await, Ok(Changed::Gone));
    let reason = async |status, body: Value| written(answer(status, body.to_string())).await.unwrap_err().to_string();
    let message = "Property values were not valid: [{\"isValid\":false,\"error\":\"PROPERTY_DOESNT_EXIST\"}]";
    for body in [json!({ "message": message }), json!({ "errors": [{ "code": "PROPERTY_DOESNT_EXIST" }] })] {
        let reason = reason(400, body).await;
        assert!(reason.contains("`barometer setup hubspot --yes` makes"), "{reason}");
    }
    let expected = "HubSpot refuses (403): give the private app the scope crm.objects.companies.write";
    assert_eq!(reason(403, Value::Null).await, expected);
    assert!(reason(400, json!({ "message": "barometer_band cannot be mauve" })).await.contains("cannot be mauve"));
    assert_eq!(written(slow(429, 7, "{}")).await, Err(WriteError::SlowDown { after_s: Some(7) }));
    assert_eq!(written(answer(423, "")).await, Err(WriteError::SlowDown { after_s: Some(2) }));
    assert!(matches!(written(answer(503, "")).await, Err(WriteError::Retry { .. })));
}

#[tokio::test]
async fn a_property_of_ours_is_made_once() {
    let ours = our_properties();
    let names: Vec<_> = ours.iter().map(|property| (property.object, property.name)).collect();
    let companies = [SCORE, BAND, REASONS, AS_OF].map(|name| ("companies", name));
    assert_eq!(names, [&[("tasks", ACTION_ID)][..], &companies[..]].concat());
    let (made, asked) = hubspot(vec![answer(201, "{}"), answer(409, "{}"), answer(403, "{}")]);
    assert_eq!(made.make(&ours[1]).await, Ok(true));
    assert_eq!(made.make(&ours[1]).await, Ok(false));
    let refused = made.make(&ours[0]).await.unwrap_err().to_string();
    assert!(refused.ends_with("the scope crm.schemas.contacts.write"), "{refused}");
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0].request.uri().path(), "/crm/v3/properties/companies");
    let written = properties_of(&request("write_red"));
    assert!(written.keys().all(|name| ours.iter().any(|property| property.name == name)), "{written:?}");
}

fn properties_of(request: &ActionRequest) -> Map<String, Value> {
    match plan(request).unwrap() {
        Planned::Write { properties, .. } => properties,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_owner_that_hubspot_does_not_take_is_told_apart() {
    let message = "Property values were not valid: [{\"isValid\":false,\"error\":\"INVALID_OPTION\",\"name\":\"hubspot_owner_id\"}]";
    let whole = json!({ "status": "error", "category": "VALIDATION_ERROR", "message": message });
    let part = json!({ "status": "COMPLETE", "results": [], "numErrors": 1, "errors": [whole.clone()] });
    for (status, body) in [(400, whole), (207, part)] {
        let error = upserted(answer(status, body.to_string())).await.unwrap_err();
        assert!(matches!(error, WriteError::NoSuchOwner { .. }), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn a_batch_that_failed_inside_is_no_success() {
    let body = json!({ "status": "COMPLETE", "results": [], "numErrors": 1, "errors": [{ "message": "no luck" }] });
    assert_eq!(refusal(207, body).await, "HubSpot refuses (207): no luck");
    let (hubspot, _) = hubspot(vec![answer(404, "{}"), answer(200, json!({ "results": [] }).to_string())]);
    let error = hubspot.associate("77", "4711").await.unwrap_err().to_string();
    assert!(error.contains("task 77 is made") && error.contains("no company 4711"), "{error}");
    assert_eq!(hubspot.owner("who@left.example").await, Ok(None));
}

#[test]
fn what_cannot_be_a_task_is_refused_before_any_call() {
    let told = |change: fn(&mut ActionRequest)| {
        let mut request = request("hand_over");
        change(&mut request);
        plan(&request).unwrap_err()
    };
    assert_eq!(told(|r| r.task = None), "it says nothing about a task");
    assert_eq!(told(|r| r.reply_to = None), "it names no task that it changes");
    let mut full = request("create_full");
    full.alert.account = SubjectId::from_stored("hubspot:company:4711/../7");
    assert!(plan(&full).unwrap_err().contains("no company in HubSpot"));
    let mut full = request("create_full");
    full.task.as_mut().unwrap().due_at = None;
    assert_eq!(plan(&full).unwrap_err(), "the task has no day on which it is due");
}

#[test]
fn without_a_priority_a_task_is_as_usual() {
    let of = |priority| {
        let mut request = request("create_full");
        request.task.as_mut().unwrap().priority = priority;
        properties(&request)["hs_task_priority"].clone()
    };
    assert_eq!([of(None), of(Some(TaskPriority::Medium)), of(Some(TaskPriority::Low))], ["MEDIUM", "MEDIUM", "LOW"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_value_becomes_markup_breaks_a_line_or_leaves_a_hole(text in hostile()) {
        let mut request = request("create_full");
        let some = || Some(text.clone());
        let alert = &mut request.alert;
        (alert.name, alert.playbook) = (text.clone(), text.clone());
        (alert.text, alert.why, alert.goal, alert.deadline) = (some(), some(), some(), some());
        for change in &mut alert.changes {
            (change.measure, change.from, change.to) = (text.clone(), some(), some());
        }
        let properties = properties(&request);
        let body = properties["hs_task_body"].as_str().unwrap();
        prop_assert!(body.split("<br>").all(|line| !line.is_empty() && !line.contains(['<', '>'])), "{}", body);
        prop_assert!(body.chars().count() < 20_000);
        let subject = properties["hs_task_subject"].as_str().unwrap();
        prop_assert!(!subject.chars().any(char::is_control) && subject.chars().count() < 300, "{}", subject);
        prop_assert!(properties.values().all(|value| value.as_str().is_some_and(|text| !text.is_empty())));
    }
}
