//! Random changes of the sample companies, the same for the same seed.

use super::{Phase, Sample, SampleDelivery, SampleError, Var, When, index};

/// Throws of a die whose order follows from the seed: splitmix64 (Steele, Lea and Flood 2014), which is plenty for
/// choosing samples and keeps the sequence the same across versions of any crate.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The die of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `below` − 1; 0 when `below` is 0.
    pub fn throw(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let number = (z ^ (z >> 31)) % u64::try_from(below.max(1)).unwrap_or(u64::MAX);
        usize::try_from(number).unwrap_or(0)
    }
}

/// Puts `items` into the order of the seed.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut dice = Dice::new(seed);
    for at in (1..items.len()).rev() {
        items.swap(at, dice.throw(at + 1));
    }
}

/// `count` changes of the sample customers: of the CSM's word, the last contact, the renewal date or the revenue. Their
/// sequence follows on `first.sequence`.
///
/// # Errors
/// When the index or a template is damaged.
pub fn random(seed: u64, count: u32, first: &When) -> Result<Vec<SampleDelivery>, SampleError> {
    let mut customers = index()?;
    customers.retain(|sample| sample.phase == Some(Phase::Baseline) && sample.vars.contains_key("customer_days"));
    if customers.is_empty() {
        return Ok(Vec::new());
    }
    let mut dice = Dice::new(seed);
    let mut deliveries = Vec::new();
    for number in 0..count {
        let which = dice.throw(customers.len());
        // What changed stays changed: each company's own story goes on.
        let story = &mut customers[which];
        let sequence = first.sequence.saturating_add(number);
        for (name, value) in change(&mut dice) {
            story.changed.insert(name.clone(), Some(sequence));
            story.vars.insert(name, value);
        }
        let named = Sample { name: format!("random-{seed}-{}", number + 1), phase: None, ..story.clone() };
        deliveries.push(named.at(&When { sequence, ..*first })?);
    }
    Ok(deliveries)
}

fn change(dice: &mut Dice) -> Vec<(String, Var)> {
    let var = |name: &str, value| (name.to_owned(), value);
    let int = |value: usize| Var::Int(i64::try_from(value).unwrap_or(0));
    match dice.throw(4) {
        0 => {
            let word = ["green", "yellow", "red"][dice.throw(3)];
            vec![var("sentiment", Var::Text(word.to_owned()))]
        }
        1 => vec![var("contact_days", int(dice.throw(120)))],
        // The date that is no date gives way to a real one.
        2 => vec![var("renews_in", int(dice.throw(400))), var("renews_text", Var::Text(String::new()))],
        _ => vec![var("arr", Var::Text((1_000 + 500 * dice.throw(400)).to_string()))],
    }
}
