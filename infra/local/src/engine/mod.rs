//! The embedded tables: DynamoDB's operations on one SQLite file, and the streams that come of them.
//!
//! Two things are done to the engine's file through a second connection. Its stream table gets an index, without
//! which every write costs time in proportion to the stream records kept; and consumed records are removed, which the
//! engine itself never does. Both lean on the engine's own schema, so [`Engine::open`] checks that it is as expected.

mod operations;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::template::{Stack, StreamView};

/// A place in a table's stream; later changes have larger ones, also after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub i64);

impl fmt::Display for Sequence {
    /// 21 digits, as DynamoDB's are (21 to 40), so that text order is the order of the stream.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1{:020}", self.0)
    }
}

/// One change, as Lambda gives it to a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its place.
    pub sequence: Sequence,
    /// One element of the `Records` of a [`runtime::lambda::StreamEvent`].
    pub event: Value,
}

/// What was read from a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The changes, in order.
    pub records: Vec<Record>,
    /// Where to read on: the last place seen, writes that changed nothing included. `None` when there was nothing new.
    pub upto: Option<Sequence>,
}

/// Why the tables cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The file cannot be opened or a table not be made.
    #[error("the tables in {} cannot be opened", .file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: DynoxideError,
    },
    /// The engine's file is laid out otherwise than this build knows.
    #[error(
        "{} was written by another version of the engine: its stream table lacks {missing}; \
         use the build of barometer that wrote it, or another data folder",
        .file.display()
    )]
    Layout {
        /// The file.
        file: PathBuf,
        /// The columns that are missing.
        missing: String,
    },
    /// A table is there with another shape than the template gives it.
    #[error(
        "table `{table}` in {} has {found}, the template wants {wanted}; \
         use the template that it was made with, or another data folder",
        .file.display()
    )]
    Shape {
        /// The file.
        file: PathBuf,
        /// The table.
        table: String,
        /// What the file has.
        found: String,
        /// What the template has.
        wanted: String,
    },
    /// SQLite fails.
    #[error("the stream of the tables cannot be read or trimmed")]
    Sqlite(#[from] rusqlite::Error),
    /// A stored stream record is not JSON.
    #[error("record {0} of the stream is damaged")]
    Damaged(Sequence),
}

/// The tables. Cheap to clone; every clone is the same tables.
///
/// Calls block for the disk (about one write-through per write); a single lock inside the engine serialises them.
#[derive(Clone)]
pub struct Engine {
    database: Database,
    inner: Arc<Inner>,
}

struct Inner {
    views: BTreeMap<String, StreamView>,
    /// Second connection to the same file: streams are read and trimmed here, beside the engine's lock.
    streams: Mutex<Connection>,
    writes: watch::Sender<u64>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

/// The columns of the engine's stream table that are read here.
const COLUMNS: [&str; 6] = ["table_name", "event_name", "keys_json", "new_image", "old_image", "sequence_number"];

impl Engine {
    /// Opens the tables of this stack in `file`, making what is missing. The engine holds no lock against a second
    /// process; the data folder's lock does.
    ///
    /// # Errors
    /// When the file cannot be used, or holds tables of another shape.
    pub fn open(file: &Path, stack: &Stack) -> Result<Self, EngineError> {
        let database = tables::open(file, stack)?;
        let streams = Connection::open(file)?;
        streams.busy_timeout(Duration::from_secs(5))?;
        // Only trimming writes here, and trimming again after a power cut is harmless.
        streams.pragma_update(None, "synchronous", "NORMAL")?;
        let missing = missing_columns(&streams)?;
        if !missing.is_empty() {
            return Err(EngineError::Layout { file: file.to_owned(), missing: missing.join(", ") });
        }
        streams.execute_batch(
            "CREATE INDEX IF NOT EXISTS barometer_stream_order
                 ON _stream_records(table_name, CAST(sequence_number AS INTEGER))",
        )?;
        let view = |table: &crate::template::Table| Some((table.logical_id.clone(), table.stream?));
        let views = stack.tables.iter().filter_map(view).collect();
        let inner = Inner { views, streams: Mutex::new(streams), writes: watch::Sender::new(0) };
        Ok(Self { database, inner: Arc::new(inner) })
    }

    /// One DynamoDB operation, such as `PutItem`, with the body and the answer of its JSON protocol.
    ///
    /// Never fails as such: what goes wrong is an answer with DynamoDB's error in it.
    pub fn call(&self, operation: &str, body: &[u8]) -> http::Response<Bytes> {
        let answer = operations::run(&self.database, operation, body);
        if answer.status().is_success() && operations::writes(operation) {
            self.inner.writes.send_modify(|count| *count = count.wrapping_add(1));
        }
        answer
    }

    /// Changes after every call that may have written.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.inner.writes.subscribe()
    }

    /// Up to `limit` stored stream records of `table` after a place, from the oldest kept when `None`.
    ///
    /// As on AWS, a write that changed nothing is no record. The engine's own time stamps are left out: they are the
    /// machine's clock, which is not the clock of the domain here.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn records(&self, table: &str, after: Option<Sequence>, limit: usize) -> Result<Page, EngineError> {
        let view = self.inner.views.get(table).copied().unwrap_or(StreamView::KeysOnly);
        let streams = self.inner.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = streams.prepare_cached(
            "SELECT CAST(sequence_number AS INTEGER), event_name, keys_json, new_image, old_image
             FROM _stream_records
             WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > ?2
             ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?3",
        )?;
        let after = after.map_or(i64::MIN, |sequence| sequence.0);
        let mut rows = statement.query(params![table, after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
        let mut page = Page::default();
        while let Some(row) = rows.next()? {
            let sequence = Sequence(row.get(0)?);
            page.upto = Some(sequence);
            let parse = |text: Option<String>| match text {
                None => Ok(None),
                Some(text) => {
                    serde_json::from_str::<Value>(&text).map(Some).map_err(|_| EngineError::Damaged(sequence))
                }
            };
            let (new, old): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
            let may_be_equal = matches!((&new, &old), (Some(new), Some(old)) if new.len() == old.len());
            let old = old.filter(|_| may_be_equal || view.has_old());
            let (new, old) = (parse(new)?, parse(old)?);
            if may_be_equal && new == old {
                continue;
            }
            let event_name: String = row.get(1)?;
            let keys = parse(Some(row.get(2)?))?;
            let event = lambda_record(table, sequence, &event_name, keys, new, old, view);
            page.records.push(Record { sequence, event });
        }
        Ok(page)
    }

    /// Removes the stream records of `table` up to and including a place, but never the newest: the engine derives the
    /// next sequence number from it. Gives how many went.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn trim(&self, table: &str, upto: Sequence) -> Result<usize, EngineError> {
        let streams = self.inner.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = streams.prepare_cached(
            "DELETE FROM _stream_records
             WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2
               AND CAST(sequence_number AS INTEGER) <
                   (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1)",
        )?;
        Ok(statement.execute(params![table, upto.0])?)
    }

    /// Every item of a table as DynamoDB JSON, in the order of the keys; empty for an unknown table. For tests and
    /// operators.
    pub fn dump(&self, table: &str) -> Vec<Value> {
        operations::scan(&self.database, table)
    }
}

fn missing_columns(streams: &Connection) -> Result<Vec<&'static str>, rusqlite::Error> {
    let mut statement = streams.prepare("SELECT name FROM pragma_table_info('_stream_records')")?;
    let found = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    Ok(COLUMNS.into_iter().filter(|column| !found.iter().any(|found| found == column)).collect())
}

fn lambda_record(
    table: &str,
    sequence: Sequence,
    event_name: &str,
    keys: Option<Value>,
    new: Option<Value>,
    old: Option<Value>,
    view: StreamView,
) -> Value {
    let mut change = json!({"Keys": keys, "SequenceNumber": sequence.to_string(), "StreamViewType": view.as_str()});
    if let Some(new) = new.filter(|_| view.has_new()) {
        change["NewImage"] = new;
    }
    if let Some(old) = old.filter(|_| view.has_old()) {
        change["OldImage"] = old;
    }
    json!({
        "eventID": format!("{table}-{sequence}"),
        "eventName": event_name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "local",
        "dynamodb": change,
        "eventSourceARN": format!("arn:aws:dynamodb:local:000000000000:table/{table}/stream/local"),
    })
}
