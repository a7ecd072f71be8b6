//! `barometer check`: is the configuration right, and do its playbooks do what their examples say?

use std::path::Path;

use config::secrets::{check_secrets, parse_secrets};
use config::{Config, Problem};
use miette::Diagnostic;

use super::Surroundings;
use crate::client::SECRETS;
use crate::config_files::{self, Located};
use crate::show::count;

/// Why the configuration does not pass, once it could be read.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum CheckFailure {
    #[error("{} of {total} examples do not hold", .failed.len())]
    #[diagnostic(help("change the playbook or the health model, or the example where it is the one that is wrong"))]
    Examples {
        #[related]
        failed: Vec<FailedExample>,
        total: usize,
    },
    #[error("the file of secrets does not fit the configuration\n{problems}")]
    Secrets { problems: config::Problems },
}

#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("playbook `{playbook}`, example `{name}`: {problems}")]
struct FailedExample {
    playbook: String,
    name: String,
    problems: String,
}

/// Carries the command out; needs no host.
pub(super) fn check(here: &Surroundings) -> Result<(), miette::Report> {
    let folder = here.global.config.as_deref();
    let files = config_files::read(folder)?;
    let config = config_files::load(folder)?;
    for warning in &config.warnings {
        warn(Located::new(warning.clone(), &files));
    }
    let results = rules::run_examples(&config);
    let total = results.len();
    let failed = results.into_iter().filter(|result| !result.problems.is_empty());
    let failed: Vec<FailedExample> = failed
        .map(|result| FailedExample {
            playbook: result.playbook,
            name: result.name,
            problems: result.problems.join("; "),
        })
        .collect();
    if !failed.is_empty() {
        return Err(CheckFailure::Examples { failed, total }.into());
    }
    let secrets = check_the_secrets(here, &config)?;
    here.print(&summary(folder, &config, total, secrets))?;
    Ok(())
}

/// Whether there is a file of secrets; it fits the configuration then.
fn check_the_secrets(here: &Surroundings, config: &Config) -> Result<bool, miette::Report> {
    let path = here.global.secrets.clone().unwrap_or_else(|| here.global.data.join(SECRETS));
    // Without one named and none made yet there is nothing to check: the first `up` makes it.
    if here.global.secrets.is_none() && !path.exists() {
        return Ok(false);
    }
    crate::secrets::load(&path)?;
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let name = path.display().to_string();
    let problems: Vec<Problem> = match parse_secrets(&name, &text) {
        Ok(secrets) => check_secrets(config, &secrets, &name, &text),
        Err(problems) => problems.0,
    };
    if problems.is_empty() {
        Ok(true)
    } else {
        Err(CheckFailure::Secrets { problems: config::Problems(problems) }.into())
    }
}

fn summary(folder: Option<&Path>, config: &Config, examples: usize, secrets: bool) -> String {
    let number = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
    let place = folder.map_or_else(|| "the built-in configuration".to_owned(), |folder| folder.display().to_string());
    format!(
        "{place} is right: {}, {}, {}; {}{}.\nHealth model {}\n",
        count(number(config.connections.len()), "connection", "connections"),
        count(number(config.model.measures.len()), "measure", "measures"),
        count(number(config.playbooks.len()), "playbook", "playbooks"),
        count(number(examples), "example holds", "examples hold"),
        if secrets { ", and the secrets fit" } else { "" },
        config.model.version,
    )
}

/// A warning does not make the check fail.
fn warn(located: Located) {
    eprintln!("{:?}", miette::Report::new(located));
}
