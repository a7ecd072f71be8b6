use std::sync::{Arc, Mutex};

use runtime::seam::Reply;
use serde_json::json;

use super::*;

fn token() -> SlackToken {
    SlackToken::new("xoxb-secret").unwrap()
}

/// Posts once and gives the answer `reply`.
async fn post(reply: Reply) -> Result<Posted, PostError> {
    let reply = Arc::new(Mutex::new(Some(reply)));
    let seam = Seam::new(move |_| {
        let reply = reply.lock().unwrap().take().expect("one call");
        Box::pin(async move { reply })
    });
    Slack::new(seam, None, token()).post(&json!({ "channel": "#risk" })).await
}

fn answer(status: u16, body: &str) -> Reply {
    Ok(http::Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap())
}

fn not_ok(code: &str) -> Reply {
    answer(200, &json!({ "ok": false, "error": code }).to_string())
}

#[derive(Debug, PartialEq)]
enum Next {
    Done,
    Retry(Option<u64>),
    Unsure,
    NoSuchReader,
    Refused,
}

#[track_caller]
fn next(result: &Result<Posted, PostError>) -> Next {
    match result {
        Ok(_) => Next::Done,
        Err(PostError::Retry { after_s, .. }) => Next::Retry(*after_s),
        Err(PostError::Unsure { .. }) => Next::Unsure,
        Err(PostError::NoSuchReader { .. }) => Next::NoSuchReader,
        Err(PostError::Refused { .. }) => Next::Refused,
    }
}

#[tokio::test]
async fn a_post_is_one_authorised_json_request() {
    let seen = Arc::new(Mutex::new(None));
    let kept = seen.clone();
    let seam = Seam::new(move |call| {
        *kept.lock().unwrap() = Some(call);
        Box::pin(async { answer(200, r#"{"ok":true,"ts":"1790000000.000100","channel":"C01","extra":1}"#) })
    });
    let slack = Slack::new(seam, Some("http://127.0.0.1:9/api/".into()), token());
    let posted = slack.post(&json!({ "b": "ü", "a": 1 })).await.unwrap();
    assert_eq!(posted, Posted { ts: Some("1790000000.000100".into()), channel: Some("C01".into()) });

    let call = seen.lock().unwrap().take().unwrap();
    assert_eq!((call.target, call.operation.as_str()), (Target::Slack, "chat.postMessage"));
    assert_eq!(call.request.method(), "POST");
    assert_eq!(call.request.uri(), "http://127.0.0.1:9/api/chat.postMessage");
    assert_eq!(call.request.headers()["authorization"], "Bearer xoxb-secret");
    assert_eq!(call.request.headers()["content-type"], "application/json; charset=utf-8");
    assert_eq!(call.request.body(), r#"{"b":"ü","a":1}"#.as_bytes());
}

#[tokio::test]
async fn answers_are_sorted_by_what_to_do_next() {
    let limited = http::Response::builder().status(429).header("retry-after", "30").body(Bytes::new()).unwrap();
    let dated = http::Response::builder().status(429).header("retry-after", "tomorrow").body(Bytes::new()).unwrap();
    let cases = [
        (answer(200, r#"{"ok":true,"ts":"1.2","channel":"C1"}"#), Next::Done),
        (Ok(limited), Next::Retry(Some(30))),
        (Ok(dated), Next::Retry(None)),
        (answer(503, "<html>"), Next::Retry(None)),
        (not_ok("ratelimited"), Next::Retry(None)),
        (not_ok("internal_error"), Next::Unsure),
        (not_ok("fatal_error"), Next::Unsure),
        (answer(500, "<html>"), Next::Unsure),
        (answer(504, ""), Next::Unsure),
        (Err(CallError::Unreachable("refused".into())), Next::Retry(None)),
        (Err(CallError::NotCalled("no network here".into())), Next::Retry(None)),
        (Err(CallError::Timeout("10 s".into())), Next::Unsure),
        (Err(CallError::Connection("reset".into())), Next::Unsure),
        (answer(200, r#"{"ok":true}"#), Next::Unsure),
        (answer(200, "<html>hello</html>"), Next::Unsure),
        (not_ok("channel_not_found"), Next::NoSuchReader),
        (not_ok("user_not_found"), Next::NoSuchReader),
        (not_ok("is_archived"), Next::Refused),
        (not_ok("msg_too_long"), Next::Refused),
        (not_ok("missing_scope"), Next::Refused),
        (not_ok("invalid_auth"), Next::Refused),
        (not_ok("a_code_of_next_year"), Next::Refused),
        (answer(401, r#"{"ok":false,"error":"invalid_auth"}"#), Next::Refused),
        (answer(302, ""), Next::Refused),
        (answer(404, "not found"), Next::Refused),
    ];
    for (reply, expected) in cases {
        let shown = format!("{reply:?}");
        assert_eq!(next(&post(reply).await), expected, "{shown}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    for (code, advice) in [
        ("not_in_channel", "invite the app to the channel"),
        ("channel_not_found", "check the channel's name"),
        ("token_revoked", "store a valid bot token"),
        ("missing_scope", "chat:write"),
        ("is_archived", "unarchive"),
        ("invalid_blocks", "template"),
        ("brand_new", "docs.slack.dev"),
    ] {
        let text = post(not_ok(code)).await.unwrap_err().to_string();
        assert!(text.contains(code) && text.contains(advice), "{text}");
    }
}

#[tokio::test]
async fn what_is_between_us_and_slack_writes_nothing_into_reasons() {
    let text = post(not_ok("bad\u{1b}[31m <b>\n code")).await.unwrap_err().to_string();
    assert!(text.starts_with("Slack refused with bad31mbcode:"), "{text}");
    let text = post(answer(404, "customer@acme.example")).await.unwrap_err().to_string();
    assert!(!text.contains("acme"), "{text}");
}

#[tokio::test]
async fn a_base_url_that_is_none_is_refused_without_a_call() {
    let seam = Seam::new(|_| panic!("called"));
    let result = Slack::new(seam, Some("not a url".into()), token()).post(&json!({})).await;
    assert_eq!(next(&result), Next::Refused);
}

#[test]
fn a_token_is_never_shown() {
    let slack = Slack::new(Seam::new(|_| panic!("called")), None, token());
    assert!(!format!("{slack:?} {:?}", token()).contains("secret"));
    for bad in ["", " ", "xoxb secret", "xoxb-ü", "xoxb\n-a"] {
        assert_eq!(SlackToken::new(bad).unwrap_err(), BadToken, "{bad}");
    }
    assert!(SlackToken::new(" xoxb-1\n").is_ok());
}

/// Slack that gives this answer to whatever comes, and what came.
fn answering(reply: Reply) -> (Seam, Arc<Mutex<Vec<Call>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = seen.clone();
    let seam = Seam::new(move |call| {
        kept.lock().unwrap().push(call);
        let reply = match &reply {
            Ok(response) => {
                let mut copy = http::Response::builder().status(response.status());
                *copy.headers_mut().unwrap() = response.headers().clone();
                Ok(copy.body(response.body().clone()).unwrap())
            }
            Err(error) => Err(error.clone()),
        };
        Box::pin(async move { reply })
    });
    (seam, seen)
}

#[tokio::test]
async fn a_person_is_looked_up_by_one_form_that_keeps_the_address_out_of_the_url() {
    let (seam, seen) = answering(answer(200, r#"{"ok":true,"user":{"id":"U0ANN","deleted":false,"name":"ann"}}"#));
    let slack = Slack::new(seam, None, token());
    assert_eq!(slack.look_up("ann+cs@ourco.example").await, Ok(Some(Named::Member("U0ANN".into()))));
    let call = seen.lock().unwrap().pop().unwrap();
    assert_eq!((call.target, call.operation.as_str()), (Target::Slack, "users.lookupByEmail"));
    assert_eq!(call.request.method(), "POST");
    assert_eq!(call.request.uri(), "https://slack.com/api/users.lookupByEmail");
    assert_eq!(call.request.headers()["authorization"], "Bearer xoxb-secret");
    assert_eq!(call.request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(call.request.body(), "email=ann%2Bcs%40ourco.example".as_bytes());
}

#[tokio::test]
async fn what_slack_says_of_an_address_is_sorted_by_what_to_do_next() {
    let look_up = async |reply: Reply| Slack::new(answering(reply).0, None, token()).look_up("a@b.example").await;
    let named = |named: Named| Ok(Some(named));
    let left = answer(200, r#"{"ok":true,"user":{"id":"U0ANN","deleted":true}}"#);
    assert_eq!(look_up(left).await, named(Named::Deactivated));
    assert_eq!(look_up(not_ok("users_not_found")).await, named(Named::Unknown));
    let scope =
        json!({ "ok": false, "error": "missing_scope", "needed": "users:read.email", "provided": "chat:write" });
    let refused = look_up(answer(200, &scope.to_string())).await.unwrap_err();
    assert!(matches!(&refused, PostError::Refused { .. }));
    assert!(refused.to_string().contains("the scope users:read.email (OAuth & Permissions)"), "{refused}");
    let limited = http::Response::builder().status(429).header("retry-after", "7").body(Bytes::new()).unwrap();
    assert!(matches!(look_up(Ok(limited)).await, Err(PostError::Retry { after_s: Some(7), .. })));
    // Nothing is changed by asking, so asking again is never a second message.
    for reply in [answer(500, ""), not_ok("fatal_error"), Err(CallError::Timeout("10 s".into()))] {
        assert!(matches!(look_up(reply).await, Err(PostError::Retry { .. })));
    }
    for odd in [r#"{"ok":true}"#, r#"{"ok":true,"user":{"id":"<!channel>"}}"#] {
        assert!(matches!(look_up(answer(200, odd)).await, Err(PostError::Refused { .. })), "{odd}");
    }
}

const HOOK: &str = "https://hooks.slack.com/services/T0/B0/secret";

#[tokio::test]
async fn a_webhook_takes_the_message_without_channel_and_thread_and_says_ok() {
    let (seam, seen) = answering(answer(200, "ok"));
    let slack = Slack::by_webhook(seam, SlackWebhook::new(HOOK));
    let body = json!({ "channel": "U1", "text": "x", "blocks": [], "thread_ts": "1.2" });
    assert_eq!(slack.post(&body).await, Ok(Posted { ts: None, channel: None }));
    assert_eq!(slack.look_up("ann@ourco.example").await, Ok(None), "a webhook knows no people");
    let [call] = <[Call; 1]>::try_from(std::mem::take(&mut *seen.lock().unwrap())).unwrap();
    assert_eq!((call.target, call.operation.as_str()), (Target::Slack, "incoming webhook"));
    assert_eq!(call.request.uri(), HOOK);
    assert!(!call.request.headers().contains_key("authorization"));
    assert_eq!(call.request.body(), r#"{"text":"x","blocks":[]}"#.as_bytes());
    assert!(!format!("{slack:?}").contains("secret"));
}

#[tokio::test]
async fn what_a_webhook_answers_is_sorted_by_what_to_do_next() {
    let post = async |reply: Reply| {
        Slack::by_webhook(answering(reply).0, SlackWebhook::new(HOOK)).post(&json!({ "text": "x" })).await
    };
    let limited = || http::Response::builder().status(429).header("retry-after", "30").body(Bytes::new()).unwrap();
    for (reply, expected) in [
        (Ok(limited()), Next::Retry(Some(30))),
        (answer(503, ""), Next::Retry(None)),
        (answer(500, "rollup_error"), Next::Unsure),
        (answer(200, "<html>"), Next::Unsure),
        (Err(CallError::Timeout("10 s".into())), Next::Unsure),
        (Err(CallError::Unreachable("no".into())), Next::Retry(None)),
        (answer(404, "no_service"), Next::Refused),
        (answer(410, "channel_is_archived"), Next::Refused),
        (answer(302, ""), Next::Refused),
    ] {
        let shown = format!("{reply:?}");
        assert_eq!(next(&post(reply).await), expected, "{shown}");
    }
    let gone = post(answer(404, "no_service")).await.unwrap_err().to_string();
    assert!(gone.contains("make a new one on the app's page Incoming Webhooks"), "{gone}");
    let strange = post(answer(403, "acme@customer.example")).await.unwrap_err().to_string();
    assert!(!strange.contains("acme"), "{strange}");
}

/// Asks about the app, and gives what came of the answer `reply`.
async fn installed(reply: Reply) -> Result<Option<Installed>, PostError> {
    let reply = Arc::new(Mutex::new(Some(reply)));
    let seam = Seam::new(move |call: Call| {
        assert_eq!((call.operation.as_str(), call.target), ("auth.test", Target::Slack));
        let reply = reply.lock().unwrap().take().expect("one call");
        Box::pin(async move { reply })
    });
    Slack::new(seam, None, token()).installed().await
}

#[tokio::test]
async fn an_app_tells_whose_it_is_and_what_it_is_allowed() {
    let mut told = answer(200, r#"{"ok":true,"team":"Ourco","user":"barometer"}"#).unwrap();
    told.headers_mut().insert("x-oauth-scopes", "chat:write, users:read".parse().unwrap());
    let app = installed(Ok(told)).await.unwrap().unwrap();
    assert_eq!((app.team.as_str(), app.bot.as_str()), ("Ourco", "barometer"));
    assert_eq!(app.scopes.unwrap(), ["chat:write", "users:read"].map(str::to_owned).into());
    let silent = installed(answer(200, r#"{"ok":true}"#)).await.unwrap().unwrap();
    assert_eq!(silent.scopes, None, "nobody said");
    let reason = installed(not_ok("invalid_auth")).await.unwrap_err().to_string();
    assert!(reason.contains("store a valid bot token"), "{reason}");
    // Nothing was to be done, so a failure of Slack's is no doubt about a message.
    assert!(matches!(installed(answer(500, "")).await, Err(PostError::Retry { .. })));
}

#[tokio::test]
async fn channels_are_read_to_the_last_page() {
    let pages = Arc::new(Mutex::new(vec![
        r#"{"ok":true,"channels":[{"id":"C2","name":"b"}],"response_metadata":{"next_cursor":""}}"#,
        r#"{"ok":true,"channels":[{"id":"C1","name":"a"}],"response_metadata":{"next_cursor":"x="}}"#,
    ]));
    let seam = Seam::new(move |call: Call| {
        let body = String::from_utf8(call.request.body().to_vec()).unwrap();
        let page = pages.lock().unwrap().pop().expect("two calls");
        assert_eq!(body.ends_with("cursor=x%3D"), page.contains("C2"), "{body}");
        Box::pin(async move { answer(200, page) })
    });
    let all = Slack::new(seam, None, token()).channels(5).await.unwrap().unwrap();
    assert_eq!(all.iter().map(|channel| channel.id.as_str()).collect::<Vec<_>>(), ["C1", "C2"]);
}
