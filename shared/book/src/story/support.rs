//! The help desk, in two workspaces: requests, how urgent they are, how long they stay open, and what those who asked say of
//! the help they got.

use model::{ClaimKind, FactKey, Field, LinkSays, SubjectId, Value};

use super::{Story, word};
use crate::customer::CONTACTS;
use crate::dice::Dice;
use crate::planted::Sign;
use crate::told::{Diary, at};

/// One customer in so many has a week in which something of ours keeps failing and they write nearly every day.
const WAVES: usize = 8;

/// Who waited for so many days for an answer is not content with it.
const SLOW: i64 = 7;

pub(super) fn tell(story: &Story<'_>, diary: &mut Diary) {
    let customer = story.customer;
    let Some(desk) = customer.desk else { return };
    let days = story.days();
    let organization = customer.organization();
    let target = Some(customer.account.clone());
    let says = LinkSays::Own { field: "external_id".to_owned(), kind: ClaimKind::ExternalId, target };
    diary.link((days.start, 8 * 60), desk, &organization, says);
    for n in 0..CONTACTS {
        let target = SubjectId::email(&customer.email(n));
        let says = LinkSays::Own { field: "email".to_owned(), kind: ClaimKind::ExternalId, target };
        diary.link((days.start, 8 * 60), desk, &customer.user(n), says);
        let email = [(Field::Email, word(customer.email(n)))];
        diary.tell((days.start, 8 * 60), (desk, &customer.user(n), FactKey::Contact), &email);
    }
    let (mut dice, mut ratings) = (story.dice("tickets"), story.dice("csat"));
    let escalate = story.planted.and_then(|planted| planted.shows(Sign::TicketsEscalate));
    // What makes it a sign: there is a request on its first working day.
    let begins = escalate.map(|from| if is_weekend(from) { from + 7 - from.rem_euclid(7) } else { from });
    let (few, many) = customer.vigour.pick([(5, 25), (8, 40), (15, 60)]);
    let busy = dice.between(few, many);
    let wave = wave(story, &days);
    let mut count = 0;
    for day in days {
        let is_bad = escalate.is_some_and(|from| (from..from + 70).contains(&day));
        let is_wave = wave.is_some_and(|monday| (monday..monday + 5).contains(&day));
        let chance = match (is_bad, is_weekend(day)) {
            _ if is_wave => 950,
            (true, false) => 220,
            (false, false) => busy,
            (_, true) => busy / 5,
        };
        if dice.per_mille(chance) || begins == Some(day) {
            let ticket = SubjectId::vendor("zendesk", "ticket", &format!("6{:03}{count:04}", customer.number));
            count += 1;
            let solved = one(story, diary, &mut dice, (desk, &ticket), day, is_bad);
            rate(story, diary, &mut ratings, count, &solved);
        }
    }
}

/// The Monday of its wave, late enough that it is known how much it usually asks.
fn wave(story: &Story<'_>, days: &std::ops::Range<i64>) -> Option<i64> {
    let day = days.start.max(0) + story.dice("wave").between(100, 220);
    let monday = day - day.rem_euclid(7);
    (story.customer.number % WAVES == 1).then_some(monday)
}

fn is_weekend(day: i64) -> bool {
    day.rem_euclid(7) > 4
}

/// A request that was answered.
struct Solved {
    /// The day, and its minute.
    at: (i64, i64),
    /// Which of the customer's people had asked.
    by: usize,
    /// How long they waited, in days.
    took: i64,
}

fn one(
    story: &Story<'_>,
    diary: &mut Diary,
    dice: &mut Dice,
    (desk, ticket): (&str, &SubjectId),
    day: i64,
    is_bad: bool,
) -> Solved {
    let customer = story.customer;
    let priority = match dice.between(0, 99) {
        _ if is_bad => dice.one_of(&["urgent", "urgent", "high"]),
        0..3 => "urgent",
        3..18 => "high",
        18..75 => "normal",
        _ => "low",
    };
    let minute = dice.between(7 * 60, 17 * 60);
    // What is urgent is solved within hours, the rest within days; when it goes wrong, weeks.
    let open_for = match priority {
        _ if is_bad => dice.between(9, 24) * 24 * 60,
        "urgent" => dice.between(60, 9 * 60),
        "high" => dice.between(4, 60) * 60,
        _ => dice.between(4, 150) * 60,
    };
    let open_for = open_for * if is_bad { 1 } else { customer.vigour.pick([1, 1, 2]) };
    let solved = day * 24 * 60 + minute + open_for;
    let (solved_day, solved_minute) = (solved.div_euclid(24 * 60), solved.rem_euclid(24 * 60));
    let key = || (desk, ticket, FactKey::Ticket);
    let by = usize::try_from(dice.between(1, 3)).unwrap_or(1);
    let asks = customer.user(by);
    let opened = [
        (Field::Status, word("new")),
        (Field::Priority, word(priority)),
        (Field::TicketType, word(if is_bad { "problem" } else { dice.one_of(&["question", "problem", "task"]) })),
        (Field::OpenedAt, Value::Moment(at(day, minute))),
        (Field::SolvedAt, Value::Cleared),
        (Field::Person, word(asks.as_str())),
    ];
    diary.tell((day, minute), key(), &opened);
    let belongs = |field: &str, kind, target| LinkSays::Own { field: field.to_owned(), kind, target: Some(target) };
    let organization = belongs("organization_id", ClaimKind::Crm, customer.organization());
    diary.link((day, minute), desk, ticket, organization);
    diary.link((day, minute), desk, ticket, belongs("requester_id", ClaimKind::ExternalId, asks));
    if dice.percent(60) {
        diary.tell((day, minute + 40), key(), &[(Field::Status, word("open"))]);
    }
    let solution = [(Field::Status, word("solved")), (Field::SolvedAt, Value::Moment(at(solved_day, solved_minute)))];
    diary.tell((solved_day, solved_minute), key(), &solution);
    Solved { at: (solved_day, solved_minute), by, took: open_for / (24 * 60) }
}

/// One in four says a while later how content they are, on a scale of five. Who waited for a week mostly is not, and who
/// does not like the product likes its help less.
fn rate(story: &Story<'_>, diary: &mut Diary, dice: &mut Dice, count: usize, solved: &Solved) {
    let customer = story.customer;
    let (answers, after) = (dice.percent(25), dice.between(20, 30 * 60));
    let bad = if solved.took >= SLOW { 60 } else { customer.vigour.pick([4, 8, 14]) };
    let score = if dice.percent(bad) { dice.between(1, 3) } else { dice.between(4, 5) };
    if !customer.is_surveyed || !answers {
        return;
    }
    let minutes = solved.at.0 * 24 * 60 + solved.at.1 + after;
    let (day, minute) = (minutes.div_euclid(24 * 60), minutes.rem_euclid(24 * 60));
    let response = SubjectId::vendor("typeform", "response", &format!("c{:03}{count:04}", customer.number));
    let answered = [
        (Field::Survey, word("support")),
        (Field::RespondedAt, Value::Moment(at(day, minute))),
        (Field::Csat, Value::Int(score)),
        (Field::CsatScale, word("1..5")),
        (Field::Person, word(format!("email:{}", customer.email(solved.by)))),
    ];
    diary.tell((day, minute), ("typeform", &response, FactKey::Response), &answered);
    let target = SubjectId::email(&customer.email(solved.by));
    let from = LinkSays::Own { field: "email".to_owned(), kind: ClaimKind::Domain, target };
    diary.link((day, minute), "typeform", &response, from);
}
