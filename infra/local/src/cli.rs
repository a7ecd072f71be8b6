//! The command line: names, flags and help. Other programs drive it, so what is here is not renamed.

mod accounts;
mod backfill;
mod import;
mod preflight;
mod redrive;
mod say;

pub use accounts::{AccountsArgs, BandName, SortBy};
pub use backfill::BackfillArgs;
pub use import::{ImportArgs, SheetName};
pub use preflight::PreflightArgs;
pub use redrive::RedriveArgs;
pub use say::{ByArg, IncidentCommand, NoteArgs, OverrideCommand, PlayCommand, SentimentCommand, TroubledArg};

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use model::{DeliveryId, Moment, PlaybookName};

use crate::duration::Span;
use crate::run::{MapCommand, SetupCommand};

/// Watches the health of customer accounts and says why.
///
/// One process holds everything: webhooks come in, accounts are assessed, alerts stand in an outbox. Nothing is sent
/// until `barometer golive`. Every other command asks the host that runs on the same data folder, or starts one for
/// as long as the command takes.
#[derive(Debug, Parser)]
#[command(
    name = "barometer",
    version,
    after_help = "\
Examples:
  barometer                                   start with a sample book of accounts
  barometer accounts                          all accounts, the worst first
  barometer explain nordwind                  one account: every point, and the vendor's value behind it
  barometer simulate kestrel-sentiment-red    a change, as the CRM would send it
  barometer outbox                            the alert it caused, as it would be sent

Exit codes: 0 done, 1 it failed (standard error says what to do), 2 the command line is wrong."
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do; `up` when it is left out.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// The folder that holds everything this installation knows
    #[arg(long, global = true, value_name = "DIR", env = "BAROMETER_DATA", default_value = ".barometer")]
    pub data: PathBuf,
    /// The configuration folder [default: for `up` the one built in, for a host that another command starts the one of the last `up`]
    #[arg(long, global = true, value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// The file of secrets [default: secrets.toml in the data folder, made with random values by the first `up`]
    #[arg(long, global = true, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Answer in JSON, with keys that stay
    #[arg(long, global = true)]
    pub json: bool,
    /// Ask the stack on AWS, with the region and key of the environment, instead of the host here
    #[arg(long, global = true)]
    pub aws: bool,
    /// With --aws: the stack's name
    #[arg(long, global = true, value_name = "NAME", default_value = "barometer")]
    pub stack: String,
}

/// The file of secrets in the data folder.
const SECRETS: &str = "secrets.toml";

impl GlobalArgs {
    /// The file of secrets: the one that is named, else the one in the data folder.
    pub fn secrets_file(&self) -> PathBuf {
        self.secrets.clone().unwrap_or_else(|| self.data.join(SECRETS))
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the host until it is told to stop
    Up(UpArgs),
    /// List the assessed accounts, the worst first
    #[command(after_help = accounts::HELP)]
    Accounts(AccountsArgs),
    /// Show which companies are watched and why, how they stand, and what is not known of them
    #[command(after_help = accounts::BOOK_HELP)]
    Book,
    /// Show who looks after the accounts, whom nobody knows, and what nobody looks after
    #[command(after_help = accounts::OWNERS_HELP)]
    Owners,
    /// Show how often the alerts of each playbook were of use, and which playbook should be retired
    #[command(after_help = accounts::PRECISION_HELP)]
    Precision,
    /// Show why an account's score is what it is
    #[command(after_help = "\
Examples:
  barometer explain nordwind
  barometer explain hubspot:company:70110001 --at 2026-11-01T09:00:00Z")]
    Explain(ExplainArgs),
    /// Show every message that was asked for, as it would be sent, and where it stands
    Outbox,
    /// Show what happened to an account, in order
    Timeline(AccountArg),
    /// List all deliveries that were accepted
    Journal,
    /// List what was accepted and not understood, with the reason and the place
    #[command(after_help = "\
Examples:
  barometer quarantine
  barometer quarantine --all                        also what was mended since
  barometer replay --quarantined --act              once the mapping is mended")]
    Quarantine(QuarantineArgs),
    /// List what belongs to no account yet, and what would link it
    Unmatched,
    /// Read what a vendor's API lists into the journal: history, never news
    #[command(after_help = backfill::HELP)]
    Backfill(BackfillArgs),
    /// Start a playbook for an account, or end what runs of one
    #[command(subcommand, after_help = say::PLAY_HELP)]
    Play(PlayCommand),
    /// Keep a note in an account's timeline
    #[command(after_help = say::NOTE_HELP)]
    Note(NoteArgs),
    /// Say how an account feels
    #[command(subcommand, after_help = say::SENTIMENT_HELP)]
    Sentiment(SentimentCommand),
    /// Set the band of an account by hand, for some time
    #[command(subcommand, after_help = say::OVERRIDE_HELP)]
    Override(OverrideCommand),
    /// Say that an incident of ours is why accounts write tickets
    #[command(subcommand, after_help = say::INCIDENT_HELP)]
    Incident(IncidentCommand),
    /// Load what is known already from a CSV file: history, never news
    #[command(after_help = import::HELP)]
    Import(ImportArgs),
    /// Say to which account something belongs, whatever the tools say
    #[command(after_help = "\
SUBJECT is an id (zendesk:org:5, hubspot:deal:7), an email address, a web domain, or the name of an account. All that
belongs to it comes along: who links a domain links everybody who writes from there. The decision is kept in the
journal and counts until it is taken back.

Examples:
  barometer link zendesk:org:5 nordwind
  barometer link acme.example \"Acme Inc\"
  barometer link ann@partner.example --alone        she belongs to no account
  barometer link zendesk:org:5 --undo               the tools decide again")]
    Link(LinkArgs),
    /// Forget a person: drop what is known of them, and rewrite every body that speaks of them
    #[command(after_help = "\
SUBJECT is an email address or the id of a contact, user or answer. What the tools link to it is the same person: the
contacts and users of that address, their other addresses, their answers to surveys. --dry-run shows them all.

What is said about them later is ignored, also when it is older. What remains are the ids and addresses themselves: in
the rows that keep them erased, and in the statement in the journal by which a replay knows of it. Tickets and deals
keep their status and dates; the bodies that brought them are rewritten where they name the person. Backups, messages that
were sent, and what the tools themselves keep are not ours to rewrite. Doing it twice changes nothing; broken off, do it again.

With --aws it also rewrites failed batches in S3 and dead letters in SQS. What waits to be read by a function is not looked at:
the answer names the queue, and the same command finds it ten minutes later. Backups of the tables go after 35 days.

The journal is read at no more than 500 deliveries a second.

Examples:
  barometer erase ann@acme.example --dry-run
  barometer erase hubspot:contact:51
  barometer erase --pending                         everybody whom a tool told us to forget")]
    Erase(EraseArgs),
    /// Send sample deliveries, signed as the vendor signs them
    #[command(after_help = "\
Examples:
  barometer simulate --list
  barometer simulate nordwind-sentiment-red --duplicate 3
  barometer simulate --random 200 --shuffle --seed 7
  barometer simulate book --to https://hooks.example.com     a deployed installation, with its --secrets")]
    Simulate(SimulateArgs),
    /// Wait until nothing is in flight
    Settle(SettleArgs),
    /// Show or move the host's clock
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Let messages out, which were only shown so far
    #[command(after_help = "\
Shows first what will be sent, with the starting book of each owner as it will read, and asks. It refuses while more than
5 % of the revenue is looked after by nobody whom team.toml knows: `barometer owners` says by whom, and what mends it.

Examples:
  barometer golive --dry-run               what would be sent first, and nothing else
  barometer golive --playbook risk-mitigation --destination slack
  barometer golive --all --open-top 5      also open a playbook for the first five accounts that are red or renew soon already")]
    Golive(GoliveArgs),
    /// Send nothing until `resume`; deliveries are still taken and accounts still assessed
    Pause,
    /// Send what is asked for from now on; what was held back is not sent late
    Resume,
    /// Run recorded deliveries again and show what is not as recorded
    #[command(after_help = "\
Without --act nothing is written and nothing leaves: a changed mapping, model or playbook can be tried first.

Examples:
  barometer replay --account nordwind
  barometer replay --since 2026-11-01T00:00:00Z
  barometer replay --quarantined --act                 after mending the mapping of what was quarantined")]
    Replay(ReplayArgs),
    /// Show what a changed configuration makes of every account, and let it count
    #[command(after_help = "\
A changed model, playbook or other file counts for an account from its next news on. This command looks at all of them
now: it shows who is scored otherwise and why, and states in the journal, so that a replay knows of it, that today's
configuration counts for those. It opens and closes no run of a playbook and messages nobody; what is open goes on by
the new rules from the next morning. Interrupted, it is simply run again. An account that is not watched any more is
only named: it leaves with its next news. With --aws the stack's functions recompute the accounts, by the configuration that
was deployed with them: give the same one with --config. The command looks until they are done, or do not get on for a minute.

Examples:
  barometer rescore --dry-run --config my-config    while no host runs: who would be scored otherwise
  barometer rescore                                 after `barometer up` with that configuration
  barometer rescore --aws --config my-config        after `make deploy CONFIG=my-config`")]
    Rescore(RescoreArgs),
    /// Do again what was given up: dead letters, failed batches, and what was received during an outage
    #[command(after_help = redrive::HELP)]
    Redrive(RedriveArgs),
    /// Look at everything that real webhooks and messages need, and say what mends what is wrong
    #[command(after_help = "\
Looks at the host and its clock, and at each connection and destination: secrets, addresses, tokens and what they are
allowed, webhooks and properties at the vendor's, silence. A delivery is signed with each connection's own secret and posted
to the host's own address; it says nothing, opens nothing, and stands in the journal as `self-test`.

With --aws a deployed stack is looked at: also how it was deployed, its alarms, what was given up, and whether it is paused.
Secrets are its parameters, and deliveries go to its own address.

Nothing is changed. The exit code is 1 when something is to be mended.

Examples:
  barometer doctor
  barometer doctor --offline                        asks no vendor
  barometer doctor --aws --stack NAME")]
    Doctor(DoctorArgs),
    /// Check the configuration and run the examples of its playbooks
    Check,
    /// See whether a deployment on AWS would work, before anything is made there
    #[command(after_help = preflight::HELP)]
    Preflight(PreflightArgs),
    /// Connect a tool: what its properties mean, and what Barometer needs there
    #[command(subcommand)]
    Setup(SetupCommand),
    /// Try the mapping on a body before it counts
    #[command(subcommand)]
    Map(MapCommand),
}

/// `barometer up`
#[derive(Debug, Clone, Args)]
pub struct UpArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value_t = UpArgs::LISTEN)]
    pub listen: SocketAddr,
    /// Start without the sample book, which otherwise fills an empty journal
    #[arg(long)]
    pub empty: bool,
    /// Let the clock stand at this moment until `barometer clock` moves it
    #[arg(long, value_name = "RFC3339")]
    pub clock: Option<Moment>,
}

impl UpArgs {
    /// Where a host listens unless told otherwise.
    pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);
}

/// `up` without options, which is also what happens when no command is named.
impl Default for Command {
    fn default() -> Self {
        Self::Up(UpArgs { listen: UpArgs::LISTEN, empty: false, clock: None })
    }
}

/// Names an account.
#[derive(Debug, Args)]
pub struct AccountArg {
    /// Its id, its name or the beginning of its name
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
}

/// `barometer explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Which account.
    #[command(flatten)]
    pub account: AccountArg,
    /// As it was at this moment
    #[arg(long, value_name = "T")]
    pub at: Option<Moment>,
}

/// `barometer quarantine`
#[derive(Debug, Args)]
pub struct QuarantineArgs {
    /// Also what was understood since
    #[arg(long)]
    pub all: bool,
}

/// `barometer link`
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("where").required(true).args(["account", "alone", "undo"])))]
pub struct LinkArgs {
    /// What belongs there: an id, an email address, a web domain or the name of an account
    #[arg(value_name = "SUBJECT")]
    pub subject: String,
    /// Where it belongs: an account's name or id
    #[arg(value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// It belongs to nothing else, whatever the tools say
    #[arg(long)]
    pub alone: bool,
    /// Take the decision back
    #[arg(long)]
    pub undo: bool,
}

/// `barometer erase`
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["person", "pending"])))]
pub struct EraseArgs {
    /// An email address, or the id of a contact, user or answer
    #[arg(value_name = "SUBJECT")]
    pub person: Option<String>,
    /// Everybody whom a tool told us to forget and whose bodies are still in the journal
    #[arg(long)]
    pub pending: bool,
    /// Only show who and what it would be
    #[arg(long)]
    pub dry_run: bool,
}

/// `barometer simulate`
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Samples, by the names that --list shows; `book` stands for the whole sample book
    #[arg(value_name = "NAME", required_unless_present_any = ["random", "list"])]
    pub names: Vec<String>,
    /// Show the samples instead of sending any
    #[arg(long, conflicts_with_all = ["names", "to", "random"])]
    pub list: bool,
    /// Send to this installation, or to this very webhook when its path holds /hooks/
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Send each delivery this many times more
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub duplicate: u32,
    /// Send in a random order
    #[arg(long)]
    pub shuffle: bool,
    /// Move the times at which the vendor says things happened back by this much
    #[arg(long, value_name = "DUR")]
    pub late: Option<Span>,
    /// Also send this many random changes of the sample companies
    #[arg(long, value_name = "N")]
    pub random: Option<u32>,
    /// Repeat an order and random changes [default: a new one, which is printed]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// `barometer doctor`
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Ask no vendor, and send nothing through the public address
    #[arg(long)]
    pub offline: bool,
    /// Scheme and host by which tools reach this host [default: each connection's `public_url` in connections.toml]
    #[arg(long, value_name = "URL")]
    pub address: Option<String>,
}

/// `barometer settle`
#[derive(Debug, Args)]
pub struct SettleArgs {
    /// Give up after this much real time
    #[arg(long, value_name = "DUR", default_value = "30s")]
    pub timeout: Span,
}

/// `barometer clock`
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ClockCommand {
    /// Show what it says
    Show,
    /// Move it to a later moment and let it stand there
    Set {
        /// RFC 3339, such as 2026-12-01T09:00:00Z
        #[arg(value_name = "T")]
        to: Moment,
    },
    /// Move it on
    Advance {
        /// Such as 36h or 30d
        #[arg(value_name = "DUR")]
        by: Span,
    },
}

/// `barometer golive`
#[derive(Debug, Args)]
pub struct GoliveArgs {
    /// Only this playbook
    #[arg(long, value_name = "P", conflicts_with = "all")]
    pub playbook: Option<PlaybookName>,
    /// Only this destination, such as slack
    #[arg(long, value_name = "D", conflicts_with = "all")]
    pub destination: Option<String>,
    /// Every playbook and destination, which is also what neither of the two means
    #[arg(long)]
    pub all: bool,
    /// Also open the playbook about risk, or the way to the renewal, for the first N accounts of the starting book
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub open_top: u32,
    /// Only show what would be sent first
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask; where standard input is no terminal nobody is asked anyway
    #[arg(long)]
    pub yes: bool,
    /// Go live although more than 5 % of the revenue is looked after by nobody: what concerns it goes to the team's channel
    #[arg(long)]
    pub accept_unowned: bool,
}

/// `barometer replay`
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["delivery", "account", "quarantined", "since"])))]
pub struct ReplayArgs {
    /// This delivery
    #[arg(long, value_name = "ID", value_parser = delivery_id)]
    pub delivery: Option<DeliveryId>,
    /// Every delivery that speaks of this account
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Every delivery of which something is in quarantine
    #[arg(long)]
    pub quarantined: bool,
    /// Every delivery received from this moment on
    #[arg(long, value_name = "T")]
    pub since: Option<Moment>,
    /// With --since: only those received before this moment
    #[arg(long, value_name = "T", requires = "since")]
    pub until: Option<Moment>,
    /// As if this delivery had never arrived; may be given several times
    #[arg(long, value_name = "ID", value_parser = delivery_id, conflicts_with = "act")]
    pub without: Vec<DeliveryId>,
    /// Let the chosen deliveries through the functions once more: facts are mended, and what follows is sent
    #[arg(long)]
    pub act: bool,
}

/// `barometer rescore`
#[derive(Debug, Clone, Copy, Args)]
pub struct RescoreArgs {
    /// Only show what would change
    #[arg(long)]
    pub dry_run: bool,
    /// How many accounts are rescored in a second at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rate: u32,
}

fn delivery_id(text: &str) -> Result<DeliveryId, String> {
    match text.split_once(':') {
        Some((connection, key)) if !connection.is_empty() && !key.is_empty() => Ok(DeliveryId::from_stored(text)),
        _ => Err("expected connection:key, as `barometer journal` shows it".to_owned()),
    }
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
