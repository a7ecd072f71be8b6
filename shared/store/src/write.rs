//! Transactions: all of it or none, with parts that may be left out when they exist already.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

use crate::rows::Attributes;
use crate::{Store, StoreError};

/// One write of a transaction.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    item: TransactWriteItem,
    /// When this write's condition fails, the others still count (an outbox row that exists already).
    optional: bool,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transacted {
    /// Everything that was not there yet is there now.
    Done,
    /// A condition failed; nothing was written.
    Conflict,
}

/// The most writes of one transaction (TransactWriteItems, Amazon DynamoDB API reference, read 2026-11).
pub(crate) const MOST: usize = 100;

/// How often a transaction is tried against others that hold the same items before the caller hears of it.
const TRIES: usize = 4;

impl Store {
    /// A put on `condition`; failing it fails the transaction.
    pub(crate) fn put_if(
        &self,
        item: Attributes,
        condition: &str,
        names: &[(&str, &str)],
        values: Attributes,
    ) -> Write {
        let mut put =
            Put::builder().table_name(&self.tables.accounts).set_item(Some(item)).condition_expression(condition);
        for (name, attribute) in names {
            put = put.expression_attribute_names(*name, *attribute);
        }
        put = put.set_expression_attribute_values((!values.is_empty()).then_some(values));
        Write { item: TransactWriteItem::builder().set_put(put.build().ok()).build(), optional: false }
    }

    /// A put whatever is there.
    pub(crate) fn put_always(&self, item: Attributes) -> Write {
        let put = Put::builder().table_name(&self.tables.accounts).set_item(Some(item));
        Write { item: TransactWriteItem::builder().set_put(put.build().ok()).build(), optional: false }
    }

    /// A put that is left out when the item exists.
    pub(crate) fn put_once(&self, item: Attributes) -> Write {
        Write { optional: true, ..self.put_if(item, "attribute_not_exists(pk)", &[], Attributes::new()) }
    }

    /// Writes all of `writes` or none: 1 call, one more for each round of rows that existed already.
    pub(crate) async fn transact(&self, mut writes: Vec<Write>) -> Result<Transacted, StoreError> {
        const OPERATION: &str = "TransactWriteItems";
        for _ in 0..TRIES {
            let items = writes.iter().map(|w| w.item.clone()).collect();
            let error = match self.client.transact_write_items().set_transact_items(Some(items)).send().await {
                Ok(_) => return Ok(Transacted::Done),
                Err(error) => error,
            };
            let SdkError::ServiceError(service) = &error else {
                return Err(StoreError::unavailable(OPERATION, &error));
            };
            let TransactWriteItemsError::TransactionCanceledException(canceled) = service.err() else {
                return Err(StoreError::unavailable(OPERATION, &error));
            };
            let codes: Vec<_> = canceled.cancellation_reasons().iter().map(|r| r.code().unwrap_or("None")).collect();
            let failed = |code: &str| code == "ConditionalCheckFailed";
            // "None" stands for a write that was fine; any other code is contention or throttling.
            if let Some(other) = codes.iter().find(|code| !failed(code) && **code != "None") {
                if *other == "TransactionConflict" {
                    continue;
                }
                return Err(StoreError::Unavailable { operation: OPERATION, reason: (*other).to_owned() });
            }
            if writes.iter().zip(&codes).any(|(write, code)| failed(code) && !write.optional) {
                return Ok(Transacted::Conflict);
            }
            let mut kept = codes.iter().map(|code| !failed(code));
            writes.retain(|_| kept.next().unwrap_or(true));
            if writes.is_empty() {
                return Ok(Transacted::Done);
            }
        }
        Err(StoreError::Unavailable { operation: OPERATION, reason: "conflicts with other transactions".into() })
    }
}
