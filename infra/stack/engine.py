"""ministack, an engine that is not ours, on this machine: started in a group of processes of its own, ended with all of it."""

import os
import platform
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import boto3

REGION = "eu-central-1"
# The engine starts functions as programs of this machine, whatever it was told that they are built for; it is told the truth.
ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
# It starts in a few seconds; a machine that builds beside it takes longer.
STARTS_WITHIN_S = 120


class Engine:
    """`with Engine(folder, by) as engine:`; what it writes goes into `folder`. Functions ask it at `by`, where that passes it on."""

    def __init__(self, folder, by):
        self.log, self.by = Path(folder) / "ministack.log", by

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        # Its own default listens to the whole network; functions find it by the address in its own environment.
        own = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "AWS_ENDPOINT_URL": self.by, "AWS_DEFAULT_REGION": REGION}
        program = Path(sys.executable).with_name("ministack")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([program], env={**os.environ, **own}, stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                sys.exit(f"ministack does not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.2)
        return self

    def __exit__(self, *_):
        # It does not always end when it is asked to.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def _answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def client(self, service):
        key = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, **key)
