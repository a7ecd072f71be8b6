//! Deliveries, what an operator states, and the switches that follow from it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{BadId, Band, ConnectionName, DeliveryId, Family, Moment, PlaybookName, QuarantineKind, SubjectId, Target};

/// One request from one connection, byte for byte, as the journal keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its key; the journal's total order is (received_at, id).
    pub id: DeliveryId,
    /// Who sent it.
    pub connection: ConnectionName,
    /// The connection's family.
    pub family: Family,
    /// When the gateway received it.
    pub received_at: Moment,
    /// SHA-256 of the body, 64 hexadecimal digits; less what the vendor changes from one attempt to the next.
    pub body_sha256: String,
    /// The headers a connector needs later, lower-case names; never a signature or a token.
    pub headers: BTreeMap<String, String>,
    /// The body as it was sent.
    pub body: Vec<u8>,
    /// Set when the vendor used one delivery key for different bytes: the delivery that came first.
    pub same_key_as: Option<DeliveryId>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies hold personal data and stay out of every log line.
        write!(f, "Delivery({}, {} bytes at {})", self.id, self.body.len(), self.received_at)
    }
}

/// A delivery, or an item of one, that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The delivery that holds the bytes.
    pub delivery: DeliveryId,
    /// Who sent it.
    pub connection: ConnectionName,
    /// When it was received.
    pub received_at: Moment,
    /// Why, for counting.
    #[serde(default)]
    pub kind: QuarantineKind,
    /// Why, with what was expected.
    pub reason: String,
    /// Where in the body.
    pub path: String,
}

/// How far a playbook's messages to one destination go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Everything is computed, claimed and rendered; nothing leaves. The state of everything new.
    Observe,
    /// All messages go to one channel of ours.
    Redirect,
    /// Messages go to the people they are for.
    Live,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Observe => "observe",
            Self::Redirect => "redirect",
            Self::Live => "live",
        })
    }
}

impl FromStr for Mode {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        match text {
            "observe" => Ok(Self::Observe),
            "redirect" => Ok(Self::Redirect),
            "live" => Ok(Self::Live),
            other => Err(BadId { what: "a mode; expected observe, redirect or live", text: other.to_owned() }),
        }
    }
}

/// What an operator states; journaled as a delivery of the connection `operator`, so that a replay knows it too. Like every
/// row it may be of a newer version, whose fields are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorStatement {
    /// From now on this playbook reaches this far at this destination.
    Mode {
        /// The playbook.
        playbook: PlaybookName,
        /// The destination, such as `slack`.
        destination: String,
        /// How far.
        mode: Mode,
    },
    /// Nothing is sent until `resume`.
    Pause,
    /// Sending goes on.
    Resume,
    /// Open an episode of this playbook for this account although nothing changed.
    OpenPlay {
        /// The playbook.
        playbook: PlaybookName,
        /// The account.
        account: SubjectId,
        /// Who says so, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Close the episodes of this playbook that are open for this account.
    ClosePlay {
        /// The playbook.
        playbook: PlaybookName,
        /// The account.
        account: SubjectId,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// Who says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Keep this in the timeline of this account.
    Note {
        /// The account.
        account: SubjectId,
        /// What is to be kept.
        text: String,
        /// Who says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// How this account feels.
    Sentiment {
        /// The account.
        account: SubjectId,
        /// The CSM's word.
        band: Band,
        /// Who says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// The band that counts for this account instead of its score's.
    Override {
        /// The account.
        account: SubjectId,
        /// The band; `None` when the score's is to count again.
        band: Option<Band>,
        /// The last day on which it does, in the reporting zone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Date>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// Who says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// An incident of ours troubles this account: tickets are many for a reason that we know.
    Incident {
        /// The account.
        account: SubjectId,
        /// The last day on which it does, in the reporting zone; `None` when it is over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Date>,
        /// What it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// Who says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Where a subject belongs, whatever the tools say of it.
    Link {
        /// The subject.
        subject: SubjectId,
        /// An account or other subject, [`Target::Alone`], or `null` to take an earlier decision back.
        target: Option<Target>,
    },
    /// A person asked to be forgotten: these subjects are theirs.
    Erase {
        /// Every subject of theirs: contacts, users, email addresses, answers.
        subjects: Vec<SubjectId>,
    },
    /// Look at these accounts by the configuration of today, which is no news of theirs.
    Rescore {
        /// Some of the assessed accounts: whoever rescores many says so in parts.
        accounts: Vec<SubjectId>,
    },
}

/// The switches, read with every claimed action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Control {
    /// When sending was paused; `None` while it runs.
    pub paused_at: Option<Moment>,
    /// The mode of the playbook and destination that was asked for; `None` has never been set and means observe.
    pub mode: Option<Mode>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// As they lie in journals. What stands here stays: whatever came to be stated is read for ever.
    const STATED: [&str; 16] = [
        r#"{"mode":{"playbook":"risk-mitigation","destination":"slack","mode":"live"}}"#,
        r#""pause""#,
        r#""resume""#,
        r#"{"open_play":{"playbook":"save","account":"hubspot:company:1","by":"ann"}}"#,
        r#"{"close_play":{"playbook":"save","account":"hubspot:company:1","why":"done","by":"ann"}}"#,
        r#"{"note":{"account":"hubspot:company:1","text":"called","by":"ann"}}"#,
        r#"{"sentiment":{"account":"hubspot:company:1","band":"yellow","by":"ann"}}"#,
        r#"{"override":{"account":"hubspot:company:1","band":"red","until":"2026-12-01","why":"sponsor left","by":"ann"}}"#,
        r#"{"override":{"account":"hubspot:company:1","band":null}}"#,
        r#"{"incident":{"account":"hubspot:company:1","until":"2026-12-01","why":"outage","by":"ann"}}"#,
        r#"{"incident":{"account":"hubspot:company:1"}}"#,
        r#"{"link":{"subject":"zendesk:organization:5","target":{"subject":"hubspot:company:1"}}}"#,
        r#"{"link":{"subject":"zendesk:organization:5","target":"alone"}}"#,
        r#"{"link":{"subject":"zendesk:organization:5","target":null}}"#,
        r#"{"erase":{"subjects":["hubspot:contact:7","email:ann@acme.example"]}}"#,
        r#"{"rescore":{"accounts":["hubspot:company:1"]}}"#,
    ];

    /// Which of all there are; a new one does not compile until it is here, and fails until it stands above.
    fn which(statement: &OperatorStatement) -> usize {
        match statement {
            OperatorStatement::Mode { .. } => 0,
            OperatorStatement::Pause => 1,
            OperatorStatement::Resume => 2,
            OperatorStatement::OpenPlay { .. } => 3,
            OperatorStatement::ClosePlay { .. } => 4,
            OperatorStatement::Note { .. } => 5,
            OperatorStatement::Sentiment { .. } => 6,
            OperatorStatement::Override { .. } => 7,
            OperatorStatement::Incident { .. } => 8,
            OperatorStatement::Link { .. } => 9,
            OperatorStatement::Erase { .. } => 10,
            OperatorStatement::Rescore { .. } => 11,
        }
    }

    #[test]
    fn what_was_stated_is_read_and_fields_of_a_newer_version_are_passed_over() {
        let mut seen = BTreeSet::new();
        for text in STATED {
            let read = |text: &str| {
                serde_json::from_str::<OperatorStatement>(text).unwrap_or_else(|error| panic!("{text}: {error}"))
            };
            let statement = read(text);
            assert_eq!(serde_json::to_string(&statement).unwrap(), text);
            let newer = text.strip_suffix("}}").map(|text| format!(r#"{text},"added_next_year":{{"a":[1]}}}}}}"#));
            // What names nothing has no place for a field.
            assert_eq!(newer.map_or(statement.clone(), |newer| read(&newer)), statement);
            seen.insert(which(&statement));
        }
        assert_eq!(seen, (0..=11).collect());
    }
}
