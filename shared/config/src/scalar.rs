//! The named values that conditions and measures read. `rules` computes them from an account's facts.

use std::collections::BTreeMap;
use std::fmt;

use model::Field;

/// The value of a name in a condition or a measure. A value that is not known is absent from [`Scalars`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
    /// Yes or no.
    Flag(bool),
}

impl Scalar {
    /// Its kind.
    pub fn kind(&self) -> ScalarKind {
        match self {
            Self::Int(_) => ScalarKind::Int,
            Self::Text(_) => ScalarKind::Text,
            Self::Flag(_) => ScalarKind::Flag,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// The kinds of value a name can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarKind {
    /// [`Scalar::Int`]
    Int,
    /// [`Scalar::Text`]
    Text,
    /// [`Scalar::Flag`]
    Flag,
}

impl fmt::Display for ScalarKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int => "a whole number",
            Self::Text => "text",
            Self::Flag => "true or false",
        })
    }
}

/// The known values of one account at one moment, by name.
pub type Scalars = BTreeMap<&'static str, Scalar>;

/// A name that conditions and measures can use.
#[derive(Debug, PartialEq, Eq)]
pub struct ScalarInfo {
    /// The name, as conditions write it.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: ScalarKind,
    /// What people call it.
    pub label: &'static str,
    /// What a number counts, such as `days`; `None` when the number speaks for itself.
    pub unit: Option<&'static str>,
    /// The mapped fields it is computed from; any one of them makes it wired. Empty when it needs none.
    pub fields: &'static [Field],
    /// It changes with the calendar, without news.
    pub clock_derived: bool,
}

const fn info(name: &'static str, kind: ScalarKind, label: &'static str, fields: &'static [Field]) -> ScalarInfo {
    ScalarInfo { name, kind, label, unit: None, fields, clock_derived: false }
}

const fn days(name: &'static str, label: &'static str, fields: &'static [Field], clock_derived: bool) -> ScalarInfo {
    ScalarInfo { name, kind: ScalarKind::Int, label, unit: Some("days"), fields, clock_derived }
}

/// Every name that conditions and measures can use.
pub static SCALARS: &[ScalarInfo] = &[
    // Results of the assessment; not known while it is being decided whether an account is watched.
    info("band", ScalarKind::Text, "Band now: green, yellow, red or unknown", &[]),
    info("previous_band", ScalarKind::Text, "Band of the assessment before", &[]),
    info("score", ScalarKind::Int, "Health score now, 0 to 100", &[]),
    info("previous_score", ScalarKind::Int, "Health score of the assessment before, 0 to 100", &[]),
    // The company.
    info("name", ScalarKind::Text, "Name of the company", &[Field::Name]),
    info("domain", ScalarKind::Text, "Main web domain, lower-case", &[Field::Domain]),
    info("lifecycle_stage", ScalarKind::Text, "Lifecycle stage in the CRM, lower-case", &[Field::LifecycleStage]),
    info("tier", ScalarKind::Text, "Service tier, as the CRM names it", &[Field::Tier]),
    info("segment", ScalarKind::Text, "Market segment, as the CRM names it", &[Field::Segment]),
    info("is_test", ScalarKind::Flag, "The record is a test", &[Field::IsTest]),
    days("customer_age_days", "Days since the company became a customer", &[Field::CustomerSince], true),
    // What was bought.
    info("arr", ScalarKind::Int, "Annual recurring revenue in whole units of its currency", &[Field::Arr]),
    days("days_to_renewal", "Days to the renewal; negative once it has passed", &[Field::RenewsOn], true),
    days("notice_days", "Notice period before the renewal", &[Field::NoticeDays], false),
    days("days_to_notice", "Days to the last day for giving notice; negative after it", &[Field::RenewsOn], true),
    info("auto_renew", ScalarKind::Flag, "The term renews by itself", &[Field::AutoRenew]),
    info(
        "has_active_subscription",
        ScalarKind::Flag,
        "Something that was bought is still running",
        &[Field::Status, Field::RenewsOn, Field::Arr],
    ),
    // How it goes.
    info("csm_sentiment", ScalarKind::Text, "The CSM's word: green, yellow or red", &[Field::Sentiment]),
    days("days_since_two_way_contact", "Days since the last contact in both directions", &[Field::LastTwoWayAt], true),
];

/// The names an assessment results in; nothing that goes into one can read them.
pub(crate) const RESULTS: [&str; 4] = ["band", "previous_band", "score", "previous_score"];

/// What is known about a name; `None` when it is not declared.
pub fn scalar(name: &str) -> Option<&'static ScalarInfo> {
    SCALARS.iter().find(|info| info.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_unique_and_explained() {
        let names: BTreeSet<_> = SCALARS.iter().map(|info| info.name).collect();
        assert_eq!(names.len(), SCALARS.len());
        for info in SCALARS {
            assert!(info.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", info.name);
            assert!(info.label.len() > 10 && !info.label.ends_with('.'), "{}", info.name);
            assert_eq!(scalar(info.name), Some(info));
        }
        assert!(RESULTS.iter().all(|name| scalar(name).is_some_and(|info| info.fields.is_empty())));
    }

    #[test]
    fn what_counts_days_says_so() {
        for info in SCALARS {
            assert_eq!(info.unit == Some("days"), info.name.contains("days"), "{}", info.name);
            assert!(!info.clock_derived || info.unit == Some("days"), "{}", info.name);
        }
    }
}
