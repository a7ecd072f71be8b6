//! Several workers write at once and end between any two of their steps; what they worked on comes again.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use model::{ClaimKind, LinkSays};

use crate::cases::{Mix, Piece, Theme, company, contact, contents, domain, email, received, themed};
use crate::draw::Draw;
use crate::normalize::{Broken, Delivery, Writing};
use crate::schedule::{Chaos, Outcome, run, write};
use crate::settled::{of_deliveries, of_store};
use crate::store::Store;

const CASES: usize = 300;
const CHAOS: Chaos = Chaos { crashes: 8, repeats: 15, health: false };

const WEIGHTS: [(Theme, usize); 11] = [
    (Theme::FieldTwice, 14),
    (Theme::Merge, 8),
    (Theme::Restore, 6),
    (Theme::Gone, 6),
    (Theme::Shrinking, 18),
    (Theme::DomainTwice, 10),
    (Theme::Ring, 6),
    (Theme::Leaf, 16),
    (Theme::Person, 10),
    (Theme::Decision, 6),
    (Theme::Erasure, 10),
];

fn case(n: usize) -> (Draw, Vec<Delivery>) {
    let mut draw = Draw::new("interleaving", n);
    let least = 3 + draw.below(4);
    let pieces = themed(&mut draw, &WEIGHTS, least, 8);
    let deliveries = received(&mut draw, pieces);
    (draw, deliveries)
}

fn end(n: usize, broken: Option<Broken>) -> (Vec<Delivery>, Outcome) {
    let (mut draw, deliveries) = case(n);
    let outcome = run(&mut draw, Store::default(), &deliveries, &[], broken, CHAOS);
    (deliveries, outcome)
}

fn agrees(deliveries: &[Delivery], store: &Store) -> bool {
    of_store(store).bytes() == of_deliveries(deliveries).bytes()
}

#[test]
fn links_written_at_once_and_interrupted_end_in_what_was_said() {
    let mut mix = Mix::default();
    let mut crashes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut conflicts = 0;
    for n in 0..CASES {
        let (deliveries, outcome) = end(n, None);
        mix.count(contents(&deliveries, &of_deliveries(&deliveries)));
        assert!(agrees(&deliveries, &outcome.store), "case {n}: {deliveries:#?}");
        conflicts += outcome.store.conflicts;
        for (before, count) in outcome.crashes {
            *crashes.entry(before).or_default() += count;
        }
    }
    println!("refused writes: {conflicts}; workers that ended before: {crashes:?}");
    let least = [("shrinking list", 20), ("a field twice", 20), ("erased", 10), ("leaf", 20)];
    mix.assert("interleaving", &least);
    assert!(conflicts > CASES / 4);
    let gaps = [
        "read node",
        "put hint",
        "put node",
        "read list",
        "put list",
        "look up erasure",
        "read lists",
        "read profile",
        "put profile",
    ];
    for gap in gaps {
        assert!(crashes.contains_key(gap), "nobody ended before `{gap}`");
    }
}

#[test]
fn whatever_was_ever_named_has_its_hint_at_every_moment() {
    let mut mix = Mix::default();
    for n in 0..CASES {
        let (deliveries, outcome) = end(n, None);
        mix.count(contents(&deliveries, &of_deliveries(&deliveries)));
        assert!(!outcome.hints_missing, "case {n}: {deliveries:#?}");
    }
    mix.assert("hints", &[("leaf", 20), ("shrinking list", 20)]);
}

/// In how many cases a broken protocol ends in something else than what was said, or without a hint.
#[expect(clippy::print_stdout, reason = "how strong the property is, is shown with --nocapture")]
fn caught(broken: Broken) -> usize {
    let wrong = |n: &usize| {
        let (deliveries, outcome) = end(*n, Some(broken));
        !agrees(&deliveries, &outcome.store) || !outcome.store.hints_are_complete()
    };
    let caught = (0..CASES).filter(wrong).count();
    println!("{broken:?}: caught in {caught} of {CASES} cases");
    caught
}

#[test]
fn a_list_stored_before_its_claims_is_caught() {
    assert!(caught(Broken::ListBeforeClaims) > 0);
}

#[test]
fn a_claim_stored_before_its_hint_is_caught() {
    assert!(caught(Broken::ClaimBeforeHint) > 0);
}

#[test]
fn a_node_put_without_its_revision_is_caught() {
    assert!(caught(Broken::NodeWithoutRevision) > 0);
}

/// A list of two domains shrinks; the worker ends before its step `gap`, and the delivery comes again.
fn shrinks_in_spite_of_a_crash_at(gap: usize, broken: Option<Broken>) -> Option<bool> {
    let list = |listed: Vec<_>, at| Piece::new("hubspot").list(company(1), "domain", ClaimKind::Domain, listed, at);
    let deliveries = [list(vec![domain(0), domain(1)], 1).received(0), list(vec![domain(0)], 2).received(1)];
    let [long, short] = deliveries.clone().map(Rc::new);
    let mut store = Store::default();
    write(&mut store, &long, broken);
    let mut worker = Writing::new(Rc::clone(&short), broken);
    for _ in 0..gap {
        if worker.is_done() {
            return None;
        }
        worker.step(&mut store);
    }
    write(&mut store, &short, broken);
    Some(agrees(&deliveries, &store))
}

#[test]
fn a_list_shrinks_whatever_step_its_worker_ended_at() {
    let all: Vec<_> = (0..).map_while(|gap| shrinks_in_spite_of_a_crash_at(gap, None)).collect();
    assert!(all.len() > 4 && all.iter().all(|right| *right), "{all:?}");
    let broken: BTreeSet<_> =
        (0..).map_while(|gap| shrinks_in_spite_of_a_crash_at(gap, Some(Broken::ListBeforeClaims))).collect();
    assert!(broken.contains(&false), "a list that is stored before its claims");
}

/// The first list of a person arrives while the person is erased: all of that is done before step `gap` of the list's
/// worker, which goes on, or ends there with a write on its way that is done after the list came again.
fn erased_amid_a_list(gap: usize, ends: bool, broken: Option<Broken>) -> Option<bool> {
    let list = Piece::new("hubspot").list(contact(1), "email", ClaimKind::ExternalId, [email(0)], 1);
    let erased = Piece::new("operator").link(contact(1), LinkSays::Erased, 2);
    let deliveries = [list.received(0), erased.received(1)];
    let [list, erased] = deliveries.clone().map(Rc::new);
    let mut store = Store::default();
    let mut worker = Writing::new(Rc::clone(&list), broken);
    for _ in 0..gap {
        if worker.is_done() {
            return None;
        }
        worker.step(&mut store);
    }
    write(&mut store, &erased, broken);
    if ends {
        let sent = worker.in_flight();
        write(&mut store, &list, broken);
        sent.into_iter().for_each(|mut sent| sent.step(&mut store));
    } else {
        while !worker.is_done() {
            worker.step(&mut store);
        }
    }
    Some(agrees(&deliveries, &store))
}

#[test]
fn a_person_erased_while_a_list_of_theirs_arrives_keeps_no_list_and_no_claim() {
    let all = |ends, broken| -> Vec<_> { (0..).map_while(|gap| erased_amid_a_list(gap, ends, broken)).collect() };
    for ends in [false, true] {
        let right = all(ends, None);
        assert!(right.len() > 4 && right.iter().all(|right| *right), "{right:?}");
    }
    assert!(all(false, Some(Broken::ErasureLookedUpFirst)).contains(&false), "looked up before the list is written");
    assert!(all(true, Some(Broken::ErasedListRemoved)).contains(&false), "nothing left to refuse a late write");
}
