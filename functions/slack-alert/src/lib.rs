//! Sends alerts to Slack: claim, look again, find its place, send, mark. Nobody gets a second message, nobody gets a
//! stale one, and nobody is interrupted more often than they agreed to.
//!
//! Slack has no idempotency key, so the moment between its acceptance and our mark is the one window in which a crash
//! can cause a duplicate: a message found `sending` after its lease is sent once more, then it is a person's to judge.

mod desk;
mod holder;
mod judge;
mod notice;
mod reader;
mod send;
mod sight;
mod standing;

use std::sync::Arc;

use actions::slack::{NoticeTemplates, Slack, SlackTemplates, SlackToken, SlackWebhook, render};
use config::{Config, Runway};
use jiff::SignedDuration;
use model::{
    ActionKind, ActionRequest, AlertAnswer, AlertKind, Episode, Event, EventBody, Family, Mode, Moment, Placement,
    Recipient,
};
use rules::desk::Thread;
use runtime::Clock;
use runtime::batch::{NotDone, messages};
use runtime::lambda::{BatchAnswer, BusEvent, QueueEvent, QueueMessage};
use runtime::logging::chain;
use runtime::seam::Seam;
use runtime::secrets::{Secrets, SecretsUnavailable};
use serde_json::Value;
use store::{ActionRow, ActionStatus, Claim, Store, StoreError, counted, outcome};
use tracing::field::display;
use tracing::info;

use crate::desk::{Desks, Place};
use crate::reader::Reader;

/// How long a claim holds: longer than the function may run, shorter than the queue hides the message.
///
/// These move together with `infra/template.yaml`: three calls of 10 s < function 40 s < lease 45 s < visibility 240 s.
const LEASE: SignedDuration = SignedDuration::from_secs(45);
/// A message found `sending` is sent again this often in all, then it is uncertain.
const MAX_SENDS: u32 = 2;
/// How long after the message it follows a reply looks again: that is sent within seconds, or not for a while.
const AFTER_ROOT: SignedDuration = SignedDuration::from_mins(1);

/// Why an incoming webhook redirects nothing.
const NOT_REDIRECTED: &str =
    "an incoming webhook posts to its own channel and no other; to redirect, store a bot token";

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

/// A message that may be sent.
#[derive(Clone, Copy)]
struct Sending<'a> {
    event: &'a Event,
    /// Addressed to whom it goes.
    request: &'a ActionRequest,
    reader: &'a Reader,
    slack: &'a Slack,
    mode: Mode,
}

/// Where a message joins others: the channel as Slack names it, and the message that starts the thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Joins {
    place: Option<String>,
    thread: Option<String>,
}

impl Joins {
    /// The thread of the message that starts it, where that was sent.
    fn of(root: Option<&ActionRow>) -> Self {
        root.filter(|root| root.status == ActionStatus::Sent).map(Self::from).unwrap_or_default()
    }
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
            EventBody::NoticeRequested(notice) => self.notice(&event, notice, holder).await,
            other => Err(NotNow::NotOurs(other.kind().to_owned())),
        }
    }

    async fn alert(&self, event: &Event, request: &ActionRequest, holder: &str) -> Result<(), NotNow> {
        let now = self.clock.now();
        let claim = self.store.claim(&request.id, Some(&request.playbook), holder, now, now.plus(LEASE)).await?;
        let held = match claim {
            Claim::Over(_) => return Ok(()),
            Claim::Busy { until } => return Err(NotNow::Busy(until)),
            Claim::Ours(row) => *row,
        };
        // Whoever held it before may have ended anywhere; what counts is how often Slack may have heard of it.
        if held.sends >= MAX_SENDS {
            return self.finish(event, request, uncertain(&held), &held).await;
        }
        let context = self.store.action_context(request).await?;
        let reader = self.reader_of(&request.to, now).await?;
        let addressed = ActionRequest { to: reader.to.clone(), ..request.clone() };
        let before = held.to.clone();
        let held = ActionRow { to: addressed.to.address.clone(), ..held };
        let thread = self.thread(&addressed, &context).await?;
        let above = self.holder(&addressed, &context).await?;
        let root = thread.as_ref().or(above.as_ref());
        match self.judge(&addressed, &context, root, now).await? {
            Verdict::End { status, mode, reason } => {
                let message = match self.rendered(&addressed, &Joins::of(root), false) {
                    Ok(message) => message,
                    Err(error) => return self.finish(event, request, not_rendered(&held, &error), &held).await,
                };
                let held = ActionRow { rendered: Some(message.to_string()), ..held };
                self.forget(&addressed, &held, now).await?;
                let next = ActionRow { status, mode, reason: Some(reason), ..held.clone() };
                self.finish(event, request, next, &held).await
            }
            Verdict::Wait { until, mode, reason } => self.wait(event, until, mode, reason, &held).await,
            Verdict::Send { mode, slack, thread } => {
                // What is said in a thread that is there needs nobody's address.
                let is_answer = is_about_answers(request) && thread == Thread::Sent;
                let found = if is_answer { Ok(reader) } else { self.found(reader, &slack, now).await? };
                let reader = match found {
                    Ok(reader) => reader,
                    Err(setback) => return self.set_back(event, setback, &held, &held).await,
                };
                let addressed = ActionRequest { to: reader.to.clone(), ..request.clone() };
                if !before.is_empty() && before != addressed.to.address {
                    let to = Recipient { address: before, ..request.to.clone() };
                    self.forget(&ActionRequest { to, ..request.clone() }, &held, now).await?;
                }
                let held = ActionRow { mode: Some(mode), to: addressed.to.address.clone(), ..held };
                let sending = Sending { event, request: &addressed, reader: &reader, slack: &slack, mode };
                let is_alone = self.is_out_of_sight(&addressed, root, (mode, &slack));
                // To its reader's desk a hand-off is one of a few, wherever it stands.
                let starts = is_alone && request.alert.kind != AlertKind::HandOff;
                let thread = if starts { Thread::Starts } else { thread };
                // What starts a thread of its own joins none.
                let joins = if is_alone || thread == Thread::Starts { Joins::default() } else { Joins::of(root) };
                self.place(sending, (&thread, context.root.as_ref()), joins, &held).await
            }
        }
    }

    /// Finds the place of a message that may be sent, and sends it if that is now. `answered` is the message with the
    /// buttons.
    async fn place(
        &self,
        sending: Sending<'_>,
        (thread, answered): (&Thread, Option<&ActionRow>),
        joins: Joins,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let Sending { event, request, mode, .. } = sending;
        let now = self.clock.now();
        // Whoever answers waits for what comes of it: no quiet hour holds that back, and it uses up nothing.
        if request.alert.kind == AlertKind::Answered && *thread == Thread::Sent {
            return self.send_restated(sending, answered, joins, held).await;
        }
        let desks = Desks { store: &self.store, config: &self.config, mode, now };
        let joins = match desks.place(request, thread).await? {
            Place::Settles(until) => {
                return self.wait(event, until, Some(mode), "others may turn with it".to_owned(), held).await;
            }
            Place::Known(Placement::NotBefore(until)) => {
                let reason = "its reader is not interrupted before".to_owned();
                return self.wait(event, until, Some(mode), reason, held).await;
            }
            Place::Known(Placement::InDigest(day)) => {
                return self
                    .told_elsewhere(sending, ActionStatus::Digested, format!("the digest of {day} tells it"), held)
                    .await;
            }
            Place::Known(Placement::MergedInto(other)) => {
                return self
                    .told_elsewhere(sending, ActionStatus::Merged, format!("action {other} tells it"), held)
                    .await;
            }
            Place::Known(Placement::SendNow) if is_about_answers(request) && *thread == Thread::Sent => {
                return self.send_restated(sending, answered, joins, held).await;
            }
            Place::Known(Placement::SendNow) => joins,
            Place::Known(Placement::InThreadOf(other)) => {
                let first = self.store.actions(std::slice::from_ref(&other)).await?.remove(&other);
                let Some(first) = first.filter(|first| first.status.is_final()) else {
                    return Err(NotNow::RootNotSent);
                };
                // Where that one was not sent in the end, this one stands alone.
                Joins::from(&first)
            }
        };
        self.send_as(sending, joins, held).await
    }

    /// Sends what tells of an answer once the message with the buttons shows how it stands.
    async fn send_restated(
        &self,
        sending: Sending<'_>,
        answered: Option<&ActionRow>,
        joins: Joins,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        match self.restate(sending.request, answered, sending.slack).await? {
            None => self.send_as(sending, joins, held).await,
            Some(setback) => self.set_back(sending.event, setback, held, held).await,
        }
    }

    async fn send_as(&self, sending: Sending<'_>, joins: Joins, held: &ActionRow) -> Result<(), NotNow> {
        let Sending { event, request, mode, .. } = sending;
        match self.rendered(request, &joins, mode == Mode::Redirect) {
            Ok(message) => self.send(sending, &message, joins.thread, held).await,
            Err(error) => self.finish(event, request, not_rendered(held, &error), held).await,
        }
    }

    /// Ends a message that something else tells, as it would have been sent.
    async fn told_elsewhere(
        &self,
        Sending { event, request, mode, .. }: Sending<'_>,
        status: ActionStatus,
        reason: String,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let next = match self.rendered(request, &Joins::default(), mode == Mode::Redirect) {
            Ok(message) => {
                ActionRow { status, reason: Some(reason), rendered: Some(message.to_string()), ..held.clone() }
            }
            Err(error) => not_rendered(held, &error),
        };
        self.finish(event, request, next, held).await
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
        let message = render(&self.templates, &request, joins.thread.as_deref())?;
        Ok(message.with_buttons(&request, &self.offered(&request)).body())
    }

    /// What the reader of a message can answer, where a connection hears of it. A renewal comes whether somebody looks or
    /// not, and a task is made for companies of HubSpot, where it may go there.
    fn offered(&self, request: &ActionRequest) -> Vec<AlertAnswer> {
        if request.alert.kind != AlertKind::Opened || !self.config.has(Family::Slack) {
            return vec![];
        }
        let is_renewal = self.config.playbook(&request.playbook).is_some_and(config::Playbook::is_renewal);
        let is_offered = |answer: &AlertAnswer| match answer {
            AlertAnswer::Claim => true,
            AlertAnswer::Snooze | AlertAnswer::Dismiss => !is_renewal,
            AlertAnswer::Task => {
                let most = self.config.modes.most(&request.playbook, ActionKind::CrmTask.destination());
                most > Mode::Observe && request.alert.account.hubspot_company().is_some()
            }
        };
        AlertAnswer::ALL.iter().copied().filter(is_offered).collect()
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
        self.wait_as(event, until, reason, ActionRow { mode, ..held.clone() }, held).await
    }

    async fn wait_as(
        &self,
        event: &Event,
        until: Moment,
        reason: String,
        next: ActionRow,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let next = ActionRow { reason: Some(reason), ..next };
        if !self.store.wait_until(&event.id, until, next, held, self.clock.now()).await? {
            return Err(NotNow::LostClaim);
        }
        info!(action.id = %held.id, "Action `{}` waits until {until}", held.id);
        Ok(())
    }

    /// The client, or why there is none.
    async fn slack(&self, now: Moment) -> Result<Result<Slack, String>, SecretsUnavailable> {
        let secrets = self.secrets.get(now).await?;
        let Some(token) = secrets.get("token") else {
            let webhook = secrets.get("webhook").map(|url| SlackWebhook::new(url.reveal()));
            let slack = webhook.map(|webhook| Slack::by_webhook(self.seam.clone(), webhook));
            return Ok(slack.ok_or_else(|| "there is no Slack token among the secrets".to_owned()));
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
        let (status, now) = (next.status, self.clock.now());
        let metrics = counted(request.kind.as_str(), status, Runway::is_reminder(request)).map(display);
        let (outcome, entry) = outcome(&event.account, request, &next, now);
        if !self.store.finish_action(&next, held, &outcome, &entry).await? {
            return Err(NotNow::LostClaim);
        }
        let status = status.as_str();
        info!(action.id = %request.id, action.status = status, metrics, "Action `{}` is {status}", request.id);
        Ok(())
    }
}

/// It tells what somebody answered, or that this is over: the message with the buttons shows that too.
fn is_about_answers(request: &ActionRequest) -> bool {
    request.alert.kind == AlertKind::Answered || request.step.starts_with(Episode::SNOOZE_OVER)
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
