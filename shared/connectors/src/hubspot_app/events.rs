//! A batch of events: what each one says by itself, and what it only names and must be fetched.

use model::{FetchWanted, Field, Mapping, Moment, Normalized, QuarantineKind, QuarantinedItem, Value};
use serde_json::value::RawValue;

use crate::hubspot::{self, AmountIn, CURRENCY, Collector, Kind, Told, odd};
use crate::hubspot_links::{self as links, Association};
use crate::hubspot_values::whole_number;
use crate::json::{self, Found, Object};

pub(super) fn normalize(body: &[u8], mapping: &Mapping) -> Normalized {
    let unreadable = |reason| Normalized::quarantine(QuarantineKind::Unreadable, reason, "$");
    let whole = match json::whole(body) {
        Ok(whole) => whole,
        Err(reason) => return unreadable(reason),
    };
    if json::is_erased(whole) {
        return Normalized::default();
    }
    let events = match json::list(whole) {
        Ok(events) => events,
        Err(found) => return unreadable(format!("body: expected a list of events, found {found}")),
    };
    let mut batch = Batch { mapping, collector: Collector::default(), wanted: Vec::new() };
    for (at, raw) in events.into_iter().enumerate().filter(|(_, raw)| !json::is_erased(raw)) {
        let place = format!("$[{at}]");
        let read = Event::read(raw, place).and_then(|event| batch.read(&event));
        read.unwrap_or_else(|item| batch.collector.set_aside(item));
    }
    batch.finish()
}

/// What happened to a record, or to several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Creation,
    Deletion,
    PrivacyDeletion,
    Merge,
    Restore,
    PropertyChange,
    AssociationChange,
}

impl What {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "creation" => Self::Creation,
            "deletion" => Self::Deletion,
            "privacyDeletion" => Self::PrivacyDeletion,
            "merge" => Self::Merge,
            "restore" => Self::Restore,
            "propertyChange" => Self::PropertyChange,
            "associationChange" => Self::AssociationChange,
            _ => return None,
        })
    }
}

/// One event, its kind known to be one of HubSpot's.
struct Event<'a> {
    object: Object<'a>,
    /// Where it stands.
    place: String,
    /// Such as `contact.propertyChange`.
    name: String,
    /// Where that stands: HubSpot's guide and its deliveries call it differently.
    name_path: String,
    at: Moment,
}

impl<'a> Event<'a> {
    fn read(raw: &'a RawValue, place: String) -> Result<Self, QuarantinedItem> {
        let object = Object::read(raw).map_err(|found| odd("event", "an object", found, &place))?;
        let key = if matches!(object.get("subscriptionType"), Ok(None)) { "eventType" } else { "subscriptionType" };
        let name_path = format!("{place}.{key}");
        let mut event = Self { object, place, name: String::new(), name_path, at: Moment::EARLIEST };
        event.name = event.text(key, "the kind of event as text")?;
        event.at = event.time("occurredAt")?;
        Ok(event)
    }

    fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.place)
    }

    fn odd(&self, key: &str, expected: &str, found: Found) -> QuarantinedItem {
        odd(key, expected, found, &self.path(key))
    }

    /// The token of `key`; `None` when it is absent or null.
    fn maybe(&self, key: &str) -> Result<Option<&'a RawValue>, Found> {
        Ok(self.object.get(key)?.filter(|raw| Found::kind(raw) != Found::Null))
    }

    fn read_with<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&'a RawValue) -> Result<T, Found>,
    ) -> Result<T, QuarantinedItem> {
        let value = self.maybe(key).and_then(|raw| read(raw.ok_or(Found::Nothing)?));
        value.map_err(|found| self.odd(key, expected, found))
    }

    fn text(&self, key: &str, expected: &str) -> Result<String, QuarantinedItem> {
        self.read_with(key, expected, |raw| match json::scalar(raw)? {
            Some(text) if Found::kind(raw) == Found::Text && !text.is_empty() => Ok(text),
            _ => Err(Found::kind(raw)),
        })
    }

    fn id(&self, key: &str) -> Result<String, QuarantinedItem> {
        self.read_with(key, "a whole number of up to 64 bits", whole_number)
    }

    fn time(&self, key: &str) -> Result<Moment, QuarantinedItem> {
        self.read_with(key, "a time in epoch milliseconds", |raw| {
            let ms = json::scalar(raw)?.and_then(|text| text.parse().ok());
            ms.and_then(Moment::from_millis).ok_or(Found::kind(raw))
        })
    }

    fn flag(&self, key: &str) -> Result<bool, QuarantinedItem> {
        self.read_with(key, "true or false", |raw| match json::scalar(raw)?.as_deref() {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            _ => Err(Found::kind(raw)),
        })
    }
}

/// A batch on its way into signals, links and wishes.
struct Batch<'m> {
    mapping: &'m Mapping,
    collector: Collector,
    /// The objects to be fetched, each once, with the time of its newest change.
    wanted: Vec<(String, Moment, String)>,
}

impl Batch<'_> {
    fn finish(mut self) -> Normalized {
        let version = |at: Moment| at.as_millis().to_string();
        let wanted = self.wanted.into_iter();
        self.collector.out.fetches =
            wanted.map(|(object, at, path)| FetchWanted { object, version: version(at), path }).collect();
        self.collector.out
    }

    /// Asks for a record. One answer serves every event of the batch about it: it tells how things are by then.
    fn want(&mut self, kind: Kind, id: &str, at: Moment, path: String) {
        let object = format!("{}/{id}", kind.name());
        match self.wanted.iter_mut().find(|(wanted, ..)| *wanted == object) {
            Some((_, held, held_path)) if *held < at => (*held, *held_path) = (at, path),
            Some(_) => {}
            None => self.wanted.push((object, at, path)),
        }
    }

    fn read(&mut self, event: &Event<'_>) -> Result<(), QuarantinedItem> {
        let Some((of, what)) = event.name.split_once('.').and_then(|(of, what)| Some((of, What::named(what)?))) else {
            self.warn_unused(event);
            return Ok(());
        };
        if what == What::AssociationChange {
            return self.read_association(event);
        }
        let kind = if of == "object" {
            Kind::of_type_id(&event.text("objectTypeId", "the type of the object, such as 0-2")?)
        } else {
            Kind::named(of)
        };
        let Some(kind) = kind.filter(|kind| what != What::PrivacyDeletion || *kind == Kind::Contact) else {
            self.warn_unused(event);
            return Ok(());
        };
        if what == What::Merge {
            return self.read_merge(kind, event);
        }
        let id = event.id("objectId")?;
        match what {
            What::PropertyChange => return self.read_property(kind, &id, event),
            What::Creation => self.want(kind, &id, event.at, event.path("objectId")),
            What::Restore => {
                self.collector.out.links.extend(links::restored(kind, &id, event.at, &event.name_path));
                self.want(kind, &id, event.at, event.path("objectId"));
            }
            What::Deletion => self.collector.link(links::gone(kind, &id, true, event.at, &event.name_path)),
            What::PrivacyDeletion => {
                self.collector.link(links::gone(kind, &id, true, event.at, &event.name_path));
                self.collector.link(links::erased(&id, event.at, &event.name_path));
            }
            What::Merge | What::AssociationChange => {}
        }
        Ok(())
    }

    fn warn_unused(&mut self, event: &Event<'_>) {
        // Which type is not said: what it is called could be anything, and warnings are logged.
        let message = "events of this type are not used; nothing is lost by ending their subscription";
        self.collector.warn(message, &event.name_path);
    }

    fn read_property(&mut self, kind: Kind, id: &str, event: &Event<'_>) -> Result<(), QuarantinedItem> {
        const VALUE: &str = "propertyValue";
        let name = event.text("propertyName", "the name of a property")?;
        let reads: Vec<_> = hubspot::reads(kind, self.mapping)
            .into_iter()
            .filter(|reads| reads.property == name && kind.home(reads.field).is_some())
            .collect();
        let amount_is_read = self.mapping.property(kind.name(), Field::Amount).is_some();
        if kind == Kind::Deal && name == CURRENCY && amount_is_read {
            self.want(kind, id, event.at, event.path(VALUE));
        }
        if reads.is_empty() {
            return Ok(());
        }
        let raw = event.object.get(VALUE).map_err(|found| event.odd(VALUE, "a value", found))?;
        // A sensitive value is kept from webhooks and told to those who may ask.
        let Some(raw) = raw.filter(|raw| raw.get() != "\"REDACTED\"") else {
            self.want(kind, id, event.at, event.path("propertyName"));
            return Ok(());
        };
        let told = Told { raw: Some(raw), path: event.path(VALUE), at: event.at };
        for reads in reads {
            let value = self.collector.tell(kind, id, reads, &told, AmountIn::assumed(self.mapping));
            match (reads.field, value) {
                // Only the whole record tells which company it belonged to before.
                (Field::Company, Some(value)) => {
                    if let Value::Text(company) = value {
                        let place = (told.at, told.path.as_str());
                        let link = links::association((kind, id), &company, Association::Primary, false, place);
                        self.collector.link(link);
                    }
                    self.want(kind, id, event.at, event.path(VALUE));
                }
                // Only the whole record tells the currency.
                (Field::Amount, Some(Value::Money(_))) => self.want(kind, id, event.at, event.path(VALUE)),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_merge(&mut self, kind: Kind, event: &Event<'_>) -> Result<(), QuarantinedItem> {
        const PRIMARY: &str = "primaryObjectId";
        const MERGED: &str = "mergedObjectIds";
        const NEW: &str = "newObjectId";
        let primary = event.id(PRIMARY)?;
        let merged = event.read_with(MERGED, "a list of ids", |raw| {
            json::list(raw)?.into_iter().map(whole_number).collect::<Result<Vec<_>, _>>()
        })?;
        let new = event.maybe(NEW).map_err(|found| event.odd(NEW, "an id", found))?;
        // Usually the primary one lives on; sometimes both are replaced by a new one.
        let survivor = if new.is_some() { event.id(NEW)? } else { primary.clone() };
        let named = [(primary.clone(), event.path(PRIMARY))].into_iter();
        let listed = merged.into_iter().enumerate().map(|(at, id)| (id, format!("{}[{at}]", event.path(MERGED))));
        for (id, path) in named.chain(listed).filter(|(id, _)| *id != survivor) {
            self.collector.out.links.extend(links::merged(kind, &id, &survivor, event.at, &path));
        }
        if survivor != primary {
            self.want(kind, &survivor, event.at, event.path(NEW));
        }
        Ok(())
    }

    /// Associations with a company, told from either side. All others, and labels that people define, which stand beside
    /// a plain association, claim nothing.
    fn read_association(&mut self, event: &Event<'_>) -> Result<(), QuarantinedItem> {
        let (from, to) = ends(event)?;
        let (kind, record, company) = match (from, to) {
            (Some(kind), Some(Kind::Company)) if kind != Kind::Company => (kind, "fromObjectId", "toObjectId"),
            (Some(Kind::Company), Some(kind)) if kind != Kind::Company => (kind, "toObjectId", "fromObjectId"),
            _ => return Ok(()),
        };
        let Some(association) = association(event)? else { return Ok(()) };
        let (id, other) = (event.id(record)?, event.id(company)?);
        let removed = event.flag("associationRemoved")?;
        let path = event.path(company);
        self.collector.link(links::association((kind, &id), &other, association, removed, (event.at, &path)));
        Ok(())
    }
}

/// The kinds at both ends of an association; `None` for a kind that is not used.
fn ends(event: &Event<'_>) -> Result<(Option<Kind>, Option<Kind>), QuarantinedItem> {
    const TYPE: &str = "associationType";
    const FROM: &str = "fromObjectTypeId";
    if !matches!(event.maybe(FROM), Ok(None)) {
        let kind = |key| Ok(Kind::of_type_id(&event.text(key, "the type of an object, such as 0-2")?));
        return Ok((kind(FROM)?, kind("toObjectTypeId")?));
    }
    const EXPECTED: &str = "two kinds, such as CONTACT_TO_COMPANY";
    let text = event.text(TYPE, EXPECTED)?.to_ascii_lowercase();
    let (from, to) = text.split_once("_to_").ok_or_else(|| event.odd(TYPE, EXPECTED, Found::Text))?;
    Ok((Kind::named(from), Kind::named(to)))
}

/// HubSpot's numbers of primary associations between a company and a contact, deal or ticket, in both directions.
const PRIMARY: [&str; 6] = ["1", "2", "5", "6", "25", "26"];
/// Its numbers of plain ones.
const PLAIN: [&str; 6] = ["279", "280", "341", "342", "339", "340"];

/// `None` for a label that people defined.
fn association(event: &Event<'_>) -> Result<Option<Association>, QuarantinedItem> {
    const NUMBER: &str = "associationTypeId";
    if matches!(event.maybe(NUMBER), Ok(None)) {
        let primary = match event.maybe("isPrimaryAssociation") {
            Ok(None) => false,
            _ => event.flag("isPrimaryAssociation")?,
        };
        return Ok(Some(if primary { Association::Primary } else { Association::Plain }));
    }
    let number = event.id(NUMBER)?;
    let category = match event.maybe("associationCategory") {
        Ok(None) => "HUBSPOT_DEFINED".to_owned(),
        _ => event.text("associationCategory", "a category, such as HUBSPOT_DEFINED")?,
    };
    Ok(match category.as_str() {
        "HUBSPOT_DEFINED" if PRIMARY.contains(&number.as_str()) => Some(Association::Primary),
        "HUBSPOT_DEFINED" if PLAIN.contains(&number.as_str()) => Some(Association::Plain),
        _ => None,
    })
}
