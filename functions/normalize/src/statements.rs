//! What a delivery says under a configuration. Pure: the same delivery gives the same signals and links in a replay.

use config::Config;
use model::{
    CauseChain, Delivery, Event, EventBody, EventId, FetchRequest, FetchWanted, Link, LinkSays, Moment, Normalized,
    OperatorStatement, QuarantineKind, Quarantined, QuarantinedItem, SubjectId,
};

use crate::operator;

/// What stands in the journal in place of a body that spoke of an erased person. It says nothing.
pub const ERASED_BODY: &[u8] = br#"{"erased":true}"#;

/// What a delivery says: signals, links, objects to fetch, and what was not understood.
pub fn normalized(delivery: &Delivery, config: &Config) -> Normalized {
    if delivery.body.trim_ascii() == ERASED_BODY || connectors::self_test::is(&delivery.body) {
        return Normalized::default();
    }
    match operator_statement(delivery) {
        Some(Ok(statement)) => return operator::normalized(delivery, statement),
        Some(Err(reason)) => return Normalized::quarantine(QuarantineKind::Unreadable, reason, "$"),
        None => {}
    }
    if delivery.family == model::Family::Mail {
        return connectors::ses::normalize(delivery);
    }
    let not_configured = |reason| Normalized::quarantine(QuarantineKind::NotConfigured, reason, "$");
    let Some(connection) = config.connection(&delivery.connection) else {
        let name = &delivery.connection;
        return not_configured(format!("connection `{name}` is not in connections.toml; add it and replay"));
    };
    if delivery.family == model::Family::Import {
        return connectors::import::normalize(delivery, &connection.tool, &connection.mapping);
    }
    match connectors::by_name(&connection.tool) {
        Some(connector) => connector.normalize(delivery, &connection.mapping),
        None => not_configured(format!("tool `{}` is not known to this version", connection.tool)),
    }
}

/// `None` for a delivery that a webhook brought.
pub(crate) fn operator_statement(delivery: &Delivery) -> Option<Result<OperatorStatement, String>> {
    (delivery.family == model::Family::Operator).then(|| {
        serde_json::from_slice(&delivery.body).map_err(|error| format!("not an operator's statement: {error}"))
    })
}

/// A person, or something a person left; a company and a domain are nobody's to be forgotten.
pub(crate) fn can_be_erased(subject: &SubjectId) -> bool {
    !subject.is_company() && subject.as_domain().is_none()
}

pub(crate) fn erased(subjects: Vec<SubjectId>, occurred_at: Moment) -> Normalized {
    let mut said = Normalized::default();
    for (index, subject) in subjects.into_iter().enumerate() {
        let path = format!("erase.subjects[{index}]");
        if can_be_erased(&subject) {
            said.links.push(link(subject, LinkSays::Erased, occurred_at, path));
        } else {
            let reason = "a company or a domain cannot be erased; expected a contact, a user, an address or an answer";
            let (kind, reason) = (QuarantineKind::UnfitValue, reason.into());
            said.quarantined.push(QuarantinedItem { kind, reason, path });
        }
    }
    said
}

pub(crate) fn link(subject: SubjectId, says: LinkSays, occurred_at: Moment, path: String) -> Link {
    Link { subject, says, occurred_at, sequence: None, path }
}

/// One item for each place, with all its reasons: several fields may read one property, and a place is the row's key.
pub(crate) fn by_place(items: &[QuarantinedItem]) -> Vec<QuarantinedItem> {
    let mut places: Vec<QuarantinedItem> = Vec::new();
    for item in items {
        match places.iter_mut().find(|place| place.path == item.path) {
            None => places.push(item.clone()),
            Some(place) if place.reason.contains(&item.reason) => {}
            Some(place) => place.reason = format!("{}; {}", place.reason, item.reason),
        }
    }
    places
}

/// The row of the quarantine for an item, and the event that tells of it.
pub(crate) fn quarantined(delivery: &Delivery, item: &QuarantinedItem) -> (Quarantined, Event) {
    let row = Quarantined {
        delivery: delivery.id.clone(),
        connection: delivery.connection.clone(),
        received_at: delivery.received_at,
        kind: item.kind,
        reason: item.reason.clone(),
        path: item.path.clone(),
    };
    let body = EventBody::DeliveryQuarantined {
        delivery: delivery.id.clone(),
        connection: delivery.connection.clone(),
        reason: item.reason.clone(),
        path: item.path.clone(),
    };
    (row, event(delivery, body, (delivery.id.as_str(), &item.path), &item.path))
}

/// The event that asks for an object: one for each of its versions, whichever delivery names it first.
pub(crate) fn fetch_requested(delivery: &Delivery, wanted: &FetchWanted) -> Event {
    let FetchWanted { object, version, path } = wanted;
    let body = EventBody::FetchRequested(FetchRequest::new(&delivery.connection, object, version));
    event(delivery, body, (object, version), path)
}

/// An event about a connection, not about an account; `names` are what its id is derived from.
fn event(delivery: &Delivery, body: EventBody, names: (&str, &str), path: &str) -> Event {
    let account = SubjectId::from_stored(format!("connection:{}", delivery.connection));
    Event {
        id: EventId::derive(&account, body.kind(), names.0, names.1),
        schema: model::EVENT_SCHEMA,
        account,
        occurred_at: delivery.received_at,
        as_of: delivery.received_at,
        cause: CauseChain { delivery: Some(delivery.id.clone()), path: Some(path.to_owned()), due_at: None },
        body,
    }
}
