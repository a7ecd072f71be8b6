//! Questions about the app itself, for whoever sets it up. Nothing is posted.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{FORM, PostError, Reply, Road, Slack, answered, authorized, refused, retry};
use crate::slack::text::shown;

const WHO: &str = "auth.test";
const CHANNELS: &str = "users.conversations";
/// The header in which Slack names what a token is allowed.
const SCOPES: &str = "x-oauth-scopes";
/// The longest name that is repeated.
const LONGEST: usize = 80;

/// The app as it is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The workspace's name.
    pub team: String,
    /// The bot's name there.
    pub bot: String,
    /// What the token is allowed; `None` where Slack did not say.
    pub scopes: Option<BTreeSet<String>>,
}

/// A channel that the app is in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Channel {
    /// Its id.
    pub id: String,
    /// Its name, without `#`.
    #[serde(default)]
    pub name: String,
}

#[derive(Deserialize)]
struct Who {
    #[serde(default)]
    team: String,
    #[serde(default)]
    user: String,
}

#[derive(Deserialize)]
struct Channels {
    channels: Vec<Channel>,
    #[serde(default)]
    response_metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    next_cursor: String,
}

impl Slack {
    /// Whose token it is and what it is allowed. `None` where nobody can be asked: a webhook is not.
    ///
    /// # Errors
    /// See [`PostError`]; never [`PostError::Unsure`].
    pub async fn installed(&self) -> Result<Option<Installed>, PostError> {
        let Some(response) = self.question(WHO, String::new()).await? else { return Ok(None) };
        let Who { team, user } = told(&response)?;
        let scopes = response.headers().get(SCOPES).and_then(|value| value.to_str().ok());
        let scopes = scopes.map(|all| all.split(',').map(|scope| scope.trim().to_owned()).collect());
        let name = |text: &str| shown(text, LONGEST).unwrap_or_default();
        Ok(Some(Installed { team: name(&team), bot: name(&user), scopes }))
    }

    /// The channels that the app is in, page by page, `pages` of 200 at most; needs the scopes `channels:read` and
    /// `groups:read`. `None` where nobody can be asked.
    ///
    /// # Errors
    /// See [`PostError`]; never [`PostError::Unsure`].
    pub async fn channels(&self, pages: u32) -> Result<Option<Vec<Channel>>, PostError> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        for _ in 0..pages {
            let form = format!(
                "types=public_channel%2Cprivate_channel&exclude_archived=true&limit=200&cursor={}",
                crate::form::value(&cursor)
            );
            let Some(response) = self.question(CHANNELS, form).await? else { return Ok(None) };
            let page: Channels = told(&response)?;
            all.extend(page.channels);
            cursor = page.response_metadata.next_cursor;
            if cursor.is_empty() {
                break;
            }
        }
        Ok(Some(all))
    }

    async fn question(&self, method: &str, form: String) -> Result<Option<Reply>, PostError> {
        let Road::Api { base, token } = &self.road else { return Ok(None) };
        self.asked(method, authorized(base, method, token, FORM, form)).await.map(Some)
    }
}

/// An answer that says ok, as this.
fn told<T: DeserializeOwned>(response: &Reply) -> Result<T, PostError> {
    match answered(response) {
        Ok(_) => serde_json::from_slice(response.body()).map_err(|_| {
            refused("Slack's answer is not understood; check the base URL and what is between here and Slack")
        }),
        // Nothing was to be done, so nothing can have been.
        Err(PostError::Unsure { reason }) => Err(retry(reason)),
        Err(other) => Err(other),
    }
}
