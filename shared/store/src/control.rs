//! The switches: pause, and the mode of each playbook at each destination.

use serde::{Deserialize, Serialize};

use model::{Mode, Moment, PlaybookName};

use crate::rows::{Attributes, Key, item, row, text, text_of};
use crate::{Store, StoreError};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PauseRow {
    pub paused: bool,
    pub at: Moment,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ModeRow {
    pub mode: Mode,
    pub at: Moment,
}

#[derive(Debug, Serialize, Deserialize)]
struct ClaimedRow {
    at: Moment,
}

fn claimed_key() -> Key {
    Key::control("CLAIMED")
}

pub(crate) fn pause_key() -> Key {
    Key::control("PAUSE")
}

pub(crate) fn mode_key(playbook: &PlaybookName, destination: &str) -> Key {
    Key::control(format!("MODE#{playbook}#{destination}"))
}

impl Store {
    /// Pauses or resumes sending as of `at`: 1 call. An older statement than the one held changes nothing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn set_paused(&self, paused: bool, at: Moment) -> Result<(), StoreError> {
        self.put_switch(item(&pause_key(), &PauseRow { paused, at })?, at).await
    }

    /// Sets how far a playbook reaches at a destination as of `at`: 1 call. An older statement changes nothing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn set_mode(
        &self,
        playbook: &PlaybookName,
        destination: &str,
        mode: Mode,
        at: Moment,
    ) -> Result<(), StoreError> {
        self.put_switch(item(&mode_key(playbook, destination), &ModeRow { mode, at })?, at).await
    }

    async fn put_switch(&self, next: Attributes, at: Moment) -> Result<(), StoreError> {
        let values = Attributes::from([(":at".into(), text(at.to_string()))]);
        self.put_on(next, "attribute_not_exists(pk) OR #at < :at", &[("#at", "at")], values).await.map(|_| ())
    }

    /// Notes that people here claim alerts, as somebody did `at`: 1 call. It is noted once and for all.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_claimed(&self, at: Moment) -> Result<(), StoreError> {
        self.put_new(item(&claimed_key(), &ClaimedRow { at })?).await.map(|_| ())
    }

    /// Since when people here claim alerts: 1 call. `None` while nobody ever has.
    ///
    /// # Errors
    /// When the store does not answer or the row cannot be read.
    pub async fn claimed_since(&self) -> Result<Option<Moment>, StoreError> {
        let held = self.get(&claimed_key()).await?.map(row::<ClaimedRow>).transpose()?;
        Ok(held.map(|claimed| claimed.at))
    }

    /// When sending was paused, and every mode that was ever set as (`playbook`, `destination`, mode): 1 call.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn switches(&self) -> Result<(Option<Moment>, Vec<(PlaybookName, String, Mode)>), StoreError> {
        let (mut paused, mut modes) = (None, Vec::new());
        for found in self.query("CONTROL", None).await? {
            let sk = text_of(&found, "sk").unwrap_or_default().to_owned();
            if sk == "PAUSE" {
                let pause: PauseRow = row(found)?;
                paused = pause.paused.then_some(pause.at);
            } else if let Some((playbook, destination)) = sk.strip_prefix("MODE#").and_then(|r| r.split_once('#')) {
                let mode: ModeRow = row(found)?;
                modes.push((PlaybookName::from_stored(playbook), destination.to_owned(), mode.mode));
            }
        }
        Ok((paused, modes))
    }
}
