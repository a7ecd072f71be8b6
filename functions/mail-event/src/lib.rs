//! Keeps what SES tells of mail that came back and of who wants no more: one event of the account's default bus is one
//! delivery, byte for byte, under the event's own id. Nobody else can put one into this function's queue, so none is signed.

use std::collections::BTreeMap;

use model::{ConnectionName, Delivery, DeliveryId, Family};
use runtime::Clock;
use runtime::batch::{NotDone, messages};
use runtime::lambda::{BatchAnswer, BusEvent, QueueEvent, QueueMessage};
use sha2::{Digest, Sha256};
use store::{Journaled, Store, StoreError};
use tracing::info;

/// Under whose name the deliveries are kept.
const CONNECTION: &str = "ses";

/// The handler.
#[derive(Debug)]
pub struct MailEvents {
    store: Store,
    receipts: Clock,
}

/// Why a message of the queue is left there for a later try.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error("the message is no event of EventBridge: {0}")]
    NoEvent(String),
    #[error("an event of {bytes} bytes does not fit the journal")]
    TooLarge { bytes: usize },
    #[error("the journal is unavailable")]
    Store(#[from] StoreError),
}

impl NotDone for NotKept {
    fn waits(&self) -> bool {
        match self {
            Self::NoEvent(_) | Self::TooLarge { .. } | Self::Store(_) => false,
        }
    }
}

impl MailEvents {
    /// `receipts` tells when an event was received.
    pub fn new(store: Store, receipts: Clock) -> Self {
        Self { store, receipts }
    }

    /// Handles a batch of the queue.
    pub async fn handle(&self, event: QueueEvent) -> BatchAnswer {
        messages("An event of SES", event, |message: QueueMessage| async move { self.one(message.body).await }).await
    }

    async fn one(&self, body: String) -> Result<(), NotKept> {
        let event: BusEvent = serde_json::from_str(&body).map_err(|error| NotKept::NoEvent(error.to_string()))?;
        if event.id.is_empty() {
            return Err(NotKept::NoEvent("it has no id".to_owned()));
        }
        let connection = ConnectionName::from_stored(CONNECTION);
        let delivery = Delivery {
            id: DeliveryId::new(&connection, &event.id),
            connection,
            family: Family::Mail,
            received_at: self.receipts.now(),
            body_sha256: hex::encode(Sha256::digest(&body)),
            headers: BTreeMap::new(),
            body: body.into_bytes(),
            same_key_as: None,
        };
        let (id, bytes) = (&delivery.id, delivery.body.len());
        match self.store.journal(&delivery).await? {
            Journaled::New | Journaled::KeptBeside(_) => {
                info!(delivery.id = %id, bytes, "Delivery `{id}` journaled");
                Ok(())
            }
            Journaled::Repeated => Ok(()),
            Journaled::TooLarge => Err(NotKept::TooLarge { bytes }),
        }
    }
}
