"""Slack and HubSpot as the functions see them, on this machine: they take what is sent to them and tell what that was."""

import json
import threading
import urllib.parse

from serving import Quiet, Served

SLACK_TOKEN = "xoxb-of-no-workspace"
HUBSPOT_TOKEN = "pat-eu1-of-no-portal"
CHANNEL = "C0TEAM"


class Vendors(Served):
    """`with Vendors() as vendors:`; `calls` holds (method, path, body) of what was taken, in order.

    `records` is what HubSpot is asked for, by its path.
    """

    def __enter__(self):
        self.calls, self.records, self._lock = [], {}, threading.Lock()
        vendors = self

        class Handler(Quiet):
            def _one(self):
                text = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, answer = vendors._take(self.command, self.path, self.headers, text)
                body = json.dumps(answer).encode()
                try:
                    self.send_response(status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # whoever asked is gone

        return self._serve(Handler)

    def _take(self, method, path, headers, text):
        is_slack = path.startswith("/slack/")
        if headers.get("authorization") != f"Bearer {SLACK_TOKEN if is_slack else HUBSPOT_TOKEN}":
            return (200, {"ok": False, "error": "invalid_auth"}) if is_slack else (401, {"category": "INVALID_AUTHENTICATION"})
        is_json = "json" in headers.get("content-type", "")
        body = json.loads(text or b"{}") if is_json else dict(urllib.parse.parse_qsl(text.decode()))
        with self._lock:
            self.calls.append((method, path, body))
            number = len(self.calls)
        return self._slack(path, body, number) if is_slack else self._hubspot(method, path)

    def _slack(self, path, body, number):
        if path.endswith("users.lookupByEmail"):
            return 200, {"ok": True, "user": {"id": "U0" + body["email"].split(".")[0].upper(), "deleted": False}}
        return 200, {"ok": True, "channel": body.get("channel", CHANNEL), "ts": f"1790000000.{number:06d}"}

    def _hubspot(self, method, path):
        if method == "GET" and (record := self.records.get(path.split("?")[0])):
            return 200, record
        if "/batch/" in path:
            return 201, {"status": "COMPLETE", "results": [{"id": "9001"}]}
        return 200, {"id": path.rsplit("/", 1)[-1]}

    def posted(self):
        """The messages that Slack took, in order."""
        return [body for _, path, body in list(self.calls) if path == "/slack/chat.postMessage"]

    def companies(self):
        """(company, band) of every write of a score, in order."""
        calls = [(path, body) for method, path, body in list(self.calls) if method == "PATCH" and "/companies/" in path]
        return [(path.rsplit("/", 1)[-1], body["properties"]["barometer_band"]) for path, body in calls]

    def read(self):
        """The records that HubSpot was asked for, in order."""
        paths = [path.split("?")[0] for method, path, _ in list(self.calls) if method == "GET"]
        return [path for path in paths if path in self.records]
