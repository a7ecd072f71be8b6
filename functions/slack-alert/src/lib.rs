//! Sends alerts to Slack: claim, look again, find its place, send, mark. Nobody gets a second message, nobody gets a
//! stale one, and nobody is interrupted more often than they agreed to.
//!
//! Slack has no idempotency key, so the moment between its acceptance and our mark is the one window in which a crash
//! can cause a duplicate: a message found `sending` after its lease is sent once more, then it is a person's to judge.

mod desk;
mod holder;
mod judge;
mod notice;

use std::sync::Arc;

use actions::slack::{NoticeTemplates, PostError, Posted, Slack, SlackTemplates, SlackToken, render};
use config::Config;
use jiff::SignedDuration;
use model::{ActionRequest, Event, EventBody, Mode, Moment, Placement};
use rules::desk::Thread;
use runtime::Clock;
use runtime::batch::{NotDone, messages};
use runtime::lambda::{BatchAnswer, BusEvent, QueueEvent, QueueMessage};
use runtime::logging::chain;
use runtime::seam::Seam;
use runtime::secrets::{Secrets, SecretsUnavailable};
use serde_json::Value;
use store::{ActionRow, ActionStatus, Claim, Store, StoreError, outcome};
use tracing::{info, warn};

use crate::desk::{Desks, Place};

/// How long a claim holds: longer than the function may run, shorter than the queue hides the message.
///
/// These move together with `infra/template.yaml`: vendor call 10 s < function 30 s < lease 45 s < visibility 180 s.
const LEASE: SignedDuration = SignedDuration::from_secs(45);
/// A message found `sending` is sent again this often in all, then it is uncertain.
const MAX_SENDS: u32 = 2;
/// How long after the message it follows a reply looks again.
const AFTER_ROOT: SignedDuration = SignedDuration::from_mins(1);

/// The handler.
#[derive(Debug)]
pub struct SlackAlert {
    config: Arc<Config>,
    store: Store,
    seam: Seam,
    secrets: Secrets,
    templates: SlackTemplates,
    notices: NoticeTemplates,
    clock: Clock,
}

/// Why a message of the queue is left there for a later try.
#[derive(Debug, thiserror::Error)]
enum NotNow {
    #[error("the message is no action for Slack: {0}")]
    NotOurs(String),
    #[error("someone else holds the action until {0}")]
    Busy(Moment),
    #[error("the message it belongs to has not been sent yet")]
    RootNotSent,
    #[error("many messages to the same reader are placed at once")]
    Contended,
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
            Self::Busy(_) | Self::RootNotSent | Self::Contended => true,
            Self::NotOurs(_) | Self::Slack(_) | Self::Store(_) | Self::Secrets(_) | Self::LostClaim => false,
        }
    }
}

/// What to do with a claimed action.
enum Verdict {
    /// End it without a call.
    End { status: ActionStatus, mode: Option<Mode>, reason: String },
    /// Look again at that moment.
    Wait { until: Moment, mode: Option<Mode>, reason: String },
    /// Find its place and send it there.
    Send { mode: Mode, slack: Slack, thread: Thread },
}

/// Where a message joins others: the channel as Slack names it, and the message that starts the thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Joins {
    place: Option<String>,
    thread: Option<String>,
}

impl From<&ActionRow> for Joins {
    fn from(row: &ActionRow) -> Self {
        Self { place: row.vendor_place.clone(), thread: row.thread().map(str::to_owned) }
    }
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
        let notices = NoticeTemplates::new(&config.templates)?;
        Ok(Self { config, store, seam, secrets, templates, notices, clock })
    }

    /// Handles a batch of the queue.
    pub async fn handle(&self, event: QueueEvent) -> BatchAnswer {
        let one = |message: QueueMessage| async move { self.one(&message.body, &message.message_id).await };
        messages("An alert", event, one).await
    }

    async fn one(&self, body: &str, holder: &str) -> Result<(), NotNow> {
        let event = BusEvent::event(body).map_err(|error| NotNow::NotOurs(error.to_string()))?;
        match &event.body {
            EventBody::ActionRequested(request) => self.alert(&event, request, holder).await,
            EventBody::NoticeRequested(notice) => self.notice(notice, holder).await,
            other => Err(NotNow::NotOurs(other.kind().to_owned())),
        }
    }

    async fn alert(&self, event: &Event, request: &ActionRequest, holder: &str) -> Result<(), NotNow> {
        let now = self.clock.now();
        let claim = self.store.claim(&request.id, Some(&request.playbook), holder, now, now.plus(LEASE)).await?;
        let held = match claim {
            Claim::Over(_) => return Ok(()),
            Claim::Busy { until } => return Err(NotNow::Busy(until)),
            Claim::Ours(row) => ActionRow { to: request.to.address.clone(), ..*row },
        };
        // Whoever held it before may have ended anywhere; what counts is how often Slack may have heard of it.
        if held.sends >= MAX_SENDS {
            return self.finish(event, request, uncertain(&held), &held).await;
        }
        let context = self.store.action_context(request).await?;
        let holder = self.holder(request, &context).await?;
        let root = context.root.as_ref().or(holder.as_ref());
        let verdict = self.judge(request, &context, root, now).await?;
        let joins = root.filter(|root| root.status == ActionStatus::Sent).map(Joins::from).unwrap_or_default();
        let is_redirected = matches!(verdict, Verdict::Send { mode: Mode::Redirect, .. });
        let message = match self.rendered(request, &joins, is_redirected) {
            Ok(message) => message,
            Err(error) => return self.finish(event, request, not_rendered(&held, &error), &held).await,
        };
        let held = ActionRow { rendered: Some(message.to_string()), ..held };
        match verdict {
            Verdict::End { status, mode, reason } => {
                self.forget(request, &held, now).await?;
                let next = ActionRow { status, mode, reason: Some(reason), ..held.clone() };
                self.finish(event, request, next, &held).await
            }
            Verdict::Wait { until, mode, reason } => self.wait(event, until, mode, reason, &held).await,
            Verdict::Send { mode, slack, thread } => {
                let held = ActionRow { mode: Some(mode), ..held };
                let desks = Desks { store: &self.store, config: &self.config, mode, now };
                let ended = |status, reason| ActionRow { status, reason: Some(reason), ..held.clone() };
                match desks.place(request, &thread).await? {
                    Place::Settles(until) => {
                        self.wait(event, until, Some(mode), "others may turn with it".to_owned(), &held).await
                    }
                    Place::Known(Placement::NotBefore(until)) => {
                        self.wait(event, until, Some(mode), "its reader is not interrupted before".to_owned(), &held)
                            .await
                    }
                    Place::Known(Placement::InDigest(day)) => {
                        let next = ended(ActionStatus::Digested, format!("the digest of {day} tells it"));
                        self.finish(event, request, next, &held).await
                    }
                    Place::Known(Placement::MergedInto(other)) => {
                        let next = ended(ActionStatus::Merged, format!("action {other} tells it"));
                        self.finish(event, request, next, &held).await
                    }
                    Place::Known(Placement::SendNow) => {
                        self.send(event, request, &slack, &message, joins.thread, &held).await
                    }
                    Place::Known(Placement::InThreadOf(other)) => {
                        let first = self.store.actions(std::slice::from_ref(&other)).await?.remove(&other);
                        let Some(first) = first.filter(|first| first.status.is_final()) else {
                            return Err(NotNow::RootNotSent);
                        };
                        // Where that one was not sent in the end, this one stands alone.
                        let joins = Joins::from(&first);
                        match self.rendered(request, &joins, is_redirected) {
                            Ok(message) => {
                                let held = ActionRow { rendered: Some(message.to_string()), ..held };
                                self.send(event, request, &slack, &message, joins.thread, &held).await
                            }
                            Err(error) => self.finish(event, request, not_rendered(&held, &error), &held).await,
                        }
                    }
                }
            }
        }
    }

    /// What is not sent does not stand on a desk either.
    async fn forget(&self, request: &ActionRequest, held: &ActionRow, now: Moment) -> Result<(), NotNow> {
        match held.mode {
            // It was placed, or waited to be.
            Some(mode) if held.not_before.is_some() || held.sends > 0 => {
                Desks { store: &self.store, config: &self.config, mode, now }.withdraw(request).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The request as it is, or would be, sent.
    fn rendered(
        &self,
        request: &ActionRequest,
        joins: &Joins,
        is_redirected: bool,
    ) -> Result<Value, actions::slack::RenderError> {
        let redirect = || self.config.modes.redirect(request.kind.destination()).map(str::to_owned);
        let place = joins.place.clone().or_else(|| redirect().filter(|_| is_redirected));
        let mut request = request.clone();
        if let Some(place) = place {
            request.to.address = place;
        }
        Ok(render(&self.templates, &request, joins.thread.as_deref())?.body())
    }

    /// Gives the claim back until a moment at which the same event comes again.
    async fn wait(
        &self,
        event: &Event,
        until: Moment,
        mode: Option<Mode>,
        reason: String,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        // First this: a message that is asked for once too often waits once more.
        self.store.ask_again_at(&event.id, until).await?;
        let next = ActionRow {
            status: ActionStatus::Waiting,
            mode,
            lease_until: self.clock.now(),
            reason: Some(reason),
            not_before: Some(until),
            ..held.clone()
        };
        if !self.store.put_held(&next, held).await? {
            return Err(NotNow::LostClaim);
        }
        info!(action.id = %held.id, "Action `{}` waits until {until}", held.id);
        Ok(())
    }

    async fn send(
        &self,
        event: &Event,
        request: &ActionRequest,
        slack: &Slack,
        message: &Value,
        thread: Option<String>,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let held = ActionRow { thread_ref: thread, ..held.clone() };
        let (next, sending) = self.post(slack, message, &held).await?;
        self.finish(event, request, next, &sending).await
    }

    /// Calls Slack for an action that is held as `held`. Gives the row as it is to end, and as it is held now.
    async fn post(&self, slack: &Slack, message: &Value, held: &ActionRow) -> Result<(ActionRow, ActionRow), NotNow> {
        let sending = ActionRow { status: ActionStatus::Sending, sends: held.sends + 1, ..held.clone() };
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
                Ok((next, sending))
            }
            Err(PostError::Refused { reason }) => {
                let next = ActionRow { status: ActionStatus::Failed, reason: Some(reason), ..sending.clone() };
                Ok((next, sending))
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
                warn!(action.id = %held.id, "Action `{}` may or may not have been sent: {reason}", held.id);
                Err(NotNow::Slack(reason))
            }
        }
    }

    /// The client, or why there is none.
    async fn slack(&self, now: Moment) -> Result<Result<Slack, String>, SecretsUnavailable> {
        let secrets = self.secrets.get(now).await?;
        let Some(token) = secrets.get("token") else {
            return Ok(Err("there is no Slack token among the secrets".to_owned()));
        };
        let base_url = secrets.get("base_url").map(|url| url.reveal().to_owned());
        let token = SlackToken::new(token.reveal()).map_err(|problem| problem.to_string());
        Ok(token.map(|token| Slack::new(self.seam.clone(), base_url, token)))
    }

    async fn finish(
        &self,
        event: &Event,
        request: &ActionRequest,
        next: ActionRow,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let status = next.status;
        let (outcome, entry) = outcome(&event.account, request, &next, self.clock.now());
        if !self.store.finish_action(&next, held, &outcome, &entry).await? {
            return Err(NotNow::LostClaim);
        }
        let status = status.as_str();
        info!(action.id = %request.id, action.status = status, "Action `{}` is {status}", request.id);
        Ok(())
    }
}

/// A message of which nobody knows whether it arrived.
fn uncertain(held: &ActionRow) -> ActionRow {
    let reason = "Slack was called twice and no answer was recorded; look in the channel whether it arrived";
    ActionRow { status: ActionStatus::Uncertain, reason: Some(reason.into()), ..held.clone() }
}

fn not_rendered(held: &ActionRow, error: &actions::slack::RenderError) -> ActionRow {
    let reason = format!("the template cannot be rendered: {}", chain(error));
    ActionRow { status: ActionStatus::Failed, reason: Some(reason), ..held.clone() }
}
