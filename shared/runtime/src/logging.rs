//! Log lines: one JSON object each on Lambda, one readable line each on a laptop.

use tracing::level_filters::LevelFilter;

/// The most that is ever logged. Below it the AWS SDK writes requests and answers whole: bodies, and the secrets it
/// reads.
pub const MOST: LevelFilter = LevelFilter::DEBUG;

/// JSON lines to stdout at the level of `BAROMETER_LOG` (`error`, `warn`, `info`, `debug`; `info` without it).
///
/// A fixed level instead of a filter language: parsing one costs a cold start more than it gives.
pub fn init() {
    let level = level(std::env::var("BAROMETER_LOG").ok().as_deref());
    tracing_subscriber::fmt().json().flatten_event(true).with_max_level(level).with_target(false).init();
}

fn level(wanted: Option<&str>) -> LevelFilter {
    wanted.and_then(|text| text.parse().ok()).unwrap_or(LevelFilter::INFO).min(MOST)
}

/// An error and everything below it, on one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_level_shows_what_the_sdk_sends_and_gets() {
        for (wanted, expected) in [
            (None, LevelFilter::INFO),
            (Some("loud"), LevelFilter::INFO),
            (Some("warn"), LevelFilter::WARN),
            (Some("debug"), LevelFilter::DEBUG),
            (Some("trace"), LevelFilter::DEBUG),
            (Some("5"), LevelFilter::DEBUG),
        ] {
            assert_eq!(level(wanted), expected, "{wanted:?}");
        }
    }
}
