//! Every number explains itself (P4).

use barometer::api::{ReplayReport, ReplayRequest, ReplayWhich};
use jiff::SignedDuration;
use model::{DeliveryId, EventBody, Moment};
use tests::{Company, Setup, World, at};

fn hours(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_hours(n))
}

/// A company that turned red because of what its CSM said; two deliveries before said nothing of it.
async fn red() -> (World, Company) {
    let world = World::new(Setup::new()).await;
    let mut company = Company::healthy(7, hours(0));
    company.contacted(hours(-24 * 70), hours(0));
    world.deliver(&company.body(), hours(0)).await;
    company.set("customer_tier", "gold", hours(1));
    world.deliver(&company.body(), hours(1)).await;
    world.deliver(&company.feels("red", hours(2)).body(), hours(2)).await;
    (world, company)
}

#[tokio::test(start_paused = true)]
async fn points_add_up_and_every_value_stands_in_the_journaled_bytes() {
    let (world, company) = red().await;
    let explained = world.host.explain(company.account().as_str(), None).await.unwrap();
    assert_eq!(explained.gained_total, u32::from(explained.score_basis_points.unwrap()));
    assert_eq!(explained.missed_total, 10_000 - explained.gained_total);
    assert_eq!(explained.points.len(), 3);
    for point in &explained.points {
        let evidence = point.evidence.as_ref().unwrap();
        let delivery = world.host.store().delivery(&evidence.delivery).await.unwrap().unwrap();
        let body = String::from_utf8(delivery.body).unwrap();
        assert!(body.contains(&evidence.raw), "{} in {body}", evidence.raw);
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        let at_path = evidence.path.split('.').fold(&value, |value, part| &value[part]);
        assert_eq!(at_path.to_string(), evidence.raw, "at {}", evidence.path);
    }
}

#[tokio::test(start_paused = true)]
async fn an_alert_names_measure_from_to_path_and_raw_value() {
    let (world, _) = red().await;
    let events = world.host.store().whole_outbox().await.unwrap();
    let asked = events.iter().find_map(|row| match &row.event.body {
        EventBody::ActionRequested(request) => Some(request),
        _ => None,
    });
    let change = &asked.unwrap().alert.changes[0];
    assert_eq!((change.from.as_deref(), change.to.as_deref()), (Some("green"), Some("red")));
    let outbox = world.host.outbox().await.unwrap();
    let rendered = outbox[0].request.as_ref().unwrap().to_string();
    for part in [&change.measure, change.path.as_ref().unwrap(), "green → red", r#"\"red\""#] {
        assert!(rendered.contains(part), "{part} in {rendered}");
    }
    let delivery = world.host.store().delivery(change.delivery.as_ref().unwrap()).await.unwrap().unwrap();
    assert!(String::from_utf8(delivery.body).unwrap().contains(change.raw.as_ref().unwrap()));
}

async fn replayed(world: &World, company: &Company, without: Vec<DeliveryId>) -> ReplayReport {
    let which = ReplayWhich::Account(company.account().as_str().to_owned());
    world.host.replay(&ReplayRequest { which, act: false, without }).await.unwrap()
}

async fn named(world: &World) -> DeliveryId {
    let explained = world.host.explain("company 7", None).await.unwrap();
    let sentiment = explained.points.iter().find(|point| point.measure == "csm_sentiment").unwrap();
    sentiment.evidence.as_ref().unwrap().delivery.clone()
}

#[tokio::test(start_paused = true)]
async fn without_the_delivery_that_explain_names_there_is_no_alert() {
    let (world, company) = red().await;
    let report = replayed(&world, &company, vec![]).await;
    assert_eq!((report.actions.len(), report.differences.len()), (1, 0));
    let [fired] = &report.playbooks[..] else { panic!("one playbook: {:?}", report.playbooks) };
    assert_eq!((fired.name.as_str(), fired.fired, fired.accounts, fired.most), ("risk-mitigation", 1, 1, 1));
    let report = replayed(&world, &company, vec![named(&world).await]).await;
    assert_eq!(report.playbooks, []);
    assert_eq!(report.actions.len(), 0, "{:#?}", report.actions);
    assert_eq!(report.accounts[0].band, model::Band::Green);
}

#[tokio::test(start_paused = true)]
async fn a_later_snapshot_that_repeats_the_word_is_a_reason_of_its_own() {
    let (world, mut company) = red().await;
    let first = named(&world).await;
    company.set("customer_tier", "platinum", hours(3));
    world.deliver(&company.body(), hours(3)).await;
    assert_eq!(named(&world).await, first, "who says it again is not who said it");
    let report = replayed(&world, &company, vec![first.clone()]).await;
    assert_eq!(report.actions.len(), 1);
    let repeated = report.events.iter().find(|event| event.kind == "account.risk_opened").unwrap();
    assert!(!repeated.recorded, "under an id of its own, because the news came with another delivery");
}
