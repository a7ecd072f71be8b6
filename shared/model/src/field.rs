//! The registers that facts are made of, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{BadId, DayOfMonth, ValueKind};

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal: $kind:ident,)*) => {
        /// A named register of a fact. The name is what mappings, `explain` and stored items use.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[$doc])* $variant,)*
            /// The value of a metric on one day of a month.
            Day(DayOfMonth),
        }

        /// Every field without the days.
        const PLAIN: &[Field] = &[$(Field::$variant,)*];

        impl Field {
            /// Every field, in the order of this file, then the days.
            pub const ALL: &'static [Self] = &all();

            /// The name in mappings and stored items.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* Self::Day(day) => day.field_name() }
            }

            /// The kind of value the field holds.
            pub fn kind(self) -> ValueKind {
                match self { $(Self::$variant => ValueKind::$kind,)* Self::Day(_) => ValueKind::Int }
            }
        }
    };
}

const fn all() -> [Field; PLAIN.len() + DayOfMonth::ALL.len()] {
    let mut all = [Field::At; PLAIN.len() + DayOfMonth::ALL.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < PLAIN.len() { PLAIN[at] } else { Field::Day(DayOfMonth::ALL[at - PLAIN.len()]) };
        at += 1;
    }
    all
}

fields! {
    /// What people call it.
    Name = "name": Text,
    /// The company's main web domain, lower-case.
    Domain = "domain": Text,
    /// More domains of the company, comma-separated.
    OtherDomains = "other_domains": Text,
    /// The CRM's lifecycle stage, lower-case, such as `customer`.
    LifecycleStage = "lifecycle_stage": Text,
    /// Service tier, as the CRM names it.
    Tier = "tier": Text,
    /// Market segment, as the CRM names it.
    Segment = "segment": Text,
    /// Where the company is, as the CRM names it: a country, or a region of ours.
    Region = "region": Text,
    /// The language in which the company is spoken to, as the CRM names it.
    Language = "language": Text,
    /// The CSM: an email address or the CRM's owner id.
    Csm = "csm": Text,
    /// The owner of the CRM record, often sales: an email address or the CRM's owner id.
    RecordOwner = "record_owner": Text,
    /// The day the company became a customer.
    CustomerSince = "customer_since": Date,
    /// The record is a test.
    IsTest = "is_test": Flag,
    /// A contact's email address, lower-case.
    Email = "email": Text,
    /// A contact's part: sponsor, decision-maker, admin, user.
    Role = "role": Text,
    /// A contact wants no mail, as the CRM says.
    OptedOut = "opted_out": Flag,
    /// Mail to the address comes back for good.
    MailBounced = "mail_bounced": Flag,
    /// Whoever has the address called our mail spam.
    MailComplained = "mail_complained": Flag,
    /// Whoever has the address unsubscribed from our mail; false once they subscribe again.
    MailUnsubscribed = "mail_unsubscribed": Flag,
    /// A deal's pipeline id.
    Pipeline = "pipeline": Text,
    /// A deal's stage id.
    Stage = "stage": Text,
    /// A deal's amount.
    Amount = "amount": Money,
    /// The day a deal closes or closed.
    ClosesOn = "closes_on": Date,
    /// The vendor's id of the company this belongs to.
    Company = "company": Text,
    /// Annual recurring revenue.
    Arr = "arr": Money,
    /// The day the contract began.
    StartsOn = "starts_on": Date,
    /// Seats bought.
    Seats = "seats": Int,
    /// The day the term ends.
    RenewsOn = "renews_on": Date,
    /// Notice period in days before the renewal.
    NoticeDays = "notice_days": Int,
    /// The term renews by itself.
    AutoRenew = "auto_renew": Flag,
    /// Units paid in advance for the whole term, from the day it began. What is used of them is reported as use.
    PrepaidUnits = "prepaid_units": Int,
    /// Units paid in advance that were left at the beginning of the day on which this was said.
    PrepaidLeft = "prepaid_left": Int,
    /// A subscription's status, or a task's, lower-case, such as `active` or `completed`.
    Status = "status": Text,
    /// How urgent a ticket is, lower-case: `low`, `normal`, `high`, `urgent`, or the vendor's own word.
    Priority = "priority": Text,
    /// What a ticket is, lower-case: `problem`, `incident`, `question`, `task`, or the vendor's own word.
    TicketType = "ticket_type": Text,
    /// When a ticket was opened.
    OpenedAt = "opened_at": Moment,
    /// When a ticket was solved; cleared when it was opened again.
    SolvedAt = "solved_at": Moment,
    /// Who opened a ticket or gave an answer, as the source names the person: `zendesk:user:77`,
    /// `email:ann@acme.example`.
    Person = "person": Text,
    /// The survey that was answered: the vendor's id of the form.
    Survey = "survey": Text,
    /// When a survey was answered.
    RespondedAt = "responded_at": Moment,
    /// Likelihood to recommend, 0 to 10.
    Nps = "nps": Int,
    /// Satisfaction, on the scale of `csat_scale`.
    Csat = "csat": Int,
    /// The lowest and highest satisfaction that could be given, such as `1..5`.
    CsatScale = "csat_scale": Text,
    /// Effort, on the scale of `ces_scale`.
    Ces = "ces": Int,
    /// The lowest and highest effort that could be given, such as `1..7`.
    CesScale = "ces_scale": Text,
    /// What was written beside the scores.
    Comment = "comment": Text,
    /// Our own id of the account, as a form or a tool was told it.
    AccountId = "account_id": Text,
    /// The parent company, as the source names it. Never a link: both stay accounts.
    Parent = "parent": Text,
    /// The CSM's word: `green`, `yellow` or `red`.
    Sentiment = "sentiment": Text,
    /// When we last heard from them and they from us.
    LastTwoWayAt = "last_two_way_at": Moment,
    /// The day since which something is owed; cleared when all is paid.
    OverdueSince = "overdue_since": Date,
    /// Payments that failed since the last that went through.
    PaymentFailures = "payment_failures": Int,
    /// The day a milestone was reached; cleared when it was not, after all.
    ReachedOn = "reached_on": Date,
    /// The day by which a milestone is to be reached.
    DueOn = "due_on": Date,
    /// The band set by hand: `green`, `yellow` or `red`; cleared when it was taken back.
    OverrideBand = "override_band": Text,
    /// Who set it.
    OverrideBy = "override_by": Text,
    /// Why.
    OverrideWhy = "override_why": Text,
    /// The last day for which it was set.
    OverrideUntil = "override_until": Date,
    /// The last day, in the reporting zone, of an incident of ours.
    IncidentUntil = "incident_until": Date,
    /// What the incident is.
    IncidentWhy = "incident_why": Text,
    /// Who says that there is one.
    IncidentBy = "incident_by": Text,
    /// The Slack id of who takes care of what an alert tells.
    ClaimedBy = "claimed_by": Text,
    /// Until when an alert is to rest.
    SnoozedUntil = "snoozed_until": Moment,
    /// The Slack id of who said so.
    SnoozedBy = "snoozed_by": Text,
    /// Why an alert was no cause for alarm: `known`, `no_risk`, `wrong_data` or `other`.
    Dismissed = "dismissed": Text,
    /// The Slack id of who said so.
    DismissedBy = "dismissed_by": Text,
    /// The Slack id of who wanted a task for it.
    TaskWantedBy = "task_wanted_by": Text,
    /// The moment a tick or request is for.
    At = "at": Moment,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Field {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::ALL
            .iter()
            .copied()
            .find(|field| field.as_str() == text)
            .ok_or_else(|| BadId { what: "the name of a field", text: text.to_owned() })
    }
}

impl Serialize for Field {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_field_is_read_back_from_its_name() {
        let names: BTreeSet<_> = Field::ALL.iter().map(|field| field.as_str()).collect();
        assert_eq!(names.len(), Field::ALL.len());
        for field in Field::ALL {
            assert_eq!(field.as_str().parse(), Ok(*field));
        }
        for bad in ["", "day_00", "day_1", "day_32", "day_", "Name"] {
            assert!(bad.parse::<Field>().is_err(), "{bad}");
        }
    }

    #[test]
    fn each_day_of_a_month_is_a_field() {
        let days = Field::ALL.iter().filter(|field| matches!(field, Field::Day(_)));
        let names: Vec<_> = days.clone().map(|field| field.as_str()).collect();
        assert_eq!((names.len(), names[0], names[8], names[30]), (31, "day_01", "day_09", "day_31"));
        assert!(days.into_iter().all(|field| field.kind() == ValueKind::Int));
    }
}
