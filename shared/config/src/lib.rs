//! The files people write under `infra/config/`, checked as a whole and turned into values.
//!
//! [`load`] is given the contents of the files and reports everything that is wrong in them, each problem with its
//! file, line and column, and with the nearest valid name where a name is wrong. What it returns has been checked:
//! every mapped field exists, every condition compiles and gives a yes or no, every name refers to something. It reads
//! no file and no clock itself.

mod calendar;
mod checks;
mod condition;
mod connections;
mod desk;
mod health;
mod mail;
mod modes;
mod playbooks;
mod problem;
mod quiet;
mod reading;
mod runway;
mod scalar;
pub mod secrets;
mod team;

use std::collections::BTreeMap;

pub use calendar::{BadQuietHours, Calendar, QuietHours, moment};
pub use condition::{Condition, Effort, Verdict};
pub use connections::{Connection, Connections, RenewalPipeline, RenewalSource, Watch};
pub use desk::Alerts;
pub use health::{
    After, CapRule, Case, Dimension, Every, GreenNeeds, Headline, HealthModel, Least, Measure, Missing, Points, Profile,
};
pub use mail::{ContactList, Mail, MailLimits, ToCustomers};
use model::{Authority, ConnectionName, Field, PlaybookName};
pub use modes::Modes;
pub use playbooks::{Example, Expect, MailTo, Offset, Playbook, Role, Step, StepAction, Trigger, Window};
pub use problem::{Problem, Problems};
pub use quiet::QuietPeriod;
pub use runway::{Checkpoint, Runway};
pub use scalar::{Feed, SCALARS, Scalar, ScalarInfo, ScalarKind, Scalars, scalar};
pub use team::{Away, Person, PoolGroup, Team};

/// The files of a configuration folder: path below the folder, with `/`, to content. For example `connections.toml`,
/// `playbooks/risk-mitigation.toml` and `templates/slack/opened.j2`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, String>);

/// A whole configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The connections, in the order of `connections.toml`.
    pub connections: Vec<Connection>,
    /// Which accounts are assessed.
    pub watch: Watch,
    /// Who is believed about an account's renewal, first to last; all of them stand here.
    pub renewal_sources: Vec<RenewalSource>,
    /// How health is computed.
    pub model: HealthModel,
    /// The playbooks, in the order of their names.
    pub playbooks: Vec<Playbook>,
    /// First 12 hexadecimal digits of the SHA-256 over all playbook files.
    pub playbooks_hash: String,
    /// Our own people.
    pub team: Team,
    /// How far messages may go.
    pub modes: Modes,
    /// How mail goes out; `None` where there is no `email.toml`, and no mail either.
    pub mail: Option<Mail>,
    /// The templates: path below `templates/`, such as `slack/opened.j2`, to content.
    pub templates: BTreeMap<String, String>,
    /// What is odd without being wrong.
    pub warnings: Vec<Problem>,
    authority: BTreeMap<Field, Vec<ConnectionName>>,
}

impl Config {
    /// The connection of that name, enabled or not.
    pub fn connection(&self, name: &ConnectionName) -> Option<&Connection> {
        self.connections.iter().find(|connection| &connection.name == name)
    }

    /// The playbook of that name.
    pub fn playbook(&self, name: &PlaybookName) -> Option<&Playbook> {
        self.playbooks.iter().find(|playbook| &playbook.name == name)
    }

    /// An enabled connection maps a field the scalar is computed from, its renewal deals tell it, or it is of a family
    /// that tells it without a mapping. A scalar that no connection feeds is always wired.
    pub fn is_wired(&self, scalar: &ScalarInfo) -> bool {
        let families = scalar.feed.families();
        let feeds = |connection: &&Connection| {
            families.contains(&connection.family) || scalar.fields.iter().any(|field| connection.feeds(*field))
        };
        let by_none = families.is_empty() && scalar.fields.is_empty();
        by_none || self.connections.iter().filter(|connection| connection.enabled).any(|connection| feeds(&connection))
    }
}

/// What an operator states is believed first, then the field's own list in `[authority]`, then the order of the
/// connections in the file. Connections that no longer exist come last. How an account feels is a word of its day: without
/// a list the newest counts, and with one an operator's word and that of the first connection are equals.
impl Authority for Config {
    fn rank(&self, field: Field, connection: &ConnectionName) -> usize {
        let listed = self.authority.get(&field).map(Vec::as_slice).unwrap_or_default();
        let is_of_its_day = field == Field::Sentiment;
        if is_of_its_day && listed.is_empty() {
            return 0;
        }
        if connection.as_str() == "operator" {
            return usize::from(is_of_its_day);
        }
        if let Some(at) = listed.iter().position(|name| name == connection) {
            return 1 + at;
        }
        let in_file = self.connections.iter().position(|known| &known.name == connection);
        1 + listed.len() + in_file.unwrap_or(self.connections.len())
    }
}

/// Reads and checks a whole configuration against the tools that exist (`connectors::tools()`).
///
/// # Errors
/// When anything is wrong: all problems of all files, except that a file that cannot be parsed has one.
pub fn load(files: &Files, tools: &[model::Tool]) -> Result<Config, Problems> {
    checks::load(files, tools)
}

/// The file that [`connections()`] reads.
pub const CONNECTIONS: &str = "connections.toml";

/// Reads and checks the connections alone, out of [`CONNECTIONS`]: for a function that only receives or fetches, which has
/// no time to lose in its first call. What else the file says, and every other file, was checked before it was packed.
///
/// # Errors
/// When a connection is wrong, or the file is missing or cannot be parsed: all problems.
pub fn connections(files: &Files, tools: &[model::Tool]) -> Result<Connections, Problems> {
    checks::connections_alone(files, tools)
}
