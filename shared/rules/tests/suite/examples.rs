//! The playbooks that ship do what their examples say.

use config::Config;
use model::Family;

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

/// What ships, where product usage is connected, with further examples of risk.
fn with_usage(examples: &str) -> Config {
    let mut config = changed("playbooks/risk-mitigation.toml", |text| format!("{text}\n{examples}"));
    let connection = config.connections.iter_mut().find(|connection| connection.name.as_str() == "typeform");
    connection.unwrap().family = Family::Usage;
    let risk = config.playbooks.iter_mut().find(|playbook| playbook.starts_at_red()).unwrap();
    // The others are about accounts without usage.
    risk.examples.retain(|example| example.before.contains_key("active_users_change"));
    config
}

#[test]
fn falling_use_is_no_decay_in_the_first_ninety_days_also_where_it_comes_with_something_else() {
    let example = |age: i64, beside: &str, expect: &str| {
        format!(
            r#"
            [[example]]
            name = "{beside}, after {age} days"
            before = {{ customer_age_days = {age}, active_users_change = 0, {beside} }}
            after = {{ active_users_change = -26 }}
            expect = {{ {expect} }}
            "#
        )
    };
    let beside =
        ["days_since_two_way_contact = 50", "oldest_urgent_ticket_hours = 130, days_since_two_way_contact = 10"];
    let of_both = beside.map(|beside| {
        let young = example(89, beside, "band = 'yellow', opens = false");
        young + &example(90, beside, "band = 'red', opens = true")
    });
    let results = rules::run_examples(&with_usage(&of_both.concat()));
    let of_risk: Vec<_> = results.iter().filter(|result| result.playbook == "risk-mitigation").collect();
    assert_eq!(of_risk.len(), 4);
    let wrong: Vec<_> = of_risk.iter().filter(|result| !result.problems.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
