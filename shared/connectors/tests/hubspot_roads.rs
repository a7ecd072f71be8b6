//! HubSpot has three roads to us: a workflow's body, an app's events, a record fetched from its API. One record that came
//! by all of them is one record: the same facts, of the same times, and the same place to belong to.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Fetched, Recorded, folder, mapping};
use connectors::{Connector, by_name};
use model::{
    Fact, FactKey, Field, LinkSays, ListRegister, Moment, Normalized, Slot, Source, SubjectId, Up, Value, parents,
};
use serde_json::{Value as Json, json};

fn app() -> &'static dyn Connector {
    by_name("hubspot-app").unwrap()
}

fn workflow() -> &'static dyn Connector {
    by_name("hubspot-workflow").unwrap()
}

fn received_at() -> Moment {
    "2026-11-20T08:30:00Z".parse().unwrap()
}

/// What a body says; all roads are read with one mapping.
fn say(connector: &dyn Connector, body: &Json, fetched: Option<&str>) -> Normalized {
    let recorded = Recorded {
        method: String::new(),
        url: String::new(),
        received_at: received_at(),
        secret: String::new(),
        headers: BTreeMap::new(),
        fetched: fetched.map(|object| Fetched { object: object.to_owned(), status: 200 }),
        body: body.to_string().into_bytes(),
    };
    recorded.normalize_with(connector, &mapping(app()))
}

/// A record as it came from a workflow, and the same one as the other roads would carry it.
struct Told {
    kind: &'static str,
    id: String,
    workflow: Json,
    /// Each property with its value and time.
    properties: Vec<(String, String, Moment)>,
    company: Option<String>,
}

impl Told {
    fn read(kind: &'static str, fixture: &str) -> Self {
        let path = folder(workflow()).join("fixtures").join(fixture).join("body.json");
        Self::of(kind, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    }

    fn of(kind: &'static str, workflow: Json) -> Self {
        let plain = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let properties: Vec<_> = workflow["properties"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, property)| {
                let versions = property["versions"].as_array().unwrap();
                let newest = versions.iter().map(|version| version["timestamp"].as_i64().unwrap()).max().unwrap();
                (name.clone(), plain(&property["value"]), Moment::from_millis(newest).unwrap())
            })
            .collect();
        let company = |name: &str| properties.iter().find(|(n, ..)| n == name).map(|(_, value, _)| value.clone());
        Self {
            kind,
            id: plain(workflow.get("canonical-vid").unwrap_or(&workflow["objectId"])),
            company: company("associatedcompanyid").or_else(|| company("hs_primary_associated_company")),
            workflow,
            properties,
        }
    }

    /// As one batch of an app. Associations come as events of their own, told from both sides.
    fn events(&self) -> Json {
        let event = |of: &str, what: &str, at: Moment| json!({"subscriptionType": format!("{of}.{what}"), "occurredAt": at.as_millis()});
        let with = |mut event: Json, more: Json| {
            event.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
            event
        };
        let mut all: Vec<Json> = self
            .properties
            .iter()
            .map(|(name, value, at)| {
                let more = json!({"objectId": self.id, "propertyName": name, "propertyValue": value});
                with(event(self.kind, "propertyChange", *at), more)
            })
            .collect();
        if let Some(company) = &self.company {
            let kind = self.kind.to_uppercase();
            for (of, name, from, to, primary) in [
                (self.kind, format!("{kind}_TO_COMPANY"), &self.id, company, true),
                ("company", format!("COMPANY_TO_{kind}"), company, &self.id, true),
                (self.kind, format!("{kind}_TO_COMPANY"), &self.id, company, false),
            ] {
                let more = json!({"associationType": name, "fromObjectId": from, "toObjectId": to,
                    "associationRemoved": false, "isPrimaryAssociation": primary});
                all.push(with(event(of, "associationChange", received_at()), more));
            }
        }
        Json::Array(all)
    }

    /// As HubSpot's API answers: days and instants as ISO text, where the other roads have numbers.
    fn answer(&self) -> Json {
        let written = |name: &str, value: &str| match value.parse().ok().and_then(Moment::from_millis) {
            Some(moment)
                if ["renewal_date", "customer_since", "contract_start", "renewal_term_starts"].contains(&name) =>
            {
                moment.to_string()[..10].to_owned()
            }
            Some(moment) if ["closedate", "last_two_way_contact"].contains(&name) => moment.to_string(),
            _ => value.to_owned(),
        };
        let mut properties = json!({"hs_object_id": self.id});
        let mut history = json!({});
        for (name, value, at) in &self.properties {
            let value = written(name, value);
            properties[name] = json!(value);
            history[name] = json!([{"value": value, "timestamp": at.to_string(), "sourceType": "CRM_UI"}]);
        }
        let entry = |kind: &str| json!({"id": self.company, "type": format!("{}_to_company{kind}", self.kind)});
        let results = if self.company.is_some() { json!([entry(""), entry("_unlabeled")]) } else { json!([]) };
        json!({"id": self.id, "properties": properties, "propertiesWithHistory": history, "archived": false,
            "updatedAt": received_at().to_string(), "associations": {"companies": {"results": results}}})
    }

    fn object(&self) -> String {
        format!("{}/{}", self.kind, self.id)
    }

    fn roads(&self) -> [(&'static str, Normalized); 3] {
        [
            ("workflow", say(workflow(), &self.workflow, None)),
            ("app", say(app(), &self.events(), None)),
            ("fetched", say(app(), &self.answer(), Some(&self.object()))),
        ]
    }
}

type Facts = BTreeMap<(SubjectId, FactKey, Field), (Value, Moment)>;
type Places = BTreeMap<SubjectId, BTreeSet<SubjectId>>;

/// The facts after these deliveries, and where every subject named belongs.
fn folded<'a>(all: impl IntoIterator<Item = &'a Normalized>) -> (Facts, Places) {
    let connection = "hubspot".parse().unwrap();
    let mut facts: BTreeMap<(SubjectId, FactKey), Fact> = BTreeMap::new();
    let mut ups: BTreeMap<SubjectId, Up> = BTreeMap::new();
    for (number, normalized) in all.into_iter().enumerate() {
        let delivery = model::DeliveryId::new(&connection, &number.to_string());
        let source = Source { connection: &connection, delivery: &delivery, received_at: received_at(), index: 0 };
        for signal in &normalized.signals {
            let key = (signal.subject.clone(), signal.key.clone());
            let empty = || Fact::empty(signal.subject.clone(), signal.key.clone());
            facts.entry(key).or_insert_with(empty).apply(source, &signal.statements);
        }
        for link in &normalized.links {
            let LinkSays::List { list, kind, listed } = &link.says else {
                ups.entry(link.subject.clone()).or_default().apply(source, link);
                continue;
            };
            let register = ListRegister { kind: *kind, listed: listed.clone(), said: link.said(source) };
            for id in listed {
                let slot = Slot::list(list, &link.subject, &connection);
                ups.entry(id.clone()).or_default().claim(slot, register.claim_on(id, &link.subject));
            }
        }
    }
    let mut values = Facts::new();
    for fact in facts.into_values() {
        for (_, field, register) in fact.all_registers() {
            let key = (fact.subject.clone(), fact.key.clone(), field);
            values.insert(key, (register.value.clone(), register.stamp.occurred_at));
        }
    }
    let places = ups.iter().map(|(subject, up)| (subject.clone(), parents(subject, up))).collect();
    (values, places)
}

#[track_caller]
fn same_on_every_road(told: &Told, facts: usize, places: &[(&str, &[&str])]) {
    let subject = |text: &str| SubjectId::from_stored(text);
    let expected: Places =
        places.iter().map(|(of, above)| (subject(of), above.iter().map(|above| subject(above)).collect())).collect();
    let mut first: Option<Facts> = None;
    for (road, normalized) in told.roads() {
        assert_eq!(normalized.quarantined, [], "{road}");
        assert_eq!(normalized.warnings, [], "{road}");
        let (values, belongs) = folded([&normalized]);
        assert_eq!(belongs, expected, "{road}");
        assert_eq!(values.len(), facts, "{road}");
        assert_eq!(&values, first.get_or_insert_with(|| values.clone()), "{road}");
    }
}

#[test]
fn a_company_is_the_same_on_every_road() {
    let told = Told::read("company", "company_healthy");
    let company = "hubspot:company:9007199254740993";
    same_on_every_road(
        &told,
        24,
        &[
            ("domain:nl-track.example", &[company]),
            ("domain:nordlicht-fracht.example", &[company]),
            ("domain:nordlicht.example", &[company]),
        ],
    );
}

#[test]
fn a_contact_is_the_same_on_every_road() {
    same_on_every_road(
        &Told::read("contact", "contact"),
        5,
        &[
            ("email:ines.brandt@nordlicht.example", &["hubspot:contact:88120451"]),
            ("hubspot:contact:88120451", &["hubspot:company:4410027"]),
        ],
    );
}

#[test]
fn a_deal_is_the_same_on_every_road() {
    let Told { kind, workflow, .. } = Told::read("deal", "deal");
    // No event tells the currency, so for once it is the connection's own.
    let workflow = serde_json::from_str(&workflow.to_string().replace("\"CHF\"", "\"EUR\"")).unwrap();
    let above: &[&str] = &["hubspot:company:9007199254740993"];
    same_on_every_road(&Told::of(kind, workflow), 9, &[("hubspot:deal:31200456789", above)]);
}

#[test]
fn what_is_fetched_knows_the_currency_whichever_comes_first() {
    let told = Told::read("deal", "deal");
    let [_, (_, events), (_, answer)] = told.roads();
    assert!(events.fetches.iter().any(|fetch| fetch.object == told.object()));
    for order in [[&events, &answer], [&answer, &events]] {
        let (facts, _) = folded(order);
        let key = (SubjectId::from_stored("hubspot:deal:31200456789"), FactKey::Deal, Field::Amount);
        assert_eq!(facts[&key].0.to_string(), "CHF 51,000");
    }
}

/// A move from one company to another, by each road alone and in either order, ends at the second.
#[test]
fn a_deal_that_moved_belongs_to_its_new_company() {
    let at_first = Told::read("deal", "deal");
    let mut moved = at_first.workflow.clone();
    let mirror = &mut moved["properties"]["hs_primary_associated_company"];
    mirror["value"] = json!("4410027");
    mirror["timestamp"] = json!(1_794_000_000_000_i64);
    let newest =
        json!({"name": "hs_primary_associated_company", "value": "4410027", "timestamp": 1_794_000_000_000_i64});
    mirror["versions"].as_array_mut().unwrap().insert(0, newest);
    let moved = Told::of("deal", moved);

    let mut answer = moved.answer();
    let before = json!({"value": "9007199254740993", "timestamp": "2026-10-01T08:00:05Z"});
    answer["propertiesWithHistory"]["hs_primary_associated_company"].as_array_mut().unwrap().push(before);
    answer["associations"]["companies"]["results"].as_array_mut().unwrap().truncate(1);
    let mut left = at_first.events();
    let left = left.as_array_mut().unwrap();
    let mut left = left.iter().find(|event| event["isPrimaryAssociation"] == true).unwrap().clone();
    left["associationRemoved"] = json!(true);
    left["occurredAt"] = json!(received_at().as_millis() + 1);

    let workflow_roads = [say(workflow(), &at_first.workflow, None), say(workflow(), &moved.workflow, None)];
    let app_roads =
        [say(app(), &at_first.events(), None), say(app(), &json!([left]), None), say(app(), &moved.events(), None)];
    let object = moved.object();
    let mut first_answer = at_first.answer();
    first_answer["updatedAt"] = json!("2026-10-01T08:00:06Z");
    let fetched_roads = [say(app(), &first_answer, Some(&object)), say(app(), &answer, Some(&object))];
    for road in [&workflow_roads[..], &app_roads, &fetched_roads] {
        let deal = SubjectId::from_stored("hubspot:deal:31200456789");
        let new: BTreeSet<_> = [SubjectId::from_stored("hubspot:company:4410027")].into();
        assert_eq!(folded(road).1[&deal], new);
        assert_eq!(folded(road.iter().rev()).1[&deal], new);
    }
}
