//! Everything that is known and where it belongs, read at one time for an operator's question.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    ClaimKind, FactKey, Field, Moment, Root, Slot, SubjectId, Target, Up, Value, Walk, members, parents, walk,
};
use store::{KnownSubject, Store};

use super::HostError;
use crate::api::{Belongs, ClaimRow, UnmatchedReason};

/// All subjects, their claims, and what follows from them.
#[derive(Debug, Default)]
pub(super) struct Forest {
    known: BTreeMap<SubjectId, KnownSubject>,
    /// Of everything that is known or claimed.
    ups: BTreeMap<SubjectId, Up>,
    walks: BTreeMap<SubjectId, Walk>,
    /// Who names whom as a parent, from above.
    children: BTreeMap<SubjectId, BTreeSet<SubjectId>>,
}

/// A claim taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SlotWords {
    /// What says so: a field, a pair, a list, or `link` for an operator's decision.
    pub what: String,
    /// Who says so.
    pub connection: String,
}

/// What a slot's name says.
pub(super) fn words_of(slot: &Slot) -> SlotWords {
    let mut parts = slot.as_str().split('~');
    let (_, what) = (parts.next(), parts.next());
    match (what, parts.next_back()) {
        (Some(what), Some(connection)) => SlotWords { what: what.to_owned(), connection: connection.to_owned() },
        _ => SlotWords { what: "link".to_owned(), connection: "operator".to_owned() },
    }
}

impl Forest {
    /// Of everything that these tables know; `also` need not be known.
    pub(super) async fn read(store: &Store, also: impl IntoIterator<Item = SubjectId>) -> Result<Self, HostError> {
        let nodes = store.all_nodes().await?;
        let ups = nodes.into_iter().map(|(subject, node)| (subject, node.up)).collect();
        Ok(Self::new(store.known().await?, ups, also))
    }

    /// Of all subjects with facts, and the claims of all subjects; `also` are looked at although nothing may be known of
    /// them.
    pub(super) fn new(
        known: Vec<KnownSubject>,
        mut ups: BTreeMap<SubjectId, Up>,
        also: impl IntoIterator<Item = SubjectId>,
    ) -> Self {
        let known: BTreeMap<_, _> = known.into_iter().map(|it| (it.subject.clone(), it)).collect();
        let mut todo: Vec<SubjectId> = known.keys().cloned().chain(ups.keys().cloned()).chain(also).collect();
        let mut children: BTreeMap<SubjectId, BTreeSet<SubjectId>> = BTreeMap::new();
        let mut done = BTreeSet::new();
        while let Some(subject) = todo.pop() {
            if !done.insert(subject.clone()) {
                continue;
            }
            let above = parents(&subject, ups.entry(subject.clone()).or_default());
            for parent in &above {
                children.entry(parent.clone()).or_default().insert(subject.clone());
            }
            let named = ups[&subject].targets().cloned().collect::<Vec<_>>();
            todo.extend(above.into_iter().chain(named).chain(subject.company_domain()));
        }
        let walks = ups.keys().filter_map(|subject| Some((subject.clone(), walk(subject, &ups).ok()?))).collect();
        Self { known, ups, walks, children }
    }

    /// Every subject, also those that are only named.
    pub(super) fn subjects(&self) -> impl Iterator<Item = (&SubjectId, &Up)> {
        self.ups.iter()
    }

    /// What is known of a subject, if a source said anything.
    pub(super) fn known(&self, subject: &SubjectId) -> Option<&KnownSubject> {
        self.known.get(subject)
    }

    /// What is claimed of it.
    pub(super) fn up(&self, subject: &SubjectId) -> Option<&Up> {
        self.ups.get(subject)
    }

    /// Somebody spoke of it, or named it.
    pub(super) fn has_heard_of(&self, subject: &SubjectId) -> bool {
        let named = || self.children.contains_key(subject);
        let claims = || self.up(subject).is_some_and(|up| *up != Up::default());
        self.known.contains_key(subject) || named() || claims()
    }

    /// Where the walk upwards ends.
    pub(super) fn root(&self, subject: &SubjectId) -> Root {
        self.walks.get(subject).map_or_else(|| Root::At(subject.clone()), |walk| walk.root.clone())
    }

    /// The account whose facts those of the subject are.
    pub(super) fn account(&self, subject: &SubjectId) -> Option<SubjectId> {
        match self.root(subject) {
            Root::At(root) => self.is_account(&root).then_some(root),
            Root::Unmatched | Root::Ambiguous(_) => None,
        }
    }

    /// It is its own root, and a CRM opened it.
    pub(super) fn is_account(&self, subject: &SubjectId) -> bool {
        let opened = |known: &KnownSubject| known.facts.iter().any(|f| f.key == FactKey::Profile && f.opens_account);
        let is_gone = self.up(subject).is_some_and(Up::is_gone);
        !is_gone && self.known(subject).is_some_and(opened) && self.root(subject) == Root::At(subject.clone())
    }

    /// Every account, prospects included.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &SubjectId> {
        self.known.keys().filter(|subject| self.is_account(subject))
    }

    /// What people call it, by the newest word of anybody.
    pub(super) fn name(&self, subject: &SubjectId) -> Option<String> {
        let facts = self.known(subject)?.facts.iter();
        let named = facts.flat_map(|fact| fact.all_registers()).filter(|(_, field, _)| *field == Field::Name);
        let newest = named.max_by_key(|(_, _, register)| &register.stamp)?;
        match &newest.2.value {
            Value::Text(name) => Some(name.clone()),
            _ => None,
        }
    }

    /// The name, or the id where nobody gave it one.
    pub(super) fn called(&self, subject: &SubjectId) -> String {
        self.name(subject).unwrap_or_else(|| subject.to_string())
    }

    /// Whose facts are an account's, each with the fewest steps up to it.
    pub(super) fn members(&self, root: &SubjectId) -> BTreeMap<SubjectId, u32> {
        members(root, &self.all_below(root), &self.ups).unwrap_or_default()
    }

    /// Everything that names the subject as a parent, directly or through others; itself included.
    pub(super) fn all_below(&self, subject: &SubjectId) -> BTreeSet<SubjectId> {
        let mut found = BTreeSet::from([subject.clone()]);
        let mut todo = vec![subject];
        while let Some(next) = todo.pop() {
            let named_by = self.children.get(next).into_iter().flatten();
            todo.extend(named_by.filter(|child| found.insert((*child).clone())));
        }
        found
    }

    /// The parents of a subject.
    pub(super) fn parents(&self, subject: &SubjectId) -> BTreeSet<SubjectId> {
        self.up(subject).map(|up| parents(subject, up)).unwrap_or_default()
    }

    /// Where a subject belongs, in words.
    pub(super) fn belongs(&self, subject: &SubjectId) -> Belongs {
        let (root, reason) = match self.root(subject) {
            Root::At(root) if self.is_account(&root) => (Some(root), None),
            Root::At(root) => (Some(root), Some(UnmatchedReason::NoAccount)),
            Root::Unmatched => (None, Some(UnmatchedReason::Unmatched)),
            Root::Ambiguous(_) => (None, Some(UnmatchedReason::Ambiguous)),
        };
        let name = root.as_ref().and_then(|root| self.name(root));
        Belongs { is_account: root.is_some() && reason.is_none(), root, name, reason }
    }

    /// The claims that count: those of the strongest kind.
    pub(super) fn claims(&self, subject: &SubjectId) -> Vec<ClaimRow> {
        let above = self.parents(subject);
        let Some(up) = self.up(subject) else { return vec![] };
        let strongest = up.live().map(|(_, claim, _)| claim.kind).max();
        let mut rows: Vec<ClaimRow> = up
            .live()
            .filter(|(_, claim, _)| Some(claim.kind) == strongest)
            .filter_map(|(slot, claim, target)| {
                let Target::Subject(target) = target else { return None };
                let SlotWords { what, connection } = words_of(slot);
                above.contains(target).then(|| ClaimRow {
                    target: target.clone(),
                    kind: claim.kind,
                    what,
                    connection: connection.parse().ok(),
                    delivery: Some(claim.said.stamp.delivery.clone()),
                    occurred_at: Some(claim.said.stamp.occurred_at),
                })
            })
            .collect();
        // An address belongs to its domain without anybody saying so.
        let built_in = subject.company_domain().filter(|domain| above.contains(domain));
        if let Some(domain) = built_in.filter(|domain| rows.iter().all(|row| row.target != *domain)) {
            rows.push(ClaimRow {
                target: domain,
                kind: ClaimKind::Domain,
                what: "address".to_owned(),
                connection: None,
                delivery: None,
                occurred_at: None,
            });
        }
        rows
    }

    /// When a subject was first and last spoken of; claims count where there are no facts.
    pub(super) fn heard_at(&self, subject: &SubjectId) -> Option<(Moment, Moment)> {
        if let Some(known) = self.known(subject) {
            return Some((known.first_at, known.last_at));
        }
        let claimed = || self.up(subject).into_iter().flat_map(|up| up.claims.values().map(|c| c.said.received_at));
        Some((claimed().min()?, claimed().max()?))
    }
}
