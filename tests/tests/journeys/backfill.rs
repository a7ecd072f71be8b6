//! What a vendor holds already is read page by page, and however often that is interrupted, the journal is the same.

use std::collections::BTreeMap;

use barometer::api::{BackfillPage, BackfillRequest, ReplayRequest, ReplayWhich};
use jiff::SignedDuration;
use model::Moment;
use serde_json::{Value, json};
use store::{Backfill, BackfillCount};
use testkit::faults::Faults;
use tests::{Setup, Vendor, World, at};

const APP: &str = "hubspot-app";
const DESK: &str = "zendesk";

fn minute(n: i64) -> Moment {
    at("2026-11-23T09:00:00Z").plus(SignedDuration::from_mins(n))
}

fn company(id: u64, feels: &str, changed: &str) -> Value {
    let set = |value: &str| json!([{ "value": value, "timestamp": changed, "sourceType": "CRM_UI" }]);
    let values = [
        ("name", format!("Company {id}")),
        ("lifecyclestage", "customer".to_owned()),
        ("csm_sentiment", feels.to_owned()),
    ];
    let properties: BTreeMap<_, _> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let history: BTreeMap<_, _> = values.iter().map(|(name, value)| (*name, set(value))).collect();
    json!({ "id": id.to_string(), "properties": properties, "propertiesWithHistory": history,
        "createdAt": changed, "updatedAt": changed, "archived": false })
}

fn page(records: &[Value], next: Option<u64>) -> String {
    let mut page = json!({ "results": records });
    if let Some(after) = next {
        page["paging"] = json!({ "next": { "after": after.to_string() } });
    }
    page.to_string()
}

/// Seven companies on three pages, one contact; no deals and no tickets.
fn portal() -> Vendor {
    let vendor = Vendor::default();
    let companies: Vec<_> =
        (1..=7).map(|id| company(id, if id == 3 { "red" } else { "green" }, "2026-11-01T08:00:00Z")).collect();
    let path = "/crm/v3/objects/companies";
    vendor.has(path, 200, &page(&companies[..3], Some(3)));
    vendor.has_page(path, "3", &page(&companies[3..6], Some(6)));
    vendor.has_page(path, "6", &page(&companies[6..], None));
    let contact = json!({ "id": "51", "properties": { "email": "ann@acme.example" }, "updatedAt": "2026-10-01T00:00:00Z",
        "associations": { "companies": { "results": [{ "id": "1", "type": "contact_to_company" }] } } });
    vendor.has("/crm/v3/objects/contacts", 200, &page(&[contact], None));
    vendor.has("/crm/v3/objects/deals", 200, &page(&[], None));
    vendor.has("/crm/v3/objects/tickets", 200, &page(&[], None));
    vendor
}

fn nothing_deleted(vendor: &Vendor) {
    for kind in ["companies", "contacts", "deals", "tickets"] {
        vendor.has_deleted(&format!("/crm/v3/objects/{kind}"), &page(&[], None));
    }
}

fn setup() -> Setup {
    let secrets = tests::secrets(true);
    let read: barometer::host::ReadSecrets = std::sync::Arc::new(move || {
        let mut file = secrets.clone();
        for name in [APP, DESK] {
            file.connections.entry(name.parse().unwrap()).and_modify(|held| held.token = Some("pat-1".to_owned()));
        }
        Ok(file)
    });
    Setup { vendor: portal(), secrets: Some(read), start: minute(0), ..Setup::new() }
}

async fn next(world: &World, begin: bool) -> BackfillPage {
    let request = BackfillRequest { of: "hubspot".to_owned(), changed_since: None, begin, restart: false };
    world.host.backfill(&request).await.unwrap()
}

/// All deliveries by id, with what they say.
async fn journal(world: &World) -> BTreeMap<String, Vec<u8>> {
    let all = world.host.store().whole_journal().await.unwrap();
    all.into_iter().map(|delivery| (delivery.id.to_string(), delivery.body)).collect()
}

async fn undisturbed() -> World {
    journey(Faults::default()).await
}

/// HubSpot's records are read, in a world that is broken as `faults` say.
pub async fn journey(faults: Faults) -> World {
    read_to_its_end(Setup { faults, ..setup() }).await
}

/// A world in which HubSpot's records were read.
async fn read_to_its_end(setup: Setup) -> World {
    let world = World::new(setup).await;
    let mut begin = true;
    while !next(&world, begin).await.done {
        begin = false;
        world.rest().await;
    }
    world.rest().await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_portal_is_read_to_its_end_and_is_no_news() {
    let world = undisturbed().await;
    assert_eq!(journal(&world).await.len(), 8);
    assert_eq!(world.host.accounts().await.unwrap().len(), 7);
    assert!(world.vendor.asked().iter().all(|asked| asked.authorization == "Bearer pat-1"));
    assert_eq!(world.host.outbox().await.unwrap(), vec![], "a book that is loaded starts nothing");
    let third = world.host.explain("hubspot:company:3", None).await.unwrap();
    assert!(third.sentiment.is_some_and(|said| said.word == "red"));
    let which = ReplayWhich::Received { since: minute(-1), until: None };
    let replayed = world.host.replay(&ReplayRequest { which, act: false, without: vec![] }).await.unwrap();
    assert_eq!(replayed.differences, vec![]);

    // Read again, nothing is new.
    let again = next(&world, true).await;
    assert_eq!((again.read["company"].new, again.read["company"].known), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn killed_anywhere_and_run_again_it_ends_with_the_same_journal() {
    let whole = journal(&undisturbed().await).await;
    for killed_after in 0..6 {
        let mut world = World::new(setup()).await;
        for at in 0..killed_after {
            next(&world, at == 0).await;
        }
        // The last thing a killed run may not have done is to keep where the next page begins.
        let app = APP.parse().unwrap();
        let before = Backfill { kind: Some("company".into()), after: Some("3".into()), ..Backfill::default() };
        if killed_after == 2 {
            world.host.store().set_backfill(&app, &before).await.unwrap();
        }
        world = world.again(setup()).await;
        let first = next(&world, true).await;
        assert_eq!(first.resumed, killed_after > 0, "after {killed_after}");
        let mut done = first.done;
        while !done {
            done = next(&world, false).await.done;
        }
        assert_eq!(journal(&world).await, whole, "after {killed_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_changed_is_kept_and_a_refusal_says_what_to_do() {
    let world = World::new(setup()).await;
    world.vendor.has_page("/crm/v3/objects/companies", "3", &page(&[company(4, "red", "2026-11-20T00:00:00Z")], None));
    nothing_deleted(&world.vendor);
    let mut request = BackfillRequest {
        of: APP.to_owned(),
        changed_since: Some(at("2026-11-10T00:00:00Z")),
        begin: true,
        restart: false,
    };
    while !world.host.backfill(&request).await.unwrap().done {
        request.begin = false;
    }
    assert_eq!(
        journal(&world).await.into_keys().collect::<Vec<_>>(),
        ["hubspot-app:history~company/4~2026-11-20T00:00:00.000Z"]
    );

    world.vendor.rests("/crm/v3/objects/companies", 7);
    let restart = BackfillRequest { restart: true, begin: true, ..request.clone() };
    let rests = world.host.backfill(&restart).await.unwrap();
    assert_eq!((rests.wait_ms, rests.done), (Some(7_000), false));
    world.vendor.has("/crm/v3/objects/companies", 403, "");
    let refused = world.host.backfill(&restart).await.unwrap_err().to_string();
    assert!(refused.contains("scope"), "{refused}");
    world.vendor.has("/crm/v3/objects/companies", 200, "{}");
    let odd = world.host.backfill(&restart).await.unwrap_err().to_string();
    assert!(odd.contains("results: expected a list of records"), "{odd}");
    let of = |of: &str| BackfillRequest { of: of.to_owned(), ..restart.clone() };
    assert!(world.host.backfill(&of("typeform")).await.unwrap_err().to_string().contains("`typeform`"));
    let without = World::new(Setup { secrets: None, ..setup() }).await;
    assert!(without.host.backfill(&of("zendesk")).await.unwrap_err().to_string().contains("no token for `zendesk`"));
}

/// A company that was deleted in HubSpot while nobody told us.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_was_missed_is_noticed_the_night_after() {
    let world = undisturbed().await;
    nothing_deleted(&world.vendor);
    let mut gone = company(3, "red", "2026-11-01T08:00:00Z");
    (gone["archived"], gone["archivedAt"]) = (json!(true), json!("2026-11-22T10:00:00Z"));
    let mut long_gone = company(9, "red", "2026-09-01T08:00:00Z");
    (long_gone["archived"], long_gone["archivedAt"]) = (json!(true), json!("2026-10-01T10:00:00Z"));
    world.vendor.has_deleted("/crm/v3/objects/companies", &page(&[gone, long_gone], None));
    for path in ["companies", "contacts"] {
        world.vendor.has(&format!("/crm/v3/objects/{path}"), 200, &page(&[], None));
    }
    world.pass_until(at("2026-11-24T09:00:00Z")).await;
    let since = Some(at("2026-11-22T00:00:00Z"));
    let mut request = BackfillRequest { of: "hubspot".to_owned(), changed_since: since, begin: true, restart: false };
    let read = loop {
        let page = world.host.backfill(&request).await.unwrap();
        request.begin = false;
        if page.done {
            break page.read;
        }
    };
    assert_eq!((read["deleted company"].new, read["deleted company"].older), (1, 1));
    world.rest().await;
    let left: Vec<_> = world.host.accounts().await.unwrap().into_iter().map(|account| account.id).collect();
    assert!(!left.iter().any(|account| account.as_str() == "hubspot:company:3"), "{left:?}");
    assert_eq!(left.len(), 6);
}

/// Reads what Zendesk lists, of late where `since` says so, and gives the counts by kind.
async fn read_desk(world: &World, since: Option<Moment>) -> BTreeMap<String, BackfillCount> {
    let mut request = BackfillRequest { of: DESK.to_owned(), changed_since: since, begin: true, restart: false };
    loop {
        let page = world.host.backfill(&request).await.unwrap();
        request.begin = false;
        if page.done {
            return page.read;
        }
    }
}

/// What is claimed of a user of Zendesk: one row, as the table has it.
fn claims_of_user(world: &World, id: u64) -> String {
    let of = format!(r#""SUBJECT#zendesk:user:{id}""#);
    tests::dump::tables(world).into_iter().find(|row| row.contains(&of) && row.contains("FACT#UP")).unwrap_or_default()
}

/// Zendesk's tickets come with what else it lists, on the pages of a list that ends by saying so.
#[tokio::test(start_paused = true)]
async fn a_help_desk_is_read_with_its_tickets() {
    let config = crate::fetch::with_zendesk();
    let world = read_to_its_end(Setup { config, ..setup() }).await;
    let organization = json!({ "id": 70, "name": "Company 1", "external_id": "1", "domain_names": [],
        "updated_at": "2026-10-01T00:00:00Z" });
    let last = json!({ "has_more": false, "after_cursor": null });
    let list = |name: &str, record: Value| json!({ name: [record], "meta": last }).to_string();
    world.vendor.has("/api/v2/organizations.json", 200, &list("organizations", organization));
    let user = json!({ "id": 80, "name": "Ann", "email": "ann@acme.example", "organization_id": 70, "active": true,
        "updated_at": "2026-10-01T00:00:00Z" });
    world.vendor.has("/api/v2/users.json", 200, &list("users", user));
    let ticket = |id: u64, status: &str, changed: &str| {
        json!({ "id": id, "status": status, "priority": "urgent", "type": "problem", "organization_id": 70,
            "requester_id": 80, "created_at": "2026-11-20T08:00:00Z", "updated_at": changed })
    };
    let tickets = |of: &[Value], after: &str, ends: bool| {
        json!({ "tickets": of, "after_cursor": after, "end_of_stream": ends }).to_string()
    };
    let (open, solved) = (ticket(1, "open", "2026-11-20T09:00:00Z"), ticket(2, "solved", "2026-11-21T09:00:00Z"));
    let path = "/api/v2/incremental/tickets/cursor.json";
    world.vendor.has(path, 200, &tickets(&[open, solved], "c2", false));
    world.vendor.has_page(path, "c2", &tickets(&[ticket(3, "deleted", "2026-11-21T09:00:00Z")], "c3", true));

    let read = read_desk(&world, None).await;
    assert_eq!(["organization", "user", "ticket"].map(|kind| read[kind].new), [1, 1, 3]);
    assert!(!read.contains_key("deleted user"), "nobody asked what changed");
    world.rest().await;
    let card = world.host.explain("hubspot:company:1", None).await.unwrap();
    let text = serde_json::to_value(&card).unwrap().to_string();
    assert!(text.contains("zendesk:history~ticket/1~2026-11-20T09:00:00.000Z"), "the open ticket counts: {text}");
    assert_eq!(world.host.quarantine().await.unwrap().len(), 0);
    assert_eq!(world.host.outbox().await.unwrap(), vec![], "what is read is no news");

    // The user is deleted while nobody tells us, and another one was long before.
    let deleted = |id: u64, name: &str, changed: &str| {
        let email = format!("{id}@acme.example");
        json!({ "id": id, "name": name, "email": email, "active": false, "updated_at": changed })
    };
    let users = [
        deleted(80, "Ann", "2026-11-23T10:00:00Z"),
        deleted(81, "Permanently Deleted User", "2026-11-23T11:00:00Z"),
        deleted(82, "Ben", "2026-09-01T00:00:00Z"),
    ];
    let gone = json!({ "deleted_users": users, "meta": last }).to_string();
    world.vendor.has("/api/v2/deleted_users.json", 200, &gone);
    world.vendor.has(STILL_THERE, 200, &json!({ "organizations": [{ "id": 70 }], "count": 1 }).to_string());
    world.vendor.has(path, 200, &tickets(&[], "c4", true));
    let before = claims_of_user(&world, 80);
    assert!(before.contains("zendesk:org:70"), "{before}");
    world.pass_until(at("2026-11-24T09:00:00Z")).await;
    let read = read_desk(&world, Some(at("2026-11-22T00:00:00Z"))).await;
    assert_eq!((read["deleted user"].new, read["deleted user"].older), (2, 1));
    assert_eq!((read["missing organization"].new, read["missing organization"].known), (0, 1));
    world.rest().await;
    assert_eq!(world.host.quarantine().await.unwrap(), vec![]);
    let gone = r#""gone":{"BOOL":true}"#;
    assert!(!before.contains(gone) && claims_of_user(&world, 80).contains(gone), "{}", claims_of_user(&world, 80));
    assert!(tests::dump::tables(&world).iter().all(|row| !row.contains("Permanently Deleted")), "a name that is none");
    assert_eq!(world.host.quarantine().await.unwrap().len(), 0);
}

/// Where Zendesk tells which of some organisations are still there.
const STILL_THERE: &str = "/api/v2/organizations/show_many.json";

/// A help desk with these organisations, of which those up to `there` are still there; nothing else was deleted.
async fn organizations(count: u64, there: u64) -> World {
    let config = crate::fetch::with_zendesk();
    let world = read_to_its_end(Setup { config, ..setup() }).await;
    let last = json!({ "has_more": false, "after_cursor": null });
    let organization = |id: u64| {
        json!({ "id": 100 + id, "name": format!("Company {id}"), "external_id": id.to_string(), "domain_names": [],
            "updated_at": "2026-10-01T00:00:00Z" })
    };
    let some = |ids: std::ops::RangeInclusive<u64>| ids.map(organization).collect::<Vec<_>>();
    let all = json!({ "organizations": some(1..=count), "meta": last }).to_string();
    world.vendor.has("/api/v2/organizations.json", 200, &all);
    for list in ["users", "deleted_users"] {
        world.vendor.has(&format!("/api/v2/{list}.json"), 200, &json!({ list: [], "meta": last }).to_string());
    }
    let tickets = json!({ "tickets": [], "after_cursor": "c2", "end_of_stream": true }).to_string();
    world.vendor.has("/api/v2/incremental/tickets/cursor.json", 200, &tickets);
    read_desk(&world, None).await;
    world.rest().await;
    world.vendor.has(STILL_THERE, 200, &json!({ "organizations": some(1..=there) }).to_string());
    world.pass_until(at("2026-11-24T09:00:00Z")).await;
    world
}

const LATELY: &str = "2026-11-22T00:00:00Z";

/// Nobody told us that an organisation was deleted, and there is no list of those that were.
#[tokio::test(start_paused = true)]
async fn an_organisation_that_is_missing_was_deleted() {
    let world = organizations(3, 2).await;
    let read = read_desk(&world, Some(at(LATELY))).await;
    assert_eq!((read["missing organization"].new, read["missing organization"].known), (1, 2));
    world.rest().await;
    let is_gone = |id: u64| {
        let of = format!(r#""SUBJECT#zendesk:org:{id}""#);
        let gone = r#""gone":{"BOOL":true}"#;
        tests::dump::tables(&world).iter().any(|row| row.contains(&of) && row.contains(gone))
    };
    assert_eq!([101, 102, 103].map(is_gone), [false, false, true]);
    assert_eq!(world.host.quarantine().await.unwrap(), vec![]);
    assert_eq!(world.host.outbox().await.unwrap(), vec![], "what is noticed late is no news");
    // The night after nobody asks after it again.
    let read = read_desk(&world, Some(at("2026-11-23T00:00:00Z"))).await;
    assert_eq!((read["missing organization"].new, read["missing organization"].known), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_deletes_nothing() {
    let world = organizations(12, 0).await;
    let deliveries = journal(&world).await.len();
    let mut request =
        BackfillRequest { of: DESK.to_owned(), changed_since: Some(at(LATELY)), begin: true, restart: false };
    let mut last = async || loop {
        let page = world.host.backfill(&request).await;
        request.begin = false;
        match page {
            Ok(page) if page.wait_ms.is_none() && !page.done => {}
            other => break other,
        }
    };
    // Another account of Zendesk answers with none of twelve.
    let refused = last().await.unwrap_err().to_string();
    assert!(refused.contains("knows none of 12 records"), "{refused}");
    world.vendor.has(STILL_THERE, 500, "");
    assert!(last().await.unwrap().wait_ms.is_some());
    world.vendor.has(STILL_THERE, 200, "{}");
    assert!(last().await.unwrap_err().to_string().contains("organizations: expected a list"));
    assert_eq!(journal(&world).await.len(), deliveries);
}
