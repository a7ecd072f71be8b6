//! Reads the files in turn and puts what they say together.

use std::collections::BTreeMap;

use model::{Tool, stable_hash};

use crate::reading::{Reader, suggestion};
use crate::{Config, Files, Modes, Playbook, Problem, Problems, connections, health, modes, playbooks, scalar, team};

const CONNECTIONS: &str = "connections.toml";
const HEALTH: &str = "health.toml";
const TEAM: &str = "team.toml";
const MODES: &str = "modes.toml";
const PLAYBOOKS: &str = "playbooks/";
const TEMPLATES: &str = "templates/";

pub(crate) fn load(files: &Files, tools: &[Tool]) -> Result<Config, Problems> {
    let mut problems = strangers(files);
    let connections = one(files, CONNECTIONS, &mut problems, |reader| connections::read(reader, tools));
    let health = one(files, HEALTH, &mut problems, health::read);
    let stems: Vec<&str> = playbook_files(files).map(|(_, stem, _)| stem).collect();
    let playbooks = playbooks(files, &mut problems);
    let team = one(files, TEAM, &mut problems, team::read);
    // Without the file everything observes.
    let modes = if files.0.contains_key(MODES) {
        one(files, MODES, &mut problems, |reader| modes::read(reader, &stems))
    } else {
        Some(Modes::default())
    };
    let (true, Some(connections), Some((model, places)), Some(team), Some(modes)) =
        (problems.is_empty(), connections, health, team, modes)
    else {
        problems.sort_by(|a, b| (&a.file, a.span.start).cmp(&(&b.file, b.span.start)));
        return Err(Problems(problems));
    };
    let Some(watch) = connections.watch else { return Err(Problems(problems)) };
    let mut config = Config {
        connections: connections.connections,
        watch,
        model,
        playbooks,
        playbooks_hash: playbooks_hash(files),
        team,
        modes,
        templates: templates(files),
        warnings: Vec::new(),
        authority: connections.authority,
        renewal_sources: connections.renewal_sources,
    };
    let text = |file: &str| files.0.get(file).map(String::as_str).unwrap_or_default();
    let measured = config.model.measures.iter().map(|measure| measure.value).zip(places);
    let measured = measured.map(|(info, place)| (HEALTH, info, place, "the measure does not take part"));
    let watched = connections
        .watched_names
        .into_iter()
        .filter_map(|(name, place)| Some((CONNECTIONS, scalar(name)?, place, "it is never known")));
    let not_wired = measured.chain(watched).filter(|(_, info, ..)| !config.is_wired(info));
    let warnings = not_wired.map(|(file, info, place, so)| {
        let fields: Vec<_> = info.fields.iter().map(|field| format!("`{field}`")).collect();
        let message = format!("no enabled connection feeds `{}`: {so}", info.name);
        Problem::at(file, text(file), place, message).help(format!("map {} in {CONNECTIONS}", fields.join(" or ")))
    });
    config.warnings = warnings.collect();
    Ok(config)
}

/// Reads one file that must be there.
fn one<T>(
    files: &Files,
    file: &str,
    problems: &mut Vec<Problem>,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Option<T> {
    let Some(text) = files.0.get(file) else {
        problems
            .push(Problem::at(file, "", 0..0, "the file is missing").help("every configuration has one".to_owned()));
        return None;
    };
    let mut reader = Reader::new(file, text);
    let value = read(&mut reader);
    problems.append(&mut reader.problems);
    value
}

/// Path, name and content of each playbook, in the order of names.
fn playbook_files(files: &Files) -> impl Iterator<Item = (&str, &str, &str)> {
    files.0.iter().filter_map(|(path, text)| {
        let stem = path.strip_prefix(PLAYBOOKS)?.strip_suffix(".toml")?;
        Some((path.as_str(), stem, text.as_str()))
    })
}

fn playbooks(files: &Files, problems: &mut Vec<Problem>) -> Vec<Playbook> {
    let read = playbook_files(files).filter_map(|(path, stem, text)| {
        let mut reader = Reader::new(path, text);
        let playbook = playbooks::read(&mut reader, stem);
        problems.append(&mut reader.problems);
        playbook
    });
    read.collect()
}

fn playbooks_hash(files: &Files) -> String {
    let parts: Vec<&str> = playbook_files(files).flat_map(|(path, _, text)| [path, text]).collect();
    stable_hash(&parts)[..12].to_owned()
}

fn templates(files: &Files) -> BTreeMap<String, String> {
    let below =
        files.0.iter().filter_map(|(path, text)| Some((path.strip_prefix(TEMPLATES)?.to_owned(), text.clone())));
    below.collect()
}

/// A TOML file that nothing reads is a misspelt one.
fn strangers(files: &Files) -> Vec<Problem> {
    let known = [CONNECTIONS, HEALTH, TEAM, MODES];
    let is_stranger = |path: &&String| {
        let playbook = path.strip_prefix(PLAYBOOKS).is_some_and(|name| !name.contains('/'));
        path.ends_with(".toml") && !playbook && !path.starts_with(TEMPLATES) && !known.contains(&path.as_str())
    };
    let strangers = files.0.keys().filter(is_stranger);
    strangers
        .map(|path| {
            let help = suggestion(path, known.into_iter().chain(["playbooks/….toml"]));
            Problem::at(path, "", 0..0, "nothing reads this file").help(help)
        })
        .collect()
}
