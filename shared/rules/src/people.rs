//! Who looks after an account, and where a message for them goes. The reason is part of the answer.

use config::{Person, PoolGroup, Role, Scalar, Scalars, Team, Verdict};
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
        let pool = Pool::of(known, team);
        let person = pool.pick(account, |person| person.active)?;
        return Some(owns(
            person,
            format!("{}, because nobody looks after the account{}", pool.name(), pool.share(person)),
        ));
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
    let successor = successor.or_else(|| Pool::of(known, team).pick(account, |person| person.active))?;
    Some(owns(successor, format!("in place of {}, who left", person.name)))
}

fn owns(person: &Person, reason: String) -> Owner {
    Owner { name: person.name.clone(), email: Some(person.email.clone()), reason }
}

/// Who takes an account that nobody looks after.
struct Pool<'a> {
    /// The group that it is of.
    group: Option<&'a PoolGroup>,
    members: Vec<&'a Person>,
}

impl<'a> Pool<'a> {
    fn of(known: &Known<'_>, team: &'a Team) -> Self {
        let text = |field| Some(Scalar::Text(known.text(field)?.to_owned()));
        let said: Scalars =
            PoolGroup::READS.into_iter().filter_map(|(name, field)| Some((name, text(field)?))).collect();
        let group = team.groups.iter().find(|group| group.when.holds(&said) == Verdict::Holds);
        let emails = group.map_or(&team.pool, |group| &group.members);
        Self { group, members: emails.iter().filter_map(|email| team.find(email)).collect() }
    }

    /// Always the same member for the same account, and of many accounts to each as many as their hours are of all hours.
    /// How many they have today is not asked: it would move accounts back and forth. When the pool changes, only the accounts
    /// of who joined or left move, and of whom hours are added or taken.
    fn pick(&self, account: &SubjectId, able: impl Fn(&Person) -> bool) -> Option<&'a Person> {
        let draw = |person: &Person, hour: u16| {
            let (email, hour) = (person.email.to_lowercase(), hour.to_string());
            let of_first = ["pool", account.as_str(), &email];
            // Where nobody states hours everybody has one draw, which is named without a number.
            if hour == "0" {
                model::stable_hash(&of_first)
            } else {
                model::stable_hash(&[&of_first[..], &[&hour]].concat())
            }
        };
        let able = self.members.iter().copied().filter(|person| able(person));
        let best =
            able.filter_map(|person| Some(((0..self.draws(person)).map(|hour| draw(person, hour)).min()?, person)));
        best.min_by(|a, b| a.0.cmp(&b.0)).map(|(_, person)| person)
    }

    fn draws(&self, person: &Person) -> u16 {
        if self.states_hours() { person.pool_weight() } else { 1 }
    }

    fn states_hours(&self) -> bool {
        self.members.iter().any(|person| person.pool_hours.is_some())
    }

    fn name(&self) -> String {
        self.group.map_or_else(|| "the pool".to_owned(), |group| format!("the pool `{}` ({})", group.name, group.when))
    }

    /// How much of the pool's work is somebody's, in words.
    fn share(&self, person: &Person) -> String {
        if !self.states_hours() {
            return String::new();
        }
        let all: u32 = self.members.iter().map(|person| u32::from(person.pool_weight())).sum();
        format!("; {} of its {all} hours a week", person.pool_weight())
    }
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
    let Some(cover) = stand_in(team, meant, next, able).or_else(|| Pool::of(known, team).pick(account, able)) else {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, pool_hours: Option<u16>) -> Person {
        Person {
            name: name.to_owned(),
            email: format!("{name}@ourco.example"),
            crm_owner_id: None,
            slack: None,
            zone: None,
            quiet: None,
            manager: None,
            active: true,
            away: vec![],
            cover: None,
            pool_hours,
        }
    }

    /// Who gets which of a thousand accounts.
    fn shared_out(people: &[Person]) -> Vec<Option<String>> {
        let pool = Pool { group: None, members: people.iter().collect() };
        let account = |n: i32| SubjectId::vendor("hubspot", "company", &n.to_string());
        (0..1_000).map(|n| pool.pick(&account(n), |_| true).map(|person| person.name.clone())).collect()
    }

    fn count(owners: &[Option<String>], name: &str) -> usize {
        owners.iter().flatten().filter(|owner| *owner == name).count()
    }

    #[test]
    fn everybody_gets_as_many_accounts_as_their_hours_are() {
        let owners =
            shared_out(&[person("a", Some(10)), person("b", Some(30)), person("c", None), person("d", Some(0))]);
        let counts = ["a", "b", "c", "d"].map(|name| count(&owners, name));
        // Of 80 hours, a full week for whom nobody states any.
        assert!((95..155).contains(&counts[0]) && (320..430).contains(&counts[1]), "{counts:?}");
        assert!((440..560).contains(&counts[2]) && counts[3] == 0, "{counts:?}");
        assert_eq!(shared_out(&[person("d", Some(0))])[0], None);
    }

    #[test]
    fn fewer_hours_move_only_the_accounts_that_they_gave_away() {
        let before = shared_out(&[person("a", Some(20)), person("b", Some(20)), person("c", Some(20))]);
        let after = shared_out(&[person("a", Some(10)), person("b", Some(20)), person("c", Some(20))]);
        let moved: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
        assert!(!moved.is_empty() && moved.iter().all(|(before, _)| before.as_deref() == Some("a")), "{moved:?}");
    }
}
