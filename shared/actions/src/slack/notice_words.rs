//! What a template may say of a notice, written like the words of an alert.

use model::{
    BookEntry, Digest, DigestEntry, Money, Notice, NoticeBody, Score, Shared, SourceSilent, StartingBook, SurgeAlert,
};
use serde::Serialize;

use super::text::shown;
use super::words::minute;

/// The longest name of a deadline, in characters.
const DEADLINE: usize = 24;

/// The longest values, in characters, and how many accounts stand there.
#[derive(Debug, Clone, Copy)]
pub struct NoticeLimits {
    /// Names of accounts and measures.
    name: usize,
    /// What happened.
    what: usize,
    /// Next steps; with 0 they are left out.
    next_step: usize,
    /// The accounts that have a line. The others are counted.
    lines: usize,
}

impl NoticeLimits {
    /// Tried in turn, each for all accounts, until a message is short enough.
    pub const STEPS: [Self; 3] = [
        Self { name: 80, what: 160, next_step: 160, lines: usize::MAX },
        Self { name: 60, what: 100, next_step: 0, lines: usize::MAX },
        Self { name: 32, what: 40, next_step: 0, lines: usize::MAX },
    ];

    /// The same for fewer accounts.
    pub fn with_lines(self, lines: usize) -> Self {
        Self { lines, ..self }
    }
}

/// One account.
#[derive(Debug, Serialize)]
struct LineWords {
    name: String,
    arr: Option<String>,
    /// Days to `deadline`, negative once past.
    days: Option<i64>,
    deadline: String,
    band: String,
    /// From 0 to 100.
    score: Option<String>,
    what: Option<String>,
    next_step: Option<String>,
    /// Further messages about it; `none` where there are none.
    others: Option<u32>,
}

/// What accounts have in common.
#[derive(Debug, Serialize)]
struct SharedWords {
    what: String,
    accounts: u32,
}

/// A source that is silent.
#[derive(Debug, Serialize)]
struct SourceWords {
    name: String,
    /// The last day it was heard, such as `2026-11-23`.
    last_heard_on: String,
    /// Within how many days it was expected to speak again.
    expected_every: u16,
}

/// The variables of a template; those of the other kinds of notice are `none` or 0.
#[derive(Debug, Default, Serialize)]
pub struct NoticeWords {
    /// The reader's day, such as `2026-11-23`.
    day: Option<String>,
    /// How many accounts it is about.
    accounts: u32,
    /// There are more than that.
    is_more: bool,
    red: u32,
    renewing: u32,
    /// Recurring revenue of all, `none` where nothing is known.
    arr: Option<String>,
    minutes: u32,
    measure: Option<SharedWords>,
    connection: Option<SharedWords>,
    source: Option<SourceWords>,
    lines: Vec<LineWords>,
    /// How many accounts have no line; `none` where all have.
    more: Option<u32>,
    play: Option<String>,
    as_of: String,
}

impl NoticeWords {
    /// The words for `notice`, within `limits`.
    pub fn of(notice: &Notice, limits: NoticeLimits) -> Self {
        let words = match &notice.body {
            NoticeBody::Digest(digest) => of_digest(digest, limits),
            NoticeBody::Surge(surge) => of_surge(surge, limits),
            NoticeBody::StartingBook(book) => of_book(book, limits),
            NoticeBody::SourceSilent(silent) => NoticeWords { source: Some(of_source(silent)), ..Self::default() },
        };
        Self { as_of: minute(notice.as_of), ..words }
    }

    /// How many accounts have a line.
    pub fn count(&self) -> usize {
        self.lines.len()
    }
}

fn of_source(silent: &SourceSilent) -> SourceWords {
    SourceWords {
        name: silent.source.to_string(),
        last_heard_on: silent.last_heard_on.to_string(),
        expected_every: silent.expected_every,
    }
}

fn of_digest(digest: &Digest, limits: NoticeLimits) -> NoticeWords {
    NoticeWords {
        day: Some(digest.day.to_string()),
        accounts: number(digest.entries.len()).saturating_add(digest.more),
        lines: digest.entries.iter().take(limits.lines).map(|entry| digest_line(entry, limits)).collect(),
        more: left_out(digest.entries.len(), digest.more, limits),
        ..NoticeWords::default()
    }
}

fn digest_line(entry: &DigestEntry, limits: NoticeLimits) -> LineWords {
    let line = &entry.line;
    LineWords {
        name: name(&line.name, line.account.as_str(), limits),
        arr: line.arr.map(|arr| arr.to_string()),
        days: entry.days_left,
        deadline: line.deadline.as_deref().and_then(|text| shown(text, DEADLINE)).unwrap_or_else(deadline),
        band: line.band.to_string(),
        score: None,
        what: shown(&line.what, limits.what),
        next_step: shown(&line.next_step, limits.next_step).filter(|_| limits.next_step > 0),
        others: Some(entry.others).filter(|others| *others > 0),
    }
}

fn of_surge(surge: &SurgeAlert, limits: NoticeLimits) -> NoticeWords {
    let shared = |what: &str, accounts| shown(what, limits.name).map(|what| SharedWords { what, accounts });
    let lines = surge.top.iter().take(limits.lines).map(|account| LineWords {
        name: name(&account.name, account.account.as_str(), limits),
        arr: account.arr.map(|arr| arr.to_string()),
        days: None,
        deadline: deadline(),
        band: "red".to_owned(),
        score: None,
        what: None,
        next_step: None,
        others: None,
    });
    NoticeWords {
        accounts: surge.accounts,
        is_more: surge.is_more,
        arr: revenue(&surge.arr),
        minutes: surge.minutes,
        measure: surge.measure.as_ref().and_then(|Shared { what, accounts }| shared(what, *accounts)),
        connection: surge.connection.as_ref().and_then(|Shared { what, accounts }| shared(what.as_str(), *accounts)),
        lines: lines.collect(),
        play: shown(surge.playbook.as_str(), limits.name),
        ..NoticeWords::default()
    }
}

fn of_book(book: &StartingBook, limits: NoticeLimits) -> NoticeWords {
    NoticeWords {
        day: Some(book.day.to_string()),
        accounts: book.accounts,
        red: book.red,
        renewing: book.renewing,
        lines: book.entries.iter().take(limits.lines).map(|entry| book_line(entry, limits)).collect(),
        more: left_out(book.entries.len(), book.more, limits),
        ..NoticeWords::default()
    }
}

fn book_line(entry: &BookEntry, limits: NoticeLimits) -> LineWords {
    let line = &entry.line;
    LineWords {
        name: name(&line.name, line.account.as_str(), limits),
        arr: line.arr.map(|arr| arr.to_string()),
        days: entry.days_left,
        deadline: entry
            .deadline
            .as_deref()
            .and_then(|text| shown(text, DEADLINE))
            .unwrap_or_else(|| "renewal".to_owned()),
        band: line.band.to_string(),
        score: line.score.map(|score: Score| score.to_string()),
        what: None,
        next_step: None,
        others: None,
    }
}

/// At most two currencies; more is no sum a reader takes in.
fn revenue(sums: &[Money]) -> Option<String> {
    let text = sums.iter().take(2).map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    (!text.is_empty()).then_some(text)
}

fn name(text: &str, account: &str, limits: NoticeLimits) -> String {
    shown(text, limits.name).or_else(|| shown(account, limits.name)).unwrap_or_else(|| "An account".into())
}

fn deadline() -> String {
    "deadline".to_owned()
}

fn left_out(entries: usize, more: u32, limits: NoticeLimits) -> Option<u32> {
    Some(number(entries.saturating_sub(limits.lines)).saturating_add(more)).filter(|more| *more > 0)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
