//! Nothing accepted is lost and nothing is done twice when the process is killed (`kill -9`) and started again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

mod common;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use barometer::samples::Dice;
use common::{Data, Host, Manner, Slack, company};
use model::Moment;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const START: &str = "2031-03-03T09:00:00Z";
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// So many of the webhooks are first news of a company; they are settled before the rest changes something.
const FIRST: usize = 6;

/// The webhooks of these tests, in order: six companies in good health, then one change of each. Three turn red.
static WEBHOOKS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let now = START.parse::<Moment>().unwrap().as_millis();
    let changed = now - HOUR;
    let set = |name, value: &str| (name, value.to_owned(), changed);
    let silent = || set("notes_last_contacted", &(now - 120 * DAY).to_string());
    let changes = [
        vec![set("csm_sentiment", "red"), silent()],
        vec![set("annual_recurring_revenue", "96000")],
        vec![set("csm_sentiment", "red"), silent()],
        vec![set("csm_sentiment", "red")],
        vec![set("renewal_date", &(now + 30 * DAY).to_string())],
        vec![silent(), set("csm_sentiment", "red")],
    ];
    let first = (1..).take(FIRST).map(|id| company(id, &healthy(id, now - DAY)));
    let then = (1..).zip(changes).map(|(id, change)| company(id, &[healthy(id, now - DAY), change].concat()));
    first.chain(then).collect()
});

fn healthy(id: u64, at: i64) -> Vec<(&'static str, String, i64)> {
    vec![
        ("name", format!("Company {id}"), at),
        ("domain", format!("company-{id}.example"), at),
        ("lifecyclestage", "customer".to_owned(), at),
        ("customer_success_manager", "ines.almeida@ourco.example".to_owned(), at),
        ("annual_recurring_revenue", "48000".to_owned(), at),
        ("csm_sentiment", "green".to_owned(), at),
        ("notes_last_contacted", (at - DAY).to_string(), at),
        ("renewal_date", (at + 200 * DAY).to_string(), at),
    ]
}

/// What a run leaves behind, less what tells of the way there: moments of receipt and how often something was tried.
#[derive(Debug, PartialEq)]
struct Left {
    accounts: Vec<Value>,
    outbox: Vec<Value>,
    journal: BTreeSet<String>,
}

impl Left {
    fn of(data: &Data) -> Self {
        data.settle();
        let journal = data.json("journal");
        let journal = journal.as_array().unwrap().iter().map(|row| row["sha256"].as_str().unwrap().to_owned());
        let left = Self {
            accounts: less(data.json("accounts"), &["as_of"]),
            outbox: less(data.json("outbox"), &["attempts", "requested_at"]),
            journal: journal.collect(),
        };
        assert_eq!(data.json("quarantine"), json!([]));
        left
    }
}

fn less(rows: Value, keys: &[&str]) -> Vec<Value> {
    let Value::Array(mut rows) = rows else { panic!("not a list: {rows}") };
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.retain(|key, _| !keys.contains(&key.as_str()));
    }
    // Those that were asked for at the same moment come in no order.
    rows.sort_by_key(|row| row["id"].to_string());
    rows
}

/// Where a run is killed.
#[derive(Debug, Clone, Copy)]
struct Kill {
    /// After so many webhooks were answered.
    after: usize,
    /// The next webhook is on its way then; its sender gets no answer and sends it again.
    next_is_sent: bool,
}

/// All webhooks, each until it is answered; killed once, or not at all.
fn run(kill: Option<Kill>) -> Left {
    let data = Data::new();
    data.judge_simply();
    let mut host = data.up(&format!("--empty --clock {START}"));
    for (sent, body) in WEBHOOKS.iter().enumerate() {
        if sent == FIRST {
            data.settle();
        }
        assert_eq!(host.post(body), 200, "webhook {} of {kill:?}", sent + 1);
        if let Some(kill) = kill.filter(|kill| kill.after == sent + 1) {
            // The first change waits for the first news of all to settle.
            let next = WEBHOOKS.get(kill.after).filter(|_| kill.next_is_sent && kill.after != FIRST);
            let unheard = next.map(|next| host.post_unheard(next));
            host.kill();
            drop(unheard);
            host = data.up("--empty");
        }
    }
    Left::of(&data)
}

static UNKILLED: LazyLock<Left> = LazyLock::new(|| {
    let left = run(None);
    assert_eq!(left.outbox.len(), 3, "three turn red: {:#?}", left.outbox);
    assert!(left.outbox.iter().all(|row| row["status"] == "observed"));
    left
});

#[track_caller]
fn check(left: &Left, what: &str) {
    let sent: BTreeSet<_> = WEBHOOKS.iter().map(|body| hex::encode(Sha256::digest(body))).collect();
    assert_eq!(left.journal, sent, "{what}: what was answered 200 is in the journal");
    let bands: Vec<_> = left.accounts.iter().map(|row| row["band"].as_str().unwrap()).collect();
    assert_eq!(bands, ["red", "green", "red", "yellow", "green", "red"], "{what}");
    assert_eq!(left.accounts[1]["arr"]["minor"], 9_600_000, "{what}");
    assert_eq!(left.accounts[4]["renews_on"], "2031-04-02", "{what}");
    assert_eq!(left.accounts, UNKILLED.accounts, "{what}");
    assert_eq!(left.outbox, UNKILLED.outbox, "{what}");
}

/// Twenty moments, the same in every run, dealt to four tests that run at the same time.
fn killed_at_moments_of_hand(hand: usize) {
    let mut dice = Dice::new(20_310_303);
    let mut throw = |sides| dice.throw(sides);
    let kills = [(); 20].map(|()| Kill { after: throw(WEBHOOKS.len()) + 1, next_is_sent: throw(2) == 1 });
    for kill in kills.iter().skip(hand).step_by(4) {
        check(&run(Some(*kill)), &format!("{kill:?}"));
    }
}

#[test]
fn what_was_accepted_before_a_kill_takes_effect_hand_one() {
    killed_at_moments_of_hand(0);
}

#[test]
fn what_was_accepted_before_a_kill_takes_effect_hand_two() {
    killed_at_moments_of_hand(1);
}

#[test]
fn what_was_accepted_before_a_kill_takes_effect_hand_three() {
    killed_at_moments_of_hand(2);
}

#[test]
fn what_was_accepted_before_a_kill_takes_effect_hand_four() {
    killed_at_moments_of_hand(3);
}

#[test]
fn a_process_that_is_killed_while_it_catches_up_catches_up_in_the_end() {
    let data = Data::new();
    data.judge_simply();
    let host = data.up(&format!("--empty --clock {START}"));
    let (first, then) = WEBHOOKS.split_at(FIRST);
    let all_of = |host: &Host, bodies: &[String]| bodies.iter().for_each(|body| assert_eq!(host.post(body), 200));
    all_of(&host, first);
    data.settle();
    all_of(&host, then);
    // The functions are at work on all of this now, and again after each start.
    host.kill();
    for _ in 0..2 {
        data.up("--empty").kill();
    }
    let _host = data.up("--empty");
    check(&Left::of(&data), "killed three times");
}

/// A host that is live, with one company whose turn to red is on its way to `slack`.
fn sending(data: &Data) -> Host {
    data.judge_simply();
    data.tell_at_once();
    let host = data.up(&format!("--empty --clock {START}"));
    assert_eq!(host.post(&WEBHOOKS[0]), 200);
    data.settle();
    data.json("golive --all");
    assert_eq!(host.post(&WEBHOOKS[FIRST]), 200);
    host
}

/// Status and Slack's id of the only message, once everything has settled and a day has passed.
fn message(data: &Data) -> (String, Value) {
    data.settle();
    data.json("clock advance 1d");
    data.settle();
    let outbox = data.json("outbox");
    assert_eq!(outbox.as_array().unwrap().len(), 1, "{outbox:#}");
    (outbox[0]["status"].as_str().unwrap().to_owned(), outbox[0]["vendor_ref"].clone())
}

#[test]
fn a_message_that_was_on_its_way_goes_out_once_more_and_is_marked() {
    for (manner, heard) in [(Manner::Accepts, 0), (Manner::Reads, 1), (Manner::AnswersHalf, 1)] {
        let (silent, slack) = (Slack::new(manner), Slack::new(Manner::Answers));
        let data = Data::with_slack(&silent);
        let host = sending(&data);
        silent.wait();
        host.kill();
        data.use_slack(&slack);
        let _host = data.up("--empty");
        assert_eq!(message(&data), ("sent".to_owned(), json!("1930000000.000001")), "{manner:?}");
        assert_eq!((silent.messages().len(), slack.messages().len()), (heard, 1), "{manner:?}");
    }
}

#[test]
fn a_message_that_arrived_just_before_the_kill_goes_out_twice_at_most() {
    for _ in 0..3 {
        let slack = Slack::new(Manner::Answers);
        let data = Data::with_slack(&slack);
        let host = sending(&data);
        slack.wait();
        host.kill();
        let _host = data.up("--empty");
        assert_eq!(message(&data).0, "sent");
        assert!((1..=2).contains(&slack.messages().len()), "{:#?}", slack.messages());
    }
}

#[test]
fn a_message_that_may_have_arrived_twice_is_left_to_a_person() {
    let (silent, slack) = (Slack::new(Manner::Reads), Slack::new(Manner::Answers));
    let data = Data::with_slack(&silent);
    let host = sending(&data);
    silent.wait();
    host.kill();
    let host = data.up("--empty");
    silent.wait();
    host.kill();
    data.use_slack(&slack);
    let _host = data.up("--empty");
    assert_eq!(message(&data), ("uncertain".to_owned(), Value::Null));
    assert_eq!((silent.messages().len(), slack.messages().len()), (2, 0));
}
