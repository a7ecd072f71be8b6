//! What was paid in advance and is used up: the day on which it runs out ends a term as a date does.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{FactKey, Field, View};

use super::subscription_id;
use crate::told::Told;

/// When something that was paid in advance runs out, as of the last report of its use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunOut<'a> {
    /// The first day that begins without any left.
    pub on: Date,
    /// The units that are left after the last report.
    pub left: i64,
    /// The mean of the four weeks up to the last report, rounded.
    pub per_day: i64,
    /// The day of the last report.
    pub as_of: Date,
    /// What was said last of the two: how much there was, or what was used of it.
    pub told: Told<'a>,
}

/// Finds when so many units run out that were there at the beginning of a day.
pub(crate) type Projection<'f, 'a> = &'f dyn Fn(i64, Date) -> Option<RunOut<'a>>;

/// The id of the live subscription of which units were paid in advance, and when they run out. Where there are several,
/// nobody says which of them use burns, and none is projected.
pub(super) fn runs_out<'a>(
    view: View<'a>,
    live: &[&'a FactKey],
    zone: &TimeZone,
    project: Projection<'_, 'a>,
) -> Option<(&'a str, RunOut<'a>)> {
    let mut prepaid = live.iter().filter_map(|key| {
        let told = |field| Told::of(view, key, field);
        let (units, from) = match told(Field::PrepaidLeft) {
            Some(left) => (left, left.register.stamp.occurred_at.date_in(zone)),
            None => (told(Field::PrepaidUnits)?, told(Field::StartsOn)?.date()?),
        };
        Some((*key, units, from))
    });
    let (key, units, from) = prepaid.next().filter(|_| prepaid.next().is_none())?;
    let out = project(units.int()?, from)?;
    let newest = [out.told, units].into_iter().max_by_key(|told| told.register.received_at)?;
    Some((subscription_id(key)?, RunOut { told: newest, ..out }))
}
