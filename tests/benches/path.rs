//! What a webhook costs from signed bytes to a committed assessment, beside the floor: one conditional put through the
//! same client into the same engine.
//!
//! `make bench` prints both in one run; their ratio is what to watch, not either number.

#![allow(clippy::unwrap_used, reason = "a bench may fail loudly")]

use jiff::SignedDuration;
use model::{Delivery, DeliveryId, Family, Moment};
use tests::{Company, Setup, World, at, history};
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn second(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_secs(n))
}

/// The floor: one delivery kept.
#[divan::bench]
fn one_conditional_put(bencher: divan::Bencher<'_, '_>) {
    let runtime = runtime();
    let world = runtime.block_on(World::new(Setup::new()));
    let mut n = 0;
    bencher.bench_local(|| {
        n += 1;
        let connection = "hubspot".parse().unwrap();
        let delivery = Delivery {
            id: DeliveryId::new(&connection, &n.to_string()),
            connection,
            family: Family::Operator,
            received_at: second(n),
            body_sha256: String::new(),
            headers: Default::default(),
            body: Company::healthy(1, second(0)).body().to_string().into_bytes(),
            same_key_as: None,
        };
        runtime.block_on(world.host.store().journal(&delivery)).unwrap()
    });
}

/// A webhook that changes nothing: received, read, dropped.
#[divan::bench]
fn a_webhook_that_changes_nothing(bencher: divan::Bencher<'_, '_>) {
    whole_path(bencher, |company, n| {
        company.set("hs_object_source", &n.to_string(), second(n));
    });
}

/// A webhook that changes one fact: received, merged, assessed.
#[divan::bench]
fn a_webhook_that_changes_a_fact(bencher: divan::Bencher<'_, '_>) {
    whole_path(bencher, |company, n| {
        company.contacted(second(n), second(n));
    });
}

/// A webhook that changes the band: received, merged, assessed, told on the bus; every second one opens or ends a risk.
#[divan::bench]
fn a_webhook_that_changes_the_band(bencher: divan::Bencher<'_, '_>) {
    whole_path(bencher, |company, n| {
        company.feels(if n % 2 == 0 { "green" } else { "red" }, second(n)).contacted(second(-86_400 * 80), second(n));
    });
}

/// A webhook that changes a ticket of an account with a past of so many deliveries: it should cost the same.
#[divan::bench(args = [1_000, 100_000], sample_count = 20)]
fn a_ticket_after_so_many_deliveries(bencher: divan::Bencher<'_, '_>, past: i64) {
    let runtime = runtime();
    let world = runtime.block_on(history::acme());
    let normalize = normalize::Normalize::new(tests::config(), world.host.store().clone());
    runtime.block_on(async {
        for from in (0..past).step_by(100) {
            let batch = serde_json::from_value(history::batch(from, from + 100)).unwrap();
            assert!(normalize.handle(batch).await.batch_item_failures.is_empty());
        }
        world.pass_until(history::second(200 + past)).await;
    });
    let mut n = 300 + past;
    bencher.bench_local(|| {
        n += 1;
        let (when, status) = (history::second(n), if n % 2 == 0 { "PENDING" } else { "OPEN" });
        runtime.block_on(world.deliver_from("zendesk", &history::ticket(7, 31, status, n, when), when));
    });
}

fn whole_path(bencher: divan::Bencher<'_, '_>, change: impl Fn(&mut Company, i64)) {
    let runtime = runtime();
    let world = runtime.block_on(World::new(Setup::new()));
    let mut company = Company::healthy(1, second(0));
    runtime.block_on(world.deliver(&company.body(), second(0)));
    let mut n = 0;
    bencher.bench_local(|| {
        n += 1;
        change(&mut company, n);
        runtime.block_on(async {
            world.post(&company.body(), second(n)).await.unwrap();
            world.host.pump().settle().await.unwrap();
        });
    });
}
