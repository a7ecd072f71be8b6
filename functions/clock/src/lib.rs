//! Once a minute: asks for a recompute of every account whose due moment has passed, puts digests together, and
//! publishes what was left over or is to be asked for again.
//!
//! It decides nothing. A tick names the stored due moment, so it does not matter how late or how often this runs.

use std::sync::Arc;

use actions::bus::{Bus, Put};
use config::Config;
use jiff::SignedDuration;
use model::{Desk, Moment, Notice};
use rules::desk::{DeskRules, digest, due_at};
use runtime::Clock;
use runtime::logging::chain;
use serde_json::json;
use store::{OutboxRow, Store, StoreError, Stored};
use tracing::{error, info};

/// After so many tries a person must look.
const MAX_ATTEMPTS: u32 = 12;
/// How long one run asks for recomputes. Who is left stays due and comes first in the next run, a minute later.
///
/// Shorter than the function may run (30 s in `infra/template.yaml`), by more than one slow call.
pub const BUDGET: SignedDuration = SignedDuration::from_secs(15);

/// The handler.
#[derive(Debug)]
pub struct Minute {
    config: Arc<Config>,
    store: Store,
    bus: Bus,
    clock: Clock,
}

impl Minute {
    /// Reads the time from `clock`, once per run.
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
        let republished = self.republish(now, &left_over).await?;
        let digests = self.digests(now).await?;
        let due = self.store.due(now).await?;
        let (mut ticked, mut seen) = (0, 0);
        for subject in &due {
            if self.clock.now() >= now.plus(BUDGET) {
                break;
            }
            seen += 1;
            match self.store.tick(subject, now).await {
                Ok(true) => ticked += 1,
                Ok(false) => {}
                // One account's trouble is not the others'; it stays due.
                Err(error) => error!(account.id = %subject, "No tick for `{subject}`: {}", chain(&error)),
            }
        }
        let left = due.len() - seen;
        if ticked + republished + digests + left > 0 {
            info!(
                ticked,
                left,
                republished,
                digests,
                "Clock: {ticked} accounts due, {left} left, {digests} digests, {republished} events late or asked again"
            );
        }
        Ok(json!({ "ticked": ticked, "left": left, "republished": republished, "digests": digests }))
    }

    /// Empties the desks whose digest is due. Who writes a desk meanwhile makes it wait a minute.
    async fn digests(&self, now: Moment) -> Result<usize, StoreError> {
        let mut done = 0;
        for desk in self.store.desks_due(now).await? {
            if self.clock.now() >= now.plus(BUDGET) {
                break;
            }
            match self.digest(desk, now).await {
                Ok(true) => done += 1,
                Ok(false) => {}
                // One reader's trouble is not the others'; the desk stays due.
                Err(error) => error!("A digest is not put together: {}", chain(&error)),
            }
        }
        Ok(done)
    }

    async fn digest(&self, desk: Stored<Desk>, now: Moment) -> Result<bool, StoreError> {
        let rules = DeskRules::of(&desk.value.to.address, &self.config.team);
        let waiting = desk.value.waits.iter().map(|(id, waiting)| (id, &waiting.line));
        let open = self.store.still_open(waiting).await?;
        let (next, notice) = match digest(&desk.value, now, &rules, &open) {
            Some(digested) => (digested.desk, digested.notice.map(Notice::requested)),
            // The hours have changed since it was written when to look.
            None => (desk.value, None),
        };
        let due = due_at(&next, now, &rules);
        self.store.put_desk(&Stored { value: next, rev: desk.rev }, due, notice.as_ref()).await
    }

    async fn republish(&self, now: Moment, rows: &[OutboxRow]) -> Result<usize, StoreError> {
        let events: Vec<_> = rows.iter().map(|row| row.event.clone()).collect();
        let mut done = 0;
        for (row, put) in rows.iter().zip(self.bus.put(&events).await) {
            let id = &row.event.id;
            match put {
                Put::Accepted => {
                    self.store.mark_published(id, row.round).await?;
                    done += 1;
                }
                Put::Retry(reason) if row.attempts + 1 < MAX_ATTEMPTS => {
                    self.store.mark_retry(id, row.round, now.plus(backoff(row.attempts)), &reason).await?;
                }
                Put::Retry(reason) | Put::Refused(reason) => {
                    error!(event.id = %id, "Event `{id}` cannot be published: {reason}");
                    self.store.mark_unpublishable(id, row.round, &reason).await?;
                }
            }
        }
        Ok(done)
    }
}

/// 1, 2, 4 … minutes, at most an hour.
fn backoff(attempts: u32) -> SignedDuration {
    SignedDuration::from_mins(i64::from(2_u32.saturating_pow(attempts.min(6))).min(60))
}
