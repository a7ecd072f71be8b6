"""What an operator asks of the stack on a second engine: the program `barometer` with `--aws`, which finds it by its name."""

import json
import os
import time

import bodies
from compare import comparable
from engine import REGION
from laptop import ran
from story import COPPERFIELD, differs

# What is answered as on a laptop, to the letter.
QUESTIONS = [("accounts",), *(("explain", name) for name in ("Halyard Freight", "Moorland Dairy", "Copperfield Analytics"))]
# What the doctor has to say of the installation that is driven, and no more.
TO_BE_MENDED = {("connection unset", "secret")}
# The deliveries of its own that it posts to the stack's addresses, which are none on this machine.
NOT_REACHED = "self-test"
# Takes no connection, so nothing leaves this machine.
NOWHERE = "http://127.0.0.1:9"


class Operator:
    def __init__(self, program, config, engine):
        self.command = [program, "--config", config, "--aws"]
        key = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
        self.environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": engine.url, "HTTPS_PROXY": NOWHERE, **key}

    def ask(self, *arguments, ends=(0,)):
        return ran([*self.command, *arguments], self.environment, ends)

    def answers(self):
        """Question -> what is printed."""
        return {asked: self.ask(*asked) for asked in QUESTIONS}

    def checks(self):
        return json.loads(self.ask("doctor", "--offline", "--json", ends=(1,)))["checks"]

    def of_the_stack(self):
        """What the doctor looks at -> how it is."""
        return {check["check"]: check["state"] for check in self.checks() if check["about"] == "stack"}


def actions(driven):
    return {row["pk"]: row["status"] for row in driven.rows("ACTION#")}


def findings(operator, driven, receivers, vendors):
    """What is received is read again, here and by the stack, and nothing comes of it. A pause holds back what comes meanwhile, for
    good. The doctor finds nothing else."""
    journal = driven.items("Journal")
    since = min(row["received_at"] for row in journal)
    replayed = json.loads(operator.ask("replay", "--since", since, "--json"))
    yield from differs("replay runs so many deliveries", len(journal), replayed["deliveries"])
    yield from differs("replay finds", [], replayed["differences"])

    before, calls = comparable(driven.items("Accounts")), len(vendors.calls)
    redriven = json.loads(operator.ask("redrive", "--since", since, "--json"))
    driven.rest()
    yield from differs("redrive does again", [len(journal), []], [redriven["redriven"]["deliveries"], redriven["failed"]])
    after = comparable(driven.items("Accounts"))
    yield from differs("redrive changes", [], sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key)))
    yield from differs("redrive leaves the journal as it was", True, driven.items("Journal") == journal)
    yield from differs("after a redrive the bus carries", [], driven.on_the_bus())
    yield from differs("after a redrive vendors are asked for", [], vendors.calls[calls:])

    known, calls = actions(driven), len(vendors.calls)
    operator.ask("pause")
    yield from differs("during a pause the doctor says of sending", "mend", operator.of_the_stack()["sending"])
    now = time.time()
    receivers.send("hubspot", bodies.company(COPPERFIELD, "Copperfield Analytics", now, now, csm_sentiment="red"))
    driven.rest()
    meanwhile = {key: status for key, status in actions(driven).items() if key not in known}
    # An alert, and the band that the CRM shows.
    yield from differs("a pause holds back", ["held", "held"], list(meanwhile.values()))
    operator.ask("resume")
    driven.rest()
    yield from differs("what a pause held back is afterwards", known | meanwhile, actions(driven))
    yield from differs("of a pause vendors hear", [], vendors.calls[calls:])

    checks = operator.checks()
    mend = {(check["about"], check["check"]) for check in checks if check["state"] == "mend" and check["check"] != NOT_REACHED}
    yield from differs("the doctor would have mended", TO_BE_MENDED, mend)
    wanted = dict.fromkeys(["deployed", "alarms", "readers", "given up", "sending"], "ok")
    yield from differs("the doctor says of the stack", wanted, operator.of_the_stack())
