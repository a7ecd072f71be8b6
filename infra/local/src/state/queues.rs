//! Queues with SQS's rules: a message handed out is hidden, comes back unless it is deleted, and after too many times
//! goes to the dead letters.

use jiff::SignedDuration;
use model::Moment;
use rusqlite::{Row, params};
use serde_json::Value;
use store::Erased;

use super::{Depth, Durability, Message, NewMessage, State, StateError, moment};
use crate::template::Queue;

impl State {
    /// Puts all of these or none; they are on the disk when this returns. Gives their ids.
    ///
    /// # Errors
    /// When the file cannot be written; then none was put.
    pub fn put_messages(&self, messages: &[NewMessage], now: Moment) -> Result<Vec<String>, StateError> {
        if messages.is_empty() {
            return Ok(vec![]);
        }
        let mut connection = self.write(Durability::Now)?;
        let transaction = connection.transaction()?;
        let mut ids = Vec::with_capacity(messages.len());
        {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO messages (queue, body, visible_at, receive_count, enqueued_at) VALUES (?1, ?2, ?3, 0, ?3)",
            )?;
            for message in messages {
                statement.execute(params![message.queue, message.body, now.as_millis()])?;
                ids.push(transaction.last_insert_rowid().to_string());
            }
        }
        transaction.commit()?;
        drop(connection);
        self.changed();
        Ok(ids)
    }

    /// Hands out up to `limit` visible messages and hides them. Those handed out too often already go to the dead
    /// letters instead, as SQS does it: on the receive after the last one allowed.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn receive(&self, queue: &Queue, limit: usize, now: Moment) -> Result<Vec<Message>, StateError> {
        let mut connection = self.write(Durability::Soon)?;
        let hidden_until = now.plus(SignedDuration::from_secs(i64::try_from(queue.visibility_s).unwrap_or(i64::MAX)));
        let transaction = connection.transaction()?;
        if let (Some(most), Some(dead_letters)) = (queue.max_receive_count, &queue.dead_letters) {
            let mut bury = transaction.prepare_cached(
                "UPDATE messages SET queue = ?1, came_from = queue, visible_at = ?2
                 WHERE queue = ?3 AND visible_at <= ?2 AND receive_count >= ?4",
            )?;
            bury.execute(params![dead_letters, now.as_millis(), queue.logical_id, most])?;
        }
        let messages = {
            let mut take = transaction.prepare_cached(
                "UPDATE messages SET visible_at = ?1, receive_count = receive_count + 1
                 WHERE number IN (SELECT number FROM messages WHERE queue = ?2 AND visible_at <= ?3
                                  ORDER BY visible_at, number LIMIT ?4)
                 RETURNING number, queue, body, visible_at, receive_count, enqueued_at, came_from",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let taken = params![hidden_until.as_millis(), queue.logical_id, now.as_millis(), limit];
            read(take.query(taken)?)?
        };
        transaction.commit()?;
        Ok(messages)
    }

    /// Makes every hidden message visible: for a host that has just taken the folder over, so that nobody has one in
    /// hand. A hand-out that a dying process never finished does not count against the message.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn show_hidden_messages(&self, now: Moment) -> Result<(), StateError> {
        let connection = self.write(Durability::Soon)?;
        connection.execute(
            "UPDATE messages SET visible_at = ?1, receive_count = MAX(receive_count - 1, 0) WHERE visible_at > ?1",
            params![now.as_millis()],
        )?;
        Ok(())
    }

    /// Whether a receive would find anything; costs no write.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn has_visible(&self, queue: &str, now: Moment) -> Result<bool, StateError> {
        let connection = self.read();
        let mut statement = connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM messages WHERE queue = ?1 AND visible_at <= ?2)")?;
        Ok(statement.query_row(params![queue, now.as_millis()], |row| row.get(0))?)
    }

    /// Removes messages that were handled.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn delete_messages<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<(), StateError> {
        let mut connection = self.write(Durability::Soon)?;
        let transaction = connection.transaction()?;
        {
            let mut statement = transaction.prepare_cached("DELETE FROM messages WHERE number = ?1")?;
            for id in ids {
                statement.execute(params![id])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Every message of a queue, oldest first; a dead-letter queue is a queue.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn messages(&self, queue: &str) -> Result<Vec<Message>, StateError> {
        let connection = self.read();
        let mut statement = connection.prepare_cached(
            "SELECT number, queue, body, visible_at, receive_count, enqueued_at, came_from
             FROM messages WHERE queue = ?1 ORDER BY number",
        )?;
        read(statement.query(params![queue])?)
    }

    /// How full a queue is.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn depth(&self, queue: &str, now: Moment) -> Result<Depth, StateError> {
        let connection = self.read();
        let mut statement = connection.prepare_cached(
            "SELECT COUNT(*) FILTER (WHERE visible_at <= ?2), COUNT(*) FILTER (WHERE visible_at > ?2),
                    MIN(visible_at) FILTER (WHERE visible_at > ?2)
             FROM messages WHERE queue = ?1",
        )?;
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<i64>>(2)?));
        let (visible, hidden, next) = statement.query_row(params![queue, now.as_millis()], row)?;
        Ok(Depth { visible, hidden, next_visible_at: next.map(moment).transpose()? })
    }

    /// Takes what was said of people who are forgotten out of messages and of what was set aside; gives how many changed.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn redact(&self, erased: &Erased) -> Result<usize, StateError> {
        let mut connection = self.write(Durability::Now)?;
        let transaction = connection.transaction()?;
        let mut changed = 0;
        for (table, column) in [("messages", "body"), ("set_aside", "records")] {
            let mut theirs: Vec<(i64, String)> = Vec::new();
            let mut statement = transaction.prepare(&format!("SELECT number, {column} FROM {table}"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let text: String = row.get(1)?;
                // What is no JSON came from nobody here.
                let Ok(mut value) = serde_json::from_str::<Value>(&text) else { continue };
                if erased.concerns(&value) {
                    erased.take_out(&mut value);
                    let left = value.to_string();
                    if left != text {
                        theirs.push((row.get(0)?, left));
                    }
                }
            }
            changed += theirs.len();
            for (number, left) in theirs {
                let update = format!("UPDATE {table} SET {column} = ?2 WHERE number = ?1");
                transaction.execute(&update, params![number, left])?;
            }
        }
        transaction.commit()?;
        Ok(changed)
    }

    /// Sends at most so many dead letters, the oldest first, to the queue that was to have them, to be tried afresh. Gives how
    /// many went.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn redrive(&self, dead_letters: &str, to: &str, most: usize, now: Moment) -> Result<usize, StateError> {
        let connection = self.write(Durability::Now)?;
        let moved = connection.execute(
            "UPDATE messages SET queue = ?4, came_from = NULL, receive_count = 0, visible_at = ?2
             WHERE number IN (SELECT number FROM messages WHERE queue = ?1 ORDER BY number LIMIT ?3)",
            params![dead_letters, now.as_millis(), i64::try_from(most).unwrap_or(i64::MAX), to],
        )?;
        drop(connection);
        self.changed();
        Ok(moved)
    }
}

fn read(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Message>, StateError> {
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(Message {
            id: row.get::<_, i64>(0)?.to_string(),
            queue: row.get(1)?,
            body: row.get(2)?,
            visible_at: moment(row.get(3)?)?,
            receive_count: row.get(4)?,
            enqueued_at: moment(row.get(5)?)?,
            from: row.get(6)?,
        });
    }
    // `RETURNING` promises no order.
    messages.sort_by_key(|message| message.id.parse::<i64>().unwrap_or_default());
    Ok(messages)
}
