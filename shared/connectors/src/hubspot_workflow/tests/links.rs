//! Where records belong: companies, addresses, merges, deletions; and what a whole record leaves out.

use super::*;

#[test]
fn what_was_deleted_is_gone_as_of_its_newest_change() {
    for (body, subject, at) in [
        (r#"{"objectType":"DEAL","objectId":7,"isDeleted":true,"properties":{}}"#, "hubspot:deal:7", RECEIVED),
        (r#"{"vid":7,"isDeleted":"true","properties":{}}"#, "hubspot:contact:7", RECEIVED),
        (
            r#"{"objectType":"COMPANY","objectId":7,"isDeleted":true,
                "properties":{"x":{"value":"1","timestamp":1801353600007},"y":{"value":"1","timestamp":5}}}"#,
            "hubspot:company:7",
            "2027-01-31T00:00:00.007Z",
        ),
    ] {
        let out = normalize(body.as_bytes());
        assert_eq!((&out.signals, &out.quarantined), (&vec![], &vec![]));
        assert_eq!(out.links.len(), 1);
        assert_eq!((out.links[0].subject.as_str(), &out.links[0].says), (subject, &LinkSays::Gone { gone: true }));
        assert_eq!(out.links[0].occurred_at.to_string(), at);
    }
    assert_eq!(normalize(br#"{"vid":7,"isDeleted":false,"properties":{}}"#), Normalized::default());
}

/// Every link as `subject field -> target`, with its time where that is not the time of receipt.
fn links_of(out: &Normalized) -> Vec<String> {
    let line = |link: &model::Link| {
        let says = match &link.says {
            LinkSays::Own { field, target, .. } => {
                format!("{field} -> {}", target.as_ref().map_or("nothing", |target| target.as_str()))
            }
            LinkSays::List { list, listed, .. } => {
                let listed: Vec<_> = listed.iter().map(|subject| subject.as_str()).collect();
                format!("{list} <- [{}]", listed.join(", "))
            }
            LinkSays::Gone { .. } => "gone".to_owned(),
            other => format!("{other:?}"),
        };
        format!("{} {says}", link.subject)
    };
    out.links.iter().map(line).collect()
}

#[test]
fn a_company_moves_with_the_body_that_says_so_last() {
    let body = |company: &str| format!(r#"{{"vid":5,"properties":{{}},"associated-company":{company}}}"#);
    let slots: std::collections::BTreeSet<_> = ["{\"company-id\":77}", "{\"company-id\":78}", "null"]
        .map(|company| normalize(body(company).as_bytes()).links.remove(0))
        .map(|link| match link.says {
            LinkSays::Own { field, .. } => field,
            other => format!("{other:?}"),
        })
        .into();
    // One claim that is said anew each time, so that the company before is not claimed any more.
    assert_eq!(slots, ["company".to_owned()].into());
}

#[test]
fn links_need_no_mapping() {
    let mut mapping = mapping();
    mapping.objects.clear();
    let out = normalize_with(
        br#"{"objectType":"COMPANY","objectId":7,"properties":{"domain":{"value":"a.example"}}}"#,
        &mapping,
    );
    assert_eq!(links_of(&out), ["hubspot:company:7 domain <- [domain:a.example]"]);
    assert!(out.signals.is_empty());

    let domain = [(Field::Domain, "web_address".to_owned())].into();
    mapping.objects.insert("company".into(), domain);
    let out = normalize_with(
        br#"{"objectType":"COMPANY","objectId":7,"properties":{
            "domain":{"value":"a.example"},"web_address":{"value":"https://b.example/"}}}"#,
        &mapping,
    );
    assert_eq!(links_of(&out), ["hubspot:company:7 domain <- [domain:b.example]"]);
}

#[test]
fn what_is_no_address_is_a_fact_and_links_nobody() {
    let out = normalize(br#"{"vid":5,"properties":{"email":{"value":"ask at the desk"}}}"#);
    assert_eq!(out.signals[0].statements[0].value, Value::Text("ask at the desk".into()));
    assert_eq!(links_of(&out), ["hubspot:contact:5 email <- []", "hubspot:contact:5 email -> nothing"]);
    assert_eq!(out.warnings[0].message, "this is no email address; it links nobody");

    let out = normalize(br#"{"vid":5,"properties":{"email":{"value":""}}}"#);
    assert_eq!(links_of(&out), ["hubspot:contact:5 email <- []", "hubspot:contact:5 email -> nothing"]);
    assert_eq!(out.warnings, []);
}

#[test]
fn a_field_that_is_always_told_is_empty_when_it_is_left_out() {
    let mut mapping = mapping();
    mapping.complete = [Field::RenewsOn, Field::OtherDomains, Field::Email].into();
    let body = br#"{"objectType":"COMPANY","objectId":7,"properties":{
        "name":{"value":"Acme","timestamp":1801353600007},"unmapped":{"value":"x","timestamp":1801353600009},
        "auto_renew":{"value":"true","timestamp":1801353600008}}}"#;
    let out = normalize_with(body, &mapping);
    let by_field = by_field(&out);
    assert_eq!(
        by_field.keys().map(|field| field.as_str()).collect::<Vec<_>>(),
        ["name", "other_domains", "renews_on", "auto_renew"]
    );
    let renews_on = &by_field[&Field::RenewsOn];
    assert_eq!(
        (&renews_on.value, renews_on.raw.as_str(), renews_on.path.as_str()),
        (&Value::Cleared, "", "properties")
    );
    assert_eq!(renews_on.occurred_at.to_string(), "2027-01-31T00:00:00.009Z");
    assert_eq!(links_of(&out), ["hubspot:company:7 other_domains <- []"]);
}

#[test]
fn odd_parts_of_a_merge_do_not_lose_the_rest() {
    let out =
        normalize(br#"{"vid":5,"canonical-vid":9,"merged-vids":[5,"6",{},9,6],"merge-audits":"x","properties":{}}"#);
    assert_eq!(
        links_of(&out),
        [
            "hubspot:contact:5 merge -> hubspot:contact:9",
            "hubspot:contact:5 gone",
            "hubspot:contact:6 merge -> hubspot:contact:9",
            "hubspot:contact:6 gone",
        ]
    );
    assert_eq!(out.quarantined.iter().map(|item| item.path.as_str()).collect::<Vec<_>>(), ["merged-vids[2]"]);
    let out = normalize(br#"{"vid":{},"canonical-vid":9,"merged-vids":{},"properties":{}}"#);
    assert_eq!(out.quarantined.len(), 2);
}
