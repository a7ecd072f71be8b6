//! `playbooks/*.toml`: what starts a run, what is done, and what ends it.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use model::{Band, PlaybookName};
use serde::Deserialize;
use toml::{Spanned, Value};

use crate::reading::{Reader, Table};
use crate::{Condition, SCALARS, Scalar, ScalarKind, scalar};

/// What to do about a change.
#[derive(Debug, Clone)]
pub struct Playbook {
    /// The file's name without `.toml`.
    pub name: PlaybookName,
    /// What people call it.
    pub title: String,
    /// Why it exists, in a sentence or two.
    pub why: String,
    /// Higher goes first where only one may lead.
    pub priority: u32,
    /// The change that starts it.
    pub trigger: Trigger,
    /// It starts only where this holds.
    pub when: Option<Condition>,
    /// An episode is solved once this holds
    pub recover: Condition,
    /// and has held for this long.
    pub recover_after: SignedDuration,
    /// No new episode within this time after the close of the last.
    pub cooldown: SignedDuration,
    /// What is done, in order; at least one.
    pub steps: Vec<Step>,
    /// Its tests.
    pub examples: Vec<Example>,
}

/// The change that starts a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The effective band became one of these.
    BandChanged {
        /// At least one.
        to: Vec<Band>,
    },
}

/// One thing that a playbook does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name, unique in the playbook; part of the action's id.
    pub name: String,
    /// What is done.
    pub action: StepAction,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepAction {
    /// A message to our team.
    SlackAlert {
        /// The one next step that the message proposes.
        next_step: String,
    },
}

/// A test that a playbook carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// What was known of the account before.
    pub before: BTreeMap<String, Scalar>,
    /// What is known now.
    pub after: BTreeMap<String, Scalar>,
    /// What must come of it.
    pub expect: Expect,
}

/// What an example expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expect {
    /// The band now; `None` when the example does not say.
    pub band: Option<Band>,
    /// An episode opens.
    pub opens: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    title: Spanned<String>,
    why: Spanned<String>,
    #[serde(default)]
    priority: Option<Spanned<i64>>,
    trigger: Spanned<TriggerTable>,
    #[serde(default)]
    when: Option<Spanned<String>>,
    recover: Spanned<String>,
    #[serde(default)]
    recover_after: Option<Spanned<String>>,
    cooldown: Spanned<String>,
    step: Vec<Spanned<StepTable>>,
    #[serde(default)]
    example: Vec<ExampleTable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, expecting = "the key band_changed")]
enum TriggerTable {
    BandChanged { to: Vec<Band> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct StepTable {
    name: Spanned<String>,
    #[serde(default)]
    slack_alert: Option<SlackAlertTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct SlackAlertTable {
    next_step: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct ExampleTable {
    name: Spanned<String>,
    #[serde(default)]
    before: Table<Spanned<Value>>,
    after: Table<Spanned<Value>>,
    expect: ExpectTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct ExpectTable {
    #[serde(default)]
    band: Option<Band>,
    opens: bool,
}

/// How long a recovery must hold unless the playbook says otherwise.
const RECOVER_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// A playbook's place unless it says otherwise.
const PRIORITY: u32 = 50;

/// Reads `playbooks/{stem}.toml`.
pub(crate) fn read(reader: &mut Reader<'_>, stem: &str) -> Option<Playbook> {
    let name = stem.parse::<PlaybookName>();
    if let Err(error) = &name {
        reader.wrong(0..0, format!("the file's name: {error}"), "rename the file".to_owned());
    }
    let file: File = reader.parse()?;
    let (title, why) = (reader.words(&file.title), reader.words(&file.why));
    let priority = file.priority.map_or(PRIORITY, |priority| {
        u32::try_from(*priority.get_ref()).ok().filter(|good| *good <= 1_000).unwrap_or_else(|| {
            reader.wrong(priority.span(), "a priority is a whole number from 0 to 1000", None);
            PRIORITY
        })
    });
    let TriggerTable::BandChanged { to } = file.trigger.get_ref();
    if to.is_empty() {
        reader.wrong(file.trigger.span(), "`to` names no band, so it would never start", None);
    }
    let trigger = Trigger::BandChanged { to: to.clone() };
    let when = file.when.as_ref().map(|when| reader.condition(when));
    let recover = reader.condition(&file.recover);
    let recover_after = file.recover_after.map_or(RECOVER_AFTER, |text| reader.duration(&text));
    let cooldown = reader.duration(&file.cooldown);
    let steps = steps(reader, &file.step);
    let examples = file.example.iter().map(|table| example(reader, table)).collect();
    let when = match when {
        Some(compiled) => Some(compiled?),
        None => None,
    };
    Some(Playbook {
        name: name.ok()?,
        title,
        why,
        priority,
        trigger,
        when,
        recover: recover?,
        recover_after,
        cooldown,
        steps,
        examples,
    })
}

fn steps(reader: &mut Reader<'_>, tables: &[Spanned<StepTable>]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    if tables.is_empty() {
        reader.wrong(0..0, "a playbook has at least one step", None);
    }
    for table in tables {
        let name = reader.words(&table.get_ref().name);
        if steps.iter().any(|step| step.name == name) {
            reader.wrong(table.get_ref().name.span(), format!("there are two steps `{name}`"), None);
        }
        let Some(alert) = &table.get_ref().slack_alert else {
            let help = "add `slack_alert = { next_step = \"…\" }`".to_owned();
            reader.wrong(table.get_ref().name.span(), format!("step `{name}` does nothing"), help);
            continue;
        };
        let next_step = reader.words(&alert.next_step);
        steps.push(Step { name, action: StepAction::SlackAlert { next_step } });
    }
    steps
}

fn example(reader: &mut Reader<'_>, table: &ExampleTable) -> Example {
    Example {
        name: reader.words(&table.name),
        before: scalars(reader, &table.before),
        after: scalars(reader, &table.after),
        expect: Expect { band: table.expect.band, opens: table.expect.opens },
    }
}

fn scalars(reader: &mut Reader<'_>, table: &Table<Spanned<Value>>) -> BTreeMap<String, Scalar> {
    let mut scalars = BTreeMap::new();
    for (name, value) in table {
        let Some(info) = scalar(name.get_ref()) else {
            reader.unknown(name, "a known name", SCALARS.iter().map(|info| info.name));
            continue;
        };
        let read = match (value.get_ref(), info.kind) {
            (Value::Integer(number), ScalarKind::Int) => Scalar::Int(*number),
            (Value::String(text), ScalarKind::Text) => Scalar::Text(text.clone()),
            (Value::Boolean(flag), ScalarKind::Flag) => Scalar::Flag(*flag),
            (_, kind) => {
                reader.wrong(value.span(), format!("`{}` is {kind}", info.name), None);
                continue;
            }
        };
        scalars.insert(info.name.to_owned(), read);
    }
    scalars
}
