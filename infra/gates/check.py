"""Checks the stack without AWS: expands the template, lints the expansion, checks relations, permissions and alarms.

`BLESS=1` writes permissions.txt and alarms.txt; read that difference before committing it.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import alarms
import cost
import expand
import permissions
import relations
import snapshots

PAGE = expand.TEMPLATE.parent / "deploy" / "README.md"
# Rules of the linters that are wrong for this stack, each with the reason. One that nothing meets any more is a finding.
PASSED_OVER = {
    "ES1001": "of queues: theirs is the queue's own redrive policy, which relations.py asks for",
    "ES6000": "of dead-letter queues: what should take theirs? relations.py asks it of all others",
    "ES7000": "the alarms' mail: SNS tries mail again for hours, and an alarm shows in CloudWatch as well",
    "WS1000": "no X-Ray: one query over the logs follows a delivery by its id, and X-Ray cannot be allowed narrower than *",
    "WS1002": "a receiver may be called by the API and, when asked for, by its URL",
    "WS1004": "log groups have names of their own, through LoggingConfig; relations.py asks for their retention",
}


def lint(template):
    """Findings of cfn-lint and its serverless rules: (rule, line of text)."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(template, file, indent=1, sort_keys=True)
        file.flush()
        command = [Path(sys.executable).with_name("cfn-lint"), "--format", "json", "-a", "cfn_lint_serverless.rules", "--", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "AWS_DEFAULT_REGION": expand.REGION})
    if not done.stdout.strip():
        return [("E0000", f"cfn-lint says nothing: {done.stderr.strip()}")]
    where = lambda found: "/".join(map(str, found["Location"].get("Path") or []))
    return [(found["Rule"]["Id"], f"{found['Rule']['Id']} {where(found)}: {found['Message']}") for found in json.loads(done.stdout)]


def linted(template):
    found = lint(template)
    met = {rule for rule, _ in found}
    yield from (line for rule, line in found if rule not in PASSED_OVER)
    yield from (f"{rule} is passed over and met by nothing" for rule in PASSED_OVER if rule not in met)


def main():
    template = expand.expand(expand.read(expand.TEMPLATE.read_text()))
    found = [*relations.findings(template)]
    for kind in (permissions, alarms):
        if os.environ.get("BLESS"):
            snapshots.write(kind, template)
        found += kind.findings(template, kind.SNAPSHOT.read_text())
    found += linted(template)
    for finding in found:
        print(f"infra/template.yaml: {finding}", file=sys.stderr)
    for finding in (costs := list(cost.findings(template, PAGE.read_text()))):
        print(finding, file=sys.stderr)
    found += costs
    if not found:
        print(f"{len(template['Resources'])} resources, {len(permissions.lines(template))} permissions: as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
