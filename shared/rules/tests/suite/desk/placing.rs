use jiff::civil::date;
use model::{ActionId, ActionRequest, AlertKind, Notice, NoticeBody, Placement, Urgency};
use proptest::prelude::*;
use rules::desk::{Thread, is_out_of_sight, withdraw};

use crate::desk::given::{At, Reader, about, at, red, then, worth};

/// 2026-11-23 is a Monday.
const MONDAY: &str = "2026-11-23T09:00:10";

fn in_digest(day: i8) -> Placement {
    Placement::InDigest(date(2026, 11, day))
}

fn thread_of(request: &ActionRequest) -> Placement {
    Placement::InThreadOf(request.id.clone())
}

#[test]
fn a_first_message_is_decided_on_with_the_others_of_its_minute() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let whole_minute = Placement::NotBefore(at("2026-11-23T09:01:00"));
    assert_eq!(ines.offer(&about(1), MONDAY), whole_minute);
    assert_eq!(ines.offer(&about(1), "2026-11-23T09:00:59"), whole_minute);
    assert_eq!(ines.offer(&about(1), "2026-11-23T09:01:07"), Placement::SendNow);
    assert_eq!(ines.offer(&about(1), "2026-12-31T20:00:00"), Placement::SendNow, "delivered once more");
}

#[test]
fn where_nothing_settles_a_message_is_sent_at_once_and_still_counts() {
    let mut reader = Reader::in_zone("Europe/Berlin").quiet("18:00-08:00");
    reader.alerts.settle = jiff::SignedDuration::ZERO;
    let mut ines = At::empty(&reader);
    for number in 0..8 {
        assert_eq!(ines.offer(&about(number), MONDAY), Placement::SendNow, "{number}");
    }
    assert_eq!(ines.offer(&about(8), MONDAY), in_digest(24));
    let night = "2026-11-30T20:00:00";
    assert_eq!(ines.offer(&about(9), night), Placement::NotBefore(at("2026-12-01T07:00:00")), "not at night");
}

#[test]
fn nobody_gets_more_messages_of_their_own_than_the_week_allows() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    for number in 0..8 {
        assert_eq!(ines.settle(&about(number), MONDAY), Placement::SendNow, "{number}");
    }
    assert_eq!(ines.settle(&about(8), MONDAY), in_digest(24));
    assert_eq!(ines.settle(&about(9), "2026-11-27T15:00:00"), in_digest(30));
    assert_eq!(ines.settle(&about(10), "2026-11-30T08:30:00"), Placement::SendNow, "another week");
    assert_eq!(ines.offer(&about(8), "2026-11-30T08:30:00"), in_digest(24), "what is placed stays there");
}

#[track_caller]
fn check_week_ends(zone: &'static str, last: &str, first: &str) {
    let reader = Reader::in_zone(zone);
    let mut ines = At::empty(&reader);
    for number in 0..8 {
        assert_eq!(ines.settle(&about(number), last), Placement::SendNow);
    }
    assert!(matches!(ines.settle(&about(8), last), Placement::InDigest(_)), "{zone}: the same week");
    assert_eq!(ines.settle(&about(9), first), Placement::SendNow, "{zone}: the next");
}

#[test]
fn a_week_ends_where_the_reader_is() {
    check_week_ends("Europe/Berlin", "2026-11-29T22:58:00", "2026-11-29T23:00:00");
    check_week_ends("Pacific/Auckland", "2026-11-29T10:58:00", "2026-11-29T11:00:00");
    check_week_ends("America/New_York", "2026-11-30T04:58:00", "2026-11-30T05:00:00");
    // The clocks change on the Sunday.
    check_week_ends("Europe/Berlin", "2026-03-29T21:58:00", "2026-03-29T22:00:00");
    check_week_ends("Europe/Berlin", "2026-10-25T22:58:00", "2026-10-25T23:00:00");
    // The week that holds New Year is one.
    check_week_ends("UTC", "2027-01-03T23:58:00", "2027-01-04T00:00:00");
}

#[test]
fn what_weighs_most_is_sent_and_the_rest_waits() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let light = worth(about(20), 90_000, 300);
    let heavy = worth(about(21), 20_000, 10);
    let unknown = about(22);
    for request in [&light, &unknown, &heavy] {
        ines.offer(request, MONDAY);
    }
    for number in 0..7 {
        ines.offer(&worth(about(number), 80_000, 30), MONDAY);
    }
    let later = "2026-11-23T09:01:00";
    assert_eq!(ines.offer(&light, later), in_digest(24), "300 a day");
    assert_eq!(ines.offer(&heavy, later), Placement::SendNow, "2 000 a day");
    assert_eq!(ines.offer(&unknown, later), in_digest(24));
}

#[test]
fn red_accounts_with_revenue_and_escalations_are_beyond_the_budget_and_come_together_after_three() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    for number in 0..9 {
        ines.settle(&about(number), MONDAY);
    }
    let red_one = |number| red(worth(about(number), 100_000, 40));
    let escalation = ActionRequest { exempt: true, ..about(30) };
    assert_eq!(ines.settle(&red_one(31), "2026-11-23T10:00:00"), Placement::SendNow);
    assert_eq!(ines.settle(&escalation, "2026-11-23T11:00:00"), Placement::SendNow);
    assert_eq!(ines.settle(&red_one(32), "2026-11-23T12:00:00"), Placement::SendNow);
    assert_eq!(ines.settle(&red_one(33), "2026-11-23T13:00:00"), thread_of(&red_one(32)));
    assert_eq!(ines.settle(&red_one(34), "2026-11-23T14:00:00"), thread_of(&red_one(32)));
    assert_eq!(ines.settle(&red(worth(about(35), 99_999, 40)), "2026-11-23T14:30:00"), in_digest(24));
    assert_eq!(ines.settle(&red_one(36), "2026-11-24T10:00:00"), Placement::SendNow, "another day");
}

#[test]
fn nobody_is_disturbed_in_quiet_hours_or_on_days_off() {
    let reader = Reader::in_zone("Europe/Berlin").quiet("18:00-08:00");
    let mut ines = At::empty(&reader);
    let monday = Placement::NotBefore(at("2026-11-30T07:00:00"));
    assert_eq!(ines.offer(&about(1), "2026-11-27T17:30:00"), monday);
    assert_eq!(ines.offer(&about(1), "2026-11-28T12:00:00"), monday);
    let after_christmas = Placement::NotBefore(at("2026-12-28T07:00:00"));
    assert_eq!(ines.offer(&about(2), "2026-12-24T20:00:00"), after_christmas);
    let mut asked = about(3);
    asked.not_before = Some(at("2026-11-30T10:00:30"));
    assert_eq!(ines.offer(&asked, "2026-11-27T09:00:00"), Placement::NotBefore(at("2026-11-30T10:00:30")));
}

#[test]
fn what_was_late_for_its_moment_is_not_sent_at_night() {
    let reader = Reader::in_zone("Europe/Berlin").quiet("18:00-08:00");
    let mut ines = At::empty(&reader);
    ines.offer(&about(1), "2026-11-23T16:58:30");
    let morning = Placement::NotBefore(at("2026-11-24T07:00:00"));
    assert_eq!(ines.offer(&about(1), "2026-11-23T21:00:00"), morning);
    assert_eq!(ines.offer(&about(1), "2026-11-24T07:00:00"), Placement::SendNow);
}

#[test]
fn replies_use_up_nothing_and_wait_only_for_the_night_to_end() {
    let reader = Reader::in_zone("Europe/Berlin").quiet("18:00-08:00");
    let mut ines = At::empty(&reader);
    for number in 0..8 {
        ines.settle(&about(number), MONDAY);
    }
    for (kind, id) in [(AlertKind::Resolved, "r"), (AlertKind::Step, "s"), (AlertKind::HandOff, "h")] {
        let reply = then(&about(1), kind, id, MONDAY);
        let morning = Placement::NotBefore(at("2026-11-24T07:00:00"));
        assert_eq!(ines.offer_in(&reply, &Thread::Sent, "2026-11-23T20:00:00"), morning);
        assert_eq!(ines.offer_in(&reply, &Thread::Sent, "2026-11-24T07:00:00"), Placement::SendNow);
    }
}

#[test]
fn what_somebody_is_asked_to_do_is_not_told_in_a_thread_with_somebody_else() {
    let check = |kind: AlertKind, root_to: &str, expected: bool| {
        let request = then(&about(1), kind, "s", MONDAY);
        assert_eq!(is_out_of_sight(&request, root_to), expected, "{kind:?} in a thread of {root_to}");
    };
    for kind in AlertKind::ALL.iter().copied() {
        let is_asked = [AlertKind::Opened, AlertKind::Step, AlertKind::HandOff].contains(&kind);
        check(kind, "U0SOMEBODY", is_asked);
        check(kind, &about(1).to.address, false);
        check(kind, "#customer-success", false);
    }
}

#[test]
fn of_many_accounts_handed_over_at_once_three_are_told_and_the_digest_tells_the_rest() {
    let reader = Reader::in_zone("Europe/Berlin").quiet("18:00-08:00");
    let mut ines = At::empty(&reader);
    let hand_off = |number: usize| then(&about(number), AlertKind::HandOff, &format!("hand-off {number:02}"), MONDAY);
    let handed: Vec<ActionRequest> = (0..40).map(hand_off).collect();
    let mut placed = |request: &ActionRequest, now: &str| ines.offer_in(request, &Thread::Sent, now);
    for (number, request) in handed.iter().enumerate() {
        let expected = if number < 3 { Placement::SendNow } else { in_digest(24) };
        assert_eq!(placed(request, &format!("2026-11-23T09:00:{number:02}")), expected, "{number}");
    }
    assert_eq!(placed(&handed[2], "2026-11-23T09:01:00"), Placement::SendNow, "asked again it stays where it is");
    assert_eq!(placed(&hand_off(40), "2026-11-24T09:00:00"), Placement::SendNow, "another working day");
    let digest = ines.digest("2026-11-24T09:00:00", &handed.iter().collect::<Vec<_>>()).unwrap();
    let Some(Notice { body: NoticeBody::Digest(digest), .. }) = digest.notice else { panic!("no digest") };
    assert_eq!(digest.entries.len(), 37);
    assert!(digest.entries.iter().all(|entry| entry.line.what.starts_with("Risk mitigation: has another owner")));
}

#[test]
fn what_is_handed_over_on_a_weekend_counts_for_monday() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let days = ["2026-11-21T09:00:00", "2026-11-22T09:00:00", "2026-11-23T09:00:00", "2026-11-23T15:00:00"];
    let placed = days.iter().enumerate().map(|(number, day)| {
        let request = then(&about(number), AlertKind::HandOff, &format!("hand-off {number}"), day);
        ines.offer_in(&request, &Thread::Sent, day)
    });
    let expected = [Placement::SendNow, Placement::SendNow, Placement::SendNow, in_digest(24)];
    assert_eq!(placed.collect::<Vec<_>>(), expected);
}

#[test]
fn an_episode_tells_its_newest_state_once_a_day() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let update = |id, as_of| then(&about(1), AlertKind::Update, id, as_of);
    // What weighs more is not what is newer.
    let (old, new) = (worth(update("old", "2026-11-23T08:50:00"), 90_000, 3), update("new", "2026-11-23T09:00:00"));
    let other = then(&about(2), AlertKind::Update, "other", "2026-11-23T08:50:00");
    for request in [&new, &old, &other] {
        ines.offer_in(request, &Thread::Sent, MONDAY);
    }
    let merged = || Placement::MergedInto(new.id.clone());
    assert_eq!(ines.offer_in(&old, &Thread::Sent, "2026-11-23T09:01:00"), merged());
    assert_eq!(ines.offer_in(&new, &Thread::Sent, "2026-11-23T09:01:00"), Placement::SendNow);
    assert_eq!(ines.offer_in(&other, &Thread::Sent, "2026-11-23T09:01:00"), Placement::SendNow);
    let third = update("third", "2026-11-23T15:00:00");
    ines.offer_in(&third, &Thread::Sent, "2026-11-23T15:00:00");
    assert_eq!(ines.offer_in(&third, &Thread::Sent, "2026-11-23T15:01:00"), merged());
    let next_day = update("next day", "2026-11-24T00:00:00");
    ines.offer_in(&next_day, &Thread::Sent, "2026-11-24T09:00:00");
    assert_eq!(ines.offer_in(&next_day, &Thread::Sent, "2026-11-24T09:01:00"), Placement::SendNow);
}

#[test]
fn a_channel_gets_by_itself_only_what_is_exempt() {
    let reader = Reader::in_zone("Europe/Berlin").channel();
    let mut channel = At::empty(&reader);
    assert_eq!(channel.offer(&about(1), MONDAY), in_digest(24));
    assert_eq!(channel.settle(&red(worth(about(2), 100_000, 40)), MONDAY), Placement::SendNow);
}

#[test]
fn a_second_message_about_an_account_on_one_day_goes_below_the_first() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let first = about(1);
    let mut second = about(2);
    second.alert.account = first.alert.account.clone();
    ines.settle(&first, MONDAY);
    assert_eq!(ines.settle(&second, "2026-11-23T15:00:00"), thread_of(&first));
    let third = ActionRequest { id: ActionId::from_stored("third"), ..second };
    assert_eq!(ines.settle(&third, "2026-11-24T15:00:00"), Placement::SendNow);
}

#[test]
fn what_is_not_urgent_waits_for_the_digest_at_once() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let request = |number| ActionRequest { urgency: Urgency::Digest, ..about(number) };
    assert_eq!(ines.offer(&request(1), "2026-11-23T07:59:59"), in_digest(23));
    assert_eq!(ines.offer(&request(5), "2026-11-23T08:00:30"), in_digest(23), "due at nine, as the digest is");
    assert_eq!(ines.offer(&request(2), "2026-11-23T08:05:00"), in_digest(24), "the digest of today is on its way");
    assert_eq!(ines.offer(&request(3), "2026-11-27T20:00:00"), in_digest(30));
    let exempt = ActionRequest { exempt: true, ..request(4) };
    assert_eq!(ines.offer(&exempt, MONDAY), in_digest(24), "whoever asks knows best");
}

#[test]
fn what_follows_a_line_of_a_digest_is_told_there_too() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let first = ActionRequest { urgency: Urgency::Digest, ..about(1) };
    let thread = Thread::InDigest(first.id.clone());
    ines.offer(&first, MONDAY);
    let mut update = then(&first, AlertKind::Update, "update", "2026-11-23T15:00:00");
    update.alert.score.1 = model::Score::new(2_000).ok();
    let waits = Placement::MergedInto(first.id.clone());
    assert_eq!(ines.offer_in(&update, &thread, "2026-11-23T15:00:00"), waits);
    let line = &ines.desk.waits[&first.id].line;
    assert_eq!(
        (line.kind, line.what.as_str()),
        (AlertKind::Opened, "Risk mitigation: health 71 → 20; Active users 40 → 12")
    );
    assert!(ines.digest("2026-11-24T08:05:00", &[&first]).is_some());
    let end = then(&first, AlertKind::Resolved, "end", "2026-11-24T15:00:00");
    assert_eq!(ines.offer_in(&end, &thread, "2026-11-24T15:00:00"), in_digest(25));
    let again = then(&first, AlertKind::Opened, "again", "2026-11-24T15:00:00");
    let again = ActionRequest { urgency: Urgency::Now, ..again };
    ines.offer_in(&again, &thread, "2026-11-24T15:00:10");
    assert_eq!(ines.offer_in(&again, &thread, "2026-11-24T15:01:00"), Placement::SendNow, "there is no thread yet");
    let step = then(&again, AlertKind::Step, "step", "2026-11-24T15:00:00");
    ines.offer_in(&step, &thread, "2026-11-25T15:00:10");
    assert_eq!(ines.offer_in(&step, &thread, "2026-11-25T15:01:00"), Placement::SendNow);
}

#[test]
fn what_is_over_before_it_is_sent_uses_up_nothing() {
    let mut reader = Reader::in_zone("Europe/Berlin");
    reader.alerts.per_week = 1;
    let mut ines = At::empty(&reader);
    for over in [about(1), about(2)] {
        ines.offer(&over, MONDAY);
        ines.desk = withdraw(&ines.desk, &over.id);
    }
    assert_eq!(ines.settle(&about(3), MONDAY), Placement::SendNow);
    ines.desk = withdraw(&ines.desk, &about(3).id);
    assert_eq!(ines.settle(&about(4), MONDAY), Placement::SendNow);
    assert_eq!(ines.settle(&about(5), MONDAY), in_digest(24));
    ines.desk = withdraw(&ines.desk, &about(5).id);
    assert_eq!(ines.digest("2026-11-24T08:05:00", &[&about(5)]), None);
}

#[test]
fn a_full_desk_asks_back_and_its_row_stays_small() {
    let reader = Reader::in_zone("Europe/Berlin");
    let mut ines = At::empty(&reader);
    let long = |number: usize| {
        let mut request = worth(about(number), 80_000, 40);
        request.urgency = Urgency::Digest;
        request.alert.name = "é".repeat(5_000);
        request.alert.next_step = "é".repeat(5_000);
        request.alert.changes[0].measure = "é".repeat(5_000);
        request
    };
    let mut numbers = 0..;
    for day in ["23", "24", "25", "26", "27"] {
        let now = format!("2026-11-{day}T08:05:00");
        ines.digest(&now, &[]);
        for number in numbers.by_ref().take(200) {
            assert!(matches!(ines.offer(&long(number), &now), Placement::InDigest(_)), "{number}");
        }
    }
    let next = Placement::NotBefore(at("2026-11-30T08:06:00"));
    assert_eq!(ines.offer(&long(5_000), "2026-11-27T08:05:00"), next);
    let bytes = serde_json::to_vec(&ines.desk).unwrap().len();
    assert!(bytes < 350_000, "{bytes} bytes of the 400 kB that an item may have");
    ines.digest("2026-11-30T08:05:30", &[]);
    assert!(matches!(ines.offer(&long(5_000), "2026-11-30T08:06:00"), Placement::InDigest(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn of_one_minute_it_does_not_matter_who_came_first(
        order in Just((0..24_usize).collect::<Vec<_>>()).prop_shuffle(),
        worths in prop::collection::vec((0..150_i64, -5..200_i64, any::<bool>()), 24),
        budget in 0..10_u32,
    ) {
        let mut reader = Reader::in_zone("Europe/Berlin");
        reader.alerts.per_week = budget;
        let requests: Vec<ActionRequest> = worths.iter().enumerate().map(|(number, (arr, days, is_red))| {
            let mut request = worth(about(number), arr * 1_000, *days);
            // Three messages each about eight accounts, and updates of two episodes.
            request.alert.account = about(number % 8).alert.account;
            if *is_red { request = red(request); }
            if number >= 18 {
                request = then(&request, AlertKind::Update, request.id.as_str(), MONDAY);
                request.episode = format!("episode {}", number % 2);
                request.home = about(0).home;
            }
            request
        }).collect();
        let thread = |request: &ActionRequest| if request.reply_to.is_some() { Thread::Sent } else { Thread::Starts };
        let run = |order: &[usize]| {
            let mut ines = At::empty(&reader);
            for number in order {
                ines.offer_in(&requests[*number], &thread(&requests[*number]), MONDAY);
            }
            for number in order {
                let request = &requests[*number];
                let placement = ines.offer_in(request, &thread(request), "2026-11-23T09:01:00");
                assert!(!matches!(placement, Placement::NotBefore(_)));
            }
            ines.desk
        };
        let in_order: Vec<usize> = (0..24).collect();
        let (expected, found) = (run(&in_order), run(&order));
        prop_assert_eq!(expected.placed, found.placed);
        prop_assert_eq!((expected.pending, expected.waits), (found.pending, found.waits));
    }
}
