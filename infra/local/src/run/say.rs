//! `barometer play`, `note`, `sentiment`, `override`: one statement about one account. `incident`: one about each of some.

use super::Surroundings;
use crate::api::{AccountRow, SayReport, SayRequest, Saying, route};
use crate::cli::{
    AccountArg, ByArg, IncidentCommand, NoteArgs, OverrideCommand, PlayCommand, SentimentCommand, TroubledArg,
};
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

pub(super) async fn incident(here: &Surroundings, client: &Client, command: IncidentCommand) -> Result<(), Failure> {
    let (TroubledArg { accounts, all }, ByArg { by }, what) = match command {
        IncidentCommand::Set { of, until, reason, by } => (of, by, Saying::Incident { until, reason }),
        IncidentCommand::Clear { of, by } => (of, by, Saying::IncidentClear),
    };
    let accounts = if all {
        let rows: Vec<AccountRow> = client.get(route::ACCOUNTS).await?;
        rows.into_iter().map(|row| row.id.to_string()).collect()
    } else {
        accounts
    };
    let mut said = Vec::with_capacity(accounts.len());
    for account in accounts {
        let request = SayRequest { account, by: by.clone(), what: what.clone() };
        said.push(client.post::<SayReport>(route::SAY, &request).await?);
    }
    client.settle(FINISH_MS).await?;
    here.answer(&said, |said| said.iter().map(show::said).collect())
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
