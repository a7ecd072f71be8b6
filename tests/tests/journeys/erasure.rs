//! Erased is for ever, also against a write that was on its way while the erasure was applied.

use std::collections::BTreeSet;
use std::sync::Arc;

use barometer::api::EraseRequest;
use barometer::engine::Sequence;
use barometer::state::SetAside;
use jiff::SignedDuration;
use model::{ListRegister, Moment, Slot, SubjectId};
use runtime::seam::Target;
use serde_json::{Value, json};
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

/// A person at a company that is well.
async fn known() -> World {
    let world = World::new(Setup::new()).await;
    world.deliver(&Company::healthy(7, now()).body(), now()).await;
    let contact = json!({ "vid": 501, "canonical-vid": 501, "portal-id": 4_242, "is-contact": true, "properties": {
        "email": { "value": ADDRESS, "versions": [{ "value": "x", "timestamp": now().as_millis() }] } } });
    world.deliver(&contact, now()).await;
    world
}

/// A person is forgotten.
pub async fn journey() -> World {
    let world = known().await;
    erase(&world).await;
    world
}

#[tokio::test(start_paused = true)]
async fn what_a_late_write_leaves_of_an_erased_person_goes_when_they_are_erased_again() {
    let world = known().await;
    let store = world.host.store();
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

/// What she wrote, and her name: in no other place.
const WROTE: &str = "canary-of-what-she-wrote";
const CALLED: &str = "Canaryann";

fn hour(n: i64) -> Moment {
    now().plus(SignedDuration::from_hours(n))
}

/// Risk is told to the owner and mailed to the sponsor, and detractors are followed up.
fn talkative() -> Setup {
    let mut files = tests::config_files();
    let shipped = barometer::config_files::read(None).unwrap();
    let detractors = "playbooks/detractor-follow-up.toml";
    files.0.insert(detractors.to_owned(), shipped.0[detractors].clone());
    let playbook = files.0.get_mut("playbooks/risk-mitigation.toml").unwrap();
    let examples = "# What `barometer check` tries";
    let step = "[[step]]\nname = \"write\"\nemail_nudge = { to = \"sponsor\", template = \"kickoff\" }\n\n";
    *playbook = playbook.replacen(examples, &format!("{step}{examples}"), 1);
    let modes =
        "[most.risk-mitigation]\nslack = \"live\"\nemail = \"live\"\n[most.detractor-follow-up]\nslack = \"live\"\n";
    files.0.insert("modes.toml".to_owned(), modes.to_owned());
    let said = "to_customers = \"send\"\ncontact_list = \"customers\"\ntopic = \"success\"";
    let mail = files.0.get_mut("email.toml").unwrap();
    *mail = mail.replacen("to_customers = \"draft\"", said, 1);
    let connections = files.0.get_mut("connections.toml").unwrap();
    *connections = connections.replacen("# map.response = {", "map.response = {", 1);
    let config = config::load(&files, &connectors::tools()).unwrap_or_else(|problems| panic!("{problems}"));
    Setup { config: Arc::new(config), ..Setup::new() }
}

fn answered(at: Moment) -> Value {
    let when = at.to_string();
    let field = |name: &str, kind: &str| json!({ "id": name, "ref": name, "type": kind });
    json!({ "event_id": "01JCANARY", "event_type": "form_response", "form_response": {
        "form_id": "lT4Z3j", "token": "t1", "landed_at": when, "submitted_at": when,
        "hidden": { "account_id": "7", "email": ADDRESS },
        "definition": { "id": "lT4Z3j", "title": "Pulse", "fields": [] },
        "answers": [
            { "type": "number", "number": 2, "field": field("recommend", "nps") },
            { "type": "text", "text": WROTE, "field": field("why", "long_text") },
        ] } })
}

/// Where a text stands: in which rows of which table, and in what the host keeps beside them.
fn stands_in(world: &World, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for table in &world.host.stack().tables {
        for item in world.host.engine().dump(&table.logical_id) {
            if item.to_string().contains(text) {
                found.push(format!("{} {} {}", table.logical_id, item["pk"], item["sk"]));
            }
        }
    }
    let state = world.host.state();
    let waiting = world.host.stack().queues.iter().flat_map(|queue| state.messages(&queue.logical_id).unwrap());
    let messages = waiting.map(|message| format!("message {}", message.body));
    let aside = state.set_aside().unwrap().into_iter().map(|batch| format!("set aside {:?}", batch.records));
    found.extend(messages.chain(aside).filter(|kept| kept.contains(text)));
    found
}

/// As if a function had failed to the end on every row there is.
fn give_up_everything(world: &World) {
    for (table, keys) in [("Journal", vec!["delivery"]), ("Accounts", vec!["pk", "sk"])] {
        let record = |item: Value| {
            let keys: serde_json::Map<_, _> = keys.iter().map(|key| ((*key).to_owned(), item[*key].clone())).collect();
            json!({ "eventName": "INSERT", "dynamodb": { "Keys": keys, "NewImage": item } })
        };
        let given_up = SetAside {
            function: "Elsewhere".to_owned(),
            table: table.to_owned(),
            reason: "it fails on every record".to_owned(),
            at: hour(3),
            records: world.host.engine().dump(table).into_iter().map(record).collect(),
        };
        world.host.state().put_aside(&given_up, Sequence(0)).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_was_rendered_for_or_about_an_erased_person_is_left() {
    let setup = talkative();
    let hanging = setup.hanging.clone();
    let world = World::new(setup).await;
    let mut company = Company::healthy(7, now());
    world.deliver(&company.body(), now()).await;
    let property =
        |value: &str| json!({ "value": value, "versions": [{ "value": "x", "timestamp": now().as_millis() }] });
    let contact = json!({ "vid": 501, "canonical-vid": 501, "portal-id": 4_242, "is-contact": true,
        "associated-company": { "company-id": 7 }, "properties": { "email": property(ADDRESS),
        "firstname": property(CALLED), "hs_buying_role": property("EXECUTIVE_SPONSOR") } });
    world.deliver(&contact, now()).await;
    world.host.golive(&Default::default()).await.unwrap();
    world.rest().await;
    let red = company.feels("red", hour(1)).contacted(hour(-24 * 120), hour(1)).body();
    world.deliver(&red, hour(1)).await;
    world.deliver_from("typeform", &answered(hour(2)), hour(2)).await;
    world.pass_until(hour(3)).await;
    assert_eq!(world.ses.mails().len(), 1);
    assert!(!stands_in(&world, WROTE).is_empty() && !stands_in(&world, CALLED).is_empty());
    assert!(world.slack.messages().iter().any(|message| message.to_string().contains(WROTE)));
    let before = world.host.store().action_outbox().await.unwrap();
    give_up_everything(&world);
    // One that is still on its way.
    hanging.only(vec![Target::Slack]);
    world.pass_until(hour(30)).await;

    erase(&world).await;
    hanging.only(vec![]);
    for text in [WROTE, CALLED] {
        assert_eq!(stands_in(&world, text), Vec::<String>::new(), "{text}");
    }
    let kept = world.host.state().set_aside().unwrap();
    let deliveries = &kept.iter().find(|batch| batch.table == "Journal").unwrap().records;
    assert!(deliveries.len() >= 4);
    for delivery in deliveries {
        let id = &delivery["dynamodb"]["Keys"]["delivery"];
        let held = world.host.engine().dump("Journal").into_iter().find(|item| item["delivery"] == *id).unwrap();
        assert_eq!(delivery["dynamodb"]["NewImage"], held, "what is tried again is what is left of {id}");
    }
    let named = stands_in(&world, ADDRESS);
    let is_name =
        |place: &String| place.contains("SUBJECT#") || place.contains("OUTBOX#") || place.starts_with("Journal");
    assert!(named.iter().all(is_name), "where her address is a name it stays: {named:#?}");
    let entries = world.host.outbox().await.unwrap();
    let shown: Vec<String> = entries.iter().filter_map(|row| row.request.as_ref()).map(Value::to_string).collect();
    assert!(shown.iter().any(|request| request.contains("(erased)")), "{shown:#?}");
    assert!(shown.iter().all(|request| !request.contains(ADDRESS)), "{shown:#?}");

    // What was done stays done, under the same ids.
    let after = world.host.store().action_outbox().await.unwrap();
    for entry in &before {
        let same = after.iter().find(|other| other.request.id == entry.request.id).unwrap();
        let status =
            |row: &store::OutboxEntry| row.action.as_ref().filter(|row| row.status.is_final()).map(|row| row.status);
        assert!(status(entry).is_none() || status(entry) == status(same), "{:?}", entry.request.id);
    }
    let sent = (world.ses.mails().len(), world.slack.messages().len());
    world.deliver_from("typeform", &answered(hour(2)), hour(31)).await;
    world.pass_until(hour(31)).await;
    assert_eq!((world.ses.mails().len(), world.slack.messages().len()), sent, "and nothing comes twice");
    assert_eq!(stands_in(&world, WROTE), Vec::<String>::new(), "a repeat of the original is known as one");
}
