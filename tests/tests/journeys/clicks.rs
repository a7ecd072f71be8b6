//! What people answer to an alert: somebody claims it, snoozes it, dismisses it or wants a task, and the thread says so.

use std::sync::Arc;

use barometer::api::{ReplayRequest, ReplayWhich};
use config::Config;
use config::secrets::{ConnectionSecrets, SecretsFile};
use jiff::SignedDuration;
use model::AlertAnswer::{Claim, Dismiss, Snooze, Task};
use model::{Closing, Episode, EpisodeState, Moment};
use runtime::seam::Target;
use serde_json::Value;
use testkit::faults::{Fault, Faults, Made};
use tests::{Company, SECRET, Setup, World, at, click, kill};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::receive::logs::{Lines, subscriber};

const INES: &str = "U0INES0001";

/// A Monday morning, 10:00 in Berlin.
fn minute(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_mins(n))
}

fn days(n: i64) -> Moment {
    minute(n * 24 * 60)
}

/// Alerts have buttons, because a connection hears of clicks; `steps` are added to the playbook.
fn config(steps: &str) -> Arc<Config> {
    let mut files = tests::config_files();
    files.0.get_mut("connections.toml").unwrap().push_str("\n[connection.slack]\ntool = \"slack\"\n");
    let playbook = files.0.get_mut("playbooks/risk-mitigation.toml").unwrap();
    *playbook = playbook.replacen("[[example]]", &format!("{steps}\n[[example]]"), 1);
    let modes = "[most.risk-mitigation]\nslack = \"live\"\nhubspot = \"live\"\n";
    files.0.insert("modes.toml".to_owned(), modes.to_owned());
    Arc::new(config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}")))
}

fn setup(steps: &str) -> Setup {
    let secrets = || -> SecretsFile {
        let mut file = tests::secrets(true);
        let secret = ConnectionSecrets { secret: SECRET.to_owned(), previous: None, token: None };
        file.connections.insert("slack".parse().unwrap(), secret);
        file
    };
    Setup { config: config(steps), secrets: Some(Arc::new(move || Ok(secrets()))), ..Setup::new() }
}

fn red(company: &mut Company, at: Moment) -> Value {
    company.feels("red", at).contacted(days(-120), at).body()
}

fn green(company: &mut Company, at: Moment) -> Value {
    company.feels("green", at).contacted(at, at).body()
}

/// A company whose owner was alerted.
async fn alerted(setup: Setup) -> (World, Company) {
    let world = World::new(setup).await;
    let mut company = Company::healthy(7, minute(0));
    world.deliver(&company.body(), minute(0)).await;
    world.until(minute(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    world.deliver(&red(&mut company, minute(2)), minute(2)).await;
    world.pass_until(minute(10)).await;
    assert_eq!(world.slack.messages().len(), 1);
    (world, company)
}

fn words(message: &Value) -> String {
    message["text"].as_str().unwrap_or_default().to_owned()
}

/// The messages after the alert, all of which are in its thread.
fn replies(world: &World) -> Vec<String> {
    let messages = world.slack.messages();
    let replies = messages.iter().skip(1);
    replies
        .map(|message| {
            assert_eq!(message["thread_ts"], "1790000000.000001", "{message:#}");
            assert_eq!(click::block(message), None, "only the first message has buttons");
            words(message)
        })
        .collect()
}

async fn episode(world: &World) -> Episode {
    let [episode] = <[Episode; 1]>::try_from(world.host.store().episodes().await.unwrap()).unwrap();
    episode
}

#[tokio::test(start_paused = true)]
async fn somebody_takes_care_of_it_and_the_thread_says_who() {
    let (world, _) = alerted(setup("")).await;
    let alert = world.slack.messages().remove(0);
    let claim = click::body(&alert, Claim, None, INES, minute(20));
    let answer = world.clicks(&claim, minute(20)).await;
    assert_eq!((answer.status_code, answer.body.as_str()), (200, ""), "Slack may show what it is answered");
    let expected = ":speech_balloon: *Company 7* · Ines Almeida takes care of it";
    assert_eq!(replies(&world), [expected]);
    let claimed = episode(&world).await.handled.claimed.unwrap();
    assert_eq!((claimed.by.as_str(), claimed.at), (INES, minute(20)));
    let told = world.host.explain("hubspot:company:7", None).await.unwrap().episodes.remove(0);
    assert_eq!((told.claimed_by.as_deref(), told.claimed_at), (Some("Ines Almeida"), Some(minute(20))));

    // The same click again, another of theirs: nothing.
    world.clicks(&claim, minute(21)).await;
    world.clicks(&click::body(&alert, Claim, None, INES, minute(25)), minute(25)).await;
    assert_eq!(replies(&world).len(), 1);
    assert_eq!(episode(&world).await.handled.claimed.unwrap().at, minute(20));
    // Whom `team.toml` does not know is mentioned.
    world.clicks(&click::body(&alert, Claim, None, "U0SAM00009", minute(30)), minute(30)).await;
    assert_eq!(replies(&world)[1], ":speech_balloon: *Company 7* · <@U0SAM00009> takes care of it");
    assert!(episode(&world).await.is_open());
}

/// What the message that was answered says in place of its buttons, and which buttons it still has.
fn shown(world: &World) -> (String, Vec<String>) {
    let message = world.slack.shown("1790000000.000001").unwrap();
    let blocks = message["blocks"].as_array().unwrap();
    let elements = blocks.iter().filter(|block| block["type"] == "actions").flat_map(|block| {
        block["elements"].as_array().unwrap().iter().map(|one| one["action_id"].as_str().unwrap().to_owned())
    });
    let said = blocks.iter().filter_map(|block| block["text"]["text"].as_str());
    let answers = ["takes care", "snoozed it", "dismissed it"];
    let said = said.filter(|text| answers.iter().any(|answer| text.contains(answer)));
    (said.collect::<Vec<_>>().join("|"), elements.collect())
}

#[tokio::test(start_paused = true)]
async fn the_message_shows_who_answered_and_until_when_in_place_of_the_buttons() {
    let (world, _) = alerted(setup("")).await;
    let alert = world.slack.messages().remove(0);
    assert_eq!(shown(&world).1.len(), 4);
    world.clicks(&click::body(&alert, Claim, None, INES, minute(20)), minute(20)).await;
    let buttons = ["barometer_snooze", "barometer_dismiss", "barometer_task"].map(str::to_owned);
    assert_eq!(shown(&world), ("Ines Almeida takes care of it".to_owned(), buttons.to_vec()));
    assert_eq!(world.slack.updates()[0]["text"], alert["text"], "a notification says what it said");
    world.clicks(&click::body(&alert, Snooze, Some("7"), "U0SAM00009", minute(30)), minute(30)).await;
    let snoozed = "<@U0SAM00009> snoozed it until Mon 30 Nov 2026, 10:30 (Europe/Berlin)";
    assert_eq!(shown(&world).0, format!("Ines Almeida takes care of it\n{snoozed}"));
    world.clicks(&click::body(&alert, Dismiss, Some("known"), INES, minute(40)), minute(40)).await;
    let dismissed = "Ines Almeida takes care of it\nInes Almeida dismissed it: it was known already";
    assert_eq!(shown(&world), (dismissed.to_owned(), vec![]));
    // The same click again changes nothing.
    world.clicks(&click::body(&alert, Claim, None, INES, minute(20)), minute(41)).await;
    assert_eq!((world.slack.updates().len(), replies(&world).len()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_changed_stops_no_reply() {
    let (world, _) = alerted(setup("")).await;
    let alert = world.slack.messages().remove(0);
    // It was deleted; Slack asks for a rest; the answer is lost.
    world.slack.next_is(200, None, r#"{"ok":false,"error":"message_not_found"}"#);
    world.clicks(&click::body(&alert, Claim, None, INES, minute(20)), minute(20)).await;
    assert_eq!((world.slack.updates().len(), replies(&world).len()), (0, 1));
    world.slack.next_is(429, Some(30), "");
    world.clicks(&click::body(&alert, Snooze, Some("1"), INES, minute(30)), minute(30)).await;
    world.pass_until(minute(35)).await;
    assert_eq!((world.slack.updates().len(), replies(&world).len()), (1, 2));
    world.slack.next_is_lost();
    world.clicks(&click::body(&alert, Dismiss, Some("known"), INES, minute(40)), minute(40)).await;
    world.pass_until(minute(45)).await;
    assert_eq!(replies(&world).len(), 3);
    assert!(shown(&world).0.ends_with("Ines Almeida dismissed it: it was known already"), "{:?}", shown(&world));
}

#[tokio::test(start_paused = true)]
async fn a_reply_to_a_click_waits_for_no_morning() {
    let (world, _) = alerted(setup("")).await;
    let alert = world.slack.messages().remove(0);
    let evening = minute(13 * 60);
    world.pass_until(evening).await;
    world.clicks(&click::body(&alert, Claim, None, INES, evening), evening).await;
    assert_eq!(replies(&world).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_snoozed_is_told_nothing_of_until_it_is_asked_again() {
    let step = "[[step]]\nname = \"plan\"\nafter = \"3bd\"\nslack_alert = { next_step = \"Write it down.\" }\n";
    let (world, mut company) = alerted(setup(step)).await;
    let alert = world.slack.messages().remove(0);
    world.clicks(&click::body(&alert, Snooze, Some("7"), INES, minute(20)), minute(20)).await;
    let expected =
        ":speech_balloon: *Company 7* · Ines Almeida snoozed it until Mon 30 Nov 2026, 10:20 (Europe/Berlin)";
    assert_eq!(replies(&world), [expected]);

    // It gets worse, and the next step would come.
    world.pass_until(days(2)).await;
    company.renews(days(20), days(2));
    world.deliver(&company.body(), days(2)).await;
    world.pass_until(days(7)).await;
    assert_eq!(replies(&world).len(), 1, "{:#?}", replies(&world));
    assert!(shown(&world).0.contains("snoozed it until"));
    world.pass_until(days(7).plus(SignedDuration::from_hours(2))).await;
    assert_eq!((shown(&world).0.as_str(), shown(&world).1.len()), ("", 4), "it can be answered as before");
    let after = replies(&world);
    let texts = format!("{:?}", world.slack.messages());
    assert!(texts.contains("The snooze is over, and it still holds."), "{texts}");
    assert!(after.iter().any(|text| text.contains("Call the sponsor this week")), "{after:#?}");
    assert!(!texts.contains("Write it down."), "the step comes as much later: {after:#?}");
    world.pass_until(days(11)).await;
    let texts = format!("{:?}", world.slack.messages());
    assert_eq!(texts.matches("*Next:* Write it down.").count(), 2, "once, in its text and its first line");
    assert_eq!(texts.matches("The snooze is over").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_recovers_while_it_is_snoozed_is_over() {
    let (world, mut company) = alerted(setup("")).await;
    let alert = world.slack.messages().remove(0);
    world.clicks(&click::body(&alert, Snooze, Some("30"), INES, minute(20)), minute(20)).await;
    world.deliver(&green(&mut company, minute(60)), minute(60)).await;
    world.pass_until(days(3)).await;
    let replies = replies(&world);
    assert!(replies.len() == 2 && replies[1].contains("has recovered"), "{replies:#?}");
    world.pass_until(days(40)).await;
    assert_eq!(world.slack.messages().len(), 3, "nothing is asked again");
}

#[tokio::test(start_paused = true)]
async fn what_is_dismissed_is_closed_and_does_not_come_again_before_its_cooldown_is_over() {
    let (world, mut company) = alerted(setup("")).await;
    let alert = world.slack.messages().remove(0);
    let dismiss = click::body(&alert, Dismiss, Some("no_risk"), INES, minute(20));
    world.clicks(&dismiss, minute(20)).await;
    assert_eq!(replies(&world), [":speech_balloon: *Company 7* · Ines Almeida dismissed it: it is no risk"]);
    let held = episode(&world).await;
    assert_eq!(held.state, EpisodeState::Closed { at: minute(20), why: Closing::Dismissed });
    assert_eq!(held.handled.dismissed.unwrap().reason, "no_risk");
    world.clicks(&dismiss, minute(21)).await;
    world.clicks(&click::body(&alert, Claim, None, INES, minute(22)), minute(22)).await;
    assert_eq!(replies(&world).len(), 1, "it is over");

    // Within a week it is the same trouble, afterwards another.
    for (day, messages) in [(2, 2), (10, 3)] {
        world.pass_until(days(day)).await;
        world.deliver(&green(&mut company, days(day)), days(day)).await;
        let later = days(day).plus(SignedDuration::from_hours(1));
        world.until(later);
        world.deliver(&red(&mut company, later), later).await;
        world.pass_until(later.plus(SignedDuration::from_mins(20))).await;
        assert_eq!(world.slack.messages().len(), messages, "day {day}");
    }
}

const PLAN: &str =
    "[[step]]\nname = \"plan\"\nafter = \"1bd\"\ndue = \"2bd\"\ncrm_task = { title = \"Write the plan\" }\n";

#[tokio::test(start_paused = true)]
async fn a_task_is_made_when_it_is_wanted_and_once() {
    for (steps, subject) in
        [(PLAN, "Write the plan"), ("", "Call the sponsor this week and agree on one recovery goal.")]
    {
        let (world, mut company) = alerted(setup(steps)).await;
        let alert = world.slack.messages().remove(0);
        world.clicks(&click::body(&alert, Task, None, INES, minute(20)), minute(20)).await;
        assert_eq!(replies(&world), [format!(":speech_balloon: *Company 7* · Ines Almeida wants a task: {subject}")]);
        assert_eq!(world.hubspot.made(), 1);
        world.clicks(&click::body(&alert, Task, None, INES, minute(25)), minute(25)).await;
        world.pass_until(days(2)).await;
        let tasks = world.hubspot.tasks();
        assert_eq!((tasks.len(), world.hubspot.made()), (1, 1), "{steps}: also when its own time comes");
        assert!(tasks[0].properties["hs_task_subject"].contains(subject), "{tasks:#?}");
        world.deliver(&green(&mut company, days(2)), days(2)).await;
        world.pass_until(days(5)).await;
        assert_eq!(world.hubspot.tasks()[0].properties["hs_task_status"], "COMPLETED");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_that_hears_of_clicks_there_are_no_buttons() {
    let (world, _) = alerted(Setup::new()).await;
    assert_eq!(click::block(&world.slack.messages()[0]), None);
}

#[tokio::test(start_paused = true)]
async fn a_click_that_slack_did_not_sign_is_none() {
    let (world, _) = alerted(setup("")).await;
    let alert = world.slack.messages().remove(0);
    let body = click::body(&alert, Dismiss, Some("known"), INES, minute(20));
    world.until(minute(20));
    let answer = async |event| world.host.receive(event).await.unwrap().status_code;
    assert_eq!(answer(click::request(&body, "somebody else's secret", minute(20))).await, 401);
    let mut unsigned = click::request(&body, SECRET, minute(20));
    unsigned.headers.remove("x-slack-signature");
    assert_eq!(answer(unsigned).await, 401);
    let mut late = click::request(&body, SECRET, minute(20));
    late.request_context.time_epoch = minute(20).plus(SignedDuration::from_secs(301)).as_millis();
    assert_eq!(answer(late).await, 401);
    world.rest().await;
    assert!(episode(&world).await.is_open() && replies(&world).is_empty());
    let journal = world.host.store().whole_journal().await.unwrap();
    assert!(journal.iter().all(|delivery| delivery.connection.as_str() != "slack"));
}

/// An alert that is claimed, snoozed and dismissed, in a world that is broken as `faults` say.
pub async fn journey(faults: Faults) -> World {
    let (world, _) = alerted(Setup { faults, ..setup(PLAN) }).await;
    let alert = world.slack.messages().remove(0);
    for (n, answer, chosen) in
        [(20, Claim, None), (30, Task, None), (40, Snooze, Some("1")), (50, Dismiss, Some("wrong_data"))]
    {
        world.clicks(&click::body(&alert, answer, chosen, INES, minute(n)), minute(n)).await;
    }
    world.pass_until(days(2)).await;
    world
}

#[tokio::test(start_paused = true)]
async fn clicks_are_replayed_like_everything_else() {
    let world = journey(Faults::default()).await;
    assert_eq!(replies(&world).len(), 4);
    let which = ReplayWhich::Received { since: Moment::EARLIEST, until: None };
    let report = world.host.replay(&ReplayRequest { which, act: false, without: vec![] }).await.unwrap();
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
    assert!(report.actions.len() >= 6 && report.actions.iter().all(|action| action.recorded), "{:?}", report.actions);
    assert!(report.events.iter().all(|event| event.recorded));
}

/// Breaks every call that follows the first click in turn, each in a journey of its own.
async fn every_call_with(fault: Fault, leave_out: impl Fn(&[Made], usize) -> bool) {
    let clean = journey(Faults::default()).await;
    // A reply that Slack did not take at once may come after a later one.
    let sent = |world: &World| {
        let mut all: Vec<String> = world.slack.messages().iter().map(Value::to_string).collect();
        all.sort();
        all
    };
    let (made, messages, tasks) = (clean.faults.made(), sent(&clean), clean.hubspot.tasks());
    let after = shown(&clean);
    // From the first click to the second.
    let alerted = made.iter().position(is_send).unwrap();
    let mut clicks = (alerted..made.len()).filter(|number| made[*number].function == "Webhook");
    let (first, second) = clicks.next().zip(clicks.next()).unwrap();
    let of = |function| kill::calls_of(&made, function, first..second);
    let mut ours = ["Webhook", "Normalize", "Health", "SlackAlert"].map(of).concat();
    ours.retain(|number| !leave_out(&made, *number));
    kill::at_each((&made, ours), fault, journey, |world, what| {
        assert_eq!(sent(world), messages, "{what}");
        assert_eq!(shown(world), after, "{what}");
        assert_eq!(world.hubspot.tasks(), tasks, "{what}");
    })
    .await;
}

/// An update of a message is none: it is made again without harm.
fn is_send(call: &Made) -> bool {
    call.target == Target::Slack && call.operation == "chat.postMessage"
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_any_call_after_a_click_changes_nothing_in_the_end() {
    every_call_with(Fault::CrashBefore, |_, _| false).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_after_a_click_changes_nothing_in_the_end() {
    every_call_with(Fault::CrashAfter, |made, at| is_send(&made[at])).await;
}

#[tokio::test(start_paused = true)]
async fn throttling_at_any_write_after_a_click_changes_nothing_in_the_end() {
    every_call_with(Fault::Throttle, |made, at| made[at].is_read()).await;
}

#[tokio::test(start_paused = true)]
async fn who_clicked_stays_out_of_the_logs() {
    let lines = Lines::default();
    let writer = lines.clone();
    let _second = subscriber(std::io::sink).set_default();
    let _guard = subscriber(move || writer.clone()).set_default();
    let world = journey(Faults::default()).await;
    let text = lines.text();
    assert!(text.contains("\"target\":\"slack_alert\""), "lines of slack_alert were seen");
    for line in text.lines() {
        assert!(!line.contains("canary"), "{line}");
        assert!(!line.contains("ines.almeida") && !line.contains("Almeida"), "{line}");
    }
    drop(world);
}
