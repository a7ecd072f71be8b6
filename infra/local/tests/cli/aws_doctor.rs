//! `barometer doctor --aws`: the real program against AWS's interfaces on this machine. Behind the stack's address is the real
//! receiver, over the tables that the program reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use barometer::host::{Host, Parts, secrets_in};
use barometer::template::Stack;
use bytes::Bytes;
use runtime::lambda::{HttpDetail, HttpEvent, RequestContext};
use runtime::seam::{CallError, Seam};
use serde_json::{Value, json};

use super::aws::on_aws;
use super::common::{Data, SECRET};
use super::doctor::{check, report};
use super::rows;
use super::stub::{Asked, Stub, Told};

/// What a test has otherwise than it should be; `None` leaves an answer as it is.
type Otherwise = fn(&Asked) -> Option<Told>;

/// The functions, and what they run on.
struct Functions {
    runtime: tokio::runtime::Runtime,
    host: Host,
}

impl Functions {
    fn over(data: &Data) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let parts = Parts {
            data: data.path(),
            stack: Arc::new(Stack::built_in().unwrap()),
            config: Arc::new(barometer::config_files::load(None).unwrap()),
            secrets: secrets_in(data.path().join("secrets.toml")),
            clock: None,
            vendors: Seam::new(|_| Box::pin(async { Err(CallError::NotCalled("no vendor is asked".into())) })),
            around: None,
            guard: None,
            refuses: None,
        };
        let host = runtime.block_on(Host::open(parts)).unwrap();
        Self { runtime, host }
    }

    /// A webhook, as the gateway hands it over.
    fn receive(&self, path: &str, asked: &Asked) -> Told {
        let at = self.host.clock().receipt().unwrap();
        let event = HttpEvent {
            raw_path: path.to_owned(),
            raw_query_string: String::new(),
            headers: asked.headers.clone(),
            request_context: RequestContext {
                domain_name: asked.headers["host"].clone(),
                time_epoch: at.as_millis(),
                http: HttpDetail { method: "POST".to_owned() },
            },
            body: Some(asked.body.to_string()),
            is_base64_encoded: false,
        };
        let answer = self.runtime.block_on(self.host.receive(event)).unwrap();
        Told::status(answer.status_code, serde_json::from_str(&answer.body).unwrap())
    }

    fn table(&self, operation: &str, body: &Value) -> Told {
        let answer = self.host.engine().call(operation, &Bytes::from(body.to_string()));
        Told::status(answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
    }

    /// What `normalize` logged of what is in the journal.
    fn logged(&self) -> Value {
        let journal = self.runtime.block_on(self.host.journal()).unwrap();
        let line =
            |id: String| json!({ "message": json!({ "message": format!("Delivery `{id}` normalised") }).to_string() });
        json!({ "events": journal.into_iter().map(|row| line(row.id.to_string())).collect::<Vec<_>>() })
    }
}

/// A stack called `second` in which all is well, but for what is `otherwise`.
fn stack(data: &Data, otherwise: Otherwise) -> Stub {
    let functions = Functions::over(data);
    let template = Stack::built_in().unwrap();
    let mut resources: BTreeMap<String, String> =
        template.queues.iter().map(|it| (it.logical_id.clone(), it.logical_id.clone())).collect();
    for (name, called) in [
        ("Journal", "Journal"),
        ("Accounts", "Accounts"),
        ("Bus", "second"),
        ("Failures", "failed"),
        ("NormalizeLogs", "/aws/lambda/second/normalize"),
        ("NormalizeDeliveries", "uuid-1"),
        ("DeadLettersAlarm", "second-DeadLettersAlarm-1A"),
    ] {
        resources.insert(name.to_owned(), called.to_owned());
    }
    Stub::new(move |asked: &Asked| {
        if let Some(told) = otherwise(asked) {
            return told;
        }
        if let Some(path) = asked.line.strip_prefix("POST ").filter(|path| path.starts_with("/hooks/")) {
            return functions.receive(path, asked);
        }
        match (asked.operation.as_str(), asked.line.as_str()) {
            ("", "POST /") => form(asked, &resources),
            ("", "GET /failed?list-type=2") => Told::text("<ListBucketResult></ListBucketResult>".to_owned()),
            ("", "GET /2015-03-31/event-source-mappings/") => mappings("Enabled"),
            ("", "GET /v2/email/account") => {
                assert!(asked.token.contains("/eu-central-1/ses/aws4_request"), "{}", asked.token);
                Told::ok(json!({ "ProductionAccessEnabled": true, "SendingEnabled": true }))
            }
            ("", "GET /v2/email/identities/ourco.example") => Told::ok(json!({ "VerifiedForSendingStatus": true })),
            ("", "GET /v2/email/configuration-sets/barometer") => Told::ok(json!({})),
            ("GetParametersByPath", _) => parameters(asked, SECRET),
            ("GetQueueAttributes", _) => {
                Told::ok(json!({ "Attributes": { "QueueArn": "arn", "ApproximateNumberOfMessages": "0" } }))
            }
            ("FilterLogEvents", _) => {
                assert_eq!(asked.body["logGroupName"], "/aws/lambda/second/normalize");
                assert!(asked.body["filterPattern"].as_str().unwrap().starts_with("\"self-test-"), "{}", asked.body);
                Told::ok(functions.logged())
            }
            ("", other) => panic!("nobody expected {other}"),
            (operation, _) => functions.table(operation, &asked.body),
        }
    })
}

/// What is asked in forms and answered in XML.
fn form(asked: &Asked, resources: &BTreeMap<String, String>) -> Told {
    let form = asked.body.as_str().unwrap();
    let action = form.split('&').next().unwrap();
    let element = |name: &str, text: &str| format!("<{name}>{text}</{name}>");
    Told::text(match action {
        "Action=ListStackResources" => {
            let member = |(name, called): (&String, &String)| {
                element("member", &(element("LogicalResourceId", name) + &element("PhysicalResourceId", called)))
            };
            resources.iter().map(member).collect()
        }
        "Action=DescribeStacks" => described("UPDATE_COMPLETE", asked),
        "Action=DescribeAlarms" => {
            assert!(form.contains("StateValue=ALARM&AlarmNamePrefix=second-"), "{form}");
            "<MetricAlarms></MetricAlarms>".to_owned()
        }
        other => panic!("nobody expected {other}"),
    })
}

/// How the stack stands. Its address is this very machine's.
fn described(status: &str, asked: &Asked) -> String {
    let url = format!("http://{}", asked.headers["host"]);
    format!(
        "<Stacks><member><StackStatus>{status}</StackStatus><Outputs><member><OutputKey>Hooks</OutputKey>\
         <OutputValue>{url}</OutputValue></member></Outputs></member></Stacks>"
    )
}

fn mappings(state: &str) -> Told {
    let other = json!({ "UUID": "of-somebody-else", "State": "Disabled" });
    Told::ok(json!({ "EventSourceMappings": [{ "UUID": "uuid-1", "State": state }, other] }))
}

/// The parameters of a path: what tools sign with, that of Typeform otherwise.
fn parameters(asked: &Asked, typeform: &str) -> Told {
    let path = asked.body["Path"].as_str().unwrap();
    let held = |name: &str, value: &str| json!({ "Name": format!("{path}/{name}"), "Value": value });
    Told::ok(json!({ "Parameters": match path {
        "/second/crm" => vec![held("hubspot/secret", SECRET), held("hubspot-app/secret", SECRET)],
        "/second/ticketing" => vec![held("zendesk/secret", SECRET), held("zendesk/previous", SECRET)],
        "/second/survey" => vec![held("typeform/secret", typeform)],
        "/second/fetch" | "/second/destinations/slack" | "/second/destinations/hubspot" => vec![],
        other => panic!("nobody expected {other}"),
    }}))
}

#[test]
fn a_deployed_stack_in_which_all_is_well_takes_keeps_and_reads_what_is_signed_and_no_secret_is_shown() {
    let data = Data::new();
    let stub = stack(&data, |_| None);
    let ran = on_aws(&data, &stub, &format!("doctor --json --address {}", stub.url()));
    let found = report(&ran);
    check(&found, "stack", "deployed", "ok", "second in eu-central-1 (UPDATE_COMPLETE)");
    check(&found, "stack", "alarms", "ok", "none is on");
    check(&found, "stack", "readers", "ok", "1 stream or queue is read");
    check(&found, "stack", "given up", "ok", "nothing");
    check(&found, "stack", "sending", "not_asked", "everything observes");
    for name in ["hubspot", "hubspot-app", "zendesk", "typeform"] {
        let about = format!("connection {name}");
        check(&found, &about, "secret", "ok", "64 bytes");
        check(&found, &about, "address", "ok", &format!("{}/hooks/", stub.url()));
        check(&found, &about, "self-test", "ok", "and read");
    }
    check(&found, "destination email", "key", "ok", "SES in eu-central-1 knows it");
    let put = "aws ssm put-parameter --region eu-central-1 --type SecureString --overwrite --name /second/";
    for (about, check_of, below) in [
        ("connection zendesk", "token", "fetch/zendesk/token"),
        ("destination slack", "token", "destinations/slack/token"),
        ("destination hubspot", "token", "destinations/hubspot/token"),
    ] {
        check(&found, about, check_of, "not_asked", &format!("{put}{below} --value …"));
    }
    assert_eq!((ran.code, &found["to_mend"]), (Some(0), &json!(0)), "{}", ran.out);
    let posted = |asked: &Asked| asked.line.starts_with("POST /hooks/");
    assert_eq!(stub.asked().iter().filter(|it| posted(it)).count(), 4, "its own address is not tried twice");

    let text = on_aws(&data, &stub, "doctor");
    text.succeeded();
    for secret in [SECRET, "no-secret-of-any-account"] {
        assert!(!(text.out.clone() + &text.err + &ran.out + &ran.err).contains(secret), "{secret} is shown");
    }
    assert!(rows(&on_aws(&data, &stub, "journal --json").json()).iter().all(|row| row["status"] == "self-test"));

    let before = stub.asked().len();
    let offline = report(&on_aws(&data, &stub, "doctor --offline --json"));
    check(&offline, "destination email", "key", "not_asked", "not asked: --offline");
    check(&offline, "connection hubspot", "self-test", "ok", "and read");
    assert!(stub.asked()[before..].iter().all(|asked| !asked.line.contains("/v2/email/")), "no vendor was asked");
}

#[test]
fn what_a_deployed_stack_lacks_is_named_with_the_command_that_mends_it() {
    let data = Data::new();
    let stub = stack(&data, |asked| match (asked.operation.as_str(), asked.line.as_str()) {
        ("", "POST /") if asked.body.as_str()?.starts_with("Action=DescribeStacks") => {
            Some(Told::text(described("UPDATE_ROLLBACK_COMPLETE", asked)))
        }
        ("", "POST /") if asked.body.as_str()?.starts_with("Action=DescribeAlarms") => Some(Told::text(
            "<AlarmName>second-DeadLettersAlarm-1A</AlarmName><AlarmName>second-rate-Of-Another</AlarmName>".to_owned(),
        )),
        ("", "GET /2015-03-31/event-source-mappings/") => Some(mappings("Disabled")),
        ("GetQueueAttributes", _) if asked.body["QueueUrl"] == "SlackAlertDeadLetters" => {
            Some(Told::ok(json!({ "Attributes": { "QueueArn": "arn", "ApproximateNumberOfMessages": "3" } })))
        }
        ("GetParametersByPath", _) if asked.body["Path"] == "/second/ticketing" => Some(Told::ok(json!({}))),
        ("GetParametersByPath", _) => Some(parameters(asked, "another-secret-of-24-bytes")),
        // Somebody else answers in the stack's place.
        ("", "POST /hooks/crm/hubspot-app") => Some(Told::ok(json!({}))),
        _ => None,
    });
    let ran = on_aws(&data, &stub, "doctor --offline --json");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let found = report(&ran);
    check(&found, "stack", "deployed", "mend", "did not go through (UPDATE_ROLLBACK_COMPLETE)");
    check(&found, "stack", "alarms", "mend", "on: DeadLettersAlarm `aws cloudwatch describe-alarms");
    check(
        &found,
        "stack",
        "readers",
        "mend",
        "switched off: NormalizeDeliveries aws lambda update-event-source-mapping",
    );
    check(&found, "stack", "given up", "mend", "3 letters in SlackAlertDeadLetters");
    let put = "aws ssm put-parameter --region eu-central-1 --type SecureString --overwrite --name";
    let put = format!("everything sent to it is answered 503 {put} /second/ticketing/zendesk/secret --value …");
    check(&found, "connection zendesk", "secret", "mend", &put);
    check(&found, "connection zendesk", "self-test", "not_asked", "not sent: it takes a secret");
    check(&found, "connection typeform", "self-test", "mend", "the stack refused our own signature (401)");
    check(&found, "connection typeform", "self-test", "mend", "aws logs tail /aws/lambda/second/webhook-survey");
    check(&found, "connection hubspot-app", "self-test", "mend", "is not in the journal another stack may answer");
    check(&found, "connection hubspot", "self-test", "ok", "and read");
    assert!(!ran.out.contains("another-secret-of-24-bytes"), "{}", ran.out);
}

#[test]
fn what_the_key_may_not_is_named_and_the_rest_is_looked_at() {
    let data = Data::new();
    let stub = stack(&data, |asked| match (asked.operation.as_str(), asked.line.as_str()) {
        ("", "POST /") if asked.body.as_str()?.starts_with("Action=DescribeAlarms") => {
            Some(Told::status(403, json!({})))
        }
        ("", "GET /2015-03-31/event-source-mappings/") => Some(Told::status(403, json!({}))),
        ("", "GET /v2/email/account") => {
            Some(Told::status(403, json!({})).with("x-amzn-errortype", "AccessDeniedException"))
        }
        ("GetQueueAttributes", _) => Some(Told::status(403, json!({}))),
        ("FilterLogEvents", _) => Some(Told::status(400, json!({ "__type": "AccessDeniedException" }))),
        _ => None,
    });
    let ran = on_aws(&data, &stub, "doctor --json");
    let found = report(&ran);
    check(&found, "stack", "alarms", "not_asked", "allow cloudwatch:DescribeAlarms on *");
    check(&found, "stack", "readers", "not_asked", "allow lambda:ListEventSourceMappings on *");
    check(&found, "stack", "given up", "not_asked", "allow sqs:GetQueueAttributes on");
    check(&found, "destination email", "key", "not_asked", "allow ses:GetAccount, GetEmailIdentity");
    let unseen = "whether it was read is not known AWS refuses logs:FilterLogEvents in eu-central-1";
    check(&found, "connection hubspot", "self-test", "not_asked", unseen);
    assert_eq!((ran.code, &found["to_mend"]), (Some(0), &json!(0)), "{}", ran.out);

    let stub = stack(&data, |asked| {
        let denied = || Told::status(400, json!({ "__type": "AccessDeniedException", "Message": "arn:of-a-role" }));
        (asked.operation == "GetParametersByPath" && asked.body["Path"] == "/second/survey").then(denied)
    });
    let told =
        ["secrets cannot be read from /second/survey", "allow ssm:GetParametersByPath on parameter/second/survey"];
    on_aws(&data, &stub, "doctor").refused(1, &told);
    let stub = stack(&data, |asked| {
        let is_it = asked.body.as_str().is_some_and(|form| form.starts_with("Action=DescribeStacks"));
        is_it.then(|| Told::status(403, json!({})))
    });
    on_aws(&data, &stub, "doctor").refused(1, &["AWS refuses cloudformation:DescribeStacks", "the stack second"]);
}
