//! Inbound vendors, one folder each: how they sign, how they name a delivery, and what their bodies say.
//!
//! A connector is plain computation over bytes. It reads no clock, no environment and no network: the time of receipt,
//! the secrets and the mapping are arguments, so a delivery normalises to the same signals today and in a replay.
//!
//! To add a vendor: a folder beside the others (README with sources and the date they were read, `mod.rs`, fixtures) and
//! one line in the list of [`ALL`]. Routes, secret names, the documentation and the conformance suite read that list.

mod hubspot;
mod hubspot_app;
mod hubspot_links;
mod hubspot_values;
mod hubspot_workflow;
pub mod import;
mod json;
mod listing;
mod request;
mod secret;
pub mod self_test;
pub mod ses;
mod signature;
mod slack;
mod typeform;
mod zendesk;

use model::{Delivery, Mapping, Moment, Normalized, SubjectId, Tool};

pub use listing::{Listed, ListedRecord};
pub use request::{DeliveryKey, Refusal, Unverified, Verified};
pub use secret::{SecretProblem, Secrets, SigningSecret, Weakness};
pub use slack::json_of_form;
pub use zendesk::{EVENTS as ZENDESK_EVENTS, TRIGGER as ZENDESK_TRIGGER};

/// What takes the requests of a tool: judges them, names them, and does not know what they say. It is all that the function
/// which answers them carries.
///
/// `verify` and `delivery_key` have no default, so that a connector without a check does not compile.
pub trait Receiver: Sync + std::fmt::Debug {
    /// Its name, its family and what can be mapped.
    fn tool(&self) -> &'static Tool;

    /// Judges a request by its raw bytes, before anything of it is parsed. The only source of a [`Verified`].
    ///
    /// # Errors
    /// When the request is not signed with one of `secrets` in the one form this tool is known to use.
    fn verify<'a>(&self, request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal>;

    /// Names the delivery, so that a repeat of it is known as one.
    fn delivery_key(&self, verified: &Verified<'_>) -> DeliveryKey;

    /// The headers, lower-case, that [`Connector::normalize`] needs later. Never one with a signature or a token.
    fn kept_headers(&self) -> &'static [&'static str] {
        &[]
    }
}

/// One inbound tool.
pub trait Connector: Receiver {
    /// The call that fetches an object which a body only names; `None` for one that this tool does not have.
    ///
    /// The answer is journaled as one more delivery of the connection, with the headers [`FETCHED`] and
    /// [`FETCHED_STATUS`], and comes to [`Self::normalize`] like any other.
    fn fetch(&self, object: &str, mapping: &Mapping) -> Option<FetchCall> {
        let _ = (object, mapping);
        None
    }

    /// The kinds of record that its API lists, as [`Self::fetch`] names them, in the order in which they are best read.
    fn lists(&self) -> &'static [&'static str] {
        &[]
    }

    /// What its API lists of the records that were deleted. It is read when what changed since a moment is asked for.
    fn lists_deleted(&self) -> &'static [&'static str] {
        &[]
    }

    /// The kinds of record of whose deletion its API has no list: of those that are known it is asked, by their ids, which are
    /// still there. That too is read when what changed since a moment is asked for.
    fn asks_after(&self) -> &'static [&'static str] {
        &[]
    }

    /// As [`Self::fetch`] names it, a record whose `kind` is one of [`Self::asks_after`]; `None` for every other subject.
    fn asked_after(&self, kind: &str, subject: &SubjectId) -> Option<String> {
        let _ = (kind, subject);
        None
    }

    /// The call that reads those of these records that are still there, [`ASKED_AFTER`] at most; [`Self::listed`] reads the
    /// answer.
    fn still_there(&self, kind: &str, objects: &[String]) -> Option<FetchCall> {
        let _ = (kind, objects);
        None
    }

    /// The call that reads a page of all records of a kind, the first or the one that begins `after`; `None` for a kind that
    /// is not listed. What has not changed since `since` is not looked for; where the API cannot leave it out, it comes all
    /// the same.
    fn list(&self, kind: &str, after: Option<&str>, since: Moment, mapping: &Mapping) -> Option<FetchCall> {
        let _ = (kind, after, since, mapping);
        None
    }

    /// What such a page holds.
    ///
    /// # Errors
    /// What was expected, when it is no such page.
    fn listed(&self, kind: &str, body: &[u8]) -> Result<Listed, String> {
        let _ = body;
        Err(format!("this tool lists no {kind}"))
    }

    /// What a delivery says. What cannot be understood comes back as quarantined; this never fails and never panics,
    /// whatever the bytes.
    fn normalize(&self, delivery: &Delivery, mapping: &Mapping) -> Normalized;
}

/// The most records that one call asks after, as many as Zendesk takes.
pub const ASKED_AFTER: usize = 100;

/// A call to a vendor's API that reads one object, or several at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchCall {
    /// Path and query below the API's address, such as `/crm/v3/objects/companies/123?properties=name`.
    pub path: String,
    /// What is asked, as JSON, by POST; `None` for what is read by GET.
    pub body: Option<String>,
    /// The same is asked again before long, so nothing waits for a token that is not there.
    pub is_repeated: bool,
}

impl FetchCall {
    /// Reads what is at `path`.
    pub fn get(path: String) -> Self {
        Self { path, body: None, is_repeated: false }
    }
}

/// Kept header of a fetched delivery: the object as [`model::FetchWanted`] named it. No sender can set it, because only
/// [`Receiver::kept_headers`] are kept of a request.
pub const FETCHED: &str = "barometer-fetched";
/// Kept header of a fetched delivery: the status of the vendor's answer, `200`, or `404` or `410` for an object that is
/// no longer there (the body is then whatever the vendor answered).
pub const FETCHED_STATUS: &str = "barometer-fetched-status";

macro_rules! all {
    ($($connector:expr,)*) => {
        /// Every connector there is.
        pub static ALL: &[&dyn Connector] = &[$(&$connector,)*];

        /// The same as receivers alone: a program that names no other list does not carry what reads bodies.
        static RECEIVERS: &[&dyn Receiver] = &[$(&$connector,)*];
    };
}

all! {
    hubspot_app::HubspotApp,
    hubspot_workflow::HubspotWorkflow,
    slack::Slack,
    typeform::Typeform,
    zendesk::Zendesk,
}

/// The connector of the tool that `connections.toml` calls `tool`.
pub fn by_name(tool: &str) -> Option<&'static dyn Connector> {
    ALL.iter().copied().find(|connector| connector.tool().name == tool)
}

/// The receiver of the tool that `connections.toml` calls `tool`.
pub fn receiver(tool: &str) -> Option<&'static dyn Receiver> {
    RECEIVERS.iter().copied().find(|receiver| receiver.tool().name == tool)
}

/// Every tool, as configuration checks it.
pub fn tools() -> Vec<Tool> {
    RECEIVERS.iter().map(|receiver| *receiver.tool()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_is_found_by_the_name_of_its_tool() {
        assert_eq!(by_name("hubspot-workflow").unwrap().tool().title, "HubSpot workflow webhook");
        assert!(by_name("hubspot").is_none());
    }

    #[test]
    fn every_tool_has_its_own_name() {
        for connector in ALL {
            let name = connector.tool().name;
            assert_eq!(ALL.iter().filter(|other| other.tool().name == name).count(), 1, "{name}");
        }
    }
}
