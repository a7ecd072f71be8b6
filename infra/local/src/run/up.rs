//! `barometer up`: runs the host until it is told to stop.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use config::Problem;
use config::secrets::missing_tokens;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{Surroundings, style_of};
use crate::api::{AccountRow, ClockNow, FETCH, OutboxRow, Status, route};
use crate::cli::UpArgs;
use crate::client::{Client, Started, absolute, joined, secrets_file};
use crate::failure::Failure;
use crate::lock::{HostFile, Lock};
use crate::options::UpOptions;
use crate::run::simulate::{Target, post};
use crate::samples::{self, Phase};
use crate::show;

static OPENING_THE_BOOK: AtomicBool = AtomicBool::new(false);

/// The sample book is being posted; what that sets off is told by the welcome screen.
pub fn is_opening_the_book() -> bool {
    OPENING_THE_BOOK.load(Ordering::Relaxed)
}

/// How long the sample book may take to settle between its parts, in milliseconds.
const BOOK_MS: u64 = 60_000;

/// Carries the command out; ends when the process is told to, or when the host fails.
pub(super) async fn up(here: &Surroundings, args: &UpArgs, mut stop: Stop) -> Result<(), miette::Report> {
    let lock = Lock::acquire(&here.global.data).map_err(Failure::from)?;
    let config = here.global.config.as_deref().map(absolute);
    let secrets = here.global.secrets.as_deref().map(absolute);
    let options = UpOptions {
        data: here.global.data.clone(),
        config: config.clone(),
        secrets: secrets_file(&here.global, &HostFile { secrets: secrets.clone(), ..HostFile::default() }),
        listen: args.listen,
        clock: args.clock,
    };
    let file = options.secrets.clone();
    let folder = options.config.clone();
    let mut started = Started::start(lock, options, here.serve).await?;
    // Only what a host has started with is worth remembering.
    started.remember(config, secrets)?;
    tell_missing_tokens(folder.as_deref(), &file);
    let address = started.address;
    let client = Client::new(address)?;
    let begun = async {
        if !args.empty {
            OPENING_THE_BOOK.store(true, Ordering::Relaxed);
            let opened = open_book(&client, &file).await;
            OPENING_THE_BOOK.store(false, Ordering::Relaxed);
            opened?;
        }
        // One line for the program that waits for it; everything else is for people and goes to standard error.
        here.print(&format!("ready http://{address}\n"))?;
        welcome(here, &client, &file).await
    };
    tokio::select! {
        begun = begun => begun?,
        () = stop.asked() => return started.stop().await,
    }
    tokio::select! {
        ended = &mut started.serving => joined(ended),
        () = stop.asked() => {
            info!("Stopping: what is under way is finished first; a second signal ends at once");
            tokio::select! {
                stopped = started.stop() => stopped,
                () = stop.asked() => Err(miette::miette!(
                    help = "what was under way is taken up again by the next `barometer up`",
                    "ended by a second signal"
                )),
            }
        }
    }
}

/// One line for each connection that could tell more with a token. A host runs, so both files are there and right.
fn tell_missing_tokens(config: Option<&Path>, secrets: &Path) {
    let (Ok(config), Ok(found)) = (crate::config_files::load(config), crate::secrets::load(secrets)) else { return };
    for warning in missing_tokens(&config, &found, &secrets.display().to_string(), "") {
        info!("{}", sentence(&warning));
    }
}

fn sentence(warning: &Problem) -> String {
    let help = warning.help.as_ref().map(|help| format!("; {help} in {}", warning.file)).unwrap_or_default();
    format!("{}{help}", warning.message)
}

/// Fills an empty journal with the sample book. Each delivery is settled before the next, so that each is judged by itself,
/// as it would be when tools send them over weeks, and a replay decides the same.
async fn open_book(client: &Client, secrets: &Path) -> Result<(), miette::Report> {
    let status: Status = client.get(route::STATUS).await?;
    if status.deliveries > 0 {
        return Ok(());
    }
    let ClockNow { now, .. } = client.get(route::CLOCK).await?;
    let mut book = samples::book(now)?;
    let target = Target::local(client, status.connections, secrets)?;
    // A configuration or a file of secrets of one's own need not have every connection that the samples come from.
    for connection in target.keep_what_it_takes(&mut book, |delivery| &delivery.connection) {
        info!("The sample book leaves out what comes from `{connection}`, which is not set up here");
    }
    for phase in [Phase::Baseline, Phase::Change] {
        for delivery in book.iter().filter(|delivery| delivery.phase == Some(phase)) {
            let answer = post(&target, delivery, now).await?;
            if !answer.accepted() {
                warn!("The sample book stays closed: `{}` was answered {answer}", delivery.name);
                return Ok(());
            }
            let settled = client.settle(BOOK_MS).await?;
            if !settled.quiet {
                warn!("The sample book has not settled: {}", show::unsettled(&settled));
            }
        }
    }
    Ok(())
}

async fn welcome(here: &Surroundings, client: &Client, secrets: &Path) -> Result<(), miette::Report> {
    let status: Status = client.get(route::STATUS).await?;
    let mut outbox: Vec<OutboxRow> = client.get(route::OUTBOX).await?;
    outbox.retain(|row| row.kind != FETCH);
    let accounts: Vec<AccountRow> = client.get(route::ACCOUNTS).await?;
    // The account of the newest message has a story to tell; else the worst.
    let account = outbox.first().map(|row| &row.account_name).or(accounts.first().map(|row| &row.name));
    let style = style_of(&std::io::stderr());
    if let Some(row) = outbox.first() {
        eprintln!("{}", show::newest(row, style));
    }
    eprintln!("{}", show::welcome(&status, account.map(String::as_str), &here.global.data, secrets, style));
    Ok(())
}

/// Requests to stop, each of which counts.
#[derive(Debug)]
pub(super) struct Stop(mpsc::Receiver<()>);

impl Stop {
    /// Ctrl-C and the signal that service managers send.
    pub(super) fn on_signals() -> Result<Self, Failure> {
        let heard = |kind| signal(kind).map_err(Failure::system("cannot listen for signals"));
        let (mut interrupt, mut terminate) = (heard(SignalKind::interrupt())?, heard(SignalKind::terminate())?);
        let (ask, asked) = mpsc::channel(2);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if ask.send(()).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self(asked))
    }

    /// Requests that come through a channel.
    #[cfg(test)]
    pub(super) fn on(asked: mpsc::Receiver<()>) -> Self {
        Self(asked)
    }

    async fn asked(&mut self) {
        if self.0.recv().await.is_none() {
            // Nobody can ask any more.
            std::future::pending().await
        }
    }
}
