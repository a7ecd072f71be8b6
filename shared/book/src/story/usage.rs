//! The product: how many people use it each day, and how many of the features that matter.

use model::{DayOfMonth, FactKey, Field, UsageKey, Value};

use super::{LAST, Story, day as on};
use crate::planted::Sign;
use crate::told::{Diary, date_of, day_of};

const SOURCE: &str = "product";
/// The source is silent on these days, in June, and tells what it missed when it is back.
const SILENT: std::ops::Range<i64> = 154..175;
/// Features of high value in the product.
const FEATURES: i64 = 8;
/// Use falls by about a third every four weeks before a customer leaves, in percent of what is left per day.
const LEFT_PER_DAY: (i64, i64) = (985, 1_000);

pub(super) fn tell(story: &Story<'_>, diary: &mut Diary) {
    let customer = story.customer;
    if !customer.is_tracked {
        return;
    }
    let mut dice = story.dice("usage");
    // People who use it on a working day, and how that moves over the year, in percent of the seats.
    let (low, high) = customer.vigour.pick([(50, 85), (32, 60), (8, 30)]);
    let (down, up) = customer.vigour.pick([(-8, 12), (-8, 12), (-6, 2)]);
    let (level, drift) = (dice.between(low, high), dice.between(down, up));
    let (few, many) = customer.vigour.pick([(4, 7), (2, 5), (1, 2)]);
    let depth = dice.between(few, many);
    let falls_from = story.planted.and_then(|planted| planted.shows(Sign::UsageFalls));
    let is_new = customer.first_day() > 0;
    for day in story.days() {
        let date = date_of(day);
        let since_start = day - customer.first_day();
        // A newcomer takes two months to get everybody in.
        let ramp = if is_new { (20 + since_start * 80 / 60).min(100) } else { 100 };
        let fall = falls_from.map_or(100, |from| left_of(day - from));
        // People are away in August, and around New Year.
        let season = match (date.month(), date.day()) {
            (8, _) => 62,
            (12, 22..) | (1, ..=4) => 55,
            (7, 16..) | (9, ..=5) => 85,
            _ => 100,
        };
        let weekday = if day.rem_euclid(7) > 4 { 12 } else { 100 };
        let trend = level * 100 + drift * 100 * day / LAST;
        let share = trend * ramp / 100 * fall / 100 * season / 100 * weekday / 100 * dice.between(88, 112) / 100;
        let users = (customer.seats * share / 10_000).clamp(0, customer.seats);
        let features = if users == 0 { 0 } else { (depth * fall / 100 + dice.between(-1, 1)).clamp(1, FEATURES) };
        report(story, diary, day, (users, features));
    }
    first_value(story, diary);
}

/// The percent of its use that is left so many days after it began to fall.
fn left_of(days: i64) -> i64 {
    let (kept, of) = LEFT_PER_DAY;
    (0..days).fold(100_000, |left, _| left * kept / of) / 1_000
}

/// What happened on a day is told in the night after it; what the silent source missed, when it is back.
fn report(story: &Story<'_>, diary: &mut Diary, day: i64, (users, features): (i64, i64)) {
    let account = &story.customer.account;
    let told = heard((day + 1, 3 * 60));
    let date = date_of(day);
    let mut levels = vec![(UsageKey::ACTIVE_USERS, users), (UsageKey::KEY_FEATURES, features)];
    if date.day() == 1 || day == story.days().start {
        levels.push((UsageKey::KEY_FEATURES_AVAILABLE, FEATURES));
    }
    for (metric, level) in levels {
        let Ok(key) = UsageKey::new("app", "all", metric, date) else { continue };
        let field = Field::Day(DayOfMonth::of(date));
        let about = (SOURCE, account, FactKey::Usage(key));
        diary.tell_late(told, about, crate::told::at(day + 1, 0), &[(field, Value::Int(level))]);
    }
}

/// When something that the source tells is heard.
fn heard(told: (i64, i64)) -> (i64, i64) {
    if SILENT.contains(&told.0) { (SILENT.end, 4 * 60) } else { told }
}

/// A newcomer is to have its first result within six weeks; most have.
fn first_value(story: &Story<'_>, diary: &mut Diary) {
    let customer = story.customer;
    let mut dice = story.dice("first-value");
    let key = || (SOURCE, &customer.account, FactKey::Milestone("first_value".into()));
    let first = day_of(customer.since);
    let reached = first + if dice.percent(75) { dice.between(14, 40) } else { dice.between(70, 120) };
    if customer.first_day() > 0 {
        diary.tell(heard((first, 9 * 60)), key(), &[(Field::DueOn, on(date_of(first + 42)))]);
        diary.tell(heard((reached, 9 * 60)), key(), &[(Field::ReachedOn, on(date_of(reached)))]);
    } else {
        let done = [(Field::DueOn, on(date_of(first + 42))), (Field::ReachedOn, on(date_of(reached)))];
        diary.tell((reached.min(-1), 9 * 60), key(), &done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_tells_nothing_while_it_is_silent() {
        // In the last book a newcomer reaches its first result within these days.
        for seed in [1, 2, 9_186_404_538_475_754_607] {
            let book = crate::Book::new(seed);
            for day in SILENT {
                let told = book.day(usize::try_from(day).unwrap_or_default());
                let heard = told.iter().find(|told| told.connection.as_str() == SOURCE);
                assert!(heard.is_none(), "seed {seed}, day {day}: {heard:?}");
            }
        }
    }
}
