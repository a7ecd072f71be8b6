//! Companies that name each other as parents, and the rows by which each tells the one it names, with every look counted.

use std::collections::{BTreeMap, BTreeSet};

use config::Config;
use jiff::SignedDuration;
use model::{
    Assessment, Child, ConnectionName, DeliveryId, Episode, Fact, FactKey, Field, Moment, Placed, RollUp, RollUpMode,
    Source, Statement, SubjectId, ToldParent, Value,
};
use rules::{Decision, Input, decide};

use super::small::{measure, model};
use super::{days, subscription, word};

#[derive(Default)]
struct Held {
    facts: BTreeMap<FactKey, Fact>,
    previous: Option<Assessment>,
    episodes: Vec<Episode>,
}

pub struct Group {
    pub config: Config,
    held: BTreeMap<SubjectId, Held>,
    /// By parent and child.
    pub rows: BTreeMap<(SubjectId, SubjectId), Child>,
    todo: BTreeSet<SubjectId>,
    /// How often each was looked at.
    pub looks: BTreeMap<SubjectId, usize>,
    pub last: BTreeMap<SubjectId, Decision>,
    deliveries: u32,
}

pub fn company(id: u32) -> SubjectId {
    SubjectId::vendor("hubspot", "company", &id.to_string())
}

impl Group {
    /// A company's score is its days of notice, so that it can be told.
    pub fn new(mode: RollUpMode) -> Self {
        let linear = "points.linear = [[0, 0], [100, 100]]";
        let dimensions = ["sentiment", "relationship", "commercial"];
        let measures: Vec<_> = dimensions.map(|name| measure(name, name, "notice_days", linear)).into();
        let mut config = model(&measures.concat());
        config.model.roll_up = Some(mode);
        config.playbooks.retain(|playbook| playbook.name.as_str() == "risk-mitigation");
        Self {
            config,
            held: BTreeMap::new(),
            rows: BTreeMap::new(),
            todo: BTreeSet::new(),
            looks: BTreeMap::new(),
            last: BTreeMap::new(),
            deliveries: 0,
        }
    }

    /// A customer on day 0.
    pub fn customer(&mut self, id: u32, score: i64, parent: Option<u32>) {
        self.say(id, 0, FactKey::Profile, Field::Name, word(&format!("Company {id}")));
        self.say(id, 0, FactKey::Profile, Field::LifecycleStage, word("customer"));
        self.say(id, 0, FactKey::Sentiment, Field::Sentiment, word("green"));
        self.scores(id, 0, score);
        if let Some(parent) = parent {
            self.names(id, 0, Some(parent));
        }
    }

    pub fn scores(&mut self, id: u32, day: i64, score: i64) {
        self.say(id, day, subscription(), Field::NoticeDays, Value::Int(score));
    }

    pub fn names(&mut self, id: u32, day: i64, parent: Option<u32>) {
        let value = parent.map_or(Value::Cleared, |parent| word(&parent.to_string()));
        self.say(id, day, FactKey::Profile, Field::Parent, value);
    }

    /// Its CRM says something about a company.
    pub fn say(&mut self, id: u32, day: i64, key: FactKey, field: Field, value: Value) {
        self.say_of(id, (day, day), key, field, value);
    }

    /// As [`Self::say`], on one day of another.
    pub fn say_of(&mut self, id: u32, (day, of): (i64, i64), key: FactKey, field: Field, value: Value) {
        self.deliveries += 1;
        let second = SignedDuration::from_secs(self.deliveries.into());
        let (at, occurred_at): (Moment, Moment) = (days(day).plus(second), days(of).plus(second));
        let connection: ConnectionName = "hubspot".parse().unwrap();
        let delivery = DeliveryId::new(&connection, &format!("{:04}", self.deliveries));
        let raw = value.to_string();
        let path = format!("properties.{}.value", field.as_str());
        let statement = Statement { field, value, occurred_at, sequence: None, path, raw };
        let held = self.held.entry(company(id)).or_default();
        let fact = held.facts.entry(key.clone()).or_insert_with(|| Fact::empty(company(id), key));
        fact.opens_account = true;
        let source = Source { connection: &connection, delivery: &delivery, received_at: at, index: 0 };
        fact.apply(source, &[statement]);
        self.todo.insert(company(id));
    }

    /// Looks at all that have news until none has; `pick` says who of so many is next.
    pub fn settle_by(&mut self, mut pick: impl FnMut(usize) -> usize) {
        for _ in 0..10_000 {
            let next = pick(self.todo.len().max(1));
            let Some(account) = self.todo.iter().nth(next).or(self.todo.first()).cloned() else { return };
            self.todo.remove(&account);
            self.look(&account);
        }
        panic!("they tell each other without end");
    }

    pub fn settle(&mut self) {
        self.settle_by(|_| 0);
    }

    pub fn look(&mut self, account: &SubjectId) {
        let Some(held) = self.held.get_mut(account) else { return };
        *self.looks.entry(account.clone()).or_default() += 1;
        let facts: Vec<_> =
            held.facts.values().map(|fact| Placed { steps: 0, gone: false, fact: fact.clone() }).collect();
        let mine = self.rows.iter().filter(|((parent, _), _)| parent == account);
        let children: Vec<_> =
            mine.map(|((parent, _), child)| ToldParent { parent: parent.clone(), child: child.clone() }).collect();
        let input = Input {
            account,
            facts: &facts,
            members: &BTreeMap::new(),
            linked: None,
            children: &children,
            heard: &BTreeMap::new(),
            previous: held.previous.as_ref(),
            episodes: &held.episodes,
            claimed_since: None,
        };
        let decision = decide(input, &self.config);
        for changed in &decision.episodes {
            held.episodes.retain(|episode| episode.key != changed.key);
            held.episodes.push(changed.clone());
        }
        held.previous.clone_from(&decision.assessment);
        for ToldParent { parent, child } in &decision.told {
            self.rows.insert((parent.clone(), account.clone()), child.clone());
            self.todo.insert(parent.clone());
        }
        self.last.insert(account.clone(), decision);
    }

    pub fn now(&self, id: u32) -> &Assessment {
        self.held[&company(id)].previous.as_ref().unwrap()
    }

    /// The score as it is shown.
    pub fn score(&self, id: u32) -> u16 {
        self.now(id).score.unwrap().shown()
    }

    pub fn rolled(&self, id: u32) -> &RollUp {
        self.now(id).rolled_up.as_ref().unwrap()
    }

    pub fn looks_at(&self, id: u32) -> usize {
        self.looks.get(&company(id)).copied().unwrap_or_default()
    }

    /// Runs of playbooks that are open at a company.
    pub fn open(&self, id: u32) -> usize {
        self.held[&company(id)].episodes.iter().filter(|episode| episode.is_open()).count()
    }

    /// All that is told and scored, whenever that was.
    pub fn settled(&self) -> String {
        let rows = self.rows.iter().map(|(key, child)| format!("{key:?}: {:?}", child.standing));
        let scores = self.held.iter().map(|(id, held)| {
            let now = held.previous.as_ref();
            format!("{id}: {:?} {:?}", now.map(|now| now.score), now.map(|now| &now.rolled_up))
        });
        rows.chain(scores).collect::<Vec<_>>().join("\n")
    }
}
