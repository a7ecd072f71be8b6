//! The configuration that ships, with the book's tools and people.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use book::Wired;
use config::{Config, Files};
use model::Tool;

/// Where the configuration that ships stands.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/config")
}

fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{name}/"), files);
        } else if name.ends_with(".toml") || name.ends_with(".j2") {
            files.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// The files that ship.
pub fn shipped() -> Files {
    let mut files = BTreeMap::new();
    read(&folder(), "", &mut files);
    Files(files)
}

/// The configuration of the book's company.
pub fn config(wired: Wired) -> Config {
    let tools: Vec<Tool> = connectors::tools().into_iter().chain(book::TOOLS).collect();
    config::load(&book::files(shipped(), wired), &tools).unwrap()
}
