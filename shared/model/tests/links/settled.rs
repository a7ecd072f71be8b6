//! What the properties compare: what is true once everything is written, from the store on one side and straight from
//! what was said, without any protocol, on the other.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Claim, Fact, FactKey, Field, Gone, LinkSays, ListRegister, Moment, Root, Said, Slot, SubjectId, Target, Up, Value,
    below, members, walk,
};
use serde::Serialize;

use crate::normalize::{Delivery, is_of_an_erased};
use crate::store::{ListKey, Node, Store};

/// Facts, lists, live claims, deletions, roots and views. Dead slots, what was seen, hints and revisions are bookkeeping.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub struct Settled {
    pub nodes: BTreeMap<SubjectId, Held>,
    lists: BTreeMap<String, ListRegister>,
    pub roots: BTreeMap<SubjectId, String>,
    views: BTreeMap<SubjectId, BTreeMap<SubjectId, u32>>,
}

/// What is held of one subject.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub struct Held {
    claims: BTreeMap<Slot, Claim>,
    gone: Option<Gone>,
    erased: Option<Said>,
    facts: Vec<Fact>,
}

impl Held {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn up(&self) -> Up {
        Up { claims: self.claims.clone(), gone: self.gone.clone(), erased: self.erased.clone(), ..Up::default() }
    }

    /// Opened by a CRM, and a customer.
    pub fn is_watched(&self) -> bool {
        let of_profile = |fact: &Fact| {
            let stage = |(_, field, register): (_, _, &model::Register)| {
                field == Field::LifecycleStage && register.value == Value::Text("customer".into())
            };
            fact.key == FactKey::Profile && fact.opens_account && fact.all_registers().any(stage)
        };
        self.facts.iter().any(of_profile)
    }
}

/// What a store holds, one subject at a time.
pub fn held(node: &Node, profile: Option<&Fact>) -> Held {
    let live = node.up.live().map(|(slot, claim, _)| (slot.clone(), claim.clone()));
    Held {
        claims: live.collect(),
        gone: node.up.gone.clone(),
        erased: node.up.erased.clone(),
        facts: node.fact.iter().chain(profile).cloned().collect(),
    }
}

/// What an account's assessment says: who belongs to it, how near, and what is true of them. Not who said so and when:
/// an assessment can become again what it was.
pub fn assessment(
    account: &SubjectId,
    members: &BTreeMap<SubjectId, u32>,
    nodes: &BTreeMap<SubjectId, Held>,
) -> Option<String> {
    let mut view = String::new();
    for (member, steps) in members {
        let Some(held) = nodes.get(member).filter(|held| !held.is_empty()) else { continue };
        view.push_str(&format!("{member} {steps} {:?}", held.gone.as_ref().map(|gone| gone.gone)));
        for (_, field, register) in held.facts.iter().flat_map(Fact::all_registers) {
            view.push_str(&format!(" {field}={:?}", register.value));
        }
        view.push('\n');
    }
    nodes.get(account).is_some_and(Held::is_watched).then_some(view)
}

fn list_name((claimer, list, connection): &ListKey) -> String {
    format!("{claimer} {list} {connection}")
}

/// Every subject that anything is held of, or that is named as a target.
fn with_targets(ups: &mut BTreeMap<SubjectId, Up>) {
    let mut todo: Vec<_> = ups.keys().cloned().collect();
    while let Some(subject) = todo.pop() {
        let up = ups.entry(subject.clone()).or_default();
        let above = model::parents(&subject, up).into_iter().filter(|parent| !ups.contains_key(parent));
        todo.extend(above.collect::<Vec<_>>());
    }
}

/// The root of everything in `ups`, as text.
fn roots(ups: &BTreeMap<SubjectId, Up>) -> BTreeMap<SubjectId, String> {
    ups.keys().map(|subject| (subject.clone(), named(&walk(subject, ups).unwrap().root))).collect()
}

/// A root as text.
pub fn named(root: &Root) -> String {
    match root {
        Root::At(at) => at.to_string(),
        Root::Unmatched => "unmatched".to_owned(),
        Root::Ambiguous(ends) => format!("one of {ends:?}"),
    }
}

/// What the store says: its registers, roots by walking, views over the hints.
pub fn of_store(store: &Store) -> Settled {
    let nodes = nodes_of(store);
    let mut ups = nodes.iter().map(|(subject, held)| (subject.clone(), held.up())).collect();
    with_targets(&mut ups);
    let roots = roots(&ups);
    let hints = store.all_members();
    let mut all_ups = ups.clone();
    for member in hints.keys() {
        all_ups.entry(member.clone()).or_default();
    }
    with_targets(&mut all_ups);
    let view = |root: &SubjectId| {
        let mut members = members(root, &below(root, &hints).unwrap(), &all_ups).unwrap();
        members.retain(|member, _| ups.contains_key(member));
        members
    };
    let views = ups.keys().filter(|x| roots[*x] == x.as_str()).map(|x| (x.clone(), view(x))).collect();
    let kept = |(key, list): (&ListKey, &crate::store::Kept<Option<ListRegister>>)| {
        // Of an erased keeper nothing is listed; what stands there is bookkeeping.
        let list = list.value.as_ref().filter(|list| !(list.listed.is_empty() && is_of_an_erased(list)))?;
        Some((list_name(key), list.clone()))
    };
    Settled { nodes, lists: store.lists.iter().filter_map(kept).collect(), roots, views }
}

fn held_in(store: &Store, subject: &SubjectId) -> Held {
    held(&store.node(subject).value, store.profile(subject).value.as_ref())
}

/// What must be true, from what was said: of each slot, list and state the highest-ranking statement; the claims of a list
/// from the list; a view by walking up from everything.
pub fn of_deliveries<'a>(deliveries: impl IntoIterator<Item = &'a Delivery>) -> Settled {
    let mut all: Vec<_> = deliveries.into_iter().collect();
    all.sort_by_key(|delivery| (delivery.received_at, &delivery.id));
    let links = || all.iter().flat_map(|delivery| delivery.sourced_links());

    let mut erased: BTreeMap<SubjectId, Said> = BTreeMap::new();
    for (source, link) in links().filter(|(_, link)| link.says == LinkSays::Erased) {
        // In the order of receipt: the first.
        erased.entry(link.subject.clone()).or_insert_with(|| link.said(source));
    }

    let mut claims: BTreeMap<(SubjectId, Slot), Claim> = BTreeMap::new();
    let mut gone: BTreeMap<SubjectId, Gone> = BTreeMap::new();
    let mut lists: BTreeMap<ListKey, ListRegister> = BTreeMap::new();
    for (source, link) in links() {
        let said = link.said(source);
        let to = |target: &SubjectId| Target::Subject(target.clone());
        let mut claim = |slot, kind, target| {
            let slot = (link.subject.clone(), slot);
            if claims.get(&slot).is_none_or(|held| said.beats(&held.said)) {
                claims.insert(slot, Claim { kind, target, said: said.clone() });
            }
        };
        match &link.says {
            LinkSays::Own { field, kind, target } => {
                claim(Slot::own(field, source.connection), *kind, target.as_ref().map(to));
            }
            LinkSays::Association { pair, kind, other, removed } => {
                claim(Slot::association(pair, other, source.connection), *kind, (!removed).then(|| to(other)));
            }
            LinkSays::Manual { target } => claim(Slot::manual(), model::ClaimKind::Manual, target.clone()),
            LinkSays::Gone { gone: is } => {
                if gone.get(&link.subject).is_none_or(|held| said.beats(&held.said)) {
                    gone.insert(link.subject.clone(), Gone { gone: *is, said });
                }
            }
            LinkSays::List { list, kind, listed } => {
                let key = (link.subject.clone(), list.clone(), source.connection.clone());
                if lists.get(&key).is_none_or(|held| said.beats(&held.said)) {
                    lists.insert(key, ListRegister { kind: *kind, listed: listed.clone(), said });
                }
            }
            LinkSays::Erased => {}
        }
    }
    lists.retain(|(claimer, _, _), _| !erased.contains_key(claimer));
    for ((claimer, list, connection), register) in &lists {
        for id in &register.listed {
            claims.insert((id.clone(), Slot::list(list, claimer, connection)), register.claim_on(id, claimer));
        }
    }

    let mut facts: BTreeMap<(SubjectId, FactKey), Option<Fact>> = BTreeMap::new();
    for delivery in &all {
        for (at, (subject, key, _)) in delivery.facts.iter().enumerate() {
            delivery.fold_fact(at, facts.entry((subject.clone(), key.clone())).or_default());
        }
    }

    let mut nodes: BTreeMap<SubjectId, Held> = BTreeMap::new();
    for ((subject, slot), claim) in claims.into_iter().filter(|(_, claim)| claim.target.is_some()) {
        nodes.entry(subject).or_default().claims.insert(slot, claim);
    }
    for (subject, gone) in gone {
        nodes.entry(subject).or_default().gone = Some(gone);
    }
    for ((subject, _), fact) in facts {
        nodes.entry(subject).or_default().facts.extend(fact);
    }
    for (subject, said) in erased {
        nodes.insert(subject, Held { erased: Some(said), ..Held::default() });
    }

    by_definition(nodes, lists.into_iter().map(|(key, list)| (list_name(&key), list)).collect())
}

/// Roots and views as they are defined, hints or none.
fn by_definition(nodes: BTreeMap<SubjectId, Held>, lists: BTreeMap<String, ListRegister>) -> Settled {
    let mut ups = nodes.iter().map(|(subject, held)| (subject.clone(), held.up())).collect();
    with_targets(&mut ups);
    let views = views(&ups);
    Settled { nodes, lists, roots: roots(&ups), views }
}

/// What must be decided of the claims and facts that a store holds at this moment.
pub fn assessments(store: &Store) -> BTreeMap<SubjectId, String> {
    by_definition(nodes_of(store), BTreeMap::new()).assessments()
}

fn nodes_of(store: &Store) -> BTreeMap<SubjectId, Held> {
    let subjects: BTreeSet<_> = store.nodes.keys().chain(store.profiles.keys()).cloned().collect();
    let held = subjects.into_iter().map(|subject| (subject.clone(), held_in(store, &subject)));
    held.filter(|(_, held)| !held.is_empty()).collect()
}

/// By the definition: of each root everything whose walk ends there, with the fewest steps.
fn views(ups: &BTreeMap<SubjectId, Up>) -> BTreeMap<SubjectId, BTreeMap<SubjectId, u32>> {
    let mut views: BTreeMap<SubjectId, BTreeMap<SubjectId, u32>> = BTreeMap::new();
    for subject in ups.keys() {
        let Root::At(root) = walk(subject, ups).unwrap().root else { continue };
        let mut steps = BTreeMap::from([(subject.clone(), 0)]);
        let mut level: Vec<_> = vec![subject.clone()];
        for step in 1.. {
            let above = level.iter().flat_map(|x| model::parents(x, &ups[x]));
            let mut next = Vec::new();
            for parent in above {
                steps.entry(parent.clone()).or_insert_with(|| {
                    next.push(parent);
                    step
                });
            }
            level = next;
            if level.is_empty() {
                break;
            }
        }
        views.entry(root.clone()).or_default().insert(subject.clone(), steps[&root]);
    }
    views
}

impl Settled {
    /// What health must have decided in the end: of every watched account, and of nothing else.
    pub fn assessments(&self) -> BTreeMap<SubjectId, String> {
        let of = |(root, members)| Some((SubjectId::clone(root), assessment(root, members, &self.nodes)?));
        self.views.iter().filter_map(of).collect()
    }

    /// Byte for byte.
    pub fn bytes(&self) -> String {
        serde_json::to_string(self).unwrap()
    }

    /// The links as a graph.
    pub fn ups(&self) -> BTreeMap<SubjectId, Up> {
        let mut ups = self.nodes.iter().map(|(subject, held)| (subject.clone(), held.up())).collect();
        with_targets(&mut ups);
        ups
    }
}

/// A moment of the tests: seconds after a fixed start.
pub fn moment(seconds: i64) -> Moment {
    Moment::from_millis(1_790_000_000_000 + seconds * 1_000).unwrap()
}
