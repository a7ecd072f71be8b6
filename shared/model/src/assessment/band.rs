//! Scores, and the bands they fall in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Health in basis points: 0 (about to leave) to 10 000 (thriving). Higher is always healthier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
#[schemars(extend("maximum" = 10_000))]
pub struct Score(u16);

/// A score above 10 000 basis points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} basis points; a score is at most 10 000")]
pub struct OutOfRange(pub u16);

impl Score {
    /// The healthiest score, 100 as basis points: part of the scale.
    pub const MAX: u16 = 10_000;

    /// # Errors
    /// When `basis_points` is above 10 000.
    pub fn new(basis_points: u16) -> Result<Self, OutOfRange> {
        if basis_points <= Self::MAX { Ok(Self(basis_points)) } else { Err(OutOfRange(basis_points)) }
    }

    /// 0 to 10 000.
    pub fn basis_points(self) -> u16 {
        self.0
    }

    /// 0 to 100, rounded half-up: what people see.
    pub fn shown(self) -> u16 {
        (self.0 + 50) / 100
    }
}

impl TryFrom<u16> for Score {
    type Error = OutOfRange;
    fn try_from(basis_points: u16) -> Result<Self, OutOfRange> {
        Self::new(basis_points)
    }
}

impl From<Score> for u16 {
    fn from(score: Score) -> Self {
        score.0
    }
}

/// As people see it: 0 to 100.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shown())
    }
}

/// The colour of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// At or above the green edge.
    Green,
    /// Between the edges.
    Yellow,
    /// Below the red edge.
    Red,
    /// Too little is known.
    Unknown,
}

impl Band {
    /// The name in configuration and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The borders between bands, in basis points. Bands are half-open: `red < yellow_from ≤ yellow < green_from ≤ green`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bands {
    /// The lowest yellow score.
    pub yellow_from: u16,
    /// The lowest green score.
    pub green_from: u16,
    /// A red account turns yellow only from here.
    pub leave_red_at: u16,
    /// A yellow account turns green only from here.
    pub enter_green_at: u16,
}

impl Bands {
    /// The band of `score` for an account that was in `previous`: with hysteresis at both borders, so a score that
    /// trembles at a border changes the band once.
    pub fn of(&self, score: Score, previous: Option<Band>) -> Band {
        let points = score.basis_points();
        let yellow_from = if previous == Some(Band::Red) { self.leave_red_at } else { self.yellow_from };
        let green_from = match previous {
            Some(Band::Red | Band::Yellow) => self.enter_green_at,
            Some(Band::Green | Band::Unknown) | None => self.green_from,
        };
        if points >= green_from {
            Band::Green
        } else if points >= yellow_from {
            Band::Yellow
        } else {
            Band::Red
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANDS: Bands = Bands { yellow_from: 4_000, green_from: 7_000, leave_red_at: 4_500, enter_green_at: 7_400 };

    #[track_caller]
    fn check(basis_points: u16, previous: Option<Band>, expected: Band) {
        assert_eq!(BANDS.of(Score::new(basis_points).unwrap(), previous), expected, "{basis_points} from {previous:?}");
    }

    #[test]
    fn a_band_includes_its_lower_edge() {
        check(7_000, None, Band::Green);
        check(6_999, None, Band::Yellow);
        check(4_000, None, Band::Yellow);
        check(3_999, None, Band::Red);
    }

    #[test]
    fn a_band_is_left_upwards_only_past_its_border() {
        check(4_499, Some(Band::Red), Band::Red);
        check(4_500, Some(Band::Red), Band::Yellow);
        check(7_399, Some(Band::Yellow), Band::Yellow);
        check(7_400, Some(Band::Yellow), Band::Green);
        check(7_399, Some(Band::Red), Band::Yellow);
        check(7_000, Some(Band::Green), Band::Green);
        check(6_999, Some(Band::Green), Band::Yellow);
        check(3_999, Some(Band::Yellow), Band::Red);
    }

    #[test]
    fn a_score_is_shown_rounded_half_up() {
        let shown = |basis_points| Score::new(basis_points).unwrap().shown();
        assert_eq!((shown(6_949), shown(6_950), shown(10_000), shown(0)), (69, 70, 100, 0));
        assert_eq!(Score::new(10_001), Err(OutOfRange(10_001)));
    }
}
