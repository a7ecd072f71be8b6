//! Keys and the shape of items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use model::{ActionId, ConnectionName, DeliveryId, EventId, FactKey, Moment, SubjectId, stable_hash};

use crate::StoreError;

/// How many partitions the sparse indexes and the outbox are spread over.
///
/// Changing it needs a migration of open rows: `clock` and the listings read exactly these.
pub const SHARDS: u8 = 4;

pub(crate) type Attributes = HashMap<String, AttributeValue>;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The shard of an id: always the same one.
pub(crate) fn shard(prefix: &str, id: &str) -> String {
    let hash = stable_hash(&[id]);
    let first = u8::from_str_radix(&hash[..2], 16).unwrap_or(0);
    format!("{prefix}#{}", first % SHARDS)
}

pub(crate) fn shards(prefix: &str) -> impl Iterator<Item = String> + '_ {
    (0..SHARDS).map(move |n| format!("{prefix}#{n}"))
}

const SUBJECT: &str = "SUBJECT#";
/// In the partition of a domain, before the address of a person there.
const PERSON: &str = "P#";

/// The partition in which a subject lies, and whose address tells its rows apart there: a person at a company's domain
/// lies with the domain, everybody else alone.
fn place(subject: &SubjectId) -> (String, Option<&str>) {
    match subject.company_domain() {
        Some(domain) => (format!("{SUBJECT}{domain}"), subject.as_email()),
        None => (format!("{SUBJECT}{subject}"), None),
    }
}

pub(crate) fn subject_pk(subject: &SubjectId) -> String {
    place(subject).0
}

/// The subject that a row is about: the one that its partition is named after, or the person at that domain whom the
/// sort key names. `None` for a row that is not a subject's.
pub fn subject_of_key(pk: &str, sk: &str) -> Option<SubjectId> {
    let owner = SubjectId::from_stored(pk.strip_prefix(SUBJECT)?);
    Some(person_of(&owner, sk).map_or(owner, |(person, _)| person))
}

/// The delivery that the newest statement of a subject's item comes from; `None` where nothing is stated, as in a tick.
pub fn newest_delivery(item: &serde_dynamo::Item) -> Option<DeliveryId> {
    type Value = serde_dynamo::AttributeValue;
    fn newest(fields: &HashMap<String, Value>) -> Option<(&str, &str)> {
        let text = |name| match fields.get(name) {
            Some(Value::S(text)) => Some(text.as_str()),
            _ => None,
        };
        // Moments are stored so that their texts sort as they do.
        let own = text("received_at").zip(text("delivery"));
        let below =
            fields.values().filter_map(|value| if let Value::M(fields) = value { newest(fields) } else { None });
        own.into_iter().chain(below).max()
    }
    newest(item).map(|(_, id)| DeliveryId::from_stored(id))
}

/// A row's sort key as it would be in a partition of the subject's own.
pub(crate) fn own_sk(owner: &SubjectId, sk: &str) -> String {
    match person_of(owner, sk) {
        None => sk.to_owned(),
        Some((_, rest)) => {
            let head = sk.split('#').next().unwrap_or_default();
            if rest.is_empty() { head.to_owned() } else { format!("{head}#{rest}") }
        }
    }
}

/// The person at the domain `owner` whom a sort key names, and what comes after the address.
fn person_of<'a>(owner: &SubjectId, sk: &'a str) -> Option<(SubjectId, &'a str)> {
    owner.as_domain()?;
    let (_, rest) = sk.split_once('#')?;
    let rest = rest.strip_prefix(PERSON)?;
    // No address holds a `#`.
    let (address, rest) = rest.split_once('#').unwrap_or((rest, ""));
    Some((SubjectId::from_stored(format!("email:{address}")), rest))
}

pub(crate) const ASSESSMENT: &str = "ASSESSMENT";
pub(crate) const UP: &str = "FACT#UP";
pub(crate) const MEMBER: &str = "MEMBER#";
/// What an account told the one that it names as its parent; woken up by it like by any fact.
pub(crate) const CHILD: &str = "FACT#CHILD#";
pub(crate) const LIST: &str = "LIST#";

/// Partition and sort key of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    /// A row of a subject, at its place: the only way to one.
    fn of(subject: &SubjectId, sk: &str) -> Self {
        let (pk, person) = place(subject);
        let sk = match person {
            None => sk.to_owned(),
            Some(address) => match sk.split_once('#') {
                None => format!("{sk}#{PERSON}{address}"),
                Some((head, rest)) => format!("{head}#{PERSON}{address}#{rest}"),
            },
        };
        Self { pk, sk }
    }
    pub fn fact(subject: &SubjectId, key: &FactKey) -> Self {
        Self::of(subject, &key.sort_key())
    }
    pub fn up(subject: &SubjectId) -> Self {
        Self::of(subject, UP)
    }
    pub fn member(target: &SubjectId, member: &SubjectId) -> Self {
        Self::of(target, &format!("{MEMBER}{member}"))
    }
    pub fn child(parent: &SubjectId, child: &SubjectId) -> Self {
        Self::of(parent, &format!("{CHILD}{child}"))
    }
    pub fn list(claimer: &SubjectId, list: &str, connection: &ConnectionName) -> Self {
        Self::of(claimer, &format!("{LIST}{list}#{connection}"))
    }
    /// What the sort keys of all lists of a claimer start with.
    pub fn lists(claimer: &SubjectId) -> Self {
        Self::of(claimer, LIST)
    }
    pub fn assessment(subject: &SubjectId) -> Self {
        Self::of(subject, ASSESSMENT)
    }
    pub fn episode(home: &SubjectId, row: &str) -> Self {
        Self::of(home, row)
    }
    pub fn outbox(event: &EventId) -> Self {
        Self { pk: shard("OUTBOX", event.as_str()), sk: format!("EVENT#{event}") }
    }
    pub fn action(action: &ActionId) -> Self {
        Self { pk: format!("ACTION#{action}"), sk: "ACTION".into() }
    }
    pub fn timeline(account: &SubjectId, at: Moment, id: &str) -> Self {
        Self { pk: format!("TIMELINE#{account}"), sk: format!("{at}#{id}") }
    }
    pub fn control(sk: impl Into<String>) -> Self {
        Self { pk: "CONTROL".into(), sk: sk.into() }
    }
    /// The name under which [`crate::Store::get_many`] gives the item.
    pub fn name(&self) -> String {
        format!("{} {}", self.pk, self.sk)
    }
    pub fn attributes(&self) -> Attributes {
        HashMap::from([("pk".into(), text(&self.pk)), ("sk".into(), text(&self.sk))])
    }
}

/// An item: its key and the attributes of `row`.
pub(crate) fn item(key: &Key, row: &impl Serialize) -> Result<Attributes, StoreError> {
    let mut item: Attributes = serde_dynamo::to_item(row).map_err(|e| StoreError::unreadable(&key.sk, e))?;
    item.extend(key.attributes());
    Ok(item)
}

/// Reads a row out of an item.
pub(crate) fn row<T: DeserializeOwned>(item: Attributes) -> Result<T, StoreError> {
    let name = name_of(&item);
    serde_dynamo::from_item(item).map_err(|e| StoreError::unreadable(name, e))
}

pub(crate) fn name_of(item: &Attributes) -> String {
    let part = |name: &str| item.get(name).and_then(|v| v.as_s().ok()).cloned().unwrap_or_default();
    format!("{} {}", part("pk"), part("sk"))
}

pub(crate) fn text_of<'a>(item: &'a Attributes, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_spread_over_all_shards_and_stay_where_they_are() {
        let used: std::collections::BTreeSet<_> = (0..100).map(|n| shard("DUE", &format!("id-{n}"))).collect();
        assert_eq!(used.into_iter().collect::<Vec<_>>(), shards("DUE").collect::<Vec<_>>());
        assert_eq!(shard("DUE", "id-1"), shard("DUE", "id-1"));
    }

    /// Where each kind of row of `subject` lies: partition, and sort keys in the order fact, claims, hint, episode,
    /// list, assessment, child.
    #[track_caller]
    fn check(subject: &SubjectId, pk: &str, sks: [&str; 7]) {
        let hubspot = ConnectionName::from_stored("hubspot");
        let keys = [
            Key::fact(subject, &FactKey::Tick),
            Key::up(subject),
            Key::member(subject, &SubjectId::vendor("hubspot", "contact", "7")),
            Key::episode(subject, "PLAY#risk#account#x"),
            Key::list(subject, "email", &hubspot),
            Key::assessment(subject),
            Key::child(subject, &SubjectId::vendor("hubspot", "company", "8")),
        ];
        for (key, sk) in keys.iter().zip(sks) {
            assert_eq!((key.pk.as_str(), key.sk.as_str()), (pk, sk));
            assert_eq!(subject_of_key(&key.pk, &key.sk).as_ref(), Some(subject), "{sk}");
            let owner = SubjectId::from_stored(&pk[SUBJECT.len()..]);
            let alone = Key::of(&SubjectId::vendor("any", "thing", "1"), &own_sk(&owner, &key.sk));
            assert_eq!(Key::of(subject, &alone.sk), *key, "{sk}");
        }
    }

    const OWN: [&str; 7] = [
        "FACT#TICK",
        "FACT#UP",
        "MEMBER#hubspot:contact:7",
        "PLAY#risk#account#x",
        "LIST#email#hubspot",
        "ASSESSMENT",
        "FACT#CHILD#hubspot:company:8",
    ];

    #[test]
    fn what_was_stated_last_names_its_delivery() {
        let register = |day: u8, delivery: &str| serde_json::json!({ "received_at": format!("2026-11-{day:02}T09:00:00.000Z"), "delivery": delivery });
        let item = |row: serde_json::Value| serde_dynamo::to_item(row).unwrap();
        let stated = item(serde_json::json!({
            "pk": "SUBJECT#a", "delivery": "of no time", "registers": {
                "name": { "crm": register(23, "crm:1"), "desk": register(24, "desk:7") },
                "band": { "crm": register(9, "crm:8") },
            },
        }));
        assert_eq!(newest_delivery(&stated), Some(DeliveryId::from_stored("desk:7")));
        assert_eq!(newest_delivery(&item(serde_json::json!({ "tick_at": "2026-11-24T09:00:00.000Z" }))), None);
    }

    #[test]
    fn a_person_at_a_company_lies_in_the_partition_of_its_domain() {
        let ann = SubjectId::email("ann@acme.example").unwrap();
        let rows = [
            "FACT#P#ann@acme.example#TICK",
            "FACT#P#ann@acme.example#UP",
            "MEMBER#P#ann@acme.example#hubspot:contact:7",
            "PLAY#P#ann@acme.example#risk#account#x",
            "LIST#P#ann@acme.example#email#hubspot",
            "ASSESSMENT#P#ann@acme.example",
            "FACT#P#ann@acme.example#CHILD#hubspot:company:8",
        ];
        check(&ann, "SUBJECT#domain:acme.example", rows);
        check(&SubjectId::domain("acme.example").unwrap(), "SUBJECT#domain:acme.example", OWN);
    }

    #[test]
    fn everybody_else_has_a_partition_of_their_own() {
        check(&SubjectId::vendor("hubspot", "company", "1"), "SUBJECT#hubspot:company:1", OWN);
        check(&SubjectId::email("ann@gmail.com").unwrap(), "SUBJECT#email:ann@gmail.com", OWN);
        assert_eq!(subject_of_key("OUTBOX#1", "EVENT#1"), None);
    }
}
