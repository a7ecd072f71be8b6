//! A message in one line, and which of two lines weighs more.

use std::cmp::Ordering;

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{ActionRequest, Alert, AlertKind, DeskLine, Money};

use crate::renewals::days_between;

/// The longest name of an account, in characters: two rows on a phone, so that a row of names stays within what a store takes.
pub(super) const MAX_NAME: usize = 80;
/// The longest phrase, in characters: what is read at one glance.
const MAX_PHRASE: usize = 160;
/// How far off, in days, a deadline is taken to be that nobody knows: a year, behind every one that is known to come.
const UNKNOWN_DAYS: i64 = 365;

/// What the digest says of a message. Days are counted in `zone`, the zone in which the message was put together.
pub fn line(request: &ActionRequest, zone: &TimeZone) -> DeskLine {
    let alert = &request.alert;
    let deadline_on = alert.days_to_deadline.and_then(|days| {
        let days = i32::try_from(days).ok()?.days();
        alert.as_of.date_in(zone).checked_add(days).ok()
    });
    DeskLine {
        kind: alert.kind,
        home: request.home.clone(),
        episode: request.episode.clone(),
        run: request.run,
        account: alert.account.clone(),
        name: cut(&alert.name, MAX_NAME),
        arr: alert.arr,
        deadline_on: deadline_on.or(alert.renews_on),
        deadline: if deadline_on.is_some() {
            alert.deadline.as_deref().map(|text| cut(text, MAX_NAME))
        } else {
            alert.renews_on.map(|_| "renewal".to_owned())
        },
        band: alert.band.1,
        what: cut(&what(alert), MAX_PHRASE),
        next_step: cut(&alert.next_step, MAX_PHRASE),
        as_of: alert.as_of,
    }
}

/// The playbook, and what happened: numbers before and now where there are any, else what it says. Of a later step that comes
/// first: its numbers are those of the beginning.
fn what(alert: &Alert) -> String {
    let mut phrases = Vec::new();
    match alert.kind {
        AlertKind::Resolved => phrases.push("over".to_owned()),
        AlertKind::Answered => phrases.push("was answered".to_owned()),
        AlertKind::HandOff => phrases.push("has another owner".to_owned()),
        AlertKind::Opened | AlertKind::Step | AlertKind::Update => {}
    }
    if let (Some(from), Some(to)) = alert.score
        && from.shown() != to.shown()
    {
        phrases.push(format!("health {from} → {to}"));
    }
    let says = alert.text.as_ref().or(alert.why.as_ref()).map(|text| text.trim().trim_end_matches('.'));
    let says = says.filter(|text| !text.is_empty());
    match (alert.changes.first(), says) {
        (_, Some(says)) if alert.kind == AlertKind::Step => phrases.push(says.to_owned()),
        (Some(change), _) => phrases.push(match (&change.from, &change.to) {
            (Some(from), Some(to)) if from != to => format!("{} {from} → {to}", change.measure),
            (_, Some(to)) => format!("{} {to}", change.measure),
            (_, None) => change.measure.clone(),
        }),
        (None, Some(says)) if phrases.is_empty() => phrases.push(says.to_owned()),
        (None, _) => {}
    }
    if phrases.is_empty() { alert.playbook.clone() } else { format!("{}: {}", alert.playbook, phrases.join("; ")) }
}

/// The first `max` characters, the last of them `…` where something is missing.
pub(super) fn cut(text: &str, max: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Which weighs more comes first: revenue divided by the days left on `day`, then more revenue, then fewer days.
///
/// Revenue in different currencies is compared by its number: they are of one order, and this decides only what is
/// read first.
pub(super) fn heavier(a: (Option<Money>, Option<Date>), b: (Option<Money>, Option<Date>), day: Date) -> Ordering {
    let (arr_a, days_a) = weight(a, day);
    let (arr_b, days_b) = weight(b, day);
    // a/x > b/y is a·y > b·x for positive x and y.
    let ratio = (i128::from(arr_b) * i128::from(days_a)).cmp(&(i128::from(arr_a) * i128::from(days_b)));
    ratio.then(arr_b.cmp(&arr_a)).then(days_a.cmp(&days_b))
}

/// Whole units of revenue, and days left, at least one.
fn weight((arr, deadline_on): (Option<Money>, Option<Date>), day: Date) -> (i64, i64) {
    let days = deadline_on.map_or(UNKNOWN_DAYS, |deadline| days_between(day, deadline).max(1));
    (arr.map_or(0, |arr| arr.major()), days)
}
