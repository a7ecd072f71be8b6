//! Who looks after an account, and where a message for them goes. The reason is part of the answer.

use config::{Person, Role, Team};
use jiff::civil::Date;
use model::{Field, Owner, Recipient, SubjectId};

use crate::known::Known;

/// Whom the CRM names: the CSM, else the owner of its record; with the field that does.
pub(crate) fn named<'a>(known: &Known<'a>) -> Option<(Field, &'a str)> {
    [Field::Csm, Field::RecordOwner].into_iter().find_map(|field| Some((field, known.text(field)?)))
}

/// The same person is the same text, however the CRM names them.
pub(crate) fn identity(text: &str, team: &Team) -> String {
    team.find(text).map_or(text, |person| &person.email).trim().to_lowercase()
}

/// Whoever the CRM names, else who took over from them, else one of the pool; `None` where that is nobody.
pub(crate) fn owner(known: &Known<'_>, team: &Team, account: &SubjectId) -> Option<Owner> {
    let Some((field, text)) = named(known) else {
        return from_pool(team, account, |person| person.active)
            .map(|person| owns(person, "the pool, because nobody looks after the account".to_owned()));
    };
    let whence = if field == Field::Csm { "the CRM's CSM property" } else { "the CRM record's owner" };
    let Some(person) = team.find(text) else {
        return Some(Owner {
            name: text.to_owned(),
            email: text.contains('@').then(|| text.to_owned()),
            reason: format!("{whence}, not in team.toml"),
        });
    };
    if person.active {
        return Some(owns(person, whence.to_owned()));
    }
    let next = |person: &Person| person.cover.clone();
    let successor = stand_in(team, person, next, |other| other.active);
    let successor = successor.or_else(|| from_pool(team, account, |person| person.active))?;
    Some(owns(successor, format!("in place of {}, who left", person.name)))
}

fn owns(person: &Person, reason: String) -> Owner {
    Owner { name: person.name.clone(), email: Some(person.email.clone()), reason }
}

/// Always the same member for the same account; when the pool changes, only the accounts of who joined or left move.
fn from_pool<'a>(team: &'a Team, account: &SubjectId, able: impl Fn(&Person) -> bool) -> Option<&'a Person> {
    let members = team.pool.iter().filter_map(|email| team.find(email)).filter(|person| able(person));
    members.min_by_key(|person| model::stable_hash(&["pool", account.as_str(), &person.email.to_lowercase()]))
}

/// The first who is able of those who stand in for one another.
fn stand_in<'a>(
    team: &'a Team,
    person: &'a Person,
    next: impl Fn(&Person) -> Option<String>,
    able: impl Fn(&Person) -> bool,
) -> Option<&'a Person> {
    // Who stand in for each other in a ring are all asked once.
    let chain = std::iter::successors(Some(person), |person| team.find(&next(person)?));
    chain.take(team.people.len() + 1).skip(1).find(|person| able(person))
}

/// Somebody to be told, and how.
#[derive(Debug)]
pub(crate) struct Reached<'a> {
    /// `None` where it goes to the channel because nobody in `team.toml` fits.
    pub person: Option<&'a Person>,
    /// Why they, or why nobody, wherever it goes.
    pub why: String,
    pub to: Recipient,
}

/// Whoever has the role for an account on a day, or who stands in; by their own Slack id where `team.toml` has one, else by
/// the address that the CRM or `team.toml` knows; in the team's channel where nobody is known.
pub(crate) fn reach<'a>(
    known: &Known<'_>,
    owner: Option<&Owner>,
    role: Role,
    team: &'a Team,
    account: &SubjectId,
    day: Date,
) -> Reached<'a> {
    let looks_after = owner.and_then(|o| team.find(o.email.as_deref().unwrap_or(&o.name)));
    let with_reason = |owner: &Owner| format!("{}, {}", owner.name, owner.reason);
    let (meant, why) = match (role, owner) {
        (Role::Csm, Some(owner)) => (looks_after, with_reason(owner)),
        (Role::Csm, None) => return in_channel(team, None, "the account has no owner"),
        (Role::Manager, owner) => match (team.manager_of(looks_after), looks_after, owner) {
            (Some(manager), Some(person), _) => {
                (Some(manager), format!("{}, to whom {} reports", manager.name, person.name))
            }
            (Some(manager), None, Some(owner)) => (
                Some(manager),
                format!("{}, the team's manager, because team.toml does not know {}", manager.name, owner.name),
            ),
            (Some(manager), None, None) => {
                (Some(manager), format!("{}, the team's manager, because the account has no owner", manager.name))
            }
            (None, Some(person), _) => {
                return in_channel(team, None, &format!("team.toml names no manager of {}", person.name));
            }
            (None, None, Some(owner)) => {
                return in_channel(team, None, &format!("team.toml does not know {}", owner.name));
            }
            (None, None, None) => return in_channel(team, None, "the account has no owner"),
        },
        (Role::Ae, owner) => match (known.text(Field::RecordOwner).and_then(|text| team.find(text)), owner) {
            (Some(person), _) => (Some(person), format!("{}, the CRM record's owner", person.name)),
            (None, Some(owner)) => (looks_after, with_reason(owner)),
            (None, None) => return in_channel(team, None, "the account has no owner"),
        },
    };
    let Some(meant) = meant else {
        let name = owner.map_or("", |owner| owner.name.as_str());
        return match owner.and_then(|owner| owner.email.as_deref()) {
            Some(email) => by_email(team, None, email, why),
            None => in_channel(team, None, &format!("neither the CRM nor team.toml has an address of {name}")),
        };
    };
    if meant.is_there(day) {
        return direct(team, meant, why);
    }
    let next = |person: &Person| person.away_on(day).map_or(person.cover.clone(), |away| away.cover.clone());
    let able = |person: &Person| person.is_there(day);
    let Some(cover) = stand_in(team, meant, next, able).or_else(|| from_pool(team, account, able)) else {
        return in_channel(team, None, &format!("{} is away and nobody stands in", meant.name));
    };
    let until = meant.away_on(day).map_or(String::new(), |away| format!(" until {}", away.to));
    direct(team, cover, format!("{}, who stands in for {}{until}", cover.name, meant.name))
}

pub(crate) fn direct<'a>(team: &Team, person: &'a Person, reason: String) -> Reached<'a> {
    match &person.slack {
        Some(slack) => {
            let to = recipient(team, Some(person), slack.clone(), reason.clone());
            Reached { person: Some(person), why: reason, to }
        }
        None => by_email(team, Some(person), &person.email, reason),
    }
}

/// Slack is asked for the person's id when the message goes out.
pub(crate) fn by_email<'a>(team: &Team, person: Option<&'a Person>, email: &str, reason: String) -> Reached<'a> {
    let email = email.trim().to_lowercase();
    let to = Recipient { email: Some(email.clone()), ..recipient(team, person, email, reason.clone()) };
    Reached { person, why: reason, to }
}

pub(crate) fn in_channel<'a>(team: &Team, person: Option<&'a Person>, because: &str) -> Reached<'a> {
    let reason = format!("the team's channel, because {because}");
    let to = recipient(team, person, team.slack_channel.clone(), reason);
    Reached { person, why: because.to_owned(), to }
}

fn recipient(team: &Team, person: Option<&Person>, address: String, reason: String) -> Recipient {
    Recipient {
        address,
        reason,
        email: person.map(|person| person.email.to_lowercase()),
        zone: team.zone_of(person).iana_name().map(str::to_owned),
        quiet: team.quiet_of(person).map(|quiet| quiet.to_string()),
    }
}
