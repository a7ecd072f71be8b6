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
    """As much of DynamoDB's client as restoring uses. A restored table needs three looks to be there."""

    exceptions = type("Exceptions", (), {"ResourceNotFoundException": NotFound, "ConditionalCheckFailedException": Refused})

    def __init__(self, **tables):
        self.rows = {name: {self.key(row): row for row in rows} for name, rows in tables.items()}
        self.looks = dict.fromkeys(tables, 3)
        self.restored = []

    @staticmethod
    def key(row):
        return tuple(row[name]["S"] for name in ("pk", "sk", "delivery") if name in row and (name != "delivery" or "pk" not in row))

    def restore_table_to_point_in_time(self, SourceTableName, TargetTableName, RestoreDateTime):
        self.restored.append((SourceTableName, RestoreDateTime))
        self.rows[TargetTableName] = self.past
        self.looks[TargetTableName] = 0

    def describe_table(self, TableName):
        if TableName not in self.rows:
            raise NotFound
        self.looks[TableName] += 1
        return {"Table": {"TableStatus": "ACTIVE" if self.looks[TableName] > 2 else "CREATING"}}

    def get_paginator(self, _):
        return self

    def paginate(self, TableName, **_):
        rows = list(self.rows[TableName].values())
        for start in range(0, len(rows), 2):
            yield {"Items": rows[start : start + 2]}

    def put_item(self, TableName, Item, ConditionExpression=None, ExpressionAttributeNames=None):
        key = self.key(Item)
        if ConditionExpression and key in self.rows[TableName]:
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
        self.said, self.asked = [], []
        session = Session(tables)
        restore.main([*arguments], session, lambda *words: self.asked.append(words), self.said.append, lambda _: None)

    def test_what_was_wrecked_is_as_it_was_and_what_was_sent_stays_sent(self):
        fact, action = ("SUBJECT#hubspot:company:1", "FACT#account"), ("ACTION#7d4e", "ACTION")
        now = Tables(accounts=[row(*fact, "wrong"), row(*action, "sent"), row("SUBJECT#hubspot:company:3", "FACT#account", "new")])
        past = [row(*fact, "right"), row(*action, "asked"), row("SUBJECT#hubspot:company:2", "FACT#account", "deleted since")]
        now.past = {Tables.key(one): one for one in past}
        self.restore(now, "accounts", "2026-12-01T10:00:00+01:00", "--stack", "second")
        values = sorted(one["value"]["S"] for one in now.rows["accounts"].values())
        self.assertEqual(values, ["deleted since", "new", "right", "sent"])
        self.assertEqual(now.restored, [("accounts", AT)])
        aws = ("--aws", "--stack", "second")
        self.assertEqual(self.asked, [("pause", *aws), ("redrive", *aws, "--since", "2026-12-01T09:00:00Z")])
        self.assertIn("barometer resume --aws --stack second", self.said[-1])
        # Stopped, and run again: the copy is there.
        self.restore(now, "accounts", "2026-12-01T09:00:00Z", "--stack", "second")
        self.assertEqual(len(now.restored), 1)
        self.assertEqual(sorted(one["value"]["S"] for one in now.rows["accounts"].values()), values)

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
            restore.main(["accounts", "2026-12-01T09:00:00Z"], Session(tables, ()), lambda *words: self.asked.append(words))
        self.assertEqual((self.asked, tables.restored), ([], []))

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
