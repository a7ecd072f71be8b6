//! What is left of a body that speaks of somebody who is forgotten. Plain computation.

use std::borrow::Cow;
use std::collections::BTreeSet;

use config::Config;
use model::{Delivery, Family, Link, LinkSays, Normalized, OperatorStatement, SubjectId, Target};
use normalize::{ERASED_BODY, normalized, said};
use serde_json::value::RawValue;

/// What stands where an address stood in what is about somebody else.
const ERASED_TEXT: &str = "[erased]";

/// What an erasure makes of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Redacted {
    /// It says nothing of them.
    Untouched,
    /// It is about them: all of it goes.
    Whole,
    /// A part of it is: this is left.
    Part(Vec<u8>),
}

/// What is left of a delivery's body once `theirs` are forgotten.
///
/// Of a list each element is judged by itself, and what is about others stays byte for byte. Where somebody else's record
/// names an address of theirs, the address goes. What is not understood at all goes when it names the address.
pub(super) fn redacted(delivery: &Delivery, theirs: &BTreeSet<SubjectId>, config: &Config) -> Redacted {
    if is_stub(&delivery.body) {
        return Redacted::Untouched;
    }
    if delivery.family == Family::Operator {
        return redacted_words(delivery, theirs);
    }
    // In a form an address is written otherwise; what is left of it is the JSON that it held.
    let form = (delivery.family == Family::Slack).then(|| connectors::json_of_form(&delivery.body)).flatten();
    let plain;
    let delivery = match form {
        Some(body) => {
            plain = Delivery { body, ..delivery.clone() };
            &plain
        }
        None => delivery,
    };
    let Ok(elements) = serde_json::from_slice::<Vec<&RawValue>>(&delivery.body) else {
        return match judged(delivery, &delivery.body, theirs, config) {
            Judged::Theirs => Redacted::Whole,
            Judged::Others(text) if text.as_bytes() != delivery.body => Redacted::Part(text.into_owned().into_bytes()),
            Judged::Others(_) => Redacted::Untouched,
        };
    };
    let mut changed = false;
    let left: Vec<Cow<'_, str>> = elements
        .iter()
        .map(|element| {
            let element = element.get();
            let alone = format!("[{element}]");
            match judged(delivery, alone.as_bytes(), theirs, config) {
                _ if is_stub(element.as_bytes()) => Cow::Borrowed(element),
                Judged::Theirs => {
                    changed = true;
                    String::from_utf8_lossy(ERASED_BODY)
                }
                Judged::Others(text) if text != alone => {
                    changed = true;
                    Cow::Owned(text[1..text.len() - 1].to_owned())
                }
                Judged::Others(_) => Cow::Borrowed(element),
            }
        })
        .collect();
    if changed { Redacted::Part(format!("[{}]", left.join(",")).into_bytes()) } else { Redacted::Untouched }
}

/// What operators state about subjects, a replay must know of. What they write about an account may name an address.
fn redacted_words(delivery: &Delivery, theirs: &BTreeSet<SubjectId>) -> Redacted {
    let statement = serde_json::from_slice::<OperatorStatement>(&delivery.body);
    if !statement.is_ok_and(|statement| said(&statement).is_some()) {
        return Redacted::Untouched;
    }
    let before = String::from_utf8_lossy(&delivery.body).into_owned();
    let mut left = before.clone();
    for address in theirs.iter().filter_map(SubjectId::as_email) {
        left = without(&left, address).unwrap_or(left);
    }
    if left == before { Redacted::Untouched } else { Redacted::Part(left.into_bytes()) }
}

/// It is about one of `theirs`, as it was journaled.
pub(super) fn speaks_of(delivery: &Delivery, theirs: &BTreeSet<SubjectId>, config: &Config) -> bool {
    redacted(delivery, theirs, config) != Redacted::Untouched
}

/// Something was taken out of it for somebody who was forgotten.
pub(super) fn is_rewritten(body: &[u8]) -> bool {
    let has = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
    has(ERASED_BODY) || has(ERASED_TEXT.as_bytes())
}

fn is_stub(body: &[u8]) -> bool {
    body.trim_ascii() == ERASED_BODY
}

enum Judged<'a> {
    /// About one of them, or not understood and naming one of them.
    Theirs,
    /// About others, without the addresses.
    Others(Cow<'a, str>),
}

fn judged<'a>(delivery: &Delivery, body: &'a [u8], theirs: &BTreeSet<SubjectId>, config: &Config) -> Judged<'a> {
    let alone = Delivery { body: body.to_vec(), ..delivery.clone() };
    let said = normalized(&alone, config);
    if mentions(&alone, &said, theirs) {
        return Judged::Theirs;
    }
    let text = String::from_utf8_lossy(body);
    let mut left = text.clone();
    for address in theirs.iter().filter_map(SubjectId::as_email) {
        if let Some(without) = without(&left, address) {
            left = Cow::Owned(without);
        }
    }
    let is_understood = !said.signals.is_empty() || !said.links.is_empty();
    if left != text && !is_understood { Judged::Theirs } else { Judged::Others(left) }
}

fn mentions(delivery: &Delivery, said: &Normalized, theirs: &BTreeSet<SubjectId>) -> bool {
    let signals = said.signals.iter().map(|signal| &signal.subject);
    let links = said.links.iter().flat_map(named_by);
    // A body that only names an object, and the object itself when it was fetched.
    let fetched = said.fetches.iter().map(|wanted| wanted.object.as_str());
    let fetched = fetched.chain(delivery.headers.get(connectors::FETCHED).map(String::as_str));
    let is_theirs = |object: &str| {
        theirs.iter().filter_map(SubjectId::parts).any(|(tool, kind, id)| {
            delivery.connection.as_str().starts_with(tool) && object.split_once('/') == Some((kind, id))
        })
    };
    signals.chain(links).any(|subject| theirs.contains(subject)) || fetched.into_iter().any(is_theirs)
}

/// Every subject that a link is about or names.
pub(super) fn named_by(link: &Link) -> Vec<&SubjectId> {
    let named: Vec<&SubjectId> = match &link.says {
        LinkSays::Own { target, .. } => target.iter().collect(),
        LinkSays::Association { other, .. } => vec![other],
        LinkSays::List { listed, .. } => listed.iter().collect(),
        LinkSays::Manual { target: Some(Target::Subject(target)) } => vec![target],
        LinkSays::Manual { target: Some(Target::Alone) | None } | LinkSays::Gone { .. } | LinkSays::Erased => vec![],
    };
    [&link.subject].into_iter().chain(named).collect()
}

/// `text` without `address`, which is lower-case, in any case; `None` when it is not in it.
fn without(text: &str, address: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut left = String::new();
    let mut from = 0;
    for (at, _) in lower.match_indices(address) {
        // Longer addresses end or begin with shorter ones: `joann@acme.example` is somebody else.
        let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
        let before = text[..at].chars().next_back().is_some_and(part);
        let mut after = text[at + address.len()..].chars();
        let after = after.next().is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
            || (text[at + address.len()..].starts_with('.') && after.next().is_some_and(char::is_alphanumeric));
        if !before && !after {
            left.push_str(&text[from..at]);
            left.push_str(ERASED_TEXT);
            from = at + address.len();
        }
    }
    (from > 0).then(|| left + &text[from..])
}
