//! Numbers that look random and are the same for the same seed, on every machine.

use std::collections::BTreeSet;

/// SplitMix64 (Steele, Lea, Flood 2014), one stream per purpose, so that a change of one part of the book leaves the
/// others as they are.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream `of` of the book `seed`, the `n`-th of its kind.
    pub fn new(seed: u64, of: &str, n: usize) -> Self {
        let name = of.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        let mut mixed = Self(seed ^ name);
        let start = mixed.next();
        Self(start.wrapping_add(n as u64).wrapping_mul(0xD134_2543_DE82_EF95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).unsigned_abs().saturating_add(1);
        low.saturating_add_unsigned(self.next() % span)
    }

    /// True in so many of a thousand cases.
    pub fn per_mille(&mut self, n: i64) -> bool {
        self.between(0, 999) < n
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, n: i64) -> bool {
        self.per_mille(10 * n)
    }

    /// One of a list that is not empty.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let at = self.next() % all.len() as u64;
        all[usize::try_from(at).unwrap_or_default()]
    }

    /// `count` different numbers below `of`.
    pub fn some_of(&mut self, count: usize, of: usize) -> BTreeSet<usize> {
        self.shuffled(of).into_iter().take(count).collect()
    }

    /// The numbers below `of`, in any order.
    pub fn shuffled(&mut self, of: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..of).collect();
        for at in (1..of).rev() {
            let with = self.next() % (at as u64 + 1);
            all.swap(at, usize::try_from(with).unwrap_or_default());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_every_time_and_another_than_the_others() {
        let draw = |seed, of, n| {
            let mut dice = Dice::new(seed, of, n);
            (0..8).map(|_| dice.between(0, 999)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, "usage", 3), draw(1, "usage", 3));
        for other in [draw(2, "usage", 3), draw(1, "tickets", 3), draw(1, "usage", 4)] {
            assert_ne!(draw(1, "usage", 3), other);
        }
    }

    #[test]
    fn chances_come_out_as_often_as_they_say() {
        let mut dice = Dice::new(7, "chance", 0);
        let hits = (0..10_000).filter(|_| dice.percent(30)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        assert_eq!(dice.some_of(30, 90).len(), 30);
    }
}
