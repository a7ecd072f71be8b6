//! `barometer backfill`

use clap::Args;
use model::Moment;

/// What the help says besides the options.
pub(super) const HELP: &str = "\
Reads all records that the vendor's API lists: companies, contacts, deals and tickets of HubSpot (with the connection of an
app, hubspot-app), organisations, users and the last year's tickets of Zendesk. It needs the connection's `token` in the file
of secrets, with --aws in the stack's parameter /barometer/fetch/CONNECTION/token, and makes no more calls than a webhook's fetches do. Each record is kept in the journal as the vendor gives it,
with the times at which its values were set. Nothing of it is news: no playbook starts, nobody is messaged.

With --changed-since it is a reconciliation, for every night: what changed is kept, and what was deleted and no webhook told
is noticed (records in HubSpot's recycle bin, tickets of Zendesk).

How far it is, is kept. Interrupted or killed, run it again: it goes on, and ends with the same journal.

Examples:
  barometer backfill hubspot
  barometer backfill zendesk --changed-since 2026-11-01T00:00:00Z     what changed since, and what was deleted
  barometer backfill hubspot --restart                                from the first page again";

/// `barometer backfill`
#[derive(Debug, Clone, Args)]
pub struct BackfillArgs {
    /// The vendor (hubspot, zendesk), or the name of a connection
    #[arg(value_name = "TOOL")]
    pub of: String,
    /// Keep only records that were changed since then
    #[arg(long, value_name = "T")]
    pub changed_since: Option<Moment>,
    /// Begin anew, whatever was begun
    #[arg(long)]
    pub restart: bool,
}
