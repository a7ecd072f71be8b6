//! Tickets: what they are, whose they are, and when they were solved.

use model::{ClaimKind, FactKey, Field, LinkSays, Mapping, Moment, Normalized, QuarantinedItem, SignalKind, Value};
use serde_json::value::RawValue;

use super::organization;
use super::payload::{At, Event, ID, Kind, odd, time, whole_number};
use super::reading::{Part, Reading, subject};
use crate::json::{self, Found, Object};

/// What a status means for the time of the solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Solved,
    Closed,
    Deleted,
    /// A label in another language, or one of the customer's own.
    Unknown,
}

fn phase(status: &str) -> Phase {
    match status.to_lowercase().as_str() {
        "new" | "open" | "pending" | "hold" | "on-hold" => Phase::Open,
        "solved" => Phase::Solved,
        "closed" | "archived" => Phase::Closed,
        "deleted" | "scrubbed" => Phase::Deleted,
        _ => Phase::Unknown,
    }
}

pub(super) fn event(event: Event<'_>, mapping: &Mapping) -> Normalized {
    let Event { name, id, at, time, detail, change, .. } = event;
    let mut reading = Reading::of(subject(Kind::Ticket, &id), at, detail, "detail", mapping);
    match name.as_str() {
        "soft_deleted" | "permanently_deleted" => return gone(reading, "type"),
        "undeleted" => reading.link(LinkSays::Gone { gone: false }, "type"),
        "merged" => merge(&mut reading, &change, &id),
        _ => {}
    }
    let was = change.get("previous").ok().flatten().and_then(|raw| json::scalar(raw).ok()?);
    let was_solved = was.is_some_and(|was| matches!(phase(&was), Phase::Solved | Phase::Closed));
    let is_solution = |_| name == "created" || (name == "status_changed" && !was_solved);
    let owners = facts(reading, (time, "time"), is_solution);
    let names_anew = matches!(name.as_str(), "created" | "organization_changed" | "requester_changed");
    owners.finish(names_anew)
}

/// The object `ticket` of our template, signed at `signed_at`.
pub(super) fn template(ticket: Object<'_>, signed_at: Option<&str>, mapping: &Mapping) -> Normalized {
    match read_template(ticket, signed_at, mapping) {
        Ok(out) => out,
        Err(item) => Normalized { quarantined: vec![item], ..Normalized::default() },
    }
}

/// The API's answer, a whole ticket that was last changed `updated`. Who owns it is listed too and need not be asked for.
pub(super) fn fetched<'a>(reading: Reading<'a, '_>, updated: &'a RawValue) -> Normalized {
    facts(reading, (updated, "ticket.updated_at"), |_| false).finish(false)
}

fn read_template(
    ticket: Object<'_>,
    signed_at: Option<&str>,
    mapping: &Mapping,
) -> Result<Normalized, QuarantinedItem> {
    let (at, updated) = time(&ticket, "updated_at", "ticket.updated_at")?;
    // Placeholders give minutes. What happened within one is told apart by the time of signing.
    let signed_at = signed_at.and_then(|text| text.parse::<Moment>().ok());
    let sequence = signed_at.and_then(|moment| u64::try_from(moment.as_millis()).ok());
    let at = At { sequence, ..at };
    let wrong = |found: Found| odd("id", ID, found, "ticket.id");
    let raw = ticket.get("id").and_then(|raw| raw.ok_or(Found::Nothing)).map_err(wrong)?;
    let id = json::scalar(raw).map_err(wrong)?.unwrap_or_default();
    let id = whole_number(&id).ok_or_else(|| wrong(Found::kind(raw)))?;

    let reading = Reading::of(subject(Kind::Ticket, &id), at, ticket, "ticket", mapping);
    let mut owners = facts(reading, (updated, "ticket.updated_at"), |phase| phase == Phase::Solved);
    if let Some(organization) = owners.organization.as_ref().and_then(|part| part.value.clone())
        && let Some(part) = owners.reading.text("organization_external_id")
    {
        organization::external_id(&mut owners.reading, subject(Kind::Organization, &organization), part);
    }
    let is_new = owners.opened_at == Some(at.occurred_at);
    Ok(owners.finish(is_new))
}

/// A ticket whose facts are read, and who it belongs to.
struct Owners<'a, 'm> {
    reading: Reading<'a, 'm>,
    opened_at: Option<Moment>,
    organization: Option<Part<'a, String>>,
    requester: Option<Part<'a, String>>,
}

/// Reads what a ticket is. `is_solution` tells of a solved or closed ticket whether it became so by what is being read,
/// whose time is `now`.
fn facts<'a, 'm>(
    mut reading: Reading<'a, 'm>,
    now: (&'a RawValue, &str),
    is_solution: impl Fn(Phase) -> bool,
) -> Owners<'a, 'm> {
    let status = reading.word("status");
    let phase = status.as_ref().and_then(|part| part.value.as_deref()).map_or(Phase::Unknown, phase);
    if phase == Phase::Deleted {
        // What is left of a deleted ticket's values is not worth more than what was known before.
        if let Some(part) = status {
            reading.link(LinkSays::Gone { gone: true }, &part.path);
        }
        return Owners { reading, opened_at: None, organization: None, requester: None };
    }
    let solved_by = status.as_ref().map(|part| (part.raw, part.path.clone()));
    if let Some(part) = status {
        reading.state(Field::Status, part, |word| Value::Text(plain_status(word)));
    }
    for (field, key) in [(Field::Priority, "priority"), (Field::TicketType, "type")] {
        if let Some(part) = reading.word(key) {
            reading.state(field, part, Value::Text);
        }
    }
    let mut opened_at = None;
    if let Some(part) = reading.moment("created_at") {
        opened_at = part.value;
        reading.state(Field::OpenedAt, part, Value::Moment);
    }
    let at = reading.at;
    match (phase, solved_by) {
        (Phase::Open, Some((raw, path))) => reading.state_at(at, Field::SolvedAt, Value::Cleared, &path, raw),
        (Phase::Solved | Phase::Closed, _) if is_solution(phase) => {
            reading.state_at(at, Field::SolvedAt, Value::Moment(at.occurred_at), now.1, now.0);
        }
        (Phase::Solved | Phase::Closed, _) => solved_before(&mut reading, opened_at),
        _ => {}
    }

    let organization = reading.id("organization_id");
    if let Some(part) = &organization {
        own(&mut reading, "organization_id", ClaimKind::Crm, Kind::Organization, part);
    }
    let requester = reading.id("requester_id");
    if let Some(part) = &requester {
        own(&mut reading, "requester_id", ClaimKind::ExternalId, Kind::User, part);
        let person = part.value.as_deref().map(|id| subject(Kind::User, id).to_string());
        reading.state_at(at, Field::Person, person.map_or(Value::Cleared, Value::Text), &part.path, part.raw);
    }
    Owners { reading, opened_at, organization, requester }
}

/// A ticket that was solved earlier, we are not told when: the time of its last change is the best there is, and counts
/// as said when the ticket was opened, so that whoever does know is believed.
fn solved_before(reading: &mut Reading<'_, '_>, opened_at: Option<Moment>) {
    let Some(occurred_at) = opened_at else { return };
    if let Some(part) = reading.moment("updated_at")
        && let Some(moment) = part.value
    {
        let at = At { occurred_at, sequence: None };
        reading.state_at(at, Field::SolvedAt, Value::Moment(moment), &part.path, part.raw);
    }
}

fn plain_status(word: String) -> String {
    match word.as_str() {
        "on-hold" => "hold".to_owned(),
        // "Closed tickets are archived 120 days after they are closed": nothing else about them changes.
        "archived" => "closed".to_owned(),
        _ => word,
    }
}

fn own(reading: &mut Reading<'_, '_>, field: &str, kind: ClaimKind, of: Kind, part: &Part<'_, String>) {
    let target = part.value.as_deref().map(|id| subject(of, id));
    reading.link(LinkSays::Own { field: field.to_owned(), kind, target }, &part.path);
}

impl Owners<'_, '_> {
    /// `names_anew`: the body may be the first that names these owners. What only the API tells about them is then
    /// asked for, once a month each: Zendesk has no event for a changed list of domains.
    fn finish(mut self, names_anew: bool) -> Normalized {
        let month: String = self.reading.at.occurred_at.to_string().chars().take(7).collect();
        match (&self.organization, &self.requester) {
            (Some(Part { value: Some(id), path, .. }), _) if names_anew => {
                self.reading.want(Kind::Organization, id, &month, path);
            }
            (Some(Part { value: None, .. }), Some(Part { value: Some(id), path, .. })) if names_anew => {
                self.reading.want(Kind::User, id, &month, path);
            }
            _ => {}
        }
        self.reading.finish(SignalKind::TicketChanged, FactKey::Ticket)
    }
}

fn gone(mut reading: Reading<'_, '_>, path: &str) -> Normalized {
    reading.link(LinkSays::Gone { gone: true }, path);
    reading.finish(SignalKind::TicketChanged, FactKey::Ticket)
}

/// The ticket lives on in another one, where the body names it.
fn merge(reading: &mut Reading<'_, '_>, change: &Object<'_>, id: &str) {
    let inner = change.get("target_ticket").ok().flatten().and_then(|raw| Object::read(raw).ok());
    let named = [
        ("event.target_ticket_id", change.get("target_ticket_id")),
        ("event.target_ticket.id", inner.as_ref().map_or(Ok(None), |ticket| ticket.get("id"))),
    ];
    let target = named.into_iter().find_map(|(path, raw)| {
        let id = whole_number(&json::scalar(raw.ok()??).ok()??)?;
        Some((path, id))
    });
    match target.filter(|(_, target)| target != id) {
        Some((path, target)) => {
            let target = Some(subject(Kind::Ticket, &target));
            reading.link(LinkSays::Own { field: "merge".to_owned(), kind: ClaimKind::Crm, target }, path);
            reading.link(LinkSays::Gone { gone: true }, path);
        }
        None => reading.warn("the ticket was merged; into which other one is not said", "event"),
    }
}
