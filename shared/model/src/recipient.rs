//! Who gets a message.

use serde::{Deserialize, Serialize};

/// Where a message goes, and why there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Recipient {
    /// A Slack channel (`#name` or id), a person's Slack id, or their email address where Slack is to be asked for that; of
    /// a task, whose it is, for a reader; of a mail, the address of whoever reads it in the end.
    pub address: String,
    /// How it was chosen.
    pub reason: String,
    /// The person it is meant for, also where it goes to a channel; `None` where nobody looks after the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Their time zone, else the team's, such as `Europe/Berlin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Their quiet hours there, such as `18:00-08:00`; `None` when they have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<String>,
}

/// What an address in Slack names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressed {
    /// A channel.
    Channel,
    /// A person, by their Slack id.
    Member,
    /// A person, by an email address that Slack has not been asked about yet.
    Email,
}

impl Recipient {
    /// What the address names.
    pub fn addressed(&self) -> Addressed {
        let address = self.address.as_str();
        if is_member_id(address) {
            Addressed::Member
        } else if address.contains('@') && !address.starts_with('#') {
            Addressed::Email
        } else {
            Addressed::Channel
        }
    }
}

/// Whether a text has the form of a person's id in Slack, such as `U024BE7LH`. Nothing else is ever written as a mention.
pub fn is_member_id(text: &str) -> bool {
    text.len() > 1 && text.starts_with(['U', 'W']) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Addressed) {
        let to = Recipient { address: address.to_owned(), ..Recipient::default() };
        assert_eq!(to.addressed(), expected, "{address}");
    }

    #[test]
    fn an_address_is_a_channel_unless_it_names_a_person() {
        check("#customer-success", Addressed::Channel);
        check("#mails@ourco", Addressed::Channel);
        check("C024BE91L", Addressed::Channel);
        check("U", Addressed::Channel);
        check("Uwe", Addressed::Channel);
        check("", Addressed::Channel);
        check("U024BE7LH", Addressed::Member);
        check("W0123", Addressed::Member);
        check("ines.almeida@ourco.example", Addressed::Email);
    }
}
