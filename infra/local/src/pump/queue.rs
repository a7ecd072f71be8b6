//! Queues: batches in no order; what fails comes back when its time is over, or becomes a dead letter.

use serde_json::{Value, json};

use super::answer::{Outcome, outcome};
use super::{Pump, PumpError, Step};
use crate::state::Message;
use crate::template::{Function, Queue, QueueMapping};

/// One queue mapping.
#[derive(Debug)]
pub(super) struct QueueConsumer {
    function: Function,
    mapping: QueueMapping,
    queue: Queue,
    busy: tokio::sync::Mutex<()>,
}

impl QueueConsumer {
    pub fn new(function: Function, mapping: QueueMapping, queue: Queue) -> Self {
        Self { function, mapping, queue, busy: tokio::sync::Mutex::default() }
    }

    pub fn feeds_from(&self, queue: &str) -> bool {
        self.mapping.queue == queue
    }
}

impl Pump {
    /// Hands out one batch of visible messages.
    pub(super) async fn queue_step(&self, consumer: &QueueConsumer) -> Result<Step, PumpError> {
        let _busy = consumer.busy.lock().await;
        let now = self.clock.now();
        if !self.state.has_visible(&consumer.mapping.queue, now)? {
            return Ok(Step::Idle);
        }
        let messages = self.state.receive(&consumer.queue, consumer.mapping.batch_size, now)?;
        if messages.is_empty() {
            return Ok(Step::Passed); // all that was visible became dead letters
        }
        let event = json!({"Records": messages.iter().map(sqs_record).collect::<Vec<_>>()});
        let called = self.call(&consumer.function, event).await;
        let identifiers = messages.iter().map(|message| message.id.as_str());
        let (step, done) = match outcome(called, consumer.mapping.partial_failures, identifiers.clone()) {
            Outcome::Done => (Step::Delivered, identifiers.collect()),
            Outcome::Partly(failed) => (Step::Delivered, identifiers.filter(|id| !failed.contains(*id)).collect()),
            Outcome::Failed(_) => (Step::Failed, vec![]),
        };
        if !done.is_empty() {
            self.state.delete_messages(done)?;
        }
        Ok(step)
    }
}

/// A message as Lambda gives it to a function.
fn sqs_record(message: &Message) -> Value {
    json!({
        "messageId": message.id,
        "receiptHandle": message.id,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": message.receive_count.to_string(),
            "SentTimestamp": message.enqueued_at.as_millis().to_string(),
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:local:000000000000:{}", message.queue),
        "awsRegion": "local",
    })
}
