//! Workers that meet in the rare way, one schedule each, at the seam: who reads what before whom is said by the test.

use health::Health;
use model::{Band, ConnectionName, Delivery, DeliveryId, Family, Moment, Root, SubjectId, Up};
use normalize::Normalize;
use serde_json::{Value, json};
use store::Store;
use tests::gate::Gate;
use tests::{Company, Setup, World, at};

fn second(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(jiff::SignedDuration::from_secs(n))
}

fn company(n: u64) -> SubjectId {
    SubjectId::vendor("hubspot", "company", &n.to_string())
}

fn domain(text: &str) -> SubjectId {
    SubjectId::domain(text).unwrap()
}

fn delivery(connection: &str, body: &Value, n: i64) -> Delivery {
    let connection = ConnectionName::from_stored(connection);
    Delivery {
        id: DeliveryId::new(&connection, &format!("d{n}")),
        connection,
        family: Family::Crm,
        received_at: second(n),
        body_sha256: format!("{n:064}"),
        headers: std::collections::BTreeMap::new(),
        body: body.to_string().into_bytes(),
        same_key_as: None,
    }
}

/// One worker of `normalize` takes these deliveries as a batch.
async fn normalize(store: Store, deliveries: Vec<Delivery>) {
    let record = |(n, delivery): (usize, &Delivery)| {
        let change = json!({ "Keys": {}, "NewImage": store::stream_image(delivery).unwrap(), "SequenceNumber": format!("{n:021}") });
        json!({ "eventName": "INSERT", "dynamodb": change })
    };
    let records: Vec<_> = deliveries.iter().enumerate().map(record).collect();
    let event = serde_json::from_value(json!({ "Records": records })).unwrap();
    let answer = Normalize::new(tests::config(), store).handle(event).await;
    assert!(answer.batch_item_failures.is_empty());
}

/// One worker of `health` hears that the row `sk` of `subject` changed.
async fn judge(store: Store, subject: SubjectId, sk: &str) {
    let keys = json!({ "pk": { "S": format!("SUBJECT#{subject}") }, "sk": { "S": sk } });
    let record =
        json!({ "eventName": "MODIFY", "dynamodb": { "Keys": keys, "SequenceNumber": "000000000000000000001" } });
    let event = serde_json::from_value(json!({ "Records": [record] })).unwrap();
    let answer = Health::new(tests::config(), store).handle(event).await;
    assert!(answer.batch_item_failures.is_empty());
}

async fn root(store: &Store, subject: &SubjectId) -> Root {
    let mut ups = std::collections::BTreeMap::<SubjectId, Up>::new();
    loop {
        match model::walk(subject, &ups) {
            Ok(walk) => return walk.root,
            Err(missing) => {
                for (subject, node) in store.nodes(&missing).await.unwrap() {
                    ups.insert(subject, node.value.up);
                }
            }
        }
    }
}

fn writes_assessment(operation: &str, body: &str) -> bool {
    ["PutItem", "TransactWriteItems"].contains(&operation) && body.contains(r#"{"S":"ASSESSMENT"}"#)
}

#[tokio::test]
async fn a_slow_recompute_never_commits_what_it_read_before_the_news() {
    let world = World::new(Setup::new()).await;
    let store = world.host.store().clone();
    let mut acme = Company::healthy(1, second(0));
    normalize(store.clone(), vec![delivery("hubspot", &acme.body(), 1)]).await;
    judge(store.clone(), company(1), "FACT#PROFILE").await;
    let silent = second(-86_400 * 120);
    let red = delivery("hubspot", &acme.feels("red", second(2)).contacted(silent, second(2)).body(), 2);
    normalize(store.clone(), vec![red]).await;
    let (slow, gate) = Gate::before(&world, writes_assessment);
    let slow = tokio::spawn(judge(slow, company(1), "FACT#SENTIMENT"));
    gate.reached().await;
    let green = delivery("hubspot", &acme.feels("green", second(3)).contacted(second(0), second(3)).body(), 3);
    normalize(store.clone(), vec![green]).await;
    judge(store.clone(), company(1), "FACT#SENTIMENT").await;
    gate.open();
    slow.await.unwrap();
    let held = store.assessed(&company(1)).await.unwrap();
    let assessment = held.assessment.unwrap();
    assert_eq!((assessment.band, assessment.as_of), (Band::Green, second(3)));
    let partitions = store.partition(&company(1)).await.unwrap();
    assert!(partitions[&company(1)].episodes.is_empty(), "what was decided over old facts was not written");
}

#[tokio::test]
async fn an_account_that_is_merged_away_during_its_first_assessment_is_not_assessed() {
    let world = World::new(Setup::new()).await;
    let store = world.host.store().clone();
    let both =
        [1, 2].map(|id| delivery("hubspot", &Company::healthy(id, second(0)).body(), i64::try_from(id).unwrap()));
    normalize(store.clone(), both.to_vec()).await;
    let (slow, gate) = Gate::before(&world, writes_assessment);
    let slow = tokio::spawn(judge(slow, company(1), "FACT#PROFILE"));
    gate.reached().await;
    let merge = json!([{
        "eventId": 1, "subscriptionId": 7, "portalId": 4_242, "appId": 5_401, "occurredAt": second(3).as_millis(),
        "subscriptionType": "company.merge", "attemptNumber": 0, "objectId": 2, "primaryObjectId": 2,
        "mergedObjectIds": [1], "newObjectId": 2, "numberOfPropertiesMoved": 4,
    }]);
    normalize(store.clone(), vec![delivery("hubspot-app", &merge, 3)]).await;
    judge(store.clone(), company(1), "FACT#UP").await;
    judge(store.clone(), company(2), "FACT#PROFILE").await;
    gate.open();
    slow.await.unwrap();
    assert_eq!(root(&store, &company(1)).await, Root::At(company(2)));
    assert_eq!(store.assessed(&company(1)).await.unwrap().assessment, None);
    assert_eq!(store.assessed(&company(2)).await.unwrap().assessment.unwrap().card.name, "Company 2");
}

#[tokio::test]
async fn a_list_that_shrinks_while_an_older_one_is_being_written_leaves_no_claim_behind() {
    let world = World::new(Setup::new()).await;
    let store = world.host.store().clone();
    let listing = |text: &str, n: i64| {
        let mut acme = Company::healthy(1, second(0));
        delivery("hubspot", &acme.set("domain", text, second(n)).body(), n)
    };
    let (slow, gate) = Gate::before(&world, |operation, body| operation == "PutItem" && body.contains("LIST#"));
    let slow = tokio::spawn(normalize(slow, vec![listing("old.example", 1)]));
    gate.reached().await;
    assert_eq!(root(&store, &domain("old.example")).await, Root::At(company(1)), "claims stand before the list does");
    normalize(store.clone(), vec![listing("new.example", 2)]).await;
    gate.open();
    slow.await.unwrap();
    assert_eq!(root(&store, &domain("new.example")).await, Root::At(company(1)));
    assert_eq!(root(&store, &domain("old.example")).await, Root::At(domain("old.example")));
}

#[tokio::test]
async fn a_hint_stands_before_the_claim_it_leads_to() {
    let world = World::new(Setup::new()).await;
    let store = world.host.store().clone();
    let acme = Company::healthy(1, second(0)).body();
    let claims = |operation: &str, body: &str| {
        operation == "PutItem" && body.contains("FACT#UP") && body.contains("SUBJECT#domain:company-1.example")
    };
    let (slow, gate) = Gate::before(&world, claims);
    let slow = tokio::spawn(normalize(slow, vec![delivery("hubspot", &acme, 1)]));
    gate.reached().await;
    let partitions = store.partition(&company(1)).await.unwrap();
    assert!(partitions[&company(1)].members.contains(&domain("company-1.example")));
    assert_eq!(store.node(&domain("company-1.example")).await.unwrap().rev, 0, "no claim yet");
    // The worker ends here; the delivery comes again.
    slow.abort();
    normalize(store.clone(), vec![delivery("hubspot", &acme, 1)]).await;
    assert_eq!(root(&store, &domain("company-1.example")).await, Root::At(company(1)));
}
