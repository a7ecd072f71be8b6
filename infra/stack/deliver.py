"""Webhooks as the tools sign them, posted to the stack on a second engine, and the answers to them."""

import base64
import hashlib
import hmac
import time
import urllib.error
import urllib.request

import bodies
from installation import CONNECTIONS, SECRET, UNSET
from sources import families

FAMILIES = families()


def keyed(secret, text):
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def signed(connection, url, body, secret, now):
    """The headers with which a connection's tool sends a body."""
    if connection == "slack":
        at = str(int(now))
        digest = hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
        own = {"x-slack-signature": f"v0={digest}", "x-slack-request-timestamp": at}
        return {"content-type": "application/x-www-form-urlencoded", **own}
    if connection == "hubspot":
        digest = hashlib.sha256(secret.encode() + b"POST" + url.encode() + body).hexdigest()
        own = {"x-hubspot-signature-version": "v2", "x-hubspot-signature": digest}
    elif connection == "hubspot-app":
        at = bodies.ms(now)
        own = {"x-hubspot-signature-v3": keyed(secret, b"POST" + url.encode() + body + at.encode()), "x-hubspot-request-timestamp": at}
    elif connection == "zendesk":
        at = bodies.iso(now)
        own = {"x-zendesk-webhook-signature-timestamp": at, "x-zendesk-webhook-invocation-id": hashlib.sha256(body).hexdigest()[:26]}
        own["x-zendesk-webhook-signature"] = keyed(secret, at.encode() + body)
    else:
        own = {"typeform-signature": f"sha256={keyed(secret, body)}"}
    return {"content-type": "application/json", **own}


def posted(url, headers, body):
    """The status that a request is answered with."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


class Receivers:
    """`ways`: family -> the address that its function is told, which is signed for, and that of the engine for the same."""

    def __init__(self, ways):
        self.ways = ways

    def post(self, family, connection, body, secret=SECRET):
        path, (told, asked) = f"/hooks/{family}/{connection}", self.ways[family]
        headers = signed(connection, told + path, body, secret, time.time()) if secret else {"content-type": "application/json"}
        return posted(asked + path, headers, body)

    def send(self, connection, body):
        """One delivery, which must be accepted, if not at once: tools try again."""
        for _ in range(5):
            if (status := self.post(CONNECTIONS[connection], connection, body)) < 500:
                break
            time.sleep(0.5)
        if status != 200:
            raise SystemExit(f"a delivery of {connection} is answered {status}")


def by_urls(engine, there):
    """The receivers by their function URLs."""
    functions, ways = engine.client("lambda"), {}
    for family in FAMILIES:
        name = there[f"Webhook{family.capitalize()}"]["PhysicalResourceId"]
        url = functions.get_function_url_config(FunctionName=name)["FunctionUrl"].rstrip("/")
        ways[family] = url, f"{engine.url}/_aws/lambda-url/{url.split('//')[1].split('.')[0]}"
    return Receivers(ways)


def refusals(receivers):
    """What is forged, unsigned, unknown or cannot be checked is refused, by each route in the same way. Nothing of it is kept."""
    tries = []
    for connection, family in CONNECTIONS.items():
        body = b"{}"
        tries.append((f"a forged delivery of {connection}", 401, receivers.post(family, connection, body, "another-secret-of-some-length")))
        tries.append((f"an unsigned delivery of {connection}", 401, receivers.post(family, connection, body, None)))
        other = next(each for each in FAMILIES if each != family)
        tries.append((f"a delivery of {connection} at the address of {other}", 401, receivers.post(other, connection, body)))
    tries += [(f"a stranger to {family}", 401, receivers.post(family, "stranger", b"{}")) for family in FAMILIES]
    tries.append(("a connection without a secret", 503, receivers.post("survey", UNSET, b"{}")))
    yield from (f"{what} is answered {got}, not {wanted}" for what, wanted, got in tries if got != wanted)
