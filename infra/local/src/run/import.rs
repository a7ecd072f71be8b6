//! `barometer import`: a CSV file, some rows at a time.

use std::path::Path;

use super::Surroundings;
use super::progress::Progress;
use crate::api::{ImportPage, ImportProblem, ImportReport, ImportRequest, route};
use crate::cli::ImportArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::show;

/// How long the command waits at the end until all are recomputed, in milliseconds.
const FINISH_MS: u64 = 60_000;
/// How many bytes of cells are sent together; a delivery must fit an item once it is compressed.
const MOST_BYTES: usize = 500_000;

/// Carries the command out.
pub(super) async fn import(here: &Surroundings, client: &Client, args: ImportArgs) -> Result<(), Failure> {
    let sheet = args.sheet.as_str();
    let file = read(&args.file)?;
    let mut report = ImportReport {
        file: args.file.display().to_string(),
        sheet: sheet.to_owned(),
        connection: None,
        as_of: None,
        rows: number(file.rows.len() + file.problems.len()),
        good: 0,
        repeated: 0,
        dry_run: args.dry_run,
        problems: file.problems,
        read: vec![],
        unused: vec![],
        warnings: vec![],
        deliveries: vec![],
    };
    let progress = Progress::new();
    for rows in pages(file.rows) {
        let request = ImportRequest {
            sheet: sheet.to_owned(),
            connection: args.connection.clone().or(report.connection.clone()),
            as_of: args.as_of.clone(),
            columns: file.columns.clone(),
            rows,
            dry_run: args.dry_run,
        };
        add(&mut report, client.post(route::IMPORT, &request).await?);
        progress.tell(&format!("{} of {} rows", report.good + number(report.problems.len()), report.rows));
    }
    progress.end();
    if !args.dry_run {
        client.settle(FINISH_MS).await?;
    }
    report.problems.sort_by_key(|problem| problem.row);
    here.answer(&report, |report| show::import(report, here.style))?;
    if !report.deliveries.is_empty() {
        here.tell_who_goes_on()?;
    }
    let left = report.rows - report.good;
    if left > 0 { Err(Failure::RowsLeft { left, rows: report.rows }) } else { Ok(()) }
}

fn add(report: &mut ImportReport, page: ImportPage) {
    report.connection = Some(page.connection);
    report.as_of = Some(page.as_of);
    report.good += page.good;
    report.repeated += if page.repeated { page.good } else { 0 };
    report.problems.extend(page.problems);
    (report.read, report.unused) = (page.read, page.unused);
    report.deliveries.extend(page.delivery);
    for warning in page.warnings {
        if !report.warnings.contains(&warning) {
            report.warnings.push(warning);
        }
    }
}

/// A row with its number.
type Numbered = (u32, Vec<String>);

/// What a file holds.
#[derive(Debug)]
struct File {
    columns: Vec<String>,
    rows: Vec<Numbered>,
    problems: Vec<ImportProblem>,
}

fn read(path: &Path) -> Result<File, Failure> {
    let bytes = std::fs::read(path).map_err(Failure::system(format!("cannot read {}", path.display())))?;
    let bad = |problem: &str| Failure::BadFile { file: path.to_owned(), problem: problem.to_owned() };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter(bytes)).flexible(true).from_reader(bytes);
    let text = |record: &csv::ByteRecord| {
        record.iter().map(|cell| std::str::from_utf8(cell).map(str::to_owned)).collect::<Result<Vec<_>, _>>()
    };
    let headings = reader.byte_headers().map_err(|_| bad("it has no headings"))?;
    let columns = text(headings).map_err(|_| bad("its headings are not UTF-8: save it as `CSV UTF-8`"))?;
    let columns: Vec<String> = columns.into_iter().map(|name| name.trim().to_owned()).collect();
    if columns.iter().all(String::is_empty) {
        return Err(bad("it has no headings"));
    }
    if let Some(twice) = columns.iter().enumerate().find(|(at, name)| columns[..*at].contains(name)) {
        return Err(bad(&format!("the heading `{}` stands in it twice", twice.1)));
    }
    let mut file = File { columns, rows: vec![], problems: vec![] };
    for (row, record) in (2..).zip(reader.byte_records()) {
        let told = record.map_err(|error| error.to_string()).and_then(|record| {
            text(&record).map_err(|_| "expected UTF-8 text: save the file as `CSV UTF-8`".to_owned())
        });
        match told {
            Ok(cells) => file.rows.push((row, cells)),
            Err(message) => file.problems.push(ImportProblem { row, column: None, message }),
        }
    }
    Ok(file)
}

/// What stands between the cells: spreadsheets write semicolons or tabs where the comma is in numbers.
fn delimiter(bytes: &[u8]) -> u8 {
    let mut quoted = false;
    let mut found = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in bytes.iter().take_while(|byte| **byte != b'\n') {
        quoted ^= *byte == b'"';
        for (delimiter, count) in &mut found {
            *count += usize::from(!quoted && byte == delimiter);
        }
    }
    // Of equals the last is taken, and a comma is what is meant where there is none at all.
    found.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

/// The rows, as many together as one request takes.
fn pages(rows: Vec<Numbered>) -> Vec<Vec<Numbered>> {
    let mut pages: Vec<Vec<Numbered>> = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let size: usize = row.1.iter().map(String::len).sum();
        match pages.last_mut() {
            Some(page) if page.len() < ImportRequest::MOST && bytes + size <= MOST_BYTES => page.push(row),
            _ => {
                pages.push(vec![row]);
                bytes = 0;
            }
        }
        bytes += size;
    }
    pages
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> Result<File, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.csv");
        std::fs::write(&path, content).unwrap();
        read(&path)
    }

    #[test]
    fn a_file_is_read_with_whatever_stands_between_its_cells() {
        for content in ["a,b;c\n1,\"x;\n\"\"y\"\"\"\n", "a;\"b,c\"\n1;x\n", "\u{feff}a\tb\n1\tx\n"] {
            let file = file(content.as_bytes()).unwrap();
            assert_eq!((file.columns.len(), file.columns[0].as_str()), (2, "a"), "{content:?}");
            assert_eq!((file.rows[0].0, file.rows[0].1[0].as_str()), (2, "1"), "{content:?}");
        }
        assert_eq!(file(b"a,b;c\n1,\"x;\n\"\"y\"\"\"\n").unwrap().rows[0].1[1], "x;\n\"y\"");
    }

    #[test]
    fn a_row_that_is_no_text_is_named_and_the_others_are_read() {
        let file = file(b"a,b\n1,\xff\n2,x,more\n3,y\n").unwrap();
        assert_eq!(file.problems[0].row, 2);
        assert_eq!(file.rows.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn a_file_without_good_headings_is_refused() {
        for content in [&b""[..], b"\n", b"a,a\n1,2\n", b"\xff,b\n"] {
            assert!(matches!(file(content), Err(Failure::BadFile { .. })), "{content:?}");
        }
    }

    #[test]
    fn rows_are_sent_some_at_a_time() {
        let many = |count: u32, size: usize| (0..count).map(|row| (row, vec!["x".repeat(size)])).collect();
        assert_eq!(pages(many(450, 10)).iter().map(Vec::len).collect::<Vec<_>>(), [200, 200, 50]);
        assert_eq!(pages(many(3, 300_000)).len(), 3);
        assert_eq!(pages(vec![]).len(), 0);
    }
}
