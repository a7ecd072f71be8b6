//! What statements make of a subject's node. Pure, and whatever order they come in, the same.

use model::{Claim, Fact, Field, Link, LinkSays, Signal, Slot, Source, Statement, Value};
use runtime::logging::named;
use store::Node;
use tracing::error;

use crate::statements::can_be_erased;

/// One statement about a subject itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stated<'a> {
    /// Where it belongs, or whether it is still there.
    Link(Source<'a>, &'a Link),
    /// What is known of it, kept with its claims.
    Fact(Source<'a>, &'a Signal),
}

impl Stated<'_> {
    /// The subject is a person to be forgotten.
    pub fn is_erasure(&self) -> bool {
        matches!(self, Self::Link(_, link) if link.says == LinkSays::Erased && can_be_erased(&link.subject))
    }

    /// Says when a ticket was solved or a survey answered.
    pub fn is_end(&self) -> bool {
        let is_end = |statement: &Statement| {
            matches!(statement.field, Field::SolvedAt | Field::RespondedAt) && statement.value != Value::Cleared
        };
        matches!(self, Self::Fact(_, signal) if signal.statements.iter().any(is_end))
    }
}

/// Folds statements about one subject into its node; true when that changed it.
///
/// Of a person who was erased nothing is kept but that, whether the other statements came before or come later.
pub(crate) fn fold(node: &mut Node, stated: &[Stated<'_>]) -> bool {
    let mut changed = false;
    for one in stated {
        changed |= match one {
            Stated::Link(_, link) if link.says == LinkSays::Erased && !one.is_erasure() => false,
            Stated::Link(source, link) => node.up.apply(*source, link),
            Stated::Fact(..) if node.up.erased.is_some() => false,
            Stated::Fact(source, signal) => state(&mut node.fact, *source, signal),
        };
        if node.up.erased.is_some() {
            changed |= node.fact.take().is_some();
        }
    }
    changed
}

fn state(held: &mut Option<Fact>, source: Source<'_>, signal: &Signal) -> bool {
    let mut fact = held.take().unwrap_or_else(|| Fact::empty(signal.subject.clone(), signal.key.clone()));
    let changed = if fact.key == signal.key {
        fact.apply(source, &signal.statements)
    } else {
        // One subject is one kind of thing, so this is a connector's mistake; the delivery can be replayed once mended.
        let (delivery, subject) = (source.delivery, named(&signal.subject));
        error!(delivery.id = %delivery, "Delivery `{delivery}` calls {subject} by two kinds of fact");
        false
    };
    *held = (changed || !fact.registers.is_empty()).then_some(fact);
    changed
}

/// Asserts the claim that follows from a list; true when that changed the node.
pub(crate) fn assert(node: &mut Node, slot: &Slot, claim: &Claim) -> bool {
    node.up.claim(slot.clone(), claim.clone())
}

/// Ends a claim that there is, with one that is newer than all; true when there was one to end. Where there is none,
/// nothing is written, least of all of people whom only a list of an erased person names.
pub(crate) fn end(node: &mut Node, slot: &Slot, claim: &Claim) -> bool {
    node.up.claims.contains_key(slot) && node.up.claim(slot.clone(), claim.clone())
}
