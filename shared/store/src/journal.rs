//! The journal: every authentic delivery, byte for byte.

use std::cell::RefCell;
use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zstd::bulk::Compressor;

use model::{ConnectionName, Delivery, DeliveryId, Family, Moment, stable_hash};

use crate::rows::{Attributes, text, text_of};
use crate::{Store, StoreError};

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Journaled {
    /// It is durable now.
    New,
    /// The same bytes were there already; nothing was written.
    Repeated,
    /// Other bytes had the same key; both are kept, this one under the id named here.
    KeptBeside(DeliveryId),
    /// It does not fit an item even when compressed; nothing was written.
    TooLarge,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    delivery: DeliveryId,
    connection: ConnectionName,
    family: Family,
    received_at: Moment,
    body_sha256: String,
    bytes: usize,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    same_key_as: Option<DeliveryId>,
    /// When the body was replaced, because it spoke of a person who was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    erased_at: Option<Moment>,
    /// Of a replaced body: [`mark`] of the one that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent: Option<String>,
    /// Compressed with zstd.
    #[serde(with = "serde_bytes")]
    body: Vec<u8>,
}

/// Vendors' JSON shrinks to a half or a fifth. Level 3 takes twice as long and saves a fiftieth of that.
const COMPRESSION_LEVEL: i32 = 1;
/// A body this short shares the one kilobyte that a write is paid by ("Read/write capacity mode", docs.aws.amazon.com, from
/// general knowledge, 2026-11) with everything else of its item, however small it becomes.
const SHORT: usize = 512;
/// For those: it leaves out the coding of single letters, most of the work on a short body. Read like any other level.
const SHORT_LEVEL: i32 = -1;
/// An item holds 400 kB with its names and keys ("Quotas in Amazon DynamoDB", docs.aws.amazon.com, read 2026-11).
const MAX_STORED: usize = 390_000;

thread_local! {
    /// Kept, since making one asks the processor what it is, and a virtual machine has to be left for the answer: 3 % of what a
    /// webhook took (on one, 2026-11-23).
    static COMPRESSOR: RefCell<Compressor<'static>> = RefCell::default();
}

fn compressed(body: &[u8], of: &DeliveryId) -> Result<Vec<u8>, StoreError> {
    let level = if body.len() <= SHORT { SHORT_LEVEL } else { COMPRESSION_LEVEL };
    let compressed = COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.set_compression_level(level)?;
        compressor.compress(body)
    });
    compressed.map_err(|e| StoreError::unreadable(of.as_str(), e))
}

/// Enough of a hash to know a body again when its sender repeats it, too little to show what was in it.
fn mark(body_sha256: &str) -> String {
    let mut mark = stable_hash(&["sent", body_sha256]);
    mark.truncate(16);
    mark
}

impl Row {
    fn of(delivery: &Delivery) -> Result<Self, StoreError> {
        let body = compressed(&delivery.body, &delivery.id)?;
        Ok(Self {
            delivery: delivery.id.clone(),
            connection: delivery.connection.clone(),
            family: delivery.family,
            received_at: delivery.received_at,
            body_sha256: delivery.body_sha256.clone(),
            bytes: delivery.body.len(),
            headers: delivery.headers.clone(),
            same_key_as: delivery.same_key_as.clone(),
            erased_at: None,
            sent: None,
            body,
        })
    }

    /// Puts other bytes in place of the body; false when they are there already.
    pub(crate) fn replace(&mut self, stub: &[u8], at: Moment) -> Result<bool, StoreError> {
        let sha256 = hex::encode(Sha256::digest(stub));
        if self.body_sha256 == sha256 {
            return Ok(false);
        }
        self.sent.get_or_insert_with(|| mark(&self.body_sha256));
        self.body = compressed(stub, &self.delivery)?;
        (self.body_sha256, self.bytes, self.erased_at) = (sha256, stub.len(), Some(at));
        Ok(true)
    }

    fn into_delivery(self) -> Result<Delivery, StoreError> {
        let body = zstd::bulk::decompress(&self.body, self.bytes)
            .map_err(|e| StoreError::unreadable(self.delivery.as_str(), e))?;
        Ok(Delivery {
            id: self.delivery,
            connection: self.connection,
            family: self.family,
            received_at: self.received_at,
            body_sha256: self.body_sha256,
            headers: self.headers,
            body,
            same_key_as: self.same_key_as,
        })
    }
}

/// The delivery in a record of the journal's stream.
///
/// # Errors
/// When the item is not one.
pub fn delivery_from_stream(item: serde_dynamo::Item) -> Result<Delivery, StoreError> {
    let row: Row = serde_dynamo::from_item(item).map_err(|e| StoreError::unreadable("a journal record", e))?;
    row.into_delivery()
}

/// A delivery as a record of the journal's stream carries it, to hand it to its consumer once more.
///
/// # Errors
/// When it cannot be written as an item.
pub fn stream_image(delivery: &Delivery) -> Result<serde_dynamo::Item, StoreError> {
    serde_dynamo::to_item(Row::of(delivery)?).map_err(|e| StoreError::unreadable(delivery.id.as_str(), e))
}

impl Store {
    /// Keeps a delivery unless it is there already: 1 call, 2 when other bytes have its key.
    ///
    /// # Errors
    /// When the store does not answer; the sender must then be asked to send again.
    pub async fn journal(&self, delivery: &Delivery) -> Result<Journaled, StoreError> {
        let row = Row::of(delivery)?;
        if row.body.len() > MAX_STORED {
            return Ok(Journaled::TooLarge);
        }
        let Some(held) = self.put_delivery(row).await? else { return Ok(Journaled::New) };
        let repeats = text_of(&held, "body_sha256") == Some(&delivery.body_sha256);
        if repeats || text_of(&held, "sent").is_some_and(|sent| sent == mark(&delivery.body_sha256)) {
            return Ok(Journaled::Repeated);
        }
        let beside = Delivery {
            id: delivery.id.with_other_bytes(&delivery.body_sha256),
            same_key_as: Some(delivery.id.clone()),
            ..delivery.clone()
        };
        let id = beside.id.clone();
        Ok(match self.put_delivery(Row::of(&beside)?).await? {
            None => Journaled::KeptBeside(id),
            Some(_) => Journaled::Repeated,
        })
    }

    /// `None` when it was put; else the item that is there.
    async fn put_delivery(&self, row: Row) -> Result<Option<Attributes>, StoreError> {
        let name = row.delivery.clone();
        let item = serde_dynamo::to_item(row).map_err(|e| StoreError::unreadable(name.as_str(), e))?;
        let sent = self
            .client
            .put_item()
            .table_name(&self.tables.journal)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(delivery)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Some(failed.item.clone().unwrap_or_default()))
                }
                _ => Err(StoreError::unavailable("PutItem", &error)),
            },
        }
    }

    /// One delivery: 1 call.
    ///
    /// # Errors
    /// When the store does not answer or the item cannot be read.
    pub async fn delivery(&self, id: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.journal_item(id).await?.map(from_item).transpose()
    }

    pub(crate) async fn journal_item(&self, id: &DeliveryId) -> Result<Option<Attributes>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.journal)
            .key("delivery", text(id.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| StoreError::unavailable("GetItem", &e))?;
        Ok(answer.item)
    }

    /// At most `limit` deliveries in no order, and where to go on after them; `None` once that was all: 1 call. An
    /// operator's command that takes its time.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn journal_page(
        &self,
        after: Option<&DeliveryId>,
        limit: i32,
    ) -> Result<(Vec<Delivery>, Option<DeliveryId>), StoreError> {
        let start = after.map(|id| Attributes::from([("delivery".into(), text(id.as_str()))]));
        let page = self
            .client
            .scan()
            .table_name(&self.tables.journal)
            .consistent_read(true)
            .limit(limit)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|e| StoreError::unavailable("Scan", &e))?;
        let next = page.last_evaluated_key.as_ref().and_then(|key| text_of(key, "delivery"));
        let next = next.map(DeliveryId::from_stored);
        let deliveries = page.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok((deliveries, next))
    }

    /// The whole journal in its total order (received_at, id). An operator's command: it reads every page.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn whole_journal(&self) -> Result<Vec<Delivery>, StoreError> {
        let mut deliveries = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .scan()
                .table_name(&self.tables.journal)
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|e| StoreError::unavailable("Scan", &e))?;
            for item in page.items.unwrap_or_default() {
                deliveries.push(from_item(item)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        deliveries.sort_by(|a, b| (a.received_at, &a.id).cmp(&(b.received_at, &b.id)));
        Ok(deliveries)
    }
}

fn from_item(item: Attributes) -> Result<Delivery, StoreError> {
    let row: Row = serde_dynamo::from_item(item).map_err(|e| StoreError::unreadable("a journal row", e))?;
    row.into_delivery()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_any_length_is_read_as_it_was_sent() {
        let id = DeliveryId::from_stored("hubspot:1");
        let text = r#"{"objectType":"COMPANY","properties":{"name":{"value":"Acme"}}}"#.repeat(2_000);
        for length in [0, 1, 63, SHORT, SHORT + 1, 2_800, text.len()] {
            let body = &text.as_bytes()[..length];
            let stored = compressed(body, &id).unwrap();
            assert_eq!(zstd::bulk::decompress(&stored, length).unwrap(), body, "{length} bytes");
            assert!(stored.len() < 150 + length / 100, "{length} bytes are kept as {}", stored.len());
        }
    }
}
