//! A handler over tables in memory, deliveries made by hand, and what they leave, comparable between runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use model::{
    ClaimKind, ConnectionName, Delivery, DeliveryId, FactKey, Family, Field, Link, LinkSays, Moment, Normalized,
    Signal, SignalKind, Statement, SubjectId, Value,
};
use runtime::aws::AwsSettings;
use runtime::seam::Seam;
use serde_json::json;
use store::{Store, Tables};
use testkit::engine;
use testkit::faults::Faults;

use crate::{Normalize, Read};

/// A handler and the tables behind it.
pub(super) struct Scene {
    pub store: Store,
    pub normalize: Normalize,
}

impl Scene {
    /// Nothing in the tables, nothing broken.
    pub fn new() -> Self {
        Self::over(&engine::tables())
    }

    /// Every call counted, and broken as planned.
    pub fn broken(faults: &Faults, tables: &Seam) -> Self {
        Self::over(&faults.around(tables.clone()))
    }

    pub fn over(seam: &Seam) -> Self {
        let tables = Tables { journal: engine::JOURNAL.into(), accounts: engine::ACCOUNTS.into() };
        let store = Store::connect(seam, &AwsSettings::local(), tables);
        Self { normalize: Normalize::new(config(), store.clone()), store }
    }

    /// Handles deliveries as one batch; all of them must come through.
    pub async fn batch<'a>(&self, heard: impl IntoIterator<Item = &'a Heard>) {
        assert_eq!(self.attempt(heard).await, BTreeSet::new());
    }

    /// As [`Self::batch`]; gives the numbers of those that failed.
    pub async fn attempt<'a>(&self, heard: impl IntoIterator<Item = &'a Heard>) -> BTreeSet<String> {
        let batch: Vec<Read> = heard.into_iter().map(Heard::read).collect();
        let mut failed = BTreeSet::new();
        self.normalize.write(&batch, &mut failed).await;
        failed
    }

    /// What is stored, bookkeeping left out: claims that say nothing any more, targets seen, revisions.
    pub async fn held(&self) -> BTreeMap<String, serde_json::Value> {
        let mut held = BTreeMap::new();
        for (subject, node) in self.store.all_nodes().await.unwrap() {
            let mut up = node.up;
            up.claims.retain(|_, claim| claim.target.is_some());
            up.seen.clear();
            if up != model::Up::default() {
                held.insert(format!("links of {subject}"), json!(up));
            }
        }
        for keeper in [contact(1), contact(2)] {
            for (list, connection, stored) in self.store.lists(&keeper).await.unwrap() {
                held.insert(format!("list {list} of {keeper} by {connection}"), json!(stored.value));
            }
        }
        for known in self.store.known().await.unwrap() {
            held.insert(format!("facts of {}", known.subject), json!(known.facts));
        }
        held
    }

    /// The targets that live claims of `subject` name.
    pub async fn targets(&self, subject: &SubjectId) -> Vec<SubjectId> {
        self.store.node(subject).await.unwrap().value.up.targets().cloned().collect()
    }

    /// Every target that any node has seen, or claims, has the hint that leads back.
    pub async fn check_hints(&self) {
        for (subject, node) in self.store.all_nodes().await.unwrap() {
            assert!(
                node.up.targets().all(|target| node.up.seen.contains(target)),
                "{subject} claims what it never saw"
            );
            for target in &node.up.seen {
                let partition = self.store.partition(target).await.unwrap();
                assert!(partition[target].members.contains(&subject), "no hint from {target} to {subject}");
            }
        }
    }
}

/// One CRM, with as little of it mapped as the shipped rules can do with.
const CONNECTIONS: &str = r#"
[connection.hubspot]
tool = "hubspot-workflow"
currency = "USD"
[connection.hubspot.map.company]
name = "name"
sentiment = "csm_sentiment"
lifecycle_stage = "lifecyclestage"
[watch]
when = "lifecycle_stage == 'customer'"
"#;

pub(super) fn config() -> Arc<config::Config> {
    static CONFIG: LazyLock<Arc<config::Config>> = LazyLock::new(load);
    CONFIG.clone()
}

fn load() -> Arc<config::Config> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/config");
    let mut files = runtime::env::read_files(std::path::Path::new(folder)).unwrap();
    files.insert("connections.toml".into(), CONNECTIONS.into());
    Arc::new(config::load(&config::Files(files), &connectors::tools()).unwrap())
}

pub(super) fn moment(seconds: i64) -> Moment {
    Moment::from_millis(1_790_000_000_000 + seconds * 1_000).unwrap()
}

pub(super) fn hubspot() -> ConnectionName {
    "hubspot".parse().unwrap()
}

pub(super) fn company(id: u32) -> SubjectId {
    SubjectId::vendor("hubspot", "company", &id.to_string())
}

pub(super) fn contact(id: u32) -> SubjectId {
    SubjectId::vendor("hubspot", "contact", &id.to_string())
}

pub(super) fn email(address: &str) -> SubjectId {
    SubjectId::email(address).unwrap()
}

/// One statement.
#[derive(Debug, Clone)]
pub(super) enum Say {
    /// The subject belongs there, by its field `company`.
    Own(SubjectId, Option<SubjectId>),
    /// The list `email` of the subject, whole.
    List(SubjectId, Vec<SubjectId>),
    Gone(SubjectId, bool),
    Erased(SubjectId),
    /// A field of the fact that is kept with a contact's claims.
    Role(SubjectId, &'static str),
    /// A field of a fact that is a row of its own.
    Named(SubjectId, &'static str),
}

/// A delivery as it was understood: number `n`, received in that order, with statements of the times given.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub n: u32,
    pub said: Vec<(i64, Say)>,
}

impl Heard {
    pub fn new(n: u32, said: impl IntoIterator<Item = (i64, Say)>) -> Self {
        Self { n, said: said.into_iter().collect() }
    }

    pub fn read(&self) -> Read {
        let mut normalized = Normalized::default();
        for (at, say) in &self.said {
            let occurred_at = moment(*at);
            let mut link = |subject: &SubjectId, says| {
                let subject = subject.clone();
                normalized.links.push(Link { subject, says, occurred_at, sequence: None, path: "$".into() });
            };
            match say {
                Say::Own(subject, target) => {
                    link(
                        subject,
                        LinkSays::Own { field: "company".into(), kind: ClaimKind::Crm, target: target.clone() },
                    );
                }
                Say::List(subject, ids) => {
                    let listed = ids.iter().cloned().collect();
                    link(subject, LinkSays::List { list: "email".into(), kind: ClaimKind::ExternalId, listed });
                }
                Say::Gone(subject, gone) => link(subject, LinkSays::Gone { gone: *gone }),
                Say::Erased(subject) => link(subject, LinkSays::Erased),
                Say::Role(subject, text) => {
                    normalized.signals.push(signal(subject, FactKey::Contact, Field::Role, text, occurred_at));
                }
                Say::Named(subject, text) => {
                    normalized.signals.push(signal(subject, FactKey::Profile, Field::Name, text, occurred_at));
                }
            }
        }
        let delivery = Delivery {
            id: DeliveryId::new(&hubspot(), &format!("{:03}", self.n)),
            connection: hubspot(),
            family: Family::Crm,
            received_at: moment(10_000 + i64::from(self.n)),
            body_sha256: String::new(),
            headers: BTreeMap::new(),
            body: vec![],
            same_key_as: None,
        };
        Read { sequence_number: self.n.to_string(), delivery, normalized }
    }
}

fn signal(subject: &SubjectId, key: FactKey, field: Field, text: &str, occurred_at: Moment) -> Signal {
    let value = Value::Text(text.into());
    let statement = Statement { field, value, occurred_at, sequence: None, path: "$".into(), raw: text.into() };
    Signal { kind: SignalKind::ContactChanged, subject: subject.clone(), key, statements: vec![statement] }
}
