//! What is known of an account as declared scalars, with the register behind each.

use std::collections::BTreeMap;

use config::{HealthModel, Scalar, Scalars};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{Evidence, Fact, FactKey, Field, Money, Register, Value, View};

/// The registers that scalars are read from, found once; values at any day follow from them without another look.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    view: View<'a>,
    zone: &'a TimeZone,
    registers: BTreeMap<Field, &'a Register>,
    /// Over all subscriptions that count.
    arr: Option<Money>,
    has_active_subscription: Option<bool>,
}

impl<'a> Known<'a> {
    /// Reads the registers; `on` decides which of several terms is the next to end.
    pub fn new(view: View<'a>, model: &'a HealthModel, on: Date) -> Self {
        let mut registers = BTreeMap::new();
        let mut take = |key: &FactKey, fields: &[Field]| {
            for field in fields {
                if let Some(register) = view.register(key, *field) {
                    registers.insert(*field, register);
                }
            }
        };
        take(
            &FactKey::Profile,
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
                Field::Deleted,
            ],
        );
        take(&FactKey::Sentiment, &[Field::Sentiment]);
        take(&FactKey::Touchpoint, &[Field::LastTwoWayAt]);
        let live: Vec<_> = view.subscriptions().filter(|key| is_live(&view, key)).collect();
        if let Some(key) = next_to_end(&view, &live, on) {
            take(key, &[Field::RenewsOn, Field::NoticeDays, Field::AutoRenew, Field::Arr, Field::Status]);
        }
        let arr = total_arr(&view, &live);
        let has_active_subscription = has_active(&view, &live);
        Self { view, zone: &model.zone, registers, arr, has_active_subscription }
    }

    pub fn register(&self, field: Field) -> Option<&'a Register> {
        self.registers.get(&field).copied()
    }

    pub fn text(&self, field: Field) -> Option<&'a str> {
        match &self.register(field)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn date(&self, field: Field) -> Option<Date> {
        match self.register(field)?.value {
            Value::Date(date) => Some(date),
            _ => None,
        }
    }

    pub fn int(&self, field: Field) -> Option<i64> {
        match self.register(field)?.value {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }

    fn flag(&self, field: Field) -> Option<bool> {
        match self.register(field)?.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub fn arr(&self) -> Option<Money> {
        self.arr
    }

    /// The day by which notice must be given: the term's end less the notice period, unless it does not renew by
    /// itself. With its name; `None` while either part is unknown.
    pub fn notice_deadline(&self) -> Option<Date> {
        let ends = self.date(Field::RenewsOn)?;
        if self.flag(Field::AutoRenew) == Some(false) {
            return Some(ends);
        }
        let notice = self.int(Field::NoticeDays)?;
        ends.checked_sub(jiff::Span::new().try_days(notice).ok()?).ok()
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
            "is_test" => self.flag(Field::IsTest).map(Scalar::Flag),
            "auto_renew" => self.flag(Field::AutoRenew).map(Scalar::Flag),
            "has_active_subscription" => self.has_active_subscription.map(Scalar::Flag),
            "arr" => self.arr.map(|money| Scalar::Int(money.major())),
            "notice_days" => self.int(Field::NoticeDays).map(Scalar::Int),
            "days_to_renewal" => self.date(Field::RenewsOn).map(until),
            "days_to_notice" => self.notice_deadline().map(until),
            "customer_age_days" => self.date(Field::CustomerSince).map(|d| Scalar::Int(days_between(d, on))),
            "days_since_two_way_contact" => match self.register(Field::LastTwoWayAt)?.value {
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

    /// The register behind a scalar, as evidence.
    pub fn evidence(&self, fields: &[Field]) -> Option<Evidence> {
        let (field, register) = fields.iter().find_map(|f| Some((*f, self.register(*f)?)))?;
        let fact = self.view.facts().iter().find(|fact| holds(fact, register))?;
        Some(Evidence {
            subject: fact.subject.clone(),
            field: field.as_str().to_owned(),
            path: register.path.clone(),
            raw: register.raw.clone(),
            stamp: register.stamp.clone(),
        })
    }
}

fn holds(fact: &Fact, register: &Register) -> bool {
    fact.all_registers().any(|(_, _, r)| std::ptr::eq(r, register))
}

/// Whole days from `from` to `to`; negative when `to` is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

/// Statuses under which a subscription no longer counts.
const ENDED: [&str; 5] = ["canceled", "cancelled", "churned", "expired", "ended"];

fn is_live(view: &View<'_>, key: &FactKey) -> bool {
    view.text(key, Field::Status).is_none_or(|status| !ENDED.contains(&status))
}

/// The term that ends next; when all are over, the one that ended last.
fn next_to_end<'a>(view: &View<'a>, live: &[&'a FactKey], on: Date) -> Option<&'a FactKey> {
    let ends = |key: &&&'a FactKey| match view.register(key, Field::RenewsOn).map(|r| &r.value) {
        Some(Value::Date(date)) => Some(*date),
        _ => None,
    };
    let ahead = live.iter().filter(|key| ends(key).is_some_and(|d| d >= on)).min_by_key(|key| (ends(key), **key));
    ahead.or_else(|| live.iter().max_by_key(|key| (ends(key), std::cmp::Reverse(**key)))).copied()
}

/// The sum over the subscriptions in the currency of the first; another currency is never added to it.
fn total_arr(view: &View<'_>, live: &[&FactKey]) -> Option<Money> {
    let amounts = live.iter().filter_map(|key| match view.register(key, Field::Arr)?.value {
        Value::Money(money) => Some(money),
        _ => None,
    });
    amounts.reduce(|sum, next| {
        if next.currency == sum.currency { Money { minor: sum.minor.saturating_add(next.minor), ..sum } } else { sum }
    })
}

/// Unknown without any subscription, or while no status says so.
fn has_active(view: &View<'_>, live: &[&FactKey]) -> Option<bool> {
    let mut known = None;
    for key in live {
        if let Some(status) = view.text(key, Field::Status) {
            known = Some(known == Some(true) || ["active", "trialing", "past_due"].contains(&status));
        }
    }
    known
}
