//! Links and facts of plain batches, and what they cost.

use std::collections::BTreeSet;

use model::{
    Delivery, DeliveryId, EventBody, Family, FetchWanted, Moment, OperatorStatement, QuarantineKind, QuarantinedItem,
    SubjectId, Target,
};
use testkit::engine;
use testkit::faults::{Fault, Faults};

use super::scene::{Heard, Say, Scene, company, contact, email, moment};
use crate::statements::normalized;

#[tokio::test]
async fn a_claim_has_its_hint_and_lies_beside_its_fact() {
    let scene = Scene::new();
    scene
        .batch(&[Heard::new(1, [(1, Say::Own(contact(1), Some(company(1)))), (1, Say::Role(contact(1), "sponsor"))])])
        .await;
    let node = scene.store.node(&contact(1)).await.unwrap();
    assert_eq!(node.rev, 1, "one write for both");
    assert_eq!(node.value.up.targets().collect::<Vec<_>>(), [&company(1)]);
    assert!(node.value.fact.is_some());
    scene.check_hints().await;
    let hints = &scene.store.partition(&company(1)).await.unwrap()[&company(1)].members;
    assert_eq!(hints, &BTreeSet::from([contact(1)]));
}

#[tokio::test]
async fn a_list_that_names_fewer_lets_the_others_go() {
    let scene = Scene::new();
    let (ann, bob) = (email("ann@acme.example"), email("bob@acme.example"));
    scene.batch(&[Heard::new(1, [(1, Say::List(contact(1), vec![ann.clone(), bob.clone()]))])]).await;
    assert_eq!(scene.targets(&ann).await, [contact(1)]);
    scene.batch(&[Heard::new(2, [(2, Say::List(contact(1), vec![bob.clone()]))])]).await;
    assert_eq!((scene.targets(&ann).await, scene.targets(&bob).await), (vec![], vec![contact(1)]));
    // What comes late is asserted as the newest list has it.
    scene.batch(&[Heard::new(3, [(1, Say::List(contact(1), vec![ann.clone(), email("eve@acme.example")]))])]).await;
    assert_eq!((scene.targets(&ann).await, scene.targets(&bob).await), (vec![], vec![contact(1)]));
    assert_eq!(scene.targets(&email("eve@acme.example")).await, []);
}

#[tokio::test]
async fn a_company_cannot_be_erased() {
    let scene = Scene::new();
    scene.batch(&[Heard::new(1, [(1, Say::Erased(company(1))), (1, Say::Gone(company(1), true))])]).await;
    let up = scene.store.node(&company(1)).await.unwrap().value.up;
    assert_eq!((up.erased, up.gone.map(|gone| gone.gone)), (None, Some(true)));
}

/// The operations that one batch makes against tables in which `before` is known.
async fn calls(before: &[Heard], heard: &Heard) -> Vec<String> {
    let tables = engine::tables();
    Scene::over(&tables).batch(before).await;
    let faults = Faults::default();
    Scene::broken(&faults, &tables).batch([heard]).await;
    faults.made().into_iter().map(|made| made.operation).collect()
}

#[tokio::test]
async fn what_is_known_already_costs_one_read_for_each_item_and_no_write() {
    let ann = email("ann@acme.example");
    let heard = |n| {
        let (list, own) = (Say::List(contact(1), vec![ann.clone()]), Say::Own(contact(1), Some(company(1))));
        Heard::new(n, [(1, list), (1, own), (1, Say::Role(contact(1), "sponsor")), (1, Say::Named(company(1), "Acme"))])
    };
    assert_eq!(calls(&[heard(1)], &heard(2)).await, ["BatchGetItem", "GetItem", "GetItem"]);
}

#[tokio::test]
async fn a_new_link_costs_one_hint_and_one_node() {
    let own = Heard::new(1, [(1, Say::Own(contact(1), Some(company(1))))]);
    assert_eq!(calls(&[], &own).await, ["GetItem", "PutItem", "PutItem"]);
    let again = Heard::new(2, [(2, Say::Own(contact(1), Some(company(1))))]);
    assert_eq!(calls(&[own], &again).await, ["GetItem", "PutItem"], "the hint stands already");
}

#[tokio::test]
async fn facts_wait_for_the_links_of_their_delivery() {
    // The first three calls are the tries of the client to read the node.
    let faults = Faults::planned((0..3).map(|call| (call, Fault::Throttle)));
    let tables = engine::tables();
    let scene = Scene::broken(&faults, &tables);
    let one = Heard::new(1, [(1, Say::Own(company(1), Some(company(2)))), (1, Say::Named(company(1), "Acme"))]);
    let other = Heard::new(2, [(1, Say::Named(company(3), "Globex"))]);
    assert_eq!(scene.attempt([&one, &other]).await, BTreeSet::from(["1".to_owned()]));
    let known = scene.store.known().await.unwrap();
    assert_eq!(known.into_iter().map(|known| known.subject).collect::<Vec<_>>(), [company(3)]);
    scene.batch([&one]).await;
    assert_eq!(scene.store.known().await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_object_is_asked_for_once_however_often_it_is_named() {
    let scene = Scene::new();
    let wanted = |path: &str| FetchWanted { object: "company/1".into(), version: "7".into(), path: path.into() };
    for n in 1..3 {
        let mut read = Heard::new(n, []).read();
        read.normalized.fetches = vec![wanted("[0]"), wanted("[1]")];
        scene.normalize.finish(&read, false).await.unwrap();
        assert_eq!(scene.store.whole_outbox().await.unwrap().len() as u32, (n - 1).min(1), "not before it is written");
        scene.normalize.finish(&read, true).await.unwrap();
    }
    let outbox = scene.store.whole_outbox().await.unwrap();
    let [row] = outbox.as_slice() else { panic!("one event, not {}", outbox.len()) };
    assert_eq!(row.event.cause.delivery, Some(DeliveryId::from_stored("hubspot:001")));
    let EventBody::FetchRequested(request) = &row.event.body else { panic!("{}", row.event.body.kind()) };
    assert_eq!((request.object.as_str(), request.version.as_str()), ("company/1", "7"));
}

fn operator(statement: &OperatorStatement, received_at: Moment) -> Delivery {
    Delivery {
        connection: model::ConnectionName::from_stored("operator"),
        family: Family::Operator,
        received_at,
        body: serde_json::to_vec(statement).unwrap(),
        ..Heard::new(1, []).read().delivery
    }
}

#[tokio::test]
async fn an_operators_link_stands_at_once_and_can_be_taken_back() {
    let scene = Scene::new();
    let link = |target| OperatorStatement::Link { subject: contact(1), target };
    scene.batch(&[Heard::new(1, [(1, Say::Own(contact(1), Some(company(1))))])]).await;
    for (at, target, expected) in [
        (1, Some(Target::Subject(company(2))), vec![company(2), company(1)]),
        (2, Some(Target::Alone), vec![company(1)]),
        (3, None, vec![company(1)]),
    ] {
        scene.normalize.apply_now(&operator(&link(target), moment(at))).await.unwrap();
        assert_eq!(scene.targets(&contact(1)).await, expected);
        let alone = scene.store.node(&contact(1)).await.unwrap().value.up;
        assert_eq!(alone.live().any(|(_, _, target)| *target == Target::Alone), at == 2);
    }
}

#[tokio::test]
async fn an_operator_erases_people_and_nobody_else() {
    let scene = Scene::new();
    let ann = email("ann@acme.example");
    let subjects: Vec<SubjectId> = vec![ann.clone(), company(1), SubjectId::domain("acme.example").unwrap()];
    let delivery = operator(&OperatorStatement::Erase { subjects }, moment(1));
    scene.normalize.apply_now(&delivery).await.unwrap();
    assert!(scene.store.node(&ann).await.unwrap().value.up.erased.is_some());
    let config = super::scene::config();
    let paths: Vec<_> = normalized(&delivery, &config).quarantined.into_iter().map(|item| item.path).collect();
    assert_eq!(paths, ["erase.subjects[1]", "erase.subjects[2]"]);
}

#[test]
fn a_body_that_was_erased_says_nothing() {
    let config = super::scene::config();
    for family in [Family::Crm, Family::Operator] {
        let body = b" {\"erased\":true}\n".to_vec();
        let delivery = Delivery { family, body, ..Heard::new(1, []).read().delivery };
        assert_eq!(normalized(&delivery, &config), model::Normalized::default());
    }
}

#[tokio::test]
async fn what_is_understood_now_leaves_the_quarantine() {
    let scene = Scene::new();
    let mut read = Heard::new(1, []).read();
    read.delivery.body = crate::ERASED_BODY.to_vec();
    let item = |path: &str| QuarantinedItem { kind: QuarantineKind::Mapping, reason: "no".into(), path: path.into() };
    read.normalized.quarantined = vec![item("a"), item("b")];
    scene.normalize.finish(&read, true).await.unwrap();
    assert_eq!(scene.store.quarantined().await.unwrap().len(), 2);
    assert_eq!(scene.store.quarantined().await.unwrap()[0].kind, QuarantineKind::Mapping);
    assert_eq!(scene.normalize.mend(&read.delivery, moment(1)).await.unwrap(), 2);
    assert_eq!(scene.store.quarantined().await.unwrap(), []);
}
