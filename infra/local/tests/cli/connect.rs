//! Setting Slack, Typeform and Zendesk up, from saved answers and from vendors on this machine.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::{Data, SECRET};
use crate::stub::{Asked, Stub, Told};
use crate::{copy, golden, keys, rows};

/// The shipped configuration, with these lines under the headers of connections.
fn mine(data: &Data, lines: &[(&str, String)]) -> PathBuf {
    let folder = data.beside("mine");
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

/// Puts a line under a header of the file of secrets, or the header with it at the end.
fn secret(data: &Data, header: &str, line: &str) {
    let path = data.path().join("secrets.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let header = format!("[{header}]\n");
    let with = format!("{header}{line}\n");
    let text = if text.contains(&header) { text.replace(&header, &with) } else { text + &with };
    std::fs::write(path, text).unwrap();
}

fn saved(data: &Data, name: &str, body: &Value) -> PathBuf {
    let path = data.beside(name);
    std::fs::write(&path, body.to_string()).unwrap();
    path
}

fn connections(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("connections.toml")).unwrap()
}

const PUBLIC: &str = "public_url = \"https://hooks.ourco.example\"";

/// A Slack that knows Ines under another id than team.toml, Tom, and Priya not at all.
fn workspace(asked: &Asked) -> Told {
    assert_eq!(asked.token, "Bearer xoxb-1", "{asked:?}");
    match (asked.line.as_str(), asked.body.as_str().unwrap_or_default()) {
        ("POST /api/auth.test", _) => Told::ok(json!({ "ok": true, "team": "Ourco", "user": "barometer" }))
            .with("x-oauth-scopes", "chat:write,users:read,users:read.email,channels:read,groups:read"),
        ("POST /api/users.conversations", _) => {
            Told::ok(json!({ "ok": true, "channels": [{ "id": "C1", "name": "customer-success" }] }))
        }
        ("POST /api/users.lookupByEmail", "email=tom.brandt%40ourco.example") => {
            Told::ok(json!({ "ok": true, "user": { "id": "U0TOMB0002" } }))
        }
        ("POST /api/users.lookupByEmail", "email=ines.almeida%40ourco.example") => {
            Told::ok(json!({ "ok": true, "user": { "id": "U0OTHER009" } }))
        }
        ("POST /api/users.lookupByEmail", _) => Told::ok(json!({ "ok": false, "error": "users_not_found" })),
        (line, body) => panic!("{line} {body}"),
    }
}

#[test]
fn slack_without_a_token_is_the_app_to_paste_and_what_is_left_to_do() {
    let data = Data::new();
    let folder = mine(&data, &[("hubspot", PUBLIC.to_owned())]);
    let before = connections(&folder);
    let ran = data.run(&format!("setup slack --config {}", folder.display()));
    ran.succeeded();
    golden("setup_slack.txt", &ran.out);
    assert_eq!(connections(&folder), before, "nothing without --yes");
    data.run("setup slack --yes").refused(1, &["built-in", "--config DIR"]);

    let line = format!("setup slack --config {} --yes", folder.display());
    let done = data.json(&line);
    keys(&done, "manifest has_address checks change left");
    let after = connections(&folder);
    assert!(after.contains("\n[connection.slack]\ntool = \"slack\"\n"), "{after}");
    assert_eq!(data.json(&line)["change"]["lines"], "", "once");
    let other = data.json(&format!("setup slack --config {} --address https://b.example", folder.display()));
    assert!(other["manifest"].as_str().unwrap().contains("request_url: https://b.example/hooks/slack/slack\n"));
}

#[test]
fn slack_says_who_is_not_found() {
    let data = Data::new();
    let stub = Stub::new(workspace);
    secret(&data, "destinations.slack", &format!("token = \"xoxb-1\"\nbase_url = \"{}/api\"", stub.url()));
    let ran = data.run("setup slack --address https://hooks.ourco.example");
    ran.succeeded();
    golden("setup_slack_people.txt", &ran.out);
    assert!(!ran.out.contains("xoxb-1"), "{}", ran.out);
}

/// A form, and what two people answered.
fn form() -> (Value, Value) {
    let scale = json!({ "steps": 5, "start_at_one": true });
    let definition = json!({ "id": "Nq4Pulse", "title": "Quarterly pulse", "hidden": ["account_id", "email"], "fields": [
        { "id": "q1", "ref": "recommend", "type": "nps", "title": "How likely are you to recommend us?" },
        { "id": "q2", "ref": "satisfaction", "type": "opinion_scale", "title": "How satisfied are you with our support?",
          "properties": scale },
        { "id": "q3", "ref": "why", "type": "long_text", "title": "What is the reason for your score?" },
    ] });
    let answer = |token: &str, nps: i64, hidden: Value| {
        json!({ "token": token, "landed_at": "2026-11-20T08:24:03Z", "submitted_at": "2026-11-20T08:29:41Z",
            "hidden": hidden, "answers": [
                { "type": "number", "number": nps, "field": { "id": "q1", "type": "nps", "ref": "recommend" } },
                { "type": "number", "number": 4, "field": { "id": "q2", "type": "opinion_scale", "ref": "satisfaction" } },
                { "type": "text", "text": "Support is quick.", "field": { "id": "q3", "type": "long_text", "ref": "why" } },
            ] })
    };
    let answers = [
        answer("t1", 9, json!({ "account_id": "4410027", "email": "ann@acme.example" })),
        answer("t2", 3, json!({ "account_id": "4410028", "email": "" })),
    ];
    (definition, json!({ "total_items": 2, "items": answers }))
}

#[test]
fn a_saved_form_is_enough_to_see_what_its_questions_would_mean() {
    let data = Data::new();
    let (definition, answers) = form();
    let path = saved(&data, "form.json", &json!([definition, answers]));
    let line = format!("setup typeform --sample {}", path.display());
    let ran = data.run(&line);
    ran.succeeded();
    golden("setup_typeform.txt", &ran.out);
    data.run("setup typeform").refused(1, &["there is no token for `typeform`", "[connections.typeform]"]);
    let odd = saved(&data, "odd.json", &json!({ "hello": 1 }));
    data.run(&format!("setup typeform --sample {}", odd.display())).refused(1, &["expected a form"]);
    data.run(&format!("{line} --connection survey")).refused(1, &["no connection of typeform", "`survey`"]);
}

#[test]
fn a_form_is_read_and_gets_its_webhook_once_and_signed() {
    let data = Data::new();
    let stub = Stub::new(|asked: &Asked| {
        assert_eq!(asked.token, "Bearer tfp_1", "{asked:?}");
        let (definition, answers) = form();
        match asked.line.as_str() {
            "GET /forms?page_size=200" => Told::ok(json!({ "items": [
                { "id": "Nq4Pulse", "title": "Quarterly pulse" }, { "id": "Zz9Other", "title": "Event feedback" },
            ] })),
            "GET /forms/Nq4Pulse" => Told::ok(definition),
            "GET /forms/Nq4Pulse/responses?page_size=25&completed=true" => Told::ok(answers),
            "PUT /forms/Nq4Pulse/webhooks/barometer" => {
                let url = "https://hooks.ourco.example/hooks/survey/typeform";
                let body = json!({ "url": url, "enabled": true, "secret": SECRET, "verify_ssl": true });
                assert_eq!(asked.body, body);
                Told::status(201, json!({ "tag": "barometer" }))
            }
            other => panic!("{other}"),
        }
    });
    let api = format!("api_url = \"{}\"\n{PUBLIC}", stub.url());
    let folder = mine(&data, &[("typeform", api)]);
    secret(&data, "connections.typeform", "token = \"tfp_1\"");
    let config = format!("--config {}", folder.display());
    let all = data.json(&format!("setup typeform {config}"));
    assert_eq!(all["forms"][1], json!(["Zz9Other", "Event feedback"]));

    let line = format!("setup typeform --form Nq4Pulse {config}");
    let looked = data.json(&line);
    assert!(looked["webhook"].as_str().unwrap().starts_with("with --yes"), "{looked:#}");
    assert!(stub.asked().iter().all(|asked| asked.line.starts_with("GET")), "looking makes nothing");
    let done = data.run(&format!("{line} --yes"));
    done.succeeded();
    assert!(done.out.contains("made, and switched on"), "{}", done.out);
    for hidden in ["tfp_1", SECRET] {
        assert!(!done.out.contains(hidden), "{}", done.out);
    }
    let text = connections(&folder);
    let mapped =
        "[connection.typeform.map.response]\nnps = \"recommend\"\ncsat = \"satisfaction\"\ncsat_scale = \"1..5\"\n";
    assert!(text.contains(mapped) && text.contains("account_id = \"account_id\"\n"), "{text}");
    assert_eq!(data.json(&format!("{line} --yes"))["change"]["lines"], "", "once");
    data.run(&format!("check {config}")).succeeded();
}

fn organizations() -> Value {
    let one = |id: i64, name: &str, external: Value, domains: Value, tier: &str| {
        json!({ "id": id, "name": name, "external_id": external, "domain_names": domains,
            "updated_at": "2026-11-20T08:00:00Z", "organization_fields": { "support_tier": tier, "region": null } })
    };
    json!({ "organizations": [
        one(5, "Nordwind Logistik", json!("70110001"), json!(["nordwind.example"]), "gold"),
        one(6, "Almadora", json!("70110002"), json!([]), "silver"),
        one(7, "Kestrel", Value::Null, json!(["kestrel.example"]), "gold"),
    ] })
}

#[test]
fn saved_organisations_are_enough_to_see_what_they_would_mean_and_what_to_click() {
    let data = Data::new();
    let path = saved(&data, "organizations.json", &organizations());
    let folder = mine(&data, &[("zendesk", PUBLIC.to_owned())]);
    let line = format!("setup zendesk --sample {} --config {}", path.display(), folder.display());
    let ran = data.run(&line);
    ran.succeeded();
    golden("setup_zendesk.txt", &ran.out);
    let by_trigger = data.run(&format!("{line} --trigger"));
    golden("setup_zendesk_trigger.txt", &by_trigger.out);
    data.run("setup zendesk").refused(1, &["there is no token for `zendesk`"]);
    let odd = saved(&data, "odd.json", &json!({ "tickets": [] }));
    data.run(&format!("setup zendesk --sample {}", odd.display())).refused(1, &["expected organisations"]);
}

/// A Zendesk that keeps what is made; the second look finds it.
fn zendesk(refuses: bool) -> Stub {
    let made = std::sync::Mutex::new((Vec::<Value>::new(), Vec::<Value>::new()));
    Stub::new(move |asked: &Asked| {
        assert!(asked.token.starts_with("Basic "), "{asked:?}");
        let mut made = made.lock().unwrap();
        match asked.line.as_str() {
            "GET /api/v2/organization_fields.json?page%5Bsize%5D=100" => Told::ok(json!({ "organization_fields": [
                { "key": "support_tier", "title": "Support tier", "type": "dropdown" },
            ] })),
            "GET /api/v2/organizations.json?page%5Bsize%5D=100" => Told::ok(organizations()),
            "GET /api/v2/webhooks?page%5Bsize%5D=100" if refuses => Told::status(403, json!({})),
            "GET /api/v2/webhooks?page%5Bsize%5D=100" => Told::ok(json!({ "webhooks": made.0 })),
            "GET /api/v2/triggers.json?page%5Bsize%5D=100" => Told::ok(json!({ "triggers": made.1 })),
            "POST /api/v2/webhooks" => {
                let mut webhook = asked.body["webhook"].clone();
                assert_eq!(webhook["endpoint"], "https://hooks.ourco.example/hooks/ticketing/zendesk");
                assert_eq!((&webhook["http_method"], &webhook["request_format"]), (&json!("POST"), &json!("json")));
                webhook["id"] = json!("w1");
                made.0.push(webhook.clone());
                Told::status(201, json!({ "webhook": webhook }))
            }
            "POST /api/v2/triggers.json" => {
                let trigger = &asked.body["trigger"];
                let action = &trigger["actions"][0];
                assert_eq!((&action["field"], &action["value"][0]), (&json!("notification_webhook"), &json!("w1")));
                assert!(action["value"][1].as_str().unwrap().contains("{{ticket.id}}"), "{trigger:#}");
                made.1.push(trigger.clone());
                Told::status(201, json!({ "trigger": trigger }))
            }
            other => panic!("{other}"),
        }
    })
}

#[test]
fn zendesk_gets_its_webhook_once_by_events_or_by_a_trigger() {
    for (option, subscribed, questions) in
        [("", json!(connectors::ZENDESK_EVENTS), 1), ("--trigger", json!(["conditional_ticket_events"]), 2)]
    {
        let data = Data::new();
        let stub = zendesk(false);
        let folder = mine(&data, &[("zendesk", format!("api_url = \"{}\"\n{PUBLIC}", stub.url()))]);
        secret(&data, "connections.zendesk", "token = \"ann@ourco.example/token:zt\"");
        let line = format!("setup zendesk --config {} {option}", folder.display());
        data.run(&line).succeeded();
        let written = |stub: &Stub| stub.asked().into_iter().filter(|asked| asked.line.starts_with("POST")).collect();
        assert_eq!(Vec::<Asked>::len(&written(&stub)), 0, "looking makes nothing");
        let done = data.run(&format!("{line} --yes"));
        done.succeeded();
        assert!(done.out.contains("made: the webhook Barometer") && done.out.contains("Reveal secret"), "{}", done.out);
        assert!(!done.out.contains("token:zt"), "{}", done.out);
        let posts: Vec<Asked> = written(&stub);
        assert_eq!((posts.len(), &posts[0].body["webhook"]["subscriptions"]), (questions, &subscribed));
        assert!(connections(&folder).contains("[connection.zendesk.map.organization]\ntier = \"support_tier\"\n"));
        let again = data.json(&format!("{line} --yes"));
        let lines: Vec<&str> = rows(&again["webhook"]).iter().map(|line| line.as_str().unwrap()).collect();
        assert!(lines[0].contains("was there"), "{lines:?}");
        assert_eq!(written(&stub).len(), questions, "nothing is made twice");
    }
}

#[test]
fn where_zendesk_refuses_the_clicks_are_printed() {
    let data = Data::new();
    let stub = zendesk(true);
    let folder = mine(&data, &[("zendesk", format!("api_url = \"{}\"\n{PUBLIC}", stub.url()))]);
    secret(&data, "connections.zendesk", "token = \"ann@ourco.example/token:zt\"");
    let done = data.run(&format!("setup zendesk --config {} --yes", folder.display()));
    done.succeeded();
    assert!(done.out.contains("not made: the token is not allowed this (403)"), "{}", done.out);
    assert!(done.out.contains("Create webhook → Zendesk events, and choose"), "{}", done.out);
}
