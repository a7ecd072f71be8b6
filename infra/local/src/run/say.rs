//! `barometer play`, `note`, `sentiment`, `override`: one statement about one account.

use super::Surroundings;
use crate::api::{SayReport, SayRequest, Saying, route};
use crate::cli::{AccountArg, ByArg, NoteArgs, OverrideCommand, PlayCommand, SentimentCommand};
use crate::client::Client;
use crate::failure::Failure;
use crate::show;

/// How long the command waits until what follows has followed, in milliseconds.
const FINISH_MS: u64 = 10_000;

pub(super) async fn play(here: &Surroundings, client: &Client, command: PlayCommand) -> Result<(), Failure> {
    match command {
        PlayCommand::Start { playbook, account, by } => {
            say(here, client, account, by, Saying::PlayStart { playbook }).await
        }
        PlayCommand::Close { playbook, account, reason, by } => {
            say(here, client, account, by, Saying::PlayClose { playbook, reason }).await
        }
    }
}

pub(super) async fn note(here: &Surroundings, client: &Client, args: NoteArgs) -> Result<(), Failure> {
    let NoteArgs { account, text, by } = args;
    say(here, client, account, by, Saying::Note { text }).await
}

pub(super) async fn sentiment(here: &Surroundings, client: &Client, command: SentimentCommand) -> Result<(), Failure> {
    let SentimentCommand::Set { account, band, by } = command;
    say(here, client, account, by, Saying::Sentiment { band }).await
}

pub(super) async fn set_band(here: &Surroundings, client: &Client, command: OverrideCommand) -> Result<(), Failure> {
    match command {
        OverrideCommand::Set { account, band, until, reason, by } => {
            say(here, client, account, by, Saying::Override { band, until, reason }).await
        }
        OverrideCommand::Clear { account, by } => say(here, client, account, by, Saying::OverrideClear).await,
    }
}

async fn say(
    here: &Surroundings,
    client: &Client,
    AccountArg { account }: AccountArg,
    ByArg { by }: ByArg,
    what: Saying,
) -> Result<(), Failure> {
    let report: SayReport = client.post(route::SAY, &SayRequest { account, by, what }).await?;
    client.settle(FINISH_MS).await?;
    here.answer(&report, show::said)
}
