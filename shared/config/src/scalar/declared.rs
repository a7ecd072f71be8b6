//! Every name that conditions and measures can use, with what feeds it and what moves it.

use model::{Family, Field};

use super::ScalarKind;

/// What tells the facts that a scalar is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// Properties that are mapped to [`ScalarInfo::fields`]; of a scalar without fields, nothing but the assessment.
    Mapped,
    /// Help desks, and tickets of a CRM.
    Tickets,
    /// Surveys.
    Answers,
    /// Tickets and answers, by the people in them.
    People,
    /// How much the product is used.
    Usage,
    /// Bills and payments.
    Payments,
    /// Agreed steps.
    Milestones,
    /// What our own people state.
    Operator,
}

impl Feed {
    /// The families of which any connection feeds it, without a mapping.
    pub fn families(self) -> &'static [Family] {
        match self {
            Self::Mapped | Self::Operator => &[],
            Self::Tickets => &[Family::Ticketing],
            Self::Answers => &[Family::Survey],
            Self::People => &[Family::Ticketing, Family::Survey],
            Self::Usage | Self::Milestones => &[Family::Usage],
            Self::Payments => &[Family::Billing],
        }
    }
}

/// A name that conditions and measures can use.
#[derive(Debug, PartialEq, Eq)]
pub struct ScalarInfo {
    /// The name, as conditions write it.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: ScalarKind,
    /// What people call it.
    pub label: &'static str,
    /// What a number counts, such as `days`; `None` when the number speaks for itself.
    pub unit: Option<&'static str>,
    /// The mapped fields it is computed from; any one of them makes it wired. Empty when it needs none.
    pub fields: &'static [Field],
    /// What tells it besides mapped properties.
    pub feed: Feed,
    /// It changes with the calendar, without news.
    pub clock_derived: bool,
    /// It changes within a day, without news.
    pub by_hours: bool,
    /// Nobody saying anything moves it, so it holds while its source is silent. A date that was stated comes near all the
    /// same.
    pub holds: bool,
}

impl ScalarInfo {
    /// What to do so that a connection feeds it.
    pub(crate) fn how_to_feed(&self) -> String {
        let fields: Vec<_> = self.fields.iter().map(|field| format!("`{field}`")).collect();
        let mut ways = vec![];
        if !fields.is_empty() {
            ways.push(format!("map {}", fields.join(" or ")));
        }
        let families: Vec<_> = self.feed.families().iter().map(ToString::to_string).collect();
        if !families.is_empty() {
            ways.push(format!("enable a connection of the family {}", families.join(" or ")));
        }
        format!("{} in connections.toml", ways.join(", or "))
    }

    const fn unit(self, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..self }
    }

    const fn of(self, feed: Feed) -> Self {
        Self { feed, ..self }
    }

    /// A date that was stated comes nearer, or lies further back, whoever is silent.
    const fn by_date(self) -> Self {
        Self { clock_derived: true, holds: false, ..self }
    }

    /// Days pass, and that nobody says anything is what counts.
    const fn by_day(self) -> Self {
        Self { clock_derived: true, ..self }
    }

    /// As [`Self::by_day`], by the hour.
    const fn by_hour(self) -> Self {
        Self { clock_derived: true, by_hours: true, ..self }
    }
}

const fn info(name: &'static str, kind: ScalarKind, label: &'static str, fields: &'static [Field]) -> ScalarInfo {
    let (feed, clock_derived, by_hours) = (Feed::Mapped, false, false);
    ScalarInfo { name, kind, label, unit: None, fields, feed, clock_derived, by_hours, holds: true }
}

const fn text(name: &'static str, label: &'static str, fields: &'static [Field]) -> ScalarInfo {
    info(name, ScalarKind::Text, label, fields)
}

const fn flag(name: &'static str, label: &'static str, fields: &'static [Field]) -> ScalarInfo {
    info(name, ScalarKind::Flag, label, fields)
}

const fn number(name: &'static str, label: &'static str, fields: &'static [Field]) -> ScalarInfo {
    info(name, ScalarKind::Int, label, fields)
}

const fn days(name: &'static str, label: &'static str, fields: &'static [Field]) -> ScalarInfo {
    number(name, label, fields).unit("days")
}

const fn percent(name: &'static str, label: &'static str) -> ScalarInfo {
    number(name, label, &[]).unit("percent")
}

/// The properties of a ticket that a CRM maps; without its opening there is none.
const TICKET: &[Field] = &[Field::OpenedAt];

/// Every name that conditions and measures can use.
pub static SCALARS: &[ScalarInfo] = &[
    // Results of the assessment; not known while it is being decided whether an account is watched.
    text("band", "Band now: green, yellow, red or unknown", &[]),
    text("previous_band", "Band of the assessment before", &[]),
    number("score", "Health score now, 0 to 100", &[]),
    number("previous_score", "Health score of the assessment before, 0 to 100", &[]),
    days("days_bands_apart", "Days since score and people are two bands apart: one green, the other red", &[])
        .by_date(),
    // Of the answer that an episode is about; known only to what ends it.
    number("answer_nps", "What was answered, 0 to 10", &[]),
    number("answer_nps_now", "The newest answer of the same person, 0 to 10", &[]),
    flag("contact_since_answer", "There was contact in both directions since the answer", &[]),
    // The company.
    text("name", "Name of the company", &[Field::Name]),
    text("domain", "Main web domain, lower-case", &[Field::Domain]),
    text("lifecycle_stage", "Lifecycle stage in the CRM, lower-case", &[Field::LifecycleStage]),
    text("tier", "Service tier, as the CRM names it", &[Field::Tier]),
    text("segment", "Market segment, as the CRM names it", &[Field::Segment]),
    text("region", "Where the company is, as the CRM names it", &[Field::Region]),
    text("language", "The language in which the company is spoken to, as the CRM names it", &[Field::Language]),
    flag("is_test", "The record is a test", &[Field::IsTest]),
    days(
        "customer_age_days",
        "Days since the contract began, else the first deal was won, else the CRM says it became a customer",
        &[Field::CustomerSince, Field::StartsOn, Field::ClosesOn],
    )
    .by_date(),
    // What was bought.
    // Of the renewal that is next: once that has passed, of another.
    number("arr", "Annual recurring revenue in whole units of its currency", &[Field::Arr]).by_date(),
    days("days_to_renewal", "Days to the renewal; negative once it has passed", &[Field::RenewsOn]).by_date(),
    days("notice_days", "Notice period before the renewal", &[Field::NoticeDays]).by_date(),
    days("days_to_notice", "Days to the last day for giving notice; negative after it", &[Field::RenewsOn]).by_date(),
    days(
        "days_to_run_out",
        "Days until what was paid in advance runs out, as fast as it was used in the last four weeks",
        &[Field::PrepaidUnits, Field::PrepaidLeft],
    )
    .by_date(),
    flag("auto_renew", "The term renews by itself", &[Field::AutoRenew]).by_date(),
    flag(
        "has_active_subscription",
        "Something that was bought is still running",
        &[Field::Status, Field::RenewsOn, Field::Arr],
    ),
    number("seats", "Seats bought, over all subscriptions", &[Field::Seats]).unit("seats").of(Feed::Payments),
    days("days_overdue", "Days since which something is owed; 0 when all is paid", &[]).of(Feed::Payments).by_day(),
    number("payment_failures", "Payments that failed since the last that went through", &[])
        .unit("failures")
        .of(Feed::Payments),
    // What people say.
    text("csm_sentiment", "The CSM's word: green, yellow or red", &[Field::Sentiment]),
    days("days_since_sentiment", "Days since the CSM gave their word", &[Field::Sentiment]).by_day(),
    text("override_band", "The band that a person has set by hand, while it is valid", &[])
        .of(Feed::Operator)
        .by_date(),
    days("days_since_two_way_contact", "Days since the last contact in both directions", &[Field::LastTwoWayAt])
        .by_day(),
    number("stakeholders_90d", "People of theirs in tickets and answers of the last 90 days", &[])
        .unit("people")
        .of(Feed::People)
        .by_day(),
    flag("has_sponsor", "One of their people is known to be a sponsor", &[Field::Role]),
    days("days_since_sponsor_heard", "Days since a sponsor opened a ticket or gave an answer", &[])
        .of(Feed::People)
        .by_day(),
    // Tickets. What is pending or on hold waits for the customer and is not owed.
    flag("had_tickets", "They have opened tickets in the last year or so", TICKET).of(Feed::Tickets),
    number("open_tickets", "Open tickets that wait for us", TICKET).unit("tickets").of(Feed::Tickets),
    number("open_urgent_tickets", "Open urgent tickets that wait for us", TICKET).unit("tickets").of(Feed::Tickets),
    number("oldest_urgent_ticket_hours", "Hours since the oldest open urgent ticket was opened", TICKET)
        .unit("hours")
        .of(Feed::Tickets)
        .by_hour(),
    number("tickets_90d", "Tickets opened in the last 90 days", TICKET).unit("tickets").of(Feed::Tickets).by_day(),
    flag(
        "ticket_spike",
        "3 tickets or more in the last 7 days, and twice as many as in a week of the 90 days before; no where no older one says what is usual",
        TICKET,
    )
    .of(Feed::Tickets)
    .by_day(),
    number("ticket_load", "Open hours of their problems by weight, for the number of seats", TICKET)
        .of(Feed::Tickets)
        .by_day(),
    number("ticket_load_change", "Ticket load of the last 28 days against the 90 days before", TICKET)
        .unit("percent")
        .of(Feed::Tickets)
        .by_day(),
    days("days_since_last_ticket", "Days since the last ticket was opened", TICKET).of(Feed::Tickets).by_day(),
    // Surveys. An account's number counts from three respondents, or from one who decides.
    number("nps_latest", "Promoters less detractors of the last 180 days, -100 to 100", &[]).of(Feed::Answers).by_day(),
    number("nps_last_answer", "The last answer to how likely they recommend us, 0 to 10", &[]).of(Feed::Answers),
    number("nps_respondents", "People who said how likely they recommend us, in 180 days", &[])
        .unit("people")
        .of(Feed::Answers)
        .by_day(),
    percent("csat_percent", "Satisfied answers of the last 180 days").of(Feed::Answers).by_day(),
    days("days_since_detractor", "Days since anybody answered 6 or less", &[]).of(Feed::Answers).by_day(),
    number("detractors_180d", "People whose last answer within 180 days was 6 or less", &[])
        .unit("people")
        .of(Feed::Answers)
        .by_day(),
    // Usage, by whole days. A day without a report is one without use, as long as the source reports.
    number("active_users_28d", "Active users: the most of a day in the last 28", &[])
        .unit("users")
        .of(Feed::Usage)
        .by_day(),
    percent("active_users_change", "Active users of the last 28 days against the 28 before, or those of a year ago")
        .of(Feed::Usage)
        .by_day(),
    percent("seat_utilisation", "Active users of the last 28 days for each 100 seats").of(Feed::Usage).by_day(),
    percent("feature_depth", "High-value features used in the last 28 days").of(Feed::Usage).by_day(),
    days("usage_age_days", "Days since the last report of use", &[]).of(Feed::Usage).by_day(),
    flag("first_value_reached", "They have reached the milestone of first value", &[]).of(Feed::Milestones),
    days("days_to_first_value", "Days that it took to reach first value, or has taken so far", &[])
        .of(Feed::Milestones)
        .by_day(),
];
