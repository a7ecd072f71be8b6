//! What a connector can be told and what it can feed, so that configuration is checked before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Currency, Family, Field, SubjectId};

/// A kind of object of a tool whose properties can be mapped to fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappedObject {
    /// The name in `connections.toml`, such as `company`.
    pub name: &'static str,
    /// The fields a property of it can be mapped to.
    pub fields: &'static [Field],
}

/// An inbound tool as configuration sees it; `connectors::ALL` has one each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// The value of `tool` in `connections.toml`, such as `hubspot-workflow`.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Which deployment of `webhook` receives it.
    pub family: Family,
    /// It opens accounts (a CRM) unless the connection says otherwise.
    pub creates_accounts: bool,
    /// Tool and type of the accounts it opens, such as `hubspot:company`; `None` for a tool that opens none.
    pub accounts: Option<&'static str>,
    /// What can be mapped.
    pub objects: &'static [MappedObject],
    /// Its API, where a body only names what it is about; `None` for a tool that says everything itself.
    pub api: Option<Api>,
}

/// A vendor's API, from which objects are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    /// Its address, such as `https://api.hubapi.com`; `None` where every customer has one of their own.
    pub url: Option<&'static str>,
    /// Most calls in ten seconds that we make, well under the vendor's own limit.
    pub per_ten_seconds: u32,
    /// What stays unknown without a token, in one sentence; `None` where deliveries say everything, and the API serves only
    /// to set the tool up.
    pub without_token: Option<&'static str>,
}

/// Which vendor property feeds which field, per object of the tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Object name → field → the vendor's property name.
    pub objects: BTreeMap<String, BTreeMap<Field, String>>,
    /// The currency of amounts that name none.
    pub currency: Currency,
    /// Fields that a snapshot of this connection always tells: absent there means empty. All others are left alone by a
    /// snapshot that does not name them.
    #[serde(default)]
    pub complete: BTreeSet<Field>,
    /// What a bare id in another tool's `external_id` or `account_id` is: the tool and type of our accounts, such as
    /// `hubspot:company`.
    #[serde(default)]
    pub account_ids: String,
}

impl Mapping {
    /// The subject that a text in another tool's field names: a subject as it is, a web domain, or an id of the tool
    /// that [`Self::account_ids`] names. `None` for an empty text.
    pub fn account(&self, text: &str) -> Option<SubjectId> {
        let text = text.trim();
        let named = SubjectId::from_stored(text);
        if text.is_empty() || text.chars().any(|c| c.is_control() || c == '#') {
            None
        } else if named.parts().is_some_and(|(_, kind, id)| !kind.is_empty() && !id.is_empty()) {
            Some(named)
        } else if let Some(domain) = text.strip_prefix("domain:") {
            SubjectId::domain(domain)
        } else {
            // A version number or an id with a dot in it is still more likely an id than a domain without letters.
            let domain = SubjectId::domain(text).filter(|_| text.contains(|c: char| c.is_alphabetic()));
            domain.or_else(|| {
                let (tool, kind) = self.account_ids.split_once(':')?;
                Some(SubjectId::vendor(tool, kind, text))
            })
        }
    }

    /// The property mapped to `field` of `object`.
    pub fn property(&self, object: &str, field: Field) -> Option<&str> {
        self.objects.get(object)?.get(&field).map(String::as_str)
    }
}
