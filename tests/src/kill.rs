//! Kill points: a journey that is broken at one call after another, each time from its beginning.

use std::future::Future;
use std::ops::Range;

use testkit::faults::{Fault, Faults, Made};

use crate::World;

/// The numbers of the calls in a stretch of a journey that this function made.
pub fn calls_of(made: &[Made], function: &str, within: Range<usize>) -> Vec<usize> {
    within.filter(|number| made[*number].function == function).collect()
}

/// Runs the journey once for each of these calls of its clean run, broken there, and has `check` look at what came of it;
/// it is told what was broken. An end that a fault at another call leaves as well is passed over
/// ([`Made::is_told_apart`]).
pub async fn at_each<F: Future<Output = World>>(
    (made, calls): (&[Made], Vec<usize>),
    fault: Fault,
    journey: impl Fn(Faults) -> F,
    check: impl Fn(&World, &str),
) {
    assert!(calls.len() >= 3, "{made:#?}");
    for number in calls.into_iter().filter(|number| made[*number].is_told_apart(fault)) {
        let what = format!("{fault:?} at call {number} ({})", made[number]);
        let world = journey(Faults::planned([(number, fault)])).await;
        assert_eq!(world.faults.struck(), 1, "{what} took place");
        check(&world, &what);
    }
}

/// Every row is as after the clean run, and there is no other.
#[track_caller]
pub fn same_rows(clean: &[String], broken: &[String], what: &str) {
    let odd: Vec<_> = broken.iter().filter(|line| !clean.contains(line)).collect();
    assert!(odd.is_empty() && broken.len() == clean.len(), "{what}: {odd:#?}");
}
