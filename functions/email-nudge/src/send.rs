//! The call to SES, and what comes of each of its answers.

use actions::ses::{MailError, Ses};
use jiff::SignedDuration;
use runtime::backoff;
use runtime::secrets::Secret;
use serde_json::Value;
use store::{ActionRow, ActionStatus};
use tracing::warn;

use crate::{Asked, EmailNudge, NotNow, Way};

/// SES that takes nothing now is asked again this often in a row, in a day and a half at least, then it is a person's to see to.
const MOST_SETBACKS: u32 = 40;
/// A longer `Retry-After` is taken for a slip: after an hour SES is asked again.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(1);

impl EmailNudge {
    /// Hands a mail to SES, and marks it.
    pub(crate) async fn send(
        &self,
        asked: Asked<'_>,
        (way, body): (&Way, &Value),
        (ses, key): (&Ses, &Secret),
        held: &ActionRow,
    ) -> Result<(), NotNow> {
        let (event, request) = (asked.event, asked.request);
        let sending = ActionRow { status: ActionStatus::Sending, sends: held.sends + 1, ..held.clone() };
        if !self.store.put_held(&sending, held).await? {
            return Err(NotNow::LostClaim);
        }
        let failure = match ses.send(body, self.clock.now()).await {
            Ok(id) => {
                let (status, vendor_ref) = (ActionStatus::Sent, Some(id));
                let reason = way.is_draft.then(|| format!("a draft, to {}", way.to));
                let next = ActionRow { status, vendor_ref, reason, setbacks: 0, ..sending.clone() };
                return self.finish(event, request, next, &sending).await;
            }
            Err(failure) => failure,
        };
        match failure {
            MailError::Unsure { reason } => {
                // The claim is kept: what may have been accepted is sent once more at most.
                warn!(action.id = %held.id, "Action `{}` may or may not have been sent: {reason}", held.id);
                Err(NotNow::Ses(reason))
            }
            MailError::Retry { reason, after_s } => self.set_back(asked, (reason, after_s), held, &sending).await,
            MailError::Unauthorized { .. } if self.has_changed(key).await? => {
                self.set_back(asked, ("the key was changed meanwhile".to_owned(), None), held, &sending).await
            }
            MailError::Unauthorized { reason } | MailError::Refused { reason } => {
                self.give_back(asked, way, held.mode.unwrap_or(model::Mode::Live)).await?;
                let next = ActionRow { status: ActionStatus::Failed, reason: Some(reason), ..sending.clone() };
                self.finish(event, request, next, &sending).await
            }
        }
    }

    /// SES takes nothing now and did nothing: the same event comes again when it may, and no try is used up.
    async fn set_back(
        &self,
        asked: Asked<'_>,
        (reason, after_s): (String, Option<u64>),
        held: &ActionRow,
        sending: &ActionRow,
    ) -> Result<(), NotNow> {
        let setbacks = held.setbacks + 1;
        if setbacks > MOST_SETBACKS {
            let reason = format!("SES took nothing {MOST_SETBACKS} times in a row: {reason}");
            let next = ActionRow { status: ActionStatus::Failed, reason: Some(reason), setbacks, ..held.clone() };
            return self.finish(asked.event, asked.request, next, sending).await;
        }
        let wanted = SignedDuration::from_secs(i64::try_from(after_s.unwrap_or_default()).unwrap_or(i64::MAX));
        // At least as long as it asks for, and longer each time.
        let until = self.clock.now().plus(wanted.max(backoff(setbacks)).min(LONGEST_REST));
        self.wait(asked.event, until, reason, ActionRow { setbacks, ..held.clone() }, sending).await
    }

    /// The key that SES does not know is no longer the one that is stored.
    async fn has_changed(&self, key: &Secret) -> Result<bool, NotNow> {
        let now = self.clock.now();
        self.secrets.reread(now).await?;
        Ok(self.secrets.get(now).await?.get("secret_access_key") != Some(key))
    }
}
