//! Workers that meet in the rare way, one schedule each, at the seam: who reads what before whom is said by the test.

use barometer::engine::Sequence;
use health::Health;
use model::{Band, ConnectionName, Delivery, DeliveryId, Family, Moment, Root, SubjectId, Up};
use normalize::Normalize;
use serde_json::{Value, json};
use store::Store;
use tests::gate::Gate;
use tests::history;
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

/// Company 1 is merged into company 2.
fn merge(n: i64) -> Delivery {
    let merge = json!([{
        "eventId": 1, "subscriptionId": 7, "portalId": 4_242, "appId": 5_401, "occurredAt": second(n).as_millis(),
        "subscriptionType": "company.merge", "attemptNumber": 0, "objectId": 2, "primaryObjectId": 2,
        "mergedObjectIds": [1], "newObjectId": 2, "numberOfPropertiesMoved": 4,
    }]);
    delivery("hubspot-app", &merge, n)
}

/// Ticket 41, of an organisation or without a word about that.
fn ticket(organization: Option<u32>, status: &str, n: i64) -> Delivery {
    let mut body = history::ticket(41, organization.unwrap_or_default(), status, n, second(n));
    if organization.is_none() {
        body["detail"].as_object_mut().unwrap().remove("organization_id");
    }
    delivery("zendesk", &body, n)
}

/// Ticket 41 of organisation 31 of company 1, which was merged into company 2; organisation 32 is company 3's. All of it
/// is heard.
async fn merged() -> (World, Option<Sequence>) {
    let world = World::new(Setup::new()).await;
    let store = world.host.store().clone();
    let mut deliveries: Vec<_> =
        (1..).zip([1, 2, 3]).map(|(n, id)| delivery("hubspot", &Company::healthy(id, second(0)).body(), n)).collect();
    let organization = |id, company, n| delivery("zendesk", &history::organization(id, company, n, second(n)), n);
    deliveries.extend([organization(31, "1", 4), organization(32, "3", 5), ticket(Some(31), "OPEN", 6)]);
    normalize(store.clone(), deliveries).await;
    let mut heard = None;
    hear(&world, &mut heard).await;
    normalize(store.clone(), vec![merge(7)]).await;
    hear(&world, &mut heard).await;
    assert_eq!(root(&store, &SubjectId::vendor("zendesk", "ticket", "41")).await, Root::At(company(2)));
    (world, heard)
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

/// One worker of `health` hears at once what the stream has told since.
async fn hear(world: &World, since: &mut Option<Sequence>) {
    let page = world.host.engine().records("Accounts", *since, 1_000).unwrap();
    *since = page.upto.or(*since);
    let of_health = |event: &Value| event["dynamodb"]["Keys"]["sk"]["S"].as_str().unwrap().starts_with("FACT#");
    let records: Vec<_> = page.records.into_iter().map(|record| record.event).filter(of_health).collect();
    assert!(!records.is_empty(), "somebody wrote something");
    let event = serde_json::from_value(json!({ "Records": records })).unwrap();
    let answer = Health::new(tests::config(), world.host.store().clone()).handle(event).await;
    assert!(answer.batch_item_failures.is_empty());
}

/// How often each of companies 1 to 3 was recomputed.
async fn recomputed(store: &Store) -> [u64; 3] {
    let mut versions = [0; 3];
    for (version, n) in versions.iter_mut().zip(1..) {
        *version = store.assessed(&company(n)).await.unwrap().version;
    }
    versions
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
    normalize(store.clone(), vec![merge(3)]).await;
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

#[tokio::test]
async fn what_a_ticket_tells_of_itself_recomputes_its_account_and_nobody_else() {
    let (world, mut heard) = merged().await;
    let store = world.host.store();
    let [one, two, three] = recomputed(store).await;
    assert!(one > 0, "company 1 was an account");
    normalize(store.clone(), vec![ticket(None, "PENDING", 8)]).await;
    hear(&world, &mut heard).await;
    assert_eq!(recomputed(store).await, [one, two + 1, three]);
    // Most tools say with everything where it belongs, which is where it did.
    normalize(store.clone(), vec![ticket(Some(31), "OPEN", 9)]).await;
    hear(&world, &mut heard).await;
    assert_eq!(recomputed(store).await, [one, two + 2, three]);
}

#[tokio::test]
async fn a_ticket_that_moves_and_then_tells_something_recomputes_where_it_was_and_where_it_is() {
    let (world, mut heard) = merged().await;
    let store = world.host.store();
    let [one, two, three] = recomputed(store).await;
    normalize(store.clone(), vec![ticket(Some(32), "OPEN", 8)]).await;
    normalize(store.clone(), vec![ticket(None, "PENDING", 9)]).await;
    hear(&world, &mut heard).await;
    assert_eq!(recomputed(store).await, [one + 1, two + 1, three + 1]);
}
