//! Writing links: hints before claims, claims before lists, each step on what was read and restartable anywhere.

use std::collections::{BTreeMap, BTreeSet};

use model::{ConnectionName, Fact, ListRegister, Said, Slot, SubjectId};
use store::{Listed, Node, Stored};

use crate::fold::{Stated, assert, end, fold};
use crate::statements::can_be_erased;
use crate::{Normalize, TRIES, WriteError};

/// Names a list: who keeps it, what it is called, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ListName<'a> {
    pub claimer: &'a SubjectId,
    pub list: &'a str,
    pub connection: &'a ConnectionName,
}

impl ListName<'_> {
    fn slot(&self) -> Slot {
        Slot::list(self.list, self.claimer, self.connection)
    }
}

impl Normalize {
    /// Writes what is said about a subject itself, and forgets the lists of one that is erased: 1 read, and when it is
    /// news 1 write and 1 per target that was never named before.
    pub(crate) async fn write_subject(&self, subject: &SubjectId, stated: &[Stated<'_>]) -> Result<(), WriteError> {
        let ends = subject.is_leaf() && stated.iter().any(Stated::is_end);
        let erased = self.write_node(subject, None, ends, |node| fold(node, stated)).await?;
        if let Some(erased) = erased.filter(|_| stated.iter().any(Stated::is_erasure)) {
            for (list, connection, _) in self.store.lists(subject).await? {
                let name = ListName { claimer: subject, list: &list, connection: &connection };
                self.forget_list(name, &BTreeSet::new(), &erased).await?;
            }
        }
        Ok(())
    }

    /// Folds into one node until the write is on what was read; `read` is the node where it is at hand. The hint of a
    /// target stands before the claim does, and tells of the end of a leaf before the leaf does. Whoever states an end
    /// (`ends`) has the hints tell what holds also when the statement lost: an earlier try may have noted it there. Gives
    /// the erasure of the subject, if there was one.
    async fn write_node(
        &self,
        subject: &SubjectId,
        mut read: Option<Stored<Node>>,
        ends: bool,
        fold: impl Fn(&mut Node) -> bool,
    ) -> Result<Option<Said>, WriteError> {
        for _ in 0..TRIES {
            let mut node = match read.take() {
                Some(read) => read,
                None => self.store.node(subject).await?,
            };
            let end_of = |node: &Node| node.fact.as_ref().and_then(Fact::ended);
            let before = end_of(&node.value).and_then(|ended| ended.at);
            let links = node.value.up.clone();
            let changed = fold(&mut node.value);
            let change = node.value.up.change_since(&links);
            let ended = end_of(&node.value);
            let up = &mut node.value.up;
            let new: BTreeSet<_> = up.targets().filter(|target| !up.seen.contains(target)).cloned().collect();
            let all_hints = ends || before != ended.as_ref().and_then(|ended| ended.at);
            for target in up.seen.iter().filter(|_| all_hints).chain(&new) {
                self.store.put_hint(target, subject, ended.as_ref()).await?;
            }
            if !changed {
                return Ok(node.value.up.erased.clone());
            }
            up.seen.extend(new);
            if self.store.put_node(subject, &node, change).await? {
                return Ok(node.value.up.erased);
            }
        }
        Err(WriteError::Contended)
    }

    /// Writes a list as `delivered` state it: the claims in all that it names or named, then the list: 1 read, when
    /// nothing is new; in each subject that is claimed anew or no longer 1 write.
    pub(crate) async fn write_list(&self, name: ListName<'_>, delivered: &[ListRegister]) -> Result<(), WriteError> {
        let ListName { claimer, list, connection } = name;
        let slot = name.slot();
        let named: BTreeSet<_> = delivered.iter().flat_map(|register| &register.listed).cloned().collect();
        let mut asked = named.clone();
        asked.extend(can_be_erased(claimer).then(|| claimer.clone()));
        for _ in 0..TRIES {
            let Listed { list: stored, mut nodes } = self.store.listed(claimer, list, connection, &asked).await?;
            if let Some(erased) = nodes.get(claimer).and_then(|node| node.value.up.erased.as_ref()) {
                return self.forget_list(name, &named, erased).await;
            }
            let Some(winner) = winner(stored.value.as_ref(), delivered) else { return Ok(()) };
            let listed = stored.value.iter().chain([&winner]).flat_map(|register| &register.listed);
            for id in named.iter().chain(listed).collect::<BTreeSet<_>>() {
                let claim = winner.claim_on(id, claimer);
                self.write_node(id, nodes.remove(id), false, |node| assert(node, &slot, &claim)).await?;
            }
            if stored.value.as_ref() == Some(&winner) {
                return Ok(());
            }
            if self.store.put_list(claimer, list, connection, &Stored { value: Some(winner), ..stored }).await? {
                return self.check_claimer(name, &named).await;
            }
        }
        Err(WriteError::Contended)
    }

    /// Whoever erases a person forgets the lists that are stored. One that is stored at the same time is forgotten here.
    async fn check_claimer(&self, name: ListName<'_>, named: &BTreeSet<SubjectId>) -> Result<(), WriteError> {
        if !can_be_erased(name.claimer) {
            return Ok(());
        }
        match self.store.node(name.claimer).await?.value.up.erased {
            Some(erased) => self.forget_list(name, named, &erased).await,
            None => Ok(()),
        }
    }

    /// Removes what a write that was on its way when a person was erased has left: their lists, and the claims in others
    /// that followed from a list. Nothing, unless they are erased.
    pub(crate) async fn forget_leftovers(&self, person: &SubjectId) -> Result<(), WriteError> {
        let Some(erased) = self.store.node(person).await?.value.up.erased else { return Ok(()) };
        for (list, connection, _) in self.store.lists(person).await? {
            let name = ListName { claimer: person, list: &list, connection: &connection };
            self.forget_list(name, &BTreeSet::new(), &erased).await?;
        }
        let partitions = self.store.partition(person).await?;
        let named = partitions.get(person).map(|partition| partition.members.clone()).unwrap_or_default();
        let empty = ListRegister::erased(&erased);
        for id in named {
            let claim = empty.claim_on(&id, person);
            let end_all = |node: &mut Node| {
                let live = node.up.live().map(|(slot, _, _)| slot).filter(|slot| slot.is_of_list_of(person));
                let live: Vec<_> = live.cloned().collect();
                live.iter().filter(|slot| end(node, slot, &claim)).count() > 0
            };
            self.write_node(&id, None, false, end_all).await?;
        }
        Ok(())
    }

    /// Ends the claims of a list whose keeper was erased, then removes the list. The end of a claim is newer than all that
    /// is still on its way in other workers.
    async fn forget_list(
        &self,
        name: ListName<'_>,
        named: &BTreeSet<SubjectId>,
        erased: &Said,
    ) -> Result<(), WriteError> {
        let ListName { claimer, list, connection } = name;
        let (slot, empty) = (name.slot(), ListRegister::erased(erased));
        for _ in 0..TRIES {
            let stored = self.store.list(claimer, list, connection).await?;
            let listed = stored.value.iter().flat_map(|register| &register.listed);
            for id in named.iter().chain(listed).collect::<BTreeSet<_>>() {
                let claim = empty.claim_on(id, claimer);
                self.write_node(id, None, false, |node| end(node, &slot, &claim)).await?;
            }
            if self.store.put_list(claimer, list, connection, &Stored { value: None, ..stored }).await? {
                return Ok(());
            }
        }
        Err(WriteError::Contended)
    }
}

/// The newest of what is stored and what was delivered.
fn winner(stored: Option<&ListRegister>, delivered: &[ListRegister]) -> Option<ListRegister> {
    let newest = |held: &ListRegister, next: &ListRegister| next.said.beats(&held.said);
    let all = stored.into_iter().chain(delivered);
    all.reduce(|held, next| if newest(held, next) { next } else { held }).cloned()
}

/// The lists that a batch states, each with all that was said of it.
pub(crate) fn lists<'a>(batch: &'a [crate::Read]) -> BTreeMap<ListName<'a>, Vec<(&'a crate::Read, ListRegister)>> {
    let mut lists: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for read in batch {
        for (index, link) in (0_u32..).zip(&read.normalized.links) {
            if let model::LinkSays::List { list, kind, listed } = &link.says {
                let name = ListName { claimer: &link.subject, list, connection: &read.delivery.connection };
                let said = link.said(read.source(index));
                let register = ListRegister { kind: *kind, listed: listed.clone(), said };
                lists.entry(name).or_default().push((read, register));
            }
        }
    }
    lists
}

/// What a batch says about each subject itself, in the order of the stream.
pub(crate) fn subjects<'a>(batch: &'a [crate::Read]) -> BTreeMap<&'a SubjectId, Vec<(&'a crate::Read, Stated<'a>)>> {
    let mut subjects: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for read in batch {
        for (index, link) in (0_u32..).zip(&read.normalized.links) {
            if !matches!(link.says, model::LinkSays::List { .. }) {
                let stated = Stated::Link(read.source(index), link);
                subjects.entry(&link.subject).or_default().push((read, stated));
            }
        }
        for (index, signal) in (0_u32..).zip(&read.normalized.signals) {
            if signal.key.is_kept_with_claims() {
                let stated = Stated::Fact(read.source(index), signal);
                subjects.entry(&signal.subject).or_default().push((read, stated));
            }
        }
    }
    subjects
}
