//! The dates that vendors' answers bear, noted as they pass the seam: what our own clock is compared with.

use std::sync::{Arc, Mutex, PoisonError};

use http::header::DATE;
use model::Moment;
use runtime::seam::Seam;

use crate::clock::HostClock;

/// What one answer says of the time, and what our clock said then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dated {
    /// Who answered.
    pub host: String,
    /// To the second.
    pub theirs: Moment,
    pub ours: Moment,
}

/// The dates noted so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Dates(Arc<Mutex<Vec<Dated>>>);

impl Dates {
    /// `seam`, with the date of each answer noted.
    pub fn noting(&self, seam: &Seam, clock: &HostClock) -> Seam {
        let (seam, clock, noted) = (seam.clone(), clock.clone(), self.0.clone());
        Seam::new(move |call| {
            let (seam, clock, noted) = (seam.clone(), clock.clone(), noted.clone());
            Box::pin(async move {
                let host = call.request.uri().host().unwrap_or_default().to_owned();
                let reply = seam.call(call).await;
                let date = reply.as_ref().ok().and_then(|answer| answer.headers().get(DATE)?.to_str().ok());
                if let Some(theirs) = date.and_then(instant) {
                    let dated = Dated { host, theirs, ours: clock.now() };
                    noted.lock().unwrap_or_else(PoisonError::into_inner).push(dated);
                }
                reply
            })
        })
    }

    pub fn told(&self) -> Vec<Dated> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// `Sun, 22 Nov 2026 09:00:00 GMT`.
fn instant(date: &str) -> Option<Moment> {
    let zoned = jiff::fmt::rfc2822::parse(date).ok()?;
    Moment::from_millis(zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_an_instant() {
        let at = instant("Sun, 22 Nov 2026 09:00:00 GMT");
        assert_eq!(at, "2026-11-22T09:00:00Z".parse().ok());
        assert_eq!(instant("soon"), None);
    }
}
