//! Sends alerts to Slack: claim, look again, send, mark. Nobody gets a second message, nobody gets a stale one.
//!
//! Slack has no idempotency key, so the moment between its acceptance and our mark is the one window in which a crash
//! can cause a duplicate: a message found `sending` after its lease is sent once more, then it is a person's to judge.

use std::sync::Arc;

use actions::slack::{PostError, Posted, Slack, SlackTemplates, SlackToken, render};
use config::Config;
use jiff::SignedDuration;
use model::{
    ActionOutcome, ActionRequest, AlertKind, CauseChain, Event, EventBody, EventId, Mode, Moment, SubjectId,
    TimelineEntry, Urgency,
};
use runtime::Clock;
use runtime::batch::{NotDone, messages};
use runtime::lambda::{BatchAnswer, BusEvent, QueueEvent, QueueMessage};
use runtime::logging::chain;
use runtime::seam::Seam;
use runtime::secrets::{Secrets, SecretsUnavailable};
use store::{ActionContext, ActionRow, ActionStatus, Claim, Store, StoreError};
use tracing::{info, warn};

/// How long a claim holds: longer than the function may run, shorter than the queue hides the message.
///
/// These move together with `infra/template.yaml`: vendor call 10 s < function 30 s < lease 45 s < visibility 180 s.
const LEASE: SignedDuration = SignedDuration::from_secs(45);
/// A message found `sending` is sent again this often in all, then it is uncertain.
const MAX_SENDS: u32 = 2;

/// The handler.
#[derive(Debug)]
pub struct SlackAlert {
    config: Arc<Config>,
    store: Store,
    seam: Seam,
    secrets: Secrets,
    templates: SlackTemplates,
    clock: Clock,
}

/// Why a message of the queue is left there for a later try.
#[derive(Debug, thiserror::Error)]
enum NotNow {
    #[error("the message is no action for Slack: {0}")]
    NotOurs(String),
    #[error("someone else holds the action until {0}")]
    Busy(Moment),
    #[error("the message it replies to has not been sent yet")]
    RootNotSent,
    #[error("Slack did not take it: {0}")]
    Slack(String),
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
            Self::Busy(_) | Self::RootNotSent => true,
            Self::NotOurs(_) | Self::Slack(_) | Self::Store(_) | Self::Secrets(_) | Self::LostClaim => false,
        }
    }
}

/// What to do with a claimed action.
enum Verdict {
    /// End it without a call.
    End { status: ActionStatus, mode: Option<Mode>, reason: Option<String> },
    /// Call Slack.
    Send { mode: Mode, token: SlackToken, base_url: Option<String> },
}

impl SlackAlert {
    /// Builds the templates of this configuration.
    ///
    /// # Errors
    /// When a template cannot be parsed.
    pub fn new(
        config: Arc<Config>,
        store: Store,
        seam: Seam,
        secrets: Secrets,
        clock: Clock,
    ) -> Result<Self, actions::slack::RenderError> {
        let templates = SlackTemplates::new(&config.templates)?;
        Ok(Self { config, store, seam, secrets, templates, clock })
    }

    /// Handles a batch of the queue.
    pub async fn handle(&self, event: QueueEvent) -> BatchAnswer {
        let one = |message: QueueMessage| async move { self.one(&message.body, &message.message_id).await };
        messages("An alert", event, one).await
    }

    async fn one(&self, body: &str, holder: &str) -> Result<(), NotNow> {
        let event = parse(body)?;
        let EventBody::ActionRequested(request) = &event.body else {
            return Err(NotNow::NotOurs(event.body.kind().to_owned()));
        };
        let now = self.clock.now();
        let held = match self.store.claim(request, holder, now, now.plus(LEASE)).await? {
            Claim::Over(_) => return Ok(()),
            Claim::Busy { until } => return Err(NotNow::Busy(until)),
            Claim::Ours(row) => row,
        };
        // Whoever held it before may have ended anywhere; what counts is how often Slack may have heard of it.
        if held.sends >= MAX_SENDS {
            let reason = "Slack was called twice and no answer was recorded; look in the channel whether it arrived";
            let next = ActionRow { status: ActionStatus::Uncertain, reason: Some(reason.into()), ..held.clone() };
            return self.finish(&event.account, request, next, &held).await;
        }
        let context = self.store.action_context(request).await?;
        let verdict = self.judge(request, &context, now).await?;
        let message = self.rendered(request, &context, &verdict);
        let (channel_free, rendered) = match message {
            Ok(message) => (message.clone(), Some(message.to_string())),
            Err(error) => {
                let next = ActionRow {
                    status: ActionStatus::Failed,
                    reason: Some(format!("the template cannot be rendered: {}", chain(&error))),
                    ..held.clone()
                };
                return self.finish(&event.account, request, next, &held).await;
            }
        };
        match verdict {
            Verdict::End { status, mode, reason } => {
                let next = ActionRow { status, mode, reason, rendered, ..held.clone() };
                self.finish(&event.account, request, next, &held).await
            }
            Verdict::Send { mode, token, base_url } => {
                let slack = Slack::new(self.seam.clone(), base_url, token);
                let sending = ActionRow {
                    status: ActionStatus::Sending,
                    mode: Some(mode),
                    sends: held.sends + 1,
                    rendered,
                    ..held.clone()
                };
                self.send(&event.account, request, &slack, &channel_free, sending, &held).await
            }
        }
    }

    /// Looks again at what may have changed since the action was asked for.
    async fn judge(&self, request: &ActionRequest, context: &ActionContext, now: Moment) -> Result<Verdict, NotNow> {
        let end = |status, mode, reason: &str| Ok(Verdict::End { status, mode, reason: Some(reason.to_owned()) });
        let Some(episode) = context.episode.as_ref().filter(|episode| episode.run == request.run) else {
            return end(ActionStatus::Obsolete, None, "the episode has moved on");
        };
        let needs_open = match request.alert.kind {
            AlertKind::Opened | AlertKind::Step | AlertKind::Update | AlertKind::HandOff => true,
            AlertKind::Resolved => false,
        };
        if needs_open && !episode.is_open() {
            return end(ActionStatus::Obsolete, None, "the episode was over before the message went out");
        }
        if request.reply_to.is_some() {
            let playbook = self.config.playbook(&request.playbook);
            let opens = playbook.and_then(|p| p.steps.first()).is_some_and(|first| first.name == request.step);
            match &context.root {
                Some(root) if root.status == ActionStatus::Sent => {}
                // A run that would go on in the thread of an earlier one begins a thread where that one never did.
                Some(root) if opens && root.status.is_final() => {}
                Some(root) if root.status == ActionStatus::Observed => {
                    return end(ActionStatus::Observed, root.mode, "the message it replies to was observed, not sent");
                }
                Some(root) if root.status.is_final() => {
                    let reason = format!("the message it replies to is {}", root.status.as_str());
                    return end(ActionStatus::Obsolete, root.mode, &reason);
                }
                Some(_) | None => return Err(NotNow::RootNotSent),
            }
        }
        let most = self.config.modes.most(&request.playbook, request.kind.destination());
        let mode = context.control.mode.unwrap_or(Mode::Observe).min(most);
        if mode == Mode::Observe {
            return end(ActionStatus::Observed, Some(mode), "observe mode: nothing is sent; see `barometer golive`");
        }
        if request.urgency == Urgency::Digest {
            return end(
                ActionStatus::Observed,
                Some(mode),
                "it belongs into the daily digest, and no digest is sent yet",
            );
        }
        if context.control.paused_at.is_some() {
            return end(ActionStatus::Held, Some(mode), "sending is paused; this message is not sent later");
        }
        if mode == Mode::Redirect && self.config.modes.redirect(request.kind.destination()).is_none() {
            return end(ActionStatus::Observed, Some(mode), "modes.toml names no channel for redirected messages");
        }
        let secrets = self.secrets.get(now).await?;
        let Some(token) = secrets.get("token") else {
            return end(ActionStatus::Observed, Some(mode), "there is no Slack token among the secrets");
        };
        let token = match SlackToken::new(token.reveal()) {
            Ok(token) => token,
            Err(problem) => return end(ActionStatus::Observed, Some(mode), &problem.to_string()),
        };
        Ok(Verdict::Send { mode, token, base_url: secrets.get("base_url").map(|url| url.reveal().to_owned()) })
    }

    /// The request as it is, or would be, sent.
    fn rendered(
        &self,
        request: &ActionRequest,
        context: &ActionContext,
        verdict: &Verdict,
    ) -> Result<serde_json::Value, actions::slack::RenderError> {
        let root = context.root.as_ref();
        let mut request = request.clone();
        let redirected = matches!(verdict, Verdict::Send { mode: Mode::Redirect, .. });
        let place = root.and_then(|root| root.vendor_place.clone()).or_else(|| {
            self.config.modes.redirect(request.kind.destination()).filter(|_| redirected).map(str::to_owned)
        });
        if let Some(place) = place {
            request.to.address = place;
        }
        let thread = root.and_then(|root| root.vendor_ref.as_deref());
        Ok(render(&self.templates, &request, thread)?.body())
    }

    async fn send(
        &self,
        account: &SubjectId,
        request: &ActionRequest,
        slack: &Slack,
        message: &serde_json::Value,
        sending: ActionRow,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        if !self.store.put_held(&sending, held).await? {
            return Err(NotNow::LostClaim);
        }
        match slack.post(message).await {
            Ok(Posted { ts, channel }) => {
                let next = ActionRow {
                    status: ActionStatus::Sent,
                    reason: None,
                    vendor_ref: Some(ts),
                    vendor_place: Some(channel),
                    ..sending.clone()
                };
                self.finish(account, request, next, &sending).await
            }
            Err(PostError::Refused { reason }) => {
                let next = ActionRow { status: ActionStatus::Failed, reason: Some(reason), ..sending.clone() };
                self.finish(account, request, next, &sending).await
            }
            Err(PostError::Retry { reason, .. }) => {
                // Slack said that it did nothing: give the claim back, so that the queue's next try may take it.
                let released = ActionRow {
                    status: ActionStatus::Claimed,
                    sends: held.sends,
                    lease_until: self.clock.now(),
                    reason: Some(reason.clone()),
                    ..sending.clone()
                };
                self.store.put_held(&released, &sending).await?;
                Err(NotNow::Slack(reason))
            }
            Err(PostError::Unsure { reason }) => {
                warn!(action.id = %request.id, "Action `{}` may or may not have been sent: {reason}", request.id);
                Err(NotNow::Slack(reason))
            }
        }
    }

    async fn finish(
        &self,
        account: &SubjectId,
        request: &ActionRequest,
        next: ActionRow,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let status = next.status;
        let (event, entry) = outcome(account, request, &next, self.clock.now());
        if !self.store.finish_action(&next, held, &event, &entry).await? {
            return Err(NotNow::LostClaim);
        }
        let status = status.as_str();
        info!(action.id = %request.id, action.status = status, "Action `{}` is {status}", request.id);
        Ok(())
    }
}

fn parse(body: &str) -> Result<Event, NotNow> {
    let bus_event: BusEvent = serde_json::from_str(body).map_err(|e| NotNow::NotOurs(e.to_string()))?;
    serde_json::from_value(bus_event.detail).map_err(|e| NotNow::NotOurs(e.to_string()))
}

/// The event and the timeline row that tell how an action ended.
fn outcome(account: &SubjectId, request: &ActionRequest, row: &ActionRow, at: Moment) -> (Event, TimelineEntry) {
    let status = row.status.as_str();
    let told = ActionOutcome {
        action: request.id.clone(),
        kind: request.kind,
        playbook: request.playbook.clone(),
        mode: row.mode.unwrap_or(Mode::Observe),
        status: status.to_owned(),
        reason: row.reason.clone(),
        vendor_ref: row.vendor_ref.clone(),
    };
    let body = match row.status {
        ActionStatus::Failed | ActionStatus::Uncertain => EventBody::ActionFailed(told),
        ActionStatus::Sent
        | ActionStatus::Done
        | ActionStatus::Observed
        | ActionStatus::Held
        | ActionStatus::Obsolete
        | ActionStatus::Claimed
        | ActionStatus::Sending => EventBody::ActionCompleted(told),
    };
    let event = Event {
        id: EventId::derive(account, "action.outcome", request.id.as_str(), ""),
        schema: model::EVENT_SCHEMA,
        account: account.clone(),
        occurred_at: at,
        as_of: at,
        cause: CauseChain {
            delivery: request.alert.changes.first().and_then(|c| c.delivery.clone()),
            ..CauseChain::default()
        },
        body,
    };
    let reason = row.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let entry = TimelineEntry {
        account: account.clone(),
        at,
        id: request.id.as_str().to_owned(),
        kind: request.kind.as_str().to_owned(),
        text: format!("{} `{}` of {} is {status}{reason}", request.kind, request.step, request.playbook),
        delivery: event.cause.delivery.clone(),
        event: Some(event.id.clone()),
    };
    (event, entry)
}
