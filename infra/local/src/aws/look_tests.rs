use std::sync::{Arc, Mutex};

use runtime::aws::AwsSettings;
use runtime::seam::{Call, Seam};

use super::*;
use crate::clock::HostClock;

/// What was asked of the logs.
type Asked = Arc<Mutex<Vec<Value>>>;

/// A stack whose log answers the `n`th question so; and what it was asked.
async fn logging(log: fn(usize) -> Value) -> (Deployed, Asked) {
    let asked = Asked::default();
    let kept = asked.clone();
    let seam = Seam::new(move |call: Call| {
        let body = String::from_utf8(call.request.body().to_vec()).unwrap();
        let answer = match call.operation.as_str() {
            "ListStackResources" => ["Bus", "Journal", "Accounts", "NormalizeLogs"]
                .map(|name| {
                    format!(
                        "<member><LogicalResourceId>{name}</LogicalResourceId>\
                         <PhysicalResourceId>{name}</PhysicalResourceId></member>"
                    )
                })
                .concat(),
            "DescribeStacks" => ["Crm", "Slack"]
                .map(|family| {
                    format!(
                        "<OutputKey>{family}Hooks</OutputKey><OutputValue>https://{family}.example/?a&amp;b/</OutputValue>"
                    )
                })
                .concat(),
            "GetParametersByPath" => r#"{"Parameters": []}"#.to_owned(),
            "FilterLogEvents" => {
                let mut asked = kept.lock().unwrap();
                asked.push(serde_json::from_str(&body).unwrap());
                log(asked.len()).to_string()
            }
            other => panic!("nobody expected {other}"),
        };
        Box::pin(async move { Ok(http::Response::new(Bytes::from(answer))) })
    });
    let settings = AwsSettings { region: "eu-central-1".into(), endpoint: None, ..AwsSettings::local() };
    let aws = Aws { seam, settings, clock: HostClock::of_this_machine() };
    let config = crate::config_files::load(None).unwrap();
    (Deployed::of(aws, "second", config).await.unwrap(), asked)
}

fn kept() -> BTreeSet<DeliveryId> {
    ["app:self-test-5", "my-app:self-test-5"].map(DeliveryId::from_stored).into()
}

fn at() -> Moment {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn says(message: &str) -> Value {
    json!({ "events": [{ "message": format!("{{\"message\":\"{message}\"}}") }] })
}

#[tokio::test(start_paused = true)]
async fn what_is_in_the_journal_and_never_read_is_not_waited_for_longer_than_half_a_minute() {
    // One that failed is named too.
    let (stack, asked) = logging(|_| says("Delivery `app:self-test-5` is not done: out of memory")).await;
    assert_eq!(stack.read_of(&kept(), at()).await.unwrap(), BTreeSet::new());
    assert_eq!((LOOK_EVERY * LOOKS, asked.lock().unwrap().len()), (Duration::from_secs(30), 15));
}

#[tokio::test(start_paused = true)]
async fn what_is_read_is_found_on_any_page_and_told_from_what_is_called_alike() {
    let (stack, asked) = logging(|n| match n {
        1 => json!({ "events": [], "nextToken": "more" }),
        2 => says("Delivery `my-app:self-test-5` normalised"),
        _ => says("Delivery `app:self-test-5` normalised"),
    })
    .await;
    let first = stack.logged(&kept(), at()).await.unwrap();
    assert_eq!(first, BTreeSet::from([DeliveryId::from_stored("my-app:self-test-5")]));
    let asked = asked.lock().unwrap();
    assert_eq!((&asked[0]["filterPattern"], &asked[1]["nextToken"]), (&json!("\"self-test-5\""), &json!("more")));
    assert_eq!(asked[0]["startTime"], at().as_millis() - 5 * 60_000);
}

#[tokio::test]
async fn each_family_may_have_an_address_of_its_own() {
    let (stack, _) = logging(|_| Value::Null).await;
    let Place::Aws(Deployment { hooks, .. }) = &stack.place else { panic!("{:?}", stack.place) };
    let expected = [(Family::Crm, "https://Crm.example/?a&b"), (Family::Slack, "https://Slack.example/?a&b")];
    assert_eq!(*hooks, expected.map(|(family, url)| (family, url.to_owned())).into());
    assert_eq!(stack.connections(), vec![], "none has a secret");
}
