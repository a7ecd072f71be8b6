//! What one look has read so far, and what it makes of it: whom a record touches, and who belongs to an account.
//!
//! Plain computation. A question that cannot be answered yet says what is [`Missing`]; whoever asks reads that and asks
//! again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use model::{
    Child, DeliveryId, Episode, Fact, FactKey, LinkChange, Moment, Placed, Root, Said, SubjectId, ToldParent, Up, Walk,
    below, members, parents, touched, touched_again, walk,
};
use rules::Member;
use store::{Node, Partition, Stored};

#[cfg(test)]
mod tests;

/// How long after its end a ticket or an answer is still read, counted back from the last word about the account itself:
/// longer than any measure looks back.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 400);

/// What must be read before a question can be answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Subjects whose claims are enough.
    pub nodes: BTreeSet<SubjectId>,
    /// Subjects of which everything is needed.
    pub partitions: BTreeSet<SubjectId>,
}

impl Missing {
    fn nodes(nodes: BTreeSet<SubjectId>) -> Self {
        Self { nodes, ..Self::default() }
    }

    fn partitions(partitions: BTreeSet<SubjectId>) -> Self {
        Self { partitions, ..Self::default() }
    }
}

/// A record of the stream: whose item changed, and what that changed about where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Whose item.
    pub subject: SubjectId,
    /// What it changed of the subject's links; of a fact that is a row of its own, nothing.
    pub links: LinkChange,
    /// The subject's claims as this write left them; `None` when the record does not tell.
    pub up: Option<Up>,
    /// The delivery that said so, for whoever looks why nothing came of it; a tick has none.
    pub said_in: Option<DeliveryId>,
}

impl Change {
    /// Reads an item as it was written; `None` for one that is not a subject's. One whose links cannot be read from it
    /// may have changed them.
    pub(crate) fn of_item(pk: &str, sk: &str, image: Option<serde_dynamo::Item>) -> Option<Self> {
        let subject = store::subject_of_key(pk, sk)?;
        let said_in = image.as_ref().and_then(store::newest_delivery);
        // At a domain, the address of the person stands between.
        if sk != "FACT#UP" && !(sk.starts_with("FACT#P#") && sk.ends_with("#UP")) {
            return Some(Self { subject, links: LinkChange::Same, up: None, said_in });
        }
        let (up, links) = match image.map(store::node_from_stream) {
            Some(Ok((up, links))) => (Some(up), links),
            Some(Err(_)) | None => (None, LinkChange::Other),
        };
        Some(Self { subject, links, up, said_in })
    }
}

/// An account with all that its assessment is made of.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// The facts of the members.
    pub facts: Vec<Placed>,
    /// The members besides their facts.
    pub members: BTreeMap<SubjectId, Member>,
    /// The statement received last about where a subject belongs that is a member or once named one.
    pub linked: Option<Said>,
    /// What the members were told by other accounts that name one of them as their parent, or did.
    pub children: Vec<ToldParent>,
    /// The episodes of the members.
    pub episodes: Vec<Stored<Episode>>,
}

/// What was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    ups: BTreeMap<SubjectId, Up>,
    hints: BTreeMap<SubjectId, BTreeSet<SubjectId>>,
    /// Leaves whose end was told, with the moment.
    ended: BTreeMap<SubjectId, Moment>,
    facts: BTreeMap<SubjectId, Vec<Fact>>,
    children: BTreeMap<SubjectId, Vec<Child>>,
    episodes: BTreeMap<SubjectId, Vec<Stored<Episode>>>,
}

impl Reading {
    /// Takes in the claims of subjects, and the facts kept with them.
    pub(crate) fn add_nodes(&mut self, nodes: BTreeMap<SubjectId, Stored<Node>>) {
        for (subject, Stored { value: Node { up, fact }, .. }) in nodes {
            // Of all others these are not all facts.
            if subject.is_leaf() {
                self.facts.insert(subject.clone(), fact.into_iter().collect());
            }
            self.ups.insert(subject, up);
        }
    }

    /// Takes in what lies in the partition of `subject`.
    pub(crate) fn add_partition(&mut self, subject: &SubjectId, partition: BTreeMap<SubjectId, Partition>) {
        let owner = subject.company_domain().unwrap_or_else(|| subject.clone());
        let people: BTreeSet<_> = partition.keys().filter(|about| **about != owner).cloned().collect();
        for (about, Partition { up, facts, children, episodes, members, ended, assessed: _ }) in partition {
            self.ended.extend(ended);
            self.ups.insert(about.clone(), up);
            self.facts.insert(about.clone(), facts);
            self.children.insert(about.clone(), children);
            self.episodes.insert(about.clone(), episodes);
            self.hints.insert(about, members);
        }
        // Everybody at a domain belongs below it, without a hint.
        self.hints.entry(owner).or_default().extend(people);
    }

    /// The partition of `subject` was read with somebody else's, and it is not in it: then there is nothing to read.
    pub(crate) fn has_nothing_of(&mut self, subject: &SubjectId) -> bool {
        let is_read = subject.company_domain().is_some_and(|domain| self.hints.contains_key(&domain));
        if is_read {
            self.ups.entry(subject.clone()).or_default();
            self.hints.entry(subject.clone()).or_default();
        }
        is_read
    }

    /// Whom a change touches, each with whether it is its own root.
    ///
    /// The claims of the subject itself are those that the record carries, unless they were read: a newer claim has a
    /// record of its own. On the way up from anything else they may be too old, for that newer record may be done already.
    ///
    /// # Errors
    /// What must be read before this is known.
    pub(crate) fn touched(&mut self, change: &Change) -> Result<BTreeMap<SubjectId, bool>, Missing> {
        let Change { subject, up, .. } = change;
        let lent = up.as_ref().filter(|_| !self.ups.contains_key(subject)).cloned();
        let is_lent = lent.is_some();
        self.ups.extend(lent.map(|up| (subject.clone(), up)));
        let touched = self.touched_from(change);
        if is_lent {
            self.ups.remove(subject);
        }
        touched
    }

    fn touched_from(&self, Change { subject, links, .. }: &Change) -> Result<BTreeMap<SubjectId, bool>, Missing> {
        let all = match links {
            LinkChange::Other => {
                let below = below(subject, &self.hints).map_err(Missing::partitions)?;
                touched(subject, &below, &self.ups).map_err(Missing::nodes)?
            }
            LinkChange::Restated => touched_again(subject, &self.ups).map_err(Missing::nodes)?,
            LinkChange::Same => match self.walk(subject)?.root {
                Root::At(root) => BTreeSet::from([root]),
                Root::Unmatched | Root::Ambiguous(_) => BTreeSet::new(),
            },
        };
        // What is not known counts as a root: it is looked at once too often rather than not at all.
        let is_below = |subject: &SubjectId| self.walk(subject).is_ok_and(|walk| walk.root != at(subject));
        Ok(all.into_iter().map(|subject| (subject.clone(), !is_below(&subject))).collect())
    }

    /// The walk upwards from a subject.
    ///
    /// # Errors
    /// What must be read before this is known.
    pub(crate) fn walk(&self, subject: &SubjectId) -> Result<Walk, Missing> {
        walk(subject, &self.ups).map_err(Missing::nodes)
    }

    /// The statement received last of those that say where a walk leads.
    pub(crate) fn newest_link(&self, walk: &Walk) -> Option<Said> {
        newest(walk.passed.iter().filter_map(|subject| self.ups.get(subject))).cloned()
    }

    /// All that belongs to `root`, which is its own root. Of a root that no CRM opened nothing but itself is read: it
    /// is no account, whatever belongs to it.
    ///
    /// # Errors
    /// What must be read before this is known.
    pub(crate) fn view(&self, root: &SubjectId) -> Result<View, Missing> {
        if !self.hints.contains_key(root) {
            return Err(Missing::partitions(BTreeSet::from([root.clone()])));
        }
        let opens = |fact: &Fact| fact.key == FactKey::Profile && fact.opens_account;
        if !self.facts.get(root).is_some_and(|facts| facts.iter().any(opens)) {
            return Ok(self.view_of(root, &BTreeMap::from([(root.clone(), 0)]), &BTreeSet::from([root.clone()])));
        }
        let mut below = below(root, &self.hints).map_err(Missing::partitions)?;
        // What ended long ago counts for nothing any more and is not read, so that an account's past costs nothing.
        let heard = self.facts.get(root).into_iter().flatten().flat_map(Fact::all_registers);
        if let Some(from) = heard.map(|(_, _, register)| register.received_at).max().map(|at| at.plus(-LOOK_BACK)) {
            below.retain(|subject| !subject.is_leaf() || self.ended.get(subject).is_none_or(|ended| *ended >= from));
        }
        let steps = members(root, &below, &self.ups).map_err(Missing::nodes)?;
        Ok(self.view_of(root, &steps, &below))
    }

    fn view_of(&self, root: &SubjectId, steps: &BTreeMap<SubjectId, u32>, below: &BTreeSet<SubjectId>) -> View {
        let mut view = View::default();
        for (subject, steps_up) in steps {
            let Some(up) = self.ups.get(subject) else { continue };
            let facts = self.facts.get(subject).into_iter().flatten();
            view.facts.extend(facts.map(|fact| Placed { steps: *steps_up, gone: up.is_gone(), fact: fact.clone() }));
            // One that was merged into its parent, or the other way round, is no child of itself.
            let children = self.children.get(subject).into_iter().flatten().filter(|child| child.account != *root);
            let told = |child: &Child| ToldParent { parent: subject.clone(), child: child.clone() };
            view.children.extend(children.map(told));
            view.episodes.extend(self.episodes.get(subject).into_iter().flatten().cloned());
            let live = up.live().map(|(_, claim, _)| &claim.said).chain(up.gone.iter().map(|gone| &gone.said));
            let linked = live.map(|said| &said.stamp).max().cloned();
            let home = if subject.is_leaf() { owner(subject, up, steps, root) } else { subject.clone() };
            view.members.insert(subject.clone(), Member { home, linked });
        }
        // Who named a member once and does not belong to it any more says so in claims that count elsewhere.
        let named = |subject: &&SubjectId| {
            let seen = self.ups.get(subject).map(|up| &up.seen);
            steps.contains_key(*subject) || seen.is_some_and(|seen| seen.iter().any(|to| steps.contains_key(to)))
        };
        view.linked = newest(below.iter().filter(named).filter_map(|subject| self.ups.get(subject))).cloned();
        view
    }
}

fn at(subject: &SubjectId) -> Root {
    Root::At(subject.clone())
}

/// The member that a leaf belongs to, the nearest to the root: a leaf is one item, without room for episodes.
fn owner(leaf: &SubjectId, up: &Up, steps: &BTreeMap<SubjectId, u32>, root: &SubjectId) -> SubjectId {
    let above = parents(leaf, up).into_iter().filter(|parent| !parent.is_leaf());
    let nearest = above.filter_map(|parent| Some((*steps.get(&parent)?, parent))).min();
    nearest.map_or_else(|| root.clone(), |(_, parent)| parent)
}

/// The statement received last, whether it still says something or not.
fn newest<'a>(ups: impl Iterator<Item = &'a Up>) -> Option<&'a Said> {
    let said = |up: &'a Up| {
        let claims = up.claims.values().map(|claim| &claim.said);
        claims.chain(up.gone.iter().map(|gone| &gone.said)).chain(&up.erased)
    };
    ups.flat_map(said).max_by(|a, b| (a.received_at, &a.stamp).cmp(&(b.received_at, &b.stamp)))
}
