//! What could wait until the morning.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use model::{
    ActionId, AlertKind, Desk, DeskLine, Digest, DigestEntry, Moment, Notice, NoticeBody, SubjectId, WaitingLine,
    stable_hash,
};

use super::hours::DeskRules;
use super::line::heavier;
use crate::renewals::days_between;

/// The most accounts a digest is written down with; no message has room for more.
const MOST_ENTRIES: usize = 50;

/// A desk that was emptied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digested {
    /// What to send; `None` when nothing of what waited is still true.
    pub notice: Option<Notice>,
    /// The desk as it is then. To be written together with the notice.
    pub desk: Desk,
    /// The messages that the notice stands for.
    pub told: Vec<ActionId>,
    /// The messages that nobody needs any more.
    pub obsolete: Vec<ActionId>,
}

/// Empties the desk once per business day, from the digest's hour on; `None` when it is not time or nothing waits.
///
/// `open` names those of the waiting messages whose episode still runs as it did; of the others only endings are told.
pub fn digest(desk: &Desk, now: Moment, rules: &DeskRules<'_>, open: &BTreeSet<ActionId>) -> Option<Digested> {
    let today = rules.day(now);
    let is_time = rules.is_digest_day(today) && rules.digest_moment(today) <= now;
    if !is_time || desk.digested_on.is_some_and(|last| last >= today) {
        return None;
    }
    let mut next = desk.clone();
    let (ready, waits): (BTreeMap<_, _>, _) = next.waits.into_iter().partition(|(_, waiting)| waiting.day <= today);
    next.waits = waits;
    if ready.is_empty() {
        return None;
    }
    next.digested_on = Some(today);
    let (told, obsolete): (BTreeMap<ActionId, WaitingLine>, BTreeMap<ActionId, WaitingLine>) =
        ready.into_iter().partition(|(id, waiting)| waiting.line.kind == AlertKind::Resolved || open.contains(id));
    let notice = (!told.is_empty()).then(|| Notice {
        id: digest_id(desk, today),
        to: desk.to.clone(),
        mode: desk.mode,
        as_of: now,
        body: NoticeBody::Digest(of_day(today, told.values().map(|waiting| &waiting.line))),
    });
    let (told, obsolete) = (told.into_keys().collect(), obsolete.into_keys().collect());
    Some(Digested { notice, desk: next, told, obsolete })
}

/// When to look at the desk for a digest, at `now` or later; `None` while nothing waits.
pub fn due_at(desk: &Desk, now: Moment, rules: &DeskRules<'_>) -> Option<Moment> {
    let earliest = desk.waits.values().map(|waiting| waiting.day).min()?;
    let first = rules.digest_moment(earliest);
    if first >= now {
        return Some(first);
    }
    let today = rules.day(now);
    let can_now = rules.is_digest_day(today)
        && rules.digest_moment(today) <= now
        && desk.digested_on.is_none_or(|last| last < today);
    Some(if can_now { now } else { rules.digest_moment(rules.next_digest(now)) })
}

/// One per person, day and mode.
fn digest_id(desk: &Desk, day: Date) -> ActionId {
    let mode = desk.mode.to_string();
    ActionId::from_stored(stable_hash(&["digest", &mode, &desk.to.address, &day.to_string()]))
}

/// One entry per account, what weighs most first. What still runs speaks for an account before what has ended, and the
/// newest before older ones.
fn of_day<'a>(day: Date, lines: impl Iterator<Item = &'a DeskLine>) -> Digest {
    let mut accounts: BTreeMap<&SubjectId, Vec<&DeskLine>> = BTreeMap::new();
    for line in lines {
        accounts.entry(&line.account).or_default().push(line);
    }
    let entry = |lines: &Vec<&DeskLine>| {
        let speaks = *lines.iter().max_by(|a, b| rank(a).cmp(&rank(b)))?;
        Some(DigestEntry {
            line: speaks.clone(),
            days_left: speaks.deadline_on.map(|deadline| days_between(day, deadline)),
            others: number(lines.len() - 1),
        })
    };
    let mut entries: Vec<DigestEntry> = accounts.values().filter_map(entry).collect();
    let weigh = |entry: &DigestEntry| (entry.line.arr, entry.line.deadline_on);
    entries.sort_by(|a, b| heavier(weigh(a), weigh(b), day).then_with(|| a.line.account.cmp(&b.line.account)));
    let more = number(entries.len().saturating_sub(MOST_ENTRIES));
    entries.truncate(MOST_ENTRIES);
    Digest { day, entries, more }
}

fn rank(line: &DeskLine) -> (bool, Moment, &str, u32) {
    (line.kind != AlertKind::Resolved, line.as_of, &line.episode, line.run)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
