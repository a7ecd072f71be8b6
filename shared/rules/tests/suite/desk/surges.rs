use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::date;
use model::{
    ActionId, ActionRequest, AlertKind, ConnectionName, DeliveryId, Mode, Moment, Notice, NoticeBody, Placement,
    PlaybookName, Recipient, Surge, SurgeAlert, Urgency,
};
use proptest::prelude::*;
use rules::desk::{Seen, can_surge, see};

use crate::common::shipped;
use crate::desk::given::{At, Reader, about, at, red, then, worth};

/// The row with whoever looks at it, in tests.
struct Row {
    surge: Surge,
    notices: Vec<Notice>,
    joined: BTreeSet<ActionId>,
    single: BTreeSet<ActionId>,
}

impl Row {
    fn empty() -> Self {
        let surge = Surge::new(PlaybookName::from_stored("risk-mitigation"), Mode::Live);
        Self { surge, notices: vec![], joined: BTreeSet::new(), single: BTreeSet::new() }
    }

    fn see(&mut self, request: &ActionRequest, now: Moment) -> Option<Moment> {
        let reader = Reader::in_zone("Europe/Berlin");
        let to = Recipient { address: "#customer-success".into(), ..Recipient::default() };
        let (seen, surge) = see(&self.surge, request, &to, now, &reader.alerts);
        self.surge = surge;
        match seen {
            Seen::Wait(until) => return Some(until),
            Seen::Single => _ = self.single.insert(request.id.clone()),
            Seen::Joined { surge, notice } => {
                self.joined.insert(request.id.clone());
                self.notices.extend(notice.map(|notice| *notice));
                assert_eq!(surge, self.notices.last().unwrap().id, "who joins, joins what was told");
            }
        }
        None
    }

    /// Everybody turns at their moment, in the order given, and asks again when told to.
    fn run(&mut self, turns: &[(ActionRequest, Moment)]) {
        let mut asks: Vec<_> = turns.iter().map(|(request, moment)| (*moment, request)).collect();
        while !asks.is_empty() {
            asks.sort_by_key(|(moment, _)| *moment);
            let (now, request) = asks.remove(0);
            asks.extend(self.see(request, now).map(|until| (until, request)));
        }
    }
}

fn minute(number: i64) -> Moment {
    at("2026-11-23T09:00:00").plus(SignedDuration::from_mins(number))
}

fn alert(notice: &Notice) -> SurgeAlert {
    match &notice.body {
        NoticeBody::Surge(alert) => alert.clone(),
        NoticeBody::Digest(_) | NoticeBody::StartingBook(_) | NoticeBody::SourceSilent(_) => panic!("no surge"),
    }
}

fn turns(count: usize, moment: impl Fn(usize) -> Moment) -> Vec<(ActionRequest, Moment)> {
    (0..count).map(|number| (red(worth(about(number), 1_000 + number as i64, 40)), moment(number))).collect()
}

#[test]
fn a_first_message_waits_until_a_burst_would_be_seen() {
    let mut row = Row::empty();
    let request = about(1);
    assert_eq!(row.see(&request, minute(0)), Some(minute(2)));
    assert_eq!(row.see(&request, minute(1)), Some(minute(2)), "asked again, or delivered twice");
    assert_eq!(row.see(&request, minute(2)), None);
    assert!(row.single.contains(&request.id));
}

#[test]
fn sixty_accounts_red_from_one_incident_are_one_message() {
    let mut row = Row::empty();
    row.run(&turns(60, |_| minute(0)));
    assert_eq!((row.joined.len(), row.single.len(), row.notices.len()), (60, 0, 1));
    let alert = alert(&row.notices[0]);
    assert_eq!((alert.accounts, alert.is_more, alert.minutes), (60, false, 1));
    assert_eq!(alert.arr.iter().map(ToString::to_string).collect::<Vec<_>>(), ["EUR 61,770"]);
    let measure = alert.measure.unwrap();
    assert_eq!((measure.what.as_str(), measure.accounts), ("Active users", 60));
    let connection = alert.connection.unwrap();
    assert_eq!((connection.what.as_str(), connection.accounts), ("segment", 60));
    let names: Vec<_> = alert.top.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(names, ["Account 59", "Account 58", "Account 57", "Account 56", "Account 55"]);
    assert_eq!(row.notices[0].to.address, "#customer-success");
}

#[test]
fn nobody_is_interrupted_for_an_account_of_a_burst_and_everybody_finds_theirs_in_the_digest() {
    let reader = Reader::in_zone("Europe/Berlin");
    let (mut row, mut ines) = (Row::empty(), At::empty(&reader));
    let all = turns(60, |_| minute(0));
    row.run(&all);
    for (request, _) in &all {
        assert!(row.joined.contains(&request.id));
        let request = ActionRequest { urgency: Urgency::Digest, ..request.clone() };
        assert_eq!(ines.offer(&request, "2026-11-23T09:02:00"), Placement::InDigest(date(2026, 11, 24)));
    }
    let open: Vec<&ActionRequest> = all.iter().map(|(request, _)| request).collect();
    assert_eq!(ines.digest("2026-11-24T08:05:00", &open).unwrap().told.len(), 60);
}

#[test]
fn only_first_messages_about_something_that_turned_are_part_of_bursts() {
    let config = shipped();
    let can = |request: &ActionRequest, playbook: &str| {
        can_surge(request, config.playbook(&PlaybookName::from_stored(playbook)).unwrap())
    };
    let first = about(1);
    assert!(can(&first, "risk-mitigation"));
    assert!(!can(&first, "detractor-follow-up") && !can(&first, "onboarding-kickoff"));
    assert!(!can(&then(&first, AlertKind::Opened, "goes on", "2026-11-23T09:00:00"), "risk-mitigation"));
    assert!(!can(&ActionRequest { urgency: Urgency::Digest, ..first }, "risk-mitigation"));
}

#[test]
fn nine_accounts_are_no_burst_and_one_account_never_is() {
    let mut row = Row::empty();
    row.run(&turns(9, |_| minute(0)));
    assert_eq!((row.joined.len(), row.single.len(), row.notices.len()), (0, 9, 0));

    let mut row = Row::empty();
    let mut same = turns(20, |_| minute(0));
    for (request, _) in &mut same {
        request.alert.account = about(1).alert.account;
    }
    row.run(&same);
    assert_eq!((row.single.len(), row.notices.len()), (20, 0));
}

#[test]
fn a_burst_that_grows_slowly_keeps_the_threads_it_has_and_is_told_once() {
    let mut row = Row::empty();
    row.run(&turns(40, |number| minute(number as i64)));
    // When the eighth asks, the tenth has turned.
    let first: BTreeSet<ActionId> = (0..7).map(|number| about(number).id).collect();
    assert_eq!((&row.single, row.joined.len(), row.notices.len()), (&first, 33, 1));
    assert_eq!(alert(&row.notices[0]).accounts, 10, "those that were told before are counted");
}

#[test]
fn a_clock_that_runs_late_changes_nothing() {
    let mut row = Row::empty();
    let all = turns(12, |_| minute(0));
    for (number, (request, _)) in all.iter().enumerate() {
        row.see(request, minute(if number < 9 { 0 } else { 3 }));
    }
    for (request, _) in &all {
        row.see(request, minute(8));
    }
    let first: BTreeSet<ActionId> = (0..9).map(|number| about(number).id).collect();
    assert_eq!((&row.single, row.joined.len()), (&first, 3), "the nine had been nine when they asked");
}

#[test]
fn the_next_incident_is_told_again() {
    let mut row = Row::empty();
    let mut all = turns(12, |_| minute(0));
    all.extend(turns(24, |_| minute(60)).split_off(12));
    row.run(&all);
    assert_eq!((row.joined.len(), row.notices.len()), (24, 2));
    assert_ne!(row.notices[0].id, row.notices[1].id);
    assert_eq!(alert(&row.notices[1]).accounts, 12);
}

#[test]
fn what_only_few_share_is_not_named() {
    let mut row = Row::empty();
    let mut all = turns(12, |_| minute(0));
    for (number, (request, _)) in all.iter_mut().enumerate() {
        request.alert.changes[0].measure = format!("Measure {}", number / 4);
        let connection: ConnectionName = format!("connection-{}", number % 2).parse().unwrap();
        request.alert.changes[0].delivery = Some(DeliveryId::new(&connection, "1"));
    }
    row.run(&all);
    let alert = alert(&row.notices[0]);
    assert_eq!(alert.measure, None);
    let connection = alert.connection.unwrap();
    assert_eq!((connection.what.as_str(), connection.accounts), ("connection-0", 6), "the first of equals");
}

#[test]
fn a_row_of_very_many_stays_small_and_all_of_them_join() {
    let mut row = Row::empty();
    let mut all = turns(900, |_| minute(0));
    for (request, _) in &mut all {
        request.alert.name = "é".repeat(5_000);
        request.alert.changes[0].measure = "é".repeat(5_000);
    }
    row.run(&all);
    assert_eq!((row.joined.len(), row.notices.len()), (900, 1));
    assert!(alert(&row.notices[0]).is_more);
    let bytes = serde_json::to_vec(&row.surge).unwrap().len();
    assert!(bytes < 350_000, "{bytes} bytes of the 400 kB that an item may have");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn within_the_time_to_settle_the_order_does_not_matter(
        count in 2..25_usize,
        order in Just((0..25_usize).collect::<Vec<_>>()).prop_shuffle(),
        seconds in prop::collection::vec(0..120_i64, 25),
        twice in prop::collection::vec(any::<bool>(), 25),
    ) {
        let moment = |position: usize| minute(0).plus(SignedDuration::from_secs(seconds[position]));
        let accounts = turns(count, |_| minute(0));
        let run = |order: &[usize]| {
            let mut row = Row::empty();
            let mut all = Vec::new();
            for (position, number) in order.iter().filter(|number| **number < count).enumerate() {
                all.push((accounts[*number].0.clone(), moment(position)));
                if twice[position] {
                    all.push((accounts[*number].0.clone(), moment(position).plus(SignedDuration::from_secs(90))));
                }
            }
            row.run(&all);
            row
        };
        let (expected, found) = (run(&(0..25).collect::<Vec<_>>()), run(&order));
        prop_assert_eq!(&expected.joined, &found.joined);
        prop_assert_eq!(&expected.single, &found.single);
        prop_assert_eq!(found.joined.len(), if count >= 10 { count } else { 0 });
        prop_assert_eq!(found.notices.len(), usize::from(count >= 10));
        for (expected, found) in expected.notices.iter().zip(&found.notices) {
            prop_assert_eq!(alert(expected), alert(found));
        }
    }
}
