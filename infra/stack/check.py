"""Creates the stack from infra/template.yaml on a second engine, drives it from webhooks to alerts, and says what is not as it should be.

    check.py BOOTSTRAPS --laptop BAROMETER [--for-aws]

BOOTSTRAPS holds the program of each function, built for this machine, by the function's name, and the example `panics`. With
--for-aws they are packed as AWS gets them, and refused if they would not start there. BAROMETER is the program `barometer`, with
whose tables those of the stack are compared.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from botocore.exceptions import ClientError

INFRA = Path(__file__).resolve().parents[1]
sys.path += [str(INFRA / "gates"), str(INFRA / "deploy")]

import api  # noqa: E402
import compare  # noqa: E402
import deliver  # noqa: E402
import expand  # noqa: E402
import installation  # noqa: E402
import operated  # noqa: E402
import package  # noqa: E402
import panics  # noqa: E402
import patterns  # noqa: E402
import stack  # noqa: E402
import story  # noqa: E402
from driven import Driven  # noqa: E402
from engine import Engine  # noqa: E402
from kills import Gate  # noqa: E402
from vendors import Vendors  # noqa: E402


def pack(template, bootstraps, config, out, for_aws):
    """One zip for each function that the template names."""
    how = {} if for_aws else {"most_glibc": None, "level": 1}
    out.mkdir()
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            name = resource["Properties"]["CodeUri"].rsplit("/", 1)[-1]
            if not (out / name).is_file():
                package.pack(bootstraps / name.removesuffix(".zip"), config, out / name, **how)


def drive(engine, expansion, there, vendors, gate, program, folder):
    """Everything that is wrong after the story, that is otherwise on a laptop, and that an operator is told otherwise."""
    installation.keep_secrets(engine, vendors.url)
    installation.go_live(engine, there["Accounts"]["PhysicalResourceId"])
    driven, receivers = Driven(engine, there), deliver.by_urls(engine, there)
    yield from deliver.refusals(receivers)
    told = story.tell(driven, receivers, vendors, gate)
    operator = operated.Operator(program, folder / "config", engine)
    seen = driven.items("Journal"), driven.items("Accounts"), operator.answers()
    story.afterwards(driven, receivers, vendors)
    yield from story.findings(driven, vendors, gate)
    with Vendors() as others:
        yield from compare.findings(program, folder / "config", folder / "laptop", told, seen, others, engine.url)
    yield from operated.findings(operator, driven, receivers, vendors)
    yield from api.findings(engine, expansion, driven, told)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstraps", type=Path)
    parser.add_argument("--laptop", type=Path, required=True)
    parser.add_argument("--for-aws", action="store_true")
    asked, began = parser.parse_args(), time.monotonic()
    template = stack.without_what_is_unknown(expand.read(expand.TEMPLATE.read_text()))
    expansion = expand.expand(template)
    with tempfile.TemporaryDirectory() as folder, Vendors() as vendors, Gate() as gate, Engine(folder, gate.url) as engine:
        gate.engine = engine.url
        config, packages = Path(folder) / "config", Path(folder) / "packages"
        installation.configure(config, vendors.url)
        pack(template, asked.bootstraps, config, packages, asked.for_aws)
        try:
            found = [*installation.findings(config), *patterns.findings(template, patterns.decided(engine.client("events")))]
            there = stack.create(engine, template, packages)
            found += [*stack.created(expansion, there), *stack.as_asked(engine, expansion, there)]
            found += panics.findings(engine, asked.bootstraps / panics.NAME)
            found += drive(engine, expansion, there, vendors, gate, asked.laptop, Path(folder))
        except ClientError as error:
            found = [f"ministack refuses: {str(error)[:500]}"]
        except SystemExit as stopped:
            found = [str(stopped)]
        if found:
            print(engine.log.read_text()[-6000:], file=sys.stderr)
    for finding in found:
        print(f"second engine: {finding}", file=sys.stderr)
    if not found:
        took = f"{time.monotonic() - began:.0f} s"
        print(f"{len(there)} resources on the second engine, as the template asks, all that must came of what was posted, and on a laptop the same ({took})")
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except package.Refused as refused:
        sys.exit(f"package: {refused}")
