"""The dashboard as a Panel server on this machine."""

from __future__ import annotations

import gzip
import hashlib
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import panel
from bokeh.document import Document
from bokeh.io import curdoc
from bokeh.server.server import Server
from panel.io.server import get_server
from tornado.ioloop import PeriodicCallback
from tornado.routing import Rule
from tornado.web import RequestHandler

from onex_analytics.dashboard.guard import Door, Outside, Token
from onex_analytics.dashboard.library import Library
from onex_analytics.dashboard.tabs import Tab

_ASSETS = Path(__file__).parent / "assets"
_SESSION_MS = 60_000


class Bridge(panel.custom.JSComponent):
    """Carries messages between a tab of the browser and its `Tab`; the script that it loads draws the page."""

    _esm = (_ASSETS / "bridge.js").read_text(encoding="utf-8")
    tab: Tab

    def _handle_msg(self, data: Any) -> None:
        self.tab.hear(data)


def serve(
    library: Library, *, secret: str | None = None, address: str = "127.0.0.1", port: int = 0, prefix: str = "",
    origins: Sequence[str] = (), watch_seconds: float = 10.0,
) -> tuple[Server, str]:  # fmt: skip
    """A server that is ready to run: `server.io_loop.start()` runs it, `stop` of both ends it.

    Args:
        library: the store.
        secret: what whoever looks must show; one is made where it is None.
        address: where it listens: 127.0.0.1 is heard by this machine alone.
        port: 0 for any that is free.
        prefix: what its paths begin with, where a proxy hands them on as they came.
        origins: hosts (with their ports) whose pages may open its websocket, besides this machine's own names.
        watch_seconds: how often it looks whether the store has grown.

    Returns:
        The server, and the secret.

    Raises:
        InvalidOption: the secret is too short.
        OSError: the port is taken.
    """
    prefix = "/" + prefix.strip("/") if prefix.strip("/") else ""
    secret = secrets.token_urlsafe(24) if secret is None else secret
    Token(secret, port)  # refuses it before a port is taken
    if port:  # a server that fails to listen leaves a socket open
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        socket.create_server((address, port), family=family).close()
    server = get_server(
        {"/": lambda: _opened(library)}, address=address, port=port, prefix=prefix, location=False, show=False,
        start=False, websocket_origin=["localhost"], use_xheaders=True, index=None, extra_patterns=[
            (r"/assets/([0-9a-f]+)/(page\.css|dashboard\.css|plotly\.js)", Asset),
        ], keep_alive_milliseconds=20_000, unused_session_lifetime_milliseconds=_SESSION_MS,
    )  # fmt: skip
    taken = int(server.port or port)
    token = Token(secret, taken)
    application: Any = server._tornado
    allowed = _origins(address, taken, origins)
    application.websocket_origins.clear()
    application.websocket_origins.update(allowed)
    door = Rule(Outside(token, prefix, allowed), Door, {"token": token})
    application.default_router.rules.insert(0, door)
    application.settings["log_function"] = _log_faults
    watching = ThreadPoolExecutor(1, "watching")

    def watch() -> None:
        if watching._work_queue.empty():
            watching.submit(library.watch)

    PeriodicCallback(watch, watch_seconds * 1000).start()
    return server, secret


def _origins(address: str, port: int, more: Sequence[str]) -> set[str]:
    names = {"localhost", "127.0.0.1", "[::1]"} | ({address} if address not in ("0.0.0.0", "::", "") else set())
    """Hosts with their ports; a host alone stands for the port of a plain and of a secret connection."""
    named = {one for one in more if ":" in one}
    named |= {f"{one}:{port}" for one in more if ":" not in one for port in (80, 443)}
    return {f"{name}:{port}" for name in names} | named


def _log_faults(handler: RequestHandler) -> None:
    """Refused requests are no news, and their queries may hold a token with a slip in it."""
    if handler.get_status() >= 500:
        request = handler.request
        sys.stderr.write(f"{handler.get_status()} {request.method} {request.path}\n")


def _opened(library: Library) -> panel.Template:
    """The document of a new tab."""
    document = curdoc()
    bridge: Bridge = Bridge()  # type: ignore[no-untyped-call]
    tab = Tab(library, _teller(document, bridge))
    bridge.tab = tab
    library.join(tab)
    document.on_session_destroyed(lambda _: tab.leave())
    template = panel.Template((_ASSETS / "frame.html").read_text(encoding="utf-8"))
    template.add_panel("bridge", bridge)
    template.add_variable("store_name", library.name)
    template.add_variable("version", assets_version())
    return template


def _teller(document: Document, bridge: Bridge) -> Callable[[Any], None]:
    """Sends messages in the server's own thread, in their order, whoever calls it."""

    def send(told: Any) -> None:
        if document.session_context is not None:
            bridge._send_msg(dict(told))

    def tell(told: Any) -> None:
        document.add_next_tick_callback(lambda: send(told))

    return tell


# ---------------------------------------------------------------------- files


@cache
def _files() -> dict[str, tuple[str, bytes, bytes]]:
    """Name → content type, bytes, bytes compressed."""
    from plotly.offline import get_plotlyjs

    from onex_analytics.views.page import STYLE

    texts = {
        "page.css": ("text/css", STYLE),
        "dashboard.css": ("text/css", (_ASSETS / "dashboard.css").read_text(encoding="utf-8")),
        "plotly.js": ("text/javascript", get_plotlyjs()),
    }
    return {name: (kind, text.encode(), gzip.compress(text.encode(), 5)) for name, (kind, text) in texts.items()}


@cache
def assets_version() -> str:
    """Changes with what the files hold, so that a browser may keep them for good."""
    told = hashlib.sha256(installed("onex-analytics").encode())
    for _, plain, _ in _files().values():
        told.update(plain)
    return told.hexdigest()[:12]


class Asset(RequestHandler):
    """One of our own files."""

    def get(self, version: str, name: str) -> None:
        kind, plain, packed = _files()[name]
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        current = version == assets_version()
        self.set_header("Cache-Control", "private, max-age=31536000, immutable" if current else "no-store")
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.write(packed)
        else:
            self.write(plain)

