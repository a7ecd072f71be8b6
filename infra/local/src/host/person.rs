//! Who is the same person: the subjects that an erasure means. Plain computation.

use std::collections::BTreeSet;

use model::{SubjectId, Up};

use super::forest::Forest;

/// Stands for a human being: an address, a contact or user of a tool, what one answered.
pub(super) fn is_person(subject: &SubjectId) -> bool {
    subject.as_email().is_some() || matches!(subject.parts(), Some((_, "contact" | "user" | "response", _)))
}

/// Every subject of the person: whatever the tools tie to it, over and over. A tool has an address for one contact or
/// user at most, so who shares one is the same person in two tools.
pub(super) fn subjects(forest: &Forest, person: &SubjectId) -> BTreeSet<SubjectId> {
    let mut found = BTreeSet::from([person.clone()]);
    let mut todo = vec![person.clone()];
    while let Some(next) = todo.pop() {
        for (other, up) in forest.subjects().filter(|(other, _)| is_person(other)) {
            let ties = is_tied(forest, &next, other) || is_tied(forest, other, &next);
            if ties && !found.contains(other) && !belongs_to_another(forest, other, up, &found) {
                found.insert(other.clone());
                todo.push(other.clone());
            }
        }
    }
    found
}

/// `from` names `to`, or did until it was erased: what a tool erased names nothing any more.
fn is_tied(forest: &Forest, from: &SubjectId, to: &SubjectId) -> bool {
    let Some(up) = forest.up(from) else { return false };
    let was_erased = |subject| forest.up(subject).is_some_and(|up: &Up| up.erased.is_some());
    up.targets().any(|target| target == to) || ((was_erased(from) || was_erased(to)) && up.seen.contains(to))
}

/// An address that was the erased person's once and is named by somebody else now stays with them.
fn belongs_to_another(forest: &Forest, subject: &SubjectId, up: &Up, found: &BTreeSet<SubjectId>) -> bool {
    let live: Vec<_> = up.targets().filter(|target| is_person(target)).collect();
    let is_live = live.iter().any(|target| found.contains(*target));
    let named_by = |other: &SubjectId| forest.up(other).is_some_and(|up| up.targets().any(|target| target == subject));
    let by_theirs = found.iter().any(named_by);
    !is_live && !by_theirs && !live.is_empty()
}

/// Subjects that were tied to the person once and are not erased with them: they may be somebody else's now.
pub(super) fn left_alone(forest: &Forest, theirs: &BTreeSet<SubjectId>) -> BTreeSet<SubjectId> {
    let once = |from: &SubjectId| forest.up(from).map(|up| up.seen.clone()).unwrap_or_default();
    let named = theirs.iter().flat_map(once);
    let naming = forest.subjects().filter(|(_, up)| up.seen.iter().any(|target| theirs.contains(target)));
    named.chain(naming.map(|(other, _)| other.clone())).filter(|s| is_person(s) && !theirs.contains(s)).collect()
}
