//! Links as they are stored: the claims of a subject in one item, hints of who named it, the lists it keeps, and the
//! whole partition in one Query.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use model::{Child, ConnectionName, Ended, Episode, Fact, FactKey, LinkChange, ListRegister, Moment, SubjectId, Up};

use crate::accounts::{EpisodeRow, FactRow};
use crate::rows::{
    ASSESSMENT, Attributes, CHILD, Key, MEMBER, UP, item, own_sk, row, subject_of_key, subject_pk, text, text_of,
};
use crate::{Store, StoreError, Stored};

/// What is claimed of a subject, and the fact that is kept with the claims: one item, so both are read and written as
/// one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Where it belongs, and whether it is still there.
    pub up: Up,
    /// Its fact, where [`FactKey::is_kept_with_claims`].
    pub fact: Option<Fact>,
}

/// All that is stored about one subject, its lists excepted.
#[derive(Debug, Clone, Default)]
pub struct Partition {
    /// Where it belongs, and whether it is still there.
    pub up: Up,
    /// Its facts in the order of their keys, the one kept with its claims included.
    pub facts: Vec<Fact>,
    /// What it was told by accounts that name it as their parent, or did.
    pub children: Vec<Child>,
    /// Its episodes, open and closed, with their revisions.
    pub episodes: Vec<Stored<Episode>>,
    /// Subjects that named it once. A hint: what they say now stands with them.
    pub members: BTreeSet<SubjectId>,
    /// Of those, the leaves whose end was told, with the moment: they need not be read when that is long ago.
    pub ended: BTreeMap<SubjectId, Moment>,
    /// It has an ASSESSMENT row, with or without an assessment in it.
    pub assessed: bool,
}

/// What must be known before a list is written, read in one call.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The list.
    pub list: Stored<Option<ListRegister>>,
    /// The subjects that were asked for; revision 0 where there is none.
    pub nodes: BTreeMap<SubjectId, Stored<Node>>,
}

#[derive(Serialize, Deserialize)]
struct NodeRow {
    rev: u64,
    #[serde(default)]
    up: Up,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fact: Option<Fact>,
    /// Of the write that made this revision. Code that does not know it drops it, and so says nothing.
    #[serde(default)]
    link_change: LinkChange,
}

#[derive(Serialize, Deserialize)]
struct ListRow {
    rev: u64,
    list: String,
    connection: ConnectionName,
    register: ListRegister,
}

/// What a hint's item holds besides its key.
#[derive(Serialize, Deserialize)]
struct MemberRow {
    member: SubjectId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_order: Option<String>,
}

pub(crate) fn read_node(found: Option<Attributes>) -> Result<Stored<Node>, StoreError> {
    match found {
        None => Ok(Stored { value: Node::default(), rev: 0 }),
        Some(found) => row::<NodeRow>(found).map(|r| Stored { value: Node { up: r.up, fact: r.fact }, rev: r.rev }),
    }
}

/// The claims that a record of the accounts' stream carries, as they were at that write, and what it changed of them.
///
/// # Errors
/// When the item cannot be read.
pub fn node_from_stream(item: serde_dynamo::Item) -> Result<(Up, LinkChange), StoreError> {
    let row: NodeRow = serde_dynamo::from_item(item).map_err(|e| StoreError::unreadable("a record of claims", e))?;
    Ok((row.up, row.link_change))
}

fn read_list(found: Option<Attributes>) -> Result<Stored<Option<ListRegister>>, StoreError> {
    match found {
        None => Ok(Stored { value: None, rev: 0 }),
        Some(found) => row::<ListRow>(found).map(|r| Stored { value: Some(r.register), rev: r.rev }),
    }
}

impl Store {
    /// The claims of a subject and the fact kept with them: 1 call. Revision 0 means there is nothing.
    ///
    /// # Errors
    /// When the store does not answer or the item cannot be read.
    pub async fn node(&self, subject: &SubjectId) -> Result<Stored<Node>, StoreError> {
        read_node(self.get(&Key::up(subject)).await?)
    }

    /// As [`Self::node`], of many, every one of `subjects` in the answer: 1 call per hundred, more when the store leaves
    /// some out.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn nodes(&self, subjects: &BTreeSet<SubjectId>) -> Result<BTreeMap<SubjectId, Stored<Node>>, StoreError> {
        let keys: Vec<_> = subjects.iter().map(Key::up).collect();
        let mut found = self.get_many(&keys.iter().collect::<Vec<_>>()).await?;
        let node = |(subject, key): (&SubjectId, &Key)| Ok((subject.clone(), read_node(found.remove(&key.name()))?));
        subjects.iter().zip(&keys).map(node).collect()
    }

    /// Writes claims and fact of a subject on the condition of the revision they were read at: 1 call. `change` is how
    /// the claims differ from those that were read. False when someone else wrote them since.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_node(
        &self,
        subject: &SubjectId,
        node: &Stored<Node>,
        change: LinkChange,
    ) -> Result<bool, StoreError> {
        let Stored { value: Node { up, fact }, rev } = node.clone();
        let row = NodeRow { rev: rev + 1, up, fact, link_change: change };
        self.put_on_rev(item(&Key::up(subject), &row)?, rev).await
    }

    /// Notes under `target` that `member` names it, before it does, and what is known of the member's end: 1 call. A note
    /// that is there already stays, unless it tells of an end that was told earlier.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_hint(
        &self,
        target: &SubjectId,
        member: &SubjectId,
        ended: Option<&Ended>,
    ) -> Result<(), StoreError> {
        let ended_order = ended.map(|ended| ended.order.clone());
        let row = MemberRow { member: member.clone(), ended_at: ended.and_then(|ended| ended.at), ended_order };
        let hint = item(&Key::member(target, member), &row)?;
        let Some(Ended { order, .. }) = ended else { return self.put_new(hint).await.map(|_| ()) };
        let condition = "attribute_not_exists(pk) OR attribute_not_exists(ended_order) OR ended_order < :o";
        self.put_on(hint, condition, &[], Attributes::from([(":o".into(), text(order))])).await.map(|_| ())
    }

    /// A list that `claimer` keeps at a connection: 1 call.
    ///
    /// # Errors
    /// When the store does not answer or the item cannot be read.
    pub async fn list(
        &self,
        claimer: &SubjectId,
        list: &str,
        connection: &ConnectionName,
    ) -> Result<Stored<Option<ListRegister>>, StoreError> {
        read_list(self.get(&Key::list(claimer, list, connection)).await?)
    }

    /// A list together with the nodes of `subjects`: 1 call up to 99 of them.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn listed(
        &self,
        claimer: &SubjectId,
        list: &str,
        connection: &ConnectionName,
        subjects: &BTreeSet<SubjectId>,
    ) -> Result<Listed, StoreError> {
        let register = Key::list(claimer, list, connection);
        let keys: Vec<_> = subjects.iter().map(Key::up).collect();
        let mut found = self.get_many(&std::iter::once(&register).chain(&keys).collect::<Vec<_>>()).await?;
        let list = read_list(found.remove(&register.name()))?;
        let node = |(subject, key): (&SubjectId, &Key)| Ok((subject.clone(), read_node(found.remove(&key.name()))?));
        Ok(Listed { list, nodes: subjects.iter().zip(&keys).map(node).collect::<Result<_, StoreError>>()? })
    }

    /// Writes a list on the condition of the revision it was read at, or removes it when there is none: 1 call. False
    /// when someone else wrote it since.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_list(
        &self,
        claimer: &SubjectId,
        list: &str,
        connection: &ConnectionName,
        register: &Stored<Option<ListRegister>>,
    ) -> Result<bool, StoreError> {
        let (key, rev) = (Key::list(claimer, list, connection), register.rev);
        let Some(value) = &register.value else {
            return if rev == 0 { Ok(true) } else { self.delete_on_rev(&key, rev).await };
        };
        let (list, connection, register) = (list.to_owned(), connection.clone(), value.clone());
        self.put_on_rev(item(&key, &ListRow { rev: rev + 1, list, connection, register })?, rev).await
    }

    /// Every list that `claimer` keeps, with its connection: 1 call per page.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn lists(
        &self,
        claimer: &SubjectId,
    ) -> Result<Vec<(String, ConnectionName, Stored<ListRegister>)>, StoreError> {
        let prefix = Key::lists(claimer);
        let mut lists = Vec::new();
        for found in self.query(&prefix.pk, Some(&prefix.sk)).await? {
            // A domain's own lists and those of the people there begin alike.
            if subject_of_key(&prefix.pk, text_of(&found, "sk").unwrap_or_default()).as_ref() == Some(claimer) {
                let found: ListRow = row(found)?;
                lists.push((found.list, found.connection, Stored { value: found.register, rev: found.rev }));
            }
        }
        Ok(lists)
    }

    /// The partition in which `subject` lies, consistent: the subject itself and, for a domain, everybody at it. 1 call
    /// per page.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn partition(&self, subject: &SubjectId) -> Result<BTreeMap<SubjectId, Partition>, StoreError> {
        let pk = subject_pk(subject);
        let mut partitions = BTreeMap::from([(subject.clone(), Partition::default())]);
        for found in self.query(&pk, None).await? {
            let sk = text_of(&found, "sk").unwrap_or_default();
            let Some(about) = subject_of_key(&pk, sk) else { continue };
            let owner = subject_of_key(&pk, "").unwrap_or_else(|| about.clone());
            let sk = own_sk(&owner, sk);
            partitions.entry(about).or_default().read(&sk, found)?;
        }
        for partition in partitions.values_mut() {
            partition.facts.sort_by(|a, b| a.key.cmp(&b.key));
        }
        Ok(partitions)
    }
}

impl Partition {
    pub(crate) fn read(&mut self, sk: &str, found: Attributes) -> Result<(), StoreError> {
        if sk == UP {
            let node = row::<NodeRow>(found)?;
            self.up = node.up;
            self.facts.extend(node.fact);
        } else if sk == ASSESSMENT {
            self.assessed = true;
        } else if sk.starts_with(MEMBER) {
            let MemberRow { member, ended_at, .. } = row(found)?;
            self.ended.extend(ended_at.map(|at| (member.clone(), at)));
            self.members.insert(member);
        } else if sk.starts_with(model::EpisodeKey::PREFIX) {
            let stored = row::<EpisodeRow>(found)?;
            self.episodes.push(Stored { value: stored.episode, rev: stored.rev });
        } else if sk.starts_with(CHILD) {
            self.children.push(row(found)?);
        } else if sk.parse::<FactKey>().is_ok() {
            // A kind of fact that newer code wrote is left for newer code to read.
            self.facts.push(row::<FactRow>(found)?.fact);
        }
        Ok(())
    }
}
