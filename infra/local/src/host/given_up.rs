//! Where a stack keeps what it gave up, and how its functions are given that again: in this process, or in AWS.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::Moment;
use serde_json::Value;
use store::Erased;

use super::HostError;
use crate::api::FailureRow;
use crate::aws::Leftovers;
use crate::pump::Pump;
use crate::show::count;
use crate::state::State;
use crate::template::Stack;

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

/// How far letters have gone back to their queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SentBack {
    /// So many went, and none is under way.
    Done(u32),
    /// They go by themselves; so many have so far.
    UnderWay(u32),
}

/// Records that a function failed on to the end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    /// The function, by its name in the template.
    pub function: String,
    /// The table whose rows they are, as the tables' own service calls it; `None` where they do not say.
    pub table: Option<String>,
    /// What it was given.
    pub records: Vec<Value>,
}

/// What became of what waits in queues.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// How many messages changed.
    pub changed: usize,
    /// What could not be looked at.
    pub warnings: Vec<String>,
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

    /// Sends letters back to the queue that they come from. In AWS `most` is how many go in a second, and all of them do, by
    /// themselves; when they already do, they are only looked at.
    pub(super) async fn send_back(
        &self,
        letters: &str,
        to: &str,
        most: u32,
        goes_on: bool,
        now: Moment,
    ) -> Result<SentBack, HostError> {
        match self {
            Self::Here { state, .. } => {
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                Ok(SentBack::Done(number(state.redrive(letters, to, most, now)?)))
            }
            Self::Aws(leftovers) if goes_on => Ok(leftovers.moved(letters).await?),
            Self::Aws(leftovers) => Ok(leftovers.send_back(letters, to, most).await?),
        }
    }

    /// Forgets the letters of a queue that go back nowhere; gives how many there were.
    pub(super) async fn forget_letters(&self, letters: &str) -> Result<u32, HostError> {
        match self {
            Self::Here { state, .. } => {
                let all = state.messages(letters)?;
                state.delete_messages(all.iter().map(|message| message.id.as_str()))?;
                Ok(number(all.len()))
            }
            Self::Aws(leftovers) => Ok(leftovers.forget_letters(letters).await?),
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
                Ok(batch.map(|batch| Batch {
                    function: batch.function,
                    table: Some(batch.table),
                    records: batch.records,
                }))
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

    /// Puts these records in the place of those of a batch.
    pub(super) async fn rewrite(&self, id: &str, records: &[Value]) -> Result<(), HostError> {
        match self {
            Self::Here { .. } => self.keep(id, records).await,
            Self::Aws(leftovers) => Ok(leftovers.rewrite(id, records).await?),
        }
    }

    /// Takes what was said of people who are forgotten out of what waits in queues: here in all, in AWS in those of dead
    /// letters. What waits to be read by a function there, or is in somebody's hands, cannot be looked at, which is told.
    pub(super) async fn redact_waiting(&self, erased: &Erased, stack: &Stack) -> Result<Waiting, HostError> {
        match self {
            Self::Here { state, .. } => Ok(Waiting { changed: state.redact(erased)?, warnings: vec![] }),
            Self::Aws(leftovers) => {
                let mut waiting = Waiting::default();
                for queue in &stack.queues {
                    let name = &queue.logical_id;
                    let left = if stack.is_read(name) {
                        leftovers.letters(name).await?
                    } else {
                        let done = leftovers.redact_letters(name, erased).await?;
                        waiting.changed += done.redacted;
                        done.unread
                    };
                    if left > 0 {
                        let letters = count(left.into(), "message", "messages");
                        waiting.warnings.push(format!(
                            "{letters} of {name} could not be looked at and may speak of them: erase again in ten minutes"
                        ));
                    }
                }
                Ok(waiting)
            }
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
