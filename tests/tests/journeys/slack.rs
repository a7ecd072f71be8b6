//! Slack as it is at a company: people are known by their address, it is busy at times, and some have nothing but a
//! webhook.

use std::sync::Arc;

use barometer::api::OutboxRow;
use config::secrets::{DestinationSecrets, SecretsFile};
use jiff::SignedDuration;
use model::Moment;
use serde_json::{Value, json};
use testkit::faults::{Fault, Faults, Made};
use tests::slack::WEBHOOK;
use tests::{Company, Setup, Slack, World, at, dump, kill};

/// A Monday morning, 10:00 in Berlin.
fn second(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_secs(n))
}

fn minutes(n: i64) -> Moment {
    second(60 * n)
}

const NORA: &str = "nora.holm@ourco.example";

/// A company that is Nora's, whom `team.toml` does not know; with much revenue, so that no budget holds its alert back.
fn noras(id: u64) -> Company {
    let mut company = Company::healthy(id, second(0));
    company.set("customer_success_manager", NORA, second(0)).set("annual_recurring_revenue", "150000", second(0));
    company
}

/// It is seen, and everything let out.
async fn live(setup: Setup, companies: &[&Company]) -> World {
    let world = World::new(setup).await;
    for (n, company) in (0_i64..).zip(companies) {
        world.deliver(&company.body(), second(0).plus(SignedDuration::from_millis(n))).await;
    }
    world.until(second(1));
    world.host.golive(&tests::whoever_it_is()).await.unwrap();
    world.rest().await;
    world
}

fn red(company: &mut Company, at: Moment) -> Value {
    company.feels("red", at).contacted(second(-120 * 86_400), at).body()
}

fn green(company: &mut Company, at: Moment) -> Value {
    company.feels("green", at).contacted(at, at).body()
}

fn with(slack: &Slack) -> Setup {
    Setup { slack: slack.clone(), ..Setup::new() }
}

async fn rows(world: &World) -> Vec<OutboxRow> {
    let mut rows = world.host.outbox().await.unwrap();
    rows.sort_by(|a, b| (a.requested_at, &a.step).cmp(&(b.requested_at, &b.step)));
    rows
}

/// Status and reason of the only message with this step.
async fn status(world: &World, step: &str) -> (String, String) {
    let rows = rows(world).await;
    let row = rows.iter().find(|row| row.step == step).unwrap_or_else(|| panic!("{step}: {rows:#?}"));
    (row.status.clone(), row.reason.clone().unwrap_or_default())
}

fn channels(slack: &Slack) -> Vec<String> {
    slack.messages().iter().map(|message| message["channel"].as_str().unwrap_or("none").to_owned()).collect()
}

/// Everything a reader sees of a message.
fn words(message: &Value) -> String {
    format!("{}{}", message["text"], message["blocks"])
}

fn lookups(slack: &Slack) -> usize {
    slack.asked().iter().filter(|asked| asked.starts_with("users.lookupByEmail")).count()
}

#[tokio::test(start_paused = true)]
async fn whoever_the_crm_knows_by_address_gets_a_message_of_their_own_and_slack_is_asked_once() {
    let slack = Slack::default();
    slack.has(NORA, "U0NORA0009");
    let (mut one, mut two) = (noras(1), noras(2));
    let world = live(with(&slack), &[&one, &two]).await;
    assert_eq!(slack.asked(), [""; 0], "who looks after what is no question before there is a message");
    world.deliver(&red(&mut one, second(2)), second(2)).await;
    world.deliver(&red(&mut two, second(3)), second(3)).await;
    world.pass_until(minutes(20)).await;
    assert_eq!(channels(&slack), ["U0NORA0009", "U0NORA0009"]);
    assert_eq!(slack.asked()[0], format!("users.lookupByEmail {NORA}"));
    assert_eq!(lookups(&slack), 1, "{:?}", slack.asked());
    assert_eq!(status(&world, "alert").await, ("sent".into(), String::new()));
    // An id is doubted after a week, not before.
    for (n, company) in [(6, &mut one), (9, &mut two)] {
        let day = minutes(60 * 24 * n);
        world.pass_until(day).await;
        world.deliver(&green(company, day), day).await;
        world.pass_until(day.plus(SignedDuration::from_hours(30))).await;
        assert_eq!(lookups(&slack), if n == 6 { 1 } else { 2 }, "{:?}", slack.asked());
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_looked_up_while_nothing_is_sent() {
    let slack = Slack::default();
    let mut company = noras(1);
    let world = World::new(with(&slack)).await;
    world.deliver(&company.body(), second(0)).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world.pass_until(minutes(20)).await;
    assert_eq!(slack.asked(), [""; 0]);
    let row = rows(&world).await.swap_remove(0);
    assert_eq!(row.status, "observed");
    assert!(row.to.starts_with(NORA), "{}", row.to);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_slack_does_not_know_goes_to_the_channel_and_says_why() {
    let slack = Slack::default();
    let mut company = noras(1);
    let world = live(with(&slack), &[&company]).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world.pass_until(minutes(20)).await;
    assert_eq!(channels(&slack), ["#customer-success"]);
    let because = format!("Slack knows nobody with the address {NORA}");
    assert!(words(&slack.messages()[0]).contains(&because), "{:#}", slack.messages()[0]);
    let (is, reason) = status(&world, "alert").await;
    assert_eq!((is.as_str(), reason), ("sent", format!("the team's channel, because {because}")));

    // Whoever was invited since is found a day later, and what replies stays where its thread is.
    slack.has(NORA, "U0NORA0009");
    let morning = minutes(60 * 25);
    world.pass_until(morning).await;
    world.deliver(&green(&mut company, morning), morning).await;
    world.pass_until(minutes(60 * 52)).await;
    let reply = slack.messages().pop().unwrap();
    assert_eq!((reply["channel"].as_str(), reply["thread_ts"].is_string()), (Some("C0TEST"), true), "{reply:#}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_scope_stops_no_message_and_is_named() {
    let slack = Slack::default();
    slack.has(NORA, "U0NORA0009");
    slack.hides_addresses();
    let mut company = noras(1);
    let world = live(with(&slack), &[&company]).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world.pass_until(minutes(20)).await;
    assert_eq!(channels(&slack), ["#customer-success"]);
    let (is, reason) = status(&world, "alert").await;
    assert!(is == "sent" && reason.contains("give the app the scope users:read.email"), "{is}: {reason}");
}

#[tokio::test(start_paused = true)]
async fn whoever_left_after_they_were_found_is_looked_for_again_and_the_channel_gets_it() {
    let slack = Slack::default();
    slack.has(NORA, "U0NORA0009");
    let (mut one, mut two) = (noras(1), noras(2));
    let world = live(with(&slack), &[&one, &two]).await;
    world.deliver(&red(&mut one, second(2)), second(2)).await;
    world.pass_until(minutes(120)).await;
    slack.lets_go(NORA);
    let later = minutes(150);
    world.until(later);
    world.deliver(&red(&mut two, later), later).await;
    world.pass_until(minutes(180)).await;
    assert_eq!(channels(&slack), ["U0NORA0009", "#customer-success"]);
    let rows = rows(&world).await;
    let reasons: Vec<_> = rows.iter().filter_map(|row| row.reason.clone()).collect();
    assert_eq!(reasons, [format!("the team's channel, because {NORA} is deactivated in Slack")], "{rows:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_person_of_the_team_without_a_slack_id_is_found_by_address_and_their_cover_when_they_left() {
    let mut files = tests::config_files();
    let team = files.0.get_mut("team.toml").unwrap();
    let nora =
        format!("\n[[person]]\nname = \"Nora Holm\"\nemail = \"{NORA}\"\ncover = \"tom.brandt@ourco.example\"\n");
    team.push_str(&nora);
    let config = Arc::new(config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}")));
    for (left, expected) in [(false, "U0NORA0009"), (true, "U0TOMB0002")] {
        let slack = Slack::default();
        slack.has(NORA, "U0NORA0009");
        if left {
            slack.lets_go(NORA);
        }
        let mut company = noras(1);
        let world = live(Setup { config: config.clone(), ..with(&slack) }, &[&company]).await;
        world.deliver(&red(&mut company, second(2)), second(2)).await;
        world.pass_until(minutes(20)).await;
        assert_eq!(channels(&slack), [expected]);
        let expected = format!("Tom Brandt, who stands in, because {NORA} is deactivated in Slack");
        assert_eq!(status(&world, "alert").await.1, if left { expected } else { String::new() });
    }
}

/// A company whose owner has a Slack id, and another.
fn two() -> (Company, Company) {
    let mut tom = Company::healthy(2, second(0));
    tom.set("customer_success_manager", "tom.brandt@ourco.example", second(0));
    (Company::healthy(1, second(0)), tom)
}

#[tokio::test(start_paused = true)]
async fn slack_that_asks_for_a_rest_gets_it_and_nobody_else_waits() {
    let slack = Slack::default();
    let (mut ines, mut tom) = two();
    let world = live(with(&slack), &[&ines, &tom]).await;
    slack.next_is(429, Some(600), "");
    world.deliver(&red(&mut ines, second(2)), second(2)).await;
    world.deliver(&red(&mut tom, second(3)), second(3)).await;
    world.pass_until(minutes(8)).await;
    assert_eq!(slack.messages().len(), 1, "{:#?}", slack.messages());
    let waits = rows(&world).await.into_iter().find(|row| row.status == "waiting").unwrap();
    assert!(waits.reason.as_ref().unwrap().contains("429"), "{waits:#?}");
    world.pass_until(minutes(30)).await;
    let mut places = channels(&slack);
    places.sort();
    assert_eq!(places, ["U0INES0001", "U0TOMB0002"], "each once");
    assert!(rows(&world).await.iter().all(|row| row.status == "sent" && row.reason.is_none()));
    assert_eq!(world.left().await.dead_letters, 0);
}

#[tokio::test(start_paused = true)]
async fn slack_that_is_down_for_hours_loses_nothing_and_sends_nothing_twice() {
    let slack = Slack::default();
    let (mut ines, _) = two();
    let world = live(with(&slack), &[&ines]).await;
    for _ in 0..8 {
        slack.next_is(503, None, "<html>");
    }
    world.deliver(&red(&mut ines, second(2)), second(2)).await;
    world.pass_until(minutes(60 * 5)).await;
    assert_eq!((slack.messages().len(), world.left().await.dead_letters), (1, 0));
    assert_eq!(slack.asked().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_is_one_more_try_and_not_a_third() {
    let slack = Slack::default();
    let (mut ines, _) = two();
    let world = live(with(&slack), &[&ines]).await;
    slack.next_is_lost();
    slack.next_is_lost();
    world.deliver(&red(&mut ines, second(2)), second(2)).await;
    world.pass_until(minutes(60)).await;
    assert_eq!(slack.messages().len(), 2);
    assert_eq!(status(&world, "alert").await.0, "uncertain");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_click_that_mends_it() {
    for (code, words) in [
        ("not_in_channel", "/invite"),
        ("is_archived", "unarchive the channel"),
        ("invalid_auth", "store a valid bot token"),
        ("missing_scope", "the scope chat:write"),
        ("msg_too_long", "the template"),
        ("channel_not_found", "check the channel's name"),
    ] {
        let slack = Slack::default();
        let (mut ines, _) = two();
        let world = live(with(&slack), &[&ines]).await;
        slack.next_is(200, None, &json!({ "ok": false, "error": code }).to_string());
        world.deliver(&red(&mut ines, second(2)), second(2)).await;
        world.pass_until(minutes(30)).await;
        let (is, reason) = status(&world, "alert").await;
        assert!(is == "failed" && reason.contains(code) && reason.contains(words), "{is}: {reason}");
        assert_eq!(slack.messages().len(), 0);
    }
}

fn by_webhook(slack: &Slack) -> Setup {
    let secrets = || {
        let hook = DestinationSecrets { webhook: Some(WEBHOOK.to_owned()), ..Default::default() };
        SecretsFile { destinations: [("slack".to_owned(), hook)].into(), ..tests::secrets(false) }
    };
    Setup { secrets: Some(Arc::new(move || Ok(secrets()))), ..with(slack) }
}

#[tokio::test(start_paused = true)]
async fn without_a_token_a_webhook_gets_every_message_by_itself() {
    let slack = Slack::default();
    let mut company = noras(1);
    let world = live(by_webhook(&slack), &[&company]).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world.deliver(&green(&mut company, minutes(20)), minutes(20)).await;
    world.pass_until(minutes(60 * 48)).await;
    let messages = slack.messages();
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert!(messages.iter().all(|message| words(message).contains("Company 1")), "each names its account");
    assert!(slack.asked().iter().all(|asked| asked == "webhook"), "{:?}", slack.asked());
    assert!(rows(&world).await.iter().all(|row| row.status == "sent"));
}

#[tokio::test(start_paused = true)]
async fn a_webhook_redirects_nothing() {
    let slack = Slack::default();
    let mut files = tests::config_files();
    let modes = "[most.risk-mitigation]\nslack = \"redirect\"\n\n[redirect]\nslack = \"#barometer-test\"\n";
    files.0.insert("modes.toml".to_owned(), modes.to_owned());
    let config = Arc::new(config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}")));
    let mut company = noras(1);
    let world = live(Setup { config, ..by_webhook(&slack) }, &[&company]).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world.pass_until(minutes(20)).await;
    let (is, reason) = status(&world, "alert").await;
    assert!(is == "observed" && reason.contains("store a bot token"), "{is}: {reason}");
    assert_eq!(slack.asked(), [""; 0]);
}

/// Nora's account turns red and recovers, in a world that is broken as `faults` say.
pub async fn journey(faults: Faults) -> World {
    let slack = Slack::default();
    slack.has(NORA, "U0NORA0009");
    let mut company = noras(1);
    let world = live(Setup { faults, ..with(&slack) }, &[&company]).await;
    world.deliver(&red(&mut company, second(2)), second(2)).await;
    world.deliver(&green(&mut company, second(5)), second(5)).await;
    world.pass_until(minutes(60 * 48)).await;
    world
}

fn is_send(call: &Made) -> bool {
    call.operation == "chat.postMessage"
}

/// Breaks every call around the look-up in turn, each in a journey of its own.
async fn every_call_with(fault: Fault, leave_out: impl Fn(&Made) -> bool) {
    let clean = journey(Faults::default()).await;
    let made = clean.faults.made();
    let look_up = made.iter().position(|call| call.operation == "users.lookupByEmail").unwrap();
    let (tables, messages) = (dump::tables(&clean), clean.slack.messages());
    assert_eq!(messages.len(), 2);
    let first = made[..look_up].iter().rposition(|call| call.function != "SlackAlert").unwrap() + 1;
    let send = made.iter().position(is_send).unwrap();
    let mut ours = kill::calls_of(&made, "SlackAlert", first..send);
    ours.retain(|number| !leave_out(&made[*number]));
    kill::at_each((&made, ours), fault, journey, |world, what| {
        assert_eq!(world.slack.messages(), messages, "{what}");
        let odd: Vec<_> = dump::tables(world).into_iter().filter(|line| !tables.contains(line)).collect();
        // When the address was asked about is later where a try failed.
        assert!(odd.iter().all(|line| line.contains("READER#")), "{what}: {odd:#?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_any_call_around_a_look_up_sends_each_message_once() {
    every_call_with(Fault::CrashBefore, |_| false).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_around_a_look_up_sends_each_message_once() {
    every_call_with(Fault::CrashAfter, |_| false).await;
}

#[tokio::test(start_paused = true)]
async fn throttling_and_lost_answers_around_a_look_up_send_each_message_once() {
    every_call_with(Fault::Throttle, Made::is_read).await;
    every_call_with(Fault::LostAnswer, Made::is_read).await;
}
