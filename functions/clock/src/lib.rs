//! Once a minute: asks for a recompute of every account whose due moment has passed, tells which sources are silent,
//! puts digests together, and publishes what was left over or is to be asked for again.
//!
//! It decides nothing. A tick names the stored due moment, and so does a silence, so it does not matter how late or how often
//! this runs.

use std::sync::Arc;

use actions::bus::{Bus, Put};
use config::{Config, Connection};
use jiff::SignedDuration;
use model::{
    ActionKind, CauseChain, ConnectionName, Event, EventBody, EventId, Mode, Moment, Notice, SourceSilent, SubjectId,
};
use rules::desk::{DeskRules, digest, due_at, source_silent};
use runtime::logging::{chain, company, named, of_event};
use runtime::metrics::{self, Metric, Metrics};
use runtime::{Clock, backoff};
use serde_json::json;
use store::{DeskKey, Due, OutboxRow, Silence, Store, StoreError, Stored, Tick};
use tracing::field::display;
use tracing::{error, info, warn};

/// After so many tries a person must look.
const MAX_ATTEMPTS: u32 = 12;
/// How long one run works. What is left stays due and comes first in the next run, a minute later.
///
/// Shorter than the function may run (30 s in `infra/template.yaml`), by more than one slow call.
pub const BUDGET: SignedDuration = SignedDuration::from_secs(15);
/// How much of it may go into events that were left over, so that a bus that is down holds up no account.
const REPUBLISHING: SignedDuration = SignedDuration::from_secs(5);
/// How many of them are handed to the bus at a time: ten of its calls, well within the time that is left.
const AT_A_TIME: usize = 100;

/// The handler.
#[derive(Debug)]
pub struct Minute {
    config: Arc<Config>,
    store: Store,
    bus: Bus,
    clock: Clock,
}

/// What one run did.
#[derive(Debug, Default)]
struct Done {
    ticked: usize,
    /// How long the account has been due that was asked for before and is so still, the longest of all.
    overdue_s: u64,
    silent: usize,
    left: usize,
    republished: usize,
    digests: usize,
}

impl Minute {
    /// Reads the time from `clock`: when a run begins, and to know when its time is up.
    pub fn new(config: Arc<Config>, store: Store, bus: Bus, clock: Clock) -> Self {
        Self { config, store, bus, clock }
    }

    /// Runs once; the answer counts what was done.
    ///
    /// # Errors
    /// When the store does not answer; the next run does the rest.
    pub async fn handle(&self) -> Result<serde_json::Value, StoreError> {
        let now = self.clock.now();
        let left_over = self.store.left_over(now).await?;
        let oldest = left_over.iter().map(|row| row.waits_since).min();
        let waits_s = oldest.map_or(0, |since| seconds(since, now));
        let mut done = Done { republished: self.republish(now, &left_over).await?, ..Done::default() };
        let (accounts, few): (Vec<_>, Vec<_>) =
            self.store.due(now).await?.into_iter().partition(|due| matches!(due, Due::Account(_)));
        // Within the budget, and no reason to leave the work.
        let silent_now = self.silent(now).await;
        // Desks and sources are few, and a source's silence is why some of the accounts are due.
        let mut due = few.iter().chain(&accounts);
        for one in due.by_ref() {
            if self.clock.now() >= now.plus(BUDGET) {
                done.left += 1;
                break;
            }
            match one {
                Due::Account(account) => match self.tick(account, now).await {
                    Tick::Asked => done.ticked += 1,
                    Tick::Overdue { since } => done.overdue_s = done.overdue_s.max(seconds(since, now)),
                    Tick::NotDue => {}
                },
                Due::Source(connection) => done.silent += usize::from(self.tell(connection, now).await),
                Due::Desk(desk) => done.digests += usize::from(self.digest(desk, now).await),
            }
        }
        done.left += due.count();
        let Done { ticked, overdue_s, silent, left, republished, digests } = done;
        // Each minute, also when there is nothing to tell: an alarm sees by it that the clock is running.
        let metrics = Metrics::of(Metric::OldestUnpublishedSeconds, waits_s)
            .with(Metric::OldestOverdueSeconds, overdue_s)
            .with(Metric::SourcesSilent, silent_now? as u64);
        if ticked + silent + republished + digests + left == 0 {
            info!(target: metrics::ONLY, %metrics, "Clock: nothing was due");
        } else {
            let events = format!("{republished} events late or asked again");
            let did =
                format!("{ticked} accounts due, {left} left, {digests} digests, {silent} sources silent, {events}");
            info!(ticked, silent, left, republished, digests, %metrics, "Clock: {did}");
        }
        Ok(json!({
            "ticked": ticked, "silent": silent, "left": left, "republished": republished, "digests": digests,
        }))
    }

    /// Asks for a recompute. One account's trouble is not the others': it stays due.
    async fn tick(&self, account: &SubjectId, now: Moment) -> Tick {
        self.store.tick(account, now).await.unwrap_or_else(|error| {
            let (id, account) = (company(account).map(display), named(account));
            error!(account.id = id, "No tick for {account}: {}", chain(&error));
            Tick::NotDue
        })
    }

    /// How many sources are silent, told or not. Only who is expected to speak can be: where nobody is, there is nothing to
    /// read.
    async fn silent(&self, now: Moment) -> Result<usize, StoreError> {
        let expected = |it: &Connection| it.expected_every.filter(|_| it.enabled).map(|every| (it.name.clone(), every));
        let expected: Vec<_> = self.config.connections.iter().filter_map(expected).collect();
        if expected.is_empty() {
            return Ok(0);
        }
        let (heard, today) = (self.store.heard().await?, now.date_in(&self.config.model.zone));
        let from = |(name, every): &(ConnectionName, u16)| heard.get(name)?.silent_from(*every);
        Ok(expected.iter().filter_map(from).filter(|day| *day <= today).count())
    }

    /// Tells that a source is silent; true when nobody had.
    async fn tell(&self, connection: &ConnectionName, now: Moment) -> bool {
        match self.told(connection, now).await {
            Ok(is_told) => is_told,
            Err(error) => {
                error!(connection.name = %connection, "Nobody was told of `{connection}`: {}", chain(&error));
                false
            }
        }
    }

    async fn told(&self, connection: &ConnectionName, now: Moment) -> Result<bool, StoreError> {
        let Some(silence) = self.store.silence(connection, now).await? else { return Ok(false) };
        let is_told = self.store.tell_silence(&silence, &self.events(&silence).await?).await?;
        if is_told {
            let last = silence.last_heard_on;
            warn!(connection.name = %connection, "Source `{connection}` is silent since {last}");
        }
        Ok(is_told)
    }

    /// What is told of a silence, to the bus and to the team. Of a connection that is not asked to speak any more, nothing.
    async fn events(&self, silence: &Silence) -> Result<Vec<Event>, StoreError> {
        let connection = self.config.connection(&silence.connection);
        if !connection.is_some_and(|known| known.enabled && known.expected_every.is_some()) {
            return Ok(vec![]);
        }
        let silent = SourceSilent {
            source: silence.connection.clone(),
            last_heard_on: silence.last_heard_on,
            expected_every: silence.expected_every,
        };
        let notice = source_silent(silent, &self.config.team, self.mode().await?, silence.since);
        Ok(vec![silent_event(silence), notice.requested()])
    }

    /// No playbook asks for what is told of a source: it goes as far as the one that goes furthest.
    async fn mode(&self) -> Result<Mode, StoreError> {
        let (_, set) = self.store.switches().await?;
        let slack = ActionKind::SlackAlert.destination();
        let set = set.into_iter().filter(|(_, destination, _)| destination == slack);
        let reached = set.map(|(playbook, _, mode)| mode.min(self.config.modes.most(&playbook, slack)));
        Ok(reached.max().unwrap_or(Mode::Observe))
    }

    /// Empties a desk whose digest is due; true when that was done. Who writes it meanwhile makes it wait a minute. One
    /// reader's trouble is not the others': their desk stays due.
    async fn digest(&self, desk: &DeskKey, now: Moment) -> bool {
        self.digested(desk, now).await.unwrap_or_else(|error| {
            error!("A digest is not put together: {}", chain(&error));
            false
        })
    }

    async fn digested(&self, desk: &DeskKey, now: Moment) -> Result<bool, StoreError> {
        let Some(Stored { value: desk, rev }) = self.store.desk_due(desk, now).await? else { return Ok(false) };
        let rules = DeskRules::of(&desk.to, &self.config.team);
        let open = self.store.still_open(desk.waits.iter().map(|(id, waiting)| (id, &waiting.line))).await?;
        let (next, notice) = match digest(&desk, now, &rules, &open) {
            Some(digested) => (digested.desk, digested.notice.map(Notice::requested)),
            // The hours have changed since it was written when to look.
            None => (desk, None),
        };
        let due = due_at(&next, now, &rules);
        self.store.put_desk(&Stored { value: next, rev }, due, notice.as_ref()).await
    }

    /// Hands over what the bus does not have yet; who is left comes in the next run.
    async fn republish(&self, now: Moment, rows: &[OutboxRow]) -> Result<usize, StoreError> {
        let mut done = 0;
        for some in rows.chunks(AT_A_TIME) {
            if self.clock.now() >= now.plus(REPUBLISHING) {
                break;
            }
            done += self.put(now, some).await?;
        }
        Ok(done)
    }

    async fn put(&self, now: Moment, rows: &[OutboxRow]) -> Result<usize, StoreError> {
        let events: Vec<_> = rows.iter().map(|row| row.event.clone()).collect();
        let mut done = 0;
        for (row, put) in rows.iter().zip(self.bus.put(&events).await) {
            let (id, kind, said) = (&row.event.id, row.event.body.kind(), of_event(&row.event));
            match put {
                Put::Accepted => {
                    said.in_scope(|| info!("Event `{id}` ({kind}) published"));
                    self.store.mark_published(id, row.round).await?;
                    done += 1;
                }
                Put::Retry(reason) if row.attempts + 1 < MAX_ATTEMPTS => {
                    said.in_scope(|| warn!("Event `{id}` ({kind}) waits for its next try: {reason}"));
                    self.store.mark_retry(id, row.round, now.plus(backoff(row.attempts + 1)), &reason).await?;
                }
                Put::Retry(reason) | Put::Refused(reason) => {
                    let metrics = Metrics::of(Metric::ActionsFailed("event"), 1);
                    said.in_scope(|| error!(%metrics, "Event `{id}` ({kind}) cannot be published: {reason}"));
                    self.store.mark_unpublishable(id, row.round, &reason).await?;
                }
            }
        }
        Ok(done)
    }
}

fn seconds(since: Moment, now: Moment) -> u64 {
    now.since(since).as_secs().max(0).unsigned_abs()
}

/// The event that tells of a silence: one for each, whenever and however often it is told.
fn silent_event(silence: &Silence) -> Event {
    let Silence { connection, last_heard_on, expected_every, since, .. } = silence;
    let account = SubjectId::from_stored(format!("connection:{connection}"));
    let body = EventBody::SourceSilent {
        connection: connection.clone(),
        last_heard_on: *last_heard_on,
        expected_every: *expected_every,
    };
    Event {
        id: EventId::derive(&account, body.kind(), connection.as_str(), &last_heard_on.to_string()),
        schema: model::EVENT_SCHEMA,
        account,
        occurred_at: *since,
        as_of: *since,
        cause: CauseChain { due_at: Some(*since), ..CauseChain::default() },
        body,
    }
}
