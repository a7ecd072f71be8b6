//! What people read: every answer of the host as text for a terminal. Plain functions from values to text.

mod accounts;
mod backfill;
mod book;
mod children;
mod control;
mod doctor;
mod explain;
mod import;
mod ledger;
mod links;
mod message;
mod outbox;
mod precision;
mod redrive;
mod replay;
mod rescore;
mod say;
mod table;
mod welcome;

use model::{Band, Moment};

pub use accounts::accounts;
pub use backfill::{backfilled, backfilled_so_far};
pub use book::{book, owners};
pub use control::{clock, golive, sending, settled, unsettled};
pub(crate) use doctor::checks;
pub use doctor::doctor;
pub use explain::explain;
pub use import::import;
pub use ledger::{journal, quarantine, timeline};
pub use links::{erase, link, unmatched};
pub use outbox::{newest, outbox};
pub use precision::precision;
pub use redrive::{redrive, redriven};
pub use replay::replay;
pub use rescore::{rescore_difference, rescored};
pub use say::said;
pub use table::{Align, Table};
pub use welcome::welcome;

/// How text may be decorated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Not at all: for files, pipes and NO_COLOR.
    Plain,
    /// Bands in their colours, headings bold.
    Coloured,
}

impl Style {
    /// `text` in the colour of `band`.
    pub fn band(self, band: Band, text: &str) -> String {
        self.wrap(
            text,
            match band {
                Band::Green => "32",
                Band::Yellow => "33",
                Band::Red => "31",
                Band::Unknown => "90",
            },
        )
    }

    /// `text` as a heading.
    pub fn bold(self, text: &str) -> String {
        self.wrap(text, "1")
    }

    /// `text` that matters less.
    pub fn faint(self, text: &str) -> String {
        self.wrap(text, "90")
    }

    fn wrap(self, text: &str, code: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// What stands where a value is unknown.
pub(crate) const UNKNOWN: &str = "–";

/// `2026-11-21 09:00 UTC`; seconds are for machines.
pub(crate) fn instant(at: Moment) -> String {
    let text = at.to_string();
    // Always 24 characters: the first sixteen are the day and the minute.
    format!("{} {} UTC", &text[..10], &text[11..16])
}

/// The value, or what stands where there is none.
pub(crate) fn or_unknown(value: Option<impl ToString>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| value.to_string())
}

/// Hundredths of a point, which are basis points, as points: `37.80`.
pub(crate) fn points(basis_points: u32) -> String {
    format!("{}.{:02}", basis_points / 100, basis_points % 100)
}

/// `in 80 days`, `today`, `3 days ago`.
pub(crate) fn days(from_now: i64) -> String {
    match from_now {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        -1 => "yesterday".to_owned(),
        2.. => format!("in {from_now} days"),
        _ => format!("{} days ago", from_now.unsigned_abs()),
    }
}

/// `1 delivery`, `2 deliveries`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// Control characters of a vendor's text must not reach a terminal.
pub(crate) fn safe(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
#[path = "show/tests.rs"]
mod tests;
