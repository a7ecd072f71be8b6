//! Between its due moments an account stays as it is, however often somebody looks; at them something happens.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::collections::BTreeSet;

use book::{Book, DAYS, Simulation, Wired, has_changed};
use jiff::SignedDuration;
use model::{Moment, SubjectId};

/// Accounts that are looked at.
const SAMPLE: usize = 20;

/// Twenty accounts over the whole year; each is looked at every hour in turn, four days of each eighty, so that each hour
/// of the year is looked at with one of them.
#[test]
fn nothing_changes_between_due_moments_and_something_does_at_them() {
    let book = Book::new(1);
    let config = common::config(Wired::Everything);
    let every = book.customers().len() / SAMPLE;
    let leaving = book.planted().iter().map(|planted| planted.account.clone());
    let others = book.customers().iter().step_by(every).map(|customer| customer.account.clone());
    let sample: Vec<SubjectId> = leaving.take(SAMPLE / 4).chain(others).take(SAMPLE).collect();
    let mut simulation = Simulation::new(&config).only(sample.iter().cloned().collect::<BTreeSet<_>>());
    let start: Moment = "2026-01-05T00:00:00Z".parse().unwrap();
    let mut looks = 0;
    for day in 0..DAYS {
        let account = &sample[day / 4 % SAMPLE];
        for hour in 0..24 {
            simulation.hour(&book, day, hour);
            let now = start.plus(SignedDuration::from_hours(24 * i64::try_from(day).unwrap() + hour + 1));
            let now = now.plus(SignedDuration::from_millis(-1));
            let Some(before) = simulation.assessment(account).cloned() else { continue };
            assert!(before.next_due_at.is_none_or(|due| due > now), "{account} was due before {now}");
            simulation.tick(account, now);
            let decision = simulation.decide(account);
            looks += 1;
            assert!(!has_changed(Some(&before), &decision), "{account} at {now}: {before:#?}\n{decision:#?}");
        }
    }
    let due = simulation.report().due.clone();
    assert!(looks > 7_000, "{looks} looks");
    assert_eq!(due.repeated, 0);
    assert!(due.moments > 20 && 100 * due.changed >= 95 * (due.changed + due.idle.len()), "{due:?}");
}
