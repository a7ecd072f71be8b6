//! What is known of an account as declared scalars, with the statement behind each.

use std::collections::BTreeMap;

use config::{Config, Scalar, ScalarInfo, Scalars};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{AlsoSaid, FactKey, Field, Value, View};

use crate::renewals::{Renewal, Renewals, days_between};
use crate::told::Told;

/// The statements that scalars are read from, found once; values at any day follow from them without another look.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    view: View<'a>,
    zone: &'a TimeZone,
    told: BTreeMap<Field, Told<'a>>,
    renewals: Renewals<'a>,
}

/// The fields of which one value counts for the whole account, and where they are kept; terms are in [`Renewals`].
const FIELDS: [(FactKey, &[Field]); 3] = [
    (
        FactKey::Profile,
        &[
            Field::Name,
            Field::Domain,
            Field::LifecycleStage,
            Field::Tier,
            Field::Segment,
            Field::Csm,
            Field::RecordOwner,
            Field::CustomerSince,
            Field::IsTest,
        ],
    ),
    (FactKey::Sentiment, &[Field::Sentiment]),
    (FactKey::Touchpoint, &[Field::LastTwoWayAt]),
];

impl<'a> Known<'a> {
    /// Reads the statements.
    pub fn new(view: View<'a>, config: &'a Config) -> Self {
        let told = FIELDS.iter().flat_map(|(key, fields)| {
            fields.iter().filter_map(move |field| Some((*field, Told::of(view, key, *field)?)))
        });
        Self { view, zone: &config.model.zone, told: told.collect(), renewals: Renewals::new(view, config) }
    }

    pub fn text(&self, field: Field) -> Option<&'a str> {
        self.told.get(&field)?.text()
    }

    /// The renewal that counts on a day.
    pub fn renewal(&self, on: Date) -> Renewal<'a> {
        self.renewals.on(on)
    }

    /// Recurring revenue.
    pub fn arr(&self, on: Date) -> Option<model::Money> {
        self.renewals.arr(on).map(|(money, _)| money)
    }

    /// The value of a declared scalar on a day, except those that an assessment gives (`band`, `score`, …).
    pub fn scalar(&self, name: &str, on: Date) -> Option<Scalar> {
        let text = |field| self.text(field).map(|t| Scalar::Text(t.to_owned()));
        let until = |date: Date| Scalar::Int(days_between(on, date));
        match name {
            "name" => text(Field::Name),
            "domain" => text(Field::Domain),
            "lifecycle_stage" => text(Field::LifecycleStage),
            "tier" => text(Field::Tier),
            "segment" => text(Field::Segment),
            "csm_sentiment" => text(Field::Sentiment),
            "is_test" => self.told.get(&Field::IsTest)?.flag().map(Scalar::Flag),
            "auto_renew" => self.renewal(on).auto_renew?.flag().map(Scalar::Flag),
            "has_active_subscription" => self.renewals.has_active_subscription.map(Scalar::Flag),
            "arr" => self.arr(on).map(|money| Scalar::Int(money.major())),
            "notice_days" => self.renewal(on).notice?.int().map(Scalar::Int),
            "days_to_renewal" => self.renewal(on).due_on().map(until),
            "days_to_notice" => self.renewal(on).notice_deadline().map(until),
            "customer_age_days" => {
                let since = self.told.get(&Field::CustomerSince)?.date();
                since.map(|date| Scalar::Int(days_between(date, on)))
            }
            "days_since_two_way_contact" => match self.told.get(&Field::LastTwoWayAt)?.register.value {
                // A contact later today, or a vendor's clock ahead of ours, is no negative silence.
                Value::Moment(at) => Some(Scalar::Int(days_between(at.date_in(self.zone), on).max(0))),
                _ => None,
            },
            _ => None,
        }
    }

    /// Every scalar known on a day.
    pub fn scalars(&self, on: Date) -> Scalars {
        config::SCALARS.iter().filter_map(|info| Some((info.name, self.scalar(info.name, on)?))).collect()
    }

    /// The statement behind a scalar.
    pub fn told(&self, of: &ScalarInfo, on: Date) -> Option<Told<'a>> {
        let renewal = || self.renewal(on);
        match of.name {
            "days_to_renewal" | "days_to_notice" => renewal().due,
            "notice_days" => renewal().notice,
            "auto_renew" => renewal().auto_renew,
            "has_active_subscription" => renewal().subscription,
            "arr" => self.renewals.arr(on).map(|(_, told)| told),
            _ => of.fields.iter().find_map(|field| self.told.get(field)).copied(),
        }
    }

    /// What others say instead of the statement behind a scalar: other sources, other members, and for a renewal the
    /// source that is not believed. Who says the same is not named.
    pub fn also_said(&self, of: &ScalarInfo, on: Date) -> Vec<AlsoSaid> {
        let Some(shown) = self.told(of, on) else { return vec![] };
        let placed = self.view.facts().iter().filter(|placed| &placed.fact.subject == shown.subject);
        let mut keys = placed.filter(|placed| holds(&placed.fact, shown)).map(|placed| &placed.fact.key);
        let others = keys.next().into_iter().flat_map(|key| Told::all(self.view, key, shown.field));
        // Objects are of one kind and still not one thing: what is said of another deal is no other word on this one.
        let others = others.filter(|told| !shown.subject.is_leaf() || told.subject == shown.subject);
        let also_due = matches!(of.name, "days_to_renewal" | "days_to_notice").then(|| self.renewal(on).also_due);
        let differs =
            |told: &Told<'_>| told.register.value != shown.register.value && told.register.value != Value::Cleared;
        others.chain(also_due.flatten()).filter(differs).map(|told| told.also_said()).take(AlsoSaid::MOST).collect()
    }
}

fn holds(fact: &model::Fact, told: Told<'_>) -> bool {
    fact.all_registers().any(|(_, _, register)| std::ptr::eq(register, told.register))
}
