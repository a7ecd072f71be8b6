//! The score and its parts, exact: no floats, and the parts always add up.

/// One measure as the score sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighed {
    /// Index of its dimension.
    pub dimension: usize,
    /// Its weight within the dimension, at least 1.
    pub weight: u32,
    /// Its points, 0 to 10 000; `None` leaves it out.
    pub points: Option<u16>,
    /// A configured connection can feed it.
    pub wired: bool,
    /// The points come from a value, not from a rule about missing ones.
    pub usable: bool,
}

/// A score in basis points with its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored {
    /// 0 to 10 000, rounded half-up; `None` when no measure has points.
    pub score: Option<u16>,
    /// Basis points each measure gave; the sum is the score.
    pub gained: Vec<u16>,
    /// Basis points each measure could have given and did not; the sum is 10 000 − score.
    pub missed: Vec<u16>,
    /// Usable weight ÷ wired weight in basis points, rounded down.
    pub confidence: u16,
}

const FULL: u128 = 10_000;

/// Σ weight·points ÷ Σ weight over the measures of a dimension that have points, then the same over the dimensions that
/// have one. The parts are the exact shares, rounded by largest remainder, ties in measure order.
///
/// `dimensions` are the weights of the dimensions, each at least 1. All arithmetic is in whole numbers over one common
/// denominator, the product of the weights summed per dimension: with weights as people write them it stays far below
/// 128 bits.
pub fn score(dimensions: &[u32], measures: &[Weighed]) -> Scored {
    let counted = |m: &Weighed| m.points.is_some();
    let shares = Shares::new(dimensions, measures, counted);
    let confidence = confidence(dimensions, measures);
    if shares.denominator == 0 {
        let none = vec![0; measures.len()];
        return Scored { score: None, gained: none.clone(), missed: none, confidence };
    }
    let points = |m: &Weighed| u128::from(m.points.unwrap_or(0));
    let gained: Vec<u128> = shares.of.iter().zip(measures).map(|(share, m)| share * points(m)).collect();
    let missed: Vec<u128> = shares
        .of
        .iter()
        .zip(measures)
        .map(|(share, m)| if counted(m) { share * (FULL - points(m)) } else { 0 })
        .collect();
    let total: u128 = gained.iter().sum();
    let score = (2 * total + shares.denominator) / (2 * shares.denominator);
    Scored {
        score: Some(to_basis_points(score)),
        gained: apportion(&gained, shares.denominator, score),
        missed: apportion(&missed, shares.denominator, FULL - score),
        confidence,
    }
}

/// Each measure's share of the whole as a numerator over one denominator; 0 over 0 when nothing takes part.
struct Shares {
    of: Vec<u128>,
    denominator: u128,
}

impl Shares {
    fn new(dimensions: &[u32], measures: &[Weighed], takes_part: impl Fn(&Weighed) -> bool) -> Self {
        let mut sums = vec![0_u128; dimensions.len()];
        for measure in measures.iter().filter(|m| takes_part(m)) {
            sums[measure.dimension] += u128::from(measure.weight);
        }
        let whole: u128 = dimensions.iter().zip(&sums).filter(|(_, sum)| **sum > 0).map(|(w, _)| u128::from(*w)).sum();
        let product: u128 = sums.iter().filter(|sum| **sum > 0).product();
        let of = measures
            .iter()
            .map(|m| {
                if takes_part(m) {
                    u128::from(dimensions[m.dimension]) * u128::from(m.weight) * (product / sums[m.dimension])
                } else {
                    0
                }
            })
            .collect();
        Self { of, denominator: whole * product }
    }
}

fn confidence(dimensions: &[u32], measures: &[Weighed]) -> u16 {
    // Shares of all measures, wired or not, so that a dimension's weight does not shift to what happens to be known.
    let shares = Shares::new(dimensions, measures, |_| true);
    let sum = |takes_part: &dyn Fn(&Weighed) -> bool| -> u128 {
        shares.of.iter().zip(measures).filter(|(_, m)| takes_part(m)).map(|(share, _)| share).sum()
    };
    let wired = sum(&|m| m.wired);
    let usable = sum(&|m| m.wired && m.usable);
    to_basis_points((usable * FULL).checked_div(wired).unwrap_or(0))
}

/// Whole numbers that add up to `total` and are each the floor of their share or one more: the remainder goes to the
/// largest fractions, ties to the earlier one.
fn apportion(numerators: &[u128], denominator: u128, total: u128) -> Vec<u16> {
    let mut whole: Vec<u128> = numerators.iter().map(|n| n / denominator).collect();
    let mut by_fraction: Vec<usize> = (0..numerators.len()).collect();
    by_fraction.sort_by_key(|i| std::cmp::Reverse(numerators[*i] % denominator));
    let left = total.saturating_sub(whole.iter().sum());
    for i in by_fraction.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        whole[i] += 1;
    }
    whole.into_iter().map(to_basis_points).collect()
}

fn to_basis_points(n: u128) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Independent of the code above: rational numbers, one operation at a time.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    struct Ratio(i128, i128);

    impl Ratio {
        fn new(n: i128, d: i128) -> Self {
            fn gcd(a: i128, b: i128) -> i128 {
                if b == 0 { a.abs().max(1) } else { gcd(b, a % b) }
            }
            let by = gcd(n, d);
            Self(n / by, d / by)
        }
        fn plus(self, o: Self) -> Self {
            Self::new(self.0 * o.1 + o.0 * self.1, self.1 * o.1)
        }
        fn times(self, o: Self) -> Self {
            Self::new(self.0 * o.0, self.1 * o.1)
        }
        fn over(self, o: Self) -> Self {
            Self::new(self.0 * o.1, self.1 * o.0)
        }
    }

    const ZERO: Ratio = Ratio(0, 1);

    fn whole(n: impl Into<i128>) -> Ratio {
        Ratio(n.into(), 1)
    }

    /// The definition, read aloud: the mean of means.
    fn reference(dimensions: &[u32], measures: &[Weighed]) -> Option<Ratio> {
        let (mut top, mut bottom) = (ZERO, ZERO);
        for (at, weight) in dimensions.iter().enumerate() {
            let (mut sum, mut weights) = (ZERO, ZERO);
            for m in measures.iter().filter(|m| m.dimension == at) {
                if let Some(points) = m.points {
                    sum = sum.plus(whole(m.weight).times(whole(points)));
                    weights = weights.plus(whole(m.weight));
                }
            }
            if weights != ZERO {
                top = top.plus(whole(*weight).times(sum.over(weights)));
                bottom = bottom.plus(whole(*weight));
            }
        }
        (bottom != ZERO).then(|| top.over(bottom))
    }

    fn models() -> impl Strategy<Value = (Vec<u32>, Vec<Weighed>)> {
        prop::collection::vec(1..60_u32, 1..5).prop_flat_map(|dimensions| {
            let one = (0..dimensions.len(), 1..40_u32, prop::option::weighted(0.75, 0..=10_000_u16), any::<bool>())
                .prop_map(|(dimension, weight, points, wired)| Weighed {
                    dimension,
                    weight,
                    points,
                    wired,
                    usable: points.is_some(),
                });
            (Just(dimensions), prop::collection::vec(one, 1..9))
        })
    }

    proptest! {
        #[test]
        fn the_score_is_the_rounded_mean_of_means_and_its_parts_add_up((dimensions, measures) in models()) {
            let scored = score(&dimensions, &measures);
            let expected = reference(&dimensions, &measures);
            let rounded = expected.map(|r| u16::try_from((2 * r.0 + r.1).div_euclid(2 * r.1)).unwrap());
            prop_assert_eq!(scored.score, rounded);
            if let Some(total) = scored.score {
                prop_assert_eq!(scored.gained.iter().sum::<u16>(), total);
                prop_assert_eq!(scored.missed.iter().sum::<u16>(), 10_000 - total);
            }
            // Each part is its exact share or less than one basis point beside it.
            for (at, m) in measures.iter().enumerate() {
                let mut alone = measures.clone();
                for (other, one) in alone.iter_mut().enumerate() {
                    if one.points.is_some() && other != at {
                        one.points = Some(0);
                    }
                }
                if m.points.is_some() {
                    let share = reference(&dimensions, &alone).unwrap();
                    let difference = share.plus(whole(-i128::from(scored.gained[at])));
                    prop_assert!(difference.0.abs() < difference.1, "{:?} for {}", share, scored.gained[at]);
                } else {
                    prop_assert_eq!((scored.gained[at], scored.missed[at]), (0, 0));
                }
            }
        }

        #[test]
        fn bad_news_never_raises_the_score((dimensions, measures) in models(), at in any::<prop::sample::Index>(), by in 1..10_000_u16) {
            let before = score(&dimensions, &measures).score;
            let mut worse = measures.clone();
            let at = at.index(worse.len());
            worse[at].points = worse[at].points.map(|p| p.saturating_sub(by));
            prop_assert!(score(&dimensions, &worse).score <= before);
        }
    }

    #[test]
    fn confidence_is_what_is_known_of_what_could_be() {
        let m =
            |dimension, weight, points, wired| Weighed { dimension, weight, points, wired, usable: points.is_some() };
        let all = [m(0, 1, Some(5_000), true), m(1, 1, None, true), m(2, 1, None, false)];
        assert_eq!(score(&[40, 40, 20], &all).confidence, 5_000);
        assert_eq!(score(&[40, 40, 20], &[m(0, 1, None, false)]).confidence, 0);
    }
}
