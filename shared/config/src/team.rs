//! `team.toml`: our own people.

use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::Spanned;

use crate::reading::Reader;

/// Our own people and where they are reached.
#[derive(Debug, Clone)]
pub struct Team {
    /// The zone of the team.
    pub zone: TimeZone,
    /// In the order of the file.
    pub people: Vec<Person>,
    /// Where alerts go, with `#`.
    pub slack_channel: String,
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
}

impl Team {
    /// The person with this email address (in any case) or CRM owner id.
    pub fn find(&self, text: &str) -> Option<&Person> {
        let text = text.trim();
        self.people.iter().find(|person| {
            person.email.eq_ignore_ascii_case(text) || person.crm_owner_id.as_deref().is_some_and(|id| id == text)
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    zone: Spanned<String>,
    slack_channel: Spanned<String>,
    #[serde(default)]
    person: Vec<PersonTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct PersonTable {
    name: Spanned<String>,
    email: Spanned<String>,
    #[serde(default)]
    crm_owner_id: Option<Spanned<String>>,
    #[serde(default)]
    slack: Option<Spanned<String>>,
}

pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Team> {
    let file: File = reader.parse()?;
    let zone = reader.zone(&file.zone);
    let slack_channel = channel(reader, &file.slack_channel);
    let mut team = Team { zone: zone?, people: Vec::new(), slack_channel };
    for table in &file.person {
        let person = person(reader, table);
        let ids = [Some(&table.email), table.crm_owner_id.as_ref()];
        for id in ids.into_iter().flatten() {
            if let Some(other) = team.find(id.get_ref()) {
                let message = format!("`{}` is already {}", id.get_ref(), other.name);
                reader.wrong(id.span(), message, None);
            }
        }
        team.people.push(person);
    }
    Some(team)
}

fn person(reader: &mut Reader<'_>, table: &PersonTable) -> Person {
    let email = reader.words(&table.email);
    let parts = email.split_once('@');
    if !parts.is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !email.contains(' ')) {
        reader.wrong(table.email.span(), format!("`{email}` is not an email address"), None);
    }
    let slack = table.slack.as_ref().map(|slack| {
        let id = reader.words(slack);
        let good = id.len() > 1
            && id.starts_with(['U', 'W'])
            && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !good {
            let help = "in Slack: their profile, ⋮, Copy member ID; such as `U024BE7LH`".to_owned();
            reader.wrong(slack.span(), format!("`{id}` is not a Slack member id"), help);
        }
        id
    });
    let crm_owner_id = table.crm_owner_id.as_ref().map(|id| reader.words(id));
    Person { name: reader.words(&table.name), email, crm_owner_id, slack }
}

/// A channel's name with `#`, or its id.
pub(crate) fn channel(reader: &mut Reader<'_>, channel: &Spanned<String>) -> String {
    let text = reader.words(channel);
    let named = text.strip_prefix('#').is_some_and(|name| !name.is_empty() && !name.contains([' ', '#', '@']));
    let id = text.len() > 8
        && text.starts_with(['C', 'G'])
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !named && !id && !text.is_empty() {
        let help = "such as `#customer-success`, or the channel's id".to_owned();
        reader.wrong(channel.span(), format!("`{text}` is not a channel"), help);
    }
    text
}
