//! Weeks at one desk: messages that come at any time, some delivered twice, clocks that run late, episodes that end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use model::{ActionId, ActionRequest, AlertKind, Desk, Mode, Moment, NoticeBody, Placement, Urgency};
use proptest::prelude::*;
use rules::desk::{DeskRules, Thread, digest, due_at, offer};

use crate::desk::given::{Reader, about, at, ines, red, then, worth};

/// What comes in: a first message, with what may follow it.
#[derive(Debug, Clone)]
struct Coming {
    minute: i64,
    arr: i64,
    days: i64,
    is_red: bool,
    urgency: Urgency,
    /// The updates' delays in minutes.
    updates: Vec<i64>,
    /// It ends so many minutes after it came.
    ends_after: Option<i64>,
    /// Delivered once more after so many minutes.
    again: Option<i64>,
    /// The clock is so many minutes late for it.
    late: i64,
}

fn coming() -> impl Strategy<Value = Coming> {
    let urgency = prop_oneof![4 => Just(Urgency::Now), 1 => Just(Urgency::Digest)];
    let delays = prop::collection::vec(0..4_000_i64, 0..4);
    let (ends, again) = (prop::option::of(0..9_000_i64), prop::option::of(0..9_000_i64));
    // Most come in two busy weeks.
    let minute = prop_oneof![3 => 0..20_000_i64, 1 => 5_000..5_060_i64];
    (minute, 0..150_i64, -5..200_i64, any::<bool>(), urgency, delays, ends, again, 0..90_i64).prop_map(
        |(minute, arr, days, is_red, urgency, updates, ends_after, again, late)| Coming {
            minute,
            arr: arr * 1_000,
            days,
            is_red,
            urgency,
            updates,
            ends_after,
            again,
            late,
        },
    )
}

/// How everything ended.
#[derive(Debug, Default)]
struct Ended {
    /// Every place a message was given, with when it was sent.
    placements: BTreeMap<ActionId, BTreeSet<String>>,
    sent: BTreeMap<ActionId, Moment>,
    threads: BTreeMap<ActionId, ActionId>,
    merged: BTreeMap<ActionId, ActionId>,
    in_digest: BTreeSet<ActionId>,
    told: Vec<ActionId>,
    obsolete: Vec<ActionId>,
    digests: Vec<(ActionId, Moment)>,
}

/// The desk's world, minute by minute as far as something happens.
struct World<'a> {
    desk: Desk,
    rules: DeskRules<'a>,
    ended: Ended,
    /// When an episode ends.
    over: BTreeMap<String, Moment>,
}

impl World<'_> {
    fn take_digest(&mut self, now: Moment) {
        let runs = |request: &model::WaitingLine| self.over.get(&request.line.episode).is_none_or(|over| *over > now);
        let open = self.desk.waits.iter().filter(|(_, w)| runs(w)).map(|(id, _)| id.clone()).collect();
        let Some(digested) = digest(&self.desk, now, &self.rules, &open) else { return };
        self.desk = digested.desk;
        self.ended.told.extend(digested.told);
        self.ended.obsolete.extend(digested.obsolete);
        if let Some(notice) = digested.notice {
            assert!(matches!(notice.body, NoticeBody::Digest(_)));
            self.ended.digests.push((notice.id, now));
        }
    }

    /// When to ask again, where that is so.
    fn ask(&mut self, request: &ActionRequest, now: Moment) -> Option<Moment> {
        let root = request.reply_to.as_ref();
        let thread = match root {
            None => Thread::Starts,
            Some(root) if self.ended.in_digest.contains(root) => Thread::InDigest(root.clone()),
            // It waits for its root.
            Some(root) if !self.ended.placements.contains_key(root) => {
                return Some(now.plus(SignedDuration::from_mins(1)));
            }
            Some(_) => Thread::Sent,
        };
        let (placement, desk) = offer(&self.desk, request, &thread, now, &self.rules);
        let again = offer(&desk, request, &thread, now, &self.rules);
        assert_eq!(again, (placement.clone(), desk.clone()), "asked twice at once");
        self.desk = desk;
        let id = request.id.clone();
        match &placement {
            Placement::NotBefore(moment) => {
                assert!(*moment > now);
                return Some(*moment);
            }
            // It counts for the day it was decided on, with others; a late clock may send it after midnight.
            Placement::SendNow => _ = self.ended.sent.entry(id).or_insert(self.desk.placed[&request.id].at),
            Placement::InThreadOf(of) => {
                self.ended.sent.entry(id.clone()).or_insert(self.desk.placed[&request.id].at);
                self.ended.threads.insert(id, of.clone());
            }
            Placement::InDigest(_) => _ = self.ended.in_digest.insert(id),
            Placement::MergedInto(other) => _ = self.ended.merged.insert(id, other.clone()),
        }
        self.ended.placements.entry(request.id.clone()).or_default().insert(format!("{placement:?}"));
        None
    }
}

/// Lets everything happen, and says how it ended.
fn live(all: &[(ActionRequest, Coming)], reader: &Reader) -> Ended {
    let start = at("2026-11-30T00:00:00");
    let minute = |n: i64| start.plus(SignedDuration::from_mins(n));
    let mut asks: Vec<(Moment, usize, ActionRequest)> = Vec::new();
    let mut over = BTreeMap::new();
    for (number, (request, coming)) in all.iter().enumerate() {
        asks.push((minute(coming.minute), number, request.clone()));
        asks.extend(coming.again.map(|again| (minute(coming.minute + again), number, request.clone())));
        let mut follow = |kind, id: String, after: i64| {
            let mut next = then(request, kind, &id, "2026-11-30T00:00:00");
            next.alert.as_of = minute(coming.minute + after);
            asks.push((minute(coming.minute + after), number, next));
        };
        let end = coming.ends_after.unwrap_or(i64::MAX);
        for (at, after) in coming.updates.iter().enumerate().filter(|(_, after)| **after < end) {
            follow(AlertKind::Update, format!("{}-update-{at}", request.id), *after);
        }
        if let Some(end) = coming.ends_after {
            follow(AlertKind::Resolved, format!("{}-end", request.id), end);
            over.insert(request.episode.clone(), minute(coming.minute + end));
        }
    }
    let mut world = World { desk: Desk::new(ines(), Mode::Live), rules: reader.rules(), ended: Ended::default(), over };
    let mut now = start;
    loop {
        asks.sort_by_key(|(moment, number, _)| (*moment, *number));
        let due = due_at(&world.desk, now, &world.rules);
        let next = asks.first().map(|(moment, ..)| *moment);
        match (due, next) {
            (Some(due), next) if next.is_none_or(|next| due < next) => {
                now = now.max(due);
                world.take_digest(now);
            }
            (_, Some(_)) => {
                let (moment, number, request) = asks.remove(0);
                now = now.max(moment);
                if let Some(again) = world.ask(&request, now) {
                    let late = SignedDuration::from_mins(all[number].1.late);
                    asks.push((again.plus(late), number, request));
                }
            }
            (None | Some(_), None) => break,
        }
    }
    assert!(world.desk.pending.is_empty() && world.desk.waits.is_empty(), "{:?}", world.desk);
    world.ended
}

fn check(all: &[(ActionRequest, Coming)], reader: &Reader) {
    let ended = live(all, reader);
    let rules = reader.rules();
    let local = |at: Moment| at.local(&rules.calendar.zone);
    // Everything ended in one way, and kept it.
    for (id, placements) in &ended.placements {
        assert_eq!(placements.len(), 1, "{id} was placed as {placements:?}");
        let ways = [
            ended.sent.contains_key(id),
            ended.merged.contains_key(id),
            ended.told.iter().filter(|told| *told == id).count() == 1,
            ended.obsolete.contains(id),
        ];
        assert_eq!(ways.iter().filter(|way| **way).count(), 1, "{id}: {ways:?}");
    }
    assert!(all.iter().all(|(request, _)| ended.placements.contains_key(&request.id)), "one got lost");
    let (told, obsolete): (BTreeSet<_>, BTreeSet<_>) = (ended.told.iter().collect(), ended.obsolete.iter().collect());
    assert_eq!((told.len(), obsolete.len()), (ended.told.len(), ended.obsolete.len()), "told twice");
    // What is merged is told by something that is sent or waits.
    for other in ended.merged.values().chain(ended.threads.values()) {
        assert!(ended.sent.contains_key(other) || ended.in_digest.contains(other), "{other} is told nowhere");
    }
    // Never more than the budget; and what is exempt comes together.
    let (mut weeks, mut days) = (BTreeMap::new(), BTreeMap::new());
    for (request, _) in all {
        let Some(sent) = ended.sent.get(&request.id).filter(|_| !ended.threads.contains_key(&request.id)) else {
            continue;
        };
        let day = local(*sent).date();
        if reader.alerts.is_exempt(request.alert.band.1, request.alert.arr) {
            *days.entry(day).or_insert(0_u32) += 1;
        } else {
            assert!(!rules.is_channel, "a channel is not disturbed");
            let week = day.iso_week_date();
            *weeks.entry((week.year(), week.week())).or_insert(0_u32) += 1;
        }
    }
    assert!(weeks.values().all(|count| *count <= reader.alerts.per_week), "{weeks:?}");
    assert!(days.values().all(|count| *count <= reader.alerts.exempt_merged_after), "{days:?}");
    // One digest a business day.
    let mut seen = BTreeSet::new();
    for (id, at) in &ended.digests {
        assert!(seen.insert(id.clone()) && seen.insert(ActionId::from_stored(local(*at).date().to_string())));
        assert!(rules.calendar.is_business_day(local(*at).date()));
    }
    // One update an episode and day.
    let mut updates = BTreeSet::new();
    for (id, at) in ended.sent.iter().filter(|(id, _)| id.as_str().contains("-update-")) {
        let first = id.as_str().split("-update-").next().unwrap().to_owned();
        assert!(updates.insert((first, local(*at).date())), "{id}");
    }
}

fn requests(coming: Vec<Coming>) -> Vec<(ActionRequest, Coming)> {
    let request = |(number, coming): (usize, Coming)| {
        let mut request = worth(about(number), coming.arr, coming.days);
        request.urgency = coming.urgency;
        (if coming.is_red { red(request) } else { request }, coming)
    };
    coming.into_iter().enumerate().map(request).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_is_lost_or_told_twice_and_the_budget_holds(
        all in prop::collection::vec(coming(), 1..40),
        zone in prop::sample::select(vec!["Europe/Berlin", "Pacific/Auckland", "America/New_York"]),
        (is_quiet, is_channel, per_week) in (any::<bool>(), prop::bool::weighted(0.2), 0..9_u32),
    ) {
        let mut reader = Reader::in_zone(zone);
        reader.alerts.per_week = per_week;
        let reader = if is_quiet { reader.quiet("18:00-08:00") } else { reader };
        let reader = if is_channel { reader.channel() } else { reader };
        check(&requests(all), &reader);
    }
}
