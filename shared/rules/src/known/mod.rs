//! What is known of an account as declared scalars, with the statement behind each.

mod addressee;
mod history;
mod people;
mod sources;
mod surveys;
#[cfg(test)]
mod tests;
mod tickets;
mod usage;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use addressee::Addressee;
use config::{Config, Feed, Scalar, ScalarInfo, Scalars};
use history::History;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{AlsoSaid, ConnectionName, FactKey, Field, Heard, Value, View};
use people::People;
use sources::{SourceId, Sources, days_since, within};
use surveys::Answers;
use tickets::Tickets;
use usage::Usage;

use crate::renewals::{Renewal, Renewals, days_between};
use crate::told::Told;
use crate::when::When;

/// The statements that scalars are read from, found once; values at any day follow from them without another look.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    view: View<'a>,
    config: &'a Config,
    zone: &'a TimeZone,
    told: BTreeMap<Field, Told<'a>>,
    sources: Sources<'a>,
    renewals: Renewals<'a>,
    history: History<'a>,
    people: People<'a>,
    tickets: Tickets<'a>,
    answers: Answers<'a>,
    usage: Usage<'a>,
}

/// A scalar as a measure reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// `None` where nothing is known; whether anything could be, [`Config::is_wired`] says.
    pub value: Option<Scalar>,
    /// The last day on which its source was heard, where that is silent. The value is then that day's, unless it follows
    /// from a stated date alone.
    pub stale_since: Option<Date>,
}

/// The fields of which one value counts for the whole account, and where they are kept; terms are in [`Renewals`].
const FIELDS: [(FactKey, &[Field]); 4] = [
    (
        FactKey::Profile,
        &[
            Field::Name,
            Field::Domain,
            Field::LifecycleStage,
            Field::Tier,
            Field::Segment,
            Field::Region,
            Field::Language,
            Field::Csm,
            Field::RecordOwner,
            Field::CustomerSince,
            Field::IsTest,
        ],
    ),
    (FactKey::Sentiment, &[Field::Sentiment]),
    (FactKey::Touchpoint, &[Field::LastTwoWayAt]),
    (FactKey::Override, &[Field::OverrideBand, Field::OverrideBy, Field::OverrideWhy, Field::OverrideUntil]),
];

/// The window in which people are counted, in days: a quarter. Part of what the name of the scalar says.
const STAKEHOLDERS: i64 = 90;

impl<'a> Known<'a> {
    /// Reads the statements. `heard`: when each connection delivered anything, about whomever.
    pub fn new(view: View<'a>, heard: &BTreeMap<ConnectionName, Heard>, config: &'a Config) -> Self {
        let told = FIELDS.iter().flat_map(|(key, fields)| {
            fields.iter().filter_map(move |field| Some((*field, Told::of(view, key, *field)?)))
        });
        let sources = Sources::new(view, heard, config);
        let people = People::new(view, config);
        let usage = Usage::new(view, &sources, config);
        Self {
            view,
            config,
            zone: &config.model.zone,
            told: told.collect(),
            renewals: Renewals::new(view, config, &|units, from| usage.run_out(units, from)),
            history: History::new(view, &sources, config),
            tickets: Tickets::new(view, &sources, config),
            answers: Answers::new(view, &sources, &people, config),
            usage,
            people,
            sources,
        }
    }

    pub fn text(&self, field: Field) -> Option<&'a str> {
        self.told.get(&field)?.text()
    }

    /// One name for a person, however a source names them: the address where it is known.
    pub fn person(&self, person: &'a str) -> &'a str {
        self.people.name(person)
    }

    /// The renewal that counts on a day.
    pub fn renewal(&self, on: Date) -> Renewal<'a> {
        self.renewals.on(on)
    }

    /// Every renewal.
    pub fn renewals(&self) -> &Renewals<'a> {
        &self.renewals
    }

    /// Recurring revenue.
    pub fn arr(&self, on: Date) -> Option<model::Money> {
        self.renewals.arr(on).map(|(money, _)| money)
    }

    /// Seats bought, over all subscriptions that have not ended.
    pub fn seats(&self) -> Option<i64> {
        self.history.seats()
    }

    /// The value of a declared scalar at a moment, except those that an assessment gives (`band`, `score`, …). While its
    /// source is silent, the value of the last day it was heard.
    pub fn scalar(&self, name: &str, when: When) -> Option<Scalar> {
        self.value(config::scalar(name)?, when)
    }

    /// A scalar with whether its source is alive.
    pub fn read(&self, info: &ScalarInfo, when: When) -> Reading {
        let silent = self.sources_of(info, when).into_iter().filter_map(|id| self.sources.silent_since(id, when));
        Reading { value: self.value(info, when), stale_since: silent.min() }
    }

    /// The days on which a source of the account falls silent unless it is heard again.
    pub fn silent_from(&self) -> impl Iterator<Item = Date> {
        self.sources.silent_from()
    }

    /// Every scalar known at a moment.
    pub fn scalars(&self, when: When) -> Scalars {
        config::SCALARS.iter().filter_map(|info| Some((info.name, self.value(info, when)?))).collect()
    }

    /// What it says is only that nobody ever opened a ticket.
    pub fn is_silence(&self, info: &ScalarInfo) -> bool {
        info.feed == Feed::Tickets && self.tickets.is_empty()
    }

    /// As [`Self::scalar`], of a name that was looked up before.
    pub fn value(&self, info: &ScalarInfo, when: When) -> Option<Scalar> {
        match info.feed {
            Feed::Mapped => self.mapped(info.name, when),
            Feed::Operator => self.overridden(when),
            Feed::Tickets => {
                let known = self.tickets.scalar(info.name, when, &self.sources, self.seats());
                // Who never asked for anything has not, where somebody would have told.
                let none = || ["had_tickets", "ticket_spike"].contains(&info.name) && self.config.is_wired(info);
                known.or_else(|| none().then_some(Scalar::Flag(false)))
            }
            Feed::Answers if info.name == "csat_percent" => self.answers.csat(when, &self.sources, &self.people),
            Feed::Answers => self.answers.scalar(info.name, when, &self.sources, &self.people),
            Feed::People => self.of_people(info.name, when),
            Feed::Usage => self.usage.scalar(info.name, when, &self.sources, self.seats()),
            Feed::Payments | Feed::Milestones => self.history.scalar(info.name, when, &self.sources),
        }
    }

    /// What one statement tells, and what a date makes of it.
    fn mapped(&self, name: &str, when: When) -> Option<Scalar> {
        let on = when.day;
        let text = |field| self.text(field).map(|t| Scalar::Text(t.to_owned()));
        let until = |date: Date| Scalar::Int(days_between(on, date));
        let since = |told: &Told<'a>, date: Date| Scalar::Int(days_since(date, self.held(told, when)));
        match name {
            "name" => text(Field::Name),
            "domain" => text(Field::Domain),
            "lifecycle_stage" => text(Field::LifecycleStage),
            "tier" => text(Field::Tier),
            "segment" => text(Field::Segment),
            "region" => text(Field::Region),
            "language" => text(Field::Language),
            "csm_sentiment" => text(Field::Sentiment),
            "is_test" => self.told.get(&Field::IsTest)?.flag().map(Scalar::Flag),
            "auto_renew" => self.renewal(on).auto_renew?.flag().map(Scalar::Flag),
            "has_active_subscription" => self.renewals.has_active_subscription.map(Scalar::Flag),
            "arr" => self.arr(on).map(|money| Scalar::Int(money.major())),
            "notice_days" => self.renewal(on).notice?.int().map(Scalar::Int),
            "days_to_renewal" => self.renewal(on).due_on().map(until),
            "days_to_notice" => self.renewal(on).notice_deadline().map(until),
            "days_to_run_out" => self.renewals.runs_out().map(|out| until(out.on)),
            "customer_age_days" => self.history.scalar(name, when, &self.sources),
            "has_sponsor" => self.people.has_sponsor().map(Scalar::Flag),
            "days_since_sentiment" => {
                let told = self.told.get(&Field::Sentiment)?;
                Some(since(told, told.register.stamp.occurred_at.date_in(self.zone)))
            }
            "days_since_two_way_contact" => {
                let told = self.told.get(&Field::LastTwoWayAt)?;
                match told.register.value {
                    Value::Moment(at) => Some(since(told, at.date_in(self.zone))),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The band that a person has set, through the last day for which it was; one without an end counts for nothing.
    fn overridden(&self, when: When) -> Option<Scalar> {
        let band = self.text(Field::OverrideBand).filter(|band| ["green", "yellow", "red"].contains(band))?;
        let until = self.told.get(&Field::OverrideUntil)?.date()?;
        (when.day <= until).then(|| Scalar::Text(band.to_owned()))
    }

    fn of_people(&self, name: &str, when: When) -> Option<Scalar> {
        let theirs = self.heard_from();
        match name {
            "stakeholders_90d" if theirs.is_empty() => None,
            "stakeholders_90d" => {
                let recent = theirs.iter().filter(|p| within(p.on, self.sources.held(p.source, when), STAKEHOLDERS));
                let people: BTreeSet<_> = recent.map(|person| person.name).collect();
                i64::try_from(people.len()).ok().map(Scalar::Int)
            }
            "days_since_sponsor_heard" => {
                let last = theirs.iter().filter(|p| self.people.is_sponsor(p.name)).max_by_key(|p| p.on)?;
                Some(Scalar::Int(days_since(last.on, self.sources.held(last.source, when))))
            }
            _ => None,
        }
    }

    /// Each time somebody of theirs opened a ticket or gave an answer.
    fn heard_from(&self) -> Vec<Person<'a>> {
        let all = self.tickets.people().chain(self.answers.people());
        let named = all.map(|(person, on, source, told)| Person { name: self.people.name(person), on, source, told });
        named.filter(|person| self.people.is_theirs(person.name)).collect()
    }

    /// The statement behind a scalar; of several the newest that counts, or the gravest.
    pub fn told(&self, of: &ScalarInfo, when: When) -> Option<Told<'a>> {
        let on = when.day;
        let renewal = || self.renewal(on);
        match (of.feed, of.name) {
            (Feed::Mapped, "days_to_renewal" | "days_to_notice") => renewal().due,
            (Feed::Mapped, "days_to_run_out") => self.renewals.runs_out().map(|out| out.told),
            (Feed::Mapped, "notice_days") => renewal().notice,
            (Feed::Mapped, "auto_renew") => renewal().auto_renew,
            (Feed::Mapped, "has_active_subscription") => renewal().subscription,
            (Feed::Mapped, "arr") => self.renewals.arr(on).map(|(_, told)| told),
            (Feed::Mapped, "customer_age_days") => self.history.told(of.name),
            (Feed::Mapped, "has_sponsor") => self.people.role(),
            (Feed::Mapped, _) => of.fields.iter().find_map(|field| self.told.get(field)).copied(),
            (Feed::Operator, _) => self.told.get(&Field::OverrideBand).copied(),
            (Feed::Tickets, name) => self.tickets.told(name),
            (Feed::Answers, name) => self.answers.told(name),
            (Feed::People, name) => {
                let all = self.heard_from().into_iter();
                let of_it = all.filter(|p| name != "days_since_sponsor_heard" || self.people.is_sponsor(p.name));
                of_it.max_by_key(|person| person.on).map(|person| person.told)
            }
            (Feed::Usage, name) => self.usage.told(name),
            (Feed::Payments | Feed::Milestones, name) => self.history.told(name),
        }
    }

    /// Whose silence would make a scalar stale.
    fn sources_of(&self, info: &ScalarInfo, when: When) -> BTreeSet<SourceId> {
        match info.feed {
            Feed::Tickets => self.tickets.sources(),
            Feed::Answers => self.answers.sources(),
            Feed::People => self.heard_from().iter().map(|person| person.source).collect(),
            Feed::Usage => self.usage.sources(),
            Feed::Payments | Feed::Milestones | Feed::Mapped | Feed::Operator => {
                let told = self.told(info, when);
                told.and_then(|told| self.sources.id(told.connection)).into_iter().collect()
            }
        }
    }

    fn held(&self, told: &Told<'a>, when: When) -> When {
        self.sources.id(told.connection).map_or(when, |id| self.sources.held(id, when))
    }

    /// What others say instead of the statement behind a scalar: other sources, other members, and for a renewal the
    /// source that is not believed. Who says the same is not named.
    pub fn also_said(&self, of: &ScalarInfo, when: When) -> Vec<AlsoSaid> {
        let Some(shown) = self.told(of, when) else { return vec![] };
        let placed = self.view.facts().iter().filter(|placed| &placed.fact.subject == shown.subject);
        let mut keys = placed.filter(|placed| holds(&placed.fact, shown)).map(|placed| &placed.fact.key);
        let others = keys.next().into_iter().flat_map(|key| Told::all(self.view, key, shown.field));
        // Objects are of one kind and still not one thing: what is said of another deal is no other word on this one.
        let others = others.filter(|told| !shown.subject.is_leaf() || told.subject == shown.subject);
        let also_due = matches!(of.name, "days_to_renewal" | "days_to_notice").then(|| self.renewal(when.day).also_due);
        let differs =
            |told: &Told<'_>| told.register.value != shown.register.value && told.register.value != Value::Cleared;
        others.chain(also_due.flatten()).filter(differs).map(|told| told.also_said()).take(AlsoSaid::MOST).collect()
    }
}

/// Somebody of theirs who opened a ticket or gave an answer.
#[derive(Debug, Clone)]
struct Person<'a> {
    name: &'a str,
    on: Date,
    source: SourceId,
    told: Told<'a>,
}

fn holds(fact: &model::Fact, told: Told<'_>) -> bool {
    fact.all_registers().any(|(_, _, register)| std::ptr::eq(register, told.register))
}
