//! The stack's shape, read from the template that AWS gets, so that the laptop runs what will be deployed.
//!
//! What has a meaning here is read; what has none on a laptop (permissions, alarms, log groups, outputs) is on an
//! explicit list in `allowed.rs`; anything else is refused with its line, because silently ignoring it would make the
//! laptop behave unlike the deployment.

mod allowed;
mod functions;
mod node;
pub(crate) mod parameter;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::pattern::Pattern;

/// The template that ships with this build.
pub const BUILT_IN: &str = include_str!("../../../template.yaml");

/// In a schedule's input: becomes the moment of the run.
pub const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// Everything in the template that has a meaning on a laptop, in the order of the template.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The tables.
    pub tables: Vec<Table>,
    /// The functions with what feeds them.
    pub functions: Vec<Function>,
    /// The queues, dead-letter queues included.
    pub queues: Vec<Queue>,
    /// The name of the one bus.
    pub bus: String,
    /// The rules of the bus, and those of the account's default bus.
    pub rules: Vec<Rule>,
}

/// A table. Its local name is its logical id, which is what `!Ref` gives a function's environment here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The resource's name in the template, and the table's name here.
    pub logical_id: String,
    /// The key.
    pub key: Key,
    /// The secondary indexes.
    pub indexes: Vec<Index>,
    /// What a stream record carries of the item; `None` without a stream.
    pub stream: Option<StreamView>,
    /// The attribute (epoch seconds) after which an item may be removed.
    pub ttl: Option<String>,
}

/// A partition key and, where there is one, a sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Partition key.
    pub hash: Attribute,
    /// Sort key.
    pub range: Option<Attribute>,
}

/// A key attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// `S`, `N` or `B`.
    pub kind: String,
}

/// A global secondary index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: Key,
    /// `KEYS_ONLY` or `ALL`.
    pub projection: String,
}

/// What a stream record carries beside the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamView {
    /// Nothing.
    KeysOnly,
    /// The item after the change.
    NewImage,
    /// The item before the change.
    OldImage,
    /// Both.
    NewAndOldImages,
}

impl StreamView {
    /// The item after the change is part of the record.
    pub fn has_new(self) -> bool {
        matches!(self, Self::NewImage | Self::NewAndOldImages)
    }

    /// The item before the change is part of the record.
    pub fn has_old(self) -> bool {
        matches!(self, Self::OldImage | Self::NewAndOldImages)
    }

    /// DynamoDB's name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeysOnly => "KEYS_ONLY",
            Self::NewImage => "NEW_IMAGE",
            Self::OldImage => "OLD_IMAGE",
            Self::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }
}

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// The resource's name in the template.
    pub logical_id: String,
    /// The crate it is built from: the name of the file in `CodeUri`.
    pub crate_name: String,
    /// Its environment with local names in place of references.
    pub environment: BTreeMap<String, String>,
    /// Seconds after which a call is given up.
    pub timeout_s: u64,
    /// Requests that call it.
    pub routes: Vec<Route>,
    /// Streams that feed it.
    pub streams: Vec<StreamMapping>,
    /// Queues that feed it.
    pub queues: Vec<QueueMapping>,
    /// Schedules that call it.
    pub schedules: Vec<Schedule>,
}

/// A route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Upper-case method.
    pub method: String,
    /// The path; `{name}` stands for one segment.
    pub path: String,
}

/// A stream that feeds a function.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamMapping {
    /// The table whose stream it is.
    pub table: String,
    /// A record is delivered when one of these matches; empty delivers all.
    pub filters: Vec<Pattern>,
    /// The most records in one call.
    pub batch_size: usize,
    /// How often a failing batch is tried again before it is set aside.
    pub max_retries: u32,
    /// A batch that makes the function fail is tried again in halves.
    pub bisect: bool,
    /// The answer may name the records that failed.
    pub partial_failures: bool,
    /// The bucket that takes what was set aside.
    pub on_failure: Option<String>,
}

/// A queue that feeds a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMapping {
    /// The queue.
    pub queue: String,
    /// The most messages in one call.
    pub batch_size: usize,
    /// The answer may name the messages that failed.
    pub partial_failures: bool,
}

/// A clock that calls a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The schedule's name: function and event, such as `Clock/Tick`.
    pub name: String,
    /// Seconds between two runs.
    pub every_s: u64,
    /// What the function is given; the text [`SCHEDULED_TIME`] in it becomes the run's moment.
    pub input: serde_json::Value,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The resource's name in the template.
    pub logical_id: String,
    /// Seconds for which a received message is hidden.
    pub visibility_s: u64,
    /// How often a message is handed out before it goes to `dead_letters`; `None` is without end.
    pub max_receive_count: Option<u32>,
    /// The queue that takes what failed too often.
    pub dead_letters: Option<String>,
}

/// A rule of the bus.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The resource's name in the template.
    pub name: String,
    /// It takes from the account's default bus, where AWS's own services speak, and not from ours.
    pub is_on_default_bus: bool,
    /// Which events it takes.
    pub pattern: Pattern,
    /// Where they go.
    pub target_queue: String,
    /// Where those go that `target_queue` does not take; `None` is nowhere.
    pub dead_letters: Option<String>,
}

/// What is wrong with a template, all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(|problem| format!("{file}:{}: {}", problem.line, problem.message)).collect::<Vec<_>>().join("\n"))]
pub struct TemplateError {
    /// The file's name as given.
    pub file: String,
    /// At least one, in the order of the file where it is known.
    pub problems: Vec<Problem>,
}

/// One thing wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Stack {
    /// Reads a template; `file` names it in errors.
    ///
    /// # Errors
    /// For everything unknown, missing or dangling, with its line.
    pub fn read(file: &str, text: &str) -> Result<Self, TemplateError> {
        read::stack(text).map_err(|problems| TemplateError { file: file.to_owned(), problems })
    }

    /// The stack that ships with this build.
    ///
    /// # Errors
    /// Never in a build whose tests passed.
    pub fn built_in() -> Result<Self, TemplateError> {
        Self::read("infra/template.yaml", BUILT_IN)
    }

    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.logical_id == name)
    }

    /// The function of this name.
    pub fn function(&self, logical_id: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.logical_id == logical_id)
    }

    /// The queue of this name.
    pub fn queue(&self, logical_id: &str) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.logical_id == logical_id)
    }

    /// A function reads the queue of this name; one that none reads is for letters that were given up.
    pub fn is_read(&self, queue: &str) -> bool {
        self.functions.iter().flat_map(|function| &function.queues).any(|read| read.queue == queue)
    }

    /// The function that answers a request and its route; `Err` names the methods of a path that has others.
    ///
    /// # Errors
    /// The methods that the path has, none when there is no such path.
    pub fn route(&self, method: &str, path: &str) -> Result<(&Function, &Route), Vec<&str>> {
        let mut others = Vec::new();
        for function in &self.functions {
            for route in function.routes.iter().filter(|route| route.covers(path)) {
                if route.method == method {
                    return Ok((function, route));
                }
                others.push(route.method.as_str());
            }
        }
        Err(others)
    }
}

impl Route {
    fn covers(&self, path: &str) -> bool {
        let mut wanted = self.path.split('/');
        let mut given = path.split('/');
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if wanted.starts_with('{') => {
                    if given.is_empty() {
                        return false;
                    }
                }
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return false,
            }
        }
    }
}
