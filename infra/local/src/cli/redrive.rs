//! `barometer redrive`

use clap::Args;
use model::Moment;

/// What the help says besides the options.
pub(super) const HELP: &str = "\
Some work fails to the end: a message that was tried too often becomes a dead letter, and a batch of a stream that no try
helped is set aside with its content. Once the reason is mended (the log names it), this command gives dead letters back to
their queues and set-aside batches back to their functions. Of a minute of the clock that failed, the next minute did the
work: its letter is forgotten.

A stream forgets after 24 hours. When a function was off for longer, --since goes back to the journal, which forgets nothing:
every delivery from then on is read again, and every account that it speaks of is looked at. Take a moment shortly before the
outage; what was handled then is handled once more without harm. Accounts whose moment came while nobody looked are looked at
in any case.

Nothing is done twice by it: what follows from a cause is named after the cause, so an alert that was sent is not sent again.
Interrupted or killed, run it again. What fails once more stays where it is, and the exit code is 1.

Examples:
  barometer redrive --dry-run
  barometer redrive
  barometer redrive --since 2026-11-20T00:00:00Z --rate 20";

/// `barometer redrive`
#[derive(Debug, Clone, Copy, Args)]
pub struct RedriveArgs {
    /// Also read every delivery again that was received from this moment on
    #[arg(long, value_name = "T")]
    pub since: Option<Moment>,
    /// How many letters, records or deliveries are done in a second at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rate: u32,
    /// Only show what there is to do again
    #[arg(long)]
    pub dry_run: bool,
}
