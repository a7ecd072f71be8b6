//! What is said to HubSpot about one task: the properties of a task that is made or changed.

use model::{ActionId, ActionKind, ActionRequest, Alert, SubjectId, TaskChange, TaskPriority};
use serde_json::{Map, Value, json};

use super::company;
use crate::slack::text::{escape, shown};
use crate::slack::words::{explain, minute};

/// The unique property of tasks that holds the action's id.
pub const ACTION_ID: &str = model::HUBSPOT_ACTION_ID;
/// The property that says whose a task is.
pub(super) const OWNER: &str = "hubspot_owner_id";

/// The longest title; a list shows less.
const TITLE: usize = 200;
/// The longest line of the text below it.
const LINE: usize = 500;

/// The calls of one action, as far as they are known before the first answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Planned {
    /// A task is made, or found, and put on a company.
    Create {
        /// HubSpot's number of the company.
        company: String,
        /// The task's properties, without the owner.
        properties: Map<String, Value>,
        /// Whose it is, where that is known without asking.
        owner_id: Option<String>,
        /// Whose it is; HubSpot is asked for their id.
        email: Option<String>,
    },
    /// The task of another action is somebody else's from now on.
    HandOver {
        /// The action that made it.
        made_by: ActionId,
        /// As above.
        owner_id: Option<String>,
        /// As above.
        email: Option<String>,
    },
    /// The task of another action is done.
    Complete {
        /// The action that made it.
        made_by: ActionId,
    },
    /// A company shows how its account stands.
    Write {
        /// HubSpot's number of the company.
        company: String,
        /// The values of our properties.
        properties: Map<String, Value>,
    },
}

/// What `request` comes to in HubSpot.
///
/// # Errors
/// When it cannot be carried out there, whatever HubSpot would answer; the text says why.
pub fn plan(request: &ActionRequest) -> Result<Planned, String> {
    if request.kind == ActionKind::CrmUpdate {
        let update = request.update.as_ref().ok_or("it says nothing about a record")?;
        let properties = company::properties(update);
        return Ok(Planned::Write { company: number(&request.alert.account)?, properties });
    }
    let made_by = || request.reply_to.clone().ok_or_else(|| "it names no task that it changes".to_owned());
    let email = request.to.email.clone();
    let task = request.task.as_ref().ok_or("it says nothing about a task")?;
    let owner_id = task.owner_id.clone();
    match task.change {
        TaskChange::Create => {
            let title = shown(&request.alert.next_step, TITLE).ok_or("the task has no title")?;
            let due_at = task.due_at.ok_or("the task has no day on which it is due")?;
            let priority = match task.priority {
                Some(TaskPriority::Low) => "LOW",
                Some(TaskPriority::Medium) | None => "MEDIUM",
                Some(TaskPriority::High) => "HIGH",
            };
            let properties = [
                (ACTION_ID, request.id.to_string()),
                ("hs_timestamp", due_at.to_string()),
                ("hs_task_subject", format!("{}: {title}", account_name(&request.alert))),
                ("hs_task_body", body(request)),
                ("hs_task_status", "NOT_STARTED".to_owned()),
                ("hs_task_priority", priority.to_owned()),
                ("hs_task_type", "TODO".to_owned()),
            ];
            Ok(Planned::Create {
                company: number(&request.alert.account)?,
                properties: properties.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
                owner_id,
                email,
            })
        }
        TaskChange::HandOver => Ok(Planned::HandOver { made_by: made_by()?, owner_id, email }),
        TaskChange::Complete => Ok(Planned::Complete { made_by: made_by()? }),
    }
}

impl Planned {
    /// The calls as they would be made, for a reader: where an id is only known from an answer, it says whose.
    pub fn shown(&self) -> Value {
        let whose = |owner_id: &Option<String>, email: &Option<String>| {
            owner_id.clone().or_else(|| email.as_ref().map(|email| format!("the owner id of {email}")))
        };
        match self {
            Self::Create { company, properties, owner_id, email } => {
                let upsert = upsert(properties, whose(owner_id, email).as_deref());
                let associate = association("the task's id", company);
                json!([
                    { "method": "POST", "path": UPSERT, "body": upsert },
                    { "method": "PUT", "path": associate },
                ])
            }
            Self::HandOver { made_by, owner_id, email } => {
                let change = change(&handed_over(whose(owner_id, email).as_deref()));
                json!([{ "method": "PATCH", "path": by_action(made_by), "body": change }])
            }
            Self::Complete { made_by } => {
                json!([{ "method": "PATCH", "path": by_action(made_by), "body": change(&completed()) }])
            }
            Self::Write { company, properties } => {
                json!([{ "method": "PATCH", "path": company::company(company), "body": change(properties) }])
            }
        }
    }
}

/// Where tasks are made or found.
pub(super) const UPSERT: &str = "/crm/v3/objects/tasks/batch/upsert";

/// The body of an upsert; a task without an owner is nobody's.
pub(super) fn upsert(properties: &Map<String, Value>, owner_id: Option<&str>) -> Value {
    let mut properties = properties.clone();
    properties.extend(owner_id.map(|id| (OWNER.to_owned(), id.into())));
    json!({ "inputs": [{ "id": properties.get(ACTION_ID), "idProperty": ACTION_ID, "properties": properties }] })
}

/// Where a task is put on a company: 192 is HubSpot's own "task to company".
pub(super) fn association(task: &str, company: &str) -> String {
    format!("/crm/v3/objects/tasks/{task}/associations/company/{company}/192")
}

/// Where the task of an action is changed.
pub(super) fn by_action(action: &ActionId) -> String {
    format!("/crm/v3/objects/tasks/{action}?idProperty={ACTION_ID}")
}

/// The body of a change.
pub(super) fn change(properties: &Map<String, Value>) -> Value {
    json!({ "properties": properties })
}

/// It belongs to somebody else; an empty text clears the property.
pub(super) fn handed_over(owner_id: Option<&str>) -> Map<String, Value> {
    Map::from_iter([(OWNER.to_owned(), owner_id.unwrap_or_default().into())])
}

/// It is done.
pub(super) fn completed() -> Map<String, Value> {
    Map::from_iter([("hs_task_status".to_owned(), "COMPLETED".into())])
}

/// HubSpot's number of an account that HubSpot opened.
fn number(account: &SubjectId) -> Result<String, String> {
    let number = account.hubspot_company().map(str::to_owned);
    number.ok_or_else(|| format!("the account {account} is no company in HubSpot, so nothing can be put on it"))
}

/// A number of days without its sign.
fn days(number: i64) -> String {
    let size = number.unsigned_abs();
    format!("{size} day{}", if size == 1 { "" } else { "s" })
}

fn account_name(alert: &Alert) -> String {
    shown(&alert.name, 80).unwrap_or_else(|| alert.account.to_string())
}

/// Why, and what is known, one line each. HubSpot shows it as HTML, so what came from outside is escaped.
fn body(request: &ActionRequest) -> String {
    let alert = &request.alert;
    let (from, to) = (alert.score.0, alert.score.1);
    let score = match (from, to) {
        (Some(from), Some(to)) if from != to => format!(" ({from} → {to})"),
        (_, Some(to)) => format!(" ({to})"),
        (_, None) => String::new(),
    };
    let (was, is) = alert.band;
    let band = if was == is { is.to_string() } else { format!("{was} → {is}") };
    let arr = alert.arr.map(|arr| format!("{arr} a year")).into_iter();
    let deadline = alert.days_to_deadline.map(|left| {
        let what = alert.deadline.as_deref().unwrap_or("deadline");
        if left < 0 { format!("{} past the {what}", days(left)) } else { format!("{} to the {what}", days(left)) }
    });
    let renewal = alert.renews_on.map(|day| format!("renews on {day}"));
    let facts: Vec<String> = arr.chain(deadline).chain(renewal).collect();
    let changes = alert.changes.iter().take(3).filter_map(|change| {
        let measure = shown(&change.measure, 80)?;
        Some(match (&change.from, &change.to) {
            (Some(from), Some(to)) if from != to => format!("• {measure}: {from} → {to}"),
            (_, Some(to)) => format!("• {measure}: {to}"),
            (Some(from), None) => format!("• {measure}: not known, was {from}"),
            (None, None) => format!("• {measure}"),
        })
    });
    let prefixed = |what: &str, text: Option<String>| text.map(|text| format!("{what}: {text}"));
    let optional = |text: &Option<String>| text.as_deref().and_then(|text| shown(text, LINE));
    let lines = [optional(&alert.text), Some(format!("Health: {band}{score}"))]
        .into_iter()
        .flatten()
        .chain(changes)
        .chain((!facts.is_empty()).then(|| facts.join(" · ")))
        .chain(prefixed("Why", optional(&alert.why)))
        .chain(prefixed("Goal", optional(&alert.goal)))
        .chain(shown(&alert.playbook, LINE).map(|playbook| {
            let explained = explain(&alert.account).map(|command| format!(" · {command}")).unwrap_or_default();
            format!("Barometer, playbook {playbook}, as of {}{explained}", minute(alert.as_of))
        }));
    lines.filter_map(|line| shown(&line, LINE)).map(|line| escape(&line)).collect::<Vec<_>>().join("<br>")
}
