//! Whatever the gateway hands over: an answer or a refusal to start, never a panic, and never a 2xx without a signature.

use std::panic::AssertUnwindSafe;

use model::Moment;
use proptest::prelude::*;
use runtime::lambda::HttpEvent;
use serde_json::{Value, json};
use tests::{HOST, SECRET};

use super::{PATH, check, company, journal, request, runtime, send, with_header, world};

#[tokio::test(start_paused = true)]
async fn odd_requests_are_refused_by_what_is_wrong_with_them() {
    let world = world().await;
    let good = || request(&company(1));
    let host = |name: &str| {
        let mut event = with_header(good(), "host", name);
        event.request_context.domain_name = name.to_owned();
        event
    };
    let stamped = |time_epoch| {
        let mut event = good();
        event.request_context.time_epoch = time_epoch;
        event
    };
    let encoded = |body: &str| HttpEvent { body: Some(body.to_owned()), is_base64_encoded: true, ..good() };
    for (what, event, status) in [
        ("not base64", encoded("{not base64}"), 400),
        ("base64 cut off", encoded("eyJ"), 400),
        ("base64 in lines", encoded("e30=\r\n"), 400),
        ("base64 for addresses", encoded("-_-_"), 400),
        ("a time before all years", stamped(i64::MIN), 400),
        ("a time after all years", stamped(i64::MAX), 400),
        ("no body", HttpEvent { body: None, ..good() }, 401),
        ("no headers", HttpEvent { headers: Default::default(), ..good() }, 401),
        ("no path", HttpEvent { raw_path: String::new(), ..good() }, 401),
        ("no host", host(""), 401),
        ("a host with a blank", host("h h"), 401),
        ("a host that is an address", host("[::1]:443"), 401),
        ("a host of another alphabet", host("höoks.example\u{0}"), 401),
        ("a signature of nothing", with_header(good(), "x-hubspot-signature", ""), 401),
        ("a signature of another alphabet", with_header(good(), "x-hubspot-signature", "é\u{0}🔏"), 401),
        ("a long signature", with_header(good(), "x-hubspot-signature", &"0,".repeat(100_000)), 401),
        ("a long header", with_header(good(), "x-more", &"x".repeat(1_000_000)), 200),
        ("no body, signed", HttpEvent { body: None, ..request(b"") }, 200),
        ("no body in base64, signed", HttpEvent { body: None, is_base64_encoded: true, ..request(b"") }, 200),
    ] {
        check(&world, event, status, what).await;
    }
    assert_eq!(journal(&world).await.len(), 2);
}

const ODD_TEXTS: [&str; 27] = [
    "",
    " ",
    "/",
    "/hooks",
    "/hooks/",
    "/hooks/crm",
    "/hooks/crm/",
    PATH,
    "/hooks/crm/hubspot/x",
    "//",
    "%",
    "%00",
    "\u{0}",
    "\r\n",
    "h h",
    HOST,
    "[::1]",
    "POST",
    "GET",
    "post",
    "v1",
    "v2",
    "v3",
    "e30=",
    "e30",
    "{}",
    "null",
];

/// Where an event holds text.
const TEXTS: &str = "/rawPath /rawQueryString /body /requestContext/domainName /requestContext/http/method \
                     /headers/x-hubspot-signature /headers/x-hubspot-signature-version /headers/host /headers/X-Odd";

/// Where it holds something else, or what we do not read.
const OTHERS: &str = "/isBase64Encoded /headers /requestContext /requestContext/timeEpoch /requestContext/http \
                      /cookies /version";

fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![3 => prop::sample::select(&ODD_TEXTS[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

fn odd_number() -> impl Strategy<Value = i64> {
    let edges = vec![i64::MIN, -1, 0, 1, i64::MAX, Moment::EARLIEST.as_millis() - 1];
    prop_oneof![any::<i64>(), prop::sample::select(edges)]
}

fn odd_headers() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(odd_text(), odd_text(), 0..4).prop_map(|map| json!(map))
}

fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        odd_text().prop_map(Value::from),
        odd_number().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![json!(null), json!({}), json!([]), json!(1.5), json!(u64::MAX), json!([{}])]),
        odd_headers(),
    ]
}

/// A part of an event made odd, mostly by a value of the right kind; `None` takes the part away.
fn odd_part() -> impl Strategy<Value = (&'static str, Option<Value>)> {
    let places = |which: &'static str| prop::sample::select(which.split_whitespace().collect::<Vec<_>>());
    let any_place = prop_oneof![places(TEXTS), places(OTHERS)];
    prop_oneof![
        6 => (places(TEXTS), odd_text().prop_map(|text| Some(text.into()))),
        2 => any::<bool>().prop_map(|flag| ("/isBase64Encoded", Some(flag.into()))),
        1 => odd_number().prop_map(|number| ("/requestContext/timeEpoch", Some(number.into()))),
        1 => odd_headers().prop_map(|headers| ("/headers", Some(headers))),
        2 => (any_place, prop::option::weighted(0.7, odd_value())),
    ]
}

fn change(event: &mut Value, place: &str, value: Option<Value>) {
    let (parent, name) = place.rsplit_once('/').unwrap();
    let Some(parent) = event.pointer_mut(parent).and_then(Value::as_object_mut) else { return };
    match value {
        Some(value) => drop(parent.insert(name.to_owned(), value)),
        None => drop(parent.shift_remove(name)),
    }
}

/// Whether the event is what the connection's secret signed, said without the connector.
fn is_authentic(event: &HttpEvent) -> bool {
    use base64::Engine as _;
    let body = event.body.clone().unwrap_or_default();
    let body = match event.is_base64_encoded {
        true => base64::engine::general_purpose::STANDARD.decode(body).ok(),
        false => Some(body.into_bytes()),
    };
    let Some(body) = body else { return false };
    let query = if event.raw_query_string.is_empty() { String::new() } else { format!("?{}", event.raw_query_string) };
    let url = format!("https://{}{}{query}", event.request_context.domain_name, event.raw_path);
    let header = |name: &str| event.headers.get(name).map(String::as_str).unwrap_or_default();
    let [_, (version, v2), (signature, expected)] = barometer::samples::signed(&body, &url, SECRET);
    event.raw_path == PATH
        && event.request_context.http.method == "POST"
        && Moment::from_millis(event.request_context.time_epoch).is_some()
        && header(version) == v2
        && header(signature) == expected
}

#[test]
fn any_event_is_answered_and_only_an_authentic_one_with_200() {
    let runtime = runtime();
    let world = runtime.block_on(world());
    let signed = (any::<bool>(), odd_text(), odd_text()).prop_map(|(plain, body, query)| {
        let mut event = serde_json::to_value(request(body.as_bytes())).unwrap();
        if !plain {
            change(&mut event, "/rawQueryString", Some(query.into()));
        }
        event
    });
    let events = (signed, prop::collection::vec(odd_part(), 0..4));
    proptest!(ProptestConfig::with_cases(1_000), |((mut event, parts) in events)| {
        for (place, value) in parts {
            change(&mut event, place, value);
        }
        // What is no event at all does not reach the handler: the invocation fails, which is no 2xx.
        let Ok(event) = serde_json::from_value::<HttpEvent>(event) else { return Ok(()) };
        let authentic = is_authentic(&event);
        let before = world.faults.made();
        let send = || runtime.block_on(send(&world, event));
        let answer = std::panic::catch_unwind(AssertUnwindSafe(send)).map_err(|_| TestCaseError::fail("panicked"))?;
        if authentic {
            prop_assert_eq!(answer.status_code, 200);
        } else {
            prop_assert!([400, 401, 405].contains(&answer.status_code), "{answer:?}");
            prop_assert_eq!(world.faults.made(), before, "who cannot sign causes no call");
        }
    });
    assert!(!runtime.block_on(journal(&world)).is_empty(), "some were authentic");
}
