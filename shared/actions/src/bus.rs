//! The bus: our events as EventBridge entries, and a word about each of them.
//!
//! Followed: "PutEvents" of the EventBridge API reference and "Troubleshooting" of its user guide, read 2026-11: an
//! accepted call may hold refused entries, results stand in the order of the entries, and of their error codes only
//! `InternalFailure` and `ThrottlingException` are worth another try.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};
use aws_sdk_eventbridge::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eventbridge::operation::put_events::PutEventsError;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use model::Event;
use runtime::aws::AwsSettings;
use runtime::seam::{Seam, Target};

/// Who sends our events; rules match on it.
pub const SOURCE: &str = "barometer";
/// The largest event, in bytes of JSON. A queue message behind a rule holds 256 KiB with its envelope.
pub const MAX_EVENT: usize = 200_000;
/// The most entries of a call.
const MAX_ENTRIES: usize = 10;
/// A call stays below this many bytes: the limit is 1 MB over all entries.
const MAX_CALL: usize = 1_000_000;

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// The bus has it.
    Accepted,
    /// Not now, for this reason; the same event may be put again.
    Retry(String),
    /// Never in this form, for this reason.
    Refused(String),
}

/// One bus.
#[derive(Debug, Clone)]
pub struct Bus {
    client: Client,
    name: String,
}

/// An event on its way: its place in the list and its entry.
struct Entry {
    at: usize,
    size: usize,
    entry: PutEventsRequestEntry,
}

impl Bus {
    /// The bus `name`, reached through `seam`.
    pub fn connect(seam: &Seam, aws: &AwsSettings, name: impl Into<String>) -> Self {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(aws.region.clone()))
            .credentials_provider(aws.credentials.clone())
            .http_client(seam.http_client(Target::EventBridge))
            .timeout_config(AwsSettings::timeouts())
            .retry_config(AwsSettings::retries())
            // Answers come from the seam whole, so there is no stream that could stall.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let config = match &aws.endpoint {
            Some(endpoint) => config.endpoint_url(endpoint),
            None => config,
        };
        Self { client: Client::from_conf(config.build()), name: name.into() }
    }

    /// Puts every event and answers for every event, in the same order. What failed in company is tried once more
    /// alone, so that one bad entry does not hold up its neighbours.
    pub async fn put(&self, events: &[Event]) -> Vec<Put> {
        let mut results: Vec<Put> = Vec::with_capacity(events.len());
        let mut entries = Vec::with_capacity(events.len());
        for (at, event) in events.iter().enumerate() {
            match self.entry(at, event) {
                Ok(entry) => {
                    results.push(Put::Retry("not tried".to_owned()));
                    entries.push(entry);
                }
                Err(reason) => results.push(Put::Refused(reason)),
            }
        }
        for batch in batches(entries) {
            let first = self.call(&batch).await;
            for (entry, result) in batch.iter().zip(first) {
                results[entry.at] = match result {
                    Answered::Entry(Put::Retry(_)) | Answered::CallRefused(_) => self.alone(entry).await,
                    Answered::Entry(put) => put,
                    Answered::CallFailed(reason) => Put::Retry(reason),
                };
            }
        }
        results
    }

    async fn alone(&self, entry: &Entry) -> Put {
        match self.call(std::slice::from_ref(entry)).await.pop() {
            Some(Answered::Entry(put)) => put,
            Some(Answered::CallRefused(reason)) => Put::Refused(reason),
            Some(Answered::CallFailed(reason)) => Put::Retry(reason),
            None => Put::Retry("no answer for this event".to_owned()),
        }
    }

    fn entry(&self, at: usize, event: &Event) -> Result<Entry, String> {
        let detail = serde_json::to_string(event).map_err(|error| format!("cannot be written as JSON: {error}"))?;
        if detail.len() > MAX_EVENT {
            return Err(format!("{} bytes; an event is at most {MAX_EVENT}", detail.len()));
        }
        let kind = event.body.kind();
        let size = SOURCE.len() + kind.len() + detail.len();
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(kind)
            .detail(detail)
            .build();
        Ok(Entry { at, size, entry })
    }

    /// One call; an answer for each of `entries`.
    async fn call(&self, entries: &[Entry]) -> Vec<Answered> {
        let request = self.client.put_events().set_entries(Some(entries.iter().map(|e| e.entry.clone()).collect()));
        match request.send().await {
            Ok(answer) => {
                let results = answer.entries();
                (0..entries.len()).map(|at| Answered::Entry(judge(results.get(at)))).collect()
            }
            Err(error) => {
                let reason = reason(&error);
                let make = if blames_an_entry(&error) { Answered::CallRefused } else { Answered::CallFailed };
                entries.iter().map(|_| make(reason.clone())).collect()
            }
        }
    }
}

enum Answered {
    /// The bus judged this entry.
    Entry(Put),
    /// The whole call failed, whatever its entries: no answer, throttled, no permission, no such bus.
    CallFailed(String),
    /// The whole call was refused for the form of one of its entries.
    CallRefused(String),
}

fn judge(result: Option<&PutEventsResultEntry>) -> Put {
    let Some(result) = result else { return Put::Retry("no answer for this event".to_owned()) };
    match (result.event_id(), result.error_code()) {
        (Some(_), None) => Put::Accepted,
        (_, Some(code @ ("InternalFailure" | "ThrottlingException"))) => Put::Retry(explained(code, result)),
        (_, Some(code)) => Put::Refused(explained(code, result)),
        (None, None) => Put::Retry("neither an id nor an error for this event".to_owned()),
    }
}

fn explained(code: &str, result: &PutEventsResultEntry) -> String {
    match result.error_message() {
        Some(message) => format!("{code}: {message}"),
        None => code.to_owned(),
    }
}

/// The code and message of the bus, else the chain of causes; never the request.
fn reason(error: &SdkError<PutEventsError>) -> String {
    if let Some(code) = error.code() {
        return error.message().map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"));
    }
    let mut causes = vec![error.to_string()];
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.join(": ")
}

fn blames_an_entry(error: &SdkError<PutEventsError>) -> bool {
    let status = error.raw_response().map(|response| response.status().as_u16());
    error.code() == Some("ValidationException") || status == Some(413)
}

/// Entries in calls of at most ten and less than a megabyte.
fn batches(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut batches: Vec<Vec<Entry>> = Vec::new();
    let mut size = 0;
    for entry in entries {
        match batches.last_mut() {
            Some(batch) if batch.len() < MAX_ENTRIES && size + entry.size < MAX_CALL => {
                size += entry.size;
                batch.push(entry);
            }
            _ => {
                size = entry.size;
                batches.push(vec![entry]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests;
