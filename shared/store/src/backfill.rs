//! How far a connection's past has been read from its vendor's API.

use std::collections::BTreeMap;

use model::{ConnectionName, Moment};
use serde::{Deserialize, Serialize};

use crate::rows::{Key, item, row};
use crate::{Store, StoreError};

/// How far it has been read; what it says was read is in the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfill {
    /// Only records changed since then are kept.
    #[serde(default)]
    pub changed_since: Option<Moment>,
    /// The kind of record that is read now; `None` once all is read.
    pub kind: Option<String>,
    /// Where its next page begins; `None` for the first.
    #[serde(default)]
    pub after: Option<String>,
    /// Of each kind, how many records were read so far.
    #[serde(default)]
    pub read: BTreeMap<String, BackfillCount>,
}

/// How many records of a kind were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillCount {
    /// New in the journal.
    pub new: u64,
    /// In the journal before.
    pub known: u64,
    /// Not changed since the moment that was asked for.
    pub older: u64,
}

fn key(connection: &ConnectionName) -> Key {
    Key::control(format!("BACKFILL#{connection}"))
}

impl Store {
    /// How far a connection's past has been read; `None` where nobody has begun: 1 call.
    ///
    /// # Errors
    /// When the store does not answer or the row cannot be read.
    pub async fn backfill(&self, connection: &ConnectionName) -> Result<Option<Backfill>, StoreError> {
        self.get(&key(connection)).await?.map(row).transpose()
    }

    /// Keeps how far it has been read: 1 call.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn set_backfill(&self, connection: &ConnectionName, held: &Backfill) -> Result<(), StoreError> {
        let write = self.put_always(item(&key(connection), held)?);
        self.transact(vec![write]).await.map(|_| ())
    }
}
