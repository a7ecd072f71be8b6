//! The file of secrets is checked against the configuration, and no value of it is ever shown.

use crate::common::{TOOLS, shipped, with};
use config::secrets::{check_secrets, missing_tokens, parse_secrets};
use config::{Config, load};

const SECRET: &str = "3f9a1c77b2d84e05a6c1";

fn config() -> Config {
    load(&shipped(), TOOLS).unwrap()
}

/// Secrets of all connections but the first.
fn rest() -> String {
    let of = |name: &str| format!("\n[connections.{name}]\nsecret = \"{SECRET}\"\n");
    ["hubspot-app", "zendesk", "typeform"].map(of).concat()
}

/// The problems of a file as (line, message, help).
fn problems(text: &str) -> Vec<(usize, String, Option<String>)> {
    let text = &format!("{text}{}", rest());
    let secrets = parse_secrets("secrets.toml", text).unwrap();
    let problems = check_secrets(&config(), &secrets, "secrets.toml", text);
    let shown = format!("{}", config::Problems(problems.clone()));
    assert!(!shown.contains(&SECRET[..6]), "{shown}");
    problems.into_iter().map(|problem| (problem.line, problem.message, problem.help)).collect()
}

#[track_caller]
fn check(text: &str, line: usize, message: &str, help: Option<&str>) {
    assert_eq!(problems(text), [(line, message.to_owned(), help.map(str::to_owned))]);
}

#[test]
fn a_complete_file_has_no_problem() {
    let text = format!(
        "[connections.hubspot]\nsecret = \"{SECRET}\"\nprevious = \"{SECRET}-old\"\n
         [destinations.slack]\ntoken = \"xoxb-1\"\nbase_url = \"http://127.0.0.1:9000\"\n"
    );
    assert_eq!(problems(&text), []);
    let secrets = parse_secrets("secrets.toml", &text).unwrap();
    let hubspot = &secrets.connections[&"hubspot".parse().unwrap()];
    assert_eq!((hubspot.secret.as_str(), hubspot.previous.as_deref()), (SECRET, Some("3f9a1c77b2d84e05a6c1-old")));
    assert_eq!(secrets.destinations["slack"].token.as_deref(), Some("xoxb-1"));
    let debug = format!("{secrets:?}");
    assert!(debug.contains("redacted") && !debug.contains(SECRET) && !debug.contains("xoxb"), "{debug}");
}

#[test]
fn an_enabled_connection_needs_a_secret() {
    let message = "connection `hubspot` has no secret: everything sent to it is refused";
    let help = "add `[connections.hubspot]` with `secret = \"…\"`, or disable the connection";
    check("", 1, message, Some(help));
    let off = load(&with("connections.toml", "# enabled = false", "enabled = false"), TOOLS).unwrap();
    let none = parse_secrets("secrets.toml", &rest()).unwrap();
    assert_eq!(check_secrets(&off, &none, "secrets.toml", &rest()), []);
}

#[test]
fn weak_and_mangled_secrets_are_told() {
    let of = |secret: &str| format!("[connections.hubspot]\nsecret = \"{secret}\"\n");
    let message = "the secret has 15 bytes; at least 16 are needed";
    check(&of(&SECRET[..15]), 2, message, Some("copy it from the tool's settings"));
    assert_eq!(problems(&of(&SECRET[..16])), []);
    for mangled in [format!("{SECRET} "), format!("{SECRET}\\n"), format!("{SECRET} {SECRET}")] {
        check(&of(&mangled), 2, "the secret contains whitespace", Some("paste it again"));
    }
    let message = "the secret has 0 bytes; at least 16 are needed";
    check(&of(""), 2, message, Some("copy it from the tool's settings"));
    check(
        &format!("{}previous = \"short\"", of(SECRET)),
        3,
        "the secret has 5 bytes; at least 16 are needed",
        Some("copy it from the tool's settings"),
    );
}

#[test]
fn names_that_mean_nothing_are_told_with_the_nearest() {
    let good = format!("[connections.hubspot]\nsecret = \"{SECRET}\"\n");
    let text = format!("{good}[connections.hubspt]\nsecret = \"{SECRET}\"\n");
    check(&text, 3, "`hubspt` is not a connection", Some("did you mean `hubspot`?"));
    let text = format!("{good}[destinations.slak]\ntoken = \"{SECRET}\"\n");
    check(&text, 3, "`slak` is not a destination", Some("did you mean `slack`?"));
}

#[test]
fn a_token_is_for_a_tool_with_an_api_at_a_known_address() {
    let hubspot = format!("[connections.hubspot]\nsecret = \"{SECRET}\"\n");
    let token = |name: &str, token: &str| {
        let text = format!("{hubspot}{}", rest());
        text.replace(&format!("[connections.{name}]\n"), &format!("[connections.{name}]\ntoken = \"{token}\"\n"))
    };
    let told = |config: &Config, text: &str| {
        let secrets = parse_secrets("secrets.toml", text).unwrap();
        let problems = check_secrets(config, &secrets, "secrets.toml", text);
        assert!(!format!("{}", config::Problems(problems.clone())).contains("s3cr3t"));
        problems.into_iter().map(|problem| (problem.line, problem.message, problem.help)).collect::<Vec<_>>()
    };
    let text = token("hubspot-app", "pat-eu1-s3cr3t");
    assert_eq!(told(&config(), &text), []);
    let secrets = parse_secrets("secrets.toml", &text).unwrap();
    assert_eq!(secrets.connections[&"hubspot-app".parse().unwrap()].token.as_deref(), Some("pat-eu1-s3cr3t"));
    assert_eq!(secrets.connections[&"zendesk".parse().unwrap()].token, None);
    let expected = (2, "`hubspot-workflow` says everything itself: no API of it is called", "leave `token` out");
    let all = |(line, message, help): (usize, &str, &str)| vec![(line, message.to_owned(), Some(help.to_owned()))];
    assert_eq!(told(&config(), &token("hubspot", "s3cr3t")), all(expected));
    let zendesk = token("zendesk", "ann@ourco.example/token:s3cr3t");
    let message = "connection `zendesk` has a token but no address to use it at";
    let expected = (8, message, "add `api_url = \"https://…\"` under `[connection.zendesk]`");
    assert_eq!(told(&config(), &zendesk), all(expected));
    let files =
        with("connections.toml", "# api_url = \"https://ourco.zendesk.com\"", "api_url = \"https://z.example\"");
    assert_eq!(told(&load(&files, TOOLS).unwrap(), &zendesk), []);
    let blank = (5, "the token contains whitespace", "paste it again");
    assert_eq!(told(&config(), &token("hubspot-app", "s3cr3t pat")), all(blank));
}

#[test]
fn what_stays_unknown_without_a_token_is_told() {
    let text = format!("[connections.hubspot]\nsecret = \"{SECRET}\"\n{}", rest());
    let told = |config: &Config, text: &str| {
        let secrets = parse_secrets("secrets.toml", text).unwrap();
        let warnings = missing_tokens(config, &secrets, "secrets.toml", text);
        assert!(!config::Problems(warnings.clone()).to_string().contains(SECRET));
        warnings.into_iter().map(|warning| (warning.line, warning.message, warning.help)).collect::<Vec<_>>()
    };
    let app = "connection `hubspot-app` has no token: a new company has no name until a property of it changes";
    let zendesk = "connection `zendesk` has no token: domains of organisations stay unknown";
    let add = |name: &str| Some(format!("add `token = \"…\"` under `[connections.{name}]`"));
    let (app, zendesk) = ((4, app.to_owned(), add("hubspot-app")), (7, zendesk.to_owned(), add("zendesk")));
    assert_eq!(told(&config(), &text), [app, zendesk.clone()]);
    let with_token = text.replace("[connections.hubspot-app]", "[connections.hubspot-app]\ntoken = \"pat-1\"");
    let zendesk = (8, zendesk.1, zendesk.2);
    assert_eq!(told(&config(), &with_token), [zendesk]);
    let files = with("connections.toml", "tool = \"zendesk\"", "tool = \"zendesk\"\nenabled = false");
    assert_eq!(told(&load(&files, TOOLS).unwrap(), &with_token), []);
}

#[test]
fn another_address_is_https_or_this_machine() {
    let text = |url: &str| {
        format!("[connections.hubspot]\nsecret = \"{SECRET}\"\n[destinations.slack]\nbase_url = \"{url}\"\n")
    };
    for good in ["https://slack.example", "http://localhost:1", "http://127.0.0.1", "http://[::1]:80/api"] {
        assert_eq!(problems(&text(good)), [], "{good}");
    }
    for bad in ["http://slack.example", "slack.example", "http://localhost.example", "http://127.0.0.1@x.example", ""] {
        check(&text(bad), 4, "`base_url` must be https, or http on this machine", None);
    }
}

#[test]
fn a_file_that_cannot_be_parsed_shows_no_value() {
    for (text, message) in [
        (format!("[connections.hubspot]\nsecert = \"{SECRET}\""), "`secert` is not a key here"),
        (format!("[connections]\nhubspot = \"{SECRET}\""), "invalid type: string (hidden), expected a table"),
        (format!("[connections.hubspot]\nsecret = {SECRET}"), "hidden"),
        (format!("[connections.hubspot]\nsecret = \"{SECRET}"), "hidden"),
        (format!("[connections.hubspot]\n{SECRET}"), "hidden"),
        (format!("[connections.hubspot]\nsecret = [\"{SECRET}\"]"), "invalid type: list, expected a string"),
        (format!("[connections.hubspot]\nsecret = \"\"\"\n{SECRET}\"\" \"\"\" x"), "hidden"),
        (format!("[connections.hubspot]\nsecret = \"\"\"\n{SECRET}==\"\"\" x"), "hidden"),
        (format!("[connections.hubspot]\nsecret =\n[\"{SECRET}\"]"), "hidden"),
    ] {
        let problems = parse_secrets("secrets.toml", &text).unwrap_err();
        let shown = problems.to_string();
        assert!(!shown.contains(&SECRET[..6]), "{shown}");
        assert!(problems.0[0].line >= 2, "{shown}");
        assert!(message == "hidden" || problems.0[0].message == message, "{shown}");
    }
}

#[test]
fn mail_needs_a_whole_key_and_nothing_else_is_signed_with_one() {
    let good = format!("[connections.hubspot]\nsecret = \"{SECRET}\"\n");
    let key = format!("access_key_id = \"AKIA1\"\nsecret_access_key = \"{SECRET}\"\n");
    let whole = format!("{good}[destinations.email]\nregion = \"eu-central-1\"\n{key}");
    assert_eq!(problems(&whole), []);
    let read = parse_secrets("secrets.toml", &whole).unwrap();
    let aws = read.destinations["email"].aws.clone().unwrap();
    assert_eq!((aws.region.as_str(), aws.access_key_id.as_str(), aws.session_token), ("eu-central-1", "AKIA1", None));
    assert!(!format!("{read:?} {:?}", read.destinations["email"].aws).contains(SECRET));
    let help = "an access key of a user who may do ses:SendEmail: IAM console, Users, Security credentials";
    let without_region = format!("{good}[destinations.email]\n{key}");
    check(&without_region, 3, "no mail can be sent without `region`", Some(help));
    assert_eq!(parse_secrets("secrets.toml", &without_region).unwrap().destinations["email"].aws, None);
    let slack = format!("{good}[destinations.slack]\nregion = \"eu-central-1\"\n");
    check(&slack, 4, "`slack` is not called with a key of AWS", Some("leave `region` out"));
    let help = "leave it out; SES is called with `region`, `access_key_id` and `secret_access_key`";
    check(&format!("{whole}token = \"x\"\n"), 7, "SES knows no token", Some(help));
}
