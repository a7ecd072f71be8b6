"""Lists that people read, and what the template says otherwise. `BLESS=1 make gates` writes them."""

import re


def write(kind, template):
    """Writes the list of a module that has `SNAPSHOT`, `HEAD` and `lines`."""
    kind.SNAPSHOT.write_text("\n".join([f"# {kind.HEAD}. BLESS=1 make gates writes it.", *kind.lines(template)]) + "\n")


def differences(path, found, snapshot):
    held = [line for line in snapshot.splitlines() if line and not line.startswith("#")]
    yield from (f"not in {path.name}: {line}" for line in found if line not in held)
    yield from (f"only in {path.name}: {line}" for line in held if line not in found)


def text(value):
    """A value of the template in one word, where it is a reference or one itself."""
    if isinstance(value, dict):
        if "Fn::GetAtt" in value:
            return ".".join(value["Fn::GetAtt"])
        sub = value.get("Fn::Sub")
        if isinstance(sub, list):
            return re.sub(r"\$\{(\w+)\}", lambda name: text(sub[1][name[1]]), sub[0])
        return value.get("Ref") or sub or str(value)
    return str(value)
