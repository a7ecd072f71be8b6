//! What is owed, when it began, what was reached, and what people set by hand.

use model::{FactKey, Field, SubjectId, Value};

use super::{Scene, Unknown, date, days, word};

fn on(day: i64) -> Value {
    Value::Date(date(day))
}

fn subscription(id: &str) -> FactKey {
    FactKey::Subscription(id.into())
}

#[test]
fn the_contract_then_the_first_deal_then_the_crm_says_since_when() {
    let mut scene = Scene::new();
    scene.check("customer_age_days", Unknown);
    scene.state(FactKey::Profile, days(-9), [(Field::CustomerSince, on(-10))]);
    scene.check("customer_age_days", 10);
    let deal = SubjectId::vendor("hubspot", "deal", "1");
    let mut told = vec![(Field::Stage, word("closedwon")), (Field::ClosesOn, on(-30))];
    scene.tell("hubspot", &deal, &FactKey::Deal, days(-9), told.clone());
    scene.check("customer_age_days", 30);
    told[0].1 = word("closedlost");
    scene.tell("hubspot", &deal, &FactKey::Deal, days(-8), told);
    scene.check("customer_age_days", 10);
    scene.state(subscription("a"), days(-9), [(Field::StartsOn, on(-100))]);
    scene.state(subscription("b"), days(-9), [(Field::StartsOn, on(-400)), (Field::Status, word("ended"))]);
    scene.check("customer_age_days", 400);
}

#[test]
fn seats_are_those_of_all_that_runs() {
    let mut scene = Scene::new();
    scene.check("seats", Unknown);
    scene.state(subscription("a"), days(-9), [(Field::Seats, Value::Int(20))]);
    scene.state(subscription("b"), days(-9), [(Field::Seats, Value::Int(5))]);
    scene.check("seats", 25);
    scene.state(subscription("a"), days(-8), [(Field::Status, word("canceled"))]);
    scene.check("seats", 5);
}

#[test]
fn the_longest_debt_of_any_payer_counts() {
    let mut scene = Scene::new();
    scene.check("days_overdue", Unknown);
    let payer = |id| SubjectId::vendor("bills", "customer", id);
    let failed = |n| (Field::PaymentFailures, Value::Int(n));
    scene.tell("bills", &payer("1"), &FactKey::Payment, days(-50), [(Field::OverdueSince, Value::Cleared), failed(0)]);
    scene.check("days_overdue", 0);
    scene.tell("bills", &payer("1"), &FactKey::Payment, days(-40), [(Field::OverdueSince, on(-45)), failed(2)]);
    scene.tell("bills", &payer("2"), &FactKey::Payment, days(-10), [(Field::OverdueSince, on(-12)), failed(1)]);
    scene.check("days_overdue", 45);
    scene.check("payment_failures", 2);
    scene.check_at("days_overdue", days(2), 47);
    scene.tell("bills", &payer("1"), &FactKey::Payment, days(-1), [(Field::OverdueSince, Value::Cleared), failed(0)]);
    scene.check("days_overdue", 12);
    scene.check("payment_failures", 1);
}

#[test]
fn first_value_takes_its_days_until_it_is_reached() {
    let milestone = |name: &str| FactKey::Milestone(name.into());
    let mut scene = Scene::new();
    scene.state(FactKey::Profile, days(-9), [(Field::CustomerSince, on(-20))]);
    scene.check("first_value_reached", Unknown);
    scene.check("days_to_first_value", Unknown);
    // Whoever tells of other milestones would tell of this one.
    scene.state(milestone("kickoff"), days(-9), [(Field::ReachedOn, on(-15))]);
    scene.check("first_value_reached", false);
    scene.check("days_to_first_value", 20);
    scene.state(milestone(FactKey::FIRST_VALUE), days(-9), [(Field::DueOn, on(10))]);
    scene.check_at("days_to_first_value", days(5), 25);
    scene.state(milestone(FactKey::FIRST_VALUE), days(7), [(Field::ReachedOn, on(6))]);
    scene.check_at("first_value_reached", days(7), true);
    scene.check_at("days_to_first_value", days(40), 26);
    scene.state(milestone(FactKey::FIRST_VALUE), days(8), [(Field::ReachedOn, Value::Cleared)]);
    scene.check_at("first_value_reached", days(8), false);
}

#[test]
fn a_band_set_by_hand_ends_by_itself() {
    let set = |scene: &mut Scene, band: Value, until: Option<i64>| {
        let until = until.map(|day| (Field::OverrideUntil, on(day)));
        let at = days(i64::from(scene.deliveries));
        scene.state(FactKey::Override, at, [Some((Field::OverrideBand, band)), until].into_iter().flatten());
    };
    let mut scene = Scene::new();
    scene.check("override_band", Unknown);
    set(&mut scene, word("red"), None);
    scene.check_at("override_band", days(1), Unknown);
    set(&mut scene, word("red"), Some(10));
    scene.check_at("override_band", days(10), "red");
    scene.check_at("override_band", days(11), Unknown);
    set(&mut scene, word("purple"), Some(10));
    scene.check_at("override_band", days(3), Unknown);
    set(&mut scene, Value::Cleared, Some(10));
    scene.check_at("override_band", days(4), Unknown);
}

#[test]
fn the_csms_word_grows_old() {
    let mut scene = Scene::new();
    scene.check("days_since_sentiment", Unknown);
    scene.state(FactKey::Sentiment, days(-33), [(Field::Sentiment, word("green"))]);
    scene.check("csm_sentiment", "green");
    scene.check("days_since_sentiment", 33);
}
