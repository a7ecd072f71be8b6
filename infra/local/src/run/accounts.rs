//! `barometer accounts`: the listing, narrowed and put in order.

use std::cmp::Reverse;

use model::Money;

use super::Surroundings;
use crate::api::{AccountRow, route};
use crate::cli::{AccountsArgs, SortBy};
use crate::client::Client;
use crate::failure::Failure;
use crate::show;

/// Carries the command out.
pub(super) async fn accounts(here: &Surroundings, client: &Client, args: AccountsArgs) -> Result<(), Failure> {
    let all: Vec<AccountRow> = client.get(route::ACCOUNTS).await?;
    let of = all.len();
    let rows = chosen(all, &args);
    if args.csv {
        return here.print(&csv(&rows)?);
    }
    here.answer(&rows, |rows| show::accounts(rows, of, here.style))
}

/// The rows that are asked for. The host lists the worst first, which stays the order among equals.
fn chosen(mut rows: Vec<AccountRow>, args: &AccountsArgs) -> Vec<AccountRow> {
    rows.retain(|row| {
        let renews_soon = |within: u16| row.renews_in_days.is_some_and(|days| (0..=i64::from(within)).contains(&days));
        args.band.is_none_or(|band| row.band == band.into())
            && args.owner.as_ref().is_none_or(|owner| is_of(row, owner))
            && args.renews_within.is_none_or(renews_soon)
    });
    match args.sort.unwrap_or(SortBy::Worst) {
        SortBy::Worst => {}
        SortBy::Arr => rows.sort_by_key(|row| Reverse(row.arr.map(|arr| arr.minor))),
        SortBy::Renews => rows.sort_by_key(|row| (row.renews_on.is_none(), row.renews_on)),
        SortBy::Name => rows.sort_by_key(|row| row.name.to_lowercase()),
        SortBy::Owner => rows.sort_by_key(|row| (row.owner.is_none(), row.owner.clone())),
    }
    rows
}

/// By the beginning of any part of the name, or by the address.
fn is_of(row: &AccountRow, owner: &str) -> bool {
    let Some(name) = &row.owner else { return owner.eq_ignore_ascii_case("none") };
    let (name, wanted) = (name.to_lowercase(), owner.trim().to_lowercase());
    let part = || name.split_whitespace().any(|part| part.starts_with(&wanted));
    let address = || row.owner_email.as_ref().is_some_and(|email| email.to_lowercase() == wanted);
    name.starts_with(&wanted) || part() || address()
}

fn csv(rows: &[AccountRow]) -> Result<String, Failure> {
    let odd = |error: String| Failure::OddAnswer { address: "this".to_owned(), what: error };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |cells: [String; 12]| writer.write_record(&cells).map_err(|error| odd(error.to_string()));
    write(
        [
            "id",
            "name",
            "score",
            "band",
            "arr",
            "currency",
            "renews_on",
            "renews_in_days",
            "owner",
            "owner_email",
            "model",
            "as_of",
        ]
        .map(str::to_owned),
    )?;
    for row in rows {
        write([
            row.id.to_string(),
            plain(&row.name),
            text(row.score),
            row.band.to_string(),
            text(row.arr.map(decimal)),
            text(row.arr.map(|arr| arr.currency.code().to_owned())),
            text(row.renews_on),
            text(row.renews_in_days),
            plain(row.owner.as_deref().unwrap_or_default()),
            plain(row.owner_email.as_deref().unwrap_or_default()),
            row.model.clone(),
            row.as_of.to_string(),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|error| odd(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| odd(error.to_string()))
}

/// In whole units, without separators.
fn decimal(money: Money) -> String {
    let decimals = money.currency.decimals();
    let unit = 10_u64.pow(decimals);
    let (whole, rest) = (money.minor.unsigned_abs() / unit, money.minor.unsigned_abs() % unit);
    let sign = if money.minor < 0 { "-" } else { "" };
    let part = if decimals == 0 { String::new() } else { format!(".{rest:0width$}", width = decimals as usize) };
    format!("{sign}{whole}{part}")
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A text of a vendor's that a spreadsheet would take for a formula is kept from being one.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use model::Band;

    use super::*;
    use crate::cli::BandName;

    fn row(name: &str, band: Band, owner: Option<&str>, days: Option<i64>, arr: i64) -> AccountRow {
        AccountRow {
            id: model::SubjectId::from_stored(format!("hubspot:company:{name}")),
            name: name.to_owned(),
            score: None,
            band,
            arr: Some(Money { minor: arr, currency: "EUR".parse().unwrap() }),
            renews_on: days.map(|days| jiff::civil::date(2031, 1, 1).saturating_add(jiff::Span::new().days(days))),
            renews_in_days: days,
            owner: owner.map(str::to_owned),
            owner_email: owner.map(|_| "ines@ourco.example".to_owned()),
            model: String::new(),
            as_of: model::Moment::EARLIEST,
        }
    }

    fn rows() -> Vec<AccountRow> {
        vec![
            row("Elm", Band::Red, Some("Ines Almeida"), Some(-3), 5),
            row("=Oak", Band::Red, None, Some(90), 9),
            row("Ash", Band::Green, Some("Tom Brandt"), None, 7),
        ]
    }

    #[track_caller]
    fn check(args: AccountsArgs, expected: &[&str]) {
        let found = chosen(rows(), &args);
        assert_eq!(found.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), expected, "{args:?}");
    }

    #[test]
    fn the_list_is_narrowed_and_put_in_order() {
        let args = AccountsArgs::default;
        check(args(), &["Elm", "=Oak", "Ash"]);
        check(AccountsArgs { band: Some(BandName::Red), ..args() }, &["Elm", "=Oak"]);
        for owner in ["ines", "Almeida", "INES ALMEIDA", "alm"] {
            check(AccountsArgs { owner: Some(owner.to_owned()), ..args() }, &["Elm"]);
        }
        check(AccountsArgs { owner: Some("ines@ourco.example".to_owned()), ..args() }, &["Elm", "Ash"]);
        check(AccountsArgs { owner: Some("none".to_owned()), ..args() }, &["=Oak"]);
        check(AccountsArgs { renews_within: Some(90), ..args() }, &["=Oak"]);
        check(AccountsArgs { renews_within: Some(89), ..args() }, &[]);
        check(AccountsArgs { sort: Some(SortBy::Arr), ..args() }, &["=Oak", "Ash", "Elm"]);
        check(AccountsArgs { sort: Some(SortBy::Renews), ..args() }, &["Elm", "=Oak", "Ash"]);
        check(AccountsArgs { sort: Some(SortBy::Owner), ..args() }, &["Elm", "Ash", "=Oak"]);
    }

    #[test]
    fn a_spreadsheet_gets_numbers_and_no_formulas() {
        let text = csv(&rows()).unwrap();
        let second = text.lines().nth(2).unwrap();
        assert!(second.starts_with("hubspot:company:=Oak,'=Oak,,red,0.09,EUR,2031-04-01,90,,,"), "{second}");
    }
}
