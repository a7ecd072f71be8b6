//! Quarantine, events of their own, and erasure.

use std::collections::BTreeSet;

use crate::common::{delivery, hubspot, moment, store};
use model::{
    CauseChain, Child, Delivery, DeliveryId, Event, EventBody, EventId, FetchRequest, QuarantineKind, Quarantined,
    Stamp, SubjectId, TimelineEntry, ToldParent,
};
use store::{Commit, Journaled, OutboxState, Store};

fn fetch(object: &str, from: &str) -> Event {
    let account = SubjectId::from_stored("connection:hubspot");
    let body = EventBody::FetchRequested(FetchRequest::new(&hubspot(), object, "1"));
    Event {
        id: EventId::derive(&account, body.kind(), object, "1"),
        schema: model::EVENT_SCHEMA,
        account,
        occurred_at: moment(0),
        as_of: moment(0),
        cause: CauseChain { delivery: Some(DeliveryId::new(&hubspot(), from)), ..CauseChain::default() },
        body,
    }
}

async fn quarantine(store: &Store, delivery: &Delivery, paths: &[&str]) {
    let row = |path: &&str| {
        let row = Quarantined {
            delivery: delivery.id.clone(),
            connection: hubspot(),
            received_at: delivery.received_at,
            kind: QuarantineKind::UnfitValue,
            reason: "expected a date".into(),
            path: (*path).to_owned(),
        };
        (row, fetch(&format!("{}/{path}", delivery.id), "q"))
    };
    store.quarantine(&paths.iter().map(row).collect::<Vec<_>>()).await.unwrap();
}

/// Where an event stands, and in which round.
async fn stands(store: &Store, id: &EventId) -> (OutboxState, u32) {
    let rows = store.whole_outbox().await.unwrap();
    rows.iter().find(|row| row.event.id == *id).map(|row| (row.state, row.round)).unwrap()
}

#[tokio::test]
async fn what_is_asked_for_again_waits_for_that_however_late_it_is_marked_as_published() {
    let store = store();
    let event = fetch("company/1", "1");
    assert!(store.announce_first(&event).await.unwrap());
    assert!(!store.announce_first(&event).await.unwrap(), "it is there already");
    let id = &event.id;
    store.ask_again_at(id, moment(600)).await.unwrap();
    // The bus had it before; who put it there says so only now.
    store.mark_published(id, 0).await.unwrap();
    assert_eq!(stands(&store, id).await, (OutboxState::Pending, 1));
    store.mark_published(id, 1).await.unwrap();
    assert_eq!(stands(&store, id).await, (OutboxState::Published, 1));
    store.ask_again_at(id, moment(700)).await.unwrap();
    assert_eq!(stands(&store, id).await, (OutboxState::Pending, 2), "also after it was published");
    let nobody = fetch("company/2", "1").id;
    store.ask_again_at(&nobody, moment(700)).await.unwrap_err();
}

async fn open(store: &Store) -> Vec<(String, String)> {
    let rows = store.quarantined().await.unwrap();
    rows.into_iter().map(|row| (row.delivery.to_string(), row.path)).collect()
}

#[tokio::test]
async fn what_a_replay_understands_leaves_the_quarantine_and_comes_back_when_it_does_not() {
    let store = store();
    let first = delivery("1", "{}");
    let beside = Delivery { id: first.id.with_other_bytes("ab"), ..first.clone() };
    quarantine(&store, &first, &["a", "b"]).await;
    quarantine(&store, &beside, &["a"]).await;
    let of = |id: &DeliveryId, path: &str| (id.to_string(), path.to_owned());

    let still = BTreeSet::from(["b".to_owned()]);
    assert_eq!(store.mended(&first, &still, moment(9)).await.unwrap(), 1);
    assert_eq!(open(&store).await, [of(&first.id, "b"), of(&beside.id, "a")]);
    assert_eq!(store.mended(&first, &still, moment(10)).await.unwrap(), 0);
    let whole = store.whole_quarantine().await.unwrap();
    assert_eq!(whole.iter().map(|row| row.mended_at).collect::<Vec<_>>(), [Some(moment(9)), None, None]);

    // Nothing that was not understood once is lost by mistaking it for understood.
    let still = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
    assert_eq!(store.mended(&first, &still, moment(11)).await.unwrap(), 1);
    assert_eq!(open(&store).await.len(), 3);
}

#[tokio::test]
async fn an_event_that_was_announced_already_stays_as_it_is() {
    let store = store();
    store.announce(&[fetch("company/1", "first")]).await.unwrap();
    store.announce(&[fetch("company/1", "second"), fetch("company/2", "second")]).await.unwrap();
    store.announce(&[fetch("company/2", "third")]).await.unwrap();
    store.announce(&[]).await.unwrap();
    let mut causes: Vec<_> =
        store.whole_outbox().await.unwrap().into_iter().map(|row| row.event.cause.delivery.unwrap()).collect();
    causes.sort();
    assert_eq!(causes, [DeliveryId::new(&hubspot(), "first"), DeliveryId::new(&hubspot(), "second")]);
}

#[tokio::test]
async fn a_redacted_body_is_gone_and_its_repeat_is_not_kept_again() {
    let store = store();
    let sent = delivery("1", r#"{"email":"ann@acme.example"}"#);
    assert_eq!(store.journal(&sent).await.unwrap(), Journaled::New);
    assert!(store.redact(&sent.id, br#"[{"erased":true},2]"#, moment(5)).await.unwrap());
    assert!(store.redact(&sent.id, br#"{"erased":true}"#, moment(6)).await.unwrap());
    assert!(!store.redact(&sent.id, br#"{"erased":true}"#, moment(7)).await.unwrap(), "nothing left to do");
    assert!(!store.redact(&DeliveryId::new(&hubspot(), "none"), b"{}", moment(7)).await.unwrap());

    let held = store.delivery(&sent.id).await.unwrap().unwrap();
    assert_eq!(held.body, br#"{"erased":true}"#);
    assert_ne!(held.body_sha256, sent.body_sha256);
    assert_eq!((held.received_at, held.connection.clone()), (sent.received_at, sent.connection.clone()));

    assert_eq!(store.journal(&sent).await.unwrap(), Journaled::Repeated);
    let other = delivery("1", "{}");
    assert!(matches!(store.journal(&other).await.unwrap(), Journaled::KeptBeside(_)), "other bytes are news");
    assert_eq!(store.whole_journal().await.unwrap().len(), 2);
}

#[tokio::test]
async fn reasons_are_taken_out_of_the_quarantine_of_these_deliveries_only() {
    let store = store();
    let (one, other) = (delivery("1", "{}"), delivery("2", "{}"));
    quarantine(&store, &one, &["a", "b"]).await;
    quarantine(&store, &other, &["a"]).await;
    let erased = BTreeSet::from([one.id]);
    assert_eq!(store.redact_quarantine(&erased).await.unwrap(), 2);
    assert_eq!(store.redact_quarantine(&erased).await.unwrap(), 0);
    let reasons: Vec<_> = store.quarantined().await.unwrap().into_iter().map(|row| row.reason).collect();
    assert_eq!(reasons, ["(erased)", "(erased)", "expected a date"]);
}

#[tokio::test]
async fn texts_are_taken_out_of_the_timeline_where_it_cites_these_deliveries_only() {
    let (store, account) = (store(), SubjectId::vendor("hubspot", "company", "1"));
    let entry = |n: i64, delivery: Option<&str>| TimelineEntry {
        account: account.clone(),
        at: moment(n),
        id: n.to_string(),
        kind: "band_changed".into(),
        text: format!("Ann wrote {n}"),
        delivery: delivery.map(|key| DeliveryId::new(&hubspot(), key)),
        event: None,
    };
    let timeline = [entry(1, Some("1")), entry(2, Some("2")), entry(3, None)];
    store.put_stub(&account).await.unwrap();
    let commit = Commit {
        subject: &account,
        version: 1,
        assessment: None,
        episodes: &[],
        told: &[],
        events: &[],
        timeline: &timeline,
    };
    assert!(store.commit(commit).await.unwrap());

    let erased = BTreeSet::from([DeliveryId::new(&hubspot(), "1")]);
    assert_eq!(store.redact_timeline(&erased).await.unwrap(), 1);
    assert_eq!(store.redact_timeline(&erased).await.unwrap(), 0);
    let texts: Vec<_> = store.timeline(&account).await.unwrap().into_iter().map(|entry| entry.text).collect();
    assert_eq!(texts, ["(erased)", "Ann wrote 2", "Ann wrote 3"]);
}

#[tokio::test]
async fn what_a_parent_is_told_counts_with_the_commit_that_tells_it_or_not_at_all() {
    let store = store();
    let company = |id| SubjectId::vendor("hubspot", "company", id);
    let (account, parent) = (company("1"), company("2"));
    store.put_stub(&account).await.unwrap();
    let told = |n: i64| {
        let stamp =
            Stamp { occurred_at: moment(n), sequence: None, delivery: DeliveryId::new(&hubspot(), "1"), index: 0 };
        let (account, received_at) = (account.clone(), moment(n));
        let child = Child { account, standing: None, stamp, received_at, due_at: None, is_news: true, because: None };
        [ToldParent { parent: parent.clone(), child }]
    };
    // Two looks over the same version: the second is too late, and the third sees what the first did.
    for (n, version, is_done) in [(1, 1, true), (2, 1, false), (3, 2, true)] {
        let told = told(n);
        let (episodes, events, timeline) = (&[], &[], &[]);
        let commit = Commit { subject: &account, version, assessment: None, episodes, told: &told, events, timeline };
        assert_eq!(store.commit(commit).await.unwrap(), is_done);
        let children = store.partition(&parent).await.unwrap().remove(&parent).unwrap().children;
        let last = if is_done { n } else { n - 1 };
        assert_eq!(children.iter().map(|child| child.received_at).collect::<Vec<_>>(), [moment(last)]);
    }
}
