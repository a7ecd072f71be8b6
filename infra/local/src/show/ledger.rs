//! What came in and what happened, as tables.

use std::collections::BTreeMap;

use model::{ConnectionName, QuarantineKind};

use super::{Align, Style, Table, count, instant, or_unknown, safe};
use crate::api::{JournalRow, QuarantineRow, TimelineRow};

/// What happened to one account, the oldest first.
pub fn timeline(rows: &[TimelineRow], style: Style) -> String {
    if rows.is_empty() {
        return "Nothing has happened yet that is worth telling.\n".to_owned();
    }
    let mut table =
        Table::new([("when", Align::Left), ("what", Align::Left), ("because of", Align::Left), ("", Align::Left)]);
    for row in rows {
        table.row([instant(row.at), row.kind.clone(), or_unknown(row.delivery.as_ref()), row.text.clone()]);
    }
    table.show(style)
}

/// All deliveries that were accepted.
pub fn journal(rows: &[JournalRow], style: Style) -> String {
    if rows.is_empty() {
        return "Nothing has been received yet. `barometer simulate book` sends a sample book.\n".to_owned();
    }
    let mut table = Table::new([
        ("received", Align::Left),
        ("connection", Align::Left),
        ("bytes", Align::Right),
        ("status", Align::Left),
        ("delivery", Align::Left),
    ]);
    for row in rows {
        let other = row.same_key_as.as_ref().map(|first| format!(" (the same key as {first}, other bytes)"));
        table.row([
            instant(row.received_at),
            row.connection.to_string(),
            row.bytes.to_string(),
            or_unknown(row.status.as_deref()),
            format!("{}{}", row.id, other.unwrap_or_default()),
        ]);
    }
    let total = count(rows.len().try_into().unwrap_or(u64::MAX), "delivery", "deliveries");
    format!("{}\n{}\n", table.show(style), style.faint(&total))
}

/// What was not understood: how much of which kind, then one by one.
pub fn quarantine(rows: &[QuarantineRow], style: Style) -> String {
    if rows.is_empty() {
        return "Everything that was received has been understood.\n".to_owned();
    }
    let open = rows.iter().filter(|row| row.mended_at.is_none());
    let mut counts: BTreeMap<(QuarantineKind, &ConnectionName), u64> = BTreeMap::new();
    for row in open {
        *counts.entry((row.kind, &row.connection)).or_default() += 1;
    }
    let mut text = String::new();
    for ((kind, connection), number) in &counts {
        text.push_str(&format!("{number:>4} {kind} from {connection}\n"));
    }
    if !counts.is_empty() {
        text.push('\n');
    }
    for row in rows {
        let mended = row.mended_at.map(|at| format!(" · mended {}", instant(at))).unwrap_or_default();
        let path = style.bold(&safe(&row.path));
        text.push_str(&format!("{} · {} · {path}{mended}\n", instant(row.received_at), row.kind));
        text.push_str(&format!("  {}\n  {}\n", safe(&row.reason), style.faint(row.delivery.as_str())));
    }
    let hint = if counts.is_empty() {
        "All of it is understood by now."
    } else {
        "Mend the mapping in connections.toml, or the value at its source; then: barometer replay --quarantined --act"
    };
    format!("{text}\n{}\n", style.faint(hint))
}
