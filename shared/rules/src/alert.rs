//! What people read: the content of messages, and one sentence per event for the timeline.

use config::Playbook;
use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{
    ActionKind, Alert, AlertAnswer, AlertChange, AlertKind, Answered, Assessment, Band, Bands, Cap, Contribution,
    Event, EventBody, Incident, Moment, PlaybookName, Prior, RollUpRow, Score, TimelineEntry, ToldParent,
};

use crate::news::News;
use crate::play::Plays;
use crate::renewals::days_between;

/// How many measures a message names: as many as are read before the next step is.
pub(crate) const NAMED: usize = 3;

/// What moved since the assessment before: new caps, then measures, worst first; without a movement, what costs most. Of an
/// account that is judged by its children: the children.
pub(crate) fn changes(now: &Assessment, told: &[ToldParent]) -> Vec<AlertChange> {
    if now.children().next().is_some() {
        return of_children(now, told);
    }
    let capped: Vec<AlertChange> = now.new_caps().map(cap).collect();
    let mut moved: Vec<&Contribution> = now.contributions.iter().filter(|c| c.before.is_some()).collect();
    moved.sort_by_key(|c| c.change.unwrap_or(0));
    if moved.is_empty() && capped.is_empty() {
        moved = now.contributions.iter().filter(|c| c.missed > 0).collect();
        moved.sort_by_key(|c| std::cmp::Reverse(c.missed));
    }
    capped.into_iter().chain(moved.into_iter().map(change)).take(NAMED).collect()
}

fn of_children(now: &Assessment, told: &[ToldParent]) -> Vec<AlertChange> {
    let mut rows: Vec<&RollUpRow> = now.children().filter(|row| row.change != Some(0)).collect();
    rows.sort_by_key(|row| row.change.unwrap_or(0));
    if rows.is_empty() {
        rows = now.children().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.share.saturating_sub(row.gained)));
    }
    let because = |row: &RollUpRow| {
        let is_it = |told: &&ToldParent| told.child.account == row.child && told.child.standing.is_some();
        told.iter().find(is_it).and_then(|told| told.child.because.as_ref())
    };
    rows.into_iter().take(NAMED).map(|row| of_child(row, because(row))).collect()
}

fn of_child(row: &RollUpRow, because: Option<&AlertChange>) -> AlertChange {
    let value = because.and_then(|it| Some(format!("; {}: {}", it.measure, it.to.as_ref()?)));
    AlertChange {
        measure: row.name.clone(),
        from: row.before.map(|before| before.to_string()),
        to: Some(format!("{} ({}){}", row.score, row.band, value.unwrap_or_default())),
        change: row.change.unwrap_or(0),
        path: because.and_then(|it| it.path.clone()),
        raw: because.and_then(|it| it.raw.clone()),
        delivery: because.and_then(|it| it.delivery.clone()),
    }
}

pub(crate) fn cap(of: &Cap) -> AlertChange {
    let values: Vec<&str> = of.because.values().map(String::as_str).collect();
    AlertChange {
        measure: of.label.clone(),
        from: None,
        to: Some(format!("at most {}, at {}", of.at_most, values.join(", "))),
        change: of.points,
        path: of.evidence.as_ref().map(|e| e.path.clone()),
        raw: of.evidence.as_ref().map(|e| e.raw.clone()),
        delivery: of.evidence.as_ref().map(|e| e.stamp.delivery.clone()),
    }
}

pub(crate) fn change(of: &Contribution) -> AlertChange {
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
    let measure = |reason: &AlertChange| now.contributions.iter().find(|c| c.label == reason.measure).map(change);
    let child =
        |reason: &AlertChange| now.children().find(|row| row.name == reason.measure).map(|row| of_child(row, None));
    // An account that is judged by its children names nothing else.
    let current = |reason| if now.children().next().is_none() { measure(reason) } else { child(reason) };
    reasons
        .iter()
        .filter_map(|reason| Some((reason, current(reason)?)))
        .filter(|(reason, now)| reason.to != now.to)
        .map(|(reason, now)| AlertChange { from: reason.to.clone(), ..now })
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

/// What one message of an episode says, besides what every message says of its account.
pub(crate) struct AlertText {
    pub kind: AlertKind,
    pub band_before: Band,
    pub score_before: Option<Score>,
    pub changes: Vec<AlertChange>,
    /// Empty where it proposes nothing.
    pub next_step: String,
    pub text: Option<String>,
    pub template: Option<String>,
    pub owner_before: Option<String>,
    /// What somebody answered, where the message tells of that.
    pub answered: Option<Answered>,
    /// The renewal it is about; `None` where that is the one the account's card shows.
    pub renewal: Option<Dates>,
}

/// The days of a renewal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dates {
    pub renews_on: Date,
    /// What days are counted to, and what it is called.
    pub deadline: (Date, &'static str),
}

/// The content of one message.
pub(crate) fn alert(plays: &Plays<'_>, playbook: &Playbook, said: AlertText) -> Alert {
    let now = plays.assessment;
    let shown = match (plays.known.renewal(plays.now.day).notice_deadline(), now.card.renews_on) {
        (Some(notice), Some(renewal)) if notice != renewal => Some((notice, "notice deadline")),
        (_, Some(renewal)) => Some((renewal, "renewal")),
        (_, None) => None,
    };
    let deadline = said.renewal.map(|dates| dates.deadline).or(shown);
    let about_risk = playbook.is_about_risk();
    Alert {
        kind: said.kind,
        account: now.account.clone(),
        name: now.card.name.clone(),
        arr: now.card.arr,
        renews_on: said.renewal.map(|dates| dates.renews_on).or(now.card.renews_on),
        days_to_deadline: deadline.map(|(day, _)| days_between(plays.now.day, day)),
        deadline: deadline.map(|(_, what)| what.to_owned()),
        band: (said.band_before, now.band),
        score: (said.score_before, now.score),
        changes: said.changes,
        playbook: playbook.title.clone(),
        next_step: said.next_step,
        text: said.text,
        why: (!about_risk && said.kind == AlertKind::Opened).then(|| playbook.why.clone()),
        goal: playbook.goal.clone().filter(|_| said.kind == AlertKind::Opened),
        threshold: about_risk.then(|| border(&plays.config.model.bands, now.band)).flatten(),
        baseline: usual(now).map(|score| format!("{score} on average in the last {BASELINE_DAYS} days")),
        due: None,
        template: said.template.or_else(|| template(said.kind, about_risk).map(str::to_owned)),
        owner_before: said.owner_before,
        answered: said.answered,
        owner: now.card.owner.clone(),
        as_of: now.as_of,
    }
}

/// Messages that are not about a fall in health look different at their beginning and end.
fn template(kind: AlertKind, about_risk: bool) -> Option<&'static str> {
    match kind {
        AlertKind::Opened if !about_risk => Some("started"),
        AlertKind::Resolved if !about_risk => Some("done"),
        AlertKind::Opened
        | AlertKind::Resolved
        | AlertKind::Step
        | AlertKind::Update
        | AlertKind::HandOff
        | AlertKind::Answered => None,
    }
}

/// Where the band begins that an account fell into, and where it ends for one that rises.
fn border(bands: &Bands, band: Band) -> Option<String> {
    let shown = |basis_points: u16| basis_points / 100;
    match band {
        Band::Red => Some(format!("red below {}, until {}", shown(bands.yellow_from), shown(bands.leave_red_at))),
        Band::Yellow => {
            Some(format!("yellow below {}, until {}", shown(bands.green_from), shown(bands.enter_green_at)))
        }
        Band::Green | Band::Unknown => None,
    }
}

/// How far back an account is compared with itself, in days: a quarter, as for tickets.
const BASELINE_DAYS: i64 = 90;
/// What is known for less than a day says nothing of what is usual.
const SHORTEST_BASELINE: SignedDuration = SignedDuration::from_hours(24);

/// The score an account had on average before now, weighted by how long it had each; `None` without a past of a day.
fn usual(now: &Assessment) -> Option<Score> {
    let since = now.as_of.plus(SignedDuration::from_hours(-24 * BASELINE_DAYS));
    let ends = now.history.iter().skip(1).map(|next| next.as_of).chain([now.as_of]);
    let (mut sum, mut whole) = (0_i128, 0_i128);
    for (point, until) in now.history.iter().zip(ends) {
        let held = until.since(point.as_of.max(since)).as_millis();
        if let Some(score) = point.score.filter(|_| held > 0) {
            sum += i128::from(score.basis_points()) * held;
            whole += held;
        }
    }
    let is_long = whole >= SHORTEST_BASELINE.as_millis();
    let average = is_long.then(|| (2 * sum + whole).div_euclid(2 * whole))?;
    u16::try_from(average).ok().and_then(|average| Score::new(average).ok())
}

/// A moment as a person reads it where they are: `Thu 26 Nov 2026, 12:00 (Europe/Berlin)`.
pub fn when(at: Moment, zone: &TimeZone) -> String {
    let place = zone.iana_name().map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{}{place}", at.local(zone).strftime("%a %-d %b %Y, %H:%M"))
}

/// One sentence for the timeline.
pub(crate) fn timeline(event: &Event) -> Option<TimelineEntry> {
    let text = match &event.body {
        EventBody::Watched { name } => format!("{name} is watched from now on; what is true today is not news"),
        EventBody::Unwatched { name } => format!("{name} is no longer watched"),
        EventBody::BandChanged { from, to, score_from, score_to } => {
            format!("Health went from {} to {}", standing(*score_from, *from), standing(*score_to, *to))
        }
        EventBody::RiskOpened { playbook, why, .. } | EventBody::PlayStarted { playbook, why, .. } => {
            format!("Playbook {playbook} started. {why}")
        }
        EventBody::RiskResolved { playbook, why, .. } | EventBody::PlayEnded { playbook, why, .. } => {
            format!("Playbook {playbook} ended: {why}")
        }
        EventBody::CheckpointReached { step, due_on, deadline_on, .. } => {
            format!("Renewal step `{step}`: the term ends on {due_on}, the deadline is {deadline_on}")
        }
        // A record that is brought up to date is no news of the account.
        EventBody::ActionRequested(request) if request.kind == ActionKind::CrmUpdate => return None,
        EventBody::ActionRequested(request) if request.alert.answered.is_some() => {
            answer(&request.playbook, request.alert.answered.as_ref()?)
        }
        EventBody::ActionRequested(request) => {
            format!("{} `{}` asked for, to {}", request.kind, request.step, request.to.address)
        }
        EventBody::NoticeRequested(_)
        | EventBody::ActionCompleted(_)
        | EventBody::ActionFailed(_)
        | EventBody::DeliveryQuarantined { .. }
        | EventBody::SourceSilent { .. }
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

/// What somebody answered, in one sentence.
fn answer(playbook: &PlaybookName, Answered { answer, by, name, what }: &Answered) -> String {
    let who = name.as_ref().or(by.as_ref()).map_or("Somebody", String::as_str);
    let what = what.as_deref().unwrap_or_default();
    match answer {
        AlertAnswer::Claim => format!("{who} takes care of {playbook}"),
        AlertAnswer::Snooze => format!("{who} snoozed {playbook} until {what}"),
        AlertAnswer::Dismiss => format!("{who} dismissed {playbook}: {what}"),
        AlertAnswer::Task => format!("{who} wants a task for {playbook}: {what}"),
    }
}

/// One sentence for the timeline about an account that is scored otherwise because the configuration changed; `None` when it
/// is scored as before.
pub(crate) fn rescored(before: &Assessment, now: &Assessment, news: &News) -> Option<TimelineEntry> {
    if (&before.model, before.score, before.band) == (&now.model, now.score, now.band) {
        return None;
    }
    let (from, to) = (standing(before.score, before.band), standing(now.score, now.band));
    let moved = if from == to { format!("still {to}") } else { format!("{to}, before {from}") };
    let by = if before.model == now.model {
        format!("the configuration of today ({})", now.model)
    } else {
        format!("{} instead of {}", now.model, before.model)
    };
    Some(TimelineEntry {
        account: now.account.clone(),
        at: now.as_of,
        id: format!("rescored~{}", news.id),
        kind: RESCORED.to_owned(),
        text: format!("Scored by {by}: {moved}. A changed configuration is no news and starts nothing"),
        delivery: news.chain.delivery.clone(),
        event: None,
    })
}

/// The kind of such a row.
const RESCORED: &str = "rescored";

/// One sentence for the timeline about a playbook that an incident of ours kept from starting.
pub(crate) fn held_back(now: &Assessment, playbook: &Playbook, incident: &Incident, news: &News) -> TimelineEntry {
    let Incident { until, why, .. } = incident;
    TimelineEntry {
        account: now.account.clone(),
        at: now.as_of,
        id: format!("held-back~{}~{}", playbook.name, news.id),
        kind: HELD_BACK.to_owned(),
        text: format!(
            "Playbook {} was not started: tickets are why, and an incident of ours stands until {until}: {why}",
            playbook.name
        ),
        delivery: news.chain.delivery.clone(),
        event: None,
    }
}

/// The kind of such a row.
const HELD_BACK: &str = "held_back";
