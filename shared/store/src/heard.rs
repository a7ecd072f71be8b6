//! On which days each connection was heard from, one row per connection.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use model::{ConnectionName, Heard};
use serde::{Deserialize, Serialize};

use crate::rows::{Key, item, row, text_of};
use crate::{Store, StoreError};

const HEARD: &str = "HEARD";
/// How often the row is read and written again when others write it at the same time.
const TRIES: usize = 8;

#[derive(Serialize, Deserialize)]
struct HeardRow {
    rev: u64,
    days: Heard,
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

    /// Notes that a connection was heard on `days`: 1 read, and 1 write when one of them is new.
    ///
    /// # Errors
    /// When the store does not answer, the row cannot be read, or others write it again and again.
    pub async fn note_heard(&self, connection: &ConnectionName, days: &BTreeSet<Date>) -> Result<(), StoreError> {
        let key = Key { pk: HEARD.to_owned(), sk: connection.to_string() };
        for _ in 0..TRIES {
            let held = self.get(&key).await?.map(row::<HeardRow>).transpose()?;
            let (rev, mut heard) = held.map_or((0, Heard::default()), |held| (held.rev, held.days));
            // All of them, also after the first that is new.
            let news = days.iter().filter(|day| heard.add(**day)).count();
            if news == 0 || self.put_on_rev(item(&key, &HeardRow { rev: rev + 1, days: heard })?, rev).await? {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable {
            operation: "PutItem",
            reason: format!("row `{HEARD} {connection}` is contended"),
        })
    }
}
