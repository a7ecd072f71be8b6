//! Keys and the shape of items.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use model::{ActionId, EventId, FactKey, Moment, SubjectId, stable_hash};

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

pub(crate) fn subject_pk(subject: &SubjectId) -> String {
    format!("{SUBJECT}{subject}")
}

/// The subject whose partition this is; `None` for a partition that is not a subject's.
pub fn subject_of_key(pk: &str) -> Option<SubjectId> {
    pk.strip_prefix(SUBJECT).map(SubjectId::from_stored)
}

pub(crate) const ASSESSMENT: &str = "ASSESSMENT";

/// Partition and sort key of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    pub fn fact(subject: &SubjectId, key: &FactKey) -> Self {
        Self { pk: subject_pk(subject), sk: key.sort_key() }
    }
    pub fn assessment(subject: &SubjectId) -> Self {
        Self { pk: subject_pk(subject), sk: ASSESSMENT.into() }
    }
    pub fn episode(home: &SubjectId, row: &str) -> Self {
        Self { pk: subject_pk(home), sk: row.to_owned() }
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

    #[test]
    fn a_subjects_partition_names_the_subject() {
        let subject = SubjectId::vendor("hubspot", "company", "1");
        assert_eq!(subject_of_key(&subject_pk(&subject)), Some(subject));
        assert_eq!(subject_of_key("OUTBOX#1"), None);
    }
}
