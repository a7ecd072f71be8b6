use jiff::civil::date;
use model::{Band, BookLine, Mode, Money, NoticeBody, Owner, StartingBook, SubjectId};
use rules::desk::{starting_book, starting_books};

use crate::common::shipped;
use crate::desk::given::{Reader, at, ines};

fn line(name: &str, band: Band, arr: i64, renews_on: Option<jiff::civil::Date>) -> BookLine {
    BookLine {
        account: SubjectId::from_stored(format!("hubspot:company:{name}")),
        name: name.into(),
        arr: Some(Money { minor: arr * 100, currency: "EUR".parse().unwrap() }),
        band,
        score: None,
        renews_on,
        notice_by: None,
    }
}

fn book(lines: &[BookLine]) -> Option<StartingBook> {
    let reader = Reader::in_zone("Europe/Berlin");
    let notice = starting_book(lines, &ines(), Mode::Live, at("2026-11-23T09:00:00"), &reader.rules())?;
    let again = starting_book(&lines[..1], &ines(), Mode::Live, at("2027-11-23T09:00:00"), &reader.rules());
    assert!(again.is_none_or(|again| again.id == notice.id), "everybody gets one");
    match notice.body {
        NoticeBody::StartingBook(book) => Some(book),
        NoticeBody::Digest(_) | NoticeBody::Surge(_) | NoticeBody::SourceSilent(_) => panic!("no starting book"),
    }
}

#[test]
fn a_starting_book_names_what_is_red_or_renews_soon() {
    let book = book(&[
        line("red", Band::Red, 10_000, None),
        line("soon", Band::Green, 30_000, Some(date(2027, 3, 23))),
        line("later", Band::Yellow, 90_000, Some(date(2027, 3, 24))),
        line("both", Band::Red, 20_000, Some(date(2026, 12, 3))),
        line("past", Band::Green, 90_000, Some(date(2026, 11, 22))),
        line("long ago", Band::Green, 90_000, Some(date(2026, 9, 23))),
        line("today", Band::Green, 1_000, Some(date(2026, 11, 23))),
    ])
    .unwrap();
    assert_eq!((book.accounts, book.red, book.renewing, book.more), (7, 2, 4, 0));
    let entries: Vec<_> = book.entries.iter().map(|e| (e.line.name.as_str(), e.days_left)).collect();
    assert_eq!(
        entries,
        [("past", Some(-1)), ("both", Some(10)), ("today", Some(0)), ("soon", Some(120)), ("red", None)]
    );
}

#[test]
fn days_count_to_the_last_day_for_notice_while_that_is_ahead() {
    let with = |name, notice, end| {
        let day = |month, day| date(2027, month, day);
        let notice: Option<(i8, i8)> = notice;
        let notice_by = notice.map(|(month, on)| if month == 11 { date(2026, month, on) } else { day(month, on) });
        let (month, on) = end;
        BookLine { notice_by, ..line(name, Band::Green, 10_000, Some(day(month, on))) }
    };
    let book = book(&[
        with("notice ahead", Some((1, 22)), (4, 22)),
        with("the same day", Some((2, 11)), (2, 11)),
        with("today", Some((11, 23)), (2, 21)),
        with("notice passed", Some((11, 22)), (2, 20)),
        with("too far", Some((3, 24)), (6, 22)),
        with("no notice", None, (2, 1)),
    ])
    .unwrap();
    let entry = |e: &model::BookEntry| (e.line.name.clone(), e.days_left.unwrap(), e.deadline.clone().unwrap());
    let found: Vec<_> = book.entries.iter().map(entry).collect();
    let expected = [
        ("today", 0, "notice deadline"),
        ("notice ahead", 60, "notice deadline"),
        ("no notice", 70, "renewal"),
        ("the same day", 80, "renewal"),
        ("notice passed", 89, "renewal"),
    ];
    assert_eq!(found, expected.map(|(name, days, what)| (name.to_owned(), days, what.to_owned())));
    assert_eq!(book.renewing, 5);
}

#[test]
fn who_has_nothing_to_look_at_gets_none() {
    assert_eq!(book(&[line("fine", Band::Green, 10_000, Some(date(2027, 9, 1)))]), None);
    let reader = Reader::in_zone("Europe/Berlin");
    assert_eq!(starting_book(&[], &ines(), Mode::Live, at("2026-11-23T09:00:00"), &reader.rules()), None);
}

#[test]
fn every_owner_gets_their_own_and_the_channel_what_nobody_can_be_told() {
    let owner = |email: &str| Some(Owner { name: "N".into(), email: Some(email.into()), reason: "R".into() });
    let red = |name| line(name, Band::Red, 10_000, None);
    let book = [
        (red("a"), owner("Ines.Almeida@ourco.example")),
        (red("b"), owner("tom.brandt@ourco.example")),
        (red("c"), owner("priya.nair@ourco.example")),
        (red("d"), owner("stranger@ourco.example")),
        (red("e"), None),
        (red("f"), owner("ines.almeida@ourco.example")),
        (line("fine", Band::Green, 10_000, None), None),
    ];
    let notices = starting_books(book, &shipped().team, Mode::Live, at("2026-11-23T09:00:00"));
    let found: Vec<_> = notices
        .iter()
        .map(|notice| match &notice.body {
            NoticeBody::StartingBook(book) => (notice.to.address.as_str(), book.accounts, book.red),
            NoticeBody::Digest(_) | NoticeBody::Surge(_) | NoticeBody::SourceSilent(_) => panic!("no starting book"),
        })
        .collect();
    // Priya has no Slack id, and `team.toml` does not know the stranger: Slack is asked for both.
    assert_eq!(
        found,
        [
            ("#customer-success", 2, 1),
            ("U0INES0001", 2, 2),
            ("U0TOMB0002", 1, 1),
            ("priya.nair@ourco.example", 1, 1),
            ("stranger@ourco.example", 1, 1)
        ]
    );
}
