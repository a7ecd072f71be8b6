//! `infra/config/DEFAULTS.md`: every number that ships, with its reason and what it comes to in the messy book. The file is
//! written by `BLESS=1 cargo test -p book --test limits`; read its difference before committing. What is fixed in the code stands
//! below it and is written by another test (`tests/src/numbers.rs`), which needs no book.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use book::{CSMS, Placement, Report, Wired};
use config::{Config, Files};
use model::Band;

use super::{config, year_of};

/// One number that ships.
struct Default {
    /// Its place in the file, such as `cap unpaid · when`.
    place: String,
    /// As it is written.
    value: String,
    /// The comment beside or above it.
    why: String,
    /// Where it comes from; empty where it is our own judgement.
    source: String,
    /// What it comes to.
    effect: String,
}

/// The heading of what another test writes.
const FIXED: &str = "\n## Fixed in the code\n";

const HEAD: &str = "# Defaults

Every number that decides. First those of the configuration that ships, which are yours to change: the value, the reason that
stands beside it in the file, where it comes from (*ours*: our judgement, tried on the messy book; else what the comment names
as its source), and what it came to in one year of the messy book (seed 1; for crm-and-tickets, of the company that connected
no more than that). Written by `BLESS=1 cargo test -p book --test limits`; change the files it tells of. What is part of a
definition, or keeps a row within what a store takes, stands at the end: no file changes it.
";

/// The whole document.
pub fn document<'a>(files: &Files, config: &Config, report_for: impl Fn(&str) -> &'a Report) -> String {
    let mut text = HEAD.to_owned();
    for (path, content) in files.0.iter().filter(|(path, _)| is_told(path)) {
        let _ = write!(text, "\n## {path}\n\n| what | value | why | source | in the book |\n|---|---|---|---|---|\n");
        for default in defaults(path, content, config, report_for(path)) {
            let cell = |text: &str| text.trim().replace('|', "\\|");
            let Default { place, value, why, source, effect } = &default;
            let source = if source.is_empty() { "ours" } else { source };
            let cells = [place.as_str(), &format!("`{value}`"), why, source, effect].map(cell);
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    text
}

/// Files with numbers that are judgement.
fn is_told(path: &str) -> bool {
    path.ends_with(".toml")
        && (path.starts_with("health") || path.starts_with("playbooks/") || matches!(path, "team.toml" | "email.toml"))
}

/// Names and texts: what stands in them is no setting.
const TEXTS: [&str; 13] = [
    "title",
    "why",
    "label",
    "goal",
    "name",
    "text",
    "next_step",
    "slack_alert",
    "crm_task",
    "email_nudge",
    "use",
    "value",
    "headline",
];

fn defaults(path: &str, content: &str, config: &Config, report: &Report) -> Vec<Default> {
    let mut found = Vec::new();
    let (mut table, mut name) = (String::new(), String::new());
    let (mut above, mut of_table) = (String::new(), String::new());
    let (mut in_text, mut is_used) = (false, false);
    for line in content.lines() {
        // Only texts reach over several lines.
        if line.matches("\"\"\"").count() == 1 {
            in_text = !in_text;
            continue;
        }
        if in_text || line.trim().is_empty() {
            above.clear();
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            // A comment is about all that follows it, up to the next one.
            if std::mem::take(&mut is_used) {
                above.clear();
            }
            let _ = write!(above, " {}", comment.trim());
        } else if line.starts_with('[') {
            table = line.trim_matches(['[', ']']).to_owned();
            of_table = std::mem::take(&mut above);
            name.clear();
            is_used = false;
        } else if let Some((key, rest)) = line.split_once('=') {
            let (key, (value, beside)) = (key.trim(), apart(rest));
            if matches!(key, "name" | "use") {
                name = value.trim_matches('"').to_owned();
            }
            let is_setting = path != "team.toml" || matches!(table.as_str(), "" | "alerts");
            let is_told = is_setting && table != "example" && !TEXTS.contains(&key);
            if is_told && value.contains(|c: char| c.is_ascii_digit()) {
                let place = [table.as_str(), &name].join(" ");
                let place = if place.trim().is_empty() { key.to_owned() } else { format!("{} · {key}", place.trim()) };
                let why = [beside, &above, &of_table].into_iter().find(|why| !why.trim().is_empty());
                let why = why.unwrap_or_default();
                let (why, source) = why.split_once("Source: ").unwrap_or((why, ""));
                let [why, source] = [why, source].map(|text| text.trim().to_owned());
                let effect = effect(path, (&table, &name, key), config, report);
                found.push(Default { place, value: value.to_owned(), why, source, effect });
            }
            is_used = true;
            if !is_told || !beside.is_empty() {
                above.clear();
            }
        }
    }
    found
}

/// A value and the comment behind it.
fn apart(rest: &str) -> (&str, &str) {
    let mut in_string = false;
    let start = rest.char_indices().find(|(_, c)| {
        in_string ^= *c == '"';
        *c == '#' && !in_string
    });
    start.map_or((rest.trim(), ""), |(at, _)| (rest[..at].trim(), rest[at + 1..].trim()))
}

fn effect(path: &str, (table, name, key): (&str, &str, &str), config: &Config, report: &Report) -> String {
    let crossed =
        |pairs: &[(Band, Band)]| -> usize { pairs.iter().filter_map(|pair| report.crossings.get(pair)).sum() };
    let percent = |part: usize| (100 * part).checked_div(report.account_days).unwrap_or(0);
    // Profiles share names; what an account was not judged by came to nothing.
    let model = path.trim_start_matches("health/").trim_end_matches(".toml");
    let of_model = |counts: &BTreeMap<String, usize>| -> usize {
        let is_it = |key: &String| key.contains(model) && key.ends_with(&format!("/{name}"));
        counts.iter().filter(|(key, _)| is_it(key)).map(|(_, count)| count).sum()
    };
    match (table, key) {
        ("bands", "yellow_from") => {
            format!("{} turned red", crossed(&[(Band::Yellow, Band::Red), (Band::Green, Band::Red)]))
        }
        ("bands", "leave_red_at") => {
            format!("{} left red", crossed(&[(Band::Red, Band::Yellow), (Band::Red, Band::Green)]))
        }
        ("bands", "green_from") => format!("{} left green for yellow", crossed(&[(Band::Green, Band::Yellow)])),
        ("bands", "enter_green_at") => format!("{} turned green again", crossed(&[(Band::Yellow, Band::Green)])),
        ("", "min_coverage") => {
            let days: usize = report.bands.iter().filter_map(|day| day.0.get(&Band::Unknown)).sum();
            format!("unknown on {} % of the days", percent(days))
        }
        ("cap", "when") => format!("held on {} days of an account", of_model(&report.capped)),
        ("measure", "weight") => {
            format!("had a value on {} % of the days", percent(of_model(&report.counted)))
        }
        ("alerts", "per_week") => {
            let most = CSMS.iter().flat_map(|to| report.per_week(to, Placement::Immediate)).max().unwrap_or(0);
            format!("one person got {most} in a week at most")
        }
        (trigger, _) if trigger.starts_with("trigger") => {
            let playbook = path.trim_start_matches("playbooks/").trim_end_matches(".toml");
            let fired = report.fired(playbook);
            let times: usize = fired.values().sum();
            let title = config.playbooks.iter().find(|known| known.name.as_str() == playbook);
            title.map_or_else(String::new, |_| format!("ran {times} times on {} accounts", fired.len()))
        }
        _ => String::new(),
    }
}

#[test]
fn every_number_that_ships_is_told() {
    let path = super::common::folder().join("DEFAULTS.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let fixed = written.find(FIXED).map_or("", |at| &written[at..]);
    let text = document(&super::common::shipped(), config(Wired::Everything), |path| &year_of(path).report) + fixed;
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{} is not what the files say; BLESS=1 rewrites it", path.display());
}

#[test]
fn every_number_that_ships_has_a_reason_and_a_named_source_says_where() {
    let files = super::common::shipped();
    let mut without = vec![];
    for (path, content) in files.0.iter().filter(|(path, _)| is_told(path)) {
        for Default { place, why, source, .. } in defaults(path, content, config(Wired::Everything), &Report::default())
        {
            // What is shorter repeats the name.
            let has_reason = why.split_whitespace().count() >= 3;
            if !has_reason || source.split_whitespace().count() == 1 {
                without.push(format!("{path}: {place}: {why:?}, source {source:?}"));
            }
        }
    }
    assert!(without.is_empty(), "write the reason in a comment beside or above\n{}", without.join("\n"));
}
