//! What starts a playbook, and what keeps it from starting.

use crate::common::{self, Account, changed, days, kinds, on, playing, steps, subscription, usd, word};
use config::Config;
use model::{EpisodeState, FactKey, Field, Value};

/// A playbook of one message, with what a test adds.
fn book(trigger: &str, rest: &str) -> String {
    let step = "[[step]]\nname = \"alert\"\nslack_alert = { next_step = \"Call.\" }\n";
    format!("title = \"T\"\nwhy = \"W\"\n{rest}\n{trigger}\n{step}")
}

const RED: &str = "[trigger.band_changed]\nto = [\"red\"]\n";
const QUIET: &str = "[trigger.becomes]\ncondition = \"days_since_two_way_contact > 30\"\n";
const NEW: &str = "[trigger.became_customer]\nwithin_days = 30\n";
const ENDS: &str = "recover = \"band == 'green'\"\nrecover_after = \"0h\"\ncooldown = \"0d\"\n";

fn red(rest: &str) -> Config {
    playing(&[("p", &book(RED, &format!("{ENDS}{rest}")))])
}

/// In good health on day 0, red on day 1: how many episodes open.
#[track_caller]
fn check(config: &Config, prepare: impl FnOnce(&mut Account), opens: bool) {
    let mut account = Account::healthy();
    prepare(&mut account);
    account.decide_with(config);
    account.feels(1, "red");
    account.spoke(1, -99);
    account.decide_with(config);
    assert_eq!(account.episodes.len(), usize::from(opens));
}

#[test]
fn a_condition_that_becomes_true_starts_once_and_again_after_it_was_false() {
    let config =
        playing(&[("p", &book(QUIET, "recover = \"days_since_two_way_contact < 30\"\nrecover_after = \"0h\""))]);
    let mut account = Account::with("green", 20, 300);
    account.decide_with(&config);
    assert_eq!(account.run(&config, days(10)), []);
    // 31 days after the last contact, at the start of that day.
    let asked = account.run(&config, days(40));
    assert_eq!(asked, [(common::at("2026-12-03T23:00:00Z"), "alert".to_owned())]);
    account.spoke(41, 41);
    assert_eq!(kinds(account.decide_with(&config)).first(), Some(&"playbook.ended"));
    assert!(!account.episodes[0].is_open());
    assert_eq!(account.run(&config, days(100)).len(), 1);
}

#[test]
fn what_holds_at_the_first_look_or_under_other_playbooks_is_no_news() {
    let config = playing(&[("p", &book(QUIET, "recover = \"false || band == 'green'\""))]);
    let mut account = Account::with("green", 50, 300);
    account.decide_with(&config);
    account.feels(1, "yellow");
    assert_eq!(steps(account.decide_with(&config)), Vec::<&str>::new());
    let mut account = Account::with("green", 50, 300);
    account.decide_with(&red(""));
    account.feels(1, "yellow");
    assert_eq!(steps(account.decide_with(&config)), Vec::<&str>::new());
    account.spoke(2, 2);
    account.decide_with(&config);
    assert_eq!(account.run(&config, days(40)).len(), 1, "from then on it is");
}

#[test]
fn a_new_customer_starts_once_and_only_while_new() {
    let config = playing(&[("p", &book(NEW, ""))]);
    for (age, opens) in [(-1, false), (0, true), (30, true), (31, false)] {
        let mut account = Account::healthy();
        account.decide_with(&config);
        account.state(1, Field::CustomerSince, FactKey::Profile, on(1 - age));
        assert_eq!(steps(account.decide_with(&config)).len(), usize::from(opens), "{age} days");
        account.run(&config, days(9));
        account.state(10, Field::CustomerSince, FactKey::Profile, on(9));
        account.decide_with(&config);
        let expected = if opens { 1 } else { account.episodes.len() };
        assert_eq!(account.episodes.len(), expected, "once");
    }
}

#[test]
fn a_sale_of_the_last_days_is_news_at_first_sight_and_an_older_one_is_an_import() {
    let shipped = common::shipped();
    for (age, asked) in [(0, 1), (7, 1), (8, 0), (29, 0)] {
        let mut account = Account::healthy();
        account.state(0, Field::CustomerSince, FactKey::Profile, on(-age));
        account.decide();
        assert_eq!(steps(&account.last).len(), asked, "{age} days");
        account.spoke(1, 1);
        assert_eq!(steps(account.decide()).len(), 0);
    }
    // What was sold before the connection went live is no news at all.
    let table = "[connection.hubspot]";
    let live =
        changed("connections.toml", |text| text.replace(table, &format!("{table}\nlive_from = 2026-11-23T12:00:00Z")));
    for (config, asked) in [(shipped, 1), (&live, 0)] {
        let mut account = Account::healthy();
        account.state(0, Field::CustomerSince, FactKey::Profile, on(0));
        assert_eq!(steps(account.decide_with(config)).len(), asked);
    }
}

#[test]
fn the_kickoff_has_three_steps_and_ends_after_the_last() {
    let mut account = Account::healthy();
    account.state(0, Field::CustomerSince, FactKey::Profile, on(0));
    account.decide();
    assert_eq!(steps(&account.last), ["kickoff"]);
    let asked = account.run(common::shipped(), days(60));
    // Five and twenty business days after Monday, 23 November; Christmas is none.
    let expected = [("2026-11-30T08:00:00Z", "plan"), ("2026-12-21T08:00:00Z", "first-value")];
    assert_eq!(asked, expected.map(|(at, step)| (common::at(at), step.to_owned())));
    let EpisodeState::Closed { at, why } = account.episodes[0].state else { panic!("closed") };
    assert_eq!((at, why), (common::at("2026-12-22T08:00:00Z"), model::Closing::Completed));
}

#[test]
fn a_condition_tiers_segments_and_stages_hold_it_back() {
    let tier = |tier: &'static str| move |a: &mut Account| a.state(0, Field::Tier, FactKey::Profile, word(tier));
    check(&red(""), |_| {}, true);
    check(&red("tiers = [\"Gold\", \"silver\"]"), tier("gold"), true);
    check(&red("tiers = [\"gold\"]"), tier("bronze"), false);
    check(&red("tiers = [\"gold\"]"), |_| {}, false);
    check(&red("segments = [\"smb\"]"), |a| a.state(0, Field::Segment, FactKey::Profile, word("smb")), true);
    check(&red("segments = [\"smb\"]"), |_| {}, false);
    check(&red("stages = [\"customer\"]"), |_| {}, true);
    check(&red("stages = [\"evangelist\"]"), |_| {}, false);
    let arr = |arr: i64| move |a: &mut Account| a.state(0, Field::Arr, subscription(), usd(arr));
    check(&red("when = \"arr >= 1000\""), arr(1_000), true);
    check(&red("when = \"arr >= 1000\""), arr(999), false);
    check(&red("when = \"arr >= 1000\""), |_| {}, false);
    check(&red("paused = true"), |_| {}, false);
}

#[test]
fn an_account_has_so_many_episodes_in_a_window() {
    let config = red("max_per_window = { count = 2, days = 30 }");
    let mut account = Account::healthy();
    account.decide_with(&config);
    let mut opened = vec![];
    for day in (2..60).step_by(4) {
        account.feels(day, "red");
        account.spoke(day, day - 100);
        if kinds(account.decide_with(&config)).contains(&"playbook.started") {
            opened.push(day);
        }
        account.turns_green_with(day + 2, &config);
    }
    assert_eq!(opened, [2, 6, 34, 38]);
}

#[test]
fn of_one_family_the_one_with_the_higher_priority_works_on_an_account() {
    let of = |rest: &str| book(RED, &format!("{ENDS}{rest}"));
    let (low, high) = (of("priority = 10\nfamily = \"x\""), of("priority = 20\nfamily = \"x\""));
    let other = of("priority = 1\nfamily = \"y\"");
    let config = playing(&[("a-low", &low), ("b-high", &high), ("other", &other), ("none", &of(""))]);
    let mut account = Account::healthy();
    account.decide_with(&config);
    account.feels(1, "red");
    account.spoke(1, -99);
    account.decide_with(&config);
    let names: Vec<_> = account.episodes.iter().map(|episode| episode.key.playbook.as_str()).collect();
    assert_eq!(names, ["none", "b-high", "other"]);
    account.turns_green_with(3, &config);
    assert!(account.episodes.iter().all(|episode| !episode.is_open()));
}

#[test]
fn an_operator_starts_it_whatever_holds_it_back() {
    let config = red("tiers = [\"gold\"]\nfamily = \"x\"");
    let mut account = Account::healthy();
    account.decide_with(&config);
    let request = FactKey::PlayRequest("p".parse().unwrap());
    account.state(1, Field::At, request, Value::Moment(days(1)));
    assert_eq!(steps(account.decide_with(&config)), ["alert"]);
    for (day, said) in [(2, vec!["resolved"]), (3, vec![])] {
        account.feels(day, "green");
        assert_eq!(steps(account.decide_with(&config)), said, "once");
    }
}

#[test]
fn what_is_pointless_by_now_ends_without_a_word() {
    let config = red("exit = \"days_to_renewal < 0\"");
    let mut account = Account::with("green", 0, 10);
    account.state(0, Field::RenewsOn, subscription(), on(20));
    account.decide_with(&config);
    account.feels(1, "red");
    account.spoke(1, -99);
    account.decide_with(&config);
    assert_eq!(account.episodes.len(), 1);
    assert_eq!(account.run(&config, days(30)), []);
    let EpisodeState::Closed { why, at } = account.episodes[0].state else { panic!("closed") };
    assert_eq!((why, at), (model::Closing::Exited, common::at("2026-12-13T23:00:00Z")));
}
