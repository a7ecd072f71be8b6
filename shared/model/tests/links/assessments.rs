//! Assessments: however the workers take turns, each account ends with what follows from the final claims and facts, and
//! every write touches whoever it changes.

use std::collections::BTreeMap;
use std::rc::Rc;

use model::{ClaimKind, SubjectId};

use crate::cases::{Mix, Piece, Theme, company, contents, domain, merge, org, received, themed, ticket, ticket_of};
use crate::draw::Draw;
use crate::health::Assessing;
use crate::normalize::{Broken, Delivery, Writing};
use crate::schedule::{Chaos, Outcome, assess, run, write};
use crate::settled::{assessments, of_deliveries};
use crate::store::Store;

const CASES: usize = 240;
const CHAOS: Chaos = Chaos { crashes: 3, repeats: 10, health: true };

const WEIGHTS: [(Theme, usize); 12] = [
    (Theme::FieldTwice, 10),
    (Theme::Merge, 6),
    (Theme::Restore, 6),
    (Theme::Gone, 6),
    (Theme::Shrinking, 6),
    (Theme::DomainTwice, 8),
    (Theme::Ring, 5),
    (Theme::Leaf, 10),
    (Theme::Person, 10),
    (Theme::Decision, 6),
    (Theme::Erasure, 5),
    (Theme::Customer, 10),
];

/// What is assessed, and not anything else.
fn assessed(store: &Store) -> BTreeMap<SubjectId, String> {
    store.assessed.iter().filter_map(|(subject, held)| Some((subject.clone(), held.value.clone()?))).collect()
}

/// An account with a domain, an organisation and its ticket.
fn account() -> Vec<Piece> {
    vec![
        Piece::new("hubspot").profile(company(1), "customer", 1),
        Piece::new("zendesk").own(org(1), "external_id", ClaimKind::ExternalId, Some(company(1)), 1),
        ticket_of(ticket(1), "open", Some(org(1)), 1),
    ]
}

/// News that arrives while the first assessment of the account is under way.
fn late(draw: &mut Draw, n: usize) -> (&'static str, Delivery) {
    match draw.below(3) {
        0 => ("watch off", Piece::new("hubspot").profile(company(1), "other", 20).received(n)),
        1 => ("unlink", Piece::new("zendesk").own(org(1), "external_id", ClaimKind::ExternalId, None, 20).received(n)),
        _ => ("merge", merge(&[company(1)], &company(2), draw.percent(70), 20).received(n)),
    }
}

fn end(n: usize, broken: Option<Broken>) -> (Vec<&'static str>, Outcome) {
    let mut draw = Draw::new("assessments", n);
    let mut pieces = account();
    pieces.extend(themed(&mut draw, &WEIGHTS, 1, 4));
    let mut deliveries = received(&mut draw, pieces);
    let (what, late) = late(&mut draw, deliveries.len());
    let mut store = Store::default();
    if draw.percent(60) {
        // All but what makes the account a customer is known and assessed: nothing else will look at it again.
        let last = deliveries.iter().position(|d| d.facts.iter().any(|(x, _, _)| *x == company(1))).unwrap();
        let last = deliveries.remove(last);
        for delivery in std::mem::replace(&mut deliveries, vec![last]) {
            write(&mut store, &Rc::new(delivery), broken);
            assess(&mut store, broken);
        }
    }
    let outcome = run(&mut draw, store, &deliveries, &[late], broken, CHAOS);
    (if outcome.amid_first { vec![what] } else { Vec::new() }, outcome)
}

fn is_pure(store: &Store) -> bool {
    assessed(store) == assessments(store)
}

#[test]
fn every_assessment_follows_from_the_final_claims_and_facts() {
    let mut mix = Mix::default();
    let mut conflicts = 0;
    let mut crashes: BTreeMap<&str, usize> = BTreeMap::new();
    for n in 0..CASES {
        let (contents, outcome) = end(n, None);
        mix.count(contents);
        assert_eq!(assessed(&outcome.store), assessments(&outcome.store), "case {n}");
        conflicts += outcome.store.conflicts;
        for (before, count) in outcome.crashes {
            *crashes.entry(before).or_default() += count;
        }
    }
    println!("refused writes: {conflicts}; workers that ended before: {crashes:?}");
    mix.assert("during the first assessment", &[("watch off", 10), ("unlink", 10), ("merge", 10)]);
    for gap in ["walk", "get assessment", "see", "put stub", "commit"] {
        assert!(crashes.contains_key(gap), "nobody ended before `{gap}`");
    }
}

#[test]
fn writing_nothing_when_the_value_is_the_same_is_caught() {
    let caught = (0..CASES).filter(|n| !is_pure(&end(*n, Some(Broken::NoWriteWhenSame)).1.store)).count();
    println!("no write when the same: caught in {caught} of {CASES} cases");
    assert!(caught > 0);
    assert!(!is_pure(&silent_turn_back(Some(Broken::NoWriteWhenSame))));
}

/// Company 1's stage, as delivery and at second `n`.
fn stage(store: &mut Store, stage: &'static str, n: i64) {
    let delivery = Piece::new("hubspot").profile(company(1), stage, n).received(usize::try_from(n).unwrap());
    write(store, &Rc::new(delivery), None);
}

/// A prospect becomes a customer; one worker sees that and waits; it is none again; another worker sees that.
fn silent_turn_back(broken: Option<Broken>) -> Store {
    let mut store = Store::default();
    stage(&mut store, "customer", 1);
    assess(&mut store, broken);
    stage(&mut store, "other", 2);
    assess(&mut store, broken);
    stage(&mut store, "customer", 3);
    let mut slow = Assessing::new(store.stream.pop().unwrap(), broken);
    while slow.next() != "commit" {
        slow.step(&mut store);
    }
    stage(&mut store, "other", 4);
    assess(&mut store, broken);
    while !slow.is_done() {
        slow.step(&mut store);
    }
    store
}

#[test]
fn a_worker_that_saw_a_customer_does_not_outlast_the_news_that_it_is_none() {
    assert!(is_pure(&silent_turn_back(None)));
}

/// The first assessment of an account is computed and not yet written when the account stops being one, and the worker that
/// hears of that is done before.
fn gone_amid_the_first(broken: Option<Broken>) -> Store {
    let mut store = Store::default();
    stage(&mut store, "customer", 1);
    let mut slow = Assessing::new(store.stream.pop().unwrap(), broken);
    while !matches!(slow.next(), "put stub" | "put first") {
        slow.step(&mut store);
    }
    stage(&mut store, "other", 2);
    assess(&mut store, broken);
    while !slow.is_done() {
        slow.step(&mut store);
    }
    store
}

#[test]
fn a_first_assessment_without_a_row_to_guard_it_is_caught() {
    assert!(is_pure(&gone_amid_the_first(None)));
    assert!(!is_pure(&gone_amid_the_first(Some(Broken::NoStub))));
    let caught = (0..CASES).filter(|n| !is_pure(&end(*n, Some(Broken::NoStub)).1.store)).count();
    println!("no stub: caught in {caught} of {CASES} cases");
}

const TOUCH_WEIGHTS: [(Theme, usize); 12] = [
    (Theme::FieldTwice, 8),
    (Theme::Merge, 8),
    (Theme::Restore, 6),
    (Theme::Gone, 10),
    (Theme::Shrinking, 8),
    (Theme::DomainTwice, 12),
    (Theme::ClaimerGone, 16),
    (Theme::Ring, 6),
    (Theme::Leaf, 8),
    (Theme::Person, 8),
    (Theme::Decision, 6),
    (Theme::Erasure, 4),
];

fn touch_case(n: usize) -> Vec<Delivery> {
    let mut draw = Draw::new("touch", n);
    let mut pieces = vec![Piece::new("hubspot").profile(company(1), "customer", 1)];
    pieces.push(Piece::new("hubspot").profile(company(2), "customer", 1));
    pieces.extend(account().into_iter().skip(1));
    if draw.percent(50) {
        pieces.push(ticket_of(ticket(2), "open", Some(org(2)), 1));
        pieces.push(Piece::new("zendesk").link(
            org(2),
            model::LinkSays::Manual { target: Some(model::Target::Subject(domain(0))) },
            1,
        ));
    }
    pieces.extend(themed(&mut draw, &TOUCH_WEIGHTS, 3, 6));
    received(&mut draw, pieces)
}

/// After every single write, whoever it touches is assessed; true when nobody else had to be.
fn touches_all(deliveries: &[Delivery], broken: Option<Broken>) -> bool {
    let mut store = Store::default();
    deliveries.iter().all(|delivery| {
        let mut worker = Writing::new(Rc::new(delivery.clone()), broken);
        while !worker.is_done() {
            worker.step(&mut store);
            if !store.stream.is_empty() {
                assess(&mut store, broken);
                if !is_pure(&store) {
                    return false;
                }
            }
        }
        true
    })
}

const TOUCH_CASES: usize = 120;

#[test]
fn every_write_touches_whomever_it_changes() {
    let mut mix = Mix::default();
    for n in 0..TOUCH_CASES {
        let deliveries = touch_case(n);
        mix.count(contents(&deliveries, &of_deliveries(&deliveries)));
        assert!(touches_all(&deliveries, None), "case {n}: {deliveries:#?}");
    }
    mix.assert("touch set", &[("gone", 25), ("domain twice", 40)]);
}

#[test]
fn touching_only_the_subject_and_whom_it_named_is_caught() {
    let broken = Some(Broken::TouchSelfAndSeenOnly);
    let caught = (0..TOUCH_CASES).filter(|n| !touches_all(&touch_case(*n), broken)).count();
    println!("self and seen only: caught in {caught} of {TOUCH_CASES} cases");
    assert!(caught > 0);
}
