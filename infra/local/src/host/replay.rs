//! Replay: the journal in its total order, on a clock that moves with it, into tables that are thrown away afterwards.
//!
//! Nothing can leave a scratch host: it has no secrets and its way to vendors refuses every call.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use config::Config;
use config::secrets::SecretsFile;
use model::{
    Assessment, CauseChain, Delivery, DeliveryId, Event, EventBody, FactKey, Family, Field, Moment, PlaybookName,
    Signal, SubjectId,
};
use runtime::batch::alone;
use runtime::lambda::StreamEvent;
use runtime::seam::{CallError, Seam};
use serde_json::Value;
use tempfile::TempDir;

use super::redact::named_by;
use super::{Host, HostError, Operator, Parts};
use crate::api::{
    Difference, ReplayReport, ReplayRequest, ReplayWhich, ReplayedAccount, ReplayedAction, ReplayedEvent,
    ReplayedPlaybook,
};
use crate::template::Stack;

/// A host whose folder goes away with it.
#[derive(Debug)]
pub struct Scratch {
    host: Host,
    // Dropped after the host, which has files open in it.
    _folder: TempDir,
}

impl Scratch {
    /// Replays `deliveries`, which are in the journal's order, and lets time pass until `until`.
    ///
    /// # Errors
    /// When there is no room for the folder, or its files fail.
    pub async fn replay(
        stack: Arc<Stack>,
        config: Arc<Config>,
        deliveries: &[Delivery],
        until: Moment,
    ) -> Result<Self, HostError> {
        let folder = tempfile::tempdir().map_err(|source| HostError::Scratch { source })?;
        let begin = deliveries.first().map_or(until, |first| first.received_at.min(until));
        let host = Host::open(sealed(stack, config, folder.path(), begin)).await?;
        let scratch = Self { host, _folder: folder };
        for delivery in deliveries {
            scratch.host.pass_until(delivery.received_at).await?;
            scratch.host.store().journal(delivery).await?;
            scratch.host.settle().await?;
        }
        scratch.host.pass_until(until).await?;
        Ok(scratch)
    }

    /// The host to ask.
    pub fn host(&self) -> &Host {
        &self.host
    }
}

fn sealed(stack: Arc<Stack>, config: Arc<Config>, folder: &Path, begin: Moment) -> Parts {
    Parts {
        data: folder.to_owned(),
        stack,
        config,
        secrets: Arc::new(|| Ok(SecretsFile::default())),
        clock: Some(begin),
        vendors: Seam::new(|call| {
            let reason = format!("{} is not called in a replay", call.target);
            Box::pin(async move { Err(CallError::NotCalled(reason)) })
        }),
        around: None,
        guard: None,
        refuses: None,
    }
}

/// Whom a company names as its parent: where children count for their parents, neither can be judged without the other.
fn parent_named(signal: &Signal) -> Option<SubjectId> {
    let told = signal.statements.iter().find(|statement| statement.field == Field::Parent)?;
    match &told.value {
        model::Value::Text(text) => signal.subject.named_parent(text),
        _ => None,
    }
}

/// How a message ended, and what stands for several of them, comes of sending, which a replay does not do.
fn is_of_sending(body: &EventBody) -> bool {
    match body {
        EventBody::NoticeRequested(_) | EventBody::ActionCompleted(_) | EventBody::ActionFailed(_) => true,
        EventBody::Watched { .. }
        | EventBody::Unwatched { .. }
        | EventBody::BandChanged { .. }
        | EventBody::RiskOpened { .. }
        | EventBody::RiskResolved { .. }
        | EventBody::PlayStarted { .. }
        | EventBody::PlayEnded { .. }
        | EventBody::CheckpointReached { .. }
        | EventBody::ActionRequested(_)
        | EventBody::DeliveryQuarantined { .. }
        | EventBody::SourceSilent { .. }
        | EventBody::FetchRequested(_) => false,
    }
}

/// What is compared: what `health` decided. How sending ended is not replayed.
struct Decided {
    assessments: BTreeMap<SubjectId, Assessment>,
    events: BTreeMap<String, Event>,
}

impl Operator {
    /// The tables as they were at a moment.
    pub(super) async fn scratch_until(&self, at: Moment) -> Result<Scratch, HostError> {
        let mut journal = self.store().whole_journal().await?;
        journal.retain(|delivery| delivery.received_at <= at);
        Scratch::replay(self.stack.clone(), self.config.clone(), &journal, at).await
    }

    /// Runs recorded deliveries again and says what is not as recorded. Only with `act` does anything change here: then
    /// the chosen deliveries go through the functions once more.
    ///
    /// # Errors
    /// When nothing is chosen, or the tables do not answer.
    pub async fn replay(&self, request: &ReplayRequest) -> Result<ReplayReport, HostError> {
        let mut journal = self.store().whole_journal().await?;
        // While the clock stands, each receipt is a millisecond after the one before, so the last ones are ahead of it.
        let last = journal.last().map(|delivery| delivery.received_at);
        let now = self.clock().now().max(last.unwrap_or(Moment::EARLIEST));
        self.all_exist(&journal, &request.without)?;
        journal.retain(|delivery| !request.without.contains(&delivery.id));
        let chosen = self.choose(&journal, &request.which).await?;
        let until = match &request.which {
            ReplayWhich::Received { until, .. } => until.unwrap_or(now),
            ReplayWhich::Delivery(_) | ReplayWhich::Account(_) | ReplayWhich::Quarantined => now,
        };
        journal.retain(|delivery| delivery.received_at <= until && chosen.needs(delivery));
        let scratch = Scratch::replay(self.stack.clone(), self.config.clone(), &journal, until).await?;
        let replayed = scratch.host.decided().await?;
        let recorded = self.decided().await?;
        let accounts = match chosen.subjects() {
            None => None,
            Some(subjects) => {
                let forests = [self.forest([]).await?, scratch.host.forest([]).await?];
                let account =
                    |subject: &SubjectId| forests.iter().filter_map(|f| f.account(subject)).collect::<Vec<_>>();
                Some(subjects.iter().flat_map(account).collect())
            }
        };
        let mut report = compare(&chosen, accounts.as_ref(), &recorded, &replayed);
        report.deliveries = u32::try_from(journal.iter().filter(|d| chosen.has(d)).count()).unwrap_or(u32::MAX);
        if request.act {
            self.feed_again(journal.iter().filter(|d| chosen.has(d))).await?;
            report.acted = true;
        }
        Ok(report)
    }

    fn all_exist(&self, journal: &[Delivery], wanted: &[DeliveryId]) -> Result<(), HostError> {
        match wanted.iter().find(|id| journal.iter().all(|delivery| delivery.id != **id)) {
            None => Ok(()),
            Some(missing) => Err(HostError::NotFound {
                message: format!("the journal has no delivery `{missing}`"),
                help: "`barometer journal` lists them all".to_owned(),
            }),
        }
    }

    async fn choose(&self, journal: &[Delivery], which: &ReplayWhich) -> Result<Chosen, HostError> {
        let named: BTreeMap<&DeliveryId, BTreeSet<SubjectId>> =
            journal.iter().map(|delivery| (&delivery.id, self.subjects_of(delivery))).collect();
        // A file tells of many accounts and ties none of them together; it always runs.
        let files: BTreeSet<_> = journal.iter().filter(|d| d.family == Family::Import).map(|d| &d.id).collect();
        let tying: BTreeMap<_, _> =
            named.iter().filter(|(id, _)| !files.contains(*id)).map(|(id, of)| (*id, of.clone())).collect();
        let deliveries = |ids: BTreeSet<DeliveryId>| {
            let subjects = ids.iter().filter_map(|id| named.get(id)).flatten().cloned().collect();
            let needed = connected(&tying, &subjects);
            Chosen::Deliveries { ids, subjects, needed }
        };
        Ok(match which {
            ReplayWhich::Delivery(id) => {
                self.all_exist(journal, std::slice::from_ref(id))?;
                deliveries([id.clone()].into())
            }
            ReplayWhich::Quarantined => {
                let held = self.store().quarantined().await?.into_iter().map(|item| item.delivery);
                deliveries(held.filter(|id| named.contains_key(id)).collect())
            }
            ReplayWhich::Account(text) => {
                let account = self.find(text).await?.account;
                let members = self.forest([]).await?.members(&account).into_keys().collect();
                let speaks = |id: &&DeliveryId| named.get(*id).is_some_and(|subjects| !subjects.is_disjoint(&members));
                let ids = named.keys().copied().filter(speaks).cloned().collect();
                Chosen::Account { account, ids, needed: connected(&tying, &members) }
            }
            ReplayWhich::Received { since, until } => Chosen::Received { since: *since, until: *until },
        })
    }

    /// Everything that a delivery speaks of or names.
    pub(super) fn subjects_of(&self, delivery: &Delivery) -> BTreeSet<SubjectId> {
        let said = normalize::normalized(delivery, &self.config);
        // What operators state always runs; what they ask of many accounts at once does not tie these together.
        let of_one = || said.signals.iter().filter(|signal| signal.key != FactKey::Rescore);
        let signals = of_one().map(|signal| &signal.subject);
        let mut named: BTreeSet<_> = signals.chain(said.links.iter().flat_map(named_by)).cloned().collect();
        if self.config.model.roll_up.is_some() {
            named.extend(of_one().filter_map(parent_named));
        }
        let domains: Vec<_> = named.iter().filter_map(SubjectId::company_domain).collect();
        named.into_iter().chain(domains).collect()
    }

    async fn decided(&self) -> Result<Decided, HostError> {
        let book = self.store().book().await?;
        let events = self
            .store()
            .whole_outbox()
            .await?
            .into_iter()
            .map(|row| row.event)
            .filter(|event| !is_of_sending(&event.body));
        Ok(Decided {
            assessments: book.into_iter().map(|a| (a.account.clone(), a)).collect(),
            events: events.map(|event| (event.id.as_str().to_owned(), event)).collect(),
        })
    }

    /// Hands deliveries to `normalize` once more, as the stream did.
    async fn feed_again(&self, deliveries: impl Iterator<Item = &Delivery>) -> Result<(), HostError> {
        for delivery in deliveries {
            let record = store::delivery_record(delivery)?;
            let again = alone(self.normalize.handle(StreamEvent { records: vec![record] })).await;
            if again.is_ok_and(|answer| answer.batch_item_failures.is_empty()) {
                self.normalize.mend(delivery, self.clock().now()).await?;
                continue;
            }
            return Err(HostError::Template(format!("delivery `{}` failed again; the log says why", delivery.id)));
        }
        Ok(())
    }
}

impl Host {
    /// As [`Operator::replay`]; what follows from acting has happened then.
    ///
    /// # Errors
    /// As [`Operator::replay`].
    pub async fn replay(&self, request: &ReplayRequest) -> Result<ReplayReport, HostError> {
        let report = self.operator.replay(request).await?;
        if report.acted {
            self.settle().await?;
        }
        Ok(report)
    }
}

/// All deliveries that have something to do with `subjects`, directly or through others: a link that one of them states
/// may move the facts of another.
fn connected(
    named: &BTreeMap<&DeliveryId, BTreeSet<SubjectId>>,
    subjects: &BTreeSet<SubjectId>,
) -> BTreeSet<DeliveryId> {
    let mut by_subject: BTreeMap<&SubjectId, Vec<&DeliveryId>> = BTreeMap::new();
    for (id, of_delivery) in named {
        for subject in of_delivery {
            by_subject.entry(subject).or_default().push(id);
        }
    }
    let mut found = BTreeSet::new();
    let mut todo: Vec<&SubjectId> = subjects.iter().collect();
    while let Some(subject) = todo.pop() {
        for id in by_subject.remove(subject).into_iter().flatten() {
            if found.insert(DeliveryId::clone(id)) {
                todo.extend(&named[id]);
            }
        }
    }
    found
}

/// What operators state, and what they load, may be about any account.
fn always_runs(delivery: &Delivery) -> bool {
    matches!(delivery.family, Family::Operator | Family::Import)
}

/// Which part of a replay is looked at; `needed` must run so that it comes out right.
enum Chosen {
    Deliveries { ids: BTreeSet<DeliveryId>, subjects: BTreeSet<SubjectId>, needed: BTreeSet<DeliveryId> },
    Account { account: SubjectId, ids: BTreeSet<DeliveryId>, needed: BTreeSet<DeliveryId> },
    Received { since: Moment, until: Option<Moment> },
}

impl Chosen {
    /// The delivery is one of those asked for.
    fn has(&self, delivery: &Delivery) -> bool {
        match self {
            Self::Deliveries { ids, .. } => ids.contains(&delivery.id),
            Self::Account { ids, .. } => delivery.family != Family::Operator && ids.contains(&delivery.id),
            Self::Received { since, until } => {
                delivery.received_at >= *since && until.is_none_or(|until| delivery.received_at < until)
            }
        }
    }

    /// The delivery must run so that what is looked at comes out right.
    fn needs(&self, delivery: &Delivery) -> bool {
        match self {
            Self::Received { until, .. } => until.is_none_or(|until| delivery.received_at < until),
            Self::Account { needed, .. } => always_runs(delivery) || needed.contains(&delivery.id),
            Self::Deliveries { ids, needed, .. } => {
                always_runs(delivery) || ids.contains(&delivery.id) || needed.contains(&delivery.id)
            }
        }
    }

    /// The subjects whose accounts are looked at; `None` for all there are.
    fn subjects(&self) -> Option<BTreeSet<SubjectId>> {
        match self {
            Self::Account { account, .. } => Some([account.clone()].into()),
            Self::Deliveries { subjects, .. } => Some(subjects.clone()),
            Self::Received { .. } => None,
        }
    }

    fn has_event(&self, event: &Event) -> bool {
        match self {
            Self::Account { account, .. } => event.account == *account,
            Self::Deliveries { ids, .. } => event.cause.delivery.as_ref().is_some_and(|id| ids.contains(id)),
            Self::Received { since, until } => event.as_of >= *since && until.is_none_or(|until| event.as_of < until),
        }
    }

    /// Assessments are compared only where the replay ran to the end: at an earlier moment they differ by nature.
    fn compares_assessments(&self) -> bool {
        !matches!(self, Self::Received { until: Some(_), .. })
    }
}

fn compare(
    chosen: &Chosen,
    accounts: Option<&BTreeSet<SubjectId>>,
    recorded: &Decided,
    replayed: &Decided,
) -> ReplayReport {
    let has_account = |id: &SubjectId| accounts.is_none_or(|accounts| accounts.contains(id));
    let mut report = ReplayReport {
        deliveries: 0,
        accounts: vec![],
        events: vec![],
        playbooks: fired(replayed.events.values().filter(|event| chosen.has_event(event))),
        actions: vec![],
        differences: vec![],
        acted: false,
    };
    for (id, assessment) in replayed.assessments.iter().filter(|(id, _)| has_account(id)) {
        report.accounts.push(ReplayedAccount {
            id: id.clone(),
            name: assessment.card.name.clone(),
            score: assessment.score.map(model::Score::shown),
            band: assessment.band,
        });
    }
    for event in replayed.events.values().filter(|event| chosen.has_event(event)) {
        let is_recorded = recorded.events.contains_key(event.id.as_str());
        report.events.push(ReplayedEvent {
            id: event.id.clone(),
            kind: event.body.kind().to_owned(),
            account: event.account.clone(),
            occurred_at: event.occurred_at,
            recorded: is_recorded,
        });
        if let EventBody::ActionRequested(request) = &event.body {
            report.actions.push(ReplayedAction {
                id: request.id.clone(),
                kind: request.kind.as_str().to_owned(),
                account: event.account.clone(),
                playbook: request.playbook.clone(),
                step: request.step.clone(),
                recorded: is_recorded,
            });
        }
    }
    report.events.sort_by(|a, b| (a.occurred_at, &a.kind, &a.id).cmp(&(b.occurred_at, &b.kind, &b.id)));
    if chosen.compares_assessments() {
        let all: BTreeSet<_> = recorded.assessments.keys().chain(replayed.assessments.keys()).collect();
        for id in all.into_iter().filter(|id| has_account(id)) {
            let (before, after) = (recorded.assessments.get(id), replayed.assessments.get(id));
            report.differences.extend(difference("assessment", id.as_str(), before, after));
        }
    }
    let ids: BTreeSet<_> = recorded.events.keys().chain(replayed.events.keys()).collect();
    for id in ids {
        let (before, after) = (recorded.events.get(id), replayed.events.get(id));
        let is_chosen = before.into_iter().chain(after).any(|event| chosen.has_event(event));
        if is_chosen && before.map(of_all_parts) != after.map(of_all_parts) {
            report.differences.extend(difference("event", id, before, after));
        }
    }
    report
}

/// An event without the part of its delivery that was seen first: a delivery's parts are written one by one, and who looks
/// between two of them decides on the same piece of news as who looks when all are there.
fn of_all_parts(event: &Event) -> Event {
    Event { cause: CauseChain { path: None, ..event.cause.clone() }, ..event.clone() }
}

/// How often each playbook opened an episode, and of how many accounts.
fn fired<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<ReplayedPlaybook> {
    let mut playbooks: BTreeMap<&PlaybookName, BTreeMap<&SubjectId, u32>> = BTreeMap::new();
    for event in events {
        if let EventBody::RiskOpened { playbook, .. } | EventBody::PlayStarted { playbook, .. } = &event.body {
            *playbooks.entry(playbook).or_default().entry(&event.account).or_default() += 1;
        }
    }
    let of = |(name, accounts): (&PlaybookName, BTreeMap<&SubjectId, u32>)| ReplayedPlaybook {
        name: name.clone(),
        fired: accounts.values().sum(),
        accounts: u32::try_from(accounts.len()).unwrap_or(u32::MAX),
        most: accounts.values().copied().max().unwrap_or(0),
    };
    playbooks.into_iter().map(of).collect()
}

fn difference<T: serde::Serialize>(what: &str, id: &str, before: Option<&T>, after: Option<&T>) -> Option<Difference> {
    let json = |value: Option<&T>| value.and_then(|v| serde_json::to_value(v).ok()).unwrap_or(Value::Null);
    let (recorded, replayed) = (json(before), json(after));
    (recorded != replayed).then(|| Difference { what: what.to_owned(), id: id.to_owned(), recorded, replayed })
}

#[cfg(test)]
mod tests {
    use model::EventId;

    use super::*;

    fn watched(cause: CauseChain) -> Decided {
        let event = Event {
            id: EventId::from_stored("e1"),
            schema: model::EVENT_SCHEMA,
            account: SubjectId::vendor("hubspot", "company", "501"),
            occurred_at: Moment::EARLIEST,
            as_of: Moment::EARLIEST,
            cause,
            body: EventBody::Watched { name: "Halyard Freight".to_owned() },
        };
        Decided { assessments: BTreeMap::new(), events: [("e1".to_owned(), event)].into() }
    }

    fn differ(recorded: &Decided, replayed: &Decided) -> usize {
        let all = Chosen::Received { since: Moment::EARLIEST, until: None };
        compare(&all, None, recorded, replayed).differences.len()
    }

    #[test]
    fn which_part_of_a_delivery_was_seen_first_is_no_difference_and_another_cause_is() {
        let by = |delivery: &str, path: Option<&str>| {
            let delivery = Some(DeliveryId::from_stored(delivery));
            watched(CauseChain { delivery, path: path.map(str::to_owned), due_at: None })
        };
        let linked = by("zendesk:31", None);
        assert_eq!(differ(&linked, &by("zendesk:31", Some("detail.name"))), 0);
        assert_eq!(differ(&linked, &by("zendesk:32", None)), 1);
        let due = CauseChain { due_at: Some(Moment::EARLIEST), ..CauseChain::default() };
        assert_eq!(differ(&linked, &watched(due)), 1);
        assert_eq!(differ(&linked, &Decided { assessments: BTreeMap::new(), events: BTreeMap::new() }), 1);
    }
}
