"""The installation that is driven: the configuration as shipped less what needs working hours, its secrets, its switches."""

import re
import shutil
import time
import tomllib
from pathlib import Path

import vendors
from sources import one, source

SHIPPED = Path(__file__).resolve().parents[1] / "config"
SECRET = "a-secret-of-thirty-two-characters"
# Name -> family, of every connection that is signed for.
CONNECTIONS = {"hubspot": "crm", "hubspot-app": "crm", "zendesk": "ticketing", "typeform": "survey", "slack": "slack"}
# Has no secret.
UNSET = "unset"
SENDER = "success@ourco.example"
# What is let out; everything else observes.
LIVE = [("risk-mitigation", "slack"), ("write-back", "hubspot"), ("onboarding-kickoff", "slack"), ("onboarding-kickoff", "email")]
# File -> (as shipped, as driven). A run takes a minute and can come at any hour of any day. {vendors}: where ours are.
CHANGED = {
    "connections.toml": [
        ('# [connection.slack]\n# tool = "slack"\n', '[connection.slack]\ntool = "slack"\n\n[connection.unset]\ntool = "typeform"\n'),
        ('[connection.hubspot-app]\n', '[connection.hubspot-app]\napi_url = "{vendors}"\n'),
    ],
    "team.toml": [
        ('quiet = "18:00-08:00"', "# nobody is quiet"),
        ('settle = "2m"', 'settle = "0m"'),
        ('digest_at = "09:00"', f'digest_at = "{(time.gmtime().tm_hour + 12) % 24:02}:00"'),
    ],
    "modes.toml": [('# [most.write-back]\n# hubspot = "live"', '[most.write-back]\nhubspot = "live"')],
}


def configure(folder, vendors_url):
    """Writes the configuration into `folder`, which must not be there yet."""
    shutil.copytree(SHIPPED, folder)
    for name, changes in CHANGED.items():
        text = (folder / name).read_text()
        for shipped, driven in changes:
            # As a line of its own.
            if text.count(f"\n{shipped}") != 1:
                raise SystemExit(f"infra/config/{name} has no one line `{shipped}` any more: see infra/stack/installation.py")
            text = text.replace(f"\n{shipped}", f"\n{driven.replace('{vendors}', vendors_url)}")
        (folder / name).write_text(text)


def tools():
    """Those that there is a connector of."""
    listed = one(r"(?s)\nall! \{\n(.*?)\n\}", source("shared/connectors/src/lib.rs"), "ALL")
    for connector in re.findall(r"(\w+)::", listed):
        path = f"shared/connectors/src/{connector}/mod.rs"
        yield one(r'Tool = Tool \{\s+name: "([\w-]+)"', source(path), path)


def findings(folder):
    """Connections of the configuration and tools that nothing is sent as."""
    configured = tomllib.loads((folder / "connections.toml").read_text())["connection"]
    yield from (f"the connection {name} is not driven" for name in sorted(configured.keys() - CONNECTIONS.keys() - {UNSET}))
    driven = {each["tool"] for name, each in configured.items() if name in CONNECTIONS}
    yield from (f"no connection of the tool {tool} is driven" for tool in tools() if tool not in driven)


def keep_secrets(engine, vendors_url):
    """The parameters that infra/deploy/README.md names, and where our Slack and HubSpot are."""
    told = {f"{family}/{name}/secret": SECRET for name, family in CONNECTIONS.items()}
    told |= {"destinations/slack/token": vendors.SLACK_TOKEN, "destinations/slack/base_url": f"{vendors_url}/slack"}
    told |= {"destinations/hubspot/token": vendors.HUBSPOT_TOKEN, "destinations/hubspot/base_url": vendors_url}
    told |= {"fetch/hubspot-app/token": vendors.HUBSPOT_TOKEN}
    for name, value in told.items():
        engine.client("ssm").put_parameter(Name=f"/barometer/{name}", Value=value, Type="SecureString")


def go_live(engine, accounts):
    """The switches, as rows: by a command they would be deliveries as well. And a sender that SES knows."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for playbook, destination in LIVE:
        item = {"pk": "CONTROL", "sk": f"MODE#{playbook}#{destination}", "mode": "live", "at": at}
        engine.client("dynamodb").put_item(TableName=accounts, Item={key: {"S": value} for key, value in item.items()})
    mail = engine.client("sesv2")
    mail.create_email_identity(EmailIdentity=SENDER)
    mail.create_configuration_set(ConfigurationSetName="barometer")
