//! Slack: what people answer to our alerts by the buttons under them. What we know is in `README.md`.

mod payload;
mod signature;

use jiff::SignedDuration;
use model::{
    ActionId, AlertAnswer, Delivery, FactKey, Family, Field, Mapping, Moment, Normalized, QuarantineKind,
    QuarantinedItem, Signal, SignalKind, Statement, SubjectId, Tool, Value, Warning,
};

use crate::{Connector, DeliveryKey, Receiver, Refusal, Secrets, Unverified, Verified};
use payload::{At, Click, Payload, json_of};

/// The connector.
#[derive(Debug)]
pub(crate) struct Slack;

static TOOL: Tool = Tool {
    name: "slack",
    title: "Slack",
    family: Family::Slack,
    creates_accounts: false,
    accounts: None,
    objects: &[],
    api: None,
};

/// The JSON in a body of Slack's, where that is a form; [`Connector::normalize`] reads it by itself as well.
pub fn json_of_form(body: &[u8]) -> Option<Vec<u8>> {
    match json_of(body) {
        Ok(std::borrow::Cow::Owned(json)) => Some(json),
        Ok(std::borrow::Cow::Borrowed(_)) | Err(_) => None,
    }
}

/// The longest snooze that is understood.
const MOST_DAYS: i64 = 365;

impl Receiver for Slack {
    fn tool(&self) -> &'static Tool {
        &TOOL
    }

    fn verify<'a>(&self, request: &Unverified<'a>, secrets: &Secrets) -> Result<Verified<'a>, Refusal> {
        signature::verify(request, secrets)
    }

    /// Who clicked what and when, to the microsecond: the same click is the same delivery.
    fn delivery_key(&self, verified: &Verified<'_>) -> DeliveryKey {
        let key = json_of(verified.body).ok().and_then(|json| match Payload::read(&json) {
            Ok(Payload::Clicks { user, clicks }) => key_of(user?, &clicks),
            Ok(Payload::Other | Payload::Erased) | Err(_) => None,
        });
        key.map_or_else(|| DeliveryKey::of_body(verified.body), DeliveryKey::Vendor)
    }
}

impl Connector for Slack {
    fn normalize(&self, delivery: &Delivery, _: &Mapping) -> Normalized {
        let unreadable = |(reason, path): (String, &str)| {
            Normalized::quarantine(QuarantineKind::Unreadable, reason, path.to_owned())
        };
        let json = match json_of(&delivery.body) {
            Ok(json) => json,
            Err(reason) => return unreadable((reason, "$")),
        };
        match Payload::read(&json) {
            Ok(Payload::Clicks { user, clicks }) => {
                let mut out = Normalized::default();
                for click in &clicks {
                    said(user, click, &mut out);
                }
                out
            }
            Ok(Payload::Other) => {
                let message = "what is of this type is not used; buttons under alerts send `block_actions`";
                warned(message.to_owned(), "type".to_owned())
            }
            Ok(Payload::Erased) => Normalized::default(),
            Err(problem) => unreadable(problem),
        }
    }
}

fn warned(message: String, path: String) -> Normalized {
    Normalized { warnings: vec![Warning { message, path }], ..Normalized::default() }
}

/// `1548426417.840180~U024BE7LH~barometer_claim`, of one click; of several, of the first, and how many.
fn key_of(user: At<'_>, clicks: &[Click<'_>]) -> Option<String> {
    let [first, others @ ..] = clicks else { return None };
    let user = user.text().filter(|id| is_id(id))?;
    let at = first.at?.text().filter(|at| instant(at).is_some())?;
    let action = first.action.as_deref().filter(|action| AlertAnswer::of_element(action).is_some())?;
    let more = if others.is_empty() { String::new() } else { format!("~{}", clicks.len()) };
    let key = format!("{at}~{user}~{action}{more}");
    (key.len() <= 120).then_some(key)
}

/// An id of Slack's: letters and digits.
fn is_id(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Seconds with six decimals: the moment, and the microseconds of it that a moment does not hold.
fn instant(text: &str) -> Option<(Moment, u64)> {
    let (seconds, micros) = text.split_once('.')?;
    let is_plain = |part: &str| !part.is_empty() && part.len() <= 12 && part.bytes().all(|b| b.is_ascii_digit());
    if !is_plain(seconds) || micros.len() != 6 || !is_plain(micros) {
        return None;
    }
    let (seconds, micros): (i64, i64) = (seconds.parse().ok()?, micros.parse().ok()?);
    let at = Moment::from_millis(seconds.checked_mul(1_000)?.checked_add(micros / 1_000)?)?;
    Some((at, u64::try_from(micros % 1_000).ok()?))
}

/// What one click says. An element that is not ours says nothing: an app may have others.
fn said(user: Option<At<'_>>, click: &Click<'_>, out: &mut Normalized) {
    let place = |part: &str| format!("actions[{}].{part}", click.index);
    let mut odd = |kind, reason: &str, path: String| {
        out.quarantined.push(QuarantinedItem { kind, reason: reason.to_owned(), path });
    };
    let answer = click.action.as_deref().and_then(AlertAnswer::of_element);
    let Some((answer, (subject, alert))) = answer.zip(click.block.as_deref().and_then(AlertAnswer::of_block)) else {
        let message = "a click on something that Barometer did not make; nothing of it is used".to_owned();
        out.warnings.push(Warning { message, path: format!("actions[{}]", click.index) });
        return;
    };
    let at = click.at.and_then(|at| at.text()).and_then(|text| instant(&text));
    let Some((occurred_at, sequence)) = at else {
        odd(QuarantineKind::Unreadable, "expected seconds with six decimals, as text", place("action_ts"));
        return;
    };
    let statement = |field, value, path: String, at: At<'_>| Statement {
        field,
        value,
        occurred_at,
        sequence: Some(sequence),
        path,
        raw: Statement::cut_raw(at.raw.get()),
    };
    let who = |field| {
        let user = user?;
        let id = user.text().filter(|id| is_id(id))?;
        Some(statement(field, Value::Text(id), "user.id".to_owned(), user))
    };
    let mut statements = Vec::new();
    let chosen = click.chosen.and_then(|chosen| Some((chosen, chosen.text()?)));
    let by = match answer {
        AlertAnswer::Claim => Field::ClaimedBy,
        AlertAnswer::Task => Field::TaskWantedBy,
        AlertAnswer::Snooze => {
            let days = chosen.and_then(|(at, text)| Some((at, text.parse::<i64>().ok()?)));
            match days.filter(|(_, days)| (1..=MOST_DAYS).contains(days)) {
                Some((at, days)) => {
                    let until = Value::Moment(occurred_at.plus(SignedDuration::from_hours(24 * days)));
                    statements.push(statement(Field::SnoozedUntil, until, place("selected_option.value"), at));
                }
                None => odd(QuarantineKind::UnfitValue, "expected a number of days", place("selected_option.value")),
            }
            Field::SnoozedBy
        }
        AlertAnswer::Dismiss => {
            match chosen.filter(|(_, code)| is_reason(code)) {
                Some((at, code)) => {
                    let path = place("selected_option.value");
                    statements.push(statement(Field::Dismissed, Value::Text(code), path, at));
                }
                None => odd(QuarantineKind::UnfitValue, "expected a reason", place("selected_option.value")),
            }
            Field::DismissedBy
        }
    };
    match who(by) {
        Some(by) => statements.push(by),
        None => odd(QuarantineKind::Unreadable, "expected the Slack id of whoever clicked", "user.id".to_owned()),
    }
    if statements.is_empty() {
        return;
    }
    let signal = Signal {
        kind: SignalKind::AlertAnswered,
        subject: SubjectId::from_stored(subject),
        key: FactKey::Answer(ActionId::from_stored(alert)),
        statements,
    };
    out.signals.push(signal);
}

/// A reason as the menu names it.
fn is_reason(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
