//! Habits that a compiler does not check: where things lie, what is not used, and that the documents tell the truth.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use barometer::cli::Cli;
use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use tests::documents::{call_of, quoted};
use tests::numbers;

/// Everything that may lie at the top. A new part of the product belongs into one of the folders.
const TOP: [&str; 22] = [
    ".ci",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "deny.toml",
    "events",
    "functions",
    "infra",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "shared",
];
/// Folders besides those of [`TOP`] that documents may name paths in.
const TESTS: &str = "tests";
/// One idea per file: a file that is longer usually holds two.
const MAX_LINES: usize = 500;
/// Files that may be longer, each with the reason beside it.
const LONGER: [&str; 0] = [];
/// The documents whose paths and names are checked. Commands are, wherever they stand.
const DOCUMENTS: [&str; 6] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "infra/README.md", "infra/deploy/README.md"];

/// A file of the project: its path from the top, with `/`, and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Its lines that are not comments, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file that belongs to the project: what git knows or would add; without git, what lies there.
fn files() -> Vec<File> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").arg("-C").arg(root()).args(arguments).output();
    let mut paths = BTreeSet::new();
    if let Ok(listed) = listed {
        paths.extend(String::from_utf8_lossy(&listed.stdout).split_terminator('\0').map(str::to_owned));
    }
    if paths.is_empty() {
        walk(&root(), "", &mut paths);
    }
    let text = |path: &String| String::from_utf8(std::fs::read(root().join(path)).ok()?).ok();
    paths.into_iter().filter_map(|path| Some(File { text: text(&path)?, path })).collect()
}

fn walk(folder: &Path, prefix: &str, paths: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if ["target", ".git", ".barometer", "secrets.toml"].contains(&name.as_str()) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &format!("{path}/"), paths);
        } else {
            paths.insert(path);
        }
    }
}

/// Fails with every finding on a line of its own.
#[track_caller]
fn none(what_to_do: &str, findings: impl IntoIterator<Item = String>) {
    let mut all = String::new();
    for finding in findings {
        writeln!(all, "  {finding}").unwrap();
    }
    assert!(all.is_empty(), "{what_to_do}:\n{all}");
}

/// Lines of code that hold one of these; `skip` says of a path that it may.
fn lines_with(needles: &[&str], skip: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.is_rust() && !skip(&file.path)) {
        for (number, line) in file.code() {
            if let Some(needle) = needles.iter().find(|needle| line.contains(**needle)) {
                found.push(format!("{}:{number}: `{needle}`", file.path));
            }
        }
    }
    found
}

#[test]
fn nothing_else_lies_at_the_top() {
    let tops: BTreeSet<_> = files().iter().map(|f| f.path.split('/').next().unwrap().to_owned()).collect();
    let strange = tops.into_iter().filter(|top| top != TESTS && !TOP.contains(&top.as_str()));
    none("move this into one of the folders, or into .gitignore", strange);
}

#[test]
fn every_vendor_folder_is_registered_sourced_and_refuses_something() {
    const FOLDER: &str = "shared/connectors/src";
    let entries = std::fs::read_dir(root().join(FOLDER)).unwrap().map(Result::unwrap);
    let folders: BTreeSet<_> = entries
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        // Files that operators load, and events of AWS: signed by none.
        .filter(|folder| !["import", "ses"].contains(&folder.as_str()))
        .collect();
    let registered: BTreeSet<_> = connectors::ALL.iter().map(|c| c.tool().name.replace('-', "_")).collect();
    assert_eq!(folders, registered, "the folders of {FOLDER} are not those of `connectors::ALL`");
    let files = files();
    for folder in folders {
        let readme = read(&format!("{FOLDER}/{folder}/README.md"));
        let dated = readme.lines().any(|line| line.contains("https://") && line.contains("read 20"));
        assert!(readme.contains("## Sources") && dated, "{folder}/README.md has no source with the date it was read");
        let prefix = format!("{FOLDER}/{folder}/fixtures/");
        let refuses = |file: &File| {
            file.path.starts_with(&prefix)
                && file.path.ends_with("/claims.toml")
                && file.text.lines().any(|line| line.starts_with("refused ="))
        };
        assert!(files.iter().any(refuses), "{folder} has no fixture of a request that is refused");
    }
}

#[test]
fn no_file_holds_two_ideas() {
    let long = files().into_iter().filter(|f| f.is_rust() && !LONGER.contains(&f.path.as_str())).filter_map(|f| {
        let lines = f.text.lines().count();
        (lines > MAX_LINES).then(|| format!("{}: {lines} lines", f.path))
    });
    none("divide these", long);
}

/// `DEFAULTS.md` ends with the numbers that no file changes; `BLESS=1` rewrites that part.
#[test]
fn every_number_that_decides_is_told_with_its_reason() {
    const DOCUMENT: &str = "infra/config/DEFAULTS.md";
    let files = files();
    let deciding = || files.iter().filter(|file| numbers::decides(&file.path));
    let fixed: Vec<_> = deciding().flat_map(|file| numbers::fixed(&file.path, &file.text)).collect();
    let without = fixed.iter().filter(|number| !number.has_reason());
    none(
        "write above each why it is what it is",
        without.map(|number| format!("{}: {}: {:?}", number.file, number.name, number.why)),
    );
    none(
        "give the number a name and a reason, or say why behind it",
        deciding().flat_map(|file| numbers::bare(&file.path, &file.text)),
    );
    let written = read(DOCUMENT);
    let before = &written[..written.find(numbers::HEADING).unwrap_or(written.len())];
    let told = format!("{before}{}", numbers::document(&fixed));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(root().join(DOCUMENT), told).unwrap();
        return;
    }
    assert!(written == told, "{DOCUMENT} is not what the code says; BLESS=1 rewrites it, read the difference");
    assert!(fixed.len() > 60, "only {} numbers were found; is the deciding code elsewhere?", fixed.len());
}

#[test]
fn nothing_is_left_unfinished() {
    let needles =
        [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!("), concat!("#[ign", "ore")];
    none("finish these", lines_with(&needles, |_| false));
}

#[test]
fn the_wall_clock_is_read_in_main_only() {
    let needles = [
        concat!("SystemTime", "::now"),
        concat!("Timestamp", "::now"),
        concat!("Zoned", "::now"),
        concat!("Instant", "::now"),
    ];
    // Whoever starts real programs speaks to them of the time that they have.
    let starts_programs = |path: &str| path.contains("/benches/") || path.ends_with("/tests/bootstrap.rs");
    let may = |path: &str| path.ends_with("/main.rs") || path == "infra/local/src/clock.rs" || starts_programs(path);
    none("take a `Moment` or a `Clock` as an argument", lines_with(&needles, may));
}

#[test]
fn nothing_is_unsafe() {
    let needles = [concat!("unsa", "fe {"), concat!("unsa", "fe fn"), concat!("unsa", "fe impl")];
    none("the workspace forbids it, also in build scripts", lines_with(&needles, |_| false));
}

#[test]
fn secrets_and_signatures_are_compared_in_constant_time() {
    let mut needles = Vec::new();
    for word in ["signature", "secret", "token", "expected", "digest"] {
        for operator in ["==", "!="] {
            needles.extend([format!("{word} {operator}"), format!("{operator} {word}"), format!("{operator} &{word}")]);
        }
    }
    let needles: Vec<_> = needles.iter().map(String::as_str).collect();
    let elsewhere = |path: &str| !path.starts_with("shared/connectors/src/") || path.ends_with("tests.rs");
    none("use `signature::any_is`", lines_with(&needles, elsewhere));
}

/// A tag can be moved to another commit; a hash cannot. The version stands beside it, for people and for the bot.
#[test]
fn every_action_of_a_workflow_is_named_by_its_commit() {
    let workflows = files().into_iter().filter(|file| file.path.starts_with(".github/workflows/"));
    let mut found = Vec::new();
    for File { path, text } in workflows {
        for (number, line) in (1..).zip(text.lines()) {
            let Some(action) = line.trim_start().trim_start_matches("- ").strip_prefix("uses: ") else { continue };
            let (hash, version) =
                action.split_once('@').and_then(|(_, rest)| rest.split_once(" # v")).unwrap_or_default();
            let is_hash = hash.len() == 40 && hash.bytes().all(|b| b.is_ascii_hexdigit());
            if !is_hash || version.is_empty() {
                found.push(format!("{path}:{number}: {action}"));
            }
        }
    }
    none("name the action as `owner/name@40-hexadecimal-digits # v1.2.3`", found);
}

#[test]
fn every_crate_says_what_it_is_for() {
    let roots = files().into_iter().filter(|f| f.path.ends_with("src/lib.rs") || f.path.ends_with("src/main.rs"));
    none("begin with a `//!` line", roots.filter(|f| !f.text.starts_with("//! ")).map(|f| f.path));
}

#[test]
fn a_dependency_is_declared_once() {
    let mut found = Vec::new();
    for manifest in files().iter().filter(|f| f.path.ends_with("/Cargo.toml")) {
        let mut is_dependencies = false;
        for line in manifest.text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.starts_with('[') {
                is_dependencies = line.ends_with("dependencies]");
            } else if is_dependencies && !line.contains("workspace = true") {
                found.push(format!("{}: {line}", manifest.path));
            }
        }
    }
    none("declare the version in the workspace's Cargo.toml and write `.workspace = true`", found);
}

#[test]
fn one_http_and_one_tls_stack_are_built() {
    let lock = read("Cargo.lock");
    let packages = lock.split("[[package]]").skip(1).map(|package| {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            line.unwrap_or_default().trim_matches('"').to_owned()
        };
        (value("name"), value("version"))
    });
    let second = packages.filter(|(name, version)| {
        (name == "hyper" && version.starts_with("0."))
            || (name == "rustls" && version.starts_with("0.21."))
            || name == "aws-lc-sys"
            || name == "openssl-sys"
    });
    none(
        "a feature of a dependency brought in a second stack",
        second.map(|(name, version)| format!("{name} {version}")),
    );
}

#[test]
fn texts_speak_of_the_product_only() {
    let needles = [concat!("issue", " #"), concat!("/wo", "rk/"), concat!("../sha", "red")];
    // The folder of samples beside a checkout.
    let may = |path: &str| ["Makefile", ".ci/run", "Cargo.lock"].contains(&path);
    let mut found = Vec::new();
    for file in files().iter().filter(|file| !may(&file.path)) {
        for (number, line) in (1..).zip(file.text.lines()) {
            found.extend(needles.iter().filter(|n| line.contains(**n)).map(|n| format!("{}:{number}: {n}", file.path)));
        }
    }
    none("this means nothing to a reader of the repository", found);
}

#[test]
fn every_command_in_the_documents_exists() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    let files = files();
    let documents = files.iter().filter(|f| f.path.ends_with(".md") || f.path.starts_with("infra/config/"));
    for File { path: document, text } in documents {
        let (spans, block) = quoted(text);
        // In running text `barometer replay` names the command; with more words it is a call.
        let named = spans.iter().filter_map(|s| call_of(s)).filter(|call| call.len() == 1);
        let calls = spans.iter().filter_map(|s| call_of(s)).filter(|call| call.len() > 1);
        for name in named.map(|call| call[0]) {
            checked += 1;
            if Cli::command().find_subcommand(name).is_none() {
                wrong.push(format!("{document}: there is no command `{name}`"));
            }
        }
        for call in calls.chain(block.iter().filter_map(|line| call_of(line))) {
            checked += 1;
            match Cli::try_parse_from(std::iter::once("barometer").chain(call.iter().copied())) {
                Err(error) if !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
                    let reason = error.to_string();
                    wrong.push(format!(
                        "{document}: `{}`: {}",
                        call.join(" "),
                        reason.lines().next().unwrap_or_default()
                    ));
                }
                Ok(_) | Err(_) => {}
            }
        }
        let targets = spans.iter().chain(&block).filter_map(|s| s.trim_start_matches("$ ").strip_prefix("make "));
        for target in targets.filter_map(|rest| rest.split_whitespace().next()) {
            checked += 1;
            if !read("Makefile").contains(&format!("\n{target}:")) {
                wrong.push(format!("{document}: there is no `make {target}`"));
            }
        }
    }
    none("these commands do not run as written", wrong);
    assert!(checked > 20, "only {checked} commands were found; are they still written in backticks?");
}

#[test]
fn every_path_and_name_in_the_documents_exists() {
    let files = files();
    let code: String = files.iter().filter(|f| f.is_rust()).map(|f| f.text.as_str()).collect();
    let mut missing = Vec::new();
    let mut checked = 0;
    for document in DOCUMENTS {
        let text = read(document);
        for span in quoted(&text).0 {
            let first = span.split('/').next().unwrap_or_default();
            let is_path =
                span.contains('/') && (first == TESTS || TOP.contains(&first)) && !span.contains(['*', '{', '<', ' ']);
            if is_path {
                checked += 1;
                if !root().join(span).exists() {
                    missing.push(format!("{document}: {span}"));
                }
            } else if let Some((_, name)) = span.rsplit_once("::").filter(|_| !span.contains(' ')) {
                checked += 1;
                if !is_defined(&code, name.trim_end_matches("()")) {
                    missing.push(format!("{document}: {span}"));
                }
            }
        }
    }
    none("the documents name what is not there", missing);
    assert!(checked > 40, "only {checked} paths and names were found; are they still written in backticks?");
}

/// A function, type, constant, module or variant of this name is defined somewhere.
fn is_defined(code: &str, name: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let keywords = ["fn ", "struct ", "enum ", "trait ", "type ", "const ", "static ", "mod "];
    let defined = |line: &str| {
        let line = line.trim_start();
        let named = |rest: &str| rest.strip_prefix(name).is_some_and(ends);
        keywords.iter().any(|keyword| line.split(keyword).skip(1).any(named)) || named(line)
    };
    code.lines().any(defined)
}

#[test]
fn every_promise_names_a_test_that_is_there() {
    let text = read("ARCHITECTURE.md");
    for promise in 1..=9 {
        let start = format!("| P{promise} |");
        let row = text.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("no row {start}"));
        let tests = quoted(row).0.into_iter().filter(|span| span.ends_with(".rs") && root().join(span).exists());
        assert!(tests.count() > 0, "P{promise} names no test");
    }
}
