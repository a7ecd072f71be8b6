//! Where the configuration comes from: a folder, or the one that is built in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Config, Files, Problem, Problems};
use miette::{Diagnostic, NamedSource, SourceSpan};

/// The files of `infra/config/` as they were when this was built: path below the folder, content.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/config_files.rs"));

/// Why there is no configuration.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ConfigError {
    /// The folder or a file of it cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    #[diagnostic(help("name the folder that holds connections.toml with --config DIR"))]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("the configuration has {} problem{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
    Wrong(#[related] Vec<Located>),
}

/// A problem with the place it stands at.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct Located {
    message: String,
    #[help]
    help: Option<String>,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("here")]
    at: SourceSpan,
}

impl Located {
    /// The problem, with the text it is about from `files`.
    pub fn new(problem: Problem, files: &Files) -> Self {
        let text = files.0.get(&problem.file).cloned().unwrap_or_default();
        let at = problem.span.start.min(text.len())..problem.span.end.min(text.len());
        Self {
            message: problem.message,
            help: problem.help,
            source_code: NamedSource::new(problem.file, text),
            at: at.into(),
        }
    }
}

/// The files of `folder`, or the built-in ones.
///
/// # Errors
/// When the folder or a file of it cannot be read.
pub fn read(folder: Option<&Path>) -> Result<Files, ConfigError> {
    let mut files = BTreeMap::new();
    match folder {
        Some(folder) => collect(folder, folder, &mut files)?,
        None => files.extend(BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))),
    }
    Ok(Files(files))
}

/// The checked configuration of `folder`, or the built-in one.
///
/// # Errors
/// When it cannot be read or anything in it is wrong; all problems at once.
pub fn load(folder: Option<&Path>) -> Result<Config, ConfigError> {
    let files = read(folder)?;
    let tools: Vec<model::Tool> = connectors::ALL.iter().map(|connector| *connector.tool()).collect();
    config::load(&files, &tools).map_err(|problems| wrong(problems, &files))
}

fn wrong(Problems(problems): Problems, files: &Files) -> ConfigError {
    ConfigError::Wrong(problems.into_iter().map(|problem| Located::new(problem, files)).collect())
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> Result<(), ConfigError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| ConfigError::Unreadable { path, source }
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml" || extension == "j2") {
            let text = std::fs::read_to_string(&path).map_err(unreadable(&path))?;
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.insert(name, text);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_that_is_built_in_is_the_one_of_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
        assert_eq!(read(None).unwrap(), read(Some(&folder)).unwrap());
    }

    #[test]
    fn the_configuration_that_is_built_in_is_right() {
        let config = load(None).unwrap();
        assert!(config.connections.iter().any(|connection| connection.name.as_str() == "hubspot"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = read(Some(Path::new("/nowhere/config"))).unwrap_err().to_string();
        assert!(error.contains("/nowhere/config"), "{error}");
    }

    #[test]
    fn every_problem_points_at_its_line() {
        let mut files = read(None).unwrap();
        files.0.insert("health.toml".to_owned(), "nonsense = 1\n".to_owned());
        let tools: Vec<model::Tool> = connectors::ALL.iter().map(|connector| *connector.tool()).collect();
        let report = miette::Report::new(wrong(config::load(&files, &tools).unwrap_err(), &files));
        let text = format!("{report:?}");
        assert!(text.contains("health.toml:1:") && text.contains("nonsense = 1"), "{text}");
    }
}
