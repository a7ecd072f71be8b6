//! A 2xx goes out when the delivery is durable, and not before; a repeat is answered alike and changes nothing.

use model::Delivery;
use runtime::lambda::HttpAnswer;
use serde_json::Value;
use store::Journaled;
use testkit::faults::{Fault, Faults};
use tests::{Company, Setup, World};

use super::{check, company, journal, now, request, send, world};

const PUT: &str = "Webhook: dynamodb PutItem";

fn calls(world: &World) -> Vec<String> {
    world.faults.made().iter().map(ToString::to_string).collect()
}

/// Every item, bookkeeping included.
fn tables(world: &World) -> Vec<(String, Vec<Value>)> {
    let tables = world.host.stack().tables.iter();
    tables.map(|table| (table.logical_id.clone(), world.host.engine().dump(&table.logical_id))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_delivery_is_durable_after_one_call_and_as_it_was_sent() {
    let world = world().await;
    let body = b" {\"objectType\":\"COMPANY\",\n\"objectId\":7}\t";
    check(&world, request(body), 200, "the first").await;
    assert_eq!(calls(&world), [PUT]);
    let kept = journal(&world).await.remove(0);
    assert_eq!((kept.body.as_slice(), kept.received_at), (&body[..], now()));
    assert!(kept.headers.is_empty(), "no header is needed later, so none is kept: {:?}", kept.headers);
}

/// What the sender sees of a request in which the calls of `plan` go wrong, how often the store is called for it, and
/// how many deliveries are kept then.
struct Broken {
    plan: &'static [(usize, Fault)],
    seen: Option<u16>,
    calls: usize,
    kept: usize,
}

const BROKEN: [Broken; 8] = [
    Broken { plan: &[(0, Fault::Throttle)], seen: Some(200), calls: 2, kept: 1 },
    Broken { plan: &[(0, Fault::Throttle), (1, Fault::Throttle)], seen: Some(200), calls: 3, kept: 1 },
    Broken {
        plan: &[(0, Fault::Throttle), (1, Fault::Throttle), (2, Fault::Throttle)],
        seen: Some(503),
        calls: 3,
        kept: 0,
    },
    Broken { plan: &[(0, Fault::CrashBefore)], seen: None, calls: 1, kept: 0 },
    Broken { plan: &[(0, Fault::CrashAfter)], seen: None, calls: 1, kept: 1 },
    Broken { plan: &[(0, Fault::LostAnswer)], seen: Some(200), calls: 2, kept: 1 },
    Broken {
        plan: &[(0, Fault::LostAnswer), (1, Fault::LostAnswer), (2, Fault::LostAnswer)],
        seen: Some(503),
        calls: 3,
        kept: 1,
    },
    Broken {
        plan: &[(0, Fault::LostAnswer), (1, Fault::Throttle), (2, Fault::Throttle)],
        seen: Some(503),
        calls: 3,
        kept: 1,
    },
];

#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_before_it_is_durable() {
    for broken in BROKEN {
        let what = format!("{:?}", broken.plan);
        let faults = Faults::planned(broken.plan.iter().copied());
        let world = World::new(Setup { faults, ..Setup::new() }).await;
        let answer = world.host.receive(request(&company(7))).await;
        assert_eq!(answer.as_ref().ok().map(|answer| answer.status_code), broken.seen, "{what}");
        if let Ok(HttpAnswer { status_code: 503, headers, .. }) = &answer {
            assert_eq!(headers["retry-after"], "30", "{what}");
        }
        assert_eq!(world.faults.struck(), broken.plan.len(), "{what}");
        assert_eq!(calls(&world), vec![PUT; broken.calls], "{what}");
        assert_eq!(journal(&world).await.len(), broken.kept, "{what}");

        check(&world, request(&company(7)), 200, &format!("sent again after {what}")).await;
        assert_eq!(journal(&world).await.len(), 1, "{what}: kept once");
        world.rest().await;
        let account = Company::healthy(7, now()).account();
        let partitions = world.host.store().partition(&account).await.unwrap();
        assert_eq!(partitions[&account].facts.len(), 1, "{what}: understood");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_delivery_gets_the_same_answer_and_writes_nothing() {
    let world = world().await;
    let body = Company::healthy(7, now()).body().to_string().into_bytes();
    let first = send(&world, request(&body)).await;
    assert_eq!(first.status_code, 200);
    world.rest().await;
    let (before, made) = (tables(&world), calls(&world));
    assert!(before.iter().all(|(_, items)| !items.is_empty()));
    for hours in 0..3 {
        let mut event = request(&body);
        event.request_context.time_epoch += hours * 3_600_000;
        assert_eq!(send(&world, event).await, first);
    }
    world.rest().await;
    assert_eq!(tables(&world), before);
    assert_eq!(calls(&world)[made.len()..], [PUT; 3], "one call each, and nobody is woken");
}

#[tokio::test(start_paused = true)]
async fn the_same_delivery_many_times_at_once_is_kept_once() {
    let world = world().await;
    let send = |later_ms: i64| {
        let mut event = request(&company(7));
        event.request_context.time_epoch += later_ms;
        world.host.receive(event)
    };
    let (a, b, c, d) = tokio::join!(send(0), send(1), send(2), send(3));
    assert!([&a, &b, &c, &d].iter().all(|answer| answer.as_ref().unwrap().status_code == 200));
    let kept: Vec<_> = journal(&world).await.iter().map(|delivery| delivery.received_at).collect();
    assert_eq!(kept, [now()], "the first, and nobody wrote over it");
}

/// Two deliveries to which the vendor gave one id.
fn of_one_id(body: &[u8], sha256: &str) -> Delivery {
    let connection = "hubspot".parse().unwrap();
    Delivery {
        id: model::DeliveryId::new(&connection, "evt_1"),
        connection,
        family: model::Family::Crm,
        received_at: now(),
        body_sha256: sha256.repeat(64),
        headers: Default::default(),
        body: body.to_vec(),
        same_key_as: None,
    }
}

#[tokio::test(start_paused = true)]
async fn other_bytes_under_a_used_id_are_kept_beside_and_flagged() {
    let world = world().await;
    let store = world.host.store();
    let (first, other) = (of_one_id(&company(7), "a"), of_one_id(&company(8), "b"));
    let beside = first.id.with_other_bytes(&other.body_sha256);
    assert_eq!(store.journal(&first).await.unwrap(), Journaled::New);
    assert_eq!(store.journal(&other).await.unwrap(), Journaled::KeptBeside(beside.clone()));
    for again in [&first, &other] {
        assert_eq!(store.journal(again).await.unwrap(), Journaled::Repeated);
    }
    let kept = journal(&world).await;
    assert_eq!(kept.len(), 2);
    assert!(kept.contains(&first));
    assert!(kept.contains(&Delivery { id: beside.clone(), same_key_as: Some(first.id.clone()), ..other }));
    world.rest().await;
    for id in [7, 8] {
        let account = Company::healthy(id, now()).account();
        let partitions = store.partition(&account).await.unwrap();
        assert_eq!(partitions[&account].facts.len(), 1, "what company {id} says is not lost");
    }
    let rows = world.host.journal().await.unwrap();
    let flagged: Vec<_> = rows.iter().filter(|row| row.same_key_as.is_some()).map(|row| &row.id).collect();
    assert_eq!(flagged, [&beside]);
}
