//! HubSpot, by the workflow action "Send a webhook": whole companies, contacts and deals. What we know is in `README.md`.

mod payload;
mod signature;
#[cfg(test)]
mod tests;
mod values;

use model::{
    Currency, Delivery, FactKey, Family, Field, MappedObject, Mapping, Moment, Normalized, QuarantinedItem, Signal,
    SignalKind, Statement, SubjectId, Tool, Value, Warning,
};
use serde_json::value::RawValue;

use crate::json::{self, Found};
use crate::{Connector, DeliveryKey, Refusal, Secrets, Unverified, Verified};
use payload::{Kind, Record, odd};

/// The connector.
#[derive(Debug)]
pub(crate) struct HubspotWorkflow;

static TOOL: Tool = Tool {
    name: "hubspot-workflow",
    title: "HubSpot workflow webhook",
    family: Family::Crm,
    creates_accounts: true,
    objects: &[
        MappedObject {
            name: "company",
            fields: &[
                Field::Name,
                Field::Domain,
                Field::OtherDomains,
                Field::LifecycleStage,
                Field::Tier,
                Field::Segment,
                Field::Csm,
                Field::RecordOwner,
                Field::CustomerSince,
                Field::IsTest,
                Field::Arr,
                Field::RenewsOn,
                Field::NoticeDays,
                Field::AutoRenew,
                Field::Status,
                Field::Sentiment,
                Field::LastTwoWayAt,
            ],
        },
        MappedObject { name: "contact", fields: &[Field::Name, Field::Email, Field::Role] },
        MappedObject {
            name: "deal",
            fields: &[Field::Name, Field::Pipeline, Field::Stage, Field::Amount, Field::ClosesOn],
        },
    ],
};

impl Connector for HubspotWorkflow {
    fn tool(&self) -> &'static Tool {
        &TOOL
    }

    fn verify<'a>(&self, request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
        signature::verify(request, secrets)
    }

    /// HubSpot names no delivery. A retry repeats the bytes, and the same bytes again say nothing new.
    fn delivery_key(&self, verified: &Verified<'_>) -> DeliveryKey {
        DeliveryKey::of_body(verified.body)
    }

    fn normalize(&self, delivery: &Delivery, mapping: &Mapping) -> Normalized {
        match Record::read(&delivery.body) {
            Ok(record) => Reading::of(record, delivery.received_at).finish(mapping),
            Err(item) => Normalized::quarantine(item.reason, item.path),
        }
    }
}

/// Which item of the subject a field of a kind belongs to, and what news of it is called.
fn home(kind: Kind, field: Field) -> Option<(SignalKind, FactKey)> {
    let object = TOOL.objects.iter().find(|object| object.name == kind.name())?;
    let belongs = object.fields.contains(&field) || (kind == Kind::Contact && field == Field::Company);
    belongs.then(|| match (kind, field) {
        (Kind::Contact, _) => (SignalKind::ContactChanged, FactKey::Contact),
        (Kind::Deal, _) => (SignalKind::RenewalChanged, FactKey::Deal),
        (Kind::Company, Field::Arr | Field::RenewsOn | Field::NoticeDays | Field::AutoRenew | Field::Status) => {
            (SignalKind::SubscriptionChanged, FactKey::Subscription("company".into()))
        }
        (Kind::Company, Field::Sentiment) => (SignalKind::SentimentSet, FactKey::Sentiment),
        (Kind::Company, Field::LastTwoWayAt) => (SignalKind::TouchpointHeld, FactKey::Touchpoint),
        (Kind::Company, _) => (SignalKind::AccountChanged, FactKey::Profile),
    })
}

/// One record on its way into signals.
struct Reading<'a> {
    record: Record<'a>,
    subject: SubjectId,
    /// Stands in for a time that the body does not tell.
    received_at: Moment,
    out: Normalized,
}

impl<'a> Reading<'a> {
    fn of(mut record: Record<'a>, received_at: Moment) -> Self {
        let subject = SubjectId::vendor("hubspot", record.kind.name(), &record.id);
        let out = Normalized { quarantined: std::mem::take(&mut record.odd), ..Normalized::default() };
        Self { record, subject, received_at, out }
    }

    fn finish(mut self, mapping: &Mapping) -> Normalized {
        let kind = self.record.kind;
        let mapped = mapping.objects.get(kind.name());
        for (field, property) in mapped.into_iter().flatten() {
            self.read_property(*field, property, mapping.currency)
                .unwrap_or_else(|item| self.out.quarantined.push(item));
        }
        self.read_company().unwrap_or_else(|item| self.out.quarantined.push(item));
        self.read_deletion();
        if mapped.is_none_or(|fields| fields.is_empty()) {
            let message = format!("no property of a {0} is mapped; map some under `{0}` to use them", kind.name());
            self.out.warnings.push(Warning { message, path: "properties".into() });
        }
        self.out
    }

    fn read_property(&mut self, field: Field, property: &str, currency: Currency) -> Result<(), QuarantinedItem> {
        let Some((kind, key)) = home(self.record.kind, field) else {
            let message = format!("a {} has no `{field}`; `{property}` was not read", self.record.kind.name());
            self.out.warnings.push(Warning { message, path: format!("properties.{property}") });
            return Ok(());
        };
        let Some(read) = self.record.property(property)? else { return Ok(()) };
        let currency = if field == Field::Amount { self.currency_of_deal(currency)? } else { currency };
        let value = values::read(field, read.value, currency)
            .map_err(|unfit| odd(property, unfit.expected, unfit.found, &read.path))?;
        let occurred_at = read.at.unwrap_or(self.received_at);
        self.state(kind, key, statement(field, value, occurred_at, &read.path, read.value));
        Ok(())
    }

    /// The currency a deal's amount is in; accounts with one currency do not have the property.
    fn currency_of_deal(&self, otherwise: Currency) -> Result<Currency, QuarantinedItem> {
        const PROPERTY: &str = "deal_currency_code";
        let Some(read) = self.record.property(PROPERTY)? else { return Ok(otherwise) };
        let odd = |found| odd(PROPERTY, "three letters such as EUR", found, &read.path);
        match json::scalar(read.value).map_err(odd)?.filter(|code| !code.trim().is_empty()) {
            Some(code) => code.parse().map_err(|_| odd(Found::kind(read.value))),
            None => Ok(otherwise),
        }
    }

    /// A contact's company is not a property, so it has no time of its own: the time of the property that mirrors it, or
    /// of the newest change to the contact, stands in.
    fn read_company(&mut self) -> Result<(), QuarantinedItem> {
        let Some((path, raw)) = self.record.company else { return Ok(()) };
        let Some((kind, key)) = home(self.record.kind, Field::Company) else { return Ok(()) };
        let value = match Found::kind(raw) {
            Found::Null => Value::Cleared,
            _ => Value::Text(payload::whole_number(raw).map_err(|found| odd(path, "a company's id", found, path))?),
        };
        let mirrored = self.record.property("associatedcompanyid").ok().flatten().and_then(|property| property.at);
        let occurred_at = mirrored.or_else(|| self.record.newest()).unwrap_or(self.received_at);
        self.state(kind, key, statement(Field::Company, value, occurred_at, path, raw));
        Ok(())
    }

    fn read_deletion(&mut self) {
        let Some(raw) = self.record.deleted else { return };
        let (kind, key) = match self.record.kind {
            Kind::Company => (SignalKind::AccountDeleted, FactKey::Profile),
            Kind::Contact => (SignalKind::ContactChanged, FactKey::Contact),
            Kind::Deal => (SignalKind::RenewalChanged, FactKey::Deal),
        };
        let occurred_at = self.record.newest().unwrap_or(self.received_at);
        self.state(kind, key, statement(Field::Deleted, Value::Flag(true), occurred_at, "isDeleted", raw));
    }

    /// Adds a statement to the signal of its kind, opening it with its first.
    fn state(&mut self, kind: SignalKind, key: FactKey, statement: Statement) {
        match self.out.signals.iter_mut().find(|signal| signal.kind == kind) {
            Some(signal) => signal.statements.push(statement),
            None => {
                let subject = self.subject.clone();
                self.out.signals.push(Signal { kind, subject, key, statements: vec![statement] });
            }
        }
    }
}

/// HubSpot orders values by time alone, so there is no sequence.
fn statement(field: Field, value: Value, occurred_at: Moment, path: &str, raw: &RawValue) -> Statement {
    let raw = Statement::cut_raw(raw.get());
    Statement { field, value, occurred_at, sequence: None, path: path.to_owned(), raw }
}
