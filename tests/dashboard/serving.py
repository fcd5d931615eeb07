"""The dashboard as its own process on loopback, and a proxy before it such as JupyterHub has."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

TOKEN = "a-token-for-tests-only"
HUB = "/user/ann/proxy/5006"
"""What JupyterHub's proxy takes away of a path."""
_COMMAND = [sys.executable, "-c", "import sys; from onex_analytics.cli import main; sys.exit(main())", "dashboard"]


@dataclass(frozen=True)
class Served:
    """A dashboard that runs."""

    url: str
    """With its slash, without the token."""
    log: Path

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80

    def address(self, query: str = "") -> str:
        """Where a person would go: with the token."""
        return f"{self.url}?token={TOKEN}&{query}"


@contextmanager
def served(store: str, folder: Path, *options: str) -> Iterator[Served]:
    """A dashboard of a store, for as long as the block lasts; it is ended by its own id."""
    log = folder / "dashboard.log"
    command = [*_COMMAND, "--store", store, "--port", "0", "--no-browser", "--token", TOKEN, *options]
    environment = {**os.environ, "NUMBA_NUM_THREADS": "1"}
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=written, env=environment, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("http://"), log.read_text()
            yield Served(line.split("?")[0], log)
        finally:
            process.terminate()
            process.wait(30)
            if process.stdout is not None:
                process.stdout.close()


@dataclass
class Proxy:
    """A proxy on loopback."""

    port: int = 0
    target: int = 0
    """The port that it hands requests on to."""


@contextmanager
def proxied(prefix: str, *, strips: bool) -> Iterator[Proxy]:
    """A proxy that hands requests below a prefix on to a port of this machine, whole or without it."""
    ready, loop, proxy = Event(), asyncio.new_event_loop(), Proxy()

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path, rest = head.split(" ", 2)
            path = re.sub(f"^{re.escape(prefix)}", "", path) if strips else path
            if "upgrade: websocket" not in rest.lower():
                rest = re.sub(r"(?im)^connection:.*$", "Connection: close", rest)
            there, back = await asyncio.open_connection("127.0.0.1", proxy.target)
            back.write(f"{method} {path or '/'} {rest}".encode("latin-1"))
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(hand_on, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def run_and_close() -> None:
        loop.run_until_complete(run())
        loop.close()

    stop = asyncio.Event()
    thread = Thread(target=run_and_close)
    thread.start()
    assert ready.wait(20)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
