//! Time is an input (P6): whoever needs to know what time it is takes a [`Clock`]; only a `main` makes one from the wall.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::SignedDuration;
use model::Moment;

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Moment + Send + Sync>);

impl Clock {
    /// A clock that is this function.
    pub fn new(now: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// A clock over the operating system's, which a `main` passes in: `Clock::system(SystemTime::now)`.
    pub fn system(now: fn() -> SystemTime) -> Self {
        Self::new(move || {
            let since = now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
            i64::try_from(since.as_millis()).ok().and_then(Moment::from_millis).unwrap_or(Moment::EARLIEST)
        })
    }

    /// The time now.
    pub fn now(&self) -> Moment {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// How long to wait after so many failures in a row: 1, 2, 4 … minutes, at most an hour.
pub fn backoff(failures: u32) -> SignedDuration {
    SignedDuration::from_mins(i64::from(2_u32.saturating_pow(failures.saturating_sub(1).min(6))).min(60))
}
