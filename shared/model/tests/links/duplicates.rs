//! Duplicates that were merged are one account; a ring has one name.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use model::{ClaimKind, Root, SubjectId, Up, parents, walk};

use crate::cases::{Mix, Piece, company, contents, domain, email, merge, org, received};
use crate::draw::Draw;
use crate::normalize::Delivery;
use crate::schedule::write;
use crate::settled::{Settled, named, of_store};
use crate::store::Store;

const CASES: usize = 200;

/// A case, and the subjects that must have one root: this one, or none at all.
struct Case {
    deliveries: Vec<Delivery>,
    together: Vec<SubjectId>,
    root: Option<SubjectId>,
}

/// Companies merged into each other until one is left; several of them name one domain.
fn duplicates(draw: &mut Draw) -> Case {
    let mut left: Vec<_> = (1..=2 + draw.below(3)).map(company).collect();
    let mut together = left.clone();
    let mut pieces = Vec::new();
    let (a, b) = draw.two(&left);
    for claimer in [a, b] {
        pieces.push(Piece::new("hubspot").list(claimer, "domain", ClaimKind::Domain, [domain(0)], 1));
    }
    let claimer = draw.pick(&left);
    pieces.push(Piece::new("zendesk").own(org(1), "external_id", ClaimKind::ExternalId, Some(claimer), 1));
    for at in 2.. {
        draw.shuffle(&mut left);
        let Some(survivor) = left.pop() else { break };
        if left.is_empty() {
            left.push(survivor);
            break;
        }
        let losers = left.split_off(draw.below(left.len()));
        pieces.push(merge(&losers, &survivor, draw.percent(70), at));
        left.push(survivor);
    }
    together.extend([domain(0), email(0), org(1)]);
    Case { deliveries: received(draw, pieces), together, root: left.pop() }
}

/// Companies each merged into the next, the last into the first, some of them deleted; something hangs below.
fn ring(draw: &mut Draw) -> Case {
    let companies: Vec<_> = (1..=2 + draw.below(4)).map(company).collect();
    let mut times: Vec<i64> = (1..).take(companies.len()).collect();
    draw.shuffle(&mut times);
    let gone: BTreeSet<_> = companies.iter().filter(|_| draw.percent(30)).cloned().collect();
    let mut pieces = Vec::new();
    let mut claims = Vec::new();
    for (n, one) in companies.iter().enumerate() {
        let next = &companies[(n + 1) % companies.len()];
        claims.push((times[n], next.clone()));
        let piece = merge(std::slice::from_ref(one), next, false, times[n]);
        let dead = gone.contains(one);
        pieces.push(if dead { piece.link(one.clone(), model::LinkSays::Gone { gone: true }, 1) } else { piece });
    }
    let below = draw.pick(&companies);
    pieces.push(Piece::new("hubspot").list(below, "domain", ClaimKind::Domain, [domain(0)], 1));
    let root = claims.into_iter().filter(|(_, target)| !gone.contains(target)).max().map(|(_, target)| target);
    let together = companies.into_iter().chain([domain(0), email(0)]).collect();
    Case { deliveries: received(draw, pieces), together, root }
}

fn case(n: usize) -> Case {
    let mut draw = Draw::new("duplicates", n);
    if draw.percent(50) { duplicates(&mut draw) } else { ring(&mut draw) }
}

fn settled(case: &Case) -> Settled {
    let mut store = Store::default();
    for delivery in &case.deliveries {
        write(&mut store, &Rc::new(delivery.clone()), None);
    }
    of_store(&store)
}

type RootOf = fn(&SubjectId, &BTreeMap<SubjectId, Up>) -> Root;

fn holds(case: &Case, settled: &Settled, root_of: RootOf) -> bool {
    let mut ups = settled.ups();
    for subject in &case.together {
        ups.entry(subject.clone()).or_default();
    }
    let expected = case.root.clone().map_or(Root::Unmatched, Root::At);
    case.together.iter().all(|subject| root_of(subject, &ups) == expected)
}

fn walked(subject: &SubjectId, ups: &BTreeMap<SubjectId, Up>) -> Root {
    walk(subject, ups).unwrap().root
}

/// Who is claimed by several is ambiguous, although they may be one.
fn counting_claimers(subject: &SubjectId, ups: &BTreeMap<SubjectId, Up>) -> Root {
    let mut here = subject.clone();
    for _ in 0..100 {
        let above = parents(&here, &ups[&here]);
        match above.len() {
            0 => break,
            1 => here = above.into_iter().next().unwrap(),
            _ => return Root::Ambiguous(above),
        }
    }
    walked(&here, ups)
}

/// Up and up until there is no further, or where it has been before.
fn naive(subject: &SubjectId, ups: &BTreeMap<SubjectId, Up>) -> Root {
    let mut passed = BTreeSet::new();
    let mut here = subject.clone();
    while passed.insert(here.clone()) {
        let Some(parent) = parents(&here, &ups[&here]).into_iter().next() else { break };
        here = parent;
    }
    Root::At(here)
}

#[test]
fn duplicates_have_one_root_and_so_has_a_ring() {
    let mut mix = Mix::default();
    for n in 0..CASES {
        let case = case(n);
        let settled = settled(&case);
        mix.count(contents(&case.deliveries, &settled));
        let roots: Vec<_> = case.together.iter().map(|x| (x, settled.roots.get(x))).collect();
        let expected = case.root.clone().map_or(Root::Unmatched, Root::At);
        assert!(holds(&case, &settled, walked), "case {n}: expected {}, got {roots:#?}", named(&expected));
    }
    mix.assert("one root", &[("domain twice", 20), ("ring", 20), ("merge", 20)]);
}

fn caught(root_of: RootOf) -> usize {
    (0..CASES).map(case).filter(|case| !holds(case, &settled(case), root_of)).count()
}

#[test]
fn counting_claimers_is_caught() {
    let caught = caught(counting_claimers);
    println!("counting claimers: caught in {caught} of {CASES} cases");
    assert!(caught > 0);
}

#[test]
fn a_naive_walk_is_caught() {
    let caught = caught(naive);
    println!("naive walk: caught in {caught} of {CASES} cases");
    assert!(caught > 0);
}
