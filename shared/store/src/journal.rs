//! The journal: every authentic delivery, byte for byte.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use serde::{Deserialize, Serialize};

use model::{ConnectionName, Delivery, DeliveryId, Family, Moment};

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
struct Row {
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
    /// Compressed with zstd.
    #[serde(with = "serde_bytes")]
    body: Vec<u8>,
}

/// Fast enough for every webhook, and vendors' JSON still shrinks to a fifth.
const COMPRESSION_LEVEL: i32 = 3;
/// An item holds 400 kB with its names and keys ("Quotas in Amazon DynamoDB", docs.aws.amazon.com, read 2026-11).
const MAX_STORED: usize = 390_000;

impl Row {
    fn of(delivery: &Delivery) -> Result<Self, StoreError> {
        let body = zstd::bulk::compress(&delivery.body, COMPRESSION_LEVEL)
            .map_err(|e| StoreError::unreadable(delivery.id.as_str(), e))?;
        Ok(Self {
            delivery: delivery.id.clone(),
            connection: delivery.connection.clone(),
            family: delivery.family,
            received_at: delivery.received_at,
            body_sha256: delivery.body_sha256.clone(),
            bytes: delivery.body.len(),
            headers: delivery.headers.clone(),
            same_key_as: delivery.same_key_as.clone(),
            body,
        })
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
        if text_of(&held, "body_sha256") == Some(&delivery.body_sha256) {
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
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.journal)
            .key("delivery", text(id.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| StoreError::unavailable("GetItem", &e))?;
        answer.item.map(from_item).transpose()
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
