//! Messages about many accounts: no episode, no desk, no thread. The event that asks for one was written with what it
//! tells, so what is left is claim, look at the switches, send, mark.

use actions::slack::{Slack, render_notice};
use model::{ActionKind, Mode, Moment, Notice};
use store::{ActionRow, ActionStatus, Claim};
use tracing::{error, info};

use crate::{LEASE, MAX_SENDS, NotNow, SlackAlert, not_rendered, uncertain};

impl SlackAlert {
    pub(crate) async fn notice(&self, notice: &Notice, holder: &str) -> Result<(), NotNow> {
        let now = self.clock.now();
        let held = match self.store.claim(&notice.id, None, holder, now, now.plus(LEASE)).await? {
            Claim::Over(_) => return Ok(()),
            Claim::Busy { until } => return Err(NotNow::Busy(until)),
            Claim::Ours(row) => ActionRow { mode: Some(notice.mode), to: notice.to.address.clone(), ..*row },
        };
        if held.sends >= MAX_SENDS {
            return self.ended(uncertain(&held), &held).await;
        }
        let mut addressed = notice.clone();
        if let Some(place) = self.redirect().filter(|_| notice.mode == Mode::Redirect) {
            addressed.to.address = place.to_owned();
        }
        let message = match render_notice(&self.notices, &addressed) {
            Ok(message) => message.body(),
            Err(error) => return self.ended(not_rendered(&held, &error), &held).await,
        };
        let held = ActionRow { rendered: Some(message.to_string()), ..held };
        match self.allowed(notice, now).await? {
            Ok(slack) => {
                let (next, sending) = self.post(&slack, &message, &held).await?;
                self.ended(next, &sending).await
            }
            Err((status, reason)) => {
                self.ended(ActionRow { status, reason: Some(reason), ..held.clone() }, &held).await
            }
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
        Ok(self.slack(now).await?.map_err(|reason| (ActionStatus::Observed, reason)))
    }

    async fn ended(&self, next: ActionRow, held: &ActionRow) -> Result<(), NotNow> {
        if !self.store.put_held(&next, held).await? {
            return Err(NotNow::LostClaim);
        }
        let (id, status) = (&next.id, next.status.as_str());
        match next.status {
            ActionStatus::Failed | ActionStatus::Uncertain => {
                let reason = next.reason.as_deref().unwrap_or_default();
                error!(action.id = %id, action.status = status, "Message `{id}` is {status}: {reason}");
            }
            ActionStatus::Sent
            | ActionStatus::Done
            | ActionStatus::Observed
            | ActionStatus::Held
            | ActionStatus::Digested
            | ActionStatus::Merged
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
