//! Who sees a thread: what the app says to one person nobody else can open, whoever is mentioned there.

use actions::slack::Slack;
use model::{ActionRequest, Addressed, AlertKind, Mode};
use rules::desk::is_out_of_sight;
use store::{ActionContext, ActionRow, ActionStatus, StoreError};

use crate::SlackAlert;

impl SlackAlert {
    /// The message whose thread `request` belongs to: the first one of its episode, or where somebody else took the account
    /// over, whom that thread is not for, the one that told them. 1 call where it was handed over.
    ///
    /// What was answered is told where the button is.
    pub(crate) async fn thread(
        &self,
        request: &ActionRequest,
        context: &ActionContext,
    ) -> Result<Option<ActionRow>, StoreError> {
        let root = || Ok(context.root.clone());
        let handed = context.episode.as_ref().and_then(|episode| episode.handed_over.clone());
        let is_later = |handed: &_| request.reply_to.is_some() && request.id != *handed;
        let Some(handed) = handed.filter(|handed| is_later(handed) && request.alert.kind != AlertKind::Answered) else {
            return root();
        };
        let Some(handed) = self.store.actions(std::slice::from_ref(&handed)).await?.remove(&handed) else {
            return root();
        };
        match handed.status {
            ActionStatus::Sent if handed.thread() != context.root.as_ref().and_then(ActionRow::thread) => {
                Ok(Some(handed))
            }
            // Their digest has it, or it is on its way.
            ActionStatus::Digested
            | ActionStatus::Merged
            | ActionStatus::Claimed
            | ActionStatus::Waiting
            | ActionStatus::Sending => Ok(Some(handed)),
            ActionStatus::Sent
            | ActionStatus::Done
            | ActionStatus::Observed
            | ActionStatus::Held
            | ActionStatus::Suppressed
            | ActionStatus::Obsolete
            | ActionStatus::Uncertain
            | ActionStatus::Failed => root(),
        }
    }

    /// Whether whoever `request` is for cannot open the thread that begins with `root`. Where all messages go to one place,
    /// everybody sees all of them.
    pub(crate) fn is_out_of_sight(
        &self,
        request: &ActionRequest,
        root: Option<&ActionRow>,
        (mode, slack): (Mode, &Slack),
    ) -> bool {
        let is_theirs = |root: &ActionRow| root.status == ActionStatus::Sent && is_out_of_sight(request, &root.to);
        let is_known = request.to.addressed() != Addressed::Email;
        mode == Mode::Live && !slack.has_one_channel() && is_known && root.is_some_and(is_theirs)
    }
}
