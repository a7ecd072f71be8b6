//! What belongs where: what has no account, what was not understood, and whom to forget.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::Data;
use crate::{EVERYTHING, START, copy, row, rows};

/// What people read.
fn said(data: &Data, line: &str) -> String {
    let ran = data.run(line);
    ran.succeeded();
    ran.out
}

#[test]
fn what_a_mended_mapping_understands_leaves_the_quarantine() {
    let data = Data::new();
    let (good, bad) = (data.beside("good"), data.beside("bad"));
    for folder in [&good, &bad] {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), folder);
    }
    let path = bad.join("connections.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let wrong = text.replacen("notice_days = \"renewal_notice_days\"", "notice_days = \"customer_tier\"", 1);
    std::fs::write(&path, wrong).unwrap();
    let host = data.up(&format!("--empty --clock {START} --config {}", bad.display()));
    data.run("simulate nordwind-healthy unknown-object").succeeded();
    data.settle();
    let place = "properties.customer_tier.value";
    let held = data.json("quarantine");
    assert_eq!((rows(&held).len(), &row(&held, "path", place)["kind"]), (2, &json!("unfit_value")));
    assert_eq!(data.json("explain nordwind")["arr"]["minor"], 4_800_000, "the rest of the body is used");
    host.end("TERM");

    let _host = data.up(&format!("--empty --config {}", good.display()));
    let tried = data.json("replay --quarantined");
    assert_eq!((&tried["deliveries"], &tried["acted"]), (&json!(2), &json!(false)));
    assert_eq!(data.json("quarantine"), held, "nothing is written without --act");
    assert_eq!(data.json("replay --quarantined --act")["acted"], true);
    data.settle();
    let left = data.json("quarantine");
    assert_eq!((rows(&left).len(), &left[0]["path"]), (1, &json!("objectType")), "{left:#}");
    let all = data.json("quarantine --all");
    assert!(row(&all, "path", place)["mended_at"].is_string(), "{all:#}");
    // That it was not understood once has happened; all else is as if the mapping had always been right.
    let replayed = data.json(EVERYTHING);
    let told = rows(&replayed["differences"]).iter().map(|difference| &difference["recorded"]["type"]);
    assert_eq!(told.collect::<Vec<_>>(), ["delivery.quarantined"], "{replayed:#}");
    assert!(said(&data, "quarantine").starts_with("   1 unreadable from hubspot\n"));
}

#[test]
fn what_has_no_account_is_listed_until_it_is_linked() {
    let data = Data::new();
    let _host = data.up(&format!("--empty --clock {START}"));
    assert!(said(&data, "unmatched").contains("Everything that is known belongs to an account"));
    data.run("simulate almadora-at-risk nordwind-healthy almadora-nps-unmatched stranger-zendesk-org").succeeded();
    data.settle();
    let unmatched = data.json("unmatched");
    assert_eq!(rows(&unmatched).len(), 2, "{unmatched:#}");
    let domain = row(&unmatched, "subject", "domain:almadora.example");
    assert_eq!((&domain["reason"], &domain["facts"]), (&json!("no_account"), &json!(1)));
    assert_eq!(domain["candidates"][0]["account"], "hubspot:company:70110004");
    assert!(domain["hint"].as_str().unwrap().contains("barometer link almadora.example hubspot:company:70110004"));
    let told = said(&data, "unmatched");
    assert!(told.starts_with("   2 not linked to anything that a CRM opened as an account\n"), "{told}");

    let linked = data.json("link almadora.example almadora");
    let (before, now) = (&linked["before"], &linked["now"]);
    assert_eq!((&before["is_account"], &now["name"]), (&json!(false), &json!("Almadora Foods")));
    assert_eq!((&linked["moved"], &linked["warnings"]), (&json!(2), &json!([])));
    data.settle();
    let members = data.json("explain almadora")["members"].clone();
    let answer = rows(&members).iter().find(|row| row["subject"].as_str().unwrap().starts_with("typeform:response:"));
    assert_eq!(answer.unwrap()["steps"], 3, "{members:#}");
    let domain = row(&members, "subject", "domain:almadora.example");
    assert_eq!((&domain["by"][0]["kind"], &domain["by"][0]["connection"]), (&json!("manual"), &json!("operator")));
    assert_eq!(data.json("explain rui.tavares@almadora.example")["account"], "hubspot:company:70110004");

    let organisation = "zendesk:org:38200077";
    assert_eq!(data.json(&format!("link {organisation} nordwind"))["now"]["is_account"], true);
    assert_eq!(data.json("unmatched"), json!([]));
    assert_eq!(data.json(&format!("link {organisation} --undo"))["now"]["is_account"], false);
    assert_eq!(data.json("unmatched")[0]["subject"], organisation);
    assert_eq!(data.json("link almadora.example --alone")["now"]["reason"], "no_account");
    assert_eq!(rows(&data.json("unmatched")).len(), 2, "an operator's word beats all, also the earlier one");

    let ahead = data.json("link hubspot:deal:404 nordwind");
    assert!(ahead["warnings"][0].as_str().unwrap().contains("nobody has spoken of hubspot:deal:404 yet"), "{ahead}");
    data.settle();
    assert_eq!(data.json(EVERYTHING)["differences"], json!([]), "a replay knows of every link");
}

#[test]
fn three_tools_speak_of_one_account_of_the_book() {
    let data = Data::new();
    let _host = data.up(&format!("--clock {START}"));
    let members = data.json("explain nordwind")["members"].clone();
    assert_eq!(members[0]["subject"], "hubspot:company:70110001");
    for (kind, connection) in [("zendesk:ticket:", "zendesk"), ("typeform:response:", "typeform")] {
        let is = |row: &&Value| row["subject"].as_str().unwrap().starts_with(kind);
        let member = rows(&members).iter().find(is).unwrap_or_else(|| panic!("no {kind}: {members:#}"));
        assert_eq!((&member["by"][0]["connection"], &member["facts"]), (&json!(connection), &json!(1)));
    }
    let unmatched = data.json("unmatched");
    assert_eq!(row(&unmatched, "kind", "deal")["subject"], "hubspot:deal:80220001");
    row(&unmatched, "subject", "domain:almadora.example");
    data.run("simulate nordwind-app-deal-associated").succeeded();
    data.settle();
    assert_eq!(rows(&data.json("unmatched")).len(), 1, "HubSpot has said whose deal it is");
    assert!(rows(&data.json("outbox")).iter().all(|row| row["kind"] == "slack_alert"), "nothing is asked for");
    data.run("simulate nordwind-zendesk-org").succeeded();
    data.settle();
    let outbox = data.json("outbox");
    let fetch = row(&outbox, "kind", "fetch_object");
    assert_eq!((&fetch["status"], &fetch["to"]), (&json!("held"), &json!("zendesk")));
    assert!(fetch["reason"].as_str().unwrap().contains("token"), "{fetch}");
    assert_eq!(outbox[0]["kind"], "slack_alert", "messages stand first");
}

#[test]
fn a_person_is_forgotten_for_good() {
    let data = Data::new();
    let host = data.up(&format!("--empty --clock {START}"));
    for sample in ["nordwind-healthy", "kestrel-watch", "nordwind-contact", "nordwind-nps-detractor"] {
        data.run(&format!("simulate {sample}")).succeeded();
        data.settle();
    }
    let before = (data.json("journal"), data.json("explain nordwind"));
    let address = "jonas.feld@nordwind-logistik.example";
    let tried = data.json(&format!("erase {address} --dry-run"));
    assert_eq!((rows(&tried["subjects"]).len(), &tried["bodies"], &tried["facts"]), (2, &json!(1), &json!(1)));
    assert_eq!((data.json("journal"), data.json("explain nordwind")), before, "nothing is changed");

    let erased = data.json(&format!("erase {address}"));
    assert_eq!((&erased["subjects"], &erased["bodies"]), (&tried["subjects"], &json!(1)));
    data.settle();
    let members = data.json("explain nordwind")["members"].to_string();
    assert!(!members.contains("typeform:response") && members.contains("hubspot:contact:90330001"), "{members}");
    let again = data.json(&format!("erase {address}"));
    assert_eq!((&again["bodies"], &again["delivery"]), (&json!(0), &Value::Null), "twice is once");

    // HubSpot tells us to forget the other person: the facts go at once, the bodies when an operator says so.
    data.run("simulate nordwind-app-privacy-deletion").succeeded();
    data.settle();
    assert!(!data.json("explain nordwind")["members"].to_string().contains("hubspot:contact"));
    let pending = data.json("erase --pending --dry-run");
    let theirs = json!(["email:marta.lindqvist@nordwind-logistik.example", "hubspot:contact:90330001"]);
    assert_eq!((&pending["subjects"], &pending["bodies"]), (&theirs, &json!(1)));
    assert_eq!(pending["parts"], 1, "of the list that told us only the element goes");
    assert_eq!(data.json("erase --pending")["subjects"], theirs);
    assert_eq!(data.json("erase --pending")["subjects"], json!([]), "nobody is left");
    data.run("simulate nordwind-contact").succeeded();
    data.settle();
    assert!(!data.json("explain nordwind")["members"].to_string().contains("hubspot:contact"), "it stays unheard");
    // When the account was looked at last depends on what is forgotten; what was decided does not, but for the follow-up of
    // the answer that nobody gave any more.
    let replayed = data.json(EVERYTHING);
    let decided = rows(&replayed["differences"]).iter().filter(|difference| difference["what"] == "event");
    let others: Vec<_> = decided.filter(|event| !event.to_string().contains("detractor-follow-up")).collect();
    assert!(others.is_empty(), "a replay knows of it: {others:#?}");
    let accounts = data.json("accounts");
    for account in rows(&replayed["accounts"]) {
        let now = row(&accounts, "id", account["id"].as_str().unwrap());
        assert_eq!((&account["score"], &account["band"]), (&now["score"], &now["band"]));
    }

    let stubs = rows(&data.json("journal")).iter().filter(|row| row["bytes"] == 15).count();
    assert_eq!(stubs, 2, "{:#}", data.json("journal"));
    assert_eq!(host.end("TERM").0, Some(0));
}
