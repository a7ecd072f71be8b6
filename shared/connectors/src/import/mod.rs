//! Rows of a file that an operator loads, as the word of the connection whose export it is: what each column feeds, and
//! what a row says. What we know of the exports is in `README.md`.
//!
//! A file tells how things were on a day: every statement in it is as old as that day. The rows are journaled as a list of
//! objects, column to text, without the cells that are empty: those say nothing, unless the connection's mapping calls the
//! field `complete`.

mod hubspot;
mod subscriptions;
mod zendesk;

use std::str::FromStr;

use model::{BadId, Delivery, Mapping, Moment, Normalized, QuarantineKind, QuarantinedItem};
use serde_json::value::RawValue;

use crate::json::{self, Object};

/// Kept header of loaded rows: which [`Sheet`] they are of.
pub const SHEET: &str = "barometer-import";
/// Kept header of loaded rows: the moment for which the file tells how things were.
pub const AS_OF: &str = "barometer-as-of";

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheet {
    /// A row is a company, or an organisation of a help desk.
    Accounts,
    /// A row is a person there.
    Contacts,
    /// A row is what a company bought, with its term.
    Subscriptions,
}

impl Sheet {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Accounts, Self::Contacts, Self::Subscriptions];

    /// The name in commands and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Contacts => "contacts",
            Self::Subscriptions => "subscriptions",
        }
    }
}

impl FromStr for Sheet {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let what = "the rows of a file; expected accounts, contacts or subscriptions";
        Self::ALL.into_iter().find(|sheet| sheet.as_str() == text).ok_or_else(|| BadId { what, text: text.to_owned() })
    }
}

/// What the columns of a file are good for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// What each column that is read feeds, by its heading.
    pub read: Vec<(String, String)>,
    /// Columns that nothing is made of.
    pub unused: Vec<String>,
    /// What keeps the file from being loaded at all, and what was expected.
    pub problems: Vec<String>,
}

impl Columns {
    /// The file can be loaded.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Which fields, or parts of a row, a column feeds; empty for one that nothing is made of.
type Feeds = Vec<&'static str>;

/// Judges the headings of a file as an export of a connection of `tool`.
pub fn columns(sheet: Sheet, tool: &str, mapping: &Mapping, names: &[String]) -> Columns {
    let mut columns = Columns::default();
    let Some(form) = form(sheet, tool) else {
        columns
            .problems
            .push(format!("`{tool}` has no {} that can be loaded; name another connection", sheet.as_str()));
        return columns;
    };
    let mut fed: Vec<(&'static str, &String)> = Vec::new();
    for name in names {
        let feeds = form.feeds(mapping, name);
        if feeds.is_empty() {
            columns.unused.push(name.clone());
            continue;
        }
        for what in &feeds {
            match fed.iter().find(|(other, _)| other == what) {
                Some((_, first)) => {
                    let both = format!("the columns `{first}` and `{name}` both tell `{what}`: leave one of them out");
                    columns.problems.push(both);
                }
                None => fed.push((what, name)),
            }
        }
        columns.read.push((name.clone(), feeds.join(", ")));
    }
    if !fed.iter().any(|(what, _)| *what == form.needs().0) {
        let (what, expected) = form.needs();
        columns.problems.push(format!("no column tells the {what}: expected one called {expected}"));
    }
    columns
}

/// What loaded rows say. Never fails and never panics, whatever the bytes; a cell that does not fit is set aside alone.
pub fn normalize(delivery: &Delivery, tool: &str, mapping: &Mapping) -> Normalized {
    let header = |name: &str| delivery.headers.get(name).map(String::as_str).unwrap_or_default();
    let (sheet, as_of) = (header(SHEET).parse::<Sheet>(), header(AS_OF).parse::<Moment>());
    let (Ok(sheet), Ok(as_of)) = (sheet, as_of) else {
        let reason = "loaded rows without saying what they are, and of which day";
        return Normalized::quarantine(QuarantineKind::Unreadable, reason, "$");
    };
    let Some(form) = form(sheet, tool) else {
        let reason = format!("`{tool}` has no {}", sheet.as_str());
        return Normalized::quarantine(QuarantineKind::NotConfigured, reason, "$");
    };
    let rows = json::whole(&delivery.body).and_then(|whole| {
        json::list(whole).map_err(|found| format!("loaded rows: expected a list of objects, found {found}"))
    });
    let rows = match rows {
        Ok(rows) => rows,
        Err(reason) => return Normalized::quarantine(QuarantineKind::Unreadable, reason, "$"),
    };
    let mut all = Normalized::default();
    for (at, raw) in rows.into_iter().enumerate().filter(|(_, raw)| !json::is_erased(raw)) {
        let path = format!("[{at}]");
        let said = match Object::read(raw) {
            Ok(cells) => form.row(&Row { cells: &cells, path, as_of, mapping }),
            Err(found) => Normalized::quarantine(
                QuarantineKind::Unreadable,
                format!("a row: expected cells, found {found}"),
                path,
            ),
        };
        all.signals.extend(said.signals);
        all.links.extend(said.links);
        all.quarantined.extend(said.quarantined);
        all.warnings.extend(said.warnings);
    }
    all
}

/// The form of a vendor's export.
trait Form {
    /// What a column feeds.
    fn feeds(&self, mapping: &Mapping, name: &str) -> Feeds;

    /// What a file must tell, and by which headings.
    fn needs(&self) -> (&'static str, &'static str);

    /// What a row says.
    fn row(&self, row: &Row<'_>) -> Normalized;
}

fn form(sheet: Sheet, tool: &str) -> Option<&'static dyn Form> {
    let vendor = tool.split('-').next().unwrap_or_default();
    Some(match (vendor, sheet) {
        ("hubspot", Sheet::Accounts) => &hubspot::Records::Companies,
        ("hubspot", Sheet::Contacts) => &hubspot::Records::Contacts,
        ("hubspot", Sheet::Subscriptions) => &subscriptions::Subscriptions,
        ("zendesk", Sheet::Accounts) => &zendesk::Records::Organizations,
        ("zendesk", Sheet::Contacts) => &zendesk::Records::Users,
        _ => return None,
    })
}

/// A row on its way into statements and links.
struct Row<'a> {
    cells: &'a Object<'a>,
    path: String,
    as_of: Moment,
    mapping: &'a Mapping,
}

impl<'a> Row<'a> {
    /// The cells that feed something, each with what, in the order of the row.
    fn fed(&self, form: &dyn Form) -> Vec<(&'static str, Cell<'a>)> {
        let cells = self.cells.members().flat_map(|(name, raw)| {
            let cell = Cell { raw, path: format!("{}.{name}", self.path) };
            form.feeds(self.mapping, name).into_iter().map(move |what| (what, cell.clone()))
        });
        cells.collect()
    }
}

/// One cell.
#[derive(Debug, Clone)]
struct Cell<'a> {
    raw: &'a RawValue,
    path: String,
}

impl Cell<'_> {
    fn text(&self) -> String {
        json::scalar(self.raw).ok().flatten().unwrap_or_default().trim().to_owned()
    }

    /// That the cell is not what it should be. The value is not shown: files hold personal data.
    fn unfit(&self, expected: &str) -> QuarantinedItem {
        let reason = format!("expected {expected}");
        QuarantinedItem { kind: QuarantineKind::UnfitValue, reason, path: self.path.clone() }
    }
}

/// That a row lacks a cell.
fn lacks(row: &Row<'_>, needs: (&str, &str)) -> QuarantinedItem {
    let (what, expected) = needs;
    let reason = format!("expected the {what}, in a column called {expected}");
    QuarantinedItem { kind: QuarantineKind::UnfitValue, reason, path: row.path.clone() }
}

/// A heading without what differs between an export's label and the name of its property.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
