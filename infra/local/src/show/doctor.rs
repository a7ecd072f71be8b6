//! What `doctor` found, a line each, by what it is about.

use super::{Style, count, safe};
use crate::api::{CheckRow, CheckState, DoctorReport};

/// How far what was found stands from the left edge.
const INDENT: usize = 23;

/// All checks; below what is to be mended stands how.
pub fn doctor(report: &DoctorReport, style: Style) -> String {
    let last = match report.to_mend {
        0 => "Nothing is to be mended.".to_owned(),
        found => format!("{} to be mended.", count(found.into(), "thing is", "things are")),
    };
    format!("{}\n{last}\n", checks(&report.checks, style))
}

/// Rows by what they are about.
pub(crate) fn checks(rows: &[CheckRow], style: Style) -> String {
    let (mut text, mut about) = (String::new(), "");
    for row in rows {
        if row.about != about {
            let gap = if about.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{}\n", style.bold(&safe(&row.about))));
            about = &row.about;
        }
        text.push_str(&line(row, style));
    }
    text
}

fn line(row: &CheckRow, style: Style) -> String {
    // Words and not colours alone: the text may be pasted into a ticket.
    let state = match row.state {
        CheckState::Ok => "ok  ",
        CheckState::NotAsked => "–   ",
        CheckState::Mend => "MEND",
    };
    let state = match row.state {
        CheckState::Mend => style.bold(state),
        CheckState::Ok | CheckState::NotAsked => style.faint(state),
    };
    let mut text = format!("  {state}  {:<14} {}\n", row.check, safe(&row.says));
    if let Some(mend) = &row.mend {
        text.push_str(&format!("{:INDENT$}→ {}\n", "", safe(mend)));
    }
    text
}
