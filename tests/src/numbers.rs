//! The numbers that stand in deciding code: those that no file of the configuration changes. `infra/config/DEFAULTS.md` lists
//! them below what the configuration says, each with the reason that stands above it.

use std::fmt::Write as _;

/// The heading of their part of the document.
pub const HEADING: &str = "\n## Fixed in the code\n";

const INTRODUCTION: &str = "
Numbers that are part of a definition, or that keep a row, a call or a message within what its reader takes. Written by
`BLESS=1 cargo test --workspace --test tidy`; the reason is the comment above each.

| where | what | value | why | source |
|---|---|---|---|---|
";

/// What decides: paths, or their beginnings.
const DECIDING: [&str; 5] = [
    "shared/rules/src/",
    "shared/config/src/",
    "shared/model/src/assessment/",
    "functions/",
    "infra/local/src/host/owners.rs",
];
/// What makes up statements for examples, and decides nothing.
const INVENTS: &str = "shared/rules/src/examples/many.rs";
/// Fewer words repeat the name.
const LEAST_WORDS: usize = 6;

/// A number that is fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The file, from the top.
    pub file: String,
    /// The constant.
    pub name: String,
    /// As it is written.
    pub value: String,
    /// The comment above it.
    pub why: String,
    /// Where it comes from; empty where it is our own judgement.
    pub source: String,
}

impl Fixed {
    /// It says why it is what it is.
    pub fn has_reason(&self) -> bool {
        self.why.split_whitespace().count() >= LEAST_WORDS && self.source.split_whitespace().count() != 1
    }
}

/// The file's code decides something.
pub fn decides(path: &str) -> bool {
    let is_code = path.ends_with(".rs") && path.contains("src/") && path != INVENTS;
    is_code
        && !path.contains("/tests/")
        && !path.ends_with("tests.rs")
        && DECIDING.iter().any(|at| path.starts_with(at))
}

/// The part of a file that is no test.
fn code(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at])
}

/// The constants of a file that are numbers.
pub fn fixed(file: &str, text: &str) -> Vec<Fixed> {
    let lines: Vec<&str> = code(text).lines().map(str::trim).collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((name, value)) = constant(line) else { continue };
        let is_number = value.contains(|c: char| c.is_ascii_digit()) && !value.contains('"');
        if !is_number {
            continue;
        }
        let above = lines[..at].iter().rev().skip_while(|line| line.starts_with("#["));
        let mut comment: Vec<&str> = above.map_while(|line| line.strip_prefix("///")).map(str::trim).collect();
        comment.retain(|line| !line.is_empty());
        comment.reverse();
        let comment = comment.join(" ");
        let (why, source) = comment.split_once("Source: ").unwrap_or((&comment, ""));
        found.push(Fixed {
            file: file.to_owned(),
            name: name.to_owned(),
            value: value.trim_end_matches(';').replace("SignedDuration::", ""),
            why: why.trim().to_owned(),
            source: source.trim().to_owned(),
        });
    }
    found
}

/// The name and the first line of the value of a constant.
fn constant(line: &str) -> Option<(&str, &str)> {
    let rest = ["pub const ", "pub(crate) const ", "pub(super) const ", "const "]
        .iter()
        .find_map(|start| line.strip_prefix(start))?;
    let (name, rest) = rest.split_once(": ")?;
    let (_, value) = rest.split_once(" = ")?;
    name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_').then_some((name, value))
}

/// The lines of a file that decide by a number without a name, and without a reason beside it.
pub fn bare(file: &str, text: &str) -> Vec<String> {
    let lines = (1..).zip(code(text).lines()).filter(|(_, line)| {
        let line = line.trim();
        let has_reason = line.split_once(" // ").is_some_and(|(_, why)| why.split_whitespace().count() >= 2);
        !line.starts_with("//") && constant(line).is_none() && !has_reason && (is_length(line) || is_compared(line))
    });
    lines.map(|(number, line)| format!("{file}:{number}: {}", line.trim())).collect()
}

/// A length of time in digits alone, such as `from_hours(24 * 7)` or `30.days()`. One of the smallest unit is "right after".
fn is_length(line: &str) -> bool {
    let made = ["from_millis(", "from_secs(", "from_mins(", "from_hours(", "from_days("].iter().any(|call| {
        line.split(call).skip(1).filter_map(|rest| rest.split_once(')')).any(|(argument, _)| {
            let is_plain = argument.chars().all(|c| c.is_ascii_digit() || " _*-".contains(c));
            is_plain && argument != "1" && argument.contains(|c: char| c.is_ascii_digit())
        })
    });
    let called = [".minutes()", ".hours()", ".days()", ".weeks()", ".months()"].iter().any(|call| {
        let before = line.split(call).collect::<Vec<_>>();
        before[..before.len() - 1].iter().any(|before| {
            let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_').len();
            let name = before[..before.len() - digits].chars().last();
            digits > 0 && !name.is_some_and(|c| c.is_alphanumeric() || c == '.')
        })
    });
    made || called
}

/// A comparison with a number of two digits or more.
fn is_compared(line: &str) -> bool {
    ["< ", "> ", "<= ", ">= "].iter().any(|operator| {
        line.split(operator).skip(1).any(|rest| {
            rest.trim_start_matches('-').chars().take_while(|c| c.is_ascii_digit() || *c == '_').count() > 1
        })
    })
}

/// Their part of the document.
pub fn document(all: &[Fixed]) -> String {
    let mut text = format!("{HEADING}{INTRODUCTION}");
    for Fixed { file, name, value, why, source } in all {
        let cell = |text: &str| text.trim().replace('|', "\\|");
        let source = if source.is_empty() { "ours" } else { source };
        let cells = [file.as_str(), &format!("`{name}`"), &format!("`{value}`"), why, source].map(cell);
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}
