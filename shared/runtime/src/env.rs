//! Environment variables and configuration files, read once per cold start; everything wrong is reported at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Every bad variable, with what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BadEnvironment(pub Vec<String>);

impl fmt::Display for BadEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the environment is incomplete: ")?;
        f.write_str(&self.0.join("; "))
    }
}

/// Reads variables and remembers what is wrong.
#[derive(Debug, Default)]
pub struct Environment {
    problems: Vec<String>,
}

impl Environment {
    /// A variable that must be set; `expected` says what it holds.
    pub fn required(&mut self, name: &str, expected: &str) -> String {
        match std::env::var(name) {
            Ok(value) if !value.trim().is_empty() => value,
            _ => {
                self.problems.push(format!("{name} is not set; expected {expected}"));
                String::new()
            }
        }
    }

    /// A variable that may be missing.
    pub fn optional(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.trim().is_empty())
    }

    /// Where in Systems Manager a function's secrets are: `BAROMETER_SECRETS`, as the template names it, or the place that
    /// the documents name, `/barometer/{below}`.
    pub fn secrets(&self, below: &str) -> String {
        self.optional("BAROMETER_SECRETS").unwrap_or_else(|| format!("/barometer/{below}"))
    }

    /// Notes something wrong with a variable that is set.
    pub fn problem(&mut self, text: String) {
        self.problems.push(text);
    }

    /// # Errors
    /// When anything was wrong, all of it.
    pub fn finish(self) -> Result<(), BadEnvironment> {
        if self.problems.is_empty() { Ok(()) } else { Err(BadEnvironment(self.problems)) }
    }
}

/// The one file `name` of the folder `dir`, by its name.
///
/// # Errors
/// When it cannot be read; the error names it.
pub fn read_one(dir: &Path, name: &str) -> std::io::Result<BTreeMap<String, String>> {
    Ok([(name.to_owned(), read(&dir.join(name))?)].into())
}

fn read(path: &Path) -> std::io::Result<String> {
    std::fs::read_to_string(path).map_err(|e| std::io::Error::new(e.kind(), format!("{}: {e}", path.display())))
}

/// Every text file below `dir`, by its path from there with `/` between the parts.
///
/// # Errors
/// When the folder or a file cannot be read; the error names it.
pub fn read_files(dir: &Path) -> std::io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(dir.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let named = |error: std::io::Error| std::io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
        for entry in std::fs::read_dir(&folder).map_err(named)? {
            let entry = entry.map_err(named)?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(named)?.is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else if [".toml", ".j2"].iter().any(|ending| name.ends_with(ending)) {
                files.insert(name, read(&entry.path())?);
            }
        }
    }
    Ok(files)
}
