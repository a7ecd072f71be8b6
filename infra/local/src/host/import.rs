//! Rows of a file become deliveries of the connection whose export it is.

use std::collections::{BTreeMap, BTreeSet};

use config::Connection;
use connectors::import::{self, Columns, Sheet};
use jiff::civil::Date;
use model::{Delivery, DeliveryId, Family, Moment, stable_hash};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use store::Journaled;

use super::error::refused;
use super::{HostError, Operator};
use crate::api::{ImportColumn, ImportPage, ImportProblem, ImportRequest};

impl Operator {
    /// Judges rows, and journals those that are good as one delivery; the same rows of the same day are the same delivery.
    ///
    /// # Errors
    /// When the headings do not fit, the day has not begun, or the tables do not answer.
    pub async fn import(&self, request: &ImportRequest) -> Result<ImportPage, HostError> {
        let sheet: Sheet = request.sheet.parse().map_err(|error: model::BadId| refused(error.to_string(), SHEETS))?;
        if request.rows.len() > ImportRequest::MOST {
            let message = format!("{} rows cannot be loaded at once", request.rows.len());
            return Err(refused(message, &format!("send {} at a time", ImportRequest::MOST)));
        }
        let as_of = self.as_of(&request.as_of)?;
        let (connection, columns) = self.whose(sheet, request)?;
        let (even, mut problems) = even_rows(request);
        let mut page = ImportPage {
            connection: connection.name.clone(),
            as_of,
            read: columns.read.into_iter().map(|(column, feeds)| ImportColumn { column, feeds }).collect(),
            unused: columns.unused,
            good: 0,
            repeated: false,
            problems: vec![],
            warnings: vec![],
            delivery: None,
        };
        let draft = self.loaded((sheet, as_of), connection, even.iter().map(|(_, cells)| cells))?;
        let said = normalize::normalized(&draft, self.config());
        let mut bad = BTreeSet::new();
        for item in &said.quarantined {
            let Some((at, column)) = place(&item.path) else { continue };
            let Some((row, _)) = even.get(at) else { continue };
            bad.insert(at);
            problems.push(ImportProblem { row: *row, column, message: item.reason.clone() });
        }
        problems.sort_by_key(|problem| problem.row);
        page.problems = problems;
        page.warnings =
            said.warnings.iter().map(|w| warning(&w.path, &w.message)).collect::<BTreeSet<_>>().into_iter().collect();
        let good: Vec<_> = (0..).zip(&even).filter(|(at, _)| !bad.contains(at)).map(|(_, (_, cells))| cells).collect();
        page.good = u32::try_from(good.len()).unwrap_or(u32::MAX);
        if request.dry_run || good.is_empty() {
            return Ok(page);
        }
        let delivery = self.loaded((sheet, as_of), connection, good.into_iter())?;
        page.repeated = match self.store().journal(&delivery).await? {
            Journaled::New | Journaled::KeptBeside(_) => false,
            Journaled::Repeated => true,
            Journaled::TooLarge => {
                let (first, last) = (even.first().map_or(0, |(row, _)| *row), even.last().map_or(0, |(row, _)| *row));
                let message = format!("rows {first} to {last} are too large to be kept together");
                return Err(refused(message, "leave out columns that are not used: --dry-run names them"));
            }
        };
        page.delivery = Some(delivery.id);
        Ok(page)
    }

    /// The moment that a file tells of.
    fn as_of(&self, text: &str) -> Result<Moment, HostError> {
        let day = || Moment::start_of(text.parse::<Date>().ok()?, &self.config().model.zone);
        let expected = "expected the day on which the file was exported, such as 2026-11-21, or an instant";
        let as_of = text.parse::<Moment>().ok().or_else(day);
        let as_of = as_of.ok_or_else(|| refused(format!("`{text}` is no day"), expected))?;
        if as_of > self.clock().now() {
            return Err(refused(format!("{text} has not come yet"), expected));
        }
        Ok(as_of)
    }

    /// The connection whose export it is: the one that is named, else the one that most columns say something to.
    fn whose(&self, sheet: Sheet, request: &ImportRequest) -> Result<(&Connection, Columns), HostError> {
        let judged =
            |connection: &Connection| import::columns(sheet, &connection.tool, &connection.mapping, &request.columns);
        let all = &self.config().connections;
        if let Some(name) = &request.connection {
            let known = || all.iter().map(|c| c.name.to_string()).collect::<Vec<_>>().join(", ");
            let connection = self.config().connection(name);
            let connection = connection
                .ok_or_else(|| refused(format!("there is no connection `{name}`"), &format!("there is {}", known())))?;
            let columns = judged(connection);
            return if columns.is_good() { Ok((connection, columns)) } else { Err(unfit(&[(connection, columns)])) };
        }
        let judged: Vec<_> =
            all.iter().filter(|c| c.enabled).map(|connection| (connection, judged(connection))).collect();
        let most = judged.iter().filter(|(_, columns)| columns.is_good()).map(|(_, columns)| columns.read.len()).max();
        let best = judged.iter().position(|(_, columns)| columns.is_good() && Some(columns.read.len()) == most);
        match best {
            Some(at) => Ok(judged.into_iter().nth(at).ok_or_else(|| unfit(&[]))?),
            None => Err(unfit(&judged)),
        }
    }

    fn loaded<'a>(
        &self,
        (sheet, as_of): (Sheet, Moment),
        connection: &Connection,
        rows: impl Iterator<Item = &'a Map<String, Value>>,
    ) -> Result<Delivery, HostError> {
        let body = serde_json::to_vec(&rows.collect::<Vec<_>>()).map_err(|e| HostError::Template(e.to_string()))?;
        let headers = [(import::SHEET, sheet.as_str().to_owned()), (import::AS_OF, as_of.to_string())];
        let key = stable_hash(&["import", sheet.as_str(), &as_of.to_string(), &String::from_utf8_lossy(&body)]);
        Ok(Delivery {
            id: DeliveryId::of_history(&connection.name, &key),
            connection: connection.name.clone(),
            family: Family::Import,
            received_at: self.clock().receipt()?,
            body_sha256: hex::encode(Sha256::digest(&body)),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body,
            same_key_as: None,
        })
    }
}

const SHEETS: &str = "expected accounts, contacts or subscriptions";

/// Why no connection can take the file.
fn unfit(judged: &[(&Connection, Columns)]) -> HostError {
    let mut why: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (connection, columns) in judged {
        why.entry(columns.problems.join("; ")).or_default().push(connection.name.to_string());
    }
    let lines: Vec<_> = why.iter().map(|(problem, names)| format!("{}: {problem}", names.join(", "))).collect();
    refused(
        "the headings of the file do not fit".to_owned(),
        &format!("{}. `barometer import --help` says which headings are known", lines.join(". ")),
    )
}

type Cells = Map<String, Value>;

/// The rows with as many cells as there are headings, without those that are empty; and the others.
fn even_rows(request: &ImportRequest) -> (Vec<(u32, Cells)>, Vec<ImportProblem>) {
    let (mut even, mut problems) = (Vec::new(), Vec::new());
    for (row, cells) in &request.rows {
        let (expected, found) = (request.columns.len(), cells.len());
        if expected != found {
            let message = format!("expected {expected} cells, as in the headings, found {found}");
            problems.push(ImportProblem { row: *row, column: None, message });
            continue;
        }
        let full = request.columns.iter().zip(cells).filter(|(_, cell)| !cell.trim().is_empty());
        even.push((*row, full.map(|(name, cell)| (name.clone(), Value::String(cell.clone()))).collect()));
    }
    (even, problems)
}

/// The place of a row among those of a body, and the heading of the cell.
fn place(path: &str) -> Option<(usize, Option<String>)> {
    let (at, rest) = path.strip_prefix('[')?.split_once(']')?;
    Some((at.parse().ok()?, rest.strip_prefix('.').map(str::to_owned)))
}

fn warning(path: &str, message: &str) -> String {
    match place(path) {
        Some((_, Some(column))) => format!("{column}: {message}"),
        Some((_, None)) | None => message.to_owned(),
    }
}
