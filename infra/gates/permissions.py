"""Who may do what on what: read from the expanded template, compared with `permissions.txt`, which people read.

The journeys of `tests` hold every call of every function against that list.
"""

from pathlib import Path

import snapshots
from relations import Stack, listed, named

SNAPSHOT = Path(__file__).with_name("permissions.txt")
HEAD = "Who may do what on what: function, action, resource"
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
            found.add(f"{who} everything of {snapshots.text(managed)}")
        for policy in properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                for action in listed(statement["Action"]):
                    for resource in listed(statement["Resource"]):
                        limit = "".join(f" if {key} = {snapshots.text(value)}" for test in statement.get("Condition", {}).values() for key, value in test.items())
                        found.add(f"{who} {action} {snapshots.text(resource)}{limit}")
    return sorted(found)


def too_wide(all_lines):
    for line in all_lines:
        resource = line.split(" ")[2]
        if "*" in line.split(" ")[1] or line.split(" ")[1] == "everything":
            yield f"not action by action: {line}"
        elif "*" in resource and resource not in WIDE:
            yield f"a wider resource than needed: {line}"


def findings(template, snapshot):
    found = lines(template)
    yield from too_wide(found)
    yield from snapshots.differences(SNAPSHOT, found, snapshot)
