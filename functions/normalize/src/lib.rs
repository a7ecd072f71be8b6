//! Turns journaled deliveries into links and facts. What is understood is merged, what is not is quarantined; nothing is
//! dropped.
//!
//! A batch is folded per subject before it is written: ten deliveries about one company cost one read and one write.
//! Links are written before the facts of the same delivery, so that whoever judges a fact finds where it belongs.

mod fold;
mod heard;
mod links;
mod operator;
mod statements;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use config::Config;
use model::{Delivery, Event, Fact, FactKey, Moment, Normalized, OperatorStatement, Signal, Source, SubjectId};
use runtime::batch::alone;
use runtime::lambda::{BatchAnswer, StreamEvent};
use runtime::logging::{chain, named};
use runtime::metrics::{Metric, Metrics};
use store::{Store, StoreError, Stored};
use tracing::{error, info, warn};

pub use operator::said;
pub use statements::{ERASED_BODY, normalized};

/// How often an item is read and written again when others write it at the same time.
const TRIES: usize = 8;

/// The handler.
#[derive(Debug)]
pub struct Normalize {
    config: Arc<Config>,
    store: Store,
    noted: heard::Noted,
}

/// One understood delivery of a batch.
struct Read {
    sequence_number: String,
    delivery: Delivery,
    normalized: Normalized,
}

impl Read {
    /// Where the statement at `index` of this delivery comes from.
    fn source(&self, index: u32) -> Source<'_> {
        let Delivery { connection, id: delivery, received_at, .. } = &self.delivery;
        Source { connection, delivery, received_at: *received_at, index }
    }
}

/// A write could not be made.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the item was written by others {TRIES} times in a row")]
    Contended,
}

impl From<WriteError> for StoreError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Store(error) => error,
            WriteError::Contended => Self::Unavailable { operation: "PutItem", reason: chain(&error) },
        }
    }
}

impl Normalize {
    /// Reads deliveries with this configuration.
    pub fn new(config: Arc<Config>, store: Store) -> Self {
        Self { config, store, noted: heard::Noted::default() }
    }

    /// Handles a batch of the journal's stream.
    pub async fn handle(&self, event: StreamEvent) -> BatchAnswer {
        let mut failed = BTreeSet::new();
        let mut batch = Vec::new();
        for record in event.records {
            let sequence_number = record.dynamodb.sequence_number;
            let image = record.dynamodb.new_image.unwrap_or_default();
            match flat(alone(async { self.read(image) }).await) {
                Ok((delivery, normalized)) => batch.push(Read { sequence_number, delivery, normalized }),
                Err(reason) => {
                    error!("A journal record cannot be read: {reason}");
                    failed.insert(sequence_number);
                }
            }
        }
        self.note_heard(&batch, &mut failed).await;
        self.write(&batch, &mut failed).await;
        for read in &batch {
            let id = &read.delivery.id;
            let work: Work<'_> = Box::pin(self.finish(read, !failed.contains(&read.sequence_number)));
            if let Err(reason) = flat(alone(work).await) {
                error!(delivery.id = %id, "Delivery `{id}` is not done: {reason}");
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

    /// Writes what a batch says: lists, then what is said about each subject itself, then the facts that are rows of
    /// their own. A delivery whose links could not be written keeps its facts back, for it comes again.
    async fn write(&self, batch: &[Read], failed: &mut BTreeSet<String>) {
        for (name, delivered) in links::lists(batch) {
            let (reads, registers): (Vec<_>, Vec<_>) = delivered.into_iter().unzip();
            let what = format!("List `{}` of {}", name.list, named(name.claimer));
            tried(Box::pin(self.write_list(name, &registers)), what, reads, failed).await;
        }
        for (subject, stated) in links::subjects(batch) {
            let (reads, stated): (Vec<_>, Vec<_>) = stated.into_iter().unzip();
            let what = format!("Links of {}", named(subject));
            tried(Box::pin(self.write_subject(subject, &stated)), what, reads, failed).await;
        }
        let kept_back = failed.clone();
        for (subject, group) in facts(batch, &kept_back) {
            let reads = group.iter().map(|(read, _, _)| *read).collect();
            let what = format!("Facts of {}", named(subject));
            tried(Box::pin(self.write_facts(subject, &group)), what, reads, failed).await;
        }
    }

    /// Merges the signals of a batch about one subject, all of them at once: nobody ever judges half a delivery.
    async fn write_facts(&self, subject: &SubjectId, group: &[(&Read, &Signal, u32)]) -> Result<(), WriteError> {
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
            changed |= fact.value.apply(read.source(*index), &signal.statements);
            let opens = self.config.connection(&read.delivery.connection).is_some_and(|c| c.creates_accounts);
            if opens && signal.key == FactKey::Profile && !fact.value.opens_account {
                fact.value.opens_account = true;
                changed = true;
            }
        }
        changed
    }

    /// What a delivery leaves besides facts and links: quarantine, an operator's switches, and, once it is `written`,
    /// requests for what it only names.
    async fn finish(&self, read: &Read, written: bool) -> Result<(), WriteError> {
        let Read { delivery, normalized, .. } = read;
        if let Some(statement) = statements::operator_statement(delivery).and_then(Result::ok) {
            self.switch(delivery, &statement).await?;
        }
        let items = statements::by_place(&normalized.quarantined);
        let rows: Vec<_> = items.iter().map(|item| statements::quarantined(delivery, item)).collect();
        if !rows.is_empty() {
            self.store.quarantine(&rows).await?;
            let count = rows.len();
            let metrics = Metrics::of(Metric::Quarantined, count as u64);
            warn!(delivery.id = %delivery.id, count, %metrics, "Delivery `{}`: {count} items quarantined", delivery.id);
        }
        if !written {
            return Ok(());
        }
        let fetches = normalized.fetches.iter().map(|wanted| statements::fetch_requested(delivery, wanted));
        // One body may name an object twice.
        let fetches: BTreeMap<_, _> = fetches.map(|event| (event.id.clone(), event)).collect();
        if !fetches.is_empty() {
            self.store.announce(&fetches.into_values().collect::<Vec<Event>>()).await?;
        }
        let (signals, links) = (normalized.signals.len(), normalized.links.len());
        info!(delivery.id = %delivery.id, signals, links, "Delivery `{}` normalised", delivery.id);
        Ok(())
    }

    async fn switch(&self, delivery: &Delivery, statement: &OperatorStatement) -> Result<(), StoreError> {
        let at = delivery.received_at;
        if let Some(entry) = operator::timeline(delivery, statement) {
            self.store.tell(&entry).await?;
        }
        match statement {
            OperatorStatement::Mode { playbook, destination, mode } => {
                self.store.set_mode(playbook, destination, *mode, at).await
            }
            OperatorStatement::Pause => self.store.set_paused(true, at).await,
            OperatorStatement::Resume => self.store.set_paused(false, at).await,
            OperatorStatement::OpenPlay { .. }
            | OperatorStatement::ClosePlay { .. }
            | OperatorStatement::Note { .. }
            | OperatorStatement::Sentiment { .. }
            | OperatorStatement::Override { .. }
            | OperatorStatement::Incident { .. }
            | OperatorStatement::Link { .. }
            | OperatorStatement::Erase { .. }
            | OperatorStatement::Rescore { .. } => Ok(()),
        }
    }

    /// Applies an operator's delivery at once, as the stream will again: the command that sent it may return knowing
    /// that the switch is thrown and the link stands.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn apply_now(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let Some(Ok(statement)) = statements::operator_statement(delivery) else { return Ok(()) };
        self.switch(delivery, &statement).await?;
        let normalized = normalized(delivery, &self.config);
        let batch = [Read { sequence_number: String::new(), delivery: delivery.clone(), normalized }];
        for (subject, stated) in links::subjects(&batch) {
            let stated: Vec<_> = stated.into_iter().map(|(_, stated)| stated).collect();
            let work: Work<'_> = Box::pin(self.write_subject(subject, &stated));
            work.await?;
        }
        Ok(())
    }

    /// Removes what is left of people who were erased before, if something is: a write that was on its way then may have
    /// come after.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_again(&self, people: &BTreeSet<SubjectId>) -> Result<(), StoreError> {
        for person in people {
            let work: Work<'_> = Box::pin(self.forget_leftovers(person));
            work.await?;
        }
        Ok(())
    }

    /// After a delivery was handled again: what of it is understood now leaves the quarantine as of `at`, what is not
    /// (any more) is in it. Gives how many items changed.
    ///
    /// # Errors
    /// When the store does not answer or a row cannot be read.
    pub async fn mend(&self, delivery: &Delivery, at: Moment) -> Result<usize, StoreError> {
        let still = normalized(delivery, &self.config).quarantined.into_iter().map(|item| item.path).collect();
        self.store.mended(delivery, &still, at).await
    }
}

/// The signals of a batch whose facts are rows of their own, by the subject they are about, in the order of the stream.
fn facts<'a>(
    batch: &'a [Read],
    kept_back: &BTreeSet<String>,
) -> BTreeMap<&'a SubjectId, Vec<(&'a Read, &'a Signal, u32)>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for read in batch.iter().filter(|read| !kept_back.contains(&read.sequence_number)) {
        for (index, signal) in (0_u32..).zip(&read.normalized.signals) {
            if !signal.key.is_kept_with_claims() {
                groups.entry(&signal.subject).or_default().push((read, signal, index));
            }
        }
    }
    groups
}

/// One part of a batch. Boxed, because the compiler refuses futures nested as deep as these and the client's together.
type Work<'a> = Pin<Box<dyn Future<Output = Result<(), WriteError>> + Send + 'a>>;

/// Does one part of a batch; when it cannot be done, the deliveries it comes from have failed.
async fn tried(work: Work<'_>, what: String, reads: Vec<&Read>, failed: &mut BTreeSet<String>) {
    if let Err(reason) = flat(alone(work).await) {
        let ids: Vec<_> = reads.iter().map(|read| read.delivery.id.as_str()).collect();
        error!(delivery.ids = ids.join(" "), "{what} cannot be written: {reason}");
        failed.extend(reads.into_iter().map(|read| read.sequence_number.clone()));
    }
}

fn flat<T, E: std::error::Error + 'static>(outcome: Result<Result<T, E>, String>) -> Result<T, String> {
    outcome?.map_err(|error| chain(&error))
}
