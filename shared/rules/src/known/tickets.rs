//! What the tickets of an account say: what is open and waits for us, how much of it there is, and whether it grows.

use std::collections::BTreeSet;

use config::{Config, Scalar};
use jiff::SignedDuration;
use jiff::civil::Date;
use model::{FactKey, Field, Moment, Placed, Value, View};

use super::sources::{SourceId, Sources, days_since, within};
use crate::told::Told;
use crate::when::When;

/// How grave a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    Low,
    Normal,
    High,
    Urgent,
}

impl Severity {
    /// From the words of vendors and customers. A missing priority is normal, as is a word that we do not know.
    fn of(word: Option<&str>) -> Self {
        match word.map(str::to_lowercase).as_deref() {
            Some("urgent" | "critical" | "blocker" | "emergency" | "p0" | "p1" | "sev0" | "sev1" | "1") => Self::Urgent,
            Some("high" | "major" | "p2" | "sev2" | "2") => Self::High,
            Some("low" | "lowest" | "minor" | "trivial" | "p4" | "p5" | "sev4" | "4") => Self::Low,
            _ => Self::Normal,
        }
    }

    /// What an open hour counts: each step twice the one before.
    fn weight(self) -> i64 {
        match self {
            Self::Low => 1,
            Self::Normal => 2,
            Self::High => 4,
            Self::Urgent => 8,
        }
    }
}

/// What nobody owes an answer to.
const NO_REQUESTS: [&str; 3] = ["task", "spam", "junk"];
/// What is asked for without anything being wrong.
const NO_PROBLEMS: [&str; 6] =
    ["question", "feature_request", "feature request", "feature", "general_inquiry", "suggestion"];
/// Statuses in which the customer, or somebody else, has to move.
const WAITING: [&str; 5] = ["pending", "hold", "on-hold", "waiting on contact", "waiting on customer"];
/// Statuses that end a ticket, for sources that tell no time of the solution.
const OVER: [&str; 4] = ["solved", "closed", "resolved", "archived"];

/// A spike is so many tickets or more: fewer are chance, however few there were before.
const LEAST_SPIKE: i64 = 3;
/// The days within which a spike comes: a week, so that its days weigh the same before and now.
const SPIKE: i64 = 7;
/// A spike is so many times what is usual within as many days: less happens by itself every few weeks.
const TIMES_USUAL: i64 = 2;
/// The window in which tickets are counted, in days: a quarter. Part of what the name of the scalar says.
const WINDOW: i64 = 90;
/// The days whose load is compared with those before: four whole weeks, as for use.
const RECENT: i64 = 28;
/// The days before, which say what is usual: a quarter, long enough for one bad week not to be the habit.
const BASELINE: i64 = 90;
/// Fewer tickets in the days before are no habit that anything could be compared with.
const LEAST_TICKETS: usize = 3;
/// From nine seats on their root is larger: the smallest companies count as one size.
const LEAST_ROOT_OF_SEATS: i64 = 3;

/// One ticket, as far as it counts.
#[derive(Debug, Clone)]
struct Ticket<'a> {
    source: SourceId,
    opened_at: Moment,
    opened_on: Date,
    /// `None` while it is open.
    solved_at: Option<Moment>,
    is_over: bool,
    waits_for_us: bool,
    is_problem: bool,
    severity: Severity,
    /// Who opened it, as the source names the person.
    person: Option<&'a str>,
    opened: Told<'a>,
}

impl Ticket<'_> {
    fn is_owed(&self) -> bool {
        !self.is_over && self.waits_for_us
    }

    fn hours(&self, until: Moment) -> i64 {
        until.since(self.opened_at).as_hours().max(0)
    }

    /// Hours from `from` to `to` in which it was open, by weight.
    fn load(&self, from: Moment, to: Moment) -> i64 {
        let end = self.solved_at.unwrap_or(to).min(to);
        end.since(self.opened_at.max(from)).as_hours().max(0) * self.severity.weight()
    }
}

/// All tickets of an account that somebody owes an answer to.
#[derive(Debug, Clone)]
pub(super) struct Tickets<'a> {
    tickets: Vec<Ticket<'a>>,
}

impl<'a> Tickets<'a> {
    pub fn new(view: View<'a>, sources: &Sources<'a>, config: &'a Config) -> Self {
        let tickets = view.objects(&FactKey::Ticket).filter_map(|placed| ticket(placed, sources, config));
        Self { tickets: tickets.collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }

    pub fn sources(&self) -> BTreeSet<SourceId> {
        self.tickets.iter().map(|ticket| ticket.source).collect()
    }

    /// Who opened a ticket, when, and who says so.
    pub fn people(&self) -> impl Iterator<Item = (&'a str, Date, SourceId, Told<'a>)> {
        self.tickets.iter().filter_map(|t| Some((t.person?, t.opened_on, t.source, t.opened)))
    }

    pub fn scalar(&self, name: &str, when: When, sources: &Sources<'a>, seats: Option<i64>) -> Option<Scalar> {
        if self.tickets.is_empty() {
            return None;
        }
        let count = |of: &dyn Fn(&&Ticket<'_>) -> bool| {
            Some(Scalar::Int(i64::try_from(self.tickets.iter().filter(of).count()).unwrap_or(i64::MAX)))
        };
        match name {
            "had_tickets" => Some(Scalar::Flag(true)),
            "open_tickets" => count(&|ticket| ticket.is_owed()),
            "open_urgent_tickets" => count(&|ticket| ticket.is_owed() && ticket.severity == Severity::Urgent),
            "oldest_urgent_ticket_hours" => {
                let hours = self.urgent().map(|ticket| ticket.hours(sources.held(ticket.source, when).at));
                Some(Scalar::Int(hours.max().unwrap_or(0)))
            }
            "tickets_90d" => count(&|t| within(t.opened_on, sources.held(t.source, when), WINDOW)),
            "ticket_spike" => Some(Scalar::Flag(self.spikes(when, sources))),
            "ticket_load" => self.load(when, sources, seats?).map(Scalar::Int),
            "ticket_load_change" => self.load_change(when, sources).map(Scalar::Int),
            "days_since_last_ticket" => {
                let last = self.last()?;
                Some(Scalar::Int(days_since(last.opened_on, sources.held(last.source, when))))
            }
            _ => None,
        }
    }

    /// The ticket that a scalar is read from, or the first of them.
    pub fn told(&self, name: &str) -> Option<Told<'a>> {
        let oldest = |of: &dyn Fn(&&Ticket<'a>) -> bool| self.tickets.iter().filter(of).min_by_key(|t| t.opened_at);
        let first = match name {
            "open_urgent_tickets" | "oldest_urgent_ticket_hours" => self.urgent().min_by_key(|ticket| ticket.opened_at),
            "open_tickets" => oldest(&|ticket| ticket.is_owed()),
            "ticket_load" => oldest(&|ticket| ticket.is_owed() && ticket.is_problem),
            _ => None,
        };
        first.or_else(|| self.last()).map(|ticket| ticket.opened)
    }

    fn urgent(&self) -> impl Iterator<Item = &Ticket<'a>> {
        self.tickets.iter().filter(|ticket| ticket.is_owed() && ticket.severity == Severity::Urgent)
    }

    fn last(&self) -> Option<&Ticket<'a>> {
        self.tickets.iter().max_by_key(|ticket| ticket.opened_at)
    }

    /// Far more were opened in the last days than in as many of the days before, on average. What is usual is known only of an
    /// account that had a ticket before all of them: without one it may be new, or its tool was connected lately.
    fn spikes(&self, when: When, sources: &Sources<'a>) -> bool {
        let opened = |days: i64| {
            let is_in = |t: &&Ticket<'_>| within(t.opened_on, sources.held(t.source, when), days);
            i64::try_from(self.tickets.iter().filter(is_in).count()).unwrap_or(i64::MAX)
        };
        let is_older = |t: &Ticket<'_>| !within(t.opened_on, sources.held(t.source, when), SPIKE + BASELINE);
        let recent = opened(SPIKE);
        let before = opened(SPIKE + BASELINE) - recent;
        self.tickets.iter().any(is_older)
            && recent >= LEAST_SPIKE
            && recent.saturating_mul(BASELINE) >= before.saturating_mul(SPIKE * TIMES_USUAL)
    }

    /// Open hours until the beginning of the day by weight, divided by the root of the seats: a large company has more
    /// to ask, though not in step with its size.
    fn load(&self, when: When, sources: &Sources<'a>, seats: i64) -> Option<i64> {
        let owed = self.tickets.iter().filter(|ticket| ticket.is_owed() && ticket.is_problem);
        let midnight = sources.midnights(when);
        let hours = owed.map(|ticket| ticket.hours(midnight(ticket.source)) * ticket.severity.weight());
        let sum = hours.fold(0_i64, i64::saturating_add);
        // Hundredths of the root, for roots between whole numbers.
        let root = seats.max(0).checked_mul(10_000)?.isqrt().max(LEAST_ROOT_OF_SEATS * 100);
        rounded(i128::from(sum) * 100, i128::from(root))
    }

    /// How much more, in percent, an hour of the last days had open than one of the days before.
    fn load_change(&self, when: When, sources: &Sources<'a>) -> Option<i64> {
        let midnight = sources.midnights(when);
        let (mut recent, mut baseline) = (0_i64, 0_i64);
        let (mut in_baseline, mut is_long_enough) = (0_usize, false);
        for ticket in self.tickets.iter().filter(|ticket| ticket.is_problem) {
            let now = midnight(ticket.source);
            let since = now.plus(SignedDuration::from_hours(-24 * RECENT));
            let before = since.plus(SignedDuration::from_hours(-24 * BASELINE));
            is_long_enough |= ticket.opened_at <= before;
            if ticket.is_over && ticket.solved_at.is_none() {
                // Over, nobody knows since when.
                continue;
            }
            if ticket.is_over || ticket.waits_for_us {
                recent = recent.saturating_add(ticket.load(since, now));
            }
            let then = ticket.load(before, since);
            baseline = baseline.saturating_add(then);
            in_baseline += usize::from(then > 0);
        }
        if in_baseline < LEAST_TICKETS || !is_long_enough {
            return None;
        }
        let (recent, usual) = (i128::from(recent) * i128::from(BASELINE), i128::from(baseline) * i128::from(RECENT));
        change(recent, usual)
    }
}

fn ticket<'a>(placed: &'a Placed, sources: &Sources<'a>, config: &'a Config) -> Option<Ticket<'a>> {
    let view = View::new(std::slice::from_ref(placed), config);
    let told = |field| Told::of(view, &FactKey::Ticket, field);
    let text = |field| told(field).and_then(|told: Told<'a>| told.text());
    let moment = |told: Option<Told<'a>>| match told?.register.value {
        Value::Moment(at) => Some(at),
        _ => None,
    };
    let opened = told(Field::OpenedAt)?;
    let opened_at = moment(Some(opened))?;
    let kind = text(Field::TicketType).map(str::to_lowercase);
    let is_among = |words: &[&str]| kind.as_deref().is_some_and(|kind| words.contains(&kind));
    if is_among(&NO_REQUESTS) {
        return None;
    }
    let status = text(Field::Status).unwrap_or_default();
    let solved_at = moment(told(Field::SolvedAt));
    Some(Ticket {
        source: sources.id(opened.connection)?,
        opened_at,
        opened_on: opened_at.date_in(&config.model.zone),
        solved_at,
        is_over: solved_at.is_some() || OVER.contains(&status),
        waits_for_us: !WAITING.contains(&status),
        is_problem: !is_among(&NO_PROBLEMS),
        severity: Severity::of(text(Field::Priority)),
        person: text(Field::Person),
        opened,
    })
}

/// `part ÷ whole`, rounded half-up; `None` where the result goes beyond 64 bits.
pub(super) fn rounded(part: i128, whole: i128) -> Option<i64> {
    i64::try_from((2 * part + whole).div_euclid(2 * whole)).ok()
}

/// By how many percent `now` is above `before`, rounded half-up; `None` against nothing.
pub(super) fn change(now: i128, before: i128) -> Option<i64> {
    if before <= 0 {
        return None;
    }
    rounded((now - before) * 100, before)
}
