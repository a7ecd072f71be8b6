//! From claims to roots: which account a subject belongs to is a pure function of the claims.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Claim, ClaimKind, SubjectId, Target, Up};

/// Where a walk upwards ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// Here; the subject itself when it has no parents.
    At(SubjectId),
    /// Nowhere: all there is above was deleted.
    Unmatched,
    /// At several ends, or too many subjects above to tell.
    Ambiguous(BTreeSet<SubjectId>),
}

/// What a walk upwards from one subject passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// The result.
    pub root: Root,
    /// Every end that was reached.
    pub ends: BTreeSet<SubjectId>,
    /// Every subject that was passed, the first one and the ends included.
    pub passed: BTreeSet<SubjectId>,
}

/// The most subjects above one; past it the subject counts as ambiguous.
pub const MOST_ABOVE: usize = 64;

/// T(x): the targets of the live claims of the strongest kind present, without the subject itself: no weaker kind steps in
/// for a claim on oneself. An email has, besides its claims, one to its domain, unless that is a mail provider's.
pub fn parents(subject: &SubjectId, up: &Up) -> BTreeSet<SubjectId> {
    let Some((_, claims)) = strongest(subject, up) else { return BTreeSet::new() };
    claims
        .into_iter()
        .filter_map(|(target, _)| match target {
            Target::Subject(target) if &target != subject => Some(target),
            Target::Subject(_) | Target::Alone => None,
        })
        .collect()
}

/// Targets, each with the claim that names it; the built-in one of an email has nobody who said it.
type Named<'a> = Vec<(Target, Option<&'a Claim>)>;

/// The live claims of the strongest kind present.
fn strongest<'a>(subject: &SubjectId, up: &'a Up) -> Option<(ClaimKind, Named<'a>)> {
    let built_in = subject.company_domain().map(|domain| (ClaimKind::Domain, Target::Subject(domain), None));
    let all: Vec<_> =
        up.live().map(|(_, claim, target)| (claim.kind, target.clone(), Some(claim))).chain(built_in).collect();
    let kind = all.iter().map(|(kind, _, _)| *kind).max()?;
    let of_kind = all.into_iter().filter(|(k, _, _)| *k == kind).map(|(_, target, claim)| (target, claim)).collect();
    Some((kind, of_kind))
}

/// Walks upwards over what is loaded in `ups` (an empty [`Up`] for a subject that has none).
///
/// # Errors
/// The subjects that must be loaded before the walk can go on.
pub fn walk(from: &SubjectId, ups: &BTreeMap<SubjectId, Up>) -> Result<Walk, BTreeSet<SubjectId>> {
    let mut passed = BTreeSet::from([from.clone()]);
    let mut edges: BTreeMap<SubjectId, BTreeSet<SubjectId>> = BTreeMap::new();
    let mut missing = BTreeSet::new();
    let mut todo = vec![from.clone()];
    while let Some(subject) = todo.pop() {
        let Some(up) = ups.get(&subject) else {
            missing.insert(subject);
            continue;
        };
        let above = parents(&subject, up);
        for parent in &above {
            if passed.insert(parent.clone()) {
                todo.push(parent.clone());
            }
        }
        edges.insert(subject, above);
        if passed.len() > MOST_ABOVE {
            return Ok(Walk { root: Root::Ambiguous(BTreeSet::new()), ends: BTreeSet::new(), passed });
        }
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    let ends = ends(&passed, &edges, ups);
    let root = match ends.len() {
        0 => Root::Unmatched,
        1 => ends.first().cloned().map_or(Root::Unmatched, Root::At),
        _ => Root::Ambiguous(ends.clone()),
    };
    Ok(Walk { root, ends, passed })
}

fn ends(
    passed: &BTreeSet<SubjectId>,
    edges: &BTreeMap<SubjectId, BTreeSet<SubjectId>>,
    ups: &BTreeMap<SubjectId, Up>,
) -> BTreeSet<SubjectId> {
    let above = |subject: &SubjectId| -> BTreeSet<SubjectId> {
        let mut reached = BTreeSet::new();
        let mut todo: Vec<_> = edges.get(subject).into_iter().flatten().cloned().collect();
        while let Some(next) = todo.pop() {
            if reached.insert(next.clone()) {
                todo.extend(edges.get(&next).into_iter().flatten().cloned());
            }
        }
        reached
    };
    let closure: BTreeMap<_, _> = passed.iter().map(|subject| (subject, above(subject))).collect();
    let mut ends = BTreeSet::new();
    for subject in passed {
        let reached = &closure[subject];
        if reached.is_empty() {
            if !ups.get(subject).is_some_and(Up::is_gone) {
                ends.insert(subject.clone());
            }
        } else if reached.contains(subject) && reached.iter().all(|other| closure[other] == *reached) {
            // A closed ring: from everything it reaches, exactly the same is reached.
            ends.extend(name_of_ring(reached, ups));
        }
    }
    ends
}

/// Everything below a subject over hints, itself included: who may belong to it. `hints` holds for every subject who once
/// named it; everybody at a domain counts as having named it, with a hint or without.
///
/// # Errors
/// The subjects whose hints must be loaded before all is known; a leaf is never among them.
pub fn below(
    from: &SubjectId,
    hints: &BTreeMap<SubjectId, BTreeSet<SubjectId>>,
) -> Result<BTreeSet<SubjectId>, BTreeSet<SubjectId>> {
    let mut found = BTreeSet::from([from.clone()]);
    let mut missing = BTreeSet::new();
    let mut todo = vec![from.clone()];
    while let Some(subject) = todo.pop() {
        if subject.is_leaf() {
            continue;
        }
        match hints.get(&subject) {
            Some(members) => todo.extend(members.iter().filter(|member| found.insert((*member).clone())).cloned()),
            None => {
                missing.insert(subject);
            }
        }
    }
    if missing.is_empty() { Ok(found) } else { Err(missing) }
}

/// Those of `below` whose root is `root`, each with the fewest steps up to it: whose facts an account's view unites.
///
/// # Errors
/// The subjects that must be loaded into `ups` before all is known.
pub fn members(
    root: &SubjectId,
    below: &BTreeSet<SubjectId>,
    ups: &BTreeMap<SubjectId, Up>,
) -> Result<BTreeMap<SubjectId, u32>, BTreeSet<SubjectId>> {
    let at = Root::At(root.clone());
    let walks = walks(below, ups)?;
    let inside = walks.into_iter().filter(|(_, walk)| walk.root == at);
    Ok(inside.map(|(subject, _)| (subject.clone(), steps(subject, root, ups))).collect())
}

/// Whom a change of a subject's claims or deletion touches: every end and every company passed on the way up from it,
/// from all it ever named, and from all `below` it. Companies passed, because one may have been a root until now.
///
/// # Errors
/// The subjects that must be loaded into `ups` before all is known.
pub fn touched(
    subject: &SubjectId,
    below: &BTreeSet<SubjectId>,
    ups: &BTreeMap<SubjectId, Up>,
) -> Result<BTreeSet<SubjectId>, BTreeSet<SubjectId>> {
    let named = &ups.get(subject).ok_or_else(|| BTreeSet::from([subject.clone()]))?.seen;
    let walks = walks([subject].into_iter().chain(named).chain(below), ups)?;
    let touched = walks.into_iter().flat_map(|(_, walk)| {
        let companies = walk.passed.into_iter().filter(SubjectId::is_company);
        walk.ends.into_iter().chain(companies)
    });
    Ok(touched.collect())
}

/// Whom it touches when a subject's links are said again ([`crate::LinkChange::Restated`]): the roots of the subject and
/// of all it ever named, for the newest word about a former member counts where it was. In a ring, everything that
/// [`touched`] gives: the newest claim names a ring.
///
/// # Errors
/// The subjects that must be loaded into `ups` before all is known.
pub fn touched_again(
    subject: &SubjectId,
    ups: &BTreeMap<SubjectId, Up>,
) -> Result<BTreeSet<SubjectId>, BTreeSet<SubjectId>> {
    let up = ups.get(subject).ok_or_else(|| BTreeSet::from([subject.clone()]))?;
    let above: BTreeSet<_> = parents(subject, up).into_iter().chain(up.seen.iter().cloned()).collect();
    let walks = walks([subject].into_iter().chain(&above), ups)?;
    if walks.iter().any(|(from, walk)| *from != subject && walk.passed.contains(subject)) {
        return touched(subject, &BTreeSet::new(), ups);
    }
    let root = |(_, walk): (&SubjectId, Walk)| match walk.root {
        Root::At(root) => Some(root),
        Root::Unmatched | Root::Ambiguous(_) => None,
    };
    Ok(walks.into_iter().filter_map(root).collect())
}

/// The walk from each; all that is missing for any of them.
fn walks<'a>(
    from: impl IntoIterator<Item = &'a SubjectId>,
    ups: &BTreeMap<SubjectId, Up>,
) -> Result<Vec<(&'a SubjectId, Walk)>, BTreeSet<SubjectId>> {
    let mut all = Vec::new();
    let mut missing = BTreeSet::new();
    for subject in from {
        match walk(subject, ups) {
            Ok(walk) => all.push((subject, walk)),
            Err(more) => missing.extend(more),
        }
    }
    if missing.is_empty() { Ok(all) } else { Err(missing) }
}

/// The fewest steps from a subject up to its root.
fn steps(from: &SubjectId, root: &SubjectId, ups: &BTreeMap<SubjectId, Up>) -> u32 {
    let mut passed = BTreeSet::from([from.clone()]);
    let mut here = passed.clone();
    let mut steps = 0;
    while !here.is_empty() && !here.contains(root) {
        let above = here.iter().filter_map(|subject| Some(parents(subject, ups.get(subject)?))).flatten();
        here = above.filter(|parent| passed.insert(parent.clone())).collect();
        steps += 1;
    }
    steps
}

/// A closed ring is named by the target of its newest claim of the strongest kind whose target is not gone.
fn name_of_ring(ring: &BTreeSet<SubjectId>, ups: &BTreeMap<SubjectId, Up>) -> Option<SubjectId> {
    let mut best: Option<(ClaimKind, &Claim, SubjectId)> = None;
    let mut built_in = None;
    for subject in ring {
        let Some((kind, claims)) = ups.get(subject).and_then(|up| strongest(subject, up)) else { continue };
        for (target, claim) in claims {
            let Target::Subject(target) = target else { continue };
            if &target == subject || !ring.contains(&target) || ups.get(&target).is_some_and(Up::is_gone) {
                continue;
            }
            let Some(claim) = claim else {
                built_in = built_in.max(Some(target));
                continue;
            };
            let newer = best.as_ref().is_none_or(|(held_kind, held, held_target)| {
                if kind != *held_kind {
                    kind > *held_kind
                } else if claim.said != held.said {
                    claim.said.beats(&held.said)
                } else {
                    target > *held_target
                }
            });
            if newer {
                best = Some((kind, claim, target));
            }
        }
    }
    best.map(|(_, _, target)| target).or(built_in)
}

#[cfg(test)]
mod tests;
