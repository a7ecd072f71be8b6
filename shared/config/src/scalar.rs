//! The named values that conditions and measures read. `rules` computes them from an account's facts.

mod declared;

use std::collections::BTreeMap;
use std::fmt;

pub use declared::{Feed, SCALARS, ScalarInfo};

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

/// The names an assessment results in, and those of an episode; nothing that goes into an assessment can read them.
pub(crate) const RESULTS: [&str; 8] = [
    "band",
    "previous_band",
    "score",
    "previous_score",
    "days_bands_apart",
    "answer_nps",
    "answer_nps_now",
    "contact_since_answer",
];

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
            assert!(
                info.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{}",
                info.name
            );
            assert!(info.label.len() > 10 && !info.label.ends_with('.'), "{}", info.name);
            assert_eq!(scalar(info.name), Some(info));
        }
        assert!(RESULTS.iter().all(|name| scalar(name).is_some_and(|info| info.fields.is_empty())));
    }

    #[test]
    fn what_counts_something_says_what() {
        for info in SCALARS {
            assert_eq!(info.unit == Some("days"), info.name.contains("days"), "{}", info.name);
            assert_eq!(info.unit == Some("hours"), info.name.contains("hours"), "{}", info.name);
            assert!(info.unit.is_none() || info.kind == ScalarKind::Int, "{}", info.name);
        }
    }

    #[test]
    fn what_moves_by_the_hour_moves_by_the_day() {
        for info in SCALARS {
            assert!(!info.by_hours || (info.clock_derived && info.unit == Some("hours")), "{}", info.name);
        }
    }

    #[test]
    fn what_no_mapping_feeds_says_what_does() {
        for info in SCALARS {
            let feeds = info.feed.families().len() + info.fields.len();
            let by_nobody = RESULTS.contains(&info.name) || info.feed == Feed::Operator;
            assert_eq!(feeds == 0, by_nobody, "{}", info.name);
        }
    }
}
