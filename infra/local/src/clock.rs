//! The host's clock: the machine's, shifted or not, or one that stands still until it is told to move. It only moves
//! forward, because the order of the journal is the order of its receipts.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use model::Moment;
use serde::{Deserialize, Serialize};

use crate::state::{State, StateError};

/// How the clock moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockMode {
    /// With the machine's clock.
    Wall {
        /// How far ahead of it, in milliseconds; 0 unless it was set.
        offset_ms: i64,
    },
    /// Not at all until it is set or advanced.
    Frozen {
        /// Where it stands.
        at: Moment,
    },
}

/// Why the clock does not do what it is told.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// It would run backwards.
    #[error(
        "the clock stands at {now} and only moves forward, so it cannot go to {asked}; a new data folder starts afresh"
    )]
    Backwards {
        /// Where it stands.
        now: Moment,
        /// Where it should have gone.
        asked: Moment,
    },
    /// It cannot be remembered.
    #[error("the clock cannot be kept")]
    State(#[from] StateError),
}

/// The clock. Cheap to clone; every clone is the same clock.
#[derive(Clone)]
pub struct HostClock {
    /// Where it is remembered; `None` for a clock that is no host's.
    state: Option<State>,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    mode: ClockMode,
    last_receipt: Option<Moment>,
}

impl fmt::Debug for HostClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostClock")
    }
}

impl HostClock {
    /// The clock as it was left; the machine's at first. `freeze_at` makes it stand still there.
    ///
    /// # Errors
    /// When the state cannot be used, or `freeze_at` is before the moment at which a clock of this folder stood still.
    pub fn open(state: State, freeze_at: Option<Moment>) -> Result<Self, ClockError> {
        let mut mode = state.clock()?;
        let last_receipt = state.last_receipt()?;
        if let Some(asked) = freeze_at {
            match mode {
                ClockMode::Frozen { at } if asked < at => return Err(ClockError::Backwards { now: at, asked }),
                // A folder that has run on the machine's clock cannot go back before what it has received.
                ClockMode::Wall { .. } if last_receipt.is_some_and(|last| asked < last) => {
                    return Err(ClockError::Backwards { now: last_receipt.unwrap_or(asked), asked });
                }
                ClockMode::Frozen { .. } | ClockMode::Wall { .. } => {}
            }
            mode = ClockMode::Frozen { at: asked };
            state.set_clock(mode)?;
        }
        Ok(Self { state: Some(state), inner: Arc::new(Mutex::new(Inner { mode, last_receipt })) })
    }

    /// The machine's clock, for who operates a stack that runs elsewhere: nothing of it is remembered.
    pub fn of_this_machine() -> Self {
        let inner = Inner { mode: ClockMode::Wall { offset_ms: 0 }, last_receipt: None };
        Self { state: None, inner: Arc::new(Mutex::new(inner)) }
    }

    /// Now.
    pub fn now(&self) -> Moment {
        self.inner().mode.now()
    }

    /// How it moves.
    pub fn mode(&self) -> ClockMode {
        self.inner().mode
    }

    /// A moment for something that arrives: now, or a millisecond after the previous receipt where that is later, so
    /// that the order of receipts is the order of arrival also while the clock stands still.
    ///
    /// # Errors
    /// When it cannot be remembered for the next start.
    pub fn receipt(&self) -> Result<Moment, ClockError> {
        let mut inner = self.inner();
        let receipt = inner.after_receipts();
        if let Some(state) = &self.state {
            state.set_last_receipt(receipt)?;
        }
        inner.last_receipt = Some(receipt);
        Ok(receipt)
    }

    /// Now for what answers something received: the moment that the next receipt would have, so that an effect never
    /// stands before its cause, also while the clock stands still.
    pub fn after_receipts(&self) -> Moment {
        self.inner().after_receipts()
    }

    /// Sets the clock; it goes on in the way it did. Gives the new now.
    ///
    /// # Errors
    /// When `to` is before now, or it cannot be remembered.
    pub fn set(&self, to: Moment) -> Result<Moment, ClockError> {
        self.move_to(|_| to)
    }

    /// Moves the clock on to `to`; where it is beyond that already it stays.
    ///
    /// # Errors
    /// When it cannot be remembered.
    pub fn reach(&self, to: Moment) -> Result<Moment, ClockError> {
        self.move_to(|now| to.max(now))
    }

    /// The moment `by` from now.
    ///
    /// # Errors
    /// When `by` is negative: the clock never runs backwards.
    pub fn after(&self, by: SignedDuration) -> Result<Moment, ClockError> {
        self.not_before_now(self.now().plus(by))
    }

    /// `to`, if it has not passed.
    ///
    /// # Errors
    /// When it has: the clock never runs backwards.
    pub fn not_before_now(&self, to: Moment) -> Result<Moment, ClockError> {
        let now = self.now();
        if to < now { Err(ClockError::Backwards { now, asked: to }) } else { Ok(to) }
    }

    /// Reads the clock once, so that a span is moved by exactly, however long this takes.
    fn move_to(&self, target: impl Fn(Moment) -> Moment) -> Result<Moment, ClockError> {
        let mut inner = self.inner();
        let now = inner.mode.now();
        let to = target(now);
        if to < now {
            return Err(ClockError::Backwards { now, asked: to });
        }
        let mode = match inner.mode {
            ClockMode::Frozen { .. } => ClockMode::Frozen { at: to },
            ClockMode::Wall { offset_ms } => {
                ClockMode::Wall { offset_ms: offset_ms + (to.as_millis() - now.as_millis()) }
            }
        };
        if let Some(state) = &self.state {
            state.set_clock(mode)?;
        }
        inner.mode = mode;
        Ok(to)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn after_receipts(&self) -> Moment {
        let after_last = self.last_receipt.map(|last| last.plus(SignedDuration::from_millis(1)));
        self.mode.now().max(after_last.unwrap_or(Moment::EARLIEST))
    }
}

impl ClockMode {
    fn now(self) -> Moment {
        match self {
            Self::Frozen { at } => at,
            Self::Wall { offset_ms } => wall().plus(SignedDuration::from_millis(offset_ms)),
        }
    }
}

/// The moment in the form of AWS's events: whole seconds, such as `2026-11-21T09:00:00Z`.
pub(crate) fn in_seconds(moment: Moment) -> String {
    let mut text = moment.to_string();
    text.truncate("2026-11-21T09:00:00".len());
    text + "Z"
}

#[expect(clippy::disallowed_methods, reason = "the one place of the host that reads the machine's clock")]
fn wall() -> Moment {
    Moment::from_millis(jiff::Timestamp::now().as_millisecond()).unwrap_or(Moment::EARLIEST)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const T: &str = "2026-11-21T09:00:00.000Z";

    fn at(text: &str) -> Moment {
        text.parse().unwrap()
    }

    fn open(folder: &Path, freeze_at: Option<&str>) -> Result<HostClock, ClockError> {
        HostClock::open(State::open(&folder.join("host.db")).unwrap(), freeze_at.map(at))
    }

    #[test]
    fn a_frozen_clock_moves_only_when_told_and_stays_where_it_was_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let clock = open(folder.path(), Some(T)).unwrap();
        assert_eq!((clock.now(), clock.now()), (at(T), at(T)));
        assert_eq!(
            clock.reach(clock.after(SignedDuration::from_hours(24)).unwrap()).unwrap(),
            at("2026-11-22T09:00:00Z")
        );
        assert_eq!(clock.set(at("2026-12-01T00:00:00Z")).unwrap(), clock.now());
        drop(clock);
        let clock = open(folder.path(), None).unwrap();
        assert_eq!(clock.mode(), ClockMode::Frozen { at: at("2026-12-01T00:00:00Z") });
    }

    #[test]
    fn receipts_rise_by_a_millisecond_while_the_clock_stands_still_and_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let clock = open(folder.path(), Some(T)).unwrap();
        let receipts = [clock.receipt().unwrap(), clock.receipt().unwrap(), clock.receipt().unwrap()];
        assert_eq!(receipts.map(|receipt| receipt.since(at(T)).as_millis()), [0, 1, 2]);
        assert_eq!(clock.now(), at(T), "receipts do not move the clock");
        assert_eq!(clock.after_receipts().since(at(T)).as_millis(), 3, "an answer to the last one comes after it");
        drop(clock);
        let clock = open(folder.path(), None).unwrap();
        assert_eq!(clock.receipt().unwrap().since(at(T)).as_millis(), 3);
        clock.reach(clock.after(SignedDuration::from_secs(1)).unwrap()).unwrap();
        assert_eq!(clock.receipt().unwrap().since(at(T)).as_millis(), 1_000);
    }

    #[test]
    fn the_clock_never_runs_backwards() {
        let folder = tempfile::tempdir().unwrap();
        let clock = open(folder.path(), Some(T)).unwrap();
        let before = at("2026-11-21T08:59:59Z");
        assert!(matches!(clock.set(before), Err(ClockError::Backwards { .. })));
        assert!(matches!(clock.after(SignedDuration::from_secs(-1)), Err(ClockError::Backwards { .. })));
        drop(clock);
        assert!(matches!(open(folder.path(), Some("2026-11-21T08:00:00Z")), Err(ClockError::Backwards { .. })));
        assert_eq!(open(folder.path(), Some("2026-11-21T10:00:00Z")).unwrap().now(), at("2026-11-21T10:00:00Z"));
    }

    #[test]
    fn a_shifted_wall_clock_stays_shifted_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let clock = open(folder.path(), None).unwrap();
        assert_eq!(clock.mode(), ClockMode::Wall { offset_ms: 0 });
        clock.reach(clock.after(SignedDuration::from_hours(240)).unwrap()).unwrap();
        let offset_ms = 864_000_000;
        assert_eq!(clock.mode(), ClockMode::Wall { offset_ms }, "by exactly ten days, however long the call takes");
        let receipt = clock.receipt().unwrap();
        drop(clock);
        let clock = open(folder.path(), None).unwrap();
        assert_eq!(clock.mode(), ClockMode::Wall { offset_ms });
        assert!(clock.receipt().unwrap() > receipt);
        let before = open(folder.path(), Some("2020-01-01T00:00:00Z"));
        assert!(matches!(before, Err(ClockError::Backwards { .. })), "received things would lie in the future");
    }
}
