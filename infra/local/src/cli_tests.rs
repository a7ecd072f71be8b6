use clap::CommandFactory;

use super::*;

#[track_caller]
fn parsed(line: &str) -> Cli {
    let words = std::iter::once("barometer").chain(line.split_whitespace());
    Cli::try_parse_from(words).unwrap_or_else(|error| panic!("`{line}`: {error}"))
}

#[track_caller]
fn refused(line: &str) -> String {
    let words = std::iter::once("barometer").chain(line.split_whitespace());
    match Cli::try_parse_from(words) {
        Ok(cli) => panic!("`{line}` is taken as {cli:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

/// Other programs drive the command line: every name and flag here stays.
#[test]
fn every_command_of_the_contract_is_taken() {
    for line in [
        "",
        "up",
        "up --data D --config C --secrets S --listen 127.0.0.1:8787 --empty --clock 2026-11-21T09:00:00Z",
        "--data D up --listen 127.0.0.1:0",
        "accounts",
        "accounts --json --data D",
        "accounts --owner ines --band red --renews-within 90 --sort arr",
        "accounts --owner none --csv",
        "backfill hubspot",
        "backfill zendesk --changed-since 2026-11-01T00:00:00Z --json",
        "backfill hubspot-app --restart",
        "book --json",
        "owners --json",
        "precision --json",
        "play start risk-mitigation nordwind --by ines",
        "play close risk-mitigation nordwind --reason solved --json",
        "note nordwind text --by ines",
        "sentiment set nordwind red",
        "override set nordwind --band yellow --until 2026-12-31 --reason merger --by ines",
        "override clear nordwind --json",
        "incident set nordwind hansen --until 2026-12-31 --reason outage --by ines",
        "incident clear --all --json",
        "golive --dry-run --json",
        "golive --all --yes --accept-unowned",
        "explain hubspot:company:1",
        "explain nordwind --json --at 2026-11-21T09:00:00Z",
        "outbox",
        "outbox --json",
        "timeline nordwind --json",
        "journal --json",
        "explain nordwind --aws --stack second",
        "--aws accounts --csv",
        "redrive --dry-run --json",
        "redrive --since 2026-11-20T00:00:00Z --rate 20",
        "quarantine --json",
        "quarantine --all --json",
        "unmatched --json",
        "link zendesk:org:5 nordwind --json",
        "link ann@acme.example --alone",
        "link acme.example --undo",
        "erase ann@acme.example",
        "erase hubspot:contact:1 --dry-run --json",
        "erase --pending",
        "erase --pending --dry-run",
        "import accounts companies.csv --as-of 2026-11-21",
        "import contacts F --as-of 2026-11-21T09:00:00Z --connection zendesk --dry-run --json",
        "import subscriptions F --as-of 2026-11-21",
        "simulate a",
        "simulate a b c --to https://hooks.example.com --duplicate 3 --shuffle --late 3d --random 5 --seed 1",
        "simulate --random 20",
        "simulate --list",
        "simulate --list --json",
        "rescore",
        "rescore --dry-run --json",
        "rescore --rate 200",
        "settle",
        "settle --timeout 90s",
        "clock show",
        "clock set 2026-12-01T09:00:00Z",
        "clock advance 1d12h",
        "golive --playbook risk-mitigation",
        "golive --destination slack",
        "golive --playbook risk-mitigation --destination slack --open-top 3",
        "golive",
        "golive --open-top 3",
        "golive --all",
        "golive --all --open-top 10",
        "pause",
        "resume",
        "replay --delivery hubspot:abc",
        "replay --account hubspot:company:1 --act",
        "replay --quarantined",
        "replay --quarantined --act",
        "replay --since 2026-11-01T00:00:00Z",
        "replay --since 2026-11-01T00:00:00Z --until 2026-11-02T00:00:00Z --act",
        "replay --since 2026-11-01T00:00:00Z --without hubspot:a --without hubspot:b",
        "check",
        "check --config C",
    ] {
        parsed(line);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for line in [
        "simulate",
        "simulate a --list",
        "golive --all --playbook p",
        "replay",
        "replay --act",
        "replay --account a --delivery hubspot:1",
        "replay --account a --quarantined",
        "replay --until 2026-11-02T00:00:00Z",
        "backfill",
        "backfill hubspot --changed-since monday",
        "accounts --csv --json",
        "accounts --band blue",
        "play start risk-mitigation",
        "note nordwind",
        "sentiment set nordwind unknown",
        "override set nordwind --band red --until 2026-12-31",
        "override set nordwind --band red --until later --reason x",
        "incident set --until 2026-12-31 --reason x",
        "incident clear nordwind --all",
        "import accounts F",
        "import tickets F --as-of 2026-11-21",
        "import accounts F --as-of yesterday",
        "link",
        "link a",
        "link a b --alone",
        "link a --alone --undo",
        "erase",
        "erase --dry-run",
        "erase a --pending",
        "replay --delivery nonsense",
        "replay --account a --without hubspot:a --act",
        "explain",
        "explain a b",
        "timeline",
        "clock",
        "accounts --listen 127.0.0.1:1",
        "frobnicate",
    ] {
        refused(line);
    }
}

#[test]
fn wrong_values_are_answered_with_an_example() {
    assert!(refused("clock advance 3").contains("such as 90s"));
    assert!(refused("clock set tomorrow").contains("such as 2026-11-21T09:00:00Z"));
    assert!(refused("golive --playbook Risk").contains("lower-case letters"));
    assert!(refused("replay --delivery 7").contains("barometer journal"));
}

#[test]
fn the_defaults_are_the_ones_that_are_documented() {
    let cli = parsed("up");
    let Some(Command::Up(up)) = cli.command else { panic!("not up") };
    assert_eq!((up.listen.to_string().as_str(), up.empty, up.clock), ("127.0.0.1:8787", false, None));
    if std::env::var_os("BAROMETER_DATA").is_none() {
        assert_eq!(cli.global.data, PathBuf::from(".barometer"));
    }
    assert!(!cli.global.json);
}

#[test]
fn the_help_of_every_command_says_what_it_does() {
    let mut command = Cli::command();
    command.build();
    for sub in command.get_subcommands() {
        assert!(sub.get_about().is_some(), "{}", sub.get_name());
    }
    let help = command.render_long_help().to_string();
    for word in ["Examples:", "barometer explain nordwind", "BAROMETER_DATA", "Exit codes"] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn the_samples_that_the_help_names_exist() {
    let help = Cli::command().render_long_help().to_string();
    let named = help.lines().filter_map(|line| line.trim().strip_prefix("barometer simulate "));
    let named: Vec<&str> =
        named.filter_map(|rest| rest.split_whitespace().next()).filter(|n| n.contains('-')).collect();
    assert!(!named.is_empty());
    for name in named {
        assert!(crate::samples::by_name(name).is_ok(), "{name}");
    }
}

#[test]
fn the_readme_names_every_command_and_flag() {
    let readme = include_str!("../README.md");
    let mut command = Cli::command();
    command.build();
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        assert!(readme.contains(&format!("`{}", sub.get_name())), "{}", sub.get_name());
        for flag in sub.get_arguments().filter_map(|argument| argument.get_long()).filter(|flag| *flag != "help") {
            assert!(readme.contains(&format!("--{flag}")), "{} --{flag}", sub.get_name());
        }
    }
}
