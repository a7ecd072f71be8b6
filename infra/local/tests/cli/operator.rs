//! What an operator says of an account, and asks of the whole book.

use serde_json::{Value, json};

use super::common::{Data, company};
use super::{EVERYTHING, START, keys, row, rows};

const DAY: i64 = 86_400_000;

pub(crate) fn book() -> (Data, super::common::Host) {
    let data = Data::new();
    let host = data.up(&format!("--empty --clock {START}"));
    let at = START.parse::<model::Moment>().unwrap().as_millis();
    for (id, name, csm, arr, stage) in [
        (7, "Larkspur Foods", Some("410001"), "48000", "customer"),
        (8, "Old Mill", Some("999999"), "12000", "customer"),
        (9, "=Elm Tree", None, "6000", "customer"),
        (10, "Ashgrove", Some("410001"), "0", "lead"),
    ] {
        let mut properties = vec![
            ("name", name.to_owned(), at),
            ("domain", format!("company-{id}.example"), at),
            ("lifecyclestage", stage.to_owned(), at),
            ("annual_recurring_revenue", arr.to_owned(), at),
            ("csm_sentiment", "green".to_owned(), at),
            ("notes_last_contacted", (at - DAY).to_string(), at),
            ("renewal_date", (at + i64::from(id) * 40 * DAY).to_string(), at),
        ];
        properties.extend(csm.map(|csm| ("customer_success_manager", csm.to_owned(), at)));
        assert_eq!(host.post(&company(u64::from(u32::try_from(id).unwrap()), &properties)), 200);
    }
    data.settle();
    (data, host)
}

fn kinds(data: &Data, account: &str) -> Vec<(String, String)> {
    let told = data.json(&format!("timeline {account}"));
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    rows(&told).iter().map(|entry| (text(entry, "kind"), text(entry, "text"))).collect()
}

#[test]
fn what_is_said_of_an_account_counts_stands_in_its_timeline_and_is_known_to_a_replay() {
    let (data, _host) = book();
    let noted = data.run_words(&[
        "note",
        "larkspur",
        "Their CFO, ann@company-7.example, starts in March",
        "--by",
        "Ines",
        "--json",
    ]);
    keys(&noted.json(), "account name by said delivery");
    assert_eq!(data.json("explain larkspur")["band"], "green", "a note moves nothing");

    let set = "override set larkspur --band red --until 2031-03-05 --reason merger --by ines.almeida@ourco.example";
    data.json(set);
    let explained = data.json("explain larkspur");
    assert_eq!((&explained["band"], &explained["machine_band"]), (&json!("red"), &json!("green")));
    let held = &explained["overridden"];
    assert_eq!(
        (&held["by"], &held["why"], &held["until"]),
        (&json!("ines.almeida@ourco.example"), &json!("merger"), &json!("2031-03-05"))
    );
    let shown = data.run("explain larkspur");
    assert!(
        shown.out.contains("set to red by hand by ines.almeida@ourco.example, until 2031-03-05: merger"),
        "{}",
        shown.out
    );
    assert_eq!(row(&data.json("outbox"), "account", "hubspot:company:7")["playbook"], "risk-mitigation");
    data.json("clock set 2031-03-05T20:00:00Z");
    assert_eq!(data.json("explain larkspur")["band"], "red", "its last day");
    data.json("clock set 2031-03-06T02:00:00Z");
    assert_eq!(data.json("explain larkspur")["band"], "green", "it ends by itself");

    let closed = data.run_words(&[
        "play",
        "close",
        "risk-mitigation",
        "larkspur",
        "--reason",
        "solved on the phone",
        "--by",
        "Ines",
    ]);
    assert!(closed.out.contains("closed risk-mitigation by hand: solved on the phone"), "{}", closed.out);
    let episode = data.json("explain larkspur")["episodes"][0].clone();
    assert_eq!((&episode["state"], &episode["closed_because"]), (&json!("closed"), &json!("closed by hand")));
    data.run("play close risk-mitigation larkspur").refused(1, &["does not run", "help:"]);
    data.json("play start risk-mitigation larkspur --by Tom");
    assert_eq!(data.json("explain larkspur")["episodes"][0]["state"], "open");
    data.run("play start risk-mitigation larkspur").refused(1, &["runs for Larkspur Foods already", "help:"]);

    // The newer of the two words counts, whoever says it.
    data.json("sentiment set old yellow --by Tom");
    assert_eq!(data.json("explain old")["sentiment"]["word"], "yellow");
    let told = kinds(&data, "larkspur");
    for (kind, text) in [
        ("note", "Ines noted: Their CFO, ann@company-7.example, starts in March"),
        ("override", "ines.almeida@ourco.example set the band to red until 2031-03-05: merger"),
        ("play_closed", "Ines closed risk-mitigation by hand: solved on the phone"),
        ("play_asked", "Tom asked for risk-mitigation"),
    ] {
        assert!(told.contains(&(kind.to_owned(), text.to_owned())), "{kind}: {told:#?}");
    }
    assert_eq!(data.json(EVERYTHING)["differences"], json!([]));

    // Also what operators write can name somebody who asks to be forgotten.
    let erased = data.json("erase ann@company-7.example");
    assert_eq!((&erased["parts"], &erased["timeline_rows"]), (&json!(1), &json!(1)), "{erased:#}");
    assert!(!format!("{:?}", kinds(&data, "larkspur")).contains("ann@"));
}

#[test]
fn an_incident_of_ours_is_said_of_every_account_and_explained_until_it_is_over() {
    let (data, _host) = book();
    let set = ["incident", "set", "--all", "--until", "2031-03-05", "--reason", "nobody can log in", "--by", "Ines"];
    let said = data.run_words(&set);
    assert_eq!(said.out.lines().count(), 3, "{}", said.out);
    let explained = data.run("explain larkspur");
    let line = "an incident of ours until 2031-03-05: nobody can log in (tickets start nothing about risk)";
    assert!(explained.out.contains(line), "{}", explained.out);
    let row = "Ines says that an incident of ours troubles it until 2031-03-05: nobody can log in";
    assert!(kinds(&data, "larkspur").contains(&("incident".to_owned(), row.to_owned())));
    data.json("incident clear larkspur --by Ines");
    assert!(!data.run("explain larkspur").out.contains("an incident of ours"));
    assert!(data.run("explain old").out.contains("an incident of ours"), "of the others it still stands");
    data.run("incident set larkspur --until 2031-03-02 --reason x").refused(1, &["2031-03-02 is over"]);
    assert_eq!(data.json(EVERYTHING)["differences"], json!([]));
}

#[test]
fn the_crms_later_word_on_how_an_account_feels_counts_again() {
    let (data, host) = book();
    let at = START.parse::<model::Moment>().unwrap().as_millis();
    data.json("sentiment set larkspur red --by Tom");
    assert_eq!(data.json("explain larkspur")["sentiment"]["word"], "red");
    data.json("clock advance 2h");
    let later = company(7, &[("csm_sentiment", "green".to_owned(), at + 3_600_000)]);
    assert_eq!(host.post(&later), 200);
    data.settle();
    assert_eq!(data.json("explain larkspur")["sentiment"]["word"], "green");
}

#[test]
fn what_cannot_be_said_is_refused_with_what_was_expected() {
    let (data, _host) = book();
    let journal = data.json("journal");
    data.run("note nowhere text").refused(1, &["nowhere", "help:"]);
    data.run_words(&["note", "larkspur", "  "]).refused(1, &["the note is empty"]);
    data.run("sentiment set larkspur happy").refused(2, &["expected red, yellow or green"]);
    data.run("override set larkspur --band red --reason x").refused(2, &["--until"]);
    data.run("override set larkspur --band red --until soon --reason x").refused(2, &["a day such as 2026-12-31"]);
    data.run("override set larkspur --band red --until 2031-03-02 --reason x")
        .refused(1, &["2031-03-02 is over", "2031-03-03"]);
    data.run("override clear larkspur").refused(1, &["no band is set by hand"]);
    data.run("play start nothing larkspur").refused(1, &["no playbook `nothing`", "risk-mitigation"]);
    data.run("play close renewal-runway larkspur").refused(1, &["does not run", "nothing runs for it"]);
    assert_eq!(data.json("journal"), journal, "nothing came of all that");
}

#[test]
fn the_book_says_who_is_in_it_and_why_and_who_looks_after_it() {
    let (data, _host) = book();
    let book = data.json("book");
    keys(&book, "companies watched rules bands arr gaps measures");
    assert_eq!((&book["companies"], &book["watched"], &book["bands"]["green"]), (&json!(4), &json!(3), &json!(3)));
    let rules: Vec<_> = rows(&book["rules"])
        .iter()
        .map(|rule| {
            (rule["outcome"].as_str().unwrap(), rule["rule"].as_str().unwrap(), rule["companies"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(
        rules,
        [
            ("watched", "lifecycle_stage == 'customer'", 3),
            ("watched", "has_active_subscription", 0),
            ("not_watched", "", 1)
        ]
    );
    assert_eq!(book["rules"][0]["examples"][0]["name"], "Larkspur Foods", "by revenue");
    assert_eq!(row(&book["gaps"], "missing", "owner")["accounts"], 1);
    keys(&book["measures"][0], "measure label accounts valued not_wired hint");
    assert!(data.run("book").out.contains("4 companies, 3 of them watched"));

    let owners = data.json("owners");
    keys(&owners, "accounts arr owners without unowned_basis_points");
    keys(&owners["owners"][0], "said field state goes_to accounts red arr hint");
    assert_eq!((&owners["owners"][0]["said"], &owners["owners"][0]["state"]), (&json!("999999"), &json!("unknown")));
    assert!(owners["owners"][0]["hint"].as_str().unwrap().contains("crm_owner_id = \"999999\""), "{owners:#}");
    assert_eq!(
        (&owners["without"][0]["account"], &owners["unowned_basis_points"]),
        (&json!("hubspot:company:9"), &json!(2727))
    );
    assert!(data.run("owners").out.contains("27.27 % of the revenue"));
    keys(&data.json("precision"), "claimed_since playbooks judged_from retire_below");
    assert!(data.run("precision").out.contains("No alert has been sent yet"));

    let names = |line: &str| {
        let found = data.json(line);
        rows(&found).iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("accounts --owner ines"), ["Larkspur Foods"]);
    assert_eq!(names("accounts --owner none"), ["=Elm Tree"]);
    assert_eq!(names("accounts --sort arr"), ["Larkspur Foods", "Old Mill", "=Elm Tree"]);
    assert_eq!(names("accounts --renews-within 330 --sort renews"), ["Larkspur Foods", "Old Mill"]);
    assert_eq!(names("accounts --band red").len(), 0);
    let csv = data.run("accounts --csv --sort name").out;
    assert!(csv.starts_with("id,name,score,band,arr,currency,") && csv.contains(",'=Elm Tree,"), "{csv}");
    assert!(data.run("accounts --owner ines").out.contains("1 of 3 accounts"));
}

#[test]
fn nobody_goes_live_while_nobody_looks_after_what_matters() {
    let (data, _host) = book();
    let golive = "golive --playbook risk-mitigation --destination slack";
    data.run(golive)
        .refused(1, &["27.27 % of the revenue", "999999", "=Elm Tree", "barometer owners", "--accept-unowned"]);
    let tried = data.json(&format!("{golive} --dry-run"));
    assert_eq!((&tried["dry_run"], &tried["modes"][0]["to"]), (&json!(true), &json!("live")));
    assert_eq!(tried["unowned"]["basis_points"], 2727);
    keys(&tried["unowned"], "basis_points of_revenue whose more");
    assert!(
        data.run(&format!("{golive} --dry-run"))
            .out
            .contains("nothing goes live without --accept-unowned: owner `999999`")
    );
    assert_eq!(rows(&data.json("journal")).len(), 4, "nothing was changed");
    let report = data.json(&format!("{golive} --accept-unowned --yes"));
    assert_eq!((&report["dry_run"], rows(&data.json("journal")).len()), (&json!(false), 5));
}

#[test]
fn a_redrive_says_what_there_is_to_do_again_and_has_no_second_effect() {
    let (data, _host) = book();
    let said = data.run("redrive");
    assert_eq!(said.code, Some(0));
    assert!(said.out.contains("There is nothing to do again."), "{}", said.out);
    let (before, outbox) = (data.json("accounts"), data.json("outbox"));
    let report = data.json(&format!("redrive --since {START} --rate 1000"));
    keys(&report, "deliveries done dry_run failed failures letters overdue redriven");
    assert_eq!((&report["deliveries"], &report["redriven"]["deliveries"]), (&json!(4), &json!(4)), "{report:#}");
    assert_eq!((&report["failed"], &report["done"]), (&json!([]), &json!(true)));
    assert_eq!((data.json("accounts"), data.json("outbox")), (before, outbox));
    let looked = data.run(&format!("redrive --since {START} --dry-run"));
    assert!(looked.out.contains("4 deliveries were received since then"), "{}", looked.out);
    assert!(looked.out.contains("Nothing was changed"), "{}", looked.out);
}
