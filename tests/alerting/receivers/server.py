"""A real HTTP server on loopback that can fail, stall and recover while a test runs."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink:
    """Keeps what was posted. `mood` is what it does with the next requests: ok, stall, or a status such as 503."""

    def __init__(self) -> None:
        self.mood: str | int = "ok"
        self.taken: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.attempts = 0
        self.released = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = self.rfile.read(int(self.headers["Content-Length"]))
                if len(said) < int(self.headers["Content-Length"]):
                    return  # who asked was killed meanwhile
                body = json.loads(said)
                sink.attempts += 1
                if sink.mood == "stall":
                    sink.released.wait(30)
                    return
                status = 200 if sink.mood == "ok" else int(sink.mood)
                if status == 200:
                    sink.times.append(time.time())
                    sink.headers.append(dict(self.headers))
                    sink.taken.append(body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"said so")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def wait_until(held, timeout_s: float = 20.0) -> None:
    """Wait for something that another thread brings about."""
    end = time.monotonic() + timeout_s
    while not held():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)
