//! What `setup` found, as people read it.

use super::Found;
use crate::show::{Align, Style, Table, safe};

/// How many properties are listed; a portal has hundreds, most of them empty.
const LISTED: usize = 40;

/// Which road needs which plan, and what its token must be allowed.
const ROADS: [[&str; 4]; 4] = [
    [
        "Data Hub Professional or above",
        "workflow webhook: whole companies, contacts, deals",
        "none",
        "enrol on what is mapped",
    ],
    [
        "any plan, with a private app",
        "app webhooks: single changes, whole records fetched",
        "crm.objects.companies.read, .contacts.read, .deals.read, tickets",
        "the events below",
    ],
    [
        "any plan, with a private app",
        "tasks for owners, and how they stand",
        "crm.objects.contacts.write, crm.objects.contacts.read, crm.objects.companies.read, crm.objects.owners.read",
        "–",
    ],
    ["any plan, with a private app", "scores on companies", "crm.objects.companies.write", "–"],
];

pub(super) fn found(found: &Found, style: Style) -> String {
    let all = found.companies;
    let mut text = format!("{}\n", style.bold(&format!("Properties of {all} companies")));
    let mut table = Table::new([("property", Align::Left), ("label", Align::Left), ("filled", Align::Right)]);
    let some: Vec<_> = found.properties.iter().filter(|property| property.filled > 0).collect();
    for property in some.iter().take(LISTED) {
        let share = format!("{}%", property.filled * 100 / all.max(1));
        table.row([property.name.clone(), property.label.clone(), share]);
    }
    text.push_str(&table.show(style));
    let rest = found.properties.len() - some.len().min(LISTED);
    if rest > 0 {
        text.push_str(&format!("{rest} more, most of them empty; --json lists all\n"));
    }
    text.push_str(&format!("\n{}\n", style.bold("What they would mean")));
    let mut table =
        Table::new([("field", Align::Left), ("property", Align::Left), ("sure", Align::Left), ("why", Align::Left)]);
    for proposal in &found.proposals {
        let property = proposal.property.clone().unwrap_or_else(|| "–".to_owned());
        let sure = proposal.confidence.map_or("–", |confidence| confidence.as_str());
        table.row([proposal.field.to_owned(), property, sure.to_owned(), proposal.reason.clone()]);
    }
    text.push_str(&table.show(style));
    for account in &found.accounts {
        text.push_str(&format!("\n{}\n", style.bold(&safe(&account.name))));
        for (field, raw, fact) in &account.values {
            text.push_str(&format!("  {field}: {} → {}\n", safe(raw), safe(fact)));
        }
    }
    text.push_str(&format!("\n{}\n", style.bold("How HubSpot reaches Barometer, and Barometer HubSpot")));
    let mut table = Table::new([
        ("plan", Align::Left),
        ("path", Align::Left),
        ("scopes of the token", Align::Left),
        ("subscribe", Align::Left),
    ]);
    for road in ROADS {
        table.row(road.map(str::to_owned));
    }
    text.push_str(&table.show(style));
    text.push_str(&format!("Events of an app: {}\n", safe(&found.subscribe.join(", "))));
    for (file, lines) in &found.changes {
        let what = if found.written { "written" } else { "would change" };
        text.push_str(&format!("\n{}\n{}", style.bold(&format!("{file}, {what}")), lines));
    }
    for made in &found.made {
        text.push_str(&format!("\n{} of {}: {}", made.property, made.object, safe(&made.outcome)));
    }
    text.push_str(if found.written {
        "\nRestart `barometer up` with it. `barometer golive --playbook write-back` lets scores out, and writes what was refused.\n"
    } else {
        "\nNothing was changed; --yes writes this, and makes the properties that tasks and scores need in HubSpot.\n"
    });
    text
}
