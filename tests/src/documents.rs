//! What stands in the documents in backticks: names, calls of the program, blocks of commands.

/// A part of a document that is set apart from its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'a> {
    /// Words in backticks.
    Span(&'a str),
    /// A fenced block: the word behind its fence, and its lines without the indentation of the fence.
    Block(&'a str, Vec<&'a str>),
}

/// The parts of a document, in order.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut indentation = 0;
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 0 {
            let spans = part.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
            parts.extend(spans.map(Part::Span));
            let last = part.rsplit('\n').next().unwrap_or_default();
            indentation = if last.trim().is_empty() { last.len() } else { 0 };
        } else {
            let indent = " ".repeat(indentation);
            let mut lines = part.lines().map(|line| line.strip_prefix(&indent).unwrap_or(line));
            let language = lines.next().unwrap_or_default().trim();
            parts.push(Part::Block(language, lines.collect()));
        }
    }
    parts
}

/// Words in backticks of a document, and the lines of its code blocks.
pub fn quoted(text: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut spans, mut lines) = (Vec::new(), Vec::new());
    for part in parts(text) {
        match part {
            Part::Span(span) => spans.push(span),
            Part::Block(_, block) => lines.extend(block),
        }
    }
    (spans, lines)
}

/// The words of a call of the program, if the line is one.
pub fn call_of(line: &str) -> Option<Vec<&str>> {
    let line = line.trim_start_matches("$ ");
    let call =
        ["cargo run -q -- ", "target/debug/barometer ", "barometer "].iter().find_map(|p| line.strip_prefix(p))?;
    let call = [" #", "  ", " | ", " > ", " &"].iter().fold(call, |call, end| call.split(end).next().unwrap_or(call));
    Some(call.split_whitespace().collect())
}
