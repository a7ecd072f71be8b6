//! What the roads from HubSpot share: its kinds of record, which fields they have, and what a property of a record says,
//! so that a workflow's body, an app's event and a fetched record that tell the same are the same statement.

use model::{
    Currency, FactKey, Field, Link, MappedObject, Mapping, Moment, Normalized, OUR_PROPERTIES, QuarantineKind,
    QuarantinedItem, Signal, SignalKind, Statement, SubjectId, Value, Warning,
};
use serde_json::value::RawValue;

use crate::hubspot_links as links;
use crate::hubspot_values as values;
use crate::json::{self, Found};

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Company,
    Contact,
    Deal,
    Ticket,
}

/// The fields of a company.
pub(crate) const COMPANY: MappedObject = MappedObject {
    name: "company",
    fields: &[
        Field::Name,
        Field::Domain,
        Field::OtherDomains,
        Field::LifecycleStage,
        Field::Tier,
        Field::Segment,
        Field::Region,
        Field::Language,
        Field::Csm,
        Field::RecordOwner,
        Field::CustomerSince,
        Field::IsTest,
        Field::Parent,
        Field::Arr,
        Field::Seats,
        Field::StartsOn,
        Field::RenewsOn,
        Field::NoticeDays,
        Field::AutoRenew,
        Field::PrepaidUnits,
        Field::PrepaidLeft,
        Field::Status,
        Field::Sentiment,
        Field::LastTwoWayAt,
    ],
};

/// The fields of a contact.
pub(crate) const CONTACT: MappedObject =
    MappedObject { name: "contact", fields: &[Field::Name, Field::Email, Field::Role, Field::OptedOut] };

/// The fields of a deal. One in a renewal pipeline may carry the terms of the renewal.
pub(crate) const DEAL: MappedObject = MappedObject {
    name: "deal",
    fields: &[
        Field::Name,
        Field::Pipeline,
        Field::Stage,
        Field::Amount,
        Field::ClosesOn,
        Field::RenewsOn,
        Field::NoticeDays,
        Field::AutoRenew,
    ],
};

/// The fields of a ticket.
pub(crate) const TICKET: MappedObject = MappedObject {
    name: "ticket",
    fields: &[Field::Status, Field::Priority, Field::TicketType, Field::OpenedAt, Field::SolvedAt],
};

/// The property with the currency of a deal's amount; portals with one currency do not have it.
pub(crate) const CURRENCY: &str = "deal_currency_code";

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Company, Self::Contact, Self::Deal, Self::Ticket];

    /// The name in subjects, in mappings and in the types of events.
    pub(crate) fn name(self) -> &'static str {
        self.object().name
    }

    /// The name in addresses of the API.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Company => "companies",
            Self::Contact => "contacts",
            Self::Deal => "deals",
            Self::Ticket => "tickets",
        }
    }

    /// HubSpot's number of the kind.
    pub(crate) fn type_id(self) -> &'static str {
        match self {
            Self::Contact => "0-1",
            Self::Company => "0-2",
            Self::Deal => "0-3",
            Self::Ticket => "0-5",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn of_type_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.type_id() == id)
    }

    pub(crate) fn subject(self, id: &str) -> SubjectId {
        SubjectId::vendor("hubspot", self.name(), id)
    }

    fn object(self) -> MappedObject {
        match self {
            Self::Company => COMPANY,
            Self::Contact => CONTACT,
            Self::Deal => DEAL,
            Self::Ticket => TICKET,
        }
    }

    /// HubSpot's own properties that say where a record belongs. They are read without a mapping too, under the name
    /// that the mapping gives where it names one.
    fn linking(self) -> &'static [(Field, &'static str)] {
        match self {
            Self::Company => &[(Field::Domain, "domain"), (Field::OtherDomains, "hs_additional_domains")],
            Self::Contact => &[(Field::Email, "email"), (Field::Company, "associatedcompanyid")],
            Self::Deal => &[(Field::Company, "hs_primary_associated_company")],
            Self::Ticket => &[(Field::Company, "hs_primary_company_id")],
        }
    }

    /// Which item of the record a field belongs to, and what news of it is called; `None` for a field it does not have.
    pub(crate) fn home(self, field: Field) -> Option<(SignalKind, FactKey)> {
        let belongs = self.object().fields.contains(&field) || (field == Field::Company && self != Self::Company);
        belongs.then(|| match (self, field) {
            (Self::Contact, _) => (SignalKind::ContactChanged, FactKey::Contact),
            (Self::Deal, _) => (SignalKind::RenewalChanged, FactKey::Deal),
            (Self::Ticket, _) => (SignalKind::TicketChanged, FactKey::Ticket),
            (
                Self::Company,
                Field::Arr
                | Field::Seats
                | Field::StartsOn
                | Field::RenewsOn
                | Field::NoticeDays
                | Field::AutoRenew
                | Field::PrepaidUnits
                | Field::PrepaidLeft
                | Field::Status,
            ) => (SignalKind::SubscriptionChanged, FactKey::Subscription("company".into())),
            (Self::Company, Field::Sentiment) => (SignalKind::SentimentSet, FactKey::Sentiment),
            (Self::Company, Field::LastTwoWayAt) => (SignalKind::TouchpointHeld, FactKey::Touchpoint),
            (Self::Company, _) => (SignalKind::AccountChanged, FactKey::Profile),
        })
    }
}

/// A property that is read, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reads<'m> {
    pub(crate) field: Field,
    pub(crate) property: &'m str,
    /// The value is a fact; otherwise it only tells where the record belongs.
    pub(crate) stated: bool,
}

/// What is read of a kind of record: what the mapping names, then what tells where it belongs. A field that the kind does
/// not have is among it, to be warned of. A property of ours says what we said, and is never read.
pub(crate) fn reads(kind: Kind, mapping: &Mapping) -> Vec<Reads<'_>> {
    let mapped = mapping.objects.get(kind.name()).into_iter().flatten();
    let mapped = mapped.filter(|(_, property)| !property.starts_with(OUR_PROPERTIES));
    let mut all: Vec<_> =
        mapped.map(|(field, property)| Reads { field: *field, property: property.as_str(), stated: true }).collect();
    for &(field, property) in kind.linking() {
        if all.iter().all(|reads| reads.field != field) {
            all.push(Reads { field, property, stated: field == Field::Company });
        }
    }
    all
}

/// A property's value as a body gives it.
#[derive(Debug, Clone)]
pub(crate) struct Told<'a> {
    /// The token of the value; `None` where a whole record leaves out what it always tells.
    pub(crate) raw: Option<&'a RawValue>,
    /// Where it stands.
    pub(crate) path: String,
    /// When it was set.
    pub(crate) at: Moment,
}

/// The currency of an amount.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AmountIn {
    pub(crate) currency: Currency,
    /// The body tells the currency. Otherwise it is the connection's, and the same amount of the same time counts less.
    pub(crate) told: bool,
}

impl AmountIn {
    /// The connection's currency, for a body that tells none.
    pub(crate) fn assumed(mapping: &Mapping) -> Self {
        Self { currency: mapping.currency, told: false }
    }
}

/// A reason and a place, for what is not in HubSpot's form.
pub(crate) fn odd(what: &str, expected: &str, found: impl std::fmt::Display, path: &str) -> QuarantinedItem {
    let reason = format!("{what}: expected {expected}, found {found}");
    QuarantinedItem { kind: QuarantineKind::Unreadable, reason, path: path.to_owned() }
}

/// Reads the code of a currency; `None` for an empty one.
///
/// # Errors
/// When it is none.
pub(crate) fn currency(raw: &RawValue, path: &str) -> Result<Option<Currency>, QuarantinedItem> {
    let odd = |found| QuarantinedItem {
        kind: QuarantineKind::UnfitValue,
        ..odd(CURRENCY, "three letters such as EUR", found, path)
    };
    match json::scalar(raw).map_err(odd)?.filter(|code| !code.trim().is_empty()) {
        Some(code) => code.parse().map(Some).map_err(|_| odd(Found::kind(raw))),
        None => Ok(None),
    }
}

/// Collects what a delivery says.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    pub(crate) out: Normalized,
}

impl Collector {
    /// Adds what a property says: its fact, and where that makes the record belong. The value, where it was understood.
    ///
    /// Where the field is [`Field::Company`] the link is left to the caller, who knows whether the body tells all of it.
    pub(crate) fn tell(
        &mut self,
        kind: Kind,
        id: &str,
        reads: Reads<'_>,
        told: &Told<'_>,
        amount: AmountIn,
    ) -> Option<Value> {
        let Some((news, key)) = kind.home(reads.field) else {
            let message = format!("a {} has no `{}`; `{}` was not read", kind.name(), reads.field, reads.property);
            self.warn(message, &told.path);
            return None;
        };
        let value = match told.raw {
            None => Value::Cleared,
            Some(raw) => match values::read(reads.field, raw, amount.currency) {
                Ok(value) => value,
                Err(unfit) => {
                    let item = odd(reads.property, unfit.expected, unfit.found, &told.path);
                    self.set_aside(QuarantinedItem { kind: QuarantineKind::UnfitValue, ..item });
                    return None;
                }
            },
        };
        let subject = kind.subject(id);
        let (links, left_out) = links::of_value(&subject, reads.field, &value, told);
        if reads.stated {
            let told_currency = reads.field == Field::Amount && value != Value::Cleared && amount.told;
            let statement = Statement {
                field: reads.field,
                value: value.clone(),
                occurred_at: told.at,
                // HubSpot orders values by time alone.
                sequence: told_currency.then_some(1),
                path: told.path.clone(),
                raw: told.raw.map_or_else(String::new, |raw| Statement::cut_raw(raw.get())),
            };
            self.state(news, subject, key, statement);
        }
        self.out.links.extend(links);
        if let Some(message) = left_out {
            self.warn(message, &told.path);
        }
        Some(value)
    }

    /// Adds a statement to the signal of its item, opening it with its first.
    fn state(&mut self, kind: SignalKind, subject: SubjectId, key: FactKey, statement: Statement) {
        let same = |signal: &&mut Signal| signal.kind == kind && signal.subject == subject && signal.key == key;
        match self.out.signals.iter_mut().find(same) {
            Some(signal) => signal.statements.push(statement),
            None => self.out.signals.push(Signal { kind, subject, key, statements: vec![statement] }),
        }
    }

    pub(crate) fn link(&mut self, link: Link) {
        self.out.links.push(link);
    }

    pub(crate) fn set_aside(&mut self, item: QuarantinedItem) {
        self.out.quarantined.push(item);
    }

    pub(crate) fn warn(&mut self, message: impl Into<String>, path: &str) {
        self.out.warnings.push(Warning { message: message.into(), path: path.to_owned() });
    }

    /// Says so where a kind of record has no mapping, so that nobody wonders where its facts are.
    pub(crate) fn warn_without_mapping(&mut self, kind: Kind, mapping: &Mapping) {
        if mapping.objects.get(kind.name()).is_none_or(|fields| fields.is_empty()) {
            let message = format!("no property of a {0} is mapped; map some under `{0}` to use them", kind.name());
            self.warn(message, "properties");
        }
    }
}
