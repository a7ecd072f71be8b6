//! `--aws`: the same commands, asked of a deployed stack.

use config::Config;

use super::{Surroundings, ask, doctor};
use crate::aws::{self, Needs};
use crate::cli::Command;
use crate::config_files;
use crate::failure::Failure;
use crate::host::listing;

/// Carries a command out on AWS.
pub(super) async fn on_aws(here: &Surroundings, command: Command) -> Result<(), miette::Report> {
    if !reaches(&command) {
        return Err(Failure::NotOnAws.into());
    }
    let config = config_files::load(here.global.config.as_deref())?;
    if let Command::Doctor(args) = command {
        return doctor::of_a_stack(here, config, args).await;
    }
    let needs = needs(&command, &config);
    let client = aws::connect(&here.global.stack, config, needs).await?;
    ask(here, &client, command).await
}

/// What a command needs besides the tables.
fn needs(command: &Command, config: &Config) -> Needs {
    match command {
        Command::Golive(_) => Needs::Secrets,
        // Where nothing of that name can be listed, the answer says so.
        Command::Backfill(args) => match listing(config, &args.of) {
            Ok((connection, _)) => Needs::Token(connection.name.clone()),
            Err(_) => Needs::Tables,
        },
        _ => Needs::Tables,
    }
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
        | Command::Backfill(_)
        | Command::Import(_)
        | Command::Erase(_)
        | Command::Rescore(_)
        | Command::Redrive(_)
        | Command::Doctor(_) => true,
        Command::Up(_)
        | Command::Simulate(_)
        | Command::Settle(_)
        | Command::Clock(_)
        | Command::Check
        | Command::Preflight(_)
        | Command::Setup(_)
        | Command::Map(_) => false,
    }
}
