//! What the host itself must remember, in a second SQLite file beside the tables: how far each function has read each
//! stream, the queues, what was set aside, when schedules run next, and the clock.
//!
//! A message is on the disk when [`State::put_messages`] returns, because the bus's answer promises it. Progress
//! (checkpoints, hidden and deleted messages) is written through later: after a power cut some work is done again, which
//! is what at-least-once delivery means anyway.

mod queues;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Moment;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use tokio::sync::watch;

use crate::clock::ClockMode;
use crate::engine::Sequence;

/// A message to put into a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The queue.
    pub queue: String,
    /// What it says.
    pub body: String,
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Names it in a partial failure.
    pub id: String,
    /// Where it is.
    pub queue: String,
    /// What it says.
    pub body: String,
    /// Hidden until then.
    pub visible_at: Moment,
    /// How often it was handed out from this queue.
    pub receive_count: u32,
    /// When it was first put into a queue.
    pub enqueued_at: Moment,
    /// For a dead letter: the queue it came from.
    pub from: Option<String>,
}

/// Stream records that failed to the end, whole; on AWS an object in the on-failure bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct SetAside {
    /// The function that failed.
    pub function: String,
    /// The table whose stream it was.
    pub table: String,
    /// The last failure.
    pub reason: String,
    /// When they were given up.
    pub at: Moment,
    /// The records as the function was given them.
    pub records: Vec<Value>,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that can be received now.
    pub visible: usize,
    /// Messages handed out or waiting to be tried again.
    pub hidden: usize,
    /// When the first of the hidden ones becomes visible.
    pub next_visible_at: Option<Moment>,
}

/// Why the host's state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be opened.
    #[error("the host's state in {} cannot be opened", .file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The file was written by a later build.
    #[error("{} has layout {found}, this build knows up to {LAYOUT}; use the newer build, or another data folder", .file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its layout.
        found: i64,
    },
    /// SQLite fails.
    #[error("the host's state cannot be read or written")]
    Sqlite(#[from] rusqlite::Error),
    /// A stored value cannot be read.
    #[error("the host's state is damaged: {0}")]
    Damaged(String),
}

/// The layout of the file, raised with every change of it.
const LAYOUT: i64 = 1;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS checkpoints (
        function TEXT NOT NULL, source TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (function, source)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS messages (
        number INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL, visible_at INTEGER NOT NULL,
        receive_count INTEGER NOT NULL, enqueued_at INTEGER NOT NULL, came_from TEXT
    );
    CREATE INDEX IF NOT EXISTS messages_by_visibility ON messages(queue, visible_at, number);
    CREATE TABLE IF NOT EXISTS set_aside (
        number INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL,
        at INTEGER NOT NULL, records TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS schedules (name TEXT PRIMARY KEY, next_at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS clock (
        one INTEGER PRIMARY KEY CHECK (one = 1), frozen_at INTEGER, offset_ms INTEGER NOT NULL, last_receipt INTEGER
    );
    INSERT OR IGNORE INTO clock (one, offset_ms) VALUES (1, 0);
";

/// The host's state. Cheap to clone; every clone is the same state.
#[derive(Clone)]
pub struct State {
    connection: Arc<Mutex<Connection>>,
    changes: Arc<watch::Sender<u64>>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State")
    }
}

/// When a write must be on the disk.
#[derive(Clone, Copy)]
enum Durability {
    /// Before the call returns.
    Now,
    /// With the next write that must: a killed process loses nothing, a power cut only progress.
    Soon,
}

impl State {
    /// Opens the state in `file`, making it when it is missing.
    ///
    /// # Errors
    /// When the file cannot be used or a later build wrote it.
    pub fn open(file: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::Open { file: file.to_owned(), source };
        let connection = Connection::open(file).map_err(failed)?;
        let prepare = || {
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            if layout <= LAYOUT {
                connection.execute_batch(TABLES)?;
                connection.pragma_update(None, "user_version", LAYOUT)?;
            }
            Ok(layout)
        };
        let found = prepare().map_err(failed)?;
        if found > LAYOUT {
            return Err(StateError::Newer { file: file.to_owned(), found });
        }
        Ok(Self { connection: Arc::new(Mutex::new(connection)), changes: Arc::new(watch::Sender::new(0)) })
    }

    /// Changes after messages were put or the clock was set.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn read(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, durability: Durability) -> Result<MutexGuard<'_, Connection>, StateError> {
        let connection = self.read();
        let level = match durability {
            Durability::Now => "FULL",
            Durability::Soon => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", level)?;
        Ok(connection)
    }

    // --------------------------------------------------------------------------------------------------- streams

    /// How far `function` has read the stream of `table`; `None` before the first record.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoint(&self, function: &str, table: &str) -> Result<Option<Sequence>, StateError> {
        let connection = self.read();
        let mut statement =
            connection.prepare_cached("SELECT sequence FROM checkpoints WHERE function = ?1 AND source = ?2")?;
        Ok(statement.query_row(params![function, table], |row| row.get(0)).optional()?.map(Sequence))
    }

    /// Remembers how far `function` has read the stream of `table`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_checkpoint(&self, function: &str, table: &str, sequence: Sequence) -> Result<(), StateError> {
        let connection = self.write(Durability::Soon)?;
        let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO checkpoints VALUES (?1, ?2, ?3)")?;
        statement.execute(params![function, table, sequence.0])?;
        Ok(())
    }

    /// Keeps records that are given up and moves the checkpoint past them, in one transaction.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_aside(&self, given_up: &SetAside, past: Sequence) -> Result<(), StateError> {
        let mut connection = self.write(Durability::Now)?;
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO set_aside (function, source, reason, at, records) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                given_up.function,
                given_up.table,
                given_up.reason,
                given_up.at.as_millis(),
                Value::Array(given_up.records.clone()).to_string()
            ],
        )?;
        transaction.execute(
            "INSERT OR REPLACE INTO checkpoints VALUES (?1, ?2, ?3)",
            params![given_up.function, given_up.table, past.0],
        )?;
        Ok(transaction.commit()?)
    }

    /// Everything that was set aside, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn set_aside(&self) -> Result<Vec<SetAside>, StateError> {
        Ok(self.set_aside_by_number()?.into_values().collect())
    }

    /// As [`Self::set_aside`], by the number that [`Self::keep_aside`] takes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn set_aside_by_number(&self) -> Result<BTreeMap<i64, SetAside>, StateError> {
        let connection = self.read();
        let mut statement =
            connection.prepare("SELECT function, source, reason, at, records, number FROM set_aside")?;
        let mut rows = statement.query([])?;
        let mut all = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let records: String = row.get(4)?;
            let batch = SetAside {
                function: row.get(0)?,
                table: row.get(1)?,
                reason: row.get(2)?,
                at: moment(row.get(3)?)?,
                records: serde_json::from_str(&records).map_err(|error| StateError::Damaged(error.to_string()))?,
            };
            all.insert(row.get(5)?, batch);
        }
        Ok(all)
    }

    /// Keeps only these records of what was set aside under a number; without any, it is forgotten.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_aside(&self, number: i64, left: &[Value]) -> Result<(), StateError> {
        let connection = self.write(Durability::Now)?;
        if left.is_empty() {
            connection.execute("DELETE FROM set_aside WHERE number = ?1", params![number])?;
        } else {
            let left = Value::Array(left.to_vec()).to_string();
            connection.execute("UPDATE set_aside SET records = ?2 WHERE number = ?1", params![number, left])?;
        }
        Ok(())
    }

    /// How many batches were set aside.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn set_aside_count(&self) -> Result<usize, StateError> {
        Ok(self.read().query_row("SELECT COUNT(*) FROM set_aside", [], |row| row.get(0))?)
    }

    // ------------------------------------------------------------------------------------------ schedules, clock

    /// When a schedule runs next; `None` before its first run.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_run(&self, schedule: &str) -> Result<Option<Moment>, StateError> {
        let connection = self.read();
        let mut statement = connection.prepare_cached("SELECT next_at FROM schedules WHERE name = ?1")?;
        let next = statement.query_row(params![schedule], |row| row.get(0)).optional()?;
        next.map(moment).transpose()
    }

    /// Remembers when a schedule runs next.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_next_run(&self, schedule: &str, at: Moment) -> Result<(), StateError> {
        let connection = self.write(Durability::Soon)?;
        let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO schedules VALUES (?1, ?2)")?;
        statement.execute(params![schedule, at.as_millis()])?;
        Ok(())
    }

    /// How the clock moved when it was last set; the machine's clock at first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn clock(&self) -> Result<ClockMode, StateError> {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get(1)?));
        let (frozen_at, offset_ms) = self.read().query_row("SELECT frozen_at, offset_ms FROM clock", [], row)?;
        match frozen_at {
            Some(at) => Ok(ClockMode::Frozen { at: moment(at)? }),
            None => Ok(ClockMode::Wall { offset_ms }),
        }
    }

    /// Remembers how the clock moves.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_clock(&self, mode: ClockMode) -> Result<(), StateError> {
        let (frozen_at, offset_ms) = match mode {
            ClockMode::Frozen { at } => (Some(at.as_millis()), 0),
            ClockMode::Wall { offset_ms } => (None, offset_ms),
        };
        let connection = self.write(Durability::Now)?;
        connection.execute("UPDATE clock SET frozen_at = ?1, offset_ms = ?2", params![frozen_at, offset_ms])?;
        drop(connection);
        self.changed();
        Ok(())
    }

    /// The last receipt given, if any.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn last_receipt(&self) -> Result<Option<Moment>, StateError> {
        let last: Option<i64> = self.read().query_row("SELECT last_receipt FROM clock", [], |row| row.get(0))?;
        last.map(moment).transpose()
    }

    /// Remembers the last receipt given.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_last_receipt(&self, at: Moment) -> Result<(), StateError> {
        let connection = self.write(Durability::Soon)?;
        connection.prepare_cached("UPDATE clock SET last_receipt = ?1")?.execute(params![at.as_millis()])?;
        Ok(())
    }
}

fn moment(ms: i64) -> Result<Moment, StateError> {
    Moment::from_millis(ms).ok_or_else(|| StateError::Damaged(format!("{ms} is no moment")))
}
