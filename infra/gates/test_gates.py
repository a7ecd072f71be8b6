"""Each gate refuses what it is there for: a template that is broken in one place gives the finding, and the real one none."""

import copy
import unittest

import check
import cost
import expand
import permissions
import relations

SAM = expand.read(expand.TEMPLATE.read_text())
SNAPSHOT = permissions.SNAPSHOT.read_text()


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


STREAM = ("Events", "Deliveries", "Properties")
ROLE = ("Policies", 0, "PolicyDocument", "Statement")
# What is broken, and what must be said of it.
BROKEN = [
    (more_parameters, "9 parameters"),
    (more_parameters, "Another has no default"),
    (more_parameters, "Another takes any text"),
    (put("Journal", "DeletionPolicy", value="Delete"), "Journal is not retained"),
    (put(*of("Accounts", "SSESpecification"), value=None), "Accounts is not on demand and encrypted"),
    (put(*of("Accounts", "PointInTimeRecoverySpecification"), value=None), "Accounts cannot be restored"),
    (put(*of("Failures", "NotificationConfiguration"), value=None), "nobody hears of what comes into Failures"),
    (put(*of("Failures", "BucketEncryption"), value=None), "Failures is not private"),
    (put(*of("CrmTaskQueue", "RedrivePolicy"), value=None), "queue CrmTaskQueue has no dead letters"),
    (put(*of("CrmTaskQueue", "VisibilityTimeout"), value=200), "hidden for 200 s, less than 6 x 40 s"),
    (put(*of("CrmTaskQueue", "SqsManagedSseEnabled"), value=False), "CrmTaskQueue is not encrypted"),
    (put(*of("MailEventDeadLetters", "MessageRetentionPeriod"), value=60), "forgotten before 14 days"),
    (gone("DeadLettersAlarm"), "nobody hears of dead letters in ClockDeadLetters"),
    (put(*of("EmailNudgeRule", "Targets", 0, "DeadLetterConfig"), value=None), "a target of EmailNudgeRule has no dead letters"),
    (gone("SlackAlertQueuePolicy"), "rule SlackNoticeRule may not send to SlackAlertQueue"),
    (put(*of("Clock", "Events", "Tick", "Properties", "DeadLetterConfig"), value=None), "has no dead letters and finite"),
    (put(*of("Clock", "EventInvokeConfig"), value=None), "loses what failed"),
    (put(*of("Clock", "Events", "Tick", "Properties", "ScheduleExpression"), value="rate(1 hour)"), "each minute"),
    (put(*of("Normalize", *STREAM, "DestinationConfig"), value=None), "are lost"),
    (put(*of("Normalize", *STREAM, "MaximumRetryAttempts"), value=None), "blocks its shard"),
    (put(*of("Normalize", *STREAM, "FunctionResponseTypes"), value=None), "one failure fails the batch"),
    (put(*of("Normalize", *STREAM, "StartingPosition"), value="LATEST"), "not from the beginning"),
    (put(*of("Normalize", *STREAM, "Stream"), value={"Fn::GetAtt": ["Accounts", "StreamArn"]}), "one reader of the journal's"),
    (gone("StreamsLateAlarm"), "nobody hears when Health is late"),
    (put(*of("Health", "Timeout"), value=60), "Health: a call of 10 s < Timeout < a lease of 45 s does not hold"),
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
    (put(*of("SilenceAlarm", "AlarmActions"), value=[]), "SilenceAlarm tells nobody"),
    (put(*of("UnpublishedAlarm", "Threshold"), value=150), "before the clock had its turn"),
    (put(*of("CrmTask", "Environment", "Variables", "BAROMETER_SECRETS"), value={"Fn::Sub": "/${Name}/crm"}), "CrmTask looks for secrets in"),
    (put(*of("SlackAlert", "Environment", "Variables", "BAROMETER_SECRETS"), value={"Fn::Sub": "/${Name}/slack"}), "WebhookSlack may read the secrets of SlackAlert"),
    (put(*of("FetchObject", "Environment", "Variables", "BAROMETER_SECRETS"), value={"Fn::Sub": "/${Name}/crm/fetch"}), "WebhookCrm may read the secrets of FetchObject"),
]
# The same for permissions.
TOO_MUCH = [
    (put(*of("HealthRole", *ROLE, 1, "Resource"), value="*"), "a wider resource than needed: Health"),
    (put(*of("HealthRole", *ROLE, 1, "Action"), value="dynamodb:*"), "not action by action: Health"),
    (put(*of("HealthRole", "ManagedPolicyArns"), value=["arn:aws:iam::aws:policy/X"]), "not action by action: Health"),
    (put(*of("HealthRole", *ROLE, 1, "Action"), value="dynamodb:DeleteItem"), "not in permissions.txt: Health dynamodb:DeleteItem"),
    (put(*of("HealthRole", *ROLE, 1, "Action"), value="dynamodb:GetItem"), "only in permissions.txt: Health dynamodb:PutItem"),
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

    def test_every_permission_too_many_is_seen(self):
        for breaks, said in TOO_MUCH:
            with self.subTest(said):
                found = list(permissions.findings(broken(breaks), SNAPSHOT))
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
