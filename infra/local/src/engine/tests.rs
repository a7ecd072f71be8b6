use super::*;

fn stack() -> Stack {
    Stack::built_in().unwrap()
}

fn open(folder: &Path) -> Engine {
    Engine::open(&folder.join("tables.db"), &stack()).unwrap()
}

#[track_caller]
fn call(engine: &Engine, operation: &str, body: Value) -> Value {
    let answer = engine.call(operation, body.to_string().as_bytes());
    assert_eq!(answer.status(), 200, "{:?}", answer.body());
    serde_json::from_slice(answer.body()).unwrap()
}

fn put(engine: &Engine, sk: &str, value: &str) {
    let item = json!({"pk": {"S": "p"}, "sk": {"S": sk}, "value": {"S": value}, "list": {"L": [{"N": "1"}]}});
    call(engine, "PutItem", json!({"TableName": "Accounts", "Item": item}));
}

fn names(page: &Page) -> Vec<(&str, &str)> {
    let name = |record: &Record| {
        let sk = &record.event["dynamodb"]["Keys"]["sk"]["S"];
        (record.event["eventName"].as_str().unwrap().to_owned(), sk.as_str().unwrap().to_owned())
    };
    page.records.iter().map(name).map(|(a, b)| (&*a.leak(), &*b.leak())).collect()
}

#[test]
fn items_survive_a_restart_and_read_in_the_order_of_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    put(&engine, "b", "1");
    put(&engine, "a", "2");
    drop(engine);
    let items = open(folder.path()).dump("Accounts");
    assert_eq!(items.iter().map(|item| &item["sk"]["S"]).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(items[1]["value"]["S"], "1");
    assert!(open(folder.path()).dump("Nowhere").is_empty());
}

#[test]
fn every_operation_of_the_store_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let key = json!({"pk": {"S": "p"}, "sk": {"S": "a"}});
    put(&engine, "a", "1");
    assert_eq!(call(&engine, "GetItem", json!({"TableName": "Accounts", "Key": key}))["Item"]["value"]["S"], "1");
    let values = json!({":p": {"S": "p"}});
    let query =
        json!({"TableName": "Accounts", "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": values});
    assert_eq!(call(&engine, "Query", query)["Count"], 1);
    assert_eq!(call(&engine, "Scan", json!({"TableName": "Accounts"}))["Count"], 1);
    let update = json!({"TableName": "Accounts", "Key": key, "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValues": "ALL_NEW"});
    assert_eq!(call(&engine, "UpdateItem", update)["Attributes"]["n"]["N"], "1");
    let found = call(&engine, "BatchGetItem", json!({"RequestItems": {"Accounts": {"Keys": [key]}}}));
    assert_eq!(found["Responses"]["Accounts"].as_array().unwrap().len(), 1);
    let item = json!({"pk": {"S": "p"}, "sk": {"S": "b"}});
    call(&engine, "BatchWriteItem", json!({"RequestItems": {"Accounts": [{"PutRequest": {"Item": item}}]}}));
    let get = json!({"TransactItems": [{"Get": {"TableName": "Accounts", "Key": key}}]});
    assert_eq!(call(&engine, "TransactGetItems", get)["Responses"][0]["Item"]["sk"]["S"], "a");
    call(&engine, "DeleteItem", json!({"TableName": "Accounts", "Key": key}));
    assert_eq!(engine.dump("Accounts").len(), 1);
    let described = call(&engine, "DescribeTable", json!({"TableName": "Accounts"}));
    assert_eq!(described["Table"]["GlobalSecondaryIndexes"].as_array().unwrap().len(), 3);
}

#[test]
fn errors_are_answers_with_dynamodbs_names() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let check = |operation: &str, body: &str, kind: &str| {
        let answer = engine.call(operation, body.as_bytes());
        assert_eq!(answer.status(), 400, "{operation} {body}");
        let error: Value = serde_json::from_slice(answer.body()).unwrap();
        assert!(error["__type"].as_str().unwrap().ends_with(kind), "{operation} {body}: {error}");
    };
    check("Frobnicate", "{}", "#UnknownOperationException");
    check("PutItem", "not json", "#SerializationException");
    check("PutItem", r#"{"TableName": 7}"#, "#SerializationException");
    check("GetItem", r#"{"TableName": "Nowhere", "Key": {"pk": {"S": "x"}}}"#, "#ResourceNotFoundException");
    check("PutItem", r#"{"TableName": "Accounts", "Item": {"pk": {"S": "x"}}}"#, "#ValidationException");
    check("PutItem", r#"{"TableName": "Accounts", "Item": {"pk": {"S": "x"}, "sk": {}}}"#, "#ValidationException");
    put(&engine, "a", "1");
    let item = r#"{"TableName": "Accounts", "Item": {"pk": {"S": "p"}, "sk": {"S": "a"}},
        "ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}"#;
    check("PutItem", item, "#ConditionalCheckFailedException");
    let transaction = r#"{"TransactItems": [{"ConditionCheck": {"TableName": "Accounts",
        "Key": {"pk": {"S": "p"}, "sk": {"S": "z"}}, "ConditionExpression": "attribute_exists(pk)"}}]}"#;
    check("TransactWriteItems", transaction, "#TransactionCanceledException");
}

#[test]
fn the_stream_tells_each_change_once_in_order_in_lambdas_form() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    put(&engine, "a", "1");
    put(&engine, "b", "1");
    put(&engine, "a", "2");
    call(&engine, "DeleteItem", json!({"TableName": "Accounts", "Key": {"pk": {"S": "p"}, "sk": {"S": "b"}}}));
    let page = engine.records("Accounts", None, 100).unwrap();
    assert_eq!(names(&page), [("INSERT", "a"), ("INSERT", "b"), ("MODIFY", "a"), ("REMOVE", "b")]);
    let record: runtime::lambda::StreamRecord = serde_json::from_value(page.records[2].event.clone()).unwrap();
    assert_eq!(record.dynamodb.sequence_number, page.records[2].sequence.to_string());
    assert_eq!(record.dynamodb.sequence_number.len(), 21);
    assert!(record.dynamodb.old_image.is_none(), "the view is NEW_IMAGE");
    let image = serde_json::to_value(record.dynamodb.new_image.unwrap()).unwrap();
    assert_eq!((&image["value"]["S"], &image["list"]["L"][0]["N"]), (&json!("2"), &json!("1")));

    let rest = engine.records("Accounts", Some(page.records[1].sequence), 1).unwrap();
    assert_eq!(names(&rest), [("MODIFY", "a")]);
    assert_eq!(engine.records("Accounts", page.upto, 100).unwrap(), Page::default());
    assert_eq!(engine.records("Journal", None, 100).unwrap(), Page::default());
}

#[test]
fn a_write_that_changes_nothing_is_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    put(&engine, "a", "1");
    let first = engine.records("Accounts", None, 100).unwrap().upto;
    put(&engine, "a", "1");
    let page = engine.records("Accounts", first, 100).unwrap();
    assert!(page.records.is_empty() && page.upto > first, "read past it: {page:?}");
    put(&engine, "a", "2");
    assert_eq!(names(&engine.records("Accounts", page.upto, 100).unwrap()), [("MODIFY", "a")]);
}

#[test]
fn sequence_numbers_rise_over_trimming_and_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    (0..5).for_each(|n| put(&engine, "a", &n.to_string()));
    let upto = engine.records("Accounts", None, 100).unwrap().upto.unwrap();
    // Far ahead of the machine's clock, which is the engine's other source of numbers.
    let ahead = upto.0 + 1_000_000_000_000;
    let streams = Connection::open(folder.path().join("tables.db")).unwrap();
    streams
        .execute(
            "UPDATE _stream_records SET sequence_number = ?1 WHERE sequence_number = ?2",
            params![ahead.to_string(), upto.0.to_string()],
        )
        .unwrap();
    assert_eq!(engine.trim("Accounts", Sequence(ahead)).unwrap(), 4, "the newest stays");
    assert_eq!(engine.trim("Accounts", Sequence(ahead)).unwrap(), 0);
    drop(engine);
    let engine = open(folder.path());
    put(&engine, "a", "after");
    let page = engine.records("Accounts", Some(Sequence(ahead)), 100).unwrap();
    assert_eq!(page.records.len(), 1, "the new record comes after the trimmed ones");
    assert!(page.upto.unwrap() > Sequence(ahead));
    assert!(Sequence(9).to_string() < Sequence(10).to_string());
}

#[test]
fn trimming_one_table_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    put(&engine, "a", "1");
    put(&engine, "a", "2");
    for delivery in ["x", "y"] {
        call(&engine, "PutItem", json!({"TableName": "Journal", "Item": {"delivery": {"S": delivery}}}));
    }
    engine.trim("Accounts", Sequence(i64::MAX)).unwrap();
    assert_eq!(engine.records("Accounts", None, 9).unwrap().records.len(), 1);
    assert_eq!(engine.records("Journal", None, 9).unwrap().records.len(), 2);
}

#[test]
fn reading_and_numbering_the_stream_use_the_added_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let _engine = open(folder.path());
    let connection = Connection::open(folder.path().join("tables.db")).unwrap();
    let plan = |sql: &str| -> String {
        connection.query_row(&format!("EXPLAIN QUERY PLAN {sql}"), [], |row| row.get(3)).unwrap()
    };
    let next =
        "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 'A'";
    assert!(plan(next).contains("barometer_stream_order"), "{}", plan(next));
    let read = "SELECT event_name FROM _stream_records WHERE table_name = 'A' AND CAST(sequence_number AS INTEGER) > 1 \
                ORDER BY CAST(sequence_number AS INTEGER) LIMIT 10";
    assert!(plan(read).contains("barometer_stream_order"), "{}", plan(read));
}

#[test]
fn a_file_of_another_shape_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let refused = |change: fn(&mut Stack), part: &str| {
        let mut stack = stack();
        change(&mut stack);
        let error = Engine::open(&folder.path().join("tables.db"), &stack).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("another data folder"), "{error}");
    };
    refused(|stack| stack.tables[1].key.range = None, "table `Accounts`");
    refused(|stack| drop(stack.tables[1].indexes.pop()), "portfolio (book_shard:HASH, book_order:RANGE) KEYS_ONLY");
    refused(|stack| stack.tables[0].stream = None, "the template wants no stream");
}

#[test]
fn a_file_of_another_engine_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tables.db");
    drop(open(folder.path()));
    let connection = Connection::open(&file).unwrap();
    connection.execute_batch("ALTER TABLE _stream_records RENAME COLUMN keys_json TO keys_blob").unwrap();
    drop(connection);
    let error = Engine::open(&file, &stack()).unwrap_err().to_string();
    assert!(error.contains("lacks keys_json"), "{error}");
}

#[test]
fn writes_are_announced_and_reads_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let mut watch = engine.watch();
    put(&engine, "a", "1");
    assert!(watch.has_changed().unwrap());
    watch.mark_unchanged();
    call(&engine, "Scan", json!({"TableName": "Accounts"}));
    engine.call("PutItem", b"{}");
    assert!(!watch.has_changed().unwrap());
}
