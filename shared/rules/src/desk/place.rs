//! Where a message goes.

use std::cmp::Ordering;

use jiff::SignedDuration;
use jiff::civil::Date;
use model::{
    ActionId, ActionRequest, Addressed, AlertKind, Desk, DeskLine, Moment, PendingMessage, PlacedMessage, Placement,
    Recipient, Urgency, Uses, WaitingLine,
};

use super::hours::DeskRules;
use super::line::{heavier, line};

/// The most messages that wait on one desk. Who comes later is asked back when the next digest has made room.
pub(super) const MOST_WAITING: usize = 200;
/// How many placed messages are remembered that count for nothing any more. Actions that were done are known to the
/// store for good; here they only bridge the time until they are marked there.
const MOST_REMEMBERED: usize = 500;
/// So many hand-offs of a working day reach their reader by themselves. Whoever takes over more than that at once, because
/// somebody leaves or accounts are shared out anew, reads the rest as one list.
const MOST_HAND_OFFS: usize = 3;
/// Messages are decided on in batches, so that within one it does not matter who came first.
const BATCH: SignedDuration = SignedDuration::from_mins(1);

/// What became of the message that started the thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thread {
    /// This message starts it.
    Starts,
    /// It was sent, or is about to be.
    Sent,
    /// It is a line of a digest.
    InDigest(ActionId),
}

/// Whether whoever a message is for cannot open the thread it belongs to, which begins with a message to `root_to`: what
/// the app says to one person is between these two. What a thread is told stays there all the same; what somebody is asked
/// to do comes to them.
pub fn is_out_of_sight(request: &ActionRequest, root_to: &str) -> bool {
    let is_asked = match request.alert.kind {
        AlertKind::Opened | AlertKind::Step | AlertKind::HandOff => true,
        AlertKind::Update | AlertKind::Answered | AlertKind::Resolved => false,
    };
    let to = Recipient { address: root_to.to_owned(), ..Recipient::default() };
    is_asked && to.addressed() != Addressed::Channel && root_to != request.to.address
}

/// Where `request` goes, and the desk as it is then. Nothing needs to be written when that is the desk as it was.
///
/// Everything whose moment has come is decided on together, what weighs most first. A message whose place is decided
/// keeps it, whenever and however often it is offered again, and counts for the day and the week of the decision;
/// [`Placement::NotBefore`] says when to ask again.
///
/// - A message of its own waits for the next whole minute (not where `settle` is zero), and for the end of the reader's
///   quiet hours and days off.
///   Then it is sent while the week's budget lasts, else it is a line of the digest. What is exempt is sent beyond the
///   budget; after the first few of a day as replies to the last of them. A second one about an account on one day is
///   a reply to the first.
/// - A reply is sent as soon as the reader may be disturbed and uses up nothing; of an episode's updates one a day,
///   the newest of those that wait, and of the hand-offs of a working day the first few: the rest are lines of the digest.
/// - What follows a line of a digest changes nothing while that line waits, and is a line of the next digest after.
/// - A channel gets a digest, and by itself only what is exempt.
pub fn offer(
    desk: &Desk,
    request: &ActionRequest,
    thread: &Thread,
    now: Moment,
    rules: &DeskRules<'_>,
) -> (Placement, Desk) {
    let mut next = settled(desk, now, rules);
    let id = &request.id;
    if let Some(known) = next.placed.get(id) {
        return (known.placement.clone(), next);
    }
    if let Some(pending) = next.pending.get(id) {
        return (Placement::NotBefore(pending.not_before), next);
    }
    let line = line(request, rules.zone());
    let placement = match route(request, thread, hand_offs(&next, now, rules), rules) {
        Route::Reply => {
            let allowed = rules.next_allowed(now);
            if allowed > now {
                return (Placement::NotBefore(allowed), next);
            }
            let uses = if line.kind == AlertKind::HandOff { Uses::HandOff } else { Uses::Nothing };
            place(&mut next, id, &line, Placement::SendNow, uses, now)
        }
        Route::Follows(root) if next.waits.contains_key(root) => {
            if let Some(waiting) = next.waits.get_mut(root).filter(|_| line.kind == AlertKind::Update) {
                retell(&mut waiting.line, &line);
            }
            let placement = Placement::MergedInto(root.clone());
            place(&mut next, id, &line, placement, Uses::Nothing, now)
        }
        Route::Pending | Route::Digest | Route::Follows(_) if next.pending.len() + next.waits.len() >= MOST_WAITING => {
            return (Placement::NotBefore(rules.digest_moment(rules.next_digest(now)).plus(BATCH)), next);
        }
        Route::Pending => {
            // Where nothing settles, nothing is weighed against what comes within the minute either.
            let batch = if rules.alerts.settle.is_zero() { now } else { after(now) };
            let not_before = rules.next_allowed(request.not_before.unwrap_or(now).max(batch));
            next.pending.insert(id.clone(), PendingMessage { not_before, exempt: request.exempt, line });
            if not_before <= now {
                next = settled(&next, now, rules);
            }
            let placed = next.placed.get(id).map(|placed| placed.placement.clone());
            placed.unwrap_or(Placement::NotBefore(not_before))
        }
        Route::Digest | Route::Follows(_) => into_digest(&mut next, id, line, now, rules),
    };
    next.to = request.to.clone();
    (placement, next)
}

/// The desk without a message that will not be sent because it is no longer true: it uses up nothing, and no digest tells
/// it. For messages whose end is known to the store; offered again it would be taken for a new one.
#[must_use]
pub fn withdraw(desk: &Desk, action: &ActionId) -> Desk {
    let mut next = desk.clone();
    next.pending.remove(action);
    next.waits.remove(action);
    next.placed.remove(action);
    next
}

/// How a message is treated.
enum Route<'a> {
    /// Decided on with others at its moment.
    Pending,
    /// A line of the next digest.
    Digest,
    /// A reply that uses up nothing.
    Reply,
    /// It follows that line of a digest.
    Follows(&'a ActionId),
}

fn route<'a>(request: &ActionRequest, thread: &'a Thread, hand_offs: usize, rules: &DeskRules<'_>) -> Route<'a> {
    let by_itself = match request.urgency {
        Urgency::Now if request.exempt || !rules.is_channel => Route::Pending,
        Urgency::Now | Urgency::Digest => Route::Digest,
    };
    match (thread, request.alert.kind) {
        // A run that begins again where the one before was only a line has no thread to go on in.
        (Thread::Starts, _) | (Thread::InDigest(_), AlertKind::Opened) => by_itself,
        (Thread::InDigest(root), AlertKind::Step) if matches!(by_itself, Route::Digest) => Route::Follows(root),
        // A step that has come is no repetition of the line.
        (Thread::InDigest(_), AlertKind::Step) => by_itself,
        (
            Thread::InDigest(root),
            AlertKind::Update | AlertKind::HandOff | AlertKind::Answered | AlertKind::Resolved,
        ) => Route::Follows(root),
        (Thread::Sent, AlertKind::Update) => Route::Pending,
        (Thread::Sent, AlertKind::HandOff) if hand_offs >= MOST_HAND_OFFS => Route::Digest,
        (
            Thread::Sent,
            AlertKind::Opened | AlertKind::Step | AlertKind::HandOff | AlertKind::Answered | AlertKind::Resolved,
        ) => Route::Reply,
    }
}

/// The desk after everything whose moment has come found its place.
fn settled(desk: &Desk, now: Moment, rules: &DeskRules<'_>) -> Desk {
    let mut next = desk.clone();
    let (due, pending) = next.pending.into_iter().partition(|(_, pending)| pending.not_before <= now);
    next.pending = pending;
    let allowed = rules.next_allowed(now);
    if allowed > now {
        // They were late for their moment, and now it is quiet again.
        let later = due.into_iter().map(|(id, message)| (id, PendingMessage { not_before: allowed, ..message }));
        next.pending.extend(later);
    } else {
        let mut due: Vec<(ActionId, PendingMessage)> = due.into_iter().collect();
        due.sort_by(|a, b| before(a, b, rules.day(now)));
        for (id, message) in due {
            decide(&mut next, &id, message, now, rules);
        }
    }
    forget(&mut next, now, rules);
    next
}

/// Who is decided on first: what no budget holds back, then what weighs most. Of updates the newest.
fn before((a_id, a): &(ActionId, PendingMessage), (b_id, b): &(ActionId, PendingMessage), day: Date) -> Ordering {
    let is_update = |message: &PendingMessage| message.line.kind == AlertKind::Update;
    let weigh = |line: &DeskLine| (line.arr, line.deadline_on);
    let among_themselves = if is_update(a) && is_update(b) {
        b.line.as_of.cmp(&a.line.as_of)
    } else {
        b.exempt.cmp(&a.exempt).then_with(|| heavier(weigh(&a.line), weigh(&b.line), day))
    };
    is_update(a).cmp(&is_update(b)).then(among_themselves).then(a_id.cmp(b_id))
}

fn decide(desk: &mut Desk, id: &ActionId, message: PendingMessage, now: Moment, rules: &DeskRules<'_>) {
    let PendingMessage { exempt, line, .. } = message;
    let (placement, uses) = if line.kind == AlertKind::Update {
        let update = Uses::Update(line.run_of_episode());
        match latest(desk, now, rules, |placed| placed.uses == update) {
            Some(first) => (Placement::MergedInto(first), Uses::Nothing),
            None => (Placement::SendNow, update),
        }
    } else {
        let alone = |placed: &PlacedMessage| matches!(placed.uses, Uses::Budget | Uses::Exempt);
        let same = latest(desk, now, rules, |placed| alone(placed) && placed.account == line.account);
        match (same, exempt) {
            (Some(first), _) => (Placement::InThreadOf(first), Uses::Nothing),
            (None, true) => match merged_into(desk, now, rules) {
                Some(last) => (Placement::InThreadOf(last), Uses::Nothing),
                None => (Placement::SendNow, Uses::Exempt),
            },
            (None, false) if used(desk, now, rules) < rules.alerts.per_week as usize => {
                (Placement::SendNow, Uses::Budget)
            }
            (None, false) => {
                into_digest(desk, id, line, now, rules);
                return;
            }
        }
    };
    place(desk, id, &line, placement, uses, now);
}

/// The newest of the day's placed messages for which `is_it` holds.
fn latest(desk: &Desk, now: Moment, rules: &DeskRules<'_>, is_it: impl Fn(&PlacedMessage) -> bool) -> Option<ActionId> {
    let today = rules.day(now);
    let of_today = desk.placed.iter().filter(|(_, placed)| is_it(placed) && rules.day(placed.at) == today);
    of_today.max_by_key(|(id, placed)| (placed.at, *id)).map(|(id, _)| id.clone())
}

/// The exempt message that further ones of the day are replies to, once there were enough.
fn merged_into(desk: &Desk, now: Moment, rules: &DeskRules<'_>) -> Option<ActionId> {
    let today = rules.day(now);
    let exempt = desk.placed.values().filter(|p| p.uses == Uses::Exempt && rules.day(p.at) == today).count();
    if exempt < rules.alerts.exempt_merged_after as usize {
        return None;
    }
    latest(desk, now, rules, |placed| placed.uses == Uses::Exempt)
}

/// How many messages of the week's budget are used up.
fn used(desk: &Desk, now: Moment, rules: &DeskRules<'_>) -> usize {
    let week = rules.week(now);
    desk.placed.values().filter(|placed| placed.uses == Uses::Budget && rules.week(placed.at) == week).count()
}

/// How many hand-offs were sent on this working day, and on the days off before it.
fn hand_offs(desk: &Desk, now: Moment, rules: &DeskRules<'_>) -> usize {
    let today = rules.working_day(now);
    let is_it = |placed: &&PlacedMessage| placed.uses == Uses::HandOff && rules.working_day(placed.at) == today;
    desk.placed.values().filter(is_it).count()
}

fn into_digest(desk: &mut Desk, id: &ActionId, line: DeskLine, now: Moment, rules: &DeskRules<'_>) -> Placement {
    let day = rules.next_digest(now);
    let placement = place(desk, id, &line, Placement::InDigest(day), Uses::Nothing, now);
    desk.waits.insert(id.clone(), WaitingLine { day, line });
    placement
}

/// A line that waits tells the newest of its episode.
fn retell(waiting: &mut DeskLine, newer: &DeskLine) {
    if newer.as_of > waiting.as_of {
        let (kind, next_step) = (waiting.kind, waiting.next_step.clone());
        *waiting = DeskLine { kind, next_step, ..newer.clone() };
    }
}

fn place(desk: &mut Desk, id: &ActionId, line: &DeskLine, placement: Placement, uses: Uses, at: Moment) -> Placement {
    let placed = PlacedMessage { placement: placement.clone(), at, account: line.account.clone(), uses };
    desk.placed.insert(id.clone(), placed);
    placement
}

/// Lets go of the oldest placed messages that neither wait nor count.
fn forget(desk: &mut Desk, now: Moment, rules: &DeskRules<'_>) {
    if desk.placed.len() <= MOST_REMEMBERED {
        return;
    }
    let (week, today) = (rules.week(now), rules.day(now));
    let counts = |placed: &PlacedMessage| match placed.uses {
        Uses::Budget => rules.week(placed.at) == week || rules.day(placed.at) == today,
        Uses::Exempt | Uses::Update(_) => rules.day(placed.at) == today,
        Uses::HandOff => rules.working_day(placed.at) == rules.working_day(now),
        Uses::Nothing => false,
    };
    let idle = desk.placed.iter().filter(|(id, placed)| !counts(placed) && !desk.waits.contains_key(*id));
    let mut idle: Vec<(Moment, ActionId)> = idle.map(|(id, placed)| (placed.at, id.clone())).collect();
    idle.sort();
    let too_many = idle.len().saturating_sub(MOST_REMEMBERED);
    for (_, id) in idle.into_iter().take(too_many) {
        desk.placed.remove(&id);
    }
}

/// The first whole minute after `now`.
fn after(now: Moment) -> Moment {
    let minute = i64::try_from(BATCH.as_millis()).unwrap_or(1);
    let next = (now.as_millis().div_euclid(minute) + 1).saturating_mul(minute);
    Moment::from_millis(next).unwrap_or(Moment::LATEST)
}
