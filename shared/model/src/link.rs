//! Links: which subject belongs to which other, as claims that are registers of their own, so that the order in which
//! tools speak cannot matter.
//!
//! A **claim** says that a subject belongs to another one. It stands in the claimed subject's [`Up`], in a **slot** that
//! names what gets restated as a whole (a field, an association, a list), never the value. The walk from claims to
//! roots is in [`crate::graph`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ConnectionName, DeliveryId, Moment, Source, Stamp, SubjectId, stable_hash};

/// How much a claim counts, weakest first: of a subject's claims only the strongest kind present decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// An email's or a company's web domain.
    Domain,
    /// An id of one tool kept in another.
    ExternalId,
    /// An association or a merge, stated by the tool that owns the object.
    Crm,
    /// An operator's decision.
    Manual,
}

/// What a claim points at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The subject it belongs to.
    Subject(SubjectId),
    /// It stands alone, whatever weaker claims say. Only an operator says so.
    Alone,
}

/// What gets restated as a whole: the key of a claim in its subject's [`Up`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(String);

impl Slot {
    /// A field of the claimed object itself, such as an organisation's `external_id`; `merge` for a merge.
    pub fn own(field: &str, connection: &ConnectionName) -> Self {
        Self(format!("own~{field}~{connection}"))
    }

    /// An association with `other`, such as `deal_to_company`.
    pub fn association(pair: &str, other: &SubjectId, connection: &ConnectionName) -> Self {
        Self(format!("association~{pair}~{other}~{connection}"))
    }

    /// Being named in a list that `claimer` keeps, such as its `domains`.
    pub fn list(list: &str, claimer: &SubjectId, connection: &ConnectionName) -> Self {
        Self(format!("list~{list}~{claimer}~{connection}"))
    }

    /// It follows from a list that `claimer` keeps, whichever and wherever.
    pub fn is_of_list_of(&self, claimer: &SubjectId) -> bool {
        self.0.starts_with("list~") && self.0.contains(&format!("~{claimer}~"))
    }

    /// The operator's decision; there is one.
    pub fn manual() -> Self {
        Self("manual".to_owned())
    }

    /// As it is stored and shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a statement ranks among those of the same slot, list or state: by the time it became true, the vendor's order,
/// and what it says; of equal ones the first received is kept, so that a repetition changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// When, in which order, and by which delivery.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// When the delivery was received.
    pub received_at: Moment,
    /// Hash of the whole statement (of a list: of all of it).
    pub digest: String,
    /// The source's clock was ahead: `occurred_at` was taken back to the time of receipt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clamped: bool,
}

impl Said {
    fn order(&self) -> impl Ord + '_ {
        (self.stamp.occurred_at, self.stamp.sequence, &self.digest, Reverse(self.first()))
    }

    fn first(&self) -> impl Ord + '_ {
        (self.received_at, &self.stamp.delivery, self.stamp.index)
    }

    /// This statement counts, `held` is older or the same.
    pub fn beats(&self, held: &Self) -> bool {
        self.order() > held.order()
    }
}

/// One claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// How much it counts.
    pub kind: ClaimKind,
    /// Where the subject belongs; `None` once the slot says nothing (emptied, removed, left out of the list).
    pub target: Option<Target>,
    /// Who said so and when.
    #[serde(flatten)]
    pub said: Said,
}

/// Whether the source deleted the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// `false` once it was restored.
    pub gone: bool,
    /// Who said so and when.
    #[serde(flatten)]
    pub said: Said,
}

/// All that is claimed of one subject: one stored item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Up {
    /// Its claims.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<Slot, Claim>,
    /// Its deletion, where a source ever spoke of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
    /// Set when a person was erased: nothing said about the subject counts any more, whenever it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Said>,
    /// Every target ever claimed. Bookkeeping: it tells which hints stand, and whom a change may touch.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub seen: BTreeSet<SubjectId>,
    /// Raised to have health look again after an outage. Bookkeeping.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub poke: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What a link statement says, as a connector gives it; the connection is added when it is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkSays {
    /// A field of the subject names where it belongs, or is empty.
    Own {
        /// The field, such as `external_id` or `merge`.
        field: String,
        /// How much it counts.
        kind: ClaimKind,
        /// Where it belongs.
        target: Option<SubjectId>,
    },
    /// The subject is associated with another, or no longer.
    Association {
        /// The pair, such as `deal_to_company`; each kind of association is a pair of its own.
        pair: String,
        /// How much it counts.
        kind: ClaimKind,
        /// The other end.
        other: SubjectId,
        /// The association was removed.
        removed: bool,
    },
    /// The subject keeps a list of others that belong to it; this is all of it.
    List {
        /// The list, such as `domains`.
        list: String,
        /// How much it counts.
        kind: ClaimKind,
        /// All that is in it now.
        listed: BTreeSet<SubjectId>,
    },
    /// An operator decided: a subject, [`Target::Alone`], or nothing (the decision is taken back).
    Manual {
        /// Where it belongs.
        target: Option<Target>,
    },
    /// The source deleted the subject, or restored it.
    Gone {
        /// `false` for a restore.
        gone: bool,
    },
    /// The subject is a person who was erased.
    Erased,
}

/// One dated statement about where a subject belongs, or whether it is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it is about; of a list, who keeps it.
    pub subject: SubjectId,
    /// What is said.
    #[serde(flatten)]
    pub says: LinkSays,
    /// When the source says it became true.
    pub occurred_at: Moment,
    /// The vendor's own order among statements of one instant, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Where in the vendor's body it stands.
    pub path: String,
}

impl Link {
    /// Who says it, when, and how it ranks.
    pub fn said(&self, source: Source<'_>) -> Said {
        let (occurred_at, clamped) = source.clamp(self.occurred_at);
        let digest = match &self.says {
            LinkSays::Own { kind, target, .. } => {
                stable_hash(&[&format!("{kind:?}"), target.as_ref().map_or("", SubjectId::as_str)])
            }
            LinkSays::Association { kind, removed, .. } => stable_hash(&[&format!("{kind:?} {removed}")]),
            LinkSays::List { kind, listed, .. } => {
                let kind = format!("{kind:?}");
                let mut parts = vec![kind.as_str()];
                parts.extend(listed.iter().map(SubjectId::as_str));
                stable_hash(&parts)
            }
            LinkSays::Manual { target } => stable_hash(&[&format!("{target:?}")]),
            LinkSays::Gone { gone } => stable_hash(&[&gone.to_string()]),
            LinkSays::Erased => stable_hash(&["erased"]),
        };
        Said {
            stamp: Stamp {
                occurred_at,
                sequence: self.sequence,
                delivery: DeliveryId::clone(source.delivery),
                index: source.index,
            },
            received_at: source.received_at,
            digest,
            clamped,
        }
    }
}

/// What a write of a subject's claims and of the fact kept with them changed about where the subject belongs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkChange {
    /// It may belong elsewhere, is there no longer, or is there again. Also what nothing is known of.
    #[default]
    Other,
    /// It belongs where it did; that was said again.
    Restated,
    /// Nothing was said of that.
    Same,
}

impl Up {
    /// How this differs from `before`, an earlier state of the same subject.
    pub fn change_since(&self, before: &Self) -> LinkChange {
        let links = |up: &Self| {
            let live = up.live().map(|(slot, claim, target)| (slot.clone(), claim.kind, target.clone()));
            (live.collect::<Vec<_>>(), up.is_gone(), up.erased.is_some(), up.poke)
        };
        if links(self) != links(before) {
            LinkChange::Other
        } else if (&self.claims, &self.gone, &self.erased) != (&before.claims, &before.gone, &before.erased) {
            LinkChange::Restated
        } else {
            LinkChange::Same
        }
    }

    /// Folds a claim; true when it changed something. Nothing is claimed of an erased person.
    pub fn claim(&mut self, slot: Slot, claim: Claim) -> bool {
        match self.claims.get(&slot) {
            _ if self.erased.is_some() => false,
            Some(held) if !claim.said.beats(&held.said) => false,
            _ => {
                self.claims.insert(slot, claim);
                true
            }
        }
    }

    /// Folds a statement about the subject itself; true when it changed something. A list is not one: it is about those
    /// in it, see [`ListRegister`]. An erasure drops all that was said and refuses all that will be.
    pub fn apply(&mut self, source: Source<'_>, link: &Link) -> bool {
        let said = link.said(source);
        match &link.says {
            LinkSays::Own { field, kind, target } => {
                let target = target.clone().map(Target::Subject);
                self.claim(Slot::own(field, source.connection), Claim { kind: *kind, target, said })
            }
            LinkSays::Association { pair, kind, other, removed } => {
                let target = (!removed).then(|| Target::Subject(other.clone()));
                self.claim(Slot::association(pair, other, source.connection), Claim { kind: *kind, target, said })
            }
            LinkSays::Manual { target } => {
                self.claim(Slot::manual(), Claim { kind: ClaimKind::Manual, target: target.clone(), said })
            }
            LinkSays::Gone { gone } => {
                let kept = |held: &Gone| !said.beats(&held.said);
                if self.erased.is_some() || self.gone.as_ref().is_some_and(kept) {
                    return false;
                }
                self.gone = Some(Gone { gone: *gone, said });
                true
            }
            LinkSays::Erased => {
                // Erased is erased, whenever that was; the word of it that was received first stays.
                if self.erased.as_ref().is_some_and(|held| held.first() <= said.first()) {
                    return false;
                }
                self.claims.clear();
                self.gone = None;
                self.erased = Some(said);
                true
            }
            LinkSays::List { .. } => false,
        }
    }

    /// The source deleted the subject.
    pub fn is_gone(&self) -> bool {
        self.erased.is_some() || self.gone.as_ref().is_some_and(|held| held.gone)
    }

    /// The live claims.
    pub fn live(&self) -> impl Iterator<Item = (&Slot, &Claim, &Target)> {
        self.claims.iter().filter_map(|(slot, claim)| Some((slot, claim, claim.target.as_ref()?)))
    }

    /// The subjects that live claims name.
    pub fn targets(&self) -> impl Iterator<Item = &SubjectId> {
        self.live().filter_map(|(_, _, target)| match target {
            Target::Subject(subject) => Some(subject),
            Target::Alone => None,
        })
    }
}

/// A list as its claimer last stated it; the claims in those it names follow from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRegister {
    /// How much its claims count.
    pub kind: ClaimKind,
    /// All that is in it.
    pub listed: BTreeSet<SubjectId>,
    /// Who said so and when.
    #[serde(flatten)]
    pub said: Said,
}

impl ListRegister {
    /// The list of a claimer who was erased, from [`Up::erased`]: empty, and nothing said of it is ever newer.
    pub fn erased(said: &Said) -> Self {
        let stamp = Stamp { occurred_at: Moment::LATEST, sequence: Some(u64::MAX), ..said.stamp.clone() };
        Self { kind: ClaimKind::Domain, listed: BTreeSet::new(), said: Said { stamp, ..said.clone() } }
    }

    /// The claim on `id` that follows from this list: live while the list names it.
    pub fn claim_on(&self, id: &SubjectId, claimer: &SubjectId) -> Claim {
        let target = self.listed.contains(id).then(|| Target::Subject(claimer.clone()));
        Claim { kind: self.kind, target, said: self.said.clone() }
    }
}

#[cfg(test)]
mod tests;
