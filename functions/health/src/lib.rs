//! Recomputes accounts when facts or claims change: finds whom a change touches, reads, decides, and commits on the
//! version it read.

mod reading;
mod rescore;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;

use config::Config;
use model::{Assessment, ConnectionName, DeliveryId, Episode, Event, EventBody, Heard, Moment, Root, Said, SubjectId};
use rules::{Decision, Input, asks_for_claims, decide, leave};
use runtime::batch::alone;
use runtime::lambda::{BatchAnswer, StreamChange, StreamEvent};
use runtime::logging::{chain, company, named};
use runtime::metrics::{Metric, Metrics};
use store::{Commit, Store, StoreError, Stored};
use tracing::field::display;
use tracing::{error, info};

use crate::reading::{Change, Missing, Reading, View};
pub use crate::rescore::Rescored;

/// How often a recompute starts again when others commit first; then the stream hands it in again.
const TRIES: usize = 8;
/// The most items of one transaction: what DynamoDB takes.
const MOST_ITEMS: usize = 100;

/// The handler.
#[derive(Debug)]
pub struct Health {
    config: Arc<Config>,
    store: Store,
}

/// A recompute did not commit.
#[derive(Debug, thiserror::Error)]
enum RecomputeError {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("others committed first {TRIES} times in a row")]
    Contended,
}

type Heards = BTreeMap<ConnectionName, Heard>;

/// What a look finds of a subject.
enum Seen {
    /// It belongs to something else, or to nothing; with the statement received last of those that say so.
    Elsewhere(Option<Said>),
    /// It is its own root, with all that belongs to it.
    Account(View, Beside),
}

/// What is known beside the account.
struct Beside {
    /// When each connection was heard.
    heard: Heards,
    /// Since when people here claim alerts, where that is asked for.
    claimed_since: Option<Moment>,
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a batch touches: each subject with whether it is its own root, and the records that touch it.
type Touched = BTreeMap<SubjectId, (bool, BTreeSet<usize>)>;

impl Health {
    /// Judges with this configuration.
    pub fn new(config: Arc<Config>, store: Store) -> Self {
        Self { config, store }
    }

    /// Handles a batch of the accounts stream. Each subject is recomputed once, however many records touch it; a record
    /// is done when everything it touches is.
    pub async fn handle(&self, event: StreamEvent) -> BatchAnswer {
        let mut changes = Vec::new();
        let mut numbers = Vec::new();
        for record in event.records {
            // A record that names no subject cannot come through the filter; there is nothing to do for it.
            let StreamChange { keys, new_image, sequence_number, old_image: _ } = record.dynamodb;
            if let Some(change) = change_of(&keys, new_image) {
                changes.push(change);
                numbers.push(sequence_number);
            }
        }
        let mut failed = BTreeSet::new();
        let touched = self.touched_by_all(&changes, &mut failed).await;
        // What was a root until now lets go before others take over.
        let (roots, former): (Vec<_>, Vec<_>) = touched.into_iter().partition(|(_, (is_root, _))| *is_root);
        for (subject, (is_root, records)) in former.into_iter().chain(roots) {
            let reason = match alone(self.recompute(&subject, is_root)).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => chain(&error),
                Err(panic) => panic,
            };
            let said = said_in(records.iter().filter_map(|at| changes.get(*at)));
            let (id, account) = (company(&subject).map(display), named(&subject));
            error!(account.id = id, delivery.ids = said, "Health of {account} was not recomputed: {reason}");
            failed.extend(records);
        }
        BatchAnswer::failures(failed.into_iter().filter_map(|at| numbers.get(at).cloned()))
    }

    /// Whom the changes touch; those of which that cannot be said are added to `failed`.
    async fn touched_by_all(&self, changes: &[Change], failed: &mut BTreeSet<usize>) -> Touched {
        let all: Vec<usize> = (0..changes.len()).collect();
        if let Ok(Ok(touched)) = alone(self.touched(changes, &all)).await {
            return touched;
        }
        // One of them is to blame.
        let mut touched = Touched::new();
        for at in all {
            let reason = match alone(self.touched(changes, &[at])).await {
                Ok(Ok(more)) => {
                    for (subject, (is_root, records)) in more {
                        let held = touched.entry(subject).or_default();
                        held.0 |= is_root;
                        held.1.extend(records);
                    }
                    continue;
                }
                Ok(Err(error)) => chain(&error),
                Err(panic) => panic,
            };
            let said = said_in(changes.get(at));
            let subject = &changes[at].subject;
            let (id, subject) = (company(subject).map(display), named(subject));
            error!(subject.id = id, delivery.ids = said, "Where {subject} belongs cannot be read: {reason}");
            failed.insert(at);
        }
        touched
    }

    /// Walks from several changes at once, so that they share what is read.
    async fn touched(&self, changes: &[Change], which: &[usize]) -> Result<Touched, StoreError> {
        let mut reading = Reading::default();
        loop {
            let mut touched = Touched::new();
            let mut missing = Missing::default();
            for at in which {
                match reading.touched(&changes[*at]) {
                    Ok(found) => {
                        for (subject, is_root) in found {
                            let held = touched.entry(subject).or_default();
                            held.0 |= is_root;
                            held.1.insert(*at);
                        }
                    }
                    Err(more) => {
                        missing.nodes.extend(more.nodes);
                        missing.partitions.extend(more.partitions);
                    }
                }
            }
            if missing == Missing::default() {
                return Ok(touched);
            }
            self.read(&mut reading, missing).await?;
        }
    }

    /// Boxed, because what waits for it is deep already.
    fn read<'a>(&'a self, reading: &'a mut Reading, missing: Missing) -> Boxed<'a, Result<(), StoreError>> {
        Box::pin(self.read_all(reading, missing))
    }

    async fn read_all(&self, reading: &mut Reading, missing: Missing) -> Result<(), StoreError> {
        for subject in missing.partitions {
            if !reading.has_nothing_of(&subject) {
                reading.add_partition(&subject, self.store.partition(&subject).await?);
            }
        }
        if !missing.nodes.is_empty() {
            reading.add_nodes(self.store.nodes(&missing.nodes).await?);
        }
        Ok(())
    }

    async fn recompute(&self, subject: &SubjectId, is_root: bool) -> Result<(), RecomputeError> {
        let mut conflicts = 0;
        while conflicts < TRIES {
            // Before anything else: a commit on this version proves that nobody committed newer facts meanwhile.
            let held = self.store.assessed(subject).await?;
            let is_new = held.version == 0;
            if is_new && !is_root {
                // It was no root after the change was written. If it has become one since, that change says so.
                return Ok(());
            }
            let previous = held.assessment.as_ref();
            let (decision, episodes) = self.look(subject, is_root, previous).await?;
            if is_new {
                if decision.assessment.is_none() && decision.episodes.is_empty() {
                    return Ok(());
                }
                self.store.put_stub(subject).await?;
                continue;
            }
            let part = decision.first_part(previous, MOST_ITEMS);
            if !self.commit(subject, held.version, part.as_ref().unwrap_or(&decision), &episodes).await? {
                conflicts += 1;
            } else if part.is_none() {
                return Ok(());
            }
        }
        Err(RecomputeError::Contended)
    }

    /// Decides about a subject as it is now, with the episodes it was decided over. Everything is read anew.
    async fn look(
        &self,
        subject: &SubjectId,
        is_root: bool,
        previous: Option<&Assessment>,
    ) -> Result<(Decision, Vec<Stored<Episode>>), StoreError> {
        match self.see(subject, is_root).await? {
            Seen::Elsewhere(linked) => Ok((leave(subject, previous, linked.as_ref(), &self.config), vec![])),
            Seen::Account(view, beside) => {
                let episodes: Vec<_> = view.episodes.iter().map(|stored| stored.value.clone()).collect();
                let decision = decide(input(subject, &view, &beside, &episodes, previous), &self.config);
                Ok((decision, view.episodes))
            }
        }
    }

    /// What belongs to a subject. Boxed, because what waits for it is deep already.
    fn see<'a>(&'a self, subject: &'a SubjectId, is_root: bool) -> Boxed<'a, Result<Seen, StoreError>> {
        Box::pin(async move {
            let mut reading = Reading::default();
            if is_root {
                // Its own partition holds its claims too.
                self.read(
                    &mut reading,
                    Missing { partitions: BTreeSet::from([subject.clone()]), ..Missing::default() },
                )
                .await?;
            }
            let walk = loop {
                match reading.walk(subject) {
                    Ok(walk) => break walk,
                    Err(missing) => self.read(&mut reading, missing).await?,
                }
            };
            if walk.root != Root::At(subject.clone()) {
                return Ok(Seen::Elsewhere(reading.newest_link(&walk)));
            }
            let view = loop {
                match reading.view(subject) {
                    Ok(view) => break view,
                    Err(missing) => self.read(&mut reading, missing).await?,
                }
            };
            // Only who is expected to speak can be silent; where nobody is, there is nothing to read.
            let may_be_silent = self.config.connections.iter().any(|connection| connection.expected_every.is_some());
            let heard = if may_be_silent { self.store.heard().await? } else { Heards::new() };
            let asks = asks_for_claims(view.episodes.iter().map(|stored| &stored.value), &self.config);
            let claimed_since = if asks { self.store.claimed_since().await? } else { None };
            Ok(Seen::Account(view, Beside { heard, claimed_since }))
        })
    }

    /// Writes a decision on the version and the revisions it was made over; false when one of them is not as read.
    async fn commit(
        &self,
        subject: &SubjectId,
        version: u64,
        decision: &Decision,
        read: &[Stored<Episode>],
    ) -> Result<bool, StoreError> {
        // Before what follows from it: who looks again after a crash notes it again.
        if let Some(at) = decision.claimed_at {
            self.store.note_claimed(at).await?;
        }
        let rev = |episode: &Episode| read.iter().find(|s| s.value.key == episode.key).map_or(0, |s| s.rev);
        let changed: Vec<_> = decision.episodes.iter().map(|e| Stored { value: e.clone(), rev: rev(e) }).collect();
        let commit = Commit {
            subject,
            version,
            assessment: decision.assessment.as_ref(),
            episodes: &changed,
            told: &decision.told,
            events: &decision.events,
            timeline: &decision.timeline,
        };
        let is_done = self.store.commit(commit).await?;
        if is_done {
            told(subject, &decision.events);
        }
        Ok(is_done)
    }
}

/// One line for each delivery that is the news behind events, and one for those that time alone is behind.
fn told(subject: &SubjectId, events: &[Event]) {
    let mut by_cause: BTreeMap<Option<&DeliveryId>, Vec<&Event>> = BTreeMap::new();
    for event in events {
        by_cause.entry(event.cause.delivery.as_ref()).or_default().push(event);
    }
    for (delivery, told) in by_cause {
        let (delivery, metrics, events) = (delivery.map(display), due_reminders(&told).map(display), told.len());
        info!(
            account.id = %subject,
            delivery.id = delivery,
            events,
            metrics,
            "Health of `{subject}` changed: {events} events"
        );
    }
}

/// The steps on the way to a renewal among what is told, counted; `None` where there is none. None of them is sent yet, and
/// that is said too: nothing can be compared with what was never told.
fn due_reminders(events: &[&Event]) -> Option<Metrics> {
    let steps = events.iter().filter(|event| matches!(event.body, EventBody::CheckpointReached { .. })).count();
    (steps > 0).then(|| Metrics::of(Metric::RemindersDue, steps as u64).with(Metric::RemindersSent, 0))
}

/// What rules decide over.
fn input<'a>(
    account: &'a SubjectId,
    view: &'a View,
    beside: &'a Beside,
    episodes: &'a [Episode],
    previous: Option<&'a Assessment>,
) -> Input<'a> {
    let (facts, members, linked) = (&view.facts, &view.members, view.linked.as_ref());
    let Beside { heard, claimed_since } = beside;
    let (children, claimed_since) = (&view.children, *claimed_since);
    Input { account, facts, heard, members, linked, children, previous, episodes, claimed_since }
}

/// The deliveries that changes come from, by their ids.
fn said_in<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Option<String> {
    let ids: BTreeSet<&str> =
        changes.into_iter().filter_map(|change| Some(change.said_in.as_ref()?.as_str())).collect();
    (!ids.is_empty()).then(|| Vec::from_iter(ids).join(" "))
}

fn change_of(keys: &serde_dynamo::Item, image: Option<serde_dynamo::Item>) -> Option<Change> {
    let text = |name| match keys.get(name)? {
        serde_dynamo::AttributeValue::S(text) => Some(text.as_str()),
        _ => None,
    };
    Change::of_item(text("pk")?, text("sk")?, image)
}
