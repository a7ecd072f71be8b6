//! Episodes live where their cause is, so merging and splitting accounts moves no message and repeats none.

use crate::common::world::{self, Broken, World, a, b, org};
use crate::common::{self, days, on, subscription, word};
use model::{Band, ClaimKind, Closing, Episode, EpisodeState, EventBody, FactKey, Field, Value};

const CORRECT: Option<Broken> = None;

fn spoke(day: i64) -> Value {
    Value::Moment(days(day))
}

/// Two customers in good health.
fn two(broken: Option<Broken>) -> World {
    let mut world = World::new(common::alert_only(), broken);
    for company in [a(), b()] {
        world.say(0, &company, FactKey::Profile, Field::LifecycleStage, word("customer"));
        world.say(0, &company, FactKey::Sentiment, Field::Sentiment, word("green"));
        world.say(0, &company, subscription(), Field::RenewsOn, on(300));
    }
    world.settle();
    world
}

fn turns_red(world: &mut World, day: i64, company: &model::SubjectId) {
    world.say(day, company, FactKey::Sentiment, Field::Sentiment, word("red"));
    world.say(day, company, FactKey::Touchpoint, Field::LastTwoWayAt, spoke(day - 100));
    world.settle();
}

/// Everything in the account that `company` belongs to is well, and has been for a day.
fn recovers(world: &mut World, day: i64, company: &model::SubjectId) {
    world.say(day, company, FactKey::Sentiment, Field::Sentiment, word("green"));
    world.say(day, company, FactKey::Touchpoint, Field::LastTwoWayAt, spoke(day));
    world.settle();
    world.say(day + 2, company, FactKey::Touchpoint, Field::LastTwoWayAt, spoke(day + 2));
    world.settle();
}

fn open(world: &World, account: &model::SubjectId) -> Vec<Episode> {
    let all = world.view(account).2.into_iter().map(|(episode, _)| episode);
    all.filter(|episode| episode.is_open() && episode.key.playbook.as_str() == "risk-mitigation").collect()
}

/// B is merged into A, is the reason that A turns red, and is split off again.
fn merge_red_split(broken: Option<Broken>) -> bool {
    let mut world = two(broken);
    world.merge(1, 1, &b(), Some(&a()));
    world.settle();
    // A says nothing of contacts, so what is said of B counts.
    world.say(2, &a(), FactKey::Sentiment, Field::Sentiment, word("red"));
    world.say(3, &b(), FactKey::Touchpoint, Field::LastTwoWayAt, spoke(-100));
    world.settle();
    assert_eq!(world.band(&a()), Some(Band::Red));
    let opened = open(&world, &a());
    world.merge(4, 4, &b(), None);
    world.settle();
    // The thread goes with its cause.
    let threads = |episodes: &[Episode]| episodes.iter().map(|e| e.root_action.clone()).collect::<Vec<_>>();
    opened.len() == 1 && threads(&open(&world, &b())) == threads(&opened)
}

#[test]
fn a_split_keeps_the_thread_with_its_cause() {
    assert!(merge_red_split(CORRECT));
    assert!(!merge_red_split(Some(Broken::KeptAtRoot)), "the broken variant is not noticed");
}

#[test]
fn what_stays_red_after_a_thread_left_gets_one_of_its_own() {
    let mut world = two(CORRECT);
    world.merge(1, 1, &b(), Some(&a()));
    world.settle();
    world.say(2, &a(), FactKey::Sentiment, Field::Sentiment, word("red"));
    world.say(3, &b(), FactKey::Touchpoint, Field::LastTwoWayAt, spoke(-100));
    world.settle();
    world.merge(4, 4, &b(), None);
    world.settle();
    assert_eq!(world.band(&a()), Some(Band::Red));
    let own = open(&world, &a());
    assert_eq!((own.len(), &own[0].key.home), (1, &a()));
    assert_ne!(own, open(&world, &b()));
    world.settle();
    assert_eq!(open(&world, &a()), own, "once");
}

#[test]
fn of_two_open_ones_the_older_leads_and_a_recovery_closes_each_in_its_own_thread() {
    let mut world = two(CORRECT);
    turns_red(&mut world, 1, &a());
    turns_red(&mut world, 2, &b());
    let threads: Vec<_> = [a(), b()].iter().map(|of| open(&world, of)[0].root_action.clone()).collect();
    world.merge(3, 3, &b(), Some(&a()));
    world.settle();
    assert_eq!((open(&world, &a()).len(), open(&world, &b()).len()), (2, 0));
    let told = world.events.len();
    recovers(&mut world, 4, &a());
    let replies = world.events[told..].iter().filter_map(|event| match &event.body {
        EventBody::ActionRequested(request) => Some(request.reply_to.clone()),
        _ => None,
    });
    assert_eq!(replies.collect::<Vec<_>>(), threads);
    assert!(open(&world, &a()).is_empty());
}

#[test]
fn a_split_makes_the_follower_lead_again() {
    let mut world = two(CORRECT);
    turns_red(&mut world, 1, &a());
    turns_red(&mut world, 2, &b());
    let held = [open(&world, &a()), open(&world, &b())];
    world.merge(3, 3, &b(), Some(&a()));
    world.settle();
    world.merge(4, 4, &b(), None);
    world.settle();
    assert_eq!([open(&world, &a()), open(&world, &b())], held);
    recovers(&mut world, 5, &b());
    assert_eq!((open(&world, &a()).len(), open(&world, &b()).len()), (1, 0));
}

#[test]
fn what_moves_to_an_account_that_nobody_watches_is_closed_and_what_belongs_nowhere_waits() {
    for watched in [true, false] {
        let mut world = two(CORRECT);
        world.link(1, 1, &org(), ClaimKind::ExternalId, Some(&a()));
        world.say(2, &a(), FactKey::Sentiment, Field::Sentiment, word("red"));
        world.say(3, &org(), FactKey::Touchpoint, Field::LastTwoWayAt, spoke(-100));
        world.settle();
        let opened = open(&world, &a());
        assert_eq!(opened[0].key.home, org());
        world.link(4, 4, &org(), ClaimKind::ExternalId, None);
        world.settle();
        assert_eq!(world.episode(&opened[0].key), opened[0], "held");
        if !watched {
            world.say(5, &b(), FactKey::Profile, Field::LifecycleStage, word("lead"));
        }
        world.link(6, 6, &org(), ClaimKind::ExternalId, Some(&b()));
        world.settle();
        let state = world.episode(&opened[0].key).state;
        if watched {
            assert!(matches!(state, EpisodeState::Open { .. }), "resumed");
        } else {
            assert_eq!(state, EpisodeState::Closed { at: days(6), why: Closing::Unwatched });
        }
    }
}

#[test]
fn the_same_cause_again_goes_on_in_the_same_thread_once_the_cooldown_is_over() {
    for (day, runs) in [(9, 1), (30, 2)] {
        let mut world = World::new(common::shipped().clone(), CORRECT);
        world.say(0, &a(), FactKey::Profile, Field::LifecycleStage, word("customer"));
        world.say(0, &a(), FactKey::Sentiment, Field::Sentiment, word("green"));
        world.say(0, &a(), FactKey::Touchpoint, Field::LastTwoWayAt, spoke(0));
        world.say(0, &b(), FactKey::Profile, Field::LifecycleStage, word("customer"));
        world.settle();
        world.say(1, &a(), FactKey::Touchpoint, Field::LastTwoWayAt, spoke(-30));
        world.say(1, &a(), FactKey::Sentiment, Field::Sentiment, word("red"));
        world.settle();
        let first = open(&world, &a())[0].clone();
        // An organisation tells that there is time.
        world.link(2, 2, &org(), ClaimKind::ExternalId, Some(&a()));
        world.say(2, &org(), subscription(), Field::RenewsOn, on(300));
        world.settle();
        world.say(4, &org(), FactKey::Profile, Field::Name, word("Acme"));
        world.settle();
        assert!(!world.episode(&first.key).is_open());
        // A late claim, older than all that contributed and stronger, takes it away.
        world.link(day, -5, &org(), ClaimKind::Crm, Some(&b()));
        world.settle();
        assert_eq!(world.band(&a()), Some(Band::Red));
        let again = world.episode(&first.key);
        assert_eq!((again.run, again.is_open()), (runs, runs == 2), "on day {day}");
        assert_eq!(again.root_action, first.root_action);
        if runs == 2 {
            let asked = world.events.iter().rev().find_map(|event| match &event.body {
                EventBody::ActionRequested(request) => Some(request),
                _ => None,
            });
            let request = asked.unwrap();
            assert_eq!((request.run, &request.reply_to), (2, &first.root_action));
            assert_ne!(Some(&request.id), first.root_action.as_ref());
        }
    }
}

#[test]
fn too_many_for_one_transaction_are_written_in_parts() {
    let mut world = two(CORRECT);
    turns_red(&mut world, 1, &a());
    let (input, episodes) = world.input_with(&a(), 60);
    let before = world.assessment(&a());
    world.say(2, &a(), FactKey::Profile, Field::LifecycleStage, word("lead"));
    let whole = world.decide(&a(), &episodes);
    assert_eq!((input, whole.episodes.len(), whole.items()), (60, 60, 1 + 60 + 61 + 61));
    let part = whole.first_part(before.as_ref(), 100).unwrap();
    assert!(part.items() <= 100 && part.assessment == before, "{}", part.items());
    assert!(part.events.iter().all(|event| event.body.kind() == "account.risk_resolved"));
    assert_eq!((part.events.len(), part.timeline.len()), (part.episodes.len(), part.episodes.len()));
    let rest: Vec<_> = episodes
        .iter()
        .map(|held| part.episodes.iter().find(|done| done.key == held.key).unwrap_or(held).clone())
        .collect();
    let next = world.decide(&a(), &rest);
    assert_eq!(next.episodes.len() + part.episodes.len(), 60);
    assert_eq!(next.first_part(before.as_ref(), 100), None);
}

/// A worker has read that an organisation makes A red. Before it commits, a late claim has moved the organisation to B,
/// which turns red for the very same reason.
fn moved_while_looking(broken: Option<Broken>) -> Result<(), String> {
    let mut world = two(broken);
    for company in [a(), b()] {
        world.say(1, &company, FactKey::Sentiment, Field::Sentiment, word("yellow"));
        world.say(1, &company, subscription(), Field::RenewsOn, on(20));
    }
    world.link(1, 1, &org(), ClaimKind::ExternalId, Some(&a()));
    world.settle();
    world.say(2, &org(), FactKey::Touchpoint, Field::LastTwoWayAt, spoke(-100));
    let late = world.look(&a());
    world.link(3, -5, &org(), ClaimKind::Crm, Some(&b()));
    let look = world.look(&b());
    assert!(world.commit(&look));
    assert_eq!(open(&world, &b()).len(), 1);
    let is_done = world.commit(&late);
    assert_eq!(is_done, broken.is_some());
    world.settle();
    world::verdict(&world)
}

#[test]
fn two_workers_cannot_open_the_same_row() {
    assert_eq!(moved_while_looking(CORRECT), Ok(()));
    assert!(moved_while_looking(Some(Broken::NoRevision)).is_err(), "the broken variant is not noticed");
}

#[test]
fn whatever_happens_at_once_each_opening_happens_once_and_red_is_what_somebody_works_on() {
    assert_eq!((0..80).find_map(|seed| world::random(seed).err()), None);
}
