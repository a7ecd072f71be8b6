//! The book that exists before the webhooks do: files of the tools, loaded as history.

use serde_json::{Value, json};

use super::common::{Data, company};
use super::{START, keys, row, rows};

const DAY: i64 = 86_400_000;

fn write(data: &Data, name: &str, content: &str) -> String {
    let path = data.beside(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

const COMPANIES: &str = "\
Record ID,Company name,Company Domain Name,Lifecycle Stage,Customer success manager,Annual recurring revenue,Renewal date,CSM sentiment,Last Contacted,Favourite colour
7,Larkspur Foods,larkspur.example,Customer,Ines Almeida,48000,2031-09-01,green,2031-02-25 14:05,blue
8,Old Mill,oldmill.example,Customer,tom.brandt@ourco.example,12000,2031-12-31,green,2031-02-25,red
";

#[test]
fn a_file_is_history_and_the_newest_word_on_each_field_counts() {
    let at = START.parse::<model::Moment>().unwrap().as_millis();
    let data = Data::new();
    let host = data.up(&format!("--empty --clock {START}"));
    let file = write(&data, "companies.csv", COMPANIES);
    let tried = data.json(&format!("import accounts {file} --as-of 2031-03-01 --dry-run"));
    keys(&tried, "file sheet connection as_of rows good repeated dry_run problems read unused warnings deliveries");
    assert_eq!((&tried["good"], &tried["unused"]), (&json!(2), &json!(["Favourite colour"])));
    assert_eq!(data.json("journal"), json!([]), "only tried");

    let loaded = data.json(&format!("import accounts {file} --as-of 2031-03-01"));
    assert_eq!(
        (&loaded["connection"], &loaded["good"], &loaded["repeated"]),
        (&json!("hubspot"), &json!(2), &json!(0))
    );
    let accounts = data.json("accounts");
    assert_eq!(row(&accounts, "name", "Larkspur Foods")["owner"], "Ines Almeida");
    let explained = data.json("explain larkspur");
    let word = row(&explained["points"], "measure", "csm_sentiment");
    assert_eq!(
        (&word["evidence"]["raw"], &word["evidence"]["path"]),
        (&json!("\"green\""), &json!("[0].CSM sentiment"))
    );

    let again = data.json(&format!("import accounts {file} --as-of 2031-03-01"));
    assert_eq!((&again["repeated"], rows(&data.json("journal")).len()), (&json!(2), 1), "the same delivery");
    let older = write(&data, "older.csv", &COMPANIES.replace("48000", "1000").replace("green", "red"));
    data.json(&format!("import accounts {older} --as-of 2030-11-01"));
    assert_eq!(data.json("explain larkspur")["points"], explained["points"], "an old file never beats a newer one");
    assert_eq!(row(&data.json("accounts"), "name", "Larkspur Foods")["arr"]["minor"], 4_800_000);

    // The first webhook tells much that was true before, some that is newer, and what no file told.
    let body = company(
        7,
        &[
            ("name", "Larkspur".to_owned(), at - 400 * DAY),
            ("lifecyclestage", "customer".to_owned(), at - 400 * DAY),
            ("annual_recurring_revenue", "60000".to_owned(), at - DAY),
            ("renewal_date", "2031-04-30".to_owned(), at - 90 * DAY),
            ("customer_tier", "gold".to_owned(), at - 300 * DAY),
            ("csm_sentiment", "red".to_owned(), at - 60_000),
            ("notes_last_contacted", (at - 200 * DAY).to_string(), at - 60_000),
        ],
    );
    assert_eq!(host.post(&body), 200);
    data.settle();
    let now = row(&data.json("accounts"), "id", "hubspot:company:7").clone();
    let told = |key: &str| now[key].clone();
    assert_eq!((told("name"), told("renews_on")), (json!("Larkspur Foods"), json!("2031-09-01")), "the file is newer");
    assert_eq!((told("arr")["minor"].clone(), told("band")), (json!(6_000_000), json!("red")), "the webhook is newer");
    assert_eq!(data.json("outbox"), json!([]), "a first sight is no news");
    let replayed = data.json(super::EVERYTHING);
    assert_eq!((&replayed["differences"], &replayed["actions"]), (&json!([]), &json!([])));

    // From here on it is.
    let mut later = vec![("csm_sentiment", "green".to_owned(), at), ("notes_last_contacted", at.to_string(), at)];
    assert_eq!(host.post(&company(7, &later)), 200);
    data.json("clock advance 72h");
    later[0] = ("csm_sentiment", "red".to_owned(), at + 3 * DAY);
    later[1] = ("notes_last_contacted", (at - 200 * DAY).to_string(), at + 3 * DAY);
    assert_eq!(host.post(&company(7, &later)), 200);
    data.settle();
    assert_eq!(row(&data.json("outbox"), "account", "hubspot:company:7")["kind"], "slack_alert");
}

#[test]
fn every_row_that_does_not_fit_is_named_in_one_go() {
    let data = Data::new();
    let _host = data.up(&format!("--empty --clock {START}"));
    let file = write(
        &data,
        "bad.csv",
        "Record ID;Company name;Renewal date\n7;Larkspur;2031-09-01\neight;Old Mill;2031-01-01\n9;Elm;9/1/31\n10;Oak\n",
    );
    let ran = data.run(&format!("import accounts {file} --as-of 2031-03-01 --json"));
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("3 of 4 rows cannot be loaded"), "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let problems: Vec<_> =
        rows(&report["problems"]).iter().map(|p| (p["row"].as_u64(), p["column"].as_str())).collect();
    assert_eq!(problems, [(Some(3), Some("Record ID")), (Some(4), Some("Renewal date")), (Some(5), None)]);
    assert!(report["problems"][1]["message"].as_str().unwrap().contains("expected a date"), "{report:#}");
    assert_eq!((&report["good"], rows(&data.json("journal")).len()), (&json!(1), 1), "the good row is loaded");
    assert_eq!(data.json("quarantine"), json!([]));

    let none = write(&data, "none.csv", "Company name\nLarkspur\n");
    data.run(&format!("import accounts {none} --as-of 2031-03-01")).refused(1, &["headings", "`Record ID`", "help:"]);
    data.run(&format!("import accounts {file} --as-of 2031-03-04")).refused(1, &["has not come yet", "help:"]);
    let other = format!("import accounts {file} --as-of 2031-03-01 --connection nobody");
    data.run(&other).refused(1, &["no connection `nobody`", "hubspot"]);
    let typeform = format!("import accounts {file} --as-of 2031-03-01 --connection typeform");
    data.run(&typeform).refused(1, &["`typeform` has no accounts"]);
    data.run("import accounts nowhere.csv --as-of 2031-03-01").refused(1, &["cannot read nowhere.csv"]);
    data.run(&format!("import accounts {file} --as-of soon")).refused(2, &["a day such as 2026-11-21"]);
}

#[test]
fn people_and_contracts_of_a_file_find_their_account_and_an_erased_person_goes_from_it() {
    let data = Data::new();
    let _host = data.up(&format!("--empty --clock {START}"));
    let companies = write(&data, "companies.csv", COMPANIES);
    data.json(&format!("import accounts {companies} --as-of 2031-03-01"));
    let contacts = write(
        &data,
        "contacts.csv",
        "Record ID,Email,First Name,Associated Company IDs\n51,ann@larkspur.example,Ann,7\n52,bob@oldmill.example,Bob,8\n",
    );
    data.json(&format!("import contacts {contacts} --as-of 2031-03-01"));
    let contracts =
        write(&data, "contracts.csv", "Account,ARR,Currency,Renewal date\noldmill.example,99000,USD,2031-10-10\n");
    data.json(&format!("import subscriptions {contracts} --as-of 2031-03-02"));
    let explained = data.json("explain larkspur");
    let members: Vec<_> = rows(&explained["members"]).iter().map(|m| m["subject"].as_str().unwrap()).collect();
    assert!(members.contains(&"hubspot:contact:51"), "{members:?}");

    let erased = data.json("erase ann@larkspur.example");
    assert_eq!((&erased["parts"], &erased["bodies"]), (&json!(1), &json!(0)), "only her row: {erased:#}");
    data.settle();
}
