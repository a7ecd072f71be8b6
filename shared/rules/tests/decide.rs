//! Decisions under the configuration that ships: what opens, what ends, and when an account is looked at again.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::Path;
use std::sync::OnceLock;

use config::{Config, Files};
use jiff::{SignedDuration, ToSpan as _};
use model::{
    Band, Closing, ConnectionName, DeliveryId, Episode, EpisodeState, EventBody, Fact, FactKey, Field, Moment,
    Register, Source, Stamp, Statement, SubjectId, Value,
};
use proptest::prelude::*;
use rules::{Decision, Input, decide};

fn files() -> Files {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/config");
    Files(runtime::env::read_files(&folder).unwrap())
}

fn shipped() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| config::load(&files(), &connectors::tools()).unwrap())
}

fn days(n: i64) -> Moment {
    "2026-11-23T09:00:00Z".parse::<Moment>().unwrap().plus(SignedDuration::from_hours(24 * n))
}

/// One account and everything that was decided about it.
struct Account {
    facts: Vec<Fact>,
    last: Decision,
    episodes: Vec<Episode>,
    deliveries: u32,
}

impl Account {
    fn new() -> Self {
        Self { facts: vec![], last: Decision::default(), episodes: vec![], deliveries: 0 }
    }

    /// In good health on day 0.
    fn healthy() -> Self {
        let mut account = Self::new();
        account.state(0, Field::Name, FactKey::Profile, Value::Text("Acme".into()));
        account.state(0, Field::LifecycleStage, FactKey::Profile, Value::Text("customer".into()));
        account.state(0, Field::LastTwoWayAt, FactKey::Touchpoint, Value::Moment(days(0)));
        account.state(0, Field::RenewsOn, FactKey::Subscription("company".into()), renewal(300));
        account.feels(0, "green");
        account
    }

    fn state(&mut self, day: i64, field: Field, key: FactKey, value: Value) {
        let subject = SubjectId::vendor("hubspot", "company", "1");
        let connection: ConnectionName = "hubspot".parse().unwrap();
        let at = self.facts.iter().position(|fact| fact.key == key).unwrap_or_else(|| {
            self.facts.push(Fact { opens_account: key == FactKey::Profile, ..Fact::empty(subject, key) });
            self.facts.len() - 1
        });
        self.deliveries += 1;
        let delivery = DeliveryId::new(&connection, &format!("{:04}", self.deliveries));
        let statement =
            Statement { field, value, occurred_at: days(day), sequence: None, path: "$".into(), raw: "1".into() };
        let source = Source { connection: &connection, delivery: &delivery, received_at: days(day), index: 0 };
        self.facts[at].apply(source, &[statement]);
    }

    fn feels(&mut self, day: i64, word: &str) {
        self.state(day, Field::Sentiment, FactKey::Sentiment, Value::Text(word.into()));
    }

    fn silent_since(&mut self, day: i64, since: i64) {
        self.state(day, Field::LastTwoWayAt, FactKey::Touchpoint, Value::Moment(days(since)));
    }

    /// Nothing is said; the clock asks.
    fn tick(&mut self, at: Moment) {
        self.facts.retain(|fact| fact.key != FactKey::Tick);
        let mut fact = Fact::empty(SubjectId::vendor("hubspot", "company", "1"), FactKey::Tick);
        let stamp = Stamp { occurred_at: at, sequence: None, delivery: DeliveryId::from_stored("clock:due"), index: 0 };
        let register = Register {
            value: Value::Moment(at),
            stamp,
            received_at: at,
            path: "$".into(),
            raw: "".into(),
            clamped: false,
        };
        fact.registers.entry(ConnectionName::from_stored("clock")).or_default().insert(Field::At, register);
        self.facts.push(fact);
    }

    fn decide_with(&mut self, config: &Config) -> &Decision {
        let subject = SubjectId::vendor("hubspot", "company", "1");
        let previous = self.last.assessment.clone();
        let input =
            Input { subject: &subject, facts: &self.facts, previous: previous.as_ref(), episodes: &self.episodes };
        self.last = decide(input, config);
        for changed in &self.last.episodes {
            self.episodes.retain(|held| held.key != changed.key);
            self.episodes.push(changed.clone());
        }
        &self.last
    }

    fn decide(&mut self) -> &Decision {
        self.decide_with(shipped())
    }

    fn band(&self) -> Band {
        self.last.assessment.as_ref().unwrap().band
    }

    fn due(&self) -> Option<Moment> {
        self.last.assessment.as_ref().unwrap().next_due_at
    }

    /// Red from day `day` on.
    fn turns_red(&mut self, day: i64) -> &Decision {
        self.feels(day, "red");
        self.silent_since(day, day - 100);
        self.decide()
    }

    fn turns_green(&mut self, day: i64) -> &Decision {
        self.feels(day, "green");
        self.silent_since(day, day);
        self.decide()
    }
}

fn renewal(in_days: i64) -> Value {
    Value::Date(jiff::civil::date(2026, 11, 23).checked_add(in_days.days()).unwrap())
}

fn kinds(decision: &Decision) -> Vec<&'static str> {
    decision.events.iter().map(|event| event.body.kind()).collect()
}

const OPENED: [&str; 3] = ["account.band_changed", "account.risk_opened", "action.requested"];

#[test]
fn first_sight_is_no_news_even_of_a_red_account() {
    let mut account = Account::healthy();
    account.feels(0, "red");
    account.silent_since(0, -200);
    assert_eq!(kinds(account.decide()), ["account.watched"]);
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
    assert_eq!(kinds(account.turns_red(3)), ["account.band_changed"], "one open episode, no second alert");
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
    let mut account = Account::healthy();
    account.silent_since(0, -40);
    account.decide();
    let mut files = files();
    let health = files.0.get_mut("health.toml").unwrap();
    *health = health.replace("green = 100", "green = 1");
    let changed = config::load(&files, &connectors::tools()).unwrap();
    let before = account.band();
    account.feels(1, "green");
    assert_eq!(kinds(account.decide_with(&changed)), Vec::<&str>::new());
    assert_ne!(account.band(), before);
    assert!(account.episodes.is_empty());
}

#[test]
fn what_was_true_before_the_connection_went_live_is_no_news() {
    let mut files = files();
    let connections = files.0.get_mut("connections.toml").unwrap();
    *connections =
        connections.replace("[connection.hubspot]", "[connection.hubspot]\nlive_from = 2026-12-01T00:00:00Z");
    let config = config::load(&files, &connectors::tools()).unwrap();
    let mut account = Account::healthy();
    account.decide_with(&config);
    account.feels(1, "red");
    account.silent_since(1, -99);
    assert_eq!(kinds(account.decide_with(&config)), ["account.band_changed"]);
}

#[test]
fn an_account_that_is_no_customer_any_more_closes_what_is_open_with_that_reason() {
    let mut account = Account::healthy();
    account.decide();
    account.turns_red(1);
    account.state(2, Field::LifecycleStage, FactKey::Profile, Value::Text("other".into()));
    let decision = account.decide();
    assert_eq!(kinds(decision), ["account.unwatched", "account.risk_resolved"]);
    assert_eq!(decision.assessment, None);
    assert_eq!(account.episodes[0].state, EpisodeState::Closed { at: days(2), why: Closing::Unwatched });
}

#[test]
fn our_own_companies_and_their_subdomains_are_not_watched() {
    let mut files = files();
    let connections = files.0.get_mut("connections.toml").unwrap();
    let line = connections.lines().find(|line| line.starts_with("exclude_domains")).unwrap().to_owned();
    *connections = connections.replace(&line, r#"exclude_domains = ["ourco.example"]"#);
    let config = config::load(&files, &connectors::tools()).unwrap();
    for (domain, watched) in [("ourco.example", false), ("eu.ourco.example", false), ("notourco.example", true)] {
        let mut account = Account::healthy();
        account.state(0, Field::Domain, FactKey::Profile, Value::Text(domain.into()));
        assert_eq!(account.decide_with(&config).assessment.is_some(), watched, "{domain}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No band changes between two due moments, and at a due moment (short of the horizon) one does.
    #[test]
    fn an_account_is_due_exactly_when_time_changes_its_band(
        word in prop_oneof![Just("green"), Just("yellow"), Just("red")], silent in 0..120_i64, renews in -30..250_i64,
    ) {
        let mut account = Account::healthy();
        account.feels(0, word);
        account.silent_since(0, -silent);
        account.state(0, Field::RenewsOn, FactKey::Subscription("company".into()), renewal(renews));
        account.decide();
        let (before, due) = (account.band(), account.due().unwrap());
        let mut day = days(0);
        loop {
            day = day.plus(SignedDuration::from_hours(24)).min(due);
            let mut then = Account { facts: account.facts.clone(), last: account.last.clone(), episodes: vec![], deliveries: 99 };
            then.tick(day);
            then.decide();
            if day == due {
                let horizon = due.since(days(0)).as_hours() > 24 * 395;
                prop_assert!(then.band() != before || horizon, "nothing changed at {}", due);
                break;
            }
            prop_assert_eq!(then.band(), before, "at {}, before {}", day, due);
        }
    }
}
