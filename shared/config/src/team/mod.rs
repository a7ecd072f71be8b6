//! `team.toml`: our own people, when they work, and who stands in for whom.

mod pool;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::Moment;

pub use pool::PoolGroup;
pub(crate) use read::{channel, read};

use crate::{Alerts, Calendar, QuietHours};

/// Our own people and where they are reached.
#[derive(Debug, Clone)]
pub struct Team {
    /// The zone of the team.
    pub zone: TimeZone,
    /// The days the team works on.
    pub calendar: Calendar,
    /// Days on which nobody works in a zone, for zones that have days of their own; by the zone's name.
    pub holidays_in: BTreeMap<String, BTreeSet<Date>>,
    /// How much a person is interrupted.
    pub alerts: Alerts,
    /// Quiet hours of whoever has none of their own.
    pub quiet: Option<QuietHours>,
    /// In the order of the file.
    pub people: Vec<Person>,
    /// Who takes accounts that nobody looks after and that are of none of the groups, by email address.
    pub pool: Vec<String>,
    /// Who takes those of one kind: of the groups that an account is of, the first.
    pub groups: Vec<PoolGroup>,
    /// Where alerts go, with `#`.
    pub slack_channel: String,
    /// The email address of whoever everybody reports to who names no manager of their own.
    pub manager: Option<String>,
}

/// One of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What we call them.
    pub name: String,
    /// As written in the file; compared without regard to case.
    pub email: String,
    /// Their id as an owner in the CRM.
    pub crm_owner_id: Option<String>,
    /// Their Slack member id, such as `U024BE7LH`.
    pub slack: Option<String>,
    /// Where they work; `None` where the team does.
    pub zone: Option<TimeZone>,
    /// When they are not disturbed; `None` where the team's hours count.
    pub quiet: Option<QuietHours>,
    /// The email address of whoever they report to.
    pub manager: Option<String>,
    /// They still work here.
    pub active: bool,
    /// When they are away, and who stands in.
    pub away: Vec<Away>,
    /// Who has taken over from somebody who left, by email address.
    pub cover: Option<String>,
    /// Hours a week that they have for accounts of the pool; `None` where nobody says.
    pub pool_hours: Option<u16>,
}

/// An absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// Who stands in, by email address; the pool where nobody is named.
    pub cover: Option<String>,
}

impl Person {
    /// How much of a pool they take beside others of whom some say how many hours they have.
    pub fn pool_weight(&self) -> u16 {
        self.pool_hours.unwrap_or(pool::FULL_WEEK)
    }

    /// The absence that a day lies in.
    pub fn away_on(&self, day: Date) -> Option<&Away> {
        self.away.iter().find(|away| (away.from..=away.to).contains(&day))
    }

    /// They work here and are not away that day.
    pub fn is_there(&self, day: Date) -> bool {
        self.active && self.away_on(day).is_none()
    }
}

impl Team {
    /// The person with this email address (in any case) or CRM owner id; else the only one of that name, which is how the
    /// files that CRMs export name an owner.
    pub fn find(&self, text: &str) -> Option<&Person> {
        let text = text.trim();
        let is_known = |person: &&Person| {
            person.email.eq_ignore_ascii_case(text) || person.crm_owner_id.as_deref().is_some_and(|id| id == text)
        };
        let by_name = || {
            let lower = text.to_lowercase();
            let mut named = self.people.iter().filter(|person| person.name.to_lowercase() == lower);
            named.next().filter(|_| named.next().is_none())
        };
        self.people.iter().find(is_known).or_else(by_name)
    }

    /// Whom somebody reports to; the team's manager for whoever names none, except themselves.
    pub fn manager_of(&self, person: Option<&Person>) -> Option<&Person> {
        let own = person.and_then(|person| person.manager.as_deref());
        let manager = self.find(own.or(self.manager.as_deref())?)?;
        Some(manager).filter(|manager| person.is_none_or(|person| person.email != manager.email))
    }

    /// The zone somebody works in; the team's for nobody.
    pub fn zone_of<'a>(&'a self, person: Option<&'a Person>) -> &'a TimeZone {
        person.and_then(|person| person.zone.as_ref()).unwrap_or(&self.zone)
    }

    /// The quiet hours of somebody; the team's for nobody.
    pub fn quiet_of(&self, person: Option<&Person>) -> Option<QuietHours> {
        person.and_then(|person| person.quiet).or(self.quiet)
    }

    /// The days that are worked on where somebody works.
    pub fn calendar_of(&self, person: Option<&Person>) -> Calendar {
        let zone = self.zone_of(person);
        let own = zone.iana_name().and_then(|name| self.holidays_in.get(name));
        Calendar { zone: zone.clone(), holidays: own.unwrap_or(&self.calendar.holidays).clone() }
    }

    /// When an alert of `since` has waited for its reader for so many working hours that somebody else is told; `None` where
    /// nobody ever is.
    pub fn unclaimed_at(&self, since: Moment, person: Option<&Person>) -> Option<Moment> {
        let hours = self.alerts.unclaimed_hours;
        let waits = || self.calendar_of(person).plus_working_hours(since, hours, self.quiet_of(person));
        (hours > 0).then(waits)
    }
}
