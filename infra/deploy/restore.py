"""Brings a table of a deployed stack back to what it was at a moment, while nothing is sent.

    make restore TABLE=accounts AT=2026-12-01T09:00:00Z [STACK=barometer]

AWS restores into a new table, without stream, alarms or permissions. So the stack keeps its table, and rows are carried over
from the restored one. What says what was sent is never made older by that: a message that went out after the moment stays
sent. It may be stopped and run again at any point.
"""

import argparse
import os
import shlex
import subprocess
import sys
import time
from datetime import datetime, timezone

import credentials

# Rows of these partitions say what was done or decided by people, and stand as they are where they still are.
KEPT = ("ACTION#", "CONTROL", "DESK#", "OUTBOX#", "SURGE#", "TIMELINE#")
OUTPUTS = {"accounts": "AccountsTable", "journal": "JournalTable"}
# Rows a second: on-demand tables take thousands at once, and every row that is written is looked at by a function.
RATE = 200


class Refused(Exception):
    """What is wrong, and what to do."""


def moment(text):
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Refused(f"AT={text} is no moment with a zone, such as 2026-12-01T09:00:00Z")
    return at.astimezone(timezone.utc)


def table_of(cloudformation, stack, which):
    """The name of the stack's table."""
    outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    for output in outputs:
        if output["OutputKey"] == OUTPUTS[which]:
            return output["OutputValue"]
    raise Refused(f"the stack {stack} has no output {OUTPUTS[which]}; is it one of ours?")


def restored(dynamodb, table, at, say, wait=time.sleep):
    """The name of a table as `table` was at `at`, which is made unless an earlier run made it."""
    name = f"{table}-{at:%Y%m%dT%H%M%SZ}"
    try:
        status = dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    except dynamodb.exceptions.ResourceNotFoundException:
        status = None
        say(f"restoring {table} as of {at:%Y-%m-%d %H:%M:%S} UTC into {name}; AWS takes some minutes at least")
        dynamodb.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=name, RestoreDateTime=at)
    while status != "ACTIVE":
        wait(15)
        status = dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    return name


def is_kept(row):
    """Whether a row that is there already stands as it is: every delivery, and what was done or decided."""
    return "delivery" in row and "pk" not in row or row.get("pk", {}).get("S", "").startswith(KEPT)


def carry_over(dynamodb, source, target, say, wait=time.sleep, rate=RATE):
    """Writes every row of `source` into `target`. Gives how many were written, and how many stood as they are."""
    written = stood = 0
    for page in dynamodb.get_paginator("scan").paginate(TableName=source, ConsistentRead=True, PaginationConfig={"PageSize": rate}):
        for row in page["Items"]:
            absent = {}
            if is_kept(row):
                key = "pk" if "pk" in row else "delivery"
                absent = {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": key}}
            try:
                dynamodb.put_item(TableName=target, Item=row, **absent)
                written += 1
            except dynamodb.exceptions.ConditionalCheckFailedException:
                stood += 1
        say(f"{written} rows carried over, {stood} stand as they are")
        wait(1)
    return written, stood


def asking(session):
    """`barometer` as a function of its words. It knows no profile, so it is given what the session found, anew each time: a key
    may be good for an hour only, and AWS restores for longer."""

    def barometer(*words):
        command = [*shlex.split(os.environ["BAROMETER"]), *words]
        env = {**os.environ, **credentials.environment(session)}
        if subprocess.run(command, check=False, env=env).returncode != 0:
            raise Refused(f"`{shlex.join(command)}` failed; mend it and run this again, it goes on where it stopped")

    return barometer


def main(arguments, session=None, barometer=None, say=print, wait=time.sleep):
    parser = argparse.ArgumentParser(prog="make restore", description=__doc__.split("\n", 1)[0])
    parser.add_argument("table", choices=sorted(OUTPUTS))
    parser.add_argument("at", help="the moment, with its zone, at most 35 days ago")
    parser.add_argument("--stack", default="barometer")
    given = parser.parse_args(arguments)
    at = moment(given.at)
    if session is None:
        import boto3

        session = boto3.Session()
    barometer = barometer or asking(session)
    table = table_of(session.client("cloudformation"), given.stack, given.table)
    dynamodb = session.client("dynamodb")
    aws = ("--aws", "--stack", given.stack)
    barometer("pause", *aws)
    copy = restored(dynamodb, table, at, say, wait)
    carry_over(dynamodb, copy, table, say, wait)
    barometer("redrive", *aws, "--since", f"{at:%Y-%m-%dT%H:%M:%SZ}")
    say(
        f"Whoever was forgotten since has to be forgotten again: `barometer erase --aws --stack {given.stack}`.\n"
        f"Nothing is sent yet. Look at it: `barometer accounts --aws --stack {given.stack}` and the functions' dead letters. Then\n"
        f"`barometer resume --aws --stack {given.stack}`: what came up meanwhile is not sent late. The copy costs as long as it\n"
        f"is there: `aws dynamodb delete-table --table-name {copy}`."
    )


if __name__ == "__main__":
    import botocore.exceptions

    try:
        main(sys.argv[1:])
    except (Refused, credentials.Unknown) as refused:
        sys.exit(f"restore: {refused}")
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as refusal:
        sys.exit(f"restore: AWS says: {refusal}")
