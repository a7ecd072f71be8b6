//! Carries a command out: asks the host and prints its answer.

mod accounts;
mod aws;
mod backfill;
mod check;
mod doctor;
mod golive;
mod import;
mod map_try;
mod preflight;
mod progress;
mod redrive;
mod rescore;
mod say;
mod setup;
mod simulate;
mod up;

pub use map_try::MapCommand;
pub use setup::SetupCommand;
pub use up::is_opening_the_book;

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use model::Moment;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::{
    ClockChange, ClockNow, EraseReport, EraseRequest, LinkReport, LinkRequest, LinkTo, ReplayReport, ReplayRequest,
    ReplayWhich, Sending, route,
};
use crate::cli::{Cli, ClockCommand, Command, EraseArgs, GlobalArgs, LinkArgs, ReplayArgs, SettleArgs};
use crate::client::Client;
use crate::failure::Failure;
use crate::options::Serve;
use crate::run::up::Stop;
use crate::show::{self, Style};

/// What a command works with.
#[derive(Clone)]
struct Surroundings {
    /// What every command takes.
    global: GlobalArgs,
    /// The machine's clock when the command began; only deliveries to other installations count from it.
    now: Moment,
    /// Runs a host.
    serve: Serve,
    /// How answers may be decorated.
    style: Style,
    /// Where answers go.
    out: Out,
}

/// Takes text that is an answer.
type Out = Arc<dyn Fn(&str) -> std::io::Result<()> + Send + Sync>;

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Surroundings({:?})", self.global)
    }
}

/// Carries the command out.
///
/// # Errors
/// When it could not be; the report says what to do.
pub async fn run(cli: Cli, now: Moment, serve: Serve) -> Result<(), miette::Report> {
    let style = style_of(&std::io::stdout());
    let out: Out = Arc::new(|text| {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    });
    let here = Surroundings { global: cli.global, now, serve, style, out };
    carry_out(&here, cli.command.unwrap_or_default()).await
}

async fn carry_out(here: &Surroundings, command: Command) -> Result<(), miette::Report> {
    if here.global.aws {
        return aws::on_aws(here, command).await;
    }
    match command {
        Command::Up(args) => up::up(here, &args, Stop::on_signals()?).await,
        Command::Check => check::check(here),
        Command::Preflight(args) => preflight::preflight(here, &args).await,
        Command::Setup(command) => setup::setup(here, &command).await,
        Command::Map(command) => map_try::map(here, &command),
        Command::Doctor(args) => doctor::doctor(here, args).await,
        Command::Simulate(args) => simulate::simulate(here, &args).await,
        other => {
            let session = Client::connect_or_start(&here.global, here.serve).await?;
            let done = ask(here, &session.client, other).await;
            // Also after a failure: a host that was started for this command must end in good order.
            let closed = session.close().await;
            done.and(closed)
        }
    }
}

/// Whether text for `stream` is decorated: on a terminal, unless NO_COLOR is set (<https://no-color.org>).
pub fn style_of(stream: &impl IsTerminal) -> Style {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if stream.is_terminal() && !refused { Style::Coloured } else { Style::Plain }
}

/// The commands that are one question to the host, or to who answers for a deployed stack.
async fn ask(here: &Surroundings, client: &Client, command: Command) -> Result<(), miette::Report> {
    let style = here.style;
    match command {
        Command::Accounts(args) => accounts::accounts(here, client, args).await?,
        Command::Book => here.get(client, route::BOOK, &[], |book| show::book(book, style)).await?,
        Command::Owners => here.get(client, route::OWNERS, &[], |owners| show::owners(owners, style)).await?,
        Command::Precision => here.get(client, route::PRECISION, &[], |told| show::precision(told, style)).await?,
        Command::Play(command) => say::play(here, client, command).await?,
        Command::Note(args) => say::note(here, client, args).await?,
        Command::Sentiment(command) => say::sentiment(here, client, command).await?,
        Command::Override(command) => say::set_band(here, client, command).await?,
        Command::Incident(command) => say::incident(here, client, command).await?,
        Command::Explain(args) => {
            let mut query = vec![("account", args.account.account)];
            query.extend(args.at.map(|at| ("at", at.to_string())));
            here.get(client, route::EXPLAIN, &query, |it| show::explain(it, style)).await?;
        }
        Command::Outbox => here.get(client, route::OUTBOX, &[], |rows: &Vec<_>| show::outbox(rows, style)).await?,
        Command::Timeline(args) => {
            let query = [("account", args.account)];
            here.get(client, route::TIMELINE, &query, |rows: &Vec<_>| show::timeline(rows, style)).await?;
        }
        Command::Journal => here.get(client, route::JOURNAL, &[], |rows: &Vec<_>| show::journal(rows, style)).await?,
        Command::Quarantine(args) => {
            let query = [("all", args.all.to_string())];
            here.get(client, route::QUARANTINE, &query, |rows: &Vec<_>| show::quarantine(rows, style)).await?;
        }
        Command::Unmatched => {
            let ClockNow { now, .. } = client.get(route::CLOCK).await?;
            here.get(client, route::UNMATCHED, &[], |rows: &Vec<_>| show::unmatched(rows, now, style)).await?;
        }
        Command::Link(args) => link(here, client, args).await?,
        Command::Backfill(args) => backfill::backfill(here, client, args).await?,
        Command::Import(args) => import::import(here, client, args).await?,
        Command::Erase(args) => erase(here, client, args).await?,
        Command::Settle(args) => settle(here, client, &args).await?,
        Command::Clock(command) => clock(here, client, command).await?,
        Command::Golive(args) => golive::golive(here, client, args).await?,
        Command::Pause => sending(here, client, route::PAUSE).await?,
        Command::Resume => sending(here, client, route::RESUME).await?,
        Command::Replay(args) => replay(here, client, args).await?,
        Command::Rescore(args) => rescore::rescore(here, client, args).await?,
        Command::Redrive(args) => redrive::redrive(here, client, args).await?,
        // These do not ask a host that runs already, and are carried out by `run`.
        Command::Up(_)
        | Command::Simulate(_)
        | Command::Check
        | Command::Preflight(_)
        | Command::Doctor(_)
        | Command::Setup(_)
        | Command::Map(_) => {}
    }
    Ok(())
}

async fn settle(here: &Surroundings, client: &Client, args: &SettleArgs) -> Result<(), Failure> {
    let timeout_ms = u64::try_from(args.timeout.as_millis()).unwrap_or(u64::MAX);
    let settled = client.settle(timeout_ms).await?;
    if settled.quiet || here.global.json {
        here.answer(&settled, show::settled)?;
    }
    if settled.quiet {
        return Ok(());
    }
    Err(Failure::NotQuiet { after: args.timeout.to_string(), what: show::unsettled(&settled) })
}

async fn clock(here: &Surroundings, client: &Client, command: ClockCommand) -> Result<(), Failure> {
    let change = match command {
        ClockCommand::Show => None,
        ClockCommand::Set { to } => Some(ClockChange::Set(to)),
        ClockCommand::Advance { by } => Some(ClockChange::AdvanceMs(by.as_millis())),
    };
    let now: ClockNow = match change {
        None => client.get(route::CLOCK).await?,
        Some(change) => client.post(route::CLOCK, &change).await?,
    };
    here.answer(&now, show::clock)
}

async fn link(here: &Surroundings, client: &Client, args: LinkArgs) -> Result<(), Failure> {
    let to = match args {
        // Of the three exactly one is given: the command line requires it.
        LinkArgs { account: Some(account), .. } => LinkTo::Account(account),
        LinkArgs { alone: true, .. } => LinkTo::Alone,
        LinkArgs { .. } => LinkTo::Undo,
    };
    let report: LinkReport = client.post(route::LINK, &LinkRequest { subject: args.subject, to }).await?;
    here.answer(&report, |report| show::link(report, here.style))
}

async fn erase(here: &Surroundings, client: &Client, args: EraseArgs) -> Result<(), Failure> {
    let EraseArgs { person, pending: _, dry_run } = args;
    let report: EraseReport = client.post(route::ERASE, &EraseRequest { person, dry_run }).await?;
    here.answer(&report, |report| show::erase(report, here.style))
}

async fn sending(here: &Surroundings, client: &Client, route: &str) -> Result<(), Failure> {
    let sending: Sending = client.post(route, &serde_json::json!({})).await?;
    here.answer(&sending, show::sending)
}

async fn replay(here: &Surroundings, client: &Client, args: ReplayArgs) -> Result<(), Failure> {
    let ReplayArgs { delivery, account, quarantined, since, until, without, act } = args;
    let which = match (delivery, account, since) {
        (Some(delivery), _, _) => ReplayWhich::Delivery(delivery),
        (None, Some(account), _) => ReplayWhich::Account(account),
        (None, None, _) if quarantined => ReplayWhich::Quarantined,
        // One of the four is given: the command line requires it.
        (None, None, since) => ReplayWhich::Received { since: since.unwrap_or(Moment::EARLIEST), until },
    };
    let report: ReplayReport = client.post(route::REPLAY, &ReplayRequest { which, act, without }).await?;
    here.answer(&report, |report| show::replay(report, here.style))
}

impl Surroundings {
    async fn get<T: DeserializeOwned + Serialize>(
        &self,
        client: &Client,
        route: &str,
        query: &[(&str, String)],
        show: impl Fn(&T) -> String,
    ) -> Result<(), Failure> {
        let answer: T = if query.is_empty() { client.get(route).await? } else { client.query(route, query).await? };
        self.answer(&answer, show)
    }

    /// Prints an answer: as it is with `--json`, else as people read it.
    fn answer<T: Serialize>(&self, answer: &T, show: impl Fn(&T) -> String) -> Result<(), Failure> {
        if !self.global.json {
            return self.print(&show(answer));
        }
        let text = serde_json::to_string_pretty(answer);
        let text = text.map_err(|error| Failure::OddAnswer { address: "this".to_owned(), what: error.to_string() })?;
        self.print(&(text + "\n"))
    }

    /// Says who goes on with what a command began, where that cannot be waited for.
    fn tell_who_goes_on(&self) -> Result<(), Failure> {
        if !self.global.aws || self.global.json {
            return Ok(());
        }
        let text =
            "What follows from it is computed by the stack's functions now; `barometer accounts --aws` shows it.\n";
        self.print(&self.style.faint(text))
    }

    /// Writes an answer. A reader that has seen enough (`| head`) is no failure.
    fn print(&self, text: &str) -> Result<(), Failure> {
        match (self.out)(text) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(Failure::system("cannot write to standard output")),
        }
    }
}

#[cfg(test)]
#[path = "run/tests.rs"]
mod tests;
