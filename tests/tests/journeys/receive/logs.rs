//! What was sent stays out of the logs, at every level there is: bodies, headers, queries, and the secrets it is checked with.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex};

use runtime::lambda::HttpEvent;
use testkit::faults::{Fault, Faults};
use tests::{SECRET, Setup, World};
use tracing_subscriber::util::SubscriberInitExt;

use super::{PATH, carrying, request_to, send, with_header};

/// What was logged.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// What was logged since the last time.
    pub(crate) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

/// In the place of everything that a sender can choose, something that is nowhere else.
const PLACES: [&str; 11] = [
    "canary-in-an-id-9f3a",
    "canary-in-a-name-7c1e",
    "canary-in-an-email-2b8d",
    "canary-in-an-odd-value-55aa",
    "canary-in-an-unread-part-0d4f",
    "canary-in-a-key-e6e6",
    "canary-in-a-header-31c7",
    "canary-in-a-cookie-8a90",
    "canary-in-a-query-d2d2",
    "canary-in-a-path-4b4b",
    "canary-in-a-signature-bead",
];

fn bodies() -> [Vec<u8>; 5] {
    let [id, name, email, odd, unread, key, ..] = PLACES;
    let company = format!(
        r#"{{"objectType":"COMPANY","objectId":7,"unused":"{unread}","{key}":1,"properties":{{"name":{{"value":"{name}"}},
            "domain":{{"value":"{name}.example"}},"lifecyclestage":{{"value":"customer"}},"{key}":{{"value":"{unread}"}},
            "annual_recurring_revenue":{{"value":"{odd}"}},"csm_sentiment":{{"value":"{odd}"}}}}}}"#
    );
    let contact = format!(r#"{{"vid":"{id}","properties":{{"email":{{"value":"{email}@example.com"}}}}}}"#);
    let known = format!(r#"{{"vid":9,"properties":{{"email":{{"value":"{email}@example.com"}}}}}}"#);
    [company, contact, known, format!("not json: {odd}"), format!(r#"{{"objectType":"{odd}","objectId":"{id}"}}"#)]
        .map(String::into_bytes)
}

/// Each body, accepted and refused in every way there is.
fn requests() -> Vec<HttpEvent> {
    let [.., header, cookie, query, path, signature] = PLACES;
    let elsewhere = format!("{PATH}/{path}");
    let mut events = Vec::new();
    for body in bodies() {
        let good = request_to(PATH, &body, SECRET);
        let noisy = with_header(with_header(good.clone(), "x-canary", header), "cookie", cookie);
        let asked = HttpEvent { raw_query_string: format!("token={query}"), ..noisy.clone() };
        let signed = request_to(&format!("{PATH}?token={query}"), &body, SECRET);
        let signed = HttpEvent { raw_path: PATH.to_owned(), headers: signed.headers, ..asked.clone() };
        let mut put = asked.clone();
        put.request_context.http.method = "PUT".to_owned();
        events.extend([
            noisy.clone(),
            signed,
            asked.clone(),
            put,
            with_header(asked.clone(), "x-hubspot-signature", signature),
            with_header(asked.clone(), "x-hubspot-signature-version", header),
            HttpEvent { raw_path: elsewhere.clone(), ..asked.clone() },
            HttpEvent { raw_path: format!("/hooks/{path}/hubspot"), ..asked.clone() },
            HttpEvent { raw_path: format!("/hooks/crm/{path}"), ..asked.clone() },
            HttpEvent { is_base64_encoded: true, ..asked.clone() },
            carrying(noisy, &[&body[..], &vec![b' '; 2_000_000]].concat()),
            request_to(PATH, &[&body[..], &vec![b' '; 2_000_000]].concat(), SECRET),
        ]);
    }
    events
}

/// Everything that can be logged at all, from our own crates and all others.
pub(crate) fn subscriber<Out: Write>(writer: impl Fn() -> Out + Send + Sync + 'static) -> impl SubscriberInitExt {
    tracing_subscriber::fmt().json().with_max_level(runtime::logging::MOST).with_writer(writer).finish()
}

#[tokio::test(start_paused = true)]
async fn nothing_that_was_sent_or_is_secret_is_logged_or_answered() {
    let lines = Lines::default();
    let writer = lines.clone();
    // While there is only one, a line of code that another thread comes to first is taken for one that nobody hears.
    let _second = subscriber(std::io::sink).set_default();
    let _guard = subscriber(move || writer.clone()).set_default();
    // The first delivery meets a store in trouble, whose errors are logged whole.
    let faults = Faults::planned([(0, Fault::Throttle), (1, Fault::LostAnswer), (2, Fault::Throttle)]);
    let world = World::new(Setup { faults, ..Setup::new() }).await;
    let mut seen = BTreeSet::new();
    let mut signatures = vec![SECRET.to_owned()];
    for event in requests() {
        signatures.push(event.headers["x-hubspot-signature"].clone());
        let answer = send(&world, event).await;
        seen.insert(answer.status_code);
        let answer = format!("{answer:?}");
        assert!(!answer.contains("canary"), "{answer}");
    }
    assert_eq!(seen, BTreeSet::from([200, 400, 401, 405, 413, 503]));
    world.rest().await;

    let text = lines.text();
    for target in ["webhook", "normalize", "health"] {
        assert!(text.contains(&format!("\"target\":\"{target}\"")), "lines of {target} were seen");
    }
    for line in text.lines() {
        assert!(!line.contains("canary"), "{line}");
        let signature = signatures.iter().find(|signature| line.contains(*signature));
        assert!(signature.is_none(), "a secret or a signature: {line}");
    }
}
