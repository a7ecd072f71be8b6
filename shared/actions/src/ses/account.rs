//! How an account stands with SES, for whoever looks before anything is mailed. Nothing is changed by it.
//!
//! Followed: "GetAccount", "GetEmailIdentity", "GetConfigurationSet" and "GetContactList" (Amazon SES API v2 reference), from
//! general knowledge of 2026-11.

use model::Moment;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::call::{MailError, Ses, refused};
use crate::form;

/// The account in one region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MailAccount {
    /// Mail goes to anybody. Without it, to verified addresses only, and to few of them a day: the sandbox.
    #[serde(default)]
    pub production_access_enabled: bool,
    /// Mail goes out at all.
    #[serde(default)]
    pub sending_enabled: bool,
    /// `HEALTHY`, `PROBATION` or `SHUTDOWN`.
    #[serde(default)]
    pub enforcement_status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Identity {
    #[serde(default)]
    verified_for_sending_status: bool,
}

impl Ses {
    /// How the account stands.
    ///
    /// # Errors
    /// See [`MailError`]; never [`MailError::Unsure`].
    pub async fn account(&self, now: Moment) -> Result<MailAccount, MailError> {
        let account = self.read("GetAccount", "account", now).await?;
        account.ok_or_else(|| refused("there is no SES at this address; check `base_url` and `region`"))
    }

    /// Whether mail may come from an address, or from any of a domain; `None` for one that SES does not have.
    ///
    /// # Errors
    /// As [`Self::account`].
    pub async fn is_verified(&self, identity: &str, now: Moment) -> Result<Option<bool>, MailError> {
        let path = format!("identities/{}", form::value(identity));
        let found: Option<Identity> = self.read("GetEmailIdentity", &path, now).await?;
        Ok(found.map(|found| found.verified_for_sending_status))
    }

    /// Whether there is a configuration set.
    ///
    /// # Errors
    /// As [`Self::account`].
    pub async fn has_configuration_set(&self, name: &str, now: Moment) -> Result<bool, MailError> {
        self.has("GetConfigurationSet", &format!("configuration-sets/{}", form::value(name)), now).await
    }

    /// Whether there is a contact list.
    ///
    /// # Errors
    /// As [`Self::account`].
    pub async fn has_contact_list(&self, name: &str, now: Moment) -> Result<bool, MailError> {
        self.has("GetContactList", &format!("contact-lists/{}", form::value(name)), now).await
    }

    async fn has(&self, operation: &str, path: &str, now: Moment) -> Result<bool, MailError> {
        Ok(self.read::<IgnoredAny>(operation, path, now).await?.is_some())
    }
}
