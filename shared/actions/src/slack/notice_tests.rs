use std::path::Path;

use jiff::civil::date;
use model::{
    ActionId, AlertKind, Band, BookEntry, BookLine, DeskLine, Digest, DigestEntry, Mode, Money, Notice, NoticeBody,
    PlaybookName, Recipient, Score, Shared, StartingBook, SubjectId, SurgeAccount, SurgeAlert,
};
use proptest::prelude::*;
use testkit::golden::{self, Fixture};

use super::checks::{assert_no_holes, assert_safe, assert_within_limits, hostile, texts};
use super::*;

/// The templates as they are shipped.
fn shipped() -> NoticeTemplates {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/config/templates");
    let read = |name: &str| (name.to_owned(), std::fs::read_to_string(dir.join(name)).unwrap());
    let names = ["slack/digest.j2", "slack/surge.j2", "slack/starting_book.j2", "slack/source_silent.j2"];
    NoticeTemplates::new(&names.into_iter().map(read).collect()).unwrap()
}

/// Templates with these texts for a digest, a burst and a starting book.
fn templates(texts: [&str; 3]) -> Result<NoticeTemplates, RenderError> {
    let names = ["slack/digest.j2", "slack/surge.j2", "slack/starting_book.j2"];
    let named = names
        .into_iter()
        .zip(texts)
        .chain([("slack/source_silent.j2", "x")])
        .map(|(name, text)| (name.to_owned(), text.to_owned()));
    NoticeTemplates::new(&named.collect())
}

#[test]
fn notices_are_exactly_these() {
    let templates = shipped();
    golden::run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/slack/golden_notices"), |fixture: &Fixture| {
        let notice: Notice = serde_json::from_slice(&fixture.bytes("notice.json")).unwrap();
        let body = render_notice(&templates, &notice).unwrap().body();
        assert_within_limits(&body);
        assert_no_holes(&body);
        body
    });
}

fn notice(body: NoticeBody) -> Notice {
    let to = Recipient { address: "U0INES0001".into(), ..Recipient::default() };
    let as_of = "2026-11-23T08:00:00Z".parse().unwrap();
    Notice { id: ActionId::from_stored("n"), to, mode: Mode::Live, as_of, body }
}

fn eur(major: i64) -> Money {
    Money { minor: major * 100, currency: "EUR".parse().unwrap() }
}

/// A digest, a burst and a starting book of `count` accounts in which every text is `text`; with the parts in `mask`.
fn everywhere(text: &str, count: usize, mask: u16) -> [Notice; 3] {
    let on = |bit: u16| mask & (1 << bit) != 0;
    let days = on(2).then_some(i64::from(mask) % 7 - 3);
    let account = SubjectId::from_stored(text);
    let line = DeskLine {
        kind: AlertKind::Opened,
        home: account.clone(),
        episode: text.to_owned(),
        run: 1,
        account: account.clone(),
        name: text.to_owned(),
        arr: on(0).then(|| eur(48_000)),
        deadline_on: None,
        deadline: on(1).then(|| text.to_owned()),
        band: Band::Unknown,
        what: text.to_owned(),
        next_step: text.to_owned(),
        as_of: "2026-11-22T09:00:00Z".parse().unwrap(),
    };
    let entry = DigestEntry { line, days_left: days, others: u32::from(on(3)) };
    let named = SurgeAccount { account: account.clone(), name: text.to_owned(), arr: on(0).then(|| eur(48_000)) };
    let book = BookLine {
        account,
        name: text.to_owned(),
        arr: on(0).then(|| eur(48_000)),
        band: Band::Red,
        score: Score::new(3_800).ok().filter(|_| on(1)),
        renews_on: None,
        notice_by: None,
    };
    [
        notice(NoticeBody::Digest(Digest {
            day: date(2026, 11, 23),
            entries: vec![entry; count],
            more: u32::from(on(4)),
        })),
        notice(NoticeBody::Surge(SurgeAlert {
            playbook: PlaybookName::from_stored(text),
            accounts: 60,
            is_more: on(4),
            arr: if on(0) { vec![eur(48_000); 3] } else { vec![] },
            minutes: 1 + u32::from(on(3)),
            measure: on(2).then(|| Shared { what: text.to_owned(), accounts: 60 }),
            connection: on(1).then(|| Shared { what: "segment".parse().unwrap(), accounts: 60 }),
            top: vec![named; count.min(5)],
        })),
        notice(NoticeBody::StartingBook(StartingBook {
            day: date(2026, 11, 23),
            accounts: 60,
            red: 3,
            renewing: 5,
            entries: vec![BookEntry { line: book, days_left: days, deadline: on(2).then(|| text.to_owned()) }; count],
            more: u32::from(on(4)),
        })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_value_mentions_links_breaks_a_line_or_passes_the_limits(
        text in hostile(), count in 0..12_usize, mask in any::<u16>(),
    ) {
        let templates = shipped();
        for notice in everywhere(&text, count, mask) {
            let body = render_notice(&templates, &notice).unwrap().body();
            assert_within_limits(&body);
            for text in texts(&body).into_iter().chain([body["text"].as_str().unwrap()]) {
                assert_safe(text);
            }
        }
    }

    #[test]
    fn what_is_not_known_leaves_no_trace(mask in any::<u16>(), count in 0..4_usize, text in "(word)?") {
        let templates = shipped();
        for notice in everywhere(&text, count, mask) {
            let body = render_notice(&templates, &notice).unwrap().body();
            assert_no_holes(&body);
            for trace in ["None", "none", "null", "undefined"] {
                prop_assert!(!body["blocks"].to_string().contains(trace), "{}", body);
            }
        }
    }
}

#[test]
fn accounts_that_have_no_room_are_counted() {
    for count in [12, 50] {
        let [digest, _, book] = everywhere(&"Nordlicht ".repeat(30), count, u16::MAX);
        for notice in [digest, book] {
            let body = render_notice(&shipped(), &notice).unwrap().body();
            assert_within_limits(&body);
            let all = texts(&body).join("\n");
            let lines = all.matches("• ").count();
            assert!(lines >= 5, "{lines} lines");
            // One more is counted in the notice itself.
            assert!(all.contains(&format!("… and {} more", count + 1 - lines)), "{all}");
            assert!(all.contains("As of 2026-11-23 08:00 UTC"), "{all}");
        }
    }
}

#[test]
fn a_template_of_ones_own_is_held_to_the_limits_too() {
    let long = templates([&"literal ".repeat(600), "x", "x"]).unwrap();
    let [digest, surge, _] = everywhere("word", 3, u16::MAX);
    assert_within_limits(&render_notice(&long, &digest).unwrap().body());
    let wrong = templates(["x", "{{ account }}", "x"]).unwrap();
    assert_eq!(render_notice(&wrong, &surge).unwrap_err().to_string(), "template slack/surge.j2 cannot be used");
    assert!(templates(["x", "x", "{% if %}"]).is_err());
    let missing = NoticeTemplates::new(&Default::default()).unwrap_err();
    assert_eq!(missing.to_string(), "there is no template slack/digest.j2");
}
