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

/// What the keys of deliveries begin with that were loaded.
const HISTORY: &str = "history~";

impl DeliveryId {
    /// The id of the delivery `key` of `connection`.
    pub fn new(connection: &ConnectionName, key: &str) -> Self {
        Self(format!("{connection}:{key}"))
    }

    /// The id of what was loaded of a connection's past: from a file, or page by page from its API. No vendor's own id looks
    /// like it.
    pub fn of_history(connection: &ConnectionName, key: &str) -> Self {
        Self(format!("{connection}:{HISTORY}{key}"))
    }

    /// It tells how things were, which is no news however late it is told.
    pub fn is_history(&self) -> bool {
        self.0.split_once(':').is_some_and(|(_, key)| key.starts_with(HISTORY))
    }

    /// The name of the connection it came from.
    pub fn connection(&self) -> &str {
        self.0.split_once(':').map_or(self.0.as_str(), |(connection, _)| connection)
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

impl SubjectId {
    /// A web domain; `None` for what is none. A scheme, `www.`, a path and a trailing dot are taken off, letters become
    /// lower-case.
    pub fn domain(text: &str) -> Option<Self> {
        plain_domain(text).map(|domain| Self(format!("domain:{domain}")))
    }

    /// A person by email address; `None` for what is none. Letters become lower-case.
    pub fn email(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let (local, domain) = text.rsplit_once('@')?;
        let plain = plain_domain(domain)?;
        let good = !local.is_empty()
            && plain == domain
            && !local.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '#' | '<' | '>' | ','));
        good.then(|| Self(format!("email:{local}@{domain}")))
    }

    /// `(tool, type, id)` of a vendor's object; `None` for a domain, an email and everything else.
    pub fn parts(&self) -> Option<(&str, &str, &str)> {
        let (tool, rest) = self.0.split_once(':')?;
        let (kind, id) = rest.split_once(':')?;
        (tool != "email" && tool != "domain").then_some((tool, kind, id))
    }

    /// The address of a person.
    pub fn as_email(&self) -> Option<&str> {
        self.0.strip_prefix("email:")
    }

    /// The name of a domain.
    pub fn as_domain(&self) -> Option<&str> {
        self.0.strip_prefix("domain:")
    }

    /// An email's domain where it says which company: not a mail provider's.
    pub fn company_domain(&self) -> Option<Self> {
        let (_, domain) = self.as_email()?.rsplit_once('@')?;
        (!is_free_mail(domain)).then(|| Self(format!("domain:{domain}")))
    }

    /// An object that can change its owner and that nothing belongs to but itself: one stored item holds its facts and its
    /// claims.
    pub fn is_leaf(&self) -> bool {
        matches!(self.parts(), Some((_, "deal" | "ticket" | "response", _)))
    }

    /// The company that this one names as its parent: an id alone, as CRMs write it, is one of the same tool and kind.
    /// `None` for a blank, and for itself.
    pub fn named_parent(&self, text: &str) -> Option<Self> {
        let text = text.trim();
        let whole = Self(text.to_owned());
        let parent = if whole.is_company() {
            whole
        } else {
            let (tool, kind, _) = self.parts().filter(|_| !text.is_empty())?;
            Self::vendor(tool, kind, text)
        };
        (parent != *self).then_some(parent)
    }

    /// A vendor's object that can be an account.
    pub fn is_company(&self) -> bool {
        matches!(self.parts(), Some((_, "company" | "org", _)))
    }
}

/// `domain` gives mailboxes to everyone, so it says nothing of a company.
pub fn is_free_mail(domain: &str) -> bool {
    FREE_MAIL.lines().any(|line| line == domain)
}

/// One domain a line, sorted.
const FREE_MAIL: &str = include_str!("free_mail.txt");

fn plain_domain(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let text = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let text = text.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let text = text.strip_prefix("www.").unwrap_or(text).trim_end_matches('.');
    let labels = text.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    (text.contains('.') && text.len() <= 253 && labels).then(|| text.to_owned())
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
    /// What the sender of our mail tells of it, on a bus of AWS; no webhook arrives here.
    Mail,
    /// Rows of a file that an operator loads, as the word of the connection whose export it is; no webhook arrives here.
    Import,
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
            Self::Mail => "mail",
            Self::Import => "import",
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
    fn what_was_loaded_is_known_by_its_id() {
        let connection = "hubspot".parse().unwrap();
        let loaded = DeliveryId::of_history(&connection, "7");
        assert_eq!((loaded.connection(), loaded.is_history()), ("hubspot", true));
        assert!(!DeliveryId::new(&connection, "7").is_history());
    }

    #[test]
    fn a_domain_is_told_from_what_is_none() {
        for (text, domain) in [
            ("acme.example", "acme.example"),
            ("https://www.Acme.example/about?x=1", "acme.example"),
            (" ACME.example. ", "acme.example"),
            ("b\u{fc}cher.example", "b\u{fc}cher.example"),
        ] {
            assert_eq!(SubjectId::domain(text).unwrap().as_domain(), Some(domain), "{text}");
        }
        for text in ["", "acme", "a b.example", "-a.example", "a..example", "12 345", "."] {
            assert_eq!(SubjectId::domain(text), None, "{text}");
        }
    }

    #[test]
    fn an_email_belongs_to_its_domain_unless_that_is_a_mail_providers() {
        let domain = |text| SubjectId::email(text).unwrap().company_domain();
        assert_eq!(domain("Ann@Acme.example"), SubjectId::domain("acme.example"));
        assert_eq!(domain("ann@gmail.com"), None);
        for text in ["", "ann", "@acme.example", "ann@acme", "a b@acme.example", "ann@https://acme.example"] {
            assert_eq!(SubjectId::email(text), None, "{text}");
        }
    }

    #[test]
    fn the_list_of_mail_providers_is_sorted_and_plain() {
        let lines: Vec<_> = FREE_MAIL.lines().collect();
        assert!(lines.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(lines.iter().all(|line| plain_domain(line).as_deref() == Some(line)));
    }

    #[test]
    fn leaves_and_companies_are_told_by_their_type() {
        assert!(SubjectId::vendor("zendesk", "ticket", "1").is_leaf());
        assert!(SubjectId::vendor("zendesk", "org", "1").is_company());
        let domain = SubjectId::domain("acme.example").unwrap();
        assert!(!domain.is_leaf() && !domain.is_company() && domain.parts().is_none());
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

    #[test]
    fn a_parent_is_named_by_its_id_alone_or_in_full() {
        let company = |id| SubjectId::vendor("hubspot", "company", id);
        let named = |text| company("7").named_parent(text);
        assert_eq!(named(" 4410001 "), Some(company("4410001")));
        assert_eq!(named("zendesk:org:5"), Some(SubjectId::vendor("zendesk", "org", "5")));
        assert_eq!((named(""), named("7"), named("hubspot:company:7")), (None, None, None));
        assert_eq!(SubjectId::domain("acme.example").unwrap().named_parent("7"), None);
    }
}
