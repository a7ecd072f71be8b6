//! One statement of one tool, as it comes out of normalising a delivery, and the diary they are written in.

use jiff::SignedDuration;
use jiff::civil::{Date, date};
use model::{ConnectionName, DeliveryId, FactKey, Field, Link, LinkSays, Moment, Statement, SubjectId, Value};

/// Day 0 of every book: a Monday, so that the 34th week lies in August.
pub const START: Date = date(2026, 1, 5);
/// Days in a book: 52 weeks.
pub const DAYS: usize = 364;

/// What a delivery says about one item of one subject, or about where a subject belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Who says so.
    pub connection: ConnectionName,
    /// The delivery that says so.
    pub delivery: DeliveryId,
    /// When it was received.
    pub received_at: Moment,
    /// What it is about.
    pub subject: SubjectId,
    /// What it says.
    pub says: Says,
}

/// The two kinds of thing that a delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// Values of fields of one item.
    Fact {
        /// Which item.
        key: FactKey,
        /// The values.
        statements: Vec<Statement>,
    },
    /// Where the subject belongs, or that it is gone.
    Link(Link),
}

/// So many minutes after 00:00 UTC of a day of the book; days before it are negative.
pub(crate) fn at(day: i64, minute: i64) -> Moment {
    // 2026-01-05T00:00:00Z.
    let start = Moment::from_millis(1_767_571_200_000).unwrap_or(Moment::EARLIEST);
    start.plus(SignedDuration::from_mins(day * 24 * 60 + minute))
}

/// A day of the book as a date.
pub(crate) fn date_of(day: i64) -> Date {
    START.saturating_add(SignedDuration::from_hours(24 * day))
}

/// The day of the book that a date is.
pub(crate) fn day_of(date: Date) -> i64 {
    date.duration_since(START).as_hours() / 24
}

/// When the history of before the book is imported, in minutes of day 0.
const IMPORTED: i64 = 6 * 60;

/// All that is told, by day.
#[derive(Debug)]
pub(crate) struct Diary {
    days: Vec<Vec<Told>>,
    written: u32,
}

impl Diary {
    pub fn new() -> Self {
        Self { days: vec![vec![]; DAYS], written: 0 }
    }

    /// What is true since a moment is told at another; what is from before the book comes with the import on day 0, and
    /// what comes after its end is not told.
    pub fn tell_late(
        &mut self,
        told_at: (i64, i64),
        (connection, subject, key): (&str, &SubjectId, FactKey),
        occurred_at: Moment,
        fields: &[(Field, Value)],
    ) {
        let statement = |(field, value): &(Field, Value)| Statement {
            field: *field,
            value: value.clone(),
            occurred_at,
            sequence: None,
            path: format!("properties.{field}"),
            raw: Statement::cut_raw(&value.to_string()),
        };
        let statements = fields.iter().map(statement).collect();
        self.write(told_at, connection, subject, Says::Fact { key, statements });
    }

    /// Told as it happens.
    pub fn tell(&mut self, (day, minute): (i64, i64), about: (&str, &SubjectId, FactKey), fields: &[(Field, Value)]) {
        self.tell_late((day, minute), about, at(day, minute), fields);
    }

    /// Where a subject belongs.
    pub fn link(&mut self, (day, minute): (i64, i64), connection: &str, subject: &SubjectId, says: LinkSays) {
        let path = "associations".to_owned();
        let link = Link { subject: subject.clone(), says, occurred_at: at(day, minute), sequence: None, path };
        self.write((day, minute), connection, subject, Says::Link(link));
    }

    fn write(&mut self, (day, minute): (i64, i64), connection: &str, subject: &SubjectId, says: Says) {
        let (day, minute) = if day < 0 { (0, IMPORTED) } else { (day, minute) };
        let Some(today) = usize::try_from(day).ok().and_then(|day| self.days.get_mut(day)) else { return };
        self.written += 1;
        let connection = ConnectionName::from_stored(connection);
        let delivery = DeliveryId::new(&connection, &format!("{:06}", self.written));
        today.push(Told { connection, delivery, received_at: at(day, minute), subject: subject.clone(), says });
    }

    /// Each day in the order of receipt.
    pub fn close(mut self) -> Vec<Vec<Told>> {
        for day in &mut self.days {
            day.sort_by(|a, b| (a.received_at, &a.delivery).cmp(&(b.received_at, &b.delivery)));
        }
        self.days
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_the_same_days() {
        assert_eq!(START.weekday(), jiff::civil::Weekday::Monday);
        assert_eq!(at(0, 0).to_string(), "2026-01-05T00:00:00.000Z");
        for day in [-40, 0, 1, 84, 363, 700] {
            assert_eq!(day_of(date_of(day)), day);
            assert_eq!(at(day, 0).date_in(&jiff::tz::TimeZone::UTC), date_of(day));
        }
    }

    #[test]
    fn what_is_from_before_the_book_comes_with_the_import() {
        let mut diary = Diary::new();
        let subject = SubjectId::vendor("hubspot", "company", "1");
        diary.tell((-20, 0), ("hubspot", &subject, FactKey::Profile), &[(Field::Name, Value::Text("Acme".into()))]);
        diary.tell((400, 0), ("hubspot", &subject, FactKey::Profile), &[(Field::Name, Value::Text("Acme".into()))]);
        let days = diary.close();
        assert_eq!(days.iter().map(Vec::len).sum::<usize>(), 1);
        assert_eq!(days[0][0].received_at, at(0, IMPORTED));
    }
}
