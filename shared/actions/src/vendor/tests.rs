use std::sync::{Arc, Mutex};

use runtime::seam::Reply;

use super::*;

fn token() -> ApiToken {
    ApiToken::new("pat-eu1-secret").unwrap()
}

/// Asks once and gives what came of the answer `reply`.
async fn get(reply: Reply) -> Result<Told, GetError> {
    let reply = Arc::new(Mutex::new(Some(reply)));
    let seam = Seam::new(move |_| {
        let reply = reply.lock().unwrap().take().expect("one call");
        Box::pin(async move { reply })
    });
    Api::new(seam, "https://api.example", token()).read("/objects/1", None).await
}

fn answer(status: u16, body: &'static str) -> Reply {
    Ok(http::Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
}

/// The request that a token and an address make.
async fn asked(url: &str, token: &str) -> http::Request<Bytes> {
    let seen = Arc::new(Mutex::new(None));
    let kept = seen.clone();
    let seam = Seam::new(move |call| {
        *kept.lock().unwrap() = Some(call);
        Box::pin(async { answer(200, "{}") })
    });
    Api::new(seam, url, ApiToken::new(token).unwrap()).read("/v3/objects/1?properties=a,b", None).await.unwrap();
    let call = seen.lock().unwrap().take().unwrap();
    assert_eq!((call.target, call.operation.as_str()), (Target::Vendor, "GET"));
    call.request
}

#[tokio::test]
async fn an_object_is_read_by_one_authorised_get() {
    for url in ["https://api.example", "https://api.example/"] {
        let request = asked(url, "pat-eu1-secret").await;
        assert_eq!(request.method(), "GET");
        assert_eq!(request.uri().to_string(), "https://api.example/v3/objects/1?properties=a,b");
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer pat-eu1-secret");
        assert!(request.headers()[AUTHORIZATION].is_sensitive() && request.body().is_empty());
    }
}

#[tokio::test]
async fn a_token_with_an_email_goes_out_as_basic_authentication() {
    let request = asked("http://127.0.0.1:9000/base", "ann@ourco.example/token:abc").await;
    // printf 'ann@ourco.example/token:abc' | base64
    assert_eq!(request.headers()[AUTHORIZATION], "Basic YW5uQG91cmNvLmV4YW1wbGUvdG9rZW46YWJj");
    assert_eq!(request.uri().path(), "/base/v3/objects/1");
}

#[test]
fn what_cannot_be_a_token_is_refused_and_none_is_printed() {
    for bad in ["", "  ", "a b", "tökén", "a\nb"] {
        assert_eq!(ApiToken::new(bad).unwrap_err(), BadToken, "{bad:?}");
    }
    assert_eq!(format!("{:?}", token()), "ApiToken(redacted)");
    let api = Api::new(Seam::new(|_| Box::pin(async { answer(200, "") })), "https://api.example", token());
    assert!(!format!("{api:?}").contains("secret"));
}

#[tokio::test]
async fn an_answer_is_sorted_by_what_to_do_next() {
    let object = get(answer(200, r#"{"id":1}"#)).await.unwrap();
    assert_eq!((object.status(), object.body().as_ref()), (200, br#"{"id":1}"#.as_slice()));
    for status in [404, 410] {
        assert_eq!(get(answer(status, "gone")).await, Ok(Told::Gone { status, body: Bytes::from_static(b"gone") }));
    }
    assert_eq!(get(answer(401, "")).await, Err(GetError::Unauthorized));
    for status in [201, 204, 301, 302, 400, 403, 405, 422] {
        let error = get(answer(status, "secret details")).await.unwrap_err();
        assert!(matches!(&error, GetError::Refused { .. }), "{status}");
        assert!(!error.to_string().contains("details"), "{error}");
    }
    for status in [408, 425, 500, 502, 503, 504] {
        assert!(matches!(get(answer(status, "")).await, Err(GetError::Retry { .. })), "{status}");
    }
    for error in [
        CallError::Timeout("t".into()),
        CallError::Connection("c".into()),
        CallError::Unreachable("u".into()),
        CallError::NotCalled("n".into()),
    ] {
        assert!(matches!(get(Err(error)).await, Err(GetError::Retry { .. })));
    }
}

#[tokio::test]
async fn a_vendor_says_how_long_it_wants_to_be_left_alone() {
    let wait = async |value: Option<&str>| {
        let mut response = http::Response::builder().status(429);
        if let Some(value) = value {
            response = response.header(RETRY_AFTER, value);
        }
        match get(Ok(response.body(Bytes::new()).unwrap())).await {
            Err(GetError::SlowDown { after_s }) => after_s,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(wait(Some("30")).await, Some(30));
    assert_eq!(wait(Some(" 7 ")).await, Some(7));
    for unread in [None, Some(""), Some("soon"), Some("-1"), Some("Wed, 21 Oct 2026 07:28:00 GMT")] {
        assert_eq!(wait(unread).await, None, "{unread:?}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_called_is_a_refusal() {
    let seam = Seam::new(|_| panic!("nothing is called"));
    let api = Api::new(seam, "https://a b", token());
    assert!(matches!(api.read("/x", None).await, Err(GetError::Refused { reason }) if reason.contains("api_url")));
}

#[tokio::test]
async fn what_is_made_says_so_and_what_is_refused_says_what_to_do() {
    let made = async |reply: Reply| {
        let reply = Arc::new(Mutex::new(Some(reply)));
        let seam = Seam::new(move |call| {
            assert_eq!((call.request.method().as_str(), call.operation.as_str()), ("PUT", "PUT"));
            assert_eq!(call.request.headers()[CONTENT_TYPE], "application/json");
            let reply = reply.lock().unwrap().take().expect("one call");
            Box::pin(async move { reply })
        });
        Api::new(seam, "https://api.example", token()).put("/hooks/1", &serde_json::json!({ "enabled": true })).await
    };
    assert_eq!(made(answer(201, r#"{"id":1}"#)).await.unwrap(), serde_json::json!({ "id": 1 }));
    assert_eq!(made(answer(204, "")).await.unwrap(), Value::Null);
    assert!(made(answer(403, "")).await.unwrap_err().to_string().contains("give it the scope"));
    assert_eq!(made(answer(401, "")).await.unwrap_err(), GetError::Unauthorized);
}
