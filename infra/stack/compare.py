"""The same deliveries to the host on one machine, and whether its tables hold what those on the second engine hold."""

import hashlib
import json
from datetime import datetime, timedelta

import installation
from laptop import Laptop

# Kept, because it tells which of two deliveries is the newer one. It is the sender's, a second before the receipt now and then.
SIGNED_AT = "x-zendesk-webhook-signature-timestamp"
# Differs by nature in every action: who held it, until when and how often, and what the vendor called it.
OF_ACTIONS = {"holder", "lease_until", "attempts", "vendor_ref", "thread_ref", "thread_ts"}


def _less(value, names):
    """Without these names, wherever they stand."""
    if isinstance(value, dict):
        return {key: _less(each, names) for key, each in value.items() if key not in names}
    return [_less(each, names) for each in value] if isinstance(value, list) else value


def comparable(items):
    """Items by their keys, without what differs by nature: by who ran when, not by what was said."""
    actions = {item["id"] for item in items if item["sk"] == "ACTION"}
    found = {}
    for item in items:
        kind, sk = item["pk"].split("#")[0], item["sk"]
        if kind == "CONTROL":
            continue  # the switches were set in different ways; how many calls were made lately
        if kind == "ACTION":
            item = _less({**item, "rendered": json.loads(item["rendered"]) if "rendered" in item else None}, OF_ACTIONS)
        if kind in ("DESK", "SURGE"):
            item = _less(item, {"at"})  # when a message was given its place
        if kind == "OUTBOX":
            item = {**item, "event": json.loads(item["event"])}
            if item["event"]["type"].startswith("action."):
                asked = item["event"]["type"] == "action.requested"
                # When an action ended, which its event tells.
                item = item if asked else _less(item, OF_ACTIONS | {"as_of", "occurred_at"})
        if kind == "TIMELINE" and item["id"] in actions:
            sk, item = f"#{item['id']}", _less(item, {"at", "sk"})
        if sk == "ASSESSMENT":
            item = _less(item, {"version"})  # how many looks that made
        found[item["pk"], sk] = item
    return found


def differing(wanted, got, path=""):
    """Where two values differ, and how."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key in sorted(wanted.keys() | got.keys()):
            yield from differing(wanted.get(key), got.get(key), f"{path}.{key}")
    elif wanted != got:
        yield f"{path.lstrip('.')} is {str(got)[:200]}, on the laptop {str(wanted)[:200]}"


def _at(text):
    return datetime.fromisoformat(text).timestamp()


def repeat(laptop, told, received, signed):
    """The story again, each delivery at the moment at which the second engine received it, and with the one that it was signed with."""
    for playbook in sorted({playbook for playbook, _ in installation.LIVE}):
        laptop.run("golive", "--playbook", playbook, "--yes")
    for chapter in told:
        if isinstance(chapter, str):
            laptop.run("clock", "set", chapter)
        else:
            moments = {hashlib.sha256(body).hexdigest(): (connection, body) for connection, body in chapter}
            for digest in sorted(moments, key=received.get):
                laptop.run("clock", "set", received[digest])
                laptop.send(*moments[digest], _at(signed[digest]))
        laptop.run("settle")


def findings(program, config, folder, told, seen, vendors, mail_url):
    """What is on one of the two only, or not the same. `seen`: journal and accounts of the second engine, and its answers."""
    journal, accounts, answers = seen
    received = {row["body_sha256"]: row["received_at"] for row in journal}
    signed = {row["body_sha256"]: row.get("headers", {}).get(SIGNED_AT, row["received_at"]) for row in journal}
    begins = datetime.fromisoformat(min(received.values())) - timedelta(minutes=1)
    laptop = Laptop(program, config, folder, begins.strftime("%Y-%m-%dT%H:%M:%SZ"), vendors.url, mail_url)
    with laptop:
        repeat(laptop, told, received, signed)
        said = {asked: laptop.run(*asked) for asked in answers}
    kept = {(row["delivery"], row["body"], row["received_at"]) for row in laptop.items("Journal") if row["connection"] != "operator"}
    if kept != (there := {(row["delivery"], row["body"], row["received_at"]) for row in journal}):
        yield f"the journals differ: {sorted(row[0] for row in kept ^ there)}"
    wanted, got = comparable(laptop.items("Accounts")), comparable(accounts)
    yield from (f"only the laptop has {key}" for key in sorted(wanted.keys() - got.keys()))
    yield from (f"only the second engine has {key}" for key in sorted(got.keys() - wanted.keys()))
    for key in sorted(wanted.keys() & got.keys()):
        yield from (f"{' '.join(key)}: {how}" for how in differing(wanted[key], got[key]))
    for asked, answer in answers.items():
        lines = [dict(enumerate(text.splitlines(), 1)) for text in (said[asked], answer)]
        yield from differing(*lines, f"line of `{' '.join(asked)} --aws`")
