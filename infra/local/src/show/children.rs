//! How the children of an account make up its score.

use model::RollUp;

use super::{Align, Style, Table, points, safe};

/// One row per child, their sum, and the children that do not count.
pub(super) fn children(it: &RollUp, style: Style) -> Vec<String> {
    let mut table = Table::new([
        ("gained", Align::Right),
        ("/", Align::Left),
        ("possible", Align::Left),
        ("child", Align::Left),
        ("score", Align::Right),
        ("band", Align::Left),
        ("weighs", Align::Left),
        ("account", Align::Left),
    ]);
    for row in &it.rows {
        let was = row.before.map(|before| format!(" (was {before})")).unwrap_or_default();
        let weighs = row.weight.map_or_else(String::new, |weight| weight.to_string());
        table.banded(
            row.band,
            [
                points(row.gained.into()),
                "/".to_owned(),
                points(row.share.into()),
                row.name.clone(),
                row.score.to_string(),
                row.band.to_string(),
                weighs,
                format!("{}{was}", row.child),
            ],
        );
    }
    let mut lines: Vec<String> = Vec::new();
    match it.score {
        Some(score) => {
            let count = it.rows.len();
            let many = if count == 1 { "1 child".to_owned() } else { format!("{count} children") };
            lines.extend(table.show(style).lines().map(str::to_owned));
            let sum = points(it.rows.iter().map(|row| u32::from(row.gained)).sum());
            lines.push(style.bold(&format!("{sum:>6}  score {score}: {}, of {many}", it.mode)));
        }
        None => lines.push("no child counts, so its own facts do".to_owned()),
    }
    lines.extend(
        it.left_out.iter().map(|one| format!("left out     {} ({}): {}", safe(&one.name), one.child, one.because)),
    );
    if it.beyond > 0 {
        lines.push(format!("left out     {} more: the first {} count", it.beyond, RollUp::MOST));
    }
    lines
}
