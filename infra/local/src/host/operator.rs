//! Who asks about a stack, and says something to it: all that needs the tables and the configuration and nothing else of
//! where the stack runs. A host has one over its engine; `--aws` makes one over the tables of a deployed stack.

use std::fmt;
use std::sync::Arc;

use config::Config;
use health::Health;
use model::ConnectionName;
use normalize::Normalize;
use runtime::seam::Seam;
use store::Store;

use super::ReadSecrets;
use super::given_up::GivenUp;
use crate::clock::HostClock;
use crate::template::Stack;

/// An operator of one stack.
pub struct Operator {
    pub(super) config: Arc<Config>,
    pub(super) stack: Arc<Stack>,
    pub(super) clock: HostClock,
    pub(super) store: Store,
    pub(super) secrets: ReadSecrets,
    pub(super) secrets_are_in: SecretsAreIn,
    /// The way to vendors' APIs, for what an operator has read.
    pub(super) seam: Seam,
    /// For what an operator states, which takes effect before its delivery comes through the stream.
    pub(super) normalize: Normalize,
    /// For what an operator asks without changing anything.
    pub(super) health: Health,
    pub(super) given_up: GivenUp,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operator")
    }
}

/// Where a person finds the secrets of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretsAreIn {
    /// In the file of secrets.
    File,
    /// In parameters of SSM, whose paths begin with the stack's `Name`.
    Parameters {
        /// That name.
        name: String,
    },
}

impl fmt::Display for SecretsAreIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "the file of secrets",
            Self::Parameters { .. } => "the stack's parameters",
        })
    }
}

impl SecretsAreIn {
    /// Where the token is with which a connection's API is read.
    pub(super) fn token_of(&self, connection: &ConnectionName) -> String {
        match self {
            Self::File => format!("`token` under [connections.{connection}] in the file of secrets"),
            Self::Parameters { name } => format!("the parameter /{name}/fetch/{connection}/token"),
        }
    }
}

/// What an operator is made of.
pub struct Means {
    /// The configuration that the stack runs with.
    pub config: Arc<Config>,
    /// What the stack is made of.
    pub stack: Arc<Stack>,
    /// What the time is.
    pub clock: HostClock,
    /// The stack's tables.
    pub store: Store,
    /// What its functions call others with.
    pub secrets: ReadSecrets,
    /// Where a person finds those.
    pub secrets_are_in: SecretsAreIn,
    /// The way to vendors' APIs.
    pub seam: Seam,
    /// What was given up, and the functions that it is given again.
    pub given_up: GivenUp,
}

impl fmt::Debug for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Means")
    }
}

impl Operator {
    /// An operator with these means.
    pub fn new(means: Means) -> Self {
        let Means { config, stack, clock, store, secrets, secrets_are_in, seam, given_up } = means;
        let normalize = Normalize::new(config.clone(), store.clone());
        let health = Health::new(config.clone(), store.clone());
        Self { config, stack, clock, store, secrets, secrets_are_in, seam, normalize, health, given_up }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The tables, read as functions read them.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The clock.
    pub fn clock(&self) -> &HostClock {
        &self.clock
    }

    /// The stack.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }
}
