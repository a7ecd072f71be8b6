//! Where a stack runs, as far as what a person is told depends on it.

use std::collections::BTreeMap;

use config::Connection;
use model::Family;

use crate::api::route;

/// Where a stack runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a host on this machine, with a file of secrets.
    Here,
    /// In AWS, with parameters.
    Aws(Deployment),
}

/// A stack in AWS, as commands and addresses name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deployment {
    /// What it is called.
    pub stack: String,
    /// What the paths of its parameters begin with.
    pub name: String,
    /// Where it is.
    pub region: String,
    /// Where it takes webhooks, by family: scheme and host.
    pub hooks: BTreeMap<Family, String>,
}

/// Something secret that a person is to give.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'a> {
    /// What a tool signs with.
    Secret(&'a Connection),
    /// What a tool's API is read with.
    Token(&'a Connection),
    /// The token of a destination.
    Destination(&'static str),
}

/// How a self-test can get stuck.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stuck {
    /// It was refused as not ours.
    Refused,
    /// Nothing can be taken.
    NotTaken,
    /// It was answered something else.
    Odd,
    /// Nobody answered.
    Unanswered,
    /// It was taken, and is not in the journal.
    Lost,
    /// It is in the journal, and nobody read it.
    Unread,
}

impl Place {
    /// What runs the functions, in a word.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Here => "host",
            Self::Aws(_) => "stack",
        }
    }

    /// Where a tool sends its webhooks; `None` where nobody says it.
    pub fn hook(&self, connection: &Connection) -> Option<String> {
        let of_the_stack = match self {
            Self::Here => None,
            Self::Aws(stack) => stack.hooks.get(&connection.family).map(String::as_str),
        };
        let base = connection.public_url.as_deref().or(of_the_stack)?.trim_end_matches('/');
        Some(format!("{base}{}", route::hook(connection.family, &connection.name)))
    }

    /// How something that is missing is given.
    pub(super) fn give(&self, what: Given<'_>) -> String {
        match (self, what) {
            (Self::Here, Given::Secret(Connection { name, .. })) => {
                format!("add [connections.{name}] with secret = \"…\" to the file of secrets, and restart")
            }
            (Self::Here, Given::Token(Connection { name, .. })) => {
                format!("put `token = \"…\"` under [connections.{name}] in the file of secrets")
            }
            (Self::Here, Given::Destination(name)) => {
                format!("put it under [destinations.{name}] in the file of secrets")
            }
            (Self::Aws(stack), what) => stack.put(what),
        }
    }

    /// How something that cannot be right is given again.
    pub(super) fn again(&self, what: Given<'_>) -> String {
        match (self, what) {
            (Self::Here, Given::Secret(Connection { name, .. })) => {
                format!("paste it again under [connections.{name}]")
            }
            (Self::Here, Given::Token(Connection { name, .. })) => {
                format!("mend `token` under [connections.{name}] in the file of secrets")
            }
            (Self::Here, Given::Destination(name)) => format!("paste it again under [destinations.{name}]"),
            (Self::Aws(stack), what) => format!("paste it again: {}", stack.put(what)),
        }
    }

    /// What mends a self-test that got stuck.
    pub(super) fn unstick(&self, stuck: Stuck, connection: &Connection) -> String {
        match self {
            Self::Here => here(stuck).to_owned(),
            Self::Aws(stack) => stack.unstick(stuck, connection),
        }
    }

    /// How long is waited until what was sent is read.
    pub(super) fn patience(&self) -> &'static str {
        match self {
            Self::Here => "ten seconds",
            // A log shows what a function says some seconds after it said it.
            Self::Aws(_) => "half a minute",
        }
    }

    /// Where a tunnel or proxy has to lead.
    pub(super) fn address(&self, family: Family) -> String {
        match self {
            Self::Here => "the address of this host, which `barometer up` shows".to_owned(),
            Self::Aws(Deployment { hooks, stack, .. }) => {
                hooks.get(&family).cloned().unwrap_or_else(|| format!("the stack `{stack}`"))
            }
        }
    }

    /// What is done where nobody says at which address a tool reaches us.
    pub(super) fn no_address(&self, connection: &Connection) -> (&'static str, String) {
        let name = &connection.name;
        match self {
            Self::Here => (
                "nobody says at which address the tool reaches us: there is no public_url",
                format!(
                    "add public_url = \"https://…\" (what your tunnel or proxy is called) under [connection.{name}] in \
                     connections.toml"
                ),
            ),
            Self::Aws(Deployment { stack, region, .. }) => (
                "the stack has no address for it among its outputs",
                format!(
                    "`aws cloudformation describe-stacks --region {region} --stack-name {stack}` shows them; deploy the \
                     template of now"
                ),
            ),
        }
    }
}

fn here(stuck: Stuck) -> &'static str {
    match stuck {
        Stuck::Refused => "restart `barometer up` with the file of secrets and the connections.toml of now",
        Stuck::NotTaken => "mend the secret above, and see what `barometer up` logs",
        Stuck::Odd => "see what `barometer up` logs about it",
        Stuck::Unanswered => "restart `barometer up`",
        Stuck::Lost => "see what `barometer up` logs; another host may answer at this address",
        Stuck::Unread => "`barometer settle` says what is in flight, and `barometer up` logs what fails",
    }
}

impl Deployment {
    fn put(&self, what: Given<'_>) -> String {
        let Self { name, region, .. } = self;
        let below = match what {
            Given::Secret(connection) => format!("{}/{}/secret", connection.family, connection.name),
            Given::Token(connection) => format!("fetch/{}/token", connection.name),
            Given::Destination(destination) => format!("destinations/{destination}/token"),
        };
        let put = format!("aws ssm put-parameter --region {region} --type SecureString --overwrite");
        format!("{put} --name /{name}/{below} --value …")
    }

    /// Shows what a function says of late.
    fn log(&self, function: &str) -> String {
        let Self { stack, region, .. } = self;
        format!("aws logs tail /aws/lambda/{stack}/{function} --region {region} --since 10m")
    }

    fn unstick(&self, stuck: Stuck, connection: &Connection) -> String {
        let log = self.log(&format!("webhook-{}", connection.family));
        match stuck {
            Stuck::Refused => format!(
                "a secret that was just changed counts within a minute; else deploy with the connections.toml of now, and \
                 see that this machine's clock is right. {log}"
            ),
            Stuck::NotTaken => format!("mend the secret above; {log}"),
            Stuck::Odd => log,
            Stuck::Unanswered => {
                "see whether this machine reaches it, and whether the stack was deployed to its end".to_owned()
            }
            Stuck::Lost => format!("another stack may answer at this address; {log}"),
            Stuck::Unread => self.log("normalize"),
        }
    }
}
