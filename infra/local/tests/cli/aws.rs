//! `--aws`: the real program against AWS's interfaces on this machine. The tables are those of a host that has ended, over
//! the protocol that DynamoDB speaks, so what it answered is what must be answered.

use std::sync::Arc;

use barometer::engine::Engine;
use barometer::template::Stack;
use serde_json::{Value, json};

use super::common::{Data, Ran};
use super::stub::{Asked, Stub, Told};
use super::{START, operator, rows};

/// A stack called `second` over the tables of a folder whose host has ended.
fn deployed(data: &Data) -> Stub {
    deployed_with(data, |_| None)
}

/// As [`deployed`], where `more` is asked first.
pub(super) fn deployed_with(data: &Data, more: impl Fn(&Asked) -> Option<Told> + Send + Sync + 'static) -> Stub {
    let stack = Stack::built_in().unwrap();
    let engine = Arc::new(Engine::open(&data.path().join("tables.db"), &stack).unwrap());
    let told = move |asked: &Asked| match asked.operation.as_str() {
        "" if asked.line.contains("/2015-03-31/functions/") => Told::ok(json!({ "batchItemFailures": [] })),
        "" if asked.line == "GET /failed?list-type=2" => Told::text("<ListBucketResult></ListBucketResult>".to_owned()),
        "" => {
            let form = asked.body.as_str().unwrap();
            assert!(form.starts_with("Action=ListStackResources&"), "{form}");
            if !form.contains("StackName=second") {
                let says = "<Message>Stack with id other does not exist</Message>";
                return Told::status(400, json!(says));
            }
            let member = |(logical, physical): (&str, &str)| {
                format!(
                    "<member><LogicalResourceId>{logical}</LogicalResourceId>\
                     <PhysicalResourceId>{physical}</PhysicalResourceId></member>"
                )
            };
            let mut listed =
                vec![("Journal", "Journal"), ("Accounts", "Accounts"), ("Bus", "second"), ("Failures", "failed")];
            listed.extend([("Normalize", "second-Normalize"), ("Health", "second-Health")]);
            // What AWS calls a queue is its address.
            listed.extend(stack.queues.iter().map(|queue| (queue.logical_id.as_str(), queue.logical_id.as_str())));
            let listed: String = listed.into_iter().map(member).collect();
            Told::text(format!("<StackResourceSummaries>{listed}</StackResourceSummaries>"))
        }
        "GetParametersByPath" => Told::ok(match asked.body["Path"].as_str().unwrap() {
            "/second/destinations/slack" => {
                json!({ "Parameters": [{ "Name": "/second/destinations/slack/token", "Value": "xoxb-a-token" }] })
            }
            _ => json!({ "Parameters": [] }),
        }),
        "GetQueueAttributes" => {
            let queue = asked.body["QueueUrl"].as_str().unwrap();
            let waiting = if queue == "SlackAlertDeadLetters" { "3" } else { "0" };
            let arn = format!("arn:aws:sqs:eu-central-1:1:{queue}");
            Told::ok(json!({ "Attributes": { "QueueArn": arn, "ApproximateNumberOfMessages": waiting } }))
        }
        "StartMessageMoveTask" => Told::ok(json!({ "TaskHandle": "1" })),
        "ListMessageMoveTasks" => {
            Told::ok(json!({ "Results": [{ "Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 3 }] }))
        }
        operation => {
            let answer = engine.call(operation, asked.body.to_string().as_bytes());
            Told::status(answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
        }
    };
    Stub::new(move |asked: &Asked| more(asked).unwrap_or_else(|| told(asked)))
}

pub(super) fn on_aws(data: &Data, stub: &Stub, line: &str) -> Ran {
    let url = stub.url();
    let environment = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIATEST"),
        ("AWS_SECRET_ACCESS_KEY", "no-secret-of-any-account"),
    ];
    data.run_with(&environment, &format!("{line} --aws --stack second"))
}

#[test]
fn what_is_asked_of_a_deployed_stack_is_answered_as_a_host_answers_it() {
    let (data, host) = operator::book();
    let lines =
        ["explain larkspur", "explain larkspur --json", "timeline larkspur", "journal", "outbox --json", "owners"];
    let told = lines.map(|line| data.run(line));
    let accounts = data.json("accounts");
    assert_eq!(host.end("TERM").0, Some(0));

    let stub = deployed(&data);
    for told in &told {
        let answered = on_aws(&data, &stub, &told.line);
        answered.succeeded();
        assert_eq!(answered.out, told.out, "{}", told.line);
    }
    // The days until a renewal are counted from today, and the host's clock stood elsewhere.
    let without_days = |mut all: Value| {
        all.as_array_mut().unwrap().iter_mut().for_each(|row| row["renews_in_days"] = Value::Null);
        all
    };
    assert_eq!(without_days(on_aws(&data, &stub, "accounts --json").json()), without_days(accounts));
    let keys = stub.asked().into_iter().map(|asked| asked.token);
    assert!(keys.into_iter().all(|key| key.starts_with("AWS4-HMAC-SHA256 Credential=AKIATEST/")));
    assert!(stub.asked().iter().all(|asked| !["PutItem", "TransactWriteItems"].contains(&asked.operation.as_str())));
}

#[test]
fn going_live_on_aws_is_journaled_and_counts_for_the_functions() {
    let (data, host) = operator::book();
    assert_eq!(host.end("TERM").0, Some(0));
    let live = |report: &Value| -> Vec<(String, String)> {
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        let slack = rows(&report["modes"]).iter().filter(|row| row["destination"] == "slack");
        slack.map(|row| (text(row, "from"), text(row, "to"))).collect()
    };
    let stub = deployed(&data);
    let looked = on_aws(&data, &stub, "golive --dry-run --json").json();
    assert!(live(&looked).iter().any(|(from, to)| (from.as_str(), to.as_str()) == ("observe", "live")), "{looked:#}");
    assert!(rows(&looked["modes"]).iter().any(|row| row["limited_by"].is_null()), "the token is there: {looked:#}");
    let before = on_aws(&data, &stub, "journal --json").json();

    on_aws(&data, &stub, "golive --accept-unowned --json").succeeded();
    let paused = on_aws(&data, &stub, "pause --json").json();
    assert!(paused["paused_at"].is_string(), "{paused}");
    assert!(on_aws(&data, &stub, "resume --json").json()["paused_at"].is_null());
    let after = on_aws(&data, &stub, "journal --json").json();
    let stated = rows(&after).iter().filter(|row| row["connection"] == "operator").count();
    assert!(stated >= rows(&before).len().min(1) + 2, "{after:#}");
    drop(stub);

    // The functions read what was set.
    let host = data.up(&format!("--empty --clock {START}"));
    let looked = data.json("golive --dry-run");
    assert!(live(&looked).iter().any(|(from, _)| from == "live"), "{looked:#}");
    assert_eq!(host.end("TERM").0, Some(0));
}

#[test]
fn what_a_deployed_stack_gave_up_is_given_to_its_own_functions_again() {
    let (data, host) = operator::book();
    assert_eq!(host.end("TERM").0, Some(0));
    let stub = deployed(&data);
    let looked = on_aws(&data, &stub, &format!("redrive --since {START} --dry-run --json")).json();
    let letters = json!([{ "queue": "SlackAlertDeadLetters", "to": "SlackAlertQueue", "letters": 3 }]);
    assert_eq!((&looked["letters"], &looked["deliveries"]), (&letters, &json!(4)), "{looked:#}");
    assert!(stub.asked().iter().all(|asked| asked.operation != "StartMessageMoveTask"));

    let report = on_aws(&data, &stub, &format!("redrive --since {START} --rate 40 --json")).json();
    let done = json!({ "letters": 3, "forgotten": 0, "records": 0, "deliveries": 4, "accounts": 0 });
    assert_eq!((&report["redriven"], &report["failed"]), (&done, &json!([])), "{report:#}");
    let asked = stub.asked();
    let moved = asked.iter().find(|asked| asked.operation == "StartMessageMoveTask").unwrap();
    assert_eq!(moved.body["DestinationArn"], "arn:aws:sqs:eu-central-1:1:SlackAlertQueue");
    let given = |function: &str| -> usize {
        let calls = asked.iter().filter(|asked| asked.line.contains(function));
        calls.map(|asked| asked.body["Records"].as_array().unwrap().len()).sum()
    };
    assert_eq!(given("/functions/second-Normalize/"), 4);
    assert!(given("/functions/second-Health/") >= 4, "the companies and their domains are looked at");
}

#[test]
fn an_incident_is_said_on_aws_and_the_functions_know_of_it() {
    let (data, host) = operator::book();
    assert_eq!(host.end("TERM").0, Some(0));
    let stub = deployed(&data);
    on_aws(&data, &stub, "incident set --all --until 2031-03-05 --reason outage --by Ines").succeeded();
    let told = on_aws(&data, &stub, "timeline larkspur --json").json();
    let row = "Ines says that an incident of ours troubles it until 2031-03-05: outage";
    assert_eq!(crate::row(&told, "kind", "incident")["text"], row);
    let stated = on_aws(&data, &stub, "journal --json").json();
    assert_eq!(rows(&stated).iter().filter(|row| row["connection"] == "operator").count(), 3, "{stated:#}");
    drop(stub);

    let _host = data.up("--empty");
    data.settle();
    let explained = data.run("explain larkspur");
    assert!(explained.out.contains("an incident of ours until 2031-03-05: outage"), "{}", explained.out);
}

#[test]
fn what_cannot_be_asked_on_aws_says_so() {
    let data = Data::new();
    let environment = [("AWS_REGION", "")];
    data.run_with(&environment, "settle --aws").refused(1, &["this is not asked of a stack on AWS"]);
    let (data, host) = operator::book();
    assert_eq!(host.end("TERM").0, Some(0));
    let stub = deployed(&data);
    on_aws(&data, &stub, "accounts --stack other").refused(2, &["cannot be used multiple times"]);
    let url = stub.url();
    let environment = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIATEST"),
        ("AWS_SECRET_ACCESS_KEY", "no-secret-of-any-account"),
    ];
    data.run_with(&environment, "accounts --aws").refused(1, &["there is no stack `barometer` in eu-central-1"]);
}
