//! A long past of one account: what HubSpot, Zendesk and Typeform say about it, one thing after another.

use jiff::SignedDuration;
use model::{ConnectionName, Delivery, DeliveryId, Family, Moment};
use serde_json::{Value, json};

use crate::{Company, Setup, World, at};

/// `n` seconds into the past that is told.
pub fn second(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_secs(n))
}

/// `n` days before it.
pub fn days_ago(n: i64) -> Moment {
    second(0).plus(SignedDuration::from_hours(-24 * n))
}

fn zendesk(kind: &str, subject: String, n: i64, when: Moment, detail: Value) -> Value {
    json!({
        "type": format!("zen:event-type:{kind}"), "account_id": 22_129_848, "id": format!("{kind}-{n}"),
        "time": when.to_string(), "subject": subject, "zendesk_event_version": "2022-11-06", "detail": detail, "event": {},
    })
}

/// A Zendesk organisation whose external id is `external_id`.
pub fn organization(id: u32, external_id: &str, n: i64, when: Moment) -> Value {
    let detail =
        json!({ "id": id.to_string(), "name": "Acme", "external_id": external_id, "updated_at": when.to_string() });
    zendesk("organization.external_id_changed", format!("zen:organization:{id}"), n, when, detail)
}

/// A Zendesk ticket whose status changed at `when`; `n` names the event.
pub fn ticket(id: i64, organization: u32, status: &str, n: i64, when: Moment) -> Value {
    let detail = json!({
        "id": id.to_string(), "status": status, "priority": "HIGH", "organization_id": organization.to_string(),
        "requester_id": null, "created_at": days_ago(500).to_string(), "updated_at": when.to_string(), "type": "PROBLEM",
    });
    zendesk("ticket.status_changed", format!("zen:ticket:{id}"), n, when, detail)
}

/// An answer in Typeform about account 1.
pub fn answer(token: &str, score: i64, n: i64, when: Moment) -> Value {
    json!({
        "event_id": format!("01J{n:010}"), "event_type": "form_response",
        "form_response": {
            "form_id": "lT4Z3j", "token": token, "landed_at": when.to_string(), "submitted_at": when.to_string(),
            "hidden": { "account_id": "1" },
            "definition": { "id": "lT4Z3j", "title": "Pulse", "fields": [
                { "id": "f1", "ref": "nps", "type": "nps", "title": "Would you recommend us?", "properties": {} },
            ] },
            "answers": [{ "type": "number", "number": score, "field": { "id": "f1", "ref": "nps", "type": "nps" } }],
        },
    })
}

/// An account with an organisation.
pub async fn acme() -> World {
    let world = World::new(Setup::new()).await;
    world.deliver(&Company::healthy(1, second(0)).body(), second(0)).await;
    world.deliver_from("zendesk", &organization(31, "1", 0, second(1)), second(1)).await;
    world
}

/// A delivery as the journal keeps it; `n` orders and names it.
pub fn delivery(connection: &str, family: Family, body: &Value, n: i64) -> Delivery {
    let connection = ConnectionName::from_stored(connection);
    Delivery {
        id: DeliveryId::new(&connection, &format!("{n:06}")),
        connection,
        family,
        received_at: second(100 + n),
        body_sha256: format!("{n:064}"),
        headers: std::collections::BTreeMap::new(),
        body: body.to_string().into_bytes(),
        same_key_as: None,
    }
}

/// The `n`-th thing that anybody says: a company, tickets that are opened and solved by the hundred, answers.
pub fn said(n: i64) -> Delivery {
    let when = second(100 + n);
    match n % 4 {
        0 => {
            let mut company = Company::healthy(1, second(0));
            company.contacted(second(n), when);
            delivery("hubspot", Family::Crm, &company.body(), n)
        }
        1 => delivery("typeform", Family::Survey, &answer(&format!("t{}", n % 40), n % 11, n, when), n),
        _ => {
            let status = if n % 3 == 0 { "SOLVED" } else { "OPEN" };
            delivery("zendesk", Family::Ticketing, &ticket(n % 60, 31, status, n, when), n)
        }
    }
}

/// Deliveries `from` to `to` as one batch of the journal's stream.
///
/// # Panics
/// When a delivery cannot be written as an item.
pub fn batch(from: i64, to: i64) -> Value {
    let record = |n: i64| {
        let image = store::stream_image(&said(n)).expect("a delivery is an item");
        let change = json!({ "Keys": {}, "NewImage": image, "SequenceNumber": format!("{n:021}") });
        json!({ "eventName": "INSERT", "dynamodb": change })
    };
    json!({ "Records": (from..to).map(record).collect::<Vec<_>>() })
}
