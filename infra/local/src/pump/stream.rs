//! Streams: in order, in batches, halved when they fail, set aside when they fail to the end.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tracing::error;

use super::answer::{Outcome, outcome};
use super::{Pump, PumpError, Step};
use crate::engine::{Record, Sequence};
use crate::state::SetAside;
use crate::template::{Function, StreamMapping};

/// Trimming is one more write, so it waits for this many records, or for quiet.
const TRIM_AFTER: usize = 512;

/// One stream mapping.
#[derive(Debug)]
pub(super) struct StreamConsumer {
    pub(super) function: Function,
    mapping: StreamMapping,
    /// Held during a delivery, so that batches of one mapping never overlap.
    cursor: tokio::sync::Mutex<VecDeque<Batch>>,
    /// Everything up to here is done.
    checkpoint: Mutex<Option<Sequence>>,
}

/// Records that are delivered together. Kept in memory only: after a restart the records after the checkpoint are read
/// again and their tries counted afresh.
#[derive(Debug)]
struct Batch {
    records: Vec<Record>,
    /// The checkpoint once it is done: its last record, or a later one that the filter left out.
    past: Sequence,
    /// How often it was tried again as it is.
    retries: u32,
}

impl StreamConsumer {
    pub fn new(function: Function, mapping: StreamMapping, checkpoint: Option<Sequence>) -> Self {
        Self { function, mapping, cursor: tokio::sync::Mutex::default(), checkpoint: Mutex::new(checkpoint) }
    }

    fn checkpoint(&self) -> Option<Sequence> {
        *self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self, sequence: Sequence) {
        *self.checkpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(sequence);
    }

    fn wants(&self, record: &Record) -> bool {
        let filters = &self.mapping.filters;
        filters.is_empty() || filters.iter().any(|filter| filter.matches(&record.event))
    }
}

impl Pump {
    /// Delivers the next batch of one mapping, or the next part of one that failed.
    pub(super) async fn stream_step(&self, consumer: &StreamConsumer) -> Result<Step, PumpError> {
        let mut batches = consumer.cursor.lock().await;
        let batch = match batches.pop_front() {
            Some(batch) => batch,
            None => {
                let mapping = &consumer.mapping;
                let page = self.engine.records(&mapping.table, consumer.checkpoint(), mapping.batch_size)?;
                let Some(past) = page.upto else { return Ok(Step::Idle) };
                self.untrimmed.fetch_add(page.records.len().max(1), Ordering::Relaxed);
                let records: Vec<_> = page.records.into_iter().filter(|record| consumer.wants(record)).collect();
                if records.is_empty() {
                    // Not written down: after a restart the filter leaves them out again.
                    consumer.pass(past);
                    return Ok(Step::Passed);
                }
                Batch { records, past, retries: 0 }
            }
        };
        let event = json!({"Records": batch.records.iter().map(|record| &record.event).collect::<Vec<&Value>>()});
        let called = self.call(&consumer.function, event).await;
        let identifiers: Vec<_> = batch.records.iter().map(|record| record.sequence.to_string()).collect();
        let step = match outcome(called, consumer.mapping.partial_failures, identifiers.iter().map(String::as_str)) {
            Outcome::Done => {
                self.checkpoint(consumer, batch.past)?;
                Step::Delivered
            }
            Outcome::Partly(failed) => {
                let first = identifiers.iter().position(|identifier| failed.contains(identifier)).unwrap_or_default();
                self.failed(consumer, &mut batches, batch, first, "records were reported as failed")?
            }
            Outcome::Failed(reason) => self.failed(consumer, &mut batches, batch, 0, &reason)?,
        };
        if self.untrimmed.load(Ordering::Relaxed) >= TRIM_AFTER {
            self.trim()?;
        }
        Ok(step)
    }

    /// What Lambda does with a batch whose records from `first` on are not done: those before are; the rest is tried
    /// again, in halves where the mapping says so (which is no retry), and set aside after its last retry.
    fn failed(
        &self,
        consumer: &StreamConsumer,
        batches: &mut VecDeque<Batch>,
        mut batch: Batch,
        first: usize,
        reason: &str,
    ) -> Result<Step, PumpError> {
        let past = batch.past;
        if first > 0 {
            let rest = batch.records.split_off(first);
            if let Some(last) = batch.records.last() {
                self.checkpoint(consumer, last.sequence)?;
            }
            batches.push_front(Batch { records: rest, past, retries: 0 });
            return Ok(Step::Delivered);
        }
        if consumer.mapping.bisect && batch.records.len() > 1 {
            let second = batch.records.split_off(batch.records.len() / 2);
            let middle = batch.records.last().map_or(past, |record| record.sequence);
            batches.push_front(Batch { records: second, past, retries: 0 });
            batches.push_front(Batch { records: batch.records, past: middle, retries: 0 });
            return Ok(Step::Failed);
        }
        if batch.retries < consumer.mapping.max_retries {
            batches.push_front(Batch { retries: batch.retries + 1, ..batch });
            return Ok(Step::Failed);
        }
        let (name, table, count) = (&consumer.function.logical_id, &consumer.mapping.table, batch.records.len());
        error!(
            function.name = %name,
            "Function `{name}` failed to the end on {count} records of `{table}`, which are set aside: {reason}"
        );
        let given_up = SetAside {
            function: name.clone(),
            table: table.clone(),
            reason: reason.to_owned(),
            at: self.clock.now(),
            records: batch.records.into_iter().map(|record| record.event).collect(),
        };
        self.state.put_aside(&given_up, past)?;
        consumer.pass(past);
        Ok(Step::Delivered)
    }

    fn checkpoint(&self, consumer: &StreamConsumer, sequence: Sequence) -> Result<(), PumpError> {
        self.state.set_checkpoint(&consumer.function.logical_id, &consumer.mapping.table, sequence)?;
        consumer.pass(sequence);
        Ok(())
    }

    /// Removes the stream records that every mapping of their table is past.
    pub(super) fn trim(&self) -> Result<(), PumpError> {
        if self.untrimmed.swap(0, Ordering::Relaxed) == 0 {
            return Ok(());
        }
        for table in &self.stack.tables {
            let consumers = self.streams.iter().filter(|consumer| consumer.mapping.table == table.logical_id);
            // `None` sorts first: one mapping that has not begun keeps everything.
            if let Some(done) = consumers.map(StreamConsumer::checkpoint).min().flatten() {
                self.engine.trim(&table.logical_id, done)?;
            }
        }
        Ok(())
    }

    /// How many records one mapping has still to be given.
    pub(super) fn undelivered(&self, consumer: &StreamConsumer) -> Result<usize, PumpError> {
        let mut count = 0;
        let mut after = consumer.checkpoint();
        loop {
            let page = self.engine.records(&consumer.mapping.table, after, 1_000)?;
            if page.upto.is_none() {
                return Ok(count);
            }
            count += page.records.iter().filter(|record| consumer.wants(record)).count();
            after = page.upto;
        }
    }
}
