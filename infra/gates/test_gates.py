"""Each gate refuses what it is there for: a template that is broken in one place gives the finding, and the real one none."""

import copy
import unittest
from dataclasses import replace

import alarms
import check
import cost
import expand
import permissions
import relations
import sources

SAM = expand.read(expand.TEMPLATE.read_text())
SNAPSHOT = permissions.SNAPSHOT.read_text()
ALARMS = alarms.SNAPSHOT.read_text()
SAID = sources.read()


def at(template, *path):
    for step in path:
        template = template[step]
    return template


def put(*path, value):
    """Breaks a template: `value` under `path`, counted from the resources; None takes it away."""

    def broken(template):
        holder = at(template["Resources"], *path[:-1])
        if value is None:
            del holder[path[-1]]
        else:
            holder[path[-1]] = value

    return broken


def gone(resource):
    return put(resource, value=None)


def of(resource, *path):
    return (resource, "Properties", *path)


def more_parameters(template):
    template["Parameters"]["Another"] = {"Type": "String"}


def together(one, other):
    """One alarm that looks at the queues of two."""

    def broken(template):
        properties = at(template, "Resources", one, "Properties")
        keys = ("Namespace", "MetricName", "Dimensions")
        both = [{key: at(template, "Resources", name, "Properties", key) for key in keys} for name in (one, other)]
        stats = [{"Id": f"m{n}", "MetricStat": {"Stat": "Maximum", "Period": 300, "Metric": m}} for n, m in enumerate(both)]
        for key in (*keys, "Statistic", "Period"):
            del properties[key]
        properties["Metrics"] = stats
        del template["Resources"][other]

    return broken


def longer(alarm):
    """An alarm that looks at the last two of its metrics twice."""

    def broken(template):
        metrics = at(template, "Resources", alarm, "Properties", "Metrics")
        metrics += [{**metric, "Id": f"{metric['Id']}2"} for metric in metrics[-2:]]

    return broken


LIVE, OTHERS = {"Fn::GetAtt": ["EmailNudgeQueue", "Arn"]}, {"Fn::GetAtt": ["EmailNudgeDeadLetters", "Arn"]}
LETTERS, REDRIVEN, FAILED = ("DeadLetterConfig", "Arn"), ("RedrivePolicy", "deadLetterTargetArn"), ("DestinationConfig", "OnFailure")
TICK = ("Events", "Tick", "Properties")
STREAM = ("Events", "Deliveries", "Properties")
DIMENSION = ("MetricStat", "Metric", "Dimensions", 0, "Value")
ROLE = ("Policies", 0, "PolicyDocument", "Statement")
TRUST = ("AssumeRolePolicyDocument", "Statement", 0)
STATEMENT = ("PolicyDocument", "Statement", 0)
# What is broken, and what must be said of it.
BROKEN = [
    (more_parameters, "9 parameters"),
    (more_parameters, "Another has no default"),
    (more_parameters, "Another takes any text"),
    (put("Journal", "DeletionPolicy", value="Delete"), "Journal is not retained"),
    (put("Journal", "DeletionPolicy", value="Retain"), "Journal is not retained, or also where making the stack failed"),
    (put("Failures", "UpdateReplacePolicy", value=None), "Failures is not retained"),
    (put(*of("Accounts", "SSESpecification"), value=None), "Accounts is not on demand and encrypted"),
    (put(*of("Accounts", "PointInTimeRecoverySpecification"), value=None), "Accounts cannot be restored"),
    (put(*of("Failures", "NotificationConfiguration"), value=None), "nobody hears of what comes into Failures"),
    (put(*of("Failures", "BucketEncryption"), value=None), "Failures is not private"),
    (put(*of("Failures", "LifecycleConfiguration", "Rules", 0, "Status"), value="Disabled"), "what is in Failures stays for ever"),
    (put(*of("CrmTaskQueue", "RedrivePolicy"), value=None), "queue CrmTaskQueue has no dead letters"),
    (put(*of("CrmTaskQueue", "VisibilityTimeout"), value=200), "hidden for 200 s, less than 6 x 50 s"),
    (put(*of("CrmTaskQueue", "SqsManagedSseEnabled"), value=False), "CrmTaskQueue is not encrypted"),
    (put(*of("MailEventDeadLetters", "MessageRetentionPeriod"), value=60), "forgotten before 14 days"),
    (put(*of("ClockDeadLetters", "MessageRetentionPeriod"), value=1209600), "keep their alarm on for 14 days"),
    (put(*of("CrmTaskQueue", *REDRIVEN), value=LIVE), "dead letters of queue CrmTaskQueue go to EmailNudgeQueue, which is no queue that nothing reads"),
    (put(*of("CrmTaskQueue", *REDRIVEN), value=OTHERS), "dead letters in EmailNudgeDeadLetters belong to CrmTaskQueue and EmailNudgeQueue"),
    (put(*of("SlackNoticeRule", "Targets", 0, *LETTERS), value=OTHERS), "dead letters in EmailNudgeDeadLetters belong to EmailNudgeQueue and SlackAlertQueue"),
    (put(*of("CrmTaskQueue", *REDRIVEN), value={"Ref": "Failures"}), "dead letters of queue CrmTaskQueue go to Failures"),
    (put(*of("SlackNoticeRule", "Targets", 0, *LETTERS), value=LIVE), "dead letters of rule SlackNoticeRule go to EmailNudgeQueue"),
    (put(*of("SlackNoticeRule", "Targets", 0, *LETTERS), value={"Fn::GetAtt": ["ClockDeadLetters", "Arn"]}), "in ClockDeadLetters are forgotten"),
    (put(*of("Clock", *TICK, *LETTERS), value=LIVE), "dead letters of schedule ClockTick go to EmailNudgeQueue"),
    (put(*of("Clock", "EventInvokeConfig", *FAILED), value={"Type": "SQS", "Destination": LIVE}), "dead letters of function Clock go to EmailNudgeQueue"),
    (gone("ClockLettersAlarm"), "nobody hears of dead letters in ClockDeadLetters"),
    (together("CrmTaskLettersAlarm", "EmailNudgeLettersAlarm"), "nobody hears of dead letters in EmailNudgeDeadLetters, by an alarm of its own"),
    (gone("QueuesLateAlarm"), "nobody hears when nothing reads FetchObjectQueue"),
    (put(*of("EmailNudgeRule", "Targets", 0, "DeadLetterConfig"), value=None), "a target of EmailNudgeRule has no dead letters"),
    (gone("SlackAlertQueuePolicy"), "rule SlackNoticeRule may not send to SlackAlertQueue"),
    (put(*of("Clock", *TICK, "DeadLetterConfig"), value=None), "has no dead letters and finite"),
    (put(*of("Clock", "EventInvokeConfig"), value=None), "loses what failed"),
    (put(*of("Clock", *TICK, "ScheduleExpression"), value="rate(1 hour)"), "each minute"),
    (put(*of("Normalize", *STREAM, "DestinationConfig"), value=None), "are lost"),
    (put(*of("Normalize", *STREAM, "MaximumRetryAttempts"), value=None), "blocks its shard"),
    (put(*of("Normalize", *STREAM, "FunctionResponseTypes"), value=None), "one failure fails the batch"),
    (put(*of("Normalize", *STREAM, "MaximumBatchingWindowInSeconds"), value=None), "NormalizeDeliveries: a batch is gathered for 0 s"),
    (put(*of("Normalize", *STREAM, "MaximumBatchingWindowInSeconds"), value=300), "NormalizeDeliveries: a batch is gathered for 300 s"),
    (put(*of("Normalize", *STREAM, "StartingPosition"), value="LATEST"), "not from the beginning"),
    (put(*of("Normalize", *STREAM, "Stream"), value={"Fn::GetAtt": ["Accounts", "StreamArn"]}), "one reader of the journal's"),
    (gone("StreamsLateAlarm"), "nobody hears when Health is late"),
    (put(*of("Health", "Timeout"), value=60), "Health: 8 s of the store < 60 s <= 30 s, as long as an API waits, does not hold"),
    (put(*of("MailEvent", "Timeout"), value=8), "MailEvent: 8 s of the store < 8 s"),
    (put(*of("Clock", "Timeout"), value=23), "Clock: 15 s of work and 8 s of the store do not end within 23 s"),
    (put(*of("FetchObject", "Events", "Requests", "Properties", "BatchSize"), value=3), "FetchObject: 3 x 1 calls of 10 s and 8 s of the store do not end within 30 s"),
    (put(*of("SlackAlert", "Timeout"), value=38), "SlackAlert: 1 x 3 calls of 10 s and 8 s of the store do not end within 38 s"),
    (put(*of("SlackAlert", "Timeout"), value=45), "SlackAlert: 45 s < a lease of 45 s < 240 s hidden does not hold"),
    (put(*of("SlackAlert", "Timeout"), value=39), "slack-alert says at its LEASE (10, 40, 45, 240); it is (10, 39, 45, 240)"),
    (put(*of("Health", "Architectures"), value=["arm64"]), "Health: the architecture is not the parameter's"),
    (put(*of("Health", "LoggingConfig"), value=None), "Health: no log group of its own"),
    (put(*of("Health", "ReservedConcurrentExecutions"), value=5), "Health reserves concurrency unasked"),
    (put(*of("Health", "Role"), value={"Fn::GetAtt": ["ClockRole", "Arn"]}), "ClockRole is the role of"),
    (put(*of("HealthLogs", "RetentionInDays"), value=None), "HealthLogs is kept for ever"),
    (gone("WorkerFaultsAlarm"), "Clock: nobody hears of Errors"),
    (gone("ReceiverThrottlesAlarm"), "WebhookCrm: nobody hears of Throttles"),
    (put(*of("WebhookCrm", "Events", "Hook", "Properties", "Path"), value="/crm"), "one route for each family"),
    (put(*of("WebhookCrm", "Events", "Hook", "Properties", "Method"), value="GET"), "something else than POST"),
    (put(*of("Api", "DefaultRouteSettings"), value=None), "not throttled"),
    (put(*of("Api", "AccessLogSettings", "Format"), value="$context.path"), "which can be secret"),
    (gone("WebhookSlackUrlInvoke"), "WebhookSlack: its function URL may not be called without"),
    (put("WebhookSlackUrl", "Condition", value=None), "WebhookSlackUrl is public unasked"),
    (gone("QuarantineAlarm"), "alarms and what the functions say differ"),
    (put(*of("ActionsFailedAlarm", "Metrics", 3, *DIMENSION), value="crm"), "ActionsFailed is looked at for"),
    (put(*of("SignatureFailuresAlarm", "Metrics", 3, *DIMENSION), value="crm"), "SignatureFailures is looked at for"),
    (put(*of("UnansweredAlarm", "Metrics", 3), value=None), "DeliveriesUnanswered is looked at for"),
    (put(*of("UrlErrorsAlarm", "Metrics", 3), value=None), "Url5xxCount is looked at for"),
    (gone("ServerErrorsAlarm"), "5xx is looked at for [], and should be for ['Api']"),
    (gone("ComplaintsAlarm"), "Reputation.ComplaintRate is looked at for []"),
    (put(*of("QuarantineAlarm", "OKActions"), value=[{"Ref": "Alarms"}]), "QuarantineAlarm says that it is over where it is not"),
    (put(*of("SilenceAlarm", "OKActions"), value=None), "SilenceAlarm says that it is over where it is not, or does not where it is"),
    (longer("WorkerFaultsAlarm"), "WorkerFaultsAlarm looks at 11 metrics; CloudWatch takes 10"),
    (put(*of("RemindersAlarm", "EvaluationPeriods"), value=8), "RemindersAlarm looks back for longer"),
    (put(*of("OverdueAlarm", "EvaluationPeriods"), value=300), "OverdueAlarm looks back for longer"),
    (put(*of("SilenceAlarm", "AlarmActions"), value=[]), "SilenceAlarm tells nobody"),
    (put(*of("UnpublishedAlarm", "Threshold"), value=150), "before the clock had its turn"),
    (put(*of("CrmTask", "Environment", "Variables", "BAROMETER_SECRETS"), value={"Fn::Sub": "/${Name}/crm"}), "CrmTask looks for secrets in"),
    (put(*of("SlackAlert", "Environment", "Variables", "BAROMETER_SECRETS"), value={"Fn::Sub": "/${Name}/slack"}), "WebhookSlack may read the secrets of SlackAlert"),
    (put(*of("FetchObject", "Environment", "Variables", "BAROMETER_SECRETS"), value={"Fn::Sub": "/${Name}/crm/fetch"}), "WebhookCrm may read the secrets of FetchObject"),
]
# What the sources say otherwise, and what must be said of the template then.
OTHERWISE = [
    ({"vendor_call": 12}, "email-nudge says at its LEASE"),
    ({"vendor_call": 12}, "CrmTask: 1 x 4 calls of 12 s and 8 s of the store do not end within 50 s"),
    ({"store": 25}, "FetchObject: 1 x 1 calls of 10 s and 25 s of the store do not end within 30 s"),
    ({"grace": 840}, "UnpublishedAlarm goes off before the clock had its turn"),
    ({"budget": 22}, "Clock: 22 s of work"),
    ({"metrics": {**SAID.metrics, "Quarantined": "Family"}}, "alarms and what the functions say differ"),
    ({"metrics": {**SAID.metrics, "Another": None}}, "alarms and what the functions say differ"),
    ({"families": SAID.families + ["phone"]}, "DeliveriesUnanswered is looked at for"),
    ({"kinds": SAID.kinds + ["letter"]}, "ActionsFailed is looked at for"),
    ({"acts": {**SAID.acts, "fetch-object": replace(SAID.acts["fetch-object"], calls=3)}}, "FetchObject: 1 x 3 calls"),
    ({"acts": {**SAID.acts, "crm-task": replace(SAID.acts["crm-task"], lease=50)}}, "CrmTask: 50 s < a lease of 50 s < 300 s hidden"),
    ({"acts": {**SAID.acts, "pager": SAID.acts["crm-task"]}}, "pager acts and is no function here"),
    ({"acts": {**SAID.acts, "normalize": SAID.acts["crm-task"]}}, "Normalize acts and reads no queue"),
]
# The same for permissions.
TOO_MUCH = [
    (put(*of("HealthRole", *ROLE, 1, "Resource"), value="*"), "a wider resource than needed: Health"),
    (put(*of("HealthRole", *ROLE, 1, "Action"), value="dynamodb:*"), "not action by action: Health"),
    (put(*of("HealthRole", "ManagedPolicyArns"), value=["arn:aws:iam::aws:policy/X"]), "not action by action: Health"),
    (put(*of("HealthRole", *ROLE, 1, "Action"), value="dynamodb:DeleteItem"), "not in permissions.txt: Health dynamodb:DeleteItem"),
    (put(*of("HealthRole", *ROLE, 1, "Action"), value="dynamodb:GetItem"), "only in permissions.txt: Health dynamodb:PutItem"),
    (put(*of("HealthRole", *ROLE, 1, "Effect"), value="Deny"), "not in permissions.txt: Health dynamodb:GetItem Accounts.Arn if Effect = Deny"),
    (put(*of("PublishRole", *ROLE, 2, "Condition"), value={"StringNotEquals": {"events:source": "barometer"}}), "if events:source StringNotEquals barometer"),
    (put(*of("HealthRole", *TRUST, "Principal"), value={"AWS": "*"}), "anybody may: AWS:* sts:AssumeRole HealthRole"),
    (put(*of("HealthRole", *TRUST, "Principal"), value={"AWS": "123456789012"}), "not in permissions.txt: AWS:123456789012 sts:AssumeRole HealthRole"),
    (put(*of("ClockScheduleRole", *TRUST, "Condition"), value=None), "not in permissions.txt: scheduler.amazonaws.com sts:AssumeRole ClockScheduleRole"),
    (put(*of("CrmTaskQueuePolicy", *STATEMENT, "Principal"), value="*"), "anybody may: * sqs:SendMessage CrmTaskQueue.Arn if aws:SourceArn = CrmTaskRule.Arn"),
    (put(*of("CrmTaskQueuePolicy", *STATEMENT, "Action"), value="sqs:ReceiveMessage"), "not in permissions.txt: events.amazonaws.com sqs:ReceiveMessage CrmTaskQueue.Arn"),
    (put(*of("CrmTaskQueuePolicy", *STATEMENT, "Condition"), value=None), "not in permissions.txt: events.amazonaws.com sqs:SendMessage CrmTaskQueue.Arn"),
    (put(*of("AlarmsPolicy", *STATEMENT, "Principal"), value={"AWS": "*"}), "anybody may: AWS:* sns:Publish Alarms"),
    (put(*of("AlarmsPolicy", *STATEMENT, "Principal"), value={"Service": "cloudwatch.amazonaws.com"}), "only in permissions.txt: s3.amazonaws.com sns:Publish Alarms"),
    (put(*of("AlarmsPolicy", *STATEMENT, "Resource"), value="*"), "a wider resource than needed: cloudwatch.amazonaws.com sns:Publish *"),
    (put(*of("CrmTaskQueuePolicy", "Queues", 0), value={"Ref": "EmailNudgeQueue"}), "only in permissions.txt: events.amazonaws.com sqs:SendMessage CrmTaskQueue.Arn"),
    (put(*of("WebhookCrmUrlInvoke", "InvokedViaFunctionUrl"), value=None), "anybody may: * lambda:InvokeFunction WebhookCrm where UsesUrls"),
    (put(*of("WebhookCrmUrl", "TargetFunctionArn"), value={"Fn::GetAtt": ["Clock", "Arn"]}), "WebhookCrmUrl lambda:InvokeFunctionUrl Clock.Arn"),
    (put(*of("WebhookCrmUrl", "AuthType"), value="AWS_IAM"), "WebhookCrmUrl lambda:InvokeFunctionUrl WebhookCrm.Arn if AuthType = AWS_IAM"),
    (put("FailuresPolicy", value={"Type": "AWS::S3::BucketPolicy"}), "FailuresPolicy: what it permits is not read here"),
    (put("Operator", value={"Type": "AWS::IAM::User"}), "Operator: what it permits is not read here"),
    (put(*of("Journal", "ResourcePolicy"), value={}), "Journal: what it permits is not read here"),
]
# An alarm that is there and would not be heard, or for nothing.
DEAF = [
    (put(*of("CrmTaskLettersAlarm", "ComparisonOperator"), value="LessThanThreshold"), "not in alarms.txt: CrmTaskLettersAlarm goes off when it < 1 in"),
    (put(*of("CrmTaskLettersAlarm", "Threshold"), value=1000), "only in alarms.txt: CrmTaskLettersAlarm goes off when it >= 1 in"),
    (put(*of("CrmTaskLettersAlarm", "Statistic"), value="Minimum"), "CrmTaskLettersAlarm: it is the Minimum of"),
    (put(*of("OverdueAlarm", "Unit"), value="Bytes"), "3 of 3 periods, one without data is notBreaching, Unit = Bytes"),
    (put(*of("OverdueAlarm", "EvaluationPeriods"), value=250), "in 250 of 250 periods"),
    (put(*of("OverdueAlarm", "ActionsEnabled"), value=False), ", ActionsEnabled = False"),
    (put("OverdueAlarm", "Condition", value="UsesUrls"), "OverdueAlarm goes off when it >= 900 in 3 of 3 periods, one without data is notBreaching, where UsesUrls"),
    (put(*of("RemindersAlarm", "DatapointsToAlarm"), value=None), "RemindersAlarm goes off when all >= 1 in 7 of 7 periods"),
    (put(*of("UnpublishedAlarm", "TreatMissingData"), value="notBreaching"), "UnpublishedAlarm goes off when it >= 900 in 3 of 3 periods, one without data is notB"),
    (put(*of("StreamsLateAlarm", "Threshold"), value=3e9), "StreamsLateAlarm goes off when all >= 3000000000.0"),
    (put(*of("StreamsLateAlarm", "Metrics", 0, "Expression"), value="MIN(METRICS())"), "StreamsLateAlarm: all is MIN(METRICS())"),
    (put(*of("StreamsLateAlarm", "Metrics", 1, "MetricStat", "Stat"), value="Minimum"), "StreamsLateAlarm: normalize is the Minimum of"),
    (put(*of("StreamsLateAlarm", "Metrics", 1, "MetricStat", "Unit"), value="Seconds"), "FunctionName = Normalize, Unit = Seconds"),
]


def broken(breaks):
    template = copy.deepcopy(SAM)
    breaks(template)
    return expand.expand(template)


class Gates(unittest.TestCase):
    maxDiff = None

    def test_every_relation_is_seen_to_fail(self):
        for breaks, said in BROKEN:
            with self.subTest(said):
                found = relations.findings(broken(breaks))
                self.assertTrue(any(said in finding for finding in found), found)

    def test_what_the_sources_say_otherwise_is_seen(self):
        template = expand.expand(SAM)
        self.assertEqual(relations.findings(template), [])
        for otherwise, said in OTHERWISE:
            with self.subTest(said):
                found = relations.findings(template, replace(SAID, **otherwise))
                self.assertTrue(any(said in finding for finding in found), found)

    def test_what_is_not_found_in_the_sources_is_no_comparison(self):
        self.assertEqual((SAID.vendor_call, SAID.store, SAID.acts["slack-alert"].calls), (10, 8, 3))
        self.assertLessEqual({"fetch", "event", "crm_update"}, set(SAID.kinds))
        self.assertEqual((SAID.metrics["SignatureFailures"], SAID.metrics["SourcesSilent"]), ("Family", None))
        for text in ("const LEASE: u64 = 45;", "a = 1; a = 1;"):
            with self.assertRaisesRegex(ValueError, "lib.rs should have one"):
                sources.one(r"a = (\d)", text, "lib.rs")

    def test_every_permission_too_many_is_seen(self):
        for breaks, said in TOO_MUCH:
            with self.subTest(said):
                found = list(permissions.findings(broken(breaks), SNAPSHOT))
                self.assertTrue(any(said in finding for finding in found), found)

    def test_every_alarm_that_would_not_be_heard_is_seen(self):
        for breaks, said in DEAF:
            with self.subTest(said):
                found = list(alarms.findings(broken(breaks), ALARMS))
                self.assertTrue(any(said in finding for finding in found), found)

    def test_what_it_costs_is_counted_anew(self):
        template = expand.expand(SAM)
        page = cost.table(template)
        self.assertEqual(list(cost.findings(template, page)), [])
        del template["Resources"]["SlackAlertQueue"]
        self.assertIn(f"| {4 * 657_000:,} | 1.05 |", next(cost.findings(template, page)))

    def test_the_linter_sees_what_it_is_there_for(self):
        template = expand.expand(SAM)
        at(template, "Resources", "NormalizeDeliveries", "Properties")["StartingPosition"] = "TRIM_HORZON"
        at(template, "Resources", "Health", "Properties", "Environment", "Variables")["WHERE"] = {"Fn::GetAtt": ["Gone", "Arn"]}
        del at(template, "Resources", "CrmTaskRule", "Properties", "Targets")[0]["DeadLetterConfig"]
        self.assertLessEqual({"E1010", "E3031", "ES4000"}, {rule for rule, _ in check.lint(template)})


if __name__ == "__main__":
    unittest.main()
