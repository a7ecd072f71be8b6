use std::collections::{BTreeMap, BTreeSet};

use model::{DeliveryId, FactKey, Family, Field, LinkSays, SubjectId, Value};
use serde_json::json;

use super::*;

const DAY: &str = "2026-11-01T00:00:00Z";

fn mapping() -> Mapping {
    let company = [
        (Field::Name, "name"),
        (Field::Csm, "customer_success_manager"),
        (Field::RecordOwner, "hubspot_owner_id"),
        (Field::Arr, "annual_recurring_revenue"),
        (Field::RenewsOn, "renewal_date"),
        (Field::LastTwoWayAt, "notes_last_contacted"),
    ];
    let contact = [(Field::Email, "email"), (Field::Role, "hs_buying_role")];
    let of = |fields: &[(Field, &str)]| fields.iter().map(|(field, name)| (*field, (*name).to_owned())).collect();
    Mapping {
        objects: BTreeMap::from([
            ("company".to_owned(), of(&company)),
            ("contact".to_owned(), of(&contact)),
            ("organization".to_owned(), of(&[(Field::Tier, "support_tier")])),
        ]),
        currency: "EUR".parse().unwrap(),
        complete: BTreeSet::new(),
        account_ids: "hubspot:company".to_owned(),
    }
}

fn loaded(sheet: Sheet, tool: &str, rows: &serde_json::Value) -> Normalized {
    let connection = "hubspot".parse().unwrap();
    let delivery = Delivery {
        id: DeliveryId::of_history(&connection, "1"),
        connection,
        family: Family::Import,
        received_at: "2026-11-22T00:00:00Z".parse().unwrap(),
        body_sha256: String::new(),
        headers: [(SHEET, sheet.as_str()), (AS_OF, DAY)].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        body: rows.to_string().into_bytes(),
        same_key_as: None,
    };
    normalize(&delivery, tool, &mapping())
}

/// Field, value and place of everything stated.
fn stated(said: &Normalized) -> Vec<(String, Field, String, &str)> {
    let statements = said.signals.iter().flat_map(|signal| signal.statements.iter().map(move |s| (signal, s)));
    statements.map(|(of, s)| (of.subject.to_string(), s.field, s.value.to_string(), s.path.as_str())).collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_company_is_read_by_hubspots_labels_and_by_the_mapping() {
    let row = json!([{
        "Record ID": "70110001", "Company name": "Nordwind", "Company Domain Name": "nordwind.example",
        "Company owner": "Ines Almeida", "Renewal date": "2027-03-01", "annual_recurring_revenue": "48000.50",
        "Last Contacted": "2026-10-30 14:05", "Favourite colour": "blue",
    }]);
    let said = loaded(Sheet::Accounts, "hubspot-workflow", &row);
    let id = "hubspot:company:70110001".to_owned();
    let told = stated(&said);
    for expected in [
        (Field::Name, "Nordwind", "[0].Company name"),
        (Field::RecordOwner, "Ines Almeida", "[0].Company owner"),
        (Field::RenewsOn, "2027-03-01", "[0].Renewal date"),
        (Field::Arr, "EUR 48,000.50", "[0].annual_recurring_revenue"),
        (Field::LastTwoWayAt, "2026-10-30T14:05:00.000Z", "[0].Last Contacted"),
    ] {
        let of = told.iter().find(|(_, field, ..)| *field == expected.0).unwrap();
        assert_eq!((&of.0, of.3), (&id, expected.2), "{told:?}");
        assert_eq!(of.2, expected.1, "{told:?}");
    }
    assert_eq!(said.quarantined, vec![]);
    let all = said.signals.iter().flat_map(|signal| &signal.statements);
    assert!(all.clone().all(|s| s.occurred_at.to_string().starts_with("2026-11-01T00:00")));
    assert!(all.clone().any(|s| s.raw == "\"Nordwind\""), "the bytes of the cell");
    // Not mapped, and it still says where the company's people belong.
    assert!(said.links.iter().any(|link| matches!(&link.says, LinkSays::List { list, .. } if list == "domain")));
}

#[test]
fn every_cell_that_does_not_fit_is_named_and_the_others_are_read() {
    let rows = json!([
        {"Record ID": "1", "Company name": "A", "Renewal date": "03/04/27"},
        {"Record ID": "x", "Company name": "B", "Renewal date": "1/2/27"},
        {"Company name": "C"},
        {"erased": true},
        {"Record ID": "4", "Company name": "D", "ARR": "lots"},
    ]);
    let said = loaded(Sheet::Accounts, "hubspot-workflow", &rows);
    let places: Vec<_> = said.quarantined.iter().map(|item| item.path.as_str()).collect();
    assert_eq!(places, ["[0].Renewal date", "[1].Record ID", "[1].Renewal date", "[2]", "[4].ARR"]);
    assert!(said.quarantined[0].reason.contains("expected a date"), "{}", said.quarantined[0].reason);
    assert!(said.quarantined.iter().all(|item| !item.reason.contains("lots")), "no value is shown");
    assert_eq!(stated(&said).iter().map(|(_, _, value, _)| value.as_str()).collect::<Vec<_>>(), ["A", "D"]);
}

#[test]
fn a_contact_belongs_to_its_company_and_to_its_address() {
    let row = json!([{"Record ID": "51", "Email": "Ann@Acme.example", "Associated Company IDs": "7"}]);
    let said = loaded(Sheet::Contacts, "hubspot-app", &row);
    let named: Vec<_> = said
        .links
        .iter()
        .filter_map(|link| match &link.says {
            LinkSays::Own { field, target: Some(target), .. } => Some((field.as_str(), target.to_string())),
            _ => None,
        })
        .collect();
    assert!(named.contains(&("company", "hubspot:company:7".to_owned())), "{named:?}");
    assert!(named.contains(&("email", "domain:acme.example".to_owned())), "{named:?}");
    assert_eq!(said.signals[0].key, FactKey::Contact);
}

#[test]
fn an_organisation_names_its_account_and_its_domains() {
    let rows = json!([
        {"ID": "5", "Name": "Acme", "External ID": "7", "Domain names": "acme.example gmail.com", "Support tier": "gold"},
        {"ID": "6", "Domain names": "no domain"},
    ]);
    let said = loaded(Sheet::Accounts, "zendesk", &rows);
    let org = SubjectId::vendor("zendesk", "org", "5");
    let links: Vec<_> = said.links.iter().filter(|link| link.subject == org).map(|link| &link.says).collect();
    assert!(matches!(links[0], LinkSays::Own { target: Some(t), .. } if t.as_str() == "hubspot:company:7"));
    assert!(matches!(links[1], LinkSays::List { listed, .. } if listed.len() == 1), "no mail provider");
    assert!(stated(&said).iter().any(|(_, field, value, _)| (*field, value.as_str()) == (Field::Tier, "gold")));
    assert_eq!(said.quarantined[0].path, "[1].Domain names");
}

#[test]
fn a_user_belongs_to_the_organisation() {
    let said = loaded(
        Sheet::Contacts,
        "zendesk",
        &json!([{"id": "77", "name": "Ann", "email": "ann@acme.example", "organization_id": "5"}]),
    );
    assert!(
        said.links
            .iter()
            .any(|link| matches!(&link.says, LinkSays::Own { target: Some(t), .. } if t.as_str() == "zendesk:org:5"))
    );
}

#[test]
fn a_subscription_stands_at_its_account_by_id_or_domain() {
    let rows = json!([
        {"Account": "7", "Subscription ID": "s1", "ARR": "100", "Currency": "GBP", "Renewal date": "2027-01-31"},
        {"Account": "acme.example", "ARR": "5"},
        {"Account": "ann@acme.example", "ARR": "5"},
    ]);
    let said = loaded(Sheet::Subscriptions, "hubspot-workflow", &rows);
    let at: Vec<_> = said.signals.iter().map(|s| (s.subject.as_str(), s.key.sort_key())).collect();
    assert_eq!(
        at,
        [
            ("hubspot:company:7", "FACT#SUBSCRIPTION#s1".to_owned()),
            ("domain:acme.example", "FACT#SUBSCRIPTION#company".to_owned())
        ]
    );
    let Value::Money(arr) = &said.signals[0].statements[0].value else { panic!("{:?}", said.signals[0]) };
    assert_eq!((arr.minor, arr.currency.code()), (10_000, "GBP"));
    assert_eq!(said.quarantined[0].path, "[2].Account");
}

#[test]
fn headings_are_judged_before_any_row_is() {
    let judged = |sheet, tool, list: &[&str]| columns(sheet, tool, &mapping(), &names(list));
    let good = judged(Sheet::Accounts, "hubspot-workflow", &["Record ID", "Company owner", "Favourite colour"]);
    assert!(good.is_good());
    assert_eq!(good.unused, ["Favourite colour"]);
    assert_eq!(good.read[1], ("Company owner".to_owned(), "record_owner".to_owned()));
    let problem = |columns: Columns| columns.problems.join("; ");
    let without = problem(judged(Sheet::Accounts, "hubspot-workflow", &["Company name"]));
    assert!(without.contains("`Record ID`"), "{without}");
    let twice = problem(judged(Sheet::Accounts, "hubspot-workflow", &["Record ID", "renewal_date", "Renews on"]));
    assert!(twice.contains("`renewal_date` and `Renews on` both tell `renews_on`"), "{twice}");
    let other = problem(judged(Sheet::Accounts, "typeform", &["Record ID"]));
    assert!(other.contains("`typeform` has no accounts"), "{other}");
}

#[test]
fn whatever_the_bytes_nothing_fails() {
    for rows in [json!(null), json!({}), json!([1, [], "x", {"Record ID": {}}, {"Record ID": [1]}])] {
        for sheet in Sheet::ALL {
            for tool in ["hubspot-app", "zendesk", "typeform"] {
                let said = loaded(sheet, tool, &rows);
                assert!(said.signals.is_empty() && !said.quarantined.is_empty(), "{rows}");
            }
        }
    }
}

#[test]
fn an_empty_cell_says_something_only_of_what_is_complete() {
    let mut complete = mapping();
    complete.complete.insert(Field::RenewsOn);
    let object = json!([{"Record ID": "1"}]);
    assert_eq!(loaded(Sheet::Accounts, "hubspot-app", &object).signals, vec![]);
    let whole = serde_json::to_string(&object[0]).unwrap();
    let raw: &RawValue = serde_json::from_str(&whole).unwrap();
    let cells = Object::read(raw).unwrap();
    let row = Row { cells: &cells, path: "[0]".to_owned(), as_of: DAY.parse().unwrap(), mapping: &complete };
    let said = hubspot::Records::Companies.row(&row);
    assert_eq!(said.signals[0].statements[0].value, Value::Cleared);
}
