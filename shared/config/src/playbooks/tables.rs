//! The tables of a playbook's file as they are written.

use model::{Band, TaskPriority, Urgency};
use serde::Deserialize;
use toml::{Spanned, Value};

use super::{MailTo, Role};
use crate::reading::Table;
use crate::runway::RenewalTable;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct File {
    pub title: Spanned<String>,
    pub why: Spanned<String>,
    #[serde(default)]
    pub goal: Option<Spanned<String>>,
    #[serde(default)]
    pub priority: Option<Spanned<i64>>,
    #[serde(default)]
    pub family: Option<Spanned<String>>,
    #[serde(default)]
    pub paused: bool,
    pub trigger: Spanned<TriggerTable>,
    #[serde(default)]
    pub when: Option<Spanned<String>>,
    #[serde(default)]
    pub tiers: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub segments: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub stages: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub max_per_window: Option<WindowTable>,
    #[serde(default)]
    pub recover: Option<Spanned<String>>,
    #[serde(default)]
    pub recover_after: Option<Spanned<String>>,
    #[serde(default)]
    pub exit: Option<Spanned<String>>,
    #[serde(default)]
    pub cooldown: Option<Spanned<String>>,
    #[serde(default)]
    pub step: Vec<Spanned<StepTable>>,
    #[serde(default)]
    pub example: Vec<ExampleTable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, expecting = "one kind of trigger")]
pub(super) enum TriggerTable {
    BandChanged {
        to: Vec<Band>,
    },
    Becomes {
        condition: Spanned<String>,
    },
    Answered {
        nps_at_most: Spanned<i64>,
    },
    BecameCustomer {
        within_days: Spanned<i64>,
        #[serde(default)]
        first_sight_days: Option<Spanned<i64>>,
    },
    Renewal(Box<RenewalTable>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct WindowTable {
    pub count: Spanned<i64>,
    pub days: Spanned<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct StepTable {
    pub name: Spanned<String>,
    #[serde(default)]
    pub after: Option<Spanned<String>>,
    #[serde(default)]
    pub owner: Role,
    #[serde(default)]
    pub urgency: Option<Urgency>,
    #[serde(default)]
    pub due: Option<Spanned<String>>,
    #[serde(default)]
    pub slack_alert: Option<SlackAlertTable>,
    #[serde(default)]
    pub crm_task: Option<CrmTaskTable>,
    #[serde(default)]
    pub email_nudge: Option<EmailNudgeTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct SlackAlertTable {
    pub next_step: Spanned<String>,
    #[serde(default)]
    pub text: Option<Spanned<String>>,
    #[serde(default)]
    pub template: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct CrmTaskTable {
    pub title: Spanned<String>,
    #[serde(default)]
    pub text: Option<Spanned<String>>,
    #[serde(default)]
    pub priority: Option<TaskPriority>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct EmailNudgeTable {
    pub to: MailTo,
    pub template: Spanned<String>,
    #[serde(default)]
    pub text: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ExampleTable {
    pub name: Spanned<String>,
    #[serde(default)]
    pub before: Table<Spanned<Value>>,
    pub after: Table<Spanned<Value>>,
    pub expect: ExpectTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ExpectTable {
    #[serde(default)]
    pub band: Option<Band>,
    pub opens: bool,
    #[serde(default)]
    pub asks: Option<Vec<Spanned<String>>>,
}
