//! A parent stands as its children do: how they are put together, who does not count, what wakes whom, and what happens when
//! parents change or name each other in a ring.

use crate::common::group::{Group, company};
use crate::common::{self, requests, subscription, usd, word};
use model::{Band, FactKey, Field, LeftOutBecause, Money, RollUp, RollUpMode, Value};
use proptest::prelude::*;

/// A parent of 80, and children of 90 and 50 with 10 and 20 seats.
fn family(mode: RollUpMode) -> Group {
    let mut group = Group::new(mode);
    group.customer(1, 80, None);
    for (id, score, seats) in [(2, 90, 10), (3, 50, 20)] {
        group.customer(id, score, Some(1));
        group.say(id, 0, subscription(), Field::Seats, Value::Int(seats));
        group.say(id, 0, subscription(), Field::Arr, usd(i64::from(id) * 1_000));
    }
    group.settle();
    group
}

/// The children that count, as score, share and points given.
fn rows(group: &Group, id: u32) -> Vec<(u16, u16, u16)> {
    group.rolled(id).rows.iter().map(|row| (row.score.shown(), row.share, row.gained)).collect()
}

fn left_out(group: &Group, id: u32) -> Vec<(&str, LeftOutBecause)> {
    group.rolled(id).left_out.iter().map(|one| (one.name.as_str(), one.because)).collect()
}

#[track_caller]
fn check(mode: RollUpMode, score: u16, expected: &[(u16, u16, u16)]) {
    let group = family(mode);
    let now = group.now(1);
    assert_eq!(now.score.unwrap().basis_points(), score);
    assert_eq!(rows(&group, 1), expected);
    assert_eq!(group.rolled(1).own_score.unwrap().shown(), 80, "what it says of itself stays beside");
    assert_eq!(group.rolled(1).own_band, Band::Green);
    assert_eq!((now.band, now.machine_band), (Band::Yellow, Band::Yellow));
}

#[test]
fn children_weigh_what_is_declared() {
    check(RollUpMode::SeatWeighted, 6_333, &[(90, 3_333, 3_000), (50, 6_667, 3_333)]);
    check(RollUpMode::RevenueWeighted, 6_600, &[(90, 4_000, 3_600), (50, 6_000, 3_000)]);
    check(RollUpMode::WorstChild, 5_000, &[(90, 0, 0), (50, 10_000, 5_000)]);
}

#[test]
fn without_a_declaration_every_account_stands_by_itself() {
    let mut group = Group::new(RollUpMode::WorstChild);
    group.config.model.roll_up = None;
    group.customer(1, 80, None);
    group.customer(2, 10, Some(1));
    group.settle();
    assert_eq!((group.score(1), group.now(1).rolled_up.is_none(), group.rows.len()), (80, true, 0));
    assert_eq!(group.looks_at(1), 1, "and costs its parent nothing");
}

#[test]
fn what_moves_a_child_moves_its_parent_once() {
    let mut group = family(RollUpMode::WorstChild);
    let before = group.looks_at(1);
    group.scores(3, 1, 10);
    group.settle();
    assert_eq!(group.looks_at(1), before + 1);
    assert_eq!((group.now(1).band, group.open(1), group.open(3)), (Band::Red, 1, 1));
    let decision = &group.last[&company(1)];
    let alert = &requests(decision)[0].alert;
    let change = &alert.changes[0];
    assert_eq!((change.measure.as_str(), change.from.as_deref()), ("Company 3", Some("50")));
    assert!(change.to.as_deref().unwrap().starts_with("10 (red); "), "{change:?}");
    assert_eq!(change.path.as_deref(), Some("properties.notice_days.value"), "where it can be checked");
    let cause = decision.events[0].cause.delivery.clone();
    assert_eq!((cause.as_ref(), change.raw.as_deref()), (change.delivery.as_ref(), Some("10")));
    // The same look again changes nothing and tells nobody.
    group.look(&company(3));
    group.look(&company(1));
    assert!([1, 3].iter().all(|id| group.last[&company(*id)].told.is_empty()));
    assert_eq!((group.looks_at(1), group.open(1)), (before + 2, 1));
}

#[test]
fn what_does_not_count_for_the_parent_does_not_wake_it() {
    let mut group = family(RollUpMode::SeatWeighted);
    let before = group.looks_at(1);
    group.say(3, 1, FactKey::Profile, Field::Tier, word("gold"));
    group.say(3, 1, subscription(), Field::Arr, usd(90_000));
    group.settle();
    assert_eq!(group.looks_at(1), before);
}

#[test]
fn a_new_declaration_is_no_news() {
    let mut group = Group::new(RollUpMode::WorstChild);
    group.config.model.roll_up = None;
    group.customer(1, 80, None);
    group.customer(2, 10, Some(1));
    group.settle();
    group.config.model.roll_up = Some(RollUpMode::WorstChild);
    // As a change of the file does.
    group.config.model.profiles.iter_mut().for_each(|profile| profile.version.hash.push('x'));
    group.say(2, 1, FactKey::Profile, Field::Tier, word("gold"));
    group.settle();
    assert_eq!((group.now(1).band, group.open(1), group.looks_at(1)), (Band::Red, 0, 2));
    group.scores(2, 2, 5);
    group.settle();
    assert_eq!(group.open(1), 0, "it was red before");
}

#[test]
fn a_new_child_is_no_news() {
    let mut group = family(RollUpMode::WorstChild);
    group.customer(4, 10, Some(1));
    group.settle();
    assert_eq!((group.now(1).band, group.open(1)), (Band::Red, 0), "nobody knows since when it is like that");
    let mut group = family(RollUpMode::WorstChild);
    group.customer(4, 10, None);
    group.settle();
    group.names(4, 1, Some(1));
    group.settle();
    assert_eq!((group.now(1).band, group.open(1)), (Band::Red, 1), "a known one that joins is");
    let mut group = family(RollUpMode::WorstChild);
    group.customer(4, 10, None);
    group.settle();
    group.say_of(4, (1, -300), FactKey::Profile, Field::Parent, word("1"));
    group.settle();
    assert_eq!((group.now(1).band, group.open(1)), (Band::Red, 0), "one that joined long ago is not");
}

#[test]
fn a_parent_without_facts_of_its_own_has_a_band_and_episodes() {
    let mut group = Group::new(RollUpMode::WorstChild);
    group.say(1, 0, FactKey::Profile, Field::LifecycleStage, word("customer"));
    group.customer(2, 90, Some(1));
    group.settle();
    assert_eq!((group.now(1).band, group.rolled(1).own_band), (Band::Green, Band::Unknown));
    group.scores(2, 1, 10);
    group.settle();
    assert_eq!((group.now(1).band, group.open(1)), (Band::Red, 1));
}

#[test]
fn each_level_adds_up_what_the_level_below_came_to() {
    let mut group = Group::new(RollUpMode::SeatWeighted);
    for (id, score, parent) in [(1, 50, None), (2, 0, Some(1)), (3, 100, Some(1)), (4, 90, Some(2)), (5, 60, Some(2))] {
        group.customer(id, score, parent);
    }
    for (id, seats) in [(3, 30), (4, 20), (5, 40)] {
        group.say(id, 0, subscription(), Field::Seats, Value::Int(seats));
    }
    group.settle();
    assert_eq!((group.score(2), group.rolled(2).own_score.unwrap().shown()), (70, 0));
    // Without seats of its own it weighs what its children do: 60 × 70 and 30 × 100.
    assert_eq!(rows(&group, 1), [(70, 6_667, 4_667), (100, 3_333, 3_333)]);
    assert_eq!((group.score(1), group.rolled(1).levels), (80, 2));
}

#[test]
fn who_does_not_count_is_named() {
    let mut group = Group::new(RollUpMode::RevenueWeighted);
    group.customer(1, 80, None);
    for id in 2..=6 {
        group.customer(id, 50, Some(1));
    }
    let eur = |major: i64| Value::Money(Money { minor: major * 100, currency: "EUR".parse().unwrap() });
    for (id, arr) in [(2, usd(100)), (3, usd(300)), (4, eur(900)), (5, usd(0))] {
        group.say(id, 0, subscription(), Field::Arr, arr);
    }
    group.settle();
    assert_eq!(rows(&group, 1), [(50, 2_500, 1_250), (50, 7_500, 3_750)]);
    let because = [
        ("Company 4", LeftOutBecause::OtherCurrency),
        ("Company 5", LeftOutBecause::NoWeight),
        ("Company 6", LeftOutBecause::NoWeight),
    ];
    assert_eq!(left_out(&group, 1), because);
    // Without anybody who counts, it is judged by its own facts.
    for id in 2..=3 {
        group.say(id, 1, subscription(), Field::NoticeDays, Value::Cleared);
    }
    group.settle();
    assert_eq!(left_out(&group, 1)[0], ("Company 2", LeftOutBecause::NoScore));
    assert_eq!((group.score(1), group.now(1).band, group.rolled(1).score), (80, Band::Green, None));
}

#[test]
fn green_takes_a_child_that_is_green() {
    let mut group = family(RollUpMode::SeatWeighted);
    for id in 2..=3 {
        group.scores(id, 1, 90);
        group.say(id, 1, FactKey::Sentiment, Field::Sentiment, Value::Cleared);
    }
    group.settle();
    assert_eq!((group.now(2).band, group.now(2).provisional), (Band::Yellow, true));
    assert_eq!((group.now(1).band, group.now(1).provisional, group.score(1)), (Band::Yellow, true, 90));
    group.say(2, 2, FactKey::Sentiment, Field::Sentiment, word("green"));
    group.settle();
    assert_eq!((group.now(1).band, group.now(1).provisional), (Band::Green, false));
}

#[test]
fn a_band_set_by_hand_stands_before_that_of_the_children() {
    let mut group = family(RollUpMode::WorstChild);
    let key = || FactKey::Override;
    group.say(1, 1, key(), Field::OverrideBand, word("red"));
    group.say(1, 1, key(), Field::OverrideUntil, common::on(30));
    group.settle();
    assert_eq!((group.now(1).band, group.now(1).machine_band, group.score(1)), (Band::Red, Band::Yellow, 50));
}

#[test]
fn a_child_that_goes_is_taken_back() {
    let mut group = family(RollUpMode::WorstChild);
    group.customer(9, 40, None);
    group.settle();
    // To another parent, to none, and out of the watched accounts.
    group.names(3, 1, Some(9));
    group.settle();
    assert_eq!((group.score(1), group.score(9)), (90, 50));
    assert_eq!(group.rows[&(company(1), company(3))].standing, None);
    group.names(3, 2, None);
    group.say(2, 2, FactKey::Profile, Field::LifecycleStage, word("other"));
    group.settle();
    assert_eq!((group.score(1), group.score(9)), (80, 40), "they are judged by their own facts again");
    assert!(group.now(1).rolled_up.is_none() && group.now(3).told_parent.is_none());
    // And may come back.
    group.names(3, 3, Some(1));
    group.settle();
    assert_eq!(group.score(1), 50);
}

#[test]
fn rings_are_harmless() {
    for size in 1..=5_u32 {
        let mut group = Group::new(RollUpMode::WorstChild);
        for id in 1..=size {
            group.customer(id, i64::from(id) * 15, Some(id % size + 1));
        }
        // Whoever hangs below the ring without being in it counts.
        group.customer(9, 70, Some(1));
        group.settle_by(|many| many / 2);
        for id in 2..=size {
            assert_eq!(group.score(id), u16::try_from(id).unwrap() * 15, "{id} of a ring of {size}");
        }
        assert_eq!(group.score(1), 70);
        let looks = group.looks.values().max().copied().unwrap();
        assert!(looks <= 3 * usize::from(RollUp::MOST_LEVELS), "{looks} looks in a ring of {size}");
        if size > 2 {
            assert_eq!(left_out(&group, 2), [("Company 1", LeftOutBecause::Ring)]);
        }
        if size > 1 {
            // Cut open, it is a line, and what its last member scores comes up to the first.
            group.names(1, 1, None);
            group.settle_by(|many| many / 2);
            assert_eq!(group.score(1), 30, "a line of {size}");
        }
    }
}

/// What happens to a group: who scores what, and who names whom.
#[derive(Debug, Clone)]
enum Step {
    Scores(u32, i64),
    Names(u32, Option<u32>),
}

const MOST: u32 = 5;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = || 1..=MOST;
    let step = prop_oneof![
        (id(), 0..=100_i64).prop_map(|(id, score)| Step::Scores(id, score)),
        (id(), prop::option::of(id())).prop_map(|(id, parent)| Step::Names(id, parent)),
    ];
    prop::collection::vec(step, 1..8)
}

/// The group after all steps, looked at in an order and as often as the picks say.
fn run(steps: &[Step], picks: &[usize]) -> Group {
    let mut group = Group::new(RollUpMode::SeatWeighted);
    for id in 1..=MOST {
        group.customer(id, 50 + i64::from(id), (id > 1).then_some(id / 2));
        group.say(id, 0, subscription(), Field::Seats, Value::Int(i64::from(id)));
    }
    let mut picks = picks.iter().cycle();
    for (day, step) in (1..).zip(steps) {
        match step {
            Step::Scores(id, score) => group.scores(*id, day, *score),
            Step::Names(id, parent) => group.names(*id, day, *parent),
        }
        // Sometimes much happens before anybody looks.
        if !picks.next().unwrap().is_multiple_of(3) {
            group.settle_by(|many| picks.next().unwrap() % many);
        }
    }
    group.settle_by(|many| picks.next().unwrap() % many);
    group
}

/// The numbers of a group from its last statements alone.
fn expected(steps: &[Step]) -> Vec<u16> {
    let mut scores: Vec<i64> = (0..=MOST).map(|id| 50 + i64::from(id)).collect();
    let mut above: Vec<Option<u32>> = (0..=MOST).map(|id| (id > 1).then_some(id / 2)).collect();
    for step in steps {
        match step {
            Step::Scores(id, score) => scores[*id as usize] = *score,
            Step::Names(id, parent) => above[*id as usize] = *parent,
        }
    }
    let in_ring = |id: u32| {
        let up = |at: &u32| above[*at as usize].filter(|parent| parent != at);
        std::iter::successors(up(&id), up).take(2 * MOST as usize).any(|at| at == id)
    };
    fn of(id: u32, scores: &[i64], above: &[Option<u32>], in_ring: &dyn Fn(u32) -> bool) -> i128 {
        let children = (1..=MOST).filter(|child| above[*child as usize] == Some(id) && *child != id);
        let children = children.filter(|child| !in_ring(*child));
        let (mut sum, mut whole) = (0, 0);
        for child in children {
            sum += i128::from(child) * of(child, scores, above, in_ring);
            whole += i128::from(child);
        }
        if whole == 0 { i128::from(scores[id as usize]) * 100 } else { (2 * sum + whole).div_euclid(2 * whole) }
    }
    (1..=MOST).map(|id| u16::try_from(of(id, &scores, &above, &in_ring)).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn the_order_of_looks_and_their_number_do_not_matter(
        steps in steps(),
        picks in prop::collection::vec(0..60_usize, 1..40),
        others in prop::collection::vec(0..60_usize, 1..40),
    ) {
        let group = run(&steps, &picks);
        let scores: Vec<_> = (1..=MOST).map(|id| group.now(id).score.unwrap().basis_points()).collect();
        prop_assert_eq!(scores, expected(&steps));
        for id in 1..=MOST {
            if let Some(rolled) = &group.now(id).rolled_up && let Some(score) = rolled.score {
                let sum = |of: fn(&model::RollUpRow) -> u16| rolled.rows.iter().map(of).sum::<u16>();
                prop_assert_eq!((sum(|row| row.gained), sum(|row| row.share)), (score.basis_points(), 10_000));
            }
        }
        let other = run(&steps, &others);
        let scores_only = |group: &Group| -> Vec<_> {
            (1..=MOST).map(|id| group.now(id).score).collect()
        };
        prop_assert_eq!(scores_only(&group), scores_only(&other));
    }
}
