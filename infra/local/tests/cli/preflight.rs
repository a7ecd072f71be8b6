//! `barometer preflight`: the real program against AWS's interfaces on this machine, as `make deploy` calls it.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::stub::{Asked, Stub, Told};

const SECRET: &str = "a-secret-of-thirty-two-characters";

/// An account in which everything is there, but for the secret of Zendesk where `zendesk` is none, and for the token of Slack
/// in its place of today where `moved` is none.
fn account(zendesk: Option<&'static str>, moved: Option<&'static str>) -> Stub {
    Stub::new(move |asked: &Asked| match asked.line.as_str() {
        "GET /2016-08-19/account-settings/" => {
            Told::ok(json!({"AccountLimit": {"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": 1_000}}))
        }
        "GET /v2/email/account" => Told::ok(json!({"ProductionAccessEnabled": true, "SendingEnabled": true})),
        "GET /v2/email/identities/ourco.example" => Told::ok(json!({"VerifiedForSendingStatus": true})),
        "GET /v2/email/identities/success%40ourco.example" => {
            Told::status(404, json!({"message": "not found"})).with("x-amzn-errortype", "NotFoundException")
        }
        // There is no such stack, and its name is free.
        "POST /" if asked.operation == "DescribeEventBus" => {
            Told::status(400, json!({ "__type": "ResourceNotFoundException" }))
        }
        "POST /" if asked.operation.is_empty() => {
            Told::status(400, json!({ "Message": "Stack with id barometer does not exist" }))
        }
        "POST /" => {
            let path = asked.body["Path"].as_str().unwrap_or_default();
            let held = |name: &str, secret: &str| json!({"Name": format!("{path}/{name}/secret"), "Value": secret});
            let parameters: Vec<Value> = match path {
                "/second/crm" => vec![held("hubspot", SECRET), held("hubspot-app", SECRET)],
                "/second/ticketing" => zendesk.map(|secret| held("zendesk", secret)).into_iter().collect(),
                "/second/survey" => vec![held("typeform", SECRET)],
                "/second/slack" => vec![json!({"Name": "/second/slack/token", "Value": "xoxb-1"})],
                "/second/destinations/slack" => {
                    moved.map(|token| json!({"Name": format!("{path}/token"), "Value": token})).into_iter().collect()
                }
                "/second/fetch" | "/second/hubspot" | "/second/destinations/hubspot" => vec![],
                other => panic!("nobody expected {other}"),
            };
            Told::ok(json!({ "Parameters": parameters }))
        }
        other => panic!("nobody expected {other}"),
    })
}

fn preflight(stub: Option<&Stub>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_barometer"));
    command.env_clear().args(["preflight", "--sender", "success@ourco.example", "--name", "second"]).args(arguments);
    if let Some(stub) = stub {
        command.env("AWS_REGION", "eu-central-1").env("AWS_ENDPOINT_URL", stub.url());
        command.env("AWS_ACCESS_KEY_ID", "AKIATEST").env("AWS_SECRET_ACCESS_KEY", "no-secret-of-any-account");
    }
    command.output().unwrap()
}

#[test]
fn what_is_missing_in_the_account_is_said_before_anything_is_made() {
    let ready = preflight(Some(&account(Some(SECRET), Some("xoxb-1"))), &[]);
    let text = String::from_utf8_lossy(&ready.stdout);
    assert!(ready.status.success() && text.ends_with("Nothing is to be mended.\n"), "{text}{ready:?}");
    assert!(text.contains("there is no parameter /second/fetch/hubspot-app/token"), "{text}");
    assert!(text.contains("/second/destinations/slack/token is there"), "{text}");
    assert!(text.contains("there is no `barometer` yet, and no bus `second`"), "{text}");

    let stub = account(None, Some("xoxb-1"));
    let refused = preflight(Some(&stub), &[]);
    let text = String::from_utf8_lossy(&refused.stdout);
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains("there is no parameter /second/ticketing/zendesk/secret"), "{text}");
    let put = "aws ssm put-parameter --region eu-central-1 --type SecureString --name /second/ticketing/zendesk/secret";
    assert!(text.contains(put), "{text}");
    assert!(stub.asked().iter().all(|asked| asked.token.starts_with("AWS4-HMAC-SHA256 Credential=AKIATEST/")));

    let short = preflight(Some(&account(Some("too-short"), Some("xoxb-1"))), &["--json"]);
    let report: Value = serde_json::from_slice(&short.stdout).unwrap();
    assert_eq!((short.status.code(), &report["to_mend"]), (Some(1), &json!(1)), "{report:#}");
}

#[test]
fn a_token_that_earlier_versions_read_elsewhere_is_to_be_moved_first() {
    let refused = preflight(Some(&account(Some(SECRET), None)), &[]);
    let text = String::from_utf8_lossy(&refused.stdout);
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains("/second/slack/token is not read any more"), "{text}");
    assert!(text.contains("--name /second/destinations/slack/token"), "{text}");
}

#[test]
fn without_a_region_nobody_is_asked() {
    let refused = preflight(None, &[]);
    let text = String::from_utf8_lossy(&refused.stdout);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text.contains("AWS_REGION is not set; expected a region such as eu-central-1"), "{text}");
}
