//! `barometer redrive`: looks what was given up, and does it again a little at a time.

use std::time::Duration;

use super::Surroundings;
use super::progress::Progress;
use crate::api::{
    LetterRow, RedriveDone, RedriveLook, RedriveQuery, RedriveReport, RedriveRequest, Redriven, Settled, route,
};
use crate::cli::RedriveArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::show;

/// How long the command waits at the end until all that follows is done, in milliseconds.
const FINISH_MS: u64 = 60_000;

/// How often it is asked how far letters are that go by themselves.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Carries the command out.
pub(super) async fn redrive(here: &Surroundings, client: &Client, args: RedriveArgs) -> Result<(), Failure> {
    let RedriveArgs { since, rate, dry_run } = args;
    let look: RedriveLook = client.post(route::REDRIVE_LOOK, &RedriveQuery { since }).await?;
    let mut report = RedriveReport {
        deliveries: since.map(|_| number(look.deliveries.len())),
        overdue: number(look.overdue.len()),
        letters: look.letters.clone(),
        failures: look.failures.clone(),
        dry_run,
        redriven: Redriven::default(),
        failed: vec![],
        done: false,
    };
    let is_text = !here.global.json;
    if is_text {
        here.print(&show::redrive(&report, here.style))?;
    }
    if !dry_run {
        let mut again = Again { client, rate, progress: Progress::new(), report: &mut report };
        let done = again.all(look).await;
        again.progress.end();
        done?;
        let settled: Settled = client.settle(FINISH_MS).await?;
        report.done = settled.quiet;
        if is_text {
            here.print(&show::redriven(&report, here.style))?;
        }
    }
    if !is_text {
        here.answer(&report, |_| String::new())?;
    }
    match number(report.failed.len()) {
        0 => Ok(()),
        failed => Err(Failure::FailedAgain { failed }),
    }
}

/// A redrive under way.
struct Again<'a> {
    client: &'a Client,
    /// How much a second.
    rate: u32,
    progress: Progress,
    report: &'a mut RedriveReport,
}

impl Again<'_> {
    /// What is older goes first: a stream's batches before what only the journal still has, and that before the accounts that
    /// look at all of it.
    async fn all(&mut self, look: RedriveLook) -> Result<(), Failure> {
        for failure in look.failures {
            let done = self.ask(&RedriveRequest::Failure { id: failure.id }).await?;
            self.report.redriven.records += done.done;
            self.rest(done.done, "records of failed batches", self.report.redriven.records).await;
        }
        for row in look.letters {
            let mut left = row.letters;
            while left > 0 {
                let done = self.letters(&row, left.min(self.rate)).await?;
                if done == 0 {
                    break;
                }
                if row.to.is_none() {
                    self.report.redriven.forgotten += done;
                    break;
                }
                left = left.saturating_sub(done);
                self.report.redriven.letters += done;
                self.rest(done, "dead letters", self.report.redriven.letters).await;
            }
        }
        let some = RedriveRequest::MOST.min(usize::try_from(self.rate).unwrap_or(usize::MAX));
        for ids in look.deliveries.chunks(some) {
            let done = self.ask(&RedriveRequest::Deliveries(ids.to_vec())).await?;
            self.report.redriven.deliveries += done.done;
            self.rest(number(ids.len()), "deliveries", self.report.redriven.deliveries).await;
        }
        for accounts in look.overdue.chunks(some) {
            let done = self.ask(&RedriveRequest::Overdue(accounts.to_vec())).await?;
            self.report.redriven.accounts += done.done;
            self.rest(number(accounts.len()), "accounts", self.report.redriven.accounts).await;
        }
        Ok(())
    }

    /// Has dead letters sent back; gives how many went. Where they go by themselves, it waits until they have.
    async fn letters(&mut self, row: &LetterRow, most: u32) -> Result<u32, Failure> {
        let mut request = RedriveRequest::Letters { queue: row.queue.clone(), most, goes_on: false };
        loop {
            let RedriveDone { done, under_way, .. } = self.ask(&request).await?;
            let Some(so_far) = under_way else { return Ok(done) };
            self.progress.tell(&format!("{so_far} of {} dead letters of {} sent back", row.letters, row.queue));
            request = RedriveRequest::Letters { queue: row.queue.clone(), most, goes_on: true };
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    async fn ask(&mut self, request: &RedriveRequest) -> Result<RedriveDone, Failure> {
        let mut done: RedriveDone = self.client.post(route::REDRIVE, request).await?;
        self.report.failed.append(&mut done.failed);
        Ok(done)
    }

    /// Keeps to the rate.
    async fn rest(&self, just: u32, what: &str, all: u32) {
        self.progress.tell(&format!("{all} {what} done again"));
        tokio::time::sleep(Duration::from_secs(1) * just / self.rate).await;
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "redrive_tests.rs"]
mod tests;
