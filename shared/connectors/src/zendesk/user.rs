//! Users: who they are and which organisation they belong to. Agents are users too.

use model::{ClaimKind, FactKey, Field, LinkSays, Mapping, Normalized, SignalKind, SubjectId, Value};

use super::payload::{Event, Kind};
use super::reading::{Reading, subject};

/// Events about what is not kept: they would only state the rest once more.
const IGNORED: &[&str] = &[
    "alias_changed",
    "custom_field_changed",
    "default_group_changed",
    "details_changed",
    "external_id_changed",
    "group_membership_created",
    "group_membership_deleted",
    "last_login_changed",
    "notes_changed",
    "only_private_comments_changed",
    "password_changed",
    "photo_changed",
    "suspended_changed",
    "tags_changed",
    "time_zone_changed",
];

pub(super) fn event(event: Event<'_>, mapping: &Mapping) -> Normalized {
    let Event { name, id, at, detail, change, .. } = event;
    if IGNORED.contains(&name.as_str()) {
        return Normalized::default();
    }
    // The changed value stands beside the detail, which has no name and no state.
    let mut reading = Reading::of(subject(Kind::User, &id), at, change, "event", mapping);
    match name.as_str() {
        "active_changed" => active(&mut reading, "current"),
        "name_changed" => full_name(&mut reading, "current"),
        _ => {}
    }
    reading.turn_to(detail, "detail");
    match name.as_str() {
        "deleted" => reading.link(LinkSays::Gone { gone: true }, "type"),
        "permanently_deleted" => reading.link(LinkSays::Erased, "type"),
        _ if is_scrubbed(&mut reading) => {}
        _ => contact(&mut reading),
    }
    finish(reading)
}

/// The API's answer, a whole user.
pub(super) fn fetched(mut reading: Reading<'_, '_>) -> Normalized {
    if !is_scrubbed(&mut reading) {
        active(&mut reading, "active");
        full_name(&mut reading, "name");
        contact(&mut reading);
    }
    finish(reading)
}

fn finish(reading: Reading<'_, '_>) -> Normalized {
    reading.finish(SignalKind::ContactChanged, FactKey::Contact)
}

/// A user who is not active was deleted, and can be restored.
fn active(reading: &mut Reading<'_, '_>, key: &str) {
    if let Some(part) = reading.flag(key)
        && let Some(active) = part.value
    {
        reading.link(LinkSays::Gone { gone: !active }, &part.path);
    }
}

fn full_name(reading: &mut Reading<'_, '_>, key: &str) {
    if let Some(part) = reading.text(key) {
        reading.state(Field::Name, part, Value::Text);
    }
}

/// A user who was deleted for good: other words stand where values were.
fn is_scrubbed(reading: &mut Reading<'_, '_>) -> bool {
    let words =
        [("name", "SCRUBBED"), ("email", "SCRUBBED"), ("role", "SCRUBBED"), ("name", "Permanently Deleted User")];
    let scrubbed = words.into_iter().find(|(key, word)| reading.says(key, word)).map(|(key, _)| key);
    if let Some(key) = scrubbed {
        reading.link(LinkSays::Erased, &reading.path(key));
    }
    scrubbed.is_some()
}

fn contact(reading: &mut Reading<'_, '_>) {
    if let Some(part) = reading.part("email", "an email address", SubjectId::email) {
        let says = LinkSays::Own { field: "email".to_owned(), kind: ClaimKind::ExternalId, target: part.value.clone() };
        reading.link(says, &part.path);
        reading.state(Field::Email, part, |email| Value::Text(email.as_email().unwrap_or_default().to_owned()));
    }
    if let Some(part) = reading.word("role") {
        reading.state(Field::Role, part, Value::Text);
    }
    if let Some(part) = reading.id("organization_id") {
        let target = part.value.as_deref().map(|id| subject(Kind::Organization, id));
        let says = LinkSays::Own { field: "organization_id".to_owned(), kind: ClaimKind::Crm, target };
        reading.link(says, &part.path);
    }
}
