//! A few subjects, their claims and facts, and the rows that health keeps, with the steps of a recompute apart so that
//! they can be interleaved.

use std::collections::{BTreeMap, BTreeSet};

use config::Config;
use jiff::SignedDuration;
use model::{
    Assessment, Band, ClaimKind, ConnectionName, DeliveryId, Episode, EpisodeKey, Event, EventBody, Fact, FactKey,
    Field, Link, LinkSays, Moment, Placed, Root, Said, Source, Statement, SubjectId, Up, Value,
};
use rules::{Decision, Input, Member, decide, leave};

use crate::common::{days, word};

/// What a variant does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Episodes are kept at the account instead of at the subject of their cause.
    KeptAtRoot,
    /// An episode's row is written whatever its revision.
    NoRevision,
}

pub fn a() -> SubjectId {
    SubjectId::vendor("hubspot", "company", "1")
}

pub fn b() -> SubjectId {
    SubjectId::vendor("hubspot", "company", "2")
}

pub fn org() -> SubjectId {
    SubjectId::vendor("zendesk", "org", "5")
}

type Rows = Vec<(Episode, u64)>;

/// What a worker has read before it commits.
#[derive(Clone)]
pub struct Look {
    account: SubjectId,
    version: u64,
    previous: Option<Assessment>,
    decision: Decision,
    read: Rows,
}

pub struct World {
    config: Config,
    broken: Option<Broken>,
    ups: BTreeMap<SubjectId, Up>,
    facts: BTreeMap<SubjectId, BTreeMap<FactKey, Fact>>,
    assessed: BTreeMap<SubjectId, (u64, Option<Assessment>)>,
    rows: BTreeMap<EpisodeKey, (Episode, u64)>,
    /// Accounts that were red at first sight: nobody was called, and nobody is until they turn red again.
    excused: BTreeSet<SubjectId>,
    deliveries: u32,
    /// Everything that was committed, in order.
    pub events: Vec<Event>,
}

impl World {
    pub fn new(config: Config, broken: Option<Broken>) -> Self {
        Self {
            config,
            broken,
            ups: [a(), b(), org()].map(|subject| (subject, Up::default())).into(),
            facts: BTreeMap::new(),
            assessed: BTreeMap::new(),
            rows: BTreeMap::new(),
            excused: BTreeSet::new(),
            deliveries: 0,
            events: vec![],
        }
    }

    fn delivered(&mut self, subject: &SubjectId) -> (ConnectionName, DeliveryId) {
        self.deliveries += 1;
        let tool = subject.parts().unwrap().0;
        let connection: ConnectionName = tool.parse().unwrap();
        let delivery = DeliveryId::new(&connection, &format!("{:05}", self.deliveries));
        (connection, delivery)
    }

    pub fn say(&mut self, day: i64, subject: &SubjectId, key: FactKey, field: Field, value: Value) {
        self.say_at(days(day), subject, key, field, value);
    }

    fn say_at(&mut self, at: Moment, subject: &SubjectId, key: FactKey, field: Field, value: Value) {
        let (connection, delivery) = self.delivered(subject);
        let fact = self.facts.entry(subject.clone()).or_default().entry(key.clone()).or_insert_with(|| Fact {
            opens_account: key == FactKey::Profile && subject.as_str().starts_with("hubspot"),
            ..Fact::empty(subject.clone(), key)
        });
        let raw = value.to_string();
        let statement = Statement { field, value, occurred_at: at, sequence: None, path: "$".into(), raw };
        let source = Source { connection: &connection, delivery: &delivery, received_at: at, index: 0 };
        fact.apply(source, &[statement]);
    }

    /// Says where a subject belongs: received on one day, true since another.
    pub fn link(&mut self, day: i64, occurred: i64, subject: &SubjectId, kind: ClaimKind, target: Option<&SubjectId>) {
        self.link_at(days(day), days(occurred), subject, &format!("{kind:?}"), kind, target);
    }

    /// The loser belongs to the survivor from now on, or stands for itself again.
    pub fn merge(&mut self, day: i64, occurred: i64, loser: &SubjectId, survivor: Option<&SubjectId>) {
        self.link_at(days(day), days(occurred), loser, "merge", ClaimKind::Crm, survivor);
    }

    fn link_at(
        &mut self,
        at: Moment,
        occurred_at: Moment,
        subject: &SubjectId,
        field: &str,
        kind: ClaimKind,
        target: Option<&SubjectId>,
    ) {
        let (connection, delivery) = self.delivered(subject);
        let source = Source { connection: &connection, delivery: &delivery, received_at: at, index: 0 };
        let says = LinkSays::Own { field: field.into(), kind, target: target.cloned() };
        let link = Link { subject: subject.clone(), says, occurred_at, sequence: None, path: "$".into() };
        let up = self.ups.get_mut(subject).unwrap();
        up.apply(source, &link);
        up.seen.extend(target.cloned());
    }

    /// Facts, members and episodes of an account, and the link received last.
    pub fn view(&self, account: &SubjectId) -> (Vec<Placed>, BTreeMap<SubjectId, Member>, Rows, Option<Said>) {
        let all: BTreeSet<_> = self.ups.keys().cloned().collect();
        let steps = model::members(account, &all, &self.ups).unwrap();
        let (mut facts, mut members, mut rows) = (vec![], BTreeMap::new(), vec![]);
        for (subject, steps) in &steps {
            let up = &self.ups[subject];
            let of_it = self.facts.get(subject).into_iter().flat_map(BTreeMap::values).cloned();
            facts.extend(of_it.map(|fact| Placed { steps: *steps, gone: up.is_gone(), fact }));
            let linked = up.live().map(|(_, claim, _)| claim.said.stamp.clone()).max();
            members.insert(subject.clone(), Member { home: subject.clone(), linked });
            rows.extend(self.rows.values().filter(|(episode, _)| episode.key.home == *subject).cloned());
        }
        if self.broken == Some(Broken::KeptAtRoot) {
            rows.retain(|(episode, _)| episode.key.home == *account);
        }
        let named = |subject: &&SubjectId, up: &&Up| {
            steps.contains_key(*subject) || up.seen.iter().any(|to| steps.contains_key(to))
        };
        let said = self.ups.iter().filter(|(s, up)| named(s, up)).flat_map(|(_, up)| up.claims.values());
        let linked = said.map(|claim| claim.said.clone()).max_by_key(|said| (said.received_at, said.stamp.clone()));
        (facts, members, rows, linked)
    }

    pub fn look(&self, account: &SubjectId) -> Look {
        let (version, previous) = self.assessed.get(account).cloned().unwrap_or_default();
        let (facts, members, read, linked) = self.view(account);
        let walk = model::walk(account, &self.ups).unwrap();
        let mut decision = if walk.root == Root::At(account.clone()) {
            let episodes: Vec<_> = read.iter().map(|(episode, _)| episode.clone()).collect();
            let (linked, previous) = (linked.as_ref(), previous.as_ref());
            let (facts, members, heard, episodes) = (&facts, &members, &BTreeMap::new(), &episodes);
            let input = Input {
                account,
                facts,
                members,
                linked,
                children: &[],
                heard,
                previous,
                episodes,
                claimed_since: None,
            };
            decide(input, &self.config)
        } else {
            let said = self.ups[account].claims.values().map(|claim| claim.said.clone());
            let linked = said.max_by_key(|said| (said.received_at, said.stamp.clone()));
            leave(account, previous.as_ref(), linked.as_ref(), &self.config)
        };
        if self.broken == Some(Broken::KeptAtRoot) {
            decision.episodes.iter_mut().for_each(|episode| episode.key.home = account.clone());
        }
        Look { account: account.clone(), version, previous, decision, read }
    }

    /// Writes all of it or nothing; false when something was written since the look.
    pub fn commit(&mut self, look: &Look) -> bool {
        let held = self.assessed.get(&look.account).map_or(0, |(version, _)| *version);
        if held != look.version {
            return false;
        }
        for episode in &look.decision.episodes {
            let read = look.read.iter().find(|(read, _)| read.key == episode.key).map_or(0, |(_, rev)| *rev);
            let is_as_read = self.rows.get(&episode.key).map_or(0, |(_, rev)| *rev) == read;
            if !is_as_read && self.broken != Some(Broken::NoRevision) {
                return false;
            }
        }
        for episode in &look.decision.episodes {
            let rev = self.rows.get(&episode.key).map_or(0, |(_, rev)| *rev);
            self.rows.insert(episode.key.clone(), (episode.clone(), rev + 1));
        }
        self.events.extend(look.decision.events.iter().cloned());
        let next = look.decision.assessment.clone();
        match &next {
            Some(now) if now.band == Band::Red && look.previous.is_none() => {
                self.excused.insert(look.account.clone());
            }
            Some(now) if now.band == Band::Red => {}
            _ => {
                self.excused.remove(&look.account);
            }
        }
        self.assessed.insert(look.account.clone(), (held + 1, next));
        true
    }

    /// Every subject is recomputed, those that are no roots first, until nothing more comes of it.
    pub fn settle(&mut self) {
        for _ in 0..2 {
            let is_root = |subject: &SubjectId| self.walk(subject).root == Root::At(subject.clone());
            let mut all: Vec<_> = self.ups.keys().cloned().collect();
            all.sort_by_key(is_root);
            for subject in all {
                let look = self.look(&subject);
                assert!(self.commit(&look));
            }
        }
    }

    fn walk(&self, subject: &SubjectId) -> model::Walk {
        model::walk(subject, &self.ups).unwrap()
    }

    pub fn assessment(&self, account: &SubjectId) -> Option<Assessment> {
        self.assessed.get(account).and_then(|(_, assessment)| assessment.clone())
    }

    pub fn band(&self, account: &SubjectId) -> Option<Band> {
        self.assessment(account).map(|assessment| assessment.band)
    }

    pub fn episode(&self, key: &EpisodeKey) -> Episode {
        self.rows[key].0.clone()
    }

    /// The episodes of an account with so many copies of its first one, each of another cause.
    pub fn input_with(&self, account: &SubjectId, copies: u32) -> (usize, Vec<Episode>) {
        let first = self.view(account).2[0].0.clone();
        let copy = |n| {
            let mut episode = first.clone();
            episode.key.cause.index = n;
            episode
        };
        let all: Vec<_> = (0..copies).map(copy).collect();
        (all.len(), all)
    }

    pub fn decide(&self, account: &SubjectId, episodes: &[Episode]) -> Decision {
        let (facts, members, _, linked) = self.view(account);
        let previous = self.assessment(account);
        let (linked, previous) = (linked.as_ref(), previous.as_ref());
        let (facts, members, heard) = (&facts, &members, &BTreeMap::new());
        decide(
            Input { account, facts, members, linked, children: &[], heard, previous, episodes, claimed_since: None },
            &self.config,
        )
    }
}

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()].clone()
    }
}

/// Statements and links while two workers look and commit as they please; then what must hold once all is quiet.
pub fn random(seed: u64) -> Result<(), String> {
    let mut config = crate::common::shipped().clone();
    for playbook in &mut config.playbooks {
        // Then red is exactly what is worked on.
        playbook.cooldown = SignedDuration::ZERO;
        playbook.recover_after = SignedDuration::ZERO;
    }
    let mut world = World::new(config, None);
    for company in [a(), b()] {
        world.say(0, &company, FactKey::Profile, Field::LifecycleStage, word("customer"));
        world.say(0, &company, FactKey::Sentiment, Field::Sentiment, word("green"));
    }
    world.settle();
    let mut dice = Dice(seed);
    let mut workers: [Option<Look>; 2] = [None, None];
    for step in 1..40_i64 {
        let at = days(0).plus(SignedDuration::from_mins(step));
        let who = dice.one_of(&[a(), b(), org()]);
        match dice.below(8) {
            0 => {
                let sentiment = dice.one_of(&["green", "red"]);
                world.say_at(at, &who, FactKey::Sentiment, Field::Sentiment, word(sentiment));
            }
            1 => {
                let since = Value::Moment(dice.one_of(&[days(0), days(-100)]));
                world.say_at(at, &who, FactKey::Touchpoint, Field::LastTwoWayAt, since);
            }
            2 => {
                let target = dice.one_of(&[None, Some(a()), Some(b())]);
                // Some are told late.
                let occurred = dice.one_of(&[at, days(-1)]);
                let kind = dice.one_of(&[ClaimKind::ExternalId, ClaimKind::Crm]);
                world.link_at(at, occurred, &org(), &format!("{kind:?}"), kind, target.as_ref());
            }
            3 => {
                let survivor = dice.one_of(&[None, Some(a())]);
                world.link_at(at, at, &b(), "merge", ClaimKind::Crm, survivor.as_ref());
            }
            _ => {
                let worker = &mut workers[usize::from(dice.below(2) == 1)];
                match worker.take() {
                    None => *worker = Some(world.look(&who)),
                    Some(look) => drop(world.commit(&look)),
                }
            }
        }
    }
    for look in workers.into_iter().flatten() {
        world.commit(&look);
    }
    world.settle();
    verdict(&world)
}

/// Each run of a row was opened once, and an account is red exactly while something is open in it.
pub fn verdict(world: &World) -> Result<(), String> {
    let mut opened = BTreeMap::new();
    let mut asked = BTreeSet::new();
    for event in &world.events {
        match &event.body {
            EventBody::RiskOpened { home, episode, .. } | EventBody::PlayStarted { home, episode, .. } => {
                *opened.entry((home, episode)).or_insert(0) += 1
            }
            EventBody::ActionRequested(request) if !asked.insert(&request.id) => {
                return Err(format!("{} was asked for twice", request.id));
            }
            _ => {}
        }
    }
    for (episode, _) in world.rows.values() {
        let times = opened.get(&(&episode.key.home, &episode.key.row())).copied().unwrap_or(0);
        if times != episode.run {
            return Err(format!("{} opened {times} times in {} runs", episode.key.row(), episode.run));
        }
    }
    for account in world.ups.keys() {
        let is_risk = |episode: &Episode| episode.is_open() && episode.key.playbook.as_str() == "risk-mitigation";
        let open = world.view(account).2.iter().filter(|(episode, _)| is_risk(episode)).count();
        let is_red = world.band(account) == Some(Band::Red);
        let is_watched = world.assessment(account).is_some();
        if is_watched && is_red != (open > 0) && !world.excused.contains(account) {
            return Err(format!("{account} is red: {is_red}, and {open} are open"));
        }
    }
    Ok(())
}
