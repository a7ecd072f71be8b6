"""Creates the stack from infra/template.yaml on a second engine, and compares what is there with what the template asks for."""

import json
import sys
import time

import expand
from engine import ARCHITECTURE

NAME = "barometer"
BUCKET = "packages"
FINISHED_WITHIN_S = 180

# What the second engine does not know, and where AWS says that there is such a thing.
UNKNOWN = {
    # "Create an alarm based on a metric math expression" (CloudWatch user guide): these alarms are left out.
    "Metrics",
}
# Receivers are called by their URLs first, which the engine makes as it is asked to; then it is given the API (`api.py`).
GIVEN = {**expand.GIVEN, "Architecture": ARCHITECTURE, "Ingress": "function-url"}
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
# Conditions that do not hold, by the ingress.
OFF = {"function-url": ("UsesApi", "MailsAlarms"), "http-api": ("UsesUrls", "MailsAlarms")}


def without_what_is_unknown(template):
    """The template less the alarms that only AWS can make."""
    known = {name: r for name, r in template["Resources"].items() if not UNKNOWN & r.get("Properties", {}).keys()}
    return {**template, "Resources": known}


def create(engine, template, packages):
    """Puts the packages where CloudFormation finds them and creates the stack; gives its resources by logical id."""
    store, stacks = engine.client("s3"), engine.client("cloudformation")
    store.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            name = resource["Properties"]["CodeUri"].rsplit("/", 1)[-1]
            store.put_object(Bucket=BUCKET, Key=name, Body=(packages / name).read_bytes())
            resource["Properties"]["CodeUri"] = f"s3://{BUCKET}/{name}"
    # It is larger than what may be sent along.
    store.put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(template))
    where = f"{engine.url}/{BUCKET}/template.json"
    stacks.create_stack(StackName=NAME, TemplateURL=where, Parameters=parameters(GIVEN), Capabilities=CAPABILITIES)
    return finished(stacks, "CREATE")


def with_ingress(engine, ingress):
    """Updates the stack to another ingress; gives its resources by logical id."""
    stacks, given = engine.client("cloudformation"), parameters({**GIVEN, "Ingress": ingress})
    stacks.update_stack(StackName=NAME, UsePreviousTemplate=True, Parameters=given, Capabilities=CAPABILITIES)
    return finished(stacks, "UPDATE")


def parameters(given):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]


def finished(stacks, work):
    """Waits until the stack is made or changed; gives its resources by logical id."""
    until = time.monotonic() + FINISHED_WITHIN_S
    while (status := stacks.describe_stacks(StackName=NAME)["Stacks"][0]["StackStatus"]) == f"{work}_IN_PROGRESS":
        if time.monotonic() > until:
            break
        time.sleep(0.5)
    if status != f"{work}_COMPLETE":
        for event in reversed(stacks.describe_stack_events(StackName=NAME)["StackEvents"]):
            if "FAILED" in event["ResourceStatus"]:
                print(event["LogicalResourceId"], event.get("ResourceStatusReason"), file=sys.stderr)
        sys.exit(f"the stack is {status}")
    listed = []
    for page in stacks.get_paginator("list_stack_resources").paginate(StackName=NAME):
        listed += page["StackResourceSummaries"]
    return {resource["LogicalResourceId"]: resource for resource in listed}


def created(expansion, there, ingress=GIVEN["Ingress"]):
    """Everything that the parameters ask for is there, and nothing that they do not."""
    off = {name for name, resource in expansion["Resources"].items() if resource.get("Condition") in OFF[ingress]}
    wanted = expansion["Resources"].keys() - off
    yield from (f"{name} was not created" for name in sorted(wanted - there.keys()))
    yield from (f"{name} was created unasked" for name in sorted(off & there.keys()))


def as_asked(engine, expansion, there):
    """What the engine says of what it made."""
    tables, functions, queues, events = map(engine.client, ("dynamodb", "lambda", "sqs", "events"))
    for name in ("Journal", "Accounts"):
        table = tables.describe_table(TableName=there[name]["PhysicalResourceId"])["Table"]
        if table.get("StreamSpecification", {}).get("StreamViewType") != "NEW_IMAGE":
            yield f"{name} has no stream"
        indexes = {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])}
        if indexes != ({"due", "pending", "portfolio"} if name == "Accounts" else set()):
            yield f"{name} has the indexes {indexes}"
    for name, resource in expansion["Resources"].items():
        properties = resource.get("Properties", {})
        physical = there.get(name, {}).get("PhysicalResourceId")
        if resource["Type"] == "AWS::Lambda::Function":
            made = functions.get_function_configuration(FunctionName=physical)
            variables = made.get("Environment", {}).get("Variables", {})
            if variables.keys() != properties["Environment"]["Variables"].keys():
                yield f"{name} has the environment {sorted(variables)}"
            if [made["Timeout"], made["Architectures"]] != [properties["Timeout"], [ARCHITECTURE]]:
                yield f"{name} has {made['Timeout']} s on {made['Architectures']}"
            secrets = properties["Environment"]["Variables"].get("BAROMETER_SECRETS", {}).get("Fn::Sub")
            if secrets and variables["BAROMETER_SECRETS"] != secrets.replace("${Name}", "barometer"):
                yield f"{name} looks for secrets in {variables['BAROMETER_SECRETS']}"
        if resource["Type"] == "AWS::SQS::Queue" and "RedrivePolicy" in properties:
            policy = queues.get_queue_attributes(QueueUrl=physical, AttributeNames=["All"])["Attributes"].get("RedrivePolicy", "{}")
            if int(json.loads(policy).get("maxReceiveCount", 0)) != properties["RedrivePolicy"]["maxReceiveCount"]:
                yield f"{name} has the redrive policy {policy}"
        if resource["Type"] == "AWS::Events::Rule":
            bus = {"EventBusName": "barometer"} if "EventBusName" in properties else {}
            rules = {rule["Name"] for rule in events.list_rules(**bus)["Rules"]}
            if physical.rsplit("|", 1)[-1] not in rules:
                yield f"{name} is not on its bus: {physical}, {rules}"
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    streams = [mapping["FunctionArn"] for mapping in mappings if ":dynamodb:" in mapping["EventSourceArn"]]
    wanted = sum(resource["Type"] == "AWS::Lambda::EventSourceMapping" for resource in expansion["Resources"].values())
    if [len(mappings), len(streams)] != [wanted, 3]:
        yield f"{len(mappings)} mappings, {len(streams)} of them of streams"
