"""Every pattern of the template on events that it takes and events that it does not, decided by an engine that is not ours."""

import copy
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EVENTS = ROOT / "events"
MAIL = ROOT / "shared/connectors/src/ses/fixtures"
# What stands around every event on a bus.
AROUND = {"version": "0", "id": "e-1", "account": "111122223333", "time": "2026-11-20T09:00:05Z", "region": "eu-central-1", "resources": []}


def on_our_bus():
    """Every sample of an event, by its name, as it stands on our bus; of actions one for each kind, and for one that is none."""
    found = {}
    for path in sorted(EVENTS.glob("*.sample.json")):
        detail = json.loads(path.read_text())
        kinds = ["slack_alert", "crm_task", "crm_update", "email_nudge", "of_no_kind"] if detail["type"] == "action.requested" else [None]
        for kind in kinds:
            one = copy.deepcopy(detail)
            if kind:
                one["data"]["kind"] = kind
            name = path.name.removesuffix(".sample.json") + (f" {kind}" if kind else "")
            found[name] = {**AROUND, "source": "barometer", "detail-type": one["type"], "detail": one}
    return found


def of_mail():
    """What SES says, by the name of our fixture."""
    return {path.parent.name: {**AROUND, "detail-type": "Email", "detail": {}, **json.loads(path.read_text())} for path in sorted(MAIL.glob("*/body.json"))}


def of_streams():
    """Records of both tables, by what happened to which row."""
    rows = ["FACT#PROFILE", "FACT#TICK", "ASSESSMENT", "EVENT#1", "PLAY#1", "ACTION"]
    records = {}
    for kind in ("INSERT", "MODIFY", "REMOVE"):
        keys = {row: {"pk": {"S": "p"}, "sk": {"S": row}} for row in rows} | {"delivery": {"delivery": {"S": "hubspot:1"}}}
        for row, key in keys.items():
            around = {**AROUND, "source": "aws:dynamodb", "detail-type": "record", "detail": {}}
            records[f"{kind} {row}"] = {**around, "eventName": kind, "dynamodb": {"Keys": key}}
    return records


# Which of them each takes; all others it does not.
NOTICES = {"notice.requested", "notice.requested.source_silent", "notice.requested.starting_book", "notice.requested.surge"}
RULES = {
    "SlackAlertRule": {"action.requested slack_alert"},
    "SlackNoticeRule": NOTICES,
    "CrmTaskRule": {"action.requested crm_task", "action.requested crm_update"},
    "EmailNudgeRule": {"action.requested email_nudge"},
    "FetchObjectRule": {"object.fetch_requested"},
    "MailEventRule": {"complaint", "hard_bounce", "left_a_topic", "soft_bounce", "subscribed_again", "unsubscribed"},
}
DELIVERIES = {"INSERT delivery", "INSERT FACT#PROFILE", "INSERT FACT#TICK", "INSERT ASSESSMENT", "INSERT EVENT#1", "INSERT PLAY#1", "INSERT ACTION"}
FILTERS = {
    "Normalize": DELIVERIES,
    "Health": {"INSERT FACT#PROFILE", "INSERT FACT#TICK", "MODIFY FACT#PROFILE", "MODIFY FACT#TICK"},
    "Publish": {"INSERT EVENT#1"},
}


def patterns(template):
    """(name, patterns, what one of them takes of which events), for every rule and for every source with filters of a function."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Events::Rule":
            yield name, [properties["EventPattern"]], RULES.get(name), {**on_our_bus(), **of_mail()}
        for event in properties.get("Events", {}).values() if resource["Type"] == "AWS::Serverless::Function" else []:
            if filters := event["Properties"].get("FilterCriteria", {}).get("Filters"):
                yield name, [json.loads(each["Pattern"]) for each in filters], FILTERS.get(name), of_streams()


def findings(template, matches):
    """`matches(pattern, event)` decides."""
    every = list(patterns(template))
    for gone in sorted((RULES.keys() | FILTERS.keys()) - {name for name, *_ in every}):
        yield f"{gone} has no pattern any more"
    for name, each, takes, events in every:
        if takes is None:
            yield f"{name}: nothing says which events it takes"
            continue
        found = {event for event, body in events.items() if any(matches(pattern, body) for pattern in each)}
        yield from (f"{name} should take `{event}`" for event in sorted(takes - found))
        yield from (f"{name} should not take `{event}`" for event in sorted(found - takes))


def decided(events):
    """TestEventPattern of an engine."""

    def matches(pattern, event):
        return events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))["Result"]

    return matches
