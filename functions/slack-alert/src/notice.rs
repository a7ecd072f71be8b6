//! Messages about many accounts: no episode, no desk, no thread. The event that asks for one was written with what it
//! tells, so what is left is claim, look at the switches, send, mark.

use actions::slack::{PostError, Slack, render_notice};
use model::{ActionKind, Event, Mode, Moment, Notice};
use serde_json::Value;
use store::{ActionRow, ActionStatus, Claim, counted};
use tracing::field::display;
use tracing::{error, info};

use crate::reader::Reader;
use crate::send::{Setback, sent, unsure};
use crate::{LEASE, MAX_SENDS, NOT_REDIRECTED, NotNow, SlackAlert, not_rendered, uncertain};

impl SlackAlert {
    pub(crate) async fn notice(&self, event: &Event, notice: &Notice, holder: &str) -> Result<(), NotNow> {
        let now = self.clock.now();
        let held = match self.store.claim(&notice.id, None, holder, now, now.plus(LEASE)).await? {
            Claim::Over(_) => return Ok(()),
            Claim::Busy { until } => return Err(NotNow::Busy(until)),
            Claim::Ours(row) => ActionRow { mode: Some(notice.mode), ..*row },
        };
        if held.sends >= MAX_SENDS {
            return self.ended(uncertain(&held), &held).await;
        }
        let reader = self.reader_of(&notice.to, now).await?;
        let allowed = self.allowed(notice, now).await?;
        let reader = match &allowed {
            Ok(slack) => match self.found(reader, slack, now).await? {
                Ok(reader) => reader,
                Err(setback) => return self.set_back(event, setback, &held, &held).await,
            },
            Err(_) => reader,
        };
        let mut addressed = Notice { to: reader.to.clone(), ..notice.clone() };
        let held = ActionRow { to: addressed.to.address.clone(), ..held };
        if let Some(place) = self.redirect().filter(|_| notice.mode == Mode::Redirect) {
            addressed.to.address = place.to_owned();
        }
        let message = match render_notice(&self.notices, &addressed) {
            Ok(message) => message.body(),
            Err(error) => return self.ended(not_rendered(&held, &error), &held).await,
        };
        let held = ActionRow { rendered: Some(message.to_string()), ..held };
        match allowed {
            Ok(slack) => self.post_notice(event, &slack, &reader, &message, &held).await,
            Err((status, reason)) => {
                self.ended(ActionRow { status, reason: Some(reason), ..held.clone() }, &held).await
            }
        }
    }

    async fn post_notice(
        &self,
        event: &Event,
        slack: &Slack,
        reader: &Reader,
        message: &Value,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let now_held = self.begin(held).await?;
        match slack.post(message).await {
            Ok(posted) => {
                let next = ActionRow { reason: reader.note.clone(), ..sent(posted, &now_held) };
                self.ended(next, &now_held).await
            }
            Err(PostError::NoSuchReader { reason }) if self.doubts(reader).await? => {
                let next = ActionRow { to: String::new(), ..held.clone() };
                self.set_back(event, Setback { reason, after_s: None }, &next, &now_held).await
            }
            Err(PostError::NoSuchReader { reason } | PostError::Refused { reason }) => {
                let next = ActionRow { status: ActionStatus::Failed, reason: Some(reason), ..now_held.clone() };
                self.ended(next, &now_held).await
            }
            Err(PostError::Retry { reason, after_s }) => {
                self.set_back(event, Setback { reason, after_s }, held, &now_held).await
            }
            Err(PostError::Unsure { reason }) => Err(unsure(held, reason)),
        }
    }

    fn redirect(&self) -> Option<&str> {
        self.config.modes.redirect(ActionKind::SlackAlert.destination())
    }

    /// The client to send it with, or how it ends without.
    async fn allowed(&self, notice: &Notice, now: Moment) -> Result<Result<Slack, (ActionStatus, String)>, NotNow> {
        let observed = |reason: &str| Ok(Err((ActionStatus::Observed, reason.to_owned())));
        if notice.mode == Mode::Observe {
            return observed("observe mode: nothing is sent; see `barometer golive`");
        }
        let (paused_at, _) = self.store.switches().await?;
        if paused_at.is_some() {
            return Ok(Err((ActionStatus::Held, "sending is paused; this message is not sent later".to_owned())));
        }
        if notice.mode == Mode::Redirect && self.redirect().is_none() {
            return observed("modes.toml names no channel for redirected messages");
        }
        let slack = self.slack(now).await?.map_err(|reason| (ActionStatus::Observed, reason));
        Ok(slack.and_then(|slack| match slack.has_one_channel() && notice.mode == Mode::Redirect {
            true => Err((ActionStatus::Observed, NOT_REDIRECTED.to_owned())),
            false => Ok(slack),
        }))
    }

    pub(crate) async fn ended(&self, next: ActionRow, held: &ActionRow) -> Result<(), NotNow> {
        if !self.store.put_held(&next, held).await? {
            return Err(NotNow::LostClaim);
        }
        let metrics = counted(ActionKind::SlackAlert.as_str(), next.status, false).map(display);
        let (id, status) = (&next.id, next.status.as_str());
        match next.status {
            ActionStatus::Failed | ActionStatus::Uncertain => {
                let reason = next.reason.as_deref().unwrap_or_default();
                error!(action.id = %id, action.status = status, metrics, "Message `{id}` is {status}: {reason}");
            }
            ActionStatus::Sent
            | ActionStatus::Done
            | ActionStatus::Observed
            | ActionStatus::Held
            | ActionStatus::Digested
            | ActionStatus::Merged
            | ActionStatus::Suppressed
            | ActionStatus::Obsolete
            | ActionStatus::Claimed
            | ActionStatus::Waiting
            | ActionStatus::Sending => {
                info!(action.id = %id, action.status = status, "Message `{id}` is {status}");
            }
        }
        Ok(())
    }
}
