//! What stands of an account's health on its company in HubSpot: four properties of ours, and how they are made.

use model::CrmUpdate;
use serde_json::{Map, Value, json};

use super::task::ACTION_ID;
use crate::slack::text::shown;

/// The score from 0 to 100; empty where too little is known.
pub const SCORE: &str = "barometer_score";
/// The band: `green`, `yellow`, `red` or `unknown`; empty for an account that is watched no more.
pub const BAND: &str = "barometer_band";
/// What costs most points, one line each; empty where nothing does.
pub const REASONS: &str = "barometer_reasons";
/// The moment that the three others hold for.
pub const AS_OF: &str = "barometer_as_of";

/// The longest reason.
const LINE: usize = 200;
/// The group of a company's properties in which ours are made; every portal has it.
const COMPANY_GROUP: &str = "companyinformation";
/// The same of tasks.
const TASK_GROUP: &str = "task";

/// A property that we make in HubSpot, once for each portal.
#[derive(Debug, Clone, PartialEq)]
pub struct OurProperty {
    /// What has it, as it stands in addresses of the API: `companies` or `tasks`.
    pub object: &'static str,
    /// Its internal name, which never changes.
    pub name: &'static str,
    /// The scope that making it takes.
    pub scope: &'static str,
    /// The body that makes it.
    pub body: Value,
}

/// Every property of ours: what makes a task one, and what shows an account's health.
pub fn our_properties() -> Vec<OurProperty> {
    let company = |name, label: &str, kind: (&str, &str), description: &str, options: Value| OurProperty {
        object: "companies",
        name,
        scope: "crm.schemas.companies.write",
        body: json!({
            "name": name, "label": label, "type": kind.0, "fieldType": kind.1, "groupName": COMPANY_GROUP,
            "description": format!("{description} Written by Barometer; what is typed here is overwritten."),
            "options": options,
        }),
    };
    let bands = ["green", "yellow", "red", "unknown"].into_iter().enumerate();
    let bands: Vec<Value> = bands
        .map(|(at, band)| json!({ "label": capital(band), "value": band, "displayOrder": at, "hidden": false }))
        .collect();
    let none = || json!([]);
    vec![
        OurProperty {
            object: "tasks",
            name: ACTION_ID,
            // Tasks have no scope of their own.
            scope: "crm.schemas.contacts.write",
            body: json!({
                "name": ACTION_ID, "label": "Barometer action", "type": "string", "fieldType": "text",
                "groupName": TASK_GROUP, "hasUniqueValue": true,
                "description": "Which action of Barometer made the task, so that none is made twice.",
            }),
        },
        company(SCORE, "Barometer score", ("number", "number"), "Health from 0 to 100; higher is healthier.", none()),
        company(BAND, "Barometer band", ("enumeration", "select"), "What the health score says.", json!(bands)),
        company(REASONS, "Barometer reasons", ("string", "textarea"), "What costs the score most points.", none()),
        company(AS_OF, "Barometer as of", ("datetime", "date"), "The moment that score and band hold for.", none()),
    ]
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The values; an empty text empties a property.
pub(super) fn properties(update: &CrmUpdate) -> Map<String, Value> {
    let band = update.band.map(|band| band.to_string());
    let lines: Vec<String> = update.reasons.iter().filter_map(|reason| shown(reason, LINE)).collect();
    let as_of = band.as_ref().map(|_| update.as_of.to_string());
    let values = [
        (SCORE, update.score.map(|score| score.to_string()).unwrap_or_default()),
        (BAND, band.unwrap_or_default()),
        (REASONS, lines.join("\n")),
        (AS_OF, as_of.unwrap_or_default()),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// Where a company is changed.
pub(super) fn company(number: &str) -> String {
    format!("/crm/v3/objects/companies/{number}")
}

/// Where a property of ours is made.
pub(super) fn schema(object: &str) -> String {
    format!("/crm/v3/properties/{object}")
}
