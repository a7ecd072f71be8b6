"""What the stack costs in a month in which nobody sends it anything, from the resources that the template makes.

With the defaults of the parameters. List prices of us-east-1 in USD, without the free tier, as AWS's price pages had them in November 2026; other regions differ
by some percent. Tables and logs are paid for by what is in them and are not counted here.
"""

import expand
import relations

MONTH_MINUTES = 730 * 60
ALARM = 0.10  # a metric that an alarm looks at
METRIC = 0.30  # a metric of our own
QUEUE_CALL = 0.40 / 1e6
CALL = 0.20 / 1e6
GB_SECOND = 0.0000133334  # arm64
SCHEDULED = 1.00 / 1e6
# Lambda asks each queue over five connections that wait up to 20 s each.
POLLS_A_MINUTE = 5 * 3
# What a minute's clock takes that finds nothing due; it is billed by the millisecond.
CLOCK_SECONDS = 0.1


def rows(template):
    """(what, how many, USD in a month)"""
    made = {name: r for name, r in template["Resources"].items() if r.get("Condition") != "UsesUrls"}
    stack = relations.Stack({**template, "Resources": made})
    measured = list(stack.measured())
    own = {(metric, value) for space, metric, _, value in measured if space == "Barometer"}
    own |= {(relations.UNWATCHED, family) for family in stack.says.families}
    queues = [m for m in stack.mappings().values() if relations.named(m["EventSourceArn"]) in stack.of("AWS::SQS::Queue")]
    clocks = list(stack.of("AWS::Scheduler::Schedule").values())
    if any(clock["ScheduleExpression"] != "rate(1 minute)" for clock in clocks):
        raise ValueError("a schedule that is not each minute's: count it here")
    (memory,) = {function["MemorySize"] for function in stack.functions().values()}
    polls = len(queues) * POLLS_A_MINUTE * MONTH_MINUTES
    ticks = len(clocks) * MONTH_MINUTES
    yield "metrics that alarms look at", len(measured), len(measured) * ALARM
    yield "metrics of our own, where all are in use", len(own), len(own) * METRIC
    yield "looks of Lambda into empty queues", polls, polls * QUEUE_CALL
    yield "minutes of the clock", ticks, ticks * (SCHEDULED + CALL + CLOCK_SECONDS * memory / 1024 * GB_SECOND)


def table(template):
    """The rows as infra/deploy/README.md shows them."""
    counted = list(rows(template))
    lines = ["| | how many | USD a month |", "|---|---|---|"]
    lines += [f"| {what} | {count:,} | {usd:.2f} |" for what, count, usd in counted]
    return "\n".join([*lines, f"| together | | {sum(usd for _, _, usd in counted):.2f} |"])


def findings(template, page):
    if table(template) not in page:
        yield f"infra/deploy/README.md should have, under what it costs:\n{table(template)}"


if __name__ == "__main__":
    print(table(expand.expand(expand.read(expand.TEMPLATE.read_text()))))
