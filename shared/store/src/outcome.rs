//! What is told of an action that has ended, the same way whatever carried it out.

use model::{
    ActionOutcome, ActionRequest, CauseChain, Event, EventBody, EventId, Mode, Moment, SubjectId, TimelineEntry,
};
use runtime::metrics::{Metric, Metrics};

use crate::{ActionRow, ActionStatus};

/// What the end of an action of this kind counts; `None` where that is nothing, and before its end.
pub fn counted(kind: &'static str, status: ActionStatus, is_reminder: bool) -> Option<Metrics> {
    let metric = if status.is_failure() {
        Metric::ActionsFailed(kind)
    } else if is_reminder && status.is_final() {
        Metric::RemindersSent
    } else {
        return None;
    };
    Some(Metrics::of(metric, 1))
}

/// The event and the timeline row that tell how an action of `account` ended at `at`.
pub fn outcome(account: &SubjectId, request: &ActionRequest, row: &ActionRow, at: Moment) -> (Event, TimelineEntry) {
    let status = row.status.as_str();
    let told = ActionOutcome {
        action: request.id.clone(),
        kind: request.kind,
        playbook: request.playbook.clone(),
        mode: row.mode.unwrap_or(Mode::Observe),
        status: status.to_owned(),
        reason: row.reason.clone(),
        vendor_ref: row.vendor_ref.clone(),
    };
    let body = match row.status {
        ActionStatus::Failed | ActionStatus::Uncertain => EventBody::ActionFailed(told),
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
        | ActionStatus::Sending => EventBody::ActionCompleted(told),
    };
    let event = Event {
        id: EventId::derive(account, "action.outcome", request.id.as_str(), ""),
        schema: model::EVENT_SCHEMA,
        account: account.clone(),
        occurred_at: at,
        as_of: at,
        cause: CauseChain {
            delivery: request.alert.changes.first().and_then(|c| c.delivery.clone()),
            ..CauseChain::default()
        },
        body,
    };
    let reason = row.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let entry = TimelineEntry {
        account: account.clone(),
        at,
        id: request.id.as_str().to_owned(),
        kind: request.kind.as_str().to_owned(),
        text: format!("{} `{}` of {} is {status}{reason}", request.kind, request.step, request.playbook),
        delivery: event.cause.delivery.clone(),
        event: Some(event.id.clone()),
    };
    (event, entry)
}
