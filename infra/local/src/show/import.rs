//! What became of a file.

use super::{Align, Style, Table, count, safe};
use crate::api::ImportReport;

/// How many rows that do not fit are shown.
const MOST_PROBLEMS: usize = 200;

/// What was read, what was not, and what is wrong.
pub fn import(report: &ImportReport, style: Style) -> String {
    let Some((connection, as_of)) = report.connection.as_ref().zip(report.as_of) else {
        return format!("{} has no rows that could be loaded.\n{}", safe(&report.file), problems(report, style));
    };
    let mut columns = Table::new([("column", Align::Left), ("feeds", Align::Left)]);
    for column in &report.read {
        columns.row([column.column.clone(), column.feeds.clone()]);
    }
    let mut text = columns.show(style);
    if !report.unused.is_empty() {
        let names: Vec<String> = report.unused.iter().map(|name| format!("`{}`", safe(name))).collect();
        text.push_str(&format!("Not used: {}.\n", names.join(", ")));
    }
    for warning in &report.warnings {
        text.push_str(&format!("warning: {}\n", safe(warning)));
    }
    text.push_str(&problems(report, style));
    let rows = count(report.good.into(), "row", "rows");
    let done = if report.dry_run { "would be loaded" } else { "loaded" };
    text.push_str(&format!(
        "\n{}: {rows} of {} {done} as the word of `{connection}` on {}.\n",
        report.sheet,
        report.rows,
        super::instant(as_of),
    ));
    if report.repeated > 0 && report.repeated == report.good {
        text.push_str("All of them were loaded for that day before: nothing changed.\n");
    } else if report.repeated > 0 {
        text.push_str(&format!("{} of them were loaded for that day before.\n", report.repeated));
    }
    if report.dry_run {
        text.push_str(&style.faint("Nothing was changed; without --dry-run they are loaded.\n"));
    } else if report.good > report.repeated {
        text.push_str(&style.faint("What is loaded is no news: it starts nothing and nobody is messaged.\n"));
    }
    text
}

fn problems(report: &ImportReport, style: Style) -> String {
    if report.problems.is_empty() {
        return String::new();
    }
    let mut table = Table::new([("row", Align::Right), ("column", Align::Left), ("wrong", Align::Left)]);
    for problem in report.problems.iter().take(MOST_PROBLEMS) {
        table.row([problem.row.to_string(), problem.column.clone().unwrap_or_default(), problem.message.clone()]);
    }
    let mut text = format!("\n{}", table.show(style));
    if report.problems.len() > MOST_PROBLEMS {
        text.push_str(&format!("and {} more: --json lists all\n", report.problems.len() - MOST_PROBLEMS));
    }
    text
}
