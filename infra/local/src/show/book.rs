//! The book as a whole, and who looks after it.

use model::{Band, Money};

use super::{Align, Style, Table, UNKNOWN, count, or_unknown, safe};
use crate::api::{BookReport, Named, OwnerState, OwnersReport};

/// How many accounts of nobody are shown.
const MOST_OWNERLESS: usize = 50;

/// Who is watched and why, how they stand, and what is not known.
pub fn book(report: &BookReport, style: Style) -> String {
    if report.companies == 0 {
        return "No company is known yet. `barometer import --help` says how to load a book, `barometer simulate book` sends \
                one.\n"
            .to_owned();
    }
    let companies = count(report.companies.into(), "company", "companies");
    let mut text = format!("{companies}, {} of them watched, {} a year.\n\n", report.watched, amounts(&report.arr));
    let mut rules =
        Table::new([("companies", Align::Right), ("", Align::Left), ("rule", Align::Left), ("such as", Align::Left)]);
    for row in &report.rules {
        let (outcome, rule) = match row.outcome.as_str() {
            "watched" => ("watched", row.rule.clone()),
            "excluded" => ("excluded", row.rule.clone()),
            "own_domain" => ("excluded", format!("domain {}", row.rule)),
            _ => ("not watched", "nothing of `when` holds".to_owned()),
        };
        rules.row([row.companies.to_string(), outcome.to_owned(), rule, names(&row.examples)]);
    }
    text.push_str(&rules.show(style));
    let bands = [
        (Band::Red, report.bands.red),
        (Band::Yellow, report.bands.yellow),
        (Band::Green, report.bands.green),
        (Band::Unknown, report.bands.unknown),
    ];
    text.push_str("\nThey stand: ");
    let bands: Vec<_> = bands
        .iter()
        .map(|(band, number)| {
            format!("{} {number} ({} %)", style.band(*band, band.as_str()), percent(*number, report.watched))
        })
        .collect();
    text.push_str(&format!("{}.\n", bands.join(", ")));
    for gap in &report.gaps {
        let what = match gap.missing.as_str() {
            "renews_on" => "no renewal date",
            "arr" => "no revenue",
            _ => "no owner",
        };
        let (accounts, have) =
            (count(gap.accounts.into(), "account", "accounts"), if gap.accounts == 1 { "has" } else { "have" });
        let arr = if gap.arr.is_empty() { String::new() } else { format!(" ({} a year)", amounts(&gap.arr)) };
        text.push_str(&format!("{accounts} {have} {what}{arr}: {}\n", safe(&names(&gap.examples))));
    }
    let mut measures = Table::new([("measure", Align::Left), ("have a value", Align::Right), ("", Align::Left)]);
    for row in &report.measures {
        let hint = row.hint.as_ref().map(|hint| format!("not wired: {hint}")).unwrap_or_default();
        let valued = if row.accounts == 0 { UNKNOWN.to_owned() } else { format!("{} of {}", row.valued, row.accounts) };
        measures.row([row.label.clone(), valued, hint]);
    }
    text.push_str(&format!("\n{}", measures.show(style)));
    text + &style.faint("What is not wired lowers no score. Owners: barometer owners") + "\n"
}

/// Who looks after the accounts.
pub fn owners(report: &OwnersReport, style: Style) -> String {
    if report.accounts == 0 {
        return "No account is watched yet, so nobody looks after one.\n".to_owned();
    }
    let mut text = String::new();
    let mut table = Table::new([
        ("owner in the CRM", Align::Left),
        ("accounts", Align::Right),
        ("red", Align::Right),
        ("a year", Align::Right),
        ("", Align::Left),
        ("goes to", Align::Left),
        ("what mends it", Align::Left),
    ]);
    for row in &report.owners {
        let state = match row.state {
            OwnerState::Known => "",
            OwnerState::Unknown => "not in team.toml",
            OwnerState::Left => "left",
        };
        table.row([
            row.said.clone(),
            row.accounts.to_string(),
            row.red.to_string(),
            amounts(&row.arr),
            state.to_owned(),
            row.goes_to.clone().unwrap_or_else(|| "nobody".to_owned()),
            row.hint.clone().unwrap_or_default(),
        ]);
    }
    if !report.owners.is_empty() {
        text.push_str(&table.show(style));
    }
    if !report.without.is_empty() {
        let accounts = count(report.without.len().try_into().unwrap_or(u64::MAX), "account has", "accounts have");
        text.push_str(&format!("\n{accounts} no owner in the CRM:\n"));
        let mut table = Table::new([
            ("account", Align::Left),
            ("a year", Align::Right),
            ("goes to", Align::Left),
            ("id", Align::Left),
        ]);
        for row in report.without.iter().take(MOST_OWNERLESS) {
            let goes_to = row.goes_to.clone().map_or_else(|| "nobody".to_owned(), |name| format!("{name} (pool)"));
            table.row([row.name.clone(), or_unknown(row.arr), goes_to, row.account.to_string()]);
        }
        text.push_str(&table.show(style));
        if report.without.len() > MOST_OWNERLESS {
            text.push_str(&format!(
                "and {} more: barometer accounts --owner none\n",
                report.without.len() - MOST_OWNERLESS
            ));
        }
    }
    let share = report.unowned_basis_points;
    let of = if report.arr.is_empty() { "of the accounts" } else { "of the revenue" };
    let hint = format!("{}.{:02} % {of} is looked after by nobody whom team.toml knows.", share / 100, share % 100);
    text + &style.faint(&hint) + "\n"
}

fn amounts(amounts: &[Money]) -> String {
    if amounts.is_empty() {
        return UNKNOWN.to_owned();
    }
    amounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

fn names(examples: &[Named]) -> String {
    examples.iter().map(|one| one.name.clone()).collect::<Vec<_>>().join(", ")
}

/// Of a hundred, rounded half up.
fn percent(part: u64, whole: u32) -> u64 {
    let whole = u64::from(whole.max(1));
    (part * 200 + whole) / (2 * whole)
}
