//! Erasure: whatever is said of a person, before or after, in any order and however often, nothing of it is kept.

use model::SubjectId;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::scene::{Heard, Say, Scene, company, contact, email};

fn ann() -> SubjectId {
    email("ann@acme.example")
}

#[tokio::test]
async fn the_lists_of_an_erased_person_let_go_of_all_they_named() {
    let list = Heard::new(1, [(1, Say::List(contact(1), vec![ann()])), (1, Say::Role(contact(1), "sponsor"))]);
    let newer = Heard::new(2, [(9, Say::List(contact(1), vec![ann(), email("ann@gmail.com")]))]);
    let erased = Heard::new(3, [(5, Say::Erased(contact(1)))]);
    for order in [[&list, &newer, &erased], [&erased, &newer, &list], [&newer, &erased, &list]] {
        let scene = Scene::new();
        for heard in order {
            scene.batch([heard]).await;
        }
        let held = scene.held().await;
        assert_eq!(held.keys().collect::<Vec<_>>(), ["links of hubspot:contact:1"], "{held:?}");
    }
}

#[tokio::test]
async fn a_list_of_an_erased_person_makes_nobody_known() {
    let scene = Scene::new();
    scene.batch(&[Heard::new(1, [(5, Say::Erased(contact(1)))])]).await;
    scene.batch(&[Heard::new(2, [(9, Say::List(contact(1), vec![ann()]))])]).await;
    assert_eq!(scene.store.all_nodes().await.unwrap().into_keys().collect::<Vec<_>>(), [contact(1)]);
}

#[tokio::test]
async fn an_erased_address_is_claimed_by_nobody() {
    let scene = Scene::new();
    scene.batch(&[Heard::new(1, [(1, Say::Erased(ann()))])]).await;
    scene
        .batch(&[Heard::new(2, [(2, Say::List(contact(1), vec![ann()])), (2, Say::Own(ann(), Some(company(1))))])])
        .await;
    assert_eq!(scene.targets(&ann()).await, []);
    scene.batch(&[Heard::new(3, [(2, Say::Role(ann(), "sponsor")), (2, Say::Gone(ann(), true))])]).await;
    let node = scene.store.node(&ann()).await.unwrap();
    assert_eq!((node.rev, node.value.fact), (1, None), "nothing was written of it since");
}

/// Statements about two people, their addresses and their company; a third of them erases somebody.
fn said() -> impl Strategy<Value = (i64, Say)> {
    let person = || prop_oneof![Just(contact(1)), Just(contact(2)), Just(ann()), Just(email("bob@gmail.com"))];
    let ids = || prop::sample::subsequence(vec![ann(), email("bob@gmail.com"), email("eve@acme.example")], 0..=3);
    let keeper = || prop_oneof![Just(contact(1)), Just(contact(2))];
    let target = prop_oneof![Just(None), Just(Some(company(1))), Just(Some(company(2)))];
    let say = prop_oneof![
        2 => person().prop_map(Say::Erased),
        3 => (keeper(), ids()).prop_map(|(keeper, ids)| Say::List(keeper, ids)),
        1 => (person(), target).prop_map(|(person, target)| Say::Own(person, target)),
        1 => (person(), any::<bool>()).prop_map(|(person, gone)| Say::Gone(person, gone)),
        1 => (keeper(), prop_oneof![Just("sponsor"), Just("user")]).prop_map(|(keeper, role)| Say::Role(keeper, role)),
    ];
    (0..4_i64, say)
}

/// Deliveries in the order of receipt, and the same ones in another order with one of them twice.
pub(super) fn cases() -> impl Strategy<Value = (Vec<Heard>, Vec<Heard>)> {
    let delivery = prop::collection::vec(said(), 1..3);
    let all = prop::collection::vec(delivery, 2..6)
        .prop_map(|all| (1..).zip(all).map(|(n, said)| Heard::new(n, said)).collect::<Vec<_>>());
    (all, any::<prop::sample::Index>()).prop_flat_map(|(all, twice)| {
        let mut other = all.clone();
        other.push(all[twice.index(all.len())].clone());
        (Just(all), Just(other).prop_shuffle())
    })
}

#[tokio::test]
async fn order_and_repetition_do_not_matter_where_people_are_erased() {
    let mut runner = TestRunner::deterministic();
    let (mut erased_late, mut erased_early) = (0, 0);
    for n in 0..24 {
        let (all, other) = cases().new_tree(&mut runner).unwrap().current();
        let (one, two) = (Scene::new(), Scene::new());
        for heard in &all {
            one.batch([heard]).await;
        }
        for some in other.chunks(n % 3 + 1) {
            two.batch(some).await;
        }
        assert_eq!(one.held().await, two.held().await, "case {n}: {all:#?} and {other:#?}");
        let is_erasure = |heard: &Heard| heard.said.iter().any(|(_, say)| matches!(say, Say::Erased(_)));
        erased_early += usize::from(all.first().is_some_and(is_erasure));
        erased_late += usize::from(all.last().is_some_and(is_erasure));
    }
    assert!(erased_early > 3 && erased_late > 3, "{erased_early} early, {erased_late} late");
}
