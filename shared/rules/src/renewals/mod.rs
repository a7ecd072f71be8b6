//! When an account's contract ends and what is at stake: from the company's properties and from the deals of a renewal
//! pipeline. One of the two is shown, so that one contract never counts down twice; the other is what is also said.

mod prepaid;
mod terms;

use std::collections::BTreeSet;

use config::{Config, Connection, RenewalSource};
use jiff::ToSpan as _;
use jiff::civil::Date;
use model::{Authority as _, FactKey, Field, Money, Placed, RenewalStatus, View};

pub(crate) use prepaid::{Projection, RunOut};
pub(crate) use terms::{Group, Running};

use crate::told::Told;

/// A renewal decided within so many days of another's date is about the same contract: systems differ by a day or two, and
/// contracts that end in one week are one talk.
pub(crate) const SAME_TERM_DAYS: i64 = 7;
/// In days. An undecided deal stands for its term until so many days after it, also when the next term's deal is there already:
/// until then a late signature is still this renewal.
pub(crate) const PAST_DUE_DAYS: i32 = 60;

/// How a renewal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decided {
    Won,
    Lost,
}

/// What one source tells of one renewal.
#[derive(Debug, Clone, Default)]
struct Term<'a> {
    /// The id of the subscription, or the deal's subject.
    id: String,
    starts: Option<Told<'a>>,
    due: Option<Told<'a>>,
    notice: Option<Told<'a>>,
    auto_renew: Option<Told<'a>>,
    amount: Option<Told<'a>>,
    status: Option<Told<'a>>,
    decided: Option<Decided>,
}

impl Term<'_> {
    fn due_on(&self) -> Option<Date> {
        self.due.as_ref()?.date()
    }

    fn is_near(&self, day: Date) -> bool {
        self.due_on().is_some_and(|due| days_between(due, day).abs() <= SAME_TERM_DAYS)
    }
}

/// Everything that is told of an account's renewals.
#[derive(Debug, Clone)]
pub(crate) struct Renewals<'a> {
    /// From subscriptions that have not ended, in the order of their ids.
    company: Vec<Term<'a>>,
    /// What was paid in advance for one of them runs out.
    runs_out: Option<(&'a str, RunOut<'a>)>,
    /// From the deals of renewal pipelines.
    deals: Vec<Term<'a>>,
    /// The ids of the subscriptions that have ended.
    ended: BTreeSet<&'a str>,
    believe: &'a [RenewalSource],
    /// Some connection tells recurring revenue itself.
    tells_arr: bool,
    /// What its subscriptions say of whether it still buys something.
    pub has_active_subscription: Option<bool>,
}

/// The renewal that counts on a day. What its source leaves open is taken from the other one.
#[derive(Debug, Clone)]
pub(crate) struct Renewal<'a> {
    /// The day the term ends; `None` when no source tells one, or when it is renewed already.
    pub due: Option<Told<'a>>,
    /// Days of notice.
    pub notice: Option<Told<'a>>,
    /// It renews by itself.
    pub auto_renew: Option<Told<'a>>,
    /// What is to be renewed.
    pub amount: Option<Told<'a>>,
    /// The subscription's own status.
    pub subscription: Option<Told<'a>>,
    /// How it stands.
    pub status: RenewalStatus,
    /// The day that the source says which is not believed.
    pub also_due: Option<Told<'a>>,
}

impl Renewal<'_> {
    /// The day the term ends.
    pub fn due_on(&self) -> Option<Date> {
        self.due?.date()
    }

    /// The day by which notice must be given: the term's end less the notice period, unless it does not renew by
    /// itself; `None` while either is unknown.
    pub fn notice_deadline(&self) -> Option<Date> {
        let ends = self.due_on()?;
        if self.auto_renew.and_then(|told| told.flag()) == Some(false) {
            return Some(ends);
        }
        let notice = self.notice?.int()?;
        ends.checked_sub(jiff::Span::new().try_days(notice).ok()?).ok()
    }
}

impl<'a> Renewals<'a> {
    pub fn new(view: View<'a>, config: &'a Config, project: Projection<'_, 'a>) -> Self {
        let (live, ended): (Vec<_>, Vec<_>) = view.subscriptions().partition(|key| is_live(&view, key));
        let maps_arr = |c: &Connection| c.mapping.objects.values().any(|fields| fields.contains_key(&Field::Arr));
        let deals: Vec<_> = view.objects(&FactKey::Deal).filter_map(|placed| deal(placed, config)).collect();
        let is_renewed = |day| deals.iter().any(|term| term.decided == Some(Decided::Won) && term.is_near(day));
        let mut company: Vec<_> = live.iter().map(|key| subscription(view, key)).collect();
        for term in &mut company {
            // A won deal ends the term, also while the company's property still names its day.
            term.due = term.due.filter(|told| !told.date().is_some_and(is_renewed));
        }
        // Subscriptions that two systems tell of by ids of their own can be the same contract: one of the two counts.
        let believed = company.iter().filter_map(|term| Some(term.due?.connection));
        if let Some(first) = believed.min_by_key(|connection| config.rank(Field::RenewsOn, connection)) {
            company.iter_mut().for_each(|term| term.due = term.due.filter(|told| told.connection == first));
        }
        Self {
            company,
            runs_out: prepaid::runs_out(view, &live, &config.model.zone, project)
                .filter(|(_, out)| !is_renewed(out.on)),
            deals,
            ended: ended.into_iter().filter_map(subscription_id).collect(),
            believe: &config.renewal_sources,
            tells_arr: config.connections.iter().any(|c| c.enabled && maps_arr(c)),
            has_active_subscription: has_active(&view, &live),
        }
    }

    /// When what was paid in advance runs out.
    pub fn runs_out(&self) -> Option<RunOut<'a>> {
        self.runs_out.map(|(_, out)| out)
    }

    /// The renewal that counts on `day`.
    pub fn on(&self, day: Date) -> Renewal<'a> {
        let company = self.of_company(day).cloned().unwrap_or_default();
        let deals = self.of_deals(day).cloned().unwrap_or_default();
        let (shown, other) = match self.source(day) {
            RenewalSource::Deals => (&deals, &company),
            RenewalSource::Company => (&company, &deals),
        };
        let same_term = shown.due_on().is_some_and(|due| deals.is_near(due));
        let lost = deals.decided == Some(Decided::Lost) && same_term;
        Renewal {
            due: shown.due,
            notice: shown.notice.or(other.notice),
            auto_renew: shown.auto_renew.or(other.auto_renew),
            amount: deals.amount.filter(|_| same_term).or(company.amount),
            subscription: company.status,
            status: if lost { RenewalStatus::Lost } else { RenewalStatus::Open },
            also_due: other.due.filter(|_| shown.due.is_some()),
        }
    }

    /// Who is shown: the first that is believed and tells a day.
    fn source(&self, day: Date) -> RenewalSource {
        let tells = |source: &&RenewalSource| match source {
            RenewalSource::Company => self.of_company(day).is_some_and(|term| term.due.is_some()),
            RenewalSource::Deals => self.of_deals(day).is_some_and(|term| term.due.is_some()),
        };
        let first = self.believe.iter().find(tells).or(self.believe.first());
        first.copied().unwrap_or(RenewalSource::Company)
    }

    /// Recurring revenue on `day` and the statement it starts from: the sum over the subscriptions; where no connection
    /// tells any, the amount of the renewal that is coming, else of the last one that was won.
    pub fn arr(&self, day: Date) -> Option<(Money, Told<'a>)> {
        if !self.tells_arr {
            let last_won = || self.decided(Decided::Won).max_by_key(|term| term.due_on());
            let amount = self.of_deals(day).or_else(last_won)?.amount?;
            return Some((amount.money()?, amount));
        }
        let mut amounts = self.company.iter().filter_map(|term| Some((term.amount?.money()?, term.amount?)));
        let (first, told) = amounts.next()?;
        // Another currency is never added to it.
        let same = amounts.map(|(next, _)| next).filter(|next| next.currency == first.currency);
        Some((same.fold(first, |sum, next| Money { minor: sum.minor.saturating_add(next.minor), ..sum }), told))
    }

    /// The subscription whose term ends next; when all are over, the one that ended last.
    fn of_company(&self, day: Date) -> Option<&Term<'a>> {
        let ahead = self.company.iter().filter(|term| term.due_on().is_some_and(|due| due >= day));
        let next = ahead.min_by_key(|term| term.due_on());
        let last = || self.company.iter().rev().max_by_key(|term| term.due_on());
        next.or_else(last)
    }

    /// The undecided deal that is due next, or has been for a short while; when all have been for long, the last of
    /// them, unless a later one was won meanwhile. Without an undecided one: the last that was decided, when it was
    /// lost. What was won is not due any more.
    fn of_deals(&self, day: Date) -> Option<&Term<'a>> {
        let open = || self.deals.iter().filter(|term| term.decided.is_none());
        let oldest = day.checked_sub(PAST_DUE_DAYS.days()).unwrap_or(day);
        let next = open().filter(|term| term.due_on().is_some_and(|due| due >= oldest)).min_by_key(|t| t.due_on());
        let won = self.decided(Decided::Won).filter_map(Term::due_on).max();
        let is_newer = |term: &&Term<'_>| won.is_none() || term.due_on() > won;
        let last_open = || open().max_by_key(|term| term.due_on()).filter(is_newer);
        let last_lost = || self.decided(Decided::Lost).max_by_key(|term| term.due_on()).filter(is_newer);
        next.or_else(last_open).or_else(last_lost)
    }

    fn decided(&self, how: Decided) -> impl Iterator<Item = &Term<'a>> {
        self.deals.iter().filter(move |term| term.decided == Some(how))
    }
}

fn subscription<'a>(view: View<'a>, key: &FactKey) -> Term<'a> {
    let told = |field| Told::of(view, key, field);
    Term {
        id: subscription_id(key).unwrap_or_default().to_owned(),
        starts: told(Field::StartsOn),
        due: told(Field::RenewsOn),
        notice: told(Field::NoticeDays),
        auto_renew: told(Field::AutoRenew),
        amount: told(Field::Arr),
        status: told(Field::Status),
        decided: None,
    }
}

pub(super) fn subscription_id(key: &FactKey) -> Option<&str> {
    match key {
        FactKey::Subscription(id) => Some(id),
        _ => None,
    }
}

/// A deal of a renewal pipeline; `None` for every other deal.
fn deal<'a>(placed: &'a Placed, config: &'a Config) -> Option<Term<'a>> {
    let view = View::new(std::slice::from_ref(placed), config);
    let told = |field| Told::of(view, &FactKey::Deal, field);
    let is = |field, among: &[String]| {
        let held = told(field);
        held.and_then(|told| told.text()).is_some_and(|text| among.iter().any(|one| one == text))
    };
    // Whoever told the pipeline knows which are for renewals, unless only another connection of the same CRM does.
    let teller = told(Field::Pipeline)?.connection;
    let own = config.connection(teller).and_then(|connection| connection.renewals.as_ref());
    let renewals = own.or_else(|| config.connections.iter().find_map(|connection| connection.renewals.as_ref()))?;
    if !is(Field::Pipeline, &renewals.pipelines) {
        return None;
    }
    let decided = if is(Field::Stage, &renewals.won) {
        Some(Decided::Won)
    } else if is(Field::Stage, &renewals.lost) {
        Some(Decided::Lost)
    } else {
        None
    };
    Some(Term {
        id: placed.fact.subject.to_string(),
        starts: told(Field::StartsOn),
        due: told(Field::RenewsOn).or_else(|| told(Field::ClosesOn)),
        notice: told(Field::NoticeDays),
        auto_renew: told(Field::AutoRenew),
        amount: told(Field::Amount),
        status: None,
        decided,
    })
}

/// Statuses under which a subscription no longer counts.
const ENDED: [&str; 5] = ["canceled", "cancelled", "churned", "expired", "ended"];

pub(crate) fn is_live(view: &View<'_>, key: &FactKey) -> bool {
    view.text(key, Field::Status).is_none_or(|status| !ENDED.contains(&status))
}

/// Unknown without any subscription, or while no status says so.
fn has_active(view: &View<'_>, live: &[&FactKey]) -> Option<bool> {
    let mut known = None;
    for key in live {
        if let Some(status) = view.text(key, Field::Status) {
            known = Some(known == Some(true) || ["active", "trialing", "past_due"].contains(&status));
        }
    }
    known
}

/// Whole days from `from` to `to`; negative when `to` is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}
