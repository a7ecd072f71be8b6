//! `barometer backfill`: one page after the other, until all is read.

use std::time::Duration;

use super::Surroundings;
use super::progress::Progress;
use crate::api::{BackfillPage, BackfillRequest, route};
use crate::cli::BackfillArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::show;

/// How long the command waits at the end until all are recomputed, in milliseconds.
const FINISH_MS: u64 = 60_000;
/// How often in a row nothing may be read before the command gives up; what was read stays.
const PATIENCE: u32 = 20;

/// Carries the command out.
pub(super) async fn backfill(here: &Surroundings, client: &Client, args: BackfillArgs) -> Result<(), Failure> {
    let BackfillArgs { of, changed_since, restart } = args;
    let mut request = BackfillRequest { of, changed_since, begin: true, restart };
    let progress = Progress::new();
    let (mut waits, mut warnings, mut resumed) = (0, Vec::new(), false);
    let mut page: BackfillPage = loop {
        let page: BackfillPage = client.post(route::BACKFILL, &request).await?;
        resumed |= page.resumed;
        warnings.extend(page.warnings.iter().cloned());
        progress.tell(&show::backfilled_so_far(&page));
        if page.done {
            break page;
        }
        match page.wait_ms {
            Some(_) if waits >= PATIENCE => return Err(gave_up(&page)),
            // Whoever has to wait to begin has not begun.
            Some(ms) => {
                waits += 1;
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            None => waits = 0,
        }
        (request.begin, request.restart) = (false, false);
    };
    progress.end();
    client.settle(FINISH_MS).await?;
    (page.warnings, page.resumed) = (warnings, resumed);
    here.answer(&page, |page| show::backfilled(page, here.style))?;
    here.tell_who_goes_on()
}

fn gave_up(page: &BackfillPage) -> Failure {
    Failure::Refused {
        message: format!(
            "the past of `{}` is not read to its end: {}",
            page.connection,
            page.because.clone().unwrap_or_default()
        ),
        help: Some("run the command again: it goes on where it was".to_owned()),
    }
}
