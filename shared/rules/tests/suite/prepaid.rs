//! Units that were paid in advance run out, and that is prepared as the end of a contract is: worked out by hand. Day 0 is
//! Monday 2026-11-23; the team is in Berlin, and 2026-12-25 and 2027-01-01 are holidays.

use std::sync::OnceLock;

use crate::common::{Account, company, days, kinds, on, requests, shipped, subscription};
use config::Config;
use jiff::SignedDuration;
use model::{ActionRequest, Closing, DayOfMonth, EpisodeState, FactKey, Field, Moment, UsageKey, Value};
use proptest::prelude::*;

/// What ships, with no playbook but the one for renewals.
fn config() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let mut config = shipped().clone();
        config.playbooks.retain(|playbook| playbook.name.as_str() == "renewal-runway");
        config
    })
}

struct Story {
    account: Account,
    said: Vec<(Moment, ActionRequest)>,
}

impl Story {
    /// A hundred units were used on each of the last 28 days, and so many are left on day 0.
    fn new(left: i64) -> Self {
        let mut story = Self { account: Account::new(), said: vec![] };
        story.account.feels(0, "green");
        story.account.spoke(0, 0);
        for day in -28..0 {
            story.used(0, day, 100);
        }
        story.account.state(0, Field::PrepaidLeft, subscription(), Value::Int(left));
        story
    }

    /// It is told on the morning of a day what was used on another.
    fn used(&mut self, told: i64, day: i64, units: i64) {
        let Value::Date(date) = on(day) else { panic!("a day") };
        let key = FactKey::Usage(UsageKey::new("app", "all", UsageKey::PREPAID_UNITS, date).unwrap());
        let field = Field::Day(DayOfMonth::of(date));
        self.account.tell(("product", &company(), 0), told, key, field, Value::Int(units));
    }

    fn decide(&mut self, now: Moment) {
        let decision = self.account.decide_with(config()).clone();
        self.said.extend(requests(&decision).into_iter().map(|request| (now, request.clone())));
    }

    /// What is due up to a moment.
    fn run(&mut self, until: Moment) {
        while let Some(due) = self.account.due().filter(|due| *due <= until) {
            self.account.tick(due);
            self.decide(due);
        }
    }

    /// So many days pass, each with a report of the day before on its morning.
    fn pass(mut self, days_from_0: std::ops::RangeInclusive<i64>, used: impl Fn(i64) -> i64) -> Self {
        for day in days_from_0 {
            self.run(days(day));
            self.used(day, day - 1, used(day - 1));
            self.decide(days(day));
        }
        self
    }

    fn words(&self) -> Vec<String> {
        let step = |request: &ActionRequest| request.step.split('~').next().unwrap().to_owned();
        self.said.iter().map(|(at, request)| format!("{} {}", &at.to_string()[..16], step(request))).collect()
    }

    fn texts(&self) -> Vec<&str> {
        self.said.iter().filter_map(|(_, request)| request.alert.text.as_deref()).collect()
    }
}

fn first_look(left: i64) -> Story {
    let mut story = Story::new(left);
    story.decide(days(0));
    story
}

#[test]
fn what_runs_out_is_prepared_as_a_renewal_is() {
    // Day 130 is 2027-04-02; 90 days before is a Saturday after a holiday.
    let story = first_look(13_000).pass(1..=134, |_| 100);
    let steps = ["2026-12-03T08:00 120", "2026-12-31T08:00 90", "2027-02-01T08:00 60", "2027-04-05T07:00 past_due"];
    assert_eq!(story.words()[..4], steps);
    assert_eq!(
        story.texts()[0],
        "12100 prepaid units are left after 2026-12-01; at about 100 a day, the mean of four weeks, they run out on 2027-04-02."
    );
    assert_eq!(story.texts()[3], "What was paid in advance ran out on 2027-04-02, 3 days ago, and no more was paid.");
    let change = &story.said[0].1.alert.changes[0];
    assert_eq!((change.measure.as_str(), change.to.as_deref()), ("Prepaid runs out", Some("2027-04-02")));
    assert_eq!(story.said[0].1.alert.days_to_deadline, Some(120));
}

#[test]
fn a_day_that_drifts_with_every_report_is_told_with_the_next_step_only() {
    // A tenth more from day 20 on: in the end it runs out on day 120.
    let story = first_look(13_000).pass(1..=118, |day| if day < 20 { 100 } else { 110 });
    assert_eq!(story.words(), ["2026-12-03T08:00 120", "2026-12-28T08:00 90", "2027-01-22T08:00 60"]);
    let [_, second, third] = story.texts()[..] else { panic!("three") };
    assert!(second.starts_with("The day it runs out moved from 2027-04-02 to 2027-03-28."), "{second}");
    assert!(third.starts_with("The day it runs out moved from 2027-03-28 to 2027-03-23."), "{third}");
}

#[test]
fn three_times_the_use_brings_the_steps_forward_each_once() {
    let story = first_look(13_000).pass(1..=58, |day| if day < 20 { 100 } else { 300 });
    let steps = ["2026-12-03T08:00 120", "2026-12-16T08:00 90", "2026-12-20T09:00 60", "2027-01-20T08:00 past_due"];
    assert_eq!(story.words(), steps);
}

#[test]
fn far_less_use_is_told_once_it_is_far() {
    // 10 a day from day 20 on, which moves the day later and later.
    let story = first_look(13_000).pass(1..=36, |day| if day < 20 { 100 } else { 10 });
    assert_eq!(story.words()[0], "2026-12-03T08:00 120");
    assert_eq!(story.words().len(), 2, "{:?}", story.words());
    let EpisodeState::Closed { why, .. } = story.account.episodes[0].state else { panic!("it begins anew then") };
    assert_eq!(why, Closing::Moved);
}

#[test]
fn what_is_paid_again_begins_anew() {
    let mut story = first_look(13_000).pass(1..=49, |_| 100);
    story.run(days(50));
    story.account.state(50, Field::PrepaidLeft, subscription(), Value::Int(40_000));
    story.used(50, 49, 100);
    story.decide(days(50));
    assert_eq!(story.words(), ["2026-12-03T08:00 120", "2026-12-31T08:00 90", "2027-01-12T09:00 resolved"]);
    let EpisodeState::Closed { why, .. } = story.account.episodes[0].state else { panic!("it ends") };
    assert_eq!(why, Closing::Renewed);
}

#[test]
fn a_contract_that_ends_earlier_ends_first() {
    let mut story = Story::new(13_000);
    story.account.state(0, Field::RenewsOn, subscription(), on(100));
    story.decide(days(0));
    let story = story.pass(1..=40, |_| 100);
    assert_eq!(story.words(), ["2026-12-03T08:00 90", "2026-12-31T08:00 60"]);
    assert!(story.texts()[0].contains("The contract ends on 2027-03-03."), "{}", story.texts()[0]);
    // And one that ends later is named beside it.
    let mut story = Story::new(13_000);
    story.account.state(0, Field::RenewsOn, subscription(), on(300));
    story.decide(days(0));
    let story = story.pass(1..=10, |_| 100);
    assert!(story.texts()[0].ends_with("they run out on 2027-04-02; the contract ends on 2027-09-19."));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn whatever_is_used_looking_more_often_says_no_more(
        weeks in prop::collection::vec(0..400_i64, 14),
        looks in prop::collection::vec(1..86_399_i64, 98),
        left in 5_000..30_000_i64,
    ) {
        let used = |day: i64| weeks[usize::try_from(day / 7).unwrap() % weeks.len()];
        let mut calm = first_look(left).pass(1..=97, used);
        let mut story = first_look(left);
        for (day, second) in (1..=97).zip(&looks) {
            story = story.pass(day..=day, used);
            let look = days(day).plus(SignedDuration::from_secs(*second));
            story.run(look);
            story.account.tick(look);
            story.decide(look);
            prop_assert_eq!(kinds(&story.account.last), Vec::<&str>::new(), "at {}", look);
        }
        // Up to the same moment, whenever the last look was.
        calm.run(days(99));
        story.run(days(99));
        prop_assert_eq!(story.words(), calm.words());
        // No step is said twice for one end; one that has moved by more than a month has its own. That it is over names no end,
        // and is said once for each episode.
        let step = |request: &ActionRequest| {
            let end = request.alert.renews_on;
            (request.step.clone(), end, end.is_none().then(|| request.episode.clone()))
        };
        let mut names: Vec<_> = calm.said.iter().map(|(_, request)| step(request)).collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), calm.said.len());
    }
}
