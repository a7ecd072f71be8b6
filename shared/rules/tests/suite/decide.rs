//! Decisions under the configuration that ships: what opens, what ends, and when an account is looked at again.

use crate::common::{self, Account, OPENED, changed, days, kinds, requests, said, word};
use jiff::SignedDuration;
use model::{Band, Closing, EpisodeState, EventBody, FactKey, Field};
use proptest::prelude::*;

#[test]
fn first_sight_is_no_news_even_of_a_red_account() {
    let mut account = Account::with("red", 200, 300);
    assert_eq!(kinds(account.decide()), ["account.watched"]);
    assert_eq!(account.band(), Band::Red);
    assert!(account.episodes.is_empty());
}

#[test]
fn the_same_news_computed_again_gives_the_same_numbers_and_says_nothing_more() {
    let mut account = Account::healthy();
    account.decide();
    assert_eq!(kinds(account.turns_red(1)), OPENED);
    let first = account.last.assessment.clone();
    let again = account.decide();
    assert_eq!(again.assessment, first);
    assert_eq!((again.events.len(), again.episodes.len(), again.timeline.len()), (0, 0, 0));
}

#[test]
fn ids_follow_from_the_cause_alone() {
    let ids = |extra_looks: usize| {
        let mut account = Account::healthy();
        for _ in 0..=extra_looks {
            account.decide();
        }
        account.turns_red(1).events.iter().map(|event| event.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(0), ids(3));
}

#[test]
fn a_recovery_counts_once_it_has_held_for_a_day_and_closes_its_own_thread() {
    let mut account = Account::healthy();
    account.decide();
    account.turns_red(1);
    let root = account.episodes[0].root_action.clone();
    assert_eq!(kinds(account.turns_green(2)), ["account.band_changed"], "not yet");
    assert_eq!(account.due(), Some(days(3)));
    account.tick(days(3));
    let decision = account.decide().clone();
    assert_eq!(kinds(&decision), ["account.risk_resolved", "action.requested"]);
    let EventBody::ActionRequested(reply) = &decision.events[1].body else { panic!("a reply") };
    assert_eq!(reply.reply_to, root);
    assert_eq!(account.episodes[0].state, EpisodeState::Closed { at: days(3), why: Closing::Recovered });
}

#[test]
fn a_recovery_that_does_not_hold_starts_again() {
    let mut account = Account::healthy();
    account.decide();
    account.turns_red(1);
    account.turns_green(2);
    account.feels(2, "yellow");
    let again = account.turns_red(3).clone();
    assert!(requests(&again).is_empty(), "one open episode, no second alert");
    assert_eq!(kinds(&again), ["account.band_changed", "action.requested"], "and the task that has become due");
    assert_eq!(account.episodes[0].state, EpisodeState::Open { recovering_since: None });
    account.turns_green(4);
    assert_eq!(account.due(), Some(days(5)));
}

#[test]
fn nothing_opens_within_the_cooldown_which_counts_from_the_close() {
    for (day, opens) in [(9, false), (10, true)] {
        let mut account = Account::healthy();
        account.decide();
        account.turns_red(1);
        account.turns_green(2);
        account.tick(days(3));
        account.decide();
        assert_eq!(kinds(account.turns_red(day)).contains(&"account.risk_opened"), opens, "on day {day}");
    }
}

#[test]
fn a_changed_model_moves_bands_and_opens_nothing() {
    let mut account = Account::with("green", 100, 300);
    account.decide();
    assert_eq!(account.band(), Band::Yellow);
    let model = changed("health/crm-and-tickets.toml", |text| text.replace("green = 100", "green = 1"));
    account.feels(1, "green");
    assert_eq!(kinds(account.decide_with(&model)), Vec::<&str>::new());
    assert_eq!(account.band(), Band::Red);
    assert!(account.episodes.is_empty());
}

#[test]
fn what_was_true_before_the_connection_went_live_is_no_news() {
    let table = "[connection.hubspot]";
    let late =
        changed("connections.toml", |text| text.replace(table, &format!("{table}\nlive_from = 2026-12-01T00:00:00Z")));
    let mut account = Account::healthy();
    account.decide_with(&late);
    account.feels(1, "red");
    account.spoke(1, -99);
    assert_eq!(kinds(account.decide_with(&late)), ["account.band_changed"]);
}

#[test]
fn an_account_that_is_no_customer_any_more_closes_what_is_open_with_that_reason() {
    let mut account = Account::healthy();
    account.decide();
    account.turns_red(1);
    account.state(2, Field::LifecycleStage, FactKey::Profile, word("other"));
    let decision = account.decide();
    assert_eq!(kinds(decision), ["account.unwatched", "account.risk_resolved"]);
    assert_eq!(decision.assessment, None);
    assert_eq!(account.episodes[0].state, EpisodeState::Closed { at: days(2), why: Closing::Unwatched });
}

#[test]
fn our_own_companies_and_their_subdomains_are_not_watched() {
    let ours = changed("connections.toml", |text| {
        let line = text.lines().find(|line| line.starts_with("exclude_domains")).unwrap();
        text.replace(line, r#"exclude_domains = ["us.example"]"#)
    });
    for (domain, watched) in [("us.example", false), ("eu.us.example", false), ("notus.example", true)] {
        let mut account = Account::healthy();
        account.state(0, Field::Domain, FactKey::Profile, word(domain));
        assert_eq!(account.decide_with(&ours).assessment.is_some(), watched, "{domain}");
    }
}

#[test]
fn looking_ahead_begins_with_the_next_day() {
    let mut account = Account::with("green", 57, 60);
    account.decide();
    assert_eq!(account.band(), Band::Green);
    // 00:00 of the 24th in Berlin.
    assert_eq!(account.due().unwrap().to_string(), "2026-11-23T23:00:00.000Z");
}

#[test]
fn what_belongs_to_another_account_now_is_told_and_nothing_of_it_is_closed() {
    let mut account = Account::healthy();
    account.decide();
    account.turns_red(1);
    let before = account.last.assessment.clone();
    let link = said(2, 2, &common::company());
    let decision = rules::leave(&common::company(), before.as_ref(), Some(&link), common::shipped());
    assert_eq!(kinds(&decision), ["account.unwatched"]);
    assert_eq!(decision.events[0].cause.delivery, Some(link.stamp.delivery.clone()));
    assert!(decision.episodes.is_empty() && decision.assessment.is_none());
    assert_eq!(rules::leave(&common::company(), None, Some(&link), common::shipped()), rules::Decision::default());
}

#[test]
fn an_assessment_never_holds_for_an_earlier_moment_than_the_one_before_it() {
    let mut account = Account::healthy();
    account.decide();
    let newest = account.facts.clone();
    account.feels(5, "yellow");
    account.decide();
    // The member that spoke last is gone.
    account.facts = newest;
    account.decide();
    assert_eq!(account.last.assessment.as_ref().unwrap().as_of, days(5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Nothing changes between two due moments, and at a due moment (short of the horizon) the band does, or a step comes.
    #[test]
    fn an_account_is_due_exactly_when_time_changes_something(
        sentiment in prop_oneof![Just("green"), Just("yellow"), Just("red")],
        silent in 0..120_i64,
        renews in -30..250_i64,
        between in prop::collection::vec(any::<prop::sample::Index>(), 4),
    ) {
        let mut account = Account::with(sentiment, silent, renews);
        account.decide();
        let (before, due) = (account.band(), account.due().unwrap());
        let changes_at = |at| {
            let mut then = account.clone();
            then.tick(at);
            !then.decide().events.is_empty() || then.band() != before
        };
        // A few days on the way, and the last moment of it.
        let whole_days = usize::try_from(due.since(days(0)).as_hours() / 24).unwrap();
        let on_the_way = between.iter().map(|at| days(i64::try_from(at.index(whole_days + 1)).unwrap()));
        for at in on_the_way.chain([due.plus(-SignedDuration::from_millis(1))]) {
            prop_assert!(!changes_at(at), "at {}, before {}", at, due);
        }
        let horizon = due.since(days(0)).as_hours() > 24 * 395;
        prop_assert!(changes_at(due) || horizon, "nothing changed at {}", due);
    }
}
