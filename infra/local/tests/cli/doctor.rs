//! `barometer doctor`: every finding once, against vendors on this machine that know what they are asked.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::{Data, Host, Ran};
use crate::stub::{Asked, Stub, Told};
use crate::{copy, golden, row, rows};

const HOOKS: &str = "https://hooks.ourco.example";

/// The shipped configuration, with these lines under the headers of connections.
fn config(data: &Data, lines: &[(&str, &str)]) -> PathBuf {
    let folder = data.beside("config");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &folder);
    let path = folder.join("connections.toml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (connection, line) in lines {
        let header = format!("[connection.{connection}]\n");
        assert!(text.contains(&header), "{header}");
        text = text.replace(&header, &format!("{header}{line}\n"));
    }
    std::fs::write(path, text).unwrap();
    folder
}

/// All connections with an address, that of Slack's clicks too, and the APIs of three at the stub.
fn well(data: &Data, stub: &Stub) -> PathBuf {
    let public = format!("public_url = \"{HOOKS}\"");
    let api = format!("api_url = \"{}\"", stub.url());
    let names = ["hubspot", "hubspot-app", "zendesk", "typeform"];
    let mut lines: Vec<(&str, &str)> = names.iter().map(|name| (*name, public.as_str())).collect();
    lines.extend(["hubspot-app", "zendesk", "typeform"].map(|name| (name, api.as_str())));
    let folder = config(data, &lines);
    let path = folder.join("connections.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}\n[connection.slack]\ntool = \"slack\"\n{public}\n")).unwrap();
    folder
}

/// The file of secrets: every connection's token, and all destinations, at the stub.
fn tokens(data: &Data, stub: &Stub) {
    let path = data.path().join("secrets.toml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (name, token) in
        [("hubspot-app", "pat-eu1-app"), ("zendesk", "ann@ourco.example/token:zt"), ("typeform", "tfp_1")]
    {
        let header = format!("[connections.{name}]\n");
        text = text.replace(&header, &format!("{header}token = \"{token}\"\n"));
    }
    text.push_str(&format!("[connections.slack]\nsecret = \"{}\"\n", crate::common::SECRET));
    let url = stub.url();
    text.push_str(&format!("[destinations.slack]\ntoken = \"xoxb-1\"\nbase_url = \"{url}/api\"\n"));
    text.push_str(&format!("[destinations.hubspot]\ntoken = \"pat-eu1-out\"\nbase_url = \"{url}\"\n"));
    let key = "region = \"eu-west-1\"\naccess_key_id = \"AKIATEST\"\nsecret_access_key = \"no-secret-of-any-account\"";
    text.push_str(&format!("[destinations.email]\n{key}\nbase_url = \"{url}\"\n"));
    std::fs::write(path, text).unwrap();
}

/// The properties that the shipped mapping names, and ours.
fn properties(object: &str) -> Value {
    let names = match object {
        "companies" => {
            "name domain lifecyclestage customer_success_manager hubspot_owner_id customer_tier customer_segment \
             customer_since annual_recurring_revenue licensed_seats contract_start renewal_date renewal_notice_days \
             auto_renew csm_sentiment notes_last_contacted is_test_account hs_parent_company_id barometer_score"
        }
        "contacts" => "email firstname hs_buying_role hs_email_optout",
        "deals" => "dealname pipeline dealstage amount closedate",
        "tickets" => "hs_pipeline_stage hs_ticket_priority hs_ticket_category createdate closed_date",
        "tasks" => "barometer_action_id",
        other => panic!("{other}"),
    };
    json!({ "results": names.split_whitespace().map(|name| json!({ "name": name })).collect::<Vec<_>>() })
}

/// Vendors that find everything as it should be.
fn all_well(asked: &Asked) -> Told {
    let webhook = |url: String| json!({ "items": [{ "url": url, "enabled": true, "tag": "barometer" }] });
    match (asked.line.as_str(), asked.token.as_str()) {
        ("POST /api/auth.test", "Bearer xoxb-1") => {
            Told::ok(json!({ "ok": true, "team": "Ourco", "user": "barometer" }))
                .with("x-oauth-scopes", "chat:write,users:read,users:read.email,channels:read,groups:read")
        }
        ("POST /api/users.conversations", "Bearer xoxb-1") => {
            Told::ok(json!({ "ok": true, "channels": [{ "id": "C1", "name": "customer-success" }] }))
        }
        ("POST /oauth/v2/private-apps/get/access-token-info", "Bearer pat-eu1-out") => {
            assert_eq!(asked.body, json!({ "tokenKey": "pat-eu1-out" }));
            let scopes = ["crm.objects.contacts.write", "crm.objects.companies.read", "crm.objects.owners.read"];
            Told::ok(json!({ "userId": 1, "hubId": 2, "appId": 3, "scopes": scopes }))
        }
        (line, "Bearer pat-eu1-app" | "Bearer pat-eu1-out") if line.starts_with("GET /crm/v3/properties/") => {
            let object = line.trim_start_matches("GET /crm/v3/properties/").split('?').next().unwrap();
            Told::ok(properties(object))
        }
        // Basic authentication with `ann@ourco.example/token:zt`.
        (line, "Basic YW5uQG91cmNvLmV4YW1wbGUvdG9rZW46enQ=") if line.starts_with("GET /api/v2/") => match line {
            "GET /api/v2/users/me.json" => Told::ok(json!({ "user": { "id": 5, "role": "admin" } })),
            "GET /api/v2/webhooks?page%5Bsize%5D=100" => Told::ok(json!({ "webhooks": [
                { "id": "w1", "status": "active", "endpoint": format!("{HOOKS}/hooks/ticketing/zendesk"),
                  "subscriptions": connectors::ZENDESK_EVENTS },
            ] })),
            other => panic!("{other}"),
        },
        ("GET /me", "Bearer tfp_1") => Told::ok(json!({ "alias": "Ann Example", "user_id": "u1" })),
        ("GET /forms?page_size=200", "Bearer tfp_1") => {
            Told::ok(json!({ "items": [{ "id": "Nq4Pulse", "title": "Pulse" }] }))
        }
        ("GET /forms/Nq4Pulse/webhooks", "Bearer tfp_1") => Told::ok(webhook(format!("{HOOKS}/hooks/survey/typeform"))),
        (line, token) if token.starts_with("AWS4-HMAC-SHA256 Credential=AKIATEST/") => match line {
            "GET /v2/email/account" => Told::ok(json!({
                "ProductionAccessEnabled": true, "SendingEnabled": true, "EnforcementStatus": "HEALTHY",
            })),
            "GET /v2/email/identities/ourco.example" => {
                Told::ok(json!({ "IdentityType": "DOMAIN", "VerifiedForSendingStatus": true }))
            }
            "GET /v2/email/configuration-sets/barometer" => Told::ok(json!({ "ConfigurationSetName": "barometer" })),
            other => panic!("{other}"),
        },
        (line, token) => panic!("{line} with {token}"),
    }
}

/// The row of a check.
#[track_caller]
fn of<'a>(report: &'a Value, about: &str, check: &str) -> &'a Value {
    let found = rows(&report["checks"]).iter().find(|row| row["about"] == about && row["check"] == check);
    found.unwrap_or_else(|| panic!("no {check} of {about}: {report:#}"))
}

/// The check has this outcome and says this; what is to be mended says how.
#[track_caller]
pub fn check(report: &Value, about: &str, name: &str, state: &str, says: &str) {
    let row = of(report, about, name);
    assert_eq!(row["state"], state, "{row:#}");
    let text = format!("{} {}", row["says"].as_str().unwrap(), row["mend"].as_str().unwrap_or_default());
    assert!(text.contains(says), "{says:?} is not in {row:#}");
    assert!(state != "mend" || row["mend"].is_string(), "{row:#}");
}

/// What it says with `--json`, whatever it found.
pub fn report(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {} {}", ran.out, ran.err))
}

/// The command where all tools call the host itself: nothing leaves this machine.
fn doctor(host: &Host, options: &str) -> String {
    format!("doctor --address http://{} {options}", host.address)
}

#[test]
fn a_fresh_folder_says_what_is_missing_and_how_to_give_it() {
    let data = Data::new();
    let _host = data.up("--empty --clock 2031-03-03T09:00:00Z");
    let ran = data.run("doctor --offline");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let folder = data.path();
    let out = ran.out.replace(&folder.display().to_string(), "DIR");
    golden("doctor_fresh.txt", &steady(&out));
    assert!(ran.err.contains("things are to be mended"), "{}", ran.err);
    // It says nothing, opens nothing, and is found again.
    let journal = data.json("journal");
    assert_eq!(rows(&journal).len(), 4, "one for each connection");
    for row in rows(&journal) {
        assert_eq!(row["status"], "self-test", "{row}");
        assert!(row["id"].as_str().unwrap().contains(":self-test-"), "{row}");
    }
    for nothing in ["accounts", "outbox", "quarantine", "unmatched"] {
        assert_eq!(data.json(nothing), json!([]), "{nothing}");
    }
    let replayed = data.json("replay --since 2000-01-01T00:00:00Z");
    assert_eq!((&replayed["deliveries"], &replayed["differences"]), (&json!(4), &json!([])), "{replayed:#}");
    assert_eq!(replayed["actions"], json!([]));
}

/// The address of the host and the marks of self-tests are other ones each time.
fn steady(out: &str) -> String {
    let mut text = String::new();
    for line in out.lines() {
        let line = match line.split_once("self-test-") {
            Some((before, after)) => {
                format!("{before}self-test-…{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
            }
            None => line.to_owned(),
        };
        let line = match line.split_once("http://127.0.0.1:") {
            Some((before, after)) => {
                format!("{before}http://127.0.0.1:…{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
            }
            None => line,
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[test]
fn where_all_is_well_nothing_is_to_be_mended_and_no_secret_is_shown() {
    let data = Data::new();
    let stub = Stub::new(all_well);
    well(&data, &stub);
    tokens(&data, &stub);
    let host = data.up("--empty");
    let ran = data.run(&doctor(&host, ""));
    // The stub tells no time.
    golden("doctor_well.txt", &steady(&ran.out));
    ran.succeeded();
    for secret in ["xoxb-1", "pat-eu1", "token:zt", "tfp_1", "no-secret-of-any-account", crate::common::SECRET] {
        assert!(!ran.out.contains(secret), "{secret} is shown: {}", ran.out);
    }
    assert_eq!(report(&data.run(&doctor(&host, "--json")))["to_mend"], 0);
    let before = stub.asked().len();
    let offline = report(&data.run("doctor --offline --json"));
    check(&offline, "destination slack", "token", "not_asked", "not asked: --offline");
    check(&offline, "connection zendesk", "webhook", "not_asked", "--offline");
    check(&offline, "connection hubspot", "mapping", "not_asked", "--offline");
    check(&offline, "destination hubspot", "token", "not_asked", "--offline");
    check(&offline, "destination email", "key", "not_asked", "--offline");
    assert_eq!(stub.asked().len(), before, "no vendor was asked");
}

#[test]
fn what_vendors_lack_is_named_with_what_mends_it() {
    let data = Data::new();
    let stub = Stub::new(|asked: &Asked| match asked.line.as_str() {
        "POST /api/auth.test" => Told::ok(json!({ "ok": true, "team": "Ourco", "user": "barometer" }))
            .with("x-oauth-scopes", "chat:write,channels:read,groups:read")
            .with("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        "POST /api/users.conversations" => {
            Told::ok(json!({ "ok": true, "channels": [{ "id": "C2", "name": "general" }] }))
        }
        "POST /oauth/v2/private-apps/get/access-token-info" => {
            Told::ok(json!({ "scopes": ["crm.objects.companies.read"] }))
        }
        "GET /crm/v3/properties/companies?archived=false" => {
            let names = properties("companies");
            let rest = rows(&names["results"]).iter().filter(|one| one["name"] != "renewal_date");
            Told::ok(json!({ "results": rest.collect::<Vec<_>>() }))
        }
        "GET /crm/v3/properties/tasks?archived=false" => Told::ok(json!({ "results": [] })),
        "GET /api/v2/webhooks?page%5Bsize%5D=100" => Told::ok(json!({ "webhooks": [
            { "status": "inactive", "endpoint": format!("{HOOKS}/hooks/ticketing/zendesk"), "subscriptions": [] },
            { "status": "active", "endpoint": format!("{HOOKS}/hooks/ticketing/zendesk"),
              "subscriptions": &connectors::ZENDESK_EVENTS[2..] },
        ] })),
        "GET /forms/Nq4Pulse/webhooks" => Told::ok(json!({ "items": [
            { "url": format!("{HOOKS}/hooks/survey/typeform"), "enabled": false },
        ] })),
        "GET /v2/email/account" => Told::ok(json!({ "ProductionAccessEnabled": false, "SendingEnabled": true })),
        "GET /v2/email/identities/ourco.example" => Told::ok(json!({ "VerifiedForSendingStatus": false })),
        "GET /v2/email/identities/success%40ourco.example" | "GET /v2/email/configuration-sets/barometer" => {
            Told::status(404, json!({ "message": "does not exist" }))
        }
        _ => all_well(asked),
    });
    well(&data, &stub);
    tokens(&data, &stub);
    let host = data.up("--empty");
    let ran = data.run(&doctor(&host, "--json"));
    assert_eq!(ran.code, Some(1));
    let report = report(&ran);
    check(&report, "host", "clock", "mend", "ahead of that of 127.0.0.1");
    check(&report, "host", "running", "ok", "at http://127.0.0.1");
    check(&report, "destination slack", "scopes", "mend", "add users:read, users:read.email, then Reinstall");
    check(&report, "destination slack", "channel", "mend", "/invite @barometer in #customer-success");
    check(&report, "destination hubspot", "scopes", "mend", "it lacks crm.objects.contacts.write (to make tasks)");
    check(&report, "destination hubspot", "properties", "mend", "barometer_action_id of tasks");
    check(&report, "connection hubspot", "mapping", "mend", "HubSpot has no renewal_date of companies");
    check(&report, "connection hubspot-app", "mapping", "mend", "[connection.hubspot-app.map.…]");
    check(&report, "connection hubspot-app", "subscriptions", "not_asked", "only with a developer's key");
    let missing = "not subscribed to ticket.created, ticket.status_changed Admin Center";
    check(&report, "connection zendesk", "webhook", "mend", missing);
    check(&report, "connection typeform", "webhook", "mend", "switched off for Pulse");
    check(&report, "destination email", "account", "mend", "only verified addresses get mail, and 200 of them a day");
    check(&report, "destination email", "sender", "mend", "nothing can come from success@ourco.example");
    check(&report, "destination email", "configuration", "mend", "there is no barometer");
}

#[test]
fn what_vendors_refuse_and_what_is_not_there_at_all() {
    let data = Data::new();
    let stub = Stub::new(|asked: &Asked| match asked.line.as_str() {
        "POST /api/auth.test" => Told::ok(json!({ "ok": false, "error": "invalid_auth" })),
        "POST /oauth/v2/private-apps/get/access-token-info" => Told::status(401, json!({})),
        line if line.starts_with("GET /crm/v3/properties/contacts") => {
            Told::status(403, json!({ "category": "MISSING_SCOPES" }))
        }
        "GET /api/v2/webhooks?page%5Bsize%5D=100" => Told::ok(json!({ "webhooks": [] })),
        "GET /forms/Nq4Pulse/webhooks" => Told::ok(json!({ "items": [] })),
        "GET /v2/email/account" => {
            Told::status(403, json!({ "message": "The security token included in the request is invalid." }))
                .with("x-amzn-errortype", "UnrecognizedClientException")
        }
        _ => all_well(asked),
    });
    well(&data, &stub);
    tokens(&data, &stub);
    let host = data.up("--empty");
    let report = report(&data.run(&doctor(&host, "--json")));
    check(&report, "destination slack", "token", "mend", "store a valid bot token");
    check(&report, "destination hubspot", "token", "mend", "HubSpot does not know the token (401)");
    check(&report, "connection hubspot", "mapping", "mend", "crm.schemas.contacts.read");
    check(&report, "connection zendesk", "webhook", "mend", "barometer setup zendesk --config DIR --yes makes one");
    check(&report, "connection typeform", "webhook", "mend", "barometer setup typeform --form ID --config DIR --yes");
    check(&report, "destination email", "key", "mend", "SES refused the key with UnrecognizedClient");
}

#[test]
fn strangers_tokens_switched_off_webhooks_and_full_vendors_are_told_apart() {
    let data = Data::new();
    let stub = Stub::new(|asked: &Asked| match asked.line.as_str() {
        "POST /api/auth.test" => Told::ok(json!({ "ok": true, "team": "Ourco", "user": "barometer" }))
            .with("x-oauth-scopes", "users:read,users:read.email"),
        "GET /api/v2/users/me.json" => Told::ok(json!({ "user": { "id": null, "role": "end-user" } })),
        "GET /me" => Told::status(429, json!({})),
        "GET /v2/email/account" => Told::ok(json!({ "ProductionAccessEnabled": true, "SendingEnabled": false })),
        "GET /v2/email/configuration-sets/barometer" => {
            Told::status(403, json!({ "message": "no" })).with("x-amzn-errortype", "AccessDeniedException")
        }
        _ => all_well(asked),
    });
    well(&data, &stub);
    tokens(&data, &stub);
    let host = data.up("--empty");
    let found = report(&data.run(&doctor(&host, "--json")));
    check(&found, "destination slack", "scopes", "mend", "it may not send: chat:write is missing");
    check(&found, "destination slack", "channel", "not_asked", "type /invite @barometer in #customer-success");
    check(&found, "connection zendesk", "token", "mend", "email/token:…");
    check(&found, "connection typeform", "token", "not_asked", "asks for fewer calls");
    check(&found, "destination email", "account", "mend", "put-account-sending-attributes --sending-enabled");
    check(&found, "destination email", "configuration", "not_asked", "the key may not do ses:GetConfigurationSet");
}

#[test]
fn a_host_that_does_not_run_a_silent_source_and_weak_secrets_are_found() {
    let data = Data::new();
    let folder = config(
        &data,
        &[("hubspot", "expected_every = 3\npublic_url = \"http://127.0.0.1:1\""), ("typeform", "expected_every = 3")],
    );
    let host = data.up("--empty --clock 2031-03-03T09:00:00Z");
    let before = report(&data.run("doctor --offline --json"));
    check(&before, "host", "clock", "mend", "it stands at 2031-03-03 09:00 UTC");
    check(&before, "connection typeform", "heard", "mend", "it never spoke");
    check(&before, "connection zendesk", "heard", "not_asked", "expected_every = 3 (days) under [connection.zendesk]");
    check(&before, "connection hubspot", "address", "mend", "http://127.0.0.1:1");
    check(&before, "connection zendesk", "address", "mend", "there is no public_url");
    // A self-test is no sign of life; a tool's word is.
    data.run("simulate nordwind-healthy").succeeded();
    let spoke = report(&data.run("doctor --offline --json"));
    check(&spoke, "connection typeform", "heard", "mend", "it never spoke");
    check(&spoke, "connection hubspot", "heard", "ok", "it spoke last on 2031-03-03");
    data.run("clock advance 5d").succeeded();
    let silent = report(&data.run("doctor --offline --json"));
    check(&silent, "connection hubspot", "heard", "mend", "silent since 2031-03-07: it spoke last on 2031-03-03");

    assert_eq!(host.end("TERM").0, Some(0));
    let secrets = data.path().join("secrets.toml");
    let text = std::fs::read_to_string(&secrets).unwrap();
    let secret = crate::common::SECRET;
    let (first, rest) = text.split_once("[connections.zendesk]").unwrap();
    let rest = rest.split_once("[connections.typeform]").unwrap().1;
    let rest = rest.replace(secret, "short");
    let first = first.replacen(secret, &format!("{secret} x"), 1);
    std::fs::write(&secrets, format!("{first}[connections.typeform]{rest}")).unwrap();
    let started = report(&data.run(&format!("doctor --offline --json --config {}", folder.display())));
    check(&started, "host", "running", "mend", "`barometer up`");
    check(&started, "connection zendesk", "secret", "mend", "add [connections.zendesk]");
    check(&started, "connection zendesk", "self-test", "not_asked", "a secret to sign with");
    check(&started, "connection typeform", "secret", "mend", "at least 16");
    check(&started, "connection hubspot", "secret", "mend", "a blank or a line's end");
    check(&started, "connection hubspot-app", "self-test", "ok", "hubspot-app:self-test-");
}

#[test]
fn a_self_test_that_does_not_get_through_says_why() {
    let data = Data::new();
    let _host = data.up("--empty");
    // The host has read its secrets; from now on the command signs with another one, as after a slip in the file.
    let other = data.beside("other.toml");
    let text = std::fs::read_to_string(data.path().join("secrets.toml")).unwrap();
    std::fs::write(&other, text.replacen(crate::common::SECRET, "another-secret-of-24-bytes", 1)).unwrap();
    let found = report(&data.run(&format!("doctor --offline --json --secrets {}", other.display())));
    check(&found, "connection hubspot", "self-test", "mend", "the host refused our own signature (401)");
    check(&found, "connection zendesk", "self-test", "ok", "taken, kept");
}

/// Asks a host as the command does.
fn ask(host: &Host, request: &Value) -> Value {
    let body = request.to_string();
    let mut stream = std::net::TcpStream::connect(host.address).unwrap();
    let (address, length) = (host.address, body.len());
    let head = format!("POST /api/doctor HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n");
    let head = format!("{head}content-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[test]
fn each_way_in_which_a_self_test_can_get_stuck_has_its_advice() {
    let data = Data::new();
    let host = data.up("--empty");
    data.run("simulate nordwind-healthy").succeeded();
    let kept = row(&data.json("journal"), "connection", "hubspot")["id"].clone();
    let test = |delivery: &Value, status: Value, is_read: bool| {
        json!({ "connection": "hubspot", "delivery": delivery, "status": status, "error": "connection reset",
            "is_read": is_read })
    };
    let through = |status: Value, delivery: &Value| {
        json!({ "connection": "hubspot", "through": HOOKS, "delivery": delivery, "status": status,
            "error": "no such host", "is_read": true })
    };
    for (test, state, says) in [
        (through(json!(200), &kept), "ok", "came in through https://hooks.ourco.example"),
        (through(json!(200), &json!("hubspot:other")), "mend", "for another host: nothing came here"),
        (through(json!(401), &kept), "mend", "pass path and body on as they are"),
        (through(json!(302), &kept), "mend", "answered 302 in place of this host"),
        (through(Value::Null, &kept), "mend", "does not answer: no such host"),
    ] {
        let report = ask(&host, &json!({ "offline": true, "was_running": true, "self_tests": [test] }));
        check(&report, "connection hubspot", "public address", state, says);
        check(&report, "connection hubspot", "self-test", "not_asked", "not sent");
    }
    for (test, state, says) in [
        (test(&kept, json!(200), true), "ok", "taken, kept"),
        (test(&kept, json!(200), false), "mend", "not read within ten seconds"),
        (test(&json!("hubspot:other"), json!(200), true), "mend", "`hubspot:other` is not in the journal"),
        (test(&kept, json!(503), true), "mend", "cannot take deliveries now (503)"),
        (test(&kept, json!(413), true), "mend", "the host answered 413"),
        (test(&kept, Value::Null, true), "mend", "the host does not answer: connection reset"),
    ] {
        let report = ask(&host, &json!({ "offline": true, "was_running": true, "self_tests": [test] }));
        check(&report, "connection hubspot", "self-test", state, says);
    }
}

#[test]
fn a_webhook_that_is_off_and_one_that_is_not_shown_are_told_apart() {
    let asked = |webhooks: fn() -> Told| {
        let data = Data::new();
        let stub = Stub::new(move |asked: &Asked| match asked.line.as_str() {
            "GET /api/v2/webhooks?page%5Bsize%5D=100" => webhooks(),
            _ => all_well(asked),
        });
        well(&data, &stub);
        tokens(&data, &stub);
        let host = data.up("--empty");
        report(&data.run(&doctor(&host, "--json")))
    };
    let off = asked(|| {
        let endpoint = format!("{HOOKS}/hooks/ticketing/zendesk");
        Told::ok(json!({ "webhooks": [{ "status": "inactive", "endpoint": endpoint, "subscriptions": [] }] }))
    });
    check(&off, "connection zendesk", "webhook", "mend", "it is switched off");
    let hidden = asked(|| Told::status(403, json!({})));
    check(&hidden, "connection zendesk", "webhook", "not_asked", "to administrators only");
}

#[test]
fn a_look_before_the_first_start_leaves_room_for_the_sample_book() {
    let data = Data::fresh();
    assert_eq!(data.run("doctor --offline").code, Some(1));
    let _host = data.up("");
    let accounts = data.json("accounts");
    assert!(row(&accounts, "name", "Nordwind Logistik")["band"] == "red", "{accounts:#}");
}
