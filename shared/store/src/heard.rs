//! On which days each connection was heard from, one row per connection; and when it counts as silent, which `clock` finds
//! in the index of what is due.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{ConnectionName, Event, Heard, Moment};
use serde::{Deserialize, Serialize};

use crate::rows::{Attributes, Key, item, number, row, shard, text_of};
use crate::write::Transacted;
use crate::{Store, StoreError};

pub(crate) const HEARD: &str = "HEARD";
/// How often the row is read and written again when others write it at the same time.
const TRIES: usize = 8;

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct HeardRow {
    rev: u64,
    days: Heard,
    /// Within how many days it is expected to speak. Rows of earlier versions do not say so.
    #[serde(default)]
    expected_every: Option<u16>,
    /// The last day before the silence that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_shard: Option<String>,
    /// The moment at which it is silent, while that was not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_due_at: Option<Moment>,
}

/// A connection that is silent, and of which nobody was told so yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// Who is silent.
    pub connection: ConnectionName,
    /// The last day on which it was heard, in the reporting zone.
    pub last_heard_on: Date,
    /// Within how many days it was expected to speak again.
    pub expected_every: u16,
    /// Since when it is silent: the beginning of the first day on which it is.
    pub since: Moment,
    rev: u64,
}

fn key(connection: &ConnectionName) -> Key {
    Key { pk: HEARD.to_owned(), sk: connection.to_string() }
}

impl Store {
    /// The days on which connections were heard: 1 call. One that is not here never was, or is not asked to speak.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn heard(&self) -> Result<BTreeMap<ConnectionName, Heard>, StoreError> {
        let rows = self.query(HEARD, None).await?.into_iter().map(|found| {
            let connection = ConnectionName::from_stored(text_of(&found, "sk").unwrap_or_default());
            Ok((connection, row::<HeardRow>(found)?.days))
        });
        rows.collect()
    }

    /// Notes that a connection, which is to speak every `expected_every` days, was heard on `days` of `zone`: 1 read, and
    /// 1 write when that says something new.
    ///
    /// # Errors
    /// When the store does not answer, the row cannot be read, or others write it again and again.
    pub async fn note_heard(
        &self,
        connection: &ConnectionName,
        days: &BTreeSet<Date>,
        expected_every: u16,
        zone: &TimeZone,
    ) -> Result<(), StoreError> {
        let key = key(connection);
        for _ in 0..TRIES {
            let held = self.get(&key).await?.map(row::<HeardRow>).transpose()?;
            let mut next = held.clone().unwrap_or_else(HeardRow::nothing);
            for day in days {
                next.days.add(*day);
            }
            next.expect(connection, expected_every, zone);
            if held.as_ref() == Some(&next) {
                return Ok(());
            }
            let rev = next.rev;
            next.rev += 1;
            if self.put_on_rev(item(&key, &next)?, rev).await? {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable {
            operation: "PutItem",
            reason: format!("row `{HEARD} {connection}` is contended"),
        })
    }

    /// What is to be told of a connection that is due: 1 call. `None` when it was told or has spoken meanwhile.
    ///
    /// # Errors
    /// When the store does not answer or the row cannot be read.
    pub async fn silence(&self, connection: &ConnectionName, now: Moment) -> Result<Option<Silence>, StoreError> {
        let Some(held) = self.get(&key(connection)).await?.map(row::<HeardRow>).transpose()? else { return Ok(None) };
        let due = held.next_due_at.filter(|due| *due <= now).zip(held.days.last()).zip(held.expected_every);
        Ok(due.map(|((since, last_heard_on), expected_every)| {
            let connection = connection.clone();
            Silence { connection, last_heard_on, expected_every, since, rev: held.rev }
        }))
    }

    /// Writes the events that tell of a silence, and that it was told: 1 read and 1 write. False when the connection spoke
    /// meanwhile or somebody else told it.
    ///
    /// # Errors
    /// When the store does not answer or the row cannot be read.
    pub async fn tell_silence(&self, silence: &Silence, events: &[Event]) -> Result<bool, StoreError> {
        let key = key(&silence.connection);
        let Some(held) = self.get(&key).await?.map(row::<HeardRow>).transpose()? else { return Ok(false) };
        let told = Some(silence.last_heard_on);
        let next = HeardRow { rev: silence.rev + 1, told, due_shard: None, next_due_at: None, ..held };
        let on_rev = Attributes::from([(":r".into(), number(silence.rev))]);
        let mut writes = vec![self.put_if(item(&key, &next)?, "rev = :r", &[], on_rev)];
        for event in events {
            writes.push(self.outbox_write(event)?);
        }
        Ok(self.transact(writes).await? == Transacted::Done)
    }
}

impl HeardRow {
    fn nothing() -> Self {
        Self { rev: 0, days: Heard::default(), expected_every: None, told: None, due_shard: None, next_due_at: None }
    }

    /// Says when it is silent, unless that silence was told.
    fn expect(&mut self, connection: &ConnectionName, expected_every: u16, zone: &TimeZone) {
        let is_told = self.told.is_some() && self.told == self.days.last();
        let silent = self.days.silent_from(expected_every).filter(|_| !is_told);
        self.expected_every = Some(expected_every);
        self.next_due_at = silent.and_then(|day| Moment::start_of(day, zone));
        self.due_shard = self.next_due_at.map(|_| shard("DUE", connection.as_str()));
    }
}
