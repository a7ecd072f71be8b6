//! Where things belong, in words.

use std::collections::BTreeMap;

use model::Moment;

use super::{Style, count, safe};
use crate::api::{Belongs, EraseReport, LinkReport, UnmatchedReason, UnmatchedRow};

/// What belongs to no account: how much for which reason, then one by one with what would link it.
pub fn unmatched(rows: &[UnmatchedRow], now: Moment, style: Style) -> String {
    if rows.is_empty() {
        return "Everything that is known belongs to an account.\n".to_owned();
    }
    let mut counts: BTreeMap<UnmatchedReason, u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.reason).or_default() += 1;
    }
    let mut text = String::new();
    for (reason, number) in counts {
        text.push_str(&format!("{number:>4} {}\n", reason_in_words(reason)));
    }
    for row in rows {
        let name = row.name.as_deref().map(|name| format!(" \"{}\"", safe(name))).unwrap_or_default();
        let facts = count(row.facts.into(), "fact", "facts");
        let waits = if row.subjects > 1 {
            format!("{facts} about {}", count(row.subjects.into(), "subject", "subjects"))
        } else {
            facts
        };
        text.push_str(&format!(
            "\n{}{name} · {} · {waits} · first {}, last {} · {}\n",
            style.bold(&safe(row.subject.as_str())),
            safe(&row.kind),
            ago(row.first_at, now),
            ago(row.last_at, now),
            short_reason(row.reason),
        ));
        if row.held_episodes > 0 {
            let held = count(row.held_episodes.into(), "run of a playbook waits", "runs of playbooks wait");
            text.push_str(&format!("  {held} until it is linked\n"));
        }
        for candidate in &row.candidates {
            let (name, why) = (safe(&candidate.name), safe(&candidate.why));
            text.push_str(&format!("  could be {name} ({}): {why}\n", candidate.account));
        }
        text.push_str(&format!("  {}\n", safe(&row.hint)));
    }
    text
}

fn reason_in_words(reason: UnmatchedReason) -> &'static str {
    match reason {
        UnmatchedReason::NoAccount => "not linked to anything that a CRM opened as an account",
        UnmatchedReason::Ambiguous => "claimed for several accounts",
        UnmatchedReason::Unmatched => "linked to what was deleted",
    }
}

fn short_reason(reason: UnmatchedReason) -> &'static str {
    match reason {
        UnmatchedReason::NoAccount => "no account",
        UnmatchedReason::Ambiguous => "ambiguous",
        UnmatchedReason::Unmatched => "unmatched",
    }
}

/// `just now`, `5 minutes ago`, `3 hours ago`, `12 days ago`.
fn ago(at: Moment, now: Moment) -> String {
    let minutes = (now.as_millis() - at.as_millis()).max(0).unsigned_abs() / 60_000;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{} ago", count(minutes, "minute", "minutes")),
        60..1_440 => format!("{} ago", count(minutes / 60, "hour", "hours")),
        _ => format!("{} ago", count(minutes / 1_440, "day", "days")),
    }
}

/// What a link changed.
pub fn link(report: &LinkReport, style: Style) -> String {
    let mut text = format!(
        "{} belonged to {}; it belongs to {}.\n",
        style.bold(&safe(report.subject.as_str())),
        place(&report.before, report),
        style.bold(&place(&report.now, report)),
    );
    if report.moved > 0 {
        let more = count(report.moved.into(), "more subject comes", "more subjects come");
        text.push_str(&format!("{more} along.\n"));
    }
    for warning in &report.warnings {
        text.push_str(&format!("Mind: {}.\n", safe(warning)));
    }
    let end = if report.decided {
        format!("`barometer link {} --undo` takes it back.", report.subject)
    } else {
        "The tools decide again.".to_owned()
    };
    text + &style.faint(&format!("{end} Stated as {}.", report.delivery)) + "\n"
}

fn place(belongs: &Belongs, report: &LinkReport) -> String {
    match (&belongs.root, belongs.reason) {
        (Some(root), None) => match &belongs.name {
            Some(name) => format!("{} ({root})", safe(name)),
            None => root.to_string(),
        },
        (Some(root), Some(_)) if *root == report.subject => "no account".to_owned(),
        (Some(root), Some(_)) => format!("{root}, which is no account"),
        (None, Some(UnmatchedReason::Ambiguous)) => "several accounts, so to none".to_owned(),
        (None, _) => "what was deleted, so to no account".to_owned(),
    }
}

/// Whom and what an erasure took out, or would.
pub fn erase(report: &EraseReport, style: Style) -> String {
    if report.subjects.is_empty() {
        return "Nobody is to be forgotten.\n".to_owned();
    }
    let head = if report.dry_run { "This would be forgotten:" } else { "Forgotten:" };
    let mut text = format!("{}\n", style.bold(head));
    for subject in &report.subjects {
        text.push_str(&format!("  {}\n", safe(subject.as_str())));
    }
    let rows = u64::from(report.timeline_rows) + u64::from(report.quarantine_rows) + u64::from(report.sent_rows);
    text.push_str(&format!(
        "{}; of {} read, {} {} as a whole and {} in part{}.\n",
        count(report.facts.into(), "fact", "facts"),
        count(report.read.into(), "delivery", "deliveries"),
        count(report.bodies.into(), "body", "bodies"),
        if report.dry_run { "would go" } else { "went" },
        count(report.parts.into(), "body", "bodies"),
        if report.dry_run { String::new() } else { format!("; the words of {} with them", count(rows, "row", "rows")) },
    ));
    for warning in &report.warnings {
        text.push_str(&format!("Mind: {}.\n", safe(warning)));
    }
    let end = if report.dry_run {
        "Nothing was changed; without --dry-run it is, for good."
    } else {
        "What remains are these ids and addresses, so that what is said of them later stays unheard."
    };
    text + &style.faint(end) + "\n"
}
