//! What a changed configuration makes of the book.

use std::collections::BTreeMap;

use model::Band;

use super::{Align, Style, Table, count, or_unknown, safe};
use crate::api::{RescoreReport, RescoreRow, ScoredRow};

/// How many accounts that keep their band are shown.
const MOST_KEEPING: usize = 10;

/// Who is scored otherwise, and why.
pub fn rescore_difference(report: &RescoreReport, style: Style) -> String {
    let (there, leaving): (Vec<&RescoreRow>, Vec<_>) = report.rows.iter().partition(|row| row.to.is_some());
    let differs: Vec<&RescoreRow> = there.into_iter().filter(|row| row.differs).collect();
    let (moved, kept): (Vec<_>, Vec<_>) = differs.iter().copied().partition(|row| band(row) != row.from.band);
    let (changed, versions): (Vec<_>, Vec<_>) = kept.iter().copied().partition(|row| points(row) != row.from.score);
    let accounts = |number: usize| count(number.try_into().unwrap_or(u64::MAX), "account", "accounts");
    let mut text = format!(
        "{} looked at with {}: {} of them {} band.\n",
        accounts(report.looked_at.try_into().unwrap_or(usize::MAX)),
        style.bold(&safe(&report.model)),
        moved.len(),
        if moved.len() == 1 { "changes its" } else { "change their" },
    );
    let mut ways: BTreeMap<(Band, Band), usize> = BTreeMap::new();
    for row in &moved {
        *ways.entry((row.from.band, band(row))).or_default() += 1;
    }
    for ((from, to), number) in ways {
        text.push_str(&format!(
            "  {number:>4}  {} → {}\n",
            style.band(from, from.as_str()),
            style.band(to, to.as_str())
        ));
    }
    if !moved.is_empty() {
        text.push_str(&format!("\n{}", table(&moved, style)));
    }
    if !changed.is_empty() {
        text.push_str(&format!("\n{} another score in the same band:\n", has(&accounts(changed.len()), changed.len())));
        text.push_str(&table(&changed[..changed.len().min(MOST_KEEPING)], style));
        if changed.len() > MOST_KEEPING {
            let more = changed.len() - MOST_KEEPING;
            text.push_str(&style.faint(&format!("and {more} more: barometer rescore --dry-run --json\n")));
        }
    }
    if !versions.is_empty() {
        let have = has(&accounts(versions.len()), versions.len());
        text.push_str(&format!("\n{have} the same score and band, under the configuration of now.\n"));
    }
    if !leaving.is_empty() {
        let names: Vec<String> = leaving.iter().take(MOST_KEEPING).map(|row| safe(&row.name)).collect();
        let more = if leaving.len() > names.len() { ", …" } else { "" };
        let are = if leaving.len() == 1 { "is" } else { "are" };
        text.push_str(&format!(
            "\n{} {are} not watched any more and will leave with the next news, not now: {}{more}\n",
            accounts(leaving.len()),
            names.join(", "),
        ));
    }
    if differs.is_empty() {
        text.push_str("Every account is up to date.\n");
    } else if report.dry_run {
        text.push_str(&style.faint("\nNothing was changed; without --dry-run this counts from now on.\n"));
    }
    text
}

/// That it counts now; `still` is said where not all of it is done.
pub fn rescored(report: &RescoreReport, still: &str, style: Style) -> String {
    if report.rescored == 0 {
        return String::new();
    }
    let were = count(report.rescored.into(), "account was", "accounts were");
    let open = "No run of a playbook was opened or closed, and nobody was messaged.";
    let mut text = format!("\n{were} rescored. {open}\n");
    if !report.done {
        text.push_str(&format!("{still}\n"));
    }
    let stated: Vec<&str> = report.deliveries.iter().map(model::DeliveryId::as_str).collect();
    let (first, more) = (stated.first().copied().unwrap_or_default(), stated.len().saturating_sub(1));
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    text + &style.faint(&format!("Stated as {first}{more}.")) + "\n"
}

fn has(who: &str, number: usize) -> String {
    format!("{who} {}", if number == 1 { "has" } else { "have" })
}

fn band(row: &RescoreRow) -> Band {
    row.to.as_ref().map_or(row.from.band, |to| to.band)
}

fn points(row: &RescoreRow) -> Option<u16> {
    row.to.as_ref().map_or(row.from.score, |to| to.score)
}

fn table(rows: &[&RescoreRow], style: Style) -> String {
    let mut table = Table::new([
        ("account", Align::Left),
        ("a year", Align::Right),
        ("before", Align::Left),
        ("now", Align::Left),
        ("mainly because", Align::Left),
    ]);
    let standing = |it: &ScoredRow| format!("{} {}", or_unknown(it.score), it.band);
    for row in rows {
        let now = row.to.as_ref().map(standing);
        let because = row.reason.clone().unwrap_or_default();
        table.row([row.name.clone(), or_unknown(row.arr), standing(&row.from), or_unknown(now), because]);
    }
    table.show(style)
}
