//! The message that was answered shows what was done: who, and until when, in the place of the buttons.

use actions::slack::{PostError, Slack, Standing, bears_buttons, restated, who};
use model::{ActionRequest, AlertAnswer, Episode};
use rules::in_words;
use serde_json::Value;
use store::{ActionRow, ActionStatus};
use tracing::info;

use crate::send::Setback;
use crate::{NotNow, SlackAlert};

/// How often the message is written for one answer, where others are taken up meanwhile: with the post, as many calls as
/// the function has time for.
const MOST_UPDATES: usize = 2;

impl SlackAlert {
    /// Writes the message with the buttons anew, as the episode stands now. The same text twice is the same message, so this
    /// is repeated without harm; whoever writes last has seen that nothing newer was taken up meanwhile.
    ///
    /// What Slack refuses for good, such as a message that was deleted, stops nothing: the thread says it all the same.
    pub(crate) async fn restate(
        &self,
        request: &ActionRequest,
        root: Option<&ActionRow>,
        slack: &Slack,
    ) -> Result<Option<Setback>, NotNow> {
        let sent = root.filter(|root| root.status == ActionStatus::Sent && !slack.has_one_channel());
        let Some((root, place)) =
            sent.and_then(|root| Some((root, (root.vendor_place.as_deref()?, root.vendor_ref.as_deref()?))))
        else {
            return Ok(None);
        };
        let rendered: Option<Value> = root.rendered.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let Some((rendered, bearer)) = rendered.and_then(|it| bears_buttons(&it).map(|bearer| (it, bearer))) else {
            return Ok(None);
        };
        let mut shown = None;
        for _ in 0..MOST_UPDATES {
            let Some(episode) = self.store.action_context(request).await?.episode else { return Ok(None) };
            let is_its = episode.run == request.run
                && episode.asked.iter().any(|step| episode.key.action(episode.run, step) == bearer);
            let standing = self.standing(&episode);
            if !is_its || shown.as_ref() == Some(&standing) {
                return Ok(None);
            }
            let Some(body) = restated(&rendered, place, &standing) else { return Ok(None) };
            match slack.update(&body).await {
                Ok(()) => shown = Some(standing),
                Err(PostError::Retry { reason, after_s }) => return Ok(Some(Setback { reason, after_s })),
                Err(PostError::Unsure { reason }) => return Ok(Some(Setback { reason, after_s: None })),
                Err(PostError::NoSuchReader { reason } | PostError::Refused { reason }) => {
                    info!(action.id = %root.id, "The message of action `{}` stays as it was: {reason}", root.id);
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// What was answered so far, and what can still be.
    fn standing(&self, episode: &Episode) -> Standing {
        let team = &self.config.team;
        let called = |id: &Option<String>| {
            let person = team.people.iter().find(|person| id.is_some() && person.slack == *id);
            who(person.map(|person| person.name.as_str()), id.as_deref())
        };
        let handled = &episode.handled;
        let mut lines = Vec::new();
        if let Some(claimed) = &handled.claimed {
            lines.push(format!("{} takes care of it", called(&Some(claimed.by.clone()))));
        }
        if handled.task_wanted_at.is_some() {
            lines.push("A task was asked for".to_owned());
        }
        if let Some(until) = handled.snoozed_until.filter(|_| handled.dismissed.is_none()) {
            lines.push(format!("{} snoozed it until {}", called(&handled.snoozed_by), in_words(until, &team.zone)));
        }
        if let Some(dismissed) = &handled.dismissed {
            lines.push(format!("{} dismissed it: {}", called(&dismissed.by), dismissed.in_words()));
        }
        let is_left = |answer: &AlertAnswer| match answer {
            // Who takes it over from somebody says so in the thread.
            AlertAnswer::Claim => handled.claimed.is_none(),
            AlertAnswer::Task => handled.task_wanted_at.is_none(),
            AlertAnswer::Snooze | AlertAnswer::Dismiss => true,
        };
        let left = AlertAnswer::ALL.iter().copied().filter(|answer| episode.is_open() && is_left(answer)).collect();
        Standing { lines, left }
    }
}
