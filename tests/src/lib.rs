//! The whole product in one process, for tests: webhooks in, tables and vendor calls out, time as the test says.

#![allow(clippy::expect_used, reason = "what a test cannot set up should end it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use barometer::bus::Refuses;
use barometer::host::{Host, Parts, ReadSecrets};
use barometer::pump::Settled;
use barometer::template::Stack;
use config::Config;
use config::secrets::{ConnectionSecrets, DestinationSecrets, SecretsFile};
use jiff::SignedDuration;
use model::Moment;
use runtime::lambda::{HttpAnswer, HttpDetail, HttpEvent, RequestContext};
use runtime::seam::{Call, CallError, Seam, Target};
use serde_json::{Value, json};
use testkit::faults::Faults;

pub mod click;
pub mod documents;
pub mod dump;
pub mod gate;
pub mod history;
pub mod hubspot;
pub mod kill;
pub mod numbers;
pub mod permissions;
pub mod ses;
pub mod shape;
pub mod slack;
mod vendor;

pub use slack::Slack;
pub use vendor::{Asked, Vendor};

/// The secret that test webhooks are signed with.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The host name that test webhooks are sent to.
pub const HOST: &str = "hooks.barometer.example";

/// The connections, people and templates that ship, with the model and the one playbook of `tests/config`: what a
/// delivery does to an account there can be worked out in the head.
pub fn config() -> Arc<Config> {
    static CONFIG: OnceLock<Arc<Config>> = OnceLock::new();
    CONFIG.get_or_init(|| Arc::new(config::load(&config_files(), &connectors::tools()).expect("it is right"))).clone()
}

/// The files of [`config()`], to be changed before they are read.
pub fn config_files() -> config::Files {
    let mut files = barometer::config_files::read(None).expect("the built-in files can be read");
    files.0.retain(|path, _| !path.starts_with("health/") && !path.starts_with("playbooks/"));
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    files.0.extend(barometer::config_files::read(Some(&own)).expect("the files of the tests can be read").0);
    files
}

/// Goes live although nobody known looks after the book.
pub fn whoever_it_is() -> barometer::api::GoliveRequest {
    barometer::api::GoliveRequest { accept_unowned: true, ..Default::default() }
}

/// The stack that ships.
pub fn stack() -> Arc<Stack> {
    static STACK: OnceLock<Arc<Stack>> = OnceLock::new();
    STACK.get_or_init(|| Arc::new(Stack::built_in().expect("the built-in template is right"))).clone()
}

/// A point in time.
pub fn at(text: &str) -> Moment {
    text.parse().expect("a moment")
}

/// Destinations that take calls and never answer: each times out, and nothing is done.
#[derive(Clone, Default)]
pub struct Hanging(Arc<Mutex<Vec<Target>>>);

impl Hanging {
    /// From now on these do not answer, and all others do.
    pub fn only(&self, targets: Vec<Target>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = targets;
    }

    fn is(&self, target: &Target) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(target)
    }
}

/// Functions that are off: their calls do nothing.
#[derive(Clone, Default)]
pub struct Off(Arc<Mutex<BTreeMap<String, How>>>);

/// What a function that is off does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is never given it: its stream has forgotten the records before anybody read them.
    Forgotten,
    /// It fails on it, each time.
    Broken,
}

impl Off {
    /// From now on this function is off, by its name in the template.
    pub fn turn_off(&self, function: &str, how: How) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(function.to_owned(), how);
    }

    /// From now on all functions are on.
    pub fn turn_on(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn is(&self, function: &str) -> Option<How> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(function).copied()
    }
}

/// Everything a test starts a world with.
pub struct Setup {
    /// The configuration.
    pub config: Arc<Config>,
    /// There is what Slack, HubSpot and SES are called with.
    pub token: bool,
    /// Read instead of [`SECRET`] and the tokens, each time secrets are asked for.
    pub secrets: Option<ReadSecrets>,
    /// What vendors' APIs answer.
    pub vendor: Vendor,
    /// Where tasks are made.
    pub hubspot: hubspot::HubSpot,
    /// Where mail goes.
    pub ses: ses::Ses,
    /// Where messages go.
    pub slack: Slack,
    /// Who does not answer.
    pub hanging: Hanging,
    /// Which functions are off.
    pub off: Off,
    /// Which queues take nothing from the rules of the bus.
    pub refuses: Option<Refuses>,
    /// When it starts; the clock stands there.
    pub start: Moment,
    /// What breaks, and the record of every call.
    pub faults: Faults,
}

impl Setup {
    /// The shipped configuration, a Slack token, nothing broken, a Monday morning.
    pub fn new() -> Self {
        Self {
            config: config(),
            token: true,
            secrets: None,
            vendor: Vendor::default(),
            hubspot: hubspot::HubSpot::default(),
            ses: ses::Ses::default(),
            slack: Slack::default(),
            hanging: Hanging::default(),
            off: Off::default(),
            refuses: None,
            start: at("2026-11-23T08:00:00Z"),
            faults: Faults::default(),
        }
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

/// One running product.
pub struct World {
    /// The host.
    pub host: Host,
    /// What Slack got.
    pub slack: Slack,
    /// What vendors' APIs answer, and were asked.
    pub vendor: Vendor,
    /// The tasks that were made.
    pub hubspot: hubspot::HubSpot,
    /// The mails that were accepted.
    pub ses: ses::Ses,
    /// What breaks, and the record of every call.
    pub faults: Faults,
    _folder: tempfile::TempDir,
}

impl World {
    /// A fresh folder.
    pub async fn new(setup: Setup) -> Self {
        let folder = folder();
        let slack = setup.slack.clone();
        let host = open(folder.path(), &setup, &slack).await;
        let Setup { vendor, hubspot, ses, faults, .. } = setup;
        Self { host, slack, vendor, hubspot, ses, faults, _folder: folder }
    }

    /// Ends, and starts again on the same folder with another setup.
    pub async fn again(self, setup: Setup) -> Self {
        let Self { host, slack, _folder: folder, .. } = self;
        drop(host);
        let host = open(folder.path(), &setup, &slack).await;
        let Setup { vendor, hubspot, ses, faults, .. } = setup;
        Self { host, slack, vendor, hubspot, ses, faults, _folder: folder }
    }

    /// Sends a signed body of the connection `hubspot`, received at `at`.
    pub async fn post(&self, body: &Value, at: Moment) -> Result<HttpAnswer, String> {
        self.host.receive(signed(body.to_string().into_bytes(), at)).await
    }

    /// As [`Self::post`], again until it is answered with 200, as a vendor does, then lets everything come to rest.
    pub async fn deliver(&self, body: &Value, at: Moment) {
        self.until(at);
        for _ in 0..8 {
            if self.post(body, at).await.is_ok_and(|answer| answer.status_code == 200) {
                return self.rest().await;
            }
        }
        panic!("not accepted after eight tries");
    }

    /// As [`Self::deliver`], from any connection that ships.
    pub async fn deliver_from(&self, connection: &str, body: &Value, at: Moment) {
        self.until(at);
        for _ in 0..8 {
            let event = signed_for(connection, body.to_string().into_bytes(), at);
            if self.host.receive(event).await.is_ok_and(|answer| answer.status_code == 200) {
                return self.rest().await;
            }
        }
        panic!("not accepted after eight tries");
    }

    /// Moves the clock on to `at`; never back.
    pub fn until(&self, at: Moment) {
        if at > self.host.clock().now() {
            self.host.clock().set(at).expect("the clock moves on");
        }
    }

    /// Lets everything come to rest; what waits to be tried again is tried when its time comes, and a minute's clock
    /// that failed runs again a minute later.
    pub async fn rest(&self) {
        for _ in 0..20 {
            let left = self.host.settle().await.expect("the host settles");
            let now = self.host.clock().now();
            let missed = self.host.store().earliest_due(now).await.expect("the tables answer");
            match (left.next_visible_at, missed) {
                (Some(next), _) => self.until(next),
                (None, Some(_)) => self.until(now.plus(SignedDuration::from_mins(1))),
                (None, None) => return,
            }
        }
        panic!("something is tried again and again: {:?}", self.left().await);
    }

    /// Lets time pass until `at`, minute by minute where something is due: what was due by then has happened.
    pub async fn pass_until(&self, at: Moment) {
        while let Some(due) = self.host.store().earliest_due(at).await.expect("the tables answer") {
            let stood = self.host.clock().now();
            self.until(due);
            self.rest().await;
            let next = self.host.store().earliest_due(at).await.expect("the tables answer");
            if next == Some(due) && self.host.clock().now() == stood {
                break; // nothing comes of it
            }
        }
        self.until(at);
        self.rest().await;
    }

    /// What is left when nothing moves.
    pub async fn left(&self) -> Settled {
        self.host.settle().await.expect("the host settles")
    }
}

/// A folder in memory where the system has one: tests write much and need nothing of it to last.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a temporary folder")
}

async fn open(folder: &Path, setup: &Setup, slack: &Slack) -> Host {
    let token = setup.token;
    let (around, guard, off) = (setup.faults.clone(), setup.faults.clone(), setup.off.clone());
    let parts = Parts {
        data: folder.to_owned(),
        stack: stack(),
        config: setup.config.clone(),
        secrets: setup.secrets.clone().unwrap_or_else(|| Arc::new(move || Ok(secrets(token)))),
        clock: Some(setup.start),
        vendors: vendors(slack, setup),
        around: Some(Arc::new(move |seam| around.around(permissions::around(seam)))),
        guard: Some(Arc::new(move |function, outcome| match off.is(function) {
            None => guard.guarded(function, outcome),
            Some(How::Forgotten) => Box::pin(async { Ok(json!({ "batchItemFailures": [] })) }),
            Some(How::Broken) => Box::pin(async { Err("it is broken".to_owned()) }),
        })),
        refuses: setup.refuses.clone(),
    };
    Host::open(parts).await.expect("the host opens")
}

fn vendors(slack: &Slack, setup: &Setup) -> Seam {
    let vendors = (slack.clone(), setup.vendor.clone(), setup.hubspot.clone(), setup.ses.clone());
    let hanging = setup.hanging.clone();
    Seam::new(move |call: Call| {
        let (slack, vendor, hubspot, ses) = vendors.clone();
        let hangs = hanging.is(&call.target);
        Box::pin(async move {
            if hangs {
                return Err(CallError::Timeout("10 s".to_owned()));
            }
            match call.target {
                Target::Vendor => vendor.answer(&call),
                Target::HubSpot => hubspot.answer(&call),
                Target::Ses => ses.answer(&call),
                _ => slack.answer(&call),
            }
        })
    })
}

/// [`SECRET`] for every connection that ships, and what Slack, HubSpot and SES are called with, if there is something.
pub fn secrets(token: bool) -> SecretsFile {
    let connection = ConnectionSecrets { secret: SECRET.to_owned(), previous: None, token: None };
    let with = |text: &str| DestinationSecrets { token: token.then(|| text.to_owned()), ..Default::default() };
    let (slack, hubspot) = (with(slack::TOKEN), with(hubspot::TOKEN));
    let email = DestinationSecrets { aws: token.then(ses::key), ..Default::default() };
    SecretsFile {
        connections: config().connections.iter().map(|known| (known.name.clone(), connection.clone())).collect(),
        destinations: BTreeMap::from([
            ("slack".to_owned(), slack),
            ("hubspot".to_owned(), hubspot),
            ("email".to_owned(), email),
        ]),
    }
}

/// A webhook of the connection `hubspot` as the gateway hands it over, signed.
pub fn signed(body: Vec<u8>, at: Moment) -> HttpEvent {
    let path = "/hooks/crm/hubspot";
    let url = format!("https://{HOST}{path}");
    let headers = barometer::samples::signed(&body, &url, SECRET);
    HttpEvent {
        raw_path: path.to_owned(),
        raw_query_string: String::new(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        request_context: RequestContext {
            domain_name: HOST.to_owned(),
            time_epoch: at.as_millis(),
            http: HttpDetail { method: "POST".to_owned() },
        },
        body: Some(String::from_utf8(body).expect("test bodies are text")),
        is_base64_encoded: false,
    }
}

/// A webhook of any connection that ships as the gateway hands it over, signed as its tool signs.
pub fn signed_for(connection: &str, body: Vec<u8>, at: Moment) -> HttpEvent {
    let known = config();
    let known = known.connections.iter().find(|known| known.name.as_str() == connection).expect("a connection");
    let path = format!("/hooks/{}/{connection}", known.family);
    let headers = barometer::samples::signed_by(&known.tool, &body, &format!("https://{HOST}{path}"), SECRET, at);
    HttpEvent {
        raw_path: path,
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..signed(body, at)
    }
}

/// A company as HubSpot's workflow sends it: each property with the moment it was set.
#[derive(Clone)]
pub struct Company {
    id: u64,
    properties: BTreeMap<String, (String, Moment)>,
}

impl Company {
    /// A customer in good health at `at`: green, heard from yesterday, renewing in 200 days, 48 000 a year.
    pub fn healthy(id: u64, at: Moment) -> Self {
        let mut company = Self { id, properties: BTreeMap::new() };
        company
            .set("name", &format!("Company {id}"), at)
            .set("domain", &format!("company-{id}.example"), at)
            .set("lifecyclestage", "customer", at)
            .set("customer_success_manager", "ines.almeida@ourco.example", at)
            .set("annual_recurring_revenue", "48000", at)
            .set("csm_sentiment", "green", at);
        company.contacted(at.plus(SignedDuration::from_hours(-24)), at);
        company.renews(at.plus(SignedDuration::from_hours(24 * 200)), at);
        company
    }

    /// Sets a property at `at`.
    pub fn set(&mut self, name: &str, value: &str, at: Moment) -> &mut Self {
        self.properties.insert(name.to_owned(), (value.to_owned(), at));
        self
    }

    /// The CSM's word at `at`.
    pub fn feels(&mut self, word: &str, at: Moment) -> &mut Self {
        self.set("csm_sentiment", word, at)
    }

    /// The last contact was at `when`.
    pub fn contacted(&mut self, when: Moment, at: Moment) -> &mut Self {
        self.set("notes_last_contacted", &when.as_millis().to_string(), at)
    }

    /// The term ends on the day of `when`.
    pub fn renews(&mut self, when: Moment, at: Moment) -> &mut Self {
        self.set("renewal_date", &when.to_string()[..10], at)
    }

    /// The body of the webhook.
    pub fn body(&self) -> Value {
        let property = |(value, at): &(String, Moment)| json!({ "value": value, "timestamp": at.as_millis(), "source": "CRM_UI", "versions": [] });
        let properties: serde_json::Map<_, _> =
            self.properties.iter().map(|(name, p)| (name.clone(), property(p))).collect();
        json!({
            "portalId": 4_242, "objectType": "COMPANY", "objectTypeId": "0-2", "objectId": self.id,
            "properties": properties, "version": 7, "isDeleted": false,
        })
    }

    /// Its account id.
    pub fn account(&self) -> model::SubjectId {
        model::SubjectId::vendor("hubspot", "company", &self.id.to_string())
    }
}
