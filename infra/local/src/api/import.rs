//! Files that are loaded, some rows at a time.

use model::{ConnectionName, DeliveryId, Moment};
use serde::{Deserialize, Serialize};

/// Some rows of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// What a row is: `accounts`, `contacts` or `subscriptions`.
    pub sheet: String,
    /// As whose word it is loaded; `None` for the first connection that such a file can be an export of.
    #[serde(default)]
    pub connection: Option<ConnectionName>,
    /// For when the file tells how things were: a day, from its beginning in the model's zone, or an instant.
    pub as_of: String,
    /// The headings, in the order of the cells.
    pub columns: Vec<String>,
    /// The rows, each with its number in the file, where the headings are row 1.
    pub rows: Vec<(u32, Vec<String>)>,
    /// Only judge them.
    pub dry_run: bool,
}

impl ImportRequest {
    /// The most rows of one request; they become one delivery.
    pub const MOST: usize = 200;
}

/// What became of some rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPage {
    /// As whose word they count.
    pub connection: ConnectionName,
    /// For which moment.
    pub as_of: Moment,
    /// What each column that is read feeds.
    pub read: Vec<ImportColumn>,
    /// Columns that nothing is made of.
    pub unused: Vec<String>,
    /// How many rows are good; they are loaded unless this only judged them.
    pub good: u32,
    /// The same rows were loaded for the same moment before.
    pub repeated: bool,
    /// What keeps the others from being loaded.
    pub problems: Vec<ImportProblem>,
    /// What is odd without harm.
    pub warnings: Vec<String>,
    /// The delivery that holds the good rows.
    pub delivery: Option<DeliveryId>,
}

/// A column and what it feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportColumn {
    /// Its heading.
    pub column: String,
    /// The field.
    pub feeds: String,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProblem {
    /// Its number in the file, where the headings are row 1.
    pub row: u32,
    /// The heading of the cell; `None` where it is the row itself.
    pub column: Option<String>,
    /// What was expected there.
    pub message: String,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// The file.
    pub file: String,
    /// What its rows are.
    pub sheet: String,
    /// As whose word they count; `None` for a file without rows.
    pub connection: Option<ConnectionName>,
    /// For which moment.
    pub as_of: Option<Moment>,
    /// How many rows there are.
    pub rows: u32,
    /// How many of them are good.
    pub good: u32,
    /// How many of the good ones were loaded for the same moment before.
    pub repeated: u32,
    /// Nothing was loaded.
    pub dry_run: bool,
    /// What keeps the others from being loaded, in the order of the rows.
    pub problems: Vec<ImportProblem>,
    /// What each column that is read feeds.
    pub read: Vec<ImportColumn>,
    /// Columns that nothing is made of.
    pub unused: Vec<String>,
    /// What is odd without harm, each once.
    pub warnings: Vec<String>,
    /// The deliveries that hold the good rows.
    pub deliveries: Vec<DeliveryId>,
}
