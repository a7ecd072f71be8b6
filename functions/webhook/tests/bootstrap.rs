//! The real bootstrap, started as Lambda starts it: it asks the Runtime API for an event, reads its secrets, keeps the
//! delivery and answers. The Runtime API, SSM and DynamoDB are one small server here.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::http::{Request, ok, read};

const SECRET: &str = "a-secret-of-thirty-two-characters";
const BODY: &str = r#"{"objectType":"COMPANY","objectId":1,"properties":{}}"#;

/// The moment a gateway would write: what the program read before is not old by it.
#[expect(clippy::disallowed_methods, reason = "the real bootstrap runs by the same clock")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis().try_into().unwrap()
}

fn event() -> Value {
    let url = "https://hooks.example/hooks/crm/hubspot";
    let signature = Sha256::digest(format!("{SECRET}POST{url}{BODY}"));
    json!({
        "version": "2.0", "rawPath": "/hooks/crm/hubspot", "rawQueryString": "", "body": BODY, "isBase64Encoded": false,
        "headers": { "x-hubspot-signature-version": "v2", "x-hubspot-signature": hex::encode(signature) },
        "requestContext": { "domainName": "hooks.example", "timeEpoch": now_ms(), "http": { "method": "POST" } },
    })
}

/// Answers one connection until it closes; tells of everything but the polling for events.
fn serve(stream: TcpStream, seen: &Sender<Request>, events: &std::sync::Mutex<Vec<Value>>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        if request.line.contains("/invocation/next") {
            let Some(event) = events.lock().unwrap().pop() else {
                // No more events: the connection stays open, as Lambda's does while a function is idle.
                let _ = reader.read(&mut [0]);
                return;
            };
            let headers = "lambda-runtime-aws-request-id: r-1\r\nlambda-runtime-deadline-ms: 4102444800000\r\n\
                           lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:0:function:webhook\r\n";
            let _ = writer.write_all(ok(headers, &event.to_string()).as_bytes());
            continue;
        }
        let body = match request.headers.get("x-amz-target").map(String::as_str) {
            Some("AmazonSSM.GetParametersByPath") => {
                json!({ "Parameters": [{ "Name": "/second/crm/hubspot/secret", "Value": SECRET }] }).to_string()
            }
            _ => "{}".to_owned(),
        };
        let _ = writer.write_all(ok("content-type: application/x-amz-json-1.1\r\n", &body).as_bytes());
        let _ = seen.send(request);
    }
}

/// Ends the process with the test.
struct Bootstrap(Child);

impl Drop for Bootstrap {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(events: Vec<Value>) -> (Bootstrap, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, seen) = channel();
    let events = std::sync::Arc::new(std::sync::Mutex::new(events));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (sender, events) = (sender.clone(), events.clone());
            std::thread::spawn(move || serve(stream, &sender, &events));
        }
    });
    let child = Command::new(env!("CARGO_BIN_EXE_webhook"))
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .env("AWS_ENDPOINT_URL", format!("http://{address}"))
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_LAMBDA_FUNCTION_NAME", "webhook")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("FAMILY", "crm")
        .env("BAROMETER_SECRETS", "/second/crm")
        .env("BAROMETER_JOURNAL_TABLE", "journal")
        .env("BAROMETER_CONFIG", concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/config"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (Bootstrap(child), seen)
}

#[test]
fn a_signed_webhook_is_kept_and_answered_by_the_real_bootstrap() {
    let (_bootstrap, seen) = start(vec![event()]);
    let secrets = seen.recv().unwrap();
    assert_eq!(secrets.headers["x-amz-target"], "AmazonSSM.GetParametersByPath");
    assert_eq!(serde_json::from_str::<Value>(&secrets.body).unwrap()["Path"], "/second/crm");
    let opened = seen.recv().unwrap();
    assert!(opened.line.starts_with("GET / ") && !opened.headers.contains_key("authorization"), "{opened:?}");
    let put = seen.recv().unwrap();
    assert_eq!(put.headers["x-amz-target"], "DynamoDB_20120810.PutItem");
    assert!(put.headers["authorization"].starts_with("AWS4-HMAC-SHA256"), "signed for AWS");
    let put: Value = serde_json::from_str(&put.body).unwrap();
    assert_eq!((&put["TableName"], &put["Item"]["connection"]["S"]), (&json!("journal"), &json!("hubspot")));
    let answered = seen.recv().unwrap();
    assert!(answered.line.contains("/invocation/r-1/response"), "{}", answered.line);
    assert_eq!(serde_json::from_str::<Value>(&answered.body).unwrap()["statusCode"], 200);
}

#[test]
fn a_forged_webhook_reaches_no_table() {
    let mut forged = event();
    forged["body"] = json!(BODY.replace('1', "2"));
    let (_bootstrap, seen) = start(vec![forged]);
    let [secrets, opened, answered] = [(); 3].map(|()| seen.recv().unwrap());
    assert_eq!(secrets.headers["x-amz-target"], "AmazonSSM.GetParametersByPath");
    // The connection to the journal is there before the first webhook is; nothing is put.
    assert!(opened.line.starts_with("GET / "), "{opened:?}");
    assert!(answered.line.contains("/response"), "{answered:?}");
    assert_eq!(serde_json::from_str::<Value>(&answered.body).unwrap()["statusCode"], 401);
}

#[test]
fn a_bootstrap_without_its_environment_says_everything_that_is_missing() {
    let output = Command::new(env!("CARGO_BIN_EXE_webhook")).env_clear().output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for name in ["AWS_REGION", "BAROMETER_JOURNAL_TABLE", "FAMILY", "BAROMETER_CONFIG"] {
        assert!(said.contains(name), "{name} in {said}");
    }
}
