//! What was given up, done again: dead letters, batches of streams that failed to the end, and, after an outage that
//! outlasted a stream, whatever was received since and whoever was due meanwhile.
//!
//! Nothing here decides anything. Deliveries and accounts go through the same functions that they went through, or should
//! have, and every effect has an id that follows from its cause: what was done already is not done twice, so a redrive may
//! be ended at any point and run again.

use std::collections::BTreeSet;

use model::{DeliveryId, SubjectId};
use runtime::lambda::StreamRecord;
use serde_json::Value;

use super::error::refused;
use super::given_up::{Batch, SentBack};
use super::{HostError, Operator};
use crate::api::{FailedAgain, LetterRow, RedriveDone, RedriveLook, RedriveQuery, RedriveRequest};
use crate::pump::identifier;

/// A call of a function takes 6 MB at most ("Lambda quotas", docs.aws.amazon.com, read 2026-11), and what is around the
/// records is small.
const MOST_BYTES: usize = 5_000_000;
/// As many accounts as `health` is given at a time, so that a call of it ends in time.
const MOST_WOKEN: usize = 25;

impl Operator {
    /// What there is to do again.
    ///
    /// # Errors
    /// When the tables, or what was given up, cannot be read.
    pub async fn redrive_look(&self, query: &RedriveQuery) -> Result<RedriveLook, HostError> {
        let mut letters = Vec::new();
        for queue in &self.stack.queues {
            let name = &queue.logical_id;
            // A queue that a function reads is no end of the way.
            let waiting =
                if self.stack.is_read(name) { 0 } else { self.given_up.letters(name, self.clock.now()).await? };
            if waiting > 0 {
                letters.push(LetterRow { queue: name.clone(), to: self.source_of(name), letters: waiting });
            }
        }
        Ok(RedriveLook {
            letters,
            failures: self.given_up.failures().await?,
            deliveries: match query.since {
                None => vec![],
                Some(since) => self.store.received_since(since).await?,
            },
            overdue: self.store.overdue(self.clock.now()).await?,
        })
    }

    /// Does some of it again.
    ///
    /// # Errors
    /// When it is not there, or cannot be read or written.
    pub async fn redrive(&self, request: &RedriveRequest) -> Result<RedriveDone, HostError> {
        match request {
            RedriveRequest::Letters { queue, most, goes_on } => self.redrive_letters(queue, *most, *goes_on).await,
            RedriveRequest::Failure { id } => self.redrive_failure(id).await,
            RedriveRequest::Deliveries(ids) => self.redrive_deliveries(ids).await,
            RedriveRequest::Overdue(accounts) => {
                for account in accounts {
                    // Where the moment is another one by now, this asks for a look by itself.
                    self.store.tick(account, self.clock.now()).await?;
                }
                self.look_again(accounts.iter().map(store::tick_record).collect()).await
            }
        }
    }

    async fn redrive_letters(&self, queue: &str, most: u32, goes_on: bool) -> Result<RedriveDone, HostError> {
        let is_known = self.stack.queues.iter().any(|it| it.logical_id == *queue);
        if !is_known || self.stack.is_read(queue) {
            let help = "`barometer redrive --dry-run` lists the queues that have some";
            return Err(refused(format!("`{queue}` holds no dead letters"), help));
        }
        let sent = match self.source_of(queue) {
            Some(to) => self.given_up.send_back(queue, &to, most, goes_on, self.clock.now()).await?,
            None => SentBack::Done(self.given_up.forget_letters(queue).await?),
        };
        Ok(match sent {
            SentBack::Done(done) => RedriveDone { done, ..RedriveDone::default() },
            SentBack::UnderWay(so_far) => RedriveDone { under_way: Some(so_far), ..RedriveDone::default() },
        })
    }

    async fn redrive_failure(&self, id: &str) -> Result<RedriveDone, HostError> {
        let Some(Batch { function, table: _, records }) = self.given_up.batch(id).await? else {
            let help = "`barometer redrive --dry-run` lists what there is";
            return Err(refused(format!("no failed batch is called `{id}`"), help));
        };
        let count = records.len();
        let Handed { left, failed } = self.hand(&function, records).await;
        self.given_up.keep(id, &left).await?;
        Ok(RedriveDone { done: number(count - left.len()), failed, under_way: None })
    }

    /// The queue that dead letters in another one come from.
    fn source_of(&self, letters: &str) -> Option<String> {
        let source = self.stack.queues.iter().find(|it| it.dead_letters.as_deref() == Some(letters))?;
        Some(source.logical_id.clone())
    }

    /// Deliveries go through `normalize` as they did; what they speak of is looked at even where that changes no fact,
    /// because the look may be what is missing.
    async fn redrive_deliveries(&self, ids: &[DeliveryId]) -> Result<RedriveDone, HostError> {
        let mut deliveries = Vec::new();
        for id in ids {
            // One that an operator took out of the journal since is not there to be done again.
            deliveries.extend(self.store.delivery(id).await?);
        }
        let records = deliveries.iter().map(|it| Ok(json(&store::delivery_record(it)?)));
        let records = records.collect::<Result<_, HostError>>()?;
        let Handed { left, mut failed } = self.hand(self.function("normalize")?, records).await;
        let not_read: BTreeSet<_> = left.iter().map(identifier).collect();
        let read = deliveries.iter().filter(|delivery| !not_read.contains(delivery.id.as_str()));
        let named: BTreeSet<SubjectId> = read.flat_map(|delivery| self.subjects_of(delivery)).collect();
        let looked = self.look_again(named.iter().map(store::waking_record).collect()).await?;
        failed.extend(looked.failed);
        Ok(RedriveDone { done: number(deliveries.len() - not_read.len()), failed, under_way: None })
    }

    /// Has accounts looked at, as if something of theirs had been written.
    async fn look_again(&self, records: Vec<StreamRecord>) -> Result<RedriveDone, HostError> {
        let health = self.function("health")?;
        let mut looked = RedriveDone::default();
        for some in records.chunks(MOST_WOKEN) {
            let Handed { left, failed } = self.hand(health, some.iter().map(json).collect()).await;
            looked.done += number(some.len() - left.len());
            looked.failed.extend(failed);
        }
        Ok(looked)
    }

    /// Hands records to a function, in calls that it can take.
    async fn hand(&self, function: &str, records: Vec<Value>) -> Handed {
        let mut handed = Handed::default();
        for some in in_calls(records) {
            match self.given_up.hand(function, some.clone()).await {
                Ok(failed) => {
                    let why = format!("{function} failed on it; its log says why");
                    let left: Vec<_> = some.into_iter().filter(|record| failed.contains(&identifier(record))).collect();
                    handed.failed.extend(left.iter().map(|it| FailedAgain { what: identifier(it), why: why.clone() }));
                    handed.left.extend(left);
                }
                Err(why) => {
                    let what = format!("{} of {function}", crate::show::count(some.len() as u64, "record", "records"));
                    handed.failed.push(FailedAgain { what, why });
                    handed.left.extend(some);
                }
            }
        }
        handed
    }

    /// The function that is built from a crate, by its name in the template.
    fn function(&self, crate_name: &str) -> Result<&str, HostError> {
        let found = self.stack.functions.iter().find(|function| function.crate_name == crate_name);
        let found = found.ok_or_else(|| HostError::Template(format!("there is no function of `{crate_name}`")))?;
        Ok(&found.logical_id)
    }
}

/// What became of records.
#[derive(Default)]
struct Handed {
    /// Those that are not done.
    left: Vec<Value>,
    failed: Vec<FailedAgain>,
}

/// In their order, each part small enough for a call.
fn in_calls(records: Vec<Value>) -> Vec<Vec<Value>> {
    let mut calls: Vec<Vec<Value>> = Vec::new();
    let mut room = 0;
    for record in records {
        let bytes = record.to_string().len();
        match calls.last_mut().filter(|_| bytes <= room) {
            Some(call) => call.push(record),
            None => {
                calls.push(vec![record]);
                room = MOST_BYTES;
            }
        }
        room = room.saturating_sub(bytes);
    }
    calls
}

fn json(record: &StreamRecord) -> Value {
    // It is made of texts, numbers and bytes, all of which JSON can say.
    serde_json::to_value(record).unwrap_or_default()
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_are_handed_over_in_their_order_in_calls_that_a_function_can_take() {
        let large = |n: usize| json!({ "n": n, "body": "x".repeat(MOST_BYTES / 2 - 100) });
        let calls = in_calls((0..5).map(large).collect());
        assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        let numbers: Vec<_> = calls.iter().flatten().map(|record| record["n"].as_u64().unwrap()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        let beyond = json!("x".repeat(MOST_BYTES + 1));
        assert_eq!(in_calls(vec![beyond.clone(), json!(1)]), [vec![beyond], vec![json!(1)]]);
    }
}
