//! Days on which connections were heard, and silences that are told once.

use std::collections::BTreeSet;

use crate::common::{hubspot, store};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use model::{CauseChain, Event, EventBody, EventId, Moment, SubjectId};
use store::{Silence, Store};

fn november(day: i8) -> Date {
    date(2026, 11, day)
}

fn zone() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

async fn hear(store: &Store, days: &[i8], expected_every: u16) {
    let days: BTreeSet<Date> = days.iter().map(|day| november(*day)).collect();
    store.note_heard(&hubspot(), &days, expected_every, &zone()).await.unwrap();
}

fn at(text: &str) -> Moment {
    text.parse().unwrap()
}

const LATER: &str = "2026-12-31T00:00:00Z";

async fn silent(store: &Store) -> Option<Silence> {
    store.silence(&hubspot(), at(LATER)).await.unwrap()
}

fn event(silence: &Silence) -> Event {
    let account = SubjectId::from_stored("connection:hubspot");
    let body = EventBody::SourceSilent {
        connection: silence.connection.clone(),
        last_heard_on: silence.last_heard_on,
        expected_every: silence.expected_every,
    };
    Event {
        id: EventId::derive(&account, body.kind(), "hubspot", &silence.last_heard_on.to_string()),
        schema: model::EVENT_SCHEMA,
        account,
        occurred_at: silence.since,
        as_of: silence.since,
        cause: CauseChain { due_at: Some(silence.since), ..CauseChain::default() },
        body,
    }
}

#[tokio::test]
async fn a_silence_begins_when_the_days_it_was_given_are_over_where_the_reports_are_read() {
    let store = store();
    assert_eq!(silent(&store).await, None, "never heard");
    hear(&store, &[10, 12], 3).await;
    let silence = silent(&store).await.unwrap();
    assert_eq!((silence.last_heard_on, silence.expected_every), (november(12), 3));
    assert_eq!(silence.since, at("2026-11-15T23:00:00Z"));
    assert_eq!(store.silence(&hubspot(), at("2026-11-15T22:59:59Z")).await.unwrap(), None, "not yet");
    // A day that is noted late is none that it was heard last.
    hear(&store, &[11], 3).await;
    assert_eq!(silent(&store).await.unwrap().since, silence.since);
    hear(&store, &[12], 5).await;
    assert_eq!(silent(&store).await.unwrap().since, at("2026-11-17T23:00:00Z"), "it was given more days");
}

#[tokio::test]
async fn a_silence_is_told_once_and_the_next_one_again() {
    let store = store();
    hear(&store, &[10], 3).await;
    let silence = silent(&store).await.unwrap();
    assert!(store.tell_silence(&silence, &[event(&silence)]).await.unwrap());
    assert!(!store.tell_silence(&silence, &[event(&silence)]).await.unwrap(), "somebody else did");
    assert_eq!(silent(&store).await, None);
    hear(&store, &[9, 10], 3).await;
    assert_eq!(silent(&store).await, None, "that it spoke before is known late");
    hear(&store, &[20], 3).await;
    let next = silent(&store).await.unwrap();
    assert_eq!(next.last_heard_on, november(20));
    assert!(store.tell_silence(&next, &[event(&next)]).await.unwrap());
    assert_eq!(store.whole_outbox().await.unwrap().len(), 2);
}

#[tokio::test]
async fn who_speaks_while_it_is_told_was_not_silent() {
    let store = store();
    hear(&store, &[10], 3).await;
    let silence = silent(&store).await.unwrap();
    hear(&store, &[14], 3).await;
    assert!(!store.tell_silence(&silence, &[event(&silence)]).await.unwrap());
    assert_eq!(store.whole_outbox().await.unwrap().len(), 0);
    assert_eq!(silent(&store).await.unwrap().last_heard_on, november(14));
}
