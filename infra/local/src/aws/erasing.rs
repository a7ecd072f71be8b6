//! What an erasure takes out of what a deployed stack gave up: failed batches in S3 are written again under their key, and a
//! dead letter in SQS, which cannot be changed, is sent once more without what is to go, before the old one is deleted.
//!
//! Followed: "PutObject" (Amazon S3 API reference), "ReceiveMessage", "SendMessage" and "DeleteMessage" (Amazon SQS API
//! reference), from general knowledge of 2026-11. Whoever is ended between sending and deleting leaves a letter twice; what it
//! asks for has an id, and is done once.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Erased;

use super::call::Operation;
use super::leftovers::{Leftovers, odd};
use crate::failure::Failure;

/// SQS gives no more letters at a time.
const AT_A_TIME: u32 = 10;
/// How long nobody else sees a letter that was read, in seconds: long enough for all letters of a queue to be read once.
const HIDDEN_S: u32 = 120;
/// With a wait, SQS asks all of its servers and not some; in seconds.
const WAIT_S: u32 = 1;

/// What became of the letters of a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Letters {
    /// So many spoke of those who are forgotten, and do so no more.
    pub redacted: usize,
    /// So many were not to be had.
    pub unread: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Received {
    #[serde(default)]
    messages: Vec<Letter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Letter {
    message_id: String,
    receipt_handle: String,
    body: String,
    /// Why a rule gave it up.
    #[serde(default)]
    message_attributes: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    message_id: String,
}

impl Leftovers {
    /// Puts these records in the place of those of a failed batch.
    pub(crate) async fn rewrite(&self, id: &str, records: &[Value]) -> Result<(), Failure> {
        let read = Operation { service: "s3", name: "GetObject" };
        let mut object: Value = serde_json::from_slice(&self.object(id).await?).map_err(|error| odd(read, &error))?;
        let payload = &mut object["payload"];
        *payload = match &*payload {
            Value::String(text) => {
                let event = serde_json::from_str(text).map_err(|error| odd(read, &error))?;
                Value::String(with_records(event, records).to_string())
            }
            event => with_records(event.clone(), records),
        };
        let write = Operation { service: "s3", name: "PutObject" };
        self.s3(write, http::Method::PUT, &format!("/{id}"), &[], Bytes::from(object.to_string())).await?;
        Ok(())
    }

    /// Takes what was said of people who are forgotten out of all letters of a queue that no function reads.
    pub(crate) async fn redact_letters(&self, queue: &str, erased: &Erased) -> Result<Letters, Failure> {
        let waiting = self.letters(queue).await?;
        let (mut seen, mut ours, mut done) = (BTreeSet::new(), BTreeSet::new(), Letters::default());
        loop {
            let mut letters = self.received(queue).await?;
            letters.retain(|letter| seen.insert(letter.message_id.clone()));
            if letters.is_empty() {
                break;
            }
            for letter in letters {
                let Some(left) = without(&letter.body, erased) else { continue };
                ours.insert(self.send(queue, left, letter.message_attributes).await?);
                self.delete(queue, &letter.receipt_handle).await?;
                done.redacted += 1;
            }
        }
        let read = u32::try_from(seen.difference(&ours).count()).unwrap_or(u32::MAX);
        done.unread = waiting.saturating_sub(read);
        Ok(done)
    }

    async fn received(&self, queue: &str) -> Result<Vec<Letter>, Failure> {
        let of = Operation { service: "sqs", name: "ReceiveMessage" };
        let asked = json!({
            "QueueUrl": self.url(queue)?, "MaxNumberOfMessages": AT_A_TIME, "VisibilityTimeout": HIDDEN_S,
            "WaitTimeSeconds": WAIT_S, "MessageAttributeNames": ["All"],
        });
        let answer = self.sqs(of, &asked).await.map_err(|it| self.failure(of, queue, it))?;
        let received: Received = serde_json::from_value(answer).map_err(|error| odd(of, &error))?;
        Ok(received.messages)
    }

    /// Gives the id of the new letter.
    async fn send(&self, queue: &str, body: String, attributes: Option<Value>) -> Result<String, Failure> {
        let of = Operation { service: "sqs", name: "SendMessage" };
        let mut asked = json!({ "QueueUrl": self.url(queue)?, "MessageBody": body });
        if let Some(attributes) = attributes {
            asked["MessageAttributes"] = attributes;
        }
        let answer = self.sqs(of, &asked).await.map_err(|it| self.failure(of, queue, it))?;
        let sent: Sent = serde_json::from_value(answer).map_err(|error| odd(of, &error))?;
        Ok(sent.message_id)
    }

    async fn delete(&self, queue: &str, receipt: &str) -> Result<(), Failure> {
        let of = Operation { service: "sqs", name: "DeleteMessage" };
        let asked = json!({ "QueueUrl": self.url(queue)?, "ReceiptHandle": receipt });
        self.sqs(of, &asked).await.map_err(|it| self.failure(of, queue, it))?;
        Ok(())
    }
}

fn with_records(mut event: Value, records: &[Value]) -> Value {
    event["Records"] = records.into();
    event
}

/// A letter without what is to go; `None` where nothing is. What is no JSON came from nobody here.
fn without(body: &str, erased: &Erased) -> Option<String> {
    let mut value: Value = serde_json::from_str(body).ok()?;
    let before = value.clone();
    erased.take_out(&mut value);
    (erased.concerns(&before) && value != before).then(|| value.to_string())
}
