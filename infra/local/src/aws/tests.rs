use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use runtime::seam::Call;

use super::*;
use crate::host::given_up::SentBack;

/// An account that answers `ListStackResources` with these, one after the other; and what it was asked.
fn account(answers: &[(u16, &str)]) -> (Aws, Arc<Mutex<Vec<String>>>) {
    let answers: VecDeque<(u16, String)> = answers.iter().map(|(status, text)| (*status, (*text).to_owned())).collect();
    let (answers, asked) = (Arc::new(Mutex::new(answers)), Arc::new(Mutex::new(Vec::new())));
    let kept = asked.clone();
    let seam = Seam::new(move |call: Call| {
        assert!(call.request.headers()["authorization"].to_str().unwrap().contains("/cloudformation/aws4_request"));
        kept.lock().unwrap().push(String::from_utf8(call.request.body().to_vec()).unwrap());
        let (status, body) = answers.lock().unwrap().pop_front().expect("nobody expected another call");
        let answer = http::Response::builder().status(status).body(Bytes::from(body)).unwrap();
        Box::pin(async move { Ok(answer) })
    });
    let settings = AwsSettings { region: "eu-central-1".into(), endpoint: None, ..AwsSettings::local() };
    (Aws { seam, settings, clock: HostClock::of_this_machine() }, asked)
}

fn member(logical: &str, physical: &str) -> String {
    format!(
        "<member><LogicalResourceId>{logical}</LogicalResourceId><PhysicalResourceId>{physical}</PhysicalResourceId>\
         <DriftInformation><StackResourceDriftStatus>NOT_CHECKED</StackResourceDriftStatus></DriftInformation></member>"
    )
}

fn listed(members: &str, next: &str) -> String {
    format!(
        "<ListStackResourcesResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><ListStackResourcesResult>\
         <StackResourceSummaries>{members}</StackResourceSummaries>{next}</ListStackResourcesResult>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></ListStackResourcesResponse>"
    )
}

#[tokio::test(start_paused = true)]
async fn a_stack_is_listed_to_its_last_page() {
    let first = listed(&member("Journal", "barometer-Journal-1A"), "<NextToken>a+b&amp;c</NextToken>");
    let second = listed(&member("Accounts", "barometer-Accounts-2B"), "");
    // A service that is busy is asked again.
    let (aws, asked) = account(&[(200, &first), (503, "busy"), (200, &second)]);
    let resources = Resources::of(&aws, "barometer").await.unwrap();
    assert_eq!(resources.physical("Journal").unwrap(), "barometer-Journal-1A");
    assert_eq!(resources.physical("Accounts").unwrap(), "barometer-Accounts-2B");
    let missing = resources.physical("Bus").unwrap_err().to_string();
    assert_eq!(missing, "the stack `barometer` has no `Bus`");
    let begins = "Action=ListStackResources&Version=2010-05-15&StackName=barometer";
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked[0], begins);
    assert_eq!(asked[2], format!("{begins}&NextToken=a%2Bb%26c"));
}

/// What a person is told, and what to do.
async fn refused(status: u16, says: &str) -> (String, String) {
    let (aws, _) = account(&[(status, says)]);
    let error = Resources::of(&aws, "other").await.unwrap_err();
    (error.to_string(), miette::Diagnostic::help(&error).unwrap().to_string())
}

#[tokio::test]
async fn a_stack_that_is_not_there_and_a_key_that_may_not_ask_are_told_apart() {
    let error = |code: &str, message: &str| {
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>")
    };
    let (told, help) = refused(400, &error("ValidationError", "Stack with id other does not exist")).await;
    assert_eq!(told, "there is no stack `other` in eu-central-1");
    assert!(help.contains("--stack") && help.contains("AWS_REGION"), "{help}");
    let (told, help) = refused(403, &error("AccessDenied", "User is not authorized")).await;
    assert_eq!(told, "AWS refuses cloudformation:ListStackResources in eu-central-1");
    assert!(help.contains("allow cloudformation:ListStackResources on the stack other"), "{help}");
    let (told, _) = refused(400, &error("ValidationError", "1 &lt; 2")).await;
    assert_eq!(told, "cloudformation:ListStackResources was answered 400: 1 < 2");
}

#[test]
fn as_much_of_xml_as_is_read() {
    let page = "<a><b>1 &amp;lt; 2</b></a><a><b/></a><a>";
    assert_eq!(xml::elements(page, "a"), ["<b>1 &amp;lt; 2</b>", "<b/>"]);
    assert_eq!(xml::text(page, "b").as_deref(), Some("1 &lt; 2"));
    assert_eq!(xml::text(page, "c"), None);
}

/// What a service answered, told by the test: operation and request, to status, body and whether a function failed.
type Answer = fn(&str, &http::Request<Bytes>, usize) -> (u16, String, bool);

/// The calls that were made, each with its operation.
type Made = Arc<Mutex<Vec<(String, http::Request<Bytes>)>>>;

/// A stack with a queue, its dead letters, a bucket and two functions; and every call that was made.
fn leftovers(answer: Answer) -> (Leftovers, Made) {
    let made = Made::default();
    let kept = made.clone();
    let seam = Seam::new(move |call: Call| {
        let before = kept.lock().unwrap().iter().filter(|(name, _)| *name == call.operation).count();
        kept.lock().unwrap().push((call.operation.clone(), call.request.clone()));
        let (status, body, failed) = answer(&call.operation, &call.request, before);
        let answer = http::Response::builder().status(status);
        let answer = if failed { answer.header("x-amz-function-error", "Unhandled") } else { answer };
        let answer = answer.body(Bytes::from(body)).unwrap();
        Box::pin(async move { Ok(answer) })
    });
    let settings = AwsSettings { region: "eu-central-1".into(), endpoint: None, ..AwsSettings::local() };
    let named = [
        ("SlackAlertQueue", "https://sqs/1/q"),
        ("SlackAlertDeadLetters", "https://sqs/1/dead"),
        ("Failures", "a-bucket"),
        ("Health", "barometer-Health-1A"),
    ];
    let aws = Aws { seam, settings, clock: HostClock::of_this_machine() };
    (Leftovers::new(aws, Resources::named(named)), made)
}

fn letters(operation: &str, request: &http::Request<Bytes>, before: usize) -> (u16, String, bool) {
    let body = String::from_utf8(request.body().to_vec()).unwrap();
    let told = match operation {
        "GetQueueAttributes" => {
            let name = if body.contains("dead") { "dead" } else { "q" };
            format!(
                r#"{{"Attributes": {{"QueueArn": "arn:{name}", "ApproximateNumberOfMessages": "7",
                    "ApproximateNumberOfMessagesNotVisible": "1"}}}}"#
            )
        }
        "StartMessageMoveTask" => return (400, r#"{"message": "There is already a task running."}"#.into(), false),
        "ListMessageMoveTasks" if before == 0 => {
            r#"{"Results": [{"Status": "RUNNING", "ApproximateNumberOfMessagesMoved": 3}]}"#.to_owned()
        }
        "ListMessageMoveTasks" => {
            r#"{"Results": [{"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 8}]}"#.to_owned()
        }
        other => panic!("nobody expected {other}"),
    };
    (200, told, false)
}

#[tokio::test(start_paused = true)]
async fn letters_are_moved_by_sqs_and_of_a_move_under_way_it_is_told_how_far_it_is() {
    let (leftovers, made) = leftovers(letters);
    assert_eq!(leftovers.letters("SlackAlertDeadLetters").await.unwrap(), 8);
    let begun = leftovers.send_back("SlackAlertDeadLetters", "SlackAlertQueue", 2_000).await.unwrap();
    assert_eq!(begun, SentBack::UnderWay(3));
    assert_eq!(leftovers.moved("SlackAlertDeadLetters").await.unwrap(), SentBack::Done(8));
    let made = made.lock().unwrap();
    let (_, start) = made.iter().find(|(name, _)| name == "StartMessageMoveTask").unwrap();
    let asked: serde_json::Value = serde_json::from_slice(start.body()).unwrap();
    let expected = serde_json::json!({
        "SourceArn": "arn:dead", "DestinationArn": "arn:q", "MaxNumberOfMessagesPerSecond": 500,
    });
    assert_eq!(
        (asked, &start.headers()["x-amz-target"]),
        (expected, &"AmazonSQS.StartMessageMoveTask".parse().unwrap())
    );
}

#[tokio::test]
async fn letters_of_a_schedule_are_forgotten_by_sqs_also_where_it_does_so_already() {
    fn purged(operation: &str, _: &http::Request<Bytes>, before: usize) -> (u16, String, bool) {
        match operation {
            "GetQueueAttributes" => (200, r#"{"Attributes": {"ApproximateNumberOfMessages": "2"}}"#.into(), false),
            "PurgeQueue" if before == 0 => (200, "{}".into(), false),
            "PurgeQueue" => {
                (400, r#"{"__type": "com.amazonaws.sqs#PurgeQueueInProgress", "message": "every 60 s"}"#.into(), false)
            }
            other => panic!("nobody expected {other}"),
        }
    }
    let (leftovers, made) = leftovers(purged);
    assert_eq!(leftovers.forget_letters("SlackAlertDeadLetters").await.unwrap(), 2);
    assert_eq!(leftovers.forget_letters("SlackAlertDeadLetters").await.unwrap(), 2);
    let made = made.lock().unwrap();
    let (_, purge) = made.iter().find(|(name, _)| name == "PurgeQueue").unwrap();
    assert_eq!(purge.body(), r#"{"QueueUrl":"https://sqs/1/dead"}"#.as_bytes());
}

fn batches(operation: &str, request: &http::Request<Bytes>, before: usize) -> (u16, String, bool) {
    let told = match operation {
        "ListBucket" if before == 0 => {
            assert_eq!(request.uri(), "https://s3.eu-central-1.amazonaws.com/a-bucket?list-type=2");
            "<ListBucketResult><Contents><Key>aws/lambda/2</Key><LastModified>2026-11-22T10:00:00.000Z</LastModified></Contents>\
             <NextContinuationToken>more</NextContinuationToken></ListBucketResult>"
                .to_owned()
        }
        "ListBucket" => {
            assert!(request.uri().query().unwrap().ends_with("continuation-token=more"), "{}", request.uri());
            "<Contents><Key>aws/lambda/1</Key><LastModified>2026-11-22T09:00:00.000Z</LastModified></Contents>"
                .to_owned()
        }
        "GetObject" => {
            let records =
                r#"{"Records": [{"dynamodb": {"SequenceNumber": "11"}}, {"dynamodb": {"SequenceNumber": "12"}}]}"#;
            let arn = "arn:aws:lambda:eu-central-1:1:function:barometer-Health-1A:$LATEST";
            let context = serde_json::json!({"functionArn": arn, "condition": "RetryAttemptsExhausted"});
            serde_json::json!({"requestContext": context, "version": "1.0", "payload": records}).to_string()
        }
        "InvokeFunction" if before == 0 => {
            assert!(request.uri().path().ends_with("/functions/barometer-Health-1A/invocations"), "{}", request.uri());
            r#"{"batchItemFailures": [{"itemIdentifier": "12"}]}"#.to_owned()
        }
        "InvokeFunction" => return (200, r#"{"errorMessage": "out of memory"}"#.into(), true),
        other => panic!("nobody expected {other}"),
    };
    (200, told, false)
}

#[tokio::test]
async fn a_failed_batch_is_read_with_its_function_and_handed_to_it() {
    let (leftovers, made) = leftovers(batches);
    let rows = leftovers.failures().await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.function.as_str(), row.records)).collect();
    assert_eq!(told, [("aws/lambda/1", "Health", Some(2)), ("aws/lambda/2", "Health", Some(2))]);
    assert_eq!(rows[0].reason, "RetryAttemptsExhausted");
    let batch = leftovers.batch("aws/lambda/1").await.unwrap();
    let failed = leftovers.hand(&batch.function, batch.records.clone()).await.unwrap();
    assert_eq!(failed.into_iter().collect::<Vec<_>>(), ["12"]);
    assert_eq!(leftovers.hand(&batch.function, batch.records).await.unwrap_err(), "out of memory");
    let made = made.lock().unwrap();
    assert!(made.iter().all(|(name, _)| name != "DeleteObject"), "what is not done stays");
    let (_, read) = made.iter().find(|(name, _)| name == "GetObject").unwrap();
    assert!(read.headers()["x-amz-content-sha256"].to_str().unwrap().starts_with("e3b0c44298fc1c14"));
    assert!(read.headers()["authorization"].to_str().unwrap().contains("/s3/aws4_request"));
}

fn rewritten(operation: &str, request: &http::Request<Bytes>, _: usize) -> (u16, String, bool) {
    match operation {
        "GetObject" => {
            let payload = serde_json::json!({ "Records": [{ "dynamodb": { "SequenceNumber": "11" } }], "window": 1 });
            // Not JSON within JSON here: what is there is kept as it is.
            (200, serde_json::json!({ "version": "1.0", "payload": payload }).to_string(), false)
        }
        "PutObject" => {
            let uri = "https://s3.eu-central-1.amazonaws.com/a-bucket/aws/lambda/1";
            assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("PUT", uri));
            (200, String::new(), false)
        }
        other => panic!("nobody expected {other}"),
    }
}

#[tokio::test]
async fn a_failed_batch_is_written_again_under_its_key_with_all_that_is_beside_its_records() {
    let (leftovers, made) = leftovers(rewritten);
    leftovers.rewrite("aws/lambda/1", &[serde_json::json!({ "dynamodb": {} })]).await.unwrap();
    let made = made.lock().unwrap();
    let (_, put) = made.iter().find(|(name, _)| name == "PutObject").unwrap();
    let expected = serde_json::json!({ "version": "1.0", "payload": { "Records": [{ "dynamodb": {} }], "window": 1 } });
    assert_eq!(serde_json::from_slice::<serde_json::Value>(put.body()).unwrap(), expected);
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(put.body()));
    assert_eq!(put.headers()["x-amz-content-sha256"], hash, "S3 takes it only with the hash of what is sent");
}
