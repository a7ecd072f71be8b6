//! Crashes between any two calls, and workers in each other's way: the end is the same, and no claim is without its hint.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use model::SubjectId;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use runtime::seam::Seam;
use testkit::engine;
use testkit::faults::{Fault, Faults};

use super::scene::{Heard, Say, Scene, company, contact, email};

fn ann() -> SubjectId {
    email("ann@acme.example")
}

/// A life in links: named, moved, listed, listed otherwise, merged away, erased.
fn life() -> Vec<Heard> {
    let bob = email("bob@acme.example");
    vec![
        Heard::new(1, [(1, Say::Own(contact(1), Some(company(1)))), (1, Say::Role(contact(1), "user"))]),
        Heard::new(2, [(2, Say::List(contact(1), vec![ann(), bob.clone()])), (2, Say::Named(company(1), "Acme"))]),
        Heard::new(3, [(3, Say::Own(contact(1), Some(company(2)))), (3, Say::List(contact(1), vec![bob]))]),
        Heard::new(4, [(4, Say::Own(company(1), Some(company(2)))), (4, Say::Gone(company(1), true))]),
        Heard::new(5, [(5, Say::Erased(contact(1)))]),
    ]
}

/// Handles `heard` one by one; a crash ends a handler, and the delivery comes again.
async fn live(scene: &Arc<Scene>, faults: &Faults, tables: &Seam, heard: &[Heard]) {
    for one in heard {
        for _ in 0..2 {
            let (scene, one) = (scene.clone(), one.clone());
            let work = Box::pin(async move {
                scene.batch([&one]).await;
                Ok(())
            });
            if faults.guarded("normalize", work).await.is_ok() {
                break;
            }
            Scene::over(tables).check_hints().await;
        }
    }
}

#[tokio::test]
async fn a_crash_between_any_two_calls_changes_nothing_in_the_end() {
    let clean = Scene::new();
    let faults = Faults::default();
    let counted = Arc::new(Scene::broken(&faults, &engine::tables()));
    for one in &life() {
        clean.batch([one]).await;
        counted.batch([one]).await;
    }
    let expected = clean.held().await;
    assert!(
        expected.contains_key("links of hubspot:contact:1") && !expected.contains_key("facts of hubspot:contact:1")
    );
    let calls = faults.made().len();
    assert!(calls > 20, "{calls} calls");
    // A crash after a call leaves what a crash before the next one leaves.
    for call in 0..calls {
        let (faults, tables) = (Faults::planned([(call, Fault::CrashBefore)]), engine::tables());
        let scene = Arc::new(Scene::broken(&faults, &tables));
        live(&scene, &faults, &tables, &life()).await;
        assert_eq!(faults.struck(), 1);
        let end = Scene::over(&tables);
        assert_eq!(end.held().await, expected, "crashed before call {call}");
        end.check_hints().await;
    }
}

/// Tables in which `amid` is handled by another worker just before call `gap` of the `count` so far reaches them.
fn interrupted(tables: Seam, count: &Arc<AtomicUsize>, gap: usize, amid: &Heard) -> Seam {
    let (count, amid) = (count.clone(), amid.clone());
    Seam::new(move |call| {
        let (tables, count, amid) = (tables.clone(), count.clone(), amid.clone());
        Box::pin(async move {
            if count.fetch_add(1, Ordering::Relaxed) == gap {
                Scene::over(&tables).batch([&amid]).await;
            }
            tables.call(call).await
        })
    })
}

/// Whichever call of `one` is interrupted by `amid`, and the other way round, the end is as `expected`.
async fn check(before: &[Heard], one: Heard, amid: Heard, expected: &[&str]) {
    for (one, amid) in [(&one, &amid), (&amid, &one)] {
        for gap in 0..9 {
            let tables = engine::tables();
            Scene::over(&tables).batch(before).await;
            let count = Arc::new(AtomicUsize::new(0));
            Scene::over(&interrupted(tables.clone(), &count, gap, amid)).batch([one]).await;
            let end = Scene::over(&tables);
            if count.load(Ordering::Relaxed) <= gap {
                end.batch([amid]).await;
            }
            let held = end.held().await;
            assert_eq!(held.keys().collect::<Vec<_>>(), expected, "at call {gap} of {one:?}");
            end.check_hints().await;
        }
    }
}

#[tokio::test]
async fn a_list_that_arrives_while_its_keeper_is_erased_is_forgotten() {
    let list = Heard::new(1, [(9, Say::List(contact(1), vec![ann()]))]);
    let erased = Heard::new(2, [(5, Say::Erased(contact(1)))]);
    check(&[], list.clone(), erased.clone(), &["links of hubspot:contact:1"]).await;
    let first = Heard::new(3, [(1, Say::List(contact(1), vec![email("bob@acme.example")]))]);
    check(&[first], list, erased, &["links of hubspot:contact:1"]).await;
}

#[tokio::test]
async fn of_two_lists_that_arrive_at_once_the_newer_one_counts() {
    let (bob, eve) = (email("bob@acme.example"), email("eve@acme.example"));
    let older = Heard::new(1, [(1, Say::List(contact(1), vec![ann(), bob]))]);
    let newer = Heard::new(2, [(2, Say::List(contact(1), vec![eve]))]);
    let expected = ["links of email:eve@acme.example", "list email of hubspot:contact:1 by hubspot"];
    check(&[], older, newer, &expected).await;
}

/// Calls that let others go first, as often as a sequence of numbers says: the same seed gives the same schedule.
fn interleaved(tables: Seam, seed: u64) -> Seam {
    let state = Arc::new(AtomicU64::new(seed * 2 + 1));
    Seam::new(move |call| {
        let (tables, state) = (tables.clone(), state.clone());
        Box::pin(async move {
            let wait = |()| {
                let next = state.load(Ordering::Relaxed).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.store(next, Ordering::Relaxed);
                (next >> 33) % 4
            };
            for _ in 0..wait(()) {
                tokio::task::yield_now().await;
            }
            let reply = tables.call(call).await;
            for _ in 0..wait(()) {
                tokio::task::yield_now().await;
            }
            reply
        })
    })
}

#[tokio::test]
async fn workers_in_each_others_way_end_where_one_alone_does() {
    let mut runner = TestRunner::deterministic();
    for n in 0..24_usize {
        let (all, other) = super::erase::cases().new_tree(&mut runner).unwrap().current();
        let alone = Scene::new();
        for heard in &all {
            alone.batch([heard]).await;
        }
        let tables = engine::tables();
        let workers = [&all, &other].map(|heard| {
            // One of them crashes somewhere on its way.
            let faults = Faults::planned([(n % 17, Fault::CrashBefore)]);
            let seam = faults.around(interleaved(tables.clone(), n as u64));
            (Arc::new(Scene::over(&seam)), faults, heard)
        });
        let [(one, one_faults, one_heard), (two, two_faults, two_heard)] = &workers;
        tokio::join!(live(one, one_faults, &tables, one_heard), live(two, two_faults, &tables, two_heard));
        let end = Scene::over(&tables);
        assert_eq!(end.held().await, alone.held().await, "case {n}: {all:#?} beside {other:#?}");
        end.check_hints().await;
    }
}
