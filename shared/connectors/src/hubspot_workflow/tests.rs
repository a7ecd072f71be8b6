//! What each kind of value, each shape and each kind of nonsense becomes.

mod links;

use std::collections::BTreeMap;

use model::{Delivery, DeliveryId, Field, LinkSays, Mapping, Normalized, Statement, Value};
use proptest::prelude::*;

use super::HubspotWorkflow;
use crate::Connector as _;

const RECEIVED: &str = "2026-11-20T08:30:00.000Z";

fn mapping() -> Mapping {
    toml::from_str(include_str!("fixtures/mapping.toml")).unwrap()
}

fn normalize(body: &[u8]) -> Normalized {
    normalize_with(body, &mapping())
}

fn normalize_with(body: &[u8], mapping: &Mapping) -> Normalized {
    let connection = "hubspot".parse().unwrap();
    let delivery = Delivery {
        id: DeliveryId::new(&connection, "test"),
        connection,
        family: model::Family::Crm,
        received_at: RECEIVED.parse().unwrap(),
        body_sha256: String::new(),
        headers: BTreeMap::new(),
        body: body.to_vec(),
        same_key_as: None,
    };
    HubspotWorkflow.normalize(&delivery, mapping)
}

/// A company with these properties, written as they stand in the body.
fn company(properties: &str) -> Normalized {
    normalize(format!(r#"{{"objectType":"COMPANY","objectId":7,"properties":{{{properties}}}}}"#).as_bytes())
}

/// What a property of a company with this token as its value becomes: the value, or the reason of the quarantine.
fn value_of(property: &str, token: &str) -> Result<Value, String> {
    let mut out = company(&format!(r#""{property}":{{"value":{token},"timestamp":1794819600000}}"#));
    if let Some(item) = out.quarantined.pop() {
        assert_eq!(item.path, format!("properties.{property}.value"));
        return Err(item.reason);
    }
    Ok(out.signals.remove(0).statements.remove(0).value)
}

#[track_caller]
fn check(property: &str, token: &str, expected: &str) {
    let value = value_of(property, token).map(|value| value.to_string());
    assert_eq!(value.as_deref(), Ok(expected), "{property} {token}");
}

#[track_caller]
fn odd(property: &str, token: &str, found: &str) {
    let reason = value_of(property, token).expect_err(token);
    assert!(reason.starts_with(&format!("{property}: expected ")), "{reason}");
    assert!(reason.ends_with(&format!(", found {found}")), "{reason}");
}

#[test]
fn days_are_read_in_every_form_hubspot_writes() {
    for token in [
        "\"1801353600000\"",
        "1801353600000",
        "\"1801439999999\"",
        "\"2027-01-31\"",
        "\"2027-01-31T23:59:59.999Z\"",
        "\"2027-01-31T00:00:00+02:00\"",
    ] {
        check("renewal_date", token, "2027-01-31");
    }
    check("customer_since", "\"-157766400000\"", "1965-01-01");
    for (token, found) in [
        ("\"31.01.2027\"", "text"),
        ("\"2027-02-30\"", "text"),
        // Seconds, and a day without dashes: as milliseconds both would be in January 1970.
        ("1801353600", "a number"),
        ("\"20270131\"", "text"),
        ("\"0\"", "text"),
        ("1e400", "a number"),
        ("99999999999999999999999", "a number"),
        ("9223372036854775807", "a number"),
        ("-9223372036854775808", "a number"),
        ("1801353600000.5", "a number"),
        ("true", "true or false"),
        ("{}", "an object"),
        ("[1801353600000]", "a list"),
        ("\"\\ud800\"", "text that is not valid Unicode"),
    ] {
        odd("renewal_date", token, found);
    }
}

#[test]
fn instants_keep_their_milliseconds() {
    check("last_two_way_contact", "\"1801353600007\"", "2027-01-31T00:00:00.007Z");
    check("last_two_way_contact", "\"2027-01-31T02:00:00+02:00\"", "2027-01-31T00:00:00.000Z");
    check("last_two_way_contact", "\"2027-01-31\"", "2027-01-31T00:00:00.000Z");
    odd("last_two_way_contact", "\"last week\"", "text");
    odd("last_two_way_contact", "1801353600", "a number");
}

#[test]
fn amounts_are_exact() {
    check("annual_recurring_revenue", "\"12000.505\"", "EUR 12,000.51");
    check("annual_recurring_revenue", "12000.1", "EUR 12,000.10");
    check("annual_recurring_revenue", "\"1.0E7\"", "EUR 10,000,000");
    check(
        "annual_recurring_revenue",
        "0.1000000000000000000000000000000000000000000000000000000000000000001",
        "EUR 0.10",
    );
    odd("annual_recurring_revenue", "\"12,000\"", "text");
    odd("annual_recurring_revenue", "1e400", "a number");
    odd("annual_recurring_revenue", "\"NaN\"", "text");
}

#[test]
fn notice_periods_are_whole_days_of_a_sane_number() {
    check("notice_period_days", "\"90\"", "90");
    check("notice_period_days", "90.00", "90");
    check("notice_period_days", "0", "0");
    check("notice_period_days", "3650", "3650");
    for token in ["3651", "-1", "30.5", "9223372036854775808"] {
        odd("notice_period_days", token, "a number");
    }
    odd("notice_period_days", "\"three months\"", "text");
}

#[test]
fn flags_have_two_spellings() {
    for (token, expected) in [("true", "true"), ("\"TRUE\"", "true"), ("\"Yes\"", "true"), ("\"no\"", "false")] {
        check("auto_renew", token, expected);
    }
    odd("auto_renew", "1", "a number");
    odd("auto_renew", "\"maybe\"", "text");
}

#[test]
fn common_words_of_sentiment_become_three_colours() {
    for (words, colour) in [
        (&["green", "Good", "HEALTHY", " happy "][..], "green"),
        (&["yellow", "neutral", "at watch", "OK", "at_watch"], "yellow"),
        (&["red", "bad", "At Risk", "at-risk", "poor"], "red"),
    ] {
        for word in words {
            check("csm_sentiment", &format!("\"{word}\""), colour);
        }
    }
    let reason = value_of("csm_sentiment", "\"meh\"").unwrap_err();
    assert!(reason.contains("green, good") && reason.contains("at risk") && !reason.contains("meh"), "{reason}");
}

#[test]
fn case_is_dropped_only_where_it_means_nothing() {
    check("domain", "\" ACME.example\"", "acme.example");
    check("lifecyclestage", "\"Customer\"", "customer");
    check("subscription_status", "\"Past_Due\"", "past_due");
    check("hs_additional_domains", "\"A.example; b.example;;\"", "a.example,b.example");
    check("name", "\"ACME \\u00dcber GmbH\"", "ACME Über GmbH");
    check("hubspot_owner_id", "70411932", "70411932");
}

#[test]
fn empty_and_null_clear_and_absent_says_nothing() {
    for token in ["\"\"", "\"  \"", "null"] {
        assert_eq!(value_of("renewal_date", token), Ok(Value::Cleared), "{token}");
    }
    let null = company(r#""renewal_date":null"#);
    assert_eq!(null.signals[0].statements[0].value, Value::Cleared);
    assert_eq!(null.signals[0].statements[0].path, "properties.renewal_date");
    assert_eq!(company(r#""some_other":{"value":"x"}"#), Normalized::default());
}

/// The time of the one statement, or the path of what was odd about it.
fn time_of(parts: &str) -> Result<String, String> {
    let mut out = company(&format!(r#""name":{{"value":"Acme"{parts}}}"#));
    match out.quarantined.pop() {
        Some(item) => Err(item.path),
        None => Ok(out.signals[0].statements[0].occurred_at.to_string()),
    }
}

#[test]
fn a_value_is_as_old_as_the_body_says() {
    let at = |text: &str| Ok(text.to_owned());
    assert_eq!(time_of(r#","timestamp":1801353600007"#), at("2027-01-31T00:00:00.007Z"));
    assert_eq!(time_of(r#","timestamp":"1801353600007""#), at("2027-01-31T00:00:00.007Z"));
    let versions = r#","versions":[{"timestamp":5},{"timestamp":"1801353600007"},{},{"timestamp":7}]"#;
    assert_eq!(time_of(versions), at("2027-01-31T00:00:00.007Z"));
    assert_eq!(time_of(""), at(RECEIVED));
    assert_eq!(time_of(r#","timestamp":null,"versions":null"#), at(RECEIVED));
}

#[test]
fn a_value_whose_time_cannot_be_read_is_set_aside() {
    let path = |text: &str| Err(text.to_owned());
    for odd in ["\"soon\"", "1e400", "9223372036854775807", "[]"] {
        assert_eq!(time_of(&format!(r#","timestamp":{odd}"#)), path("properties.name.timestamp"), "{odd}");
    }
    assert_eq!(time_of(r#","versions":{}"#), path("properties.name.versions"));
    assert_eq!(time_of(r#","versions":[3]"#), path("properties.name.versions"));
    let many = vec!["{}"; 1_001].join(",");
    assert_eq!(time_of(&format!(r#","versions":[{many}]"#)), path("properties.name.versions"));
}

#[test]
fn one_odd_property_does_not_lose_the_others() {
    for odd in [
        r#""domain":"bare.example""#,
        r#""domain":[]"#,
        r#""domain":{}"#,
        r#""domain":{"value":"a.example"},"domain":{"value":"b.example"}"#,
        r#""domain":{"value":"a.example","value":"b.example"}"#,
    ] {
        let out = company(&format!(r#"{odd},"name":{{"value":"Acme"}}"#));
        assert_eq!(out.quarantined.len(), 1, "{odd}");
        assert_eq!(out.quarantined[0].path, "properties.domain", "{odd}");
        assert_eq!(out.signals[0].statements.len(), 1, "{odd}");
        assert!(!out.quarantined[0].reason.contains(".example"), "{odd}");
    }
}

#[track_caller]
fn set_aside(body: &[u8], path: &str) {
    let out = normalize(body);
    assert!(out.signals.is_empty(), "{out:?}");
    assert_eq!(out.quarantined.iter().map(|item| item.path.as_str()).collect::<Vec<_>>(), [path]);
}

#[test]
fn a_body_that_is_no_record_is_set_aside_whole() {
    for body in [&b""[..], b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"{\"objectType\":", b"[]", b"null", b"NaN", b"{} {}"] {
        set_aside(body, "$");
    }
    set_aside(br#"{"\ud800":1,"objectType":"COMPANY","objectId":7,"properties":{}}"#, "$");
    set_aside(b"{}", "objectType");
    set_aside(br#"{"objectType":"TICKET","objectId":7,"properties":{}}"#, "objectType");
    set_aside(br#"{"objectType":{},"objectId":7,"properties":{}}"#, "objectType");
    set_aside(br#"{"objectType":"DEAL","objectType":"COMPANY","objectId":7,"properties":{}}"#, "objectType");
    set_aside(br#"{"objectType":"COMPANY","properties":{}}"#, "objectId");
    set_aside(br#"{"objectType":"COMPANY","objectId":7}"#, "properties");
    set_aside(br#"{"objectType":"COMPANY","objectId":7,"isDeleted":3,"properties":{}}"#, "isDeleted");
}

#[test]
fn the_name_of_an_unknown_type_is_shown_only_when_it_looks_like_one() {
    let reason = |kind: &str| {
        let body = format!(r#"{{"objectType":"{kind}","objectId":7,"properties":{{}}}}"#);
        normalize(body.as_bytes()).quarantined.remove(0).reason
    };
    assert!(reason("LINE_ITEM").ends_with("found `LINE_ITEM`"));
    assert!(reason("Ann Example").ends_with("found text"));
}

#[test]
fn ids_have_64_bits_as_number_or_text() {
    let subject = |id: &str| {
        let body = format!(r#"{{"objectType":"COMPANY","objectId":{id},"properties":{{"name":{{"value":"A"}}}}}}"#);
        normalize(body.as_bytes()).signals.first().map(|signal| signal.subject.to_string())
    };
    assert_eq!(subject("18446744073709551615").as_deref(), Some("hubspot:company:18446744073709551615"));
    assert_eq!(subject("\"9007199254740993\"").as_deref(), Some("hubspot:company:9007199254740993"));
    for id in ["18446744073709551616", "-1", "+1", "7.0", "7e0", "1e400", "\"\"", "\"+7\"", "\"7 \"", "null", "{}"] {
        assert_eq!(subject(id), None, "{id}");
    }
}

#[test]
fn depth_and_size_are_harmless() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(company(&format!(r#""unused":{deep},"name":{{"value":"A","x":{deep}}}"#)).signals.len(), 1);
    odd("name", &deep, "a list");
    odd("name", &format!("\"{}\"", "n".repeat(4_095)), "a value of more than 4096 bytes");
    let many: Vec<String> = (0..10_001).map(|n| format!("\"p{n}\":1")).collect();
    assert_eq!(company(&many.join(",")).quarantined[0].path, "properties");
}

#[test]
fn a_merged_contact_is_known_by_the_survivor() {
    let body = br#"{"vid":5,"canonical-vid":9,"properties":{"email":{"value":"a@b.example"}}}"#;
    assert_eq!(normalize(body).signals[0].subject.as_str(), "hubspot:contact:9");
}

/// The statement of a contact's company, or the path of what was odd about it.
fn company_of_contact(parts: &str) -> Result<Option<Statement>, String> {
    let mut out = normalize(format!(r#"{{"vid":5,"properties":{{}},{parts}}}"#).as_bytes());
    match out.quarantined.pop() {
        Some(item) => Err(item.path),
        None => Ok(out.signals.pop().map(|mut signal| signal.statements.remove(0))),
    }
}

#[test]
fn a_contact_belongs_to_the_company_it_names() {
    let company = |parts| company_of_contact(parts).map(|s| s.map(|s| (s.value, s.path)));
    let id = (Value::Text("77".into()), "associated-company.company-id".to_owned());
    assert_eq!(company(r#""associated-company":{"company-id":77}"#), Ok(Some(id.clone())));
    assert_eq!(company(r#""associated-company":{"company-id":"77"}"#), Ok(Some(id)));
    assert_eq!(company(r#""associated-company":null"#), Ok(Some((Value::Cleared, "associated-company".to_owned()))));
    assert_eq!(company(r#""x":1"#), Ok(None));
    assert_eq!(company(r#""associated-company":{}"#), Err("associated-company.company-id".to_owned()));
    assert_eq!(company(r#""associated-company":3"#), Err("associated-company".to_owned()));
}

#[test]
fn an_amount_is_as_old_as_its_currency() {
    let deal = |currency: &str| {
        let body = format!(
            r#"{{"objectType":"DEAL","objectId":7,"properties":{{
                "amount":{{"value":"10","timestamp":1801353600005}},"deal_currency_code":{currency}}}}}"#
        );
        let statement = normalize(body.as_bytes()).signals.remove(0).statements.remove(0);
        (statement.value.to_string(), statement.occurred_at.as_millis(), statement.sequence)
    };
    assert_eq!(deal(r#"{"value":"CHF","timestamp":1801353600009}"#), ("CHF 10".into(), 1_801_353_600_009, Some(1)));
    assert_eq!(deal(r#"{"value":"CHF","timestamp":1801353600001}"#), ("CHF 10".into(), 1_801_353_600_005, Some(1)));
    assert_eq!(deal(r#"{"value":"","timestamp":1801353600009}"#), ("EUR 10".into(), 1_801_353_600_005, None));
}

#[test]
fn an_amount_in_a_currency_nobody_knows_is_set_aside() {
    let out = normalize(
        br#"{"objectType":"DEAL","objectId":7,"properties":{
            "dealname":{"value":"Renewal"},"amount":{"value":"10"},"deal_currency_code":{"value":"euros"}}}"#,
    );
    assert_eq!(out.quarantined[0].path, "properties.deal_currency_code.value");
    assert_eq!(out.signals[0].statements.len(), 1);
}

#[test]
fn an_object_without_a_mapping_is_said_to_have_none() {
    let mut mapping = mapping();
    mapping.objects.remove("deal");
    let body = br#"{"objectType":"DEAL","objectId":7,"properties":{"amount":{"value":"1"}}}"#;
    let out = normalize_with(body, &mapping);
    assert!(out.signals.is_empty());
    assert!(out.warnings[0].message.starts_with("no property of a deal is mapped"));
}

/// Another value that a field's token could be.
fn other_token(field: Field) -> &'static str {
    match field {
        Field::Sentiment => "\"poor\"",
        Field::Company => "123456",
        Field::IsTest | Field::OptedOut => "\"true\"",
        Field::AutoRenew => "\"false\"",
        Field::NoticeDays | Field::Seats | Field::PrepaidUnits | Field::PrepaidLeft | Field::Arr | Field::Amount => {
            "\"31\""
        }
        Field::CustomerSince | Field::StartsOn | Field::RenewsOn | Field::ClosesOn | Field::LastTwoWayAt => {
            "\"1700000000000\""
        }
        _ => "\"changed.example\"",
    }
}

/// Every statement by what it is about.
fn by_field(out: &Normalized) -> BTreeMap<Field, Statement> {
    out.signals.iter().flat_map(|signal| &signal.statements).map(|s| (s.field, s.clone())).collect()
}

#[track_caller]
fn each_value_feeds_its_own_field(body: &str, fields: usize) {
    let before = by_field(&normalize(body.as_bytes()));
    assert_eq!(before.len(), fields);
    for (field, statement) in &before {
        let pointer = format!("/{}", statement.path.replace('.', "/"));
        let mut changed: serde_json::Value = serde_json::from_str(body).unwrap();
        *changed.pointer_mut(&pointer).unwrap() = serde_json::from_str(other_token(*field)).unwrap();

        let after = by_field(&normalize(changed.to_string().as_bytes()));
        let differing: Vec<Field> = before.iter().filter(|(f, s)| after.get(f) != Some(s)).map(|(f, _)| *f).collect();
        assert_eq!(differing, [*field]);
        assert_eq!(after.len(), fields, "{field}");
        assert_eq!(after[field].raw, other_token(*field));
    }
}

#[test]
fn changing_a_value_changes_its_field_and_no_other() {
    each_value_feeds_its_own_field(include_str!("fixtures/company_healthy/body.json"), 24);
    each_value_feeds_its_own_field(include_str!("fixtures/deal/body.json"), 9);
    each_value_feeds_its_own_field(include_str!("fixtures/contact/body.json"), 5);
}

proptest! {
    #[test]
    fn any_token_as_a_value_becomes_a_value_or_a_reason(
        property in prop::sample::select(vec!["name", "renewal_date", "annual_recurring_revenue", "notice_period_days",
            "auto_renew", "csm_sentiment", "last_two_way_contact", "hs_additional_domains"]),
        token in prop_oneof![
            "-?(0|[1-9][0-9]{0,70})(\\.[0-9]{1,70})?([eE][+-]?[0-9]{1,12})?",
            "\"[ -!#-\\[\\]-~äß€😀]{0,40}\"",
            "\"[0-9TZ:+.-]{1,30}\"",
            Just("null".to_owned()), Just("{\"a\":[1]}".to_owned()),
        ],
    ) {
        let out = company(&format!(r#""{property}":{{"value":{token},"timestamp":1794819600000}}"#));
        prop_assert_eq!(out.signals.len() + out.quarantined.len(), 1);
        if let Some(item) = out.quarantined.first() {
            // The kind of thing, never the thing.
            let digits = token.trim_matches('"');
            prop_assert!(digits.len() < 6 || !item.reason.contains(digits), "{}", item.reason);
        }
    }
}
