//! HubSpot, by the webhooks of an app: batches of single changes, and whole records fetched where an event only names
//! one. What we know is in `README.md`.

mod events;
mod fetched;
mod key;
mod signature;
mod tasks;
#[cfg(test)]
mod tests;

use model::{Api, Delivery, Family, Mapping, Moment, Normalized, Tool};

use crate::{Connector, DeliveryKey, FETCHED, FetchCall, Listed, Receiver, Refusal, Secrets, Unverified, Verified};
use crate::{hubspot, listing};

/// The connector.
#[derive(Debug)]
pub(crate) struct HubspotApp;

static TOOL: Tool = Tool {
    name: "hubspot-app",
    title: "HubSpot app webhooks",
    family: Family::Crm,
    creates_accounts: true,
    accounts: Some("hubspot:company"),
    objects: &[hubspot::COMPANY, hubspot::CONTACT, hubspot::DEAL, hubspot::TICKET],
    api: Some(Api {
        url: Some("https://api.hubapi.com"),
        // Half of what the smallest plan allows to all apps of a portal together.
        per_ten_seconds: 50,
        without_token: Some(
            "records are known only by the changes HubSpot sends from now on: what they held before, sensitive values and \
             the currencies of deals stay unknown",
        ),
    }),
};

impl Receiver for HubspotApp {
    fn tool(&self) -> &'static Tool {
        &TOOL
    }

    fn verify<'a>(&self, request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
        signature::verify(request, secrets)
    }

    fn delivery_key(&self, verified: &Verified<'_>) -> DeliveryKey {
        key::of(verified.body)
    }
}

impl Connector for HubspotApp {
    fn fetch(&self, object: &str, mapping: &Mapping) -> Option<FetchCall> {
        tasks::call(object).or_else(|| fetched::call(object, mapping))
    }

    fn lists(&self) -> &'static [&'static str] {
        &["company", "contact", "deal", "ticket"]
    }

    fn lists_deleted(&self) -> &'static [&'static str] {
        &["deleted company", "deleted contact", "deleted deal", "deleted ticket"]
    }

    fn list(&self, kind: &str, after: Option<&str>, _: Moment, mapping: &Mapping) -> Option<FetchCall> {
        fetched::list(kind, after, mapping)
    }

    fn listed(&self, kind: &str, body: &[u8]) -> Result<Listed, String> {
        let (kind, changed) = match kind.strip_prefix(fetched::DELETED) {
            Some(kind) => (kind, "archivedAt"),
            None => (kind, "updatedAt"),
        };
        let form = listing::Form { kind, list: "results", changed, wraps: false };
        listing::page(body, &form, |top| listing::text_under(top, &["paging", "next", "after"]))
    }

    fn normalize(&self, delivery: &Delivery, mapping: &Mapping) -> Normalized {
        match delivery.headers.get(FETCHED) {
            Some(object) => {
                let tasks = tasks::normalize(delivery, object);
                tasks.unwrap_or_else(|| fetched::normalize(delivery, object, mapping))
            }
            None => events::normalize(&delivery.body, mapping),
        }
    }
}
