//! What a vendor holds already, read over HTTP from a vendor on this machine.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};

use serde_json::{Value, json};

use super::common::Data;
use super::{EVERYTHING, START, copy, keys, rows};

/// Two pages of companies, and empty lists of everything else. Ends with the test program.
fn portal() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let mut header = String::from("x");
            while !header.trim().is_empty() {
                header.clear();
                reader.read_line(&mut header).unwrap();
            }
            let body = answer(&line).to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
            // The caller may have been killed.
            let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes());
        }
    });
    address
}

fn answer(line: &str) -> Value {
    let company = |id: u32| {
        let at = "2031-02-01T08:00:00Z";
        json!({ "id": id.to_string(), "properties": { "name": format!("Company {id}"), "lifecyclestage": "customer" },
            "createdAt": at, "updatedAt": at, "archived": false })
    };
    match line.split_whitespace().nth(1).unwrap_or_default() {
        path if !path.starts_with("/crm/v3/objects/companies?") => json!({ "results": [] }),
        path if path.contains("after=2") => json!({ "results": [company(3)] }),
        _ => json!({ "results": [company(1), company(2)], "paging": { "next": { "after": "2" } } }),
    }
}

#[test]
fn what_hubspot_holds_is_read_into_the_journal_and_is_no_news() {
    let data = Data::new();
    let config = data.beside("config");
    copy(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &config);
    let connections = config.join("connections.toml");
    let text = std::fs::read_to_string(&connections).unwrap();
    let app = format!("tool = \"hubspot-app\"\napi_url = \"http://{}\"", portal());
    std::fs::write(&connections, text.replace("tool = \"hubspot-app\"", &app)).unwrap();
    let host = data.up(&format!("--empty --clock {START}"));
    data.run("backfill hubspot").refused(1, &["no token for `hubspot-app`", "help:"]);
    data.run("backfill typeform").refused(1, &["nothing of `typeform` can be listed", "hubspot-app"]);
    assert_eq!(host.end("TERM").0, Some(0));
    let secrets = data.path().join("secrets.toml");
    let text = std::fs::read_to_string(&secrets).unwrap();
    let with_token = text.replace("[connections.hubspot-app]\n", "[connections.hubspot-app]\ntoken = \"pat-1\"\n");
    std::fs::write(&secrets, with_token).unwrap();

    let _host = data.up(&format!("--empty --clock {START}"));
    let read = data.json("backfill hubspot");
    keys(&read, "connection changed_since resumed read done wait_ms because warnings");
    assert_eq!((&read["done"], &read["read"]["company"]["new"]), (&json!(true), &json!(3)), "{read:#}");
    assert_eq!(rows(&data.json("accounts")).len(), 3);
    assert_eq!(data.json("outbox"), json!([]));
    assert_eq!(data.json(EVERYTHING)["differences"], json!([]));
    let again = data.run("backfill hubspot --restart");
    assert!(again.out.contains("0 records read into the journal"), "{}", again.out);
    assert_eq!(rows(&data.json("journal")).len(), 3);
    let since = data.json("backfill hubspot --restart --changed-since 2031-02-02T00:00:00Z");
    assert_eq!(since["read"]["company"]["older"], 3);
}
