//! What a portal's companies look like: their properties, and what stands in them, from an export or an answer of the API.

use std::collections::BTreeMap;

use serde_json::Value;

/// What kind of property it is, as HubSpot calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An export does not tell.
    Unknown,
    Text,
    Number,
    Day,
    Choice,
    YesOrNo,
}

/// A property of companies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    /// Its internal name, which a mapping names.
    pub name: String,
    /// The internal name follows from the label as HubSpot makes it, and may have been chosen otherwise.
    pub is_guessed: bool,
    /// What people call it.
    pub label: String,
    pub kind: Kind,
}

/// Companies of one portal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Portal {
    pub properties: Vec<Property>,
    /// What stands in each company's properties, by internal name; what is empty is left out.
    pub companies: Vec<BTreeMap<String, String>>,
}

/// HubSpot's own properties whose internal names do not follow from their labels.
const STANDARD: [(&str, &str); 8] = [
    ("record id", "hs_object_id"),
    ("company name", "name"),
    ("company domain name", "domain"),
    ("company owner", "hubspot_owner_id"),
    ("lifecycle stage", "lifecyclestage"),
    ("annual revenue", "annualrevenue"),
    ("number of employees", "numberofemployees"),
    ("last contacted", "notes_last_contacted"),
];

impl Portal {
    /// Reads an export, or saved answers of the API.
    ///
    /// # Errors
    /// With what was expected, when it is neither.
    pub fn read(text: &str) -> Result<Self, String> {
        let portal = match serde_json::from_str::<Value>(text) {
            Ok(json) => Self::of_answers(&json),
            Err(_) => Self::of_export(text),
        };
        if portal.properties.is_empty() || portal.companies.is_empty() {
            return Err("expected companies: an export of HubSpot as CSV with a line of headings, or an answer of \
                 `POST /crm/v3/objects/companies/search` as JSON"
                .to_owned());
        }
        Ok(portal)
    }

    fn of_export(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}').as_bytes();
        let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(text);
        let labels = rows.headers().cloned().unwrap_or_default();
        let properties: Vec<_> = labels.iter().map(of_label).collect();
        let company = |cells: csv::StringRecord| {
            let named = properties.iter().zip(&cells).map(|(property, cell)| (property.name.clone(), cell.to_owned()));
            named.filter(|(_, cell)| !cell.trim().is_empty()).collect::<BTreeMap<_, _>>()
        };
        let companies = rows.records().flatten().map(company).filter(|company| !company.is_empty()).collect();
        Self { properties, companies }
    }

    /// One answer, or a list of several: those that describe properties and those that hold companies.
    fn of_answers(json: &Value) -> Self {
        let mut portal = Self::default();
        let answers = json.as_array().map_or_else(|| vec![json], |all| all.iter().collect());
        for result in answers.into_iter().filter_map(|answer| answer["results"].as_array()).flatten() {
            if let Some(values) = result["properties"].as_object() {
                let value = |value: &Value| match value {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
                    other => Some(other.to_string()),
                };
                let values = values.iter().filter_map(|(name, held)| Some((name.clone(), value(held)?)));
                let id = result["id"].as_str().map(|id| ("hs_object_id".to_owned(), id.to_owned()));
                portal.companies.push(values.chain(id).collect());
            } else if let (Some(name), Some(label)) = (result["name"].as_str(), result["label"].as_str()) {
                let kind = kind_of(result["type"].as_str().unwrap_or_default());
                let (name, label) = (name.to_owned(), label.to_owned());
                portal.properties.push(Property { name, is_guessed: false, label, kind });
            }
        }
        // Companies alone tell which properties there are.
        let named = portal.companies.iter().flat_map(BTreeMap::keys).collect::<std::collections::BTreeSet<_>>();
        let unknown = named.into_iter().filter(|name| portal.properties.iter().all(|known| known.name != **name));
        let plain = unknown.map(|name| Property {
            name: name.clone(),
            is_guessed: false,
            label: name.clone(),
            kind: Kind::Unknown,
        });
        let plain: Vec<_> = plain.collect();
        portal.properties.extend(plain);
        portal
    }

    /// What stands in a property, of all companies that have something there.
    pub fn values(&self, property: &str) -> impl Iterator<Item = &str> {
        self.companies.iter().filter_map(move |company| company.get(property).map(String::as_str))
    }

    /// For how many of the companies something stands there.
    pub fn filled(&self, property: &str) -> usize {
        self.values(property).count()
    }
}

fn kind_of(text: &str) -> Kind {
    match text {
        "string" => Kind::Text,
        "number" => Kind::Number,
        "date" | "datetime" => Kind::Day,
        "enumeration" => Kind::Choice,
        "bool" | "booleancheckbox" => Kind::YesOrNo,
        _ => Kind::Unknown,
    }
}

/// The property that an export calls so.
fn of_label(label: &str) -> Property {
    let label = label.trim();
    let lower = label.to_lowercase();
    let standard = STANDARD.iter().find(|(known, _)| *known == lower);
    // HubSpot makes the internal name of the label: lower-case letters and digits, everything else an underscore.
    let plain = |c: char| if c.is_alphanumeric() { c } else { '_' };
    let name = standard.map_or_else(|| lower.chars().map(plain).collect(), |(_, name)| (*name).to_owned());
    Property { name, is_guessed: standard.is_none(), label: label.to_owned(), kind: Kind::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_tells_labels_and_their_names_follow() {
        let portal =
            Portal::read("Record ID,Company name,Renewal Date (contract)\n7,Acme,2027-01-31\n8,Bolt,\n").unwrap();
        let names: Vec<_> = portal.properties.iter().map(|p| (p.name.as_str(), p.is_guessed)).collect();
        assert_eq!(names, [("hs_object_id", false), ("name", false), ("renewal_date__contract_", true)]);
        assert_eq!((portal.companies.len(), portal.filled("renewal_date__contract_")), (2, 1));
    }

    #[test]
    fn answers_of_the_api_tell_kinds_and_values() {
        let text = r#"[
          {"results": [{"name": "renewal_date", "label": "Renewal date", "type": "date"}]},
          {"results": [{"id": "7", "properties": {"renewal_date": "2027-01-31", "tier": null, "seats": 5}}]}]"#;
        let portal = Portal::read(text).unwrap();
        assert_eq!(portal.properties[0].kind, Kind::Day);
        assert_eq!(portal.companies[0]["hs_object_id"], "7");
        assert_eq!((portal.filled("tier"), portal.filled("seats")), (0, 1));
        for nothing in ["", "{}", "Name\n", "{\"results\": []}"] {
            assert!(Portal::read(nothing).unwrap_err().contains("expected companies"), "{nothing}");
        }
    }
}
