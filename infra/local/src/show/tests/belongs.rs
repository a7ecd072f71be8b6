//! What has no account, what was not understood, what was linked, fetched and forgotten.

use super::*;

#[test]
fn the_quarantine_is_counted_before_it_is_listed() {
    let item = QuarantineRow {
        delivery: delivery(),
        connection: "hubspot".parse().unwrap(),
        received_at: moment("2026-11-21T09:00:00Z"),
        kind: model::QuarantineKind::UnfitValue,
        reason: "renewal_date: expected a date, found text".into(),
        path: "properties.renewal_date.value".into(),
        mended_at: None,
    };
    let mended = QuarantineRow { mended_at: Some(moment("2026-11-22T09:00:00Z")), ..item.clone() };
    check("quarantine", &quarantine(&[item.clone(), mended.clone(), item], Style::Plain));
    assert!(quarantine(&[mended], Style::Plain).contains("All of it is understood by now"));
}

#[test]
fn what_has_no_account_is_shown_with_what_would_link_it() {
    let at = moment("2026-11-21T09:00:00Z");
    let deal = UnmatchedRow {
        subject: SubjectId::vendor("hubspot", "deal", "80220001"),
        kind: "deal".into(),
        name: Some("Nordwind renewal".into()),
        reason: UnmatchedReason::NoAccount,
        facts: 1,
        subjects: 1,
        since: at,
        first_at: at,
        last_at: moment("2026-11-24T09:00:00Z"),
        held_episodes: 1,
        candidates: vec![Candidate {
            account: nordwind(),
            name: "Nordwind Logistik".into(),
            why: "its name is alike".into(),
        }],
        hint: "give the deal a company, or `barometer link hubspot:deal:80220001 hubspot:company:70110001`".into(),
    };
    let domain = UnmatchedRow {
        subject: SubjectId::domain("acme.example").unwrap(),
        kind: "domain".into(),
        name: None,
        reason: UnmatchedReason::Ambiguous,
        facts: 5,
        subjects: 3,
        held_episodes: 0,
        candidates: vec![],
        hint: "take it from one of them".into(),
        ..deal.clone()
    };
    check("unmatched", &unmatched(&[deal, domain], moment("2026-11-24T09:01:30Z"), Style::Plain));
}

fn linked() -> LinkReport {
    let alone = Belongs {
        root: Some(SubjectId::vendor("zendesk", "org", "5")),
        name: None,
        is_account: false,
        reason: Some(UnmatchedReason::NoAccount),
    };
    let account =
        Belongs { root: Some(nordwind()), name: Some("Nordwind Logistik".into()), is_account: true, reason: None };
    LinkReport {
        subject: SubjectId::vendor("zendesk", "org", "5"),
        to: Some(nordwind()),
        decided: true,
        before: alone,
        now: account,
        moved: 2,
        delivery: DeliveryId::from_stored("operator:1"),
        warnings: vec!["nobody has spoken of it yet".into()],
    }
}

#[test]
fn a_link_says_what_it_changed_and_how_to_take_it_back() {
    check("link", &link(&linked(), Style::Plain));
    let nowhere = Belongs { root: None, name: None, is_account: false, reason: Some(UnmatchedReason::Ambiguous) };
    let text = link(&LinkReport { now: nowhere, decided: false, ..linked() }, Style::Plain);
    assert!(text.contains("The tools decide again"), "{text}");
    assert!(text.contains("it belongs to several accounts, so to none"), "{text}");
}

#[test]
fn an_erasure_says_whom_and_what_and_what_remains() {
    let mut report = EraseReport {
        subjects: vec![SubjectId::email("ann@acme.example").unwrap(), SubjectId::vendor("hubspot", "contact", "5")],
        facts: 3,
        bodies: 2,
        parts: 1,
        timeline_rows: 0,
        quarantine_rows: 1,
        sent_rows: 0,
        read: 40,
        dry_run: false,
        delivery: Some(DeliveryId::from_stored("operator:1")),
        warnings: vec![],
    };
    check("erase", &erase(&report, Style::Plain));
    report.dry_run = true;
    let text = erase(&report, Style::Plain);
    assert!(text.contains("would be forgotten") && text.contains("Nothing was changed"), "{text}");
    report.subjects.clear();
    assert_eq!(erase(&report, Style::Plain), "Nobody is to be forgotten.\n");
}

#[test]
fn objects_to_be_fetched_stand_below_the_messages_those_alike_in_a_line() {
    let fetch = |connection: &str| OutboxRow {
        kind: FETCH.into(),
        mode: Mode::Live,
        account_name: connection.into(),
        playbook: None,
        status: "held".into(),
        reason: Some("no token".into()),
        request: None,
        ..outbox_row()
    };
    let text = outbox(&[fetch("zendesk"), fetch("hubspot-app"), fetch("zendesk")], Style::Plain);
    assert!(text.contains("2 objects to be fetched for zendesk · held: no token\n"), "{text}");
    assert!(text.contains("1 object to be fetched for hubspot-app"), "{text}");
    assert!(!text.contains("message"), "{text}");
}
