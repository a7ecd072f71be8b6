//! `barometer accounts`, `owners` and `book`

use clap::{Args, ValueEnum};
use model::Band;

/// What the help of `accounts` says besides the options.
pub(super) const HELP: &str = "\
Several options narrow the list together; it ends with how many of how many accounts are shown.

Examples:
  barometer accounts                                    all, the worst first
  barometer accounts --owner ines --band red            what Ines should look at today
  barometer accounts --renews-within 90 --sort renews   what renews in the next 90 days, the next first
  barometer accounts --owner none --sort arr            whom nobody looks after, by revenue
  barometer accounts --csv > accounts.csv               for a spreadsheet";

/// What the help of `owners` says.
pub(super) const OWNERS_HELP: &str = "\
Shows whom the CRM names as the owner of each watched account (`csm`, else `record_owner` in connections.toml), and whether
team.toml knows them: unknown ones, those who left and those whom Slack cannot reach come first, with what mends it. Then
the accounts of nobody, those with the most revenue first. `golive` refuses while more than 5 % of the revenue is nobody's.

Examples:
  barometer owners
  barometer owners --json";

/// What the help of `precision` says.
pub(super) const PRECISION_HELP: &str = "\
Counts what people answered to the alerts that were sent: useful is what somebody claimed, wanted a task for, or closed the
task of in the CRM, and what nobody dismissed. A playbook with 20 alerts or more of which less than 30 % were of use is named:
people learn to look at none of its alerts. It reads every episode that is kept.

Examples:
  barometer precision
  barometer precision --json";

/// What the help of `book` says.
pub(super) const BOOK_HELP: &str = "\
Shows which companies are watched and why, by each part of [watch] in connections.toml, with five of them; which are not,
and why not; how they stand; what is not known of them (renewal date, revenue, owner); and for how many each measure of the
model has a value. A measure that no connection feeds lowers no score; what would feed it stands beside it.

Examples:
  barometer book
  barometer book --json";

/// `barometer accounts`
#[derive(Debug, Clone, Default, Args)]
pub struct AccountsArgs {
    /// Only those of this owner, by the beginning of a name or an email address; `none`: of nobody
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<String>,
    /// Only those of this band
    #[arg(long, value_name = "BAND")]
    pub band: Option<BandName>,
    /// Only those that renew within so many days, from today on
    #[arg(long, value_name = "DAYS")]
    pub renews_within: Option<u16>,
    /// What comes first [default: the worst]
    #[arg(long, value_name = "ORDER")]
    pub sort: Option<SortBy>,
    /// Print a table for spreadsheets, with amounts as plain numbers
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// The bands by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BandName {
    /// At risk
    Red,
    /// To be watched
    Yellow,
    /// Well
    Green,
    /// Too little is known
    Unknown,
}

impl From<BandName> for Band {
    fn from(name: BandName) -> Self {
        match name {
            BandName::Red => Self::Red,
            BandName::Yellow => Self::Yellow,
            BandName::Green => Self::Green,
            BandName::Unknown => Self::Unknown,
        }
    }
}

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SortBy {
    /// The worst band, then the lowest score
    Worst,
    /// The most revenue
    Arr,
    /// The next renewal
    Renews,
    /// By name
    Name,
    /// By owner, then the worst
    Owner,
}
