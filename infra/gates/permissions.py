"""Who may do what on what: read from the expanded template, compared with `permissions.txt`, which people read."""

import re
from pathlib import Path

from relations import Stack, listed, named

SNAPSHOT = Path(__file__).with_name("permissions.txt")
CALLS = Path(__file__).resolve().parents[2] / "tests/tests/journeys/kill_points.trace"
# Resources with a `*`, each with the reason why AWS has none narrower.
WIDE = {
    "${Failures.Arn}/*": "Lambda names the objects itself",
    "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*": "in the sandbox SES asks for the reader's as well",
    "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/*": "its name stands in email.toml",
}


def lines(template):
    """One line for each action on each resource of each role, sorted."""
    stack, found = Stack(template), set()
    users = {named(function["Role"]): name for name, function in stack.functions().items()}
    for role, properties in stack.of("AWS::IAM::Role").items():
        who = users.get(role, role)
        for managed in properties.get("ManagedPolicyArns", []):
            found.add(f"{who} everything of {text(managed)}")
        for policy in properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                for action in listed(statement["Action"]):
                    for resource in listed(statement["Resource"]):
                        limit = "".join(f" if {key} = {text(value)}" for test in statement.get("Condition", {}).values() for key, value in test.items())
                        found.add(f"{who} {action} {text(resource)}{limit}")
    return sorted(found)


def text(value):
    if isinstance(value, dict):
        if "Fn::GetAtt" in value:
            return ".".join(value["Fn::GetAtt"])
        return value.get("Ref") or value.get("Fn::Sub") or str(value)
    return str(value)


def too_wide(all_lines):
    for line in all_lines:
        resource = line.split(" ")[2]
        if "*" in line.split(" ")[1] or line.split(" ")[1] == "everything":
            yield f"not action by action: {line}"
        elif "*" in resource and resource not in WIDE:
            yield f"a wider resource than needed: {line}"


def refused_calls(all_lines, calls):
    """Calls that the journeys were seen to make and that AWS would refuse."""
    allowed = {tuple(line.split(" ")[:2]) for line in all_lines}
    seen = set(re.findall(r"^(\w+): (dynamodb|eventbridge) (\w+)", calls, re.MULTILINE))
    if not seen:
        yield "no calls were found to compare with"
    for who, service, operation in sorted(seen):
        operation = {"TransactWriteItems": "PutItem"}.get(operation, operation)
        who = "WebhookCrm" if who == "Webhook" else who
        if (who, f"{'events' if service == 'eventbridge' else service}:{operation}") not in allowed:
            yield f"{who} calls {operation}, which it may not"


def findings(template, snapshot, calls):
    found = lines(template)
    yield from too_wide(found)
    yield from refused_calls(found, calls)
    held = [line for line in snapshot.splitlines() if line and not line.startswith("#")]
    yield from (f"not in permissions.txt: {line}" for line in found if line not in held)
    yield from (f"only in permissions.txt: {line}" for line in held if line not in found)
