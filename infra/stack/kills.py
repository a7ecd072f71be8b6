"""Functions that are killed in the middle of their work: what they asked of AWS is done, and they never hear of it."""

import http.client
import json
import os
import signal
import threading
import urllib.parse
from pathlib import Path

from serving import Quiet, Served

# Function -> the call after which it is killed: its operation, and a text that only its body has.
FIRST_LOOK = {
    "WebhookCrm": ("PutItem", '"hubspot:'),
    "Normalize": ("TransactWriteItems", '"FACT#PROFILE"'),
    "Health": ("TransactWriteItems", '"ASSESSMENT"'),
    "Publish": ("PutEvents", "account.watched"),
}
NOBODY = {}
TROUBLE = {
    "WebhookTicketing": ("PutItem", '"zendesk:'),
    "Health": ("TransactWriteItems", '"PLAY#risk-mitigation'),
    "Publish": ("PutEvents", "account.risk_opened"),
}


class Gate(Served):
    """`with Gate() as gate:` between the functions and the engine at `gate.engine`.

    `twice`: events that it let the bus have twice. `spared`: functions that came to their point with no process to be killed.
    """

    def __enter__(self):
        self.engine, self.left, self.twice, self.spared, self._lock = None, {}, set(), [], threading.Lock()
        gate = self

        class Handler(Quiet):
            def _one(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, headers, answer = gate._passed(self.command, self.path, dict(self.headers), body)
                if gate._kills(self.headers.get("x-amz-target", ""), body):
                    self.close_connection = True
                    return
                try:
                    self.send_response_only(status)
                    for name, value in headers:
                        if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                            self.send_header(name, value)
                    self.send_header("content-length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    self.close_connection = True

        return self._serve(Handler)

    def kill(self, points):
        """From now on each of these functions is killed once, when it comes to its point."""
        with self._lock:
            self.left = dict(points)

    def _passed(self, method, path, headers, body):
        where = urllib.parse.urlsplit(self.engine)
        engine = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        try:
            engine.request(method, path, body, headers)
            answer = engine.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            engine.close()

    def _kills(self, target, body):
        operation, text = target.rsplit(".", 1)[-1], body.decode(errors="replace")
        with self._lock:
            hit = next((name for name, (call, part) in self.left.items() if call == operation and part in text), None)
            if hit is None:
                return False
            del self.left[hit]
        if not self._killed(f"barometer-{hit}-"):
            self.spared.append(hit)
            return False
        if operation == "PutEvents":
            # What the bus has taken, and nobody knows of.
            self.twice |= {json.loads(entry["Detail"])["id"] for entry in json.loads(text)["Entries"]}
        return True

    def _killed(self, name):
        """Ends the processes of a function that this engine runs; gives their numbers."""
        ended = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes().split(b"\0")
                if f"AWS_ENDPOINT_URL={self.url}".encode() in environment and any(
                    each.startswith(f"AWS_LAMBDA_FUNCTION_NAME={name}".encode()) for each in environment
                ):
                    os.kill(int(process.name), signal.SIGKILL)
                    ended.append(int(process.name))
            except OSError:
                continue  # it is gone, or somebody else's
        return ended
