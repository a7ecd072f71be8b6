//! Tasks in the CRM, as an action asks for them.

use serde::{Deserialize, Serialize};

use crate::Moment;

/// What is to happen to one task. Whose it is, what is to be done and why stand in the request around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CrmTask {
    /// What.
    pub change: TaskChange,
    /// By when it is to be done; `None` unless it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
    /// How pressing it is; `None` unless it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<TaskPriority>,
    /// The person's id as an owner in the CRM; `None` where only their email address is known, or nobody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
}

/// What happens to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskChange {
    /// It is made. It bears the id of the action, so that asking twice makes one.
    Create,
    /// The task that the action replies to becomes somebody else's.
    HandOver,
    /// What the task that the action replies to was for is over, so it is marked as done.
    Complete,
}

/// How pressing a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskPriority {
    /// When there is time.
    Low,
    /// As usual.
    Medium,
    /// Before others.
    High,
}
