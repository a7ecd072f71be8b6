//! HubSpot as a test sees it: as strict as it is about what it takes, with the tasks that are there and what companies show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use runtime::seam::{Call, Reply};
use serde_json::{Map, Value, json};

/// The token that the tests have.
pub const TOKEN: &str = "pat-eu1-of-no-portal";

/// One task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    /// Its properties.
    pub properties: BTreeMap<String, String>,
    /// The companies it is put on.
    pub companies: Vec<String>,
}

#[derive(Default)]
struct Inner {
    companies: BTreeMap<String, BTreeMap<String, String>>,
    /// Properties of ours that the portal does not have.
    unmade: BTreeSet<String>,
    gone: bool,
    writes: Vec<String>,
    tasks: BTreeMap<u64, Task>,
    made: u64,
    asked: Vec<String>,
    next: Vec<(u16, String)>,
}

/// Tasks, owners and companies of one portal, whose tasks have the unique property.
#[derive(Clone, Default)]
pub struct HubSpot(Arc<Mutex<Inner>>);

/// Whoever can own a task: their ids and addresses.
const OWNERS: [(&str, &str); 3] = [
    ("410001", "ines.almeida@ourco.example"),
    ("410002", "tom.brandt@ourco.example"),
    ("410009", "sam.ortiz@ourco.example"),
];
const UNIQUE: &str = "barometer_action_id";
const TASKS: &str = "/crm/v3/objects/tasks";
const COMPANIES: &str = "/crm/v3/objects/companies/";
const SCHEMAS: &str = "/crm/v3/properties/";
/// Our properties of companies, with type and field.
const OURS: [(&str, &str, &str); 4] = [
    ("barometer_score", "number", "number"),
    ("barometer_band", "enumeration", "select"),
    ("barometer_reasons", "string", "textarea"),
    ("barometer_as_of", "datetime", "date"),
];

/// A refusal as HubSpot writes it.
fn refused(message: impl Into<String>) -> (u16, Value) {
    let message: String = message.into();
    (400, json!({ "status": "error", "message": message, "correlationId": "c", "category": "VALIDATION_ERROR" }))
}

/// What HubSpot says of a property that was never made.
fn missing(name: &str) -> (u16, Value) {
    let detail = json!([{ "isValid": false, "message": format!("Property \"{name}\" does not exist"),
        "error": "PROPERTY_DOESNT_EXIST", "name": name }]);
    refused(format!("Property values were not valid: {detail}"))
}

impl HubSpot {
    /// The tasks that are there, in the order in which they were made.
    pub fn tasks(&self) -> Vec<Task> {
        self.inner().tasks.values().cloned().collect()
    }

    /// How many tasks were ever made.
    pub fn made(&self) -> u64 {
        self.inner().made
    }

    /// What a company shows of ours; empty before anything was written.
    pub fn company(&self, number: &str) -> BTreeMap<String, String> {
        self.inner().companies.get(number).cloned().unwrap_or_default()
    }

    /// The bands that were written to companies so far, such as `7 red`.
    pub fn writes(&self) -> Vec<String> {
        self.inner().writes.clone()
    }

    /// Companies do not have our properties, or, if `made`, they do, as from the start.
    pub fn properties_are_made(&self, made: bool) {
        self.inner().unmade = OURS.iter().filter(|_| !made).map(|(name, ..)| (*name).to_owned()).collect();
    }

    /// Nothing of ours was ever made: neither companies nor tasks have our properties.
    pub fn is_new(&self) {
        self.properties_are_made(false);
        self.inner().unmade.insert(UNIQUE.to_owned());
    }

    /// Every company is deleted.
    pub fn without_companies(&self) {
        self.inner().gone = true;
    }

    /// Every call so far, such as `POST /crm/v3/…`.
    pub fn asked(&self) -> Vec<String> {
        self.inner().asked.clone()
    }

    /// The next call that is not answered otherwise is answered like this, and does nothing.
    pub fn next_is(&self, status: u16, body: &Value) {
        self.inner().next.push((status, body.to_string()));
    }

    /// Somebody deletes every task.
    pub fn delete_all(&self) {
        self.inner().tasks.clear();
    }

    pub(crate) fn answer(&self, call: &Call) -> Reply {
        let mut inner = self.inner();
        let (method, uri) = (call.request.method().as_str(), call.request.uri());
        inner.asked.push(format!("{method} {}", uri.path()));
        let header = |name: &str| call.request.headers().get(name).and_then(|value| value.to_str().ok());
        let (status, body) = if header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            (401, json!({ "status": "error", "category": "INVALID_AUTHENTICATION" }))
        } else if !inner.next.is_empty() {
            let (status, body) = inner.next.remove(0);
            (status, serde_json::from_str(&body).unwrap_or_default())
        } else if !call.request.body().is_empty() && header("content-type") != Some("application/json") {
            (415, Value::Null)
        } else {
            let body: Option<Value> = serde_json::from_slice(call.request.body()).ok();
            inner.carry_out(method, uri.path(), uri.query().unwrap_or_default(), body)
        };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Ok(http::Response::builder().status(status).body(Bytes::from(body)).expect("an answer"))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn carry_out(&mut self, method: &str, path: &str, query: &str, body: Option<Value>) -> (u16, Value) {
        if let Some(company) = path.strip_prefix(COMPANIES) {
            return match (method, body) {
                ("PATCH", Some(body)) if query.is_empty() => self.write(company, &body),
                _ => (405, json!({ "status": "error", "message": format!("{method} {path} is not understood") })),
            };
        }
        if let Some(object) = path.strip_prefix(SCHEMAS) {
            return match (method, body) {
                ("POST", Some(body)) if query.is_empty() => self.make(object, &body),
                _ => (405, json!({ "status": "error", "message": format!("{method} {path} is not understood") })),
            };
        }
        let below = path.strip_prefix(TASKS).map(|rest| rest.split('/').skip(1).collect::<Vec<_>>());
        match (method, below.as_deref(), body) {
            ("GET", None, None) if path == "/crm/v3/owners" => owners(query),
            ("POST", Some(["batch", "upsert"]), Some(body)) => self.upsert(&body),
            ("PUT", Some([task, "associations", "company", company, "192"]), None) => self.associate(task, company),
            ("PATCH", Some([value]), Some(body)) if query == format!("idProperty={UNIQUE}") => {
                self.change(value, &body)
            }
            _ => (405, json!({ "status": "error", "message": format!("{method} {path}?{query} is not understood") })),
        }
    }

    fn upsert(&mut self, body: &Value) -> (u16, Value) {
        let Some([input]) = body["inputs"].as_array().map(Vec::as_slice) else { return refused("inputs") };
        let known = ["id", "idProperty", "properties"];
        if keys(body) != ["inputs"] || !keys(input).iter().all(|key| known.contains(&key.as_str())) {
            return refused("an unknown field");
        }
        let (Some(id), Some(properties)) = (input["id"].as_str(), input["properties"].as_object()) else {
            return refused("id and properties are required");
        };
        if input["idProperty"] != UNIQUE || input["properties"][UNIQUE] != id {
            return refused("idProperty names a unique property, and the property has that value");
        }
        let held = self.tasks.iter().find(|(_, task)| task.properties.get(UNIQUE).is_some_and(|value| value == id));
        let number = held.map(|(number, _)| *number);
        if number.is_none() && !(properties.contains_key("hs_timestamp") && properties.contains_key("hs_task_subject"))
        {
            return refused("hs_timestamp is required");
        }
        if self.unmade.contains(UNIQUE) {
            return missing(UNIQUE);
        }
        if let Err(refusal) = valid(properties) {
            return refusal;
        }
        let number = number.unwrap_or_else(|| {
            self.made += 1;
            9_000 + self.made
        });
        self.set(number, properties);
        let result = json!({ "id": number.to_string(), "new": true, "properties": {}, "archived": false });
        (200, json!({ "status": "COMPLETE", "results": [result] }))
    }

    fn associate(&mut self, task: &str, company: &str) -> (u16, Value) {
        let task = task.parse().ok().and_then(|number: u64| self.tasks.get_mut(&number));
        match task {
            Some(task) if !company.is_empty() => {
                if !task.companies.iter().any(|held| held == company) {
                    task.companies.push(company.to_owned());
                }
                (200, json!({}))
            }
            _ => (404, json!({ "status": "error", "category": "OBJECT_NOT_FOUND" })),
        }
    }

    fn change(&mut self, value: &str, body: &Value) -> (u16, Value) {
        let Some(properties) = body["properties"].as_object().filter(|_| keys(body) == ["properties"]) else {
            return refused("properties");
        };
        let held = self.tasks.iter().find(|(_, task)| task.properties.get(UNIQUE).is_some_and(|held| held == value));
        let Some((&number, _)) = held else {
            return (404, json!({ "status": "error", "category": "OBJECT_NOT_FOUND" }));
        };
        if let Err(refusal) = valid(properties) {
            return refusal;
        }
        self.set(number, properties);
        (200, json!({ "id": number.to_string(), "properties": {} }))
    }

    /// A property is made: ours, with what HubSpot asks for, and the one of tasks with unique values.
    fn make(&mut self, object: &str, body: &Value) -> (u16, Value) {
        const KEYS: [&str; 8] =
            ["name", "label", "type", "fieldType", "groupName", "description", "options", "hasUniqueValue"];
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        if let Some(odd) = keys(body).into_iter().find(|key| !KEYS.contains(&key.as_str())) {
            return refused(format!("{odd} is unknown"));
        }
        if let Some(empty) = KEYS[..5].iter().find(|key| text(key).is_empty()) {
            return refused(format!("{empty} is required"));
        }
        let made = (text("name"), text("type"), text("fieldType"));
        let is_ours = match object {
            "companies" => OURS.contains(&made) && text("groupName") == "companyinformation",
            "tasks" => {
                made == (UNIQUE, "string", "text") && text("groupName") == "task" && body["hasUniqueValue"] == true
            }
            _ => false,
        };
        let options = body["options"].as_array().map_or(0, Vec::len);
        if !is_ours || (text("type") == "enumeration") != (options > 0) {
            return refused(format!("{object} get no such property: {body}"));
        }
        if self.unmade.remove(text("name")) {
            (201, json!({ "name": text("name") }))
        } else {
            (409, json!({ "status": "error", "category": "OBJECT_ALREADY_EXISTS" }))
        }
    }

    fn write(&mut self, company: &str, body: &Value) -> (u16, Value) {
        let Some(properties) = body["properties"].as_object().filter(|_| keys(body) == ["properties"]) else {
            return refused("properties");
        };
        if self.gone || company.is_empty() || !company.bytes().all(|b| b.is_ascii_digit()) {
            return (404, json!({ "status": "error", "category": "OBJECT_NOT_FOUND" }));
        }
        for (name, value) in properties {
            let Some(text) = value.as_str() else { return refused(format!("{name} is no string")) };
            let fits = match name.as_str() {
                _ if self.unmade.contains(name) => return missing(name),
                "barometer_score" => text.is_empty() || text.parse().is_ok_and(|score: u16| score <= 100),
                "barometer_band" => ["", "green", "yellow", "red", "unknown"].contains(&text),
                "barometer_reasons" => text.chars().count() <= 65_536,
                "barometer_as_of" => text.is_empty() || text.parse::<model::Moment>().is_ok(),
                _ => return missing(name),
            };
            if !fits {
                return refused(format!("Property values were not valid: {name} cannot be {text}"));
            }
        }
        let text = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap_or_default().to_owned());
        let shown = self.companies.entry(company.to_owned()).or_default();
        shown.extend(properties.iter().map(text));
        self.writes.push(format!("{company} {}", shown["barometer_band"]));
        (200, json!({ "id": company, "properties": properties, "archived": false }))
    }

    fn set(&mut self, number: u64, properties: &Map<String, Value>) {
        let text = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap_or_default().to_owned());
        self.tasks.entry(number).or_default().properties.extend(properties.iter().map(text));
    }
}

fn owners(query: &str) -> (u16, Value) {
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("email=")).unwrap_or_default().replace("%40", "@");
    let found = OWNERS.iter().filter(|(_, email)| *email == asked);
    (200, json!({ "results": found.map(|(id, email)| json!({ "id": id, "email": email })).collect::<Vec<_>>() }))
}

fn keys(value: &Value) -> Vec<String> {
    value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

/// Every property is one that tasks have, and has a value that it can have.
fn valid(properties: &Map<String, Value>) -> Result<(), (u16, Value)> {
    for (name, value) in properties {
        let Some(text) = value.as_str() else { return Err(refused(format!("{name} is no string"))) };
        let fits = match name.as_str() {
            "hs_timestamp" => text.parse::<model::Moment>().is_ok(),
            "hs_task_status" => ["NOT_STARTED", "COMPLETED"].contains(&text),
            "hs_task_priority" => ["LOW", "MEDIUM", "HIGH"].contains(&text),
            "hs_task_type" => ["TODO", "CALL", "EMAIL"].contains(&text),
            "hubspot_owner_id" => text.is_empty() || OWNERS.iter().any(|(id, _)| *id == text),
            "hs_task_subject" | "hs_task_body" | UNIQUE => !text.is_empty(),
            _ => return Err(refused(format!("Property \"{name}\" does not exist"))),
        };
        if !fits {
            return Err(refused(format!("Property values were not valid: {name} cannot be {text}")));
        }
    }
    Ok(())
}
