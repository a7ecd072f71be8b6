//! Silence of a user lowers usage; silence of a source moves nothing.

use config::SCALARS;
use model::{FactKey, Field, SubjectId, UsageKey, Value};

use super::{Reading, Scene, Unknown, date, days, word};

/// Eight weeks of the same use, from a source that is heard each morning until day 0.
fn used() -> Scene {
    let mut scene = Scene::new();
    scene.expect("product", 2);
    scene.hear("product", -56..=0);
    scene.users(-56..0, 10);
    scene
}

#[test]
fn users_who_fall_silent_lower_usage() {
    let mut scene = used();
    // The source goes on to tell of others.
    scene.hear("product", 1..=16);
    scene.check_at("active_users_change", days(15), -50);
    assert_eq!(scene.read("active_users_change", days(15)).stale_since, None);
}

#[test]
fn a_source_that_falls_silent_moves_nothing() {
    let scene = used();
    for (day, stale_since) in [(0, None), (2, None), (3, Some(date(0))), (40, Some(date(0)))] {
        let reading = scene.read("active_users_change", days(day));
        assert_eq!(reading, Reading { value: Some(config::Scalar::Int(0)), stale_since }, "day {day}");
    }
}

#[test]
fn days_of_a_silence_that_is_over_are_left_out() {
    let mut scene = used();
    scene.hear("product", 22..=51);
    scene.users(21..50, 10);
    for day in 23..50 {
        scene.check_at("active_users_change", days(day), 0);
    }
    // A weekend is no silence: two days without a word were days without use.
    let mut weekend = used();
    weekend.hear("product", [3, 4, 5]);
    weekend.users([3, 4], 10);
    weekend.check_at("active_users_change", days(5), -11); // 25 of 28
}

#[test]
fn a_source_that_cannot_be_silent_tells_of_users_only() {
    let mut scene = Scene::new();
    scene.users(-56..0, 10);
    scene.check_at("active_users_change", days(15), -50);
    assert_eq!(scene.read("active_users_change", days(15)).stale_since, None);
}

#[test]
fn what_a_source_told_of_the_account_was_heard() {
    let mut scene = Scene::new();
    scene.expect("hubspot", 2);
    scene.state(FactKey::Touchpoint, days(-5), [(Field::LastTwoWayAt, Value::Moment(days(-9)))]);
    let stale = Reading { value: Some(config::Scalar::Int(4)), stale_since: Some(date(-5)) };
    assert_eq!(scene.read("days_since_two_way_contact", days(0)), stale);
}

#[test]
fn a_source_that_was_never_heard_is_missing_and_not_stale() {
    let mut scene = Scene::new();
    scene.expect("zendesk", 2);
    assert_eq!(scene.read("open_tickets", days(0)), Reading { value: None, stale_since: None });
    scene.check("open_tickets", Unknown);
}

#[test]
fn an_urgent_ticket_of_a_silent_source_grows_no_older() {
    let mut scene = Scene::new();
    scene.expect("zendesk", 1);
    scene.ticket("1", days(-1), &[(Field::Priority, word("urgent"))]);
    scene.hear("zendesk", [-1, 0]);
    scene.check_at("oldest_urgent_ticket_hours", days(1), 48);
    // As of the end of day 0, which is 23:00 UTC.
    scene.check_at("oldest_urgent_ticket_hours", days(2), 38);
    scene.check_at("oldest_urgent_ticket_hours", days(30), 38);
    // A ticket of another source that is alive does.
    let other = SubjectId::vendor("hubspot", "ticket", "7");
    let told = [(Field::OpenedAt, Value::Moment(days(28))), (Field::Priority, word("URGENT"))];
    scene.tell("hubspot", &other, &FactKey::Ticket, days(28), told);
    scene.check_at("oldest_urgent_ticket_hours", days(30), 48);
    assert_eq!(scene.read("open_urgent_tickets", days(30)).stale_since, Some(date(0)));
}

/// Everything that can be known of an account.
fn everything() -> Scene {
    let mut scene = Scene::new();
    let on = |day| Value::Date(date(day));
    scene.users(-56..0, 10);
    scene.use_of("all", UsageKey::KEY_FEATURES, -1, 3);
    scene.use_of("all", UsageKey::KEY_FEATURES_AVAILABLE, -1, 8);
    for day in [140, 100, 70, 40, 5, 2] {
        let person = format!("email:p{day}@acme.example");
        let told = [(Field::SolvedAt, Value::Moment(days(1 - day))), (Field::Person, word(&person))];
        scene.ticket(&day.to_string(), days(-day), &told);
        let scores =
            [(Field::Nps, Value::Int(day.min(10))), (Field::Csat, Value::Int(4)), (Field::CsatScale, word("1..5"))];
        scene.answer(&day.to_string(), -day, Some(&person), &scores);
    }
    scene.ticket("open", days(-1), &[(Field::Priority, word("urgent"))]);
    let contact = SubjectId::vendor("hubspot", "contact", "1");
    let told = [(Field::Email, word("p5@acme.example")), (Field::Role, word("sponsor"))];
    scene.tell("hubspot", &contact, &FactKey::Contact, days(-1), told);
    let texts = [
        Field::Name,
        Field::Domain,
        Field::LifecycleStage,
        Field::Tier,
        Field::Segment,
        Field::Region,
        Field::Language,
    ];
    scene.state(FactKey::Profile, days(-1), texts.map(|field| (field, word("acme"))));
    scene.state(FactKey::Profile, days(-1), [(Field::IsTest, Value::Flag(false))]);
    let money = model::Money { minor: 100, currency: "USD".parse().unwrap() };
    let terms = [
        (Field::Status, word("active")),
        (Field::Arr, Value::Money(money)),
        (Field::Seats, Value::Int(20)),
        (Field::StartsOn, on(-200)),
        (Field::RenewsOn, on(40)),
        (Field::NoticeDays, Value::Int(60)),
        (Field::AutoRenew, Value::Flag(true)),
        (Field::PrepaidLeft, Value::Int(500)),
    ];
    scene.state(FactKey::Subscription("company".into()), days(-1), terms);
    // The one that counts once the first has ended.
    let next = [
        (Field::RenewsOn, on(300)),
        (Field::Status, word("active")),
        (Field::NoticeDays, Value::Int(30)),
        (Field::AutoRenew, Value::Flag(false)),
    ];
    scene.state(FactKey::Subscription("more".into()), days(-1), next);
    for day in -28..0 {
        scene.use_of("all", UsageKey::PREPAID_UNITS, day, 7);
    }
    scene.state(FactKey::Sentiment, days(-1), [(Field::Sentiment, word("green"))]);
    scene.state(FactKey::Touchpoint, days(-1), [(Field::LastTwoWayAt, Value::Moment(days(-3)))]);
    scene.state(FactKey::Milestone("kickoff".into()), days(-1), [(Field::ReachedOn, on(-9))]);
    scene.state(FactKey::Override, days(-1), [(Field::OverrideBand, word("red")), (Field::OverrideUntil, on(20))]);
    let payer = SubjectId::vendor("bills", "customer", "1");
    let owed = [(Field::OverdueSince, on(-4)), (Field::PaymentFailures, Value::Int(1))];
    scene.tell("bills", &payer, &FactKey::Payment, days(-1), owed);
    scene
}

/// Moves only where no property tells it.
const BY_DEAL: &str = "arr";

/// What an assessment results in is not computed here.
fn is_told(info: &config::ScalarInfo) -> bool {
    info.feed != config::Feed::Mapped || !info.fields.is_empty()
}

#[test]
fn every_name_has_a_value_with_a_statement_behind_it() {
    let scene = everything();
    for info in SCALARS.iter().filter(|info| is_told(info)) {
        assert!(scene.read(info.name, days(0)).value.is_some(), "{}", info.name);
        assert!(scene.evidence(info.name, days(0)).is_some(), "{}", info.name);
    }
}

#[test]
fn while_all_are_silent_what_holds_stays_and_dates_come_nearer() {
    let mut scene = everything();
    for name in ["hubspot", "zendesk", "typeform", "product", "bills"] {
        scene.expect(name, 3);
        scene.hear(name, [0]);
    }
    for info in SCALARS.iter().filter(|info| is_told(info)) {
        let read = |day| scene.read(info.name, days(day));
        let reading = read(60);
        assert_eq!(reading.stale_since, Some(date(0)), "{}", info.name);
        assert_eq!(read(3).stale_since, None, "{}", info.name);
        if info.holds || info.name == BY_DEAL {
            assert_eq!(reading, read(10), "{}", info.name);
        } else {
            assert_ne!(reading.value, read(10).value, "{}", info.name);
        }
    }
}

#[test]
fn only_what_says_so_moves_with_the_clock() {
    let scene = everything();
    for info in SCALARS.iter().filter(|info| is_told(info)) {
        let values: Vec<_> = (0..400).step_by(7).map(|day| scene.read(info.name, days(day)).value).collect();
        let moves = values.windows(2).any(|two| two[0] != two[1]);
        assert_eq!(moves || info.name == BY_DEAL, info.clock_derived, "{}", info.name);
    }
}

#[test]
fn revenue_that_only_deals_tell_moves_to_the_next_deal() {
    let mut scene = Scene::new();
    for connection in &mut scene.config.connections {
        connection.mapping.objects.values_mut().for_each(|fields| drop(fields.remove(&Field::Arr)));
        let ids = |id: &str| vec![id.to_owned()];
        let renewals = config::RenewalPipeline { pipelines: ids("renewals"), won: ids("won"), lost: ids("lost") };
        connection.renewals = Some(renewals);
    }
    for (id, day, minor) in [("1", 20, 500), ("2", 385, 900)] {
        let amount = model::Money { minor, currency: "USD".parse().unwrap() };
        let told = [
            (Field::Pipeline, word("renewals")),
            (Field::ClosesOn, Value::Date(date(day))),
            (Field::Amount, Value::Money(amount)),
        ];
        scene.tell("hubspot", &SubjectId::vendor("hubspot", "deal", id), &FactKey::Deal, days(-1), told);
    }
    scene.check_at(BY_DEAL, days(80), 5);
    scene.check_at(BY_DEAL, days(81), 9);
}
