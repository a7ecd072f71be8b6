"""Who may do what on what: read from the expanded template, compared with `permissions.txt`, which people read.

The journeys of `tests` hold every call of every function against that list.
"""

import re
from pathlib import Path

import snapshots
from relations import Stack, listed, named
from snapshots import text

SNAPSHOT = Path(__file__).with_name("permissions.txt")
HEAD = "Who may do what on what: function, role or service, action, resource"
# Resources with a `*`, each with the reason why AWS has none narrower.
WIDE = {
    "${Failures.Arn}/*": "Lambda names the objects itself",
    "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*": "in the sandbox SES asks for the reader's as well",
    "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/*": "its name stands in email.toml",
}
# What anybody may do: call a function by its URL, which takes both.
PUBLIC = (" if FunctionUrlAuthType = NONE where UsesUrls", " if InvokedViaFunctionUrl = True where UsesUrls")
# What else permissions could stand in, by type or as a property.
GRANTING, GRANTED_IN = re.compile(r"^AWS::IAM::|Permission$|Policy$"), {"Policy", "ResourcePolicy"}


def lines(template):
    """One line for each action on each resource of whoever may do it, sorted."""
    stack, found = Stack(template), set()
    users = {named(function["Role"]): name for name, function in stack.functions().items()}
    for name, resource in stack.resources.items():
        where = f" where {resource['Condition']}" if "Condition" in resource else ""
        read = READ.get(resource["Type"], lambda *_: ())
        found.update(line + where for line in read(name, resource.get("Properties", {}), users))
    return sorted(found)


def of_role(role, properties, users):
    """What a role may do, and who may take it on."""
    who = users.get(role, role)
    for managed in properties.get("ManagedPolicyArns", []):
        yield f"{who} everything of {text(managed)}"
    for policy in properties.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            for resource in listed(statement["Resource"]):
                yield from may([who], statement, text(resource))
    for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
        yield from may(principals(statement["Principal"]), statement, role)


def of_policy(_name, properties, _users):
    """Who may do something to a queue or topic. What a policy says of one that it is not on, does nothing."""
    for target in properties.get("Queues") or properties["Topics"]:
        for statement in properties["PolicyDocument"]["Statement"]:
            for resource in listed(statement["Resource"]):
                if named(resource) == named(target) or "*" in text(resource):
                    yield from may(principals(statement["Principal"]), statement, text(resource))


def of_permission(_name, properties, _users):
    limits = sorted(properties.keys() - {"Action", "FunctionName", "Principal"})
    limit = "".join(f" if {key} = {text(properties[key])}" for key in limits)
    yield f"{text(properties['Principal'])} {properties['Action']} {text(properties['FunctionName'])}{limit}"


def of_url(name, properties, _users):
    """A URL calls its function for whom it takes."""
    yield f"{name} lambda:InvokeFunctionUrl {text(properties['TargetFunctionArn'])} if AuthType = {properties['AuthType']}"


# Where permissions stand.
READ = {
    "AWS::IAM::Role": of_role,
    "AWS::SQS::QueuePolicy": of_policy,
    "AWS::SNS::TopicPolicy": of_policy,
    "AWS::Lambda::Permission": of_permission,
    "AWS::Lambda::Url": of_url,
}


def may(who, statement, resource):
    limit = "" if statement["Effect"] == "Allow" else f" if Effect = {statement['Effect']}"
    for test, values in statement.get("Condition", {}).items():
        sign = "=" if test in ("StringEquals", "ArnEquals") else test
        limit += "".join(f" if {key} {sign} {' or '.join(map(text, listed(value)))}" for key, value in values.items())
    for one in who:
        yield from (f"{one} {action} {resource}{limit}" for action in listed(statement["Action"]))


def principals(principal):
    """Services by their names, others with their kind."""
    if not isinstance(principal, dict):
        return [principal]
    return [text(one) if kind == "Service" else f"{kind}:{text(one)}" for kind, ones in principal.items() for one in listed(ones)]


def too_wide(all_lines):
    for line in all_lines:
        who, action, resource = line.split(" ")[:3]
        if "*" in action or action == "everything":
            yield f"not action by action: {line}"
        elif "*" in resource and resource not in WIDE:
            yield f"a wider resource than needed: {line}"
        elif "*" in who and not line.endswith(PUBLIC):
            yield f"anybody may: {line}"


def unread(template):
    for name, resource in template["Resources"].items():
        kind, properties = resource["Type"], resource.get("Properties", {})
        if kind not in READ and GRANTING.search(kind) or GRANTED_IN & properties.keys():
            yield f"{name}: what it permits is not read here"


def findings(template, snapshot):
    found = lines(template)
    yield from too_wide(found)
    yield from unread(template)
    yield from snapshots.differences(SNAPSHOT, found, snapshot)
