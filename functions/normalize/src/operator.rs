//! What an operator's statement says: facts, links, and a row for the timeline of the account it is about.

use jiff::civil::Date;
use model::{
    Band, Delivery, FactKey, Field, LinkSays, Moment, Normalized, OperatorStatement, Signal, SignalKind, Statement,
    SubjectId, TimelineEntry, Value,
};

use crate::statements::{erased, link};

/// Facts and links.
pub(crate) fn normalized(delivery: &Delivery, statement: OperatorStatement) -> Normalized {
    let at = delivery.received_at;
    let signals = match statement {
        OperatorStatement::Mode { .. }
        | OperatorStatement::Pause
        | OperatorStatement::Resume
        | OperatorStatement::Note { .. } => vec![],
        OperatorStatement::OpenPlay { playbook, account, .. } => {
            let raw = playbook.to_string();
            let what = (SignalKind::PlayRequested, FactKey::PlayRequest(playbook));
            vec![request(what, account, at, ("open_play".into(), raw))]
        }
        OperatorStatement::ClosePlay { playbook, account, .. } => {
            let raw = playbook.to_string();
            let what = (SignalKind::PlayClosed, FactKey::PlayClose(playbook));
            vec![request(what, account, at, ("close_play".into(), raw))]
        }
        OperatorStatement::Sentiment { account, band, .. } => {
            let word = state(Field::Sentiment, Some(text(band.as_str())), at, "sentiment.band");
            vec![signal(SignalKind::SentimentSet, FactKey::Sentiment, account, vec![word])]
        }
        OperatorStatement::Override { account, band, until, why, by } => {
            vec![signal(SignalKind::OverrideSet, FactKey::Override, account, overridden(band, until, (why, by), at))]
        }
        OperatorStatement::Incident { account, until, why, by } => {
            let told = incident(until, (why, by), at);
            vec![signal(SignalKind::IncidentStated, FactKey::Incident, account, told)]
        }
        OperatorStatement::Link { subject, target } => {
            let link = link(subject, LinkSays::Manual { target }, at, "link".into());
            return Normalized { links: vec![link], ..Normalized::default() };
        }
        OperatorStatement::Erase { subjects } => return erased(subjects, at),
        OperatorStatement::Rescore { accounts } => {
            let signals = accounts.into_iter().enumerate().map(|(index, account)| {
                let stands = (format!("rescore.accounts[{index}]"), account.to_string());
                request((SignalKind::RescoreRequested, FactKey::Rescore), account, at, stands)
            });
            signals.collect()
        }
    };
    Normalized { signals, ..Normalized::default() }
}

/// All that is said of a band set by hand: what is left out is emptied, so that nothing of an earlier one is left.
fn overridden(
    band: Option<Band>,
    until: Option<Date>,
    (why, by): (Option<String>, Option<String>),
    at: Moment,
) -> Vec<Statement> {
    let band = band.map(|band| text(band.as_str()));
    let until = until.map(|day| (Value::Date(day), quoted(&day.to_string())));
    vec![
        state(Field::OverrideBand, band, at, "override.band"),
        state(Field::OverrideUntil, until, at, "override.until"),
        state(Field::OverrideWhy, why.as_deref().map(text), at, "override.why"),
        state(Field::OverrideBy, by.as_deref().map(text), at, "override.by"),
    ]
}

/// All that is said of an incident; without an end it is over.
fn incident(until: Option<Date>, (why, by): (Option<String>, Option<String>), at: Moment) -> Vec<Statement> {
    let until = until.map(|day| (Value::Date(day), quoted(&day.to_string())));
    vec![
        state(Field::IncidentUntil, until, at, "incident.until"),
        state(Field::IncidentWhy, why.as_deref().map(text), at, "incident.why"),
        state(Field::IncidentBy, by.as_deref().map(text), at, "incident.by"),
    ]
}

fn text(text: &str) -> (Value, String) {
    (Value::Text(text.to_owned()), quoted(text))
}

/// As it stands in the statement's bytes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn state(field: Field, told: Option<(Value, String)>, occurred_at: Moment, path: &str) -> Statement {
    let (value, raw) = told.unwrap_or_else(|| (Value::Cleared, String::new()));
    Statement { field, value, occurred_at, sequence: None, path: path.to_owned(), raw: Statement::cut_raw(&raw) }
}

/// An operator's request about an account; `stands` is where it stands in the statement, and the text there.
fn request(
    (kind, key): (SignalKind, FactKey),
    account: SubjectId,
    occurred_at: Moment,
    (path, raw): (String, String),
) -> Signal {
    let (field, value) = (Field::At, Value::Moment(occurred_at));
    signal(kind, key, account, vec![Statement { field, value, occurred_at, sequence: None, path, raw }])
}

fn signal(kind: SignalKind, key: FactKey, subject: SubjectId, statements: Vec<Statement>) -> Signal {
    Signal { kind, subject, key, statements }
}

/// What is said of one account, for people: the account, the kind of row, and the sentence. `None` for what is about several
/// accounts or none.
pub fn said(statement: &OperatorStatement) -> Option<(&SubjectId, &'static str, String)> {
    let who = |by: &Option<String>| by.clone().unwrap_or_else(|| "An operator".to_owned());
    let because = |why: &Option<String>| why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    Some(match statement {
        OperatorStatement::OpenPlay { playbook, account, by } => {
            (account, "play_asked", format!("{} asked for {playbook}", who(by)))
        }
        OperatorStatement::ClosePlay { playbook, account, why, by } => {
            (account, "play_closed", format!("{} closed {playbook} by hand{}", who(by), because(why)))
        }
        OperatorStatement::Note { account, text, by } => (account, "note", format!("{} noted: {text}", who(by))),
        OperatorStatement::Sentiment { account, band, by } => {
            (account, "sentiment", format!("{} says that it feels {band}", who(by)))
        }
        OperatorStatement::Override { account, band: Some(band), until, why, by } => {
            let until = until.map(|day| format!(" until {day}")).unwrap_or_default();
            (account, "override", format!("{} set the band to {band}{until}{}", who(by), because(why)))
        }
        OperatorStatement::Override { account, band: None, by, .. } => {
            (account, "override", format!("{} let the score's band count again", who(by)))
        }
        OperatorStatement::Incident { account, until: Some(until), why, by } => (
            account,
            "incident",
            format!("{} says that an incident of ours troubles it until {until}{}", who(by), because(why)),
        ),
        OperatorStatement::Incident { account, until: None, by, .. } => {
            (account, "incident", format!("{} says that no incident of ours troubles it any more", who(by)))
        }
        OperatorStatement::Mode { .. }
        | OperatorStatement::Pause
        | OperatorStatement::Resume
        | OperatorStatement::Link { .. }
        | OperatorStatement::Erase { .. }
        | OperatorStatement::Rescore { .. } => return None,
    })
}

/// The row of the timeline that a delivery of an operator is told by.
pub(crate) fn timeline(delivery: &Delivery, statement: &OperatorStatement) -> Option<TimelineEntry> {
    let (account, kind, text) = said(statement)?;
    Some(TimelineEntry {
        account: account.clone(),
        at: delivery.received_at,
        id: format!("said~{}", delivery.id),
        kind: kind.to_owned(),
        text,
        delivery: Some(delivery.id.clone()),
        event: None,
    })
}
