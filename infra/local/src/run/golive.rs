//! `barometer golive`: what will be sent first is shown first.

use std::io::{BufRead as _, IsTerminal as _};

use super::Surroundings;
use crate::api::{GoliveReport, GoliveRequest, route};
use crate::cli::GoliveArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::show;

/// Carries the command out.
pub(super) async fn golive(here: &Surroundings, client: &Client, args: GoliveArgs) -> Result<(), Failure> {
    // `--all` is both left out, said aloud.
    let GoliveArgs { playbook, destination, all: _, open_top, dry_run, yes, accept_unowned } = args;
    let request = GoliveRequest { playbook, destination, open_top, dry_run: true, accept_unowned };
    let preview: GoliveReport = client.post(route::GOLIVE, &request).await?;
    if dry_run {
        return here.answer(&preview, |report| show::golive(report, here.style));
    }
    // What the host will refuse is no question.
    let is_possible = preview.unowned.is_none() || accept_unowned;
    if is_possible && !yes && std::io::stdin().is_terminal() {
        eprint!("{}\nGo live with this? [y/N] ", show::golive(&preview, here.style));
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map_err(Failure::system("cannot read the answer"))?;
        if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            return Err(Failure::Declined);
        }
    }
    let report: GoliveReport = client.post(route::GOLIVE, &GoliveRequest { dry_run: false, ..request }).await?;
    here.answer(&report, |report| show::golive(report, here.style))
}
