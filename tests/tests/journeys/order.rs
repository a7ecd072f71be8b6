//! Order and repetition do not matter (P2): deliveries of all vendors mixed, permuted and doubled, end in the same facts
//! and links, byte for byte, and those are what a fold over the whole journal gives.

mod deliveries;
mod fold;

use std::collections::BTreeMap;

use model::Delivery;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tests::{Setup, World};

use deliveries::{Case, cases};
use fold::Rule;

/// Two orders of the same deliveries, the second with some of them twice, and how many go into a batch.
fn drawn(count: usize) -> Vec<Case> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| cases().new_tree(&mut runner).unwrap().current()).collect()
}

/// What the store holds after these deliveries, without bookkeeping.
async fn stored(deliveries: &[Delivery], batch: usize) -> BTreeMap<String, Value> {
    let world = World::new(Setup::new()).await;
    let normalize = normalize::Normalize::new(tests::config(), world.host.store().clone());
    for (n, some) in deliveries.chunks(batch).enumerate() {
        let record = |(at, delivery): (usize, &Delivery)| {
            let image = store::stream_image(delivery).unwrap();
            let sequence = format!("{:021}", n * 1_000 + at);
            json!({ "eventName": "INSERT", "dynamodb": { "Keys": {}, "NewImage": image, "SequenceNumber": sequence } })
        };
        let records: Vec<Value> = some.iter().enumerate().map(record).collect();
        let answer = normalize.handle(serde_json::from_value(json!({ "Records": records })).unwrap()).await;
        assert!(answer.batch_item_failures.is_empty(), "nothing fails here");
    }
    fold::of_store(world.host.store()).await
}

/// How many cases there are. Two tests take every other one, so that they run side by side.
const CASES: usize = 48;

#[tokio::test(start_paused = true)]
async fn any_order_and_repetition_of_all_vendors_ends_in_the_same_facts_and_links() {
    check_every_other(0).await;
}

#[tokio::test(start_paused = true)]
async fn and_so_do_the_other_half_of_the_cases() {
    check_every_other(1).await;
}

async fn check_every_other(first: usize) {
    let config = tests::config();
    for (n, case) in drawn(CASES).into_iter().enumerate().skip(first).step_by(2) {
        let expected = fold::of_journal(&case.all, &config, Rule::Rank);
        let one = stored(&case.all, 3).await;
        assert_eq!(one, expected, "case {n} in the order of receipt: the store is not the fold of the journal");
        let other = stored(&case.other, case.batch).await;
        assert_eq!(other, expected, "case {n} in another order");
    }
}

#[test]
fn a_fold_that_follows_arrival_is_caught() {
    let config = tests::config();
    let differ = |case: &Case| {
        fold::of_journal(&case.all, &config, Rule::Arrival) != fold::of_journal(&case.other, &config, Rule::Arrival)
    };
    assert!(drawn(64).iter().any(differ), "the property shows nothing");
}

#[test]
fn the_cases_are_the_ones_that_matter() {
    let config = tests::config();
    let cases = drawn(96);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        for feature in fold::features(&case.all, &config) {
            *counts.entry(feature).or_default() += 1;
        }
    }
    println!("of {} cases: {counts:?}", cases.len());
    let at_least = [
        ("a field written twice", 30),
        ("a merge", 10),
        ("a delete", 10),
        ("a late link", 10),
        ("an ambiguous domain", 10),
        ("equal timestamps", 10),
        ("two connections that disagree", 10),
        ("every vendor", 10),
    ];
    for (feature, percent) in at_least {
        let count = counts.get(feature).copied().unwrap_or_default();
        assert!(count * 100 >= percent * cases.len(), "only {count} of {} cases have {feature}", cases.len());
    }
}
