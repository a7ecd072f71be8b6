//! What is owed to a customer, and how much of it.

use model::{Field, Value};

use super::{Scene, Unknown, days, hours, word};

fn priority(word: &str) -> (Field, Value) {
    (Field::Priority, super::word(word))
}

fn kind(word: &str) -> (Field, Value) {
    (Field::TicketType, super::word(word))
}

fn status(word: &str) -> (Field, Value) {
    (Field::Status, super::word(word))
}

fn solved(day: i64) -> (Field, Value) {
    (Field::SolvedAt, Value::Moment(days(day)))
}

#[test]
fn of_who_never_opened_a_ticket_only_that_is_known() {
    let scene = Scene::new();
    scene.check("had_tickets", false);
    for name in ["open_tickets", "open_urgent_tickets", "tickets_90d", "oldest_urgent_ticket_hours", "ticket_load"] {
        scene.check(name, Unknown);
    }
    scene.check("days_since_last_ticket", Unknown);
    let mut unwired = Scene::new();
    unwired.config.connections.retain(|connection| connection.name.as_str() == "typeform");
    unwired.check("had_tickets", Unknown);
}

#[test]
fn what_is_open_and_waits_for_us_is_owed() {
    for (told, owed) in [
        (vec![], 1),
        (vec![kind("problem")], 1),
        (vec![kind("question")], 1),
        (vec![status("new")], 1),
        (vec![status("offen")], 1),
        (vec![status("pending")], 0),
        (vec![status("hold")], 0),
        (vec![status("solved")], 0),
        (vec![solved(-1)], 0),
        (vec![solved(-1), (Field::SolvedAt, Value::Cleared)], 1),
    ] {
        let mut scene = Scene::new();
        scene.ticket("1", days(-2), &[priority("urgent")]);
        for one in &told {
            scene.ticket("1", days(-2), std::slice::from_ref(one));
        }
        scene.check("open_tickets", owed);
        scene.check("open_urgent_tickets", owed);
        scene.check("had_tickets", true);
    }
}

#[test]
fn spam_and_tasks_are_no_tickets() {
    for word in ["spam", "task", "Task"] {
        let mut scene = Scene::new();
        scene.ticket("1", days(-2), &[kind(word), priority("urgent")]);
        scene.check("had_tickets", false);
        scene.check("tickets_90d", Unknown);
    }
}

#[test]
fn a_deleted_ticket_counts_nowhere() {
    let mut scene = Scene::new();
    scene.ticket("1", days(-2), &[]);
    scene.facts[0].gone = true;
    scene.check("had_tickets", false);
}

#[test]
fn urgent_has_many_words() {
    for (word, urgent) in [
        ("urgent", 1),
        ("URGENT", 1),
        ("p1", 1),
        ("critical", 1),
        ("high", 0),
        ("medium", 0),
        ("p2", 0),
        ("anything", 0),
    ] {
        let mut scene = Scene::new();
        scene.ticket("1", days(-2), &[priority(word)]);
        scene.check("open_urgent_tickets", urgent);
    }
}

#[test]
fn the_oldest_urgent_ticket_counts_by_the_hour() {
    let mut scene = Scene::new();
    scene.ticket("1", hours(-3), &[priority("urgent")]);
    scene.ticket("2", hours(-7), &[priority("p1")]);
    scene.ticket("3", hours(-90), &[priority("urgent"), status("pending")]);
    scene.ticket("4", hours(-99), &[]);
    scene.check("oldest_urgent_ticket_hours", 7);
    scene.check_at("oldest_urgent_ticket_hours", hours(1), 8);
    assert_eq!(scene.evidence("oldest_urgent_ticket_hours", days(0)).unwrap().1, hours(-7).to_string());
    scene.ticket("1", hours(-3), &[solved(0)]);
    scene.ticket("2", hours(-7), &[solved(0)]);
    scene.check("oldest_urgent_ticket_hours", 0);
}

#[test]
fn tickets_are_counted_for_ninety_days() {
    let mut scene = Scene::new();
    for (id, day) in [("1", 0), ("2", -89), ("3", -90), ("4", -200)] {
        scene.ticket(id, days(day), &[solved(day)]);
    }
    scene.check("tickets_90d", 2);
    scene.check_at("tickets_90d", days(1), 1);
    scene.check_at("tickets_90d", days(90), 0);
    scene.check("days_since_last_ticket", 0);
    scene.check_at("days_since_last_ticket", days(5), 5);
}

/// Whether tickets of the last week and of the ninety days before it are a spike.
#[track_caller]
fn check_spike(recent: usize, before: usize, expected: bool) {
    let mut scene = Scene::new();
    scene.ticket("old", days(-97), &[solved(-97)]);
    let days_ago = |n: usize| i64::try_from(7 + n * 89 / before.max(1)).unwrap();
    let told = (0..recent).map(|_| 6).chain((0..before).map(days_ago)).enumerate();
    for (id, ago) in told.collect::<Vec<_>>() {
        scene.ticket(&id.to_string(), days(-ago), &[solved(-ago)]);
    }
    scene.check("ticket_spike", expected);
}

#[test]
fn a_spike_is_three_tickets_in_a_week_and_twice_as_many_as_usual() {
    check_spike(2, 0, false);
    check_spike(3, 0, true);
    // Nineteen in ninety days are 1.48 a week, twenty 1.56.
    check_spike(3, 19, true);
    check_spike(3, 20, false);
    // Ninety are seven a week.
    check_spike(14, 90, true);
    check_spike(13, 90, false);
}

#[test]
fn a_spike_passes_with_its_week_and_is_told_by_a_desk_alone() {
    let mut scene = Scene::new();
    scene.check("ticket_spike", false);
    for id in ["1", "2", "3"] {
        scene.ticket(id, days(0), &[]);
    }
    // Nobody knows what is usual: the desk may have been connected this week.
    scene.ticket("4", days(-96), &[solved(-96)]);
    scene.check("ticket_spike", false);
    scene.ticket("5", days(-97), &[solved(-97)]);
    scene.check("ticket_spike", true);
    scene.check_at("ticket_spike", days(6), true);
    scene.check_at("ticket_spike", days(7), false);
    let mut unwired = Scene::new();
    unwired.config.connections.retain(|connection| connection.name.as_str() == "typeform");
    unwired.check("ticket_spike", Unknown);
}

/// The load of one open ticket, opened at midnight so many days before day 0, and what is told of it.
#[track_caller]
fn check_load(seats: i64, opened_days_ago: i64, told: &[(Field, Value)], expected: i64) {
    let mut scene = Scene::new();
    let subscription = model::FactKey::Subscription("company".into());
    scene.state(subscription, days(-300), [(Field::Seats, Value::Int(seats))]);
    // Midnight in Berlin is 23:00 UTC, ten hours before 09:00.
    scene.ticket("1", hours(-24 * opened_days_ago - 10), told);
    scene.check("ticket_load", expected);
}

#[test]
fn load_is_weight_times_hours_over_the_root_of_the_seats_and_at_least_three() {
    check_load(1, 1, &[priority("low")], 8);
    check_load(9, 1, &[priority("low")], 8);
    check_load(9, 1, &[], 16);
    check_load(9, 1, &[priority("high")], 32);
    check_load(9, 1, &[priority("urgent")], 64);
    check_load(100, 1, &[priority("urgent")], 19); // 19.2
    check_load(50, 1, &[priority("urgent")], 27); // ÷ 7.07
    check_load(100, 10, &[priority("urgent")], 192);
    check_load(9, 1, &[kind("question")], 0);
    check_load(9, 1, &[kind("feature_request")], 0);
    check_load(9, 1, &[status("hold")], 0);
    check_load(9, 0, &[], 0);
}

#[test]
fn load_moves_at_midnight_and_is_unknown_without_seats() {
    let mut scene = Scene::new();
    scene.ticket("1", hours(-34), &[]);
    scene.check("ticket_load", Unknown);
    let subscription = model::FactKey::Subscription("company".into());
    scene.state(subscription.clone(), days(-300), [(Field::Seats, Value::Int(5))]);
    scene.check("ticket_load", 16);
    scene.check_at("ticket_load", hours(13), 16);
    scene.check_at("ticket_load", hours(14), 32);
    scene.state(subscription, days(-2), [(Field::Status, word("ended"))]);
    scene.check("ticket_load", Unknown);
}

/// Tickets of a day each: opened so many days ago.
fn habit(scene: &mut Scene, days_ago: impl IntoIterator<Item = i64>) {
    for day in days_ago {
        scene.ticket(&format!("h{day}"), days(-day), &[solved(1 - day)]);
    }
}

#[test]
fn a_growing_load_is_seen_against_the_own_ninety_days_before() {
    // One a month before; then two, four or none in the last four weeks.
    for (recent, change) in [(vec![], -100), (vec![5], 7), (vec![5, 10], 114), (vec![3, 6, 9, 12], 329)] {
        let mut scene = Scene::new();
        habit(&mut scene, [140, 100, 70, 40]);
        habit(&mut scene, recent);
        scene.check("ticket_load_change", change);
    }
}

#[test]
fn a_load_without_a_habit_is_not_compared() {
    let mut few = Scene::new();
    habit(&mut few, [140, 70, 40, 5, 4, 3]);
    few.check("ticket_load_change", Unknown);
    let mut young = Scene::new();
    habit(&mut young, [117, 100, 70, 40, 5]);
    young.check("ticket_load_change", Unknown);
    young.check_at("ticket_load_change", days(2), -6); // ten hours of the oldest are in
}
