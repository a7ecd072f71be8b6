//! Desks and surges: one row per reader and one per playbook, written on the revision that was read, so that every
//! message is placed knowing of all others.

use std::collections::{BTreeMap, BTreeSet};

use model::{ActionId, Desk, DeskLine, Episode, Event, Mode, Moment, PlaybookName, Recipient, Surge};
use serde::{Deserialize, Serialize};

use crate::accounts::EpisodeRow;
use crate::rows::{Attributes, Key, item, number, row, shard};
use crate::write::Transacted;
use crate::{Store, StoreError, Stored};

const DESK: &str = "DESK";

/// Names the row of a desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskKey(Key);

impl DeskKey {
    /// `None` for the key of another row.
    pub(crate) fn of(key: &Key) -> Option<Self> {
        (key.sk == DESK).then(|| Self(key.clone()))
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct DeskRow {
    pub rev: u64,
    pub desk: Desk,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due_at: Option<Moment>,
}

#[derive(Serialize, Deserialize)]
struct SurgeRow {
    rev: u64,
    surge: Surge,
}

fn desk_key(mode: Mode, address: &str) -> Key {
    Key { pk: Desk::partition(mode, address), sk: DESK.to_owned() }
}

fn surge_key(mode: Mode, playbook: &PlaybookName) -> Key {
    Key { pk: Surge::partition(mode, playbook), sk: "SURGE".to_owned() }
}

impl Store {
    /// The desk of a reader: 1 call. An empty one with revision 0 where there is none yet.
    ///
    /// # Errors
    /// When the store does not answer or the row cannot be read.
    pub async fn desk(&self, mode: Mode, to: &Recipient) -> Result<Stored<Desk>, StoreError> {
        match self.get(&desk_key(mode, &to.address)).await? {
            None => Ok(Stored { value: Desk::new(to.clone(), mode), rev: 0 }),
            Some(found) => row::<DeskRow>(found).map(|row| Stored { value: row.desk, rev: row.rev }),
        }
    }

    /// Writes a desk that was read at `desk.rev`, due for a digest at `due_at`, with the event that asks for a digest
    /// where it was emptied for one: 1 call. False when somebody else wrote it meanwhile.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_desk(
        &self,
        desk: &Stored<Desk>,
        due_at: Option<Moment>,
        notice: Option<&Event>,
    ) -> Result<bool, StoreError> {
        let Stored { value, rev } = desk;
        let next = DeskRow {
            rev: rev + 1,
            desk: value.clone(),
            due_shard: due_at.map(|_| shard("DUE", &value.to.address)),
            next_due_at: due_at,
        };
        self.put_with(item(&desk_key(value.mode, &value.to.address), &next)?, *rev, notice).await
    }

    /// A desk that is due for a digest: 1 call. `None` where the base item says that it is not: the index may be behind it.
    ///
    /// # Errors
    /// When the store does not answer or the row cannot be read.
    pub async fn desk_due(&self, key: &DeskKey, now: Moment) -> Result<Option<Stored<Desk>>, StoreError> {
        let found = self.get(&key.0).await?.map(row::<DeskRow>).transpose()?;
        let due = found.filter(|row| row.next_due_at.is_some_and(|at| at <= now));
        Ok(due.map(|row| Stored { value: row.desk, rev: row.rev }))
    }

    /// Those of the waiting messages whose episode still runs as it did when they were asked for: 1 call per hundred
    /// episodes, consistent.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn still_open<'a>(
        &self,
        waiting: impl IntoIterator<Item = (&'a ActionId, &'a DeskLine)>,
    ) -> Result<BTreeSet<ActionId>, StoreError> {
        let waiting: Vec<_> = waiting.into_iter().map(|(id, line)| (id, line, episode_key(line))).collect();
        // A read of many refuses to be asked for one row twice.
        let keys: BTreeMap<String, &Key> = waiting.iter().map(|(_, _, key)| (key.name(), key)).collect();
        let found = self.get_many(&keys.into_values().collect::<Vec<_>>()).await?;
        let mut open = BTreeSet::new();
        for (id, line, key) in waiting {
            let Some(found) = found.get(&key.name()) else { continue };
            let episode: Episode = row::<EpisodeRow>(found.clone())?.episode;
            if episode.is_open() && episode.run == line.run {
                open.insert(id.clone());
            }
        }
        Ok(open)
    }

    /// What started a playbook lately: 1 call. Nothing, with revision 0, where there is no row yet.
    ///
    /// # Errors
    /// When the store does not answer or the row cannot be read.
    pub async fn surge(&self, mode: Mode, playbook: &PlaybookName) -> Result<Stored<Surge>, StoreError> {
        match self.get(&surge_key(mode, playbook)).await? {
            None => Ok(Stored { value: Surge::new(playbook.clone(), mode), rev: 0 }),
            Some(found) => row::<SurgeRow>(found).map(|row| Stored { value: row.surge, rev: row.rev }),
        }
    }

    /// Writes what was read at `surge.rev`, with the event that tells of a burst where this is the first to find one: 1
    /// call. False when somebody else wrote it meanwhile.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_surge(&self, surge: &Stored<Surge>, notice: Option<&Event>) -> Result<bool, StoreError> {
        let next = SurgeRow { rev: surge.rev + 1, surge: surge.value.clone() };
        self.put_with(item(&surge_key(surge.value.mode, &surge.value.playbook), &next)?, surge.rev, notice).await
    }

    async fn put_with(&self, next: Attributes, rev: u64, event: Option<&Event>) -> Result<bool, StoreError> {
        let Some(event) = event else { return self.put_on_rev(next, rev).await };
        let guarded = if rev == 0 {
            self.put_if(next, "attribute_not_exists(pk)", &[], Attributes::new())
        } else {
            self.put_if(next, "rev = :r", &[], Attributes::from([(":r".into(), number(rev))]))
        };
        Ok(self.transact(vec![guarded, self.outbox_write(event)?]).await? == Transacted::Done)
    }
}

fn episode_key(line: &DeskLine) -> Key {
    Key::episode(&line.home, &line.episode)
}
