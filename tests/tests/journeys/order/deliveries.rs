//! Deliveries of four connections and an operator about a small world, so that they meet: three companies, two domains,
//! two contacts, a deal, two organisations, two tickets, two answers.

use model::{ConnectionName, Delivery, DeliveryId, Family, Moment};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Deliveries in the order of receipt, and the same in another order with repetitions.
#[derive(Debug, Clone)]
pub struct Case {
    pub all: Vec<Delivery>,
    pub other: Vec<Delivery>,
    /// How many of `other` make a batch.
    pub batch: usize,
}

const START: i64 = 1_795_424_400_000;

fn at(second: i64) -> i64 {
    START + second * 1_000
}

fn iso(second: i64) -> String {
    Moment::from_millis(at(second)).unwrap().to_string()
}

/// A body and the connection that sends it.
type Said = (&'static str, Value);

fn domain() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("acme.example"), Just("birch.example"), Just("")]
}

fn company() -> impl Strategy<Value = u64> {
    1..4_u64
}

/// Moments are few, so that statements meet in one.
fn moment() -> impl Strategy<Value = i64> {
    0..5_i64
}

fn word() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("green"), Just("yellow"), Just("red"), Just("")]
}

/// A whole company, by a workflow.
fn snapshot() -> BoxedStrategy<Said> {
    (company(), domain(), word(), moment(), moment())
        .prop_map(|(id, domain, word, domain_at, word_at)| {
            let property = |value: &str, second| json!({ "value": value, "timestamp": at(second) });
            let body = json!({
                "objectType": "COMPANY", "objectTypeId": "0-2", "objectId": id, "isDeleted": false,
                "properties": {
                    "name": property("Acme", 0), "domain": property(domain, domain_at),
                    "csm_sentiment": property(word, word_at),
                },
            });
            ("hubspot", body)
        })
        .boxed()
}

fn event(kind: &str, id: u64, second: i64, more: Value) -> Value {
    let mut event = json!({
        "eventId": 100, "subscriptionId": 7, "portalId": 62_515, "appId": 5_401, "occurredAt": at(second),
        "subscriptionType": kind, "attemptNumber": 0, "objectId": id, "changeSource": "CRM_UI",
    });
    let more = more.as_object().cloned().unwrap_or_default();
    event.as_object_mut().unwrap().extend(more);
    event
}

fn app_event() -> BoxedStrategy<Value> {
    let property = |kind: &'static str, name: &'static str, id: BoxedStrategy<u64>, value: BoxedStrategy<String>| {
        (id, value, moment())
            .prop_map(move |(id, value, second)| {
                event(kind, id, second, json!({ "propertyName": name, "propertyValue": value }))
            })
            .boxed()
    };
    let text = |strategy: BoxedStrategy<&'static str>| strategy.prop_map(str::to_owned).boxed();
    let person = prop_oneof![Just("ann@acme.example"), Just("bob@birch.example"), Just("bob@gmail.com")];
    prop_oneof![
        3 => property("company.propertyChange", "csm_sentiment", company().boxed(), text(word().boxed())),
        3 => property("company.propertyChange", "domain", company().boxed(), text(domain().boxed())),
        2 => property("contact.propertyChange", "email", (11..13_u64).boxed(), text(person.boxed())),
        1 => property("deal.propertyChange", "dealstage", Just(21).boxed(), text(prop_oneof![Just("open"), Just("closedwon")].boxed())),
        2 => (company(), moment()).prop_map(|(id, second)| event("company.deletion", id, second, json!({}))),
        1 => (company(), moment()).prop_map(|(id, second)| event("company.restore", id, second, json!({}))),
        3 => (company(), company(), moment()).prop_map(|(one, other, second)| {
            let more = json!({
                "primaryObjectId": one, "mergedObjectIds": [other % 3 + 1], "newObjectId": one, "numberOfPropertiesMoved": 3,
            });
            event("company.merge", one, second, more)
        }),
        3 => (prop_oneof![Just(("DEAL_TO_COMPANY", "deal.associationChange", 21_u64)), Just(("CONTACT_TO_COMPANY", "contact.associationChange", 11))], company(), any::<bool>(), moment())
            .prop_map(|((pair, kind, from), to, removed, second)| {
                let mut event = event(kind, from, second, json!({
                    "associationType": pair, "fromObjectId": from, "toObjectId": to, "associationRemoved": removed,
                    "isPrimaryAssociation": true,
                }));
                event.as_object_mut().unwrap().remove("objectId");
                event
            }),
    ]
    .boxed()
}

fn app() -> BoxedStrategy<Said> {
    prop::collection::vec(app_event(), 1..4).prop_map(|events| ("hubspot-app", Value::Array(events))).boxed()
}

fn zendesk() -> BoxedStrategy<Said> {
    let envelope = |kind: &str, subject: String, second: i64, n: u32, detail: Value, event: Value| {
        json!({
            "type": format!("zen:event-type:{kind}"), "account_id": 22_129_848, "id": format!("{kind}-{subject}-{second}-{n}"),
            "time": iso(second), "subject": subject, "zendesk_event_version": "2022-11-06", "detail": detail, "event": event,
        })
    };
    let external = prop_oneof![
        Just(json!("1")),
        Just(json!("2")),
        Just(json!("acme.example")),
        Just(json!("hubspot:company:3")),
        Just(Value::Null)
    ];
    let organization = (31..33_u64, external, moment(), any::<u32>()).prop_map(move |(id, external_id, second, n)| {
        let detail = json!({
            "id": id.to_string(), "name": "Acme", "external_id": external_id, "created_at": iso(0),
            "updated_at": iso(second), "shared_comments": false, "shared_tickets": false,
        });
        let event = json!({ "current": external_id, "previous": null });
        (
            "zendesk",
            envelope("organization.external_id_changed", format!("zen:organization:{id}"), second, n, detail, event),
        )
    });
    let ticket = (
        41..43_u64,
        prop_oneof![Just(Value::Null), (31..33_u64).prop_map(|id| json!(id.to_string()))],
        prop_oneof![Just("OPEN"), Just("SOLVED")],
        prop_oneof![Just("URGENT"), Just("LOW")],
        moment(),
        any::<u32>(),
    )
        .prop_map(move |(id, organization_id, status, priority, second, n)| {
            let detail = json!({
                "id": id.to_string(), "status": status, "priority": priority, "organization_id": organization_id,
                "requester_id": "51", "created_at": iso(0), "updated_at": iso(second), "type": "PROBLEM", "subject": "It is slow",
            });
            let event = json!({ "current": status, "previous": "NEW" });
            ("zendesk", envelope("ticket.status_changed", format!("zen:ticket:{id}"), second, n, detail, event))
        });
    let deleted = (41..43_u64, moment(), any::<u32>()).prop_map(move |(id, second, n)| {
        let detail =
            json!({ "id": id.to_string(), "status": "DELETED", "updated_at": iso(second), "created_at": iso(0) });
        ("zendesk", envelope("ticket.soft_deleted", format!("zen:ticket:{id}"), second, n, detail, json!({})))
    });
    prop_oneof![3 => organization, 4 => ticket, 1 => deleted].boxed()
}

fn typeform() -> BoxedStrategy<Said> {
    let hidden = prop_oneof![
        Just(json!({ "account_id": "1" })),
        Just(json!({ "account_id": "acme.example", "email": "ann@acme.example" })),
        Just(json!({ "email": "bob@birch.example" })),
        Just(json!({})),
    ];
    ("(t1|t2)", hidden, 0..11_i64, moment(), any::<u32>())
        .prop_map(|(token, hidden, score, second, n)| {
            let body = json!({
                "event_id": format!("01J{n:010}"), "event_type": "form_response",
                "form_response": {
                    "form_id": "lT4Z3j", "token": token, "landed_at": iso(0), "submitted_at": iso(second), "hidden": hidden,
                    "definition": { "id": "lT4Z3j", "title": "Pulse", "fields": [
                        { "id": "f1", "ref": "nps", "type": "nps", "title": "Would you recommend us?", "properties": {} },
                    ] },
                    "answers": [{ "type": "number", "number": score, "field": { "id": "f1", "ref": "nps", "type": "nps" } }],
                },
            });
            ("typeform", body)
        })
        .boxed()
}

fn operator() -> BoxedStrategy<Said> {
    let target = prop_oneof![
        Just(json!({ "subject": "hubspot:company:1" })),
        Just(json!({ "subject": "hubspot:company:2" })),
        Just(json!("alone")),
        Just(Value::Null),
    ];
    (prop_oneof![Just("zendesk:org:31"), Just("domain:acme.example"), Just("hubspot:deal:21")], target)
        .prop_map(|(subject, target)| ("operator", json!({ "link": { "subject": subject, "target": target } })))
        .boxed()
}

fn family(connection: &str) -> Family {
    match connection {
        "zendesk" => Family::Ticketing,
        "typeform" => Family::Survey,
        "operator" => Family::Operator,
        _ => Family::Crm,
    }
}

fn delivery(n: usize, (connection, body): Said) -> Delivery {
    let connection = ConnectionName::from_stored(connection);
    let body = body.to_string().into_bytes();
    Delivery {
        // Not in the order of receipt: what is decided by the id must not look like time.
        id: DeliveryId::new(&connection, &format!("{:03}", (n * 37 + 11) % 101)),
        family: family(connection.as_str()),
        connection,
        received_at: Moment::from_millis(at(60 + i64::try_from(n).unwrap())).unwrap(),
        body_sha256: format!("{n:064}"),
        headers: std::collections::BTreeMap::new(),
        body,
        same_key_as: None,
    }
}

/// Six to twelve deliveries, and the same shuffled with a third of them twice.
pub fn cases() -> impl Strategy<Value = Case> {
    let one = prop_oneof![3 => snapshot(), 5 => app(), 4 => zendesk(), 2 => typeform(), 1 => operator()];
    (prop::collection::vec(one, 6..13), 1..5_usize).prop_flat_map(|(said, batch)| {
        let all: Vec<_> = said.into_iter().enumerate().map(|(n, said)| delivery(n, said)).collect();
        let mut other = all.clone();
        other.extend(all.iter().step_by(3).cloned());
        (Just(all), Just(other).prop_shuffle(), Just(batch)).prop_map(|(all, other, batch)| Case { all, other, batch })
    })
}
