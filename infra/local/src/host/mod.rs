//! The functions, assembled as the template says, over the embedded engine: the same handlers that run on Lambda.
//!
//! The host is also what tests drive: they give it another seam and, to crash handlers, a guard around every call.

mod answers;
mod aside;
mod aws_events;
mod backfill;
mod book;
pub(crate) mod doctor;
mod erase;
mod error;
mod forest;
pub(crate) mod given_up;
mod import;
mod keys;
mod link;
mod missing;
mod operate;
mod operator;
mod owners;
mod person;
mod precision;
mod questions;
mod redact;
mod redrive;
pub(crate) mod remote;
mod replay;
mod rescore;
mod say;
mod server;
mod tokens;
mod unmatched;

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Deref;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use actions::bus::Bus as BusClient;
use clock::Minute;
use config::secrets::SecretsFile;
use config::{Config, Connections};
use crm_task::CrmTasks;
use email_nudge::EmailNudge;
use fetch_object::FetchObject;
use health::Health;
use mail_event::MailEvents;
use model::{Family, Moment};
use normalize::Normalize;
use publish::Publish;
use runtime::Clock;
use runtime::aws::AwsSettings;
use runtime::lambda::{HttpAnswer, HttpEvent};
use runtime::seam::{Call, CallError, Seam, Target};
use serde_json::Value;
use slack_alert::SlackAlert;
use store::{Store, Tables};
use tokio::sync::oneshot;
use webhook::Webhook;

use crate::bus::{Bus, Refuses};
use crate::clock::HostClock;
use crate::config_files;
use crate::engine::Engine;
use crate::options::{Serving, UpOptions};
use crate::pump::{Handler, Pump};
use crate::secrets::Needs;
use crate::state::State;
use crate::template::{Function, Stack};

pub(crate) use backfill::listing;
pub use error::HostError;
use given_up::GivenUp;
use keys::{connection_secrets, destination_secrets, secrets};
pub use operator::{Means, Operator, SecretsAreIn};
pub use replay::Scratch;
use tokens::Tokens;

/// What a handler's call gives.
pub type Outcome = Pin<Box<dyn Future<Output = Result<Value, String>> + Send>>;

/// Something around every call of a handler, given the function's logical id; tests end calls in the middle with it.
pub type Guard = Arc<dyn Fn(&str, Outcome) -> Outcome + Send + Sync>;

/// Wraps the whole seam.
pub type Around = Arc<dyn Fn(Seam) -> Seam + Send + Sync>;

/// Reads the file of secrets, each time anew.
pub type ReadSecrets = Arc<dyn Fn() -> Result<SecretsFile, String> + Send + Sync>;

/// What a host is made of.
#[derive(Clone)]
pub struct Parts {
    /// The folder with the engine's file and the host's own; it exists.
    pub data: PathBuf,
    /// The stack, usually [`Stack::built_in`].
    pub stack: Arc<Stack>,
    /// The configuration.
    pub config: Arc<Config>,
    /// Where secrets come from.
    pub secrets: ReadSecrets,
    /// The clock stands at this moment; `None` leaves it as it was.
    pub clock: Option<Moment>,
    /// The way to vendors. Calls to DynamoDB and EventBridge stay in this process.
    pub vendors: Seam,
    /// Around the whole seam, the in-process part included; tests count and break calls with it.
    pub around: Option<Around>,
    /// Around every call of a handler.
    pub guard: Option<Guard>,
    /// Which queues take nothing from the rules of the bus; tests break those with it.
    pub refuses: Option<Refuses>,
}

/// The whole product in one process.
pub struct Host {
    operator: Arc<Operator>,
    state: State,
    engine: Engine,
    minute: Handler,
    tokens: Arc<Tokens>,
    hooks: BTreeMap<&'static str, Handler>,
    pump: Arc<Pump>,
}

/// What is asked of any stack is asked of a host too.
impl Deref for Host {
    type Target = Operator;

    fn deref(&self) -> &Operator {
        &self.operator
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Host")
    }
}

/// The engine's file in the data folder.
const TABLES: &str = "tables.db";
/// The host's own file there.
const HOST: &str = "host.db";

impl Host {
    /// Opens the data folder and wires the functions of the template.
    ///
    /// # Errors
    /// When the folder cannot be used, or the template asks for what this build does not have.
    pub async fn open(parts: Parts) -> Result<Self, HostError> {
        let stack = parts.stack.clone();
        let state = State::open(&parts.data.join(HOST))?;
        let clock = HostClock::open(state.clone(), parts.clock)?;
        let engine = Engine::open(&parts.data.join(TABLES), &stack)?;
        let bus = Bus::new(stack.clone(), state.clone(), clock.clone(), parts.refuses.clone());
        let inside = inside(engine.clone(), bus, parts.vendors.clone());
        let seam = parts.around.as_ref().map_or_else(|| inside.clone(), |around| around(inside.clone()));
        // The operator's own questions are not counted among the functions' calls.
        let store = Store::connect(&inside, &AwsSettings::local(), tables(&stack)?);
        let functions = Functions::new(&parts, &seam, &clock, &stack)?;
        let tokens = Arc::new(Tokens::new(parts.secrets.clone(), store.clone()));
        let minute = tokens.clone().before(functions.minute());
        let handler = |function: &Function| match function.crate_name.as_str() {
            "clock" => Ok(minute.clone()),
            _ => functions.handler(function),
        };
        let handlers = stack
            .functions
            .iter()
            .filter(|function| function.routes.is_empty())
            .map(|function| Ok((function.logical_id.clone(), handler(function)?)))
            .collect::<Result<BTreeMap<_, _>, HostError>>()?;
        let hook = |family: Family| Some((family.as_str(), functions.hook(family)?));
        let hooks = Family::WEBHOOKS.into_iter().filter_map(hook).collect();
        let pump = Pump::new(stack.clone(), engine.clone(), state.clone(), clock.clone(), handlers)?;
        let pump = Arc::new(pump);
        let means = Means {
            config: parts.config.clone(),
            stack,
            clock,
            store,
            secrets: parts.secrets.clone(),
            secrets_are_in: SecretsAreIn::File,
            seam,
            given_up: GivenUp::Here { state: state.clone(), pump: pump.clone() },
        };
        let operator = Arc::new(Operator::new(means));
        let host = Self { operator, state, engine, minute, tokens, hooks, pump };
        host.take_over().await?;
        Ok(host)
    }

    /// The lock on the data folder proves that nobody else is at work here: what the process before had in its hands
    /// when it ended is free again.
    async fn take_over(&self) -> Result<(), HostError> {
        self.state.show_hidden_messages(self.clock.now())?;
        self.store.release_claims(self.clock.now()).await?;
        self.tokens.look().await?;
        Ok(())
    }

    /// Takes a webhook as the gateway hands it over, and answers as the function does.
    ///
    /// # Errors
    /// When the function was ended in the middle; the sender sees no answer.
    pub async fn receive(&self, event: HttpEvent) -> Result<HttpAnswer, String> {
        let family = event.raw_path.split('/').nth(2).unwrap_or_default();
        // A family that does not exist is answered like a connection that does not: every deployment does that.
        let hook = self.hooks.get(family).or_else(|| self.hooks.values().next()).ok_or("no webhook function")?;
        let event = serde_json::to_value(event).map_err(|e| e.to_string())?;
        serde_json::from_value(hook(event).await?).map_err(|e| e.to_string())
    }

    /// Lets everything that is under way come to rest, due accounts included; what the clock must first reach stays.
    ///
    /// # Errors
    /// When the host's files cannot be read or written.
    pub async fn settle(&self) -> Result<crate::pump::Settled, HostError> {
        loop {
            self.pump.settle().await?;
            if self.wake().await? {
                continue;
            }
            // A run of the clock that failed may have put something on the bus before it did.
            let left = self.pump.in_flight()?;
            if left.is_quiet() {
                return Ok(left);
            }
        }
    }

    /// Runs `clock` when an account or a desk is due or an event was left over; false when it had nothing to do.
    async fn wake(&self) -> Result<bool, HostError> {
        let now = self.clock.now();
        self.tokens.look().await?;
        if self.store.earliest_due(now).await?.is_none() {
            return Ok(false);
        }
        let done = (self.minute)(Value::Null).await.unwrap_or_default();
        Ok(["ticked", "silent", "republished", "digests"].iter().any(|what| done[what].as_u64().is_some_and(|n| n > 0)))
    }

    /// Lets time pass until `until`, and stops at every moment at which something is due, as the minute's clock would
    /// have.
    ///
    /// # Errors
    /// When the host's files cannot be read or written.
    pub async fn pass_until(&self, until: Moment) -> Result<(), HostError> {
        while let Some(due) = self.store.earliest_due(until).await? {
            self.clock.reach(due)?;
            let before = self.store.earliest_due(until).await?;
            self.settle().await?;
            if self.store.earliest_due(until).await? == before {
                // It stays due although it was its turn: nothing would come of asking again.
                break;
            }
        }
        self.clock.reach(until)?;
        self.settle().await.map(|_| ())
    }

    /// The tables, item by item.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Queues, checkpoints and what was set aside.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What delivers.
    pub fn pump(&self) -> &Arc<Pump> {
        &self.pump
    }
}

/// Runs a host for the command line; see [`crate::options::Serve`].
pub fn serve(options: UpOptions, ready: oneshot::Sender<std::net::SocketAddr>, stop: oneshot::Receiver<()>) -> Serving {
    Box::pin(async move {
        let config = Arc::new(config_files::load(options.config.as_deref())?);
        crate::secrets::load_or_create(&options.secrets, &Needs::of(&config))?;
        let parts = Parts {
            data: options.data.clone(),
            stack: Arc::new(Stack::built_in().map_err(HostError::from)?),
            config,
            secrets: secrets_in(options.secrets.clone()),
            clock: options.clock,
            vendors: Seam::network().map_err(crate::failure::Failure::NoCertificates)?,
            around: None,
            guard: None,
            refuses: None,
        };
        let host = Arc::new(Host::open(parts).await?);
        server::run(host, options.listen, ready, stop).await
    })
}

/// Reads the file of secrets each time it is asked.
pub fn secrets_in(file: PathBuf) -> ReadSecrets {
    Arc::new(move || crate::secrets::load(&file).map_err(|error| error.to_string()))
}

/// DynamoDB and EventBridge in this process, everything else by `vendors`.
fn inside(engine: Engine, bus: Bus, vendors: Seam) -> Seam {
    Seam::new(move |call: Call| {
        let (engine, bus, vendors) = (engine.clone(), bus.clone(), vendors.clone());
        Box::pin(async move {
            match call.target {
                Target::DynamoDb => Ok(engine.call(&call.operation, call.request.body())),
                Target::EventBridge => Ok(bus.call(&call.operation, call.request.body())),
                Target::Ssm => Err(CallError::NotCalled("secrets are in a file here".into())),
                Target::Lambda | Target::Stack => Err(CallError::NotCalled("the stack is in this process".into())),
                Target::Slack | Target::HubSpot | Target::Ses | Target::Vendor => vendors.call(call).await,
            }
        })
    })
}

fn tables(stack: &Stack) -> Result<Tables, HostError> {
    let name = |wanted: &str| {
        let table = stack.table(wanted).ok_or_else(|| HostError::Template(format!("there is no table `{wanted}`")))?;
        Ok::<_, HostError>(table.logical_id.clone())
    };
    Ok(Tables { journal: name("Journal")?, accounts: name("Accounts")? })
}

/// The handlers, made once.
struct Functions {
    normalize: Arc<Normalize>,
    health: Arc<Health>,
    publish: Arc<Publish>,
    minute: Arc<Minute>,
    slack_alert: Arc<SlackAlert>,
    crm_tasks: Arc<CrmTasks>,
    email_nudge: Arc<EmailNudge>,
    mail_events: Arc<MailEvents>,
    fetch_object: Arc<FetchObject>,
    webhooks: BTreeMap<Family, Arc<Webhook>>,
    guard: Option<Guard>,
}

impl Functions {
    fn new(parts: &Parts, seam: &Seam, clock: &HostClock, stack: &Stack) -> Result<Self, HostError> {
        let store = Store::connect(seam, &AwsSettings::local(), tables(stack)?);
        let bus = BusClient::connect(seam, &AwsSettings::local(), stack.bus.clone());
        let config = &parts.config;
        let time = {
            let clock = clock.clone();
            Clock::new(move || clock.now())
        };
        let connections = Arc::new(Connections::from(&**config));
        let webhook = |family| {
            let secrets = secrets(&parts.secrets, connection_secrets);
            (family, Arc::new(Webhook::new(family, connections.clone(), store.clone(), secrets)))
        };
        let slack_secrets = secrets(&parts.secrets, |file| destination_secrets(file, "slack"));
        let hubspot_secrets = secrets(&parts.secrets, |file| destination_secrets(file, "hubspot"));
        let time_of_answers = {
            let clock = clock.clone();
            Clock::new(move || clock.after_receipts())
        };
        let slack_alert =
            SlackAlert::new(config.clone(), store.clone(), seam.clone(), slack_secrets, time_of_answers.clone())?;
        let time_of_tasks = time_of_answers.clone();
        let crm_tasks = CrmTasks::new(config.clone(), store.clone(), seam.clone(), hubspot_secrets, time_of_tasks);
        let mail_secrets = secrets(&parts.secrets, |file| destination_secrets(file, "email"));
        let time_of_mail = time_of_answers.clone();
        let email_nudge = EmailNudge::new(config.clone(), store.clone(), seam.clone(), mail_secrets, time_of_mail)?;
        let receipts = {
            let clock = clock.clone();
            // A receipt that cannot be remembered for the next start is still one for now.
            Clock::new(move || clock.receipt().unwrap_or_else(|_| clock.after_receipts()))
        };
        let mail_events = MailEvents::new(store.clone(), receipts.clone());
        let tokens = secrets(&parts.secrets, tokens::secrets);
        let fetch_object =
            FetchObject::new(connections.clone(), store.clone(), seam.clone(), tokens, time_of_answers, receipts);
        Ok(Self {
            normalize: Arc::new(Normalize::new(config.clone(), store.clone())),
            health: Arc::new(Health::new(config.clone(), store.clone())),
            publish: Arc::new(Publish::new(store.clone(), bus.clone())),
            minute: Arc::new(Minute::new(config.clone(), store.clone(), bus, time)),
            slack_alert: Arc::new(slack_alert),
            crm_tasks: Arc::new(crm_tasks),
            email_nudge: Arc::new(email_nudge),
            mail_events: Arc::new(mail_events),
            fetch_object: Arc::new(fetch_object),
            webhooks: Family::WEBHOOKS.into_iter().map(webhook).collect(),
            guard: parts.guard.clone(),
        })
    }

    /// The handler of a function of the template, by the crate it is built from.
    fn handler(&self, function: &Function) -> Result<Handler, HostError> {
        let name = function.logical_id.as_str();
        let (normalize, health) = (self.normalize.clone(), self.health.clone());
        let (publish, slack_alert, fetch) = (self.publish.clone(), self.slack_alert.clone(), self.fetch_object.clone());
        let (crm_tasks, email_nudge) = (self.crm_tasks.clone(), self.email_nudge.clone());
        Ok(match function.crate_name.as_str() {
            "normalize" => self.typed(name, normalize, |handler, event| async move { handler.handle(event).await }),
            "health" => self.typed(name, health, |handler, event| async move { handler.handle(event).await }),
            "publish" => self.typed(name, publish, |handler, event| async move { handler.handle(event).await }),
            "slack-alert" => self.typed(name, slack_alert, |handler, event| async move { handler.handle(event).await }),
            "crm-task" => self.typed(name, crm_tasks, |handler, event| async move { handler.handle(event).await }),
            "email-nudge" => self.typed(name, email_nudge, |handler, event| async move { handler.handle(event).await }),
            "mail-event" => {
                self.typed(name, self.mail_events.clone(), |handler, event| async move { handler.handle(event).await })
            }
            "fetch-object" => self.typed(name, fetch, |handler, event| async move { handler.handle(event).await }),
            "clock" => self.minute(),
            other => {
                return Err(HostError::Template(format!(
                    "function `{name}` is built from `{other}`, which this build lacks"
                )));
            }
        })
    }

    fn minute(&self) -> Handler {
        let handler = self.minute.clone();
        self.guarded("Clock", move |_| {
            let handler = handler.clone();
            Box::pin(async move { handler.handle().await.map_err(|error| runtime::logging::chain(&error)) })
        })
    }

    /// The handler of a family's webhooks.
    fn hook(&self, family: Family) -> Option<Handler> {
        let webhook = self.webhooks.get(&family)?.clone();
        Some(self.typed("Webhook", webhook, |handler, event| async move { handler.handle(event).await }))
    }

    /// A handler that takes and gives JSON, as Lambda does, around one that takes and gives types.
    fn typed<H, Event, Answer, Handling>(
        &self,
        name: &str,
        handler: Arc<H>,
        handle: fn(Arc<H>, Event) -> Handling,
    ) -> Handler
    where
        H: Send + Sync + 'static,
        Event: serde::de::DeserializeOwned + Send + 'static,
        Answer: serde::Serialize + 'static,
        Handling: Future<Output = Answer> + Send + 'static,
    {
        self.guarded(name, move |event| {
            let handler = handler.clone();
            Box::pin(async move {
                let event = serde_json::from_value(event)
                    .map_err(|error| format!("not the event this function takes: {error}"))?;
                serde_json::to_value(handle(handler, event).await).map_err(|error| error.to_string())
            })
        })
    }

    fn guarded(&self, name: &str, handler: impl Fn(Value) -> Outcome + Send + Sync + 'static) -> Handler {
        match self.guard.clone() {
            None => Arc::new(handler),
            Some(guard) => {
                let name = name.to_owned();
                Arc::new(move |event| guard(&name, handler(event)))
            }
        }
    }
}
