//! Which item of a subject is told about.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ActionId, BadId, PlaybookName, UsageKey};

/// Which item of a subject a statement belongs to; one stored item each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKey {
    /// The company: name, domains, stage, owners.
    Profile,
    /// A person at the company.
    Contact,
    /// A sales opportunity; its own subject, because it can change its owner.
    Deal,
    /// A request for help; its own subject.
    Ticket,
    /// An answer to a survey; its own subject.
    Response,
    /// What was bought, with a term; the id is `company` where the CRM keeps it on the company itself.
    Subscription(String),
    /// What the CSM says of the account.
    Sentiment,
    /// The last contact in both directions.
    Touchpoint,
    /// A month of one metric of use, a register per day.
    Usage(UsageKey),
    /// What is owed.
    Payment,
    /// An agreed step, by the name that its source gives it.
    Milestone(String),
    /// The band that a person set by hand.
    Override,
    /// An incident of ours, as an operator said.
    Incident,
    /// A task in the CRM, by the action that made it.
    Task(ActionId),
    /// An operator asked for a run of this playbook.
    PlayRequest(PlaybookName),
    /// An operator closed what runs of this playbook.
    PlayClose(PlaybookName),
    /// What people answered to this alert by its buttons.
    Answer(ActionId),
    /// An operator asked to look at the account by a changed configuration.
    Rescore,
    /// A request to recompute at a due moment, written by `clock`.
    Tick,
}

impl FactKey {
    /// Every fact's sort key starts with this; the stream filter of `health` names it.
    pub const PREFIX: &'static str = "FACT#";

    /// The milestone at which a customer first has what they bought the product for.
    pub const FIRST_VALUE: &'static str = "first_value";

    /// Kept in one item with the subject's claims: what is about an object that can change its owner is read and written
    /// together with where it belongs.
    pub fn is_kept_with_claims(&self) -> bool {
        matches!(self, Self::Contact | Self::Deal | Self::Ticket | Self::Response)
    }

    /// The sort key of the stored item.
    pub fn sort_key(&self) -> String {
        match self {
            Self::Profile => "FACT#PROFILE".into(),
            Self::Contact => "FACT#CONTACT".into(),
            Self::Deal => "FACT#DEAL".into(),
            Self::Ticket => "FACT#TICKET".into(),
            Self::Response => "FACT#RESPONSE".into(),
            Self::Subscription(id) => format!("FACT#SUBSCRIPTION#{id}"),
            Self::Sentiment => "FACT#SENTIMENT".into(),
            Self::Touchpoint => "FACT#TOUCHPOINT".into(),
            Self::Usage(usage) => format!("FACT#USAGE#{usage}"),
            Self::Payment => "FACT#PAYMENT".into(),
            Self::Milestone(name) => format!("FACT#MILESTONE#{name}"),
            Self::Override => "FACT#OVERRIDE".into(),
            Self::Incident => "FACT#INCIDENT".into(),
            Self::Task(action) => format!("FACT#TASK#{action}"),
            Self::PlayRequest(playbook) => format!("FACT#PLAY#{playbook}"),
            Self::PlayClose(playbook) => format!("FACT#CLOSE#{playbook}"),
            Self::Answer(alert) => format!("FACT#ANSWER#{alert}"),
            Self::Rescore => "FACT#RESCORE".into(),
            Self::Tick => "FACT#TICK".into(),
        }
    }
}

impl FromStr for FactKey {
    type Err = BadId;

    fn from_str(sort_key: &str) -> Result<Self, BadId> {
        Ok(match sort_key {
            "FACT#PROFILE" => Self::Profile,
            "FACT#CONTACT" => Self::Contact,
            "FACT#DEAL" => Self::Deal,
            "FACT#TICKET" => Self::Ticket,
            "FACT#RESPONSE" => Self::Response,
            "FACT#SENTIMENT" => Self::Sentiment,
            "FACT#TOUCHPOINT" => Self::Touchpoint,
            "FACT#PAYMENT" => Self::Payment,
            "FACT#OVERRIDE" => Self::Override,
            "FACT#INCIDENT" => Self::Incident,
            "FACT#RESCORE" => Self::Rescore,
            "FACT#TICK" => Self::Tick,
            other => {
                if let Some(id) = other.strip_prefix("FACT#SUBSCRIPTION#") {
                    Self::Subscription(id.to_owned())
                } else if let Some(action) = other.strip_prefix("FACT#TASK#") {
                    Self::Task(ActionId::from_stored(action))
                } else if let Some(playbook) = other.strip_prefix("FACT#PLAY#") {
                    Self::PlayRequest(playbook.parse()?)
                } else if let Some(playbook) = other.strip_prefix("FACT#CLOSE#") {
                    Self::PlayClose(playbook.parse()?)
                } else if let Some(alert) = other.strip_prefix("FACT#ANSWER#") {
                    Self::Answer(ActionId::from_stored(alert))
                } else if let Some(usage) = other.strip_prefix("FACT#USAGE#") {
                    Self::Usage(usage.parse()?)
                } else if let Some(name) = other.strip_prefix("FACT#MILESTONE#") {
                    Self::Milestone(name.to_owned())
                } else {
                    return Err(BadId { what: "the sort key of a fact", text: other.to_owned() });
                }
            }
        })
    }
}

impl Serialize for FactKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.sort_key())
    }
}

impl<'de> Deserialize<'de> for FactKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_every_item_can_be_read_back() {
        let usage: UsageKey = "crm#all#active_users#2026-02".parse().unwrap();
        let keys = [
            FactKey::Profile,
            FactKey::Contact,
            FactKey::Deal,
            FactKey::Ticket,
            FactKey::Response,
            FactKey::Subscription("sub_1#2".into()),
            FactKey::Sentiment,
            FactKey::Touchpoint,
            FactKey::Usage(usage),
            FactKey::Payment,
            FactKey::Milestone("first value #1".into()),
            FactKey::Override,
            FactKey::Incident,
            FactKey::Task(ActionId::from_stored("5d1c0f6f0f6b4a3e9a7c2b8d41e09c11")),
            FactKey::PlayRequest("risk-mitigation".parse().unwrap()),
            FactKey::PlayClose("risk-mitigation".parse().unwrap()),
            FactKey::Answer(ActionId::from_stored("5f0c1d2e")),
            FactKey::Rescore,
            FactKey::Tick,
        ];
        for key in keys {
            assert!(key.sort_key().starts_with(FactKey::PREFIX));
            assert_eq!(key.sort_key().parse(), Ok(key));
        }
        for bad in ["PROFILE", "FACT#NOTHING", "FACT#USAGE#crm#all#active_users#2026-13", "FACT#USAGE#active_users"] {
            assert!(bad.parse::<FactKey>().is_err(), "{bad}");
        }
    }
}
