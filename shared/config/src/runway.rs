//! `[trigger.renewal]` of a playbook: when a renewal is prepared, and what is said on the way.

use jiff::civil::{Time, time};
use model::{ActionKind, ActionRequest};
use serde::Deserialize;
use toml::Spanned;

use crate::reading::Reader;

/// The way through a renewal, counted back from the last day for giving notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runway {
    /// What comes when: at least one, the most days first.
    pub checkpoints: Vec<Checkpoint>,
    /// The hour at which a checkpoint comes, where the owner is.
    pub at: Time,
    /// What is shorter is no contract: a trial, or a month that is billed of a longer one.
    pub min_term_days: i64,
    /// The checkpoint, in days, to which several risks at once pull an account; `None`: they pull none.
    pub compound_risk: Option<u16>,
    /// So many days before the end they begin to.
    pub compound_within_days: i64,
    /// A day that moves later by so many days or more is the end of the next term.
    pub renewed_from_days: i64,
    /// A checkpoint that was said is said again only for a moment more than so many days later.
    pub repeat_after_days: i64,
    /// What to do once the last day for giving notice has passed without notice.
    pub locked_in: String,
    /// What to do once a term has ended and nobody decided.
    pub past_due: String,
}

/// One step on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Days before the last day for giving notice; unique.
    pub days: u16,
    /// What to do for an account in good health.
    pub healthy: String,
    /// What to do for one at risk.
    pub at_risk: String,
}

impl Runway {
    /// The checkpoint so many days before the deadline.
    pub fn checkpoint(&self, days: u16) -> Option<&Checkpoint> {
        self.checkpoints.iter().find(|checkpoint| checkpoint.days == days)
    }

    /// The names of its steps: the days of the checkpoints, and what follows them.
    pub fn steps(&self) -> impl Iterator<Item = String> {
        let days = self.checkpoints.iter().map(|checkpoint| checkpoint.days.to_string());
        days.chain([Self::LOCKED_IN.to_owned(), Self::PAST_DUE.to_owned()])
    }

    /// The message tells of a step: one message for each `EventBody::CheckpointReached`. What else is said in the thread of
    /// a renewal, such as that its day moved, is named otherwise.
    pub fn is_reminder(message: &ActionRequest) -> bool {
        let step = message.step.split_once('~').map(|(step, _)| step);
        let is_step = |step: &str| [Self::LOCKED_IN, Self::PAST_DUE].contains(&step) || step.parse::<u16>().is_ok();
        message.kind == ActionKind::SlackAlert && step.is_some_and(is_step)
    }

    /// The step after the last day for giving notice.
    pub const LOCKED_IN: &'static str = "locked_in";
    /// The step after the end of the term.
    pub const PAST_DUE: &'static str = "past_due";
}

/// When a checkpoint comes unless the file says otherwise: work begins then.
const AT: Time = time(9, 0, 0, 0);
/// A contract is half a year or longer, unless the file says otherwise.
const MIN_TERM_DAYS: i64 = 180;
/// Where several risks at once pull an account, where there is such a checkpoint and the file does not say.
const COMPOUND_RISK: u16 = 90;
/// How long before the end several risks at once count together, unless the file says otherwise: half a year is when a
/// renewal is decided.
const COMPOUND_WITHIN_DAYS: i64 = 180;
/// A day so much later is another term, unless the file says otherwise: nobody prolongs by nine months.
const RENEWED_FROM_DAYS: i64 = 270;
/// A checkpoint is worth repeating for a day so much later, unless the file says otherwise: within a month it still holds.
const REPEAT_AFTER_DAYS: i64 = 30;
/// The earliest checkpoint: more than two years ahead is another term.
const MOST_DAYS: u16 = 730;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct RenewalTable {
    checkpoint: Vec<CheckpointTable>,
    #[serde(default)]
    at: Option<Spanned<String>>,
    #[serde(default)]
    min_term: Option<Spanned<String>>,
    #[serde(default)]
    compound_risk: Option<Spanned<i64>>,
    #[serde(default)]
    compound_within: Option<Spanned<String>>,
    #[serde(default)]
    renewed_from: Option<Spanned<String>>,
    #[serde(default)]
    repeat_after: Option<Spanned<String>>,
    locked_in: Spanned<String>,
    past_due: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct CheckpointTable {
    days: Spanned<i64>,
    healthy: Spanned<String>,
    at_risk: Spanned<String>,
}

/// Checks the table that stands at `span`.
pub(crate) fn read(reader: &mut Reader<'_>, table: &RenewalTable, span: std::ops::Range<usize>) -> Runway {
    let mut checkpoints: Vec<Checkpoint> = Vec::new();
    for written in &table.checkpoint {
        let days = checkpoint_days(reader, &written.days);
        if checkpoints.iter().any(|other| other.days == days) {
            reader.wrong(written.days.span(), format!("there are two checkpoints at {days} days"), None);
        }
        let (healthy, at_risk) = (reader.words(&written.healthy), reader.words(&written.at_risk));
        checkpoints.push(Checkpoint { days, healthy, at_risk });
    }
    if checkpoints.is_empty() {
        reader.wrong(span, "there is no checkpoint, so it would never start", None);
    }
    checkpoints.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.days));
    let is_one = |days: u16| checkpoints.iter().any(|checkpoint| checkpoint.days == days);
    let compound_risk = match &table.compound_risk {
        Some(written) => {
            let days = checkpoint_days(reader, written);
            if !is_one(days) {
                reader.wrong(written.span(), format!("there is no checkpoint at {days} days"), None);
            }
            Some(days)
        }
        None => Some(COMPOUND_RISK).filter(|days| is_one(*days)),
    };
    let mut days = |text: &Option<Spanned<String>>, usual| text.as_ref().map_or(usual, |text| whole_days(reader, text));
    let (min_term_days, compound_within_days) =
        (days(&table.min_term, MIN_TERM_DAYS), days(&table.compound_within, COMPOUND_WITHIN_DAYS));
    let (renewed_from_days, repeat_after_days) =
        (days(&table.renewed_from, RENEWED_FROM_DAYS), days(&table.repeat_after, REPEAT_AFTER_DAYS));
    Runway {
        at: table.at.as_ref().map_or(AT, |at| hour(reader, at)),
        min_term_days,
        compound_risk,
        compound_within_days,
        renewed_from_days,
        repeat_after_days,
        locked_in: reader.words(&table.locked_in),
        past_due: reader.words(&table.past_due),
        checkpoints,
    }
}

fn whole_days(reader: &mut Reader<'_>, text: &Spanned<String>) -> i64 {
    reader.duration(text).as_hours() / 24
}

fn checkpoint_days(reader: &mut Reader<'_>, written: &Spanned<i64>) -> u16 {
    match u16::try_from(*written.get_ref()) {
        Ok(days @ 1..=MOST_DAYS) => days,
        Ok(_) | Err(_) => {
            reader.wrong(written.span(), format!("a checkpoint is 1 to {MOST_DAYS} days before the deadline"), None);
            1
        }
    }
}

fn hour(reader: &mut Reader<'_>, written: &Spanned<String>) -> Time {
    let text = written.get_ref();
    let is_plain = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
    text.parse().ok().filter(|_| is_plain).unwrap_or_else(|| {
        let help = "hours and minutes, such as `09:00`".to_owned();
        reader.wrong(written.span(), format!("`{text}` is not a time of day"), help);
        AT
    })
}
