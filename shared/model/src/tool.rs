//! What a connector can be told and what it can feed, so that configuration is checked before anything runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Currency, Family, Field};

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
    /// What can be mapped.
    pub objects: &'static [MappedObject],
}

/// Which vendor property feeds which field, per object of the tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Object name → field → the vendor's property name.
    pub objects: BTreeMap<String, BTreeMap<Field, String>>,
    /// The currency of amounts that name none.
    pub currency: Currency,
}

impl Mapping {
    /// The property mapped to `field` of `object`.
    pub fn property(&self, object: &str, field: Field) -> Option<&str> {
        self.objects.get(object)?.get(&field).map(String::as_str)
    }
}
