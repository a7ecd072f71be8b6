//! How often alerts were of use, for a terminal.

use super::{Align, Style, Table, count, safe};
use crate::api::{PrecisionReport, PrecisionRow};

/// One line for each playbook, and which should be retired.
pub fn precision(report: &PrecisionReport, style: Style) -> String {
    if report.playbooks.is_empty() {
        return "No alert has been sent yet, so none was of use.\n".to_owned();
    }
    let mut table = Table::new([
        ("playbook", Align::Left),
        ("fired", Align::Right),
        ("useful", Align::Right),
        ("", Align::Right),
        ("dismissed", Align::Left),
        ("snoozed", Align::Right),
        ("unanswered", Align::Right),
    ]);
    for row in &report.playbooks {
        let percent = row.useful_percent.map_or_else(String::new, |percent| format!("{percent} %"));
        table.row([
            row.playbook.to_string(),
            row.fired.to_string(),
            row.useful.to_string(),
            percent,
            dismissed(row),
            row.snoozed.to_string(),
            row.unanswered.to_string(),
        ]);
    }
    let mut text = table.show(style);
    for row in report.playbooks.iter().filter(|row| row.retire) {
        text.push_str(&format!(
            "Retire {}: of {} alerts {} of use, less than {} %. Narrow its `when`, or set `paused = true` in its file.\n",
            row.playbook,
            row.fired,
            if row.useful == 1 { "1 was".to_owned() } else { format!("{} were", row.useful) },
            report.retire_below,
        ));
    }
    let unanswerable: u32 = report.playbooks.iter().map(|row| row.unanswerable).sum();
    if unanswerable > 0 {
        let alerts = count(unanswerable.into(), "alert", "alerts");
        text.push_str(&format!("{alerts} without buttons could not be answered and count for nothing here.\n"));
    }
    let hint = match report.claimed_since {
        None => "Nobody has claimed an alert yet, so no playbook is judged".to_owned(),
        Some(_) => format!("A playbook is judged from {} alerts on", report.judged_from),
    };
    text + &style.faint(&hint) + "\n"
}

fn dismissed(row: &PrecisionRow) -> String {
    let all: u32 = row.dismissed.values().sum();
    let words = |reason: &str| match reason {
        "known" => "known already".to_owned(),
        "no_risk" => "no risk".to_owned(),
        "wrong_data" => "wrong data".to_owned(),
        other => safe(other),
    };
    let reasons: Vec<String> = row.dismissed.iter().map(|(reason, n)| format!("{} {n}", words(reason))).collect();
    if reasons.is_empty() { "0".to_owned() } else { format!("{all} ({})", reasons.join(", ")) }
}
