#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod bodies;
mod history;
mod people;
mod silence;
mod surveys;
mod tickets;
mod usage;

use std::collections::BTreeMap;
use std::path::Path;

use config::{Config, Connection, Files, Scalar};
use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan as _};
use model::{
    ConnectionName, DayOfMonth, DeliveryId, Fact, FactKey, Family, Field, Heard, Moment, Placed, Source, Statement,
    SubjectId, UsageKey, Value, View,
};

use super::{Known, Reading};
use crate::when::When;

/// The configuration that ships, and a source of usage and one of bills beside it.
fn config() -> Config {
    let mut files = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/config"), "", &mut files);
    let mut config = config::load(&Files(files), &connectors::tools()).unwrap();
    let like = config.connection(&"zendesk".parse().unwrap()).unwrap().clone();
    for (name, family) in [("product", Family::Usage), ("bills", Family::Billing)] {
        config.connections.push(Connection { name: name.parse().unwrap(), family, ..like.clone() });
    }
    config
}

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

/// So many days after Monday, 2026-11-23, 09:00 UTC.
fn days(n: i64) -> Moment {
    hours(24 * n)
}

fn hours(n: i64) -> Moment {
    "2026-11-23T09:00:00Z".parse::<Moment>().unwrap().plus(SignedDuration::from_hours(n))
}

/// The day so many days after day 0.
fn date(n: i64) -> Date {
    jiff::civil::date(2026, 11, 23).checked_add(n.days()).unwrap()
}

fn word(text: &str) -> Value {
    Value::Text(text.into())
}

fn company() -> SubjectId {
    SubjectId::vendor("hubspot", "company", "1")
}

/// What is known of one account.
struct Scene {
    config: Config,
    heard: BTreeMap<ConnectionName, Heard>,
    facts: Vec<Placed>,
    deliveries: u32,
}

impl Scene {
    fn new() -> Self {
        Self { config: config(), heard: BTreeMap::new(), facts: vec![], deliveries: 0 }
    }

    /// A source that is not heard for more than so many days is silent.
    fn expect(&mut self, connection: &str, every: u16) {
        let known = self.config.connections.iter_mut().find(|known| known.name.as_str() == connection);
        known.unwrap().expected_every = Some(every);
    }

    fn hear(&mut self, connection: &str, days: impl IntoIterator<Item = i64>) {
        let heard = self.heard.entry(connection.parse().unwrap()).or_default();
        for day in days {
            heard.add(date(day));
        }
    }

    fn fact(&mut self, subject: &SubjectId, key: &FactKey) -> &mut Placed {
        let at = self.facts.iter().position(|p| p.fact.subject == *subject && p.fact.key == *key);
        let at = at.unwrap_or_else(|| {
            let fact = Fact::empty(subject.clone(), key.clone());
            self.facts.push(Placed { steps: 1, gone: false, fact });
            self.facts.len() - 1
        });
        &mut self.facts[at]
    }

    /// A connection states fields of an item at a moment, and is received then.
    fn tell(
        &mut self,
        connection: &str,
        subject: &SubjectId,
        key: &FactKey,
        at: Moment,
        told: impl IntoIterator<Item = (Field, Value)>,
    ) {
        let connection: ConnectionName = connection.parse().unwrap();
        self.deliveries += 1;
        let delivery = DeliveryId::new(&connection, &format!("{:05}", self.deliveries));
        let statement = |(field, value): (Field, Value)| Statement {
            field,
            raw: value.to_string(),
            value,
            occurred_at: at,
            sequence: None,
            path: "$".into(),
        };
        let statements: Vec<_> = told.into_iter().map(statement).collect();
        let source = Source { connection: &connection, delivery: &delivery, received_at: at, index: 0 };
        self.fact(subject, key).fact.apply(source, &statements);
    }

    fn state(&mut self, key: FactKey, at: Moment, told: impl IntoIterator<Item = (Field, Value)>) {
        self.tell("hubspot", &company(), &key, at, told);
    }

    /// A ticket that was opened at a moment, with what else is told.
    fn ticket(&mut self, id: &str, opened_at: Moment, told: &[(Field, Value)]) {
        let opened = [(Field::OpenedAt, Value::Moment(opened_at)), (Field::Status, word("open"))];
        let subject = SubjectId::vendor("zendesk", "ticket", id);
        self.tell("zendesk", &subject, &FactKey::Ticket, opened_at, opened);
        let later = opened_at.plus(SignedDuration::from_secs(i64::from(self.deliveries)));
        self.tell("zendesk", &subject, &FactKey::Ticket, later, told.to_vec());
    }

    /// An answer to a survey on a day, by a person where one is named.
    fn answer(&mut self, id: &str, day: i64, person: Option<&str>, told: &[(Field, Value)]) {
        let subject = SubjectId::vendor("typeform", "response", id);
        let mut all = vec![(Field::RespondedAt, Value::Moment(days(day)))];
        all.extend(person.map(|person| (Field::Person, word(person))));
        all.extend(told.iter().cloned());
        self.tell("typeform", &subject, &FactKey::Response, days(day), all);
    }

    /// A report of a metric of one day, on the morning after.
    fn use_of(&mut self, group: &str, metric: &str, day: i64, value: i64) {
        let on = date(day);
        let key = FactKey::Usage(UsageKey::new("app", group, metric, on).unwrap());
        let field = Field::Day(DayOfMonth::of(on));
        self.tell("product", &company(), &key, days(day + 1), [(field, Value::Int(value))]);
    }

    /// The same number of active users on each of some days.
    fn users(&mut self, days: impl IntoIterator<Item = i64>, users: i64) {
        for day in days {
            self.use_of("all", UsageKey::ACTIVE_USERS, day, users);
        }
    }

    fn with<T>(&self, read: impl FnOnce(&Known<'_>) -> T) -> T {
        let view = View::new(&self.facts, &self.config);
        read(&Known::new(view, &self.heard, &self.config))
    }

    fn read(&self, name: &str, at: Moment) -> Reading {
        let when = When::at(at, &self.config.model.zone);
        self.with(|known| known.read(config::scalar(name).unwrap(), when))
    }

    /// The statement behind a scalar: its field and the vendor's bytes.
    fn evidence(&self, name: &str, at: Moment) -> Option<(String, String)> {
        let when = When::at(at, &self.config.model.zone);
        self.with(|known| {
            let evidence = known.told(config::scalar(name).unwrap(), when)?.evidence();
            Some((evidence.field, evidence.raw))
        })
    }

    #[track_caller]
    fn check_at(&self, name: &str, at: Moment, expected: impl Into<Expected>) {
        assert_eq!(self.read(name, at).value, expected.into().0, "{name} at {at}");
    }

    /// A scalar on the morning of day 0.
    #[track_caller]
    fn check(&self, name: &str, expected: impl Into<Expected>) {
        self.check_at(name, days(0), expected);
    }
}

/// Nothing known, or a value.
struct Expected(Option<Scalar>);

/// Nothing is known.
struct Unknown;

impl From<Unknown> for Expected {
    fn from(_: Unknown) -> Self {
        Self(None)
    }
}

impl From<i64> for Expected {
    fn from(number: i64) -> Self {
        Self(Some(Scalar::Int(number)))
    }
}

impl From<bool> for Expected {
    fn from(flag: bool) -> Self {
        Self(Some(Scalar::Flag(flag)))
    }
}

impl From<&str> for Expected {
    fn from(text: &str) -> Self {
        Self(Some(Scalar::Text(text.into())))
    }
}
