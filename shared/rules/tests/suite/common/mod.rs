//! One account under the configuration that ships, told day by day.

#![allow(dead_code, reason = "the bench uses a part of it")]

pub mod group;
pub mod small;
pub mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use config::{Condition, Config, Files};
use jiff::{SignedDuration, ToSpan as _};
use model::{
    ActionKind, ActionRequest, AlsoSaid, Band, ConnectionName, Currency, DeliveryId, Episode, EventBody, Fact, FactKey,
    Field, Heard, Moment, Money, Placed, Register, Said, Source, Stamp, Statement, SubjectId, Value,
};
use rules::{Decision, Input, Member, decide};

pub fn files() -> Files {
    let mut files = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/config"), "", &mut files);
    Files(files)
}

/// Read here rather than through `runtime`, so that a change of a rule is tested without compiling a cloud client.
fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{name}/"), files);
        } else if name.ends_with(".toml") || name.ends_with(".j2") {
            files.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

pub fn shipped() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| config::load(&files(), &connectors::tools()).unwrap())
}

/// Every condition of a configuration.
pub fn conditions(config: &Config) -> Vec<&Condition> {
    let mut all = vec![&config.watch.when, &config.watch.exclude];
    for profile in &config.model.profiles {
        all.extend(&profile.when);
        all.extend(profile.caps.iter().map(|cap| &cap.when));
        all.extend(profile.measures.iter().flat_map(|measure| &measure.cases).map(|case| &case.when));
    }
    all.extend(config.playbooks.iter().flat_map(|playbook| playbook.conditions().chain(&playbook.when)));
    all
}

/// The configuration that ships with other playbooks, by name.
pub fn playing(playbooks: &[(&str, &str)]) -> Config {
    let mut files = files();
    files.0.retain(|path, _| !path.starts_with("playbooks/") && path != "modes.toml");
    files.0.extend(playbooks.iter().map(|(name, text)| (format!("playbooks/{name}.toml"), (*text).to_owned())));
    config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The messages that a decision asks for.
pub fn requests(decision: &Decision) -> Vec<&ActionRequest> {
    asked_for(decision, ActionKind::SlackAlert)
}

/// What a decision asks for of one kind.
pub fn asked_for(decision: &Decision, kind: ActionKind) -> Vec<&ActionRequest> {
    let requests = decision.events.iter().filter_map(|event| match &event.body {
        EventBody::ActionRequested(request) if request.kind == kind => Some(request.as_ref()),
        _ => None,
    });
    requests.collect()
}

/// The steps that a decision asks for.
pub fn steps(decision: &Decision) -> Vec<&str> {
    requests(decision).into_iter().map(|request| request.step.as_str()).collect()
}

pub fn at(text: &str) -> Moment {
    text.parse().unwrap()
}

/// The configuration that ships without the countdown to renewals, for tests that move renewals for their points.
pub fn without_runway() -> Config {
    let mut config = shipped().clone();
    config.playbooks.retain(|playbook| playbook.name.as_str() != "renewal-runway");
    config
}

/// As [`without_runway`], with nothing but the first step of each playbook.
pub fn alert_only() -> Config {
    let mut config = without_runway();
    config.playbooks.iter_mut().for_each(|playbook| playbook.steps.truncate(1));
    config
}

/// The configuration that ships, with one of its files changed.
pub fn changed(file: &str, change: impl FnOnce(&str) -> String) -> Config {
    let mut files = files();
    let text = files.0.get_mut(file).unwrap();
    let next = change(text);
    assert_ne!(*text, next, "the change of {file} changes nothing");
    *text = next;
    config::load(&files, &connectors::tools()).unwrap()
}

pub fn days(n: i64) -> Moment {
    "2026-11-23T09:00:00Z".parse::<Moment>().unwrap().plus(SignedDuration::from_hours(24 * n))
}

pub fn company() -> SubjectId {
    SubjectId::vendor("hubspot", "company", "1")
}

pub fn deal(id: &str) -> SubjectId {
    SubjectId::vendor("hubspot", "deal", id)
}

pub fn subscription() -> FactKey {
    FactKey::Subscription("company".into())
}

/// The day so many days from day 0.
pub fn on(day: i64) -> Value {
    Value::Date(jiff::civil::date(2026, 11, 23).checked_add(day.days()).unwrap())
}

pub fn word(text: &str) -> Value {
    Value::Text(text.into())
}

pub fn usd(major: i64) -> Value {
    Value::Money(Money { minor: major * 100, currency: "USD".parse::<Currency>().unwrap() })
}

pub fn kinds(decision: &Decision) -> Vec<&'static str> {
    decision.events.iter().map(|event| event.body.kind()).collect()
}

pub const OPENED: [&str; 3] = ["account.band_changed", "account.risk_opened", "action.requested"];

/// One account and everything that was decided about it.
#[derive(Clone)]
pub struct Account {
    pub facts: Vec<Placed>,
    pub members: BTreeMap<SubjectId, Member>,
    pub linked: Option<Said>,
    pub heard: BTreeMap<ConnectionName, Heard>,
    pub last: Decision,
    pub episodes: Vec<Episode>,
    pub claimed_since: Option<Moment>,
    deliveries: u32,
}

impl Account {
    /// A customer of whom nothing else is known.
    pub fn new() -> Self {
        let mut account = Self {
            facts: vec![],
            members: BTreeMap::new(),
            linked: None,
            heard: BTreeMap::new(),
            last: Decision::default(),
            episodes: vec![],
            claimed_since: None,
            deliveries: 0,
        };
        account.state(0, Field::Name, FactKey::Profile, word("Acme"));
        account.state(0, Field::LifecycleStage, FactKey::Profile, word("customer"));
        account
    }

    /// What the CSM says, how long nobody spoke, and in how many days the term ends: as told once, on day 0.
    pub fn with(sentiment: &str, silent_days: i64, renews_in_days: i64) -> Self {
        let mut account = Self::new();
        account.feels(0, sentiment);
        account.spoke(0, -silent_days);
        account.state(0, Field::RenewsOn, subscription(), on(renews_in_days));
        account
    }

    /// In good health on day 0.
    pub fn healthy() -> Self {
        Self::with("green", 0, 300)
    }

    /// HubSpot says something about the company.
    pub fn state(&mut self, day: i64, field: Field, key: FactKey, value: Value) {
        self.tell(("hubspot", &company(), 0), day, key, field, value);
    }

    /// A connection says something about a member so many steps below the account.
    pub fn tell(
        &mut self,
        (connection, subject, steps): (&str, &SubjectId, u32),
        day: i64,
        key: FactKey,
        field: Field,
        value: Value,
    ) {
        self.tell_at((connection, subject, steps), days(day), key, field, value);
    }

    /// As [`Self::tell`], at any moment.
    pub fn tell_at(
        &mut self,
        (connection, subject, steps): (&str, &SubjectId, u32),
        at: Moment,
        key: FactKey,
        field: Field,
        value: Value,
    ) {
        let connection: ConnectionName = connection.parse().unwrap();
        let is_it = |placed: &Placed| placed.fact.key == key && placed.fact.subject == *subject;
        let held = self.facts.iter().position(is_it).unwrap_or_else(|| {
            let opens_account = key == FactKey::Profile && connection.as_str().starts_with("hubspot");
            let fact = Fact { opens_account, ..Fact::empty(subject.clone(), key.clone()) };
            self.facts.push(Placed { steps, gone: false, fact });
            self.facts.len() - 1
        });
        self.deliveries += 1;
        let delivery = DeliveryId::new(&connection, &format!("{:04}", self.deliveries));
        let raw = value.to_string();
        let statement = Statement { field, value, occurred_at: at, sequence: None, path: "$".into(), raw };
        let source = Source { connection: &connection, delivery: &delivery, received_at: at, index: 0 };
        self.facts[held].fact.apply(source, &[statement]);
    }

    /// A deal of the CRM, with what is told of it.
    pub fn deal(&mut self, day: i64, id: &str, told: &[(Field, Value)]) {
        for (field, value) in told {
            self.tell(("hubspot", &deal(id), 1), day, FactKey::Deal, *field, value.clone());
        }
        let home = company();
        self.members.insert(deal(id), Member { home, linked: None });
    }

    pub fn delete(&mut self, subject: &SubjectId) {
        self.facts.iter_mut().filter(|placed| placed.fact.subject == *subject).for_each(|placed| placed.gone = true);
    }

    pub fn feels(&mut self, day: i64, sentiment: &str) {
        self.state(day, Field::Sentiment, FactKey::Sentiment, word(sentiment));
    }

    /// On `day` it is told that both sides spoke on `at`.
    pub fn spoke(&mut self, day: i64, at: i64) {
        self.state(day, Field::LastTwoWayAt, FactKey::Touchpoint, Value::Moment(days(at)));
    }

    /// A subject is linked to the account on `day`; it may have become true earlier.
    pub fn link(&mut self, day: i64, occurred: i64, subject: &SubjectId) {
        let said = said(day, occurred, subject);
        self.members.insert(subject.clone(), Member { home: subject.clone(), linked: Some(said.stamp.clone()) });
        self.linked = Some(said);
    }

    /// Nothing is said; the clock asks.
    pub fn tick(&mut self, at: Moment) {
        self.facts.retain(|placed| placed.fact.key != FactKey::Tick);
        let mut fact = Fact::empty(company(), FactKey::Tick);
        let stamp = Stamp { occurred_at: at, sequence: None, delivery: DeliveryId::from_stored("clock:due"), index: 0 };
        let (path, raw) = (String::from("$"), String::new());
        let register = Register { value: Value::Moment(at), stamp, received_at: at, path, raw, clamped: false };
        fact.registers.entry(ConnectionName::from_stored("clock")).or_default().insert(Field::At, register);
        self.facts.push(Placed { steps: 0, gone: false, fact });
    }

    pub fn decide_with(&mut self, config: &Config) -> &Decision {
        let subject = company();
        let previous = self.last.assessment.clone();
        let input = Input {
            account: &subject,
            facts: &self.facts,
            members: &self.members,
            linked: self.linked.as_ref(),
            children: &[],
            heard: &self.heard,
            previous: previous.as_ref(),
            episodes: &self.episodes,
            claimed_since: self.claimed_since,
        };
        self.last = decide(input, config);
        for changed in &self.last.episodes {
            self.episodes.retain(|held| held.key != changed.key);
            self.episodes.push(changed.clone());
        }
        &self.last
    }

    pub fn decide(&mut self) -> &Decision {
        self.decide_with(shipped())
    }

    /// Somebody answered a survey on `day`, and it was told on `told`.
    pub fn answers(&mut self, (day, told): (i64, i64), id: &str, nps: i64, person: &str) {
        let response = SubjectId::vendor("typeform", "response", id);
        let said = [
            (Field::Nps, Value::Int(nps)),
            (Field::RespondedAt, Value::Moment(days(day))),
            (Field::Person, word(&format!("email:{person}"))),
        ];
        for (field, value) in said {
            self.tell(("typeform", &response, 1), told, FactKey::Response, field, value);
        }
    }

    /// Looks at every moment at which something is due, up to `until`; the steps that are asked for on the way, with when.
    pub fn run(&mut self, config: &Config, until: Moment) -> Vec<(Moment, String)> {
        let mut asked = vec![];
        while let Some(due) = self.due().filter(|due| *due <= until) {
            self.tick(due);
            self.decide_with(config);
            asked.extend(steps(&self.last).into_iter().map(|step| (due, step.to_owned())));
        }
        asked
    }

    pub fn band(&self) -> Band {
        self.last.assessment.as_ref().unwrap().band
    }

    pub fn due(&self) -> Option<Moment> {
        self.last.assessment.as_ref().unwrap().next_due_at
    }

    /// What others say of a measure's value.
    pub fn also_said(&self, measure: &str) -> Vec<AlsoSaid> {
        let contributions = &self.last.assessment.as_ref().unwrap().contributions;
        contributions.iter().find(|c| c.measure == measure).unwrap().also_said.clone()
    }

    /// Red from day `day` on.
    pub fn turns_red(&mut self, day: i64) -> &Decision {
        self.feels(day, "red");
        self.spoke(day, day - 100);
        self.decide()
    }

    pub fn turns_green(&mut self, day: i64) -> &Decision {
        self.turns_green_with(day, shipped())
    }

    pub fn turns_green_with(&mut self, day: i64, config: &Config) -> &Decision {
        self.feels(day, "green");
        self.spoke(day, day);
        self.decide_with(config)
    }
}

/// A statement about where `subject` belongs.
pub fn said(day: i64, occurred: i64, subject: &SubjectId) -> Said {
    let delivery = DeliveryId::from_stored(format!("hubspot:link~{subject}~{day}"));
    let stamp = Stamp { occurred_at: days(occurred), sequence: None, delivery, index: 0 };
    Said { stamp, received_at: days(day), digest: String::new(), clamped: false }
}
