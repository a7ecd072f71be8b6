//! What operators list. These methods page through tables and indexes; no function on the path of a webhook uses them.

use std::collections::BTreeMap;

use model::{
    ActionKind, ActionRequest, Assessment, Episode, EpisodeKey, EventBody, Fact, FactKey, Moment, Notice, SubjectId,
    TimelineEntry, Up,
};

use serde::{Deserialize, Serialize};

use crate::accounts::EpisodeRow;
use crate::links::{Node, Partition, read_node};
use crate::rows::{Attributes, Key, SHARDS, UP, own_sk, row, shards, subject_of_key, text, text_of};
use crate::{ActionRow, Store, StoreError};

/// An action that was asked for, and what became of it.
#[derive(Debug, Clone)]
pub struct OutboxEntry {
    /// What was asked for.
    pub request: ActionRequest,
    /// The account.
    pub account: SubjectId,
    /// The moment the decision holds for.
    pub requested_at: Moment,
    /// Its record; `None` while nobody has claimed it.
    pub action: Option<ActionRow>,
}

/// How far the book has been read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookPlace {
    shard: u8,
    /// The last account that was read there, with its place in the order of the index.
    last: Option<(SubjectId, String)>,
}

/// A message about many accounts that was asked for, and what became of it.
#[derive(Debug, Clone)]
pub struct NoticeEntry {
    /// What was asked for.
    pub notice: Notice,
    /// Its record; `None` while nobody has claimed it.
    pub action: Option<ActionRow>,
}

/// A subject of which a source said something, with all that is needed to tell where it belongs and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSubject {
    /// The subject.
    pub subject: SubjectId,
    /// Its claims.
    pub up: Up,
    /// What is known of it, ticks and what operators asked for left out; never empty.
    pub facts: Vec<Fact>,
    /// When the first delivery that still counts was received.
    pub first_at: Moment,
    /// When the last one was.
    pub last_at: Moment,
}

impl Store {
    /// All watched accounts, by name.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn book(&self) -> Result<Vec<Assessment>, StoreError> {
        let keys = self.index_keys("portfolio", "book_shard", "BOOK", None).await?;
        let mut book = Vec::new();
        let found = self.get_many(&keys.iter().collect::<Vec<_>>()).await?;
        for item in found.into_values() {
            book.extend(self.read_assessment(item)?);
        }
        book.sort_by(|a, b| (&a.card.name, &a.account).cmp(&(&b.card.name, &b.account)));
        Ok(book)
    }

    /// At most `limit` watched accounts in no order, and where to go on after them; `None` once that was all: 1 call.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn book_page(
        &self,
        after: &BookPlace,
        limit: i32,
    ) -> Result<(Vec<SubjectId>, Option<BookPlace>), StoreError> {
        let Some(shard) = shards("BOOK").nth(after.shard.into()) else { return Ok((vec![], None)) };
        let start = after.last.as_ref().map(|(account, order)| {
            let mut start = Key::assessment(account).attributes();
            start.insert("book_shard".into(), text(&shard));
            start.insert("book_order".into(), text(order));
            start
        });
        let page = self
            .client
            .query()
            .table_name(&self.tables.accounts)
            .index_name("portfolio")
            .key_condition_expression("book_shard = :h")
            .expression_attribute_values(":h", text(&shard))
            .set_exclusive_start_key(start)
            .limit(limit)
            .send()
            .await
            .map_err(|e| StoreError::unavailable("Query", &e))?;
        let subject = |item: &Attributes| subject_of_key(text_of(item, "pk")?, text_of(item, "sk")?);
        let accounts = page.items.unwrap_or_default().iter().filter_map(subject).collect();
        let place = |last: Attributes| {
            let last = (subject(&last)?, text_of(&last, "book_order")?.to_owned());
            Some(BookPlace { shard: after.shard, last: Some(last) })
        };
        let next_shard = || BookPlace { shard: after.shard + 1, last: None };
        let next = page.last_evaluated_key.and_then(place).unwrap_or_else(next_shard);
        Ok((accounts, (next.shard < SHARDS).then_some(next)))
    }

    fn read_assessment(&self, item: Attributes) -> Result<Option<Assessment>, StoreError> {
        #[derive(serde::Deserialize)]
        struct Row {
            assessment: Option<Assessment>,
        }
        Ok(row::<Row>(item)?.assessment)
    }

    /// Every action that was asked for, oldest first.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn action_outbox(&self) -> Result<Vec<OutboxEntry>, StoreError> {
        let mut entries = Vec::new();
        for outbox in self.whole_outbox().await? {
            if let EventBody::ActionRequested(request) = outbox.event.body {
                entries.push(OutboxEntry {
                    request: *request,
                    account: outbox.event.account,
                    requested_at: outbox.event.as_of,
                    action: None,
                });
            }
        }
        let ids: Vec<_> = entries.iter().map(|entry| entry.request.id.clone()).collect();
        let mut actions = self.actions(&ids).await?;
        for entry in &mut entries {
            entry.action = actions.remove(&entry.request.id);
        }
        let order = |e: &OutboxEntry| (e.requested_at, e.request.kind == ActionKind::SlackAlert, e.request.id.clone());
        entries.sort_by_key(order);
        Ok(entries)
    }

    /// Every message about many accounts that was asked for, oldest first.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn notices(&self) -> Result<Vec<NoticeEntry>, StoreError> {
        let mut entries = Vec::new();
        for outbox in self.whole_outbox().await? {
            if let EventBody::NoticeRequested(notice) = outbox.event.body {
                entries.push(NoticeEntry { notice: *notice, action: None });
            }
        }
        let ids: Vec<_> = entries.iter().map(|entry| entry.notice.id.clone()).collect();
        let mut actions = self.actions(&ids).await?;
        for entry in &mut entries {
            entry.action = actions.remove(&entry.notice.id);
        }
        entries.sort_by_key(|entry| (entry.notice.as_of, entry.notice.id.clone()));
        Ok(entries)
    }

    /// What happened to an account, oldest first: 1 call per page.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn timeline(&self, account: &SubjectId) -> Result<Vec<TimelineEntry>, StoreError> {
        self.query(&format!("TIMELINE#{account}"), None).await?.into_iter().map(row).collect()
    }

    /// Every subject that has facts, oldest first: what the listing of those without an account starts from.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn known(&self) -> Result<Vec<KnownSubject>, StoreError> {
        let mut found: BTreeMap<SubjectId, Partition> = BTreeMap::new();
        self.each_fact_row(|subject, sk, item| found.entry(subject).or_default().read(sk, item)).await?;
        let known = |(subject, partition): (SubjectId, Partition)| {
            let Partition { up, mut facts, .. } = partition;
            let is_asked = |key: &FactKey| {
                matches!(key, FactKey::Tick | FactKey::Rescore | FactKey::PlayRequest(_) | FactKey::PlayClose(_))
            };
            facts.retain(|fact| !is_asked(&fact.key));
            let received = || facts.iter().flat_map(Fact::all_registers).map(|(_, _, register)| register.received_at);
            let (first_at, last_at) = (received().min()?, received().max()?);
            Some(KnownSubject { subject, up, facts, first_at, last_at })
        };
        let mut rows: Vec<_> = found.into_iter().filter_map(known).collect();
        rows.sort_by(|a, b| (a.first_at, &a.subject).cmp(&(b.first_at, &b.subject)));
        Ok(rows)
    }

    /// Every episode, open and closed, wherever it lives.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn episodes(&self) -> Result<Vec<Episode>, StoreError> {
        let found = self.scan("begins_with(sk, :p)", ":p", EpisodeKey::PREFIX).await?;
        found.into_iter().map(|item| row::<EpisodeRow>(item).map(|row| row.episode)).collect()
    }

    /// The claims of every subject, with the fact kept beside them.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn all_nodes(&self) -> Result<BTreeMap<SubjectId, Node>, StoreError> {
        let mut nodes = BTreeMap::new();
        self.each_fact_row(|subject, sk, item| {
            if sk == UP {
                nodes.insert(subject, read_node(Some(item))?.value);
            }
            Ok(())
        })
        .await?;
        Ok(nodes)
    }

    /// Hands over every row of the facts and claims of every subject, with its sort key as it would be in a partition of
    /// the subject's own.
    async fn each_fact_row(
        &self,
        mut read: impl FnMut(SubjectId, &str, Attributes) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for item in self.scan("begins_with(sk, :p)", ":p", FactKey::PREFIX).await? {
            let text = |name: &str| text_of(&item, name).unwrap_or_default().to_owned();
            let (pk, sk) = (text("pk"), text("sk"));
            if let (Some(owner), Some(subject)) = (subject_of_key(&pk, ""), subject_of_key(&pk, &sk)) {
                read(subject, &own_sk(&owner, &sk), item)?;
            }
        }
        Ok(())
    }

    /// Ends every claim on an unfinished action as of `now`. Only for a host that knows that no other process holds one.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn release_claims(&self, now: Moment) -> Result<(), StoreError> {
        for found in self.scan("begins_with(pk, :p)", ":p", "ACTION#").await? {
            let held: ActionRow = row(found)?;
            if !held.status.is_final() && held.lease_until > now {
                self.put_held(&ActionRow { lease_until: now, ..held.clone() }, &held).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn scan(&self, filter: &str, name: &str, value: &str) -> Result<Vec<Attributes>, StoreError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .scan()
                .table_name(&self.tables.accounts)
                .filter_expression(filter)
                .expression_attribute_values(name, text(value))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|e| StoreError::unavailable("Scan", &e))?;
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}
