//! The body of HubSpot's "Send a webhook" with HubSpot's names, only the parts in use.
//!
//! Companies and deals come as `{portalId, objectType, objectTypeId, objectId, properties, isDeleted}`, contacts in the
//! older form `{vid, "canonical-vid", "merged-vids", properties, "associated-company"}`. Only properties that are set are
//! there.

use std::collections::BTreeMap;

use model::{Moment, OUR_PROPERTIES, QuarantineKind, QuarantinedItem};
use serde_json::value::RawValue;

use crate::hubspot::{Kind, odd};
use crate::hubspot_values::whole_number;
use crate::json::{self, Found, Object};

/// One record, as a whole.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: Kind,
    /// HubSpot's id of it.
    pub(super) id: String,
    pub(super) properties: Object<'a>,
    pub(super) is_deleted: bool,
    /// Contacts: the token of `associated-company.company-id`, and where it stands.
    pub(super) company: Option<(&'static str, &'a RawValue)>,
    /// Contacts: those that were merged into it.
    pub(super) merged: Vec<Merged>,
    /// Parts beside the properties that were odd.
    pub(super) odd: Vec<QuarantinedItem>,
}

/// A contact that was merged into another.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) id: String,
    /// Where it is named.
    pub(super) path: String,
    /// When; `None` where the body does not say.
    pub(super) at: Option<Moment>,
}

/// A property's value and time.
#[derive(Debug)]
pub(super) struct Property<'a> {
    /// The token of the value.
    pub(super) value: &'a RawValue,
    /// Where it stands.
    pub(super) path: String,
    /// When it was set; `None` where the body does not say.
    pub(super) at: Option<Moment>,
}

impl<'a> Record<'a> {
    /// `None` for what was erased.
    ///
    /// # Errors
    /// When the body is not JSON, or not a record of a known kind with an id.
    pub(super) fn read(body: &'a [u8]) -> Result<Option<Self>, QuarantinedItem> {
        let unreadable = |reason| QuarantinedItem { kind: QuarantineKind::Unreadable, reason, path: "$".into() };
        let whole = json::whole(body).map_err(unreadable)?;
        if json::is_erased(whole) {
            return Ok(None);
        }
        let top = Object::read(whole).map_err(|found| odd("body", "one HubSpot record as an object", found, "$"))?;
        let (kind, id_key) = kind_of(&top)?;
        let id = id_of(&top, id_key)?;

        let mut strange = Vec::new();
        let properties = top.get("properties").and_then(|raw| raw.map_or(Err(Found::Nothing), Object::read));
        let properties = properties.unwrap_or_else(|found| {
            strange.push(odd("properties", "an object", found, "properties"));
            Object::default()
        });
        let is_deleted = is_deleted(&top).unwrap_or_else(|found| {
            strange.push(odd("isDeleted", "true or false", found, "isDeleted"));
            false
        });
        let (mut company, mut merged) = (None, Vec::new());
        if kind == Kind::Contact {
            company = associated_company(&top).unwrap_or_else(|item| {
                strange.push(item);
                None
            });
            merged = merged_into(&top, &id, &mut strange);
        }
        Ok(Some(Self { kind, id, properties, is_deleted, company, merged, odd: strange }))
    }

    /// One property; `None` when it is absent, which says nothing about it.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub(super) fn property(&self, name: &str) -> Result<Option<Property<'a>>, QuarantinedItem> {
        let path = format!("properties.{name}");
        let shape = |found: Found| odd(name, "an object with a `value`", found, &path);
        let Some(raw) = self.properties.get(name).map_err(shape)? else { return Ok(None) };
        if Found::kind(raw) == Found::Null {
            return Ok(Some(Property { value: raw, path, at: None }));
        }
        let property = Object::read(raw).map_err(shape)?;
        let value = property.get("value").and_then(|value| value.ok_or(Found::Nothing)).map_err(shape)?;
        let at = time_of(&property).map_err(|(part, found)| {
            // Without its time a value could not be put in order with others, and would win where it should lose.
            odd(name, "the time of the value in epoch milliseconds", found, &format!("{path}.{part}"))
        })?;
        Ok(Some(Property { value, path: format!("{path}.value"), at }))
    }

    /// The newest time of any property but ours: when somebody else last touched the record. `None` when there is none.
    pub(super) fn newest(&self) -> Option<Moment> {
        let theirs = self.properties.entries().filter(|(name, _)| !name.starts_with(OUR_PROPERTIES));
        let times = theirs.filter_map(|(_, raw)| time_of(&Object::read(raw).ok()?).ok()?);
        times.max()
    }
}

/// The kind of record, and the key that holds its id.
fn kind_of(top: &Object<'_>) -> Result<(Kind, &'static str), QuarantinedItem> {
    const EXPECTED: &str = "COMPANY or DEAL, or a contact with `vid`";
    let unknown = |found: &dyn std::fmt::Display| odd("objectType", EXPECTED, found, "objectType");
    let Some(raw) = top.get("objectType").map_err(|found| unknown(&found))? else {
        // The survivor of a merge is the canonical one; a contact that was never merged has the same id twice.
        return match ["canonical-vid", "vid"].into_iter().find(|key| !matches!(top.get(key), Ok(None))) {
            Some(key) => Ok((Kind::Contact, key)),
            None => Err(unknown(&Found::Nothing)),
        };
    };
    let name = json::scalar(raw).map_err(|found| unknown(&found))?.unwrap_or_default();
    match name.as_str() {
        "COMPANY" => Ok((Kind::Company, "objectId")),
        "DEAL" => Ok((Kind::Deal, "objectId")),
        // HubSpot's own names of types are worth showing; anything else could be anything.
        other if (1..=40).contains(&other.len()) && other.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') => {
            Err(unknown(&format!("`{other}`")))
        }
        _ => Err(unknown(&Found::kind(raw))),
    }
}

fn id_of(object: &Object<'_>, key: &str) -> Result<String, QuarantinedItem> {
    let wrong = |found: Found| odd(key, "a whole number of up to 64 bits", found, key);
    let raw = object.get(key).and_then(|raw| raw.ok_or(Found::Nothing)).map_err(wrong)?;
    whole_number(raw).map_err(wrong)
}

fn is_deleted(top: &Object<'_>) -> Result<bool, Found> {
    let Some(raw) = top.get("isDeleted")? else { return Ok(false) };
    match json::scalar(raw)?.as_deref() {
        Some("true") => Ok(true),
        Some("false") | None => Ok(false),
        Some(_) => Err(Found::kind(raw)),
    }
}

/// The company a contact belongs to; an explicit null says that there is none.
fn associated_company<'a>(top: &Object<'a>) -> Result<Option<(&'static str, &'a RawValue)>, QuarantinedItem> {
    const KEY: &str = "associated-company";
    const ID: &str = "associated-company.company-id";
    let Some(raw) = top.get(KEY).map_err(|found| odd(KEY, "an object", found, KEY))? else { return Ok(None) };
    if Found::kind(raw) == Found::Null {
        return Ok(Some((KEY, raw)));
    }
    let company = Object::read(raw).map_err(|found| odd(KEY, "an object", found, KEY))?;
    let id = company.get("company-id").and_then(|id| id.ok_or(Found::Nothing));
    id.map(|id| Some((ID, id))).map_err(|found| odd(ID, "a company's id", found, ID))
}

/// Every id that was merged into `survivor`: the body's own `vid`, where that is another, and `merged-vids`.
fn merged_into(top: &Object<'_>, survivor: &str, odd_parts: &mut Vec<QuarantinedItem>) -> Vec<Merged> {
    const LIST: &str = "merged-vids";
    let times = times_of_merges(top).unwrap_or_default();
    let mut named: Vec<(String, Result<String, Found>)> = Vec::new();
    match top.get("vid") {
        Ok(Some(vid)) => named.push(("vid".into(), whole_number(vid))),
        Ok(None) => {}
        Err(found) => named.push(("vid".into(), Err(found))),
    }
    match top.get(LIST).and_then(|raw| raw.map_or(Ok(Vec::new()), json::list)) {
        Ok(vids) => {
            let vids = vids.into_iter().enumerate();
            named.extend(vids.map(|(at, vid)| (format!("{LIST}[{at}]"), whole_number(vid))));
        }
        Err(found) => odd_parts.push(odd(LIST, "a list of ids", found, LIST)),
    }
    let mut merged: Vec<Merged> = Vec::new();
    for (path, id) in named {
        match id {
            Ok(id) if id == survivor || merged.iter().any(|held| held.id == id) => {}
            Ok(id) => merged.push(Merged { at: times.get(&id).copied(), id, path }),
            Err(found) => odd_parts.push(odd(&path, "a contact's id", found, &path)),
        }
    }
    merged
}

/// When each contact was merged, by its id. The list is a help: without it the time of the newest change stands in.
fn times_of_merges(top: &Object<'_>) -> Option<BTreeMap<String, Moment>> {
    let audits = json::list(top.get("merge-audits").ok()??).ok()?;
    let one = |raw| {
        let audit = Object::read(raw).ok()?;
        Some((whole_number(audit.get("vid-to-merge").ok()??).ok()?, timestamp(&audit).ok()??))
    };
    Some(audits.into_iter().filter_map(one).collect())
}

/// When a property was set: its own `timestamp`, else the newest of its `versions`.
fn time_of(property: &Object<'_>) -> Result<Option<Moment>, (&'static str, Found)> {
    if let Some(at) = timestamp(property).map_err(|found| ("timestamp", found))? {
        return Ok(Some(at));
    }
    let odd = |found| ("versions", found);
    let Some(versions) = property.get("versions").map_err(odd)? else { return Ok(None) };
    if Found::kind(versions) == Found::Null {
        return Ok(None);
    }
    let mut newest = None;
    for version in json::list(versions).map_err(odd)? {
        newest = newest.max(timestamp(&Object::read(version).map_err(odd)?).map_err(odd)?);
    }
    Ok(newest)
}

fn timestamp(object: &Object<'_>) -> Result<Option<Moment>, Found> {
    let Some(raw) = object.get("timestamp")? else { return Ok(None) };
    let Some(text) = json::scalar(raw)? else { return Ok(None) };
    let moment = text.parse().ok().and_then(Moment::from_millis);
    moment.map(Some).ok_or_else(|| Found::kind(raw))
}
