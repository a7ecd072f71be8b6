//! A thread with one person is between the app and them: what somebody else is asked to do comes to that one.

use std::sync::Arc;

use config::Config;
use jiff::SignedDuration;
use model::Moment;
use serde_json::Value;
use tests::{Company, Setup, World, at};

const INES: &str = "U0INES0001";
const TOM: &str = "U0TOMB0002";
const PRIYA: &str = "U0PRIYA001";

const STEPS: &str = r#"
[[step]]
name = "plan"
after = "1bd"
slack_alert = { next_step = "Write it down." }

[[step]]
name = "escalate"
after = "2bd"
owner = "manager"
slack_alert = { next_step = "Decide with the owner.", text = "Red for two days." }

"#;

/// A Monday morning, 10:00 in Berlin, and so many hours later.
fn hour(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_hours(n))
}

fn setup(steps: &str, mode: &str) -> Setup {
    let mut files = tests::config_files();
    let playbook = files.0.get_mut("playbooks/risk-mitigation.toml").unwrap();
    *playbook = playbook.replacen("[[example]]", &format!("{steps}\n[[example]]"), 1);
    let modes = format!("[most.risk-mitigation]\nslack = \"{mode}\"\n\n[redirect]\nslack = \"#barometer-test\"\n");
    files.0.insert("modes.toml".to_owned(), modes);
    let config: Arc<Config> = Arc::new(config::load(&files, &connectors::tools()).unwrap());
    let setup = Setup { config, ..Setup::new() };
    setup.slack.has("priya.nair@ourco.example", PRIYA);
    setup
}

/// A company turns red two hours after everything went live.
async fn red(setup: Setup, owner: Option<&str>) -> (World, Company) {
    let world = World::new(setup).await;
    let mut company = Company::healthy(7, hour(0));
    if let Some(owner) = owner {
        company.set("customer_success_manager", owner, hour(0)).set("annual_recurring_revenue", "150000", hour(0));
    }
    world.deliver(&company.body(), hour(0)).await;
    world.until(hour(1));
    world.host.golive(&tests::whoever_it_is()).await.unwrap();
    world.rest().await;
    world.deliver(&company.feels("red", hour(2)).contacted(hour(-24 * 120), hour(2)).body(), hour(2)).await;
    world.pass_until(hour(3)).await;
    (world, company)
}

async fn recovers(world: &World, company: &mut Company, at: Moment) {
    world.pass_until(at).await;
    world.deliver(&company.feels("green", at).contacted(at, at).body(), at).await;
    world.pass_until(at.plus(SignedDuration::from_hours(30))).await;
}

/// Where each message stands: the channel, or the number of the message that starts its thread.
fn places(world: &World) -> Vec<String> {
    let place = |message: &Value| match message["thread_ts"].as_str() {
        Some(ts) => format!("in {}", ts.rsplit('.').next().unwrap().trim_start_matches('0')),
        None => message["channel"].as_str().unwrap().to_owned(),
    };
    world.slack.messages().iter().map(place).collect()
}

#[tokio::test(start_paused = true)]
async fn an_escalation_comes_to_the_manager_with_what_it_is_about_and_the_rest_to_the_owners_thread() {
    let (world, mut company) = red(setup(STEPS, "live"), None).await;
    recovers(&world, &mut company, hour(52)).await;
    assert_eq!(places(&world), [INES, "in 1", PRIYA, "in 1"]);
    let messages = world.slack.messages();
    let escalation = messages[2].to_string();
    assert!(messages[2]["text"].as_str().unwrap().ends_with("*Next:* Decide with the owner."), "{escalation}");
    for word in ["Red for two days.", "*What it is about*", "CSM sentiment: green → red", "*Owner:* Ines Almeida"] {
        assert!(escalation.contains(word), "{word}: {escalation}");
    }
    assert!(!messages[1].to_string().contains("What it is about"), "the thread says so above");
}

#[tokio::test(start_paused = true)]
async fn what_is_redirected_or_told_in_a_channel_stays_together() {
    let (world, _) = red(setup(STEPS, "redirect"), None).await;
    world.pass_until(hour(52)).await;
    assert_eq!(places(&world), ["#barometer-test", "in 1", "in 1"]);

    let (world, _) = red(setup(STEPS, "live"), Some("Somebody Unknown")).await;
    world.pass_until(hour(52)).await;
    assert_eq!(world.slack.messages()[0]["channel"], "#customer-success");
    assert!(places(&world)[1..].iter().all(|place| place == "in 1"), "{:?}", places(&world));
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_an_account_over_is_told_in_a_thread_of_their_own() {
    let (world, mut company) = red(setup(STEPS, "live"), None).await;
    world.deliver(&company.set("customer_success_manager", "tom.brandt@ourco.example", hour(5)).body(), hour(5)).await;
    recovers(&world, &mut company, hour(52)).await;
    // The alert, the hand-off, the plan, the escalation, the recovery.
    assert_eq!(places(&world), [INES, TOM, "in 2", PRIYA, "in 2"]);
    let messages = world.slack.messages();
    assert!(messages[1]["text"].as_str().unwrap().contains("*Tom Brandt* takes over from Ines Almeida"));
    assert!(messages[1].to_string().contains("*What it is about:*"), "{}", messages[1]);
    assert!(messages[4]["text"].as_str().unwrap().contains("has recovered"));
}

#[tokio::test(start_paused = true)]
async fn whose_id_is_looked_up_again_is_still_the_same_person() {
    let steps = STEPS.replace("1bd", "8bd").replace("2bd", "40bd");
    let (world, _) = red(setup(&steps, "live"), Some("priya.nair@ourco.example")).await;
    world.pass_until(hour(24 * 11)).await;
    let looked_up = world.slack.asked().iter().filter(|asked| asked.starts_with("users.lookupByEmail")).count();
    assert_eq!((places(&world), looked_up), (vec![PRIYA.to_owned(), "in 1".to_owned()], 2));
}
