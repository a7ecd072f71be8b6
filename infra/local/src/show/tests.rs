use std::path::Path;

use model::{ActionId, DeliveryId, EventId, MeasureState, Mode, Money, Owner, SubjectId};

use super::*;
use crate::api::*;

/// Compares with `golden/{name}.txt`; BLESS=1 rewrites it.
#[track_caller]
fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/show/golden").join(name).with_extension("txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{name} is now:\n{text}\n(BLESS=1 accepts it)");
}

fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

fn usd(major: i64) -> Option<Money> {
    Some(Money { minor: major * 100, currency: "USD".parse().unwrap() })
}

fn nordwind() -> SubjectId {
    SubjectId::vendor("hubspot", "company", "70110001")
}

fn delivery() -> DeliveryId {
    DeliveryId::from_stored("hubspot:4be1c2a0d6f84d0f9f0d7a55b6e2c310")
}

fn evidence(field: &str, path: &str, raw: &str) -> Option<EvidenceRow> {
    Some(EvidenceRow {
        subject: nordwind(),
        field: field.into(),
        path: path.into(),
        raw: raw.into(),
        delivery: delivery(),
        occurred_at: moment("2026-11-21T08:59:00Z"),
    })
}

fn point(label: &str, state: MeasureState, value: Option<&str>, share: (u16, u16)) -> PointRow {
    PointRow {
        measure: label.to_lowercase().replace(' ', "_"),
        label: label.into(),
        dimension: "d".into(),
        state,
        value: value.map(str::to_owned),
        points: value.map(|_| 5_000),
        gained: share.0,
        missed: share.1,
        change: None,
        case: None,
        stale_since: None,
        held_until: None,
        pending: None,
        evidence: None,
    }
}

fn explanation() -> Explanation {
    let mut sentiment = point("CSM sentiment", MeasureState::Counted, Some("red"), (0, 4_000));
    sentiment.evidence = evidence("sentiment", "properties.csm_sentiment.value", "\"red\"");
    sentiment.change = Some(-4_000);
    let mut contact = point("Two-way contact", MeasureState::Counted, Some("41 days"), (2_281, 1_219));
    contact.evidence = evidence("last_two_way_at", "properties.notes_last_contacted.value", "\"1791709200000\"");
    let mut runway = point("Time to renewal", MeasureState::Counted, Some("80 days"), (1_500, 1_000));
    runway.evidence = evidence("renews_on", "properties.renewal_date.value", "\"1802131200000\"");
    Explanation {
        account: nordwind(),
        name: "Nordwind Logistik".into(),
        score: Some(38),
        score_basis_points: Some(3_781),
        band: Band::Red,
        machine_band: Band::Red,
        band_since: moment("2026-11-21T09:00:00Z"),
        as_of: moment("2026-11-21T09:00:00Z"),
        next_due_at: Some(moment("2026-11-21T23:00:00Z")),
        model: "crm-and-tickets@0123456789ab".into(),
        model_because: "no connection tells usage".into(),
        outdated: vec![],
        provisional: false,
        sentiment: None,
        overridden: None,
        incident: None,
        caps: vec![],
        roll_up: None,
        counts_for: None,
        contract: None,
        confidence: 100,
        arr: usd(48_000),
        renews_on: Some("2027-02-09".parse().unwrap()),
        notice_by: Some("2026-12-11".parse().unwrap()),
        owner: Some(Owner {
            name: "Ines Almeida".into(),
            email: Some("ines.almeida@ourco.example".into()),
            reason: "csm property of the CRM".into(),
        }),
        points: vec![sentiment, contact, runway],
        gained_total: 3_781,
        missed_total: 6_219,
        episodes: vec![EpisodeRow {
            episode: "PLAY#risk-mitigation#account#x".into(),
            playbook: "risk-mitigation".parse().unwrap(),
            state: EpisodePhase::Open,
            why: "the band went from green to red".into(),
            opened_at: moment("2026-11-21T09:00:00Z"),
            since: None,
            closed_because: None,
            claimed_by: Some("Ines Almeida".into()),
            claimed_at: Some(moment("2026-11-21T10:12:00Z")),
            snoozed_until: Some(moment("2026-11-28T10:15:00Z")),
        }],
        history: vec![HistoryRow { as_of: moment("2026-11-20T09:00:00Z"), score: Some(78), band: Band::Green }],
        also_said: vec![AlsoSaid {
            field: "renews_on".into(),
            connection: "stripe".parse().unwrap(),
            value: "2027-03-01".into(),
            subject: SubjectId::vendor("stripe", "customer", "cus_1"),
            shown: "hubspot".parse().unwrap(),
            occurred_at: moment("2026-11-02T10:00:00Z"),
            delivery: DeliveryId::from_stored("stripe:evt_1"),
            path: "data.object.current_period_end".into(),
            raw: "1803859200".into(),
        }],
        members: vec![member(nordwind(), 0, vec![]), organisation(), person()],
    }
}

fn member(subject: SubjectId, steps: u32, by: Vec<ClaimRow>) -> MemberRow {
    MemberRow { subject, steps, gone: false, facts: 1, by }
}

fn organisation() -> MemberRow {
    let claim = ClaimRow {
        target: nordwind(),
        kind: model::ClaimKind::ExternalId,
        what: "external_id".into(),
        connection: Some("zendesk".parse().unwrap()),
        delivery: Some(DeliveryId::from_stored("zendesk:1")),
        occurred_at: Some(moment("2026-11-02T10:00:00Z")),
    };
    member(SubjectId::vendor("zendesk", "org", "38200001"), 1, vec![claim])
}

fn person() -> MemberRow {
    let claim = ClaimRow {
        target: SubjectId::domain("nordwind.example").unwrap(),
        kind: model::ClaimKind::Domain,
        what: "address".into(),
        connection: None,
        delivery: None,
        occurred_at: None,
    };
    member(SubjectId::email("jonas@nordwind.example").unwrap(), 2, vec![claim])
}

#[test]
fn an_explanation_reads_like_one() {
    check("explain", &explain(&explanation(), Style::Plain));
}

#[test]
fn what_is_not_known_is_said_and_not_counted() {
    let skipped = point("Two-way contact", MeasureState::Skipped, None, (0, 0));
    let mut too_little = point("NPS", MeasureState::Skipped, None, (0, 0));
    too_little.evidence = evidence("nps", "form_response.answers[0].number", "2");
    let not_wired = point("Seat use", MeasureState::NotWired, None, (0, 0));
    let mut runway = point("Time to renewal", MeasureState::Counted, Some("353 days"), (2_500, 0));
    runway.evidence = evidence("renews_on", "properties.renewal_date.value", "\"1825718400000\"");
    let it = Explanation {
        name: "Copperfield Analytics".into(),
        score: None,
        score_basis_points: None,
        band: Band::Unknown,
        machine_band: Band::Unknown,
        confidence: 25,
        notice_by: None,
        owner: None,
        points: vec![skipped, too_little, not_wired, runway],
        gained_total: 2_500,
        missed_total: 0,
        outdated: vec!["model".into(), "playbooks".into()],
        episodes: Vec::new(),
        history: Vec::new(),
        also_said: Vec::new(),
        next_due_at: None,
        ..explanation()
    };
    check("explain_unknown", &explain(&it, Style::Plain));
}

#[test]
fn children_are_shown_with_what_they_weigh() {
    let child = |id: &str, name: &str, score: u16, band, major, share, gained| model::RollUpRow {
        child: SubjectId::vendor("hubspot", "company", id),
        name: name.into(),
        score: model::Score::new(score).unwrap(),
        band,
        weight: usd(major).map(model::ChildWeight::Revenue),
        share,
        gained,
        change: None,
        before: None,
    };
    let mut fell = child("70110003", "Nordwind Sea", 2_000, Band::Red, 36_000, 7_500, 1_500);
    fell.before = model::Score::new(9_000).ok();
    let rows = vec![child("70110002", "Nordwind Air", 9_000, Band::Green, 12_000, 2_500, 2_250), fell];
    let left_out = vec![model::LeftOut {
        child: SubjectId::vendor("hubspot", "company", "70110004"),
        name: "Nordwind Rail".into(),
        because: model::LeftOutBecause::NoScore,
    }];
    let rolled = model::RollUp {
        mode: model::RollUpMode::RevenueWeighted,
        score: model::Score::new(3_750).ok(),
        own_score: model::Score::new(3_781).ok(),
        own_band: Band::Red,
        rows,
        left_out,
        beyond: 0,
        weight: None,
        levels: 1,
    };
    let parent = Some(SubjectId::vendor("hubspot", "company", "70110000"));
    let contract = Some(ContractRow {
        holder: SubjectId::vendor("hubspot", "company", "70110000"),
        name: "Nordwind Holding".into(),
        arr: usd(96_000),
        renews_on: Some("2027-02-09".parse().unwrap()),
    });
    let whole = Explanation { arr: None, renews_on: None, counts_for: parent, contract, ..explanation() };
    let it = Explanation { roll_up: Some(rolled.clone()), ..whole };
    check("explain_children", &explain(&it, Style::Plain));
    let none = model::RollUp { score: None, rows: vec![], beyond: 3, ..rolled };
    let text = explain(&Explanation { roll_up: Some(none), ..explanation() }, Style::Plain);
    assert!(text.contains("no child counts, so its own facts do\nleft out     Nordwind Rail"), "{text}");
    assert!(text.contains("left out     3 more: the first 500 count"), "{text}");
}

#[test]
fn the_sums_that_are_shown_are_the_score() {
    let it = explanation();
    let text = explain(&it, Style::Plain);
    assert_eq!(it.points.iter().map(|row| u32::from(row.gained)).sum::<u32>(), it.gained_total);
    assert!(text.contains("missed 62.19 + score 37.81 = 100.00"), "{text}");
}

fn row(name: &str, score: Option<u16>, band: Band) -> AccountRow {
    AccountRow {
        id: SubjectId::vendor("hubspot", "company", &name.len().to_string()),
        name: name.into(),
        score,
        band,
        arr: usd(48_000),
        renews_on: Some("2026-11-20".parse().unwrap()),
        renews_in_days: Some(-1),
        owner: Some("Ines Almeida".into()),
        owner_email: Some("ines.almeida@ourco.example".into()),
        model: "crm-starter@0123456789ab".into(),
        as_of: moment("2026-11-21T09:00:00Z"),
    }
}

fn book() -> Vec<AccountRow> {
    let unknown = AccountRow {
        arr: None,
        renews_on: None,
        renews_in_days: None,
        owner: None,
        ..row("Copperfield", None, Band::Unknown)
    };
    vec![row("Old red barn", Some(7), Band::Red), row("Ångström Værk", Some(100), Band::Green), unknown]
}

#[test]
fn accounts_line_up() {
    check("accounts", &accounts(&book(), 3, Style::Plain));
    check("accounts_none", &accounts(&[], 0, Style::Plain));
}

#[test]
fn only_the_band_is_coloured_and_only_when_asked_for() {
    let plain = accounts(&book(), 3, Style::Plain);
    let coloured = accounts(&book(), 3, Style::Coloured);
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("Old red barn") && coloured.contains("\u{1b}[31mred\u{1b}[0m"), "{coloured}");
    let mut stripped = coloured;
    for code in ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[90m", "\u{1b}[1m", "\u{1b}[0m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, plain, "colours change nothing else");
}

fn outbox_row() -> OutboxRow {
    OutboxRow {
        id: ActionId::from_stored("00112233445566778899aabbccddeeff"),
        kind: "slack_alert".into(),
        mode: Mode::Observe,
        account: nordwind(),
        account_name: "Nordwind Logistik".into(),
        playbook: Some("risk-mitigation".parse().unwrap()),
        episode: "PLAY#risk-mitigation#account#x".into(),
        step: "alert".into(),
        to: "#customer-success (the team's channel)".into(),
        status: "observed".into(),
        attempts: 1,
        reason: None,
        request: Some(serde_json::json!({
            "channel": "#customer-success",
            "text": "Nordwind Logistik is red",
            "blocks": [
                {"type": "section", "text": {"type": "mrkdwn", "text": "*Nordwind Logistik* &lt;red&gt; R&amp;D\nsecond line"}},
                {"type": "context", "elements": [{"type": "mrkdwn", "text": "barometer explain hubspot:company:70110001"}]}
            ]
        })),
        vendor_ref: None,
        requested_at: moment("2026-11-21T09:00:00Z"),
    }
}

#[test]
fn the_outbox_shows_what_would_be_read() {
    let failed = OutboxRow {
        mode: Mode::Live,
        status: "failed".into(),
        attempts: 3,
        reason: Some("Slack says channel_not_found: invite the app to the channel".into()),
        request: Some(serde_json::json!({"channel": "C1", "thread_ts": "1.2", "text": "recovered"})),
        ..outbox_row()
    };
    let pending = OutboxRow { status: "pending".into(), attempts: 0, request: None, ..outbox_row() };
    check("outbox", &outbox(&[outbox_row(), failed, pending], Style::Plain));
    check("outbox_observed", &outbox(&[outbox_row()], Style::Plain));
}

#[test]
fn nothing_a_vendor_wrote_steers_the_terminal() {
    let mut it = explanation();
    let evil = "\u{1b}[2Jred\r\n";
    it.name = evil.into();
    it.points[0].value = Some(evil.into());
    it.points[0].label = evil.into();
    if let Some(evidence) = it.points[0].evidence.as_mut() {
        evidence.raw = evil.into();
        evidence.path = evil.into();
    }
    it.episodes[0].why = evil.into();
    let mut message = outbox_row();
    message.account_name = evil.into();
    message.request = Some(serde_json::json!({"text": evil}));
    let timeline_row = TimelineRow {
        account: nordwind(),
        at: it.as_of,
        id: "x".into(),
        kind: "band_changed".into(),
        text: evil.into(),
        delivery: Some(delivery()),
        event: Some(EventId::from_stored("e")),
    };
    let texts = [explain(&it, Style::Plain), outbox(&[message], Style::Plain), timeline(&[timeline_row], Style::Plain)];
    for text in texts {
        assert!(!text.contains(['\u{1b}', '\r']), "{text:?}");
    }
}

#[test]
fn days_are_said_as_people_say_them() {
    let said = [0, 1, -1, 80, -365].map(days);
    assert_eq!(said, ["today", "tomorrow", "yesterday", "in 80 days", "365 days ago"]);
}

#[test]
fn what_came_in_is_listed() {
    let first = JournalRow {
        id: delivery(),
        connection: "hubspot".parse().unwrap(),
        received_at: moment("2026-11-21T09:00:00Z"),
        bytes: 5_120,
        sha256: "ab".repeat(32),
        status: Some("understood".into()),
        same_key_as: None,
    };
    let other = JournalRow {
        id: DeliveryId::from_stored("hubspot:4be1#ff00"),
        bytes: 12,
        status: None,
        same_key_as: Some(delivery()),
        ..first.clone()
    };
    check("journal", &journal(&[first, other], Style::Plain));
}

fn settled_with(waiting_messages: u64) -> Settled {
    Settled {
        quiet: waiting_messages == 0,
        waiting_records: 0,
        waiting_messages,
        dead_letters: 1,
        next_visible_at: Some(moment("2026-11-21T09:03:00Z")),
    }
}

#[test]
fn what_is_in_flight_is_said() {
    assert_eq!(unsettled(&settled_with(2)), "2 messages (the next comes back 2026-11-21 09:03 UTC)");
    assert!(settled(&settled_with(0)).contains("1 message was given up"));
}

#[test]
fn a_replay_says_what_differs_and_whether_it_was_written() {
    let mut report = ReplayReport {
        deliveries: 1,
        accounts: vec![ReplayedAccount { id: nordwind(), name: "Nordwind".into(), score: Some(38), band: Band::Red }],
        events: Vec::new(),
        playbooks: Vec::new(),
        actions: Vec::new(),
        differences: Vec::new(),
        acted: false,
    };
    let same = replay(&report, Style::Plain);
    assert!(same.contains("1 delivery was run again") && same.contains("Nothing differs"), "{same}");
    report.differences.push(Difference {
        what: "assessment".into(),
        id: nordwind().to_string(),
        recorded: serde_json::json!({"score": 78}),
        replayed: serde_json::Value::Null,
    });
    let differs = replay(&report, Style::Plain);
    assert!(differs.contains("recorded {\"score\":78}") && differs.contains("nothing left; --act"), "{differs}");
    let playbook =
        |name: &str, fired, accounts, most| ReplayedPlaybook { name: name.parse().unwrap(), fired, accounts, most };
    report.playbooks = vec![playbook("onboarding-kickoff", 2, 2, 1), playbook("risk-mitigation", 37, 21, 12)];
    check("replay", &replay(&report, Style::Plain));
}

#[test]
fn the_welcome_screen_names_the_next_steps() {
    let status = Status {
        address: "127.0.0.1:8787".parse().unwrap(),
        version: "0.1.0".into(),
        clock: ClockNow { now: moment("2026-11-21T09:00:00Z"), mode: ClockMode::Running },
        model: "crm-starter@0123456789ab".into(),
        bands: BandCounts { green: 3, yellow: 2, red: 2, unknown: 1 },
        deliveries: 15,
        quarantined: 1,
        unmatched: 2,
        erasures_pending: 1,
        outbox: [("observed".to_owned(), 1)].into(),
        paused_at: None,
        modes: Vec::new(),
        connections: vec![ConnectionRow {
            name: "hubspot".parse().unwrap(),
            tool: "hubspot-workflow".into(),
            family: model::Family::Crm,
            accepts: true,
            public_url: None,
        }],
    };
    let worst = row("Nordwind Logistik", Some(38), Band::Red);
    let text = welcome(
        &status,
        Some(&worst.name),
        Path::new(".barometer"),
        Path::new(".barometer/secrets.toml"),
        Style::Plain,
    );
    check("welcome", &text);
}

#[path = "tests/belongs.rs"]
mod belongs;

#[path = "tests/rescore.rs"]
mod rescore;

#[path = "tests/precision.rs"]
mod precision;
