//! Mail, as an action asks for it.

use serde::{Deserialize, Serialize};

use crate::{SubjectId, stable_hash};

/// What is to be written to whom. The address stands in the request around it, and so does all that the mail tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Email {
    /// Whose mail it is.
    pub audience: Audience,
    /// The template below `email/`, without `.txt.j2` and `.html.j2`.
    pub template: String,
    /// The part that the reader has at the customer's, such as `sponsor`; `None` for one of us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The contact that has the address; `None` for one of us, and where nobody has the part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<SubjectId>,
    /// What people call the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address of whoever looks after the account: answers go there, and drafts. `None` where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

/// Whose mail it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// One of us.
    Colleague,
    /// Somebody at the customer's: a draft for the owner, unless the configuration lets it out.
    Customer,
}

impl Audience {
    /// The name in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Colleague => "colleague",
            Self::Customer => "customer",
        }
    }
}

/// The name under which an address keeps its ledger of mail. Not the address itself: the ledger of somebody who is forgotten
/// names nobody.
pub fn mail_ledger(address: &str) -> String {
    format!("mail~{}", stable_hash(&["mail", &address.trim().to_lowercase()]))
}
