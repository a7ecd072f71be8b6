use jiff::civil::{date, time};
use model::{ActionRequest, AlertKind, Digest, Notice, NoticeBody, Urgency};

use crate::desk::given::{At, Reader, about, at, then, worth};

fn waits(number: usize) -> ActionRequest {
    ActionRequest { urgency: Urgency::Digest, ..about(number) }
}

#[track_caller]
fn told(notice: Option<Notice>) -> Digest {
    match notice.unwrap().body {
        NoticeBody::Digest(digest) => digest,
        NoticeBody::Surge(_) | NoticeBody::StartingBook(_) | NoticeBody::SourceSilent(_) => panic!("no digest"),
    }
}

#[test]
fn a_digest_comes_once_per_business_day_when_what_is_due_at_its_hour_has_come() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    assert_eq!((ines.digest("2026-11-23T10:00:00", &[]), ines.due_at("2026-11-23T10:00:00")), (None, None));
    ines.offer(&waits(1), "2026-11-20T20:00:00");
    let monday = "2026-11-23T08:05:00";
    assert_eq!(ines.due_at("2026-11-20T20:00:00"), Some(at(monday)));
    for early in ["2026-11-21T10:00:00", "2026-11-23T08:04:59"] {
        assert_eq!(ines.digest(early, &[&waits(1)]), None, "{early}");
    }
    let digested = ines.digest(monday, &[&waits(1)]).unwrap();
    assert_eq!((digested.told, digested.obsolete), (vec![waits(1).id], vec![]));
    let first = digested.notice.clone().unwrap();
    assert_eq!(told(digested.notice).day, date(2026, 11, 23));
    assert_eq!((ines.digest("2026-11-23T08:10:00", &[]), ines.due_at("2026-11-23T08:10:00")), (None, None));
    ines.offer(&waits(2), "2026-11-23T08:10:00");
    assert_eq!(ines.due_at("2026-11-23T08:10:00"), Some(at("2026-11-24T08:05:00")));
    assert_eq!(ines.digest("2026-11-23T20:00:00", &[&waits(2)]), None, "at most one a day");
    let second = ines.digest("2026-11-24T08:05:00", &[&waits(2)]).unwrap().notice.unwrap();
    assert_ne!(first.id, second.id);
}

#[test]
fn a_digest_that_is_late_is_one_digest() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    ines.offer(&waits(1), "2026-11-20T20:00:00");
    ines.offer(&waits(2), "2026-11-23T20:00:00");
    let night = "2026-11-24T03:00:00";
    assert_eq!((ines.digest(night, &[]), ines.due_at(night)), (None, Some(at("2026-11-24T08:05:00"))));
    assert_eq!(ines.due_at("2026-11-24T11:00:00"), Some(at("2026-11-24T11:00:00")));
    let digested = ines.digest("2026-11-24T11:00:00", &[&waits(1), &waits(2)]).unwrap();
    assert_eq!(digested.told.len(), 2);
}

#[test]
fn holidays_and_the_clocks_move_the_hour_and_never_the_count() {
    for (zone, placed, due) in [
        ("Europe/Berlin", "2026-12-24T12:00:00", "2026-12-28T08:05:00"),
        ("Europe/Berlin", "2026-03-27T12:00:00", "2026-03-30T07:05:00"),
        ("Europe/Berlin", "2026-10-23T12:00:00", "2026-10-26T08:05:00"),
        ("Pacific/Auckland", "2026-11-23T12:00:00", "2026-11-23T20:05:00"),
        ("America/New_York", "2026-11-23T12:00:00", "2026-11-23T14:05:00"),
    ] {
        let reader = Reader::in_zone(zone);
        let mut ines = At::empty(&reader);
        ines.offer(&waits(1), placed);
        assert_eq!(ines.due_at(placed), Some(at(due)), "{zone}");
        assert!(ines.digest(due, &[&waits(1)]).is_some(), "{zone}");
    }
    let reader = Reader::in_zone("Europe/Berlin").quiet("18:00-10:30");
    let mut ines = At::empty(&reader);
    ines.offer(&waits(1), "2026-11-23T09:15:00");
    assert_eq!(ines.due_at("2026-11-23T09:15:00"), Some(at("2026-11-23T09:35:00")), "when it is not quiet any more");
}

#[test]
fn what_weighs_most_stands_first_and_an_account_stands_once() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let light = worth(waits(1), 50_000, 100);
    let heavy = worth(waits(2), 20_000, 10);
    let mut older = worth(waits(3), 20_000, 10);
    older.alert.account = heavy.alert.account.clone();
    older.alert.as_of = at("2026-11-22T09:00:00");
    let unknown = waits(4);
    let all = [&light, &unknown, &older, &heavy];
    for request in all {
        ines.offer(request, "2026-11-23T09:00:00");
    }
    let digest = told(ines.digest("2026-11-24T08:05:00", &all).unwrap().notice);
    let entry = |e: &model::DigestEntry| (e.line.name.clone(), e.days_left, e.others);
    let expected = [("Account 2", Some(9), 1), ("Account 1", Some(99), 0), ("Account 4", None, 0)];
    let found: Vec<_> = digest.entries.iter().map(entry).collect();
    assert_eq!(found, expected.map(|(name, days, others)| (name.to_owned(), days, others)));
    assert_eq!(digest.entries[0].line.what, "Risk mitigation: health 71 → 38; Active users 40 → 12");
}

#[test]
fn what_is_over_is_left_out_and_endings_are_told() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let end = ActionRequest {
        urgency: Urgency::Digest,
        ..then(&about(2), AlertKind::Resolved, "end", "2026-11-23T09:00:00")
    };
    for request in [&waits(1), &waits(3), &end] {
        ines.offer(request, "2026-11-23T09:00:00");
    }
    let digested = ines.digest("2026-11-24T08:05:00", &[&waits(3)]).unwrap();
    assert_eq!((digested.told.len(), digested.obsolete), (2, vec![waits(1).id]));
    let digest = told(digested.notice);
    let what: Vec<_> = digest.entries.iter().map(|e| e.line.what.as_str()).collect();
    assert!(what.contains(&"Risk mitigation: over; health 71 → 38; Active users 40 → 12"), "{what:?}");

    ines.offer(&waits(4), "2026-11-24T09:00:00");
    let digested = ines.digest("2026-11-25T08:05:00", &[]).unwrap();
    assert_eq!((digested.notice, digested.obsolete), (None, vec![waits(4).id]), "nothing to say");
    assert!(digested.desk.waits.is_empty());
}

#[test]
fn what_still_runs_speaks_for_an_account_before_what_has_ended() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let runs = waits(1);
    let mut end = then(&about(2), AlertKind::Resolved, "end", "2026-11-23T20:00:00");
    end.alert.account = runs.alert.account.clone();
    for request in [&runs, &ActionRequest { urgency: Urgency::Digest, ..end }] {
        ines.offer(request, "2026-11-23T09:00:00");
    }
    let digest = told(ines.digest("2026-11-24T08:05:00", &[&runs]).unwrap().notice);
    assert_eq!((digest.entries[0].line.kind, digest.entries[0].others), (AlertKind::Opened, 1));
}

#[test]
fn an_hour_that_is_moved_brings_no_second_digest() {
    let (morning, mut evening) = (Reader::in_zone("Europe/Berlin"), Reader::in_zone("Europe/Berlin"));
    evening.alerts.digest_at = time(17, 0, 0, 0);
    let mut ines = At::empty(&morning);
    ines.offer(&waits(1), "2026-11-20T20:00:00");
    assert!(ines.digest("2026-11-23T08:05:00", &[&waits(1)]).is_some());
    let mut ines = At { desk: ines.desk, ..At::empty(&evening) };
    ines.offer(&waits(2), "2026-11-23T10:00:00");
    assert_eq!(ines.digest("2026-11-23T16:05:00", &[&waits(2)]), None);
    assert_eq!(ines.due_at("2026-11-23T16:06:00"), Some(at("2026-11-24T16:05:00")));
    assert!(ines.digest("2026-11-24T16:05:00", &[&waits(2)]).is_some());
}

#[test]
fn more_accounts_than_a_message_holds_are_counted() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let all: Vec<ActionRequest> = (0..120).map(waits).collect();
    for request in &all {
        ines.offer(request, "2026-11-23T09:00:00");
    }
    let digest = told(ines.digest("2026-11-24T08:05:00", &all.iter().collect::<Vec<_>>()).unwrap().notice);
    assert_eq!((digest.entries.len(), digest.more), (50, 70));
}
