//! What operators list. These methods page through tables and indexes; no function on the path of a webhook uses them.

use std::collections::BTreeMap;

use model::{
    ActionKind, ActionRequest, Assessment, EventBody, FactKey, Field, Moment, Quarantined, SubjectId, TimelineEntry,
    Value,
};

use crate::rows::{Attributes, row, subject_of_key, text, text_of};
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

/// A subject that has facts and no account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedSubject {
    /// The subject.
    pub subject: SubjectId,
    /// What it is: `contact`, `deal` or `company`.
    pub kind: &'static str,
    /// How many registers are known of it.
    pub facts: usize,
    /// When the first delivery that still counts was received.
    pub since: Moment,
    /// The vendor's id of the company it names, if it names one.
    pub names_company: Option<String>,
    /// Its email address, if it has one.
    pub email: Option<String>,
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
            let subject = text_of(&item, "pk").and_then(subject_of_key);
            if let Some(subject) = subject {
                book.extend(self.read_assessment(&subject, item)?);
            }
        }
        book.sort_by(|a, b| (&a.card.name, &a.account).cmp(&(&b.card.name, &b.account)));
        Ok(book)
    }

    fn read_assessment(&self, subject: &SubjectId, item: Attributes) -> Result<Option<Assessment>, StoreError> {
        #[derive(serde::Deserialize)]
        struct Row {
            assessment: Option<Assessment>,
        }
        debug_assert!(subject_of_key(text_of(&item, "pk").unwrap_or_default()).as_ref() == Some(subject));
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

    /// What happened to an account, oldest first: 1 call per page.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn timeline(&self, account: &SubjectId) -> Result<Vec<TimelineEntry>, StoreError> {
        self.query(&format!("TIMELINE#{account}"), None).await?.into_iter().map(row).collect()
    }

    /// Everything that was not understood, oldest first.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn quarantined(&self) -> Result<Vec<Quarantined>, StoreError> {
        let found = self.scan("begins_with(pk, :p)", ":p", "QUARANTINE#").await?;
        let mut rows: Vec<Quarantined> = found.into_iter().map(row).collect::<Result<_, _>>()?;
        rows.sort_by(|a, b| (a.received_at, &a.delivery, &a.path).cmp(&(b.received_at, &b.delivery, &b.path)));
        Ok(rows)
    }

    /// Subjects that have facts and are no account, oldest first.
    ///
    /// # Errors
    /// When the store does not answer or an item cannot be read.
    pub async fn unmatched(&self) -> Result<Vec<UnmatchedSubject>, StoreError> {
        let mut found: BTreeMap<SubjectId, UnmatchedSubject> = BTreeMap::new();
        for item in self.scan("begins_with(sk, :p)", ":p", FactKey::PREFIX).await? {
            let fact: model::Fact = row(item)?;
            let kind = match fact.key {
                FactKey::Contact => "contact",
                FactKey::Deal => "deal",
                FactKey::Profile if !fact.opens_account => "company",
                _ => continue,
            };
            let Some(since) = fact.all_registers().map(|(_, _, r)| r.received_at).min() else { continue };
            let text = |field: Field| {
                fact.all_registers().find(|(_, f, _)| *f == field).and_then(|(_, _, r)| match &r.value {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                })
            };
            let (names_company, email) = (text(Field::Company), text(Field::Email));
            let facts = fact.all_registers().count();
            let subject = fact.subject.clone();
            found.insert(subject.clone(), UnmatchedSubject { subject, kind, facts, since, names_company, email });
        }
        let mut rows: Vec<_> = found.into_values().collect();
        rows.sort_by(|a, b| (a.since, &a.subject).cmp(&(b.since, &b.subject)));
        Ok(rows)
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

    async fn scan(&self, filter: &str, name: &str, value: &str) -> Result<Vec<Attributes>, StoreError> {
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
