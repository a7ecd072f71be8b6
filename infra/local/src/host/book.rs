//! The book as a whole: who is watched and why, and what is not known.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use model::{Assessment, Band, MeasureState, Money, Placed, SubjectId};
use rules::{Watched, Watching};

use super::answers::placed;
use super::forest::Forest;
use super::{HostError, Operator};
use crate::api::{BandCounts, BookReport, GapRow, Named, WatchRow, WiredRow};

/// How many accounts stand for a row.
const EXAMPLES: usize = 5;

impl Operator {
    /// Who is watched and why, how they stand, and what is not known of them.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn book(&self) -> Result<BookReport, HostError> {
        let mut book = self.store().book().await?;
        book.sort_by_key(heaviest);
        let forest = self.forest([]).await?;
        let heard = self.store().heard().await?;
        let watching = Watching::new(self.config());
        let weight: BTreeMap<_, _> = book.iter().enumerate().map(|(at, one)| (&one.account, at)).collect();
        let mut companies: Vec<&SubjectId> = forest.accounts().collect();
        companies.sort_by_key(|account| weight.get(account).copied().unwrap_or(usize::MAX));
        let mut rows: Vec<(Row, Vec<&SubjectId>)> =
            watching.rules().map(|rule| (Row::new("watched", rule), vec![])).collect();
        for account in &companies {
            let facts = facts_of(&forest, account);
            for row in reasons(watching.of(&facts, &heard, self.clock().now())) {
                match rows.iter_mut().find(|(held, _)| *held == row) {
                    Some((_, accounts)) => accounts.push(account),
                    None => rows.push((row, vec![account])),
                }
            }
        }
        rows.sort_by_key(|(row, _)| Row::ORDER.iter().position(|outcome| *outcome == row.outcome));
        let gap = |missing: &str, is_missing: &dyn Fn(&&Assessment) -> bool| {
            let of: Vec<&Assessment> = book.iter().filter(is_missing).collect();
            let examples = of.iter().take(EXAMPLES).map(|one| named(one)).collect();
            let (accounts, arr) = (number(of.len()), total(of.iter().filter_map(|one| one.card.arr)));
            GapRow { missing: missing.to_owned(), accounts, arr, examples }
        };
        let gaps = [
            gap("renews_on", &|one| one.card.renews_on.is_none()),
            gap("arr", &|one| one.card.arr.is_none()),
            gap("owner", &|one| one.card.owner.is_none()),
        ];
        let mut bands = BandCounts::default();
        for one in &book {
            *match one.band {
                Band::Green => &mut bands.green,
                Band::Yellow => &mut bands.yellow,
                Band::Red => &mut bands.red,
                Band::Unknown => &mut bands.unknown,
            } += 1;
        }
        Ok(BookReport {
            companies: number(companies.len()),
            watched: number(book.len()),
            rules: rows.into_iter().map(|(row, accounts)| watch_row(row, &accounts, &forest)).collect(),
            bands,
            arr: total(book.iter().filter_map(|one| one.card.arr)),
            gaps: gaps.into_iter().filter(|gap| gap.accounts > 0).collect(),
            measures: self.measures(&book),
        })
    }

    /// How well each measure is fed, in the order of the models.
    fn measures(&self, book: &[Assessment]) -> Vec<WiredRow> {
        let mut rows: Vec<WiredRow> = Vec::new();
        let all = self.config().model.profiles.iter().flat_map(|profile| &profile.measures);
        for measure in all {
            if rows.iter().any(|row| row.measure == measure.name) {
                continue;
            }
            let of = || book.iter().flat_map(|one| &one.contributions).filter(|row| row.measure == measure.name);
            let accounts = of().count();
            let not_wired = !self.config().is_wired(measure.value);
            let fields: Vec<&str> = measure.value.fields.iter().map(|field| field.as_str()).collect();
            let families: Vec<&str> = measure.value.feed.families().iter().map(|family| family.as_str()).collect();
            let hint = match (fields.is_empty(), families.is_empty()) {
                (false, _) => format!("map `{}` in connections.toml", fields.join("` or `")),
                (true, false) => format!("connect a tool of the family {}", families.join(" or ")),
                (true, true) => "no connection feeds it".to_owned(),
            };
            rows.push(WiredRow {
                measure: measure.name.clone(),
                label: measure.label.clone(),
                accounts: number(accounts),
                valued: number(of().filter(|row| is_valued(row.state)).count()),
                not_wired,
                hint: not_wired.then_some(hint),
            });
        }
        rows
    }
}

/// A reason by which a company is in the book, or is not.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    outcome: &'static str,
    rule: String,
}

impl Row {
    const ORDER: [&'static str; 4] = ["watched", "excluded", "own_domain", "not_watched"];

    fn new(outcome: &'static str, rule: &str) -> Self {
        Self { outcome, rule: rule.to_owned() }
    }
}

fn reasons(watched: Watched) -> Vec<Row> {
    match watched {
        Watched::Because(rules) => rules.iter().map(|rule| Row::new("watched", rule)).collect(),
        Watched::Excluded(rules) => rules.iter().map(|rule| Row::new("excluded", rule)).collect(),
        Watched::OwnDomain(domain) => vec![Row::new("own_domain", &domain)],
        Watched::No => vec![Row::new("not_watched", "")],
    }
}

fn watch_row(row: Row, accounts: &[&SubjectId], forest: &Forest) -> WatchRow {
    let example = |account: &&SubjectId| Named { account: SubjectId::clone(account), name: forest.called(account) };
    WatchRow {
        outcome: row.outcome.to_owned(),
        rule: row.rule,
        companies: number(accounts.len()),
        examples: accounts.iter().take(EXAMPLES).map(example).collect(),
    }
}

pub(super) fn facts_of(forest: &Forest, account: &SubjectId) -> Vec<Placed> {
    placed(forest, &forest.members(account))
}

fn is_valued(state: MeasureState) -> bool {
    match state {
        MeasureState::Counted | MeasureState::Held | MeasureState::Stale => true,
        MeasureState::Skipped | MeasureState::Neutral | MeasureState::Worst | MeasureState::NotWired => false,
    }
}

fn named(account: &Assessment) -> Named {
    Named { account: account.account.clone(), name: account.card.name.clone() }
}

/// Those with the most revenue first, then by name.
pub(super) fn heaviest(account: &Assessment) -> (Reverse<Option<i64>>, String, SubjectId) {
    let arr = account.card.arr.map(|arr| arr.minor);
    (Reverse(arr), account.card.name.clone(), account.account.clone())
}

/// The sum in each currency, the largest first.
pub(super) fn total(amounts: impl Iterator<Item = Money>) -> Vec<Money> {
    let mut sums: BTreeMap<_, Money> = BTreeMap::new();
    for amount in amounts {
        let sum = sums.entry(amount.currency.code().to_owned()).or_insert(Money { minor: 0, ..amount });
        sum.minor = sum.minor.saturating_add(amount.minor);
    }
    let mut sums: Vec<Money> = sums.into_values().collect();
    sums.sort_by_key(|sum| Reverse(sum.minor));
    sums
}

pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_added_in_their_own_currency() {
        let money = |text: &str, currency: &str| Money::from_decimal(text, currency.parse().unwrap()).unwrap();
        let sums =
            total([money("1", "EUR"), money("5", "USD"), money("2", "EUR"), Money { ..money("7", "USD") }].into_iter());
        assert_eq!(sums, [money("12", "USD"), money("3", "EUR")]);
    }
}
