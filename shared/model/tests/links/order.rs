//! Order and repetition: every permutation of up to four deliveries, and every way to have one of them twice.

use std::rc::Rc;

use crate::cases::{Mix, Theme, contents, received, themed};
use crate::draw::Draw;
use crate::normalize::{Broken, Delivery};
use crate::schedule::write;
use crate::settled::{of_deliveries, of_store};
use crate::store::{Node, Store};

const CASES: usize = 110;

const WEIGHTS: [(Theme, usize); 12] = [
    (Theme::FieldTwice, 18),
    (Theme::Merge, 8),
    (Theme::Restore, 14),
    (Theme::Gone, 12),
    (Theme::Shrinking, 14),
    (Theme::DomainTwice, 12),
    (Theme::Ring, 14),
    (Theme::Leaf, 8),
    (Theme::Person, 8),
    (Theme::Decision, 6),
    (Theme::Erasure, 6),
    (Theme::Customer, 6),
];

fn case(n: usize) -> Vec<Delivery> {
    let mut draw = Draw::new("order", n);
    let least = 2 + draw.below(3);
    let pieces = themed(&mut draw, &WEIGHTS, least, 4);
    received(&mut draw, pieces)
}

/// Writes the deliveries in every order, and each order also with one of them twice.
struct Orders<'a> {
    deliveries: &'a [Rc<Delivery>],
    /// How the first order ended, byte for byte.
    first: Option<String>,
    broken: Option<Broken>,
    /// Ends that agreed: the same rows need not be looked at again.
    agreed: Vec<Store>,
    runs: usize,
}

impl Orders<'_> {
    fn all_agree(&mut self, store: &Store, left: &[usize], repeat: bool) -> bool {
        if left.is_empty() {
            self.runs += 1;
            return self.agrees(store);
        }
        (0..left.len()).all(|at| {
            let mut rest = left.to_vec();
            let chosen = rest.remove(at);
            let mut store = store.clone();
            write(&mut store, &self.deliveries[chosen], self.broken);
            // It comes again at every later place, or not at all.
            let again = [rest.as_slice(), &[chosen]].concat();
            (!repeat || self.all_agree(&store, &again, false)) && self.all_agree(&store, &rest, repeat)
        })
    }

    fn agrees(&mut self, store: &Store) -> bool {
        let nodes = |store: &Store| -> Vec<Node> { store.nodes.values().map(|node| node.value.clone()).collect() };
        let same = |other: &Store| {
            nodes(other) == nodes(store)
                && other.hints == store.hints
                && other.lists == store.lists
                && other.profiles == store.profiles
        };
        if self.agreed.iter().any(same) {
            return true;
        }
        let bytes = of_store(store).bytes();
        let agrees = *self.first.get_or_insert_with(|| bytes.clone()) == bytes;
        if agrees {
            self.agreed.push(store.clone());
        }
        agrees
    }
}

/// How many orders there are, and how all of them end; `None` when two of them differ.
fn orders(deliveries: &[Delivery], broken: Option<Broken>) -> (usize, Option<String>) {
    let deliveries: Vec<_> = deliveries.iter().cloned().map(Rc::new).collect();
    let mut orders = Orders { deliveries: &deliveries, first: None, broken, agreed: Vec::new(), runs: 0 };
    let all: Vec<_> = (0..deliveries.len()).collect();
    let agree = orders.all_agree(&Store::default(), &all, true);
    (orders.runs, orders.first.filter(|_| agree))
}

#[test]
fn any_order_and_repetition_ends_in_what_was_said() {
    let mut mix = Mix::default();
    let mut runs = 0;
    for n in 0..CASES {
        let deliveries = case(n);
        let said = of_deliveries(&deliveries);
        mix.count(contents(&deliveries, &said));
        let (more, end) = orders(&deliveries, None);
        assert_eq!(end, Some(said.bytes()), "case {n}: {deliveries:#?}");
        runs += more;
    }
    println!("{runs} orders");
    let least = [
        ("a field twice", 30),
        ("merge", 10),
        ("restore", 10),
        ("gone", 10),
        ("shrinking list", 10),
        ("domain twice", 10),
        ("ring", 10),
    ];
    mix.assert("order and repetition", &least);
}

#[test]
fn slots_named_by_their_target_are_caught() {
    let caught = (0..CASES).filter(|n| orders(&case(*n), Some(Broken::SlotKeyedByTarget)).1.is_none()).count();
    println!("slots named by their target: caught in {caught} of {CASES} cases");
    assert!(caught > 0);
}
