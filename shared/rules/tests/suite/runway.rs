//! The way through a renewal: what is said when, worked out by hand from a calendar. Day 0 is Monday 2026-11-23; the team
//! is in Berlin, and 2026-12-25 and 2027-01-01 are holidays.

mod ends;

use crate::common::{Account, company, days, shipped, subscription, usd, word};
use config::{Checkpoint, Config, RenewalPipeline, RenewalSource, Runway, Trigger};
use jiff::SignedDuration;
use jiff::civil::Date;
use model::{ActionRequest, Closing, Desk, EpisodeState, EventBody, FactKey, Field, Mode, Moment, Placement, Value};
use rules::desk::{DeskRules, Thread, offer};

/// What a source says.
#[derive(Clone)]
enum Says {
    /// The end of the contract kept at the company.
    Due(&'static str),
    /// Of another contract.
    Other(&'static str, &'static str),
    /// There is no end any more.
    NoDue,
    Notice(i64),
    RenewsByItself(bool),
    Starts(&'static str),
    Status(&'static str),
    /// A billing system's own id, and the period it bills.
    Billed(&'static str, &'static str, &'static str),
    /// A renewal deal: id, stage, the day it closes.
    Deal(&'static str, &'static str, &'static str),
    Owner(&'static str),
    Stage(&'static str),
    Feels(&'static str),
    Sponsor(bool),
    /// Nobody spoke for so many days.
    Silent(i64),
    /// A ticket that cannot wait.
    Urgent,
    /// An operator ends what runs.
    Closed,
}
use Says::*;

/// HubSpot has a renewal pipeline; the company's properties are believed first. Ines works in Auckland, Tom in New York.
fn config() -> Config {
    let mut config = shipped().clone();
    for connection in &mut config.connections {
        let ids = |id: &str| vec![id.to_owned()];
        let pipeline = RenewalPipeline { pipelines: ids("renewals"), won: ids("won"), lost: ids("lost") };
        connection.renewals = (connection.name.as_str() == "hubspot").then_some(pipeline);
    }
    config.renewal_sources = vec![RenewalSource::Company, RenewalSource::Deals];
    config.playbooks.retain(|playbook| ["renewal-runway", "risk-mitigation"].contains(&playbook.name.as_str()));
    for (person, zone) in config.team.people.iter_mut().zip(["Pacific/Auckland", "America/New_York"]) {
        person.zone = Some(jiff::tz::TimeZone::get(zone).unwrap());
    }
    config
}

struct Story {
    account: Account,
    config: Config,
    now: Moment,
    asked: Vec<(Moment, ActionRequest)>,
}

impl Story {
    fn new(config: Config) -> Self {
        let mut account = Account::new();
        account.feels(0, "green");
        account.spoke(0, 0);
        Self { account, config, now: days(0), asked: vec![] }
    }

    fn date(day: &str) -> Value {
        Value::Date(day.parse::<Date>().unwrap())
    }

    fn hear(&mut self, day: i64, says: &Says) {
        let account = &mut self.account;
        let mut contract = |field, value| account.state(day, field, subscription(), value);
        match says {
            Due(on) => contract(Field::RenewsOn, Self::date(on)),
            NoDue => contract(Field::RenewsOn, Value::Cleared),
            Notice(notice) => contract(Field::NoticeDays, Value::Int(*notice)),
            RenewsByItself(flag) => contract(Field::AutoRenew, Value::Flag(*flag)),
            Starts(on) => contract(Field::StartsOn, Self::date(on)),
            Status(status) => contract(Field::Status, word(status)),
            Other(id, on) => {
                account.state(day, Field::RenewsOn, FactKey::Subscription((*id).to_owned()), Self::date(on));
            }
            Billed(id, from, to) => {
                let key = FactKey::Subscription((*id).to_owned());
                for (field, date) in [(Field::StartsOn, from), (Field::RenewsOn, to)] {
                    account.tell(("zendesk", &company(), 0), day, key.clone(), field, Self::date(date));
                }
            }
            Silent(since) => account.spoke(day, day - since),
            Closed => account.state(
                day,
                Field::At,
                FactKey::PlayClose("renewal-runway".parse().unwrap()),
                Value::Moment(days(day)),
            ),
            Urgent => {
                let ticket = model::SubjectId::vendor("zendesk", "ticket", "1");
                for (field, value) in [(Field::OpenedAt, Value::Moment(days(day))), (Field::Priority, word("urgent"))] {
                    account.tell(("zendesk", &ticket, 1), day, FactKey::Ticket, field, value);
                }
            }
            Deal(id, stage, on) => {
                let told = [
                    (Field::Pipeline, word("renewals")),
                    (Field::Stage, word(stage)),
                    (Field::ClosesOn, Self::date(on)),
                ];
                account.deal(day, id, &told);
                account.deal(day, id, &[(Field::Amount, usd(50_000))]);
            }
            Owner(email) => account.state(day, Field::Csm, FactKey::Profile, word(email)),
            Stage(stage) => account.state(day, Field::LifecycleStage, FactKey::Profile, word(stage)),
            Feels(word) => account.feels(day, word),
            Sponsor(is_there) => {
                let role = if *is_there { "sponsor" } else { "user" };
                let contact = model::SubjectId::vendor("hubspot", "contact", "7");
                account.tell(("hubspot", &contact, 1), day, FactKey::Contact, Field::Role, word(role));
            }
        }
    }

    fn decide(&mut self) {
        let decision = self.account.decide_with(&self.config).clone();
        let as_of = decision.assessment.as_ref().map(|assessment| assessment.as_of);
        // Each step that comes is told by one message, which its name gives away.
        let is_step = |event: &&model::Event| matches!(event.body, EventBody::CheckpointReached { .. });
        let is_told = |event: &&model::Event| match &event.body {
            EventBody::ActionRequested(request) => Runway::is_reminder(request),
            _ => false,
        };
        let count = |is: &dyn Fn(&&model::Event) -> bool| decision.events.iter().filter(is).count();
        assert_eq!(count(&is_told), count(&is_step), "{:#?}", decision.events);
        for event in decision.events {
            if let EventBody::ActionRequested(request) = event.body
                && request.playbook.as_str() == "renewal-runway"
            {
                self.asked.push((as_of.unwrap(), *request));
            }
        }
    }

    /// Looks at every due moment up to `to`.
    fn run_to(&mut self, to: Moment) {
        while let Some(due) = self.account.last.assessment.as_ref().and_then(|a| a.next_due_at).filter(|due| *due <= to)
        {
            assert!(due > self.now, "due again at {due}");
            self.now = due;
            self.account.tick(due);
            self.decide();
        }
        self.now = self.now.max(to);
    }

    /// Looks once, whatever was missed.
    fn look(&mut self, at: Moment) {
        self.now = at;
        self.account.tick(at);
        self.decide();
    }

    /// All that is heard, in order, with a look at every due moment on the way.
    fn told(config: Config, heard: &[(i64, Says)], until: i64) -> Self {
        let mut story = Self::new(config);
        let mut rest = heard;
        while let Some((day, _)) = rest.first() {
            let same = rest.iter().take_while(|(other, _)| other == day).count();
            story.run_to(days(*day).plus(SignedDuration::from_millis(-1)));
            rest[..same].iter().for_each(|(_, says)| story.hear(*day, says));
            rest = &rest[same..];
            story.now = days(*day);
            story.decide();
        }
        story.run_to(days(until));
        story
    }

    /// When and what, without the daily digest: `2027-02-01T08:00 120`.
    fn said(&self) -> Vec<String> {
        let named = self.asked.iter().map(|(at, request)| {
            let name = request.step.split('~').next().unwrap().to_owned();
            (at.to_string()[..16].to_owned(), name)
        });
        named.filter(|(_, name)| name != "digest").map(|(at, name)| format!("{at} {name}")).collect()
    }

    fn closings(&self) -> Vec<Closing> {
        let closing = |episode: &model::Episode| match episode.state {
            EpisodeState::Closed { why, .. } => Some(why),
            EpisodeState::Open { .. } => None,
        };
        let of_runway =
            self.account.episodes.iter().filter(|episode| episode.key.playbook.as_str() == "renewal-runway");
        of_runway.filter_map(closing).collect()
    }

    fn texts(&self) -> Vec<String> {
        self.asked.iter().filter_map(|(_, request)| request.alert.text.clone()).collect()
    }
}

/// The days from day 0.
fn on(day: &str) -> i64 {
    let zero: Date = "2026-11-23".parse().unwrap();
    zero.until(day.parse::<Date>().unwrap()).unwrap().get_days().into()
}

#[track_caller]
fn check(name: &str, heard: &[(i64, Says)], until: &str, expected: &[&str]) -> Story {
    let story = Story::told(config(), heard, on(until));
    assert_eq!(story.said(), expected, "{name}");
    story
}

/// The plain case, which most others vary: the contract ends on Tuesday 2027-06-01.
const PLAIN: [&str; 3] = ["2027-02-01T08:00 120", "2027-03-03T08:00 90", "2027-04-02T07:00 60"];

fn plain_and<'a>(more: &[&'a str]) -> Vec<&'a str> {
    PLAIN.iter().chain(more).copied().collect()
}

#[test]
fn the_clock_runs_on_the_last_day_for_notice_or_on_the_end() {
    let past_due = plain_and(&["2027-06-02T07:00 past_due"]);
    check("plain", &[(0, Due("2027-06-01"))], "2027-06-10", &past_due);
    let off = [(0, Due("2027-06-01")), (0, Notice(90)), (0, RenewsByItself(false))];
    check("it does not renew by itself", &off, "2027-06-10", &past_due);
    let on_notice = [(0, Due("2027-08-30")), (0, Notice(90))];
    let locked_in = plain_and(&["2027-06-02T07:00 locked_in", "2027-08-31T07:00 past_due"]);
    check("notice known, renewal unknown", &on_notice, "2027-09-10", &locked_in);
    let by_itself = [(0, Due("2027-08-30")), (0, Notice(90)), (0, RenewsByItself(true))];
    let story = check("it renews by itself", &by_itself, "2027-11-15", &locked_in[..4]);
    assert_eq!(story.closings(), [Closing::Completed]);
    let unknown = [(0, Due("2027-06-01")), (0, RenewsByItself(true))];
    check("notice unknown", &unknown, "2027-06-10", &plain_and(&["2027-06-02T07:00 locked_in"]));
}

#[test]
fn a_step_comes_at_nine_where_the_owner_is_on_its_day_or_the_working_day_before() {
    let owned = |email| [(0, Due("2027-06-01")), (0, Owner(email))];
    let auckland = ["2027-01-31T20:00 120", "2027-03-02T20:00 90", "2027-04-01T20:00 60"];
    check("Auckland", &owned("ines.almeida@ourco.example"), "2027-06-01", &auckland);
    let new_york = ["2027-02-01T14:00 120", "2027-03-03T14:00 90", "2027-04-02T13:00 60"];
    check("New York", &owned("tom.brandt@ourco.example"), "2027-06-01", &new_york);
    check("no zone of their own", &owned("priya.nair@ourco.example"), "2027-06-01", &PLAIN);
    // Clocks go forward on Sunday 28 March 2027 and back on Sunday 31 October 2027.
    let before = ["2027-03-26T08:00 120", "2027-04-27T07:00 90", "2027-05-27T07:00 60"];
    check("the Friday before summer time", &[(0, Due("2027-07-26"))], "2027-07-01", &before);
    let after = ["2027-03-29T07:00 120", "2027-04-28T07:00 90", "2027-05-28T07:00 60"];
    check("the Monday after it", &[(0, Due("2027-07-27"))], "2027-07-01", &after);
    let autumn = ["2027-10-29T07:00 120", "2027-11-26T08:00 90", "2027-12-28T08:00 60"];
    check("the Friday before winter time", &[(0, Due("2028-02-26"))], "2028-01-10", &autumn);
    let leap = ["2027-11-01T08:00 120", "2027-12-01T08:00 90", "2027-12-31T08:00 60"];
    check("it ends on a leap day", &[(0, Due("2028-02-29"))], "2028-01-10", &leap);
    let leap = ["2028-02-29T08:00 120", "2028-03-30T07:00 90", "2028-04-28T07:00 60"];
    check("a step on a leap day", &[(0, Due("2028-06-28"))], "2028-05-10", &leap);
    let year = ["2026-12-31T08:00 120", "2027-01-29T08:00 90", "2027-03-02T08:00 60"];
    check("New Year's Day is a holiday", &[(0, Due("2027-05-01"))], "2027-04-10", &year);
    let holiday = ["2026-12-24T08:00 120", "2027-01-22T08:00 90", "2027-02-23T08:00 60"];
    check("Christmas, then a Sunday", &[(0, Due("2027-04-24"))], "2027-04-10", &holiday);
}

#[test]
fn an_end_that_becomes_known_late_is_told_once_at_the_step_that_counts() {
    let late = [(0, Stage("customer")), (on("2027-03-23"), Due("2027-06-01"))];
    let story = check("70 days before", &late, "2027-06-01", &["2027-03-23T09:00 90", "2027-04-02T07:00 60"]);
    assert!(story.texts()[0].starts_with("It stands in for the step at 120 days."), "{:?}", story.texts());
    let later = [(0, Stage("customer")), (on("2027-05-22"), Due("2027-06-01"))];
    let story = check("10 days before", &later, "2027-06-01", &["2027-05-22T09:00 60"]);
    assert!(story.texts()[0].starts_with("It stands in for the step at 120 and 90 days."), "{:?}", story.texts());
    let after = [(0, Stage("customer")), (on("2027-06-05"), Due("2027-06-01"))];
    check("after the end", &after, "2027-06-06", &["2027-06-05T09:00 past_due"]);
    let long_after = [(0, Stage("customer")), (on("2027-08-05"), Due("2027-06-01"))];
    check("long after the end", &long_after, "2027-08-06", &[]);
    check("70 days before, at first sight", &[(0, Due("2027-02-01"))], "2027-01-31", &["2026-12-03T08:00 60"]);
}

#[test]
fn a_day_that_moves_plans_anew_and_repeats_only_what_is_well_later() {
    let moved = |to| [(0, Due("2027-06-01")), (on("2027-02-10"), Due(to))];
    let by_20 = ["2027-02-01T08:00 120", "2027-02-10T09:00 moved", "2027-03-23T08:00 90", "2027-04-22T07:00 60"];
    let story = check("by 20 days", &moved("2027-06-21"), "2027-06-01", &by_20);
    assert!(story.texts()[1].starts_with("The end of the contract moved from 2027-06-01 to 2027-06-21."));
    let by_45 = [
        "2027-02-01T08:00 120",
        "2027-02-10T09:00 resolved",
        "2027-03-18T08:00 120",
        "2027-04-16T07:00 90",
        "2027-05-17T07:00 60",
    ];
    let story = check("by 45 days", &moved("2027-07-16"), "2027-06-01", &by_45);
    assert_eq!(story.closings(), [Closing::Moved]);
    let back =
        check("60 days back", &moved("2027-04-02"), "2027-04-02", &["2027-02-01T08:00 120", "2027-02-10T09:00 60"]);
    let text = &back.texts()[1];
    assert!(text.contains("moved from 2027-06-01 to 2027-04-02") && text.contains("the step at 90 days"), "{text}");
    let by_30 = ["2027-02-01T08:00 120", "2027-02-10T09:00 moved", "2027-04-02T07:00 90", "2027-04-30T07:00 60"];
    check("the first step by 30 days", &moved("2027-07-01"), "2027-06-01", &by_30);
    let by_31 = ["2027-02-01T08:00 120", "2027-02-10T09:00 resolved", "2027-03-04T08:00 120"];
    check("the first step by 31 days", &moved("2027-07-02"), "2027-04-01", &by_31);
    let before = [(0, Due("2027-06-01")), (on("2027-01-10"), Due("2027-06-21"))];
    check("before anything was said", &before, "2027-03-01", &["2027-02-19T08:00 120"]);
}

#[test]
fn what_is_over_is_said_once_and_nothing_after_it() {
    let at = on("2027-02-21");
    let ended = ["2027-02-01T08:00 120", "2027-02-21T09:00 resolved"];
    let over = |says| [(0, Due("2027-06-01")), (at, says)];
    assert_eq!(check("cleared", &over(NoDue), "2027-07-01", &ended).closings(), [Closing::Cleared]);
    assert_eq!(check("cancelled", &over(Status("canceled")), "2027-07-01", &ended).closings(), [Closing::Lost]);
    assert_eq!(check("churned", &over(Stage("churned")), "2027-07-01", &ended[..1]).closings(), [Closing::Unwatched]);
    let deal = |stage| [(0, Deal("1", "talks", "2027-06-01")), (at, Deal("1", stage, "2027-06-01"))];
    assert_eq!(check("the deal was lost", &deal("lost"), "2027-07-01", &ended).closings(), [Closing::Lost]);
    assert_eq!(check("the deal was won", &deal("won"), "2027-07-01", &ended).closings(), [Closing::Renewed]);
    let back = [(0, Due("2027-06-01")), (at, NoDue), (on("2027-02-25"), Due("2027-06-01"))];
    check("put back", &back, "2027-06-01", &[&ended[..], &PLAIN[1..]].concat());
}

#[test]
fn contracts_that_end_together_are_one_renewal_and_months_are_none() {
    let with = |on| [(0, Due("2027-06-01")), (0, Other("addon", on))];
    check("a week later", &with("2027-06-08"), "2027-06-01", &PLAIN);
    let earlier = ["2027-01-28T08:00 120", "2027-02-26T08:00 90", "2027-03-29T07:00 60"];
    let story = check("four days earlier", &with("2027-05-28"), "2027-05-28", &earlier);
    assert!(story.account.episodes.iter().any(|episode| episode.key.key == "addon~2027-05-28"));
    let apart = [
        "2027-02-01T08:00 120",
        "2027-02-09T08:00 120",
        "2027-03-03T08:00 90",
        "2027-03-11T08:00 90",
        "2027-04-02T07:00 60",
        "2027-04-09T07:00 60",
    ];
    check("eight days later", &with("2027-06-09"), "2027-06-01", &apart);
    check("a trial of 30 days", &[(0, Due("2027-06-01")), (0, Starts("2027-05-02"))], "2027-07-01", &[]);
    check("half a year", &[(0, Due("2027-06-01")), (0, Starts("2026-12-03"))], "2027-06-01", &PLAIN);
    check("a day less", &[(0, Due("2027-06-01")), (0, Starts("2026-12-04"))], "2027-07-01", &[]);
    check("only months are billed", &[(0, Billed("sub_1", "2027-05-02", "2027-06-01"))], "2027-07-01", &[]);
    let billed = |id| [(0, Due("2027-06-01")), (0, Billed(id, "2026-11-15", "2026-12-15"))];
    check("billed monthly, by an id of its own", &billed("sub_1"), "2027-06-01", &PLAIN);
    check("billed monthly, as the same contract", &billed("company"), "2027-06-01", &PLAIN);
}

#[test]
fn one_contract_that_two_sources_tell_of_has_one_runway() {
    let both = [(0, Due("2027-06-01")), (0, Deal("1", "talks", "2027-06-10"))];
    check("the company is believed", &both, "2027-06-01", &PLAIN);
    let [due, deal] = both;
    let switch = [due, deal, (on("2027-02-21"), NoDue)];
    let goes_on = ["2027-02-01T08:00 120", "2027-02-21T09:00 moved", "2027-03-12T08:00 90", "2027-04-09T07:00 60"];
    check("the other takes over", &switch, "2027-06-01", &goes_on);
    let mut deals_first = config();
    deals_first.renewal_sources.reverse();
    let won = [
        (0, Deal("1", "talks", "2027-06-01")),
        (0, Due("2027-06-11")),
        (on("2027-02-21"), Deal("1", "won", "2027-06-01")),
        (on("2027-07-01"), Due("2028-06-11")),
    ];
    let story = Story::told(deals_first, &won, on("2028-02-20"));
    let expected = ["2027-02-01T08:00 120", "2027-02-21T09:00 resolved", "2028-02-11T08:00 120"];
    assert_eq!(story.said(), expected, "won, and the company's day is behind");
}

#[test]
fn steps_that_nobody_looked_at_in_time_are_said_once() {
    for (at, expected) in [("2027-02-06T08:00:00Z", "120"), ("2027-03-10T08:00:00Z", "90")] {
        let mut story = Story::new(config());
        story.hear(0, &Due("2027-06-01"));
        story.decide();
        let at: Moment = at.parse().unwrap();
        for hours in [0, 1, 24, 100] {
            story.look(at.plus(SignedDuration::from_hours(hours)));
        }
        assert_eq!(story.said(), [format!("{} {expected}", &at.to_string()[..16])]);
    }
}

#[test]
fn what_is_past_due_is_told_once_and_stands_in_the_digest_of_every_working_day() {
    let story = Story::told(config(), &[(0, Due("2027-06-01"))], on("2027-06-08"));
    let after = story.asked.iter().skip(3).map(|(at, request)| {
        (at.to_string()[..16].to_owned(), request.step.as_str(), request.urgency == model::Urgency::Digest)
    });
    let expected = [
        ("2027-06-02T07:00", "past_due~2027-06-02", false),
        ("2027-06-03T07:00", "digest~2027-06-03", true),
        ("2027-06-04T07:00", "digest~2027-06-04", true),
        ("2027-06-07T07:00", "digest~2027-06-07", true),
        ("2027-06-08T07:00", "digest~2027-06-08", true),
    ];
    assert_eq!(after.collect::<Vec<_>>(), expected.map(|(at, step, digest)| (at.to_owned(), step, digest)));
    // Its reader gets a message on the first day, and then a line on the morning of each: its thread is left alone.
    let team = &story.config.team;
    let mut desk = Desk::new(story.asked[3].1.to.clone(), Mode::Live);
    let mut placed = |(_, request): &(Moment, ActionRequest)| {
        let rules = DeskRules::of(&request.to, team);
        let thread = if request.reply_to.is_some() { Thread::Sent } else { Thread::Starts };
        let (placement, next) = offer(&desk, request, &thread, request.alert.as_of, &rules);
        desk = next;
        placement
    };
    let placements: Vec<Placement> = story.asked[3..].iter().map(&mut placed).collect();
    let line = |day: &str| Placement::InDigest(day.parse().unwrap());
    let lines = ["2027-06-03", "2027-06-04", "2027-06-07", "2027-06-08"].map(line);
    assert_eq!((&placements[0], &placements[1..]), (&Placement::SendNow, &lines[..]));
}

#[test]
fn several_risks_at_once_pull_a_renewal_to_the_second_step() {
    let at = on("2026-12-20");
    let heard = [(0, Due("2027-06-01")), (1, Silent(70)), (at, Sponsor(false)), (at, Feels("red"))];
    let story = check("163 days before", &heard, "2027-06-01", &["2026-12-20T09:00 90", "2027-04-02T07:00 60"]);
    let (_, first) = &story.asked[0];
    assert!(first.alert.next_step.contains("save plan"), "{}", first.alert.next_step);
    assert!(first.alert.text.as_ref().unwrap().starts_with("Several risks come together"));
    let alone = [(0, Due("2027-06-01")), (1, Silent(70)), (at, Feels("red"))];
    let story = check("one risk alone", &alone, "2027-06-01", &PLAIN);
    assert!(story.asked[0].1.alert.next_step.contains("must be visible"), "the way of who is at risk");
    let urgent = [(0, Due("2027-06-01")), (1, Silent(70)), (at, Urgent), (at, Feels("red"))];
    check("an urgent ticket", &urgent, "2027-06-01", &["2026-12-20T09:00 90", "2027-04-02T07:00 60"]);
    // Whom nobody speaks to either is red.
    let spoken_to = [30, 70, 110, 150, 180].map(|day| (day, Silent(1)));
    let lost: Vec<_> = [(0, Due("2027-06-01")), (at, Sponsor(false))].into_iter().chain(spoken_to).collect();
    let story = check("the sponsor lost, and not red", &lost, "2027-06-01", &PLAIN);
    assert_ne!(story.account.band(), model::Band::Red);
    let far = [(0, Due("2027-06-25")), (1, Silent(70)), (at, Sponsor(false)), (at, Feels("red"))];
    // 180 days before the end is Sunday 2026-12-27, in Berlin from 23:00 the evening before.
    check("it comes near meanwhile", &far, "2027-04-01", &["2026-12-26T23:00 90"]);
    // First seen 48 days before the end, it is left alone; then it stands at the third step, and needs no second.
    let late = [(0, Due("2027-01-10")), (1, Silent(70)), (at, Sponsor(false)), (at, Feels("red"))];
    check("it is behind that step already", &late, "2027-01-08", &["2026-12-20T09:00 60"]);
}

#[test]
fn who_takes_over_is_told_in_the_thread() {
    let heard = [
        (0, Due("2027-06-01")),
        (0, Owner("tom.brandt@ourco.example")),
        (on("2027-02-10"), Owner("priya.nair@ourco.example")),
    ];
    let story = Story::told(config(), &heard, on("2027-02-11"));
    let [(_, first), (_, second)] = &story.asked[..] else { panic!("{:?}", story.said()) };
    assert!(second.step.starts_with("hand-off") && second.reply_to.as_ref() == Some(&first.id));
    assert_eq!(second.alert.next_step, first.alert.next_step);
}

#[test]
fn a_day_that_keeps_moving_is_told_once_and_where_it_ends_the_next_morning() {
    let mut story = Story::told(config(), &[(0, Due("2027-06-01"))], on("2027-02-02"));
    let day = on("2027-02-02");
    for to in ["2027-06-10", "2027-05-20", "2027-05-01", "2027-04-10", "2027-04-02"] {
        story.now = story.now.plus(SignedDuration::from_secs(1));
        story.account.tell_at(("hubspot", &company(), 0), story.now, subscription(), Field::RenewsOn, Story::date(to));
        story.decide();
    }
    story.run_to(days(day + 3));
    let moved = ["2027-02-01T08:00 120", "2027-02-02T09:00 moved", "2027-02-03T08:00 60"];
    assert_eq!(story.said(), moved);
    assert!(story.texts()[2].starts_with("The end of the contract moved from 2027-06-10 to 2027-04-02."));
}
