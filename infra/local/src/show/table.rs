//! Columns that line up.

use model::Band;

use super::{Style, safe};

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows of cells under headings; the last column is as wide as it needs to be.
#[derive(Debug)]
pub struct Table<const N: usize> {
    columns: [(&'static str, Align); N],
    rows: Vec<([String; N], Option<Band>)>,
}

impl<const N: usize> Table<N> {
    /// An empty table.
    pub fn new(columns: [(&'static str, Align); N]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push((cells.map(|cell| safe(&cell)), None));
    }

    /// Adds a row whose cells that name a band are in its colour.
    pub fn banded(&mut self, band: Band, cells: [String; N]) {
        self.rows.push((cells.map(|cell| safe(&cell)), Some(band)));
    }

    /// The text, one line per row and one of headings.
    pub fn show(&self, style: Style) -> String {
        let mut widths = self.columns.map(|(heading, _)| heading.chars().count());
        for (cells, _) in &self.rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let headings = self.columns.map(|(heading, _)| heading.to_owned());
        let mut text = style.bold(self.line(&headings, &widths).trim_end());
        text.push('\n');
        for (cells, band) in &self.rows {
            let line = self.line(cells, &widths);
            let name = band.map(|band| (band, cells.iter().position(|cell| cell == band.as_str())));
            let line = match name {
                Some((band, Some(_))) => colour_word(&line, band, style),
                _ => line,
            };
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn line(&self, cells: &[String; N], widths: &[usize; N]) -> String {
        let mut line = String::new();
        for (at, ((cell, width), (_, align))) in cells.iter().zip(widths).zip(&self.columns).enumerate() {
            if at > 0 {
                line.push_str("  ");
            }
            match align {
                Align::Left => line.push_str(&format!("{cell:<width$}")),
                Align::Right => line.push_str(&format!("{cell:>width$}")),
            }
        }
        line
    }
}

/// The first cell that is the band's name, in its colour. Cells are two blanks apart, so a name that merely contains
/// the word is not taken for it.
fn colour_word(line: &str, band: Band, style: Style) -> String {
    let word = band.as_str();
    let at = line.match_indices(word).map(|(at, _)| at).find(|at| {
        let (before, after) = (&line[..*at], &line[at + word.len()..]);
        (before.is_empty() || before.ends_with("  ")) && (after.is_empty() || after.starts_with("  "))
    });
    match at {
        Some(at) => format!("{}{}{}", &line[..at], style.band(band, word), &line[at + word.len()..]),
        None => line.to_owned(),
    }
}
