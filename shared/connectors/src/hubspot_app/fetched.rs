//! Records fetched from HubSpot's API: the call, and what its answer says. An answer is read like a workflow's body: each
//! value is as old as HubSpot's history of it tells.

use std::collections::BTreeSet;

use model::{Delivery, Field, Mapping, Moment, Normalized, QuarantineKind, QuarantinedItem};
use serde_json::value::RawValue;

use crate::hubspot::{self, AmountIn, CURRENCY, Collector, Kind, Told, odd};
use crate::hubspot_links::{self as links, Association};
use crate::hubspot_values::{self as values, whole_number};
use crate::json::{self, Found, Object};
use crate::listing::escaped;
use crate::{FETCHED_STATUS, FetchCall};

/// `company/123`; `None` for what HubSpot does not have.
fn named(object: &str) -> Option<(Kind, &str)> {
    let (kind, id) = object.split_once('/')?;
    let digits = (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
    Some((Kind::named(kind)?, id)).filter(|_| digits)
}

/// Reads one record with the properties that are used, their history and the companies it belongs to.
pub(super) fn call(object: &str, mapping: &Mapping) -> Option<FetchCall> {
    let (kind, id) = named(object)?;
    let wanted = wanted(kind, mapping);
    Some(FetchCall::get(format!("/crm/v3/objects/{}/{id}?{wanted}&archived=false", kind.plural())))
}

/// How the kinds of deleted records begin: those in HubSpot's recycle bin, which keeps them for 90 days.
pub(super) const DELETED: &str = "deleted ";

/// Reads a page of records with the same; with their history HubSpot gives 50 at a time.
pub(super) fn list(kind: &str, after: Option<&str>, mapping: &Mapping) -> Option<FetchCall> {
    let (kind, archived) = kind.strip_prefix(DELETED).map_or((kind, false), |kind| (kind, true));
    let kind = Kind::named(kind)?;
    let after = after.map(|after| format!("&after={}", escaped(after))).unwrap_or_default();
    let wanted = wanted(kind, mapping);
    Some(FetchCall::get(format!("/crm/v3/objects/{}?limit=50&{wanted}&archived={archived}{after}", kind.plural())))
}

fn wanted(kind: Kind, mapping: &Mapping) -> String {
    let reads = hubspot::reads(kind, mapping).into_iter().filter(|reads| kind.home(reads.field).is_some());
    let mut properties = BTreeSet::new();
    for reads in reads {
        properties.insert(reads.property);
        if reads.field == Field::Amount {
            properties.insert(CURRENCY);
        }
    }
    let properties = properties.into_iter().map(escaped).collect::<Vec<_>>().join(",");
    let associations = if kind == Kind::Company { "" } else { "&associations=companies" };
    format!("properties={properties}&propertiesWithHistory={properties}{associations}")
}

pub(super) fn normalize(delivery: &Delivery, object: &str, mapping: &Mapping) -> Normalized {
    let Some((kind, asked)) = named(object) else {
        return Normalized::quarantine(QuarantineKind::Unreadable, "this answers a call for no record of HubSpot", "$");
    };
    if matches!(delivery.headers.get(FETCHED_STATUS).map(String::as_str), Some("404" | "410")) {
        let mut collector = Collector::default();
        // An answer like this has no time of its own. It tells how things were when it came: whatever HubSpot says
        // about a later moment counts more, and what it said before has been seen to be over.
        collector.link(links::gone(kind, asked, true, delivery.received_at, "$"));
        return collector.out;
    }
    match Answer::read(&delivery.body, kind, asked, delivery.received_at) {
        Ok(Some(answer)) => Reading { answer, mapping, collector: Collector::default() }.finish(),
        Ok(None) => Normalized::default(),
        Err(item) => Normalized::quarantine(item.kind, item.reason, item.path),
    }
}

/// The answer with HubSpot's names, only the parts in use.
struct Answer<'a> {
    kind: Kind,
    id: String,
    /// Asked for under an id that HubSpot answers with another: the record was merged.
    is_other: bool,
    /// Since when it is in the recycle bin; `None` where it is not.
    archived_at: Option<Moment>,
    properties: Object<'a>,
    history: Object<'a>,
    companies: Vec<&'a RawValue>,
    /// When the record was last touched.
    updated_at: Moment,
}

impl<'a> Answer<'a> {
    /// `None` for what was erased.
    fn read(body: &'a [u8], kind: Kind, asked: &str, received_at: Moment) -> Result<Option<Self>, QuarantinedItem> {
        let unreadable = |reason| QuarantinedItem { kind: QuarantineKind::Unreadable, reason, path: "$".into() };
        let whole = json::whole(body).map_err(unreadable)?;
        if json::is_erased(whole) {
            return Ok(None);
        }
        let top = Object::read(whole).map_err(|found| odd("body", "one HubSpot record as an object", found, "$"))?;
        let expected_id = |found| odd("id", "a whole number of up to 64 bits", found, "id");
        let id = top.get("id").and_then(|raw| whole_number(raw.ok_or(Found::Nothing)?)).map_err(expected_id)?;
        let properties = top.get("properties").and_then(|raw| raw.map_or(Err(Found::Nothing), Object::read));
        let properties = properties.map_err(|found| odd("properties", "an object", found, "properties"))?;
        let history = maybe_object(&top, "propertiesWithHistory", "propertiesWithHistory")?;
        let updated_at = instant(&top, "updatedAt")?.unwrap_or(received_at);
        let archived = matches!(top.get("archived"), Ok(Some(raw)) if raw.get() == "true");
        Ok(Some(Self {
            kind,
            is_other: id != asked,
            id,
            archived_at: if archived { Some(instant(&top, "archivedAt")?.unwrap_or(updated_at)) } else { None },
            properties,
            history,
            companies: companies(&top)?,
            updated_at,
        }))
    }

    /// A property's history: each value and when it was set, the newest first. Empty where it has none.
    fn history(&self, property: &str) -> Result<Vec<(Moment, &'a RawValue)>, QuarantinedItem> {
        let path = format!("propertiesWithHistory.{property}");
        // Without its time a value could not be put in order with others, and would win where it should lose.
        let wrong = |found| odd(property, "a list of values with their times", found, &path);
        let Some(raw) = self.history.get(property).map_err(wrong)? else { return Ok(Vec::new()) };
        if Found::kind(raw) == Found::Null {
            return Ok(Vec::new());
        }
        let entry = |raw| {
            let entry = Object::read(raw)?;
            let at = entry.get("timestamp")?.ok_or(Found::Nothing)?;
            let time = json::scalar(at)?.and_then(|text| values::moment(&text)).ok_or(Found::kind(at))?;
            Ok((time, entry.get("value")?.ok_or(Found::Nothing)?))
        };
        let entries = json::list(raw).and_then(|entries| entries.into_iter().map(entry).collect::<Result<Vec<_>, _>>());
        let mut entries = entries.map_err(wrong)?;
        // Stable: of one instant, the one that HubSpot names first is the newer.
        entries.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Ok(entries)
    }

    /// A property and when it was set; `None` when the answer does not have it.
    fn told(&self, property: &str) -> Result<Option<Told<'a>>, QuarantinedItem> {
        let path = format!("properties.{property}");
        let raw = self.properties.get(property).map_err(|found| odd(property, "a value", found, &path))?;
        let Some(raw) = raw else { return Ok(None) };
        let at = self.history(property)?.first().map_or(self.updated_at, |(at, _)| *at);
        Ok(Some(Told { raw: Some(raw), path, at }))
    }
}

/// An object that may be left out.
fn maybe_object<'a>(top: &Object<'a>, key: &str, path: &str) -> Result<Object<'a>, QuarantinedItem> {
    let read = top.get(key).and_then(|raw| match raw {
        Some(raw) if Found::kind(raw) != Found::Null => Object::read(raw),
        _ => Ok(Object::default()),
    });
    read.map_err(|found| odd(key, "an object", found, path))
}

/// `associations.companies.results`.
fn companies<'a>(top: &Object<'a>) -> Result<Vec<&'a RawValue>, QuarantinedItem> {
    const PATH: &str = "associations.companies";
    let companies = maybe_object(&maybe_object(top, "associations", "associations")?, "companies", PATH)?;
    let results = companies.get("results").and_then(|raw| raw.map_or(Ok(Vec::new()), json::list));
    results.map_err(|found| odd("results", "a list", found, &format!("{PATH}.results")))
}

fn instant(top: &Object<'_>, key: &str) -> Result<Option<Moment>, QuarantinedItem> {
    let wrong = |found| odd(key, "an instant", found, key);
    let Some(raw) = top.get(key).map_err(wrong)? else { return Ok(None) };
    let Some(text) = json::scalar(raw).map_err(wrong)? else { return Ok(None) };
    values::moment(&text).map(Some).ok_or_else(|| wrong(Found::kind(raw)))
}

/// One answer on its way into signals and links.
struct Reading<'a> {
    answer: Answer<'a>,
    mapping: &'a Mapping,
    collector: Collector,
}

impl<'a> Reading<'a> {
    fn finish(mut self) -> Normalized {
        let kind = self.answer.kind;
        if self.answer.is_other {
            self.collector.warn("asked for one record, answered with another: the first was merged into it", "id");
        }
        for reads in hubspot::reads(kind, self.mapping) {
            self.read(reads).unwrap_or_else(|item| self.collector.set_aside(item));
        }
        if let Some(at) = self.answer.archived_at {
            self.collector.link(links::gone(kind, &self.answer.id, true, at, "archived"));
        }
        self.collector.warn_without_mapping(kind, self.mapping);
        self.collector.out
    }

    fn read(&mut self, reads: hubspot::Reads<'_>) -> Result<(), QuarantinedItem> {
        let answer = &self.answer;
        let mut told = answer.told(reads.property)?;
        if told.is_none() && self.mapping.complete.contains(&reads.field) {
            told = Some(Told { raw: None, path: "properties".into(), at: answer.updated_at });
        }
        let mut amount = AmountIn::assumed(self.mapping);
        if reads.field == Field::Amount
            && let Some(told) = &mut told
            && let Some(code) = answer.told(CURRENCY)?
            && let Some(raw) = code.raw
            && let Some(currency) = hubspot::currency(raw, &code.path)?
        {
            amount = AmountIn { currency, told: true };
            // The same number in another currency is another amount.
            told.at = told.at.max(code.at);
        }
        if let Some(told) = &told {
            self.collector.tell(answer.kind, &answer.id, reads, told, amount);
        }
        if reads.field == Field::Company { self.read_companies(reads.property, told.as_ref()) } else { Ok(()) }
    }

    /// The company the record belongs to, those it belonged to, and those it is associated with besides.
    ///
    /// The list of associations has no times. The property that mirrors the primary one has, with its history: so a
    /// company that the record has left is known as well.
    fn read_companies(&mut self, property: &str, told: Option<&Told<'_>>) -> Result<(), QuarantinedItem> {
        let id = self.answer.id.clone();
        let record = (self.answer.kind, id.as_str());
        let updated_at = self.answer.updated_at;
        let mut primary = None;
        for (company, association, path) in self.associated() {
            match association {
                Association::Primary => primary = primary.or(Some((company, updated_at, path))),
                Association::Plain => {
                    let link = links::association(record, &company, association, false, (updated_at, &path));
                    self.collector.link(link);
                }
            }
        }
        let mirrored = told.and_then(|told| Some((whole_number(told.raw?).ok()?, told.at, told.path.clone())));
        // Where both name the same company, the mirror tells since when.
        let primary = match (primary, mirrored) {
            (Some(primary), Some(mirrored)) if mirrored.0 != primary.0 => Some(primary),
            (primary, mirrored) => mirrored.or(primary),
        };
        if let Some((company, at, path)) = &primary {
            let link = links::association(record, company, Association::Primary, false, (*at, path));
            self.collector.link(link);
        }
        let mut known = BTreeSet::from_iter(primary.map(|(company, ..)| company));
        let mut until = updated_at;
        for (at, raw) in self.answer.history(property)? {
            // What is no id is an empty one: the record belonged to nobody for a while.
            if let Ok(company) = whole_number(raw)
                && known.insert(company.clone())
            {
                let path = format!("propertiesWithHistory.{property}");
                let link = links::association(record, &company, Association::Primary, true, (until, &path));
                self.collector.link(link);
            }
            until = at;
        }
        Ok(())
    }

    /// What the list of associations says, in its order and each once.
    fn associated(&mut self) -> Vec<(String, Association, String)> {
        let primary = format!("{}_to_company", self.answer.kind.name());
        let plain = format!("{primary}_unlabeled");
        let mut all: Vec<(String, Association, String)> = Vec::new();
        for (at, raw) in self.answer.companies.iter().enumerate() {
            let path = format!("associations.companies.results[{at}]");
            let read = Object::read(raw).and_then(|entry| {
                let id = whole_number(entry.get("id")?.ok_or(Found::Nothing)?)?;
                let kind = entry.get("type")?.ok_or(Found::Nothing)?;
                Ok((id, json::scalar(kind)?.unwrap_or_default()))
            });
            match read {
                Ok((id, kind)) => {
                    // Labels that people define stand beside a plain association, which is enough.
                    let association = match kind {
                        kind if kind == primary => Association::Primary,
                        kind if kind == plain => Association::Plain,
                        _ => continue,
                    };
                    if all.iter().all(|(held, of, _)| (held, *of) != (&id, association)) {
                        all.push((id, association, path));
                    }
                }
                Err(found) => {
                    self.collector.set_aside(odd("association", "an object with `id` and `type`", found, &path));
                }
            }
        }
        all
    }
}
