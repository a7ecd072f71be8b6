use std::collections::BTreeMap;

use model::{ClaimKind, Delivery, DeliveryId, FactKey, Field, LinkSays, Mapping, Normalized, SubjectId, Value};

use super::*;

fn now() -> Moment {
    "2026-11-21T09:00:00Z".parse().unwrap()
}

fn when() -> When {
    When { now: now(), late: SignedDuration::ZERO, sequence: 0 }
}

fn sample(name: &str) -> SampleDelivery {
    by_name(name).unwrap()[0].at(&when()).unwrap()
}

fn json(delivery: &SampleDelivery) -> serde_json::Value {
    serde_json::from_slice(&delivery.body).unwrap_or_else(|error| panic!("{}: {error}", delivery.name))
}

/// Everything a body says, by the connector and the configuration that are built in.
fn normalized(delivery: &SampleDelivery) -> Normalized {
    let config = crate::config_files::load(None).unwrap();
    let connection = config.connection(&delivery.connection).unwrap();
    let connector = connectors::by_name(&connection.tool).unwrap();
    assert_eq!(connector.tool().family, delivery.family);
    connector.normalize(&journaled(delivery), &connection.mapping)
}

fn journaled(delivery: &SampleDelivery) -> Delivery {
    Delivery {
        id: DeliveryId::new(&delivery.connection, "1"),
        connection: delivery.connection.clone(),
        family: delivery.family,
        received_at: now(),
        body_sha256: "0".repeat(64),
        headers: BTreeMap::new(),
        body: delivery.body.clone(),
        same_key_as: None,
    }
}

#[test]
fn every_sample_is_json_and_says_something() {
    for sample in index().unwrap() {
        let delivery = sample.at(&when()).unwrap();
        assert!(json(&delivery).is_object() || sample.tool == "hubspot-app", "{}", sample.name);
        assert!(!sample.about.is_empty() && !sample.about.ends_with('.'), "{}", sample.name);
        let said = normalized(&delivery);
        let says = !said.signals.is_empty() || !said.links.is_empty() || !said.quarantined.is_empty();
        assert!(says, "{}", sample.name);
    }
}

#[test]
fn names_are_unique() {
    let names: Vec<String> = index().unwrap().into_iter().map(|sample| sample.name).collect();
    for name in &names {
        assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
    }
}

#[test]
fn the_book_tells_the_baseline_before_the_changes() {
    let book = book(now()).unwrap();
    assert!(book.is_sorted_by_key(|delivery| delivery.phase));
    let customers = book
        .iter()
        .filter(|delivery| delivery.phase == Some(Phase::Baseline))
        .filter(|delivery| json(delivery)["properties"]["lifecyclestage"]["value"] == "customer");
    assert_eq!(customers.count(), 8);
    assert_eq!(book.iter().filter(|delivery| delivery.phase == Some(Phase::Change)).count(), 3);
}

#[test]
fn only_what_the_book_is_meant_to_leave_unclear_is_quarantined() {
    for delivery in book(now()).unwrap() {
        let said = normalized(&delivery);
        let paths: Vec<&str> = said.quarantined.iter().map(|item| item.path.as_str()).collect();
        let expected: &[&str] =
            if delivery.name == "sunny-harbor-odd-date" { &["properties.renewal_date.value"] } else { &[] };
        assert_eq!(paths, expected, "{}", delivery.name);
    }
}

#[test]
fn a_company_states_what_the_index_says() {
    let said = normalized(&sample("nordwind-healthy"));
    let value = |field: Field| {
        let mut statements = said.signals.iter().flat_map(|signal| &signal.statements);
        statements.find(|statement| statement.field == field).map(|statement| statement.value.to_string())
    };
    assert_eq!(value(Field::Name).as_deref(), Some("Nordwind Logistik"));
    assert_eq!(value(Field::RenewsOn).as_deref(), Some("2027-02-09"), "80 days after 2026-11-21");
    assert_eq!(value(Field::Arr).as_deref(), Some("USD 48,000"));
    assert_eq!(value(Field::NoticeDays).as_deref(), Some("30"));
    assert_eq!(value(Field::AutoRenew).as_deref(), Some("true"));
    assert_eq!(value(Field::Sentiment).as_deref(), Some("green"));
    assert_eq!(value(Field::LastTwoWayAt).as_deref(), Some("2026-09-14T09:00:00.000Z"), "68 days before");
    assert_eq!(value(Field::Csm).as_deref(), Some("ines.almeida@ourco.example"));
}

#[test]
fn a_change_is_stamped_with_the_moment_and_nothing_else_is() {
    let delivery = by_name("nordwind-sentiment-red").unwrap()[0].at(&When { sequence: 7, ..when() }).unwrap();
    let body = json(&delivery);
    let stamp = |property: &str| body["properties"][property]["timestamp"].as_i64().unwrap() - now().as_millis();
    assert_eq!(body["properties"]["csm_sentiment"]["value"], "red");
    assert_eq!(stamp("csm_sentiment"), 7);
    assert_eq!(stamp("renewal_date"), -41 * 86_400_000);
}

#[test]
fn late_news_happened_earlier_and_says_the_same() {
    let sample = &by_name("nordwind-recovers").unwrap()[0];
    let late = sample.at(&When { late: SignedDuration::from_hours(24), ..when() }).unwrap();
    let (late, on_time) = (json(&late), json(&sample.at(&when()).unwrap()));
    let property = |body: &serde_json::Value, part: &str| body["properties"]["notes_last_contacted"][part].clone();
    assert_eq!(property(&late, "value"), property(&on_time, "value"));
    assert_eq!(
        property(&on_time, "timestamp").as_i64().unwrap() - property(&late, "timestamp").as_i64().unwrap(),
        86_400_000
    );
}

#[test]
fn an_emptied_property_and_a_deleted_record_are_said_so() {
    let said = normalized(&sample("halden-renewal-cleared"));
    let mut statements = said.signals.iter().flat_map(|signal| &signal.statements);
    let renewal = statements.find(|statement| statement.field == Field::RenewsOn).unwrap();
    assert_eq!(renewal.value, Value::Cleared);
    let said = normalized(&sample("halden-deleted"));
    assert!(said.links.iter().any(|link| link.says == LinkSays::Gone { gone: true }));
}

#[test]
fn the_contact_and_the_deal_have_their_own_subjects() {
    for (name, key) in [("nordwind-contact", FactKey::Contact), ("nordwind-deal", FactKey::Deal)] {
        let said = normalized(&sample(name));
        assert!(said.signals.iter().any(|signal| signal.key == key), "{name}: {said:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_changes_and_each_is_news() {
    let first = When { sequence: 100, ..when() };
    let changes = random(7, 50, &first).unwrap();
    assert_eq!(changes, random(7, 50, &first).unwrap());
    assert_ne!(changes, random(8, 50, &first).unwrap());
    for (number, delivery) in changes.iter().enumerate() {
        let body = json(delivery);
        let stamps = body["properties"].as_object().unwrap().values().map(|p| p["timestamp"].as_i64().unwrap());
        assert_eq!(stamps.max().unwrap() - now().as_millis(), 100 + i64::try_from(number).unwrap());
        assert!(normalized(delivery).quarantined.len() <= 1, "{}", delivery.name);
    }
}

#[test]
fn a_shuffle_keeps_everything_and_follows_its_seed() {
    let shuffled = |seed| {
        let mut items: Vec<u32> = (0..20).collect();
        shuffle(&mut items, seed);
        items
    };
    assert_eq!(shuffled(1), shuffled(1));
    assert_ne!(shuffled(1), shuffled(2));
    let mut sorted = shuffled(1);
    sorted.sort_unstable();
    assert_eq!(sorted, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_wrong_name_is_answered_with_the_nearest() {
    let report = format!("{:?}", miette::Report::new(by_name("nordwind-red").unwrap_err()));
    assert!(report.contains("nordwind-sentiment-red") && report.contains("--list"), "{report}");
    assert!(!by_name("book").unwrap().is_empty());
}

/// Each connector accepts what is signed for it here, and nothing else.
#[test]
fn the_signatures_are_the_vendors() {
    let url = "https://127.0.0.1:8787/hooks/some/where";
    let secret = "a secret of sixteen bytes or more";
    let secrets =
        connectors::Secrets { current: Some(connectors::SigningSecret::new(secret).unwrap()), previous: None };
    for name in ["nordwind-healthy", "heron-app-customer", "nordwind-ticket-urgent", "stranger-nps"] {
        let delivery = sample(name);
        let connector = connectors::by_name(delivery.tool).unwrap();
        let accepted = |secret: &str, body: &[u8]| {
            let headers: BTreeMap<String, String> = signed_by(delivery.tool, body, url, secret, now())
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            let body = &delivery.body;
            let request = connectors::Unverified { method: "POST", url, headers: &headers, body, received_at: now() };
            connector.verify(&request, &secrets).is_ok()
        };
        assert!(accepted(secret, &delivery.body), "{name}");
        assert!(!accepted("another secret of sixteen bytes", &delivery.body), "{name}");
        assert!(!accepted(secret, b"other bytes"), "{name}");
    }
}

/// Where a sample's links point: subject and target.
fn links(name: &str, kind: ClaimKind) -> Vec<(String, String)> {
    let said = normalized(&sample(name));
    let named = |link: &model::Link| match &link.says {
        LinkSays::Own { kind: k, target: Some(target), .. } if *k == kind => Some(target.clone()),
        LinkSays::Association { kind: k, other, .. } if *k == kind => Some(other.clone()),
        _ => None,
    };
    said.links.iter().filter_map(|link| Some((link.subject.to_string(), named(link)?.to_string()))).collect()
}

#[test]
fn other_tools_name_the_account_as_each_of_them_can() {
    let nordwind = SubjectId::vendor("hubspot", "company", "70110001").to_string();
    let is_linked = |name: &str, kind, subject: &str| {
        let links = links(name, kind);
        assert!(links.contains(&(subject.to_owned(), nordwind.clone())), "{name}: {links:?}");
    };
    is_linked("nordwind-ticket", ClaimKind::ExternalId, "zendesk:org:38200001");
    is_linked("nordwind-zendesk-org", ClaimKind::ExternalId, "zendesk:org:38200001");
    is_linked("nordwind-app-deal-associated", ClaimKind::Crm, "hubspot:deal:80220001");
    is_linked("nordwind-app-renewal-deal", ClaimKind::Crm, "hubspot:deal:80220002");
    let survey = links("nordwind-nps-detractor", ClaimKind::ExternalId);
    assert_eq!(survey.first().map(|(_, target)| target), Some(&nordwind));
    assert_eq!(links("nordwind-ticket-urgent", ClaimKind::Crm).len(), 1);
    assert_eq!(links("brightlane-app-merge", ClaimKind::Crm).len(), 1);
    assert_eq!(links("almadora-nps-unmatched", ClaimKind::Domain)[0].1, "email:rui.tavares@almadora.example");
    assert_eq!(links("stranger-nps", ClaimKind::Domain), []);
}

#[test]
fn nothing_of_the_book_asks_a_vendor_for_more() {
    for delivery in book(now()).unwrap() {
        assert_eq!(normalized(&delivery).fetches, [], "{}", delivery.name);
    }
}

#[test]
fn what_is_simulated_again_is_another_event() {
    for name in ["nordwind-ticket-urgent", "stranger-nps", "heron-app-customer"] {
        let again = by_name(name).unwrap()[0].at(&When { sequence: 9, ..when() }).unwrap();
        assert_ne!(again.body, sample(name).body, "{name}");
        assert_eq!(sample(name).body, sample(name).body, "{name}");
    }
}

/// One mapping by hand, so that a wrong default configuration does not hide a wrong sample.
#[test]
fn property_names_are_the_ones_that_are_mapped() {
    let delivery = sample("nordwind-healthy");
    let company = [(Field::Sentiment, "csm_sentiment"), (Field::CustomerSince, "customer_since")];
    let company = company.map(|(field, property)| (field, property.to_owned())).into();
    let mapping = Mapping {
        objects: [("company".to_owned(), company)].into(),
        currency: "USD".parse().unwrap(),
        complete: [].into(),
        account_ids: String::new(),
    };
    let said = connectors::by_name("hubspot-workflow").unwrap().normalize(&journaled(&delivery), &mapping);
    assert_eq!(said.signals.iter().map(|signal| signal.statements.len()).sum::<usize>(), 2);
}
