//! What was rendered, sent or is still to be told of a person who was erased. Ids, moments and outcomes stay, so that
//! nothing is done twice because of it. Operators' commands; they page through tables.

use std::collections::BTreeSet;

use model::{ActionId, Desk, DeskLine, Episode, EpisodeKey, Event, TimelineEntry};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ERASED, Erased};
use crate::accounts::EpisodeRow;
use crate::desk::DeskRow;
use crate::outbox::Row;
use crate::rows::{Attributes, Key, item, number, row, shards, text, text_of};
use crate::{ActionRow, Store, StoreError};

/// What stands in place of a request that was rendered: a request, so that it can be shown.
const RENDERED: &str = "{\"text\":\"(erased)\"}";

impl Store {
    /// Takes what was said of them out of events, actions, desks and episodes; gives how many rows were changed. A row that
    /// somebody writes at the same time is left for the next time.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn redact_sent(&self, erased: &Erased) -> Result<usize, StoreError> {
        let (events, actions) = self.redact_outbox(erased).await?;
        let actions = self.redact_actions(erased, &actions).await? + self.redact_desks(erased, &actions).await?;
        Ok(events + actions + self.redact_episodes(erased).await? + self.redact_told(erased).await?)
    }

    /// How a mail ended is told with whom it was for.
    async fn redact_told(&self, erased: &Erased) -> Result<usize, StoreError> {
        let mut changed = 0;
        for found in self.scan("begins_with(pk, :p)", ":p", "TIMELINE#").await? {
            let entry: TimelineEntry = row(found)?;
            if erased.is_named_in(&entry.text) {
                let key = Key::timeline(&entry.account, entry.at, &entry.id);
                let next = TimelineEntry { text: ERASED.to_owned(), ..entry };
                changed += usize::from(self.put_on(item(&key, &next)?, "attribute_exists(pk)", &[], [].into()).await?);
            }
        }
        Ok(changed)
    }

    /// Gives the actions that were asked for because of them, too.
    async fn redact_outbox(&self, erased: &Erased) -> Result<(usize, BTreeSet<ActionId>), StoreError> {
        let (mut changed, mut actions) = (0, BTreeSet::new());
        for shard in shards("OUTBOX") {
            for found in self.query(&shard, Some("EVENT#")).await? {
                let held: Row = row(found)?;
                let unreadable = |error| StoreError::unreadable("an event", error);
                let value: Value = serde_json::from_str(&held.event).map_err(unreadable)?;
                if !erased.concerns(&value) {
                    continue;
                }
                let id = value["data"]["id"].as_str().map(ActionId::from_stored);
                let is_asked = matches!(value["type"].as_str(), Some("action.requested" | "notice.requested"));
                actions.extend(id.filter(|_| is_asked));
                let event: Event = left(erased, value, "an event")?;
                let event = serde_json::to_string(&event).map_err(unreadable)?;
                if event != held.event {
                    changed += usize::from(self.put_redacted(held, event).await?);
                }
            }
        }
        Ok((changed, actions))
    }

    async fn put_redacted(&self, held: Row, event: String) -> Result<bool, StoreError> {
        let id = serde_json::from_str::<Event>(&event).map_err(|e| StoreError::unreadable("an event", e))?.id;
        let values = Attributes::from([(":e".into(), text(&held.event)), (":r".into(), number(held.round))]);
        let next = item(&Key::outbox(&id), &Row { event, ..held })?;
        self.put_on(next, "#e = :e AND #r = :r", &[("#e", "event"), ("#r", "round")], values).await
    }

    async fn redact_actions(&self, erased: &Erased, theirs: &BTreeSet<ActionId>) -> Result<usize, StoreError> {
        let mut changed = 0;
        for found in self.scan("begins_with(pk, :p)", ":p", "ACTION#").await? {
            let held: ActionRow = row(found)?;
            let is_named = |text: &String| erased.is_named_in(text);
            let is_rendered = held.rendered.as_ref().is_some_and(|text| theirs.contains(&held.id) || is_named(text));
            let mut next = held.clone();
            if is_rendered {
                next.rendered = Some(RENDERED.to_owned());
            }
            if held.reason.as_ref().is_some_and(is_named) {
                next.reason = Some(ERASED.to_owned());
            }
            // Until it is over, that is how its desk is found.
            if held.status.is_final() && is_named(&held.to) {
                next.to = ERASED.to_owned();
            }
            if next != held {
                changed += usize::from(self.put_held(&next, &held).await?);
            }
        }
        Ok(changed)
    }

    async fn redact_desks(&self, erased: &Erased, theirs: &BTreeSet<ActionId>) -> Result<usize, StoreError> {
        let mut changed = 0;
        for found in self.scan("sk = :p", ":p", "DESK").await? {
            let key = Key { pk: text_of(&found, "pk").unwrap_or_default().to_owned(), sk: "DESK".to_owned() };
            let held: DeskRow = row(found)?;
            let mut desk: Desk = held.desk.clone();
            let pending = desk.pending.iter_mut().map(|(id, pending)| (id, &mut pending.line));
            let waiting = desk.waits.iter_mut().map(|(id, waiting)| (id, &mut waiting.line));
            for (id, line) in pending.chain(waiting) {
                let is_theirs = serde_json::to_value(&*line).is_ok_and(|line| erased.concerns(&line));
                if (theirs.contains(id) || is_theirs) && line.what != ERASED {
                    *line = DeskLine { what: ERASED.to_owned(), ..line.clone() };
                }
            }
            if desk != held.desk {
                let rev = held.rev;
                let next = DeskRow { rev: rev + 1, desk, ..held };
                changed += usize::from(self.put_on_rev(item(&key, &next)?, rev).await?);
            }
        }
        Ok(changed)
    }

    async fn redact_episodes(&self, erased: &Erased) -> Result<usize, StoreError> {
        let mut changed = 0;
        for found in self.scan("begins_with(sk, :p)", ":p", EpisodeKey::PREFIX).await? {
            let held: EpisodeRow = row(found)?;
            let unreadable = |error| StoreError::unreadable("an episode", error);
            let value = serde_json::to_value(&held.episode).map_err(unreadable)?;
            if !erased.owns(&held.episode.key) && !erased.concerns(&value) {
                continue;
            }
            let episode: Episode = left(erased, value, "an episode")?;
            if episode != held.episode {
                let key = Key::episode(&episode.key.home, &episode.key.row());
                let next = item(&key, &EpisodeRow { rev: held.rev + 1, episode })?;
                changed += usize::from(self.put_on_rev(next, held.rev).await?);
            }
        }
        Ok(changed)
    }
}

fn left<T: DeserializeOwned>(erased: &Erased, mut value: Value, what: &str) -> Result<T, StoreError> {
    erased.take_out(&mut value);
    serde_json::from_value(value).map_err(|error| StoreError::unreadable(what, error))
}
