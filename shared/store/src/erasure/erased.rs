//! What an erasure takes out of what was asked for, sent and is still to be told: plain computation over JSON.

use std::collections::BTreeSet;

use model::{DeliveryId, EpisodeKey, SubjectId};
use serde_json::{Map, Value};

/// What stands in place of a text that spoke of an erased person.
pub(crate) const ERASED: &str = "(erased)";

/// Fields that name things to the store, and say what kind they are. They stay: with them, doing a thing twice is doing it
/// once.
const NAMES: [&str; 17] = [
    "account", "action", "contact", "delivery", "episode", "event", "home", "id", "key", "kind", "pk", "playbook",
    "reply_to", "sk", "step", "type", "under",
];
/// Sentences about what happened: where that was about somebody who is forgotten they go, whomever they name.
const SENTENCES: [&str; 3] = ["text", "what", "why"];
/// What was said, where it stands beside the delivery that said it.
const SAID: [&str; 3] = ["from", "to", "raw"];

/// Who is forgotten, as rows speak of them.
#[derive(Debug, Clone, Default)]
pub struct Erased {
    /// The deliveries that spoke of them.
    pub deliveries: BTreeSet<DeliveryId>,
    /// Their addresses, in lower case.
    pub addresses: Vec<String>,
    /// Every subject of theirs: episodes that live there, or are about one, are about them.
    pub subjects: BTreeSet<SubjectId>,
}

impl Erased {
    /// A text names one of their addresses.
    pub fn is_named_in(&self, text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        self.addresses.iter().any(|address| stands_alone(&lower, address))
    }

    /// Somewhere in it stands one of their addresses, a subject of theirs, or a delivery that spoke of them.
    pub fn is_spoken_of_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => {
                self.is_named_in(text)
                    || self.subjects.iter().any(|subject| text.contains(subject.as_str()))
                    || self.deliveries.iter().any(|delivery| text.contains(delivery.as_str()))
            }
            Value::Array(all) => all.iter().any(|one| self.is_spoken_of_in(one)),
            Value::Object(fields) => fields.values().any(|one| self.is_spoken_of_in(one)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Something in it comes of what was said of them, or names them.
    pub fn concerns(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => match nested(text) {
                Some(nested) => self.concerns(&nested),
                None => self.is_named_in(text),
            },
            Value::Array(all) => all.iter().any(|one| self.concerns(one)),
            Value::Object(fields) => {
                let told = fields.iter().filter(|(name, _)| !NAMES.contains(&name.as_str()));
                self.is_cited(fields) || told.map(|(_, value)| value).any(|value| self.concerns(value))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Takes it out; ids stay.
    pub fn take_out(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(mut nested) = nested(text) {
                    if self.concerns(&nested) {
                        self.take_out(&mut nested);
                        *text = nested.to_string();
                    }
                } else if self.is_named_in(text) {
                    ERASED.clone_into(text);
                }
            }
            // Of a list only those that are about them.
            Value::Array(all) => all.iter_mut().filter(|one| self.concerns(one)).for_each(|one| self.take_out(one)),
            Value::Object(fields) => {
                let is_change = self.is_cited(fields) && fields.contains_key("measure");
                // Why somebody gets a message names them.
                let is_reader = fields.get("address").and_then(Value::as_str).is_some_and(|to| self.is_named_in(to));
                for (name, value) in fields.iter_mut().filter(|(name, _)| !NAMES.contains(&name.as_str())) {
                    let goes = SENTENCES.contains(&name.as_str())
                        || (is_change && SAID.contains(&name.as_str()))
                        || (is_reader && name == "reason");
                    match value {
                        Value::String(text) if goes => ERASED.clone_into(text),
                        // What people call the reader of a mail.
                        Value::Object(mail) if name == "email" => {
                            if let Some(Value::String(called)) = mail.get_mut("name") {
                                ERASED.clone_into(called);
                            }
                            self.take_out(value);
                        }
                        _ => self.take_out(value),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn is_cited(&self, fields: &Map<String, Value>) -> bool {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        text("delivery").is_some_and(|id| self.deliveries.contains(&DeliveryId::from_stored(id)))
            || text("home").is_some_and(|home| self.subjects.contains(&SubjectId::from_stored(home)))
            || text("episode").is_some_and(|episode| self.is_run_about(episode))
    }

    /// The row of an episode says that it is about one of their subjects.
    fn is_run_about(&self, episode: &str) -> bool {
        episode.split('#').any(|part| self.subjects.contains(&SubjectId::from_stored(part)))
    }

    /// An episode is theirs: it lives with them, or is about something they said.
    pub(crate) fn owns(&self, key: &EpisodeKey) -> bool {
        self.subjects.contains(&key.home)
            || self.is_run_about(&key.row())
            || self.deliveries.contains(&key.cause.delivery)
    }
}

/// An event within a message or a row is a text of its own.
fn nested(text: &str) -> Option<Value> {
    text.starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
}

/// Longer addresses end or begin with shorter ones: `joann@acme.example` is somebody else.
fn stands_alone(text: &str, address: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    text.match_indices(address).any(|(at, _)| {
        let mut after = text[at + address.len()..].chars();
        let next = after.next();
        let goes_on = next.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
            || (next == Some('.') && after.next().is_some_and(char::is_alphanumeric));
        !text[..at].chars().next_back().is_some_and(part) && !goes_on
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ann() -> Erased {
        let deliveries = BTreeSet::from([DeliveryId::from_stored("typeform:1")]);
        let subjects = BTreeSet::from([SubjectId::vendor("typeform", "response", "9")]);
        Erased { deliveries, addresses: vec!["ann@acme.example".to_owned()], subjects }
    }

    #[test]
    fn what_she_said_and_her_name_go_and_ids_stay() {
        let mut request = json!({
            "id": "5f", "home": "email:ann@acme.example", "to": { "address": "Ann@Acme.example", "reason": "the sponsor" },
            "alert": {
                "name": "Acme", "text": "Call back.", "owner": { "name": "Ines", "reason": "the CRM" },
                "changes": [
                    { "measure": "Wrote", "from": null, "to": "canary", "raw": "canary", "delivery": "typeform:1" },
                    { "measure": "Seats", "from": "3", "to": "4", "raw": "4", "delivery": "crm:1" },
                ],
            },
            "email": { "name": "Ann", "contact": "hubspot:contact:5" },
        });
        assert!(ann().concerns(&request));
        ann().take_out(&mut request);
        assert_eq!(
            request,
            json!({
                "id": "5f", "home": "email:ann@acme.example", "to": { "address": ERASED, "reason": ERASED },
                "alert": {
                    "name": "Acme", "text": ERASED, "owner": { "name": "Ines", "reason": "the CRM" },
                    "changes": [
                        { "measure": "Wrote", "from": null, "to": ERASED, "raw": ERASED, "delivery": "typeform:1" },
                        { "measure": "Seats", "from": "3", "to": "4", "raw": "4", "delivery": "crm:1" },
                    ],
                },
                "email": { "name": ERASED, "contact": "hubspot:contact:5" },
            })
        );
    }

    #[test]
    fn what_is_about_others_stays() {
        for other in [
            json!({ "text": "joann@acme.example wrote" }),
            json!({ "text": "ann@acme.example.org" }),
            json!({ "home": "email:ann@acme.example", "why": "red" }),
            json!({ "cause": { "delivery": "typeform:2" }, "why": "somebody answered" }),
        ] {
            assert!(!ann().concerns(&other), "{other}");
        }
        for hers in [
            json!({ "home": "typeform:response:9", "why": "somebody answered 2 of 10" }),
            json!({ "episode": "PLAY#detractor#typeform:response:9#1", "what": "NPS answer 2" }),
            json!({ "cause": { "delivery": "typeform:1" }, "why": "somebody answered" }),
        ] {
            assert!(ann().concerns(&hers), "{hers}");
        }
        assert!(ann().concerns(&json!({ "body": json!({ "detail": { "why": "ann@acme.example." } }).to_string() })));
    }
}
