"""Webhooks as the tools sign them, posted to the stack on a second engine, and what is kept of them."""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from pathlib import Path

from relations import FAMILIES

CONNECTORS = Path(__file__).resolve().parents[2] / "shared/connectors/src"
SECRET = "a-secret-of-thirty-two-characters"
# Connections of the shipped configuration, with a body of ours that their tool could send.
SENT = {
    ("crm", "hubspot"): CONNECTORS / "hubspot_workflow/fixtures/company_healthy/body.json",
    ("ticketing", "zendesk"): CONNECTORS / "zendesk/fixtures/ticket_solved/body.json",
    ("survey", "typeform"): CONNECTORS / "typeform/fixtures/answered/body.json",
}


def keyed(secret, text):
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def signed(connection, url, body, secret):
    """The headers with which a connection's tool sends a body."""
    if connection == "hubspot":
        digest = hashlib.sha256(secret.encode() + b"POST" + url.encode() + body).hexdigest()
        return {"x-hubspot-signature-version": "v2", "x-hubspot-signature": digest}
    if connection == "zendesk":
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        own = {"x-zendesk-webhook-signature-timestamp": at, "x-zendesk-webhook-invocation-id": "1"}
        return {**own, "x-zendesk-webhook-signature": keyed(secret, at.encode() + body)}
    return {"typeform-signature": f"sha256={keyed(secret, body)}"}


class Receivers:
    """The receivers' URLs: asked by the engine's address for them, signed for the one that the function is told."""

    def __init__(self, engine, there):
        functions = engine.client("lambda")
        self.engine, self.urls = engine, {}
        for family in FAMILIES:
            name = there[f"Webhook{family.capitalize()}"]["PhysicalResourceId"]
            self.urls[family] = functions.get_function_url_config(FunctionName=name)["FunctionUrl"].rstrip("/")

    def post(self, family, connection, body, secret=SECRET):
        path, url = f"/hooks/{family}/{connection}", self.urls[family]
        headers = {"content-type": "application/json", **signed(connection, url + path, body, secret)}
        asked = f"{self.engine.url}/_aws/lambda-url/{url.split('//')[1].split('.')[0]}{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(asked, body, headers), timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


def findings(engine, there):
    """Signed, forged, repeated, unknown and without a secret: the answers, and what stands in the journal after all of it."""
    parameters, tables = engine.client("ssm"), engine.client("dynamodb")
    for family, connection in SENT:
        parameters.put_parameter(Name=f"/barometer/{family}/{connection}/secret", Value=SECRET, Type="SecureString")
    receivers, journal = Receivers(engine, there), there["Journal"]["PhysicalResourceId"]
    tries = []
    for (family, connection), file in SENT.items():
        body = file.read_bytes()
        tries.append((f"a forged delivery of {connection}", 401, receivers.post(family, connection, body, "another-secret-of-some-length")))
        tries += [(f"a delivery of {connection}", 200, receivers.post(family, connection, body)) for _ in range(2)]
        tries.append((f"a delivery of {connection} with another address", 401, receivers.post("usage", connection, body)))
    tries += [(f"a stranger to {family}", 401, receivers.post(family, "stranger", b"{}")) for family in FAMILIES]
    tries.append(("a connection without a secret", 503, receivers.post("crm", "hubspot-app", b"{}")))
    yield from (f"{what} is answered {got}, not {wanted}" for what, wanted, got in tries if got != wanted)
    rows = tables.scan(TableName=journal, ConsistentRead=True)["Items"]
    kept = sorted(row["connection"]["S"] for row in rows)
    if kept != sorted(connection for _, connection in SENT):
        yield f"the journal holds deliveries of {kept}"
