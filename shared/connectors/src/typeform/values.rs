//! Answers as values: whole numbers on a scale, and text.

use std::fmt;

use serde_json::value::RawValue;

use crate::json::{self, Found, MAX_TEXT};

/// The lowest and the highest answer that could be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    pub(super) low: i64,
    pub(super) high: i64,
}

/// Likelihood to recommend is asked on this scale, by definition.
pub(super) const NPS: Scale = Scale { low: 0, high: 10 };

/// Scales end at 11 steps in Typeform; what is far longer is no scale.
const MOST_STEPS: i64 = 101;

impl Scale {
    /// A scale of `steps` answers. Typeform counts them from zero unless the question says otherwise.
    pub(super) fn of_steps(steps: i64, starts_at_one: bool) -> Option<Self> {
        let low = i64::from(starts_at_one);
        (2..=MOST_STEPS).contains(&steps).then(|| Self { low, high: low + steps - 1 })
    }

    /// As people write it into a mapping: `1..5`, also `1-5`.
    pub(super) fn written(text: &str) -> Option<Self> {
        let (low, high) = text.split_once("..").or_else(|| text.split_once('-'))?;
        let scale = Self { low: low.trim().parse().ok()?, high: high.trim().parse().ok()? };
        (scale.low >= 0 && scale.low < scale.high && scale.high - scale.low < MOST_STEPS).then_some(scale)
    }

    pub(super) fn contains(self, score: i64) -> bool {
        (self.low..=self.high).contains(&score)
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.low, self.high)
    }
}

/// A whole number, written as a number or as text: `9`, `9.0`, `"9"`, not `9.5` and not `9e0`. `None` for null and
/// empty text.
pub(super) fn score(raw: &RawValue) -> Result<Option<i64>, Found> {
    let Some(text) = json::scalar(raw)? else { return Ok(None) };
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let no_fraction = !fraction.is_empty() && fraction.bytes().all(|b| b == b'0');
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let whole_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let score = whole.parse().ok().filter(|_| no_fraction && whole_number);
    score.map(Some).ok_or_else(|| Found::kind(raw))
}

/// Text no longer than is kept; true when it was cut. People write long answers, and the beginning of one is worth more
/// than its absence.
pub(super) fn text(raw: &RawValue) -> Result<(String, bool), Found> {
    if Found::kind(raw) != Found::Text {
        return json::scalar(raw).map(|text| (text.unwrap_or_default(), false));
    }
    let mut text: String = serde_json::from_str(raw.get()).map_err(|_| Found::BrokenText)?;
    let whole = text.len();
    let end = (0..=whole.min(MAX_TEXT)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    Ok((text, end < whole))
}
