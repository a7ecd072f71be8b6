//! Which call fetches a record, and what its answer becomes.

use super::*;

#[test]
fn a_fetch_names_the_properties_that_are_used() {
    let mut mapping = mapping();
    mapping.objects.clear();
    let path = |mapping: &Mapping, object: &str| HubspotApp.fetch(object, mapping).map(|call| call.path);
    assert_eq!(
        path(&mapping, "company/7").as_deref(),
        Some(
            "/crm/v3/objects/companies/7?properties=domain,hs_additional_domains\
              &propertiesWithHistory=domain,hs_additional_domains&archived=false"
        )
    );
    let fields = [(Field::Amount, "amount"), (Field::Name, "my name&x=1"), (Field::Nps, "not_of_a_deal")];
    let fields = fields.map(|(field, property)| (field, property.to_owned())).into();
    mapping.objects.insert("deal".into(), fields);
    let properties = "amount,deal_currency_code,hs_primary_associated_company,my%20name%26x%3D1";
    assert_eq!(
        path(&mapping, "deal/18446744073709551615").unwrap(),
        format!(
            "/crm/v3/objects/deals/18446744073709551615?properties={properties}\
             &propertiesWithHistory={properties}&associations=companies&archived=false"
        )
    );
    for object in ["", "deal", "deal/", "deal/x", "deal/1/2", "deal/../1", "deal/1?x", "invoice/1", "deal/-1"] {
        assert_eq!(path(&mapping, object), None, "{object}");
    }
}

/// A contact with these further members of the answer, its company mirrored by nothing.
fn contact(members: &str) -> Normalized {
    answer("contact/5", "200", &format!(r#"{{"id":"5","updatedAt":"2026-11-20T08:23:20Z",{members}}}"#))
}

#[test]
fn a_fetched_value_is_as_old_as_its_history() {
    let time_of = |more: &str| {
        let mut out = contact(&format!(r#""properties":{{"buying_role":"CHAMPION"}}{more}"#));
        match out.quarantined.pop() {
            Some(item) => Err(item.path),
            None => Ok(out.signals[0].statements[0].occurred_at.as_millis() - AT),
        }
    };
    let history = |entries: &str| time_of(&format!(r#","propertiesWithHistory":{{"buying_role":{entries}}}"#));
    let at = |time: &str| format!(r#"{{"value":"CHAMPION","timestamp":{time}}}"#);
    assert_eq!(time_of(""), Ok(0));
    assert_eq!(time_of(r#","propertiesWithHistory":null"#), Ok(0));
    assert_eq!(history("null"), Ok(0));
    assert_eq!(history("[]"), Ok(0));
    let three = [at("1795163000001"), at("\"2026-11-20T08:23:20.009Z\""), at("\"1795163000005\"")].join(",");
    assert_eq!(history(&format!("[{three}]")), Ok(9));
    for odd in ["{}", "[3]", r#"[{"value":"x"}]"#, r#"[{"timestamp":1795163000001}]"#, &format!("[{}]", at("\"soon\""))]
    {
        assert_eq!(history(odd), Err("propertiesWithHistory.buying_role".to_owned()), "{odd}");
    }
    assert_eq!(contact(r#""properties":{},"updatedAt":"x""#).quarantined[0].path, "updatedAt");
    let undated = answer("contact/5", "200", r#"{"id":"5","properties":{"buying_role":"USER"}}"#);
    assert_eq!(undated.signals[0].statements[0].occurred_at.to_string(), RECEIVED);
}

/// The primary associations that a contact's answer tells, by the values of the mirroring property (newest first) and by
/// the companies in the list.
fn companies(history: &[(&str, i64)], list: &[(&str, &str)]) -> Vec<String> {
    let entry = |(value, at): &(&str, i64)| format!(r#"{{"value":"{value}","timestamp":{}}}"#, AT + at);
    let entries = history.iter().map(entry).collect::<Vec<_>>().join(",");
    let current = history.first().map_or("null".to_owned(), |(value, _)| format!("\"{value}\""));
    let result = |(id, kind): &(&str, &str)| format!(r#"{{"id":"{id}","type":"contact_to_company{kind}"}}"#);
    let results = list.iter().map(result).collect::<Vec<_>>().join(",");
    let out = contact(&format!(
        r#""properties":{{"associatedcompanyid":{current}}},
           "propertiesWithHistory":{{"associatedcompanyid":[{entries}]}},
           "associations":{{"companies":{{"results":[{results}]}}}}"#
    ));
    assert_eq!(out.quarantined, []);
    links(&out).iter().map(|line| line.replace("hubspot:", "").replace("contact:5 contact_to_company", "")).collect()
}

#[test]
fn an_answer_tells_the_company_now_and_those_before() {
    assert_eq!(companies(&[], &[]), [""; 0]);
    assert_eq!(companies(&[("7", -50)], &[("7", "")]), [" Crm company:7 @-50"]);
    // Without a mirror, or with one that lags behind, the list counts, as of the record's newest change.
    assert_eq!(companies(&[], &[("7", "")]), [" Crm company:7 @0"]);
    assert_eq!(companies(&[("6", -50)], &[("7", "")]), [" Crm company:7 @0", " Crm company:6 removed @0"]);
    // Without the list, the mirror.
    assert_eq!(companies(&[("7", -50)], &[]), [" Crm company:7 @-50"]);
    // There and back.
    assert_eq!(
        companies(&[("7", -10), ("6", -20), ("7", -30)], &[]),
        [" Crm company:7 @-10", " Crm company:6 removed @-10",]
    );
    assert_eq!(
        companies(&[("", -10), ("7", -20), ("", -30), ("6", -40)], &[]),
        [" Crm company:7 removed @-10", " Crm company:6 removed @-30",]
    );
    assert_eq!(
        companies(&[], &[("7", "_unlabeled"), ("8", "_unlabeled"), ("7", "_unlabeled"), ("9", "_vip")]),
        ["_unlabeled ExternalId company:7 @0", "_unlabeled ExternalId company:8 @0",]
    );
}

#[test]
fn one_odd_association_in_an_answer_does_not_lose_the_others() {
    let out = contact(
        r#""properties":{},"associations":{"companies":{"results":[3,{"id":"x","type":"contact_to_company"},
           {"id":7,"type":"contact_to_company"},{"id":8}]}}"#,
    );
    assert_eq!(links(&out), ["hubspot:contact:5 contact_to_company Crm hubspot:company:7 @0"]);
    assert_eq!(set_aside(&out), [0, 1, 3].map(|at| format!("associations.companies.results[{at}]")));
    for (members, place) in [
        (r#""associations":3"#, "associations"),
        (r#""associations":{"companies":3}"#, "associations.companies"),
        (r#""associations":{"companies":{"results":{}}}"#, "associations.companies.results"),
        (r#""propertiesWithHistory":[]"#, "propertiesWithHistory"),
    ] {
        assert_eq!(set_aside(&contact(&format!(r#""properties":{{}},{members}"#))), [place]);
    }
}

#[test]
fn an_answer_without_a_record_says_that_it_is_gone() {
    for (status, body) in [("404", "<html>"), ("404", "{}"), ("410", "")] {
        let out = answer("deal/5", status, body);
        assert_eq!(out.links.len(), 1);
        assert_eq!(out.links[0].says, LinkSays::Gone { gone: true });
        assert_eq!(out.links[0].occurred_at.to_string(), RECEIVED);
    }
    let bin = contact(r#""properties":{},"archived":true,"archivedAt":"2026-11-20T08:23:20.004Z""#);
    assert_eq!(links(&bin), ["hubspot:contact:5 gone @4"]);
    for (object, body, place) in [
        ("invoice/5", r#"{"id":"5","properties":{}}"#, "$"),
        ("deal/5", "x", "$"),
        ("deal/5", "[]", "$"),
        ("deal/5", r#"{"properties":{}}"#, "id"),
        ("deal/5", r#"{"id":"5"}"#, "properties"),
    ] {
        assert_eq!(set_aside(&answer(object, "200", body)), [place], "{object} {body}");
    }
}

#[test]
fn a_fetched_field_that_is_always_told_is_empty_when_it_is_left_out() {
    let mut mapping = mapping();
    mapping.complete = [Field::Role].into();
    let body = br#"{"id":"5","updatedAt":"2026-11-20T08:23:20Z","properties":{}}"#;
    let out = normalize_with(body, &[(FETCHED, "contact/5"), (FETCHED_STATUS, "200")], &mapping);
    let statement = &out.signals[0].statements[0];
    assert_eq!((statement.field, &statement.value), (Field::Role, &Value::Cleared));
    assert_eq!((statement.path.as_str(), statement.raw.as_str()), ("properties", ""));
    assert_eq!(statement.occurred_at.as_millis(), AT);
}

#[test]
fn a_header_of_ours_decides_what_a_body_is() {
    // An answer and a batch are never taken for each other.
    let batch = format!(r#"[{{"subscriptionType":"deal.deletion","objectId":1,"occurredAt":{AT}}}]"#);
    assert_eq!(set_aside(&answer("deal/1", "200", &batch)), ["$"]);
    assert_eq!(set_aside(&normalize(r#"{"id":"5","properties":{}}"#)), ["$"]);
}
