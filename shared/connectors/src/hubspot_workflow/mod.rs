//! HubSpot, by the workflow action "Send a webhook": whole companies, contacts and deals. What we know is in `README.md`.

mod payload;
mod signature;
#[cfg(test)]
mod tests;

use model::{Delivery, Family, Field, Mapping, Moment, Normalized, QuarantinedItem, Tool, Value};

use crate::hubspot::{self, AmountIn, CURRENCY, Collector, Reads, Told};
use crate::hubspot_links as links;
use crate::{Connector, DeliveryKey, Receiver, Refusal, Secrets, Unverified, Verified};
use payload::Record;

/// The connector.
#[derive(Debug)]
pub(crate) struct HubspotWorkflow;

static TOOL: Tool = Tool {
    name: "hubspot-workflow",
    title: "HubSpot workflow webhook",
    family: Family::Crm,
    creates_accounts: true,
    accounts: Some("hubspot:company"),
    objects: &[hubspot::COMPANY, hubspot::CONTACT, hubspot::DEAL],
    api: None,
};

impl Receiver for HubspotWorkflow {
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
}

impl Connector for HubspotWorkflow {
    fn normalize(&self, delivery: &Delivery, mapping: &Mapping) -> Normalized {
        match Record::read(&delivery.body) {
            Ok(Some(record)) => Reading::of(record, mapping, delivery.received_at).finish(),
            Ok(None) => Normalized::default(),
            Err(item) => Normalized::quarantine(item.kind, item.reason, item.path),
        }
    }
}

/// One record on its way into signals and links.
struct Reading<'a> {
    record: Record<'a>,
    mapping: &'a Mapping,
    /// Stands in for a time that the body does not tell.
    received_at: Moment,
    collector: Collector,
}

impl<'a> Reading<'a> {
    fn of(mut record: Record<'a>, mapping: &'a Mapping, received_at: Moment) -> Self {
        let mut collector = Collector::default();
        collector.out.quarantined = std::mem::take(&mut record.odd);
        Self { record, mapping, received_at, collector }
    }

    fn finish(mut self) -> Normalized {
        for reads in hubspot::reads(self.record.kind, self.mapping) {
            self.read(reads).unwrap_or_else(|item| self.collector.set_aside(item));
        }
        self.read_merges();
        if self.record.is_deleted {
            let gone = links::gone(self.record.kind, &self.record.id, true, self.changed_at(), "isDeleted");
            self.collector.link(gone);
        }
        self.collector.warn_without_mapping(self.record.kind, self.mapping);
        self.collector.out
    }

    fn read(&mut self, reads: Reads<'_>) -> Result<(), QuarantinedItem> {
        let Some(mut told) = self.told(reads)? else { return Ok(()) };
        let mut amount = AmountIn::assumed(self.mapping);
        if reads.field == Field::Amount
            && let Some(property) = self.record.property(CURRENCY)?
            && let Some(currency) = hubspot::currency(property.value, &property.path)?
        {
            amount = AmountIn { currency, told: true };
            // The same number in another currency is another amount.
            told.at = told.at.max(property.at.unwrap_or(told.at));
        }
        let (kind, id) = (self.record.kind, self.record.id.as_str());
        let value = self.collector.tell(kind, id, reads, &told, amount);
        // The body tells a record's company as a whole.
        match value {
            Some(Value::Text(company)) if reads.field == Field::Company => {
                self.collector.link(links::company(kind, id, Some(&company), told.at, &told.path));
            }
            Some(Value::Cleared) if reads.field == Field::Company => {
                self.collector.link(links::company(kind, id, None, told.at, &told.path));
            }
            _ => {}
        }
        Ok(())
    }

    /// What the body says of a property; `None` where it says nothing.
    fn told(&self, reads: Reads<'_>) -> Result<Option<Told<'a>>, QuarantinedItem> {
        if reads.field == Field::Company
            && let Some((path, raw)) = self.record.company
        {
            // It is no property, so it has no time of its own: the time of the property that mirrors it stands in.
            let mirrored = self.record.property(reads.property).ok().flatten().and_then(|property| property.at);
            let at = mirrored.unwrap_or_else(|| self.changed_at());
            return Ok(Some(Told { raw: Some(raw), path: path.to_owned(), at }));
        }
        if let Some(property) = self.record.property(reads.property)? {
            let at = property.at.unwrap_or(self.received_at);
            return Ok(Some(Told { raw: Some(property.value), path: property.path, at }));
        }
        let is_empty = self.mapping.complete.contains(&reads.field);
        Ok(is_empty.then(|| Told { raw: None, path: "properties".into(), at: self.changed_at() }))
    }

    fn read_merges(&mut self) {
        for merged in std::mem::take(&mut self.record.merged) {
            let at = merged.at.unwrap_or_else(|| self.changed_at());
            let links = links::merged(self.record.kind, &merged.id, &self.record.id, at, &merged.path);
            self.collector.out.links.extend(links);
        }
    }

    /// When the record was last touched; stands in for the time of what has none of its own.
    fn changed_at(&self) -> Moment {
        self.record.newest().unwrap_or(self.received_at)
    }
}
