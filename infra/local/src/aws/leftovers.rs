//! What a deployed stack gave up: dead letters in SQS, and failed batches of streams in S3. Its own functions are given them
//! again.
//!
//! Followed: "GetQueueAttributes", "StartMessageMoveTask", "ListMessageMoveTasks" and "PurgeQueue" (Amazon SQS API reference),
//! "ListObjectsV2" (Amazon S3 API reference), "Invoke" and "Retain discarded batches" (AWS Lambda), from general knowledge
//! of 2026-11. A queue's letters may come from its rule as well as from the queue: with a destination that is named, all
//! of them go there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use model::Moment;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::call::{Aws, Operation, Unanswered};
use super::resources::Resources;
use super::xml;
use crate::api::FailureRow;
use crate::failure::Failure;
use crate::host::given_up::{Batch, SentBack};
use crate::pump::{failed_of, identifier};

/// SQS moves no more in a second.
const FASTEST: u32 = 500;

/// What a deployed stack gave up. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leftovers {
    aws: Aws,
    resources: Arc<Resources>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Moves {
    #[serde(default)]
    results: Vec<Move>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Move {
    status: String,
    #[serde(default)]
    approximate_number_of_messages_moved: u32,
    #[serde(default)]
    failure_reason: Option<String>,
}

/// What Lambda leaves of a batch that failed to the end.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Left {
    request_context: Context,
    /// The event, as JSON within JSON.
    payload: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    function_arn: String,
    condition: String,
}

impl Leftovers {
    pub(super) fn new(aws: Aws, resources: Resources) -> Self {
        Self { aws, resources: Arc::new(resources) }
    }

    /// How many letters are in a queue, about.
    pub(crate) async fn letters(&self, queue: &str) -> Result<u32, Failure> {
        let attributes = self.attributes(queue).await?;
        let count = |name: &str| attributes.get(name).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
        Ok(count("ApproximateNumberOfMessages") + count("ApproximateNumberOfMessagesNotVisible"))
    }

    /// Has SQS move all letters of a queue to another one, `rate` in a second at most, unless it does already.
    pub(crate) async fn send_back(&self, letters: &str, to: &str, rate: u32) -> Result<SentBack, Failure> {
        let start = Operation { service: "sqs", name: "StartMessageMoveTask" };
        let (source, destination) = (self.arn(letters).await?, self.arn(to).await?);
        let rate = rate.clamp(1, FASTEST);
        let task = json!({
            "SourceArn": source, "DestinationArn": destination, "MaxNumberOfMessagesPerSecond": rate,
        });
        match self.sqs(start, &task).await {
            Err(Unanswered::Refused(400, says)) if says.contains("already") => {}
            started => drop(started.map_err(|it| self.aws.failure(start, &source, it))?),
        }
        self.moved(letters).await
    }

    /// How far SQS is with the letters of a queue that it was told last to move.
    pub(crate) async fn moved(&self, letters: &str) -> Result<SentBack, Failure> {
        let list = Operation { service: "sqs", name: "ListMessageMoveTasks" };
        let source = self.arn(letters).await?;
        let asked = json!({ "SourceArn": source, "MaxResults": 1 });
        let moves = self.sqs(list, &asked).await.map_err(|it| self.aws.failure(list, &source, it))?;
        let moves: Moves = serde_json::from_value(moves).map_err(|error| odd(list, &error))?;
        let Some(task) = moves.results.into_iter().next() else { return Ok(SentBack::Done(0)) };
        match task.status.as_str() {
            "RUNNING" | "CANCELLING" => Ok(SentBack::UnderWay(task.approximate_number_of_messages_moved)),
            "COMPLETED" => Ok(SentBack::Done(task.approximate_number_of_messages_moved)),
            ended => {
                let why = task.failure_reason.unwrap_or_else(|| ended.to_lowercase());
                Err(Failure::Refused {
                    message: format!("the letters of {letters} were not all moved: {why}"),
                    help: Some("mend that and run the command again: what was moved is not moved twice".to_owned()),
                })
            }
        }
    }

    /// Has SQS forget all letters of a queue; gives how many there were, about. It does so once in a minute at most, and takes
    /// as long: one that is asked for already forgets these too.
    pub(crate) async fn forget_letters(&self, letters: &str) -> Result<u32, Failure> {
        let purge = Operation { service: "sqs", name: "PurgeQueue" };
        let (waiting, url) = (self.letters(letters).await?, self.resources.physical(letters)?);
        match self.sqs(purge, &json!({ "QueueUrl": url })).await {
            Err(Unanswered::Refused(_, says)) if says.contains("PurgeQueueInProgress") => {}
            purged => drop(purged.map_err(|it| self.aws.failure(purge, letters, it))?),
        }
        Ok(waiting)
    }

    /// The batches that failed to the end, oldest first. Each is read: its name does not say whose it is.
    pub(crate) async fn failures(&self) -> Result<Vec<FailureRow>, Failure> {
        let mut rows = Vec::new();
        let mut next = None;
        loop {
            let page = self.listed(next.as_deref()).await?;
            for object in xml::elements(&page, "Contents") {
                let Some(id) = xml::text(object, "Key") else { continue };
                let at = xml::text(object, "LastModified").and_then(|text| text.parse().ok());
                let Left { request_context, payload } = self.left(&id).await?;
                let batch = self.batch_of(&request_context, payload)?;
                rows.push(FailureRow {
                    id,
                    function: batch.function,
                    records: Some(u32::try_from(batch.records.len()).unwrap_or(u32::MAX)),
                    at: at.unwrap_or(Moment::EARLIEST),
                    reason: request_context.condition,
                });
            }
            next = xml::text(&page, "NextContinuationToken");
            if next.is_none() {
                rows.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
                return Ok(rows);
            }
        }
    }

    /// One of them, with its content.
    pub(crate) async fn batch(&self, id: &str) -> Result<Batch, Failure> {
        let Left { request_context, payload } = self.left(id).await?;
        self.batch_of(&request_context, payload)
    }

    /// Takes one of them away.
    pub(crate) async fn forget(&self, id: &str) -> Result<(), Failure> {
        self.s3(
            Operation { service: "s3", name: "DeleteObject" },
            http::Method::DELETE,
            &format!("/{id}"),
            &[],
            Bytes::new(),
        )
        .await?;
        Ok(())
    }

    /// Hands records to a function; gives the identifiers of those that failed, or why none is done.
    pub(crate) async fn hand(&self, function: &str, records: Vec<Value>) -> Result<BTreeSet<String>, String> {
        let identifiers: Vec<_> = records.iter().map(identifier).collect();
        failed_of(self.invoked(function, &json!({ "Records": records })).await, &identifiers)
    }

    async fn invoked(&self, function: &str, event: &Value) -> Result<Value, String> {
        let of = Operation { service: "lambda", name: "InvokeFunction" };
        let name = self.resources.physical(function).map_err(|error| error.to_string())?;
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.aws.base(of.service));
        let request = http::Request::post(url).header("x-amz-invocation-type", "RequestResponse");
        let request = request.body(Bytes::from(event.to_string())).map_err(|error| error.to_string())?;
        let answer = self.aws.call(of, &request).await;
        let answer = answer.map_err(|it| self.aws.failure(of, &name, it).to_string())?;
        let said: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        match answer.headers().get("x-amz-function-error") {
            None => Ok(said),
            Some(_) => Err(said["errorMessage"].as_str().unwrap_or("it failed; its log says why").to_owned()),
        }
    }

    async fn arn(&self, queue: &str) -> Result<String, Failure> {
        let of = Operation { service: "sqs", name: "GetQueueAttributes" };
        self.attributes(queue).await?.remove("QueueArn").ok_or_else(|| odd(of, &"a queue without an ARN"))
    }

    async fn attributes(&self, queue: &str) -> Result<BTreeMap<String, String>, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            #[serde(default)]
            attributes: BTreeMap<String, String>,
        }
        let of = Operation { service: "sqs", name: "GetQueueAttributes" };
        let url = self.url(queue)?;
        let names = ["QueueArn", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let answer = self.sqs(of, &json!({ "QueueUrl": url, "AttributeNames": names })).await;
        let answer = answer.map_err(|it| self.aws.failure(of, queue, it))?;
        let answer: Answer = serde_json::from_value(answer).map_err(|error| odd(of, &error))?;
        Ok(answer.attributes)
    }

    /// What a queue of the template is called in AWS, which is its address.
    pub(super) fn url(&self, queue: &str) -> Result<String, Failure> {
        self.resources.physical(queue)
    }

    pub(super) fn failure(&self, of: Operation, on: &str, unanswered: Unanswered) -> Failure {
        self.aws.failure(of, on, unanswered)
    }

    pub(super) async fn sqs(&self, of: Operation, body: &Value) -> Result<Value, Unanswered> {
        let request = http::Request::post(format!("{}/", self.aws.base(of.service)))
            .header(CONTENT_TYPE, "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{}", of.name))
            .body(Bytes::from(body.to_string()));
        let request = request.map_err(|error| Unanswered::Silent(error.to_string()))?;
        let answer = self.aws.call(of, &request).await?;
        // What has nothing to tell tells nothing.
        if answer.body().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(answer.body()).map_err(|error| Unanswered::Silent(error.to_string()))
    }

    async fn listed(&self, next: Option<&str>) -> Result<String, Failure> {
        let of = Operation { service: "s3", name: "ListBucket" };
        let query: Vec<_> =
            std::iter::once(("list-type", "2")).chain(next.map(|next| ("continuation-token", next))).collect();
        let page = self.s3(of, http::Method::GET, "", &query, Bytes::new()).await?;
        Ok(String::from_utf8_lossy(&page).into_owned())
    }

    /// What Lambda left, as it stands there.
    pub(super) async fn object(&self, id: &str) -> Result<Bytes, Failure> {
        let of = Operation { service: "s3", name: "GetObject" };
        self.s3(of, http::Method::GET, &format!("/{id}"), &[], Bytes::new()).await
    }

    async fn left(&self, id: &str) -> Result<Left, Failure> {
        let of = Operation { service: "s3", name: "GetObject" };
        let object = self.object(id).await?;
        serde_json::from_slice(&object).map_err(|error| odd(of, &error))
    }

    /// The records of what Lambda left, and whose they are.
    fn batch_of(&self, Context { function_arn, .. }: &Context, payload: Value) -> Result<Batch, Failure> {
        let named = function_arn.split_once(":function:").map(|(_, named)| named).unwrap_or_default();
        // A version or an alias may stand behind the name.
        let name = named.split(':').next().unwrap_or_default();
        let function = self.resources.logical(name).ok_or_else(|| Failure::Refused {
            message: format!("a failed batch is of `{name}`, which the stack has not"),
            help: Some("it is of another version or stack: take it out of the bucket once you know that".to_owned()),
        })?;
        let mut event = match payload {
            Value::String(text) => serde_json::from_str(&text).unwrap_or_default(),
            event => event,
        };
        let records = event.get_mut("Records").and_then(Value::as_array_mut).map(std::mem::take);
        let of = Operation { service: "s3", name: "GetObject" };
        let records = records.ok_or_else(|| odd(of, &"a failed batch without its records"))?;
        let arn = records.first().and_then(|record| record["eventSourceARN"].as_str()).unwrap_or_default();
        let table = arn.split_once(":table/").and_then(|(_, named)| named.split('/').next());
        Ok(Batch { function, table: table.map(str::to_owned), records })
    }

    pub(super) async fn s3(
        &self,
        of: Operation,
        method: http::Method,
        path: &str,
        query: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Bytes, Failure> {
        let bucket = self.resources.physical("Failures")?;
        let silent = |error: &dyn ToString| self.aws.failure(of, &bucket, Unanswered::Silent(error.to_string()));
        let url = format!("{}/{bucket}{path}", self.aws.base(of.service));
        let url = match query {
            [] => url,
            query => reqwest::Url::parse_with_params(&url, query).map_err(|error| silent(&error))?.to_string(),
        };
        let request = http::Request::builder()
            .method(method)
            .uri(url)
            // S3 alone wants the body's hash beside the signature.
            .header("x-amz-content-sha256", hex::encode(Sha256::digest(&body)))
            .body(body)
            .map_err(|error| silent(&error))?;
        let answer = self.aws.call(of, &request).await.map_err(|it| self.aws.failure(of, &bucket, it))?;
        Ok(answer.into_body())
    }
}

pub(super) fn odd(Operation { service, name }: Operation, what: &dyn std::fmt::Display) -> Failure {
    Failure::Refused {
        message: format!("the answer to {service}:{name} is not understood: {what}"),
        help: Some("see whether a proxy answers in its place".to_owned()),
    }
}
