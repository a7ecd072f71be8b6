//! The book as a whole: who is watched and why, who looks after it, and what is not known.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use config::Person;
use model::{Assessment, Band, FactKey, Field, MeasureState, Money, Placed, SubjectId, View};
use rules::{Watched, Watching};

use super::answers::placed;
use super::forest::Forest;
use super::{Host, HostError};
use crate::api::{
    BandCounts, BookReport, GapRow, Named, OwnerRow, OwnerState, OwnerlessRow, OwnersReport, WatchRow, WiredRow,
};

/// How many accounts stand for a row.
const EXAMPLES: usize = 5;

impl Host {
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

    /// Who looks after the accounts, as the CRM names them and as `team.toml` knows them.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn owners(&self) -> Result<OwnersReport, HostError> {
        let mut book = self.store().book().await?;
        book.sort_by_key(heaviest);
        let forest = self.forest([]).await?;
        let mut said: BTreeMap<(Field, String), Vec<&Assessment>> = BTreeMap::new();
        let mut without = Vec::new();
        for account in &book {
            match self.named(&facts_of(&forest, &account.account)) {
                Some(named) => said.entry(named).or_default().push(account),
                None => without.push(account),
            }
        }
        let mut owners: Vec<OwnerRow> = said.iter().map(|(named, accounts)| self.owner_row(named, accounts)).collect();
        let weight = |row: &OwnerRow| (row.state, Reverse(row.arr.first().map(|arr| arr.minor)), row.said.clone());
        owners.sort_by_key(weight);
        let is_nobodys =
            |(named, _): &(&(Field, String), &Vec<&Assessment>)| self.config().team.find(&named.1).is_none();
        let unowned = said.iter().filter(is_nobodys).flat_map(|(_, accounts)| accounts).chain(&without);
        let unowned_basis_points = share(unowned.copied(), &book);
        Ok(OwnersReport {
            accounts: number(book.len()),
            arr: total(book.iter().filter_map(|one| one.card.arr)),
            owners,
            without: without.into_iter().map(ownerless).collect(),
            unowned_basis_points,
        })
    }

    /// Whom the CRM names, and in which field.
    fn named(&self, facts: &[Placed]) -> Option<(Field, String)> {
        let view = View::new(facts, self.config());
        let fields = [Field::Csm, Field::RecordOwner].into_iter();
        let mut said = fields.filter_map(|field| Some((field, view.text(&FactKey::Profile, field)?.to_owned())));
        said.next()
    }

    fn owner_row(&self, (field, said): &(Field, String), accounts: &[&Assessment]) -> OwnerRow {
        let person = self.config().team.find(said);
        let state = state_of(person);
        let goes_to: BTreeSet<&str> =
            accounts.iter().filter_map(|one| one.card.owner.as_ref()).map(|owner| owner.name.as_str()).collect();
        let hint = match state {
            OwnerState::Known => None,
            OwnerState::Unknown => Some(format!(
                "add a [[person]] to team.toml with {}",
                if said.contains('@') { format!("email = \"{said}\"") } else { format!("crm_owner_id = \"{said}\"") }
            )),
            OwnerState::Left if accounts.iter().all(|one| one.card.owner.is_some()) => {
                Some("name the new owner in the CRM".to_owned())
            }
            OwnerState::Left => Some("name the new owner in the CRM, or `cover` in team.toml".to_owned()),
        };
        OwnerRow {
            said: said.clone(),
            field: field.as_str().to_owned(),
            state,
            goes_to: (!goes_to.is_empty()).then(|| goes_to.into_iter().collect::<Vec<_>>().join(", ")),
            accounts: number(accounts.len()),
            red: number(accounts.iter().filter(|one| one.band == Band::Red).count()),
            arr: total(accounts.iter().filter_map(|one| one.card.arr)),
            hint,
        }
    }
}

fn state_of(person: Option<&Person>) -> OwnerState {
    match person {
        None => OwnerState::Unknown,
        Some(person) if !person.active => OwnerState::Left,
        Some(_) => OwnerState::Known,
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

fn facts_of(forest: &Forest, account: &SubjectId) -> Vec<Placed> {
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

fn ownerless(account: &Assessment) -> OwnerlessRow {
    OwnerlessRow {
        account: account.account.clone(),
        name: account.card.name.clone(),
        arr: account.card.arr,
        goes_to: account.card.owner.as_ref().map(|owner| owner.name.clone()),
    }
}

/// Those with the most revenue first, then by name.
fn heaviest(account: &Assessment) -> (Reverse<Option<i64>>, String, SubjectId) {
    let arr = account.card.arr.map(|arr| arr.minor);
    (Reverse(arr), account.card.name.clone(), account.account.clone())
}

/// The sum in each currency, the largest first.
fn total(amounts: impl Iterator<Item = Money>) -> Vec<Money> {
    let mut sums: BTreeMap<_, Money> = BTreeMap::new();
    for amount in amounts {
        let sum = sums.entry(amount.currency.code().to_owned()).or_insert(Money { minor: 0, ..amount });
        sum.minor = sum.minor.saturating_add(amount.minor);
    }
    let mut sums: Vec<Money> = sums.into_values().collect();
    sums.sort_by_key(|sum| Reverse(sum.minor));
    sums
}

/// What part of the revenue of the book these accounts are, in basis points; of the accounts, where no revenue is known.
fn share<'a>(of: impl Iterator<Item = &'a Assessment>, book: &[Assessment]) -> u32 {
    let weight = |account: &Assessment| i128::from(account.card.arr.map_or(0, |arr| arr.minor.max(0)));
    let (mut part, mut count) = (0, 0);
    for account in of {
        part += weight(account);
        count += 1;
    }
    let whole: i128 = book.iter().map(weight).sum();
    let (part, whole) = if whole > 0 { (part, whole) } else { (count, i128::try_from(book.len()).unwrap_or(0)) };
    let share = if whole > 0 { part * 10_000 / whole } else { 0 };
    u32::try_from(share).unwrap_or(u32::MAX)
}

fn number(count: usize) -> u32 {
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
