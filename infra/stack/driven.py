"""What can be seen of the stack on a second engine while it works: its tables, queues, bus, mail and processes."""

import json
import time
import urllib.request

from boto3.dynamodb.types import TypeDeserializer

# Nothing changed for so long: longer than the engine waits before it tries a batch again, and a function takes to start.
REST_S = 4
RESTS_WITHIN_S = 120


def plain(value):
    """An item as JSON would have it."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value))
    if hasattr(value, "as_integer_ratio"):
        return int(value) if value == int(value) else str(value)
    return value if isinstance(value, (str, bool, type(None))) else bytes(value).hex()


class Driven:
    def __init__(self, engine, there):
        self.engine, self.there = engine, there
        self.tables, self.queues, self.functions = map(engine.client, ("dynamodb", "sqs", "lambda"))
        kinds = {name: resource["ResourceType"] for name, resource in there.items()}
        self.queue_urls = {name: self.physical(name) for name, kind in kinds.items() if kind == "AWS::SQS::Queue"}
        self.tap = self._tapped()

    def physical(self, name):
        return self.there[name]["PhysicalResourceId"]

    def _tapped(self):
        """A queue of our own that gets everything on the bus."""
        url = self.queues.create_queue(QueueName="tap")["QueueUrl"]
        arn = self.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events = self.engine.client("events")
        events.put_rule(Name="tap", EventBusName="barometer", EventPattern=json.dumps({"source": ["barometer"]}))
        events.put_targets(Rule="tap", EventBusName="barometer", Targets=[{"Id": "tap", "Arn": arn}])
        return url

    def items(self, table):
        """Every item of the table `Journal` or `Accounts`, plain."""
        pages = self.tables.get_paginator("scan").paginate(TableName=self.physical(table), ConsistentRead=True)
        deserialize = TypeDeserializer().deserialize
        return [plain({key: deserialize(value) for key, value in item.items()}) for page in pages for item in page["Items"]]

    def rows(self, pk="", sk=""):
        """The items of the accounts table whose keys begin like this."""
        return [item for item in self.items("Accounts") if item["pk"].startswith(pk) and item["sk"].startswith(sk)]

    def waiting(self):
        """How many messages each queue holds, seen or not, by its name in the template."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = {}
        for name, url in self.queue_urls.items():
            count = self.queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            found[name] = sum(int(count[each]) for each in names)
        return {name: count for name, count in found.items() if count}

    def rest(self):
        """Waits until nothing happens any more."""
        until, seen, since = time.monotonic() + RESTS_WITHIN_S, None, time.monotonic()
        while time.monotonic() < until:
            waits = {name: count for name, count in self.waiting().items() if "DeadLetters" not in name}
            now = None if waits else [self.items("Journal"), self.items("Accounts")]
            if now is None or now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > REST_S:
                return
            time.sleep(0.3)
        raise SystemExit(f"the stack does not come to rest; queues hold {self.waiting()}")

    def on_the_bus(self):
        """What the bus carried since the last look."""
        found = []
        while messages := self.queues.receive_message(QueueUrl=self.tap, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.queues.delete_message(QueueUrl=self.tap, ReceiptHandle=message["ReceiptHandle"])
        return found

    def put(self, queue, event):
        """An event as EventBridge puts it into a queue."""
        self.queues.send_message(QueueUrl=self.queue_urls[queue], MessageBody=json.dumps(event))

    def mails(self):
        """The mails that the engine's SES took."""
        with urllib.request.urlopen(f"{self.engine.url}/_ministack/ses/messages", timeout=10) as answer:
            return [mail for mails in json.load(answer)["messages"].values() for mail in mails]

    def tick(self):
        """The clock's minute, as EventBridge Scheduler calls it: with the moment of the run in the place that `Input` names."""
        event = {"scheduled_at": time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime())}
        called = self.functions.invoke(FunctionName=self.physical("Clock"), Payload=json.dumps(event).encode())
        answer = json.loads(called["Payload"].read())
        if "FunctionError" in called:
            raise SystemExit(f"the clock fails: {answer}")
        return answer
