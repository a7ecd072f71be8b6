//! How much of a connection's past was read.

use super::{Align, Style, Table, count, safe};
use crate::api::BackfillPage;

/// One line for who watches.
pub fn backfilled_so_far(page: &BackfillPage) -> String {
    let kinds = page.read.iter().map(|(kind, read)| format!("{kind} {}", read.new + read.known + read.older));
    let read = kinds.collect::<Vec<_>>().join(", ");
    let because = page.because.as_ref().map(|why| format!(" ({})", safe(why))).unwrap_or_default();
    format!("{}: {}{because}", page.connection, if read.is_empty() { "beginning" } else { &read })
}

/// What was read.
pub fn backfilled(page: &BackfillPage, style: Style) -> String {
    let mut table = Table::new([
        ("kind", Align::Left),
        ("new", Align::Right),
        ("known before", Align::Right),
        ("older", Align::Right),
    ]);
    for (kind, read) in &page.read {
        table.row([kind.clone(), read.new.to_string(), read.known.to_string(), read.older.to_string()]);
    }
    let mut text = table.show(style);
    for warning in &page.warnings {
        text.push_str(&format!("warning: {}\n", safe(warning)));
    }
    let new: u64 = page.read.values().map(|read| read.new).sum();
    let since = page.changed_since.map(|at| format!(" changed since {}", super::instant(at))).unwrap_or_default();
    let went_on = if page.resumed { " It went on where it was interrupted." } else { "" };
    text.push_str(&format!(
        "\n`{}`: {}{since} read into the journal.{went_on}\n",
        page.connection,
        count(new, "record", "records")
    ));
    text + &style.faint("What is loaded is no news: it starts nothing and nobody is messaged.") + "\n"
}
