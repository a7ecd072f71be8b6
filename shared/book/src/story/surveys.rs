//! Surveys: once a quarter some of a customer's people say whether they would recommend us.

use model::{ClaimKind, FactKey, Field, LinkSays, SubjectId, Value};

use super::{Story, word};
use crate::customer::CONTACTS;
use crate::dice::Dice;
use crate::planted::Sign;
use crate::told::{Diary, at};

/// The days on which people are asked.
const WAVES: [i64; 5] = [-60, 31, 122, 213, 304];

pub(super) fn tell(story: &Story<'_>, diary: &mut Diary) {
    let customer = story.customer;
    if !customer.is_surveyed {
        return;
    }
    let mut dice = story.dice("surveys");
    let unhappy_from = story.planted.and_then(|planted| planted.shows(Sign::Detractor)).unwrap_or(i64::MAX);
    let mut count = 0;
    for wave in WAVES {
        for person in 0..CONTACTS {
            let day = wave + dice.between(0, 10);
            if !dice.percent(55) || !story.days().contains(&day) {
                continue;
            }
            let score = match dice.between(0, 99) {
                _ if day >= unhappy_from => dice.between(1, 6),
                n if n < customer.vigour.pick([1, 5, 18]) => dice.between(3, 6),
                n if n < customer.vigour.pick([25, 55, 82]) => dice.between(7, 8),
                _ => dice.between(9, 10),
            };
            answer(story, diary, &mut dice, (day, count), person, score);
            count += 1;
        }
    }
    // What makes it a sign: they say so unasked, after a bad month.
    for person in [1, 0] {
        let day = unhappy_from.saturating_add(dice.between(0, 8));
        if story.days().contains(&day) {
            answer(story, diary, &mut dice, (day, count), person, 3);
            count += 1;
        }
    }
}

fn answer(
    story: &Story<'_>,
    diary: &mut Diary,
    dice: &mut Dice,
    (day, count): (i64, usize),
    person: usize,
    score: i64,
) {
    let customer = story.customer;
    let response = SubjectId::vendor("typeform", "response", &format!("r{:03}{count:03}", customer.number));
    let minute = dice.between(7 * 60, 18 * 60);
    let answered = [
        (Field::Survey, word("relationship")),
        (Field::RespondedAt, Value::Moment(at(day, minute))),
        (Field::Nps, Value::Int(score)),
        (Field::Person, word(format!("email:{}", customer.email(person)))),
    ];
    diary.tell((day, minute), ("typeform", &response, FactKey::Response), &answered);
    let target = SubjectId::email(&customer.email(person));
    let from = LinkSays::Own { field: "email".to_owned(), kind: ClaimKind::Domain, target };
    diary.link((day, minute), "typeform", &response, from);
}
