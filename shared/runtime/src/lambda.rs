//! The events that Lambda hands over and the answers it takes, with only the fields in use.
//!
//! Sources: "Working with AWS Lambda proxy integrations for HTTP APIs" (payload format 2.0), "Using AWS Lambda with
//! Amazon DynamoDB" and "Using Lambda with Amazon SQS", docs.aws.amazon.com, read 2026-11.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A request through an HTTP API or a function URL, payload format 2.0.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpEvent {
    /// The path as the client sent it, such as `/hooks/crm/hubspot`.
    #[serde(default)]
    pub raw_path: String,
    /// The query without `?`; empty when there is none.
    #[serde(default)]
    pub raw_query_string: String,
    /// Headers; a header sent more than once is joined with commas.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What the gateway knows of the request.
    pub request_context: RequestContext,
    /// The body; absent when empty.
    #[serde(default)]
    pub body: Option<String>,
    /// The body is base64.
    #[serde(default)]
    pub is_base64_encoded: bool,
}

/// What the gateway knows of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    /// The host the client called.
    #[serde(default)]
    pub domain_name: String,
    /// When the gateway received the request, in milliseconds since 1970; stamped by AWS, not by the sender.
    pub time_epoch: i64,
    /// Method and address.
    pub http: HttpDetail,
}

/// Method and address of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HttpDetail {
    /// Upper-case method.
    pub method: String,
}

/// The answer to an [`HttpEvent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpAnswer {
    /// Status.
    pub status_code: u16,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body, never base64.
    #[serde(default)]
    pub body: String,
}

/// A batch of stream records.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StreamEvent {
    /// In the order of the stream.
    #[serde(rename = "Records", default)]
    pub records: Vec<StreamRecord>,
}

/// One change of one item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StreamRecord {
    /// `INSERT`, `MODIFY` or `REMOVE`.
    #[serde(rename = "eventName")]
    pub event_name: String,
    /// The change.
    pub dynamodb: StreamChange,
}

/// The change itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StreamChange {
    /// The item's key.
    #[serde(default)]
    pub keys: serde_dynamo::Item,
    /// The item after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_image: Option<serde_dynamo::Item>,
    /// The item before the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_image: Option<serde_dynamo::Item>,
    /// Names the record in a partial failure.
    pub sequence_number: String,
}

/// A batch of queue messages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct QueueEvent {
    /// In no order.
    #[serde(rename = "Records", default)]
    pub records: Vec<QueueMessage>,
}

/// One message.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueMessage {
    /// Names the message in a partial failure.
    pub message_id: String,
    /// For us always an [`BusEvent`] as text.
    pub body: String,
}

/// What a rule of the bus puts into a queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BusEvent {
    /// The bus's own id of this copy.
    #[serde(default)]
    pub id: String,
    /// Who sent it; ours is `barometer`.
    pub source: String,
    /// The event's type.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// The event.
    pub detail: serde_json::Value,
}

impl BusEvent {
    /// The event in the body of a queue's message.
    ///
    /// # Errors
    /// When it is none of ours.
    pub fn event(body: &str) -> serde_json::Result<model::Event> {
        serde_json::from_value(serde_json::from_str::<Self>(body)?.detail)
    }
}

/// Which items of a batch failed. Lambda retries from the first failing stream record, or each failing message.
///
/// An empty list is full success. An empty or null identifier would fail the whole batch, so there is no default item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// The failures.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One failing item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// The sequence number or message id.
    pub item_identifier: String,
}

impl BatchAnswer {
    /// These items failed.
    pub fn failures(identifiers: impl IntoIterator<Item = String>) -> Self {
        let batch_item_failures =
            identifiers.into_iter().map(|item_identifier| BatchItemFailure { item_identifier }).collect();
        Self { batch_item_failures }
    }
}
