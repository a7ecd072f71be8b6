"""What each alarm looks at, and from when on it goes off: read from the expanded template, compared with `alarms.txt`, which people
read. A number that is wrong by a zero, or a sign that is turned round, makes an alarm that is there and never heard.
"""

from pathlib import Path

import snapshots
from relations import Stack

SNAPSHOT = Path(__file__).with_name("alarms.txt")
HEAD = "When each alarm goes off, and what it looks at"
SIGNS = {
    "GreaterThanOrEqualToThreshold": ">=",
    "GreaterThanThreshold": ">",
    "LessThanOrEqualToThreshold": "<=",
    "LessThanThreshold": "<",
}
# Whom an alarm tells, and what: relations.py asks for them.
TOLD = ("AlarmActions", "AlarmDescription", "OKActions")


def lines(template):
    """Of each alarm when it goes off, then each value that this is found from. What no words are for stands behind as it is."""
    stack, found = Stack(template), []
    for name, alarm in sorted(stack.of("AWS::CloudWatch::Alarm").items()):
        alarm = {key: value for key, value in alarm.items() if key not in TOLD}
        values = alarm.pop("Metrics", None) or [alone(alarm)]
        compared = " and ".join(value["Id"] for value in values if value.get("ReturnData", True))
        sign, threshold = SIGNS[alarm.pop("ComparisonOperator")], alarm.pop("Threshold")
        periods = alarm.pop("EvaluationPeriods")
        often = f"{alarm.pop('DatapointsToAlarm', periods)} of {periods} periods"
        where = stack.resources[name].get("Condition")
        found.append(
            f"{name} goes off when {compared} {sign} {threshold} in {often}, one without data is {alarm.pop('TreatMissingData', 'missing')}"
            f"{rest(alarm)}{f', where {where}' if where else ''}"
        )
        found += [f"{name}: {value.pop('Id')} is {looked_at(value)}" for value in map(dict, values)]
    return found


def alone(alarm):
    """The one metric of an alarm, taken out of it, as an alarm on several has each."""
    metric = {key: alarm.pop(key) for key in ("Namespace", "MetricName", "Dimensions") if key in alarm}
    return {"Id": "it", "MetricStat": {"Metric": metric, "Stat": alarm.pop("Statistic", None), "Period": alarm.pop("Period")}}


def looked_at(value):
    value.pop("ReturnData", None)
    if "Expression" in value:
        return value.pop("Expression") + rest(value)
    stat = value.pop("MetricStat")
    metric, statistic, period = (stat[key] for key in ("Metric", "Stat", "Period"))
    of = "".join(f", {dimension['Name']} = {snapshots.text(dimension['Value'])}" for dimension in metric.get("Dimensions", []))
    more = {key: stat[key] for key in stat if key not in ("Metric", "Stat", "Period")}
    return f"the {statistic} of {metric['Namespace']} {metric['MetricName']} in {period} s{of}{rest({**value, **more})}"


def rest(properties):
    return "".join(f", {key} = {snapshots.text(value)}" for key, value in sorted(properties.items()))


def findings(template, snapshot):
    yield from snapshots.differences(SNAPSHOT, lines(template), snapshot)
