//! `barometer rescore`: what a changed configuration makes of the book, and then, page by page, that it counts.

use std::time::Duration;

use model::SubjectId;

use super::Surroundings;
use super::progress::Progress;
use crate::api::{RescorePage, RescoreQuery, RescoreReport, RescoreRequest, RescoreRow, RescoreStated, route};
use crate::cli::RescoreArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::show;

/// How many accounts are stated together: one delivery in the journal.
const PAGE: usize = 25;
/// How long the command waits at the end until all are recomputed, in milliseconds.
const FINISH_MS: u64 = 60_000;

/// Carries the command out.
pub(super) async fn rescore(here: &Surroundings, client: &Client, args: RescoreArgs) -> Result<(), Failure> {
    // What is due is no matter of the configuration, and would only be mixed up with it.
    client.settle(FINISH_MS).await?;
    let mut report = looked_at(client, args.dry_run).await?;
    let is_text = !here.global.json;
    if is_text {
        here.print(&show::rescore_difference(&report, here.style))?;
    }
    if !args.dry_run {
        state(client, &mut report, args.rate).await?;
        report.done = client.settle(FINISH_MS).await?.quiet;
        if is_text {
            here.print(&show::rescored(&report, here.style))?;
        }
    }
    if is_text { Ok(()) } else { here.answer(&report, |_| String::new()) }
}

/// What today's configuration makes of all accounts.
async fn looked_at(client: &Client, dry_run: bool) -> Result<RescoreReport, Failure> {
    let mut report = RescoreReport {
        model: String::new(),
        looked_at: 0,
        rows: vec![],
        dry_run,
        rescored: 0,
        deliveries: vec![],
        done: false,
    };
    let progress = Progress::new();
    let mut query = RescoreQuery::default();
    loop {
        let page: RescorePage = client.post(route::RESCORE_LOOK, &query).await?;
        report.model = page.model;
        report.looked_at = report.looked_at.saturating_add(number(page.rows.len()));
        report.rows.extend(page.rows.into_iter().filter(|row| row.differs || row.to.is_none()));
        progress.tell(&format!("{} accounts looked at", report.looked_at));
        let Some(next) = page.next else { break };
        query.after = Some(next);
    }
    progress.end();
    // An account can move within the index while it is read.
    report.rows.sort_by(|a, b| a.account.cmp(&b.account));
    report.rows.dedup_by(|a, b| a.account == b.account);
    report.rows.sort_by_key(worst_first);
    Ok(report)
}

/// Who falls furthest, then who costs most; those that leave come last.
fn worst_first(row: &RescoreRow) -> (bool, bool, i32, std::cmp::Reverse<Option<i64>>, String) {
    let moved =
        row.to.as_ref().map_or(0, |to| i32::from(to.score.unwrap_or(0)) - i32::from(row.from.score.unwrap_or(0)));
    let keeps_band = row.to.as_ref().is_some_and(|to| to.band == row.from.band);
    let arr = row.arr.map(|money| money.minor);
    (row.to.is_none(), keeps_band, moved, std::cmp::Reverse(arr), row.name.clone())
}

/// Asks for those that differ, so many in a second.
async fn state(client: &Client, report: &mut RescoreReport, rate: u32) -> Result<(), Failure> {
    let accounts: Vec<SubjectId> =
        report.rows.iter().filter(|row| row.differs).map(|row| row.account.clone()).collect();
    let progress = Progress::new();
    let mut pages = accounts.chunks(PAGE.min(RescoreRequest::MOST)).peekable();
    while let Some(page) = pages.next() {
        let request = RescoreRequest { accounts: page.to_vec() };
        let stated: RescoreStated = client.post(route::RESCORE, &request).await?;
        report.deliveries.push(stated.delivery);
        report.rescored = report.rescored.saturating_add(number(page.len()));
        progress.tell(&format!("{} of {} accounts rescored", report.rescored, accounts.len()));
        if pages.peek().is_some() {
            tokio::time::sleep(Duration::from_secs(1) * number(page.len()) / rate).await;
        }
    }
    progress.end();
    Ok(())
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
