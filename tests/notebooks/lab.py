"""A JupyterLab of our own: on loopback, a free port, with a token, and without a setting of whoever runs the tests."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"

CONFIG = {
    "LabApp": {
        "news_url": None,                                                   # each of these three would ask a host
        "check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
        "extension_manager": "readonly",
        "expose_app_in_browser": True,                                      # commands by name: window.jupyterapp
    },
    "ServerApp": {
        "ip": LOOPBACK, "port_retries": 0, "open_browser": False, "allow_root": True,
        "jpserver_extensions": {"panel.io.jupyter_server_extension": False},  # seconds, for what no notebook uses
    },
    "LanguageServerManager": {"autodetect": False},
}  # fmt: skip

USER_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}


@dataclass
class Lab:
    """A running server: `url` has the token; `folder` is what it serves; `log` is what it said."""

    url: str
    token: str
    folder: Path
    log: Path
    asked: list[str] = field(default_factory=list)
    """What the server or a kernel asked of a host that is not this machine, by way of the proxy that we name them."""

    def api(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with _opener.open(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def jupyter_lab(folder: Path, own: Path) -> Iterator[Lab]:
    """Serve `folder`; everything that the server keeps lies in `own`. Ended by the id of its own process."""
    config = own / "config"
    for name, settings in USER_SETTINGS.items():
        place = config / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(settings))
    (config / "jupyter_lab_config.json").write_text(json.dumps(CONFIG))
    token = secrets.token_hex(16)
    port = _free_port()
    with _proxy_that_refuses() as (proxy, asked):
        proxies = {"http_proxy": proxy, "https_proxy": proxy, "all_proxy": proxy, "no_proxy": f"{LOOPBACK},localhost"}
        environment = os.environ | {
            "JUPYTER_CONFIG_DIR": str(config), "JUPYTER_DATA_DIR": str(own / "data"),
            "JUPYTER_RUNTIME_DIR": str(own / "runtime"), "IPYTHONDIR": str(own / "ipython"),
            "JUPYTER_TOKEN": token, "PYTHONWARNINGS": "default",
            **{spelled: value for name, value in proxies.items() for spelled in (name, name.upper())},
        }  # fmt: skip
        log = own / "lab.log"
        with log.open("wb") as said:
            server = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", f"--port={port}", f"--ServerApp.root_dir={folder}"],
                cwd=own, env=environment, stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip
        lab = Lab(f"http://{LOOPBACK}:{port}", token, folder, log, asked)
        try:
            _wait_for(lab, server)
            yield lab
        finally:
            server.terminate()  # it ends its kernels
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(lab: Lab, server: subprocess.Popen[bytes], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        try:
            lab.api("status")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not come up:\n{lab.log.read_text()[-3000:]}")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        return int(taken.getsockname()[1])


@contextmanager
def _proxy_that_refuses() -> Iterator[tuple[str, list[str]]]:
    """A proxy for the server and its kernels that notes the first line of each request, and answers none."""
    asked: list[str] = []

    def listen() -> None:
        while True:
            try:
                connection, _ = door.accept()
            except OSError:
                return  # closed: the server has ended
            with connection:
                connection.settimeout(5)
                asked.append(connection.recv(1000).decode("latin-1").partition("\r\n")[0])

    with socket.create_server((LOOPBACK, 0)) as door:
        threading.Thread(target=listen, daemon=True).start()
        yield f"http://{LOOPBACK}:{door.getsockname()[1]}", asked
        door.shutdown(socket.SHUT_RDWR)
