//! The command line as other programs drive it: its output, its exit codes, its answers in JSON.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

#[path = "cli/aws.rs"]
mod aws;
#[path = "cli/aws_book.rs"]
mod aws_book;
#[path = "cli/aws_doctor.rs"]
mod aws_doctor;
#[path = "cli/aws_erase.rs"]
mod aws_erase;
#[path = "cli/backfill.rs"]
mod backfill;
#[path = "cli/belongs.rs"]
mod belongs;
mod common;
#[path = "cli/connect.rs"]
mod connect;
#[path = "cli/docs.rs"]
mod docs;
#[path = "cli/doctor.rs"]
mod doctor;
#[path = "cli/import.rs"]
mod import;
#[path = "cli/operator.rs"]
mod operator;
#[path = "cli/preflight.rs"]
mod preflight;
#[path = "cli/public_address.rs"]
mod public_address;
#[path = "cli/setup.rs"]
mod setup;
#[path = "common/stub.rs"]
mod stub;
#[path = "cli/week.rs"]
mod week;

use std::collections::BTreeSet;
use std::path::Path;

use barometer::lock::Lock;
use common::{Data, Manner, Slack, company};
use serde_json::{Value, json};

const START: &str = "2031-03-03T09:00:00Z";
const EVERYTHING: &str = "replay --since 2000-01-01T00:00:00Z";

fn rows(answer: &Value) -> &Vec<Value> {
    answer.as_array().unwrap_or_else(|| panic!("not a list: {answer}"))
}

/// The row whose `key` is `value`.
#[track_caller]
fn row<'a>(answer: &'a Value, key: &str, value: &str) -> &'a Value {
    rows(answer).iter().find(|row| row[key] == value).unwrap_or_else(|| panic!("no {key} {value}: {answer:#}"))
}

/// Compares with a file below `cli/golden`; `BLESS=1` rewrites it.
#[track_caller]
fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap_or_default(), "BLESS=1 rewrites it; read the difference");
}

/// Every one of these keys is there; others may be added.
#[track_caller]
fn keys(answer: &Value, keys: &str) {
    let object = answer.as_object().unwrap_or_else(|| panic!("not an object: {answer}"));
    for key in keys.split_whitespace() {
        assert!(object.contains_key(key), "no `{key}` in {answer:#}");
    }
}

#[test]
fn a_host_says_once_that_it_is_ready_and_ends_in_good_order_when_told() {
    let data = Data::fresh();
    let host = data.up("");
    assert!(rows(&data.json("journal")).len() >= 13, "the sample book");
    assert_eq!(row(&data.json("accounts"), "name", "Nordwind Logistik")["band"], "red");

    let address = format!("http://{}", host.address);
    data.run("up --listen 127.0.0.1:0").refused(1, &["a host already runs", &address, "--data"]);
    data.run("accounts --config elsewhere").refused(1, &["--config only counts when a host starts"]);

    assert_eq!(host.end("TERM"), (Some(0), String::new()));
    Lock::acquire(&data.path()).unwrap();
    let host = data.up("--empty");
    assert_eq!(rows(&data.json("outbox")).len(), 3, "what was there is there");
    assert_eq!(host.end("INT"), (Some(0), String::new()));
}

#[test]
fn an_empty_host_stays_empty_and_a_command_finds_what_one_before_it_left() {
    let data = Data::fresh();
    let host = data.up("--empty --clock 2031-03-03T09:00:00Z");
    for command in ["journal", "accounts", "outbox", "quarantine", "unmatched"] {
        assert_eq!(data.json(command), json!([]), "{command}");
    }
    assert_eq!(host.end("TERM").0, Some(0));

    // From here on nothing runs; each command starts a host for as long as it takes.
    let sent = data.json("simulate nordwind-healthy unknown-object");
    assert_eq!(rows(&sent).len(), 2);
    assert_eq!(data.json("accounts")[0]["id"], "hubspot:company:70110001");
    assert_eq!(rows(&data.json("quarantine")).len(), 1);
    assert_eq!(data.json("clock advance 1d")["now"], "2031-03-04T09:00:00.000Z");
    assert_eq!(data.json("clock show"), json!({ "now": "2031-03-04T09:00:00.000Z", "mode": "frozen" }));
    Lock::acquire(&data.path()).unwrap();
    let left = std::fs::read_to_string(data.path().join("host.json")).unwrap();
    let left: Value = serde_json::from_str(&left).unwrap();
    assert_eq!((&left["address"], &left["pid"]), (&Value::Null, &Value::Null), "nothing is left running");
}

#[test]
fn answers_keep_their_keys() {
    let data = Data::new();
    let _host = data.up("");
    let accounts = data.json("accounts");
    for account in rows(&accounts) {
        keys(account, "id name score band arr renews_on renews_in_days owner model as_of");
        keys(&account["arr"], "minor currency");
    }
    assert_eq!(row(&accounts, "name", "Copperfield Analytics")["score"], Value::Null, "unknown is null");

    let outbox = data.json("outbox");
    keys(&outbox[0], "id kind mode account account_name playbook episode step to status attempts reason request");
    keys(&outbox[0], "vendor_ref requested_at");
    keys(&outbox[0]["request"], "channel text blocks");
    assert_eq!((&outbox[0]["kind"], &outbox[0]["status"]), (&json!("slack_alert"), &json!("observed")));
    // The same turn pulls the renewal forward; what is told first is the risk.
    let both: Vec<_> = rows(&outbox).iter().filter(|row| row["requested_at"] == outbox[0]["requested_at"]).collect();
    let told: Vec<_> = both.iter().map(|row| row["playbook"].as_str().unwrap()).collect();
    assert_eq!(told, ["risk-mitigation", "renewal-runway"]);

    keys(&data.json("journal")[0], "id connection received_at bytes sha256 status same_key_as");
    keys(&data.json("quarantine")[0], "delivery connection received_at kind reason path mended_at");
    let unmatched = data.json("unmatched");
    let domain = row(&unmatched, "kind", "domain");
    keys(domain, "subject kind name reason facts subjects since first_at last_at held_episodes candidates hint");
    keys(&domain["candidates"][0], "account name why");
    let linked = data.json("link typeform:response:1 almadora");
    keys(&linked, "subject to decided before now moved delivery warnings");
    keys(&linked["now"], "root name is_account reason");
    keys(
        &data.json("erase ann@almadora.example --dry-run"),
        "subjects facts bodies parts timeline_rows quarantine_rows sent_rows",
    );
    keys(&data.json("erase ann@almadora.example --dry-run"), "read dry_run delivery warnings");
    for entry in rows(&data.json("timeline nordwind")) {
        keys(entry, "account at id kind text delivery event");
    }

    let explained = data.json("explain nordwind");
    keys(&explained, "account name score score_basis_points band machine_band band_since as_of next_due_at model");
    keys(
        &explained,
        "confidence arr renews_on owner points gained_total missed_total episodes history also_said members",
    );
    keys(&explained["owner"], "name reason");
    keys(&explained["members"][1], "subject steps gone facts by");
    keys(&explained["members"][1]["by"][0], "target kind what connection delivery occurred_at");
    keys(&explained["episodes"][0], "episode playbook state why opened_at since closed_because");
    keys(&explained["history"][0], "as_of score band");
    keys(&explained, "model_because provisional caps");
    keys(&explained["caps"][0], "name label at_most points because evidence");
    for point in rows(&explained["points"]) {
        keys(point, "measure label dimension state value points gained missed change evidence");
    }
    for point in rows(&explained["points"]).iter().filter(|point| !point["evidence"].is_null()) {
        keys(&point["evidence"], "subject field path raw delivery occurred_at");
    }
    assert_eq!(
        explained["account"],
        data.json("explain hubspot:company:70110001")["account"],
        "an id names it as well"
    );

    keys(&data.json("simulate --list")[0], "name about connection in_book");
    keys(&data.json("simulate brightlane-sentiment-red --duplicate 1")[1], "name connection bytes status error");
    keys(&data.json("settle"), "quiet waiting_records waiting_messages dead_letters next_visible_at");
    keys(&data.json("clock show"), "now mode");
    keys(&data.json("clock advance 1h"), "now mode");
    let golive = data.json("golive --playbook risk-mitigation --destination slack --open-top 1");
    keys(&golive, "modes opened left_alone");
    keys(&golive["modes"][0], "playbook destination from to limited_by");
    keys(&golive["opened"][0], "playbook account name");
    keys(&data.json("pause"), "paused_at held");
    assert_eq!(data.json("resume")["paused_at"], Value::Null);
    keys(&data.json("check"), "folder model connections measures playbooks examples secrets_fit");
    let rescored = data.json("rescore --dry-run");
    keys(&rescored, "model looked_at rows dry_run rescored deliveries done");
    assert_eq!((rows(&rescored["rows"]).len(), &rescored["dry_run"]), (0, &json!(true)), "all are up to date");
    let replayed = data.json("replay --account nordwind");
    keys(&replayed, "deliveries accounts events actions differences acted");
    keys(&replayed["accounts"][0], "id name score band");
    keys(&replayed["events"][0], "id kind account occurred_at recorded");
    keys(&replayed["actions"][0], "id kind account playbook step recorded");
}

/// What a command answered, which succeeded.
#[track_caller]
fn answer(ran: &common::Ran) -> String {
    ran.succeeded();
    ran.out.clone()
}

#[test]
fn a_changed_model_counts_once_a_rescore_says_so() {
    let data = Data::new();
    let host = data.up("--clock 2031-03-03T09:00:00Z");
    let outbox = data.json("outbox");
    assert_eq!(host.end("TERM").0, Some(0));
    let config = data.beside("config");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &config);
    let path = config.join("health/crm-and-tickets.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("green = 100, yellow = 50", "green = 20, yellow = 10")).unwrap();
    let _host = data.up(&format!("--config {}", config.display()));
    let explained = answer(&data.run("explain brightlane"));
    assert!(explained.contains("not the newest: model changed since; run `barometer rescore`"), "{explained}");

    let shown = answer(&data.run("rescore --dry-run"));
    assert!(shown.contains("Nothing was changed; without --dry-run this counts from now on."), "{shown}");
    assert!(shown.contains("CSM sentiment gives 20 of 100 points instead of 100"), "{shown}");
    let report = data.json("rescore --rate 1000");
    keys(&report["rows"][0], "account name arr from to differs reason");
    keys(&report["rows"][0]["to"], "score band model");
    let all = rows(&data.json("accounts")).len();
    assert_eq!((rows(&report["rows"]).len(), &report["rescored"], &report["done"]), (all, &json!(all), &json!(true)));
    for row in rows(&report["rows"]) {
        let account = data.json(&format!("explain {}", row["account"].as_str().unwrap()));
        assert_eq!((&account["band"], &account["score"]), (&row["to"]["band"], &row["to"]["score"]), "{}", row["name"]);
    }
    assert!(answer(&data.run("rescore")).contains("Every account is up to date."));
    assert!(answer(&data.run("timeline brightlane")).contains("A changed configuration is no news and starts nothing"));
    assert_eq!(data.json("outbox"), outbox, "nobody is told");
}

#[test]
fn what_cannot_be_done_is_refused_with_advice() {
    let data = Data::new();
    let _host = data.up("--empty --clock 2031-03-03T09:00:00Z");
    data.run("explain nowhere --json").refused(1, &["nowhere", "help:", "barometer simulate book"]);
    data.run("timeline nowhere").refused(1, &["nowhere", "help:"]);
    data.run("simulate nordwind-red").refused(1, &["nordwind-red", "help:", "nordwind-sentiment-red"]);
    data.run("replay --delivery hubspot:nothing").refused(1, &["hubspot:nothing", "help:", "barometer journal"]);
    data.run("link nowhere nordwind").refused(1, &["nowhere", "help:", "barometer simulate book"]);
    data.run("link zendeks:org:5 nordwind").refused(1, &["zendeks:org:5", "help:", "zendesk"]);
    data.run("link zendesk:org:5 hubspot:company:404").refused(1, &["nobody has spoken of hubspot:company:404"]);
    data.run("erase hubspot:company:1").refused(1, &["no person", "help:", "hubspot:contact:51"]);
    data.run("erase hubspot:contact:404").refused(1, &["nobody has spoken of", "help:"]);
    data.run("golive --playbook nothing").refused(1, &["nothing", "help:", "risk-mitigation"]);
    data.run("clock set 2031-03-01T00:00:00Z").refused(1, &["only moves forward"]);
    data.run("simulate nordwind-healthy --to ftp://x").refused(1, &["ftp://x", "help:", "https://"]);
    data.run("simulate nordwind-healthy --secrets nowhere.toml").refused(1, &["nowhere.toml", "help:"]);
    data.run("clock advance 3").refused(2, &["such as 90s, 15m, 36h"]);
    data.run("settle --timeout soon").refused(2, &["such as 90s, 15m, 36h"]);
    data.run("clock set tomorrow").refused(2, &["tomorrow"]);
    data.run("frobnicate").refused(2, &["frobnicate", "--help"]);
    assert_eq!(data.json("journal"), json!([]), "nothing came of all that");
}

#[test]
fn a_problem_in_the_configuration_is_shown_where_it_stands() {
    let data = Data::new();
    let config = data.beside("config");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &config);
    let path = config.join("playbooks/risk-mitigation.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().position(|line| line == r#"to = ["red"]"#).unwrap() + 1;
    let place = format!("playbooks/risk-mitigation.toml:{line}:");
    std::fs::write(&path, text.replace(r#"to = ["red"]"#, r#"to = ["crimson"]"#)).unwrap();
    let option = format!("--config {}", config.display());
    for command in ["check", "up --listen 127.0.0.1:0", "accounts"] {
        data.run(&format!("{command} {option}")).refused(1, &["crimson", "red", &place]);
    }
    data.run("check --config nowhere").refused(1, &["nowhere", "help:", "connections.toml"]);

    std::fs::write(&path, text).unwrap();
    assert_eq!(data.json(&format!("check {option}"))["secrets_fit"], true);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A customer in good health at `at`, in milliseconds.
fn healthy(at: i64) -> Vec<(&'static str, String, i64)> {
    const DAY: i64 = 86_400_000;
    vec![
        ("name", "Larkspur Foods".to_owned(), at),
        ("domain", "larkspur.example".to_owned(), at),
        ("lifecyclestage", "customer".to_owned(), at),
        ("annual_recurring_revenue", "48000".to_owned(), at),
        ("csm_sentiment", "green".to_owned(), at),
        ("notes_last_contacted", (at - DAY).to_string(), at),
        ("renewal_date", (at + 200 * DAY).to_string(), at),
    ]
}

#[test]
fn a_signed_webhook_is_explained_and_a_forged_one_is_refused() {
    let at = START.parse::<model::Moment>().unwrap().as_millis();
    let data = Data::new();
    let host = data.up(&format!("--empty --clock {START}"));
    let mut properties = healthy(at);
    let body = company(7, &properties);
    assert_eq!(host.post_unsigned(&body), 401);
    assert_eq!(host.post_signed_with("another secret", &body), 401);
    assert_eq!(data.json("journal"), json!([]));

    assert_eq!((host.post(&body), host.post(&body)), (200, 200), "a vendor sends again");
    data.settle();
    assert_eq!(rows(&data.json("journal")).len(), 1);
    assert_eq!(data.json("accounts")[0]["band"], "green");

    properties.push(("csm_sentiment", "red".to_owned(), at + 1));
    properties.push(("notes_last_contacted", (at - 100 * 86_400_000).to_string(), at + 1));
    let body = company(7, &properties);
    assert_eq!(host.post(&body), 200);
    data.settle();
    let explained = data.json("explain larkspur");
    let word = row(&explained["points"], "measure", "csm_sentiment");
    assert_eq!((&explained["band"], &word["evidence"]["raw"]), (&json!("red"), &json!("\"red\"")));
    assert_eq!(word["evidence"]["path"], "properties.csm_sentiment.value");
    let journal = data.json("journal");
    assert_eq!((&word["evidence"]["delivery"], rows(&journal).len()), (&journal[1]["id"], 2));
    let sum = |key: &str| rows(&explained["points"]).iter().map(|point| point[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((json!(sum("gained")), sum("gained") + sum("missed")), (explained["gained_total"].clone(), 10_000));
    let told = data.json("timeline larkspur");
    let kinds: Vec<_> = rows(&told).iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(
        (kinds[0], kinds.last()),
        ("watched", Some(&"slack_alert")),
        "what follows stands after its cause: {kinds:?}"
    );
    let outbox = data.json("outbox");
    assert_eq!(rows(&outbox).len(), 1);
    assert_eq!((&outbox[0]["account"], &outbox[0]["mode"]), (&json!("hubspot:company:7"), &json!("observe")));
}

#[test]
fn after_going_live_one_message_goes_out_and_its_end_is_told_in_its_thread() {
    let slack = Slack::new(Manner::Answers);
    let data = Data::with_slack(&slack);
    let _host = data.up(&format!("--empty --clock {START}"));
    data.run("simulate nordwind-healthy kestrel-watch").succeeded();
    data.settle();
    data.run("simulate kestrel-sentiment-red").succeeded();
    data.settle();
    assert_eq!(slack.messages(), Vec::<Value>::new(), "observed");
    let report = data.json("golive --playbook risk-mitigation --destination slack");
    data.settle();
    let books = slack.messages();
    assert_eq!(books.len(), rows(&report["books"]).len(), "what was observed is not sent later: {books:#?}");
    assert!(books.iter().any(|book| book.to_string().contains("Kestrel")), "{books:#?}");

    data.run("simulate nordwind-sentiment-red --duplicate 2").succeeded();
    data.run("simulate nordwind-sentiment-red").succeeded();
    data.settle();
    assert_eq!(row(&data.json("outbox"), "account_name", "Nordwind Logistik")["status"], "waiting");
    data.json("clock advance 5m");
    data.settle();
    let sent = slack.messages()[books.len()..].to_vec();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert_eq!(sent[0]["channel"], "U0INES0001");
    assert!(sent[0]["text"].as_str().unwrap().contains("Nordwind Logistik"), "{}", sent[0]);
    let outbox = data.json("outbox");
    let told = row(&outbox, "account_name", "Nordwind Logistik");
    assert_eq!((&told["status"], &told["request"]), (&json!("sent"), &sent[0]));
    let thread = json!(format!("1930000000.{:06}", books.len() + 1));
    assert_eq!(told["vendor_ref"], thread);

    data.run("simulate nordwind-recovers").succeeded();
    data.settle();
    assert_eq!(slack.messages().len(), books.len() + 1, "a day must pass first");
    data.json("clock advance 72h");
    data.settle();
    let sent = slack.messages()[books.len() + 1..].to_vec();
    let told: Vec<_> = sent.iter().filter(|message| message["thread_ts"].is_string()).collect();
    assert_eq!(told.len(), 1, "{sent:#?}");
    assert_eq!((&told[0]["thread_ts"], &told[0]["channel"]), (&thread, &json!("C0TEST")));
    assert_eq!(data.json("explain nordwind")["episodes"][0]["state"], "closed");
}

/// Every instant in the answer: texts with a time of day, and numbers that can only be milliseconds since 1970.
fn instants(answer: &Value, found: &mut Vec<String>) {
    match answer {
        Value::String(text) => {
            let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
            found.extend(text.as_bytes().windows(16).filter_map(|at| {
                let is = digits(&at[..4]) && at[4] == b'-' && digits(&at[5..7]) && at[10] == b'T' && at[13] == b':';
                is.then(|| String::from_utf8_lossy(at).into_owned())
            }));
        }
        Value::Number(number) => {
            let millis = number.as_i64().filter(|n| *n > 500_000_000_000);
            found.extend(millis.map(|n| model::Moment::from_millis(n).unwrap().to_string()));
        }
        Value::Array(items) => items.iter().for_each(|item| instants(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| instants(field, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[test]
fn the_clock_of_the_machine_shows_nowhere() {
    let data = Data::new();
    let _host = data.up("--empty --clock 2031-03-01T00:00:00Z");
    let mut found = Vec::new();
    let mut ask = |command: &str| {
        let answer = data.json(command);
        instants(&answer, &mut found);
        answer
    };
    ask("simulate nordwind-healthy kestrel-watch vantage-healthy sunny-harbor-odd-date nordwind-deal nordwind-contact");
    ask("settle");
    ask("golive --all");
    ask("simulate nordwind-sentiment-red kestrel-sentiment-red unknown-object");
    ask("settle");
    ask("pause");
    ask("clock advance 45d");
    ask("simulate nordwind-recovers");
    ask("resume");
    ask("settle");
    ask("clock set 2031-06-01T12:00:00Z");
    for command in ["accounts", "outbox", "journal", "quarantine", "unmatched", EVERYTHING, "clock show"] {
        ask(command);
    }
    for account in rows(&data.json("accounts")) {
        let id = account["id"].as_str().unwrap();
        for command in
            [format!("explain {id}"), format!("explain {id} --at 2031-03-20T00:00:00Z"), format!("timeline {id}")]
        {
            ask(&command);
        }
    }
    let odd: Vec<_> = found.iter().filter(|at| !["2030", "2031", "2032"].contains(&&at[..4])).collect();
    assert!(odd.is_empty(), "{odd:?}");
    assert!(found.len() > 100, "{} instants", found.len());
}

#[test]
fn an_alert_is_gone_without_the_delivery_that_its_account_is_explained_by() {
    let data = Data::new();
    let host = data.up(&format!("--clock {START}"));
    let explained = data.json("explain nordwind");
    let (id, points) = (explained["account"].as_str().unwrap(), &explained["points"]);
    let cause = row(points, "measure", "csm_sentiment")["evidence"]["delivery"].as_str().unwrap();

    let replayed = data.json(&format!("replay --account {id}"));
    assert_eq!(replayed["differences"], json!([]));
    assert_eq!(rows(&replayed["actions"]).len(), 3, "its detractor, its risk, and the renewal that the risk endangers");
    assert_eq!((&replayed["actions"][0]["recorded"], &replayed["acted"]), (&json!(true), &json!(false)));
    let ids = |listed: &Value| rows(listed).iter().map(|row| row["id"].to_string()).collect::<BTreeSet<_>>();
    let outbox = data.json("outbox");
    assert!(ids(&replayed["actions"]).is_subset(&ids(&outbox)), "the same messages under the same ids");

    let without = data.json(&format!("replay --account {id} --without {cause}"));
    assert_eq!((rows(&without["actions"]).len(), &without["accounts"][0]["band"]), (1, &json!("yellow")));
    assert_eq!(data.json("explain nordwind"), explained, "a replay changes nothing");
    assert_eq!(host.end("TERM").0, Some(0));

    // The whole journal, in places that differ in all that must not matter.
    let places = [("UTC", "C"), ("Pacific/Kiritimati", "tr_TR.UTF-8"), ("America/St_Johns", "de_DE.UTF-8")];
    let replays: Vec<String> = places
        .iter()
        .map(|(zone, language)| {
            let place = [("TZ", *zone), ("LC_ALL", *language)];
            let ran = data.run_with(&place, &format!("{EVERYTHING} --json"));
            assert_eq!(ran.json()["differences"], json!([]), "{place:?}");
            ran.out
        })
        .collect();
    assert!(replays.iter().all(|replay| *replay == replays[0]), "{replays:#?}");
    assert!(replays[0].len() > 1_000, "{}", replays[0]);
}
