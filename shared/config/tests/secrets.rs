//! The file of secrets is checked against the configuration, and no value of it is ever shown.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use common::{TOOLS, shipped, with};
use config::secrets::{check_secrets, parse_secrets};
use config::{Config, load};

const SECRET: &str = "3f9a1c77b2d84e05a6c1";

fn config() -> Config {
    load(&shipped(), TOOLS).unwrap()
}

/// The problems of a file as (line, message, help).
fn problems(text: &str) -> Vec<(usize, String, Option<String>)> {
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
    let none = parse_secrets("secrets.toml", "").unwrap();
    assert_eq!(check_secrets(&off, &none, "secrets.toml", ""), []);
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
