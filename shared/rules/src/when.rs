//! The moment something is judged for, with the calendar day it lies in.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::Moment;

/// A moment and its day in the reporting zone. Time enters scores in whole days, and caps to the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    /// The moment.
    pub at: Moment,
    /// Its day in the reporting zone.
    pub day: Date,
}

impl When {
    /// A moment as the reporting zone sees it.
    pub fn at(at: Moment, zone: &TimeZone) -> Self {
        Self { at, day: at.date_in(zone) }
    }

    /// The first instant of a day; `None` at the end of the calendar.
    pub fn start_of(day: Date, zone: &TimeZone) -> Option<Self> {
        Some(Self { at: Moment::start_of(day, zone)?, day })
    }
}
