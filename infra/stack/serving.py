"""Servers of ours, on this machine's loopback."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Quiet(BaseHTTPRequestHandler):
    """A handler that answers every method by `_one` and writes no log."""

    protocol_version = "HTTP/1.1"

    def __init_subclass__(cls):
        cls.do_GET = cls.do_POST = cls.do_PUT = cls.do_PATCH = cls.do_DELETE = cls.do_HEAD = cls._one

    def log_message(self, *_):
        pass


class Served:
    """What serves between `_serve` and its end as a context; `url` is where."""

    def _serve(self, handler):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
