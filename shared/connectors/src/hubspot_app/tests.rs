//! What each kind of event becomes.

mod fetched;
mod tasks;

use std::collections::BTreeMap;

use model::{Delivery, DeliveryId, Field, LinkSays, Mapping, Normalized, Value};
use proptest::prelude::*;

use super::HubspotApp;
use crate::{Connector as _, FETCHED, FETCHED_STATUS};

const RECEIVED: &str = "2026-11-20T08:30:00.000Z";
const AT: i64 = 1_795_163_000_000;

fn mapping() -> Mapping {
    toml::from_str(include_str!("fixtures/mapping.toml")).unwrap()
}

fn normalize_with(body: &[u8], headers: &[(&str, &str)], mapping: &Mapping) -> Normalized {
    let connection = "hubspot-app".parse().unwrap();
    let delivery = Delivery {
        id: DeliveryId::new(&connection, "test"),
        connection,
        family: model::Family::Crm,
        received_at: RECEIVED.parse().unwrap(),
        body_sha256: String::new(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.to_vec(),
        same_key_as: None,
    };
    HubspotApp.normalize(&delivery, mapping)
}

fn normalize(body: &str) -> Normalized {
    normalize_with(body.as_bytes(), &[], &mapping())
}

/// One event of this kind with these further members.
fn event(kind: &str, members: &str) -> Normalized {
    normalize(&format!(r#"[{{"subscriptionType":"{kind}","occurredAt":{AT},{members}}}]"#))
}

fn answer(object: &str, status: &str, body: &str) -> Normalized {
    normalize_with(body.as_bytes(), &[(FETCHED, object), (FETCHED_STATUS, status)], &mapping())
}

/// Every link as one line.
fn links(out: &Normalized) -> Vec<String> {
    let line = |link: &model::Link| {
        let says = match &link.says {
            LinkSays::Association { pair, kind, other, removed } => {
                format!("{pair} {kind:?} {other}{}", if *removed { " removed" } else { "" })
            }
            LinkSays::Own { field, target, .. } => {
                format!("{field} {}", target.as_ref().map_or("nothing", |target| target.as_str()))
            }
            LinkSays::Gone { gone } => if *gone { "gone" } else { "back" }.to_owned(),
            other => format!("{other:?}"),
        };
        format!("{} {says} @{}", link.subject, link.occurred_at.as_millis() - AT)
    };
    out.links.iter().map(line).collect()
}

fn wanted(out: &Normalized) -> Vec<(&str, &str)> {
    out.fetches.iter().map(|fetch| (fetch.object.as_str(), fetch.path.as_str())).collect()
}

/// The places that were set aside.
fn set_aside(out: &Normalized) -> Vec<&str> {
    out.quarantined.iter().map(|item| item.path.as_str()).collect()
}

#[test]
fn ids_are_exact_as_number_or_text() {
    for id in ["18446744073709551615", "\"18446744073709551615\""] {
        let out =
            event("company.propertyChange", &format!(r#""objectId":{id},"propertyName":"name","propertyValue":"A""#));
        assert_eq!(out.signals[0].subject.as_str(), "hubspot:company:18446744073709551615");
    }
    for id in ["18446744073709551616", "-1", "7.0", "7e0", "\"7 \"", "null", "{}", "true"] {
        let out = event("company.deletion", &format!(r#""objectId":{id}"#));
        assert_eq!((links(&out), set_aside(&out)), (vec![], vec!["$[0].objectId"]), "{id}");
    }
}

#[test]
fn a_value_is_stated_once_for_each_field_that_its_property_feeds() {
    let mut mapping = mapping();
    mapping.objects.get_mut("company").unwrap().insert(Field::Segment, "service_tier".into());
    let body = format!(
        r#"[{{"subscriptionType":"company.propertyChange","occurredAt":{AT},"objectId":1,
            "propertyName":"service_tier","propertyValue":"Gold"}}]"#
    );
    let out = normalize_with(body.as_bytes(), &[], &mapping);
    let fields: Vec<_> = out.signals[0].statements.iter().map(|statement| statement.field).collect();
    assert_eq!(fields, [Field::Tier, Field::Segment]);
}

#[test]
fn empty_and_null_clear_and_what_is_left_out_is_asked_for() {
    let value =
        |value: &str| event("company.propertyChange", &format!(r#""objectId":1,"propertyName":"renewal_date"{value}"#));
    for empty in [r#","propertyValue":"""#, r#","propertyValue":null"#, r#","propertyValue":"  ""#] {
        assert_eq!(value(empty).signals[0].statements[0].value, Value::Cleared, "{empty}");
    }
    for kept in ["", r#","propertyValue":"REDACTED""#, r#","propertyValue":"REDACTED","isSensitive":true"#] {
        let out = value(kept);
        assert_eq!((out.signals.len(), wanted(&out)), (0, vec![("company/1", "$[0].propertyName")]), "{kept}");
    }
    let twice = value(r#","propertyValue":"a","propertyValue":"b""#);
    assert_eq!(set_aside(&twice), ["$[0].propertyValue"]);
    let list = value(r#","propertyValue":["a"]"#);
    assert_eq!(set_aside(&list), ["$[0].propertyValue"]);
}

#[test]
fn an_event_without_a_readable_time_is_set_aside() {
    for time in ["\"soon\"", "1e400", "9223372036854775807", "[]", "null"] {
        let body = format!(r#"[{{"subscriptionType":"company.deletion","objectId":1,"occurredAt":{time}}}]"#);
        assert_eq!(set_aside(&normalize(&body)), ["$[0].occurredAt"], "{time}");
    }
    let text = normalize(&format!(r#"[{{"subscriptionType":"company.deletion","objectId":1,"occurredAt":"{AT}"}}]"#));
    assert_eq!(links(&text), ["hubspot:company:1 gone @0"]);
}

#[test]
fn a_body_that_is_no_batch_is_set_aside_whole() {
    for body in ["", "{}", "null", "[", "NaN", "\u{feff}[]", "[] []", "{\"erased\":true,\"a\":1}"] {
        assert_eq!(set_aside(&normalize(body)), ["$"], "{body}");
    }
    let many = format!("[{}]", vec!["{}"; 1_001].join(","));
    assert_eq!(set_aside(&normalize(&many)), ["$"]);
    assert_eq!(normalize("[]"), Normalized::default());
    assert_eq!(normalize(r#"{"erased":true}"#), Normalized::default());
    assert_eq!(normalize(r#"[{"erased":true}]"#), Normalized::default());
    assert_eq!(answer("contact/1", "200", r#"{"erased":true}"#), Normalized::default());
}

#[test]
fn depth_is_harmless() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let out = event("company.deletion", &format!(r#""x":{deep},"objectId":1"#));
    assert_eq!(links(&out), ["hubspot:company:1 gone @0"]);
    assert_eq!(set_aside(&event("company.deletion", &format!(r#""objectId":{deep}"#))), ["$[0].objectId"]);
}

#[test]
fn an_unused_event_is_told_by_its_place_and_not_by_what_it_calls_itself() {
    let told = |kind: &str| event(kind, r#""objectId":1"#).warnings.remove(0);
    assert_eq!(told("line_item.creation").path, "$[0].subscriptionType");
    for name in ["line_item.creation", "Ann Example"] {
        assert!(!told(name).message.contains(name));
    }
}

#[test]
fn a_generic_event_needs_its_type() {
    assert_eq!(set_aside(&event("object.deletion", r#""objectId":1"#)), ["$[0].objectTypeId"]);
    for (number, name) in [("0-1", "contact"), ("0-2", "company"), ("0-3", "deal"), ("0-5", "ticket")] {
        let out = event("object.deletion", &format!(r#""objectId":1,"objectTypeId":"{number}""#));
        assert_eq!(links(&out), [format!("hubspot:{name}:1 gone @0")]);
    }
    let out = event("object.deletion", r#""objectId":1,"objectTypeId":"0-7""#);
    assert_eq!((out.links.len(), out.warnings.len(), out.quarantined.len()), (0, 1, 0));
}

#[track_caller]
fn association(members: &str, expected: &[&str]) {
    let out = event("object.associationChange", &format!(r#""fromObjectId":1,"toObjectId":2,{members}"#));
    assert_eq!((links(&out), set_aside(&out)), (expected.iter().map(|s| (*s).to_owned()).collect(), vec![]));
}

#[test]
fn associations_count_by_their_number_or_by_the_primary_mark() {
    let typed =
        |name: &str, primary: &str| format!(r#""associationType":"{name}","associationRemoved":false{primary}"#);
    let primary = r#","isPrimaryAssociation":true"#;
    association(
        &typed("CONTACT_TO_COMPANY", primary),
        &["hubspot:contact:1 contact_to_company Crm hubspot:company:2 @0"],
    );
    association(
        &typed("COMPANY_TO_CONTACT", primary),
        &["hubspot:contact:2 contact_to_company Crm hubspot:company:1 @0"],
    );
    association(
        &typed("TICKET_TO_COMPANY", ""),
        &["hubspot:ticket:1 ticket_to_company_unlabeled ExternalId hubspot:company:2 @0"],
    );
    association(&typed("COMPANY_TO_COMPANY", primary), &[]);
    association(&typed("CONTACT_TO_DEAL", primary), &[]);

    let generic = |from: &str, to: &str, number: &str, more: &str| {
        format!(
            r#""fromObjectTypeId":"{from}","toObjectTypeId":"{to}","associationTypeId":{number},
               "associationRemoved":"true"{more}"#
        )
    };
    let removed = "hubspot:deal:1 deal_to_company Crm hubspot:company:2 removed @0";
    association(&generic("0-3", "0-2", "5", ""), &[removed]);
    association(&generic("0-3", "0-2", "\"5\"", r#","associationCategory":"HUBSPOT_DEFINED""#), &[removed]);
    association(&generic("0-3", "0-2", "5", r#","associationCategory":"USER_DEFINED""#), &[]);
    association(&generic("0-3", "0-2", "271", primary), &[]);
    association(
        &generic("0-3", "0-2", "341", ""),
        &["hubspot:deal:1 deal_to_company_unlabeled ExternalId hubspot:company:2 removed @0"],
    );
    association(&generic("0-3", "2-77", "5", ""), &[]);
}

#[test]
fn an_odd_association_is_set_aside() {
    for (members, place) in [
        (r#""fromObjectId":1,"toObjectId":2,"associationRemoved":false"#, "$[0].associationType"),
        (
            r#""associationType":"FRIENDS","fromObjectId":1,"toObjectId":2,"associationRemoved":false"#,
            "$[0].associationType",
        ),
        (r#""associationType":"DEAL_TO_COMPANY","fromObjectId":1,"toObjectId":2"#, "$[0].associationRemoved"),
        (r#""associationType":"DEAL_TO_COMPANY","fromObjectId":1,"associationRemoved":false"#, "$[0].toObjectId"),
        (r#""associationType":"DEAL_TO_COMPANY","toObjectId":1,"associationRemoved":false"#, "$[0].fromObjectId"),
        (
            r#""associationType":"DEAL_TO_COMPANY","toObjectId":1,"associationRemoved":0,"isPrimaryAssociation":3"#,
            "$[0].isPrimaryAssociation",
        ),
        (
            r#""fromObjectTypeId":"0-3","fromObjectId":1,"toObjectId":2,"associationRemoved":false"#,
            "$[0].toObjectTypeId",
        ),
    ] {
        let out = event("deal.associationChange", members);
        assert_eq!((links(&out), set_aside(&out)), (vec![], vec![place]), "{members}");
    }
}

#[test]
fn a_merge_leaves_one() {
    let merge = |members: &str| event("deal.merge", members);
    let out = merge(r#""primaryObjectId":1,"mergedObjectIds":["2",1,3],"newObjectId":"1""#);
    assert_eq!(
        links(&out),
        [
            "hubspot:deal:2 merge hubspot:deal:1 @0",
            "hubspot:deal:2 gone @0",
            "hubspot:deal:3 merge hubspot:deal:1 @0",
            "hubspot:deal:3 gone @0",
        ]
    );
    assert_eq!(wanted(&out), []);
    for (members, place) in [
        (r#""mergedObjectIds":[2]"#, "$[0].primaryObjectId"),
        (r#""primaryObjectId":1"#, "$[0].mergedObjectIds"),
        (r#""primaryObjectId":1,"mergedObjectIds":[{}]"#, "$[0].mergedObjectIds"),
        (r#""primaryObjectId":1,"mergedObjectIds":[2],"newObjectId":"x""#, "$[0].newObjectId"),
    ] {
        let out = merge(members);
        assert_eq!((links(&out), set_aside(&out)), (vec![], vec![place]), "{members}");
    }
}

#[test]
fn a_record_is_asked_for_once_with_its_newest_change() {
    let creation = |at: i64, id: u32| {
        format!(r#"{{"subscriptionType":"company.creation","objectId":{id},"occurredAt":{}}}"#, AT + at)
    };
    let out = normalize(&format!("[{},{},{},{}]", creation(5, 1), creation(9, 1), creation(7, 1), creation(1, 2)));
    let versions: Vec<_> = out.fetches.iter().map(|fetch| (fetch.object.as_str(), fetch.version.as_str())).collect();
    assert_eq!(versions, [("company/1", "1795163000009"), ("company/2", "1795163000001")]);
    assert_eq!(out.fetches[0].path, "$[1].objectId");
}

#[test]
fn leaving_every_company_is_asked_about() {
    let out =
        event("contact.propertyChange", r#""objectId":1,"propertyName":"associatedcompanyid","propertyValue":"""#);
    assert_eq!(out.signals[0].statements[0].value, Value::Cleared);
    assert_eq!((links(&out), wanted(&out)), (vec![], vec![("contact/1", "$[0].propertyValue")]));
}

proptest! {
    #[test]
    fn any_token_anywhere_is_understood_or_set_aside(
        kind in prop::sample::select(vec!["company.propertyChange", "contact.creation", "deal.merge", "ticket.restore",
            "object.associationChange", "contact.privacyDeletion", "deal.associationChange", "object.deletion"]),
        key in prop::sample::select(vec!["objectId", "occurredAt", "propertyName", "propertyValue", "objectTypeId",
            "associationType", "fromObjectId", "toObjectId", "associationRemoved", "primaryObjectId", "mergedObjectIds",
            "newObjectId", "associationTypeId", "isPrimaryAssociation", "subscriptionType"]),
        token in prop_oneof![
            "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,6})?",
            "\"[ -!#-\\[\\]-~äß€]{0,20}\"",
            Just("null".to_owned()), Just("true".to_owned()), Just("{\"a\":[1]}".to_owned()), Just("[1,\"2\"]".to_owned()),
        ],
    ) {
        let mut members: BTreeMap<&str, String> = [
            ("subscriptionType", format!("\"{kind}\"")), ("occurredAt", AT.to_string()), ("objectId", "1".into()),
            ("objectTypeId", "\"0-2\"".into()), ("propertyName", "\"name\"".into()), ("propertyValue", "\"A\"".into()),
            ("associationType", "\"DEAL_TO_COMPANY\"".into()), ("fromObjectId", "1".into()), ("toObjectId", "2".into()),
            ("associationRemoved", "false".into()), ("primaryObjectId", "1".into()), ("mergedObjectIds", "[2]".into()),
        ].into();
        members.insert(key, token);
        let members: Vec<_> = members.iter().map(|(key, token)| format!("\"{key}\":{token}")).collect();
        let odd = format!("{{{}}}", members.join(","));
        let good = format!(r#"{{"subscriptionType":"deal.deletion","objectId":77,"occurredAt":{AT}}}"#);
        let out = normalize(&format!("[{odd},{good}]"));
        prop_assert!(out.quarantined.len() <= 1);
        prop_assert!(out.quarantined.iter().all(|item| item.path.starts_with("$[0]")));
        // Whatever becomes of it, its neighbour is read.
        prop_assert_eq!(links(&out).pop().unwrap_or_default(), "hubspot:deal:77 gone @0");
    }
}

/// Whatever the mapping says: it is what we said.
#[test]
fn our_own_properties_say_nothing() {
    let mut mapping = mapping();
    mapping.objects.entry("company".into()).or_default().insert(Field::Tier, "barometer_band".into());
    let body = format!(
        r#"[{{"subscriptionType":"company.propertyChange","occurredAt":{AT},"objectId":7,"changeSource":"INTEGRATION",
            "propertyName":"barometer_band","propertyValue":"red"}}]"#
    );
    assert_eq!(normalize_with(body.as_bytes(), &[], &mapping), Normalized::default());
}
