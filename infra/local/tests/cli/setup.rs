//! Setting HubSpot up, from an export and from HubSpot itself, and trying a body on the mapping.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::common::Data;
use crate::{copy, golden, keys, row, rows};

/// Two dozen companies as HubSpot exports them.
const EXPORT: &str = "\
Record ID,Company name,Company owner,Lifecycle Stage,Renewal Date,Annual Recurring Revenue,Annual Revenue,CSM Email,Customer Tier,Is Test Account,Notes
70110001,\"Nordwind, Logistik\",410001,Customer,2027-03-31,48000,12000000,ines.almeida@ourco.example,Gold,false,\"said
\"\"soon\"\"\"
70110002,Almadora,410002,Customer,2027-01-15,12500.50,900000,tom.brandt@ourco.example,Silver,false,
70110003,Kestrel,410001,Customer,,8000,,ines.almeida@ourco.example,Silver,,
70110004,Testco,,Customer,2026-12-01,,,,,true,
";

fn shipped(data: &Data) -> PathBuf {
    let folder = data.beside("mine");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &folder);
    folder
}

fn export(data: &Data) -> PathBuf {
    let path = data.beside("companies.csv");
    std::fs::write(&path, EXPORT).unwrap();
    path
}

#[test]
fn an_export_is_enough_to_see_what_properties_would_mean() {
    let data = Data::new();
    let line = format!("setup hubspot --sample {}", export(&data).display());
    let ran = data.run(&line);
    ran.succeeded();
    golden("setup_export.txt", &ran.out);

    let found = data.json(&line);
    keys(&found, "companies properties proposals accounts changes written made subscribe");
    let proposals = &found["proposals"];
    for (field, property, confidence) in [
        ("renews_on", "renewal_date", "medium"),
        ("arr", "annual_recurring_revenue", "medium"),
        ("csm", "csm_email", "medium"),
        ("tier", "customer_tier", "medium"),
        ("is_test", "is_test_account", "medium"),
    ] {
        let proposal = row(proposals, "field", field);
        assert_eq!(
            (&proposal["property"], &proposal["confidence"]),
            (&json!(property), &json!(confidence)),
            "{proposal}"
        );
    }
    assert_eq!((&found["written"], rows(&found["made"]).len()), (&json!(false), 0));
}

#[test]
fn with_yes_the_files_are_written_once_and_are_right() {
    let data = Data::new();
    let folder = shipped(&data);
    let sample = export(&data);
    data.run(&format!("setup hubspot --sample {} --yes", sample.display())).refused(1, &["built-in", "--config DIR"]);
    let line = format!("setup hubspot --sample {} --config {}", sample.display(), folder.display());
    let before = std::fs::read_to_string(folder.join("connections.toml")).unwrap();
    data.run(&line).succeeded();
    assert_eq!(std::fs::read_to_string(folder.join("connections.toml")).unwrap(), before, "nothing without --yes");

    let done = data.json(&format!("{line} --connection hubspot --yes"));
    let after = std::fs::read_to_string(folder.join("connections.toml")).unwrap();
    let csm = "csm = \"csm_email\"      # who looks after the account; an email address or an owner id";
    assert_eq!(after.matches(csm).count(), 1, "{after}");
    assert!(after.contains("csm = \"customer_success_manager\"\n"), "the other connection keeps its own");
    let modes = std::fs::read_to_string(folder.join("modes.toml")).unwrap();
    assert!(modes.ends_with("[most.write-back]\nhubspot = \"live\"\n"), "{modes}");
    assert!(rows(&done["made"]).iter().all(|made| made["outcome"].as_str().unwrap().contains("no token")), "{done}");
    data.run(&format!("check --config {}", folder.display())).succeeded();
    let again = data.json(&format!("{line} --connection hubspot --yes"));
    assert_eq!(again["changes"], json!({}));
}

#[test]
fn what_cannot_be_looked_at_says_so() {
    let data = Data::new();
    data.run("setup hubspot").refused(1, &["no --sample and no token", "[destinations.hubspot]"]);
    data.run("setup hubspot --sample nowhere.csv").refused(1, &["nowhere.csv cannot be read"]);
    let odd = data.beside("odd.csv");
    std::fs::write(&odd, "hello").unwrap();
    data.run(&format!("setup hubspot --sample {}", odd.display()))
        .refused(1, &["not understood", "expected companies"]);
    let sample = export(&data);
    data.run(&format!("setup hubspot --sample {} --connection zendesk", sample.display()))
        .refused(1, &["no connection `zendesk` of HubSpot", "hubspot, hubspot-app"]);
}

/// A HubSpot on this machine: a property that was made once is there. What it was asked, in order.
fn hubspot() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::<String>::new()));
    let kept = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            reader.read_line(&mut line).unwrap();
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                let lower = header.to_lowercase();
                if let Some(bytes) = lower.strip_prefix("content-length:") {
                    length = bytes.trim().parse().unwrap();
                }
                if lower.starts_with("authorization:") {
                    assert_eq!(lower.trim(), "authorization: bearer pat-eu1-test");
                }
                if header.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            let (status, answer) = answer(&line, &body, &kept.lock().unwrap());
            kept.lock().unwrap().push(format!(
                "{} {}",
                line.split(" HTTP").next().unwrap(),
                body["name"].as_str().unwrap_or("")
            ));
            let answer = answer.to_string();
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                answer.len()
            );
            stream.write_all((head + &answer).as_bytes()).unwrap();
        }
    });
    (format!("http://{address}"), asked)
}

fn answer(line: &str, body: &Value, before: &[String]) -> (u16, Value) {
    let property = |name: &str, label: &str, kind: &str| json!({ "name": name, "label": label, "type": kind });
    if line.starts_with("GET /crm/v3/properties/companies?archived=false ") {
        let all = [
            property("renewal_date", "Renewal date", "date"),
            property("arr__c", "ARR", "number"),
            property("name", "Company name", "string"),
        ];
        return (200, json!({ "results": all }));
    }
    if line.starts_with("POST /crm/v3/objects/companies/search ") {
        assert_eq!(body["properties"], json!(["renewal_date", "arr__c", "name"]));
        let values =
            json!({ "renewal_date": "2027-03-31", "arr__c": "48000", "name": "Nordwind", "hs_object_id": "7" });
        return (200, json!({ "total": 1, "results": [{ "id": "7", "properties": values }] }));
    }
    let Some(object) = line.strip_prefix("POST /crm/v3/properties/") else { return (405, Value::Null) };
    let object = object.split(' ').next().unwrap();
    let name = body["name"].as_str().unwrap();
    let known = ["groupName", "label", "type", "fieldType"].iter().all(|key| body[*key].is_string());
    assert!(known && (object == "tasks") == (body["hasUniqueValue"] == true), "{body}");
    if name == "barometer_reasons" {
        return (403, json!({ "category": "MISSING_SCOPES" }));
    }
    let is_there = before.iter().any(|line| line.ends_with(&format!(" {name}")));
    if is_there { (409, json!({ "category": "OBJECT_ALREADY_EXISTS" })) } else { (201, json!({ "name": name })) }
}

#[test]
fn hubspot_itself_is_read_with_the_token_and_gets_our_properties() {
    let data = Data::new();
    let folder = shipped(&data);
    let (url, asked) = hubspot();
    let secrets = data.path().join("secrets.toml");
    let text = std::fs::read_to_string(&secrets).unwrap();
    std::fs::write(&secrets, format!("{text}[destinations.hubspot]\ntoken = \"pat-eu1-test\"\nbase_url = \"{url}\"\n"))
        .unwrap();
    let line = format!("setup hubspot --config {}", folder.display());
    let found = data.json(&line);
    let proposal = |field: &str| row(&found["proposals"], "field", field).clone();
    assert_eq!(
        (&proposal("renews_on")["confidence"], &proposal("arr")["property"]),
        (&json!("high"), &json!("arr__c"))
    );
    assert_eq!(found["accounts"][0]["values"][0], json!(["renews_on", "2027-03-31", "2027-03-31"]));
    assert_eq!(asked.lock().unwrap().len(), 2, "looking makes nothing");

    let outcome =
        |made: &Value, name: &str| row(&made["made"], "property", name)["outcome"].as_str().unwrap().to_owned();
    let made = data.json(&format!("{line} --yes"));
    assert_eq!(
        (outcome(&made, "barometer_action_id"), outcome(&made, "barometer_as_of")),
        ("made".into(), "made".into())
    );
    assert!(outcome(&made, "barometer_reasons").contains("the scope crm.schemas.companies.write"), "{made}");
    let again = data.json(&format!("{line} --yes"));
    assert_eq!(outcome(&again, "barometer_score"), "was there");
    assert_eq!(again["changes"], json!({}));
}

#[test]
fn a_body_is_tried_on_the_mapping() {
    let data = Data::new();
    let body = json!({ "portalId": 1, "objectType": "COMPANY", "objectTypeId": "0-2", "objectId": 7, "isDeleted": false,
        "properties": {
            "name": { "value": "Nordwind", "timestamp": 1_795_251_492_000_i64 },
            "domain": { "value": "nordwind.example", "timestamp": 1_795_251_492_000_i64 },
            "renewal_date": { "value": "1806451200000", "timestamp": 1_795_251_492_000_i64, "versions": [] },
            "seats": { "value": "12", "timestamp": 1_795_251_492_000_i64 },
            "licensed_seats": { "value": "many", "timestamp": 1_795_251_492_000_i64 } } });
    let path = data.beside("company.json");
    std::fs::write(&path, body.to_string()).unwrap();
    let line = format!("map try {}", path.display());
    let ran = data.run(&line);
    ran.succeeded();
    golden("map_try.txt", &ran.out);
    let tried = data.json(&line);
    keys(&tried, "connection tool facts links fetches quarantined warnings unused");
    assert_eq!(tried["connection"], "hubspot");
    let fact = row(&tried["facts"], "field", "renews_on");
    assert_eq!((&fact["path"], &fact["value"]), (&json!("properties.renewal_date.value"), &json!("2027-03-31")));
    assert!(rows(&tried["unused"]).contains(&json!("properties.seats.value")), "{tried}");
    assert!(!rows(&tried["unused"]).contains(&json!("properties.name.value")), "{tried}");
    assert_eq!(rows(&tried["quarantined"]).len(), 1);
    data.run(&format!("{line} --connection crm")).refused(1, &["no connection `crm`", "hubspot-app"]);
    data.run("map try nowhere.json").refused(1, &["nowhere.json cannot be read"]);
}
