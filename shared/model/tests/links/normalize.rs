//! Writing links: the protocol of `normalize`, as steps that touch the store once each, so that a schedule can interleave
//! them and end a worker between any two.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use model::{
    Claim, ConnectionName, DeliveryId, Fact, FactKey, Link, LinkSays, ListRegister, Moment, Said, Slot, Source,
    Statement, SubjectId, Target, Up,
};

use crate::store::{Kept, ListKey, Node, Store};

/// Mistakes that the properties must notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A slot names the value, and a newer value ends the older ones it finds.
    SlotKeyedByTarget,
    /// The list is stored, then the claims that follow from it.
    ListBeforeClaims,
    /// The claim is stored, then its hint.
    ClaimBeforeHint,
    /// A node is put without looking at its revision.
    NodeWithoutRevision,
    /// Whether the keeper of a list was erased is looked up before the list is written, not after.
    ErasureLookedUpFirst,
    /// The list of an erased person is removed and the claims that stand are ended, so that nothing is left to refuse a
    /// write that was sent before.
    ErasedListRemoved,
    /// Health writes nothing when the value is the same.
    NoWriteWhenSame,
    /// The first assessment is put as it is, without a row to guard it.
    NoStub,
    /// Health looks at the subject and whom it ever named.
    TouchSelfAndSeenOnly,
}

/// What one delivery says.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: DeliveryId,
    pub connection: ConnectionName,
    pub received_at: Moment,
    pub links: Vec<Link>,
    pub facts: Vec<(SubjectId, FactKey, Vec<Statement>)>,
}

impl Delivery {
    pub fn source(&self, index: usize) -> Source<'_> {
        Source {
            connection: &self.connection,
            delivery: &self.id,
            received_at: self.received_at,
            index: u32::try_from(index).unwrap(),
        }
    }

    /// The links, each with its place in the delivery.
    pub fn sourced_links(&self) -> impl Iterator<Item = (Source<'_>, &Link)> {
        self.links.iter().enumerate().map(|(index, link)| (self.source(index), link))
    }

    /// Folds the fact `at` of the delivery into what is known of it.
    pub fn fold_fact(&self, at: usize, known: &mut Option<Fact>) -> bool {
        let (subject, key, statements) = &self.facts[at];
        let mut fact = known.take().unwrap_or_else(|| Fact::empty(subject.clone(), key.clone()));
        let opens = *key == FactKey::Profile && !fact.opens_account;
        fact.opens_account |= opens;
        let changed = fact.apply(self.source(self.links.len() + at), statements) || opens;
        *known = Some(fact);
        changed
    }

    /// A list as this delivery states it.
    pub fn list(&self, index: usize) -> Option<(ListKey, ListRegister)> {
        let link = &self.links[index];
        let LinkSays::List { list, kind, listed } = &link.says else { return None };
        let key = (link.subject.clone(), list.clone(), self.connection.clone());
        Some((key, ListRegister { kind: *kind, listed: listed.clone(), said: link.said(self.source(index)) }))
    }
}

/// Something to fold into a node.
#[derive(Debug, Clone)]
enum Fold {
    Link(usize),
    Claim(Slot, Claim),
    /// Ends a claim that is there; what is not there is left alone.
    End(Slot, Claim),
    Fact(usize),
}

type Folds = Rc<Vec<Fold>>;

/// A list that arrived, and ids that must hear of it although neither it nor the stored one names them.
#[derive(Debug, Clone)]
struct Arrived {
    register: ListRegister,
    own: BTreeSet<SubjectId>,
}

#[derive(Debug, Clone)]
enum Step {
    ReadNode(SubjectId, Folds),
    PutHint { target: SubjectId, member: SubjectId },
    PutNode(SubjectId, Kept<Node>, Folds),
    ReadList(ListKey, Arrived),
    PutList(ListKey, Kept<Option<ListRegister>>, Arrived),
    LookUpErasure(ListKey, Said, Arrived),
    ReadLists(SubjectId, Said),
    ReadProfile(usize),
    PutProfile(usize, Kept<Option<Fact>>),
}

/// One worker that writes one delivery.
#[derive(Debug, Clone)]
pub struct Writing {
    pub delivery: Rc<Delivery>,
    broken: Option<Broken>,
    /// The last is next.
    todo: Vec<Step>,
}

impl Writing {
    pub fn new(delivery: Rc<Delivery>, broken: Option<Broken>) -> Self {
        let mut folds: BTreeMap<&SubjectId, Vec<Fold>> = BTreeMap::new();
        let mut steps = Vec::new();
        for (index, (source, link)) in delivery.sourced_links().enumerate() {
            if let Some((key, register)) = delivery.list(index) {
                let own = register.listed.clone();
                steps.push(match broken {
                    Some(Broken::ErasureLookedUpFirst) => {
                        Step::LookUpErasure(key, register.said.clone(), Arrived { register, own })
                    }
                    _ => Step::ReadList(key, Arrived { register, own }),
                });
                continue;
            }
            folds.entry(&link.subject).or_default().push(Fold::Link(index));
            if link.says == LinkSays::Erased {
                steps.push(Step::ReadLists(link.subject.clone(), link.said(source)));
            }
        }
        for (at, (subject, key, _)) in delivery.facts.iter().enumerate() {
            if key.is_kept_with_claims() {
                folds.entry(subject).or_default().push(Fold::Fact(at));
            } else {
                steps.push(Step::ReadProfile(at));
            }
        }
        let nodes = folds.into_iter().map(|(subject, folds)| Step::ReadNode(subject.clone(), folds.into()));
        let mut todo: Vec<_> = nodes.chain(steps).collect();
        todo.reverse();
        Self { delivery, broken, todo }
    }

    pub fn is_done(&self) -> bool {
        self.todo.is_empty()
    }

    /// What it would do next; the gap before it is where it may end.
    pub fn next(&self) -> &'static str {
        match self.todo.last() {
            None => "done",
            Some(Step::ReadNode(..)) => "read node",
            Some(Step::PutHint { .. }) => "put hint",
            Some(Step::PutNode(..)) => "put node",
            Some(Step::ReadList(..)) => "read list",
            Some(Step::PutList(..)) => "put list",
            Some(Step::LookUpErasure(..)) => "look up erasure",
            Some(Step::ReadLists(..)) => "read lists",
            Some(Step::ReadProfile(..)) => "read profile",
            Some(Step::PutProfile(..)) => "put profile",
        }
    }

    /// The write it was about to do, as one that was sent before the worker ended and is done at some later moment.
    pub fn in_flight(&self) -> Option<Self> {
        let step = self.todo.last()?;
        let write = match step {
            Step::PutHint { .. } | Step::PutNode(..) | Step::PutList(..) | Step::PutProfile(..) => step.clone(),
            Step::ReadNode(..)
            | Step::ReadList(..)
            | Step::LookUpErasure(..)
            | Step::ReadLists(..)
            | Step::ReadProfile(..) => return None,
        };
        Some(Self { delivery: Rc::clone(&self.delivery), broken: self.broken, todo: vec![write] })
    }

    /// Does one step.
    pub fn step(&mut self, store: &mut Store) {
        if let Some(step) = self.todo.pop() {
            let next = self.run(step, store);
            self.todo.extend(next.into_iter().rev());
        }
    }

    fn run(&self, step: Step, store: &mut Store) -> Vec<Step> {
        match step {
            Step::ReadNode(subject, folds) => self.read_node(subject, folds, store),
            Step::PutHint { target, member } => {
                store.put_hint(&target, &member);
                Vec::new()
            }
            Step::PutNode(subject, mut node, folds) => {
                if self.broken == Some(Broken::NodeWithoutRevision) {
                    node.rev = store.node(&subject).rev;
                }
                let done = store.put_node(&subject, node);
                if done { Vec::new() } else { vec![Step::ReadNode(subject, folds)] }
            }
            Step::ReadList(key, arrived) => self.read_list(key, arrived, store),
            Step::PutList(key, list, arrived) => {
                let done = store.put_list(&key, list);
                if done { Vec::new() } else { vec![Step::ReadList(key, arrived)] }
            }
            Step::LookUpErasure(key, held, Arrived { register, own }) => {
                // A keeper who was erased: the list goes, and with it every claim that followed from it.
                let erased = store.node(&key.0).value.up.erased.map(|said| ListRegister::erased(&said));
                match erased {
                    Some(erased) if erased.said.beats(&held) => {
                        vec![Step::ReadList(key, Arrived { register: erased, own })]
                    }
                    _ if self.broken == Some(Broken::ErasureLookedUpFirst) => {
                        vec![Step::ReadList(key, Arrived { register, own })]
                    }
                    _ => Vec::new(),
                }
            }
            Step::ReadLists(claimer, said) => {
                let lists = store.lists_of(&claimer).into_iter();
                let gone = || Arrived { register: ListRegister::erased(&said), own: BTreeSet::new() };
                lists.map(|key| Step::ReadList(key, gone())).collect()
            }
            Step::ReadProfile(at) => {
                let mut profile = store.profile(&self.delivery.facts[at].0);
                let changed = self.delivery.fold_fact(at, &mut profile.value);
                if changed { vec![Step::PutProfile(at, profile)] } else { Vec::new() }
            }
            Step::PutProfile(at, profile) => {
                let done = store.put_profile(&self.delivery.facts[at].0, profile);
                if done { Vec::new() } else { vec![Step::ReadProfile(at)] }
            }
        }
    }

    fn read_node(&self, subject: SubjectId, folds: Folds, store: &Store) -> Vec<Step> {
        let mut kept = store.node(&subject);
        let mut changed = false;
        for fold in folds.iter() {
            changed |= self.fold(fold, &mut kept.value);
        }
        if !changed {
            return Vec::new();
        }
        let targets: BTreeSet<_> = kept.value.up.targets().cloned().collect();
        let new: Vec<_> = targets.difference(&kept.value.up.seen).cloned().collect();
        kept.value.up.seen.extend(new.iter().cloned());
        let hints = new.into_iter().map(|target| Step::PutHint { target, member: subject.clone() });
        let put = Step::PutNode(subject.clone(), kept, folds);
        if self.broken == Some(Broken::ClaimBeforeHint) {
            [put].into_iter().chain(hints).collect()
        } else {
            hints.chain([put]).collect()
        }
    }

    fn fold(&self, fold: &Fold, node: &mut Node) -> bool {
        match fold {
            Fold::Claim(slot, claim) => node.up.claim(slot.clone(), claim.clone()),
            Fold::End(slot, claim) => node.up.claims.contains_key(slot) && node.up.claim(slot.clone(), claim.clone()),
            Fold::Fact(at) => node.up.erased.is_none() && self.delivery.fold_fact(*at, &mut node.fact),
            Fold::Link(index) => {
                let link = &self.delivery.links[*index];
                let source = self.delivery.source(*index);
                let changed = match &link.says {
                    LinkSays::Own { field, target, .. } if self.broken == Some(Broken::SlotKeyedByTarget) => {
                        claim_by_value(&mut node.up, source, link, field, target.as_ref())
                    }
                    _ => node.up.apply(source, link),
                };
                if node.up.erased.is_some() {
                    node.fact = None;
                }
                changed
            }
        }
    }

    fn read_list(&self, key: ListKey, arrived: Arrived, store: &Store) -> Vec<Step> {
        let Kept { rev, value: stored } = store.list(&key);
        let winner = match &stored {
            Some(stored) if !arrived.register.said.beats(&stored.said) => stored.clone(),
            _ => arrived.register.clone(),
        };
        let mut ids: BTreeSet<_> = stored.iter().flat_map(|stored| stored.listed.clone()).collect();
        ids.extend(arrived.register.listed.iter().chain(&arrived.own).cloned());
        let (claimer, list, connection) = &key;
        let removed = self.broken == Some(Broken::ErasedListRemoved) && is_of_an_erased(&winner);
        let claims = ids.iter().map(|id| {
            let (slot, claim) = (Slot::list(list, claimer, connection), winner.claim_on(id, claimer));
            let fold = if removed { Fold::End(slot, claim) } else { Fold::Claim(slot, claim) };
            Step::ReadNode(id.clone(), Rc::new(vec![fold]))
        });
        let mut steps: Vec<_> = claims.collect();
        let said = winner.said.clone();
        if stored.as_ref() != Some(&winner) && !(removed && stored.is_none()) {
            let put = Step::PutList(key.clone(), Kept { rev, value: (!removed).then_some(winner) }, arrived.clone());
            let at = if self.broken == Some(Broken::ListBeforeClaims) { 0 } else { steps.len() };
            steps.insert(at, put);
        }
        if self.broken != Some(Broken::ErasureLookedUpFirst) {
            let own = arrived.own.iter().chain(&arrived.register.listed).cloned().collect();
            steps.push(Step::LookUpErasure(key, said, Arrived { own, ..arrived }));
        }
        steps
    }
}

/// The list says that its keeper was erased.
pub fn is_of_an_erased(list: &ListRegister) -> bool {
    list.said.stamp.occurred_at == ListRegister::erased(&list.said).said.stamp.occurred_at
}

/// The broken slot: named by the value, so that a late older value finds nothing to lose against.
fn claim_by_value(up: &mut Up, source: Source<'_>, link: &Link, field: &str, target: Option<&SubjectId>) -> bool {
    let LinkSays::Own { kind, .. } = &link.says else { return false };
    let said = link.said(source);
    let of_field = format!("own~{field}");
    let mut changed = false;
    for (slot, held) in &mut up.claims {
        let older = slot.as_str().starts_with(&of_field) && held.target.is_some() && said.beats(&held.said);
        if older {
            *held = Claim { kind: held.kind, target: None, said: said.clone() };
            changed = true;
        }
    }
    let slot = Slot::own(&format!("{field}={}", target.map_or("", SubjectId::as_str)), source.connection);
    up.claim(slot, Claim { kind: *kind, target: target.cloned().map(Target::Subject), said }) || changed
}
