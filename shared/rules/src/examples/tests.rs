#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::path::Path;

use config::{Files, SCALARS, Scalar};

use super::*;

fn config() -> Config {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/config");
    let mut files = BTreeMap::new();
    let mut folders = vec![(folder, String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else if name.ends_with(".toml") || name.ends_with(".j2") {
                files.insert(name, std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    config::load(&Files(files), &connectors::tools()).unwrap()
}

/// What an example with these names says, besides that.
fn found(config: &Config, known: &[(&str, Scalar)]) -> Vec<String> {
    let known = known.iter().map(|(name, scalar)| ((*name).to_owned(), scalar.clone())).collect();
    let (first, subject) = (Moment::from_millis(START_MS).unwrap(), SubjectId::vendor("example", "company", "1"));
    let second = first.plus(SignedDuration::from_hours(24));
    // What was stated a day before does not show through.
    let before = [("open_tickets", 3), ("nps_latest", -20), ("active_users_28d", 40), ("stakeholders_90d", 4)];
    let before = before.map(|(name, number)| (name.to_owned(), Scalar::Int(number))).into();
    let facts = stated(config, &subject, &before, first, vec![]);
    unfit(config, &known, &stated(config, &subject, &known, second, facts), second)
}

fn samples(info: &config::ScalarInfo) -> Vec<Scalar> {
    let ints = |numbers: &[i64]| numbers.iter().map(|number| Scalar::Int(*number)).collect();
    match info.name {
        "override_band" => ["green", "red"].map(|band| Scalar::Text(band.into())).into(),
        "had_tickets" | "ticket_spike" | "first_value_reached" | "has_sponsor" => {
            vec![Scalar::Flag(true), Scalar::Flag(false)]
        }
        "nps_latest" => ints(&[-100, -99, -40, 0, 33, 98, 100]),
        "nps_last_answer" => ints(&[0, 6, 7, 10]),
        "active_users_change" => ints(&[-100, -80, -33, 0, 20, 150]),
        "ticket_load_change" => ints(&[-100, -50, 0, 20, 300]),
        "usage_age_days" => ints(&[1, 7, 60]),
        "seats" => ints(&[1, 40]),
        _ => ints(&[0, 1, 7, 60, 100]),
    }
}

#[test]
fn every_name_can_be_stated() {
    let config = config();
    for info in SCALARS.iter().filter(|info| info.feed != Feed::Mapped) {
        for sample in samples(info) {
            assert_eq!(found(&config, &[(info.name, sample)]), Vec::<String>::new());
        }
    }
}

#[test]
fn names_of_one_story_fit_together() {
    let int = Scalar::Int;
    let stories = [
        vec![("open_tickets", int(5)), ("open_urgent_tickets", int(2)), ("oldest_urgent_ticket_hours", int(30))],
        vec![("open_tickets", int(1)), ("tickets_90d", int(9)), ("had_tickets", Scalar::Flag(true))],
        vec![("tickets_90d", int(4)), ("days_since_last_ticket", int(20))],
        vec![("nps_latest", int(-20)), ("nps_last_answer", int(3)), ("nps_respondents", int(100))],
        vec![("detractors_180d", int(2)), ("days_since_detractor", int(20))],
        vec![("active_users_28d", int(60)), ("active_users_change", int(-40)), ("seat_utilisation", int(60))],
        vec![("seats", int(50)), ("seat_utilisation", int(60)), ("ticket_load", int(90))],
        vec![("stakeholders_90d", int(3)), ("days_since_sponsor_heard", int(12))],
        vec![("days_to_first_value", int(40)), ("first_value_reached", Scalar::Flag(false))],
        vec![("days_overdue", int(12)), ("payment_failures", int(2))],
    ];
    let config = config();
    for story in stories {
        assert_eq!(found(&config, &story), Vec::<String>::new());
    }
}

#[test]
fn names_that_contradict_each_other_are_told() {
    let story = [("open_tickets", Scalar::Int(1)), ("open_urgent_tickets", Scalar::Int(2))];
    let told = "it states open_tickets = 1, which the other names make 2: leave one of them out";
    assert_eq!(found(&config(), &story), [told]);
}

#[test]
fn a_dated_word_of_the_csm_is_stated_once() {
    let config = config();
    let subject = SubjectId::vendor("example", "company", "1");
    let moment = Moment::from_millis(START_MS).unwrap();
    let known = [("csm_sentiment", Scalar::Text("red".into())), ("days_since_sentiment", Scalar::Int(40))];
    let known = known.map(|(name, scalar)| (name.to_owned(), scalar)).into();
    let facts = stated(&config, &subject, &known, moment, vec![]);
    let when = When::at(moment, &config.model.zone);
    let heard = heard(&config, moment);
    let found = Known::new(View::new(&facts, &config), &heard, &config).scalars(when);
    let expected: BTreeSet<_> = known.into_iter().collect();
    let names = ["csm_sentiment", "days_since_sentiment"];
    let found: BTreeSet<_> = names.iter().map(|name| ((*name).to_owned(), found[name].clone())).collect();
    assert_eq!(found, expected);
}
