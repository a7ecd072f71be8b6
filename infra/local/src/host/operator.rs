//! Who asks about a stack, and says something to it: all that needs the tables and the configuration and nothing else of
//! where the stack runs. A host has one over its engine; `--aws` makes one over the tables of a deployed stack.

use std::sync::Arc;

use config::Config;
use health::Health;
use normalize::Normalize;
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
    /// Where a person finds those, in words.
    pub(super) secrets_are_in: &'static str,
    /// For what an operator states, which takes effect before its delivery comes through the stream.
    pub(super) normalize: Normalize,
    /// For what an operator asks without changing anything.
    pub(super) health: Health,
    pub(super) given_up: GivenUp,
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Operator")
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
    /// Where a person finds those, in words.
    pub secrets_are_in: &'static str,
    /// What was given up, and the functions that it is given again.
    pub given_up: GivenUp,
}

impl std::fmt::Debug for Means {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Means")
    }
}

impl Operator {
    /// An operator with these means.
    pub fn new(means: Means) -> Self {
        let Means { config, stack, clock, store, secrets, secrets_are_in, given_up } = means;
        let normalize = Normalize::new(config.clone(), store.clone());
        let health = Health::new(config.clone(), store.clone());
        Self { config, stack, clock, store, secrets, secrets_are_in, normalize, health, given_up }
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
