//! One destination that does not answer delays no other.

use std::sync::Arc;

use config::Config;
use jiff::SignedDuration;
use model::Moment;
use runtime::seam::Target;
use serde_json::{Value, json};
use tests::{Company, Setup, World, at};

fn minute(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_mins(n))
}

/// Whatever turns red is told in Slack, gets a task in HubSpot and a mail to its owner, all at once.
fn config() -> Arc<Config> {
    let mut files = tests::config_files();
    let playbook = files.0.get_mut("playbooks/risk-mitigation.toml").unwrap();
    let examples = "# What `barometer check` tries";
    let steps = "[[step]]\nname = \"plan\"\ndue = \"2bd\"\ncrm_task = { title = \"Write the plan\" }\n\n\
        [[step]]\nname = \"write\"\nemail_nudge = { to = \"owner\", template = \"kickoff\" }\n\n";
    *playbook = playbook.replacen(examples, &format!("{steps}{examples}"), 1);
    let modes = "[most.risk-mitigation]\nslack = \"live\"\nhubspot = \"live\"\nemail = \"live\"\n";
    files.0.insert("modes.toml".to_owned(), modes.to_owned());
    // No message waits for others, so that all three are due at once.
    let team = files.0.get_mut("team.toml").unwrap();
    *team = team.replacen("settle = \"2m\"", "settle = \"0m\"", 1);
    Arc::new(config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}")))
}

/// How many messages, tasks and mails there are.
fn done(world: &World) -> [usize; 3] {
    [world.slack.messages().len(), usize::try_from(world.hubspot.made()).unwrap(), world.ses.mails().len()]
}

/// Each has an owner of its own: one address gets one mail a day.
fn company(id: u64) -> Company {
    let owner = ["ines.almeida", "tom.brandt", "priya.nair"][usize::try_from(id - 7).unwrap()];
    let mut company = Company::healthy(id, minute(0));
    company.set("customer_success_manager", &format!("{owner}@ourco.example"), minute(0));
    company
}

fn red(id: u64, at: Moment) -> Value {
    let long_ago = at.plus(SignedDuration::from_hours(-24 * 120));
    company(id).feels("red", at).contacted(long_ago, at).body()
}

/// The destination with this place in [`done`] does not answer from the first call on.
async fn hangs(target: Target, place: usize) {
    let setup = Setup { config: config(), ..Setup::new() };
    let hanging = setup.hanging.clone();
    setup.slack.has("priya.nair@ourco.example", "U0PRIYA001");
    let world = World::new(setup).await;
    for id in [7, 8, 9] {
        world.deliver(&company(id).body(), minute(0)).await;
    }
    world.until(minute(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    let before = done(&world);
    hanging.only(vec![target]);
    let calls = || world.faults.made().iter().filter(|call| call.target == target).count();
    let called_before = calls();
    for (turn, id) in [(1, 7), (2, 8), (3, 9)] {
        // Each while what hangs is tried again for those before.
        let at = minute(1 + i64::try_from(turn).unwrap());
        world.until(at);
        world.post(&red(id, at), at).await.unwrap();
        world.left().await;
        let now = done(&world);
        for other in (0..3).filter(|other| *other != place) {
            assert_eq!(now[other], before[other] + turn, "{target:?} hangs; {now:?} at company {id}");
        }
        assert_eq!(now[place], before[place], "{now:?}");
        assert_eq!(world.host.clock().now(), at, "no time has passed");
    }
    assert!(calls() >= called_before + 3, "each of the three was tried");
    // What answers again is not behind for ever, and nobody else hears anything twice.
    hanging.only(vec![]);
    world.pass_until(minute(6 * 60)).await;
    let after = done(&world);
    for other in (0..3).filter(|other| *other != place) {
        assert_eq!(after[other], before[other] + 3, "{after:?}");
    }
    assert_eq!(after[place], before[place] + 3, "{after:?}");
    let dead = world.left().await.dead_letters;
    assert_eq!(dead, 0, "{}", json!({ "dead_letters": dead }));
}

#[tokio::test(start_paused = true)]
async fn while_slack_hangs_tasks_are_made_and_mail_goes() {
    hangs(Target::Slack, 0).await;
}

#[tokio::test(start_paused = true)]
async fn while_hubspot_hangs_messages_and_mail_go() {
    hangs(Target::HubSpot, 1).await;
}

#[tokio::test(start_paused = true)]
async fn while_ses_hangs_messages_go_and_tasks_are_made() {
    hangs(Target::Ses, 2).await;
}
