//! Zendesk: tickets, organisations and users, by event subscription or by a trigger. What we know is in `README.md`.

mod organization;
mod payload;
mod reading;
mod signature;
#[cfg(test)]
mod tests;
mod ticket;
mod user;

use model::{
    Api, Delivery, FactKey, Family, LinkSays, MappedObject, Mapping, Moment, Normalized, QuarantineKind, SignalKind,
    SubjectId, Tool, Warning,
};

use crate::json::{self, Object};
use crate::listing;
use crate::{
    Connector, DeliveryKey, FETCHED, FETCHED_STATUS, FetchCall, Listed, Receiver, Refusal, Secrets, Unverified,
    Verified,
};
use payload::{At, Body, Kind};
use reading::{Reading, subject};

/// The connector.
#[derive(Debug)]
pub(crate) struct Zendesk;

/// What can be mapped of an organisation.
pub(crate) const ORGANIZATION: MappedObject = MappedObject { name: organization::OBJECT, fields: organization::FIELDS };

static TOOL: Tool = Tool {
    name: "zendesk",
    title: "Zendesk",
    family: Family::Ticketing,
    creates_accounts: false,
    accounts: None,
    objects: &[ORGANIZATION],
    api: Some(Api {
        url: None,
        // The smallest plan allows 200 calls a minute to everybody together.
        per_ten_seconds: 10,
        without_token: Some(
            "the web domains of organisations and the addresses of requesters without one stay unknown, so a ticket finds \
             its account by its organisation's external id only",
        ),
    }),
};

/// The events that a webhook is to be subscribed to, as Zendesk's API names them: all that is read, and no others.
pub const EVENTS: &[&str] = &[
    "zen:event-type:ticket.created",
    "zen:event-type:ticket.status_changed",
    "zen:event-type:ticket.priority_changed",
    "zen:event-type:ticket.ticket_type_changed",
    "zen:event-type:ticket.organization_changed",
    "zen:event-type:ticket.requester_changed",
    "zen:event-type:ticket.merged",
    "zen:event-type:ticket.soft_deleted",
    "zen:event-type:ticket.permanently_deleted",
    "zen:event-type:ticket.undeleted",
    "zen:event-type:organization.created",
    "zen:event-type:organization.external_id_changed",
    "zen:event-type:organization.name_changed",
    "zen:event-type:organization.deleted",
    "zen:event-type:user.created",
    "zen:event-type:user.identity_created",
    "zen:event-type:user.identity_changed",
    "zen:event-type:user.identity_deleted",
    "zen:event-type:user.name_changed",
    "zen:event-type:user.role_changed",
    "zen:event-type:user.organization_membership_created",
    "zen:event-type:user.organization_membership_deleted",
    "zen:event-type:user.active_changed",
    "zen:event-type:user.deleted",
];

/// The JSON body of a trigger, with Zendesk's placeholders.
pub const TRIGGER: &str = include_str!("trigger-template.json");

/// The header with the invocation's id, the same in every retry.
const INVOCATION: &str = "x-zendesk-webhook-invocation-id";
/// The list of users who were deleted, softly or for good.
const DELETED_USER: &str = "deleted user";
/// Organisations that are known and are not there any more.
const MISSING_ORGANIZATION: &str = "missing organization";

impl Receiver for Zendesk {
    fn tool(&self) -> &'static Tool {
        &TOOL
    }

    fn verify<'a>(&self, request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
        signature::verify(request, secrets)
    }

    /// An event has an id of its own, which is signed. What a trigger sends has none, and the same bytes can be news
    /// again (solved, opened and solved within one minute), so there the id of the invocation counts. That one is not
    /// signed, but whoever repeats a request under another id only has the same said once more.
    fn delivery_key(&self, verified: &Verified<'_>) -> DeliveryKey {
        let plain = |id: &String| {
            (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        payload::event_id(verified.body)
            .or_else(|| verified.headers.get(INVOCATION).cloned())
            .filter(plain)
            .map_or_else(|| DeliveryKey::of_body(verified.body), DeliveryKey::Vendor)
    }

    /// The time of signing, not the signature: it orders what a trigger sends within one minute.
    fn kept_headers(&self) -> &'static [&'static str] {
        &[signature::SIGNED_AT]
    }
}

impl Connector for Zendesk {
    fn fetch(&self, object: &str, _: &Mapping) -> Option<FetchCall> {
        let (kind, id) = fetchable(object)?;
        Some(FetchCall::get(format!("/api/v2/{}s/{id}.json", kind.name())))
    }

    fn lists(&self) -> &'static [&'static str] {
        &["organization", "user", "ticket"]
    }

    /// Deleted tickets stand in their export; of deleted organisations there is no list, so they are asked after.
    fn lists_deleted(&self) -> &'static [&'static str] {
        &[DELETED_USER]
    }

    fn asks_after(&self) -> &'static [&'static str] {
        &[MISSING_ORGANIZATION]
    }

    fn asked_after(&self, kind: &str, of: &SubjectId) -> Option<String> {
        let (_, id) = of.as_str().rsplit_once(':').filter(|_| kind == MISSING_ORGANIZATION)?;
        (subject(Kind::Organization, id) == *of).then(|| format!("{}/{id}", Kind::Organization.name()))
    }

    fn still_there(&self, kind: &str, objects: &[String]) -> Option<FetchCall> {
        let ids = objects.iter().filter_map(|object| fetchable(object)).map(|(_, id)| id);
        let ids = ids.collect::<Vec<_>>().join(",");
        let is_it = kind == MISSING_ORGANIZATION && !ids.is_empty();
        is_it.then(|| FetchCall::get(format!("/api/v2/organizations/show_many.json?ids={ids}")))
    }

    /// Tickets come from the incremental export: of all lists of tickets only that one tells of those that were deleted, and
    /// it begins where it is asked to.
    fn list(&self, kind: &str, after: Option<&str>, since: Moment, _: &Mapping) -> Option<FetchCall> {
        let is_of_deleted = kind == DELETED_USER;
        let kind = if is_of_deleted { Kind::User } else { Kind::named(kind)? };
        Some(FetchCall::get(match (kind, after.map(listing::escaped)) {
            (Kind::Ticket, Some(after)) => {
                format!("/api/v2/incremental/tickets/cursor.json?per_page=500&cursor={after}")
            }
            (Kind::Ticket, None) => {
                let since = since.as_millis().div_euclid(1_000).max(0);
                format!("/api/v2/incremental/tickets/cursor.json?per_page=500&start_time={since}")
            }
            (Kind::Organization | Kind::User, after) => {
                let after = after.map(|after| format!("&page%5Bafter%5D={after}")).unwrap_or_default();
                let deleted = if is_of_deleted { "deleted_" } else { "" };
                format!("/api/v2/{deleted}{}s.json?page%5Bsize%5D=100{after}", kind.name())
            }
        }))
    }

    fn listed(&self, kind: &str, body: &[u8]) -> Result<Listed, String> {
        let (kind, list) = match kind {
            DELETED_USER => (Kind::User.name(), "deleted_users".to_owned()),
            MISSING_ORGANIZATION => (Kind::Organization.name(), format!("{}s", Kind::Organization.name())),
            _ => (kind, format!("{kind}s")),
        };
        let form = listing::Form { kind, list: &list, changed: "updated_at", wraps: true };
        listing::page(body, &form, |top| {
            if kind == Kind::Ticket.name() {
                let ends = listing::text_under(top, &["end_of_stream"])?;
                let after = listing::text_under(top, &["after_cursor"])?;
                return Ok(after.filter(|_| ends.as_deref() != Some("true")));
            }
            let more = listing::text_under(top, &["meta", "has_more"])?;
            let after = listing::text_under(top, &["meta", "after_cursor"])?;
            Ok(after.filter(|_| more.as_deref() == Some("true")))
        })
    }

    fn normalize(&self, delivery: &Delivery, mapping: &Mapping) -> Normalized {
        if let Some(object) = delivery.headers.get(FETCHED) {
            return fetched(delivery, object, mapping);
        }
        match Body::read(&delivery.body) {
            Ok(Body::Event(event)) => match event.kind {
                Kind::Ticket => ticket::event(event, mapping),
                Kind::Organization => organization::event(event, mapping),
                Kind::User => user::event(event, mapping),
            },
            Ok(Body::Template(ticket)) => {
                let signed_at = delivery.headers.get(signature::SIGNED_AT).map(String::as_str);
                ticket::template(ticket, signed_at, mapping)
            }
            Ok(Body::OtherEvent) => {
                let message = "events of this type are not used; the webhook need not send them".to_owned();
                Normalized { warnings: vec![Warning { message, path: "type".into() }], ..Normalized::default() }
            }
            Ok(Body::Erased) => Normalized::default(),
            Err(item) => Normalized { quarantined: vec![item], ..Normalized::default() },
        }
    }
}

/// The kind and the id of an object that the API is asked for.
fn fetchable(object: &str) -> Option<(Kind, &str)> {
    let (kind, id) = object.split_once('/')?;
    let kind = Kind::named(kind)?;
    payload::whole_number(id).filter(|number| number == id).map(|_| (kind, id))
}

/// The API's answer about `object`.
fn fetched(delivery: &Delivery, object: &str, mapping: &Mapping) -> Normalized {
    let Some((kind, id)) = fetchable(object) else {
        let reason = "an answer to a question that this tool does not ask";
        return Normalized::quarantine(QuarantineKind::Unreadable, reason, "$");
    };
    let status = delivery.headers.get(FETCHED_STATUS).map(String::as_str);
    if matches!(status, Some("404" | "410")) {
        // Nobody says since when: it was gone when we looked.
        let at = At { occurred_at: delivery.received_at, sequence: None };
        let mut reading = Reading::of(subject(kind, id), at, Object::default(), kind.name(), mapping);
        reading.link(LinkSays::Gone { gone: true }, "$");
        return reading.finish(SignalKind::AccountChanged, FactKey::Profile);
    }
    let read = json::whole(&delivery.body)
        .map_err(|reason| Normalized::quarantine(QuarantineKind::Unreadable, reason, "$"))
        .and_then(|whole| {
            if json::is_erased(whole) {
                return Err(Normalized::default());
            }
            let aside = |item| Normalized { quarantined: vec![item], ..Normalized::default() };
            let top = Object::read(whole).map_err(|found| aside(payload::odd("answer", "an object", found, "$")))?;
            let inner = payload::object(&top, kind.name(), kind.name()).map_err(aside)?;
            let (at, updated) =
                payload::time(&inner, "updated_at", &format!("{}.updated_at", kind.name())).map_err(aside)?;
            Ok((Reading::of(subject(kind, id), at, inner, kind.name(), mapping), updated))
        });
    match read {
        Ok((reading, updated)) => match kind {
            Kind::Ticket => ticket::fetched(reading, updated),
            Kind::Organization => organization::fetched(reading),
            Kind::User => user::fetched(reading),
        },
        Err(nothing) => nothing,
    }
}
