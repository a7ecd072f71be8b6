//! Makes and changes tasks in the CRM, and writes on an account's record how it stands: claim, look again, call, mark. One
//! reason is one task, whatever ends in the middle.
//!
//! A task bears the id of the action that made it, in a property whose values are unique, so every call can be made again
//! and finds what the one before did. What is found `sending` after its lease is simply carried to its end, also when the
//! episode is over by then: the task may be there already, and what closes it later has to find it recorded.

mod update;

use std::sync::Arc;

use actions::hubspot::{Changed, HubSpot, Planned, WriteError, plan};
use actions::vendor::ApiToken;
use config::Config;
use jiff::SignedDuration;
use model::{ActionKind, ActionRequest, ConnectionName, EventBody, Mode, Moment, SubjectId};
use runtime::Clock;
use runtime::batch::{NotDone, messages};
use runtime::lambda::{BatchAnswer, BusEvent, QueueEvent, QueueMessage};
use runtime::seam::Seam;
use runtime::secrets::{Secret, Secrets, SecretsUnavailable};
use store::{ActionContext, ActionRow, ActionStatus, Claim, Leave, Store, StoreError, counted, outcome};
use tracing::field::display;
use tracing::{info, warn};

/// How long a claim holds: longer than the function may run, shorter than the queue hides the message.
///
/// These move together with `infra/template.yaml`: four calls of 10 s < function 50 s < lease 60 s < visibility 300 s.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How many actions are begun in ten seconds: each makes four calls at most, and HubSpot takes 100 of a private app.
const PER_TEN_SECONDS: u32 = 25;
/// HubSpot that asks for fewer calls without saying for how long is left alone for this long.
const REST: u64 = 10;
/// A longer `Retry-After` is taken for a slip: after an hour HubSpot is asked again.
const LONGEST_REST: u64 = 3_600;

/// The handler.
#[derive(Debug)]
pub struct CrmTasks {
    config: Arc<Config>,
    store: Store,
    seam: Seam,
    secrets: Secrets,
    clock: Clock,
}

/// Why a message of the queue is left there for a later try.
#[derive(Debug, thiserror::Error)]
enum NotNow {
    #[error("the message is nothing for the CRM: {0}")]
    NotOurs(String),
    #[error("someone else holds the action until {0}")]
    Busy(Moment),
    #[error("the task it changes has not been made yet")]
    NotMadeYet,
    #[error("HubSpot takes no more calls before {0}")]
    Rest(Moment),
    #[error("HubSpot did not take it: {0}")]
    HubSpot(String),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the secrets failed")]
    Secrets(#[from] SecretsUnavailable),
    #[error("the claim was taken over by someone else")]
    LostClaim,
}

impl NotDone for NotNow {
    fn waits(&self) -> bool {
        match self {
            Self::Busy(_) | Self::NotMadeYet | Self::Rest(_) => true,
            Self::NotOurs(_) | Self::HubSpot(_) | Self::Store(_) | Self::Secrets(_) | Self::LostClaim => false,
        }
    }
}

/// What to do with a claimed action.
enum Verdict {
    /// End it without a call.
    End { status: ActionStatus, mode: Option<Mode>, reason: String },
    /// Call HubSpot.
    Call { mode: Mode, token: Secret, bearer: ApiToken, base_url: Option<String> },
}

/// What came of the calls.
struct Made {
    status: ActionStatus,
    /// HubSpot's id of the task or company.
    record: Option<String>,
    /// What a reader should know besides.
    note: Option<String>,
}

/// An action that is carried out.
#[derive(Clone, Copy)]
struct Work<'a> {
    account: &'a SubjectId,
    request: &'a ActionRequest,
    planned: &'a Planned,
}

impl CrmTasks {
    /// Reads the token from `secrets` as `token`, and another address than HubSpot's own as `base_url`.
    pub fn new(config: Arc<Config>, store: Store, seam: Seam, secrets: Secrets, clock: Clock) -> Self {
        Self { config, store, seam, secrets, clock }
    }

    /// Handles a batch of the queue.
    pub async fn handle(&self, event: QueueEvent) -> BatchAnswer {
        let one = |message: QueueMessage| async move { self.one(&message.body, &message.message_id).await };
        messages("A task", event, one).await
    }

    async fn one(&self, body: &str, holder: &str) -> Result<(), NotNow> {
        let event = BusEvent::event(body).map_err(|error| NotNow::NotOurs(error.to_string()))?;
        let request = match &event.body {
            EventBody::ActionRequested(request) if is_ours(request.kind) => request.as_ref(),
            other => return Err(NotNow::NotOurs(other.kind().to_owned())),
        };
        let now = self.clock.now();
        let held = match self.store.claim(&request.id, Some(&request.playbook), holder, now, now.plus(LEASE)).await? {
            Claim::Over(_) => return Ok(()),
            Claim::Busy { until } => return Err(NotNow::Busy(until)),
            Claim::Ours(row) => *row,
        };
        let planned = match plan(request) {
            Ok(planned) => planned,
            Err(reason) => {
                let next = ActionRow { status: ActionStatus::Failed, reason: Some(reason), ..held.clone() };
                return self.finish(&event.account, request, next, &held).await;
            }
        };
        let held = ActionRow { rendered: Some(planned.shown().to_string()), ..held };
        let context = self.store.action_context(request).await?;
        match self.judge(request, &planned, &context, &held, now).await? {
            Verdict::End { status, mode, reason } => {
                let next = ActionRow { status, mode, reason: Some(reason), ..held.clone() };
                self.finish(&event.account, request, next, &held).await
            }
            Verdict::Call { mode, token, bearer, base_url } => {
                let hubspot = HubSpot::new(self.seam.clone(), base_url, bearer);
                let work = Work { account: &event.account, request, planned: &planned };
                match planned {
                    Planned::Write { .. } => self.write(work, &hubspot, &token, mode, held).await,
                    Planned::Create { .. } | Planned::HandOver { .. } | Planned::Complete { .. } => {
                        self.send(work, &hubspot, &token, mode, held).await
                    }
                }
            }
        }
    }

    /// Looks again at what may have changed since the action was asked for.
    async fn judge(
        &self,
        request: &ActionRequest,
        planned: &Planned,
        context: &ActionContext,
        held: &ActionRow,
        now: Moment,
    ) -> Result<Verdict, NotNow> {
        let end = |status, mode, reason: &str| Ok(Verdict::End { status, mode, reason: reason.to_owned() });
        // HubSpot may have heard of it before; then it is carried to its end.
        let is_new = held.sends == 0;
        let needs_open = match planned {
            Planned::Create { .. } | Planned::HandOver { .. } => is_new,
            // What was solved is done, whatever came of the episode since; a record belongs to no episode.
            Planned::Complete { .. } | Planned::Write { .. } => false,
        };
        let is_open = context.episode.as_ref().is_some_and(|held| held.run == request.run && held.is_open());
        if needs_open && !is_open {
            return end(ActionStatus::Obsolete, None, "the episode was over before this was done");
        }
        if request.reply_to.is_some() {
            match &context.root {
                Some(root) if !root.status.is_final() => return Err(NotNow::NotMadeYet),
                None => return Err(NotNow::NotMadeYet),
                // It may be there, whatever became of it afterwards.
                Some(root) if root.sends > 0 => {}
                Some(root) if root.status == ActionStatus::Observed => {
                    return end(ActionStatus::Observed, root.mode, "the task was observed, not made");
                }
                Some(root) => {
                    let reason = format!("the task was never made: it is {}", root.status.as_str());
                    return end(ActionStatus::Obsolete, root.mode, &reason);
                }
            }
        }
        let most = self.config.modes.most(&request.playbook, request.kind.destination());
        let mode = context.control.mode.unwrap_or(Mode::Observe).min(most);
        match mode {
            Mode::Observe => {
                let reason = "observe mode: nothing is written to HubSpot; see `barometer golive`";
                return end(ActionStatus::Observed, Some(mode), reason);
            }
            Mode::Redirect => {
                return end(ActionStatus::Observed, Some(mode), "redirect mode: nothing is written to HubSpot");
            }
            Mode::Live => {}
        }
        if context.control.paused_at.is_some() {
            return end(ActionStatus::Held, Some(mode), "sending is paused; this is not made up for later");
        }
        let secrets = self.secrets.get(now).await?;
        let Some(token) = secrets.get("token") else {
            return end(ActionStatus::Observed, Some(mode), "there is no HubSpot token among the secrets");
        };
        let bearer = match ApiToken::new(token.reveal()) {
            Ok(bearer) => bearer,
            Err(problem) => {
                return end(ActionStatus::Observed, Some(mode), &format!("HubSpot's token cannot be used: {problem}"));
            }
        };
        let base_url = secrets.get("base_url").map(|url| url.reveal().to_owned());
        Ok(Verdict::Call { mode, token: token.clone(), bearer, base_url })
    }

    async fn send(
        &self,
        work: Work<'_>,
        hubspot: &HubSpot,
        token: &Secret,
        mode: Mode,
        held: ActionRow,
    ) -> Result<(), NotNow> {
        let id = &work.request.id;
        if let Leave::NotBefore(at) = self.store.may_call(&rate(), PER_TEN_SECONDS, self.clock.now()).await? {
            return Err(NotNow::Rest(at));
        }
        let sending =
            ActionRow { status: ActionStatus::Sending, mode: Some(mode), sends: held.sends + 1, ..held.clone() };
        if !self.store.put_held(&sending, &held).await? {
            return Err(NotNow::LostClaim);
        }
        let failure = match carry_out(hubspot, work.request, work.planned).await {
            Ok(Made { status, record, note }) => {
                let next = ActionRow { status, reason: note, vendor_ref: record, ..sending.clone() };
                return self.finish(work.account, work.request, next, &sending).await;
            }
            Err(failure) => failure,
        };
        let reason = failure.to_string();
        match failure {
            WriteError::SlowDown { after_s } => {
                let after = i64::try_from(after_s.unwrap_or(REST).clamp(1, LONGEST_REST)).unwrap_or_default();
                let until = self.clock.now().plus(SignedDuration::from_secs(after));
                self.store.leave_alone(&rate(), until).await?;
                self.give_back(&sending, &reason).await?;
                Err(NotNow::Rest(until))
            }
            WriteError::Retry { reason } => {
                self.give_back(&sending, &reason).await?;
                Err(NotNow::HubSpot(reason))
            }
            WriteError::Unauthorized if self.has_changed(token).await? => {
                let reason = "the token was changed meanwhile".to_owned();
                self.give_back(&sending, &reason).await?;
                Err(NotNow::HubSpot(reason))
            }
            WriteError::Unauthorized | WriteError::NoSuchOwner { .. } | WriteError::Refused { .. } => {
                warn!(action.id = %id, "Action `{id}` is refused: {reason}");
                let next = ActionRow { status: ActionStatus::Failed, reason: Some(reason), ..sending.clone() };
                self.finish(work.account, work.request, next, &sending).await
            }
        }
    }

    /// The token that HubSpot does not know is no longer the one that is stored.
    async fn has_changed(&self, token: &Secret) -> Result<bool, NotNow> {
        let now = self.clock.now();
        self.secrets.reread(now).await?;
        Ok(self.secrets.get(now).await?.get("token") != Some(token))
    }

    /// Ends the claim, so that the queue's next try may take it. It may have been carried out in part, and says so.
    async fn give_back(&self, sending: &ActionRow, reason: &str) -> Result<(), NotNow> {
        let released = ActionRow { lease_until: self.clock.now(), reason: Some(reason.to_owned()), ..sending.clone() };
        self.store.put_held(&released, sending).await?;
        Ok(())
    }

    async fn finish(
        &self,
        account: &SubjectId,
        request: &ActionRequest,
        next: ActionRow,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let now = self.clock.now();
        let metrics = counted(request.kind.as_str(), next.status, false).map(display);
        let (event, entry) = outcome(account, request, &next, now);
        if !self.store.finish_action(&next, held, &event, &entry).await? {
            return Err(NotNow::LostClaim);
        }
        let status = next.status.as_str();
        info!(action.id = %request.id, action.status = status, metrics, "Action `{}` is {status}", request.id);
        Ok(())
    }
}

/// What of all that is asked for goes to the CRM.
fn is_ours(kind: ActionKind) -> bool {
    match kind {
        ActionKind::CrmTask | ActionKind::CrmUpdate => true,
        ActionKind::SlackAlert | ActionKind::EmailNudge => false,
    }
}

/// HubSpot takes so many calls of us, whichever connection it is; what is read for one is counted apart.
fn rate() -> ConnectionName {
    ConnectionName::from_stored("to-hubspot")
}

/// Makes the calls of an action. Ending anywhere in between is no harm: the next time they are all made again.
async fn carry_out(hubspot: &HubSpot, request: &ActionRequest, planned: &Planned) -> Result<Made, WriteError> {
    match planned {
        Planned::Create { company, properties, owner_id, email } => {
            let (owner_id, mut note) = whose(hubspot, owner_id, email).await?;
            let made = match hubspot.upsert(properties, owner_id.as_deref()).await {
                Err(WriteError::NoSuchOwner { reason }) if owner_id.is_some() => {
                    note = Some(format!("it is nobody's: {reason}"));
                    hubspot.upsert(properties, None).await
                }
                made => made,
            };
            let task = made?;
            hubspot.associate(&task, company).await?;
            Ok(Made { status: ActionStatus::Sent, record: Some(task), note })
        }
        Planned::HandOver { made_by, owner_id, email } => {
            let (owner_id, note) = whose(hubspot, owner_id, email).await?;
            let changed = hubspot.hand_over(made_by, owner_id.as_deref()).await?;
            Ok(changed_to(changed, note, NO_TASK))
        }
        Planned::Complete { made_by } => Ok(changed_to(hubspot.complete(made_by).await?, None, NO_TASK)),
        Planned::Write { company, properties } => {
            Ok(changed_to(hubspot.write(company, properties).await?, None, NO_COMPANY))
        }
    }
    .inspect(|made| {
        let record = made.record.as_deref().unwrap_or("none");
        info!(action.id = %request.id, "Action `{}` is HubSpot's record `{record}`", request.id);
    })
}

/// Why nothing was changed.
const NO_TASK: &str = "somebody deleted the task in HubSpot";
/// As above.
const NO_COMPANY: &str = "HubSpot has no such company any more: it was deleted, or merged into another";

fn changed_to(changed: Changed, note: Option<String>, gone: &str) -> Made {
    match changed {
        Changed::Done { id } => Made { status: ActionStatus::Sent, record: Some(id), note },
        Changed::Gone => Made { status: ActionStatus::Obsolete, record: None, note: Some(gone.to_owned()) },
    }
}

/// The owner's id, asked for by email where it is not known; and why nobody is, where that is so. A task without an owner
/// is better than none, so what HubSpot does not let us ask does not stop it.
async fn whose(
    hubspot: &HubSpot,
    owner_id: &Option<String>,
    email: &Option<String>,
) -> Result<(Option<String>, Option<String>), WriteError> {
    let (None, Some(email)) = (owner_id, email) else { return Ok((owner_id.clone(), None)) };
    match hubspot.owner(email).await {
        Ok(Some(id)) => Ok((Some(id), None)),
        Ok(None) => Ok((None, Some(format!("it is nobody's: HubSpot knows no owner with the address {email}")))),
        Err(WriteError::Refused { reason }) => Ok((None, Some(format!("it is nobody's: {reason}")))),
        Err(other) => Err(other),
    }
}
