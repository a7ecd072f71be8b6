//! Mail: a step asks for one, to the contact that has the part, or to whoever looks after the account. Whether it goes there,
//! or to the owner as a draft, is decided when its turn comes.

use config::{MailTo, Playbook, Role, Step};
use model::{ActionKind, ActionRequest, AlertKind, Audience, Email, Episode, EventBody, Recipient, Urgency, Weigh};

use super::{Plays, cause_of, owner};
use crate::alert::{self, AlertText};
use crate::decide::{Decision, push};
use crate::known::Addressee;

/// The address of a mail for nobody.
const NOBODY: &str = "nobody";

/// What a step has its mail say.
pub(super) struct Says<'a> {
    pub to: MailTo,
    pub template: &'a str,
    pub text: Option<&'a String>,
}

/// Asks for the mail of a step. Where nobody has the part it is asked for all the same, and the outbox says so.
pub(super) fn request(
    plays: &Plays<'_>,
    playbook: &Playbook,
    step: &Step,
    says: Says<'_>,
    episode: &Episode,
    decision: &mut Decision,
) {
    let reached = owner::reach(plays, Role::Csm);
    let owner = reached.to.email.clone();
    let (to, email) = addressed(plays, &says, owner, reached.why);
    let kind = if episode.asked.is_empty() { AlertKind::Opened } else { AlertKind::Step };
    let said = AlertText {
        kind,
        band_before: episode.band,
        score_before: episode.score,
        changes: episode.reasons.clone(),
        next_step: String::new(),
        text: says.text.cloned(),
        template: None,
        owner_before: None,
        answered: None,
        renewal: None,
    };
    let calendar = plays.config.team.calendar_of(reached.person);
    let due = step.due.map(|due| alert::when(due.after(plays.now.at, &calendar), &calendar.zone));
    let goal = playbook.goal.clone();
    let alert = model::Alert { due, goal, template: None, ..alert::alert(plays, playbook, said) };
    let id = episode.key.action(episode.run, &step.name);
    let request = ActionRequest {
        id: id.clone(),
        kind: ActionKind::EmailNudge,
        playbook: playbook.name.clone(),
        home: episode.key.home.clone(),
        episode: episode.key.row(),
        run: episode.run,
        step: step.name.clone(),
        reply_to: None,
        under: None,
        to,
        // Its own ledger says how much of it an address gets.
        urgency: Urgency::Now,
        weigh: Weigh { arr: alert.arr, days_left: alert.days_to_deadline },
        exempt: false,
        not_before: None,
        alert,
        task: None,
        update: None,
        email: Some(email),
    };
    let body = EventBody::ActionRequested(Box::new(request));
    push(decision, plays.input.account, plays.news, id.as_str(), &cause_of(episode), body);
}

/// Who reads it in the end.
fn addressed(plays: &Plays<'_>, says: &Says<'_>, owner: Option<String>, why: String) -> (Recipient, Email) {
    let part = says.to.words();
    let recipient = |address: Option<&str>, reason| {
        let address = address.map_or_else(|| NOBODY.to_owned(), |address| address.trim().to_lowercase());
        Recipient { address, reason, ..Recipient::default() }
    };
    let email = |audience| Email {
        audience,
        template: says.template.to_owned(),
        role: (says.to != MailTo::Owner).then(|| part.to_owned()),
        contact: None,
        name: None,
        reply_to: owner.clone(),
    };
    if says.to == MailTo::Owner {
        let name = owner.as_deref().and_then(|email| plays.config.team.find(email)).map(|person| person.name.clone());
        let to = Recipient { email: owner.clone(), ..recipient(owner.as_deref(), why) };
        return (to, Email { name, ..email(Audience::Colleague) });
    }
    let Some(Addressee { address, contact, name, .. }) = plays.known.addressee(says.to) else {
        return (recipient(None, format!("no contact is the {part}")), email(Audience::Customer));
    };
    let called = name.map_or_else(String::new, |name| format!("{name}, "));
    let reason = format!("{called}the {part} ({contact})");
    let (contact, name) = (Some(contact.clone()), name.map(str::to_owned));
    (recipient(Some(address), reason), Email { contact, name, ..email(Audience::Customer) })
}
