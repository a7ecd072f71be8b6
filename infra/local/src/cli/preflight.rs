//! `barometer preflight`

use clap::Args;

/// What the help says besides the options.
pub(super) const HELP: &str = "\
Looks, before anything is made, at what a deployment on AWS needs: the configuration, the region, what functions may run at a
time, a stack that takes a change or whose name is free, mail through Amazon SES, and the secret of every connection. Tokens that
may come later, and what waits for them, are only named. It reads and changes nothing. Region and credentials are those of the
environment (AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN).

`make deploy` runs it first.

Examples:
  barometer preflight --sender success@ourco.example
  barometer preflight --sender success@ourco.example --name second --stack second --reserved-concurrency 5";

/// `barometer preflight`
#[derive(Debug, Clone, Args)]
pub struct PreflightArgs {
    /// The address that mail comes from: the template's SenderAddress
    #[arg(long, value_name = "ADDRESS")]
    pub sender: String,
    /// The template's Name, below which the secrets are
    #[arg(long, value_name = "NAME", default_value = "barometer")]
    pub name: String,
    /// The template's ReservedConcurrency; -1 reserves none
    #[arg(long, value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    pub reserved_concurrency: i64,
    /// The stack that is made or changed: what it has reserved already is its own
    #[arg(long, value_name = "STACK", default_value = "barometer")]
    pub stack: String,
}
