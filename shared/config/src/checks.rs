//! Reads the files in turn and puts what they say together.

use std::collections::BTreeMap;

use model::{Field, Tool, stable_hash};

use crate::CONNECTIONS;
use crate::health::{self, ProfileFile};
use crate::reading::{Reader, suggestion};
use crate::{
    Config, Connections, Files, Modes, Playbook, Problem, Problems, ScalarInfo, Trigger, connections, mail, modes,
    playbooks, scalar, team,
};

const HEALTH: &str = "health.toml";
const PROFILES: &str = "health/";
const TEAM: &str = "team.toml";
const MODES: &str = "modes.toml";
const MAIL: &str = "email.toml";
const PLAYBOOKS: &str = "playbooks/";
const TEMPLATES: &str = "templates/";
const SLACK_TEMPLATES: &str = "templates/slack/";
const MAIL_TEMPLATES: &str = "templates/email/";

pub(crate) fn load(files: &Files, tools: &[Tool]) -> Result<Config, Problems> {
    let mut problems = strangers(files);
    let connections = one(files, CONNECTIONS, &mut problems, |reader| connections::read(reader, tools));
    let profiles = profiles(files, &mut problems);
    let health = one(files, HEALTH, &mut problems, |reader| health::read(reader, &profiles));
    let stems: Vec<&str> = files_in(files, PLAYBOOKS).map(|(_, stem, _)| stem).collect();
    let playbooks = playbooks(files, &mut problems);
    let team = one(files, TEAM, &mut problems, team::read);
    // Without the file everything observes.
    let modes = if files.0.contains_key(MODES) {
        one(files, MODES, &mut problems, |reader| modes::read(reader, &stems))
    } else {
        Some(Modes::default())
    };
    // Without this one no mail goes out.
    let mail = files.0.contains_key(MAIL).then(|| one(files, MAIL, &mut problems, mail::read)).flatten();
    let (true, Some(connections), Some((model, roll_up)), Some(team), Some(modes)) =
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
        mail,
        templates: templates(files),
        warnings: Vec::new(),
        authority: connections.authority,
        renewal_sources: connections.renewal_sources,
    };
    let text = |file: &str| files.0.get(file).map(String::as_str).unwrap_or_default();
    let not_wired = |info: &ScalarInfo, so: &str, place: &dyn Fn(String) -> Problem| {
        let problem = place(format!("no enabled connection feeds `{}`: {so}", info.name));
        (!config.is_wired(info)).then(|| problem.help(info.how_to_feed()))
    };
    // A profile whose needs are not met measures nothing, so nothing of it is amiss.
    let in_use = config.model.profiles.iter().filter(|profile| profile.needs.iter().all(|family| config.has(*family)));
    let measured = in_use.flat_map(|profile| {
        let file = profiles.iter().find(|(stem, _)| *stem == profile.version.name).and_then(|(_, file)| file.as_ref());
        profile.measures.iter().enumerate().filter_map(move |(at, measure)| {
            let so = "the measure does not take part";
            let file = file?;
            not_wired(measure.value, so, &|message| file.about_value(at, message))
        })
    });
    let watched = connections.watched_names.into_iter().filter_map(|(name, place)| {
        let at = |message| Problem::at(CONNECTIONS, text(CONNECTIONS), place.clone(), message);
        not_wired(scalar(name)?, "it is never known", &at)
    });
    let parentless = roll_up.filter(|_| !config.connections.iter().any(|one| one.enabled && one.feeds(Field::Parent)));
    let parentless = parentless.map(|place| {
        let help =
            "map it, for example `parent = \"hs_parent_company_id\"` in the mapping of HubSpot's companies".to_owned();
        let so = "no enabled connection feeds `parent`: nobody is anybody's child, and nothing is rolled up";
        Problem::at(HEALTH, text(HEALTH), place, so).help(help)
    });
    config.warnings = measured.chain(watched).chain(parentless).collect();
    Ok(config)
}

pub(crate) fn connections_alone(files: &Files, tools: &[Tool]) -> Result<Connections, Problems> {
    let mut problems = Vec::new();
    match one(files, CONNECTIONS, &mut problems, |reader| connections::alone(reader, tools)) {
        Some(connections) if problems.is_empty() => Ok(connections),
        Some(_) | None => Err(Problems(problems)),
    }
}

/// The files of `health/` by name; `None` for one that cannot be read.
fn profiles<'f>(files: &'f Files, problems: &mut Vec<Problem>) -> Vec<(&'f str, Option<ProfileFile>)> {
    let read = files_in(files, PROFILES).map(|(path, stem, text)| {
        let mut reader = Reader::new(path, text);
        let profile = ProfileFile::read(&mut reader);
        problems.append(&mut reader.problems);
        (stem, profile)
    });
    read.collect()
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

/// Path, name and content of each file in a folder, in the order of names.
fn files_in<'f>(files: &'f Files, folder: &str) -> impl Iterator<Item = (&'f str, &'f str, &'f str)> {
    files.0.iter().filter_map(move |(path, text)| {
        let stem = path.strip_prefix(folder)?.strip_suffix(".toml")?;
        Some((path.as_str(), stem, text.as_str()))
    })
}

fn playbooks(files: &Files, problems: &mut Vec<Problem>) -> Vec<Playbook> {
    let named = |folder, ending| files.0.keys().filter_map(move |path| path.strip_prefix(folder)?.strip_suffix(ending));
    let templates = playbooks::Templates {
        slack: named(SLACK_TEMPLATES, ".j2").collect(),
        // A mail is written twice: as text, and as HTML.
        mail: named(MAIL_TEMPLATES, ".txt.j2")
            .filter(|name| files.0.contains_key(&format!("{MAIL_TEMPLATES}{name}.html.j2")))
            .collect(),
    };
    let read = files_in(files, PLAYBOOKS).filter_map(|(path, stem, text)| {
        let mut reader = Reader::new(path, text);
        let playbook = playbooks::read(&mut reader, stem, &templates);
        problems.append(&mut reader.problems);
        playbook
    });
    let read: Vec<Playbook> = read.collect();
    for taken in read.iter().filter(|playbook| playbook.name == Modes::write_back()) {
        let file = format!("{PLAYBOOKS}{}.toml", taken.name);
        let problem = Problem::at(&file, "", 0..0, "`write-back` is the name of what writes scores to the CRM");
        problems.push(problem.help("rename the file".to_owned()));
    }
    let is_for_renewals = |playbook: &&Playbook| matches!(playbook.trigger, Trigger::Renewal(_));
    for extra in read.iter().filter(is_for_renewals).skip(1) {
        let help = "use `[[trigger.renewal.checkpoint]]` for more steps".to_owned();
        let file = format!("{PLAYBOOKS}{}.toml", extra.name);
        problems.push(Problem::at(&file, "", 0..0, "another playbook is for renewals already").help(help));
    }
    read
}

fn playbooks_hash(files: &Files) -> String {
    let parts: Vec<&str> = files_in(files, PLAYBOOKS).flat_map(|(path, _, text)| [path, text]).collect();
    stable_hash(&parts)[..12].to_owned()
}

fn templates(files: &Files) -> BTreeMap<String, String> {
    let below =
        files.0.iter().filter_map(|(path, text)| Some((path.strip_prefix(TEMPLATES)?.to_owned(), text.clone())));
    below.collect()
}

/// A TOML file that nothing reads is a misspelt one.
fn strangers(files: &Files) -> Vec<Problem> {
    let known = [CONNECTIONS, HEALTH, TEAM, MODES, MAIL];
    let is_stranger = |path: &&String| {
        let is_in = |folder| path.strip_prefix(folder).is_some_and(|name| !name.contains('/'));
        path.ends_with(".toml")
            && !is_in(PLAYBOOKS)
            && !is_in(PROFILES)
            && !path.starts_with(TEMPLATES)
            && !known.contains(&path.as_str())
    };
    let strangers = files.0.keys().filter(is_stranger);
    strangers
        .map(|path| {
            let help = suggestion(path, known.into_iter().chain(["playbooks/….toml"]));
            Problem::at(path, "", 0..0, "nothing reads this file").help(help)
        })
        .collect()
}
