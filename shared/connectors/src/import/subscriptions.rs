//! What companies bought, from a list of one's own or of a billing tool: no vendor's form, so the headings are ours.

use model::{Currency, FactKey, Field, Mapping, Normalized, QuarantinedItem, Signal, SignalKind, Statement, SubjectId};

use super::{Feeds, Form, Row, lacks, plain};
use crate::hubspot_values as values;

/// A row is one subscription.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subscriptions;

const ACCOUNT: &str = "account";
const ID: &str = "subscription";
const CURRENCY: &str = "currency";

/// What people call a field instead of its name; letters and digits only.
const WORDS: [(Field, &[&str]); 9] = [
    (Field::Arr, &["annualrecurringrevenue", "annualrevenue", "amountperyear"]),
    (Field::Seats, &["licenses", "licences", "quantity"]),
    (Field::StartsOn, &["start", "startdate", "contractstart"]),
    (Field::RenewsOn, &["renewal", "renewaldate", "enddate", "contractend"]),
    (Field::NoticeDays, &["noticeperiod", "noticeperioddays"]),
    (Field::AutoRenew, &["autorenewal", "renewsautomatically"]),
    (Field::Status, &["subscriptionstatus"]),
    (Field::PrepaidUnits, &[]),
    (Field::PrepaidLeft, &[]),
];

impl Form for Subscriptions {
    fn feeds(&self, mapping: &Mapping, name: &str) -> Feeds {
        let heading = plain(name);
        match heading.as_str() {
            "account"
            | "accountid"
            | "company"
            | "companyid"
            | "recordid"
            | "associatedcompanyid"
            | "domain"
            | "companydomainname" => return vec![ACCOUNT],
            "id" | "subscription" | "subscriptionid" | "contractid" => return vec![ID],
            "currency" => return vec![CURRENCY],
            _ => {}
        }
        let is_it = |(field, words): &&(Field, &[&str])| {
            let mapped = mapping.property("company", *field).is_some_and(|property| plain(property) == heading);
            mapped || plain(field.as_str()) == heading || words.contains(&heading.as_str())
        };
        WORDS.iter().find(is_it).map(|(field, _)| field.as_str()).into_iter().collect()
    }

    fn needs(&self) -> (&'static str, &'static str) {
        (ACCOUNT, "`Account`, with the account's id or its web domain")
    }

    fn row(&self, row: &Row<'_>) -> Normalized {
        match self.read(row) {
            Ok(said) => said,
            Err(item) => Normalized { quarantined: vec![item], ..Normalized::default() },
        }
    }
}

impl Subscriptions {
    fn read(&self, row: &Row<'_>) -> Result<Normalized, QuarantinedItem> {
        let cells = row.fed(self);
        let of = |what: &str| cells.iter().find(|(fed, _)| *fed == what).map(|(_, cell)| cell);
        let account = of(ACCOUNT).ok_or_else(|| lacks(row, self.needs()))?;
        let named = row.mapping.account(&account.text()).filter(can_have_one);
        let subject = named.ok_or_else(|| account.unfit("an account's id, such as 123, or its web domain"))?;
        // Without an id it is the one contract that the CRM keeps on the company.
        let id = of(ID).map_or_else(|| "company".to_owned(), |cell| cell.text());
        let currency: Currency = match of(CURRENCY) {
            Some(cell) => cell.text().parse().map_err(|_| cell.unfit("a currency, three letters such as EUR"))?,
            None => row.mapping.currency,
        };
        let mut said = Normalized::default();
        let mut statements = Vec::new();
        for (what, cell) in &cells {
            let Ok(field) = what.parse::<Field>() else { continue };
            match values::read(field, cell.raw, currency) {
                Ok(value) => statements.push(Statement {
                    field,
                    value,
                    occurred_at: row.as_of,
                    sequence: None,
                    path: cell.path.clone(),
                    raw: Statement::cut_raw(cell.raw.get()),
                }),
                Err(unfit) => said.quarantined.push(cell.unfit(unfit.expected)),
            }
        }
        if !statements.is_empty() {
            let (kind, key) = (SignalKind::SubscriptionChanged, FactKey::Subscription(id));
            said.signals.push(Signal { kind, subject, key, statements });
        }
        Ok(said)
    }
}

/// A company, by an id as vendors give them, or a domain.
fn can_have_one(subject: &SubjectId) -> bool {
    let is_id = |id: &str| id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    subject.as_domain().is_some() || subject.parts().is_some_and(|(_, _, id)| subject.is_company() && is_id(id))
}
