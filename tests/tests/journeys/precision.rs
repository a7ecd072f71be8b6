//! How often alerts were of use, as their readers said by the buttons under them.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::Config;
use config::secrets::{ConnectionSecrets, SecretsFile};
use jiff::SignedDuration;
use model::AlertAnswer::{Claim, Dismiss, Snooze};
use model::Moment;
use serde_json::Value;
use tests::{Company, SECRET, Setup, World, at, click};

const INES: &str = "U0INES0001";

/// A Monday morning, 10:00 in Berlin.
fn minute(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_mins(n))
}

fn setup() -> Setup {
    let mut files = tests::config_files();
    files.0.get_mut("connections.toml").unwrap().push_str("\n[connection.slack]\ntool = \"slack\"\n");
    let config: Arc<Config> = Arc::new(config::load(&files, &connectors::tools()).unwrap());
    let secrets = || -> SecretsFile {
        let mut file = tests::secrets(true);
        let secret = ConnectionSecrets { secret: SECRET.to_owned(), previous: None, token: None };
        file.connections.insert("slack".parse().unwrap(), secret);
        file
    };
    Setup { config, secrets: Some(Arc::new(move || Ok(secrets()))), ..Setup::new() }
}

/// So many companies, all of which turned red one after the other; the alert of each.
async fn alerted(count: u64) -> (World, Vec<Value>) {
    let world = World::new(setup()).await;
    let mut companies: Vec<Company> = (1..=count).map(|id| Company::healthy(id, minute(0))).collect();
    for company in &companies {
        world.deliver(&company.body(), minute(0)).await;
    }
    world.until(minute(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    let mut alerts = Vec::new();
    for (company, n) in companies.iter_mut().zip(1..) {
        let now = minute(10 * n);
        world
            .deliver(&company.feels("red", now).contacted(now.plus(SignedDuration::from_hours(-2880)), now).body(), now)
            .await;
        world.pass_until(now.plus(SignedDuration::from_mins(8))).await;
        alerts.push(world.slack.messages().last().unwrap().clone());
    }
    assert_eq!(world.slack.messages().len(), alerts.len());
    (world, alerts)
}

#[tokio::test(start_paused = true)]
async fn each_alert_counts_once_by_the_last_word_on_it() {
    let (world, alerts) = alerted(4).await;
    let none = world.host.precision().await.unwrap();
    assert_eq!((none.claimed_since, none.playbooks[0].fired, none.playbooks[0].unanswered), (None, 4, 4));
    let said =
        [(0, Claim, None), (1, Claim, None), (1, Dismiss, Some("known")), (2, Snooze, Some("7")), (0, Claim, None)];
    for ((alert, answer, chosen), n) in said.into_iter().zip(60..) {
        world.clicks(&click::body(&alerts[alert], answer, chosen, INES, minute(n)), minute(n)).await;
    }
    let report = world.host.precision().await.unwrap();
    let [row] = &report.playbooks[..] else { panic!("{report:#?}") };
    assert_eq!((row.fired, row.useful, row.snoozed, row.unanswered, row.unanswerable), (4, 1, 1, 1, 0));
    assert_eq!(row.dismissed, BTreeMap::from([("known".to_owned(), 1)]));
    assert_eq!((report.claimed_since, row.useful_percent, row.retire), (Some(minute(60)), Some(25), false));
    // The contract of what a program reads.
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(keys(&json), "claimed_since playbooks judged_from retire_below");
    let of_playbook = "playbook fired useful dismissed snoozed unanswered unanswerable useful_percent retire";
    assert_eq!(keys(&json["playbooks"][0]), of_playbook);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_answered_counts_for_nothing() {
    let world = World::new(Setup::new()).await;
    let mut company = Company::healthy(7, minute(0));
    world.deliver(&company.body(), minute(0)).await;
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    let long_ago = minute(-120 * 24 * 60);
    world.deliver(&company.feels("red", minute(2)).contacted(long_ago, minute(2)).body(), minute(2)).await;
    world.pass_until(minute(10)).await;
    let report = world.host.precision().await.unwrap();
    let row = &report.playbooks[0];
    assert_eq!((row.fired, row.unanswerable, row.useful_percent), (0, 1, None));
    let screen = barometer::show::precision(&report, barometer::show::Style::Plain);
    assert!(screen.contains("1 alert without buttons could not be answered"), "{screen}");
}
