//! Who may know what: the answers to those who cannot sign tell nothing of what exists.

use std::sync::Arc;

use config::Connections;
use model::Family;
use runtime::aws::AwsSettings;
use runtime::lambda::HttpEvent;
use runtime::seam::Seam;
use runtime::secrets::{Secret, SecretMap, Secrets};
use store::{Store, Tables};
use tests::{SECRET, Setup, World};
use webhook::Webhook;

use super::{
    PATH, carrying, check, company, edited, in_base64, journal, refusal, request, request_to, send, with_setting, world,
};

fn with_method(method: &str, mut event: HttpEvent) -> HttpEvent {
    event.request_context.http.method = method.to_owned();
    event
}

/// Addresses that lead to no connection.
const NOWHERE: [&str; 14] = [
    "/hooks/crm/salesforce",
    "/hooks/crm/hubspot-app",
    "/hooks/crm/operator",
    "/hooks/survey/hubspot",
    "/hooks/operator/operator",
    "/hooks/nonsense/hubspot",
    "/hooks/crm/hubspot/",
    "/hooks/crm/hubspot/more",
    "/hooks/crm/HubSpot",
    "/hooks/crm/hub%73pot",
    "/hooks/crm/../crm/hubspot",
    "/prod/hooks/crm/hubspot",
    "/hooks/crm/",
    "/",
];

#[tokio::test(start_paused = true)]
async fn an_unknown_address_is_answered_like_a_bad_signature() {
    let world = world().await;
    let refused = refusal(&world).await;
    for path in NOWHERE {
        assert_eq!(send(&world, request_to(path, &company(1), SECRET)).await, refused, "{path}, signed");
        assert_eq!(send(&world, request_to(path, &company(1), "guessed")).await, refused, "{path}, forged");
    }
    assert!(journal(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_function_takes_only_its_own_familys_address() {
    let nothing = Seam::new(|call| panic!("{} {}", call.target, call.operation));
    let tables = Tables { journal: "Journal".into(), accounts: "Accounts".into() };
    let store = Store::connect(&nothing, &AwsSettings::local(), tables);
    let stored = || Ok(SecretMap::from([("hubspot/secret".to_owned(), Secret::new(SECRET))]));
    let refused = refusal(&world().await).await;
    for (family, path) in [
        (Family::Crm, "/hooks/survey/hubspot"),
        (Family::Crm, "/hooks/nonsense/hubspot"),
        (Family::Survey, PATH),
        (Family::Survey, "/hooks/survey/hubspot"),
    ] {
        let connections = Arc::new(Connections::from(&*tests::config()));
        let webhook = Webhook::new(family, connections, store.clone(), Secrets::from_host(stored));
        let answer = webhook.handle(request_to(path, &company(1), SECRET)).await;
        assert_eq!(answer, refused, "{path} at {family}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_disabled_connection_is_answered_like_a_bad_signature() {
    let config = with_setting("enabled", "false");
    let world = World::new(Setup { config, ..Setup::new() }).await;
    let answer = send(&world, request(&company(1))).await;
    assert_eq!(answer, refusal(&self::world().await).await);
    assert!(journal(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_cannot_sign_hears_the_same_whether_the_connection_exists() {
    let world = world().await;
    let forged = |path: &str| request_to(path, &company(1), "guessed");
    let stamped = |path: &str, time_epoch| {
        let mut event = forged(path);
        event.request_context.time_epoch = time_epoch;
        event
    };
    let requests = |path: &str| {
        [
            ("forged", forged(path)),
            ("without a body", HttpEvent { body: None, ..forged(path) }),
            ("not base64", HttpEvent { body: Some("%".into()), is_base64_encoded: true, ..forged(path) }),
            ("far over the limit", carrying(forged(path), &[b' '; 3 * 1024 * 1024])),
            ("another method", with_method("GET", forged(path))),
            ("a time that is none", stamped(path, i64::MAX)),
            ("a query", HttpEvent { raw_query_string: "a=b".into(), ..forged(path) }),
        ]
    };
    for ((what, there), (_, nowhere)) in requests(PATH).into_iter().zip(requests("/hooks/crm/nobody")) {
        let known = send(&world, there).await;
        assert_eq!(known, send(&world, nowhere).await, "{what}");
        assert!((400..500).contains(&known.status_code), "{what}: {known:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_post_is_answered_with_more_than_405() {
    let world = world().await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post", "POST ", ""] {
        for path in [PATH, "/hooks/crm/nobody", ""] {
            let answer = send(&world, with_method(method, request_to(path, &company(1), SECRET))).await;
            assert_eq!((answer.status_code, answer.headers["allow"].as_str()), (405, "POST"), "{method} {path}");
        }
    }
    assert!(journal(&world).await.is_empty());
}

/// A body of exactly `bytes` bytes that a compressor makes small.
fn body_of(bytes: usize) -> Vec<u8> {
    let (head, tail) = (br#"{"objectType":"COMPANY","objectId":1,"unused":""#, br#""}"#);
    let filling = vec![b'a'; bytes - head.len() - tail.len()];
    [&head[..], &filling, tail].concat()
}

#[tokio::test(start_paused = true)]
async fn a_body_is_taken_up_to_the_limit() {
    const DEFAULT: usize = 1024 * 1024;
    for (config, limit) in [
        (edited(|_| {}), DEFAULT),
        (with_setting("max_body_bytes", "100"), 100),
        (with_setting("max_body_bytes", "2000000"), 2_000_000),
    ] {
        let world = World::new(Setup { config, ..Setup::new() }).await;
        for (bytes, status) in [(limit - 1, 200), (limit, 200), (limit + 1, 413)] {
            let (body, what) = (body_of(bytes), format!("{bytes} bytes of at most {limit}"));
            check(&world, request(&body), status, &what).await;
            check(&world, in_base64(request(&body), &body), status, &format!("{what}, in base64")).await;
        }
        let mut kept: Vec<_> = journal(&world).await.iter().map(|delivery| delivery.body.len()).collect();
        kept.sort_unstable();
        assert_eq!(kept, [limit - 1, limit]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fits_no_item_is_told_so() {
    let world = world().await;
    // Numbers without a pattern: nothing makes them smaller.
    let noise = |mut state: u64| {
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        })
    };
    let body: Vec<u8> = noise(7).take(380_000).collect();
    check(&world, request(&body), 200, "fits").await;
    let body: Vec<u8> = noise(8).take(400_000).collect();
    check(&world, request(&body), 413, "does not").await;
    assert_eq!(journal(&world).await.len(), 1);
}
