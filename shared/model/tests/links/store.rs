//! The table, as maps: every method is one store call, and so one atomic step.

use std::collections::{BTreeMap, BTreeSet};

use model::{ConnectionName, Fact, LinkChange, ListRegister, SubjectId, Up};

/// A value with the revision that a conditional write names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kept<T> {
    /// 0 while there is none.
    pub rev: u64,
    pub value: T,
}

/// The item that holds what is claimed of a subject and, of a leaf or a person, what is known of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    pub up: Up,
    pub fact: Option<Fact>,
}

/// Who keeps the list, which one, and by whose word.
pub type ListKey = (SubjectId, String, ConnectionName);

/// What the stream tells health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The item with a subject's claims changed.
    Up(SubjectId, LinkChange),
    /// Another fact of a subject changed.
    Fact(SubjectId),
}

/// What health decided for a subject; kept, with no value, once it is no watched account any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessed {
    pub version: u64,
    pub value: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Store {
    pub nodes: BTreeMap<SubjectId, Kept<Node>>,
    pub profiles: BTreeMap<SubjectId, Kept<Option<Fact>>>,
    pub hints: BTreeMap<SubjectId, BTreeSet<SubjectId>>,
    pub lists: BTreeMap<ListKey, Kept<Option<ListRegister>>>,
    pub assessed: BTreeMap<SubjectId, Assessed>,
    /// Not yet picked up.
    pub stream: Vec<Record>,
    /// Conditional writes that were refused.
    pub conflicts: usize,
}

impl Store {
    pub fn node(&self, subject: &SubjectId) -> Kept<Node> {
        self.nodes.get(subject).cloned().unwrap_or_default()
    }

    pub fn put_node(&mut self, subject: &SubjectId, node: Kept<Node>) -> bool {
        let change = node.value.up.change_since(&self.node(subject).value.up);
        let done = put(self.nodes.entry(subject.clone()).or_default(), node);
        self.wrote(done, Record::Up(subject.clone(), change))
    }

    pub fn profile(&self, subject: &SubjectId) -> Kept<Option<Fact>> {
        self.profiles.get(subject).cloned().unwrap_or_default()
    }

    pub fn put_profile(&mut self, subject: &SubjectId, profile: Kept<Option<Fact>>) -> bool {
        let done = put(self.profiles.entry(subject.clone()).or_default(), profile);
        self.wrote(done, Record::Fact(subject.clone()))
    }

    fn wrote(&mut self, done: bool, record: Record) -> bool {
        if done {
            self.stream.push(record);
        } else {
            self.conflicts += 1;
        }
        done
    }

    pub fn list(&self, key: &ListKey) -> Kept<Option<ListRegister>> {
        self.lists.get(key).cloned().unwrap_or_default()
    }

    pub fn put_list(&mut self, key: &ListKey, list: Kept<Option<ListRegister>>) -> bool {
        let removed = list.value.is_none();
        let done = put(self.lists.entry(key.clone()).or_default(), list);
        if done && removed {
            self.lists.remove(key);
        }
        self.conflicts += usize::from(!done);
        done
    }

    pub fn lists_of(&self, claimer: &SubjectId) -> Vec<ListKey> {
        self.lists.keys().filter(|(keeper, _, _)| keeper == claimer).cloned().collect()
    }

    pub fn put_hint(&mut self, target: &SubjectId, member: &SubjectId) {
        self.hints.entry(target.clone()).or_default().insert(member.clone());
    }

    /// The hints under a subject; of a domain, everybody who has an item in its partition as well.
    pub fn members(&self, subject: &SubjectId) -> BTreeSet<SubjectId> {
        let mut members = self.hints.get(subject).cloned().unwrap_or_default();
        if subject.as_domain().is_some() {
            let people = self.nodes.keys().chain(self.hints.keys());
            members.extend(people.filter(|one| one.company_domain().as_ref() == Some(subject)).cloned());
        }
        members
    }

    /// The members of everything that stands anywhere.
    pub fn all_members(&self) -> BTreeMap<SubjectId, BTreeSet<SubjectId>> {
        let rows = self.nodes.keys().chain(self.profiles.keys()).chain(self.hints.keys());
        let hinted = self.hints.values().flatten();
        let targets = self.nodes.values().flat_map(|node| node.value.up.targets());
        let mut all: BTreeSet<_> = rows.chain(hinted).chain(targets).cloned().collect();
        all.extend(all.clone().iter().filter_map(SubjectId::company_domain));
        all.into_iter().map(|subject| (subject.clone(), self.members(&subject))).collect()
    }

    pub fn assessment(&self, subject: &SubjectId) -> Option<Assessed> {
        self.assessed.get(subject).cloned()
    }

    /// Puts the first version, unless there is one.
    pub fn put_first(&mut self, subject: &SubjectId, value: Option<String>) -> bool {
        let absent = !self.assessed.contains_key(subject);
        if absent {
            self.assessed.insert(subject.clone(), Assessed { version: 1, value });
        }
        absent
    }

    /// Puts the version after `version`, on the condition that it is still the one.
    pub fn commit(&mut self, subject: &SubjectId, version: u64, value: Option<String>) -> bool {
        let held = self.assessed.get_mut(subject).filter(|held| held.version == version);
        let done = held.map(|held| *held = Assessed { version: version + 1, value }).is_some();
        self.conflicts += usize::from(!done);
        done
    }

    /// Every target ever claimed has its hint.
    pub fn hints_are_complete(&self) -> bool {
        self.nodes.iter().all(|(subject, node)| {
            let hinted = |target: &SubjectId| self.hints.get(target).is_some_and(|members| members.contains(subject));
            let up = &node.value.up;
            up.seen.iter().all(hinted) && up.targets().all(|target| up.seen.contains(target))
        })
    }
}

fn put<T>(held: &mut Kept<T>, new: Kept<T>) -> bool {
    let same = held.rev == new.rev;
    if same {
        *held = Kept { rev: new.rev + 1, value: new.value };
    }
    same
}
