//! What people answer to an alert by the buttons under it, and how a button says which alert it is under.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{ActionId, Moment, SubjectId};

/// What can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertAnswer {
    /// I take care of it.
    Claim,
    /// Nothing more of it for some days.
    Snooze,
    /// It is no cause for alarm, for a reason.
    Dismiss,
    /// A task in the CRM, please.
    Task,
}

impl AlertAnswer {
    /// All of them, in the order in which they stand under an alert.
    pub const ALL: &'static [Self] = &[Self::Claim, Self::Snooze, Self::Dismiss, Self::Task];

    /// What it does, in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Snooze => "snooze",
            Self::Dismiss => "dismiss",
            Self::Task => "task",
        }
    }

    /// The name of its element in a message.
    pub fn element(self) -> &'static str {
        match self {
            Self::Claim => "barometer_claim",
            Self::Snooze => "barometer_snooze",
            Self::Dismiss => "barometer_dismiss",
            Self::Task => "barometer_task",
        }
    }

    /// The answer that the element of this name gives; `None` for an element that is not ours.
    pub fn of_element(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|answer| answer.element() == name)
    }

    /// The name of the block that holds the elements: which message they are under, and where its episode lives. Ids only.
    /// `None` where that is longer than Slack takes; such a message has no buttons.
    pub fn block(home: &SubjectId, alert: &ActionId) -> Option<String> {
        let name = format!("{BLOCK}{alert}~{home}");
        (name.chars().count() <= LONGEST_BLOCK).then_some(name)
    }

    /// The home and the message in the name of a block; `None` for a block that is not ours.
    pub fn of_block(name: &str) -> Option<(&str, &str)> {
        let (alert, home) = name.strip_prefix(BLOCK)?.split_once('~')?;
        let is_alert = (1..=64).contains(&alert.len()) && alert.bytes().all(|b| b.is_ascii_hexdigit());
        let is_home = home.contains(':') && !home.chars().any(|c| c.is_control() || c == '#');
        (is_alert && is_home).then_some((home, alert))
    }
}

const BLOCK: &str = "barometer~";
/// What Slack takes (`block_id`), in characters.
const LONGEST_BLOCK: usize = 255;

/// What somebody answered, for the thread of the alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Answered {
    /// What.
    pub answer: AlertAnswer,
    /// Their Slack id; `None` where Slack did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Their name, where `team.toml` knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of a snooze, until when, in the reader's zone and words; of a dismissal, the reason; of a task, what is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}

/// Who took care of an episode, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// Their Slack id.
    pub by: String,
    /// When they said so.
    pub at: Moment,
}

/// Why an episode was no cause for alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissed {
    /// The Slack id of who said so, where it is known.
    pub by: Option<String>,
    /// The reason that they chose.
    pub reason: String,
}

/// What people answered to the alerts of an episode, as far as it was taken up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// Who takes care of it; acknowledged by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Claimed>,
    /// Nothing is asked for and nothing told before this moment; `None` once its end was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Moment>,
    /// The Slack id of who snoozed it, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_by: Option<String>,
    /// By how much later its steps come for that, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub postponed_ms: i64,
    /// When somebody wanted a task first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_wanted_at: Option<Moment>,
    /// Why it was closed, where a person did that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dismissed: Option<Dismissed>,
}

impl Dismissed {
    /// The reason in words, after "it is dismissed:".
    pub fn in_words(&self) -> &str {
        match self.reason.as_str() {
            "known" => "it was known already",
            "no_risk" => "it is no risk",
            "wrong_data" => "the data is wrong",
            "other" => "for another reason",
            other => other,
        }
    }
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Handled {
    /// Nobody answered anything.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Until when it is snoozed, where that is not over at `now`.
    pub fn sleeps_until(&self, now: Moment) -> Option<Moment> {
        self.snoozed_until.filter(|until| *until > now)
    }

    /// By how much later its steps come.
    pub fn postponed(&self) -> SignedDuration {
        SignedDuration::from_millis(self.postponed_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_names_the_message_and_its_home() {
        let (home, alert) = (SubjectId::vendor("hubspot", "company", "7"), ActionId::from_stored("5f0c1d2e"));
        let name = AlertAnswer::block(&home, &alert).unwrap();
        assert_eq!(name, "barometer~5f0c1d2e~hubspot:company:7");
        assert_eq!(AlertAnswer::of_block(&name), Some(("hubspot:company:7", "5f0c1d2e")));
        let odd = SubjectId::vendor("zendesk", "org", "a~b");
        let name = AlertAnswer::block(&odd, &alert).unwrap();
        assert_eq!(AlertAnswer::of_block(&name), Some(("zendesk:org:a~b", "5f0c1d2e")));
        assert_eq!(AlertAnswer::block(&SubjectId::vendor("a", "b", &"7".repeat(300)), &alert), None);
        for other in ["", "=qXel", "barometer~", "barometer~xyz~a:b", "barometer~5f~nothing", "barometer~5f~a:b#c"] {
            assert_eq!(AlertAnswer::of_block(other), None, "{other}");
        }
    }

    #[test]
    fn every_element_is_known_by_its_name() {
        for answer in AlertAnswer::ALL.iter().copied() {
            assert_eq!(AlertAnswer::of_element(answer.element()), Some(answer));
        }
        assert_eq!(AlertAnswer::of_element("WaXA"), None);
    }
}
