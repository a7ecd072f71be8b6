//! What an account's record in the CRM shows of its health: a changed band at once, a score that drifts once a day.

use config::{Config, Modes};
use jiff::SignedDuration;
use model::{
    ActionId, ActionKind, ActionRequest, Alert, AlertKind, Assessment, Band, CrmUpdate, EventBody, Moment, Recipient,
    RollUpRow, SubjectId, Urgency, Weigh, WrittenBack, stable_hash,
};

use crate::decide::{Decision, Input, push};
use crate::news::News;

/// A band that changes back and forth is written no more often than this: whoever looks at a record sees it soon enough, and
/// twenty crossings of a border within a minute are one write, and one more.
const BAND_AGAIN: SignedDuration = SignedDuration::from_mins(15);
/// A score that moves within its band is written no more often than this: time moves scores in whole days, and a list of
/// accounts that is sorted by score is read in the morning.
const SCORE_AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// How many reasons are named: as many as a message has.
const NAMED: usize = 3;
/// The row that the action names where playbooks name their episode; there is none.
const NO_EPISODE: &str = "PLAY#write-back";

/// What was asked for by now, and when the account is to be looked at because more is to be written.
pub(crate) fn ask(
    input: Input<'_>,
    config: &Config,
    now: &Assessment,
    news: &News,
    decision: &mut Decision,
) -> (Option<WrittenBack>, Option<Moment>) {
    if !is_written(input.account, config) {
        return (None, None);
    }
    let before = input.previous.and_then(|previous| previous.written_back.as_ref());
    let score = now.score.map(model::Score::shown);
    let changes_band = before.is_some_and(|before| before.band != now.band);
    let not_before = match before {
        None => now.as_of,
        // Whoever asks to look at every account wants every record right, once each.
        Some(before) if news.is_rescore && before.at < now.as_of => now.as_of,
        Some(before) if changes_band => before.band_at.map_or(now.as_of, |at| at.plus(BAND_AGAIN)),
        Some(before) if before.score != score => before.at.plus(SCORE_AGAIN),
        Some(before) => return (Some(before.clone()), None),
    };
    if not_before > now.as_of {
        return (before.cloned(), Some(not_before));
    }
    let update = CrmUpdate { score: now.score, band: Some(now.band), reasons: reasons(now), as_of: now.as_of };
    let action = request(input, now, update, news, decision);
    let band_at = if changes_band { Some(now.as_of) } else { before.and_then(|before| before.band_at) };
    (Some(WrittenBack { action, score, band: now.band, at: now.as_of, band_at }), None)
}

/// The record of an account that is watched no more shows nothing: an old band beside a stage of today would mislead.
pub(crate) fn clear(input: Input<'_>, config: &Config, news: &News, decision: &mut Decision) {
    let Some(before) = input.previous.filter(|before| before.written_back.is_some()) else { return };
    if is_written(input.account, config) {
        let update = CrmUpdate { score: None, band: None, reasons: vec![], as_of: news.as_of };
        request(input, before, update, news, decision);
    }
}

fn is_written(account: &SubjectId, config: &Config) -> bool {
    config.modes.writes_back() && account.hubspot_company().is_some()
}

fn request(input: Input<'_>, of: &Assessment, update: CrmUpdate, news: &News, decision: &mut Decision) -> ActionId {
    let before = input.previous.and_then(|previous| previous.written_back.as_ref());
    // Each comes after the one before, so no two are the same, even where a band comes back within one piece of news.
    let after = before.map_or("", |before| before.action.as_str());
    let shown = update.score.map(|score| score.to_string()).unwrap_or_default();
    let band = update.band.map(|band| band.to_string()).unwrap_or_default();
    let account = input.account;
    let id = stable_hash(&["crm_update", account.as_str(), after, &news.id, &shown, &band]);
    let id = ActionId::from_stored(id);
    let request = ActionRequest {
        id: id.clone(),
        kind: ActionKind::CrmUpdate,
        playbook: Modes::write_back(),
        home: account.clone(),
        episode: NO_EPISODE.to_owned(),
        run: 1,
        step: "health".to_owned(),
        reply_to: None,
        under: None,
        to: Recipient {
            address: account.to_string(),
            reason: "the account's own record".to_owned(),
            ..Recipient::default()
        },
        urgency: Urgency::Now,
        weigh: Weigh { arr: of.card.arr, days_left: None },
        exempt: false,
        not_before: None,
        alert: alert(input.previous, of, &update),
        task: None,
        update: Some(update),
        email: None,
    };
    push(decision, account, news, id.as_str(), &news.id.clone(), EventBody::ActionRequested(Box::new(request)));
    id
}

/// What every action says of its account.
fn alert(before: Option<&Assessment>, of: &Assessment, update: &CrmUpdate) -> Alert {
    let band = update.band.unwrap_or(Band::Unknown);
    Alert {
        kind: AlertKind::Update,
        account: of.account.clone(),
        name: of.card.name.clone(),
        arr: of.card.arr,
        renews_on: of.card.renews_on,
        days_to_deadline: None,
        deadline: None,
        band: (before.map_or(Band::Unknown, |before| before.band), band),
        score: (before.and_then(|before| before.score), update.score),
        changes: vec![],
        playbook: "Health in the CRM".to_owned(),
        next_step: String::new(),
        text: None,
        why: None,
        goal: None,
        threshold: None,
        baseline: None,
        answered: None,
        due: None,
        template: None,
        owner_before: None,
        owner: of.card.owner.clone(),
        as_of: update.as_of,
    }
}

/// What costs most points today: caps, then measures; of an account that is judged by its children, the children.
fn reasons(now: &Assessment) -> Vec<String> {
    let mut children: Vec<&RollUpRow> = now.children().filter(|row| row.share > row.gained).collect();
    if now.children().next().is_some() {
        children.sort_by_key(|row| std::cmp::Reverse(row.share - row.gained));
        return children.iter().take(NAMED).map(|row| format!("{}: {} ({})", row.name, row.score, row.band)).collect();
    }
    let mut caps: Vec<_> = now.caps.iter().filter(|cap| cap.points < 0).collect();
    caps.sort_by_key(|cap| cap.points);
    let capped = caps.iter().map(|cap| {
        let values: Vec<&str> = cap.because.values().map(String::as_str).collect();
        format!("{}: {} (at most {})", cap.label, values.join(", "), cap.at_most)
    });
    let mut missed: Vec<_> = now.contributions.iter().filter(|row| points(row.missed) > 0).collect();
    missed.sort_by_key(|row| std::cmp::Reverse(row.missed));
    let measured = missed.iter().map(|row| {
        let value = row.value.as_deref().unwrap_or("not known");
        format!("{}: {value} ({} points short)", row.label, points(row.missed))
    });
    capped.chain(measured).take(NAMED).collect()
}

/// Points as people read them.
fn points(basis_points: u16) -> u16 {
    (basis_points + 50) / 100
}
