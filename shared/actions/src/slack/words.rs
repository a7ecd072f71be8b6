//! What a template may say about an alert: every value cleaned, cut to length, and `none` when there is nothing to say.

use model::{ActionRequest, AlertChange, Answered, Band, Moment, Owner, Score, SubjectId, is_member_id};
use serde::Serialize;

use super::text::{clean, shown};

/// The longest values, in characters.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Names of accounts, people, plays and measures.
    name: usize,
    /// Values of measures.
    value: usize,
    /// Sentences: next step, reasons.
    sentence: usize,
    /// Paths in a vendor's body.
    path: usize,
    /// A vendor's bytes.
    raw: usize,
}

impl Limits {
    /// Tried in turn until the message is short enough. The first keeps every ordinary value whole; with the last the
    /// shipped templates stay within a message whatever the values are.
    pub const STEPS: [Self; 5] = [
        Self { name: 120, value: 60, sentence: 240, path: 160, raw: 256 },
        Self { name: 80, value: 40, sentence: 160, path: 80, raw: 120 },
        Self { name: 48, value: 24, sentence: 100, path: 48, raw: 48 },
        Self { name: 24, value: 16, sentence: 60, path: 32, raw: 24 },
        Self { name: 16, value: 10, sentence: 32, path: 16, raw: 12 },
    ];
}

/// A value before and now.
#[derive(Debug, Serialize)]
pub struct FromTo {
    from: Option<String>,
    to: Option<String>,
    /// Both in one phrase: `71 → 38`, `38` where it did not move, `none` where neither is known.
    moved: Option<String>,
}

impl FromTo {
    fn new(from: Option<String>, to: Option<String>) -> Self {
        let moved = match (&from, &to) {
            (Some(from), Some(to)) if from != to => Some(format!("{from} → {to}")),
            (_, Some(to)) => Some(to.clone()),
            (Some(from), None) => Some(format!("not known, was {from}")),
            (None, None) => None,
        };
        Self { from, to, moved }
    }
}

/// One measure that moved.
#[derive(Debug, Serialize)]
pub struct ChangeWords {
    measure: String,
    value: FromTo,
    /// Basis points; the filter `points` writes them.
    change: i32,
    path: Option<String>,
    raw: Option<String>,
}

/// Who looks after the account.
#[derive(Debug, Serialize)]
pub struct OwnerWords {
    name: String,
    reason: Option<String>,
}

/// What somebody answered.
#[derive(Debug, Serialize)]
pub struct AnsweredWords {
    /// `claim`, `snooze`, `dismiss` or `task`.
    is: &'static str,
    /// Their name, else their Slack id: the filter `person` makes a mention of that.
    by: String,
    /// Until when, why, or which task.
    what: Option<String>,
}

/// The variables of a template.
#[derive(Debug, Serialize)]
pub struct Words {
    name: String,
    arr: Option<String>,
    renews_on: Option<String>,
    /// Days to `deadline`, negative once past; the filter `days` writes them without the sign.
    days: Option<i64>,
    deadline: String,
    band: FromTo,
    score: FromTo,
    /// The band is better than it was.
    improved: bool,
    changes: Vec<ChangeWords>,
    play: Option<String>,
    next_step: Option<String>,
    /// What else the step says.
    text: Option<String>,
    /// Why it matters.
    why: Option<String>,
    /// What is to be reached in the end.
    goal: Option<String>,
    /// The border that was crossed.
    threshold: Option<String>,
    /// What is usual for the account.
    baseline: Option<String>,
    /// By when the next step is due.
    due: Option<String>,
    owner_before: Option<String>,
    /// What somebody answered by a button.
    answered: Option<AnsweredWords>,
    owner: Option<OwnerWords>,
    /// No thread above it tells what it is about.
    alone: bool,
    /// Why the message goes where it goes.
    reason: Option<String>,
    /// The command that explains the score.
    explain: Option<String>,
    as_of: String,
}

impl Words {
    /// The words for `request`, none longer than `limits` allow; it stands in no thread where it is `alone`.
    pub fn of(request: &ActionRequest, alone: bool, limits: Limits) -> Self {
        let alert = &request.alert;
        let name = |text: &str| shown(text, limits.name);
        let sentence = |text: &Option<String>| text.as_deref().and_then(|text| shown(text, limits.sentence));
        let band = |band: Band| Some(band.to_string());
        let score = |score: Option<Score>| score.map(|score| score.to_string());
        Self {
            name: name(&alert.name).or_else(|| name(alert.account.as_str())).unwrap_or_else(|| "An account".into()),
            arr: alert.arr.map(|money| money.to_string()),
            renews_on: alert.renews_on.map(|day| day.to_string()),
            days: alert.days_to_deadline,
            deadline: alert
                .deadline
                .as_deref()
                .and_then(|text| shown(text.trim_start_matches("the "), limits.value))
                .unwrap_or_else(|| "deadline".into()),
            band: FromTo::new(band(alert.band.0), band(alert.band.1)),
            score: FromTo::new(score(alert.score.0), score(alert.score.1)),
            improved: alert.band.1 != Band::Unknown && alert.band.1 < alert.band.0,
            changes: alert.changes.iter().take(3).map(|change| change_words(change, limits)).collect(),
            play: name(&alert.playbook).or_else(|| name(request.playbook.as_str())),
            next_step: shown(&alert.next_step, limits.sentence),
            text: sentence(&alert.text),
            why: sentence(&alert.why),
            goal: sentence(&alert.goal),
            threshold: sentence(&alert.threshold),
            baseline: sentence(&alert.baseline),
            due: sentence(&alert.due),
            owner_before: alert.owner_before.as_deref().and_then(name),
            answered: alert.answered.as_ref().map(|answered| answered_words(answered, limits)),
            owner: alert.owner.as_ref().and_then(|owner| owner_words(owner, limits)),
            alone,
            reason: shown(&request.to.reason, limits.sentence),
            explain: explain(&alert.account),
            as_of: minute(alert.as_of),
        }
    }
}

fn change_words(change: &AlertChange, limits: Limits) -> ChangeWords {
    let optional = |text: &Option<String>, max| text.as_deref().and_then(|text| shown(text, max));
    ChangeWords {
        measure: shown(&change.measure, limits.name).unwrap_or_else(|| "A measure".into()),
        value: FromTo::new(optional(&change.from, limits.value), optional(&change.to, limits.value)),
        change: change.change,
        path: optional(&change.path, limits.path),
        raw: optional(&change.raw, limits.raw),
    }
}

fn answered_words(answered: &Answered, limits: Limits) -> AnsweredWords {
    let shown = |text: &Option<String>, max| text.as_deref().and_then(|text| shown(text, max));
    // An id that is cut is nobody's.
    let id = answered.by.as_ref().filter(|id| is_member_id(id)).cloned();
    AnsweredWords {
        is: answered.answer.as_str(),
        by: shown(&answered.name, limits.name).or(id).unwrap_or_else(|| "Somebody".to_owned()),
        what: shown(&answered.what, limits.sentence),
    }
}

fn owner_words(owner: &Owner, limits: Limits) -> Option<OwnerWords> {
    let name = shown(&owner.name, limits.name).or_else(|| shown(owner.email.as_deref()?, limits.name))?;
    Some(OwnerWords { name, reason: shown(&owner.reason, limits.sentence) })
}

/// The longest account that is put into a command.
const MAX_EXPLAINED: usize = 80;

/// The command for a terminal. People paste it, and the account's id holds what a vendor sent: it is quoted for a
/// shell, and left out where quoting cannot keep it whole and readable.
pub(crate) fn explain(account: &SubjectId) -> Option<String> {
    let id = account.as_str();
    if id.is_empty() || id.chars().count() > MAX_EXPLAINED || clean(id) != id || id.contains(['\'', '`']) {
        return None;
    }
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || ":._@/-".contains(c)) && !id.starts_with('-');
    Some(if plain { format!("barometer explain {id}") } else { format!("barometer explain -- '{id}'") })
}

/// `2026-11-21 09:00 UTC`.
pub(crate) fn minute(at: Moment) -> String {
    let text = at.to_string();
    format!("{} {} UTC", &text[..10], &text[11..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(account: &str, expected: Option<&str>) {
        assert_eq!(explain(&SubjectId::from_stored(account)).as_deref(), expected, "{account}");
    }

    #[test]
    fn the_command_can_be_pasted_whatever_the_vendor_calls_the_account() {
        check("hubspot:company:4711", Some("barometer explain hubspot:company:4711"));
        check("hubspot:company:$(reboot)", Some("barometer explain -- 'hubspot:company:$(reboot)'"));
        check("-rf", Some("barometer explain -- '-rf'"));
        check("a'; reboot; '", None);
        check("a\nreboot", None);
        check("", None);
    }
}
