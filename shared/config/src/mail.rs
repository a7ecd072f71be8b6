//! `email.toml`: from whom mail comes, how far mail to customers goes, and how much of it one address gets.

use serde::Deserialize;
use toml::Spanned;

use crate::reading::Reader;

/// How mail goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The sender, such as `Customer Success <success@ourco.example>`; ASCII. SES must have verified its domain.
    pub from: String,
    /// The configuration set of SES whose events tell of bounces; `None` where none is told of.
    pub configuration_set: Option<String>,
    /// How far mail to a customer's address goes when its playbook is live.
    pub to_customers: ToCustomers,
    /// Where SES keeps who does not want mail any more; there is one where [`ToCustomers::Send`].
    pub contact_list: Option<ContactList>,
    /// How much somebody at a customer's gets, from all playbooks together.
    pub customer: MailLimits,
    /// How much one of us gets, drafts included.
    pub colleague: MailLimits,
}

/// How far mail to a customer's address goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToCustomers {
    /// To the account's owner as a draft, who sends it or does not.
    #[default]
    Draft,
    /// To the customer.
    Send,
}

/// A contact list of SES.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactList {
    /// Its name; an account has one.
    pub name: String,
    /// The topic that people leave; `None`: they leave the whole list.
    pub topic: Option<String>,
}

/// The most mails to one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailLimits {
    /// In one day of the team's zone.
    pub per_day: u32,
    /// In one calendar week.
    pub per_week: u32,
}

/// What holds for customers where the file says nothing: as `email.toml` ships, which says why.
const CUSTOMER: MailLimits = MailLimits { per_day: 1, per_week: 2 };
/// What holds for us where the file says nothing, likewise.
const COLLEAGUE: MailLimits = MailLimits { per_day: 5, per_week: 20 };

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    from: Spanned<String>,
    #[serde(default)]
    configuration_set: Option<Spanned<String>>,
    #[serde(default)]
    to_customers: Option<Spanned<ToCustomers>>,
    #[serde(default)]
    contact_list: Option<Spanned<String>>,
    #[serde(default)]
    topic: Option<Spanned<String>>,
    #[serde(default)]
    customer_per_day: Option<Spanned<i64>>,
    #[serde(default)]
    customer_per_week: Option<Spanned<i64>>,
    #[serde(default)]
    colleague_per_day: Option<Spanned<i64>>,
    #[serde(default)]
    colleague_per_week: Option<Spanned<i64>>,
}

pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Mail> {
    let file: File = reader.parse()?;
    let from = sender(reader, &file.from);
    let mut name = |text: &Option<Spanned<String>>| text.as_ref().map(|text| ses_name(reader, text));
    let (configuration_set, list) = (name(&file.configuration_set), name(&file.contact_list));
    let topic = name(&file.topic);
    if let (None, Some(topic)) = (&list, &file.topic) {
        let help = "add `contact_list = \"…\"`, the list that has the topic".to_owned();
        reader.wrong(topic.span(), "a topic of no list", help);
    }
    let to_customers = file.to_customers.as_ref().map(|to| *to.get_ref()).unwrap_or_default();
    if let (ToCustomers::Send, None, Some(place)) = (to_customers, &list, &file.to_customers) {
        let help = "add `contact_list = \"…\"`, a contact list of SES: it keeps who left, and adds the link".to_owned();
        reader.wrong(place.span(), "customers could not unsubscribe", help);
    }
    let mut limits = |day: &Option<Spanned<i64>>, week: &Option<Spanned<i64>>, default: MailLimits| {
        let mut count = |written: &Option<Spanned<i64>>, default: u32| {
            let count = written.as_ref().map(|written| reader.whole(written, 1, 1_000, "mails"));
            count.and_then(|count| u32::try_from(count).ok()).unwrap_or(default)
        };
        MailLimits { per_day: count(day, default.per_day), per_week: count(week, default.per_week) }
    };
    let customer = limits(&file.customer_per_day, &file.customer_per_week, CUSTOMER);
    let colleague = limits(&file.colleague_per_day, &file.colleague_per_week, COLLEAGUE);
    Some(Mail {
        from,
        configuration_set,
        to_customers,
        contact_list: list.map(|name| ContactList { name, topic }),
        customer,
        colleague,
    })
}

/// An address, alone or behind a name in `<>`.
fn sender(reader: &mut Reader<'_>, written: &Spanned<String>) -> String {
    let text = reader.words(written);
    let address = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')).map_or(text.as_str(), |(_, it)| it);
    if !is_address(address) {
        let help = "such as `Customer Success <success@ourco.example>`".to_owned();
        reader.wrong(written.span(), format!("`{text}` has no email address"), help);
    } else if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        let help = "write the name without accents: SES takes it as it stands here".to_owned();
        reader.wrong(written.span(), format!("`{text}` has letters beyond ASCII"), help);
    }
    text
}

/// One address, such as `success@ourco.example`.
pub(crate) fn is_address(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"' | '#');
    let parts = text.split_once('@');
    parts.is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.contains('@') && !text.contains(odd)
    })
}

/// The longest name of a configuration set or a list that SES takes, in bytes.
const LONGEST_NAME: usize = 64;

/// A name as SES takes it.
fn ses_name(reader: &mut Reader<'_>, written: &Spanned<String>) -> String {
    let name = reader.words(written);
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if name.len() > LONGEST_NAME || !name.bytes().all(good) {
        let help = "letters, digits, `-` and `_`, at most 64, as it is called in the SES console".to_owned();
        reader.wrong(written.span(), format!("`{name}` is no name of SES"), help);
    }
    name
}
