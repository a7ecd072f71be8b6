//! One envelope of every kind that AWS hands to a function, whole, with what we put into it.
//!
//! Shapes: "Working with AWS Lambda proxy integrations for HTTP APIs" (payload format 2.0), "Using AWS Lambda with Amazon
//! DynamoDB", "Using Lambda with Amazon SQS" and "EventBridge events", docs.aws.amazon.com, read 2026-11.

use model::{Event, Fact, FactKey, Field, Statement, Value as Held};
use runtime::lambda::{BusEvent, HttpEvent, QueueEvent, StreamEvent};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::samples::{account, connection, delivery, moment, of_kind, stamp};
use super::{check_file, events_dir};

/// The file as the type a function takes, after the check that it is up to date.
#[track_caller]
fn accepted<T: DeserializeOwned>(name: &str, expected: &Value) -> T {
    check_file(name, expected);
    serde_json::from_slice(&std::fs::read(events_dir().join(name)).unwrap()).unwrap()
}

#[test]
fn a_webhook_arrives_as_an_http_api_request() {
    let body = r#"{"objectId":4711,"properties":{"csm_sentiment":{"value":"Red","timestamp":1795251492000}}}"#;
    let envelope = json!({
        "version": "2.0",
        "routeKey": "POST /hooks/crm/{connection}",
        "rawPath": "/hooks/crm/hubspot",
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "content-length": body.len().to_string(),
            "content-type": "application/json",
            "host": "hooks.barometer.example",
            "user-agent": "an invented sender",
            "x-forwarded-for": "192.0.2.10",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https"
        },
        "requestContext": {
            "accountId": "111122223333",
            "apiId": "a1b2c3d4e5",
            "domainName": "hooks.barometer.example",
            "domainPrefix": "hooks",
            "http": {
                "method": "POST",
                "path": "/hooks/crm/hubspot",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.10",
                "userAgent": "an invented sender"
            },
            "requestId": "an-invented-request=",
            "routeKey": "POST /hooks/crm/{connection}",
            "stage": "$default",
            "time": "21/Nov/2026:08:58:13 +0000",
            "timeEpoch": 1_795_251_493_402_i64
        },
        "pathParameters": { "connection": "hubspot" },
        "body": body,
        "isBase64Encoded": false
    });
    let event: HttpEvent = accepted("aws/http-api-v2-webhook.json", &envelope);
    assert_eq!((event.raw_path.as_str(), event.request_context.http.method.as_str()), ("/hooks/crm/hubspot", "POST"));
    let received = model::Moment::from_millis(event.request_context.time_epoch).unwrap();
    assert_eq!(received, moment("2026-11-21T08:58:13.402Z"));
    assert_eq!(event.request_context.domain_name, "hooks.barometer.example");
    assert_eq!((event.body.as_deref(), event.is_base64_encoded), (Some(body), false));
}

/// One record around an item, as the stream of the table `accounts` hands it over.
fn stream(pk: &str, sk: &str, image: &serde_dynamo::Item) -> Value {
    let keys = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    let mut image = serde_json::to_value(image).unwrap();
    for (name, value) in keys.as_object().unwrap() {
        image[name] = value.clone();
    }
    // A map has no order of its own; the file should not change by itself.
    image.sort_all_objects();
    json!({
        "Records": [{
            "eventID": "7f2b9c4d1e0a4b6c8d9e0f1a2b3c4d5e",
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-central-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_251_493,
                "Keys": keys,
                "NewImage": image,
                "SequenceNumber": "4421584500000000017450439091",
                "SizeBytes": 1024,
                "StreamViewType": "NEW_IMAGE"
            },
            "eventSourceARN":
                "arn:aws:dynamodb:eu-central-1:111122223333:table/accounts/stream/2026-11-01T00:00:00.000"
        }]
    })
}

#[test]
fn a_changed_fact_arrives_as_a_stream_record() {
    let mut fact = Fact::empty(account(), FactKey::Profile);
    let statement = Statement {
        field: Field::Sentiment,
        value: Held::Text("red".into()),
        occurred_at: stamp().occurred_at,
        sequence: None,
        path: "properties.csm_sentiment.value".into(),
        raw: "\"Red\"".into(),
    };
    let source = model::Source {
        connection: &connection(),
        delivery: &delivery(),
        received_at: moment("2026-11-21T08:58:13.402Z"),
        index: 0,
    };
    assert!(fact.apply(source, &[statement]));
    let mut image: serde_dynamo::Item = serde_dynamo::to_item(&fact).unwrap();
    image.inner_mut().insert("rev".into(), serde_dynamo::AttributeValue::N("1".into()));
    let envelope = stream("SUBJECT#hubspot:company:4711", "FACT#PROFILE", &image);

    let event: StreamEvent = accepted("aws/dynamodb-stream-fact.json", &envelope);
    let [record] = &event.records[..] else { panic!("{event:?}") };
    assert_eq!(record.dynamodb.sequence_number, "4421584500000000017450439091");
    let image = record.dynamodb.new_image.clone().unwrap();
    assert_eq!(store::subject_of_key(&text(&image, "pk"), &text(&image, "sk")), Some(account()));
    assert_eq!(text(&image, "sk").parse::<FactKey>().unwrap(), FactKey::Profile);
    assert_eq!(serde_dynamo::from_item::<_, Fact>(image).unwrap(), fact);
}

#[test]
fn a_pending_event_arrives_as_a_stream_record() {
    let event = of_kind("account.risk_opened");
    let image: serde_dynamo::Item = serde_dynamo::to_item(json!({
        "event": serde_json::to_string(&event).unwrap(),
        "state": "pending",
        "attempts": 0,
        "pending_shard": "PENDING#0",
        "pending_at": event.as_of,
    }))
    .unwrap();
    let envelope = stream("OUTBOX#0", &format!("EVENT#{}", event.id), &image);

    let read: StreamEvent = accepted("aws/dynamodb-stream-event.json", &envelope);
    let [record] = &read.records[..] else { panic!("{read:?}") };
    assert_eq!(record.event_name, "INSERT");
    let image = record.dynamodb.new_image.clone().unwrap();
    assert_eq!(store::event_from_stream(image).unwrap(), Some(store::Unpublished { event, round: 0 }));
}

fn text(item: &serde_dynamo::Item, name: &str) -> String {
    match item.get(name) {
        Some(serde_dynamo::AttributeValue::S(text)) => text.clone(),
        other => panic!("`{name}` is {other:?}"),
    }
}

#[test]
fn an_event_of_the_bus_arrives_as_a_queue_message() {
    let event = of_kind("action.requested");
    let bus = json!({
        "version": "0",
        "id": "0d9c5a17-3e42-4b8f-a6d1-7c20f1e5b394",
        "detail-type": event.body.kind(),
        "source": "barometer",
        "account": "111122223333",
        "time": "2026-11-21T08:58:14Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": event,
    });
    let envelope = json!({
        "Records": [{
            "messageId": "6b1f0c9e-2a57-4d3b-9c68-51e0a7f42d10",
            "receiptHandle": "an-opaque-handle",
            "body": bus.to_string(),
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1795251494112",
                "SenderId": "AIDAEXAMPLEEXAMPLE001",
                "ApproximateFirstReceiveTimestamp": "1795251494120"
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:barometer-slack-alert",
            "awsRegion": "eu-central-1"
        }]
    });
    let read: QueueEvent = accepted("aws/sqs-bus-event.json", &envelope);
    let [message] = &read.records[..] else { panic!("{read:?}") };
    assert_eq!(message.message_id, "6b1f0c9e-2a57-4d3b-9c68-51e0a7f42d10");
    let bus: BusEvent = serde_json::from_str(&message.body).unwrap();
    assert_eq!((bus.source.as_str(), bus.detail_type.as_str()), ("barometer", event.body.kind()));
    assert_eq!(serde_json::from_value::<Event>(bus.detail).unwrap(), event);
}
