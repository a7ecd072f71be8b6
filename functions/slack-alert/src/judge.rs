//! Looks again at what may have changed since a message was asked for.

use jiff::SignedDuration;
use model::{ActionRequest, AlertKind, Episode, Mode, Moment};
use store::{ActionContext, ActionRow, ActionStatus};

use crate::desk::thread_of;
use crate::{AFTER_ROOT, NOT_REDIRECTED, NotNow, SlackAlert, Verdict};

/// An alert went out this much later than it was asked for without anybody noticing.
const UNNOTICED: SignedDuration = SignedDuration::from_mins(15);

/// What becomes of the message that nobody took care of an alert; every other message goes.
enum Unclaimed {
    Goes,
    Wait(Moment),
    Not(&'static str),
}

impl SlackAlert {
    /// Looks again at whether nobody took care of it.
    fn unclaimed(
        &self,
        request: &ActionRequest,
        episode: &Episode,
        root: Option<&ActionRow>,
        now: Moment,
    ) -> Unclaimed {
        let Some(root) = root.filter(|_| request.step == Episode::UNCLAIMED) else { return Unclaimed::Goes };
        if episode.is_attended() {
            return Unclaimed::Not("somebody took care of it meanwhile");
        }
        if root.status != ActionStatus::Sent {
            return Unclaimed::Not("its alert is told by a digest or another message, which has no buttons");
        }
        let owner = request.alert.owner.as_ref();
        let team = &self.config.team;
        let person = owner.and_then(|owner| team.find(owner.email.as_deref().unwrap_or(&owner.name)));
        let waits_until = root.not_before.and_then(|sent_at| team.unclaimed_at(sent_at, person));
        waits_until.filter(|until| *until > now.plus(UNNOTICED)).map_or(Unclaimed::Goes, Unclaimed::Wait)
    }

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
        match self.unclaimed(request, episode, context.root.as_ref(), now) {
            Unclaimed::Goes => {}
            Unclaimed::Wait(until) => {
                let reason = "the alert went out later than it was asked for".to_owned();
                return Ok(Verdict::Wait { until, mode: Some(mode), reason });
            }
            Unclaimed::Not(reason) => return end(ActionStatus::Obsolete, Some(mode), reason),
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
