"""The host on one machine, `barometer`, with the same configuration and a clock that stands where it is put."""

import base64
import json
import os
import signal
import sqlite3
import subprocess

from boto3.dynamodb.types import TypeDeserializer

import deliver
import installation
import vendors
from driven import plain


def ran(command, environment=None, ends=(0,)):
    """What a command prints that ends like this."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    if done.returncode not in ends:
        raise SystemExit(f"barometer {' '.join(map(str, command[1:]))}: {done.stderr}")
    return done.stdout


class Laptop:
    """`with Laptop(…) as laptop:`; `clock` is where its clock stands at first, and mail goes to the SES at `mail_url`."""

    def __init__(self, program, config, folder, clock, vendors_url, mail_url):
        self.program, self.config, self.folder, self.clock = program, config, folder, clock
        self.data = ["--data", folder / "data"]
        folder.mkdir()
        lines = [f'[connections.{name}]\nsecret = "{installation.SECRET}"' for name in installation.CONNECTIONS]
        lines += [f'[destinations.slack]\ntoken = "{vendors.SLACK_TOKEN}"\nbase_url = "{vendors_url}/slack"']
        lines += [f'[destinations.hubspot]\ntoken = "{vendors.HUBSPOT_TOKEN}"\nbase_url = "{vendors_url}"']
        key = 'region = "eu-central-1"\naccess_key_id = "test"\nsecret_access_key = "test"'
        lines += [f'[destinations.email]\n{key}\nbase_url = "{mail_url}"']
        self.secrets = folder / "secrets.toml"
        self.secrets.write_text("\n".join(lines) + "\n")
        self.secrets.chmod(0o600)

    def __enter__(self):
        up = [self.program, *self.data, "--config", self.config, "--secrets", self.secrets]
        up += ["up", "--listen", "127.0.0.1:0", "--empty", "--clock", self.clock]
        self.log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(up, stdout=subprocess.PIPE, stderr=self.log, text=True, env={"PATH": os.environ["PATH"]})
        ready = self.process.stdout.readline()
        if not ready.startswith("ready http://"):
            self.process.kill()
            raise SystemExit(f"barometer does not start: {(self.folder / 'log').read_text()[-2000:]}")
        self.url = ready.split()[1]
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()

    def run(self, *arguments):
        return ran([self.program, *self.data, *arguments])

    def send(self, connection, body, at):
        path = f"/hooks/{installation.CONNECTIONS[connection]}/{connection}"
        headers = deliver.signed(connection, self.url.replace("http:", "https:") + path, body, installation.SECRET, at)
        if (status := deliver.posted(self.url + path, headers, body)) != 200:
            raise SystemExit(f"barometer answers a delivery of {connection} with {status}")

    def items(self, table):
        """Every item of a table, plain, as the engine keeps it in its file."""
        deserialize = TypeDeserializer().deserialize

        def bytes_of(value):
            return {"B": base64.b64decode(value["B"])} if value.keys() == {"B"} else value

        with sqlite3.connect(f"file:{self.folder / 'data' / 'tables.db'}?mode=ro", uri=True) as file:
            texts = [row[0] for row in file.execute(f'SELECT item_json FROM "{table}"')]
        return [plain({key: deserialize(value) for key, value in json.loads(text, object_hook=bytes_of).items()}) for text in texts]
