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
/// How often it is looked how far the functions of a deployed stack are, in milliseconds.
const LOOK_EVERY_MS: u64 = 2_000;

const STILL_HERE: &str = "The host is still at it: `barometer settle` waits until it is done.";
const STILL_THERE: &str = "The stack's functions are still at it: `barometer rescore --aws --dry-run` says what is left. If it stays so, see the \
     alarms, and the functions' logs.";

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
        let aws = here.global.aws;
        report.done = if aws { is_carried_out(client, &report).await? } else { client.settle(FINISH_MS).await?.quiet };
        if is_text {
            let still = if aws { STILL_THERE } else { STILL_HERE };
            here.print(&show::rescored(&report, still, here.style))?;
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

/// Looks until the functions of a deployed stack have recomputed all of them, for as long as they get on with it.
async fn is_carried_out(client: &Client, report: &RescoreReport) -> Result<bool, Failure> {
    let accounts = differing(report);
    let (mut done, mut waited_ms) = (0, 0);
    let progress = Progress::new();
    // In the order in which they were asked for, so that what is done is not looked at again.
    for some in accounts.chunks(RescoreRequest::MOST) {
        let mut left = some.to_vec();
        loop {
            let query = RescoreQuery { after: None, accounts: left.clone() };
            let page: RescorePage = client.post(route::RESCORE_LOOK, &query).await?;
            let before = left.len();
            left = page.rows.into_iter().filter(|row| row.differs).map(|row| row.account).collect();
            done += before - left.len();
            progress.tell(&format!("{done} of {} accounts recomputed by the stack's functions", accounts.len()));
            if left.is_empty() {
                break;
            }
            if left.len() < before {
                waited_ms = 0;
            }
            if waited_ms >= FINISH_MS {
                progress.end();
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MS)).await;
            waited_ms += LOOK_EVERY_MS;
        }
    }
    progress.end();
    Ok(true)
}

fn differing(report: &RescoreReport) -> Vec<SubjectId> {
    report.rows.iter().filter(|row| row.differs).map(|row| row.account.clone()).collect()
}

/// Asks for those that differ, so many in a second.
async fn state(client: &Client, report: &mut RescoreReport, rate: u32) -> Result<(), Failure> {
    let accounts = differing(report);
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Json;
    use axum::routing::post;
    use model::Band;

    use super::*;
    use crate::api::ScoredRow;

    fn company(n: u32) -> RescoreRow {
        let scored = ScoredRow { score: Some(70), band: Band::Green, model: "m@0".to_owned() };
        RescoreRow {
            account: SubjectId::vendor("hubspot", "company", &n.to_string()),
            name: n.to_string(),
            arr: None,
            from: scored.clone(),
            to: Some(scored),
            differs: true,
            reason: None,
        }
    }

    /// A stack whose functions recompute so many accounts between two looks, and never the last `stuck` ones; how many accounts
    /// each look was about.
    async fn carried_out(of: u32, at_a_time: u32, stuck: u32) -> (bool, Vec<usize>) {
        let rows: Vec<_> = (0..of).map(company).collect();
        let report = RescoreReport {
            model: "m@1".to_owned(),
            looked_at: of,
            rows: rows.clone(),
            dry_run: false,
            rescored: of,
            deliveries: vec![],
            done: false,
        };
        let looks: Arc<Mutex<Vec<usize>>> = Arc::default();
        let kept = looks.clone();
        let look = move |Json(query): Json<RescoreQuery>| {
            let mut looks = kept.lock().unwrap();
            let done = usize::try_from(at_a_time).unwrap() * looks.len();
            looks.push(query.accounts.len());
            let row = |(n, row): (usize, &RescoreRow)| {
                let is_done = n < done && n < usize::try_from(of - stuck).unwrap();
                query.accounts.contains(&row.account).then(|| RescoreRow { differs: !is_done, ..row.clone() })
            };
            let rows = rows.iter().enumerate().filter_map(row).collect();
            async { Json(RescorePage { rows, next: None, model: "m@1".to_owned() }) }
        };
        let client = Client::here(axum::Router::new().route(route::RESCORE_LOOK, post(look)));
        let done = is_carried_out(&client, &report).await.unwrap();
        let looks = looks.lock().unwrap().clone();
        (done, looks)
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_rescored_on_aws_is_looked_at_until_the_functions_have_done_it() {
        let (done, looks) = carried_out(120, 1, 0).await;
        let longer = usize::try_from(FINISH_MS / LOOK_EVERY_MS).unwrap() + 2;
        assert!(done && looks.len() > longer, "slow, and getting on: {looks:?}");
        assert_eq!((looks[0], looks[1], looks.last()), (100, 100, Some(&1)), "what is done is not looked at again");
        assert_eq!(carried_out(3, 3, 0).await, (true, vec![3, 3]));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_not_waited_for_functions_that_do_not_get_on() {
        let (done, looks) = carried_out(30, 10, 5).await;
        assert!(!done && looks.ends_with(&[5, 5, 5]), "{looks:?}");
        assert_eq!(looks.len() - 4, usize::try_from(FINISH_MS / LOOK_EVERY_MS).unwrap(), "{looks:?}");
    }
}
