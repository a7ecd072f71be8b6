//! A message is asked for: what it says, whom it is for, and what the sending side needs to decide when it goes.

use config::{Offset, Playbook, Role};
use model::{ActionKind, ActionRequest, AlertKind, Band, Episode, EventBody, SubjectId, Urgency, Weigh};

use super::{Plays, cause_of, owner};
use crate::alert::{self, AlertText};
use crate::decide::{Decision, push};

/// One message of an episode.
pub(crate) struct Message<'a> {
    /// Its name within the run; with it, asking twice is asking once.
    pub step: &'a str,
    /// Whom it is for.
    pub role: Role,
    /// Whether it may interrupt; `None` where the account's band says so.
    pub urgency: Option<Urgency>,
    /// Where it stands.
    pub place: Place,
    /// By when what it proposes should be done.
    pub due: Option<Offset>,
    pub said: AlertText,
}

/// Where a message of an episode stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the thread of the episode, which the first of its messages starts.
    Thread,
    /// By itself, though others were sent: what is repeated day by day is a line of each digest, and no thread grows by it.
    Digest,
}

/// Asks for it.
pub(crate) fn request(
    plays: &Plays<'_>,
    playbook: &Playbook,
    episode: &Episode,
    message: Message<'_>,
    decision: &mut Decision,
) {
    let Message { step, role, urgency, place, due, said } = message;
    let (team, now) = (&plays.config.team, plays.now.at);
    let reached = owner::reach(plays, role);
    let calendar = team.calendar_of(reached.person);
    let not_before = calendar.next_allowed(now, &calendar.zone, team.quiet_of(reached.person));
    let kind = said.kind;
    let mut alert = alert::alert(plays, playbook, said);
    alert.due = due.map(|due| alert::when(due.after(now, &calendar), &calendar.zone));
    let id = episode.key.action(episode.run, step);
    let request = ActionRequest {
        id: id.clone(),
        kind: ActionKind::SlackAlert,
        playbook: playbook.name.clone(),
        home: episode.key.home.clone(),
        episode: episode.key.row(),
        run: episode.run,
        step: step.to_owned(),
        reply_to: match place {
            Place::Thread => episode.root_action.clone(),
            Place::Digest => None,
        },
        under: under(plays, kind, episode),
        to: reached.to,
        urgency: urgency.unwrap_or_else(|| pressing(plays, kind, role)),
        weigh: Weigh { arr: alert.arr, days_left: alert.days_to_deadline },
        exempt: is_exempt(plays, kind, role),
        not_before: (not_before > now).then_some(not_before),
        alert,
        task: None,
        update: None,
        email: None,
    };
    let body = EventBody::ActionRequested(Box::new(request));
    push(decision, plays.input.account, plays.news, id.as_str(), &cause_of(episode), body);
}

/// Whose contract an account's trouble is a matter of, where it has none itself.
fn under(plays: &Plays<'_>, kind: AlertKind, episode: &Episode) -> Option<SubjectId> {
    let starts = kind == AlertKind::Opened && episode.root_action.is_none();
    let card = &plays.assessment.card;
    card.parent.clone().filter(|_| starts && !card.has_contract())
}

/// Red and escalations interrupt, and what replies to a message that did; everything else waits for the digest.
fn pressing(plays: &Plays<'_>, kind: AlertKind, role: Role) -> Urgency {
    match kind {
        AlertKind::Update | AlertKind::HandOff | AlertKind::Answered | AlertKind::Resolved => Urgency::Now,
        AlertKind::Opened | AlertKind::Step if plays.assessment.band == Band::Red => Urgency::Now,
        AlertKind::Opened | AlertKind::Step => match role {
            Role::Manager => Urgency::Now,
            Role::Csm | Role::Ae => Urgency::Digest,
        },
    }
}

/// Escalations, and red accounts above the configured revenue.
fn is_exempt(plays: &Plays<'_>, kind: AlertKind, role: Role) -> bool {
    let now = plays.assessment;
    let is_large = || plays.config.team.alerts.is_exempt(now.band, now.card.arr);
    match (kind, role) {
        (AlertKind::Opened | AlertKind::Step, Role::Manager) => true,
        (AlertKind::Opened | AlertKind::Step, Role::Csm | Role::Ae) => is_large(),
        // Replies are not counted.
        (AlertKind::Update | AlertKind::HandOff | AlertKind::Answered | AlertKind::Resolved, _) => false,
    }
}
