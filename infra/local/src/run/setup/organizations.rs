//! What fields of Zendesk's organisations mean: by their names and what stands in them; with the reason, and how sure.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::propose::Confidence;

/// Organisations, and the fields that this Zendesk gives them.
#[derive(Debug, Default)]
pub(super) struct Organizations {
    pub records: Vec<Value>,
    /// Key and title of each field.
    fields: Vec<(String, String)>,
}

/// A field, and what it means.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Found {
    /// What is looked for: `account id`, or a field of the mapping.
    pub what: &'static str,
    /// The field's key; `None` where none fits.
    pub name: Option<String>,
    pub sure: Option<Confidence>,
    pub why: String,
}

/// What is always read, and mapped by nobody.
const ACCOUNT: &str = "account id";

impl Found {
    /// What is written to the mapping without somebody looking.
    pub fn sure(&self) -> Option<(&str, &str)> {
        self.sure.filter(|sure| *sure > Confidence::Low && self.what != ACCOUNT)?;
        Some((self.what, self.name.as_deref()?))
    }
}

impl Organizations {
    /// What saved answers of the API tell; `None` where they hold no organisation.
    pub fn of(saved: &[Value]) -> Option<Self> {
        let mut all = Self::default();
        for answer in saved {
            all.records.extend(answer["organizations"].as_array().into_iter().flatten().cloned());
            all.records.extend(answer["organization"].as_object().map(|one| Value::Object(one.clone())));
            for field in answer["organization_fields"].as_array().into_iter().flatten() {
                let word = |name: &str| field[name].as_str().unwrap_or_default().to_owned();
                all.fields.push((word("key"), word("title")));
            }
        }
        // Organisations alone tell which fields there are.
        let held = all.records.iter().filter_map(|record| record["organization_fields"].as_object());
        let keys: BTreeSet<String> = held.flat_map(|fields| fields.keys().cloned()).collect();
        let new = keys.into_iter().filter(|key| all.fields.iter().all(|(known, _)| known != key));
        let new: Vec<_> = new.map(|key| (key.clone(), key)).collect();
        all.fields.extend(new);
        // A key that cannot stand between quotes is none of Zendesk's.
        all.fields.retain(|(key, _)| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        });
        (!all.records.is_empty()).then_some(all)
    }

    fn values(&self, key: &str) -> Vec<String> {
        let text = |record: &Value| match &record["organization_fields"][key] {
            Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        self.records.iter().filter_map(text).collect()
    }

    /// The fields whose key or title holds one of these words, with what stands in them; the fullest first.
    fn named(&self, words: &[&str]) -> Vec<(&str, Vec<String>)> {
        let is_named = |(key, title): &&(String, String)| {
            let name = format!("{key} {title}").to_lowercase();
            words.iter().any(|word| name.contains(word))
        };
        let found = self.fields.iter().filter(is_named).map(|(key, _)| (key.as_str(), self.values(key)));
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|(_, values)| std::cmp::Reverse(values.len()));
        found
    }
}

/// What names the account, then a proposal for each field that can be mapped.
pub(super) fn meanings(all: &Organizations) -> Vec<Found> {
    let mut found = vec![account(all)];
    for (what, words) in [("tier", &["tier", "plan", "service_level", "support_level"][..]), ("segment", &["segment"])]
    {
        let count = all.records.len();
        let Some((key, values)) = all.named(words).into_iter().next() else {
            let why = format!("no field is named like a {what}");
            found.push(Found { what, name: None, sure: None, why });
            continue;
        };
        let kinds: BTreeSet<&String> = values.iter().collect();
        // A few words for many organisations; what is told of each alone is none.
        let is_kind = !values.is_empty() && (kinds.len() <= 3 || kinds.len() * 2 <= values.len());
        let sure = if is_kind { Confidence::Medium } else { Confidence::Low };
        let some: Vec<&str> = kinds.iter().take(4).map(|kind| kind.as_str()).collect();
        let why = format!("named like a {what}; filled for {} of {count}: {}", values.len(), some.join(", "));
        found.push(Found { what, name: Some(key.to_owned()), sure: Some(sure), why });
    }
    found
}

/// Only the external id names an account to us; a field that holds the same is named, so that somebody copies it.
fn account(all: &Organizations) -> Found {
    let count = all.records.len();
    let ids: Vec<&str> = all.records.iter().filter_map(|record| record["external_id"].as_str()).collect();
    let filled = ids.iter().filter(|id| !id.is_empty()).count();
    let fitting = ids.iter().filter(|id| is_account(id)).count();
    if filled > 0 {
        let sure = if fitting * 10 >= filled * 9 { Confidence::High } else { Confidence::Low };
        let why = format!("filled for {filled} of {count}, {fitting} of them with an id or a domain");
        return Found { what: ACCOUNT, name: Some("external_id".to_owned()), sure: Some(sure), why };
    }
    let words = ["hubspot", "crm", "salesforce", "account_id", "account id", "company_id", "company id"];
    let held = all.named(&words).into_iter().find(|(_, values)| values.iter().any(|value| is_account(value)));
    let why = match held {
        Some((key, values)) => format!(
            "external_id is empty for all {count}, and only that is read; the field {key} holds ids for {}: copy them to \
             External ID (Zendesk: organization → External ID, or by an import)",
            values.len()
        ),
        None => format!(
            "external_id is empty for all {count}: organisations are then found by their web domains only; put the CRM's id \
             of the company there"
        ),
    };
    Found { what: ACCOUNT, name: None, sure: None, why }
}

/// A bare id, one with its tool and type, or a web domain.
fn is_account(text: &str) -> bool {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number || (!text.contains(' ') && (text.matches(':').count() == 2 || text.contains('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn organizations(records: Value) -> Organizations {
        Organizations::of(&[json!({ "organizations": records })]).unwrap()
    }

    #[track_caller]
    fn check(records: Value, what: &str, expected: Option<(&str, Confidence)>, why: &str) {
        let all = meanings(&organizations(records));
        let found = all.iter().find(|found| found.what == what).unwrap();
        assert_eq!(found.name.as_deref().zip(found.sure), expected, "{found:?}");
        assert!(found.why.contains(why), "{found:?}");
    }

    #[test]
    fn an_external_id_names_the_account_when_it_looks_like_one() {
        let high = Some(("external_id", Confidence::High));
        check(
            json!([{ "external_id": "4410027" }, { "external_id": "hubspot:company:7" }]),
            ACCOUNT,
            high,
            "2 of 2, 2",
        );
        check(json!([{ "external_id": "acme.example" }, { "external_id": null }]), ACCOUNT, high, "filled for 1 of 2");
        check(json!([{ "external_id": "Acme Inc" }]), ACCOUNT, Some(("external_id", Confidence::Low)), "0 of them");
    }

    #[test]
    fn a_field_that_holds_the_id_is_to_be_copied() {
        let record = json!([{ "external_id": null, "organization_fields": { "hubspot_id": "4410027" } }]);
        check(record, ACCOUNT, None, "the field hubspot_id holds ids for 1");
        check(json!([{ "name": "Acme" }]), ACCOUNT, None, "by their web domains only");
    }

    #[test]
    fn a_tier_is_one_of_a_few_words() {
        let of = |n: usize| json!({ "organization_fields": { "support_tier": format!("t{n}"), "other": "x" } });
        check(json!([of(1), of(1), of(2)]), "tier", Some(("support_tier", Confidence::Medium)), "t1, t2");
        check(json!([of(1), of(2), of(3), of(4)]), "tier", Some(("support_tier", Confidence::Low)), "filled for 4");
        check(json!([of(1)]), "segment", None, "no field");
    }
}
