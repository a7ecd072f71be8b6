//! The ledger of mail to one address, over all playbooks: one row like a desk's.

use config::{Calendar, MailLimits, QuietHours, Team, moment};
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, ToSpan as _};
use model::{ActionId, Audience, Desk, Moment, PlacedMessage, Placement, SubjectId, Uses};

/// How long a mail is remembered: longer than any week that counts it, and than it waits for anything.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 60);

/// What holds for one address.
#[derive(Debug, Clone)]
pub struct MailRules {
    limits: MailLimits,
    calendar: Calendar,
    quiet: Option<QuietHours>,
}

impl MailRules {
    /// What holds for an address: of one of us their own hours, of a customer's those of the team, for nobody knows theirs.
    pub fn of(address: &str, audience: Audience, limits: MailLimits, team: &Team) -> Self {
        let person = match audience {
            Audience::Colleague => team.find(address),
            Audience::Customer => None,
        };
        Self { limits, calendar: team.calendar_of(person), quiet: team.quiet_of(person) }
    }

    fn day(&self, at: Moment) -> Date {
        at.date_in(&self.calendar.zone)
    }

    /// The Monday of a moment's week.
    fn week(&self, at: Moment) -> Date {
        let day = self.day(at);
        day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).unwrap_or(day)
    }

    fn next_allowed(&self, at: Moment) -> Moment {
        self.calendar.next_allowed(at, &self.calendar.zone, self.quiet)
    }

    fn beginning(&self, day: Date, after: i64) -> Moment {
        let day = day.checked_add(after.days()).ok();
        day.and_then(|day| moment(day, Time::midnight(), &self.calendar.zone)).unwrap_or(Moment::LATEST)
    }
}

/// Whether the mail of `action` about `account` may go to the address of `ledger` at `now`, and the ledger as it is then.
///
/// [`Placement::SendNow`], once given, stays given, however often it is asked for again; [`Placement::NotBefore`] says when
/// to ask again, and leaves the ledger as it is.
pub fn allow(
    ledger: &Desk,
    (action, account): (&ActionId, &SubjectId),
    now: Moment,
    rules: &MailRules,
) -> (Placement, Desk) {
    let mut next = ledger.clone();
    next.placed.retain(|_, placed| now.since(placed.at) < REMEMBERED);
    if next.placed.contains_key(action) {
        return (Placement::SendNow, next);
    }
    let count = |is_counted: &dyn Fn(Moment) -> bool| {
        u32::try_from(next.placed.values().filter(|placed| is_counted(placed.at)).count()).unwrap_or(u32::MAX)
    };
    let (day, week) = (rules.day(now), rules.week(now));
    let from = if count(&|at| rules.week(at) == week) >= rules.limits.per_week {
        rules.beginning(week, 7)
    } else if count(&|at| rules.day(at) == day) >= rules.limits.per_day {
        rules.beginning(day, 1)
    } else {
        now
    };
    let allowed = rules.next_allowed(from);
    if allowed > now {
        return (Placement::NotBefore(allowed), next);
    }
    let placement = Placement::SendNow;
    let placed = PlacedMessage { placement: placement.clone(), at: now, account: account.clone(), uses: Uses::Budget };
    next.placed.insert(action.clone(), placed);
    (placement, next)
}
