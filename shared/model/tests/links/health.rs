//! Assessing: which accounts a stream record touches and how each is recomputed, as steps that touch the store once each.

use std::collections::{BTreeMap, BTreeSet};

use model::{LinkChange, Root, SubjectId, Up, below, members, touched, touched_again, walk};

use crate::normalize::Broken;
use crate::settled::{Held, assessment, held};
use crate::store::{Assessed, Record, Store};

/// What was read so far. Nothing in it is believed longer than one walk or one view.
#[derive(Debug, Clone, Default)]
struct Read {
    ups: BTreeMap<SubjectId, Up>,
    hints: BTreeMap<SubjectId, BTreeSet<SubjectId>>,
    nodes: BTreeMap<SubjectId, Held>,
    /// Still to be read before the question is asked again.
    missing: Vec<Load>,
}

#[derive(Debug, Clone)]
enum Load {
    Node(SubjectId),
    Hints(SubjectId),
}

impl Read {
    /// Reads one of the missing items.
    fn one(&mut self, store: &Store) {
        match self.missing.pop() {
            None => {}
            Some(Load::Node(subject)) => {
                let node = store.node(&subject).value;
                let held = held(&node, store.profile(&subject).value.as_ref());
                self.nodes.insert(subject.clone(), held);
                self.ups.insert(subject, node.up);
            }
            Some(Load::Hints(subject)) => {
                let members = store.members(&subject);
                self.hints.insert(subject, members);
            }
        }
    }

    fn is_root(&self, subject: &SubjectId) -> Result<bool, Vec<Load>> {
        let walk = walk(subject, &self.ups).map_err(nodes)?;
        Ok(walk.root == Root::At(subject.clone()))
    }

    /// Whom the record touches.
    fn touched(&self, record: &Record, broken: Option<Broken>) -> Result<BTreeSet<SubjectId>, Vec<Load>> {
        match record {
            Record::Fact(subject) | Record::Up(subject, LinkChange::Same) => {
                Ok(match walk(subject, &self.ups).map_err(nodes)?.root {
                    Root::At(root) => BTreeSet::from([root]),
                    Root::Unmatched | Root::Ambiguous(_) => BTreeSet::new(),
                })
            }
            Record::Up(subject, LinkChange::Restated) => touched_again(subject, &self.ups).map_err(nodes),
            Record::Up(subject, LinkChange::Other) if broken == Some(Broken::TouchSelfAndSeenOnly) => {
                let up = self.ups.get(subject).ok_or_else(|| vec![Load::Node(subject.clone())])?;
                Ok(up.seen.iter().chain([subject]).cloned().collect())
            }
            Record::Up(subject, LinkChange::Other) => {
                let below = below(subject, &self.hints).map_err(hints)?;
                touched(subject, &below, &self.ups).map_err(nodes)
            }
        }
    }

    /// What the assessment of `subject` must say.
    fn desired(&self, subject: &SubjectId) -> Result<Option<String>, Vec<Load>> {
        if !self.is_root(subject)? {
            return Ok(None);
        }
        let below = below(subject, &self.hints).map_err(hints)?;
        let members = members(subject, &below, &self.ups).map_err(nodes)?;
        Ok(assessment(subject, &members, &self.nodes))
    }
}

fn nodes(missing: BTreeSet<SubjectId>) -> Vec<Load> {
    missing.into_iter().map(Load::Node).collect()
}

fn hints(missing: BTreeSet<SubjectId>) -> Vec<Load> {
    missing.into_iter().map(Load::Hints).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Walk(Read),
    GetAssessment(SubjectId),
    See(SubjectId, Option<Assessed>, Read),
    PutStub(SubjectId),
    PutFirst(SubjectId, Option<String>),
    Commit(SubjectId, Assessed, Option<String>),
}

/// One worker that handles one stream record.
#[derive(Debug, Clone)]
pub struct Assessing {
    pub record: Record,
    broken: Option<Broken>,
    /// The last is next.
    todo: Vec<Step>,
}

impl Assessing {
    pub fn new(record: Record, broken: Option<Broken>) -> Self {
        Self { record, broken, todo: vec![Step::Walk(Read::default())] }
    }

    pub fn is_done(&self) -> bool {
        self.todo.is_empty()
    }

    /// What it would do next; the gap before it is where it may end.
    pub fn next(&self) -> &'static str {
        match self.todo.last() {
            None => "done",
            Some(Step::Walk(_)) => "walk",
            Some(Step::GetAssessment(_)) => "get assessment",
            Some(Step::See(..)) => "see",
            Some(Step::PutStub(_)) => "put stub",
            Some(Step::PutFirst(..)) => "put first",
            Some(Step::Commit(..)) => "commit",
        }
    }

    /// It has read some of what the first assessment of an account is made of, and written nothing yet.
    pub fn is_amid_a_first_assessment(&self) -> bool {
        match self.todo.last() {
            Some(Step::See(_, held, read)) => {
                held.as_ref().is_none_or(|held| held.version == 1) && read.nodes.values().any(|held| held.is_watched())
            }
            Some(Step::PutStub(_) | Step::PutFirst(..)) => true,
            Some(Step::Commit(_, held, value)) => held.version == 1 && value.is_some(),
            Some(Step::Walk(_) | Step::GetAssessment(_)) | None => false,
        }
    }

    /// The write it was about to do, as one that was sent before the worker ended and is done at some later moment.
    pub fn in_flight(&self) -> Option<Self> {
        let step = self.todo.last()?;
        let write = match step {
            Step::PutStub(_) | Step::PutFirst(..) | Step::Commit(..) => step.clone(),
            Step::Walk(_) | Step::GetAssessment(_) | Step::See(..) => return None,
        };
        Some(Self { record: self.record.clone(), broken: self.broken, todo: vec![write] })
    }

    /// Does one step.
    pub fn step(&mut self, store: &mut Store) {
        if let Some(step) = self.todo.pop() {
            let next = self.run(step, store);
            self.todo.extend(next.into_iter().rev());
        }
    }

    fn run(&self, step: Step, store: &mut Store) -> Vec<Step> {
        match step {
            Step::Walk(mut read) => {
                read.one(store);
                if read.missing.is_empty() {
                    match self.order(&read) {
                        Ok(touched) => return touched.into_iter().map(Step::GetAssessment).collect(),
                        Err(missing) => read.missing = missing,
                    }
                }
                vec![Step::Walk(read)]
            }
            Step::GetAssessment(subject) => {
                let held = store.assessment(&subject);
                vec![Step::See(subject, held, Read::default())]
            }
            Step::See(subject, held, mut read) => {
                read.one(store);
                if read.missing.is_empty() {
                    match read.desired(&subject) {
                        Ok(desired) => return self.decide(subject, held, desired),
                        Err(missing) => read.missing = missing,
                    }
                }
                vec![Step::See(subject, held, read)]
            }
            Step::PutStub(subject) => {
                store.put_first(&subject, None);
                vec![Step::GetAssessment(subject)]
            }
            Step::PutFirst(subject, desired) => {
                let done = store.put_first(&subject, desired);
                if done { Vec::new() } else { vec![Step::GetAssessment(subject)] }
            }
            Step::Commit(subject, held, desired) => {
                let done = store.commit(&subject, held.version, desired);
                if done { Vec::new() } else { vec![Step::GetAssessment(subject)] }
            }
        }
    }

    /// The touched ones, those that are no roots (any more) first.
    fn order(&self, read: &Read) -> Result<Vec<SubjectId>, Vec<Load>> {
        let touched = read.touched(&self.record, self.broken)?;
        if self.broken == Some(Broken::TouchSelfAndSeenOnly) {
            return Ok(touched.into_iter().collect());
        }
        let mut ordered = Vec::new();
        for subject in touched {
            ordered.push((read.is_root(&subject)?, subject));
        }
        ordered.sort();
        Ok(ordered.into_iter().map(|(_, subject)| subject).collect())
    }

    fn decide(&self, subject: SubjectId, held: Option<Assessed>, desired: Option<String>) -> Vec<Step> {
        match held {
            None if desired.is_none() => Vec::new(),
            None if self.broken == Some(Broken::NoStub) => vec![Step::PutFirst(subject, desired)],
            None => vec![Step::PutStub(subject)],
            Some(held) if self.broken == Some(Broken::NoWriteWhenSame) && held.value == desired => Vec::new(),
            Some(held) => vec![Step::Commit(subject, held, desired)],
        }
    }
}
