//! The terms that are running out: what a runway counts down.

use std::collections::BTreeSet;

use config::RenewalSource;
use jiff::civil::Date;
use model::Closing;

use super::{Decided, Renewals, RunOut, SAME_TERM_DAYS, Term, days_between};
use crate::told::Told;

/// A term that ends on a known day and is not decided.
#[derive(Debug, Clone)]
pub(crate) struct Running<'a> {
    /// The id of the subscription, or the deal's subject.
    pub id: String,
    /// The day it ends.
    pub due_on: Date,
    /// Who says so.
    pub due: Told<'a>,
    /// Days of notice, where known.
    pub notice_days: Option<i64>,
    /// It renews by itself, where known.
    pub auto_renew: Option<bool>,
    /// It ends then because what was paid in advance runs out, before the day that was stated, if any was.
    pub runs_out: Option<(RunOut<'a>, Option<Date>)>,
}

impl Running<'_> {
    /// The last day for giving notice; the day it ends where it does not renew by itself, or no notice period is known.
    pub fn deadline(&self) -> Date {
        let notice = self.notice_days.filter(|days| self.auto_renew != Some(false) && *days > 0);
        let before = notice.and_then(|days| jiff::Span::new().try_days(days).ok());
        before.and_then(|span| self.due_on.checked_sub(span).ok()).unwrap_or(self.due_on)
    }

    /// Once the deadline has passed without notice it goes on. A notice period is there to stop what would, so an unknown
    /// one of the two is taken to go with the other.
    pub fn goes_on(&self) -> bool {
        self.auto_renew.unwrap_or(self.deadline() < self.due_on)
    }

    /// How long before the end notice must be given is not known, and would matter.
    pub fn lacks_notice(&self) -> bool {
        self.notice_days.is_none() && self.auto_renew != Some(false)
    }
}

/// Terms that end within a week of each other are one renewal.
#[derive(Debug, Clone)]
pub(crate) struct Group<'a> {
    /// By the day they end; never empty.
    terms: Vec<Running<'a>>,
}

impl<'a> Group<'a> {
    /// The one that ends first names the group.
    pub fn lead(&self) -> &Running<'a> {
        &self.terms[0]
    }

    pub fn terms(&self) -> impl Iterator<Item = &Running<'a>> {
        self.terms.iter()
    }

    pub fn ids(&self) -> BTreeSet<String> {
        self.terms.iter().map(|term| term.id.clone()).collect()
    }

    pub fn term(&self, id: &str) -> Option<&Running<'a>> {
        self.terms.iter().find(|term| term.id == id)
    }

    pub fn shares(&self, ids: &BTreeSet<String>) -> bool {
        self.terms.iter().any(|term| ids.contains(&term.id))
    }

    /// The first day one of them ends.
    pub fn due_on(&self) -> Date {
        self.lead().due_on
    }

    /// The first deadline of one of them.
    pub fn deadline(&self) -> Date {
        self.terms.iter().map(Running::deadline).min().unwrap_or(self.due_on())
    }

    /// All of them go on unless notice is given.
    pub fn goes_on(&self) -> bool {
        self.terms.iter().all(Running::goes_on)
    }

    /// All of them are known to renew by themselves.
    pub fn renews_by_itself(&self) -> bool {
        self.terms.iter().all(|term| term.auto_renew == Some(true))
    }

    /// Of one of them it is not known how long before its end notice must be given.
    pub fn lacks_notice(&self) -> bool {
        self.terms.iter().any(Running::lacks_notice)
    }
}

impl<'a> Renewals<'a> {
    /// The undecided terms of who is believed, those that end together as one, in the order of their ends. What is shorter
    /// than `min_term_days` is a trial, or a month that is billed of a longer contract.
    pub fn groups(&self, day: Date, min_term_days: i64) -> Vec<Group<'a>> {
        let source_kind = self.source(day);
        let (source, other) = match source_kind {
            RenewalSource::Company => (&self.company, self.of_deals(day)),
            RenewalSource::Deals => (&self.deals, self.of_company(day)),
        };
        let undecided = || source.iter().filter(|term| term.decided.is_none());
        let next = undecided().filter(|term| term.due.is_some()).min_by_key(|term| term.due_on());
        // Paid in advance at the company, and renewed by a deal: it is the next one.
        let is_prepaid = |term: &Term<'_>| match source_kind {
            RenewalSource::Company => self.runs_out.is_some_and(|(id, _)| id == term.id),
            RenewalSource::Deals => next.is_some_and(|next| next.id == term.id),
        };
        let out_of = |term: &Term<'a>| self.runs_out().filter(|_| is_prepaid(term));
        let running = undecided().filter_map(|term| self.running(term, other, out_of(term)));
        let contracts = running.filter(|(_, length)| length.is_none_or(|days| days >= min_term_days));
        let mut running: Vec<Running<'a>> = contracts.map(|(term, _)| term).collect();
        running.sort_by(|a, b| (a.due_on, &a.id).cmp(&(b.due_on, &b.id)));
        let mut groups: Vec<Group<'a>> = Vec::new();
        for term in running {
            match groups.last_mut() {
                Some(group) if days_between(group.due_on(), term.due_on) <= SAME_TERM_DAYS => group.terms.push(term),
                Some(_) | None => groups.push(Group { terms: vec![term] }),
            }
        }
        groups
    }

    /// A term with its length in days, where that is known; `None` where nobody knows when it ends, or it is lost. What
    /// its source leaves open is taken from the `other` one.
    fn running(
        &self,
        term: &Term<'a>,
        other: Option<&Term<'a>>,
        out: Option<RunOut<'a>>,
    ) -> Option<(Running<'a>, Option<i64>)> {
        let stated = term.due_on();
        if stated.is_some_and(|day| self.is_lost(day)) {
            return None;
        }
        if let Some(out) = out.filter(|out| stated.is_none_or(|day| out.on < day)) {
            // Nobody needs to give notice for it, and nothing renews it but another payment.
            let (notice_days, auto_renew) = (None, Some(false));
            let (id, due_on, due, runs_out) = (term.id.clone(), out.on, out.told, Some((out, stated)));
            return Some((Running { id, due_on, due, notice_days, auto_renew, runs_out }, None));
        }
        let due = term.due?;
        let due_on = due.date()?;
        // When one system's month began says nothing of another system's contract.
        let starts = term.starts.filter(|starts| starts.connection == due.connection).and_then(|told| told.date());
        let running = Running {
            id: term.id.clone(),
            due_on,
            due,
            notice_days: term.notice.or(other.and_then(|other| other.notice)).and_then(|told| told.int()),
            auto_renew: term.auto_renew.or(other.and_then(|other| other.auto_renew)).and_then(|told| told.flag()),
            runs_out: None,
        };
        Some((running, starts.map(|starts| days_between(starts, due_on))))
    }

    /// A deal about the term that ends on `day` was lost, and none is open.
    fn is_lost(&self, day: Date) -> bool {
        let mut about = self.deals.iter().filter(|term| term.is_near(day)).peekable();
        about.peek().is_some() && about.all(|term| term.decided == Some(Decided::Lost))
    }

    /// What became of terms that are not running any more, the first of which ended on `due_on`.
    pub fn fate(&self, terms: &BTreeSet<String>, due_on: Date) -> Closing {
        let about = |term: &&Term<'_>| terms.contains(&term.id) || term.is_near(due_on);
        let deals = || self.deals.iter().filter(about);
        let still_told = |term: &Term<'_>| terms.contains(&term.id) && term.due.is_some();
        if deals().any(|term| term.decided == Some(Decided::Won)) {
            Closing::Renewed
        } else if deals().any(|term| term.decided == Some(Decided::Lost))
            || terms.iter().any(|id| self.ended.contains(id.as_str()))
        {
            Closing::Lost
        } else if self.company.iter().chain(&self.deals).any(still_told) {
            // It is another source's word now, or too short to be a contract.
            Closing::Exited
        } else {
            Closing::Cleared
        }
    }
}
