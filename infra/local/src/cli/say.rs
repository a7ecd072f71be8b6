//! What an operator says of an account: `barometer play`, `note`, `sentiment`, `override`, `incident`

use clap::{Args, Subcommand};
use jiff::civil::Date;
use model::{Band, PlaybookName};

use super::{AccountArg, BandName};

/// What the help of `play` says besides the options.
pub(super) const PLAY_HELP: &str = "\
Examples:
  barometer play start risk-mitigation nordwind
  barometer play close risk-mitigation nordwind --reason \"solved on the phone\"";

/// What the help of `note` says.
pub(super) const NOTE_HELP: &str = "\
The note stands in the account's timeline, with who wrote it and when. It moves no score.

Examples:
  barometer note nordwind \"Their new CFO starts in March; call her before the renewal\"
  barometer timeline nordwind";

/// What the help of `sentiment` says.
pub(super) const SENTIMENT_HELP: &str = "\
Says how the account feels today, as the CSM property of the CRM does. Of the two the newer word counts, unless connections.toml
lists `sentiment` under [authority]. It is news: a playbook may start.

Examples:
  barometer sentiment set nordwind red --by ines.almeida@ourco.example";

/// What the help of `override` says.
pub(super) const OVERRIDE_HELP: &str = "\
The band that is set counts instead of what the score says, for playbooks and people alike, until the end of the last day, in
the zone of the model; then the score's band counts again by itself. The score stays as it is, and `explain` shows both. It is
news: a playbook may start, or end.

Examples:
  barometer override set nordwind --band red --until 2026-12-31 --reason \"merger announced\"
  barometer override clear nordwind
  barometer explain nordwind                          shows who set it, why, and until when";

/// What the help of `incident` says.
pub(super) const INCIDENT_HELP: &str = "\
While an incident of ours stands, tickets alone start no playbook about risk for the accounts it troubles: one message tells the
channel of all of them, and whoever is at it knows why they write. What else goes wrong with them starts what it always does,
scores stay as they are, and what runs already goes on. What was held back does not start later; the timeline says what it was.

Examples:
  barometer incident set nordwind --until 2026-12-31 --reason \"exports fail\"
  barometer incident set --all --until 2026-12-31 --reason \"nobody can log in\"
  barometer incident clear --all
  barometer accounts --band red                       who still needs somebody when it is over";

/// Who says so.
#[derive(Debug, Clone, Args)]
pub struct ByArg {
    /// Who says so: a name or an email address
    #[arg(long, value_name = "WHO", env = "USER", hide_env_values = true, default_value = "operator")]
    pub by: String,
}

/// `barometer play`
#[derive(Debug, Subcommand)]
pub enum PlayCommand {
    /// Open a playbook for an account although nothing changed
    Start {
        /// The playbook
        #[arg(value_name = "PLAYBOOK")]
        playbook: PlaybookName,
        /// Which account.
        #[command(flatten)]
        account: AccountArg,
        /// Who says so.
        #[command(flatten)]
        by: ByArg,
    },
    /// End what runs of a playbook for an account
    Close {
        /// The playbook
        #[arg(value_name = "PLAYBOOK")]
        playbook: PlaybookName,
        /// Which account.
        #[command(flatten)]
        account: AccountArg,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Who says so.
        #[command(flatten)]
        by: ByArg,
    },
}

/// `barometer note`
#[derive(Debug, Args)]
pub struct NoteArgs {
    /// Which account.
    #[command(flatten)]
    pub account: AccountArg,
    /// What is to be kept
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Who says so.
    #[command(flatten)]
    pub by: ByArg,
}

/// `barometer sentiment`
#[derive(Debug, Subcommand)]
pub enum SentimentCommand {
    /// Say how an account feels
    Set {
        /// Which account.
        #[command(flatten)]
        account: AccountArg,
        /// How
        #[arg(value_name = "red|yellow|green", value_parser = a_band)]
        band: Band,
        /// Who says so.
        #[command(flatten)]
        by: ByArg,
    },
}

/// `barometer override`
#[derive(Debug, Subcommand)]
pub enum OverrideCommand {
    /// Set the band of an account by hand, for some time
    Set {
        /// Which account.
        #[command(flatten)]
        account: AccountArg,
        /// The band
        #[arg(long, value_name = "red|yellow|green", value_parser = a_band)]
        band: Band,
        /// The last day on which it counts, such as 2026-12-31
        #[arg(long, value_name = "DATE", value_parser = a_day)]
        until: Date,
        /// Why; it stands beside the band
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who says so.
        #[command(flatten)]
        by: ByArg,
    },
    /// Let the score's band count again
    Clear {
        /// Which account.
        #[command(flatten)]
        account: AccountArg,
        /// Who says so.
        #[command(flatten)]
        by: ByArg,
    },
}

/// Which accounts it is about
#[derive(Debug, Args)]
pub struct TroubledArg {
    /// Their ids, names or the beginnings of their names
    #[arg(value_name = "ACCOUNT", required_unless_present = "all", conflicts_with = "all")]
    pub accounts: Vec<String>,
    /// Every account
    #[arg(long)]
    pub all: bool,
}

/// `barometer incident`
#[derive(Debug, Subcommand)]
pub enum IncidentCommand {
    /// Say that an incident of ours troubles accounts
    Set {
        /// Which accounts.
        #[command(flatten)]
        of: TroubledArg,
        /// The last day on which it does, such as 2026-12-31
        #[arg(long, value_name = "DATE", value_parser = a_day)]
        until: Date,
        /// What it is
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who says so.
        #[command(flatten)]
        by: ByArg,
    },
    /// Say that it is over
    Clear {
        /// Which accounts.
        #[command(flatten)]
        of: TroubledArg,
        /// Who says so.
        #[command(flatten)]
        by: ByArg,
    },
}

/// A band that a person can give.
fn a_band(text: &str) -> Result<Band, String> {
    match <BandName as clap::ValueEnum>::from_str(text, true) {
        Ok(BandName::Unknown) | Err(_) => Err("expected red, yellow or green".to_owned()),
        Ok(band) => Ok(band.into()),
    }
}

fn a_day(text: &str) -> Result<Date, String> {
    let day = text.parse().ok().filter(|_| text.len() == 10);
    day.ok_or_else(|| "expected a day such as 2026-12-31".to_owned())
}
