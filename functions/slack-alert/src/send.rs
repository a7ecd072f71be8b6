//! The call to Slack, and what comes of each of its answers.

use actions::slack::{PostError, Posted};
use jiff::SignedDuration;
use model::{Event, EventBody};
use runtime::backoff;
use serde_json::Value;
use store::{ActionRow, ActionStatus};
use tracing::warn;

use crate::{NotNow, Sending, SlackAlert};

/// Slack that takes nothing now is asked again this often in a row, in a day and a half at least, then it is a person's to
/// see to.
const MOST_SETBACKS: u32 = 40;
/// A longer `Retry-After` is taken for a slip: after an hour Slack is asked again.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(1);

/// Slack takes nothing now, and did nothing.
pub(crate) struct Setback {
    pub reason: String,
    /// In how many seconds it may be asked again, where it said so.
    pub after_s: Option<u64>,
}

impl SlackAlert {
    /// Sends a message to where its reader is, and marks it.
    pub(crate) async fn send(
        &self,
        sending: Sending<'_>,
        message: &Value,
        thread: Option<String>,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let Sending { event, request, reader, slack, .. } = sending;
        let held = ActionRow { thread_ref: thread, rendered: Some(message.to_string()), ..held.clone() };
        let now_held = self.begin(&held).await?;
        match slack.post(message).await {
            Ok(posted) => {
                let next = ActionRow { reason: reader.note.clone(), ..sent(posted, &now_held) };
                self.finish(event, request, next, &now_held).await
            }
            Err(PostError::NoSuchReader { reason }) if self.doubts(reader).await? => {
                self.forget(request, &held, self.clock.now()).await?;
                // Slack did nothing, and the next try asks who has the address.
                let next = ActionRow { to: String::new(), ..held };
                self.set_back(event, Setback { reason, after_s: None }, &next, &now_held).await
            }
            Err(PostError::NoSuchReader { reason } | PostError::Refused { reason }) => {
                let next = ActionRow { status: ActionStatus::Failed, reason: Some(reason), ..now_held.clone() };
                self.finish(event, request, next, &now_held).await
            }
            Err(PostError::Retry { reason, after_s }) => {
                self.set_back(event, Setback { reason, after_s }, &held, &now_held).await
            }
            Err(PostError::Unsure { reason }) => Err(unsure(&held, reason)),
        }
    }

    /// Says that Slack is being called for an action that is held as `held`; gives the row as it is held now.
    pub(crate) async fn begin(&self, held: &ActionRow) -> Result<ActionRow, NotNow> {
        let sending = ActionRow { status: ActionStatus::Sending, sends: held.sends + 1, ..held.clone() };
        if self.store.put_held(&sending, held).await? { Ok(sending) } else { Err(NotNow::LostClaim) }
    }

    /// Slack takes nothing now and did nothing: the same event comes again when it may, and no try is used up. `next` is
    /// the row as it goes on, `held` as it is held now.
    pub(crate) async fn set_back(
        &self,
        event: &Event,
        setback: Setback,
        next: &ActionRow,
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let setbacks = next.setbacks + 1;
        let Setback { reason, after_s } = setback;
        if setbacks > MOST_SETBACKS {
            let reason = format!("Slack took nothing {MOST_SETBACKS} times in a row: {reason}");
            let next = ActionRow { status: ActionStatus::Failed, reason: Some(reason), setbacks, ..next.clone() };
            return self.end(event, next, held).await;
        }
        let asked = SignedDuration::from_secs(i64::try_from(after_s.unwrap_or_default()).unwrap_or(i64::MAX));
        // At least as long as it asks for, and longer each time.
        let until = self.clock.now().plus(asked.max(backoff(setbacks)).min(LONGEST_REST));
        let next = ActionRow { setbacks, ..next.clone() };
        self.wait_as(event, until, reason, next, held).await
    }

    /// Ends an action of either kind.
    async fn end(&self, event: &Event, next: ActionRow, held: &ActionRow) -> Result<(), NotNow> {
        match &event.body {
            EventBody::ActionRequested(request) => self.finish(event, request, next, held).await,
            _ => self.ended(next, held).await,
        }
    }
}

pub(crate) fn sent(Posted { ts, channel }: Posted, sending: &ActionRow) -> ActionRow {
    let status = ActionStatus::Sent;
    ActionRow { status, reason: None, vendor_ref: ts, vendor_place: channel, setbacks: 0, ..sending.clone() }
}

/// The claim is kept: what may have been posted is posted once more at most.
pub(crate) fn unsure(held: &ActionRow, reason: String) -> NotNow {
    warn!(action.id = %held.id, "Action `{}` may or may not have been sent: {reason}", held.id);
    NotNow::Slack(reason)
}
