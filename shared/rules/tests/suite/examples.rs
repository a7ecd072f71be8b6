//! The playbooks that ship do what their examples say.

use crate::common::{changed, shipped};

#[test]
fn every_playbook_does_what_its_examples_say() {
    let results = rules::run_examples(shipped());
    let wrong: Vec<_> = results.iter().filter(|result| !result.problems.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for playbook in &shipped().playbooks {
        assert!(playbook.examples.len() >= 4, "{} has few examples", playbook.name);
        assert!(playbook.examples.iter().any(|example| example.expect.opens), "{}", playbook.name);
    }
}

#[test]
fn an_example_that_expects_something_else_says_so() {
    let wrong = |old: &str, new: &str| {
        let config = changed("playbooks/risk-mitigation.toml", |text| text.replacen(old, new, 1));
        let all = rules::run_examples(&config);
        all.into_iter().flat_map(|result| result.problems).collect::<Vec<_>>().join("; ")
    };
    assert!(wrong("band = \"red\", opens = true", "band = \"green\", opens = true").contains("expected band green"));
    assert!(wrong("opens = true, asks = [\"alert\"]", "opens = false").contains("stays shut, and it opens"));
    assert!(
        wrong("asks = [\"alert\"]", "asks = [\"plan\"]").contains(r#"asks for ["plan"], and it asks for ["alert"]"#)
    );
}
