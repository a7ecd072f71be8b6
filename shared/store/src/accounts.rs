//! Subjects: the facts that are rows of their own, the assessment, and what a recompute writes.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::SdkError;
use serde::{Deserialize, Serialize};

use model::{
    Assessed, Assessment, DeliveryId, Episode, Event, Fact, FactKey, Field, Moment, Register, Stamp, SubjectId,
    TimelineEntry, ToldParent, Value,
};

use crate::rows::{Attributes, Key, item, number, row, shard, text};
use crate::write::Transacted;
use crate::{Store, StoreError};

/// Something read, with the revision a later write depends on; revision 0 means it is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// What was read.
    pub value: T,
    /// Its revision.
    pub rev: u64,
}

/// What became of asking for a recompute of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// It is asked for now.
    Asked,
    /// It was asked for before, and nobody has looked since.
    Overdue {
        /// The moment that it is due for.
        since: Moment,
    },
    /// Its due moment is another one by now.
    NotDue,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct FactRow {
    pub rev: u64,
    #[serde(flatten)]
    pub fact: Fact,
    /// The moment of a tick, beside its register so that a condition can compare it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick_at: Option<Moment>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct EpisodeRow {
    pub rev: u64,
    #[serde(flatten)]
    pub episode: Episode,
}

#[derive(Serialize, Deserialize)]
struct AssessmentRow {
    version: u64,
    assessment: Option<Assessment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_due_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    book_shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    book_order: Option<String>,
}

impl AssessmentRow {
    fn new(subject: &SubjectId, version: u64, assessment: Option<&Assessment>) -> Self {
        let due = assessment.and_then(|a| a.next_due_at);
        Self {
            version,
            assessment: assessment.cloned(),
            due_shard: due.map(|_| shard("DUE", subject.as_str())),
            next_due_at: due,
            book_shard: assessment.map(|_| shard("BOOK", subject.as_str())),
            book_order: assessment.map(|a| {
                let owner = a.card.owner.as_ref().map_or("-", |o| o.email.as_deref().unwrap_or(&o.name));
                format!("{owner}#{}#{subject}", a.band)
            }),
        }
    }
}

/// What one recompute writes.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// The subject.
    pub subject: &'a SubjectId,
    /// The version that was read before anything else.
    pub version: u64,
    /// The new assessment; `None` when the subject is not a watched account.
    pub assessment: Option<&'a Assessment>,
    /// Episodes that changed, with the revision each was read at.
    pub episodes: &'a [Stored<Episode>],
    /// What parents are told. Nobody but the subject writes these rows, so its version guards them, too.
    pub told: &'a [ToldParent],
    /// Events to publish.
    pub events: &'a [Event],
    /// Rows of the timeline.
    pub timeline: &'a [TimelineEntry],
}

impl Store {
    /// One fact that is a row of its own, and its revision: 1 call. What [`FactKey::is_kept_with_claims`] is in
    /// [`Self::node`].
    ///
    /// # Errors
    /// When the store does not answer or the item cannot be read.
    pub async fn fact(&self, subject: &SubjectId, key: &FactKey) -> Result<Stored<Fact>, StoreError> {
        match self.get(&Key::fact(subject, key)).await? {
            None => Ok(Stored { value: Fact::empty(subject.clone(), key.clone()), rev: 0 }),
            Some(found) => row::<FactRow>(found).map(|r| Stored { value: r.fact, rev: r.rev }),
        }
    }

    /// Several facts of one subject and their revisions, in the order of `keys`: 1 call.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn facts(&self, subject: &SubjectId, keys: &BTreeSet<&FactKey>) -> Result<Vec<Stored<Fact>>, StoreError> {
        let mut facts = Vec::with_capacity(keys.len());
        if let (1, Some(key)) = (keys.len(), keys.first()) {
            facts.push(self.fact(subject, key).await?);
            return Ok(facts);
        }
        let rows: Vec<Key> = keys.iter().map(|key| Key::fact(subject, key)).collect();
        let mut found = self.get_many(&rows.iter().collect::<Vec<_>>()).await?;
        for (key, at) in keys.iter().zip(&rows) {
            facts.push(match found.remove(&format!("{} {}", at.pk, at.sk)) {
                None => Stored { value: Fact::empty(subject.clone(), FactKey::clone(key)), rev: 0 },
                Some(item) => row::<FactRow>(item).map(|r| Stored { value: r.fact, rev: r.rev })?,
            });
        }
        Ok(facts)
    }

    /// Writes facts, each on the condition of the revision it was read at, all or none: 1 call. False when someone else
    /// wrote one of them since.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_facts(&self, facts: &[&Stored<Fact>]) -> Result<bool, StoreError> {
        let mut writes = Vec::with_capacity(facts.len());
        for fact in facts {
            let next = FactRow { rev: fact.rev + 1, fact: fact.value.clone(), tick_at: None };
            let key = Key::fact(&fact.value.subject, &fact.value.key);
            let (next, rev) = (item(&key, &next)?, fact.rev);
            if facts.len() == 1 {
                return self.put_on_rev(next, rev).await;
            }
            writes.push(if rev == 0 {
                self.put_if(next, "attribute_not_exists(pk)", &[], Attributes::new())
            } else {
                self.put_if(next, "rev = :r", &[], Attributes::from([(":r".into(), number(rev))]))
            });
        }
        Ok(self.transact(writes).await? == Transacted::Done)
    }

    /// The version and assessment of a subject: 1 call. Version 0 means there is no row.
    ///
    /// # Errors
    /// When the store does not answer or the item cannot be read.
    pub async fn assessed(&self, subject: &SubjectId) -> Result<Assessed, StoreError> {
        match self.get(&Key::assessment(subject)).await? {
            None => Ok(Assessed::default()),
            Some(found) => {
                row::<AssessmentRow>(found).map(|r| Assessed { version: r.version, assessment: r.assessment })
            }
        }
    }

    /// Puts a row without assessment, if there is none, so that its version can guard the first one: 1 call.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_stub(&self, subject: &SubjectId) -> Result<(), StoreError> {
        let key = Key::assessment(subject);
        self.put_new(item(&key, &AssessmentRow::new(subject, 1, None))?).await.map(|_| ())
    }

    /// Writes what a recompute decided, on the condition that the assessment's version is as read: 1 call. False when
    /// it is not.
    ///
    /// The version is raised even when nothing else changed: that is what makes a slower recompute, which read older
    /// facts, notice.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn commit(&self, commit: Commit<'_>) -> Result<bool, StoreError> {
        let key = Key::assessment(commit.subject);
        let next = item(&key, &AssessmentRow::new(commit.subject, commit.version + 1, commit.assessment))?;
        let expected = Attributes::from([(":v".into(), number(commit.version))]);
        let is_alone = commit.episodes.is_empty() && commit.told.is_empty();
        if is_alone && commit.events.is_empty() && commit.timeline.is_empty() {
            return self.put_on(next, "#v = :v", &[("#v", "version")], expected).await;
        }
        let mut writes = vec![self.put_if(next, "#v = :v", &[("#v", "version")], expected)];
        for episode in commit.episodes {
            let key = Key::episode(&episode.value.key.home, &episode.value.key.row());
            let next = item(&key, &EpisodeRow { rev: episode.rev + 1, episode: episode.value.clone() })?;
            writes.push(if episode.rev == 0 {
                self.put_if(next, "attribute_not_exists(pk)", &[], Attributes::new())
            } else {
                self.put_if(next, "rev = :r", &[], Attributes::from([(":r".into(), number(episode.rev))]))
            });
        }
        for ToldParent { parent, child } in commit.told {
            writes.push(self.put_always(item(&Key::child(parent, &child.account), child)?));
        }
        for event in commit.events {
            writes.push(self.outbox_write(event)?);
        }
        for entry in commit.timeline {
            writes.push(self.timeline_write(entry)?);
        }
        Ok(self.transact(writes).await? == Transacted::Done)
    }

    /// Adds a row to a timeline, unless it is there: 1 call.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tell(&self, entry: &TimelineEntry) -> Result<(), StoreError> {
        let write = self.timeline_write(entry)?;
        self.transact(vec![write]).await.map(|_| ())
    }

    pub(crate) fn timeline_write(&self, entry: &TimelineEntry) -> Result<crate::write::Write, StoreError> {
        Ok(self.put_once(item(&Key::timeline(&entry.account, entry.at, &entry.id), entry)?))
    }

    /// Asks for a recompute at the due moment of an assessment, once per moment: 1 call when it is due, plus 1 to see.
    ///
    /// The base item decides, so a stale index costs a read and nothing else.
    ///
    /// # Errors
    /// When the store does not answer or the item cannot be read.
    pub async fn tick(&self, subject: &SubjectId, now: Moment) -> Result<Tick, StoreError> {
        let due = self.assessed(subject).await?.assessment.and_then(|a| a.next_due_at).filter(|due| *due <= now);
        let Some(due) = due else { return Ok(Tick::NotDue) };
        let mut fact = Fact::empty(subject.clone(), FactKey::Tick);
        let register = Register {
            value: Value::Moment(due),
            stamp: Stamp {
                occurred_at: due,
                sequence: None,
                delivery: DeliveryId::from_stored(format!("clock:{due}")),
                index: 0,
            },
            received_at: due,
            path: "$".into(),
            raw: due.to_string(),
            clamped: false,
        };
        fact.registers.entry(model::ConnectionName::from_stored("clock")).or_default().insert(Field::At, register);
        let key = Key::fact(subject, &FactKey::Tick);
        // The revision of a tick is its moment: writing the same moment twice changes nothing and wakes nobody.
        let next = FactRow { rev: due.as_millis().unsigned_abs(), fact, tick_at: Some(due) };
        let values = Attributes::from([(":at".into(), text(due.to_string()))]);
        let is_new = self.put_on(item(&key, &next)?, "attribute_not_exists(pk) OR tick_at < :at", &[], values).await?;
        Ok(if is_new { Tick::Asked } else { Tick::Overdue { since: due } })
    }

    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Attributes>, StoreError> {
        let request = self.client.get_item().table_name(&self.tables.accounts).set_key(Some(key.attributes()));
        let answer = request.consistent_read(true).send().await.map_err(|e| StoreError::unavailable("GetItem", &e))?;
        Ok(answer.item)
    }

    /// All items of a partition, consistent; with `prefix`, those whose sort key starts with it.
    pub(crate) async fn query(&self, pk: &str, prefix: Option<&str>) -> Result<Vec<Attributes>, StoreError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let mut request = self
                .client
                .query()
                .table_name(&self.tables.accounts)
                .consistent_read(true)
                .key_condition_expression(if prefix.is_some() {
                    "pk = :pk AND begins_with(sk, :p)"
                } else {
                    "pk = :pk"
                })
                .expression_attribute_values(":pk", text(pk))
                .set_exclusive_start_key(start);
            if let Some(prefix) = prefix {
                request = request.expression_attribute_values(":p", text(prefix));
            }
            let page = request.send().await.map_err(|e| StoreError::unavailable("Query", &e))?;
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    pub(crate) async fn put_new(&self, next: Attributes) -> Result<bool, StoreError> {
        self.put_on(next, "attribute_not_exists(pk)", &[], Attributes::new()).await
    }

    /// A put on the revision that was read; 0 means that nothing was there.
    pub(crate) async fn put_on_rev(&self, next: Attributes, rev: u64) -> Result<bool, StoreError> {
        if rev == 0 {
            return self.put_new(next).await;
        }
        self.put_on(next, "rev = :r", &[], Attributes::from([(":r".into(), number(rev))])).await
    }

    pub(crate) async fn delete_on_rev(&self, key: &Key, rev: u64) -> Result<bool, StoreError> {
        let request = self.client.delete_item().table_name(&self.tables.accounts).set_key(Some(key.attributes()));
        match request.condition_expression("rev = :r").expression_attribute_values(":r", number(rev)).send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(service)) if service.err().is_conditional_check_failed_exception() => Ok(false),
            Err(error) => Err(StoreError::unavailable("DeleteItem", &error)),
        }
    }

    /// One conditional put; false when the condition failed.
    pub(crate) async fn put_on(
        &self,
        next: Attributes,
        condition: &str,
        names: &[(&str, &str)],
        values: Attributes,
    ) -> Result<bool, StoreError> {
        let mut request = self
            .client
            .put_item()
            .table_name(&self.tables.accounts)
            .set_item(Some(next))
            .condition_expression(condition)
            .set_expression_attribute_values((!values.is_empty()).then_some(values));
        for (name, attribute) in names {
            request = request.expression_attribute_names(*name, *attribute);
        }
        match request.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(service)) if service.err().is_conditional_check_failed_exception() => Ok(false),
            Err(error) => Err(StoreError::unavailable("PutItem", &error)),
        }
    }
}
