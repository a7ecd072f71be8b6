//! `barometer golive`: what will be sent first is shown first.

use std::io::{BufRead as _, IsTerminal as _};

use super::Surroundings;
use crate::api::{GoliveReport, GoliveRequest, OwnerState, OwnersReport, route};
use crate::cli::GoliveArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::show;

/// How much of the revenue may be looked after by nobody, in basis points: at more, alerts about what matters would be read
/// by nobody in particular, which is how a team learns to ignore them.
const MOST_UNOWNED: u32 = 500;
/// How many are named: more scroll the refusal off the screen.
const NAMED: usize = 10;

/// Carries the command out.
pub(super) async fn golive(here: &Surroundings, client: &Client, args: GoliveArgs) -> Result<(), Failure> {
    // `--all` is both left out, said aloud.
    let GoliveArgs { playbook, destination, all: _, open_top, dry_run, yes, accept_unowned } = args;
    let request = GoliveRequest { playbook, destination, open_top, dry_run: true };
    let preview: GoliveReport = client.post(route::GOLIVE, &request).await?;
    if dry_run {
        return here.answer(&preview, |report| show::golive(report, here.style));
    }
    if !accept_unowned {
        owned(&client.get(route::OWNERS).await?)?;
    }
    if !yes && std::io::stdin().is_terminal() {
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

/// # Errors
/// When too much of the book is looked after by nobody.
fn owned(owners: &OwnersReport) -> Result<(), Failure> {
    let share = owners.unowned_basis_points;
    if share <= MOST_UNOWNED {
        return Ok(());
    }
    let unknown = owners.owners.iter().filter(|owner| owner.state == OwnerState::Unknown);
    let unknown = unknown
        .map(|owner| format!("owner `{}` ({})", owner.said, show::count(owner.accounts.into(), "account", "accounts")));
    let without = owners.without.iter().map(|account| format!("{} ({})", account.name, account.account));
    let all: Vec<String> = unknown.chain(without).map(|name| show::safe(&name)).collect();
    let more = if all.len() > NAMED { format!(" and {} more", all.len() - NAMED) } else { String::new() };
    let of = if owners.arr.is_empty() { "of the accounts" } else { "of the revenue" };
    Err(Failure::Unowned {
        share: format!("{}.{:02} % {of}", share / 100, share % 100),
        whose: format!("{}{more}", all[..all.len().min(NAMED)].join(", ")),
    })
}
