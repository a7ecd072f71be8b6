//! The outbox: events written with their cause, pending until the bus has them. Rows are marked, never deleted.

use aws_sdk_dynamodb::error::SdkError;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use model::{ConnectionName, Event, EventId, Moment, SubjectId};

use crate::desk::DeskKey;
use crate::heard::HEARD;
use crate::rows::{Attributes, Key, item, number, row, shards, text, text_of};
use crate::write::Write;
use crate::{Store, StoreError};

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutboxState {
    /// The bus does not have it yet.
    Pending,
    /// The bus has it.
    Published,
    /// The bus will not take it; a person must look.
    Failed,
}

/// One event of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The event.
    pub event: Event,
    /// Where it stands.
    pub state: OutboxState,
    /// How often `clock` has tried again.
    pub attempts: u32,
    /// Why it stands where it does, where there is something to say.
    pub reason: Option<String>,
    /// How often it was asked for again; marks are for the round that was read.
    pub round: u32,
    /// Since when it should have been on the bus: since it was decided, or since it was to be asked for again.
    pub waits_since: Moment,
}

/// What the index of due moments finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// An account that can change without news.
    Account(SubjectId),
    /// A connection that is silent for longer than it should be.
    Source(ConnectionName),
    /// A desk whose digest can be put together.
    Desk(DeskKey),
}

/// An event that waits for the bus, and its round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublished {
    /// The event.
    pub event: Event,
    /// The round it waits in.
    pub round: u32,
}

/// How long an event that is written may be on its way through the stream before `clock` takes it for left over.
pub const GRACE: SignedDuration = SignedDuration::from_mins(2);

#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    /// The event as the bus gets it, byte for byte.
    pub event: String,
    pub state: OutboxState,
    pub attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default)]
    pub round: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_at: Option<Moment>,
}

impl Row {
    fn read(self) -> Result<OutboxRow, StoreError> {
        let event = serde_json::from_str(&self.event).map_err(|e| StoreError::unreadable("an event", e))?;
        let event: Event = event;
        // A try that failed puts off the next one, and not since when it waits; only a later round began later.
        let waits_since = self.pending_at.filter(|_| self.round > 0).map_or(event.as_of, |at| at.plus(GRACE));
        let Self { state, attempts, reason, round, .. } = self;
        Ok(OutboxRow { event, state, attempts, reason, round, waits_since })
    }
}

/// The event in a record of the accounts stream; `None` when it is already beyond pending.
///
/// # Errors
/// When the item is not an outbox row.
pub fn event_from_stream(image: serde_dynamo::Item) -> Result<Option<Unpublished>, StoreError> {
    let row: Row = serde_dynamo::from_item(image).map_err(|e| StoreError::unreadable("an outbox record", e))?;
    let row = row.read()?;
    Ok((row.state == OutboxState::Pending).then_some(Unpublished { event: row.event, round: row.round }))
}

/// The same number as the row's own shard, under the index's prefix.
fn pending_shard(key: &Key) -> String {
    key.pk.replacen("OUTBOX", "PENDING", 1)
}

fn outbox_item(event: &Event) -> Result<Attributes, StoreError> {
    let key = Key::outbox(&event.id);
    let row = Row {
        event: serde_json::to_string(event).map_err(|e| StoreError::unreadable(event.id.as_str(), e))?,
        state: OutboxState::Pending,
        attempts: 0,
        reason: None,
        round: 0,
        pending_shard: Some(pending_shard(&key)),
        pending_at: Some(event.as_of),
    };
    item(&key, &row)
}

impl Store {
    pub(crate) fn outbox_write(&self, event: &Event) -> Result<Write, StoreError> {
        Ok(self.put_once(outbox_item(event)?))
    }

    /// Writes an event of which nothing else is written; false when it is there already: 1 call.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn announce_first(&self, event: &Event) -> Result<bool, StoreError> {
        self.put_new(outbox_item(event)?).await
    }

    /// Writes events of which nothing else is written, those that are not there yet: 1 call per hundred, one more for
    /// each round of events that existed already.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn announce(&self, events: &[Event]) -> Result<(), StoreError> {
        if let [event] = events {
            return self.announce_first(event).await.map(|_| ());
        }
        for some in events.chunks(crate::write::MOST) {
            let writes = some.iter().map(|event| self.outbox_write(event)).collect::<Result<_, _>>()?;
            self.transact(writes).await?;
        }
        Ok(())
    }

    /// The bus has the event of that round: 1 call. Saying so twice changes nothing, nor does saying so late: when the
    /// event was asked for again meanwhile, it still waits for that.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn mark_published(&self, event: &EventId, round: u32) -> Result<(), StoreError> {
        let values = Attributes::from([(":to".into(), text("published"))]);
        self.update_pending(event, round, "SET #s = :to REMOVE pending_shard, pending_at, reason", values).await
    }

    /// Has `clock` publish the event once more, at that moment or soon after: 1 call. For what cannot be done yet; the
    /// last one to say when decides.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn ask_again_at(&self, event: &EventId, at: Moment) -> Result<(), StoreError> {
        // It is on its way through no stream, so the clock need not wait for that.
        if self.pend(event, at.plus(-GRACE), "attribute_exists(pk)").await? {
            return Ok(());
        }
        Err(StoreError::Unavailable { operation: "UpdateItem", reason: format!("there is no event `{event}`") })
    }

    /// Has an event wait for the bus again, in a round of its own: 1 call. False when the condition fails.
    pub(crate) async fn pend(&self, event: &EventId, pending_at: Moment, condition: &str) -> Result<bool, StoreError> {
        let values = Attributes::from([
            (":pending".into(), text("pending")),
            (":shard".into(), text(pending_shard(&Key::outbox(event)))),
            (":at".into(), text(pending_at.to_string())),
            (":none".into(), number(0)),
            (":one".into(), number(1)),
        ]);
        let update = "SET #s = :pending, pending_shard = :shard, pending_at = :at, attempts = :none ADD #r :one";
        self.update_event(event, update, condition, values).await
    }

    /// The bus will not take the event: 1 call.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn mark_unpublishable(&self, event: &EventId, round: u32, reason: &str) -> Result<(), StoreError> {
        let values = Attributes::from([(":to".into(), text("failed")), (":why".into(), text(reason))]);
        self.update_pending(event, round, "SET #s = :to, reason = :why REMOVE pending_shard, pending_at", values).await
    }

    /// The bus did not take the event now; `clock` tries again from `next_at`: 1 call.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn mark_retry(
        &self,
        event: &EventId,
        round: u32,
        next_at: Moment,
        reason: &str,
    ) -> Result<(), StoreError> {
        let values = Attributes::from([
            (":at".into(), text(next_at.to_string())),
            (":one".into(), number(1)),
            (":why".into(), text(reason)),
        ]);
        self.update_pending(event, round, "SET pending_at = :at, reason = :why ADD attempts :one", values).await
    }

    async fn update_pending(
        &self,
        event: &EventId,
        round: u32,
        update: &str,
        mut values: Attributes,
    ) -> Result<(), StoreError> {
        values.extend([(":pending".into(), text("pending")), (":round".into(), number(round))]);
        // Rows of before there were rounds are in the first one.
        let condition = if round == 0 {
            "#s = :pending AND (attribute_not_exists(#r) OR #r = :round)"
        } else {
            "#s = :pending AND #r = :round"
        };
        self.update_event(event, update, condition, values).await.map(|_| ())
    }

    /// One conditional update of an event's row, whose `state` is `#s` there and whose `round` is `#r`; false when the
    /// condition fails.
    async fn update_event(
        &self,
        event: &EventId,
        update: &str,
        condition: &str,
        values: Attributes,
    ) -> Result<bool, StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.tables.accounts)
            .set_key(Some(Key::outbox(event).attributes()))
            .update_expression(update)
            .condition_expression(condition)
            .expression_attribute_names("#s", "state")
            .expression_attribute_names("#r", "round")
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(service)) if service.err().is_conditional_check_failed_exception() => Ok(false),
            Err(error) => Err(StoreError::unavailable("UpdateItem", &error)),
        }
    }

    /// Events that should have been on the bus for [`GRACE`], or whose moment to be asked for again has come, read from
    /// their base items: 1 call per shard and 1 per event found.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn left_over(&self, now: Moment) -> Result<Vec<OutboxRow>, StoreError> {
        let mut found = Vec::new();
        for key in self.index_until("pending", "PENDING", "pending_at", now.plus(-GRACE)).await? {
            if let Some(base) = self.get(&key).await? {
                let read = row::<Row>(base)?.read()?;
                if read.state == OutboxState::Pending {
                    found.push(read);
                }
            }
        }
        Ok(found)
    }

    /// What is due according to the index: 1 call per shard and page.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn due(&self, now: Moment) -> Result<Vec<Due>, StoreError> {
        let keys = self.index_until("due", "DUE", "next_due_at", now).await?;
        let due = |key: &Key| match crate::subject_of_key(&key.pk, &key.sk) {
            Some(subject) => Some(Due::Account(subject)),
            None if key.pk == HEARD => Some(Due::Source(ConnectionName::from_stored(&*key.sk))),
            None => DeskKey::of(key).map(Due::Desk),
        };
        Ok(keys.iter().filter_map(due).collect())
    }

    /// The earliest moment up to `until` at which `clock` finds something to do, according to the indexes: an account, a
    /// desk or a source that is due, or an event that is left over. 1 call per shard of each. For hosts, which let time pass from
    /// one to the next.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn earliest_due(&self, until: Moment) -> Result<Option<Moment>, StoreError> {
        let due = self.earliest("due", "DUE", "next_due_at", until).await?;
        let waits = self.earliest("pending", "PENDING", "pending_at", until.plus(-GRACE)).await?;
        Ok([due, waits.map(|at| at.plus(GRACE))].into_iter().flatten().min())
    }

    async fn earliest(
        &self,
        index: &str,
        prefix: &str,
        range: &str,
        until: Moment,
    ) -> Result<Option<Moment>, StoreError> {
        let mut earliest: Option<Moment> = None;
        for shard in shards(prefix) {
            let page = self
                .client
                .query()
                .table_name(&self.tables.accounts)
                .index_name(index)
                .key_condition_expression("#h = :h AND #r <= :until")
                .expression_attribute_names("#h", format!("{index}_shard"))
                .expression_attribute_names("#r", range)
                .expression_attribute_values(":h", text(&shard))
                .expression_attribute_values(":until", text(until.to_string()))
                .limit(1)
                .send()
                .await
                .map_err(|e| StoreError::unavailable("Query", &e))?;
            let first = page.items.unwrap_or_default().into_iter().next();
            let due = first.and_then(|found| text_of(&found, range).and_then(|text| text.parse().ok()));
            earliest = [earliest, due].into_iter().flatten().min();
        }
        Ok(earliest)
    }

    pub(crate) async fn index_until(
        &self,
        index: &str,
        prefix: &str,
        range: &str,
        until: Moment,
    ) -> Result<Vec<Key>, StoreError> {
        self.index_keys(index, &format!("{index}_shard"), prefix, Some((range, until))).await
    }

    /// The keys that a sparse index holds, all of them or up to a moment, in the order of each shard: 1 call per shard
    /// and page.
    pub(crate) async fn index_keys(
        &self,
        index: &str,
        hash: &str,
        prefix: &str,
        until: Option<(&str, Moment)>,
    ) -> Result<Vec<Key>, StoreError> {
        let mut keys = Vec::new();
        for shard in shards(prefix) {
            let mut start = None;
            loop {
                let mut request = self
                    .client
                    .query()
                    .table_name(&self.tables.accounts)
                    .index_name(index)
                    .key_condition_expression(if until.is_some() { "#h = :h AND #r <= :until" } else { "#h = :h" })
                    .expression_attribute_names("#h", hash)
                    .expression_attribute_values(":h", text(&shard))
                    .set_exclusive_start_key(start);
                if let Some((range, until)) = until {
                    request = request
                        .expression_attribute_names("#r", range)
                        .expression_attribute_values(":until", text(until.to_string()));
                }
                let page = request.send().await.map_err(|e| StoreError::unavailable("Query", &e))?;
                for found in page.items.unwrap_or_default() {
                    if let (Some(pk), Some(sk)) = (text_of(&found, "pk"), text_of(&found, "sk")) {
                        keys.push(Key { pk: pk.to_owned(), sk: sk.to_owned() });
                    }
                }
                start = page.last_evaluated_key;
                if start.is_none() {
                    break;
                }
            }
        }
        Ok(keys)
    }

    /// Every event of the outbox, in no order. An operator's command: it reads every shard to its end.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn whole_outbox(&self) -> Result<Vec<OutboxRow>, StoreError> {
        let mut rows = Vec::new();
        for shard in shards("OUTBOX") {
            for found in self.query(&shard, Some("EVENT#")).await? {
                rows.push(row::<Row>(found)?.read()?);
            }
        }
        Ok(rows)
    }
}
