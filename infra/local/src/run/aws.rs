//! `--aws`: the same commands, asked of a deployed stack.

use super::{Surroundings, ask};
use crate::aws::{self, Needs};
use crate::cli::Command;
use crate::config_files;
use crate::failure::Failure;

/// Carries a command out on AWS.
pub(super) async fn on_aws(here: &Surroundings, command: Command) -> Result<(), miette::Report> {
    if !reaches(&command) {
        return Err(Failure::NotOnAws.into());
    }
    let config = config_files::load(here.global.config.as_deref())?;
    let needs = if matches!(command, Command::Golive(_)) { Needs::Secrets } else { Needs::Tables };
    let client = aws::connect(&here.global.stack, config, needs).await?;
    ask(here, &client, command).await
}

/// Whether a command can be asked of a stack that runs elsewhere: what it needs is in the tables.
fn reaches(command: &Command) -> bool {
    match command {
        Command::Accounts(_)
        | Command::Book
        | Command::Owners
        | Command::Precision
        | Command::Explain(_)
        | Command::Outbox
        | Command::Timeline(_)
        | Command::Journal
        | Command::Quarantine(_)
        | Command::Unmatched
        | Command::Play(_)
        | Command::Note(_)
        | Command::Sentiment(_)
        | Command::Override(_)
        | Command::Incident(_)
        | Command::Link(_)
        | Command::Golive(_)
        | Command::Pause
        | Command::Resume
        | Command::Replay(_)
        | Command::Redrive(_) => true,
        Command::Up(_)
        | Command::Backfill(_)
        | Command::Import(_)
        | Command::Erase(_)
        | Command::Simulate(_)
        | Command::Settle(_)
        | Command::Clock(_)
        | Command::Rescore(_)
        | Command::Doctor(_)
        | Command::Check
        | Command::Preflight(_)
        | Command::Setup(_)
        | Command::Map(_) => false,
    }
}
