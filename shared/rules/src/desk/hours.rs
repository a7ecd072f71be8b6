//! The reader's hours and limits.

use config::{Alerts, Calendar, QuietHours, Team, moment};
use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{Addressed, Moment, Recipient};

/// How long after its hour a digest is put together. Steps of playbooks come at nine as digests do, and what they say stands on
/// the desk some runs of the clock later: it belongs into the digest of that morning.
const GATHERS: SignedDuration = SignedDuration::from_mins(5);

/// What holds for one reader.
#[derive(Debug, Clone)]
pub struct DeskRules<'a> {
    /// How much they are interrupted.
    pub alerts: &'a Alerts,
    /// The days they work on; their days, weeks and hours are those of its zone.
    pub calendar: Calendar,
    /// The hours in which they are not disturbed; `None` when there are none, and days off are like others.
    pub quiet: Option<QuietHours>,
    /// Nobody's own desk.
    pub is_channel: bool,
}

impl<'a> DeskRules<'a> {
    /// What holds for the person whom the address names; for a channel, and for a person whom `team.toml` does not know,
    /// what holds for the team.
    pub fn of(to: &Recipient, team: &'a Team) -> Self {
        let by_slack = || team.people.iter().find(|person| person.slack.as_deref() == Some(&to.address));
        let by_email = || to.email.as_deref().and_then(|email| team.find(email));
        let person = match to.addressed() {
            Addressed::Channel => None,
            Addressed::Member => by_slack().or_else(by_email),
            Addressed::Email => team.find(&to.address),
        };
        Self {
            alerts: &team.alerts,
            calendar: team.calendar_of(person),
            quiet: team.quiet_of(person),
            is_channel: to.addressed() == Addressed::Channel,
        }
    }

    /// Where the reader is.
    pub(super) fn zone(&self) -> &TimeZone {
        &self.calendar.zone
    }

    /// The reader's day at `at`.
    pub(super) fn day(&self, at: Moment) -> Date {
        at.date_in(self.zone())
    }

    /// That day, or the first working day after it.
    pub(super) fn working_day(&self, at: Moment) -> Date {
        self.calendar.on_or_after(self.day(at))
    }

    /// The calendar week of the reader's day: year and number, from Monday.
    pub(super) fn week(&self, at: Moment) -> (i16, i8) {
        let week = self.day(at).iso_week_date();
        (week.year(), week.week())
    }

    /// The first moment from `at` on at which they may be disturbed.
    pub(super) fn next_allowed(&self, at: Moment) -> Moment {
        self.calendar.next_allowed(at, self.zone(), self.quiet)
    }

    /// When the digest of `day` is put together: when what is due at its hour has come; where that hour is quiet, at the end
    /// of quiet that day.
    pub(super) fn digest_moment(&self, day: Date) -> Moment {
        let at = moment(day, self.alerts.digest_at, self.zone()).unwrap_or(Moment::LATEST);
        let that_day = |at: &Moment| self.day(*at) == day;
        let hour = Some(self.next_allowed(at)).filter(that_day).unwrap_or(at);
        Some(hour.plus(GATHERS)).filter(that_day).unwrap_or(hour)
    }

    /// The first day whose digest is sent after `at`.
    pub(super) fn next_digest(&self, at: Moment) -> Date {
        let day = self.day(at);
        if self.is_digest_day(day) && self.digest_moment(day) > at {
            day
        } else {
            self.calendar.plus_business_days(day, 1)
        }
    }

    /// Whether a digest is sent that day.
    pub(super) fn is_digest_day(&self, day: Date) -> bool {
        self.calendar.is_business_day(day)
    }
}
