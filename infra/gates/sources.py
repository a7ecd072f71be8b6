"""What the sources say of durations, of what is counted and of what it is counted by, so that the template is compared with
the code itself. What is not found where it should be is an error: a check that compares with nothing checks nothing.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# How often `LEASE` says that a vendor is called for one message.
WORDS = {"a call": 1, "two calls": 2, "three calls": 3, "four calls": 4}
SENTENCE = r"template\.yaml`: (\w+ calls?) of (\d+) s < function (\d+) s < lease (\d+) s < visibility (\d+) s"


@dataclass(frozen=True)
class Acts:
    """A function that acts for messages: what stands at its LEASE, in seconds."""

    calls: int
    said: tuple  # of a call, the function, the lease, the visibility
    lease: int


@dataclass(frozen=True)
class Sources:
    vendor_call: int  # the most that one call may take
    store: int  # the most that one operation of the store may take, with its tries
    grace: int  # after which the clock publishes what was left over
    budget: int  # of the clock's work
    acts: dict  # crate -> Acts
    metrics: dict  # name -> the dimension beside it, or None
    families: list
    kinds: list


def one(pattern, text, where):
    found = re.findall(pattern, text)
    if len(found) != 1:
        raise ValueError(f"{where} should have one `{pattern}`; found {len(found)}")
    return found[0]


def body(text, of, where):
    """The lines of a function from its signature to the brace that ends it."""
    return one(rf"(?s)\n( *)((?:pub )?fn {of}\b.*?)\n\1\}}", text, where)[1]


def source(path):
    return (ROOT / path).read_text()


def seconds(pattern, path):
    return int(one(pattern, source(path), path))


def acts():
    found = {}
    for path in sorted(ROOT.glob("functions/*/src/lib.rs")):
        text = path.read_text()
        if "const LEASE" not in text:
            continue
        calls, *said = one(SENTENCE, text, path)
        lease = int(one(r"const LEASE: SignedDuration = SignedDuration::from_secs\((\d+)\)", text, path))
        found[path.parents[1].name] = Acts(WORDS[calls], tuple(map(int, said)), lease)
    return found


def metrics(path="shared/runtime/src/metrics.rs"):
    text = source(path)
    names = dict(re.findall(r'Self::(\w+)(?:\(_\))? => "(\w+)"', body(text, "name", path)))
    arms = re.findall(r'((?:Self::\w+(?:\(\w+\))?[\s|]*)+)=>[\s{]*(?:Some\(\("(\w+)"|None)', body(text, "dimension", path))
    by = {variant: dimension or None for arm, dimension in arms for variant in re.findall(r"Self::(\w+)", arm)}
    if not names or names.keys() != by.keys():
        raise ValueError(f"{path}: the metrics are not understood: {sorted(names.keys() ^ by.keys())}")
    return {name: by[variant] for variant, name in names.items()}


def named(enum, path):
    """Variant -> what it is called."""
    text = one(rf"(?s)\nimpl {enum} \{{\n.*?\n\}}\n", source(path), path)
    return dict(re.findall(r'Self::(\w+) => "(\w+)"', body(text, "as_str", path)))


def families(path="shared/model/src/ids.rs"):
    """Those that receive webhooks."""
    listed = one(r"const WEBHOOKS: \[Self; \d+\] =\s*\[([^\]]*)\]", source(path), path)
    called = named("Family", path)
    return sorted(called[variant] for variant in re.findall(r"Self::(\w+)", listed))


def kinds():
    """What can fail: every kind of action, and what functions name themselves."""
    text = "".join(path.read_text() for path in sorted(ROOT.glob("functions/*/src/**/*.rs")))
    own = re.findall(r'(?:ActionsFailed|counted)\(\s*"(\w+)"', text)
    return sorted({*named("ActionKind", "shared/model/src/event.rs").values(), *own})


@cache
def read():
    return Sources(
        vendor_call=seconds(r"network_within\(Duration::from_secs\((\d+)\)\)", "shared/runtime/src/seam.rs"),
        store=seconds(r"operation_timeout\(Duration::from_secs\((\d+)\)\)", "shared/runtime/src/aws.rs"),
        grace=60 * seconds(r"const GRACE: SignedDuration = SignedDuration::from_mins\((\d+)\)", "shared/store/src/outbox.rs"),
        budget=seconds(r"const BUDGET: SignedDuration = SignedDuration::from_secs\((\d+)\)", "functions/clock/src/lib.rs"),
        acts=acts(),
        metrics=metrics(),
        families=families(),
        kinds=kinds(),
    )
