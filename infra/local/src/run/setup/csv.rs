//! Comma-separated values as exports write them: quotes, doubled quotes, line breaks within quotes.

/// The rows of a file, each as its cells. Empty lines are left out; a mark at the beginning that says which encoding it is,
/// too.
pub(super) fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !quoted && letters.peek() == Some(&'\n') => {}
            other => cell.push(other),
        }
    }
    row.push(cell);
    rows.push(row);
    rows.retain(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    rows
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn quotes_keep_commas_and_line_breaks_and_themselves() {
        let text = "\u{feff}Name,Note\r\n\"Acme, Inc\",\"said \"\"yes\"\"\nand left\"\r\n\r\nBolt,\n";
        assert_eq!(rows(text), [vec!["Name", "Note"], vec!["Acme, Inc", "said \"yes\"\nand left"], vec!["Bolt", ""]]);
        assert_eq!(rows("a\"b,c"), [vec!["a\"b", "c"]]);
        assert!(rows("\n\n").is_empty());
    }
}
