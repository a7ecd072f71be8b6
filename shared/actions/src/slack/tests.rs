use std::path::Path;

use model::{
    ActionId, ActionKind, ActionRequest, Alert, AlertAnswer, AlertChange, AlertKind, Answered, Band, Moment, Money,
    Owner, PlaybookName, Recipient, Score, SubjectId, Urgency, Weigh,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use testkit::golden::{self, Fixture};

use super::checks::{assert_no_holes, assert_safe, assert_within_limits, hostile, texts};
use super::text::escape;
use super::*;

/// The templates as they are shipped.
fn shipped() -> SlackTemplates {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/config/templates/slack");
    let files = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    let text = |file: std::fs::DirEntry| {
        let name = format!("slack/{}", file.file_name().to_string_lossy());
        (name, std::fs::read_to_string(file.path()).unwrap())
    };
    SlackTemplates::new(&files.map(text).collect()).unwrap()
}

/// Every kind of message as `opened` writes it.
fn all_as(opened: &str) -> SlackTemplates {
    let texts = AlertKind::ALL.iter().map(|kind| (format!("slack/{}.j2", kind.as_str()), opened.to_owned()));
    SlackTemplates::new(&texts.collect()).unwrap()
}

/// `request.json` of a golden folder.
#[derive(Deserialize)]
struct Asked {
    thread_ts: Option<String>,
    request: ActionRequest,
}

#[test]
fn requests_are_exactly_these() {
    let templates = shipped();
    golden::run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/slack/golden"), |fixture: &Fixture| {
        let asked: Asked = serde_json::from_slice(&fixture.bytes("request.json")).unwrap();
        let body = render(&templates, &asked.request, asked.thread_ts.as_deref()).unwrap().body();
        assert_within_limits(&body);
        assert_no_holes(&body);
        body
    });
}

fn moment() -> Moment {
    "2026-11-21T09:00:00Z".parse().unwrap()
}

/// A request in which every text is `text`.
fn everywhere(kind: AlertKind, text: &str) -> ActionRequest {
    let some = || Some(text.to_owned());
    let change = AlertChange {
        measure: text.to_owned(),
        from: some(),
        to: Some(format!("{text}{text}")),
        change: i32::MIN,
        path: some(),
        raw: some(),
        delivery: None,
    };
    ActionRequest {
        id: ActionId::from_stored(text),
        kind: ActionKind::SlackAlert,
        playbook: PlaybookName::from_stored(text),
        home: SubjectId::from_stored(text),
        episode: text.to_owned(),
        run: 1,
        step: text.to_owned(),
        reply_to: None,
        under: None,
        to: Recipient { address: "#risk".into(), reason: text.to_owned(), ..Recipient::default() },
        urgency: Urgency::Now,
        weigh: Weigh::default(),
        exempt: false,
        not_before: None,
        alert: Alert {
            kind,
            account: SubjectId::from_stored(text),
            name: text.to_owned(),
            arr: Some(Money { minor: i64::MIN, currency: "EUR".parse().unwrap() }),
            renews_on: Some(model_date()),
            days_to_deadline: Some(i64::MIN),
            deadline: some(),
            band: (Band::Unknown, Band::Yellow),
            score: (Score::new(10_000).ok(), Score::new(0).ok()),
            changes: vec![change; 4],
            playbook: text.to_owned(),
            next_step: text.to_owned(),
            text: some(),
            why: some(),
            goal: some(),
            threshold: some(),
            baseline: some(),
            due: some(),
            template: None,
            owner_before: some(),
            answered: Some(Answered { answer: AlertAnswer::Dismiss, by: some(), name: some(), what: some() }),
            owner: Some(Owner { name: text.to_owned(), email: some(), reason: text.to_owned() }),
            as_of: moment(),
        },
        task: None,
        update: None,
        email: None,
    }
}

fn model_date() -> jiff::civil::Date {
    jiff::civil::date(2027, 1, 7)
}

/// Leaves out each optional part whose bit in `mask` is not set.
fn thin(mut request: ActionRequest, mask: u16) -> ActionRequest {
    let off = |bit: u16| mask & (1 << bit) == 0;
    let alert = &mut request.alert;
    if off(0) {
        alert.arr = None;
    }
    if off(1) {
        alert.renews_on = None;
    }
    if off(2) {
        alert.days_to_deadline = None;
    }
    if off(3) {
        alert.deadline = None;
    }
    if off(4) {
        alert.score.0 = None;
    }
    if off(5) {
        alert.score.1 = None;
    }
    if off(6) {
        alert.owner = None;
    }
    for change in &mut alert.changes {
        if off(7) {
            change.from = None;
        }
        if off(8) {
            change.to = None;
        }
        if off(9) {
            change.path = None;
        }
        if off(10) {
            change.raw = None;
        }
    }
    if off(11) {
        alert.changes.clear();
    }
    request
}

fn kinds() -> impl Strategy<Value = AlertKind> {
    prop::sample::select(AlertKind::ALL)
}

proptest! {
    // Rendering thousands of characters takes its time in a debug build.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_value_mentions_links_breaks_a_line_or_leaves_a_hole(text in hostile(), mask in any::<u16>(), kind in kinds()) {
        let plain = thin(everywhere(kind, "plain"), mask);
        let request = thin(everywhere(kind, &text), mask);
        let body = render(&shipped(), &request, None).unwrap().body();
        for text in texts(&body).into_iter().chain([body["text"].as_str().unwrap()]) {
            assert_safe(text);
        }
        let sections = |body: &Value| body["blocks"].as_array().unwrap().len();
        prop_assert!(sections(&body) <= sections(&render(&shipped(), &plain, None).unwrap().body()));
    }

    #[test]
    fn limits_hold_after_escaping(piece in prop::sample::select(vec!["&", "<", "ü", "👩", "x ", "`"]), times in 0_usize..6_000, mask in any::<u16>(), kind in kinds()) {
        let body = render(&shipped(), &thin(everywhere(kind, &piece.repeat(times)), mask), None).unwrap().body();
        assert_within_limits(&body);
    }

    #[test]
    fn what_is_not_known_leaves_no_trace(mask in any::<u16>(), kind in kinds(), blank in "[ \n\u{200b}]{0,3}") {
        for text in ["word", &blank] {
            let body = render(&shipped(), &thin(everywhere(kind, text), mask), None).unwrap().body();
            assert_no_holes(&body);
            let whole = body.to_string();
            for trace in ["None", "none", "null", "undefined", "\"\""] {
                // The metadata holds ids, which are blank here too.
                prop_assert!(!whole.split("\"metadata\"").next().unwrap().contains(trace), "{}", whole);
            }
        }
    }
}

#[test]
fn no_value_is_left_out_before_all_are_shortened() {
    for kind in AlertKind::ALL.iter().copied() {
        let body = render(&shipped(), &everywhere(kind, &"<".repeat(5_000)), None).unwrap().body();
        assert_within_limits(&body);
        let last = texts(&body).pop().unwrap().to_owned();
        assert!(last.starts_with("As of 2026-11-21 09:00 UTC"), "{last}");
        let named = if kind == AlertKind::Answered { 0 } else { 3 };
        assert_eq!(texts(&body).join("\n").matches("• ").count(), named, "{kind:?}");
    }
}

#[test]
fn a_raw_value_of_full_length_is_quoted_whole() {
    let mut request = thin(everywhere(AlertKind::Opened, "CSM sentiment"), u16::MAX);
    let raw = format!("\"{}\"", "r&d ".repeat(63));
    request.alert.changes.truncate(1);
    request.alert.changes[0].raw = Some(raw.clone());
    let body = render(&shipped(), &request, None).unwrap().body();
    assert!(texts(&body).join("\n").contains(&escape(&raw)), "{body:#}");
}

#[test]
fn the_same_alert_gives_the_same_bytes() {
    let request = everywhere(AlertKind::Opened, "Nordlicht");
    let body = || render(&shipped(), &request, Some("1.2")).unwrap().body().to_string();
    assert_eq!(body(), body());
    let keys: Vec<String> =
        render(&shipped(), &request, Some("1.2")).unwrap().body().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["channel", "text", "blocks", "unfurl_links", "unfurl_media", "metadata", "thread_ts"]);
}

#[test]
fn what_can_be_answered_stands_above_the_small_print_and_carries_ids_only() {
    let mut request = everywhere(AlertKind::Opened, "word");
    request.home = SubjectId::vendor("hubspot", "company", "7");
    request.id = ActionId::from_stored("5f0c1d2e");
    let with = |offered: &[AlertAnswer]| {
        render(&shipped(), &request, None).unwrap().with_buttons(&request, offered).body()["blocks"].clone()
    };
    let blocks = with(AlertAnswer::ALL);
    let blocks = blocks.as_array().unwrap();
    let [.., actions, small] = blocks.as_slice() else { panic!("{blocks:?}") };
    assert_eq!(
        (&actions["block_id"], &small["type"]),
        (&json!("barometer~5f0c1d2e~hubspot:company:7"), &json!("context"))
    );
    let plain = |text: &str| json!({ "type": "plain_text", "text": text });
    let option = |value: &str, text: &str| json!({ "text": plain(text), "value": value });
    let snooze = json!({
        "type": "static_select", "action_id": "barometer_snooze", "placeholder": plain("Snooze…"),
        "options": [option("1", "for 1 day"), option("7", "for 7 days"), option("30", "for 30 days")],
    });
    let claim = json!({ "type": "button", "action_id": "barometer_claim", "text": plain("I take care of it") });
    assert_eq!((&actions["elements"][0], &actions["elements"][1]), (&claim, &snooze));
    assert_eq!(actions["elements"].as_array().unwrap().len(), 4);

    assert_eq!(with(&[AlertAnswer::Claim]).as_array().unwrap().last(), Some(small));
    let none = render(&shipped(), &request, None).unwrap();
    assert_eq!(none.clone().with_buttons(&request, &[]), none);
    request.home = SubjectId::vendor("hubspot", "company", &"7".repeat(300));
    assert_eq!(none.clone().with_buttons(&request, AlertAnswer::ALL), none, "longer than Slack takes");
}

#[test]
fn a_template_of_ones_own_is_held_to_the_limits_too() {
    let long = all_as(&format!("{{{{ name }}}}\n{}", "literal ".repeat(600)));
    assert_within_limits(&render(&long, &everywhere(AlertKind::Opened, "word"), None).unwrap().body());
    let error = render(&all_as("{# #}"), &everywhere(AlertKind::Opened, "w"), None);
    assert_eq!(error.unwrap_err().to_string(), "template slack/opened.j2 writes nothing");
}
