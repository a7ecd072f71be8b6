//! Forgetting: what was said by or about a person who was erased, taken out of what is kept. Operators' commands; they
//! page through tables.

mod erased;
mod sent;

use std::collections::BTreeSet;

use model::{DeliveryId, Moment, TimelineEntry};

use crate::journal::Row;
use crate::rows::{Key, item, row};
use crate::{Store, StoreError};

pub(crate) use erased::ERASED;
pub use erased::Erased;

impl Store {
    /// Replaces the body of a delivery by `stub`, for good: 2 calls, 1 when it is replaced already. False when there was
    /// nothing to do.
    ///
    /// The row stays: its key, times and connection are what shows that something was received, and a repeat of the
    /// original by its sender is still known as one and not kept again.
    ///
    /// # Errors
    /// When the store does not answer or the item cannot be read.
    pub async fn redact(&self, delivery: &DeliveryId, stub: &[u8], at: Moment) -> Result<bool, StoreError> {
        let found = self.journal_item(delivery).await?;
        let Some(found) = found else { return Ok(false) };
        let mut row: Row = serde_dynamo::from_item(found).map_err(|e| StoreError::unreadable(delivery.as_str(), e))?;
        if !row.replace(stub, at)? {
            return Ok(false);
        }
        let next = serde_dynamo::to_item(row).map_err(|e| StoreError::unreadable(delivery.as_str(), e))?;
        self.client
            .put_item()
            .table_name(&self.tables.journal)
            .set_item(Some(next))
            .condition_expression("attribute_exists(delivery)")
            .send()
            .await
            .map_err(|e| StoreError::unavailable("PutItem", &e))?;
        Ok(true)
    }

    /// A row of `table` by its key, as a record of the table's stream would show it now: 1 call. `None` where there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn image(&self, table: &str, key: serde_dynamo::Item) -> Result<Option<serde_dynamo::Item>, StoreError> {
        let asked = self.client.get_item().table_name(table).set_key(Some(key.into())).consistent_read(true);
        let answer = asked.send().await.map_err(|e| StoreError::unavailable("GetItem", &e))?;
        Ok(answer.item.map(Into::into))
    }

    /// Takes the text out of the timeline's rows that cite one of `deliveries`; gives how many were changed.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn redact_timeline(&self, deliveries: &BTreeSet<DeliveryId>) -> Result<usize, StoreError> {
        let mut changed = 0;
        for found in self.scan("begins_with(pk, :p)", ":p", "TIMELINE#").await? {
            let entry: TimelineEntry = row(found)?;
            if entry.text != ERASED && entry.delivery.as_ref().is_some_and(|cited| deliveries.contains(cited)) {
                let key = Key::timeline(&entry.account, entry.at, &entry.id);
                let next = TimelineEntry { text: ERASED.to_owned(), ..entry };
                self.put_on(item(&key, &next)?, "attribute_exists(pk)", &[], [].into()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    /// Takes the reason out of the quarantine's rows of `deliveries`; gives how many were changed.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn redact_quarantine(&self, deliveries: &BTreeSet<DeliveryId>) -> Result<usize, StoreError> {
        let mut changed = 0;
        for mut found in self.whole_quarantine().await? {
            let quarantined = &mut found.quarantined;
            if quarantined.reason != ERASED && deliveries.contains(&quarantined.delivery) {
                quarantined.reason = ERASED.to_owned();
                self.put_quarantine(&found).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}
