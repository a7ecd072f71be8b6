//! What ships in `infra/config` loads, and means what it says.

use crate::common::{TOOLS, shipped, with};
use config::{Config, GreenNeeds, Missing, Points, RenewalSource, StepAction, Trigger, Verdict, load, scalar};
use model::{Authority, Band, Field, Mode};

fn config() -> Config {
    load(&shipped(), TOOLS).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_shipped_files_have_no_problem_and_no_warning() {
    assert_eq!(config().warnings, []);
}

#[test]
fn the_connection_maps_properties_to_fields() {
    let config = config();
    let hubspot = config.connection(&"hubspot".parse().unwrap()).unwrap();
    assert_eq!((hubspot.tool.as_str(), hubspot.family), ("hubspot-workflow", model::Family::Crm));
    assert!(hubspot.enabled && hubspot.creates_accounts);
    assert_eq!((hubspot.max_body_bytes, hubspot.live_from), (1_048_576, None));
    assert_eq!(hubspot.mapping.property("company", Field::RenewsOn), Some("renewal_date"));
    assert_eq!(hubspot.mapping.property("contact", Field::Name), Some("firstname"));
    assert_eq!(hubspot.mapping.property("deal", Field::ClosesOn), Some("closedate"));
    assert_eq!(hubspot.mapping.currency.code(), "USD");
    assert_eq!((&hubspot.api, &hubspot.api_url, &hubspot.renewals), (&None, &None, &None));
    assert_eq!(config.connection(&"stripe".parse().unwrap()).map(|c| &c.name), None);
}

#[test]
fn three_tools_are_connected_and_know_whose_ids_are_accounts() {
    let config = config();
    let tools: Vec<_> = config.connections.iter().map(|c| (c.name.as_str(), c.tool.as_str(), c.enabled)).collect();
    let expected = [
        ("hubspot", "hubspot-workflow", true),
        ("hubspot-app", "hubspot-app", true),
        ("zendesk", "zendesk", true),
        ("typeform", "typeform", true),
    ];
    assert_eq!(tools, expected);
    for connection in &config.connections {
        assert_eq!(connection.mapping.account_ids, "hubspot:company", "{}", connection.name);
        assert!(connection.mapping.complete.is_empty());
    }
    let of = |name: &str| config.connection(&name.parse().unwrap()).unwrap();
    for (object, fields) in &of("hubspot").mapping.objects {
        assert_eq!(of("hubspot-app").mapping.objects.get(object), Some(fields), "{object}: both name the same");
    }
    assert_eq!(of("hubspot-app").api_url.as_deref(), Some("https://api.hubapi.com"));
    assert!(of("zendesk").api.is_some() && of("zendesk").api_url.is_none(), "every customer has an address");
    assert_eq!(config.renewal_sources, [RenewalSource::Company, RenewalSource::Deals]);
}

#[test]
fn who_needs_only_the_connections_reads_only_their_file_and_what_it_says_of_them() {
    let whole = config();
    let only = |old: &str, new: &str| {
        let mut files = with("connections.toml", old, new);
        files.0.retain(|path, _| path == "connections.toml");
        config::connections(&files, TOOLS)
    };
    let read = only("", "").unwrap();
    for known in &whole.connections {
        assert_eq!(format!("{:?}", read.named(&known.name).unwrap()), format!("{known:?}"));
    }
    assert!(read.named(&"stripe".parse().unwrap()).is_none());
    // Wrong in what it reads, wrong in what it does not, and both as `load` says them.
    let wrong = only("tool = \"zendesk\"", "tool = \"zendesc\"").unwrap_err();
    let (all, most) = (with("connections.toml", "tool = \"zendesk\"", "tool = \"zendesc\""), wrong.0.len());
    assert_eq!(wrong.0, load(&all, TOOLS).unwrap_err().0[..most]);
    let unwatched = "when = \"nonsense\" # ";
    assert!(
        only("when = ", unwatched).is_ok() && load(&with("connections.toml", "when = ", unwatched), TOOLS).is_err()
    );
    let missing = config::connections(&config::Files::default(), TOOLS).unwrap_err().to_string();
    assert!(missing.contains("connections.toml") && missing.contains("the file is missing"), "{missing}");
}

#[test]
fn a_connection_says_where_its_api_is_what_is_complete_and_what_bare_ids_name() {
    let config =
        |old: &str, new: &str| load(&with("connections.toml", old, new), TOOLS).unwrap_or_else(|p| panic!("{p}"));
    let of = |config: &Config, name: &str| config.connection(&name.parse().unwrap()).unwrap().clone();
    let all = config("# api_url = \"https://ourco.zendesk.com\"", "api_url = \"https://ourco.zendesk.example/\"");
    assert_eq!(of(&all, "zendesk").api_url.as_deref(), Some("https://ourco.zendesk.example"));
    let all = config("# complete = [\"renews_on\", \"csm\"]", "complete = [\"renews_on\", \"csm\"]");
    assert_eq!(of(&all, "hubspot").mapping.complete, [Field::RenewsOn, Field::Csm].into());
    // With the CRM off, nobody says what a bare id is, except a connection that does.
    let mut files = with("connections.toml", "# enabled = false", "enabled = false");
    let text = files.0.get_mut("connections.toml").unwrap();
    *text = text.replace("tool = \"hubspot-app\"", "tool = \"hubspot-app\"\nenabled = false");
    *text = text.replace("tool = \"typeform\"", "tool = \"typeform\"\naccounts = \"hubspot:company\"");
    let none = load(&files, TOOLS).unwrap();
    assert_eq!(of(&none, "zendesk").mapping.account_ids, "");
    assert_eq!(of(&none, "typeform").mapping.account_ids, "hubspot:company");
    assert_eq!(of(&none, "zendesk").mapping.account("4711"), None);
}

#[test]
fn renewal_deals_feed_the_date_and_the_amount() {
    let renewals = "[connection.hubspot.renewals]\npipelines = [\"p\"]\nwon = [\"w\"]\nlost = [\"l\"]\n\n[watch]";
    let mut files = with("connections.toml", "[watch]", renewals);
    let text = files.0.get_mut("connections.toml").unwrap();
    *text = text.replace("renews_on = \"renewal_date\"", "").replace("arr = \"annual_recurring_revenue\"", "");
    *text = text.replace("believe = [\"company\", \"deals\"]", "believe = [\"deals\"]");
    let wired = |config: &Config, name| config.is_wired(scalar(name).unwrap());
    let config = load(&files, TOOLS).unwrap();
    assert!(wired(&config, "days_to_renewal") && wired(&config, "arr"));
    assert_eq!(config.renewal_sources, [RenewalSource::Deals, RenewalSource::Company], "the other one comes after");
    let pipeline = config.connections[0].renewals.clone().unwrap();
    assert_eq!(
        (pipeline.pipelines, pipeline.won, pipeline.lost),
        (vec!["p".into()], vec!["w".into()], vec!["l".into()])
    );
    let text = files.0.get_mut("connections.toml").unwrap();
    *text = text.replace("[connection.hubspot.renewals]\npipelines = [\"p\"]\nwon = [\"w\"]\nlost = [\"l\"]\n", "");
    let config = load(&files, TOOLS).unwrap();
    assert!(!wired(&config, "days_to_renewal") && !wired(&config, "arr"), "a deal of any pipeline is no renewal");
}

#[test]
fn customers_are_watched_and_tests_are_not() {
    let watch = config().watch;
    let scalars = |values: &[(&'static str, config::Scalar)]| values.iter().cloned().collect();
    let stage = |stage: &str| ("lifecycle_stage", config::Scalar::Text(stage.into()));
    let holds = config::Scalar::Flag(true);
    assert_eq!(watch.when.holds(&scalars(&[stage("customer")])), Verdict::Holds);
    assert_eq!(watch.when.holds(&scalars(&[("has_active_subscription", holds.clone())])), Verdict::Holds);
    assert_eq!(watch.when.holds(&scalars(&[stage("lead")])), Verdict::Unknown(vec!["has_active_subscription"]));
    assert_eq!(watch.exclude.holds(&scalars(&[("is_test", holds)])), Verdict::Holds);
    assert_eq!(watch.exclude_domains, ["ourco.example"]);
}

#[test]
fn the_model_is_the_one_in_the_file() {
    let model = config().model;
    assert_eq!(model.version.name, "customer-health");
    assert!(model.version.hash.len() == 12 && model.version.hash.bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!(model.zone.iana_name(), Some("Europe/Berlin"));
    assert_eq!((model.min_coverage, model.apart_days), (2_000, 14));
    assert_eq!(model.green, GreenNeeds { dimensions: 2, contact_within_days: 45 });
    let bands = model.bands;
    assert_eq!(
        (bands.yellow_from, bands.leave_red_at, bands.green_from, bands.enter_green_at),
        (4_000, 4_500, 7_000, 7_400)
    );
}

#[test]
fn a_profile_is_the_one_in_its_file() {
    let config = config();
    let profile = config.model.profiles.last().unwrap();
    assert_eq!((profile.version.name.as_str(), profile.title.as_str()), ("crm-and-tickets", "CRM and tickets"));
    assert!(profile.when.is_none() && profile.needs.is_empty() && profile.headline.is_none());
    let measure = |name: &str| profile.measures.iter().find(|measure| measure.name == name).unwrap();
    let words = [("green", 10_000), ("red", 0), ("yellow", 5_000)];
    let words = words.into_iter().map(|(word, points)| (word.to_owned(), points)).collect();
    assert_eq!(measure("csm_sentiment").points, Points::Words(words));
    let contact = measure("two_way_contact");
    assert_eq!(contact.points, Points::Linear(vec![(14, 10_000), (45, 6_000), (90, 0)]));
    assert_eq!((contact.missing, contact.after), (Missing::Skip, None));
    assert_eq!(profile.dimensions[contact.dimension].name, "relationship");
    let renewal = measure("renewal_runway");
    assert_eq!(renewal.points, Points::Steps(vec![(-1, 0), (0, 3_000), (60, 6_000), (120, 10_000)]));
    assert_eq!(renewal.value.name, "days_to_renewal");
}

#[test]
fn the_playbook_is_the_one_in_the_file() {
    let config = config();
    let playbook = config.playbook(&"risk-mitigation".parse().unwrap()).unwrap();
    assert_eq!(playbook.trigger, Trigger::BandChanged { to: vec![Band::Red] });
    assert_eq!((playbook.recover_after.as_hours(), playbook.cooldown.as_hours()), (24, 7 * 24));
    assert_eq!((playbook.recover.as_ref().unwrap().source(), playbook.when.is_none()), ("band != 'red'", true));
    let names: Vec<_> = playbook.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["alert", "recovery-plan", "plan", "escalate"]);
    let step = &playbook.steps[0];
    let StepAction::SlackAlert { next_step, .. } = &step.action else { panic!("{step:?}") };
    assert!(step.name == "alert" && next_step.ends_with('.'));
    let tasks: Vec<_> = playbook.tasks().map(|step| (step.name.as_str(), step.due.is_some())).collect();
    assert_eq!(tasks, [("recovery-plan", true)]);
    assert_eq!((playbook.examples.len(), playbook.is_about_risk()), (4, true));
    assert_eq!(playbook.examples[0].after["days_since_two_way_contact"], config::Scalar::Int(50));
    assert_eq!(config.playbooks_hash.len(), 12);
}

#[test]
fn people_are_found_by_email_in_any_case_or_by_owner_id() {
    let team = config().team;
    assert_eq!(team.people.len(), 3);
    assert_eq!(team.slack_channel, "#customer-success");
    assert_eq!(team.find("Ines.Almeida@OurCo.example").unwrap().name, "Ines Almeida");
    assert_eq!(team.find("410002").unwrap().name, "Tom Brandt");
    assert!(team.find("nobody@ourco.example").is_none() && team.find("").is_none());
    assert_eq!(team.alerts, config::Alerts::default(), "the file shows what holds without it");
}

/// Files of before go on as they did.
#[test]
fn what_older_files_leave_out_is_what_ships() {
    let mut files = shipped();
    let without = |text: &str, names: &[&str]| {
        let keeps = |line: &&str| !names.iter().any(|name| line.starts_with(&format!("{name} = ")));
        text.lines().filter(keeps).collect::<Vec<_>>().join("\n")
    };
    let runway = "playbooks/renewal-runway.toml";
    let names = ["min_term", "compound_within", "renewed_from", "repeat_after"];
    files.0.insert(runway.to_owned(), without(&files.0[runway], &names));
    files.0.insert("health.toml".to_owned(), without(&files.0["health.toml"], &["respondents", "active_users"]));
    files.0.insert("team.toml".to_owned(), without(&files.0["team.toml"], &["worth_telling"]));
    let (before, now) = (load(&files, TOOLS).unwrap(), config());
    let of = |config: &Config| config.playbook(&"renewal-runway".parse().unwrap()).unwrap().trigger.clone();
    assert_eq!(of(&before), of(&now));
    assert_eq!(before.model.least, now.model.least);
    assert_eq!(before.team.alerts, now.team.alerts);
}

#[test]
fn what_modes_does_not_name_observes() {
    let modes = config().modes;
    let playbook = |name: &str| name.parse().unwrap();
    assert_eq!(modes.most(&playbook("risk-mitigation"), "slack"), Mode::Live);
    assert_eq!(modes.most(&playbook("risk-mitigation"), "hubspot"), Mode::Observe);
    assert_eq!(modes.most(&playbook("another"), "slack"), Mode::Observe);
    assert_eq!((modes.redirect("slack"), modes.redirect("hubspot")), (Some("#barometer-test"), None));
}

#[test]
fn templates_are_named_below_their_folder() {
    let mut files = shipped();
    files.0.insert("templates/slack/extra.j2".into(), "hello".into());
    assert_eq!(load(&files, TOOLS).unwrap().templates["slack/extra.j2"], "hello");
}

#[test]
fn hashes_follow_the_files_they_are_of() {
    let before = config();
    let playbook = load(&with("playbooks/risk-mitigation.toml", "\"7d\"", "\"8d\""), TOOLS).unwrap();
    assert_ne!(playbook.playbooks_hash, before.playbooks_hash);
    assert_eq!(playbook.model.version, before.model.version);
    for (file, old, new) in [
        ("health/crm-and-tickets.toml", "weight = 40", "weight = 41"),
        ("health.toml", "yellow_from = 40", "yellow_from = 41"),
    ] {
        let model = load(&with(file, old, new), TOOLS).unwrap();
        assert_eq!(model.playbooks_hash, before.playbooks_hash);
        assert_ne!(model.model.version, before.model.version, "{file}");
        let hash = |config: &Config| config.model.profiles.last().unwrap().version.hash.clone();
        assert_ne!(hash(&model), hash(&before), "{file}");
    }
}

#[test]
fn authority_follows_the_list_then_the_file() {
    let two = "
[connection.billing]
tool = \"stripe\"
currency = \"USD\"
map.subscription = { renews_on = \"current_period_end\" }

[authority]
renews_on = [\"billing\"]
";
    let config = load(&with("connections.toml", "\n[authority]\n", two), TOOLS).unwrap_or_else(|p| panic!("{p}"));
    let rank = |field, name: &str| config.rank(field, &model::ConnectionName::from_stored(name));
    let order = |field| {
        let mut names = ["gone", "billing", "typeform", "operator", "hubspot"];
        names.sort_by_key(|name| rank(field, name));
        names
    };
    assert_eq!(order(Field::RenewsOn), ["operator", "billing", "hubspot", "typeform", "gone"]);
    assert_eq!(order(Field::Name), ["operator", "hubspot", "typeform", "billing", "gone"]);
}

#[test]
fn a_scalar_is_wired_by_any_enabled_connection() {
    let wired = |config: &Config, name| config.is_wired(scalar(name).unwrap());
    let all = config();
    assert!(wired(&all, "csm_sentiment") && wired(&all, "has_active_subscription") && wired(&all, "band"));
    let mut files = shipped();
    let text = files.0.get_mut("connections.toml").unwrap();
    *text = text.replacen("sentiment = \"csm_sentiment\"", "# sentiment", 1);
    assert!(wired(&load(&files, TOOLS).unwrap(), "csm_sentiment"), "the other connection still feeds it");
    let text = files.0.get_mut("connections.toml").unwrap();
    *text = text.replacen("\nsentiment = \"csm_sentiment\"", "\n# sentiment", 1);
    let less = load(&files, TOOLS).unwrap();
    assert!(!wired(&less, "csm_sentiment"));
    let warnings: Vec<_> =
        less.warnings.iter().map(|warning| (warning.file.as_str(), warning.message.as_str())).collect();
    let expected = "no enabled connection feeds `csm_sentiment`: the measure does not take part";
    assert_eq!(warnings, [("health/crm-and-tickets.toml", expected)]);
    assert_eq!(less.warnings[0].help.as_deref(), Some("map `sentiment` in connections.toml"));
    let mut files = with("connections.toml", "# enabled = false", "enabled = false");
    let text = files.0.get_mut("connections.toml").unwrap();
    *text = text.replace("tool = \"hubspot-app\"", "tool = \"hubspot-app\"\nenabled = false");
    let off = load(&files, TOOLS).unwrap();
    assert!(!wired(&off, "csm_sentiment") && wired(&off, "band"));
}

#[test]
fn without_modes_everything_observes() {
    let mut files = shipped();
    files.0.remove("modes.toml");
    let modes = load(&files, TOOLS).unwrap().modes;
    assert_eq!(modes.most(&"risk-mitigation".parse().unwrap(), "slack"), Mode::Observe);
}

#[test]
fn children_that_nobody_names_are_missed_where_they_are_to_count() {
    let rolled = |mut files: config::Files, feeds: bool| {
        let health = files.0.get_mut("health.toml").unwrap();
        *health = health.replacen("# roll_up = \"seat_weighted\"", "roll_up = \"seat_weighted\"", 1);
        let connections = files.0.get_mut("connections.toml").unwrap();
        if !feeds {
            *connections =
                connections.lines().filter(|line| !line.starts_with("parent =")).collect::<Vec<_>>().join("\n");
        }
        load(&files, TOOLS).unwrap().warnings
    };
    assert_eq!(rolled(shipped(), true), []);
    let warnings = rolled(shipped(), false);
    let expected = "no enabled connection feeds `parent`: nobody is anybody's child, and nothing is rolled up";
    assert_eq!(warnings.iter().map(|warning| warning.message.as_str()).collect::<Vec<_>>(), [expected]);
    assert!(warnings[0].file == "health.toml" && warnings[0].line > 1, "{warnings:?}");
}
