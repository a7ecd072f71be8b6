//! The same seed gives the same book, byte for byte.

use book::{Book, DAYS, Says, Told, Wired};

/// All that is told, as one hash.
fn hash(book: &Book) -> String {
    let days = (0..DAYS).map(|day| {
        let lines: Vec<String> = book.day(day).iter().map(line).collect();
        model::stable_hash(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let days: Vec<String> = days.collect();
    model::stable_hash(&days.iter().map(String::as_str).collect::<Vec<_>>())
}

fn line(told: &Told) -> String {
    let says = match &told.says {
        Says::Fact { key, statements } => {
            let one = |s: &model::Statement| format!("{}={}@{}", s.field, s.value, s.occurred_at);
            format!("{} {}", key.sort_key(), statements.iter().map(one).collect::<Vec<_>>().join(" "))
        }
        Says::Link(link) => format!("{:?}@{}", link.says, link.occurred_at),
    };
    format!("{} {} {} {says}", told.received_at, told.delivery, told.subject)
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(hash(&Book::new(1)), "d7f30cb91d791e02f99beffc5f247f28");
}

#[test]
fn another_seed_gives_another_book() {
    assert_ne!(hash(&Book::new(2)), hash(&Book::new(3)));
}

#[test]
fn who_has_fewer_tools_connected_is_told_the_same_by_the_others() {
    let (all, fewer) = (Book::new(1), Book::of(1, Wired::CrmAndTickets));
    // Deliveries are counted over all tools.
    let said = |told: &Told| (told.received_at, told.connection.clone(), told.subject.clone(), told.says.clone());
    for day in 0..DAYS {
        let is_wired = |told: &&Told| !["product", "billing"].contains(&told.connection.as_str());
        let expected: Vec<_> = all.day(day).iter().filter(is_wired).map(said).collect();
        assert!(fewer.day(day).iter().map(said).eq(expected), "day {day}");
    }
}

#[test]
fn each_day_is_told_in_the_order_of_receipt_and_never_before_it_happened() {
    let book = Book::new(1);
    for day in 0..DAYS {
        let told = book.day(day);
        assert!(told.windows(2).all(|two| two[0].received_at <= two[1].received_at));
        for one in told {
            if let Says::Fact { statements, .. } = &one.says {
                assert!(statements.iter().all(|s| s.occurred_at <= one.received_at), "{one:?}");
            }
        }
    }
    assert!(book.day(DAYS).is_empty());
}
