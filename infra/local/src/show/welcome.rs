//! What `up` says once it runs.

use std::path::Path;

use model::Mode;

use super::{Style, count, instant};
use crate::api::{ClockMode, Status, route};

/// The welcome screen, for standard error; `account` is the one worth a look.
pub fn welcome(status: &Status, account: Option<&str>, data: &Path, secrets: &Path, style: Style) -> String {
    let bands = &status.bands;
    let total = bands.red + bands.yellow + bands.green + bands.unknown;
    let mut lines = vec![
        style.bold(&format!("Barometer {} is running at http://{}", status.version, status.address)),
        format!("{} as of {}", count(total, "account is assessed", "accounts are assessed"), instant(status.clock.now)),
    ];
    if status.clock.mode == ClockMode::Frozen {
        lines.push("The clock stands; `barometer clock advance 1d` moves it.".to_owned());
    }
    if total > 0 {
        use model::Band::{Green, Red, Unknown, Yellow};
        let counts = [(bands.red, Red), (bands.yellow, Yellow), (bands.green, Green), (bands.unknown, Unknown)];
        let counts = counts.map(|(number, band)| format!("{number} {}", style.band(band, band.as_str())));
        lines.push(format!("  {}", counts.join("   ")));
    }
    let asides = [
        (status.quarantined, "delivery waits in quarantine", "deliveries wait in quarantine", "barometer quarantine"),
        (
            status.unmatched,
            "subject belongs to no account yet",
            "subjects belong to no account yet",
            "barometer unmatched",
        ),
        (
            status.erasures_pending,
            "person whom a tool told us to forget",
            "people whom tools told us to forget",
            "barometer erase --pending",
        ),
    ];
    for (number, one, many, command) in asides {
        if number > 0 {
            lines.push(format!("  {}: {command}", count(number, one, many)));
        }
    }
    lines.push(String::new());
    lines.push(sending(status));
    lines.push(String::new());
    for connection in &status.connections {
        let hook = route::hook(connection.family, &connection.name);
        let state = if connection.accepts { "takes webhooks" } else { "has no secret and refuses everything" };
        lines.push(format!("  {} ({}) {state}: POST {hook}", connection.name, connection.tool));
    }
    lines.push(style.faint(&format!("  data in {}, secrets in {}", data.display(), secrets.display())));
    lines.push(String::new());
    lines.push("Try, in another terminal:".to_owned());
    let first_word = |name: &str| super::safe(name).split_whitespace().next().unwrap_or_default().to_lowercase();
    let which = account.map_or_else(|| "ACCOUNT".to_owned(), first_word);
    lines.push("  barometer accounts                          the book, the worst first".to_owned());
    lines.push(format!("  {:<42}  why it scores what it scores", format!("barometer explain {which}")));
    lines.push("  barometer outbox                            what would have been sent, and to whom".to_owned());
    lines.push("  barometer simulate kestrel-sentiment-red    a change, as the CRM would send it".to_owned());
    lines.push("Stop with Ctrl-C; everything is kept.".to_owned());
    lines.push(String::new());
    lines.join("\n")
}

/// Whether anything leaves this machine.
fn sending(status: &Status) -> String {
    let live: Vec<String> = status
        .modes
        .iter()
        .filter(|row| row.to != Mode::Observe)
        .map(|row| format!("{} / {} ({})", row.playbook, row.destination, row.to))
        .collect();
    match (status.paused_at, live.is_empty()) {
        (Some(at), _) => format!("Sending is paused since {}: `barometer resume` goes on.", instant(at)),
        (None, true) => "Nothing leaves this machine: messages are rendered and kept in the outbox until \
                         `barometer golive`."
            .to_owned(),
        (None, false) => format!("Messages go out: {}.", live.join(", ")),
    }
}
