"""What must hold between the resources of the expanded template. Each check yields findings; none is good."""

import re

# Seconds, in the order in which they must grow: `Seam::network`, the functions' Timeout, LEASE of those who act.
VENDOR_CALL = 10
LEASE = 45
# An event left over is published by the clock after GRACE of the store; later than that by far is an alarm.
GRACE = 120
FAMILIES = ["billing", "crm", "feedback", "slack", "survey", "ticketing", "usage"]
# What the functions say of themselves, in the namespace Barometer; the first names have the dimension beside them.
METRICS = {
    "SignatureFailures": "Family",
    "DeliveriesUnanswered": "Family",
    "ActionsFailed": "Kind",
    "Quarantined": None,
    "OldestUnpublishedSeconds": None,
    "SourcesSilent": None,
    "RemindersDue": None,
    "RemindersSent": None,
}


class Stack:
    """The expansion, by type."""

    def __init__(self, template):
        self.template = template
        self.resources = template["Resources"]

    def of(self, kind):
        """Logical id -> properties."""
        return {name: r.get("Properties", {}) for name, r in self.resources.items() if r["Type"] == kind}

    def functions(self):
        return self.of("AWS::Lambda::Function")

    def mappings(self):
        return self.of("AWS::Lambda::EventSourceMapping")

    def measured(self):
        """(namespace, metric, dimension's name, dimension's value) of every alarm."""
        for alarm in self.of("AWS::CloudWatch::Alarm").values():
            single = [alarm] if "MetricName" in alarm else []
            for metric in single + [m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m]:
                for dimension in metric.get("Dimensions") or [{"Name": None, "Value": None}]:
                    yield metric["Namespace"], metric["MetricName"], dimension["Name"], named(dimension["Value"])


def named(value):
    """The logical id that a reference names; other values as they are."""
    if isinstance(value, dict):
        if "Ref" in value:
            return value["Ref"]
        if "Fn::GetAtt" in value:
            return value["Fn::GetAtt"][0]
    return value


def listed(value):
    return value if isinstance(value, list) else [value]


def parameters(stack):
    all_of_them = stack.template["Parameters"]
    if len(all_of_them) > 8:
        yield f"{len(all_of_them)} parameters are more than anybody reads; 8 are the most"
    for name, parameter in all_of_them.items():
        if "Default" not in parameter and name != "SenderAddress":
            yield f"parameter {name} has no default"
        if parameter["Type"] == "String" and not {"AllowedPattern", "AllowedValues"} & parameter.keys():
            yield f"parameter {name} takes any text"


def tables_and_buckets(stack):
    for name, resource in stack.resources.items():
        kind, properties = resource["Type"], resource.get("Properties", {})
        if kind not in ("AWS::DynamoDB::Table", "AWS::S3::Bucket"):
            continue
        if {resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")} != {"Retain"}:
            yield f"{name} is not retained"
        if kind == "AWS::S3::Bucket":
            if set(properties.get("PublicAccessBlockConfiguration", {}).values()) != {True} or "BucketEncryption" not in properties:
                yield f"{name} is not private and encrypted"
            if not properties.get("NotificationConfiguration", {}).get("TopicConfigurations"):
                yield f"nobody hears of what comes into {name}"
            continue
        if properties.get("BillingMode") != "PAY_PER_REQUEST" or not properties.get("SSESpecification", {}).get("SSEEnabled"):
            yield f"{name} is not on demand and encrypted"
        if not properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
            yield f"{name} cannot be restored to a moment"


def queues(stack):
    queues_, read = stack.of("AWS::SQS::Queue"), {named(m["EventSourceArn"]) for m in stack.mappings().values()}
    dead = {named(q["RedrivePolicy"]["deadLetterTargetArn"]) for q in queues_.values() if "RedrivePolicy" in q}
    alarmed = {value for _, metric, _, value in stack.measured() if metric == "ApproximateNumberOfMessagesVisible"}
    for name, queue in queues_.items():
        if not queue.get("SqsManagedSseEnabled"):
            yield f"queue {name} is not encrypted"
        if name in read:
            if "RedrivePolicy" not in queue:
                yield f"queue {name} has no dead letters"
            continue
        # Nothing reads it, so it holds dead letters.
        if name not in alarmed:
            yield f"nobody hears of dead letters in {name}"
        if queue.get("MessageRetentionPeriod") != 1_209_600:
            yield f"dead letters in {name} are forgotten before 14 days"
    for name in sorted(dead - queues_.keys()):
        yield f"dead letters go to {name}, which is no queue here"


def rules_and_schedules(stack):
    policies = stack.of("AWS::SQS::QueuePolicy").values()
    for name, rule in stack.of("AWS::Events::Rule").items():
        for target in rule["Targets"]:
            dead = named(target.get("DeadLetterConfig", {}).get("Arn"))
            if dead is None:
                yield f"a target of {name} has no dead letters"
            for queue in {named(target["Arn"]), dead} - {None}:
                if not any(_may_send(policy, queue, name) for policy in policies):
                    yield f"rule {name} may not send to {queue}"
    for name, schedule in stack.of("AWS::Scheduler::Schedule").items():
        target = schedule["Target"]
        if "DeadLetterConfig" not in target or "RetryPolicy" not in target:
            yield f"schedule {name} has no dead letters and finite retries"
        asynchronous = stack.of("AWS::Lambda::EventInvokeConfig").values()
        function = named(target["Arn"])
        if not any(named(c["FunctionName"]) == function and "OnFailure" in c.get("DestinationConfig", {}) for c in asynchronous):
            yield f"{function}, which schedule {name} calls, loses what failed"
        if not schedule.get("ScheduleExpression") == "rate(1 minute)":
            yield f"schedule {name} does not run each minute, as the alarms take for granted"


def _may_send(policy, queue, rule):
    for statement in policy["PolicyDocument"]["Statement"]:
        sources = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn", [])
        if queue in map(named, listed(statement["Resource"])) and rule in map(named, listed(sources)):
            return statement["Action"] == "sqs:SendMessage" and queue in map(named, policy["Queues"])
    return False


def mappings(stack):
    functions, queues_ = stack.functions(), stack.of("AWS::SQS::Queue")
    readers = {"Journal": [], "Accounts": []}
    for name, mapping in stack.mappings().items():
        source, function = named(mapping["EventSourceArn"]), named(mapping["FunctionName"])
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{name}: one failure fails the batch"
        if source in queues_:
            visible, timeout = queues_[source].get("VisibilityTimeout", 30), functions[function]["Timeout"]
            if visible < 6 * timeout:
                yield f"{name}: messages are hidden for {visible} s, less than 6 x {timeout} s"
            continue
        readers.setdefault(source, []).append(function)
        bucket = named(mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))
        if bucket not in stack.of("AWS::S3::Bucket"):
            yield f"{name}: batches that fail to the end are lost"
        if not 0 <= mapping.get("MaximumRetryAttempts", -1) <= 100 or not mapping.get("BisectBatchOnFunctionError"):
            yield f"{name}: one bad record blocks its shard"
        if mapping.get("StartingPosition") != "TRIM_HORIZON" or not mapping.get("FilterCriteria"):
            yield f"{name}: not from the beginning, or everything"
        if ("AWS/Lambda", "IteratorAge", "FunctionName", function) not in stack.measured():
            yield f"nobody hears when {function} is late"
    if [len(readers["Journal"]), len(readers["Accounts"])] != [1, 2] or len(readers) != 2:
        yield f"one reader of the journal's stream and two of the accounts', the most a shard serves; found {readers}"


def functions(stack):
    groups, alarms, roles = stack.of("AWS::Logs::LogGroup"), set(stack.measured()), {}
    for name, function in stack.functions().items():
        if function.get("Architectures") != [{"Ref": "Architecture"}]:
            yield f"{name}: the architecture is not the parameter's"
        if [function.get("Runtime"), function.get("Handler")] != ["provided.al2023", "bootstrap"]:
            yield f"{name}: not a bootstrap on al2023"
        logging = function.get("LoggingConfig", {})
        if logging.get("LogFormat") != "JSON" or named(logging.get("LogGroup")) not in groups:
            yield f"{name}: no log group of its own, as JSON"
        if not VENDOR_CALL < function.get("Timeout", 3) < LEASE:
            yield f"{name}: a call of {VENDOR_CALL} s < Timeout < a lease of {LEASE} s does not hold"
        if isinstance(function.get("ReservedConcurrentExecutions"), int):
            yield f"{name} reserves concurrency unasked; a small account has none"
        roles.setdefault(named(function["Role"]), []).append(name)
        for metric in ("Errors", "Throttles"):
            if ("AWS/Lambda", metric, "FunctionName", name) not in alarms:
                yield f"{name}: nobody hears of {metric}"
    for role, users in roles.items():
        if len(users) > 1:
            yield f"{role} is the role of {', '.join(users)}"
    for name, group in groups.items():
        if group.get("RetentionInDays") != {"Ref": "LogRetentionDays"}:
            yield f"{name} is kept for ever"


def ingress(stack):
    routes = {}
    for api in stack.of("AWS::ApiGatewayV2::Api").values():
        routes.update(api["Body"]["paths"])
    if sorted(routes) != [f"/hooks/{family}/{{connection}}" for family in FAMILIES]:
        yield f"one route for each family; found {sorted(routes)}"
    if any(list(methods) != ["post"] for methods in routes.values()):
        yield "a route takes something else than POST"
    for name, stage in stack.of("AWS::ApiGatewayV2::Stage").items():
        if not {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= stage.get("DefaultRouteSettings", {}).keys():
            yield f"{name}: routes are not throttled"
        form = stage.get("AccessLogSettings", {}).get("Format", "$context.path")
        if re.search(r"\$context\.(path|authorizer|http)", form):
            yield f"{name}: no access log, or one with paths, which can be secret"
    receivers = {n for n, f in stack.functions().items() if "FAMILY" in f["Environment"]["Variables"]}
    permissions = stack.of("AWS::Lambda::Permission")
    for name in sorted(receivers):
        for asked in ({"FunctionUrlAuthType": "NONE", "Action": "lambda:InvokeFunctionUrl"}, {"InvokedViaFunctionUrl": True, "Action": "lambda:InvokeFunction"}):
            if not any(named(p["FunctionName"]) == name and asked.items() <= p.items() for p in permissions.values()):
                yield f"{name}: its function URL may not be called without {asked}"
    for name, resource in stack.resources.items():
        public = resource["Type"] == "AWS::Lambda::Url" or resource.get("Properties", {}).get("Principal") == "*"
        if public and resource.get("Condition") != "UsesUrls":
            yield f"{name} is public unasked"


def alarms(stack):
    found = {(metric, dimension) for space, metric, dimension, _ in stack.measured() if space == "Barometer"}
    if found != set(METRICS.items()):
        yield f"alarms and what the functions say differ: {sorted(map(str, found ^ set(METRICS.items())))}"
    families = sorted(v for space, metric, _, v in stack.measured() if metric == "SignatureFailures")
    if families != FAMILIES:
        yield f"forged requests are seen for {families} only"
    for name, alarm in stack.of("AWS::CloudWatch::Alarm").items():
        if [named(action) for action in alarm.get("AlarmActions", [])] != ["Alarms"] or not alarm.get("AlarmDescription"):
            yield f"{name} tells nobody, or not what it is"
        if alarm.get("MetricName") == "OldestUnpublishedSeconds" and alarm["Threshold"] <= GRACE + 60:
            yield f"{name} goes off before the clock had its turn"


def secrets(stack):
    roles, paths = stack.of("AWS::IAM::Role"), {}
    for name, function in stack.functions().items():
        path = function["Environment"]["Variables"].get("BAROMETER_SECRETS", {}).get("Fn::Sub")
        statements = roles[named(function["Role"])]["Policies"][0]["PolicyDocument"]["Statement"]
        readable = [s["Resource"]["Fn::Sub"].split(":parameter")[1] for s in statements if s["Action"] == "ssm:GetParametersByPath"]
        if readable != ([path] if path else []):
            yield f"{name} looks for secrets in {path} and may read {readable}"
        if path:
            paths[name] = path + "/"
    # Whoever may read a path may read what is below it.
    for name, path in paths.items():
        yield from (f"{name} may read the secrets of {other}" for other, below in paths.items() if other != name and below.startswith(path))


ALL = [parameters, tables_and_buckets, queues, rules_and_schedules, mappings, functions, ingress, alarms, secrets]


def findings(template):
    stack = Stack(template)
    return [finding for check in ALL for finding in check(stack)]
