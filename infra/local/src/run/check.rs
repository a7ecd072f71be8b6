//! `barometer check`: is the configuration right, and do its playbooks do what their examples say?

use actions::ses::Going;
use config::secrets::{check_secrets, missing_tokens, parse_secrets};
use config::{Config, Problem};
use miette::Diagnostic;
use model::{AlertKind, Email, Event, EventBody};
use serde::Serialize;

use super::Surroundings;
use crate::config_files::{self, Located};
use crate::show::count;

/// A configuration that is right, as it is told; how many there are of each.
#[derive(Debug, Serialize)]
struct Checked {
    /// The folder; `None` for the built-in configuration.
    folder: Option<String>,
    /// `name@hash` of the health model.
    model: String,
    connections: usize,
    measures: usize,
    playbooks: usize,
    /// All of them hold.
    examples: usize,
    /// There is a file of secrets, and it fits the configuration.
    secrets_fit: bool,
}

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
    #[error("a message template under templates cannot be used: {reason}")]
    #[diagnostic(help("mend the template; a message is rendered with every value that an alert can have"))]
    Template { reason: String },
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
    let (config, examples) = passed(here)?;
    let checked = Checked {
        folder: here.global.config.as_deref().map(|folder| folder.display().to_string()),
        model: config.model.version.to_string(),
        connections: config.connections.len(),
        measures: config.model.profiles.iter().map(|profile| profile.measures.len()).sum(),
        playbooks: config.playbooks.len(),
        examples,
        secrets_fit: check_the_secrets(here, &config)?,
    };
    here.answer(&checked, summary)?;
    Ok(())
}

/// The configuration, and how many examples it has, once it is right and all of them hold.
pub(super) fn passed(here: &Surroundings) -> Result<(Config, usize), miette::Report> {
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
    render_samples(&config).map_err(|reason| CheckFailure::Template { reason })?;
    Ok((config, total))
}

/// Whether there is a file of secrets; it fits the configuration then.
fn check_the_secrets(here: &Surroundings, config: &Config) -> Result<bool, miette::Report> {
    let path = here.global.secrets_file();
    // Without one named and none made yet there is nothing to check: the first `up` makes it.
    if here.global.secrets.is_none() && !path.exists() {
        return Ok(false);
    }
    crate::secrets::load(&path)?;
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let name = path.display().to_string();
    let problems: Vec<Problem> = match parse_secrets(&name, &text) {
        Ok(secrets) => {
            // Not with the lines around them, as other warnings are shown: those hold secrets.
            for warning in missing_tokens(config, &secrets, &name, &text) {
                eprintln!("warning: {warning}\n");
            }
            check_secrets(config, &secrets, &name, &text)
        }
        Err(problems) => problems.0,
    };
    if problems.is_empty() {
        Ok(true)
    } else {
        Err(CheckFailure::Secrets { problems: config::Problems(problems) }.into())
    }
}

/// An action as it stands on the bus, to try templates with.
const SAMPLE: &str = include_str!("../../../../events/action.requested.sample.json");

/// A misspelt name in a template shows only when it is rendered.
fn render_samples(config: &Config) -> Result<(), String> {
    let chain = |error: actions::slack::RenderError| runtime::logging::chain(&error);
    let templates = actions::slack::SlackTemplates::new(&config.templates).map_err(chain)?;
    let sample: Event = serde_json::from_str(SAMPLE).map_err(|error| error.to_string())?;
    let EventBody::ActionRequested(mut request) = sample.body else { return Ok(()) };
    for kind in AlertKind::ALL {
        request.alert.kind = *kind;
        actions::slack::render(&templates, &request, None).map_err(chain)?;
    }
    let templates = actions::ses::MailTemplates::new(&config.templates).map_err(chain)?;
    let Some(mail) = request.email.clone() else { return Ok(()) };
    for (name, list) in templates.names().flat_map(|name| [(name, None), (name, Some(("list", None)))]) {
        let email = Email { template: name.to_owned(), ..mail.clone() };
        let going = Going { from: "", configuration_set: None, to: "", is_draft: list.is_none(), list };
        actions::ses::render(&templates, &request, &email, &going).map_err(chain)?;
    }
    Ok(())
}

fn summary(checked: &Checked) -> String {
    let number = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
    format!(
        "{} is right: {}, {}, {}; {}{}.\nHealth model {}\n",
        checked.folder.as_deref().unwrap_or("the built-in configuration"),
        count(number(checked.connections), "connection", "connections"),
        count(number(checked.measures), "measure", "measures"),
        count(number(checked.playbooks), "playbook", "playbooks"),
        count(number(checked.examples), "example holds", "examples hold"),
        if checked.secrets_fit { ", and the secrets fit" } else { "" },
        checked.model,
    )
}

/// A warning does not make the check fail.
fn warn(located: Located) {
    eprintln!("{:?}", miette::Report::new(located));
}
