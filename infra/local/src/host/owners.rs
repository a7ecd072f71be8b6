//! Who looks after the accounts, as the CRM names them and as `team.toml` knows them, and whether that is enough of them
//! for anything to go live.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use config::{Config, Person};
use model::{Assessment, Band, FactKey, Field, Placed, View};
use store::Store;

use super::book::{facts_of, heaviest, number, total};
use super::forest::Forest;
use super::{HostError, Operator};
use crate::api::{OwnerRow, OwnerState, OwnerlessRow, OwnersReport, Unowned};

/// How much of the revenue may be looked after by nobody, in basis points: at more, alerts about what matters would be read
/// by nobody in particular, which is how a team learns to ignore them.
const MOST_UNOWNED: u32 = 500;
/// How many are named: more scroll the refusal off the screen.
const NAMED: usize = 10;

impl Operator {
    /// Who looks after the accounts.
    ///
    /// # Errors
    /// When the tables do not answer.
    pub async fn owners(&self) -> Result<OwnersReport, HostError> {
        owners(self.store(), self.config()).await
    }
}

/// Who looks after the accounts of these tables.
///
/// # Errors
/// When they do not answer.
pub async fn owners(store: &Store, config: &Config) -> Result<OwnersReport, HostError> {
    let mut book = store.book().await?;
    book.sort_by_key(heaviest);
    let forest = Forest::read(store, []).await?;
    let mut said: BTreeMap<(Field, String), Vec<&Assessment>> = BTreeMap::new();
    let mut without = Vec::new();
    for account in &book {
        match named(&facts_of(&forest, &account.account), config) {
            Some(named) => said.entry(named).or_default().push(account),
            None => without.push(account),
        }
    }
    let mut owners: Vec<OwnerRow> = said.iter().map(|(named, accounts)| owner_row(named, accounts, config)).collect();
    let weight = |row: &OwnerRow| (row.state, Reverse(row.arr.first().map(|arr| arr.minor)), row.said.clone());
    owners.sort_by_key(weight);
    let is_nobodys = |(named, _): &(&(Field, String), &Vec<&Assessment>)| config.team.find(&named.1).is_none();
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

/// So much of the book of these tables is looked after by nobody that nothing should go live; `None` where it may.
///
/// # Errors
/// When they do not answer.
pub async fn unowned(store: &Store, config: &Config) -> Result<Option<Unowned>, HostError> {
    Ok(too_many(&owners(store, config).await?))
}

fn too_many(owners: &OwnersReport) -> Option<Unowned> {
    if owners.unowned_basis_points <= MOST_UNOWNED {
        return None;
    }
    let unknown = owners.owners.iter().filter(|owner| owner.state == OwnerState::Unknown);
    let accounts = |count: u32| if count == 1 { "1 account".to_owned() } else { format!("{count} accounts") };
    let unknown = unknown.map(|owner| format!("owner `{}` ({})", owner.said, accounts(owner.accounts)));
    let without = owners.without.iter().map(|account| format!("{} ({})", account.name, account.account));
    let mut whose: Vec<String> = unknown.chain(without).collect();
    let more = number(whose.len().saturating_sub(NAMED));
    whose.truncate(NAMED);
    let of_revenue = !owners.arr.is_empty();
    Some(Unowned { basis_points: owners.unowned_basis_points, of_revenue, whose, more })
}

/// Whom the CRM names, and in which field.
fn named(facts: &[Placed], config: &Config) -> Option<(Field, String)> {
    let view = View::new(facts, config);
    let fields = [Field::Csm, Field::RecordOwner].into_iter();
    let mut said = fields.filter_map(|field| Some((field, view.text(&FactKey::Profile, field)?.to_owned())));
    said.next()
}

fn owner_row((field, said): &(Field, String), accounts: &[&Assessment], config: &Config) -> OwnerRow {
    let person = config.team.find(said);
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

fn state_of(person: Option<&Person>) -> OwnerState {
    match person {
        None => OwnerState::Unknown,
        Some(person) if !person.active => OwnerState::Left,
        Some(_) => OwnerState::Known,
    }
}

fn ownerless(account: &Assessment) -> OwnerlessRow {
    OwnerlessRow {
        account: account.account.clone(),
        name: account.card.name.clone(),
        arr: account.card.arr,
        goes_to: account.card.owner.as_ref().map(|owner| owner.name.clone()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(basis_points: u32, unowned: Option<(usize, u32)>) {
        let account = |n: usize| OwnerlessRow {
            account: model::SubjectId::vendor("hubspot", "company", &n.to_string()),
            name: format!("Company {n}"),
            arr: None,
            goes_to: None,
        };
        let without = (0..12).map(account).collect();
        let unowned_basis_points = basis_points;
        let owners = OwnersReport { accounts: 12, arr: vec![], owners: vec![], without, unowned_basis_points };
        assert_eq!(too_many(&owners).map(|it| (it.whose.len(), it.more)), unowned, "at {basis_points}");
    }

    #[test]
    fn a_twentieth_of_the_revenue_may_be_nobodys() {
        check(0, None);
        check(500, None);
        check(501, Some((10, 2)));
    }
}
