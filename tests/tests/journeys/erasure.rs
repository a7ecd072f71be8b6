//! Erased is for ever, also against a write that was on its way while the erasure was applied.

use std::collections::BTreeSet;

use barometer::api::EraseRequest;
use model::{ListRegister, Moment, Slot, SubjectId};
use serde_json::json;
use store::{Node, Stored};
use tests::{Company, Setup, World, at};

const ADDRESS: &str = "mara.lindqvist@company-7.example";

fn now() -> Moment {
    at("2026-11-23T09:00:00Z")
}

async fn erase(world: &World) {
    let request = EraseRequest { person: Some(ADDRESS.to_owned()), dry_run: false };
    let report = world.host.erase(&request).await.unwrap();
    assert!(report.subjects.contains(&mara()), "{:?}", report.subjects);
    world.rest().await;
}

fn mara() -> SubjectId {
    SubjectId::vendor("hubspot", "contact", "501")
}

#[tokio::test(start_paused = true)]
async fn what_a_late_write_leaves_of_an_erased_person_goes_when_they_are_erased_again() {
    let world = World::new(Setup::new()).await;
    let store = world.host.store();
    world.deliver(&Company::healthy(7, now()).body(), now()).await;
    let contact = json!({ "vid": 501, "canonical-vid": 501, "portal-id": 4_242, "is-contact": true, "properties": {
        "email": { "value": ADDRESS, "versions": [{ "value": "x", "timestamp": now().as_millis() }] } } });
    world.deliver(&contact, now()).await;
    let [(list, connection, before)] = store.lists(&mara()).await.unwrap().try_into().unwrap();
    erase(&world).await;
    assert_eq!(store.lists(&mara()).await.unwrap(), []);

    // Another address of hers, which nobody else has named. The list came late; then only a claim that follows from it.
    for (n, with_list) in [(1, true), (2, false)] {
        let other = SubjectId::email(&format!("mara{n}@company-7.example")).unwrap();
        let register = ListRegister { listed: BTreeSet::from([other.clone()]), ..before.value.clone() };
        store.put_hint(&mara(), &other, None).await.unwrap();
        let mut node = Stored { value: Node::default(), rev: 0 };
        node.value.up.claim(Slot::list(&list, &mara(), &connection), register.claim_on(&other, &mara()));
        node.value.up.seen.insert(mara());
        assert!(store.put_node(&other, &node, node.value.up.change_since(&model::Up::default())).await.unwrap());
        if with_list {
            let late = Stored { value: Some(register), rev: 0 };
            assert!(store.put_list(&mara(), &list, &connection, &late).await.unwrap());
        }
        erase(&world).await;
        assert_eq!(store.lists(&mara()).await.unwrap(), []);
        let left = store.node(&other).await.unwrap().value.up;
        assert_eq!(left.targets().count(), 0, "{left:?}");
    }
}
