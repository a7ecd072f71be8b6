//! The clock, the switches and what is in flight, in a line or a few.

use model::Mode;

use super::{Style, count, instant, message, safe};
use crate::api::{ClockMode, ClockNow, GoliveReport, Sending, Settled};

/// What the clock says.
pub fn clock(clock: &ClockNow) -> String {
    let mode = match clock.mode {
        ClockMode::Running => "running",
        ClockMode::Frozen => "standing until it is moved",
    };
    format!("{} ({mode})\n", clock.now)
}

/// That nothing is in flight.
pub fn settled(settled: &Settled) -> String {
    let mut text = "Nothing is in flight.".to_owned();
    if settled.dead_letters > 0 {
        let lie = count(settled.dead_letters, "message was", "messages were");
        text.push_str(&format!(" {lie} given up and lie in a dead-letter queue."));
    }
    text + "\n"
}

/// What still is.
pub fn unsettled(settled: &Settled) -> String {
    let mut left = Vec::new();
    if settled.waiting_records > 0 {
        left.push(count(settled.waiting_records, "stream record", "stream records"));
    }
    if settled.waiting_messages > 0 {
        let next = settled.next_visible_at.map(|at| format!(" (the next comes back {})", instant(at)));
        let messages = count(settled.waiting_messages, "message", "messages");
        left.push(format!("{messages}{}", next.unwrap_or_default()));
    }
    if left.is_empty() { "a handler is at work".to_owned() } else { left.join(" and ") }
}

/// What `golive` changed.
pub fn golive(report: &GoliveReport, style: Style) -> String {
    let mut text = String::new();
    for row in &report.modes {
        let change =
            if row.from == row.to { format!("stays {}", row.to) } else { format!("{} → {}", row.from, row.to) };
        let limit = row.limited_by.as_deref().map(|why| format!(" ({})", safe(why))).unwrap_or_default();
        text.push_str(&format!("{} / {}: {}{limit}\n", row.playbook, row.destination, style.bold(&change)));
    }
    if report.modes.is_empty() {
        text.push_str("No playbook sends to that destination.\n");
    }
    for row in &report.books {
        text.push_str(&format!(
            "starting book to {}: {} red, {} renewing soon or past due\n",
            safe(&row.to),
            row.red,
            row.renewing
        ));
        let lines = row.request.as_ref().filter(|_| report.dry_run).map(message::lines).unwrap_or_default();
        text.extend(lines.iter().map(|line| format!("  │ {line}\n")));
    }
    let opened = if report.dry_run { "opens" } else { "opened" };
    if report.records > 0 {
        let records = count(report.records.into(), "account's score is", "accounts' scores are");
        let when = if report.dry_run { "then" } else { "now" };
        text.push_str(&format!("{records} written to HubSpot {when}, 3 a second.\n"));
    }
    for row in &report.opened {
        text.push_str(&format!("{opened} {} for {} ({})\n", row.playbook, safe(&row.name), row.account));
    }
    if report.left_alone > 0 {
        let left = count(report.left_alone.into(), "account is", "accounts are");
        text.push_str(&format!(
            "{left} red or renewing soon already, and nothing new happened there: --open-top N opens the first N of the book.\n"
        ));
    }
    if let Some(unowned) = &report.unowned {
        let refused = if report.dry_run { ", and nothing goes live without --accept-unowned" } else { "" };
        let whose = safe(&unowned.names());
        text.push_str(&format!(
            "{} is looked after by nobody whom team.toml knows{refused}: {whose}\n",
            unowned.share()
        ));
    }
    if report.dry_run {
        let none = if report.books.is_empty() { "No starting book is sent. " } else { "" };
        text.push_str(&format!("{}\n", style.faint(&format!("{none}Nothing was changed so far."))));
    } else if report.modes.iter().any(|row| row.to == Mode::Live) {
        text.push_str(&format!("{}\n", style.faint("`barometer pause` stops all sending at once.")));
    }
    text
}

/// Whether anything is sent.
pub fn sending(sending: &Sending) -> String {
    match sending.paused_at {
        Some(at) => {
            let held = count(sending.held.into(), "message is held", "messages are held");
            format!("Paused since {}: nothing is sent, {held}. `barometer resume` goes on.\n", instant(at))
        }
        None => {
            let held = if sending.held > 0 {
                let held = count(sending.held.into(), "message that was held is", "messages that were held are");
                format!(" {held} not sent late; `barometer outbox` lists what they say.")
            } else {
                String::new()
            };
            format!("Sending goes on.{held}\n")
        }
    }
}
