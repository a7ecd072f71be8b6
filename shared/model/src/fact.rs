//! Facts and how they merge: registers whose winner depends on what was said and when, never on when it arrived.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{ConnectionName, DeliveryId, FactKey, Field, Moment, Statement, SubjectId, Value};

/// Where a statement came from: which delivery, which item of it, and how it is ordered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// When the source says it became true, no later than five minutes after receipt.
    pub occurred_at: Moment,
    /// The vendor's own order among statements of one instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The delivery that said so first.
    pub delivery: DeliveryId,
    /// Position of the signal in its delivery, from 0.
    pub index: u32,
}

impl Stamp {
    /// As text, for row keys and derived ids.
    pub fn as_key(&self) -> String {
        let sequence = self.sequence.map_or_else(|| "-".to_owned(), |n| n.to_string());
        format!("{}~{sequence}~{}~{}", self.occurred_at, self.delivery, self.index)
    }
}

/// The winning statement of one source about one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// What is held true.
    pub value: Value,
    /// Who said so.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// When the delivery was received.
    pub received_at: Moment,
    /// Where in the vendor's body it stood.
    pub path: String,
    /// The vendor's bytes of the value.
    pub raw: String,
    /// The source's clock was ahead: `occurred_at` was taken back to the time of receipt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clamped: bool,
}

/// Which delivery statements are applied from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Whose registers to write.
    pub connection: &'a ConnectionName,
    /// The delivery that is being applied.
    pub delivery: &'a DeliveryId,
    /// When it was received.
    pub received_at: Moment,
    /// Position of the signal in the delivery, from 0.
    pub index: u32,
}

impl Source<'_> {
    /// The time of a statement, taken back to the time of receipt where the source's clock is ahead; true when it was.
    pub fn clamp(&self, occurred_at: Moment) -> (Moment, bool) {
        let clamped = occurred_at > self.received_at.plus(CLOCK_SKEW);
        (if clamped { self.received_at } else { occurred_at }, clamped)
    }
}

/// How far ahead of ours a vendor's clock may be before its time is taken back to the time of receipt.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// One stored item of one subject: per connection, per field, the winning statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about.
    pub subject: SubjectId,
    /// Which item of the subject.
    pub key: FactKey,
    /// A connection that opens accounts (a CRM) has spoken about this subject.
    #[serde(default)]
    pub opens_account: bool,
    /// The registers.
    pub registers: BTreeMap<ConnectionName, BTreeMap<Field, Register>>,
}

impl Fact {
    /// Nothing known yet.
    pub fn empty(subject: SubjectId, key: FactKey) -> Self {
        Self { subject, key, opens_account: false, registers: BTreeMap::new() }
    }

    /// Merges statements into the registers of their connection; true when anything changed.
    ///
    /// The winner of a field is the greatest (occurred_at, vendor sequence, value); of equal statements the first
    /// received. So a snapshot that repeats what is known changes nothing, and any order and any repetition of the same
    /// deliveries ends in the same bytes (P2).
    pub fn apply(&mut self, source: Source<'_>, statements: &[Statement]) -> bool {
        let mut changed = false;
        for statement in statements {
            let (occurred_at, clamped) = source.clamp(statement.occurred_at);
            let register = Register {
                value: statement.value.clone(),
                stamp: Stamp {
                    occurred_at,
                    sequence: statement.sequence,
                    delivery: source.delivery.clone(),
                    index: source.index,
                },
                received_at: source.received_at,
                path: statement.path.clone(),
                raw: statement.raw.clone(),
                clamped,
            };
            let of_connection = self.registers.entry(source.connection.clone()).or_default();
            match of_connection.get(&statement.field) {
                Some(held) if !register.beats(held) => {}
                _ => {
                    of_connection.insert(statement.field, register);
                    changed = true;
                }
            }
        }
        changed
    }

    /// When what the fact is about came to its end, as last told: a ticket's solution, an answer. `None` while nobody has
    /// said anything of an end.
    pub fn ended(&self) -> Option<Ended> {
        let field = match self.key {
            FactKey::Ticket => Field::SolvedAt,
            FactKey::Response => Field::RespondedAt,
            FactKey::Profile
            | FactKey::Contact
            | FactKey::Deal
            | FactKey::Subscription(_)
            | FactKey::Sentiment
            | FactKey::Touchpoint
            | FactKey::Usage(_)
            | FactKey::Payment
            | FactKey::Milestone(_)
            | FactKey::Override
            | FactKey::Incident
            | FactKey::Task(_)
            | FactKey::PlayRequest(_)
            | FactKey::PlayClose(_)
            | FactKey::Answer(_)
            | FactKey::Rescore
            | FactKey::Tick => return None,
        };
        let told = self.registers.values().filter_map(|fields| fields.get(&field));
        let last = told.max_by(|a, b| a.order().cmp(&b.order()))?;
        let at = match last.value {
            Value::Moment(at) => Some(at),
            _ => None,
        };
        let sequence = last.stamp.sequence.unwrap_or_default();
        let value = at.map(|at| at.to_string()).unwrap_or_default();
        Some(Ended { at, order: format!("{}~{sequence:020}~{value}", last.stamp.occurred_at) })
    }

    /// Every register with its connection and field.
    pub fn all_registers(&self) -> impl Iterator<Item = (&ConnectionName, Field, &Register)> {
        self.registers.iter().flat_map(|(connection, fields)| fields.iter().map(move |(f, r)| (connection, *f, r)))
    }
}

impl Register {
    fn order(&self) -> (Moment, Option<u64>, &Value) {
        (self.stamp.occurred_at, self.stamp.sequence, &self.value)
    }

    fn beats(&self, held: &Self) -> bool {
        let first = |r: &Self| Reverse((r.received_at, r.stamp.delivery.clone(), r.stamp.index, r.path.clone()));
        (self.order(), first(self)) > (held.order(), first(held))
    }
}

/// The end of what a leaf is about, in a form that can be kept beside it: see [`Fact::ended`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When; `None` when it was opened again.
    pub at: Option<Moment>,
    /// Orders what was told of the end, as text: the greater was told later.
    pub order: String,
}

/// A fact of a member of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Fewest steps from the member up to the account; 0 for the account itself.
    pub steps: u32,
    /// The source deleted the member, or merged it into another.
    pub gone: bool,
    /// The fact.
    pub fact: Fact,
}

/// The facts of one account, read with authority: per field, which connection's word is shown.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    facts: &'a [Placed],
    authority: &'a dyn Authority,
}

/// Ranks connections per field.
pub trait Authority: std::fmt::Debug + Sync {
    /// 0 is believed first.
    fn rank(&self, field: Field, connection: &ConnectionName) -> usize;
}

impl<'a> View<'a> {
    /// The union of `facts`, all of one account.
    pub fn new(facts: &'a [Placed], authority: &'a dyn Authority) -> Self {
        Self { facts, authority }
    }

    /// All facts of the account.
    pub fn facts(&self) -> &'a [Placed] {
        self.facts
    }

    /// The shown register of a field: authority first, then fewest steps from the account, then the newer stamp. A
    /// cleared register is no value.
    pub fn register(&self, key: &FactKey, field: Field) -> Option<&'a Register> {
        let (_, _, register) = self.said(key, field).into_iter().next()?;
        Some(register).filter(|register| register.value != Value::Cleared)
    }

    /// Everything said of a field, the shown one first: whose word, about which member, and the register.
    pub fn said(&self, key: &FactKey, field: Field) -> Vec<(&'a ConnectionName, &'a SubjectId, &'a Register)> {
        let mut all: Vec<_> = self
            .facts
            .iter()
            .filter(|placed| &placed.fact.key == key)
            .flat_map(|placed| {
                let of_field = move |(connection, fields): (&'a ConnectionName, &'a BTreeMap<Field, Register>)| {
                    Some((placed, connection, fields.get(&field)?))
                };
                placed.fact.registers.iter().filter_map(of_field)
            })
            .collect();
        all.sort_by(|(a, a_connection, x), (b, b_connection, y)| {
            let rank = |connection| self.authority.rank(field, connection);
            rank(a_connection)
                .cmp(&rank(b_connection))
                .then_with(|| a.steps.cmp(&b.steps))
                .then_with(|| y.order().cmp(&x.order()))
                .then_with(|| (a_connection, &a.fact.subject).cmp(&(b_connection, &b.fact.subject)))
        });
        all.into_iter().map(|(placed, connection, register)| (connection, &placed.fact.subject, register)).collect()
    }

    /// The shown value of a text field.
    pub fn text(&self, key: &FactKey, field: Field) -> Option<&'a str> {
        match &self.register(key, field)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The shown value of a yes-or-no field.
    pub fn flag(&self, key: &FactKey, field: Field) -> Option<bool> {
        match self.register(key, field)?.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    /// A connection that opens accounts has spoken about the account itself; of a member below it, that opens nothing.
    pub fn is_opened(&self) -> bool {
        self.facts.iter().any(|p| p.steps == 0 && p.fact.key == FactKey::Profile && p.fact.opens_account)
    }

    /// The ids of the subscriptions known, in order; one that several members tell of is one.
    pub fn subscriptions(&self) -> impl Iterator<Item = &'a FactKey> {
        let keys = self.facts.iter().map(|placed| &placed.fact.key);
        keys.filter(|key| matches!(key, FactKey::Subscription(_))).collect::<BTreeSet<_>>().into_iter()
    }

    /// The facts of objects that are members of their own, such as deals; deleted ones count nowhere.
    pub fn objects(&self, key: &FactKey) -> impl Iterator<Item = &'a Placed> {
        self.facts.iter().filter(move |placed| !placed.gone && &placed.fact.key == key)
    }

    /// The latest time of receipt of anything said, ticks included: what an assessment is `as_of` (P6).
    pub fn as_of(&self) -> Option<Moment> {
        self.facts
            .iter()
            .flat_map(|placed| placed.fact.all_registers())
            .map(|(_, _, register)| register.received_at)
            .max()
    }

    /// The register received last: the news that an assessment reacts to.
    pub fn news(&self) -> Option<&'a Register> {
        self.facts
            .iter()
            .flat_map(|placed| placed.fact.all_registers().map(|(_, _, register)| register))
            .max_by_key(|register| (register.received_at, &register.stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moment(seconds: i64) -> Moment {
        Moment::from_millis(1_790_000_000_000 + seconds * 1_000).unwrap()
    }

    fn statement(field: Field, value: &str, at: i64) -> Statement {
        Statement {
            field,
            value: Value::Text(value.into()),
            occurred_at: moment(at),
            sequence: None,
            path: "$".into(),
            raw: value.into(),
        }
    }

    fn apply(fact: &mut Fact, delivery: u32, received: i64, statements: &[Statement]) -> bool {
        let connection = "hubspot".parse().unwrap();
        let delivery = DeliveryId::new(&connection, &format!("{delivery:04}"));
        fact.apply(
            Source { connection: &connection, delivery: &delivery, received_at: moment(received), index: 0 },
            statements,
        )
    }

    fn profile() -> Fact {
        Fact::empty(SubjectId::vendor("hubspot", "company", "1"), FactKey::Profile)
    }

    #[test]
    fn a_snapshot_that_repeats_what_is_known_changes_nothing() {
        let mut fact = profile();
        assert!(apply(&mut fact, 7, 100, &[statement(Field::Name, "Acme", 10)]));
        let before = fact.clone();
        for (delivery, received) in [(7, 100), (1, 200), (9, 300)] {
            assert!(!apply(&mut fact, delivery, received, &[statement(Field::Name, "Acme", 10)]));
        }
        assert_eq!(fact, before);
    }

    #[test]
    fn a_late_statement_never_overwrites_a_newer_one() {
        let mut fact = profile();
        apply(&mut fact, 2, 100, &[statement(Field::Name, "New", 50)]);
        assert!(!apply(&mut fact, 3, 200, &[statement(Field::Name, "Old", 40)]));
    }

    #[test]
    fn a_clock_far_ahead_is_taken_back_to_the_time_of_receipt() {
        let mut fact = profile();
        apply(&mut fact, 1, 100, &[statement(Field::Name, "Acme", 100 + 301)]);
        let (_, _, register) = fact.all_registers().next().unwrap();
        assert_eq!((register.stamp.occurred_at, register.clamped), (moment(100), true));
        apply(&mut fact, 2, 100, &[statement(Field::Name, "Acme 2", 100 + 300)]);
        let (_, _, register) = fact.all_registers().next().unwrap();
        assert_eq!((register.stamp.occurred_at, register.clamped), (moment(400), false));
    }

    /// The broken variant: the last to arrive wins. The property below must catch it, or it shows nothing.
    fn apply_by_arrival(fact: &mut Fact, delivery: u32, received: i64, statements: &[Statement]) -> bool {
        for fields in fact.registers.values_mut() {
            fields.retain(|field, _| statements.iter().all(|s| s.field != *field));
        }
        apply(fact, delivery, received, statements)
    }

    /// What P2 compares: every byte.
    fn values(fact: &Fact) -> String {
        serde_json::to_string(fact).unwrap()
    }

    type Deliveries = Vec<(u32, Vec<Statement>)>;

    fn deliveries() -> impl Strategy<Value = Deliveries> {
        let field = prop_oneof![Just(Field::Name), Just(Field::Tier), Just(Field::Csm)];
        let one = (field, "[ab]", 0..4_i64).prop_map(|(field, value, at)| statement(field, &value, at));
        prop::collection::vec(prop::collection::vec(one, 1..3), 1..6)
            .prop_map(|all| all.into_iter().enumerate().map(|(n, s)| (u32::try_from(n).unwrap(), s)).collect())
    }

    type Apply = fn(&mut Fact, u32, i64, &[Statement]) -> bool;

    fn folded<'a>(apply: Apply, all: impl IntoIterator<Item = &'a (u32, Vec<Statement>)>) -> String {
        let mut fact = profile();
        for (n, statements) in all {
            apply(&mut fact, *n, 1_000 + i64::from(*n), statements);
        }
        values(&fact)
    }

    /// Each case: deliveries, and the same ones in another order with one of them twice.
    fn cases() -> impl Strategy<Value = (Deliveries, Deliveries)> {
        (deliveries(), any::<prop::sample::Index>()).prop_flat_map(|(all, twice)| {
            let mut other = all.clone();
            other.push(other[twice.index(other.len())].clone());
            (Just(all), Just(other).prop_shuffle())
        })
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter((all, other) in cases()) {
            prop_assert_eq!(folded(apply, &all), folded(apply, &other));
        }
    }

    #[test]
    fn the_property_catches_a_merge_that_follows_arrival() {
        use proptest::strategy::ValueTree as _;
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let caught = (0..64).any(|_| {
            let (all, other) = cases().new_tree(&mut runner).unwrap().current();
            folded(apply_by_arrival, &all) != folded(apply_by_arrival, &other)
        });
        assert!(caught);
    }
}
