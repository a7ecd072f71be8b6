//! The program `barometer`. Everything worth reading is in the library.

use std::io::Write;
use std::process::ExitCode;

use barometer::cli::{Cli, Command};
use barometer::host;
use clap::Parser;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    init_logging(matches!(cli.command, None | Some(Command::Up(_))));
    #[expect(clippy::disallowed_methods, reason = "the one place where a command learns what time it is")]
    let now = jiff::Timestamp::now();
    let now = model::Moment::from_millis(now.as_millisecond()).unwrap_or(model::Moment::EARLIEST);
    match barometer::run::run(cli, now, host::serve).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            eprintln!("{report:?}");
            ExitCode::FAILURE
        }
    }
}

/// Log lines go to standard error, from the level BAROMETER_LOG names: error, warn, info or debug.
fn init_logging(is_host: bool) {
    let usual = if is_host { LevelFilter::INFO } else { LevelFilter::WARN };
    let wanted = std::env::var("BAROMETER_LOG").ok();
    let level = wanted.as_deref().map(str::parse::<LevelFilter>);
    tracing_subscriber::fmt()
        .with_writer(Logs)
        .fmt_fields(runtime::logging::Readable)
        .with_target(false)
        .with_max_level(level.clone().and_then(Result::ok).unwrap_or(usual).min(runtime::logging::MOST))
        .finish()
        // A sentence says all that a reader needs; ids, and what is counted, are for queries.
        .with(filter_fn(|meta| meta.is_event() && meta.target() != runtime::metrics::ONLY))
        .init();
    if let (Some(wanted), Some(Err(_))) = (wanted, level) {
        tracing::warn!("BAROMETER_LOG is `{wanted}`; expected error, warn, info or debug, so it is {usual}");
    }
}

/// Standard error, except for what the sample book sets off while it is opened: the welcome screen tells of that.
struct Logs;

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Box<dyn Write>;

    fn make_writer(&'a self) -> Self::Writer {
        Box::new(std::io::stderr())
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Self::Writer {
        let is_told = !barometer::run::is_opening_the_book() || *meta.level() == Level::ERROR;
        if is_told { self.make_writer() } else { Box::new(std::io::sink()) }
    }
}
