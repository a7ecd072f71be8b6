//! What is authentic is kept, whatever it is: read into facts, or listed as not understood with the reason.

use std::collections::BTreeSet;

use tests::World;

use super::{check, journal, request, world};

/// What becomes of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Becomes {
    Facts,
    Quarantined,
    /// The good part of it facts, the rest quarantined.
    Both,
}
use Becomes::{Both, Facts, Quarantined};

/// A company with this id, these properties and these other parts.
fn company(id: &str, properties: &str, more: &str) -> Vec<u8> {
    format!(r#"{{"objectType":"COMPANY","objectId":{id},"properties":{{{properties}}}{more}}}"#).into_bytes()
}

fn nested(depth: usize) -> String {
    format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
}

const NAME: &str = r#""name":{"value":"Nordlicht"}"#;

fn corpus() -> Vec<(String, Vec<u8>, Becomes)> {
    let mut rows: Vec<(String, Vec<u8>, Becomes)> = Vec::new();
    for depth in [126, 127, 128, 200, 20_000] {
        let deep = nested(depth);
        rows.push((format!("{depth} deep, unread"), company("1", NAME, &format!(r#","unused":{deep}"#)), Facts));
        let value = format!(r#"{NAME},"customer_tier":{{"value":{deep}}}"#);
        rows.push((format!("{depth} deep, read"), company("1", &value, ""), Both));
        rows.push((format!("{depth} deep and nothing else"), deep.into_bytes(), Quarantined));
    }
    let property = |name: &str, value: &str| format!(r#"{NAME},"{name}":{{"value":{value}}}"#);
    let row = |what: &str, body: Vec<u8>, becomes| (what.to_owned(), body, becomes);
    rows.extend([
        row("the id twice", company("1", NAME, r#","objectId":2"#), Quarantined),
        row("the properties twice", company("1", NAME, r#","properties":{}"#), Quarantined),
        row(
            "a property twice",
            company(
                "1",
                &format!(r#"{NAME},"csm_sentiment":{{"value":"red"}},"csm_sentiment":{{"value":"green"}}"#),
                "",
            ),
            Both,
        ),
        row("an unread part twice", company("1", NAME, r#","unused":1,"unused":2"#), Facts),
        row("the largest id", company("18446744073709551615", NAME, ""), Facts),
        row("an id too large", company("18446744073709551616", NAME, ""), Quarantined),
        row("an id of 400 digits", company(&"9".repeat(400), NAME, ""), Quarantined),
        row("an id that is a float", company("1e3", NAME, ""), Quarantined),
        row("an endless amount", company("1", &property("annual_recurring_revenue", "1e400"), ""), Both),
        row("an amount of 400 digits", company("1", &property("annual_recurring_revenue", &"9".repeat(400)), ""), Both),
        row("an unread 1e400", company("1", NAME, r#","unused":1e400"#), Facts),
        row("an unread -0.0e-999", company("1", NAME, r#","unused":-0.0e-999"#), Facts),
        row("half a surrogate pair", company("1", &property("customer_tier", r#""\ud800""#), ""), Both),
        row("half a surrogate pair, unread", company("1", NAME, r#","unused":"\udc00""#), Facts),
        row("half a surrogate pair as a key", company("1", NAME, r#","\ud800":1"#), Quarantined),
        row("a NUL", company("1", r#""name":{"value":"a\u0000b"}"#, ""), Facts),
        row("every control character", company("1", r#""name":{"value":"\u0001\u001b[31m\r\n"}"#, ""), Facts),
        row("a bare control character", company("1", "\"name\":{\"value\":\"\u{1}\"}", ""), Quarantined),
        row("an empty key", company("1", &format!(r#"{NAME},"":{{"value":"x"}}"#), ""), Facts),
        row("a long value", company("1", &property("customer_tier", &format!("{:?}", "x".repeat(5_000))), ""), Both),
        row("a long value, unread", company("1", NAME, &format!(r#","unused":"{}""#, "x".repeat(900_000))), Facts),
        row("one property behind two fields, odd", company("1", &property("hubspot_owner_id", "[]"), ""), Both),
        row("every property odd", company("1", &all_odd(), ""), Quarantined),
        row("a byte order mark", [b"\xef\xbb\xbf", company("1", NAME, "").as_slice()].concat(), Quarantined),
        row("UTF-16", "{\"a\":1}".encode_utf16().flat_map(u16::to_be_bytes).collect(), Quarantined),
        row("not UTF-8", company("1", NAME, "").into_iter().chain([0xff]).collect(), Quarantined),
        row(
            "not UTF-8 inside",
            company("1", NAME, "").into_iter().map(|b| if b == b'N' { 0xc3 } else { b }).collect(),
            Quarantined,
        ),
        row("NaN", company("1", &property("annual_recurring_revenue", "NaN"), ""), Quarantined),
        row("Infinity", company("1", NAME, r#","unused":Infinity"#), Quarantined),
        row("more behind it", [company("1", NAME, ""), b" {}".to_vec()].concat(), Quarantined),
        row("cut off", company("1", NAME, "")[..60].to_vec(), Quarantined),
        row("empty", Vec::new(), Quarantined),
        row("white space", b" \r\n\t".to_vec(), Quarantined),
        row("null", b"null".to_vec(), Quarantined),
        row("a list", b"[{}]".to_vec(), Quarantined),
        row("a form", b"objectType=COMPANY&objectId=1".to_vec(), Quarantined),
        row("an object nobody knows", br#"{"objectType":"INVOICE","objectId":1}"#.to_vec(), Quarantined),
    ]);
    rows
}

/// Every property that is mapped, as something it cannot be.
fn all_odd() -> String {
    let config = tests::config();
    let mapped = config.connections[0].mapping.objects["company"].values().collect::<BTreeSet<_>>();
    mapped.into_iter().map(|property| format!(r#""{property}":{{"value":{{}}}}"#)).collect::<Vec<_>>().join(",")
}

/// `record_owner` reads the property that `csm` reads, as where one person is both.
async fn world_of_one_owner() -> World {
    let config = super::edited(|text| {
        let before = text.clone();
        *text = text.replacen("csm = \"customer_success_manager\"", "csm = \"hubspot_owner_id\"", 1);
        assert_ne!(*text, before);
    });
    World::new(tests::Setup { config, ..tests::Setup::new() }).await
}

#[tokio::test(start_paused = true)]
async fn what_is_authentic_becomes_facts_or_is_quarantined_and_is_never_lost() {
    for (what, body, becomes) in corpus() {
        let world = world_of_one_owner().await;
        check(&world, request(&body), 200, &what).await;
        assert!(journal(&world).await[0].body == body, "{what}: kept byte for byte");
        world.rest().await;
        let left = world.left().await;
        assert_eq!((left.set_aside, left.dead_letters, left.records), (0, 0, 0), "{what}: {left:?}");
        let accounts = world.host.engine().dump("Accounts");
        let is_fact = |item: &serde_json::Value| item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("FACT#"));
        let facts = accounts.iter().any(is_fact);
        let quarantined = !world.host.quarantine().await.unwrap().is_empty();
        let became = match (facts, quarantined) {
            (true, true) => Some(Both),
            (true, false) => Some(Facts),
            (false, true) => Some(Quarantined),
            (false, false) => None,
        };
        assert_eq!(became, Some(becomes), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_of_it_at_once_is_not_lost_either() {
    let world = world().await;
    let bodies: BTreeSet<_> = corpus().into_iter().map(|(_, body, _)| body).collect();
    for body in &bodies {
        check(&world, request(body), 200, "authentic").await;
    }
    world.rest().await;
    assert_eq!(journal(&world).await.into_iter().map(|delivery| delivery.body).collect::<BTreeSet<_>>(), bodies);
    let left = world.left().await;
    assert_eq!((left.set_aside, left.dead_letters, left.records), (0, 0, 0), "{left:?}");
}
