//! Where a message goes: its reader's desk is asked, and remembers.

use config::Team;
use model::{ActionRequest, Mode, Moment, Notice, Placement, Urgency};
use rules::desk::{DeskRules, Seen, Thread, can_surge, due_at, offer, see, team_channel, withdraw};
use store::{ActionRow, Store, StoreError, Stored};

use crate::NotNow;

/// How often a row is read and written again when others write it at the same time.
const TRIES: usize = 8;

/// Where a message goes, or when that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Its reader's desk says where.
    Known(Placement),
    /// It waits until it is known whether others turn with its account.
    Settles(Moment),
}

/// The desks and surges of one mode.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desks<'a> {
    pub store: &'a Store,
    pub config: &'a config::Config,
    pub mode: Mode,
    pub now: Moment,
}

impl Desks<'_> {
    fn team(&self) -> &Team {
        &self.config.team
    }

    /// Where `request` goes. Its place is written before this returns, so that asking again gives the same one.
    pub async fn place(&self, request: &ActionRequest, thread: &Thread) -> Result<Place, NotNow> {
        let rules = DeskRules::of(&request.to, self.team());
        let mut turned = None;
        for _ in 0..TRIES {
            let desk = self.store.desk(self.mode, &request.to).await?;
            if turned.is_none() && *thread == Thread::Starts && !desk.value.knows(&request.id) {
                turned = Some(match self.turn(request).await? {
                    Seen::Wait(until) => return Ok(Place::Settles(until)),
                    Seen::Single => request.clone(),
                    // The burst is told in one message; the account has its line in the digest.
                    Seen::Joined { .. } => ActionRequest { urgency: Urgency::Digest, ..request.clone() },
                });
            }
            let (placement, next) = offer(&desk.value, turned.as_ref().unwrap_or(request), thread, self.now, &rules);
            if next == desk.value || self.put(Stored { value: next, rev: desk.rev }, &rules).await? {
                return Ok(Place::Known(placement));
            }
        }
        Err(NotNow::Contended)
    }

    /// Takes back what waits on a desk for a message that is not sent any more.
    pub async fn withdraw(&self, request: &ActionRequest) -> Result<(), NotNow> {
        let rules = DeskRules::of(&request.to, self.team());
        for _ in 0..TRIES {
            let desk = self.store.desk(self.mode, &request.to).await?;
            let next = withdraw(&desk.value, &request.id);
            if next == desk.value || self.put(Stored { value: next, rev: desk.rev }, &rules).await? {
                return Ok(());
            }
        }
        Err(NotNow::Contended)
    }

    async fn put(&self, desk: Stored<model::Desk>, rules: &DeskRules<'_>) -> Result<bool, StoreError> {
        let due = due_at(&desk.value, self.now, rules);
        self.store.put_desk(&desk, due, None).await
    }

    /// Whether a first message is one of a burst.
    async fn turn(&self, request: &ActionRequest) -> Result<Seen, NotNow> {
        let playbook = self.config.playbook(&request.playbook);
        if !playbook.is_some_and(|playbook| can_surge(request, playbook)) {
            return Ok(Seen::Single);
        }
        let to = team_channel(self.team(), "many accounts turned at once");
        for _ in 0..TRIES {
            let surge = self.store.surge(self.mode, &request.playbook).await?;
            let (seen, next) = see(&surge.value, request, &to, self.now, &self.team().alerts);
            let told = match &seen {
                Seen::Joined { notice, .. } => notice.clone().map(|notice| Notice::requested(*notice)),
                Seen::Wait(_) | Seen::Single => None,
            };
            let next = Stored { value: next, rev: surge.rev };
            if next.value == surge.value || self.store.put_surge(&next, told.as_ref()).await? {
                return Ok(seen);
            }
        }
        Err(NotNow::Contended)
    }
}

/// What became of the message that starts the thread, as a desk needs to know it. `None` while that is not known.
pub(crate) fn thread_of(request: &ActionRequest, root: Option<&ActionRow>, opens: bool) -> Option<Thread> {
    use store::ActionStatus as Status;
    let Some(root) = root else { return request.reply_to.is_none().then_some(Thread::Starts) };
    match root.status {
        Status::Sent => Some(Thread::Sent),
        Status::Digested | Status::Merged => Some(Thread::InDigest(root.id.clone())),
        // A run that would go on in the thread of an earlier one begins a thread where that one never did.
        Status::Done
        | Status::Observed
        | Status::Held
        | Status::Suppressed
        | Status::Obsolete
        | Status::Uncertain
        | Status::Failed
            if opens =>
        {
            Some(Thread::Starts)
        }
        Status::Done
        | Status::Observed
        | Status::Held
        | Status::Suppressed
        | Status::Obsolete
        | Status::Uncertain
        | Status::Failed => None,
        Status::Claimed | Status::Waiting | Status::Sending => None,
    }
}
