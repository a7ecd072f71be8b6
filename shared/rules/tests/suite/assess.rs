//! What an assessment says: its parts add up, and every state of a measure, a cap or a band is told.

use crate::common::small::{cap, model, profiles, three};
use crate::common::{self, Account, days, kinds, on, subscription, word};
use config::Config;
use model::{Assessment, Band, Contribution, FactKey, Field, Heard, MeasureState, Moment, Value};

fn now(account: &Account) -> &Assessment {
    account.last.assessment.as_ref().unwrap()
}

fn row<'a>(account: &'a Account, measure: &str) -> &'a Contribution {
    now(account).contributions.iter().find(|row| row.measure == measure).unwrap()
}

fn score(account: &Account) -> u16 {
    now(account).score.unwrap().basis_points()
}

/// Points gained and caps give the score, points missed and caps what is left of it, and weights the whole.
#[track_caller]
fn adds_up(account: &Account) {
    let assessment = now(account);
    let sum = |of: fn(&Contribution) -> u16| assessment.contributions.iter().map(|row| i32::from(of(row))).sum::<i32>();
    let caps: i32 = assessment.caps.iter().map(|cap| cap.points).sum();
    assert!(assessment.caps.iter().all(|cap| cap.points <= 0));
    assert_eq!(sum(|row| row.gained) + caps, i32::from(score(account)));
    assert_eq!(sum(|row| row.missed) - caps, 10_000 - i32::from(score(account)));
    assert_eq!(sum(|row| row.weight), 10_000);
}

/// The account is asked at 09:00 of a day.
fn ask(account: &mut Account, day: i64, config: &Config) {
    ask_at(account, days(day), config);
}

fn ask_at(account: &mut Account, at: Moment, config: &Config) {
    account.tick(at);
    account.decide_with(config);
}

#[test]
fn a_cap_is_a_row_of_its_own_and_the_band_follows_it() {
    let caps = cap("soon", "days_to_renewal < 100", "yellow") + &cap("late", "days_to_renewal < 50", "red");
    let config = model(&(three("", "", "") + &caps));
    let mut account = Account::with("green", 0, 99);
    account.decide_with(&config);
    adds_up(&account);
    // 40 + 35 + 25 × 0.6 is 90; the cap leaves the highest whole points below green.
    assert_eq!((score(&account), account.band()), (6_900, Band::Yellow));
    let capped = &now(&account).caps;
    assert_eq!((capped.len(), capped[0].name.as_str(), capped[0].points), (1, "soon", -2_100));
    assert_eq!(capped[0].because.values().collect::<Vec<_>>(), ["99 days"]);
    assert_eq!(capped[0].evidence.as_ref().unwrap().field, "renews_on");
    let mut account = Account::with("green", 0, 49);
    account.decide_with(&config);
    adds_up(&account);
    let told: Vec<_> = now(&account).caps.iter().map(|cap| (cap.name.as_str(), cap.points)).collect();
    // 40 + 35 + 25 × 0.3 is 82.5.
    assert_eq!(told, [("soon", -1_350), ("late", -3_000)]);
    assert_eq!((score(&account), account.band()), (3_900, Band::Red));
}

#[test]
fn what_a_cap_turns_red_is_told_with_the_cap_and_lives_where_its_fact_is() {
    let config = model(&(three("", "", "") + &cap("unpaid", "days_overdue >= 30", "red")));
    let mut account = Account::healthy();
    account.decide_with(&config);
    account.state(1, Field::OverdueSince, FactKey::Payment, on(-29));
    let told = kinds(account.decide_with(&config));
    assert_eq!(told, common::OPENED);
    let cause = now(&account).caps[0].evidence.clone().unwrap();
    assert_eq!((cause.field.as_str(), &account.episodes[0].key.cause), ("overdue_since", &cause.stamp));
    let reason = &account.episodes[0].reasons[0];
    assert_eq!((reason.measure.as_str(), reason.to.as_deref()), ("unpaid", Some("at most red, at 30 days")));
    // A day earlier it is time alone that turns it red a day later.
    let mut account = Account::healthy();
    account.decide_with(&config);
    account.state(1, Field::OverdueSince, FactKey::Payment, on(-28));
    account.feels(1, "green");
    account.decide_with(&config);
    let due = account.due().unwrap();
    ask_at(&mut account, due, &config);
    let cause = now(&account).caps[0].evidence.clone().unwrap();
    assert_eq!(account.episodes[0].key.cause, cause.stamp);
}

#[test]
fn a_cap_that_nothing_lies_above_takes_nothing() {
    let config = model(&(three("", "", "") + &cap("soon", "days_to_renewal < 100", "yellow")));
    let mut account = Account::with("red", 80, 99);
    account.decide_with(&config);
    adds_up(&account);
    assert_eq!(now(&account).caps[0].points, 0);
    assert_eq!(account.band(), Band::Red);
}

#[test]
fn what_is_not_known_is_left_out_assumed_or_worst() {
    for (missing, state, points) in [
        ("skip", MeasureState::Skipped, None),
        ("neutral", MeasureState::Neutral, Some(5_000)),
        ("worst", MeasureState::Worst, Some(0)),
    ] {
        let config = model(&three("", "", &format!("missing = \"{missing}\"")));
        let mut account = Account::new();
        account.feels(0, "green");
        account.spoke(0, 0);
        account.decide_with(&config);
        adds_up(&account);
        let renewal = row(&account, "renewal");
        assert_eq!((renewal.state, renewal.points, &renewal.value), (state, points, &None));
        assert_eq!(renewal.weight == 0, points.is_none(), "what is left out weighs nothing");
        assert_eq!((now(&account).confidence, now(&account).coverage), (7_500, 7_500), "an assumption is no value");
    }
}

#[test]
fn a_value_that_is_gone_holds_for_its_days() {
    let config = model(&three("", "", "missing.hold = 30"));
    let mut account = Account::with("green", 0, 70);
    account.decide_with(&config);
    account.state(10, Field::RenewsOn, subscription(), Value::Cleared);
    account.decide_with(&config);
    let renewal = row(&account, "renewal").clone();
    assert_eq!(
        (renewal.state, renewal.points, renewal.value.as_deref()),
        (MeasureState::Held, Some(6_000), Some("70 days"))
    );
    assert_eq!(Value::Date(renewal.held_until.unwrap()), on(39), "thirty days, the first one included");
    assert_eq!((now(&account).confidence, now(&account).coverage), (7_500, 10_000));
    adds_up(&account);
    ask(&mut account, 39, &config);
    assert_eq!(row(&account, "renewal").state, MeasureState::Held);
    ask(&mut account, 40, &config);
    assert_eq!((row(&account, "renewal").state, row(&account, "renewal").weight), (MeasureState::Skipped, 0));
    account.state(41, Field::RenewsOn, subscription(), on(200));
    account.decide_with(&config);
    assert_eq!(row(&account, "renewal").state, MeasureState::Counted);
}

#[test]
fn what_nobody_feeds_is_not_wired_and_counts_for_no_coverage() {
    let usage = common::small::measure("use", "commercial", "active_users_28d", "points.steps = [[0, 0], [5, 100]]");
    let config = model(&(three("", "", "") + &usage));
    let mut account = Account::healthy();
    account.decide_with(&config);
    assert_eq!((row(&account, "use").state, row(&account, "use").weight), (MeasureState::NotWired, 0));
    assert_eq!(now(&account).confidence, 10_000);
}

/// With HubSpot expected every three days, and last heard on a day.
fn silent_since(account: &mut Account, day: i64) {
    let Value::Date(day) = on(day) else { panic!("a day") };
    account.heard = [("hubspot".parse().unwrap(), Heard::from(day))].into();
}

fn expecting(profile: &str) -> Config {
    let mut config = model(profile);
    let hubspot = config.connections.iter_mut().find(|connection| connection.name.as_str() == "hubspot");
    hubspot.unwrap().expected_every = Some(3);
    config
}

#[test]
fn a_silent_source_moves_no_band_and_is_told() {
    let config = expecting(&three("", "", ""));
    let mut account = Account::with("yellow", 20, 300);
    silent_since(&mut account, 0);
    account.decide_with(&config);
    let (band, before) = (account.band(), score(&account));
    ask(&mut account, 3, &config);
    assert_eq!(row(&account, "contact").state, MeasureState::Counted, "three days may pass");
    ask(&mut account, 60, &config);
    let contact = row(&account, "contact");
    assert_eq!((contact.state, contact.value.as_deref()), (MeasureState::Stale, Some("20 days")));
    assert_eq!(Value::Date(contact.stale_since.unwrap()), on(0));
    assert_eq!((account.band(), score(&account)), (band, before), "silence of a source is no silence of a customer");
    assert_eq!((now(&account).confidence, now(&account).coverage), (0, 10_000));
    adds_up(&account);
}

#[test]
fn points_can_depend_on_the_account_and_the_case_is_told() {
    let case = "[[measure.case]]\nwhen = \"customer_age_days < 90\"\npoints.steps = [[0, 80]]";
    let config = model(&three("", "", case));
    let mut account = Account::with("green", 0, 30);
    account.decide_with(&config);
    assert_eq!(
        (row(&account, "renewal").points, &row(&account, "renewal").case),
        (Some(3_000), &None),
        "unknown is old"
    );
    account.state(0, Field::CustomerSince, FactKey::Profile, on(-10));
    account.decide_with(&config);
    let renewal = row(&account, "renewal");
    assert_eq!((renewal.points, renewal.case.as_deref()), (Some(8_000), Some("customer_age_days < 90")));
}

#[test]
fn a_dimension_of_which_too_little_is_known_is_unknown() {
    let more = common::small::measure("tier", "commercial", "tier", "points.words = { gold = 100 }");
    let mut profile = three("", "", "") + &more;
    profile = profile.replace("label = \"renewal\"", "label = \"renewal\"\n");
    let all = model(&profile);
    let strict = {
        let mut config = all.clone();
        config.model.profiles[0].dimensions[2].min_coverage = 6_000;
        config
    };
    let mut account = Account::with("green", 0, -5);
    account.decide_with(&all);
    assert_eq!(score(&account), 7_500);
    account.last = rules::Decision::default();
    account.decide_with(&strict);
    let commercial = &now(&account).dimensions[2];
    assert_eq!((commercial.name.as_str(), commercial.score, commercial.coverage), ("commercial", None, 5_000));
    assert_eq!((score(&account), row(&account, "renewal").weight), (10_000, 0));
    adds_up(&account);
}

#[test]
fn an_account_of_which_too_little_is_known_has_no_band() {
    let mut config = model(&three("", "", ""));
    config.model.min_coverage = 4_100;
    let mut account = Account::new();
    account.feels(0, "red");
    account.decide_with(&config);
    assert_eq!((now(&account).score, account.band()), (None, Band::Unknown));
}

#[test]
fn green_takes_two_dimensions_and_one_that_is_close_to_the_customer() {
    let config = model(&three("", "", ""));
    let check = |account: &mut Account, band: Band, provisional: bool| {
        account.decide_with(&config);
        assert_eq!((account.band(), now(account).provisional), (band, provisional));
    };
    let mut account = Account::new();
    account.feels(0, "green");
    check(&mut account, Band::Yellow, true);
    account.spoke(1, 1);
    check(&mut account, Band::Green, false);
    // 46 days of silence and a good contract: 60 for the contact, 100 for the term.
    let mut account = Account::new();
    account.spoke(0, -45);
    account.state(0, Field::RenewsOn, subscription(), on(300));
    check(&mut account, Band::Green, false);
    let mut account = Account::new();
    account.spoke(0, -46);
    account.state(0, Field::RenewsOn, subscription(), on(300));
    check(&mut account, Band::Yellow, true);
}

#[test]
fn what_was_provisional_turns_green_without_climbing_over_the_border_again() {
    let config = model(&three("", "", ""));
    let mut account = Account::new();
    account.spoke(0, -50);
    account.state(0, Field::RenewsOn, subscription(), on(300));
    account.decide_with(&config);
    assert_eq!((account.band(), now(&account).provisional), (Band::Yellow, true));
    // A word that is worth no points is a word all the same.
    account.feels(1, "fine");
    account.decide_with(&config);
    assert!((7_000..7_400).contains(&score(&account)), "{} lies between both borders", score(&account));
    assert_eq!((account.band(), now(&account).provisional), (Band::Green, false));
}

#[test]
fn a_band_set_by_hand_counts_until_its_day_is_over() {
    let mut config = model(&three("", "", ""));
    // The steps of a playbook have due moments of their own.
    config.playbooks.clear();
    let mut account = Account::healthy();
    account.decide_with(&config);
    let set = |account: &mut Account, field, value| account.state(1, field, FactKey::Override, value);
    set(&mut account, Field::OverrideBand, word("red"));
    set(&mut account, Field::OverrideBy, word("ines.almeida@ourco.example"));
    set(&mut account, Field::OverrideWhy, word("they are leaving"));
    set(&mut account, Field::OverrideUntil, on(5));
    let told = kinds(account.decide_with(&config));
    assert!(told.contains(&"account.band_changed"), "{told:?}");
    assert_eq!((account.band(), now(&account).machine_band), (Band::Red, Band::Green));
    let by = now(&account).overridden.clone().unwrap();
    assert_eq!(
        (by.band, by.by.as_deref(), by.why.as_deref()),
        (Band::Red, Some("ines.almeida@ourco.example"), Some("they are leaving"))
    );
    let Value::Date(next_day) = on(6) else { panic!("a day") };
    let end = Moment::start_of(next_day, &config.model.zone).unwrap();
    assert_eq!(account.due(), Some(end));
    let mut before = account.clone();
    ask_at(&mut before, end.plus(-jiff::SignedDuration::from_millis(1)), &config);
    assert_eq!(before.band(), Band::Red);
    ask_at(&mut account, end, &config);
    assert_eq!((account.band(), &now(&account).overridden), (Band::Green, &None));
}

#[test]
fn the_machine_and_people_far_apart_for_a_fortnight_is_told() {
    let config = model(&three("", "", ""));
    let mut account = Account::with("red", 0, 300);
    account.decide_with(&config);
    // 35 + 25 of 100: neighbours.
    assert_eq!((now(&account).machine_band, now(&account).apart_since), (Band::Yellow, None));
    let without = model(&three("", "", "").replace(common::small::SENTIMENT, "points.words = { red = 100 }"));
    let mut account = Account::with("red", 0, 300);
    account.decide_with(&without);
    assert_eq!(now(&account).apart_since.map(Value::Date), Some(on(0)));
    assert_eq!(now(&account).sentiment.as_ref().unwrap().band, Some(Band::Red));
    for (day, is_apart) in [(13, false), (14, true), (15, true)] {
        account.spoke(day, day);
        ask(&mut account, day, &without);
        assert_eq!(now(&account).is_apart, is_apart, "on day {day}");
        assert_eq!(now(&account).apart_since.map(Value::Date), Some(on(0)));
    }
    account.feels(16, "green");
    account.decide_with(&without);
    assert_eq!(now(&account).apart_since, None);
}

#[test]
fn the_profile_that_fits_counts_and_its_choice_is_told() {
    let config = profiles(&[
        ("used", "needs = [\"usage\"]", &three("", "", "")),
        ("large", "when = \"tier == 'gold'\"", &three("", "", "")),
        ("all", "", &three("", "", "")),
    ]);
    let mut account = Account::healthy();
    account.decide_with(&config);
    assert_eq!(now(&account).model.name, "all");
    let expected = "used needs a connection for usage; large is for tier == 'gold'; all is for every account";
    assert_eq!(now(&account).model_because, expected);
    account.state(1, Field::Tier, FactKey::Profile, word("gold"));
    account.feels(1, "red");
    account.spoke(1, -99);
    assert_eq!(kinds(account.decide_with(&config)), Vec::<&str>::new(), "another model is no news");
    assert_eq!((now(&account).model.name.as_str(), account.band()), ("large", Band::Red));
}

#[test]
fn a_change_that_must_be_seen_twice_waits_for_the_second_monday() {
    // Day 0 is a Monday.
    let config = model(&three("after = { evaluations = 2, every = \"week\" }", "", ""));
    let mut account = Account::with("green", 0, 300);
    account.decide_with(&config);
    account.feels(1, "red");
    account.decide_with(&config);
    for day in [2, 3, 7, 8] {
        ask(&mut account, day, &config);
        let sentiment = row(&account, "sentiment");
        assert_eq!((sentiment.points, sentiment.value.as_deref()), (Some(10_000), Some("red")), "on day {day}");
        assert_eq!(
            sentiment.pending.map(|pending| (pending.points, pending.seen, pending.of)),
            (day >= 7).then_some((0, 1, 2))
        );
    }
    let due = account.due().unwrap();
    ask_at(&mut account, due.plus(-jiff::SignedDuration::from_millis(1)), &config);
    assert_eq!(row(&account, "sentiment").points, Some(10_000));
    ask_at(&mut account, due, &config);
    assert_eq!(row(&account, "sentiment").points, Some(0));
    assert_eq!(due.to_string(), "2026-12-06T23:00:00.000Z");
}

#[test]
fn another_model_starts_anew_with_what_it_measures() {
    let twice = "after = { evaluations = 2, every = \"week\" }";
    let mut account = Account::with("green", 0, 300);
    account.decide_with(&model(&three(twice, "", "")));
    account.feels(1, "red");
    let other = three(twice, "", "").replace("red = 0", "red = 10");
    account.decide_with(&model(&other));
    assert_eq!((row(&account, "sentiment").points, row(&account, "sentiment").pending), (Some(1_000), None));
}

#[test]
fn a_trend_tells_how_the_score_moved_and_for_how_long_the_band_has_been_what_it_is() {
    let config = model(&three("", "", ""));
    let mut account = Account::with("green", 0, 900);
    account.decide_with(&config);
    account.spoke(60, 60);
    account.feels(60, "yellow");
    account.decide_with(&config);
    account.spoke(95, 95);
    account.feels(95, "red");
    account.decide_with(&config);
    let trend = now(&account).trend(days(100));
    assert_eq!((trend.over_7_days, trend.over_30_days, trend.over_90_days), (Some(-2_000), Some(-2_000), Some(-4_000)));
    assert_eq!(trend.days_in_band, 5);
    assert!(trend.per_week.unwrap() < 0);
    let trend = now(&account).trend(days(95));
    assert_eq!((trend.over_90_days, trend.days_in_band), (Some(-4_000), 0));
    let mut young = Account::healthy();
    young.decide_with(&config);
    let trend = now(&young).trend(days(3));
    assert_eq!((trend.over_7_days, trend.per_week), (None, None), "nothing is known from before");
}

#[test]
fn hysteresis_holds_at_both_borders_along_a_path() {
    let linear = "points.linear = [[0, 0], [100, 100]]";
    let one = common::small::measure("age", "sentiment", "notice_days", linear)
        + &common::small::measure("age2", "relationship", "notice_days", linear)
        + &common::small::measure("age3", "commercial", "notice_days", linear);
    let config = model(&one);
    let mut account = Account::new();
    account.feels(0, "yellow");
    account.state(0, Field::RenewsOn, subscription(), on(300));
    let path = [
        (72, Band::Green),
        (70, Band::Green),
        (69, Band::Yellow),
        (73, Band::Yellow),
        (74, Band::Green),
        (39, Band::Red),
        (44, Band::Red),
        (45, Band::Yellow),
        (40, Band::Yellow),
        (39, Band::Red),
        (74, Band::Green),
    ];
    for (day, (points, band)) in (0..).zip(path) {
        account.state(day, Field::NoticeDays, subscription(), Value::Int(points));
        account.decide_with(&config);
        assert_eq!(account.band(), band, "{points} points on day {day}");
        let again = account.last.assessment.clone();
        assert_eq!(account.decide_with(&config).assessment, again, "once more");
    }
}
