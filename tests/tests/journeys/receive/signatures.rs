//! What is signed is let in, byte for byte; nothing else is.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use runtime::lambda::HttpEvent;
use serde_json::Value;
use tests::{SECRET, Setup, World};

use super::{
    PATH, carrying, check, company, in_base64, journal, refusal, request, request_to, runtime, send, with_header,
    with_setting, world,
};

/// What `printf '%s' "$SECRET" POST "$URL" "$BODY" | sha256sum` says: host, query, body, signature.
const BY_SHA256SUM: [(&str, &str, &str, &str); 6] = [
    (
        "hooks.barometer.example",
        "",
        r#"{"objectType":"COMPANY","objectId":1}"#,
        "76c49f66123ade88ca67a1e3103976a1f5ea5e15436737397a4c24218b4bec96",
    ),
    (
        "hooks.barometer.example",
        "region=eu&x=a%20b",
        r#"{"objectType":"COMPANY","objectId":2}"#,
        "3d5d7df7fb2665d6a57506d6ab73d8d87d9851bdeab3da90fe1d30e313eeecd8",
    ),
    (
        "hooks.ourco.example",
        "",
        r#"{"objectType":"COMPANY","objectId":3}"#,
        "f1abf45de5024134851e3ae17ae877004b9eb0294e876f847530a84e59a05a29",
    ),
    (
        "hooks.ourco.example",
        "region=eu",
        r#"{"objectType":"COMPANY","objectId":4}"#,
        "330c0fbae61c93906c38d5c016a129bb63efff2ef5980b2b874bd248378de1c1",
    ),
    (
        "hooks.barometer.example",
        "",
        r#"{"name":"Kühne & Söhne ☂"}"#,
        "d68186a3befc2ffe226b1c2b951276a991da4301a541ed3f8cd57a1bee6156a9",
    ),
    ("hooks.barometer.example", "", "", "919bd38c905bcb3b4afa5eb9306f77d8ab0a26a5a1dfe545d8b7f08d0a0e08d1"),
];

fn recorded(domain: &str, query: &str, body: &str, signature: &str) -> HttpEvent {
    let mut event = with_header(request(body.as_bytes()), "x-hubspot-signature", signature);
    event.request_context.domain_name = domain.to_owned();
    event.raw_query_string = query.to_owned();
    event
}

#[tokio::test(start_paused = true)]
async fn signatures_that_another_program_made_are_accepted() {
    let world = world().await;
    for (host, query, body, signature) in BY_SHA256SUM {
        check(&world, recorded(host, query, body, signature), 200, body).await;
    }
    assert_eq!(journal(&world).await.len(), BY_SHA256SUM.len());
}

#[tokio::test(start_paused = true)]
async fn behind_a_proxy_the_signature_covers_the_public_address() {
    let config = with_setting("public_url", "\"https://hooks.ourco.example\"");
    let world = World::new(Setup { config, ..Setup::new() }).await;
    for (host, query, body, signature) in BY_SHA256SUM {
        let status = if host == "hooks.ourco.example" { 200 } else { 401 };
        check(&world, recorded("internal.gateway.example", query, body, signature), status, body).await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_host_path_or_query_is_another_request() {
    let world = world().await;
    let (host, query, body, signature) = BY_SHA256SUM[1];
    for (other_host, other_query) in [
        ("hooks.ourco.example", query),
        ("hooks.barometer.example:443", query),
        ("HOOKS.barometer.example", query),
        ("", query),
        (host, ""),
        (host, "x=a%20b&region=eu"),
        (host, "region=eu&x=a b"),
    ] {
        check(&world, recorded(other_host, other_query, body, signature), 401, &format!("{other_host} {other_query}"))
            .await;
    }
    assert!(journal(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_single_flipped_bit_is_refused_and_nothing_is_kept() {
    let world = world().await;
    let body = br#"{"objectType":"COMPANY","objectId":1}"#;
    let refused = refusal(&world).await;
    for bit in 0..body.len() * 8 {
        let mut altered = body.to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(send(&world, carrying(request(body), &altered)).await, refused, "bit {bit} of the body");
    }
    let signature = request(body).headers["x-hubspot-signature"].clone();
    let mut tried = 0;
    for bit in 0..signature.len() * 8 {
        let mut altered = signature.clone().into_bytes();
        altered[bit / 8] ^= 1 << (bit % 8);
        // What is not text is no header value; the event could not carry it.
        let Ok(altered) = String::from_utf8(altered) else { continue };
        let event = with_header(request(body), "x-hubspot-signature", &altered);
        assert_eq!(send(&world, event).await, refused, "bit {bit} of the signature");
        tried += 1;
    }
    assert_eq!(tried, signature.len() * 7);
    assert!(journal(&world).await.is_empty());
    assert_eq!(world.faults.made(), [], "who cannot sign causes no call");
    check(&world, request(body), 200, "unaltered").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_was_parsed_and_written_again_is_refused() {
    let world = world().await;
    let body = r#"{"objectType": "COMPANY", "objectId": 1, "properties": {"name": {"value": "Nordlicht"}}}"#;
    let value: Value = serde_json::from_str(body).unwrap();
    let sorted: BTreeMap<String, Value> = serde_json::from_str(body).unwrap();
    for again in [
        value.to_string(),
        format!("{value:#}"),
        serde_json::to_string(&sorted).unwrap(),
        body.replace("Nordlicht", "\\u004eordlicht"),
        format!("{body}\n"),
        format!("\u{feff}{body}"),
    ] {
        check(&world, carrying(request(body.as_bytes()), again.as_bytes()), 401, &again).await;
    }
    assert!(journal(&world).await.is_empty());
    check(&world, request(body.as_bytes()), 200, "as it was signed").await;
    assert_eq!(journal(&world).await[0].body, body.as_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_request_is_verified_before_it_is_parsed() {
    let world = world().await;
    for body in [&b"{\"objectType\":"[..], b"not json", b"\xff\xfe", b"", b"[[[[", b"{} {}"] {
        let what = format!("{:?}", String::from_utf8_lossy(body));
        check(&world, carrying(request(&company(1)), body), 401, &what).await;
        check(&world, request(body), 200, &what).await;
    }
    world.rest().await;
    let rows = world.host.journal().await.unwrap();
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().all(|row| row.status.as_deref() == Some("quarantined")), "{rows:?}");
}

#[tokio::test(start_paused = true)]
async fn the_names_of_headers_are_read_in_any_case() {
    let world = world().await;
    let mut event = request(&company(1));
    event.headers = event.headers.into_iter().map(|(name, value)| (name.to_uppercase(), value)).collect();
    check(&world, event, 200, "upper case").await;
}

#[tokio::test(start_paused = true)]
async fn no_other_scheme_is_taken_and_no_signature_is_none() {
    let world = world().await;
    let refused = refusal(&world).await;
    for version in ["v1", "v3", "V2", "v2,v3", ""] {
        let event = with_header(request(&company(1)), "x-hubspot-signature-version", version);
        assert_eq!(send(&world, event).await, refused, "{version:?}");
    }
    for missing in ["x-hubspot-signature", "x-hubspot-signature-version"] {
        let mut event = request(&company(1));
        event.headers.remove(missing);
        assert_eq!(send(&world, event).await, refused, "without {missing}");
    }
    assert!(journal(&world).await.is_empty());
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "\\PC{0,64}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..64),
        any::<u64>().prop_map(company),
    ]
}

#[test]
fn the_same_bytes_get_the_same_verdict_as_text_and_as_base64() {
    let runtime = runtime();
    let world = runtime.block_on(world());
    let accepted = RefCell::new(BTreeSet::new());
    proptest!(ProptestConfig::with_cases(256), |(body in any_body(), is_ours in any::<bool>())| {
        let event = request_to(PATH, &body, if is_ours { SECRET } else { "another secret, long enough" });
        let encoded = runtime.block_on(send(&world, in_base64(event.clone(), &body)));
        prop_assert_eq!(encoded.status_code, if is_ours { 200 } else { 401 });
        prop_assert_eq!(encoded, runtime.block_on(send(&world, event)));
        if is_ours {
            accepted.borrow_mut().insert(body);
        }
    });
    let kept = runtime.block_on(journal(&world));
    assert_eq!(kept.len(), accepted.borrow().len(), "one delivery however it was encoded");
    assert!(kept.iter().all(|delivery| accepted.borrow().contains(&delivery.body)));
}
