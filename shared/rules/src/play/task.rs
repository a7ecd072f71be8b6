//! Tasks in the CRM: a step asks for one, whoever takes over the account gets it, and it is done when the episode is solved.

use config::{Playbook, Role, Step};
use model::{
    ActionKind, ActionRequest, AlertKind, Band, CrmTask, Episode, EventBody, Recipient, TaskChange, TaskPriority,
    Urgency, Weigh,
};

use super::{Plays, cause_of, clicked, owner};
use crate::alert::{self, AlertText};
use crate::decide::{Decision, push};

/// Whose task it is where nobody looks after the account.
const NOBODY: &str = "nobody";

/// Whose task it is.
struct Assigned {
    to: Recipient,
    /// Their id as an owner in the CRM, where it is known.
    owner_id: Option<String>,
}

/// What a step has its task say.
pub(super) struct Says<'a> {
    pub title: &'a str,
    pub text: Option<&'a String>,
    pub priority: Option<TaskPriority>,
}

/// Asks for the task of a step.
pub(super) fn create(
    plays: &Plays<'_>,
    playbook: &Playbook,
    step: &Step,
    says: Says<'_>,
    episode: &Episode,
    decision: &mut Decision,
) {
    let calendar = plays.config.team.calendar_of(owner::reach(plays, step.owner).person);
    let due_at = step.due.map_or(plays.now.at, |due| due.after(plays.now.at, &calendar));
    let by_band = if plays.assessment.band == Band::Red { TaskPriority::High } else { TaskPriority::Medium };
    let priority = says.priority.unwrap_or(by_band);
    let task = CrmTask { change: TaskChange::Create, due_at: Some(due_at), priority: Some(priority), owner_id: None };
    let kind = if episode.asked.is_empty() { AlertKind::Opened } else { AlertKind::Step };
    let said = said(kind, episode, says.title, says.text.cloned());
    let due = alert::when(due_at, &calendar.zone);
    request(plays, playbook, episode, Asked { step, name: step.name.clone(), task, said, due: Some(due) }, decision);
}

/// The tasks of the episode become those of whoever looks after the account now. `name` is that of the hand-off.
pub(super) fn hand_over(
    plays: &Plays<'_>,
    playbook: &Playbook,
    episode: &Episode,
    name: &str,
    decision: &mut Decision,
) {
    for step in &open(playbook, episode) {
        let task = changed(TaskChange::HandOver);
        let said = said(AlertKind::HandOff, episode, "", None);
        let name = format!("{name}~{}", step.name);
        request(plays, playbook, episode, Asked { step, name, task, said, due: None }, decision);
    }
}

/// What the tasks of an episode were for is over.
pub(super) fn complete(plays: &Plays<'_>, playbook: &Playbook, closed: &Episode, decision: &mut Decision) {
    for step in &open(playbook, closed) {
        let task = changed(TaskChange::Complete);
        let said = said(AlertKind::Resolved, closed, "", None);
        let name = format!("{}~{}", super::end::RESOLVED, step.name);
        request(plays, playbook, closed, Asked { step, name, task, said, due: None }, decision);
    }
}

/// What happens to a task that is there.
fn changed(change: TaskChange) -> CrmTask {
    CrmTask { change, due_at: None, priority: None, owner_id: None }
}

/// The steps of this run that asked for a task, which nobody has closed in the CRM.
pub(super) fn open(playbook: &Playbook, episode: &Episode) -> Vec<Step> {
    let all = playbook.tasks().cloned().chain([clicked::wanted(playbook)]);
    all.filter(|step| episode.asked.contains(&step.name) && !episode.done.contains_key(&step.name)).collect()
}

/// What the task is about.
fn said(kind: AlertKind, episode: &Episode, title: &str, text: Option<String>) -> AlertText {
    AlertText {
        kind,
        band_before: episode.band,
        score_before: episode.score,
        changes: episode.reasons.clone(),
        next_step: title.to_owned(),
        text,
        template: None,
        owner_before: None,
        answered: None,
        renewal: None,
    }
}

/// One thing that is to happen to the task of a step.
struct Asked<'a> {
    step: &'a Step,
    /// Its name within the run; with it, asking twice is asking once.
    name: String,
    task: CrmTask,
    said: AlertText,
    due: Option<String>,
}

fn request(plays: &Plays<'_>, playbook: &Playbook, episode: &Episode, asked: Asked<'_>, decision: &mut Decision) {
    let Asked { step, name, task, said, due } = asked;
    let Assigned { to, owner_id } = assigned(plays, step.owner);
    let made_by = episode.key.action(episode.run, &step.name);
    let alert = model::Alert { due, template: None, ..alert::alert(plays, playbook, said) };
    let id = episode.key.action(episode.run, &name);
    let request = ActionRequest {
        id: id.clone(),
        kind: ActionKind::CrmTask,
        playbook: playbook.name.clone(),
        home: episode.key.home.clone(),
        episode: episode.key.row(),
        run: episode.run,
        step: name,
        reply_to: (id != made_by).then_some(made_by),
        under: None,
        to,
        // A task lies in a list; it interrupts nobody and needs no leave from anybody's budget.
        urgency: Urgency::Now,
        weigh: Weigh { arr: alert.arr, days_left: alert.days_to_deadline },
        exempt: false,
        not_before: None,
        alert,
        task: Some(CrmTask { owner_id, ..task }),
        update: None,
        email: None,
    };
    let body = EventBody::ActionRequested(Box::new(request));
    push(decision, plays.input.account, plays.news, id.as_str(), &cause_of(episode), body);
}

/// Whoever has the role today, or stands in; where `team.toml` does not know them, as the CRM names them.
fn assigned(plays: &Plays<'_>, role: Role) -> Assigned {
    let reached = owner::reach(plays, role);
    let team = &plays.config.team;
    let named = plays.assessment.card.owner.as_ref().filter(|owner| {
        let is_known = team.find(owner.email.as_deref().unwrap_or(&owner.name)).is_some();
        !is_known && matches!(role, Role::Csm | Role::Ae)
    });
    let (email, owner_id, reason) = match (reached.person, named) {
        (Some(person), _) => (Some(person.email.to_lowercase()), person.crm_owner_id.clone(), reached.why),
        (None, Some(owner)) => {
            let is_id = !owner.name.is_empty() && owner.name.bytes().all(|b| b.is_ascii_digit());
            let email = owner.email.as_ref().map(|email| email.trim().to_lowercase());
            (email, is_id.then(|| owner.name.clone()), format!("{}, {}", owner.name, owner.reason))
        }
        (None, None) => (None, None, reached.why),
    };
    let address = email.clone().or_else(|| owner_id.clone()).unwrap_or_else(|| NOBODY.to_owned());
    Assigned { to: Recipient { address, reason, email, ..reached.to }, owner_id }
}
