//! From a vendor's bytes to a number: what the profile for CRM, tickets and surveys reads.

use std::collections::BTreeMap;

use connectors::by_name;
use model::{Delivery, DeliveryId, Moment, Source};

use super::{Scene, Unknown, date, days, hours};

/// One body: connection, moment of receipt, bytes.
type Sent = (&'static str, Moment, String);

/// The account of which the bodies tell, delivered in this order.
fn delivered<'a>(bodies: impl IntoIterator<Item = &'a Sent>) -> Scene {
    let mut scene = Scene::new();
    let typeform = scene.config.connections.iter_mut().find(|known| known.tool == "typeform").unwrap();
    typeform.mapping =
        model::Mapping { objects: questions(), account_ids: "hubspot:company".into(), ..typeform.mapping.clone() };
    for (name, received_at, body) in bodies {
        let connection = scene.config.connection(&name.parse().unwrap()).unwrap().clone();
        let delivery = Delivery {
            id: DeliveryId::new(&connection.name, &model::stable_hash(&[body])),
            connection: connection.name.clone(),
            family: connection.family,
            received_at: *received_at,
            body_sha256: String::new(),
            headers: BTreeMap::new(),
            body: body.clone().into_bytes(),
            same_key_as: None,
        };
        let said = by_name(&connection.tool).unwrap().normalize(&delivery, &connection.mapping);
        assert_eq!(said.quarantined, [], "{body}");
        for (index, signal) in said.signals.iter().enumerate() {
            let source = Source {
                connection: &connection.name,
                delivery: &delivery.id,
                received_at: *received_at,
                index: u32::try_from(index).unwrap(),
            };
            scene.fact(&signal.subject, &signal.key).fact.apply(source, &signal.statements);
        }
    }
    scene
}

fn questions() -> BTreeMap<String, BTreeMap<model::Field, String>> {
    use model::Field::{Csat, CsatScale, Nps};
    let fields = [(Nps, "recommend"), (Csat, "satisfaction"), (CsatScale, "1..5")];
    [("response".to_owned(), fields.map(|(field, name)| (field, name.to_owned())).into())].into()
}

fn millis(at: Moment) -> i64 {
    at.as_millis()
}

/// A record as HubSpot's workflow sends it, with these properties set at a moment.
fn record(kind: &str, id: u32, at: Moment, properties: &[(&str, String)]) -> Sent {
    let told = properties.iter().map(|(name, value)| {
        let at = millis(at);
        format!(
            r#""{name}":{{"value":"{value}","timestamp":{at},"versions":[{{"name":"{name}","value":"{value}","timestamp":{at}}}]}}"#
        )
    });
    let told: Vec<_> = told.collect();
    let id = if kind == "CONTACT" {
        format!(r#""vid":{id},"canonical-vid":{id},"merged-vids":[],"portal-id":48210077,"is-contact":true"#)
    } else {
        format!(r#""portalId":48210077,"objectType":"{kind}","objectId":{id},"version":4,"isDeleted":false"#)
    };
    let body = format!(r#"{{{id},"properties":{{{}}}}}"#, told.join(","));
    ("hubspot", at, body)
}

/// An event of a Zendesk ticket, which always carries the whole ticket.
fn ticket(id: u32, at: Moment, what: &str, told: [&str; 3], opened_at: Moment) -> Sent {
    let [status, priority, requester] = told;
    let (previous, current) = ("OPEN", status);
    let body = format!(
        r#"{{"type":"zen:event-type:ticket.{what}","account_id":22129901,"id":"{id}-{what}","time":"{at}",
        "zendesk_event_version":"2022-11-06","subject":"zen:ticket:{id}","detail":{{"created_at":"{opened_at}",
        "id":"{id}","organization_id":"5","priority":{priority},"requester_id":"{requester}","status":"{status}",
        "type":"PROBLEM","updated_at":"{at}"}},"event":{{"current":"{current}","previous":"{previous}"}}}}"#
    );
    ("zendesk", at, body)
}

fn opened(id: u32, at: Moment, priority: &str, requester: &str) -> Sent {
    ticket(id, at, "created", ["NEW", priority, requester], at)
}

fn solved(id: u32, opened_at: Moment, at: Moment, requester: &str) -> Sent {
    ticket(id, at, "status_changed", ["SOLVED", "null", requester], opened_at)
}

fn user(id: u32, at: Moment, email: &str) -> Sent {
    let body = format!(
        r#"{{"type":"zen:event-type:user.created","account_id":22129901,"id":"u{id}","time":"{at}",
        "zendesk_event_version":"2022-06-20","subject":"zen:user:{id}","detail":{{"created_at":"{at}",
        "email":"{email}","id":"{id}","organization_id":"5","role":"end-user","updated_at":"{at}"}},"event":{{}}}}"#
    );
    ("zendesk", at, body)
}

fn answer(id: &str, at: Moment, email: &str, nps: u8, csat: u8) -> Sent {
    let number =
        |name: &str, value| format!(r#"{{"type":"number","number":{value},"field":{{"id":"{name}","ref":"{name}"}}}}"#);
    let body = format!(
        r#"{{"event_id":"e-{id}","event_type":"form_response","form_response":{{"form_id":"Nq4Pulse","token":"{id}",
        "landed_at":"{at}","submitted_at":"{at}","hidden":{{"account_id":"1","email":"{email}"}},
        "answers":[{},{}]}}}}"#,
        number("recommend", nps),
        number("satisfaction", csat)
    );
    ("typeform", at, body)
}

/// The same numbers whatever the order in which the bodies come, and each of them twice.
#[track_caller]
fn check(bodies: &[Sent], expected: &[(&str, super::Expected)]) {
    let twice = delivered(bodies.iter().rev().chain(bodies));
    let once = delivered(bodies);
    for (name, value) in expected {
        assert_eq!(once.read(name, days(0)).value, value.0, "{name}");
        assert_eq!(twice.read(name, days(0)).value, value.0, "{name}, in another order");
    }
}

#[test]
fn a_companys_record() {
    // How HubSpot writes a day: 00:00 UTC.
    let contract = |day: i64| millis(format!("{}T00:00:00Z", date(day)).parse().unwrap());
    let company = record(
        "COMPANY",
        1,
        days(-20),
        &[
            ("name", "Nordlicht Logistik GmbH".into()),
            ("lifecyclestage", "customer".into()),
            ("csm_sentiment", "At_Risk".into()),
            ("notes_last_contacted", millis(days(-31)).to_string()),
            ("renewal_date", contract(75).to_string()),
            ("contract_start", contract(-290).to_string()),
            ("licensed_seats", "100".into()),
        ],
    );
    check(
        &[company],
        &[
            ("csm_sentiment", "red".into()),
            ("days_since_sentiment", 20.into()),
            ("days_since_two_way_contact", 31.into()),
            ("days_to_renewal", 75.into()),
            ("customer_age_days", 290.into()),
            ("seats", 100.into()),
            ("open_urgent_tickets", Unknown.into()),
            ("has_sponsor", Unknown.into()),
        ],
    );
}

#[test]
fn tickets_of_the_help_desk() {
    let seats = record("COMPANY", 1, days(-300), &[("licensed_seats", "100".into())]);
    // Opened at midnight in Berlin, ten days before today's.
    let urgent = opened(11, hours(-250), r#""URGENT""#, "71");
    let bodies = [
        seats,
        urgent,
        opened(12, days(-40), "null", "72"),
        solved(12, days(-40), days(-30), "72"),
        opened(13, days(-100), "null", "71"),
        solved(13, days(-100), days(-95), "71"),
    ];
    check(
        &bodies,
        &[
            ("had_tickets", true.into()),
            ("open_tickets", 1.into()),
            ("open_urgent_tickets", 1.into()),
            ("oldest_urgent_ticket_hours", 250.into()),
            ("tickets_90d", 2.into()),
            ("ticket_load", 192.into()),
            ("ticket_load_change", Unknown.into()),
            ("stakeholders_90d", 2.into()),
        ],
    );
}

#[test]
fn tickets_of_the_crm() {
    let event = |name: &str, value: &str| {
        let at = millis(days(-1));
        format!(
            r#"{{"eventId":1,"portalId":48210077,"occurredAt":{at},"subscriptionType":"ticket.propertyChange",
            "attemptNumber":0,"objectId":55012,"propertyName":"{name}","propertyValue":"{value}"}}"#
        )
    };
    let told = [
        event("createdate", &millis(hours(-30)).to_string()),
        event("hs_ticket_priority", "URGENT"),
        event("hs_pipeline_stage", "1"),
    ];
    let body = ("hubspot-app", days(-1), format!("[{}]", told.join(",")));
    check(&[body], &[("open_urgent_tickets", 1.into()), ("oldest_urgent_ticket_hours", 30.into())]);
}

#[test]
fn a_growing_load() {
    let spell = |id: u32, day: i64| [opened(id, days(-day), "null", "71"), solved(id, days(-day), days(1 - day), "71")];
    let bodies: Vec<_> =
        [(1, 140), (2, 100), (3, 70), (4, 40), (5, 10), (6, 5)].map(|(id, day)| spell(id, day)).concat();
    check(&bodies, &[("ticket_load_change", 114.into()), ("open_tickets", 0.into())]);
}

#[test]
fn answers_and_who_gave_them() {
    let bodies = [
        user(71, days(-200), "ann@acme.example"),
        opened(11, days(-2), "null", "71"),
        answer("r1", days(-3), "Ann@Acme.example", 9, 5),
        answer("r2", days(-100), "ben@acme.example", 6, 3),
        answer("r3", days(-5), "eve@acme.example", 10, 4),
    ];
    check(
        &bodies,
        &[
            ("nps_latest", 33.into()),
            ("nps_respondents", 3.into()),
            ("nps_last_answer", 9.into()),
            ("detractors_180d", 1.into()),
            ("days_since_detractor", 100.into()),
            ("csat_percent", 67.into()),
            ("stakeholders_90d", 2.into()),
        ],
    );
    check(&bodies[2..4], &[("nps_latest", Unknown.into()), ("csat_percent", Unknown.into())]);
}

#[test]
fn a_sponsor_of_the_crm_speaks_for_the_account() {
    let contact = |role: &str| {
        record("CONTACT", 7, days(-9), &[("email", "eve@acme.example".into()), ("hs_buying_role", role.into())])
    };
    let sponsor = [contact("CHAMPION;DECISION_MAKER"), answer("r3", days(-5), "eve@acme.example", 3, 2)];
    check(
        &sponsor,
        &[
            ("has_sponsor", true.into()),
            ("nps_latest", (-100).into()),
            ("csat_percent", 0.into()),
            ("days_since_sponsor_heard", 5.into()),
        ],
    );
    let user = [contact("END_USER"), answer("r3", days(-5), "eve@acme.example", 3, 2)];
    check(&user, &[("has_sponsor", false.into()), ("nps_latest", Unknown.into())]);
}
