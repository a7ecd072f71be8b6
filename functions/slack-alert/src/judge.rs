//! Looks again at what may have changed since a message was asked for.

use model::{ActionRequest, AlertKind, Mode, Moment};
use store::{ActionContext, ActionRow, ActionStatus};

use crate::desk::thread_of;
use crate::{AFTER_ROOT, NOT_REDIRECTED, NotNow, SlackAlert, Verdict};

impl SlackAlert {
    /// Whether the message is still to be sent, now or later.
    pub(crate) async fn judge(
        &self,
        request: &ActionRequest,
        context: &ActionContext,
        root: Option<&ActionRow>,
        now: Moment,
    ) -> Result<Verdict, NotNow> {
        let end = |status, mode, reason: &str| Ok(Verdict::End { status, mode, reason: reason.to_owned() });
        let Some(episode) = context.episode.as_ref().filter(|episode| episode.run == request.run) else {
            return end(ActionStatus::Obsolete, None, "the episode has moved on");
        };
        let needs_open = match request.alert.kind {
            AlertKind::Opened | AlertKind::Step | AlertKind::Update | AlertKind::HandOff => true,
            // Whoever answered is told so, though their answer closed it.
            AlertKind::Answered | AlertKind::Resolved => false,
        };
        if needs_open && !episode.is_open() {
            return end(ActionStatus::Obsolete, None, "the episode was over before the message went out");
        }
        let playbook = self.config.playbook(&request.playbook);
        let opens = playbook.and_then(|p| p.steps.first()).is_some_and(|first| first.name == request.step);
        let Some(thread) = thread_of(request, root, opens) else {
            return match root {
                Some(root) if root.status == ActionStatus::Observed => {
                    end(ActionStatus::Observed, root.mode, "the message it replies to was observed, not sent")
                }
                Some(root) if root.status.is_final() => {
                    let reason = format!("the message it replies to is {}", root.status.as_str());
                    end(ActionStatus::Obsolete, root.mode, &reason)
                }
                Some(root) if root.status == ActionStatus::Waiting => Ok(Verdict::Wait {
                    until: root.not_before.unwrap_or(now).max(now).plus(AFTER_ROOT),
                    mode: root.mode,
                    reason: "the message it replies to waits".to_owned(),
                }),
                Some(_) | None => Err(NotNow::RootNotSent),
            };
        };
        let most = self.config.modes.most(&request.playbook, request.kind.destination());
        let mode = context.control.mode.unwrap_or(Mode::Observe).min(most);
        if mode == Mode::Observe {
            return end(ActionStatus::Observed, Some(mode), "observe mode: nothing is sent; see `barometer golive`");
        }
        if context.control.paused_at.is_some() {
            return end(ActionStatus::Held, Some(mode), "sending is paused; this message is not sent later");
        }
        if mode == Mode::Redirect && self.config.modes.redirect(request.kind.destination()).is_none() {
            return end(ActionStatus::Observed, Some(mode), "modes.toml names no channel for redirected messages");
        }
        match self.slack(now).await? {
            Ok(slack) if slack.has_one_channel() && mode == Mode::Redirect => {
                end(ActionStatus::Observed, Some(mode), NOT_REDIRECTED)
            }
            Ok(slack) => Ok(Verdict::Send { mode, slack, thread }),
            Err(reason) => end(ActionStatus::Observed, Some(mode), &reason),
        }
    }
}
