//! The body of HubSpot's "Send a webhook" with HubSpot's names, only the parts in use.
//!
//! Companies and deals come as `{portalId, objectType, objectTypeId, objectId, properties, isDeleted}`, contacts in the
//! older form `{vid, "canonical-vid", properties, "associated-company"}`. Only properties that are set are there.

use model::{Moment, QuarantinedItem};
use serde_json::value::RawValue;

use crate::json::{self, Found, Object};

/// What kind of record a body is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Company,
    Contact,
    Deal,
}

impl Kind {
    /// The name in subjects and in mappings.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Contact => "contact",
            Self::Deal => "deal",
        }
    }
}

/// One record, as a whole.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: Kind,
    /// HubSpot's id of it.
    pub(super) id: String,
    pub(super) properties: Object<'a>,
    /// The token of `isDeleted` when it says yes.
    pub(super) deleted: Option<&'a RawValue>,
    /// Contacts: the token of `associated-company.company-id`, and where it stands.
    pub(super) company: Option<(&'static str, &'a RawValue)>,
    /// Parts beside the properties that were odd.
    pub(super) odd: Vec<QuarantinedItem>,
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

/// A reason and a place.
pub(super) fn odd(what: &str, expected: &str, found: impl std::fmt::Display, path: &str) -> QuarantinedItem {
    QuarantinedItem { reason: format!("{what}: expected {expected}, found {found}"), path: path.to_owned() }
}

impl<'a> Record<'a> {
    /// # Errors
    /// When the body is not JSON, or not a record of a known kind with an id.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, QuarantinedItem> {
        let whole = json::whole(body).map_err(|reason| QuarantinedItem { reason, path: "$".into() })?;
        let top = Object::read(whole).map_err(|found| odd("body", "one HubSpot record as an object", found, "$"))?;
        let (kind, id_key) = kind_of(&top)?;
        let id = id_of(&top, id_key)?;

        let mut strange = Vec::new();
        let properties = top.get("properties").and_then(|raw| raw.map_or(Err(Found::Nothing), Object::read));
        let properties = properties.unwrap_or_else(|found| {
            strange.push(odd("properties", "an object", found, "properties"));
            Object::default()
        });
        let deleted = deleted(&top).unwrap_or_else(|found| {
            strange.push(odd("isDeleted", "true or false", found, "isDeleted"));
            None
        });
        let company = match kind {
            Kind::Contact => associated_company(&top),
            Kind::Company | Kind::Deal => Ok(None),
        };
        let company = company.unwrap_or_else(|item| {
            strange.push(item);
            None
        });
        Ok(Self { kind, id, properties, deleted, company, odd: strange })
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

    /// The newest time of any property: when the record was last touched. `None` when there is none.
    pub(super) fn newest(&self) -> Option<Moment> {
        let times = self.properties.values().filter_map(|raw| time_of(&Object::read(raw).ok()?).ok()?);
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

/// An id, written as a number or as text. 64 bits, and never through a float: HubSpot's pass 2^32, others' 2^53.
fn id_of(object: &Object<'_>, key: &str) -> Result<String, QuarantinedItem> {
    let wrong = |found: Found| odd(key, "a whole number of up to 64 bits", found, key);
    let raw = object.get(key).and_then(|raw| raw.ok_or(Found::Nothing)).map_err(wrong)?;
    whole_number(raw).map_err(wrong)
}

/// # Errors
/// With what was found instead.
pub(super) fn whole_number(raw: &RawValue) -> Result<String, Found> {
    let text = json::scalar(raw)?.unwrap_or_default();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse::<u64>().ok().filter(|_| digits);
    number.map(|number| number.to_string()).ok_or_else(|| Found::kind(raw))
}

fn deleted<'a>(top: &Object<'a>) -> Result<Option<&'a RawValue>, Found> {
    let Some(raw) = top.get("isDeleted")? else { return Ok(None) };
    match json::scalar(raw)?.as_deref() {
        Some("true") => Ok(Some(raw)),
        Some("false") | None => Ok(None),
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
