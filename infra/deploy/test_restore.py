"""Restoring, against tables that are a dictionary."""

import os
import tempfile
import types
import unittest
from datetime import datetime, timezone
from pathlib import Path
from unittest import mock

import restore

AT = datetime(2026, 12, 1, 9, tzinfo=timezone.utc)


class NotFound(Exception):
    pass


class Refused(Exception):
    pass


class Tables:
    """As much of DynamoDB's client as restoring uses. A restored table needs three looks to be there, and is not read before. What is
    called in turn stands in `calls`, with what is asked of `barometer` and how long is waited."""

    exceptions = type("Exceptions", (), {"ResourceNotFoundException": NotFound, "ConditionalCheckFailedException": Refused})

    def __init__(self, **tables):
        self.rows = {name: {self.key(row): row for row in rows} for name, rows in tables.items()}
        self.looks = dict.fromkeys(tables, 3)
        self.calls = []

    @staticmethod
    def key(row):
        return tuple(row[name]["S"] for name in ("pk", "sk", "delivery") if name in row and (name != "delivery" or "pk" not in row))

    def wait(self, seconds):
        self.calls.append(f"wait {seconds} s")

    def barometer(self, *words):
        self.calls.append(" ".join(words))

    def restore_table_to_point_in_time(self, SourceTableName, TargetTableName, RestoreDateTime):
        self.calls.append(f"restore {SourceTableName} of {RestoreDateTime.isoformat()}")
        self.rows[TargetTableName] = self.past
        self.looks[TargetTableName] = 0

    def describe_table(self, TableName):
        if TableName not in self.rows:
            raise NotFound
        self.looks[TableName] += 1
        status = "ACTIVE" if self.looks[TableName] > 2 else "CREATING"
        self.calls.append(f"{TableName} is {status}")
        return {"Table": {"TableStatus": status}}

    def get_paginator(self, operation):
        assert operation == "scan", operation
        return self

    def paginate(self, TableName, ConsistentRead, PaginationConfig):
        assert self.looks[TableName] > 2, "it cannot be read yet"
        assert ConsistentRead, "what was written last may be missing"
        rows, size = list(self.rows[TableName].values()), PaginationConfig["PageSize"]
        for start in range(0, len(rows), size):
            self.calls.append(f"scan {TableName} by {size}")
            yield {"Items": rows[start : start + size]}

    def put_item(self, TableName, Item, ConditionExpression=None, ExpressionAttributeNames=None):
        key = self.key(Item)
        self.calls.append(f"put {TableName} {key[0]}")
        if ConditionExpression:
            assert ConditionExpression == "attribute_not_exists(#key)" and ExpressionAttributeNames["#key"] in ("pk", "delivery")
            if key in self.rows[TableName]:
                raise Refused
        self.rows[TableName][key] = Item


class Session:
    def __init__(self, tables, outputs=("AccountsTable", "JournalTable")):
        self.tables, self.outputs = tables, outputs

    def client(self, name):
        return self.tables if name == "dynamodb" else self

    def describe_stacks(self, StackName):
        return {"Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": key.removesuffix("Table").lower()} for key in self.outputs]}]}


def row(pk, sk, value):
    return {"pk": {"S": pk}, "sk": {"S": sk}, "value": {"S": value}}


class Restoring(unittest.TestCase):
    def restore(self, tables, *arguments):
        self.said = []
        restore.main([*arguments], Session(tables), tables.barometer, self.said.append, tables.wait)

    def test_what_was_wrecked_is_as_it_was_and_what_was_sent_stays_sent(self):
        fact, action = ("SUBJECT#hubspot:company:1", "FACT#account"), ("ACTION#7d4e", "ACTION")
        now = Tables(accounts=[row(*fact, "wrong"), row(*action, "sent"), row("SUBJECT#hubspot:company:3", "FACT#account", "new")])
        past = [row(*fact, "right"), row(*action, "asked"), row("SUBJECT#hubspot:company:2", "FACT#account", "deleted since")]
        now.past = {Tables.key(one): one for one in past}
        self.restore(now, "accounts", "2026-12-01T10:00:00+01:00", "--stack", "second")
        values = sorted(one["value"]["S"] for one in now.rows["accounts"].values())
        self.assertEqual(values, ["deleted since", "new", "right", "sent"])
        copy = "accounts-20261201T090000Z"
        first = [f"restore accounts of {AT.isoformat()}", "wait 15 s", f"{copy} is CREATING", "wait 15 s", f"{copy} is CREATING", "wait 15 s"]
        rest = [f"{copy} is ACTIVE", f"scan {copy} by 200", *(f"put accounts {one['pk']['S']}" for one in past), "wait 1 s"]
        pause, redrive = "pause --aws --stack second", "redrive --aws --stack second --since 2026-12-01T09:00:00Z"
        self.assertEqual(now.calls, [pause, *first, *rest, redrive])
        self.assertIn("barometer resume --aws --stack second", self.said[-1])
        # Stopped, and run again: the copy is there.
        now.calls.clear()
        self.restore(now, "accounts", "2026-12-01T09:00:00Z", "--stack", "second")
        self.assertEqual(now.calls, [pause, *rest, redrive])
        self.assertEqual(sorted(one["value"]["S"] for one in now.rows["accounts"].values()), values)

    def test_what_was_done_or_decided_stands_where_it_still_is(self):
        stand = ["ACTION#7d4e", "CONTROL", "DESK#live#ann@ourco.example", "OUTBOX#3", "SURGE#live#rescue", "TIMELINE#hubspot:company:1"]
        others = ["SUBJECT#hubspot:company:1", "READER#5f2a", "QUARANTINE#2026-12-01", "HEARD"]
        rows = lambda value: [row(pk, "sk", value) for pk in stand + others]
        now = Tables(accounts=rows("now"), past=rows("then") + [row(pk, "gone", "then") for pk in stand])
        counted = restore.carry_over(now, "past", "accounts", lambda _: None, now.wait)
        self.assertEqual(counted, (len(others + stand), len(stand)))
        found = {key: one["value"]["S"] for key, one in now.rows["accounts"].items()}
        standing = {(pk, "sk"): "now" for pk in stand}
        self.assertEqual(found, {**standing, **{(pk, "sk"): "then" for pk in others}, **{(pk, "gone"): "then" for pk in stand}})

    def test_no_more_is_written_in_a_second_than_it_says(self):
        now = Tables(accounts=[], past=[row(f"SUBJECT#{number}", "FACT#account", "then") for number in range(5)])
        restore.carry_over(now, "past", "accounts", lambda _: None, now.wait, rate=2)
        waited = [call.split()[0] for call in now.calls]
        self.assertEqual(waited, ["scan", "put", "put", "wait"] * 2 + ["scan", "put", "wait"])

    def test_a_delivery_that_is_there_stays_as_it_is(self):
        delivery = lambda id, body: {"delivery": {"S": id}, "value": {"S": body}}
        now = Tables(journal=[delivery("hubspot:1", "without who was erased")])
        now.past = {Tables.key(one): one for one in [delivery("hubspot:1", "as it came"), delivery("hubspot:2", "lost")]}
        self.restore(now, "journal", "2026-12-01T09:00:00Z")
        self.assertEqual([one["value"]["S"] for one in now.rows["journal"].values()], ["without who was erased", "lost"])

    def test_what_is_wrong_is_said_before_anything_is_asked(self):
        tables = Tables(accounts=[])
        for at in ("yesterday", "2026-12-01T09:00:00"):
            with self.assertRaisesRegex(restore.Refused, "no moment with a zone"):
                self.restore(tables, "accounts", at)
        with self.assertRaisesRegex(restore.Refused, "no output AccountsTable"):
            restore.main(["accounts", "2026-12-01T09:00:00Z"], Session(tables, ()), tables.barometer)
        self.assertEqual(tables.calls, [])

    def test_barometer_is_given_what_the_session_found_and_a_failure_names_all_that_was_asked(self):
        class Profile:
            """A session whose key is another each time, as a role's is after an hour."""

            region_name, keys = "eu-north-1", iter(["first", "second", "third"])

            def get_credentials(self):
                return self

            def get_frozen_credentials(self):
                return types.SimpleNamespace(access_key=next(self.keys), secret_key="b", token=None)

        with tempfile.TemporaryDirectory() as folder:
            program, called = Path(folder) / "barometer", Path(folder) / "called"
            program.write_text(f'#!/bin/sh\necho "$* [$AWS_REGION $AWS_ACCESS_KEY_ID]" >> {called}\n[ "$2" != redrive ]\n')
            program.chmod(0o755)
            with mock.patch.dict(os.environ, {"BAROMETER": f"{program} --"}):
                barometer = restore.asking(Profile())
                barometer("pause", "--aws")
                barometer("resume", "--aws")
                with self.assertRaisesRegex(restore.Refused, r"`\S+/barometer -- redrive --aws --since now` failed"):
                    barometer("redrive", "--aws", "--since", "now")
            expected = ["-- pause --aws [eu-north-1 first]", "-- resume --aws [eu-north-1 second]"]
            self.assertEqual(called.read_text().splitlines()[:2], expected)


if __name__ == "__main__":
    unittest.main()
