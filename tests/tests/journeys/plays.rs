//! The playbooks that ship, at work: a renewal that comes near and is won, an answer that a person follows up, a customer
//! that is new, a wave of tickets, a round of unhappy answers, a change to yellow. Signed webhooks in, the exact messages out, at nine where the reader is; and the same with a process ending
//! at every call on the way.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use barometer::api::NOTICE;
use config::Config;
use jiff::SignedDuration;
use model::Moment;
use runtime::seam::Target;
use serde_json::{Value, json};
use testkit::faults::{Fault, Faults, Made};
use tests::history::{answer, days_ago, organization};
use tests::{Company, Setup, World, at};

/// Everything that ships; its owner of accounts in New York works there.
fn config() -> Arc<Config> {
    static CONFIG: OnceLock<Arc<Config>> = OnceLock::new();
    let load = || {
        let mut files = barometer::config_files::read(None).unwrap();
        let team = files.0.get_mut("team.toml").unwrap();
        let slack = "slack = \"U0TOMB0002\"\n";
        *team = team.replacen(slack, &format!("{slack}zone = \"America/New_York\"\n"), 1);
        Arc::new(config::load(&files, &connectors::tools()).unwrap())
    };
    CONFIG.get_or_init(load).clone()
}

const TOM: &str = "tom.brandt@ourco.example";
const MANAGER: &str = "priya.nair@ourco.example";

/// A Monday: ten in Berlin, four in the morning in New York.
const START: &str = "2026-11-23T09:00:00Z";

/// Tom's customer, in good health.
fn customer(id: u64, renews_on: &str) -> Company {
    let mut company = Company::healthy(id, at(START));
    company.set("customer_success_manager", TOM, at(START)).set("renewal_date", renews_on, at(START));
    company
}

/// A company that talks to sales.
fn prospect(id: u64) -> Company {
    let mut company = customer(id, "");
    company.set("lifecyclestage", "opportunity", at(START)).set("csm_sentiment", "", at(START));
    company
}

fn sponsor(of: u64) -> Value {
    let property =
        |value: &str| json!({ "value": value, "versions": [{ "value": "x", "timestamp": at(START).as_millis() }] });
    let properties = json!({
        "email": property(&format!("mara.lindqvist@company-{of}.example")), "firstname": property("Mara"),
        "hs_buying_role": property("EXECUTIVE_SPONSOR"),
    });
    json!({ "vid": 500 + of, "canonical-vid": 500 + of, "portal-id": 4_242, "is-contact": true, "properties": properties,
        "associated-company": { "company-id": of } })
}

/// The companies are known, and everything is let out.
async fn live(faults: Faults, bodies: &[Value]) -> World {
    let world = World::new(Setup { config: config(), faults, start: at(START), ..Setup::new() }).await;
    world.slack.has(MANAGER, "U0PRIY0003");
    for body in bodies {
        world.deliver(body, at(START)).await;
    }
    world.until(at(START).plus(SignedDuration::from_secs(1)));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    world
}

/// Messages as their reader sees them: where, in whose thread (by number, from 1), and the first line.
fn said(world: &World) -> Vec<String> {
    let one = |message: &Value| {
        let thread = message["thread_ts"].as_str().and_then(|ts| ts.rsplit('.').next()?.parse::<usize>().ok());
        let thread = thread.map_or_else(String::new, |number| format!(" in {number}"));
        format!("{}{thread}: {}", message["channel"].as_str().unwrap(), message["text"].as_str().unwrap())
    };
    world.slack.messages().iter().map(one).collect()
}

/// What stands below the first line of the `n`-th message.
fn below(world: &World, n: usize) -> String {
    world.slack.messages()[n - 1]["blocks"].to_string()
}

/// Nothing is said until a minute before, and then this, within two minutes of the hour.
async fn check_at(world: &World, hour: &str, expected: &mut Vec<String>, line: &str) {
    world.pass_until(at(hour).plus(SignedDuration::from_mins(-1))).await;
    assert_eq!(said(world), *expected, "before {hour}");
    world.pass_until(at(hour).plus(SignedDuration::from_mins(2))).await;
    expected.push(line.to_owned());
    assert_eq!(said(world), *expected, "at {hour}");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_prepared_at_nine_where_its_owner_is_and_celebrated_when_it_is_won() {
    let mut company = customer(1, "2027-06-11");
    let world = live(Faults::default(), &[company.body()]).await;
    let mut expected = vec![];
    let checkpoints = [
        (
            "2027-02-11T14:00:00Z",
            "U0TOMB0002: :large_green_circle: *Company 1* · USD 48,000 ARR · 120 days to the renewal · Contract ends 2027-06-11 · *Next:* \
             Collect the evidence of value (goals, results, use) and share a renewal plan with the sponsor.",
        ),
        // The thirteenth of March is a Saturday; the clocks change on the fourteenth.
        (
            "2027-03-12T14:00:00Z",
            "C0TEST in 1: :large_green_circle: *Company 1* · USD 48,000 ARR · 91 days to the renewal · health 100 → 90 · *Next:* \
             Ask the sponsor in person whether they will renew, and who signs. \"Monitor\" is no longer a status.",
        ),
        (
            "2027-04-12T13:00:00Z",
            "C0TEST in 1: :large_green_circle: *Company 1* · USD 48,000 ARR · 60 days to the renewal · health 100 → 90 · *Next:* \
             Get the paper in motion: quote sent, procurement and legal named, signing date agreed.",
        ),
    ];
    for (hour, line) in checkpoints {
        // They are spoken to every month.
        let met = at(hour).plus(SignedDuration::from_hours(-72));
        world.pass_until(met).await;
        world.deliver(&company.contacted(met, met).body(), met).await;
        check_at(&world, hour, &mut expected, line).await;
    }
    let signed = at("2027-05-20T15:00:00Z");
    world.pass_until(signed).await;
    world.deliver(&company.contacted(signed, signed).set("renewal_date", "2028-06-11", signed).body(), signed).await;
    world.pass_until(signed.plus(SignedDuration::from_hours(24 * 30))).await;
    let won = "C0TEST in 1: *Company 1* · USD 48,000 ARR · Renewal runway is over · *Next:* \
               Thank everybody who made it happen, and agree on the goals of the new term.";
    expected.push(won.to_owned());
    assert_eq!(said(&world), expected);
}

#[tokio::test(start_paused = true)]
async fn a_detractor_is_followed_up_within_a_working_day_or_somebody_else_hears_of_it() {
    let mut company = customer(1, "2027-11-30");
    let world = live(Faults::default(), &[company.body()]).await;
    let mut expected = vec![];
    // Ten in the morning, and somebody calls in the afternoon.
    let answered = at("2026-11-23T15:00:00Z");
    world.deliver_from("typeform", &answer("t1", 3, 1, answered), answered).await;
    let alert = "U0TOMB0002: :large_green_circle: *Company 1* · USD 48,000 ARR · 372 days to the renewal · NPS answer 3 · *Next:* Call whoever answered and listen; do not defend.";
    check_at(&world, "2026-11-23T15:01:00Z", &mut expected, alert).await;
    // Eight business hours.
    assert!(below(&world, 1).contains("*Due:* Tue 24 Nov 2026, 10:00 (America/New_York)"), "{}", below(&world, 1));
    let called = at("2026-11-23T20:00:00Z");
    world.pass_until(called).await;
    world.deliver(&company.contacted(called, called).body(), called).await;
    expected.push(
        "C0TEST in 1: :white_check_mark: *Company 1* · Detractor follow-up is done · health 100, green".to_owned(),
    );
    assert_eq!(said(&world), expected);
    // The next one is called by nobody.
    let answered = at("2026-12-01T16:00:00Z");
    world.pass_until(answered).await;
    world.deliver_from("typeform", &answer("t2", 5, 2, answered), answered).await;
    let alert = "U0TOMB0002: :large_green_circle: *Company 1* · USD 48,000 ARR · 364 days to the renewal · NPS answer 5 · \
                 *Next:* Call whoever answered and listen; do not defend.";
    check_at(&world, "2026-12-01T16:01:00Z", &mut expected, alert).await;
    let reminder = "C0TEST in 3: :large_green_circle: *Company 1* · USD 48,000 ARR · 363 days to the renewal · health 100 · \
                    *Next:* Call today, or hand it to somebody who can.";
    check_at(&world, "2026-12-02T14:00:00Z", &mut expected, reminder).await;
    // The manager is in Berlin.
    let escalation = "U0PRIY0003: :large_green_circle: *Company 1* · USD 48,000 ARR · 362 days to the renewal · health 100 · \
                      *Next:* Find somebody to call today.";
    check_at(&world, "2026-12-03T08:00:00Z", &mut expected, escalation).await;
    world.pass_until(at("2026-12-14T15:00:00Z")).await;
    assert_eq!(said(&world), expected);
}

#[tokio::test(start_paused = true)]
async fn a_new_customer_is_kicked_off_once() {
    let mut company = prospect(8);
    let world = live(Faults::default(), &[company.body(), sponsor(8)]).await;
    let won = at("2026-11-23T15:00:00Z");
    world.pass_until(won).await;
    company.set("lifecyclestage", "customer", won).set("customer_since", "2026-11-23", won);
    for _ in 0..2 {
        world.deliver(&company.body(), won).await;
    }
    let mut expected = vec![];
    // Nothing is wrong: it is a line of the next digest.
    let digest = |day: &str| format!("U0TOMB0002: :newspaper: *Your digest of {day}* · 1 account");
    check_at(&world, "2026-11-24T14:05:00Z", &mut expected, &digest("2026-11-24")).await;
    let line = "*Company 8* · USD 48,000 ARR";
    let next = "Invite to the kickoff: goals, roles on both sides, dates of the first milestones.";
    assert!(below(&world, 1).contains(line) && below(&world, 1).contains(next), "{}", below(&world, 1));
    let mails = world.ses.mails();
    let draft = "Draft: Kickoff for Company 8: goals, people, dates";
    let shown: Vec<_> = mails
        .iter()
        .map(|mail| (&mail["Destination"]["ToAddresses"][0], &mail["Content"]["Simple"]["Subject"]["Data"]))
        .collect();
    assert_eq!(shown, [(&json!(TOM), &json!(draft))]);
    // Five and twenty working days after the sale, at nine: lines of the digest of that morning.
    check_at(&world, "2026-11-30T14:05:00Z", &mut expected, &digest("2026-11-30")).await;
    assert!(below(&world, 2).contains("Send the success plan on one page"), "{}", below(&world, 2));
    check_at(&world, "2026-12-21T14:05:00Z", &mut expected, &digest("2026-12-21")).await;
    assert!(below(&world, 3).contains("Check what they use it for"), "{}", below(&world, 3));
    // Told again, with more: it is no other customer for that.
    let later = at("2026-12-21T15:00:00Z");
    world.pass_until(later).await;
    world.deliver(&company.set("customer_tier", "business", later).body(), later).await;
    world.pass_until(at("2027-01-20T15:00:00Z")).await;
    assert_eq!((said(&world), world.ses.mails().len()), (expected, 1));
}

/// A ticket of company 1's organisation, as Zendesk tells of it at `now`.
fn ticket(id: i64, status: &str, opened: Moment, now: Moment) -> Value {
    let mut ticket = tests::history::ticket(id, 31, status, now.as_millis() * 100 + id, now);
    ticket["detail"]["created_at"] = json!(opened.to_string());
    ticket["detail"]["priority"] = json!("NORMAL");
    ticket
}

#[tokio::test(start_paused = true)]
async fn a_wave_of_tickets_is_a_line_in_the_morning_another_while_it_lasts_and_one_when_it_is_over() {
    let world = live(Faults::default(), &[customer(1, "2027-11-30").body()]).await;
    let before = at("2026-11-23T10:00:00Z");
    world.deliver_from("zendesk", &organization(31, "1", 0, before), before).await;
    world.deliver_from("zendesk", &ticket(9, "SOLVED", days_ago(400), before), before).await;
    let opened = [1, 2, 3].map(|n| before.plus(SignedDuration::from_hours(4 + n)));
    for (id, opened) in (1..).zip(opened) {
        world.pass_until(opened).await;
        world.deliver_from("zendesk", &ticket(id, "OPEN", opened, opened), opened).await;
    }
    let mut expected = vec![];
    let digest = |day: &str| format!("U0TOMB0002: :newspaper: *Your digest of {day}* · 1 account");
    check_at(&world, "2026-11-24T14:05:00Z", &mut expected, &digest("2026-11-24")).await;
    let line = "• :large_green_circle: *Company 1* · USD 48,000 ARR · 371 days to the renewal · Ticket spike: Tickets in 90 \
                days 2 tickets → 3 tickets · *Next:* Read the new tickets as one, and call whoever opened most of them.";
    assert!(below(&world, 1).contains(line), "{}", below(&world, 1));
    // Three working days later they are as open as they were.
    check_at(&world, "2026-11-26T14:05:00Z", &mut expected, &digest("2026-11-26")).await;
    let line = "at least three tickets are open · *Next:* Agree with support on the one cause";
    assert!(below(&world, 2).contains(line), "{}", below(&world, 2));
    let solved = at("2026-11-27T16:00:00Z");
    world.pass_until(solved).await;
    for (id, opened) in (1..).zip(opened) {
        world.deliver_from("zendesk", &ticket(id, "SOLVED", opened, solved), solved).await;
    }
    check_at(&world, "2026-11-30T14:05:00Z", &mut expected, &digest("2026-11-30")).await;
    assert!(below(&world, 3).contains("Company 1") && below(&world, 3).contains("over"), "{}", below(&world, 3));
    world.pass_until(at("2026-12-20T15:00:00Z")).await;
    assert_eq!(said(&world), expected);
}

#[tokio::test(start_paused = true)]
async fn a_round_of_unhappy_answers_is_a_line_in_the_morning_beside_the_call_to_each_of_them() {
    let mut company = customer(1, "2027-11-30");
    let world = live(Faults::default(), &[company.body()]).await;
    for (n, score, hour) in [(1, 9, "10:00"), (2, 3, "15:00"), (3, 2, "15:20")] {
        let answered = at(&format!("2026-11-23T{hour}:00Z"));
        world.pass_until(answered).await;
        world.deliver_from("typeform", &answer(&format!("t{n}"), score, n, answered), answered).await;
    }
    let called = at("2026-11-23T20:00:00Z");
    world.pass_until(called).await;
    world.deliver(&company.contacted(called, called).body(), called).await;
    world.rest().await;
    let mut expected = said(&world);
    let is_immediate = |line: &&String| line.starts_with("U0TOMB0002: ");
    assert_eq!(expected.iter().filter(is_immediate).count(), 1, "{expected:#?}");
    assert!(expected.iter().all(|line| !line.contains("dip")), "{expected:#?}");
    let digest = "U0TOMB0002: :newspaper: *Your digest of 2026-11-24* · 1 account";
    check_at(&world, "2026-11-24T14:05:00Z", &mut expected, digest).await;
    let line = below(&world, expected.len());
    assert!(line.contains("*Next:* Read the answers side by side"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_change_to_yellow_is_a_line_in_the_morning_and_none_where_it_is_over_by_then() {
    let (mut stays, mut returns) = (customer(1, "2027-11-30"), customer(2, "2027-11-30"));
    let world = live(Faults::default(), &[stays.body(), returns.body()]).await;
    let turned = at("2026-11-23T15:00:00Z");
    world.pass_until(turned).await;
    for company in [&mut stays, &mut returns] {
        world.deliver(&company.feels("yellow", turned).body(), turned).await;
    }
    let back = at("2026-11-23T17:00:00Z");
    world.pass_until(back).await;
    world.deliver(&returns.feels("green", back).body(), back).await;
    let mut expected = vec![];
    let digest = "U0TOMB0002: :newspaper: *Your digest of 2026-11-24* · 1 account";
    check_at(&world, "2026-11-24T14:05:00Z", &mut expected, digest).await;
    let line = "*Next:* Ask about it at the next talk.";
    assert!(below(&world, 1).contains(line) && below(&world, 1).contains("Company 1"), "{}", below(&world, 1));
    world.pass_until(at("2026-12-04T15:00:00Z")).await;
    assert_eq!(said(&world), expected, "it is said once");
}

/// What a run comes to for people: messages by reader, thread and text, mails, and what the outbox says of each action.
#[derive(Debug, PartialEq)]
struct Left {
    messages: BTreeMap<(String, String), usize>,
    mails: Vec<Value>,
    actions: BTreeMap<String, String>,
    episodes: Vec<String>,
}

/// Company 8 becomes a customer: a line of the digest, and the draft of an invitation.
async fn kickoff(world: &World) {
    let won = at("2026-11-23T15:00:00Z");
    let mut company = prospect(8);
    world.pass_until(won).await;
    company.set("lifecyclestage", "customer", won).set("customer_since", "2026-11-23", won);
    world.deliver(&company.body(), won).await;
    world.pass_until(at("2026-11-24T14:10:00Z")).await;
}

/// Somebody at company 1 is unhappy, and is called.
async fn follow_up(world: &World) {
    let (answered, called) = (at("2026-11-23T15:00:00Z"), at("2026-11-23T17:00:00Z"));
    world.pass_until(answered).await;
    world.deliver_from("typeform", &answer("t1", 3, 1, answered), answered).await;
    world.pass_until(called).await;
    world.deliver(&customer(1, "2027-03-24").contacted(called, called).body(), called).await;
    world.pass_until(at("2026-11-23T18:00:00Z")).await;
}

/// It is 120 days before company 1's notice, nine in the morning; an hour later they sign.
async fn renewal(world: &World) {
    let signed = at("2026-11-24T15:00:00Z");
    world.pass_until(signed).await;
    world.deliver(&customer(1, "2027-03-24").set("renewal_date", "2028-03-24", signed).body(), signed).await;
    world.pass_until(at("2026-11-24T16:00:00Z")).await;
}

/// All three, one after the other.
pub async fn journey(faults: Faults) -> World {
    let world = live(faults, &[customer(1, "2027-03-24").body(), prospect(8).body(), sponsor(8)]).await;
    let won = at("2026-11-23T14:00:00Z");
    let mut company = prospect(8);
    world.pass_until(won).await;
    company.set("lifecyclestage", "customer", won).set("customer_since", "2026-11-23", won);
    world.deliver(&company.body(), won).await;
    follow_up(&world).await;
    renewal(&world).await;
    world
}

async fn left(world: &World) -> Left {
    let sent = world.slack.messages();
    let mut messages = BTreeMap::new();
    for message in &sent {
        let ts = message["thread_ts"].as_str().unwrap_or_default();
        let root = sent.iter().enumerate().find(|(n, _)| ts == format!("1790000000.{:06}", n + 1));
        let root = root.map_or_else(String::new, |(_, root)| root["text"].to_string());
        let message =
            Value::from_iter(message.as_object().unwrap().clone().into_iter().filter(|(name, _)| name != "thread_ts"));
        *messages.entry((root, message.to_string())).or_default() += 1;
    }
    let rows = world.host.outbox().await.unwrap();
    let actions = rows.iter().filter(|row| row.kind != NOTICE);
    let actions =
        actions.map(|row| (row.id.to_string(), format!("{} {} {} {}", row.kind, row.step, row.to, row.status)));
    let episodes = world.host.store().episodes().await.unwrap();
    let mut episodes: Vec<_> =
        episodes.iter().map(|one| format!("{} {} {:?}", one.key.row(), one.run, one.state)).collect();
    episodes.sort();
    Left { messages, mails: world.ses.mails(), actions: actions.collect(), episodes }
}

/// Ends the process after every call that changes something on the way of `story`, each in a journey of its own, and it comes
/// to the same `messages` and `mails`. What takes news in and hands events on knows nothing of playbooks, and is broken at
/// each of its calls in `kill_points`; so is the one window in which a message may go out twice, after the call that sends.
async fn ends_anywhere(bodies: &[Value], story: impl AsyncFn(&World), (messages, mails): (usize, usize)) {
    let journey = async |faults: Faults| {
        let world = live(faults, bodies).await;
        let before = world.faults.made().len();
        story(&world).await;
        (left(&world).await, world.faults.made(), before)
    };
    let (clean, made, before) = journey(Faults::default()).await;
    assert_eq!((clean.messages.values().sum::<usize>(), clean.mails.len()), (messages, mails), "{clean:#?}");
    let deciding = ["Health", "Clock", "SlackAlert", "EmailNudge"];
    let is_broken = |call: &Made| deciding.contains(&call.function.as_str()) && !is_send(call);
    let numbered = made.iter().enumerate().skip(before).filter(|(_, call)| is_broken(call));
    let mut broken_runs = 0;
    for (number, call) in numbered.filter(|(_, call)| call.is_told_apart(Fault::CrashAfter)) {
        let faults = Faults::planned([(number, Fault::CrashAfter)]);
        let (left, _, _) = journey(faults.clone()).await;
        assert_eq!(faults.struck(), 1, "an end after call {number} ({call})");
        assert_eq!(left, clean, "an end after call {number} ({call})");
        broken_runs += 1;
    }
    assert!(broken_runs >= 10, "only {broken_runs}: {made:#?}");
}

fn is_send(call: &Made) -> bool {
    matches!(call.target, Target::Slack | Target::Ses)
}

#[tokio::test(start_paused = true)]
async fn a_kickoff_comes_once_wherever_a_process_ends() {
    ends_anywhere(&[prospect(8).body(), sponsor(8)], kickoff, (1, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_detractor_is_followed_up_once_wherever_a_process_ends() {
    ends_anywhere(&[customer(1, "2027-03-24").body()], follow_up, (2, 0)).await;
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_prepared_and_celebrated_once_wherever_a_process_ends() {
    ends_anywhere(&[customer(1, "2027-03-24").body()], renewal, (2, 0)).await;
}
