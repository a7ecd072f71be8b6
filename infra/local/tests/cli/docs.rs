//! What the documents tell people to type is typed: every block of commands and every whole command in the text, in order,
//! in an empty folder that looks like a clone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::common::Host;
use documents::Part;

#[path = "../../../../tests/src/documents.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod documents;

/// Commands that are not run, each with the reason. What ends in `…` stands for whatever goes on like this.
const NOT_RUN: [(&str, &str); 16] = [
    ("cargo test…", "it is how this test was started"),
    ("BLESS=1 cargo test…", "it rewrites what other tests compare with"),
    ("curl -X POST https://api.hubapi.com/…", "it makes a property in HubSpot, with a token"),
    ("barometer setup hubspot", "it reads HubSpot, with a token"),
    ("barometer setup hubspot --yes", "it makes properties in HubSpot, with a token"),
    ("barometer setup typeform", "it reads Typeform, with a token"),
    ("barometer setup zendesk", "it reads Zendesk, with a token"),
    ("barometer backfill hubspot", "it reads HubSpot, with a token"),
    ("barometer preflight…", "it asks AWS, with an account"),
    ("aws …", "it asks AWS, with an account"),
    ("barometer accounts --aws…", "it asks AWS, with an account"),
    ("barometer explain nordwind --aws", "it asks AWS, with an account"),
    ("barometer doctor --aws", "it asks AWS, with an account"),
    ("barometer golive --aws…", "it asks AWS, with an account"),
    ("barometer pause --aws", "it asks AWS, with an account"),
    ("barometer resume --aws", "it asks AWS, with an account"),
];
/// Where the documents' host listens. That of the tests listens elsewhere.
const ADDRESS: &str = "127.0.0.1:8787";
/// A command that begins with one of these runs the host until it is ended.
const HOST: [&str; 4] = ["cargo run", "cargo run --", "barometer", "barometer up"];
/// What is said of a command that only works while no host runs.
const ALONE: &str = "while no host runs";

/// A folder that looks like a clone that was built, for one document.
struct Checkout {
    folder: TempDir,
    host: Option<Host>,
}

impl Checkout {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("target/debug")).unwrap();
        let link = |from: &Path, to: PathBuf| std::os::unix::fs::symlink(from, to).unwrap();
        link(Path::new(env!("CARGO_BIN_EXE_barometer")), at("target/debug/barometer"));
        link(&root().join("infra"), at("infra"));
        // Files of the reader's own.
        for own in ["companies.csv", "company.json"] {
            std::fs::copy(root().join("infra/local/samples").join(own), at(own)).unwrap();
        }
        Self { folder, host: None }
    }

    /// A command that finds `barometer`, and nothing of who runs the tests.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::iter::once(self.folder.path().join("target/debug")).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(found).unwrap()).current_dir(self.folder.path());
        for name in ["BAROMETER_DATA", "BAROMETER_LOG"] {
            command.env_remove(name);
        }
        command
    }

    /// Ends the host that runs, if one does.
    fn alone(&mut self) {
        if let Some(host) = self.host.take() {
            assert_eq!(host.end("TERM").0, Some(0));
        }
    }

    /// Starts a host with these options.
    fn up(&mut self, options: &str) {
        self.alone();
        let mut command = self.command("barometer");
        command.args(["up", "--listen", "127.0.0.1:0"]).args(options.split_whitespace());
        self.host = Some(Host::start(command, self.folder.path().join("log")));
    }

    /// Runs lines of a shell; what went wrong, if something did.
    fn run(&self, lines: &[String]) -> Result<(), String> {
        let address = self.host.as_ref().map(|host| host.address.to_string()).unwrap_or_default();
        let script = lines.join("\n").replace(ADDRESS, &address);
        let is_signed = script.contains("curl ");
        if lines.is_empty() || is_signed && Command::new("curl").arg("--version").output().is_err() {
            return Ok(());
        }
        let mut command = self.command("sh");
        let ended = command.args(["-eu", "-c", &script]).stdin(Stdio::null()).output().unwrap();
        let out = String::from_utf8_lossy(&ended.stdout);
        if ended.status.success() && (!is_signed || out.starts_with("HTTP/1.1 200")) {
            return Ok(());
        }
        Err(format!("{script}\n{}\n{out}{}", ended.status, String::from_utf8_lossy(&ended.stderr)))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The lines to type of a part of a document: of a block that shows what is answered, those behind `$`.
fn typed(part: &Part) -> Vec<String> {
    match part {
        Part::Block("sh", lines) => {
            lines.join("\n").replace("\\\n", " ").lines().map(|line| line.trim().to_owned()).collect()
        }
        Part::Block("console", lines) => {
            lines.iter().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect()
        }
        Part::Block(..) => vec![],
        Part::Span(span) => {
            let words: Vec<&str> = span.split_whitespace().collect();
            let is_whole = words.len() > 2 || words.len() == 2 && words[0] == "make";
            // Words in capitals stand for something else.
            let is_form =
                words.iter().any(|word| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '='));
            let is_command = ["barometer", "make", "cargo"].contains(words.first().unwrap_or(&""));
            if is_whole && is_command && !is_form { vec![(*span).to_owned()] } else { vec![] }
        }
    }
}

/// The entry of [`NOT_RUN`] for a command.
fn not_run(command: &str) -> Option<&'static str> {
    let is = |entry: &str| entry.strip_suffix('…').map_or(command == entry, |begins| command.starts_with(begins));
    NOT_RUN.into_iter().map(|(entry, _)| entry).find(|entry| is(entry))
}

/// Types what a document says; gives how many commands were run.
fn type_all(document: &str, spared: &mut BTreeSet<&'static str>, wrong: &mut Vec<String>) -> usize {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let mut checkout = Checkout::new();
    let mut run = 0;
    for part in documents::parts(&text) {
        let mut script = Vec::new();
        for line in typed(&part) {
            let command = line.split(" #").next().unwrap_or_default().trim().to_owned();
            if let Some(entry) = not_run(&command) {
                spared.insert(entry);
                continue;
            }
            run += usize::from(!command.is_empty());
            let host = HOST
                .iter()
                .filter_map(|host| command.strip_prefix(host))
                .find(|rest| rest.is_empty() || rest.starts_with(" --"));
            let is_make = command.starts_with("make ");
            if host.is_some() || is_make || line.contains(ALONE) {
                wrong.extend(checkout.run(&std::mem::take(&mut script)).err().map(|why| format!("{document}: {why}")));
            }
            if let Some(options) = host {
                checkout.up(options.strip_prefix(" -- up").unwrap_or(options));
            } else if let Some(target) = command.strip_prefix("make ") {
                // Some of them run for minutes, and one would run this.
                let words = target.split_whitespace();
                let told = Command::new("make").arg("-n").args(words).current_dir(root()).output();
                if told.is_ok_and(|told| !told.status.success()) {
                    wrong.push(format!("{document}: there is no `{command}`"));
                }
            } else {
                if line.contains(ALONE) {
                    checkout.alone();
                }
                script.push(line);
            }
        }
        wrong.extend(checkout.run(&script).err().map(|why| format!("{document}: {why}")));
    }
    run
}

#[test]
fn what_the_documents_tell_to_type_works() {
    let vendors = std::fs::read_dir(root().join("shared/connectors/src")).unwrap().map(|entry| entry.unwrap().path());
    let pages = vendors.map(|folder| folder.join("README.md")).filter(|page| page.is_file());
    let pages = pages.map(|page| page.strip_prefix(root()).unwrap().display().to_string());
    let own = ["README.md", "infra/README.md", "infra/deploy/README.md", "infra/local/README.md", "CONTRIBUTING.md"];
    let own = own.map(str::to_owned);
    let (mut spared, mut wrong, mut run) = (BTreeSet::new(), Vec::new(), 0);
    for document in own.into_iter().chain(pages) {
        run += type_all(&document, &mut spared, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let stale: Vec<_> = NOT_RUN.iter().filter(|(entry, _)| !spared.contains(entry)).collect();
    assert!(stale.is_empty(), "no document says this any more: {stale:?}");
    assert!(run > 30, "only {run} commands were found; are they still written in backticks?");
}
