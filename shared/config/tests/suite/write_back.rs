//! What we write to somebody else's tool: where it may go, and that it feeds nothing.

use crate::common::{In, TOOLS, shipped};
use config::load;

#[test]
fn scores_go_where_there_are_records() {
    let file = In("modes.toml");
    let (message, help) = ("nothing is written back to `slack`", "scores can stand on records of `hubspot`");
    let table = ["[redirect]", "[most.write-back]\nslack = \"observe\"\n\n[redirect]"];
    file.check(table, "slack", message, help);
}

#[test]
fn what_we_write_ourselves_feeds_nothing() {
    let file = In("connections.toml");
    let (message, help) =
        ("`barometer_band` is written by Barometer itself", "map the property that people or another tool fill in");
    file.check(["tier = \"customer_tier\"", "tier = \"barometer_band\""], "\"barometer_band\"", message, help);
    let mut files = shipped();
    files.0.insert("playbooks/write-back.toml".into(), files.0["playbooks/onboarding-kickoff.toml"].clone());
    let problems = load(&files, TOOLS).unwrap_err();
    let told: Vec<_> = problems.0.iter().map(|p| (p.file.as_str(), p.message.as_str())).collect();
    assert_eq!(told, [("playbooks/write-back.toml", "`write-back` is the name of what writes scores to the CRM")]);
}
