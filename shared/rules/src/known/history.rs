//! What is owed, what was bought, and what was reached since the company became a customer.

use config::{Config, Scalar};
use jiff::civil::Date;
use model::{FactKey, Field, Placed, View};

use super::sources::{SourceId, Sources, days_since};
use crate::renewals::{days_between, is_live};
use crate::told::Told;
use crate::when::When;

/// Facts of which several can stand side by side, such as two customers of one billing system.
#[derive(Debug, Clone)]
pub(super) struct History<'a> {
    /// Since when something is owed, per fact that tells of payments; `None` where all is paid.
    owed: Vec<(Option<Date>, SourceId, Option<Told<'a>>)>,
    failures: Vec<Told<'a>>,
    seats: Vec<Told<'a>>,
    /// The first of what tells of the beginning, best first.
    since: Option<Told<'a>>,
    first_value: Option<FirstValue<'a>>,
}

/// The milestone of first value, for an account whose milestones are told.
#[derive(Debug, Clone)]
struct FirstValue<'a> {
    reached: Option<Told<'a>>,
    source: SourceId,
    told: Told<'a>,
}

/// HubSpot's own stage of a deal that was won, in every pipeline that nobody changed.
const WON: &str = "closedwon";

impl<'a> History<'a> {
    pub fn new(view: View<'a>, sources: &Sources<'a>, config: &'a Config) -> Self {
        let live: Vec<_> = view.subscriptions().filter(|key| is_live(&view, key)).collect();
        let payments = || view.objects(&FactKey::Payment);
        let earliest = |told: Vec<Told<'a>>| told.into_iter().min_by_key(|told| told.date());
        let starts = view.subscriptions().filter_map(|key| Told::of(view, key, Field::StartsOn)).collect();
        let won = view.objects(&FactKey::Deal).filter_map(|placed| first_deal(placed, config)).collect();
        Self {
            owed: payments().filter_map(|placed| owed(placed, sources, config)).collect(),
            failures: payments().filter_map(|placed| only(placed, Field::PaymentFailures, config)).collect(),
            seats: live.iter().filter_map(|key| Told::of(view, key, Field::Seats)).collect(),
            since: earliest(starts)
                .or_else(|| earliest(won))
                .or_else(|| Told::of(view, &FactKey::Profile, Field::CustomerSince)),
            first_value: first_value(view, sources, config),
        }
    }

    /// Seats bought, over all subscriptions that have not ended.
    pub fn seats(&self) -> Option<i64> {
        let seats = self.seats.iter().filter_map(Told::int);
        seats.fold(None, |sum, seats| Some(sum.unwrap_or(0_i64).saturating_add(seats.max(0))))
    }

    /// The day the company became a customer.
    pub fn customer_since(&self) -> Option<Date> {
        self.since.as_ref()?.date()
    }

    pub fn scalar(&self, name: &str, when: When, sources: &Sources<'a>) -> Option<Scalar> {
        match name {
            "seats" => self.seats().map(Scalar::Int),
            "customer_age_days" => Some(Scalar::Int(days_between(self.customer_since()?, when.day))),
            "days_overdue" => {
                let days = |(since, source, _): &(Option<Date>, SourceId, _)| {
                    since.map_or(0, |since| days_since(since, sources.held(*source, when)))
                };
                self.owed.iter().map(days).max().map(Scalar::Int)
            }
            "payment_failures" => self.failures.iter().filter_map(Told::int).max().map(Scalar::Int),
            "first_value_reached" => self.first_value.as_ref().map(|first| Scalar::Flag(first.reached_on().is_some())),
            "days_to_first_value" => {
                let first = self.first_value.as_ref()?;
                let until = first.reached_on().unwrap_or_else(|| sources.held(first.source, when).day);
                Some(Scalar::Int(days_between(self.customer_since()?, until).max(0)))
            }
            _ => None,
        }
    }

    pub fn told(&self, name: &str) -> Option<Told<'a>> {
        match name {
            "seats" => self.seats.first().copied(),
            "customer_age_days" => self.since,
            "days_overdue" => self.owed.iter().min_by_key(|(since, ..)| (since.is_none(), *since))?.2,
            "payment_failures" => self.failures.iter().copied().max_by_key(Told::int),
            "first_value_reached" | "days_to_first_value" => self.first_value.as_ref().map(|first| first.told),
            _ => None,
        }
    }
}

impl FirstValue<'_> {
    fn reached_on(&self) -> Option<Date> {
        self.reached.as_ref()?.date()
    }
}

/// What one item tells of a field.
fn only<'a>(placed: &'a Placed, field: Field, config: &'a Config) -> Option<Told<'a>> {
    Told::of(View::new(std::slice::from_ref(placed), config), &placed.fact.key, field)
}

fn owed<'a>(
    placed: &'a Placed,
    sources: &Sources<'a>,
    config: &'a Config,
) -> Option<(Option<Date>, SourceId, Option<Told<'a>>)> {
    let view = View::new(std::slice::from_ref(placed), config);
    let since = Told::all(view, &placed.fact.key, Field::OverdueSince).next();
    // Who tells of failures only has not said that anything is owed.
    let told = since.or_else(|| only(placed, Field::PaymentFailures, config))?;
    Some((since.and_then(|told| told.date()), sources.id(told.connection)?, Some(told)))
}

/// A deal that was won and is no renewal, by the day it was.
fn first_deal<'a>(placed: &'a Placed, config: &'a Config) -> Option<Told<'a>> {
    let view = View::new(std::slice::from_ref(placed), config);
    let (pipeline, stage) = (view.text(&FactKey::Deal, Field::Pipeline), view.text(&FactKey::Deal, Field::Stage)?);
    let renewals = config.connections.iter().filter_map(|connection| connection.renewals.as_ref());
    let is_renewal = |pipeline| renewals.clone().any(|renewals| renewals.pipelines.iter().any(|one| one == pipeline));
    if stage != WON || pipeline.is_some_and(is_renewal) {
        return None;
    }
    only(placed, Field::ClosesOn, config).filter(|told| told.date().is_some())
}

fn first_value<'a>(view: View<'a>, sources: &Sources<'a>, config: &'a Config) -> Option<FirstValue<'a>> {
    let milestones = view.facts().iter().filter(|placed| !placed.gone);
    let milestones = milestones.filter_map(|placed| match &placed.fact.key {
        FactKey::Milestone(name) => Some((placed, name == FactKey::FIRST_VALUE)),
        _ => None,
    });
    let (mut reached, mut other): (Option<Told<'a>>, Option<Told<'a>>) = (None, None);
    for (placed, is_first) in milestones {
        let on = only(placed, Field::ReachedOn, config);
        if let Some(on) = on.filter(|_| is_first)
            && reached.as_ref().is_none_or(|held| on.date() < held.date())
        {
            reached = Some(on);
        }
        let any = on.or_else(|| only(placed, Field::DueOn, config));
        other = other.filter(|_| !is_first || any.is_none()).or(any);
    }
    let told = reached.or(other)?;
    Some(FirstValue { reached, source: sources.id(told.connection)?, told })
}
