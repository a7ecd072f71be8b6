//! Many accounts that turn within minutes are one piece of news.

use std::collections::{BTreeMap, BTreeSet};

use config::{Alerts, Playbook, Trigger};
use jiff::SignedDuration;
use model::{
    ActionId, ActionRequest, AlertKind, ConnectionName, Moment, Money, Notice, NoticeBody, Recipient, Shared, Surge,
    SurgeAccount, SurgeAlert, ToldSurge, Turn, Urgency, stable_hash,
};

use super::line::{MAX_NAME, cut};

/// The most accounts of one burst that are remembered and counted, so that a row of them stays within what a store
/// takes.
const MOST_TURNS: usize = 300;
/// How many accounts of a burst are named: who needs a call first; the rest is a list to be opened.
const NAMED: usize = 5;
/// How many measures of each are compared: what they have in common is among the largest.
const MEASURES: usize = 2;
/// How long a turn is remembered after it can be part of a burst, for messages that are delivered late or again.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// Whether the message can be one of a burst: it starts an episode and would be sent by itself, and its playbook
/// starts when something turns. Dates and answers come in numbers without an incident.
pub fn can_surge(request: &ActionRequest, playbook: &Playbook) -> bool {
    let turns = match playbook.trigger {
        Trigger::BandChanged { .. } | Trigger::Becomes { .. } => true,
        Trigger::Answered { .. } | Trigger::BecameCustomer { .. } | Trigger::Renewal(_) => false,
    };
    let starts = request.alert.kind == AlertKind::Opened && request.reply_to.is_none();
    turns && starts && request.urgency == Urgency::Now
}

/// Whether a first message is one of a burst.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Not known yet: ask again at this moment.
    Wait(Moment),
    /// The account turned by itself.
    Single,
    /// Many did. The account is told of in its owner's digest; the burst in one message.
    Joined {
        /// That message.
        surge: ActionId,
        /// The message itself, where this is the first to find out. To be written together with the row.
        notice: Option<Box<Notice>>,
    },
}

/// Whether the message that `request` starts an episode with is one of a burst, and the row as it is then.
///
/// Every turn waits `settle`, so that those that come at once are all known before the first is told. It is one of a
/// burst when within `surge_within` until then at least `surge_accounts` accounts turned: a burst that grows slowly
/// has told some by themselves, and those keep their threads. Whatever the order in which the turns of one `settle`
/// arrive, the same join. The message goes to `to`, at any hour.
pub fn see(surge: &Surge, request: &ActionRequest, to: &Recipient, now: Moment, alerts: &Alerts) -> (Seen, Surge) {
    let mut next = surge.clone();
    let kept = alerts.surge_within + alerts.settle + REMEMBERED;
    next.turns.retain(|_, turn| turn.at.plus(kept) >= now);
    let at = match next.turns.get(&request.id) {
        Some(turn) => turn.at,
        None if next.turns.len() >= MOST_TURNS => return (overflowing(&next, now, alerts), next),
        None => {
            next.turns.insert(request.id.clone(), turn(request, now));
            now
        }
    };
    let known_at = at.plus(alerts.settle);
    if now < known_at {
        return (Seen::Wait(known_at), next);
    }
    if !is_burst(&next, known_at, alerts) {
        return (Seen::Single, next);
    }
    // The same burst goes on while nobody was missing for as long as a burst is wide.
    let same = next.told.as_ref().filter(|told| at <= told.last_at.plus(alerts.surge_within));
    if let Some(told) = same.cloned() {
        next.told = Some(ToldSurge { last_at: told.last_at.max(at), id: told.id.clone() });
        return (Seen::Joined { surge: told.id, notice: None }, next);
    }
    let of_burst = |turn: &&Turn| turn.at > known_at.plus(-alerts.surge_within);
    let last_at = next.turns.values().filter(of_burst).map(|turn| turn.at).max().unwrap_or(at);
    let notice = notice(&next, known_at.plus(-alerts.surge_within), to, now);
    let id = notice.id.clone();
    next.told = Some(ToldSurge { id: id.clone(), last_at });
    (Seen::Joined { surge: id, notice: Some(Box::new(notice)) }, next)
}

/// Until `known_at`, enough accounts turned.
fn is_burst(surge: &Surge, known_at: Moment, alerts: &Alerts) -> bool {
    let from = known_at.plus(-alerts.surge_within);
    let of_burst = surge.turns.values().filter(|turn| turn.at > from && turn.at <= known_at);
    of_burst.map(|turn| &turn.account).collect::<BTreeSet<_>>().len() >= alerts.surge_accounts as usize
}

/// Who comes when no more turns are counted belongs to the burst that filled the row.
fn overflowing(surge: &Surge, now: Moment, alerts: &Alerts) -> Seen {
    match &surge.told {
        Some(told) if now <= told.last_at.plus(alerts.surge_within) => {
            Seen::Joined { surge: told.id.clone(), notice: None }
        }
        Some(_) | None => Seen::Wait(now.plus(alerts.settle)),
    }
}

fn turn(request: &ActionRequest, at: Moment) -> Turn {
    let alert = &request.alert;
    let delivery = alert.changes.iter().find_map(|change| change.delivery.as_ref());
    Turn {
        at,
        account: alert.account.clone(),
        name: cut(&alert.name, MAX_NAME),
        arr: alert.arr,
        measures: alert.changes.iter().take(MEASURES).map(|change| cut(&change.measure, MAX_NAME)).collect(),
        connection: delivery.and_then(|delivery| delivery.connection().parse().ok()),
    }
}

/// Tells of everybody who turned after `from`.
fn notice(surge: &Surge, from: Moment, to: &Recipient, now: Moment) -> Notice {
    let mut turns: Vec<(&ActionId, &Turn)> = surge.turns.iter().filter(|(_, turn)| turn.at > from).collect();
    turns.sort_by_key(|(id, turn)| (turn.at, *id));
    let first = turns.first().map_or("", |(id, _)| id.as_str());
    let id = stable_hash(&["surge", &surge.mode.to_string(), surge.playbook.as_str(), first]);
    let (began, ended) = (turns.first().map(|(_, t)| t.at), turns.last().map(|(_, t)| t.at));
    let lasted = ended.zip(began).map_or(SignedDuration::ZERO, |(ended, began)| ended.since(began));
    let mut accounts: BTreeMap<_, &Turn> = BTreeMap::new();
    for (_, turn) in turns {
        accounts.entry(&turn.account).or_insert(turn);
    }
    let mut accounts: Vec<&Turn> = accounts.into_values().collect();
    accounts.sort_by_key(|turn| (std::cmp::Reverse(turn.arr.map(|arr| arr.major())), &turn.account));
    let alert = SurgeAlert {
        playbook: surge.playbook.clone(),
        accounts: number(accounts.len()),
        is_more: surge.turns.len() >= MOST_TURNS,
        arr: revenue(&accounts),
        minutes: u32::try_from(lasted.as_secs() / 60 + 1).unwrap_or(u32::MAX),
        measure: shared::<String>(&accounts, |turn| turn.measures.iter().collect()),
        connection: shared::<ConnectionName>(&accounts, |turn| turn.connection.iter().collect()),
        top: accounts.iter().take(NAMED).map(|turn| named(turn)).collect(),
    };
    let (to, mode) = (to.clone(), surge.mode);
    Notice { id: ActionId::from_stored(id), to, mode, as_of: now, body: NoticeBody::Surge(alert) }
}

fn named(turn: &Turn) -> SurgeAccount {
    SurgeAccount { account: turn.account.clone(), name: turn.name.clone(), arr: turn.arr }
}

/// The sum in each currency, most first.
fn revenue(accounts: &[&Turn]) -> Vec<Money> {
    let mut sums = BTreeMap::new();
    for arr in accounts.iter().filter_map(|turn| turn.arr) {
        let sum: &mut i64 = sums.entry(arr.currency).or_default();
        *sum = sum.saturating_add(arr.minor);
    }
    let mut sums: Vec<Money> = sums.into_iter().map(|(currency, minor)| Money { minor, currency }).collect();
    sums.sort_by_key(|sum| (std::cmp::Reverse(sum.major()), sum.currency));
    sums
}

/// What at least half of the accounts have in common, the most frequent.
fn shared<T: Ord + Clone>(accounts: &[&Turn], of: impl for<'t> Fn(&'t Turn) -> BTreeSet<&'t T>) -> Option<Shared<T>> {
    let mut counts: BTreeMap<&T, usize> = BTreeMap::new();
    for what in accounts.iter().flat_map(|turn| of(turn)) {
        *counts.entry(what).or_default() += 1;
    }
    let (what, count) = counts.into_iter().rev().max_by_key(|(_, count)| *count)?;
    (count * 2 >= accounts.len()).then(|| Shared { what: what.clone(), accounts: number(count) })
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
