//! A parent stands as its children do: from the CRM's bodies to what `explain` shows, and what it costs.

use std::sync::Arc;

use barometer::api::{Explanation, ReplayRequest, ReplayWhich};
use jiff::SignedDuration;
use model::{Band, EventBody, LeftOutBecause, Moment};
use tests::{Company, Setup, World, at, config_files, dump};

fn hours(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_hours(n))
}

/// Companies of which children count for their parents by what they pay.
async fn world() -> World {
    let mut files = config_files();
    let health = files.0.get_mut("health.toml").unwrap();
    *health = health.replacen("[bands]", "roll_up = \"revenue_weighted\"\n\n[bands]", 1);
    let config = Arc::new(config::load(&files, &connectors::tools()).unwrap());
    World::new(Setup { config, ..Setup::new() }).await
}

fn child(id: u64, parent: u64, arr: u64) -> Company {
    let mut company = Company::healthy(id, hours(0));
    company.set("annual_recurring_revenue", &arr.to_string(), hours(0));
    company.set("hs_parent_company_id", &parent.to_string(), hours(0));
    company
}

/// Company 1, and the children 2 and 3, of which the second pays three times as much; all green, and messages go out.
async fn family() -> (World, [Company; 3]) {
    let world = world().await;
    let family = [Company::healthy(1, hours(0)), child(2, 1, 20_000), child(3, 1, 60_000)];
    for company in &family {
        world.deliver(&company.body(), hours(0)).await;
    }
    world.until(hours(1));
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    (world, family)
}

async fn explained(world: &World, company: &Company) -> Explanation {
    world.host.explain(company.account().as_str(), None).await.unwrap()
}

/// How often an account was recomputed.
async fn version(world: &World, company: &Company) -> u64 {
    world.host.store().assessed(&company.account()).await.unwrap().version
}

/// The rows by which parents were told, as text.
fn rows(world: &World) -> Vec<String> {
    dump::tables(world).into_iter().filter(|line| line.contains("\"FACT#CHILD#")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_parent_shows_its_children_and_their_sum() {
    let (world, [parent, mut second, third]) = family().await;
    // Half of what the smaller one could score is gone.
    world.deliver(&second.feels("yellow", hours(2)).body(), hours(2)).await;
    let it = explained(&world, &parent).await;
    let rolled = it.roll_up.as_ref().unwrap();
    let rows: Vec<_> = rolled.rows.iter().map(|row| (&row.child, row.score.shown(), row.share, row.gained)).collect();
    assert_eq!(rows, [(&second.account(), 80, 2_500, 2_000), (&third.account(), 100, 7_500, 7_500)]);
    assert_eq!((it.score, it.score_basis_points, it.band), (Some(95), Some(9_500), Band::Green));
    let own = rolled.own_score.unwrap().basis_points();
    assert_eq!((u32::from(own), own, rolled.own_band), (it.gained_total, 10_000, Band::Green));
    assert_eq!(explained(&world, &second).await.counts_for, Some(parent.account()));
    let json = serde_json::to_value(&it).unwrap();
    assert_eq!(json["roll_up"]["mode"], "revenue_weighted");
    assert_eq!(json["roll_up"]["rows"][1]["weight"]["revenue"]["minor"], 6_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_turns_red_is_looked_at_once_more_by_its_parent_and_nobody_else() {
    let (world, [parent, second, mut third]) = family().await;
    let before = [version(&world, &parent).await, version(&world, &second).await, version(&world, &third).await];
    third.feels("red", hours(2)).contacted(hours(-24 * 100), hours(2));
    world.deliver(&third.body(), hours(2)).await;
    let after = [version(&world, &parent).await, version(&world, &second).await, version(&world, &third).await];
    assert_eq!(after, [before[0] + 1, before[1], before[2] + 1]);
    let it = explained(&world, &parent).await;
    // A quarter of 100 and three quarters of 25.
    assert_eq!((it.score_basis_points, it.band, it.episodes.len()), (Some(4_375), Band::Yellow, 0));
    // The other one as well: now the parent is red, and its alert names the child, and what its CRM said.
    let mut second = second;
    second.feels("red", hours(3)).contacted(hours(-24 * 100), hours(3));
    world.deliver(&second.body(), hours(3)).await;
    let it = explained(&world, &parent).await;
    assert_eq!((it.score_basis_points, it.band, it.episodes.len()), (Some(2_500), Band::Red, 1));
    let events = world.host.store().whole_outbox().await.unwrap();
    let asked = events.iter().find_map(|row| match &row.event.body {
        EventBody::ActionRequested(request) if row.event.account == parent.account() => Some(request),
        _ => None,
    });
    let change = &asked.unwrap().alert.changes[0];
    assert_eq!((change.measure.as_str(), change.from.as_deref()), ("Company 2", Some("100")));
    let delivery = world.host.store().delivery(change.delivery.as_ref().unwrap()).await.unwrap().unwrap();
    assert!(String::from_utf8(delivery.body).unwrap().contains(change.raw.as_ref().unwrap()));
    // One for each of them, wherever their reader's desk puts it.
    let asked = events.iter().filter(|row| matches!(row.event.body, EventBody::ActionRequested(_)));
    let mut accounts: Vec<_> = asked.map(|row| row.event.account.clone()).collect();
    accounts.sort();
    assert_eq!(accounts, [parent.account(), second.account(), third.account()]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_taken_away_counts_no_more() {
    let (world, [parent, mut second, mut third]) = family().await;
    world.deliver(&third.feels("red", hours(2)).body(), hours(2)).await;
    assert_eq!(explained(&world, &parent).await.score_basis_points, Some(7_000));
    world.deliver(&third.set("hs_parent_company_id", "", hours(3)).body(), hours(3)).await;
    let it = explained(&world, &parent).await;
    assert_eq!((it.score_basis_points, it.roll_up.unwrap().rows.len()), (Some(10_000), 1));
    assert_eq!(explained(&world, &third).await.counts_for, None);
    // One that is a customer no more is none either.
    world.deliver(&second.set("lifecyclestage", "other", hours(4)).body(), hours(4)).await;
    assert_eq!(explained(&world, &parent).await.roll_up, None);
    let told = rows(&world);
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|row| row.contains(r#""standing":{"NULL":true}"#)), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn companies_that_name_each_other_are_judged_by_their_own_facts() {
    let world = world().await;
    let mut ring = [child(1, 2, 10_000), child(2, 3, 10_000), child(3, 1, 10_000)];
    ring[2].feels("red", hours(0));
    for company in &ring {
        world.deliver(&company.body(), hours(0)).await;
    }
    let mut scores = vec![];
    for company in &ring {
        let it = explained(&world, company).await;
        assert_eq!(it.roll_up.unwrap().left_out[0].because, LeftOutBecause::Ring);
        scores.push(it.score.unwrap());
    }
    assert_eq!(scores, [100, 100, 60]);
    // At rest they cost nothing.
    let before = world.faults.made().len();
    world.rest().await;
    assert_eq!(world.faults.made()[before..].iter().filter(|call| call.to_string().starts_with("Health")).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_merged_parent_takes_its_children_along() {
    let (world, [_, second, _]) = family().await;
    let survivor = Company::healthy(9, hours(2));
    world.deliver(&survivor.body(), hours(2)).await;
    let merged = hours(3).as_millis();
    let merge = serde_json::json!([{
        "eventId": 1, "subscriptionId": 1, "portalId": 4_242, "appId": 1, "occurredAt": merged,
        "subscriptionType": "company.merge", "attemptNumber": 0, "objectId": 9, "changeFlag": "MERGED",
        "primaryObjectId": 9, "mergedObjectIds": [1], "newObjectId": 9, "numberOfPropertiesMoved": 1,
    }]);
    world.deliver_from("hubspot-app", &merge, hours(3)).await;
    let it = explained(&world, &survivor).await;
    assert_eq!(it.roll_up.unwrap().rows.len(), 2);
    assert_eq!(explained(&world, &second).await.roll_up, None);
}

#[tokio::test(start_paused = true)]
async fn a_child_without_a_contract_has_that_of_the_nearest_company_above() {
    let (world, [parent, second, _]) = family().await;
    let mut last = child(4, 2, 0);
    last.set("annual_recurring_revenue", "", hours(2)).set("renewal_date", "", hours(2));
    world.deliver(&last.body(), hours(2)).await;
    let held = explained(&world, &last).await.contract.unwrap();
    assert_eq!((held.holder, held.arr.unwrap().major()), (second.account(), 20_000));
    let mut second = second;
    second.set("annual_recurring_revenue", "", hours(3)).set("renewal_date", "", hours(3));
    world.deliver(&second.body(), hours(3)).await;
    let held = explained(&world, &last).await.contract.unwrap();
    assert_eq!((held.holder, held.name.as_str()), (parent.account(), "Company 1"));
    assert_eq!(explained(&world, &parent).await.contract, None, "its own is no other's");
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_a_group_decides_what_was_decided() {
    let (world, [parent, mut second, mut third]) = family().await;
    third.feels("red", hours(2)).contacted(hours(-24 * 100), hours(2));
    world.deliver(&third.body(), hours(2)).await;
    world.deliver(&second.feels("red", hours(3)).body(), hours(3)).await;
    world.pass_until(hours(24 * 100)).await;
    world.deliver(&third.set("hs_parent_company_id", "2", hours(24 * 101)).body(), hours(24 * 101)).await;
    world.pass_until(hours(24 * 120)).await;
    let all = ReplayWhich::Received { since: Moment::EARLIEST, until: None };
    for which in [all, ReplayWhich::Account(parent.account().to_string())] {
        let report = world.host.replay(&ReplayRequest { which, act: false, without: vec![] }).await.unwrap();
        assert!(report.differences.is_empty(), "{:#?}", report.differences);
        assert!(report.events.iter().any(|event| event.kind == "account.band_changed"));
    }
    let then = world.host.explain(parent.account().as_str(), Some(hours(1))).await.unwrap();
    assert_eq!(then.roll_up.unwrap().rows.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn trouble_of_a_child_without_a_contract_is_told_in_the_thread_of_whose_contract_it_is() {
    let world = World::new(Setup::new()).await;
    let without_contract = |id: u64, parent: u64| {
        let mut company = child(id, parent, 0);
        company.set("annual_recurring_revenue", "", hours(0)).set("renewal_date", "", hours(0));
        company
    };
    // 2 belongs to 1, and 3 to 2; 4 has a contract of its own, and 5 another CSM.
    let mut family = [Company::healthy(1, hours(0)), without_contract(2, 1), without_contract(3, 2)];
    let mut others = [child(4, 1, 9_000), without_contract(5, 1)];
    others[1].set("customer_success_manager", "tom.brandt@ourco.example", hours(0));
    for company in family.iter().chain(&others) {
        world.deliver(&company.body(), hours(0)).await;
    }
    world.until(hours(1));
    world.host.golive(&Default::default()).await.unwrap();
    for company in family.iter_mut().chain(&mut others) {
        company.feels("red", hours(1)).contacted(hours(-24 * 120), hours(1));
        world.deliver(&company.body(), hours(1)).await;
    }
    world.pass_until(hours(2)).await;
    let messages = world.slack.messages();
    let about = |id: u64| {
        let name = format!("Company {id}*");
        let all: Vec<_> = messages.iter().filter(|message| message["text"].as_str().unwrap().contains(&name)).collect();
        assert_eq!(all.len(), 1, "{messages:#?}");
        all[0].clone()
    };
    let nth = messages.iter().position(|message| *message == about(1)).unwrap() + 1;
    let thread = format!("1790000000.{nth:06}");
    assert_eq!(about(1)["thread_ts"], serde_json::Value::Null);
    for id in [2, 3] {
        assert_eq!((&about(id)["thread_ts"], &about(id)["channel"]), (&thread.as_str().into(), &"C0TEST".into()));
    }
    assert_eq!(about(4)["thread_ts"], serde_json::Value::Null, "a contract of its own");
    assert_eq!((&about(5)["thread_ts"], &about(5)["channel"]), (&serde_json::Value::Null, &"U0TOMB0002".into()));
}
