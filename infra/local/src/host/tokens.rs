//! Tokens for vendors' APIs: what waits for one is asked for again when it is there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use config::secrets::SecretsFile;
use model::{ConnectionName, stable_hash};
use runtime::secrets::{Secret, SecretMap};
use store::{ActionStatus, Store, StoreError};
use tracing::info;

use super::ReadSecrets;
use crate::pump::Handler;

/// As SSM names them below `/barometer/fetch`.
pub(super) fn secrets(file: SecretsFile) -> SecretMap {
    let named = |(name, secrets): (ConnectionName, config::secrets::ConnectionSecrets)| {
        Some((format!("{name}/token"), Secret::new(secrets.token?)))
    };
    file.connections.into_iter().filter_map(named).collect()
}

/// Watches the file of secrets for tokens that are new or were changed.
pub(super) struct Tokens {
    read: ReadSecrets,
    store: Store,
    /// A hash of each token that was there when somebody last looked.
    seen: Mutex<BTreeMap<ConnectionName, String>>,
}

impl Tokens {
    pub(super) fn new(read: ReadSecrets, store: Store) -> Self {
        Self { read, store, seen: Mutex::default() }
    }

    /// Has every object fetched for which there was no token, or one that the vendor refused, if there is another one
    /// now. The first look finds all tokens new, so a start is enough as well.
    pub(super) async fn look(&self) -> Result<(), StoreError> {
        // Secrets that cannot be read are reported by whoever needs them.
        let Ok(file) = (self.read)() else { return Ok(()) };
        let hashed = |(name, secrets): (ConnectionName, config::secrets::ConnectionSecrets)| {
            Some((name, stable_hash(&[&secrets.token?])))
        };
        let now: BTreeMap<_, _> = file.connections.into_iter().filter_map(hashed).collect();
        let before = self.seen().clone();
        let is_new = |name: &ConnectionName| now.contains_key(name) && now.get(name) != before.get(name);
        if now.keys().any(is_new) {
            for entry in self.store.fetches().await? {
                let status = entry.action.as_ref().map(|row| row.status);
                let waits = matches!(status, Some(ActionStatus::Held | ActionStatus::Failed));
                if waits && is_new(&entry.request.connection) {
                    info!(action.id = %entry.request.id, "Fetch `{}` is asked for again", entry.request.id);
                    self.store.ask_again(&entry).await?;
                }
            }
        }
        *self.seen() = now;
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<ConnectionName, String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `handler`, after a look.
    pub(super) fn before(self: Arc<Self>, handler: Handler) -> Handler {
        Arc::new(move |event| {
            let (tokens, handler) = (self.clone(), handler.clone());
            Box::pin(async move {
                tokens.look().await.map_err(|error| runtime::logging::chain(&error))?;
                handler(event).await
            })
        })
    }
}
