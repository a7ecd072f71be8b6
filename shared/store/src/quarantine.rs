//! What was not understood: kept with a reason until a replay under a mended configuration understands it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use model::{Delivery, Event, Moment, Quarantined};

use crate::rows::{Key, item, row};
use crate::write::MOST;
use crate::{Store, StoreError};

/// An item of the quarantine, and whether it still is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineRow {
    /// What was not understood.
    #[serde(flatten)]
    pub quarantined: Quarantined,
    /// When a replay understood it; `None` while it is not understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended_at: Option<Moment>,
}

const PREFIX: &str = "QUARANTINE#";

fn partition(received_at: Moment) -> String {
    format!("{PREFIX}{}", &received_at.to_string()[..10])
}

fn key(quarantined: &Quarantined) -> Key {
    let Quarantined { delivery, path, received_at, .. } = quarantined;
    Key { pk: partition(*received_at), sk: format!("{delivery}#{path}") }
}

impl Store {
    /// Records what was not understood, and the event that says so, in one transaction: 1 call. Repeating it changes
    /// nothing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn quarantine(&self, rows: &[(Quarantined, Event)]) -> Result<(), StoreError> {
        // Two writes each.
        for some in rows.chunks(MOST / 2) {
            let mut writes = Vec::with_capacity(some.len() * 2);
            for (quarantined, event) in some {
                writes.push(self.put_once(item(&key(quarantined), quarantined)?));
                writes.push(self.outbox_write(event)?);
            }
            self.transact(writes).await?;
        }
        Ok(())
    }

    /// After a delivery was understood anew: its items of the quarantine whose path is not in `still` are mended as of
    /// `at`, those in it are not, whatever an earlier replay found. 1 call, and 1 per item that changes.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn mended(&self, delivery: &Delivery, still: &BTreeSet<String>, at: Moment) -> Result<usize, StoreError> {
        let prefix = format!("{}#", delivery.id);
        let mut changed = 0;
        for found in self.query(&partition(delivery.received_at), Some(&prefix)).await? {
            let mut found: QuarantineRow = row(found)?;
            let mended = !still.contains(&found.quarantined.path);
            // The id of a delivery whose key was used twice begins like the first one's.
            if found.quarantined.delivery == delivery.id && found.mended_at.is_some() != mended {
                found.mended_at = mended.then_some(at);
                self.put_quarantine(&found).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    pub(crate) async fn put_quarantine(&self, row: &QuarantineRow) -> Result<bool, StoreError> {
        self.put_on(item(&key(&row.quarantined), row)?, "attribute_exists(pk)", &[], [].into()).await
    }

    /// What is not understood, oldest first. An operator's command: it pages through the table.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn quarantined(&self) -> Result<Vec<Quarantined>, StoreError> {
        let rows = self.whole_quarantine().await?.into_iter();
        Ok(rows.filter(|row| row.mended_at.is_none()).map(|row| row.quarantined).collect())
    }

    /// Everything that ever was not understood, oldest first. An operator's command: it pages through the table.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn whole_quarantine(&self) -> Result<Vec<QuarantineRow>, StoreError> {
        let found = self.scan("begins_with(pk, :p)", ":p", PREFIX).await?;
        let mut rows: Vec<QuarantineRow> = found.into_iter().map(row).collect::<Result<_, _>>()?;
        rows.sort_by(|a, b| {
            let order = |row: &QuarantineRow| (row.quarantined.received_at, row.quarantined.delivery.clone());
            (order(a), &a.quarantined.path).cmp(&(order(b), &b.quarantined.path))
        });
        Ok(rows)
    }
}
