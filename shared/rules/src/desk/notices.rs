//! The first message an owner gets, and where messages to the whole team go.

use std::collections::BTreeMap;

use config::Team;
use jiff::civil::Date;
use model::{
    ActionId, Band, BookEntry, BookLine, Mode, Moment, Notice, NoticeBody, Owner, Recipient, SourceSilent,
    StartingBook, stable_hash,
};

use super::hours::DeskRules;
use super::line::{MAX_NAME, cut, heavier};
use crate::people;
use crate::renewals::days_between;

/// Notice or a renewal within so many days is part of a starting book: the first checkpoint of the runway has passed.
pub const BOOK_DAYS: i64 = 120;
/// One that is past due by so many days may still be won; what is older is a date nobody took care of.
const PAST_DUE_DAYS: i64 = 60;
/// The most accounts a starting book is written down with; no message has room for more.
const MOST_ENTRIES: usize = 50;

/// The team's channel, and why there: for what concerns nobody alone.
pub fn team_channel(team: &Team, because: &str) -> Recipient {
    people::in_channel(team, None, because).to
}

/// That a source is silent since `since`, for the team's channel: one for each silence.
pub fn source_silent(silent: SourceSilent, team: &Team, mode: Mode, since: Moment) -> Notice {
    let to = team_channel(team, &format!("`{}` is silent", silent.source));
    let last = silent.last_heard_on.to_string();
    let id = ActionId::from_stored(stable_hash(&["source_silent", silent.source.as_str(), &last]));
    Notice { id, to, mode, as_of: since, body: NoticeBody::SourceSilent(silent) }
}

/// The starting books of everybody who looks after one of the accounts of `book`, in the order of their addresses.
/// Those of owners whose address nobody knows are one for the team's channel.
pub fn starting_books(
    book: impl IntoIterator<Item = (BookLine, Option<Owner>)>,
    team: &Team,
    mode: Mode,
    now: Moment,
) -> Vec<Notice> {
    let mut books: BTreeMap<String, (Recipient, Vec<BookLine>)> = BTreeMap::new();
    for (line, owner) in book {
        let person = owner.as_ref().and_then(|owner| team.find(owner.email.as_deref().unwrap_or(&owner.name)));
        let email = owner.as_ref().and_then(|owner| owner.email.as_deref());
        let who = |name: &str| format!("{name}, who looks after them");
        let to = match (person, email) {
            (Some(person), _) => people::direct(team, person, who(&person.name)).to,
            (None, Some(email)) => people::by_email(team, None, email, who(email)).to,
            (None, None) => team_channel(team, "nobody is known who looks after them"),
        };
        books.entry(to.address.clone()).or_insert_with(|| (to, Vec::new())).1.push(line);
    }
    let notice =
        |(to, lines): &(Recipient, Vec<BookLine>)| starting_book(lines, to, mode, now, &DeskRules::of(to, team));
    books.values().filter_map(notice).collect()
}

/// What somebody who looks after `accounts` is told when messages go live: what is true that day opens no episode, so
/// it is told once, here. `None` when none of them is red or renews soon.
///
/// The notice has the same id whenever it is made, so that everybody gets one in each mode.
pub fn starting_book(
    accounts: &[BookLine],
    to: &Recipient,
    mode: Mode,
    now: Moment,
    rules: &DeskRules<'_>,
) -> Option<Notice> {
    let day = rules.day(now);
    let lines = in_starting_book(accounts, day);
    if lines.is_empty() {
        return None;
    }
    let is_red = |line: &&BookLine| line.band == Band::Red;
    let renews = |line: &&BookLine| renews_soon(line, day);
    let book = StartingBook {
        day,
        accounts: number(accounts.len()),
        red: number(accounts.iter().filter(is_red).count()),
        renewing: number(accounts.iter().filter(renews).count()),
        more: number(lines.len().saturating_sub(MOST_ENTRIES)),
        entries: lines.into_iter().take(MOST_ENTRIES).map(|line| entry(line, day)).collect(),
    };
    let id = ActionId::from_stored(stable_hash(&["starting_book", &mode.to_string(), &to.address]));
    Some(Notice { id, to: to.clone(), mode, as_of: now, body: NoticeBody::StartingBook(book) })
}

/// Those of `accounts` that belong into a starting book on a day, red or renewing soon: what weighs most first.
pub fn in_starting_book(accounts: &[BookLine], day: Date) -> Vec<&BookLine> {
    let belongs = |line: &&BookLine| line.band == Band::Red || renews_soon(line, day);
    let mut lines: Vec<&BookLine> = accounts.iter().filter(belongs).collect();
    let weigh = |line: &BookLine| (line.arr, deadline(line, day).map(|(on, _)| on));
    lines.sort_by(|a, b| heavier(weigh(a), weigh(b), day).then_with(|| a.account.cmp(&b.account)));
    lines
}

fn renews_soon(line: &BookLine, day: Date) -> bool {
    deadline(line, day).is_some_and(|(on, _)| (-PAST_DUE_DAYS..=BOOK_DAYS).contains(&days_between(day, on)))
}

fn entry(line: &BookLine, day: Date) -> BookEntry {
    let deadline = deadline(line, day);
    BookEntry {
        line: BookLine { name: cut(&line.name, MAX_NAME), ..line.clone() },
        days_left: deadline.map(|(on, _)| days_between(day, on)),
        deadline: deadline.map(|(_, what)| what.to_owned()),
    }
}

/// What comes first of a renewal, and what it is called. Once the last day for notice has passed, its end is left.
fn deadline(line: &BookLine, day: Date) -> Option<(Date, &'static str)> {
    let notice = line.notice_by.filter(|notice| *notice >= day && line.renews_on.is_none_or(|end| *notice < end));
    notice.map(|notice| (notice, "notice deadline")).or(line.renews_on.map(|end| (end, "renewal")))
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
