//! Cost follows change (P7), counted at the seam: what a webhook costs in calls, and that other accounts cost nothing.

use jiff::SignedDuration;
use model::Moment;
use tests::{Company, Setup, World, at};

fn second(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_secs(n))
}

/// The calls that `company`'s webhook causes until everything is at rest, by name.
async fn calls(world: &World, company: &Company, at: Moment) -> Vec<String> {
    let before = world.faults.made().len();
    world.deliver(&company.body(), at).await;
    world.faults.made()[before..].iter().map(ToString::to_string).filter(|call| !call.starts_with("Clock")).collect()
}

async fn with_accounts(count: u64) -> (World, Company) {
    let world = World::new(Setup::new()).await;
    for id in 1..=count {
        world.deliver(&Company::healthy(id, second(0)).body(), second(0)).await;
    }
    (world, Company::healthy(1, second(0)))
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_changes_nothing_costs_one_write() {
    let (world, mut company) = with_accounts(1).await;
    // Other bytes, so another delivery: a property that nobody mapped.
    company.set("hs_object_source", "IMPORT", second(1));
    assert_eq!(
        calls(&world, &company, second(1)).await,
        // What it lists, and what it says: two reads.
        ["Webhook: dynamodb PutItem", "Normalize: dynamodb BatchGetItem", "Normalize: dynamodb BatchGetItem"]
    );
}

#[tokio::test(start_paused = true)]
async fn one_changed_fact_without_a_decision_costs_three_writes() {
    let (world, mut company) = with_accounts(1).await;
    company.contacted(second(0), second(1));
    let calls = calls(&world, &company, second(1)).await;
    assert_eq!(
        calls,
        [
            "Webhook: dynamodb PutItem",
            "Normalize: dynamodb BatchGetItem",
            "Normalize: dynamodb BatchGetItem",
            "Normalize: dynamodb PutItem",
            // Whose it is; what held before; the account and the one member below it, its domain.
            "Health: dynamodb BatchGetItem",
            "Health: dynamodb GetItem",
            "Health: dynamodb Query",
            "Health: dynamodb Query",
            "Health: dynamodb PutItem",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_one_account_costs_does_not_depend_on_how_many_there_are() {
    let mut costs = Vec::new();
    for accounts in [1, 40] {
        let (world, mut company) = with_accounts(accounts).await;
        costs.push(calls(&world, company.feels("red", second(2)), second(2)).await);
    }
    assert_eq!(costs[0], costs[1]);
}

#[tokio::test(start_paused = true)]
async fn no_function_scans() {
    let (world, mut company) = with_accounts(3).await;
    company.feels("red", second(2)).contacted(second(-86_400 * 120), second(2));
    world.deliver(&company.body(), second(2)).await;
    world.pass_until(second(86_400 * 200)).await;
    let made = world.faults.made();
    assert!(made.len() > 50, "{} calls", made.len());
    let scans: Vec<_> = made.iter().filter(|call| call.operation == "Scan").collect();
    assert!(scans.is_empty(), "{scans:?}");
}

#[tokio::test(start_paused = true)]
async fn the_minute_costs_nothing_per_account_that_is_not_due() {
    let mut costs = Vec::new();
    for accounts in [1, 40] {
        let (world, _) = with_accounts(accounts).await;
        world.pass_until(second(3_600)).await;
        let before = world.faults.made().len();
        world.pass_until(second(7_200)).await;
        costs.push(world.faults.made().len() - before);
    }
    assert_eq!(costs[0], costs[1]);
}
