//! How the way to a renewal ends, and what that does to the next term's.

use super::*;

#[test]
fn what_was_closed_by_hand_says_no_more_of_its_term() {
    let told = ["2027-02-01T08:00 120", "2027-02-10T09:00 resolved"];
    let closed = |to| [(0, Due("2027-06-01")), (on("2027-02-10"), Closed), (on("2027-02-21"), Due(to))];
    let story = check("it stays as it was", &closed("2027-06-01"), "2027-06-30", &told);
    assert_eq!(story.closings(), [Closing::ByHand]);
    assert!(story.texts()[1].starts_with("Closed by hand: no more steps for the renewal of 2027-06-01."));
    check("its day is put right", &closed("2027-07-16"), "2027-07-30", &told);
    check("it is renewed", &closed("2028-06-01"), "2028-02-10", &[told.as_slice(), &["2028-02-02T08:00 120"]].concat());
}

#[test]
fn a_renewal_ends_the_runway_and_starts_the_next_one_in_its_time() {
    let early = [(0, Due("2027-06-01")), (on("2027-02-21"), Due("2028-06-01"))];
    let next = ["2027-02-01T08:00 120", "2027-02-21T09:00 resolved", "2028-02-02T08:00 120"];
    let story = check("100 days before", &early, "2028-02-10", &next);
    assert_eq!(story.closings(), [Closing::Renewed]);
    assert_eq!(story.texts()[1], "Renewed: the contract that ended on 2027-06-01 now runs until 2028-06-01.");
    let late = [(0, Due("2027-06-01")), (on("2027-07-01"), Due("2028-06-01"))];
    let told = plain_and(&["2027-06-02T07:00 past_due", "2027-07-01T09:00 resolved"]);
    assert_eq!(check("30 days after", &late, "2027-12-01", &told).closings(), [Closing::Renewed]);
    let later = |by: &'static str| [(0, Due("2027-06-01")), (on("2027-02-21"), Due(by))];
    for (to, closing) in [("2028-02-25", Closing::Moved), ("2028-02-26", Closing::Renewed)] {
        let story = check("269 and 270 days later", &later(to), "2027-06-01", &next[..2]);
        assert_eq!(story.closings(), [closing], "{to}");
    }
    let after = |day| [(0, Due("2027-06-01")), (on(day), Due("2028-06-01"))];
    for (day, closing) in [("2027-07-31", Closing::Renewed), ("2027-08-01", Closing::Lapsed)] {
        let story = Story::told(config(), &after(day), on("2027-12-01"));
        assert_eq!(story.closings(), [closing], "60 and 61 days after: {day}");
    }
    let mut early = config();
    let playbook = early.playbooks.iter_mut().find(|playbook| playbook.is_renewal()).unwrap();
    let Trigger::Renewal(runway) = &mut playbook.trigger else { panic!("no runway") };
    runway.checkpoints.insert(0, Checkpoint { days: 200, ..runway.checkpoints[0].clone() });
    for (day, closing) in [("2027-03-04", Closing::Moved), ("2027-03-05", Closing::Renewed)] {
        let heard = [(0, Due("2027-09-01")), (on(day), Due("2028-09-01"))];
        let story = Story::told(early.clone(), &heard, on("2027-09-01"));
        assert_eq!(story.said(), ["2027-02-12T08:00 200".to_owned(), format!("{day}T09:00 resolved")]);
        assert_eq!(story.closings(), [closing], "181 and 180 days before: {day}");
    }
    let never = plain_and(&["2027-06-02T07:00 past_due", "2027-07-31T22:00 resolved"]);
    assert_eq!(check("never", &[(0, Due("2027-06-01"))], "2027-12-01", &never).closings(), [Closing::Lapsed]);
}
