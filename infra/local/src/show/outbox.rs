//! Every message as it would be sent, and where it stands.

use std::collections::BTreeMap;

use model::Mode;

use super::{Style, count, instant, message, or_unknown, safe};
use crate::api::{FETCH, OutboxRow};

/// The whole outbox, in the order of the host: the newest first.
pub fn outbox(rows: &[OutboxRow], style: Style) -> String {
    if rows.is_empty() {
        return "The outbox is empty: nothing has happened that a playbook acts on.\n\
                First sight of an account is not news; try `barometer simulate kestrel-sentiment-red`.\n"
            .to_owned();
    }
    let (fetches, rows): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.kind == FETCH);
    let mut text = String::new();
    for row in &rows {
        text.push_str(&one(row, style));
        text.push('\n');
    }
    text.push_str(&objects(&fetches));
    if rows.is_empty() {
        return text;
    }
    let observed = rows.iter().filter(|row| row.mode == Mode::Observe).count();
    let total = count(rows.len().try_into().unwrap_or(u64::MAX), "message", "messages");
    let hint = if observed == rows.len() {
        format!("{total}, none of which left: all is observed. `barometer golive` lets messages out.")
    } else {
        format!("{total}. The exact requests: barometer outbox --json")
    };
    text + &style.faint(&hint) + "\n"
}

/// The newest message and where it stands, as the welcome screen shows it.
pub fn newest(row: &OutboxRow, style: Style) -> String {
    let head = style.bold(&format!("The newest alert, about {}, is {}:", safe(&row.account_name), stand(row)));
    let lines = row.request.as_ref().map(message::lines).unwrap_or_default();
    // Whom it goes to is the first line; what changed and why are the next.
    let shown = lines.iter().take(6).map(|line| format!("\n  │ {}", safe(line)));
    format!("{head}{}\n", shown.collect::<String>())
}

/// Objects that vendors were asked for and have not given yet, those that wait for the same thing in a line.
fn objects(rows: &[&OutboxRow]) -> String {
    let mut alike: BTreeMap<(&str, &str, Option<&str>), u64> = BTreeMap::new();
    for row in rows {
        *alike.entry((&row.account_name, &row.status, row.reason.as_deref())).or_default() += 1;
    }
    let mut text = String::new();
    for ((connection, status, reason), number) in alike {
        let objects = count(number, "object", "objects");
        let reason = reason.map(|reason| format!(": {}", safe(reason))).unwrap_or_default();
        text.push_str(&format!("{objects} to be fetched for {} · {}{reason}\n", safe(connection), safe(status)));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn one(row: &OutboxRow, style: Style) -> String {
    let mut head = vec![style.bold(&safe(&row.account_name)), row.kind.clone(), stand(row)];
    head.extend(row.reason.as_deref().map(safe));
    let from = format!(
        "{} / {} · to {} · asked for {} · {}",
        or_unknown(row.playbook.as_ref()),
        safe(&row.step),
        safe(&row.to),
        instant(row.requested_at),
        count(row.attempts.into(), "attempt", "attempts"),
    );
    let mut lines = vec![head.join(" · "), from];
    match &row.request {
        Some(request) => lines.extend(message::lines(request).iter().map(|line| format!("  │ {line}"))),
        None => lines.push("  │ not rendered yet: it has not been claimed".to_owned()),
    }
    let vendor = row.vendor_ref.as_deref().map(|it| format!(" · {}", safe(it))).unwrap_or_default();
    lines.push(style.faint(&format!("  {} · {}{vendor}", row.id, row.account)));
    lines.join("\n") + "\n"
}

/// The status in words, with the mode where the mode is why.
fn stand(row: &OutboxRow) -> String {
    match (row.status.as_str(), row.mode) {
        ("observed", _) if row.reason.is_none() => "observed: it would be sent, and did not leave".to_owned(),
        ("pending", Mode::Observe) => "pending, to be observed".to_owned(),
        (status, Mode::Redirect) => format!("{} (redirected)", safe(status)),
        (status, _) => safe(status),
    }
}
