//! What running deliveries again gave.

use super::{Style, count, or_unknown, safe};
use crate::api::{ReplayReport, ReplayedPlaybook};

/// The whole report.
pub fn replay(report: &ReplayReport, style: Style) -> String {
    let mut text = format!("{} run again.\n", count(report.deliveries.into(), "delivery was", "deliveries were"));
    for account in &report.accounts {
        let band = style.band(account.band, account.band.as_str());
        text.push_str(&format!(
            "  {} · {} · {band} · {}\n",
            safe(&account.name),
            or_unknown(account.score),
            account.id
        ));
    }
    let (known, new): (Vec<_>, Vec<_>) = report.events.iter().partition(|event| event.recorded);
    text.push_str(&format!(
        "{}, {} of them as recorded.\n",
        count((known.len() + new.len()).try_into().unwrap_or(u64::MAX), "event", "events"),
        known.len()
    ));
    for event in new {
        text.push_str(&format!("  new: {} of {} ({})\n", event.kind, event.account, event.id));
    }
    for playbook in &report.playbooks {
        text.push_str(&fired(playbook));
    }
    let (known, new): (Vec<_>, Vec<_>) = report.actions.iter().partition(|action| action.recorded);
    text.push_str(&format!(
        "{}, {} of them as recorded.\n",
        count((known.len() + new.len()).try_into().unwrap_or(u64::MAX), "action", "actions"),
        known.len()
    ));
    for action in new {
        text.push_str(&format!(
            "  new: {} by {} / {} for {} ({})\n",
            action.kind,
            action.playbook,
            safe(&action.step),
            action.account,
            action.id
        ));
    }
    if report.differences.is_empty() {
        text.push_str(&style.bold("Nothing differs from what is recorded."));
        text.push('\n');
    }
    for difference in &report.differences {
        text.push_str(&format!(
            "{} {}\n",
            style.bold("differs:"),
            safe(&format!("{} {}", difference.what, difference.id))
        ));
        text.push_str(&format!("  recorded {}\n", safe(&difference.recorded.to_string())));
        text.push_str(&format!("  replayed {}\n", safe(&difference.replayed.to_string())));
    }
    let end = match (report.acted, report.differences.is_empty()) {
        (true, _) => "Written, and sent as far as modes allow.",
        (false, true) => "",
        (false, false) => "Nothing was written and nothing left; --act does both.",
    };
    if !end.is_empty() {
        text.push_str(end);
        text.push('\n');
    }
    text
}

/// What a playbook would have done to its readers: how often, on how many accounts, and whether one of them got most of it.
fn fired(playbook: &ReplayedPlaybook) -> String {
    let ReplayedPlaybook { name, fired, accounts, most } = playbook;
    let times = count((*fired).into(), "time", "times");
    let accounts = count((*accounts).into(), "account", "accounts");
    let same = if *most > 1 { format!(", {most} on the same one") } else { String::new() };
    format!("{name} would have fired {times} on {accounts}{same}.\n")
}
