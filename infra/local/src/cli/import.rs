//! `barometer import`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use connectors::import::Sheet;
use model::{ConnectionName, Moment};

/// What the help says besides the options.
pub(super) const HELP: &str = "\
FILE is a CSV file, as HubSpot (companies, contacts) and Zendesk (organisations, users) export it, or a list of your own.
Its first row are the headings. A column is read when it is called like the property that connections.toml maps (or like
its label), like one of the tool's own labels, or like our name of a field (arr, renews_on, csm, ...). The id is `Record ID`
in HubSpot's files, `ID` in Zendesk's, `Account` (an id or a web domain) for subscriptions.

DATE is the day of the export. Every value counts as said on that day: an old file never beats what is newer, and what the
tools say later beats the file. Nothing that is loaded is news: no playbook starts, nobody is messaged. The same file for
the same day a second time changes nothing. An empty cell says nothing.

All rows that do not fit are named in one go, with the column and what was expected; the others are loaded.

Examples:
  barometer import accounts hubspot-companies.csv --as-of 2026-11-21 --dry-run     what it would read, and what is wrong
  barometer import accounts hubspot-companies.csv --as-of 2026-11-21
  barometer import contacts zendesk-users.csv --as-of 2026-11-21 --connection zendesk
  barometer import subscriptions contracts.csv --as-of 2026-11-01";

/// `barometer import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// What a row is
    #[arg(value_name = "WHAT")]
    pub sheet: SheetName,
    /// The CSV file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The day on which it was exported (2026-11-21), or an instant
    #[arg(long, value_name = "DATE", value_parser = day_or_instant)]
    pub as_of: String,
    /// As whose word it counts, a name of connections.toml [default: the first connection that such a file can be of]
    #[arg(long, value_name = "NAME")]
    pub connection: Option<ConnectionName>,
    /// Only show what would be read, and what is wrong
    #[arg(long)]
    pub dry_run: bool,
}

/// The kinds of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SheetName {
    /// Companies, or organisations
    Accounts,
    /// People
    Contacts,
    /// What companies bought
    Subscriptions,
}

impl SheetName {
    /// The name that the host knows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => Sheet::Accounts.as_str(),
            Self::Contacts => Sheet::Contacts.as_str(),
            Self::Subscriptions => Sheet::Subscriptions.as_str(),
        }
    }
}

fn day_or_instant(text: &str) -> Result<String, String> {
    let is_good = text.parse::<jiff::civil::Date>().is_ok_and(|_| text.len() == 10) || text.parse::<Moment>().is_ok();
    if is_good { Ok(text.to_owned()) } else { Err("expected a day such as 2026-11-21, or an instant".to_owned()) }
}
