//! Turns journaled deliveries into facts. What is understood is merged, what is not is quarantined; nothing is dropped.
//!
//! A batch is folded per subject before it is written: ten deliveries about one company cost one read and one write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use config::Config;
use model::{
    CauseChain, Delivery, DeliveryId, Event, EventBody, EventId, Fact, FactKey, Field, Normalized, OperatorStatement,
    Quarantined, QuarantinedItem, Signal, SignalKind, Source, Statement, SubjectId, Value,
};
use runtime::batch::alone;
use runtime::lambda::{BatchAnswer, StreamEvent};
use runtime::logging::chain;
use store::{Store, StoreError, Stored};
use tracing::{error, info, warn};

/// How often a fact is read and written again when others write it at the same time.
const TRIES: usize = 8;

/// The handler.
#[derive(Debug)]
pub struct Normalize {
    config: Arc<Config>,
    store: Store,
}

/// One understood delivery of a batch.
struct Read {
    sequence_number: String,
    delivery: Delivery,
    normalized: Normalized,
}

/// A write could not be made.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the item was written by others {TRIES} times in a row")]
    Contended,
}

impl Normalize {
    /// Reads deliveries with this configuration.
    pub fn new(config: Arc<Config>, store: Store) -> Self {
        Self { config, store }
    }

    /// Handles a batch of the journal's stream.
    pub async fn handle(&self, event: StreamEvent) -> BatchAnswer {
        let mut failed = BTreeSet::new();
        let mut batch = Vec::new();
        for record in event.records {
            let sequence_number = record.dynamodb.sequence_number;
            let image = record.dynamodb.new_image.unwrap_or_default();
            match alone(async { self.read(image) }).await {
                Ok(Ok((delivery, normalized))) => batch.push(Read { sequence_number, delivery, normalized }),
                Ok(Err(error)) => {
                    error!("A journal record cannot be read: {}", chain(&error));
                    failed.insert(sequence_number);
                }
                Err(panic) => {
                    error!("A journal record cannot be read: {panic}");
                    failed.insert(sequence_number);
                }
            }
        }
        for group in grouped(&batch).into_values() {
            if let Err(reason) = flat(alone(self.merge(&group)).await) {
                let subject = &group[0].1.subject;
                error!(subject.id = %subject, "Facts of `{subject}` cannot be written: {reason}");
                failed.extend(group.iter().map(|(read, _, _)| read.sequence_number.clone()));
            }
        }
        for read in &batch {
            if let Err(reason) = flat(alone(self.finish(read)).await) {
                error!(delivery.id = %read.delivery.id, "Delivery `{}` is not done: {reason}", read.delivery.id);
                failed.insert(read.sequence_number.clone());
            }
        }
        BatchAnswer::failures(failed)
    }

    fn read(&self, image: serde_dynamo::Item) -> Result<(Delivery, Normalized), StoreError> {
        let delivery = store::delivery_from_stream(image)?;
        let normalized = normalized(&delivery, &self.config);
        for warning in &normalized.warnings {
            warn!(delivery.id = %delivery.id, "Delivery `{}` at {}: {}", delivery.id, warning.path, warning.message);
        }
        Ok((delivery, normalized))
    }

    /// Merges the signals of a batch about one subject, all of them at once: nobody ever judges half a delivery.
    async fn merge(&self, group: &[(&Read, &Signal, u32)]) -> Result<(), WriteError> {
        let subject = &group[0].1.subject;
        let keys: BTreeSet<&FactKey> = group.iter().map(|(_, signal, _)| &signal.key).collect();
        for _ in 0..TRIES {
            let mut facts = self.store.facts(subject, &keys).await?;
            let changed: Vec<_> =
                facts.iter_mut().filter_map(|fact| self.apply(fact, group).then_some(&*fact)).collect();
            if changed.is_empty() || self.store.put_facts(&changed).await? {
                return Ok(());
            }
        }
        Err(WriteError::Contended)
    }

    fn apply(&self, fact: &mut Stored<Fact>, group: &[(&Read, &Signal, u32)]) -> bool {
        let mut changed = false;
        let key = fact.value.key.clone();
        for (read, signal, index) in group.iter().filter(|(_, signal, _)| signal.key == key) {
            let Delivery { connection, id: delivery, received_at, .. } = &read.delivery;
            let source = Source { connection, delivery, received_at: *received_at, index: *index };
            changed |= fact.value.apply(source, &signal.statements);
            let opens = self.config.connection(connection).is_some_and(|c| c.creates_accounts);
            if opens && signal.key == FactKey::Profile && !fact.value.opens_account {
                fact.value.opens_account = true;
                changed = true;
            }
        }
        changed
    }

    /// What a delivery leaves besides facts: quarantine, and an operator's switches.
    async fn finish(&self, read: &Read) -> Result<(), WriteError> {
        let delivery = &read.delivery;
        if let Some(statement) = operator_statement(delivery).and_then(Result::ok) {
            self.switch(delivery, &statement).await?;
        }
        let items = by_place(&read.normalized.quarantined);
        let rows: Vec<_> = items.iter().map(|item| quarantined(delivery, item)).collect();
        if !rows.is_empty() {
            self.store.quarantine(&rows).await?;
            let count = rows.len();
            warn!(delivery.id = %delivery.id, count, "Delivery `{}`: {count} items quarantined", delivery.id);
        }
        info!(delivery.id = %delivery.id, signals = read.normalized.signals.len(), "Delivery `{}` normalised", delivery.id);
        Ok(())
    }

    async fn switch(&self, delivery: &Delivery, statement: &OperatorStatement) -> Result<(), StoreError> {
        let at = delivery.received_at;
        match statement {
            OperatorStatement::Mode { playbook, destination, mode } => {
                self.store.set_mode(playbook, destination, *mode, at).await
            }
            OperatorStatement::Pause => self.store.set_paused(true, at).await,
            OperatorStatement::Resume => self.store.set_paused(false, at).await,
            OperatorStatement::OpenPlay { .. } => Ok(()),
        }
    }

    /// Applies an operator's delivery at once, as the stream will again: the command that sent it may return knowing
    /// that the switch is thrown.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn apply_now(&self, delivery: &Delivery) -> Result<(), StoreError> {
        match operator_statement(delivery) {
            Some(Ok(statement)) => self.switch(delivery, &statement).await,
            Some(Err(_)) | None => Ok(()),
        }
    }
}

/// What a delivery says under a configuration: signals, and what was not understood. Pure.
pub fn normalized(delivery: &Delivery, config: &Config) -> Normalized {
    match operator_statement(delivery) {
        Some(Ok(statement)) => return from_operator(delivery, statement),
        Some(Err(reason)) => return Normalized::quarantine(reason, "$"),
        None => {}
    }
    let Some(connection) = config.connection(&delivery.connection) else {
        let reason = format!("connection `{}` is not in connections.toml; add it and replay", delivery.connection);
        return Normalized::quarantine(reason, "$");
    };
    match connectors::by_name(&connection.tool) {
        Some(connector) => connector.normalize(delivery, &connection.mapping),
        None => Normalized::quarantine(format!("tool `{}` is not known to this version", connection.tool), "$"),
    }
}

/// `None` for a delivery that a webhook brought.
fn operator_statement(delivery: &Delivery) -> Option<Result<OperatorStatement, String>> {
    (delivery.family == model::Family::Operator).then(|| {
        serde_json::from_slice(&delivery.body).map_err(|error| format!("not an operator's statement: {error}"))
    })
}

fn from_operator(delivery: &Delivery, statement: OperatorStatement) -> Normalized {
    let OperatorStatement::OpenPlay { playbook, account } = statement else { return Normalized::default() };
    let statement = Statement {
        field: Field::At,
        value: Value::Moment(delivery.received_at),
        occurred_at: delivery.received_at,
        sequence: None,
        path: "open_play".into(),
        raw: playbook.to_string(),
    };
    let signal = Signal {
        kind: SignalKind::PlayRequested,
        subject: account,
        key: FactKey::PlayRequest(playbook),
        statements: vec![statement],
    };
    Normalized { signals: vec![signal], ..Normalized::default() }
}

/// The signals of a batch by the subject they are about, in the order of the stream.
fn grouped(batch: &[Read]) -> BTreeMap<&SubjectId, Vec<(&Read, &Signal, u32)>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for read in batch {
        for (index, signal) in (0_u32..).zip(&read.normalized.signals) {
            groups.entry(&signal.subject).or_default().push((read, signal, index));
        }
    }
    groups
}

/// One item for each place, with all its reasons: several fields may read one property, and a place is the row's key.
fn by_place(items: &[QuarantinedItem]) -> Vec<QuarantinedItem> {
    let mut places: Vec<QuarantinedItem> = Vec::new();
    for item in items {
        match places.iter_mut().find(|place| place.path == item.path) {
            None => places.push(item.clone()),
            Some(place) if place.reason.contains(&item.reason) => {}
            Some(place) => place.reason = format!("{}; {}", place.reason, item.reason),
        }
    }
    places
}

fn quarantined(delivery: &Delivery, item: &QuarantinedItem) -> (Quarantined, Event) {
    let account = SubjectId::from_stored(format!("connection:{}", delivery.connection));
    let body = EventBody::DeliveryQuarantined {
        delivery: delivery.id.clone(),
        connection: delivery.connection.clone(),
        reason: item.reason.clone(),
        path: item.path.clone(),
    };
    let event = Event {
        id: EventId::derive(&account, body.kind(), delivery.id.as_str(), &item.path),
        schema: model::EVENT_SCHEMA,
        account,
        occurred_at: delivery.received_at,
        as_of: delivery.received_at,
        cause: CauseChain { delivery: Some(delivery.id.clone()), path: Some(item.path.clone()), due_at: None },
        body,
    };
    let row = Quarantined {
        delivery: DeliveryId::clone(&delivery.id),
        connection: delivery.connection.clone(),
        received_at: delivery.received_at,
        reason: item.reason.clone(),
        path: item.path.clone(),
    };
    (row, event)
}

fn flat<T, E: std::error::Error + 'static>(outcome: Result<Result<T, E>, String>) -> Result<T, String> {
    outcome?.map_err(|error| chain(&error))
}
