//! Subjects, their claims and facts, gathered under the accounts they belong to, as the tables hold them.

use std::collections::{BTreeMap, BTreeSet};

use config::Config;
use model::{
    Assessment, ConnectionName, Episode, Fact, FactKey, Heard, Link, LinkSays, ListRegister, Moment, Placed, Root,
    Said, Slot, Source, SubjectId, Up,
};
use rules::Member;

use crate::told::{Says, Told};

/// What is kept of one account, or of one subject that belongs to nobody yet.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub facts: Vec<Placed>,
    pub members: BTreeMap<SubjectId, Member>,
    pub linked: Option<Said>,
    pub previous: Option<Assessment>,
    pub episodes: Vec<Episode>,
    pub last_tick: Option<Moment>,
}

/// Everything that was told so far.
#[derive(Debug)]
pub(super) struct World<'a> {
    config: &'a Config,
    ups: BTreeMap<SubjectId, Up>,
    roots: BTreeMap<SubjectId, SubjectId>,
    /// Who passes a subject on the way up, itself included.
    through: BTreeMap<SubjectId, BTreeSet<SubjectId>>,
    pub accounts: BTreeMap<SubjectId, Account>,
    pub heard: BTreeMap<ConnectionName, Heard>,
}

impl<'a> World<'a> {
    pub fn new(config: &'a Config) -> Self {
        Self {
            config,
            ups: BTreeMap::new(),
            roots: BTreeMap::new(),
            through: BTreeMap::new(),
            accounts: BTreeMap::new(),
            heard: BTreeMap::new(),
        }
    }

    /// Keeps a statement, and returns whom it touches.
    pub fn keep(&mut self, told: &Told) -> BTreeSet<SubjectId> {
        let source =
            Source { connection: &told.connection, delivery: &told.delivery, received_at: told.received_at, index: 0 };
        let day = told.received_at.date_in(&self.config.model.zone);
        self.heard.entry(told.connection.clone()).or_default().add(day);
        match &told.says {
            Says::Link(link) => self.link(source, link),
            Says::Fact { key, statements } => {
                let root = self.root(&told.subject);
                let fact = self.fact(&root, &told.subject, key);
                fact.apply(source, statements);
                let opens = self.config.connection(&told.connection).is_some_and(|c| c.creates_accounts);
                if opens && *key == FactKey::Profile {
                    self.fact(&root, &told.subject, key).opens_account = true;
                }
                BTreeSet::from([root])
            }
        }
    }

    /// The fact of a subject, made where it is not there yet.
    pub fn fact(&mut self, root: &SubjectId, subject: &SubjectId, key: &FactKey) -> &mut Fact {
        let account = self.accounts.entry(root.clone()).or_default();
        let is_it = |placed: &Placed| placed.fact.key == *key && placed.fact.subject == *subject;
        let at = account.facts.iter().position(is_it).unwrap_or_else(|| {
            let gone = self.ups.get(subject).is_some_and(Up::is_gone);
            let steps = steps(subject, root, &self.ups);
            account.facts.push(Placed { steps, gone, fact: Fact::empty(subject.clone(), key.clone()) });
            account.facts.len() - 1
        });
        &mut account.facts[at].fact
    }

    /// Where a subject's facts are gathered: at its account; at itself while it has none, or several.
    fn root(&mut self, subject: &SubjectId) -> SubjectId {
        if let Some(root) = self.roots.get(subject) {
            return root.clone();
        }
        self.ups.entry(subject.clone()).or_default();
        self.place(subject);
        self.roots.get(subject).unwrap_or(subject).clone()
    }

    fn link(&mut self, source: Source<'_>, link: &Link) -> BTreeSet<SubjectId> {
        let mut changed = BTreeSet::new();
        if let LinkSays::List { list, kind, listed } = &link.says {
            let said = link.said(source);
            let register = ListRegister { kind: *kind, listed: listed.clone(), said };
            for id in listed {
                let slot = Slot::list(list, &link.subject, source.connection);
                let claim = register.claim_on(id, &link.subject);
                if self.ups.entry(id.clone()).or_default().claim(slot, claim) {
                    changed.insert(id.clone());
                }
            }
        } else if self.ups.entry(link.subject.clone()).or_default().apply(source, link) {
            changed.insert(link.subject.clone());
        }
        let mut touched = BTreeSet::new();
        for subject in changed {
            let mut below = self.through.get(&subject).cloned().unwrap_or_default();
            below.insert(subject.clone());
            for from in below {
                touched.extend(self.roots.get(&from).cloned());
                self.place(&from);
                touched.extend(self.roots.get(&from).cloned());
            }
            let said = link.said(source);
            for root in &touched {
                let account = self.accounts.entry(root.clone()).or_default();
                let order = |said: &Said| (said.received_at, said.stamp.clone());
                if account.linked.as_ref().is_none_or(|held| order(held) < order(&said)) {
                    account.linked = Some(said.clone());
                }
            }
        }
        touched
    }

    /// Walks up from a subject anew, and moves what is known of it to where that ends.
    fn place(&mut self, subject: &SubjectId) {
        let walk = loop {
            match model::walk(subject, &self.ups) {
                Ok(walk) => break walk,
                Err(missing) => self.ups.extend(missing.into_iter().map(|one| (one, Up::default()))),
            }
        };
        for passed in &walk.passed {
            self.through.entry(passed.clone()).or_default().insert(subject.clone());
        }
        let root = match walk.root {
            Root::At(root) => root,
            Root::Unmatched | Root::Ambiguous(_) => subject.clone(),
        };
        let before = self.roots.insert(subject.clone(), root.clone());
        let is_its = |placed: &Placed| placed.fact.subject == *subject;
        let mut facts = Vec::new();
        if let Some(account) = before.and_then(|before| self.accounts.get_mut(&before)) {
            facts.extend(account.facts.extract_if(.., |placed| is_its(placed)));
            account.members.remove(subject);
        }
        let steps = steps(subject, &root, &self.ups);
        let up = self.ups.get(subject);
        let gone = up.is_some_and(Up::is_gone);
        let live = up
            .into_iter()
            .flat_map(|up| up.live().map(|(_, claim, _)| &claim.said).chain(up.gone.iter().map(|gone| &gone.said)));
        let linked = live.map(|said| &said.stamp).max().cloned();
        let home = if subject.is_leaf() { self.owner(subject, &root) } else { subject.clone() };
        let account = self.accounts.entry(root).or_default();
        account.members.insert(subject.clone(), Member { home, linked });
        account.facts.extend(facts.into_iter().map(|placed| Placed { steps, gone, ..placed }));
    }

    /// What a leaf belongs to, the nearest to the account.
    fn owner(&self, leaf: &SubjectId, root: &SubjectId) -> SubjectId {
        let above = self.ups.get(leaf).map(|up| model::parents(leaf, up)).unwrap_or_default();
        let inside = above.into_iter().filter(|parent| !parent.is_leaf() && self.roots.get(parent) == Some(root));
        let nearest = inside.map(|parent| (steps(&parent, root, &self.ups), parent)).min();
        nearest.map_or_else(|| root.clone(), |(_, parent)| parent)
    }
}

/// The fewest steps from a subject up to its root.
fn steps(from: &SubjectId, root: &SubjectId, ups: &BTreeMap<SubjectId, Up>) -> u32 {
    let mut passed = BTreeSet::from([from.clone()]);
    let mut here = passed.clone();
    let mut steps = 0;
    while !here.is_empty() && !here.contains(root) {
        let above = here.iter().filter_map(|subject| Some(model::parents(subject, ups.get(subject)?))).flatten();
        here = above.filter(|parent| passed.insert(parent.clone())).collect();
        steps += 1;
    }
    steps
}
