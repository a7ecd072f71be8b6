//! What holds for every message, in tests.

use proptest::prelude::*;
use serde_json::Value;

use super::MAX_VISIBLE;
use super::text::visible;

/// Every text a reader sees, section by section and element by element.
pub fn texts(body: &Value) -> Vec<&str> {
    let blocks = body["blocks"].as_array().unwrap().iter();
    let of_block = |block: &'_ Value| match block["type"].as_str().unwrap() {
        "section" => 1,
        "context" => block["elements"].as_array().unwrap().len(),
        other => panic!("a block of type {other}"),
    };
    let expected: usize = blocks.clone().map(of_block).sum();
    let found: Vec<&str> = blocks
        .flat_map(|block| match block["elements"].as_array() {
            Some(elements) => elements.iter().collect(),
            None => vec![&block["text"]],
        })
        .map(|text| {
            assert_eq!((&text["type"], &text["verbatim"]), (&Value::from("mrkdwn"), &Value::from(true)));
            text["text"].as_str().unwrap()
        })
        .collect();
    assert_eq!(found.len(), expected);
    found
}

/// Slack takes it, and people read it.
#[track_caller]
pub fn assert_within_limits(body: &Value) {
    let blocks = body["blocks"].as_array().unwrap();
    assert!((1..=50).contains(&blocks.len()));
    let elements = blocks.iter().filter_map(|block| block["elements"].as_array()).map(Vec::len);
    assert!(elements.into_iter().all(|elements| (1..=10).contains(&elements)));
    let first = body["text"].as_str().unwrap();
    let all = texts(body);
    for text in all.iter().chain([&first]) {
        assert!((1..=3_000).contains(&text.chars().count()), "{} characters", text.chars().count());
        assert!(visible(text) <= MAX_VISIBLE);
        assert_safe(text);
    }
    let seen: usize = all.iter().map(|text| visible(text)).sum();
    assert!(seen <= MAX_VISIBLE, "{seen} characters");
}

/// Nothing in `text` starts markup with an effect, and every entity is whole.
#[track_caller]
pub fn assert_safe(text: &str) {
    assert!(!text.contains(['<', '>']), "{text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    let rest = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
    assert!(!rest.contains('&'), "a broken entity in {text}");
}

/// Nothing is left behind where a value is missing or empty.
#[track_caller]
pub fn assert_no_holes(body: &Value) {
    texts(body).iter().flat_map(|text| text.lines()).chain(body["text"].as_str()).for_each(assert_no_hole);
}

#[track_caller]
fn assert_no_hole(line: &str) {
    assert!(!line.trim().is_empty());
    for hole in ["**", "``", "()", "( ", "· ·", "·  ", "→  ", ": ,"] {
        assert!(!line.contains(hole), "`{hole}` in {line}");
    }
    assert!(!line.ends_with(['→', ':', '·', ',']), "{line}");
}

/// Anything, and often what means something to Slack, to a template or to a terminal.
pub fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-z ]{1,8}",
        prop::sample::select(vec![
            "<!channel>",
            "<!here|x>",
            "<@U1>",
            "<#C1>",
            "<http://evil.example|x>",
            "&",
            "&lt;",
            "&amp;lt;!channel>",
            "\n",
            "\r\n",
            "\n---\n",
            "\n===\n",
            "\u{202e}",
            "\u{0}",
            "\u{200b}",
            "`",
            "*",
            "{{ name }}",
            "{% if %}",
            "é",
            "👩\u{200d}👧",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}
