//! What came in and what happened, as tables.

use super::{Align, Style, Table, count, instant, or_unknown, safe};
use crate::api::{JournalRow, QuarantineRow, TimelineRow, UnmatchedRow};

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

/// What was not understood.
pub fn quarantine(rows: &[QuarantineRow], style: Style) -> String {
    if rows.is_empty() {
        return "Everything that was received has been understood.\n".to_owned();
    }
    let mut text = String::new();
    for row in rows {
        text.push_str(&format!("{} · {}\n", instant(row.received_at), style.bold(&safe(&row.path))));
        text.push_str(&format!("  {}\n  {}\n", safe(&row.reason), style.faint(row.delivery.as_str())));
    }
    let hint =
        "Mend the mapping in connections.toml, or the value at its source; then: barometer replay --delivery ID --act";
    format!("{text}\n{}\n", style.faint(hint))
}

/// What belongs to no account yet.
pub fn unmatched(rows: &[UnmatchedRow], style: Style) -> String {
    if rows.is_empty() {
        return "Everything that is known belongs to an account.\n".to_owned();
    }
    let mut table = Table::new([
        ("subject", Align::Left),
        ("kind", Align::Left),
        ("facts", Align::Right),
        ("waiting since", Align::Left),
        ("could belong to", Align::Left),
    ]);
    for row in rows {
        let candidates: Vec<String> =
            row.candidates.iter().map(|it| format!("{} ({}: {})", it.name, it.account, it.why)).collect();
        let candidates = if candidates.is_empty() { or_unknown(None::<&str>) } else { candidates.join(", ") };
        table.row([row.subject.to_string(), row.kind.clone(), row.facts.to_string(), instant(row.since), candidates]);
    }
    table.show(style)
}
