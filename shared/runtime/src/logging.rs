//! Log lines: one JSON object each on Lambda, one readable line each on a laptop.

use tracing::Level;

/// JSON lines to stdout at the level of `BAROMETER_LOG` (`error`, `warn`, `info`, `debug`; `info` without it).
///
/// A fixed level instead of a filter language: parsing one costs a cold start more than it gives.
pub fn init() {
    let level = std::env::var("BAROMETER_LOG").ok().and_then(|text| text.parse::<Level>().ok()).unwrap_or(Level::INFO);
    tracing_subscriber::fmt().json().flatten_event(true).with_max_level(level).with_target(false).init();
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
