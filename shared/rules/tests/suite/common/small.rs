//! A small health model of the tests' own, so that what ships can change without them.

use config::Config;

use super::files;

/// Common to all: the borders lie at 40 and 70, and are left at 45 and 74.
const HEALTH: &str = r#"
name = "test"
zone = "Europe/Berlin"
min_coverage = 20
apart_days = 14
bands = { yellow_from = 40, leave_red_at = 45, green_from = 70, enter_green_at = 74 }
green = { dimensions = 2, contact_within_days = 45 }
"#;

const DIMENSIONS: &str = r#"
title = "Test"

[[dimension]]
name = "sentiment"
label = "Sentiment"
weight = 40

[[dimension]]
name = "relationship"
label = "Relationship"
weight = 35

[[dimension]]
name = "commercial"
label = "Commercial"
weight = 25
"#;

/// A measure, and lines that say more of it.
pub fn measure(name: &str, dimension: &str, value: &str, rest: &str) -> String {
    format!(
        "[[measure]]\nname = \"{name}\"\nlabel = \"{name}\"\ndimension = \"{dimension}\"\nweight = 1\nvalue = \"{value}\"\n{rest}\n"
    )
}

pub const SENTIMENT: &str = "points.words = { green = 100, yellow = 50, red = 0 }";
pub const CONTACT: &str = "points.linear = [[14, 100], [45, 60], [90, 0]]";
pub const RENEWAL: &str = "points.steps = [[-1, 0], [0, 30], [60, 60], [120, 100]]";

/// What the CSM says, when both sides spoke, and when the term ends; more is said of each by its lines.
pub fn three(sentiment: &str, contact: &str, renewal: &str) -> String {
    [
        measure("sentiment", "sentiment", "csm_sentiment", &format!("{SENTIMENT}\n{sentiment}")),
        measure("contact", "relationship", "days_since_two_way_contact", &format!("{CONTACT}\n{contact}")),
        measure("renewal", "commercial", "days_to_renewal", &format!("{RENEWAL}\n{renewal}")),
    ]
    .concat()
}

pub fn cap(name: &str, when: &str, at_most: &str) -> String {
    format!("[[cap]]\nname = \"{name}\"\nlabel = \"{name}\"\nwhen = \"{when}\"\nat_most = \"{at_most}\"\n")
}

/// The configuration that ships with this model instead of its own.
pub fn model(profile: &str) -> Config {
    profiles(&[("only", "", profile)])
}

/// As [`model`], with several profiles: name, lines of its choice, and content after the dimensions.
pub fn profiles(all: &[(&str, &str, &str)]) -> Config {
    let mut files = files();
    files.0.retain(|name, _| !name.starts_with("health"));
    let mut health = HEALTH.to_owned();
    for (name, choice, profile) in all {
        health.push_str(&format!("[[profile]]\nuse = \"{name}\"\n{choice}\n"));
        files.0.insert(format!("health/{name}.toml"), format!("{DIMENSIONS}\n{profile}"));
    }
    files.0.insert("health.toml".into(), health);
    config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}"))
}
