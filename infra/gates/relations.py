"""What must hold between the resources of the expanded template. Each check yields findings; none is good."""

import re

import sources

# Counted for graphs only: that deliveries come in is no alarm, and that none do is `SourcesSilent`.
UNWATCHED = "DeliveriesAccepted"
# What the alarms on these tell of does not pass by itself, so they do not say that it is over.
LASTING = {"Quarantined", "ActionsFailed", "RemindersDue", "RemindersSent"}
# What an API waits for a function ("Quotas for configuring and running an HTTP API", API Gateway).
INTEGRATION = 30
# Of one alarm, in CloudWatch: metrics, and seconds that it looks back; the latter where a period is shorter than an hour.
MOST_METRICS, MOST_SECONDS, MOST_SECONDS_SHORT = 10, 604_800, 86_400
DAY = 86_400
# How long a stream gathers a batch, in seconds. Some, so that a burst is few calls; not long, as a delivery passes three streams
# before anybody is told of it, and `barometer doctor` waits half a minute for the first.
WINDOW = range(1, 6)


class Stack:
    """The expansion, by type."""

    def __init__(self, template, says=None):
        self.template = template
        # What the sources say.
        self.says = says or sources.read()
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
            for metric, _ in watched(alarm):
                for dimension in metric.get("Dimensions") or [{"Name": None, "Value": None}]:
                    yield metric["Namespace"], metric["MetricName"], dimension["Name"], named(dimension["Value"])

    def values(self, metric):
        """What of a metric the alarms look at, by the value of its dimension."""
        return sorted(value for _, name, _, value in self.measured() if name == metric)

    def crate(self, function):
        """The folder that a function is built from."""
        return self.functions()[function]["Code"]["S3Key"].removesuffix(".zip")

    def receivers(self):
        return {name for name, function in self.functions().items() if "FAMILY" in function["Environment"]["Variables"]}


def named(value):
    """The logical id that a reference names; other values as they are."""
    if isinstance(value, dict):
        if "Ref" in value:
            return value["Ref"]
        if "Fn::GetAtt" in value:
            return value["Fn::GetAtt"][0]
    return value


def watched(alarm):
    """The metrics of an alarm, each with its period."""
    single = [(alarm, alarm["Period"])] if "MetricName" in alarm else []
    stats = [metric["MetricStat"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric]
    return single + [(stat["Metric"], stat["Period"]) for stat in stats]


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
        if [resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")] != ["RetainExceptOnCreate", "Retain"]:
            yield f"{name} is not retained, or also where making the stack failed"
        if kind == "AWS::S3::Bucket":
            if set(properties.get("PublicAccessBlockConfiguration", {}).values()) != {True} or "BucketEncryption" not in properties:
                yield f"{name} is not private and encrypted"
            if not properties.get("NotificationConfiguration", {}).get("TopicConfigurations"):
                yield f"nobody hears of what comes into {name}"
            rules = properties.get("LifecycleConfiguration", {}).get("Rules", [])
            if not any(rule["Status"] == "Enabled" and "ExpirationInDays" in rule and "Prefix" not in rule for rule in rules):
                yield f"what is in {name} stays for ever, people's data too"
            continue
        if properties.get("BillingMode") != "PAY_PER_REQUEST" or not properties.get("SSESpecification", {}).get("SSEEnabled"):
            yield f"{name} is not on demand and encrypted"
        if not properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
            yield f"{name} cannot be restored to a moment"


def dead_letters(stack):
    """(whose, the queue that they go back to, where they are) of all that has dead letters; some go back nowhere."""
    for name, queue in stack.of("AWS::SQS::Queue").items():
        if "RedrivePolicy" in queue:
            yield f"queue {name}", name, named(queue["RedrivePolicy"]["deadLetterTargetArn"])
    targets = [(f"rule {name}", named(target["Arn"]), target) for name, rule in stack.of("AWS::Events::Rule").items() for target in rule["Targets"]]
    targets += [(f"schedule {name}", None, schedule["Target"]) for name, schedule in stack.of("AWS::Scheduler::Schedule").items()]
    for whose, back, target in targets:
        if "DeadLetterConfig" in target:
            yield whose, back, named(target["DeadLetterConfig"]["Arn"])
    for config in stack.of("AWS::Lambda::EventInvokeConfig").values():
        if "OnFailure" in config.get("DestinationConfig", {}):
            yield f"function {named(config['FunctionName'])}", None, named(config["DestinationConfig"]["OnFailure"]["Destination"])


def queues(stack):
    queues_, read = stack.of("AWS::SQS::Queue"), {named(m["EventSourceArn"]) for m in stack.mappings().values()}
    alone = set()
    for alarm in stack.of("AWS::CloudWatch::Alarm").values():
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible":
            alone |= {named(dimension["Value"]) for dimension in alarm["Dimensions"]}
    back = {}
    for whose, to, where in dead_letters(stack):
        if where in read or where not in queues_:
            yield f"dead letters of {whose} go to {where}, which is no queue that nothing reads"
        if to:
            back.setdefault(where, set()).add(to)
    for where, to in back.items():
        if len(to) > 1:
            yield f"dead letters in {where} belong to {' and '.join(sorted(to))}, and go back to one"
    for name, queue in queues_.items():
        if not queue.get("SqsManagedSseEnabled"):
            yield f"queue {name} is not encrypted"
        if name in read:
            if "RedrivePolicy" not in queue:
                yield f"queue {name} has no dead letters"
            if name not in stack.values("ApproximateAgeOfOldestMessage"):
                yield f"nobody hears when nothing reads {name}"
            continue
        # Nothing reads it, so it holds dead letters. They stay, and an alarm that is on already tells of no others.
        if name not in alone:
            yield f"nobody hears of dead letters in {name}, by an alarm of its own"
        kept = queue.get("MessageRetentionPeriod", 4 * DAY)
        if name in back and kept != 14 * DAY:
            yield f"dead letters in {name} are forgotten before 14 days"
        if name not in back and kept > DAY:
            yield f"letters in {name} go back nowhere, and keep their alarm on for {kept // DAY} days"


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
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        if window not in WINDOW:
            yield f"{name}: a batch is gathered for {window} s, not for {WINDOW[0]} to {WINDOW[-1]} s"
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


def durations(stack):
    """Each step ends before another may begin, however slow what it calls is."""
    says, queues_ = stack.says, stack.of("AWS::SQS::Queue")
    for name, function in stack.functions().items():
        timeout, crate = function.get("Timeout", 3), stack.crate(name)
        acts = says.acts.get(crate)
        mappings_ = [m for m in stack.mappings().values() if named(m["FunctionName"]) == name]
        reads = [(m, queues_[named(m["EventSourceArn"])]) for m in mappings_ if named(m["EventSourceArn"]) in queues_]
        if crate == "clock" and says.budget + says.store >= timeout:
            yield f"{name}: {says.budget} s of work and {says.store} s of the store do not end within {timeout} s"
        if acts is None:
            # It calls the store, the bus and the secrets only.
            if not says.store < timeout <= INTEGRATION:
                yield f"{name}: {says.store} s of the store < {timeout} s <= {INTEGRATION} s, as long as an API waits, does not hold"
            continue
        for mapping, queue in reads:
            batch, hidden = mapping.get("BatchSize", 10), queue.get("VisibilityTimeout", 30)
            worst = batch * acts.calls * says.vendor_call + says.store
            if worst >= timeout:
                yield f"{name}: {batch} x {acts.calls} calls of {says.vendor_call} s and {says.store} s of the store do not end within {timeout} s"
            if not timeout < acts.lease < hidden:
                yield f"{name}: {timeout} s < a lease of {acts.lease} s < {hidden} s hidden does not hold"
            if acts.said != (says.vendor_call, timeout, acts.lease, hidden):
                yield f"{crate} says at its LEASE {acts.said}; it is {(says.vendor_call, timeout, acts.lease, hidden)}"
        if not reads:
            yield f"{name} acts and reads no queue"
    for crate in sorted(says.acts.keys() - {stack.crate(name) for name in stack.functions()}):
        yield f"{crate} acts and is no function here"


def ingress(stack):
    routes = {}
    for api in stack.of("AWS::ApiGatewayV2::Api").values():
        routes.update(api["Body"]["paths"])
    if sorted(routes) != [f"/hooks/{family}/{{connection}}" for family in stack.says.families]:
        yield f"one route for each family; found {sorted(routes)}"
    if any(list(methods) != ["post"] for methods in routes.values()):
        yield "a route takes something else than POST"
    for name, stage in stack.of("AWS::ApiGatewayV2::Stage").items():
        if not {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= stage.get("DefaultRouteSettings", {}).keys():
            yield f"{name}: routes are not throttled"
        form = stage.get("AccessLogSettings", {}).get("Format", "$context.path")
        if re.search(r"\$context\.(path|authorizer|http)", form):
            yield f"{name}: no access log, or one with paths, which can be secret"
    permissions = stack.of("AWS::Lambda::Permission")
    for name in sorted(stack.receivers()):
        for asked in ({"FunctionUrlAuthType": "NONE", "Action": "lambda:InvokeFunctionUrl"}, {"InvokedViaFunctionUrl": True, "Action": "lambda:InvokeFunction"}):
            if not any(named(p["FunctionName"]) == name and asked.items() <= p.items() for p in permissions.values()):
                yield f"{name}: its function URL may not be called without {asked}"
    for name, resource in stack.resources.items():
        public = resource["Type"] == "AWS::Lambda::Url" or resource.get("Properties", {}).get("Principal") == "*"
        if public and resource.get("Condition") != "UsesUrls":
            yield f"{name} is public unasked"


def alarms(stack):
    says = stack.says
    measured = list(stack.measured())
    found = {(metric, dimension) for space, metric, dimension, _ in measured if space == "Barometer"}
    said = {(name, dimension) for name, dimension in says.metrics.items() if name != UNWATCHED}
    if found != said:
        yield f"alarms and what the functions say differ: {sorted(map(str, found ^ said))}"
    by = {"Family": says.families, "Kind": says.kinds}
    wanted = {name: by[dimension] for name, dimension in said if dimension}
    wanted |= {"Url5xxCount": sorted(stack.receivers()), "5xx": sorted(stack.of("AWS::ApiGatewayV2::Api"))}
    wanted |= {f"Reputation.{rate}Rate": [None] for rate in ("Bounce", "Complaint")}
    for metric, values in sorted(wanted.items()):
        if stack.values(metric) != values:
            yield f"{metric} is looked at for {stack.values(metric)}, and should be for {values}"
    for name, alarm in stack.of("AWS::CloudWatch::Alarm").items():
        metrics = {metric["MetricName"] for metric, _ in watched(alarm)}
        if [named(action) for action in alarm.get("AlarmActions", [])] != ["Alarms"] or not alarm.get("AlarmDescription"):
            yield f"{name} tells nobody, or not what it is"
        if bool(metrics & LASTING) == bool(alarm.get("OKActions")):
            yield f"{name} says that it is over where it is not, or does not where it is"
        if metrics == {"OldestUnpublishedSeconds"} and alarm["Threshold"] <= says.grace + 60:
            yield f"{name} goes off before the clock had its turn"
        longest = max(period for _, period in watched(alarm))
        if len(watched(alarm)) > MOST_METRICS:
            yield f"{name} looks at {len(watched(alarm))} metrics; CloudWatch takes {MOST_METRICS}"
        if longest * alarm["EvaluationPeriods"] > (MOST_SECONDS if longest >= 3_600 else MOST_SECONDS_SHORT):
            yield f"{name} looks back for longer than CloudWatch does"


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


ALL = [parameters, tables_and_buckets, queues, rules_and_schedules, mappings, functions, durations, ingress, alarms, secrets]


def findings(template, says=None):
    stack = Stack(template, says)
    return [finding for check in ALL for finding in check(stack)]
