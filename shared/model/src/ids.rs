//! Identifiers, each its own type, and the one hash that derived identifiers come from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A text that cannot be the identifier it was offered as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}")]
pub struct BadId {
    /// What was expected, with an example.
    pub what: &'static str,
    /// What was found.
    pub text: String,
}

/// 32 hexadecimal digits that depend on every part and on where one part ends and the next begins.
///
/// Every derived identifier (events, actions, episodes) is this hash of its cause, so doing a thing twice names it
/// the same way twice (P3).
pub fn stable_hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hex::encode(&hasher.finalize()[..16])
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Takes a text that this program wrote before, such as a stored key.
            pub fn from_stored(text: impl Into<String>) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// One request from one connection: `{connection}:{key}`. The key is the vendor's delivery id where that is stable,
    /// else the SHA-256 of the body (first 32 hexadecimal digits).
    DeliveryId
}
text_id! {
    /// An event's id: the hash of account, type, subject and cause.
    EventId
}
text_id! {
    /// An action's id: the hash of the episode's home, row, run and step. No account, no version.
    ActionId
}
text_id! {
    /// What a fact is about: `hubspot:company:123`, `domain:acme.example`, `email:ann@acme.example`.
    SubjectId
}
text_id! {
    /// The name of a configured connection, such as `hubspot`: lower-case letters, digits and dashes.
    ConnectionName
}
text_id! {
    /// The name of a playbook, such as `risk-mitigation`: lower-case letters, digits and dashes.
    PlaybookName
}

impl DeliveryId {
    /// The id of the delivery `key` of `connection`.
    pub fn new(connection: &ConnectionName, key: &str) -> Self {
        Self(format!("{connection}:{key}"))
    }

    /// The id under which other bytes with the same key are kept.
    #[must_use]
    pub fn with_other_bytes(&self, body_sha256: &str) -> Self {
        Self(format!("{}#{}", self.0, &body_sha256[..body_sha256.len().min(32)]))
    }
}

impl EventId {
    /// Derives an event's id from its cause.
    pub fn derive(account: &SubjectId, kind: &str, subject: &str, cause: &str) -> Self {
        Self(stable_hash(&["event", account.as_str(), kind, subject, cause]))
    }
}

impl ActionId {
    /// Derives an action's id from the run of the episode that asks for it.
    pub fn derive(home: &SubjectId, row: &str, run: u32, step: &str) -> Self {
        Self(stable_hash(&["action", home.as_str(), row, &run.to_string(), step]))
    }
}

impl SubjectId {
    /// A vendor's object. `tool` and `kind` are names in our code; `id` is the vendor's own, as text.
    pub fn vendor(tool: &str, kind: &str, id: &str) -> Self {
        Self(format!("{tool}:{kind}:{id}"))
    }
}

const NAME: &str = "a name; expected lower-case letters, digits and dashes, such as `hubspot-app`";

fn name(text: &str) -> Result<String, BadId> {
    let good = (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if good { Ok(text.to_owned()) } else { Err(BadId { what: NAME, text: text.to_owned() }) }
}

impl FromStr for ConnectionName {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        name(text).map(Self)
    }
}

impl FromStr for PlaybookName {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        name(text).map(Self)
    }
}

/// The families of tools; one deployment of `webhook` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Customer relationship management: companies, contacts, deals.
    Crm,
    /// Help desks.
    Ticketing,
    /// Questionnaires: NPS, CSAT, CES.
    Survey,
    /// Product usage.
    Usage,
    /// Subscriptions, invoices, payments.
    Billing,
    /// Feature requests and their status.
    Feedback,
    /// Buttons in our own Slack messages.
    Slack,
    /// What an operator states on the command line; no webhook arrives here.
    Operator,
}

impl Family {
    /// Every family that receives webhooks.
    pub const WEBHOOKS: [Self; 7] =
        [Self::Crm, Self::Ticketing, Self::Survey, Self::Usage, Self::Billing, Self::Feedback, Self::Slack];

    /// The name used in routes, secret paths and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Ticketing => "ticketing",
            Self::Survey => "survey",
            Self::Usage => "usage",
            Self::Billing => "billing",
            Self::Feedback => "feedback",
            Self::Slack => "slack",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Family {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::WEBHOOKS.into_iter().find(|family| family.as_str() == text).ok_or_else(|| BadId {
            what: "a family; expected crm, ticketing, survey, usage, billing, feedback or slack",
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_where_a_part_ends() {
        assert_ne!(stable_hash(&["ab", "c"]), stable_hash(&["a", "bc"]));
        assert_ne!(stable_hash(&["a"]), stable_hash(&["a", ""]));
        assert_eq!(stable_hash(&["a", "b"]).len(), 32);
    }

    #[test]
    fn names_are_plain() {
        for good in ["hubspot", "hubspot-app", "a1"] {
            assert!(good.parse::<ConnectionName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "HubSpot", "a b", "a/b", "a#b", &"a".repeat(41)] {
            assert!(bad.parse::<ConnectionName>().is_err(), "{bad}");
        }
    }
}
