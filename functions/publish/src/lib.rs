//! Puts the outbox onto the bus: every event at least once, under the id its cause gave it.

use actions::bus::{Bus, Put};
use runtime::lambda::{BatchAnswer, StreamEvent};
use runtime::logging::{chain, of_event};
use runtime::metrics::{Metric, Metrics};
use store::{Store, StoreError, Unpublished};
use tracing::{error, info, warn};

/// The handler.
#[derive(Debug)]
pub struct Publish {
    store: Store,
    bus: Bus,
}

impl Publish {
    /// Publishes from this store to this bus.
    pub fn new(store: Store, bus: Bus) -> Self {
        Self { store, bus }
    }

    /// Handles a batch of new outbox rows. What the bus does not take now stays pending, and `clock` tries again.
    pub async fn handle(&self, event: StreamEvent) -> BatchAnswer {
        let mut failed = Vec::new();
        let (mut sequence_numbers, mut rounds, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for record in event.records {
            let sequence_number = record.dynamodb.sequence_number;
            match store::event_from_stream(record.dynamodb.new_image.unwrap_or_default()) {
                Ok(Some(Unpublished { event, round })) => {
                    sequence_numbers.push(sequence_number);
                    rounds.push(round);
                    events.push(event);
                }
                Ok(None) => {}
                Err(error) => {
                    error!("An outbox record cannot be read: {}", chain(&error));
                    failed.push(sequence_number);
                }
            }
        }
        let puts = self.bus.put(&events).await;
        for (((sequence_number, round), event), put) in sequence_numbers.into_iter().zip(rounds).zip(&events).zip(puts)
        {
            if let Err(error) = self.mark(event, round, put).await {
                of_event(event).in_scope(|| error!("Event `{}` is not marked: {}", event.id, chain(&error)));
                failed.push(sequence_number);
            }
        }
        BatchAnswer::failures(failed)
    }

    async fn mark(&self, event: &model::Event, round: u32, put: Put) -> Result<(), StoreError> {
        let (id, kind, said) = (&event.id, event.body.kind(), of_event(event));
        match put {
            Put::Accepted => {
                said.in_scope(|| info!("Event `{id}` ({kind}) published"));
                self.store.mark_published(id, round).await
            }
            Put::Retry(reason) => {
                said.in_scope(|| warn!("Event `{id}` ({kind}) waits for the clock: {reason}"));
                Ok(())
            }
            Put::Refused(reason) => {
                let metrics = Metrics::of(Metric::ActionsFailed("event"), 1);
                said.in_scope(|| error!(%metrics, "Event `{id}` ({kind}) cannot be published: {reason}"));
                self.store.mark_unpublishable(id, round, &reason).await
            }
        }
    }
}
