//! What every `setup` works on: the configuration and its connections, the file of secrets, a tool's API, saved answers of it.

use std::path::{Path, PathBuf};

use actions::vendor::{Api, ApiToken};
use config::secrets::SecretsFile;
use config::{Config, Connection};
use model::Normalized;
use runtime::seam::Seam;
use serde::Serialize;
use serde_json::Value;

use super::{CONNECTIONS, SetupFailure, patch, write};
use crate::config_files;
use crate::failure::Failure;
use crate::run::{Surroundings, map_try};
use crate::show::safe;

/// The configuration that a tool is set up in.
pub(super) struct Ground {
    pub config: Config,
    pub secrets: SecretsFile,
    /// The text of `connections.toml`.
    pub connections: String,
    folder: Option<PathBuf>,
    /// The files may be changed.
    yes: bool,
    secrets_file: PathBuf,
}

/// A change of `connections.toml`.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    /// The lines that change; empty where nothing does.
    pub lines: String,
    /// They are written.
    pub written: bool,
}

impl Ground {
    pub fn open(here: &Surroundings, yes: bool) -> Result<Self, miette::Report> {
        let folder = here.global.config.clone();
        if yes && folder.is_none() {
            return Err(SetupFailure::BuiltIn.into());
        }
        let secrets_file = here.global.secrets_file();
        let secrets = if secrets_file.exists() { crate::secrets::load(&secrets_file)? } else { SecretsFile::default() };
        let files = config_files::read(folder.as_deref())?;
        let connections = files.0.get(CONNECTIONS).cloned().unwrap_or_default();
        Ok(Self { config: config_files::load(folder.as_deref())?, secrets, connections, folder, yes, secrets_file })
    }

    /// The first connection of a tool, or the one that is named.
    pub fn connection(&self, tool: &'static str, name: Option<&str>) -> Result<&Connection, SetupFailure> {
        let is_it = |known: &&Connection| known.tool == tool && name.is_none_or(|name| name == known.name.as_str());
        let found = self.config.connections.iter().find(is_it);
        found.ok_or_else(|| SetupFailure::NoneOf { tool, name: name.map(str::to_owned) })
    }

    /// The API of a connection's tool; why not, and what to do about it, where it cannot be asked.
    pub fn api(&self, connection: &Connection) -> Result<Result<Api, (String, String)>, miette::Report> {
        let name = &connection.name;
        let Some(token) = self.secrets.connections.get(name).and_then(|held| held.token.as_deref()) else {
            let why = format!("there is no token for `{name}` in {}", self.secrets_file.display());
            return Ok(Err((
                why,
                format!("put token = \"…\" under [connections.{name}] there, or give --sample FILE"),
            )));
        };
        let Some(url) = connection.api_url.as_deref() else {
            let why = format!("[connection.{name}] in connections.toml names no api_url");
            return Ok(Err((
                why,
                "add the address, such as https://ourco.zendesk.com, or give --sample FILE".to_owned(),
            )));
        };
        let token = match ApiToken::new(token) {
            Ok(token) => token,
            Err(problem) => return Ok(Err((problem.to_string(), format!("mend it under [connections.{name}]")))),
        };
        let seam = Seam::network().map_err(Failure::NoCertificates)?;
        Ok(Ok(Api::new(seam, url, token)))
    }

    /// Writes `connections.toml`, if that may be, and says what changes.
    pub fn write(&self, next: &str) -> Result<Change, miette::Report> {
        let lines = patch::difference(&self.connections, next);
        if let (true, Some(folder)) = (self.yes, &self.folder) {
            write(&folder.join(CONNECTIONS), &self.connections, next)?;
            // What was written is what is read from now on.
            config_files::load(Some(folder))?;
        }
        Ok(Change { lines, written: self.yes })
    }
}

impl Change {
    pub fn show(&self) -> String {
        match (self.lines.as_str(), self.written) {
            ("", _) => format!("\n{CONNECTIONS} needs no change.\n"),
            (lines, true) => format!("\n{CONNECTIONS}, written\n{lines}\nRestart `barometer up` with it.\n"),
            (lines, false) => format!("\n{CONNECTIONS}, would change\n{lines}"),
        }
    }
}

/// A saved answer of an API, or a list of several.
pub(super) fn sample(path: &Path) -> Result<Vec<Value>, SetupFailure> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| SetupFailure::NoSample { path: path.to_owned(), source })?;
    let json: Value = serde_json::from_str(&text).map_err(|error| SetupFailure::OddSample {
        path: path.to_owned(),
        what: format!("expected JSON, as the API answers it: {error}"),
    })?;
    Ok(match json {
        Value::Array(all) => all,
        one => vec![one],
    })
}

/// One record as it would be read.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    pub name: String,
    /// The value as the tool has it, and what it would be taken for.
    pub values: Vec<(String, String)>,
}

impl Preview {
    pub fn of(name: &str, read: &Normalized) -> Self {
        let facts = read.signals.iter().flat_map(|signal| &signal.statements);
        let facts = facts.map(|said| (said.raw.clone(), format!("{} = {}", said.field.as_str(), said.value)));
        let links = read.links.iter().map(|link| (link.path.clone(), map_try::says(&link.says)));
        let odd = read.quarantined.iter().map(|item| (item.path.clone(), format!("not understood: {}", item.reason)));
        let warned = read.warnings.iter().map(|warning| (warning.path.clone(), warning.message.clone()));
        Self { name: name.to_owned(), values: facts.chain(links).chain(odd).chain(warned).collect() }
    }

    pub fn show(&self) -> String {
        let mut text = format!("\n{}\n", safe(&self.name));
        for (raw, fact) in &self.values {
            text.push_str(&format!("  {} → {}\n", safe(raw), safe(fact)));
        }
        if self.values.is_empty() {
            text.push_str("  nothing\n");
        }
        text
    }
}
