//! An independent fold: of all statements ever made about a register, the one that ranks highest, found by looking at all
//! of them at once. What the functions keep step by step must come to the same.

use std::collections::{BTreeMap, BTreeSet};

use config::Config;
use model::{
    Claim, ClaimKind, Delivery, Fact, FactKey, Field, Link, LinkSays, ListRegister, Register, Said, Slot, Source,
    Stamp, Statement, SubjectId, Target, Up, Value,
};
use serde_json::json;
use store::Store;

/// Who wins a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The statement that ranks highest.
    Rank,
    /// Broken: the one that arrived last.
    Arrival,
}

type Registers = BTreeMap<(SubjectId, FactKey, String, Field), Vec<(Statement, Register)>>;
type Lists = BTreeMap<(SubjectId, String, String), Vec<ListRegister>>;

#[derive(Default)]
struct Heard {
    registers: Registers,
    opened: BTreeSet<SubjectId>,
    links: BTreeMap<SubjectId, Vec<(model::ConnectionName, Link, Said)>>,
    lists: Lists,
}

fn hear(deliveries: &[Delivery], config: &Config) -> Heard {
    let mut heard = Heard::default();
    for delivery in deliveries {
        let normalized = normalize::normalized(delivery, config);
        let source = |index| Source {
            connection: &delivery.connection,
            delivery: &delivery.id,
            received_at: delivery.received_at,
            index,
        };
        for (index, signal) in (0_u32..).zip(&normalized.signals) {
            if config.connection(&delivery.connection).is_some_and(|c| c.creates_accounts)
                && signal.key == FactKey::Profile
            {
                heard.opened.insert(signal.subject.clone());
            }
            for statement in &signal.statements {
                let (occurred_at, clamped) = source(index).clamp(statement.occurred_at);
                let register = Register {
                    value: statement.value.clone(),
                    stamp: Stamp { occurred_at, sequence: statement.sequence, delivery: delivery.id.clone(), index },
                    received_at: delivery.received_at,
                    path: statement.path.clone(),
                    raw: statement.raw.clone(),
                    clamped,
                };
                let of = (signal.subject.clone(), signal.key.clone(), delivery.connection.to_string(), statement.field);
                heard.registers.entry(of).or_default().push((statement.clone(), register));
            }
        }
        for (index, link) in (0_u32..).zip(&normalized.links) {
            let said = link.said(source(index));
            match &link.says {
                LinkSays::List { list, kind, listed } => {
                    let of = (link.subject.clone(), list.clone(), delivery.connection.to_string());
                    let register = ListRegister { kind: *kind, listed: listed.clone(), said };
                    heard.lists.entry(of).or_default().push(register);
                }
                _ => heard.links.entry(link.subject.clone()).or_default().push((
                    delivery.connection.clone(),
                    link.clone(),
                    said,
                )),
            }
        }
    }
    heard
}

/// Greater wins: what was said when, then what, then whoever came first.
fn rank_of(register: &Register) -> impl Ord + use<> {
    let first = std::cmp::Reverse((
        register.received_at,
        register.stamp.delivery.clone(),
        register.stamp.index,
        register.path.clone(),
    ));
    (register.stamp.occurred_at, register.stamp.sequence, register.value.clone(), first)
}

fn rank_of_said(said: &Said) -> impl Ord + use<> {
    let first = std::cmp::Reverse((said.received_at, said.stamp.delivery.clone(), said.stamp.index));
    (said.stamp.occurred_at, said.stamp.sequence, said.digest.clone(), first)
}

fn winner<T, K: Ord>(all: Vec<T>, rule: Rule, rank: impl Fn(&T) -> K) -> Option<T> {
    match rule {
        Rule::Rank => all.into_iter().max_by_key(rank),
        Rule::Arrival => all.into_iter().next_back(),
    }
}

/// The facts, links, lists and roots that these deliveries amount to.
pub fn of_journal(deliveries: &[Delivery], config: &Config, rule: Rule) -> BTreeMap<String, serde_json::Value> {
    let heard = hear(deliveries, config);
    let mut facts: BTreeMap<(SubjectId, FactKey), Fact> = BTreeMap::new();
    for ((subject, key, connection, field), all) in heard.registers {
        let Some((_, register)) = winner(all, rule, |(_, register)| rank_of(register)) else { continue };
        let fact = facts.entry((subject.clone(), key.clone())).or_insert_with(|| Fact::empty(subject.clone(), key));
        fact.opens_account |= fact.key == FactKey::Profile && heard.opened.contains(&subject);
        let connection = model::ConnectionName::from_stored(connection);
        fact.registers.entry(connection).or_default().insert(field, register);
    }
    let mut ups: BTreeMap<SubjectId, Up> = BTreeMap::new();
    let mut slots: BTreeMap<(SubjectId, Slot), Vec<Claim>> = BTreeMap::new();
    let mut gone: BTreeMap<SubjectId, Vec<(bool, Said)>> = BTreeMap::new();
    for (subject, links) in heard.links {
        for (connection, link, said) in links {
            let (slot, kind, target) = match link.says {
                LinkSays::Own { field, kind, target } => {
                    (Slot::own(&field, &connection), kind, target.map(Target::Subject))
                }
                LinkSays::Association { pair, kind, other, removed } => {
                    let slot = Slot::association(&pair, &other, &connection);
                    (slot, kind, (!removed).then_some(Target::Subject(other)))
                }
                LinkSays::Manual { target } => (Slot::manual(), ClaimKind::Manual, target),
                LinkSays::Gone { gone: is } => {
                    gone.entry(subject.clone()).or_default().push((is, said));
                    continue;
                }
                LinkSays::List { .. } | LinkSays::Erased => unreachable!("no case erases, lists are kept apart"),
            };
            slots.entry((subject.clone(), slot)).or_default().push(Claim { kind, target, said });
        }
    }
    let mut lists = BTreeMap::new();
    for ((claimer, list, connection), all) in heard.lists {
        let Some(register) = winner(all, rule, |register| rank_of_said(&register.said)) else { continue };
        for id in &register.listed {
            let slot = Slot::list(&list, &claimer, &model::ConnectionName::from_stored(connection.clone()));
            slots.entry((id.clone(), slot)).or_default().push(register.claim_on(id, &claimer));
        }
        lists.insert((claimer, list, connection), register);
    }
    for ((subject, slot), all) in slots {
        let claim = winner(all, rule, |claim| rank_of_said(&claim.said));
        if let Some(claim) = claim.filter(|claim| claim.target.is_some()) {
            ups.entry(subject).or_default().claims.insert(slot, claim);
        }
    }
    for (subject, all) in gone {
        if let Some((is, said)) = winner(all, rule, |(_, said)| rank_of_said(said)) {
            ups.entry(subject).or_default().gone = Some(model::Gone { gone: is, said });
        }
    }
    comparable(facts, &ups, lists)
}

/// The same of what is stored.
pub async fn of_store(store: &Store) -> BTreeMap<String, serde_json::Value> {
    let (mut facts, mut ups, mut lists) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let nodes = store.all_nodes().await.unwrap();
    let subjects: BTreeSet<SubjectId> = nodes
        .keys()
        .cloned()
        .chain(["hubspot:company:1", "hubspot:company:2", "hubspot:company:3"].map(SubjectId::from_stored))
        .collect();
    for (subject, node) in nodes {
        ups.insert(subject, node.up);
    }
    for subject in subjects {
        for (about, partition) in store.partition(&subject).await.unwrap() {
            facts.extend(partition.facts.into_iter().map(|fact| ((about.clone(), fact.key.clone()), fact)));
        }
        for (list, connection, stored) in store.lists(&subject).await.unwrap() {
            lists.insert((subject.clone(), list, connection.to_string()), stored.value);
        }
    }
    for up in ups.values_mut() {
        up.claims.retain(|_, claim| claim.target.is_some());
        up.seen.clear();
    }
    comparable(facts, &ups, lists)
}

fn comparable(
    facts: BTreeMap<(SubjectId, FactKey), Fact>,
    ups: &BTreeMap<SubjectId, Up>,
    lists: BTreeMap<(SubjectId, String, String), ListRegister>,
) -> BTreeMap<String, serde_json::Value> {
    let mut out = BTreeMap::new();
    for (subject, root) in roots(ups, facts.keys().map(|(subject, _)| subject)) {
        out.insert(format!("root of {subject}"), json!(root));
    }
    for ((subject, key), fact) in facts {
        out.insert(format!("fact {} of {subject}", key.sort_key()), serde_json::to_value(fact).unwrap());
    }
    for (subject, up) in ups {
        if *up != Up::default() {
            out.insert(format!("links of {subject}"), serde_json::to_value(up).unwrap());
        }
    }
    for ((claimer, list, connection), register) in lists {
        out.insert(format!("list {list} of {claimer} by {connection}"), serde_json::to_value(register).unwrap());
    }
    out
}

fn roots<'a>(
    ups: &BTreeMap<SubjectId, Up>,
    subjects: impl Iterator<Item = &'a SubjectId>,
) -> BTreeMap<SubjectId, String> {
    let mut ups = ups.clone();
    let all: BTreeSet<SubjectId> = subjects.cloned().collect();
    all.into_iter()
        .map(|subject| {
            let walk = loop {
                match model::walk(&subject, &ups) {
                    Ok(walk) => break walk,
                    Err(missing) => ups.extend(missing.into_iter().map(|missing| (missing, Up::default()))),
                }
            };
            (subject, format!("{:?}", walk.root))
        })
        .collect()
}

/// What is hard about these deliveries.
pub fn features(deliveries: &[Delivery], config: &Config) -> BTreeSet<&'static str> {
    let heard = hear(deliveries, config);
    let mut features = BTreeSet::new();
    let mut by_field: BTreeMap<_, Vec<(&String, &Register)>> = BTreeMap::new();
    for ((subject, key, connection, field), all) in &heard.registers {
        let deliveries: BTreeSet<_> = all.iter().map(|(_, register)| &register.stamp.delivery).collect();
        if deliveries.len() > 1 {
            features.insert("a field written twice");
        }
        let meet = |(n, (_, a)): (usize, &(Statement, Register))| {
            all[n + 1..].iter().any(|(_, b)| a.stamp.occurred_at == b.stamp.occurred_at && a.value != b.value)
        };
        if all.iter().enumerate().any(meet) {
            features.insert("equal timestamps");
        }
        let last = all.iter().map(|(_, register)| register).max_by_key(|register| rank_of(register));
        by_field.entry((subject, key, field)).or_default().extend(last.map(|last| (connection, last)));
    }
    let disagree = |all: &Vec<(&String, &Register)>| {
        all.iter().any(|(a, x)| all.iter().any(|(b, y)| a != b && x.value != y.value && x.value != Value::Cleared))
    };
    if by_field.values().any(disagree) {
        features.insert("two connections that disagree");
    }
    let fact_at = |subject: &SubjectId| {
        let of = heard.registers.iter().filter(|((about, _, _, _), _)| about == subject);
        of.flat_map(|(_, all)| all.iter().map(|(_, register)| register.received_at)).min()
    };
    for (subject, links) in &heard.links {
        for (_, link, said) in links {
            match &link.says {
                LinkSays::Own { field, target: Some(_), .. } if field == "merge" => {
                    features.insert("a merge");
                }
                LinkSays::Gone { gone: true } => {
                    features.insert("a delete");
                }
                LinkSays::Own { target: Some(_), .. } | LinkSays::Association { removed: false, .. }
                    if fact_at(subject).is_some_and(|at| at < said.received_at) =>
                {
                    features.insert("a late link");
                }
                _ => {}
            }
        }
    }
    let mut claimers: BTreeMap<&SubjectId, BTreeSet<&SubjectId>> = BTreeMap::new();
    for ((claimer, _, _), all) in &heard.lists {
        let last = all.iter().max_by_key(|register| rank_of_said(&register.said));
        for id in last.into_iter().flat_map(|register| &register.listed).filter(|id| id.as_domain().is_some()) {
            claimers.entry(id).or_default().insert(claimer);
        }
    }
    if claimers.values().any(|claimers| claimers.len() > 1) {
        features.insert("an ambiguous domain");
    }
    let connections: BTreeSet<_> = deliveries.iter().map(|delivery| delivery.connection.as_str()).collect();
    if ["hubspot", "hubspot-app", "zendesk", "typeform"].iter().all(|name| connections.contains(name)) {
        features.insert("every vendor");
    }
    features
}
