//! Parents and children: what children come to together, exact, and what an account tells the one that it names as its
//! parent.

use std::collections::BTreeMap;

use config::Config;
use model::{
    Assessment, Band, Child, ChildStanding, ChildWeight, Currency, DeliveryId, FactKey, Field, LeftOut, LeftOutBecause,
    Moment, Prior, RollUp, RollUpMode, RollUpRow, Score, Stamp, SubjectId, ToldParent, View,
};

use crate::alert;
use crate::decide::Input;
use crate::known::Known;
use crate::news::News;
use crate::score::{apportion, rounded};
use crate::told::Told;

/// How the children of an account stand, with the band of their score before anything that may keep it from being green.
#[derive(Debug, Clone)]
pub(crate) struct Rolled {
    /// Without what the account's own facts say, which is not known yet.
    pub up: RollUp,
    pub score_band: Option<Band>,
    /// The score is green, and none of those that make it up is.
    pub provisional: bool,
}

impl Rolled {
    /// The band of the score; `None` when no child counts.
    pub fn band(&self) -> Option<Band> {
        self.score_band.map(|band| if self.provisional { Band::Yellow } else { band })
    }
}

/// What the children of an account come to; `None` where that is not asked for, or it has none.
pub(crate) fn rolled(input: Input<'_>, view: View<'_>, config: &Config, prior: Option<&Prior>) -> Option<Rolled> {
    let mode = config.model.roll_up?;
    let parent = parent(view, input.account).map(|(parent, _)| parent);
    let mut live: Vec<(&SubjectId, &ChildStanding)> = input
        .children
        .iter()
        .filter_map(|told| Some((&told.child.account, told.child.standing.as_ref()?)))
        // Two that name each other are each other's equals.
        .filter(|(child, _)| *child != input.account && Some(*child) != parent.as_ref())
        .collect();
    live.sort_by_key(|(child, _)| *child);
    let beyond = live.len().saturating_sub(RollUp::MOST);
    live.truncate(RollUp::MOST);
    let levels = live.iter().map(|(_, standing)| standing.levels).max()?.saturating_add(1).min(RollUp::MOST_LEVELS);
    let currency = most_common_currency(&live);
    let (mut counted, mut left_out) = (Vec::new(), Vec::new());
    for (child, standing) in live {
        match weighed(mode, standing, currency) {
            Ok((score, weight)) => counted.push(Counted { child, standing, score, weight }),
            Err(because) => {
                left_out.push(LeftOut { child: child.clone(), name: standing.name.clone(), because });
            }
        }
    }
    if mode == RollUpMode::WorstChild {
        let worst = counted.iter().map(|child| (child.score, child.child.clone())).min();
        for child in &mut counted {
            child.weight = u128::from(worst.as_ref().is_some_and(|(_, worst)| worst == child.child));
        }
    }
    let up = summed(mode, &counted, prior.map(|prior| &prior.children));
    let score_band = up.score.map(|score| config.model.bands.of(score, prior.and_then(|p| p.memory.rolled_band)));
    let is_green = |row: &RollUpRow| row.share > 0 && row.band == Band::Green;
    let provisional = score_band == Some(Band::Green) && !up.rows.iter().any(is_green);
    Some(Rolled { up: RollUp { left_out, beyond, levels, ..up }, score_band, provisional })
}

/// A child that counts.
struct Counted<'a> {
    child: &'a SubjectId,
    standing: &'a ChildStanding,
    score: Score,
    weight: u128,
}

/// The score of a child that counts and what it weighs, or why it does not count.
fn weighed(
    mode: RollUpMode,
    standing: &ChildStanding,
    most: Option<Currency>,
) -> Result<(Score, u128), LeftOutBecause> {
    if standing.levels >= RollUp::MOST_LEVELS {
        return Err(LeftOutBecause::Ring);
    }
    let score = standing.score.ok_or(LeftOutBecause::NoScore)?;
    let weight = match (mode, standing.weight) {
        (RollUpMode::WorstChild, _) => 1,
        (RollUpMode::RevenueWeighted, Some(ChildWeight::Revenue(arr))) if Some(arr.currency) != most => {
            return Err(LeftOutBecause::OtherCurrency);
        }
        (RollUpMode::RevenueWeighted, Some(ChildWeight::Revenue(arr))) => arr.minor,
        (RollUpMode::SeatWeighted, Some(ChildWeight::Seats(seats))) => seats,
        (RollUpMode::RevenueWeighted, Some(ChildWeight::Seats(_)) | None)
        | (RollUpMode::SeatWeighted, Some(ChildWeight::Revenue(_)) | None) => 0,
    };
    match u128::try_from(weight) {
        Ok(weight @ 1..) => Ok((score, weight)),
        Ok(0) | Err(_) => Err(LeftOutBecause::NoWeight),
    }
}

/// Amounts of several currencies are never added: the one that most children state counts, of equals the first by its code.
fn most_common_currency(live: &[(&SubjectId, &ChildStanding)]) -> Option<Currency> {
    let mut counts: BTreeMap<Currency, usize> = BTreeMap::new();
    for (_, standing) in live {
        if let Some(ChildWeight::Revenue(arr)) = standing.weight {
            *counts.entry(arr.currency).or_default() += 1;
        }
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(currency, _)| currency)
}

/// Σ weight·score ÷ Σ weight, rounded half-up, with the part of each child by largest remainder.
fn summed(mode: RollUpMode, counted: &[Counted<'_>], before: Option<&BTreeMap<SubjectId, (u16, Score)>>) -> RollUp {
    let parts = |of: fn(&Counted<'_>) -> u16| -> Vec<u128> {
        counted.iter().map(|child| child.weight * u128::from(of(child))).collect()
    };
    let whole: u128 = counted.iter().map(|child| child.weight).sum();
    let of_score = parts(|child| child.score.basis_points());
    let score = rounded(of_score.iter().sum(), whole).and_then(|points| Score::new(points).ok());
    let (gained, shares) = match score {
        Some(score) => (
            apportion(&of_score, whole, u128::from(score.basis_points())),
            apportion(&parts(|_| Score::MAX), whole, u128::from(Score::MAX)),
        ),
        None => (vec![], vec![]),
    };
    let rows = counted.iter().zip(gained).zip(shares).map(|((child, gained), share)| {
        let was = before.and_then(|before| before.get(child.child));
        RollUpRow {
            child: child.child.clone(),
            name: child.standing.name.clone(),
            score: child.score,
            band: child.standing.band,
            weight: child.standing.weight,
            share,
            gained,
            change: was.map(|(was, _)| i32::from(gained) - i32::from(*was)),
            before: was.map(|(_, score)| *score).filter(|score| *score != child.score),
        }
    });
    let weight = counted.iter().filter_map(|child| child.standing.weight).reduce(added);
    let (own_score, own_band) = (None, Band::Unknown);
    RollUp { mode, score, own_score, own_band, rows: rows.collect(), left_out: vec![], beyond: 0, weight, levels: 0 }
}

fn added(sum: ChildWeight, next: ChildWeight) -> ChildWeight {
    match (sum, next) {
        (ChildWeight::Revenue(sum), ChildWeight::Revenue(next)) => {
            ChildWeight::Revenue(model::Money { minor: sum.minor.saturating_add(next.minor), ..sum })
        }
        (ChildWeight::Seats(sum), ChildWeight::Seats(next)) => ChildWeight::Seats(sum.saturating_add(next)),
        (sum, _) => sum,
    }
}

/// The subject that an account names as its parent, and since when.
pub(crate) fn parent(view: View<'_>, account: &SubjectId) -> Option<(SubjectId, Moment)> {
    let told = Told::of(view, &FactKey::Profile, Field::Parent)?;
    let parent = told.subject.named_parent(told.text()?).filter(|parent| parent != account)?;
    Some((parent, told.register.stamp.occurred_at))
}

/// What the parent was told last, this time included, and the rows that say so: how the account stands, when that differs
/// from what was told before; and to a parent that is none any more, that it is.
pub(crate) fn tell(
    (input, view, known): (Input<'_>, View<'_>, &Known<'_>),
    assessment: &Assessment,
    news: &News,
    config: &Config,
) -> (Option<ToldParent>, Vec<ToldParent>) {
    let before = input.previous.and_then(|before| before.told_parent.as_ref());
    let parent = config.model.roll_up.and_then(|mode| Some((mode, parent(view, input.account)?)));
    let Some((mode, (parent, since))) = parent else { return (None, untold(input.previous, Some(news))) };
    let rolled = assessment.rolled_up.as_ref();
    let weight = match mode {
        RollUpMode::RevenueWeighted => assessment.card.arr.map(ChildWeight::Revenue),
        RollUpMode::SeatWeighted => known.seats().map(ChildWeight::Seats),
        RollUpMode::WorstChild => None,
    };
    let standing = ChildStanding {
        name: assessment.card.name.clone(),
        score: assessment.score,
        band: assessment.band,
        weight: weight.or_else(|| rolled.and_then(|rolled| rolled.weight)),
        levels: rolled.map_or(0, |rolled| rolled.levels),
    };
    let is_same = |told: &&ToldParent| told.parent == parent && told.child.standing.as_ref() == Some(&standing);
    if let Some(told) = before.filter(is_same) {
        return (Some(told.clone()), vec![]);
    }
    let mut rows = match before {
        Some(told) if told.parent != parent => untold(input.previous, Some(news)),
        Some(_) | None => vec![],
    };
    let same_model = input.previous.is_some_and(|before| before.model == assessment.model);
    // A parent that was named long ago and is read only now, as after a change of the mapping, is history.
    let is_joining = before.is_none_or(|told| told.parent != parent);
    let has_joined = !is_joining || input.previous.is_some_and(|before| before.as_of < since);
    let child = Child {
        account: input.account.clone(),
        standing: Some(standing),
        stamp: stamp(news),
        received_at: assessment.as_of,
        due_at: news.chain.due_at,
        is_news: same_model && has_joined && news.is_live,
        because: alert::changes(assessment, input.children).into_iter().next(),
    };
    let told = ToldParent { parent, child };
    rows.push(told.clone());
    (Some(told), rows)
}

/// What takes back what a parent was told; nothing where none was. Without news, what was told last dates it.
pub(crate) fn untold(previous: Option<&Assessment>, news: Option<&News>) -> Vec<ToldParent> {
    let told = previous.and_then(|before| before.told_parent.clone());
    let gone = told.map(|ToldParent { parent, child }| {
        let gone = match news {
            Some(news) => Child {
                stamp: stamp(news),
                received_at: news.as_of,
                due_at: news.chain.due_at,
                is_news: news.is_live,
                ..child
            },
            None => child,
        };
        ToldParent { parent, child: Child { standing: None, because: None, ..gone } }
    });
    gone.into_iter().collect()
}

fn stamp(news: &News) -> Stamp {
    let by_time = || DeliveryId::from_stored(format!("clock:{}", news.chain.due_at.unwrap_or(news.as_of)));
    let delivery = news.chain.delivery.clone().unwrap_or_else(by_time);
    Stamp { occurred_at: news.occurred_at, sequence: None, delivery, index: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn children() -> impl Strategy<Value = Vec<(u16, u64)>> {
        prop::collection::vec((0..=Score::MAX, prop_oneof![1..50_u64, 1..u64::MAX / 2]), 1..12)
    }

    fn sum_of(mode: RollUpMode, children: &[(u16, u64)]) -> RollUp {
        let named: Vec<_> = (0..children.len()).map(|n| SubjectId::vendor("any", "company", &n.to_string())).collect();
        let standing = ChildStanding { name: String::new(), score: None, band: Band::Green, weight: None, levels: 0 };
        let counted = named.iter().zip(children).map(|(child, (score, weight))| {
            let score = Score::new(*score).ok()?;
            Some(Counted { child, standing: &standing, score, weight: u128::from(*weight) })
        });
        summed(mode, &counted.flatten().collect::<Vec<_>>(), None)
    }

    proptest! {
        /// Against exact fractions, by multiplying out: a/b = c/d where a·d = c·b.
        #[test]
        fn the_score_is_the_weighted_mean_and_its_parts_are_exact_to_a_basis_point(children in children()) {
            let up = sum_of(RollUpMode::SeatWeighted, &children);
            let whole: i128 = children.iter().map(|(_, weight)| i128::from(*weight)).sum();
            let exact: i128 = children.iter().map(|(score, weight)| i128::from(*score) * i128::from(*weight)).sum();
            let score = i128::from(up.score.unwrap().basis_points());
            // Rounded half-up: score − ½ ≤ exact ÷ whole < score + ½.
            prop_assert!(2 * score * whole - whole <= 2 * exact && 2 * exact < 2 * score * whole + whole);
            let sum = |of: fn(&RollUpRow) -> u16| up.rows.iter().map(|row| i128::from(of(row))).sum::<i128>();
            prop_assert_eq!((sum(|row| row.gained), sum(|row| row.share)), (score, 10_000));
            for ((score, weight), row) in children.iter().zip(&up.rows) {
                let part = i128::from(*score) * i128::from(*weight);
                prop_assert!((i128::from(row.gained) * whole - part).abs() < whole);
                prop_assert!((i128::from(row.share) * whole - 10_000 * i128::from(*weight)).abs() < whole);
            }
        }
    }

    #[test]
    fn nobody_who_counts_is_no_score() {
        let up = sum_of(RollUpMode::SeatWeighted, &[]);
        assert_eq!((up.score, up.rows, up.weight), (None, vec![], None));
    }
}
