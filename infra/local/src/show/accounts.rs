//! The book as a table.

use super::{Align, Style, Table, count, days, or_unknown};
use crate::api::AccountRow;

/// The accounts that were asked for, of so many.
pub fn accounts(rows: &[AccountRow], of: usize, style: Style) -> String {
    let Some(first) = rows.first() else {
        if of > 0 {
            return format!("None of {of} accounts is like that. `barometer accounts` lists them all.\n");
        }
        return "No account is assessed yet. Only customers are: `[watch]` in connections.toml says which.\n\
                Try `barometer simulate book`, or see what came in with `barometer journal`.\n"
            .to_owned();
    };
    let mut table = Table::new([
        ("account", Align::Left),
        ("score", Align::Right),
        ("band", Align::Left),
        ("a year", Align::Right),
        ("renews on", Align::Left),
        ("", Align::Left),
        ("owner", Align::Left),
        ("id", Align::Left),
    ]);
    for row in rows {
        table.banded(
            row.band,
            [
                row.name.clone(),
                or_unknown(row.score),
                row.band.to_string(),
                or_unknown(row.arr),
                or_unknown(row.renews_on),
                row.renews_in_days.map(days).unwrap_or_default(),
                or_unknown(row.owner.as_deref()),
                row.id.to_string(),
            ],
        );
    }
    let shown = if rows.len() < of { format!("{} of ", rows.len()) } else { String::new() };
    let total = count(of.try_into().unwrap_or(u64::MAX), "account", "accounts");
    let hint = format!("{shown}{total} · model {} · why: barometer explain ACCOUNT", first.model);
    format!("{}\n{}\n", table.show(style), style.faint(&hint))
}
