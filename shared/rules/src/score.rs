//! The score and its parts, exact: no floats, and the parts always add up.

/// A group of measures as the score sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Its weight among the groups, at least 1.
    pub weight: u32,
    /// Below this share of its wired weight it is unknown and left out, in basis points.
    pub min_coverage: u16,
}

/// One measure as the score sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighed {
    /// Index of its group.
    pub group: usize,
    /// Its weight within the group, at least 1.
    pub weight: u32,
    /// Its points, 0 to 10 000; `None` leaves it out.
    pub points: Option<u16>,
    /// A configured connection can feed it.
    pub wired: bool,
    /// The points come from a value, live or kept, not from a rule about missing ones.
    pub covered: bool,
    /// The value is live.
    pub live: bool,
}

/// A score in basis points with its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored {
    /// 0 to 10 000, after the caps; `None` when no measure has points.
    pub score: Option<u16>,
    /// Basis points each measure gave; the sum less what the caps took is the score.
    pub gained: Vec<u16>,
    /// Basis points each measure could have given and did not; the sum and what the caps took is 10 000 − score.
    pub missed: Vec<u16>,
    /// The share of the score that is each measure's; the sum is 10 000, or 0 without a score.
    pub weights: Vec<u16>,
    /// What each cap took, in their order.
    pub taken: Vec<u16>,
    /// The mean of each group, rounded half-up; `None` where it is unknown.
    pub groups: Vec<Option<u16>>,
    /// What [`Scale`] knows of the measures.
    pub scale: Scale,
}

/// All points, as basis points: part of the scale.
const FULL: u128 = 10_000;

/// Σ weight·points ÷ Σ weight over the measures of a group that have points, then the same over the groups that are
/// known; then each cap in turn takes what lies above its limit. The parts are the exact shares, rounded by largest
/// remainder, ties in measure order.
///
/// All arithmetic is in whole numbers over one common denominator, the product of the weights summed per group: with
/// weights as people write them it stays far below 128 bits.
pub fn score(groups: &[Group], measures: &[Weighed], limits: &[u16]) -> Scored {
    let scale = Scale::new(groups, measures);
    let Some(score) = scale.score(measures) else {
        let none = vec![0; measures.len()];
        let taken = vec![0; limits.len()];
        let groups = vec![None; groups.len()];
        return Scored { score: None, gained: none.clone(), missed: none.clone(), weights: none, taken, groups, scale };
    };
    let parts = |of: &dyn Fn(u128) -> u128, total: u128| {
        let parts = scale.shares.iter().zip(measures).map(|(share, m)| share * of(points(m))).collect::<Vec<_>>();
        apportion(&parts, scale.denominator, total)
    };
    let total = u128::from(score);
    let (capped, taken) = capped(score, limits);
    Scored {
        score: Some(capped),
        gained: parts(&|points| points, total),
        missed: parts(&|points| FULL - points, FULL - total),
        weights: parts(&|_| FULL, FULL),
        taken,
        groups: (0..groups.len()).map(|at| scale.group(at, measures)).collect(),
        scale,
    }
}

/// The score under these limits, and what each took.
pub(crate) fn capped(score: u16, limits: &[u16]) -> (u16, Vec<u16>) {
    let mut left = score;
    let taken = limits.iter().map(|limit| {
        let taken = left.saturating_sub(*limit);
        left -= taken;
        taken
    });
    let taken = taken.collect();
    (left, taken)
}

fn points(measure: &Weighed) -> u128 {
    u128::from(measure.points.unwrap_or(0))
}

/// What does not depend on the points: which measures take part and how much each weighs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// Each measure's share of the whole as a numerator; 0 for one that takes no part.
    shares: Vec<u128>,
    /// 0 when nothing takes part.
    denominator: u128,
    /// The share of each group's wired weight that has a value, in basis points.
    pub group_coverage: Vec<u16>,
    /// Weight with a live value ÷ wired weight, in basis points, rounded down; of groups that are known.
    pub confidence: u16,
    /// The same with values that are kept.
    pub coverage: u16,
}

impl Scale {
    /// Of measures in groups of these weights.
    pub fn new(groups: &[Group], measures: &[Weighed]) -> Self {
        let sum = |at: usize, of: &dyn Fn(&Weighed) -> bool| -> u128 {
            let counted = measures.iter().filter(|m| m.group == at && of(m));
            counted.map(|m| u128::from(m.weight)).sum()
        };
        let part = |covered: u128, wired: u128| to_basis_points((covered * FULL).checked_div(wired).unwrap_or(0));
        let group_coverage: Vec<u16> =
            (0..groups.len()).map(|at| part(sum(at, &|m| m.wired && m.covered), sum(at, &|m| m.wired))).collect();
        let is_known = |m: &Weighed| group_coverage[m.group] >= groups[m.group].min_coverage;
        let (shares, denominator) = shares(groups, measures, &|m| m.points.is_some() && is_known(m));
        // Shares of all measures, wired or not, so that a group's weight does not shift to what happens to be known.
        let (all, _) = self::shares(groups, measures, &|_| true);
        let share_of = |of: &dyn Fn(&Weighed) -> bool| -> u128 {
            all.iter().zip(measures).filter(|(_, m)| m.wired && of(m)).map(|(share, _)| share).sum()
        };
        let wired = share_of(&|_| true);
        let confidence = part(share_of(&|m| m.live && is_known(m)), wired);
        let coverage = part(share_of(&|m| m.covered && is_known(m)), wired);
        Self { shares, denominator, group_coverage, confidence, coverage }
    }

    /// The weighted score, rounded half-up, before any cap; `None` when nothing takes part.
    pub fn score(&self, measures: &[Weighed]) -> Option<u16> {
        let total: u128 = self.shares.iter().zip(measures).map(|(share, m)| share * points(m)).sum();
        rounded(total, self.denominator)
    }

    /// The mean of a group.
    fn group(&self, at: usize, measures: &[Weighed]) -> Option<u16> {
        let shares = || self.shares.iter().zip(measures).filter(|(_, m)| m.group == at);
        let total: u128 = shares().map(|(share, m)| share * points(m)).sum();
        rounded(total, shares().map(|(share, _)| share).sum())
    }
}

pub(crate) fn rounded(total: u128, denominator: u128) -> Option<u16> {
    (denominator > 0).then(|| to_basis_points((2 * total + denominator) / (2 * denominator)))
}

/// Each measure's share of the whole as a numerator, and the denominator; 0 over 0 when nothing takes part.
fn shares(groups: &[Group], measures: &[Weighed], takes_part: &dyn Fn(&Weighed) -> bool) -> (Vec<u128>, u128) {
    let mut sums = vec![0_u128; groups.len()];
    for measure in measures.iter().filter(|m| takes_part(m)) {
        sums[measure.group] += u128::from(measure.weight);
    }
    let taking = groups.iter().zip(&sums).filter(|(_, sum)| **sum > 0);
    let whole: u128 = taking.map(|(group, _)| u128::from(group.weight)).sum();
    let product: u128 = if whole == 0 { 0 } else { sums.iter().filter(|sum| **sum > 0).product() };
    let share = |m: &Weighed| match sums[m.group] {
        sum if sum > 0 && takes_part(m) => u128::from(groups[m.group].weight) * u128::from(m.weight) * (product / sum),
        _ => 0,
    };
    (measures.iter().map(share).collect(), whole * product)
}

/// Whole numbers that add up to `total` and are each the floor of their share or one more: the remainder goes to the
/// largest fractions, ties to the earlier one.
pub(crate) fn apportion(numerators: &[u128], denominator: u128, total: u128) -> Vec<u16> {
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

    /// The definition, read aloud: which groups are known, the mean of means, and the lowest limit.
    fn is_known(groups: &[Group], measures: &[Weighed], at: usize) -> bool {
        let of = |counts: &dyn Fn(&Weighed) -> bool| {
            measures
                .iter()
                .filter(|m| m.group == at && m.wired && counts(m))
                .map(|m| i128::from(m.weight))
                .sum::<i128>()
        };
        let (covered, wired) = (of(&|m| m.covered), of(&|_| true));
        let needed = groups[at].min_coverage;
        needed == 0 || (wired > 0 && covered * 10_000 >= i128::from(needed) * wired)
    }

    fn reference(groups: &[Group], measures: &[Weighed]) -> Option<Ratio> {
        let (mut top, mut bottom) = (ZERO, ZERO);
        for (at, group) in groups.iter().enumerate().filter(|(at, _)| is_known(groups, measures, *at)) {
            let (mut sum, mut weights) = (ZERO, ZERO);
            for m in measures.iter().filter(|m| m.group == at) {
                if let Some(points) = m.points {
                    sum = sum.plus(whole(m.weight).times(whole(points)));
                    weights = weights.plus(whole(m.weight));
                }
            }
            if weights != ZERO {
                top = top.plus(whole(group.weight).times(sum.over(weights)));
                bottom = bottom.plus(whole(group.weight));
            }
        }
        (bottom != ZERO).then(|| top.over(bottom))
    }

    /// Groups, measures in all their states, and the limits of the caps that hold.
    fn models() -> impl Strategy<Value = (Vec<Group>, Vec<Weighed>, Vec<u16>)> {
        let group = (1..60_u32, prop::sample::select(vec![0, 0, 2_500, 5_000, 9_000]));
        let groups =
            prop::collection::vec(group.prop_map(|(weight, min_coverage)| Group { weight, min_coverage }), 1..5);
        groups.prop_flat_map(|groups| {
            let state = prop::sample::select(vec!["live", "live", "live", "kept", "assumed", "missing", "not wired"]);
            let one = (0..groups.len(), 1..40_u32, 0..=10_000_u16, state).prop_map(|(group, weight, points, state)| {
                let points = (!matches!(state, "missing" | "not wired")).then_some(points);
                let covered = matches!(state, "live" | "kept");
                Weighed { group, weight, points, wired: state != "not wired", covered, live: state == "live" }
            });
            (Just(groups), prop::collection::vec(one, 1..9), prop::collection::vec(0..=10_000_u16, 0..4))
        })
    }

    proptest! {
        #[test]
        fn the_score_is_the_capped_mean_of_means_and_its_parts_add_up((groups, measures, limits) in models()) {
            let scored = score(&groups, &measures, &limits);
            let expected = reference(&groups, &measures);
            let rounded = expected.map(|r| u16::try_from((2 * r.0 + r.1).div_euclid(2 * r.1)).unwrap());
            prop_assert_eq!(scored.score, rounded.map(|all| limits.iter().copied().fold(all, u16::min)));
            let sum = |parts: &[u16]| parts.iter().map(|part| i32::from(*part)).sum::<i32>();
            if let Some(total) = scored.score.map(i32::from) {
                prop_assert_eq!(sum(&scored.gained) - sum(&scored.taken), total);
                prop_assert_eq!(sum(&scored.missed) + sum(&scored.taken), 10_000 - total);
                prop_assert_eq!(sum(&scored.weights), 10_000);
            }
            // Each part is its exact share or less than one basis point beside it.
            for (at, m) in measures.iter().enumerate() {
                let mut alone = measures.clone();
                for (other, one) in alone.iter_mut().enumerate() {
                    if one.points.is_some() && other != at {
                        one.points = Some(0);
                    }
                }
                if m.points.is_some() && is_known(&groups, &measures, m.group) {
                    let share = reference(&groups, &alone).unwrap();
                    let difference = share.plus(whole(-i128::from(scored.gained[at])));
                    prop_assert!(difference.0.abs() < difference.1, "{:?} for {}", share, scored.gained[at]);
                    alone[at].points = Some(10_000);
                    let weight = reference(&groups, &alone).unwrap().plus(whole(-i128::from(scored.weights[at])));
                    prop_assert!(weight.0.abs() < weight.1, "weight {}", scored.weights[at]);
                } else {
                    prop_assert_eq!((scored.gained[at], scored.missed[at], scored.weights[at]), (0, 0, 0));
                }
            }
        }

        #[test]
        fn bad_news_never_raises_the_score(
            (groups, measures, limits) in models(),
            at in any::<prop::sample::Index>(),
            by in 1..10_000_u16,
        ) {
            let before = score(&groups, &measures, &limits).score;
            let mut worse = measures.clone();
            let at = at.index(worse.len());
            worse[at].points = worse[at].points.map(|p| p.saturating_sub(by));
            prop_assert!(score(&groups, &worse, &limits).score <= before);
            let mut more = limits.clone();
            more.push(by);
            prop_assert!(score(&groups, &measures, &more).score <= before);
        }
    }

    fn measure(group: usize, points: Option<u16>, wired: bool, live: bool) -> Weighed {
        Weighed { group, weight: 1, points, wired, covered: points.is_some(), live }
    }

    #[test]
    fn confidence_is_what_is_live_of_what_could_be_and_coverage_what_is_known() {
        let groups = [40, 40, 20].map(|weight| Group { weight, min_coverage: 0 });
        let of = |measures: &[Weighed]| {
            let scale = Scale::new(&groups, measures);
            (scale.confidence, scale.coverage)
        };
        let live = measure(0, Some(5_000), true, true);
        assert_eq!(of(&[live, measure(1, None, true, false), measure(2, None, false, false)]), (5_000, 5_000));
        assert_eq!(of(&[live, measure(1, Some(1), true, false), measure(2, None, false, false)]), (5_000, 10_000));
        assert_eq!(of(&[measure(0, None, false, false)]), (0, 0));
    }

    #[test]
    fn a_group_of_which_too_little_is_known_is_left_out() {
        let groups = [Group { weight: 1, min_coverage: 5_000 }, Group { weight: 1, min_coverage: 0 }];
        let mut measures = [
            measure(0, Some(0), true, true),
            measure(0, None, true, false),
            measure(0, None, true, false),
            measure(1, Some(8_000), true, true),
        ];
        let scored = score(&groups, &measures, &[]);
        assert_eq!((scored.score, scored.groups), (Some(8_000), vec![None, Some(8_000)]));
        assert_eq!(scored.scale.group_coverage, [3_333, 10_000]);
        measures[1] = measure(0, Some(0), true, true);
        assert_eq!(score(&groups, &measures, &[]).score, Some(4_000));
    }

    #[test]
    fn caps_take_in_their_order_what_lies_above_them() {
        assert_eq!(capped(8_200, &[6_900, 3_900]), (3_900, vec![1_300, 3_000]));
        assert_eq!(capped(8_200, &[3_900, 6_900]), (3_900, vec![4_300, 0]));
        assert_eq!(capped(2_000, &[3_900]), (2_000, vec![0]));
    }
}
