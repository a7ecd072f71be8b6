//! Who looks after an account whose episodes are open, and what happens when that is somebody else.

use config::{Playbook, Role, Trigger};
use model::{AlertKind, Episode, FactKey};

use super::request::{Message, Place, request};
use super::{Plays, answers, risk, runway, task};
use crate::alert::AlertText;
use crate::decide::Decision;
use crate::people::{self, Reached};
use crate::told::Told;

/// Whom the CRM names now, as episodes remember it.
pub(super) fn identity(plays: &Plays<'_>) -> Option<String> {
    people::named(plays.known).map(|(_, text)| people::identity(text, &plays.config.team))
}

/// Whoever has the role today, or stands in.
pub(super) fn reach<'a>(plays: &Plays<'a>, role: Role) -> Reached<'a> {
    let owner = plays.assessment.card.owner.as_ref();
    people::reach(plays.known, owner, role, &plays.config.team, plays.input.account, plays.now.day)
}

/// The CRM names somebody else than the episode knows: one message in its thread, which the new owner gets. Absences and
/// changes of `team.toml` hand nothing off.
pub(super) fn hand_off(plays: &Plays<'_>, playbook: &Playbook, episode: &mut Episode, decision: &mut Decision) {
    let now = identity(plays);
    if episode.owner == now {
        return;
    }
    let before = std::mem::replace(&mut episode.owner, now.clone());
    let Some((now, (field, _))) = now.zip(people::named(plays.known)) else { return };
    let told = Told::of(*plays.view, &FactKey::Profile, field).filter(|told| answers::is_live(plays, told));
    let Some(told) = told else { return };
    let step = format!("hand-off~{now}~{}", told.register.stamp.as_key());
    task::hand_over(plays, playbook, episode, &step, decision);
    if episode.root_action.is_none() {
        return;
    }
    let mut asked = playbook.steps.iter().rev().filter(|step| episode.asked.contains(&step.name));
    let next_step = match &playbook.trigger {
        Trigger::Renewal(table) => runway::last_proposed(table, episode, risk::is_at_risk(plays)),
        Trigger::BandChanged { .. }
        | Trigger::Becomes { .. }
        | Trigger::Answered { .. }
        | Trigger::BecameCustomer { .. } => asked.find_map(|step| step.action.proposes()).unwrap_or_default(),
    };
    let name = |text: String| plays.config.team.find(&text).map_or(text.clone(), |person| person.name.clone());
    let said = AlertText {
        kind: AlertKind::HandOff,
        band_before: episode.band,
        score_before: episode.score,
        changes: episode.reasons.clone(),
        next_step: next_step.to_owned(),
        text: Some(episode.why.clone()),
        template: None,
        owner_before: before.map(name),
        answered: None,
        renewal: None,
    };
    let message = Message { step: &step, role: Role::Csm, urgency: None, place: Place::Thread, due: None, said };
    request(plays, playbook, episode, message, decision);
    episode.handed_over = Some(episode.key.action(episode.run, &step));
}
