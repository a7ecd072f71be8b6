use super::*;

/// A small template that is understood; `{extra}` is where a test breaks it.
const SMALL: &str = "\
Transform: AWS::Serverless-2016-10-31
Resources:
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: small } }
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
      StreamSpecification: { StreamViewType: NEW_IMAGE }
  Plain:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
  Bucket: { Type: AWS::S3::Bucket }
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../target/package/worker.zip
";

#[track_caller]
fn refused(extra: &str, line_of: &str, message: &str) {
    let text = format!("{SMALL}{extra}");
    let error = Stack::read("t.yaml", &text).unwrap_err();
    let line = text.lines().position(|line| line.contains(line_of)).unwrap() + 1;
    let found = error.problems.iter().any(|problem| problem.line == line && problem.message.contains(message));
    assert!(found, "expected `{message}` at line {line}, found:\n{error}");
}

fn event(kind: &str, properties: &str) -> String {
    format!("      Events:\n        It:\n          Type: {kind}\n          Properties:\n{}", indent(properties, 12))
}

fn indent(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

const STREAM: &str = "Stream: !GetAtt Things.StreamArn\nStartingPosition: TRIM_HORIZON\nMaximumRetryAttempts: 3\n";

#[test]
fn the_small_template_is_understood() {
    let stack = Stack::read("t.yaml", &format!("{SMALL}{}", event("DynamoDB", STREAM))).unwrap();
    let mapping = &stack.functions[0].streams[0];
    assert_eq!((mapping.batch_size, mapping.max_retries, mapping.bisect), (100, 3, false));
    assert!(!mapping.partial_failures && mapping.filters.is_empty() && mapping.on_failure.is_none());
    assert_eq!(stack.functions[0].timeout_s, 3, "Lambda's default");
}

#[test]
fn what_is_unknown_is_refused_with_its_line() {
    refused("  X:\n    Type: AWS::SQS::Quux\n", "AWS::SQS::Quux", "no meaning on a laptop yet");
    refused("      Layers: [a]\n", "Layers", "`Layers` of function `Worker` is not understood");
    refused("    Condition: IsProd\n", "Condition", "`Condition` of resource `Worker`");
    refused("Mappings: { A: true }\n", "Mappings", "`Mappings` of the template");
    refused(&event("Kinesis", "Stream: x\n"), "Kinesis", "an event of type `Kinesis`");
    refused(&event("DynamoDB", &format!("{STREAM}TumblingWindowInSeconds: 5\n")), "Tumbling", "not understood");
    refused(&event("SQS", "Queue: !GetAtt Q.Arn\nFilterCriteria: {}\n"), "FilterCriteria", "not understood");
    refused("  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      FifoQueue: true\n", "FifoQueue", "not understood");
}

#[test]
fn what_dangles_is_refused_with_its_line() {
    refused("      Environment: { Variables: { T: !Ref Thingz } }\n", "Thingz", "no resource or parameter `Thingz`");
    refused("Outputs: { A: { Value: !Sub 'x/${Nope}' } }\n", "Nope", "no resource or parameter `Nope`");
    refused("      Policies: [!GetAtt Gone.Arn]\n", "Gone", "no resource or parameter `Gone`");
    refused("      Policies: [!ImportValue Shared]\n", "ImportValue", "`!ImportValue` is not understood");
    refused("      Role: !If [IsProd, a, b]\n", "IsProd", "there is no condition `IsProd`");
    refused("  T:\n    Type: AWS::SNS::Topic\n    Condition: IsProd\n", "IsProd", "there is no condition `IsProd`");
    let wrong_kind = STREAM.replace("Things.StreamArn", "Bucket.Arn");
    refused(
        &event("DynamoDB", &wrong_kind),
        "Bucket.Arn",
        "`Bucket` is AWS::S3::Bucket; expected AWS::DynamoDB::Table",
    );
    let no_stream = STREAM.replace("Things", "Plain");
    refused(&event("DynamoDB", &no_stream), "Plain.StreamArn", "table `Plain` has no stream");
}

#[test]
fn what_depends_on_parameters_is_passed_over_where_only_aws_needs_it() {
    let head = "Parameters: { Way: { Type: String }, Name: { Type: String, Default: given } }\n\
                Conditions: { IsProd: !Not [!Equals [!Ref Way, '']] }\n";
    let text =
        SMALL.replace("Name: small", "Name: !Ref Name") + "      Role: !If [IsProd, !Ref Way, !Ref AWS::NoValue]\n";
    let topic = "  T:\n    Type: AWS::SNS::Topic\n    Condition: IsProd\n    Properties: { TopicName: !Ref Way }\n";
    assert_eq!(Stack::read("t.yaml", &format!("{head}{text}{topic}")).unwrap().bus, "given");
    // Where it would be read, it has no value here.
    for (value, message) in [("!Ref Way", "has no `Default`"), ("!If [IsProd, a, b]", "`!If` is not understood")] {
        let used = format!("{head}{text}      Environment: {{ Variables: {{ V: {value} }} }}\n");
        let error = Stack::read("t.yaml", &used).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn what_would_behave_otherwise_on_aws_is_refused() {
    refused(&event("DynamoDB", &STREAM.replace("TRIM_HORIZON", "LATEST")), "LATEST", "read from TRIM_HORIZON");
    refused(
        &event("DynamoDB", &STREAM.replace("Maximum", "# ")),
        "Stream: !GetAtt",
        "`MaximumRetryAttempts` is missing",
    );
    let filter = "FilterCriteria:\n  Filters:\n    - Pattern: '{\"a\": [{\"numeric\": [\">\", 1]}]}'\n";
    refused(&event("DynamoDB", &format!("{STREAM}{filter}")), "numeric", "the operator `numeric` is not understood");
    let filter = "FilterCriteria:\n  Filters:\n    - Pattern: '{a'\n";
    refused(&event("DynamoDB", &format!("{STREAM}{filter}")), "'{a'", "the pattern is not JSON");
    let answer = "FunctionResponseTypes: [ReportBatchItemFailure]\n";
    refused(&event("DynamoDB", &format!("{STREAM}{answer}")), "ReportBatchItemFailure", "is no kind of answer");
    refused(&event("ScheduleV2", "ScheduleExpression: rate(1 minutes)\nInput: '{}'\n"), "rate", "not understood");
    refused(&event("ScheduleV2", "ScheduleExpression: cron(0 9 * * ? *)\nInput: '{}'\n"), "cron", "not understood");
    refused(&event("ScheduleV2", "ScheduleExpression: rate(1 day)\n"), "ScheduleExpression", "`Input` is missing");
    let input = "ScheduleExpression: rate(1 day)\nInput: '\"<aws.scheduler.execution-id>\"'\n";
    refused(&event("ScheduleV2", input), "execution-id", "placeholders");
    let rule = "EventBusName: !Ref Bus\nState: DISABLED\nEventPattern: { source: [a] }\nTargets: []\n";
    let rule = format!("  R:\n    Type: AWS::Events::Rule\n    Properties:\n{}", indent(rule, 6));
    refused(&rule, "DISABLED", "ENABLED");
    refused("  Bus2: { Type: AWS::Events::EventBus, Properties: { Name: b } }\n", "  Bus:", "exactly one event bus");
}

#[test]
fn everything_wrong_is_reported_at_once_in_the_order_of_the_file() {
    let text = format!("{SMALL}      Layers: []\n      Timeout: soon\n");
    let error = Stack::read("t.yaml", &text).unwrap_err();
    assert_eq!(error.problems.len(), 2, "{error}");
    assert!(error.problems[0].line < error.problems[1].line);
    assert!(error.to_string().starts_with("t.yaml:20: "), "{error}");
}

#[test]
fn text_that_is_not_yaml_is_refused_with_its_line() {
    let error = Stack::read("t.yaml", "A: 1\nB: [\n").unwrap_err();
    assert!(error.problems[0].message.starts_with("not YAML"), "{error}");
    assert!(error.problems[0].line >= 2, "{error}");
}

fn built_in() -> Stack {
    Stack::built_in().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_family_has_its_route_and_one_crate_serves_them() {
    let stack = built_in();
    for family in model::Family::WEBHOOKS {
        let (function, _) = stack.route("POST", &format!("/hooks/{family}/acme")).unwrap();
        assert_eq!(function.crate_name, "webhook");
        assert_eq!(function.environment["FAMILY"], family.as_str());
        assert_eq!(function.environment["BAROMETER_JOURNAL_TABLE"], "Journal");
    }
    assert_eq!(stack.route("GET", "/hooks/crm/acme").unwrap_err(), ["POST"]);
    assert!(stack.route("POST", "/hooks/crm").unwrap_err().is_empty());
    assert!(stack.route("POST", "/hooks/crm/").unwrap_err().is_empty());
    assert!(stack.route("POST", "/hooks/crm/acme/more").unwrap_err().is_empty());
    assert!(stack.route("POST", "/hooks/erp/acme").unwrap_err().is_empty());
}

#[test]
fn the_journal_has_one_stream_consumer_and_the_accounts_two() {
    let stack = built_in();
    let consumers = |table: &str| {
        let feeds = |function: &&Function| function.streams.iter().any(|mapping| mapping.table == table);
        stack.functions.iter().filter(feeds).map(|function| function.logical_id.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(consumers("Journal"), ["Normalize"]);
    assert_eq!(consumers("Accounts"), ["Health", "Publish"]);
}

#[test]
fn every_stream_mapping_fails_safely() {
    for mapping in built_in().functions.iter().flat_map(|function| &function.streams) {
        assert_eq!((mapping.batch_size, mapping.max_retries), (100, 10));
        assert!(mapping.bisect && mapping.partial_failures);
        assert_eq!(mapping.on_failure.as_deref(), Some("Failures"));
        assert_eq!(mapping.filters.len(), 1);
    }
}

#[test]
fn stream_filters_take_what_their_function_is_for() {
    let stack = built_in();
    let takes = |function: &str, kind: &str, sk: &str| {
        let record = serde_json::json!({"eventName": kind, "dynamodb": {"Keys": {"pk": {"S": "p"}, "sk": {"S": sk}}}});
        stack.function(function).unwrap().streams[0].filters[0].matches(&record)
    };
    assert!(takes("Health", "INSERT", "FACT#PROFILE") && takes("Health", "MODIFY", "FACT#TICK"));
    assert!(!takes("Health", "REMOVE", "FACT#PROFILE") && !takes("Health", "MODIFY", "ASSESSMENT"));
    assert!(takes("Publish", "INSERT", "EVENT#1"));
    assert!(!takes("Publish", "MODIFY", "EVENT#1") && !takes("Publish", "INSERT", "FACT#PROFILE"));
}

#[test]
fn each_action_goes_to_its_queue_and_nothing_else_does() {
    let stack = built_in();
    assert_eq!(stack.rules.len(), 6);
    let event = |kind: &str, data: &str| serde_json::json!({"source": "barometer", "detail-type": kind, "detail": {"data": {"kind": data}}});
    let queues = |event: &serde_json::Value| {
        let takes = stack.rules.iter().filter(|rule| rule.pattern.matches(event));
        takes.map(|rule| rule.target_queue.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(queues(&event("action.requested", "slack_alert")), ["SlackAlertQueue"]);
    assert_eq!(queues(&event("action.requested", "crm_task")), ["CrmTaskQueue"]);
    assert_eq!(queues(&event("action.requested", "crm_update")), ["CrmTaskQueue"]);
    assert_eq!(queues(&event("action.requested", "email_nudge")), ["EmailNudgeQueue"]);
    let of_ses =
        |kind: &str| serde_json::json!({"source": "aws.ses", "detail-type": "any", "detail": {"eventType": kind}});
    assert_eq!([queues(&of_ses("Bounce")), queues(&of_ses("Open"))], [vec!["MailEventQueue"], vec![]]);
    let on_default = stack.rules.iter().filter(|rule| rule.is_on_default_bus).map(|rule| rule.name.as_str());
    assert_eq!(on_default.collect::<Vec<_>>(), ["MailEventRule"]);
    assert_eq!(queues(&event("notice.requested", "")), ["SlackAlertQueue"]);
    assert_eq!(queues(&event("object.fetch_requested", "")), ["FetchObjectQueue"]);
    assert!(queues(&event("action.requested", "of_no_kind")).is_empty());
    assert!(queues(&event("action.completed", "slack_alert")).is_empty());
}

#[test]
fn a_fetch_reads_and_writes_both_tables_and_a_batch_of_them_ends_in_time() {
    let stack = built_in();
    let fetch = stack.function("FetchObject").unwrap();
    assert_eq!(fetch.crate_name, "fetch-object");
    assert_eq!(fetch.environment["BAROMETER_JOURNAL_TABLE"], "Journal");
    assert_eq!(fetch.environment["BAROMETER_ACCOUNTS_TABLE"], "Accounts");
    let [mapping] = fetch.queues.as_slice() else { panic!("{:?}", fetch.queues) };
    assert!(mapping.partial_failures);
    assert!(mapping.batch_size as u64 * 10 < fetch.timeout_s, "each call can take ten seconds");
    let queue = stack.queue(&mapping.queue).unwrap();
    assert_eq!(queue.dead_letters.as_deref(), Some("FetchObjectDeadLetters"));
    // An import of five thousand objects at fifty calls in ten seconds.
    assert!(queue.max_receive_count.unwrap() >= 5_000 / 50);
}

#[test]
fn each_duration_is_shorter_than_the_next() {
    let stack = built_in();
    for function in &stack.functions {
        assert!(function.timeout_s > 10, "{}: longer than a vendor call", function.logical_id);
        for mapping in &function.queues {
            let queue = stack.queue(&mapping.queue).unwrap();
            assert!(queue.visibility_s >= 6 * function.timeout_s, "{}", queue.logical_id);
            assert!(queue.max_receive_count.is_some() && queue.dead_letters.is_some(), "{}", queue.logical_id);
        }
    }
}

#[test]
fn tables_and_indexes_are_as_the_store_expects() {
    let stack = built_in();
    let accounts = stack.table("Accounts").unwrap();
    let names = |key: &Key| (key.hash.name.clone(), key.range.as_ref().map(|range| range.name.clone()));
    assert_eq!(names(&accounts.key), ("pk".into(), Some("sk".into())));
    let indexes: Vec<_> = accounts.indexes.iter().map(|index| (index.name.as_str(), names(&index.key))).collect();
    assert_eq!(
        indexes,
        [
            ("due", ("due_shard".into(), Some("next_due_at".into()))),
            ("pending", ("pending_shard".into(), Some("pending_at".into()))),
            ("portfolio", ("book_shard".into(), Some("book_order".into()))),
        ]
    );
    assert_eq!(names(&stack.table("Journal").unwrap().key), ("delivery".into(), None));
    for table in &stack.tables {
        assert_eq!((table.ttl.as_deref(), table.stream), (Some("expires_at"), Some(StreamView::NewImage)));
    }
    assert_eq!(stack.bus, "barometer");
    assert_eq!(stack.function("Publish").unwrap().environment["BAROMETER_BUS"], "barometer");
    assert_eq!(stack.function("Clock").unwrap().schedules[0].every_s, 60);
}
