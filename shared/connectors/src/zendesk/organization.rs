//! Organisations: their name, which account they are, and the web domains that only the API tells.

use std::collections::BTreeSet;

use model::{ClaimKind, FactKey, Field, LinkSays, Mapping, Normalized, SignalKind, SubjectId, Value, is_free_mail};

use super::payload::{Event, Kind, odd};
use super::reading::{Part, Reading, subject};
use crate::json::{self, Found};

/// The object of the mapping.
pub(super) const OBJECT: &str = "organization";
/// The fields that a property of `organization_fields` can feed.
pub(super) const FIELDS: &[Field] = &[Field::Name, Field::Tier, Field::Segment, Field::Region, Field::Language];

pub(super) fn event(event: Event<'_>, mapping: &Mapping) -> Normalized {
    let Event { name, id, id_path, at, detail, .. } = event;
    let mut reading = Reading::of(subject(Kind::Organization, &id), at, detail, "detail", mapping);
    if name == "deleted" {
        reading.link(LinkSays::Gone { gone: true }, "type");
        return reading.finish(SignalKind::AccountChanged, FactKey::Profile);
    }
    name_and_id(&mut reading);
    let asks_api = match name.as_str() {
        "tags_changed" => false,
        // The event names a field by its number, the mapping by its key.
        "custom_field_changed" => FIELDS.iter().any(|field| mapping.property(OBJECT, *field).is_some()),
        _ => true,
    };
    if asks_api {
        reading.want(Kind::Organization, &id, &at.occurred_at.to_string(), id_path);
    }
    reading.finish(SignalKind::AccountChanged, FactKey::Profile)
}

/// The API's answer, a whole organisation.
pub(super) fn fetched(mut reading: Reading<'_, '_>) -> Normalized {
    name_and_id(&mut reading);
    for field in FIELDS {
        if let Some(property) = reading.mapping.property(OBJECT, *field)
            && let Some(part) = reading.custom("organization_fields", property)
        {
            reading.state(*field, part, Value::Text);
        }
    }
    domains(&mut reading);
    reading.finish(SignalKind::AccountChanged, FactKey::Profile)
}

fn name_and_id(reading: &mut Reading<'_, '_>) {
    // A mapped name is another one than Zendesk's own: the two would fight.
    if reading.mapping.property(OBJECT, Field::Name).is_none()
        && let Some(part) = reading.text("name")
    {
        reading.state(Field::Name, part, Value::Text);
    }
    if let Some(part) = reading.text("external_id") {
        external_id(reading, reading.subject.clone(), part);
    }
}

/// The account that an organisation's external id names.
pub(super) fn external_id(reading: &mut Reading<'_, '_>, organization: SubjectId, part: Part<'_, String>) {
    let target = part.value.as_deref().map(|text| reading.mapping.account(text));
    if target == Some(None) {
        let message = "the external id names no account; set `account_ids` to say which tool's ids it holds";
        return reading.warn(message, &part.path);
    }
    let says = LinkSays::Own { field: "external_id".to_owned(), kind: ClaimKind::ExternalId, target: target.flatten() };
    reading.link_of(organization, says, &part.path);
}

fn domains(reading: &mut Reading<'_, '_>) {
    let Some((items, path)) = reading.list("domain_names") else { return };
    let mut listed = BTreeSet::new();
    for (raw, path) in items {
        let text = json::scalar(raw).map(Option::unwrap_or_default);
        match text.map(|text| SubjectId::domain(&text)) {
            Ok(Some(domain)) if domain.as_domain().is_some_and(is_free_mail) => {
                reading.warn("a mail provider's domain tells nothing of a company; it links nobody", &path);
            }
            Ok(Some(domain)) => drop(listed.insert(domain)),
            Ok(None) => reading.aside(odd("domain_names", "a web domain", Found::kind(raw), &path)),
            Err(found) => reading.aside(odd("domain_names", "a web domain", found, &path)),
        }
    }
    reading.link(LinkSays::List { list: "domain_names".to_owned(), kind: ClaimKind::Domain, listed }, &path);
}
