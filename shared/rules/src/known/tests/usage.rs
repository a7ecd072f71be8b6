//! Use by whole days, and what counts as a change of it.

use model::{FactKey, Field, UsageKey, Value};

use super::{Scene, Unknown, days};

/// So many users a day in the four weeks that end yesterday, and in the four before them.
fn scene(before: i64, now: i64) -> Scene {
    let mut scene = Scene::new();
    scene.users(-56..-28, before);
    scene.users(-28..0, now);
    scene
}

#[test]
fn four_weeks_are_compared_with_the_four_before() {
    for (before, now, change) in [(10, 10, 0), (10, 5, -50), (10, 0, -100), (10, 12, 20), (30, 20, -33), (5, 15, 200)] {
        let scene = scene(before, now);
        scene.check("active_users_change", change);
        scene.check("active_users_28d", now);
    }
}

#[test]
fn too_few_users_or_days_are_not_compared() {
    scene(4, 1).check("active_users_change", Unknown);
    let mut young = Scene::new();
    young.users(-55..0, 10);
    young.check("active_users_change", Unknown);
    young.users([-56], 10);
    young.check("active_users_change", 0);
    Scene::new().check("active_users_change", Unknown);
}

#[test]
fn a_day_without_a_report_is_one_without_use_once_the_next_is_over() {
    let scene = scene(10, 10);
    scene.check_at("active_users_change", days(1), 0);
    scene.check_at("active_users_change", days(2), -4); // 27 of 28
    scene.check_at("active_users_change", days(15), -50);
    scene.check_at("active_users_28d", days(28), 10);
    scene.check_at("active_users_28d", days(29), 0);
    scene.check_at("usage_age_days", days(9), 10);
}

#[test]
fn today_is_not_over() {
    let mut scene = scene(10, 10);
    scene.users([0], 300);
    scene.check_at("active_users_28d", days(0), 10);
    scene.check_at("active_users_28d", days(1), 300);
}

#[test]
fn after_a_year_the_same_season_is_compared() {
    // Every August half of them are away.
    let mut scene = Scene::new();
    for day in -430..0 {
        let is_august = (-392..-364).contains(&day) || day >= -28;
        scene.users([day], if is_august { 10 } else { 20 });
    }
    scene.check("active_users_change", 0);
    scene.check_at("active_users_change", days(29), -100);
}

#[test]
fn quiet_days_are_left_out() {
    let mut scene = scene(10, 10);
    // 2026-11-24 to 2026-12-07.
    scene.config.model.quiet_periods = vec!["11-24..12-07".parse().unwrap()];
    scene.users([0], 10);
    for day in 1..15 {
        scene.users([day], 1);
        scene.check_at("active_users_change", days(day + 1), 0);
    }
    scene.users(15..29, 10);
    scene.check_at("active_users_change", days(29), 0);
    scene.check_at("active_users_28d", days(29), 10);
}

#[test]
fn products_and_groups_add_up() {
    let mut scene = Scene::new();
    for group in ["north", "south"] {
        for day in -56..0 {
            scene.use_of(group, UsageKey::ACTIVE_USERS, day, 4);
        }
    }
    scene.check("active_users_28d", 8);
    scene.check("active_users_change", 0);
}

#[test]
fn a_report_that_is_restated_counts_once() {
    let mut scene = scene(10, 10);
    let field = Field::Day(model::DayOfMonth::of(super::date(-1)));
    let key = FactKey::Usage(UsageKey::new("app", "all", UsageKey::ACTIVE_USERS, super::date(-1)).unwrap());
    scene.tell("product", &super::company(), &key, days(0), [(field, Value::Int(40))]);
    scene.check("active_users_28d", 40);
    scene.tell("product", &super::company(), &key, days(1), [(field, Value::Cleared)]);
    scene.check("active_users_28d", 10);
    assert_eq!(scene.evidence("active_users_28d", days(0)), Some(("day_21".into(), "10".into())));
}

#[test]
fn users_are_seen_beside_seats_and_features_beside_those_they_have() {
    let mut scene = scene(10, 10);
    scene.check("seat_utilisation", Unknown);
    let subscription = FactKey::Subscription("company".into());
    scene.state(subscription.clone(), days(-60), [(Field::Seats, Value::Int(15))]);
    scene.check("seat_utilisation", 67);
    scene.state(subscription, days(-50), [(Field::Seats, Value::Int(0))]);
    scene.check("seat_utilisation", Unknown);
    scene.check("feature_depth", Unknown);
    scene.use_of("all", UsageKey::KEY_FEATURES, -20, 3);
    scene.use_of("all", UsageKey::KEY_FEATURES, -2, 1);
    scene.check("feature_depth", Unknown);
    scene.use_of("all", UsageKey::KEY_FEATURES_AVAILABLE, -300, 8);
    scene.check("feature_depth", 38);
    scene.check_at("feature_depth", days(9), 38);
    scene.check_at("feature_depth", days(10), 13);
}

#[test]
fn what_was_paid_in_advance_runs_out_as_fast_as_it_was_used_in_four_weeks() {
    let on = |day| Value::Date(super::date(day));
    let (left, units) = (|n| (Field::PrepaidLeft, Value::Int(n)), |n| (Field::PrepaidUnits, Value::Int(n)));
    let starts = |day| (Field::StartsOn, on(day));
    // Days with use, the use of each, what is stated on day 0, and in how many days it is used up.
    #[track_caller]
    fn check(days: i64, used: i64, stated: &[(Field, Value)], expected: impl Into<super::Expected>) {
        let mut scene = Scene::new();
        for day in -days..0 {
            scene.use_of("all", UsageKey::PREPAID_UNITS, day, used);
        }
        scene.state(FactKey::Subscription("company".into()), super::days(0), stated.iter().cloned());
        scene.check("days_to_run_out", expected);
    }
    check(28, 100, &[left(13_000)], 130);
    check(28, 100, &[left(12_950)], 130);
    check(28, 100, &[left(13_001)], 131);
    check(27, 100, &[left(13_000)], Unknown);
    check(28, 0, &[left(13_000)], Unknown);
    check(28, 100, &[left(0)], 0);
    // What was bought for the term is used since its beginning.
    check(28, 100, &[units(20_000), starts(-28)], 172);
    check(40, 100, &[units(20_000), starts(-30)], 170);
    check(28, 100, &[units(20_000)], Unknown);
    check(28, 100, &[units(20_000), starts(-600)], Unknown);
    check(28, 100, &[units(20_000), starts(-28), left(500)], 5);
    // The twentieth day took the last.
    check(28, 100, &[units(2_000), starts(-28)], -8);
    check(28, 100, &[units(1_950), starts(-28)], -8);
    // Not begun yet.
    check(28, 100, &[units(2_000), starts(10)], 30);
}

#[test]
fn the_day_on_which_it_runs_out_moves_with_reports_and_not_with_time() {
    let mut scene = Scene::new();
    for day in -28..0 {
        scene.use_of("all", UsageKey::PREPAID_UNITS, day, 100);
    }
    let subscription = |id: &str| FactKey::Subscription(id.into());
    scene.state(subscription("company"), days(0), [(Field::PrepaidLeft, Value::Int(13_000))]);
    scene.check_at("days_to_run_out", days(100), 30);
    scene.check_at("days_to_run_out", days(131), -1);
    scene.use_of("all", UsageKey::PREPAID_UNITS, 0, 3_000);
    scene.check_at("days_to_run_out", days(1), 50);
    assert_eq!(scene.evidence("days_to_run_out", days(1)), Some(("day_23".into(), "3000".into())));
    // Of two, nobody says which it is used of.
    scene.state(subscription("other"), days(0), [(Field::PrepaidLeft, Value::Int(13_000))]);
    scene.check_at("days_to_run_out", days(1), Unknown);
}
