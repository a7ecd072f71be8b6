//! Metrics in CloudWatch's embedded format: members of a log line that is written anyway, so that counting costs no call
//! and no line of its own. Followed: "Specification: Embedded metric format" of the CloudWatch user guide, from
//! general knowledge of it, 2026-11.
//!
//! A line carries them in its field [`FIELD`], and [`crate::logging`] puts them where CloudWatch looks for them, at the moment
//! at which the line is written: alarms look at the last minutes only, and what is done again after an outage is counted
//! when it is done.
//!
//! ```text
//! let metrics = Metrics::of(Metric::DeliveriesAccepted(Family::Crm), 1);
//! tracing::info!(metrics = %metrics, "Delivery `hubspot:1` journaled");
//! ```
//!
//! Alarms look at these names (`infra/template.yaml`).

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use model::Family;

/// Where all of them are in CloudWatch.
pub const NAMESPACE: &str = "Barometer";
/// What CloudWatch is told of the counts begins so.
pub(crate) const TOLD: &str = r#""_aws":{"#;
/// The field of a log line that holds them.
pub const FIELD: &str = "metrics";
/// The target of lines that are written for nothing but what they count; nobody reads these on a laptop.
pub const ONLY: &str = "metrics";

/// What is counted. None of it names a person or a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Webhooks whose signature is missing, wrong or too old.
    SignatureFailures(Family),
    /// Webhooks answered 2xx: they are in the journal.
    DeliveriesAccepted(Family),
    /// Webhooks answered 503: the store or a secret is missing. Their senders try again.
    DeliveriesUnanswered(Family),
    /// Items of deliveries that were not understood.
    Quarantined,
    /// How long the oldest event has been waiting for the bus that should have been there; 0 when none has.
    OldestUnpublishedSeconds,
    /// How long the account has been due that was asked to be looked at and was not, the longest of all; 0 when none was.
    OldestOverdueSeconds,
    /// Connections that are silent now, for longer than they may be.
    SourcesSilent,
    /// Actions, fetches and events that ended where a person must look, by what they are: the name of an action's kind,
    /// `fetch` or `event`, each of which the alarm lists.
    ActionsFailed(&'static str),
    /// Steps on the way to a renewal whose moment came.
    RemindersDue,
    /// Their messages that ended as they should: sent, told by a digest or another message, kept in the outbox by the mode
    /// or a pause, or no longer true when their turn came.
    RemindersSent,
}

impl Metric {
    /// The name in CloudWatch.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignatureFailures(_) => "SignatureFailures",
            Self::DeliveriesAccepted(_) => "DeliveriesAccepted",
            Self::DeliveriesUnanswered(_) => "DeliveriesUnanswered",
            Self::Quarantined => "Quarantined",
            Self::OldestUnpublishedSeconds => "OldestUnpublishedSeconds",
            Self::OldestOverdueSeconds => "OldestOverdueSeconds",
            Self::SourcesSilent => "SourcesSilent",
            Self::ActionsFailed(_) => "ActionsFailed",
            Self::RemindersDue => "RemindersDue",
            Self::RemindersSent => "RemindersSent",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::OldestUnpublishedSeconds | Self::OldestOverdueSeconds => "Seconds",
            Self::SignatureFailures(_)
            | Self::DeliveriesAccepted(_)
            | Self::DeliveriesUnanswered(_)
            | Self::Quarantined
            | Self::SourcesSilent
            | Self::ActionsFailed(_)
            | Self::RemindersDue
            | Self::RemindersSent => "Count",
        }
    }

    /// What it is counted by: one name and its value at most, where the format takes 29.
    fn dimension(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::SignatureFailures(family) | Self::DeliveriesAccepted(family) | Self::DeliveriesUnanswered(family) => {
                Some(("Family", family.as_str()))
            }
            Self::ActionsFailed(kind) => Some(("Kind", kind)),
            Self::Quarantined
            | Self::OldestUnpublishedSeconds
            | Self::OldestOverdueSeconds
            | Self::SourcesSilent
            | Self::RemindersDue
            | Self::RemindersSent => None,
        }
    }
}

/// What one line counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    values: Vec<(Metric, u64)>,
}

impl Metrics {
    /// So many of these.
    pub fn of(metric: Metric, value: u64) -> Self {
        Self { values: vec![(metric, value)] }
    }

    /// And so many of these. A line counts by one family and one kind; what is said twice of one metric, the last counts.
    #[must_use]
    pub fn with(mut self, metric: Metric, value: u64) -> Self {
        self.values.retain(|(known, _)| known.name() != metric.name());
        self.values.push((metric, value));
        self
    }
}

/// The members of the line, as one JSON object, without the moment: whoever writes the line knows it. Written straight, because
/// it is in the line of every webhook. All words in it are of this file and its families, so none needs an escape.
impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut by: BTreeMap<_, &str> = BTreeMap::new();
        let mut told: BTreeMap<_, String> = BTreeMap::new();
        f.write_str("{")?;
        for (metric, value) in &self.values {
            let (name, unit, dimension) = (metric.name(), metric.unit(), metric.dimension());
            write!(f, r#""{name}":{value},"#)?;
            by.extend(dimension);
            let told = told.entry(dimension.map(|(name, _)| name)).or_default();
            let comma = if told.is_empty() { "" } else { "," };
            write!(told, r#"{comma}{{"Name":"{name}","Unit":"{unit}"}}"#)?;
        }
        for (name, value) in by {
            write!(f, r#""{name}":"{value}","#)?;
        }
        write!(f, r#"{TOLD}"CloudWatchMetrics":["#)?;
        for (at, (name, metrics)) in told.into_iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let dimension = name.map(|name| format!(r#""{name}""#)).unwrap_or_default();
            write!(f, r#"{comma}{{"Namespace":"{NAMESPACE}","Dimensions":[[{dimension}]],"Metrics":[{metrics}]}}"#)?;
        }
        f.write_str("]}}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn shown(metrics: &Metrics) -> Value {
        serde_json::from_str(&metrics.to_string()).unwrap()
    }

    #[test]
    fn a_count_stands_beside_what_says_that_it_is_one() {
        let metrics = Metrics::of(Metric::DeliveriesAccepted(Family::Crm), 1);
        let expected = json!({
            "Family": "crm",
            "DeliveriesAccepted": 1,
            "_aws": {
                "CloudWatchMetrics": [{
                    "Namespace": "Barometer",
                    "Dimensions": [["Family"]],
                    "Metrics": [{ "Name": "DeliveriesAccepted", "Unit": "Count" }],
                }],
            },
        });
        assert_eq!(shown(&metrics), expected);
    }

    #[test]
    fn what_is_counted_by_something_and_what_is_not_share_a_line() {
        let metrics = Metrics::of(Metric::OldestUnpublishedSeconds, 90)
            .with(Metric::SourcesSilent, 0)
            .with(Metric::ActionsFailed("event"), 2);
        let line = shown(&metrics);
        assert_eq!((&line["OldestUnpublishedSeconds"], &line["SourcesSilent"]), (&json!(90), &json!(0)));
        assert_eq!((&line["ActionsFailed"], &line["Kind"]), (&json!(2), &json!("event")));
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        assert_eq!(directives.len(), 2, "one for each set of dimensions");
        assert_eq!(directives[0]["Dimensions"], json!([[]]));
        assert_eq!(directives[0]["Metrics"][0], json!({ "Name": "OldestUnpublishedSeconds", "Unit": "Seconds" }));
        assert_eq!(directives[1]["Dimensions"], json!([["Kind"]]));
    }

    #[test]
    fn a_metric_has_one_value_on_a_line() {
        let metrics = Metrics::of(Metric::ActionsFailed("fetch"), 1).with(Metric::ActionsFailed("event"), 3);
        let line = shown(&metrics);
        assert_eq!((&line["ActionsFailed"], &line["Kind"]), (&json!(3), &json!("event")));
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap().len(), 1);
    }
}
