//! What people read: the content of messages, and one sentence per event for the timeline.

use config::Playbook;
use model::{
    Alert, AlertChange, AlertKind, Assessment, Band, Contribution, Event, EventBody, Prior, Score, TimelineEntry,
};

use crate::play::Plays;
use crate::renewals::days_between;

/// How many measures a message names.
const NAMED: usize = 3;

/// What moved since the assessment before, worst first; without a movement, what costs most.
pub(crate) fn changes(now: &Assessment) -> Vec<AlertChange> {
    let mut moved: Vec<&Contribution> = now.contributions.iter().filter(|c| c.before.is_some()).collect();
    moved.sort_by_key(|c| c.change.unwrap_or(0));
    if moved.is_empty() {
        moved = now.contributions.iter().filter(|c| c.missed > 0).collect();
        moved.sort_by_key(|c| std::cmp::Reverse(c.missed));
    }
    moved.into_iter().take(NAMED).map(change).collect()
}

fn change(of: &Contribution) -> AlertChange {
    AlertChange {
        measure: of.label.clone(),
        from: of.before.as_ref().and_then(|b| b.value.clone()),
        to: of.value.clone(),
        change: of.change.unwrap_or(0),
        path: of.evidence.as_ref().map(|e| e.path.clone()),
        raw: of.evidence.as_ref().map(|e| e.raw.clone()),
        delivery: of.evidence.as_ref().map(|e| e.stamp.delivery.clone()),
    }
}

/// How what the first message named stands at the end.
pub(crate) fn ended(now: &Assessment, reasons: &[AlertChange]) -> Vec<AlertChange> {
    let current = |reason: &AlertChange| now.contributions.iter().find(|c| c.label == reason.measure);
    reasons
        .iter()
        .filter_map(|reason| Some((reason, current(reason)?)))
        .filter(|(reason, now)| reason.to != now.value)
        .map(|(reason, now)| AlertChange { from: reason.to.clone(), ..change(now) })
        .collect()
}

/// Why an episode opened, in one sentence.
pub(crate) fn why(before: Option<&Prior>, now: &Assessment, reasons: &[AlertChange]) -> String {
    let from = before.map(|b| format!(" from {}", standing(b.score, b.band))).unwrap_or_default();
    let mut text = format!("Health went{from} to {}", standing(now.score, now.band));
    if let Some(first) = reasons.first() {
        text.push_str(&match (&first.from, &first.to) {
            (Some(from), Some(to)) => format!("; {}: {from} → {to}", first.measure),
            (None, Some(to)) => format!("; {}: {to}", first.measure),
            (Some(from), None) => format!("; {}: no longer known, was {from}", first.measure),
            (None, None) => format!("; {}: not known", first.measure),
        });
    }
    text
}

fn standing(score: Option<Score>, band: Band) -> String {
    score.map_or_else(|| band.to_string(), |score| format!("{score} ({band})"))
}

/// The content of one message.
pub(crate) fn alert(
    plays: &Plays<'_>,
    playbook: &Playbook,
    kind: AlertKind,
    band_before: Band,
    score_before: Option<Score>,
    changes: Vec<AlertChange>,
    next_step: &str,
) -> Alert {
    let now = plays.assessment;
    let deadline = match (plays.known.renewal(plays.today).notice_deadline(), now.card.renews_on) {
        (Some(notice), Some(renewal)) if notice != renewal => Some((notice, "notice deadline")),
        (_, Some(renewal)) => Some((renewal, "renewal")),
        (_, None) => None,
    };
    Alert {
        kind,
        account: now.account.clone(),
        name: now.card.name.clone(),
        arr: now.card.arr,
        renews_on: now.card.renews_on,
        days_to_deadline: deadline.map(|(day, _)| days_between(plays.today, day)),
        deadline: deadline.map(|(_, what)| what.to_owned()),
        band: (band_before, now.band),
        score: (score_before, now.score),
        changes,
        playbook: playbook.title.clone(),
        next_step: next_step.to_owned(),
        owner: now.card.owner.clone(),
        as_of: now.as_of,
    }
}

/// One sentence for the timeline.
pub(crate) fn timeline(event: &Event) -> Option<TimelineEntry> {
    let text = match &event.body {
        EventBody::Watched { name } => format!("{name} is watched from now on; what is true today is not news"),
        EventBody::Unwatched { name } => format!("{name} is no longer watched"),
        EventBody::BandChanged { from, to, score_from, score_to } => {
            format!("Health went from {} to {}", standing(*score_from, *from), standing(*score_to, *to))
        }
        EventBody::RiskOpened { playbook, why, .. } => format!("Playbook {playbook} started. {why}"),
        EventBody::RiskResolved { playbook, why, .. } => format!("Playbook {playbook} ended: {why}"),
        EventBody::ActionRequested(request) => {
            format!("{} `{}` asked for, to {}", request.kind, request.step, request.to.address)
        }
        EventBody::ActionCompleted(_)
        | EventBody::ActionFailed(_)
        | EventBody::DeliveryQuarantined { .. }
        | EventBody::FetchRequested(_) => return None,
    };
    let kind = event.body.kind().rsplit('.').next().unwrap_or_default().to_owned();
    Some(TimelineEntry {
        account: event.account.clone(),
        at: event.as_of,
        id: event.id.as_str().to_owned(),
        kind,
        text,
        delivery: event.cause.delivery.clone(),
        event: Some(event.id.clone()),
    })
}
