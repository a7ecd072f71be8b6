//! Where a stack keeps what it gave up, and how its functions are given that again: in this process, or in AWS.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::Moment;
use serde_json::Value;

use super::HostError;
use crate::api::FailureRow;
use crate::aws::Leftovers;
use crate::pump::Pump;
use crate::state::State;

/// What a stack gave up.
#[derive(Debug, Clone)]
pub enum GivenUp {
    /// The stack is in this process.
    Here {
        /// Its queues and what was set aside.
        state: State,
        /// Its functions.
        pump: Arc<Pump>,
    },
    /// It is in AWS.
    Aws(Leftovers),
}

/// Records that a function failed on to the end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    /// The function, by its name in the template.
    pub function: String,
    /// What it was given.
    pub records: Vec<Value>,
}

impl GivenUp {
    /// How many letters are in a queue.
    pub(super) async fn letters(&self, queue: &str, now: Moment) -> Result<u32, HostError> {
        match self {
            Self::Here { state, .. } => {
                let waiting = state.depth(queue, now)?;
                Ok(number(waiting.visible + waiting.hidden))
            }
            Self::Aws(leftovers) => Ok(leftovers.letters(queue).await?),
        }
    }

    /// Sends letters back to the queue that they come from; gives how many went. In AWS `most` is how many go in a second,
    /// and all of them do.
    pub(super) async fn send_back(&self, letters: &str, to: &str, most: u32, now: Moment) -> Result<u32, HostError> {
        match self {
            Self::Here { state, .. } => {
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                Ok(number(state.redrive(letters, to, most, now)?))
            }
            Self::Aws(leftovers) => Ok(leftovers.send_back(letters, to, most).await?),
        }
    }

    /// The batches that failed to the end, oldest first.
    pub(super) async fn failures(&self) -> Result<Vec<FailureRow>, HostError> {
        match self {
            Self::Here { state, .. } => {
                let row = |(id, batch): (i64, crate::state::SetAside)| FailureRow {
                    id: id.to_string(),
                    records: Some(number(batch.records.len())),
                    function: batch.function,
                    at: batch.at,
                    reason: batch.reason,
                };
                Ok(state.set_aside_by_number()?.into_iter().map(row).collect())
            }
            Self::Aws(leftovers) => Ok(leftovers.failures().await?),
        }
    }

    /// One of them, with its content.
    pub(super) async fn batch(&self, id: &str) -> Result<Option<Batch>, HostError> {
        match self {
            Self::Here { state, .. } => {
                let Ok(number) = id.parse() else { return Ok(None) };
                let batch = state.set_aside_by_number()?.remove(&number);
                Ok(batch.map(|batch| Batch { function: batch.function, records: batch.records }))
            }
            Self::Aws(leftovers) => Ok(Some(leftovers.batch(id).await?)),
        }
    }

    /// Keeps of a batch what is not done; without any, it is forgotten. In AWS it stays whole until all of it is done.
    pub(super) async fn keep(&self, id: &str, left: &[Value]) -> Result<(), HostError> {
        match self {
            Self::Here { state, .. } => match id.parse() {
                Ok(number) => Ok(state.keep_aside(number, left)?),
                Err(_) => Ok(()),
            },
            Self::Aws(leftovers) if left.is_empty() => Ok(leftovers.forget(id).await?),
            Self::Aws(_) => Ok(()),
        }
    }

    /// Hands records to a function; gives the identifiers of those that failed, or why none is done.
    pub(super) async fn hand(&self, function: &str, records: Vec<Value>) -> Result<BTreeSet<String>, String> {
        match self {
            Self::Here { pump, .. } => pump.hand(function, records).await,
            Self::Aws(leftovers) => leftovers.hand(function, records).await,
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
