//! What an account's record in the CRM shows of its health, and what of that was asked for last.

use serde::{Deserialize, Serialize};

use crate::{ActionId, Band, Moment, Score, SubjectId};

/// What every property begins with that we make in somebody else's tool. Such a property is never a fact: it says what we
/// said.
pub const OUR_PROPERTIES: &str = "barometer_";

/// What is to stand on an account's record in the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CrmUpdate {
    /// The score; `None` where too little is known for one, and for an account that is watched no more.
    pub score: Option<Score>,
    /// The band that people act on; `None` for an account that is watched no more, whose properties are emptied.
    pub band: Option<Band>,
    /// What costs most points, worst first, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The moment it holds for.
    pub as_of: Moment,
}

/// What was asked for last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenBack {
    /// The action. Any other of the same account is older, and not to be carried out.
    pub action: ActionId,
    /// The score as people read it, from 0 to 100; `None` without one.
    pub score: Option<u16>,
    /// The band.
    pub band: Band,
    /// The moment it holds for.
    pub at: Moment,
    /// The last time that it was asked for because the band had changed; `None` while that never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band_at: Option<Moment>,
}

/// The property of HubSpot's tasks that holds the id of the action which made one. Its values are unique, and it has one name
/// in every portal.
pub const HUBSPOT_ACTION_ID: &str = "barometer_action_id";

impl SubjectId {
    /// HubSpot's number of a company; `None` for every other subject.
    pub fn hubspot_company(&self) -> Option<&str> {
        let number = self.as_str().strip_prefix("hubspot:company:")?;
        (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_company_of_hubspot_has_a_record_there() {
        let number = |text: &str| SubjectId::from_stored(text).hubspot_company().map(str::to_owned);
        assert_eq!(number("hubspot:company:4711"), Some("4711".to_owned()));
        for other in ["hubspot:company:", "hubspot:company:4711/../7", "hubspot:contact:4711", "zendesk:org:5"] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
