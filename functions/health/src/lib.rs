//! Recomputes an account when its facts change: reads, decides, commits on the version it read.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::Config;
use model::SubjectId;
use rules::{Input, decide};
use runtime::batch::alone;
use runtime::lambda::{BatchAnswer, StreamEvent};
use runtime::logging::chain;
use store::{Commit, Store, StoreError, Stored};
use tracing::{error, info};

/// How often a recompute starts again when others commit first.
const TRIES: usize = 8;

/// The handler.
#[derive(Debug)]
pub struct Health {
    config: Arc<Config>,
    store: Store,
}

/// A recompute did not commit.
#[derive(Debug, thiserror::Error)]
enum RecomputeError {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("others committed first {TRIES} times in a row")]
    Contended,
}

impl Health {
    /// Judges with this configuration.
    pub fn new(config: Arc<Config>, store: Store) -> Self {
        Self { config, store }
    }

    /// Handles a batch of the accounts stream; each account is recomputed once, however many of its facts changed.
    pub async fn handle(&self, event: StreamEvent) -> BatchAnswer {
        let mut touched: BTreeMap<SubjectId, Vec<String>> = BTreeMap::new();
        for record in event.records {
            // A record that names no subject cannot come through the filter; there is nothing to do for it.
            if let Some(subject) = subject_of(&record.dynamodb.keys) {
                touched.entry(subject).or_default().push(record.dynamodb.sequence_number);
            }
        }
        let mut failed = Vec::new();
        for (subject, sequence_numbers) in touched {
            let reason = match alone(self.recompute(&subject)).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => chain(&error),
                Err(panic) => panic,
            };
            error!(account.id = %subject, "Health of `{subject}` was not recomputed: {reason}");
            failed.extend(sequence_numbers);
        }
        BatchAnswer::failures(failed)
    }

    async fn recompute(&self, subject: &SubjectId) -> Result<(), RecomputeError> {
        for _ in 0..TRIES {
            // Before anything else: a commit on this version proves that nobody committed newer facts meanwhile.
            let held = self.store.assessed(subject).await?;
            let partition = self.store.partition(subject).await?;
            let episodes: Vec<_> = partition.episodes.iter().map(|stored| stored.value.clone()).collect();
            let previous = held.assessment.as_ref();
            let decision =
                decide(Input { subject, facts: &partition.facts, previous, episodes: &episodes }, &self.config);
            if held.version == 0 {
                if decision.assessment.is_none() {
                    return Ok(());
                }
                self.store.put_stub(subject).await?;
                continue;
            }
            let changed: Vec<_> = decision
                .episodes
                .into_iter()
                .map(|value| {
                    let rev = partition.episodes.iter().find(|s| s.value.key == value.key).map_or(0, |s| s.rev);
                    Stored { value, rev }
                })
                .collect();
            let commit = Commit {
                subject,
                version: held.version,
                assessment: decision.assessment.as_ref(),
                episodes: &changed,
                events: &decision.events,
                timeline: &decision.timeline,
            };
            if self.store.commit(commit).await? {
                if !decision.events.is_empty() {
                    let events = decision.events.len();
                    info!(account.id = %subject, events, "Health of `{subject}` changed: {events} events");
                }
                return Ok(());
            }
        }
        Err(RecomputeError::Contended)
    }
}

fn subject_of(keys: &serde_dynamo::Item) -> Option<SubjectId> {
    match keys.get("pk")? {
        serde_dynamo::AttributeValue::S(pk) => store::subject_of_key(pk),
        _ => None,
    }
}
