//! What each form of a part, each order of events and each kind of nonsense becomes.

use std::collections::BTreeMap;

use model::{
    ConnectionName, Delivery, DeliveryId, Fact, FactKey, Family, Field, LinkSays, Mapping, Moment, Normalized, Source,
    Value,
};
use proptest::prelude::*;

use super::{TOOL, Zendesk, signature::SIGNED_AT};
use crate::{Connector as _, DeliveryKey, FETCHED, FETCHED_STATUS, Receiver as _, Unverified, Verified};

const RECEIVED: &str = "2026-11-20T08:30:00.000Z";

fn mapping() -> Mapping {
    toml::from_str(include_str!("fixtures/mapping.toml")).unwrap()
}

fn no_mapping() -> Mapping {
    Mapping { objects: BTreeMap::new(), account_ids: String::new(), ..mapping() }
}

fn delivery(body: &[u8], headers: &[(&str, &str)]) -> Delivery {
    let connection: ConnectionName = "zendesk".parse().unwrap();
    Delivery {
        id: DeliveryId::new(&connection, "test"),
        connection,
        family: Family::Ticketing,
        received_at: RECEIVED.parse().unwrap(),
        body_sha256: String::new(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.to_vec(),
        same_key_as: None,
    }
}

fn normalize(body: &[u8]) -> Normalized {
    Zendesk.normalize(&delivery(body, &[]), &mapping())
}

fn fetched(object: &str, status: &str, body: &str) -> Normalized {
    let headers = [(FETCHED, object), (FETCHED_STATUS, status)];
    Zendesk.normalize(&delivery(body.as_bytes(), &headers), &mapping())
}

/// An event with these members of `detail` and `event`, written as they stand in the body.
fn event_at(time: &str, name: &str, detail: &str, change: &str) -> String {
    format!(
        r#"{{"type":"zen:event-type:{name}","id":"e1","time":"{time}","detail":{{{detail}}},"event":{{{change}}}}}"#
    )
}

fn event(name: &str, detail: &str) -> Normalized {
    normalize(event_at("2026-11-20T08:29:58Z", name, detail, "").as_bytes())
}

fn ticket(detail: &str) -> Normalized {
    event("ticket.comment_added", &format!(r#""id":"7",{detail}"#))
}

/// The value that a field of the one signal got.
fn value(out: &Normalized, field: Field) -> Option<Value> {
    let statement = out.signals.first()?.statements.iter().find(|statement| statement.field == field)?;
    Some(statement.value.clone())
}

/// Where the slot of a field says that something belongs: `None` when nothing is said.
fn own(out: &Normalized, slot: &str) -> Option<Option<String>> {
    out.links.iter().find_map(|link| match &link.says {
        LinkSays::Own { field, target, .. } if field == slot => Some(target.as_ref().map(ToString::to_string)),
        _ => None,
    })
}

#[test]
fn ids_are_read_from_text_and_from_numbers_to_the_last_digit() {
    let target = |token: &str| own(&ticket(&format!(r#""organization_id":{token}"#)), "organization_id");
    let some = |id: &str| Some(Some(format!("zendesk:org:{id}")));
    assert_eq!(target("8447346622462"), some("8447346622462"));
    assert_eq!(target("\"8447346622462\""), some("8447346622462"));
    assert_eq!(target("9007199254740993"), some("9007199254740993"));
    assert_eq!(target("\"18446744073709551615\""), some("18446744073709551615"));
    for none in ["null", "\"\"", "\"0\"", "0"] {
        assert_eq!(target(none), Some(None), "{none}");
    }
    for odd in ["18446744073709551616", "-1", "7.0", "7e3", "\"+7\"", "\"zen:7\"", "true", "{}", "[7]", "1e400"] {
        let out = ticket(&format!(r#""organization_id":{odd}"#));
        assert_eq!(own(&out, "organization_id"), None, "{odd}");
        assert_eq!(out.quarantined[0].path, "detail.organization_id", "{odd}");
    }
    assert_eq!(own(&ticket(r#""status":"OPEN""#), "organization_id"), None);
}

#[test]
fn words_lose_their_case_and_nothing_else() {
    for (key, token, field, expected) in [
        ("status", "\"OPEN\"", Field::Status, "open"),
        ("status", "\"On-hold\"", Field::Status, "hold"),
        ("status", "\"HOLD\"", Field::Status, "hold"),
        ("status", "\"ARCHIVED\"", Field::Status, "closed"),
        ("status", "\"Wartet auf R\\u00fcckruf\"", Field::Status, "wartet auf r\u{fc}ckruf"),
        ("priority", "\"URGENT\"", Field::Priority, "urgent"),
        ("type", "\"Incident\"", Field::TicketType, "incident"),
    ] {
        let out = ticket(&format!(r#""{key}":{token}"#));
        assert_eq!(value(&out, field), Some(Value::Text(expected.into())), "{key} {token}");
    }
    for empty in ["null", "\"\"", "\"  \"", "\"-\""] {
        assert_eq!(value(&ticket(&format!(r#""priority":{empty}"#)), Field::Priority), Some(Value::Cleared), "{empty}");
    }
    assert_eq!(value(&ticket(r#""status":"OPEN""#), Field::Priority), None);
}

#[test]
fn a_deleted_status_is_a_deletion_and_no_status() {
    for status in ["DELETED", "deleted", "SCRUBBED"] {
        let out = ticket(&format!(r#""status":"{status}","organization_id":null,"priority":"LOW""#));
        assert!(out.signals.is_empty(), "{status}");
        assert_eq!(out.links.len(), 1, "{status}");
        assert_eq!(out.links[0].says, LinkSays::Gone { gone: true }, "{status}");
    }
}

#[test]
fn times_are_read_to_the_nanosecond() {
    let at = |time: &str| {
        let body = event_at(time, "ticket.created", r#""id":"7","status":"NEW""#, "");
        let out = normalize(body.as_bytes());
        let statement = out.signals.first()?.statements.first()?.clone();
        Some((statement.occurred_at.to_string(), statement.sequence))
    };
    let some = |text: &str, sequence| Some((text.to_owned(), sequence));
    assert_eq!(at("2026-11-20T08:29:58Z"), some("2026-11-20T08:29:58.000Z", None));
    assert_eq!(at("2026-11-20T08:29:58.1Z"), some("2026-11-20T08:29:58.100Z", None));
    assert_eq!(at("2026-11-20T08:29:58.104000Z"), some("2026-11-20T08:29:58.104Z", None));
    assert_eq!(at("2026-11-20T08:29:58.104000001Z"), some("2026-11-20T08:29:58.104Z", Some(1)));
    assert_eq!(at("2026-11-20T08:29:58.104999999Z"), some("2026-11-20T08:29:58.104Z", Some(999_999)));
    assert_eq!(at("2026-11-20T09:29:58+01:00"), some("2026-11-20T08:29:58.000Z", None));
    assert_eq!(at("2026-11-20T09:29:58.5+0100"), some("2026-11-20T08:29:58.500Z", None));
    assert_eq!(at("2026-11-20T08:29Z"), some("2026-11-20T08:29:00.000Z", None));
    for odd in ["2026-11-20T08:29:58", "2026-11-20", "1795163398", "1795163398000", "soon", ""] {
        let out = normalize(event_at(odd, "ticket.created", r#""id":"7","status":"NEW""#, "").as_bytes());
        assert!(out.signals.is_empty() && out.links.is_empty(), "{odd}");
        assert_eq!(out.quarantined[0].path, "time", "{odd}");
    }
}

/// The course of one ticket: solved on the 3rd, commented on after that, opened and solved again, closed by automation.
fn course() -> Vec<String> {
    let detail = |status: &str, updated: &str| {
        format!(r#""id":"7","status":"{status}","created_at":"2026-11-01T09:00:00Z","updated_at":"{updated}""#)
    };
    let event = |time: &str, name: &str, status: &str, change: &str| {
        event_at(time, name, &detail(status, &time.replace(".5Z", "Z")), change)
    };
    vec![
        event("2026-11-01T09:00:00.5Z", "ticket.created", "NEW", ""),
        event("2026-11-03T09:00:00.5Z", "ticket.status_changed", "SOLVED", r#""current":"SOLVED","previous":"NEW""#),
        event("2026-11-04T09:00:00.5Z", "ticket.comment_added", "SOLVED", ""),
        event("2026-11-05T09:00:00.5Z", "ticket.status_changed", "OPEN", r#""current":"OPEN","previous":"SOLVED""#),
        event("2026-11-06T09:00:00.5Z", "ticket.status_changed", "SOLVED", r#""current":"SOLVED","previous":"OPEN""#),
        event("2026-11-07T09:00:00.5Z", "ticket.tags_changed", "SOLVED", ""),
        event("2026-11-10T09:00:00.5Z", "ticket.status_changed", "CLOSED", r#""current":"CLOSED","previous":"SOLVED""#),
    ]
}

/// What is held of a ticket after these bodies.
fn solved_at<'a>(bodies: impl IntoIterator<Item = &'a String>) -> Option<Value> {
    let mut fact = Fact::empty(super::subject(super::Kind::Ticket, "7"), FactKey::Ticket);
    for (n, body) in bodies.into_iter().enumerate() {
        let delivery = delivery(body.as_bytes(), &[]);
        let id = DeliveryId::new(&delivery.connection, &n.to_string());
        let source =
            Source { connection: &delivery.connection, delivery: &id, received_at: delivery.received_at, index: 0 };
        fact.apply(source, &normalize(body.as_bytes()).signals[0].statements);
    }
    fact.all_registers().find(|(_, field, _)| *field == Field::SolvedAt).map(|(_, _, held)| held.value.clone())
}

fn moment(text: &str) -> Option<Value> {
    Some(Value::Moment(text.parse::<Moment>().unwrap()))
}

#[test]
fn a_ticket_was_solved_when_it_was_last_solved_and_not_when_it_was_last_touched() {
    let course = course();
    assert_eq!(solved_at(&course[..1]), Some(Value::Cleared));
    assert_eq!(solved_at(&course[..3]), moment("2026-11-03T09:00:00.5Z"));
    assert_eq!(solved_at(&course[..4]), Some(Value::Cleared));
    assert_eq!(solved_at(&course), moment("2026-11-06T09:00:00.5Z"));
    // Of a ticket that was solved before anything was received, its last change is known.
    assert_eq!(solved_at(&course[2..3]), moment("2026-11-04T09:00:00Z"));
    assert_eq!(solved_at(&course[6..]), moment("2026-11-10T09:00:00Z"));
}

#[test]
fn a_ticket_that_was_created_solved_was_solved_then() {
    let detail =
        r#""id":"7","status":"SOLVED","created_at":"2026-11-01T09:00:00Z","updated_at":"2026-11-01T09:00:00Z""#;
    let body = event_at("2026-11-01T09:00:00.5Z", "ticket.created", detail, "");
    assert_eq!(solved_at([&body]), moment("2026-11-01T09:00:00.5Z"));
}

#[test]
fn a_trigger_says_when_a_ticket_was_solved_and_not_when_it_was_closed() {
    let body = |status: &str, updated: &str| {
        format!(
            r#"{{"barometer":1,"ticket":{{"id":"7","status":"{status}","created_at":"2026-11-01T09:00Z",
                "updated_at":"{updated}"}}}}"#
        )
    };
    let solved = body("Solved", "2026-11-03T09:00Z");
    let closed = body("Closed", "2026-11-07T09:00Z");
    for order in [[&solved, &closed], [&closed, &solved]] {
        assert_eq!(solved_at(order), moment("2026-11-03T09:00:00Z"));
    }
    assert_eq!(solved_at([&closed]), moment("2026-11-07T09:00:00Z"));
    assert_eq!(solved_at([&solved, &closed, &body("Open", "2026-11-08T09:00Z")]), Some(Value::Cleared));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_in_which_a_course_arrives_does_not_matter(order in Just(course()).prop_shuffle()) {
        prop_assert_eq!(solved_at(&order), moment("2026-11-06T09:00:00.5Z"));
    }
}

#[test]
fn within_a_minute_triggers_are_ordered_by_the_time_of_signing() {
    let body = |status: &str| {
        format!(r#"{{"barometer":1,"ticket":{{"id":"7","status":"{status}","updated_at":"2026-11-20T08:29Z"}}}}"#)
    };
    let sequence = |signed_at: &str| {
        let out = Zendesk.normalize(&delivery(body("Open").as_bytes(), &[(SIGNED_AT, signed_at)]), &mapping());
        out.signals[0].statements[0].sequence
    };
    assert!(sequence("2026-11-20T08:29:40Z") < sequence("2026-11-20T08:29:41Z"));
    assert_eq!(sequence("1234"), None);
    assert_eq!(normalize(body("Open").as_bytes()).signals[0].statements[0].sequence, None);
}

#[test]
fn only_a_new_ticket_or_new_owners_ask_the_api() {
    let asked = |name: &str, owners: &str| {
        let out = event(name, &format!(r#""id":"7","status":"OPEN",{owners}"#));
        out.fetches.into_iter().map(|wanted| wanted.object).collect::<Vec<_>>()
    };
    let both = r#""organization_id":"4","requester_id":"9""#;
    let alone = r#""organization_id":null,"requester_id":"9""#;
    for name in ["ticket.created", "ticket.organization_changed", "ticket.requester_changed"] {
        assert_eq!(asked(name, both), ["organization/4"], "{name}");
        assert_eq!(asked(name, alone), ["user/9"], "{name}");
        assert_eq!(asked(name, r#""requester_id":"9""#), [""; 0], "{name}");
    }
    for name in ["ticket.comment_added", "ticket.status_changed", "ticket.soft_deleted"] {
        assert_eq!(asked(name, both), [""; 0], "{name}");
    }
}

#[test]
fn an_organisation_is_fetched_when_it_changed_in_what_only_the_api_tells() {
    let asks = |name: &str, mapping: &Mapping| {
        let body = event_at("2026-11-20T08:29:58Z", name, r#""id":"4","name":"Kupfer""#, "");
        !Zendesk.normalize(&delivery(body.as_bytes(), &[]), mapping).fetches.is_empty()
    };
    for name in ["created", "external_id_changed", "name_changed", "something_new", "custom_field_changed"] {
        assert!(asks(&format!("organization.{name}"), &mapping()), "{name}");
    }
    for name in ["tags_changed", "deleted"] {
        assert!(!asks(&format!("organization.{name}"), &mapping()), "{name}");
    }
    assert!(!asks("organization.custom_field_changed", &no_mapping()));
}

#[test]
fn without_a_mapping_an_organisation_has_the_name_that_zendesk_gives_it() {
    let body = event_at("2026-11-20T08:29:58Z", "organization.created", r#""id":"4","name":"Kupfer & Söhne""#, "");
    let out = Zendesk.normalize(&delivery(body.as_bytes(), &[]), &no_mapping());
    assert_eq!(value(&out, Field::Name), Some(Value::Text("Kupfer & Söhne".into())));
    assert_eq!(own(&out, "external_id"), None);
    let cleared = event("organization.created", r#""id":"4","external_id":null"#);
    assert_eq!(own(&cleared, "external_id"), Some(None));
}

#[test]
fn an_external_id_names_an_account_in_four_ways_or_is_said_to_name_none() {
    let named = |id: &str, mapping: &Mapping| {
        let detail = format!(r#""id":"4","external_id":"{id}""#);
        let body = event_at("2026-11-20T08:29:58Z", "organization.tags_changed", &detail, "");
        let out = Zendesk.normalize(&delivery(body.as_bytes(), &[]), mapping);
        (own(&out, "external_id").flatten(), out.warnings.len())
    };
    let some = |subject: &str| (Some(subject.to_owned()), 0);
    assert_eq!(named("4410027", &mapping()), some("hubspot:company:4410027"));
    assert_eq!(named("hubspot:company:4410027", &no_mapping()), some("hubspot:company:4410027"));
    assert_eq!(named("kupfer.example", &no_mapping()), some("domain:kupfer.example"));
    assert_eq!(named("domain:kupfer.example", &no_mapping()), some("domain:kupfer.example"));
    assert_eq!(named("4410027", &no_mapping()), (None, 1));
}

#[test]
fn a_merge_counts_only_where_the_other_ticket_is_named() {
    let merged = |change: &str| {
        let body = event_at("2026-11-20T08:29:58Z", "ticket.merged", r#""id":"7","status":"CLOSED""#, change);
        let out = normalize(body.as_bytes());
        (own(&out, "merge").flatten(), out.warnings.len())
    };
    let into = |id: &str| (Some(format!("zendesk:ticket:{id}")), 0);
    assert_eq!(merged(r#""target_ticket_id":5"#), into("5"));
    assert_eq!(merged(r#""target_ticket":{"id":"5"}"#), into("5"));
    for nowhere in ["", r#""target_ticket_id":null"#, r#""target_ticket_id":"7""#, r#""target_ticket":[5]"#] {
        assert_eq!(merged(nowhere), (None, 1), "{nowhere}");
    }
}

#[test]
fn who_was_scrubbed_is_erased_and_says_nothing_else() {
    for detail in [r#""id":"9","email":"SCRUBBED""#, r#""id":"9","name":"SCRUBBED","email":"a@b.example""#] {
        let out = event("user.identity_deleted", detail);
        assert!(out.signals.is_empty() && out.quarantined.is_empty());
        assert!(out.links.iter().map(|link| &link.says).eq([&LinkSays::Erased]));
    }
    let user = |name| format!(r#"{{"user":{{"name":"{name}","updated_at":"2026-11-20T08:00:00Z"}}}}"#);
    let said = |name| fetched("user/9", "200", &user(name)).links[0].says.clone();
    assert_eq!(["SCRUBBED", "Permanently Deleted User"].map(said), [LinkSays::Erased, LinkSays::Erased]);
    let named_so = event("user.role_changed", r#""id":"9","name":"Scrubbed","role":"end-user""#);
    assert!(named_so.links.iter().all(|link| link.says != LinkSays::Erased));
}

#[test]
fn an_address_that_is_none_is_set_aside() {
    let out = event("user.created", r#""id":"9","email":"+49 40 1234","role":"end-user""#);
    assert_eq!(out.quarantined[0].path, "detail.email");
    assert_eq!(out.quarantined[0].reason, "email: expected an email address, found text");
    assert_eq!(out.signals[0].statements.len(), 1);
}

#[track_caller]
fn set_aside(body: &[u8], path: &str) {
    let out = normalize(body);
    assert!(out.signals.is_empty() && out.links.is_empty() && out.fetches.is_empty(), "{out:?}");
    assert_eq!(out.quarantined.iter().map(|item| item.path.as_str()).collect::<Vec<_>>(), [path]);
}

#[test]
fn a_body_that_is_neither_event_nor_template_is_set_aside_whole() {
    for body in
        [&b""[..], b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"{\"type\":", b"[]", b"null", b"{}", br#"{"type":"ticket"}"#]
    {
        set_aside(body, "$");
    }
    set_aside(br#"{"type":"zen:event-type:ticket.created","type":"x"}"#, "type");
    set_aside(br#"{"type":"zen:event-type:ticket"}"#, "type");
    set_aside(br#"{"type":"zen:event-type:ticket.Ann Example"}"#, "type");
    set_aside(br#"{"type":"zen:event-type:ticket.created"}"#, "time");
    let timed =
        |rest: &str| format!(r#"{{"type":"zen:event-type:ticket.created","time":"2026-11-20T08:00:00Z"{rest}}}"#);
    set_aside(timed("").as_bytes(), "detail");
    set_aside(timed(r#","detail":[]"#).as_bytes(), "detail");
    set_aside(timed(r#","detail":{"status":"OPEN"}"#).as_bytes(), "detail.id");
    set_aside(timed(r#","detail":{"id":"abc"},"subject":"zen:ticket:7""#).as_bytes(), "detail.id");
    set_aside(br#"{"barometer":{},"ticket":{}}"#, "barometer");
    set_aside(br#"{"barometer":1}"#, "ticket");
    set_aside(br#"{"barometer":"1","ticket":{"id":"7"}}"#, "ticket.updated_at");
    set_aside(br#"{"barometer":1,"ticket":{"updated_at":"2026-11-20T08:00Z"}}"#, "ticket.id");
}

#[test]
fn an_event_without_a_change_still_tells_its_object() {
    for change in ["", r#","event":null"#, r#","event":[]"#] {
        let body = format!(
            r#"{{"type":"zen:event-type/ticket.new_thing","time":"2026-11-20T08:00:00Z","subject":"zen:ticket:7",
                "detail":{{"status":"OPEN"}}{change}}}"#
        );
        let out = normalize(body.as_bytes());
        assert_eq!(out.signals[0].subject.as_str(), "zendesk:ticket:7", "{change}");
    }
}

#[test]
fn depth_size_and_repeated_keys_cost_one_part_only() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("\"{}\"", "x".repeat(5_000));
    for odd in [deep.as_str(), &long, "\"\\ud800\"", "\"HIGH\",\"priority\":\"LOW\""] {
        let out = ticket(&format!(r#""priority":{odd},"unused":{deep},"status":"OPEN""#));
        assert_eq!(out.quarantined.len(), 1);
        assert_eq!(out.quarantined[0].path, "detail.priority");
        assert_eq!(value(&out, Field::Status), Some(Value::Text("open".into())));
    }
}

#[test]
fn what_was_erased_says_nothing() {
    assert_eq!(normalize(br#"{"erased":true}"#), Normalized::default());
    assert_eq!(fetched("user/9", "200", r#"{"erased":true}"#), Normalized::default());
}

#[test]
fn an_answer_of_the_api_without_its_object_or_time_is_set_aside() {
    let path = |object: &str, body: &str| fetched(object, "200", body).quarantined.remove(0).path;
    assert_eq!(path("user/9", "{"), "$");
    assert_eq!(path("user/9", "[]"), "$");
    assert_eq!(path("user/9", r#"{"organization":{}}"#), "user");
    assert_eq!(path("organization/4", r#"{"organization":{"id":4}}"#), "organization.updated_at");
    assert_eq!(path("ticket/4", "{}"), "ticket");
    assert_eq!(path("view/4", "{}"), "$");
    assert_eq!(fetched("user/9", "410", "").links[0].says, LinkSays::Gone { gone: true });
}

#[test]
fn an_odd_item_of_a_list_of_domains_is_set_aside_alone() {
    let domains = |token: &str| {
        let body = format!(r#"{{"organization":{{"updated_at":"2026-11-20T08:00:00Z","domain_names":{token}}}}}"#);
        let out = fetched("organization/4", "200", &body);
        let listed = out.links.iter().find_map(|link| match &link.says {
            LinkSays::List { listed, .. } => Some(listed.iter().map(ToString::to_string).collect::<Vec<_>>()),
            _ => None,
        });
        (listed, out.quarantined.into_iter().map(|item| item.path).collect::<Vec<_>>())
    };
    let odd = domains(r#"["a.example","not a domain",{"name":"b.example"},null,"gmail.com"]"#);
    let paths = [1, 2, 3].map(|n| format!("organization.domain_names[{n}]"));
    assert_eq!(odd, (Some(vec!["domain:a.example".to_owned()]), paths.to_vec()));
    assert_eq!(domains("[]"), (Some(vec![]), vec![]));
    assert_eq!(domains("null"), (Some(vec![]), vec![]));
    assert_eq!(domains(r#""a.example""#), (None, vec!["organization.domain_names".to_owned()]));
}

#[test]
fn only_what_has_an_id_is_fetched() {
    let path = |object: &str| Zendesk.fetch(object, &mapping()).map(|call| call.path);
    assert_eq!(path("organization/4").as_deref(), Some("/api/v2/organizations/4.json"));
    assert_eq!(path("user/9007199254740993").as_deref(), Some("/api/v2/users/9007199254740993.json"));
    assert_eq!(path("ticket/4").as_deref(), Some("/api/v2/tickets/4.json"));
    for object in ["view/4", "organization/", "organization/4/../5", "organization/4?x", "organization/04", "user"] {
        assert_eq!(path(object), None, "{object}");
    }
}

#[test]
fn a_delivery_is_named_by_its_event_or_by_its_invocation() {
    let key = |body: &str, invocation: Option<&str>| {
        let headers: BTreeMap<_, _> =
            invocation.into_iter().map(|id| (super::INVOCATION.to_owned(), id.to_owned())).collect();
        let request = Unverified {
            method: "POST",
            url: "https://x.example/",
            headers: &headers,
            body: body.as_bytes(),
            received_at: RECEIVED.parse().unwrap(),
        };
        Zendesk.delivery_key(&Verified::after_check(&request))
    };
    let vendor = |id: &str| DeliveryKey::Vendor(id.to_owned());
    let event = event_at("2026-11-20T08:29:58Z", "ticket.created", r#""id":"7""#, "");
    assert_eq!(key(&event, Some("01JD4X")), vendor("e1"));
    // The `id` of a template is a ticket's or anything else.
    let template = r#"{"barometer":1,"id":"7","ticket":{}}"#;
    assert_eq!(key(template, Some("01JD4X")), vendor("01JD4X"));
    for unfit in [None, Some(""), Some("fetched~1"), Some("a,b"), Some(&*"x".repeat(65))] {
        assert_eq!(key(template, unfit), DeliveryKey::of_body(template.as_bytes()), "{unfit:?}");
    }
    assert_eq!(key("not json", Some("01JD4X")), vendor("01JD4X"));
}

#[test]
fn the_template_that_is_shipped_is_the_one_that_is_read() {
    let filled = include_str!("trigger-template.json")
        .replace("{{ticket.created_at_with_timestamp}}", "2026-11-20T08:29Z")
        .replace("{{ticket.updated_at_with_timestamp}}", "2026-11-20T08:29Z")
        .replace("{{ticket.id}}", "7")
        .replace("{{ticket.requester.id}}", "9")
        .replace("{{ticket.organization.id}}", "4")
        .replace("{{ticket.organization.external_id}}", "4410027")
        .replace("{{ticket.status}}", "Solved")
        .replace("{{ticket.priority}}", "High")
        .replace("{{ticket.ticket_type}}", "Problem");
    assert!(!filled.contains("{{"), "{filled}");
    let out = normalize(filled.as_bytes());
    assert_eq!((out.quarantined.len(), out.warnings.len(), out.links.len()), (0, 0, 3));
    assert_eq!(out.signals[0].statements.len(), 6);
    // Nothing but numbers, words and dates may be asked for: placeholders are not escaped.
    assert_eq!(include_str!("trigger-template.json").matches("{{").count(), 9);
}

#[test]
fn what_can_be_mapped_is_what_is_read() {
    let object = TOOL.objects[0];
    for field in object.fields {
        let property = mapping().property(object.name, *field).unwrap().to_owned();
        let body = format!(
            r#"{{"organization":{{"updated_at":"2026-11-20T08:00:00Z","organization_fields":{{"{property}":"x"}}}}}}"#
        );
        let out = fetched("organization/4", "200", &body);
        assert_eq!(value(&out, *field), Some(Value::Text("x".into())), "{field}");
    }
}
