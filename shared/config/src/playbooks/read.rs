//! Reads and checks a playbook.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use model::{ActionKind, PlaybookName};
use toml::{Spanned, Value};

use super::tables::{ExampleTable, File, StepTable, TriggerTable, WindowTable};
use super::{Example, Expect, Offset, Playbook, Step, StepAction, Trigger, Window};
use crate::reading::{Reader, Table};
use crate::{Condition, SCALARS, Scalar, ScalarKind, runway, scalar};

/// How long a recovery must hold unless the playbook says otherwise: a day keeps a score that trembles from telling twice.
const RECOVER_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// A playbook's place unless it says otherwise: in the middle, so that others can go before it or after it.
const PRIORITY: u32 = 50;
/// Names of messages that no step asks for.
const RESERVED: [&str; 4] = ["resolved", "update", "hand-off", "answered"];

/// The names of the templates that there are.
pub(crate) struct Templates<'a> {
    pub slack: Vec<&'a str>,
    pub mail: Vec<&'a str>,
}

/// Reads `playbooks/{stem}.toml`.
pub(crate) fn read(reader: &mut Reader<'_>, stem: &str, templates: &Templates<'_>) -> Option<Playbook> {
    let name = stem.parse::<PlaybookName>();
    if let Err(error) = &name {
        reader.wrong(0..0, format!("the file's name: {error}"), "rename the file".to_owned());
    }
    let file: File = reader.parse()?;
    let (title, why) = (reader.words(&file.title), reader.words(&file.why));
    let priority = file.priority.as_ref().map_or(PRIORITY, |priority| number(reader, priority, "a priority", 0, 1_000));
    let trigger = trigger(reader, &file.trigger);
    let when = condition(reader, file.when.as_ref());
    let recover = condition(reader, file.recover.as_ref());
    let exit = condition(reader, file.exit.as_ref());
    let recover_after = file.recover_after.as_ref().map_or(RECOVER_AFTER, |text| reader.duration(text));
    let cooldown = file.cooldown.as_ref().map_or(SignedDuration::ZERO, |text| reader.duration(text));
    let (tiers, segments) = (list(reader, file.tiers.as_ref()), list(reader, file.segments.as_ref()));
    let stages = list(reader, file.stages.as_ref());
    let steps = steps(reader, &file.step, templates);
    let asked: Vec<String> = match &trigger {
        Some(Trigger::Renewal(runway)) => {
            of_renewal(reader, &file);
            runway.steps().collect()
        }
        Some(_) | None => {
            if file.step.is_empty() {
                reader.wrong(0..0, "a playbook has at least one step", None);
            }
            file.step.iter().map(|table| table.get_ref().name.get_ref().clone()).collect()
        }
    };
    let examples = file.example.iter().map(|table| example(reader, table, &asked)).collect();
    Some(Playbook {
        name: name.ok()?,
        title,
        why,
        goal: file.goal.as_ref().map(|goal| reader.words(goal)),
        priority,
        family: file.family.as_ref().map(|family| reader.words(family)),
        paused: file.paused,
        trigger: trigger?,
        when: when?,
        tiers,
        segments,
        stages,
        max_per_window: file.max_per_window.as_ref().map(|table| window(reader, table)),
        recover: recover?,
        recover_after,
        exit: exit?,
        cooldown,
        steps,
        examples,
    })
}

/// `None` where what is written is no condition.
#[expect(clippy::option_option, reason = "a condition that is not there is fine, one that is wrong is not")]
fn condition(reader: &mut Reader<'_>, text: Option<&Spanned<String>>) -> Option<Option<Condition>> {
    match text {
        Some(text) => reader.condition(text).map(Some),
        None => Some(None),
    }
}

/// A whole number between bounds; the lower one where it is not.
fn number<T: TryFrom<i64> + From<u16>>(
    reader: &mut Reader<'_>,
    written: &Spanned<i64>,
    what: &str,
    least: u16,
    most: u16,
) -> T {
    let number = *written.get_ref();
    if (i64::from(least)..=i64::from(most)).contains(&number)
        && let Ok(good) = T::try_from(number)
    {
        return good;
    }
    reader.wrong(written.span(), format!("{what} is a whole number from {least} to {most}"), None);
    T::from(least)
}

/// Names of what an account must be one of; a list that names nothing would never start.
fn list(reader: &mut Reader<'_>, written: Option<&Spanned<Vec<String>>>) -> Vec<String> {
    let Some(written) = written else { return Vec::new() };
    if written.get_ref().iter().all(|text| text.trim().is_empty()) {
        reader.wrong(written.span(), "it names nothing, so it would never start", "leave it out for all".to_owned());
    }
    written.get_ref().clone()
}

fn trigger(reader: &mut Reader<'_>, table: &Spanned<TriggerTable>) -> Option<Trigger> {
    Some(match table.get_ref() {
        TriggerTable::BandChanged { to } => {
            if to.is_empty() {
                reader.wrong(table.span(), "`to` names no band, so it would never start", None);
            }
            Trigger::BandChanged { to: to.clone() }
        }
        TriggerTable::Becomes { condition } => Trigger::Becomes { condition: reader.condition(condition)? },
        TriggerTable::Answered { nps_at_most } => {
            Trigger::Answered { nps_at_most: number(reader, nps_at_most, "an answer", 0, 10) }
        }
        TriggerTable::BecameCustomer { within_days, first_sight_days } => {
            let mut days = |written| number(reader, written, "a number of days", 0, 365);
            let within_days = days(within_days);
            let first_sight_days = first_sight_days.as_ref().map_or(-1, days);
            Trigger::BecameCustomer { within_days, first_sight_days }
        }
        TriggerTable::Renewal(written) => Trigger::Renewal(runway::read(reader, written, table.span())),
    })
}

fn window(reader: &mut Reader<'_>, table: &WindowTable) -> Window {
    Window {
        count: number(reader, &table.count, "a number of episodes", 1, 1_000),
        days: number(reader, &table.days, "a number of days", 1, 3_650),
    }
}

fn steps(reader: &mut Reader<'_>, tables: &[Spanned<StepTable>], templates: &Templates<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for table in tables.iter().map(Spanned::get_ref) {
        let name = reader.words(&table.name);
        if steps.iter().any(|step| step.name == name) {
            reader.wrong(table.name.span(), format!("there are two steps `{name}`"), None);
        }
        if RESERVED.iter().any(|reserved| name.starts_with(reserved)) {
            let help = format!("no step begins with {}", RESERVED.join(", "));
            reader.wrong(table.name.span(), format!("`{name}` is the name of another message"), help);
        }
        let Some(action) = action(reader, table, &name, templates) else { continue };
        let mut offset = |text: &Option<Spanned<String>>| text.as_ref().and_then(|text| reader.text::<Offset>(text));
        let (after, due) = (offset(&table.after), offset(&table.due));
        steps.push(Step { name, after, owner: table.owner, urgency: table.urgency, due, action });
    }
    let is_message = |step: &Step| step.action.kind() == ActionKind::SlackAlert;
    // Of steps that are wrong, nobody knows yet what they do.
    if let [first, others @ ..] = steps.as_slice()
        && steps.len() == tables.len()
        && !is_message(first)
        && others.iter().any(is_message)
        && let Some(table) = tables.iter().find(|table| table.get_ref().name.get_ref() == &first.name)
    {
        let help = "put a step with `slack_alert` before it: its message starts the thread".to_owned();
        reader.wrong(table.get_ref().name.span(), format!("`{}` comes before the first message", first.name), help);
    }
    steps
}

/// What one step does: exactly one thing.
fn action(reader: &mut Reader<'_>, table: &StepTable, name: &str, templates: &Templates<'_>) -> Option<StepAction> {
    match (&table.slack_alert, &table.crm_task, &table.email_nudge) {
        (None, None, None) => {
            let help = "add `slack_alert = { next_step = \"…\" }`, `crm_task = { title = \"…\" }` or \
                        `email_nudge = { to = \"sponsor\", template = \"…\" }`";
            reader.wrong(table.name.span(), format!("step `{name}` does nothing"), help.to_owned());
            None
        }
        (Some(alert), None, None) => {
            if let Some(template) = alert.template.as_ref() {
                known(reader, template, "a template in templates/slack", &templates.slack);
            }
            Some(StepAction::SlackAlert {
                next_step: reader.words(&alert.next_step),
                text: alert.text.as_ref().map(|text| reader.words(text)),
                template: alert.template.as_ref().map(|name| name.get_ref().clone()),
            })
        }
        (None, Some(task), None) => {
            if table.due.is_none() {
                let help = "add `due = \"2bd\"`".to_owned();
                reader.wrong(table.name.span(), format!("step `{name}` makes a task that is never due"), help);
            }
            if table.urgency.is_some() {
                let help = "leave `urgency` out; a task has a `priority`".to_owned();
                reader.wrong(table.name.span(), format!("step `{name}` makes a task, which interrupts nobody"), help);
            }
            Some(StepAction::CrmTask {
                title: reader.words(&task.title),
                text: task.text.as_ref().map(|text| reader.words(text)),
                priority: task.priority,
            })
        }
        (None, None, Some(mail)) => {
            let what = "a template in templates/email, with a file .txt.j2 and one .html.j2";
            known(reader, &mail.template, what, &templates.mail);
            if table.urgency.is_some() {
                let help = "leave `urgency` out; email.toml says how much mail one address gets".to_owned();
                reader.wrong(table.name.span(), format!("step `{name}` writes a mail, which interrupts nobody"), help);
            }
            Some(StepAction::EmailNudge {
                to: mail.to,
                template: mail.template.get_ref().clone(),
                text: mail.text.as_ref().map(|text| reader.words(text)),
            })
        }
        _ => {
            let help = "make a step of each".to_owned();
            reader.wrong(table.name.span(), format!("step `{name}` does more than one thing"), help);
            None
        }
    }
}

fn known(reader: &mut Reader<'_>, name: &Spanned<String>, what: &str, valid: &[&str]) {
    if !valid.contains(&name.get_ref().as_str()) {
        reader.unknown(name, what, valid.iter().copied());
    }
}

/// What a renewal has of its own cannot be written a second time.
fn of_renewal(reader: &mut Reader<'_>, file: &File) {
    let steps = file.step.iter().map(|step| ("step", step.span()));
    let others = [("recover", &file.recover), ("exit", &file.exit), ("cooldown", &file.cooldown)];
    let others = others.into_iter().filter_map(|(key, written)| Some((key, written.as_ref()?.span())));
    for (key, span) in steps.chain(others).collect::<Vec<_>>() {
        let help = "its steps are its checkpoints, and it ends with the renewal".to_owned();
        reader.wrong(span, format!("a playbook for renewals has no `{key}`"), help);
    }
}

fn example(reader: &mut Reader<'_>, table: &ExampleTable, steps: &[String]) -> Example {
    let asks = table.expect.asks.as_ref().map(|names| {
        for name in names.iter().filter(|name| !steps.contains(name.get_ref())) {
            reader.unknown(name, "a step", steps.iter().map(String::as_str));
        }
        names.iter().map(|name| name.get_ref().clone()).collect()
    });
    Example {
        name: reader.words(&table.name),
        before: scalars(reader, &table.before),
        after: scalars(reader, &table.after),
        expect: Expect { band: table.expect.band, opens: table.expect.opens, asks },
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
