//! What was given up, and what became of doing it again.

use super::{Align, Style, Table, count, instant, or_unknown, safe};
use crate::api::RedriveReport;

/// Said of letters that have nowhere to go back to.
const NOWHERE: &str = "nowhere: the next run did it, they are forgotten";
/// How many of those that failed once more are shown.
const MOST_FAILED: usize = 10;

/// What there is to do again.
pub fn redrive(report: &RedriveReport, style: Style) -> String {
    let RedriveReport { letters, failures, deliveries, overdue, dry_run, .. } = report;
    let mut text = String::new();
    if !letters.is_empty() {
        let mut table =
            Table::new([("dead letters in", Align::Left), ("letters", Align::Right), ("go back to", Align::Left)]);
        for row in letters {
            let to = row.to.clone().unwrap_or_else(|| NOWHERE.to_owned());
            table.row([row.queue.clone(), row.letters.to_string(), to]);
        }
        text.push_str(&format!("{}\n", table.show(style)));
    }
    if !failures.is_empty() {
        let mut table = Table::new([
            ("failed batch of", Align::Left),
            ("records", Align::Right),
            ("given up at", Align::Left),
            ("reason", Align::Left),
        ]);
        for row in failures {
            table.row([row.function.clone(), or_unknown(row.records), instant(row.at), row.reason.clone()]);
        }
        text.push_str(&format!("{}\n", table.show(style)));
    }
    if let Some(deliveries) = deliveries {
        let were = count((*deliveries).into(), "delivery was", "deliveries were");
        text.push_str(&format!(
            "{were} received since then; each is read again, and what it speaks of is looked at.\n"
        ));
    }
    if *overdue > 0 {
        let were = count((*overdue).into(), "account was", "accounts were");
        text.push_str(&format!("{were} not looked at when their moment came.\n"));
    }
    let nothing = letters.is_empty() && failures.is_empty() && deliveries.unwrap_or(0) == 0 && *overdue == 0;
    if nothing {
        text.push_str("There is nothing to do again.\n");
        if deliveries.is_none() {
            text.push_str(
                &style.faint("Was a function off for longer than 24 hours? --since T goes back to the journal.\n"),
            );
        }
    } else if *dry_run {
        text.push_str(&style.faint("Nothing was changed; without --dry-run it is done again.\n"));
    }
    text
}

/// What became of it.
pub fn redriven(report: &RedriveReport, style: Style) -> String {
    let done = &report.redriven;
    let parts = [
        (done.records, "record of failed batches", "records of failed batches"),
        (done.letters, "dead letter", "dead letters"),
        (done.deliveries, "delivery", "deliveries"),
        (done.accounts, "account", "accounts"),
    ];
    let parts: Vec<_> =
        parts.iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| count((*n).into(), one, many)).collect();
    let mut text = String::new();
    if !parts.is_empty() {
        text.push_str(&format!("\nDone again: {}.\n", parts.join(", ")));
        text.push_str(&style.faint("What had its effect already has no second one.\n"));
    }
    if done.forgotten > 0 {
        let letters = count(done.forgotten.into(), "dead letter", "dead letters");
        text.push_str(&format!("Forgotten: {letters} of runs that the next run made up for.\n"));
    }
    for failed in report.failed.iter().take(MOST_FAILED) {
        text.push_str(&format!("failed again: {}: {}\n", safe(&failed.what), safe(&failed.why)));
    }
    if report.failed.len() > MOST_FAILED {
        text.push_str(&style.faint(&format!("and {} more: --json shows all\n", report.failed.len() - MOST_FAILED)));
    }
    if !report.done {
        text.push_str("What follows from it is still under way; `barometer outbox` shows it.\n");
    }
    text
}
