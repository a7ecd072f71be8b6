//! Who looks after an account, and where a message for them goes. The reason is part of the answer.

use config::Team;
use model::{Field, Owner, Recipient};

use crate::known::Known;

/// The CSM the CRM names, else the owner of its record.
pub(crate) fn owner(known: &Known<'_>, team: &Team) -> Option<Owner> {
    let named = known.text(Field::Csm).map(|text| (text, "the CRM's CSM property"));
    let (text, whence) =
        named.or_else(|| known.text(Field::RecordOwner).map(|text| (text, "the CRM record's owner")))?;
    Some(match team.find(text) {
        Some(person) => {
            Owner { name: person.name.clone(), email: Some(person.email.clone()), reason: whence.to_owned() }
        }
        None => Owner {
            name: text.to_owned(),
            email: text.contains('@').then(|| text.to_owned()),
            reason: format!("{whence}, not in team.toml"),
        },
    })
}

/// The owner's own Slack id where `team.toml` has one, else the team's channel.
pub(crate) fn recipient(owner: Option<&Owner>, team: &Team) -> Recipient {
    let person = owner.and_then(|o| team.find(o.email.as_deref().unwrap_or(&o.name)));
    match (person.and_then(|p| p.slack.as_ref()), owner) {
        (Some(slack), Some(owner)) => {
            Recipient { address: slack.clone(), reason: format!("{}, {}", owner.name, owner.reason) }
        }
        (None, Some(owner)) => Recipient {
            address: team.slack_channel.clone(),
            reason: format!("the team's channel, because team.toml has no Slack id for {}", owner.name),
        },
        (_, None) => Recipient {
            address: team.slack_channel.clone(),
            reason: "the team's channel, because the account has no owner".to_owned(),
        },
    }
}
