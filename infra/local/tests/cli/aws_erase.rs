//! Forgetting a person in a deployed stack: in the tables as on a host, and in what lies beside them in S3 and SQS.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use barometer::engine::Engine;
use barometer::template::Stack;
use serde_json::{Value, json};

use super::aws::{deployed_with, on_aws};
use super::common::Data;
use super::rows;
use super::stub::{Asked, Stub, Told};

/// Her address and her name, and how she is written nowhere else.
const ADDRESS: &str = "ann@larkspur.example";
const CALLED: &str = "Canaryann";
const BATCH: &str = "aws/lambda/1/2020/01/31/a-batch";

/// A folder with two companies and a person at each, whose host has ended.
fn people() -> Data {
    let data = Data::new();
    let host = data.up("--empty");
    let write = |name: &str, content: &str| {
        let path = data.beside(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let companies =
        write("companies.csv", "Record ID,Company name,Lifecycle Stage\n7,Larkspur,Customer\n8,Mill,Customer\n");
    data.json(&format!("import accounts {companies} --as-of 2020-01-31"));
    let contacts = format!(
        "Record ID,Email,First Name,Associated Company IDs\n51,{ADDRESS},{CALLED},7\n52,bob@oldmill.example,Bob,8\n"
    );
    let contacts = write("contacts.csv", &contacts);
    data.json(&format!("import contacts {contacts} --as-of 2020-01-31"));
    data.settle();
    assert_eq!(host.end("TERM").0, Some(0));
    data
}

/// Everything in the tables of a folder whose host has ended.
fn dump(data: &Data) -> Vec<Value> {
    let engine = Engine::open(&data.path().join("tables.db"), &Stack::built_in().unwrap()).unwrap();
    ["Journal", "Accounts"].into_iter().flat_map(|table| engine.dump(table)).collect()
}

/// A batch that `Health` failed on to the end, as Lambda leaves it: every row there is, before and after.
fn failed_batch(data: &Data) -> String {
    let engine = Engine::open(&data.path().join("tables.db"), &Stack::built_in().unwrap()).unwrap();
    let record = |(table, keys, item): (&str, &[&str], Value)| {
        let keys: serde_json::Map<_, _> = keys.iter().map(|key| ((*key).to_owned(), item[*key].clone())).collect();
        let arn = format!("arn:aws:dynamodb:eu-central-1:1:table/{table}/stream/2020-01-31T00:00:00.000");
        json!({ "eventName": "MODIFY", "eventSourceARN": arn,
            "dynamodb": { "Keys": keys, "NewImage": item, "OldImage": item, "SequenceNumber": "1" } })
    };
    // A batch is of one table.
    let records: Vec<_> =
        engine.dump("Accounts").into_iter().map(|it| record(("Accounts", &["pk", "sk"], it))).collect();
    let arn = "arn:aws:lambda:eu-central-1:1:function:second-Health:$LATEST";
    let context = json!({ "functionArn": arn, "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 11 });
    json!({ "requestContext": context, "version": "1.0", "payload": json!({ "Records": records }).to_string() })
        .to_string()
}

/// What lies beside the tables.
#[derive(Default)]
struct Beside {
    objects: BTreeMap<String, String>,
    /// By id: the body, and what a rule says of it; those that somebody reads are hidden.
    letters: BTreeMap<String, (Value, bool)>,
    /// The next `PutObject` is refused.
    refuses: bool,
}

impl Beside {
    fn told(&mut self, asked: &Asked) -> Option<Told> {
        let queue = asked.body["QueueUrl"].as_str() == Some("SlackAlertDeadLetters");
        Some(match (asked.operation.as_str(), asked.line.split_once(' ').unwrap()) {
            ("", ("GET", "/failed?list-type=2")) => {
                let object = |key| {
                    format!(
                        "<Contents><Key>{key}</Key><LastModified>2020-01-31T10:00:00.000Z</LastModified></Contents>"
                    )
                };
                Told::text(self.objects.keys().map(object).collect())
            }
            ("", ("GET", path)) => Told::text(self.objects[path.strip_prefix("/failed/").unwrap()].clone()),
            ("", ("PUT", _)) if std::mem::take(&mut self.refuses) => {
                Told::status(403, json!("<Code>AccessDenied</Code>"))
            }
            ("", ("PUT", path)) => {
                let key = path.strip_prefix("/failed/").unwrap();
                *self.objects.get_mut(key).unwrap() = asked.body.to_string();
                Told::text(String::new())
            }
            ("GetQueueAttributes", _) if queue => {
                let waiting = self.letters.len().to_string();
                Told::ok(json!({ "Attributes": { "QueueArn": "arn:1", "ApproximateNumberOfMessages": waiting } }))
            }
            ("GetQueueAttributes", _) => {
                let waiting = if asked.body["QueueUrl"] == "CrmTaskQueue" { "2" } else { "0" };
                Told::ok(json!({ "Attributes": { "QueueArn": "arn:1", "ApproximateNumberOfMessages": waiting } }))
            }
            ("ReceiveMessage", _) if queue => {
                // One at a time, so that it must be asked until there is none.
                let next = self.letters.iter_mut().find(|(_, (_, hidden))| !hidden);
                let letter = next.map(|(id, (letter, hidden))| {
                    *hidden = true;
                    let mut letter = letter.clone();
                    (letter["MessageId"], letter["ReceiptHandle"]) = (json!(id), json!(id));
                    letter
                });
                Told::ok(json!({ "Messages": letter.into_iter().collect::<Vec<_>>() }))
            }
            ("ReceiveMessage", _) => Told::ok(json!({})),
            ("SendMessage", _) => {
                let id = format!("new-{}", self.letters.len());
                let letter =
                    json!({ "Body": asked.body["MessageBody"], "MessageAttributes": asked.body["MessageAttributes"] });
                self.letters.insert(id.clone(), (letter, false));
                Told::ok(json!({ "MessageId": id }))
            }
            ("DeleteMessage", _) => {
                self.letters.remove(asked.body["ReceiptHandle"].as_str().unwrap()).unwrap();
                Told::text(String::new())
            }
            _ => return None,
        })
    }
}

/// A stack with a failed batch, and three dead letters of which one speaks of her.
fn stack(data: &Data) -> (Stub, Arc<Mutex<Beside>>) {
    let why = json!({ "ERROR_CODE": { "DataType": "String", "StringValue": "NO_PERMISSIONS" } });
    let asks =
        |to: &str| json!({ "detail": { "id": "5f", "data": { "to": { "address": to, "reason": "the sponsor" } } } });
    let letter = |body: String| (json!({ "Body": body, "MessageAttributes": why }), false);
    let letters = [
        ("a", letter(asks("bob@oldmill.example").to_string())),
        ("b", letter(asks(ADDRESS).to_string())),
        ("c", letter("no JSON of ours".to_owned())),
    ];
    let beside = Beside {
        objects: [(BATCH.to_owned(), failed_batch(data))].into(),
        letters: letters.into_iter().map(|(id, letter)| (id.to_owned(), letter)).collect(),
        refuses: false,
    };
    let beside = Arc::new(Mutex::new(beside));
    let told = beside.clone();
    (deployed_with(data, move |asked| told.lock().unwrap().told(asked)), beside)
}

/// What was done, without what is of one stack only.
fn done(mut report: Value) -> Value {
    for own in ["delivery", "warnings", "sent_rows"] {
        report[own] = Value::Null;
    }
    report
}

#[test]
fn an_erasure_on_aws_is_that_of_a_host_and_reaches_what_lies_in_s3_and_sqs() {
    let (on_host, on_stack) = (people(), people());
    let line = format!("erase {ADDRESS} --json");
    let (stub, beside) = stack(&on_stack);
    let looked = on_aws(&on_stack, &stub, &format!("{line} --dry-run")).json();
    assert_eq!(looked["parts"], json!(1), "{looked:#}");
    assert!(beside.lock().unwrap().objects[BATCH].contains(CALLED), "only looked");
    assert!(dump(&on_stack).iter().any(|item| item.to_string().contains(CALLED)));

    let erased = on_aws(&on_stack, &stub, &line).json();
    let host = on_host.run(&line).json();
    assert_eq!(done(erased.clone()), done(host));
    assert!(erased["sent_rows"].as_u64().unwrap() >= 2, "a record and a letter at least: {erased:#}");
    let waits = rows(&erased["warnings"]).iter().map(|it| it.as_str().unwrap()).collect::<Vec<_>>();
    let named = "2 messages of CrmTaskQueue could not be looked at and may speak of them: erase again in ten minutes";
    assert_eq!(waits, [named]);
    // What functions find in the tables, and in what they are given again.
    let left = |data| dump(data).into_iter().filter(|item| item.to_string().contains(CALLED)).collect::<Vec<_>>();
    assert_eq!((left(&on_stack), left(&on_host)), (vec![], vec![]));
    let beside = beside.lock().unwrap();
    let batch: Value = serde_json::from_str(&beside.objects[BATCH]).unwrap();
    assert_eq!(batch["requestContext"]["approximateInvokeCount"], json!(11), "the rest of it is as it was");
    let event: Value = serde_json::from_str(batch["payload"].as_str().unwrap()).unwrap();
    assert!(!event.to_string().contains(CALLED), "{event:#}");
    let now = dump(&on_stack);
    for record in rows(&event["Records"]).iter().filter(|record| record["dynamodb"]["OldImage"].is_null()) {
        let image = &record["dynamodb"]["NewImage"];
        assert!(image.is_null() || now.contains(image), "what is tried again is the row of now: {record:#}");
    }
    assert!(rows(&event["Records"]).iter().any(|record| record["dynamodb"]["OldImage"].is_object()), "others stay");
    let bodies: Vec<_> = beside.letters.values().map(|(letter, _)| letter["Body"].as_str().unwrap()).collect();
    assert_eq!((bodies.len(), bodies.iter().any(|body| body.contains(ADDRESS))), (3, false), "{bodies:#?}");
    assert!(bodies.contains(&"no JSON of ours") && bodies.iter().any(|body| body.contains("bob@oldmill.example")));
    let why = |(letter, _): &(Value, bool)| letter["MessageAttributes"]["ERROR_CODE"].is_object();
    assert!(beside.letters.values().all(why), "why it was given up stays with it");
    assert!(beside.letters.contains_key("a") && !beside.letters.contains_key("b"));
}

#[test]
fn an_erasure_that_was_broken_off_is_finished_by_the_next_one() {
    let data = people();
    let (stub, beside) = stack(&data);
    beside.lock().unwrap().refuses = true;
    let line = format!("erase {ADDRESS} --json");
    on_aws(&data, &stub, &line).refused(1, &["AWS refuses s3:PutObject", "allow s3:PutObject on failed"]);
    let has_her = |beside: &Beside| {
        let letters = beside.letters.values().map(|(letter, _)| letter["Body"].to_string());
        letters
            .chain(beside.objects.values().cloned())
            .filter(|text| text.contains(CALLED) || text.contains(ADDRESS))
            .count()
    };
    assert!(has_her(&beside.lock().unwrap()) >= 2);
    let stated = |stub: &Stub| {
        let journal = on_aws(&data, stub, "journal --json").json();
        rows(&journal).iter().filter(|row| row["connection"] == "operator").count()
    };
    assert_eq!(stated(&stub), 1);

    let again = on_aws(&data, &stub, &line).json();
    assert_eq!(
        (&again["delivery"], &again["bodies"], &again["parts"]),
        (&Value::Null, &json!(0), &json!(0)),
        "{again:#}"
    );
    assert_eq!(stated(&stub), 1, "it is stated once");
    let held = beside.lock().unwrap();
    assert!(held.letters.values().all(|(letter, _)| !letter["Body"].to_string().contains(ADDRESS)));
    assert!(!held.objects[BATCH].contains(CALLED));
    drop(held);
    beside.lock().unwrap().letters.values_mut().for_each(|(_, hidden)| *hidden = false);
    let sent = |stub: &Stub| {
        stub.asked().iter().filter(|it| ["SendMessage", "PutItem"].contains(&it.operation.as_str())).count()
    };
    let before = sent(&stub);
    let third = on_aws(&data, &stub, &line).json();
    assert_eq!((&third["sent_rows"], sent(&stub)), (&json!(0), before), "and a third one finds nothing: {third:#}");
}
